"""Programs out of Debian packages, with the libraries that they need and nothing more."""
import pathlib
import re
import subprocess
import tempfile

DEBS = pathlib.Path(__file__).resolve().parent.parent / "tools" / "debs"


class Packages:
    """The files of a set of packages (see tools/debs), taken out into a folder of their own."""

    def __init__(self, name):
        self._folder = tempfile.TemporaryDirectory(prefix="shoal-image-")
        self.root = pathlib.Path(self._folder.name)
        subprocess.run([DEBS, "extract", name, self.root], check=True)

    def path(self, name):
        """A file of the packages; its symbolic links are followed inside them."""
        path = self.root / name.lstrip("/")
        while path.is_symlink():
            target = path.readlink()
            path = self.root / str(target).lstrip("/") if target.is_absolute() else path.parent / target
        if not path.exists():
            raise LookupError(f"no package of the set has /{name.lstrip('/')}")
        return path

    def _library(self, name):
        """Where the dynamic loader finds a library, without the leading '/'."""
        found = sorted(path.relative_to(self.root) for path in self.root.glob(f"**/lib/*/{name}"))
        if not found:
            raise LookupError(f"no package of the set has {name}: add its package to the set in tools/debs")
        return str(found[0])

    def add_program(self, libraries, layer, path):
        """Adds a program to layer under its own path, its loader and its libraries to the layer libraries."""
        layer.copy(self.path(path), path, 0o755)
        waiting = [path]
        while waiting:
            needed, loader = read_dynamic(self.path(waiting.pop()))
            for name in [self._library(name) for name in needed] + ([loader] if loader else []):
                if name.lstrip("/") not in libraries.entries:
                    libraries.copy(self.path(name), name, 0o755)
                    waiting.append(name)


def read_dynamic(path):
    """(names of needed libraries, path of the loader or None), as readelf prints them."""
    text = subprocess.run(["readelf", "-W", "-d", "-l", path], capture_output=True, text=True, check=True).stdout
    loader = re.search(r"Requesting program interpreter: ([^\]]+)\]", text)
    return re.findall(r"\(NEEDED\).*\[([^\]]+)\]", text), loader and loader[1]
