"""Idioms of public programs that go below the package: each as its programs write it, and misused."""

import gc
import socket
import threading
import time

import pytest
from crypto_support import rsa_key, signer
from tls import client_context, connected, memory_pair, plain_pair, read, server_context, shake

import OpenSSL
from OpenSSL import SSL, crypto
from OpenSSL._util import ffi, lib
from OpenSSL.crypto import X509, _bio_to_string, _new_mem_buf


def written(write, *arguments):
    bio = _new_mem_buf()
    assert write(bio, *arguments) == 1
    return _bio_to_string(bio)


# ---- keys ----


def test_na_232_public_keys():
    key = rsa_key()
    assert written(lib.i2d_PUBKEY_bio, key._pkey) == crypto.dump_publickey(crypto.FILETYPE_ASN1, key)
    assert written(lib.PEM_write_bio_PUBKEY, key._pkey) == crypto.dump_publickey(crypto.FILETYPE_PEM, key)
    pem = written(lib.PEM_write_bio_RSAPublicKey, lib.EVP_PKEY_get1_RSA(key._pkey))
    assert pem.startswith(b"-----BEGIN RSA PUBLIC KEY-----\n")
    again = crypto.load_publickey(crypto.FILETYPE_PEM, pem)
    assert crypto.dump_publickey(crypto.FILETYPE_ASN1, again) == crypto.dump_publickey(crypto.FILETYPE_ASN1, key)


@pytest.mark.parametrize("passphrase", [None, b"secret", lambda rwflag: b"secret"])
def test_na_232_private_keys(passphrase):
    key = rsa_key()
    helper = crypto._PassphraseHelper(crypto.FILETYPE_PEM, passphrase)
    cipher = lib.EVP_get_cipherbyname(b"aes-128-cbc") if passphrase else ffi.NULL
    rsa = lib.EVP_PKEY_get1_RSA(key._pkey)
    rest = (cipher, ffi.NULL, 0, helper.callback, helper.callback_args)
    pem = written(lib.PEM_write_bio_RSAPrivateKey, rsa, *rest)
    helper.raise_if_problem()
    assert pem.startswith(b"-----BEGIN RSA PRIVATE KEY-----\n") and (b"ENCRYPTED" in pem) == bool(passphrase)
    modern = written(lib.PEM_write_bio_PrivateKey, key._pkey, *rest)
    for text in (pem, modern):
        again = crypto.load_privatekey(crypto.FILETYPE_PEM, text, b"secret" if passphrase else None)
        assert crypto.dump_privatekey(crypto.FILETYPE_ASN1, again) == crypto.dump_privatekey(crypto.FILETYPE_ASN1, key)


def test_na_232_what_a_passphrase_helper_refuses():
    def refuse(rwflag):
        raise ZeroDivisionError

    key, cipher = rsa_key(), lib.EVP_get_cipherbyname(b"aes-128-cbc")
    for wrong, raised in ((refuse, ZeroDivisionError), (lambda rwflag: 5, ValueError), (b"x" * 1025, ValueError)):
        helper = crypto._PassphraseHelper(crypto.FILETYPE_PEM, wrong)
        bio = _new_mem_buf()
        assert lib.PEM_write_bio_PrivateKey(bio, key._pkey, cipher, ffi.NULL, 0, helper.callback, ffi.NULL) == 0
        with pytest.raises(raised):
            helper.raise_if_problem()
        helper.raise_if_problem()
        assert _bio_to_string(bio) == b""
    with pytest.raises(ValueError, match="only FILETYPE_PEM"):
        crypto._PassphraseHelper(crypto.FILETYPE_ASN1, b"x")
    with pytest.raises(TypeError):
        crypto._PassphraseHelper(crypto.FILETYPE_PEM, 5).callback
    assert lib.EVP_get_cipherbyname(b"nonsense") == ffi.NULL


