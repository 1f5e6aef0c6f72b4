"""Goal: a stranger builds the example of integrations/own-server against an installed libkeyplate, as
its page says, and has a web server that keeps its word: both versions of TLS, HTTP as browsers speak
it, bounded time and memory, and nothing to a stranger."""
import concurrent.futures
import html
import json
import os
import re
import shutil
import socket
import subprocess
import time

import pytest

from gateways import (BUILD, KEYPLATE, PASSWORD, PROOF, ROOT, SANITIZED, box, curl, free_port,
                      read_all, until)
from http_peers import BY_TLS12, BY_TLS13, ID, Channel, credentials

HERE = ROOT / "integrations" / "own-server"
FORM = "application/x-www-form-urlencoded"
STRANGE = 'Z<o>"&\'é'
USERS = (("admin", PASSWORD), (STRANGE, "another-9-word"))
WAYS = pytest.mark.parametrize("how", [BY_TLS12, BY_TLS13], ids=["1.2", "1.3"])
SOURCES = ("connection.c", "server.c", "http.c")


# ---- Built as the page says ---------------------------------------------------------------------

class Installed:
    """A copy of what `meson install` puts where it is found, and of the example's folder."""

    def __init__(self, path):
        self.root, self.work = path / "root", path / "work"
        done = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir",
                               self.root], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        self.pc = next(self.root.rglob("keyplate.pc"))
        self.lib = self.pc.parent.parent
        self.header = next(self.root.rglob("keyplate.h"))
        self.env = {**os.environ, "PKG_CONFIG_PATH": str(self.pc.parent),
                    "PKG_CONFIG_SYSROOT_DIR": str(self.root), "LD_LIBRARY_PATH": str(self.lib)}
        shutil.copytree(HERE, self.work)
        self.flags = ["-Wall", "-Wextra", "-Werror"]
        self.flags += ["-fsanitize=address,undefined"] if SANITIZED else []

    def sh(self, command):
        done = subprocess.run(["sh", "-ec", command], cwd=self.work, env=self.env, check=False,
                              capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def page_command(self, mark, name="server"):
        """The page's command for cc that makes that program and has mark in it."""
        page = (HERE / "README.md").read_text().replace("\\\n", " ")
        found = [line.strip() for line in page.splitlines() if line.startswith("    cc ")
                 and f"-o {name} " in line and mark in line]
        assert len(found) == 1, found
        return found[0]

    def build(self, name, mark="--cflags --libs", *flags):
        command = self.page_command(mark).replace("-o server", f"-o {name}", 1)
        self.sh(command.replace("cc ", " ".join(["cc", *self.flags, *flags, ""]), 1))
        return self.work / name


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def program(installed):
    return installed.build("server")


def needed(program):
    text = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"\(NEEDED\).*\[(.+?)\]", text))


@pytest.mark.parametrize("standard", ["c99", "gnu11", "c17"])
def test_it_builds_without_a_warning(installed, standard):
    shared = installed.build(f"shared-{standard}", "--cflags --libs", f"-std={standard}")
    assert "libkeyplate.so.0" in needed(shared)


def test_it_builds_with_the_library_inside(installed):
    static = installed.build("static", "-l:libkeyplate.a")
    assert not {name for name in needed(static) if "keyplate" in name}
    assert any(name.startswith("libcrypto.so") for name in needed(static))


@pytest.mark.skipif(SANITIZED, reason="there is no static sanitizer")
def test_it_builds_with_everything_inside(installed):
    """pkg-config --static names all that libkeyplate.a needs, in an order that links.  The linker
    warns of what libcrypto could look up by the C library; nothing here does."""
    installed.sh("cc -static -o all-static server.c connection.c http.c"
                 " $(pkg-config --static --cflags --libs keyplate)")
    assert not needed(installed.work / "all-static")


