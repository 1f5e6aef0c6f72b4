/*
 * The exchange between a client and an upstream that are bytes: conversations, each with what goes
 * on to either side and what the owner is told, with every piece of them whole, byte by byte, and
 * in two at every place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/exchange.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

#define BAD_REQUEST "HTTP/1.1 400 Bad\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbad!"
#define BAD_GATEWAY "HTTP/1.1 502 Bad\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngate"
#define OWN_HEAD "HTTP/1.1 200 Own\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"

/* ---- An owner that does as proxy.c does, and writes down what it is told ------------------- */

struct text {
    char at[8192];
    size_t len;
};

struct owner {
    struct kp_http_exchange x; /* first */
    struct text up, down, told;
    struct text pending; /* of the client: not used yet */
    unsigned asked, answered;
    bool writes; /* heads of its own */
    bool holds;  /* it takes bytes for the upstream one piece at a time */
    bool again;  /* it has sent the request a second time */
    bool cut, left;
};

static struct owner *of(struct kp_http_exchange *x)
{
    return (struct owner *)(void *)x;
}

static void put(struct text *text, const void *data, size_t len)
{
    assert_true(len < sizeof text->at - text->len);
    memcpy(text->at + text->len, data, len);
    text->len += len;
    text->at[text->len] = '\0';
}

static void tell(struct owner *o, const char *word)
{
    put(&o->told, word, strlen(word));
}

static void forward(struct owner *o)
{
    static const struct kp_http_onward silent = {.identity = NULL};
    o->x.forwarded = false;
    assert_int_equal(kp_http_exchange_forward(&o->x, &silent), 0);
    assert_true(o->x.forwarded);
}

/* An owner that writes the heads itself. */
static void forward_own(struct owner *o)
{
    struct kp_out head = {0};
    o->x.forwarded = false;
    kp_out_word(&head, "OWN HEAD\r\n\r\n");
    assert_int_equal(kp_http_exchange_forward_as(&o->x, &head), 0);
    assert_true(o->x.forwarded);
    kp_out_free(&head);
}

static void reply(struct owner *o, const char *text)
{
    kp_http_exchange_reply(&o->x, text, strlen(text));
}

static void request(struct kp_http_exchange *x)
{
    struct owner *o = of(x);
    char line[64];
    assert_int_equal(o->asked, o->answered);
    assert_false(x->over || x->forwarded || x->answering || x->taken_whole || x->status != 0);
    o->asked++;
    snprintf(line, sizeof line, "%.*s;", (int)x->asked->target.len, x->asked->target.at);
    tell(o, line);
    if (kp_slice_is(x->asked->target, "/own"))
        reply(o, OWN_HEAD "own");
    else if (o->writes)
        forward_own(o);
    else
        forward(o);
}

static void cut(struct owner *o)
{
    o->cut = true;
    o->x.over = true;
    tell(o, "cut;");
}

static void refused(struct kp_http_exchange *x)
{
    assert_true(x->request.problem != KP_HTTP_FINE && x->request.why != NULL);
    tell(of(x), "refused;");
    if (x->answering)
        cut(of(x));
    else
        reply(of(x), BAD_REQUEST);
}

static void broken(struct kp_http_exchange *x, const char *why)
{
    struct owner *o = of(x);
    assert_non_null(why);
    assert_false(x->keeps_upstream);
    tell(o, "broken;");
    if (x->answering) {
        cut(o);
    } else if (kp_http_exchange_is_repeatable(x) && !o->again) {
        o->again = true;
        forward(o);
    } else {
        reply(o, BAD_GATEWAY);
    }
}

static void to_upstream(struct kp_http_exchange *x, const void *data, size_t len)
{
    assert_false(of(x)->cut);
    put(&of(x)->up, data, len);
    x->held = of(x)->holds;
}

static void to_client(struct kp_http_exchange *x, const void *data, size_t len)
{
    assert_false(of(x)->cut);
    put(&of(x)->down, data, len);
}

static void done(struct kp_http_exchange *x)
{
    struct owner *o = of(x);
    char line[64];
    assert_non_null(x->asked);
    assert_true(o->answered < o->asked && x->answering);
    assert_true(x->taken_whole || (!x->keeps_client && !x->keeps_upstream));
    assert_int_equal(x->over, !x->keeps_client);
    o->answered++;
    snprintf(line, sizeof line, "%u=%llu%s%s;", x->status, (unsigned long long)x->sent,
             x->keeps_client ? " client" : "", x->keeps_upstream ? " upstream" : "");
    tell(o, line);
}

static void tunnel(struct kp_http_exchange *x)
{
    assert_true(x->tunnels);
    tell(of(x), "tunnel;");
}

static const struct kp_http_exchange_hooks hooks = {
    .request = request,
    .refused = refused,
    .broken = broken,
    .to_upstream = to_upstream,
    .to_client = to_client,
    .done = done,
    .tunnel = tunnel,
};

static struct owner *begin(void)
{
    struct owner *o = calloc(1, sizeof *o);
    assert_non_null(o);
    kp_http_exchange_init(&o->x, &hooks);
    return o;
}

static void leave(struct owner *o)
{
    kp_http_exchange_clear(&o->x);
    kp_http_exchange_clear(&o->x);
    free(o);
}

/* What it may read has no byte behind it. */
static uint8_t *copy_of(const char *bytes, size_t len)
{
    uint8_t *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return copy;
}

/* What waits is shown to the exchange. */
static void show(struct owner *o)
{
    uint8_t *copy;
    size_t used;
    if (o->pending.len == 0 || o->cut)
        return;
    copy = copy_of(o->pending.at, o->pending.len);
    used = kp_http_exchange_take(&o->x, copy, o->pending.len);
    free(copy);
    assert_true(used <= o->pending.len);
    assert_true(used == o->pending.len || o->x.held ||
                (o->x.asked != NULL && o->x.taken_whole && !o->x.tunnels));
    o->pending.len -= used;
    memmove(o->pending.at, o->pending.at + used, o->pending.len);
}

