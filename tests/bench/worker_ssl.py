"""Workloads for the standard library's ssl, which has no certificates and keys of its own."""

import ssl

from worker import SERVER, Worker, statement


class Adapter(Worker):
    SEND = "{one}.write(data)\n{other}.read({size})"
    ENCRYPT = "{one}.write(data)\n{one}.outgoing.read()"

    def contexts(self, kind, version):
        client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(self.path(kind + "-chain.pem"), self.path(kind + ".key"))
        client.load_verify_locations(self.path(kind + "-root.pem"))
        client.check_hostname = False
        client.maximum_version = version
        return client, server

    def pair(self, client_context, server_context, session=None):
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = client_context.wrap_bio(down, up, session=session)
        server = server_context.wrap_bio(up, down, server_side=True)
        client.outgoing = up
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
            client.read(1)  # tickets
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

    def socket_end(self, context, sock, role):
        return context.wrap_socket(sock, server_side=role == SERVER)

    def make_call_pending(self):
        return self.call("pending")

    def make_call_cipher_name(self):
        return self.call("cipher")

    def make_ctx_new(self):
        return statement("make(method)", make=ssl.SSLContext, method=ssl.PROTOCOL_TLS_CLIENT)

    def with_bundle(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.path("bundle.pem"))
        return context
