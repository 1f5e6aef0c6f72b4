"""A screen of one's own, and the app on it: Xvfb, a session bus, and AT-SPI, by which a screen reader would
see and press what is there. What has no name there can't be pressed by these tests either."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "scenario"))
import gateways  # noqa: E402

APP = os.path.join(os.path.dirname(gateways.KEYPLATE), "app", "keyplate-app")
SHOTS = gateways.BUILD / "app-screenshots"
SLOW = 20.0

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir={folder}</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy></busconfig>
"""


class Screen:
    """The one of this process: AT-SPI's library knows but one bus."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kp-screen-"))
        self.log = open(self.folder / "log", "wb")
        self.processes = []
        read, write = os.pipe()
        self.start(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten",
                    "tcp"], pass_fds=(write,))
        os.close(write)
        with os.fdopen(read) as number:
            os.environ["DISPLAY"] = ":" + number.readline().strip()
        self.start_bus()
        os.environ.update(GDK_BACKEND="x11", GSK_RENDERER="cairo", LIBGL_ALWAYS_SOFTWARE="1",
                          GTK_A11Y="atspi", GTK_USE_PORTAL="0", GSETTINGS_BACKEND="memory",
                          NO_AT_BRIDGE="0", GTK_IM_MODULE="gtk-im-context-simple")
        self.start(["/usr/libexec/at-spi-bus-launcher", "--launch-immediately"])
        gateways.until(self.has_registry, SLOW, "there is no AT-SPI")

    def start(self, command, **kwargs):
        process = subprocess.Popen(command, stdout=kwargs.pop("stdout", self.log), stderr=self.log,
                                   stdin=subprocess.DEVNULL, **kwargs)
        self.processes.append(process)
        return process

    def start_bus(self):
        """Nothing is started by it: a keyring that came by itself would ask for a password of its own."""
        config = self.folder / "bus.conf"
        config.write_text(BUS.format(folder=self.folder))
        bus = self.start(["dbus-daemon", f"--config-file={config}", "--print-address", "--nofork"],
                         stdout=subprocess.PIPE)
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()

    def has_registry(self):
        done = subprocess.run(["gdbus", "call", "--session", "--dest", "org.a11y.Bus", "--object-path",
                               "/org/a11y/bus", "--method", "org.a11y.Bus.GetAddress"],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return False
        subprocess.run(["gdbus", "call", "--session", "--dest", "org.a11y.Bus", "--object-path",
                        "/org/a11y/bus", "--method", "org.freedesktop.DBus.Properties.Set",
                        "org.a11y.Status", "IsEnabled", "<true>"], capture_output=True, check=False)
        return True

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def atspi():
    import gi  # needs the screen's environment
    gi.require_version("Atspi", "2.0")
    from gi.repository import Atspi
    return Atspi


class Node:
    """What a screen reader would be told of: a thing with a role and a name."""

    def __init__(self, it):
        self.it = it
        self.role = it.get_role_name()
        self.name = it.get_name() or ""

    def __repr__(self):
        return f"{self.role} {self.name!r}"

    def states(self):
        return self.it.get_state_set()

    def is_shown(self):
        """GTK 4 says "visible" of what isn't hidden; "showing" of windows alone."""
        return self.role == "application" or self.states().contains(atspi().StateType.VISIBLE)

    def is_sensitive(self):
        return self.states().contains(atspi().StateType.SENSITIVE)

    def children(self):
        for index in range(self.it.get_child_count()):
            child = self.it.get_child_at_index(index)
            if child is not None:
                yield Node(child)

    def walk(self):
        if self.is_shown():
            yield self
            for child in self.children():
                yield from child.walk()

    def text(self):
        try:
            return atspi().Text.get_text(self.it, 0, -1) if "Text" in self.it.get_interfaces() else ""
        except Exception:  # it went meanwhile
            return ""

    def press(self):
        """A menu's button has its action inside."""
        for node in self.walk():
            if node.it.get_n_actions() > 0:
                assert node.it.do_action(0), f"{node} can't be pressed"
                return
        raise AssertionError(f"{self} has nothing to press")

    def fill(self, text):
        assert atspi().EditableText.set_text_contents(self.it, text), f"{self} takes no text"


