"""Groups and signature algorithms, of contexts and of single connections; keys of newer types."""

import pytest
from crypto_support import moment
from tls import client_context, connected, memory_pair, server_context, shake

from OpenSSL import SSL, crypto

# Of the server's key, which is RSA.
GOOD, BAD = "RSA-PSS+SHA256:RSA+SHA256", "ECDSA+SHA256:ed25519"
NAMES = ("set_groups", "set_sigalgs", "set_client_sigalgs")


def knows_names(pair):
    """Whether this OpenSSL tells what was signed with: from 3.5 on."""
    return pair[0].get_signature_name() is not None


@pytest.mark.parametrize("of_connection", [False, True])
@pytest.mark.parametrize("side", [0, 1])
def test_signature_algorithms(of_connection, side):
    for wanted in (GOOD, BAD, GOOD.encode(), BAD.encode()):
        contexts = server_context(), client_context()
        if not of_connection:
            assert contexts[side].set_sigalgs(wanted) is None
        pair = memory_pair(*contexts)
        if of_connection:
            assert pair[side].set_sigalgs(sigalgs=wanted) is None
        if wanted in (GOOD, GOOD.encode()):
            shake(*pair)
            assert pair[0].get_signature_name() == pair[1].get_peer_signature_name()
            assert pair[0].get_signature_name() in (None, "rsa_pss_rsae_sha256")
            assert pair[1].get_signature_name() is pair[0].get_peer_signature_name() is None
        else:
            with pytest.raises(SSL.Error):
                shake(*pair)


def test_groups_of_one_connection():
    pair = memory_pair()
    pair[1].set_groups("P-384")
    pair[0].set_groups(groups=b"X25519:P-384")
    pair[1].get_context().set_groups("P-256")
    shake(*pair)
    assert pair[0].get_group_name() == pair[1].get_group_name() == "secp384r1"


@pytest.mark.parametrize("wanted", [GOOD, BAD])
@pytest.mark.parametrize("of_connection", [False, True])
def test_signature_algorithms_of_clients(of_connection, wanted):
    server, client = server_context(), client_context()
    server.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *args: True)
    key = crypto.PKey()
    key.generate_key("RSA", 2048)
    cert, _ = certificate("client", key, None, key, "sha256")
    client.use_certificate(cert)
    client.use_privatekey(key)
    if not of_connection:
        server.set_client_sigalgs(wanted)
    pair = memory_pair(server, client)
    if of_connection:
        pair[0].set_client_sigalgs(wanted)
    if wanted == BAD:
        with pytest.raises(SSL.Error):
            shake(*pair)
        return
    shake(*pair)
    assert pair[1].get_signature_name() == pair[0].get_peer_signature_name()
    if knows_names(pair):
        assert pair[1].get_signature_name() == "rsa_pss_rsae_sha256"


@pytest.mark.parametrize("name", NAMES)
def test_lists_that_are_refused(name):
    pair = memory_pair()
    for owner in (pair[0].get_context(), *pair):
        for wrong in ("", " ", "nonsense", b"P-256:nonsense"):
            with pytest.raises(SSL.Error):
                getattr(owner, name)(wrong)
        for wrong in (None, 5, ["P-256"]):
            with pytest.raises(TypeError):
                getattr(owner, name)(wrong)
        with pytest.raises(ValueError):
            getattr(owner, name)("P-256\0")
    shake(*pair)
    for connection in pair:
        with pytest.raises(SSL.Error, match="the handshake has begun"):
            getattr(connection, name)("P-256" if name == "set_groups" else GOOD)


def test_names_after_another_context():
    """OpenSSL's names may lie in the context before."""
    pair = connected()
    pair[0].set_context(server_context())
    assert pair[0].get_signature_name() is pair[0].get_peer_signature_name() is None


# ---- keys of newer types ----


def certificate(name, key, issuer, issuer_key, digest):
    """(certificate, key) by the issuer, or by itself."""
    cert = crypto.X509()
    cert.set_version(2)
    cert.set_serial_number(1)
    cert.get_subject().CN = name
    cert.set_issuer((issuer or cert).get_subject())
    cert.set_notBefore(moment(-3600))
    cert.set_notAfter(moment(3600))
    cert.set_pubkey(key)
    text = b"CA:TRUE" if issuer is None else b"CA:FALSE"
    cert.add_extensions([crypto.X509Extension(b"basicConstraints", True, text)])
    cert.sign(issuer_key, digest)
    return cert, key


def new_key(kind):
    key = crypto.PKey()
    try:
        key.generate_key(kind)
    except crypto.Error:
        pytest.skip(f"this OpenSSL has no {kind}")
    return key


@pytest.mark.parametrize("root, leaf, name", [
    ("ML-DSA-87", "ML-DSA-65", "mldsa65"), ("ML-DSA-44", "ML-DSA-44", "mldsa44"),
    ("SLH-DSA-SHAKE-128f", "ML-DSA-87", "mldsa87"), ("ED448", "ED25519", "ed25519")])
def test_handshakes(root, leaf, name):
    root_key = new_key(root)
    authority, authority_key = certificate("root", root_key, None, root_key, None)
    cert, key = certificate("leaf", new_key(leaf), authority, authority_key, None)
    server, client = SSL.Context(SSL.TLS_METHOD), SSL.Context(SSL.TLS_METHOD)
    server.use_certificate(cert)
    server.use_privatekey(key)
    server.check_privatekey()
    client.get_cert_store().add_cert(authority)
    client.set_verify(SSL.VERIFY_PEER)
    pair = memory_pair(server, client)
    shake(*pair)
    assert pair[1].get_peer_certificate().get_pubkey().type_name() == leaf
    assert pair[1].get_verified_chain()[1].get_pubkey().type_name() == root
    assert pair[1].get_peer_signature_name() in (None, name)
    assert knows_names(pair) or not name.startswith("mldsa")
    pair = memory_pair(server, client)
    pair[1].set_sigalgs("RSA+SHA256:ECDSA+SHA256")
    with pytest.raises(SSL.Error):
        shake(*pair)
    pair = memory_pair(server)
    with pytest.raises(SSL.Error, match="certificate verify failed"):
        shake(*pair)
