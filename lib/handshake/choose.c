/*
 * The server's choice by the ClientHello: TLS 1.3 with a PAKE, TLS 1.2 with SRP, or neither.  It
 * never depends on the user who is named: that would tell who exists.
 */
#include "handshake/handshake.h"

#include <string.h>

/* ---- What both versions do with a ClientHello ---------------------------------------------- */

/* Ours are in order of preference: RFC 7301 3.2. */
int kp_server_pick_alpn(struct kp_handshake *hs, const struct kp_client_hello *hello)
{
    struct kp_reader ours;

    if (!(hello->ext.present & KP_EXT_ALPN) || hs->context->alpn_len == 0)
        return 0;
    kp_reader_init(&ours, hs->context->alpn, hs->context->alpn_len);
    while (ours.left > 0) {
        struct kp_reader name = kp_read_vector(&ours, 1, 1, 255);
        struct kp_reader theirs;
        kp_reader_init(&theirs, hello->ext.alpn.data, hello->ext.alpn.len);
        while (theirs.left > 0) {
            struct kp_reader offer = kp_read_vector(&theirs, 1, 1, 255);
            if (offer.left == name.left && memcmp(offer.data, name.data, name.left) == 0)
                return kp_copy_text(&hs->outcome->alpn, name.data, name.left);
        }
    }
    return KP_E_NO_ALPN;
}

int kp_server_keep_hello(struct kp_handshake *hs, const struct kp_client_hello *hello)
{
    memcpy(hs->client_random, hello->random.data, KP_RANDOM_LEN);
    hs->session_id_len = (uint8_t)hello->session_id.len;
    if (hs->session_id_len > 0)
        memcpy(hs->session_id, hello->session_id.data, hs->session_id_len);
    if (hello->ext.present & KP_EXT_SERVER_NAME) {
        int err = kp_copy_text(&hs->outcome->server_name, hello->ext.server_name.data,
                               hello->ext.server_name.len);
        if (err != 0)
            return err;
    }
    return kp_handshake_random(hs, hs->server_random, KP_RANDOM_LEN);
}

int kp_server_name_user(struct kp_handshake *hs, const char *name, size_t len)
{
    hs->outcome->user_len = len;
    return kp_copy_text(&hs->outcome->user, name, len);
}

/* ---- The choice -------------------------------------------------------------------------- */

/* RFC 8446 4.2.1: supported_versions alone counts where it is. */
static bool offers(const struct kp_client_hello *hello, uint16_t version)
{
    if (hello->ext.present & KP_EXT_VERSIONS)
        return kp_list_has(hello->ext.versions, version);
    return version == KP_TLS12 && hello->version >= KP_TLS12 && hello->version >> 8 == 3;
}

static bool offers_srp_suites(const struct kp_client_hello *hello)
{
    return kp_list_has(hello->suites, KP_SRP_SHA_AES256) ||
           kp_list_has(hello->suites, KP_SRP_SHA_AES128);
}

/* RFC 7507 3: a client that fell back is refused when we speak a higher version than it offers. */
static int no_version(const struct kp_client_hello *hello)
{
    return kp_list_has(hello->suites, KP_FALLBACK_SCSV) ? KP_E_FALLBACK : KP_E_VERSION;
}

/* Not what a client that can do SRP as well is refused for: it gets TLS 1.2. */
static bool is_policy(int err)
{
    return err == KP_E_NO_SCHEME || err == KP_E_CERTIFICATE || err == KP_E_NO_SUITE ||
           err == KP_E_NO_GROUP || err == KP_E_NO_PASSWORD_SUITE;
}

static int choose(struct kp_handshake *hs, const struct kp_client_hello *hello)
{
    unsigned ours = hs->context->versions;
    bool can12 = (ours & KP_USE_TLS12) != 0 && offers(hello, KP_TLS12);
    bool can13 = (ours & KP_USE_TLS13) != 0 && offers(hello, KP_TLS13);
    bool srp = can12 && offers_srp_suites(hello);

    /* RFC 8446 D.5: whatever else it says. */
    if (hello->version == KP_SSL30)
        return KP_E_VERSION;
    if ((ours & KP_USE_TLS13) != 0 && !can13 && kp_list_has(hello->suites, KP_FALLBACK_SCSV))
        return KP_E_FALLBACK;
    if (!can12 && !can13)
        return no_version(hello);
    /* A ticket of TLS 1.3 without a pake is for clients that can do nothing else: when it turned
     * out to be no good, it would be too late for SRP. */
    if (!can13 || (srp && (hello->ext.present & KP_EXT_SRP) &&
                   (hs->prefer_tls12 || !(hello->ext.present & KP_EXT_PAKE))))
        return kp_server12_begin(hs, hello);
    int err = kp_server13_begin(hs, hello);
    if (!srp || !is_policy(err))
        return err;
    hs->alert = -1;
    return kp_server12_begin(hs, hello);
}

int kp_server_recv_hello(struct kp_handshake *hs, struct kp_reader *r)
{
    struct kp_client_hello hello;
    int err = kp_client_hello_parse(r, &hello);

    return err == 0 ? choose(hs, &hello) : err;
}
