"""Goal: the agent tells what is at an address before anybody types a password, by real servers of every
kind; and asking costs the device's owner nothing: no guess, no alarm, no name.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from devices import device, saved
from gateways import PASSWORD, ROOT, box, free_port, talk_http, until  # noqa: F401
from test_46_agent import Agent, runtime  # noqa: F401

sys.path.insert(0, str(ROOT / "test"))

from support import srp_servers, verifiers  # noqa: E402

BURST = 16  # of guesses of a source, before it has to wait
SOON = 12  # seconds: a probe gives up after 8


@pytest.fixture
def agent(box):
    return Agent(box)


class Peer:
    """A port whose connections talk(sock) serves."""

    def __init__(self, talk):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.at = "127.0.0.1:%d" % self.sock.getsockname()[1]
        self.talk = talk
        self.count = 0
        self.heard = b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self.one, args=(sock,), daemon=True).start()

    def one(self, sock):
        with sock:
            try:
                self.talk(self, sock)
            except OSError:
                pass

    def hear(self, sock):
        got = sock.recv(65536)
        self.heard += got
        return got

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


@pytest.fixture
def peer():
    """peer(talk): a server of the test's own."""
    made = []

    def start(talk):
        made.append(Peer(talk))
        return made[-1]

    yield start
    for one in made:
        one.close()


def says(data, keeps=False):
    """Answers each connection with these bytes."""
    def talk(self, sock):
        self.hear(sock)
        sock.sendall(data)
        while keeps and self.hear(sock):
            pass
    return talk


def silent(self, sock):
    while self.hear(sock):
        pass


def alert(number, level=2):
    return bytes([21, 3, 3, 0, 2, level, number])


@pytest.fixture
def run():
    """run(argv, port): another program, waited for until it listens."""
    made = []

    def start(argv, port):
        process = subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        made.append(process)

        def listens():
            with socket.socket() as sock:
                return sock.connect_ex(("127.0.0.1", port)) == 0
        until(listens)
        return f"127.0.0.1:{port}"

    yield start
    for process in made:
        process.kill()
        process.wait()


@pytest.fixture
def certificate(tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                    "-out", cert, "-days", "3", "-subj", "/CN=router"], check=True,
                   capture_output=True)
    return cert, key


# ---- Keyplate ---------------------------------------------------------------------------------

@pytest.mark.parametrize("args, speaks", [
    ((), ["1.2", "1.3"]),
    (("--tls", "1.2"), ["1.2"]),
    (("--tls", "1.3"), ["1.3"]),
    (("--pake", "ietf"), ["1.2", "1.3"]),
    (("--pake", "boringssl"), ["1.2", "1.3"]),
    (("--pake", "both"), ["1.2", "1.3"]),
    (("--tls", "1.3", "--pake", "boringssl"), ["1.3"]),
    (("--http", "off"), ["1.2", "1.3"]),
])
def test_our_own(box, agent, args, speaks):
    serve = device(box, "K7F3", *args)
    done = agent.ask("probe", device=serve.at)
    assert done["ok"] and done["speaks"] == speaks and done["instead"] is None, done
    assert done["where"] == serve.at and not done["saved"] and done["name"] == ""
    assert done["text"].startswith(serve.at)
    assert not saved(), "nothing of it is remembered"


def test_by_a_saved_name(box, agent):
    serve = device(box, "K7F3")
    name = agent.login(serve.at)["device"]["name"]
    until(lambda: name in saved())
    agent.ask("logout", name=name)
    done = agent.ask("probe", device=name)
    assert done["ok"] and done["speaks"] == ["1.2", "1.3"], done
    assert done["saved"] and done["name"] == name and done["where"] == serve.at


def test_beside_an_https_server(box, agent, run, certificate):
    """On one port with the device's own server with a certificate, which gets nothing of it."""
    port = free_port()
    at = run(["openssl", "s_server", "-accept", port, "-cert", certificate[0], "-key", certificate[1],
              "-www"], port)
    serve = device(box, "K7F3", "--transition", "same-port", "--other-tls", at)
    done = agent.ask("probe", device=serve.at)
    assert done["speaks"] == ["1.2", "1.3"] and done["instead"] is None, done


