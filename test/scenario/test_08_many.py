"""Goal: many clients, few descriptors: everyone is served in turn and the processor rests."""
import resource
import socket
import threading
import time

import pytest

from gateways import (SANITIZED, box, cpu_seconds, curl, forged_flight, limit_descriptors, pattern,
                      read_all, rss_kib, talk_echo, talk_http, until)


def test_200_in_parallel_over_workers(box):
    serve = box.serve(box.upstream(talk_echo), "--workers", "4")
    face = box.open(serve)
    data = pattern(100_000)
    wrong = []

    def one():
        with face.visit() as browser:
            browser.sendall(data)
            browser.shutdown(socket.SHUT_WR)
            if read_all(browser) != data:
                wrong.append(1)

    threads = [threading.Thread(target=one) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong
    until(lambda: serve.log().count("both sides were done") >= 200)
    assert serve.log().count("the password was proved") == 1, "the rest came by ticket"


def test_without_descriptors_it_waits_and_rests(box):
    serve = box.serve(box.upstream(talk_http()), "--max-connections", "1000",
                      preexec_fn=limit_descriptors(48))
    idle = [serve.raw() for _ in range(80)]
    serve.logged("no file descriptors left")
    before = cpu_seconds(serve.pid)
    time.sleep(1)
    assert cpu_seconds(serve.pid) - before < 0.3
    assert serve.log().count("no file descriptors left") == 1
    for sock in idle:
        sock.close()
    assert curl(f"https://{serve.at}/").stdout == b"hello"


def test_idle_strangers_keep_nobody_out(box):
    serve = box.serve(box.upstream(talk_http()), "--max-connections", "5", "--handshake-timeout",
                      "60")
    idle = [serve.raw() for _ in range(12)]
    for sock in idle[:7]:
        sock.settimeout(5)
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    assert curl(f"https://{serve.at}/").stdout == b"hello"
    assert "gave way to a new connection" in serve.log()
    assert serve.log().count("gives way to a new one (--max-connections); 1 did so far") == 1
    for sock in idle:
        sock.close()


def test_most_connections(box):
    """Those who are proved keep their places."""
    serve = box.serve(box.upstream(talk_http()), "--max-connections", "5")
    idle = [box.connecting(serve) for _ in range(5)]
    until(lambda: serve.log().count("the password was proved") == 5)
    late = {}
    thread = threading.Thread(target=lambda: late.update(done=curl(f"https://{serve.at}/")))
    thread.start()
    serve.logged("--max-connections")
    assert not late
    for client in idle:
        assert client.poll() is None
        client.stdin.close()
    thread.join(10)
    assert late["done"].stdout == b"hello"


def test_wrong_passwords_in_parallel(box):
    serve = box.serve(box.upstream(talk_http()), "--workers", "2")
    results = []
    threads = [threading.Thread(target=lambda: results.append(
        curl(f"https://{serve.at}/", password="wrong").returncode)) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [35] * 30
    assert curl(f"https://{serve.at}/").stdout == b"hello"


def test_a_burst_of_handshakes_stops_nobody_who_is_proved(box):
    """Its arithmetic is done in slices: a tunnel's bytes go through in between."""
    count = 300
    serve = box.serve(box.upstream(talk_echo))
    face = box.open(serve)
    with face.visit() as tunnel:
        def ping():
            tunnel.sendall(b"\0")
            assert tunnel.recv(1) == b"\0"

        ping()
        burst = [serve.raw() for _ in range(count)]
        until(lambda: not unaccepted(serve.port))
        flights = [forged_flight() for _ in burst]
        for sock, flight in zip(burst, flights):
            sock.sendall(flight)
        ping()
        done = serve.log().count("proof-failed")
        until(lambda: serve.log().count("proof-failed") == count, 60)
        for sock in burst:
            sock.close()
    assert done < count / 2


def unaccepted(port):
    """Connections in the listener's backlog."""
    for line in open("/proc/net/tcp", encoding="ascii").readlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and int(fields[1].split(":")[1], 16) == port:
            return int(fields[4].split(":")[1], 16)
    raise AssertionError("no listener")


def test_who_goes_away_while_the_arithmetic_waits(box):
    serve = box.serve(box.upstream(talk_http()), "--handshake-timeout", "1")
    burst = [serve.raw() for _ in range(100)]
    for sock in burst:
        sock.sendall(forged_flight())
    for sock in burst:
        sock.close()
    assert curl(f"https://{serve.at}/").stdout == b"hello"
    until(lambda: sum(" client=" in line for line in serve.log().splitlines()) >= 101)


def test_an_idle_connection_is_small(box):
    if SANITIZED:
        pytest.skip("a sanitizer's memory says nothing")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = min(500, (most - 100) // 4)
    serve = box.serve(box.upstream(talk_echo))
    face = box.open(serve)

    def visit():
        sock = face.visit()
        sock.sendall(b"\0")  # what may be the start of a request is waited for
        assert sock.recv(1) == b"\0"
        return sock

    idle = [visit() for _ in range(50)]
    before = rss_kib(serve.pid), rss_kib(face.pid)
    idle += [visit() for _ in range(count)]
    after = rss_kib(serve.pid), rss_kib(face.pid)
    for sock in idle:
        sock.close()
    assert (after[0] - before[0]) / count < 6
    assert (after[1] - before[1]) / count < 6
    print("KiB an idle connection:", (after[0] - before[0]) / count, (after[1] - before[1]) / count)
