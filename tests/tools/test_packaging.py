"""The units of packaging/: what must hold for containers to outlive their daemon; and systemd's own opinion, where it is there."""
import configparser
import pathlib
import shutil
import subprocess

import pytest

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "systemd"
UNITS = ["shoal", "shoal-keeper", "shoal-logger"]


def unit(name):
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read_string((FOLDER / f"{name}.service.in").read_text(encoding="utf-8"))
    return parser


def test_the_daemon_can_be_restarted_alone():
    service = unit("shoal")
    assert service["Service"]["Type"] == "notify" and service["Service"]["KillMode"] == "process"
    for helper in ("shoal-keeper.service", "shoal-logger.service"):
        assert helper in service["Unit"]["Wants"].split() and helper in service["Unit"]["After"].split()
        own = unit(helper.removesuffix(".service"))["Unit"]
        assert not {"PartOf", "BindsTo", "Requires", "StopPropagatedFrom"} & set(own)
    assert not {"Requires", "BindsTo", "PropagatesStopTo"} & set(service["Unit"])


def test_the_keeper_dies_last():
    service = unit("shoal-keeper")["Service"]
    assert service["OOMScoreAdjust"] == "-999" and service["KillMode"] == "process"


@pytest.mark.parametrize("name", UNITS)
def test_sockets_outlive_each_of_them(name):
    service = unit(name)["Service"]
    assert service["RuntimeDirectory"] == "shoal" and service["RuntimeDirectoryPreserve"] == "yes"


def test_systemd_reads_them(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for name in UNITS:
        text = (FOLDER / f"{name}.service.in").read_text(encoding="utf-8")
        (tmp_path / f"{name}.service").write_text(text.replace("@BINDIR@/", "/bin/true "), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *(tmp_path / f"{name}.service" for name in UNITS)],
                          capture_output=True, text=True, check=False, timeout=60)
    ours = [line for line in done.stderr.splitlines() if "shoal" in line]
    assert not ours, done.stderr