def test_it_costs_the_device_nothing(box, agent):
    """No guess, no user's name, no warning: forty of them, and a login works as ever."""
    serve = device(box, "K7F3", "--log", "json")
    before = len(serve.log().splitlines())
    for _ in range(40):
        assert agent.ask("probe", device=serve.at)["speaks"] == ["1.2", "1.3"]
    until(lambda: len(serve.log().splitlines()) >= before + 80)
    lines = [json.loads(line) for line in serve.log().splitlines()[before:]]
    assert {line["level"] for line in lines} <= {"info", "debug"}, lines
    assert not any("attempt" in line or "claimed" in line for line in lines), lines
    done = agent.login(serve.at, device_id="K7F3")
    assert done["ok"] and done["device"]["protocol"] == "TLSv1.3"


def test_it_spends_no_guess(box, agent):
    """The same by the throttle's count: after forty probes each guess of a burst is still judged."""
    serve = device(box, "K7F3", "--log", "json")
    for _ in range(40):
        agent.ask("probe", device=serve.at)
    for _ in range(BURST - 1):
        assert agent.login(serve.at, "not-" + PASSWORD)["error"] == "refused"
    assert agent.login(serve.at)["ok"]
    assert '"attempt":"refused"' not in serve.log()


# ---- Servers of other people ------------------------------------------------------------------

@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3", "-no_tls1"])
def test_a_certificate(agent, run, certificate, version):
    port = free_port()
    at = run(["openssl", "s_server", "-accept", port, "-cert", certificate[0], "-key", certificate[1],
              "-www", version], port)
    done = agent.ask("probe", device=at)
    assert done["ok"] and done["speaks"] == [] and done["instead"] == "certificate", done
    assert "certificate" in done["text"]


def test_apache_with_srp(agent, tmp_path):
    if shutil.which("apache2") is None:
        pytest.skip("apache2 isn't installed")
    server = srp_servers.ApacheServer(srp_servers.srpv(tmp_path / "srpv", [2048]))
    try:
        done = agent.ask("probe", device=server.address)
        assert done["speaks"] == ["1.2"] and done["instead"] is None, done
    finally:
        server.stop()


@pytest.mark.parametrize("also", [False, True])
def test_gnutls(agent, tmp_path, run, certificate, also):
    """With SRP, alone and beside a certificate."""
    if shutil.which("gnutls-serv") is None or shutil.which("srptool") is None:
        pytest.skip("gnutls-bin isn't installed")
    passwd, conf = verifiers.gnutls_tpasswd(tmp_path, [("admin", PASSWORD, 2048)])
    port = free_port()
    priority = "NORMAL:+SRP" if also else "NORMAL:-KX-ALL:+SRP"
    files = ["--x509certfile", certificate[0], "--x509keyfile", certificate[1]] if also else []
    at = run(["gnutls-serv", "--port", port, "--quiet", "--srppasswd", passwd, "--srppasswdconf", conf,
              "--priority", priority, *files], port)
    done = agent.ask("probe", device=at)
    assert done["speaks"] == ["1.2"] and done["instead"] is None, done


def test_gnutls_with_a_certificate(agent, run, certificate):
    if shutil.which("gnutls-serv") is None:
        pytest.skip("gnutls-bin isn't installed")
    port = free_port()
    at = run(["gnutls-serv", "--port", port, "--quiet", "--x509certfile", certificate[0],
              "--x509keyfile", certificate[1]], port)
    done = agent.ask("probe", device=at)
    assert done["speaks"] == [] and done["instead"] == "certificate", done


def test_python_s_web_server(agent, run, tmp_path):
    """It waits for the end of a line, and answers with a page alone."""
    port = free_port()
    at = run([sys.executable, "-m", "http.server", port, "--bind", "127.0.0.1", "--directory", tmp_path],
             port)
    done = agent.ask("probe", device=at)
    assert done["ok"] and done["speaks"] == [] and done["instead"] == "http", done


def test_who_reads_a_whole_head(agent, peer):
    """It answers when it has seen an empty line: one is in what is sent."""
    def talk(self, sock):
        got = b""
        while b"\r\n\r\n" not in got:
            got += self.hear(sock)
        sock.sendall(b"HTTP/1.0 501 Not Implemented\r\n\r\n")
    assert agent.ask("probe", device=peer(talk).at)["instead"] == "http"


# ---- Anything ---------------------------------------------------------------------------------

