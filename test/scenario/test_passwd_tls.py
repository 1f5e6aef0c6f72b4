"""keyplate passwd: the versions of TLS that a password is for, in files of both formats, against an
independent model of what stands there. KEYPLATE_BUILD names the build directory (default: build).
"""
import hashlib
import resource
import sys

import pytest

from passwd_tool import ROOT, passwd  # noqa: F401

sys.path.insert(0, str(ROOT / "test"))

from model13 import p256, spake2plus  # noqa: E402
from vectors import srp_model  # noqa: E402

BOTH, ONLY12, ONLY13 = "TLS 1.2, TLS 1.3", "TLS 1.2 only", "TLS 1.3 only"
W0 = "a14fd4e781c5230e49ce16d1e899792905ee81c1cfa7d96277b403cba6260c40"
BIG_L = ("040466fa7e50874f069029dcf3ab5a196a173cf85269fc9b87b4403186e258f737"
         "6850aa3eb6df8fcc1648b6c4d55f670d84f67324def4363fb5e6838a19357b29")
GETS_12 = "clients that offer both versions get TLS 1.2 until the password"


def rows(passwd):
    """{name as it stands in the file: [generation, SRP half, SPAKE2+ half]}"""
    lines = [line.split(" ") for line in passwd.file.read_text().splitlines()]
    return {line[1]: line[2:5] for line in lines if line[0] == "user"}


def versions(passwd):
    return {user[0]: user[3] for user in passwd.users()}


def half(name, password, device_id):
    """The SPAKE2+ half as the model makes it."""
    secret = spake2plus.register(password.encode(), name.encode(), device_id.encode())
    big_l = p256.encode(secret.verifier().big_l)
    return f"{secret.w0.to_bytes(32, 'big').hex()}:{big_l.hex()}"


def srp_half(name, password, salt, bits=2048):
    (n, g), = [(n, g) for b, n, g in srp_model.groups() if b == bits]
    inner = hashlib.sha1(f"{name}:{password}".encode()).digest()
    x = int.from_bytes(hashlib.sha1(salt + inner).digest(), "big")
    return f"{bits}:{salt.hex()}:{pow(g, x, n).to_bytes(bits // 8, 'big').hex()}"


def write(passwd, version, users, device_id="device.example", bits=2048):
    """Writes a file as an older Keyplate did, or any: users are (name, SRP half, SPAKE2+ half)."""
    lines = [f"device-id {device_id}", f"group {bits}", "salt-length 16", f"seed {'5a' * 32}",
             f"generation {len(users)}"]
    lines += [f"user {name} {i} {srp} {pake}" for i, (name, srp, pake) in enumerate(users, 1)]
    lines += [f"end {len(users)}"]
    checked = [f"{line} {hashlib.sha256(line.encode()).hexdigest()[:8]}\n" for line in lines]
    passwd.file.touch(mode=0o600)
    passwd.file.write_text(f"keyplate-credentials {version}\n" + "".join(checked))


def version_1(passwd, *names):
    write(passwd, 1, [(name, srp_half(name, "kestrel-4711", bytes(range(1, 17))), "-")
                      for name in names])


# ---- Both halves -----------------------------------------------------------------------------

def test_01_both_by_default(passwd):
    """Goal: add and change make both halves of one password, the ones that TLS needs."""
    passwd.add("admin", "kestrel-4711", "--device-id", "device.example", "--group", 2048)
    assert passwd.file.read_text().startswith("keyplate-credentials 2\n")
    generation, srp, pake = rows(passwd)["admin"]
    assert generation == "1" and pake == f"{W0}:{BIG_L}"
    salt = bytes.fromhex(srp.split(":")[1])
    assert srp == srp_half("admin", "kestrel-4711", salt)
    assert passwd("list").stderr == b""
    passwd.ok("change", "--user", "admin", "--password-file", passwd.password("another-one"))
    _, srp, pake = rows(passwd)["admin"]
    assert srp == srp_half("admin", "another-one", salt)
    assert pake == half("admin", "another-one", "device.example")
    assert passwd.check("admin", "another-one") == 0
    assert passwd.check("admin", "kestrel-4711") == 3


@pytest.mark.parametrize("user, stands, password, device_id", [
    ("jürgen", "jürgen", "pässwörter", "Rack 7/Ünit"),
    ("two words", "two\\x20words", "correct horse", "x"),
    ("x" * 255, "x" * 255, "p" * 1024, "i" * 255)], ids=["accents", "spaces", "longest"])