class App:
    """keyplate-app, started with args; within: what makes an argv that runs elsewhere of one."""

    def __init__(self, folder, *args, language="en", dark=False, narrow=False, env=None,
                 within=list):
        self.folder = folder
        self.err = folder / "app.err"
        more = {"LANG": "de_DE.UTF-8" if language == "de" else "C.UTF-8", "LANGUAGE": "",
                "LC_ALL": "de_DE.UTF-8" if language == "de" else "C.UTF-8",
                "XDG_CONFIG_HOME": str(folder / "config"), "XDG_CACHE_HOME": str(folder / "cache"),
                "XDG_DATA_HOME": str(folder / "data"), "HOME": str(folder),
                "G_DEBUG": "fatal-criticals", **(env or {})}
        if dark:
            more["GTK_THEME"] = "Adwaita:dark"
        self.narrow = narrow
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen(within([APP, *map(str, args)]), env={**os.environ, **more},
                                            stdout=err, stderr=err, stdin=subprocess.DEVNULL)
        gateways.until(lambda: self.root() is not None, SLOW, "the app doesn't show itself")
        if narrow:
            self.resize(360, 640)

    def root(self):
        assert self.process.poll() is None, self.log()
        desktop = atspi().get_desktop(0)
        desktop.clear_cache()
        for index in range(desktop.get_child_count()):
            child = desktop.get_child_at_index(index)
            if child is not None and child.get_process_id() == self.process.pid and child.get_child_count():
                child.clear_cache()
                return Node(child)
        return None

    def log(self):
        return self.err.read_text(errors="replace")

    def nodes(self):
        root = self.root()
        for _ in range(3):
            try:
                return list(root.walk()) if root else []
            except Exception as gone:  # what was there a moment ago isn't any more
                last = gone
                time.sleep(0.05)
        raise last

    def until(self, condition, what, seconds=SLOW):
        try:
            return gateways.until(condition, seconds)
        except AssertionError:
            raise AssertionError(f"{what}; there is: {self.nodes()}; {self.log()}") from None

    def find(self, role, name=None):
        for node in self.nodes():
            if node.role == role and (name is None or node.name == name):
                return node
        return None

    def want(self, role, name=None, seconds=SLOW):
        return self.until(lambda: self.find(role, name), f"no {role} {name!r}", seconds)

    def press(self, name, role="push button"):
        def it():
            node = self.find(role, name)
            return node if node and node.is_sensitive() else None
        self.until(it, f"{name!r} can't be pressed").press()

    def press_last(self, name, role="push button"):
        """Of several of one name, that of the window that was opened last."""
        def last():
            found = [node for node in self.nodes() if (node.role, node.name) == (role, name)]
            return found[-1] if found and found[-1].is_sensitive() else None
        self.until(last, f"no {name!r} to press").press()

    def fill(self, name, text, role="text"):
        self.want(role, name).fill(text)

    def says(self, part):
        """Whether that is to be read anywhere: names and texts."""
        return any(part in node.name or part in node.text() for node in self.nodes())

    def wait_for(self, part, seconds=SLOW):
        self.until(lambda: self.says(part), f"{part!r} isn't to be read", seconds)

    def windows(self):
        found = subprocess.run(["xdotool", "search", "--onlyvisible", "--pid", str(self.process.pid)],
                               capture_output=True, text=True, check=False)
        return found.stdout.split()

    def resize(self, width, height):
        for window in gateways.until(self.windows, SLOW, "no window"):
            subprocess.run(["xdotool", "windowsize", window, str(width), str(height)], check=False)

    def key(self, *keys):
        subprocess.run(["xdotool", "key", *keys], check=True)

    def type(self, text):
        subprocess.run(["xdotool", "type", "--delay", "20", text], check=True)

    def click(self, x, y):
        subprocess.run(["xdotool", "mousemove", str(x), str(y), "click", "1"], check=True)

    def focus_page(self):
        """As a person does who clicks into it, where nothing is."""
        self.click(200, 420)

    def shot(self, name):
        SHOTS.mkdir(exist_ok=True)
        time.sleep(0.3)  # what is told to the reader may not be drawn yet
        subprocess.run(["import", "-window", "root", str(SHOTS / f"{name}.png")], check=True)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        log = self.log()
        for bad in ("CRITICAL", "Sanitizer", "runtime error:", "Assertion"):
            assert bad not in log, log
