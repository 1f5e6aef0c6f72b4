/* Cookies as text: see cookie.h. */
#include "cookie.h"

#define ATTRIBUTE_MAX 1024                     /* of its value; longer ones don't count */
#define AGE_MAX ((uint64_t)400 * 24 * 60 * 60) /* no cookie is kept for longer */

/* ---- Pairs ------------------------------------------------------------------------------- */

static struct kp_slice trimmed(struct kp_slice text)
{
    while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
        text.len--;
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.len--;
    }
    return text;
}

bool kp_cookie_part(struct kp_slice *field, struct kp_cookie_pair *part)
{
    const char *end, *equals;
    if (field->at == NULL)
        return false;
    end = field->len > 0 ? memchr(field->at, ';', field->len) : NULL;
    part->text = (struct kp_slice){field->at, end != NULL ? (size_t)(end - field->at) : field->len};
    *field = end != NULL ? (struct kp_slice){end + 1, field->len - part->text.len - 1}
                         : (struct kp_slice){NULL, 0};
    part->text = trimmed(part->text);
    equals = part->text.len > 0 ? memchr(part->text.at, '=', part->text.len) : NULL;
    part->name = (struct kp_slice){part->text.at, 0};
    part->value = part->text;
    if (equals != NULL) {
        size_t len = (size_t)(equals - part->text.at);
        part->name = trimmed((struct kp_slice){part->text.at, len});
        part->value = trimmed((struct kp_slice){equals + 1, part->text.len - len - 1});
    }
    return true;
}

bool kp_cookie_next(struct kp_slice *list, struct kp_cookie_pair *pair)
{
    while (kp_cookie_part(list, pair))
        if (pair->text.len > 0)
            return true;
    return false;
}

/* ---- Dates ------------------------------------------------------------------------------- */

