"""Calls everything that the package has with everything; test_matrix.py runs this in processes of its own.

    matrix.py CHUNK PROGRESS

The calls are made from the package itself: every function, class and method
that inspect.signature() can read, so that a new one is called too, or its
parameter is missing in GOOD of matrix_values.py and this says so. PROGRESS is a
file that holds the call under way, for whoever finds this process dead.
"""

import ctypes
import faulthandler
import os
import pathlib
import re
import sys
import warnings

from OpenSSL import SSL, crypto, version

import tls
from matrix_values import (
    CERT, CRL, GOOD, KEY, ROOT, SPKI, argument_lists, classes, comment, few_wrong, functions, good_arguments,
    has_cryptography, methods, parameters, wrong,
)  # fmt: skip
from tls import read

assert version.__pyossl_version__
warnings.simplefilter("ignore")
LIMIT = 270  # seconds for a chunk; below what conftest.py allows a test

# ---- calls and what may come of them ----

# What the manual says may be raised by anything.
ANYWHERE = (SSL.Error, crypto.Error, TypeError, ValueError, OverflowError, BufferError)
# And by a few only: what, by which.
SOMEWHERE = [] if has_cryptography() else [(ImportError, "")]
SOMEWHERE += [
    (crypto.X509StoreContextError, r"X509StoreContext\.(verify_certificate|get_verified_chain)"),
    (IndexError, r"X509\.get_extension|X509(Req)?\.remove_extension"),
    (OSError, r"rand\.|file|load_locations|load_verify_locations|load_client_ca|load_tmp_dh|Connection\.(connect|accept|sock_shutdown|makefile|read|write|recv|send|shutdown|DTLSv1_listen|do_handshake|connect_ex|socket)"),
    (NotImplementedError, r"makefile|npn"),
    (AttributeError, r"__getattr__|Connection\.(connect|connect_ex|accept|shutdown|sock_shutdown|makefile)|_EllipticCurve|_asFileDescriptor|rand\.(egd|screen)|set_tmp_ecdh"),
    (MemoryError, r"bufsiz|num_bytes|nbytes"),
    (RuntimeError, r"__init__"),
]  # fmt: skip

def _peek_error():
    maps = pathlib.Path("/proc/self/maps").read_text()
    library = ctypes.CDLL(re.search(r"(/\S*libcrypto\.so\S*)", maps).group(1))
    library.ERR_peek_error.restype = ctypes.c_ulong
    return library.ERR_peek_error


class Calls:
    """Makes calls, counts them, and remembers what should not have been."""

    def __init__(self, progress):
        self.progress = os.open(progress, os.O_RDWR | os.O_CREAT, 0o600)
        self.peek = _peek_error()
        self.count = 0
        self.faults = []

    def fault(self, text):
        self.faults.append(text)
        if len(self.faults) > 40:
            self.finish()

    def call(self, where, text, function, arguments=(), keywords={}):
        """Call; the exception, or None."""
        self.count += 1
        where = f"{where}({text})"
        os.pwrite(self.progress, where.encode("utf-8", "backslashreplace")[:300].ljust(300), 0)
        error = None
        try:
            function(*arguments, **keywords)
        except Exception as raised:
            error = raised
            self.judge(where, error)
        if self.peek():
            self.fault(f"{where}: leaves entries in OpenSSL's queue")
        return error

    def must(self, where, function, *arguments):
        """What has to work, whatever was called before."""
        self.count += 1
        try:
            function(*arguments)
        except Exception as error:
            self.fault(f"{where}: cannot be used afterwards: {type(error).__name__}: {error}")

    def judge(self, where, error):
        kind = type(error)
        text = f"{where}: {kind.__module__}.{kind.__name__}: {error}"
        if not isinstance(error, ANYWHERE) and not any(
            isinstance(error, allowed) and re.search(pattern, where) for allowed, pattern in SOMEWHERE
        ):
            self.fault(text)
        if isinstance(error, (SSL.Error, crypto.Error)):
            self.judge_error(text, error)
        elif not str(error):
            self.fault(f"{text} (says nothing)")

    def judge_error(self, text, error):
        """NA-005: the list of an Error is never empty, and each entry has a reason."""
        if isinstance(error, (SSL.WantReadError, SSL.WantWriteError, SSL.WantX509LookupError, SSL.ZeroReturnError,
                              crypto.X509StoreContextError)):
            return
        if isinstance(error, SSL.SysCallError):
            if len(error.args) != 2 or not isinstance(error.args[0], int):
                self.fault(f"{text} (number and text are missing)")
            return
        if "generate_key" in text and error.args == ("No such key type",):
            return  # as all releases of pyOpenSSL say it
        entries = error.args[0] if error.args else None
        if not isinstance(entries, list) or not entries or not all(
            isinstance(entry, tuple) and len(entry) == 3 and entry[2] for entry in entries
        ):
            self.fault(f"{text} (not a list of reasons)")

    def finish(self):
        for fault in self.faults:
            print(fault.encode("utf-8", "backslashreplace").decode())
        print(f"{self.count} calls, {len(self.faults)} faults")
        sys.stdout.flush()
        os._exit(1 if self.faults or not self.count else 0)


