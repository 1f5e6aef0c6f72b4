"""Goal: what `keyplate provision` prints can be read: every QR code, of the SVGs and of the sheets, from
a print and from a phone's picture of 25 mm, says the device's link; texts are texts, inside the label
and apart from each other; and what would not fit is refused before a device is made."""
import csv
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

from gateways import KEYPLATE

TOOLS = ["rsvg-convert", "pdftoppm", "pdftotext", "pdffonts", "pdfinfo", "zbarimg", "convert"]
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS)
    or "provision" not in subprocess.run([KEYPLATE, "--help"], capture_output=True, text=True).stdout,
    reason=f"needs keyplate provision and {' '.join(TOOLS)}")

MODEL = "Röhre <2> & \"Co\""
SVG = "{http://www.w3.org/2000/svg}"
MM = 72 / 25.4
ONE_A_PAGE = """[sheet]
page = 62x40
margin = 0
[label]
width = 62
height = 40
[qr]
x = 1
y = 1
size = 30
[text]
line = 61 6 4 bold right {model}
line = 61 12 3 right {serial}
line = 61 18 3 mono right {user}
line = 31 36 4.5 mono bold center {password}
"""


def run(*argv, **more):
    done = subprocess.run(list(map(str, argv)), capture_output=True, timeout=120, check=False, **more)
    assert done.returncode == 0, (argv, done.stderr)
    return done.stdout


def provision(out, *argv, model=MODEL, count=1):
    run(KEYPLATE, "provision", "--count", count, "--model", model, "--prefix", "RB-", "--out", out,
        "--group", 2048, "--with-passwords", "--quiet", *argv)
    with open(out / "manifest.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def refused(out, words, *argv, model=MODEL):
    done = subprocess.run([KEYPLATE, "provision", "--count", "2", "--model", model, "--prefix", "RB-",
                           "--out", str(out), *map(str, argv)], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode != 0 and words in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert not list(out.glob("*")) if out.exists() else True


def codes(picture):
    """What the QR codes on it say, in no order."""
    done = subprocess.run(["zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", str(picture)],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120, check=False)
    return sorted(done.stdout.decode().split())


def raster_svg(path, dpi=300):
    picture = path.with_suffix(".png")
    run("rsvg-convert", "-d", dpi, "-p", dpi, path, "-o", picture)
    return picture


def raster_pdf(path, dpi=300):
    run("pdftoppm", "-r", dpi, "-gray", path, path.with_suffix(""))
    return sorted(path.parent.glob(f"{path.stem}-*.pgm"))


def full_links(rows):
    return sorted(f"{row['link']}#p={row['password']}" for row in rows)


def words_of(pdf, first=1, last=1):
    """(text, left, top, right, bottom) of each word, in points."""
    page = run("pdftotext", "-f", first, "-l", last, "-bbox", pdf, "-").decode()
    return [(word.text, *(float(word.get(side)) for side in ("xMin", "yMin", "xMax", "yMax")))
            for word in ET.fromstring(page).iter("{http://www.w3.org/1999/xhtml}word")]


# ---- What is printed can be read ---------------------------------------------------------------

def test_every_label_of_the_sheets(tmp_path):
    rows = provision(tmp_path / "o", "--qr-password", count=24)
    pages = raster_pdf(tmp_path / "o" / "labels.pdf")
    assert len(pages) == 2
    found = [codes(page) for page in pages]
    assert [len(page) for page in found] == [21, 3]
    assert sorted(found[0] + found[1]) == full_links(rows)
    texts = run("pdftotext", tmp_path / "o" / "labels.pdf", "-").decode()
    for row in rows:
        assert row["serial"] in texts and row["password"] in texts
    assert texts.count(MODEL) == 24


def test_every_svg(tmp_path):
    rows = provision(tmp_path / "o", "--host", "box.example:8443", count=4)
    for row in rows:
        path = tmp_path / "o" / row["serial"] / "label.svg"
        root = ET.parse(path).getroot()
        texts = [text.text for text in root.iter(SVG + "text")]
        for said in (MODEL, "Serial " + row["serial"], "admin", row["password"],
                     "https://box.example:8443"):
            assert said in texts
        assert (root.get("width"), root.get("height")) == ("63.5mm", "38.1mm")
        assert codes(raster_svg(path)) == [row["link"]]
        assert path.stat().st_mode & 0o777 == 0o600
        # Without --qr-password it is in the text alone.
        assert row["password"] not in row["link"]


PHONE = {
    "soft": ["-blur", "0x1.6"],
    "turned": ["-rotate", "7", "-blur", "0x1.2"],
    "noisy": ["-seed", "7", "-attenuate", "0.5", "+noise", "Gaussian", "-blur", "0x0.8"],
    "dim": ["-level", "0,180%", "-brightness-contrast", "-25x-45", "-blur", "0x1"],
    "all": ["-rotate", "7", "-distort", "Perspective",
            "0,0 30,24 760,0 735,6 0,520 8,500 760,520 748,512", "-blur", "0x1.3",
            "-brightness-contrast", "-10x-30", "-seed", "3", "-attenuate", "0.3", "+noise", "Gaussian",
            "-quality", "60"],
}


@pytest.mark.parametrize("how", PHONE)
def test_a_phones_picture(tmp_path, how):
    # 280 dpi: a label that takes 700 of a phone's pixels in width.
    row = provision(tmp_path / "o", "--qr-password")[0]
    picture = raster_svg(tmp_path / "o" / row["serial"] / "label.svg", 280)
    taken = tmp_path / "taken.jpg"
    run("convert", picture, "-virtual-pixel", "white", "-background", "#ddd", *PHONE[how], taken)
    assert codes(taken) == full_links([row])


def test_the_densest_code_that_is_let_through(tmp_path):
    # A link of more than 180 bytes is refused: its modules would be under 0.4 mm.
    host = "a.long.name.of.a.box.example"
    user = "Ü" * 12  # each is six bytes of a link
    row = provision(tmp_path / "o", "--user", user, "--host", host, "--qr-password",
                    "--template", template(tmp_path, ONE_A_PAGE.replace("size = 30", "size = 25")))[0]
    link = full_links([row])[0]
    assert 140 < len(link) <= 180
    picture = raster_svg(tmp_path / "o" / row["serial"] / "label.svg", 300)
    taken = tmp_path / "taken.jpg"
    run("convert", picture, "-virtual-pixel", "white", "-background", "white", "-rotate", "7",
        "-blur", "0x1.2", taken)
    assert codes(taken) == [link]


# ---- Texts ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("argv", [
    {}, {"model": "Klärwerkssteuerung <XL> & Co", "argv": [
        "--user", "hausmeister-im-erdgeschoss", "--host", "heating.example.org",
        "--first", 99999990]}], ids=["usual", "longest"])
