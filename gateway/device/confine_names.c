/* Looking up names once code can't be loaded any more: see confine.h.  glibc loads what its
 * nsswitch.conf says about hosts when it first gets that far, which may be on a SIGHUP. */
#include "confine.h"

#ifdef __GLIBC__

#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* For good: the handle isn't needed.  Those that libc has inside have no file, and it looks among
 * what is loaded first. */
static void load(const char *service, size_t len)
{
    char file[64];
    int n = snprintf(file, sizeof file, "libnss_%.*s.so.2", (int)len, service);
    if (n > 0 && (size_t)n < sizeof file && memchr(file, '/', (size_t)n) == NULL)
        (void)dlopen(file, RTLD_NOW | RTLD_NODELETE);
}

/* "hosts: files mdns4_minimal [NOTFOUND=return] dns": the words that aren't in brackets. */
static void load_line(const char *at)
{
    while (*at != '\0' && *at != '#') {
        size_t len = strcspn(at, " \t\n[#");
        if (*at == '[')
            len = strcspn(at, "]");
        else if (len > 0)
            load(at, len);
        at += len > 0 ? len : 1;
    }
}

void kp_confine_load_names(void)
{
    FILE *file = fopen("/etc/nsswitch.conf", "re");
    char line[512];
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        const char *at = line;
        while (isspace((unsigned char)*at))
            at++;
        if (strncmp(at, "hosts:", 6) == 0)
            load_line(at + 6);
    }
    (void)fclose(file);
}

#else

void kp_confine_load_names(void)
{
}

#endif
