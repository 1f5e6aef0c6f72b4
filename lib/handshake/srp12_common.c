/*
 * TLS 1.2 with SRP: what both roles do alike.
 */
#include "handshake/handshake.h"

#include "base/secret.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

int kp_srp12_shares_new(struct kp_handshake *hs, const struct kp_srp_group *group)
{
    size_t len = kp_srp_len(group);

    hs->srp.group = group;
    hs->srp.ours = malloc(len);
    hs->srp.theirs = malloc(len);
    if (hs->srp.ours == NULL || hs->srp.theirs == NULL)
        return KP_E_MEMORY;
    hs->outcome->group_bits = (uint16_t)(len * 8);
    return kp_handshake_random(hs, hs->srp.exponent, sizeof(hs->srp.exponent));
}

/* The premaster secret is S without leading zeros: what every peer does.  Their number makes no
 * branch of ours; HMAC's hash of it has a block less only where there are 9 or more. */
int kp_srp12_master(struct kp_handshake *hs, uint8_t *s)
{
    size_t len = kp_strip_secret(s, kp_srp_len(hs->srp.group));
    uint8_t session_hash[KP_SHA256_LEN];
    int err = kp_transcript_peek(&hs->transcript, session_hash);

    if (err == 0)
        err = kp_master12(hs->context->crypto, (struct kp_span){s, len}, session_hash, hs->master);
    if (err == 0)
        err = kp_srp12_keys(hs);
    /* From here on a record that doesn't open is a proof that failed. */
    hs->facts |= KP_FACT_PASSWORD_USED;
    return err;
}

int kp_srp12_keys(struct kp_handshake *hs)
{
    kp_handshake_log_secret(hs, "CLIENT_RANDOM", hs->master, KP_MASTER_LEN);
    memcpy(hs->outcome->kept.tls12.master, hs->master, KP_MASTER_LEN);
    memcpy(hs->outcome->kept.tls12.client_random, hs->client_random, KP_RANDOM_LEN);
    memcpy(hs->outcome->kept.tls12.server_random, hs->server_random, KP_RANDOM_LEN);
    return kp_key_block12(hs->context->crypto, hs->master, hs->client_random, hs->server_random,
                          hs->suite->key_len, &hs->client_keys, &hs->server_keys);
}

int kp_srp12_read_keys(struct kp_handshake *hs)
{
    bool server = hs->context->role == KP_SERVER;

    /* What comes next is judged: for a server, the attempt. */
    if (hs->facts & KP_FACT_PASSWORD_USED)
        hs->outcome->password_used = true;
    kp_protect_cbc(&hs->records->read, hs->context->crypto,
                   server ? &hs->client_keys : &hs->server_keys, hs->suite->key_len, false);
    return 0;
}

int kp_srp12_write_keys(struct kp_handshake *hs)
{
    bool server = hs->context->role == KP_SERVER;

    kp_protect_cbc(&hs->records->write, hs->context->crypto,
                   server ? &hs->server_keys : &hs->client_keys, hs->suite->key_len, true);
    return 0;
}

static int verify_data(struct kp_handshake *hs, bool from_client, uint8_t out[KP_VERIFY_LEN])
{
    uint8_t hash[KP_HASH_MAX];
    int err = kp_transcript_peek(&hs->transcript, hash);

    if (err == 0)
        err = kp_verify_data12(hs->context->crypto, hs->master, from_client, hash, out);
    return err;
}

int kp_srp12_send_finished(struct kp_handshake *hs, struct kp_builder *b)
{
    uint8_t data[KP_VERIFY_LEN];
    int err = verify_data(hs, hs->context->role == KP_CLIENT, data);

    if (err == 0)
        kp_put_bytes(b, data, sizeof(data));
    kp_wipe(data, sizeof(data));
    return err;
}

int kp_srp12_recv_finished(struct kp_handshake *hs, struct kp_reader *r)
{
    uint8_t expected[KP_VERIFY_LEN];
    const uint8_t *got;
    int err = kp_finished_parse(r, &got);

    if (err == 0)
        err = verify_data(hs, hs->context->role == KP_SERVER, expected);
    if (err == 0 && !kp_equal_secret(expected, got, KP_VERIFY_LEN))
        err = KP_E_FINISHED;
    /* Nobody knows a simulated user's password; if somebody did, it would still be no proof. */
    if (err == 0 && hs->have_credential && hs->credential.srp_simulated)
        err = KP_E_PROOF;
    kp_wipe(expected, sizeof(expected));
    return err;
}
