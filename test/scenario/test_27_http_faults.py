"""Goal of this test: when the upstream, the client or the credentials fail or change in the middle,
everyone is told what is true: an answer that began is finished or visibly cut, never passed off."""
import json
import signal
import threading
import time

import pytest

from gateways import PASSWORD, Upstream, box, curl, free_port, until
from http_page import WEBSOCKET, frame
from http_peers import (BY_TLS12, BY_TLS13, OK, Channel, Cut, Recorder, credentials, event, events,
                        gateway, request, reset)

OTHER = "another-pass-1"
SOON = 8  # seconds: at once, on a busy machine; who is stopping waits for ten
TWO = (("admin", PASSWORD), ("maria", OTHER))
BOTH = [BY_TLS12, BY_TLS13]


def seconds_until(what):
    began = time.monotonic()
    what()
    return time.monotonic() - began


class Slow:
    """An upstream that sends its answer's second half, a chunk, when it is told to."""

    def __init__(self, end=b"4\r\nhalf\r\n0\r\n\r\n"):
        self.go = threading.Event()

        def answer(one):
            if one.target != "/slow":
                return OK

            def reply(sock):
                sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
                self.go.wait(60)
                sock.sendall(end)
            return reply

        self.recorder = Recorder(answer)


# ---- The upstream -------------------------------------------------------------------------------

def test_down_and_back(box):
    port = free_port()
    serve = box.serve(f"127.0.0.1:{port}", "--log", "json", credentials=credentials(box))
    channel = Channel(box, serve, *BY_TLS12)
    page = channel.ask(request("/", method="POST", body=b"lost"))
    assert page.status == 502 and b"--upstream" in page.body
    assert page.get("Content-Type").startswith("text/plain") and len(page.body) < 2000
    until(lambda: any(line["level"] == "error" for line in events(serve, "upstream-down")))
    recorder = Recorder()
    box.upstreams.append(Upstream(recorder, port=port))
    assert Channel(box, serve, *BY_TLS12).ask(request()).body == b"ok"
    assert [one.body for one in recorder.requests] == [b""], "what failed isn't sent later"


def test_a_head_of_502_has_no_body(box):
    serve = box.serve(f"127.0.0.1:{free_port()}", credentials=credentials(box))
    channel = Channel(box, serve, *BY_TLS12)
    answer = channel.ask(request(method="HEAD"), "HEAD")
    assert answer.status == 502 and channel.held == b""
    if (answer.get("Connection") or "").lower() == "close":
        assert channel.end() == (b"", True)


def silent(sock):
    while sock.recv(65536):
        pass


def half_a_head(sock):
    sock.recv(65536)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
    silent(sock)


@pytest.mark.parametrize("talk", [silent, half_a_head])
def test_a_silent_upstream_is_a_504(box, talk):
    serve = gateway(box, talk, "--upstream-timeout", "1")
    channel = Channel(box, serve, *BY_TLS12)
    took = seconds_until(lambda: channel.send(request()).fill())
    answer = channel.response()
    assert answer.status == 504 and 0 < len(answer.body) < 2000 and 0.8 < took < 12
    until(lambda: "504" in serve.log() or "--upstream-timeout" in serve.log())


def test_a_slow_upload_is_no_slow_upstream(box):
    serve = gateway(box, Recorder(), "--upstream-timeout", "3")
    channel = Channel(box, serve, *BY_TLS12)
    channel.send(request("/", "Content-Length: 4", method="POST"))
    for letter in (b"s", b"l", b"o", b"w"):
        time.sleep(1)
        channel.send(letter)
    assert channel.response().body == b"ok"


def test_a_quiet_stream_is_no_slow_upstream(box):
    """Once it has begun to answer: server-sent events come when there is news."""
    slow = Slow()
    channel = Channel(box, gateway(box, slow.recorder, "--upstream-timeout", "3"), *BY_TLS12)
    channel.send(request("/slow"))
    assert channel.head().status == 200 and channel.chunk() == b"half"
    time.sleep(4)
    slow.go.set()
    assert channel.chunk() == b"half" and channel.chunk() == b""


def test_a_quiet_websocket_is_no_slow_upstream(box):
    channel = Channel(box, gateway(box, Recorder(websocket), "--upstream-timeout", "3"), *BY_TLS12)
    assert channel.ask(request("/ws", *WEBSOCKET)).status == 101
    time.sleep(4)
    channel.send(b"still here")
    assert channel.exactly(10) == b"still here"


