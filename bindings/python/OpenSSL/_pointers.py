"""What OpenSSL._private has in the place of pointers: buffers, lists, keys, messages, names."""

import io
import sys

from OpenSSL import SSL, crypto
from OpenSSL._util import _FAILURES, _entries, _leave_why, _private, ffi
from OpenSSL._util import _octets as octets

NULL = ffi.NULL
PEM, DER = crypto.FILETYPE_PEM, crypto.FILETYPE_ASN1
MBSTRING_UTF8, MBSTRING_ASC = 0x1000, 0x1001
XN_FLAG_RFC2253 = 0x1110317
PKCS7_STREAM = 0x1000
_OBJ_CREATE_LOCKS = 0x30100000  # the first OpenSSL whose table of objects has a lock


def gives(function):
    """What a call gives; NULL, and the reason left behind, for one that fails or has nothing."""

    def call(*args):
        try:
            value = function(*args)
        except _FAILURES as error:
            _leave_why(error)
            return NULL
        return NULL if value is None else value

    return staticmethod(call)


def text(pointer):
    """A C string as bytes."""
    return pointer.encode() if isinstance(pointer, str) else ffi.string(pointer)


def counted(pointer, length=-1):
    """As many bytes as are said, or up to a NUL."""
    return text(pointer) if length < 0 else octets(pointer)[:length]


def fill(buffer, size, data):
    """What fits, with a NUL behind it; how many bytes there were."""
    size = min(size, len(buffer)) if buffer else 0
    if size > 0:
        part = bytes(data[: size - 1]) + b"\0"
        buffer[: len(part)] = part
    return len(data)


# ---- buffers and lists ----


class Bio(io.BytesIO):
    """A memory BIO: what is written goes to the end, what is read comes from the start."""

    def write(self, data):
        at = self.tell()
        self.seek(0, io.SEEK_END)
        count = super().write(data)
        self.seek(at)
        return count

    def left(self):
        """What has not been read, which stays."""
        return self.getvalue()[self.tell() :]

    def pending(self):
        """How much that is."""
        at = self.tell()
        end = self.seek(0, io.SEEK_END)
        self.seek(at)
        return end - at


class Stack(list):
    """A STACK_OF() something."""

    def __bool__(self):
        return True


def new_mem_buf(buffer=None):
    """crypto._new_mem_buf(): a BIO that holds the bytes, or nothing yet."""
    return Bio(b"" if buffer is None else octets(buffer))


def bio_to_string(bio):
    """crypto._bio_to_string(): what has been written to a BIO and not read."""
    return bio.left()


def block(bio, *labels):
    """The next PEM block of one of these kinds; it counts as read, with what is before it."""
    ends = {b"-----BEGIN %b-----" % label: b"-----END %b-----" % label for label in labels}
    lines, end = [], None
    for line in iter(bio.readline, b""):
        end = end or ends.get(line.rstrip())
        if end:
            lines.append(line)
            if line.rstrip() == end:
                return b"".join(lines) + b"\n"
    raise crypto.Error([("PEM routines", "", "no start line")])


def _element(der, at=0):
    """(tag, start, end) of the element there, which lies within der."""
    try:
        tag, length, start = der[at], der[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[at + 2 : start], "big")
    except IndexError:
        length, start = len(der), 0
    if start == 0 or start + length > len(der):
        raise _too_short()
    return tag, start, start + length


def _too_short():
    return crypto.Error([("asn1 encoding routines", "", "not enough data")])


def _elements(der, start, end):
    while start < end:
        tag, inner, stop = _element(der, start)
        yield tag, inner, stop
        start = stop


def sequence(bio):
    """The next DER sequence of a BIO; all of a BIO that has no whole one counts as read."""
    head = bio.read(2)
    if len(head) == 2 and head[1] & 0x80:
        head += bio.read(head[1] & 0x7F)
    at = bio.tell()
    left = bio.seek(0, io.SEEK_END) - at
    if len(head) < 2:
        raise _too_short()
    length = int.from_bytes(head[2:], "big") if head[1] & 0x80 else head[1]
    if length > left:
        raise _too_short()
    bio.seek(at)
    return head + bio.read(length)


# ---- keys ----


def _integers(der, start, end):
    return [
        int.from_bytes(der[inner:stop], "big")
        for tag, inner, stop in _elements(der, start, end)
        if tag == 2
    ]


