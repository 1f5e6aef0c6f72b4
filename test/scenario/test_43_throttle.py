"""Goal: guesses at passwords are counted once for all versions of TLS, and no trick gets more of them;
nobody is locked out for good, and who was proved before isn't locked out at all."""
import concurrent.futures
import json
import os
import re
import signal
import sys

import pytest

from faults import preload
from gateways import PASSWORD, ROOT, Terminal, box, curl, talk_http, until
from test_37_clock import Clock

sys.path.insert(0, str(ROOT / "test"))

from model13.client import ClientConfig  # noqa: E402
from model13.constants import BORINGSSL, IETF  # noqa: E402
from model13.driver import run_client  # noqa: E402

BURST = 16  # of a source
NAME = 32   # of a name; the last quarter is for sources without failures
WRONG = "not-the-password"
DEVICE = "kp-serial-0042"


@pytest.fixture
def start(box):
    """start(users...): serve with a log in JSON."""
    def start(*args, users=("admin",), **kwargs):
        path = box.dir / f"credentials-{box.count()}"
        for user in users:
            header = ("--group", "2048", "--device-id", DEVICE) if not path.exists() else ()
            box.passwd("add", path, user, PASSWORD, *header)
        return box.serve(box.upstream(talk_http()), "--log", "json", *args, credentials=path,
                         **kwargs)
    return start


def again(box, serve, *args):
    """Another process with the same files."""
    return box.serve(box.upstream(talk_http()), "--log", "json", *args,
                     credentials=serve.credentials, listen=(serve.at,))


def exchange(client):
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"hello" in client.receive()


def by12(serve, password, source, user="admin"):
    """Whether the page comes, over TLS 1.2."""
    return curl(f"https://{serve.at}/", "--interface", source, user=user,
                password=password).returncode == 0


def by13(serve, password, source, user="admin", form=IETF):
    """Whether the proof succeeds, over TLS 1.3."""
    config = ClientConfig(form=form, user=user.encode(), device_id=DEVICE.encode(),
                          password=password.encode())
    outcome = run_client(serve.port, config, lambda client: None, source=source)
    return str(outcome).startswith("succeeds")


def by_boringssl(serve, password, source, user="admin"):
    return by13(serve, password, source, user, BORINGSSL)


WAYS = [by12, by13, by_boringssl]


def attempts(serve, verdict):
    """Lines of the log: failed (it was judged) or refused (it wasn't)."""
    return [line for line in map(json.loads, serve.log().splitlines())
            if line.get("attempt") == verdict]


def judged(serve, count, refused):
    until(lambda: len(attempts(serve, "failed")) + len(attempts(serve, "refused")) ==
          count + refused, what=serve.log())
    assert len(attempts(serve, "failed")) == count, serve.log()


def trip(serve, source, way=by12, user="admin", tries=BURST):
    for _ in range(tries):
        assert not way(serve, WRONG, source, user)


# ---- One source ---------------------------------------------------------------------------------

@pytest.mark.parametrize("way", WAYS)
def test_a_source_trips(start, way):
    serve = start()
    trip(serve, "127.0.0.2", way, tries=BURST + 2)
    assert not way(serve, PASSWORD, "127.0.0.2")
    judged(serve, BURST, 3)
    line = attempts(serve, "refused")[-1]
    assert line["event"] == "proof-failed" and 0 < line["wait"] <= 60
    assert way(serve, PASSWORD, "127.0.0.3")  # another source isn't the guesser


def test_versions_share_what_is_left(start):
    serve = start()
    for i in range(BURST):
        assert not WAYS[i % 3](serve, WRONG, "127.0.0.2")
    for way in WAYS:
        assert not way(serve, PASSWORD, "127.0.0.2")
    judged(serve, BURST, 3)


def test_names_share_what_a_source_has(start):
    serve = start(users=("admin", "guest"))
    for i in range(BURST):
        assert not by12(serve, WRONG, "127.0.0.2", ("admin", "guest", f"nobody-{i}")[i % 3])
    for name in ("admin", "guest"):
        assert not by12(serve, PASSWORD, "127.0.0.2", name)
    judged(serve, BURST, 2)


@pytest.mark.parametrize("way", [by12, by13])
def test_an_unknown_name_trips_like_a_known_one(start, way):
    serve = start()
    for source, user in (("127.0.0.2", "admin"), ("127.0.0.3", "nobody")):
        trip(serve, source, way, user, BURST + 2)
    judged(serve, 2 * BURST, 4)
    for source in ("127.0.0.2", "127.0.0.3"):
        told = [line for line in attempts(serve, "refused") if line["client"].startswith(source)]
        assert len(told) == 2


