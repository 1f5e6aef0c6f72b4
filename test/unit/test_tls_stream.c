/*
 * integrations/common: a server's stream and a client's engine, with a wire in memory between them.
 */
#include "tls_ends.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "harness.h"
#include "tls_stream.h"

#define BIG (1u << 20)

static struct kp_text good, changed, moved, with_old, without;
static struct kp_context *client_context;
static struct kp_login *right, *wrong, *nobody, *renewed, *old, *only12, *elsewhere;
static struct kp_tls_server *server;

/* ---- Two ends ------------------------------------------------------------------------------ */

struct ends {
    struct kp_tls_stream *stream;
    struct kp_conn *client;
    struct bytes up, down; /* to the server, to the client: all that was sent */
    size_t up_given, down_given;
    size_t window;         /* bytes that wait on the way down, at most; 0: any */
    size_t chunk;          /* bytes that a call of the wire moves, at most; 0: any */
    size_t sends;          /* calls */
    bool fin;              /* behind what goes up */
    bool up_broken;        /* behind what goes up */
    bool down_broken;      /* nothing more goes down */
    struct bytes heard[2]; /* plaintext, by who heard it */
    ssize_t last;          /* what the last read of the stream gave that wasn't plaintext */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static ssize_t wire_recv(void *arg, uint8_t *room, size_t len)
{
    struct ends *e = arg;
    len = least(len, e->up.len - e->up_given);
    if (len == 0)
        return e->up_broken ? KP_TLS_WIRE_BROKEN : e->fin ? 0 : KP_TLS_WIRE_AGAIN;
    len = e->chunk > 0 ? least(len, e->chunk) : len;
    memcpy(room, e->up.data + e->up_given, len);
    e->up_given += len;
    return (ssize_t)len;
}

static ssize_t wire_send(void *arg, const uint8_t *bytes, size_t len)
{
    struct ends *e = arg;
    size_t waits = e->down.len - e->down_given;
    assert_true(len > 0);
    e->sends++;
    if (e->down_broken)
        return KP_TLS_WIRE_BROKEN;
    if (e->window > 0)
        len = least(len, waits < e->window ? e->window - waits : 0);
    len = e->chunk > 0 ? least(len, e->chunk) : len;
    if (len == 0)
        return KP_TLS_WIRE_AGAIN;
    bytes_add(&e->down, bytes, len);
    return (ssize_t)len;
}

static const struct kp_tls_wire wire = {wire_recv, wire_send};

static int accept_from(struct ends *e, const char *address)
{
    struct sockaddr_in peer = {.sin_family = AF_INET};
    memset(e, 0, sizeof *e);
    assert_int_equal(inet_pton(AF_INET, address, &peer.sin_addr), 1);
    return kp_tls_stream_new(&e->stream, server, (const struct sockaddr *)&peer, &wire, e);
}

static void dial_with(struct ends *e, const char *address, const struct kp_login *login,
                      const struct kp_session *session)
{
    assert_int_equal(accept_from(e, address), 0);
    assert_int_equal(kp_conn_new(&e->client, client_context, START), 0);
    assert_int_equal(kp_conn_connect(e->client, login, session, NULL), 0);
}

static void dial(struct ends *e, const struct kp_login *login)
{
    dial_with(e, "192.0.2.7", login, NULL);
}

static void hang_up(struct ends *e)
{
    kp_tls_stream_free(e->stream);
    kp_conn_free(e->client);
    bytes_free(&e->up);
    bytes_free(&e->down);
    bytes_free(&e->heard[0]);
    bytes_free(&e->heard[1]);
    memset(e, 0, sizeof *e);
}

/* What the client has to say, and what it hears.  Whether anything moved. */
static bool client_moves(struct ends *e)
{
    size_t len, before = e->up.len + e->down_given + e->heard[KP_CLIENT].len;
    const uint8_t *bytes;
    while (e->down_given < e->down.len) {
        uint8_t *room = kp_wire_in_room(e->client, &len);
        len = least(len, e->down.len - e->down_given);
        if (len == 0)
            break;
        memcpy(room, e->down.data + e->down_given, len);
        e->down_given += len;
        (void)!kp_wire_in_done(e->client, len);
        while ((bytes = kp_app_out(e->client, &len)) != NULL) {
            bytes_add(&e->heard[KP_CLIENT], bytes, len);
            kp_app_out_done(e->client, len);
        }
    }
    while ((bytes = kp_wire_out(e->client, &len)) != NULL) {
        bytes_add(&e->up, bytes, len);
        kp_wire_out_done(e->client, len);
    }
    return e->up.len + e->down_given + e->heard[KP_CLIENT].len != before;
}

/* The stream is read until it has nothing more. */
static bool server_moves(struct ends *e)
{
    size_t before = e->up_given + e->down.len + e->heard[KP_SERVER].len;
    uint8_t room[5000];
    e->last = 1;
    while (e->last > 0) {
        e->last = kp_tls_stream_read(e->stream, room, sizeof room);
        if (e->last > 0)
            bytes_add(&e->heard[KP_SERVER], room, (size_t)e->last);
    }
    return e->up_given + e->down.len + e->heard[KP_SERVER].len != before;
}

static void run(struct ends *e)
{
    bool moves = true;
    while (moves) {
        moves = client_moves(e);
        moves = server_moves(e) || moves;
    }
}

static uint16_t version_of(const struct ends *e)
{
    struct kp_info info;
    kp_tls_stream_info(e->stream, &info);
    return info.version;
}

/* Both are proved. */
static void is_proved(const struct ends *e)
{
    assert_int_equal(e->last, KP_TLS_AGAIN);
    assert_true(kp_tls_stream_is_proved(e->stream));
    assert_true(kp_conn_state(e->client) & KP_PROVED);
}

static void connect_as(struct ends *e, const struct kp_login *login)
{
    dial(e, login);
    run(e);
    is_proved(e);
}

/* The stream failed so, and does so whatever is asked of it. */
static void has_failed(struct ends *e, int error)
{
    uint8_t byte = 0;
    assert_false(kp_tls_stream_is_proved(e->stream));
    assert_int_equal(kp_tls_stream_read(e->stream, &byte, 1), error);
    assert_int_equal(kp_tls_stream_handshake(e->stream), error);
    assert_int_equal(kp_tls_stream_write(e->stream, &byte, 1), error);
    assert_int_equal(kp_tls_stream_flush(e->stream), error);
    assert_int_equal(kp_tls_stream_shutdown(e->stream), error);
    assert_true(kp_tls_stream_has_plaintext(e->stream));
}

static void client_says(struct ends *e, const void *bytes, size_t len)
{
    size_t used;
    while (len > 0) {
        assert_int_equal(kp_app_in(e->client, bytes, len, &used), 0);
        bytes = (const uint8_t *)bytes + used;
        len -= used;
        (void)client_moves(e);
    }
}

/* Until all is taken, run in between. */
static void server_says(struct ends *e, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t took = kp_tls_stream_write(e->stream, bytes + at, len - at);
        if (took == KP_TLS_AGAIN)
            assert_true(kp_tls_stream_waits_to_send(e->stream));
        else
            assert_true(took > 0);
        at += took > 0 ? (size_t)took : 0;
        (void)client_moves(e);
    }
    run(e);
}

