"""The workloads for Python packages: worker.py ADAPTER FIXTURES, speaking as worker.c does.

ADAPTER is "OpenSSL" (whichever package of that name is first on the path) or "ssl".
"""

import gc
import os
import pathlib
import socket
import sys
import time


def resident_kib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1024


class Worker:
    """Finds `run_NAME`, `prepare_NAME` and `measure_NAME` by the workload's name."""

    MANY = 1000

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ends = {}

    def path(self, name):
        return str(self.folder / name)

    def read(self, name):
        return (self.folder / name).read_bytes()

    def answer(self, name, milliseconds):
        if hasattr(self, "measure_" + name):
            return getattr(self, "measure_" + name)()
        make = getattr(self, "make_" + name, None)
        if make is None:
            return None
        if name not in self.ends:
            self.ends[name] = make()
        run = self.ends[name]
        if run is None:
            return None
        limit, done, batch = milliseconds / 1000, 0, 1
        clock = time.perf_counter
        start = now = clock()
        while now - start < limit:
            before = now
            for _ in range(batch):
                run()
            done += batch
            now = clock()
            if now - before < limit / 20:
                batch *= 2
        return done / (now - start)

    def make_call_floor(self):
        return (1).bit_length  # about the cheapest method of a C type

    def measure_ctx_cafile_first(self):
        start = time.perf_counter()
        self.with_bundle()
        return 1 / (time.perf_counter() - start)

    def make_ctx_cafile(self):
        self.kept = self.with_bundle()
        return self.with_bundle

    def measure_mem_1000(self):
        client, server = self.contexts("ec", 0x304)
        gc.collect()
        before = resident_kib()
        pairs = [self.pair(client, server) for _ in range(self.MANY)]
        return 2 * self.MANY / (resident_kib() - before) if pairs else None

    def make_hs_tls13_ec(self):
        return self.handshakes("ec", 0x304)

    def make_hs_tls13_rsa(self):
        return self.handshakes("rsa", 0x304)

    def make_hs_tls12_ec(self):
        return self.handshakes("ec", 0x303)

    def make_hs_tls13_resume(self):
        return self.resumptions("ec", 0x304)

    def make_hs_tls12_resume(self):
        return self.resumptions("ec", 0x303)

    def handshakes(self, kind, version):
        client, server = self.contexts(kind, version)
        return lambda: self.pair(client, server)


