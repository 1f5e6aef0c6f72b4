"""Running programs: every one has a deadline, and only what was started here is ever stopped."""
import re
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass

DEADLINE = 60


@dataclass
class Result:
    status: int
    out: bytes
    err: str

    def __str__(self):
        return f"status {self.status}, {len(self.out)} bytes out, stderr: {self.err.strip()}"


def run(argv, data=b"", timeout=DEADLINE, **popen):
    """Runs argv with data as its stdin, which is then closed."""
    done = subprocess.run([str(a) for a in argv], input=data, capture_output=True,
                          timeout=timeout, check=False, **popen)
    return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def check(argv, **keywords):
    """As run(), but anything except status 0 is an error."""
    result = run(argv, **keywords)
    assert result.status == 0, f"{' '.join(map(str, argv))}: {result}"
    return result


def talk(argv, data=b"", timeout=DEADLINE, enough=None, **popen):
    """Runs a program that is a pipe to a server, and keeps its stdin open until its stdout ends:
    some TLS servers cut their answer when they see a close_notify.

    enough(out) -> bool: where the server never ends the connection, what tells that the answer is
    whole; stdin is closed then."""
    process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen)
    out, err = bytearray(), bytearray()

    def send():
        try:
            process.stdin.write(data)
            process.stdin.flush()
        except OSError:
            pass  # the program ended first: its status tells why

    def collect(stream, into):
        while chunk := stream.read1(65536):
            into.extend(chunk)

    threads = [threading.Thread(target=send, daemon=True),
               threading.Thread(target=collect, args=(process.stdout, out), daemon=True),
               threading.Thread(target=collect, args=(process.stderr, err), daemon=True)]
    for thread in threads:
        thread.start()
    try:
        _wait_for_answer(threads[1], out, enough, timeout, argv)
        threads[0].join(timeout)
        _close(process.stdin)
        status = process.wait(timeout)
        threads[1].join(timeout)
        threads[2].join(timeout)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        _close(process.stdin)
    return Result(status, bytes(out), err.decode(errors="replace"))


def _wait_for_answer(reader, out, enough, timeout, argv):
    deadline = time.monotonic() + timeout
    while reader.is_alive() and not (enough and enough(out)):
        if time.monotonic() > deadline:
            raise subprocess.TimeoutExpired(argv, timeout, bytes(out))
        reader.join(0.02 if enough else 1)


def _close(stream):
    try:
        stream.close()
    except OSError:
        pass


def wait_for_port(port, timeout=10, host="127.0.0.1"):
    deadline = time.monotonic() + timeout
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class Server:
    """A program that runs until stop(). Its stdout and stderr are kept as lines."""

    LISTENING = r"^listening (?P<address>\S+:(?P<port>\d+))$"

    def __init__(self, argv, ready=LISTENING, timeout=20, **popen):
        self.argv = [str(a) for a in argv]
        self.lines = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **popen)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            match = self.wait_line(ready, timeout) if ready else None
        except BaseException:
            self.stop()
            raise
        found = match.groupdict() if match else {}
        self.address = found.get("address")
        self.port = int(found["port"]) if "port" in found else None

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.decode(errors="replace").rstrip("\r\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def pid(self):
        return self.process.pid

    def matches(self, pattern, start=0):
        with self._changed:
            return [m for m in (re.search(pattern, line) for line in self.lines[start:]) if m]

    def wait_line(self, pattern, timeout=10, start=0, count=1):
        """The match of the count-th line from start on that has pattern."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = [m for m in (re.search(pattern, line) for line in self.lines[start:]) if m]
                if len(found) >= count:
                    return found[count - 1]
                left = deadline - time.monotonic()
                if left <= 0 or not self._reader.is_alive():
                    raise AssertionError(f"{self.argv[0]} did not print {pattern!r}:\n"
                                         + "\n".join(self.lines[-30:]))
                self._changed.wait(min(left, 0.5))

    def stop(self, timeout=15):
        """SIGTERM, then SIGKILL; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
        status = self.process.wait()
        self._reader.join(5)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