static void heard(struct ends *e, enum kp_role who, const void *bytes, size_t len)
{
    assert_int_equal(e->heard[who].len, len);
    assert_memory_equal(e->heard[who].data, bytes, len);
    e->heard[who].len = 0;
}

/* A word each way. */
static void talks(struct ends *e)
{
    client_says(e, "GET", 3);
    run(e);
    heard(e, KP_SERVER, "GET", 3);
    server_says(e, (const uint8_t *)"200", 3);
    heard(e, KP_CLIENT, "200", 3);
}

/* ---- The tests' own ------------------------------------------------------------------------ */

static struct kp_login *login_of(const char *name, const char *password, const char *device)
{
    struct kp_login *login;
    const uint8_t *secret = (const uint8_t *)password;
    assert_int_equal(
        kp_login_new(&login, client_context, name, strlen(name), secret, strlen(password)), 0);
    if (device != NULL)
        assert_int_equal(kp_login_device(login, secret, strlen(password), (const uint8_t *)device,
                                         strlen(device)),
                         0);
    return login;
}

static int set_up_all(void **state)
{
    static const char *const http[] = {"http/1.1"};
    const struct kp_settings settings = {.role = KP_CLIENT, .alpn = http, .alpn_count = 1};
    (void)state;
    good = file_text(DEVICE, PASSWORD, false);
    changed = file_text(DEVICE, OTHER_PASSWORD, false);
    moved = file_text("elsewhere", PASSWORD, false);
    with_old = file_text(DEVICE, PASSWORD, true);
    without = file_text(DEVICE, NULL, false);
    assert_int_equal(kp_context_new(&client_context, &settings), 0);
    right = login_of("admin", PASSWORD, DEVICE);
    wrong = login_of("admin", "wrong", DEVICE);
    nobody = login_of("no\"body", PASSWORD, DEVICE);
    renewed = login_of("admin", OTHER_PASSWORD, DEVICE);
    old = login_of("old", PASSWORD, DEVICE);
    only12 = login_of("admin", PASSWORD, NULL);
    elsewhere = login_of("admin", PASSWORD, "elsewhere");
    return 0;
}

static int tear_down_all(void **state)
{
    struct kp_login *logins[] = {right, wrong, nobody, renewed, old, only12, elsewhere};
    struct kp_text *texts[] = {&good, &changed, &moved, &with_old, &without};
    (void)state;
    for (size_t i = 0; i < COUNT(logins); i++)
        kp_login_free(logins[i]);
    for (size_t i = 0; i < COUNT(texts); i++)
        kp_text_clear(texts[i]);
    kp_context_free(client_context);
    return 0;
}

static void restart(const struct kp_tls_server_options *options)
{
    kp_tls_server_close(server);
    server = open_server(options);
}

static int set_up(void **state)
{
    const struct kp_tls_server_options options = {.streams_max = 0};
    (void)state;
    ahead = 0;
    hush();
    open_folder();
    put_file(credentials, good.data, 0600);
    server = open_server(&options);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kp_tls_server_close(server);
    server = NULL;
    close_folder();
    return 0;
}

static void reload_with(const struct kp_text *text)
{
    put_file(credentials, text->data, 0600);
    kp_tls_server_look(server);
    assert_int_equal(times_said("is in force"), 1);
    hush();
}

static uint8_t *big(void)
{
    uint8_t *bytes = malloc(BIG);
    assert_non_null(bytes);
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8) * 3 + (i >> 16));
    return bytes;
}