@pytest.mark.parametrize("public", [False, True])
def test_na_232_numbers_of_keys(public):
    """As Ansible reads them: BN_bn2hex() and int(..., 16)."""

    def numbers(get, key, count):
        places = [ffi.new("BIGNUM **") for _ in range(count)]
        get(key, *places)
        return [place[0] if place[0] == ffi.NULL else int(ffi.string(lib.BN_bn2hex(place[0])), 16) for place in places]

    key = rsa_key()
    if public:
        key = crypto.load_publickey(crypto.FILETYPE_PEM, crypto.dump_publickey(crypto.FILETYPE_PEM, key))
    rsa = ffi.gc(lib.EVP_PKEY_get1_RSA(key._pkey), lib.RSA_free)
    n, e, d = numbers(lib.RSA_get0_key, rsa, 3)
    p, q = numbers(lib.RSA_get0_factors, rsa, 2)
    assert n.bit_length() == key.bits() and e == 65537
    assert (d, p, q) == (ffi.NULL,) * 3 if public else p * q == n and pow(pow(7, e, n), d, n) == 7
    dsa_key = crypto.load_privatekey(crypto.FILETYPE_PEM, read("dsa.pem"))
    if public:
        dsa_key = crypto.load_publickey(crypto.FILETYPE_PEM, crypto.dump_publickey(crypto.FILETYPE_PEM, dsa_key))
    dsa = lib.EVP_PKEY_get1_DSA(dsa_key._pkey)
    p, q, g = numbers(lib.DSA_get0_pqg, dsa, 3)
    y, x = numbers(lib.DSA_get0_key, dsa, 2)
    assert (p - 1) % q == 0 and pow(y, q, p) == 1
    assert x == ffi.NULL if public else pow(g, x, p) == y
    assert lib.EVP_PKEY_get1_DSA(key._pkey) == ffi.NULL
    with pytest.raises(crypto.Error) as caught:
        crypto._raise_current_error()
    assert caught.value.args[0]


# ---- names and object identifiers ----


def test_na_232_names_by_number():
    request = crypto.X509Req()
    name = request.get_subject()
    for field, value in ((b"OU", b"one"), (b"organizationalUnitName", b"two"), (b"2.5.4.3", "ü".encode())):
        nid = OpenSSL._util.lib.OBJ_txt2nid(field)
        assert lib.X509_NAME_add_entry_by_NID(name._name, nid, lib.MBSTRING_UTF8, value, -1, -1, 0) == 1
    assert lib.X509_NAME_add_entry_by_txt(name._name, b"O", lib.MBSTRING_ASC, b"\xfc...", 1, -1, 0) == 1
    components = [(b"OU", b"one"), (b"OU", b"two"), (b"CN", "ü".encode()), (b"O", "ü".encode())]
    assert request.get_subject().get_components() == components
    assert lib.X509_NAME_entry_count(name._name) == 4
    assert [lib.X509_NAME_get_index_by_NID(name._name, lib.OBJ_txt2nid(b"OU"), last) for last in (-1, 0, 1)] == [0, 1, -1]
    entry = lib.X509_NAME_get_entry(name._name, 1)
    assert lib.OBJ_obj2nid(lib.X509_NAME_ENTRY_get_object(entry)) == lib.OBJ_txt2nid(b"OU")
    assert lib.X509_NAME_ENTRY_get_data(entry) == b"two"
    assert lib.X509_NAME_get_entry(name._name, 4) == lib.X509_NAME_get_entry(name._name, -1) == ffi.NULL
    assert written(lib.X509_NAME_print_ex, name._name, 0, lib.XN_FLAG_RFC2253) == "O=ü,CN=ü,OU=two,OU=one".encode()