def test_texts_stay_inside_and_apart(tmp_path, argv):
    provision(tmp_path / "o", *argv.get("argv", []), model=argv.get("model", MODEL), count=3)
    boxes = words_of(tmp_path / "o" / "labels.pdf")
    assert sum(box[0] == "Password" for box in boxes) == 3
    boxes = [box for box in boxes if box[2] < 280 * MM]  # what is below is the ruler
    for column in range(3):
        left, top = (7.21 + 66.04 * column) * MM, 15.15 * MM
        mine = [box for box in boxes if left <= box[1] < left + 63.5 * MM]
        assert len(mine) > 8
        for text, x1, y1, x2, y2 in mine:
            assert x1 >= left + 1.4 * MM and x2 <= left + 62.1 * MM, text
            assert y1 >= top + 1.2 * MM and y2 <= top + 36.9 * MM, text
            # Of the QR code's square, from 36.8 on and down to 26.7.
            assert x2 <= left + 36.81 * MM or y1 >= top + 26.2 * MM, text
        for one in mine:
            for two in mine:
                apart = (one[3] <= two[1] + .1 or two[3] <= one[1] + .1
                         or one[4] <= two[2] + 1.5 or two[4] <= one[2] + 1.5)
                assert one is two or apart, (one, two)


def test_size_and_fonts(tmp_path):
    provision(tmp_path / "o", count=22)
    pdf = tmp_path / "o" / "labels.pdf"
    said = run("pdfinfo", pdf).decode()
    assert "(A4)" in said and re.search(r"Pages: +2\n", said)
    assert "CreationDate" not in said
    fonts = run("pdffonts", pdf).decode().splitlines()[2:]
    assert fonts and all(re.search(r" yes +yes +yes ", line) for line in fonts), fonts
    # The ruler says the truth: 50 mm, at 254 dpi 500 pixels.
    page = raster_pdf(pdf, 254)[0]
    box = run("convert", page, "-crop", "530x60+530+2850", "+repage", "-threshold", "60%", "-trim",
              "-format", "%w", "info:")
    assert 498 <= int(box) <= 504


