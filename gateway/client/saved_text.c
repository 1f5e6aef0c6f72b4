/* The text of the remembered devices: parsed strictly, and written.  The format stands in saved.h.
 */
#include "saved.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 4096 /* the longest: id and user all escaped */
#define FIELDS 7          /* of a device's line */

static const char hex_digits[] = "0123456789abcdef";

static bool must_escape(uint8_t c)
{
    return c <= ' ' || c == 0x7f || c == '\\';
}

/* ---- Reading ----------------------------------------------------------------------------- */

struct parser {
    struct kp_store_fault *fault;
    const char *at; /* the rest of the text */
    size_t left;
    char line[LINE_MAX_LEN + 1];
    char *field[FIELDS]; /* of the line, each with its NUL */
    size_t fields;
};

__attribute__((format(printf, 2, 3))) static int fail(struct parser *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(p->fault->why, sizeof p->fault->why, format, args);
    va_end(args);
    return KP_E_SYNTAX;
}

static int split(struct parser *p)
{
    p->fields = 0;
    for (char *at = p->line; at != NULL;) {
        char *space = strchr(at, ' ');
        if (space != NULL)
            *space++ = '\0';
        if (p->fields == FIELDS || *at == '\0')
            return fail(p, "the line is not made of fields with one space between them");
        p->field[p->fields++] = at;
        at = space;
    }
    return 0;
}

/* Takes the next line apart. */
static int next_line(struct parser *p)
{
    const char *end = p->left > 0 ? memchr(p->at, '\n', p->left) : NULL;
    size_t len;
    p->fault->line++;
    if (p->left == 0)
        return fail(p, "the file ends too early: it has been cut off");
    if (end == NULL)
        return fail(p, "the line has no end: the file has been cut off");
    len = (size_t)(end - p->at);
    if (len > LINE_MAX_LEN)
        return fail(p, "the line is too long");
    if (memchr(p->at, '\0', len) != NULL)
        return fail(p, "the line holds a NUL");
    memcpy(p->line, p->at, len);
    p->line[len] = '\0';
    p->at += len + 1;
    p->left -= len + 1;
    return split(p);
}

/* Decimal digits as we write them, at most max. */
static bool number(const char *text, uint64_t max, uint64_t *out)
{
    size_t len = strlen(text);
    *out = 0;
    if (len == 0 || len > 18 || (text[0] == '0' && len > 1))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(text[i] - '0');
    }
    return *out <= max;
}

/* The byte of "\xNN", or -1: only what has to be written so, as we write it. */
static int escaped_byte(const char *text)
{
    const char *high, *low;
    int value;
    if (text[1] != 'x' || text[2] == '\0' || text[3] == '\0')
        return -1;
    high = strchr(hex_digits, text[2]);
    low = strchr(hex_digits, text[3]);
    if (high == NULL || low == NULL)
        return -1;
    value = (int)(high - hex_digits) << 4 | (int)(low - hex_digits);
    return must_escape((uint8_t)value) ? value : -1;
}

