#!/usr/bin/env python3
"""Write a call of every exported function: make_calls.py EXPORTS HEADER ... > calls.inc

A call can also leave an argument out, by its number in f->without: NULL for what must not be
NULL, NULL with a length, a length that nothing has, an array with NULL in it. Or one text alone is
wrong, by its number in f->wrong_text. The table says how many there are of both.

A function that no header declares, or a parameter that nothing here knows how to
fill, is an error: so none is left out.
"""

import pathlib
import re
import sys

NOUNS = ("ctx", "conn", "session", "pkey", "name", "ext", "x509", "req", "crl", "revoked", "store",
         "pkcs7", "pkcs12", "spki")
DECLARATION = re.compile(r"PYOSSL_API\s+(?:PYOSSL_MUST_CHECK\s+)?([^;(]*?)(\w+)\s*\(([^;]*?)\)"
                         r"\s*(?:PYOSSL_NONNULL\(([^)]*)\))?\s*;", re.S)
HANDLE = re.compile(r"^(?:const )?pyossl_(%s) \*$" % "|".join(NOUNS))
NEW = re.compile(r"^pyossl_(%s) \*\*$" % "|".join(NOUNS))
LENGTH = re.compile(r"^(len|cap|count|\w+_len)$")

# Text by the parameter's name: what works, as C. What does not is always WRONG.
TEXTS = {
    "digest": '"sha256"', "cipher": '"aes-256-cbc"', "curve": '"prime256v1"', "field": '"CN"',
    "hex": '"1234"', "reason": '"keyCompromise"', "ciphers": '"DEFAULT"',
    "suites": '"TLS_AES_128_GCM_SHA256"', "groups": '"P-256"', "purpose": '"sslserver"',
    "oid": '"1.2.3.4"', "profiles": '"SRTP_AES128_CM_SHA1_80"', "type": '"basicConstraints"',
    "algorithms": '"RSA+SHA256"', "text": '"CN"', "dotted": '"2.5.4.3"', "short_name": '"CN"',
    "long_name": '"commonName"',  # which is taken, each time
    "group": '"prime256v1"',
    "path": 'DATA("root.pem")', "file": 'DATA("root.pem")', "dir": "NULL", "name": '"prime256v1"',
}
FUNCTION_TEXTS = {
    ("pyossl_ctx_use_pkey_file", "path"): 'DATA("ec.pem")',
    ("pyossl_ctx_use_certificate_file", "path"): 'DATA("server-ec.pem")',
    ("pyossl_ctx_load_tmp_dh", "path"): 'DATA("dh.pem")',
    ("pyossl_rand_write_file", "path"): '"hygiene.rnd"',
    ("pyossl_rand_load_file", "path"): 'DATA("message.txt")',
    ("pyossl_cipher_check", "cipher"): '"aes-256-cbc"',
    ("pyossl_pkey_generate_named", "type"): '"EC"',
}
NUMBERS = {
    "method": "PYOSSL_TLS", "format": "PYOSSL_PEM", "bits": "0", "version": "0x0303",
    "index": "0", "len": "32", "limit": "4096", "mtu": "1400", "options": "0", "mode": "1", "judge": "7",
    "timeout_ms": "0", "want": "PYOSSL_WANT_READ", "role": "PYOSSL_CLIENT", "state": "0",
    "which": "PYOSSL_CLIENT_RANDOM", "type": "PYOSSL_KEY_ED25519", "flags": "0", "level": "1",
    "depth": "5", "seconds": "100", "count": "2", "max": "16", "entropy": "0.0", "on": "1",
    "strict": "0", "critical": "1", "peer_too": "1", "part": "0", "feature": "PYOSSL_FEATURE_ALPN",
    "error": "0", "nid": "13", "when": "1700000000", "bytes": "102400", "rounds": "1000000", "status": "PYOSSL_OK", "cap": "1",
}
FUNCTION_NUMBERS = {
    ("pyossl_x509_set_version", "version"): "2", ("pyossl_req_set_version", "version"): "0",
    ("pyossl_crl_set_version", "version"): "1",
}
# Where NULL says "none", whatever the length.
NULL_MEANS_NONE = {(f"pyossl_{noun}_set_{what}", "const char *")
                   for noun in ("ctx", "conn")
                   for what in ("servername", "verify_hostname", "verify_ip")} | {
                       ("pyossl_pkcs12_set_friendly_name", "const char *")}
