/*
 * Reads templates: an INI file, whose keys are the rows of a table.  Strict: what isn't known, is
 * given twice or doesn't fit is refused, as a label that is wrong is seen too late.
 */
#include "plate_template.h"

#include <ini.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MM 1000
#define TEXT_MAX (64 * 1024)

struct reading {
    struct kp_plate_template *template;
    const char *at, *end; /* of the text */
    unsigned line;
    uint32_t seen; /* a bit for each row of keys */
    int err;
    char *why;
};

static int refuse(struct reading *r, unsigned line, const char *text)
{
    if (r->err == 0 && line > 0)
        (void)snprintf(r->why, KP_PLATE_WHY_LEN, "line %u: %s", line, text);
    else if (r->err == 0)
        (void)snprintf(r->why, KP_PLATE_WHY_LEN, "%s", text);
    r->err = KP_E_SYNTAX;
    return r->err;
}

/* ---- Values ------------------------------------------------------------------------------ */

/* A number of millimetres, with at most three decimals; *at moves behind it and the spaces that
 * follow. */
static bool read_mm(const char **at, int32_t *out)
{
    const char *p = *at;
    int32_t value = 0, unit = MM;
    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9' && value < 10000; p++)
        value = value * 10 + (*p - '0');
    value *= MM;
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9' && unit > 1; p++)
            value += (*p - '0') * (unit /= 10);
    if (*p != ' ' && *p != '\0')
        return false;
    *at = p + strspn(p, " ");
    *out = value;
    return true;
}

static bool take_page(struct kp_plate_template *t, const char *value)
{
    static const struct {
        const char *name;
        int32_t width, height;
    } pages[] = {{"A4", 210 * MM, 297 * MM}, {"Letter", 215900, 279400}};
    char copy[32];
    const char *p = copy;
    char *cross;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (strcmp(value, pages[i].name) == 0) {
            t->page_width = pages[i].width;
            t->page_height = pages[i].height;
            return true;
        }
    if (snprintf(copy, sizeof copy, "%s", value) >= (int)sizeof copy)
        return false;
    cross = strchr(copy, 'x');
    if (cross != NULL)
        *cross = ' ';
    return cross != NULL && read_mm(&p, &t->page_width) && read_mm(&p, &t->page_height) &&
           *p == '\0' && t->page_width >= 10 * MM && t->page_width <= 2000 * MM &&
           t->page_height >= 10 * MM && t->page_height <= 2000 * MM;
}

static bool take_gap(struct kp_plate_template *t, const char *value)
{
    if (!read_mm(&value, &t->gap_x))
        return false;
    t->gap_y = t->gap_x;
    return (*value == '\0' || read_mm(&value, &t->gap_y)) && *value == '\0' &&
           t->gap_x <= 100 * MM && t->gap_y <= 100 * MM;
}

static bool take_ruler(struct kp_plate_template *t, const char *value)
{
    t->ruler = strcmp(value, "yes") == 0;
    return t->ruler || strcmp(value, "no") == 0;
}

/* Letters that need no quoting anywhere. */
static bool take_font(char out[KP_PLATE_FONT_LEN], const char *value)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -_";
    size_t len = strlen(value);
    if (len == 0 || len >= KP_PLATE_FONT_LEN || strspn(value, letters) != len)
        return false;
    memcpy(out, value, len + 1);
    return true;
}

static bool take_sans(struct kp_plate_template *t, const char *value)
{
    return take_font(t->sans, value);
}

static bool take_mono(struct kp_plate_template *t, const char *value)
{
    return take_font(t->mono, value);
}

/* ---- Lines of text ----------------------------------------------------------------------- */

