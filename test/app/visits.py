"""What a person does with the app in many of these tests."""
from gateways import PASSWORD

CHOOSER = ("filler", "GtkFileChooserWidget")  # its role and name: GTK's box for files


def ask(app, where, words="Log in", address="Address of a device"):
    app.fill(address, where)
    app.press(words)
    app.want("password text")


def send(app, password=PASSWORD, words="Log in"):
    app.fill(app.want("password text").name, password, role="password text")
    app.press_last(words)


def proved(app, words="Proved"):
    return app.until(lambda: next((node for node in app.nodes() if node.role == "push button"
                                   and node.name.startswith(words + ":")), None), "no padlock")


def visit(app, site, serve, password=PASSWORD):
    before = len(site.said)
    ask(app, serve.at)
    send(app, password)
    proved(app)
    return report(app, site, before)


def report(app, site, before=0):
    app.until(lambda: len(site.said) > before, f"the page says nothing: {site.paths()}")
    return site.said[-1]


def log_out(app):
    """Where no window manager is, a window has the keyboard some time after another one went: keys that come
    too early are nobody's."""
    def out():
        app.focus_page()
        app.key("ctrl+shift+q")
        try:
            return app.until(lambda: app.says("Logged out of"), "", 2)
        except AssertionError:
            return None
    app.until(out, "no logout")


def trouble(app, heading):
    app.wait_for(heading)
    app.want("push button", "Back to the devices")
    assert not any("Proved" in node.name for node in app.nodes())