def value_of(function):
    """What a getter answers, in a form that can be compared."""
    try:
        value = function()
    except Exception as error:
        return type(error), str(error)
    if isinstance(value, (int, str, bytes, type(None))):
        return value
    return (type(value), len(value)) if isinstance(value, (list, tuple)) else type(value)


# ---- functions and constructors ----


def call_functions(calls):
    for name, function in functions():
        where = name.split(".", 1)[1]
        for text, arguments, keywords in argument_lists(where, function, wrong):
            calls.call(where, text, function, arguments, keywords)
        calls.call(where, "good", function, good_arguments(where, function))


def call_constructors(calls):
    for cls in classes():
        for text, arguments, keywords in argument_lists(cls.__name__, cls, wrong):
            calls.call(cls.__name__, text, cls, arguments, keywords)
        for text, arguments, keywords in argument_lists(cls.__name__, cls, few_wrong):
            thing = cls.__new__(cls)
            calls.call(cls.__name__ + ".__init__", text, thing.__init__, arguments, keywords)
            repr(thing)


# ---- objects of OpenSSL.crypto ----


def used_certificate():
    cert = crypto.X509()
    cert.set_subject(CERT.get_subject())
    cert.set_pubkey(KEY)
    cert.gmtime_adj_notBefore(0)
    cert.gmtime_adj_notAfter(100)
    cert.add_extensions([comment()])
    cert.sign(KEY, "sha256")
    return cert


def used_request():
    request = crypto.X509Req()
    request.set_pubkey(KEY)
    request.add_extensions([comment()])
    request.sign(KEY, "sha256")
    return request


def used_bundle():
    return crypto.load_pkcs12(read("modern.p12"), b"secret")


def judged():
    store = crypto.X509Store()
    store.add_cert(ROOT)
    context = crypto.X509StoreContext(store, ROOT)
    context.verify_certificate()
    return context


USED = {
    crypto.X509: [crypto.X509, used_certificate, lambda: crypto.load_certificate(1, read("server.pem"))],
    crypto.X509Req: [crypto.X509Req, used_request, lambda: GOOD["req"]()],
    crypto.X509Name: [lambda: CERT.get_subject(), lambda: crypto.X509Name(CERT.get_subject()), lambda: CRL.get_issuer()],
    crypto.X509Extension: [comment, lambda: CERT.get_extension(0)],
    crypto.PKey: [crypto.PKey, lambda: crypto.load_privatekey(1, read("rsa.pem")), CERT.get_pubkey],
    crypto.PKCS7: [lambda: crypto.load_pkcs7_data(1, read("pkcs7-signed.pem"))],
    crypto.PKCS12: [crypto.PKCS12, used_bundle],
    crypto.NetscapeSPKI: [crypto.NetscapeSPKI, lambda: crypto.NetscapeSPKI(SPKI)],
    crypto.CRL: [crypto.CRL, lambda: crypto.load_crl(1, read("crl.pem"))],
    crypto.Revoked: [crypto.Revoked, lambda: CRL.get_revoked()[0]],
    crypto.X509Store: [crypto.X509Store],
    crypto.X509StoreContext: [lambda: crypto.X509StoreContext(crypto.X509Store(), CERT), judged],
    crypto.X509StoreFlags: [crypto.X509StoreFlags],
    crypto._EllipticCurve: [lambda: crypto.get_elliptic_curve("prime256v1")],
}
# Not among the getters that tell whether something has changed: they are not the same twice, or cost too much.
NOT_COMPARED = {"get_session", "get_app_data", "get_verified_chain", "get_context"}