const char *kp_plate_template_value(const struct kp_plate *plate, const char *name, size_t len)
{
    const struct {
        const char *name, *value;
    } rows[] = {{"serial", plate->serial}, {"id", plate->serial}, {"model", plate->model},
                {"user", plate->user},     {"host", plate->host}, {"password", plate->password},
                {"link", plate->link}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return rows[i].value;
    return NULL;
}

bool kp_plate_template_piece(const char **at, struct kp_plate_piece *piece)
{
    static const struct kp_plate any = {"", "", "", "", "", ""};
    const char *p = *at;
    piece->data = p;
    piece->is_name = false;
    if (*p != '{' && *p != '}') {
        piece->len = strcspn(p, "{}");
        *at += piece->len;
        return piece->len > 0;
    }
    piece->len = 1;
    if (p[1] == p[0]) {
        *at += 2;
        return true;
    }
    piece->data++;
    piece->len = strcspn(piece->data, "{}");
    piece->is_name = true;
    if (*p != '{' || piece->data[piece->len] != '}' ||
        kp_plate_template_value(&any, piece->data, piece->len) == NULL)
        return false;
    *at += piece->len + 2;
    return true;
}

/* The next word of *at when it is this one; *at moves behind it and the spaces that follow. */
static bool take_word(const char **at, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(*at, word, len) != 0 || (*at)[len] != ' ')
        return false;
    *at += len + strspn(*at + len, " ");
    return true;
}

/* Words before the text, in any order. */
static void take_words(struct kp_plate_line *line, const char **at)
{
    for (;;) {
        if (take_word(at, "mono"))
            line->mono = true;
        else if (take_word(at, "bold"))
            line->bold = true;
        else if (take_word(at, "center"))
            line->side = KP_PLATE_CENTER;
        else if (take_word(at, "right"))
            line->side = KP_PLATE_RIGHT;
        else if (!take_word(at, "sans") && !take_word(at, "left"))
            return;
    }
}

static int take_text(struct reading *r, struct kp_plate_line *line, const char *text)
{
    struct kp_plate_piece piece;
    const char *p = line->text;
    size_t len = strlen(text);
    /* For one that begins with such a word, or with a space. */
    if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
        text++;
        len -= 2;
    }
    if (len == 0)
        return refuse(r, r->line, "there is no text behind the place and the size");
    if (len >= KP_PLATE_LINE_LEN)
        return refuse(r, r->line, "the text is too long");
    if (kp_text_name_check(text, len) != KP_TEXT_FINE || strstr(text, "\xef\xbf\xbe") != NULL ||
        strstr(text, "\xef\xbf\xbf") != NULL)
        return refuse(r, r->line, "there is what can't be printed in the text");
    memcpy(line->text, text, len);
    while (kp_plate_template_piece(&p, &piece))
        ;
    if (*p != '\0')
        return refuse(r, r->line,
                      "a name in braces is one of {serial} {id} {model} {user} {password} {host} "
                      "{link}; a brace itself is written twice");
    return 0;
}

static int take_line(struct reading *r, const char *value)
{
    struct kp_plate_template *t = r->template;
    struct kp_plate_line *line = &t->lines[t->count];
    if (t->count == KP_PLATE_LINES_MAX)
        return refuse(r, r->line, "there are too many lines of text");
    line->number = r->line;
    if (!read_mm(&value, &line->x) || !read_mm(&value, &line->y) || !read_mm(&value, &line->size))
        return refuse(r, r->line, "line = X Y SIZE TEXT, with three numbers of millimetres");
    if (line->size < MM || line->size > 100 * MM)
        return refuse(r, r->line, "a size of letters is from 1 to 100 mm");
    take_words(line, &value);
    t->count++;
    return take_text(r, line, value);
}

/* ---- Keys -------------------------------------------------------------------------------- */

#define AT(field) offsetof(struct kp_plate_template, field)

static const struct key {
    const char *section, *name;
    bool (*take)(struct kp_plate_template *t, const char *value); /* NULL: a number */
    size_t offset;
    int32_t least, most;
    const char *rule;
} keys[] = {
    {"sheet", "page", take_page, 0, 0, 0, "a page is A4, Letter or WIDTHxHEIGHT, 10 to 2000 mm"},
    {"sheet", "margin", NULL, AT(margin), 0, 200 * MM, "a margin is from 0 to 200 mm"},
    {"sheet", "gap", take_gap, 0, 0, 0,
     "a gap is one number for both ways or two, from 0 to 100 mm"},
    {"sheet", "ruler", take_ruler, 0, 0, 0, "ruler is yes or no"},
    {"label", "width", NULL, AT(width), 10 * MM, 2000 * MM, "a width is from 10 to 2000 mm"},
    {"label", "height", NULL, AT(height), 5 * MM, 2000 * MM, "a height is from 5 to 2000 mm"},
    {"label", "border", NULL, AT(border), 0, 5 * MM, "a border is from 0 to 5 mm"},
    {"label", "inset", NULL, AT(inset), 0, 20 * MM, "an inset is from 0 to 20 mm"},
    {"label", "corner", NULL, AT(corner), 0, 20 * MM, "a corner is from 0 to 20 mm"},
    {"label", "sans", take_sans, 0, 0, 0, "a font's name is of letters, digits, spaces, - and _"},
    {"label", "mono", take_mono, 0, 0, 0, "a font's name is of letters, digits, spaces, - and _"},
    {"qr", "x", NULL, AT(qr_x), 0, 2000 * MM, "x is from 0 to 2000 mm"},
    {"qr", "y", NULL, AT(qr_y), 0, 2000 * MM, "y is from 0 to 2000 mm"},
    {"qr", "size", NULL, AT(qr_size), 10 * MM, 500 * MM, "a QR code's size is from 10 to 500 mm"},
};

