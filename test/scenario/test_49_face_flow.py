"""Goal of this test: bytes keep flowing through a browser's face whoever is slow, cuts or ends first;
what comes of a request is told to who asked, and nothing is sent twice that may not be."""
import hashlib
import os
import resource
import select
import signal
import socket
import subprocess
import threading
import time

import pytest

from devices import connect, device
from gateways import (KEYPLATE, PASSWORD, PROOF, SANITIZED, box, cpu_seconds, curl,
                      limit_descriptors, opened, read_all, rss_kib, until)
from http_peers import OK, Cut, Reader

LONG = hashlib.shake_128(b"long").digest(20_000_000)
WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
ROOM = 1_000_000 if SANITIZED else 4_000  # KiB; a sanitizer keeps what is freed


class Peer(Reader):
    """Reads from a socket; long bodies too."""

    def __init__(self, sock):
        super().__init__(lambda: sock.recv(262144))

    def exactly(self, count):
        data = bytearray(self.held)
        while len(data) < count:
            piece = self.more()
            if not piece:
                raise Cut(bytes(data[:300]))
            data += piece
        self.held = bytes(data[count:])
        return bytes(data[:count])


class Device:
    """Behind a serve that carries bytes: each connection is one that the face has made.  talk(device,
    reader, sock) plays it; requests has what came."""

    def __init__(self, box, talk, *args):
        self.requests, self.connections = [], 0
        self.lock = threading.Lock()

        def one(sock):
            with self.lock:
                self.connections += 1
                number = self.connections
            return talk(self, Peer(sock), sock, number)
        self.upstream = box.upstream(one)
        self.serve = box.serve_bytes(self.upstream, *args)

    def request(self, reader):
        message = reader.request()
        if message is not None:
            self.requests.append(message)
        return message

    def seen(self, method):
        return sum(message.method == method for message in self.requests)


def answering(answer=OK):
    def talk(device, reader, sock, _):
        while device.request(reader) is not None:
            sock.sendall(answer)
    return talk


class Browser(Peer):
    """One connection to an `open`."""

    def __init__(self, face):
        self.face, self.sock = face, face.visit()
        super().__init__(self.sock)

    def send(self, line, *fields, body=b""):
        self.sock.sendall(self.face.head(line, *fields) + body)
        return self

    def ask(self, line="GET / HTTP/1.1", *fields, body=b""):
        return self.send(line, *fields, body=body).response(line.split()[0])

    def post(self, body, *fields):
        return self.ask("POST / HTTP/1.1", f"Content-Length: {len(body)}", *fields, body=body)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()


def stays(count, seconds=1.0):
    """What it is once it hasn't changed for so long, in which we have looked at it many times."""
    seen, looks = count(), 0
    while looks < seconds / 0.02:
        time.sleep(0.02)
        seen, looks = (seen, looks + 1) if count() == seen else (count(), 0)
    return seen


def all_read(port):
    """Whether nothing that was sent to it waits for being accepted or read."""
    rows = [line.split() for line in open("/proc/net/tcp", encoding="ascii").readlines()[1:]]
    return not any(int(row[4].split(":")[1], 16) for row in rows
                   if row[1].endswith(":%04X" % port))


def aside(run, *args):
    thread = threading.Thread(target=run, args=args, daemon=True)
    thread.start()
    return thread


def as_chunks(data, size):
    return b"".join(b"%x\r\n%s\r\n" % (len(data[at:at + size]), data[at:at + size])
                    for at in range(0, len(data), size)) + b"0\r\n\r\n"


# ---- A device that ends its connections ---------------------------------------------------------

def test_ended_connection_is_replaced(box):
    """The device ends an idle connection just as the next request goes: what changes nothing is sent
    again on another one, and the browser doesn't notice."""
    def talk(device, reader, sock, number):
        device.request(reader)
        sock.sendall(OK)
        if number == 1:
            device.request(reader)  # and no answer
        while number > 1 and device.request(reader) is not None:
            sock.sendall(OK)
    device = Device(box, talk)
    browser = Browser(box.open(device.serve))
    assert browser.ask().body == b"ok"
    assert browser.ask("GET /again HTTP/1.1").body == b"ok"
    assert device.connections == 2 and device.seen("GET") == 3
    assert browser.ask("GET /third HTTP/1.1").body == b"ok"
    assert device.connections == 2