def getters(cls):
    return [
        name for name in methods(cls)
        if name not in NOT_COMPARED and re.match(r"get_|type|bits|has_|hash|der|b64_encode|subject_name_hash", name)
        and not [p for p in parameters(getattr(cls, name)) if p[0] != "self" and p[2]]
    ]  # fmt: skip


def call_object(calls, make, values):
    """Every method of an object with wrong arguments, then with good ones. A call that fails changes nothing."""
    cls = type(make())
    compared = getters(cls)
    for name in methods(cls):
        where = f"{cls.__name__}.{name}"
        thing = make()
        before = None
        for text, arguments, keywords in argument_lists(where, getattr(cls, name), values):
            if before is None:
                before = [value_of(getattr(thing, getter)) for getter in compared]
            if calls.call(where, text, getattr(thing, name), arguments, keywords) is None:
                thing, before = make(), None  # it may have changed, as it was told
                continue
            after = [value_of(getattr(thing, getter)) for getter in compared]
            if after != before:
                changed = [g for g, old, new in zip(compared, before, after) if old != new]
                calls.fault(f"{where}({text}): failed, and changed {changed}")
                before = after
        calls.call(where, "good", getattr(thing, name), good_arguments(where, getattr(cls, name)))
        for getter in compared:
            calls.call(f"{cls.__name__}.{getter}", f"after {name}", getattr(thing, getter))
        calls.call(cls.__name__, "repr", lambda: repr(thing))
        calls.call(cls.__name__, "attributes", lambda: [getattr(thing, a, None) for a in dir(thing)])


def call_crypto(calls):
    missing = {cls for cls in classes() if cls.__module__ == "OpenSSL.crypto"} - set(USED)
    assert not missing, f"matrix.py: nothing is known about {missing}"
    for cls, makers in USED.items():
        for make in [*makers, lambda: cls.__new__(cls)]:
            call_object(calls, make, wrong)


# ---- contexts ----


def call_contexts(calls):
    def serving():
        context = tls.server_context(certificate="server-ec.pem", key="ec.pem")
        SSL.Connection(context).set_accept_state()
        return context

    for make in (lambda: SSL.Context(SSL.TLS_METHOD), serving, lambda: SSL.Context.__new__(SSL.Context)):
        call_object(calls, make, wrong)
    # After all that was wrong, a context serves.
    for name in methods(SSL.Context):
        context = serving()
        where = f"Context.{name}"
        for text, arguments, keywords in argument_lists(where, getattr(SSL.Context, name), wrong):
            if calls.call(where, text, getattr(context, name), arguments, keywords) is None:
                context = serving()
        calls.must(where, tls.connected, context, tls.client_context(verify=False))


# ---- connections, in each state ----

PROTOCOLS = {
    "TLS 1.2": (SSL.TLS_METHOD, SSL.TLS1_2_VERSION),
    "TLS 1.3": (SSL.TLS_METHOD, SSL.TLS1_3_VERSION),
    "DTLS": (SSL.DTLS_METHOD, None),
}
ROLES = ("server", "client")
STATES = ("new", "mid-handshake", "established", "shut down", "failed", "closed")


