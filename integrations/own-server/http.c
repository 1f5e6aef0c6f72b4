/* See http.h. */
#define _GNU_SOURCE /* memmem, strcasestr */
#include "http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool lamp; /* what this device is about */

char *http_escape(char *out, const char *bytes, size_t len, bool html)
{
    char *end = out;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte < ' ' || strchr("<>&\"'\\", byte))
            end += sprintf(end, html ? "&#%u;" : "\\u%04x", byte);
        else
            *end++ = bytes[i];
    }
    *end = '\0';
    return out;
}

static bool respond(struct http *h, const char *status, const char *fields, const char *body)
{
    int len =
        snprintf(h->out, sizeof h->out,
                 "HTTP/1.1 %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n%s%s\r\n%s",
                 status, strlen(body), h->last ? "Connection: close\r\n" : "", fields, body);
    h->out_len = len > 0 && (size_t)len < sizeof h->out ? (size_t)len : 0;
    h->last |= h->out_len == 0;
    return true;
}

/* What follows is no request that could be read. */
static bool refuse(struct http *h, const char *status)
{
    h->last = true;
    return respond(h, status, "", "");
}

/* The value of the head's first such field, or NULL.  name begins with the line end before it. */
static const char *field(const char *head, const char *end, const char *name)
{
    const char *at = strcasestr(head, name);
    return at && at < end ? at + strlen(name) + strspn(at + strlen(name), " \t") : NULL;
}

/* Bytes of the body; negative: they can't be told, or are too many. */
static long body_length(const char *head, const char *end)
{
    static const char name[] = "\r\nContent-Length:";
    const char *value = field(head, end, name);
    char *stop;
    if (!value)
        return field(head, end, "\r\nTransfer-Encoding:") ? -1 : 0;
    if (!isdigit((unsigned char)*value) || field(value, end, name) ||
        field(head, end, "\r\nTransfer-Encoding:"))
        return -1;
    long len = strtol(value, &stop, 10); /* too long a number is LONG_MAX */
    return *stop == '\r' && len <= HTTP_BYTES ? len : -1;
}

static void greet(struct http *h, const char *user, size_t user_len)
{
    char name[6 * 255 + 1], text[HTTP_BYTES / 2];
    snprintf(text, sizeof text,
             "<!doctype html><meta charset=utf-8><title>Lamp</title><h1>Hello %s</h1>"
             "<form method=post><p>The lamp is %s. <button name=lamp value=%s>Switch</button>",
             http_escape(name, user, user_len <= 255 ? user_len : 255, true), lamp ? "on" : "off",
             lamp ? "off" : "on");
    respond(h, "200 OK", "Content-Type: text/html; charset=utf-8\r\n", text);
}

/* "METHOD /path HTTP/1.x", each blank one space: what somebody else may read otherwise is refused.
 */
static bool request_line(const char *head, char method[8], char path[64], char *minor)
{
    int method_len = 0, path_len = 0;
    const char *rest;
    if (sscanf(head, "%7[A-Z]%n", method, &method_len) != 1 || head[method_len] != ' ' ||
        sscanf(head + method_len + 1, "%63[!-~]%n", path, &path_len) != 1)
        return false;
    rest = head + method_len + 1 + path_len;
    *minor = strncmp(rest, " HTTP/1.", 8) == 0 ? rest[8] : '\0';
    return (*minor == '0' || *minor == '1') && rest[9] == '\r' && rest[10] == '\n';
}

/* Each line of the head is NAME: VALUE, without a blank in the name, and goes on in no other line:
 * RFC 9112 5.1, 5.2. */
static bool fields_are_plain(const char *head, const char *end)
{
    for (const char *line = strchr(head, '\n') + 1; line < end; line = strchr(line, '\n') + 1) {
        size_t name = strcspn(line, ": \t\r\n");
        if (name == 0 || line[name] != ':')
            return false;
    }
    return true;
}

bool http_answer(struct http *h, const char *user, size_t user_len, const char *hint)
{
    char method[8], path[64], minor;
    const char *end = memmem(h->in, h->in_len, "\r\n\r\n", 4), *connection;
    size_t head_len = end ? (size_t)(end - h->in) + 4 : 0;
    long body_len;

    h->in[h->in_len] = '\0';
    if (!end)
        return h->in_len == HTTP_BYTES && refuse(h, "431 Request Header Fields Too Large");
    if (memchr(h->in, '\0', head_len) || !request_line(h->in, method, path, &minor) ||
        !fields_are_plain(h->in, end))
        return refuse(h, "400 Bad Request");
    body_len = body_length(h->in, end);
    if (body_len < 0 || head_len + (size_t)body_len > HTTP_BYTES)
        return refuse(h, "413 Content Too Large");
    if (h->in_len < head_len + (size_t)body_len)
        return false;
    connection = field(h->in, end, "\r\nConnection:");
    h->last = minor == '0' || (connection && strncasecmp(connection, "close", 5) == 0);

    if (strcmp(path, "/.well-known/keyplate") == 0 && strcmp(method, "GET") == 0) {
        respond(h, "200 OK", "Content-Type: application/json\r\n", hint);
    } else if (strcmp(path, "/") != 0) {
        respond(h, "404 Not Found", "", "");
    } else if (strcmp(method, "POST") == 0) {
        lamp = body_len == 7 && memcmp(h->in + head_len, "lamp=on", 7) == 0;
        respond(h, "303 See Other", "Location: /\r\n", "");
    } else if (strcmp(method, "GET") == 0) {
        greet(h, user, user_len);
    } else {
        refuse(h, "501 Not Implemented");
    }
    h->in_len -= head_len + (size_t)body_len;
    memmove(h->in, h->in + head_len + (size_t)body_len, h->in_len);
    return true;
}
