/*
 * A browser and a device that both say what they like to the loopback face: how (1 byte), the
 * length of the request (2 bytes), the request's head, a response's head.
 *
 * Checked besides crashes: what the guard lets pass has the right host and the secret; what goes on
 * in either direction is one message that our own parser takes, with the framing of the one that
 * came; the device gets one Host, its own, no word on who the client is, and never the secret or a
 * cookie by its name; the browser gets no cookie by its name either, none that scripts may not see,
 * and nothing that leads to the device by its own name where it would go by itself.
 */
#include "fuzz.h"

#include "client/rewrite.h"
#include "http/claims.h"
#include "http/parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT 28443
#define SECRET "00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab"
#define NOW 1700000000u

enum how { SIX = 1, WITH_PORT = 2, HAS_JAR = 4, HTTP10 = 8, KEEPS = 16 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static struct kp_http_head *read_head(enum kp_http_kind kind, const void *text, size_t len,
                                      bool bodiless, size_t *used)
{
    struct kp_http_parser parser;
    struct kp_http_head *head = NULL;
    kp_http_parser_init(&parser, kind);
    parser.bodiless = bodiless;
    if (kp_http_parse(&parser, text, len, used) == KP_HTTP_HEAD)
        head = kp_http_parser_take_head(&parser);
    kp_http_parser_clear(&parser);
    return head;
}

static bool is_too_long(const struct kp_out *out)
{
    size_t lines = 0;
    for (size_t i = 0; i < out->len; i++)
        lines += out->at[i] == '\n';
    return out->len > KP_HTTP_HEAD_MAX || lines > KP_HTTP_FIELDS_MAX;
}

/* The head that was written, whole and alone.  NULL: it has become longer than what is read. */
static struct kp_http_head *written(enum kp_http_kind kind, const struct kp_out *out, bool bodiless)
{
    struct kp_http_head *head;
    size_t used;
    must(!out->failed && out->len > 0);
    head = read_head(kind, out->at, out->len, bodiless, &used);
    must(head != NULL ? used == out->len : is_too_long(out));
    return head;
}

static bool begins_with(struct kp_slice text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && kp_slice_same(text.at, word, len);
}

static unsigned count(const struct kp_http_head *head, const char *word)
{
    unsigned found = 0;
    for (size_t i = 0; i < head->count; i++) {
        struct kp_slice name, value;
        kp_http_head_field(head, i, &name, &value);
        found += kp_slice_is(name, word);
    }
    return found;
}

/* ---- The guard --------------------------------------------------------------------------- */

static const uint8_t *the_secret(void)
{
    static uint8_t secret[KP_GUARD_SECRET_LEN];
    static const uint8_t piece[4] = {0x00, 0xff, 0x10, 0xab};
    for (size_t i = 0; i < sizeof(secret); i++)
        secret[i] = piece[i % 4];
    return secret;
}

static bool contains(const struct kp_http_head *head, const char *field, const char *word)
{
    for (size_t i = 0; i < head->count; i++) {
        struct kp_slice name, value;
        kp_http_head_field(head, i, &name, &value);
        if (kp_slice_is(name, field) && value.len > 0 &&
            memmem(value.at, value.len, word, strlen(word)) != NULL)
            return true;
    }
    return false;
}

static void check_guard(const struct kp_http_head *head, const struct kp_names *names)
{
    char name[KP_SAVED_NAME_LEN];
    uint8_t token[KP_GUARD_SECRET_LEN];
    struct kp_slice path;
    enum kp_guard_verdict verdict = kp_guard_judge(head, names->own, the_secret());
    bool ours = kp_guard_name(head, PORT, name);
    must(!ours || kp_saved_name_is_right(name) || strcmp(name, KP_SAVED_RESERVED) == 0);
    must((verdict == KP_GUARD_ASTRAY) == !(ours && begins_with(head->host, "heating.localhost:")));
    if (verdict == KP_GUARD_PASS)
        must(contains(head, "Cookie", SECRET));
    if (verdict == KP_GUARD_PASS_MARK)
        must(contains(head, KP_GUARD_FIELD, SECRET) && !contains(head, "Sec-Fetch-Site", "-site"));
    if (verdict == KP_GUARD_PASS || verdict == KP_GUARD_PASS_MARK) {
        must(!contains(head, "Origin", "evil"));
        must(!contains(head, "Sec-Fetch-Site", "s-site") || kp_slice_is(head->method, "GET") ||
             kp_slice_is(head->method, "HEAD"));
    }
    if (kp_guard_link(head, token, &path))
        must(path.len > 0 && path.at[0] == '/' &&
             (path.len == 1 || (path.at[1] != '/' && path.at[1] != '\\')));
}

/* ---- What the device gets ---------------------------------------------------------------- */

static void check_cookies(struct kp_slice list)
{
    struct kp_cookie_pair pair;
    while (kp_cookie_next(&list, &pair)) {
        must(!kp_slice_is(pair.name, KP_GUARD_COOKIE));
        must(!kp_slice_is(pair.text, KP_GUARD_COOKIE));
    }
}

/* Where a browser has it, and nowhere else: what a page says elsewhere it doesn't know. */
static bool has_secret_elsewhere(const struct kp_http_head *head)
{
    if (memmem(head->target.at, head->target.len, SECRET, strlen(SECRET)) != NULL)
        return true;
    for (size_t i = 0; i < head->count; i++) {
        struct kp_slice name, value, list;
        struct kp_cookie_pair pair;
        kp_http_head_field(head, i, &name, &value);
        list = value;
        if (kp_slice_is(name, KP_GUARD_FIELD))
            continue;
        if (!kp_slice_is(name, "Cookie")) {
            if (memmem(name.at, name.len, SECRET, strlen(SECRET)) != NULL ||
                memmem(value.at, value.len, SECRET, strlen(SECRET)) != NULL)
                return true;
            continue;
        }
        while (kp_cookie_next(&list, &pair))
            if (!kp_slice_is(pair.name, KP_GUARD_COOKIE) &&
                memmem(pair.text.at, pair.text.len, SECRET, strlen(SECRET)) != NULL)
                return true;
    }
    return false;
}

static void check_request(const struct kp_http_head *asked, const struct kp_http_head *head,
                          const struct kp_names *names)
{
    struct kp_slice name, value;
    must(count(head, "Host") == 1 && count(head, "Cookie") <= 1 && count(head, "Via") >= 1);
    must(kp_slice_is(head->host, names->device) && head->minor == 1 && head->persists);
    must(head->framing == asked->framing && head->length == asked->length);
    must(head->websocket == asked->websocket && head->expects == asked->expects);
    must(head->method.len == asked->method.len && head->target.len == asked->target.len);
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        must(kp_slice_is(name, "Host") || !kp_http_claims_identity(name));
        must(
            !kp_http_claims_hop(name) || kp_slice_is(name, "content-length") ||
            kp_slice_is(name, "transfer-encoding") ||
            (head->websocket && (kp_slice_is(name, "upgrade") || kp_slice_is(name, "connection"))));
        if (kp_slice_is(name, "Cookie"))
            check_cookies(value);
        if (kp_slice_is(name, "Referer"))
            must(begins_with(value, "https://") && !contains(head, "Referer", "/.keyplate/open"));
    }
}