def test_02_names_as_bytes(passwd, user, stands, password, device_id):
    """Goal: name, password and device id go into the SPAKE2+ half as NFC bytes, unescaped."""
    passwd.add(user, password, "--device-id", device_id)
    assert rows(passwd)[stands][2] == half(user, password, device_id)
    assert passwd.check(user, password) == 0
    assert passwd.check(user, password[:-1]) == 3


def test_03_nfc(passwd):
    """Goal: combining accents of name, password and device id make the half of the one character."""
    passwd.add("cafe\u0301", "cafe\u0301", "--device-id", "cafe\u0301", "--tls", "1.3")
    assert rows(passwd)["caf\u00e9"][2] == half("caf\u00e9", "caf\u00e9", "caf\u00e9")


def test_04_one_half(passwd):
    """Goal: --tls makes the half that is asked for and no other, on add and on change."""
    passwd.add("old", "kestrel-4711", "--tls", "1.2")
    passwd.add("vendor", "kestrel-4711", "--tls", "1.3")
    passwd.add("admin", "kestrel-4711", "--tls", "any")
    assert versions(passwd) == {"old": ONLY12, "vendor": ONLY13, "admin": BOTH}
    now = rows(passwd)
    assert now["old"][2] == "-" and now["vendor"][1] == "-"
    assert "-" not in now["admin"]
    for user in now:
        assert passwd.check(user, "kestrel-4711") == 0
        assert passwd.check(user, "kestrel-4712") == 3
    assert passwd.check("nobody", "kestrel-4711") == 3
    pw = passwd.password("another-one")
    for tls, expected in (("1.3", ONLY13), ("any", BOTH), ("1.2", ONLY12)):
        passwd.ok("change", "--user", "old", "--tls", tls, "--password-file", pw, "--allow-tls12")
        assert versions(passwd)["old"] == expected
        assert passwd.check("old", "another-one") == 0
        assert passwd.check("old", "kestrel-4711") == 3


def test_05_tls13_alone_stays(passwd):
    """Goal: a change without --tls leaves TLS 1.3 alone at that, and says so; --tls any brings both
    back. Any other user gets both."""
    passwd.add("vendor", "kestrel-4711", "--tls", "1.3", "--device-id", "unit")
    passwd.add("old", "kestrel-4711", "--tls", "1.2", "--allow-tls12")
    change = ("--password-file", passwd.password("another-one"))
    done = passwd("change", "--user", "vendor", *change)
    assert done.returncode == 0 and done.stdout == b""
    assert done.stderr.decode().splitlines() == [
        f"keyplate passwd: the password of vendor was changed in {passwd.file}",
        "keyplate passwd: link for the label: keyplate://unit/?v=1&user=vendor",
        "keyplate passwd: vendor has TLS 1.3 only, as before: --tls any makes it both"]
    assert versions(passwd)["vendor"] == ONLY13 and passwd.check("vendor", "another-one") == 0
    for argv in (("--user", "vendor", "--tls", "any"), ("--user", "old")):
        done = passwd("change", *argv, *change)
        assert done.returncode == 0 and done.stderr.count(b"\n") == 2
    assert versions(passwd) == {"vendor": BOTH, "old": BOTH}
    # What was chosen for a user ends with the user.
    passwd.ok("change", "--user", "old", "--tls", "1.3", *change)
    passwd.ok("remove", "--user", "old")
    passwd.add("old", "kestrel-4711")
    assert versions(passwd)["old"] == BOTH


def test_06_generate(passwd):
    """Goal: a generated password is the one of both halves."""
    label = passwd.ok("add", "--user", "admin", "--generate", "--device-id", "d").strip()
    _, srp, pake = rows(passwd)["admin"]
    assert pake == half("admin", label, "d")
    assert srp == srp_half("admin", label, bytes.fromhex(srp.split(":")[1]), 3072)


# ---- The first user without TLS 1.3 -------------------------------------------------------------

