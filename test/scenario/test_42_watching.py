"""Goal: who watches the gateway sees what it does: a log that holds up nobody, a line for each
request, counters that move by what was done, and a look at a configuration before it is used."""
import json
import os
import pathlib
import pwd
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time

import pytest

from gateways import (KEYPLATE, PASSWORD, ROOT, box, cpu_seconds, curl, free_port, talk_echo,
                      talk_http, until)
from http_peers import OK, Channel, Recorder, request

# ---- Log ----------------------------------------------------------------------------------------

FIXED = ("time", "level", "event", "message")


def lines_of(text):
    """Every line is one object, and begins with the four that all have."""
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        assert tuple(line)[:4] == FIXED, line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert line["level"] in ("error", "warning", "info", "debug")
        assert re.fullmatch(r"[a-z-]+", line["event"])
    return lines


def events(serve, event):
    return [line for line in lines_of(serve.log()) if line["event"] == event]


def manual(section):
    text = (ROOT / "doc/man/keyplate-serve.1").read_text(encoding="utf-8")
    return text.split(f"\n.Sh {section}\n")[1].split("\n.Sh ")[0]


def test_every_event_is_in_the_manual():
    """Goal: a word that a machine may wait for is documented."""
    words = set()
    for path in (ROOT / "gateway/device").glob("*.c"):
        text = path.read_text(encoding="utf-8")
        words |= set(re.findall(r'KP_LOG_[A-Z]+,\s*"([a-z-]+)"', text))
    assert {"refused", "full", "credentials", "closed"} <= words
    log = manual("LOG")
    missing = [word for word in words if not re.search(rf"^\.It Cm (.* , )?{word}( |$)", log, re.M)]
    assert not missing


def test_a_pipe_that_nobody_reads_holds_up_nothing(box):
    """Goal: a log that isn't read costs lines, not service; they are counted and told of."""
    read, write = os.pipe()
    upstream = box.upstream(Recorder())
    upstream.skip += 1
    serve = subprocess.Popen([KEYPLATE, "serve", "--credentials", box.credentials(), "--upstream",
                              upstream.at, "--listen", "127.0.0.1:0", "--log", "json",
                              "--verbose", "--metrics", "127.0.0.1:0"], stdout=subprocess.PIPE,
                             stderr=write)
    os.close(write)
    try:
        at = serve.stdout.readline().decode().split()[1]
        port = int(re.search(rb"counters are at 127.0.0.1:(\d+)", os.read(read, 65536)).group(1))
        channel = Channel(box, at)
        for number in range(700):  # of 200 bytes at least: more than a pipe holds
            assert channel.ask(request(f"/{number}")).status == 200
        assert Metrics(port).one("keyplate_log_lines_dropped_total") > 0
        text = os.read(read, 1 << 20)
        while b'"event":"log"' not in text or not text.endswith(b"\n"):
            assert select.select([read], [], [], 15)[0], text[-500:]
            text += os.read(read, 1 << 20)
        lines = lines_of(text.decode())
        told = [line for line in lines if line["event"] == "log"]
        assert len(told) == 1 and told[0]["dropped"] > 0
        assert Metrics(port).one("keyplate_log_lines_dropped_total") == told[0]["dropped"]
        os.close(read)  # and one whose reader is gone
        assert curl(f"https://{at}/").stdout == b"ok"
    finally:
        serve.kill()
        serve.wait()
        serve.stdout.close()


SYSLOG = """
import json, os, signal, socket, subprocess, sys
sys.path[:0] = [{scenario!r}, {tests!r}]
import gateways, pathlib
device = "/dev/log"
def bind():
    if os.path.exists(device):
        os.unlink(device)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(device)
    sock.settimeout(10)
    return sock
subprocess.run(["mount", "-t", "tmpfs", "none", "/dev"], check=True)
for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
    os.mknod("/dev/" + name, 0o666 | 0o020000, os.makedev(1, minor))
    os.chmod("/dev/" + name, 0o666)
log = bind()
os.chmod(device, 0o666)
box = gateways.Box(pathlib.Path({folder!r}))
config = pathlib.Path({folder!r}) / "conf"
config.write_text("log-to = syslog\\n")
serve = box.serve(box.upstream(gateways.talk_http()), "--config", config)
heard = []
def until(word):
    heard.append(log.recv(9000).decode())
    while word not in heard[-1]:
        heard.append(log.recv(9000).decode())
gateways.curl("https://" + serve.at + "/")
until(" info closed: ")
gateways.curl("https://" + serve.at + "/", password="wrong")
until(" warning proof-failed: ")
log.close()
log = bind()  # as a syslogd that was started again
os.chmod(device, 0o666)
gateways.curl("https://" + serve.at + "/", password="wrong")
until(" warning proof-failed: ")
before = serve.log()
config.write_text("log-to = stderr\\n")
serve.signal(signal.SIGHUP)
gateways.until(lambda: "configuration: " in serve.log())
gateways.curl("https://" + serve.at + "/")
gateways.until(lambda: "closed: " in serve.log())
box.close()
print(json.dumps({{"pid": serve.pid, "heard": heard, "stderr": before}}))
"""