/* told: the device has said the secret's text by itself. */
static void fuzz_request(const struct kp_http_head *asked, const struct kp_names *names,
                         const struct kp_jar *jar, bool told)
{
    struct kp_out out = {0};
    struct kp_http_head *head;
    kp_rewrite_request(&out, asked, names, jar, NOW);
    head = written(KP_HTTP_REQUEST, &out, false);
    if (head != NULL)
        check_request(asked, head, names);
    if (!told && !has_secret_elsewhere(asked))
        must(memmem(out.at, out.len, SECRET, strlen(SECRET)) == NULL);
    kp_http_head_free(head);
    kp_out_free(&out);
}

/* ---- What the browser gets --------------------------------------------------------------- */

static void check_set_cookie(struct kp_slice value)
{
    struct kp_cookie_pair part;
    must(kp_cookie_part(&value, &part));
    must(!kp_slice_is(part.name, KP_GUARD_COOKIE) && !kp_slice_is(part.text, KP_GUARD_COOKIE));
    while (kp_cookie_part(&value, &part)) {
        struct kp_slice name = part.name.len > 0 ? part.name : part.text;
        must(!kp_slice_is(name, "Domain") && !kp_slice_is(name, "HttpOnly"));
    }
}

static void check_location(struct kp_slice value, const struct kp_names *names)
{
    static const char *const schemes[] = {"https://", "http://"};
    must(value.len < 2 || memchr("/\\", value.at[0], 2) == NULL ||
         memchr("/\\", value.at[1], 2) == NULL);
    for (size_t i = 0; i < 2; i++) {
        size_t from = strlen(schemes[i]), len = strlen(names->device);
        if (!begins_with(value, schemes[i]) || value.len < from + len ||
            !kp_slice_same(value.at + from, names->device, len))
            continue;
        must(value.len > from + len && memchr("/\\?#", value.at[from + len], 4) == NULL);
    }
}

