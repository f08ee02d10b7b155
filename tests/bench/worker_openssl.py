"""Workloads for any package called OpenSSL: this one, and each pyOpenSSL."""

import importlib.util

import duplex
from worker import CLIENT, Worker, statement


class Adapter(Worker):
    SEND = "{one}.send(data)\n{other}.bio_write({one}.bio_read({room}))\n{other}.recv({size})"
    ENCRYPT = "{one}.send(data)\n{one}.bio_read(32768)"

    def __init__(self, folder, many):
        super().__init__(folder, many)
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

    def pair(self, client_context, server_context, session=None):
        client, server = self.SSL.Connection(client_context, None), self.SSL.Connection(server_context, None)
        client.set_connect_state()
        server.set_accept_state()
        if session is not None:
            client.set_session(session)
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
            client.recv(1)  # tickets
        except want:
            pass
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

    def socket_end(self, context, sock, role):
        end = self.SSL.Connection(context, sock)
        if role == CLIENT:
            end.set_connect_state()
        else:
            end.set_accept_state()
        end.do_handshake()
        return end

    def duplex_end(self):
        """None where two threads may not be in one Connection: pyOpenSSL guards nothing."""
        if importlib.util.find_spec("OpenSSL._pyossl") is None:
            return None
        if "duplex" not in self.loops:
            contexts = self.ec13()
            self.loops["duplex"] = duplex.open_end(
                lambda role, sock: self.socket_end(contexts[role], sock, role), CLIENT)
        return self.loops["duplex"]

    def measure_mt_duplex_1(self, limit):
        end = self.duplex_end()
        return end and duplex.rate(duplex.one_after_the_other, end, limit)

    def measure_mt_duplex_2(self, limit):
        end = self.duplex_end()
        return end and duplex.rate(duplex.at_once, end, limit)

    def make_call_pending(self):
        return self.call("pending")

    def make_call_want_read(self):
        return self.call("want_read")

    def make_call_cipher_name(self):
        return self.call("get_cipher_name")

    # ---- certificates ----

    def loader(self, type, name, text="load(type, data)"):
        return statement(text, load=self.crypto.load_certificate, type=type, data=self.read(name))

    def make_x509_load_pem(self):
        return self.loader(self.pem, "ec.pem")

    def make_x509_load_pem_rsa(self):
        return self.loader(self.pem, "rsa.pem")

    def make_x509_load_der(self):
        return self.loader(self.der, "ec.der")

    def make_x509_load_pubkey(self):
        return self.loader(self.pem, "ec.pem", "load(type, data).get_pubkey()")

    def cert(self, name="ec.pem"):
        return self.crypto.load_certificate(self.pem, self.read(name))

    def with_cert(self, text, **names):
        return statement(text, cert=self.cert(), **names)

    def make_x509_dump_pem(self):
        return self.with_cert("dump(type, cert)", dump=self.crypto.dump_certificate, type=self.pem)

    def make_x509_dump_der(self):
        return self.with_cert("dump(type, cert)", dump=self.crypto.dump_certificate, type=self.der)

    def make_x509_subject_cn(self):
        return self.with_cert("cert.get_subject().CN")

    def make_x509_serial(self):
        return self.with_cert("cert.get_serial_number()")

    def make_x509_digest(self):
        return self.with_cert("cert.digest('sha256')")

    def make_x509_has_expired(self):
        return self.with_cert("cert.has_expired()")

    def make_x509_components(self):
        return self.with_cert("cert.get_subject().get_components()")

    def make_x509_extensions(self):
        if not hasattr(self.cert(), "get_extension"):
            return None
        return self.with_cert("[cert.get_extension(i).get_short_name() for i in range(cert.get_extension_count())]")

    def make_x509_extension_text(self):
        return self.with_cert("str(cert.get_extension(3))") if hasattr(self.cert(), "get_extension") else None

    # ---- keys ----

    def load_key(self, name):
        return self.crypto.load_privatekey(self.pem, self.read(name), b"secret")

    def key_loader(self, name):
        return statement("load(type, data, b'secret')", load=self.crypto.load_privatekey, type=self.pem,
                         data=self.read(name))

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
        return statement("sign(key, data, 'sha256')", sign=self.crypto.sign, key=self.load_key(kind + ".key"),
                         data=bytes(64))

    def verifier(self, kind):
        if not hasattr(self.crypto, "sign"):
            return None
        data = bytes(64)
        return statement("verify(cert, signature, data, 'sha256')", verify=self.crypto.verify, data=data,
                         cert=self.cert(kind + ".pem"),
                         signature=self.crypto.sign(self.load_key(kind + ".key"), data, "sha256"))

    def make_sign_rsa(self):
        return self.signer("rsa")

    def make_sign_ec(self):
        return self.signer("ec")

    def make_verify_rsa(self):
        return self.verifier("rsa")

    def make_verify_ec(self):
        return self.verifier("ec")

    # ---- trust ----

    def make_store_verify(self):
        store = self.crypto.X509Store()
        store.add_cert(self.cert("ec-root.pem"))
        return statement("check(store, leaf, chain).verify_certificate()", check=self.crypto.X509StoreContext,
                         store=store, leaf=self.cert(), chain=[self.cert("ec-intermediate.pem")])

    def make_ctx_new(self):
        return statement("make(method)", make=self.SSL.Context, method=self.SSL.TLS_METHOD)

    def with_bundle(self):
        context = self.SSL.Context(self.SSL.TLS_METHOD)
        context.load_verify_locations(self.path("bundle.pem"))
        return context