/* ---- The handshake ------------------------------------------------------------------------- */

static void test_tls13(void **state)
{
    struct kp_info info;
    struct ends e;
    (void)state;
    connect_as(&e, right);
    kp_tls_stream_info(e.stream, &info);
    assert_int_equal(info.version, 0x0304);
    assert_string_equal(info.user, "admin");
    assert_string_equal(info.alpn, "http/1.1");
    assert_int_equal(times_said("0 admin was proved from 192.0.2.7 by SPAKE2+, TLSv1.3, TLS_"), 1);
    talks(&e);
    hang_up(&e);
}

static void test_tls12(void **state)
{
    struct ends e;
    (void)state;
    connect_as(&e, only12);
    assert_int_equal(version_of(&e), 0x0303);
    assert_int_equal(times_said("0 admin was proved from 192.0.2.7 by SRP, TLSv1.2, SRP-AES-"), 1);
    talks(&e);
    hang_up(&e);
}

/* One who has TLS 1.2 alone makes that of all who offer both. */
static void test_prefers_tls12(void **state)
{
    struct ends e;
    (void)state;
    put_file(credentials, with_old.data, 0600);
    kp_tls_server_look(server);
    connect_as(&e, right);
    assert_int_equal(version_of(&e), 0x0303);
    hang_up(&e);
    connect_as(&e, old);
    hang_up(&e);
}

static void test_versions(void **state)
{
    const struct kp_tls_server_options only = {.versions = KP_USE_TLS12};
    const struct kp_tls_server_options none = {.versions = KP_USE_TLS13, .no_tickets = true};
    struct ends e;
    (void)state;
    restart(&only);
    connect_as(&e, right);
    assert_int_equal(version_of(&e), 0x0303);
    hang_up(&e);
    restart(&none);
    connect_as(&e, right);
    talks(&e);
    assert_null(kp_conn_session(e.client));
    hang_up(&e);
    dial(&e, only12);
    run(&e);
    has_failed(&e, KP_E_VERSION);
    assert_int_equal(kp_conn_peer_alert(e.client), 70);
    hang_up(&e);
}

static void test_protocol(void **state)
{
    static const char *const mine[] = {"mine"};
    const struct kp_tls_server_options options = {.alpn = mine, .alpn_count = 1};
    struct ends e;
    (void)state;
    restart(&options);
    dial(&e, right);
    run(&e);
    has_failed(&e, KP_E_NO_ALPN);
    hang_up(&e);
}

/* Whatever the wire takes at a time, and however full it is. */
static void test_small_wires(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 5, 7, 64, 1000};
    const struct kp_login *const logins[] = {right, only12};
    struct ends e;
    int result;
    (void)state;
    for (size_t i = 0; i < 4 * COUNT(sizes); i++) {
        dial(&e, logins[i / 2 % 2]);
        *(i % 2 != 0 ? &e.chunk : &e.window) = sizes[i / 4];
        run(&e);
        is_proved(&e);
        talks(&e);
        result = kp_tls_stream_shutdown(e.stream);
        assert_int_equal(result, kp_tls_stream_waits_to_send(e.stream) ? KP_TLS_AGAIN : 0);
        while (kp_tls_stream_flush(e.stream) == KP_TLS_AGAIN)
            assert_true(client_moves(&e));
        run(&e);
        assert_true(kp_conn_state(e.client) & KP_PEER_ENDED);
        hang_up(&e);
    }
}

/* A wire that takes so many bytes and then none for a while, for every number of them. */
static void test_full_wire(void **state)
{
    const struct kp_login *const logins[] = {right, only12};
    struct ends e;
    (void)state;
    for (unsigned which = 0; which < 2; which++) {
        size_t all;
        connect_as(&e, logins[which]);
        all = e.down.len;
        hang_up(&e);
        for (size_t stop = 1; stop <= all; stop += stop < 40 ? 1 : 37) {
            dial(&e, logins[which]);
            e.window = stop;
            for (unsigned i = 0; i < 4; i++) { /* the client doesn't read */
                (void)server_moves(&e);
                assert_int_equal(e.last, KP_TLS_AGAIN);
                if (e.down.len == stop && kp_tls_stream_waits_to_send(e.stream))
                    assert_int_equal(kp_tls_stream_flush(e.stream), KP_TLS_AGAIN);
                if (i == 0)
                    (void)client_moves(&e);
            }
            e.window = 0;
            run(&e);
            is_proved(&e);
            hang_up(&e);
        }
    }
}

/* What is said to be sent is on the wire; bytes that wait are sealed once. */
static void test_send(void **state)
{
    const char *const text = "0123456789";
    struct ends e;
    size_t before;
    (void)state;
    connect_as(&e, right);
    before = e.down.len;
    e.window = 1;
    assert_int_equal(kp_tls_stream_send(e.stream, text, 8), KP_TLS_AGAIN);
    assert_int_equal(kp_tls_stream_send(e.stream, text, 10), KP_TLS_AGAIN);
    assert_int_equal(e.down.len, before + 1);
    e.window = 0;
    assert_int_equal(kp_tls_stream_send(e.stream, text, 10), 8);
    assert_false(kp_tls_stream_waits_to_send(e.stream));
    assert_int_equal(kp_tls_stream_send(e.stream, text + 8, 2), 2);
    (void)client_moves(&e);
    heard(&e, KP_CLIENT, text, 10);
    hang_up(&e);
}

