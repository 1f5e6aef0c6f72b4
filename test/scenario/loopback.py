"""The loopback face under attack: one hub, and devices whose web servers mind nothing."""
import re
import socket
import time

import pytest

from gateways import Box, Program, Serve, until
from wide_open import Web

LINK = re.compile(r"http://([a-z0-9-]+)\.localhost:(\d+)/\.keyplate/open/([0-9a-f]{64})(/\S*)")


class Link:
    """A one-time link, taken apart."""

    def __init__(self, text):
        found = LINK.search(text)
        assert found, text
        self.url = found[0]
        self.name, self.port, self.token, self.path = found[1], int(found[2]), found[3], found[4]
        self.host = f"{self.name}.localhost:{self.port}"
        self.origin = f"http://{self.host}"


class Entry(Program):
    """An `open`: the first one has the hub, others hand over to it."""

    def __init__(self, box, at, *args):
        super().__init__(box, ["open", at, "--user", "admin", "--password-file", box.secret(),
                               "--no-browser", *args])
        line = self.line(20)
        assert line.startswith("open "), (line, self.log())
        self.link = Link(line)

    def list_link(self):
        """The link to the list, that only the first one tells."""
        return Link(until(lambda: re.search(r"http://keyplate\.localhost:\S+\n", self.log()),
                          what=self.log())[0])


class Scene:
    """A box with a hub of its own.  Devices are Webs or the address of an upstream."""

    def __init__(self, folder, port=0):
        self.box = Box(folder)
        self.port = port
        self.patch = pytest.MonkeyPatch()
        for name in ("state", "runtime"):
            (folder / name).mkdir(mode=0o700)
        self.patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        self.patch.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))
        self.patch.setenv("LC_ALL", "C.UTF-8")
        self.webs = []
        self.first = None

    def web(self, *args, **kwargs):
        made = Web(*args, **kwargs)
        self.webs.append(made)
        return made

    def device(self, upstream):
        """A serve before it; its address."""
        serve = Serve(self.box, getattr(upstream, "at", upstream))
        return serve.at

    def enter(self, at):
        """Logs in to the device at this address; a link to it."""
        if self.first is None:
            port = ("--listen", f"127.0.0.1:{self.port}") if self.port else ()
            self.first = Entry(self.box, at, *port)
            self.port = self.first.link.port
            return self.first.link
        return Entry(self.box, at).link

    def close(self):
        try:
            self.box.close()
        finally:
            for web in self.webs:
                web.close()
            self.patch.undo()


# ---- Without a browser --------------------------------------------------------------------------

class Answer:
    def __init__(self, data):
        self.data = data
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/1.1 ") else 0
        self.fields = [tuple(line.split(": ", 1)) for line in lines[1:] if ": " in line]

    def field(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]


def read_answers(sock, seconds=8):
    """Until the other side ends it; what came when the time is over."""
    data, end = b"", time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            sock.settimeout(max(0.01, end - time.monotonic()))
            piece = sock.recv(65536)
            if not piece:
                break
            data += piece
    except (TimeoutError, ConnectionResetError):
        pass
    return data


def ask(port, text, body=b"", source=None):
    """Sends a request as it is written, a line a field; the answer.  It says Connection: close, so
    that the answer has an end."""
    head = text.rstrip("\n").replace("\n", "\r\n") + "\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(head.encode("latin-1") + body)
        return Answer(read_answers(sock))


def use(link):
    """Logs in as a browser does; its Cookie."""
    answer = ask(link.port, f"GET /.keyplate/open/{link.token}{link.path} HTTP/1.1\nHost: {link.host}")
    assert answer.status == 303, answer.data
    assert answer.field("Location") == [link.path]
    (cookie,) = answer.field("Set-Cookie")
    assert re.fullmatch(r"__Host-keyplate=[0-9a-f]{64}", cookie.split(";")[0])
    assert {part.strip() for part in cookie.split(";")[1:]} == {"Secure", "HttpOnly", "Path=/",
                                                                "SameSite=Strict"}
    return cookie.split(";")[0]
