"""Goal: what is remembered of devices is the person's to see, name and forget, and is never lost or
guessed at."""
import os
import pathlib
import pwd
import stat
import subprocess
import tempfile
import threading

import pytest

from devices import REQUEST, connect, device, devices, file, saved, spoke, write
from gateways import KEYPLATE, PASSWORD, Terminal, box

ONE = "boiler 192.0.2.7:443 K7F3\\x209 admin 1.2,1.3 1795401537"
TWO = "attic [2001:db8::1]:4433 A-1 J\u00fcrgen 1.2 0"


def test_list(box):
    done = devices("list")
    assert (done.returncode, done.stdout) == (0, "") and "no device is saved" in done.stderr
    write(ONE, TWO)
    done = devices("list", env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "NAME    ADDRESS             LAST SEEN         VERSIONS          USER      DEVICE ID",
        "boiler  192.0.2.7:443       2026-11-23 02:38  TLS 1.2, TLS 1.3  admin     \"K7F3 9\"",
        "attic   [2001:db8::1]:4433  1970-01-01 00:00  TLS 1.2           \"J\u00fcrgen\"  A-1"]


def test_rename_and_forget(box):
    write(ONE, TWO)
    assert devices("rename", "Boiler", "cellar-2").returncode == 0
    assert list(saved()) == ["cellar-2", "attic"]
    assert saved()["cellar-2"]["id"] == "K7F3\\x209"
    assert devices("forget", "attic").returncode == 0
    assert list(saved()) == ["cellar-2"]
    assert devices("forget", "cellar-2").returncode == 0
    assert saved() == {} and open(file(), encoding="ascii").read() == "keyplate-devices 1\nend 0\n"


@pytest.mark.parametrize("args, status, words", [
    (["rename", "boiler", "attic"], 1, "of the new name is saved already"),
    (["rename", "nobody", "new"], 1, "no device of that name"),
    (["rename", "boiler", "New"], 2, "small letters"),
    (["rename", "boiler", "a-"], 2, "small letters"),
    (["rename", "boiler", "a.b"], 2, "small letters"),
    (["rename", "boiler", "x" * 64], 2, "1 to 63"),
    (["rename", "boiler"], 2, "keyplate devices rename OLD NEW"),
    (["forget", "nobody"], 1, "no device of that name"),
    (["forget"], 2, "keyplate devices forget NAME"),
    (["forget", "a", "b"], 2, "keyplate devices forget NAME"),
    (["list", "boiler"], 2, "keyplate devices list"),
    ([], 2, "list, rename, forget or logout"),
    (["burn"], 2, "list, rename, forget or logout"),
    (["rename", "a", "b", "c"], 2, "one word too many"),
])
def test_usage(box, args, status, words):
    write(ONE, TWO)
    before = open(file(), "rb").read()
    done = devices(*args)
    assert done.returncode == status and done.stderr.count("\n") == 1, done
    assert words in done.stderr and open(file(), "rb").read() == before


def test_a_saved_name_opens_the_device(box):
    serve = device(box, "K7F3")
    write(f"localhost {serve.at} K7F3 admin 1.2,1.3 1")
    done = connect(box, "LocalHost", user=None)
    assert done.returncode == 0 and spoke(done) == "1.3 ietf", "it wins over the host of that name"
    write(f"boiler {serve.at} K7F3 admin 1.2,1.3 1")
    done = connect(box, "boiler", "--user", "nobody", user=None)
    assert done.returncode == 3
    done = connect(box, "boilers", user="admin")
    assert done.returncode == 1 and b"no device by the name of boilers" in done.stderr
    done = connect(box, "boiler", "--no-save")
    assert done.returncode == 1 and b"no device by the name of boiler" in done.stderr


def test_the_user_is_remembered(box):
    credentials = box.dir / "credentials"
    box.passwd("add", credentials, "admin", PASSWORD, "--group", "2048", "--device-id", "K7F3")
    box.passwd("add", credentials, "eve", PASSWORD)
    serve = device(box, None, credentials=credentials)
    assert connect(box, serve, "--device-id", "K7F3").returncode == 0
    terminal = Terminal(["connect", "127-0-0-1"])
    terminal.expect("Password of admin at ")
    terminal.type("\x03")
    terminal.wait()
    assert connect(box, "127-0-0-1", user="eve").returncode == 0
    assert saved()["127-0-0-1"]["user"] == "eve"
    assert connect(box, "127-0-0-1", user="admin", password="wrong").returncode == 3
    assert saved()["127-0-0-1"]["user"] == "eve", "only who was proved"


DAMAGES = {
    "cut": (lambda text: text[:-3], 4),
    "empty": (lambda text: "", 1),
    "a line lost": (lambda text: "\n".join(text.split("\n")[:1] + text.split("\n")[2:]), 3),
    "noise": (lambda text: text.replace("K7F3", "K7\tF3"), 2),
    "another kind": (lambda text: text.replace("devices 1", "devices 2"), 1),
}


