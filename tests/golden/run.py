#!/usr/bin/python3
"""Golden tests of `shoal config`: compose files in, canonical text out, and in again.

    tests/golden/run.py SHOAL [NAME...]            runs all cases, or those named; TAP on standard output
    tests/golden/run.py --update SHOAL [NAME...]   writes what SHOAL says as what is expected: read the diff before committing

A case is a folder of compose/ with compose.yaml and what it refers to, and:

    args          words of the command line (default: config)
    environment   NAME=VALUE lines, the only variables there are but VARIABLES
    expected      standard output, the case's folder written as @DIR@
    expected.err  standard error, where there is any

Text that was printed as YAML is given to SHOAL again, which must print the same.
"""
import pathlib
import shlex
import subprocess
import sys
import tempfile

VARIABLES = {"HOME": "/home/user", "COMPOSE_PROJECT_NAME": "golden"}
CASES = pathlib.Path(__file__).resolve().parent / "compose"


def shoal(program, folder, words, variables):
    """Runs the program in a folder; its output with the folder hidden, and its exit status."""
    result = subprocess.run([program, *words], cwd=folder, env=variables, capture_output=True, timeout=60,
                            stdin=subprocess.DEVNULL)
    hide = lambda text: text.decode().replace(str(folder), "@DIR@")
    return hide(result.stdout), hide(result.stderr), result.returncode


def words_of(case):
    path = case / "args"
    return shlex.split(path.read_text()) if path.exists() else ["config"]


def variables_of(case):
    path = case / "environment"
    lines = path.read_text().splitlines() if path.exists() else []
    return {**VARIABLES, **dict(line.split("=", 1) for line in lines)}


def read(path):
    return path.read_text() if path.exists() else ""


def write(path, text):
    if text:
        path.write_text(text)
    elif path.exists():
        path.unlink()


def differs(what, want, got):
    return [f"{what}:", *(f"  want {line}" for line in want.splitlines()), *(f"  got  {line}" for line in got.splitlines())]


def again(program, case, text):
    """What a canonical text becomes when it is read again."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text.replace("@DIR@", str(case)))
        file.flush()
        words = ["-f", file.name, "--project-directory", str(case), "--profile", "*", "--all-resources", "config"]
        return shoal(program, case, words, {"HOME": VARIABLES["HOME"]})


def check(program, case):
    """The faults of a case, as lines."""
    words = words_of(case)
    out, err, status = shoal(program, case, words, variables_of(case))
    faults = []
    if out != read(case / "expected"):
        faults += differs("standard output", read(case / "expected"), out)
    if err != read(case / "expected.err"):
        faults += differs("standard error", read(case / "expected.err"), err)
    if (status != 0) != (not out):
        faults.append(f"exit status {status} with {len(out)} bytes of output")
    if status == 0 and words[-1] == "config":
        out_again, err_again, _ = again(program, case, out)
        if out_again != out:
            faults += differs("read again", out, out_again + err_again)
    return faults


def update(program, case):
    out, err, _ = shoal(program, case, words_of(case), variables_of(case))
    write(case / "expected", out)
    write(case / "expected.err", err)


def main(args):
    updating = args[:1] == ["--update"]
    args = args[updating:]
    if not args:
        sys.exit(__doc__)
    program = str(pathlib.Path(args[0]).resolve())
    cases = sorted(case for case in CASES.iterdir() if case.is_dir() and (not args[1:] or case.name in args[1:]))
    if updating:
        for case in cases:
            update(program, case)
        return 0
    print(f"1..{len(cases)}")
    failed = 0
    for number, case in enumerate(cases, 1):
        faults = check(program, case)
        failed += bool(faults)
        print(f"{'not ok' if faults else 'ok'} {number} {case.name}")
        for line in faults:
            print(f"# {line}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
