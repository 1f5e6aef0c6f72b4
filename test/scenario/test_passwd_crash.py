"""keyplate passwd against itself and against kill -9: no change is lost, no file is half.
KEYPLATE_BUILD names the build directory (default: build)."""
import fcntl
import os
import pathlib
import random
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("KEYPLATE_BUILD", ROOT / "build")).resolve() / "keyplate"
KILLS = 60


@pytest.fixture
def credentials(tmp_path):
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is missing: build it first, or set KEYPLATE_BUILD", pytrace=False)
    return tmp_path / "credentials"


def argv(credentials, action, *options):
    return [PROGRAM, "passwd", action, "--credentials", credentials, *options]


def start(credentials, action, *options):
    return subprocess.Popen(argv(credentials, action, *options), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            start_new_session=True)


def run(credentials, action, *options):
    process = start(credentials, action, *options)
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(), err.decode()


def password_file(directory, password):
    path = directory / f"password-{password}"
    path.touch(mode=0o600)
    path.write_text(password)
    return path


def test_01_concurrent_adds(credentials):
    """Goal: adds at the same time, the making of the file among them, all count, with one
    generation each."""
    processes = [start(credentials, "add", "--user", f"user{i}", "--generate", "--group", "2048")
                 for i in range(12)]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    status, out, err = run(credentials, "list")
    assert status == 0, err
    users = [line.split("\t") for line in out.splitlines()[1:]]
    assert sorted(u[0] for u in users) == sorted(f"user{i}" for i in range(12))
    assert sorted(u[2] for u in users) == sorted(f"generation {i}" for i in range(1, 13))


def test_02_concurrent_adds_of_one_name(credentials):
    """Goal: of adds of one name one wins and its password is the one that was printed."""
    processes = [start(credentials, "add", "--user", "admin", "--generate", "--group", "2048")
                 for i in range(6)]
    results = [(p.communicate(timeout=60), p.returncode) for p in processes]
    printed = [out for (out, _), status in results if status == 0]
    assert len(printed) == 1
    assert all(b"already" in err for (_, err), status in results if status != 0)
    made = credentials.parent / "made"
    made.touch(mode=0o600)
    made.write_bytes(printed[0])
    status, _, err = run(credentials, "check", "--user", "admin", "--password-file", made)
    assert status == 0, err


def take_lock(credentials):
    lock = os.open(credentials.parent / f".{credentials.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def test_03_lock_is_waited_for(credentials):
    """Goal: a writer waits for another one, and says so in the end when that never finishes."""
    assert run(credentials, "add", "--user", "a", "--generate", "--group", "2048")[0] == 0
    lock = take_lock(credentials)
    process = start(credentials, "add", "--user", "b", "--generate")
    time.sleep(1)
    assert process.poll() is None
    os.close(lock)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    lock = take_lock(credentials)
    status, out, err = run(credentials, "add", "--user", "c", "--generate")
    os.close(lock)
    assert status == 1 and out == "" and "another process" in err
    assert run(credentials, "list")[1].count("\n") == 3


def test_05_nobody_else_holds_it_up(credentials):
    """Goal: who may read the directory can lock that as long as he likes; the lock that counts is
    one that nobody else can open."""
    directory = os.open(credentials.parent, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    began = time.monotonic()
    assert run(credentials, "add", "--user", "a", "--generate", "--group", "2048")[0] == 0
    assert run(credentials, "remove", "--user", "a")[0] == 0
    assert time.monotonic() - began < 20
    os.close(directory)
    lock = credentials.parent / ".credentials.lock"
    assert not lock.exists()
    lock.touch()
    lock.chmod(0o644)
    status, _, err = run(credentials, "add", "--user", "a", "--generate")
    assert status == 1 and "somebody else's" in err


def test_04_kill_in_the_middle(credentials):
    """Goal: killed at any moment, change leaves the old or the new file whole, and the next change
    works and leaves nothing lying about."""
    directory = credentials.parent
    passwords = [password_file(directory, f"crossing-{i}") for i in range(KILLS + 2)]
    # TLS 1.2 alone: the writing would be a small part of the time that scrypt takes.
    change = ("change", "--user", "admin", "--tls", "1.2", "--password-file")
    assert run(credentials, "add", "--user", "admin", "--group", "2048", "--tls", "1.2",
               "--password-file", passwords[0])[0] == 0
    for i in range(150):  # a larger file takes longer to write
        assert i > 40 or run(credentials, "add", "--user", f"u{i}", "--generate")[0] == 0
    began = time.monotonic()
    assert run(credentials, *change, passwords[1])[0] == 0
    usual = time.monotonic() - began
    current, killed, changed = 1, 0, 0
    dice = random.Random(4711)
    for i in range(2, KILLS + 2):
        before = credentials.read_bytes()
        process = start(credentials, *change, passwords[i])
        # Most of the kills in the second half: there the file is written.
        time.sleep(usual * dice.triangular(0, 1.1, 0.8))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
        killed += process.returncode == -signal.SIGKILL
        assert len(list(directory.glob(".credentials.keyplate-*"))) <= 1
        if credentials.read_bytes() != before:
            changed += 1
            current = i
        status, out, err = run(credentials, "list")
        assert status == 0 and out.count("\n") == 43, err
        status, _, err = run(credentials, "check", "--user", "admin", "--password-file",
                             passwords[current])
        assert status == 0, err
    assert killed > KILLS // 4, "the kills came too late to test anything"
    assert run(credentials, *change, passwords[0])[0] == 0
    assert not list(directory.glob(".*"))