def test_the_system_s_log(box):
    """Goal: what goes to /dev/log has its form there, a syslogd that was started again is found, and
    SIGHUP changes where lines go."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
        pytest.skip("needs root and a mount namespace for a /dev/log of its own")
    here = pathlib.Path(__file__).parent
    script = SYSLOG.format(scenario=str(here), tests=str(here.parent), folder=str(box.dir))
    done = subprocess.run(["unshare", "-m", sys.executable, "-c", script], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    for line in told["heard"]:
        match = re.fullmatch(rf"<(\d+)>keyplate\[{told['pid']}\]: (\w+) [a-z-]+: .*", line)
        assert match, line
        assert {"error": 27, "warning": 28, "info": 30, "debug": 31}[match[2]] == int(match[1])
    assert sum("proof-failed" in line for line in told["heard"]) == 2
    assert "closed" not in told["stderr"] and "proof-failed" not in told["stderr"]


@pytest.mark.skipif(os.path.exists("/dev/log"), reason="something takes lines at /dev/log")
def test_a_system_s_log_that_is_not_there(box):
    """Goal: that all lines would be dropped is told at once, and by --check, and is no refusal."""
    config = box.dir / "conf"
    config.write_text("# where lines go\nlog-to = syslog\n")
    args = ("--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:5", "--credentials",
            box.credentials())
    missing = " syslog: nothing takes lines at /dev/log (No such file or directory): all are dropped"
    for how, label in ((("--config", config), f"{config}, line 2: log-to"),
                       (("--log-to", "syslog"), "--log-to")):
        done = check(*args, *how)
        assert done.returncode == 0 and "log: text to syslog, info\n" in done.stdout
        assert done.stderr.startswith(f"keyplate serve: warning: {label}{missing}"), done.stderr
        assert len(done.stderr.splitlines()) == 1
    serve = box.serve(box.upstream(talk_http()), "--log-to", "syslog")
    assert curl(f"https://{serve.at}/").stdout == b"hello"
    assert serve.log().startswith(f"keyplate serve: warning: --log-to{missing}")
    assert len(serve.log().splitlines()) == 1


def test_a_wrong_configuration_is_a_line_of_the_log(box):
    """Goal: on SIGHUP all that is said is in the log's form, with the line of the mistake."""
    config = box.dir / "conf"
    config.write_text("log = json\n")
    serve = box.serve(box.upstream(talk_http()), "--config", config)
    config.write_text("log = json\nidle-timeout = 60\nidle-time = 60\n")
    serve.signal(signal.SIGHUP)
    serve.logged("can't be used")
    line = events(serve, "configuration")[-1]
    assert line["level"] == "error" and "conf, line 3: unknown key idle-time" in line["message"]
    config.write_text("log = json\nlog-to = nowhere\n")
    serve.signal(signal.SIGHUP)
    serve.logged("conf, line 2: log-to is one of")
    serve.stop()
    lines_of(serve.log())


# ---- Access log ---------------------------------------------------------------------------------

