#!/usr/bin/env python3
"""Makes the methods of a type from its table: methods.py TABLE.def OUT.c OUT.h

A table has the signature, the documentation and, where that is all there is to a method, the call
of the library. What is made of each row parses the arguments, converts them, and either makes that
call or hands them to the function that is written by hand. doc/internals/add-a-function.rst tells the format.
"""

import collections
import pathlib
import re
import sys

# What an argument is converted to: its type in C, its value before, and the function for it. The
# function is given the object, its name, what "extra" says, and where the value goes.
Kind = collections.namedtuple("Kind", "declare convert parameter passed call order",
                              defaults=("{name}", "{name}", 0))


def _number(c_type, function):
    return Kind(f"{c_type} {{name}} = {{default}};", f"{function}({{given}}, \"{{name}}\", &{{name}}) < 0", c_type)


def _data(rule):
    return Kind("po_auto_bytes {name} = PO_BYTES_INIT;", f"po_arg_bytes({{given}}, \"{{name}}\", {rule}, &{{name}}) < 0",
                "const po_bytes *", "&{name}", "{name}.data, {name}.len")


def _text(function, extra):
    return Kind("po_auto_bytes {name} = PO_BYTES_INIT;", f"{function}({{given}}, \"{{name}}\"{extra}, &{{name}}) < 0",
                "const char *", "{name}.data", "{name}.data")


def _object(check):
    return Kind("PyObject *{name} = {default};", check, "PyObject *")


def _list(function, cast):
    return Kind("po_auto_handles {name} = PO_HANDLES_INIT;", f"{function}(module, {{given}}, &{{name}}) < 0",
                "const po_handles *", "&{name}", f"{cast}({{name}}), {{name}}.count")


