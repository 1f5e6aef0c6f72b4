"""Goal: the completions offer what the program takes and run nothing but `devices list`; the start
scripts and recipes for OpenWrt, Buildroot and Yocto do what they say, as far as it can be tried here.

OpenWrt's and Buildroot's own makefiles aren't here: small stand-ins are, of the interfaces alone.
"""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from gateways import BUILD, KEYPLATE, ROOT

PACKAGING = ROOT / "packaging"
COMPLETIONS = PACKAGING / "completions"
WRT = PACKAGING / "openwrt" / "keyplate"
LIST = "NAME     ADDRESS    LAST SEEN  TLS\nprinter  192.0.2.1  today      1.3\nrouter   192.0.2.2  today      1.3\n"


def run(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False,
                          timeout=100, **more)


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


# ---- Completions --------------------------------------------------------------------------------

@pytest.fixture
def shell(tmp_path):
    """A folder with files, and a keyplate first in PATH that tells what it was asked."""
    (tmp_path / "list").write_text(LIST)
    script(tmp_path / "bin/keyplate", f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\n'
                                      f'[ "$*" = "devices list" ] && cat {tmp_path}/list\n')
    (tmp_path / "here").mkdir()
    (tmp_path / "here/creds file").touch()
    return tmp_path


def by_bash(folder, line):
    words = re.findall(r"=|[^\s=]+", line) + ([""] if line.endswith((" ", "=")) else [])
    return run("bash", "-c", 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _keyplate 2>/dev/null; '
               'printf "%s\\n" "${COMPREPLY[@]}"', "bash", COMPLETIONS / "keyplate.bash", *words,
               cwd=folder / "here", env={"PATH": f"{folder}/bin:{os.environ['PATH']}"}).stdout.split("\n")[:-1]


