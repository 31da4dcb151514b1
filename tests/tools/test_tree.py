"""tools/tree.py must find each kind of fault, and nothing in a tree that has none."""
import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("tree", ROOT / "tools" / "tree.py")
tree = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tree)


def faults_of(folder, files):
    """A tree of these files (path → text): its faults."""
    for name, text in {"src/base/err.h": "#pragma once\n", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tree.check_tree(folder)[0]


@pytest.mark.parametrize("file, line", [
    ("src/engine/container.c", '#include "base/err.h"'),
    ("src/engine/container.c", '#include "engine/container.h"'),
    ("src/main.c", '#include "engine/container.h"'),
    ("src/codec/json.c", "#include <jansson.h>"),
    ("src/http/tls.c", "#include <openssl/ssl.h>"),
    ("src/sys/mount.c", "#include <linux/mount.h>"),
])
def test_allowed(tmp_path, file, line):
    assert faults_of(tmp_path, {"src/engine/container.h": "#pragma once\n", file: line + "\n"}) == []


@pytest.mark.parametrize("file, line, said", [
    ("src/base/err.c", '#include "engine/container.h"', "base/ may include base"),
    ("src/codec/json.c", '#include "sys/file.h"', "codec/ may include base, codec"),
    ("src/sys/mount.c", '#include "codec/json.h"', "sys/ may include base, sys"),
    ("src/cli/up.c", '#include "engine/container.h"', "cli/ may include"),
    ("src/engine/image.c", '#include "err.h"', "write includes from src/"),
    ("src/engine/image.c", '#include "nowhere/err.h"', "write includes from src/"),
    ("src/engine/image.c", '#include "../base/err.h"', "write includes from src/"),
    ("src/engine/image.c", '#include "base/absent.h"', "no such file"),
    ("src/engine/image.c", "#include <jansson.h>", "only codec/* may include it"),
    ("src/http/server.c", "  #  include <openssl/ssl.h>", "only codec/digest*, http/tls* may include it"),
    ("src/engine/image.c", "#include <uv.h>", "not in the table of libraries"),
    ("src/other/image.c", "", "not a folder of the table"),
    ("src/engine/deep/image.c", "", "not a folder of the table"),
])
def test_refused(tmp_path, file, line, said):
    headers = {name: "#pragma once\n" for name in ("src/engine/container.h", "src/codec/json.h", "src/sys/file.h")}
    faults = faults_of(tmp_path, {**headers, file: line + "\n"})
    assert len(faults) == 1 and faults[0].startswith(file + ":1: ") and said in faults[0]


def function_of(lines):
    return "int f(void)\n{\n" + "    g();\n" * (lines - 2) + "}\n"


def test_sizes(tmp_path):
    assert faults_of(tmp_path, {"src/base/a.c": function_of(90)}) == []
    assert faults_of(tmp_path, {"src/base/a.c": function_of(91)}) == [
        "src/base/a.c:2: a function of 91 lines, 90 at most"]
    assert faults_of(tmp_path, {"src/base/a.c": "//" + "é" * 118 + "\n"}) == []
    assert faults_of(tmp_path, {"src/base/a.c": "//" + "é" * 119 + "\n"}) == ["src/base/a.c:1: 121 columns, 120 at most"]
    assert faults_of(tmp_path, {"src/base/a.c": "\n" * 700}) == []
    assert "a file of 701 lines" in faults_of(tmp_path, {"src/base/a.c": "\n" * 701})[0]

