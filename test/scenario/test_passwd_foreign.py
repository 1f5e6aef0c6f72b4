"""keyplate passwd import and export against the real `openssl srp` and `srptool`.
KEYPLATE_BUILD names the build directory (default: build)."""
import os
import pathlib
import shutil
import stat
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("KEYPLATE_BUILD", ROOT / "build")).resolve() / "keyplate"
sys.path.insert(0, str(ROOT / "test"))

from support import verifiers  # noqa: E402

USERS = [("admin", "kestrel-4711"), ("operator 2", "correct horse"), ("jürgen", "pässwörter")]


def openssl(bits=2048):
    return [(name, password, bits) for name, password in USERS]


class Passwd:
    def __init__(self, directory):
        self.directory = directory
        self.file = directory / "credentials"

    def __call__(self, action, *argv):
        done = subprocess.run([PROGRAM, "passwd", action, "--credentials", self.file,
                               *map(str, argv)], capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, start_new_session=True, check=False)
        done.err = done.stderr.decode()
        return done

    def ok(self, *argv):
        done = self(*argv)
        assert done.returncode == 0, done.err
        return done.stdout.decode()

    def fails(self, words, *argv):
        before = self.file.read_bytes() if self.file.exists() else None
        done = self(*argv)
        assert done.returncode == 1, done.err
        assert words in done.err and done.err.count("\n") == 1, done.err
        assert before == (self.file.read_bytes() if self.file.exists() else None)

    def check(self, user, password):
        path = self.directory / "password"
        path.touch(mode=0o600)
        path.write_text(password)
        return self("check", "--user", user, "--password-file", path).returncode

    def users(self):
        return [line.split("\t")[0] for line in self.ok("list").splitlines()[1:]]


@pytest.fixture
def passwd(tmp_path):
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is missing: build it first, or set KEYPLATE_BUILD", pytrace=False)
    return Passwd(tmp_path)


needs_srptool = pytest.mark.skipif(not shutil.which("srptool"), reason="no srptool (gnutls-bin)")


@pytest.mark.parametrize("bits", [2048, 3072, 4096, 6144, 8192])
def test_01_openssl_import(passwd, bits):
    """Goal: a new file takes group and salt length from a real .srpv, and the passwords fit."""
    srpv = verifiers.openssl_srpv(passwd.directory / "f.srpv", openssl(bits))
    passwd.ok("import", srpv, "--device-id", "unit")
    lines = passwd.ok("list").splitlines()
    assert lines[0] == "device id: unit"
    assert lines[1:] == [f"{name}\tgroup {bits}\tgeneration {i}\tTLS 1.2 only"
                         for i, (name, _) in enumerate(USERS, 1)]
    for name, password in USERS:
        assert passwd.check(name, password) == 0
        assert passwd.check(name, password + "x") == 3


