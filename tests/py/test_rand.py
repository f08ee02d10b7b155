"""OpenSSL.rand."""

import os
import socket
import stat
import sys
import threading

import pytest

from OpenSSL import rand


def test_lazy_attribute_of_the_package():
    import OpenSSL

    assert OpenSSL.rand is rand
    assert rand.__name__ == "OpenSSL.rand"


def test_importing_does_not_warn():
    import subprocess

    code = "import OpenSSL.rand, OpenSSL; from OpenSSL import rand; rand.status()"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=240)


@pytest.mark.parametrize("count", [0, 1, 50, 4095, 4096, 100_000])
def test_bytes(count):
    first, second = rand.bytes(count), rand.bytes(num_bytes=count)
    assert isinstance(first, bytes) and len(first) == count
    assert count == 0 or count == 1 or first != second


def test_bytes_wrong():
    for wrong in (None, "5", 1.5, b"5", object()):
        with pytest.raises(TypeError):
            rand.bytes(wrong)
    with pytest.raises(ValueError, match="num_bytes must not be negative"):
        rand.bytes(-1)
    with pytest.raises(MemoryError):
        rand.bytes(sys.maxsize)
    with pytest.raises(OverflowError):
        rand.bytes(2**70)
    for arguments in ((), (1, 2)):
        with pytest.raises(TypeError):
            rand.bytes(*arguments)


@pytest.mark.parametrize("entropy", [0, 3, 2.5, True, -1])
def test_add(entropy):
    assert rand.add(b"hamburger", entropy) is None
    assert rand.add(buffer=bytearray(b"x"), entropy=entropy) is None


def test_add_wrong():
    for wrong in (None, 3, object()):
        with pytest.raises(TypeError):
            rand.add(wrong, 3)
    for wrong in (None, "3", b"3", object()):
        with pytest.raises(TypeError):
            rand.add(b"foo", wrong)
    with pytest.raises(OverflowError):
        rand.add(b"foo", 10**400)
    with pytest.raises(TypeError):
        rand.add(b"foo")


def test_seed():
    assert rand.seed(b"milk shake") is None
    assert rand.seed(buffer=memoryview(b"x")) is None
    for wrong in (None, 42, object()):
        with pytest.raises(TypeError):
            rand.seed(wrong)


def test_str_warns():
    text = "str for buffer is no longer accepted, use bytes"
    with pytest.warns(DeprecationWarning, match=text) as caught:
        assert rand.seed("foo") is None
        assert rand.add("foo", 3) is None
    assert {warning.filename for warning in caught} == {__file__}


def test_status_and_cleanup():
    assert rand.status() == 1
    assert rand.cleanup() is None
    assert rand.status() == 1
    for function in (rand.status, rand.cleanup):
        with pytest.raises(TypeError):
            function(None)


# ---- files ----


@pytest.fixture(params=["name", "näme"])
def path(request, tmp_path):
    return str(tmp_path / request.param)


@pytest.mark.parametrize("form", [str, os.fsencode], ids=["str", "bytes"])
def test_write_and_load(form, path):
    assert rand.write_file(form(path)) == 1024
    info = os.stat(path)
    assert info.st_size == 1024
    assert stat.S_IMODE(info.st_mode) == 0o600
    assert rand.load_file(form(path)) == 1024
    assert rand.load_file(form(path), -1) == 1024
    assert rand.load_file(filename=form(path), maxbytes=100) == 100
    assert rand.load_file(form(path), 0) in (0, 1024)


def test_na_009_what_cannot_be_read_or_written(tmp_path):
    assert rand.load_file(str(tmp_path / "missing")) == -1
    assert rand.write_file(str(tmp_path / "missing" / "x")) == -1
    assert rand.write_file(str(tmp_path)) == -1
    (tmp_path / "empty").write_bytes(b"")
    assert rand.load_file(str(tmp_path / "empty")) == 0
    assert rand.load_file("/dev/urandom") == 256


def test_files_wrong():
    for wrong in (None, 1, object()):
        with pytest.raises(TypeError):
            rand.load_file(wrong)
        with pytest.raises(TypeError):
            rand.write_file(wrong)
    for wrong in (None, "1", 1.5):
        with pytest.raises(TypeError):
            rand.load_file("foo", wrong)
    with pytest.raises(TypeError):
        rand.load_file()
    with pytest.raises(TypeError):
        rand.load_file("foo", 1, 2)
    with pytest.raises(ValueError):
        rand.load_file("a\0b")
    with pytest.raises(OverflowError):
        rand.load_file("foo", 2**70)


# ---- the entropy gathering daemon ----


class Daemon(threading.Thread):
    """Answers so many requests for bytes, one a connection; at most @give each."""

    def __init__(self, path, give, times=1):
        super().__init__(daemon=True)
        self.give = give
        self.times = times
        self.asked = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.listener.settimeout(30)

    def run(self):
        for _ in range(self.times):
            client, _ = self.listener.accept()
            with client:
                client.settimeout(30)
                self.asked.append(client.recv(2))
                count = min(self.give, self.asked[-1][1])
                client.sendall(bytes([count]) + b"r" * count)
        self.listener.close()


@pytest.mark.parametrize("arguments, asked", [((), 255), ((10,), 10)])
def test_egd(tmp_path, arguments, asked):
    path = str(tmp_path / "egd")
    daemon = Daemon(path, 7)
    daemon.start()
    with pytest.warns(DeprecationWarning):
        assert rand.egd(path, *arguments) == 7
    daemon.join(30)
    assert daemon.asked == [bytes([1, asked])]


def test_egd_for_more_than_one_answer(tmp_path):
    path = str(tmp_path / "egd")
    daemon = Daemon(path, 255, times=3)
    daemon.start()
    with pytest.warns(DeprecationWarning):
        assert rand.egd(path, 600) == 600
    daemon.join(30)
    assert daemon.asked == [b"\1\xff", b"\1\xff", b"\1\x5a"]
    daemon = Daemon(path + "2", 100)
    daemon.start()
    with pytest.warns(DeprecationWarning):
        assert rand.egd(path + "2", 600) == 100
    daemon.join(30)


def test_egd_missing(tmp_path):
    for form in (str, os.fsencode):
        with pytest.warns(DeprecationWarning):
            assert rand.egd(form(tmp_path / "missing")) == -1
    with pytest.warns(DeprecationWarning):
        assert rand.egd(path=os.fsencode(tmp_path / "missing"), bytes=1024) == -1


def test_egd_wrong():
    for wrong in (None, 5, object()):
        with pytest.raises(TypeError):
            rand.egd(wrong)
    for wrong in (None, "5", 1.5):
        with pytest.raises(TypeError):
            rand.egd("foo", wrong)
    with pytest.raises(TypeError):
        rand.egd()
    with pytest.raises(ValueError):
        rand.egd("foo", -1)
    with pytest.warns(DeprecationWarning), pytest.raises(ValueError):
        rand.egd("foo", 0)


def test_screen_is_for_windows():
    assert hasattr(rand, "screen") == (sys.platform == "win32")


def test_error():
    assert issubclass(rand.Error, Exception)
    assert rand.Error.__module__ == "OpenSSL.rand"


def test_threads_share_the_generator():
    found = []

    def work():
        found.extend(rand.bytes(8192 if i % 2 else 16) for i in range(100))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == len(set(found)) == 400