@pytest.mark.parametrize("standard", ["c++11", "c++20"])
def test_the_header_is_c_plus_plus_too(installed, standard):
    (installed.work / "one.cpp").write_text(
        "#include <keyplate/keyplate.h>\n#include <cstdio>\n"
        "int main() { return std::puts(kp_error_text(KP_E_PROOF)) < 0; }\n")
    said = installed.sh(f"c++ {' '.join(installed.flags)} -std={standard} -o one one.cpp"
                        " $(pkg-config --cflags --libs keyplate) && ./one")
    assert said.strip() == PROOF


def test_the_header_stands_alone(installed):
    """Nothing needs to be included before it."""
    (installed.work / "alone.c").write_text("#include <keyplate/keyplate.h>\nint main(void) { return 0; }\n")
    installed.sh(f"cc {' '.join(installed.flags)} -std=c99 -pedantic -o alone alone.c"
                 " $(pkg-config --cflags --libs keyplate)")


@pytest.mark.skipif(SANITIZED, reason="sanitizers export names of their own")
def test_the_library_shows_the_header_and_nothing_else(installed):
    text = subprocess.run(["nm", "-D", "--defined-only", next(installed.lib.glob("libkeyplate.so.0"))],
                          capture_output=True, text=True, check=True).stdout
    shown = {line.split()[2].split("@")[0] for line in text.splitlines()}
    header = re.sub(r"/\*.*?\*/", "", installed.header.read_text(), flags=re.S)
    types = set(re.findall(r"typedef[^;]*?\b(kp_\w+)\(", header))
    declared = set(re.findall(r"\b(kp_\w+)\(", header)) - types
    assert len(declared) > 50
    assert shown == declared


# ---- What it does -------------------------------------------------------------------------------

class Own:
    """The example, running."""

    def __init__(self, box, installed, program, *before, users=USERS):
        self.box, self.port, self.file = box, free_port(), credentials(box, users)
        self.err = box.dir / f"own{box.count()}"
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen([*before, program, str(self.port), self.file],
                                            stderr=err, stdin=subprocess.DEVNULL, env=installed.env)
        box.programs.append(self)
        self.at, self.url = f"127.0.0.1:{self.port}", f"https://127.0.0.1:{self.port}"
        until(self.answers, 20, "it doesn't listen")

    def answers(self):
        assert self.process.poll() is None, self.log()
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        return self.err.read_text(errors="replace")

    def raw(self, source="127.0.0.1"):
        return socket.create_connection(("127.0.0.1", self.port), 15, (source, 0))

    def curl(self, path="/", *args, **kwargs):
        done = curl(self.url + path, *args, **kwargs)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def channel(self, *args, **kwargs):
        return Channel(self.box, self, *args, **kwargs)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def end(self):
        self.process.terminate()
        return self.process.wait(20)

    def stop(self):
        if self.process.poll() is None:
            assert self.end() == 0, self.log()
        for bad in ("Sanitizer", "runtime error:"):
            assert bad not in self.log(), self.log()


@pytest.fixture
def own(box, installed, program):
    return Own(box, installed, program)


def quick(installed, name, **changes):
    """The example with other times, so that a test needn't wait for half a minute."""
    original = {file: (installed.work / file).read_text() for file in SOURCES}
    for what, value in changes.items():
        hit = [file for file in SOURCES if f" {what} = " in original[file]]
        assert len(hit) == 1, what
        text = (installed.work / hit[0]).read_text()
        (installed.work / hit[0]).write_text(re.sub(rf" {what} = \d+", f" {what} = {value}", text))
    try:
        return installed.build(name)
    finally:
        for file, text in original.items():
            (installed.work / file).write_text(text)


def get(path="/", *fields):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: lamp", *fields, "\r\n"]).encode()


def post(body, *fields):
    return "\r\n".join(["POST / HTTP/1.1", "Host: lamp", f"Content-Length: {len(body)}", *fields,
                        "\r\n" + body]).encode()


