"""NA-005, NA-013, NA-044, NA-077, NA-079, NA-142, NA-143: everything called with everything, in every state.

The calls are in matrix.py, and are made in processes of their own, so that a
crash is seen, and the call that crashed is named.
"""

import pathlib
import subprocess
import sys

import matrix
import pytest

from OpenSSL import SSL, crypto

HERE = pathlib.Path(__file__).resolve().parent


@pytest.mark.parametrize("chunk", matrix.CHUNKS)
def test_na_005_na_044_na_077_na_079_na_142_na_143_everything(chunk, tmp_path):
    progress = tmp_path / "progress"
    done = subprocess.run(
        [sys.executable, str(HERE / "matrix.py"), chunk, str(progress)],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=matrix.LIMIT + 20,
    )
    at = progress.read_text().strip() if progress.exists() else "the start"
    output = done.stdout.decode(errors="replace")
    assert done.returncode == 0, f"exit status {done.returncode}, at {at}\n{output[-8000:]}"
    assert int(output.split()[-4]) > 500, output


@pytest.mark.parametrize(
    "error, judged",
    [
        (SSL.Error([]), "bad"),
        (SSL.Error(), "bad"),
        (crypto.Error([("lib", "", "")]), "bad"),
        (crypto.Error("text"), "bad"),
        (SSL.SysCallError(), "bad"),
        (SystemError("x"), "bad"),
        (OSError(1, "x"), "bad"),
        (TypeError(), "bad"),
        (crypto.Error([("lib", "", "reason")]), "good"),
        (SSL.WantReadError(), "good"),
        (SSL.SysCallError(-1, "Unexpected EOF"), "good"),
        (TypeError("x"), "good"),
    ],
)
def test_faults_would_be_found(error, judged, tmp_path):
    calls = matrix.Calls(tmp_path / "progress")

    def function():
        raise error

    assert calls.call("somewhere", "anything", function) is error
    assert bool(calls.faults) == (judged == "bad")


def test_na_013_every_parameter_has_a_good_value():
    for name, function in matrix.functions():
        assert matrix.good_arguments(name.split(".", 1)[1], function) is not None
    for cls in matrix.classes():
        for name in matrix.methods(cls):
            function = getattr(cls, name)
            assert matrix.parameters(function) is not None, (cls, name)
            matrix.good_arguments(f"{cls.__name__}.{name}", function)


@pytest.mark.parametrize("protocol", matrix.PROTOCOLS)
def test_states_are_what_they_are_called(protocol):
    pairs = matrix.Pairs(protocol)
    for connection in pairs.make("new"):
        assert connection.get_state_string() in (b"before SSL initialization", b"before/connect initialization")
        assert connection.get_finished() is None
    for connection in pairs.make("mid-handshake"):
        assert connection.get_state_string() != b"SSL negotiation finished successfully"
    server, client = pairs.make("mid-handshake")
    assert b"before" not in client.get_state_string() and client.get_cipher_name() is None
    for connection in pairs.make("established"):
        assert connection.get_state_string() == b"SSL negotiation finished successfully"
        assert connection.get_finished()
    for connection in pairs.make("shut down"):
        assert connection.get_shutdown() == SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN
    for connection in pairs.make("failed"):
        with pytest.raises(SSL.Error) as info:
            connection.do_handshake()
        assert info.type is SSL.Error
    for connection in pairs.make("closed"):
        assert connection.fileno() == -1
        assert connection.get_finished()
