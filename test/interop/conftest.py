"""Fixtures of the interop tests. KEYPLATE_BUILD names the build directory (default: build).

A peer that is not installed is skipped with its reason; ./runtests installs them all."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from support import srp_clients  # noqa: E402
from support.keyplate import Keyplate  # noqa: E402
from support.namespace import Namespace  # noqa: E402
from support.needs import need  # noqa: E402
from support.table import Table  # noqa: E402

BUILD = pathlib.Path(os.environ.get("KEYPLATE_BUILD", ROOT / "build")).resolve()

_table = Table()


def pytest_sessionfinish():
    text = _table.markdown()
    if text:
        (BUILD / "interop-table.md").write_text(text)


def pytest_terminal_summary(terminalreporter):
    text = _table.markdown()
    if text:
        terminalreporter.write_line(f"\n{BUILD / 'interop-table.md'}:\n\n{text}")


@pytest.fixture(scope="session")
def table():
    return _table


@pytest.fixture(scope="session")
def keyplate(tmp_path_factory):
    program = BUILD / "keyplate"
    if not program.exists():
        pytest.fail(f"{program} is missing: build it first, or set KEYPLATE_BUILD", pytrace=False)
    return Keyplate(program, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def peers():
    """The directory of libssl_client and libssl_server, built now."""
    done = subprocess.run(["ninja", "-C", BUILD, "interop-peers"], capture_output=True, timeout=180,
                          check=False)
    if done.returncode != 0:
        pytest.fail("ninja interop-peers:\n" + done.stdout.decode() + done.stderr.decode(),
                    pytrace=False)
    return BUILD / "test" / "interop"


@pytest.fixture(scope="session")
def libssl(peers, tmp_path_factory):
    return srp_clients.Libssl(peers / "libssl_client", tmp_path_factory.mktemp("libssl"))


@pytest.fixture(scope="session")
def bouncycastle(tmp_path_factory):
    need("java", "javac")
    jars = [pathlib.Path(jar) for jar in srp_clients.BouncyCastle.JARS.split(":")]
    if not all(jar.exists() for jar in jars):
        pytest.skip("not installed: " + ", ".join(map(str, jars)))
    classes = BUILD / "interop-java"
    source = pathlib.Path(__file__).parent / "peers" / "BcClient.java"
    subprocess.run(["javac", "-d", classes, "-cp", srp_clients.BouncyCastle.JARS, source],
                   check=True, timeout=120)
    version = jars[0].resolve().stem.partition("-")[2]
    return srp_clients.BouncyCastle(classes, version, tmp_path_factory.mktemp("bouncycastle"))


@pytest.fixture(scope="session")
def curl(tmp_path_factory):
    need("curl")
    # Later curls have no TLS-SRP any more.
    if "TLS-SRP" not in subprocess.run(["curl", "--version"], capture_output=True, timeout=10,
                                       check=True).stdout.decode():
        pytest.skip("this curl is built without TLS-SRP")
    return srp_clients.Curl(tmp_path_factory.mktemp("curl"))


@pytest.fixture(scope="session")
def gnutls(tmp_path_factory):
    need("gnutls-cli")
    return srp_clients.Gnutls(tmp_path_factory.mktemp("gnutls"))


@pytest.fixture(scope="module", params=["curl", "gnutls", "libssl", "bouncycastle"])
def client(request):
    """Each TLS-SRP client in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def namespace():
    need("unshare", "nsenter", "ip")
    try:
        ns = Namespace()
    except OSError as error:
        pytest.skip(str(error))
    yield ns
    ns.stop()