static void client_says(struct owner *o, const char *bytes, size_t len)
{
    put(&o->pending, bytes, len);
    show(o);
}

static void upstream_says(struct owner *o, const char *bytes, size_t len)
{
    uint8_t *copy;
    bool in_turn;
    if (o->cut || o->left || len == 0)
        return;
    copy = copy_of(bytes, len);
    in_turn = kp_http_exchange_answered(&o->x, copy, len);
    free(copy);
    if (o->cut || in_turn || (o->x.asked != NULL && o->x.answering))
        return; /* the rest of what was given up */
    o->left = true;
    tell(o, "more;");
}

static void say(struct owner *o, char who, const char *bytes, size_t len)
{
    if (who == 'c')
        client_says(o, bytes, len);
    else
        upstream_says(o, bytes, len);
}

/* ---- Conversations ----------------------------------------------------------------------- */

/*
 * Of chunks that went on, how the bytes are spread over them depends on how they came: here a
 * chunk's line and end are left out, and <end> stands for the last.  No line but a chunk's is of
 * hexadecimal digits alone.
 */
static size_t chunk_at(const char *text, unsigned *size)
{
    size_t digits = strspn(text, "0123456789abcdef");
    if (digits == 0 || digits > 4 || strncmp(text + digits, "\r\n", 2) != 0)
        return 0;
    *size = (unsigned)strtoul(text, NULL, 16);
    return digits + 2;
}

static void without_chunks(struct text *text)
{
    static struct text out;
    const char *at = text->at;
    out.len = 0;
    out.at[0] = '\0';
    while (*at != '\0') {
        unsigned size;
        size_t line = chunk_at(at, &size);
        const char *end = strstr(at, "\r\n");
        if (line > 0) {
            assert_true(strlen(at + line) >= size + 2);
            assert_memory_equal(at + line + size, "\r\n", 2);
            put(&out, size > 0 ? at + line : "<end>", size > 0 ? size : 5);
            at += line + size + 2;
            continue;
        }
        end = end != NULL ? end + 2 : at + strlen(at);
        put(&out, at, (size_t)(end - at));
        at = end;
    }
    *text = out;
}

struct step {
    /* c: bytes of the client.  u: bytes of the upstream.  e: the client sends no more.  f: the
     * upstream's end, r: its reset.  n: a new connection to the upstream.  l: last. */
    char who;
    const char *bytes;
    const char *up, *down; /* what goes on; NULL: nothing */
    const char *told;      /* NULL: nothing */
};

struct talk {
    const char *name;
    struct step steps[8];
};

static void do_step(struct owner *o, const struct step *s, size_t first, size_t piece)
{
    size_t len = s->bytes != NULL ? strlen(s->bytes) : 0;
    switch (s->who) {
    case 'c':
    case 'u':
        for (size_t at = 0, now = first; at < len; at += now, now = piece) {
            now = now < len - at ? now : len - at;
            say(o, s->who, s->bytes + at, now);
        }
        break;
    case 'e':
        tell(o, kp_http_exchange_client_ended(&o->x) ? "ended;" : "mid-request;");
        break;
    case 'f':
    case 'r':
        kp_http_exchange_upstream_ended(&o->x, s->who == 'f');
        break;
    case 'n':
        o->left = false;
        break;
    case 'l':
        o->x.last = true;
        break;
    default:
        fail();
    }
    if (s->who != 'c')
        show(o);
    if (o->x.over)
        tell(o, "over");
}

static void expect(const struct talk *talk, size_t step, const char *what, struct text *came,
                   const char *expected)
{
    without_chunks(came);
    expected = expected != NULL ? expected : "";
    if (strcmp(came->at, expected) != 0)
        fail_msg("%s, step %zu, %s:\n%s\ninstead of:\n%s", talk->name, step, what, came->at,
                 expected);
    came->len = 0;
    came->at[0] = '\0';
}

/* Step `cut` comes in two, split at `first`, or in pieces of one byte when first is 0. */
static void hold(const struct talk *talk, size_t cut, size_t first)
{
    struct owner *o = begin();
    for (size_t i = 0; i < COUNT(talk->steps) && talk->steps[i].who != '\0'; i++) {
        const struct step *s = &talk->steps[i];
        bool is_cut = i == cut || cut == SIZE_MAX;
        do_step(o, s,
                is_cut && first > 0 ? first
                : is_cut            ? 1
                                    : SIZE_MAX,
                is_cut && first == 0 ? 1 : SIZE_MAX);
        expect(talk, i, "to the upstream", &o->up, s->up);
        expect(talk, i, "to the client", &o->down, s->down);
        expect(talk, i, "told", &o->told, s->told);
    }
    leave(o);
}

static void hold_in_all_ways(const struct talk *talk)
{
    hold(talk, COUNT(talk->steps), 0); /* whole */
    hold(talk, SIZE_MAX, 0);           /* all of it byte by byte */
    for (size_t i = 0; i < COUNT(talk->steps) && talk->steps[i].who != '\0'; i++) {
        size_t len = talk->steps[i].bytes != NULL ? strlen(talk->steps[i].bytes) : 0;
        for (size_t first = 1; first < len; first++)
            hold(talk, i, first);
    }
}

static void hold_all(const struct talk *talks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hold_in_all_ways(&talks[i]);
}

#define HOST "Host: a\r\n"
#define VIA "Via: 1.1 keyplate\r\n\r\n"
#define VIA0 "Via: 1.0 keyplate\r\n\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define SENT(path) "GET " path " HTTP/1.1\r\n" HOST VIA
#define SENT0(path) "GET " path " HTTP/1.1\r\nHost: \r\n" VIA0
#define LENGTH "Content-Length: "
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define CLOSE "Connection: close\r\n"
#define KEEP "Connection: keep-alive\r\n"
#define OK "HTTP/1.1 200 OK\r\n"
#define OK0 "HTTP/1.0 200 OK\r\n"
#define HI OK LENGTH "2\r\n\r\nhi"
#define HI_CLOSE OK LENGTH "2\r\n" CLOSE "\r\nhi"
#define HI_KEPT "200=2 client upstream;"
#define HI_ALONE "200=2 client;" /* its connection isn't for another request */

