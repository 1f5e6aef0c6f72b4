/* The cookies that stay here: see jar.h. */
#include "jar.h"

#include <stdlib.h>

#include "base/secret.h"
#include "guard.h"

struct kp_jar_cookie {
    char *text; /* name, value and path, one after the other */
    size_t name_len, value_len, path_len;
    uint64_t expires;
    bool strict;
};

static struct kp_slice name_of(const struct kp_jar_cookie *c)
{
    return (struct kp_slice){c->text, c->name_len};
}

static struct kp_slice path_of(const struct kp_jar_cookie *c)
{
    return (struct kp_slice){c->text + c->name_len + c->value_len, c->path_len};
}

static bool is_equal(struct kp_slice a, struct kp_slice b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static void free_text(struct kp_jar_cookie *c)
{
    kp_wipe(c->text, c->name_len + c->value_len + c->path_len);
    free(c->text);
}

void kp_jar_clear(struct kp_jar *jar)
{
    for (size_t i = 0; i < jar->count; i++)
        free_text(&jar->cookies[i]);
    free(jar->cookies);
    *jar = (struct kp_jar){0};
}

/* ---- What is taken ----------------------------------------------------------------------- */

static void remove_at(struct kp_jar *jar, size_t at)
{
    free_text(&jar->cookies[at]);
    jar->count--;
    memmove(&jar->cookies[at], &jar->cookies[at + 1], (jar->count - at) * sizeof *jar->cookies);
}

static void remove_expired(struct kp_jar *jar, uint64_t now)
{
    for (size_t i = jar->count; i-- > 0;)
        if (jar->cookies[i].expires <= now)
            remove_at(jar, i);
}

/* Its place; jar->count: it isn't there. */
static size_t find(const struct kp_jar *jar, struct kp_slice name, struct kp_slice path)
{
    size_t i = 0;
    while (i < jar->count && !(is_equal(name_of(&jar->cookies[i]), name) &&
                               is_equal(path_of(&jar->cookies[i]), path)))
        i++;
    return i;
}

static bool fill(struct kp_jar_cookie *out, const struct kp_set_cookie *c, struct kp_slice path)
{
    *out = (struct kp_jar_cookie){malloc(c->name.len + c->value.len + path.len),
                                  c->name.len,
                                  c->value.len,
                                  path.len,
                                  c->expires,
                                  c->strict};
    if (out->text == NULL)
        return false;
    memcpy(out->text, c->name.at, c->name.len);
    memcpy(out->text + c->name.len, c->value.at, c->value.len);
    memcpy(out->text + c->name.len + c->value.len, path.at, path.len);
    return true;
}

static bool make_room(struct kp_jar *jar)
{
    if (jar->cookies == NULL)
        jar->cookies = calloc(KP_JAR_COOKIES, sizeof *jar->cookies);
    if (jar->count == KP_JAR_COOKIES)
        remove_at(jar, 0);
    return jar->cookies != NULL;
}

/* RFC 6265 5.3: one that replaces another keeps its place.  Without memory there is none: the old
 * value isn't the device's any more. */
static void keep(struct kp_jar *jar, size_t at, const struct kp_set_cookie *c, struct kp_slice path)
{
    struct kp_jar_cookie cookie;
    bool filled = fill(&cookie, c, path);
    if (at < jar->count && filled) {
        free_text(&jar->cookies[at]);
        jar->cookies[at] = cookie;
    } else if (at < jar->count) {
        remove_at(jar, at);
    } else if (filled && make_room(jar)) {
        jar->cookies[jar->count++] = cookie;
    } else if (filled) {
        free_text(&cookie);
    }
}

bool kp_jar_take(struct kp_jar *jar, struct kp_slice set_cookie, struct kp_slice path, uint64_t now)
{
    struct kp_set_cookie c;
    size_t at;
    if (!kp_set_cookie_read(&c, set_cookie, now) || kp_slice_is(c.name, KP_GUARD_COOKIE))
        return true;
    remove_expired(jar, now);
    path = c.path.len > 0 ? c.path : kp_cookie_folder(path);
    at = find(jar, c.name, path);
    if (c.http_only && c.expires > now)
        keep(jar, at, &c, path);
    else if (at < jar->count)
        remove_at(jar, at);
    return c.http_only;
}

/* ---- What is sent ------------------------------------------------------------------------ */

static bool goes_to(const struct kp_jar_cookie *c, struct kp_slice path, uint64_t now)
{
    return c->expires > now && kp_cookie_path_matches(path_of(c), path);
}

bool kp_jar_has(const struct kp_jar *jar, struct kp_slice name, struct kp_slice path, uint64_t now)
{
    for (size_t i = 0; i < jar->count; i++)
        if (is_equal(name_of(&jar->cookies[i]), name) && goes_to(&jar->cookies[i], path, now))
            return true;
    return false;
}

static void put_one(const struct kp_jar_cookie *c, struct kp_out *out, bool *any)
{
    if (*any)
        kp_out_word(out, "; ");
    *any = true;
    if (c->name_len > 0) {
        kp_out_add(out, c->text, c->name_len);
        kp_out_word(out, "=");
    }
    kp_out_add(out, c->text + c->name_len, c->value_len);
}

/* Those that go there, longest paths first; of one length in their order. */
static size_t choose(const struct kp_jar_cookie *chosen[KP_JAR_COOKIES], const struct kp_jar *jar,
                     struct kp_slice path, uint64_t now, bool foreign)
{
    size_t count = 0;
    for (size_t i = 0; i < jar->count; i++) {
        const struct kp_jar_cookie *c = &jar->cookies[i];
        size_t at = count;
        if (!goes_to(c, path, now) || (foreign && c->strict))
            continue;
        for (; at > 0 && chosen[at - 1]->path_len < c->path_len; at--)
            chosen[at] = chosen[at - 1];
        chosen[at] = c;
        count++;
    }
    return count;
}

void kp_jar_put(const struct kp_jar *jar, struct kp_out *out, struct kp_slice path, uint64_t now,
                bool foreign, bool *any)
{
    const struct kp_jar_cookie *chosen[KP_JAR_COOKIES];
    size_t count = choose(chosen, jar, path, now, foreign);
    for (size_t i = 0; i < count; i++)
        put_one(chosen[i], out, any);
}
