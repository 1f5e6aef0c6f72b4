"""The TLS-SRP clients of other people, all driven alike.

A client makes one connection for a request and tells how it went: the body, or the number of the
alert that ended it."""
import re
from dataclasses import dataclass
from typing import Optional

from . import content
from .processes import Result, run, talk

BAD_RECORD_MAC = 20
HANDSHAKE_FAILURE = 40
ILLEGAL_PARAMETER = 47
PROTOCOL_VERSION = 70
INSUFFICIENT_SECURITY = 71
INTERNAL_ERROR = 80
INAPPROPRIATE_FALLBACK = 86
NO_RENEGOTIATION = 100
UNKNOWN_PSK_IDENTITY = 115
NO_APPLICATION_PROTOCOL = 120

# How libssl, and curl on it, put the alert of the other side into words.
LIBSSL_ALERTS = {
    "alert bad record mac": BAD_RECORD_MAC,
    "alert handshake failure": HANDSHAKE_FAILURE,
    "alert illegal parameter": ILLEGAL_PARAMETER,
    "alert protocol version": PROTOCOL_VERSION,
    "alert insufficient security": INSUFFICIENT_SECURITY,
    "alert internal error": INTERNAL_ERROR,
    "alert unknown psk identity": UNKNOWN_PSK_IDENTITY,
}


def libssl_alert(text):
    return next((number for words, number in LIBSSL_ALERTS.items() if words in text), None)


def libssl_version():
    return run(["openssl", "version"]).out.split()[1].decode()


@dataclass
class Outcome:
    result: Result
    alert: Optional[int]       # received from the server
    code: Optional[int] = None
    body: Optional[bytes] = None
    ems: Optional[bool] = None  # None: this client does not tell
    etm: Optional[bool] = None

    @property
    def ok(self):
        return self.result.status == 0 and self.code == 200

    def __str__(self):
        return f"alert {self.alert}, HTTP {self.code}, {self.result}"


class Client:
    """name and version for the table; lacks: which demanded extensions it can leave out; tickets:
    whether it sends the session_ticket extension of RFC 5077, or resumes by session id at most."""

    lacks = ()
    tickets = True

    def __init__(self, name, version, directory):
        self.name, self.version, self.directory = name, version, directory

    def get(self, address, user, password, path, lack=None):
        raise NotImplementedError

    def post(self, address, user, password, path, body):
        raise NotImplementedError

    def resume(self, address, user, password):
        """Two connections: whether the second resumed the first; None: this client never does."""
        return None


class PipeClient(Client):
    """Clients whose stdin and stdout are the connection."""

    def argv(self, address, user, password, lack):
        raise NotImplementedError

    def judge(self, result):
        """The Outcome of what the program printed on stderr."""
        raise NotImplementedError

    def _talk(self, argv, request):
        outcome = self.judge(talk(argv, request))
        if outcome.result.status == 0:
            outcome.code, outcome.body = content.parse_answer(outcome.result.out)
        return outcome

    def get(self, address, user, password, path, lack=None):
        return self._talk(self.argv(address, user, password, lack), content.get(path))

    def post(self, address, user, password, path, body):
        return self._talk(self.argv(address, user, password, None), content.post(path, body))


def judge_report(result):
    """Outcome by the words of libssl_client and BcClient."""
    alert = re.search(r"alert_received=(\d+)", result.err)
    told = {name: re.search(rf" {name}=(\d)", result.err) for name in ("ems", "etm")}
    return Outcome(result, int(alert[1]) if alert else None,
                   **{name: found[1] == "1" if found else None for name, found in told.items()})


class Libssl(PipeClient):
    lacks = ("ems", "etm")

    def __init__(self, program, directory):
        super().__init__("libssl", libssl_version(), directory)
        self.program = program

    def argv(self, address, user, password, lack=None):
        return [self.program, "--connect", address, "--user", user, "--password", password,
                *([f"--no-{lack}"] if lack else [])]

    def judge(self, result):
        return judge_report(result)

    def connect(self, address, *options, request=content.get("/bytes?n=1")):
        """As the options say, without a user of its own. There is always a request, so that a
        connection that was to fail and does not ends soon."""
        return judge_report(talk([self.program, "--connect", address, *options], request))

    def resume(self, address, user, password):
        saved = self.directory / "session.pem"
        argv = self.argv(address, user, password)
        first = self._talk([*argv, "--session-out", saved], content.get("/bytes?n=1"))
        assert first.ok and " resumed=0" in first.result.err, first
        second = self._talk([*argv, "--session-in", saved], content.get("/bytes?n=1"))
        assert second.ok, second
        return " resumed=1" in second.result.err


