"""One machine for all tests of this folder; its daemon runs throughout."""
import os
import pathlib
import subprocess

import pytest
from machine import ROOT, Machine


@pytest.fixture(scope="session")
def machine(tmp_path_factory):
    build = pathlib.Path(os.environ.get("SHOAL_BUILD", ROOT / "build")).resolve()
    folder = tmp_path_factory.mktemp("vm")
    for name in ("hello", "busybox"):
        subprocess.run([ROOT / "images" / "build", "-o", folder, name], check=True,
                       env={**os.environ, "SHOAL_BUILD": str(build)})
    machine = Machine(build, [folder / "hello.tar", folder / "busybox.tar"], folder / "machine")
    try:
        machine.run("shoal daemon > /root/daemon.log 2>&1 &")
        machine.run("for i in $(seq 300); do [ -S /run/shoal/shoal.sock ] && break; sleep 0.1; done; cat /root/daemon.log; "
                    "test -S /run/shoal/shoal.sock")
        for name in ("hello", "busybox"):
            machine.run(f"shoal load -i /images/{name}.tar")
        yield machine
    finally:
        machine.close()
