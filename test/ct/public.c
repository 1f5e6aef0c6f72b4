/*
 * What is public: the one place where a mark is taken off because the protocol, or the contract of
 * a function, gives the thing away.
 */
#include "shim.h"

#include "base/secret.h"
#include "conn/conn.h"

#include <string.h>

bool ct_compare_by_memcmp;
static bool looking_up; /* which of the names is the right one stays secret */

/* ---- Verdicts ---------------------------------------------------------------------------- */

CT_WRAP(bool, kp_equal_secret, const void *a, const void *b, size_t len)
{
    bool equal;

    ct_saw(CT_COMPARED, a, len);
    if (ct_compare_by_memcmp)
        equal = memcmp(a, b, len) == 0;
    else
        equal = __real_kp_equal_secret(a, b, len);
    if (!looking_up)
        ct_public(&equal, sizeof(equal));
    return equal;
}

CT_WRAP(bool, kp_scalar_valid, const uint8_t *in)
{
    bool valid = __real_kp_scalar_valid(in);

    ct_public(&valid, sizeof(valid));
    return valid;
}

CT_WRAP(int, kp_mod_residue, const struct kp_mod *mod, const uint8_t *in, size_t len, uint8_t *out)
{
    int err = __real_kp_mod_residue(mod, in, len, out);

    ct_public(&err, sizeof(err));
    return err;
}

/* The length of TLS 1.2's premaster secret, which has no leading zeros: so the protocol has it (RFC
 * 5054 2.6), and HMAC takes its length.  The hash has a block less only for one of 2^72. */
CT_WRAP(size_t, kp_strip_secret, uint8_t *data, size_t len)
{
    size_t left = __real_kp_strip_secret(data, len);

    ct_public(&left, sizeof(left));
    return left;
}

/* ---- Shares ------------------------------------------------------------------------------ */

CT_WRAP(int, kp_srp_server_share, const struct kp_srp_verifier *verifier, const uint8_t *b,
        uint8_t *big_b)
{
    int err = __real_kp_srp_server_share(verifier, b, big_b);

    ct_public(big_b, kp_srp_len(kp_srp_verifier_group(verifier)));
    return err;
}

CT_WRAP(int, kp_srp_client_share, const struct kp_srp_group *group, const uint8_t *a,
        uint8_t *big_a)
{
    int err = __real_kp_srp_client_share(group, a, big_a);

    ct_public(big_a, kp_srp_len(group));
    return err;
}

CT_WRAP(int, kp_spake2plus_prover_share, const struct kp_crypto *crypto,
        const struct kp_spake2plus_secret *secret, const uint8_t *x, uint8_t *share_p)
{
    int err = __real_kp_spake2plus_prover_share(crypto, secret, x, share_p);

    ct_public(share_p, KP_POINT_LEN);
    return err;
}

CT_WRAP(int, kp_spake2plus_verifier_run, const struct kp_spake2plus_verifier *verifier,
        const struct kp_crypto *crypto, const struct kp_spake2plus_names *names, const uint8_t *y,
        struct kp_span share_p, uint8_t *share_v, struct kp_spake2plus_keys *keys)
{
    int err = __real_kp_spake2plus_verifier_run(verifier, crypto, names, y, share_p, share_v, keys);

    ct_public(share_v, KP_POINT_LEN);
    return err;
}

/* ---- The wire ---------------------------------------------------------------------------- */

/* What a ClientHello and a ServerHello begin with. */
CT_WRAP(int, kp_handshake_random, struct kp_handshake *hs, uint8_t *out, size_t len)
{
    int err = __real_kp_handshake_random(hs, out, len);

    if (out == hs->client_random || out == hs->server_random || out == hs->session_id)
        ct_public(out, len);
    return err;
}

CT_WRAP(const uint8_t *, kp_wire_out, const struct kp_conn *conn, size_t *len)
{
    const uint8_t *data = __real_kp_wire_out(conn, len);

    ct_public(data, *len);
    return data;
}

/* Messages and alerts are parsed; application data is not. */
CT_WRAP(int, kp_record_open, struct kp_record_layer *l, const struct kp_record *r, uint8_t *out,
        const uint8_t **at, size_t *len, uint8_t *type)
{
    int err = __real_kp_record_open(l, r, out, at, len, type);

    if (err == 0 && *type != KP_APPLICATION)
        ct_public(*at, *len);
    return err;
}

/* ---- Passwords and users ------------------------------------------------------------------- */

CT_WRAP(int, kp_srp_inner, const struct kp_crypto *crypto, struct kp_span name,
        struct kp_span password, uint8_t *out)
{
    unsigned mark = ct_copies();
    uint8_t *copy = (uint8_t *)(uintptr_t)ct_copy(password.data, password.len);

    ct_secret(copy, password.len);
    ct_saw(CT_PASSWORDS, copy, password.len);
    int err = __real_kp_srp_inner(crypto, name, (struct kp_span){copy, password.len}, out);
    ct_drop(mark);
    return err;
}

CT_WRAP(int, kp_spake2plus_stretch, const struct kp_crypto *crypto, struct kp_span password,
        const struct kp_spake2plus_names *names, struct kp_spake2plus_secret *out)
{
    unsigned mark = ct_copies();
    uint8_t *copy = (uint8_t *)(uintptr_t)ct_copy(password.data, password.len);

    ct_secret(copy, password.len);
    int err =
        __real_kp_spake2plus_stretch(crypto, (struct kp_span){copy, password.len}, names, out);
    ct_drop(mark);
    return err;
}

/* The pointers are followed by the handshake and the salt is sent: of a name that isn't there as
 * of one that is.  What tells the two apart stays secret. */
CT_WRAP(int, kp_store_lookup, const struct kp_store *store, const char *name, size_t name_len,
        struct kp_credential *out)
{
    looking_up = true;
    int err = __real_kp_store_lookup(store, name, name_len, out);
    looking_up = false;
    ct_saw(CT_CHOSEN, &out->srp, sizeof(out->srp));
    ct_public(&out->srp, sizeof(out->srp));
    ct_public(&out->spake2plus, sizeof(out->spake2plus));
    ct_public(out->salt, sizeof(out->salt));
    ct_public(&out->salt_len, sizeof(out->salt_len));
    return err;
}