def test_two_hundred_at_once(start):
    serve = start("--max-connections", "512", "--max-handshakes", "512", "--max-per-source", "512")
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        right = list(pool.map(lambda _: by12(serve, WRONG, "127.0.0.2"), range(200)))
    assert not any(right)
    judged(serve, BURST, 200 - BURST)


def test_proofs_of_another_name_buy_nothing(start):
    """Who knows one password guesses at another's no faster for it."""
    serve = start(users=("admin", "guest"))
    for _ in range(BURST):
        assert by12(serve, PASSWORD, "127.0.0.2", "guest")
        assert not by12(serve, WRONG, "127.0.0.2", "admin")
    assert not by12(serve, PASSWORD, "127.0.0.2", "guest")
    judged(serve, BURST, 1)


def test_right_passwords_cost_nothing(start):
    serve = start()
    for _ in range(3 * BURST):
        assert by12(serve, PASSWORD, "127.0.0.2")
    assert not attempts(serve, "refused")


def test_a_ticket_needs_no_token(box, start):
    """A browser that is in stays in while somebody guesses from the same address."""
    serve = start()
    face = box.open(serve)
    assert curl(face.url, user=None).stdout == b"hello"
    trip(serve, "127.0.0.1", tries=BURST + 1)
    assert not by12(serve, PASSWORD, "127.0.0.1")
    for _ in range(3):
        assert curl(face.url, "--no-keepalive", user=None).stdout == b"hello"


@pytest.mark.parametrize("way", WAYS)
def test_nobody_is_locked_out_for_good(start, tmp_path, way):
    """However long somebody hammers: a minute after the last try that was judged there is one."""
    clock = Clock(tmp_path)
    serve = start(env=clock.env)
    trip(serve, "127.0.0.2", way, tries=BURST + 10)
    assert not way(serve, PASSWORD, "127.0.0.2")
    clock.set(sleep=61)
    assert way(serve, PASSWORD, "127.0.0.2")
    os.close(clock.fd)


# ---- Many sources -------------------------------------------------------------------------------

def drain_name(serve, user="admin"):
    for i in range(NAME + 4):
        assert not by12(serve, WRONG, f"127.0.1.{i + 1}", user)


def test_who_was_proved_before_is_not_locked_out(start):
    serve = start(users=("admin", "guest"))
    for way in (by12, by13):
        assert way(serve, PASSWORD, "127.0.0.5")
    drain_name(serve)
    judged(serve, NAME, 4)
    for way in (by12, by13):
        assert way(serve, PASSWORD, "127.0.0.5")
    assert not by12(serve, PASSWORD, "127.0.0.6")           # not from elsewhere
    assert by12(serve, PASSWORD, "127.0.0.6", "guest")      # the other name has its own


def test_others_behind_the_same_address_do_not_profit(start):
    serve = start(users=("admin", "guest"))
    assert by12(serve, PASSWORD, "127.0.0.5", "guest")
    drain_name(serve)
    assert not by12(serve, PASSWORD, "127.0.0.5", "admin")
    assert by12(serve, PASSWORD, "127.0.0.5", "guest")


