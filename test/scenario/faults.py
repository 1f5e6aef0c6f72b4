"""What the scenario tests of faults share: the state that serve has to come back to, clients from
other source addresses, a wire that can be cut, and a compiler for the small libraries of support/.

Whoever fails a proof on purpose, or goes away in the middle of one, comes from an address of his
own (127.x.y.z), and whoever looks afterwards whether all is well from a fresh one: serve may refuse
an address that guesses.
"""
import itertools
import os
import pathlib
import select
import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest

from gateways import PASSWORD, SANITIZED, curl, rss_kib, until

SUPPORT = pathlib.Path(__file__).resolve().parent / "support"
LONG = 60  # seconds: what happens at once on an idle machine gets so long on a busy one

_fresh = itertools.count(1)


def address():
    """A loopback address that nobody came from yet."""
    number = next(_fresh)
    return f"127.{1 + os.getpid() % 100}.{number // 250}.{1 + number % 250}"


# ---- What is left -------------------------------------------------------------------------------

def descriptors(pid):
    """How many a process has open.  serve lets nobody but root list them; their number is the
    folder's size where the kernel tells it (Linux 6.2)."""
    folder = f"/proc/{pid}/fd"
    try:
        return len(os.listdir(folder))
    except PermissionError:
        size = os.stat(folder).st_size
        if size == 0:
            pytest.skip("whose descriptors are to be counted here, root has to")
        return size


class Calm:
    """What serve has open and in memory when nobody is there, and that it is so again.  source:
    where its pages are asked for from; None: each from an address that nobody came from."""

    def __init__(self, serve, user="admin", password=PASSWORD, body=None, source=None):
        self.serve, self.user, self.password = serve, user, password
        self.body, self.source = body, source
        for _ in range(3):
            self.page()
        self.descriptors = self.settled()
        self.kib = rss_kib(serve.pid)

    def settled(self):
        """The number of descriptors once it stays."""
        def same():
            first = descriptors(self.serve.pid)
            time.sleep(0.3)
            return first if descriptors(self.serve.pid) == first else 0
        return until(same, LONG)

    def page(self):
        done = curl(f"https://{self.serve.at}/", "-i", "--interface",
                    self.source or address(), user=self.user, password=self.password, timeout=LONG)
        assert done.returncode == 0 and done.stdout.startswith(b"HTTP/1.1 200 "), \
            (done, self.serve.log()[-3000:])
        assert self.body is None or done.stdout.endswith(self.body), done.stdout[-300:]

    def again(self, kib=None):
        """A page is there, nothing is left open, and of memory no more than kib (None: any)."""
        assert self.serve.process.poll() is None, self.serve.log()[-3000:]
        self.page()
        until(lambda: descriptors(self.serve.pid) <= self.descriptors, LONG,
              f"more than {self.descriptors} descriptors: {names(self.serve.pid)}")
        assert self.settled() == self.descriptors, names(self.serve.pid)
        more = rss_kib(self.serve.pid) - self.kib
        print(f"descriptors {self.descriptors}, memory {more:+} KiB")
        if kib is not None and not SANITIZED:  # a sanitizer keeps what was freed
            assert more < kib, f"{more} KiB more than before"


def names(pid):
    """What the descriptors of a process are, for messages."""
    try:
        return sorted(os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
    except OSError as error:
        return str(error)


def dismiss(box, channel):
    """Ends a Channel and forgets it: what a test makes hundreds of."""
    channel.close()
    channel.process.stdout.close()
    channel.process.stderr.close()
    box.programs[:] = [one for one in box.programs if one.process is not channel.process]


# ---- Libraries ----------------------------------------------------------------------------------

def preload(name, folder):
    """The environment's LD_PRELOAD that puts support/NAME.c between a program and the C library."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip(f"support/{name}.c needs a C compiler")
    library = folder / f"{name}.so"
    subprocess.run([compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
                    library, SUPPORT / f"{name}.c", "-ldl"], check=True)
    first = []
    if SANITIZED:  # the sanitizer has to come first of all
        first = [subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True,
                                text=True, check=True).stdout.strip()]
        if not os.path.isabs(first[0]):
            pytest.skip("the library of the sanitizer isn't found, and has to be preloaded first")
    return {"LD_PRELOAD": ":".join([*first, str(library)])}


# ---- The wire -----------------------------------------------------------------------------------

class Cutting:
    """Where a wire is cut: after count bytes of "up" (client to server) or "down"; None: never.
    way: "fin", "rst" or "silence", as the server sees it."""

    def __init__(self, to=None, count=0, way="fin"):
        self.to, self.count, self.way = to, count, way


class Wire:
    """A relay between a client and serve, which comes to serve from an address of its own and keeps
    what passed.  One that is to be cut is for one connection.  at: where the client connects."""

    def __init__(self, port, cutting=Cutting(), source=None):
        self.port, self.cutting, self.source = port, cutting, source or address()
        self.passed = {"up": bytearray(), "down": bytearray()}
        self.is_cut = threading.Event()
        self.silent = None  # the socket to serve that nobody uses any more
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.at = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with self.listener:
            while True:
                try:
                    client, _ = self.listener.accept()
                except OSError:
                    return
                threading.Thread(target=self.one, args=(client,), daemon=True).start()
                if self.cutting.to is not None:
                    return

    def one(self, client):
        with client:
            server = socket.create_connection(("127.0.0.1", self.port), timeout=LONG,
                                              source_address=(self.source, 0))
            try:
                self.relay(client, server)
            except OSError:
                pass
        if self.silent is None:
            server.close()

    def relay(self, client, server):
        other = {client: (server, "up"), server: (client, "down")}
        if self.cutting.to is not None and self.cutting.count == 0:
            return self.cut(server)
        reading = [client, server]
        while reading:
            for sock in select.select(reading, [], [], LONG)[0]:
                to, name = other[sock]
                room = 65536
                if name == self.cutting.to:
                    room = self.cutting.count - len(self.passed[name])
                data = sock.recv(room)
                if not data:
                    reading.remove(sock)
                    to.shutdown(socket.SHUT_WR)
                    continue
                self.passed[name] += data
                to.sendall(data)
                if name == self.cutting.to and len(self.passed[name]) == self.cutting.count:
                    return self.cut(server)
        return None

    def cut(self, server):
        if self.cutting.way == "silence":
            self.silent = server
        else:
            if self.cutting.way == "rst":
                server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            server.close()
        self.is_cut.set()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        except OSError:
            pass
        self.listener.close()
        if self.silent is not None:
            self.silent.close()


def boundaries(flow):
    """Where records begin and end in one direction's bytes."""
    at, found = 0, [0]
    while at + 5 <= len(flow):
        at += 5 + int.from_bytes(flow[at + 3:at + 5], "big")
        found.append(at)
    assert at == len(flow), "the flow ends in the middle of a record"
    return found


# ---- Clients side by side -----------------------------------------------------------------------

class Crowd:
    """Functions that run on threads until they return; what one of them raises the test gets."""

    def __init__(self):
        self.threads, self.faults = [], []
        self.stop = threading.Event()

    def start(self, act, *args):
        def run():
            try:
                act(*args)
            except BaseException as fault:  # pylint: disable=broad-except
                self.faults.append(fault)
        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    def check(self):
        if self.faults:
            raise self.faults[0]

    def wait(self, condition, what):
        """until() that ends when one of the crowd has failed."""
        def ready():
            self.check()
            return condition()
        return until(ready, LONG, what)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(2 * LONG)
            assert not thread.is_alive(), "a client hangs"
        self.check()
