"""A TLS client that trusts one file of certificates, checks the server's name,
says what was negotiated, and has a line echoed.

    python3 client.py CA.pem HOST PORT [TEXT]
"""

import socket
import sys

from OpenSSL import SSL


def make_connection(ca_file, host, port):
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.load_verify_locations(ca_file)
    context.set_verify(SSL.VERIFY_PEER)
    connection = SSL.Connection(context, socket.create_connection((host, port), timeout=10))
    connection.setblocking(True)
    connection.set_tlsext_host_name(host.encode("ascii"))
    connection.set_verify_hostname(host)
    connection.set_alpn_protos([b"echo/1"])
    connection.set_connect_state()
    return connection


def print_facts(connection):
    components = connection.get_peer_certificate().get_subject().get_components()
    subject = "".join("/%s=%s" % (k.decode(), v.decode()) for k, v in components)
    print("protocol:   ", connection.get_protocol_version_name())
    print("cipher:     ", connection.get_cipher_name())
    print("application:", connection.get_alpn_proto_negotiated().decode())
    print("peer:       ", subject, "(verified)")


def echo(connection, data):
    connection.sendall(data)
    reply = b""
    while len(reply) < len(data):
        reply += connection.recv(4096)
    return reply


def main(arguments):
    if len(arguments) not in (3, 4):
        sys.exit(__doc__)
    ca_file, host, port = arguments[0], arguments[1], int(arguments[2])
    text = arguments[3] if len(arguments) > 3 else "hello, world"
    connection = make_connection(ca_file, host, port)
    try:
        connection.do_handshake()
        print_facts(connection)
        print("echo:       ", echo(connection, text.encode()).decode())
        while not connection.shutdown():  # ours, then the server's
            pass
        print("closed cleanly")
    finally:
        connection.close()


if __name__ == "__main__":
    main(sys.argv[1:])
