"""Programs behind a web server that runs none itself: one that speaks HTTP and WebSocket, and one that
speaks FastCGI."""
import os
import socketserver
import struct
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Program:
    """Its server on a thread, and its port on loopback."""

    def __init__(self, server):
        self.server = server
        self.server.daemon_threads = True
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class CgiRunner(Program):
    """Runs what is in cgi-bin/, with every field that came.  Under /ws/ it takes WebSockets, says who
    came and then what it gets, without looking into frames."""

    def __init__(self, www):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def tunnel(self):
                self.send_response_only(101)
                for field in ("Upgrade: websocket", "Connection: Upgrade"):
                    self.send_header(*field.split(": "))
                self.end_headers()
                self.wfile.write(b"%s\n" % self.headers.get("X-Remote-User", "nobody").encode())
                while piece := self.connection.recv(65536):
                    self.wfile.write(piece)
                self.close_connection = True

            def do_GET(self):
                path, _, query = self.path.partition("?")
                if path.startswith("/ws/") and self.headers.get("Upgrade") == "websocket":
                    return self.tunnel()
                script = www / "cgi-bin" / os.path.basename(path)
                if not script.is_file():
                    return self.send_error(404)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                env = {"PATH": "/usr/bin:/bin", "REQUEST_METHOD": self.command,
                       "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body)),
                       "CONTENT_TYPE": self.headers.get("Content-Type", "")}
                for name, value in self.headers.items():
                    key = "".join(c if c.isalnum() else "_" for c in name.upper())
                    env[f"HTTP_{key}"] = value.encode("latin-1").decode("utf-8", "replace")
                done = subprocess.run([script], input=body, env=env, capture_output=True,
                                      check=False)
                head, _, page = done.stdout.replace(b"\r\n", b"\n").partition(b"\n\n")
                fields = [line.split(": ", 1) for line in head.decode().split("\n")]
                self.send_response_only(int(next((value.split()[0] for name, value in fields
                                                  if name == "Status"), 200)))
                for name, value in fields:
                    if name != "Status":
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(page)

            do_HEAD = do_POST = do_GET

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Handler))


class FastCgi(Program):
    """Prints its parameters, NAME=value in lines, each as often as it came."""

    BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6

    def __init__(self):
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                params = b""
                while True:
                    head = self.rfile.read(8)
                    if len(head) < 8:
                        return
                    _, kind, number, length, padding, _ = struct.unpack(">BBHHBB", head)
                    body = self.rfile.read(length + padding)[:length]
                    if kind == outer.PARAMS:
                        params += body
                    if kind == outer.STDIN and not body:
                        break
                page = b"".join(b"%s=%s\n" % pair for pair in outer.pairs(params))
                text = b"Content-Type: text/plain\r\n\r\n" + page
                for kind, body in ((outer.STDOUT, text), (outer.STDOUT, b""), (outer.END, bytes(8))):
                    self.wfile.write(struct.pack(">BBHHBB", 1, kind, number, len(body), 0, 0) + body)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        super().__init__(server)

    @staticmethod
    def pairs(data):
        def length():
            nonlocal data
            if data[0] < 128:
                value, data = data[0], data[1:]
            else:
                value, data = struct.unpack(">I", data[:4])[0] & 0x7fffffff, data[4:]
            return value

        while data:
            sizes = length(), length()
            name, value = data[:sizes[0]], data[sizes[0]:sum(sizes)]
            data = data[sum(sizes):]
            yield name, value
