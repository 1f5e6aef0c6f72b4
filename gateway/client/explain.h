/*
 * Why a connection to a device didn't come about or was cut, in one plain sentence.
 */
#ifndef KP_CLIENT_EXPLAIN_H
#define KP_CLIENT_EXPLAIN_H

#include "../net/secure_stream.h"
#include "creds/text.h"
#include "words.h"

/* What was offered, and why: it tells what a refusal means.  The texts are borrowed. */
struct kp_offered {
    unsigned versions; /* KP_USE_* */
    unsigned pake;     /* KP_PAKE_* */
    const char *id;    /* the device id that goes with TLS 1.3; NULL: not known */
    const char *name;  /* that the device is saved as; NULL: it isn't */
    bool id_given;     /* on the command line; else it is the saved one */
    bool tls12_asked;  /* --tls 1.2 */
    bool was_tls13;    /* the device has spoken TLS 1.3, so nothing less is offered */
};

/* What went wrong, kept after the connection is gone. */
struct kp_trouble {
    int error;     /* enum kp_error */
    int net_error; /* uv error, or 0 */
    int peer_alert;
    uint8_t stage;   /* enum kp_secure_stage */
    bool unresolved; /* the name wasn't found; no connection was tried */
    bool committed;  /* a guess at the password may have been spent */
    bool tls13;      /* the server chose that */
    bool stranger;   /* the password was proved, but by a device of another id than the one that is
                        remembered; the other fields say nothing */
    struct kp_offered offered;
};

/* From a connection that is over and not yet closed. */
void kp_trouble_of(struct kp_trouble *trouble, const struct kp_secure *secure);
/* One that took too long: as kp_trouble_of, with UV_ETIMEDOUT. */
void kp_trouble_of_timeout(struct kp_trouble *trouble, const struct kp_secure *secure);

/* The proof failed: exit status 3, and the one message for it.  Nothing else may use either. */
bool kp_trouble_is_proof(const struct kp_trouble *trouble);
/* Writes a sentence about the device at where, without a full stop; returns text. */
const char *kp_explain(const struct kp_trouble *trouble, const char *where,
                       enum kp_language language, char *text, size_t len);

#define KP_EXPLAIN_MORE_LEN (KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX) + 400)
/* What else a failed proof can mean: TLS 1.3 binds the device id, so a wrong one fails like a wrong
 * password.  Another such sentence, or NULL when there is nothing to add. */
const char *kp_explain_more(const struct kp_trouble *trouble, enum kp_language language,
                            char text[KP_EXPLAIN_MORE_LEN]);
/* What the far end was offered and didn't take, for who wants to know more: another such sentence,
 * or NULL when it wasn't reached. */
const char *kp_explain_tried(const struct kp_trouble *trouble, enum kp_language language,
                             char text[KP_EXPLAIN_MORE_LEN]);

#endif
