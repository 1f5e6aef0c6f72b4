"""perf and strace around something that processes do. Neither must be there, or be allowed."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass

PLACES = {"kernel": r"\[kernel|\[vdso|\[guest", "libcrypto": r"libcrypto\b", "libssl": r"libssl\b",
          "libc": r"libc\.|libc-", "itself": ""}
KINDS = {"all": "", "wait": r"epoll_p?wait|^p?poll|select|futex|nanosleep",
         "receive": r"read|recv", "send": r"write|send", "other": ""}


@dataclass
class Unseen(Exception):
    """Nothing could be seen here."""

    tool: str
    why: str


class _Watch:
    """Never fails what is watched: who asks what was seen gets Unseen."""

    tool = ""

    def __init__(self, directory):
        if not shutil.which(self.tool):
            raise Unseen(self.tool, "it is not installed")
        self.path = tempfile.mktemp(prefix=f"{self.tool}-", dir=directory)
        self.fault = None

    def argv(self, pids):
        raise NotImplementedError

    @contextlib.contextmanager
    def watch(self, pids):
        process = subprocess.Popen(self.argv(pids), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            self.fault = self.wait(process, pids)
            yield
        finally:
            self.end(process)
            process.communicate(timeout=30)

    def wait(self, process, pids):
        """Until it watches: None, or why it can't."""
        raise NotImplementedError

    def end(self, process):
        process.send_signal(signal.SIGINT)

    def check(self):
        if self.fault:
            raise Unseen(self.tool, self.fault)


class Profile(_Watch):
    """Where the CPU was: samples by its clock, which virtual machines have too."""

    tool = "perf"
    PARANOID = pathlib.Path("/proc/sys/kernel/perf_event_paranoid")

    def __init__(self, directory):
        super().__init__(directory)
        if os.geteuid() != 0 and int(self.PARANOID.read_text()) > 1:
            raise Unseen(self.tool, "not as this user: the kernel's part would be missing")

    def argv(self, pids):
        return ["perf", "record", "-q", "-e", "cpu-clock:uk", "-F", "4000", "-o", self.path,
                "--delay", "-1", "--control", "fd:0,1", "-p", ",".join(map(str, pids))]

    def wait(self, process, _pids):
        return None if self._tell(process, "enable") else "it is not allowed to see"

    def end(self, process):
        """A signal may leave it without its last words."""
        if not self._tell(process, "stop"):
            super().end(process)

    @staticmethod
    def _tell(process, word):
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(f"{word}\n")
            process.stdin.flush()
        return "ack" in process.stdout.readline()

    def _report(self, key):
        """[(name, share)], most first."""
        self.check()
        done = subprocess.run(["perf", "report", "-q", "--stdio", "--sort", key, "-i", self.path],
                              capture_output=True, text=True, check=False, timeout=60)
        rows = re.findall(r"^\s*([0-9.]+)%\s+(.*?\S)(?:\s+-)*\s*$", done.stdout, re.MULTILINE)
        if not rows:
            raise Unseen(self.tool, "it took no samples")
        return [(name, float(share) / 100) for share, name in rows]

    def places(self):
        """The share of each of PLACES."""
        shares = dict.fromkeys(PLACES, 0.0)
        for name, share in self._report("dso"):
            shares[next(place for place, like in PLACES.items() if re.match(like, name))] += share
        return shares

    def functions(self):
        """[(name, share)] with [k] for the kernel's, most first."""
        return [(re.sub(r"^\[\.\] ", "", name), share) for name, share in self._report("symbol")]


class Trace(_Watch):
    """How many system calls there were."""

    tool = "strace"

    def argv(self, pids):
        return ["strace", "-c", "-f", "-o", self.path, *(f"-p{pid}" for pid in pids)]

    def wait(self, process, pids):
        for _ in pids:
            line = process.stderr.readline()
            if "attached" not in line:
                return line.strip().rpartition(": ")[2] or "it could not attach"
        return None

    def calls(self):
        """[(name, how many)], most first."""
        self.check()
        text = pathlib.Path(self.path).read_text()
        rows = re.findall(r"^\s*[0-9.]+\s+[0-9.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(\w+)$", text,
                          re.MULTILINE)
        found = ((name, int(calls)) for calls, name in rows if name != "total")
        return sorted(found, key=lambda row: -row[1])

    def kinds(self):
        """How many of each of KINDS."""
        counts = dict.fromkeys(KINDS, 0)
        for name, calls in self.calls():
            counts["all"] += calls
            kind = next((kind for kind, like in KINDS.items() if like and re.search(like, name)),
                        "other")
            counts[kind] += calls
        return counts