class OpenSSLWorker(Worker):
    def __init__(self, folder):
        super().__init__(folder)
        from OpenSSL import SSL, crypto

        self.SSL, self.crypto, self.pem, self.der = SSL, crypto, crypto.FILETYPE_PEM, crypto.FILETYPE_ASN1

    def contexts(self, kind, version):
        SSL = self.SSL
        client, server = SSL.Context(SSL.TLS_CLIENT_METHOD), SSL.Context(SSL.TLS_SERVER_METHOD)
        server.use_certificate_chain_file(self.path(kind + "-chain.pem"))
        server.use_privatekey_file(self.path(kind + ".key"))
        client.load_verify_locations(self.path(kind + "-root.pem"))
        client.set_verify(SSL.VERIFY_PEER)
        client.set_max_proto_version(version)
        client.set_session_cache_mode(SSL.SESS_CACHE_CLIENT)
        return client, server

    def end(self, context, server, session=None):
        connection = self.SSL.Connection(context, None)
        if server:
            connection.set_accept_state()
        else:
            connection.set_connect_state()
            if session is not None:
                connection.set_session(session)
        return connection

    def shake(self, client, server):
        want = self.SSL.WantReadError
        done = [False, False]
        for _ in range(10):
            for i, (one, other) in enumerate(((client, server), (server, client))):
                if not done[i]:
                    try:
                        one.do_handshake()
                        done[i] = True
                    except want:
                        pass
                try:
                    other.bio_write(one.bio_read(16384))
                except want:
                    pass
            if all(done):
                break
        try:
            client.recv(1)
        except want:
            pass

    def pair(self, client_context, server_context, session=None):
        client, server = self.end(client_context, False, session), self.end(server_context, True)
        self.shake(client, server)
        return client, server

    def resumptions(self, kind, version):
        client, server = self.contexts(kind, version)
        kept = []

        def run():
            one, other = self.pair(client, server, kept.pop() if kept else None)
            kept.append(one.get_session())
            one.set_shutdown(3)
            other.set_shutdown(3)

        return run

    def make_pp_mem(self):
        a, b = self.pair(*self.contexts("ec", 0x304))
        data = bytes(64)

        def run():
            a.send(data)
            b.bio_write(a.bio_read(16384))
            b.recv(64)
            b.send(data)
            a.bio_write(b.bio_read(16384))
            a.recv(64)

        return run

    def make_bulk_mem_16k(self):
        a, b = self.pair(*self.contexts("ec", 0x304))
        data = bytes(16384)

        def run():
            a.send(data)
            b.bio_write(a.bio_read(32768))
            b.recv(16384)

        return run

    def make_pp_sock(self):
        import threading

        SSL, (client, server), (x, y) = self.SSL, self.contexts("ec", 0x304), socket.socketpair()
        a, b = SSL.Connection(client, x), SSL.Connection(server, y)
        a.set_connect_state()
        b.set_accept_state()
        other = threading.Thread(target=b.do_handshake)
        other.start()
        a.do_handshake()
        other.join()
        data = bytes(64)

        def run():
            a.send(data)
            b.recv(64)
            b.send(data)
            a.recv(64)

        return run

    def make_call_pending(self):
        return self.pair(*self.contexts("ec", 0x304))[0].pending

    def make_call_want_read(self):
        return self.pair(*self.contexts("ec", 0x304))[0].want_read

    def make_call_cipher_name(self):
        return self.pair(*self.contexts("ec", 0x304))[0].get_cipher_name

    def loader(self, type, name):
        data, load = self.read(name), self.crypto.load_certificate
        return lambda: load(type, data)

    def make_x509_load_pem(self):
        return self.loader(self.pem, "ec.pem")

    def make_x509_load_pem_rsa(self):
        return self.loader(self.pem, "rsa.pem")

    def make_x509_load_der(self):
        return self.loader(self.der, "ec.der")

    def make_x509_load_pubkey(self):
        load = self.loader(self.pem, "ec.pem")
        return lambda: load().get_pubkey()

    def cert(self):
        return self.loader(self.pem, "ec.pem")()

    def make_x509_dump_pem(self):
        cert, dump, pem = self.cert(), self.crypto.dump_certificate, self.pem
        return lambda: dump(pem, cert)

    def make_x509_dump_der(self):
        cert, dump, der = self.cert(), self.crypto.dump_certificate, self.der
        return lambda: dump(der, cert)

    def make_x509_subject_cn(self):
        cert = self.cert()
        return lambda: cert.get_subject().CN

    def make_x509_serial(self):
        return self.cert().get_serial_number

    def make_x509_digest(self):
        cert = self.cert()
        return lambda: cert.digest("sha256")

    def make_x509_has_expired(self):
        return self.cert().has_expired

    def make_x509_components(self):
        cert = self.cert()
        return lambda: cert.get_subject().get_components()

    def make_x509_extensions(self):
        cert = self.cert()
        if not hasattr(cert, "get_extension"):
            return None
        return lambda: [cert.get_extension(i).get_short_name() for i in range(cert.get_extension_count())]

    def make_x509_extension_text(self):
        cert = self.cert()
        return (lambda: str(cert.get_extension(3))) if hasattr(cert, "get_extension") else None

    def key_loader(self, name):
        data, load, pem = self.read(name), self.crypto.load_privatekey, self.pem
        return lambda: load(pem, data, b"secret")

    def make_pkey_load_rsa(self):
        return self.key_loader("rsa.key")

    def make_pkey_load_ec(self):
        return self.key_loader("ec.key")

    def make_pkey_load_rsa_enc(self):
        return self.key_loader("rsa-enc.key")

    def make_pkey_load_ec_enc(self):
        return self.key_loader("ec-enc.key")

    def signer(self, kind):
        if not hasattr(self.crypto, "sign"):
            return None
        key, sign, data = self.key_loader(kind + ".key")(), self.crypto.sign, bytes(64)
        return lambda: sign(key, data, "sha256")

    def verifier(self, kind):
        sign = self.signer(kind)
        if sign is None:
            return None
        cert, signature = self.loader(self.pem, kind + ".pem")(), sign()
        verify, data = self.crypto.verify, bytes(64)
        return lambda: verify(cert, signature, data, "sha256")

    def make_sign_rsa(self):
        return self.signer("rsa")

    def make_sign_ec(self):
        return self.signer("ec")

    def make_verify_rsa(self):
        return self.verifier("rsa")

    def make_verify_ec(self):
        return self.verifier("ec")

    def make_store_verify(self):
        crypto = self.crypto
        leaf, issuer, root = (self.loader(self.pem, "ec%s.pem" % n)() for n in ("", "-intermediate", "-root"))
        store = crypto.X509Store()
        store.add_cert(root)
        chain = [issuer]
        return lambda: crypto.X509StoreContext(store, leaf, chain).verify_certificate()

    def make_ctx_new(self):
        make, method = self.SSL.Context, self.SSL.TLS_METHOD
        return lambda: make(method)

    def with_bundle(self):
        context = self.SSL.Context(self.SSL.TLS_METHOD)
        context.load_verify_locations(self.path("bundle.pem"))
        return context


