/*
 * Builds replies: the head with everything that is the same for all of them, the common layout of
 * pages, and errors in the form the other side can read. Knows no particular page.
 */
#include "reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server.h"

#define CHUNKED UINT64_MAX

/* Referrer-Policy may not be no-referrer: browsers would then send "Origin: null" with forms. */
static const char common[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src "
    "'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: same-origin\r\n";

static const char *status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        {200, "OK"},
        {303, "See Other"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].status == status)
            return texts[i].text;
    }
    return "Error";
}

/* One line for each reply: where from, who, what, and how it was answered. */
static void log_reply(const struct demo_conn *conn, int status)
{
    const struct demo_request *request = &conn->parser.request;
    struct demo_text line = {0};
    if (conn->server->quiet)
        return;
    demo_text_log(&line, *conn->who.source ? conn->who.source : "-");
    demo_text_put(&line, " ");
    demo_text_log(&line, conn->who.proved ? conn->who.user : "-");
    demo_text_printf(&line, " %d ", status);
    if (conn->parser.head_done) {
        demo_text_printf(&line, "%s ", llhttp_method_name((llhttp_method_t)request->method));
        demo_text_log(&line, request->path);
    } else {
        demo_text_put(&line, "unreadable");
    }
    fprintf(stderr, "%s\n", line.data);
    demo_text_free(&line);
}

static void put_date(struct demo_text *out)
{
    char date[64];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    demo_text_printf(out, "Date: %s\r\n", date);
}

static void put_head(struct demo_conn *conn, const struct demo_reply *reply, uint64_t len)
{
    const struct demo_request *request = &conn->parser.request;
    struct demo_text *out = &conn->out;
    demo_text_printf(out, "HTTP/1.1 %d %s\r\n", reply->status, status_text(reply->status));
    put_date(out);
    if (reply->type)
        demo_text_printf(out, "Content-Type: %s\r\n", reply->type);
    if (len != CHUNKED)
        demo_text_printf(out, "Content-Length: %" PRIu64 "\r\n", len);
    else if (!request->http10)
        demo_text_put(out, "Transfer-Encoding: chunked\r\n");
    if (!reply->extra || !strstr(reply->extra, "Cache-Control:"))
        demo_text_put(out, "Cache-Control: no-store\r\n");
    demo_text_put(out, common);
    if (reply->extra)
        demo_text_put(out, reply->extra);
    if (conn->close_after)
        demo_text_put(out, "Connection: close\r\n");
    else if (request->http10)
        demo_text_put(out, "Connection: keep-alive\r\n");
    demo_text_put(out, "\r\n");
    log_reply(conn, reply->status);
}

void demo_reply_bytes(struct demo_conn *conn, const struct demo_reply *reply, const char *bytes,
                      size_t len)
{
    put_head(conn, reply, len);
    if (!conn->parser.request.head_only)
        demo_text_add(&conn->out, bytes, len);
    demo_conn_finish(conn, NULL);
}

void demo_reply_string(struct demo_conn *conn, const struct demo_reply *reply, const char *string)
{
    demo_reply_bytes(conn, reply, string, strlen(string));
}

static void send_page(struct demo_conn *conn, const struct demo_reply *reply, const char *title,
                      enum demo_menu menu, const char *name, const struct demo_var *vars)
{
    struct demo_text content = {0};
    struct demo_text page = {0};
    demo_page_fill(&content, name, vars);
    const struct demo_var layout[] = {
        {"title", title},
        {"device", conn->server->room.settings.name},
        {"user", conn->who.proved ? conn->who.user : NULL},
        {"home", menu == DEMO_MENU_HOME ? "page" : NULL},
        {"settings", menu == DEMO_MENU_SETTINGS ? "page" : NULL},
        {"firmware", menu == DEMO_MENU_FIRMWARE ? "page" : NULL},
        {"whoami", menu == DEMO_MENU_WHOAMI ? "page" : NULL},
        {"content", demo_text_string(&content)},
        {NULL, NULL},
    };
    demo_page_fill(&page, "layout.html", layout);
    demo_reply_bytes(conn, reply, page.data, page.len);
    demo_text_free(&content);
    demo_text_free(&page);
}

void demo_reply_page(struct demo_conn *conn, int status, const char *title, enum demo_menu menu,
                     const char *name, const struct demo_var *vars)
{
    const struct demo_reply reply = {status, "text/html; charset=utf-8", NULL};
    send_page(conn, &reply, title, menu, name, vars);
}

/* Browsers name text/html; programs mostly send no Accept or one that takes anything. */
static bool wants_page(const struct demo_request *request)
{
    return strstr(demo_request_header(request, DEMO_HEADER_ACCEPT), "text/html") &&
           demo_request_wants(request, "text", "html") >=
               demo_request_wants(request, "text", "plain");
}

void demo_reply_error(struct demo_conn *conn, int status, const char *reason, const char *extra)
{
    const char *title = status_text(status);
    if (wants_page(&conn->parser.request)) {
        char number[12];
        snprintf(number, sizeof number, "%d", status);
        const struct demo_var vars[] = {
            {"status", number}, {"title", title}, {"reason", reason}, {NULL, NULL}};
        const struct demo_reply reply = {status, "text/html; charset=utf-8", extra};
        send_page(conn, &reply, title, DEMO_MENU_NONE, "error.html", vars);
        return;
    }
    const struct demo_reply reply = {status, "text/plain; charset=utf-8", extra};
    struct demo_text text = {0};
    demo_text_printf(&text, "%s\n", reason ? reason : title);
    demo_reply_bytes(conn, &reply, text.data, text.len);
    demo_text_free(&text);
}

void demo_reply_see_other(struct demo_conn *conn, const char *location)
{
    struct demo_text extra = {0};
    demo_text_printf(&extra, "Location: %s\r\n", location);
    const struct demo_reply reply = {303, NULL, extra.data};
    demo_reply_bytes(conn, &reply, "", 0);
    demo_text_free(&extra);
}

void demo_reply_source(struct demo_conn *conn, const struct demo_reply *reply, uint64_t len,
                       demo_conn_source *source)
{
    put_head(conn, reply, len);
    demo_conn_finish(conn, conn->parser.request.head_only ? NULL : source);
}

void demo_reply_chunk(const struct demo_conn *conn, struct demo_text *out, const char *bytes,
                      size_t len)
{
    bool chunked = !conn->parser.request.http10;
    if (chunked)
        demo_text_printf(out, "%zx\r\n", len);
    demo_text_add(out, bytes, len);
    if (chunked)
        demo_text_put(out, "\r\n");
}

void demo_reply_events(struct demo_conn *conn, const char *first, size_t len)
{
    const struct demo_reply reply = {200, "text/event-stream", NULL};
    if (conn->parser.request.http10)
        conn->close_after = true;
    put_head(conn, &reply, CHUNKED);
    if (conn->parser.request.head_only) {
        demo_conn_finish(conn, NULL);
        return;
    }
    demo_text_add(&conn->out, first, len);
    demo_conn_begin_events(conn);
}
