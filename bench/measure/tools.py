"""The programs of the build, temporary files, and what runs while something is measured."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

from support import verifiers
from support.keyplate import Keyplate
from support.processes import Server, check

PASSWORD = "kestrel-4711"
DEVICE_ID = "bench-device"  # BENCH_DEVICE_ID of load/common.h
TIMEOUT = 120


def user(bits):
    return f"u{bits}"


def figures(line):
    """The words NAME=VALUE of a line, numbers as numbers."""
    pairs = (word.split("=", 1) for word in line.split())
    return {name: _number(value) for name, value in pairs}


def _number(text):
    try:
        return float(text)
    except ValueError:
        return text


@dataclass
class Skipped(Exception):
    """A peer that can't run here."""

    why: str


def need(*programs):
    path = os.environ["PATH"] + ":/usr/sbin"
    missing = [name for name in programs if not shutil.which(name, path=path)]
    if missing:
        raise Skipped(f"{missing[0]} is not installed")


class Bench:
    """What every section needs: the build, a directory, credentials, and an upstream."""

    def __init__(self, build):
        self.build = build
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="keyplate-bench-"))
        self.directory.chmod(0o755)  # Apache gives up root before it reads
        self.keyplate = Keyplate(build / "keyplate", self.directory)
        self._stack = contextlib.ExitStack()
        self._stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self._made = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def program(self, name):
        path = self.build / "bench" / name
        if not path.exists():
            raise Skipped(f"{name} was not built: its library is missing")
        return path

    def start(self, thing):
        """thing, stopped at the end."""
        self._stack.callback(thing.stop)
        return thing

    def _once(self, key, make):
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def upstream(self):
        """Its address."""
        return self._once("upstream", lambda: self.start(
            Server([self.program("upstream")])).address)

    def credentials(self, bits):
        """A credentials file with user(bits)."""
        def make():
            path = self.directory / f"credentials-{bits}"
            self.keyplate.add_user(path, user(bits), PASSWORD, "--group", str(bits),
                                   "--device-id", DEVICE_ID)
            return path

        return self._once(("credentials", bits), make)

    def certificate(self):
        """A PEM file: a key on P-256 and its certificate."""
        def make():
            pem, private = self.directory / "certificate.pem", self.directory / "certificate.key"
            check(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                   "-keyout", private, "-out", pem])
            pem.write_text(pem.read_text() + private.read_text())
            return pem

        return self._once("certificate", make)

    def srpv(self, groups):
        """An OpenSSL verifier file with a user for each group."""
        return self._once("srpv", lambda: verifiers.openssl_srpv(
            self.directory / "srpv", [(user(bits), PASSWORD, bits) for bits in groups]))

    def serve(self, bits, versions="any", *options):
        """keyplate serve in front of the upstream, without a log as the peers are."""
        return self._once(("serve", bits, versions, options), lambda: self.start(
            self.keyplate.serve(self.credentials(bits), self.upstream(), "--quiet",
                                "--tls", versions, *options)))

    def run(self, name, *arguments, wrap=list):
        """The figures a load program prints."""
        argv = [str(word) for word in (self.program(name), *arguments)]
        done = subprocess.run(wrap(argv), capture_output=True, text=True, timeout=TIMEOUT,
                              check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
        return figures(done.stdout)

    @contextlib.contextmanager
    def warmed(self, name, *arguments, wrap=list):
        """A load program that has warmed up. Its process: to be told to go, then read."""
        argv = [str(word) for word in (self.program(name), *arguments)]
        process = subprocess.Popen(wrap(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        stopped = False
        try:
            with contextlib.suppress(BrokenPipeError):  # of one that has died: its stderr says why
                yield process
        except (KeyboardInterrupt, SystemExit):
            stopped = True
            process.kill()
            raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            if process.wait(TIMEOUT) != 0 and not stopped:
                raise RuntimeError(f"{' '.join(argv)}: {process.stderr.read().strip()}")
            process.stdout.close()
            process.stderr.close()