static bool take_number(struct kp_plate_template *t, const struct key *key, const char *value)
{
    int32_t number;
    if (!read_mm(&value, &number) || *value != '\0' || number < key->least || number > key->most)
        return false;
    memcpy((char *)t + key->offset, &number, sizeof number);
    return true;
}

static int take_key(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *r = arg;
    if (r->err != 0)
        return 0;
    if (strcmp(section, "text") == 0 && strcmp(name, "line") == 0)
        return take_line(r, value) == 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct key *key = &keys[i];
        if (strcmp(section, key->section) != 0 || strcmp(name, key->name) != 0)
            continue;
        if ((r->seen & 1u << i) != 0)
            return refuse(r, r->line, "this key was there already") == 0;
        r->seen |= 1u << i;
        if (key->take != NULL ? key->take(r->template, value)
                              : take_number(r->template, key, value))
            return 1;
        return refuse(r, r->line, key->rule) == 0;
    }
    return refuse(r, r->line, "there is no such key in this section") == 0;
}

static bool has(const struct reading *r, const char *section, const char *name)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(section, keys[i].section) == 0 && strcmp(name, keys[i].name) == 0)
            return (r->seen & 1u << i) != 0;
    return false;
}

/* In place of fgets, to count lines: the library would take the rest of a line that is too long
 * for a line of its own, and one that begins with a space for more of the line before. */
static char *read_line(char *out, int len, void *arg)
{
    struct reading *r = arg;
    const char *end;
    size_t used;
    if (r->at == r->end || r->err != 0)
        return NULL;
    r->line++;
    r->at += strspn(r->at, " \t");
    end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    if (end == NULL)
        end = r->end;
    used = (size_t)(end - r->at);
    if (used > (size_t)len - 2 && *r->at != '#' && *r->at != ';') {
        (void)refuse(r, r->line, "the line is too long");
        return NULL;
    }
    if (used > (size_t)len - 2)
        used = 0;
    memcpy(out, r->at, used);
    out[used] = '\n';
    out[used + 1] = '\0';
    r->at = end < r->end ? end + 1 : end;
    return out;
}

/* ---- The whole --------------------------------------------------------------------------- */

/* How many labels go into what the margins leave. */
static int32_t fit(int32_t page, int32_t margin, int32_t label, int32_t gap)
{
    int32_t free = page - 2 * margin;
    return free < label ? 0 : (free + gap) / (label + gap);
}

static int place_labels(struct reading *r)
{
    struct kp_plate_template *t = r->template;
    if (!has(r, "label", "width") || !has(r, "label", "height"))
        return refuse(r, 0, "[label] needs a width and a height");
    t->columns = fit(t->page_width, t->margin, t->width, t->gap_x);
    t->rows = fit(t->page_height, t->margin, t->height, t->gap_y);
    if (t->columns == 0 || t->rows == 0)
        return refuse(r, 0, "no label fits on the page within its margins");
    if (2 * (t->inset + t->border + t->corner) > t->height ||
        2 * (t->inset + t->border + t->corner) > t->width)
        return refuse(r, 0, "the border's inset and corners are larger than the label");
    t->left = (t->page_width - t->columns * (t->width + t->gap_x) + t->gap_x) / 2;
    t->top = (t->page_height - t->rows * (t->height + t->gap_y) + t->gap_y) / 2;
    return 0;
}