def test_one_line_a_request(box):
    """Goal: each request has one line, whoever answered it, with what it was and how it ended."""
    def answer(one):
        if one.target == "/cut":
            return lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")
        return b"nonsense\r\n\r\n" if one.target == "/bad" else OK

    plain = free_port()
    serve = box.serve(box.upstream(Recorder(answer)), "--log", "json", "--access-log",
                      "--http-listen", f"127.0.0.1:{plain}", listen=("127.0.0.1:0",))
    channel = Channel(box, serve)
    assert channel.ask(request("/a?secret=1")).status == 200
    assert channel.ask(request("/a", method="HEAD"), "HEAD").status == 200
    assert channel.ask(request("/.well-known/keyplate")).status == 200
    for target in ("/bad", "/cut"):
        Channel(box, serve).send(request(target)).end()
    Channel(box, serve).send(b"GET / HTTP/1.1\r\nbad header\r\n\r\n").end()
    curl(f"http://127.0.0.1:{plain}/explained?secret=2", user=None)
    until(lambda: len(events(serve, "request")) == 7)
    lines = events(serve, "request")
    first = lines[0]
    assert tuple(first)[4:] == ("client", "user", "method", "target", "status", "bytes", "seconds")
    assert first["level"] == "info" and first["user"] == "admin"
    shown = sorted((line.get("method"), line.get("target"), line.get("status")) for line in lines
                   if "target" in line)
    assert shown == [("GET", "/.well-known/keyplate", 200), ("GET", "/a", 200),
                     ("GET", "/bad", 502), ("GET", "/cut", 200), ("GET", "/explained", 403),
                     ("HEAD", "/a", 200)]
    by = {(line.get("method"), line.get("target")): line for line in lines}
    assert by["GET", "/a"]["bytes"] == 2 and by["HEAD", "/a"]["bytes"] == 0
    assert by["GET", "/cut"]["bytes"] == 4 and "ended before" in by["GET", "/cut"]["message"]
    assert by["GET", "/explained"]["proved"] is False and "user" not in by["GET", "/explained"]
    malformed = by[None, None]
    assert malformed["status"] == 400 and malformed["user"] == "admin"
    assert "secret" not in serve.log()


def test_requests_are_not_logged_unless_asked_for(box):
    """Goal: flash memory is spared; --verbose shows queries."""
    quiet = box.serve(box.upstream(Recorder()), "--log", "json")
    loud = box.serve(box.upstream(Recorder()), "--log", "json", "--verbose", "--access-log")
    for serve in (quiet, loud):
        curl(f"https://{serve.at}/a?b=c")
        serve.logged('"event":"closed"')
    assert events(quiet, "request") == []
    loud.upstream.close()
    curl(f"https://{loud.at}/failed?b=c")
    until(lambda: len(events(loud, "request")) == 2)
    assert [line["target"] for line in events(loud, "request")] == ["/a?b=c", "/failed"]


def test_what_a_stranger_writes_stays_in_its_line(box):
    """Goal: names and targets break no line, whatever they are made of."""
    serve = box.serve(box.upstream(Recorder()), "--log", "json", "--access-log")
    text = box.serve(box.upstream(Recorder()), "--access-log")
    name = 'a"\\{}\u2028 "event":"proved"' + "x" * 90
    for one in (serve, text):
        box.connect(one, b"", user=name, password="wrong")
        channel = Channel(box, one)
        channel.ask(request("/" + "%0a'()" * 200))
        channel.close()
        one.logged("closed")
    failed = events(serve, "proof-failed")[0]
    assert failed["proved"] is False and "event" in failed["claimed"]
    assert len(events(serve, "request")[0]["target"]) == 512
    told = [line["event"] for line in lines_of(serve.log())]
    assert told[-4:] == ["proof-failed", "proved", "request", "closed"]
    assert set(told[:-4]) <= {"privileges"}
    assert re.findall(r"^\S+Z \w+ ([a-z-]+): ", text.log(), re.M) == told
    assert len(text.log().splitlines()) == len(told)


def test_noise_fills_no_disk_and_hides_no_guess(box):
    """Goal: what strangers can have written is bounded; guesses and who was proved are told."""
    serve = box.serve(box.upstream(talk_http()), "--log", "json")
    for _ in range(3000):
        with serve.raw() as sock:
            sock.sendall(b"nonsense")
            sock.recv(100)
    size = len(serve.log())
    assert 128 << 10 < size < 300 << 10
    told = events(serve, "log")
    assert len(told) >= 1 and told[0]["left_out"] == 1 and "dropped" not in told[0]
    curl(f"https://{serve.at}/", password="wrong")
    assert curl(f"https://{serve.at}/").stdout == b"hello"
    serve.logged('"event":"proved"')
    assert len(events(serve, "proof-failed")) == 1


# ---- Counters -----------------------------------------------------------------------------------

SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="[A-Za-z0-9._-]*",?)*)\})? (\d+)')


