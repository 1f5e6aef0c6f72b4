/*
 * Writes the seed corpus: inputs made of real handshakes and files, a few for each target.
 *
 *      make_corpus FOLDER          FOLDER/TARGET/NAME; the same files on every run
 *
 * Run by hand when a format changes; the result is checked in.
 */
#include "script.h"

#include "creds/foreign.h"
#include "creds/roster.h"
#include "creds/throttle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *folder;

static void put_file(const char *target, const char *name, const void *data, size_t len)
{
    char path[1024];

    must(snprintf(path, sizeof(path), "%s/%s", folder, target) < (int)sizeof(path));
    must(mkdir(path, 0777) == 0 || errno == EEXIST);
    must(snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name) < (int)sizeof(path));
    FILE *out = fopen(path, "wb");
    must(out != NULL && fwrite(data, 1, len, out) == len && fclose(out) == 0);
}

static void put_with(const char *target, const char *name, const void *head, size_t head_len,
                     const void *data, size_t len)
{
    struct bytes all = {0};

    bytes_add(&all, head, head_len);
    bytes_add(&all, data, len);
    put_file(target, name, all.data, all.len);
    bytes_free(&all);
}

/* ---- Connections --------------------------------------------------------------------------- */

/* From each record of a script on: the honest rest. */
static void put_continuations(const char *target, const struct script *s, uint8_t which)
{
    char name[80];

    for (size_t replayed = 0; replayed <= s->records; replayed++) {
        size_t start = replayed > 0 ? s->end[replayed - 1] : 0;
        const uint8_t head[3] = {which, (uint8_t)replayed, (uint8_t)(replayed * 2)};
        snprintf(name, sizeof(name), "script%u-from%zu", which, replayed);
        put_with(target, name, head, 3, s->wire.data + start, s->wire.len - start);
    }
}

struct content {
    const char *name;
    const char *data;
    size_t len;
};

#define CONTENT(name, bytes)                                                                       \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1                                                             \
    }

static void put_contents(const char *target, uint8_t which, size_t replayed,
                         const struct content *contents, size_t count)
{
    char name[80];

    for (size_t i = 0; i < count; i++) {
        const uint8_t head[3] = {which, (uint8_t)replayed, 1 | 8};
        snprintf(name, sizeof(name), "script%u-sealed-%s", which, contents[i].name);
        put_with(target, name, head, 3, contents[i].data, contents[i].len);
    }
}

static void put_sealed(const char *target, const struct script *s, uint8_t which)
{
    static const struct content late[] = {
        CONTENT("data", "\x17\x00\x05hello\x17\x00\x00\x17\x00\x01!"),
        CONTENT("close", "\x17\x00\x03"
                         "end\x15\x00\x02\x01\x00"),
        CONTENT("alert", "\x15\x00\x02\x02\x50"),
        CONTENT("hello-request", "\x16\x00\x04\x00\x00\x00\x00\x16\x00\x04\x00\x00\x00\x00"),
        CONTENT("client-hello", "\x16\x00\x06\x01\x00\x00\x02\x03\x03"),
    };
    static const struct content finished[] = {CONTENT("finished", "\x16\x00\x10\x14\x00\x00\x0C"
                                                                  "abcdefghijkl")};
    static const struct content late13[] = {
        CONTENT("update", "\x16\x00\x05\x18\x00\x00\x01\x01\x17\x00\x01!"
                          "\x16\x00\x05\x18\x00\x00\x01\x00\x17\x00\x01!"),
        CONTENT("update-in-two", "\x16\x00\x02\x18\x00\x16\x00\x03\x00\x01\x00\x17\x00\x01!"),
        CONTENT("ticket", "\x16\x00\x13\x04\x00\x00\x0F\x00\x00\x00\x09\x00\x00\x00\x00\x01"
                          "n\x00\x01t\x00\x00"),
        CONTENT("ticket-and-update",
                "\x16\x00\x18\x04\x00\x00\x0F\x00\x00\x00\x09\x00\x00\x00\x00\x01"
                "n\x00\x01t\x00\x00\x18\x00\x00\x01\x00\x17\x00\x01!"),
        CONTENT("padded", "\x17\x00\x06hello\x00\x15\x00\x02\x01\x5A"),
    };
    static const struct content early13[] = {
        CONTENT("extensions", "\x16\x00\x0E\x08\x00\x00\x0A\x00\x08\x00\x1C\x00\x02\x40\x01"
                              "\x00\x0A\x00\x00"),
        CONTENT("finished", "\x16\x00\x24\x14\x00\x00\x20"
                            "0123456789abcdefghijklmnopqrstuv"),
        CONTENT("early-data", "\x17\x00\x05hello"),
        CONTENT("early-alert", "\x15\x00\x02\x02\x33"),
    };
    size_t proved = s->finished + 1;

    put_contents(target, which, proved, late, sizeof(late) / sizeof(late[0]));
    if (s->keys[0].first == 0) {
        put_contents(target, which, s->finished, finished, 1);
        return;
    }
    put_contents(target, which, proved, late13, sizeof(late13) / sizeof(late13[0]));
    put_contents(target, which, s->keys[0].first, early13, sizeof(early13) / sizeof(early13[0]));
}