KINDS = {
    "int": _number("int", "po_to_int"),
    "long": _number("long", "po_to_long"),
    "int64": _number("int64_t", "po_to_int64"),
    "uint32": _number("uint32_t", "po_to_uint32"),
    "uint64": _number("uint64_t", "po_to_uint64"),
    "size": _number("size_t", "po_to_size"),
    "bool": Kind("int {name} = {default};", "({name} = PyObject_IsTrue({given})) < 0", "int"),
    # Last of all: what is wrong with it is its value, and all types are judged before any value.
    "format": Kind("pyossl_format {name} = {default};", "po_to_format({given}, &{name}) < 0", "pyossl_format", order=1),
    "integer_format": Kind("pyossl_format {name} = {default};",
                           "po_check_int({given}, \"{name}\") < 0 || po_to_format({given}, &{name}) < 0",
                           "pyossl_format", order=1),
    "hex": Kind("po_auto_bytes {name} = PO_BYTES_INIT;", "po_to_hex({given}, \"{name}\", &{name}) < 0",
                "const char *", "{name}.data", "{name}.data"),
    "number": _number("double", "po_to_double"),
    "datetime": Kind("int64_t {name} = {default};", "po_to_epoch(module, {given}, \"{name}\", &{name}) < 0", "int64_t"),
    "ulong": _number("unsigned long", "po_to_ulong"),
    "data": _data("PO_STR_REFUSE"),
    "data_or_str": _data("PO_STR_UTF8"),
    "data_or_ascii": _data("PO_STR_ASCII"),
    "data_or_warned_str": _data("PO_STR_WARN"),
    "text": _text("po_to_cstring", ", PO_STR_UTF8"),
    "text_of_bytes": _text("po_to_cstring", ", PO_STR_REFUSE"),
    "strict_text": _text("po_to_strict_cstring", ", PO_STR_REFUSE"),
    "strict_or_warned_text": _text("po_to_strict_cstring", ", PO_STR_WARN"),
    "path": _text("po_to_path", ""),
    "object": _object(None),
    "str": _object("po_check_str({given}, \"{name}\") < 0"),
    "callable": _object("po_check_callback({given}) < 0"),
    "exts": _list("po_take_exts", "PO_EXTS"),
    "protocols": Kind("po_auto_bytes {name} = PO_BYTES_INIT;", "po_to_protocols(module, {given}, &{name}) < 0",
                      "const po_bytes *", "&{name}", "(const unsigned char *){name}.data, {name}.len"),
    "servername": Kind("po_auto_bytes {name} = PO_BYTES_INIT;", "po_to_servername({given}, \"{name}\", &{name}) < 0",
                       "const po_bytes *", "&{name}", "{name}.data, {name}.len"),
    "sendable": Kind("po_auto_bytes {name} = PO_BYTES_INIT;", "po_arg_sendable({given}, \"{name}\", &{name}) < 0",
                     "const po_bytes *", "&{name}"),
    "writable": Kind("po_auto_bytes {name} = PO_BYTES_INIT;", "po_to_writable({given}, &{name}) < 0",
                     "const po_bytes *", "&{name}"),
    # Numbers that need not be given: what stands for that.
    "limit": Kind("size_t {name} = SIZE_MAX;", "po_to_size({given}, \"{name}\", &{name}) < 0", "size_t"),
    "int_if_given": Kind("int {name} = INT_MIN;", "po_to_int({given}, \"{name}\", &{name}) < 0", "int"),
    "strict_or_warned_path": _text("po_to_strict_path", ""),
    "descriptor": Kind("int {name} = {default};", "po_to_descriptor(module, {given}, &{name}) < 0", "int"),
    "connection": _object("po_check_connection(module, {given}) < 0"),
    "x509s": _list("po_to_x509s", "PO_CERTS"),
    "context": _object("po_to_context(module, {given}) == NULL"),
    # Of ours, or of the cryptography package.
    "any_x509": Kind("po_auto(pyossl_x509) *{name} = NULL;",
                     "({name} = po_to_certificate(module, {given})) == NULL", "pyossl_x509 *"),
    "any_x509s": _list("po_to_certificates", "PO_CERTS"),
    "any_pkey": Kind("po_auto(pyossl_pkey) *{name} = NULL;", "({name} = po_to_key(module, {given})) == NULL",
                     "pyossl_pkey *"),
    "ca_names": _list("po_to_ca_names", "PO_NAMES"),
    "signing_key": Kind("po_auto(pyossl_pkey) *{name} = NULL;",
                        "({name} = po_signing_key(module, {given}, \"{name}\")) == NULL", "pyossl_pkey *"),
}
CLASSES = {"PKey": "pkey", "X509Name": "name", "X509": "x509", "X509Extension": "ext", "X509Req": "req",
           "Revoked": "revoked", "CRL": "crl", "X509Store": "store", "PKCS7": "pkcs7", "PKCS12": "pkcs12",
           "Session": "session"}
IDS = {name: "PO_" + handle.upper() for name, handle in CLASSES.items()}
for _name, _handle in CLASSES.items():
    KINDS[_name] = Kind(f"po_auto(pyossl_{_handle}) *{{name}} = NULL;",
                        f"({{name}} = po_take_handle(module, {{given}}, {IDS[_name]}, \"{{name}}\")) == NULL",
                        f"pyossl_{_handle} *")
    # The object itself, which has a handle.
    KINDS[_name + "!"] = _object(f"po_check_full(module, {{given}}, {IDS[_name]}, \"{{name}}\") < 0")