static void test_one_after_the_other(void **state)
{
    static const struct talk talks[] = {
        {"kept",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', HI, NULL, HI, HI_KEPT},
          {'c', "\r\n" GET("/2"), SENT("/2"), NULL, "/2;"},
          {'u', HI, NULL, HI, HI_KEPT},
          {'e', NULL, NULL, NULL, "ended;"}}},
        {"closed by the client",
         {{'c', "GET /1 HTTP/1.1\r\n" HOST CLOSE "\r\n" GET("/2"), SENT("/1"), NULL, "/1;"},
          {'u', HI, NULL, HI_CLOSE, "200=2 upstream;over"},
          {'c', GET("/3"), NULL, NULL, "over"}}},
        {"closed by the upstream alone",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', HI_CLOSE, NULL, HI, "200=2 client;"},
          {'f', NULL, NULL, NULL, NULL},
          {'c', GET("/2"), SENT("/2"), NULL, "/2;"},
          {'u', HI, NULL, HI, HI_KEPT}}},
        {"pipelined",
         {{'c', GET("/1") GET("/2") GET("/3"), SENT("/1"), NULL, "/1;"},
          {'u', HI, SENT("/2"), HI, HI_KEPT "/2;"},
          {'u', HI, SENT("/3"), HI, HI_KEPT "/3;"},
          {'u', HI, NULL, HI, HI_KEPT}}},
        {"pipelined behind a body",
         {{'c', "POST /1 HTTP/1.1\r\n" HOST LENGTH "2\r\n\r\nxy" GET("/2"),
           "POST /1 HTTP/1.1\r\n" HOST LENGTH "2\r\n" CLOSE VIA "xy", NULL, "/1;"},
          {'u', HI, SENT("/2"), HI, HI_ALONE "/2;"},
          {'u', HI, NULL, HI, HI_KEPT}}},
        {"pipelined, and the first one says close",
         {{'c', GET("/1") "GET /2 HTTP/1.1\r\n" HOST CLOSE "\r\n" GET("/3"), SENT("/1"), NULL,
           "/1;"},
          {'u', HI, SENT("/2"), HI, HI_KEPT "/2;"},
          {'u', HI, NULL, HI_CLOSE, "200=2 upstream;over"}}},
        {"pipelined, and the second is refused when its turn comes",
         {{'c', GET("/1") "GET /2 HTTP/1.1\r\n\r\n", SENT("/1"), NULL, "/1;"},
          {'u', HI, NULL, HI BAD_REQUEST, HI_KEPT "refused;over"}}},
        {"the last, told before the answer",
         {{'c', GET("/1") GET("/2"), SENT("/1"), NULL, "/1;"},
          {'l', NULL, NULL, NULL, NULL},
          {'u', HI, NULL, HI_CLOSE, "200=2 upstream;over"}}},
        {"the last, told within the answer",
         {{'c', GET("/1") GET("/2"), SENT("/1"), NULL, "/1;"},
          {'u', OK LENGTH "2\r\n\r\nh", NULL, OK LENGTH "2\r\n\r\nh", NULL},
          {'l', NULL, NULL, NULL, NULL},
          {'u', "i", NULL, "i", "200=2 upstream;over"}}},
        {"the client has ended, and gets its answer",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'e', NULL, NULL, NULL, "ended;"},
          {'u', HI, NULL, HI_CLOSE, "200=2 upstream;over"}}},
    };
    (void)state;
    hold_all(talks, COUNT(talks));
}

static void test_http_1_0(void **state)
{
    static const struct talk talks[] = {
        {"a client of 1.0",
         {{'c', "GET /1 HTTP/1.0\r\n\r\n" GET("/2"), SENT0("/1"), NULL, "/1;"},
          {'u', HI, NULL, HI_CLOSE, "200=2 upstream;over"}}},
        {"one that wants to stay",
         {{'c', "GET /1 HTTP/1.0\r\n" KEEP "\r\n", SENT0("/1"), NULL, "/1;"},
          {'u', HI, NULL, OK LENGTH "2\r\n" KEEP "\r\nhi", HI_KEPT},
          {'c', "GET /2 HTTP/1.0\r\n\r\n", SENT0("/2"), NULL, "/2;"}}},
        {"chunks aren't for it",
         {{'c', "GET /1 HTTP/1.0\r\n" KEEP "\r\n", SENT0("/1"), NULL, "/1;"},
          {'u', OK CHUNKED "\r\n2\r\nhi\r\n1\r\n!\r\n0\r\nT: x\r\n\r\n", NULL, OK CLOSE "\r\nhi!",
           "200=3 upstream;over"}}},
        {"nor is a body until the end to be chunked for it",
         {{'c', "GET /1 HTTP/1.0\r\n" KEEP "\r\n", SENT0("/1"), NULL, "/1;"},
          {'u', OK0 "\r\nhi!", NULL, OK CLOSE "\r\nhi!", NULL},
          {'f', NULL, NULL, NULL, "200=3;over"}}},
        {"an upstream of 1.0",
         {{'c', GET("/1") GET("/2"), SENT("/1"), NULL, "/1;"},
          {'u', OK0 LENGTH "2\r\n\r\nhi", SENT("/2"), HI, "200=2 client;/2;"}}},
        {"one that would stay",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', OK0 LENGTH "2\r\n" KEEP "\r\nhi", NULL, HI, HI_KEPT}}},
        {"a body until the end, in chunks",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', OK0 "\r\nhi!", NULL, OK CHUNKED "\r\nhi!", NULL},
          {'f', NULL, NULL, "<end>", "200=3 client;"},
          {'c', GET("/2"), SENT("/2"), NULL, "/2;"}}},
        {"an empty one",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', OK "\r\n", NULL, OK CHUNKED "\r\n", NULL},
          {'f', NULL, NULL, "<end>", "200=0 client;"}}},
        {"one whose client says close",
         {{'c', "GET /1 HTTP/1.1\r\n" HOST CLOSE "\r\n", SENT("/1"), NULL, "/1;"},
          {'u', OK "\r\nhi!", NULL, OK CHUNKED CLOSE "\r\nhi!", NULL},
          {'f', NULL, NULL, "<end>", "200=3;over"}}},
        {"a reset is no end",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', OK0 "\r\nhi!", NULL, OK CHUNKED "\r\nhi!", NULL},
          {'r', NULL, NULL, NULL, "broken;cut;over"}}},
        {"nor for a client of 1.0",
         {{'c', "GET /1 HTTP/1.0\r\n\r\n", SENT0("/1"), NULL, "/1;"},
          {'u', OK0 "\r\nhi!", NULL, OK CLOSE "\r\nhi!", NULL},
          {'r', NULL, NULL, NULL, "broken;cut;over"}}},
    };
    (void)state;
    hold_all(talks, COUNT(talks));
}

