"""What the tests of the client's memory share: devices with ids, what is saved, a false device."""
import os
import re
import subprocess

from gateways import KEYPLATE, PASSWORD, curl, talk_http

REQUEST = b"GET / HTTP/1.0\r\n\r\n"


def device(box, device_id, *args, upstream=None, credentials=None, **kwargs):
    """A serve whose credentials have this id."""
    if credentials is None:
        credentials = box.dir / f"credentials-{box.count()}"
        box.passwd("add", credentials, "admin", PASSWORD, "--group", "2048",
                   "--device-id", device_id)
    return box.serve(upstream or box.upstream(talk_http(b"hello")), *args,
                     credentials=credentials, **kwargs)


def replace(box, old, device_id, *args, **kwargs):
    """Another device takes the address."""
    old.stop()
    return device(box, device_id, *args, listen=(old.at,), **kwargs)


def connect(box, target, *args, user="admin", password=PASSWORD):
    return box.connect(target, REQUEST, *args, "--verbose", user=user, password=password,
                       saves=True)


def spoke(done):
    """The version and form that --verbose tells of: "1.2", "1.3 ietf"."""
    found = re.search(r"proved: TLSv(1\.\d)(?:, SPAKE2\+ \((\w+)\))?", done.stderr.decode())
    assert found, done.stderr.decode()
    return " ".join(part for part in found.groups() if part)


def file():
    return os.path.join(os.environ["XDG_STATE_HOME"], "keyplate", "devices")


def saved():
    """NAME: {"address", "id", "user", "versions", "seen"} of what is saved."""
    if not os.path.exists(file()):
        return {}
    lines = open(file(), encoding="utf-8").read().splitlines()
    assert lines[0] == "keyplate-devices 1" and lines[-1] == f"end {len(lines) - 2}"
    keys = ("address", "id", "user", "versions", "seen")
    return {fields[1]: dict(zip(keys, fields[2:]))
            for fields in (line.split(" ") for line in lines[1:-1])}


def write(*rows):
    """Saves rows: NAME ADDRESS ID USER VERSIONS SEEN."""
    os.makedirs(os.path.dirname(file()), mode=0o700, exist_ok=True)
    text = "".join(f"device {row}\n" for row in rows)
    with open(file(), "w", encoding="utf-8") as out:
        os.chmod(file(), 0o600)
        out.write(f"keyplate-devices 1\n{text}end {len(rows)}\n")


def devices(*args, **kwargs):
    return subprocess.run([KEYPLATE, "devices", *args], capture_output=True, text=True, check=False,
                          **kwargs)


def page(url):
    return curl(url, "-i", user=None).stdout
