// A page behind `keyplate serve --identity headers`, made with libmicrohttpd: it greets who was
// proved, takes an upload, and answers nobody else.
//
//   behind-serve 8080              on 127.0.0.1, for serve --upstream 127.0.0.1:8080
//   behind-serve /run/device.sock  for serve --upstream unix:/run/device.sock
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { UPLOAD_MAX = 8 << 20, FLAGS = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD };

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *page)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(page), (void *)page, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO; // the connection is closed
    MHD_add_response_header(response, "Content-Type", "text/html; charset=utf-8");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

// Text as HTML has it.  A name is bytes: it may hold < and ".
static void escape(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("&<>\"'", *text) != NULL)
            fprintf(out, "&#%d;", *text);
        else
            putc(*text, out);
    }
}

static enum MHD_Result greet(struct MHD_Connection *connection, const char *user, const char *proof)
{
    char *page = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&page, &length);
    if (out == NULL)
        return MHD_NO;
    fputs("<!doctype html>\n<title>Hello</title>\n<p>Hello, ", out);
    escape(out, user);
    fprintf(out, ".\n<p>Your password was proved by %s.\n",
            strcmp(proof, "srp") == 0 ? "SRP, in TLS 1.2" : "SPAKE2+, in TLS 1.3");
    enum MHD_Result result = fclose(out) == 0 ? answer(connection, MHD_HTTP_OK, page) : MHD_NO;
    free(page);
    return result;
}

static enum MHD_Result tell_size(struct MHD_Connection *connection, uint64_t size)
{
    char page[80];
    if (size > UPLOAD_MAX)
        return answer(connection, MHD_HTTP_CONTENT_TOO_LARGE, "<p>That is too long.\n");
    snprintf(page, sizeof page, "<p>%llu bytes came.\n", (unsigned long long)size);
    return answer(connection, MHD_HTTP_OK, page);
}

// It is called for a request's head, then for each piece of its body, then at its end.
static enum MHD_Result handle(void *unused, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
    (void)unused, (void)version, (void)data;
    const char *user = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Remote-User");
    const char *proof =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Keyplate-Proof");
    bool proved = user != NULL && proof != NULL &&
                  (strcmp(proof, "srp") == 0 || strcmp(proof, "spake2plus") == 0);
    // Before the body is read: who isn't proved sends nothing.
    if (!proved)
        return answer(connection, MHD_HTTP_FORBIDDEN, "<p>Come by keyplate.\n");
    uint64_t *came = *state;
    if (came == NULL)
        return (*state = calloc(1, sizeof *came)) == NULL ? MHD_NO : MHD_YES;
    if (*size != 0) {
        *came += *size;
        *size = 0;
        return MHD_YES;
    }
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (reads && strcmp(url, "/") == 0)
        return greet(connection, user, proof);
    if (strcmp(method, "POST") == 0 && strcmp(url, "/upload") == 0)
        return tell_size(connection, *came);
    return answer(connection, MHD_HTTP_NOT_FOUND, "<p>There is no such page.\n");
}

static void forget(void *unused, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode how)
{
    (void)unused, (void)connection, (void)how;
    free(*state);
}

// Nobody but this user may connect to it: serve has to run as the same one.
static int listen_at(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof name.sun_path)
        return -1;
    memcpy(name.sun_path, path, strlen(path) + 1);
    struct stat was;
    if (lstat(path, &was) == 0 && S_ISSOCK(was.st_mode))
        unlink(path);
    umask(0077);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof name) == 0 && listen(fd, 64) == 0)
        return fd;
    return -1;
}

static struct MHD_Daemon *start(const char *where)
{
    struct sockaddr_in loopback = {.sin_family = AF_INET};
    int fd = MHD_INVALID_SOCKET;
    if (where[0] == '/') {
        fd = listen_at(where);
        if (fd < 0)
            return NULL;
    }
    int port = atoi(where);
    if (fd < 0 && (port < 1 || port > 65535))
        return NULL;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    loopback.sin_port = htons((uint16_t)port);
    return MHD_start_daemon(FLAGS, 0, NULL, NULL, handle, NULL, MHD_OPTION_SOCK_ADDR, &loopback,
                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, forget, NULL,
                            MHD_OPTION_CONNECTION_LIMIT, 300u, MHD_OPTION_CONNECTION_TIMEOUT, 60u,
                            MHD_OPTION_END);
}

int main(int argc, char **argv)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    struct MHD_Daemon *server = argc == 2 ? start(argv[1]) : NULL;
    if (server == NULL) {
        fprintf(stderr, "usage: behind-serve PORT | /PATH, which must be free\n");
        return 2;
    }
    int got;
    sigwait(&ends, &got);
    MHD_stop_daemon(server);
    return 0;
}
