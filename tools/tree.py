#!/usr/bin/python3
"""Holds the shape of the tree: who may include whom, where a library may appear, and how long things may be.

    tools/tree.py [ROOT]

The tables below are those of docs/ARCHITECTURE.md. A new library or a new folder is added here first, with a reason in
the commit. Prints one line per fault, `file:line: what, and what would be right`; exit status 1 where there is any.
"""
import fnmatch
import pathlib
import re
import sys

# A file includes its own folder and folders of lower layers. Folders of one layer do not include each other.
LAYERS = [
    ["base"],
    ["sys", "codec"],
    ["event", "db", "spec"],
    ["ipc", "http", "runtime", "network", "compose", "plan"],
    ["keeper", "image", "discovery"],
    ["engine"],
    ["cluster"],
    ["api", "cli"],
    ["bench", "daemon"],
]

# Folders that may use less than their layer allows.
NARROWER = {
    # Small and static: no database, no parser of documents.
    "keeper": {"base", "sys", "codec", "event", "ipc", "runtime"},
    # The command line talks to the daemon over HTTP alone; of what is above, the compose
    # model runs in the client, and plan/ gives `run` the definition of a replica.
    "cli": {"base", "sys", "codec", "event", "spec", "http", "compose", "plan"},
    # One more client of the Docker API, whatever engine it speaks to.
    "bench": {"base", "sys", "codec", "event", "http", "cli"},
    # Pure: text or values in, values out.
    "spec": {"base", "codec"},
    "plan": {"base", "codec", "spec"},
    "compose": {"base", "codec", "spec"},
}

# Each library stays behind names of ours: header pattern → the files under src/ that may include it.
LIBRARIES = {
    "malloc.h": ["daemon/*"],  # glibc's own: the static programs have another C library
    "jansson.h": ["codec/*"],
    "yaml.h": ["codec/*"],
    "openssl/*": ["codec/digest*", "http/tls*"],
    "sqlite3.h": ["db/*"],
    "libmnl/*": ["sys/*"],
    "seccomp.h": ["sys/*"],
    "llhttp*": ["http/*"],
    "curl/*": ["image/*"],
    "archive.h": ["image/*"],
    "archive_entry.h": ["image/*"],
    "zlib.h": ["image/*"],
    "zstd.h": ["image/*"],
}

# What the C library and the kernel bring.
SYSTEM = """
    alloca.h arpa/* asm/* assert.h byteswap.h ctype.h dirent.h dlfcn.h elf.h endian.h err.h errno.h fcntl.h fnmatch.h
    ftw.h getopt.h glob.h grp.h inttypes.h langinfo.h limits.h linux/* locale.h math.h mntent.h net/* netdb.h netinet/*
    netpacket/* paths.h poll.h pty.h pwd.h regex.h sched.h search.h setjmp.h signal.h spawn.h stdalign.h stdarg.h stdatomic.h
    stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h strings.h sys/* syslog.h termios.h time.h
    uchar.h ucontext.h unistd.h utime.h utmp.h wchar.h wctype.h wordexp.h
""".split()

COLUMNS = 120
FUNCTION_LINES = 90
FILE_LINES, FILE_LINES_WARN = 700, 600

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
FOLDER_LAYER = {folder: number for number, folders in enumerate(LAYERS) for folder in folders}


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def may_include(folder, other):
    """May a file of src/folder include one of src/other? The files of src/ itself (main.c) may include anything."""
    if folder == "" or folder == other:
        return True
    if folder in NARROWER:
        return other in NARROWER[folder]
    return FOLDER_LAYER[other] < FOLDER_LAYER[folder]


def check_own_include(src, path, name):
    """path: of the including file, from src/; name: what stands between the quotes."""
    folder = path.parent.as_posix() if path.parent.parts else ""
    other = name.split("/")[0]
    if "/" not in name or other not in FOLDER_LAYER:
        return f'"{name}": write includes from src/, as "folder/file.h" with a folder of the table'
    if not (src / name).is_file() and not name.endswith(".inc"):
        return f'"{name}": there is no such file under src/'
    if not may_include(folder, other):
        allowed = sorted(o for o in FOLDER_LAYER if may_include(folder, o))
        return f'"{name}": {folder}/ may include {", ".join(allowed)}; what must call upward is given a callback'
    return None


def check_library_include(path, name):
    for pattern, places in LIBRARIES.items():
        if matches(name, [pattern]):
            return None if matches(path.as_posix(), places) else f"<{name}>: only {', '.join(places)} may include it"
    if not matches(name, SYSTEM):
        return f"<{name}>: not of the C library and not in the table of libraries of tools/tree.py"
    return None


def check_includes(src, file, lines):
    path = file.relative_to(src)
    folder = path.parts[0] if len(path.parts) > 1 else ""
    if folder and (folder not in FOLDER_LAYER or len(path.parts) > 2):
        yield 1, f"src/{path.parent}/ is not a folder of the table of layers in tools/tree.py"
        return
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        fault = check_own_include(src, path, found[1]) if found[1] else check_library_include(path, found[2])
        if fault:
            yield number, fault


def check_sizes(lines):
    """Relies on clang-format: a function's braces stand alone in the first column, nothing else's do."""
    start = None
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            yield number, f"{len(line)} columns, {COLUMNS} at most"
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start + 1 > FUNCTION_LINES:
                yield start, f"a function of {number - start + 1} lines, {FUNCTION_LINES} at most"
            start = None
    if len(lines) > FILE_LINES:
        yield len(lines), f"a file of {len(lines)} lines, {FILE_LINES} at most: split it by aspect"


def check_tree(root):
    """Returns (faults, warnings, number of files), the first two as lines of text."""
    faults, warnings, count = [], [], 0
    src = root / "src"
    for top in ("src", "images", "tests"):
        for file in sorted((root / top).rglob("*.[ch]")):
            count += 1
            lines = file.read_text(encoding="utf-8").splitlines()
            found = list(check_sizes(lines))
            if top == "src":
                found += check_includes(src, file, lines)
            where = file.relative_to(root)
            faults += [f"{where}:{number}: {fault}" for number, fault in sorted(found)]
            if FILE_LINES_WARN < len(lines) <= FILE_LINES:
                warnings.append(f"{where}: warning: {len(lines)} lines; most files have 200 to 300")
    return faults, warnings, count


def main(args):
    root = pathlib.Path(args[0]) if args else pathlib.Path(__file__).resolve().parent.parent
    faults, warnings, count = check_tree(root)
    for line in warnings + faults:
        print(line)
    print(f"{count} files, {len(faults)} faults")
    return 1 if faults or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
