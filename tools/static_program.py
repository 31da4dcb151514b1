#!/usr/bin/python3
"""Builds a small static program with musl: tools/static_program.py OUTPUT DEPFILE FLAG... -- SOURCE...

meson has one C compiler for all that is built for this machine, so the programs that are linked with another C library
are compiled here, source by source. DEPFILE tells ninja which headers they read.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

# The kernel's headers are not in musl's folder; what musl has comes first.
HEADERS = ["-idirafter", "/usr/include", "-idirafter"]
FLAGS = ["-std=gnu17", "-Os", "-g", "-ffunction-sections", "-fdata-sections", "-fno-asynchronous-unwind-tables"]
LINK = ["-static", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now,-z,noexecstack"]


def kernel_headers():
    triplet = subprocess.run(["gcc", "-print-multiarch"], check=True, capture_output=True, text=True).stdout.strip()
    return [*HEADERS, f"/usr/include/{triplet}"]


def headers_of(depfile):
    """The prerequisites of make's rule, without the continuation of lines."""
    return depfile.read_text().split(":", 1)[1].replace("\\\n", " ").split()


def move_debug_information(output):
    """Into OUTPUT.debug, where gdb finds it: the keeper holds its program in memory, whole."""
    debug = f"{output}.debug"
    subprocess.run(["objcopy", "--only-keep-debug", output, debug], check=True)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={debug}", output], check=True)


def build(output, depfile, flags, sources, compiler):
    with tempfile.TemporaryDirectory() as folder:
        objects, dependencies = [], set()
        flags = [*FLAGS, *flags, *kernel_headers()]
        for number, source in enumerate(sources):
            stem = pathlib.Path(folder) / f"{number}"
            command = [compiler, *flags, "-MMD", "-MF", f"{stem}.d", "-c", source, "-o", f"{stem}.o"]
            if subprocess.run(command, check=False).returncode:
                return 1
            objects.append(f"{stem}.o")
            dependencies.update(headers_of(pathlib.Path(f"{stem}.d")))
        status = subprocess.run([compiler, *LINK, *objects, "-o", output], check=False).returncode
        if not status:
            move_debug_information(output)
    depfile.write_text(f"{output}: {' '.join(sorted(dependencies))}\n")
    return status


def main(args):
    separator = args.index("--")
    compiler = shutil.which("musl-gcc")
    if not compiler:
        print("musl-gcc is missing: ./bootstrap installs it (package musl-tools)", file=sys.stderr)
        return 1
    return build(args[0], pathlib.Path(args[1]), args[2:separator], args[separator + 1:], compiler)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
