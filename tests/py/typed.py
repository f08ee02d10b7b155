"""A program as others write them, for mypy --strict: it is checked, not run."""

import socket
from typing import Optional

from OpenSSL import SSL, crypto, rand


def verify(connection: SSL.Connection, cert: crypto.X509, number: int, depth: int, ok: int) -> bool:
    subject: Optional[str] = cert.get_subject().commonName
    return bool(ok) and subject is not None


def choose(connection: SSL.Connection, offered: list[bytes]) -> bytes:
    return offered[0]


def context_of(certificate: crypto.X509, key: crypto.PKey) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_options(SSL.OP_NO_SSLv3 | SSL.OP_NO_COMPRESSION)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, verify)
    context.set_alpn_select_callback(choose)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.load_verify_locations("ca.pem", None)
    store: crypto.X509Store = context.get_cert_store()
    store.add_cert(certificate)
    return context


def fetch(context: SSL.Context, host: bytes) -> bytes:
    connection = SSL.Connection(context, socket.create_connection((host.decode(), 443)))
    connection.set_tlsext_host_name(host)
    connection.set_connect_state()
    try:
        connection.do_handshake()
        sent: int = connection.send(b"x" * 10)
        answer: bytes = connection.recv(sent)
    except SSL.WantReadError:
        return b""
    except SSL.SysCallError as error:
        raise OSError(error.args[0], str(error)) from error
    except SSL.Error as error:
        raise ValueError(str(error)) from error
    peer = connection.get_peer_certificate()
    session: Optional[SSL.Session] = connection.get_session()
    if peer is not None and session is not None:
        connection.set_session(session)
        return peer.digest("sha256")
    connection.shutdown()
    connection.close()
    return answer


def make() -> tuple[crypto.X509, crypto.PKey]:
    key = crypto.PKey()
    key.generate_key(crypto.TYPE_RSA, 2048)
    cert = crypto.X509()
    cert.set_serial_number(int.from_bytes(rand.bytes(8), "big"))
    cert.get_subject().CN = "localhost"
    cert.set_issuer(cert.get_subject())
    cert.gmtime_adj_notBefore(0)
    cert.gmtime_adj_notAfter(3600)
    cert.set_pubkey(key)
    cert.add_extensions([crypto.X509Extension(b"subjectAltName", False, b"DNS:localhost")])
    cert.sign(key, "sha256")
    text: bytes = crypto.dump_certificate(crypto.FILETYPE_PEM, cert)
    return crypto.load_certificate(crypto.FILETYPE_PEM, text), key
