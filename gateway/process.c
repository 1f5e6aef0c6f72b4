/* What the system says of this process: see process.h. */
#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t ms_of(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void kp_process_open(struct kp_process *p)
{
    p->fds = opendir("/proc/self/fd");
    p->memory = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    p->began = ms_of(CLOCK_MONOTONIC);
}

void kp_process_close(struct kp_process *p)
{
    if (p->fds != NULL)
        closedir(p->fds);
    if (p->memory >= 0)
        close(p->memory);
    p->fds = NULL;
    p->memory = -1;
}

bool kp_process_fds(const struct kp_process *p, uint64_t *count)
{
    const struct dirent *entry;
    if (p->fds == NULL)
        return false;
    *count = 0;
    rewinddir(p->fds);
    while ((entry = readdir(p->fds)) != NULL)
        *count += entry->d_name[0] != '.';
    return *count > 0;
}

/* The second number: pages that are resident. */
bool kp_process_memory(const struct kp_process *p, uint64_t *bytes)
{
    char text[128];
    unsigned long long all, resident;
    ssize_t got = p->memory >= 0 ? pread(p->memory, text, sizeof text - 1, 0) : -1;
    if (got <= 0)
        return false;
    text[got] = '\0';
    if (sscanf(text, "%llu %llu", &all, &resident) != 2)
        return false;
    *bytes = (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

uint64_t kp_process_start(const struct kp_process *p)
{
    uint64_t wall = ms_of(CLOCK_REALTIME);
    uint64_t age = ms_of(CLOCK_MONOTONIC) - p->began;
    return wall > age ? (wall - age) / 1000 : 0;
}
