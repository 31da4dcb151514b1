"""The harness of the system tests; tests/README.md describes it."""
import os
import pathlib
import shutil

import pytest
from harness.daemon import Daemon
from harness.machine import Netns, run
from harness.network import Machine
from harness.registry import Registry

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def _as_root():
    assert os.getuid() == 0, "system tests run as root: sudo ./check system"


@pytest.fixture(scope="session")
def build():
    """The build folder: SHOAL_BUILD, or build/ of this tree."""
    return pathlib.Path(os.environ.get("SHOAL_BUILD", ROOT / "build")).resolve()


@pytest.fixture(scope="session")
def nano_httpd(build):
    return build / "nano-httpd"


@pytest.fixture(scope="session")
def images(build, tmp_path_factory):
    """images("hello"): the archive of an image of images/, put together once a session."""
    folder = tmp_path_factory.mktemp("images")

    def image(name):
        path = folder / f"{name}.tar"
        if not path.exists():
            run(ROOT / "images" / "build", "-o", folder, name, env={**os.environ, "SHOAL_BUILD": str(build)})
        return path

    yield image
    shutil.rmtree(folder)


@pytest.fixture
def netns():
    """A network and a mount namespace of the test's own (harness.machine.Netns)."""
    namespace = Netns()
    yield namespace
    namespace.close()


@pytest.fixture
def outside(netns):
    """Another machine, on the same cable: the test's own one is 192.0.2.1 there, this one is 192.0.2.2."""
    namespace = Netns()
    netns.connect(namespace, "192.0.2.1/24", "192.0.2.2/24")
    yield namespace
    namespace.close()


@pytest.fixture
def machine(build, tmp_path):
    """A machine that runs networks (tests/tools/network_box) instead of a daemon, and somebody outside of it."""
    machine = Machine(build / "tests/tools/network_box", tmp_path)
    yield machine
    machine.close()


@pytest.fixture
def registry(build, netns, tmp_path, images):
    """A registry on 127.0.0.1:5000 of netns, over plain HTTP, with hello and busybox in it."""
    return _filled(Registry(build, netns, tmp_path / "registry", images))


@pytest.fixture
def registry_tls(build, netns, tmp_path, images):
    """The same over HTTPS; registry_tls.ca is to be trusted."""
    return _filled(Registry(build, netns, tmp_path / "registry", images, tls=True))


@pytest.fixture
def registry_auth(build, netns, tmp_path, images):
    """The same over HTTPS, and it wants registry_auth.credentials (basic)."""
    return _filled(Registry(build, netns, tmp_path / "registry", images, tls=True, auth=True))


def _filled(registry):
    registry.push("hello")
    registry.push("busybox")
    return registry


@pytest.fixture
def daemon(build, netns, tmp_path):
    """shoal daemon, running, on directories and in namespaces of its own; when the test is over nothing may be left."""
    daemon = Daemon(build, netns, tmp_path / "shoal")
    try:
        daemon.start()
        yield daemon
    finally:
        left = daemon.close()
    assert not left, "left on the machine:\n" + "\n".join(left) + "\n\nthe daemon said:\n" + daemon.said()
