"""What a program, a type checker and help() see: signatures, stubs, docstrings, subclasses, weak references."""

import ast
import copy
import gc
import inspect
import os
import pathlib
import pickle
import re
import warnings
import weakref

import matrix
import pytest
import tls
from matrix_values import argument_lists, classes, functions, good_arguments, has_cryptography, methods, parameters

from OpenSSL import SSL, crypto, debug, rand, tsafe, version

PACKAGE = pathlib.Path(SSL.__file__).parent
MODULES = {"SSL": SSL, "crypto": crypto, "debug": debug, "rand": rand, "tsafe": tsafe, "version": version}
MAKERS = {
    **matrix.USED,
    SSL.Context: [tls.server_context],
    SSL.Connection: [lambda: tls.memory_pair()[1]],
    SSL.Session: [lambda: tls.connected()[1].get_session()],
}
DATA_CLASSES = (SSL.X509VerificationCodes, SSL._NoOverlappingProtocols, crypto.X509StoreFlags)


@pytest.fixture(autouse=True)
def deprecated_text():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def public():
    """(name, object) of everything public that help() shows, constants and inherited names of exceptions aside."""
    for module in MODULES.values():
        yield module.__name__, module
        for name, value in sorted(vars(module).items()):
            if name.startswith("_") or inspect.ismodule(value) or isinstance(value, (int, str, bytes)):
                continue
            if not getattr(value, "__module__", "").startswith("OpenSSL"):
                continue
            yield f"{module.__name__}.{name}", value
            if inspect.isclass(value):
                for member in dir(value):
                    if not member.startswith("_") and not hasattr(Exception, member):
                        found = inspect.getattr_static(value, member)
                        if not isinstance(found, (int, type)):
                            yield f"{module.__name__}.{name}.{member}", found


# ---- help() ----


def text(value):
    return " ".join((inspect.getdoc(value) or "").split())


def test_every_public_name_explains_itself():
    short = {name: text(value) for name, value in public() if not re.match(r".{15,}[.]( |$)", text(value))}
    assert not short


def test_functions_say_what_they_return_or_do():
    for name, value in public():
        if inspect.isroutine(value) and not name.startswith("OpenSSL.tsafe"):
            assert re.match(r"[A-Z][a-z]+,? ", text(value)), name
            assert re.search(r"\b(Returns?|Raises?|raises|return)\b|^Do(es)? ", text(value)), (name, text(value))


def test_help_can_be_read():
    for name, value in public():
        lines = inspect.getdoc(value).splitlines()
        assert max(map(len, lines)) <= 100 or inspect.ismodule(value) or inspect.isclass(value), name


# What a docstring claims, the parameter it is about (the first where there is none of that name), what to try it with,
# and what has to come.
CLAIMS = [
    ("TypeError for what cannot be called", "", 5, TypeError),
    ("TypeError for what is not an integer", "", "1", TypeError),
    ("TypeError for what is no certificate", "", object(), TypeError),
    ("TypeError for what is not a Context", "", object(), TypeError),
    ("TypeError for what is not bytes-like", "", 5, TypeError),
    ("TypeError for anything else", "", object(), TypeError),
    ("ValueError for anything else", "", object(), (ValueError, TypeError)),
    ("ValueError for what is no time", "", b"nonsense", ValueError),
    ("ValueError for what is no host name", "", "a b", ValueError),
    ("ValueError for what is no address", "", "999.1", ValueError),
    ("ValueError for an unknown digest", "digest", "nonsense", ValueError),
    ("ValueError for an unknown cipher", "cipher", "nonsense", ValueError),
    ("ValueError for other file types", "type", 77, ValueError),
    ("Error where it cannot be read", "", "no such file", SSL.Error),
    ("Error where they cannot be read", "", "no such file", (SSL.Error, crypto.Error)),
    ("Error for what cannot be decoded", "buffer", b"nonsense", crypto.Error),
    ("Error for an empty key", "pkey", crypto.PKey(), crypto.Error),
]


def every_bound_function():
    for cls, makers in MAKERS.items():
        for name in methods(cls):
            yield f"{cls.__name__}.{name}", getattr(makers[-1](), name)
    for name, function in functions():
        yield name.partition(".")[2], function


