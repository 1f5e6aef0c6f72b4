"""Keyplate's own programs, driven by their command line."""
import os

from . import processes

PROOF_FAILED = 3
PROOF_SENTENCE = "wrong name or password, or this is not your device: someone may be in between"


class Keyplate:
    """program: build/keyplate. directory: for password files, and as the home of every command, so
    that nothing of the person who runs the tests is read or written."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.env = {**os.environ, "HOME": str(directory)}
        for name in "CONFIG", "STATE", "DATA", "CACHE":
            self.env[f"XDG_{name}_HOME"] = str(directory / name.lower())
        runtime = directory / "run"
        runtime.mkdir(mode=0o700)
        self.env["XDG_RUNTIME_DIR"] = str(runtime)
        self._passwords = 0

    def password_file(self, password):
        self._passwords += 1
        path = self.directory / f"password-{self._passwords}"
        path.touch(mode=0o600)
        path.write_text(password + "\n")
        return path

    def passwd(self, verb, credentials, *options):
        return processes.check([self.program, "passwd", verb, "--credentials", credentials,
                                *options], env=self.env)

    def add_user(self, credentials, user, password, *options):
        return self.passwd("add", credentials, "--user", user, "--password-file",
                           self.password_file(password), *options)

    def serve(self, credentials, upstream, *options):
        return processes.Server([self.program, "serve", "--listen", "127.0.0.1:0", "--upstream",
                                 upstream, "--credentials", credentials, *options], env=self.env)

    def connect_argv(self, address, user, password, *options):
        return [self.program, "connect", address, "--user", user, "--password-file",
                self.password_file(password), *options]

    def open(self, url, user, password, *options):
        """The address of the one-time link is in .url of the server returned."""
        server = processes.Server(
            [self.program, "open", url, "--user", user, "--password-file",
             self.password_file(password), "--listen", "127.0.0.1:0", "--no-browser", *options],
            ready=r"^open http://", env=self.env)
        server.url = server.wait_line(r"^open (http://\S+)")[1]
        return server