class BouncyCastle(PipeClient):
    lacks = ("ems", "etm")
    tickets = False
    JARS = ":".join(f"/usr/share/java/{jar}.jar" for jar in ("bctls", "bcprov", "bcutil"))

    def __init__(self, classes, version, directory):
        super().__init__("BouncyCastle", version, directory)
        self.classes = classes

    def argv(self, address, user, password, lack=None):
        return ["java", "-XX:+UseSerialGC", "-cp", f"{self.JARS}:{self.classes}", "BcClient",
                "--connect", address, "--user", user, "--password", password,
                *([f"--no-{lack}"] if lack else [])]

    def judge(self, result):
        return judge_report(result)


class Gnutls(PipeClient):
    lacks = ("ems", "etm")
    # NORMAL alone would send no SRP extension, without a word.
    PRIORITY = "NORMAL:-KX-ALL:+SRP"
    WITHOUT = {None: "", "ems": ":%NO_SESSION_HASH", "etm": ":%NO_ETM"}

    def __init__(self, directory):
        version = run(["gnutls-cli", "--version"]).out.split()[1].decode()
        super().__init__("gnutls-cli", version, directory)

    def argv(self, address, user, password, lack=None):
        host, _, port = address.rpartition(":")
        return ["gnutls-cli", "--priority", self.PRIORITY + self.WITHOUT[lack], "--insecure",
                "--srpusername", user, "--srppasswd", password,
                "--logfile", self.directory / "gnutls.log", "--port", port, host]

    def log(self):
        return (self.directory / "gnutls.log").read_text(errors="replace")

    def judge(self, result):
        log = self.log() + result.err
        alert = re.search(r"Received alert \[(\d+)\]", log)
        options = re.search(r"^- Options:(.*)$", log, re.M)
        outcome = Outcome(result, int(alert[1]) if alert else None)
        if options:
            outcome.ems = "extended master secret" in options[1]
            outcome.etm = "EtM" in options[1]
        return outcome

    def resume(self, address, user, password):
        """gnutls-cli -r makes both connections; the second one carries stdin."""
        argv = self.argv(address, user, password)
        second = self._talk([argv[0], "-r", *argv[1:]], content.get("/bytes?n=1"))
        assert second.ok, second
        return "This is a resumed session" in self.log()


class Curl(Client):
    tickets = False

    def __init__(self, directory):
        version = run(["curl", "--version"]).out.split()[1].decode()
        super().__init__("curl", version, directory)

    def argv(self, user, password):
        return ["curl", "-k", "--silent", "--show-error", "--max-time", "50", "--tls-max", "1.2",
                "--tlsuser", user, "--tlspassword", password]

    def plain(self, address, *options):
        """curl without a password for TLS."""
        return self._run(["curl", "-k", "--silent", "--show-error", "--max-time", "20", *options,
                          f"https://{address}/"])

    def _run(self, argv):
        body = self.directory / "curl.body"
        body.unlink(missing_ok=True)
        result = run([*argv, "--output", body, "--write-out", "%{http_code}"])
        outcome = Outcome(result, libssl_alert(result.err))
        if result.status == 0:
            outcome.code, outcome.body = int(result.out), body.read_bytes()
        return outcome

    def get(self, address, user, password, path, lack=None):
        assert lack is None
        return self._run([*self.argv(user, password), f"https://{address}{path}"])

    def post(self, address, user, password, path, body):
        upload = self.directory / "curl.upload"
        upload.write_bytes(body)
        return self._run([*self.argv(user, password), "--data-binary", f"@{upload}",
                          f"https://{address}{path}"])

    def resume(self, address, user, password):
        """Two requests on two connections of one curl, which keeps the session in between. A
        ServerKeyExchange is part of a full handshake only."""
        url = f"https://{address}/bytes?n=1"
        result = run([*self.argv(user, password), "--verbose", "--header", "Connection: close",
                      "--output", "/dev/null", url, "--output", "/dev/null", url])
        assert result.status == 0, result
        handshakes = result.err.count("TLS handshake, Client hello")
        assert handshakes == 2, f"{handshakes} handshakes: {result}"
        return result.err.count("TLS handshake, Server key exchange") == 1

