"""Goal: the model itself computes what the RFCs and BoringSSL compute, byte for byte."""
import pathlib
import socket
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from . import p256, rfc_vectors, schedule, spake2plus
from .client import Client, ClientConfig
from .constants import BORINGSSL, ContentType, HandshakeType, IETF, SUITES
from .messages import message
from .records import Protection
from .server import Server, ServerConfig

SUITE_CODES = {"TLS_AES_128_GCM_SHA256": 0x1301, "TLS_AES_256_GCM_SHA384": 0x1302}


def read_vectors():
    """{section: {name: bytes}} of pake_vectors.txt"""
    sections, rows = {}, None
    path = pathlib.Path(__file__).parent / "pake_vectors.txt"
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith("["):
            rows = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name, _, value = line.partition(" ")
            rows[name] = bytes.fromhex(value)
    return sections


VECTORS = read_vectors()
RUN = VECTORS["run"]


def integer(data):
    return int.from_bytes(data, "big")


# --- the curve ---

def test_curve_constants():
    assert all(p256.on_curve(point) for point in (p256.BASE, spake2plus.M, spake2plus.N))
    assert p256.multiply(p256.ORDER, p256.BASE) is None
    assert p256.add(p256.multiply(p256.ORDER - 1, p256.BASE), p256.BASE) is None


def test_multiplication_agrees_with_addition():
    total = None
    for count in range(1, 20):
        total = p256.add(total, spake2plus.M)
        assert p256.multiply(count, spake2plus.M) == total


@pytest.mark.parametrize("data", [
    b"", b"\0", bytes(65), b"\4" + bytes(64), p256.encode(p256.BASE)[:-1],
    p256.encode(p256.BASE) + b"\0", b"\6" + p256.encode(p256.BASE)[1:],
    b"\2" + p256.encode(p256.BASE)[1:33], b"\4" + b"\xff" * 64])
def test_what_is_no_point(data):
    with pytest.raises(p256.NotAPoint):
        p256.decode(data)


# --- SPAKE2+ ---

def check_run(vector, identities, context, secret):
    """Both sides of a run against every value of a vector."""
    x, y = integer(vector["x"]), integer(vector["y"])
    share_p = spake2plus.share(x, secret.w0, spake2plus.M)
    share_v = spake2plus.share(y, secret.w0, spake2plus.N)
    assert p256.encode(share_p) == vector["shareP"]
    assert p256.encode(share_v) == vector["shareV"]
    assert p256.encode(secret.verifier().big_l) == vector["L"]
    z, v = spake2plus.prover_points(secret, x, share_v)
    assert (z, v) == spake2plus.verifier_points(secret.verifier(), y, share_p)
    assert p256.encode(z) == vector["Z"] and p256.encode(v) == vector["V"]
    tt = spake2plus.transcript(context, *identities, vector["shareP"], vector["shareV"], z, v,
                               secret.w0)
    keys = spake2plus.derive(tt, vector["shareP"], vector["shareV"])
    assert tt == vector.get("TT", tt)
    assert keys.k_main == vector["K_main"] and keys.k_shared == vector["K_shared"]
    assert keys.k_confirm_p == vector["K_confirmP"] and keys.k_confirm_v == vector["K_confirmV"]
    assert keys.confirm_p == vector["confirmP"] and keys.confirm_v == vector["confirmV"]


def test_rfc_9383_appendix_c():
    vector = rfc_vectors.SPAKE2PLUS
    secret = spake2plus.Secret(integer(vector["w0"]), integer(vector["w1"]))
    check_run(vector, rfc_vectors.SPAKE2PLUS_IDENTITIES, rfc_vectors.SPAKE2PLUS_CONTEXT, secret)


def test_registration():
    inputs = RUN["password"], RUN["idProver"], RUN["idVerifier"]
    assert spake2plus.mhf_input(*inputs) == RUN["mhf_input"]
    assert spake2plus.mhf_output(*inputs) == RUN["mhf_output"]
    secret = spake2plus.register(*inputs)
    assert (secret.w0, secret.w1) == (integer(RUN["w0"]), integer(RUN["w1"]))


def test_boringssl_run():
    secret = spake2plus.Secret(integer(RUN["w0"]), integer(RUN["w1"]))
    check_run(RUN, (RUN["idProver"], RUN["idVerifier"]), RUN["context"], secret)


def test_forms_differ_by_context():
    assert spake2plus.CONTEXT == {IETF: b"tls", BORINGSSL: b""}


def test_forms_differ_by_the_slot():
    assert schedule.slot(IETF, b"shared", b"dhe") == b"shareddhe"
    assert schedule.slot(BORINGSSL, b"shared", b"") == b"shared"


def test_a_share_that_cancels_the_mask():
    secret = spake2plus.Secret(7, 11)
    with pytest.raises(spake2plus.Infinity):
        spake2plus.verifier_points(secret.verifier(), 5, spake2plus.masked(7, spake2plus.M))
    with pytest.raises(spake2plus.Infinity):
        spake2plus.prover_points(secret, 5, spake2plus.masked(7, spake2plus.N))


# --- RFC 8448 ---