def test_na_232_what_a_name_refuses():
    name = crypto.X509().get_subject()
    for arguments in (
        (0, lib.MBSTRING_UTF8, b"x", -1, -1, 0),
        (13, lib.MBSTRING_UTF8, b"x", -1, 0, 0),
        (13, lib.MBSTRING_UTF8, b"x", -1, -1, 1),
        (13, 19, b"x", -1, -1, 0),
        (14, lib.MBSTRING_UTF8, b"too long", -1, -1, 0),
        (10**6, lib.MBSTRING_UTF8, b"x", -1, -1, 0),
    ):
        try:
            assert lib.X509_NAME_add_entry_by_NID(name, *arguments) == 0, arguments
        except TypeError:
            assert arguments[0] == 10**6
        assert name.get_components() == []


def test_na_232_object_identifiers():
    nid = lib.OBJ_txt2nid(b"commonName")
    assert nid == lib.OBJ_txt2nid(b"CN") == lib.OBJ_txt2nid(b"2.5.4.3") == lib.OBJ_sn2nid(b"CN") == 13
    assert ffi.string(lib.OBJ_nid2ln(nid)) == b"commonName" and ffi.string(lib.OBJ_nid2sn(nid)) == b"CN"
    assert lib.OBJ_txt2nid(b"no such thing") == lib.OBJ_txt2nid(b"1.2.3.4.5.6") == lib.OBJ_txt2nid(b"") == 0
    assert lib.OBJ_nid2sn(10**6) == lib.OBJ_nid2ln(-1) == lib.OBJ_nid2obj(10**6) == ffi.NULL
    buffer = ffi.new("char[]", 80)
    size = lib.OBJ_obj2txt(buffer, 80, lib.OBJ_nid2obj(nid), 1)
    assert ffi.buffer(buffer, size)[:].decode() == "2.5.4.3"
    assert lib.OBJ_obj2txt(buffer, 5, lib.OBJ_nid2obj(nid), 0) == len("commonName")
    assert ffi.string(buffer) == b"comm"
    assert lib.OBJ_create(b"1.2.3.4.5.7777", b"OwnName", b"Own name") == lib.OBJ_txt2nid(b"OwnName") > 0
    assert lib.OBJ_create(b"1.2.3.4.5.7777", b"OwnName", b"Own name") == 0
    assert lib.OBJ_create(b"nonsense", b"a", b"b") == 0


def test_na_235_objects_are_made_where_nobody_looks():
    """The table of OpenSSL 3.0 has no lock."""
    going = threading.Event()
    thread = threading.Thread(target=going.wait, args=(60,))
    thread.start()
    try:
        made = lib.OBJ_create(b"1.2.3.4.5.8888", b"OwnOther", b"Own other")
    finally:
        going.set()
        thread.join()
    assert (made > 0) == (SSL.OPENSSL_VERSION_NUMBER >= 0x30100000)


# ---- certificates, requests, extensions ----


def test_na_232_extensions():
    cert = crypto.load_certificate(crypto.FILETYPE_PEM, read("server.pem"))
    dotted = {}
    for i in range(cert.get_extension_count()):
        ext = cert.get_extension(i)
        buffer = ffi.new("char[]", 80)
        size = lib.OBJ_obj2txt(buffer, 80, lib.X509_EXTENSION_get_object(ext._extension), 1)
        dotted[bytes(buffer[:size])] = ext
        assert lib.OBJ_obj2nid(lib.OBJ_nid2obj(ext._nid)) == ext._nid
    assert dotted[b"2.5.29.17"]._nid == lib.NID_subject_alt_name
    key = rsa_key()
    request = crypto.X509Req()
    request.add_extensions([crypto.X509Extension(b"subjectAltName", False, b"DNS:a")])
    request.set_pubkey(key)
    request.sign(key, "sha256")
    stack = lib.X509_REQ_get_extensions(request._req)
    assert lib.sk_X509_EXTENSION_num(stack) == 1
    ext = crypto.X509Extension.__new__(crypto.X509Extension)
    ext._extension = lib.sk_X509_EXTENSION_value(stack, 0)
    assert str(ext) == "DNS:a" and lib.sk_X509_EXTENSION_value(stack, 1) == ffi.NULL
    assert crypto.X509Extension._prefixes[crypto._lib.GEN_DNS] == "DNS"
    assert lib.ASN1_STRING_set_default_mask_asc(b"utf8only") == 1 != lib.ASN1_STRING_set_default_mask_asc(b"x")


