"""What stands on both sides of the HTTP gateway in tests, each with a reader of its own that takes
nothing which isn't exactly so: Channel, a proved client that sends any bytes, and Recorder, an
upstream that keeps every byte it gets.
"""
import json
import os
import select
import socket
import struct
from dataclasses import dataclass, field

from gateways import PASSWORD, until

ID = "K7F3-0042"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Cut(Exception):
    """The bytes ended in the middle of a message."""


def parse_fields(lines):
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        assert colon and name and not name.strip(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstu"
                                                 b"vwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), line
        assert not any(byte < 32 and byte != 9 or byte == 127 for byte in value), line
        fields.append((name.decode(), value.strip(b" \t")))
    return fields


@dataclass
class Message:
    start: str
    fields: list  # (name, value in bytes), in order
    body: bytes = b""
    trailers: list = field(default_factory=list)
    raw_head: bytes = b""

    def all(self, name):
        return [value.decode("latin-1") for key, value in self.fields
                if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        assert len(values) <= 1, (name, values)
        return values[0] if values else None

    def names(self):
        return {key.lower() for key, _ in self.fields}

    @property
    def status(self):
        return int(self.start.split(" ")[1])

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]


class Reader:
    """HTTP/1.1 messages from more(), which gives bytes, b"" at the end."""

    def __init__(self, more):
        self.more = more
        self.held = b""

    def fill(self):
        piece = self.more()
        if not piece:
            raise Cut(self.held[:300])
        self.held += piece

    def exactly(self, count):
        while len(self.held) < count:
            self.fill()
        data, self.held = self.held[:count], self.held[count:]
        return data

    def through(self, mark):
        while mark not in self.held:
            self.fill()
        return self.exactly(self.held.index(mark) + len(mark))

    def line(self):
        line = self.through(b"\r\n")[:-2]
        assert b"\n" not in line and b"\r" not in line, line
        return line

    def head(self):
        """None: it ended between messages."""
        if not self.held:
            self.held = self.more()
            if not self.held:
                return None
        raw = self.through(b"\r\n\r\n")
        lines = raw[:-4].split(b"\r\n")
        assert not any(b"\n" in line or b"\r" in line for line in lines), raw
        return Message(lines[0].decode("latin-1"), parse_fields(lines[1:]), raw_head=raw)

    def chunk(self):
        """One chunk's bytes; b"" is the last one."""
        line = self.line()
        assert line and not line.strip(b"0123456789abcdefABCDEF"), line
        data = self.exactly(int(line, 16))
        if data:
            assert self.exactly(2) == b"\r\n"
        return data

    def chunks(self, message):
        body = []
        while data := self.chunk():
            body.append(data)
        message.body = b"".join(body)
        lines = []
        while line := self.line():
            lines.append(line)
        message.trailers = parse_fields(lines)

    def to_end(self):
        pieces = [self.held]
        self.held = b""
        while piece := self.more():
            pieces.append(piece)
        return b"".join(pieces)

    def framed(self, message):
        """Reads the body that message's fields tell of; False: they tell of none."""
        coding, length = message.get("Transfer-Encoding"), message.get("Content-Length")
        assert coding is None or length is None, message
        if coding is not None:
            assert coding.lower() == "chunked", coding
            self.chunks(message)
        elif length is not None:
            assert length.isdecimal(), length
            message.body = self.exactly(int(length))
        return (coding, length) != (None, None)

    def request(self):
        message = self.head()
        if message is not None:
            self.framed(message)
        return message

    def response(self, method="GET"):
        message = self.head()
        if message is None:
            raise Cut(b"")
        assert message.start.startswith("HTTP/1.1 "), message.start
        if method == "HEAD" or message.status < 200 or message.status in (204, 304):
            return message
        if not self.framed(message):
            message.body = self.to_end()
        return message


class Channel(Reader):
    """A proved connection of `keyplate connect`, as a channel of bytes."""

    def __init__(self, box, serve, *args, seconds=15, **kwargs):
        super().__init__(self.piece)
        self.seconds = seconds
        self.process = box.connecting(serve, *args, **kwargs)
        box.programs.insert(0, box.programs.pop())  # serve, stopped before it, would wait for it

    def send(self, *pieces):
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[os.write(self.process.stdin.fileno(), view):]
        return self

    def piece(self):
        ready, _, _ = select.select([self.process.stdout], [], [], self.seconds)
        assert ready, f"nothing came for {self.seconds} s after {self.held[:300]!r}"
        return os.read(self.process.stdout.fileno(), 1 << 20)

    def ask(self, request, method="GET"):
        return self.send(request).response(method)

    def is_silent(self, seconds=0.3):
        return not self.held and not select.select([self.process.stdout], [], [], seconds)[0]

    def end(self):
        """Reads to the end, which has to come by itself: (what came, whether it was in order)."""
        rest = self.to_end()
        return rest, self.process.wait(10) == 0

    def finish(self):
        """Ends its own side, and then as end()."""
        self.process.stdin.close()
        return self.end()

    def close(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


class Recorder:
    """talk() of an upstream: keeps all bytes of each connection and all requests, and gives each
    request answer(request): bytes, or a function of the socket.  It closes where its own answer
    says so.  With proxied, a PROXY header comes first."""

    def __init__(self, answer=OK, proxied=False):
        self.answer = answer if callable(answer) else lambda request: answer
        self.proxied = proxied
        self.connections = []  # of each: bytearray
        self.proxies = []      # of each: the PROXY header
        self.requests = []
        self.faults = []       # of requests that aren't HTTP, or are cut
        self.open = 0

    def __call__(self, sock):
        record = bytearray()
        self.connections.append(record)
        sock.settimeout(30)

        def more():
            piece = sock.recv(1 << 18)
            record.extend(piece)
            return piece

        self.open += 1
        reader = Reader(more)
        try:
            if self.proxied:
                head = reader.exactly(16)
                self.proxies.append(head + reader.exactly(int.from_bytes(head[14:16], "big")))
            while (request := reader.request()) is not None:
                self.requests.append(request)
                reply = self.answer(request)
                if callable(reply):
                    return reply(sock)
                sock.sendall(reply)
                if b"connection: close" in reply.lower().split(b"\r\n\r\n")[0]:
                    return None
        except (Cut, AssertionError, OSError) as fault:
            self.faults.append(fault)
        finally:
            self.open -= 1
        return None

    @property
    def bytes(self):
        return b"".join(map(bytes, self.connections))

    def came(self, count=1):
        """Waits until so many requests came; the last one."""
        until(lambda: len(self.requests) >= count, what=f"{self.requests} {self.bytes[:500]}")
        assert len(self.requests) == count, [request.start for request in self.requests]
        return self.requests[-1]


def credentials(box, users=(("admin", PASSWORD),), device_id=ID):
    """A file whose device id is known, so that clients can come by TLS 1.3: BY_TLS13."""
    path = box.dir / f"credentials-{box.count()}"
    key = (tuple(users), device_id)
    if key not in _made:
        for user, password in key[0]:
            first = () if path.exists() else ("--group", "2048", "--device-id", device_id)
            box.passwd("add", path, user, password, *first)
        _made[key] = path.read_bytes()
    path.touch(0o600)
    path.write_bytes(_made[key])
    return path


_made = {}  # files of credentials, for all tests that want the same


BY_TLS13 = ("--device-id", ID, "--tls", "1.3")
BY_TLS12 = ("--tls", "1.2")


def gateway(box, talk, *args, users=(("admin", PASSWORD),), path=None, **kwargs):
    """A serve in front of talk(), or of an address, whose log is JSON."""
    upstream = talk
    if callable(talk):
        upstream = box.upstream(talk, **({"path": path} if path else {}))
    return box.serve(upstream, "--verbose", "--log", "json", *args,
                     credentials=kwargs.pop("credentials", None) or credentials(box, users),
                     **kwargs)


WAY_ON = "keyplate-plain=1"  # of who has read the notice and goes on to the plain page


def sniffing(box, upstream, *args, **kwargs):
    """A serve that takes plain HTTP too, and where it does."""
    serve = gateway(box, upstream, "--transition", "sniff", "--http-listen", "127.0.0.1:0", *args,
                    **kwargs)
    return serve, serve.line().split()[1]


def events(serve, event):
    return [line for line in map(json.loads, serve.log().splitlines()) if line["event"] == event]


def event(serve, name, count=1):
    """Waits for the count-th log line of that event; there are no more of it."""
    until(lambda: len(events(serve, name)) >= count, what=f"no {count} {name!r}: {serve.log()}")
    assert len(events(serve, name)) == count, serve.log()
    return events(serve, name)[-1]


def request(target="/", *fields, method="GET", body=b"", host="device", version="HTTP/1.1"):
    """A request's bytes; with body a Content-Length is added."""
    lines = [f"{method} {target} {version}".encode()]
    if host is not None:
        lines.append(b"Host: " + host.encode())
    lines += [one if isinstance(one, bytes) else one.encode() for one in fields]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(*pieces, trailers=b""):
    return (b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
            + b"0\r\n" + trailers + b"\r\n")


def reset(sock):
    """Ends a connection by RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