@pytest.mark.parametrize("data, instead, connections", [
    (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "http", 1),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "other", 1),
    (os.urandom(1000).replace(b"\x15", b"x").replace(b"\x16", b"x").replace(b"H", b"x")
     .replace(b"<", b"x"), "other", 1),
    (b"\x16" * 100, "other", 1),
    (alert(40), "other", 3),
    (alert(47), "other", 2),
    (alert(50), "other", 3),
    (alert(115), "other", 3),
    (alert(112, level=1) + alert(115), "other", 3),
])
def test_one_answer_for_everybody(agent, peer, data, instead, connections):
    """Who says the same to all that is asked takes no password, whatever it says."""
    server = peer(says(data))
    done = agent.ask("probe", device=server.at)
    assert done["ok"] and done["speaks"] == [] and done["instead"] == instead, done
    assert server.count == connections
    assert PASSWORD.encode() not in server.heard and b"admin" not in server.heard


def test_one_byte_at_a_time(agent, peer):
    def talk(self, sock):
        hello = self.hear(sock)
        for byte in alert(40 if b"\xc0\x20\xc0\x1d" not in hello else 115):
            sock.sendall(bytes([byte]))
            time.sleep(0.02)
    assert agent.ask("probe", device=peer(talk).at)["speaks"] == ["1.2"]


@pytest.mark.parametrize("talk", [silent, says(b""), says(alert(40)[:6]), says(b"\x16\x03", keeps=True),
                                  lambda self, sock: None], ids=str)
def test_nothing_to_be_told(agent, peer, talk):
    """It takes connections, and no more."""
    at = peer(talk).at
    began = time.monotonic()
    done = agent.ask("probe", device=at)
    assert not done["ok"] and done["error"] == "trouble" and at in done["text"], done
    assert time.monotonic() - began < SOON


def test_a_full_pipe(agent, peer):
    """No more is read than is needed."""
    def talk(self, sock):
        while True:
            sock.sendall(b"\x15\x03\x03\x00\x02\x01\x70" * 10000)
    assert agent.ask("probe", device=peer(talk).at)["instead"] == "other"


def test_nobody_there(box, agent):
    port = free_port()
    done = agent.ask("probe", device=f"127.0.0.1:{port}")
    login = agent.login(f"127.0.0.1:{port}")
    assert done["error"] == login["error"] == "trouble" and done["text"] == login["text"]
    done = agent.ask("probe", device="no-such-host.invalid")
    assert done["error"] == "trouble" and "no-such-host.invalid" in done["text"]


def test_by_its_second_address(box, agent):
    """localhost is ::1 too, where nothing listens."""
    if len({found[4][0] for found in socket.getaddrinfo("localhost", 443, type=socket.SOCK_STREAM)}) < 2:
        pytest.skip("localhost has one address")
    serve = device(box, "K7F3")
    done = agent.ask("probe", device=f"localhost:{serve.port}")
    assert done["ok"] and done["speaks"] == ["1.2", "1.3"], done


def test_misused(box, agent):
    for members in ({"device": "http://["}, {"device": 1}, {}, {"device": "127.0.0.1", "tls": "1.1"},
                    {"device": f"keyplate://K7F3@127.0.0.1/?v=1&user=admin#p={PASSWORD}"}):
        assert agent.ask("probe", **members)["error"] == "misused", members


def test_german(box):
    agent = Agent(box, language="de")
    serve = device(box, "K7F3")
    assert "nimmt Anmeldungen" in agent.ask("probe", device=serve.at)["text"]


# ---- Many, and the end ------------------------------------------------------------------------

def test_only_so_many_at_once(agent, peer):
    at = peer(silent).at
    ids = [agent.send("probe", device=at) for _ in range(33)]
    assert agent.answer(ids[32])["error"] == "busy"
    assert agent.ask("list")["ok"], "others are answered meanwhile"
    for number in ids[:32]:
        assert agent.answer(number)["error"] == "trouble"


def test_the_client_goes(agent, peer):
    server = peer(silent)
    for _ in range(8):
        agent.send("probe", device=server.at)
    until(lambda: server.count == 8)
    began = time.monotonic()
    assert agent.end() == 0 and time.monotonic() - began < 6


def test_by_another_s_hub(box, agent, peer):
    """A second agent's are asked by the first, and end with the second."""
    serve = device(box, "K7F3")
    second = Agent(box)
    assert second.ask("probe", device=serve.at)["speaks"] == ["1.2", "1.3"]
    server = peer(silent)
    for _ in range(4):
        second.send("probe", device=server.at)
    until(lambda: server.count == 4)
    second.process.send_signal(signal.SIGKILL)
    time.sleep(3)
    assert server.count == 4, "no more is asked for it"
    assert agent.ask("probe", device=serve.at)["ok"]