def test_na_232_certificates_one_after_the_other():
    bio = _new_mem_buf(b"noise\n" + read("server.pem") + b"more noise\n" + read("root.pem"))
    seen = []
    while (cert := lib.PEM_read_bio_X509(bio, ffi.NULL, ffi.NULL, ffi.NULL)) != ffi.NULL:
        seen.append(cert.get_subject().CN)
        assert lib.X509_STORE_add_cert(crypto.X509Store()._store, cert) == 1
    assert len(seen) == 2 and lib.ERR_get_error() != 0
    der = crypto.dump_certificate(crypto.FILETYPE_ASN1, cert if cert else crypto.load_certificate(1, read("root.pem")))
    bio = _new_mem_buf(der * 2 + b"\x30")
    for _ in range(2):
        assert written(lib.i2d_X509_bio, lib.d2i_X509_bio(bio, ffi.NULL)) == der
    assert lib.d2i_X509_bio(bio, ffi.NULL) == ffi.NULL


def test_na_249_requests_one_after_the_other():
    """Of either label, each once, in the order of the file."""
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, read("ec.pem"))
    texts = []
    for name in ("one", "two", "three"):
        request = crypto.X509Req()
        request.get_subject().CN = name
        request.set_pubkey(key)
        request.sign(key, "sha256")
        texts.append(crypto.dump_certificate_request(crypto.FILETYPE_PEM, request))
    texts[1] = texts[1].replace(b" CERTIFICATE", b" NEW CERTIFICATE")
    bad = b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"
    bio = _new_mem_buf(b"".join(texts) + bad + texts[0])
    made = [lib.PEM_read_bio_X509_REQ(bio, ffi.NULL, ffi.NULL, ffi.NULL) for _ in range(6)]
    assert [r and r.get_subject().CN for r in made[:3]] == ["one", "two", "three"]
    assert made[3] == ffi.NULL and made[4].get_subject().CN == "one" and made[5] == ffi.NULL


class Counted(type(_new_mem_buf())):
    """A buffer that counts what is read."""

    count = 0

    def read(self, size=-1):
        data = super().read(size)
        self.count += len(data)
        return data

    def readline(self, size=-1):
        data = super().readline(size)
        self.count += len(data)
        return data


@pytest.mark.parametrize("kind", ["PEM", "DER"])
def test_na_250_a_file_is_read_once(kind, tmp_path):
    read_one, form = (
        (lib.PEM_read_bio_X509, crypto.FILETYPE_PEM) if kind == "PEM" else (lib.d2i_X509_bio, crypto.FILETYPE_ASN1)
    )
    cert = crypto.load_certificate(crypto.FILETYPE_PEM, read("root.pem"))
    data = crypto.dump_certificate(form, cert) * 20
    (tmp_path / "file").write_bytes(data)
    bio = Counted(data)
    file = lib.BIO_new_file(bytes(tmp_path / "file"), b"rb")
    for source in (bio, file):
        for _ in range(20):
            assert read_one(source, ffi.NULL, ffi.NULL, ffi.NULL).digest("sha256") == cert.digest("sha256")
        assert read_one(source, ffi.NULL, ffi.NULL, ffi.NULL) == ffi.NULL
    assert lib.BIO_free(file) == 1
    assert bio.count == len(data)


def test_na_250_what_is_no_whole_sequence_is_none():
    for data in (b"", b"\x30", b"\x30\x82\x01", b"\x30\x84\xff\xff\xff\xff", b"\x30\xff" + b"\xff" * 127, b"\x30\x80\0\0"):
        assert lib.d2i_X509_bio(_new_mem_buf(data), ffi.NULL) == ffi.NULL, data
    bio = _new_mem_buf(b"abc")
    assert lib.BIO_ctrl_pending(bio) == 3 and bio.read(2) == b"ab" and lib.BIO_ctrl_pending(bio) == 1