static bool is_left_out(struct kp_slice name)
{
    return kp_slice_is(name, "Strict-Transport-Security") || kp_slice_is(name, "Alt-Svc") ||
           kp_slice_is(name, "Public-Key-Pins") || kp_slice_is(name, "Expect-CT");
}

static void check_response(const struct kp_http_head *head, const struct kp_names *names)
{
    struct kp_slice name, value;
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        must(!is_left_out(name));
        if (kp_slice_is(name, "Set-Cookie"))
            check_set_cookie(value);
        if (kp_slice_is(name, "Location"))
            check_location(value, names);
    }
    must(!kp_http_head_lists(head, "Clear-Site-Data", "\"cookies\""));
    must(!kp_http_head_lists(head, "Clear-Site-Data", "\"*\""));
}

static void fuzz_response(uint8_t how, const struct kp_http_head *came,
                          const struct kp_rewrite_back *back)
{
    bool head_only = kp_slice_is(back->asked->method, "HEAD");
    bool until_end = came->framing == KP_HTTP_UNTIL_END;
    struct kp_http_back way = {
        .minor = how & HTTP10 ? 0 : 1,
        .tunnel = came->status == 101 && came->websocket && back->asked->websocket,
        .host = back->asked->host,
    };
    struct kp_out out = {0};
    struct kp_http_head *head;
    bool chunks = (until_end || came->framing == KP_HTTP_CHUNKED) && way.minor > 0;
    way.rechunk = until_end && chunks;
    way.keep = (how & KEEPS) != 0 && (!until_end || chunks);
    kp_rewrite_response(&out, came, &way, back);
    head = written(KP_HTTP_RESPONSE, &out, head_only);
    if (head != NULL) {
        must(head->status == came->status);
        if (came->status >= 200 && !head_only)
            must(head->framing == (chunks                             ? KP_HTTP_CHUNKED
                                   : came->framing == KP_HTTP_CHUNKED ? KP_HTTP_UNTIL_END
                                                                      : came->framing));
        check_response(head, back->names);
    }
    kp_http_head_free(head);
    kp_out_free(&out);
}

/* ---- The script -------------------------------------------------------------------------- */

static void fill_jar(struct kp_jar *jar)
{
    static const char *const cookies[] = {"sid=1; HttpOnly", "deep=2; Path=/x; HttpOnly",
                                          "strict=3; SameSite=Strict; HttpOnly", "4; HttpOnly"};
    for (size_t i = 0; i < sizeof(cookies) / sizeof(*cookies); i++)
        must(kp_jar_take(jar, (struct kp_slice){cookies[i], strlen(cookies[i])},
                         (struct kp_slice){"/", 1}, NOW));
}

static void *copy_of(const void *data, size_t len)
{
    void *copy = malloc(len + (len == 0));
    must(copy != NULL);
    memcpy(copy, data, len);
    return copy;
}

static void run(uint8_t how, const struct kp_http_head *asked, const uint8_t *data, size_t size)
{
    struct kp_names names = {"heating.localhost:28443", ""};
    struct kp_jar jar = {0};
    struct kp_rewrite_back back = {.names = &names, .jar = &jar, .asked = asked, .now = NOW};
    uint8_t *copy = copy_of(data, size);
    size_t used;
    struct kp_http_head *came =
        read_head(KP_HTTP_RESPONSE, copy, size, kp_slice_is(asked->method, "HEAD"), &used);
    must(snprintf(names.device, sizeof(names.device), "%s%s", how & SIX ? "[fe80::1]" : "dev.local",
                  how & WITH_PORT ? ":8443" : "") > 0);
    if (how & HAS_JAR)
        fill_jar(&jar);
    check_guard(asked, &names);
    fuzz_request(asked, &names, &jar, false);
    if (came != NULL) {
        bool told = memmem(data, size, SECRET, strlen(SECRET)) != NULL;
        fuzz_response(how, came, &back);
        fuzz_request(asked, &names, &jar, told);
    }
    must(jar.count <= KP_JAR_COOKIES);
    kp_http_head_free(came);
    kp_jar_clear(&jar);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t how = fuzz_byte(&data, &size);
    size_t len = fuzz_byte(&data, &size);
    uint8_t *copy;
    struct kp_http_head *asked;
    size_t used;
    len = len << 8 | fuzz_byte(&data, &size);
    len = len < size ? len : size;
    copy = copy_of(data, len);
    asked = read_head(KP_HTTP_REQUEST, copy, len, false, &used);
    free(copy);
    if (asked != NULL)
        run(how, asked, data + len, size - len);
    kp_http_head_free(asked);
    return 0;
}
