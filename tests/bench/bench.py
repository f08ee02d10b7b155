"""Measure this library beside others, in one run, interleaved.

    bench.py BUILD-FOLDER [--quick] [--rounds N] [--ms N] [--only WORD] [--write]

Peers are C that calls OpenSSL in the ordinary way ("naive C"), libpyossl from
C, our Python package, the standard library's ssl and, where they can be had,
pyOpenSSL 23.0.0 of Debian (on the same libssl) and the newest of the package
index. Each round runs every peer once on each workload; what is told is the
median over the rounds of the ratio to naive C in the same round, as single
figures of a shared machine mean little. --write puts the table and the chart
into doc/performance/.
"""

import argparse
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
# A workload, what it is called in the table, and the ratio that our package must reach.
ROWS = [
    ("hs_tls13_ec", "full handshake, TLS 1.3, EC", 0.97),
    ("hs_tls13_rsa", "full handshake, TLS 1.3, RSA", 0.97),
    ("hs_tls12_ec", "full handshake, TLS 1.2, EC", 0.97),
    ("hs_tls13_resume", "resumed handshake, TLS 1.3", 0.94),
    ("hs_tls12_resume", "resumed handshake, TLS 1.2", 0.91),
    ("pp_mem", "64 bytes there and back, memory", 0.90),
    ("pp_sock", "64 bytes there and back, sockets", 0.90),
    ("bulk_mem_16k", "16 KiB, memory", 0.93),
    ("x509_load_pem", "load a certificate, PEM", 6),
    ("x509_load_pem_rsa", "the same, RSA", 6),
    ("x509_load_der", "load a certificate, DER", 6),
    ("x509_load_pubkey", "load a certificate, take its key", 3),
    ("x509_dump_pem", "dump a certificate, PEM", 3),
    ("x509_dump_der", "dump a certificate, DER", 10),
    ("x509_subject_cn", "common name of the subject", 1.7),
    ("x509_serial", "serial number", 1.7),
    ("x509_digest", "digest, SHA-256", 2.3),
    ("x509_components", "components of the subject", 0.28),
    ("x509_extensions", "all extensions", 0.20),
    ("x509_extension_text", "text of an extension", 0.88),
    ("x509_has_expired", "has it expired", 0.90),
    ("pkey_load_rsa", "load a key, RSA", 15),
    ("pkey_load_ec", "load a key, EC", 12),
    ("pkey_load_rsa_enc", "load an encrypted key, RSA", 1.5),
    ("pkey_load_ec_enc", "load an encrypted key, EC", 1.5),
    ("sign_rsa", "sign, RSA", 0.97),
    ("sign_ec", "sign, EC", 0.97),
    ("verify_rsa", "verify, RSA", 0.97),
    ("verify_ec", "verify, EC", 0.97),
    ("store_verify", "verify a chain of three", 0.99),
    ("ctx_new", "a context", 0.97),
    ("ctx_cafile", "a context with the CA bundle, later", 150),
    ("ctx_cafile_first", "the same, first in the process", 20),
    ("mem_1000", "memory of an idle endpoint", 1.65),
]
# Against the cheapest call of a C method that Python can make.
CALLS = [
    ("call_pending", "pending()"),
    ("call_want_read", "want_read()"),
    ("call_cipher_name", "get_cipher_name()"),
]
# A value that only a fresh process can give.
FRESH = {"ctx_cafile_first", "mem_1000"}


