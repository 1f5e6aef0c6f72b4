/*
 * The credentials file: how (1 byte), then its text; or its text without the checks at the ends of
 * lines, which are added here, so that the fuzzer gets past them.
 *
 * Checked besides crashes: a fault has a sentence; what is taken is written and taken again.
 */
#include "fuzz.h"

#include "creds/roster.h"
#include "creds/store.h"

#include <stdio.h>
#include <string.h>

static struct world world;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    world_open(&world, 2048, NULL, NULL);
    return 0;
}

/* As roster.h says: the first 4 bytes of the SHA-256 of the line. */
static void add_check(struct bytes *out, const uint8_t *line, size_t len)
{
    const struct kp_span part = {line, len};
    uint8_t digest[KP_SHA256_LEN];
    char check[11];

    must(kp_digest(world.crypto, KP_HASH_SHA256, &part, 1, digest) == 0);
    snprintf(check, sizeof(check), " %02x%02x%02x%02x\n", digest[0], digest[1], digest[2],
             digest[3]);
    bytes_add(out, line, len);
    bytes_add(out, check, 10);
}

static void add_checks(struct bytes *out, const uint8_t *data, size_t size)
{
    bool first = true;

    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end != NULL ? (size_t)(end - data) : size;
        if (first)
            bytes_add(out, data, len + (end != NULL));
        else
            add_check(out, data, len);
        first = false;
        data += len + (end != NULL);
        size -= len + (end != NULL);
    }
}

static void write_and_read(const struct kp_roster *roster)
{
    struct kp_store_fault fault;
    struct kp_roster second;
    struct kp_text text = {0};

    if (kp_roster_format(roster, world.crypto, &text) != 0)
        return;
    must(kp_roster_parse(&second, world.crypto, text.data, text.len, &fault) == 0);
    must(second.count == roster->count && second.bits == roster->bits &&
         second.generation == roster->generation);
    for (size_t i = 0; i < second.count; i++)
        must(kp_roster_user_versions(&second.users[i]) != 0 &&
             kp_roster_user_versions(&second.users[i]) ==
                 kp_roster_user_versions(&roster->users[i]));
    kp_roster_clear(&second);
    kp_text_clear(&text);
}

static void look_up(const char *text, size_t len)
{
    struct kp_credential credential;
    struct kp_store_fault fault;
    struct kp_store *store;

    if (kp_store_parse(&store, text, len, &fault) != 0)
        return;
    must(kp_store_lookup(store, "alice", 5, &credential) == 0);
    must(credential.salt_len > 0 && credential.srp != NULL && credential.spake2plus != NULL);
    kp_store_free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t how = fuzz_byte(&data, &size);
    struct kp_store_fault fault = {0};
    struct kp_roster roster;
    struct bytes text = {0};

    if (how & 1)
        add_checks(&text, data, size);
    else
        bytes_add(&text, data, size);
    int err = kp_roster_parse(&roster, world.crypto, (const char *)text.data, text.len, &fault);
    must(err == 0 || err == KP_E_SYNTAX);
    if (err != 0) {
        must(memchr(fault.why, 0, sizeof(fault.why)) != NULL && fault.why[0] != 0);
    } else {
        write_and_read(&roster);
        /* Its tables cost milliseconds: now and then. */
        if (roster.count <= 1 && roster.bits == 2048 && how % 8 == 1)
            look_up((const char *)text.data, text.len);
        kp_roster_clear(&roster);
    }
    bytes_free(&text);
    return 0;
}
