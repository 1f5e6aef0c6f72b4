"""Goal: OpenWrt's uhttpd, not changed, serves password TLS of both versions when it finds our
libustream-ssl.so: what a web server moves arrives whole, however slowly; nothing is served to who
has proved nothing; and a file that isn't one of credentials, or a client's program, gets nothing.

uhttpd and libubox are in no Debian: uhttpd-like (test/integrations/uhttpd) loads the library and
uses it as uhttpd does, on streams that behave as libubox's."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from faults import LONG, Calm, Crowd, Cutting, Wire, address, boundaries, dismiss
from gateways import (BUILD, KEYPLATE, PASSWORD, ROOT, SANITIZED, Program, box, curl, read_all,
                      rss_kib, until)
from http_peers import BY_TLS12, BY_TLS13, ID, Channel, Cut, credentials, request

HERE = ROOT / "integrations" / "uhttpd"
BUILT = BUILD / "test" / "integrations" / "uhttpd"
BIG = os.urandom(20_000_000)
MIDDLE = BIG[:4_000_000]
OTHER = "another-9-word"
BOTH = pytest.mark.parametrize("by", [BY_TLS12, BY_TLS13], ids=["1.2", "1.3"])
CGI = {
    "echo": "cat",
    "sum": "sha256sum",
    "fds": "ls /proc/$$/fd",
    "environment": "env",
}

if not (BUILT / "uhttpd-like-11").exists():
    pytest.skip("built without the integrations", allow_module_level=True)


# ---- The server ---------------------------------------------------------------------------------

def library(box, entries, built=None):
    """A folder where dlopen finds the library with a table of so many entries."""
    folder = box.dir / f"lib{box.count()}"
    folder.mkdir()
    shutil.copy(built or BUILT / f"libustream-ssl-{entries}.so", folder / "libustream-ssl.so")
    return folder


def pages(box):
    root = box.dir / "www"
    if not root.exists():
        (root / "cgi-bin").mkdir(parents=True)
        (root / "index.html").write_bytes(b"hello")
        (root / "big").write_bytes(BIG)
        for name, script in CGI.items():
            path = root / "cgi-bin" / name
            path.write_text(f"#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n{script}\n")
            path.chmod(0o755)
    return root


class Uhttpd(Program):  # pylint: disable=super-init-not-called
    def __init__(self, box, *args, file=None, entries=11, key="/nowhere/uhttpd.key", port=0,
                 built=None, **kwargs):
        self.credentials = file or credentials(box)
        self.err = box.dir / f"err{box.count()}"
        env = {**os.environ, "LD_LIBRARY_PATH": str(library(box, entries, built))}
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [BUILT / f"uhttpd-like-{entries}", "-s", str(port), "-C", self.credentials, "-K", key,
                 "-h", pages(box), *args],
                stdout=subprocess.PIPE, bufsize=0, stderr=err, stdin=subprocess.DEVNULL, env=env,
                **kwargs)
        self.pid = self.process.pid
        box.programs.append(self)
        line = self.line()
        assert line.startswith("listening "), (line, self.log())
        self.at = line.split()[1]
        self.port = int(self.at.rsplit(":", 1)[1])
        self.url = f"https://{self.at}"

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def proofs(self):
        return self.log().count(" was proved from ")


def post(path, body, *fields):
    return request(path, *fields, method="POST", body=body)


# ---- What a web server moves --------------------------------------------------------------------

def test_curl_gets_pages(box):
    server = Uhttpd(box)
    done = curl(server.url + "/", "-i")
    assert done.stdout.startswith(b"HTTP/1.1 200 ") and done.stdout.endswith(b"hello")
    assert curl(server.url + "/none", "-i").stdout.startswith(b"HTTP/1.1 404 ")
    assert curl(server.url + "/cgi-bin/echo", "--data-binary", "name=value").stdout == b"name=value"
    done = curl(server.url + "/", "--http1.0", "-i")
    assert done.returncode == 0 and b"Connection: close" in done.stdout
    assert "admin was proved from 127.0.0.1 by SRP, TLSv1.2" in server.log()


@BOTH
@pytest.mark.parametrize("entries", [11, 8, 7])
def test_each_shape_of_the_table(box, entries, by):
    """Of the releases of OpenWrt that there have been."""
    channel = Channel(box, Uhttpd(box, entries=entries), *by)
    assert channel.ask(request("/")).body == b"hello"
    assert channel.ask(post("/cgi-bin/echo", b"x" * 100_000)).body == b"x" * 100_000
    assert channel.finish() == (b"", True)


@BOTH
def test_twenty_megabytes_each_way(box, by):
    server = Uhttpd(box)
    channel = Channel(box, server, *by, seconds=LONG)
    assert channel.ask(request("/big")).body == BIG
    told = channel.ask(post("/cgi-bin/sum", BIG)).body.split()[0].decode()
    assert told == hashlib.sha256(BIG).hexdigest()
    crowd = Crowd()  # both at once: the program reads no faster than it is read
    crowd.start(channel.send, post("/cgi-bin/echo", MIDDLE))
    assert channel.response().body == MIDDLE
    crowd.end()
    assert channel.ask(request("/")).body == b"hello"


@BOTH
def test_one_byte_at_a_time(box, by):
    """Of the wire, both ways: handshake, request and answer."""
    server = Uhttpd(box)
    relay = Drop(server.port)
    channel = Channel(box, relay, *by, seconds=LONG)
    assert channel.ask(post("/cgi-bin/echo", b"byte by byte")).body == b"byte by byte"
    assert channel.ask(request("/")).body == b"hello"
    relay.close()


class Drop:
    """A relay that passes single bytes on."""

    def __init__(self, port):
        self.port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.at = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.port))
        for one, other in ((client, server), (server, client)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def pass_on(one, other):
        try:
            while byte := one.recv(1):
                other.sendall(byte)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


@BOTH
@pytest.mark.parametrize("path,body", [("/big", BIG), ("/cgi-bin/echo", MIDDLE)], ids=["file", "cgi"])
def test_a_slow_reader(box, by, path, body):
    """What it doesn't take stays in the file, and in the program; then it comes whole."""
    server = Uhttpd(box)
    channel = Channel(box, server, *by, seconds=LONG)
    assert channel.ask(request("/")).body == b"hello"
    before = rss_kib(server.pid)
    crowd = Crowd()
    crowd.start(channel.send, request(path) if body is BIG else post(path, body))
    time.sleep(1)
    more = rss_kib(server.pid) - before
    assert more < 1024 or SANITIZED, f"{more} KiB wait in the server"
    assert channel.response().body == body
    crowd.end()


