"""File objects over a Connection, as socket.makefile() makes them over a socket."""

import io
import select

from OpenSSL import SSL


def _socket_behind(connection):
    while isinstance(connection, SSL.Connection):
        connection = connection._socket
    return connection


class ConnectionIO(io.RawIOBase):
    """Reads and writes what a Connection does, without a buffer.

    The peer's close alert is the end; an end without one raises SysCallError, as from
    recv(): what was read may be cut short. The socket is not closed before the file is.
    """

    def __init__(self, connection, reads, writes):
        super().__init__()
        self._connection = connection
        self._reads = reads
        self._writes = writes
        # As socket.makefile() does: close() on the socket waits for the files over it.
        self._socket = _socket_behind(connection)
        if hasattr(self._socket, "_decref_socketios"):
            self._socket._io_refs += 1
        else:
            self._socket = None

    def _checked(self, allowed, what):
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        if not allowed:
            raise io.UnsupportedOperation(what)
        return self._connection

    def readable(self):
        self._checked(True, "")
        return self._reads

    def writable(self):
        self._checked(True, "")
        return self._writes

    def fileno(self):
        return self._checked(True, "").fileno()

    @property
    def mode(self):
        return "rwb" if self._reads and self._writes else "rb" if self._reads else "wb"

    def readinto(self, buffer):
        try:
            return self._repeat(self._checked(self._reads, "not readable").recv_into, buffer)
        except SSL.ZeroReturnError:
            return 0

    def write(self, data):
        return self._repeat(self._checked(self._writes, "not writable").send, data)

    def _repeat(self, move, data):
        """What move() gives, in the time that the socket's timeout allows; None where that is none."""
        while True:
            try:
                return move(data)
            except SSL.WantReadError:
                event = select.POLLIN
            except SSL.WantWriteError:
                event = select.POLLOUT
            timeout = getattr(self._connection, "gettimeout", lambda: 0)()
            if timeout == 0:
                return None
            # A blocking socket has waited by itself, as long as SO_RCVTIMEO or SO_SNDTIMEO says.
            if timeout is None or not self._wait(event, timeout):
                raise TimeoutError("timed out")

    def _wait(self, event, timeout):
        poll = select.poll()
        poll.register(self._connection.fileno(), event)
        return poll.poll(timeout * 1000)

    def close(self):
        if self.closed:
            return
        super().close()
        behind, self._socket, self._connection = self._socket, None, None
        if behind is not None:
            behind._decref_socketios()


def makefile(connection, mode="r", buffering=None, *, encoding=None, errors=None, newline=None):
    """Return a file object over connection; the arguments are those of socket.makefile()."""
    if not set(mode) <= {"r", "w", "b"}:
        raise ValueError(f"invalid mode {mode!r} (only r, w, b allowed)")
    writes = "w" in mode
    reads = "r" in mode or not writes
    raw = ConnectionIO(connection, reads, writes)
    if buffering is None or buffering < 0:
        buffering = io.DEFAULT_BUFFER_SIZE
    if buffering == 0:
        if "b" not in mode:
            raw.close()
            raise ValueError("unbuffered streams must be binary")
        return raw
    if reads and writes:
        buffered = io.BufferedRWPair(raw, raw, buffering)
    elif reads:
        buffered = io.BufferedReader(raw, buffering)
    else:
        buffered = io.BufferedWriter(raw, buffering)
    if "b" in mode:
        return buffered
    text = io.TextIOWrapper(buffered, encoding, errors, newline)
    text.mode = mode
    return text