def test_sources_without_failures_are_served_first(start):
    """Two guessers use up what guessers get; the owner, who never came before, gets in."""
    serve = start()
    for source in ("127.0.0.2", "127.0.0.3"):
        trip(serve, source)
    judged(serve, NAME * 3 // 4, 2 * BURST - NAME * 3 // 4)
    assert by12(serve, PASSWORD, "127.0.0.4")


# ---- Restarts -----------------------------------------------------------------------------------

@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_gives_no_tokens_back(box, start, how):
    serve = start()
    trip(serve, "127.0.0.2", tries=BURST - 2)
    for _ in range(3):
        serve.signal(how)
        serve.wait()
        serve = again(box, serve)
    right = [by12(serve, WRONG, "127.0.0.2") for _ in range(4)]
    assert not any(right)
    assert len(attempts(serve, "failed")) <= 2
    assert not by12(serve, PASSWORD, "127.0.0.2")
    assert by12(serve, PASSWORD, "127.0.0.3")


def test_killed_at_once_after_each_guess(box, start):
    """However it ends: what was judged in all is no more than without an end."""
    serve = start()
    total = 0
    for _ in range(BURST + 4):
        assert not by13(serve, WRONG, "127.0.0.2")
        total += len(attempts(serve, "failed"))
        serve.signal(signal.SIGKILL)
        serve.wait()
        serve = again(box, serve)
    assert total <= BURST
    assert by12(serve, PASSWORD, "127.0.0.3")


def test_exemptions_outlive_a_restart(box, start):
    serve = start()
    assert by12(serve, PASSWORD, "127.0.0.5")
    serve.signal(signal.SIGTERM)
    serve.wait()
    serve = again(box, serve)
    drain_name(serve)
    assert by12(serve, PASSWORD, "127.0.0.5")


def test_the_state_tells_nothing(start):
    serve = start()
    assert by12(serve, PASSWORD, "127.0.0.5")
    trip(serve, "127.0.0.2", tries=3)
    path = serve.credentials.with_name(serve.credentials.name + ".throttle")
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert text.startswith("keyplate-throttle 1\n")
    assert "admin" not in text and "127.0" not in text and WRONG not in text


def test_another_place_for_the_state(box, start):
    place = box.dir / "elsewhere"
    serve = start("--throttle-file", place)
    trip(serve, "127.0.0.2", tries=BURST)
    assert place.exists()
    assert not list(box.dir.glob("credentials*.throttle"))


@pytest.mark.parametrize("damage", [b"", b"keyplate-throttle 1\n", b"\0" * 100, b"x" * 2000000],
                         ids=["empty", "half", "zeros", "long"])
def test_a_damaged_state_is_all_spent(box, start, damage):
    """It is said, and is no way to more guesses; nobody is out for good."""
    serve = start()
    trip(serve, "127.0.0.2", tries=2)
    serve.signal(signal.SIGKILL)
    serve.wait()
    path = serve.credentials.with_name(serve.credentials.name + ".throttle")
    path.write_bytes(damage)
    serve = again(box, serve)
    until(lambda: '"event":"throttle"' in serve.log(), what=serve.log())
    assert not by12(serve, WRONG, "127.0.0.3")
    judged(serve, 0, 1)


def test_state_that_cannot_be_written(box, start):
    """The service goes on, counting in memory, and says so once."""
    serve = start("--throttle-file", box.dir / "no-such-folder" / "state")
    trip(serve, "127.0.0.2", tries=BURST)
    assert not by12(serve, PASSWORD, "127.0.0.2")
    assert by12(serve, PASSWORD, "127.0.0.3")
    until(lambda: '"event":"throttle"' in serve.log(), what=serve.log())
    lines = [json.loads(line) for line in serve.log().splitlines()]
    assert len([line for line in lines if line["event"] == "throttle"]) == 1


def test_a_disk_that_hangs(box, start):
    """Nobody waits for it for longer than two seconds, and it is said; guesses are counted still."""
    hang = box.dir / "hang"
    env = {**os.environ, **preload("hang", box.dir), "HANG_FILE": str(hang)}
    serve = start(env=env)
    assert by12(serve, PASSWORD, "127.0.0.5")
    hang.touch()
    for source in ("127.0.0.6", "127.0.0.7"):
        assert by12(serve, PASSWORD, source)
        assert by13(serve, PASSWORD, source)
    for _ in range(BURST):
        assert not by12(serve, WRONG, "127.0.0.8")
    assert not by12(serve, PASSWORD, "127.0.0.8")
    judged(serve, BURST, 1)
    until(lambda: "has not answered for two seconds" in serve.log(), what=serve.log())
    hang.unlink()
    until(lambda: "can be written again" in serve.log(), what=serve.log())
    serve.signal(signal.SIGKILL)
    serve.wait()
    serve = again(box, serve)
    assert not by12(serve, PASSWORD, "127.0.0.8")  # what was counted meanwhile was written then


def test_a_disk_that_hangs_at_the_end(box, start):
    hang = box.dir / "hang"
    env = {**os.environ, **preload("hang", box.dir), "HANG_FILE": str(hang)}
    serve = start(env=env)
    hang.touch()
    assert by12(serve, PASSWORD, "127.0.0.5")
    serve.signal(signal.SIGTERM)
    assert serve.wait() == 0


def test_two_servers_with_one_state_are_told(box, start):
    """Each would forget what the other counted; one alone is told nothing."""
    one = start()
    assert not by12(one, WRONG, "127.0.0.2")
    two = box.serve(box.upstream(talk_http()), "--log", "json", credentials=one.credentials)
    for i in range(3):
        assert not by12(one, WRONG, f"127.0.0.{i + 10}")
    assert "another process" not in one.log()
    assert not by12(two, WRONG, "127.0.0.4")
    for i in range(3):
        assert not by12(one, WRONG, f"127.0.0.{i + 5}")
    until(lambda: "another process" in one.log(), what=one.log())
    lines = [json.loads(line) for line in one.log().splitlines()]
    told = [line for line in lines if line["event"] == "throttle"]
    assert len(told) == 1 and "written by another process" in told[0]["message"], one.log()


# ---- What people are told -----------------------------------------------------------------------

def test_after_three_failures_people_are_told(start):
    serve = start()
    terminal = Terminal(["connect", serve.at, "--user", "admin", "--no-save"])
    for i in range(3):
        assert "slowing" not in terminal.expect("Password of admin")
        terminal.type(WRONG + "\n")
    assert re.search(r"may be slowing guesses: wait 60 s", terminal.expect("before the next"))
    assert terminal.wait() == 3
