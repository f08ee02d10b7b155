"""The rows of the benchmark's table: what is measured, and what our package is to reach."""

import statistics
from typing import NamedTuple, Optional, Tuple

#: How a row's value comes about; higher is better unless it is said.
RATIO = "ratio"  # to naive C in the same round; of several workloads the mean
FLOOR = "floor"  # a call's time against the cheapest call of a C method, lower is better
OWN = "own"  # the second workload over the first, both of the same peer
AMOUNT = "amount"  # as it is, lower is better

OURS, NAIVE, CORE = "pyossl", "naive C", "libpyossl, C"


class Row(NamedTuple):
    name: str
    title: str
    must: Optional[float]
    aim: Optional[float]
    kind: str = RATIO
    work: Tuple[str, ...] = ()
    unit: str = "/s"
    telling: bool = False  # stands in the README

    @property
    def workloads(self):
        return self.work or (self.name,)

    @property
    def lower(self):
        return self.kind in (FLOOR, AMOUNT)


BULK = tuple(f"bulk_{size}_{way}" for size in ("16k", "256k", "1m") for way in ("recv", "recv_into"))
#: Bytes that one run of a workload moves.
BYTES = {"bulk_mem_16k": 16 << 10, "mt_bulk_1": 16 << 10, "mt_bulk_2": 16 << 10}
BYTES.update({name: {"16k": 16 << 10, "256k": 256 << 10, "1m": 1 << 20}[name.split("_")[1]] for name in BULK})

SECTIONS = [
    ("Handshakes", [
        Row("hs_tls13_ec", "full handshake, TLS 1.3, EC", 0.97, 1.20, telling=True),
        Row("hs_tls13_rsa", "full handshake, TLS 1.3, RSA", 0.97, 1.20),
        Row("hs_tls12_ec", "full handshake, TLS 1.2, EC", 0.97, 1.20),
        Row("hs_tls13_resume", "resumed handshake, TLS 1.3", 0.94, 1.00, telling=True),
        Row("hs_tls12_resume", "resumed handshake, TLS 1.2", 0.91, 0.95),
    ]),
    ("Data", [
        Row("bulk_sockets", "stream over sockets, mean of six kinds", 0.91, 0.97, work=BULK, telling=True),
        *(Row(name, title, None, None, unit="MB/s") for name, title in zip(BULK, (
            "16 KiB, recv", "16 KiB, recv_into", "256 KiB, recv", "256 KiB, recv_into", "1 MiB, recv",
            "1 MiB, recv_into"))),
        Row("bulk_mem_16k", "16 KiB, memory", 0.93, 0.97, unit="MB/s"),
        Row("pp_mem", "64 bytes there and back, memory", 0.90, 0.95, telling=True),
        Row("pp_sock", "64 bytes there and back, sockets", 0.90, 1.0, telling=True),
        Row("pp_sock_mt", "64 bytes there and back, sockets, two threads", 0.95, 1.0),
        Row("loop_1000", "64 bytes there and back, 1,000 connections in turn", 1.05, 1.2, telling=True),
    ]),
    ("Small calls, against the cheapest call of a C method", [
        Row("call_pending", "pending()", 1.25, 1.1, FLOOR),
        Row("call_want_read", "want_read()", 1.25, 1.1, FLOOR),
        Row("call_cipher_name", "get_cipher_name()", 1.25, 1.1, FLOOR),
        Row("call_attribute", "pending(), with finding the method", None, None, FLOOR),
    ]),
    ("Certificates", [
        Row("x509_load_pem", "load a certificate, PEM", 6, 8, telling=True),
        Row("x509_load_pem_rsa", "load a certificate, PEM, RSA", 6, 8),
        Row("x509_load_der", "load a certificate, DER", 6, 8),
        Row("x509_load_pubkey", "load a certificate, take its key", 3, 4),
        Row("x509_dump_pem", "dump a certificate, PEM", 3, 3.5),
        Row("x509_dump_der", "dump a certificate, DER", 10, 15),
        Row("x509_subject_cn", "common name of the subject", 1.7, 2, telling=True),
        Row("x509_serial", "serial number", 1.7, 2),
        Row("x509_digest", "digest, SHA-256", 2.3, 3),
        Row("x509_components", "components of the subject", 0.28, 0.4),
        Row("x509_extensions", "names of all extensions", 0.20, 0.25, telling=True),
        Row("x509_extension_text", "text of an extension", 0.88, 1),
        Row("x509_has_expired", "has it expired", 0.90, 5),
    ]),
    ("Keys and signatures", [
        Row("pkey_load_rsa", "load a key, RSA", 15, 20, telling=True),
        Row("pkey_load_ec", "load a key, EC", 12, 16),
        Row("pkey_load_rsa_enc", "load an encrypted key, RSA", 1.5, 1.7),
        Row("pkey_load_ec_enc", "load an encrypted key, EC", 1.5, 1.7),
        Row("sign_rsa", "sign, RSA", 0.97, 1.0),
        Row("sign_ec", "sign, EC", 0.97, 1.1, telling=True),
        Row("verify_rsa", "verify, RSA", 0.97, 1.15),
        Row("verify_ec", "verify, EC", 0.97, 1.05),
    ]),
    ("Trust and contexts", [
        Row("store_verify", "verify a chain of three", 0.99, 1),
        Row("ctx_new", "a context", 0.97, 1.05),
        Row("ctx_cafile", "a context with the CA bundle, later", 150, 200, telling=True),
        Row("ctx_cafile_first", "a context with the CA bundle, first in the process", 20, 80, unit="ms"),
    ]),
    ("Two threads over one, each with connections of its own", [
        Row("mt_bulk", "encrypt 16 KiB, memory", 1.2, 1.5, OWN, ("mt_bulk_1", "mt_bulk_2")),
        Row("mt_hs", "full handshakes, TLS 1.3, EC", 1.6, 1.8, OWN, ("mt_hs_1", "mt_hs_2"), telling=True),
        Row("mt_pp", "64 bytes there and back, memory", 0.95, 1.05, OWN, ("mt_pp_1", "mt_pp_2")),
    ]),
    ("Two threads over one, both on one connection", [
        Row("mt_duplex", "16 KiB each way at once, by processor time", 0.95, 1, OWN, ("mt_duplex_1", "mt_duplex_2")),
    ]),
    ("Two threads, against two of naive C", [
        Row("mt_bulk_2", "encrypt 16 KiB, memory", None, None, unit="MB/s"),
        Row("mt_hs_2", "full handshakes, TLS 1.3, EC", None, None),
        Row("mt_pp_2", "64 bytes there and back, memory", None, None),
    ]),
    ("Footprint", [
        Row("mem_1000", "memory of an idle endpoint, 1,000 pairs", 23.5, 21.5, AMOUNT, unit="KiB", telling=True),
        Row("import_ms", "import, over bare Python", 8, 5, AMOUNT, unit="ms", telling=True),
        Row("import_rss", "resident memory of the import", 4.5, 4.2, AMOUNT, unit="MiB"),
        Row("import_size", "installed size, with what it needs", 400, 250, AMOUNT, unit="KiB"),
        Row("import_modules", "modules imported", 8, 4, AMOUNT, unit="modules"),
    ]),
]
ROWS = [row for _, rows in SECTIONS for row in rows]
#: Asked of the driver, not of a worker.
STARTING = ("import_ms", "import_rss", "import_size", "import_modules")
#: A value that only a fresh process can give.
FRESH = ("ctx_cafile_first", "mem_1000")


