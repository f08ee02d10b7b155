"""A TLS server that sends back what it gets.

    python3 echo_server.py CHAIN.pem KEY.pem [PORT]

Serves many clients at once from one thread: on a socket that does not block,
calls raise WantReadError or WantWriteError where they would have to wait, and
the selector does the waiting. Stops on SIGINT or SIGTERM.
"""

import selectors
import signal
import socket
import sys

from OpenSSL import SSL


def choose_protocol(connection, offered):
    """Take "echo/1" if the client offers it; go on without a protocol if not."""
    return b"echo/1" if b"echo/1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def make_context(chain, key):
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate_chain_file(chain)
    context.use_privatekey_file(key)
    context.check_privatekey()
    context.set_alpn_select_callback(choose_protocol)
    return context


class Client:
    """One connection, and what it is doing."""

    def __init__(self, context, sock):
        sock.setblocking(False)
        self.connection = SSL.Connection(context, sock)
        self.connection.set_accept_state()
        self.step = self.handshake
        self.waiting = b""

    def handshake(self):
        self.connection.do_handshake()
        self.step = self.read

    def read(self):
        try:
            self.waiting = self.connection.recv(16384)
            self.step = self.write
        except SSL.ZeroReturnError:
            self.step = self.goodbye

    def write(self):
        sent = self.connection.send(self.waiting)
        self.waiting = self.waiting[sent:]
        if not self.waiting:
            self.step = self.read

    def goodbye(self):
        self.connection.shutdown()
        self.step = None

    def serve(self):
        """Go on until there is nothing to do but wait. What to wait for, or None."""
        try:
            while self.step is not None:
                self.step()
        except SSL.WantReadError:
            return selectors.EVENT_READ
        except SSL.WantWriteError:
            return selectors.EVENT_WRITE
        except SSL.Error as error:
            print("client:", error, file=sys.stderr)
        return None


def serve_client(selector, client):
    """Serve `client` and have the selector wait for what it needs next."""
    wants = client.serve()
    if wants is not None:
        selector.modify(client.connection, wants, client)
        return
    selector.unregister(client.connection)
    client.connection.close()


def run(listener, context):
    stopped = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: stopped.append(number))
    print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while not stopped:
            for key, _ in selector.select(timeout=0.5):
                if key.fileobj is listener:
                    client = Client(context, listener.accept()[0])
                    selector.register(client.connection, selectors.EVENT_READ, client)
                else:
                    serve_client(selector, key.data)


def main(arguments):
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    context = make_context(arguments[0], arguments[1])
    port = int(arguments[2]) if len(arguments) > 2 else 0
    with socket.create_server(("127.0.0.1", port)) as listener:
        run(listener, context)


if __name__ == "__main__":
    main(sys.argv[1:])