@WAYS
def test_a_page_greets_who_has_proved_it(own, how):
    for user, password in USERS:
        channel = own.channel(*how, user=user, password=password)
        body = channel.ask(get()).body.decode()
        assert html.unescape(re.search("<h1>Hello (.*?)</h1>", body)[1]) == user
        assert user == "admin" or user not in body, "it is escaped"
        assert channel.finish() == (b"", True)


@WAYS
def test_requests_on_one_connection(own, how):
    """Kept alive, pipelined, with a body, and ended in order by either side."""
    channel = own.channel(*how)
    assert "lamp is off" in channel.ask(get()).body.decode()
    done = channel.ask(post("lamp=on", f"Content-Type: {FORM}"))
    assert (done.status, done.get("Location")) == (303, "/")
    channel.send(get() + get("/none") + post("lamp=off") + get())
    answers = [channel.response() for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 404, 303, 200]
    assert "lamp is on" in answers[0].body.decode() and "lamp is off" in answers[3].body.decode()
    last = channel.ask(get("/", "Connection: close"))
    assert last.get("Connection") == "close"
    assert channel.end() == (b"", True)


@WAYS
def test_half_close(own, how):
    """The person's side has ended; what it asked for before is answered, and then so is the end."""
    channel = own.channel(*how).send(get() + get("/none"))
    channel.process.stdin.close()
    assert [channel.response().status for _ in range(2)] == [200, 404]
    assert channel.end() == (b"", True)


@WAYS
def test_one_byte_at_a_time(own, how):
    channel = own.channel(*how)
    for byte in post("lamp=on") + get():
        channel.send(bytes([byte]))
        time.sleep(0.001)
    assert channel.response().status == 303
    assert "lamp is on" in channel.response().body.decode()
    assert channel.finish() == (b"", True)


def test_curl(own):
    assert "Hello admin" in own.curl().decode()
    own.curl("/", "-d", "lamp=on", "-o", "/dev/null")
    both = own.curl("/", "-H", "Connection: close", own.url + "/")  # two connections
    assert both.decode().count("lamp is on") == 2
    assert "proved by admin" in own.log()
    assert "\\u003c" not in own.log()
    own.curl(user=STRANGE, password=USERS[1][1])
    until(lambda: "proved by Z\\u003co\\u003e\\u0022\\u0026\\u0027é" in own.log(), what=own.log())


@WAYS
def test_a_ticket_is_taken(box, own, how):
    """keyplate open proves the password once; its further connections come by tickets."""
    face = box.open(own.at, *how)
    until(lambda: "proved by admin" in own.log(), what=own.log())
    for _ in range(3):
        assert b"Hello admin" in curl(face.url, "-H", "Connection: close", user=None).stdout
    until(lambda: "resumed by admin" in own.log(), what=own.log())
    assert own.log().count("proved by admin") == 1, own.log()


def test_the_hint_leads_to_tls_1_3(box, own):
    hint = own.channel(*BY_TLS12).ask(get("/.well-known/keyplate"))
    assert hint.get("Content-Type") == "application/json" and hint.get("Cache-Control") == "no-store"
    assert json.loads(hint.body) == {"keyplate": 1, "versions": ["1.2", "1.3"], "port": own.port,
                                     "device_id": ID}
    face = box.open(own.at, saves=True)
    assert b"Hello admin" in curl(face.url, user=None).stdout
    assert box.open(own.at, saves=True).name
    devices = subprocess.run([KEYPLATE, "devices", "list"], capture_output=True, text=True, check=True)
    assert "1.3" in devices.stdout or ID in devices.stdout, devices.stdout


def test_twenty_at_once(own):
    def one(number):
        how = BY_TLS13 if number % 2 else BY_TLS12
        channel = own.channel(*how, seconds=30)
        for _ in range(5):
            assert channel.ask(get()).status == 200
        return channel.finish()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert list(pool.map(one, range(20))) == [(b"", True)] * 20
    until(lambda: own.descriptors() <= 6, what=f"{own.descriptors()} descriptors")