# What a method returns. Plain values: the type, and what makes an object of one. They cannot fail.
VALUES = {
    "long": ("long", "PyLong_FromLong(out)"),
    "uint64": ("uint64_t", "PyLong_FromUnsignedLongLong(out)"),
    "bool": ("int", "PyBool_FromLong(out)"),
    "str": ("PyObject *", "po_decoded(out)"),
    "bytes": ("PyObject *", "out"),
    "number?": ("int", "out < 0 ? Py_NewRef(Py_None) : PyLong_FromLong(out)"),
    "copied": ("PyObject *", "out"),  # what the call makes under the lock
    "constant_str": ("const char *", "po_from_constant(module, out)"),
    "constant_bytes": ("const char *", "po_from_constant_bytes(module, out)"),
}
# What the call writes to &out where its status is PYOSSL_OK: the same, with the value before.
OUTPUTS = {
    "None": (None, None, "Py_NewRef(Py_None)"),
    "True": (None, None, "Py_NewRef(Py_True)"),
    "1": (None, None, "PyLong_FromLong(1)"),
    "buf": ("pyossl_buf out", "PYOSSL_BUF_INIT", "po_from_buf(&out)"),
    "certs": ("pyossl_x509_list out", "PYOSSL_X509_LIST_INIT", "po_from_certs(module, &out)"),
    "ulong": ("unsigned long out", "0", "PyLong_FromUnsignedLong(out)"),
    "colon_hex": ("pyossl_buf out", "PYOSSL_BUF_INIT", "po_colon_hex(&out)"),
    "int": ("int out", "0", "PyLong_FromLong(out)"),
    "flag": ("int out", "0", "PyBool_FromLong(out)"),
}
for _name, _handle in CLASSES.items():
    OUTPUTS[_name] = (f"pyossl_{_handle} *out", "NULL", f"po_wrap(module, {IDS[_name]}, out)")
RESULTS = {"object", "mask", "before", *VALUES, *OUTPUTS}
OPTIONS = {"bare", "detached", "else", "file", "locking", "long", "owned"}
LITERALS = {"True": "1", "False": "0", "None": "0", "...": "0"}

HEAD = re.compile(r"(\w+)\((.*?)\)(?: -> ([^=;]+?))?(?: = ([^;]+?))?(?: ; (.*))?")
PARAMETER = re.compile(r"(\w+)(?:\|(\w+))?: (\w+!?)(\?)?(?: = (.+))?")
Parameter = collections.namedtuple("Parameter", "name kind nullable default place")


def quote(text):
    return f'"{text}"' if text else "NULL"


def fail(path, number, text):
    sys.exit(f"{path}:{number}: {text}")