/* ---- Guesses ------------------------------------------------------------------------------- */

static void test_wrong_password(void **state)
{
    const struct kp_login *const logins[] = {wrong, nobody, elsewhere};
    struct ends e;
    (void)state;
    for (size_t i = 0; i < COUNT(logins); i++) {
        hush();
        dial(&e, logins[i]);
        run(&e);
        has_failed(&e, KP_E_PROOF);
        assert_int_equal(kp_conn_error(e.client), KP_E_PROOF);
        assert_int_equal(times_said("1 a proof failed"), 1);
        assert_int_equal(times_said("from 192.0.2.7"), 1);
        assert_int_equal(times_said(i == 1 ? "\"no\\x22body\"" : "\"admin\""), 1);
        assert_int_equal(times_said("\n"), 1);
        hang_up(&e);
        assert_int_equal(times_said("\n"), 1);
    }
}

static void test_wrong_password_tls12(void **state)
{
    const struct kp_tls_server_options only = {.versions = KP_USE_TLS12};
    const struct kp_login *const logins[] = {wrong, nobody};
    struct ends e;
    (void)state;
    restart(&only);
    for (size_t i = 0; i < COUNT(logins); i++) {
        hush();
        dial(&e, logins[i]);
        run(&e);
        has_failed(&e, KP_E_PROOF);
        assert_int_equal(kp_conn_error(e.client), KP_E_PROOF); /* by the alert */
        assert_int_equal(times_said("1 a proof failed"), 1);
        hang_up(&e);
    }
}

/* The alert comes, however full the wire was. */
static void test_alert_on_full_wire(void **state)
{
    const struct kp_tls_server_options only = {.versions = KP_USE_TLS12};
    struct ends e;
    (void)state;
    restart(&only);
    dial(&e, wrong);
    e.window = 1;
    run(&e);
    has_failed(&e, KP_E_PROOF);
    run(&e);
    assert_int_equal(kp_conn_peer_alert(e.client), 20);
    assert_false(kp_tls_stream_waits_to_send(e.stream));
    hang_up(&e);
}

/* Who hangs up when it could tell has guessed, too. */
static void test_guess_is_said_whatever_the_end(void **state)
{
    struct ends e;
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        hush();
        dial(&e, wrong);
        (void)client_moves(&e);
        (void)server_moves(&e);
        assert_int_equal(times_said("\n"), 0);
        e.fin = how == 1;
        e.up_broken = how == 2;
        if (how > 0) {
            (void)server_moves(&e);
            has_failed(&e, KP_E_TRUNCATED);
        }
        hang_up(&e);
        assert_int_equal(times_said("1 a proof failed"), 1);
        assert_int_equal(times_said("\n"), 1);
    }
}

static void test_throttle(void **state)
{
    const struct kp_tls_server_options options = {.streams_max = 0};
    struct ends e;
    (void)state;
    for (unsigned i = 0; i < 17; i++) {
        hush();
        dial(&e, wrong);
        run(&e);
        has_failed(&e, KP_E_PROOF);
        assert_int_equal(times_said("1 a proof failed"), i < 16);
        assert_int_equal(times_said("1 a handshake"), i == 16);
        assert_int_equal(times_said("was not judged"), i == 16);
        hang_up(&e);
    }
    /* The right password isn't judged either, nor after a restart. */
    restart(&options);
    dial(&e, right);
    run(&e);
    has_failed(&e, KP_E_PROOF);
    assert_int_equal(kp_conn_error(e.client), KP_E_PROOF);
    hang_up(&e);
    dial_with(&e, "192.0.2.8", right, NULL);
    run(&e);
    is_proved(&e);
    hang_up(&e);
    ahead += 61;
    connect_as(&e, right);
    hang_up(&e);
}

/* Only a proof gives its token back. */
static void test_proofs_are_free(void **state)
{
    struct ends e;
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        connect_as(&e, i % 2 != 0 ? right : only12);
        hang_up(&e);
    }
}

/* IPv6 by 64 bits; all without an address are one. */
static void test_sources(void **state)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    const struct sockaddr_un local = {.sun_family = AF_UNIX};
    const struct sockaddr *const peers[] = {(const struct sockaddr *)&six,
                                            (const struct sockaddr *)&local, NULL};
    static const char *const texts[] = {
        "from 2001:db8::7:", "from a local socket:", "from a local socket:"};
    struct ends e;
    (void)state;
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::7", &six.sin6_addr), 1);
    for (size_t i = 0; i < COUNT(peers); i++) {
        hush();
        memset(&e, 0, sizeof e);
        assert_int_equal(kp_tls_stream_new(&e.stream, server, peers[i], &wire, &e), 0);
        assert_int_equal(kp_conn_new(&e.client, client_context, 0), 0);
        assert_int_equal(kp_conn_connect(e.client, wrong, NULL, NULL), 0);
        run(&e);
        assert_int_equal(times_said(texts[i]), 1);
        hang_up(&e);
    }
}

/* ---- Others than clients -------------------------------------------------------------------- */