static void test_bodies(void **state)
{
#define POST "POST / HTTP/1.1\r\n" HOST
    static const struct talk talks[] = {
        {"a length both ways",
         {{'c', POST LENGTH "5\r\n\r\nhello", POST LENGTH "5\r\n" CLOSE VIA "hello", NULL, "/;"},
          {'u', HI, NULL, HI, HI_ALONE}}},
        {"none",
         {{'c', POST LENGTH "0\r\n\r\n", POST LENGTH "0\r\n" VIA, NULL, "/;"},
          {'u', OK LENGTH "0\r\n\r\n", NULL, OK LENGTH "0\r\n\r\n", "200=0 client upstream;"}}},
        {"chunks both ways",
         {{'c', POST CHUNKED "\r\n2;x=y\r\nhe\r\n03\r\nllo\r\n0\r\nT: u\r\n\r\n",
           POST CHUNKED CLOSE VIA "hello<end>", NULL, "/;"},
          {'u', OK CHUNKED "\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n", NULL, OK CHUNKED "\r\nhi!<end>",
           "200=3 client;"}}},
        {"chunks that are none",
         {{'c', POST CHUNKED "\r\n0\r\n\r\n" GET("/2"), POST CHUNKED CLOSE VIA "<end>", NULL, "/;"},
          {'u', HI, SENT("/2"), HI, HI_ALONE "/2;"},
          {'u', HI, NULL, HI, HI_KEPT}}},
        {"in chunks back alone",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', OK CHUNKED "\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n", NULL, OK CHUNKED "\r\nhi!<end>",
           "200=3 client upstream;"}}},
        {"of GET too",
         {{'c', "GET / HTTP/1.1\r\n" HOST LENGTH "2\r\n\r\nxy",
           "GET / HTTP/1.1\r\n" HOST LENGTH "2\r\n" CLOSE VIA "xy", NULL, "/;"},
          {'u', HI, NULL, HI, HI_ALONE}}},
        {"two answers, to it and to what looks like a request in it",
         {{'c', "GET / HTTP/1.1\r\n" HOST LENGTH "28\r\n\r\n" GET("/x") GET("/2"),
           "GET / HTTP/1.1\r\n" HOST LENGTH "28\r\n" CLOSE VIA GET("/x"), NULL, "/;"},
          {'u', HI OK LENGTH "3\r\n\r\nbad", SENT("/2"), HI, HI_ALONE "more;/2;"},
          {'n', NULL, NULL, NULL, NULL},
          {'u', HI, NULL, HI, HI_KEPT}}},
        {"a bad chunk",
         {{'c', POST CHUNKED "\r\n2\r\nhe\r\n", POST CHUNKED CLOSE VIA "he", NULL, "/;"},
          {'c', "zz\r\n", NULL, BAD_REQUEST, "refused;over"},
          {'u', HI, NULL, NULL, "over"}}},
        {"a bad chunk when the answer has begun",
         {{'c', POST CHUNKED "\r\n2\r\nhe\r\n", POST CHUNKED CLOSE VIA "he", NULL, "/;"},
          {'u', OK LENGTH "2\r\n\r\nh", NULL, OK LENGTH "2\r\n" CLOSE "\r\nh", NULL},
          {'c', "zz\r\n", NULL, NULL, "refused;cut;over"}}},
        {"an answer in mid-upload",
         {{'c', POST LENGTH "9\r\n\r\nhello", POST LENGTH "9\r\n" CLOSE VIA "hello", NULL, "/;"},
          {'u', HI, NULL, HI_CLOSE, "200=2;over"},
          {'c', "more" GET("/2"), NULL, NULL, "over"}}},
        {"one that begins in mid-upload and ends after it",
         {{'c', POST CHUNKED "\r\n2\r\nhe\r\n", POST CHUNKED CLOSE VIA "he", NULL, "/;"},
          {'u', OK LENGTH "2\r\n\r\nh", NULL, OK LENGTH "2\r\n" CLOSE "\r\nh", NULL},
          {'c', "1\r\ny\r\n0\r\n\r\n" GET("/2"), "y<end>", NULL, NULL},
          {'u', "i", NULL, "i", "200=2;over"}}},
        {"one of chunks",
         {{'c', POST LENGTH "9\r\n\r\nhello", POST LENGTH "9\r\n" CLOSE VIA "hello", NULL, "/;"},
          {'u', OK CHUNKED "\r\n2\r\nhi\r\n0\r\n\r\n", NULL, OK CHUNKED CLOSE "\r\nhi<end>",
           "200=2;over"}}},
    };
    (void)state;
    hold_all(talks, COUNT(talks));
}