def test_10_refused_without_allow(passwd):
    """Goal: where all have TLS 1.3 nobody comes in who hasn't, by add, change or import, unless it
    is allowed; refused means that nothing is changed."""
    pw = passwd.password("kestrel-4711")
    first = "would be the only user of"
    passwd.add("admin", "kestrel-4711", "--group", 2048)
    passwd.add("vendor", "kestrel-4711", "--tls", "1.3")
    passwd.fails(1, f"old {first}", "add", "--user", "old", "--tls", "1.2", "--password-file", pw)
    for user in ("admin", "vendor"):
        passwd.fails(1, f"{user} {first}", "change", "--user", user, "--tls", "1.2",
                     "--password-file", pw)
    # Before a password is asked for: there is no terminal here.
    passwd.fails(1, "--allow-tls12", "add", "--user", "old", "--tls", "1.2")
    exported = passwd.directory / "srpv"
    other = type(passwd)(passwd.directory)
    other.file = passwd.directory / "other"
    other.add("imported", "kestrel-4711", "--group", 2048)
    other.ok("export", exported)
    passwd.fails(1, f"imported {first}", "import", exported)
    assert versions(passwd) == {"admin": BOTH, "vendor": ONLY13}
    passwd.ok("import", "--allow-tls12", exported)
    assert versions(passwd) == {"admin": BOTH, "vendor": ONLY13, "imported": ONLY12}
    assert passwd.check("imported", "kestrel-4711") == 0
    # Now that there is one, more make no difference.
    passwd.add("old", "kestrel-4711", "--tls", "1.2")
    passwd.ok("change", "--user", "admin", "--tls", "1.2", "--password-file", pw)
    passwd.ok("change", "--user", "admin", "--tls", "1.2", "--password-file", pw)
    assert versions(passwd)["admin"] == ONLY12


def test_11_new_and_empty_files(passwd):
    """Goal: in a file without users there is nothing to lose; after a remove what is left counts."""
    passwd.add("a", "kestrel-4711", "--tls", "1.2")
    passwd.add("b", "kestrel-4711")
    passwd.ok("remove", "--user", "a")
    pw = passwd.password("kestrel-4711")
    passwd.fails(1, "--allow-tls12", "add", "--user", "a", "--tls", "1.2", "--password-file", pw)
    passwd.ok("remove", "--user", "b")
    passwd.add("a", "kestrel-4711", "--tls", "1.2")
    passwd.add("b", "kestrel-4711", "--tls", "1.3", "--allow-tls12")
    assert versions(passwd) == {"a": ONLY12, "b": ONLY13}


# ---- What is said of it -------------------------------------------------------------------------

def test_20_list(passwd):
    """Goal: list has a line of four columns for each user, within 80 columns, and says what users
    without TLS 1.3 cost the others."""
    passwd.add("admin", "kestrel-4711", "--device-id", "unit")
    passwd.add("vendor", "kestrel-4711", "--tls", "1.3")
    passwd.add("old", "kestrel-4711", "--tls", "1.2", "--allow-tls12")
    done = passwd("list")
    assert done.stdout.decode() == ("device id: unit\n"
                                    f"admin\tgroup 3072\tgeneration 1\t{BOTH}\n"
                                    f"vendor\tno group\tgeneration 2\t{ONLY13}\n"
                                    f"old\tgroup 3072\tgeneration 3\t{ONLY12}\n")
    assert max(len(line.expandtabs()) for line in done.stdout.decode().splitlines()) <= 80
    assert done.stderr.decode() == f"keyplate passwd: {GETS_12} of old is changed\n"
    passwd.add("older", "kestrel-4711", "--tls", "1.2")
    done = passwd("list")
    assert done.stderr.decode() == \
        f"keyplate passwd: {GETS_12}s of the 2 users with TLS 1.2 only are changed\n"
    for user in ("old", "older"):
        passwd.ok("change", "--user", user, "--password-file", passwd.password("another-one"))
    assert passwd("list").stderr == b""


@pytest.mark.parametrize("form", ["openssl", "gnutls"])
def test_21_export(passwd, form):
    """Goal: export writes the SRP halves; who has none is named and left out, or refused if asked
    for; a file with nobody in it isn't written."""
    passwd.add("#vendor\\", "kestrel-4711", "--tls", "1.3")
    passwd.fails(1, "has TLS 1.3 only", "export", "--format", form)
    passwd.add("admin", "kestrel-4711")
    passwd.add("second", "kestrel-4711", "--tls", "1.3")
    passwd.fails(1, "second of", "export", "--format", form, "--user", "second")
    out = passwd.directory / "out"
    done = passwd("export", "--format", form, out)
    assert done.returncode == 0
    assert [line.split(" was")[0] for line in done.stderr.decode().splitlines()] == [
        "keyplate passwd: warning: #vendor\\x5c", "keyplate passwd: warning: second"]
    assert out.read_text().count("\n") == 1 and "admin" in out.read_text()
    assert passwd("export", "--format", form, "--user", "admin").stderr == b""
    other = type(passwd)(passwd.directory)
    other.file = passwd.directory / "other"
    other.ok("import", "--format", form, out)
    assert versions(other) == {"admin": ONLY12} and other.check("admin", "kestrel-4711") == 0


