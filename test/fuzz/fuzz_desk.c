/*
 * Messages of a client through the desk, on a hub that does as the input says: a step a line.  A
 * line that begins with "!" is not a message but what happens: see happen.
 *
 * Checked besides crashes: what comes out is well-formed JSON in UTF-8, each request is answered
 * once, with its own id, and no password comes out; when the client goes, all that it began is
 * given up.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "../unit/fake_hub.h"
#include "client/desk.h"
#include "creds/text.h"

/* What no message is about but for its password: see test/fuzz/corpus/desk. */
#define SECRET "Xq7-pass"

static struct kp_loop loop;
static bool broken, secret;
static long answers;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    must(kp_loop_init(&loop) == 0);
    return 0;
}

static void on_send(void *owner, const char *text, size_t len)
{
    cJSON *json = cJSON_ParseWithLengthOpts(text, len, NULL, false);
    (void)owner;
    must(len <= KP_DESK_OUT_MAX);
    must(kp_text_is_utf8(text, len) && memchr(text, 0, len) == NULL);
    must(cJSON_IsObject(json));
    must((cJSON_GetObjectItemCaseSensitive(json, "event") != NULL) !=
         (cJSON_GetObjectItemCaseSensitive(json, "id") != NULL));
    if (cJSON_HasObjectItem(json, "id")) {
        must(cJSON_IsBool(cJSON_GetObjectItem(json, "ok")));
        answers++;
    }
    must(!secret || memmem(text, len, SECRET, strlen(SECRET)) == NULL);
    cJSON_Delete(json);
}

static void on_broken(void *owner, const char *why)
{
    (void)owner;
    (void)why;
    must(!broken);
    broken = true;
}

/* ---- What happens ------------------------------------------------------------------------ */

static void turn(void)
{
    for (int i = 0; i < 3; i++)
        (void)uv_run(&loop.uv, UV_RUN_NOWAIT);
}

/* Whether it is a password wherever it stands: a client may send it as a path too. */
static bool is_password(const uint8_t *line, size_t len)
{
    static const char key[] = "\"password\":\"";
    const size_t key_len = sizeof key - 1;
    const uint8_t *at = line;
    while ((at = memmem(at, len - (size_t)(at - line), SECRET, strlen(SECRET))) != NULL) {
        if ((size_t)(at - line) < key_len || memcmp(at - key_len, key, key_len) != 0)
            return false;
        at++;
    }
    return true;
}

/* The hub's done has its say, if a login runs; one that isn't proved may be tried elsewhere. */
static void end_login(uint8_t how)
{
    static const char *const names[] = {"heating", "stove", "attic"};
    if (fake.login == NULL)
        return;
    fake_done((enum kp_login_result)(how % (KP_LOGIN_NO_PASSWORD + 1)), names[how % 3], "it is so",
              (how & 0x40) != 0);
}

/* The oldest probe, if one runs; or none can be started from now on. */
static void end_probe(uint8_t how)
{
    const struct kp_probe_verdict verdict = {
        .versions = how & (KP_USE_TLS12 | KP_USE_TLS13),
        .instead = (enum kp_probe_instead)((how >> 2) % (KP_INSTEAD_OTHER + 1)),
        .known = (how & 0x20) != 0,
    };
    const struct kp_trouble trouble = {.stage = KP_AT_CONNECT, .net_error = UV_ECONNREFUSED};
    fake.probe_error = how & 0x40 ? UV_ENOMEM : 0;
    fake_probed(&verdict, &trouble);
}

static void happen(const uint8_t *line, size_t len)
{
    uint8_t how = len > 2 ? line[2] : 0;
    switch (len > 1 ? line[1] : 0) {
    case 'd':
        end_login(how);
        break;
    case 'n':
        fake_near(how & 1 ? "Boiler" : "Lamp", how & 2 ? "K7F3" : "X-9", "192.0.2.77");
        turn();
        break;
    case 'l':
        for (size_t i = 0; i < 4; i++)
            if (fake.hooks[i] != NULL)
                fake.hooks[i]->lost(fake.owners[i], "Boiler");
        break;
    case 'f':
        for (size_t i = 0; i < 4; i++)
            if (fake.hooks[i] != NULL)
                fake.hooks[i]->failed(fake.owners[i], "it is gone");
        turn();
        break;
    case 'p':
        end_probe(how);
        break;
    case 's':
        fake.watches->said(fake.watches, NULL, KP_TELL_NOTE, "\xff\x01\"\\");
        break;
    case 't':
        fake.found = (enum kp_target_result)(how % (KP_TARGET_FAILED + 1));
        strcpy(fake.found_id, how & 0x10 ? "K7F3" : "");
        fake.found_versions = how & 0x20 ? KP_USE_TLS12 : KP_USE_TLS12 | KP_USE_TLS13;
        fake.nearby_error = how & 0x40 ? UV_ENOTSUP : 0;
        break;
    default:
        turn();
        break;
    }
}

static void step(struct kp_desk *desk, const uint8_t *line, size_t len)
{
    if (len > 0 && line[0] == '!')
        happen(line, len);
    else if (len > 0)
        kp_desk_take(desk, (const char *)line, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct kp_desk_hooks hooks = {on_send, on_broken};
    struct kp_desk *desk;
    long messages = 0;

    fake_reset();
    fake_add("heating", "K7F3", KP_SITE_OUT, true);
    fake_add("attic", "\"\\\x01", KP_SITE_IN, true);
    broken = false;
    secret = true;
    answers = 0;
    desk = kp_desk_new(&loop, fake_hub(), &hooks, NULL);
    must(desk != NULL);
    while (size > 0 && fake.count < FAKE_DEVICES) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end != NULL ? (size_t)(end - data) : size;
        struct bytes line = {0}; /* exactly that long */
        bytes_add(&line, data, len);
        messages += len > 0 && data[0] != '!';
        secret = secret && is_password(data, len);
        step(desk, line.data, len);
        bytes_free(&line);
        must(answers <= messages);
        data += end != NULL ? len + 1 : len;
        size -= end != NULL ? len + 1 : len;
    }
    kp_desk_free(desk);
    turn();
    must(fake.watches == NULL && fake.login == NULL && fake_lookers() == 0 && fake_probing() == 0);
    must(!uv_loop_alive(&loop.uv));
    return 0;
}