static void test_answers_without_a_body(void **state)
{
#define HEAD(path) "HEAD " path " HTTP/1.1\r\n" HOST
    static const struct talk talks[] = {
        {"HEAD",
         {{'c', HEAD("/1") "\r\n" GET("/2"), HEAD("/1") VIA, NULL, "/1;"},
          {'u', OK LENGTH "9\r\n\r\n", SENT("/2"), OK LENGTH "9\r\n\r\n", "200=0 client;/2;"},
          {'u', HI, NULL, HI, HI_KEPT}}},
        {"HEAD of what would be in chunks",
         {{'c', HEAD("/1") "\r\n", HEAD("/1") VIA, NULL, "/1;"},
          {'u', OK CHUNKED "\r\n", NULL, OK "\r\n", "200=0 client;"}}},
        {"HEAD of what would be until the end",
         {{'c', HEAD("/1") "\r\n", HEAD("/1") VIA, NULL, "/1;"},
          {'u', OK "\r\n", NULL, OK "\r\n", "200=0 client;"}}},
        {"HEAD with an interim answer",
         {{'c', HEAD("/1") "\r\n", HEAD("/1") VIA, NULL, "/1;"},
          {'u', "HTTP/1.1 103 Early\r\n\r\n" OK LENGTH "9\r\n\r\n", NULL,
           "HTTP/1.1 103 Early\r\n\r\n" OK LENGTH "9\r\n\r\n", "200=0 client;"}}},
        {"HEAD and a body nevertheless",
         {{'c', HEAD("/1") "\r\n", HEAD("/1") VIA, NULL, "/1;"},
          {'u', HI, NULL, OK LENGTH "2\r\n\r\n", "200=0 client;more;"}}},
        {"204",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', "HTTP/1.1 204 None\r\n\r\n", NULL, "HTTP/1.1 204 None\r\n\r\n",
           "204=0 client upstream;"}}},
        {"304",
         {{'c', GET("/1") GET("/2"), SENT("/1"), NULL, "/1;"},
          {'u', "HTTP/1.1 304 Same\r\n" LENGTH "5\r\n\r\n", SENT("/2"),
           "HTTP/1.1 304 Same\r\n" LENGTH "5\r\n\r\n", "304=0 client upstream;/2;"}}},
    };
    (void)state;
    hold_all(talks, COUNT(talks));
}

static void test_interim_answers(void **state)
{
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define EXPECT "Expect: 100-continue\r\n"
    static const struct talk talks[] = {
        {"100, when the upstream says so",
         {{'c', POST EXPECT LENGTH "2\r\n\r\n", POST LENGTH "2\r\n" CLOSE EXPECT VIA, NULL, "/;"},
          {'u', CONTINUE, NULL, CONTINUE, NULL},
          {'c', "xy", "xy", NULL, NULL},
          {'u', HI, NULL, HI, HI_ALONE}}},
        {"a refusal in its place",
         {{'c', POST EXPECT LENGTH "2\r\n\r\n", POST LENGTH "2\r\n" CLOSE EXPECT VIA, NULL, "/;"},
          {'u', HI, NULL, HI_CLOSE, "200=2;over"}}},
        {"103, twice, and the answer at once",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', "HTTP/1.1 103 Early\r\nA: 1\r\n\r\nHTTP/1.1 103 Early\r\n\r\n" HI, NULL,
           "HTTP/1.1 103 Early\r\nA: 1\r\n\r\nHTTP/1.1 103 Early\r\n\r\n" HI, HI_KEPT}}},
        {"none of them for 1.0",
         {{'c', "GET /1 HTTP/1.0\r\n" EXPECT "\r\n", SENT0("/1"), NULL, "/1;"},
          {'u', CONTINUE "HTTP/1.1 103 Early\r\nA: 1\r\n\r\n" HI, NULL, HI_CLOSE,
           "200=2 upstream;over"}}},
        {"and then nothing",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', CONTINUE, NULL, CONTINUE, NULL},
          {'f', NULL, NULL, BAD_GATEWAY, "broken;over"}}},
    };
    (void)state;
    hold_all(talks, COUNT(talks));
}

