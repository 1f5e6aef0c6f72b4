/* The person's own loopback port: see own_port.h. */
#include "own_port.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../platform.h"

#define LOWEST 1024 /* below, nobody but root could listen */
#define HIGHEST 65535

static int find(char folder[PATH_MAX], char path[PATH_MAX])
{
    int n;
    if (kp_platform_state_folder(folder, PATH_MAX) != 0)
        return -1;
    n = snprintf(path, PATH_MAX, "%s/port", folder);
    return n < 0 || n >= PATH_MAX ? -1 : 0;
}

static unsigned read_number(const char *path)
{
    char text[8] = "", *end;
    unsigned long number;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        (void)close(fd);
    if (got <= 0)
        return 0;
    number = strtoul(text, &end, 10);
    return *end == '\n' && number >= LOWEST && number <= HIGHEST ? (unsigned)number : 0;
}

unsigned kp_own_port_read(void)
{
    char folder[PATH_MAX], path[PATH_MAX];
    unsigned port;
    if (find(folder, path) != 0 || kp_platform_be_person() != 0)
        return 0;
    port = read_number(path);
    kp_platform_be_oneself();
    return port;
}

/* In a file of its own first: whoever reads sees a whole number. */
static void write_number(const char *path, unsigned port)
{
    char fresh[PATH_MAX + 16], text[16];
    int len = snprintf(text, sizeof text, "%u\n", port), fd;
    bool whole;
    (void)snprintf(fresh, sizeof fresh, "%s.XXXXXX", path);
    fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0)
        return;
    whole = write(fd, text, (size_t)len) == len;
    if (close(fd) != 0 || !whole || rename(fresh, path) != 0)
        (void)unlink(fresh);
}

void kp_own_port_write(unsigned port)
{
    char folder[PATH_MAX], path[PATH_MAX];
    if (find(folder, path) != 0 || kp_platform_be_person() != 0)
        return;
    if (kp_platform_make_folder(folder) == 0)
        write_number(path, port);
    kp_platform_be_oneself();
}
