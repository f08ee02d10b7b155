"""What the interoperability tests share: certificates, servers, and programs to run."""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "doc" / "examples"
# Where Meson built the C examples.
PROGRAMS = pathlib.Path(os.environ.get("PYOSSL_EXAMPLES", "build/doc/examples")).resolve()
TIMEOUT = 120
PORT = object()

for _name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
    os.environ.pop(_name, None)


def c_program(name):
    return [str(PROGRAMS / ("example_" + name))]


def python_program(name):
    return [sys.executable, str(EXAMPLES / (name + ".py"))]


def need(program):
    """The path of a program somebody else wrote; skips the test where it is not installed."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def run(*command, stdin=b"", check=True, cwd=None):
    """Run a program to its end; its output as bytes, both streams together."""
    done = subprocess.run(
        [str(word) for word in command],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT,
        cwd=cwd,
    )
    assert not check or done.returncode == 0, done.stdout.decode(errors="replace")
    return done.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(process, port):
    """Whether the server listens in the end; not if it ended, as where somebody else took its port."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            # A probe that is given the very port that it asks for would meet itself.
            probe.bind(("127.0.0.1", 0))
            if probe.getsockname()[1] != port and probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(0.05)
                return process.poll() is None
        time.sleep(0.05)
    return False


def stop(process, seconds=5):
    """Ask a process to end, and make it."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def running(command):
    """A server process while the block runs; yields the port, which stands for PORT in the command."""
    for _ in range(5):
        port = free_port()
        process = subprocess.Popen(
            [str(port) if word is PORT else str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            if listens(process, port):
                yield port
                return
        finally:
            stop(process)
    pytest.fail(f"the server does not listen: {command}")


@contextlib.contextmanager
def echo_server(program, ca):
    """One of our echo servers; yields its port. It must end cleanly when told to."""
    process = subprocess.Popen(
        [*program, str(ca / "chain.pem"), str(ca / "server.key")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        line = process.stdout.readline().decode()
        match = re.search(r":(\d+)$", line.strip())
        assert match, line
        yield int(match[1])
    finally:
        stop(process, TIMEOUT)
        process.stdout.close()
    assert process.returncode == 0


@pytest.fixture(scope="session", params=["c", "python"])
def ca(request, tmp_path_factory):
    """What make_ca made, once by each of the two programs."""
    folder = tmp_path_factory.mktemp("ca-" + request.param)
    make = c_program("make_ca") if request.param == "c" else python_program("make_ca")
    run(*make, folder)
    return folder


@pytest.fixture(params=["c", "python"])
def server(request, ca):
    """The port of each of our two echo servers."""
    program = c_program if request.param == "c" else python_program
    with echo_server(program("echo_server"), ca) as port:
        yield port
