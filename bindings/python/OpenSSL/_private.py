"""The seldom names of OpenSSL._util.lib: certificates, names, keys, messages.

Imported when the first of them is asked for. Each is a line or two over the
package's own methods, and a pointer is the package's object, or one of the small
classes of _pointers.py: a buffer, a list, a number. So nothing that a program does
with them reaches memory that is not its own. Functions answer as OpenSSL's do, 1
for success and 0 or NULL for failure, with the reasons left for
exception_from_error_queue().
"""

from OpenSSL import SSL, _pyossl, crypto
from OpenSSL import _pointers as of
from OpenSSL._pointers import DER, NULL, PEM
from OpenSSL._util import _entries, _private, _tries
from OpenSSL._util import exception_from_error_queue as _raise_as

def _loads(load, kind):
    return of.gives(lambda bio, *unused: load(kind, of.sequence(bio)))


def _loads_pem(load, *labels):
    return of.gives(lambda bio, *unused: load(PEM, of.block(bio, *labels)))


def _dumps(dump, kind):
    return _tries(lambda bio, thing: bio.write(dump(kind, thing)))


def _load_key(bio, place, callback, userdata):
    return crypto.load_privatekey(PEM, bio.read(), of.passphrase(callback, userdata))


class Names:
    """Functions and constants by OpenSSL's names."""

    MBSTRING_UTF8, MBSTRING_ASC = 0x1000, 0x1001
    GEN_OTHERNAME, GEN_EMAIL, GEN_DNS, GEN_X400, GEN_DIRNAME = range(5)
    GEN_EDIPARTY, GEN_URI, GEN_IPADD, GEN_RID = range(5, 9)
    EVP_PKEY_RSA, EVP_PKEY_DSA, EVP_PKEY_DH, EVP_PKEY_EC = 6, 116, 28, 408
    EVP_PKEY_ED25519, EVP_PKEY_ED448, EVP_PKEY_X25519, EVP_PKEY_X448 = 1087, 1088, 1034, 1035
    XN_FLAG_RFC2253 = 0x1110317
    PKCS7_TEXT, PKCS7_NOCERTS, PKCS7_NOSIGS, PKCS7_NOCHAIN = 0x1, 0x2, 0x4, 0x8
    PKCS7_NOINTERN, PKCS7_NOVERIFY, PKCS7_DETACHED, PKCS7_BINARY = 0x10, 0x20, 0x40, 0x80
    PKCS7_NOATTR, PKCS7_NOSMIMECAP, PKCS7_STREAM = 0x100, 0x200, 0x1000
    NID_undef, NID_subject_alt_name, NID_crl_reason = 0, 85, 141
    TLSEXT_NAMETYPE_host_name = 0
    SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION = 0x40000

    # Buffers.
    BIO_s_mem = staticmethod(lambda: of.Bio)
    BIO_new = staticmethod(lambda kind: kind())
    BIO_new_mem_buf = staticmethod(lambda data, length: of.Bio(of.counted(data, length)))
    BIO_write = staticmethod(lambda bio, data, length: bio.write(of.octets(data)[:length]))
    BIO_ctrl_pending = staticmethod(lambda bio: bio.pending())
    BIO_set_mem_eof_return = staticmethod(lambda bio, value: 1)
    BIO_up_ref = staticmethod(lambda bio: 1)

    @staticmethod
    def BIO_read(bio, buffer, length):
        data = bio.read(max(0, min(length, len(buffer))))
        buffer[: len(data)] = data
        return len(data) or -1

    @staticmethod
    def BIO_get_mem_data(bio, place):
        place[0] = bio.left()
        return len(place[0])

    # Errors.
    ERR_get_error = staticmethod(lambda: of.next_error(True))
    ERR_peek_error = staticmethod(lambda: of.next_error(False))
    ERR_clear_error = staticmethod(lambda: _entries().clear())
    ERR_lib_error_string, ERR_func_error_string, ERR_reason_error_string = map(of.error_text, range(3))
    ERR_error_string = staticmethod(
        lambda code, buffer: ":".join(("error", "", *code.entry) if code else ("error", "")).encode()
    )

    # Object identifiers. An ASN1_OBJECT is its dotted number.
    OBJ_txt2nid = staticmethod(lambda name: _private["oid_nid"](of.text(name)))
    OBJ_sn2nid = OBJ_ln2nid = OBJ_txt2nid
    OBJ_nid2sn = staticmethod(lambda nid: of.name_of(nid, 0))
    OBJ_nid2ln = staticmethod(lambda nid: of.name_of(nid, 1))
    OBJ_nid2obj = staticmethod(
        lambda nid: of.Object(of.name_of(nid, 2)) if of.name_of(nid, 2) else NULL
    )
    OBJ_txt2obj = staticmethod(lambda name, no_name: of.Object(of.text(name)))
    OBJ_obj2nid = staticmethod(lambda obj: _private["oid_nid"](obj))
    OBJ_create = staticmethod(lambda *args: of.gives(of.create).__func__(*args) or 0)

    @staticmethod
    def OBJ_obj2txt(buffer, size, obj, no_name):
        long_name = "" if no_name else of.name_of(_private["oid_nid"](obj), 1)
        return of.fill(buffer, size, long_name or obj.encode())

    # Names.
    X509_NAME_add_entry_by_NID = _tries(lambda n, nid, *rest: of.add_entry(n, of.name_of(nid, 0), *rest))
    X509_NAME_add_entry_by_txt = _tries(lambda n, field, *rest: of.add_entry(n, of.text(field), *rest))
    X509_NAME_entry_count = staticmethod(_private["name_count"])
    X509_NAME_get_index_by_NID = staticmethod(of.index)
    X509_NAME_get_entry = of.gives(of.entry)
    X509_NAME_ENTRY_get_object = staticmethod(lambda entry: entry.object)
    X509_NAME_ENTRY_get_data = staticmethod(lambda entry: entry.value)
    X509_NAME_print_ex = _tries(of.print_name)
    X509_NAME_hash = staticmethod(lambda name: name.hash())
    X509_NAME_dup = of.gives(crypto.X509Name)
    X509_NAME_cmp = staticmethod(lambda a, b: (a > b) - (a < b))
    ASN1_STRING_data = ASN1_STRING_get0_data = staticmethod(lambda string: string)
    ASN1_STRING_length = staticmethod(len)
    # UTF8String is all that this package makes of text where there is a choice.
    ASN1_STRING_set_default_mask_asc = staticmethod(lambda mask: int(of.text(mask) == b"utf8only"))

    @staticmethod
    def ASN1_STRING_to_UTF8(place, string):
        place[0] = string
        return len(string)

    @staticmethod
    def X509_NAME_get_text_by_NID(name, nid, buffer, size):
        at = of.index(name, nid, -1)
        return of.fill(buffer, size, _private["name_entry"](name, at)[1]) if at >= 0 else -1

    # Certificates, requests, extensions, stores.
    X509_new = staticmethod(crypto.X509)
    X509_dup = of.gives(lambda cert: copy(cert))
    X509_REQ_dup = X509_dup
    X509_up_ref = EVP_PKEY_up_ref = staticmethod(lambda thing: 1)
    X509_get_subject_name = X509_REQ_get_subject_name = of.gives(lambda x: x.get_subject())
    X509_get_issuer_name = of.gives(lambda cert: cert.get_issuer())
    X509_get_pubkey = X509_REQ_get_pubkey = of.gives(lambda x: x.get_pubkey())
    X509_get_version = X509_REQ_get_version = staticmethod(lambda x: x.get_version())
    X509_get_ext_count = staticmethod(lambda cert: cert.get_extension_count())
    X509_get_ext = of.gives(
        lambda cert, at: cert.get_extension(at) if 0 <= at < cert.get_extension_count() else None
    )
    X509_REQ_get_extensions = of.gives(lambda req: of.Stack(req.get_extensions()))
    X509_EXTENSION_get_object = staticmethod(lambda ext: of.Object(_private["ext_oid"](ext)))
    X509_EXTENSION_get_data = staticmethod(lambda ext: ext.get_data())
    X509_EXTENSION_get_critical = staticmethod(lambda ext: int(ext.get_critical()))
    X509_EXTENSION_dup = of.gives(lambda ext: copy(ext))
    X509V3_EXT_print = _tries(lambda bio, ext, flags, indent: bio.write(str(ext).encode()))
    X509_STORE_new = staticmethod(crypto.X509Store)
    X509_STORE_add_cert = _tries(lambda store, cert: store.add_cert(cert))
    X509_STORE_set_flags = _tries(lambda store, flags: store.set_flags(flags))
    PEM_read_bio_X509 = _loads_pem(crypto.load_certificate, b"CERTIFICATE")
    PEM_write_bio_X509 = _dumps(crypto.dump_certificate, PEM)
    d2i_X509_bio = _loads(crypto.load_certificate, DER)
    i2d_X509_bio = _dumps(crypto.dump_certificate, DER)
    PEM_read_bio_X509_REQ = _loads_pem(
        crypto.load_certificate_request, b"NEW CERTIFICATE REQUEST", b"CERTIFICATE REQUEST"
    )
    PEM_write_bio_X509_REQ = _dumps(crypto.dump_certificate_request, PEM)
    d2i_X509_REQ_bio = _loads(crypto.load_certificate_request, DER)
    i2d_X509_REQ_bio = _dumps(crypto.dump_certificate_request, DER)
    PEM_read_bio_X509_CRL = _loads_pem(crypto.load_crl, b"X509 CRL")
    d2i_X509_CRL_bio = _loads(crypto.load_crl, DER)

    # Lists.
    sk_X509_new_null = sk_X509_EXTENSION_new_null = staticmethod(of.Stack)
    sk_X509_num = sk_X509_EXTENSION_num = sk_SSL_CIPHER_num = sk_X509_NAME_num = staticmethod(
        lambda stack: len(stack) if stack else -1
    )
    sk_X509_value = sk_X509_EXTENSION_value = sk_SSL_CIPHER_value = sk_X509_NAME_value = of.gives(
        lambda stack, at: of.item(stack, at) if stack else None
    )
    sk_X509_EXTENSION_push = staticmethod(lambda stack, ext: stack.append(ext) or len(stack))

    # Keys. A BIGNUM is an integer.
    EVP_PKEY_id = EVP_PKEY_base_id = EVP_PKEY_type = staticmethod(lambda pkey: pkey.type())
    EVP_PKEY_bits = staticmethod(lambda pkey: pkey.bits())
    EVP_PKEY_get1_RSA, EVP_PKEY_get1_DSA = of.get1(crypto.TYPE_RSA), of.get1(crypto.TYPE_DSA)
    RSA_get0_key, RSA_get0_factors = of.get0("n", "e", "d"), of.get0("p", "q")
    DSA_get0_pqg, DSA_get0_key = of.get0("p", "q", "g"), of.get0("pub_key", "priv_key")
    BN_bn2hex = staticmethod(lambda number: b"%X" % number)
    BN_num_bits = staticmethod(lambda number: number.bit_length())
    EVP_get_cipherbyname = of.gives(
        lambda name: of.text(name).decode() if _private["cipher_is_known"](of.text(name)) else None
    )
    PEM_write_bio_RSAPrivateKey = PEM_write_bio_DSAPrivateKey = of.writes_key(of.traditional)
    PEM_write_bio_PrivateKey = PEM_write_bio_PKCS8PrivateKey = of.writes_key(
        lambda pkey, cipher, asked: crypto.dump_privatekey(PEM, pkey, cipher, asked)
    )
    PEM_write_bio_RSAPublicKey = _tries(lambda bio, rsa: bio.write(rsa.public_pem()))
    PEM_write_bio_PUBKEY = _dumps(crypto.dump_publickey, PEM)
    i2d_PUBKEY_bio = _dumps(crypto.dump_publickey, DER)
    i2d_PrivateKey_bio = _dumps(crypto.dump_privatekey, DER)
    PEM_read_bio_PrivateKey = of.gives(_load_key)
    PEM_read_bio_PUBKEY = _loads_pem(crypto.load_publickey, b"PUBLIC KEY")
    d2i_PUBKEY_bio = _loads(crypto.load_publickey, DER)
    d2i_PrivateKey_bio = _loads(crypto.load_privatekey, DER)

    # PKCS #7.
    PKCS7_sign, PKCS7_add_certificate = of.gives(of.pkcs7_sign), _tries(of.pkcs7_add)
    PKCS7_verify = _tries(of.pkcs7_verify)
    PKCS7_type_is_signed = staticmethod(lambda p7: int(p7.message.type_is_signed()))
    PKCS7_type_is_enveloped = staticmethod(lambda p7: int(p7.message.type_is_enveloped()))
    PKCS7_type_is_data = staticmethod(lambda p7: int(p7.message.type_is_data()))
    i2d_PKCS7_bio = _tries(lambda bio, p7: bio.write(_private["pkcs7_dump"](p7.message, DER)))
    PEM_write_bio_PKCS7 = _tries(lambda bio, p7: bio.write(_private["pkcs7_dump"](p7.message, PEM)))
    d2i_PKCS7_bio = of.gives(lambda bio, *unused: of.Message(crypto.load_pkcs7_data(DER, of.sequence(bio))))
    PEM_read_bio_PKCS7 = of.gives(
        lambda bio, *unused: of.Message(crypto.load_pkcs7_data(PEM, of.block(bio, b"PKCS7")))
    )

    # Contexts.
    SSL_CTX_set_cipher_list = _tries(lambda ctx, names: ctx.set_cipher_list(of.text(names)))
    SSL_CTX_set_ciphersuites = _tries(lambda ctx, names: ctx.set_tls13_ciphersuites(of.text(names)))
    SSL_CTX_set1_sigalgs_list = _tries(lambda ctx, names: ctx.set_sigalgs(of.text(names)))
    SSL_CTX_set_session_cache_mode = staticmethod(lambda ctx, m: ctx.set_session_cache_mode(m))
    SSL_CTX_get_session_cache_mode = staticmethod(lambda ctx: ctx.get_session_cache_mode())
    SSL_CTX_set_security_level = staticmethod(lambda ctx, level: ctx.set_security_level(level))
    SSL_CTX_set_timeout = staticmethod(lambda ctx, seconds: ctx.set_timeout(seconds))
    SSL_CTX_get_timeout = staticmethod(lambda ctx: ctx.get_timeout())
    SSL_CTX_get_cert_store = of.gives(lambda ctx: ctx.get_cert_store())
    SSL_CTX_add_extra_chain_cert = _tries(lambda ctx, cert: ctx.add_extra_chain_cert(cert))
    SSL_CTX_use_certificate = _tries(lambda ctx, cert: ctx.use_certificate(cert))
    SSL_CTX_use_PrivateKey = _tries(lambda ctx, pkey: ctx.use_privatekey(pkey))
    SSL_CTX_get_verify_mode = staticmethod(lambda ctx: ctx.get_verify_mode())
    SSL_CTX_get_verify_depth = staticmethod(lambda ctx: ctx.get_verify_depth())

    # Connections.
    SSL_set_fd = _tries(lambda ssl, fd: _private["set_fd"](ssl, fd))
    SSL_set_connect_state = staticmethod(lambda ssl: ssl.set_connect_state())
    SSL_set_accept_state = staticmethod(lambda ssl: ssl.set_accept_state())
    SSL_set_tlsext_host_name = _tries(lambda ssl, name: ssl.set_tlsext_host_name(of.text(name)))
    SSL_get_servername = of.gives(lambda ssl, kind: ssl.get_servername())
    SSL_get_SSL_CTX = staticmethod(lambda ssl: ssl.get_context())
    SSL_get_ciphers = staticmethod(lambda ssl: of.Stack(name.encode() for name in ssl.get_cipher_list()))
    SSL_get_current_cipher = of.gives(of.current_cipher)
    SSL_CIPHER_get_name = staticmethod(lambda cipher: cipher)
    SSL_CIPHER_get_bits = staticmethod(of.cipher_bits)
    SSL_CIPHER_get_version = staticmethod(lambda cipher: cipher.version)
    # Nothing is ever compressed.
    SSL_get_current_compression = SSL_get_current_expansion = staticmethod(lambda ssl: NULL)
    SSL_COMP_get_name = staticmethod(lambda compression: NULL)
    SSL_get_peer_certificate = SSL_get1_peer_certificate = of.gives(lambda s: s.get_peer_certificate())
    SSL_get_certificate = of.gives(lambda ssl: ssl.get_certificate())
    SSL_get_version = of.gives(lambda ssl: ssl.get_protocol_version_name().encode())
    SSL_version = staticmethod(lambda ssl: ssl.get_protocol_version())
    SSL_pending = staticmethod(lambda ssl: ssl.pending())
    SSL_session_reused = staticmethod(lambda ssl: int(ssl.session_reused()))
    SSL_get_shutdown = staticmethod(lambda ssl: ssl.get_shutdown())
    SSL_set_shutdown = staticmethod(lambda ssl, state: ssl.set_shutdown(state))

    @staticmethod
    def SSL_get_peer_cert_chain(ssl):
        chain = ssl.get_peer_cert_chain()
        return NULL if chain is None else of.Stack(chain)


