#!/usr/bin/python3
"""Runs everything that must hold, part by part, and counts real results. Called by ./check, which installs first.

Parts, in this order:
"""
import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "check"
CPUS = min(2, os.cpu_count() or 1)
FUZZ_SECONDS = 20
PYTHON = "/usr/bin/python3"  # Debian's own, whose packages ./bootstrap installs
TAIL_LINES = 60
# Warnings are errors in the plain build: with sanitizers gcc warns of what cannot happen.
SANITIZED = ["-Db_sanitize=address,undefined", "-Doptimization=1", "-Dwerror=false"]
FUZZ_ENV = {
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


@dataclasses.dataclass
class Result:
    """What a part found. failures: a name and what to show of it."""
    passed: int = 0
    skipped: int = 0
    failures: list = dataclasses.field(default_factory=list)

    def add(self, name, ok, output=""):
        if ok:
            self.passed += 1
        else:
            self.failures.append((name, output))
        return ok

    def merge(self, other):
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures


def run(command, log, env=None, timeout=None):
    """Runs a command with its output in build/check/LOG; returns (status, output)."""
    LOGS.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run([str(word) for word in command], cwd=ROOT, env={**os.environ, **(env or {})},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=timeout)
        status, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as error:
        status, output = 124, (error.stdout or b"") + f"\nnot done after {timeout} s\n".encode()
    (LOGS / log).write_bytes(output)
    return status, output.decode(errors="replace")


def tail(text):
    lines = text.rstrip().splitlines()
    cut = [f"… {len(lines) - TAIL_LINES} lines above, see build/check/"] if len(lines) > TAIL_LINES else []
    return "\n".join(cut + lines[-TAIL_LINES:])


def read_junit(path):
    """Counts the test cases of a JUnit file, as meson and pytest write them."""
    result = Result()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname', '')} {case.get('name', '')}".strip()
        faults = [fault for fault in case if fault.tag in ("failure", "error")]
        if faults:
            result.add(name, False, "\n".join((fault.get("message") or "") + "\n" + (fault.text or "") for fault in faults))
        elif case.find("skipped") is not None:
            result.skipped += 1
        else:
            result.passed += 1
    return result


def configured_like(folder, options):
    """Does a build folder exist that was configured with all of these -Dname=value?"""
    path = ROOT / folder / "meson-info" / "intro-buildoptions.json"
    if not (ROOT / folder / "build.ninja").is_file() or not path.is_file():
        return False
    values = {option["name"]: option["value"] for option in json.loads(path.read_text())}
    wanted = dict(option.removeprefix("-D").split("=") for option in options)
    return all(str(values.get(name)).lower() == value for name, value in wanted.items())


def build(folder, *options, env=None):
    """Configures a build folder where that is needed, builds it; a Result of its own only where that fails."""
    result = Result()
    if not configured_like(folder, options):
        again = ["--reconfigure"] if (ROOT / folder / "build.ninja").is_file() else []
        status, output = run(["meson", "setup", *again, folder, *options], f"{folder}.setup.log", env)
        if status:
            result.add(f"meson setup {folder}", False, tail(output))
            return result
    status, output = run(["ninja", "-C", folder, "-j", CPUS], f"{folder}.log")
    if status:
        result.add(f"ninja -C {folder}", False, tail(output))
    return result


def meson_tests(folder, *suites):
    """Runs the tests of these suites; each test case of each program counts."""
    result = Result()
    listed = json.loads(subprocess.run(["meson", "introspect", "--tests", folder], cwd=ROOT, check=True,
                                       capture_output=True).stdout)
    wanted = [test for test in listed if any(suite.split(":")[-1] in suites for suite in test["suite"])]
    if not wanted:
        return result
    log = f"{folder}.{'.'.join(suites)}.log"
    arguments = [word for suite in suites for word in ("--suite", suite)]
    junit = ROOT / folder / "meson-logs" / "testlog.junit.xml"
    junit.unlink(missing_ok=True)
    status, output = run(["meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs", "--num-processes", CPUS,
                          *arguments], log)
    if junit.exists():
        result.merge(read_junit(junit))
    if status and not result.failures:
        result.add(f"meson test -C {folder} {' '.join(suites)}", False, tail(output))
    elif result.failures:
        result.failures[0] = (result.failures[0][0], tail(output))
    return result


def pytest(folder, name, timeout, env=None):
    junit = LOGS / f"{name}.xml"
    LOGS.mkdir(parents=True, exist_ok=True)
    junit.unlink(missing_ok=True)
    status, output = run([PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={junit}", folder],
                         f"{name}.log", env, timeout)
    result = read_junit(junit) if junit.exists() else Result()
    if status not in (0, 5) and not result.failures:  # 5: no test in the folder
        result.add(f"pytest {folder}", False, tail(output))
    return result


def c_files():
    return [file for top in ("src", "images", "tests") for file in sorted((ROOT / top).rglob("*.[ch]"))]


def part_format():
    """clang-format changes nothing"""
    result = Result()
    status, output = run(["clang-format", "--dry-run", "-Werror", *c_files()], "format.log")
    result.add("clang-format", status == 0, tail(output) + "\nTo mend it: clang-format -i FILE")
    return result


def part_layers():
    """who includes whom, which library where, sizes; and the tests of the tools"""
    result = Result()
    status, output = run([PYTHON, "tools/tree.py"], "tree.log")
    result.add("tools/tree.py", status == 0, tail(output))
    result.merge(pytest("tests/tools", "tools", 120))
    return result


def part_build():
    """gcc with -Wall -Wextra -Werror"""
    result = build("build", "-Dtests=enabled")
    if not result.failures:
        result.passed += 1
    return result


def part_unit():
    """unit tests"""
    result = build("build", "-Dtests=enabled")
    return result if result.failures else meson_tests("build", "unit")


def part_golden():
    """golden tests: text in, text out"""
    result = build("build", "-Dtests=enabled")
    return result if result.failures else meson_tests("build", "golden")


def sanitized_daemon():
    """A folder with the sanitized daemon and the plain helpers: their limits leave a sanitizer no room."""
    folder = ROOT / "build-asan" / "daemon"
    folder.mkdir(exist_ok=True)
    for source, name in (("build-asan", "shoal"), ("build", "shoal-keeper"), ("build", "shoal-logger"),
                         ("build", "shoal-worker")):
        shutil.copy2(ROOT / source / name, folder / name)
    return str(folder)


def part_asan():
    """unit, golden, the fuzz targets' corpus and the lives of containers and stacks under ASan and UBSan"""
    result = build("build-asan", "-Dtests=enabled", *SANITIZED)
    if result.failures:
        return result
    result.merge(meson_tests("build-asan", "unit", "golden", "fuzz"))
    result.merge(build("build", "-Dtests=enabled"))
    if not result.failures:
        result.merge(pytest("tests/system/test_lives.py", "lives", 180, {"SHOAL_BUILD": sanitized_daemon()}))
    return result


def tidy_key(entry, dependencies):
    """A hash of all that clang-tidy looks at for one file: the checks, the command, the file and our headers."""
    key = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + entry["command"].encode())
    folder = pathlib.Path(entry["directory"])
    for name in [entry["file"], *sorted(dependencies.get(entry["output"], []))]:
        path = (folder / name).resolve()
        if path.is_relative_to(ROOT) and path.is_file():
            key.update(str(path).encode() + path.read_bytes())
    return key.hexdigest()


def ninja_dependencies(folder):
    """Object file → the headers it was built from, as ninja recorded them."""
    listed = subprocess.run(["ninja", "-C", folder, "-t", "deps"], cwd=ROOT, capture_output=True, text=True).stdout
    dependencies, current = {}, None
    for line in listed.splitlines():
        if line.startswith("    "):
            dependencies[current].append(line.strip())
        elif ":" in line:
            current = line.split(":")[0]
            dependencies[current] = []
    return dependencies


def part_tidy():
    """clang-tidy; what passed is remembered by its contents"""
    result = build("build", "-Dtests=enabled")
    if result.failures:
        return result
    passed = ROOT / "build" / "tidy"
    passed.mkdir(exist_ok=True)
    dependencies = ninja_dependencies("build")
    entries = {}
    for entry in json.loads((ROOT / "build" / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.suffix == ".c" and path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "build"):
            entries[path] = entry

    def check(path):
        name = path.relative_to(ROOT)
        mark = passed / tidy_key(entries[path], dependencies)
        if mark.exists():
            return name, True, ""
        log = f"tidy.{str(name).replace('/', '.')}.log"
        status, output = run(["clang-tidy", "--quiet", "-p", "build", name], log)
        if status == 0:
            mark.touch()
        errors = [line.replace(str(ROOT / "build" / "..") + "/", "") for line in output.splitlines() if "error:" in line]
        return name, status == 0, "\n".join(errors + [f"the paths that lead there: build/check/{log}"])

    with concurrent.futures.ThreadPoolExecutor(CPUS) as pool:
        for name, ok, output in pool.map(check, sorted(entries)):
            result.add(f"clang-tidy {name}", ok, output)
    return result


def fuzz_target(program):
    """
    Fuzzes one target; what it finds new goes to the build folder, never into the corpus. The same seed each time, so that
    what passed passes again; SHOAL_FUZZ_SEED=0 takes a new one and looks further.
    """
    name = program.name.removeprefix("fuzz_")
    work = ROOT / "build-fuzz" / "work" / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    dictionary = ROOT / "tests" / "fuzz" / f"{name}.dict"
    corpus = ROOT / "tests" / "fuzz" / "corpus" / name
    seed = os.environ.get("SHOAL_FUZZ_SEED", "1")
    command = [program, f"-max_total_time={FUZZ_SECONDS}", f"-seed={seed}", "-timeout=10", "-rss_limit_mb=1024",
               "-print_final_stats=1", f"-artifact_prefix={work}/", *([f"-dict={dictionary}"] if dictionary.exists() else []), work, corpus]
    status, output = run(command, f"fuzz.{name}.log", FUZZ_ENV, timeout=FUZZ_SECONDS * 4 + 60)
    return f"fuzz {name}", status == 0, tail(output)


def part_fuzz():
    """each fuzz target's corpus as a test, then 20 s of fuzzing it"""
    result = build("build", "-Dtests=enabled")
    if not result.failures:
        result.merge(meson_tests("build", "fuzz"))
    result.merge(build("build-fuzz", "-Dfuzz=true", "-Dtests=disabled", "-Db_lundef=false", *SANITIZED,
                       env={"CC": "clang"}))
    if result.failures:
        return result
    programs = [path for path in sorted((ROOT / "build-fuzz").rglob("fuzz_*")) if path.is_file() and os.access(path, os.X_OK)]
    with concurrent.futures.ThreadPoolExecutor(CPUS) as pool:
        for name, ok, output in pool.map(fuzz_target, programs):
            result.add(name, ok, output)
    return result


def part_system():
    """real programs, real containers, as root"""
    result = build("build", "-Dtests=enabled")
    return result if result.failures else pytest("tests/system", "system", 900)


def part_vm():
    """limits, and the oldest kernel: a virtual machine with Debian's kernel and cgroup v2 alone"""
    result = build("build", "-Dtests=enabled")
    return result if result.failures else pytest("tests/vm", "vm", 300)


PARTS = {name.removeprefix("part_"): function for name, function in list(globals().items()) if name.startswith("part_")}
ORDER = ["format", "layers", "build", "unit", "golden", "asan", "tidy", "fuzz", "system", "vm"]


def show(name, result, seconds):
    skipped = f", {result.skipped} skipped" if result.skipped else ""
    print(f"{name:8} {result.passed:5} passed, {len(result.failures)} failed{skipped}  {seconds:.1f} s", flush=True)
    for test, output in result.failures:
        print(f"\n--- failed: {test}\n{output.rstrip()}\n", flush=True)


def main():
    descriptions = "\n".join(f"  {name:8} {PARTS[name].__doc__}" for name in ORDER)
    parser = argparse.ArgumentParser(prog="./check", description=__doc__ + descriptions,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="run these parts only")
    wanted = parser.parse_args().parts
    if unknown := [part for part in wanted if part not in ORDER]:
        parser.error(f"no such part: {', '.join(unknown)} (there are {', '.join(ORDER)})")
    os.environ["SHOAL_BUILD"] = str(ROOT / "build")
    total, started = Result(), time.monotonic()
    for name in wanted or ORDER:
        print(f"{name}: {PARTS[name].__doc__} …", flush=True)
        begun = time.monotonic()
        result = PARTS[name]()
        if not (result.passed or result.failures):
            result.add(f"{name}: no test was found", False)
        show(name, result, time.monotonic() - begun)
        total.merge(result)
    print(f"\n{time.monotonic() - started:.0f} s in all")
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {len(total.failures)} failed{skipped}")
    return 1 if total.failures or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