static void test_plain_http(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: device\r\n\r\n";
    struct ends e;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        hush();
        assert_int_equal(accept_from(&e, "192.0.2.7"), 0);
        e.chunk = i;
        e.window = i * 100;
        bytes_add(&e.up, request, strlen(request));
        (void)server_moves(&e);
        while (kp_tls_stream_waits_to_send(e.stream)) {
            e.down_given = e.down.len;
            assert_int_equal(kp_tls_stream_flush(e.stream), KP_E_HTTP);
        }
        has_failed(&e, KP_E_HTTP);
        bytes_add(&e.down, "", 1);
        assert_memory_equal(e.down.data, "HTTP/1.1 400 Bad Request\r\n", 26);
        assert_non_null(strstr((const char *)e.down.data, "\r\n\r\nThis port speaks TLS"));
        assert_string_equal((const char *)e.down.data + e.down.len - 11, "ADDRESS`.\n");
        assert_int_equal(times_said("0 a handshake from 192.0.2.7 failed: plain HTTP"), 1);
        hang_up(&e);
    }
}

static void test_noise(void **state)
{
    struct ends e;
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(accept_from(&e, "192.0.2.7"), 0);
        bytes_add(&e.up, "SSH-2.0-OpenSSH_9.2\r\n", 21);
        (void)server_moves(&e);
        has_failed(&e, KP_E_NOT_TLS);
        assert_int_equal(e.down.len, 0);
        hang_up(&e);
    }
    assert_true(times_said("doesn't speak TLS") <= 40 && times_said("\n") < 42);
    assert_true(times_said("doesn't speak TLS") >= 20);
}

static void test_silence(void **state)
{
    struct ends e;
    (void)state;
    assert_int_equal(accept_from(&e, "192.0.2.7"), 0);
    assert_int_equal(kp_tls_stream_handshake(e.stream), KP_TLS_AGAIN);
    assert_int_equal(kp_tls_stream_write(e.stream, "x", 1), KP_TLS_AGAIN);
    assert_int_equal(kp_tls_stream_flush(e.stream), 0);
    assert_int_equal(kp_tls_stream_shutdown(e.stream), 0);
    assert_false(kp_tls_stream_has_plaintext(e.stream));
    assert_false(kp_tls_stream_waits_to_send(e.stream));
    hang_up(&e);
    assert_string_equal(said, "");
    kp_tls_stream_free(NULL);
}

/* ---- Many and late -------------------------------------------------------------------------- */

static void test_late(void **state)
{
    const struct kp_tls_server_options options = {.handshake_seconds = 5};
    struct ends e[4], proved;
    uint8_t byte;
    (void)state;
    restart(&options);
    connect_as(&proved, right);
    for (size_t i = 0; i < COUNT(e); i++) {
        dial(&e[i], right);
        (void)client_moves(&e[i]);
        (void)server_moves(&e[i]); /* it could check its password by now */
    }
    ahead += 3;
    kp_tls_server_look(server);
    assert_int_equal(kp_tls_stream_handshake(e[0].stream), KP_TLS_AGAIN);
    ahead += 2;
    hush();
    assert_int_equal(kp_tls_stream_write(e[0].stream, "x", 1), KP_E_TRUNCATED);
    assert_int_equal(kp_tls_stream_flush(e[1].stream), KP_E_TRUNCATED);
    assert_int_equal(kp_tls_stream_read(e[2].stream, &byte, 1), KP_E_TRUNCATED);
    kp_tls_server_look(server);
    assert_true(kp_tls_stream_has_plaintext(e[3].stream));
    assert_int_equal(times_said("a proof failed"), 4);
    assert_int_equal(times_said("took too long"), 4);
    for (size_t i = 0; i < COUNT(e); i++) {
        run(&e[i]);
        has_failed(&e[i], KP_E_TRUNCATED);
        hang_up(&e[i]);
    }
    talks(&proved);
    hang_up(&proved);
    kp_tls_server_look(server);
}

static void test_flood(void **state)
{
    const struct kp_tls_server_options options = {.streams_max = 16, .handshake_seconds = 5};
    struct ends e[16], more;
    (void)state;
    restart(&options);
    for (size_t i = 0; i < COUNT(e); i++)
        assert_int_equal(accept_from(&e[i], "192.0.2.9"), 0);
    assert_int_equal(accept_from(&more, "192.0.2.7"), KP_E_FLOOD);
    assert_null(more.stream);
    assert_int_equal(times_said("1 a connection was refused"), 1);
    /* From the middle, the start and the end of the list. */
    hang_up(&e[7]);
    hang_up(&e[0]);
    hang_up(&e[15]);
    for (size_t i = 0; i < 3; i++) {
        connect_as(&more, right);
        talks(&more);
        hang_up(&more);
    }
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(accept_from(&e[i == 0 ? 7 : i == 1 ? 0 : 15], "192.0.2.9"), 0);
    assert_int_equal(accept_from(&more, "192.0.2.7"), KP_E_FLOOD);
    ahead += 5;
    connect_as(&more, right); /* those are late by now, though nobody looked */
    hang_up(&more);
    for (size_t i = 0; i < COUNT(e); i++) {
        has_failed(&e[i], KP_E_TRUNCATED);
        hang_up(&e[i]);
    }
}