def test_na_250_entries_one_after_the_other():
    """As much work as all at once, within a factor that knows nothing of how many there are."""
    count = 3000
    name = crypto.X509Name(crypto.X509().get_subject())
    for number in range(count):
        assert lib.X509_NAME_add_entry_by_txt(name, b"OU", lib.MBSTRING_UTF8, b"%d" % number, -1, -1, 0) == 1
    nid = lib.OBJ_txt2nid(b"OU")
    start = time.process_time()
    components = name.get_components()
    unit = time.process_time() - start
    start = time.process_time()
    entries = [lib.X509_NAME_get_entry(name, at) for at in range(lib.X509_NAME_entry_count(name))]
    at, found = -1, []
    while (at := lib.X509_NAME_get_index_by_NID(name, nid, at)) >= 0:
        found.append(at)
    spent = time.process_time() - start
    assert [lib.X509_NAME_ENTRY_get_data(entry) for entry in entries] == [value for _, value in components]
    assert found == list(range(count))
    assert spent < max(unit, 0.0005) * 300



@pytest.mark.parametrize("wrap", ["new", "dup", "raw"])
def test_na_232_certificates_of_a_message(wrap):
    p7 = crypto.load_pkcs7_data(crypto.FILETYPE_PEM, read("pkcs7-signed.pem"))
    certs = ffi.NULL
    if p7.type_is_signed():
        certs = p7._pkcs7.d.sign.cert
    elif p7.type_is_signedAndEnveloped():
        certs = p7._pkcs7.d.signed_and_enveloped.cert
    found = []
    for i in range(lib.sk_X509_num(certs)):
        if wrap == "raw":
            found.append(X509._from_raw_x509_ptr(ffi.gc(lib.X509_dup(lib.sk_X509_value(certs, i)), lib.X509_free)))
            continue
        found.append(X509.__new__(X509))
        pointer = lib.sk_X509_value(certs, i)
        found[-1]._x509 = lib.X509_dup(pointer) if wrap == "dup" else pointer
    del p7, certs
    gc.collect()
    expected = crypto.load_pkcs7_data(crypto.FILETYPE_PEM, read("pkcs7-signed.pem")).get_certificates()
    assert [c.digest("sha256") for c in found] == [c.digest("sha256") for c in expected]
    assert range(lib.sk_X509_num(ffi.NULL)) == range(0) or lib.sk_X509_num(ffi.NULL) == -1
    enveloped = crypto.load_pkcs7_data(crypto.FILETYPE_PEM, read("pkcs7-enveloped.pem"))
    assert enveloped._pkcs7.d.sign == ffi.NULL


# ---- PKCS #7 ----


