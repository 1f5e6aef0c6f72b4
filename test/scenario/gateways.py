"""What the scenario tests of serve, open and connect share: programs under test, small peers.

KEYPLATE_BUILD is the build folder (default: build/ beside test/).
"""
import hashlib
import os
import pathlib
import pty
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))
from support.ports import free_port  # noqa: E402,F401

BUILD = pathlib.Path(os.environ.get("KEYPLATE_BUILD", ROOT / "build")).resolve()
KEYPLATE = str(BUILD / "keyplate")
PASSWORD = "sesame-open-7"
PROOF = "wrong name or password, or this is not your device: someone may be in between"
LINK = re.compile(r"(http://([a-z0-9-]+)\.localhost:(\d+))/\.keyplate/open/([0-9a-f]{64})(/\S*)")
os.environ["LC_ALL"] = "C.UTF-8"  # what is said is compared in English
os.environ.setdefault("LSAN_OPTIONS", f"suppressions={ROOT}/test/support/lsan.supp:print_suppressions=0")
os.environ["XDG_STATE_HOME"] = str(BUILD / "test-state")  # tests without a box save nothing
os.environ["XDG_RUNTIME_DIR"] = str(BUILD / "test-runtime")  # where a hub is handed over
pathlib.Path(os.environ["XDG_RUNTIME_DIR"]).mkdir(mode=0o700, exist_ok=True)
SANITIZED = any(name in subprocess.run(["nm", "-D", KEYPLATE], capture_output=True, text=True,
                                       check=False).stdout for name in ("__asan_", "__tsan_"))


# How many times as long one waits for what has to come: more where programs run in an emulator.
PATIENCE = 1


def until(condition, seconds=8.0, what="it didn't come"):
    end = time.monotonic() + PATIENCE * seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(what)


def read_all(sock, limit=None):
    data = bytearray()
    while limit is None or len(data) < limit:
        piece = sock.recv(65536)
        if not piece:
            break
        data += piece
    return bytes(data)


def pattern(length):
    return (hashlib.sha512(b"pattern").digest() * (length // 64 + 1))[:length]


def rss_kib(pid):
    for line in open(f"/proc/{pid}/status", encoding="ascii"):
        if line.startswith("RssAnon"):
            return int(line.split()[1])
    raise AssertionError("no RssAnon")


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Upstream:
    """A server that runs talk(socket) on a thread for each connection."""

    def __init__(self, talk, path=None, port=0):
        self.talk = talk
        self.seen = []
        self.skip = 0  # connections that serve makes at its start to see whether we are there
        if path is not None:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
            self.at = f"unix:{path}"
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", port))
            self.at = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.listener.listen(512)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if self.skip > 0:
                self.skip -= 1
                sock.close()
                continue
            threading.Thread(target=self.one, args=(sock,), daemon=True).start()

    def one(self, sock):
        try:
            self.seen.append(self.talk(sock))
        except OSError as error:
            self.seen.append(error)
        finally:
            sock.close()

    def close(self):
        # accept() in another thread holds the socket: shutting it down wakes it.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()


def talk_http(body=b"hello"):
    def talk(sock):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = sock.recv(4096)
            if not piece:
                return head
            head += piece
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                     % (len(body), body))
        return head
    return talk


def talk_echo(sock):
    total = 0
    while True:
        piece = sock.recv(65536)
        if not piece:
            return total
        total += len(piece)
        sock.sendall(piece)


def talk_digest(sock):
    """Reads to the end, then answers with a digest: half-close by the client."""
    data = read_all(sock)
    sock.sendall(hashlib.sha256(data).hexdigest().encode())
    return len(data)


def upgraded(talk):
    """Behind the request of a WebSocket, whose bytes are nobody else's: what a page's tunnel carries."""
    def wrapped(sock):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = sock.recv(1)
            if not piece:
                return head
            head += piece
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                     b"Upgrade: websocket\r\n\r\n")
        return talk(sock)
    return wrapped


