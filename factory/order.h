/*
 * What was asked of `keyplate provision`: all that decides what is made, and so what has to be the
 * same when a run goes on that was broken off.  Kept in the folder as text, a line each:
 *
 *      keyplate-provision 1
 *      KEY VALUE               in one order, keys are the command's options
 */
#ifndef KP_FACTORY_ORDER_H
#define KP_FACTORY_ORDER_H

#include "creds/file.h"
#include "crypto/provider.h"
#include "label_link.h"
#include "plate.h"
#include "serial.h"

#define KP_ORDER_MODEL_MAX 64
#define KP_ORDER_COUNT_MAX 1000000ul

struct kp_order {
    struct kp_serials serials;
    char model[KP_ORDER_MODEL_MAX + 1];
    struct kp_text user;                   /* NFC; owned */
    char host[KP_LABEL_LINK_HOST_MAX + 1]; /* as it stands in links and on labels; "": none */
    unsigned bits;                         /* of the SRP group */
    unsigned versions;                     /* KP_USE_* */
    struct kp_plate_template *template;    /* owned */
    char template_hash[2 * KP_SHA256_LEN + 1];
    bool qr_password;
    bool with_passwords;
};

/* Whether text can be a cell of a table that a spreadsheet opens: no control characters, and it
 * begins with a letter or digit, so that none takes it for a formula. */
bool kp_order_is_cell(const char *text);

/* Each takes one part, and checks it: KP_E_ARGUMENT, KP_E_MEMORY with *why, one clause. */
int kp_order_set_model(struct kp_order *order, const char *model, const char **why) KP_MUST_CHECK;
int kp_order_set_user(struct kp_order *order, const char *user, const char **why) KP_MUST_CHECK;
/* text[len] of a template; NULL: the one that is built in. */
int kp_order_set_template(struct kp_order *order, const struct kp_crypto *crypto, const char *text,
                          size_t len, struct kp_file_error *error) KP_MUST_CHECK;
void kp_order_clear(struct kp_order *order);

/* The order as it is kept. */
int kp_order_format(const struct kp_order *order, struct kp_text *out) KP_MUST_CHECK;
/* Whether kept[len] says the same; KP_E_ARGUMENT: error says what differs, or that it is damaged.
 */
int kp_order_compare(const struct kp_order *order, const char *kept, size_t len,
                     struct kp_file_error *error) KP_MUST_CHECK;

/* What stands on a device's plate.  link is written to; texts are borrowed from all of them. */
int kp_order_plate(const struct kp_order *order, const char *serial, const char *password,
                   char link[static KP_LABEL_LINK_LEN], struct kp_plate *plate) KP_MUST_CHECK;
/* The link without the password, whatever the plate has. */
int kp_order_link(const struct kp_order *order, const char *serial,
                  char link[static KP_LABEL_LINK_LEN]) KP_MUST_CHECK;
/* Whether the first and the last plate fit.  KP_E_ARGUMENT with error. */
int kp_order_fits(const struct kp_order *order, struct kp_file_error *error) KP_MUST_CHECK;

#endif