class Metrics:
    """Read strictly: text format 0.0.4."""

    def __init__(self, where):
        if isinstance(where, int):
            self.sock = socket.create_connection(("127.0.0.1", where), timeout=10)
        else:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(str(where))
        self.sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head, body = everything(self.sock).split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
        assert b"\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n" in head
        assert b"\r\nConnection: close\r\n" in head and b"Access-Control" not in head
        assert b"\r\nContent-Length: %d" % len(body) in head
        self.values = {}
        self.read(body.decode("ascii"))

    def read(self, text):
        assert text.endswith("\n") and not text.endswith("\n\n")
        name, state, seen = None, "", set()
        for line in text.splitlines():
            if line.startswith("# HELP "):
                assert state in ("", "sample"), line
                name = line.split(" ")[2]
                assert name not in seen and len(line.split(" ", 3)[3]) > 3, line
                seen.add(name)
                state = "help"
            elif line.startswith("# TYPE "):
                assert state == "help" and line.split(" ")[2] == name, line
                self.kind = line.split(" ")[3]
                assert (self.kind == "counter") == name.endswith("_total"), line
                assert self.kind in ("counter", "gauge"), line
                state = "type"
            else:
                match = SAMPLE.fullmatch(line)
                assert match and match[1] == name and state in ("type", "sample"), line
                key = match[1] + (f"{{{match[2]}}}" if match[2] is not None else "")
                assert key not in self.values, line
                self.values[key] = int(match[3])
                state = "sample"
        assert state == "sample"

    def one(self, name):
        return self.values[name]

    def since(self, before):
        return {key: value - before.values[key] for key, value in self.values.items()
                if value != before.values[key] and not key.startswith(("process_", "keyplate_bytes"))}


def everything(sock):
    data = b""
    while piece := sock.recv(65536):
        data += piece
    sock.close()
    return data


def measured(box, upstream, *args, **kwargs):
    serve = box.serve(upstream, "--metrics", "127.0.0.1:0", *args, **kwargs)
    line = serve.logged("counters are at ")[0]
    serve.metrics = int(re.search(r"counters are at 127\.0\.0\.1:(\d+)", line).group(1))
    return serve


def settled(serve, before, expected):
    """What has moved since then, once it is what is expected or time is up."""
    end = time.monotonic() + 15
    while (moved := Metrics(serve.metrics).since(before)) != expected and time.monotonic() < end:
        time.sleep(0.05)
    return moved


def test_counters_move_by_what_was_done(box):
    """Goal: each thing done moves its own counters by one, and no others."""
    def answer(one):
        return b"nonsense\r\n\r\n" if one.target == "/bad" else OK

    serve = measured(box, box.upstream(Recorder(answer)), "--tls", "1.2")
    shake = 'keyplate_handshakes_total{version="%s",result="%s"}'
    came = {"keyplate_connections_total": 1}
    judged = {'keyplate_guesses_total{verdict="granted"}': 1}
    proved = {**came, **judged, shake % ("1.2", "proved"): 1}

    def moves(expected, act):
        before = Metrics(serve.metrics)
        act()
        assert settled(serve, before, expected) == expected

    moves({**proved, 'keyplate_requests_total{code="2xx"}': 1},
          lambda: curl(f"https://{serve.at}/"))
    moves({**came, **judged, shake % ("1.2", "failed"): 1},
          lambda: curl(f"https://{serve.at}/", password="wrong"))
    moves({**came, shake % ("none", "refused"): 1, 'keyplate_refused_total{reason="plain-http"}': 1},
          lambda: curl(f"http://{serve.at}/", user=None))
    moves({**came, shake % ("none", "refused"): 1,
           'keyplate_refused_total{reason="no-password"}': 1},
          lambda: curl(f"https://{serve.at}/", user=None))
    moves({**came, shake % ("none", "broken"): 1}, lambda: serve.raw().close())
    moves({**proved, 'keyplate_requests_total{code="5xx"}': 1,
           'keyplate_request_failures_total{reason="bad-answer"}': 1},
          lambda: curl(f"https://{serve.at}/bad"))
    moves({**proved, 'keyplate_requests_total{code="4xx"}': 1,
           'keyplate_request_failures_total{reason="bad-request"}': 1},
          lambda: curl(f"https://{serve.at}/", "-H", "Host: a b"))

    before = Metrics(serve.metrics)
    channel = Channel(box, serve)
    assert channel.ask(request("/")).status == 200
    expected = {"keyplate_connections": 1, "keyplate_upstream_connections": 1, **proved,
                'keyplate_requests_total{code="2xx"}': 1}
    assert settled(serve, before, expected) == expected
    channel.close()
    del expected["keyplate_connections"], expected["keyplate_upstream_connections"]
    assert settled(serve, before, expected) == expected


