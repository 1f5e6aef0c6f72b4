/*
 * The proxy in front of a login's web view: who is let in, and that what is cut never looks whole.
 * The clients are threads with plain sockets; the proxy runs on the main thread's loop.
 */
#include "certificate.h"
#include "proxy.h"
#include "proxy_head.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define HOST "192.168.77.1"
#define BULK (4 * 1024 * 1024)
#define FAST 20 /* milliseconds that a second of the proxy's takes here */

guint __wrap_g_timeout_add_seconds(guint seconds, GSourceFunc run, gpointer data);
guint __wrap_g_timeout_add_seconds(guint seconds, GSourceFunc run, gpointer data)
{
    return g_timeout_add(seconds * FAST, run, data);
}

struct rig {
    struct kp_certificate *certificate;
    struct kp_proxy *proxy;
    guint16 port;
    char *proof; /* the whole field */
    int device;  /* the far end of the last tunnel; -1: none */
    gint *cut;   /* its, our reference */
    guint dialled;
    gboolean refuse;
};

static int dial(gpointer owner, gint **cut)
{
    struct rig *rig = owner;
    int ends[2];
    rig->dialled++;
    if (rig->refuse || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    *cut = g_atomic_rc_box_new0(gint);
    if (rig->cut != NULL)
        g_atomic_rc_box_release(rig->cut);
    rig->cut = g_atomic_rc_box_acquire(*cut);
    if (rig->device >= 0)
        (void)close(rig->device);
    rig->device = ends[1];
    return ends[0];
}

static int set_up(void **state)
{
    struct rig *rig = g_new0(struct rig, 1);
    g_autoptr(GUri) uri = NULL;
    g_autofree char *coded = NULL;
    rig->device = -1;
    rig->certificate = kp_certificate_new(HOST, NULL);
    rig->proxy = kp_proxy_new(&(struct kp_proxy_plan){.host = HOST,
                                                      .port = 443,
                                                      .server = rig->certificate->server,
                                                      .dial = dial,
                                                      .owner = rig},
                              NULL);
    uri = g_uri_parse(kp_proxy_uri(rig->proxy), G_URI_FLAGS_NONE, NULL);
    rig->port = (guint16)g_uri_get_port(uri);
    coded =
        g_base64_encode((const guchar *)g_uri_get_userinfo(uri), strlen(g_uri_get_userinfo(uri)));
    rig->proof = g_strdup_printf("Proxy-Authorization: Basic %s\r\n", coded);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    kp_proxy_free(rig->proxy);
    kp_certificate_free(rig->certificate);
    if (rig->device >= 0)
        (void)close(rig->device);
    if (rig->cut != NULL)
        g_atomic_rc_box_release(rig->cut);
    g_free(rig->proof);
    g_free(rig);
    return 0;
}

/* ---- Clients ----------------------------------------------------------------------------- */

static int client(const struct rig *rig)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(rig->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* The main loop runs for a while, or until there is something to read. */
static gboolean spin(int fd, guint ms)
{
    gint64 end = g_get_monotonic_time() + (gint64)ms * 1000;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    while (g_get_monotonic_time() < end) {
        while (g_main_context_iteration(NULL, FALSE))
            ;
        if (poll(&poll_fd, 1, 1) > 0)
            return TRUE;
    }
    return FALSE;
}

/* What is answered until the end, up to the first line's.  "": nothing. */
static char *answer_to(const struct rig *rig, const char *head, gsize len)
{
    int fd = client(rig);
    char text[512] = "";
    gsize used = 0;
    assert_int_equal(send(fd, head, len, MSG_NOSIGNAL), (ssize_t)len);
    while (used < sizeof text - 1 && spin(fd, 2000)) {
        ssize_t got = recv(fd, text + used, sizeof text - 1 - used, 0);
        if (got <= 0)
            break;
        used += (gsize)got;
        if (g_str_has_prefix(text, "HTTP/1.1 200"))
            break; /* it stays open */
    }
    (void)close(fd);
    text[strcspn(text, "\r")] = '\0';
    return g_strdup(text);
}

struct work {
    struct rig *rig;
    int fd;
    SSL *ssl;
    gboolean done, good;
    int end; /* of SSL_get_error */
    void (*run)(struct work *work);
};

static gboolean is_done(const struct work *work)
{
    return g_atomic_int_get(&work->done);
}

static gpointer run(gpointer data)
{
    struct work *work = data;
    work->run(work);
    g_atomic_int_set(&work->done, TRUE);
    return NULL;
}

/* In a thread of its own, while the loop runs. */
static void let(struct work *work, void (*what)(struct work *))
{
    GThread *thread;
    work->done = FALSE;
    work->run = what;
    thread = g_thread_new("client", run, work);
    while (!is_done(work)) {
        (void)g_main_context_iteration(NULL, FALSE);
        g_usleep(100);
    }
    (void)g_thread_join(thread);
}

static void shake(struct work *work)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    work->ssl = SSL_new(context);
    (void)SSL_set_fd(work->ssl, work->fd);
    work->good = SSL_connect(work->ssl) == 1;
    SSL_CTX_free(context);
}

static void let_in(struct work *work)
{
    g_autofree char *head =
        g_strconcat("CONNECT " HOST ":443 HTTP/1.1\r\n", work->rig->proof, "\r\n", NULL);
    char text[128] = "";
    work->fd = client(work->rig);
    (void)send(work->fd, head, strlen(head), MSG_NOSIGNAL);
    assert_true(spin(work->fd, 2000));
    assert_true(recv(work->fd, text, sizeof text - 1, 0) > 0);
    assert_true(g_str_has_prefix(text, "HTTP/1.1 200 "));
}

static void leave(struct work *work)
{
    SSL_free(work->ssl);
    (void)close(work->fd);
}

/* Up to its end, and which end that is. */
static void read_to_end(struct work *work)
{
    char data[4096];
    int got;
    gsize sum = 0;
    while ((got = SSL_read(work->ssl, data, sizeof data)) > 0)
        sum += (gsize)got;
    work->end = SSL_get_error(work->ssl, got);
    work->good = sum == 5;
}

/* ---- Heads ------------------------------------------------------------------------------- */

static void test_heads(void **state)
{
    struct rig *rig = *state;
    const struct {
        const char *start, *proof, *rest, *want;
    } cases[] = {
        {"CONNECT " HOST ":443 HTTP/1.1\r\n", rig->proof, "\r\n", "HTTP/1.1 200"},
        {"CONNECT " HOST ":443 HTTP/1.1\r\nHost: evil.example\r\n", rig->proof, "\r\n",
         "HTTP/1.1 200"},
        {"CONNECT " HOST ":443 HTTP/1.1\r\n", "", "\r\n", "HTTP/1.1 407"},
        {"CONNECT " HOST ":443 HTTP/1.1\r\n", "Proxy-Authorization: Basic a2V5cGxhdGU6\r\n", "\r\n",
         "HTTP/1.1 407"},
        {"CONNECT " HOST ":443 HTTP/1.1\r\n", "Proxy-Authorization:\r\n", "\r\n", "HTTP/1.1 407"},
        {"CONNECT " HOST ":443 HTTP/1.1\r\nX-", rig->proof, "\r\n", "HTTP/1.1 407"},
        {"CONNECT evil.example:443 HTTP/1.1\r\n", "", "\r\n", "HTTP/1.1 407"},
        {"GET http://" HOST "/ HTTP/1.1\r\n", "", "\r\n", "HTTP/1.1 407"},
        {"CONNECT evil.example:443 HTTP/1.1\r\n", rig->proof, "\r\n", "HTTP/1.1 403"},
        {"CONNECT evil.example:443 HTTP/1.1\r\nHost: " HOST ":443\r\n", rig->proof, "\r\n",
         "HTTP/1.1 403"},
        {"CONNECT " HOST ":22 HTTP/1.1\r\n", rig->proof, "\r\n", "HTTP/1.1 403"},
        {"CONNECT " HOST " HTTP/1.1\r\n", rig->proof, "\r\n", "HTTP/1.1 403"},
        {"CONNECT 127.0.0.1:443 HTTP/1.1\r\n", rig->proof, "\r\n", "HTTP/1.1 403"},
        {"GET http://" HOST ":443/ HTTP/1.1\r\n", rig->proof, "\r\n", "HTTP/1.1 405"},
        {"POST / HTTP/1.1\r\n", rig->proof, "\r\n", "HTTP/1.1 405"},
        {"connect " HOST ":443 HTTP/1.1\r\n", rig->proof, "\r\n", "HTTP/1.1 405"},
        {"CONNECT " HOST ":443 HTTP/2.0\r\n", rig->proof, "\r\n", "HTTP/1.1 400"},
        {"CONNECT " HOST ":443\r\n", rig->proof, "\r\n", "HTTP/1.1 400"},
        {"\r\nCONNECT " HOST ":443 HTTP/1.1\r\n", rig->proof, "\r\n", "HTTP/1.1 400"},
        {"CONNECT " HOST ":443 HTTP/1.1\r\n folded: a\r\n", rig->proof, "\r\n", "HTTP/1.1 400"},
        {"CONNECT " HOST ":443 HTTP/1.1\r\nno colon\r\n", rig->proof, "\r\n", "HTTP/1.1 400"},
        {"CONNECT " HOST ":443 HTTP/1.1\r\nA: b\nC: d\r\n", rig->proof, "\r\n", "HTTP/1.1 400"},
        {"CONNECT " HOST ":443 HTTP/1.1\r\nProxy-Authorization: Basic x\r\n", rig->proof, "\r\n",
         "HTTP/1.1 400"},
        {"CONNECT " HOST ":443 HTTP/1.1\r\n", rig->proof, "\r\nmore", "HTTP/1.1 400"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *head = g_strconcat(cases[i].start, cases[i].proof, cases[i].rest, NULL);
        g_autofree char *answer = answer_to(rig, head, strlen(head));
        if (!g_str_has_prefix(answer, cases[i].want))
            fail_msg("%u: %s, not %s", (unsigned)i, answer, cases[i].want);
    }
    assert_int_equal(rig->dialled, 0);
}

/* The right token but for its last byte, and one byte more. */
static void test_tokens(void **state)
{
    struct rig *rig = *state;
    gsize len = strlen(rig->proof);
    g_autofree char *wrong = g_strdup(rig->proof), *longer = NULL, *first = NULL, *second = NULL;
    g_autofree char *one = NULL, *two = NULL;
    wrong[len - 3] = wrong[len - 3] == '=' ? 'A' : '=';
    longer = g_strdup_printf("%.*sA\r\n", (int)len - 2, rig->proof);
    one = g_strconcat("CONNECT " HOST ":443 HTTP/1.1\r\n", wrong, "\r\n", NULL);
    two = g_strconcat("CONNECT " HOST ":443 HTTP/1.1\r\n", longer, "\r\n", NULL);
    first = answer_to(rig, one, strlen(one));
    second = answer_to(rig, two, strlen(two));
    assert_true(g_str_has_prefix(first, "HTTP/1.1 407"));
    assert_true(g_str_has_prefix(second, "HTTP/1.1 407"));
}

static void test_too_long(void **state)
{
    struct rig *rig = *state;
    g_autofree char *head = g_strnfill(KP_PROXY_HEAD_LEN, 'a'), *answer = NULL;
    answer = answer_to(rig, head, KP_PROXY_HEAD_LEN);
    assert_true(g_str_has_prefix(answer, "HTTP/1.1 431"));
}

static void test_zero_byte(void **state)
{
    struct rig *rig = *state;
    const char head[] = "CONNECT " HOST ":443\0 HTTP/1.1\r\n\r\n";
    g_autofree char *answer = answer_to(rig, head, sizeof head - 1);
    assert_true(g_str_has_prefix(answer, "HTTP/1.1 400"));
}

/* A byte now and then doesn't put the deadline off. */
static void test_slow(void **state)
{
    struct rig *rig = *state;
    int fd = client(rig);
    gint64 start = g_get_monotonic_time();
    char byte;
    while (!spin(fd, FAST)) {
        (void)send(fd, "A", 1, MSG_NOSIGNAL);
        assert_true(g_get_monotonic_time() - start < 5 * G_TIME_SPAN_SECOND);
    }
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    assert_true(g_get_monotonic_time() - start >= 9 * FAST * G_TIME_SPAN_MILLISECOND);
    (void)close(fd);
}

static void test_flood(void **state)
{
    struct rig *rig = *state;
    struct work work = {.rig = rig};
    int fds[120], open_still = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = client(rig);
        while (g_main_context_iteration(NULL, FALSE))
            ;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
        char byte;
        open_still += recv(fds[i], &byte, 1, MSG_DONTWAIT) < 0 ? 1 : 0;
    }
    assert_int_equal(open_still, 64);
    let_in(&work);
    (void)close(work.fd);
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
        (void)close(fds[i]);
}

/* ---- Tunnels ----------------------------------------------------------------------------- */

static void test_certificate(void **state)
{
    struct rig *rig = *state;
    struct work work = {.rig = rig};
    g_autoptr(GSocketConnectable) right = g_network_address_new(HOST, 443);
    g_autoptr(GSocketConnectable) other = g_network_address_new("192.168.77.2", 443);
    g_autoptr(GByteArray) bytes = NULL, key = NULL;
    GTlsCertificateFlags faults;
    X509 *shown;
    unsigned char *coded = NULL;
    int len;
    let_in(&work);
    let(&work, shake);
    assert_true(work.good);
    shown = SSL_get1_peer_certificate(work.ssl);
    len = i2d_X509(shown, &coded);
    g_object_get(rig->certificate->pinned, "certificate", &bytes, "private-key", &key, NULL);
    assert_int_equal(len, (int)bytes->len);
    assert_memory_equal(coded, bytes->data, bytes->len);
    assert_null(key);
    faults = g_tls_certificate_verify(rig->certificate->pinned, right, NULL);
    assert_int_equal(faults & (G_TLS_CERTIFICATE_BAD_IDENTITY | G_TLS_CERTIFICATE_EXPIRED), 0);
    faults = g_tls_certificate_verify(rig->certificate->pinned, other, NULL);
    assert_int_not_equal(faults & G_TLS_CERTIFICATE_BAD_IDENTITY, 0);
    OPENSSL_free(coded);
    X509_free(shown);
    leave(&work);
}

static void write_and_read(struct work *work)
{
    guint8 *data = g_malloc(BULK), *back = g_malloc(BULK);
    gsize sent = 0, got = 0;
    for (gsize i = 0; i < BULK; i++)
        data[i] = (guint8)(i * 31 + (i >> 12));
    work->good = TRUE;
    while (got < BULK && work->good) {
        gsize step = MIN(BULK - sent, 50000);
        int some;
        if (step > 0 && SSL_write(work->ssl, data + sent, (int)step) != (int)step)
            work->good = FALSE;
        sent += step;
        some = SSL_read(work->ssl, back + got, 50000);
        work->good = work->good && some > 0;
        got += some > 0 ? (gsize)some : 0;
    }
    work->good = work->good && memcmp(data, back, BULK) == 0;
    g_free(data);
    g_free(back);
}

static gpointer echo(gpointer data)
{
    int fd = GPOINTER_TO_INT(data);
    char text[10000];
    ssize_t got;
    while ((got = read(fd, text, sizeof text)) > 0)
        if (send(fd, text, (gsize)got, MSG_NOSIGNAL) != got)
            break;
    return NULL;
}

static void test_bytes_both_ways(void **state)
{
    struct rig *rig = *state;
    struct work work = {.rig = rig};
    GThread *device;
    let_in(&work);
    assert_int_equal(rig->dialled, 0);
    let(&work, shake);
    (void)spin(-1, 20);
    assert_int_equal(rig->dialled, 1);
    device = g_thread_new("device", echo, GINT_TO_POINTER(rig->device));
    let(&work, write_and_read);
    assert_true(work.good);
    leave(&work);
    (void)spin(-1, 20);
    (void)g_thread_join(device);
}

static void start_tunnel(struct work *work)
{
    let_in(work);
    let(work, shake);
    assert_true(work->good);
    (void)spin(-1, 20);
    assert_true(work->rig->device >= 0);
}

static void device_ends(struct rig *rig)
{
    assert_int_equal(send(rig->device, "hello", 5, MSG_NOSIGNAL), 5);
    (void)close(rig->device);
    rig->device = -1;
}

static void test_end_in_order(void **state)
{
    struct work work = {.rig = *state};
    start_tunnel(&work);
    device_ends(work.rig);
    let(&work, read_to_end);
    assert_true(work.good);
    assert_int_equal(work.end, SSL_ERROR_ZERO_RETURN);
    leave(&work);
}

static void test_cut_is_no_end(void **state)
{
    struct work work = {.rig = *state};
    start_tunnel(&work);
    g_atomic_int_set(work.rig->cut, 1);
    device_ends(work.rig);
    let(&work, read_to_end);
    assert_int_equal(work.end, SSL_ERROR_SYSCALL);
    leave(&work);
}

static void test_no_device(void **state)
{
    struct work work = {.rig = *state};
    work.rig->refuse = TRUE;
    let_in(&work);
    let(&work, shake);
    let(&work, read_to_end);
    assert_int_equal(work.end, SSL_ERROR_SYSCALL);
    leave(&work);
}

static void say_goodbye(struct work *work)
{
    work->good = SSL_write(work->ssl, "bye", 3) == 3 && SSL_shutdown(work->ssl) == 0;
}

static void test_end_of_browser(void **state)
{
    struct work work = {.rig = *state};
    char text[16];
    start_tunnel(&work);
    let(&work, say_goodbye);
    assert_true(work.good);
    assert_true(spin(work.rig->device, 2000));
    assert_int_equal(read(work.rig->device, text, sizeof text), 3);
    assert_true(spin(work.rig->device, 2000));
    assert_int_equal(read(work.rig->device, text, sizeof text), 0);
    device_ends(work.rig);
    let(&work, read_to_end);
    assert_true(work.good); /* the answer came, after the end of what was asked */
    assert_int_equal(work.end, SSL_ERROR_ZERO_RETURN);
    leave(&work);
}

static void test_end_of_visit(void **state)
{
    struct work work = {.rig = *state};
    char byte;
    start_tunnel(&work);
    kp_proxy_free(work.rig->proxy);
    work.rig->proxy = NULL;
    assert_int_equal(recv(work.rig->device, &byte, 1, 0), 0);
    let(&work, read_to_end);
    assert_int_equal(work.end, SSL_ERROR_SYSCALL);
    leave(&work);
}

static void test_no_tls(void **state)
{
    struct work work = {.rig = *state};
    char text[64];
    let_in(&work);
    assert_int_equal(send(work.fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
    assert_true(spin(work.fd, 2000));
    assert_true(recv(work.fd, text, sizeof text, 0) <= 0);
    assert_int_equal(work.rig->dialled, 0);
    leave(&work);
}

/* After the token too. */
static void test_silent_tls(void **state)
{
    struct work work = {.rig = *state};
    char byte;
    let_in(&work);
    assert_true(spin(work.fd, 40 * FAST));
    assert_true(recv(work.fd, &byte, 1, 0) <= 0);
    leave(&work);
}

#define PROXY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROXY_TEST(test_heads),        PROXY_TEST(test_tokens),
        PROXY_TEST(test_too_long),     PROXY_TEST(test_zero_byte),
        PROXY_TEST(test_slow),         PROXY_TEST(test_flood),
        PROXY_TEST(test_certificate),  PROXY_TEST(test_bytes_both_ways),
        PROXY_TEST(test_end_in_order), PROXY_TEST(test_cut_is_no_end),
        PROXY_TEST(test_no_device),    PROXY_TEST(test_end_of_browser),
        PROXY_TEST(test_end_of_visit), PROXY_TEST(test_no_tls),
        PROXY_TEST(test_silent_tls),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* the clients' libssl */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
