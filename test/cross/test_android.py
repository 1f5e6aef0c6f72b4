"""Goal: the gateway that the Android app carries does the client's work on both of its machines, and the
app is what its manifest and doc/android.md say: built, aligned, signed, and with no reference in its code to
what isn't there.

The programs are run by qemu's user mode, against a `serve` of this machine; it passes system calls on and
knows no filter of them, so what Android forbids apps is compared with a list.  The app's own code runs on a
Java machine, with a stand-in for Android that proves nothing of Android (android/stand_in).
KEYPLATE_ANDROID: where it is built; build/android without it.
"""
import os
import pathlib
import re
import subprocess
import sys
import time
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "scenario"))
import gateways  # noqa: E402
from devices import device, replace  # noqa: E402
from gateways import PASSWORD, Plain, box, curl, pattern, talk_http, until  # noqa: E402,F401
from test_46_agent import Agent, enter, runtime  # noqa: E402,F401

ABIS = {"arm64-v8a": "qemu-aarch64", "armeabi-v7a": "qemu-arm"}
WRONG = "not-" + PASSWORD
OUT = pathlib.Path(os.environ.get("KEYPLATE_ANDROID", ROOT / "build" / "android")).resolve()


def run(*command, **kwargs):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, **kwargs)
    assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}{done.stderr[-6000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built():
    run(ROOT / "android" / "build", OUT, cwd=ROOT)
    return OUT


@pytest.fixture(scope="module", params=list(ABIS))
def abi(request):
    return request.param


def program(built, abi):
    return built / "apk" / "lib" / abi / "libkeyplate-gateway.so"


@pytest.fixture
def there(built, abi, tmp_path):
    """Its gateway as a program that can be started like one of ours."""
    path = tmp_path / "keyplate-there"
    path.write_text(f"#!/bin/sh\nexec {ABIS[abi]} '{program(built, abi)}' \"$@\"\n")
    path.chmod(0o755)
    return str(path)


def device_id(serve):
    listed = run(gateways.KEYPLATE, "passwd", "list", "--credentials", serve.credentials)
    return re.match(r"device id: (\S+)", listed)[1]


# ---- The gateway ------------------------------------------------------------------------------

@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_connect(there, box, monkeypatch, tls):
    """Goal: a megabyte comes whole in both versions, and a wrong password is told by status 3."""
    data = os.urandom(1_000_000)

    def talk(sock):
        sock.recv(1)
        sock.sendall(data)
    serve = box.serve_bytes(box.upstream(talk), "--tls", tls)
    known = ("--device-id", device_id(serve))
    monkeypatch.setattr(gateways, "KEYPLATE", there)
    done = box.connect(serve, b"x", "--verbose", *known)
    assert done.returncode == 0 and done.stdout == data, done.stderr
    assert f"TLSv{tls}" in done.stderr.decode()
    wrong = box.connect(serve, b"x", *known, password=WRONG)
    assert (wrong.returncode, wrong.stdout) == (3, b""), wrong.stderr


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_open(there, box, monkeypatch, tls):
    """Goal: pages come through open's own face, the second time by a ticket."""
    serve = box.serve(box.upstream(talk_http(pattern(100_000))), "--tls", tls, "--log", "json")
    known = ("--device-id", device_id(serve))
    monkeypatch.setattr(gateways, "KEYPLATE", there)
    face = box.open(serve, *known)
    for _ in range(3):
        assert curl(face.url, user=None).stdout == pattern(100_000)
    until(lambda: '"resumed":true' in serve.log(), what=serve.log())


@pytest.fixture
def phone(there, tmp_path, monkeypatch):
    """Its agent, started as the app starts it, in folders as the app makes them."""
    files = tmp_path / "files"
    for name in ("state", "run"):
        (files / name).mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(files))
    monkeypatch.setenv("XDG_STATE_HOME", str(files / "state"))
    return (there, "agent")


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_agent(phone, box, tls):
    """Goal: what the app says to it, from hello to logout, and the page in between."""
    serve = device(box, "K7F3", "--tls", tls)
    agent = Agent(box, args=phone, hello=False)
    assert agent.ask("hello", protocol=1, client="app", lasting=False, language="de")["ok"]
    target = f"keyplate://K7F3@{serve.at}/?v=1&user=admin"
    refused = agent.ask("login", device=target, password=WRONG)
    assert (refused["error"], refused["status"]) == ("refused", 3), refused
    assert re.search("Passwort", refused["text"]), refused
    done = agent.ask("login", device=target, password=PASSWORD)
    assert done["ok"] and done["device"]["protocol"] == f"TLSv{tls}", done
    origin = done["device"]["origin"]
    cookie, path = enter(done["link"])
    assert curl(origin + path, "-H", f"Cookie: {cookie}", user=None).stdout == b"hello"
    assert agent.ask("logout", name=done["device"]["name"])["ok"]
    assert agent.next_event("state")["device"]["state"]
    after = curl(origin + "/", "-H", f"Cookie: {cookie}", user=None).stdout
    assert b"hello" not in after
    assert agent.end() == 0


def test_the_secret_alone_decides(phone, box):
    """Goal: whose a connection is isn't known there; without the secret nothing of the device is answered,
    by whichever program of this machine, and the link serves once."""
    serve = device(box, "K7F3")
    agent = Agent(box, args=phone)
    done = agent.login(serve.at)
    origin = done["device"]["origin"]
    for fields in ((), ("-H", "Cookie: __Host-keyplate=" + "0" * 64), ("-H", "X-Keyplate-Secret: x")):
        answer = curl(origin + "/", "-i", *fields, user=None).stdout
        assert answer.startswith(b"HTTP/1.1 403") and b"hello" not in answer, answer
    cookie, path = enter(done["link"])
    again = curl(done["link"], "-i", user=None).stdout
    assert b"Set-Cookie: __Host-keyplate" not in again and b"hello" not in again
    assert curl(origin + path, "-H", f"Cookie: {cookie}", user=None).stdout == b"hello"
    assert agent.end() == 0


# ---- What Android lets an app's programs call -------------------------------------------------

# What the agent calls in a login, a page and a logout, by musl of Debian 12: all of it is in the list of
# system calls that Android's C library makes, from Android 8 on, which are those that apps may.
CALLED = set("""accept4 bind brk clock_getres clock_gettime clone close connect epoll_create1 epoll_ctl
    epoll_pwait eventfd2 exit exit_group fchmod fchmodat fcntl flock fstat fsync futex getdents64 getegid geteuid
    getgid getpeername getpid getrandom getsockname getsockopt getuid ioctl listen madvise mkdirat mmap mprotect
    mremap munmap newfstatat openat pipe2 ppoll prctl prlimit64 read readlinkat readv recvfrom recvmsg renameat
    rt_sigaction rt_sigprocmask rt_sigreturn sched_yield sendmsg sendto set_tid_address setsockopt shutdown
    sigaltstack socket unlinkat write writev""".split())
# On 32-bit ARM also these, older ones that apps there may call.
CALLED_ARM = set("""_llseek fcntl64 getegid32 geteuid32 getgid32 getuid32 mkdir mmap2 open poll readlink rename
    unlink""".split())
# And these, which older releases of Android, or all, stop: platform_android.c takes that up.
STOPPED_ARM = {"chmod", "clock_gettime64", "statx"}


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_system_calls(built, abi, box, tmp_path, tls):
    """Goal: it calls nothing that Android stops, but for what is taken up."""
    log, there = tmp_path / "calls", tmp_path / "keyplate-watched"
    there.write_text(f"#!/bin/sh\nexec {ABIS[abi]} -strace -D {log} '{program(built, abi)}' \"$@\"\n")
    there.chmod(0o755)
    serve = device(box, "K7F3", "--tls", tls)
    agent = Agent(box, args=(str(there), "agent"))
    done = agent.ask("login", device=f"keyplate://K7F3@{serve.at}/?v=1&user=admin", password=PASSWORD)
    assert page_of(done["link"]) == b"hello"
    assert agent.ask("logout", name=done["device"]["name"])["ok"] and agent.end() == 0
    called = set(re.findall(r"(?m)^\d+ (\w+)\(", log.read_text(errors="replace")))
    allowed = CALLED if abi == "arm64-v8a" else CALLED | CALLED_ARM | STOPPED_ARM
    assert len(called) > 30 and called <= allowed, called - allowed


def page_of(link):
    cookie, path = enter(link)
    return curl("/".join(link.split("/")[:3]) + path, "-H", f"Cookie: {cookie}", user=None).stdout


FILTERED = r"""
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "platform.h"
unsigned kp_platform_person(void) { return 0; }
int main(int argc, char **argv)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_statx, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_chmod, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof rules / sizeof rules[0], rules};
    struct stat st;
    int status;
    pid_t child;
    assert(argc == 2 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
    assert(syscall(SYS_statx, -1, "", 0, 0, NULL) == -1 && errno == ENOSYS);
    errno = 7;
    assert(syscall(SYS_chmod, argv[1], 0640) == 0 && errno == 7);
    assert(stat(argv[1], &st) == 0 && (st.st_mode & 07777) == 0640);
    assert(syscall(SYS_chmod, "/no/where", 0640) == -1 && errno == ENOENT);
    child = fork();
    if (child == 0) {
        kill(getpid(), SIGSYS);
        _exit(0);
    }
    assert(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    return 0;
}
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="its registers are not written down for this machine")
def test_stopped_calls_are_taken_up(tmp_path):
    """Goal: where a filter stops a call, the program gets an answer and goes on; a signal that somebody sends
    ends it as ever.  On this machine, as the emulator has no filters: on ARM the names of registers differ."""
    source, made, file = tmp_path / "filtered.c", tmp_path / "filtered", tmp_path / "file"
    source.write_text(FILTERED)
    file.touch(0o600)
    run("gcc", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/gateway", "-o", made, source,
        ROOT / "gateway" / "platform_android.c")
    run(made, file)


# ---- The package ------------------------------------------------------------------------------

def test_the_package(built):
    """Goal: it asks for the network alone, has one door, and nothing in it but what is needed; 16 KiB pages."""
    apk = built / "keyplate.apk"
    with zipfile.ZipFile(apk) as opened:
        names = {name for name in opened.namelist() if not name.startswith("res/")}
    assert names == {"AndroidManifest.xml", "classes.dex", "resources.arsc",
                     *(f"lib/{abi}/libkeyplate-gateway.so" for abi in ABIS)}
    badging = run("aapt2", "dump", "badging", apk)
    assert re.findall(r"uses-permission: name='([^']*)'", badging) == ["android.permission.INTERNET"]
    assert "sdkVersion:'26'" in badging and "targetSdkVersion:'29'" in badging
    assert "application-debuggable" not in badging and "testOnly" not in badging
    tree = run("aapt2", "dump", "xmltree", "--file", "AndroidManifest.xml", apk)
    for line in ("allowBackup(0x01010280)=false", "extractNativeLibs(0x010104ea)=true", "networkSecurityConfig("):
        assert line in tree, tree
    assert len(re.findall(r"E: (?:activity|activity-alias|service|receiver|provider) ", tree)) == 1
    assert re.findall(r'scheme\(0x01010027\)="(\w+)"', tree) == ["keyplate"]
    network = run("aapt2", "dump", "xmltree", "--file", "res/xml/network.xml", apk)
    assert re.findall(r"E: ([\w-]+).*?\n((?: *A: .*\n)*)", network)[1] == (
        "base-config", re.search(r" *A: cleartextTrafficPermitted=\S+\n", network)[0])
    assert re.findall(r"cleartextTrafficPermitted=(\w+)", network) == ["false", "true"]
    assert re.findall(r"T: '(.*)'", network) == ["localhost"]
    for abi in ABIS:
        told = run("readelf", "-lW", "-d", program(built, abi))
        assert "no dynamic section" in told or "NEEDED" not in told, told
        assert "INTERP" not in told and set(re.findall(r"LOAD .* (0x\w+)\n", told)) == {"0x4000"}, told
        assert "GNU_RELRO" in told and "DYN" in told and "TEXTREL" not in told
        assert re.search(r"GNU_STACK .* RW +0", told), told


def test_the_signature(built):
    """Goal: signed by schemes 2 and 3, aligned, and a byte that is changed is found."""
    apk, changed = built / "keyplate.apk", built / "changed.apk"
    said = run("apksigner", "verify", "--verbose", "--min-sdk-version", "26", apk)
    assert "v2 scheme (APK Signature Scheme v2): true" in said and "v3 scheme (APK Signature Scheme v3): true" in said
    run("zipalign", "-c", "-p", "4", apk)
    data = bytearray(apk.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    done = subprocess.run(["apksigner", "verify", "--min-sdk-version", "26", str(changed)], capture_output=True,
                          check=False)
    changed.unlink()
    assert done.returncode != 0


def test_faults_in_the_code_are_found(built, tmp_path):
    """Goal: what check_code.py is for it finds: a method that isn't there, a name that is in no resource, a
    method of Android's that nobody has written down."""
    faults = {"Lorg/keyplate/app/Wipe;->shared()V": "Lorg/keyplate/app/Wipe;->shred()V",
              '"gateway_gone"': '"gateway_left"', "->goBack()V": "->goForward()V"}
    for old, new in faults.items():
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        run("cp", "-r", ROOT / "android", folder)
        path = folder / "app" / "smali" / "org" / "keyplate" / "app" / "MainActivity.smali"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        dex = folder / "classes.dex"
        run("smali", "assemble", "--api", "26", "-o", dex, folder / "app" / "smali")
        done = subprocess.run([sys.executable, "-B", str(folder / "check_code.py"), str(dex), str(folder)],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 1 and new.strip('"').split("->")[-1].split("(")[0] in done.stdout, done.stdout


# ---- The app's own code, on a Java machine ----------------------------------------------------

@pytest.fixture(scope="module")
def stand_in(built, tmp_path_factory):
    if not (pathlib.Path("/usr/bin/enjarify").exists() and pathlib.Path("/usr/share/java/com.android.json.jar").exists()):
        pytest.skip("enjarify and libandroid-json-java aren't installed")
    folder = tmp_path_factory.mktemp("stand_in")
    run("/usr/bin/python3", "-B", ROOT / "android" / "stand_in" / "build", built / "apk" / "classes.dex", folder)
    return folder


class App:
    def __init__(self, box, stand_in, link=None, values="values"):
        self.files, lib = box.dir / f"files{box.count()}", box.dir / f"lib{box.count()}"
        self.files.mkdir()
        lib.mkdir()
        (lib / "libkeyplate-gateway.so").symlink_to(gateways.KEYPLATE)
        classpath, classes = ((stand_in / name).read_text() for name in ("classpath", "classes"))
        self.err = open(box.dir / f"app-err{box.count()}", "w+b")  # noqa: SIM115
        self.process = subprocess.Popen(
            ["java", "-Xverify:all", "-Xint", "-cp", classpath, f"-Dclasses={classes}", f"-Dfiles={self.files}",
             f"-Dlib={lib}", f"-Dres={ROOT}/android/app/res", f"-Dvalues={values}", "-Dfile.encoding=UTF-8",
             "-Dstdout.encoding=UTF-8", "-Dsun.stdout.encoding=UTF-8",
             "stand_in.Main", *([link] if link else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.err, bufsize=0)
        box.programs.append(Plain(self.process))
        self.lines = []
        self.wait("seen ")

    def wait(self, start, seconds=20):
        """The next line that begins so; those before it stay in lines."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            line = self.process.stdout.readline().decode().rstrip("\n")
            self.err.seek(0)
            assert line, self.err.read().decode() + "\n".join(self.lines[-20:])
            self.lines.append(line)
            if line.startswith(start):
                return line
        raise AssertionError(self.lines[-20:])

    def act(self, *words):
        mark = len(self.lines)
        self.process.stdin.write(("\t".join(words) + "\n").encode())
        self.wait("done")
        return [line for line in self.lines[mark:-1] if not line.startswith("seen ")]

    def log_in(self, target=None, user=None, password=PASSWORD):
        for field, text in (("device", target), ("user", user), ("password", password)):
            if text is not None:
                self.act("fill", field, text)
        self.act("press")

    def end(self):
        said = self.act("end")
        self.process.stdin.close()
        assert self.process.wait(10) == 0
        return said


def gateway_of(app):
    """The process that it started."""
    listed = run("ps", "--ppid", str(app.process.pid), "-o", "pid=,args=")
    assert listed.rstrip().endswith("libkeyplate-gateway.so agent"), listed
    return int(listed.split()[0])


def test_app_from_link_to_logout(box, stand_in):
    """Goal: a label's link fills in the box, password apart; the page is opened by the one-time link, the bar
    says who is proved; logging out leaves nothing."""
    serve = device(box, "K7F3")
    app = App(box, stand_in, f"keyplate://K7F3@{serve.at}/?v=1&user=admin#p={PASSWORD}")
    # 8192: not in screenshots.  Of the password only how long it is.
    assert app.lines[-1].endswith(f"| box 8192 keyplate://K7F3@{serve.at}/?v=1&user=admin  {len(PASSWORD)} ")
    app.act("press")
    link = app.wait("load http://").split()[1]
    assert page_of(link) == b"hello"
    name = re.match(r"http://([\w-]+)\.localhost", link)[1]
    app.wait(f"seen page | {name} | {serve.at}, proved | drawable/proved")
    settings = app.act("settings")[0]
    assert settings == ("settings {content=false, files=false, forms=false, mixed=1, opens=false, place=false, "
                        "reports=false, scripts=true, storage=true, windows=false}")
    app.act("menu", "3")
    assert re.search(rf"asks {name}: {serve.at} admin K7F3 TLSv1.3 TLS_AES_\w+ ", app.wait("seen page"))
    assert app.act("menu", "1") == ["load about:blank", "cache gone true", "page gone", "cookies gone", "storage gone"]
    assert re.match(r"seen start \| Keyplate \| null \|  \|", app.wait("seen start"))
    until(lambda: b"hello" not in curl(link, user=None).stdout)
    app.end()
    assert (app.files / "state" / "keyplate").is_dir() and (app.files / "run").stat().st_mode & 0o777 == 0o700


def test_app_wrong_password(box, stand_in):
    """Goal: red, the gateway's sentence in the person's language, and no way but back to the start; one guess."""
    serve = device(box, "K7F3", "--log", "json")
    app = App(box, stand_in, values="values-de")
    app.log_in(serve.at, "admin", WRONG)
    seen = app.wait("seen wrong")
    assert re.search("Passwort", seen) and "page" not in seen.split(" | ", 1)[0], seen
    assert serve.log().count('"refused"') <= 1
    app.act("button", "wrong")
    assert "| box 8192 " in app.wait("seen start")
    app.log_in(serve.at, "admin")
    app.wait("load http://")
    app.end()


def test_app_mistyped(box, stand_in):
    """Goal: a label's password with a typing error costs no guess, unless it is meant."""
    serve = device(box, "K7F3")
    app = App(box, stand_in)
    typed = "3xczi-55vcr-xizxv"
    app.log_in(serve.at, "admin", typed)
    while f"| box 8192 {serve.at} admin 0 " not in app.lines[-1]:
        assert "wrong" not in app.wait("seen ").split(" | ")[0], app.lines[-1]
    assert "typing error" in app.lines[-1], app.lines[-1]
    app.log_in(password=typed)
    app.wait("seen wrong")
    app.end()


def test_app_another_device(box, stand_in):
    """Goal: another device at the address of the one that is logged in to: red, and its page is gone."""
    serve = device(box, "K7F3", "--tls", "1.3")
    app = App(box, stand_in, f"keyplate://K7F3@{serve.at}/?v=1&user=admin")
    app.log_in()
    link = app.wait("load http://").split()[1]
    cookie, path = enter(link)
    origin = "/".join(link.split("/")[:3])
    assert curl(origin + path, "-H", f"Cookie: {cookie}", user=None).stdout == b"hello"
    replace(box, serve, "X9X9", "--tls", "1.3")
    for _ in range(5):
        curl(origin + "/", "-H", f"Cookie: {cookie}", user=None)
    seen = app.wait("seen wrong")
    assert "| Keyplate | null |" in seen and "logged out" in seen, seen
    assert "page gone" in app.lines and "cookies gone" in app.lines
    app.end()


def test_app_its_gateway_ends(box, stand_in):
    """Goal: without its gateway nothing is shown; a new one is started at the next login."""
    serve = device(box, "K7F3")
    app = App(box, stand_in)
    app.log_in(serve.at, "admin")
    app.wait("load http://")
    os.kill(gateway_of(app), 9)
    assert "has stopped" in app.wait("seen wrong") and "page gone" in app.lines
    app.act("button", "wrong")
    app.log_in(serve.at, "admin")
    app.wait("load http://")
    pid = gateway_of(app)
    app.end()
    until(lambda: not os.path.exists(f"/proc/{pid}"))


def test_app_idle(box, stand_in):
    """Goal: after 15 minutes of nothing it logs out, also of sleep; not after 14."""
    serve = device(box, "K7F3")
    app = App(box, stand_in)
    app.log_in(serve.at, "admin")
    link = app.wait("load http://").split()[1]
    assert "page gone" not in app.act("sleep", str(14 * 60 * 1000))
    assert "page gone" in app.act("sleep", str(15 * 60 * 1000))
    assert "15 minutes" in app.wait("seen start")
    until(lambda: b"hello" not in curl(link, user=None).stdout)
    app.end()


def test_app_what_a_page_may_load(box, stand_in):
    """Goal: the device's own origin alone; a link elsewhere is asked about, if a person touched it."""
    serve = device(box, "K7F3")
    app = App(box, stand_in)
    app.log_in(serve.at, "admin")
    origin = "/".join(app.wait("load http://").split()[1].split("/")[:3])
    for own in (origin, origin + "/", origin + "/x?y#z", origin + "?x"):
        assert app.act("load", own) == ["answer its own"] and "follows itself: true" in app.act("follow", "mg", own)
    for inside in ("data:text/html,x", "blob:" + origin + "/1", "about:blank"):
        assert app.act("load", inside) == ["answer its own"]
    away = ("https://example.com/", origin + "1/", origin.replace(".localhost", ".localhost.example.com") + "/",
            origin.replace("http:", "https:") + "/", "http://x@example.com/", "file:///etc/passwd", "content://x/y",
            "javascript:1")
    for link in away:
        assert app.act("load", link) == ["answer 403"], link
        # By itself, in a frame, and as a person's act: never in this window.
        for how in ("m", "g", "-"):
            said = app.act("follow", how, link)
            assert "follows itself: false" in said and not any("asks" in line for line in said), (link, said)
    app.act("follow", "mg", "https://example.com/a")
    assert "asks " in app.wait("seen page") and "https://example.com/a" in app.lines[-1]
    assert "outside https://example.com/a" in app.act("press")
    for scheme in ("intent:x", "keyplate://K7F3/?v=1", "file:///x", "tel:1"):
        app.act("follow", "mg", scheme)
        assert app.act("settings") and "asks" not in app.lines[-1]
    assert app.act("file") == ["files null"] and app.act("download")[0].startswith("toast ")
    app.end()


def test_app_back_and_links(box, stand_in):
    """Goal: back is the page's, then the app goes behind others; a link throws nobody out; a page that dies is
    logged out."""
    serve = device(box, "K7F3")
    app = App(box, stand_in)
    app.log_in(serve.at, "admin")
    app.wait("load http://")
    app.act("history", "yes")
    assert app.act("back") == ["went back"]
    app.act("history", "no")
    app.act("back")
    assert app.wait("seen page").endswith("| behind")
    assert app.act("link", "keyplate://EVIL@127.0.0.1:9/?v=1")[0].startswith("toast ")
    assert app.act("menu", "2") == ["reloaded"]
    assert "page gone" in app.act("crash")
    assert "The page has stopped" in app.wait("seen start")
    app.act("link", "keyplate://K7F3@127.0.0.1:9/?v=1&user=x")
    assert "box 8192 keyplate://K7F3@127.0.0.1:9/?v=1&user=x" in app.wait("seen start")
    app.end()
