/* What was asked: see order.h. */
#include "order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "creds/label.h"

#define MAGIC "keyplate-provision 1\n"
#define LINES 11
#define TEXT_MAX 2048

/* A value as it stands in the text, and in what is said of a difference. */
struct line {
    const char *key;
    char value[KP_LABEL_LINK_HOST_MAX + 8];
};

static int fail(const char **why, const char *text)
{
    *why = text;
    return KP_E_ARGUMENT;
}

/* ---- The parts --------------------------------------------------------------------------- */

/* The first character, of well-formed UTF-8. */
static uint32_t first_of(const char *text)
{
    const uint8_t *t = (const uint8_t *)text;
    if (t[0] < 0x80)
        return t[0];
    if (t[0] < 0xe0)
        return (uint32_t)(t[0] & 31) << 6 | (t[1] & 63);
    if (t[0] < 0xf0)
        return (uint32_t)(t[0] & 15) << 12 | (uint32_t)(t[1] & 63) << 6 | (t[2] & 63);
    return 0x10000;
}

/* Some spreadsheets take full-width signs, too, and skip what isn't seen. */
static bool may_begin(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return c >= 0x10000 || (c >= 0xc0 && (c < 0x2000 || c > 0x2bff) && (c < 0x3000 || c > 0x3020) &&
                            (c < 0xe000 || c > 0xf8ff) && c < 0xfe00);
}

bool kp_order_is_cell(const char *text)
{
    return kp_text_name_check(text, strlen(text)) == KP_TEXT_FINE && may_begin(first_of(text));
}

int kp_order_set_model(struct kp_order *order, const char *model, const char **why)
{
    size_t len = strlen(model);
    if (len == 0)
        return fail(why, "the model is empty");
    if (len > KP_ORDER_MODEL_MAX)
        return fail(why, "the model is longer than 64 bytes");
    if (kp_text_name_check(model, len) != KP_TEXT_FINE)
        return fail(why, "the model is UTF-8 without control characters");
    if (!kp_order_is_cell(model))
        return fail(why, "the model begins with a letter or digit: a spreadsheet that opens the "
                         "manifest would take it for a formula else");
    memcpy(order->model, model, len + 1);
    return 0;
}

int kp_order_set_user(struct kp_order *order, const char *user, const char **why)
{
    static char text[80];
    enum kp_text_fault fault = kp_text_name(&order->user, user, strlen(user), true);
    if (fault != KP_TEXT_FINE) {
        (void)snprintf(text, sizeof text, "the user's name %s", kp_text_fault_text(fault));
        return fail(why, text);
    }
    if (!kp_order_is_cell(order->user.data))
        return fail(why, "the user's name begins with a letter or digit: a spreadsheet that opens "
                         "the manifest would take it for a formula else");
    if (kp_label_is_typed(order->user.data, order->user.len))
        return fail(why, "the user's name is a label's password");
    return 0;
}

int kp_order_set_template(struct kp_order *order, const struct kp_crypto *crypto, const char *text,
                          size_t len, struct kp_file_error *error)
{
    char why[KP_PLATE_WHY_LEN] = "";
    const char *shown = text != NULL ? text : kp_plate_template_text();
    const struct kp_span part = {(const uint8_t *)shown, text != NULL ? len : strlen(shown)};
    uint8_t hash[KP_SHA256_LEN];
    int result = kp_plate_template_parse(&order->template, text, len, why);
    if (result != 0) {
        (void)snprintf(error->why, sizeof error->why, "%s",
                       why[0] != '\0' ? why : kp_error_text(result));
        return result;
    }
    result = kp_digest(crypto, KP_HASH_SHA256, &part, 1, hash);
    for (size_t i = 0; result == 0 && i < sizeof hash; i++)
        (void)snprintf(order->template_hash + 2 * i, 3, "%02x", hash[i]);
    if (result != 0)
        (void)snprintf(error->why, sizeof error->why, "%s", kp_error_text(result));
    return result;
}

void kp_order_clear(struct kp_order *order)
{
    kp_text_clear(&order->user);
    kp_plate_template_free(order->template);
    *order = (struct kp_order){.template = NULL};
}

/* ---- As text ----------------------------------------------------------------------------- */

static void set(struct line *line, const char *key, const char *value)
{
    line->key = key;
    (void)snprintf(line->value, sizeof line->value, "%s", value);
}

static void set_number(struct line *line, const char *key, unsigned long value)
{
    line->key = key;
    (void)snprintf(line->value, sizeof line->value, "%lu", value);
}

static const char *versions_text(unsigned versions)
{
    if (versions == KP_USE_TLS12)
        return "1.2";
    return versions == KP_USE_TLS13 ? "1.3" : "any";
}

static void write_lines(const struct kp_order *order, struct line lines[static LINES])
{
    set_number(&lines[0], "count", order->serials.count);
    set(&lines[1], "model", order->model);
    set(&lines[2], "prefix", order->serials.prefix);
    set_number(&lines[3], "first", order->serials.first);
    set(&lines[4], "user", order->user.data);
    set_number(&lines[5], "group", order->bits);
    set(&lines[6], "tls", versions_text(order->versions));
    set(&lines[7], "host", order->host);
    set(&lines[8], "template", order->template_hash);
    set(&lines[9], "qr-password", order->qr_password ? "yes" : "no");
    set(&lines[10], "with-passwords", order->with_passwords ? "yes" : "no");
}

