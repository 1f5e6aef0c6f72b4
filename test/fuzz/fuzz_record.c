/*
 * The record layer: bytes off the wire, plain and sealed, and what it writes itself.
 *
 * Input: flags (1), then wire bytes.  Checked besides crashes: a record that opens is within its
 * limit; what was written comes back.
 */
#include "fuzz.h"

#include <string.h>

enum { SETTLED = 1, PROTECTED = 2, AES128 = 4, SMALL = 8, WRITE = 16, SLOW = 32 };

static struct world world;
static const struct kp_keys12 keys = {{1, 2, 3}, {4, 5, 6}};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    world_open(&world, 2048, NULL, NULL);
    return 0;
}

static void take_records(struct kp_record_layer *l, struct bytes *plain)
{
    struct kp_record r;

    while (kp_record_next(l, &r) == 1) {
        const uint8_t *at;
        size_t len;
        uint8_t type;
        int err = kp_record_open(l, &r, NULL, &at, &len, &type);
        if (err != 0)
            return;
        must(len <= (l->read.key_len != 0 ? l->recv_limit : KP_RECORD_MAX));
        bytes_add(plain, at, len);
    }
}

static void put(struct kp_record_layer *l, const uint8_t *data, size_t size, size_t chunk,
                struct bytes *plain)
{
    while (size > 0) {
        size_t n = size < chunk ? size : chunk;
        size_t room;
        if (kp_buffer_used(&l->in) + n > KP_RECORD_WIRE_MAX)
            return;
        must(kp_buffer_reserve(&l->in, n, KP_RECORD_WIRE_MAX) == 0);
        memcpy(kp_buffer_tail(&l->in, &room), data, n);
        kp_buffer_added(&l->in, n);
        take_records(l, plain);
        kp_record_rest(l);
        data += n;
        size -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t flags = fuzz_byte(&data, &size);
    struct kp_record_layer l;
    struct bytes plain = {0};

    kp_record_init(&l, KP_RECORD_WIRE_MAX);
    l.version = flags & SETTLED ? KP_TLS12 : 0;
    l.send_limit = flags & SMALL ? 64 : KP_RECORD_MAX;
    if (flags & SMALL)
        l.recv_limit = 512;
    if (flags & PROTECTED) {
        kp_protect_cbc(&l.read, world.crypto, &keys, flags & AES128 ? 16 : 32, false);
        kp_protect_cbc(&l.write, world.crypto, &keys, flags & AES128 ? 16 : 32, true);
    }
    if (flags & WRITE) {
        l.version = KP_TLS12;
        must(kp_record_write(&l, KP_APPLICATION, data, size) == 0);
        put(&l, kp_buffer_data(&l.out), kp_buffer_used(&l.out), 1000, &plain);
        must(plain.len == size && (size == 0 || memcmp(plain.data, data, size) == 0));
    } else {
        put(&l, data, size, flags & SLOW ? 1 : 5000, &plain);
    }
    kp_record_clear(&l);
    bytes_free(&plain);
    return 0;
}
