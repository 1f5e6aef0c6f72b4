/*
 * server -s PORT -C FILE -K FILE -h FOLDER: serves HTTP over libustream-ssl.so, to test that
 * library without OpenWrt: on libubox's streams (ubox_*.c) as uhttpd does (server_*.c).
 *
 *   -b           in the background, after the library was loaded, in the folder /
 *   -T SECONDS   of silence
 *   -P CIPHERS
 *   -u           what uclient-fetch does first, and no more
 */
#include "server.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

int listener;
const char *docroot;
int network_seconds = 30;

/* The library's log, which would go to the system's. */
void syslog(int priority, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "<%d> ", LOG_PRI(priority));
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static void accept_all(struct uloop_fd *fd, unsigned int events)
{
    (void)events;
    while (accept_client(fd->fd))
        ;
}

static bool listen_at(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof at;
    int yes = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
        bind(listener, (struct sockaddr *)&at, len) < 0 || listen(listener, 64) < 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) < 0) {
        perror("listen");
        return false;
    }
    printf("listening 127.0.0.1:%d\n", ntohs(at.sin_port));
    fflush(stdout);
    return true;
}

static void to_background(void)
{
    pid_t pid = fork();
    if (pid > 0) {
        printf("pid %d\n", pid);
        exit(0);
    }
    if (pid < 0 || chdir("/") < 0)
        abort();
}

int main(int argc, char **argv)
{
    static struct uloop_fd accepting = {.cb = accept_all};
    const char *crt = NULL, *key = NULL, *ciphers = NULL;
    bool background = false;
    int option, port = 0;
    while ((option = getopt(argc, argv, "s:C:K:h:T:P:bu")) != -1) {
        switch (option) {
        case 's':
            port = atoi(optarg);
            break;
        case 'C':
            crt = optarg;
            break;
        case 'K':
            key = optarg;
            break;
        case 'h':
            docroot = optarg;
            break;
        case 'T':
            network_seconds = atoi(optarg);
            break;
        case 'P':
            ciphers = optarg;
            break;
        case 'b':
            background = true;
            break;
        case 'u':
            return tls_client_role() ? 0 : 3;
        default:
            return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    if (!docroot || tls_init(key, crt, ciphers) < 0 || !listen_at(port))
        return 1;
    if (background)
        to_background();
    uloop_init();
    accepting.fd = listener;
    uloop_fd_add(&accepting, ULOOP_READ);
    return uloop_run();
}