def test_02_openssl_round_trip(passwd):
    """Goal: what import took, export writes to the letter; openssl srp takes the exported file and
    knows its users."""
    # openssl srp -modify makes 8192 bits of every user.
    srpv = verifiers.openssl_srpv(passwd.directory / "f.srpv", openssl(8192))
    passwd.ok("import", "--format", "openssl", srpv)
    exported = passwd.directory / "out.srpv"
    passwd.ok("export", exported)
    assert exported.read_text() == srpv.read_text()
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert passwd.ok("export", "--user", "admin").splitlines() == \
        srpv.read_text().splitlines()[:1]
    done = subprocess.run(["openssl", "srp", "-srpvfile", exported, "-modify", "-passin",
                           "pass:kestrel-4711", "-passout", "pass:another-one", "admin"],
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    again = Passwd(passwd.directory)
    again.file = passwd.directory / "second"
    again.ok("import", exported)
    assert again.check("admin", "another-one") == 0
    assert again.check("jürgen", "pässwörter") == 0


def test_03_openssl_knows_our_verifiers(passwd):
    """Goal: openssl srp verifies a password that Keyplate made, in a file that Keyplate wrote."""
    label = passwd.ok("add", "--user", "admin", "--generate").strip()
    exported = passwd.directory / "out.srpv"
    passwd.ok("export", exported)

    def modify(old):
        return subprocess.run(["openssl", "srp", "-srpvfile", exported, "-modify", "-passin",
                               f"pass:{old}", "-passout", "pass:another-one", "admin"],
                              capture_output=True, check=False).returncode
    assert modify("wrong-password") != 0
    assert modify(label) == 0


@needs_srptool
@pytest.mark.parametrize("bits", [2048, 3072, 4096])  # srptool crashes at 8192
def test_04_gnutls_import(passwd, bits):
    """Goal: srptool's files are taken, with their tpasswd.conf and without it."""
    tpasswd, conf = verifiers.gnutls_tpasswd(passwd.directory, [("admin", "kestrel-4711", bits),
                                                                ("bob", "other-pass", bits)])
    passwd.ok("import", "--format", "gnutls", tpasswd, conf)
    assert passwd.users() == ["admin", "bob"]
    assert passwd.check("admin", "kestrel-4711") == 0
    assert passwd.check("bob", "kestrel-4711") == 3
    passwd.file.unlink()
    passwd.ok("import", "--format", "gnutls", tpasswd)
    assert passwd.check("bob", "other-pass") == 0


@needs_srptool
def test_05_gnutls_verifies_ours(passwd):
    """Goal: srptool --verify accepts the password of a file that Keyplate exported."""
    path = passwd.directory / "pw"
    path.touch(mode=0o600)
    path.write_text("kestrel-4711")
    passwd.ok("add", "--user", "admin", "--password-file", path)
    tpasswd, conf = passwd.directory / "out.tpasswd", passwd.directory / "out.conf"
    passwd.ok("export", "--format", "gnutls", tpasswd, conf)
    assert stat.S_IMODE(conf.stat().st_mode) == 0o600
    assert passwd.ok("export", "--format", "gnutls") == tpasswd.read_text()
    verifiers._srptool(["srptool", "--verify", "--passwd", tpasswd, "--passwd-conf", conf, "-u",
                        "admin"], "kestrel-4711")
    with pytest.raises(AssertionError):
        verifiers._srptool(["srptool", "--verify", "--passwd", tpasswd, "--passwd-conf", conf,
                            "-u", "admin"], "kestrel-4712")
    again = Passwd(passwd.directory)
    again.file = passwd.directory / "second"
    again.ok("import", "--format", "gnutls", tpasswd, conf)
    assert again.check("admin", "kestrel-4711") == 0


def test_06_users_that_differ(passwd):
    """Goal: another group or salt length than the file's is refused without --force, as a whole;
    with it, list says which names can be told."""
    srpv = verifiers.openssl_srpv(passwd.directory / "f.srpv", openssl())
    passwd.ok("add", "--user", "first", "--generate")
    passwd.fails("--allow-tls12", "import", srpv)
    passwd.fails("--force", "import", "--allow-tls12", srpv)
    assert passwd.users() == ["first"]
    done = passwd("import", "--allow-tls12", "--force", srpv)
    assert done.returncode == 0 and done.err.count("warning: ") == 3
    assert passwd.ok("list").count("strangers can tell") == 3
    assert passwd.check("admin", "kestrel-4711") == 0
    passwd.ok("remove", "--user", "operator 2")
    # A password set anew has the file's group and salt length, and the salt of the name.
    passwd.ok("change", "--user", "admin", "--generate")
    assert passwd.ok("list").count("strangers can tell") == 1

    def salt():
        rows = [line.split(" ") for line in passwd.file.read_text().splitlines()]
        return next(row[3].split(":")[1] for row in rows if row[:2] == ["user", "admin"])
    changed = salt()
    passwd.ok("change", "--user", "admin", "--generate")
    assert salt() == changed


def test_07_all_or_nothing(passwd):
    """Goal: one user who can't be taken, or who is there already, stops the whole import; --user
    takes the one who can be."""
    srpv = verifiers.openssl_srpv(passwd.directory / "f.srpv",
                                  [("good", "password1", 2048), ("weak", "password2", 1024)])
    passwd.fails("line 2: user weak has a group", "import", srpv)
    assert not passwd.file.exists()
    passwd.ok("import", srpv, "--user", "good")
    assert passwd.users() == ["good"]
    passwd.fails("already", "import", srpv, "--user", "good")
    passwd.fails("has no user nobody", "import", srpv, "--user", "nobody")


def test_08_files_that_are_wrong(passwd):
    """Goal: what OpenSSL or GnuTLS would not read is refused, with file and line."""
    bad = passwd.directory / "bad"
    bad.write_text("")
    passwd.fails("has no users", "import", bad)
    bad.write_text("V\tx\ty\tz\t2048\n")
    passwd.fails("bad, line 1: not 6 fields", "import", bad)
    bad.write_text("# fine\n\n")
    passwd.fails("bad, line 2: an empty line", "import", bad)
    passwd.fails("nowhere is not there", "import", passwd.directory / "nowhere")
    passwd.fails("not a regular file", "import", passwd.directory)
    bad.write_text("admin:x\n")
    passwd.fails("bad, line 1: not name:verifier:salt:index", "import", "--format", "gnutls", bad)
    conf = passwd.directory / "conf"
    conf.write_text("0:x:y\n")
    passwd.fails("conf, line 1: not index:N:g", "import", "--format", "gnutls", bad, conf)


def test_09_export_overwrites_nothing(passwd):
    """Goal: a file that is there stays as it is; names that a format can't hold are refused."""
    passwd.ok("add", "--user", "#admin", "--generate")
    there = passwd.directory / "there"
    there.write_text("precious")
    passwd.fails("remove it first", "export", there)
    passwd.fails("remove it first", "export", "--format", "gnutls", passwd.directory / "new", there)
    assert there.read_text() == "precious" and not (passwd.directory / "new").exists()
    (passwd.directory / "link").symlink_to("nowhere")
    passwd.fails("there already", "export", passwd.directory / "link")
    passwd.fails("can't stand in such a file", "export", "--format", "gnutls")
    assert passwd.ok("export").startswith("V\t")
