"""A device's page with all that pages do, on Python's own HTTP server, and frames of WebSocket."""
import base64
import email
import hashlib
import json
import queue
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlsplit

from gateways import ROOT

sys.path.insert(0, str(ROOT / "test"))

from support import content  # noqa: E402

WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")


class Page(BaseHTTPRequestHandler):
    """What the page does, by path."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def give(self, body, *fields, status=200):
        self.send_response_only(status)
        for name, value in (("Content-Length", str(len(body))), *fields):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        url = urlsplit(self.path)
        name = url.path.strip("/") or "index"
        getattr(self, f"get_{name}")({key: value[0] for key, value in parse_qs(url.query).items()})

    do_HEAD = do_GET

    def get_index(self, _):
        self.give(b"the page")

    def get_number(self, query):
        self.give(query["n"].encode() * int(query["n"]))

    def get_status(self, query):
        """204 and 304: without a body, and 304 with the length of what it doesn't send."""
        self.send_response_only(int(query["is"]))
        if query["is"] == "304":
            self.send_header("Content-Length", "8")
            self.send_header("ETag", '"x"')
        self.end_headers()

    def get_bytes(self, query):
        data, how = memoryview(content.pattern(int(query["n"]))), query["how"]
        self.send_response_only(200)
        if how == "length":
            self.send_header("Content-Length", str(len(data)))
        elif how == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        for at in range(0, len(data), 300_007):
            piece = data[at:at + 300_007]
            if how == "chunked":
                self.wfile.write(b"%X\r\n" % len(piece))
            self.wfile.write(piece)
            if how == "chunked":
                self.wfile.write(b"\r\n")
        if how == "chunked":
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection |= how == "end"

    def get_events(self, query):
        self.send_response_only(200)
        self.send_header("Content-Type", "text/event-stream")
        if query["how"] == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while (text := self.server.go.get(timeout=20)) is not None:
            line = f"data: {text}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line) if query["how"] == "chunked"
                             else line)
        if query["how"] == "chunked":
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def get_ws(self, _):
        if not self.headers.get("Upgrade", "").lower() == "websocket":
            return self.give(b"no websocket", status=400)
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response_only(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.send_header("Sec-WebSocket-Accept",
                         base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while True:
            kind, data = read_frame(self.rfile.read)
            self.wfile.write(frame(kind, data))
            if kind == 8:
                return None

    def do_POST(self):
        body = self.body()
        if self.path == "/sum":
            digest = hashlib.sha256()
            for piece in body:
                digest.update(piece)
            return self.give(digest.hexdigest().encode())
        kind, body = self.headers["Content-Type"], b"".join(body)
        if kind == "application/x-www-form-urlencoded":
            found = dict(parse_qsl(body.decode()))
        else:
            parts = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
            found = {part.get_param("name", header="content-disposition"):
                     part.get_filename("") + ":" + content.digest(part.get_payload(decode=True))
                     for part in parts.get_payload()}
        return self.give(json.dumps(found).encode(), ("Content-Type", "application/json"))

    do_PUT = do_POST

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                assert self.rfile.readline() == b"\r\n"
            assert self.rfile.readline() == b"\r\n"
            return
        left = int(self.headers.get("Content-Length", 0))
        while left:
            piece = self.rfile.read(min(left, 1 << 18))
            assert piece, "the body was cut short"
            left -= len(piece)
            yield piece


def frame(kind, data, mask=b""):
    """A WebSocket frame (RFC 6455 5.2), masked as a client's with mask."""
    bit = 128 if mask else 0
    length = (bytes([bit | len(data)]) if len(data) < 126 else
              struct.pack(">BH", bit | 126, len(data)) if len(data) < 65536 else
              struct.pack(">BQ", bit | 127, len(data)))
    return bytes([128 | kind]) + length + mask + masked(data, mask)


def masked(data, mask):
    if not mask:
        return data
    stream = (mask * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")


def read_frame(read):
    """(kind, data), read by read(count)."""
    first, second = read(2)
    length = second & 127
    if length > 125:
        length = int.from_bytes(read(2 if length == 126 else 8), "big")
    mask = read(4) if second & 128 else b""
    return first & 15, masked(read(length), mask)


class PageServer(ThreadingHTTPServer):
    """go: what the test puts there is sent as events, until None."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Page)
        self.at = "127.0.0.1:%d" % self.server_address[1]
        self.go = queue.Queue()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        pass  # clients go away in the middle, and their own side tells