class Pairs:
    """Pairs of connections of one protocol, in any state."""

    def __init__(self, protocol):
        method, version = PROTOCOLS[protocol]
        self.datagrams = method == SSL.DTLS_METHOD
        self.server = tls.server_context(method, "server-ec.pem", "ec.pem")
        self.client = SSL.Context(method)
        self.client.load_verify_locations(tls.DATA / "authorities.pem")
        self.client.set_verify(SSL.VERIFY_PEER, lambda connection, cert, number, depth, ok: True)
        self.strict = SSL.Context(method)
        self.strict.set_verify(SSL.VERIFY_PEER)
        for context in (self.server, self.client, self.strict):
            if version:
                context.set_min_proto_version(version)
                context.set_max_proto_version(version)

    def memory(self, client=None):
        pair = tls.memory_pair(self.server, client or self.client)
        if self.datagrams:
            for connection in pair:
                connection.set_ciphertext_mtu(1400)
        return pair

    def sockets(self):
        kind = tls.socket.SOCK_DGRAM if self.datagrams else tls.socket.SOCK_STREAM
        left, right = tls.socket.socketpair(tls.socket.AF_UNIX, kind)
        for end in (left, right):
            end.setblocking(False)
        pair = SSL.Connection(self.server, left), SSL.Connection(self.client, right)
        pair[0].set_accept_state()
        pair[1].set_connect_state()
        return pair

    def make(self, state):
        if state == "closed":
            pair = self.sockets()
            done = set()
            while len(done) < 2:
                for connection in pair:
                    try:
                        connection.do_handshake()
                        done.add(connection)
                    except SSL.WantReadError:
                        pass
            for connection in pair:
                connection.close()
            return pair
        server, client = pair = self.memory(self.strict if state == "failed" else None)
        if state == "mid-handshake":
            for own, peer in ((client, server), (server, client)):
                try:
                    own.do_handshake()
                except SSL.WantReadError:
                    pass
                tls.carry(own, peer)
        elif state == "failed":
            for own, peer in (client, server), (server, client), (client, server), (server, client):
                try:
                    own.do_handshake()
                except SSL.Error:
                    pass
                tls.carry(own, peer)
        elif state != "new":
            tls.shake(*pair)
        if state == "shut down":
            for own, peer in (client, server), (server, client), (client, server), (server, client):
                try:
                    own.shutdown()
                except SSL.Error:
                    pass
                tls.carry(own, peer)
        return pair

    def usable(self, state, pair):
        """Go on from the state, as if nothing had been."""
        if state in ("new", "mid-handshake"):
            # What waits inside goes first.
            tls.carry(*pair), tls.carry(*reversed(pair))
            tls.shake(*pair)
        if state in ("new", "mid-handshake", "established"):
            for own, peer in (pair, reversed(pair)):
                own.sendall(b"still there")
                tls.carry(own, peer)
                got = peer.recv(100)
                if got != b"still there":
                    raise AssertionError(got)


COMPARED = ["get_state_string", "get_shutdown", "get_options", "get_mode", "get_verify_mode", "get_cipher_name", "get_servername",
            "get_protocol_version", "session_reused", "total_renegotiations", "get_alpn_proto_negotiated"]  # fmt: skip


def call_connection(calls, protocol, role, state):
    pairs = Pairs(protocol)
    at = ROLES.index(role)
    values = wrong if protocol == "TLS 1.3" else few_wrong
    for name in methods(SSL.Connection):
        where = f"Connection.{name}"
        pair = pairs.make(state)
        thing = pair[at]
        before = [value_of(getattr(thing, getter)) for getter in COMPARED]
        for text, arguments, keywords in argument_lists(where, getattr(SSL.Connection, name), values):
            error = calls.call(f"{state}: {where}", text, getattr(thing, name), arguments, keywords)
            # Where the arguments were good enough to get at the connection, it may have moved.
            if error is None or isinstance(error, (SSL.Error, OSError)):
                pair = pairs.make(state)
                thing = pair[at]
        after = [value_of(getattr(thing, getter)) for getter in COMPARED]
        if after != before:
            changed = [(g, old, new) for g, old, new in zip(COMPARED, before, after) if old != new]
            calls.fault(f"{state}: {where}: what failed has changed {changed}")
        calls.must(f"{state}: {where}", pairs.usable, state, pair)
        thing = pairs.make(state)[at]
        calls.call(f"{state}: {where}", "good", getattr(thing, name), good_arguments(where, getattr(SSL.Connection, name)))
        for getter in COMPARED:
            calls.call(f"{state}: Connection.{getter}", f"after {name}", getattr(thing, getter))
        calls.call("Connection", "repr", lambda: repr(thing))


def call_connections(protocol, role):
    def call(calls):
        for state in STATES:
            call_connection(calls, protocol, role, state)

    return call


def call_empty(calls):
    for cls in (SSL.Connection, SSL.Session, SSL.Context, SSL.X509VerificationCodes):
        call_object(calls, lambda: cls.__new__(cls), wrong)


# ---- chunks ----

CHUNKS = {
    "functions": call_functions,
    "constructors": call_constructors,
    "crypto": call_crypto,
    "contexts": call_contexts,
    "empty": call_empty,
    **{f"{protocol} {role}": call_connections(protocol, role) for protocol in PROTOCOLS for role in ROLES},
}  # fmt: skip


def main(chunk, progress):
    faulthandler.enable()
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    calls = Calls(progress)
    CHUNKS[chunk](calls)
    calls.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