@BOTH
def test_requests_behind_each_other(box, by):
    """In one piece, as in many records that are there at once."""
    channel = Channel(box, Uhttpd(box), *by)
    asked = [b"body %d" % number * number for number in range(1, 40)]
    channel.send(b"".join(post("/cgi-bin/echo", body) for body in asked))
    assert [channel.response().body for _ in asked] == asked
    for body in asked:
        channel.send(post("/cgi-bin/echo", body))
    assert [channel.response().body for _ in asked] == asked


@BOTH
def test_who_has_ended_gets_the_answer(box, by):
    """close_notify behind the request: uhttpd goes on, as it does with plain HTTP."""
    channel = Channel(box, Uhttpd(box), *by, seconds=LONG)
    channel.send(request("/big"))
    channel.process.stdin.close()
    assert channel.response().body == BIG
    assert channel.end() == (b"", True)


@BOTH
def test_an_answer_to_the_end_of_the_connection(box, by):
    """Of HTTP/1.0, without a length: close_notify says that it is whole."""
    channel = Channel(box, Uhttpd(box), *by, seconds=LONG)
    channel.send(request("/cgi-bin/echo", method="POST", body=BIG[:3_000_000], version="HTTP/1.0"))
    rest, ordered = channel.end()
    assert rest.endswith(BIG[:3_000_000]) and ordered


@BOTH
def test_an_answer_in_one_piece(box, by):
    """Of many records, to who reads late; uhttpd closes behind it."""
    channel = Channel(box, Uhttpd(box), *by, seconds=LONG)
    channel.send(request("/whole"))
    time.sleep(0.5)
    rest, ordered = channel.end()
    assert rest.endswith(BIG) and ordered


def test_fifty_at_once(box):
    server, crowd, got = Uhttpd(box), Crowd(), []

    def ask(number):
        body = BIG[number * 1000:][:200_000]
        (box.dir / f"body{number}").write_bytes(body)
        done = curl(server.url + "/cgi-bin/echo", "--data-binary", f"@{box.dir / f'body{number}'}",
                    "--interface", address(), timeout=LONG)
        got.append(done.stdout == body or done)

    for number in range(50):
        crowd.start(ask, number)
    crowd.end()
    assert got == [True] * 50


