"""Goal: an extension or an app speaks to the agent by native messaging; agents share one hub, which
outlives none that it shouldn't, and nothing that a client sends harms more than itself."""
import json
import os
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import time

import pytest

from devices import device, saved
from gateways import BUILD, KEYPLATE, PASSWORD, box, curl, until  # noqa: F401

AGENT = str(BUILD / "keyplate-agent")
WRONG = "not-" + PASSWORD
OUT_MAX = 1024 * 1024
IN_MAX = 65536


@pytest.fixture(autouse=True)
def runtime(box, monkeypatch):
    """A folder of its own, with a short name: a socket's has 107 bytes."""
    path = tempfile.mkdtemp(prefix="kp-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", path)
    yield path
    shutil.rmtree(path, ignore_errors=True)


class Agent:
    """What a browser does: starts it with arguments of its own, and speaks JSON with it."""

    def __init__(self, box, stdin=None, hello=True, lasting=True, args=(), language="en", **kwargs):
        self.err = box.dir / f"agent-err{box.count()}"
        if not args:
            args = (AGENT, "chrome-extension://abcdefghijklmnopabcdefghijklmnop/")
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen(args, stdin=stdin or subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=err, bufsize=0, **kwargs)
        self.pid = self.process.pid
        self.buffer = b""
        self.said = b""  # all that came
        self.events = []
        self.answers = {}
        self.number = 100
        box.programs.append(self)
        if hello:
            self.hello = self.ask("hello", protocol=1, client="browser", lasting=lasting,
                                  language=language)
            assert self.hello["ok"], self.hello

    def write(self, data):
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view):]

    @staticmethod
    def frame(message):
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        return struct.pack("=I", len(text)) + text

    def send(self, kind, **members):
        self.number += 1
        self.write(self.frame({"id": self.number, "type": kind, **members}))
        return self.number

    def receive(self, seconds=20):
        """The next message, or None at the end."""
        end = time.monotonic() + seconds
        while len(self.buffer) < 4 or len(self.buffer) < 4 + self.size():
            ready, _, _ = select.select([self.process.stdout], [], [], end - time.monotonic())
            assert ready, f"no message came; events: {self.events}, log: {self.log()}"
            piece = self.process.stdout.read(65536)
            if not piece:
                assert self.buffer == b"", self.buffer
                return None
            self.buffer += piece
            self.said += piece
        size = self.size()
        message = json.loads(self.buffer[4:4 + size].decode())
        self.buffer = self.buffer[4 + size:]
        return message

    def size(self):
        size = struct.unpack("=I", self.buffer[:4])[0]
        assert 0 < size <= OUT_MAX, f"{size}: {self.buffer[:80]}"
        return size

    def next_event(self, kind, seconds=20):
        while True:
            for event in self.events:
                if event["event"] == kind:
                    self.events.remove(event)
                    return event
            self.take(seconds)

    def take(self, seconds):
        message = self.receive(seconds)
        assert message is not None, f"it ended: {self.log()}"
        if "id" in message:
            self.answers[message["id"]] = message
        else:
            self.events.append(message)

    def answer(self, number, seconds=20):
        while number not in self.answers:
            self.take(seconds)
        return self.answers.pop(number)

    def ask(self, kind, seconds=20, **members):
        return self.answer(self.send(kind, **members), seconds)

    def login(self, target, password=PASSWORD, **members):
        return self.ask("login", device=target, user="admin", password=password, **members)

    def log(self):
        return self.err.read_text(errors="replace")

    def end(self, seconds=10):
        self.process.stdin.close()
        return self.process.wait(seconds)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
        log = self.log()
        for bad in ("Sanitizer", "runtime error:", "Assertion"):
            assert bad not in log, log
        for secret in (PASSWORD, WRONG):
            assert secret not in log and secret.encode() not in self.said