class Program:
    """A long-running keyplate command; stderr goes to a file."""

    def __init__(self, box, args, **kwargs):
        self.err = box.dir / f"err{box.count()}"
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen([KEYPLATE, *map(str, args)], stdout=subprocess.PIPE,
                                            bufsize=0, stderr=err, stdin=subprocess.DEVNULL,
                                            **kwargs)
        self.pid = self.process.pid
        box.programs.append(self)

    def line(self, seconds=10):
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE * seconds)
        assert ready, f"nothing was printed; stderr: {self.log()}"
        return self.process.stdout.readline().decode().rstrip("\n")

    def log(self):
        return self.err.read_text(errors="replace")

    def logged(self, text, seconds=8.0):
        until(lambda: text in self.log(), seconds, f"no {text!r} in: {self.log()}")
        return [line for line in self.log().splitlines() if text in line]

    def signal(self, number):
        self.process.send_signal(number)

    def freeze(self):
        """It does nothing from here to signal(SIGCONT): each of its threads has heard of it."""
        self.signal(signal.SIGSTOP)
        tasks = pathlib.Path("/proc", str(self.process.pid), "task")
        until(lambda: all((task / "stat").read_text().rsplit(")", 1)[1].split()[0] in "Tt"
                          for task in tasks.iterdir()))

    def wait(self, seconds=15):
        return self.process.wait(seconds)

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGINT)  # at once: two of one kind may come as one
            try:
                self.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        log = self.log()
        for bad in ("Sanitizer", "runtime error:", "Assertion"):
            assert bad not in log, log


class Serve(Program):
    def __init__(self, box, upstream, *args, credentials=None, listen=("127.0.0.1:0",), **kwargs):
        self.credentials = credentials or box.credentials()
        self.upstream = upstream
        self.carries_bytes = ("--http", "off") in zip(args, args[1:])
        if isinstance(upstream, Upstream):
            upstream.skip += 1
        options = ["serve", "--credentials", self.credentials]
        if upstream is not None:  # else a configuration names it
            options += ["--upstream", getattr(upstream, "at", upstream)]
        for one in listen:
            options += ["--listen", one]
        super().__init__(box, options + list(args), **kwargs)
        self.addresses = []
        for _ in listen:
            line = self.line()
            assert line.startswith("listening "), (line, self.log())
            self.addresses.append(line.split()[1])
        self.at = self.addresses[0]
        self.port = int(self.at.rsplit(":", 1)[1])

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)


