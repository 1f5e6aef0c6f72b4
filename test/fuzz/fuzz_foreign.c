/*
 * Other programs' files of verifiers: which (1 byte), then .srpv or tpasswd text; with a conf
 * before it, ended by a NUL.
 *
 * Checked besides crashes: what is taken is written and taken again with as many users.
 */
#include "fuzz.h"

#include "creds/foreign.h"

#include <stdlib.h>
#include <string.h>

enum { TPASSWD = 1, CONF = 2 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static int read_file(uint8_t how, struct kp_foreign *out, const char *text, size_t len,
                     const char *conf, size_t conf_len)
{
    struct kp_store_fault fault;
    bool in_conf;

    if (how & TPASSWD)
        return kp_foreign_tpasswd_read(out, text, len, conf, conf_len, &fault, &in_conf);
    return kp_foreign_srpv_read(out, text, len, &fault);
}

static void write_and_read(uint8_t how, const struct kp_foreign *foreign)
{
    struct kp_roster_user *users = calloc(foreign->count + 1, sizeof(*users));
    const struct kp_roster_user *bad = NULL;
    struct kp_foreign second;
    struct kp_text text = {0};
    struct kp_text conf = {0};
    size_t count = 0;

    must(users != NULL);
    for (size_t i = 0; i < foreign->count; i++) {
        if (foreign->users[i].why == NULL)
            users[count++] = foreign->users[i].user;
    }
    int err = how & TPASSWD ? kp_foreign_tpasswd_write(&text, users, count, &bad)
                            : kp_foreign_srpv_write(&text, users, count, &bad);
    must(err == 0 || (err == KP_E_NAME && bad != NULL));
    if (err == 0) {
        must(kp_foreign_tpasswd_conf(&conf) == 0);
        must(read_file(how, &second, text.data, text.len, conf.data, conf.len) == 0);
        must(second.count == count);
        kp_foreign_clear(&second);
    }
    kp_text_clear(&text);
    kp_text_clear(&conf);
    free(users);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t how = fuzz_byte(&data, &size);
    const char *conf = NULL;
    size_t conf_len = 0;
    struct kp_foreign foreign;

    if (how & CONF) {
        const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
        conf_len = end != NULL ? (size_t)(end - data) : 0;
        conf = end != NULL ? (const char *)data : NULL;
        data += end != NULL ? conf_len + 1 : 0;
        size -= end != NULL ? conf_len + 1 : 0;
    }
    int err = read_file(how, &foreign, (const char *)data, size, conf, conf_len);
    must(err == 0 || err == KP_E_SYNTAX);
    if (err == 0) {
        write_and_read(how, &foreign);
        kp_foreign_clear(&foreign);
    }
    return 0;
}