/* An id or a user's name; out has max + 1 bytes. */
static int text_field(struct parser *p, const char *what, const char *text, char *out, size_t max)
{
    enum kp_text_fault fault;
    size_t len = 0;
    while (*text != '\0') {
        int c = (uint8_t)*text;
        if (c == '\\')
            c = escaped_byte(text);
        else if (must_escape((uint8_t)c))
            c = -1;
        if (c < 0)
            return fail(p, "the %s is damaged", what);
        if (len == max)
            return fail(p, "the %s is too long", what);
        text += *text == '\\' ? 4 : 1;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    fault = kp_text_name_check(out, len);
    return fault == KP_TEXT_FINE ? 0 : fail(p, "the %s %s", what, kp_text_fault_text(fault));
}

static int versions_field(struct parser *p, const char *text, unsigned *out)
{
    if (strcmp(text, "1.2") == 0)
        *out = KP_USE_TLS12;
    else if (strcmp(text, "1.3") == 0)
        *out = KP_USE_TLS13;
    else if (strcmp(text, "1.2,1.3") == 0)
        *out = KP_USE_TLS12 | KP_USE_TLS13;
    else
        return fail(p, "the versions of TLS are none of 1.2, 1.3 and 1.2,1.3");
    return 0;
}

static int parse_device(struct parser *p, struct kp_saved *saved)
{
    struct kp_saved_device device = {.versions = 0};
    const char *why;
    int error;
    if (p->fields != FIELDS || strcmp(p->field[0], "device") != 0)
        return fail(p, "expected here: device and six values, or the end");
    if (!kp_saved_name_is_right(p->field[1]))
        return fail(p, "the name is not made of 1 to 63 small letters, digits and hyphens");
    memcpy(device.name, p->field[1], strlen(p->field[1]) + 1);
    if (kp_host_split(&device.host, p->field[2], strlen(p->field[2]), NULL, &why) != 0)
        return fail(p, "%s", why);
    if (kp_host_has_no_port(&device.host))
        return fail(p, "the port is 0");
    error = text_field(p, "device id", p->field[3], device.id, KP_DEVICE_ID_MAX);
    if (error == 0)
        error = text_field(p, "user name", p->field[4], device.user, KP_NAME_MAX);
    if (error == 0)
        error = versions_field(p, p->field[5], &device.versions);
    if (error == 0 && !number(p->field[6], INT64_MAX, &device.seen))
        error = fail(p, "the time is not a number");
    if (error == 0)
        error = kp_saved_add(saved, &device);
    if (error == KP_E_EXISTS)
        error = fail(p, "its name, address or device id stands in the file twice");
    else if (error == KP_E_TOO_LONG)
        error = fail(p, "there are more than %d devices", KP_SAVED_MAX);
    return error;
}

static int parse(struct parser *p, struct kp_saved *saved)
{
    uint64_t count = 0;
    int error = next_line(p);
    if (error == 0 && (p->fields != 2 || strcmp(p->field[0], "keyplate-devices") != 0))
        error = fail(p, "this is not a file of Keyplate's devices");
    if (error == 0 && strcmp(p->field[1], "1") != 0)
        error = fail(p, "its format is not version 1, which this Keyplate reads");
    while (error == 0) {
        error = next_line(p);
        if (error == 0 && strcmp(p->field[0], "end") == 0)
            break;
        if (error == 0)
            error = parse_device(p, saved);
    }
    if (error != 0)
        return error;
    if (p->fields != 2 || !number(p->field[1], KP_SAVED_MAX, &count) || count != saved->count)
        return fail(p, "the file has %zu devices, not the number that stands here", saved->count);
    if (p->left > 0) {
        p->fault->line++;
        return fail(p, "there is more after the end");
    }
    return 0;
}

int kp_saved_parse(struct kp_saved *out, const char *text, size_t len, struct kp_store_fault *fault)
{
    struct parser *p = malloc(sizeof *p);
    int error;
    *out = (struct kp_saved){NULL, 0};
    *fault = (struct kp_store_fault){.line = 0};
    if (p == NULL)
        return KP_E_MEMORY;
    p->fault = fault;
    p->at = text;
    p->left = len;
    error = parse(p, out);
    if (error != 0)
        kp_saved_clear(out);
    free(p);
    return error;
}

/* ---- Writing ----------------------------------------------------------------------------- */

static void put_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        uint8_t c = (uint8_t)*text;
        if (must_escape(c))
            (void)fprintf(out, "\\x%02x", c);
        else
            (void)putc(c, out);
    }
}

static const char *versions_text(unsigned versions)
{
    if (versions == KP_USE_TLS12)
        return "1.2";
    return versions == KP_USE_TLS13 ? "1.3" : "1.2,1.3";
}

static void put_device(FILE *out, const struct kp_saved_device *device)
{
    char host[KP_HOST_TEXT_LEN];
    (void)fprintf(out, "device %s %s ", device->name, kp_host_text(&device->host, NULL, host));
    put_text(out, device->id);
    (void)putc(' ', out);
    put_text(out, device->user);
    (void)fprintf(out, " %s %" PRIu64 "\n", versions_text(device->versions), device->seen);
}

int kp_saved_format(const struct kp_saved *saved, struct kp_text *out)
{
    bool failed;
    FILE *text;
    *out = (struct kp_text){NULL, 0};
    text = open_memstream(&out->data, &out->len);
    if (text == NULL)
        return KP_E_MEMORY;
    (void)fprintf(text, "keyplate-devices 1\n");
    for (size_t i = 0; i < saved->count; i++)
        put_device(text, &saved->devices[i]);
    (void)fprintf(text, "end %zu\n", saved->count);
    failed = ferror(text) != 0;
    failed |= fclose(text) != 0;
    if (failed)
        kp_text_clear(out);
    return failed ? KP_E_MEMORY : 0;
}
