/*
 * The app without its windows, for tests: lines on standard input are what a person does, lines on
 * standard output what came of it.
 *
 *      login WHERE USER PASSWORD      in NAME | ERROR
 *      tunnel NAME                    0, 1, 2, ...: its number
 *      send N COUNT                   so many bytes of 'x' into it, as they are taken
 *      text N TEXT                    TEXT, with C's escapes, and CRLF CRLF
 *      end N                          no more is sent
 *      read N                         to its end: BYTES ended|cut and the first 60 bytes, escaped
 *      close N                        both ways, at once
 *      logout NAME                    out
 *
 * An event of a state is a line: state NAME STATE.
 */
#include <gio/gio.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "talk.h"

#define TUNNELS 64

struct tunnel {
    int fd;
    gint *cut;
};

static struct {
    GMainLoop *loop;
    struct kp_talk *talk;
    struct tunnel tunnels[TUNNELS];
    guint count;
} peer;

static void say(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
    (void)fflush(stdout);
}

static void answered(const cJSON *answer, gpointer owner)
{
    const cJSON *device = cJSON_GetObjectItemCaseSensitive(answer, "device");
    if (!kp_talk_true(answer, "ok"))
        say("%s: %s", kp_talk_text(answer, "error"), kp_talk_text(answer, "text"));
    else
        say("%s %s", (const char *)owner, kp_talk_text(device, "name"));
}

static void happened(const char *event, const cJSON *message, gpointer owner)
{
    const cJSON *device = cJSON_GetObjectItemCaseSensitive(message, "device");
    (void)owner;
    if (strcmp(event, "state") == 0)
        say("state %s %s", kp_talk_text(device, "name"), kp_talk_text(device, "state"));
}

static void ask(cJSON *request, const char *word)
{
    (void)kp_talk_ask(peer.talk, request, answered, (gpointer)word);
}

/* ---- What is done with tunnels: it may block, as nothing else happens meanwhile ------------- */

static void set_blocking(int fd)
{
    GError *error = NULL;
    if (!g_unix_set_fd_nonblocking(fd, FALSE, &error))
        g_error("%s", error->message);
}

static void open_tunnel(const char *name)
{
    struct tunnel *t = &peer.tunnels[peer.count];
    t->fd = kp_talk_tunnel(peer.talk, name, &t->cut);
    set_blocking(t->fd);
    say("%u", peer.count++);
}

static void send_all(int fd, const char *data, gsize len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* who reads its end learns of it */
        data += n;
        len -= (gsize)n;
    }
}

static void send_many(int fd, gsize count)
{
    char piece[8192];
    memset(piece, 'x', sizeof piece);
    for (; count > 0; count -= MIN(count, sizeof piece))
        send_all(fd, piece, MIN(count, sizeof piece));
}

static void read_all(struct tunnel *t)
{
    char first[61] = "", piece[65536];
    gsize total = 0;
    ssize_t n;
    g_autofree char *shown = NULL;
    while ((n = recv(t->fd, piece, sizeof piece, 0)) > 0) {
        for (ssize_t i = 0; i < n && total + (gsize)i < 60; i++)
            first[total + (gsize)i] = piece[i];
        total += (gsize)n;
    }
    shown = g_strescape(first, NULL);
    say("%" G_GSIZE_FORMAT " %s %s", total, g_atomic_int_get(t->cut) ? "cut" : "ended", shown);
}

static void close_tunnel(struct tunnel *t)
{
    if (t->fd < 0)
        return;
    (void)close(t->fd);
    t->fd = -1;
    g_atomic_rc_box_release(t->cut);
    say("closed");
}

/* ---- What is read ------------------------------------------------------------------------ */

static void login(char **words)
{
    cJSON *request = kp_talk_request("login");
    (void)cJSON_AddStringToObject(request, "device", words[1]);
    (void)cJSON_AddStringToObject(request, "user", words[2]);
    (void)cJSON_AddStringToObject(request, "password", words[3]);
    ask(request, "in");
}

static void logout(char **words)
{
    cJSON *request = kp_talk_request("logout");
    (void)cJSON_AddStringToObject(request, "name", words[1]);
    ask(request, "out");
}

static void use_tunnel(char **words)
{
    struct tunnel *t = &peer.tunnels[g_ascii_strtoull(words[1], NULL, 10)];
    if (strcmp(words[0], "send") == 0) {
        send_many(t->fd, g_ascii_strtoull(words[2], NULL, 10));
    } else if (strcmp(words[0], "text") == 0) {
        g_autofree char *escaped = g_strjoinv(" ", words + 2);
        g_autofree char *text = g_strcompress(escaped);
        send_all(t->fd, text, strlen(text));
        send_all(t->fd, "\r\n\r\n", 4);
    } else if (strcmp(words[0], "end") == 0) {
        (void)shutdown(t->fd, SHUT_WR);
    } else if (strcmp(words[0], "read") == 0) {
        read_all(t);
    } else if (strcmp(words[0], "close") == 0) {
        close_tunnel(t);
    }
}

static void obey(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    if (strcmp(words[0], "login") == 0)
        login(words);
    else if (strcmp(words[0], "logout") == 0)
        logout(words);
    else if (strcmp(words[0], "tunnel") == 0)
        open_tunnel(words[1]);
    else
        use_tunnel(words);
}

static gboolean read_line(GIOChannel *in, GIOCondition condition, gpointer owner)
{
    g_autofree char *line = NULL;
    gsize end;
    (void)condition;
    (void)owner;
    if (g_io_channel_read_line(in, &line, NULL, &end, NULL) != G_IO_STATUS_NORMAL) {
        g_main_loop_quit(peer.loop);
        return G_SOURCE_REMOVE;
    }
    line[end] = '\0';
    obey(line);
    return G_SOURCE_CONTINUE;
}

int main(void)
{
    char *why = NULL;
    GIOChannel *in = g_io_channel_unix_new(STDIN_FILENO);
    (void)g_io_channel_set_encoding(in, NULL, NULL);
    peer.talk = kp_talk_new(&why);
    if (peer.talk == NULL)
        g_error("%s", why);
    peer.loop = g_main_loop_new(NULL, FALSE);
    (void)kp_talk_watch(peer.talk, happened, NULL);
    (void)g_io_add_watch(in, G_IO_IN | G_IO_HUP, read_line, NULL);
    g_main_loop_run(peer.loop);
    kp_talk_free(peer.talk);
    for (guint i = 0; i < peer.count; i++)
        close_tunnel(&peer.tunnels[i]);
    g_main_loop_unref(peer.loop);
    g_io_channel_unref(in);
    return 0;
}
