/* What DNS-SD says of a device, as bytes: see nearby_text.h. */
#include "nearby_text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "creds/text.h"

#define HOST_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
/* RFC 3986 3.3, and the query's mark; no quote, which could end what it is put into. */
#define PATH_BYTES HOST_BYTES "~/%!$&()*+,;=:@?"

/* ---- Names ------------------------------------------------------------------------------- */

bool kp_near_take_name(struct kp_near *near, const char *name)
{
    size_t len = strlen(name);
    if (len >= sizeof near->name || kp_text_name_check(name, len) != KP_TEXT_FINE)
        return false;
    memcpy(near->name, name, len + 1);
    return true;
}

void kp_near_take_host_name(struct kp_near *near, const char *name)
{
    size_t len = strlen(name);
    near->host_name[0] = '\0';
    len -= len > 1 && name[len - 1] == '.';
    if (len >= sizeof near->host_name || strspn(name, HOST_BYTES) < len || name[0] == '-')
        return;
    memcpy(near->host_name, name, len);
    near->host_name[len] = '\0';
}

/* ---- TXT --------------------------------------------------------------------------------- */

struct field {
    const char *key;
    void (*take)(struct kp_near *near, const char *value, size_t len);
};

/* As ids are compared: in NFC. */
static void take_id(struct kp_near *near, const char *value, size_t len)
{
    struct kp_text id = {NULL, 0};
    if (near->id[0] == '\0' && len <= KP_DEVICE_ID_MAX &&
        kp_text_name(&id, value, len, false) == KP_TEXT_FINE && id.len < sizeof near->id)
        memcpy(near->id, id.data, id.len + 1);
    kp_text_clear(&id);
}

static void take_versions(struct kp_near *near, const char *value, size_t len)
{
    const char *end = value + len;
    if (near->versions != 0)
        return;
    while (value < end) {
        const char *comma = memchr(value, ',', (size_t)(end - value));
        size_t word = (size_t)((comma != NULL ? comma : end) - value);
        if (word == 3 && memcmp(value, "1.2", 3) == 0)
            near->versions |= KP_USE_TLS12;
        if (word == 3 && memcmp(value, "1.3", 3) == 0)
            near->versions |= KP_USE_TLS13;
        value += word + 1;
    }
}

/* Two slashes would begin a host. */
static void take_path(struct kp_near *near, const char *value, size_t len)
{
    if (near->path[1] != '\0' || len == 0 || len >= sizeof near->path || value[0] != '/' ||
        (len > 1 && value[1] == '/'))
        return;
    for (size_t i = 0; i < len; i++)
        if (value[i] == '\0' || strchr(PATH_BYTES, value[i]) == NULL)
            return;
    memcpy(near->path, value, len);
    near->path[len] = '\0';
}

void kp_near_begin_text(struct kp_near *near)
{
    near->id[0] = '\0';
    near->versions = 0;
    memcpy(near->path, "/", 2);
}

/* The value isn't NUL-terminated, and may hold anything. */
void kp_near_take_text(struct kp_near *near, const char *item, size_t len)
{
    static const struct field fields[] = {
        {"id", take_id}, {"versions", take_versions}, {"path", take_path}};
    const char *equals = memchr(item, '=', len);
    size_t key = equals != NULL ? (size_t)(equals - item) : 0;
    for (size_t i = 0; key > 0 && i < sizeof fields / sizeof fields[0]; i++)
        if (strlen(fields[i].key) == key && strncasecmp(fields[i].key, item, key) == 0)
            fields[i].take(near, equals + 1, len - key - 1);
}

/* ---- Addresses --------------------------------------------------------------------------- */

enum goodness { USELESS, LINK_LOCAL_6, LINK_LOCAL_4, ROUTED_6, ROUTED_4 };

static bool put_port(struct kp_near *near, unsigned port)
{
    (void)snprintf(near->host.port, sizeof near->host.port, "%u", port & 0xffff);
    return port > 0 && port <= 65535;
}

/* No stranger leads us to this computer itself, or to everybody. */
int kp_near_take_v4(struct kp_near *near, const uint8_t address[4], unsigned port)
{
    if (address[0] == 0 || address[0] == 127 || address[0] >= 224 || !put_port(near, port))
        return USELESS;
    if (inet_ntop(AF_INET, address, near->host.name, sizeof near->host.name) == NULL)
        return USELESS;
    return address[0] == 169 && address[1] == 254 ? LINK_LOCAL_4 : ROUTED_4;
}

int kp_near_take_v6(struct kp_near *near, const uint8_t address[16], unsigned interface,
                    unsigned port)
{
    static const uint8_t nothing[12] = {0}; /* ::, ::1 and IPv4 in disguise */
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    bool local = address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
    size_t len;
    if (address[0] == 0xff || memcmp(address, nothing, 12) == 0 ||
        memcmp(address, mapped, 12) == 0 || !put_port(near, port) || (local && interface == 0))
        return USELESS;
    if (inet_ntop(AF_INET6, address, near->host.name, sizeof near->host.name) == NULL)
        return USELESS;
    len = strlen(near->host.name);
    if (local) /* RFC 4007 11 */
        (void)snprintf(near->host.name + len, sizeof near->host.name - len, "%%%u", interface);
    return local ? LINK_LOCAL_6 : ROUTED_6;
}

/* ---- Ours -------------------------------------------------------------------------------- */

void kp_near_write_name(char out[KP_NEARBY_NAME_LEN], const char *id)
{
    int n = snprintf(out, KP_NEARBY_NAME_LEN, "Keyplate %s", id);
    size_t len = n >= KP_NEARBY_NAME_LEN ? KP_NEARBY_NAME_LEN - 1 : (size_t)n;
    while (len > 0 && !kp_text_is_utf8(out, len)) /* cut within a character */
        out[--len] = '\0';
}

const char *kp_near_versions_text(unsigned versions)
{
    static const char *const texts[] = {"", "1.2", "1.3", "1.2,1.3"};
    return texts[((versions & KP_USE_TLS12) ? 1 : 0) + ((versions & KP_USE_TLS13) ? 2 : 0)];
}