def test_nothing_is_sent_twice(box):
    def talk(device, reader, sock, number):
        if device.request(reader).method == "GET" and number == 1:
            sock.sendall(OK)
            device.request(reader)
    device = Device(box, talk)
    face = box.open(device.serve)
    browser = Browser(face)
    assert browser.ask().body == b"ok"
    assert browser.post(b"once").status == 502
    assert device.seen("POST") == 1 and device.connections == 2
    # The first request of a connection was meant for it: it isn't repeated.
    assert Browser(face).ask().status == 502
    assert device.seen("GET") == 2


def test_words_out_of_turn_are_nobodys(box):
    """What a device says unasked isn't the answer to what is asked next."""
    def talk(device, reader, sock, number):
        device.request(reader)
        sock.sendall(OK)
        if number == 1:
            went.wait(20)
            sock.sendall(b"HTTP/1.1 408 Late\r\nContent-Length: 4\r\n\r\nlate")
            try:
                if device.request(reader) is not None:
                    sock.sendall(OK)
            finally:
                over.set()
    went, over = threading.Event(), threading.Event()
    device = Device(box, talk)
    browser = Browser(box.open(device.serve))
    assert browser.ask().body == b"ok"
    went.set()
    assert over.wait(15), "the face goes on with that connection"
    assert browser.ask().body == b"ok" and device.connections == 2


def test_cut_answer_looks_cut(box):
    def talk(device, reader, sock, _):
        device.request(reader)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    device = Device(box, talk)
    browser = Browser(box.open(device.serve)).send("GET / HTTP/1.1")
    with pytest.raises(ConnectionResetError):
        read_all(browser.sock)
        raise AssertionError("it ended in order")


# ---- Who is slow --------------------------------------------------------------------------------

def test_slow_browser(box):
    sent, enough = [], threading.Event()
    chunk = as_chunks(LONG[:50_000], 50_000)[:-5]

    def talk(device, reader, sock, _):
        device.request(reader)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not enough.is_set():
            sock.sendall(chunk)
            sent.append(chunk)
        sock.sendall(b"0\r\n\r\n")
    face = box.open(Device(box, talk).serve)
    before = rss_kib(face.pid)
    browser = Browser(face).send("GET / HTTP/1.1")
    until(lambda: sent)
    stopped, work = stays(lambda: len(sent)), cpu_seconds(face.pid)
    time.sleep(0.7)
    assert len(sent) == stopped, "it waits"
    assert cpu_seconds(face.pid) - work < 0.2, "and costs nothing meanwhile"
    assert rss_kib(face.pid) - before < ROOM
    enough.set()
    assert browser.response().body == LONG[:50_000] * len(sent)


@pytest.mark.parametrize("chunks", [False, True])
def test_slow_device(box, chunks):
    go, data = threading.Event(), LONG * 3  # more than the system's buffers on the way hold

    def talk(device, reader, sock, _):
        go.wait(60)
        device.request(reader)
        sock.sendall(OK)
    device = Device(box, talk)
    face = box.open(device.serve)
    browser, before = Browser(face), rss_kib(face.pid)
    framing = "Transfer-Encoding: chunked" if chunks else f"Content-Length: {len(data)}"
    body = as_chunks(data, 70_001) if chunks else data
    upload = aside(browser.send, "PUT / HTTP/1.1", framing)
    upload.join()
    upload = aside(browser.sock.sendall, body)
    time.sleep(1.5)
    assert upload.is_alive(), "it waits"
    assert rss_kib(face.pid) - before < ROOM
    go.set()
    assert browser.response("PUT").body == b"ok"
    assert device.requests[0].body == data