# Objects go when nobody has them any more.
for _name in (
    "X509 X509_REQ X509_CRL X509_NAME X509_EXTENSION X509_STORE EVP_PKEY RSA DSA EC_KEY BN PKCS7 "
    "ASN1_OBJECT OPENSSL SSL SSL_CTX sk_X509 sk_X509_EXTENSION"
).split():
    setattr(Names, _name + "_free", staticmethod(lambda *pointer: None))

# Constants that this package has under names of its own.
_PREFIXES = (
    ("SSL_OP_", "OP_", SSL),
    ("SSL_SESS_", "SESS_", SSL),
    ("X509_V_FLAG_", "", crypto.X509StoreFlags),
    ("X509_V_", "", SSL.X509VerificationCodes),
    ("SSL_FILETYPE_", "FILETYPE_", SSL),
    ("X509_FILETYPE_", "FILETYPE_", SSL),
    ("SSL_SENT_", "SENT_", SSL),
    ("SSL_RECEIVED_", "RECEIVED_", SSL),
    ("SSL_VERIFY_", "VERIFY_", SSL),
    ("SSL_CB_", "SSL_CB_", SSL),
    ("SSL_ST_", "SSL_ST_", SSL),
    ("TLS1_", "TLS1_", SSL),
)


def find(name):
    """What lib.name is; AttributeError for a name that is not here."""
    if name in vars(Names):
        return getattr(Names, name)
    for theirs, ours, where in _PREFIXES:
        value = vars(where).get(ours + name[len(theirs) :]) if name.startswith(theirs) else None
        if isinstance(value, int):
            return value
    raise AttributeError(
        f"OpenSSL._util.lib has no {name!r}: it stands for the functions of OpenSSL that programs "
        "were seen to call; use the methods of OpenSSL.SSL and OpenSSL.crypto instead"
    )