@pytest.mark.parametrize("length", [b"Content-Length: 50\r\n", b"Transfer-Encoding: chunked\r\n"])
@pytest.mark.parametrize("by", BOTH)
def test_a_reset_in_mid_body(box, length, by):
    def answer(_):
        def reply(sock):
            sock.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n"
                         + (b"4\r\nhalf\r\n" if b"chunked" in length else b"half"))
            heard.wait(20)
            reset(sock)
        return reply

    heard = threading.Event()
    serve = gateway(box, Recorder(answer))
    channel = Channel(box, serve, *by)
    channel.send(request("/page"))
    head = channel.head()
    assert head.status == 200
    heard.set()
    with pytest.raises(Cut):
        channel.framed(head)
    assert channel.end()[1] is False
    line = until(lambda: next((one for one in map(json.loads, serve.log().splitlines())
                               if one["level"] in ("warning", "error")
                               and one["event"] != "privileges"), None))
    assert "upstream" in json.dumps(line)
    assert "Unknown system error" not in serve.log()


def test_an_end_in_mid_head(box):
    recorder = Recorder(lambda _: lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\nContent-"))
    serve = gateway(box, recorder)
    assert Channel(box, serve, *BY_TLS12).ask(request()).status == 502
    done = curl(f"https://{serve.at}/", "-i")
    assert done.stdout.startswith(b"HTTP/1.1 502 ")
    until(lambda: any(one["level"] in ("warning", "error") and "upstream" in json.dumps(one)
                      for one in map(json.loads, serve.log().splitlines())))


def test_one_client_s_upstream_trouble_is_its_own(box):
    stop = threading.Event()
    recorder = Recorder(lambda one: (lambda sock: stop.wait(60)) if one.target == "/hang" else OK)
    serve = gateway(box, recorder)
    stuck = Channel(box, serve, *BY_TLS12)
    stuck.send(request("/hang"))
    recorder.came()
    began = time.monotonic()
    assert Channel(box, serve, *BY_TLS12).ask(request()).body == b"ok"
    assert time.monotonic() - began < SOON and stuck.is_silent(0.1)
    stop.set()


# ---- The client ---------------------------------------------------------------------------------

def test_a_client_that_goes_in_mid_download(box):
    """The upstream notices: its connection ends, for nobody reads on."""
    gone = threading.Event()

    def answer(_):
        def reply(sock):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            try:
                while True:
                    sock.sendall(b"x" * 65536)
            except OSError:
                gone.set()
        return reply

    channel = Channel(box, gateway(box, Recorder(answer)), *BY_TLS12)
    channel.send(request())
    channel.exactly(500_000)
    channel.close()
    assert gone.wait(15)


@pytest.mark.parametrize("way", ["is killed", "ends its side"])
@pytest.mark.parametrize("framing", ["Content-Length: 50", "Transfer-Encoding: chunked"])
def test_a_client_that_goes_in_mid_upload(box, framing, way):
    """What it began must not look whole to the upstream."""
    recorder = Recorder()
    serve = gateway(box, recorder)
    channel = Channel(box, serve, *BY_TLS12)
    channel.send(request("/", framing, method="POST") + b"4\r\nhalf\r\n")
    until(lambda: b"half" in recorder.bytes)
    if way == "is killed":
        channel.process.kill()
    else:
        channel.finish()
    until(lambda: recorder.faults)
    assert recorder.requests == []
    assert isinstance(recorder.faults[0], (Cut, ConnectionResetError))
    assert not recorder.bytes.endswith(b"0\r\n\r\n")
    assert "upstream" not in event(serve, "closed")["message"], "it is not to blame"


# ---- Credentials --------------------------------------------------------------------------------

@pytest.mark.parametrize("by", BOTH)
@pytest.mark.parametrize("action", ["change", "remove"])
def test_changed_credentials_let_an_answer_finish(box, by, action):
    """It is the last one: the connection closes in order, and what was pipelined isn't done."""
    slow = Slow()
    serve = gateway(box, slow.recorder, users=TWO)
    channel = Channel(box, serve, *by)
    other = Channel(box, serve, *by, user="maria", password=OTHER)
    assert other.ask(request("/mine")).body == b"ok"
    channel.send(request("/slow") + request("/never"))
    assert channel.head().status == 200 and channel.chunk() == b"half"
    box.passwd(action, serve.credentials, "admin", *([OTHER] if action == "change" else []))
    serve.logged("is in force")
    assert channel.is_silent(0.5) and channel.process.poll() is None
    slow.go.set()
    assert channel.chunk() == b"half" and channel.chunk() == b"" and channel.line() == b""
    assert channel.end() == (b"", True)
    assert [one.target for one in slow.recorder.requests] == ["/mine", "/slow"]
    assert other.ask(request("/mine")).body == b"ok", "nobody else notices"


@pytest.mark.parametrize("by", BOTH)
def test_changed_credentials_close_idle_connections(box, by):
    serve = gateway(box, Recorder(), users=TWO)
    idle, fresh = Channel(box, serve, *by), Channel(box, serve, *by)
    other = Channel(box, serve, *by, user="maria", password=OTHER)
    assert idle.ask(request()).body == b"ok" and other.ask(request()).body == b"ok"
    until(lambda: len(events(serve, "proved")) == 3)
    box.passwd("change", serve.credentials, "admin", OTHER)
    serve.logged("is in force")
    assert seconds_until(lambda: (idle.to_end(), fresh.to_end())) < SOON
    assert other.ask(request()).body == b"ok"
    assert len(serve.logged("changed or removed")) == 2


def websocket(_):
    """Agrees to a WebSocket, and echoes bytes."""
    def reply(sock):
        sock.sendall(b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        while data := sock.recv(65536):
            sock.sendall(data)
    return reply


@pytest.mark.parametrize("by", BOTH)
def test_changed_credentials_end_a_websocket_at_once(box, by):
    recorder = Recorder(websocket)
    serve = gateway(box, recorder, users=TWO)
    channel = Channel(box, serve, *by)
    other = Channel(box, serve, *by, user="maria", password=OTHER)
    for one in (channel, other):
        assert one.ask(request("/ws", *WEBSOCKET)).status == 101
        one.send(frame(1, b"hi", b"\1\2\3\4"))
        assert one.exactly(8)[-2:] == bytes((ord("h") ^ 1, ord("i") ^ 2))
    box.passwd("remove", serve.credentials, "admin")
    assert seconds_until(channel.to_end) < SOON
    assert channel.process.wait(15) == 1, "its end isn't the upstream's word"
    until(lambda: recorder.open == 1)
    other.send(b"more")
    assert other.exactly(4) == b"more"


def test_changed_credentials_cut_an_upload(box):
    """A request that isn't whole yet has no answer that could finish."""
    recorder = Recorder()
    serve = gateway(box, recorder, users=TWO)
    channel = Channel(box, serve, *BY_TLS12)
    channel.send(request("/", "Content-Length: 50", method="POST") + b"half")
    until(lambda: b"half" in recorder.bytes)
    box.passwd("remove", serve.credentials, "admin")
    serve.logged("is in force")
    try:
        channel.send(b"x" * 46)
    except BrokenPipeError:
        pass
    channel.to_end()
    until(lambda: recorder.open == 0)
    assert len(recorder.connections) == 1


# ---- Stopping -----------------------------------------------------------------------------------

@pytest.mark.parametrize("by", BOTH)
def test_sigterm_lets_an_answer_finish(box, by):
    slow = Slow()
    serve = gateway(box, slow.recorder)
    channel, idle, fresh = (Channel(box, serve, *by) for _ in range(3))
    assert idle.ask(request("/idle")).body == b"ok"
    until(lambda: len(events(serve, "proved")) == 3)
    channel.send(request("/slow") + request("/never"))
    assert channel.head().status == 200 and channel.chunk() == b"half"
    serve.signal(signal.SIGTERM)
    assert seconds_until(lambda: (idle.to_end(), fresh.to_end())) < SOON
    assert idle.process.wait(15) == 0 and fresh.process.wait(15) == 0
    time.sleep(0.3)
    assert serve.process.poll() is None
    slow.go.set()
    assert channel.chunk() == b"half" and channel.chunk() == b"" and channel.line() == b""
    assert channel.end() == (b"", True)
    assert serve.wait(SOON) == 0
    assert [one.target for one in slow.recorder.requests] == ["/idle", "/slow"]


def test_sigterm_lets_an_upload_finish(box):
    recorder = Recorder()
    serve = gateway(box, recorder)
    channel = Channel(box, serve, *BY_TLS12)
    channel.send(request("/", "Content-Length: 8", method="POST") + b"half")
    until(lambda: b"half" in recorder.bytes)
    serve.signal(signal.SIGTERM)
    time.sleep(0.3)
    channel.send(b"half")
    assert channel.response().body == b"ok"
    assert channel.end() == (b"", True)
    assert serve.wait(SOON) == 0 and recorder.requests[0].body == b"halfhalf"


def test_a_second_sigterm_ends_all_at_once(box):
    slow = Slow()
    serve = gateway(box, slow.recorder)
    channel = Channel(box, serve, *BY_TLS12)
    channel.send(request("/slow"))
    assert channel.head().status == 200 and channel.chunk() == b"half"
    serve.signal(signal.SIGTERM)
    serve.logged("stopping")
    serve.signal(signal.SIGTERM)
    assert serve.wait(SOON) == 0
    with pytest.raises(Cut):
        channel.chunk()
    assert channel.end()[1] is False
    slow.go.set()


# ---- The log ------------------------------------------------------------------------------------

def test_the_log_of_requests(box):
    """--verbose: a line each, with what a person would ask; without it none."""
    serve = gateway(box, Recorder(lambda one: OK.replace(b"200", b"404") if one.target == "/no"
                                  else OK))
    channel = Channel(box, serve, *BY_TLS12)
    channel.ask(request("/yes?x=1"))
    channel.ask(request("/no", method="POST", body=b"body"))
    event(serve, "request", 2)
    first, second = events(serve, "request")
    assert (first["status"], second["status"]) == (200, 404)
    assert "GET" in json.dumps(first) and "POST" in json.dumps(second)
    assert (first["target"], second["target"]) == ("/yes?x=1", "/no")
    assert first["user"] == "admin" and first["client"].startswith("127.0.0.1:")
    quiet = box.serve(serve.upstream, "--log", "json", credentials=credentials(box))
    assert Channel(box, quiet, *BY_TLS12).ask(request()).body == b"ok"
    time.sleep(0.1)
    assert events(quiet, "request") == []


@pytest.mark.parametrize("options", [(), ("--verbose",)])
def test_a_query_is_not_logged_with_what_fails(box, options):
    """It may be secret; only the lines of --verbose on requests have it."""
    recorder = Recorder(lambda one: OK if one.target.startswith("/fine") else b"what?\r\n\r\n")
    serve = box.serve(box.upstream(recorder), "--log", "json", *options,
                      credentials=credentials(box))
    assert Channel(box, serve, *BY_TLS12).ask(request("/fine?key=first")).status == 200
    assert Channel(box, serve, *BY_TLS12).ask(request("/bad?key=s3cret&x=?")).status == 502
    assert event(serve, "bad-answer")["target"] == "/bad"
    serve.upstream.close()
    assert Channel(box, serve, *BY_TLS12).ask(request("/gone?key=s3cret")).status == 502
    assert event(serve, "upstream-down")["target"] == "/gone"
    assert [line["target"] for line in events(serve, "request")] == \
        ["/fine?key=first"] * len(options)
    assert "s3cret" not in serve.log()


def test_a_hostile_target_is_one_line_of_log(box):
    serve = box.serve(box.upstream(Recorder()), "--verbose", credentials=credentials(box))
    channel = Channel(box, serve, *BY_TLS12)
    lines = serve.log().count("\n")
    channel.ask(request('/"x"%0a2026'))
    serve.logged(" request: ")
    channel.send(b"GET /\x1b[31m\x07 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert channel.response().status == 400
    serve.logged(" bad-request: ")
    assert "\x1b" not in serve.log() and "\x07" not in serve.log()
    assert serve.log().count("\n") >= lines + 2
    assert all(line.startswith("2") and "T" in line[:12] for line in serve.log().splitlines())


def test_secrets_are_not_logged(box):
    """Passwords and sessions that pass by are nobody's business."""
    serve = gateway(box, Recorder())
    channel = Channel(box, serve, *BY_TLS12)
    channel.ask(request("/", "Authorization: Basic c2VjcmV0", "Cookie: session=secret1",
                        method="POST", body=b"password=secret2"))
    event(serve, "request")
    for secret in ("c2VjcmV0", "secret1", "secret2"):
        assert secret not in serve.log()