@pytest.mark.parametrize("through", ["bytes", "http"])
def test_both_ways_at_once(box, through):
    """An answer in chunks that grows as its request's chunks come."""
    def talk(device, reader, sock, _):
        reader.head()
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while data := reader.chunk():
            sock.sendall(b"%x\r\n%s\r\n" % (len(data), data))
        reader.line()
        sock.sendall(b"0\r\n\r\n")
    device = Device(box, talk)
    serve = device.serve if through == "bytes" else box.serve(device.upstream)
    face = box.open(serve)
    browsers = [Browser(face) for _ in range(3)]
    for number, browser in enumerate(browsers):
        browser.send("POST / HTTP/1.1", "Transfer-Encoding: chunked")
        aside(browser.sock.sendall, as_chunks(LONG, 9_000 + 31_000 * number))
    for browser in browsers:
        answer = browser.response("POST")
        assert hashlib.sha256(answer.body).digest() == hashlib.sha256(LONG).digest()


def test_many_at_once(box):
    """Requests that a browser sends without reading, and one that reads at last."""
    body = LONG[:30_000]
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    device = Device(box, answering(answer))
    face = box.open(device.serve)
    before = rss_kib(face.pid)
    browser = Browser(face)
    count = 300
    sender = aside(browser.sock.sendall, face.head() * count)
    time.sleep(1)
    assert len(device.requests) < count, "those behind wait"
    assert rss_kib(face.pid) - before < ROOM
    for _ in range(count):
        assert browser.response().body == body
    sender.join(30)
    assert len(device.requests) == count and device.connections == 1


def test_pages_of_ours_without_end(box):
    """The same of pages of our own, which need no device."""
    face = box.open(Device(box, answering()).serve)
    asked = f"GET /nobody HTTP/1.1\r\nHost: {face.host}\r\n\r\n".encode()  # without the cookie
    before = rss_kib(face.pid)
    browser = Browser(face)
    try:
        browser.sock.settimeout(2)
        for _ in range(200):
            browser.sock.sendall(asked * 200)
    except OSError:
        pass  # it is cut off
    assert rss_kib(face.pid) - before < ROOM
    assert Browser(face).ask().body == b"ok"


# ---- All kinds of messages ----------------------------------------------------------------------

def test_kinds_of_answers(box):
    answers = {
        "/head": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
        "/none": b"HTTP/1.1 204 None\r\n\r\n",
        "/same": b"HTTP/1.1 304 Same\r\nContent-Length: 9\r\nETag: \"x\"\r\n\r\n",
        "/hint": b"HTTP/1.1 103 Early\r\nLink: </a.css>; rel=preload\r\n\r\n"
                 b"HTTP/1.1 102 Wait\r\n\r\n" + OK,
        "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n"
                   b"0\r\nTrailer: x\r\n\r\n",
        "/end": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok",
        "/old": b"HTTP/1.0 200 OK\r\n\r\nok",
    }

    def talk(device, reader, sock, _):
        while (message := device.request(reader)) is not None:
            answer = answers[message.target]
            sock.sendall(answer)
            if message.target in ("/end", "/old"):
                return
    face = box.open(Device(box, talk).serve)
    browser = Browser(face)
    assert browser.ask("HEAD /head HTTP/1.1").get("Content-Length") == "5000"
    for _ in range(2):
        assert browser.ask("GET /none HTTP/1.1").status == 204
        assert browser.ask("GET /same HTTP/1.1").status == 304
        assert browser.ask("GET /chunks HTTP/1.1").body == b"ok"
        early = browser.ask("GET /hint HTTP/1.1")
        assert early.status == 103 and browser.response().status == 102
        assert browser.response().body == b"ok"
        for path in ("/end", "/old"):
            message = browser.ask(f"GET {path} HTTP/1.1")
            assert message.body == b"ok" and message.get("Transfer-Encoding") == "chunked"
    # A client of HTTP/1.0 knows no chunks, and no interim answers.
    for path in ("/chunks", "/end", "/hint", "/old"):
        with face.visit() as sock:
            sock.sendall(face.head(f"GET {path} HTTP/1.0"))
            head, _, body = read_all(sock).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ") and body == b"ok", (path, head)
        assert b"chunked" not in head.lower()