# ---- what crypto.py and SSL.py take from here ----


def copy(thing):
    """copy.copy(): an object of the same class with the same attributes, on the same content."""
    made = _private["context_copy"](thing) if isinstance(thing, SSL.Context) else None
    if made is None:
        made = type(thing).__new__(type(thing))
        if isinstance(thing, crypto.X509Name):
            crypto.X509Name.__init__(made, thing)
        elif isinstance(thing, crypto.X509StoreContext):
            if thing._store is not None:
                crypto.X509StoreContext.__init__(made, thing._store, thing._cert, thing._chain)
        elif isinstance(thing, crypto.PKCS12):
            for part in ("certificate", "privatekey", "ca_certificates", "friendlyname"):
                getattr(crypto.PKCS12, "set_" + part)(made, getattr(crypto.PKCS12, "get_" + part)(thing))
        elif not _private["is_empty"](thing):
            _private["adopt"](made, thing)
    vars(made).update(vars(thing))
    return made


def from_raw_x509_ptr(cls, x509):
    """X509._from_raw_x509_ptr()"""
    cert = cls.__new__(cls)
    _private["adopt"](cert, x509)
    return cert


class X509NameInvalidator:
    """crypto._X509NameInvalidator: names here know by themselves when they are out of date."""

    def __init__(self):
        self._names = []

    def add(self, name):
        self._names.append(name)

    def clear(self):
        self._names.clear()


def openssl_assert(ok):
    """crypto._openssl_assert()"""
    if ok is not True:
        _raise_as(crypto.Error)


def mapping():
    """Connection._reverse_mapping, in which a Connection's _ssl finds that Connection."""
    import weakref

    class Mapping(weakref.WeakValueDictionary):
        def __getitem__(self, ssl):
            return ssl if isinstance(ssl, vars(_pyossl)["SSL.Connection"]) else super().__getitem__(ssl)

        def __contains__(self, ssl):
            return isinstance(ssl, vars(_pyossl)["SSL.Connection"]) or super().__contains__(ssl)

        def get(self, ssl, default=None):
            return self[ssl] if ssl in self else default

    Mapping.__name__ = Mapping.__qualname__ = "WeakValueDictionary"
    return Mapping()
