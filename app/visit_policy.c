/* What a visit's pages may do: see visit_policy.h. */
#include "visit_policy.h"

#include <gio/gio.h>
#include <string.h>

#define HTTPS_PORT 443
#define HTTP_PORT 80
#define FILE_NAME_LEN 200 /* bytes: file systems have 255, and a browser adds to it meanwhile */
#define TITLE_LEN 200

/* ---- The origin -------------------------------------------------------------------------- */

/* In hexadecimal to its end, as URLs have it. */
static char *without_points(GInetAddress *address)
{
    char *text = g_inet_address_to_string(address);
    const guint8 *end = g_inet_address_to_bytes(address) + 12;
    char *whole;
    if (strchr(text, '.') == NULL)
        return text;
    strrchr(text, ':')[1] = '\0';
    whole = g_strdup_printf("%s%x:%x", text, end[0] << 8 | end[1], end[2] << 8 | end[3]);
    g_free(text);
    return whole;
}

/* In brackets or not; NULL if it is no address of IPv6. */
static char *v6_host(const char *host)
{
    gsize start = host[0] == '[' ? 1 : 0;
    g_autofree char *bare = g_strndup(host + start, strcspn(host + start, "]%"));
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(bare);
    g_autofree char *text = NULL;
    if (address == NULL || g_inet_address_get_family(address) != G_SOCKET_FAMILY_IPV6)
        return NULL;
    text = without_points(address);
    return g_strdup_printf("[%s]", text);
}

