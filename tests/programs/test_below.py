"""Programs that go below pyOpenSSL: Ansible 2.9's modules, each a process of its own, and gevent_openssl."""

import base64
import json
import subprocess
import sys

import pytest
from OpenSSL import SSL, crypto

SECONDS = 300


def module(name, **arguments):
    """What a module of Ansible's answers; its backend is this package."""
    if name != "openssl_pkcs12":
        arguments["select_crypto_backend"] = "pyopenssl"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "ansible.modules.crypto." + name],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}), capture_output=True, text=True, timeout=SECONDS,
    )
    assert done.stdout.strip().startswith("{"), done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert not answer.get("failed"), answer
    return answer


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Ansible 2.9 runs with Python up to 3.11")
def test_ansible(tmp_path):
    pytest.importorskip("ansible")
    key, request, cert, other, bundle = (str(tmp_path / name) for name in ("k", "r", "c", "o", "p"))

    def twice(name, **arguments):
        assert module(name, **arguments)["changed"] is True
        return module(name, **arguments)["changed"] is False

    assert twice("openssl_privatekey", path=key, size=2048)
    assert twice("openssl_publickey", path=str(tmp_path / "pub"), privatekey_path=key)
    assert module("openssl_privatekey_info", path=key)["public_data"]["size"] == 2048
    names = ["DNS:www.example.test", "IP:192.0.2.1", "email:a@example.test"]
    subject = {"path": request, "privatekey_path": key, "common_name": "www.example.test", "organization_name": "Ö"}
    module("openssl_csr", **subject, subject_alt_name=names, key_usage=["digitalSignature"], basic_constraints=["CA:TRUE"])
    found = module("openssl_csr_info", path=request)
    assert found["subject"] == {"commonName": "www.example.test", "organizationName": "Ö"}
    assert "DNS:www.example.test" in found["subject_alt_name"] and found["signature_valid"]
    assert base64.b64decode(found["extensions_by_oid"]["2.5.29.17"]["value"])
    own = {"csr_path": request, "privatekey_path": key, "provider": "selfsigned"}
    assert twice("openssl_certificate", path=cert, **own)
    signed = {"provider": "ownca", "ownca_path": cert, "ownca_privatekey_path": key, "csr_path": request}
    module("openssl_certificate", path=other, **signed)
    assert module("openssl_certificate_info", path=other)["issuer"]["commonName"] == "www.example.test"
    asserted = {"subject": {"CN": "www.example.test"}, "key_usage": ["digitalSignature"], "has_expired": False, "version": 3}
    module("openssl_certificate", path=cert, provider="assertonly", **asserted)
    files = {"privatekey_path": key, "certificate_path": cert, "other_certificates": [other]}
    module("openssl_pkcs12", path=bundle, friendly_name="name", passphrase="secret", action="export", **files)
    module("openssl_pkcs12", path=str(tmp_path / "x"), src=bundle, passphrase="secret", action="parse")


def test_gevent_openssl():
    gevent = pytest.importorskip("gevent")
    import gevent.socket
    from gevent_openssl.SSL import Connection

    key = crypto.PKey()
    key.generate_key(crypto.TYPE_RSA, 2048)
    cert = crypto.X509()
    cert.gmtime_adj_notBefore(0)
    cert.gmtime_adj_notAfter(1000)
    cert.set_pubkey(key)
    cert.sign(key, "sha256")
    context = SSL.Context(SSL.TLS_METHOD)
    context.use_certificate(cert)
    context.use_privatekey(key)
    listener = gevent.socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)

    def serve():
        connection, _ = Connection(context, listener).accept()
        connection.set_accept_state()
        connection.sendall(connection.recv(100) * 1000)
        connection.shutdown()

    server = gevent.spawn(serve)
    with gevent.Timeout(SECONDS):
        client = Connection(SSL.Context(SSL.TLS_METHOD), gevent.socket.socket())
        client.connect(listener.getsockname())
        client.set_connect_state()
        client.do_handshake()
        client.sendall(b"hello")
        received = 0
        while data := client.recv(4096):
            received += len(data)
        server.get()
    assert received == 5000