def enter(link):
    """Opens a one-time link as a browser does: the cookie, and where the page goes on to."""
    answer = curl(link, "-i", user=None).stdout.decode()
    cookie = re.search(r"(?m)^Set-Cookie: ([^;\r]+)", answer)
    goes_on = re.search(r"(?m)^Location: ([^\r]+)", answer)
    assert cookie and goes_on, answer
    return cookie[1], goes_on[1]


def page(link):
    cookie, path = enter(link)
    origin = "/".join(link.split("/")[:3])
    return curl(origin + path, "-H", f"Cookie: {cookie}", user=None).stdout


def listens(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


# ---- One client -------------------------------------------------------------------------------

def test_from_hello_to_logout(box):
    serve = device(box, "K7F3")
    agent = Agent(box)
    assert agent.hello["protocol"] == 1 and re.match(r"\d+\.\d+", agent.hello["version"])
    assert agent.hello["own_port"] is True and listens(agent.hello["port"])
    assert agent.ask("list") == {"id": agent.number, "ok": True, "devices": []}
    found = agent.ask("find", device=f"https://{serve.at}/x?y=1")
    assert found["where"] == serve.at and found["path"] == "/x?y=1"
    assert not found["saved"] and not found["nowhere"]

    done = agent.login(serve.at)
    assert done["ok"], done
    facts = done["device"]
    assert facts["state"] == "in" and facts["user"] == "admin" and facts["where"] == serve.at
    assert facts["protocol"] in ("TLSv1.2", "TLSv1.3") and abs(facts["since"] - time.time()) < 60
    name, port = facts["name"], agent.hello["port"]
    assert facts["origin"] == f"http://{name}.localhost:{port}"
    assert done["link"].startswith(facts["origin"] + "/.keyplate/open/")
    assert re.fullmatch("[0-9a-f]{64}", done["secret"])
    cookie, path = enter(done["link"])
    assert path == "/" and curl(facts["origin"] + path, "-H", f"Cookie: {cookie}",
                                user=None).stdout == b"hello"
    until(lambda: agent.ask("state", name=name)["device"]["device_id"] == "K7F3")
    assert [d["name"] for d in agent.ask("list")["devices"]] == [name]

    link = agent.ask("link", name=name, path="/deep")
    assert page(link["link"]) == b"hello" and link["secret"] == done["secret"]
    agent.events.clear()
    assert agent.ask("logout", name=name)["ok"]
    assert agent.next_event("state")["device"]["state"] == "out"
    assert curl(facts["origin"] + "/", "-H", f"Cookie: {cookie}", user=None).stdout != b"hello"
    assert agent.ask("link", name=name)["error"] == "failed"
    assert agent.ask("forget", name=name)["ok"] and agent.ask("list")["devices"] == []
    until(lambda: saved() == {})
    assert agent.end() == 0 and not listens(port)


def test_the_second_time_by_its_name(box):
    serve = device(box, "K7F3")
    agent = Agent(box)
    name = agent.login(serve.at)["device"]["name"]
    until(lambda: name in saved())
    assert agent.ask("logout", all=True)["ok"]
    while (out := agent.next_event("state")["device"])["state"] != "out":
        pass
    assert out["saved"] and out["seen"] and out["versions"], out
    again = agent.login(name)
    assert again["ok"] and again["device"]["protocol"] == "TLSv1.3", again
    assert again["device"]["proof"] == "spake2plus" and again["device"]["suite"]
    # Nor does a ticket, by which its pages come, change what was proved.
    assert page(again["link"]) == b"hello"
    after = agent.ask("state", name=name)["device"]
    assert (after["proof"], after["protocol"]) == ("spake2plus", "TLSv1.3")


def test_a_wrong_password(box):
    serve = device(box, "K7F3")
    agent = Agent(box)
    done = agent.login(serve.at, WRONG)
    assert not done["ok"] and done["error"] == "refused" and done["status"] == 3
    assert "wrong name or password" in done["text"]
    assert agent.login(serve.at)["ok"]


def test_german(box):
    serve = device(box, "K7F3")
    agent = Agent(box, language="de", env={**os.environ, "LC_ALL": "de_DE.UTF-8"})
    assert "Passwort" in agent.login(serve.at, WRONG)["text"]
    assert agent.ask("state", name="none")["text"] == "so ein Gerät gibt es nicht"


def test_nobody_there(box):
    agent = Agent(box)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # and doesn't listen
        done = agent.login("127.0.0.1:%d" % sock.getsockname()[1])
    assert done["error"] == "trouble" and done["status"] == 1


def test_a_label_s_link(box):
    """With the password in it, it is refused, as it is wherever a link can be typed."""
    serve = device(box, "K7F3")
    agent = Agent(box)
    done = agent.ask("add", device=f"keyplate://K7F3@{serve.at}/?v=1&user=admin#p={PASSWORD}")
    assert done["error"] == "misused"
    done = agent.ask("add", device=f"keyplate://K7F3@{serve.at}/?v=1&user=admin")
    assert done["ok"] and done["device_id"] == "K7F3" and done["user"] == "admin"
    done = agent.login(f"keyplate://K7F3@{serve.at}/?v=1&user=admin")
    assert done["ok"] and done["device"]["protocol"] == "TLSv1.3"


def test_the_list_of_devices(box):
    agent = Agent(box)
    link = agent.ask("list-link")["link"]
    assert link.startswith(f"http://keyplate.localhost:{agent.hello['port']}/")
    assert b"<html" in page(link).lower()


@pytest.mark.parametrize("stdin", ["socket", "file"])
def test_any_kind_of_input(box, stdin):
    hello = {"id": 1, "type": "hello", "protocol": 1, "client": "app", "lasting": True}
    if stdin == "socket":
        ours, theirs = socket.socketpair()
        agent = Agent(box, stdin=theirs, hello=False)
        theirs.close()
        ours.sendall(Agent.frame(hello))
        assert agent.answer(1)["ok"]
        ours.close()
    else:
        path = box.dir / "in"
        path.write_bytes(Agent.frame(hello))
        with open(path, "rb") as file:
            agent = Agent(box, stdin=file, hello=False)
        assert agent.answer(1)["ok"]
    assert agent.process.wait(10) == 0


# ---- What a client can do wrong ---------------------------------------------------------------

def test_one_byte_at_a_time(box):
    serve = device(box, "K7F3")
    agent = Agent(box)
    data = (Agent.frame({"id": 1, "type": "list"})
            + Agent.frame({"id": 2, "type": "login", "device": serve.at, "user": "admin",
                           "password": PASSWORD}))
    for at in range(len(data)):
        agent.write(data[at:at + 1])
    assert agent.answer(1)["ok"] and agent.answer(2)["ok"]


def test_many_at_once(box):
    agent = Agent(box)
    agent.write(b"".join(Agent.frame({"id": i, "type": "list"}) for i in range(200, 500)))
    for i in range(200, 500):
        assert agent.answer(i)["ok"]


BROKEN = {
    "length 0": struct.pack("=I", 0),
    "too long": struct.pack("=I", IN_MAX + 1),
    "much too long": b"\xff\xff\xff\xff",
    "noise": Agent.frame(b"\x00\x01\x02\x03"),
    "no JSON": Agent.frame(b"{"),
    "no id": Agent.frame({"type": "list"}),
    "nested": Agent.frame(b"[" * IN_MAX),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_broken(box, data):
    """It ends, everything is out, and the port is free."""
    serve = device(box, "K7F3")
    agent = Agent(box)
    assert agent.login(serve.at)["ok"]
    agent.write(data)
    assert agent.process.wait(10) == 0
    assert not listens(agent.hello["port"])


def test_misused_goes_on(box):
    agent = Agent(box)
    for text in (b'{"id":1,"type":"list","type":"list"}', b'{"id":1,"type":"state","name":7}',
                 b'{"id":1,"type":"state","name":"a\\u0000"}', b'{"id":1,"type":"state","name":"\xff"}',
                 b'{"id":1,"type":"none"}', b'{"id":1,"type":"login","device":"x","password":1}'):
        agent.write(Agent.frame(text))
        assert agent.answer(1)["error"] == "misused"
    assert agent.ask("list")["ok"]


def test_hello_comes_first(box):
    serve = device(box, "K7F3")
    agent = Agent(box, hello=False)
    assert agent.login(serve.at)["error"] == "misused"
    assert agent.ask("hello", protocol=2, client="browser", lasting=True)["error"] == "protocol"
    assert agent.ask("hello", protocol=1, client="browser", lasting=True)["ok"]
    assert agent.ask("hello", protocol=1, client="browser", lasting=True)["error"] == "misused"


def test_who_doesn_t_read_is_ended(box):
    agent = Agent(box)
    text = Agent.frame({"id": 1, "type": "state", "name": "n" * 30})
    os.set_blocking(agent.process.stdin.fileno(), False)
    end = time.monotonic() + 60
    while agent.process.poll() is None and time.monotonic() < end:
        try:
            agent.process.stdin.write(text * 500)
        except OSError:
            break
        time.sleep(0.001)
    assert agent.process.wait(20) == 0


def test_at_a_terminal_and_help(box):
    done = subprocess.run([KEYPLATE, "agent", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "native messaging" in done.stdout.replace("\n", " ")
    agent = Agent(box, args=(AGENT, "--help"), hello=False)
    assert agent.ask("hello", protocol=1, client="browser", lasting=True)["ok"], "arguments count"


# ---- The end ----------------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["stdin", signal.SIGTERM, signal.SIGINT])
def test_the_end_logs_out(box, how):
    serve = device(box, "K7F3")
    agent = Agent(box)
    done = agent.login(serve.at)
    assert page(done["link"]) == b"hello"
    if how == "stdin":
        agent.process.stdin.close()
    else:
        agent.process.send_signal(how)
    assert agent.process.wait(10) == 0
    assert not listens(agent.hello["port"])
    again = Agent(box)
    assert again.hello["port"] == agent.hello["port"]
    assert all(d["state"] == "out" for d in again.ask("list")["devices"])


# ---- Two --------------------------------------------------------------------------------------

def test_two_share_one_hub(box, runtime):
    serve = device(box, "K7F3")
    first, second = Agent(box), Agent(box)
    assert second.hello["port"] == first.hello["port"] and second.hello["own_port"]
    folder = os.path.join(runtime, "keyplate")
    for name, mode in (("", 0o700), ("lock", 0o600), ("hub", 0o600)):
        assert stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) == mode
    done = second.login(serve.at)
    assert done["ok"] and page(done["link"]) == b"hello"
    name = done["device"]["name"]
    until(lambda: first.ask("state", name=name)["device"]["state"] == "in")
    assert any(e["event"] == "state" for e in first.events)
    assert first.ask("logout", name=name)["ok"]
    assert second.ask("state", name=name)["device"]["state"] == "out"
    assert second.end() == 0
    assert first.ask("list")["ok"]
    assert first.end() == 0 and not os.path.exists(os.path.join(folder, "hub"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_owner_goes(box, how):
    """The other goes on afresh, at the same port; what the owner had is out."""
    serve = device(box, "K7F3")
    first, second = Agent(box), Agent(box)
    assert second.login(serve.at)["ok"]
    first.process.send_signal(how)
    assert second.next_event("restarted")
    assert second.ask("list")["error"] == "misused", "it is another hub: hello comes first"
    hello = second.ask("hello", protocol=1, client="browser", lasting=True)
    assert hello["ok"] and hello["port"] == first.hello["port"] and hello["own_port"]
    done = second.login(serve.at)
    assert done["ok"] and page(done["link"]) == b"hello"
    third = Agent(box)
    assert [d["state"] for d in third.ask("list")["devices"]] == ["in"]


def test_three_and_the_owner_goes(box):
    first = Agent(box)
    others = [Agent(box) for _ in range(3)]
    first.process.kill()
    ports = set()
    for agent in others:
        agent.next_event("restarted")
        ports.add(agent.ask("hello", protocol=1, client="app", lasting=True)["port"])
    assert ports == {first.hello["port"]}


def test_out_with_its_client(box):
    serve, other = device(box, "K7F3"), device(box, "X-9")
    owner, short, lasting = Agent(box), Agent(box, lasting=False), Agent(box)
    one = short.login(serve.at, no_save=True)["device"]["name"]
    two = short.login(other.at, no_save=True)["device"]["name"]
    assert lasting.login(other.at, no_save=True)["device"]["name"] == two
    assert short.end() == 0

    def state(name):
        return owner.ask("state", name=name)["device"]["state"]
    until(lambda: state(one) == "out")
    assert state(two) == "in"
    assert lasting.end() == 0
    time.sleep(0.3)
    assert state(two) == "in", "a lasting login outlives its client"


def test_garbage_at_the_socket(box, runtime):
    """Who is at the socket harms only itself; more than 16 are turned away, and work alone."""
    agent = Agent(box)
    path = os.path.join(runtime, "keyplate", "hub")
    for data in (b"\0\0\0\0", b"\xff" * 100, Agent.frame(b"{"), Agent.frame({"id": 1})[:7],
                 Agent.frame({"id": 1, "type": "list"})):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(path)
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
    assert agent.ask("list")["ok"]
    crowd = []
    for _ in range(16):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        crowd.append(sock)
    time.sleep(0.3)
    late = socket.socket(socket.AF_UNIX)
    late.settimeout(10)
    late.connect(path)
    assert late.recv(1) == b"", "it is one too many"
    alone = Agent(box, hello=False)
    alone.next_event("said", 30)
    hello = alone.ask("hello", protocol=1, client="app", lasting=True)
    assert hello["ok"] and hello["port"] != agent.hello["port"] and not hello["own_port"]
    for sock in [late, *crowd]:
        sock.close()


def test_a_stale_socket(box, runtime):
    """What is left of a process that is no more is in nobody's way."""
    first = Agent(box)
    first.process.kill()
    first.process.wait()
    assert os.path.exists(os.path.join(runtime, "keyplate", "hub"))
    second = Agent(box)
    assert second.hello["own_port"] and second.hello["port"] == first.hello["port"]
    assert Agent(box).hello["port"] == first.hello["port"]


def test_a_folder_of_others(box, runtime):
    """One that others can look into isn't used: it works alone and says so."""
    os.mkdir(os.path.join(runtime, "keyplate"))
    os.chmod(os.path.join(runtime, "keyplate"), 0o755)
    agent = Agent(box)
    assert agent.next_event("said")["level"] == "warning"
    assert agent.ask("list")["ok"] and os.listdir(os.path.join(runtime, "keyplate")) == []


def test_a_lock_of_others(box, runtime):
    os.mkdir(os.path.join(runtime, "keyplate"), 0o700)
    os.symlink("/dev/null", os.path.join(runtime, "keyplate", "lock"))
    agent = Agent(box)
    assert agent.next_event("said")["level"] == "warning"
    assert agent.ask("list")["ok"]


def test_without_a_runtime_folder(box, monkeypatch):
    """XDG_RUNTIME_DIR isn't set, as under cron or ssh without a session."""
    if os.path.isdir(f"/run/user/{os.getuid()}"):
        pytest.skip("this person is logged in: the session's own folder would be used")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    first, second = Agent(box), Agent(box)
    assert second.hello["port"] == first.hello["port"]
    assert second.end() == 0 and first.end() == 0


def test_a_folder_with_a_long_name(box, monkeypatch):
    """A socket's name can't be that long: who has the lock and no door gives it back."""
    path = box.dir / ("x" * 100)
    path.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path))
    agents = [Agent(box), Agent(box)]
    for agent in agents:
        assert agent.next_event("said")["level"] == "warning"
    assert agents[0].hello["own_port"] and not agents[1].hello["own_port"]