static void test_cookies(void **state)
{
    const struct kp_tls_server_options options = {.streams_max = 16};
    struct kp_info info;
    struct ends e[2], more;
    (void)state;
    restart(&options);
    assert_int_equal(accept_from(&e[0], "192.0.2.9"), 0);
    for (unsigned i = 0; i < 2; i++) {
        connect_as(&more, right); /* the second is an eighth, the third more */
        kp_tls_stream_info(more.stream, &info);
        assert_int_equal(info.retried, i == 1);
        hang_up(&more);
        if (i == 0)
            assert_int_equal(accept_from(&e[1], "192.0.2.9"), 0);
    }
    connect_as(&more, only12);
    hang_up(&more);
    hang_up(&e[0]);
    hang_up(&e[1]);
}

/* ---- Data ----------------------------------------------------------------------------------- */

static void test_big(void **state)
{
    static const size_t windows[] = {0, 1000, 40000};
    uint8_t *bytes = big();
    struct ends e;
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(windows); i++) {
        connect_as(&e, i % 2 != 0 ? only12 : right);
        e.window = windows[i / 2];
        client_says(&e, bytes, BIG);
        run(&e);
        heard(&e, KP_SERVER, bytes, BIG);
        server_says(&e, bytes, BIG);
        heard(&e, KP_CLIENT, bytes, BIG);
        hang_up(&e);
    }
    free(bytes);
}

/* Nothing is sealed while sealed bytes wait: a peer that doesn't read makes nothing grow. */
static void test_bounded(void **state)
{
    uint8_t *bytes = big();
    struct ends e;
    ssize_t took;
    (void)state;
    connect_as(&e, right);
    e.window = 10;
    e.down_given = e.down.len;
    took = kp_tls_stream_write(e.stream, bytes, BIG);
    assert_true(took > 0 && took <= 2 * KP_RECORD_MAX);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(kp_tls_stream_write(e.stream, bytes + took, BIG - (size_t)took),
                         KP_TLS_AGAIN);
    assert_int_equal(kp_tls_stream_flush(e.stream), KP_TLS_AGAIN);
    /* Other bytes than before may follow; none of them is lost or doubled. */
    e.window = 0;
    assert_int_equal(kp_tls_stream_flush(e.stream), 0);
    server_says(&e, (const uint8_t *)"end", 3);
    assert_int_equal(e.heard[KP_CLIENT].len, (size_t)took + 3);
    assert_memory_equal(e.heard[KP_CLIENT].data, bytes, (size_t)took);
    assert_memory_equal(e.heard[KP_CLIENT].data + took, "end", 3);
    assert_int_equal(kp_tls_stream_write(e.stream, bytes, 0), 0);
    hang_up(&e);
    free(bytes);
}

/* What was read from the wire already is to be had without it. */
static void test_has_plaintext(void **state)
{
    struct ends e;
    char room[8];
    (void)state;
    connect_as(&e, right);
    assert_false(kp_tls_stream_has_plaintext(e.stream));
    client_says(&e, "abcdef", 6);
    client_says(&e, "gh", 2);
    assert_false(kp_tls_stream_has_plaintext(e.stream));
    assert_int_equal(kp_tls_stream_read(e.stream, room, 4), 4);
    assert_int_equal(e.up_given, e.up.len);
    assert_true(kp_tls_stream_has_plaintext(e.stream));
    assert_int_equal(kp_tls_stream_read(e.stream, room + 4, 4), 4);
    assert_memory_equal(room, "abcdefgh", 8);
    assert_false(kp_tls_stream_has_plaintext(e.stream));
    assert_int_equal(kp_tls_stream_read(e.stream, room, 4), KP_TLS_AGAIN);
    hang_up(&e);
}

/* ---- Ends ----------------------------------------------------------------------------------- */

static void test_peer_ends(void **state)
{
    struct ends e;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        connect_as(&e, i == 0 ? right : only12);
        client_says(&e, "bye", 3);
        assert_int_equal(kp_app_in_end(e.client), 0);
        run(&e);
        heard(&e, KP_SERVER, "bye", 3);
        assert_int_equal(e.last, 0);
        assert_true(kp_tls_stream_has_plaintext(e.stream));
        e.fin = true;
        run(&e);
        assert_int_equal(e.last, 0);
        server_says(&e, (const uint8_t *)"answer", 6); /* its half is open */
        heard(&e, KP_CLIENT, "answer", 6);
        assert_int_equal(kp_tls_stream_shutdown(e.stream), 0);
        assert_int_equal(kp_tls_stream_shutdown(e.stream), 0);
        run(&e);
        assert_int_equal(e.last, 0);
        assert_true(kp_conn_state(e.client) & KP_CLOSED);
        assert_int_equal(kp_conn_error(e.client), 0);
        hang_up(&e);
    }
}

static void test_we_end(void **state)
{
    uint8_t *bytes = big();
    struct ends e;
    size_t sent;
    (void)state;
    connect_as(&e, right);
    e.window = 100;
    e.down_given = e.down.len;
    assert_true(kp_tls_stream_write(e.stream, bytes, 1000) == 1000);
    assert_int_equal(kp_tls_stream_shutdown(e.stream), KP_TLS_AGAIN);
    assert_int_equal(kp_tls_stream_write(e.stream, bytes, 1000), KP_TLS_AGAIN);
    e.window = 0;
    assert_int_equal(kp_tls_stream_shutdown(e.stream), 0);
    assert_int_equal(kp_tls_stream_write(e.stream, bytes, 1000), KP_E_ARGUMENT);
    (void)client_moves(&e);
    assert_true(kp_conn_state(e.client) & KP_PEER_ENDED);
    heard(&e, KP_CLIENT, bytes, 1000);
    client_says(&e, "still", 5);
    sent = e.down.len;
    run(&e);
    heard(&e, KP_SERVER, "still", 5);
    assert_int_equal(e.last, KP_TLS_AGAIN);
    assert_int_equal(e.down.len, sent); /* close_notify once */
    hang_up(&e);
    free(bytes);
}

