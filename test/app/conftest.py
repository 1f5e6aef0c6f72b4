"""The screen of all of these tests, and the app on it; without one, or without the app, they are skipped, and
say why."""
import os
import shutil

import pytest

import screen as support
from gateways import box  # noqa: F401
from site_pages import Site


def missing():
    if not os.path.exists(support.APP):
        return "keyplate-app isn't built: WebKitGTK 6 or GTK 4 is missing"
    for program in ("Xvfb", "xdotool", "dbus-daemon", "import"):
        if shutil.which(program) is None:
            return f"{program} is missing"
    try:
        support.atspi()
    except (ImportError, ValueError) as why:
        return f"AT-SPI for Python is missing: {why}"
    return None


@pytest.fixture(scope="session")
def display():
    why = missing()
    if why:
        pytest.skip(why)
    made = support.Screen()
    yield made
    made.close()


@pytest.fixture
def app(display, box):  # noqa: F811
    started = []

    def start(*args, **more):
        started.append(support.App(box.dir, *args, **more))
        return started[-1]
    yield start
    for one in started:
        one.stop()


@pytest.fixture
def site(box):  # noqa: F811
    made = Site()
    box.upstreams.append(made)
    return made
