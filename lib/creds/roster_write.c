/*
 * The text of a credentials file, written.  The format stands in roster.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "creds/roster_line.h"

static void put_text(struct kp_builder *b, const char *text)
{
    kp_put_bytes(b, text, strlen(text));
}

static void put_number(struct kp_builder *b, uint64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRIu64, value);
    put_text(b, digits);
}

static void put_hex(struct kp_builder *b, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char pair[2] = {kp_roster_line_digits[data[i] >> 4],
                              kp_roster_line_digits[data[i] & 15]};
        kp_put_bytes(b, pair, 2);
    }
}

static void put_name(struct kp_builder *b, const struct kp_text *name)
{
    for (size_t i = 0; i < name->len; i++) {
        uint8_t c = (uint8_t)name->data[i];
        if (kp_roster_line_must_escape(c)) {
            put_text(b, "\\x");
            put_hex(b, &c, 1);
        } else {
            kp_put_u8(b, c);
        }
    }
}

/* Ends the line that began at start with its check. */
static int put_check(struct kp_builder *b, const struct kp_crypto *crypto, size_t start)
{
    char check[KP_ROSTER_LINE_CHECK_LEN] = {0};
    int error = 0;
    if (!b->failed)
        error = kp_roster_line_check(crypto, (const char *)b->data + start, b->len - start, check);
    put_text(b, " ");
    kp_put_bytes(b, check, sizeof check);
    put_text(b, "\n");
    return error;
}

static void put_srp(struct kp_builder *b, const struct kp_roster_user *user)
{
    put_number(b, user->bits);
    put_text(b, ":");
    put_hex(b, user->salt, user->salt_len);
    put_text(b, ":");
    put_hex(b, user->v, user->bits / 8);
}

static void put_spake2plus(struct kp_builder *b, const struct kp_roster_spake2plus *half)
{
    put_hex(b, half->w0, sizeof half->w0);
    put_text(b, ":");
    put_hex(b, half->l, sizeof half->l);
}

static int put_user(struct kp_builder *b, const struct kp_crypto *crypto,
                    const struct kp_roster_user *user)
{
    size_t start = b->len;
    put_text(b, "user ");
    put_name(b, &user->name);
    put_text(b, " ");
    put_number(b, user->generation);
    put_text(b, " ");
    if (user->v != NULL)
        put_srp(b, user);
    else
        put_text(b, "-");
    put_text(b, " ");
    if (user->spake2plus != NULL)
        put_spake2plus(b, user->spake2plus);
    else
        put_text(b, "-");
    return put_check(b, crypto, start);
}

static int put_count(struct kp_builder *b, const struct kp_crypto *crypto, const char *key,
                     uint64_t value)
{
    size_t start = b->len;
    put_text(b, key);
    put_number(b, value);
    return put_check(b, crypto, start);
}

static int put_all(struct kp_builder *b, const struct kp_crypto *crypto,
                   const struct kp_roster *roster)
{
    put_text(b, KP_ROSTER_LINE_MAGIC " 2\n");
    size_t start = b->len;
    put_text(b, "device-id ");
    put_name(b, &roster->device_id);
    int error = put_check(b, crypto, start);
    if (error == 0)
        error = put_count(b, crypto, "group ", roster->bits);
    if (error == 0)
        error = put_count(b, crypto, "salt-length ", roster->salt_len);
    start = b->len;
    put_text(b, "seed ");
    put_hex(b, roster->seed, sizeof roster->seed);
    if (error == 0)
        error = put_check(b, crypto, start);
    if (error == 0)
        error = put_count(b, crypto, "generation ", roster->generation);
    for (size_t i = 0; error == 0 && i < roster->count; i++)
        error = put_user(b, crypto, &roster->users[i]);
    if (error == 0)
        error = put_count(b, crypto, "end ", roster->count);
    return error;
}

int kp_roster_format(const struct kp_roster *roster, const struct kp_crypto *crypto,
                     struct kp_text *out)
{
    struct kp_builder b;
    *out = (struct kp_text){malloc(KP_ROSTER_TEXT_MAX + 1), KP_ROSTER_TEXT_MAX + 1};
    if (out->data == NULL)
        return KP_E_MEMORY;
    kp_builder_init(&b, (uint8_t *)out->data, KP_ROSTER_TEXT_MAX);
    int error = put_all(&b, crypto, roster);
    if (error == 0 && b.failed)
        error = KP_E_TOO_LONG;
    if (error != 0) {
        /* All of it may have been written on: the length is the buffer's until here. */
        kp_text_clear(out);
        return error;
    }
    out->data[b.len] = '\0';
    out->len = b.len;
    return 0;
}