def make_fixtures(folder, package):
    """Two chains of three certificates with extensions, their keys, and a CA bundle."""
    if (folder / "bundle.pem").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    script = """
import sys, pathlib
from OpenSSL import crypto
folder, PEM, DER = pathlib.Path(sys.argv[1]), crypto.FILETYPE_PEM, crypto.FILETYPE_ASN1
def ext(n, c, v, **k): return crypto.X509Extension(n, c, v, **k)
def make(cn, key, issuer, issuer_key, ca):
    c = crypto.X509(); c.set_version(2); c.set_serial_number(0x1234567890ABCDEF1234 + len(cn))
    s = c.get_subject(); s.C = "SE"; s.O = "Example"; s.OU = "Benchmarks"; s.CN = cn
    c.set_issuer((issuer or c).get_subject()); c.gmtime_adj_notBefore(-86400); c.gmtime_adj_notAfter(3650 * 86400)
    c.set_pubkey(key)
    names = b"DNS:localhost, DNS:*.example.org, IP:127.0.0.1"
    c.add_extensions([ext(b"basicConstraints", True, b"CA:TRUE" if ca else b"CA:FALSE"),
        ext(b"keyUsage", True, b"keyCertSign, cRLSign" if ca else b"digitalSignature, keyEncipherment"),
        ext(b"subjectKeyIdentifier", False, b"hash", subject=c), ext(b"subjectAltName", False, names),
        ext(b"crlDistributionPoints", False, b"URI:http://example.org/crl"),
        ext(b"authorityInfoAccess", False, b"OCSP;URI:http://ocsp.example.org/"), ext(b"nsComment", False, b"made for measuring")])
    if not ca: c.add_extensions([ext(b"extendedKeyUsage", False, b"serverAuth, clientAuth")])
    c.add_extensions([ext(b"authorityKeyIdentifier", False, b"keyid", issuer=issuer or c)])
    c.sign(issuer_key or key, "sha256"); return c
for kind in ("ec", "rsa"):
    def key():
        k = crypto.PKey()
        if kind == "rsa": k.generate_key(crypto.TYPE_RSA, 2048); return k
        import subprocess
        pem = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], stdout=-1, check=True).stdout
        return crypto.load_privatekey(PEM, pem)
    rk, ik, lk = key(), key(), key()
    root = make(kind + " root", rk, None, None, True); mid = make(kind + " intermediate", ik, root, rk, True)
    leaf = make("localhost", lk, mid, ik, False)
    for name, c in (("", leaf), ("-intermediate", mid), ("-root", root)):
        (folder / (kind + name + ".pem")).write_bytes(crypto.dump_certificate(PEM, c))
    (folder / (kind + ".der")).write_bytes(crypto.dump_certificate(DER, leaf))
    (folder / (kind + "-chain.pem")).write_bytes(crypto.dump_certificate(PEM, leaf) + crypto.dump_certificate(PEM, mid))
    (folder / (kind + ".key")).write_bytes(crypto.dump_privatekey(PEM, lk))
    (folder / (kind + "-enc.key")).write_bytes(crypto.dump_privatekey(PEM, lk, "aes-256-cbc", b"secret"))
"""
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True, env={"PYTHONPATH": package, "PATH": "/usr/bin:/bin"})
    system = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    bundle = system.read_bytes() if system.exists() else (folder / "ec-root.pem").read_bytes() * 140
    (folder / "bundle.pem").write_bytes(bundle)
    time.sleep(2.1)  # a file that was changed this moment is not kept


class Peer:
    def __init__(self, name, command, environment):
        self.name, self.command, self.environment = name, command, environment
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait(10)
            self.process = None

    def ask(self, workload, milliseconds):
        if workload in FRESH:
            self.stop()
        if self.process is None:
            self.start()
        self.process.stdin.write(f"{workload} {milliseconds}\n")
        answer = self.process.stdout.readline().strip()
        if workload in FRESH:
            self.stop()
        if not answer:
            raise RuntimeError(f"{self.name} ended in {workload}")
        return None if answer == "-" else float(answer)


def peers(build, fixtures, fetched):
    """Those that can be had here, naive C first."""
    def python(name, adapter, path):
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, str(HERE / "worker.py"), adapter, str(fixtures)]
        probe = subprocess.run([sys.executable, "-c", "import OpenSSL.SSL" if adapter == "OpenSSL" else "import ssl"],
                               env=environment, stderr=subprocess.DEVNULL)
        return [Peer(name, command, environment)] if probe.returncode == 0 else []

    found = [Peer(name, [str(build / "tests" / "bench" / program), str(fixtures)], {"PATH": "/usr/bin:/bin"})
             for name, program in (("naive C", "bench_naive"), ("libpyossl, C", "bench_core"))]
    found += python("pyossl", "OpenSSL", str(build / "bindings" / "python"))
    found += python("ssl", "ssl", "")
    for name, folder in (("pyOpenSSL, Debian", "debian"), ("pyOpenSSL, newest", "newest")) if fetched else ():
        place = build / "bench" / folder
        if fetch(place, folder):
            found += python(name, "OpenSSL", str(place / "usr/lib/python3/dist-packages" if folder == "debian" else place))
    return found


