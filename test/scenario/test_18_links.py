"""Goal: the link of a label opens the device that it names, and never another."""
import re
import subprocess

import pytest

from devices import connect, device, saved, spoke, write
from gateways import KEYPLATE, PASSWORD, box, curl


def test_with_an_address(box):
    serve = device(box, "K7F3 9")
    done = connect(box, f"keyplate://K7F3%209@{serve.at}/?v=1&user=admin", user=None)
    assert done.returncode == 0 and done.stdout.endswith(b"hello"), done.stderr
    assert spoke(done) == "1.3 ietf"
    assert saved()["127-0-0-1"]["id"] == "K7F3\\x209"
    assert saved()["127-0-0-1"]["versions"] == "1.3"


def test_open_takes_it_too(box):
    serve = device(box, "K7F3")
    face = box.open(f"keyplate://K7F3@{serve.at}/?v=1&user=admin", "--verbose", user=None,
                    saves=True)
    assert curl(face.url, user=None).stdout == b"hello"
    assert face.url.endswith("/") and "TLSv1.3, SPAKE2+ (ietf)" in face.log()
    assert saved()["127-0-0-1"]["user"] == "admin"


def test_names_beyond_ascii(box):
    """A name typed in parts is the same name: NFC."""
    credentials = box.dir / "credentials"
    box.passwd("add", credentials, "J\u00fcrgen", PASSWORD, "--group", "2048",
               "--device-id", "Heizung S\u00fcd")
    serve = device(box, None, credentials=credentials)
    done = connect(box, f"keyplate://Heizung%20Su%CC%88d@{serve.at}/?v=1&user=J%C3%BCrgen",
                   user=None)
    assert spoke(done) == "1.3 ietf", done.stderr


def test_without_an_address(box):
    serve = device(box, "K7F3")
    done = connect(box, "keyplate://K7F3/?v=1", user="admin")
    text = done.stderr.decode()
    assert done.returncode == 1 and text.count("\n") == 1, text
    assert "names no address" in text and "can't look for it" in text
    assert connect(box, serve, "--device-id", "K7F3").returncode == 0
    done = connect(box, "keyplate://K7F3/?v=1", user=None)
    assert done.returncode == 0 and spoke(done) == "1.3 ietf", "its address is known now"


def test_another_device_fails_the_proof(box):
    """TLS 1.3 binds the id: the same name and password don't help."""
    serve = device(box, "the other")
    done = connect(box, f"keyplate://K7F3@{serve.at}/?v=1&user=admin", "--tls", "1.3", user=None)
    assert done.returncode == 3 and saved() == {}


@pytest.mark.parametrize("user, device_id", [
    ("admin", "K7F3"), ("J\u00fcrgen & co/#?", "Heizung S\u00fcd 100%+1@cellar=[x]"),
    ("\\'\"", "~!$'()*,;_-.")])
def test_the_link_that_passwd_says(box, user, device_id):
    """It is one that open takes, with nothing but an address to add while none is saved."""
    credentials = box.dir / "credentials"
    made = subprocess.run([KEYPLATE, "passwd", "add", "--credentials", credentials, "--user", user,
                           "--password-file", box.secret(), "--group", "2048", "--device-id",
                           device_id], capture_output=True, text=True, check=True)
    link = re.search(r"link for the label: (keyplate://[!-~]+)\n", made.stderr).group(1)
    serve = device(box, None, credentials=credentials)
    done = connect(box, link.replace("/?", f"@{serve.at}/?"), user=None)
    assert done.returncode == 0 and spoke(done) == "1.3 ietf", done.stderr
    face = box.open(link, "--verbose", user=None, saves=True)
    assert curl(face.url, user=None).stdout == b"hello"


@pytest.mark.parametrize("link", ["keyplate://{}@{}/?v=1", "keyplate://{}/?v=1"])
def test_a_label_is_no_id(box, link):
    """Ids go over the wire in the clear."""
    made = subprocess.run([KEYPLATE, "passwd", "add", "--credentials", box.dir / "c", "--user", "a",
                           "--generate"], capture_output=True, text=True, check=True)
    password = re.search(r"\b[a-z2-9]{5}(-[a-z2-9]{5}){2}\b", made.stdout).group(0)
    heard = box.upstream(lambda sock: sock.recv(1))
    done = connect(box, link.format(password, heard.at))
    assert done.returncode == 2 and b"looks like the label's password" in done.stderr
    assert password.encode() not in done.stderr and heard.seen == []


def test_the_password_in_the_fragment(box):
    heard = box.upstream(lambda sock: sock.recv(1))
    done = connect(box, f"keyplate://K7F3@{heard.at}/?v=1#p=hunter2")
    assert done.returncode == 2 and b"hunter2" not in done.stderr and heard.seen == []


def test_two_ids(box):
    heard = box.upstream(lambda sock: sock.recv(1))
    done = connect(box, f"keyplate://A@{heard.at}/?v=1", "--device-id", "B")
    assert done.returncode == 2 and b"and --device-id another" in done.stderr and heard.seen == []


def test_a_saved_address_of_another_id(box):
    heard = box.upstream(lambda sock: sock.recv(1))
    write(f"boiler {heard.at} A admin 1.3 1")
    done = connect(box, f"keyplate://B@{heard.at}/?v=1")
    text = done.stderr.decode()
    assert done.returncode == 1 and text.count("\n") == 1, text
    assert "nothing was sent" in text and "keyplate devices forget boiler" in text
    assert heard.seen == [] and list(saved()) == ["boiler"]
