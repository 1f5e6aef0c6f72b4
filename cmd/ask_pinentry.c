/*
 * Asking by pinentry, the dialog program of GnuPG: the Assuan protocol, lines over two pipes.
 */
#include "ask_ways.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

#define PROGRAM "pinentry"
#define LINE_LEN 1024 /* Assuan: a line has up to 1000 bytes */

extern char **environ;

struct pinentry {
    pid_t pid;
    int to;
    int from;
    char buffer[LINE_LEN]; /* read and not yet used; may hold the password */
    size_t have;
};

static bool in_path(const char *program)
{
    char path[4096];
    const char *at = getenv("PATH");
    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, ":");
        int n = snprintf(path, sizeof path, "%.*s/%s", (int)len, at, program);
        if (len > 0 && n > 0 && (size_t)n < sizeof path && access(path, X_OK) == 0)
            return true;
        at += len;
        at += *at == ':';
    }
    return false;
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0';
}

bool kp_ask_pinentry_there(void)
{
    return (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || is_set("GPG_TTY")) &&
           in_path(PROGRAM);
}

static int run(struct pinentry *p, const int to[2], const int from[2])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return -1;
    }
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    int failed = posix_spawn_file_actions_adddup2(&actions, to[0], 0) |
                 posix_spawn_file_actions_adddup2(&actions, from[1], 1) |
                 posix_spawnattr_setsigdefault(&attributes, &defaults) |
                 posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (failed == 0)
        failed = posix_spawnp(&p->pid, PROGRAM, &actions, &attributes,
                              (char *[]){(char[]){PROGRAM}, NULL}, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    return failed == 0 ? 0 : -1;
}

static int start(struct pinentry *p)
{
    int to[2];
    int from[2];
    *p = (struct pinentry){.pid = -1, .to = -1, .from = -1};
    if (pipe2(to, O_CLOEXEC) != 0)
        return -1;
    if (pipe2(from, O_CLOEXEC) != 0) {
        (void)close(to[0]);
        (void)close(to[1]);
        return -1;
    }
    int result = run(p, to, from);
    (void)close(to[0]);
    (void)close(from[1]);
    p->to = to[1];
    p->from = from[0];
    return result;
}

static void stop(struct pinentry *p)
{
    (void)close(p->to);
    (void)close(p->from);
    if (p->pid > 0)
        (void)waitpid(p->pid, NULL, 0);
    kp_wipe(p, sizeof *p);
}

/* Sends "COMMAND text": text escaped as Assuan wants it. */
static int send_line(struct pinentry *p, const char *command, const char *text)
{
    char line[LINE_LEN];
    size_t len = 0;
    while (*command != '\0')
        line[len++] = *command++;
    if (text != NULL)
        line[len++] = ' ';
    for (; text != NULL && *text != '\0' && len < sizeof line - 4; text++) {
        if (*text == '%' || (unsigned char)*text < 0x20)
            len += (size_t)snprintf(line + len, 4, "%%%02X", (unsigned)(unsigned char)*text);
        else
            line[len++] = *text;
    }
    line[len++] = '\n';
    return write(p->to, line, len) == (ssize_t)len ? 0 : -1;
}

/* Takes one line, without its end, NUL-terminated. */
static int take_line(struct pinentry *p, char line[static LINE_LEN])
{
    for (;;) {
        char *end = memchr(p->buffer, '\n', p->have);
        if (end != NULL) {
            size_t len = (size_t)(end - p->buffer);
            memcpy(line, p->buffer, len);
            line[len] = '\0';
            p->have -= len + 1;
            memmove(p->buffer, end + 1, p->have);
            kp_wipe(p->buffer + p->have, len + 1);
            return 0;
        }
        if (p->have == sizeof p->buffer)
            return -1;
        ssize_t n = read(p->from, p->buffer + p->have, sizeof p->buffer - p->have);
        if (n <= 0)
            return -1;
        p->have += (size_t)n;
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends the %-escaped data of a D line. */
static enum kp_ask_result take_data(const char *data, struct kp_ask_line *out)
{
    for (; *data != '\0'; data++) {
        char c = *data;
        if (c == '%') {
            int high = hex_value(data[1]);
            int low = high < 0 ? -1 : hex_value(data[2]);
            if (low < 0)
                return KP_ASK_BROKEN;
            c = (char)(high << 4 | low);
            data += 2;
        }
        if (out->len == sizeof out->text)
            return KP_ASK_LONG;
        out->text[out->len++] = c;
    }
    return KP_ASK_GOT;
}

/* Reads the answer to a command, its data into out. */
static enum kp_ask_result answer(struct pinentry *p, struct kp_ask_line *out)
{
    char line[LINE_LEN];
    enum kp_ask_result result = KP_ASK_GOT;
    for (;;) {
        if (take_line(p, line) != 0) {
            result = KP_ASK_BROKEN;
            break;
        }
        if (strncmp(line, "D ", 2) == 0 && out != NULL && result == KP_ASK_GOT)
            result = take_data(line + 2, out);
        if (strncmp(line, "ERR", 3) == 0)
            result = KP_ASK_ENDED;
        if (strncmp(line, "ERR", 3) == 0 || strncmp(line, "OK", 2) == 0)
            break;
    }
    kp_wipe(line, sizeof line);
    return result;
}

/* Sends a setting.  That an old pinentry doesn't know it is no harm. */
static int set(struct pinentry *p, const char *command, const char *text)
{
    return send_line(p, command, text) == 0 && answer(p, NULL) != KP_ASK_BROKEN ? 0 : -1;
}

static int set_terminal(struct pinentry *p)
{
    char option[256];
    if (is_set("GPG_TTY")) {
        (void)snprintf(option, sizeof option, "ttyname=%s", getenv("GPG_TTY"));
        if (set(p, "OPTION", option) != 0)
            return -1;
    }
    if (is_set("TERM")) {
        (void)snprintf(option, sizeof option, "ttytype=%s", getenv("TERM"));
        if (set(p, "OPTION", option) != 0)
            return -1;
    }
    return 0;
}

static enum kp_ask_result converse(struct pinentry *p, const char *prompt, const char *error,
                                   bool repeat, struct kp_ask_line *out)
{
    if (answer(p, NULL) != KP_ASK_GOT || set_terminal(p) != 0 ||
        set(p, "SETTITLE", "Keyplate") != 0 || set(p, "SETDESC", prompt) != 0 ||
        set(p, "SETPROMPT", "Password:") != 0)
        return KP_ASK_BROKEN;
    if (error != NULL && set(p, "SETERROR", error) != 0)
        return KP_ASK_BROKEN;
    if (repeat && set(p, "SETREPEAT", "Again:") != 0)
        return KP_ASK_BROKEN;
    if (send_line(p, "GETPIN", NULL) != 0)
        return KP_ASK_BROKEN;
    return answer(p, out);
}

enum kp_ask_result kp_ask_pinentry(const char *prompt, const char *error, bool repeat,
                                   struct kp_ask_line *out)
{
    struct pinentry p;
    enum kp_ask_result result = KP_ASK_BROKEN;
    out->len = 0;
    if (start(&p) == 0)
        result = converse(&p, prompt, error, repeat, out);
    stop(&p);
    if (result != KP_ASK_GOT)
        kp_wipe(out, sizeof *out);
    return result;
}
