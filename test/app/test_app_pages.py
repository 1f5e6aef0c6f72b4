"""Goal: a device's pages do in the app what they do in a browser: they take files from the person, speak over
sockets, and lead elsewhere when the person says so."""
import threading

from devices import device
from gateways import until
from test_37_clock import Clock
from visits import CHOOSER, log_out, proved, report, visit

UPLOAD = """<input type=file id=up hidden>
<label for=up style="position:fixed;inset:150px 0 0 0;background:#eef">choose</label>
<script>up.onchange = () => fetch('/upload', {method: 'POST', body: up.files[0],
                                              headers: {'X-Name': up.files[0].name}});</script>"""
SOCKET = """<script>
const socket = new WebSocket(`wss://${location.host}/socket`);
socket.onopen = () => socket.send('from the page');
socket.onmessage = (event) => fetch('/heard', {method: 'POST', body: event.data + ', and back'});
socket.onclose = () => fetch('/closed', {method: 'POST', body: 'closed'});
</script>"""
BROWSER = """#!/bin/sh
printf '%s' "$1" > '{folder}/opened.new' && mv '{folder}/opened.new' '{folder}/opened'
"""
ENTRY = """[Desktop Entry]
Type=Application
Name=Browser
Exec={folder}/browser %u
MimeType=x-scheme-handler/http;x-scheme-handler/https;
"""


def test_an_upload(app, box, site):
    """A file that the person chooses goes to the device as it is, by its name."""
    site.more = UPLOAD
    firmware = bytes(range(256)) * 2000
    (box.dir / "firmware.bin").write_bytes(firmware)
    serve = device(box, "K7F3", upstream=site)
    one = app()
    visit(one, site, serve)

    def asked():
        one.focus_page()  # the page may not be drawn yet
        try:
            return one.want(*CHOOSER, seconds=2)
        except AssertionError:
            return None
    until(asked, 20, "no file is asked for")
    one.type(str(box.dir / "firmware.bin"))
    one.shot("upload")
    one.key("Return")
    until(lambda: "/upload" in site.bodies, 20, str(one.nodes()))
    assert site.bodies["/upload"] == firmware
    fields = next(fields for method, path, fields in site.requests if path == "/upload")
    assert fields["X-Name"] == "firmware.bin" and fields["Content-Length"] == str(len(firmware))
    proved(one)


def test_a_socket(app, box, site):
    """A WebSocket of the page goes to the device and back, and ends with the logout."""
    site.more = SOCKET
    serve = device(box, "K7F3", upstream=site)
    one = app()
    visit(one, site, serve)
    until(lambda: site.bodies.get("/heard") == b"from the page, and back", 10, str(site.bodies))
    assert site.frames == [b"from the page"]
    fields = next(fields for _, path, fields in site.requests if path == "/socket")
    assert fields["Origin"] == f"https://{serve.at}" and "hidden=1" in fields["Cookie"]
    busy = [thread for thread in threading.enumerate() if "process_request_thread" in thread.name]
    assert busy
    log_out(one)
    until(lambda: not any(thread.is_alive() for thread in busy), 10, "the socket outlives the logout")
    assert "/closed" not in site.bodies


def browser(folder):
    """The system's: it writes down what it is to open."""
    (folder / "browser").write_text(BROWSER.format(folder=folder))
    (folder / "browser").chmod(0o755)
    applications = folder / "data" / "applications"
    applications.mkdir(parents=True)
    (applications / "browser.desktop").write_text(ENTRY.format(folder=folder))
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "mimeapps.list").write_text(
        "[Default Applications]\nx-scheme-handler/http=browser.desktop\n"
        "x-scheme-handler/https=browser.desktop\n")
    return folder / "opened"


def follow_out(one):
    def asked():
        one.click(40, 145)  # the page may not be drawn yet
        try:
            return one.until(lambda: one.says("leads out of the device"), "no question", 2)
        except AssertionError:
            return None
    until(asked, 20, "nobody is asked")


def test_a_link_out(app, box, site):
    """It is opened in the system's browser, once the person has said so; the visit goes on."""
    site.link = "https://vendor.example/manual?model=1#top"
    opened = browser(box.dir)
    serve = device(box, "K7F3", upstream=site)
    one = app()
    visit(one, site, serve)
    follow_out(one)
    assert one.says(site.link) and not opened.exists()
    one.press_last("Open")
    until(opened.exists, 20, "nothing is opened")
    assert opened.read_text() == site.link
    proved(one)
    one.focus_page()
    one.key("F5")
    report(one, site, 1)


def test_a_question_goes_with_the_visit(app, box, site):
    """What a page led to isn't asked any more when its visit is over."""
    site.link = "https://vendor.example/"
    opened, clock = browser(box.dir), Clock(box.dir)
    serve = device(box, "K7F3", upstream=site)
    one = app(env={key: value for key, value in clock.env.items() if key in ("LD_PRELOAD", "CLOCK_FILE")})
    visit(one, site, serve)
    follow_out(one)
    clock.set(sleep=15 * 60 + 5)
    one.wait_for("nobody did anything")
    assert not one.says("leads out of the device") and not opened.exists()