int kp_order_format(const struct kp_order *order, struct kp_text *out)
{
    struct line lines[LINES];
    char text[TEXT_MAX] = MAGIC;
    size_t used = strlen(text);
    write_lines(order, lines);
    for (size_t i = 0; i < LINES; i++) {
        int n = snprintf(text + used, sizeof text - used, "%s %s\n", lines[i].key, lines[i].value);
        if (n < 0 || (size_t)n >= sizeof text - used)
            return KP_E_TOO_LONG;
        used += (size_t)n;
    }
    return kp_text_copy(out, text, used);
}

/* How one difference is said. */
static void tell(const struct line *now, const char *was, size_t len, char *out, size_t room)
{
    char shown[KP_TEXT_ESCAPED_MAX(KP_LABEL_LINK_HOST_MAX + 8)];
    kp_text_escape(shown, was, len < sizeof now->value ? len : sizeof now->value);
    if (strcmp(now->key, "template") == 0)
        (void)snprintf(out, room, "with another template");
    else if (strcmp(shown, "yes") == 0 || strcmp(shown, "no") == 0)
        (void)snprintf(out, room, "%s --%s", shown[0] == 'y' ? "with" : "without", now->key);
    else if (len == 0)
        (void)snprintf(out, room, "without --%s", now->key);
    else
        (void)snprintf(out, room, "with --%s %.300s", now->key, shown);
}

static int damaged(struct kp_file_error *error)
{
    (void)snprintf(error->why, sizeof error->why,
                   "what is kept of the first run is damaged: take another folder");
    return KP_E_ARGUMENT;
}

int kp_order_compare(const struct kp_order *order, const char *kept, size_t len,
                     struct kp_file_error *error)
{
    struct line lines[LINES];
    const char *at = kept + strlen(MAGIC), *end = kept + len;
    size_t used = 0;
    write_lines(order, lines);
    if (len < strlen(MAGIC) || memcmp(kept, MAGIC, strlen(MAGIC)) != 0)
        return damaged(error);
    error->why[0] = '\0';
    for (size_t i = 0; i < LINES; i++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t key = strlen(lines[i].key);
        if (stop == NULL || (size_t)(stop - at) <= key || memcmp(at, lines[i].key, key) != 0 ||
            at[key] != ' ')
            return damaged(error);
        const char *was = at + key + 1;
        size_t was_len = (size_t)(stop - was);
        at = stop + 1;
        if (was_len == strlen(lines[i].value) && memcmp(was, lines[i].value, was_len) == 0)
            continue;
        if (used + 40 < sizeof error->why) {
            if (used > 0)
                used += (size_t)snprintf(error->why + used, sizeof error->why - used, ", ");
            tell(&lines[i], was, was_len, error->why + used, sizeof error->why - used);
            used = strlen(error->why);
        }
    }
    if (at != end)
        return damaged(error);
    return used == 0 ? 0 : KP_E_ARGUMENT;
}

/* ---- Of one device ----------------------------------------------------------------------- */

int kp_order_link(const struct kp_order *order, const char *serial,
                  char link[static KP_LABEL_LINK_LEN])
{
    const struct kp_label_link parts = {
        .id = serial, .user = order->user.data, .host = order->host};
    return kp_label_link(link, &parts);
}

int kp_order_plate(const struct kp_order *order, const char *serial, const char *password,
                   char link[static KP_LABEL_LINK_LEN], struct kp_plate *plate)
{
    const struct kp_label_link parts = {.id = serial,
                                        .user = order->user.data,
                                        .host = order->host,
                                        .password = order->qr_password ? password : NULL};
    *plate = (struct kp_plate){.serial = serial,
                               .model = order->model,
                               .user = order->user.data,
                               .password = password,
                               .host = order->host,
                               .link = link};
    return kp_label_link(link, &parts);
}

/* Letters that are wide: what fits then fits always. */
#define WIDEST "wwwww-wwwww-wwwww"

int kp_order_fits(const struct kp_order *order, struct kp_file_error *error)
{
    char why[KP_PLATE_WHY_LEN] = "", serial[KP_SERIAL_LEN + 1], link[KP_LABEL_LINK_LEN];
    struct kp_plate plate;
    const unsigned long places[] = {0, order->serials.count - 1};
    for (size_t i = 0; i < 2; i++) {
        kp_serials_at(&order->serials, places[i], serial);
        int result = kp_order_plate(order, serial, WIDEST, link, &plate);
        if (result == 0)
            result = kp_plate_check(order->template, &plate, why);
        if (result != 0) {
            (void)snprintf(error->why, sizeof error->why, "the label of %s: %s", serial,
                           why[0] != '\0' ? why : kp_error_text(result));
            return result;
        }
    }
    return 0;
}
