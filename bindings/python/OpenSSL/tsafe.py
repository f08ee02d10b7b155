"""A Connection that any number of threads may call.

Every Connection is one by now, and lets one thread write while another waits to
read: a lock around each call would take that away. This is the name that older
programs know.
"""

import threading

from OpenSSL import SSL

_METHODS = """
    accept bind close connect connect_ex do_handshake fileno get_app_data
    get_cipher_list get_context get_peer_cert_chain get_peer_certificate
    getpeername getsockname getsockopt listen makefile pending read recv
    renegotiate send sendall set_accept_state set_app_data set_connect_state
    setblocking setsockopt shutdown sock_shutdown state_string want_read
    want_write write
""".split()

__all__ = ["Connection"]


def _forward(name):
    def method(self, *args):
        return getattr(self._ssl_conn, name)(*args)

    method.__name__ = name
    method.__qualname__ = f"Connection.{name}"
    method.__doc__ = f"Connection.{name}() of OpenSSL.SSL."
    return method


class Connection:
    """An OpenSSL.SSL.Connection, and a lock for programs that want more calls in one."""

    def __init__(self, *args):
        self._ssl_conn = SSL.Connection(*args)
        self._lock = threading.RLock()


for _name in _METHODS:
    setattr(Connection, _name, _forward(_name))
del _name
