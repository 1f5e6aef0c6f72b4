"""What the scenario tests of keyplate passwd share. KEYPLATE_BUILD names the build directory
(default: build)."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("KEYPLATE_BUILD", ROOT / "build")).resolve() / "keyplate"


class Passwd:
    def __init__(self, directory):
        self.directory = directory
        self.file = directory / "credentials"
        self.env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        self.count = 0

    def password(self, content, mode=0o600):
        self.count += 1
        path = self.directory / f"password{self.count}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    def run(self, *argv, data=b"", **popen):
        return subprocess.run([PROGRAM, "passwd", *map(str, argv)], input=data, timeout=60,
                              capture_output=True, env=self.env, start_new_session=True,
                              check=False, **popen)

    def __call__(self, action, *argv, **popen):
        return self.run(action, *argv, "--credentials", self.file, **popen)

    def ok(self, action, *argv, **popen):
        done = self(action, *argv, **popen)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def fails(self, status, words, action, *argv, **popen):
        """One line on stderr that has words, nothing on stdout, and the file as it was."""
        before = self.file.read_bytes() if self.file.exists() else None
        done = self(action, *argv, **popen)
        error = done.stderr.decode()
        assert done.returncode == status, (done.returncode, error)
        assert words in error, error
        assert error.startswith("keyplate passwd: ") and error.count("\n") == 1, error
        assert done.stdout == b""
        after = self.file.read_bytes() if self.file.exists() else None
        assert before == after
        assert not list(self.directory.glob(".*"))

    def add(self, user, password, *argv):
        return self.ok("add", "--user", user, "--password-file", self.password(password), *argv)

    def check(self, user, password):
        return self("check", "--user", user, "--password-file", self.password(password)).returncode

    def users(self):
        return [line.split("\t") for line in self.ok("list").splitlines()[1:]]


@pytest.fixture
def passwd(tmp_path):
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is missing: build it first, or set KEYPLATE_BUILD", pytrace=False)
    return Passwd(tmp_path)
