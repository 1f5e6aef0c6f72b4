"""Goal: a device's own settings page lets whoever knows a password change it, over the socket of
`keyplate passwd listen`: nobody else, one change at a time, and whatever dies meanwhile leaves the
old password or the new one, with an answer that says which.
"""
import fcntl
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

from gateways import BUILD, KEYPLATE, SANITIZED, Open, Program, Serve, box, until

OLD = "old-words-of-mine"
NEW = "new-words-of-mine"
SHOTS = BUILD / "screenshots" / "password"
PATIENCE = 90
WRONG = 8  # in a row, before it is later


def request(user="admin", old=OLD, new=NEW):
    parts = [part if isinstance(part, bytes) else part.encode() for part in (user, old, new)]
    return b"change-password 1\nuser %s\nold %s\nnew %s\n\n" % tuple(parts)


class Listen(Program):
    """`passwd listen`, with its own folder for the socket."""

    def __init__(self, box, credentials, *args, **kwargs):
        self.credentials = credentials
        self.folder = box.dir / f"socket{box.count()}"
        self.folder.mkdir(mode=0o700)
        self.path = self.folder / "s"
        super().__init__(box, ["passwd", "listen", "--socket", self.path, "--credentials",
                               credentials, *args], **kwargs)
        line = self.line()
        assert line == f"listening unix:{self.path}", (line, self.log())

    def connect(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(self.path))  # waits while the backlog is full
        sock.settimeout(PATIENCE)
        return sock

    def send(self, data):
        sock = self.connect()
        try:
            sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # who is turned away at once is answered before he has spoken
        return sock

    def ask(self, data):
        with self.send(data) as sock:
            return answer(sock)

    def child(self):
        """The pid of the change that is being made; 0: none is."""
        text = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
        return int(text.split()[0]) if text.split() else 0


def answer(sock):
    data = b""
    while True:
        try:
            piece = sock.recv(1000)
        except ConnectionResetError:
            piece = b""
        if not piece:
            assert data.count(b"\n") == 1 and data.endswith(b"\n"), data
            return data[:-1].decode()
        data += piece


def right(box, credentials, password, user="admin"):
    path = box.dir / f"given{box.count()}"
    path.touch(0o600)
    path.write_text(password)
    done = subprocess.run([KEYPLATE, "passwd", "check", "--credentials", credentials, "--user", user,
                           "--password-file", path], capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, 3), done.stderr
    return done.returncode == 0


def make(box, *args, user="admin", password=OLD, path=None):
    path = path or box.dir / f"credentials{box.count()}"
    subprocess.run([KEYPLATE, "passwd", "add", "--credentials", path, "--user", user, "--group",
                    "2048", "--password-file", box.secret(password), *args], check=True,
                   capture_output=True, timeout=60)
    return path


@pytest.fixture
def credentials(box):
    return make(box)


@pytest.fixture
def listen(box, credentials):
    return Listen(box, credentials)


# ---- The change ---------------------------------------------------------------------------------


def test_a_password_is_changed(box, listen, credentials):
    """Goal: the right old password brings the new one, at once and for good; nothing of either is
    told to anybody, and nothing is left lying about."""
    before = credentials.stat()
    assert listen.ask(request()) == "done"
    assert right(box, credentials, NEW) and not right(box, credentials, OLD)
    assert listen.ask(request()) == "wrong"
    assert listen.ask(request(old=NEW, new=OLD)) == "done"
    assert credentials.stat().st_mode == before.st_mode and credentials.stat().st_uid == before.st_uid
    assert not list(credentials.parent.glob(".*"))
    log = listen.log()
    assert "the password of admin was changed" in log
    assert OLD not in log and NEW not in log


def test_unicode_and_labels_are_as_everywhere(box):
    """Goal: what a person types is taken as every other way takes it: NFC, and a label's password in
    capitals as it is printed."""
    credentials = make(box, user="J\u00fcrgen", password="gr\u00fcne W\u00f6rter")
    listen = Listen(box, credentials)
    label = subprocess.run([KEYPLATE, "passwd", "change", "--credentials", make(box), "--user", "admin",
                            "--generate"], check=True, capture_output=True, text=True).stdout.strip()
    assert listen.ask(request("Ju\u0308rgen", "gru\u0308ne Wo\u0308rter", label.upper())) == "done"
    assert right(box, credentials, label, "J\u00fcrgen")
    assert listen.ask(request("J\u00fcrgen", label.replace("-", ""), "nai\u0308ve Worte")) == "done"
    assert right(box, credentials, "na\u00efve Worte", "J\u00fcrgen")


