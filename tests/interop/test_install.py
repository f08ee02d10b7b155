"""What `meson install` puts where, and that programs build with it in each of the ways that doc/install tells."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import textwrap

import pytest
from conftest import HERE, need, run

SOURCE = HERE.parent.parent
BUILD = pathlib.Path(os.environ["PYOSSL_BUILD"])
MESON = os.environ["PYOSSL_MESON"].split()


def blocks(language):
    """The code of that language in doc/install."""
    text = (SOURCE / "doc" / "install" / "index.rst").read_text()
    return [textwrap.dedent(block) for block in
            re.findall(rf"^\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)", text, re.MULTILINE)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The root of a system into which the library was installed, and its folder of libraries."""
    root = tmp_path_factory.mktemp("root")
    run(*MESON, "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root)
    return root, next(root.rglob("pyossl.pc")).parent.parent


@pytest.fixture
def program(tmp_path, installed, monkeypatch):
    """The folder of the document's program; pkg-config and the loader look into the root."""
    root, libraries = installed
    (program,) = blocks("c")
    (tmp_path / "program.c").write_text(program)
    # Installed elsewhere than it was configured for, the prefix is another.
    text = (libraries / "pkgconfig" / "pyossl.pc").read_text()
    (tmp_path / "pyossl.pc").write_text(re.sub(r"^prefix=", f"prefix={root}", text, flags=re.MULTILINE))
    monkeypatch.setenv("PKG_CONFIG_PATH", str(tmp_path))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(libraries))
    return tmp_path


def works(path, shared, openssl=True):
    """The program says what the document's does, with the shared library or without, and with a shared OpenSSL or without."""
    assert run(path).strip() == b"OK"
    dynamic = run("readelf", "-d", path)
    assert (b"libpyossl.so" in dynamic) is shared
    assert shared or (b"libcrypto.so" in dynamic) is openssl


def test_the_c_library_alone_is_installed(installed):
    root, libraries = installed
    names = {path.name for path in root.rglob("*") if not path.is_dir()}
    assert {"libpyossl.so", "libpyossl.a", "pyossl.h", "pyossl.pc", "ctx.h"} <= names
    assert not [name for name in names if name.endswith((".py", ".pyi")) or name.startswith("_pyossl")]


def test_an_option_installs_the_python_package(tmp_path):
    """Whole, in one place, and by the tag that pyproject.toml makes wheels of; with its stubs, and the mark that it has some."""
    run(*MESON, "setup", tmp_path / "build", SOURCE, "-Dpython=enabled", "-Dpython_install=true", "-Dtests=disabled",
        f"-Dpython_program={os.environ['PYOSSL_PYTHON']}")
    plan = json.loads((tmp_path / "build" / "meson-info" / "intro-install_plan.json").read_text())
    installed = {}
    for kind in ("python", "targets"):
        for file, how in plan[kind].items():
            if "OpenSSL/" in how["destination"]:
                installed[pathlib.Path(file).name] = (how["destination"].partition("/")[0], how["tag"])
    assert set(installed.values()) == {("{py_platlib}", "python-runtime")}
    package = BUILD / "bindings" / "python" / "OpenSSL"
    wanted = {file.name for file in package.iterdir() if file.suffix in (".py", ".pyi", ".so")} | {"py.typed"}
    assert set(installed) == wanted
    assert {"SSL.pyi", "crypto.pyi", "rand.pyi"} < wanted
    pyproject = (SOURCE / "pyproject.toml").read_text()
    assert pyproject.count("--tags=python-runtime") == pyproject.count("-Dpython_install=true") == 1


@pytest.mark.parametrize("way", ["shared", "static", "nothing shared"])
def test_commands(program, way):
    commands = [command for block in blocks("sh") for command in re.findall(r"^cc (?:.*\\\n)*.*", block, re.MULTILINE)]
    shared, static, alone = commands
    if way == "nothing shared" and subprocess.run(["pkg-config", "--static", "--libs", "openssl"], capture_output=True).returncode:
        pytest.skip("what OpenSSL's static libraries need is not installed")
    run("sh", "-ec", {"shared": shared, "static": static, "nothing shared": alone}[way], cwd=program)
    works(program / "program", way == "shared", way != "nothing shared")


def test_cmake(program):
    cmake = need("cmake")
    (program / "CMakeLists.txt").write_text(*blocks("cmake"))
    run(cmake, "-S", program, "-B", program / "build")
    run(cmake, "--build", program / "build")
    works(program / "build" / "program", True)


@pytest.mark.parametrize("way", ["installed", "subproject"])
def test_meson(program, way, monkeypatch):
    (program / "meson.build").write_text(*blocks("meson"))
    options = []
    if way == "subproject":
        (program / "subprojects").mkdir()
        (program / "subprojects" / "libpyossl").symlink_to(SOURCE)
        options = ["--force-fallback-for=pyossl", "-Doptimization=0"]
    said = run(*MESON, "setup", *options, program / "build", program)
    assert b"warning" not in said.lower()
    run("ninja", "-C", program / "build", "program")
    works(program / "build" / "program", True)
    plan = json.loads(run(*MESON, "introspect", "--targets", program / "build"))
    kinds = {target["type"] for target in plan}
    assert "shared module" not in kinds, "a subproject is the library alone"
    tests = json.loads(run(*MESON, "introspect", "--tests", program / "build"))
    assert tests == []


@pytest.mark.parametrize("lack, option, said", [
    ("no interpreter", "-Dpython_program=/nonesuch/python3", "there is no interpreter /nonesuch/python3"),
    ("no headers", "-Dpython_program={bare}", "has no headers here"),
    ("an old Meson", "-Dpython_program={newer}", "cannot build for Python 3.99.0 .*a newer Meson can"),
])
def test_python_is_not_left_out_in_silence(tmp_path, lack, option, said):
    """An interpreter that answers as one without headers does, or as one that Meson does not know."""
    for name, answer in (("bare", ("3.12.0", False)), ("newer", ("3.99.0", True))):
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\ncase \"$1 $2\" in *Python.h*) echo {answer[0]}; echo {answer[1]} ;; *) exit 1 ;; esac\n")
        script.chmod(0o755)
        option = option.replace("{" + name + "}", str(script))
    for python in ("auto", "enabled"):
        build = tmp_path / python
        done = subprocess.run([*MESON, "setup", str(build), str(SOURCE), option, f"-Dpython={python}", "-Dtests=disabled"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, text=True)
        assert re.search(said, done.stdout), done.stdout
        assert (done.returncode != 0) is (python == "enabled" or lack == "an old Meson")
        shutil.rmtree(build)