gboolean kp_origin_set(struct kp_origin *origin, const char *host, guint16 port)
{
    char *text = v6_host(host);
    if (text == NULL) {
        if (host[0] == '\0' ||
            host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789.-_")] != '\0')
            return FALSE;
        text = g_ascii_strdown(host, -1);
    }
    *origin = (struct kp_origin){text, port};
    return TRUE;
}

void kp_origin_clear(struct kp_origin *origin)
{
    g_clear_pointer(&origin->host, g_free);
}

char *kp_origin_text(const struct kp_origin *origin)
{
    if (origin->port == HTTPS_PORT)
        return g_strdup_printf("https://%s", origin->host);
    return g_strdup_printf("https://%s:%u", origin->host, origin->port);
}

static gboolean same_host(const struct kp_origin *origin, GUri *uri)
{
    const char *host = g_uri_get_host(uri);
    g_autofree char *text = NULL;
    if (host == NULL)
        return FALSE;
    text = strchr(host, ':') != NULL ? g_strdup_printf("[%s]", host) : g_strdup(host);
    return g_ascii_strcasecmp(text, origin->host) == 0;
}

static gboolean is_at(const struct kp_origin *origin, GUri *uri, const char *scheme, int port,
                      int usual_port)
{
    int its_port = g_uri_get_port(uri) != -1 ? g_uri_get_port(uri) : usual_port;
    return g_str_equal(g_uri_get_scheme(uri), scheme) && its_port == port && same_host(origin, uri);
}

static GUri *parse(const char *uri)
{
    return g_uri_parse(uri, G_URI_FLAGS_ENCODED, NULL);
}

static gboolean is_own(const struct kp_origin *origin, const char *text)
{
    g_autoptr(GUri) uri = parse(text);
    return uri != NULL && is_at(origin, uri, "https", origin->port, HTTPS_PORT);
}

/* What a page of the device has made itself. */
static gboolean is_own_blob(const struct kp_origin *origin, const char *uri)
{
    return g_str_has_prefix(uri, "blob:") && is_own(origin, uri + strlen("blob:"));
}

/* ---- Navigation -------------------------------------------------------------------------- */

/* Firmware that doesn't know that it is behind TLS sends people to http://HOST/. */
static gboolean can_be_secured(const struct kp_origin *origin, const char *text)
{
    g_autoptr(GUri) uri = parse(text);
    return origin->port == HTTPS_PORT && uri != NULL &&
           is_at(origin, uri, "http", HTTP_PORT, HTTP_PORT);
}

static gboolean is_for_outside(const char *uri)
{
    static const char *const schemes[] = {"http", "https", "mailto", "tel"};
    g_autofree char *scheme = g_uri_parse_scheme(uri);
    for (gsize i = 0; scheme != NULL && i < G_N_ELEMENTS(schemes); i++)
        if (g_ascii_strcasecmp(scheme, schemes[i]) == 0)
            return TRUE;
    return FALSE;
}

/* Of frames: they load nothing by it. */
static gboolean is_inside(const char *uri)
{
    return g_str_has_prefix(uri, "data:") || g_str_equal(uri, "about:blank") ||
           g_str_has_prefix(uri, "about:blank#") || g_str_equal(uri, "about:srcdoc");
}

enum kp_policy kp_policy_step(const struct kp_origin *origin, const struct kp_policy_step *step)
{
    if (step->new_window && !step->by_person)
        return KP_POLICY_NOTHING;
    if (is_own(origin, step->uri) || is_own_blob(origin, step->uri))
        return KP_POLICY_LOAD;
    if (can_be_secured(origin, step->uri))
        return step->get ? KP_POLICY_SECURE : KP_POLICY_NOTHING;
    if (is_inside(step->uri))
        return step->new_window ? KP_POLICY_NOTHING : KP_POLICY_LOAD;
    return step->by_person && step->get && is_for_outside(step->uri) ? KP_POLICY_OUTSIDE
                                                                     : KP_POLICY_NOTHING;
}

gboolean kp_policy_top(const struct kp_origin *origin, const char *uri)
{
    return is_own(origin, uri) || is_own_blob(origin, uri) || g_str_equal(uri, "about:blank");
}

gboolean kp_policy_download(const struct kp_origin *origin, const char *uri)
{
    return is_own(origin, uri) || is_own_blob(origin, uri) || g_str_has_prefix(uri, "data:");
}

char *kp_policy_secured(const struct kp_origin *origin, const char *text)
{
    g_autoptr(GUri) uri = parse(text);
    g_autofree char *start = kp_origin_text(origin);
    const char *query = uri != NULL ? g_uri_get_query(uri) : NULL;
    const char *fragment = uri != NULL ? g_uri_get_fragment(uri) : NULL;
    return g_strconcat(start, uri != NULL ? g_uri_get_path(uri) : "/", query != NULL ? "?" : "",
                       query != NULL ? query : "", fragment != NULL ? "#" : "",
                       fragment != NULL ? fragment : "", NULL);
}

/* Code in the page is the device's own business; whom it speaks to is not. */
char *kp_policy_content(const struct kp_origin *origin)
{
    g_autofree char *own = kp_origin_text(origin);
    const char *rest = own + strlen("https");
    return g_strdup_printf("default-src %s wss%s data: blob: 'unsafe-inline' 'unsafe-eval'; "
                           "form-action %s; frame-src %s data: blob: about:; base-uri %s; "
                           "object-src 'none'; upgrade-insecure-requests",
                           own, rest, own, own, own);
}

/* ---- Names of files ---------------------------------------------------------------------- */

/* Neither unseen nor turning around how the rest reads. */
static gboolean is_plain(gunichar c)
{
    return g_unichar_isprint(c) && g_unichar_type(c) != G_UNICODE_FORMAT;
}

static gboolean can_stand(gunichar c)
{
    return c != '/' && c != '\\' && c != ':' && is_plain(c);
}

/* At the end of a character; what follows the last point is kept, if it is short. */
static void shorten(GString *name)
{
    const char *point = strrchr(name->str, '.');
    g_autofree char *end = g_strdup(point != NULL && strlen(point) <= 16 ? point : "");
    gsize room = FILE_NAME_LEN - strlen(end);
    if (name->len <= FILE_NAME_LEN)
        return;
    while (((guchar)name->str[room] & 0xc0) == 0x80)
        room--;
    (void)g_string_truncate(name, room);
    (void)g_string_append(name, end);
}

char *kp_policy_file_name(const char *suggested)
{
    g_autofree char *text = g_utf8_make_valid(suggested != NULL ? suggested : "", -1);
    const char *start = strrchr(text, '/') != NULL ? strrchr(text, '/') + 1 : text;
    GString *name = g_string_new(NULL);
    if (strrchr(start, '\\') != NULL)
        start = strrchr(start, '\\') + 1;
    for (const char *at = start; *at != '\0'; at = g_utf8_next_char(at))
        (void)g_string_append_unichar(name,
                                      can_stand(g_utf8_get_char(at)) ? g_utf8_get_char(at) : '_');
    while (name->len > 0 && (name->str[0] == '.' || name->str[0] == ' ' || name->str[0] == '-'))
        (void)g_string_erase(name, 0, 1);
    while (name->len > 0 && name->str[name->len - 1] == ' ')
        (void)g_string_truncate(name, name->len - 1);
    shorten(name);
    if (name->len == 0)
        (void)g_string_append(name, "download");
    return g_string_free(name, FALSE);
}

char *kp_policy_title(const char *title)
{
    g_autofree char *text = g_utf8_make_valid(title != NULL ? title : "", -1);
    GString *line = g_string_new(NULL);
    for (const char *at = text; *at != '\0' && line->len < TITLE_LEN; at = g_utf8_next_char(at))
        (void)g_string_append_unichar(line,
                                      is_plain(g_utf8_get_char(at)) ? g_utf8_get_char(at) : ' ');
    return g_strstrip(g_string_free(line, FALSE));
}