def test_pipelined(box):
    """Answers come in the order of the requests: the device's, and pages of ours between."""
    device = Device(box, answering())
    face = box.open(device.serve)
    own = f"GET / HTTP/1.1\r\nHost: {face.host}\r\n\r\n".encode()
    browser = Browser(face)
    browser.sock.sendall((face.head() + own + face.head("HEAD / HTTP/1.1") + face.head(
        "POST / HTTP/1.1", "Content-Length: 3") + b"abc") * 20)
    for _ in range(20):
        assert browser.response().body == b"ok"
        assert browser.response().status == 403
        assert browser.response("HEAD").status == 200
        assert browser.response("POST").body == b"ok"
    assert device.seen("POST") == 20 and device.seen("GET") == 20 and device.seen("HEAD") == 20


def test_expect_continue(box):
    def talk(device, reader, sock, _):
        head = reader.head()
        if head.target == "/no":
            sock.sendall(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
            return
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert reader.exactly(5) == b"hello"
        sock.sendall(OK)
    face = box.open(Device(box, talk).serve)
    expecting = ("Content-Length: 5", "Expect: 100-continue")
    browser = Browser(face).send("PUT /yes HTTP/1.1", *expecting)
    assert browser.response("PUT").status == 100
    browser.sock.sendall(b"hello")
    assert browser.response("PUT").body == b"ok"
    assert Browser(face).ask("PUT /no HTTP/1.1", *expecting).status == 417


def test_answer_before_the_upload_is_whole(box):
    def talk(device, reader, sock, _):
        reader.head()
        sock.sendall(b"HTTP/1.1 413 Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge")
        read_all(sock)
    browser = Browser(box.open(Device(box, talk).serve))
    browser.send("PUT / HTTP/1.1", f"Content-Length: {len(LONG)}", body=LONG[:100_000])
    answer = browser.response("PUT")
    assert answer.status == 413 and answer.body == b"large"
    browser.sock.settimeout(15)
    assert read_all(browser.sock) == b"", "and then the connection ends"


def test_nothing_but_an_interim_answer(box):
    """A device that says 103 and ends has not answered."""
    def talk(device, reader, sock, _):
        device.request(reader)
        sock.sendall(b"HTTP/1.1 103 Early\r\n\r\n")
    browser = Browser(box.open(Device(box, talk).serve))
    assert browser.ask().status == 103
    assert browser.response().status == 502


# ---- WebSockets ---------------------------------------------------------------------------------

def switch(device, reader, sock):
    device.request(reader)
    sock.sendall(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")


def test_tunnel_both_ways(box):
    got = []

    def talk(device, reader, sock, _):
        switch(device, reader, sock)
        sender = aside(sock.sendall, LONG)
        got.append(reader.exactly(len(LONG)))
        sender.join(60)
    browser = Browser(box.open(Device(box, talk).serve))
    # Bytes right behind the request belong to the tunnel.
    browser.send("GET / HTTP/1.1", *WEBSOCKET, body=LONG[:1000])
    assert browser.response().status == 101
    upload = aside(browser.sock.sendall, LONG[1000:])
    assert browser.exactly(len(LONG)) == LONG
    upload.join(60)
    until(lambda: got)
    assert got[0] == LONG


def test_tunnel_ends_by_halves(box):
    def talk(device, reader, sock, number):
        switch(device, reader, sock)
        if number == 1:  # the browser ends first: what the device still says arrives
            rest = reader.to_end()
            sock.sendall(b"you said %d bytes" % len(rest))
        else:
            sock.sendall(b"goodbye" + LONG[:300_000])
    face = box.open(Device(box, talk).serve)
    first = Browser(face)
    assert first.ask("GET / HTTP/1.1", *WEBSOCKET).status == 101
    first.sock.sendall(LONG[:100_000])
    first.sock.shutdown(socket.SHUT_WR)
    assert first.to_end() == b"you said 100000 bytes"
    second = Browser(face)
    assert second.ask("GET / HTTP/1.1", *WEBSOCKET).status == 101
    time.sleep(0.3)
    assert second.to_end() == b"goodbye" + LONG[:300_000]


# ---- Browsers that go -----------------------------------------------------------------------------

def test_browser_goes(box):
    """In the middle of an answer: the device hears of it.  In the middle of an upload: nothing looks
    whole there."""
    ends, begun = [], threading.Event()

    def talk(device, reader, sock, _):
        head = reader.head()
        try:
            if head.method == "PUT":
                begun.set()
                ends.append(("PUT", len(reader.to_end())))
                return
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                sock.sendall(b"5\r\nevent\r\n")
                time.sleep(0.01)
        except OSError:
            ends.append((head.method, None))
    face = box.open(Device(box, talk).serve)
    browser = Browser(face).send("GET / HTTP/1.1")
    assert browser.head().status == 200
    browser.reset()
    until(lambda: ("GET", None) in ends)
    for how in (Browser.reset, lambda browser: browser.sock.close()):
        browser = Browser(face).send("PUT / HTTP/1.1", "Content-Length: 1000000", body=LONG[:9000])
        assert begun.wait(15)
        begun.clear()
        ends.clear()
        how(browser)
        until(lambda: ends)
        assert ends[0] == ("PUT", None), ends  # a reset


# ---- Too many -----------------------------------------------------------------------------------

def test_too_many_wait(box):
    """For the proof of one device: 64 wait, others are told."""
    device = Device(box, answering())
    face = box.open(device.serve)
    assert Browser(face).ask().body == b"ok"
    device.serve.freeze()
    browsers = [Browser(face).send("GET / HTTP/1.1") for _ in range(70)]
    # The device says nothing: who has an answer already was told by us.
    told = select.poll()
    for browser in browsers:
        told.register(browser.sock, select.POLLIN)
    until(lambda: len(told.poll(0)) >= 6)
    device.serve.signal(signal.SIGCONT)
    statuses = sorted(browser.response().status for browser in browsers)
    assert statuses == [200] * 64 + [503] * 6
    # Nobody is counted who doesn't wait.
    device.serve.freeze()
    for _ in range(3):
        gone = [Browser(face).send("GET / HTTP/1.1") for _ in range(60)]
        time.sleep(0.3)
        for browser in gone:
            browser.reset()
    device.serve.signal(signal.SIGCONT)
    until(lambda: Browser(face).ask().body == b"ok")
    assert [browser.ask().status for browser in [Browser(face) for _ in range(20)]] == [200] * 20


def test_connections_at_rest_give_way(box):
    face = box.open(Device(box, answering()).serve)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    idle = [face.visit() for _ in range(540)]
    last = Browser(face)
    last.sock.settimeout(15)
    assert last.ask().body == b"ok"
    for sock in idle:
        sock.close()


def test_descriptors_run_out(box):
    face = box.open(Device(box, answering()).serve, preexec_fn=limit_descriptors(48))
    idle = [face.visit() for _ in range(100)]
    time.sleep(0.5)
    work = cpu_seconds(face.pid)
    browsers = [Browser(face) for _ in range(4)]
    for browser in browsers:
        browser.sock.settimeout(15)
        assert browser.ask().body == b"ok"
    assert cpu_seconds(face.pid) - work < 2
    for sock in idle:
        sock.close()
    until(lambda: Browser(face).ask().body == b"ok")


# ---- Who is in ----------------------------------------------------------------------------------

def hand_over(box, at, runtime, *args, password=PASSWORD):
    return subprocess.Popen([KEYPLATE, "open", at, "--user", "admin", "--password-file",
                             box.secret(password), "--no-browser", *args], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)})


