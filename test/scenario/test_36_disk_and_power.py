"""Goal: whatever a full disk or a power cut does to a change of the credentials, the file is the
old one or the new one, serve goes by one of them, and the next change works; and serve itself,
killed at any moment, starts again and serves."""
import ctypes
import os
import pathlib
import random
import resource
import signal
import subprocess
import threading
import time

import pytest

from faults import LONG, Calm, address, preload
from gateways import (KEYPLATE, PASSWORD, SANITIZED, Serve, box, curl, free_port, talk_http, until)

LIBC = ctypes.CDLL(None)
OTHER = "another-pass-1"
KILLS = 200 if SANITIZED else 1000
RESTARTS = 30


def passwd(action, file, user, *args, **kwargs):
    return subprocess.run(list(map(str, [KEYPLATE, "passwd", action, "--credentials", file,
                                         "--user", user, *args])),
                          capture_output=True, text=True, check=False, **kwargs)


def users(file):
    """{name: generation}; the file has to be whole."""
    done = subprocess.run([KEYPLATE, "passwd", "list", "--credentials", file], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [line.split("\t") for line in done.stdout.splitlines()[1:]]
    return {fields[0]: fields[2] for fields in found}


def litter(folder):
    """Of passwd's: serve has a file of its own beside."""
    return [one.name for one in folder.iterdir()
            if one.name == ".credentials.lock" or one.name.startswith(".credentials.keyplate-")]


def comes_in(serve, password, user="admin", source=None):
    """By an address of its own: what is refused here is a guess."""
    done = curl(f"https://{serve.at}/", "--interface", source or address(), user=user,
                password=password, timeout=LONG)
    return done.stdout == b"hello"


# ---- A full disk --------------------------------------------------------------------------------

class SmallDisk:
    """A disk of 64 KiB, and few files, in a mount namespace that ends with its holder.  inside: its
    folder for programs that entered; outside: the same for root's others."""

    def __init__(self, folder):
        self.inside = folder
        mount = f"mount -t tmpfs -o size=64k,nr_inodes=9,mode=700 tmpfs {folder}"
        script = f"{mount} && echo && exec cat"
        self.holder = subprocess.Popen(["unshare", "-m", "sh", "-c", script],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        self.made = self.holder.stdout.readline() == b"\n"
        self.outside = pathlib.Path(f"/proc/{self.holder.pid}/root{folder}")

    def enter(self):
        """In a child, before it is the program."""
        namespace = os.open(f"/proc/{self.holder.pid}/ns/mnt", os.O_RDONLY)
        assert LIBC.setns(namespace, 0) == 0
        os.close(namespace)

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()


@pytest.fixture
def small_disk(tmp_path):
    (tmp_path / "disk").mkdir()
    disk = SmallDisk(tmp_path / "disk")
    if disk.made:
        yield disk
    disk.close()
    if not disk.made:
        pytest.skip("a small disk needs root, unshare and mount")


def fill(folder, name, room=0):
    """Leaves room bytes, in blocks of 4096."""
    with open(folder / name, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
        file.truncate(os.stat(file.fileno()).st_size - room)


def test_a_full_disk(box, small_disk):
    """No room at all, room for half of the file, and no room for a name."""
    folder = small_disk.outside
    credentials = folder / "credentials"
    people = (("admin", PASSWORD), *((f"person{i}", PASSWORD) for i in range(12)))
    for index, (user, password) in enumerate(people):
        box.passwd("add", credentials, user, password, "--tls", "1.2",
                   *(("--group", "2048") if not index else ()))
    assert os.stat(credentials).st_size > 6144, "it needs two blocks, with one user less too"
    serve = box.serve(box.upstream(talk_http()), credentials=small_disk.inside / "credentials",
                      preexec_fn=small_disk.enter)
    calm = Calm(serve, body=b"hello")
    before = credentials.read_bytes()

    def nothing_changes():
        for action, args in (("change", ("--generate",)), ("remove", ())):
            done = passwd(action, credentials, "admin", *args)
            assert done.returncode == 1 and done.stdout == "", done
            assert "No space left on device" in done.stderr, done
        done = passwd("add", credentials, "new", "--generate")
        assert done.returncode == 1 and "No space left on device" in done.stderr, done
        assert credentials.read_bytes() == before
        assert not [name for name in litter(folder) if "keyplate-" in name]

    for room in (0, 4096):
        fill(folder, "ballast", room)
        nothing_changes()
        (folder / "ballast").unlink()
    number = 0
    try:
        while True:
            (folder / f"file{number}").touch()
            number += 1
    except OSError:
        pass
    nothing_changes()
    calm.again()
    assert "old ones stay" not in serve.log(), "serve saw nothing of it"
    for name in range(number):
        (folder / f"file{name}").unlink()
    box.passwd("change", credentials, "admin", OTHER)
    serve.logged("is in force")
    calm.password = OTHER
    calm.again()
    assert not comes_in(serve, PASSWORD)


def no_more_than(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("room", [0, 700])
def test_a_file_that_may_not_grow(box, room):
    """The limit of a process on what it writes: the same words, and nobody is killed by it."""
    serve = box.serve(box.upstream(talk_http()))
    before = serve.credentials.read_bytes()
    assert len(before) > room
    for action, user, args in (("change", "admin", ("--generate",)),
                               ("add", "new", ("--generate",))):
        done = passwd(action, serve.credentials, user, *args, preexec_fn=no_more_than(room))
        assert done.returncode == 1 and done.stdout == "", done
        assert "File too large" in done.stderr and "nothing was changed" in done.stderr
    assert serve.credentials.read_bytes() == before
    assert not [one for one in box.dir.iterdir() if ".keyplate-" in one.name]
    assert comes_in(serve, PASSWORD)


@pytest.mark.parametrize("how", ["a full disk", "a file that may not grow"])
def test_a_log_that_nobody_can_write(box, how):
    """serve goes on without it."""
    def lose_the_log():
        if how == "a full disk":
            os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    serve = box.serve(box.upstream(talk_http()), "--verbose", preexec_fn=lose_the_log)
    calm = Calm(serve, body=b"hello")
    assert serve.log() == ""
    box.passwd("change", serve.credentials, "admin", OTHER)
    until(lambda: comes_in(serve, OTHER), LONG)
    calm.password = OTHER
    calm.again()


# ---- A power cut --------------------------------------------------------------------------------

class Cuts:
    """passwd, killed after a time of chance; how long each action usually takes is found on the
    way, so that most kills come while it is at work, on fast machines and slow ones."""

    def __init__(self, file, secret):
        self.file, self.secret = file, secret
        self.dice = random.Random(4711)
        self.usual = {}
        self.early = self.late = self.old = self.new = 0

    def run(self, action, user):
        args = [KEYPLATE, "passwd", action, "--credentials", self.file, "--user", user]
        if action != "remove":  # of TLS 1.2 alone: else scrypt takes nearly all the time
            args += ["--tls", "1.2", "--password-file", self.secret]
        began = time.monotonic()
        process = subprocess.Popen(list(map(str, args)), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if action not in self.usual:
            _, err = process.communicate(timeout=LONG)
            assert process.returncode == 0, err
            self.usual[action] = time.monotonic() - began
            return
        time.sleep(self.usual[action] * self.dice.triangular(0, 1.2, 0.9))
        process.kill()
        _, err = process.communicate(timeout=LONG)
        killed = process.returncode == -signal.SIGKILL
        assert killed or process.returncode == 0, err
        self.early += killed
        self.late += not killed
        # Half of them in time: the rest shows what comes after the new name was given.
        self.usual[action] *= 1.01 if killed else 0.97


def test_a_power_cut_at_any_moment(box):
    """Goal: as above, a thousand times, on a file that serve goes by."""
    folder = box.dir / "credentials"
    folder.mkdir()
    file = folder / "credentials"
    for index in range(6):
        box.passwd("add", file, f"person{index}", PASSWORD, "--tls", "1.2",
                   *(("--group", "2048") if not index else ()))
    box.passwd("add", file, "keeper", PASSWORD, "--tls", "1.2")
    serve = box.serve(box.upstream(talk_http()), credentials=file)
    calm = Calm(serve, user="keeper", body=b"hello")
    cuts = Cuts(file, box.secret(OTHER))
    stop, refused = threading.Event(), []
    visits = []

    def visit():
        while not stop.is_set():
            (visits if comes_in(serve, PASSWORD, "keeper") else refused).append(1)
            time.sleep(0.1)

    visitor = threading.Thread(target=visit)
    visitor.start()
    began = time.monotonic()
    try:
        known, before = users(file), file.read_bytes()
        for number in range(KILLS):
            if "coming" not in known:
                action, user = ("add", "coming") if number % 3 == 0 else ("change", "person3")
            else:
                action, user = ("remove", "coming") if number % 3 == 0 else ("change", "person2")
            cuts.run(action, user)
            assert len(litter(folder)) <= 2, "a lock and the file of who was killed last"
            after = file.read_bytes()
            cuts.old += after == before
            if after != before:  # what was whole before is whole
                cuts.new += 1
                now = users(file)
                same = {name: at for name, at in known.items() if name != user}
                assert {name: at for name, at in now.items() if name != user} == same
                assert (user in now) == (action != "remove")
                assert known.get(user) != now.get(user)
                known, before = now, after
    finally:
        stop.set()
        visitor.join()
    print(f"{KILLS} runs in {time.monotonic() - began:.0f} s: {cuts.early} killed, {cuts.late} "
          f"done before; {cuts.old} old, {cuts.new} new; {len(visits)} visits")
    assert cuts.early > KILLS // 8 and cuts.new > 0
    assert visits and not refused, "who wasn't changed was kept out"
    assert "stay in force" not in serve.log()
    box.passwd("change", file, "person1", OTHER, "--tls", "1.2")
    assert litter(folder) == [], "the next change tidies up"
    until(lambda: comes_in(serve, OTHER, "person1"), LONG)
    calm.again(kib=4096)


@pytest.mark.parametrize("action", ["make", "add", "change", "remove"])
def test_a_power_cut_at_every_call(box, action):
    """Goal: as above, at each call that changes files, a write being done by half."""
    folder = box.dir / "credentials"
    folder.mkdir()
    file = folder / "credentials"
    if action != "make":
        for user in ("first", "person"):
            box.passwd("add", file, user, PASSWORD, "--tls", "1.2", "--group", "2048")
    args = () if action == "remove" else ("--tls", "1.2", "--password-file", box.secret(OTHER))
    user = "person" if action in ("change", "remove") else "new"
    env = {**os.environ, **preload("cut", box.dir)}
    before = file.read_bytes() if action != "make" else None
    outcomes = []
    for number in range(1, 100):
        for one in folder.iterdir():
            one.unlink()
        if before is not None:
            file.touch(0o600)
            file.write_bytes(before)
        done = passwd("add" if action == "make" else action, file, user, *args,
                      *(("--group", "2048") if action in ("make", "add") else ()),
                      env={**env, "CUT_AT": str(number)})
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done
        after = file.read_bytes() if file.exists() else None
        outcomes.append(after == before)
        if after != before:
            assert (user in users(file)) == (action != "remove")
        assert len(litter(folder)) <= 2
        box.passwd("add", file, "next", PASSWORD, "--tls", "1.2", "--group", "2048")
        assert "next" in users(file) and litter(folder) == [], "the next change works and tidies up"
    print(f"{action}: the old file {outcomes.count(True)} times, then the new one, "
          f"{outcomes.count(False)} times")
    assert outcomes[0] and not outcomes[-1] and outcomes == sorted(outcomes, reverse=True)
    assert len(outcomes) > 4


# ---- serve itself -------------------------------------------------------------------------------

def load_of(serve):
    """Somebody who is in the middle of it."""
    return subprocess.Popen(["curl", "-sk", "--tls-max", "1.2", "--tlsuser", "person0",
                             "--tlspassword", PASSWORD, "--interface", address(), "--max-time",
                             str(LONG), "-o", os.devnull, f"https://{serve.at}/"])


def test_serve_is_killed_at_any_moment(box):
    """While it starts and while it serves: it leaves nothing that keeps the next from starting.
    Guesses that it may not have counted are taken as made, so whoever asks was proved from his
    address before, and asks no more than three times."""
    folder = box.dir / "credentials"
    folder.mkdir()
    known = [(f"person{i}", address()) for i in range(RESTARTS // 3 + 1)]
    for index, (user, _) in enumerate(known):
        box.passwd("add", folder / "credentials", user, PASSWORD, "--tls", "1.2",
                   *(("--group", "2048") if not index else ()))
    upstream = box.upstream(talk_http())
    at = f"127.0.0.1:{free_port()}"

    def start():
        return Serve(box, upstream, credentials=folder / "credentials", listen=(at,))

    began = time.monotonic()
    serve = start()
    usual = time.monotonic() - began
    for user, source in known:
        assert comes_in(serve, PASSWORD, user, source)
    serve.stop()
    serve = start()
    dice = random.Random(4711)
    for number in range(RESTARTS):
        idle, load = [serve.raw() for _ in range(3)], load_of(serve)
        time.sleep(dice.uniform(0, usual))
        serve.process.kill()
        serve.process.wait()
        load.wait()
        for sock in idle:
            sock.close()
        starting = subprocess.Popen([KEYPLATE, "serve", "--credentials", folder / "credentials",
                                     "--upstream", upstream.at, "--listen", at],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0, usual * 1.2))
        starting.kill()
        starting.wait()
        serve = start()
        assert comes_in(serve, PASSWORD, *known[number % (len(known) - 1)]), serve.log()
    assert len(list(folder.iterdir())) <= 4, "what it leaves doesn't pile up"
    Calm(serve, known[-1][0], body=b"hello", source=known[-1][1]).again()
