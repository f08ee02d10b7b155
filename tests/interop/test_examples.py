"""The examples with each other: each language serves the other."""

import contextlib
import socket
import ssl
import threading

import pytest
from conftest import TIMEOUT, c_program, need, python_program, run


@pytest.mark.parametrize("language", ["c", "python"])
def test_client_and_server(ca, server, language):
    client = (c_program if language == "c" else python_program)("client")
    text = "x" * 40000  # more than two records
    out = run(*client, ca / "root.pem", "localhost", server, text).decode()
    assert "protocol:    TLSv1.3" in out
    assert "application: echo/1" in out
    assert "CN=localhost (verified)" in out
    assert text in out
    assert "closed cleanly" in out


@pytest.mark.parametrize("language", ["c", "python"])
def test_client_refuses_what_it_does_not_trust(ca, server, language, tmp_path):
    client = (c_program if language == "c" else python_program)("client")
    other = tmp_path / "other"
    other.mkdir()
    run(*python_program("make_ca"), other)
    out = run(*client, other / "root.pem", "localhost", server, check=False).decode()
    assert "certificate verify failed" in out
    assert "echo:" not in out


@pytest.mark.parametrize("language", ["c", "python"])
def test_client_refuses_another_host(ca, server, language):
    """The certificate is for localhost and the two loopback addresses, not for 127.0.0.2."""
    client = (c_program if language == "c" else python_program)("client")
    with forward("127.0.0.2", server) as port:
        out = run(*client, ca / "root.pem", "127.0.0.2", port, check=False).decode()
    assert "certificate verify failed" in out


class forward:
    """Accept one connection on another loopback address and pass its bytes on."""

    def __init__(self, address, port):
        self.listener = socket.create_server((address, 0))
        self.port = port
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        inside, _ = self.listener.accept()
        outside = socket.create_connection(("127.0.0.1", self.port))
        for a, b in ((inside, outside), (outside, inside)):
            threading.Thread(target=self.copy, args=(a, b), daemon=True).start()

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        self.thread.start()
        return self.listener.getsockname()[1]

    def __exit__(self, *exc):
        self.listener.close()


def test_server_serves_many_at_once(ca, server):
    """One client that says nothing, one in the middle of a handshake, and fifty that talk."""
    context = ssl.create_default_context(cafile=str(ca / "root.pem"))
    with socket.create_connection(("127.0.0.1", server)), socket.create_connection(
        ("127.0.0.1", server)
    ) as half:
        half.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        clients = []
        for _ in range(50):
            plain = socket.create_connection(("127.0.0.1", server), timeout=TIMEOUT)
            clients.append(context.wrap_socket(plain, server_hostname="localhost"))
        for i, client in enumerate(clients):
            client.sendall(b"hello %d" % i)
        for i, client in enumerate(clients):
            assert client.recv(100) == b"hello %d" % i
            client.close()


def test_server_survives_nonsense(ca, server):
    for junk in (b"GET / HTTP/1.0\r\n\r\n", b"\x00" * 100, b"\x16\x03\x01\xff\xff", b""):
        with socket.create_connection(("127.0.0.1", server), timeout=TIMEOUT) as plain:
            with contextlib.suppress(OSError):
                plain.sendall(junk)
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(4096):
                    pass
    out = run(*c_program("client"), ca / "root.pem", "localhost", server).decode()
    assert "closed cleanly" in out


def test_make_ca_for_openssl(ca):
    openssl = need("openssl")
    out = run(openssl, "verify", "-CAfile", ca / "root.pem", "-untrusted", ca / "intermediate.pem",
              "-purpose", "sslserver", "-verify_hostname", "localhost", "-x509_strict",
              ca / "server.pem")
    assert b": OK" in out
    run(openssl, "verify", "-CAfile", ca / "root.pem", "-untrusted", ca / "intermediate.pem",
        "-verify_ip", "127.0.0.1", ca / "server.pem")
    assert b"verify OK" in run(openssl, "req", "-in", ca / "server.csr", "-verify", "-noout")
    text = run(openssl, "crl", "-in", ca / "intermediate.crl", "-CAfile", ca / "intermediate.pem",
               "-text", "-noout")
    assert b"verify OK" in text and b"Serial Number: 1001" in text and b"Key Compromise" in text
    bundle = run(openssl, "pkcs12", "-in", ca / "server.p12", "-passin", "pass:secret", "-nodes")
    assert bundle.count(b"BEGIN CERTIFICATE") == 2 and b"BEGIN PRIVATE KEY" in bundle
    text = run(openssl, "x509", "-in", ca / "server.pem", "-noout", "-text")
    for words in (b"CA:FALSE", b"DNS:localhost, IP Address:127.0.0.1", b"Subject Key Identifier",
                  b"Authority Key Identifier", b"Digital Signature"):
        assert words in text


def test_make_ca_for_gnutls(ca):
    certtool = need("certtool")
    chain = (ca / "chain.pem").read_bytes()
    out = run(certtool, "--verify", "--load-ca-certificate", ca / "root.pem", "--infile",
              ca / "chain.pem")
    assert b"Verified." in out and chain
    run(certtool, "--verify-crl", "--load-ca-certificate", ca / "intermediate.pem", "--infile",
        ca / "intermediate.crl")
    run(certtool, "--crq-info", "--infile", ca / "server.csr")
    out = run(certtool, "--p12-info", "--inder", "--password", "secret", "--infile",
              ca / "server.p12")
    assert b"BEGIN CERTIFICATE" in out
    run(certtool, "--key-info", "--infile", ca / "server.key")