/* What came before the cut is read first. */
static void test_truncated(void **state)
{
    struct ends e;
    char room[16];
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        connect_as(&e, right);
        client_says(&e, "half a request", 14);
        e.fin = i == 0;
        e.up_broken = i == 1;
        assert_int_equal(kp_tls_stream_read(e.stream, room, sizeof room), 14);
        assert_int_equal(kp_tls_stream_read(e.stream, room, sizeof room), KP_E_TRUNCATED);
        assert_int_equal(kp_tls_stream_read(e.stream, room, sizeof room), KP_E_TRUNCATED);
        assert_int_equal(kp_tls_stream_write(e.stream, room, 1), KP_E_TRUNCATED);
        hang_up(&e);
    }
    assert_int_equal(times_said("\n"), 2); /* the proofs */
}

/* A record that isn't whole at the end is nobody's plaintext; one that was forged ends it. */
static void test_forged(void **state)
{
    struct ends e;
    char room[16];
    (void)state;
    connect_as(&e, right);
    hush();
    client_says(&e, "good", 4);
    client_says(&e, "forged", 6);
    e.up.data[e.up.len - 1] ^= 1;
    assert_int_equal(kp_tls_stream_read(e.stream, room, sizeof room), 4);
    assert_true(kp_tls_stream_has_plaintext(e.stream));
    assert_int_equal(kp_tls_stream_read(e.stream, room, sizeof room), KP_E_RECORD_MAC);
    (void)client_moves(&e); /* the alert went with that */
    assert_int_equal(kp_tls_stream_write(e.stream, room, 1), KP_E_RECORD_MAC);
    assert_int_equal(kp_conn_peer_alert(e.client), 20);
    assert_int_equal(times_said("0 a connection of admin from 192.0.2.7 ended"), 1);
    hang_up(&e);
    connect_as(&e, right);
    client_says(&e, "forged", 6);
    e.up.data[e.up.len - 1] ^= 1;
    assert_int_equal(kp_tls_stream_read(e.stream, room, sizeof room), KP_E_RECORD_MAC);
    (void)client_moves(&e);
    assert_int_equal(kp_conn_peer_alert(e.client), 20);
    hang_up(&e);
}

/* A peer that doesn't take our bytes any more: what it said can be read. */
static void test_broken_send(void **state)
{
    struct ends e;
    (void)state;
    connect_as(&e, right);
    client_says(&e, "last words", 10);
    e.down_broken = true;
    assert_int_equal(kp_tls_stream_write(e.stream, "x", 1), 1);
    assert_int_equal(kp_tls_stream_write(e.stream, "x", 1), KP_E_TRUNCATED);
    assert_int_equal(kp_tls_stream_flush(e.stream), KP_E_TRUNCATED);
    assert_false(kp_tls_stream_waits_to_send(e.stream));
    (void)server_moves(&e);
    heard(&e, KP_SERVER, "last words", 10);
    assert_int_equal(e.last, KP_E_TRUNCATED);
    hang_up(&e);
    dial(&e, right);
    e.down_broken = true;
    run(&e);
    has_failed(&e, KP_E_TRUNCATED);
    hang_up(&e);
}

/* ---- Tickets and reloads -------------------------------------------------------------------- */

static struct kp_session *session_of(const struct kp_login *login)
{
    struct kp_session *session;
    struct ends e;
    connect_as(&e, login);
    talks(&e);
    session = kp_conn_session(e.client);
    assert_non_null(session);
    hang_up(&e);
    return session;
}

/* Whether a ticket still opens. */
static bool resumes(const struct kp_session *session)
{
    struct kp_info info;
    struct ends e;
    bool resumed;
    dial_with(&e, "192.0.2.7", NULL, session);
    run(&e);
    kp_tls_stream_info(e.stream, &info);
    resumed = kp_tls_stream_is_proved(e.stream);
    if (resumed) {
        assert_true(info.resumed);
        assert_string_equal(info.user, "admin");
        talks(&e);
    }
    hang_up(&e);
    return resumed;
}

static void test_tickets(void **state)
{
    const struct kp_login *const logins[] = {right, only12};
    (void)state;
    for (size_t i = 0; i < COUNT(logins); i++) {
        struct kp_session *session = session_of(logins[i]);
        hush();
        assert_true(resumes(session));
        assert_string_equal(said, "");          /* no news */
        put_file(credentials, good.data, 0600); /* another file, the same content */
        kp_tls_server_look(server);
        assert_true(resumes(session));
        ahead += (time_t)(KP_TICKET_SECONDS + 1);
        assert_false(resumes(session));
        kp_session_free(session);
    }
}

static void test_tickets_die_with_the_password(void **state)
{
    const struct kp_login *const logins[] = {right, only12};
    (void)state;
    for (size_t i = 0; i < COUNT(logins); i++) {
        struct kp_session *session = session_of(logins[i]);
        reload_with(&changed);
        assert_false(resumes(session));
        reload_with(&good);
        kp_session_free(session);
    }
}

