/* fsync() that doesn't come back while the file HANG_FILE is there: a disk that hangs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int fsync(int fd)
{
    const struct timespec pause = {0, 50000000};
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    const char *file = getenv("HANG_FILE");

    while (file != NULL && access(file, F_OK) == 0)
        (void)nanosleep(&pause, NULL);
    return real(fd);
}