@pytest.mark.parametrize("tls, stays", (("1.3", "TLS 1.3 only"), ("any", "TLS 1.2, TLS 1.3")))
def test_versions_stay(box, tls, stays):
    """Goal: a user of TLS 1.3 alone stays one; others have both."""
    credentials = make(box, "--tls", tls)
    listen = Listen(box, credentials)
    assert listen.ask(request()) == "done"
    users = subprocess.run([KEYPLATE, "passwd", "list", "--credentials", credentials], check=True,
                           capture_output=True, text=True).stdout.splitlines()[1:]
    assert users[0].split("\t")[3] == stays and users[0].split("\t")[2] == "generation 2"


@pytest.mark.parametrize("new, code", (("short", "short"), ("password123", "common"), ("", "short"),
                                       ("x" * 1025, "long"), ("aaaaaaaaaaaa", "repeated"),
                                       (b"tab\there-and-more", "characters"),
                                       (b"not \xff utf-8 at all", "characters")))
def test_weak_ones_are_refused(listen, credentials, new, code):
    """Goal: the rules of new passwords are passwd change's, and say what is wrong in a sentence; the
    old password isn't judged for that, and no guess is counted."""
    before = credentials.read_bytes()
    for _ in range(WRONG + 2):
        said = listen.ask(request(new=new))
        assert said.startswith(f"weak {code} the password "), said
    assert listen.ask(request(new=new, old="wrong")) == said
    assert credentials.read_bytes() == before
    assert listen.ask(request()) == "done"


def test_guesses_are_counted(box, listen, credentials):
    """Goal: a wrong password and a name that isn't there have one answer and the same work; after a
    few the answer is later, even for the right one, and nothing is judged."""
    times = {"admin": [], "nobody": []}
    for i in range(WRONG):
        user = ("admin", "nobody")[i % 2]
        began = time.monotonic()
        assert listen.ask(request(user, "wrong-one")) == "wrong"
        times[user].append(time.monotonic() - began)
    began = time.monotonic()
    said = listen.ask(request())
    took = time.monotonic() - began
    assert re.fullmatch(r"later \d+", said) and 0 < int(said.split()[1]) <= 60
    if not SANITIZED:
        assert min(times["nobody"]) > took * 2, (times, took)
        assert 0.3 < min(times["nobody"]) / min(times["admin"]) < 3, times
    assert right(box, credentials, OLD)
    assert "wrong-one" not in listen.log()


def test_the_right_one_costs_no_guess(listen):
    """Goal: who knows the password may change it as often as he likes, and mistype meanwhile."""
    passwords = [OLD, NEW]
    for i in range(WRONG + 3):
        assert listen.ask(request(old=passwords[i % 2], new=passwords[(i + 1) % 2])) == "done"


# ---- What comes in ------------------------------------------------------------------------------