def test_a_slow_reader_holds_up_itself_alone(box, own):
    """It asks for far more than sockets hold and reads nothing: the server waits for it without
    taking its further requests in, and serves others meanwhile."""
    slow = own.channel(*BY_TLS13, seconds=30)
    asks = get() * 4000
    os.set_blocking(slow.process.stdin.fileno(), False)
    sent, end = 0, time.monotonic() + 20
    while sent < 400 * len(asks) and time.monotonic() < end:
        try:
            sent += os.write(slow.process.stdin.fileno(), asks[sent % len(asks):])
        except BlockingIOError:
            time.sleep(0.3)
            try:
                sent += os.write(slow.process.stdin.fileno(), asks[sent % len(asks):])
            except BlockingIOError:
                break
    else:
        pytest.fail("everything was taken: no back pressure")
    assert b"Hello" in own.curl()
    count, rest = divmod(sent, len(get()))
    os.set_blocking(slow.process.stdin.fileno(), True)

    def close_in_order():
        if rest:
            slow.send(get()[rest:])
        slow.process.stdin.close()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        closing = pool.submit(close_in_order)
        got = sum(slow.response().status == 200 for _ in range(count + bool(rest)))
        closing.result()
    assert got == count + bool(rest)
    assert slow.end() == (b"", True)


@WAYS
@pytest.mark.parametrize("request_bytes, status", [
    (b"nonsense\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nX: \0\r\n\r\n", 400),
    (b"GET\r\n/\r\n HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1junk\r\n\r\n", 400),
    (b"GET  / HTTP/1.1\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nContent-Length : 7\r\n\r\nlamp=on", 400),
    (b"POST / HTTP/1.1\r\nX: y\r\n Content-Length: 7\r\n\r\nlamp=on", 400),
    (b"GET /" + b"a" * 80 + b" HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nX: " + b"a" * 5000, 431),
    (b"POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n", 413),
    (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413),
    (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 413),
    (b"POST / HTTP/1.1\r\nContent-Length: 7x\r\n\r\nlamp=on", 413),
    (b"POST / HTTP/1.1\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\nlamp=on", 413),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413),
    (b"DELETE / HTTP/1.1\r\n\r\n", 501),
])
def test_what_it_refuses(own, how, request_bytes, status):
    """Of somebody who has the password: an answer, and the end; the lamp stays off."""
    channel = own.channel(*how).send(request_bytes)
    answer = channel.response()
    assert (answer.status, answer.get("Connection")) == (status, "close")
    assert channel.end() == (b"", True)
    assert "lamp is off" in own.curl().decode()


# ---- Who doesn't have the password --------------------------------------------------------------

def trial(box, own, user, password, how):
    """What somebody learns."""
    done = box.connect(own, b"", *how, user=user, password=password)
    return done.returncode, done.stdout, done.stderr.decode()


@WAYS
def test_a_wrong_password_is_told_like_a_wrong_name(box, own, how):
    said = {trial(box, own, user, password, how)
            for user, password in (("admin", "wrong-word-1"), ("nobody", "wrong-word-1"))}
    assert len(said) == 1, said
    status, out, err = said.pop()
    assert (status, out) == (3, b"") and PROOF in err
    until(lambda: own.log().count(PROOF) == 2, what=own.log())
    assert len(set(own.log().splitlines()[1:])) == 1, "behind the look whether it listens"


def test_guesses_are_throttled(own):
    """Sixteen of an address, in both versions together; another address isn't concerned, and who
    was proved before neither."""
    def attempt(password, source):
        return curl(own.url, "--interface", source, password=password).returncode
    for _ in range(20):
        assert attempt(PASSWORD, "127.0.0.9") == 0, "who is right has used up nothing"
    for _ in range(16):
        assert attempt("wrong-word-1", "127.0.0.5") != 0
    assert attempt(PASSWORD, "127.0.0.5") != 0, "the right one isn't judged any more"
    assert attempt(PASSWORD, "127.0.0.9") == 0
    assert attempt(PASSWORD, "127.0.0.6") == 0


