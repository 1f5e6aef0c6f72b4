"""Goal: the Debian packages are the same bytes whoever builds them and wherever, lintian finds nothing,
and on a Debian machine they do what they say: installed, used, upgraded, removed and purged.

They are built once for all tests.  What is installed is installed into a layer over this machine's file
system that is thrown away; that needs root and is skipped without, with the reason."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import threading
import time

import pytest

from gateways import PASSWORD, ROOT, until
from lighttpd_site import BUILD
from support.needs import need
from support.throwaway import Throwaway

NAMES = ["keyplate", "keyplate-app", "keyplate-browser", "keyplate-lighttpd", "libkeyplate-dev", "libkeyplate0"]
WITH_SYMBOLS = ["keyplate", "keyplate-app", "keyplate-lighttpd", "libkeyplate0"]
CREDENTIALS = "/var/lib/keyplate/credentials"
HOST = "org.keyplate.agent.json"
MANIFESTS = {"Chromium": f"/etc/chromium/native-messaging-hosts/{HOST}",
             "Firefox": f"/usr/lib/mozilla/native-messaging-hosts/{HOST}"}
EXTENSIONS = {
    "chromium": "/usr/share/chromium/extensions/keyplate",
    "firefox": "/usr/share/mozilla/extensions/{ec8030f7-c20a-464f-9b0e-13a3a9e97384}/keyplate@keyplate.org"}
IDS = dict(line.split(" = ", 1) for line in (ROOT / "browser/ids").read_text().splitlines()
           if " = " in line)


# ---- Building --------------------------------------------------------------------------------

def copy_sources(to):
    """As they are now: somebody may be at work on them."""
    shutil.copytree(ROOT, to, ignore=lambda folder, names: [
        name for name in names if name in (".git", "__pycache__") or
        (folder == str(ROOT) and name.startswith("build"))])
    return to


def build_command(top, out, *args):
    return [top / "scripts" / "build_packages", "--out", out, *args]


class Built:
    """The packages that one build made, by their names."""

    def __init__(self, top, out, args=(), umask=0o022, **env):
        self.out = out
        self.command = build_command(top, out, *args)
        self.umask, self.env = umask, {**os.environ, **env}

    def build(self):
        done = subprocess.run(self.command, capture_output=True, text=True, check=False, timeout=1800,
                              umask=self.umask, env=self.env)
        self.said = done.stdout + done.stderr
        self.status = done.returncode

    def files(self):
        return {path.name.split("_")[0]: path for path in sorted(self.out.glob("*.deb"))}

    def digests(self):
        return {name: hashlib.sha256(path.read_bytes()).hexdigest()
                for name, path in self.files().items()}

    def of(self, name, field):
        return subprocess.run(["dpkg-deb", "-f", self.files()[name], field], capture_output=True,
                              text=True, check=True).stdout.strip()


def loaded_source():
    """The source of lighttpd, if another test has loaded it: it need not be loaded twice."""
    source, version = BUILD / "lighttpd" / "source", BUILD / "lighttpd" / "version"
    here = subprocess.run(["dpkg-query", "-W", "-f=${source:Version}", "lighttpd"], capture_output=True,
                          text=True, check=False).stdout
    if version.exists() and version.read_text().strip() == here:
        return ["--lighttpd-source", source]
    return []


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Built twice at once, with all that differs between two people who build."""
    need("dpkg-buildpackage", "dh", "lighttpd")
    folder = tmp_path_factory.mktemp("packages")
    (folder / "another home").mkdir()
    sources = copy_sources(folder / "sources")
    builds = [
        Built(sources, folder / "share", args=loaded_source()),
        Built(sources, folder / "elsewhere" / "deeper", umask=0o077, TZ="Pacific/Kiritimati",
              LC_ALL="C", LANGUAGE="de", HOME=str(folder / "another home"), USER="somebody",
              LOGNAME="somebody", CFLAGS="-O0")]
    (folder / "elsewhere").mkdir()
    threads = [threading.Thread(target=one.build) for one in builds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in builds:
        assert one.status == 0, one.said
    return builds


@pytest.fixture(scope="module")
def built(both):
    return both[0]


def test_the_same_sources_give_the_same_bytes(both):
    first, second = both
    assert sorted(first.files()) == sorted(NAMES + [f"{name}-dbgsym" for name in WITH_SYMBOLS])
    assert first.digests() == second.digests()


def test_lintian_finds_nothing(built):
    need("lintian")
    changes = next(built.out.glob("*.changes"))
    root = ["--allow-root"] if os.geteuid() == 0 else []
    done = subprocess.run(["lintian", *root, "--fail-on", "error,warning,info", "--display-info",
                           "--pedantic", "--tag-display-limit", "0", changes],
                          capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0 and not done.stdout.strip(), done.stdout + done.stderr


def test_they_ask_for_what_they_need(built):
    lighttpd = built.of("keyplate-lighttpd", "Depends")
    low = re.search(r"lighttpd \(>= 1\.4\.(\d+)\)", lighttpd).group(1)
    assert f"lighttpd (<< 1.4.{int(low) + 1}~)" in lighttpd
    assert built.of("keyplate-browser", "Architecture") == "all"
    version = built.of("libkeyplate0", "Version")
    assert f"libkeyplate0 (= {version})" in built.of("libkeyplate-dev", "Depends")
    needed = built.of("keyplate", "Depends")
    for loaded_when_used in ("libavahi", "libsecret", "libcairo", "libqrencode"):
        assert loaded_when_used not in needed


def test_two_versions_are_refused(tmp_path):
    need("dpkg-buildpackage")
    sources = copy_sources(tmp_path / "sources")
    changelog = sources / "debian" / "changelog"
    changelog.write_text(re.sub(r"\(.*?\)", "(99.0)", changelog.read_text(), count=1))
    done = subprocess.run(build_command(sources, tmp_path / "out"), capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 1 and "is of version 99.0, and meson.build of" in done.stderr
    assert not (tmp_path / "out").exists()


# ---- Installed -------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def machine(built, tmp_path_factory):
    """This machine with all packages installed, as apt does it."""
    try:
        made = Throwaway(tmp_path_factory.mktemp("throwaway"), built.out)
    except OSError as error:
        pytest.skip(str(error))
    (built.out / "password").write_text(PASSWORD + "\n")
    (built.out / "password").chmod(0o644)
    made.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
    made.run("chmod", "755", "/usr/sbin/policy-rc.d")
    made.run("apt-get", "install", "-y", "-q", "--no-install-recommends",
             *(f"/tmp/share/{path.name}" for name, path in built.files().items() if name in NAMES))
    yield made
    made.stop()


def asked(machine, command, seconds=60):
    """What a command prints, once it ends with 0."""
    def once():
        done = machine.tried(*command)
        return [done.stdout] if done.returncode == 0 else None
    return until(once, seconds, f"{command} never succeeds")[0]


def new_user(machine, owner, file, name="admin"):
    machine.run("runuser", "-u", owner, "--", "keyplate", "passwd", "add", "--user", name, "--group",
                "2048", "--credentials", file, "--password-file", "/tmp/share/password")


def fetch(port, *more):
    return ["curl", "-sfk", "--tls-max", "1.2", "--tlsuser", "admin", "--tlspassword", PASSWORD, *more,
            f"https://127.0.0.1:{port}/"]


def owner_and_mode(machine, path):
    return machine.run("stat", "-c", "%U:%G %a", path).strip()


def test_nothing_runs_yet(machine):
    assert machine.run("getent", "passwd", "keyplate").split(":")[5] == "/var/lib/keyplate"
    assert owner_and_mode(machine, "/var/lib/keyplate") == "keyplate:keyplate 700"
    assert owner_and_mode(machine, "/var/lib/keyplate-lighttpd") == "www-data:www-data 700"
    assert machine.tried("systemctl", "is-enabled", "keyplate").stdout.strip() == "disabled"
    assert not machine.has("/etc/lighttpd/conf-enabled/10-keyplate.conf")
    done = machine.tried("keyplate", "serve", "--check", "--config", "/etc/keyplate/keyplate.conf")
    assert done.returncode == 2 and "--listen" in done.stderr, done.stderr
    assert not machine.run("dpkg", "--audit")


def test_the_units_are_right(machine):
    units = machine.run("sh", "-c", "dpkg -L keyplate | grep 'systemd/system/.*service$'").split()
    assert any(unit.endswith("/keyplate.service") for unit in units)
    done = machine.tried("systemd-analyze", "verify", *units)
    assert done.returncode == 0 and "keyplate" not in done.stderr, done.stderr


def test_serve_as_the_page_says(machine, built):
    """README.Debian, step by step; who starts serve is the one thing that isn't systemd here."""
    new_user(machine, "keyplate", CREDENTIALS)
    assert owner_and_mode(machine, CREDENTIALS) == "keyplate:keyplate 600"
    config = machine.run("cat", "/etc/keyplate/keyplate.conf")
    config = (config.replace("#listen = 0.0.0.0:443", "listen = 127.0.0.1:4433")
              .replace("#upstream = 127.0.0.1:80", "upstream = 127.0.0.1:8080")
              .replace("log-to = syslog", "log-to = stderr"))
    machine.write("/etc/keyplate/keyplate.conf", config)
    machine.run("mkdir", "/tmp/www")
    machine.write("/tmp/www/index.html", "the device's page\n")
    upstream = machine.start("python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", "/tmp/www",
                             "8080", log=built.out / "upstream.log")
    machine.run("runuser", "-u", "keyplate", "--", "keyplate", "serve", "--check", "--config",
                "/etc/keyplate/keyplate.conf")
    serve = machine.start("runuser", "-u", "keyplate", "--", "keyplate", "serve", "--config",
                          "/etc/keyplate/keyplate.conf", log=built.out / "serve.log")
    assert asked(machine, fetch(4433)) == "the device's page\n"
    answer = machine.run("keyplate", "connect", "127.0.0.1:4433", "--user", "admin", "--password-file",
                         "/tmp/share/password", input="GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.endswith("the device's page\n")
    assert machine.tried(*fetch(4433, "--tlspassword", "wrong-password-1")).returncode != 0
    serve.stop()
    upstream.stop()


def test_a_program_with_the_library(machine, built):
    """As a stranger builds it: from the example's sources and what pkg-config says."""
    shutil.copytree(ROOT / "integrations" / "own-server", built.out / "own-server", dirs_exist_ok=True)
    machine.run("sh", "-ec", "cp -r /tmp/share/own-server /tmp/own && cd /tmp/own && "
                "cc -Wall -O2 -o server server.c connection.c http.c $(pkg-config --cflags --libs keyplate) && "
                "cc -O2 -o server-alone server.c connection.c http.c $(pkg-config --cflags keyplate) "
                "$(pkg-config --static --libs keyplate | sed s/-lkeyplate/-l:libkeyplate.a/)")
    assert "libkeyplate.so.0 => /lib/" in machine.run("ldd", "/tmp/own/server").replace("/usr/lib/", "/lib/")
    assert "libkeyplate" not in machine.run("ldd", "/tmp/own/server-alone")
    new_user(machine, "root", "/tmp/own/credentials")
    server = machine.start("/tmp/own/server", "4434", "/tmp/own/credentials", log=built.out / "own.log")
    assert "admin" in asked(machine, fetch(4434))
    server.stop()


def test_lighttpd_with_the_module(machine, built):
    """keyplate-lighttpd's README.Debian, step by step."""
    new_user(machine, "www-data", "/var/lib/keyplate-lighttpd/credentials")
    machine.run("lighty-enable-mod", "keyplate")
    path = "/etc/lighttpd/lighttpd.conf"
    config = machine.run("cat", path).replace(
        'include_shell "/usr/share/lighttpd/use-ipv6.pl " + server.port', 'server.bind = "127.0.0.1"')
    machine.write(path, config)
    machine.write("/var/www/html/index.html", "lighttpd's page\n")
    machine.run("lighttpd", "-tt", "-f", path)
    machine.run("install", "-d", "-o", "www-data", "/run/lighttpd")
    server = machine.start("lighttpd", "-D", "-f", path, log=built.out / "lighttpd.log")
    assert asked(machine, fetch(443)) == "lighttpd's page\n"
    assert machine.tried(*fetch(443, "--tlspassword", "wrong-password-1")).returncode != 0
    assert owner_and_mode(machine, "/var/lib/keyplate-lighttpd/credentials.throttle").startswith("www-data:")
    server.stop()


# ---- Browsers --------------------------------------------------------------------------------

def note_of_firefox(machine):
    """What Firefox has noted of the extension; None: no note of any, {}: none of this one."""
    done = machine.tried("cat", "/root/firefox/extensions.json")
    if done.returncode != 0 or not done.stdout.strip():
        return None
    mine = [one for one in json.loads(done.stdout)["addons"] if one["id"] == IDS["firefox_id"]]
    return mine[0] if mine else {}


def start_firefox(machine, built, condition, what):
    """Started with the profile until its note is so; the note."""
    machine.run("mkdir", "-p", "/root/firefox")
    firefox = machine.start("firefox-esr", "--headless", "--profile", "/root/firefox", "about:blank",
                            log=built.out / "firefox.log")
    try:
        until(lambda: condition(note_of_firefox(machine)), 120, what)
        return note_of_firefox(machine)
    finally:
        firefox.stop()


class Chromium:
    def __init__(self, machine, built):
        self.machine = machine
        self.process = machine.start(
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir=/root/chromium",
            "--remote-debugging-port=9222", "about:blank", log=built.out / "chromium.log")
        asked(machine, ["curl", "-sf", "http://127.0.0.1:9222/json/version"])

    def targets(self):
        found = self.machine.run("curl", "-sf", "http://127.0.0.1:9222/json/list")
        return {(one["type"], one["url"]) for one in json.loads(found)}

    def open(self, url):
        return self.machine.run("curl", "-sf", "-X", "PUT", f"http://127.0.0.1:9222/json/new?{url}")

    def stop(self):
        self.process.stop()


ORIGIN = f"chrome-extension://{IDS['chromium_id']}"


def agents(machine):
    return machine.tried("pgrep", "-x", "keyplate-agent").stdout.split()


def test_chromium_has_the_extension_and_starts_the_agent(machine, built):
    need("chromium")
    chromium = Chromium(machine, built)
    try:
        until(lambda: ("service_worker", f"{ORIGIN}/background/main.js") in chromium.targets(), 60,
              "the extension's service worker doesn't run")
        assert not agents(machine)
        chromium.open(f"{ORIGIN}/popup/popup.html")
        until(lambda: agents(machine), 60, "the agent wasn't started")
    finally:
        chromium.stop()


def test_firefox_has_the_extension(machine, built):
    need("firefox-esr")
    found = start_firefox(machine, built, lambda note: note and note["active"],
                          "Firefox hasn't the extension, or has it switched off")
    assert not found["userDisabled"]
    assert found["version"] == built.of("keyplate-browser", "Version")
    assert found["path"] == EXTENSIONS["firefox"]


def test_the_app_starts(machine):
    """As far as it goes without a screen: its libraries are there, and desktops can find it."""
    done = machine.tried("env", "-u", "DISPLAY", "-u", "WAYLAND_DISPLAY", "keyplate-app", "--version")
    assert done.returncode == 0 and "keyplate" in done.stdout, done.stdout + done.stderr
    machine.run("desktop-file-validate", "/usr/share/applications/org.keyplate.App.desktop")
    machine.run("appstreamcli", "validate", "--no-net", "/usr/share/metainfo/org.keyplate.App.metainfo.xml")


def test_keyplate_sees_both(machine):
    need("chromium", "firefox-esr")
    told = json.loads(machine.run("keyplate", "browser", "status", "--json"))
    found = {one["browser"]: one for one in told["browsers"]}
    for name, title in (("chromium", "Chromium"), ("firefox", "Firefox")):
        assert found[name]["right"] and found[name]["answers"] and not found[name]["problem"]
        assert found[name]["manifest"] == MANIFESTS[title] and found[name]["extension"]
    # What is packaged is, byte for byte, what would be written.
    said = machine.run("keyplate", "browser", "install", "--system")
    for title, path in MANIFESTS.items():
        assert f"{title}: is right already: {path}" in said
    machine.run("rm", "-r", "/etc/opt")  # what that wrote for browsers that no package is for


# ---- What becomes of it ----------------------------------------------------------------------

def digest(machine, path):
    return machine.run("sha256sum", path).split()[0]


def test_an_upgrade_keeps_what_was_made(machine, built):
    kept = [CREDENTIALS, "/etc/keyplate/keyplate.conf", "/var/lib/keyplate-lighttpd/credentials"]
    before = [digest(machine, path) for path in kept]
    newer = built.of("keyplate", "Version") + "+1"
    for name in ("keyplate", "keyplate-lighttpd"):
        deb = f"/tmp/share/{built.files()[name].name}"
        machine.run("sh", "-ec", f"dpkg-deb -R {deb} /tmp/{name}; sed -i 's/^Version: .*/Version: {newer}/' "
                    f"/tmp/{name}/DEBIAN/control; dpkg-deb --root-owner-group -Znone -b /tmp/{name} /tmp/{name}.deb")
    machine.run("apt-get", "install", "-y", "-q", "--no-install-recommends", "/tmp/keyplate.deb",
                "/tmp/keyplate-lighttpd.deb")
    assert machine.run("dpkg-query", "-W", "-f=${Version}", "keyplate") == newer
    assert [digest(machine, path) for path in kept] == before
    assert owner_and_mode(machine, CREDENTIALS) == "keyplate:keyplate 600"


def test_removed_it_leaves_the_credentials(machine, built):
    before = digest(machine, CREDENTIALS)
    machine.run("apt-get", "remove", "-y", "-q", *NAMES)
    for path in ("/usr/bin/keyplate", "/usr/bin/keyplate-agent", "/usr/bin/keyplate-app", *EXTENSIONS.values(),
                 "/usr/lib/lighttpd/mod_keyplate.so", "/usr/include/keyplate"):
        assert not machine.has(path), path
    assert digest(machine, CREDENTIALS) == before
    assert machine.has("/etc/keyplate/keyplate.conf")
    # Without the module there is no server: better than pages without a password.
    assert machine.tried("lighttpd", "-tt", "-f", "/etc/lighttpd/lighttpd.conf").returncode != 0


def test_removed_the_extension_is_gone_at_the_next_start(machine, built):
    """With the profiles that had it."""
    need("chromium", "firefox-esr")
    chromium = Chromium(machine, built)
    try:
        chromium.open(f"{ORIGIN}/popup/popup.html")
        time.sleep(2)
        assert not any(kind == "service_worker" and url.startswith(ORIGIN) for kind, url in chromium.targets())
        assert not agents(machine)
    finally:
        chromium.stop()
    start_firefox(machine, built, lambda note: note == {}, "Firefox still has the extension")


def test_purged_it_leaves_nothing(machine):
    machine.run("dpkg", "--purge", *NAMES)
    left = machine.run("find", "/etc", "/usr", "/var/lib", "-xdev", "-iname", "*keyplate*").split()
    assert not left, left
    assert machine.run("getent", "passwd", "keyplate")
    machine.run("lighttpd", "-tt", "-f", "/etc/lighttpd/lighttpd.conf")
