"""Goal: a browser sees the device's page through a link on this computer, in good days and bad."""
import os
import pathlib
import pwd
import signal
import subprocess
import tempfile
import threading

import pytest

from gateways import (KEYPLATE, PASSWORD, PROOF, Terminal, box, curl, free_port, talk_http, until)


def test_page_by_link(box):
    upstream = box.upstream(talk_http(b"settings"))
    serve = box.serve(upstream)
    face = box.open(f"https://{serve.at}/deep/page?x=1#top")
    assert face.url.endswith("/deep/page?x=1#top")
    assert curl(face.url, user=None).stdout == b"settings"
    assert upstream.seen[-1].startswith(b"GET /deep/page?x=1 HTTP/1.1\r\n")
    assert "every program on this computer" in face.log()
    face.signal(signal.SIGINT)
    assert face.wait(5) == 0


def test_bare_address_and_chosen_port(box):
    serve = box.serve(box.upstream(talk_http()))
    port = free_port()
    face = box.open(serve, "--listen", f"127.0.0.1:{port}", "--verbose")
    assert face.url == f"http://127.0.0.1:{port}/"
    assert curl(face.url, user=None).stdout == b"hello"
    assert "resumed" in face.logged("resumed")[0]


def test_parallel_like_a_browser(box):
    body = os.urandom(300_000)
    serve = box.serve(box.upstream(talk_http(body)))
    face = box.open(serve)
    results = []
    threads = [threading.Thread(target=lambda: results.append(
        curl(face.url, user=None).stdout == body)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 40
    assert serve.log().count("the password was proved") == 1


def test_wrong_password_is_told_at_once(box):
    serve = box.serve(box.upstream(talk_http()))
    done = subprocess.run([KEYPLATE, "open", serve.at, "--user", "admin", "--no-browser",
                           "--password-file", box.secret("wrong")], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 3 and done.stdout == ""
    assert done.stderr == f"keyplate open: {PROOF}\n"
    assert serve.logged("proof-failed") and serve.log().count("proof-failed") == 1


def test_nothing_there(box):
    done = subprocess.run([KEYPLATE, "open", f"127.0.0.1:{free_port()}", "--user", "admin",
                           "--password-file", box.secret()], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 1 and "nothing listens" in done.stderr


def test_device_down_and_back(box):
    upstream = box.upstream(talk_http(b"here"))
    serve = box.serve(upstream)
    face = box.open(serve)
    assert curl(face.url, user=None).stdout == b"here"
    serve.stop()
    page = curl(face.url, "-i", user=None).stdout
    assert page.startswith(b"HTTP/1.1 502 ") and b"text/html" in page
    assert b"nothing listens at 127.0.0.1" in page
    (box.dir / "form").write_bytes(b"x" * 300_000)
    page = curl(face.url, "-i", "-H", "Expect:", "-T", box.dir / "form", user=None).stdout
    assert page.startswith(b"HTTP/1.1 502 ")
    again = box.serve(upstream, credentials=serve.credentials, listen=(serve.at,))
    assert curl(face.url, user=None).stdout == b"here", "by itself"
    assert again.logged("the password was proved"), "the new server has other ticket keys"
    assert curl(face.url, user=None).stdout == b"here"
    assert again.log().count("the password was proved") == 1


def test_browser_is_started(box):
    folder = box.dir / "bin"
    folder.mkdir()
    script = folder / "xdg-open"
    script.write_text(f"#!/bin/sh\necho \"$1\" > {box.dir}/opened.new\n"
                      f"mv {box.dir}/opened.new {box.dir}/opened\n")
    script.chmod(0o755)
    serve = box.serve(box.upstream(talk_http()))
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    process = subprocess.Popen([KEYPLATE, "open", serve.at, "--user", "admin", "--password-file",
                                box.secret()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=env)
    link = process.stdout.readline().decode().split()[1]
    until(lambda: (box.dir / "opened").exists())
    assert (box.dir / "opened").read_text().strip() == link
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)
    assert process.returncode == 0


def test_under_sudo_the_browser_is_the_person_s(box):
    if os.geteuid() != 0:
        pytest.skip("needs root, as sudo gives it")
    serve = box.serve(box.upstream(talk_http()))
    with tempfile.TemporaryDirectory() as folder:  # the test's own folder is root's alone
        os.chmod(folder, 0o755)
        script = pathlib.Path(folder) / "xdg-open"
        said = pathlib.Path(folder) / "said"
        said.mkdir(0o777)
        os.chmod(said, 0o777)
        script.write_text(f"#!/bin/sh\necho \"$(id -u) $HOME\" > {said}/new\n"
                          f"mv {said}/new {said}/done\n")
        script.chmod(0o755)
        env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SUDO_UID": "65534"}
        del env["XDG_STATE_HOME"]
        process = subprocess.Popen([KEYPLATE, "open", serve.at, "--user", "admin",
                                    "--password-file", box.secret()], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=env)
        process.stdout.readline()
        until(lambda: (said / "done").exists())
        assert (said / "done").read_text() == f"65534 {pwd.getpwuid(65534).pw_dir}\n"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=5)
        assert process.returncode == 0


def test_the_user_in_the_link(box):
    serve = box.serve(box.upstream(talk_http()))
    process = subprocess.run([KEYPLATE, "open", f"https://nobody@{serve.at}/", "--no-browser",
                              "--password-file", box.secret()], capture_output=True, timeout=20,
                             check=False)
    assert process.returncode == 3
    assert 'claimed="nobody"' in serve.logged("proof-failed")[0]


def test_a_browser_that_fails_is_told(box):
    script = box.dir / "xdg-open"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    serve = box.serve(box.upstream(talk_http()))
    process = subprocess.Popen([KEYPLATE, "open", serve.at, "--user", "admin", "--password-file",
                                box.secret()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, "PATH": f"{box.dir}:{os.environ['PATH']}"})
    for line in process.stderr:
        if b"open the link yourself" in line:
            break
    else:
        raise AssertionError("it wasn't told")
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 0
    process.communicate()


def test_no_browser_is_no_failure(box):
    serve = box.serve(box.upstream(talk_http()))
    env = {**os.environ, "PATH": "/nowhere"}
    process = subprocess.Popen([KEYPLATE, "open", serve.at, "--user", "admin", "--password-file",
                                box.secret()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=env)
    link = process.stdout.readline().decode().split()[1]
    assert curl(link, user=None).stdout == b"hello"
    process.send_signal(signal.SIGINT)
    assert b"open the link yourself" in process.communicate(timeout=5)[1]


def test_three_tries_at_a_terminal(box):
    serve = box.serve(box.upstream(talk_http()))
    terminal = Terminal(["open", serve.at, "--user", "admin", "--no-browser", "--no-save"])
    terminal.expect("Password of admin")
    terminal.type("wrong-pass\n")
    terminal.expect(PROOF)
    terminal.expect("Password of admin")
    terminal.type(PASSWORD + "\n")
    terminal.expect("open http://127.0.0.1:")
    terminal.expect("until Ctrl-C")
    terminal.type("\x03")
    assert terminal.wait() == 0