def devices(runtime, *args):
    return subprocess.run([KEYPLATE, "devices", *args], capture_output=True, text=True, timeout=20,
                          check=False,
                          env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)})


def test_logout_while_it_is_proved(box):
    runtime = box.runtime()
    first = Device(box, answering())
    face = box.open(first.serve, runtime=runtime)
    second = Device(box, answering())
    second.serve.freeze()
    waiting = hand_over(box, second.serve.at, runtime, "--no-save")
    until(lambda: "127-0-0-1-2" in devices(runtime, "logout", "nobody").stderr or
          devices(runtime, "logout", "127-0-0-1-2").returncode == 0)
    _, errors = waiting.communicate(timeout=30)
    second.serve.signal(signal.SIGCONT)
    assert waiting.returncode == 1 and "logged out of" in errors, errors
    assert Browser(face).ask().body == b"ok"
    # One that is given up while it is proved leaves room for another.
    second.serve.freeze()
    given_up = hand_over(box, second.serve.at, runtime, "--no-save")
    time.sleep(1)
    given_up.kill()
    given_up.communicate()
    time.sleep(0.3)
    second.serve.signal(signal.SIGCONT)
    again = hand_over(box, second.serve.at, runtime, "--no-save")
    out, errors = again.communicate(timeout=30)
    assert again.returncode == 0 and "open http://127-0-0-1-2." in out, errors