def test_requests_above_the_limit_are_counted(box):
    """Goal: who gets a 503 page is an answer, a failure and a lack; the log says so."""
    def talk(sock):
        sock.recv(4096)
        sock.recv(1)  # never answers

    serve = measured(box, box.upstream(talk), "--max-requests", "1", "--log", "json",
                     "--access-log")
    before = Metrics(serve.metrics)
    waits, other = Channel(box, serve), Channel(box, serve)
    waits.send(request("/waits"))
    until(lambda: Metrics(serve.metrics).one("keyplate_upstream_connections") == 1)
    assert other.ask(request("/other")).status == 503
    moved = Metrics(serve.metrics).since(before)
    assert {key: value for key, value in moved.items() if "request" in key} == {
        'keyplate_lacks_total{what="requests"}': 1, 'keyplate_requests_total{code="5xx"}': 1,
        'keyplate_request_failures_total{reason="busy"}': 1}
    assert [line["status"] for line in events(serve, "request")] == [503]
    waits.process.kill()  # in order, its answer would still be waited for
    until(lambda: len(events(serve, "request")) == 2)
    assert "status" not in events(serve, "request")[1]
    assert Metrics(serve.metrics).one('keyplate_request_failures_total{reason="cut"}') == 1


def test_gauges_of_the_process_and_the_credentials(box):
    """Goal: who watches sees users, loads, descriptors, memory and the start."""
    credentials = box.credentials()
    serve = measured(box, box.upstream(talk_http()), credentials=credentials)
    before = Metrics(serve.metrics)
    assert before.one("keyplate_credentials_users") == 1
    assert before.one("process_open_fds") in range(len(os.listdir(f"/proc/{serve.pid}/fd")) - 1,
                                                   len(os.listdir(f"/proc/{serve.pid}/fd")) + 4)
    assert 1 << 20 < before.one("process_resident_memory_bytes") < 1 << 30
    assert abs(before.one("process_start_time_seconds") - time.time()) < 30
    assert any(re.fullmatch(r'keyplate_build_info\{version="[0-9.]+"\}', key) for key in before.values)
    box.passwd("add", credentials, "other", PASSWORD)
    loaded = {"keyplate_credentials_users": 1,
              'keyplate_credentials_loads_total{result="loaded"}': 1}
    assert settled(serve, before, loaded) == loaded
    os.chmod(credentials, 0o644)
    failed = {**loaded, 'keyplate_credentials_loads_total{result="failed"}': 1}
    assert settled(serve, before, failed) == failed


def test_limits_are_told(box):
    """Goal: who watches sees how near the limits are, also after they were changed."""
    config = box.dir / "conf"
    config.write_text("max-connections = 100\n")
    serve = measured(box, box.upstream(talk_http()), "--max-requests", "7", "--config", config)

    def limits():
        return {key: value for key, value in Metrics(serve.metrics).values.items()
                if key.startswith("keyplate_limit")}

    def expected(**limits):
        return {f'keyplate_limit{{what="{key}"}}': value for key, value in limits.items()}

    assert limits() == expected(connections=100, per_source=25, handshakes=25, requests=7)
    config.write_text("max-connections = 200\n")
    serve.signal(signal.SIGHUP)
    until(lambda: limits() == expected(connections=200, per_source=50, handshakes=50, requests=7))


def test_bytes_of_clients(box):
    """Goal: bytes count when a connection ends, those of bytes mode too."""
    serve = measured(box, box.upstream(talk_echo), "--http", "off")
    before = Metrics(serve.metrics)
    assert box.connect(serve, b"x" * 100000).stdout == b"x" * 100000
    until(lambda: all(Metrics(serve.metrics).one(key) - before.one(key) == 100000 for key in
                      ('keyplate_bytes_total{direction="in"}',
                       'keyplate_bytes_total{direction="out"}')))
    assert Metrics(serve.metrics).one("keyplate_upstream_connections") == 0