def test_22_no_memory(passwd):
    """Goal: without the memory that scrypt takes there is one clear sentence and no change."""
    passwd.add("admin", "kestrel-4711")

    def little():
        resource.setrlimit(resource.RLIMIT_DATA, (16 << 20, 16 << 20))
    pw = passwd.password("another-one")
    done = passwd("list", preexec_fn=little)
    if done.returncode != 0:
        pytest.skip("this build takes more memory from the start")
    passwd.fails(1, "32 MiB", "change", "--user", "admin", "--password-file", pw,
                 preexec_fn=little)
    passwd.fails(1, "32 MiB", "check", "--user", "admin", "--password-file", pw,
                 preexec_fn=little)
    assert passwd.check("admin", "kestrel-4711") == 0


# ---- Files of version 1 -------------------------------------------------------------------------

def test_30_version_1(passwd):
    """Goal: an older Keyplate's file works as it is, and nothing but a change writes it."""
    version_1(passwd, "admin", "guest")
    before = passwd.file.read_bytes()
    assert versions(passwd) == {"admin": ONLY12, "guest": ONLY12}
    assert passwd.check("admin", "kestrel-4711") == 0
    assert passwd.check("admin", "kestrel-4712") == 3
    assert len(passwd.ok("export").splitlines()) == 2
    passwd.fails(1, "already", "add", "--user", "admin", "--generate")
    assert passwd.file.read_bytes() == before


def test_31_upgrade(passwd):
    """Goal: the first change of any user makes it version 2; the others keep what they have, to the
    letter, until their own password is changed."""
    version_1(passwd, "admin", "guest")
    was = passwd.file.read_text().splitlines()
    passwd.ok("change", "--user", "guest", "--password-file", passwd.password("another-one"))
    now = passwd.file.read_text().splitlines()
    assert now[0] == "keyplate-credentials 2" and now[1:5] == was[1:5]
    assert now[6] == was[6] and now[7] != was[7]
    assert rows(passwd)["guest"][2] == half("guest", "another-one", "device.example")
    assert versions(passwd) == {"admin": ONLY12, "guest": BOTH}
    assert passwd("list").stderr.decode().endswith(f"{GETS_12} of admin is changed\n")
    for user, password in (("admin", "kestrel-4711"), ("guest", "another-one")):
        assert passwd.check(user, password) == 0
    passwd.ok("change", "--user", "admin", "--password-file", passwd.password("another-one"))
    assert versions(passwd) == {"admin": BOTH, "guest": BOTH}


@pytest.mark.parametrize("change", ["add", "remove", "import"])
def test_32_any_change_upgrades(passwd, change):
    """Goal: whatever changes a file of version 1 leaves version 2."""
    version_1(passwd, "admin", "guest")
    exported = passwd.directory / "srpv"
    passwd.ok("export", "--user", "guest", exported)
    if change == "add":
        passwd.add("new", "kestrel-4711")
    else:
        passwd.ok("remove", "--user", "guest")
    if change == "import":
        passwd.ok("import", exported)
    assert passwd.file.read_text().startswith("keyplate-credentials 2\n")
    assert versions(passwd)["admin"] == ONLY12


@pytest.mark.parametrize("pake, words", [
    (f"{'0' * 64}:{BIG_L}", "w0 is damaged"), (f"{W0.upper()}:{BIG_L}", "w0 is damaged"),
    (f"{W0}:{BIG_L[:-1]}8", "L is not a point"), (f"{W0}:03{BIG_L[2:66]}", "L is damaged"),
    (W0, "w0:L"), ("--", "w0:L")], ids=range(6))
def test_33_wrong_halves(passwd, pake, words):
    """Goal: a line that is whole and wrong is refused by its number, and so is a user of neither
    half, and a SPAKE2+ half in version 1."""
    srp = srp_half("b", "kestrel-4711", bytes(range(1, 17)))
    write(passwd, 2, [("a", "-", f"{W0}:{BIG_L}"), ("b", srp, pake)])
    passwd.fails(1, f"line 8: {'' if 'w0:' not in words else 'the SPAKE2+ half is not '}{words}",
                 "list")
    write(passwd, 2, [("a", "-", "-")])
    passwd.fails(1, "line 7: the user has neither", "list")
    write(passwd, 1, [("a", srp, f"{W0}:{BIG_L}")])
    passwd.fails(1, "line 7: the user has a SPAKE2+ half", "list")
    write(passwd, 2, [("a", srp, f"{W0}:{BIG_L}")])
    assert versions(passwd) == {"a": BOTH}