@pytest.mark.parametrize("flags", [0, 0x4, 0x40, 0x80 | 0x40, 0x100])
def test_na_232_signed_messages(flags):
    cert, key = signer()
    message = lib.PKCS7_sign(cert._x509, key._pkey, ffi.NULL, _new_mem_buf(b"data"), flags)
    other = crypto.load_certificate(crypto.FILETYPE_PEM, read("root.pem"))
    assert lib.PKCS7_add_certificate(message, other._x509) == 1
    der = written(lib.i2d_PKCS7_bio, message)
    loaded = crypto.load_pkcs7_data(crypto.FILETYPE_ASN1, der)
    assert [c.get_subject().CN for c in loaded.get_certificates()] == ["signer", other.get_subject().CN]
    detached = _new_mem_buf(b"data") if flags & lib.PKCS7_DETACHED else ffi.NULL
    store = crypto.X509Store()
    for trusting, how, expected in ((store, 0, 0), (store, lib.PKCS7_NOVERIFY, 1), (ffi.NULL, lib.PKCS7_NOVERIFY, 1)):
        out = _new_mem_buf()
        detached = _new_mem_buf(b"data") if detached else detached
        given = trusting._store if trusting else trusting
        assert lib.PKCS7_verify(loaded._pkcs7, ffi.NULL, given, detached, out, how) == expected
        assert _bio_to_string(out) == (b"data" if expected else b"")
    store.add_cert(cert)
    detached = _new_mem_buf(b"data") if detached else detached
    assert lib.PKCS7_verify(loaded._pkcs7, ffi.NULL, store._store, detached, ffi.NULL, 0) == 1
    if detached:
        assert lib.PKCS7_verify(loaded._pkcs7, ffi.NULL, store._store, _new_mem_buf(b"Data"), ffi.NULL, 0) == 0
    changed = der.replace(b"data", b"Data") if not detached else der[:-1] + bytes([der[-1] ^ 1])
    tampered = crypto.load_pkcs7_data(crypto.FILETYPE_ASN1, changed)
    again = _new_mem_buf(b"data") if detached else ffi.NULL
    assert lib.PKCS7_verify(tampered._pkcs7, ffi.NULL, store._store, again, ffi.NULL, lib.PKCS7_NOVERIFY) == 0


def test_na_235_messages_that_cannot_be_signed_or_verified():
    cert, key = signer()
    other = rsa_key()
    bio = _new_mem_buf(b"data")
    assert lib.PKCS7_sign(cert._x509, crypto.load_privatekey(1, read("client-key.pem")), ffi.NULL, bio, 0) == ffi.NULL
    assert lib.PKCS7_sign(cert._x509, key._pkey, ffi.NULL, bio, 0x8000) == ffi.NULL
    public = crypto.load_publickey(crypto.FILETYPE_PEM, crypto.dump_publickey(crypto.FILETYPE_PEM, other))
    assert lib.PKCS7_sign(cert._x509, public._pkey, ffi.NULL, bio, 0) == ffi.NULL
    enveloped = crypto.load_pkcs7_data(crypto.FILETYPE_PEM, read("pkcs7-enveloped.pem"))
    assert lib.PKCS7_verify(enveloped._pkcs7, ffi.NULL, ffi.NULL, ffi.NULL, ffi.NULL, 0x20) == 0
    assert lib.PKCS7_add_certificate(enveloped._pkcs7, cert._x509) == 0
    # signedData whose content is absent (RFC 2315, section 7)
    bare = crypto.load_pkcs7_data(crypto.FILETYPE_ASN1, bytes.fromhex("300b06092a864886f70d010702"))
    assert lib.PKCS7_verify(bare._pkcs7, ffi.NULL, ffi.NULL, ffi.NULL, ffi.NULL, 0x20) == 0
    for wrong in (None, 5, b"x", key, SSL.Context(SSL.TLS_METHOD)):
        for call in (
            lambda wrong=wrong: lib.PKCS7_sign(wrong, key._pkey, ffi.NULL, _new_mem_buf(b""), 0),
            lambda wrong=wrong: lib.PKCS7_verify(wrong, ffi.NULL, ffi.NULL, ffi.NULL, ffi.NULL, 0),
            lambda wrong=wrong: setattr(X509(), "_x509", wrong),
            lambda wrong=wrong: lib.X509_NAME_entry_count(wrong),
            lambda wrong=wrong: lib.sk_X509_value([wrong], b"x"),
            lambda wrong=wrong: lib.SSL_set_fd(wrong, 1),
        ):
            with pytest.raises((TypeError, AttributeError)):
                call()


# ---- errors ----