def by_fish(folder, line):
    done = run("fish", "-N", "-c", f"source {COMPLETIONS}/keyplate.fish; complete -C '{line}'",
               cwd=folder / "here", env={"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder)})
    return [word.split("=")[-1] if "=" in line else word for word in done.stdout.splitlines()]


def by_zsh(folder, line):
    """As somebody types it, in a terminal of its own."""
    program = (f"fpath=({COMPLETIONS} $fpath); autoload -Uz compinit; compinit -u -d {folder}/dump\n"
               "zstyle ':completion:*' list-grouped no\nzstyle ':completion:*' menu no\n"
               "compadd() { builtin compadd -A _got \"$@\"; print -rl -- $_got >>$TOLD; builtin compadd \"$@\" }\n"
               "PS1=READY; bindkey '^I' complete-word\n")
    (folder / ".zshrc").write_text(program)
    told = folder / "told"
    told.unlink(missing_ok=True)
    drive = ("zmodload zsh/zpty; zpty z zsh -i; zpty -r z line '*READY*'; zpty -w -n z \"$1\"$'\\t'; "
             "zpty -r -m z line '*'; sleep 1; zpty -d z")
    run("zsh", "-f", "-c", drive, "zsh", line, cwd=folder / "here",
        env={"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "ZDOTDIR": str(folder),
             "TOLD": str(told), "TERM": "dumb"})
    return told.read_text().split("\n")[:-1] if told.exists() else []


SHELLS = [("bash", by_bash), ("fish", by_fish), ("zsh", by_zsh)]


@pytest.mark.parametrize("name, ask", SHELLS, ids=[name for name, _ in SHELLS])
def test_a_shell_offers_what_fits(shell, name, ask):
    if not shutil.which(name):
        pytest.skip(f"{name} isn't here")
    for line, wanted in (("keyplate pass", {"passwd"}),
                         ("keyplate passwd re", {"remove", "reset"}),
                         ("keyplate serve --http ", {"on", "off"}),
                         ("keyplate serve --tran", {"--transition"}),
                         ("keyplate serve --transition=s", {"strict", "sniff", "same-port"}),
                         ("keyplate open pr", {"printer"}),
                         ("keyplate devices forget r", {"router"}),
                         ("keyplate passwd list --credentials cr", {"creds file"})):
        got = {word.replace("\\", "") for word in ask(shell, line) if word}
        assert got == wanted, (line, got)
    assert set((shell / "asked").read_text().split("\n")) == {"devices list", ""}
    assert not any(ask(shell, "keyplate serve --upstream "))


def test_they_say_what_the_help_says(tmp_path):
    done = run(ROOT / "scripts/check_completions", BUILD)
    assert done.returncode == 0, done.stdout + done.stderr
    for place in ("scripts", "packaging/completions"):
        shutil.copytree(ROOT / place, tmp_path / place, ignore=shutil.ignore_patterns("__pycache__", "cross"))
    for path in (tmp_path / "packaging/completions").iterdir():
        whole = path.read_text()
        for old, new, told in ((" workers=N", "", "--workers is missing"), ("http=on|off", "http=on|of", "serve: --http has"),
                               ("quiet verbose'", "quiet verbose loud'", "--loud is no option"),
                               ("'credentials=FILE factory", "'credentials=FILE force factory", "reset: --force is no")):
            path.write_text(whole.replace(old, new, 1))
            done = run(tmp_path / "scripts/check_completions", BUILD)
            assert done.returncode == 1 and f"{path.name}: " in done.stdout and told in done.stdout, (path, old)
        path.write_text(whole)


# ---- OpenWrt's scripts --------------------------------------------------------------------------

RC = r"""
# Stand-ins for rc.common, procd.sh and functions.sh: what is called is written down, a word a line.
CONFIG="@box@/config"
config_load() { :; }
config_get() {
    local found
    found=$(sed -n "s/^$2\.$3+*=//p" "$CONFIG" | tr '\n' ' ' | sed 's/ $//; s/<NEWLINE>/\n/')
    [ -n "$found" ] || found=$4
    eval "$1=\$found"
}
config_get_bool() { config_get "$@"; }
config_list_foreach() {
    local section=$1 list=$2 call=$3 item
    shift 3
    while IFS= read -r item; do "$call" "$item" "$@"; done <<END
$(sed -n "s/^$section\.$list+=//p" "$CONFIG")
END
}
logger() { shift; echo "log: $*" >>"@box@/log"; }
chown() { echo "chown $*" >>"@box@/chowned"; }
restart() { echo restart >>"@box@/calls"; }
for name in open_instance close_instance set_param append_param add_jail add_jail_mount add_jail_mount_rw \
    send_signal add_reload_trigger; do
    eval "procd_$name() { echo \"== $name\" >>'@box@/calls'; for word in \"\$@\"; do echo \"\$word\" >>'@box@/calls'; done; }"
done
"""


class Router:
    """The start script with its paths in a folder, called as rc.common does."""

    def __init__(self, folder):
        self.dir = folder
        (folder / "rc").write_text(RC.replace("@box@", str(folder)))
        text = (WRT / "files/keyplate.init").read_text()
        for path in ("/var/etc", "/var/run/keyplate", "/etc/keyplate"):
            text = re.sub(rf"(?m)^(\w+)={path}", rf"\1={folder}{path}", text)
        text = text.replace("PROG=/usr/bin/keyplate", f"PROG={KEYPLATE}")
        (folder / "init").write_text(text)
        self.set(listen="127.0.0.1:4433", upstream="127.0.0.1:8080")

    def set(self, listen="", more="", **serve):
        made = self.dir / "creds"
        if not made.exists():
            run(KEYPLATE, "passwd", "add", "--credentials", made, "--user", "admin", "--generate")
        serve = {"enabled": 1, "credentials": made, **serve}
        lines = [f"serve.{key}={value}" for key, value in serve.items()] + ([f"serve.listen+={listen}"] if listen else [])
        (self.dir / "config").write_text("\n".join(lines) + "\n" + more)

    def call(self, name):
        for told in ("calls", "log"):
            (self.dir / told).unlink(missing_ok=True)
        return run("busybox", "ash", "-c", f". {self.dir}/rc; . {self.dir}/init; {name}").returncode

    def told(self, name="calls"):
        path = self.dir / name
        return path.read_text() if path.exists() else ""

    def conf(self):
        return (self.dir / "var/etc/keyplate.conf").read_text()


@pytest.fixture
def router(tmp_path):
    return Router(tmp_path)


def test_openwrt_starts_what_is_configured(router):
    router.set(listen="[::1]:4433", upstream="unix:/a b/socket", identity="headers", tls="1.3", http_listen="",
               more="serve.listen+=127.0.0.1:4434\npassword.enabled=1\npassword.group=my group\n")
    assert router.call("start_service") == 0, router.told("log")
    assert router.conf().split("\n")[1:] == ["listen = [::1]:4433", "listen = 127.0.0.1:4434",
                                             f"credentials = {router.dir}/creds", "upstream = unix:/a b/socket",
                                             "identity = headers", "tls = 1.3", ""]
    calls = router.told()
    run_dir = f"{router.dir}/var/run/keyplate"
    assert f"command\n{KEYPLATE}\nserve\n--config\n{router.dir}/var/etc/keyplate.conf\n--run-as\nkeyplate\n==" in calls
    assert (f"command\n{KEYPLATE}\npasswd\nlisten\n--socket\n{run_dir}/password\n--credentials\n{router.dir}/creds\n"
            "== append_param\ncommand\n--socket-group\nmy group\n") in calls
    assert calls.count("respawn\n3600\n5\n0\n") == 2 and "user\nkeyplate\n" in calls and "add_jail" not in calls
    assert (router.dir / "etc/keyplate").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("values, why", [
    ({"upstream": ""}, "upstream is missing"), ({"listen": ""}, "listen is missing"),
    ({"upstream": "unix:/a ;b"}, "before a ;"), ({"notice": "/x<NEWLINE>upstream = 1.2.3.4:5"}, "not printable"),
    ({"identity": "everybody"}, "identity"), ({"credentials": "/nonexistent/file"}, "/nonexistent/file")])
def test_openwrt_starts_nothing_by_a_mistake(router, values, why):
    router.set(**{"listen": "127.0.0.1:4433", "upstream": "127.0.0.1:8080", **values})
    assert router.call("start_service") != 0
    assert why in router.told("log") and not router.told()
    assert not (router.dir / "var/etc/keyplate.conf").exists()


def test_openwrt_does_nothing_before_it_is_enabled(router):
    router.set(enabled=0)
    assert router.call("start_service") == 0 and not router.told() and not router.told("log")


def test_openwrt_reloads_or_restarts(router):
    assert router.call("start_service") == 0
    router.set(listen="127.0.0.1:4433", upstream="127.0.0.1:8081")
    assert router.call("reload_service") == 0
    assert router.told() == "== send_signal\nkeyplate\nserve\nHUP\n" and "8081" in router.conf()
    router.set(listen="127.0.0.1:4433", upstream="nonsense")
    assert router.call("reload_service") != 0
    assert not router.told() and "8081" in router.conf() and "nonsense" in router.told("log")
    for more in ({"listen": "127.0.0.1:4439"}, {"more": "password.enabled=1\n"}, {"workers": "2"}, {"enabled": 0}):
        router.set(**{"listen": "127.0.0.1:4433", "upstream": "127.0.0.1:8081", **more})
        assert router.call("reload_service") == 0 and router.told() == "restart\n", more


def test_openwrt_knows_every_option_of_serve():
    text = (WRT / "files/keyplate.init").read_text()
    known = " ".join(re.findall(r'^(?:SOFT|HARD|LISTS)="([^"]*)"', text, re.M)).replace("_", "-").split()
    options = re.findall(r"^  --([\w-]+)", run(KEYPLATE, "help", "serve").stdout, re.M)
    assert sorted(known) == sorted(set(options) - {"check", "config", "run-as"})
    conf = (ROOT / "doc/man/keyplate.conf.5").read_text()
    lasting = set(re.findall(r"^\.It Cm (\S+) No \*", conf, re.M)) - {"run-as"}
    hard = set(" ".join(re.findall(r'^(?:HARD|LISTS)="([^"]*)"', text, re.M)).replace("_", "-").split())
    assert lasting == hard, "what the man page marks with *"


def test_openwrt_takes_the_factorys_credentials(router):
    factory = router.dir / "factory"
    run(KEYPLATE, "passwd", "add", "--credentials", factory, "--user", "admin", "--generate", "--device-id", "SN-1")
    mine = router.dir / "etc/keyplate/credentials"
    text = (WRT / "files/keyplate-factory").read_text().replace("/lib/functions.sh", f"{router.dir}/rc") \
        .replace("/usr/bin/keyplate", KEYPLATE)
    tool = script(router.dir / "libexec", text.replace("#!/bin/sh", "#!/bin/busybox ash"))
    router.set(credentials=mine, more=f"factory.file={factory}\nfactory.button=reset\n")
    assert run(tool, "--if-missing").returncode == 0
    assert "SN-1" in run(KEYPLATE, "passwd", "list", "--credentials", mine).stdout
    assert f"chown keyplate:keyplate {mine}" in router.told("chowned")
    first = mine.read_bytes()
    assert run(tool, "--if-missing").returncode == 0 and mine.read_bytes() == first
    button = (WRT / "files/keyplate.button").read_text().replace("/lib/functions.sh", f"{router.dir}/rc") \
        .replace("/usr/libexec/keyplate-factory", str(tool))
    for seen, action, name in ((1, "released", "reset"), (5, "released", "reset"), (3, "pressed", "reset"), (3, "released", "wps")):
        run("busybox", "ash", "-c", button, env={**os.environ, "BUTTON": name, "ACTION": action, "SEEN": str(seen)})
        assert mine.read_bytes() == first
    run("busybox", "ash", "-c", button, env={**os.environ, "BUTTON": "reset", "ACTION": "released", "SEEN": "3"})
    again = mine.read_bytes()
    assert again != first
    factory.write_text(factory.read_text().replace("SN-1", "SN-2"))
    assert run(tool).returncode == 1 and mine.read_bytes() == again and "line" in router.told("log")


# ---- OpenWrt's makefiles ------------------------------------------------------------------------

MAKE = r"""
INCLUDE_DIR=$(TOPDIR)
BUILD_DIR=$(TOPDIR)/build
PKG_BUILD_DIR=$(BUILD_DIR)/$(PKG_NAME)
INSTALL_DIR=install -d -m 755
INSTALL_DATA=install -m 644
INSTALL_BIN=install -m 755
INSTALL_CONF=install -m 600
CP=cp -fpR
TARGET_CC=cc
TARGET_AR=ar
FPIC=-fPIC
define BuildPackage
$(foreach name,DEPENDS USERID BUILDONLY,$(eval $(name):=))
$(eval $(Package/$(1)))
$(info $(1): $(strip $(DEPENDS)); $(USERID))
$(if $(filter dev,$(MAKECMDGOALS)),$(eval $(Rules)))
endef
.PHONY: show prepare compile dev pack ustream
show: ; $(info MESON_ARGS $(strip $(MESON_ARGS)))@:
prepare: ; $(Build/Prepare)
compile: ; $(Build/Compile)
pack: ; $(call Package/keyplate/install,$(STAGE))
ustream: ; $(Build/Compile/ustream)
# Expanded twice, as OpenWrt does.
define Rules
dev: ; $(call Build/InstallDev,$(STAGE))
endef
"""


@pytest.fixture
def feed(tmp_path):
    for name, text in (("rules.mk", MAKE), ("package.mk", ""), ("meson.mk", "")):
        (tmp_path / name).write_text(text)

    def make(recipe, *words):
        done = run("make", "-s", "-C", PACKAGING / "openwrt" / recipe, f"TOPDIR={tmp_path}", f"STAGE={tmp_path}/stage", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout
    make.dir = tmp_path
    return make


def options_work(tmp_path, options):
    done = run("meson", "setup", "--buildtype", "plain", *options, tmp_path / "set-up", ROOT)
    assert done.returncode == 0, done.stdout[-2000:]


def test_openwrts_recipe(feed):
    shown = feed("keyplate", "show")
    assert "\nkeyplate: +libopenssl +libuv +libinih " in "\n" + shown and "keyplate=5443:keyplate=5443" in shown
    assert "-Dutf8proc=disabled" in shown and "-Dseccomp=enabled" in feed("keyplate", "show", "CONFIG_KEYPLATE_SECCOMP=y")
    options_work(feed.dir, re.search(r"MESON_ARGS (.*)", shown)[1].split())
    (feed.dir / "build").mkdir()
    feed("keyplate", "prepare")
    tree = feed.dir / "build/keyplate"
    assert (tree / "meson.build").read_bytes() == (ROOT / "meson.build").read_bytes() and not (tree / "build").exists()
    script(feed.dir / "installed/usr/bin/keyplate", "")
    feed("keyplate", "pack", f"PKG_INSTALL_DIR={feed.dir}/installed")
    files = {str(path.relative_to(feed.dir / "stage")) for path in (feed.dir / "stage").rglob("*") if path.is_file()}
    assert files == {"usr/bin/keyplate", "etc/init.d/keyplate", "etc/config/keyplate", "etc/uci-defaults/90-keyplate",
                     "etc/hotplug.d/button/90-keyplate", "usr/libexec/keyplate-factory", "lib/upgrade/keep.d/keyplate"}


def test_openwrts_uhttpd_library(feed):
    (feed.dir / "build").mkdir()
    (feed.dir / "build/keyplate").symlink_to(ROOT)
    tree = feed.dir / "build/keyplate-tree"
    tree.mkdir()
    for name in ("integrations", "include"):
        (tree / name).symlink_to(ROOT / name)
    run("ar", "rcs", feed.dir / "libubox.a")
    needs = "CONFIG_KEYPLATE_UTF8=y" if "utf8proc" in (BUILD / "meson-private/keyplate.pc").read_text() else "X="
    flags = "-fsanitize=address,undefined" if "address" in run("meson", "introspect", "--buildoptions", BUILD).stdout.split('"b_sanitize"')[1][:60] else ""
    feed("keyplate", "ustream", f"PKG_BUILD_DIR={tree}", f"MESON_BUILD_DIR={BUILD}", f"TARGET_CPPFLAGS=-I{ROOT}/test/integrations/uhttpd",
         f"TARGET_LDFLAGS=-L{feed.dir} {flags}", needs)
    assert "ustream_ssl_ops" in run("nm", "-D", "--defined-only", tree / "libustream-ssl.so").stdout


@pytest.mark.skipif(not os.path.exists("/usr/share/llhttp"), reason="llhttp's sources are Debian 12's node-llhttp")
def test_openwrts_llhttp(feed):
    tree = feed.dir / "build/llhttp-release-v8.1.0"
    shutil.copytree("/usr/share/llhttp", tree / "src")
    shutil.copytree("/usr/share/include/llhttp", tree / "include")
    feed("llhttp", "compile", f"PKG_BUILD_DIR={tree}")
    feed("llhttp", "dev", f"PKG_BUILD_DIR={tree}")
    done = run("pkg-config", "--cflags", "--libs", "libllhttp", env={**os.environ, "PKG_CONFIG_PATH": f"{feed.dir}/stage/usr/lib/pkgconfig"})
    assert "-lllhttp" in done.stdout, done.stderr
    assert " T llhttp_execute" in run("nm", feed.dir / "stage/usr/lib/libllhttp.a").stdout


# ---- Buildroot and Yocto ------------------------------------------------------------------------

BUILDROOT = PACKAGING / "buildroot" / "package" / "keyplate"


@pytest.mark.parametrize("chosen", [{}, {"BR2_PACKAGE_KEYPLATE_CLIENT": "y", "BR2_PACKAGE_LIBSECCOMP": "y", "BR2_PACKAGE_UTF8PROC": "y"}],
                         ids=["least", "most"])
def test_buildroots_recipe(tmp_path, chosen):
    (tmp_path / "Makefile").write_text(
        f"BR2_EXTERNAL_KEYPLATE_PATH={PACKAGING}/buildroot\nmeson-package=\ngeneric-package=\n"
        f"include {PACKAGING}/buildroot/external.mk\n"
        "show: ; @echo '$(KEYPLATE_CONF_OPTS)'; echo '$(KEYPLATE_SITE)'; echo '$(KEYPLATE_DEPENDENCIES)'; echo '$(LLHTTP_SITE)/$(LLHTTP_SOURCE)'\n")
    done = run("make", "-s", "-C", tmp_path, "show", *[f"{key}={value}" for key, value in chosen.items()])
    options, site, needs, llhttp = done.stdout.splitlines()
    assert site == str(ROOT) and ("cjson" in needs) == bool(chosen)
    assert llhttp.split("/")[-1] in (BUILDROOT.parent / "llhttp/llhttp.hash").read_text()
    options_work(tmp_path, options.split())
    selected = set(re.findall(r"select BR2_PACKAGE_(\w+)", (BUILDROOT / "Config.in").read_text()))
    assert selected >= {"OPENSSL", "INIH", "LIBUV", "LLHTTP", "CJSON"}


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def test_buildroots_start_script(tmp_path):
    box = tmp_path
    root = os.getuid() == 0
    owner = "nobody" if root else run("id", "-un").stdout.strip()
    text = (BUILDROOT / "S80keyplate").read_text().replace("/etc/", f"{box}/etc/").replace("=/run", f"={box}/run") \
        .replace("=/var/lib", f"={box}/var/lib").replace("/usr/bin/keyplate", KEYPLATE).replace("#!/bin/sh", "#!/bin/busybox ash")
    if not root:
        text = text.replace("start_one serve root", 'start_one serve "$OWNER"').replace(' --run-as "$OWNER"', "")
    for path in [box, *box.parents[:3]] if root else []:
        path.chmod(path.stat().st_mode | 0o055)
    tool = script(box / "S80keyplate", text)
    factory = box / "factory"
    run(KEYPLATE, "passwd", "add", "--credentials", factory, "--user", "admin", "--generate", "--device-id", "SN-1")
    conf = (BUILDROOT / "keyplate.conf").read_text().replace("/var/lib", f"{box}/var/lib").replace("0.0.0.0:443", "127.0.0.1:0") \
        .replace("listen = [::]:443\n", "").replace("log-to = syslog\n", "")
    (box / "etc/keyplate").mkdir(parents=True)
    (box / "etc/default").mkdir()
    (box / "etc/keyplate/keyplate.conf").write_text(conf)
    (box / "etc/default/keyplate").write_text(f"OWNER={owner}\nFACTORY={factory}\nSOCKET={box}/run/keyplate/password\n")
    call = lambda action: subprocess.run([tool, action], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60, check=False,
                                         stderr=subprocess.DEVNULL, text=True)
    pids = []
    try:
        done = call("start")
        assert done.returncode == 0 and done.stdout.endswith("OK\n")
        pids = [int((box / f"run/keyplate/{name}.pid").read_text()) for name in ("serve", "password")]
        creds = box / "var/lib/keyplate/credentials"
        assert creds.owner() == owner and creds.stat().st_mode & 0o777 == 0o600
        first = creds.read_bytes()
        deadline = time.monotonic() + 20
        while not (box / "run/keyplate/password").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert call("reload").returncode == 0 and call("reset").returncode == 0
        assert creds.read_bytes() != first and creds.owner() == owner
        (box / "etc/keyplate/keyplate.conf").write_text(conf + "nonsense = 1\n")
        assert call("reload").returncode == 1
        assert all(lives(pid) for pid in pids)
    finally:
        call("stop")
        left = [pid for pid in pids if lives(pid)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    assert not left
    assert call("start").returncode == 1 and call("nonsense").returncode == 1


def test_yoctos_recipe(tmp_path):
    layer = PACKAGING / "yocto"
    recipe = next((layer / "recipes-keyplate/keyplate").glob("keyplate_*.bb"))
    text = recipe.read_text()
    md5 = run("md5sum", ROOT / "LICENSE").stdout.split()[0]
    assert f"file://LICENSE;md5={md5}" in text
    rows = dict(re.findall(r'^PACKAGECONFIG\[(\w+)\] = "([^"]*)"', text, re.M))
    fixed = re.search(r'EXTRA_OEMESON = "([^"]*)"', text)[1].split()
    here = re.compile(r"\$\{systemd_system_unitdir\}")
    for column, but in ((0, {"avahi"}), (1, set())):
        options = [word for name, row in rows.items() for word in here.sub("/lib", row.split(",")[column if name not in but else 1]).split()]
        options_work(tmp_path / str(column), [*fixed, *options])
    for line in text.splitlines():
        assert line.count('"') % 2 == 0, line
    assert "openembedded-layer" in (layer / "conf/layer.conf").read_text()


def test_recipes_are_of_one_version():
    """Not older than the tree: they may be ahead while a release is made."""
    versions = {re.search(r"PKG_VERSION:=(.*)", (WRT / "Makefile").read_text())[1],
                re.search(r"KEYPLATE_VERSION = (.*)", (BUILDROOT / "keyplate.mk").read_text())[1],
                *(path.stem.split("_")[1] for path in (PACKAGING / "yocto/recipes-keyplate/keyplate").glob("*.bb"))}
    tree = re.search(r"version: '([^']*)'", (ROOT / "meson.build").read_text())[1]
    as_numbers = lambda version: [int(part) for part in version.split(".")]
    assert len(versions) == 1 and as_numbers(versions.pop()) >= as_numbers(tree)


# ---- Units --------------------------------------------------------------------------------------

@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze isn't here")
def test_the_unit_of_password_changes_is_what_it_says(tmp_path):
    unit = PACKAGING / "systemd/keyplate-passwd.service"
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace("/usr/bin/keyplate", KEYPLATE).replace("Documentation=", "#"))
    done = run("systemd-analyze", "verify", "--man=no", here)
    assert done.returncode == 0 and unit.name not in done.stderr, done.stderr
    done = run("systemd-analyze", "security", "--offline=true", here)
    level = re.search(r"exposure level for keyplate-passwd.service: ([\d.]+)", done.stdout).group(1)
    assert float(level) <= float(re.search(r"exposure level: ([\d.]+) ", unit.read_text()).group(1))