static int place_qr(struct reading *r)
{
    const struct kp_plate_template *t = r->template;
    int32_t edge = t->border > 0 ? t->inset + t->border : 0;
    bool has_x = has(r, "qr", "x"), has_y = has(r, "qr", "y");
    if (!has_x && !has_y && !has(r, "qr", "size")) {
        r->template->qr_size = 0;
        return t->count > 0 ? 0 : refuse(r, 0, "there is neither a text nor a QR code");
    }
    if (!has_x || !has_y)
        return refuse(r, 0, "[qr] needs an x and a y");
    if (t->qr_x < edge || t->qr_y < edge || t->qr_x + t->qr_size > t->width - edge ||
        t->qr_y + t->qr_size > t->height - edge)
        return refuse(r, 0, "the QR code isn't inside the label and its border");
    return 0;
}

/* The room that a text has until the border, or the QR code beside it. */
static int place_line(struct reading *r, struct kp_plate_line *line)
{
    const struct kp_plate_template *t = r->template;
    int32_t edge = t->border > 0 ? t->inset + t->border + KP_PLATE_AIR : 0;
    int32_t left = edge, right = t->width - edge;
    int32_t up = line->y - line->size / 1000 * KP_PLATE_ASCENT;
    int32_t down = line->y + line->size / 1000 * KP_PLATE_DESCENT;
    if (up < edge || down > t->height - edge || line->x < left || line->x > right)
        return refuse(r, line->number, "this text isn't inside the label and its border");
    if (t->qr_size > 0 && down > t->qr_y && up < t->qr_y + t->qr_size) {
        if (line->x <= t->qr_x)
            right = right < t->qr_x ? right : t->qr_x;
        else if (line->x >= t->qr_x + t->qr_size)
            left = t->qr_x + t->qr_size;
        else
            return refuse(r, line->number, "this text is on the QR code");
    }
    if (line->side == KP_PLATE_LEFT)
        line->room = right - line->x;
    else if (line->side == KP_PLATE_RIGHT)
        line->room = line->x - left;
    else
        line->room = 2 * (right - line->x < line->x - left ? right - line->x : line->x - left);
    return 0;
}

static int read_all(struct reading *r, const char *text, size_t len)
{
    struct kp_plate_template *t = r->template;
    int line;
    (void)take_page(t, "A4");
    (void)take_sans(t, "DejaVu Sans");
    (void)take_mono(t, "DejaVu Sans Mono");
    t->margin = 5 * MM;
    t->inset = MM;
    t->qr_size = 25 * MM;
    if (len > TEXT_MAX)
        return refuse(r, 0, "the template is too long");
    if (!kp_text_is_utf8(text, len))
        return refuse(r, 0, "the template is not UTF-8");
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)text[i] < ' ' && strchr("\t\r\n", text[i] != '\0' ? text[i] : 1) == NULL)
            return refuse(r, 0, "there is a control character in the template");
    line = ini_parse_stream(read_line, r, take_key, r);
    if (line != 0 && r->err == 0)
        return line < 0 ? KP_E_MEMORY : refuse(r, (unsigned)line, "not a [section] or key = value");
    if (r->err != 0 || place_labels(r) != 0 || place_qr(r) != 0)
        return r->err;
    for (unsigned i = 0; i < t->count && r->err == 0; i++)
        (void)place_line(r, &t->lines[i]);
    return r->err;
}

int kp_plate_template_parse(struct kp_plate_template **out, const char *text, size_t len,
                            char why[static KP_PLATE_WHY_LEN])
{
    struct reading r = {.why = why};
    int err;
    *out = NULL;
    if (text == NULL) {
        text = kp_plate_template_text();
        len = strlen(text);
    }
    (void)snprintf(why, KP_PLATE_WHY_LEN, "out of memory");
    r.template = calloc(1, sizeof *r.template);
    /* With an end that spaces are skipped to. */
    struct kp_text copy = {0};
    err = r.template == NULL ? KP_E_MEMORY : kp_text_copy(&copy, text, len);
    if (err == 0) {
        r.at = copy.data;
        r.end = copy.data + copy.len;
        err = read_all(&r, copy.data, copy.len);
    }
    kp_text_clear(&copy);
    if (err != 0)
        free(r.template);
    else
        *out = r.template;
    return err;
}

void kp_plate_template_free(struct kp_plate_template *template)
{
    free(template);
}
