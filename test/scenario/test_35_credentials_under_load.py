"""Goal: while passwords change, and users come and go, under clients that hold connections and make
new ones: nobody notices whom it doesn't concern, and of whom it does, nothing old works any
more."""
import itertools
import signal
import time

from faults import LONG, Calm, Crowd, Wire, address, dismiss
from gateways import PASSWORD, box, curl, until
from http_page import WEBSOCKET, frame
from http_peers import BY_TLS12, BY_TLS13, OK, Channel, Recorder, gateway, request

ROUNDS = 3
BY_BOTH = (BY_TLS12, BY_TLS13)
REFUSED = 3  # what `keyplate connect` says of a password that is wrong


def talk(one):
    """A page, or a WebSocket that echoes bytes."""
    def reply(sock):
        sock.sendall(b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        while data := sock.recv(65536):
            sock.sendall(data)
    return reply if one.target == "/ws" else OK


class Load:
    """Clients of a user whom nothing concerns: each of them fails at the first thing amiss."""

    def __init__(self, box, serve, user):
        self.box, self.serve, self.user = box, serve, user
        self.crowd, self.counts = Crowd(), {}
        for by in BY_BOTH:
            for act in (self.holds, self.tunnels, self.comes):
                self.counts[act.__name__, by] = 0
                self.crowd.start(self.until_the_end, act, by)

    def until_the_end(self, act, by):
        for _ in act(by):
            self.counts[act.__name__, by] += 1
            if self.crowd.stop.wait(0.02):
                return

    def channel(self, by, user=None, password=PASSWORD):
        return Channel(self.box, self.serve, *by, user=user or self.user, password=password,
                       seconds=LONG)

    def holds(self, by):
        channel = self.channel(by)
        while True:
            assert channel.ask(request()).body == b"ok"
            yield

    def tunnels(self, by):
        channel = self.channel(by)
        assert channel.ask(request("/ws", *WEBSOCKET)).status == 101
        for number in itertools.count():
            said = frame(1, b"frame %d" % number, b"\1\2\3\4")
            assert channel.send(said).exactly(len(said)) == said
            yield

    def comes(self, by):
        while True:
            if by == BY_TLS12:
                done = curl(f"https://{self.serve.at}/", user=self.user, timeout=LONG)
                assert done.stdout == b"ok", (done, self.serve.log()[-2000:])
            else:
                channel = self.channel(by)
                assert channel.ask(request()).body == b"ok"
                dismiss(self.box, channel)
            yield

    def goes_on(self):
        """Waits until each of them has done something more."""
        before = dict(self.counts)
        self.crowd.wait(lambda: all(self.counts[name] > before[name] for name in before),
                        "somebody is held up")

    def end(self):
        self.crowd.end()
        print({f"{name} {by[-1]}": count for (name, by), count in self.counts.items()})


class Holder:
    """What a user has open: a connection of each version, one with a WebSocket, and tickets."""

    def __init__(self, load, user, password):
        self.load, self.user, self.password = load, user, password
        self.channels = [load.channel(by, user, password) for by in BY_BOTH * 2]
        for one in self.channels[:2]:
            assert one.ask(request()).body == b"ok"
        for one in self.channels[2:]:
            assert one.ask(request("/ws", *WEBSOCKET)).status == 101
        # The tickets' clients try the password in the end: from elsewhere, as that is a guess.
        self.wires = [Wire(load.serve.port) for _ in BY_BOTH]
        self.faces = [load.box.open(wire.at, *by, user=user, password=password)
                      for wire, by in zip(self.wires, BY_BOTH)]
        for face in self.faces:
            assert curl(face.url, user=None, timeout=LONG).stdout == b"ok"

    def is_over(self):
        """All of it, by itself; the tickets too."""
        for one in self.channels:
            one.to_end()
            one.process.wait(LONG)
            dismiss(self.load.box, one)
        resumed = self.load.serve.log().count(self.ticket())
        for face in self.faces:
            assert b"ok" != curl(face.url, user=None, timeout=LONG).stdout
            assert face.wait(LONG) == REFUSED
        assert self.load.serve.log().count(self.ticket()) == resumed
        for wire in self.wires:
            wire.close()

    def ticket(self):
        return f'"resumed":true,"user":"{self.user}"'


def tries(box, serve, user, password):
    """Whether it is right, by TLS 1.2 and by TLS 1.3; each from an address of its own."""
    first = curl(f"https://{serve.at}/", "--interface", address(), user=user, password=password,
                 timeout=LONG)
    channel = Channel(box, Wire(serve.port), *BY_TLS13, user=user, password=password, seconds=LONG)
    second = channel.send(request()).finish()[0]
    status = channel.process.returncode
    dismiss(box, channel)
    assert second.endswith(b"ok") or status == REFUSED, (second, status)
    assert (first.stdout == b"ok") == second.endswith(b"ok")
    return first.stdout == b"ok"


def comes_in(serve, user):
    """Looks five times a second at most: each time that it is in vain is a guess."""
    done = curl(f"https://{serve.at}/", "--interface", address(), user=user, timeout=LONG)
    time.sleep(0 if done.stdout == b"ok" else 0.2)
    return done.stdout == b"ok"


def test_changes_under_load(box):
    users = [(user, PASSWORD) for user in ("keeper", "changing", "leaving0")]
    serve = gateway(box, Recorder(talk), "--workers", "2", users=users)
    calm = Calm(serve, user="keeper", body=b"ok")
    box.secret()  # made before its many readers start
    load = Load(box, serve, "keeper")
    old, waits = PASSWORD, []
    for number in range(ROUNDS):
        new, leaving, coming = f"secret-{number}", f"leaving{number}", f"leaving{number + 1}"
        changed = Holder(load, "changing", old)
        removed = Holder(load, leaving, PASSWORD)
        load.goes_on()
        box.passwd("change", serve.credentials, "changing", new)
        box.passwd("remove", serve.credentials, leaving)
        if number % 2:
            for _ in range(3):
                serve.signal(signal.SIGHUP)
        changed.is_over()
        removed.is_over()
        assert not tries(box, serve, "changing", old) and tries(box, serve, "changing", new)
        assert not tries(box, serve, leaving, PASSWORD)

        box.passwd("add", serve.credentials, coming, PASSWORD)
        began = time.monotonic()
        until(lambda: comes_in(serve, coming), LONG, "who was added isn't in")
        waits.append(time.monotonic() - began)
        assert tries(box, serve, coming, PASSWORD)
        old = new
        load.goes_on()
    load.end()
    print("added users were in after", ", ".join(f"{wait:.2f} s" for wait in waits))
    assert "stay in force" not in serve.log()
    gone = [line for line in serve.log().splitlines() if "changed or removed" in line]
    assert gone and not any('"user":"keeper"' in line for line in gone)
    for program in list(box.programs):
        if program is not serve and program.process.poll() is None:
            program.process.kill()
    calm.again(kib=4096)
