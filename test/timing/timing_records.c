/*
 * By hand: does the time to the verdict on a tampered record tell which byte of it was changed?
 *
 * One record is sealed and opened with a bit flipped: in its first ciphertext block, in the middle,
 * where its padding or its content type stands, and in the MAC or tag.  Each place is compared with
 * the first.  That all of them end a connection with the same error and the same alert is checked
 * before, on whole connections.
 *
 *      timing_records [SAMPLES]        of a class; default 20000
 */
#include "measure.h"
#include "world13.h"

#include <stdio.h>
#include <string.h>

#define CONTENT_LEN 1000
#define BAD_RECORD_MAC 20

struct place {
    const char *text;
    size_t at; /* behind the header */
};

#define PLACES_MAX 8

struct tampered {
    const char *kind;
    struct kp_protect open;
    struct bytes record;
    struct place places[PLACES_MAX];
    unsigned count;
};

/* ---- One connection each ------------------------------------------------------------------- */

/* The client says CONTENT_LEN bytes, and one bit of the record is another. */
static void check_alert(struct world13 *w, const struct kp_login *login, size_t at)
{
    static const uint8_t content[CONTENT_LEN];
    struct pair p;

    pair13_open(&p, w, START, 5);
    pair_connect(&p, login, NULL, NULL);
    pair_run(&p);
    must(pair_proved(&p, KP_SERVER));
    p.flip.on = true;
    p.flip.from = KP_CLIENT;
    p.flip.at = p.wire[KP_CLIENT].len + KP_HEADER_LEN + at;
    p.flip.mask = 1;
    (void)pair_say(&p, KP_CLIENT, content, sizeof(content));
    must(pair_error(&p, KP_SERVER) == KP_E_RECORD_MAC);
    must(kp_conn_sent_alert(p.conn[KP_SERVER]) == BAD_RECORD_MAC);
    pair_close(&p);
}

static void check_alerts(const struct tampered *t, unsigned versions)
{
    const struct kp_settings client = {.versions = versions};
    struct world13 w;

    world13_open(&w, &client, NULL);
    for (unsigned i = 0; i < t->count; i++)
        check_alert(&w, w.world.login, t->places[i].at);
    world13_close(&w);
}

/* ---- One record ---------------------------------------------------------------------------- */

static void seal(struct tampered *t, struct kp_protect *protect)
{
    static const uint8_t content[CONTENT_LEN];
    uint8_t record[KP_HEADER_LEN + CONTENT_LEN + KP_EXPANSION_MAX];
    size_t len = protect->ops->sealed_len(protect, CONTENT_LEN);

    must(protect->ops->seal(protect, KP_APPLICATION, KP_TLS12, content, CONTENT_LEN, record) == 0);
    bytes_add(&t->record, record, KP_HEADER_LEN + len);
    kp_protect_clear(protect);
}

static void open_cbc(struct tampered *t, const struct kp_crypto *crypto)
{
    const struct kp_keys12 keys = {.key = {1}, .mac = {2}};
    struct kp_protect protect;

    *t = (struct tampered){.kind = "CBC"};
    kp_protect_none(&protect);
    kp_protect_none(&t->open);
    kp_protect_cbc(&protect, crypto, &keys, 32, true);
    kp_protect_cbc(&t->open, crypto, &keys, 32, false);
    seal(t, &protect);
    size_t mac = t->record.len - KP_HEADER_LEN - KP_SHA1_LEN;
    const struct place places[] = {{"first block", 16},    {"the IV", 0},
                                   {"middle", mac / 2},    {"padding", mac - 1},
                                   {"MAC, first", mac},    {"MAC, middle", mac + 10},
                                   {"MAC, last", mac + 19}};
    t->count = sizeof(places) / sizeof(places[0]);
    memcpy(t->places, places, sizeof(places));
}

static void open_aead(struct tampered *t, const struct kp_crypto *crypto)
{
    const struct kp_keys13 keys = {.key = {1}, .iv = {2}};
    struct kp_protect protect;

    *t = (struct tampered){.kind = "AEAD"};
    kp_protect_none(&protect);
    kp_protect_none(&t->open);
    kp_protect_aead(&protect, crypto, KP_AEAD_AES_128_GCM, &keys, true);
    kp_protect_aead(&t->open, crypto, KP_AEAD_AES_128_GCM, &keys, false);
    seal(t, &protect);
    size_t tag = t->record.len - KP_HEADER_LEN - KP_AEAD_TAG_LEN;
    const struct place places[] = {{"first byte", 0},        {"middle", tag / 2},
                                   {"its type", tag - 1},    {"tag, first", tag},
                                   {"tag, middle", tag + 8}, {"tag, last", tag + 15}};
    t->count = sizeof(places) / sizeof(places[0]);
    memcpy(t->places, places, sizeof(places));
}

static void run_open(void *arg, unsigned class, double ns[static MEASURE_STEPS])
{
    struct tampered *t = arg;
    uint8_t record[KP_HEADER_LEN + CONTENT_LEN + KP_EXPANSION_MAX];
    uint8_t out[CONTENT_LEN + KP_EXPANSION_MAX];
    uint8_t type;
    size_t len;

    /* Written anew as a whole, so that each place was written as long ago. */
    memcpy(record, t->record.data, t->record.len);
    record[KP_HEADER_LEN + t->places[class].at] ^= 1;
    memmove(record + 1, record, t->record.len);
    memmove(record, record + 1, t->record.len);
    double begin = measure_now();
    int err = t->open.ops->open(&t->open, record, record + KP_HEADER_LEN,
                                t->record.len - KP_HEADER_LEN, out, &len, &type);
    ns[0] = measure_now() - begin;
    must(err == KP_E_RECORD_MAC);
}

static void measure_record(struct tampered *t, unsigned versions, size_t samples)
{
    struct measure m;
    char line[96];

    check_alerts(t, versions);
    measure_run(&m, 1, t->count, samples, run_open, t);
    for (unsigned i = 1; i < t->count; i++) {
        snprintf(line, sizeof(line), "%s record: %s", t->kind, t->places[i].text);
        measure_tell(&m, line, 0, i, MEASURE_SAME);
    }
    snprintf(line, sizeof(line), "control: %s, busy loop", t->kind);
    measure_control(&m, line, run_open, t);
    measure_free(&m, 1);
    kp_protect_clear(&t->open);
    bytes_free(&t->record);
}

int main(int argc, char **argv)
{
    size_t samples = measure_samples(argc, argv, 1, 20000);
    struct kp_crypto *crypto;
    struct tampered t;

    must(kp_crypto_new(&crypto, NULL, NULL) == 0);
    measure_head();
    open_cbc(&t, crypto);
    measure_record(&t, KP_USE_TLS12, samples);
    open_aead(&t, crypto);
    measure_record(&t, KP_USE_TLS13, samples);
    kp_crypto_free(crypto);
    return measure_status();
}