def test_every_name_is_in_the_manual(box):
    """Goal: what is counted is documented, with its labels."""
    serve = measured(box, box.upstream(talk_http()))
    text = manual("METRICS")
    for key in Metrics(serve.metrics).values:
        name, _, labels = key.partition("{")
        assert name in text, key
        for label in re.findall(r'([a-z]+)="([a-z0-9._-]+)"', labels):
            assert label[0] in text and (label[0] == "version" or label[1] in text), key


def ask(port, data, ends=False):
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    sock.sendall(data)
    if ends:
        sock.shutdown(socket.SHUT_WR)
    return everything(sock)


def test_who_may_read_counters(box):
    """Goal: a page in a browser can't, by whatever name it comes; other requests get nothing."""
    serve = measured(box, box.upstream(talk_http()))

    def status(data):
        return ask(serve.metrics, data).split(b" ")[1:2]

    def get(host):
        return status(b"GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n" % host)

    for host in (b"localhost", b"LOCALHOST:9", b"127.0.0.1:9469", b"127.3.2.1", b"[::1]:80"):
        assert get(host) == [b"200"], host
    for host in (b"evil.example", b"evil.example:9469", b"localhost.evil.example", b"127.0.0.1.nip.io",
                 b"128.0.0.1", b"[::2]", b"0.0.0.0", b"localhost@evil", b"", b"127.1"):
        assert get(host)[0] in (b"421", b"400"), host
    assert status(b"GET /metrics HTTP/1.0\r\n\r\n") == [b"421"]
    assert status(b"GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] in \
        (b"421", b"400")
    good = b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert status(b"GET /" + good) == [b"404"]
    assert status(b"GET /metrics/" + good) == [b"404"]
    assert status(b"GET /metrics?name[]=x" + good) == [b"200"]
    assert status(b"HEAD /metrics" + good) == [b"405"]
    assert status(b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12345") == \
        [b"405"]
    assert status(b"GET /metrics HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n") == [b"400"]
    assert status(b"\x16\x03\x01\x00\x05hello\r\n\r\n") == [b"400"]
    assert status(b"GET /metrics HTTP/1.1\r\nA: " + b"x" * 5000) == [b"431"]


def test_who_asks_slowly_shuts_out_nobody(box):
    """Goal: eight that say nothing make others wait, for five seconds at most."""
    serve = measured(box, box.upstream(talk_http()))
    silent = [socket.create_connection(("127.0.0.1", serve.metrics)) for _ in range(20)]
    began = time.monotonic()
    assert curl(f"https://{serve.at}/").stdout == b"hello"
    assert time.monotonic() - began < 4.5
    for sock in silent[8:]:
        sock.close()
    Metrics(serve.metrics)
    assert 2 < time.monotonic() - began < 9
    for sock in silent[:8]:
        sock.close()
    serve.signal(signal.SIGTERM)
    assert serve.wait() == 0


def test_no_descriptor_for_who_asks(box):
    """Goal: a reader for whom there is no descriptor waits, and keeps no processor busy meanwhile."""
    serve = measured(box, box.upstream(talk_http()))
    had = len(os.listdir(f"/proc/{serve.pid}/fd"))
    before = resource.prlimit(serve.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(serve.pid, resource.RLIMIT_NOFILE, (had, before[1]))
    sock = socket.create_connection(("127.0.0.1", serve.metrics), timeout=10)
    used = cpu_seconds(serve.pid)
    time.sleep(1)
    assert cpu_seconds(serve.pid) - used < 0.3
    resource.prlimit(serve.pid, resource.RLIMIT_NOFILE, before)
    sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert everything(sock).startswith(b"HTTP/1.1 200 ")
    serve.signal(signal.SIGTERM)
    assert serve.wait() == 0


def test_a_unix_socket_for_counters(box):
    """Goal: it is for its owner and group, takes the place of a dead one, and of no living one."""
    path = box.dir / "metrics.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    serve = box.serve(box.upstream(talk_http()), "--metrics", f"unix:{path}")
    serve.logged("metrics: counters are at unix:")
    assert path.stat().st_mode & 0o7777 == 0o660
    assert Metrics(path).one("keyplate_connections") == 0
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(path))
    sock.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert everything(sock).startswith(b"HTTP/1.1 200 ")
    second = start_fails(box, "--metrics", f"unix:{path}")
    assert second.returncode == 1 and "something else is there" in second.stderr
    assert Metrics(path).one("keyplate_connections") == 0
    held = socket.socket(socket.AF_UNIX)
    held.connect(str(path))
    serve.signal(signal.SIGTERM)
    assert serve.wait() == 0
    held.close()
    file = box.dir / "file"
    file.write_text("kept")
    third = start_fails(box, "--metrics", f"unix:{file}")
    assert third.returncode == 1 and file.read_text() == "kept"


# ---- --check ------------------------------------------------------------------------------------

def start_fails(box, *args):
    return subprocess.run([KEYPLATE, "serve", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:9",
                           "--credentials", box.credentials(), *map(str, args)],
                          capture_output=True, text=True, timeout=20, check=False)


def check(*args):
    return subprocess.run([KEYPLATE, "serve", "--check", *map(str, args)], capture_output=True,
                          text=True, timeout=20, check=False)


def test_a_fine_configuration(box):
    """Goal: what would be served is told, and nothing is opened, connected to or written."""
    credentials = box.credentials(users=(("admin", PASSWORD), ("guest", PASSWORD)))
    upstream = box.upstream(talk_http())
    port = free_port()
    before = sorted(path.name for path in box.dir.iterdir())
    with socket.create_server(("127.0.0.1", port)):  # it would be in use: that is not looked at
        done = check("--listen", f"127.0.0.1:{port}", "--upstream", upstream.at, "--credentials",
                     credentials, "--metrics", f"unix:{box.dir}/m", "--throttle-file",
                     box.dir / "t", "--access-log", "--max-connections", "100", "--max-handshakes",
                     "7")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.splitlines() == [
        "the configuration is fine", f"listen: 127.0.0.1:{port}, the password TLS",
        f"upstream: {upstream.at}", "transition: strict", f"metrics: unix:{box.dir}/m",
        f"credentials: {credentials}, 2 users",
        f"user: {pwd.getpwuid(os.geteuid()).pw_name}, uid {os.geteuid()}",
        f"throttle file: {box.dir}/t", "limits: 100 connections, 25 per source, 7 handshakes, 256 "
        "requests", "log: text to stderr, info, with requests"]
    assert sorted(path.name for path in box.dir.iterdir()) == before
    assert upstream.seen == []


def test_the_example_of_the_manual(box):
    """Goal: what the manual shows is right."""
    text = (ROOT / "doc/man/keyplate.conf.5").read_text(encoding="utf-8")
    example = text.split(".Sh EXAMPLES")[1].split("-indent\n" if "-indent\n" in text else "indent\n")[1]
    example = example.split(".Ed")[0]
    assert "credentials = " in example and "run-as = keyplate\n" in example
    example = re.sub(r"credentials = .*", f"credentials = {box.credentials()}", example)
    example = example.replace("run-as = keyplate\n", f"run-as = {os.geteuid()}\n")
    assert "log-to = syslog\n" in example
    if not os.path.exists("/dev/log"):  # it would be a warning
        example = example.replace("log-to = syslog\n", "")
    config = box.dir / "keyplate.conf"
    config.write_text(example)
    done = check("--config", config)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "listen: 0.0.0.0:443, the password TLS\n" in done.stdout
    assert "listen: 0.0.0.0:80, plain HTTP\n" in done.stdout
    assert "metrics: 127.0.0.1:9469\n" in done.stdout


BAD = [
    ("listen = here", 2, "conf, line 2: listen here"),
    ("upstream = http://127.0.0.1/", 2, "conf, line 2: upstream is written without"),
    ("upstream = no.such.name.invalid:80", 1, "conf, line 2: upstream no.such.name.invalid"),
    ("tls = 1.1", 2, "conf, line 2: tls is one of"),
    ("idle-timeout = soon", 2, "conf, line 2: idle-timeout is a number"),
    ("metrics = 0.0.0.0:1", 2, "conf, line 2: metrics 0.0.0.0:1: counters are for this machine alone"),
    ("metrics = localhost:9469", 2, "as 127.0.0.1:9469, or unix:/run/keyplate/metrics"),
    ("# more\nhttp-listen = 127.0.0.1:7\nhttp-listen = there", 2, "conf, line 4: http-listen there"),
    ("[server]\nidle-timeout = 9\nhead-timeout = 9\n[serve]", 2,
     "conf, line 3: idle-timeout is in the section [server], which is no command"),
    ("metrics = unix:/nowhere/at/all", 1, "there is no folder /nowhere/at"),
    ("listen = 192.0.2.77:443", 1, "this machine doesn't have this address"),
    ("transition = dual", 2, "needs --other-tls"),
    ("http-listen = 127.0.0.1:0\nnotice = /nowhere", 1, "--notice /nowhere"),
    ("credentials = /nowhere", 1, "/nowhere is not there"),
    ("run-as = nobody-of-that-name", 1, "there is no such user"),
    ("upstream = 127.0.0.1:4", 1, "is this gateway itself"),
    ("run-as = 99999999999", 1, "there is no such user"),
    ("listen = 127.0.0.1:4\nlisten = 0.0.0.0:4", 1, "127.0.0.1:4 is a part of 0.0.0.0:4"),
    ("throttle-file = {credentials}", 2, "is the file of the credentials"),
    ("throttle-file = {link}", 2, "is the file of the credentials"),
    ("throttle-file = {config}", 2, "is the file of --config"),
    ("quiet = on\naccess-log = on", 2, "exclude each other"),
    ("lissten = 127.0.0.1:1", 2, "line 2: unknown key lissten"),
    ("check = on", 2, "line 2: check is for the command line"),
    ("no equals sign", 2, "line 2: not a [section]"),
]


@pytest.mark.parametrize("lines, status, words", BAD)
def test_each_kind_of_mistake(box, lines, status, words):
    """Goal: it is named, as a start would, and nothing is called fine."""
    config = box.dir / "conf"
    link = box.dir / "link"
    keys = {"listen": "127.0.0.1:4", "upstream": "127.0.0.1:5", "credentials": box.credentials()}
    link.symlink_to(keys["credentials"])
    lines = lines.format(config=config, link=link, **keys)
    rest = "".join(f"{key} = {value}\n" for key, value in keys.items()
                   if not re.search(rf"^{key} =", lines, re.M))
    config.write_text("[serve]\n" + lines + "\n" + rest)
    done = check("--config", config)
    assert done.returncode == status and done.stdout == ""
    told = done.stderr.splitlines()
    assert len(told) == 1 and told[0].startswith("keyplate serve: ") and words in told[0], told


def test_several_mistakes_are_told_at_once(box):
    """Goal: one look finds what can be found, and each has a line."""
    config = box.dir / "conf"
    config.write_text("[serve]\nlisten = 192.0.2.77:443\none = 1\n\ntwo = 2\n[open]\nthree = 3\n"
                      "[serve]\nupstream = 127.0.0.1:5\nworkers = 0\nlog = loud\n")
    done = check("--config", config, "--credentials", "/nowhere")
    assert done.returncode == 2
    told = done.stderr.splitlines()
    for words in ("line 3: unknown key one", "line 5: unknown key two", "line 10: workers is a number",
                  "line 11: log is one of", "192.0.2.77:443: this machine", "/nowhere is not there"):
        assert sum(words in line for line in told) == 1, (words, told)
    assert len(told) == 6


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_could_not_read_the_credentials(box):
    """Goal: that a start would be refused for it is told, and why."""
    for credentials, whom in ((box.credentials(), ("--run-as", "65534")), (box.credentials(), ())):
        if not whom:
            os.chown(credentials, 65534, 65534)
            credentials.parent.chmod(0o700)
        args = ("--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:5", "--credentials", credentials)
        done = check(*args, *whom)
        assert done.returncode == 1 and "uid 65534" in done.stderr and done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        start = subprocess.run([KEYPLATE, "serve", *map(str, args), *whom], capture_output=True,
                               text=True, timeout=20, check=False)
        assert start.stderr.splitlines()[-1] == done.stderr.strip()


def test_warnings_of_credentials(box):
    """Goal: what is worth a warning is told for a person, and isn't a failure."""
    credentials = box.dir / "empty"
    box.passwd("add", credentials, "admin", PASSWORD)
    box.passwd("remove", credentials, "admin")
    done = check("--listen", "127.0.0.1:4", "--upstream", "127.0.0.1:5", "--credentials", credentials,
                 "--log", "json")
    assert done.returncode == 0 and ", 0 users\n" in done.stdout
    assert re.fullmatch(r'warning: "[^\n]+ has no user yet: [^\n]+\n', done.stderr)
