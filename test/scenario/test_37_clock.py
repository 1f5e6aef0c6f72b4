"""Goal: the wall clock may jump as it likes, both ways: nobody's connection or ticket notices, and
the log tells the new time.  A machine that sleeps lets tickets die and keeps connections."""
import datetime
import json
import os
import struct
import time

import pytest

from faults import LONG, Calm, preload
from gateways import box, curl, talk_echo, until
from http_peers import BY_TLS12, BY_TLS13, Channel, Recorder, credentials, request

HOUR = 3600
DAY = 24 * HOUR
YEAR = 365 * DAY
BOTH = pytest.mark.parametrize("by", [BY_TLS12, BY_TLS13], ids=["1.2", "1.3"])


class Clock:
    """The clocks of programs that are started with env."""

    def __init__(self, folder):
        self.file = folder / "clock"
        self.wall = self.sleep = 0
        self.file.write_bytes(bytes(16))
        self.env = {**os.environ, **preload("clock", folder), "CLOCK_FILE": str(self.file)}
        self.fd = os.open(self.file, os.O_WRONLY)

    def set(self, wall=None, sleep=None):
        """Seconds that are added: to what the clock on the wall shows, to what was slept."""
        self.wall = self.wall if wall is None else wall
        self.sleep = self.sleep if sleep is None else sleep
        os.pwrite(self.fd, struct.pack("=qq", self.wall, self.sleep), 0)

    def shows(self, seconds):
        """Whether that is about what the clock on the wall shows."""
        return abs(time.time() + self.wall - seconds) < LONG


@pytest.fixture
def clock(tmp_path):
    made = Clock(tmp_path)
    yield made
    os.close(made.fd)


def gateway(box, clock, *args, talk=None):
    return box.serve(box.upstream(talk or Recorder()), "--verbose", "--log", "json", *args,
                     credentials=credentials(box), env=clock.env)


def last_time(serve):
    text = json.loads(serve.log().splitlines()[-1])["time"]
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def proofs(serve, how):
    return serve.log().count(how)


class Resumed:
    """A browser's connections behind `keyplate open`: the first proves the password, others come
    by its ticket."""

    def __init__(self, box, serve, by):
        self.face = box.open(serve, *by)
        self.serve = serve
        self.visit("the password was proved", 0)

    def visit(self, how, more=1):
        before = proofs(self.serve, how)
        done = curl(self.face.url, user=None, timeout=LONG)
        assert done.stdout == b"ok", (done, self.serve.log()[-2000:])
        until(lambda: proofs(self.serve, how) >= before + more, LONG, f"not: {how}")


@BOTH
def test_the_wall_clock_jumps(box, clock, by):
    serve = gateway(box, clock, "--idle-timeout", "3600")
    calm = Calm(serve, body=b"ok")
    held, idle = Channel(box, serve, *by, seconds=LONG), Channel(box, serve, *by, seconds=LONG)
    assert held.ask(request()).body == b"ok" and idle.ask(request()).body == b"ok"
    browser = Resumed(box, serve, by)
    now = int(time.time())
    for wall in (3 * HOUR, -3 * HOUR, 0, 10 * YEAR, -20 * YEAR, -now, 20 * YEAR, 0):
        clock.set(wall=wall)
        assert held.ask(request()).body == b"ok"
        browser.visit("a ticket was proved")
        assert clock.shows(last_time(serve)), (wall, serve.log()[-300:])
        fresh = Channel(box, serve, *by, seconds=LONG)
        assert fresh.ask(request()).body == b"ok"
        fresh.close()
    assert idle.is_silent(0.5) and idle.ask(request()).body == b"ok", "nobody was cut"
    for one in (held, idle):
        one.close()
    browser.face.stop()
    calm.again(kib=2048)


def test_time_limits_go_on(box, clock):
    """A clock that is set back stops no limit, and one that is set forward ends none."""
    serve = gateway(box, clock, "--idle-timeout", "2", "--handshake-timeout", "2",
                    "--upstream-timeout", "2",
                    talk=Recorder(lambda one: (lambda sock: sock.recv(1)) if one.target == "/never"
                                  else b"HTTP/1.1 204 No Content\r\n\r\n"))
    for wall in (-10 * YEAR, 10 * YEAR):
        idle, asks = (Channel(box, serve, *BY_TLS12, seconds=LONG) for _ in range(2))
        assert idle.ask(request()).status == asks.ask(request()).status == 204
        with serve.raw() as stranger:
            stranger.settimeout(LONG)
            clock.set(wall=wall)
            asks.send(request("/never"))
            assert asks.response().status == 504
            assert idle.end() == (b"", True)
            assert stranger.recv(1) == b""


def test_bytes_of_any_protocol(box, clock):
    serve = box.serve_bytes(box.upstream(talk_echo), "--idle-timeout", "3600", "--verbose",
                            env=clock.env, credentials=credentials(box))
    channels = [Channel(box, serve, *by, seconds=LONG) for by in (BY_TLS12, BY_TLS13)]
    for wall, sleep in ((0, 0), (10 * YEAR, 0), (-10 * YEAR, 0), (0, 2 * DAY)):
        clock.set(wall=wall, sleep=sleep)
        for channel in channels:
            channel.send(b"ping")
            assert channel.exactly(4) == b"ping"


@BOTH
def test_the_machine_sleeps(box, clock, by):
    """For 23 hours, and one more: tickets die a day after their proof; connections stay."""
    serve = gateway(box, clock)
    calm = Calm(serve, body=b"ok")
    held = Channel(box, serve, *by, seconds=LONG)
    assert held.ask(request()).body == b"ok"
    browser = Resumed(box, serve, by)
    clock.set(wall=-YEAR, sleep=23 * HOUR)
    browser.visit("a ticket was proved")
    assert held.ask(request()).body == b"ok"
    clock.set(wall=YEAR, sleep=24 * HOUR + 1)
    browser.visit("the password was proved")
    assert held.ask(request()).body == b"ok"
    clock.set(sleep=30 * DAY)
    browser.visit("the password was proved")
    assert held.ask(request()).body == b"ok"
    browser.visit("a ticket was proved")
    held.close()
    browser.face.stop()
    calm.again(kib=2048)
