"""Who is measured: programs and packages, each in worker processes of its own."""

import os
import pathlib
import select
import shutil
import subprocess
import sys
import time

from rows import CORE, FRESH, NAIVE, OURS, STARTING, group

HERE = pathlib.Path(__file__).resolve().parent
#: An answer that takes longer will not come: the longest makes a thousand connections.
PATIENCE = 60
IMPORTS = {
    "OpenSSL": "from OpenSSL import SSL, crypto",
    "ssl": "import ssl",
    "M2Crypto": "from M2Crypto import EVP, SSL, X509",
}
VERSIONS = {
    "OpenSSL": "import OpenSSL\nfrom OpenSSL import SSL\nprint(OpenSSL.__version__, 'with', SSL.SSLeay_version(0).decode())",
    "ssl": "import platform, ssl\nprint(platform.python_version(), 'with', ssl.OPENSSL_VERSION)",
    "M2Crypto": "import M2Crypto, ssl\nprint(M2Crypto.__version__, 'with', ssl.OPENSSL_VERSION)",
}


class Failed(Exception):
    """A workload that a peer could not carry out; its process is gone."""


class Peer:
    def __init__(self, name, command, environment, importing=None, version=""):
        self.name, self.command, self.environment = name, command, environment
        self.importing, self.version = importing, version
        self.processes = {}

    def start(self, kind):
        if kind not in self.processes:
            self.processes[kind] = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.PIPE,
                                                    stdout=subprocess.PIPE, text=True, bufsize=1)
        return self.processes[kind]

    def stop(self, kind=None):
        for name in [kind] if kind else list(self.processes):
            process = self.processes.pop(name, None)
            if process is None:
                continue
            process.stdin.close()
            process.stdout.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ask(self, workload, milliseconds):
        """The workload's value, or None if the peer has no such thing."""
        kind = "fresh" if workload in FRESH else group(workload)
        try:
            process = self.start(kind)
            process.stdin.write(f"{workload} {milliseconds}\n")
            if not select.select([process.stdout], [], [], PATIENCE)[0]:
                process.kill()
                raise Failed(f"{self.name} gave no answer to {workload}")
            answer = process.stdout.readline().strip()
            if not answer:
                raise Failed(f"{self.name} ended in {workload}")
        except (OSError, Failed) as error:
            self.abandon(kind)
            raise Failed(str(error)) from error
        if kind == "fresh":
            self.stop(kind)
        return None if answer == "-" else float(answer)

    def abandon(self, kind):
        process = self.processes.pop(kind, None)
        if process is not None:
            process.kill()
            process.wait()
            process.stdout.close()

    def starting(self):
        """{workload: value} of what an import costs."""
        if self.importing is None:
            return dict.fromkeys(STARTING)

        def run(*arguments):
            began = time.perf_counter()
            done = subprocess.run([sys.executable, *arguments], env=self.environment, stdout=subprocess.PIPE, text=True,
                                  timeout=PATIENCE)
            if done.returncode != 0:
                raise Failed(f"{self.name} cannot be imported")
            return 1000 * (time.perf_counter() - began), done.stdout

        bare, whole = (min(run("-c", text)[0] for _ in range(3)) for text in ("pass", self.importing))
        rss, size, modules = map(float, run(str(HERE / "starting.py"), self.importing)[1].split())
        return dict(zip(STARTING, (whole - bare, rss, size, modules)))


def python(name, adapter, path, fixtures, many):
    """The peer in a list, or none if it cannot be imported."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": path}
    if path:  # as an installer does, or each start compiles the package anew
        subprocess.run([sys.executable, "-m", "compileall", "-q", path], stdout=subprocess.DEVNULL)
    probe = subprocess.run([sys.executable, "-W", "ignore", "-c", VERSIONS[adapter]], env=environment, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if probe.returncode != 0:
        return []
    command = [sys.executable, str(HERE / "worker.py"), adapter, str(fixtures), str(many)]
    return [Peer(name, command, environment, IMPORTS[adapter], probe.stdout.strip())]


def find(build, fixtures, many, fetching):
    """Those that can be had here, naive C first; what had to be left out."""
    version = subprocess.run(["openssl", "version"], stdout=subprocess.PIPE, text=True).stdout.split(" (")[0].strip()
    found, missing = [], []
    for name, program in ((NAIVE, "bench_naive"), (CORE, "bench_core")):
        command = [str(build / "tests" / "bench" / program), str(fixtures), str(many)]
        found.append(Peer(name, command, {"PATH": "/usr/bin:/bin"}, version=version))
    for name, adapter, folder in (
        (OURS, "OpenSSL", build / "bindings" / "python"),
        ("ssl", "ssl", None),
        ("pyOpenSSL, Debian", "OpenSSL", build / "bench" / "python3-openssl"),
        ("M2Crypto", "M2Crypto", build / "bench" / "python3-m2crypto"),
        ("pyOpenSSL, newest", "OpenSSL", build / "bench" / "pyOpenSSL"),
    ):
        path = str(folder or "")
        if folder is not None and folder.parent.name == "bench":
            if not fetch(folder, fetching):
                missing.append(name)
                continue
            if folder.name.startswith("python3-"):
                path = str(folder / "usr/lib/python3/dist-packages")
        more = python(name, adapter, path, fixtures, many)
        found += more
        if not more:
            missing.append(name)
    return found, missing


def fetch(place, fetching):
    """Put a peer into the build folder, never into the system."""
    if place.exists() or not fetching:
        return place.exists()
    fresh = place.with_name(place.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)

    def run(*command):
        return subprocess.run(command, cwd=fresh, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    if place.name.startswith("python3-"):
        download = ("apt-get", "download", "-q", place.name)
        # A machine that has never asked has no list of packages.
        done = run(*download) or (os.geteuid() == 0 and run("apt-get", "update", "-q") and run(*download))
        done = done and all(run("dpkg", "-x", str(archive), ".") for archive in fresh.glob("*.deb"))
    else:
        done = run(sys.executable, "-m", "pip", "install", "-q", "--target", ".", place.name)
    if done:
        fresh.rename(place)
    shutil.rmtree(fresh, ignore_errors=True)
    return done
