"""Programs that need names which later releases of pyOpenSSL removed, and servers and clients on SSL.Connection."""

import contextlib
import socket
import ssl
import sys
import threading

import pytest
from OpenSSL import SSL, crypto
from test_urllib3 import DATA, LARGE, SECONDS, Server


def pem(cert):
    return crypto.dump_certificate(crypto.FILETYPE_PEM, cert)


# ---- certauth: X509Extension, X509Req, PKCS12 ----


def test_certauth(tmp_path):
    """An authority makes certificates; the standard library trusts them."""
    from certauth.certauth import CertificateAuthority

    root = tmp_path / "root.pem"
    authority = CertificateAuthority("test authority", str(root), cert_cache=str(tmp_path / "certs"))
    for host, wildcard in (("localhost", False), ("127.0.0.1", False), ("example.test", True)):
        cert, key = authority.load_cert(host, wildcard=wildcard)
        file = tmp_path / f"{host}.pem"
        file.write_bytes(crypto.dump_privatekey(crypto.FILETYPE_PEM, key) + pem(cert))
        with Server(certificate=file, key=file, client=ssl.CERT_NONE) as server:
            context = ssl.create_default_context(cafile=str(root))
            context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
            name = "www.example.test" if wildcard else host
            with socket.create_connection(("127.0.0.1", server.server_port), SECONDS) as plain:
                with context.wrap_socket(plain, server_hostname=name) as client:
                    assert client.getpeercert()["subject"] == ((("commonName", host),),)
    bundle = crypto.load_pkcs12(authority.get_root_PKCS12(), b"")
    assert pem(bundle.get_certificate()) == pem(authority.ca_cert)
    again = CertificateAuthority("test authority", str(root))
    assert pem(again.ca_cert) == pem(authority.ca_cert)


# ---- oauth2client: load_pkcs12, sign, verify ----


@pytest.mark.filterwarnings("ignore")
def test_oauth2client():
    from oauth2client import _openssl_crypt as crypt

    for key in ((DATA / "rsa.pem").read_bytes(), (DATA / "modern.p12").read_bytes()):
        signature = crypt.OpenSSLSigner.from_string(key, "secret").sign("message")
        verifier = crypt.OpenSSLVerifier.from_string((DATA / "server.pem").read_bytes(), is_x509_cert=True)
        assert verifier.verify("message", signature)
        assert not verifier.verify("another", signature)
        assert not verifier.verify("message", b"nonsense")
    assert b"PRIVATE KEY" in crypt.pkcs12_key_as_pem((DATA / "modern.p12").read_bytes(), "secret")
    with pytest.raises(crypto.Error):
        crypt.OpenSSLSigner.from_string((DATA / "modern.p12").read_bytes(), "wrong")


# ---- pysaml2: X509Req, dump_certificate_request, encrypted keys ----


def test_pysaml2():
    from saml2.cert import OpenSSLWrapper

    wrapper = OpenSSLWrapper()
    facts = {"cn": "authority.test", "country_code": "se", "state": "AC", "city": "Dorotea", "organization": "O",
             "organization_unit": "U"}
    root, root_key = wrapper.create_certificate(facts, key_length=2048,
                                                cipher_passphrase={"cipher": "aes-256-cbc", "passphrase": "qwerty"})
    assert b"ENCRYPTED" in root_key
    request, _ = wrapper.create_certificate({**facts, "cn": "host.test"}, request=True, key_length=2048)
    signed = wrapper.create_cert_signed_certificate(root, root_key, request, passphrase=b"qwerty", sn=2)
    assert wrapper.verify(root, signed) == (True, "Signed certificate is valid and correctly signed by CA certificate.")
    good, words = wrapper.verify((DATA / "root.pem").read_bytes(), signed)
    assert not good and "incorrectly signed" in words


# ---- ndg-httpsclient: a socket on SSL.Connection, with files ----


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("authorities, good", [("root.pem", True), ("other-root.pem", False)])
def test_ndg_httpsclient(authorities, good):
    from ndg.httpsclient.ssl_context_util import make_ssl_context
    from ndg.httpsclient.ssl_socket import SSLSocket

    with Server() as server:
        context = make_ssl_context(key_file=str(DATA / "client-key.pem"), cert_file=str(DATA / "client.pem"),
                                   pem_file=str(DATA / authorities), verify_peer=True, url="https://localhost/",
                                   method=SSL.SSLv23_METHOD)
        with contextlib.closing(SSLSocket(context, socket.create_connection(("127.0.0.1", server.server_port), SECONDS))) as client:
            client.set_connect_state()
            client._SSLSocket__ssl_conn.setblocking(True)
            if not good:
                with pytest.raises(SSL.Error, match="certificate verify failed"):
                    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return
            client.sendall(b"GET /large HTTP/1.0\r\n\r\n")
            file = client.makefile()
            while file.readline().strip():
                pass
            assert file.read() == LARGE


# ---- cheroot: a server on SSL.Connection ----


@pytest.mark.parametrize("key", ["rsa.pem", "rsa-aes256.pem"])
def test_cheroot(key):
    from cheroot import wsgi
    from cheroot.ssl.pyopenssl import pyOpenSSLAdapter

    def application(environ, start_response):
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size) if size else environ["SSL_VERSION_LIBRARY"].encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    server = wsgi.Server(("127.0.0.1", 0), application, numthreads=4, timeout=SECONDS)
    server.ssl_adapter = pyOpenSSLAdapter(str(DATA / "server.pem"), str(DATA / key), private_key_password="secret")
    context = server.ssl_adapter.get_context()
    context.use_certificate_chain_file(DATA / "chain.pem")
    context.use_privatekey_file(str(DATA / key))
    server.ssl_adapter.context = context
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        trust = ssl.create_default_context(cafile=str(DATA / "root.pem"))
        body = LARGE[:1000]  # cheroot gives up where a body comes in pieces
        for _ in range(3):
            with socket.create_connection(server.bind_addr, SECONDS) as plain:
                with trust.wrap_socket(plain, server_hostname="localhost") as client:
                    for sent in (b"", body):
                        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(sent) + sent)
                        file = client.makefile("rb")
                        assert b"200 OK" in file.readline()
                        size = 0
                        while line := file.readline().strip():
                            if line.lower().startswith(b"content-length:"):
                                size = int(line.split()[1])
                        answer = file.read(size)
                        assert answer == sent or not sent and answer.startswith(b"OpenSSL ")
    finally:
        server.stop()
        thread.join(SECONDS)
    assert sys.modules["OpenSSL"].version.__title__ == "pyOpenSSL"