def test_tickets(box):
    server = Uhttpd(box)
    for proofs, by in ((1, ()), (2, BY_TLS13)):
        face = box.open(server.at, "--verbose", *by)
        for _ in range(3):
            assert curl(face.url, user=None).stdout == b"hello"
        face.logged("resumed")
        assert server.proofs() == proofs
        face.signal(signal.SIGINT)
        face.wait()


# ---- Who gets nothing ---------------------------------------------------------------------------

@BOTH
def test_a_wrong_password(box, by):
    server = Uhttpd(box)
    for user, password in (("admin", "wrong"), ("nobody", PASSWORD)):
        done = box.connect(server, request("/"), *by, user=user, password=password)
        assert (done.returncode, done.stdout) == (3, b"")
        server.logged(f'a proof failed: somebody who claims to be "{user}"')
    assert server.proofs() == 0
    assert Channel(box, server, *by).ask(request("/")).body == b"hello"


def test_guesses_are_counted_and_outlive_it(box):
    server, guesser = Uhttpd(box), address()
    for _ in range(17):
        assert curl(server.url + "/", "--interface", guesser, password="wrong").returncode == 35
    assert "was not judged" in server.log()
    assert curl(server.url + "/", "--interface", guesser).returncode == 35
    assert curl(server.url + "/", "--interface", address()).stdout == b"hello"
    server.stop()
    again = Uhttpd(box, file=server.credentials)
    assert curl(again.url + "/", "--interface", guesser).returncode == 35
    assert curl(again.url + "/", "--interface", address()).stdout == b"hello"


def test_plain_http_and_noise(box):
    server = Uhttpd(box)
    for first in (b"GET / HTTP/1.1\r\nHost: device\r\n\r\n", b"SSH-2.0-x\r\n", bytes(range(256)),
                  b"\x16\x03\x01\x00\x05hello"):
        with server.raw() as sock:
            sock.sendall(first)
            answer = read_all(sock)
        assert b"hello" not in answer
        assert answer.startswith(b"HTTP/1.1 400 ") == first.startswith(b"GET"), answer
    done = subprocess.run(["openssl", "s_client", "-connect", server.at], capture_output=True,
                          input=b"GET / HTTP/1.0\r\n\r\n", check=False, timeout=30)
    assert done.returncode != 0 and b"hello" not in done.stdout


def test_silence_ends(box):
    """Before a byte, and in the middle of a hello."""
    server = Uhttpd(box, "-T", "1")
    for first in (b"", b"\x16\x03\x01\x02\x00\x01"):
        with server.raw() as sock:
            sock.sendall(first)
            began = time.monotonic()
            assert read_all(sock) == b""
            assert 0.5 < time.monotonic() - began < 5


def test_a_file_that_is_no_credentials(box):
    """uhttpd doesn't start, and nothing listens."""
    good = credentials(box)
    for name, content, mode, word in (
            ("crt", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", 0o600, ""),
            ("empty", b"", 0o600, ""), ("cut", good.read_bytes()[:-20], 0o600, ""),
            ("open", good.read_bytes(), 0o644, "chmod 600"), ("none", None, 0, "is not there")):
        path = box.dir / name
        if content is not None:
            path.write_bytes(content)
            path.chmod(mode)
        env = {**os.environ, "LD_LIBRARY_PATH": str(library(box, 11))}
        done = subprocess.run([BUILT / "uhttpd-like-11", "-s", "0", "-C", path, "-K", good, "-h",
                               pages(box)], env=env, capture_output=True, text=True, check=False,
                              timeout=20)
        assert done.returncode == 1 and "listening" not in done.stdout
        assert str(path) in done.stderr and word in done.stderr, done.stderr
        assert "has to be a credentials file" in done.stderr


def test_a_client_s_program_is_refused(box):
    """uclient-fetch loads a library of the same name: it has to keep the original."""
    env = {**os.environ, "LD_LIBRARY_PATH": str(library(box, 11))}
    done = subprocess.run([BUILT / "uhttpd-like-11", "-u"], env=env, capture_output=True, text=True,
                          check=False, timeout=20)
    assert done.returncode == 3 and "for uhttpd alone" in done.stderr


def test_a_list_of_ciphers_is_nothing_to_it(box):
    server = Uhttpd(box, "-P", "ECDHE-RSA-AES128-GCM-SHA256")
    assert "list of ciphers is ignored" in server.log()
    assert curl(server.url + "/").stdout == b"hello"


# ---- Who goes away ------------------------------------------------------------------------------

class HalfCut:
    """A relay that ends the client's half, as if the client had, after so many bytes."""

    def __init__(self, port, count):
        self.port, self.count = port, count
        self.ended = threading.Event()  # the server has, then
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.at = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.port))
        threading.Thread(target=self.down, args=(server, client), daemon=True).start()
        while self.count > 0:
            data = client.recv(min(self.count, 65536))
            self.count -= len(data)
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)

    def down(self, server, client):
        while data := server.recv(65536):
            client.sendall(data)
        self.ended.set()
        client.close()