struct date {
    unsigned hour, minute, second, day, month, year;
    bool has_time, has_day, has_month, has_year;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 6265 5.1.1: what parts its tokens. */
static bool is_delimiter(char c)
{
    return c == '\t' || (c >= ' ' && c <= '/') || (c >= ';' && c <= '@') ||
           (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/* A number of so many digits at the beginning, with no other digit behind it; returns how many it
 * has, 0: it isn't there. */
static size_t read_number(unsigned *number, struct kp_slice text, size_t least, size_t most)
{
    size_t len = 0;
    *number = 0;
    for (; len < text.len && is_digit(text.at[len]); len++) {
        if (len == most)
            return 0;
        *number = *number * 10 + (unsigned)(text.at[len] - '0');
    }
    return len >= least ? len : 0;
}

static bool read_time(struct date *date, struct kp_slice token)
{
    unsigned *const fields[] = {&date->hour, &date->minute, &date->second};
    for (size_t i = 0; i < 3; i++) {
        size_t len = read_number(fields[i], token, 1, 2);
        if (len == 0 || (i < 2 && (len == token.len || token.at[len] != ':')))
            return false;
        len += i < 2;
        token = (struct kp_slice){token.at + len, token.len - len};
    }
    return true;
}

static bool read_month(struct date *date, struct kp_slice token)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (unsigned i = 0; token.len >= 3 && i < 12; i++) {
        if (kp_slice_same(token.at, names + (size_t)3 * i, 3)) {
            date->month = i + 1;
            return true;
        }
    }
    return false;
}

static bool read_year(struct date *date, struct kp_slice token)
{
    if (read_number(&date->year, token, 2, 4) == 0)
        return false;
    if (date->year < 100)
        date->year += date->year < 70 ? 2000 : 1900;
    return true;
}

static void read_token(struct date *date, struct kp_slice token)
{
    if (!date->has_time && read_time(date, token))
        date->has_time = true;
    else if (!date->has_day && read_number(&date->day, token, 1, 2) > 0)
        date->has_day = true;
    else if (!date->has_month && read_month(date, token))
        date->has_month = true;
    else if (!date->has_year && read_year(date, token))
        date->has_year = true;
}

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in(unsigned month, unsigned year)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static bool is_a_date(const struct date *date)
{
    return date->has_time && date->has_day && date->has_month && date->has_year &&
           date->year >= 1601 && date->day >= 1 && date->day <= days_in(date->month, date->year) &&
           date->hour < 24 && date->minute < 60 && date->second < 60;
}

static uint64_t days_since_1970(const struct date *date)
{
    uint64_t days = date->day - 1;
    for (unsigned year = 1970; year < date->year; year++)
        days += is_leap(year) ? 366 : 365;
    for (unsigned month = 1; month < date->month; month++)
        days += days_in(month, date->year);
    return days;
}

bool kp_cookie_date(uint64_t *seconds, struct kp_slice text)
{
    struct date date = {0};
    for (size_t at = 0, len; at < text.len; at += len + 1) {
        for (len = 0; at + len < text.len && !is_delimiter(text.at[at + len]);)
            len++;
        if (len > 0)
            read_token(&date, (struct kp_slice){text.at + at, len});
    }
    if (!is_a_date(&date))
        return false;
    *seconds =
        date.year < 1970
            ? 0
            : ((days_since_1970(&date) * 24 + date.hour) * 60 + date.minute) * 60 + date.second;
    return true;
}

/* ---- Attributes -------------------------------------------------------------------------- */

static uint64_t no_later(uint64_t when, uint64_t now)
{
    return when - now > AGE_MAX && when > now ? now + AGE_MAX : when;
}

/* RFC 6265 5.2.2: anything but a number is as if it weren't there. */
static bool read_age(uint64_t *expires, struct kp_slice value, uint64_t now)
{
    bool minus = value.len > 0 && value.at[0] == '-';
    uint64_t age = 0;
    if (value.len == (size_t)minus)
        return false;
    for (size_t i = minus; i < value.len; i++) {
        if (!is_digit(value.at[i]))
            return false;
        if (age <= AGE_MAX)
            age = age * 10 + (unsigned)(value.at[i] - '0');
    }
    *expires = minus || age == 0 ? 0 : now + (age < AGE_MAX ? age : AGE_MAX);
    return true;
}

struct ages {
    uint64_t date;
    uint64_t age;
    bool has_date, has_age;
};

static void read_attribute(struct kp_set_cookie *out, struct ages *ages,
                           const struct kp_cookie_pair *part, uint64_t now)
{
    struct kp_slice name = part->name.len > 0 ? part->name : part->text;
    struct kp_slice value = part->name.len > 0 ? part->value : (struct kp_slice){"", 0};
    if (kp_slice_is(name, "HttpOnly")) { /* whatever else it says: the browser must not have it */
        out->http_only = true;
        return;
    }
    if (value.len > ATTRIBUTE_MAX)
        return;
    if (kp_slice_is(name, "Expires"))
        ages->has_date |= kp_cookie_date(&ages->date, value);
    else if (kp_slice_is(name, "Max-Age"))
        ages->has_age |= read_age(&ages->age, value, now);
    else if (kp_slice_is(name, "Domain"))
        out->domain = value.len > 0;
    else if (kp_slice_is(name, "Path"))
        out->path = value.len > 0 && value.at[0] == '/' ? value : (struct kp_slice){"", 0};
    else if (kp_slice_is(name, "Secure"))
        out->secure = true;
    else if (kp_slice_is(name, "SameSite"))
        out->strict = kp_slice_is(value, "Strict");
}

/* RFC 6265 5.3: Max-Age counts before Expires. */
static uint64_t expiry(const struct ages *ages, uint64_t now)
{
    if (ages->has_age)
        return ages->age;
    if (!ages->has_date)
        return UINT64_MAX;
    return ages->date <= now ? 0 : no_later(ages->date, now);
}

/* ---- Set-Cookie -------------------------------------------------------------------------- */

static bool has_control(struct kp_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static bool begins_with(struct kp_slice text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && kp_slice_same(text.at, word, len);
}

/* The prefixes are promises, and count in any case of letters: servers may compare so. */
static bool keeps_promise(const struct kp_set_cookie *c)
{
    struct kp_slice name = c->name.len > 0 ? c->name : c->value;
    bool host = begins_with(name, "__Host-");
    bool http = begins_with(name, "__Http-") || begins_with(name, "__Host-Http-");
    if (!host && !http && !begins_with(name, "__Secure-"))
        return true;
    if (c->name.len == 0)
        return false; /* sent as it is, it would look like one with that name */
    return c->secure && (!http || c->http_only) &&
           (!host || (!c->domain && c->path.len == 1 && c->path.at[0] == '/'));
}

bool kp_set_cookie_read(struct kp_set_cookie *out, struct kp_slice field, uint64_t now)
{
    struct kp_cookie_pair part;
    struct ages ages = {0};
    *out = (struct kp_set_cookie){0};
    if (has_control(field) || !kp_cookie_part(&field, &part))
        return false;
    out->name = part.name;
    out->value = part.value;
    while (kp_cookie_part(&field, &part))
        read_attribute(out, &ages, &part, now);
    out->expires = expiry(&ages, now);
    return out->name.len + out->value.len > 0 && out->name.len + out->value.len <= KP_COOKIE_MAX &&
           keeps_promise(out);
}

/* ---- Paths ------------------------------------------------------------------------------- */

static struct kp_slice path_of(struct kp_slice target)
{
    const char *query = target.len > 0 ? memchr(target.at, '?', target.len) : NULL;
    if (target.len == 0 || target.at[0] != '/')
        return (struct kp_slice){"/", 1};
    return (struct kp_slice){target.at, query != NULL ? (size_t)(query - target.at) : target.len};
}

struct kp_slice kp_cookie_folder(struct kp_slice target)
{
    struct kp_slice path = path_of(target);
    while (path.len > 1 && path.at[path.len - 1] != '/')
        path.len--;
    if (path.len > 1)
        path.len--;
    return path;
}

bool kp_cookie_path_matches(struct kp_slice path, struct kp_slice target)
{
    struct kp_slice asked = path_of(target);
    if (asked.len < path.len || memcmp(asked.at, path.at, path.len) != 0)
        return false;
    return asked.len == path.len || path.at[path.len - 1] == '/' || asked.at[path.len] == '/';
}
