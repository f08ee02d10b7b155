#!/usr/bin/env python3
"""Methods come from tables: nothing else parses arguments, and the stubs say what the tables say."""

import ast
import contextlib
import io
import pathlib
import re
import sys
import tempfile
import textwrap

import lint

sys.dont_write_bytecode = True
sys.path.insert(0, str(lint.ROOT / "bindings" / "python" / "tools"))
import methods  # noqa: E402

SOURCES = "bindings/python/src"
# What parses arguments: the parser itself, and methods of an exception, which is no type of ours.
PARSERS = {"convert.c", "convert.h"}
EXCEPTIONS = {"crypto_store_ctx.c": {"po_params", "po_args_tuple", "METH_VARARGS", "METH_KEYWORDS", "METH_NOARGS", "PyMethodDef"}}
BY_HAND = re.compile(r"\b(PyArg_\w+|_PyArg_\w+|po_args\w*|po_params|METH_\w+|PyMethodDef)\b")
# Declared, and looked at.
NAMED = {"types.h": {"PyMethodDef"}, "object.h": {"METH_O"}, "module.c": {"PyMethodDef"}, "ssl_transport.c": {"METH_NOARGS"}}
# Functions that convert an argument themselves: what it may be, or what comes first, depends on another one.
CONVERTING = {"po_crypto_load_privatekey", "po_crypto_private_dump_traditional", "po_pkey_generate_key"}
CONVERSION = re.compile(r"\b(?:po_to_\w+|PyLong_As\w+|PyObject_IsTrue)\((?:state, |self->state, )?(\w+)\b")


def tables():
    for path in lint.files(".def", under=SOURCES):
        yield methods.Table(lint.ROOT / path)


def by_hand():
    """No function of the binding parses its own arguments"""
    for path in lint.files(".c", ".h", under=SOURCES):
        if path.name in PARSERS:
            continue
        for number, line in enumerate(lint.text(path).splitlines(), 1):
            for word in BY_HAND.findall(line):
                if word not in EXCEPTIONS.get(path.name, set()) | NAMED.get(path.name, set()):
                    yield f"{path}:{number}: {word}: its row in a table does that"


def conversions():
    """No function of a row converts its own arguments"""
    functions = {row.function(): row for table in tables() for row in table.rows if not row.call}
    converting, seen = set(), set()
    for path in lint.files(".c", under=SOURCES):
        for found in re.finditer(r"^(?:PyObject \*|int )(po_\w+)\(([^)]*)\)\n\{\n(.*?)^\}$", lint.text(path),
                                 re.MULTILINE | re.DOTALL):
            name, parameters, body = found.groups()
            if name not in functions:
                continue
            seen.add(name)
            objects = set(re.findall(r"PyObject \*(\w+)", parameters))
            if objects & set(CONVERSION.findall(body)):
                converting.add(name)
    for name in sorted(converting - CONVERTING):
        yield f"{name} converts an argument: a kind in its row does that"
    for name in sorted(CONVERTING - converting):
        yield f"{name} does not convert: it is no exception any more"
    for name in sorted(set(functions) - seen):
        yield f"{name} was not found"


def rows():
    """Each row has a documentation, and each kind of argument a row"""
    used, count = set(), 0
    for table in tables():
        for row in table.rows:
            count += 1
            used.update(parameter.kind for parameter in row.parameters)
            if not row.doc:
                yield f"{table.path.name}:{row.number}: {row.name} has no documentation"
    if count < 200:
        yield f"only {count} rows were found"
    made = {kind for name in methods.CLASSES for kind in (name, name + "!")}
    for kind in sorted(set(methods.KINDS) - made - used):
        yield f"methods.py: no row has an argument of the kind {kind}"


def _stub(function):
    """The parameters of a stub: (name, has a default, by name alone)."""
    a = function.args
    positional = [p.arg for p in a.posonlyargs + a.args]
    defaults = [False] * (len(positional) - len(a.defaults)) + [True] * len(a.defaults)
    told = [(name, default, False) for name, default in zip(positional, defaults)]
    told += [(p.arg, d is not None, True) for p, d in zip(a.kwonlyargs, a.kw_defaults)]
    return told[1:] if told and told[0][0] in ("self", "cls") else told


def stubs():
    """The stubs have the rows, with the names and defaults of their parameters"""
    compared = 0
    for table in tables():
        module = table.dotted.split(".")[1]
        if module == "private":
            continue
        stub = ast.parse(lint.text(f"bindings/python/OpenSSL/{module}.pyi"))
        holder = stub if table.is_module else next(
            (node for node in stub.body if isinstance(node, ast.ClassDef) and node.name == table.name), None)
        if holder is None:
            if not table.name.startswith("_"):
                yield f"{module}.pyi has no class {table.name}"
            continue
        for row in table.rows:
            if row.name.startswith("_") and row.name != "__init__" or row.variadic:
                continue
            found = [node for node in holder.body if isinstance(node, ast.FunctionDef) and node.name == row.name]
            told = [(p.name, p.default is not None, p.place >= row.positional) for p in row.parameters]
            if not found:
                yield f"{module}.pyi: {table.name} has no {row.name}()"
            for function in found:
                overloaded = any("overload" in ast.dump(d) for d in function.decorator_list)
                compared += 1
                if overloaded and {name for name, _, _ in _stub(function)} <= {name for name, _, _ in told}:
                    continue
                if _stub(function) != told:
                    yield f"{module}.pyi: {table.name}.{row.name}{_stub(function)}; {table.path.name} says {told}"
    if compared < 150:
        yield f"only {compared} functions were compared"


def example():
    """The example of the manual for contributors is a row, and its stub says the same"""
    blocks = re.findall(r"^\.\. code-block:: text\n\n((?:   .*\n|\n)+)", lint.text("doc/internals/add-a-function.rst"), re.MULTILINE)
    row, stub = (textwrap.dedent(block) for block in blocks[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "crypto_crl.def"
        path.write_text(lint.text(f"{SOURCES}/crypto_crl.def") + row, encoding="utf-8")
        table = methods.Table(path)
        added = table.rows[-1]
        if f"{added.call}(handle, pkey)" not in "\n".join(table.c_file()):
            yield f"{row.splitlines()[0]}: its call is not in what is made of it"
        told = [(p.name, p.default is not None, p.place >= added.positional) for p in added.parameters]
        if _stub(ast.parse(stub.strip()).body[0]) != told:
            yield f"{stub.strip()}: the row says {told}"


def refusals():
    """What is no row, no parameter and no result is refused"""
    head = "class OpenSSL.crypto.X\n    prefix po_x\n    handle pyossl_x\n    id PO_X\n    raises PO_CRYPTO\n\n"
    for wrong, complaint in (("no row here", "not a row"), ("f(a: integr)", "not a parameter"), ("f(a)", "not a parameter"),
                             ("f() -> thing = pyossl_x_thing", "not a result"), ("f(a: int) = call ; hastily", "not an option"),
                             ("f(a: int = 1, b: int)", "needed behind")):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x.def"
            path.write_text(head + wrong + "\n    Do it.\n", encoding="utf-8")
            with contextlib.redirect_stderr(io.StringIO()):
                try:
                    list(methods.Table(path).c_file())
                    yield f"{wrong}: was taken"
                except SystemExit as refused:
                    if complaint not in str(refused.code):
                        yield f"{wrong}: {refused.code}"


if __name__ == "__main__":
    lint.run(by_hand, conversions, rows, stubs, example, refusals)