class Row:
    """One method: its head, and its documentation."""

    def __init__(self, table, number, head, doc):
        found = HEAD.fullmatch(head)
        if not found:
            fail(table.path, number, f"not a row: {head}")
        self.table, self.number, self.doc = table, number, doc
        self.name, inside, result, self.call, options = found.groups()
        self.result, _, self.read = (result or "None").partition(" ")
        self.options = dict(option.strip().partition(" ")[::2] for option in (options or "").split(",") if option)
        self.variadic = "*" in inside and re.search(r"\*\w", inside) is not None
        self.signature, self.parameters = [], []
        self.positional, self.nameless, self.of_class, self.alias = None, False, False, None
        for text in filter(None, (part.strip() for part in inside.split(","))):
            self.parameter(text)
        if self.positional is None:
            self.positional = len(self.parameters)
        self.check()

    def check(self):
        for name in sorted(set(self.options) - OPTIONS):
            fail(self.table.path, self.number, f"not an option: {name}")
        if self.call and self.listed() is None and self.result.rstrip("?") not in RESULTS and self.result not in RESULTS:
            fail(self.table.path, self.number, f"not a result: {self.result}")
        needed = [p.default is None for p in self.parameters[:self.positional]]
        if needed != sorted(needed, reverse=True):
            fail(self.table.path, self.number, "a parameter is needed behind one that is not")

    def parameter(self, text):
        if text == "cls":
            self.of_class = True
            return
        if text in ("*", "/") or text.startswith("*"):
            self.signature.append(text)
            if text == "*":
                self.positional = len(self.parameters)
            self.nameless = self.nameless or text == "/"
            return
        found = PARAMETER.fullmatch(text)
        if not found or found[3] not in KINDS:
            fail(self.table.path, self.number, f"not a parameter: {text}")
        name, alias, kind, nullable, default = found.groups()
        self.alias = alias or self.alias
        self.signature.append(name if default is None else f"{name}={default}")
        self.parameters.append(Parameter(name, kind, nullable, default, len(self.parameters)))

    # ---- what is told to Python ----

    def text_signature(self):
        own = ("$module" if self.nameless else "$module, /") if self.table.is_module else "$type" if self.of_class else "$self"
        return f"{self.name}({', '.join([own] + self.signature)})"

    def flags(self):
        if self.variadic:
            return "METH_VARARGS | METH_KEYWORDS" if "**" in self.text_signature() else "METH_VARARGS"
        if not self.parameters:
            flags = "METH_NOARGS"
        elif self.nameless and len(self.parameters) == 1:
            flags = "METH_O"
        else:
            flags = "METH_FASTCALL" if self.nameless else "METH_FASTCALL | METH_KEYWORDS"
        return flags + (" | METH_CLASS" if self.of_class else "")

    # ---- what is told to C ----

    def function(self):
        return f"{self.table.prefix}_{self.name.strip('_') if self.name.startswith('__') else self.name}"

    def own_type(self):
        if self.table.is_module:
            return "po_state *state"
        return "PyObject *cls" if self.of_class else f"{self.table.self_type} *self"

    def prototype(self):
        parts = [self.own_type()]
        if self.variadic:
            parts += ["PyObject *args"] + (["PyObject *kwargs"] if "**" in self.text_signature() else [])
        for p in self.parameters:
            c_type = KINDS[p.kind].parameter
            parts.append(c_type + ("" if c_type.endswith("*") else " ") + p.name)
        result = "int " if self.name == "__init__" else "PyObject *"
        return f"{result}{self.function()}({', '.join(parts)});"

    def conversion(self, p):
        kind, given = KINDS[p.kind], f"given[{p.place}]"
        tests = [f"{given} != NULL"] if p.default is not None else []
        tests += [f"{given} != Py_None"] if p.nullable else []
        if kind.convert is not None:
            convert = kind.convert.format(given=given, name=p.name)
            yield f"    if ({' && '.join(tests + [f'({convert})' if tests and '||' in convert else convert])})"
            yield f"        return {self.failure()};"
        if kind.parameter == "PyObject *":
            default = self.default(p)
            tests = tests or ([f"{given} != NULL"] if default != "NULL" else [])
            yield f"    {p.name} = {' && '.join(tests)} ? {given} : {default};" if tests else f"    {p.name} = {given};"

    def default(self, p):
        if KINDS[p.kind].parameter == "PyObject *":
            return "Py_None" if p.kind == "callable" else "NULL"
        value = LITERALS.get(p.default, p.default or "0")
        return f"(pyossl_format){value}" if p.kind.endswith("format") else value

    def failure(self):
        return "-1" if self.name == "__init__" else "NULL"

    def listed(self):
        """The class of the items of a list; None for other results."""
        name = self.result.strip("[]()?")
        return name if name in CLASSES and self.result in (f"[{name}]", f"({name})?") else None

    def item(self):
        """The function that makes one item of a list."""
        declared, initial, made = OUTPUTS[self.listed()]
        yield f"static PyObject *i_{self.name}(po_object *self, size_t index)"
        yield "{"
        yield "    po_state *const module = self->state;"
        yield f"    {self.table.handle} *handle;"
        yield f"    {declared} = {initial};"
        yield "    pyossl_status status;"
        yield "    po_frame frame;"
        yield ""
        yield from self.entering()
        yield f"    status = {self.call}(handle, index, &out);"
        yield "    po_frame_end(&frame);"
        yield "    if (status == PYOSSL_E_NOT_FOUND)"
        yield "        return NULL;"
        yield "    if (status != PYOSSL_OK)"
        yield f"        return {self.raised()};"
        yield f"    return {made};"
        yield "}"
        yield ""

    def body(self):
        """The function that Python calls."""
        if self.listed():
            yield from self.item()
        fast = "PyObject *const *args, Py_ssize_t nargs"
        arguments = {"METH_NOARGS": "PyObject *unused", "METH_O": "PyObject *arg", "METH_FASTCALL": fast,
                     "METH_VARARGS": "PyObject *args",
                     "METH_VARARGS | METH_KEYWORDS": "PyObject *args, PyObject *kwargs",
                     "METH_FASTCALL | METH_KEYWORDS": fast + ", PyObject *kwnames"}
        flags = self.flags().replace(" | METH_CLASS", "")
        if self.name == "__init__":
            yield f"int {self.table.prefix}_tp_init(PyObject *object, PyObject *args, PyObject *kwargs)"
        else:
            yield f"static PyObject *m_{self.name}(PyObject *object, {arguments[flags]})"
        yield "{"
        if self.name == "__init__" or "FASTCALL" in flags:
            names = ", ".join(f'"{p.name}"' for p in self.parameters)
            required = sum(p.default is None for p in self.parameters)
            shown = self.table.name if self.name == "__init__" else self.name
            if names:
                yield f"    static const char *const names[] = {{ {names} }};"
            yield (f"    static const po_params params = {{ \"{shown}\", {'names' if names else 'NULL'}, {required}, "
                   f"{len(self.parameters)}, {self.positional}, {quote(self.alias)} }};")
        yield from self.locals(flags)
        yield ""
        yield from self.parsing(flags)
        yield from (self.calling() if self.call else self.handing())
        yield "}"
        yield ""

    def locals(self, flags):
        if not self.of_class:
            if self.table.is_module:
                yield "    po_state *const module = PyModule_GetState(object);"
            else:
                through = f"{self.table.through}(object)" if self.table.through and "bare" not in self.options else "object"
                yield f"    po_object *const self = (po_object *){through};"
                yield "    po_state *const module = self->state;"
        if flags == "METH_O":
            yield "    PyObject *const given[] = { arg };"
        elif self.parameters:
            yield f"    PyObject *given[{len(self.parameters)}];"
        for p in self.parameters:
            yield "    " + KINDS[p.kind].declare.format(name=p.name, default=self.default(p))

    def parsing(self, flags):
        yield "    (void)object;" if self.of_class else "    (void)module;"
        if flags == "METH_NOARGS":
            yield "    (void)unused;" if self.name != "__init__" else (
                "    if (po_args_tuple(&params, args, kwargs, NULL) < 0)\n        return -1;")
        elif flags != "METH_O" and not self.variadic:
            call = ("po_args_tuple(&params, args, kwargs, given)" if self.name == "__init__" else
                    f"po_args(&params, args, nargs, {'NULL' if self.nameless else 'kwnames'}, given)")
            yield f"    if ({call} < 0)"
            yield f"        return {self.failure()};"
        if self.table.checked and "bare" not in self.options and self.name != "__init__":
            yield "    if (self->handle == NULL)"
            yield f"        return po_raise_empty(self, {self.table.raises});"
        for order in (0, 1):
            for p in self.parameters:
                if KINDS[p.kind].order == order:
                    yield from self.conversion(p)
                elif p.default == "...":  # not needed for the call, but by what it does
                    yield f"    if (given[{p.place}] == NULL)"
                    yield f"        return po_missing(&params, {p.place});"

    def handing(self):
        """To the function that is written by hand."""
        own = "module" if self.table.is_module else "object" if self.of_class else f"({self.table.self_type} *)self"
        passed = [own] + (["args"] if self.variadic else []) + (["kwargs"] if "**" in self.text_signature() else [])
        passed += [KINDS[p.kind].passed.format(name=p.name) for p in self.parameters]
        called = f"{self.function()}({', '.join(passed)})"
        yield f"    return {self.about_file(called)};"

    def expression(self, out):
        """The call of the library, as it is written or by its name."""
        if "(" in self.call:
            return self.call
        passed = [KINDS[p.kind].call.format(name=p.name) for p in self.parameters]
        own = [] if self.table.is_module or self.name == "__init__" else ["handle"]
        return f"{self.call}({', '.join(own + passed + ([out] if out else []))})"

    def entering(self):
        """Into the frame, with the handle."""
        if "owned" in self.options:
            yield f"    handle = po_take_handle(module, object, {self.table.id}, \"self\");"
            yield "    if (handle == NULL)"
            yield "        return NULL;"
            yield f"    {'po_long_enter(&frame)' if 'long' in self.options else 'po_quick_enter(&frame, NULL)'};"
            return
        if "long" in self.options:
            yield "    po_long_enter(&frame);"
        else:
            locked = next((f"(po_object *)given[{p.place}]" for p in self.parameters if p.name == self.options.get("locking")),
                          "NULL" if self.table.is_module else "self")
            yield f"    {'po_frame_enter' if 'detached' in self.options else 'po_quick_enter'}(&frame, {locked});"
        if not self.table.is_module:
            yield "    handle = self->handle;"
            yield "    if (handle == NULL) {"
            yield "        po_frame_end(&frame);"
            yield f"        return po_raise_empty(self, {self.table.raises});"
            yield "    }"

    def calling(self):
        if self.listed():
            made = f"po_list(self, i_{self.name})"
            yield f"    return {made if self.result.startswith('[') else f'po_tuple_or_none({made})'};"
            return
        if self.result == "object":
            yield f"    return {self.about_file(self.call)};"
            return
        if self.name == "__init__":
            yield from self.making()
            return
        if not self.table.is_module:
            yield (f"    po_auto({self.table.handle}) *handle = NULL;" if "owned" in self.options else
                   f"    {self.table.handle} *handle;")
        yield "    po_frame frame;"
        if self.result in VALUES:
            yield from self.value()
            return
        nullable = self.result.endswith("?")
        declared, initial, made = (("uint64_t out", "0", "PyLong_FromUnsignedLongLong(out)") if self.result == "mask" else
                                   ("long out", "0", "PyLong_FromLong(out)") if self.result == "before" else
                                   OUTPUTS[self.result.rstrip("?")])
        writes = "&out" if declared and self.result not in ("mask", "before") else None
        yield "    pyossl_status status;"
        if declared:
            yield f"    {declared} = {initial};"
        yield ""
        yield from self.entering()
        if self.result == "before":
            yield f"    out = {self.read}(handle);"
        yield f"    status = {self.expression(writes)};"
        if self.result == "mask":
            yield f"    out = {self.read}(handle);"
        yield "    po_frame_end(&frame);"
        if nullable:
            yield "    if (status == PYOSSL_E_NOT_FOUND)"
            yield "        Py_RETURN_NONE;"
        yield "    if (status != PYOSSL_OK)"
        yield f"        return {self.about_file(self.raised())};"
        yield f"    return {made};"

    def raised(self):
        if "else" in self.options:
            return f"{self.options['else']}({'module' if self.table.is_module else 'self'}, status)"
        return f"po_raise(module, {self.table.raises}, status)"

    def about_file(self, result):
        """The result, or the exception with the path that it is about: the first that was given."""
        named = self.options.get("file", "").split()
        paths = [f"given[{p.place}]" for p in self.parameters if p.name in named]
        if not paths:
            return result
        chosen = paths[0] if len(paths) == 1 else f"{named[0]}.data != NULL ? {paths[0]} : {paths[1]}"
        return f"po_in_file(module, {result}, {chosen})"

    def value(self):
        """A plain value: where nobody has the lock, nobody will meanwhile. Texts are copied under it."""
        c_type, made = VALUES[self.result]
        copied = c_type == "PyObject *"
        yield "    bool locked;"
        yield f"    {c_type}{'' if copied else ' '}out;"
        yield ""
        if copied:
            yield "    po_quick_enter(&frame, self);"
            yield "    locked = true;"
        else:
            yield "    locked = po_look_enter(&frame, self);"
        yield "    handle = self->handle;"
        yield "    if (handle == NULL) {"
        yield "        if (locked)"
        yield "            po_frame_end(&frame);"
        yield f"        return po_raise_empty(self, {self.table.raises});"
        yield "    }"
        yield f"    out = {f'po_from_cstring({self.expression(None)})' if self.result in ('str', 'bytes') else self.expression(None)};"
        yield "    if (locked)"
        yield "        po_frame_end(&frame);"
        yield f"    return {made};"

    def making(self):
        """__init__ of a type that begins empty."""
        yield f"    {self.table.handle} *out = NULL;"
        yield f"    const pyossl_status status = {self.expression('&out')};"
        yield ""
        yield "    if (status != PYOSSL_OK) {"
        yield f"        (void){self.raised()};"
        yield "        return -1;"
        yield "    }"
        yield f"    po_replace(self, {self.table.id}, out);"
        yield "    return 0;"

    def quoted(self):
        head = ", ".join(self.signature)
        head = f"{self.table.type or self.table.name}({head})" if self.name == "__init__" else self.text_signature()
        lines = [head + r"\n--\n\n"] + [line + r"\n" for line in self.doc]
        lines[-1] = lines[-1][:-2]
        return "\n".join('        "' + line.replace('"', r'\"') + '"' for line in lines)