OUTPUTS = ("int *", "size_t *", "unsigned long *", "const char **")


def declarations(headers):
    found = {}
    for header in headers:
        text = re.sub(r"/\*.*?\*/", "", pathlib.Path(header).read_text(encoding="utf-8"), flags=re.S)
        text = re.sub(r"^#.*$", "", text, flags=re.M)
        for result, name, parameters, needed in DECLARATION.findall(text):
            found[name] = (" ".join(result.split()), split(parameters),
                           [int(number) - 1 for number in needed.split(",") if number.strip()])
    return found


def split(parameters):
    parameters = " ".join(parameters.split())
    if parameters == "void":
        return []
    pairs = (re.match(r"(.*?)(\w+)$", one.strip()).groups() for one in parameters.split(","))
    return [(kind.strip(), name) for kind, name in pairs]


class Call:
    """One call: what stands before it, its arguments, what is looked at and released after it."""

    def __init__(self, function, result, parameters, needed):
        self.function, self.result = function, result
        self.variants = 0
        self.texts = 0
        self.before, self.arguments, self.after = [], [], []
        self.handles = set()
        skip = False
        for place, (kind, name) in enumerate(parameters):
            if skip:
                skip = False
                continue
            following = parameters[place + 1] if place + 1 < len(parameters) else ("", "")
            counted = following[0] == "size_t" and LENGTH.match(following[1])
            skip = self.fill(kind, name, f"a{place}", bool(counted))
        for place in needed:
            self.vary(place, "NULL")
        for place, (kind, name) in enumerate(parameters[:-1]):
            if kind.endswith("*") and parameters[place + 1][0] == "size_t" and \
                    LENGTH.match(parameters[place + 1][1]):
                self.leave_out_counted(place, kind)

    def vary(self, *places_and_values):
        """One more variant, in which these arguments are others."""
        self.variants += 1
        for place, value in zip(places_and_values[::2], places_and_values[1::2]):
            self.arguments[place] = f"f->without == {self.variants} ? {value} : {self.arguments[place]}"

    def leave_out_counted(self, place, kind):
        if (self.function, kind) not in NULL_MEANS_NONE:
            self.vary(place, "NULL", place + 1, "5")
        self.vary(place + 1, "(size_t)SSIZE_MAX + 1")
        if kind.count("*") == 2:
            self.before.append(f"{kind.replace('*const *', '*')}none[1] = {{ NULL }};")
            self.vary(place, "none", place + 1, "1")

    def local(self, kind, place, value, argument):
        space = "" if kind.endswith("*") else " "
        self.before.append(f"{kind}{space}{place} = {value};")
        self.arguments.append(argument)

    def wrong_text(self):
        """The condition for one more text to be wrong."""
        self.texts += 1
        return f"f->bad || f->wrong_text == {self.texts}"

    def fill(self, kind, name, place, counted):
        """Add what fills this parameter; true if that filled its length too."""
        handle, new = HANDLE.match(kind), NEW.match(kind)
        if handle:
            noun = handle[1]
            self.handles.add(noun)
            taken = f"pyossl_{noun}_ref(f->{noun})" if self.function.endswith("_unref") \
                else f"f->{noun}"
            self.local(f"pyossl_{noun} *", place, taken, place)
        elif new:
            self.local(f"pyossl_{new[1]} *", place, "NULL", f"&{place}")
            self.after += [f"note_output(f, {place} != NULL);", f"pyossl_{new[1]}_unref({place});"]
        elif kind == "pyossl_buf *":
            self.local("pyossl_buf ", place, "PYOSSL_BUF_INIT", f"&{place}")
            self.after += [f"note_output(f, {place}.data != NULL);", f"pyossl_buf_clear(&{place});"]
        elif kind == "pyossl_x509_list *":
            self.local("pyossl_x509_list ", place, "PYOSSL_X509_LIST_INIT", f"&{place}")
            self.after += [f"note_output(f, (long long){place}.count);",
                           f"pyossl_x509_list_clear(&{place});"]
        elif kind == "pyossl_verdict *":
            self.local("pyossl_verdict ", place, "PYOSSL_VERDICT_INIT", f"&{place}")
            self.after += [f"note(f, {place}.error);", f"pyossl_verdict_clear(&{place});"]
        elif kind == "pyossl_name_entry *":
            self.local("pyossl_name_entry ", place, "{ 0 }", f"&{place}")
            self.after.append(f"note_output(f, {place}.tag);")
        elif kind in OUTPUTS:
            self.local(kind[:-1], place, "0", f"&{place}")
            self.after.append(f"note_output(f, {place} != 0);")
        elif re.match(r"pyossl_(x509|name|ext) \*const \*$", kind):
            noun = kind.split()[0][7:]
            self.handles.add(noun)
            self.arguments += [f"&f->{noun}", "1"]
            return True
        elif kind == "void *" and counted:
            self.arguments += ["f->room", "sizeof f->room"]
            return True
        elif counted and kind in ("const void *", "const char *", "const unsigned char *"):
            pointer = f"({kind})" if kind != "const void *" else ""
            wrong = self.wrong_text() if kind == "const char *" else "f->bad"
            self.local("const blob ", place,
                       f'{wrong} ? wrong_blob : blob_for(f, "{self.function}", "{name}")',
                       f"{pointer}{place}.data")
            self.arguments.append(f"{place}.len")
            return True
        elif kind in ("X509 *", "EVP_PKEY *"):
            noun = "x509" if kind == "X509 *" else "pkey"
            self.handles.add(noun)
            self.local(kind, place, f"pyossl_openssl_{noun}(f->{noun})", place)
        else:
            self.arguments.append(self.simple(kind, name))
        return False

    def simple(self, kind, name):
        if kind == "const char *":
            good = FUNCTION_TEXTS.get((self.function, name)) or TEXTS[name]
            return f"{self.wrong_text()} ? WRONG : {good}"
        if kind == "const pyossl_passphrase *":
            return "f->bad ? &wrong : &secret"
        if kind == "const pyossl_pkcs12_options *" or kind.endswith("_cb"):
            return "NULL"
        if kind == "const pyossl_transport *":
            return "&script_transport"
        if kind == "const pyossl_error *":
            return "pyossl_error_last()"
        if kind == "void *":
            return "&f->play"
        if name in ("fd", "read_fd", "write_fd"):
            return "f->bad ? -1 : f->fd"
        good = FUNCTION_NUMBERS.get((self.function, name)) or NUMBERS[name]
        return f"({kind})(f->bad ? 7777 : {good})"

    def text(self):
        call = f"{self.function}({', '.join(self.arguments)})"
        if self.result == "void":
            middle, note = f"{call};", ""
        else:
            space = "" if self.result.endswith("*") else " "
            middle = f"const {self.result}{space}result = {call};" \
                if not self.result.endswith("*") else f"{self.result}result = {call};"
            note = "note_status(f, result);" if self.result == "pyossl_status" else \
                "note(f, result != NULL);" if self.result.endswith("*") else \
                "note(f, result != 0);" if self.function == "pyossl_session_time" else \
                "note(f, (long long)result);"
        released = []
        if self.function.endswith("_ref"):
            released.append(f"pyossl_{self.function[7:-4]}_unref(result);")
        if self.result.startswith("SSL_CTX"):  # the one OpenSSL pointer that is handed out, not lent
            released.append("SSL_CTX_free(result);")
        lines = self.before + ["call_begins(f);", middle, "call_ended(f);", note] + self.after + released
        return (f"static void call_{self.function}(fixture *f)\n{{\n" +
                "".join(f"    {line}\n" for line in lines if line) + "}\n")

    def row(self):
        needs = " | ".join(f"NEEDS_{noun.upper()}" for noun in sorted(self.handles)) or "0"
        return f'    {{ "{self.function}", call_{self.function}, {needs}, {self.variants}, {self.texts} }},\n'


def main(exports, *headers):
    found = declarations(headers)
    calls = []
    for function in pathlib.Path(exports).read_text(encoding="utf-8").split():
        if function not in found:
            sys.exit(f"make_calls: no header declares {function}")
        try:
            calls.append(Call(function, *found[function]))
        except KeyError as unknown:
            sys.exit(f"make_calls: {function}: nothing fills the parameter {unknown}")
    print("/* Made by make_calls.py. */\n/* clang-format off */")
    print("\n".join(call.text() for call in calls))
    print("static const call calls[] = {\n" + "".join(call.row() for call in calls) + "};")


if __name__ == "__main__":
    main(*sys.argv[1:])