class Open(Program):
    """saves: what is learned of the device is remembered, for which it is asked by a connection of
    its own; else connections can be counted.  runtime: the folder where others find its hub; None:
    one of its own, so that it hands nothing over.

    link: as it was printed; origin: NAME and port; url: origin and path, for who has the cookie."""

    def __init__(self, box, target, *args, user="admin", password=PASSWORD, saves=False,
                 runtime=None, **kwargs):
        if isinstance(target, Serve):
            if target.carries_bytes:
                target.upstream.skip += 1  # the first handshake, alone, is a connection too
            target = target.at
        args = [*(("--user", user) if user else ()), *(() if saves else ("--no-save",)), *args]
        env = {**os.environ, "XDG_RUNTIME_DIR": str(runtime or box.runtime()),
               **kwargs.pop("env", {})}
        super().__init__(box, ["open", target, "--password-file", box.secret(password),
                               "--no-browser", *args], env=env, **kwargs)
        line = self.line()
        assert line.startswith("open "), (line, self.log())
        self.url = opened(line)
        self.link = line.removeprefix("open ")
        self.origin, self.name, port, self.token, self.path = LINK.fullmatch(self.link).groups()
        self.port = int(port)
        self.host = f"{self.name}.localhost:{self.port}"

    def visit(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    @property
    def cookie(self):
        """Of the browser that follows the link."""
        return Cookies.of(self.origin)

    def head(self, line="GET / HTTP/1.1", *fields):
        """A request's head as the browser that was let in sends it."""
        return "\r\n".join([line, f"Host: {self.host}", f"Cookie: {self.cookie}", *fields,
                            "\r\n"]).encode("latin-1")

    def tunnel(self):
        """A connection to upgraded(talk), from behind its answer on."""
        sock, answer = self.visit(), b""
        sock.sendall(self.head("GET /tunnel HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket",
                              "Sec-WebSocket-Version: 13",
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
        while not answer.endswith(b"\r\n\r\n"):
            piece = sock.recv(1)
            assert piece, answer
            answer += piece
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        return sock


class Ends:
    """Any other program, to be ended with a Box; `timeout` passes the signal on to all it started."""

    def __init__(self, process):
        self.process = process

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Cookies:
    """What a browser has that follows each link of an `open` when it first needs to."""

    links, known = {}, {}  # by origin
    lock = threading.Lock()

    @classmethod
    def of(cls, origin):
        """None: there is no such link."""
        with cls.lock:
            if origin in cls.links:
                cls.known[origin] = follow(cls.links.pop(origin))
            return cls.known.get(origin)


def opened(text):
    """The url that the link in an open's words leads to; curl goes there as the browser that was let
    in."""
    found = LINK.search(text)
    assert found, text
    Cookies.links[found[1]] = found[0]
    return found[1] + found[5]


def follow(link):
    """Uses a one-time link as a browser does: its Cookie."""
    origin, _, port, _, path = LINK.fullmatch(link).groups()
    with socket.create_connection(("127.0.0.1", int(port)), timeout=15) as sock:
        sock.sendall(f"GET {link.removeprefix(origin).split('#')[0]} HTTP/1.1\r\n"
                     f"Host: {origin.removeprefix('http://')}\r\nConnection: close\r\n\r\n".encode())
        answer = read_all(sock).decode()
    assert answer.startswith("HTTP/1.1 303 "), answer
    assert f"\r\nLocation: {path.split('#')[0]}\r\n" in answer, answer
    return re.search(r"\r\nSet-Cookie: (__Host-keyplate=[0-9a-f]{64});", answer)[1]


class Terminal:
    """A keyplate command on a terminal of its own."""

    def __init__(self, args):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(KEYPLATE, [KEYPLATE, *map(str, args)])

    def read(self, seconds=0.1):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if ready:
            try:
                self.text += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:
                pass

    def expect(self, text, seconds=10):
        end = time.monotonic() + seconds
        while text not in self.text:
            assert time.monotonic() < end, f"no {text!r} in {self.text!r}"
            self.read()
        at = self.text.index(text) + len(text)
        before, self.text = self.text[:at], self.text[at:]
        return before

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self, seconds=15):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.read(0)
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            self.read(0.05)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError(f"it didn't end: {self.text!r}")


class Box:
    """A test's folder and the programs that it started."""

    def __init__(self, path):
        self.dir = path
        self.programs = []
        self.upstreams = []
        self.number = 0

    def count(self):
        self.number += 1
        return self.number

    def runtime(self):
        """A folder where nobody has a hub yet."""
        path = self.dir / f"runtime{self.count()}"
        path.mkdir(mode=0o700)
        return path

    def secret(self, password=PASSWORD):
        path = self.dir / ("pw-" + hashlib.sha256(password.encode()).hexdigest()[:12])
        if not path.exists():
            path.touch(0o600)
            path.write_text(password + "\n")
        return path

    def passwd(self, action, file, user, password=None, *args):
        command = [KEYPLATE, "passwd", action, "--credentials", file, "--user", user, *args]
        if password is not None:
            command += ["--password-file", self.secret(password)]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def credentials(self, users=(("admin", PASSWORD),), name="credentials"):
        path = self.dir / f"{name}{self.count()}"
        for index, (user, password) in enumerate(users):
            group = ("--group", "2048") if index == 0 else ()
            self.passwd("add", path, user, password, *group)
        return path

    def upstream(self, talk, **kwargs):
        made = Upstream(talk, **kwargs)
        self.upstreams.append(made)
        return made

    def serve(self, upstream, *args, **kwargs):
        return Serve(self, upstream, *args, **kwargs)

    def serve_bytes(self, upstream, *args, **kwargs):
        """A serve that carries bytes of any protocol."""
        return Serve(self, upstream, "--http", "off", *args, **kwargs)

    def open(self, target, *args, **kwargs):
        return Open(self, target, *args, **kwargs)

    def connect_args(self, target, user="admin", password=PASSWORD, saves=False):
        args = ["connect", getattr(target, "at", target)]
        if user is not None:
            args += ["--user", user]
        if password is not None:
            args += ["--password-file", str(self.secret(password))]
        if not saves:
            args += ["--no-save"]
        return args

    def connect(self, target, data=b"", *args, user="admin", password=PASSWORD, saves=False,
                timeout=40, **kwargs):
        return subprocess.run([KEYPLATE, *self.connect_args(target, user, password, saves), *args],
                              input=data, capture_output=True, timeout=PATIENCE * timeout, check=False,
                              **kwargs)

    def connecting(self, target, *args, user="admin", password=PASSWORD, saves=False, **kwargs):
        process = subprocess.Popen([KEYPLATE, *self.connect_args(target, user, password, saves),
                                    *args],
                                   stdin=kwargs.pop("stdin", subprocess.PIPE),
                                   stdout=kwargs.pop("stdout", subprocess.PIPE),
                                   stderr=subprocess.PIPE, **kwargs)
        self.programs.append(Plain(process))
        return process

    def close(self):
        faults = []
        for program in self.programs:
            try:
                program.stop()
            except AssertionError as fault:
                faults.append(fault)
        for upstream in self.upstreams:
            upstream.close()
        if faults:
            raise faults[0]


class Plain:
    def __init__(self, process):
        self.process = process

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass


@pytest.fixture
def box(tmp_path, monkeypatch):
    # What the person who runs the tests has saved of devices is neither read nor written.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Box(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(made.runtime()))
    yield made
    made.close()


def curl(url, *args, user="admin", password=PASSWORD, timeout=30):
    """To the origin of an `open` that runs it goes as the browser that was let in."""
    cookie = Cookies.of("/".join(url.split("/", 3)[:3]))
    if cookie is not None:
        args = ("-b", cookie, *args)
    command = ["curl", "-sSk", "--tls-max", "1.2", "--max-time", str(timeout)]
    if user is not None:
        command += ["--tlsuser", user, "--tlspassword", password]
    return subprocess.run([*command, *map(str, args), url], capture_output=True, check=False)


def forged_flight(user=b"admin", share_len=256):
    """A whole client's flight from who doesn't know the password and computes nothing: ClientHello,
    A = 2, ChangeCipherSpec and noise in place of Finished.  It costs the server both its parts of the
    arithmetic and gets bad_record_mac."""
    def extension(number, body):
        return struct.pack(">HH", number, len(body)) + body

    def record(kind, body):
        return struct.pack(">BHH", kind, 0x0303, len(body)) + body

    def message(kind, body):
        return struct.pack(">I", kind << 24 | len(body)) + body

    extensions = (extension(12, bytes([len(user)]) + user)  # srp
                  + extension(22, b"") + extension(23, b"")  # encrypt-then-MAC, extended master secret
                  + extension(0xff01, b"\0"))
    hello = (b"\x03\x03" + os.urandom(32) + b"\0"
             + b"\x00\x02\xc0\x20"  # TLS_SRP_SHA_WITH_AES_256_CBC_SHA
             + b"\x01\x00" + struct.pack(">H", len(extensions)) + extensions)
    share = (2).to_bytes(share_len, "big")
    return (record(22, message(1, hello))
            + record(22, message(16, struct.pack(">H", share_len) + share))
            + record(20, b"\x01") + record(22, os.urandom(64)))


def limit_descriptors(number):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))