# ---- Templates -----------------------------------------------------------------------------------

def template(tmp_path, text):
    path = tmp_path / "template"
    path.write_text(text, encoding="utf-8")
    return path


def test_one_label_a_page(tmp_path):
    rows = provision(tmp_path / "o", "--template", template(tmp_path, ONE_A_PAGE), count=3)
    pdf = tmp_path / "o" / "labels.pdf"
    said = run("pdfinfo", pdf).decode()
    assert re.search(r"Pages: +3\n", said)
    width, height = map(float, re.search(r"Page size: +([0-9.]+) x ([0-9.]+)", said).groups())
    assert abs(width - 62 * MM) < 0.01 and abs(height - 40 * MM) < 0.01
    for row, page in zip(rows, raster_pdf(pdf)):
        assert codes(page) == [row["link"]]


def test_the_printed_template_is_the_built_in_one(tmp_path):
    printed = run(KEYPLATE, "provision", "--print-template").decode()
    rows = provision(tmp_path / "one", count=1)
    again = provision(tmp_path / "two", "--template", template(tmp_path, printed), count=1)
    one = (tmp_path / "one" / "RB-000001" / "label.svg").read_text()
    two = (tmp_path / "two" / "RB-000001" / "label.svg").read_text()
    assert one.replace(rows[0]["password"], "") == two.replace(again[0]["password"], "")


def test_what_does_not_fit_is_refused_first(tmp_path):
    out = tmp_path / "o"
    refused(out, '"{model}" (line ', model="A model whose name is longer than any label")
    refused(out, '"{user}" (line ', "--user", "u" * 60)
    refused(out, '"https://{host}" (line ', "--host", "h" * 60 + ".example")
    refused(out, "has no letter for a character of \"{model}\"", model="\U00010000")
    refused(out, "cameras want 0.4", "--template",
            template(tmp_path, ONE_A_PAGE.replace("size = 30", "size = 14")))
    refused(out, "template: line 6: a height is", "--template",
            template(tmp_path, ONE_A_PAGE.replace("height = 40", "height = 4cm")))
    refused(out, "line 11: this text is on the QR code", "--template",
            template(tmp_path, ONE_A_PAGE.replace("line = 61 6", "line = 20 6").replace("size = 30\n", "")))
    refused(out, "no label fits on the page", "--template",
            template(tmp_path, ONE_A_PAGE.replace("margin = 0", "margin = 1")))


def test_without_the_libraries(tmp_path):
    # What is found first isn't a library.
    for name, package in (("libcairo.so.2", "libcairo2"), ("libqrencode.so.4", "libqrencode4")):
        folder = tmp_path / package
        folder.mkdir()
        (folder / name).write_bytes(b"no library\n" * 100)
        done = subprocess.run([KEYPLATE, "provision", "--count", "1", "--model", "M", "--out",
                               str(tmp_path / "o")], capture_output=True, text=True, timeout=60,
                              check=False, env={**os.environ, "LD_LIBRARY_PATH": str(folder)})
        assert done.returncode == 1 and f"(install {package})" in done.stderr, done.stderr
        assert not (tmp_path / "o").exists()
    empty = tmp_path / "fonts.conf"
    empty.write_text("<fontconfig></fontconfig>\n")
    done = subprocess.run([KEYPLATE, "provision", "--count", "1", "--model", "M", "--out",
                           str(tmp_path / "o")], capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, "FONTCONFIG_FILE": str(empty)})
    assert done.returncode == 1 and "(install fonts-dejavu-core)" in done.stderr, done.stderr
    assert not (tmp_path / "o").exists()
