/* The devices that are remembered, as a list: see saved.h. */
#include "saved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN (KP_SAVED_NAME_LEN - 1)
#define NUMBER_LEN 6 /* "-1000" and the NUL */

void kp_saved_clear(struct kp_saved *saved)
{
    free(saved->devices);
    *saved = (struct kp_saved){NULL, 0};
}

/* ---- Names ------------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool kp_saved_name_is_right(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > NAME_MAX_LEN || name[0] == '-' || name[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_word(name[i]) && name[i] != '-')
            return false;
    return strcmp(name, KP_SAVED_RESERVED) != 0;
}

/* The first label of a host's name, or all of an address, in the letters of names. */
static void make_name(const struct kp_host *host, char out[KP_SAVED_NAME_LEN])
{
    size_t len = kp_host_is_numeric(host) ? strlen(host->name) : strcspn(host->name, ".");
    size_t used = 0;
    for (size_t i = 0; i < len && used < NAME_MAX_LEN - NUMBER_LEN; i++) {
        char c = host->name[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + 32);
        if (is_word(c))
            out[used++] = c;
        else if (used > 0 && out[used - 1] != '-')
            out[used++] = '-';
    }
    while (used > 0 && out[used - 1] == '-')
        used--;
    out[used] = '\0';
    if (used == 0)
        memcpy(out, "device", sizeof "device");
}

void kp_saved_choose_name(const struct kp_saved *saved, const struct kp_host *host,
                          char out[KP_SAVED_NAME_LEN])
{
    size_t len;
    make_name(host, out);
    len = strlen(out);
    for (unsigned i = 2; kp_saved_by_name(saved, out) != NULL || !kp_saved_name_is_right(out); i++)
        snprintf(out + len, KP_SAVED_NAME_LEN - len, "-%u", i);
}

/* ---- The list ---------------------------------------------------------------------------- */

struct kp_saved_device *kp_saved_by_name(const struct kp_saved *saved, const char *name)
{
    for (size_t i = 0; i < saved->count; i++)
        if (strcasecmp(saved->devices[i].name, name) == 0)
            return &saved->devices[i];
    return NULL;
}

struct kp_saved_device *kp_saved_by_id(const struct kp_saved *saved, const char *id)
{
    for (size_t i = 0; i < saved->count; i++)
        if (strcmp(saved->devices[i].id, id) == 0)
            return &saved->devices[i];
    return NULL;
}

struct kp_saved_device *kp_saved_by_host(const struct kp_saved *saved, const struct kp_host *host)
{
    for (size_t i = 0; i < saved->count; i++)
        if (kp_host_is_same(&saved->devices[i].host, host))
            return &saved->devices[i];
    return NULL;
}

int kp_saved_add(struct kp_saved *saved, const struct kp_saved_device *device)
{
    struct kp_saved_device *more;
    if (kp_saved_by_name(saved, device->name) != NULL ||
        kp_saved_by_id(saved, device->id) != NULL || kp_saved_by_host(saved, &device->host) != NULL)
        return KP_E_EXISTS;
    if (saved->count >= KP_SAVED_MAX)
        return KP_E_TOO_LONG;
    more = realloc(saved->devices, (saved->count + 1) * sizeof *more);
    if (more == NULL)
        return KP_E_MEMORY;
    saved->devices = more;
    more[saved->count++] = *device;
    return 0;
}

void kp_saved_remove(struct kp_saved *saved, struct kp_saved_device *device)
{
    size_t after = saved->count - (size_t)(device - saved->devices) - 1;
    memmove(device, device + 1, after * sizeof *device);
    saved->count--;
}
