"""Goal: a password that is to be remembered is in the desktop's keyring and comes back from there;
where there is no keyring that is said in a sentence, soon, and nothing is started or waits."""
import os
import shutil
import socket
import subprocess
import time

import pytest

from gateways import BUILD, box, until  # noqa: F401

TRY = BUILD / "test" / "scenario" / "keyring-try"
BUS = """<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy>
</busconfig>"""


class Session:
    """A desktop session's bus, and in it a keyring that password opens (None: nobody has opened it
    yet; False: none).  Nothing that is missing can be started: no prompter either."""

    def __init__(self, folder, password):
        for program in "dbus-daemon", "gnome-keyring-daemon":
            if shutil.which(program) is None:
                pytest.skip(f"{program} isn't installed")
        folder.mkdir(mode=0o700)
        (folder / "runtime").mkdir(mode=0o700)
        self.address = folder / "bus"
        (folder / "bus.conf").write_text(BUS.format(path=self.address))
        self.env = environment(folder, f"unix:path={self.address}")
        self.processes = []
        try:
            self.start(password)
        except AssertionError:
            self.stop()
            raise

    def start(self, password):
        self.run("dbus-daemon", "--nofork", "--nopidfile", "--config-file",
                 self.address.parent / "bus.conf")
        until(self.address.exists)
        if password is not False:
            keyring = self.run("gnome-keyring-daemon", "--foreground", "--components=secrets",
                               *([] if password is None else ["--unlock"]))
            keyring.stdin.write((password or "").encode())
            keyring.stdin.close()
            until(self.has_keyring, 20)

    def run(self, *argv):
        process = subprocess.Popen(list(map(str, argv)), env=self.env, stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def has_keyring(self):
        done = subprocess.run(["dbus-send", "--session", "--print-reply",
                               "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.ListNames"],
                              env=self.env, capture_output=True, text=True, check=False)
        return "org.freedesktop.secrets" in done.stdout

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(10)
            process.stdin.close()


def environment(folder, address):
    env = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "runtime"),
           "DBUS_SESSION_BUS_ADDRESS": address}
    for name in "DATA", "CONFIG", "CACHE":
        env[f"XDG_{name}_HOME"] = str(folder / name.lower())
    (folder / "leaks").write_text("leak:libglib-2.0\n")  # 24 bytes a visit, its own
    env["LSAN_OPTIONS"] = f"suppressions={folder}/leaks:print_suppressions=0"
    for name in "DISPLAY", "WAYLAND_DISPLAY", "SUDO_UID":
        env.pop(name, None)
    return env


@pytest.fixture
def session(box):
    made = []

    def make(password="open sesame"):
        made.append(Session(box.dir / f"session{box.count()}", password))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def ask(env, *args, seconds=30):
    """The result and the text; how long it took."""
    begin = time.monotonic()
    done = subprocess.run([TRY, *args], env=env, capture_output=True, text=True, timeout=seconds,
                          check=False)
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert done.stderr == "", done.stderr
    result, text = done.stdout.rstrip("\n").split(" ", 1)
    if "isn't installed" in text or "knows no keyring" in text:
        pytest.skip(text)
    return int(result), text, time.monotonic() - begin


def test_what_is_saved_comes_back(session):
    env = session().env
    assert ask(env, "get", "dev-1", "admin")[0] == 1
    for user, password in ("admin", "pass wörd €"), ("guest", "x" * 200):
        assert ask(env, "save", "dev-1", user, f"Keyplate: {user}", password)[0] == 0
        assert ask(env, "get", "dev-1", user)[:2] == (0, password)
    assert ask(env, "save", "dev-1", "admin", "Keyplate: admin", "another")[0] == 0
    assert ask(env, "get", "dev-1", "admin")[:2] == (0, "another")
    assert ask(env, "get", "dev-2", "admin")[0] == 1
    assert ask(env, "get", "dev-1", "Admin")[0] == 1


def test_what_is_forgotten_is_gone(session):
    env = session().env
    for device, user in ("one", "a"), ("one", "b"), ("one", "c"), ("two", "a"):
        assert ask(env, "save", device, user, "label", f"of {device} {user}")[0] == 0
    assert ask(env, "forget", "one", "a")[0] == 0
    assert ask(env, "get", "one", "a")[0] == 1
    assert ask(env, "forget", "one", "a")[0] == 1
    assert ask(env, "get", "one", "b")[:2] == (0, "of one b")
    assert ask(env, "forget", "one")[0] == 0  # of all users
    assert ask(env, "get", "one", "b")[0] == ask(env, "get", "one", "c")[0] == 1
    assert ask(env, "get", "two", "a")[:2] == (0, "of two a")


def test_it_is_not_on_the_disk_as_it_is(session, box):
    made = session()
    assert ask(made.env, "save", "dev-1", "admin", "label", "plainly-not-there")[0] == 0
    files = [path for path in box.dir.rglob("*") if path.is_file()]
    assert any(path.suffix == ".keyring" for path in files)
    assert not [path for path in files if b"plainly-not-there" in path.read_bytes()]


def refused(env, *words, seconds=8):
    for args in ("save", "d", "u", "label", "p"), ("get", "d", "u"), ("forget", "d", "u"):
        result, why, took = ask(env, *args)
        assert result == -1, why
        assert took < seconds, (args, took)
        for word in words:
            assert word in why, why


def test_no_session(box):
    env = environment(box.dir, "")
    env["DISPLAY"] = ":77"  # where a bus would be started for
    refused(env, "no desktop session", seconds=5)
    refused({**env, "DBUS_SESSION_BUS_ADDRESS": "autolaunch:"}, "no desktop session", seconds=5)
    assert not [path for path in box.dir.iterdir() if path.name == ".dbus"]


def test_a_bus_that_is_gone(box):
    refused(environment(box.dir, f"unix:path={box.dir}/nothing"), "the keyring can't be used")


def test_a_session_without_a_keyring(session):
    refused(session(False).env, "no keyring runs in this session")


def test_a_bus_that_says_nothing(box):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(box.dir / "silent"))
        silent.listen(8)
        env = environment(box.dir, f"unix:path={box.dir}/silent")
        result, why, took = ask(env, "get", "d", "u")
        assert result == -1 and "doesn't answer" in why, why
        assert 5 < took < 15, took


def test_nobody_can_be_asked_for_its_password(session):
    """There is no keyring yet, and no program that could ask for a password for it."""
    made = session(None)
    result, why, took = ask(made.env, "save", "d", "u", "label", "p")
    assert result == -1 and took < 30, (why, took)
    assert "p" != why and why
    assert ask(made.env, "get", "d", "u")[0] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be under sudo")
def test_not_as_root_for_somebody_else(session):
    refused({**session().env, "SUDO_UID": "65533"}, "without sudo", seconds=5)
