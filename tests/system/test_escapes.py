"""
The known classes of escape from a container. Each attack is carried out twice: against the keeper, where it must fail, and
against a build that has the protection in question switched off (src/runtime/protection.h), where it must succeed: so the
attack is real, and it is this protection that stops it.
"""
import os
import pathlib
import shutil

import pytest
from harness.keeper import ALL_CAPABILITIES, OOM_SCORE, Keeper, make_rootfs


@pytest.fixture
def rootfs(tmp_path):
    return make_rootfs(tmp_path / "rootfs")


@pytest.fixture
def keepers(build, tmp_path, rootfs):
    """keepers("fds"): a keeper without that protection; keepers(): the real one."""
    made = []

    def make(unsafe=None, program=None):
        program = program or build / ("tests/tools/shoal-keeper-unsafe" if unsafe else "shoal-keeper")
        made.append(Keeper(build, tmp_path / f"keeper{len(made)}", rootfs, program=program,
                           env={"SHOAL_UNSAFE": unsafe or ""}))
        return made[-1]

    yield make
    for keeper in made:
        keeper.close()


def test_the_unsafe_build_is_safe_where_nothing_is_switched_off(keepers, build):
    keeper = keepers(program=build / "tests/tools/shoal-keeper-unsafe")
    assert keeper.spawn("true", cwd="/proc/self/fd/3").failed()


# --- The keeper's program, CVE-2019-5736 ------------------------------------------------------------------------------------


def intrude(keeper, build, rootfs, tmp_path, attempts=300):
    """A container watches for our processes while others are run in it. Returns it, once it has something or gave up."""
    shutil.copy(build / "tests/tools/intruder", rootfs / "bin/intruder")
    os.mkfifo(tmp_path / "stop")
    stop = os.open(tmp_path / "stop", os.O_RDWR)
    # It has the capabilities that our processes have once they dropped the rest: only dumpability is between them.
    intruder = keeper.spawn("intruder", stdin=str(tmp_path / "stop"), masked=[], readonly=[]).started()
    intruder.says("watching")
    for _ in range(attempts):
        keeper.exec(intruder, "true").exit()
        if "got" in intruder.text():
            break
    return intruder, stop


def upgrade(keeper, intruder):
    """As when the keeper is replaced by a newer one: its program runs nowhere any more, so that the kernel lets it be written."""
    for pid in keeper.children():
        if pid != intruder.pid:
            os.kill(pid, 9)
    keeper.process.kill()


def test_our_processes_cannot_be_looked_into(keepers, build, rootfs, tmp_path):
    intruder, _ = intrude(keepers(), build, rootfs, tmp_path)
    assert "got" not in intruder.text()


def test_without_dumpable_they_can(keepers, build, rootfs, tmp_path):
    keeper = keepers("dumpable")
    intruder, _ = intrude(keeper, build, rootfs, tmp_path, attempts=10000)
    assert "got /memfd:shoal-keeper" in intruder.text()
    upgrade(keeper, intruder)
    intruder.says("denied Operation not permitted")  # for it is a sealed copy


def test_without_both_the_program_is_overwritten(keepers, build, rootfs, tmp_path):
    program = tmp_path / "shoal-keeper"
    shutil.copy(build / "tests/tools/shoal-keeper-unsafe", program)
    keeper = keepers("dumpable,exe", program=program)
    intruder, stop = intrude(keeper, build, rootfs, tmp_path, attempts=10000)
    assert f"got {program}" in intruder.text()
    upgrade(keeper, intruder)
    intruder.says("owned")
    assert program.read_bytes()[:5] == b"owned"
    os.kill(intruder.pid, 9)
    os.close(stop)


# --- Descriptors of ours as working directory, CVE-2024-21626 -------------------------------------------------------------


def host_seen_from_descriptors(keeper):
    """Does any descriptor lead to a folder from which the host's first process can be seen?"""
    host = pathlib.Path("/proc/1/comm").read_text(encoding="utf-8")
    answers = []
    for fd in range(3, 16):
        container = keeper.spawn("sh", "-c", "cat ./1/comm ../1/comm; true", cwd=f"/proc/self/fd/{fd}", masked=[])
        event = keeper.client.wait("exited", "failed", id=container.id)
        answers.append(event.get("message") or container.text())
    return any(host in answer for answer in answers), answers


def test_a_descriptor_of_ours_is_no_working_directory(keepers):
    seen, answers = host_seen_from_descriptors(keepers())
    assert not seen and all(answer.startswith("working directory /proc/self/fd/") for answer in answers), answers


def test_without_the_protection_it_is(keepers):
    seen, answers = host_seen_from_descriptors(keepers("fds"))
    assert seen, answers


# --- Links as targets of mounts, CVE-2021-30465 ---------------------------------------------------------------------------


def mount_on_a_link(keeper, rootfs):
    (rootfs / "empty").mkdir()
    (rootfs / "data/link").symlink_to("/empty")
    return keeper.sh("grep -o ' /empty ' /proc/self/mountinfo; true",
                     mounts=[{"kind": "proc", "target": "/proc"}, {"kind": "tmpfs", "target": "/data/link"}], masked=[])


def test_a_link_stays_inside_the_root(keepers, rootfs):
    assert mount_on_a_link(keepers(), rootfs) == " /empty \n"