class Numbers:
    """An RSA or a DSA key by its numbers, which are integers of Python."""

    def __init__(self, pkey):
        self.pkey = pkey
        if pkey.type() == crypto.TYPE_RSA:
            names, skipped = ("n", "e", "d", "p", "q", "dmp1", "dmq1", "iqmp"), 1
        else:
            names, skipped = ("p", "q", "g", "pub_key", "priv_key"), 1
        vars(self).update(dict.fromkeys(names, NULL))
        numbers = self._of_public() if pkey._only_public else self._of_private()[skipped:]
        vars(self).update(zip(names, numbers))

    def _of_private(self):
        der = crypto.dump_privatekey(DER, self.pkey)
        return _integers(der, *_element(der)[1:])

    def _of_public(self):
        der = crypto.dump_publickey(DER, self.pkey)
        algorithm, bits = _elements(der, *_element(der)[1:])
        inner = bits[1] + 1  # behind the count of unused bits
        if self.pkey.type() == crypto.TYPE_RSA:
            return _integers(der, *_element(der, inner)[1:])
        parameters = list(_elements(der, *algorithm[1:]))[1]
        return _integers(der, *parameters[1:]) + _integers(der, inner, bits[2])

    def public_pem(self):
        """RSAPublicKey (RFC 8017)"""
        import base64

        der = crypto.dump_publickey(DER, self.pkey)
        _, bits = _elements(der, *_element(der)[1:])
        body = base64.encodebytes(der[bits[1] + 1 : bits[2]]).replace(b"\n", b"")
        lines = [body[at : at + 64] for at in range(0, len(body), 64)]
        label = b"RSA PUBLIC KEY-----"
        return b"\n".join([b"-----BEGIN " + label, *lines, b"-----END " + label, b""])


def get1(key_type):
    def get1(pkey):
        if pkey.type() == key_type:
            return Numbers(pkey)
        raise crypto.Error([("digital envelope routines", "", "expecting another type of key")])

    return gives(get1)


def get0(*names):
    def get0(numbers, *places):
        for name, place in zip(names, places):
            if place:
                place[0] = getattr(numbers, name)

    return staticmethod(get0)


def passphrase(callback, userdata):
    """The passphrase, or whom to ask for it."""
    return callback or (ffi.string(userdata) if userdata else None)


class PassphraseHelper:
    """crypto._PassphraseHelper: a passphrase, and what went wrong when it was asked for."""

    def __init__(self, type, passphrase, more_args=False, truncate=False):
        if type != PEM and passphrase is not None:
            raise ValueError("only FILETYPE_PEM key format supports encryption")
        self._passphrase, self._more_args, self._truncate = passphrase, more_args, truncate
        self._problems = []

    @property
    def callback(self):
        if self._passphrase is None:
            return NULL
        if isinstance(self._passphrase, bytes) or callable(self._passphrase):
            return self._read_passphrase
        raise TypeError("Last argument must be a byte string or a callable.")

    @property
    def callback_args(self):
        self.callback  # of the right type
        return NULL

    def raise_if_problem(self, exceptionType=crypto.Error):
        """Raise what asking raised, if it did."""
        if self._problems:
            _entries().clear()
            raise self._problems.pop(0)

    def _read_passphrase(self, rwflag=0, size=1024):
        try:
            result = self._passphrase
            if callable(result):
                result = result(size, rwflag, None) if self._more_args else result(rwflag)
            if not isinstance(result, bytes):
                raise ValueError("Bytes expected")
            if len(result) > size and not self._truncate:
                raise ValueError("passphrase returned by callback is too long")
            return result[:size]
        except Exception as error:
            self._problems.append(error)
            raise


def writes_key(dump):
    """A function that writes a key, and leaves to a helper what its callback raised."""

    def write(bio, key, cipher, text, length, callback, userdata):
        asked = counted(text, length or -1) if text else passphrase(callback, userdata)
        try:
            bio.write(dump(key, cipher or None, asked if cipher else None))
        except Exception as error:
            if error in getattr(getattr(callback, "__self__", None), "_problems", ()):
                return 0
            if not isinstance(error, _FAILURES):
                raise
            _leave_why(error)
            return 0
        return 1

    return staticmethod(write)


def traditional(numbers, cipher, passphrase):
    return _private["dump_traditional"](numbers.pkey, cipher, passphrase)


# ---- PKCS #7 ----


class Signed:
    """p7.d.sign and p7.d.signed_and_enveloped"""

    def __init__(self, message):
        certs = message.get_certificates()
        self.cert = NULL if certs is None else Stack(certs)


class Content:
    """p7.d: what is not of the message's type is NULL."""

    def __init__(self, message):
        self.sign = Signed(message) if message.type_is_signed() else NULL
        both = message.type_is_signedAndEnveloped()
        self.signed_and_enveloped = Signed(message) if both else NULL