def test_na_232_the_queue_by_number():
    lib.ERR_clear_error()
    assert lib.ERR_get_error() == lib.ERR_peek_error() == 0
    assert lib.d2i_X509_bio(_new_mem_buf(b"nonsense"), ffi.NULL) == ffi.NULL
    assert lib.ERR_peek_error() != 0
    code = lib.ERR_get_error()
    assert ffi.string(lib.ERR_lib_error_string(code)) and ffi.string(lib.ERR_reason_error_string(code))
    assert b":" in ffi.string(lib.ERR_error_string(code, ffi.NULL))
    assert lib.X509_V_ERR_HOSTNAME_MISMATCH == 62 and lib.SSL_OP_NO_TICKET == SSL.OP_NO_TICKET
    assert lib.X509_V_FLAG_CRL_CHECK == crypto.X509StoreFlags.CRL_CHECK


# ---- TLS ----


def test_na_232_contexts_and_connections():
    context = client_context()
    assert lib.SSL_CTX_get_cert_store(context._context).__class__ is crypto.X509Store
    assert lib.SSL_CTX_set1_sigalgs_list(context._context, b"RSA+SHA256:RSA-PSS+SHA256") == 1
    assert lib.SSL_CTX_set1_sigalgs_list(context._context, b"nonsense") == 0
    assert lib.SSL_CTX_set1_sigalgs_list(context._context, b" ") == 0
    assert lib.SSL_CTX_set_ciphersuites(context._context, b"TLS_AES_128_GCM_SHA256") == 1
    connection = SSL.Connection(context)
    names = lib.SSL_get_ciphers(connection._ssl)
    assert lib.sk_SSL_CIPHER_num(names) == len(connection.get_cipher_list()) > 0
    assert ffi.string(lib.SSL_CIPHER_get_name(lib.sk_SSL_CIPHER_value(names, 0))).decode() in connection.get_cipher_list()
    assert lib.SSL_set_tlsext_host_name(connection._ssl, b"localhost") == 1
    server, client = connected(client=context)
    assert server.get_cipher_name() == "TLS_AES_128_GCM_SHA256"
    chain = lib.SSL_get_peer_cert_chain(client._ssl)
    assert lib.sk_X509_num(chain) == len(client.get_peer_cert_chain())
    assert lib.SSL_get_peer_cert_chain(server._ssl) == ffi.NULL == lib.SSL_get_peer_certificate(server._ssl)


def test_na_232_another_descriptor():
    first, _ = plain_pair()
    second, peer = socket.socketpair()
    try:
        connection = SSL.Connection(client_context(), first)
        assert SSL._lib.SSL_set_fd(connection._ssl, SSL._asFileDescriptor(second)) == 1
        connection.set_connect_state()
        second.setblocking(False)
        with pytest.raises(SSL.WantReadError):
            connection.do_handshake()
        assert peer.recv(1) == b"\x16"
        assert SSL._lib.SSL_set_fd(connection._ssl, 0) == 0
        assert SSL._lib.SSL_set_fd(SSL.Connection(client_context())._ssl, second.fileno()) == 0
    finally:
        second.close()
        peer.close()


# ---- exporters when the handshake is said to be over ----


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_na_233_exporters_in_the_callback(version):
    exported, early = {}, []

    def info(connection, where, ret):
        if where & SSL.SSL_CB_HANDSHAKE_DONE:
            exported[connection] = connection.export_keying_material(b"EXPORTER-test", 32)
        elif not exported:
            try:
                early.append(connection.export_keying_material(b"EXPORTER-test", 32))
            except SSL.Error:
                early.append(None)

    contexts = server_context(), client_context()
    for context in contexts:
        context.set_info_callback(info)
        context.set_max_proto_version(version)
    server, client = memory_pair(*contexts)
    shake(server, client)
    assert set(exported) == {server, client} and exported[server] == exported[client]
    assert exported[server] == server.export_keying_material(b"EXPORTER-test", 32)
    assert early and set(early) == {None}


# ---- attributes ----