def test_logout_cuts_what_runs(box):
    """Pages, uploads and tunnels, and who waits; then the same device again."""
    runtime = box.runtime()

    def talk(device, reader, sock, _):
        message = device.request(reader)
        if message is None or message.target == "/":
            sock.sendall(OK)
            return
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        read_all(sock)
    device = Device(box, talk)
    face = box.open(device.serve, runtime=runtime)
    flowing = [Browser(face).send("GET /flow HTTP/1.1") for _ in range(3)]
    for browser in flowing:
        assert browser.head().status == 200
    device.serve.freeze()
    waiting = [Browser(face).send("GET / HTTP/1.1") for _ in range(5)]
    until(lambda: all_read(face.port))
    assert devices(runtime, "logout", face.name).returncode == 0
    for browser in flowing + waiting:
        with pytest.raises(ConnectionResetError):
            read_all(browser.sock)
            raise AssertionError("it ended in order")
    device.serve.signal(signal.SIGCONT)
    assert Browser(face).ask().status == 403
    again = hand_over(box, device.serve.at, runtime, "--no-save")
    out, errors = again.communicate(timeout=30)
    assert again.returncode == 0, errors


def test_a_name_of_another_device(box):
    """A name that led to one device and then leads to another one, for the same user: what the browser
    and the jar had of the first isn't shown to the second."""
    def talk(device, reader, sock, _):
        while device.request(reader) is not None:
            sock.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: __Host-mine=1; Path=/; Secure\r\n"
                         b"Set-Cookie: deep=1; Path=/; HttpOnly\r\nContent-Length: 2\r\n\r\nok")
    saved = device(box, "SAVED-1")
    runtime = box.runtime()
    other = Device(box, talk)
    face = box.open(other.serve, runtime=runtime)
    assert face.name == "127-0-0-1"
    # Saved by who knows nothing of that hub.
    assert connect(box, saved, "--device-id", "SAVED-1").returncode == 0
    assert Browser(face).ask().body == b"ok"
    old = face.cookie
    again = hand_over(box, "127-0-0-1", runtime)
    out, errors = again.communicate(timeout=30)
    assert again.returncode == 0, errors
    with face.visit() as sock:
        sock.sendall(f"GET / HTTP/1.1\r\nHost: {face.host}\r\nCookie: {old}\r\n"
                     "Connection: close\r\n\r\n".encode())
        assert read_all(sock).startswith(b"HTTP/1.1 403 ")
    asked = box.upstreams[0].seen[-1]
    assert curl(opened(out), user=None).stdout == b"hello"
    until(lambda: box.upstreams[0].seen[-1] is not asked)
    assert b"deep" not in box.upstreams[0].seen[-1]


def test_who_is_refused_ends_nobody_else(box):
    """The password of the device that an `open` with a hub was begun for changes: pages of others,
    which were handed over to it, stay."""
    runtime = box.runtime()
    first, second = Device(box, answering()), Device(box, answering())
    face = box.open(first.serve, runtime=runtime)
    out, errors = hand_over(box, second.serve.at, runtime, "--no-save").communicate(timeout=30)
    url = opened(out)
    box.passwd("change", first.serve.credentials, "admin", "another-password-1")
    first.serve.stop()
    box.serve_bytes(first.upstream, credentials=first.serve.credentials,
                    listen=(first.serve.at,))
    until(lambda: Browser(face).ask().status == 502)
    face.logged(PROOF)
    time.sleep(0.3)
    assert curl(url, user=None).stdout == b"ok" and face.process.poll() is None
    face.signal(signal.SIGINT)
    assert face.wait() == 0