def test_plain_http_gets_nothing(own):
    with own.raw() as sock:
        sock.sendall(get())
        said = read_all(sock)
    assert b"HTTP" not in said and b"Hello" not in said and len(said) < 16
    until(lambda: "plain HTTP" in own.log(), what=own.log())


def test_an_alert_isnt_lost_behind_unread_bytes(own):
    """Far more than is read before the refusal: the alert still comes, and an end in order."""
    with own.raw() as sock:
        sock.sendall(b"\x15\x03\x01\x00\x02\x02\x28" + b"\x16" * 300000)
        said = read_all(sock)
    assert len(said) in (0, 7)
    with own.raw() as sock:
        sock.sendall(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00" + b"\x16" * 300000)
        said = read_all(sock)
    assert said[:1] == b"\x15" and len(said) == 7, said


def test_gone_in_the_middle(box, own):
    """A handshake that ends anywhere costs one connection and its memory, nothing more."""
    before = own.descriptors()
    relayed = hello(own)
    for length in range(0, len(relayed), 7):
        with own.raw() as sock:
            sock.sendall(relayed[:length])
            if length % 2:
                sock.shutdown(socket.SHUT_WR)
                read_all(sock)
    channel = own.channel(*BY_TLS13)
    channel.send(get()[:9])
    channel.process.kill()
    assert b"Hello" in own.curl()
    until(lambda: own.descriptors() <= before, what=f"{own.descriptors()} of {before}")


def hello(own):
    """What curl says first."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        asking = subprocess.Popen(["curl", "-sk", "--tls-max", "1.2", "--tlsuser", "admin",
                                   "--tlspassword", PASSWORD, f"https://127.0.0.1:{port}/"])
        sock, _ = server.accept()
        with sock:
            data = sock.recv(65536)
        asking.wait(10)
    return data


# ---- Time and memory ----------------------------------------------------------------------------

def test_times(box, installed):
    """Without the proof a connection ends when its time is over, whatever bytes come; a proved one
    is told so."""
    own = Own(box, installed, quick(installed, "quick", PROOF_MS=2500, TURN_MS=4000))
    silent, drip = own.raw(), own.raw()
    channel, half = own.channel(*BY_TLS13), own.channel(*BY_TLS13)
    assert channel.ask(get()).status == 200
    half.send(get()[:10])
    start, first = time.monotonic(), hello(own)
    for at in range(20):
        try:
            drip.sendall(first[at:at + 1])
        except OSError:
            break
        time.sleep(0.25)
    else:
        pytest.fail("who drips bytes is kept")
    assert time.monotonic() - start < 5
    silent.settimeout(1)
    assert silent.recv(1) == b""
    assert channel.end() == (b"", True)
    assert half.end() == (b"", True)
    silent.close()
    drip.close()


def test_strangers_cant_take_all_places(own):
    """More silent connections than there are places: who has the password comes in at once."""
    strangers = [own.raw() for _ in range(60)]
    start = time.monotonic()
    assert b"Hello" in own.curl()
    assert time.monotonic() - start < 5
    assert own.descriptors() < 40
    for sock in strangers:
        sock.close()


def test_places_of_proved_people_stay_theirs(box, installed):
    own = Own(box, installed, quick(installed, "few", CLIENTS=3))
    proved = [own.channel(*BY_TLS12) for _ in range(3)]
    for channel in proved:
        assert channel.ask(get()).status == 200
    with own.raw() as waiting:
        waiting.settimeout(0.5)
        with pytest.raises(TimeoutError):
            waiting.recv(1)
        for channel in proved:
            assert channel.ask(get()).status == 200
    assert proved[0].finish() == (b"", True)
    assert b"Hello" in own.curl()


@pytest.mark.skipif(SANITIZED, reason="it is watched already")
def test_valgrind_finds_nothing(box, installed):
    program = installed.build("static-watched", "-l:libkeyplate.a", "-g")
    own = Own(box, installed, program, "valgrind", "-q", "--leak-check=full",
              "--show-leak-kinds=all", "--error-exitcode=99")
    with own.raw() as stranger:
        stranger.sendall(get())
    own.curl("/", "-d", "lamp=on")
    for how in (BY_TLS12, BY_TLS13):
        channel = own.channel(*how, seconds=40)
        assert channel.ask(get()).status == 200
        assert channel.finish() == (b"", True)
    open_still = own.channel(*BY_TLS13, seconds=40)
    assert open_still.ask(get()).status == 200
    half, begun = own.raw(), own.raw()
    begun.sendall(hello(own)[:100])
    time.sleep(0.3)
    assert own.end() == 0, own.log()
    assert "==" not in own.log(), own.log()
    half.close()
    begun.close()


# ---- Its start ----------------------------------------------------------------------------------

@pytest.mark.parametrize("text, words", [
    (None, "No such file"),
    ("", "line"),
    ("nonsense\n", "line"),
    ("a" * 70000, "it is too long"),
])
def test_without_credentials_no_socket_opens(tmp_path, installed, program, text, words):
    path, port = tmp_path / "credentials", free_port()
    if text is not None:
        path.write_text(text)
    done = subprocess.run([program, str(port), path], env=installed.env, capture_output=True,
                          text=True, timeout=10, check=False)
    assert done.returncode == 1 and words in done.stderr, done
    with socket.socket() as sock:
        assert sock.connect_ex(("127.0.0.1", port)) != 0


# ---- The page of C ------------------------------------------------------------------------------

class Hello(Own):
    def stop(self):
        """It has no end of its own, and so no leaks are looked for."""
        self.process.kill()
        self.process.wait(20)
        for bad in ("Sanitizer", "runtime error:"):
            assert bad not in self.log(), self.log()


@pytest.fixture(scope="module")
def hello_program(installed):
    command = installed.page_command("--cflags --libs", "hello")
    installed.sh(command.replace("cc ", f"cc {' '.join(installed.flags)} ", 1))
    return installed.work / "hello"


@pytest.fixture
def small(box, installed, hello_program):
    return Hello(box, installed, hello_program)


@WAYS
def test_hello_greets_who_was_proved(small, how):
    for user, password in USERS:
        channel = small.channel(*how, user=user, password=password)
        answer = channel.ask(get())
        assert html.unescape(re.search("Hello, (.*), by", answer.body.decode())[1]) == user
        assert user == "admin" or user not in answer.body.decode(), "it is escaped"
        assert channel.end() == (b"", True)


@WAYS
def test_hello_ends_what_is_not_proved(small, how):
    assert PROOF in small.channel(*how, password="not-this-one").process.stderr.read().decode()
    for first in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""):
        with small.raw() as sock:
            sock.sendall(first)
            sock.shutdown(socket.SHUT_WR)
            assert b"Hello" not in read_all(sock)
    assert small.channel(*how).ask(get()).status == 200


@WAYS
def test_hello_takes_an_end_without_a_question(small, how):
    for _ in range(3):
        assert small.channel(*how).finish() == (b"", True)
        assert small.channel(*how).ask(get()).status == 200


def test_hello_in_a_browser(box, small):
    """`open` proves the password and asks for nothing before there is a page to get."""
    face = box.open(small.at)
    for _ in range(2):
        assert b"Hello, admin" in curl(face.url, user=None).stdout


def test_hello_counts_guesses(small):
    for _ in range(16):
        assert curl(small.url, password="not-this-one").returncode == 35
    assert curl(small.url).returncode == 35, "the right one isn't judged now"


def test_hello_waits_ten_seconds_for_a_visitor(small):
    with small.raw() as silent:
        begin = time.monotonic()
        assert read_all(silent) == b""
        assert 8 < time.monotonic() - begin < 60
    assert "Hello" in small.curl("/").decode()
