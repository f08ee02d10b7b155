"""Every setter and getter of Connection and Context at every moment of a connection.

    moments.py probe FILE           with the package that this Python imports; writes what came of each call
    moments.py record FILE ...      keeps what probes of pyOpenSSL's releases wrote in tests/data/moments.csv
    moments.py compare FILE [--write]
                                    what ours does and none of them did, against doc/python/moments.csv

A call is made on a pair of connections of its own, in a process of its own: releases
crash in some. What came of it is the type of the answer, or of the exception, and how
the handshake ended.
"""

import csv
import json
import os
import pathlib
import signal
import sys
import warnings

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
DATA = TOP / "tests" / "data"
TABLE = TOP / "doc" / "python" / "moments.csv"
RECORDED = DATA / "moments.csv"
LIMIT = 60  # seconds for a call

try:
    from OpenSSL import SSL, crypto
except ImportError:  # to record and to compare none is needed
    SSL = crypto = None


def nothing(*args):
    return None


# What a call is given: by name, made from what the pair has at hand.
CONNECTION = {
    "set_tlsext_host_name": lambda at: [b"other.example.test"],
    "set_alpn_protos": lambda at: [[b"h2"]],
    "request_ocsp": lambda at: [],
    "set_session": lambda at: [at.session],
    "set_verify": lambda at: [SSL.VERIFY_PEER, lambda *args: True],
    "set_info_callback": lambda at: [nothing],
    "set_options": lambda at: [SSL.OP_NO_TICKET],
    "set_shutdown": lambda at: [0],
    "set_app_data": lambda at: [1],
    "set_context": lambda at: [at.other],
    "set_ciphertext_mtu": lambda at: [1400],
    "use_certificate": lambda at: [at.cert],
    "use_privatekey": lambda at: [at.key],
    "export_keying_material": lambda at: [b"EXPERIMENTAL", 16],
    "bio_read": lambda at: [100],
    "bio_write": lambda at: [b""],
}
CONTEXT = {
    "add_client_ca": lambda at: [at.cert],
    "add_extra_chain_cert": lambda at: [at.cert],
    "load_client_ca": lambda at: [str(DATA / "root.pem")],
    "load_tmp_dh": lambda at: [str(DATA / "dh.pem")],
    "load_verify_locations": lambda at: [str(DATA / "root.pem")],
    "set_alpn_protos": lambda at: [[b"h2"]],
    "set_alpn_select_callback": lambda at: [lambda conn, protos: protos[0]],
    "set_app_data": lambda at: [1],
    "set_cipher_list": lambda at: [b"HIGH"],
    "set_client_ca_list": lambda at: [[at.cert.get_subject()]],
    "set_cookie_generate_callback": lambda at: [lambda conn: b"cookie"],
    "set_cookie_verify_callback": lambda at: [lambda conn, cookie: True],
    "set_info_callback": lambda at: [nothing],
    "set_keylog_callback": lambda at: [nothing],
    "set_max_proto_version": lambda at: [0],
    "set_min_proto_version": lambda at: [0],
    "set_mode": lambda at: [SSL.MODE_RELEASE_BUFFERS],
    "clear_mode": lambda at: [SSL.MODE_RELEASE_BUFFERS],
    "set_ocsp_client_callback": lambda at: [lambda *args: True],
    "set_ocsp_server_callback": lambda at: [lambda *args: b""],
    "set_options": lambda at: [SSL.OP_NO_TICKET],
    "set_passwd_cb": lambda at: [lambda *args: b"secret"],
    "set_session_cache_mode": lambda at: [SSL.SESS_CACHE_OFF],
    "set_session_id": lambda at: [b"id"],
    "set_timeout": lambda at: [100],
    "set_tls13_ciphersuites": lambda at: [b"TLS_AES_128_GCM_SHA256"],
    "set_tlsext_servername_callback": lambda at: [nothing],
    "set_tlsext_use_srtp": lambda at: [b"SRTP_AES128_CM_SHA1_80"],
    "set_tmp_ecdh": lambda at: [crypto.get_elliptic_curve("prime256v1")],
    "set_verify": lambda at: [SSL.VERIFY_PEER, lambda *args: True],
    "set_verify_depth": lambda at: [9],
    "use_certificate": lambda at: [at.cert],
    "use_certificate_chain_file": lambda at: [str(DATA / "chain.pem")],
    "use_certificate_file": lambda at: [str(DATA / "server.pem")],
    "use_privatekey": lambda at: [at.key],
    "use_privatekey_file": lambda at: [str(DATA / "rsa.pem")],
}
WITHOUT = """get_alpn_proto_negotiated get_app_data get_certificate get_cipher_bits get_cipher_list get_cipher_name
get_cipher_version get_cleartext_mtu get_client_ca_list get_context get_finished get_group_name get_peer_cert_chain
get_peer_certificate get_peer_finished get_protocol_version get_protocol_version_name get_selected_srtp_profile
get_servername get_session get_shutdown get_state_string get_verified_chain get_verify_mode master_key client_random
server_random pending want_read want_write renegotiate_pending total_renegotiations set_accept_state
set_connect_state DTLSv1_get_timeout DTLSv1_handle_timeout""".split()
CONTEXT_WITHOUT = """check_privatekey get_app_data get_cert_store get_session_cache_mode get_timeout get_verify_depth
get_verify_mode set_default_verify_paths""".split()