/* Every plaintext handshake message of a script, by its type. */
static void put_messages(const struct script *s, uint8_t which)
{
    static const uint8_t kinds[] = {KP_SERVER_KEY_EXCHANGE, KP_CLIENT_KEY_EXCHANGE,
                                    KP_NEW_SESSION_TICKET};
    size_t sealed = s->keys[0].first != 0 ? s->keys[0].first : s->keys[1].first;
    char name[80];

    for (size_t i = 0; i < sealed; i++) {
        size_t start = (i > 0 ? s->end[i - 1] : 0) + KP_HEADER_LEN;
        if (s->wire.data[start - KP_HEADER_LEN] != KP_HANDSHAKE)
            continue;
        const uint8_t *body = s->wire.data + start + KP_MESSAGE_HEADER_LEN;
        size_t len = s->end[i] - start - KP_MESSAGE_HEADER_LEN;
        uint8_t type = s->wire.data[start];
        snprintf(name, sizeof(name), i > 1 ? "script%u-%u-again" : "script%u-%u", which, type);
        if (type == KP_CLIENT_HELLO) {
            put_file("client_hello", name, body, len);
            put_with("first", name, "\xFF", 1, body, len);
        }
        if (type == KP_SERVER_HELLO)
            put_file("server_hello", name, body, len);
        for (uint8_t kind = 0; kind < 3; kind++) {
            if (type == kinds[kind])
                put_with("messages", name, &kind, 1, body, len);
        }
    }
}

static void put_other_messages(void)
{
    put_file("server_hello", "key-share-empty",
             "\x03\x03"
             "0123456789abcdefghijklmnopqrstuv"
             "\0\xC0\x20\0\0\x04\0\x33\0\0",
             44);
    put_file("messages", "finished",
             "\x03"
             "abcdefghijkl",
             13);
    put_file("messages", "done", "\x04", 1);
    put_file("messages", "ticket13", "\x05\0\1\x51\x80\1\2\3\4\1n\0\6ticket\0\0", 22);
    put_file("messages", "ticket13-early-data",
             "\x05\0\1\x51\x80\1\2\3\4\1n\0\1t\0\x08\0\x2A\0\4\0\0\1\0", 25);
    put_file("messages", "key-update", "\x06\1", 2);
    put_file("messages", "finished48",
             "\x07"
             "0123456789abcdefghijklmnopqrstuv0123456789abcdef",
             49);
    put_file("messages", "extensions",
             "\x08\0\x19\0\x10\0\x0B\0\x09\x08http/1.1\0\x1C\0\2\x40\1\0\0\0\0", 28);
    put_file("messages", "extensions-groups", "\x08\0\x08\0\x0A\0\4\0\2\0\x1D", 11);
}

static void put_connections(void)
{
    static const char *const targets[2] = {"client", "server"};

    for (int victim = KP_CLIENT; victim <= KP_SERVER; victim++) {
        static struct scripts scripts;
        scripts_open(&scripts, (enum kp_role)victim);
        for (uint8_t which = 0; which < SCRIPTS; which++) {
            put_continuations(targets[victim], &scripts.script[which], which);
            put_sealed(targets[victim], &scripts.script[which], which);
            put_messages(&scripts.script[which], which);
            if (which == SCRIPT_SRP_RESUMED) {
                const uint8_t flags = 0;
                put_with("record", victim == KP_SERVER ? "client" : "server", &flags, 1,
                         scripts.script[which].wire.data, scripts.script[which].wire.len);
            }
        }
        /* The process ends here: nothing of the worlds is given back. */
    }
    put_file("server", "http", "\0\0\0GET / HTTP/1.1\r\nHost: a\r\n\r\n", 30);
    put_file("server", "sslv2", "\0\0\0\x80\x2E\x01\x00\x02\x00\x15\x00\x00\x00\x10", 14);
    put_file("first", "http", "\0GET / HTTP/1.1\r\nHost: a\r\n\r\n", 28);
    put_file("first", "sslv2", "\0\x80\x2E\x01\x00\x02\x00\x15\x00\x00\x00\x10", 12);
    put_file("client", "http", "\0\0\0HTTP/1.1 400 Bad Request\r\n\r\n", 32);
    put_other_messages();
}

/* ---- Records and tickets
 * ------------------------------------------------------------------------- */

