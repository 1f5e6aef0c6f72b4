"""Goal: the log tells who, whence, what and why, in a form for machines too; secrets are nowhere."""
import json
import os
import pathlib
import signal

import pytest

from gateways import (PASSWORD, SANITIZED, Terminal, box, curl, free_port, talk_echo, talk_http,
                      until)
from http_peers import OK, Channel, Recorder, request


def test_json_lines(box):
    serve = box.serve(box.upstream(talk_http()), "--log", "json", "--verbose")
    curl(f"https://{serve.at}/")
    curl(f"https://{serve.at}/", password="wrong")
    curl(f"http://{serve.at}/", user=None)
    box.connect(serve, b"", user='"quo\\te" Ä', password="wrong")
    serve.logged("quo")
    serve.stop()
    lines = [json.loads(line) for line in serve.log().splitlines()]
    closed = next(line for line in lines if line["event"] == "closed")
    assert closed["user"] == "admin" and closed["proved"] is True
    assert closed["protocol"] == "TLSv1.2" and closed["client"].startswith("127.0.0.1:")
    assert closed["bytes_in"] > 0 and closed["bytes_out"] > 0 and closed["seconds"] >= 0
    failed = [line for line in lines if line["event"] == "proof-failed"]
    assert failed[0]["claimed"] == "admin" and failed[0]["proved"] is False
    assert failed[1]["claimed"] == '\\x22quo\\x5cte\\x22 Ä'
    assert any(line["event"] == "refused" for line in lines)


def closing(box, serve, *pieces, ends=False):
    """Sends pieces, reads what comes; the last line of the connection."""
    before = serve.log().count('"event":"closed"')
    channel = Channel(box, serve).send(*pieces)
    if ends:
        channel.process.stdin.close()
    channel.end()
    until(lambda: serve.log().count('"event":"closed"') > before)
    return [line for line in map(json.loads, serve.log().splitlines())
            if line["event"] == "closed"][-1]


def test_who_ended_a_connection_is_told(box):
    """In HTTP, where the connections of client and upstream end each for reasons of their own."""
    def answer(one):
        def reply(sock):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")
            return None if one.target == "/cut" else sock.recv(1)
        return OK if one.target == "/" else reply

    serve = box.serve(box.upstream(Recorder(answer)), "--log", "json", "--idle-timeout", "1")
    line = closing(box, serve, request(), ends=True)
    assert (line["level"], line["message"]) == ("info", "both sides were done")

    line = closing(box, serve, request("/cut"))
    assert line["message"] == "it was cut in the middle of an answer"
    failed = json.loads(serve.logged('"event":"bad-answer"')[0])
    assert (failed["level"], failed["upstream"]) == ("error", serve.upstream.at)

    ends = [closing(box, serve, request("/half")), closing(box, serve, request()[:20], ends=True),
            closing(box, serve, request("/", "Content-Length: 9", method="POST"), b"x", ends=True),
            closing(box, serve, request() + b"GET nothing\r\n\r\n")]
    for line in ends:
        assert "upstream" not in line["message"] and "error" not in line, line
    assert serve.log().count('"event":"bad-answer"') == 1
    assert "upstream-down" not in serve.log()


def test_an_answer_that_stalls_is_told(box):
    def talk(sock):
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")
        return sock.recv(1)

    serve = box.serve(box.upstream(talk), "--idle-timeout", "1")
    assert Channel(box, serve).send(request()).end()[1] is False
    serve.logged("closed:")
    assert "--idle-timeout" in serve.log()


def test_quotes_in_json_are_quotes(box):
    """A message has them around what is escaped already."""
    credentials = box.credentials(name='qu"o\\te')
    serve = box.serve(box.upstream(talk_http()), "--log", "json", credentials=credentials)
    serve.signal(signal.SIGHUP)
    line = json.loads(serve.logged("is in force")[0])
    assert line["message"] == f'"{credentials}" is in force: 1 user'


def test_a_hostile_name_makes_one_plain_line(box):
    serve = box.serve(box.upstream(talk_http()))
    curl(f"https://{serve.at}/", user='x\n2026 info proved: user="admin"\x1b[31m', password="y")
    lines = serve.logged("claimed=")
    said = [line for line in serve.log().splitlines() if " privileges: " not in line]
    assert len(lines) == 1 and said == lines
    assert "\x1b" not in lines[0] and "\\x0a" in lines[0] and 'user="admin"' not in lines[0]


def test_names_that_differ_look_different(box):
    serve = box.serve(box.upstream(talk_http()))
    for name in ('a"b', "a'b"):
        curl(f"https://{serve.at}/", user=name, password="y")
    serve.logged("a'b")
    assert 'claimed="a\\x22b"' in serve.log() and 'claimed="a\'b"' in serve.log()


def test_quiet_and_verbose(box):
    upstream = box.upstream(talk_http())
    quiet = box.serve(upstream, "--quiet")
    curl(f"https://{quiet.at}/")
    curl(f"https://{quiet.at}/", password="wrong")
    quiet.logged("proof-failed")
    assert " info " not in quiet.log()


def has_no_core(pid):
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core"))
    return core.split()[4:6] == ["0", "0"]


def test_no_core_of_who_asks_for_a_password(box):
    terminal = Terminal(["passwd", "add", "--credentials", box.dir / "new", "--user", "admin"])
    terminal.expect("assword")
    assert has_no_core(terminal.pid)
    terminal.type("\x03")
    assert terminal.wait() != 0


def test_no_secret_anywhere(box):
    serve = box.serve_bytes(box.upstream(talk_echo), "--verbose")
    face = box.open(serve, "--verbose")
    client = box.connecting(serve, "--verbose")
    client.stdin.write(b"x")
    client.stdin.flush()
    assert os.read(client.stdout.fileno(), 1) == b"x"
    for pid in (serve.pid, face.pid, client.pid):
        for name in ("cmdline", "environ"):
            try:
                assert PASSWORD.encode() not in pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
            except PermissionError:
                pass  # the process is not dumpable: as it should be
        assert has_no_core(pid)
    client.stdin.close()
    assert client.wait(10) == 0
    for text in (serve.log(), face.log(), client.stderr.read().decode()):
        assert PASSWORD not in text and "premaster" not in text


def memory(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            where, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in where.split("-"))
            try:
                mem.seek(start)
                yield mem.read(end - start)
            except (OSError, ValueError):
                continue


@pytest.mark.parametrize("http", ["on", "off"])
def test_the_password_is_not_kept_in_memory(box, http):
    """After the first handshake a client holds what follows from the password, not the password."""
    if SANITIZED:
        pytest.skip("a sanitizer maps more memory than can be read")
    if os.geteuid() != 0:
        pytest.skip("only root may look into a process that isn't dumpable")
    password = "a-password-that-is-nowhere-else-31415"
    serve = box.serve(box.upstream(talk_http()), "--http", http,
                      credentials=box.credentials((("admin", password),)))
    face = box.open(serve, password=password)
    assert curl(face.url, user=None).stdout == b"hello"
    for pid in (serve.pid, face.pid):
        assert not any(password.encode() in piece for piece in memory(pid))