def calls():
    """The calls: (class, method)."""
    named = [("Connection", name) for name in [*CONNECTION, *WITHOUT]]
    return named + [("Context", name) for name in [*CONTEXT, *CONTEXT_WITHOUT]]


INFO = {
    "SSL_CB_HANDSHAKE_START": 0x10,
    "SSL_CB_CONNECT_LOOP": 0x1001,
    "SSL_CB_ACCEPT_LOOP": 0x2001,
    "SSL_CB_HANDSHAKE_DONE": 0x20,
    "SSL_CB_CONNECT_EXIT": 0x1002,
    "SSL_CB_ACCEPT_EXIT": 0x2002,
    "SSL_CB_WRITE_ALERT": 0x4008,
    "SSL_CB_READ_ALERT": 0x4004,
}


def moments():
    """The moments: (side, name)."""
    outside = ["before", "in the handshake", "after the handshake", "after shutdown", "after both shutdowns"]
    both = [*outside, *(f"info: {name}" for name in INFO), "verify callback", "keylog callback", "passphrase callback"]
    own = {
        "client": ["OCSP callback"],
        "server": ["server name callback", "ALPN callback", "OCSP callback",
                   "cookie generate callback", "cookie verify callback"],
    }
    for side in ("client", "server"):
        strange = "ACCEPT" if side == "client" else "CONNECT"
        for name in both + own[side]:
            if strange not in name:
                yield side, name


