"""Goal: a person with the app logs in to a device, works with its pages and logs out; what is wrong is told
in red, with no page; and all of it can be done with the keyboard and heard from a screen reader."""
import pytest

from gateways import PASSWORD, box, talk_http  # noqa: F401
from screen import App

PAGE = b"<!doctype html><title>the room</title><h1>the room is warm</h1><a href='/next'>further</a>"


@pytest.fixture
def app(display, box):
    apps = []

    def start(*args, **more):
        apps.append(App(box.dir, *args, **more))
        return apps[-1]
    yield start
    for one in apps:
        one.stop()


def log_in(app, serve, password=PASSWORD):
    app.fill("Address of a device", serve.at)
    app.press("Log in")
    app.wait_for("Password")
    app.fill("Password", password, role="password text")
    app.key("Return")


def test_a_visit(app, box):
    serve = box.serve(box.upstream(talk_http(PAGE)))
    one = app()
    one.shot("start")
    one.fill("Address of a device", serve.at)
    one.press("Log in")
    one.want("password text", "Password")
    one.shot("login")
    one.fill("Password", PASSWORD, role="password text")
    one.shot("login-filled")
    one.press_last("Log in")
    one.want("push button", "Proved: 127-0-0-1")
    import time; time.sleep(5)
    one.shot("visit")
