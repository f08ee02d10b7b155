"""Workloads for M2Crypto.

It has no connection over memory of its own, so those are made of its low-level calls, as its wrapper for Twisted
does. Two of its calls must be gone round: Connection.set_bio() gives BIOs away that their MemoryBuffer frees once
more, and Connection.get_session() lends a session that goes with its connection.
"""

from M2Crypto import EVP, SSL, X509, m2
from worker import CLIENT, Worker, statement

OP_NO_TLSv1_3 = 0x20000000


class Memory:
    """One end of a connection over memory."""

    __slots__ = ("ssl", "incoming", "outgoing")

    def __init__(self, context, role, session=None):
        self.ssl = m2.ssl_new(context.ctx)
        self.incoming, self.outgoing = m2.bio_new(m2.bio_s_mem()), m2.bio_new(m2.bio_s_mem())
        m2.ssl_set_bio(self.ssl, self.incoming, self.outgoing)
        if role == CLIENT:
            m2.ssl_set_connect_state(self.ssl)
        else:
            m2.ssl_set_accept_state(self.ssl)
        if session is not None:
            m2.ssl_set_session(self.ssl, session)

    def __del__(self, free=m2.ssl_free):
        free(self.ssl)  # and the BIOs


class Adapter(Worker):
    SEND = ("write({one}.ssl, data)\nbio_write({other}.incoming, bio_read({one}.outgoing, {room}))\n"
            "read({other}.ssl, {size})")
    ENCRYPT = "write({one}.ssl, data)\nbio_read({one}.outgoing, 32768)"
    # Without a length, a bytearray shrinks to what came.
    RECV_INTO = "{end}.recv_into(buffer, size)"

    def names(self):
        return {"write": m2.ssl_write_nbio, "read": m2.ssl_read_nbio, "bio_read": m2.bio_read, "bio_write": m2.bio_write}

    def contexts(self, kind, version):
        client, server = SSL.Context("tls"), SSL.Context("tls")
        server.load_cert_chain(self.path(kind + "-chain.pem"), self.path(kind + ".key"))
        if client.load_verify_locations(self.path(kind + "-root.pem")) != 1:
            raise RuntimeError("the root cannot be loaded")
        client.set_verify(SSL.verify_peer, 10)
        client.set_session_cache_mode(m2.SSL_SESS_CACHE_CLIENT)
        if version == 0x303:
            client.set_options(OP_NO_TLSv1_3)
        return client, server

    def pair(self, client_context, server_context, session=None):
        client, server = Memory(client_context, CLIENT, session), Memory(server_context, not CLIENT)
        for _ in range(10):
            for one, other in ((client, server), (server, client)):
                if not m2.ssl_is_init_finished(one.ssl):
                    m2.ssl_do_handshake(one.ssl)
                records = m2.bio_read(one.outgoing, 16384)
                if records:
                    m2.bio_write(other.incoming, records)
            if m2.ssl_is_init_finished(client.ssl) and m2.ssl_is_init_finished(server.ssl):
                break
        else:
            raise RuntimeError("no handshake")
        m2.ssl_read_nbio(client.ssl, 1)  # tickets
        return client, server

    def resumptions(self, kind, version):
        client, server = self.contexts(kind, version)
        kept = []

        def run():
            session = kept.pop() if kept else None
            one, other = self.pair(client, server, session)
            if session is not None:
                m2.ssl_session_free(session)
            kept.append(m2.ssl_get1_session(one.ssl))
            for end in (one, other):
                m2.ssl_set_shutdown1(end.ssl, 3)

        return run

    def socket_end(self, context, sock, role):
        end = SSL.Connection(context, sock)
        end.setup_ssl()
        if role == CLIENT:
            end.set_connect_state()
            end.connect_ssl()
        else:
            end.set_accept_state()
            end.accept_ssl()
        return end

    def make_call_pending(self):
        return statement("call()", call=self.socket_pair()[CLIENT].pending)

    def make_call_attribute(self):
        return statement("end.pending()", end=self.socket_pair()[CLIENT])

    def make_call_cipher_name(self):
        return statement("end.get_cipher().name()", end=self.socket_pair()[CLIENT])

    # ---- certificates ----

    def make_x509_load_pem(self):
        return statement("load(data)", load=X509.load_cert_string, data=self.read("ec.pem"))

    def make_x509_load_pem_rsa(self):
        return statement("load(data)", load=X509.load_cert_string, data=self.read("rsa.pem"))

    def make_x509_load_der(self):
        return statement("load(data)", load=X509.load_cert_der_string, data=self.read("ec.der"))

    def make_x509_load_pubkey(self):
        return statement("load(data).get_pubkey()", load=X509.load_cert_string, data=self.read("ec.pem"))

    def with_cert(self, text):
        return statement(text, cert=X509.load_cert_string(self.read("ec.pem")))

    def make_x509_dump_pem(self):
        return self.with_cert("cert.as_pem()")

    def make_x509_dump_der(self):
        return self.with_cert("cert.as_der()")

    def make_x509_subject_cn(self):
        return self.with_cert("cert.get_subject().CN")

    def make_x509_serial(self):
        return self.with_cert("cert.get_serial_number()")

    def make_x509_digest(self):
        return self.with_cert("cert.get_fingerprint('sha256')")

    def make_x509_extensions(self):
        return self.with_cert("[cert.get_ext_at(i).get_name() for i in range(cert.get_ext_count())]")

    def make_x509_extension_text(self):
        return self.with_cert("cert.get_ext_at(3).get_value()")

    # ---- keys ----

    def key_loader(self, name):
        return statement("load(data, secret)", load=EVP.load_key_string, data=self.read(name),
                         secret=lambda *args: b"secret")

    def make_pkey_load_rsa(self):
        return self.key_loader("rsa.key")

    def make_pkey_load_ec(self):
        return self.key_loader("ec.key")

    def make_pkey_load_rsa_enc(self):
        return self.key_loader("rsa-enc.key")

    def make_pkey_load_ec_enc(self):
        return self.key_loader("ec-enc.key")

    def key(self, kind):
        key = EVP.load_key_string(self.read(kind + ".key"))
        key.reset_context("sha256")
        return key

    def signer(self, kind):
        text = "key.sign_init()\nkey.sign_update(data)\nkey.sign_final()"
        return statement(text, key=self.key(kind), data=bytes(64))

    def verifier(self, kind):
        key, data = self.key(kind), bytes(64)
        key.sign_init()
        key.sign_update(data)
        signature = key.sign_final()
        text = "key.verify_init()\nkey.verify_update(data)\nif key.verify_final(signature) != 1:\n    raise ValueError"
        return statement(text, key=key, data=data, signature=signature)

    def make_sign_rsa(self):
        return self.signer("rsa")

    def make_sign_ec(self):
        return self.signer("ec")

    def make_verify_rsa(self):
        return self.verifier("rsa")

    def make_verify_ec(self):
        return self.verifier("ec")

    # ---- trust ----

    def make_ctx_new(self):
        return statement("make('tls').close()", make=SSL.Context)  # without close() a table keeps it

    def with_bundle(self):
        context = SSL.Context("tls")
        context.load_verify_locations(self.path("bundle.pem"))
        context.close()
        return context