class Table:
    """The rows of a file, and what its head says."""

    def __init__(self, path):
        self.path = path
        self.settings = {"self": "po_object", "include": '"crypto_common.h"'}
        self.rows, lines = [], path.read_text(encoding="utf-8").splitlines()
        self.dotted = None
        at = 0
        while at < len(lines):
            line = lines[at]
            start, block = at + 1, []
            at += 1
            while at < len(lines) and lines[at].startswith("    "):
                block.append(lines[at][4:])
                at += 1
            if not line or line.startswith("#"):
                continue
            if line.startswith(("class ", "module ")):
                self.dotted = line.split()[1]
                self.is_module = line.startswith("module ")
                self.settings.update(entry.split(" ", 1) if " " in entry else (entry, "yes") for entry in block)
                self.name = self.dotted.rpartition(".")[2]
                continue
            while block and block[0].startswith(("= ", "; ", "-> ")):
                line += " " + block.pop(0)
            self.rows.append(Row(self, start, line, block))

    def __getattr__(self, name):
        return self.__dict__.get("settings", {}).get(name)

    @property
    def self_type(self):
        return self.settings["self"]

    def c_file(self):
        yield f"/* Made by methods.py from {self.path.name}. */"
        yield f'#include "{self.path.stem}_methods.h"'
        yield ""
        for row in self.rows:
            yield from row.body()
        yield f"PyMethodDef {self.prefix}_methods[] = {{"
        if not self.is_module:
            yield "    PO_COMMON_METHODS,"
        for row in self.rows:
            if row.name != "__init__":
                yield f'    {{ "{row.name}", (PyCFunction)(void (*)(void))m_{row.name}, {row.flags()},'
                yield row.quoted() + " },"
        yield "    { NULL, NULL, 0, NULL },"
        yield "};"
        for row in self.rows:
            if row.name == "__init__":
                yield ""
                yield f"const char {self.prefix}_doc[] =\n{row.quoted()};"

    def h_file(self):
        yield f"/* Made by methods.py from {self.path.name}: the functions that its rows ask for. */"
        yield f"#ifndef {self.prefix.upper()}_METHODS_H"
        yield f"#define {self.prefix.upper()}_METHODS_H"
        yield ""
        for name in self.settings["include"].split():
            yield f"#include {name}"
        yield ""
        yield f"extern PyMethodDef {self.prefix}_methods[];"
        for row in self.rows:
            if row.name == "__init__":
                yield f"extern const char {self.prefix}_doc[];"
                yield f"int {self.prefix}_tp_init(PyObject *object, PyObject *args, PyObject *kwargs);"
            if not row.call:
                yield row.prototype()
            if "else" in row.options:
                own = "po_state *state" if self.is_module else "po_object *self"
                yield f"PyObject *{row.options['else']}({own}, pyossl_status status);"
        yield ""
        yield "#endif"


def main():
    table = Table(pathlib.Path(sys.argv[1]))
    for path, lines in ((sys.argv[2], table.c_file()), (sys.argv[3], table.h_file())):
        pathlib.Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
