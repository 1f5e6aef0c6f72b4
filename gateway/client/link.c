/* Links and bare addresses: see link.h.  RFC 3986 as far as it is needed. */
#include "link.h"

#include <string.h>
#include <strings.h>

#include "link_device.h"

static int refuse(const char **why, const char *text)
{
    *why = text;
    return -1;
}

/* Skips https://; refuses other schemes, each in its own words. */
static int skip_scheme(const char **at, const char **why)
{
    const char *text = *at;
    const char *end = strstr(text, "://");
    if (strncasecmp(text, "https://", 8) == 0) {
        *at = text + 8;
        return 0;
    }
    if (strncasecmp(text, "https:/", 7) == 0)
        return refuse(why, "https:// has two slashes");
    if (strncasecmp(text, "http://", 7) == 0)
        return refuse(why, "http:// isn't protected: give the https:// link, or the address alone");
    if (strncasecmp(text, "keyplate:", 9) == 0)
        return refuse(why, "keyplate:// has two slashes");
    if (end != NULL && strcspn(text, "/?#") > (size_t)(end - text))
        return refuse(why, "only https:// and keyplate:// links and bare addresses can be opened");
    return 0;
}

/* A '#p=' carries a password, which must not be typed where others can read it. */
static bool holds_password(const char *text)
{
    const char *fragment = strchr(text, '#');
    return fragment != NULL && (strstr(fragment, "#p=") != NULL || strstr(fragment, "&p=") != NULL);
}

static int take_path(struct kp_link *out, const char *text, const char **why)
{
    size_t slash = *text == '/' ? 0 : 1;
    if (strlen(text) + slash >= sizeof out->path)
        return refuse(why, "the link is too long");
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || strchr("\"<>\\^`{|}", *c))
            return refuse(why, "the link holds a character that has to be written as %XX");
    out->path[0] = '/';
    memcpy(out->path + slash, text, strlen(text) + 1);
    return 0;
}

/* Before an @ may stand a name; never a password. */
static int take_user(struct kp_link *out, const char **at, size_t *authority, const char **why)
{
    const char *sign = memchr(*at, '@', *authority);
    size_t len = sign != NULL ? (size_t)(sign - *at) : 0;
    if (sign == NULL)
        return 0;
    if (memchr(*at, ':', len) != NULL)
        return refuse(why, "a password in a link can be read by other programs: leave out "
                           "NAME:PASSWORD@ and use --user NAME");
    if (len == 0 || len >= sizeof out->user || memchr(*at, '%', len) != NULL)
        return refuse(why, "leave out NAME@ and use --user NAME");
    memcpy(out->user, *at, len);
    out->user[len] = '\0';
    *at += len + 1;
    *authority -= len + 1;
    return 0;
}

int kp_link_parse(struct kp_link *out, const char *text, const char **why)
{
    size_t authority;
    memset(out, 0, sizeof *out);
    if (holds_password(text))
        return refuse(why, "the link holds a password (#p=), which other programs on this computer "
                           "can now read: leave it out, it is asked for (and change it)");
    if (strncasecmp(text, "keyplate://", 11) == 0)
        return kp_link_device_parse(out, text + 11, why);
    if (skip_scheme(&text, why) != 0)
        return -1;
    authority = strcspn(text, "/?#");
    if (take_user(out, &text, &authority, why) != 0 ||
        kp_host_split_url(&out->host, text, authority, "443", why) != 0)
        return -1;
    if (kp_host_has_no_port(&out->host))
        return refuse(why, "the port is a number from 1 to 65535");
    return take_path(out, text + authority, why);
}