class StdlibWorker(Worker):
    def __init__(self, folder):
        super().__init__(folder)
        import ssl

        self.ssl = ssl

    def contexts(self, kind, version):
        ssl = self.ssl
        client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(self.path(kind + "-chain.pem"), self.path(kind + ".key"))
        client.load_verify_locations(self.path(kind + "-root.pem"))
        client.check_hostname = False
        client.maximum_version = version
        return client, server

    def pair(self, client_context, server_context, session=None):
        ssl = self.ssl
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = client_context.wrap_bio(down, up, session=session)
        server = server_context.wrap_bio(up, down, server_side=True)
        done = [False, False]
        for _ in range(10):
            for i, one in enumerate((client, server)):
                if not done[i]:
                    try:
                        one.do_handshake()
                        done[i] = True
                    except ssl.SSLWantReadError:
                        pass
            if all(done):
                break
        try:
            client.read(1)
        except ssl.SSLWantReadError:
            pass
        return client, server

    def resumptions(self, kind, version):
        client, server = self.contexts(kind, version)
        kept = []

        def run():
            one, _ = self.pair(client, server, kept.pop() if kept else None)
            kept.append(one.session)

        return run

    def make_pp_mem(self):
        a, b = self.pair(*self.contexts("ec", 0x304))
        data = bytes(64)

        def run():
            a.write(data)
            b.read(64)
            b.write(data)
            a.read(64)

        return run

    def make_bulk_mem_16k(self):
        a, b = self.pair(*self.contexts("ec", 0x304))
        data = bytes(16384)

        def run():
            a.write(data)
            b.read(16384)

        return run

    def make_pp_sock(self):
        import threading

        (client, server), (x, y) = self.contexts("ec", 0x304), socket.socketpair()
        ends = []
        other = threading.Thread(target=lambda: ends.append(server.wrap_socket(y, server_side=True)))
        other.start()
        a = client.wrap_socket(x)
        other.join()
        b, data = ends[0], bytes(64)

        def run():
            a.send(data)
            b.recv(64)
            b.send(data)
            a.recv(64)

        return run

    def make_call_pending(self):
        return self.pair(*self.contexts("ec", 0x304))[0].pending

    def make_call_cipher_name(self):
        return self.pair(*self.contexts("ec", 0x304))[0].cipher

    def make_ctx_new(self):
        make, method = self.ssl.SSLContext, self.ssl.PROTOCOL_TLS_CLIENT
        return lambda: make(method)

    def with_bundle(self):
        context = self.ssl.SSLContext(self.ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.path("bundle.pem"))
        return context


def main(adapter, folder):
    import warnings

    warnings.simplefilter("ignore")
    worker = {"OpenSSL": OpenSSLWorker, "ssl": StdlibWorker}[adapter](folder)
    for line in sys.stdin:
        name, milliseconds = line.split()
        value = worker.answer(name, float(milliseconds))
        print("-" if value is None else "%.6g" % value, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