static void test_tunnels(void **state)
{
#define UPGRADE "Connection: upgrade\r\nUpgrade: websocket\r\n"
#define ASK_WS "GET /ws HTTP/1.1\r\n" HOST UPGRADE
#define SWITCH "HTTP/1.1 101 Switching\r\n"
    static const struct talk talks[] = {
        {"asked for",
         {{'c', ASK_WS "\r\n", ASK_WS VIA, NULL, "/ws;"},
          {'u', SWITCH UPGRADE "\r\n", NULL, SWITCH UPGRADE "\r\n", "tunnel;"},
          {'c', "xyz", "xyz", NULL, NULL},
          {'u', "uvw", NULL, "uvw", NULL},
          {'e', NULL, NULL, NULL, "ended;"},
          {'u', HI, NULL, HI, NULL}}},
        {"with bytes behind either head",
         {{'c', ASK_WS "\r\nxyz", ASK_WS VIA, NULL, "/ws;"},
          {'u', SWITCH UPGRADE "\r\nuvw", "xyz", SWITCH UPGRADE "\r\nuvw", "tunnel;"}}},
        {"the upstream would rather not",
         {{'c', ASK_WS "\r\n" GET("/2"), ASK_WS VIA, NULL, "/ws;"},
          {'u', HI, SENT("/2"), HI, HI_KEPT "/2;"}}},
        {"not asked for",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', SWITCH UPGRADE "\r\nuvw", NULL, BAD_GATEWAY, "broken;over"}}},
        {"another one was asked for",
         {{'c', "GET /1 HTTP/1.1\r\n" HOST "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
           SENT("/1"), NULL, "/1;"},
          {'u', SWITCH "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", NULL, BAD_GATEWAY,
           "broken;over"}}},
        {"another one is given",
         {{'c', ASK_WS "\r\n", ASK_WS VIA, NULL, "/ws;"},
          {'u', SWITCH "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", NULL, BAD_GATEWAY,
           "broken;over"}}},
        {"none is named",
         {{'c', ASK_WS "\r\n", ASK_WS VIA, NULL, "/ws;"},
          {'u', SWITCH "\r\n", NULL, BAD_GATEWAY, "broken;over"}}},
        {"asked for in 1.0, where it is to be ignored",
         {{'c', "GET /ws HTTP/1.0\r\n" UPGRADE "\r\n", SENT0("/ws"), NULL, "/ws;"},
          {'u', SWITCH UPGRADE "\r\nuvw", NULL, BAD_GATEWAY, "broken;over"}}},
        {"given before its request is whole",
         {{'c', "POST /ws HTTP/1.1\r\n" HOST UPGRADE CHUNKED "\r\n2\r\nhe\r\n",
           "POST /ws HTTP/1.1\r\n" HOST CHUNKED CLOSE VIA "he", NULL, "/ws;"},
          {'u', SWITCH UPGRADE "\r\nuvw", NULL, BAD_GATEWAY, "broken;over"},
          {'c', "1\r\ny\r\n0\r\n\r\nxyz", NULL, NULL, "over"}}},
    };
    (void)state;
    hold_all(talks, COUNT(talks));
}

static void test_broken_answers(void **state)
{
    static const struct talk talks[] = {
        {"no answer, of what can be asked again",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'f', NULL, SENT("/1"), NULL, "broken;"},
          {'u', HI, NULL, HI, HI_KEPT}}},
        {"a reset instead, and once more nothing",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'r', NULL, SENT("/1"), NULL, "broken;"},
          {'f', NULL, NULL, BAD_GATEWAY, "broken;over"}}},
        {"no answer, of what can't",
         {{'c', POST LENGTH "1\r\n\r\nx", POST LENGTH "1\r\n" CLOSE VIA "x", NULL, "/;"},
          {'f', NULL, NULL, BAD_GATEWAY, "broken;over"}}},
        {"an end in mid-head",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', "HTTP/1.1 200 OK\r\nA: b\r\n", NULL, NULL, NULL},
          {'f', NULL, NULL, BAD_GATEWAY, "broken;over"}}},
        {"an end in mid-body",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', OK LENGTH "2\r\n\r\nh", NULL, OK LENGTH "2\r\n\r\nh", NULL},
          {'f', NULL, NULL, NULL, "broken;cut;over"}}},
        {"an end before the body",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', OK LENGTH "2\r\n\r\n", NULL, OK LENGTH "2\r\n\r\n", NULL},
          {'f', NULL, NULL, NULL, "broken;cut;over"}}},
        {"an end between chunks",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', OK CHUNKED "\r\n2\r\nhi\r\n", NULL, OK CHUNKED "\r\nhi", NULL},
          {'f', NULL, NULL, NULL, "broken;cut;over"}}},
        {"an end in the trailers",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', OK CHUNKED "\r\n2\r\nhi\r\n0\r\nT: u\r\n", NULL, OK CHUNKED "\r\nhi", NULL},
          {'f', NULL, NULL, NULL, "broken;cut;over"}}},
        {"no HTTP",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', "SSH-2.0\r\n\r\n", NULL, BAD_GATEWAY, "broken;over"}}},
        {"two lengths",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', OK LENGTH "2\r\n" LENGTH "2\r\n\r\nhi", NULL, BAD_GATEWAY, "broken;over"}}},
        {"a bad chunk",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', OK CHUNKED "\r\n2\r\nhi\r\nzz\r\n", NULL, OK CHUNKED "\r\nhi", "broken;cut;over"}}},
        {"an answer to nothing",
         {{'u', HI, NULL, NULL, "more;"},
          {'n', NULL, NULL, NULL, NULL},
          {'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', HI, NULL, HI, HI_KEPT}}},
        {"an answer to half a request",
         {{'c', "GET / HT", NULL, NULL, NULL}, {'u', HI, NULL, NULL, "more;"}}},
        {"two answers to one request",
         {{'c', GET("/1"), SENT("/1"), NULL, "/1;"},
          {'u', HI OK LENGTH "5\r\n\r\nworld", NULL, HI, HI_KEPT "more;"},
          {'n', NULL, NULL, NULL, NULL},
          {'c', GET("/2"), SENT("/2"), NULL, "/2;"},
          {'u', HI, NULL, HI, HI_KEPT}}},
        {"two, and pipelined requests",
         {{'c', GET("/1") GET("/2"), SENT("/1"), NULL, "/1;"},
          {'u', HI OK LENGTH "5\r\n\r\nworld", SENT("/2"), HI, HI_KEPT "more;/2;"},
          {'n', NULL, NULL, NULL, NULL},
          {'u', HI, NULL, HI, HI_KEPT}}},
    };
    (void)state;
    hold_all(talks, COUNT(talks));
}

static void test_replies(void **state)
{
    static const struct talk talks[] = {
        {"to GET",
         {{'c', GET("/own") GET("/2"), NULL, OWN_HEAD "own", "/own;over"},
          {'u', HI, NULL, NULL, "over"}}},
        {"to HEAD", {{'c', HEAD("/own") "\r\n" GET("/2"), NULL, OWN_HEAD, "/own;over"}}},
        {"to what has a body",
         {{'c', "POST /own HTTP/1.1\r\n" HOST LENGTH "5\r\n\r\nhello" GET("/2"), NULL,
           OWN_HEAD "own", "/own;over"}}},
        {"to no request at all",
         {{'c', "GET\r\n", NULL, NULL, NULL}, {'c', "\r\n", NULL, BAD_REQUEST, "refused;over"}}},
        {"behind an answer",
         {{'c', GET("/1") GET("/own"), SENT("/1"), NULL, "/1;"},
          {'u', HI, NULL, HI OWN_HEAD "own", HI_KEPT "/own;over"}}},
        {"to HEAD that the upstream left",
         {{'c', HEAD("/1") "\r\n", HEAD("/1") VIA, NULL, "/1;"},
          {'u', "?", NULL, NULL, NULL},
          {'f', NULL, NULL, "HTTP/1.1 502 Bad\r\nContent-Length: 4\r\nConnection: close\r\n\r\n",
           "broken;over"}}},
    };
    (void)state;
    hold_all(talks, COUNT(talks));
}

/* ---- What the conversations don't show ------------------------------------------------------ */

static void say_text(struct owner *o, char who, const char *text)
{
    say(o, who, text, strlen(text));
}

/* Byte for byte, as no conversation is compared. */
static void test_chunks_go_on_as_they_come(void **state)
{
    struct owner *o = begin();
    (void)state;
    say_text(o, 'c', POST CHUNKED "\r\n00b\r\nhello, wor");
    say_text(o, 'c', "l\r\n0;x\r\n\r\n");
    assert_string_equal(o->up.at, POST CHUNKED CLOSE VIA "a\r\nhello, wor\r\n1\r\nl\r\n0\r\n\r\n");
    say_text(o, 'u', OK "\r\nhello, worl");
    say_text(o, 'u', "d");
    kp_http_exchange_upstream_ended(&o->x, true);
    assert_string_equal(o->down.at, OK CHUNKED "\r\nb\r\nhello, worl\r\n1\r\nd\r\n0\r\n\r\n");
    leave(o);
}

static void test_who_is_repeatable(void **state)
{
    static const struct {
        const char *request;
        bool is;
    } table[] = {
        {GET("/"), true},
        {HEAD("/") "\r\n", true},
        {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", true},
        {"GET / HTTP/1.1\r\n" HOST LENGTH "0\r\n\r\n", true},
        {"GET / HTTP/1.1\r\n" HOST LENGTH "1\r\n\r\nx", false},
        {"GET / HTTP/1.1\r\n" HOST CHUNKED "\r\n0\r\n\r\n", false},
        {POST LENGTH "0\r\n\r\n", false},
        {"PUT / HTTP/1.1\r\n" HOST "\r\n", false},
        {"DELETE / HTTP/1.1\r\n" HOST "\r\n", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct owner *o = begin();
        assert_false(kp_http_exchange_is_repeatable(&o->x));
        say_text(o, 'c', table[i].request);
        assert_int_equal(kp_http_exchange_is_repeatable(&o->x), table[i].is);
        say_text(o, 'u', "H");
        assert_false(kp_http_exchange_is_repeatable(&o->x));
        leave(o);
    }
}

static void test_a_replied_request_is_not_repeatable(void **state)
{
    struct owner *o = begin();
    (void)state;
    say_text(o, 'c', GET("/own"));
    assert_false(kp_http_exchange_is_repeatable(&o->x));
    leave(o);
}

static void test_busy(void **state)
{
    struct owner *o = begin();
    (void)state;
    assert_false(kp_http_exchange_is_busy(&o->x));
    say_text(o, 'c', "\r\n");
    assert_false(kp_http_exchange_is_busy(&o->x));
    say_text(o, 'c', "G");
    assert_true(kp_http_exchange_is_busy(&o->x));
    say_text(o, 'c', "ET / HTTP/1.1\r\n" HOST "\r\n");
    assert_true(kp_http_exchange_is_busy(&o->x));
    say_text(o, 'u', HI);
    assert_false(kp_http_exchange_is_busy(&o->x));
    leave(o);
}

/* Between requests, or behind a whole one; nowhere else. */
static void test_the_client_ends_anywhere(void **state)
{
    static const char *const requests[] = {
        GET("/"),
        POST LENGTH "5\r\n\r\nhello",
        POST CHUNKED "\r\n5\r\nhello\r\n0\r\nT: u\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(requests); i++) {
        size_t whole = strlen(requests[i]);
        for (size_t len = 0; len <= whole; len++) {
            struct owner *o = begin();
            client_says(o, requests[i], len);
            assert_int_equal(kp_http_exchange_client_ended(&o->x), len == 0 || len == whole);
            assert_true(o->x.last);
            leave(o);
        }
    }
}

static void test_the_client_ends_in_an_answer(void **state)
{
    for (size_t len = 0; len <= strlen(HI); len++) {
        struct owner *o = begin();
        (void)state;
        say_text(o, 'c', GET("/"));
        upstream_says(o, HI, len);
        assert_true(kp_http_exchange_client_ended(&o->x));
        upstream_says(o, &HI[len], strlen(HI) - len);
        assert_int_equal(o->answered, 1);
        assert_int_equal(o->x.over, len < strlen(HI));
        leave(o);
    }
}

/* An early answer doesn't make half a request a whole one. */
static void test_the_client_ends_in_mid_upload(void **state)
{
    struct owner *o = begin();
    (void)state;
    say_text(o, 'c', POST LENGTH "9\r\n\r\nhello");
    say_text(o, 'u', OK LENGTH "2\r\n\r\nh");
    assert_false(kp_http_exchange_client_ended(&o->x));
    leave(o);
}

static void test_held(void **state)
{
    static const char request[] = POST LENGTH "5\r\n\r\nhello";
    struct owner *o = begin();
    (void)state;
    o->x.held = true;
    say_text(o, 'c', request);
    assert_int_equal(o->pending.len, sizeof request - 1);
    assert_int_equal(o->asked, 0);
    o->x.held = false;
    show(o);
    assert_int_equal(o->pending.len, 0);
    assert_true(o->x.taken_whole);
    leave(o);
}

/* The owner may hold from within the hook: each piece goes on once, in order. */
static void test_held_at_every_piece(void **state)
{
    struct owner *o = begin();
    (void)state;
    o->holds = true;
    say_text(o, 'c', POST CHUNKED "\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" GET("/2"));
    for (unsigned i = 0; i < 10; i++) {
        o->x.held = false;
        show(o);
    }
    without_chunks(&o->up);
    assert_string_equal(o->up.at, POST CHUNKED CLOSE VIA "hello<end>");
    o->x.held = o->holds = false;
    say_text(o, 'u', HI);
    show(o);
    assert_int_equal(o->asked, 2);
    leave(o);
}

static void test_held_in_a_tunnel(void **state)
{
    struct owner *o = begin();
    (void)state;
    say_text(o, 'c', ASK_WS "\r\n");
    say_text(o, 'u', SWITCH UPGRADE "\r\n");
    o->up.len = 0;
    o->holds = true;
    say_text(o, 'c', "one");
    assert_int_equal(o->pending.len, 0);
    say_text(o, 'c', "two");
    assert_int_equal(o->pending.len, 3);
    assert_string_equal(o->up.at, "one");
    o->x.held = false;
    show(o);
    assert_string_equal(o->up.at, "onetwo");
    leave(o);
}

/* An upstream that doesn't wait for the end of what it was asked. */
static void test_a_change_before_the_request_is_whole(void **state)
{
    struct owner *o = begin();
    (void)state;
    o->holds = true;
    say_text(o, 'c', ASK_WS "\r\n");
    assert_true(o->x.asked->websocket);
    assert_false(o->x.taken_whole);
    say_text(o, 'u', SWITCH UPGRADE "\r\nuvw");
    assert_string_equal(o->told.at, "/ws;broken;");
    assert_string_equal(o->down.at, BAD_GATEWAY);
    assert_false(o->x.tunnels);
    leave(o);
}

static void test_a_user_that_cannot_be_named(void **state)
{
    static const struct kp_http_identity who = {.user = {"a\nb", 3}, .proof = "srp"};
    static const struct kp_http_onward how = {.identity = &who};
    struct owner *o = begin();
    size_t before;
    (void)state;
    say_text(o, 'c', GET("/"));
    before = o->up.len;
    o->x.forwarded = false;
    assert_int_equal(kp_http_exchange_forward(&o->x, &how), -1);
    assert_int_equal(o->up.len, before);
    assert_false(o->x.forwarded);
    leave(o);
}

static void write_answer(struct kp_http_exchange *x, struct kp_out *out,
                         const struct kp_http_head *head)
{
    assert_non_null(x->asked);
    kp_out_word(out, "OWN ");
    kp_out_number(out, head->status);
    kp_out_word(out, x->back.keep ? " keeps\r\n\r\n" : "\r\n\r\n");
    out->failed = head->status == 500;
}

static void test_an_owner_that_writes_heads(void **state)
{
    struct kp_http_exchange_hooks own = hooks;
    struct kp_out failed = {.failed = true};
    struct owner *o = begin();
    (void)state;
    own.write_answer = write_answer;
    o->x.hooks = &own;
    o->writes = true;
    say_text(o, 'c', "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab");
    assert_string_equal(o->up.at, "OWN HEAD\r\n\r\nab");
    say_text(o, 'u', "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_string_equal(o->down.at, "OWN 103\r\n\r\nOWN 200 keeps\r\n\r\nok");
    assert_string_equal(o->told.at, "/a;200=2 client;");
    /* HEAD is known by what was asked, not by what was written. */
    say_text(o, 'c', "HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n");
    say_text(o, 'u', "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    assert_non_null(strstr(o->told.at, "/b;200=0 client;"));
    /* One that can't be written. */
    say_text(o, 'c', "POST /c HTTP/1.1\r\nHost: a\r\n\r\n");
    o->up.len = 0;
    assert_int_equal(kp_http_exchange_forward_as(&o->x, &failed), -1);
    assert_int_equal(o->up.len, 0);
    say_text(o, 'u', "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    assert_non_null(strstr(o->told.at, "/c;broken;"));
    assert_non_null(strstr(o->down.at, BAD_GATEWAY));
    assert_false(o->cut);
    leave(o);
}

static void test_an_upstream_is_kept_after_a_body(void **state)
{
    static const struct {
        const char *first, *second; /* of the client, before and after the answer has begun */
        bool reuses;
        const char *told;
    } rows[] = {
        {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", "", false,
         "/a;200=2 client;"},
        {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", "", true,
         "/a;200=2 client upstream;"},
        {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", true,
         "/a;200=2 client upstream;"},
        /* The answer came before all of the body: what is left of that may be read as a request. */
        {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na", "b", true, "/a;200=2;"},
        {"HEAD /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na", "", true, "/a;200=0 client;"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct owner *o = begin();
        o->x.reuses_after_body = rows[i].reuses;
        say_text(o, 'c', rows[i].first);
        say_text(o, 'u', "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        say_text(o, 'c', rows[i].second);
        if (strncmp(rows[i].first, "HEAD", 4) != 0)
            say_text(o, 'u', "ok");
        assert_string_equal(o->told.at, rows[i].told);
        leave(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_http_1_0),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_answers_without_a_body),
        cmocka_unit_test(test_interim_answers),
        cmocka_unit_test(test_tunnels),
        cmocka_unit_test(test_broken_answers),
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_chunks_go_on_as_they_come),
        cmocka_unit_test(test_who_is_repeatable),
        cmocka_unit_test(test_a_replied_request_is_not_repeatable),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_the_client_ends_anywhere),
        cmocka_unit_test(test_the_client_ends_in_an_answer),
        cmocka_unit_test(test_the_client_ends_in_mid_upload),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_held_at_every_piece),
        cmocka_unit_test(test_held_in_a_tunnel),
        cmocka_unit_test(test_a_change_before_the_request_is_whole),
        cmocka_unit_test(test_a_user_that_cannot_be_named),
        cmocka_unit_test(test_an_owner_that_writes_heads),
        cmocka_unit_test(test_an_upstream_is_kept_after_a_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