def test_a_fin_without_close_notify(box):
    """An upload that was cut, maybe by somebody in between, isn't finished for the program, and the
    connection ends at once."""
    server = Uhttpd(box)
    calm = Calm(server, source="127.0.0.1")
    relay = HalfCut(server.port, 40_000)
    channel = Channel(box, relay, *BY_TLS13)
    channel.send(post("/cgi-bin/sum", BIG[:60_000]))
    assert relay.ended.wait(10), "it waits for more"
    with pytest.raises(Cut):
        channel.response()
    relay.listener.close()
    dismiss(box, channel)
    calm.again(2048)


@BOTH
@pytest.mark.parametrize("to", ["up", "down"])
def test_at_every_step(box, by, to):
    """A client that vanishes leaves nothing open."""
    server = Uhttpd(box, "-T", "1")
    calm = Calm(server, source="127.0.0.1")
    ask = post("/cgi-bin/echo", b"u" * 30_000)
    wire = Wire(server.port, source="127.0.0.1")
    channel = Channel(box, wire, *by, seconds=LONG)
    assert channel.ask(ask).body == b"u" * 30_000
    assert channel.finish() == (b"", True)
    flow = wire.passed[to]
    places = sorted({at + more for at in boundaries(flow)[:-1] for more in (0, 7)})
    crowd = Crowd()

    def vanish(count, way):
        cut = Wire(server.port, Cutting(to, count, way), source="127.0.0.1")
        one = Channel(box, cut, *by, seconds=LONG)
        try:
            one.send(ask)
            one.response()
            one.finish()
        except (Cut, BrokenPipeError):
            pass
        finally:
            dismiss(box, one)
            cut.close()

    for number, count in enumerate(places[::max(1, len(places) // 10)]):
        crowd.start(vanish, count, ("fin", "rst", "silence")[number % 3])
    crowd.end()
    calm.again(2048)


# ---- What changes while it runs -----------------------------------------------------------------

@pytest.mark.parametrize("background", [False, True])
def test_a_changed_file(box, background):
    """In the background uhttpd is in another folder than where it was started."""
    file = credentials(box)
    server = Uhttpd(box, *(["-b"] if background else []), file=file.name, cwd=box.dir)
    pid = int(server.line().split()[1]) if background else None
    try:
        channel = Channel(box, server, *BY_TLS13)
        assert channel.ask(request("/")).body == b"hello"
        box.passwd("add", file, "second", OTHER)
        until(lambda: server.log().count("is in force") == 1)
        assert curl(server.url + "/", user="second", password=OTHER).stdout == b"hello"
        assert channel.ask(request("/")).body == b"hello"
        box.passwd("change", file, "admin", OTHER)
        until(lambda: server.log().count("is in force") == 2)
        assert curl(server.url + "/", password=OTHER).stdout == b"hello"
        assert curl(server.url + "/").returncode == 35
        channel.send(request("/"))
        assert channel.end()[0] == b"", "who was proved by the old password is served no more"
        file.write_bytes(b"damaged")
        assert curl(server.url + "/", password=OTHER).stdout == b"hello"
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)


def test_an_idle_server_sleeps(box):
    """Five looks after the last connection, and then nothing wakes it."""
    server = Uhttpd(box)
    assert curl(server.url + "/").stdout == b"hello"
    if not SANITIZED:
        time.sleep(6.5)
        status = pathlib.Path(f"/proc/{server.pid}/status")
        counts = [re.findall(r"ctxt_switches:\t(\d+)", status.read_text())]
        time.sleep(1.5)
        counts.append(re.findall(r"ctxt_switches:\t(\d+)", status.read_text()))
        assert counts[0] == counts[1]
    assert curl(server.url + "/").stdout == b"hello"


# ---- Programs, pages ----------------------------------------------------------------------------

def test_what_a_program_gets(box):
    """Its own three descriptors and uhttpd's variables; nothing of who else is there."""
    server = Uhttpd(box)
    channel = Channel(box, server, *BY_TLS13)
    assert channel.ask(request("/")).body == b"hello"
    told = curl(server.url + "/cgi-bin/fds").stdout.split()
    opened = {int(one) for one in told}
    inherited = {int(one) for one in os.listdir("/proc/self/fd")}
    assert opened - {0, 1, 2, 10} <= inherited - {0, 1, 2}, (opened, inherited)
    variables = curl(server.url + "/cgi-bin/environment").stdout
    assert PASSWORD.encode() not in variables and b"LD_LIBRARY_PATH" not in variables


def test_the_well_known_page(box):
    """A file that the page's script makes; whoever has an address alone learns TLS 1.3 by it."""
    server = Uhttpd(box)
    folder = pages(box) / ".well-known"
    folder.mkdir()
    made = subprocess.run([HERE / "well-known", server.credentials, str(server.port)], check=True,
                          capture_output=True, env={**os.environ, "KEYPLATE": KEYPLATE}).stdout
    (folder / "keyplate").write_bytes(made)
    assert json.loads(made) == {"keyplate": 1, "versions": ["1.2", "1.3"], "port": server.port,
                                "device_id": ID}
    ask = request("/", "Connection: close")
    for version in ("TLSv1.2", "TLSv1.3"):
        done = box.connect(server, ask, "--verbose", saves=True)
        assert done.returncode == 0 and done.stdout.endswith(b"hello"), done
        assert version.encode() in done.stderr, done.stderr
    serve = box.serve(box.upstream(lambda sock: None), credentials=server.credentials)
    theirs = json.loads(curl(f"https://{serve.at}/.well-known/keyplate").stdout)
    assert theirs == {**json.loads(made), "port": serve.port}


def test_the_well_known_page_of_tls_12_alone(box):
    file = box.credentials()
    box.passwd("add", file, "old", OTHER, "--tls", "1.2", "--allow-tls12")
    made = subprocess.run([HERE / "well-known", file], check=True, capture_output=True,
                          env={**os.environ, "KEYPLATE": KEYPLATE}).stdout
    assert json.loads(made)["versions"] == ["1.2"] and json.loads(made)["port"] == 443


# ---- The library --------------------------------------------------------------------------------

def test_it_is_built_as_the_page_says(box):
    page = (HERE / "README.md").read_text()
    found = re.search(r"^    \$CC (.*\\\n)*.*\n", page, re.M)
    assert found, "the page's command"
    needs = "-lutf8proc" if "utf8proc" in (BUILD / "meson-private/keyplate.pc").read_text() else ""
    tree = box.dir / "tree"
    tree.mkdir()
    for name in ("integrations", "include"):
        (tree / name).symlink_to(ROOT / name)
    flags = "-Wall -Wextra -Werror" + (" -fsanitize=address,undefined" if SANITIZED else "")
    script = (f"CC='cc {flags}'; STAGING={box.dir}/staging\n"
              + found[0].replace("-lubox", "").replace("$STAGING/usr/lib", str(BUILD / "lib"))
              .replace("-lcrypto", "-lcrypto " + needs))
    (box.dir / "staging" / "usr").mkdir(parents=True)
    (box.dir / "staging" / "usr" / "include").symlink_to(ROOT / "test" / "integrations" / "uhttpd")
    done = subprocess.run(["sh", "-ec", script], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    server = Uhttpd(box, built=tree / "libustream-ssl.so")
    assert curl(server.url + "/").stdout == b"hello"


@pytest.mark.skipif(SANITIZED, reason="sanitizers export names of their own")
def test_it_exports_the_table_alone():
    for entries in (11, 8, 7):
        told = subprocess.run(["nm", "-D", "--defined-only", BUILT / f"libustream-ssl-{entries}.so"],
                              capture_output=True, text=True, check=True).stdout
        assert [line.split()[-1] for line in told.splitlines()] == ["ustream_ssl_ops"]