static void put_records(void)
{
    put_file("record", "write-small",
             "\x1A"
             "some text that is cut into records of sixty-four bytes at "
             "most, and so in two",
             78);
    put_file("record", "headers",
             "\x01\x16\x03\x03\x00\x01\x00\x15\x03\x03\x00\x02\x01\x00\x14\x03"
             "\x03\x00\x01\x01",
             20);
    put_file("record", "slow",
             "\x21\x17\x03\x03\x00\x03"
             "abc",
             9);
}

static void put_tickets(void)
{
    struct bytes state = {0};

    bytes_add(&state, "\x01\x03\x03\xC0\x20\0\0\0\0", 9);
    bytes_add(&state,
              "\x00\x0F\x42\x40\x05"
              "alice",
              10);
    for (int i = 0; i < KP_MASTER_LEN + KP_SHA256_LEN; i++)
        bytes_add(&state, "m", 1);
    put_file("ticket", "state", state.data, state.len);
    put_file("ticket", "raw", "\0some bytes that are as long as a ticket could be, and not one",
             62);
    bytes_free(&state);
}

/* ---- Credentials --------------------------------------------------------------------------- */

static void new_user(struct world *w, struct kp_roster_user *user, const char *name)
{
    memset(user, 0, sizeof(*user));
    must(kp_text_copy(&user->name, name, strlen(name)) == 0);
    user->bits = 2048;
    user->salt_len = w->credential.salt_len;
    memcpy(user->salt, w->credential.salt, user->salt_len);
    user->v = malloc(256);
    must(user->v != NULL);
    memcpy(user->v, kp_srp_verifier_value(w->alice), 256);
}

/* The text without its lines' checks. */
static void put_unchecked(const struct kp_text *text)
{
    struct bytes out = {0};
    bool first = true;
    const char *at = text->data;

    bytes_add(&out, "\x01", 1);
    while (*at != 0) {
        size_t len = strcspn(at, "\n");
        bytes_add(&out, at, first ? len : len - 9);
        bytes_add(&out, "\n", 1);
        at += len + (at[len] == '\n');
        first = false;
    }
    put_file("store", "unchecked", out.data, out.len);
    bytes_free(&out);
}

static void put_credentials(void)
{
    struct kp_roster roster;
    struct kp_roster_user users[2];
    const struct kp_roster_user *bad;
    struct kp_text text = {0};
    struct kp_text conf = {0};
    struct world w;

    world_open(&w, 2048, NULL, NULL);
    must(kp_roster_init(&roster, w.crypto, "device-1", 8, 2048, 16) == 0);
    new_user(&w, &users[0], "alice");
    new_user(&w, &users[1], "bob");
    must(kp_foreign_srpv_write(&text, users, 2, &bad) == 0);
    put_with("foreign", "srpv", "\0", 1, text.data, text.len);
    kp_text_clear(&text);
    must(kp_foreign_tpasswd_write(&text, users, 2, &bad) == 0);
    put_with("foreign", "tpasswd", "\x01", 1, text.data, text.len);
    must(kp_foreign_tpasswd_conf(&conf) == 0);
    struct bytes both = {0};
    bytes_add(&both, "\x03", 1);
    bytes_add(&both, conf.data, conf.len + 1);
    bytes_add(&both, text.data, text.len);
    put_file("foreign", "tpasswd-conf", both.data, both.len);
    bytes_free(&both);
    kp_text_clear(&text);
    must(kp_roster_add(&roster, &users[0]) == 0);
    must(kp_roster_format(&roster, w.crypto, &text) == 0);
    put_with("store", "whole", "\0", 1, text.data, text.len);
    put_unchecked(&text);
}

/* ---- Guesses ------------------------------------------------------------------------------- */

static void put_throttles(void)
{
    static char text[KP_THROTTLE_STATE_MAX];
    struct seeded random;
    const struct kp_throttle_settings settings = {.random = seeded_random, .random_arg = &random};
    uint8_t source[KP_SOURCE_LEN] = {0x20, 0x01};
    struct kp_throttle *throttle;
    struct kp_guess guess;

    seeded_start(&random, 1);
    must(kp_throttle_new(&throttle, &settings) == 0);
    put_file("throttle", "new", text, kp_throttle_state(throttle, START, text));
    for (uint8_t i = 0; i < 12; i++) {
        source[7] = i;
        must(kp_throttle_take(throttle, source, "alice", 5, START, &guess) == KP_GUESS_GRANTED);
        if (i % 3 == 0)
            kp_throttle_proved(throttle, &guess, START);
        must(kp_throttle_take(throttle, source, "bob", i % 4, START, &guess) == KP_GUESS_GRANTED);
    }
    put_file("throttle", "used", text, kp_throttle_state(throttle, START, text));
    kp_throttle_free(throttle);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_corpus FOLDER\n");
        return 2;
    }
    folder = argv[1];
    put_connections();
    put_records();
    put_tickets();
    put_credentials();
    put_throttles();
    return 0;
}