@pytest.mark.parametrize("claim, parameter, value, raised", CLAIMS, ids=[claim[0] for claim in CLAIMS])
def test_docstrings_tell_the_truth(claim, parameter, value, raised):
    tried = 0
    for where, function in every_bound_function():
        if claim in text(function):
            arguments = good_arguments(where, function)
            names = [p[0] for p in parameters(function)]
            arguments[next((at for at, name in enumerate(names) if parameter in name), 0)] = value
            tried += 1
            allowed = raised if isinstance(raised, tuple) else (raised,)
            if "cryptography" in where and not has_cryptography():
                allowed += (ImportError,)
            with pytest.raises(allowed):
                function(*arguments)
                pytest.fail(where)
    assert tried


# ---- signatures ----


def everything_callable():
    for name, function in functions():
        yield name.partition(".")[2], function
    for cls in classes():
        for name in methods(cls):
            yield f"{cls.__name__}.{name}", getattr(cls, name)


def test_na_013_every_signature_can_be_read():
    for where, function in everything_callable():
        assert parameters(function) is not None, where
        assert "..." not in str(inspect.signature(function)), where
    for cls in classes():
        assert inspect.signature(cls) is not None, cls


def test_parameters_can_be_named():
    """What inspect.signature() calls a parameter, a call may too."""
    for cls, makers in MAKERS.items():
        for name in methods(cls):
            where = f"{cls.__name__}.{name}"
            expected = [p for p in parameters(getattr(cls, name)) if p[0] not in ("self", "type_")]
            if not expected or any(kind is not kind.POSITIONAL_OR_KEYWORD for _, kind, _ in expected):
                continue
            values = good_arguments(where, getattr(cls, name))
            try:
                getattr(makers[-1](), name)(**{p[0]: value for p, value in zip(expected, values)})
            except TypeError as error:
                assert "argument" not in str(error), (where, error)
            except Exception:
                pass  # what good arguments do in this state is matrix.py's business


def test_arguments_beyond_the_signature_are_type_errors():
    for name, function in functions():
        for what, arguments, keywords in argument_lists(name.partition(".")[2], function, lambda: []):
            with pytest.raises(TypeError):
                function(*arguments, **keywords)
                pytest.fail(f"{name}: {what}")


# ---- stubs ----


def stub_functions(module):
    """Names of parameters by function and Class.method, from the stub; functions with several signatures aside."""
    tree = ast.parse((PACKAGE / f"{module}.pyi").read_text())
    found = {}
    for node in tree.body:
        for prefix, item in [("", node)] + [(f"{node.name}.", i) for i in getattr(node, "body", []) if isinstance(node, ast.ClassDef)]:
            if isinstance(item, ast.FunctionDef) and not any(
                isinstance(d, ast.Name) and d.id in ("overload", "property") or isinstance(d, ast.Attribute)
                for d in item.decorator_list
            ):
                arguments = item.args
                names = [a.arg for a in arguments.posonlyargs + arguments.args + arguments.kwonlyargs]
                found[prefix + item.name] = [n.lstrip("_") for n in names if n not in ("self", "cls")]
    return found


@pytest.mark.parametrize("module", ["SSL", "crypto", "rand"])
def test_stubs_have_the_parameters(module):
    """stubtest looks at more; this needs no mypy."""
    compared = 0
    for name, wanted in stub_functions(module).items():
        cls, _, method = name.rpartition(".")
        if method.startswith("__") or name == "Connection.fileno":  # the socket's
            continue
        owner = getattr(MODULES[module], cls) if cls else MODULES[module]
        found = [p for p in parameters(getattr(owner, method)) if p[0] not in ("self", "type_")]
        named = [n for n, kind, _ in found if kind not in (kind.VAR_POSITIONAL, kind.VAR_KEYWORD)]
        if cls and isinstance(inspect.getattr_static(owner, method), type(crypto.X509.__dict__["from_cryptography"])):
            named = [n for n in named if n != "type"]
        assert named == wanted, name
        compared += 1
    assert compared > 5


