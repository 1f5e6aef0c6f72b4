"""A device's own web page, as `keyplate serve` has it behind itself: plain HTTP/1.1 on loopback.

    GET /bytes?n=N   N bytes of content.pattern
    POST or PUT      the SHA-256 of the body, in hex
"""
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from . import content


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def _answer(self, code, body):
        self.send_response(code)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urlsplit(self.path)
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        if url.path != "/bytes":
            return self._answer(404, b"no such page\n")
        return self._answer(200, content.pattern(int(parse_qs(url.query)["n"][0])))

    def do_POST(self):
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        digest = hashlib.sha256()
        for chunk in self._body():
            digest.update(chunk)
        self._answer(200, digest.hexdigest().encode())

    do_PUT = do_POST

    def _body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left:
            chunk = self.rfile.read(min(left, 65536))
            if not chunk:
                raise ConnectionError("body cut short")
            left -= len(chunk)
            yield chunk


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass  # a gateway may hang up in the middle; the tests see that from their own side


class Upstream:
    def __init__(self):
        self._server = _HttpServer(("127.0.0.1", 0), _Handler)
        self._server.seen = []
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,),
                                        daemon=True)
        self._thread.start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self._server.server_address[1]

    @property
    def seen(self):
        """(method, path, headers) of every request that got here."""
        return self._server.seen

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
