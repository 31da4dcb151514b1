"""shoal-worker by hand, as the daemon runs it: a job, a request, and what it answered."""
import io
import json
import os
import pathlib
import stat
import subprocess
import tarfile


class Answer:
    def __init__(self, job, text):
        self.lines = [json.loads(line) for line in text.splitlines()]
        self.job = job
        self.error = next((line["error"] for line in self.lines if "error" in line), None)
        self.result = next((line["result"] for line in self.lines if "result" in line), None)
        self.warnings = [line["warning"] for line in self.lines if "warning" in line]
        self.progress = [line["progress"] for line in self.lines if "progress" in line]
        assert (self.error is None) != (self.result is None), text

    @property
    def ok(self):
        assert self.error is None, f"{self.job}: {self.error}"
        return self

    def refused(self, kind, words=""):
        assert self.error, f"{self.job} did not fail: {self.result}"
        assert self.error["kind"] == kind and words in self.error["message"], self.error
        return self.error["message"]

    @property
    def image(self):
        assert len(self.ok.result["images"]) == 1
        return self.result["images"][0]

    def statuses(self, label=None):
        return [line["status"] for line in self.progress if label is None or line.get("id") == label]


class Store:
    """A data folder that workers fill. netns: where they run (None: here); known: layers that are said to be there."""

    def __init__(self, build, folder, netns=None, **defaults):
        self.program, self.data, self.netns = build / "shoal-worker", pathlib.Path(folder), netns
        self.defaults = {"reserve_bytes": 1 << 20, **defaults}
        self.known = []

    def command(self, job):
        words = [str(self.program), job]
        return self.netns.command(*words) if self.netns else words

    def request(self, **request):
        return json.dumps({"data_dir": str(self.data), "layers": self.known, **self.defaults, **request}).encode()

    def run(self, job, stream=None, timeout=180, env=None, **request):
        """Does the job. stream: bytes for descriptor 3."""
        words = self.command(job)
        if stream is not None:
            words = ["sh", "-c", 'exec "$@" 3<"$STREAM"', "sh", *words]
        environment = {**os.environ, "HOME": "/nonexistent", **(env or {})}
        with tarfile_name(stream, self.data) as name:
            if name:
                environment["STREAM"] = name
            done = subprocess.run(words, input=self.request(**request), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  timeout=timeout, env=environment, check=False)
        assert done.stdout, f"{job} ended with status {done.returncode} and no answer\n{done.stderr.decode()}"
        answer = Answer(job, done.stdout.decode())
        if answer.result:
            for image in answer.result.get("images", []):
                self.known += [layer for layer in image["layers"] if layer not in self.known]
        return answer

    def start(self, job, **request):
        process = subprocess.Popen(self.command(job), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   env={**os.environ, "HOME": "/nonexistent"})
        process.stdin.write(self.request(**request))
        process.stdin.close()
        return process

    def layer(self, image, number=-1):
        """The folder of an image's layer; the uppermost by default."""
        return self.data / "layers" / image["layers"][number]["name"]

    def left_over(self):
        """Staging folders and temporary files that nobody will ever look for."""
        layers = self.data / "layers"
        found = [path for path in layers.iterdir() if path.name.startswith("tmp-")] if layers.exists() else []
        return found + [path for path in self.data.rglob("*.tmp-*")]

    def config(self, image):
        return json.loads((self.data / "images/blobs/sha256" / image["id"][7:]).read_text(encoding="utf-8"))

    def save(self, path, *images):
        wanted = [{"id": image["id"], "names": [name for name in image["names"] if "@" not in name],
                   "layers": image["layers"]} for image in images]
        return self.run("save", path=str(path), images=wanted).ok


class tarfile_name:
    """A stream as a file name, for the shell to open."""

    def __init__(self, stream, folder):
        self.stream, self.path = stream, None
        self.folder = pathlib.Path(folder)

    def __enter__(self):
        if self.stream is None:
            return None
        if isinstance(self.stream, (str, pathlib.Path)):
            return str(self.stream)
        self.path = self.folder.parent / f"stream-{os.getpid()}-{id(self)}"
        self.path.write_bytes(self.stream)
        return str(self.path)

    def __exit__(self, *_):
        if self.path:
            self.path.unlink()


def tar(*entries):
    """A tar of (name, type or content, options): types are tarfile's; options are fields of TarInfo and "pax"."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, what, *options in entries:
            info = tarfile.TarInfo(name)
            info.mtime = 1000000000
            data = b""
            if isinstance(what, str):
                data = what.encode()
                info.size = len(data)
            elif what in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE,
                        tarfile.FIFOTYPE):
                info.type, info.mode = what, 0o755
            else:
                data, info.size = what, len(what)
            for key, value in (options[0] if options else {}).items():
                if key == "pax":
                    info.pax_headers = value
                else:
                    setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def is_whiteout(path):
    status = path.lstat()
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