def group(workload):
    """Which of a peer's processes measures it: threads, and many connections, would change what the others see."""
    if workload.startswith("mt_duplex"):
        return "duplex"
    if workload.startswith(("mt_", "pp_sock_mt")) or workload in BULK:
        return "threads"
    return "many" if workload == "loop_1000" else "plain"


def chosen(words):
    """Rows whose name or title has one of the words; all, if there are none."""
    return [row for row in ROWS if not words or any(word in row.name or word in row.title for word in words)]


def needed(rows):
    """The workloads that these rows are made of, each once."""
    names = [name for row in rows for name in row.workloads]
    if any(row.kind == FLOOR for row in rows):
        names.insert(0, "call_floor")
    return list(dict.fromkeys(names))


def lacks(peer, row):
    """Whether a peer of ours, or naive C, cannot have a value here."""
    if row.name == "mt_duplex":
        return peer == NAIVE  # OpenSSL allows one thread at a time
    return peer in (NAIVE, CORE) and (row.kind == FLOOR or row.name in STARTING)


def typical(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def paired(values, base):
    """The median of the ratios of the same round."""
    return typical(v / b if v is not None and b else None for v, b in zip(values, base))


def value(row, result, peer):
    """What the table says of @peer in @row; None if there is nothing to say."""
    series = [result.get(name, {}).get(peer, []) for name in row.workloads]
    if row.kind == RATIO:
        bases = [result.get(name, {}).get(NAIVE, []) for name in row.workloads]
        ratios = [paired(values, base) for values, base in zip(series, bases)]
        return None if None in ratios else statistics.mean(ratios)
    if row.kind == FLOOR:
        return paired(result["call_floor"][peer], series[0])
    if row.kind == OWN:
        return paired(series[1], series[0])
    found = typical(series[0])
    if found is None:
        return None
    return 1 / found if row.name == "mem_1000" else found  # workers say how many fit, so that more is better


def reached(row, found):
    """"aim", "must" or "no"; None where nothing is asked. Judged by what the table shows."""
    if row.must is None or found is None:
        return None
    shown = float(text(row, found).replace(",", "").split()[0])
    good = (lambda limit: shown <= limit) if row.lower else (lambda limit: shown >= limit)
    return "aim" if good(row.aim) else "must" if good(row.must) else "no"


def text(row, found):
    if found is None:
        return "–"
    if row.kind == AMOUNT:
        return f"{found:,.0f}" if row.unit in ("KiB", "modules") and row.name != "mem_1000" else f"{found:.1f}"
    return f"{found:,.0f}" if found >= 100 else f"{found:.1f}" if found >= 10 else f"{found:.2f}"


def base(row, result):
    """What naive C does, in the row's unit."""
    if row.kind == OWN or row.kind == AMOUNT:
        found = value(row, result, NAIVE)
        return "–" if found is None else text(row, found) + (f" {row.unit}" if row.kind == AMOUNT else "")
    if row.kind == FLOOR or len(row.workloads) > 1:
        return ""
    found = typical(result.get(row.name, {}).get(NAIVE, []))
    if found is None:
        return "–"
    if row.unit == "MB/s":
        return f"{found * BYTES[row.name] / 1e6:,.0f} MB/s"
    return f"{1000 / found:.1f} ms" if row.unit == "ms" else f"{found:,.0f}/s"


def goal(row, limit):
    if limit is None:
        return ""
    return f"{limit:g}" + (" ×" if row.kind == FLOOR else f" {row.unit}".replace(" modules", "") if row.kind == AMOUNT else "")