class Message:
    """A PKCS7 *: the object, and how it was made where that was here."""

    def __init__(self, message, *made):
        self.message, self.made = message, made

    @property
    def d(self):
        return Content(self.message)


def pkcs7_sign(cert, pkey, others, bio, flags):
    made = (cert, pkey, tuple(others or ()), bio.read(), flags & ~PKCS7_STREAM)
    return Message(_private["pkcs7_sign"](*made), *made)


def pkcs7_add(p7, cert):
    if not p7.made:
        raise crypto.Error([("PKCS7 routines", "", "only what PKCS7_sign() made can be added to")])
    signer, pkey, others, data, flags = p7.made
    p7.made = (signer, pkey, (*others, cert), data, flags)
    p7.message = _private["pkcs7_sign"](*p7.made)


def pkcs7_verify(p7, certs, store, detached, out, flags):
    content = _private["pkcs7_verify"](
        p7.message, tuple(certs or ()), store or None, detached.read() if detached else None, flags
    )
    if out:
        out.write(content)


# ---- names ----


class Entry:
    """One entry of a name."""

    def __init__(self, field, value):
        self.object, self.value = Object(field), value


class Object(str):
    """An object identifier: its dotted number, or its name where there is no other."""

    def __new__(cls, field):
        field = field.decode() if isinstance(field, bytes) else field
        names = _private["oid_names"](_private["oid_nid"](field))
        return super().__new__(cls, (names and names[2].decode()) or field)


def name_of(nid, which):
    names = _private["oid_names"](nid)
    return names[which] if names else NULL


def add_entry(name, field, kind, value, length, place, group):
    """At the end, alone: other places and groups of entries are not to be had here."""
    if kind not in (MBSTRING_UTF8, MBSTRING_ASC) or place != -1 or group != 0:
        raise crypto.Error([("x509 certificate routines", "", "unsupported kind or place")])
    value = counted(value, length)
    if kind == MBSTRING_ASC:
        value = value.decode("latin-1").encode()
    _private["name_add"](name, field, value)


def _rfc2253(name):
    def quoted(value):
        text = "".join("\\" + c if c in ',+"\\<>;' else c for c in value.decode("utf-8", "replace"))
        if text[:1] in ("#", " "):
            text = "\\" + text
        return text[:-1] + "\\ " if len(text) > 1 and text.endswith(" ") else text

    parts = (f"{field.decode()}={quoted(value)}" for field, value in reversed(name.get_components()))
    return ",".join(parts).encode()


def print_name(bio, name, indent, flags):
    if flags != XN_FLAG_RFC2253:
        raise crypto.Error([("x509 certificate routines", "", "only XN_FLAG_RFC2253 is known")])
    bio.write(b" " * max(0, indent) + _rfc2253(name))


def entry(name, at):
    """The entry there, or None."""
    parts = _private["name_entry"](name, at)
    return parts and Entry(*parts)


def index(name, nid, last):
    at = max(last + 1, 0)
    while parts := _private["name_entry"](name, at):
        if _private["oid_nid"](parts[0]) == nid:
            return at
        at += 1
    return -1


def item(items, index):
    return items[index] if 0 <= index < len(items) else None


def create(dotted, short, long):
    if SSL.OPENSSL_VERSION_NUMBER < _OBJ_CREATE_LOCKS and len(sys._current_frames()) > 1:
        why = "before OpenSSL 3.1 objects can be added while there is one thread only"
        raise crypto.Error([("object identifier routines", "", why)])
    return _private["oid_create"](text(dotted), text(short), text(long))


# ---- connections ----


class Cipher(bytes):
    """The cipher of a connection: its name."""

    def __new__(cls, ssl):
        self = super().__new__(cls, ssl.get_cipher_name().encode())
        self.bits, self.version = ssl.get_cipher_bits(), ssl.get_cipher_version().encode()
        return self


def current_cipher(ssl):
    return None if ssl.get_cipher_name() is None else Cipher(ssl)


def cipher_bits(cipher, place):
    if place:
        place[0] = cipher.bits
    return cipher.bits


# ---- errors ----


class Code(int):
    """A number of ERR_get_error(), with the texts that are asked for by it."""


def next_error(take):
    entries = _entries()
    if not entries:
        return 0
    code = Code(1)
    code.entry = entries.pop(0) if take else entries[0]
    return code


def error_text(place):
    return staticmethod(lambda code: code.entry[place].encode() if code else NULL)