class Pair:
    """A server and a client in memory; what is asked for is called once, when its moment comes."""

    def __init__(self, side, moment, call):
        self.side, self.moment, self.call = side, moment, call
        self.answer = None  # of the call
        self.cert = crypto.load_certificate(crypto.FILETYPE_PEM, (DATA / "server.pem").read_bytes())
        self.key = crypto.load_privatekey(crypto.FILETYPE_PEM, (DATA / "rsa.pem").read_bytes())
        self.chain = crypto.load_certificate(crypto.FILETYPE_PEM, (DATA / "intermediate.pem").read_bytes())
        self.dtls = moment.startswith("cookie")
        self.contexts = {name: self.context(name) for name in ("client", "server")}
        self.other = self.context(side)
        self.session = None

    def context(self, side):
        context = SSL.Context(SSL.DTLS_METHOD if self.dtls else SSL.TLS_METHOD)
        context.use_certificate(self.cert)
        context.use_privatekey(self.key)
        context.add_extra_chain_cert(self.chain)
        context.load_verify_locations(str(DATA / "root.pem"))
        return context

    def connect(self):
        self.ends = {}
        for name, context in self.contexts.items():
            end = self.ends[name] = SSL.Connection(context, None)
            end.set_accept_state() if name == "server" else end.set_connect_state()
        self.ends["client"].set_tlsext_host_name(b"host.example.test")
        self.ends["client"].set_alpn_protos([b"h2"])
        self.ends["client"].request_ocsp()

    def now(self, moment, side):
        if (side, moment) != (self.side, self.moment) or self.answer is not None:
            return
        self.answer = "…"  # once
        owner, name = self.call
        target = self.ends[side] if owner == "Connection" else self.contexts[side]
        method = getattr(target, name, None)
        if method is None:
            self.answer = "absent"
            return
        try:
            given = (CONNECTION if owner == "Connection" else CONTEXT).get(name, lambda at: [])(self)
            result = method(*given)
        except Exception as exception:
            self.answer = type(exception).__name__.lstrip("_")  # ours are of two kinds at once
            return
        self.answer = "None" if result is None else type(result).__name__

    # ---- the moments ----

    def listen(self):
        """Install every callback, on both sides."""
        for side, context in self.contexts.items():
            self.listen_on(side, context)

    def listen_on(self, side, context):
        def info(conn, where, ret):
            for name, number in INFO.items():
                if where == number:
                    self.now(f"info: {name}", side)

        def verify(conn, *args):
            self.now("verify callback", side)
            return True

        context.set_info_callback(info)
        context.set_verify(SSL.VERIFY_PEER, verify)
        context.set_keylog_callback(lambda *args: self.now("keylog callback", side))
        if side == "client":
            context.set_ocsp_client_callback(lambda *args: self.now("OCSP callback", side) or True)
            return
        context.set_ocsp_server_callback(lambda *args: self.now("OCSP callback", side) or b"")
        context.set_tlsext_servername_callback(lambda conn: self.now("server name callback", side))
        context.set_alpn_select_callback(lambda conn, protos: self.now("ALPN callback", side) or protos[0])
        context.set_session_id(b"moments")
        if self.dtls:
            context.set_cookie_generate_callback(lambda conn: self.now("cookie generate callback", side) or b"c")
            context.set_cookie_verify_callback(lambda conn, c: self.now("cookie verify callback", side) or True)

    def passphrase(self):
        def callback(*args):
            self.now("passphrase callback", self.side)
            return b"secret"

        crypto.load_privatekey(crypto.FILETYPE_PEM, (DATA / "rsa-aes256.pem").read_bytes(), callback)

    def carry(self, source, target):
        """All that there is: with ours, a datagram at a time."""
        while True:
            try:
                target.bio_write(source.bio_read(1 << 16))
            except SSL.WantReadError:
                return

    def shake(self):
        client, server = self.ends["client"], self.ends["server"]
        done = set()
        listening = self.dtls
        for _ in range(20):
            for own, peer in ((client, server), (server, client)):
                if own in done:
                    continue
                try:
                    if own is server and listening:
                        own.DTLSv1_listen()
                        listening = False
                    own.do_handshake()
                    done.add(own)
                except SSL.WantReadError:
                    pass
                self.carry(own, peer)
            if len(done) < 2 and client not in done:
                self.now("in the handshake", self.side)
            if len(done) == 2:
                return
        raise TimeoutError

    def run(self):
        self.listen()  # newer releases take no more once there is a connection
        self.connect()
        if self.call == ("Connection", "set_session"):
            wanted, self.moment = self.moment, None
            self.shake()
            self.session, self.moment = self.ends["client"].get_session(), wanted
            self.connect()
        if self.moment == "passphrase callback":
            self.passphrase()
        self.now("before", self.side)
        self.shake()
        self.now("after the handshake", self.side)
        client, server = self.ends["client"], self.ends["server"]
        end, peer = (client, server) if self.side == "client" else (server, client)
        alert = "info: SSL_CB_READ_ALERT" == self.moment
        first, second = (peer, end) if alert else (end, peer)
        first.shutdown()
        self.now("after shutdown", self.side)
        self.carry(first, second)
        try:
            second.recv(1)
        except SSL.ZeroReturnError:
            pass
        second.shutdown()
        self.carry(second, first)
        self.now("after both shutdowns", self.side)