static void test_tickets_die_with_the_device(void **state)
{
    struct kp_session *session = session_of(right);
    (void)state;
    hush();
    reload_with(&moved);
    assert_false(resumes(session));
    kp_session_free(session);
}

/* Those who were proved go on, while their credential is there. */
static void test_reload_keeps_streams(void **state)
{
    struct ends a, b;
    (void)state;
    connect_as(&a, right);
    connect_as(&b, only12);
    put_file(credentials, "nonsense", 0600);
    kp_tls_server_look(server);
    talks(&a);
    assert_int_equal(unlink(credentials), 0);
    kp_tls_server_look(server);
    talks(&a);
    hush();
    reload_with(&good);
    talks(&a);
    talks(&b);
    hang_up(&a);
    hang_up(&b);
}

/* A changed password ends what it had opened, behind the answer that is on its way. */
static void test_reload_ends_streams(void **state)
{
    struct ends a, b;
    (void)state;
    connect_as(&a, right);
    connect_as(&b, only12);
    hush();
    assert_false(kp_tls_stream_has_plaintext(a.stream));
    reload_with(&changed);
    assert_true(kp_tls_stream_has_plaintext(a.stream));
    client_says(&a, "GET", 3);
    client_says(&b, "GET", 3);
    run(&a);
    run(&b);
    assert_int_equal(a.last, 0);
    assert_int_equal(b.last, 0);
    assert_int_equal(a.heard[KP_SERVER].len + b.heard[KP_SERVER].len, 0);
    assert_int_equal(times_said("0 a connection of admin from 192.0.2.7 ends"), 2);
    assert_int_equal(kp_tls_stream_write(a.stream, "answer", 6), 6);
    assert_int_equal(kp_tls_stream_shutdown(a.stream), 0);
    (void)client_moves(&a);
    heard(&a, KP_CLIENT, "answer", 6);
    hang_up(&a);
    /* An answer that never ends doesn't. */
    ahead += 29;
    assert_int_equal(kp_tls_stream_write(b.stream, "event", 5), 5);
    ahead += 2;
    assert_int_equal(kp_tls_stream_write(b.stream, "event", 5), KP_E_PROOF);
    hang_up(&b);
    connect_as(&a, renewed);
    hang_up(&a);
    dial(&a, right);
    run(&a);
    has_failed(&a, KP_E_PROOF);
    hang_up(&a);
}

static void test_reload_of_a_removed_user(void **state)
{
    struct ends e;
    (void)state;
    connect_as(&e, right);
    hush();
    reload_with(&without);
    client_says(&e, "GET", 3);
    run(&e);
    assert_int_equal(e.last, 0);
    assert_int_equal(e.heard[KP_SERVER].len, 0);
    hang_up(&e);
}

/* In the middle of a handshake: the new password holds before the name came, and what was begun
 * with the old one isn't proved by it. */
static void test_reload_in_handshake(void **state)
{
    struct ends e;
    (void)state;
    dial(&e, renewed);
    reload_with(&changed);
    run(&e);
    is_proved(&e);
    hang_up(&e);
    dial(&e, renewed);
    (void)client_moves(&e);
    (void)server_moves(&e);
    hush();
    reload_with(&good);
    run(&e);
    has_failed(&e, KP_E_PROOF);
    assert_int_equal(times_said("was changed or removed"), 1);
    hang_up(&e);
}

/* Verifiers hold for one device id: who began under the old one ends with it. */
static void test_device_in_handshake(void **state)
{
    struct ends e, idle;
    (void)state;
    connect_as(&idle, right);
    dial(&e, right);
    hush();
    reload_with(&moved);
    run(&e);
    assert_false(kp_tls_stream_is_proved(e.stream)); /* the credential is another now */
    assert_int_equal(times_said("was changed or removed"), 1);
    hang_up(&e);
    dial(&e, elsewhere);
    run(&e);
    is_proved(&e);
    hang_up(&e);
    assert_int_equal(kp_tls_stream_shutdown(idle.stream), 0);
    hang_up(&idle);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tls13),
        TEST(test_tls12),
        TEST(test_prefers_tls12),
        TEST(test_versions),
        TEST(test_protocol),
        TEST(test_small_wires),
        TEST(test_full_wire),
        TEST(test_send),
        TEST(test_wrong_password),
        TEST(test_wrong_password_tls12),
        TEST(test_alert_on_full_wire),
        TEST(test_guess_is_said_whatever_the_end),
        TEST(test_throttle),
        TEST(test_proofs_are_free),
        TEST(test_sources),
        TEST(test_plain_http),
        TEST(test_noise),
        TEST(test_silence),
        TEST(test_late),
        TEST(test_flood),
        TEST(test_cookies),
        TEST(test_big),
        TEST(test_bounded),
        TEST(test_has_plaintext),
        TEST(test_peer_ends),
        TEST(test_we_end),
        TEST(test_truncated),
        TEST(test_forged),
        TEST(test_broken_send),
        TEST(test_tickets),
        TEST(test_tickets_die_with_the_password),
        TEST(test_tickets_die_with_the_device),
        TEST(test_reload_keeps_streams),
        TEST(test_reload_ends_streams),
        TEST(test_reload_of_a_removed_user),
        TEST(test_reload_in_handshake),
        TEST(test_device_in_handshake),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
