"""Layers on the disk, unpacked by shoal-worker as root: what hostile tars cannot do, and what honest ones must become."""
import gzip
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tarfile

import pytest
from harness.machine import run
from harness.worker import Store, is_whiteout, tar

DIR, SYM, LNK, CHR, BLK, FIFO = (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE,
                                 tarfile.FIFOTYPE)


@pytest.fixture
def store(build, tmp_path):
    store = Store(build, tmp_path / "data")
    store.data.mkdir()
    yield store
    assert not store.left_over()


def archive(tmp_path, *layers, name="x:1", config=None):
    """An archive of docker save, with layers (tars, the lowest first)."""
    import hashlib

    def digest(data):
        return hashlib.sha256(data).hexdigest()

    content = json.dumps({"architecture": "amd64", "os": "linux", "config": config or {},
                          "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer) for layer in layers]}})
    entries = [(f"{digest(layer)}.tar", layer) for layer in layers]
    entries.append((digest(content.encode()) + ".json", content))
    manifest = [{"Config": entries[-1][0], "RepoTags": [name], "Layers": [entry[0] for entry in entries[:-1]]}]
    path = tmp_path / "archive.tar"
    path.write_bytes(tar(*dict(entries).items(), ("manifest.json", json.dumps(manifest))))
    return path


def load(store, tmp_path, *layers):
    answer = store.run("load", path=str(archive(tmp_path, *layers))).ok
    return answer, answer.image


# --- Honest ones


def test_all_attributes(store, tmp_path):
    capability = b"\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0".decode("latin-1")
    _, image = load(store, tmp_path, tar(
        ("bin/", DIR, {"mode": 0o750, "uid": 5, "gid": 6}),
        ("bin/ping", "x" * 100, {"mode": 0o4755, "uid": 7, "gid": 8, "mtime": 1234567890}),
        ("bin/capable", "y", {"pax": {"SCHILY.xattr.security.capability": capability, "SCHILY.xattr.user.note": "hi"}}),
        ("bin/hard", LNK, {"linkname": "bin/ping"}),
        ("bin/soft", SYM, {"linkname": "/bin/ping", "uid": 9}),
        ("fifo", FIFO, {"mode": 0o600}),
        ("dev/null", CHR, {"devmajor": 1, "devminor": 3, "mode": 0o666}),
        ("e\u0301/\u00e9", "names are bytes"),
        ("a" * 120 + "/" + "b" * 150, "long"),
        ("fine", "t", {"pax": {"mtime": "1000000000.25"}}),
    ))
    layer = store.layer(image)
    ping = (layer / "bin/ping").stat()
    assert (stat.S_IMODE(ping.st_mode), ping.st_uid, ping.st_gid, ping.st_mtime) == (0o4755, 7, 8, 1234567890)
    assert ping.st_ino == (layer / "bin/hard").stat().st_ino
    assert (stat.S_IMODE((layer / "bin").stat().st_mode), (layer / "bin").stat().st_uid) == (0o750, 5)
    assert os.getxattr(layer / "bin/capable", "security.capability") == capability.encode("latin-1")
    assert os.getxattr(layer / "bin/capable", "user.note") == b"hi"
    assert os.readlink(layer / "bin/soft") == "/bin/ping" and (layer / "bin/soft").lstat().st_uid == 9
    assert stat.S_ISFIFO((layer / "fifo").stat().st_mode)
    assert (layer / "dev/null").stat().st_rdev == os.makedev(1, 3)
    assert (layer / "e\u0301/\u00e9").exists()
    assert (layer / ("a" * 120) / ("b" * 150)).read_text(encoding="utf-8") == "long"
    assert (layer / "fine").stat().st_mtime_ns == 1000000000250000000
    assert (layer / "bin").stat().st_mtime == 1000000000


def merged(store, image, folder):
    """The image's layers over each other, as a container sees them."""
    layers = ":".join(str(store.layer(image, number)) for number in reversed(range(len(image["layers"]))))
    folder.mkdir()
    return ["unshare", "--mount", "sh", "-ec", f"mount -t overlay overlay -o ro,lowerdir={layers} {folder}; cd {folder}; "
            + "\n"]


def test_whiteouts_work_in_overlay(store, tmp_path):
    _, image = load(
        store, tmp_path,
        tar(("etc/", DIR), ("etc/a", "lower"), ("etc/b", "lower"), ("data/", DIR), ("data/old", "lower"), ("gone/", DIR),
            ("gone/x", "lower"), ("again/", DIR), ("again/old", "lower")),
        tar(("etc/.wh.a", ""), (".wh.gone", ""), ("data/.wh..wh..opq", ""), ("data/new", "upper"), (".wh.again", ""),
            ("again/", DIR), ("again/new", "upper")))
    layer = store.layer(image)
    assert is_whiteout(layer / "etc/a") and is_whiteout(layer / "gone")
    assert os.getxattr(layer / "data", "trusted.overlay.opaque") == b"y"
    command = merged(store, image, tmp_path / "merged")
    command[-1] += "find . | sort"
    assert run(*command).stdout.split() == [".", "./again", "./again/new", "./data", "./data/new", "./etc", "./etc/b"]


def test_folders_that_a_layer_does_not_name(store, tmp_path):
    """A layer with usr/x and no entry for usr keeps the attributes that usr has beneath."""
    _, image = load(
        store, tmp_path,
        tar(("./", DIR, {"mode": 0o711}), ("srv/", DIR, {"mode": 0o2770, "uid": 33, "gid": 34, "mtime": 7}),
            ("home/", DIR, {"mode": 0o700, "uid": 50}), ("lost/", DIR, {"mode": 0o700})),
        tar(("home/.wh..wh..opq", ""), (".wh.lost", "")),
        tar(("srv/new", "n"), ("home/new", "n"), ("lost/new", "n"), ("never/was", "n")))
    layer = store.layer(image)
    srv, home = (layer / "srv").stat(), (layer / "home").stat()
    assert (stat.S_IMODE(srv.st_mode), srv.st_uid, srv.st_gid, srv.st_mtime) == (0o2770, 33, 34, 7)
    assert (stat.S_IMODE(home.st_mode), home.st_uid) == (0o700, 50)
    assert stat.S_IMODE((layer / "lost").stat().st_mode) == 0o755
    assert stat.S_IMODE((layer / "never").stat().st_mode) == 0o755
    assert stat.S_IMODE(layer.stat().st_mode) == 0o711


def test_a_file_named_twice_is_saved_as_it_came(store, tmp_path):
    _, image = load(store, tmp_path, tar(("f", "old" * 100), ("f", "new" * 100), ("d/", DIR), ("d/x", "y" * 100),
                                         ("d", SYM, {"linkname": "f"})))
    assert (store.layer(image) / "f").read_text(encoding="utf-8") == "new" * 100
    store.save(tmp_path / "saved.tar", image)
    again = Store(store.program.parent, tmp_path / "again").run("load", path=str(tmp_path / "saved.tar")).image
    assert again["id"] == image["id"]


# --- Round trips, with skopeo as the judge


@pytest.mark.parametrize("name", ["hello", "busybox", "nginx"])
def test_round_trip(store, images, name, tmp_path):
    image = store.run("load", path=str(images(name))).image
    assert image["names"] == [f"docker.io/shoal/{name}:latest"]
    store.save(tmp_path / "saved.tar", image)
    for kind in ("docker-archive", "oci-archive"):
        config = run("skopeo", "inspect", "--config", "--raw", f"{kind}:{tmp_path}/saved.tar").stdout
        assert json.loads(config) == store.config(image)
        run("skopeo", "--insecure-policy", "copy", "-q", f"{kind}:{tmp_path}/saved.tar", f"dir:{tmp_path}/{kind}")
    other = Store(store.program.parent, tmp_path / "other")
    again = other.run("load", path=str(tmp_path / "saved.tar")).image
    assert (again["id"], again["names"]) == (image["id"], image["names"])
    run("diff", "-r", "--no-dereference", store.layer(image, 0), other.layer(again, 0))


@pytest.mark.parametrize("compress", ["gzip", "zstd", "none"])
def test_layouts_and_compression(store, images, compress, tmp_path):
    """What skopeo makes of an image is the same image: an OCI archive, a layout in a folder, a compressed stream."""
    options = {"gzip": ["--dest-compress", "--dest-compress-format", "gzip"],
               "zstd": ["--dest-compress", "--dest-compress-format", "zstd"], "none": ["--dest-decompress"]}[compress]
    run("skopeo", "--insecure-policy", "copy", "-q", *options, f"docker-archive:{images('hello')}",
        f"oci:{tmp_path}/layout:example.org/hello:2")
    layout = store.run("load", path=f"{tmp_path}/layout").image
    assert layout["names"] == ["example.org/hello:2"]
    run("tar", "-C", f"{tmp_path}/layout", "-cf", f"{tmp_path}/layout.tar", ".")
    assert store.run("load", path=f"{tmp_path}/layout.tar").image["id"] == layout["id"]
    stream = gzip.compress((tmp_path / "layout.tar").read_bytes())
    assert store.run("load", stream=stream).image["id"] == layout["id"]


def test_several_images_share_their_layers(store, tmp_path):
    base = tar(("base", "b" * 1000))
    first = store.run("load", path=str(archive(tmp_path, base, tar(("one", "1"))))).image
    second = store.run("load", path=str(archive(tmp_path, base, tar(("two", "2")), name="y:1"))).image
    assert first["layers"][0]["name"] == second["layers"][0]["name"]
    store.save(tmp_path / "both.tar", first, second)
    with tarfile.open(tmp_path / "both.tar") as both:
        assert len([name for name in both.getnames() if name.startswith("blobs/")]) == 3 + 2 + 2
    again = Store(store.program.parent, tmp_path / "again").run("load", path=str(tmp_path / "both.tar")).ok
    assert [image["id"] for image in again.result["images"]] == [first["id"], second["id"]]


def test_a_changed_layer_is_not_saved(store, tmp_path):
    _, image = load(store, tmp_path, tar(("file", "x" * 1000)))
    (store.layer(image) / "file").write_text("y" * 1000, encoding="utf-8")
    store.run("save", path=str(tmp_path / "saved.tar"),
              images=[{"id": image["id"], "names": [], "layers": image["layers"]}]).refused("invalid", "was changed")


def test_import(store, tmp_path):
    files = tar(("bin/sh", "#!", {"mode": 0o755}), ("etc/", DIR))
    for stream in (files, gzip.compress(files)):
        image = store.run("import", stream=stream, reference="base", platform="linux/arm64", message="by hand",
                          changes=["CMD [\"/bin/sh\"]", "ENV A=1", "EXPOSE 80"]).image
        config = store.config(image)
        assert image["names"] == ["docker.io/library/base:latest"]
        assert config["config"] == {"Cmd": ["/bin/sh"], "Env": ["A=1"], "ExposedPorts": {"80/tcp": {}}}
        assert (config["os"], config["architecture"]) == ("linux", "arm64")
        assert (store.layer(image) / "bin/sh").stat().st_mode & 0o777 == 0o755
    store.run("import", stream=files, reference="Bad").refused("invalid")
    store.run("import", stream=files, changes=["RUN x"]).refused("invalid", "RUN x")
    store.run("import", stream=b"no tar at all" * 100).refused("invalid", "broken tar")
    store.run("load", stream=files).refused("invalid", "is imported, not loaded")


# --- Hostile ones


def test_nothing_is_written_outside(store, tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("safe", encoding="utf-8")
    before = sorted(os.listdir("/"))
    hostile = [
        tar(("../../../victim/file", "evil")),
        tar(("/../../victim/file", "evil")),
        tar(("link", SYM, {"linkname": str(victim)}), ("link/file", "evil")),
        tar(("link", SYM, {"linkname": "../../.."}), ("link/victim/file", "evil")),
        tar(("a/", DIR), ("a", SYM, {"linkname": str(victim)}), ("a/file", "evil")),
        tar(("hard", LNK, {"linkname": str(victim / "file")}), ("hard", "evil")),
        tar(("hard", LNK, {"linkname": "../../../../victim/file"})),
        tar(("p", SYM, {"linkname": "/proc/self/root"}), ("p" + str(victim) + "/file", "evil")),
        tar(("p", SYM, {"linkname": "/"}), ("p" + str(victim) + "/.wh.file", "")),
        tar(("link", SYM, {"linkname": str(victim)}), ("link/.wh..wh..opq", "")),
        tar((str(victim) + "/file", "evil")),
    ]
    for content in hostile:
        store.run("import", stream=content)
        assert (victim / "file").read_text(encoding="utf-8") == "safe"
        assert os.listdir(victim) == ["file"] and os.listxattr(victim) == []
    assert sorted(os.listdir("/")) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "victim"]


def test_device_nodes_are_left_out(store):
    answer = store.run("import", stream=tar(("disk", BLK, {"devmajor": 8, "devminor": 0}),
                                            ("mem", CHR, {"devmajor": 1, "devminor": 1}), ("ok", "x"))).ok
    assert sorted(os.listdir(store.layer(answer.image))) == ["ok"]
    assert [warning.split(":")[0] for warning in answer.warnings] == ["disk", "mem"]


def test_attributes_that_steer_overlay_are_left_out(store):
    answer = store.run("import", stream=tar(
        ("d/", DIR, {"pax": {"SCHILY.xattr.trusted.overlay.redirect": "/etc", "SCHILY.xattr.user.overlay.opaque": "y",
                             "SCHILY.xattr.trusted.overlay.opaque": "y", "SCHILY.xattr.security.selinux": "x"}}))).ok
    assert os.listxattr(store.layer(answer.image) / "d") == []
    assert len(answer.warnings) == 4


def test_wrong_diff_ids_are_refused(store, tmp_path):
    path = archive(tmp_path, tar(("a", "b")))
    with tarfile.open(path) as old:
        names = {member.name: old.extractfile(member).read() for member in old}
    layer = next(name for name in names if name.endswith(".tar"))
    names[layer] = tar(("a", "c"))
    path.write_bytes(tar(*names.items()))
    store.run("load", path=str(path)).refused("invalid", "wrong layer")


@pytest.mark.parametrize("content, kind, words", [
    (tar(("x" * 300, "n")), "limit", "255 at most"),
    (tar(("d/" * 2100 + "f", "n")), "limit", "4095 bytes"),
    (tar(("f", "x" * 5000))[:3000], "invalid", "cut off"),
    (gzip.compress(tar(("f", "x" * 5000)))[:-20], "invalid", "cut off"),
    (b"\xfd7zXZ\0", "unsupported", "xz compression"),
    (tar(("f", "x"), ("f/g", "y")), "invalid", "\"f\" is no folder"),
    (tar((".wh.", "")), "invalid", "names nothing"),
    (tar(("u", "x", {"pax": {"uid": "99999999999"}})), "invalid", "owner"),
], ids=["long name", "long path", "cut tar", "cut gzip", "xz", "file as folder", "empty whiteout", "owner"])
def test_what_is_refused(store, content, kind, words):
    store.run("import", stream=content).refused(kind, words)


def test_names_with_nul(store):
    """The tar says "good\\0../../evil": nothing of the kind may come of it, whatever it is taken for."""
    answer = store.run("import", stream=tar(("x", "n", {"pax": {"path": "good\0../../evil"}})))
    if answer.result:
        assert not any(".." in path.name or "evil" in path.name for path in store.layer(answer.image).rglob("*"))


def test_many_entries(store):
    """A hundred thousand entries are no trouble (a million is more of the same, and not worth the time)."""
    content = tar(*((f"d{number % 100}/f{number}", "") for number in range(100000)))
    image = store.run("import", stream=gzip.compress(content, 1), timeout=300).image
    assert len(os.listdir(store.layer(image) / "d7")) == 1000


@pytest.fixture
def small_disk(tmp_path):
    """Runs store commands in a mount namespace with a file system of 24 MiB at tmp_path/disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    holder = subprocess.Popen(["unshare", "--mount", "sh", "-ec",
                               f"mount -t tmpfs -o size=24m tmpfs {folder}; echo ready; exec sleep infinity"],
                              stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"ready\n"

    class Inside:
        path = folder

        @staticmethod
        def command(*words):
            return ["nsenter", "-t", str(holder.pid), "-m", *map(str, words)]

        @staticmethod
        def free():
            text = run(*Inside.command("stat", "-f", "-c", "%a %S", folder)).stdout.split()
            return int(text[0]) * int(text[1])

    yield Inside
    holder.kill()
    holder.wait()
    holder.stdout.close()


def test_a_full_disk(build, small_disk):
    store = Store(build, small_disk.path / "data", small_disk, reserve_bytes=8 << 20)
    before = small_disk.free()
    noise = os.urandom(1 << 20)
    big = small_disk.path.parent / "big.tar"
    big.write_bytes(tar(*((f"f{number}", noise) for number in range(20))))
    words = "8 MiB are kept free"
    store.run("import", path=str(big)).refused("no space", words)
    store.run("load", stream=gzip.compress(archive(small_disk.path.parent, big.read_bytes()).read_bytes(), 1)).refused("no space")
    assert before - small_disk.free() < 1 << 20  # what was unpacked is gone again
    store.defaults["reserve_bytes"] = 0
    store.run("import", path=str(big), timeout=300).ok
    store.run("import", path=str(big), reference="again").refused("no space")


def test_a_gigabyte_of_zeroes(build, small_disk):
    """It compresses to nothing, and takes no room either: blocks of zeroes become holes."""
    store = Store(build, small_disk.path / "data", small_disk)
    header = tarfile.TarInfo("zeroes")
    header.size = 1 << 30
    path = small_disk.path.parent / "zeroes.tar.gz"
    with gzip.open(path, "wb", 1) as out:
        out.write(header.tobuf())
        for _ in range(1024):
            out.write(bytes(1 << 20))
        out.write(bytes(1024))
    before = small_disk.free()
    assert store.run("import", path=str(path), timeout=300).image["layers"][0]["size"] == 1 << 30
    assert before - small_disk.free() < 1 << 20


def test_a_bomb_of_zstd(store, tmp_path):
    """Eight gigabytes out of some hundred kilobytes are refused."""
    run("sh", "-c", f"head -c 8G /dev/zero | zstd -q -1 -T2 > {tmp_path}/bomb.zst", timeout=300)
    header = tarfile.TarInfo("zeroes")
    header.size = 8 << 30
    (tmp_path / "head").write_bytes(header.tobuf())
    run("sh", "-c", f"zstd -q -c {tmp_path}/head > {tmp_path}/all.zst && cat {tmp_path}/bomb.zst >> {tmp_path}/all.zst")
    store.run("import", path=str(tmp_path / "all.zst"), timeout=300).refused("limit", "that is no layer")


# --- Removing and copying


def test_remove(store, tmp_path):
    deep = tmp_path / "tree"
    deep.mkdir()
    fd = os.open(deep, os.O_RDONLY)
    for _ in range(3000):  # deeper than any path may say
        os.mkdir("d", dir_fd=fd)
        os.symlink("/etc", "link", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    store.run("remove", paths=[str(deep), str(tmp_path / "nothing")]).ok
    assert not deep.exists() and pathlib.Path("/etc/passwd").exists()
    store.run("remove", paths=["relative"]).refused("invalid", "absolute")


def test_remove_stops_at_mounts(build, tmp_path, netns):
    store = Store(build, tmp_path / "data", netns)
    tree, host = tmp_path / "tree", tmp_path / "host"
    (tree / "inner").mkdir(parents=True)
    host.mkdir()
    (host / "precious").write_text("x", encoding="utf-8")
    netns.run("mount", "--bind", host, tree / "inner")
    failed = store.run("remove", paths=[str(tree)]).ok.result["failed"]
    assert failed[0]["path"] == str(tree) and "something is mounted there" in failed[0]["message"]
    assert (host / "precious").exists()


def test_copy_up(store, tmp_path):
    _, image = load(
        store, tmp_path,
        tar(("var/", DIR), ("var/data/", DIR, {"mode": 0o750, "uid": 70, "gid": 71}), ("var/data/old", "lower"),
            ("var/data/file", "lower"), ("var/link", SYM, {"linkname": "/var/data"})),
        tar(("var/data/.wh.old", ""), ("var/data/file", "upper", {"uid": 5, "mode": 0o600}), ("var/data/same", LNK,
            {"linkname": "var/data/file"}), ("var/data/fifo", FIFO)))
    layers = [str(store.layer(image, number)) for number in (1, 0)]
    for path in ("/var/data", "/var/link"):
        volume = tmp_path / path.replace("/", "_")
        volume.mkdir()
        store.run("copy-up", layers=layers, path=path, to=str(volume)).ok
        assert sorted(os.listdir(volume)) == ["fifo", "file", "same"]
        assert (volume / "file").read_text(encoding="utf-8") == "upper" and (volume / "file").stat().st_uid == 5
        assert (volume / "file").stat().st_ino == (volume / "same").stat().st_ino
        assert (stat.S_IMODE(volume.stat().st_mode), volume.stat().st_uid) == (0o750, 70)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "mine").write_text("x", encoding="utf-8")
    store.run("copy-up", layers=layers, path="/var/data", to=str(kept)).ok
    assert os.listdir(kept) == ["mine"]
    empty = tmp_path / "empty"
    empty.mkdir()
    for path in ("/nowhere", "/var/data/file", "/../../../etc"):
        store.run("copy-up", layers=layers, path=path, to=str(empty)).ok
        assert os.listdir(empty) == []
    single = tmp_path / "single"
    single.mkdir()
    store.run("copy-up", layers=layers[1:], path="/var/data", to=str(single)).ok
    assert sorted(os.listdir(single)) == ["file", "old"]


# --- Faults


def contents(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_every_allocation_may_fail(build, images, tmp_path):
    """Whichever allocation fails: the job ends with an error or without an answer, and leaves its staging folder or whole layers."""
    whole = Store(build, tmp_path / "whole")
    image = whole.run("load", path=str(images("hello"))).image
    wanted = [contents(whole.layer(image, number)) for number in range(len(image["layers"]))]
    for number in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377):
        store = Store(build, tmp_path / f"data{number}")
        request = store.request(path=str(images("hello")), staging="tmp-x")
        done = subprocess.run(store.command("load"), input=request, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env={**os.environ, "SHOAL_FAULT_ALLOC": str(number)}, timeout=120, check=False)
        layers = store.data / "layers"
        left = set(os.listdir(layers)) - {"tmp-x"} if layers.exists() else set()
        if b'"result"' in done.stdout:
            assert len(left) == 2
        else:
            # They stand in their places before the answer is made: the daemon's next start takes away what it does not know.
            assert all(contents(layers / name) in wanted for name in left), f"allocation {number}: {left}"
        shutil.rmtree(store.data, ignore_errors=True)


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
@pytest.mark.parametrize("call", ["write", "pwrite64", "openat", "renameat", "fsync", "syncfs", "mkdirat"])
def test_every_call_may_fail(build, images, tmp_path, call):
    """The nth call of a kind fails with ENOSPC, in the job and in its children: an error, or all of it."""
    for number in (1, 2, 3, 5, 9):
        store = Store(build, tmp_path / f"data{number}")
        words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                 f"inject={call}:error=ENOSPC:when={number}", *store.command("load")]
        done = subprocess.run(words, input=store.request(path=str(images("hello")), staging="tmp-x"),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)
        layers = store.data / "layers"
        left = set(os.listdir(layers)) - {"tmp-x"} if layers.exists() else set()
        succeeded = b'"result"' in done.stdout
        if succeeded:
            image = json.loads(done.stdout.splitlines()[-1])["result"]["images"][0]
            assert left == {layer["name"] for layer in image["layers"]}
            store.save(tmp_path / "saved.tar", image)
        else:
            assert done.returncode != 0 or not done.stdout, done.stdout
        shutil.rmtree(store.data, ignore_errors=True)