CALLBACKS = {
    "set_info_callback": "_info_callback",
    "set_keylog_callback": "_keylog_callback",
    "set_tlsext_servername_callback": "_tlsext_servername_callback",
    "set_alpn_select_callback": "_alpn_select_callback _alpn_select_helper",
    "set_ocsp_server_callback": "_ocsp_server_callback _ocsp_callback _ocsp_helper",
    "set_ocsp_client_callback": "_ocsp_client_callback",
    "set_cookie_generate_callback": "_cookie_generate_helper",
    "set_cookie_verify_callback": "_cookie_verify_helper",
    "set_passwd_cb": "_passphrase_callback _passphrase_helper",
}


@pytest.mark.parametrize("setter", CALLBACKS)
def test_na_236_callbacks_can_be_looked_at(setter):
    context = SSL.Context(SSL.TLS_METHOD)
    for name in CALLBACKS[setter].split():
        assert getattr(context, name) is None
    getattr(context, setter)(print)
    for name in CALLBACKS[setter].split():
        assert getattr(context, name) is print
        setattr(context, name, "mine")
        assert getattr(context, name) == "mine"


def test_na_236_other_attributes():
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_verify(SSL.VERIFY_PEER, print)
    context.set_app_data("data")
    connection = SSL.Connection(context)
    assert context._verify_helper is context._verify_callback is connection._verify_helper is print
    assert context._app_data == "data" and connection._app_data is None
    connection._app_data = 5
    assert connection.get_app_data() == 5
    mapping = SSL.Connection._reverse_mapping
    assert mapping is SSL.Connection._reverse_mapping and mapping[connection._ssl] is connection
    assert connection._ssl in mapping and mapping.get("x", 7) == 7
    with pytest.raises(KeyError):
        mapping[b"x"]


# ---- the cipher in use, and numbers in the place of pointers ----


def test_na_232_the_cipher_in_use():
    """As mitmproxy shows it."""
    server, client = memory_pair()
    assert SSL._lib.SSL_get_current_cipher(client._ssl) == SSL._ffi.NULL
    server, client = connected()
    for connection in (server, client):
        cipher = SSL._lib.SSL_get_current_cipher(connection._ssl)
        assert SSL._native(SSL._ffi.string(SSL._lib.SSL_CIPHER_get_name(cipher))) == connection.get_cipher_name()
        assert SSL._lib.SSL_CIPHER_get_bits(cipher, SSL._ffi.NULL) == connection.get_cipher_bits()
        place = ffi.new("int *")
        assert SSL._lib.SSL_CIPHER_get_bits(cipher, place) == place[0]
        assert SSL._native(SSL._ffi.string(SSL._lib.SSL_CIPHER_get_version(cipher))) == connection.get_cipher_version()
        assert lib.SSL_COMP_get_name(lib.SSL_get_current_compression(connection._ssl)) == ffi.NULL


def test_na_232_security_levels_and_renegotiation():
    context = SSL.Context(SSL.TLS_METHOD)
    lib.SSL_CTX_set_security_level(context._context, 0)
    context.set_options(lib.SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION | lib.SSL_OP_LEGACY_SERVER_CONNECT)
    assert context.get_options() & lib.SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION


class Many:
    def __index__(self):
        return 1 << 40


@pytest.mark.parametrize("number", [1 << 31, 1 << 62, True, Many()])
@pytest.mark.parametrize(
    "call",
    [
        lambda n: lib.OBJ_txt2obj(n, 0),
        lambda n: lib.OBJ_txt2nid(n),
        lambda n: ffi.string(n),
        lambda n: ffi.buffer(n),
        lambda n: lib.BIO_new_mem_buf(n, 5),
        lambda n: lib.BIO_write(_new_mem_buf(), n, 5),
        lambda n: lib.X509_NAME_add_entry_by_NID(crypto.X509().get_subject(), 13, lib.MBSTRING_UTF8, n, 5, -1, 0),
        _new_mem_buf,
    ],
)
def test_na_235_numbers_are_no_pointers(call, number):
    """bytes() of a number are as many zeros: gigabytes."""
    with pytest.raises(TypeError):
        call(number)