def rfc8448_schedule():
    vector = rfc_vectors.SIMPLE
    private = X25519PrivateKey.from_private_bytes(vector["client_private"])
    shared = private.exchange(X25519PublicKey.from_public_bytes(vector["server_public"]))
    assert shared == vector["shared"]
    transcript = schedule.Transcript()
    transcript.add(vector["client_hello"])
    transcript.add(vector["server_hello"])
    assert transcript.hash("sha256") == vector["hello_hash"]
    made = schedule.Schedule("sha256")
    made.enter_handshake(shared, transcript.hash("sha256"))
    made.enter_application(vector["finished_hash"])
    made.enter_resumption(vector["whole_hash"])
    return made


@pytest.mark.parametrize("name", [
    "early", "handshake", "client_handshake", "server_handshake", "master", "client_application",
    "server_application", "exporter_master", "resumption_master"])
def test_rfc_8448_schedule(name):
    assert getattr(rfc8448_schedule(), name) == rfc_vectors.SIMPLE[name]


def test_rfc_8448_keys_and_finished():
    vector, made = rfc_vectors.SIMPLE, rfc8448_schedule()
    assert schedule.traffic_keys(SUITES[0x1301], made.server_handshake) == (
        vector["server_handshake_key"], vector["server_handshake_iv"])
    data = schedule.finished("sha256", made.client_handshake, vector["finished_hash"])
    assert data == vector["client_finished"]
    protection = Protection(SUITES[0x1301], made.client_handshake)
    inner = message(HandshakeType.FINISHED, data) + bytes([ContentType.HANDSHAKE])
    assert protection.seal(inner) == vector["client_finished_record"]


def test_rfc_8448_resumption():
    vector, resumed = rfc_vectors.SIMPLE, rfc_vectors.RESUMED
    psk = schedule.resumption_psk("sha256", vector["resumption_master"], vector["ticket_nonce"])
    assert psk == vector["resumption_psk"]
    assert schedule.binder_key("sha256", psk) == resumed["binder_key"]
    binder = schedule.finished("sha256", resumed["binder_key"], resumed["binder_hash"])
    assert binder == resumed["binder"]


# --- whole handshakes in BoringSSL's form ---

def fixed_pair(suite):
    """A client and a server with the vectors' fixed values, after their handshake."""
    one, two = socket.socketpair()
    secret = spake2plus.register(RUN["password"], RUN["idProver"], RUN["idVerifier"])
    client = Client(one, ClientConfig(
        form=BORINGSSL, user=RUN["idProver"], device_id=RUN["idVerifier"], secret=secret,
        suites=(suite,), session_id=b"", random=bytes(range(32)), x=integer(RUN["x"])))
    server = Server(two, ServerConfig(
        verifiers={RUN["idProver"]: secret.verifier()}, device_id=RUN["idVerifier"],
        random=bytes(range(32, 64)), y=integer(RUN["y"])))
    thread = threading.Thread(target=server.start, daemon=True)
    thread.start()
    client.start()
    thread.join(10)
    return client, server


@pytest.fixture(scope="module", params=SUITE_CODES)
def traced(request):
    client, server = fixed_pair(SUITE_CODES[request.param])
    yield VECTORS[request.param], client, server
    client.records.sock.close()
    server.records.sock.close()


def test_handshake_messages(traced):
    vector, client, server = traced
    assert client.messages["client_hello"] == vector["ClientHello"]
    assert server.messages["server_hello_bytes"] == vector["ServerHello"]
    assert server.messages["encrypted_extensions"] == vector["EncryptedExtensions"]
    assert server.messages["finished"] == vector["server_Finished"]
    assert client.messages["finished"] == vector["client_Finished"]


def test_handshake_secrets(traced):
    vector, client, server = traced
    for made in client.schedule, server.schedule:
        assert made.early == vector["early_secret"]
        assert made.handshake == vector["handshake_secret"]
        assert made.client_handshake == vector["client_hs_traffic"]
        assert made.server_handshake == vector["server_hs_traffic"]
        assert made.master == vector["master_secret"]
        assert made.client_application == vector["client_ap_traffic_0"]
        assert made.server_application == vector["server_ap_traffic_0"]
        assert made.exporter_master == vector["exporter_master"]
    transcript = schedule.Transcript()
    transcript.add(vector["ClientHello"])
    transcript.add(vector["ServerHello"])
    assert transcript.hash(client.suite.hash_name) == vector["hash_CH_SH"]


def test_handshake_keys(traced):
    vector, client, _ = traced
    for side in "client", "server":
        secret = getattr(client.schedule, f"{side}_handshake")
        assert schedule.traffic_keys(client.suite, secret) == (
            vector[f"{side}_hs_key"], vector[f"{side}_hs_iv"])


def test_handshake_records(traced):
    vector, client, server = traced
    assert server.records.sent[-1] == vector["record_server_EE_and_Finished"]
    assert client.records.sent[1] == vector["record_client_Finished"]
    client.send(b"ping\n")
    assert client.records.sent[2] == vector["record_client_appdata_ping_LF"]
    assert server.read() == b"ping\n"


def test_exporters(traced):
    vector, client, server = traced
    expected = vector["exporter_EXPORTER_peers_check_32"]
    assert client.export(b"EXPORTER-peers-check", b"", 32) == expected
    assert server.export(b"EXPORTER-peers-check", b"", 32) == expected