def fetch(place, folder):
    """Put a peer into the build folder, never into the system."""
    if place.exists():
        return True
    place.mkdir(parents=True)
    if folder == "debian":
        done = subprocess.run(["apt-get", "download", "-q", "python3-openssl"], cwd=place,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        archives = list(place.glob("*.deb"))
        if done.returncode == 0 and archives:
            done = subprocess.run(["dpkg", "-x", str(archives[0]), str(place)])
            if done.returncode == 0:
                return True
    else:
        done = subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(place), "pyOpenSSL"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if done.returncode == 0:
            return True
    shutil.rmtree(place)
    return False


def measure(found, rounds, milliseconds, only):
    """{workload: {peer: [value of each round]}}."""
    names = [row[0] for row in ROWS] + ["call_floor"] + [row[0] for row in CALLS]
    names = [name for name in names if only in name or (only and name == "call_floor" and "call" in only)]
    result = {name: {peer.name: [] for peer in found} for name in names}
    for number in range(rounds):
        for i, name in enumerate(names):
            print(f"\rround {number + 1} of {rounds}: {name:24}", end="", file=sys.stderr, flush=True)
            for peer in found[i % len(found):] + found[:i % len(found)]:
                result[name][peer.name].append(peer.ask(name, milliseconds))
    print(file=sys.stderr)
    return result


def ratio(values, base):
    pairs = [v / b for v, b in zip(values, base) if v is not None and b]
    return statistics.median(pairs) if pairs else None


def table(found, result):
    """Lines of a Markdown table, and the ratios of our package for the chart."""
    others = [peer.name for peer in found if peer.name != "naive C"]
    lines = ["| work | naive C | " + " | ".join(others) + " | must |", "|---|---:|" + "---:|" * (len(others) + 1)]
    chart = []
    for name, title, must in ROWS:
        if name not in result:
            continue
        base = result[name]["naive C"]
        cells = [ratio(result[name][peer], base) for peer in others]
        lines.append(f"| {title} | {amount(name, statistics.median(base))} | "
                     + " | ".join("–" if c is None else f"{c:.2f}" for c in cells) + f" | {must} |")
        chart.append((title, dict(zip(others, cells))))
    for name, title in CALLS:
        if name not in result or "call_floor" not in result:
            continue
        cells = []
        for peer in others:
            r = ratio(result["call_floor"][peer], result[name][peer])
            cells.append("–" if r is None else f"{r:.2f} ×")
        lines.append(f"| {title}, against the cheapest call | | " + " | ".join(cells) + " | 1.25 × |")
    return lines, chart


def amount(name, value):
    if name == "mem_1000":
        return f"{1 / value:.1f} KiB"
    if name == "ctx_cafile_first":
        return f"{1000 / value:.1f} ms"
    return f"{value:,.0f}/s"


def svg(chart, peers_shown):
    """Bars on a logarithmic scale: right of the line is faster than naive C."""
    import math

    colours = {"pyossl": "#1b6ca8", "ssl": "#b0b0b0", "pyOpenSSL, Debian": "#e08e45"}
    shown = [p for p in peers_shown if p in colours]
    left, width, step, height = 260, 520, 12, 0
    out, y = [], 30
    low, high = math.log10(0.01), math.log10(300)

    def x(value):
        return left + (math.log10(min(max(value, 0.01), 300)) - low) / (high - low) * width

    for title, cells in chart:
        out.append(f'<text x="{left - 8}" y="{y + step}" text-anchor="end">{title}</text>')
        for peer in shown:
            value = cells.get(peer)
            if value is not None:
                a, b = sorted((x(1), x(value)))
                out.append(f'<rect x="{a:.1f}" y="{y}" width="{max(b - a, 1):.1f}" height="{step - 3}" fill="{colours[peer]}"/>')
            y += step
        y += 6
    height = y + 30
    legend = "".join(f'<rect x="{left + i * 170}" y="8" width="10" height="10" fill="{colours[p]}"/>'
                     f'<text x="{left + 14 + i * 170}" y="17">{p}</text>' for i, p in enumerate(shown))
    marks = "".join(f'<line x1="{x(v):.1f}" y1="26" x2="{x(v):.1f}" y2="{y}" stroke="#ddd"/>'
                    f'<text x="{x(v):.1f}" y="{y + 14}" text-anchor="middle">{v:g}</text>' for v in (0.01, 0.1, 1, 10, 100))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 20}" height="{height}" '
            f'font-family="sans-serif" font-size="11">{marks}{legend}{"".join(out)}'
            f'<text x="{left}" y="{height - 2}">speed, relative to C that calls OpenSSL in the ordinary way</text></svg>\n')


def write(lines, chart, found, rounds, milliseconds):
    folder = TOP / "doc" / "performance"
    folder.mkdir(exist_ok=True)
    version = subprocess.run(["openssl", "version"], stdout=subprocess.PIPE, text=True).stdout.split("  ")[0].strip()
    head = (f"Measured with `./dev bench --rounds {rounds} --ms {milliseconds} --write`, {version}, "
            f"Python {sys.version.split()[0]}: medians of the ratio to naive C in the same round; higher is faster.\n\n")
    (folder / "table.md").write_text(head + "\n".join(lines) + "\n")
    (folder / "chart.svg").write_text(svg(chart, [peer.name for peer in found]))
    readme = TOP / "README.md"
    text = readme.read_text()
    kept = [line for line in lines if not line.startswith("|") or re.search(r"\| (work|---|full handshake, TLS 1.3, EC|64 bytes there and back, mem|load a c|load a key|a context with|memory of)", line) or line.startswith("|---")]
    new = re.sub(r"(<!-- bench -->\n).*?(<!-- /bench -->)", lambda m: m[1] + "\n".join(kept) + "\n" + m[2], text, flags=re.S)
    readme.write_text(new)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true", help="one short round: does everything run?")
    parser.add_argument("--rounds", type=int, default=35)
    parser.add_argument("--ms", type=int, default=50)
    parser.add_argument("--only", default="")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    rounds, milliseconds = (1, 5) if args.quick else (args.rounds, args.ms)
    build = pathlib.Path(args.build).resolve()
    fixtures = build / "bench" / "fixtures"
    make_fixtures(fixtures, str(build / "bindings" / "python"))
    found = peers(build, fixtures, not args.quick)
    try:
        result = measure(found, rounds, milliseconds, args.only)
    finally:
        for peer in found:
            peer.stop()
    lines, chart = table(found, result)
    print("\n".join(lines))
    if args.write:
        write(lines, chart, found, rounds, milliseconds)


if __name__ == "__main__":
    main()