def test_without_the_protection_it_leads_out(keepers, rootfs):
    """It went to the /empty of the keeper, outside of the container's root."""
    assert mount_on_a_link(keepers("targets"), rootfs) == ""


def test_proc_is_not_mounted_through_a_link(keepers, rootfs):
    (rootfs / "proc").rmdir()
    (rootfs / "proc").symlink_to("data")
    for kind in ("proc", "sysfs"):
        failure = keepers().spawn("true", mounts=[{"kind": kind, "target": "/proc"}]).failed()
        assert failure["message"] == "mount /proc: it must be a folder, not a link"
    assert keepers("targets").run("true", mounts=[{"kind": "proc", "target": "/data"}], masked=[], readonly=[])[0] == 0


def test_nothing_is_mounted_inside_proc(keepers, tmp_path):
    (tmp_path / "file").write_text("fake\n", encoding="utf-8")
    proc = {"kind": "proc", "target": "/proc"}
    keeper = keepers()
    for target in ("/proc/self/attr/current", "/proc/sys/kernel/core_pattern", "/data/../proc/uptime"):
        fake = {"kind": "fd", "source": str(tmp_path / "file"), "target": target}
        assert "inside /proc" in keeper.spawn("true", mounts=[proc, fake]).failed()["message"]
    fake = {"kind": "fd", "source": str(tmp_path / "file"), "target": "/proc/uptime"}
    assert keeper.sh("cat /proc/uptime", mounts=[proc, fake]) == "fake\n"


# --- What covers masked paths, CVE-2025-31133 -----------------------------------------------------------------------------


def read_masked(keeper, rootfs):
    """The image's /dev/null is a link to a file of procfs, and the container has no /dev of its own."""
    (rootfs / "dev/null").symlink_to("../proc/sys/kernel/core_pattern")
    return keeper.sh("cat /proc/keys", mounts=[{"kind": "proc", "target": "/proc"}], masked=["/proc/keys"], readonly=[])


def test_the_null_device_is_the_keepers(keepers, rootfs):
    assert read_masked(keepers(), rootfs) == ""


def test_without_the_protection_it_is_the_images(keepers, rootfs):
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8")
    assert read_masked(keepers("masks"), rootfs) == pattern


# --- Writing to a procfs that is none, CVE-2025-52881 ---------------------------------------------------------------------


def settings_with_a_fake_proc(keeper, tmp_path, flags=0):
    fake = tmp_path / "fake"
    (fake / "sys/kernel").mkdir(parents=True)
    (fake / "sys/kernel/shmmni").write_text("", encoding="utf-8")
    container = keeper.spawn("sleep", "1000", mounts=[{"kind": "fd", "source": str(fake), "target": "/proc"}], masked=[],
                             readonly=[], flags=flags, oom_score_adj=321,
                             sysctls=[{"name": "kernel.shmmni", "value": "77"}]).started()
    swallowed = (fake / "sys/kernel/shmmni").read_text(encoding="utf-8")
    score = pathlib.Path(f"/proc/{container.pid}/oom_score_adj").read_text(encoding="utf-8")
    return swallowed, score


def test_settings_are_written_to_the_real_procfs(keepers, tmp_path):
    assert settings_with_a_fake_proc(keepers(), tmp_path, OOM_SCORE) == ("", "321\n")


def test_without_the_protection_the_container_gets_them(keepers, tmp_path):
    assert settings_with_a_fake_proc(keepers("proc"), tmp_path)[0] == "77"


# --- What lies beneath the root ------------------------------------------------------------------------------------------


def dig(keeper, build, rootfs):
    """What a container that may do anything finds beneath its root, and whether it can leave something there."""
    shutil.copy(build / "tests/tools/digger", rootfs / "bin/digger")
    keeper.launcher("default", capabilities=ALL_CAPABILITIES)
    *found, outcome = keeper.sh("digger", capabilities=ALL_CAPABILITIES).split()
    return sorted(found), outcome


def test_beneath_the_root_is_nothing_and_it_stays_so(keepers, build, rootfs):
    assert dig(keepers(), build, rootfs) == (["dev", "empty", "null", "proc", "root"], "denied")


def test_without_the_protection_it_is_written_to(keepers, build, rootfs):
    assert dig(keepers("home"), build, rootfs)[1] == "owned"


# --- Nothing of the host in reach -----------------------------------------------------------------------------------------


def test_the_keeper_has_no_file_of_the_host(keepers):
    keeper = keepers()
    keeper.run("true")
    launcher = next(iter(keeper.children()))
    for pid in (keeper.pid, launcher):
        root = pathlib.Path(f"/proc/{pid}/root")
        assert sorted(os.listdir(root)) == ["dev", "empty", "null", "proc", "root"]
        assert os.listdir(root / "root") == [] and os.listdir(root / "empty") == []
        with pytest.raises(OSError):
            (root / "empty/x").touch()
    assert os.readlink(f"/proc/{launcher}/exe") == "/memfd:shoal-keeper (deleted)"
    names = {os.readlink(f"/proc/{launcher}/fd/{fd}").split(":")[0]
             for fd in os.listdir(f"/proc/{launcher}/fd") if fd != "2"}
    assert names == {"/dev/null", "socket", "/"}  # the last: its own proc, which is mounted nowhere