@pytest.mark.parametrize("damage, line", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_is_told_and_kept(box, damage, line):
    heard = box.upstream(lambda sock: sock.recv(1))
    write(ONE, TWO)
    text = damage(open(file(), encoding="utf-8").read())
    open(file(), "w", encoding="utf-8").write(text)
    for done in (devices("list"), devices("forget", "boiler"), devices("rename", "attic", "a")):
        assert done.returncode == 1 and done.stdout == "", done
        assert f"{file()}, line {line}: " in done.stderr, done.stderr
    done = connect(box, heard)
    assert done.returncode == 1 and f"line {line}: ".encode() in done.stderr
    assert b"--no-save" in done.stderr and heard.seen == []
    assert open(file(), encoding="utf-8").read() == text


def test_modes(box):
    serve = device(box, "K7F3")
    assert connect(box, serve, "--device-id", "K7F3").returncode == 0
    state = pathlib.Path(os.environ["XDG_STATE_HOME"])
    assert stat.S_IMODE(os.stat(file()).st_mode) == 0o600
    for folder in (state, state / "keyplate"):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert os.listdir(state / "keyplate") == ["devices"], "no lock or temporary file is left"
    os.chmod(file(), 0o644)
    done = connect(box, serve)
    assert done.returncode == 1 and b"chmod 600" in done.stderr


def test_where_it_is(box, monkeypatch):
    serve = device(box, "K7F3")
    home = box.dir / "home"
    monkeypatch.setenv("HOME", str(home))
    for unset in ("", "relative/path"):
        monkeypatch.setenv("XDG_STATE_HOME", unset)
        assert connect(box, serve, "--device-id", "K7F3").returncode == 0
        path = home / ".local/state/keyplate/devices"
        assert path.exists() and "127-0-0-1" in devices("list").stdout
        path.unlink()
    monkeypatch.setenv("HOME", "/dev/null/nowhere")
    done = connect(box, serve, "--device-id", "K7F3")
    assert done.returncode == 0 and b"this device can't be saved: " in done.stderr, done.stderr


def test_no_save(box):
    serve = device(box, "K7F3")
    write(f"boiler {serve.at} OTHER admin 1.3 1")
    before = open(file(), "rb").read()
    done = connect(box, serve, "--device-id", "K7F3", "--no-save")
    assert done.returncode == 0 and spoke(done) == "1.3 ietf"
    assert open(file(), "rb").read() == before


def test_names_are_unique(box):
    first, second, third = (device(box, name) for name in ("A", "B", "C"))
    for serve, device_id in ((first, "A"), (second, "B"), (third, "C"), (second, "B")):
        assert connect(box, serve, "--device-id", device_id).returncode == 0
    assert {name: entry["id"] for name, entry in saved().items()} == \
        {"127-0-0-1": "A", "127-0-0-1-2": "B", "127-0-0-1-3": "C"}


def test_many_at_once_lose_nothing(box):
    serves = [device(box, f"id-{i}") for i in range(6)]
    threads = [threading.Thread(target=connect, args=(box, serve, "--device-id", f"id-{i}"))
               for i, serve in enumerate(serves)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry["id"] for entry in saved().values()) == [f"id-{i}" for i in range(6)]


def test_last_seen(box):
    serve = device(box, "K7F3")
    assert connect(box, serve, "--device-id", "K7F3").returncode == 0
    entry = saved()["127-0-0-1"]
    for seen, kept in ((int(entry["seen"]) - 3000, True), (int(entry["seen"]) - 4000, False),
                       (int(entry["seen"]) + 4000, False)):
        write(f"boiler {serve.at} K7F3 admin 1.3 {seen}")
        assert connect(box, serve).returncode == 0
        assert (saved()["boiler"]["seen"] == str(seen)) == kept


def test_under_sudo_it_is_the_person_s(box):
    """Files are made as who typed sudo, so that no link of theirs leads root anywhere."""
    if os.geteuid() != 0:
        pytest.skip("needs root, as sudo gives it")
    serve = device(box, "K7F3")
    person = pwd.getpwuid(65534)
    with tempfile.TemporaryDirectory() as folder:  # the test's own folder is root's alone
        os.chown(folder, person.pw_uid, person.pw_gid)
        env = {**os.environ, "SUDO_UID": "65534", "XDG_STATE_HOME": folder}
        args = [KEYPLATE, *box.connect_args(serve, saves=True), "--device-id", "K7F3"]
        done = subprocess.run(args, input=REQUEST, capture_output=True, env=env, check=False)
        assert done.returncode == 0 and b"saved this device" in done.stderr, done.stderr
        for path in ("keyplate", "keyplate/devices"):
            info = os.stat(f"{folder}/{path}")
            assert (info.st_uid, info.st_gid) == (person.pw_uid, person.pw_gid)
        assert "127-0-0-1" in devices("list", env=env).stdout
        target = pathlib.Path(folder, "keyplate/devices")
        target.unlink()
        secret = box.dir / "of-root"
        secret.touch(0o600)
        target.symlink_to(secret)
        done = subprocess.run(args, input=REQUEST, capture_output=True, env=env, check=False)
        assert done.returncode == 1 and secret.read_bytes() == b""