def probe_one(side, moment, call):
    pair = Pair(side, moment, call)
    try:
        pair.run()
        end = "ok"
    except Exception as exception:
        end = type(exception).__name__
    answer = pair.answer or "never"
    return answer if end == "ok" else f"{answer}, then {end}"


def apart(side, moment, call):
    """The same in a child."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        signal.alarm(LIMIT)
        warnings.simplefilter("ignore")
        os.write(writer, probe_one(side, moment, call).encode())
        os._exit(0)
    os.close(writer)
    said = b""
    while piece := os.read(reader, 4096):
        said += piece
    os.close(reader)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "hang" if os.WTERMSIG(status) == signal.SIGALRM else "crash"
    return said.decode() or "crash"


def probe(when, what):
    """What came of each of these calls at each of these moments: {side/moment/method: answer}."""
    what = list(what)
    return {f"{side}/{moment}/{'.'.join(call)}": apart(side, moment, call) for side, moment in when for call in what}


# ---- what releases did ----


def record(files):
    """Keep what came of each call in any of the releases, where the method was there."""
    theirs = [json.loads(pathlib.Path(name).read_text()) for name in files]
    rows = {}
    for key in theirs[0]:
        side, moment, method = key.split("/")
        answers = sorted({each[key] for each in theirs} - {"absent"})
        if answers:
            rows.setdefault((side, method, " or ".join(answers)), []).append(moment)
    with RECORDED.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([*key, "; ".join(at)] for key, at in sorted(rows.items()))


def recorded():
    """What releases did: {side/moment/method: "one or another"}."""
    with RECORDED.open(newline="") as file:
        return {f"{side}/{moment}/{method}": answers
                for side, method, answers, at in csv.reader(file) for moment in at.split("; ")}  # fmt: skip


# ---- the table ----

HEAD = ["side", "method", "at these moments", "in pyOpenSSL", "here", "reason"]


def differences(ours):
    """Where ours does what no release did: {(side, method, in pyOpenSSL, here): [moment]}."""
    found, theirs = {}, recorded()
    for key, answer in ours.items():
        side, moment, method = key.split("/")
        if key in theirs and answer not in theirs[key].split(" or "):
            found.setdefault((side, method, theirs[key], answer), []).append(moment)
    return found


def listed():
    """The table's rows."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline="") as file:
        return list(csv.reader(file))[1:]


def compare(ours):
    """The rows that the table should have; reasons are those that it has."""
    reasons = {(row[0], row[1], row[3], row[4]): row[5] for row in listed()}
    return [[side, method, "; ".join(at), there, here, reasons.get((side, method, there, here), "")]
            for (side, method, there, here), at in sorted(differences(ours).items())]  # fmt: skip


def main(verb, *arguments):
    if verb == "probe":
        outcomes = probe(moments(), calls())
        pathlib.Path(arguments[0]).write_text(json.dumps(outcomes, indent=0))
        return 0
    if verb == "record":
        record(arguments)
        return 0
    ours = json.loads(pathlib.Path(arguments[0]).read_text())
    rows = compare(ours)
    old = listed()
    if "--write" in arguments:
        with TABLE.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([HEAD, *rows])
        old = rows
    wrong = [row for row in rows if not row[5] or row not in old] + [row for row in old if row not in rows]
    for row in wrong:
        print("no reason, or not as in the table:", " | ".join(row))
    print(f"moments: {len(ours)} calls, {len(rows)} kinds of differences, {len(wrong)} of them wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
