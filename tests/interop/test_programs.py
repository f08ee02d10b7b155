"""TLS with programs that others wrote: openssl, GnuTLS, curl, and Python's ssl module."""

import os
import socket
import ssl
import subprocess
import threading
import time

import pytest
from conftest import (
    PORT,
    TIMEOUT,
    c_program,
    echo_server,
    need,
    python_program,
    run,
    running,
)
from OpenSSL import SSL

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
CLIENTS = {"c": c_program("client"), "python": python_program("client")}


def talk(command, line):
    """Start an interactive client, type a line once it is connected, and wait for its echo."""
    process = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    out = b""
    try:
        process.stdin.write(line + b"\n")
        process.stdin.flush()
        os.set_blocking(process.stdout.fileno(), False)
        deadline = time.monotonic() + TIMEOUT
        while line not in out and process.poll() is None and time.monotonic() < deadline:
            out += process.stdout.read() or b""
            time.sleep(0.02)
        process.stdin.close()
        process.wait(TIMEOUT)
        out += process.stdout.read() or b""
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()
    return out


@pytest.mark.parametrize("version", VERSIONS)
def test_openssl_client(ca, server, version):
    out = talk(
        [need("openssl"), "s_client", "-connect", f"127.0.0.1:{server}", "-CAfile",
         ca / "root.pem", "-verify_return_error", "-verify_hostname", "localhost", "-alpn",
         "echo/1", "-servername", "localhost", "-tls" + version.replace(".", "_")],
        b"line for the echo",
    )  # fmt: skip
    assert b"Verify return code: 0 (ok)" in out
    assert b"ALPN protocol: echo/1" in out
    assert b"line for the echo" in out


@pytest.mark.parametrize("version", VERSIONS)
def test_gnutls_client(ca, server, version):
    out = talk(
        [need("gnutls-cli"), "--x509cafile", ca / "root.pem", "--alpn", "echo/1", "--priority",
         f"NORMAL:-VERS-ALL:+VERS-TLS{version}", "--port", server, "localhost"],
        b"line for the echo",
    )  # fmt: skip
    assert b"The certificate is trusted" in out
    assert b"Application protocol: echo/1" in out
    assert b"line for the echo" in out


def test_curl(ca, tmp_path):
    """curl against a web server of a few lines on our package."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(str(ca / "chain.pem"))
    context.use_privatekey_file(str(ca / "server.key"))
    context.set_alpn_select_callback(
        lambda conn, offered: b"http/1.1" if b"http/1.1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS
    )
    listener = socket.create_server(("127.0.0.1", 0))
    body = os.urandom(300_000)

    def serve():
        plain, _ = listener.accept()
        connection = SSL.Connection(context, plain)
        connection.set_accept_state()
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        connection.shutdown()
        plain.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = listener.getsockname()[1]
    run(need("curl"), "--silent", "--show-error", "--fail", "--noproxy", "*", "--cacert",
        ca / "root.pem", "-o", tmp_path / "body", f"https://localhost:{port}/")
    thread.join(TIMEOUT)
    listener.close()
    assert (tmp_path / "body").read_bytes() == body


@pytest.mark.parametrize("version", VERSIONS)
def test_stdlib_client(ca, server, version):
    context = ssl.create_default_context(cafile=str(ca / "root.pem"))
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.set_alpn_protocols(["other", "echo/1"])
    data = os.urandom(200_000)
    with socket.create_connection(("127.0.0.1", server), timeout=TIMEOUT) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            assert secure.version() == "TLSv" + version
            assert secure.selected_alpn_protocol() == "echo/1"
            got = b""
            # Piece by piece, as two threads in one of ssl's objects crash some releases of Python.
            for at in range(0, len(data), 20_000):
                secure.sendall(data[at : at + 20_000])
                while len(got) < at + 20_000:
                    got += secure.recv(65536)
            assert got == data
            secure.unwrap()  # raises where the close alert does not come


@pytest.mark.parametrize("language", CLIENTS)
@pytest.mark.parametrize("version", VERSIONS)
def test_stdlib_server(ca, language, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.load_cert_chain(ca / "chain.pem", ca / "server.key")
    context.set_alpn_protocols(["echo/1"])
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        plain, _ = listener.accept()
        with context.wrap_socket(plain, server_side=True) as secure:
            while data := secure.recv(65536):
                secure.sendall(data)
            secure.unwrap()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    out = run(*CLIENTS[language], ca / "root.pem", "localhost", listener.getsockname()[1])
    thread.join(TIMEOUT)
    listener.close()
    assert f"TLSv{version}" in out.decode()
    assert b"application: echo/1" in out and b"closed cleanly" in out


@pytest.mark.parametrize("language", CLIENTS)
@pytest.mark.parametrize("version", VERSIONS)
def test_gnutls_server(ca, language, version):
    command = [need("gnutls-serv"), "--echo", "--x509certfile", ca / "chain.pem", "--x509keyfile",
               ca / "server.key", "--alpn", "echo/1", "--port", PORT, "--priority",
               f"NORMAL:-VERS-ALL:+VERS-TLS{version}"]  # fmt: skip
    with running(command) as port:
        # Its echo answers whole lines.
        out = run(*CLIENTS[language], ca / "root.pem", "localhost", port, "hello\n", check=False)
    assert f"TLSv{version}".encode() in out
    assert b"application: echo/1" in out
    assert b"echo:        hello" in out


@pytest.mark.parametrize("language", CLIENTS)
@pytest.mark.parametrize("version", VERSIONS)
def test_openssl_server(ca, language, version):
    """s_server -rev answers each line reversed, so a palindrome comes back as it went."""
    command = [need("openssl"), "s_server", "-accept", PORT, "-cert", ca / "server.pem",
               "-cert_chain", ca / "intermediate.pem", "-key", ca / "server.key", "-alpn",
               "echo/1", "-rev", "-tls" + version.replace(".", "_")]  # fmt: skip
    with running(command) as port:
        out = run(*CLIENTS[language], ca / "root.pem", "localhost", port, "level\n", check=False)
    assert f"TLSv{version}".encode() in out
    assert b"application: echo/1" in out
    assert b"echo:        level" in out


@pytest.mark.parametrize("server_language", ["c", "python"])
def test_expired_server_is_refused(ca, server_language, tmp_path):
    """The client judges dates: a certificate that ended yesterday does not pass."""
    from OpenSSL import crypto

    pem = crypto.FILETYPE_PEM
    key = crypto.load_privatekey(pem, (ca / "server.key").read_bytes())
    issuer = crypto.load_certificate(pem, (ca / "intermediate.pem").read_bytes())
    issuer_key = crypto.load_privatekey(pem, (ca / "intermediate.key").read_bytes())
    cert = crypto.load_certificate(pem, (ca / "server.pem").read_bytes())
    cert.gmtime_adj_notBefore(-10 * 86400)
    cert.gmtime_adj_notAfter(-86400)
    cert.sign(issuer_key, "sha256")
    expired = crypto.dump_certificate(pem, cert) + crypto.dump_certificate(pem, issuer)
    (tmp_path / "chain.pem").write_bytes(expired)
    (tmp_path / "server.key").write_bytes(crypto.dump_privatekey(pem, key))
    program = c_program if server_language == "c" else python_program
    with echo_server(program("echo_server"), tmp_path) as port:
        for client in CLIENTS.values():
            out = run(*client, ca / "root.pem", "localhost", port, check=False)
            assert b"certificate verify failed" in out