BAD = {
    "another version": b"change-password 2\nuser admin\nold a\nnew b\n\n",
    "no first line": b"user admin\nold a\nnew b\n\n",
    "an empty line first": b"\nchange-password 1\nuser admin\nold a\nnew b\n\n",
    "another order": b"change-password 1\nold a\nuser admin\nnew b\n\n",
    "a line more": b"change-password 1\nuser admin\nold a\nnew b\nnew c\n\n",
    "two users": b"change-password 1\nuser admin\nuser root\nold a\nnew b\n\n",
    "a line missing": b"change-password 1\nuser admin\nnew b\n\n",
    "no space": b"change-password 1\nuseradmin\nold a\nnew b\n\n",
    "a carriage return": request().replace(b"\n", b"\r\n") + b"\n\n",
    "a second request": request() + request(old=NEW, new=OLD),
    "a byte more": request() + b"x",
    "an empty name": request(user=""),
    "a long name": request(user="x" * 256),
    "a name that is not UTF-8": request(user=b"\xc3\x28"),
    "a NUL in the name": request(user=b"admin\0"),
    "a NUL in the old password": request(old=OLD.encode() + b"\0"),
    "an old password that is not UTF-8": request(old=b"\xed\xa0\x80"),
    "an empty old password": request(old=""),
    "5000 bytes": request(old="x" * 4900),
    "4097 bytes without an end": b"change-password 1\nuser admin\nold " + b"x" * 4063,
    "a megabyte": b"change-password 1\n" + b"x" * 1_000_000,
    "a browser": b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n" + request(),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_request(listen, credentials, what):
    """Goal: whatever isn't exactly one request changes nothing and is answered so; the next one is
    served."""
    before = credentials.read_bytes()
    sock = listen.connect()
    try:
        sock.sendall(BAD[what])
        sock.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        pass
    said = answer(sock)
    assert said.startswith("failed request "), said
    assert OLD not in said and NEW not in said
    assert credentials.read_bytes() == before
    assert listen.ask(request()) == "done"


def test_halves_and_pieces(listen, credentials):
    """Goal: a request may come a byte at a time; one that ends early is none; who says nothing gets
    nothing."""
    sock = listen.connect()
    for byte in request():
        sock.sendall(bytes([byte]))
    assert answer(sock) == "done"
    for end in (5, len(request()) - 1):
        sock = listen.send(request(old=NEW, new=OLD)[:end])
        sock.shutdown(socket.SHUT_WR)
        assert answer(sock).startswith("failed request ")
    sock = listen.connect()
    sock.shutdown(socket.SHUT_WR)
    assert sock.recv(10) == b""
    listen.send(request(old=NEW, new=OLD)).close()  # and is gone: it is done all the same
    until(lambda: listen.log().count("was changed") == 2, 30)


def test_slow_ones_and_a_flood(listen):
    """Goal: eight may wait; the ninth hears so at once; each that sends no whole request ends within
    ten seconds, however it dribbles, and an honest one is served then."""
    slow = [listen.send(b"change-password 1\n") for _ in range(8)]
    began = time.monotonic()
    assert listen.ask(request()).startswith("failed busy ")
    assert time.monotonic() - began < 5
    time.sleep(5)
    for sock in slow:
        sock.sendall(b"user ")
    for sock in slow:
        assert answer(sock).startswith("failed request ")
    assert 9 < time.monotonic() - began < 15
    assert listen.ask(request()) == "done"
    for _ in range(300):
        listen.connect().close()
    assert listen.ask(request(old=NEW, new=OLD)) == "done"
    assert len(os.listdir(f"/proc/{listen.pid}/fd")) < 12


# ---- Who may come, and where it listens ---------------------------------------------------------


def test_its_mode(box, credentials):
    """Goal: from its first moment the socket is for its owner alone, or for a group that is named."""
    os.umask(0)
    try:
        listen = Listen(box, credentials)
        group = Listen(box, credentials, "--socket-group", str(os.getgid()))
    finally:
        os.umask(0o022)
    assert stat.S_IMODE(listen.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(group.path.stat().st_mode) == 0o660 and group.path.stat().st_gid == os.getgid()
    for one in (listen, group):
        one.signal(signal.SIGTERM)
        assert one.wait() == 0
        assert not one.path.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_others_are_kept_out(box, credentials):
    """Goal: another user of the machine can't connect, even through a folder that is open to him; a
    member of the group can."""
    def tries(groups=()):
        code = f"import socket\nsocket.socket(socket.AF_UNIX).connect({str(one.path)!r})"
        return subprocess.run(["python3", "-c", code], user=65534, group=65534, extra_groups=groups,
                              capture_output=True, check=False).returncode
    for folder in (box.dir, *box.dir.parents):
        if folder.stat().st_uid == 0 and folder != pathlib.Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)
    for one in (Listen(box, credentials), Listen(box, credentials, "--socket-group", "12345")):
        one.folder.chmod(0o711)
        assert tries() != 0
    assert tries([12345]) == 0


def starts(path, credentials, *args):
    return subprocess.run(["timeout", "20", KEYPLATE, "passwd", "listen", "--socket", path,
                           "--credentials", credentials, *args], capture_output=True, text=True,
                          check=False)


def test_where_it_listens(box, listen, credentials):
    """Goal: it takes no folder in which others could put another socket, and replaces nothing but a
    socket of its own where nobody listens any more."""
    folder = box.dir / "place"
    for mode, fine in ((0o777, False), (0o770, False), (0o775, False), (0o1777, True), (0o755, True)):
        folder.mkdir()
        folder.chmod(mode)
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(str(folder / "s"))
        stale.close()
        if fine:
            process = subprocess.Popen([KEYPLATE, "passwd", "listen", "--socket", folder / "s",
                                        "--credentials", credentials], stdout=subprocess.PIPE)
            assert process.stdout.readline().startswith(b"listening unix:")
            process.terminate()
            assert process.wait(10) == 0 and not list(folder.iterdir())
            process.stdout.close()
        else:
            done = starts(folder / "s", credentials)
            assert done.returncode == 1 and "socket of their own" in done.stderr, done
            assert (folder / "s").is_socket()
        shutil.rmtree(folder)
    done = starts(listen.path, credentials)
    assert done.returncode == 1 and "another process listens" in done.stderr
    other = listen.folder / "file"
    other.write_text("mine")
    link = listen.folder / "link"
    link.symlink_to(listen.path)
    for path in (other, link, listen.folder):
        done = starts(path, credentials)
        assert done.returncode == 1 and "no socket of ours" in done.stderr, done
    assert other.read_text() == "mine" and link.is_symlink()
    assert listen.ask(request()) == "done"


def test_usage(box, credentials, tmp_path):
    """Goal: what can't work is said at the start."""
    assert starts(tmp_path / "s", tmp_path / "none").returncode == 1
    assert "is not there" in starts(tmp_path / "s", tmp_path / "none").stderr
    assert starts(tmp_path / ("x" * 200), credentials).returncode == 2
    assert starts(tmp_path / "s", credentials, "--socket-group", "no-such-group").returncode == 2
    credentials.chmod(0o644)
    assert "chmod 600" in starts(tmp_path / "s", credentials).stderr
    done = subprocess.run([KEYPLATE, "passwd", "listen"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--socket PATH is missing" in done.stderr
    assert not (tmp_path / "s").exists()


def test_a_socket_that_is_passed(box, credentials):
    """Goal: a service manager may have opened the socket (LISTEN_FDS)."""
    path = box.dir / "passed"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    code = ("import os\nos.dup2(%d, 3)\nos.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n"
            "os.execv(%r, [%r, 'passwd', 'listen', '--credentials', %r])"
            % (listener.fileno(), KEYPLATE, KEYPLATE, str(credentials)))
    process = subprocess.Popen(["python3", "-c", code], pass_fds=[listener.fileno()],
                               stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"listening fd:3\n"
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(path))
        sock.sendall(request())
        assert answer(sock) == "done"
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
    assert path.exists()


# ---- Two at once, and death ---------------------------------------------------------------------


def test_two_at_once(box, listen, credentials):
    """Goal: of changes at the same time each is made with the password that is in force then: one
    wins, the others are wrong."""
    socks = [listen.send(request(new=f"new-words-number-{i}")) for i in range(5)]
    said = [answer(sock) for sock in socks]
    assert said == ["done"] + ["wrong"] * 4
    assert right(box, credentials, "new-words-number-0")


def test_beside_passwd_change(box, listen, credentials):
    """Goal: while another program has the file locked a change waits, and says that it is busy when
    that never ends; what another one changed meanwhile is not overwritten."""
    lock = os.open(credentials.parent / f".{credentials.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    sock = listen.send(request())
    time.sleep(2)
    os.close(lock)
    assert answer(sock) == "done"
    # The old password was judged; before the lock is free somebody else sets another one.
    lock = os.open(credentials.parent / f".{credentials.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    sock = listen.send(request(old=NEW, new="never-in-force"))
    time.sleep(2 if not SANITIZED else 5)
    other = make(box, password="by-somebody-else")
    os.replace(other, credentials)
    os.close(lock)
    assert answer(sock).startswith("failed busy ")
    assert right(box, credentials, "by-somebody-else")
    lock = os.open(credentials.parent / f".{credentials.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    began = time.monotonic()
    assert listen.ask(request(old="by-somebody-else")).startswith("failed busy ")
    assert 9 < time.monotonic() - began < 30
    os.close(lock)


def test_credentials_come_and_go(box, listen, credentials):
    """Goal: each change looks at the file as it is: missing, damaged or another one."""
    text = credentials.read_bytes()
    credentials.unlink()
    assert listen.ask(request()).startswith("failed file ")
    credentials.touch(0o600)
    credentials.write_bytes(text[:-30])
    assert listen.ask(request()).startswith("failed file ")
    assert credentials.read_bytes() == text[:-30]
    credentials.unlink()
    make(box, password=NEW, path=credentials)
    assert listen.ask(request()) == "wrong"
    assert listen.ask(request(old=NEW, new=OLD)) == "done"


def test_a_child_that_is_killed(box, listen, credentials):
    """Goal: kill -9 of the change at any point: the answer says what is in force, the file is old or
    new as a whole, and the next change works."""
    began = time.monotonic()
    assert listen.ask(request()) == "done"
    usual = time.monotonic() - began
    current, other, killed = NEW, OLD, 0
    for i in range(24):
        sock = listen.send(request(old=current, new=other))
        child = until(listen.child, 10)
        time.sleep(usual * (i % 12) / 11)
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass
        said = answer(sock)
        assert said == "done" or said.startswith("failed memory "), said
        killed += said != "done"
        if said == "done":
            current, other = other, current
        assert right(box, credentials, current), (i, said)
    assert killed > 5
    assert listen.ask(request(old=current, new="in-force-at-last")) == "done"
    assert not list(credentials.parent.glob(".*"))


def traced(listen, call, data):
    """What is said when the change dies at its call of that name."""
    if shutil.which("strace") is None:
        pytest.skip("strace isn't installed")
    trace = listen.folder / "trace"
    process = subprocess.Popen(["timeout", "60", "strace", "-f", "-qq", "-o", trace, "-e",
                                f"trace={call.split(':')[0]}", "-e",
                                f"inject={call.replace(':', ':signal=SIGKILL:', 1)}" if ":" in call
                                else f"inject={call}:signal=SIGKILL", "-p",
                                str(listen.pid)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: "TracerPid:\t0" not in
              pathlib.Path(f"/proc/{listen.pid}/status").read_text("ascii"), 10)
        return listen.ask(data)
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.skipif(SANITIZED, reason="LeakSanitizer doesn't work under a tracer")
@pytest.mark.skipif(os.getuid() != 0, reason="only root may trace what is closed to others")
@pytest.mark.parametrize("call, done", (("renameat", False), ("fsync:when=2", True)))
def test_killed_around_the_rename(box, listen, credentials, call, done):
    """Goal: a child that dies when the new password is in force, but before it could say so, is
    answered by done; one that dies before, by failed."""
    said = traced(listen, call, request())
    assert (said == "done") == done, said
    assert done or said.startswith("failed memory ")
    assert right(box, credentials, NEW if done else OLD)


def test_the_end(box, listen, credentials):
    """Goal: SIGTERM lets the change that is being made end, answers who waits, and takes the socket
    away; SIGKILL leaves a socket that the next start replaces."""
    working, waiting = listen.send(request()), listen.send(request()[:20])
    until(listen.child, 10)
    listen.signal(signal.SIGTERM)
    assert answer(working) == "done" and answer(waiting).startswith("failed busy ")
    assert listen.wait() == 0 and not listen.path.exists()
    again = Listen(box, credentials)
    again.signal(signal.SIGKILL)
    again.wait()
    done = subprocess.Popen([KEYPLATE, "passwd", "listen", "--socket", again.path, "--credentials",
                             credentials], stdout=subprocess.PIPE)
    assert done.stdout.readline().startswith(b"listening ")
    done.terminate()
    assert done.wait(10) == 0
    done.stdout.close()


# ---- Memory -------------------------------------------------------------------------------------


def anonymous_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text("ascii")
    return int(re.search(r"RssAnon:\s+(\d+)", text)[1])


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has far more memory of its own")
def test_without_the_memory(box, credentials):
    """Goal: where scrypt's 32 MiB can't be had the answer says so and the old password stays; this
    process stays small and serves when there is room again."""
    listen = Listen(box, credentials)
    size = int(re.search(r"VmSize:\s+(\d+)",
                         pathlib.Path(f"/proc/{listen.pid}/status").read_text("ascii"))[1]) * 1024
    before = credentials.read_bytes()
    for room in (1 << 20, 8 << 20, 24 << 20):
        resource.prlimit(listen.pid, resource.RLIMIT_AS, (size + room, resource.RLIM_INFINITY))
        assert listen.ask(request()).startswith(("failed memory ", "failed file ")), room
        assert credentials.read_bytes() == before
    resource.prlimit(listen.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    assert listen.ask(request()) == "done"


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has far more memory of its own")
def test_it_stays_small(box, credentials):
    """Goal: the 32 MiB are the change's alone, and that is what dies first when memory is short."""
    listen = Listen(box, credentials)
    idle = anonymous_kib(listen.pid)
    most, victim = 0, ""
    words = [OLD, NEW]
    for i in range(4):
        sock = listen.send(request(old=words[i % 2], new=words[(i + 1) % 2]))
        end = time.monotonic() + 30
        sock.setblocking(False)
        while time.monotonic() < end:
            child = listen.child()
            try:
                most = max(most, anonymous_kib(child))
                victim = victim or pathlib.Path(f"/proc/{child}/oom_score_adj").read_text("ascii").strip()
            except (OSError, TypeError):
                pass
            try:
                if sock.recv(10, socket.MSG_PEEK):
                    break
            except BlockingIOError:
                time.sleep(0.005)
        sock.setblocking(True)
        assert answer(sock) == "done"
    after = anonymous_kib(listen.pid)
    print(f"listen: {idle} KiB idle, {after} KiB after 4 changes; a change had {most} KiB")
    assert most > 30 * 1024, most
    assert idle < 4 * 1024 and after < idle + 512, (idle, after)
    assert victim == "1000"
    assert pathlib.Path(f"/proc/{listen.pid}/oom_score_adj").read_text("ascii").strip() != "1000"


def test_it_is_closed(listen):
    """Goal: no core file, no new privileges, no other user's eyes: what is typed stays here."""
    status = pathlib.Path(f"/proc/{listen.pid}/status").read_text("ascii")
    assert re.search(r"NoNewPrivs:\s+1", status)
    limits = pathlib.Path(f"/proc/{listen.pid}/limits").read_text("ascii")
    assert re.search(r"Max core file size\s+0\s+0", limits)
    assert pathlib.Path(f"/proc/{listen.pid}/mem").stat().st_uid == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to others")
@pytest.mark.parametrize("owner, group", ((65534, 65534), (0, 12345)))
def test_root_gives_up(box, credentials, owner, group):
    """Goal: as root it changes a file of another user as that user, and its owner, group and mode
    stay."""
    home = box.dir / "home"
    home.mkdir(mode=0o750)
    mine = home / "credentials"
    shutil.move(credentials, mine)
    for folder in (home, mine):
        os.chown(folder, owner, group)
    for folder in box.dir.parents:
        if folder.stat().st_uid == 0 and folder != pathlib.Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)
    box.dir.chmod(0o711)
    listen = Listen(box, mine)
    assert listen.ask(request()) == "done"
    st = mine.stat()
    assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (owner, group, 0o600)


# ---- For scripts --------------------------------------------------------------------------------


def call(path, data, *args, **more):
    return subprocess.run([KEYPLATE, "passwd", "call", "--socket", path, *args], input=data,
                          capture_output=True, timeout=PATIENCE, check=False, **more)


def test_call(box, listen, credentials, tmp_path):
    """Goal: call is the socket for scripts: the answer on standard output, 0 done, 3 wrong, 1 else."""
    done = call(listen.path, request())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"done\n", b"")
    done = call(listen.path, request())
    assert (done.returncode, done.stdout) == (3, b"wrong\n")
    done = call(listen.path, request(old=NEW, new="short"))
    assert done.returncode == 1 and done.stdout.startswith(b"weak short ")
    done = call(listen.path, b"rubbish")
    assert done.returncode == 1 and done.stdout.startswith(b"failed request ")
    assert call(listen.path, b"").returncode == 1
    done = call(listen.path, b"x" * 5000)
    assert done.returncode == 1 and b"longer than 4096" in done.stderr and not done.stdout
    done = call(tmp_path / "nowhere", request())
    assert done.returncode == 1 and b"does keyplate passwd listen run?" in done.stderr
    for text in (done.stdout, done.stderr):
        assert OLD.encode() not in text and NEW.encode() not in text


def test_call_without_an_answer(tmp_path):
    """Goal: an answer that is cut or none is no success."""
    for said in (b"", b"don", b"done", b"x" * 1000, b"undone\n", b"donee\n"):
        listener = socket.socket(socket.AF_UNIX)
        path = tmp_path / f"s{len(said)}{said[:3].decode()}"
        listener.bind(str(path))
        listener.listen()

        def serve(listener=listener, said=said):
            sock, _ = listener.accept()
            with sock:
                sock.recv(5000)
                sock.sendall(said)
        thread = threading.Thread(target=serve)
        thread.start()
        assert call(path, request()).returncode == 1, said
        thread.join()
        listener.close()


# ---- The demo device's page ---------------------------------------------------------------------


class Demo(Program):
    """The demo device with its form, behind serve."""

    def __init__(self, box, *args):
        program = BUILD / "demo" / "keyplate-demo-device"
        if not program.exists():
            pytest.skip("a build without the demo")
        self.err = box.dir / f"demo{box.count()}"
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen([program, "--listen", f"unix:{box.dir}/demo.socket",
                                             "--proxy-v2", *map(str, args)], bufsize=0, stderr=err,
                                            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.pid = self.process.pid
        box.programs.append(self)
        self.at = self.line().split()[1]


class Page:
    """Its owner at the page, with a password."""

    def __init__(self, box, listen):
        self.demo = Demo(box, "--password-socket", listen.path)
        self.serve = Serve(box, self.demo.at, "--identity", "proxy-v2",
                           credentials=listen.credentials)

    def curl(self, path, *more, password=OLD):
        done = subprocess.run(["curl", "-sk", "-m", "90", "--tls-max", "1.2", "--tlsuser", "admin",
                               "--tlspassword", password, "-w", "\n%{http_code}", *more,
                               f"https://{self.serve.at}{path}"], capture_output=True, text=True,
                              timeout=100, check=False)
        return int(done.stdout.rsplit("\n", 1)[1]), done.stdout

    def post(self, old=OLD, new=NEW, again=None, *more):
        fields = {"old": old, "new": new, "again": new if again is None else again}
        data = [part for name, value in fields.items()
                for part in ("--data-urlencode", f"{name}={value}")]
        return self.curl("/settings/password", *data, *more)


@pytest.fixture
def page(box, listen):
    version = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout
    if "TLS-SRP" not in version:
        pytest.skip("this curl has no TLS-SRP")
    return Page(box, listen)


def errors(text):
    return dict(re.findall(r'<p class="error" id="([a-z]+)-error">([^<]*)</p>', text))


def test_the_page_changes_it(box, page, listen):
    """Goal: the form says who it is for, changes the password, says so in its last answer, and the
    device asks for the new one from then on."""
    status, text = page.curl("/settings")
    assert status == 200 and "<b>admin</b> opens this device" in text
    for field, kind in (("old", "current-password"), ("new", "new-password"), ("again", "new-password")):
        assert re.search(rf'<input id="{field}" name="{field}" type="password" autocomplete="{kind}"', text)
    status, text = page.post()
    assert status == 200 and "Password changed" in text and "asks for the new password" in text
    until(lambda: page.curl("/settings", password=NEW)[0] == 200, 10)
    assert page.curl("/settings", password=OLD)[0] == 0
    log = page.demo.log() + listen.log() + page.serve.log()
    assert OLD not in log and NEW not in log


def test_the_page_says_what_is_wrong(box, page, listen):
    """Goal: each mistake is said beside its field, and nothing is changed."""
    wrong = {
        ("", NEW, None): ("old", "Please fill this in."),
        ("not this one", NEW, None): ("old", "This is not the password."),
        (OLD, "short", None): ("new", "The password is too short"),
        (OLD, "password123", None): ("new", "The password is "),
        (OLD, OLD, None): ("new", "This is the old password."),
        (OLD, NEW, "another"): ("again", "This is not the same"),
        (OLD, "x" * 1025, None): ("new", "This is too long."),
        (OLD, "two\nlines-of-it", None): ("new", "This did not arrive as it should."),
        (f"{OLD}\nnew evil-password\n\n", NEW, None): ("old", "This did not arrive as it should."),
    }
    for given, (field, words) in wrong.items():
        status, text = page.post(*given)
        assert status == 422 and errors(text).keys() == {field}, (given, errors(text))
        assert errors(text)[field].startswith(words), errors(text)
        assert OLD not in text and NEW not in text
    for _ in range(WRONG):
        status, text = page.post(old="not this one")
    assert status == 429 and "too many wrong passwords" in errors(text)["old"]
    listen.signal(signal.SIGTERM)
    listen.wait()
    status, text = page.post()
    assert status == 503 and "cannot be changed at the moment" in text
    assert right(box, listen.credentials, OLD)


def test_the_page_is_for_its_owner(box, page, listen):
    """Goal: no other site's page, no field of the form and nobody unproved can change a password."""
    make(box, user="guest", password="guest-has-this", path=listen.credentials)
    before = listen.credentials.read_bytes()
    status, _ = page.post(OLD, NEW, NEW, "-H", "Origin: https://evil.example")
    assert status == 403
    status, _ = page.post(OLD, NEW, NEW, "-H", "Origin: null")
    assert status == 403
    status, text = page.post("guest-has-this", NEW, NEW, "-d", "user=guest", "-d", "name=guest",
                             "-H", "X-Keyplate-User: guest")
    assert status == 422 and errors(text)["old"] == "This is not the password."
    assert page.curl("/settings/password")[0] == 405
    assert listen.credentials.read_bytes() == before
    header = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"  # LOCAL: nobody
    for line, status in ((b"GET /settings HTTP/1.1", b"200"),
                         (b"POST /settings/password HTTP/1.1", b"403")):
        body = f"old={OLD}&new={NEW}&again={NEW}".encode()
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(page.demo.at.removeprefix("unix:"))
            sock.sendall(header + line + b"\r\nHost: x\r\nConnection: close\r\nContent-Type: "
                         b"application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s"
                         % (len(body), body))
            data = b""
            while piece := sock.recv(65536):
                data += piece
        assert data.split()[1] == status and b'name="old"' not in data
    assert listen.credentials.read_bytes() == before


def test_the_page_in_a_browser(box, listen):
    """Goal: a person changes the password in a real browser; pictures are kept."""
    from browsers import Browser
    page = Page(box, listen)
    opened = Open(box, page.serve, password=OLD)
    browser = Browser("chromium", box.dir)
    box.programs.append(browser)
    browser.goto(opened.link)
    SHOTS.mkdir(parents=True, exist_ok=True)
    origin = opened.origin
    for step in ("form", "wrong"):
        browser.goto(origin + "/settings")
        if step == "wrong":
            fill(browser, "not this one", NEW, NEW)
            browser.until("return document.querySelector('#old-error') !== null")
        for name, size in (("desktop", (1280, 1500)), ("phone", (360, 1700))):
            browser.shot(SHOTS / f"{step}-{name}.png", size)
            wide = browser.run("return document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (step, name, wide)
    fill(browser, OLD, NEW, NEW)
    browser.until("return document.title.startsWith('Password changed')")
    for name, size in (("desktop", (1280, 700)), ("phone", (360, 700))):
        browser.shot(SHOTS / f"done-{name}.png", size)
    assert right(box, listen.credentials, NEW)
    until(lambda: page.serve.log().count("credential") > 0, 10)


def fill(browser, *words):
    browser.run("['old', 'new', 'again'].forEach((id, i) => { document.getElementById(id).value = it[i]; });"
                "document.querySelector('form[action^=\"/settings/password\"]').requestSubmit();", list(words))
