/*
 * keyplate passwd call: standard input is a request of passwd_request.h, standard output its
 * answer. For scripts, which have no other way to a unix socket.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/secret.h"
#include "passwd.h"
#include "passwd_request.h"
#include "passwd_socket.h"
#include "platform.h"

#define ANSWER_SECONDS 600 /* the changes of all who wait before us */

/* Standard input up to its empty line, or its end. */
static int read_request(char data[static KP_PASSWD_REQUEST_MAX + 1], size_t *len)
{
    *len = 0;
    while (*len <= KP_PASSWD_REQUEST_MAX && kp_passwd_request_end(data, *len) == 0) {
        ssize_t n = read(STDIN_FILENO, data + *len, KP_PASSWD_REQUEST_MAX + 1 - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return kp_command_fail(KP_EXIT_FAILED, "cannot read the request: %s", strerror(errno));
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    if (*len <= KP_PASSWD_REQUEST_MAX)
        return KP_EXIT_DONE;
    return kp_command_fail(KP_EXIT_FAILED, "the request is longer than %d bytes",
                           KP_PASSWD_REQUEST_MAX);
}

static int send_request(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        /* Who doesn't listen to the end may have answered. */
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            break;
        if (n < 0)
            return kp_command_fail(KP_EXIT_FAILED, "cannot send the request: %s", strerror(errno));
        data += n;
        len -= (size_t)n;
    }
    (void)shutdown(fd, SHUT_WR);
    return KP_EXIT_DONE;
}

/* The one line. */
static int read_answer(int fd, char line[static KP_PASSWD_ANSWER_MAX], size_t *len)
{
    *len = 0;
    while (*len < KP_PASSWD_ANSWER_MAX && (*len == 0 || line[*len - 1] != '\n')) {
        ssize_t n = recv(fd, line + *len, KP_PASSWD_ANSWER_MAX - *len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        *len += (size_t)n;
    }
    if (*len > 0 && line[*len - 1] == '\n')
        return KP_EXIT_DONE;
    return kp_command_fail(KP_EXIT_FAILED,
                           "no answer came: try the new password, then the old one");
}

static int say(const char *line, size_t len)
{
    if (fwrite(line, 1, len, stdout) != len || fflush(stdout) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "cannot write the answer: %s", strerror(errno));
    if (kp_passwd_answer_is(line, len, "done"))
        return KP_EXIT_DONE;
    return kp_passwd_answer_is(line, len, "wrong") ? KP_EXIT_PROOF : KP_EXIT_FAILED;
}

static int call(const char *path, const char *data, size_t data_len)
{
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    char line[KP_PASSWD_ANSWER_MAX];
    size_t len = 0;
    int fd = -1;
    int status = kp_passwd_socket_connect(path, &fd);
    if (status != KP_EXIT_DONE)
        return status;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    status = send_request(fd, data, data_len);
    if (status == KP_EXIT_DONE)
        status = read_answer(fd, line, &len);
    (void)close(fd);
    return status == KP_EXIT_DONE ? say(line, len) : status;
}

int kp_passwd_call(struct kp_passwd *passwd)
{
    static char data[KP_PASSWD_REQUEST_MAX + 1];
    const char *path = kp_options_get(passwd->options, "socket");
    size_t len = 0;
    if (path == NULL)
        return kp_command_misused("--socket PATH is missing");
    kp_platform_harden();
    int status = read_request(data, &len);
    if (status == KP_EXIT_DONE)
        status = call(path, data, len);
    kp_wipe(data, sizeof data);
    return status;
}