@pytest.mark.parametrize("module", ["SSL", "crypto", "rand", "tsafe", "version"])
def test_stubs_have_the_names(module):
    tree = ast.parse((PACKAGE / f"{module}.pyi").read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Assign):
            names.update(t.id for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, (ast.ImportFrom, ast.Import)):
            names.update(a.asname or a.name for a in node.names)
    missing = {n for n in MODULES[module].__all__ if n not in names}
    assert not missing


# ---- objects ----


@pytest.mark.parametrize("cls", MAKERS, ids=lambda cls: cls.__name__)
def test_weak_references(cls):
    thing = MAKERS[cls][-1]()
    gone = []
    reference = weakref.ref(thing, gone.append)
    assert reference() is thing
    del thing
    gc.collect()
    assert reference() is None and gone == [reference] or cls is crypto._EllipticCurve


@pytest.mark.parametrize("cls", [c for c in MAKERS if c not in DATA_CLASSES], ids=lambda cls: cls.__name__)
def test_na_158_no_pickles_and_no_copies(cls):
    """A handle in another process, or twice in this one, would be nobody's."""
    for thing in (MAKERS[cls][-1](), type("Mine", (cls,), {}).__new__(type("Mine", (cls,), {})), cls.__new__(cls)):
        makers = [] if hasattr(cls, "__copy__") else [copy.copy]  # test_private_names.py has the others
        for make in (*makers, copy.deepcopy, *(lambda t, p=p: pickle.dumps(t, p) for p in range(6))):
            with pytest.raises(TypeError):
                make(thing)


@pytest.mark.parametrize("cls", [c for c in MAKERS if c is not crypto.X509Name], ids=lambda cls: cls.__name__)
def test_objects_take_attributes(cls):
    thing = MAKERS[cls][-1]()
    thing.note = thing  # a cycle, too
    assert thing.note is thing
    del thing.note
    with pytest.raises(AttributeError):
        thing.note


def test_subclasses_are_what_comes_back_to_them():
    """A program's own Context and Connection stay what they are, with what they add and override."""

    class Context(SSL.Context):
        def __init__(self, method, name):
            super().__init__(method)
            self.name = name

    class Connection(SSL.Connection):
        __slots__ = ("counted",)

        def __init__(self, *arguments, counted=0):
            super().__init__(*arguments)
            self.counted = counted

        def send(self, buf, flags=0):
            self.counted += len(buf)
            return super().send(buf, flags)

    class Certificate(crypto.X509):
        def common_name(self):
            return self.get_subject().CN

    context = Context(SSL.TLS_METHOD, name="mine")
    told = []
    context.use_certificate(matrix.CERT)
    context.use_privatekey(matrix.KEY)
    context.set_info_callback(lambda connection, where, ret: told.append(connection))
    server = Connection(context, None, counted=1)
    server.set_accept_state()
    client = SSL.Connection(tls.client_context(verify=False))
    client.set_connect_state()
    tls.shake(server, client)
    assert server.get_context() is context and context.name == "mine"
    assert told and all(connection is server for connection in told)
    server.send(b"12345")
    assert server.counted == 6
    assert isinstance(Certificate().get_subject(), crypto.X509Name) and Certificate().common_name() is None
    with pytest.raises(TypeError):
        Context(SSL.TLS_METHOD)


def test_exceptions_of_the_transport_have_numbers():
    error = SSL.SysCallError(104, "ECONNRESET")
    assert (error.errno, error.strerror) == (104, os.strerror(104))
    error = SSL.SysCallError(-1, "Unexpected EOF")
    assert (error.errno, error.strerror) == (-1, "Unexpected EOF")
    for arguments, number in (((), None), ((104,), 104)):
        error = SSL.SysCallError(*arguments)
        assert (error.errno, error.strerror) == (number, os.strerror(number) if number else None)


@pytest.mark.parametrize("kind", [SSL.Error, SSL.SysCallError, SSL.WantReadError, SSL.ZeroReturnError, crypto.Error, rand.Error])
def test_exceptions_can_be_pickled(kind):
    error = pickle.loads(pickle.dumps(kind(5, "x")))
    assert type(error) is kind and error.args == (5, "x")
