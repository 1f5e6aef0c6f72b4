/*
 * Which page is where, which methods and bodies it takes, and the checks that come before any page:
 * limits, Expect, and where a form came from.
 */
#include "routes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conn.h"
#include "pages.h"
#include "reply.h"
#include "upload.h"

#define FORM_MAX 16384            /* bytes of a form's body */
#define IGNORED_MAX 65536         /* bytes of a body nobody asked for, read and thrown away */
#define WRAPPING_MAX (1ull << 20) /* what multipart/form-data may add to a file */

enum body {
    BODY_NONE,
    BODY_FORM,
    BODY_UPLOAD,
};

struct demo_route {
    const char *path;
    void (*get)(struct demo_conn *conn); /* also answers HEAD */
    void (*post)(struct demo_conn *conn);
    void (*put)(struct demo_conn *conn);
    enum body body;
};

static void answer_asset(struct demo_conn *conn)
{
    static const char cached[] = "Cache-Control: private, max-age=60\r\n";
    const char *path = conn->parser.request.path;
    const struct demo_asset *asset = demo_page_asset(path + 1);
    const char *dot = strrchr(path, '.');
    const char *type = strcmp(dot, ".css") == 0  ? "text/css; charset=utf-8"
                       : strcmp(dot, ".js") == 0 ? "text/javascript; charset=utf-8"
                                                 : "image/svg+xml";
    const struct demo_reply reply = {200, type, cached};
    demo_reply_bytes(conn, &reply, asset->data, asset->len);
}

static void answer_health(struct demo_conn *conn)
{
    const struct demo_reply reply = {200, "text/plain; charset=utf-8", NULL};
    demo_reply_string(conn, &reply, "ok\n");
}

static const struct demo_route routes[] = {
    {"/", demo_home_page, NULL, NULL, BODY_NONE},
    {"/target", NULL, demo_home_step, NULL, BODY_FORM},
    {"/events", demo_home_events, NULL, NULL, BODY_NONE},
    {"/api/state", demo_home_state, NULL, NULL, BODY_NONE},
    {"/settings", demo_settings_page_show, demo_settings_page_change, NULL, BODY_FORM},
    {"/settings/password", NULL, demo_password_page_change, NULL, BODY_FORM},
    {"/firmware", demo_firmware_page, demo_firmware_upload, demo_firmware_upload, BODY_UPLOAD},
    {"/firmware/image", demo_firmware_image, NULL, NULL, BODY_NONE},
    {"/whoami", demo_whoami_page, NULL, NULL, BODY_NONE},
    {"/whoami.json", demo_whoami_json, NULL, NULL, BODY_NONE},
    {"/imitation", demo_imitation_page, NULL, NULL, BODY_NONE},
    {"/healthz", answer_health, NULL, NULL, BODY_NONE},
    {"/app.css", answer_asset, NULL, NULL, BODY_NONE},
    {"/app.js", answer_asset, NULL, NULL, BODY_NONE},
    {"/icon.svg", answer_asset, NULL, NULL, BODY_NONE},
    {"/imitation.css", answer_asset, NULL, NULL, BODY_NONE},
    {"/imitation.js", answer_asset, NULL, NULL, BODY_NONE},
};

static const struct demo_route *find(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    }
    return NULL;
}

static void (*handler(const struct demo_request *request))(struct demo_conn *)
{
    switch (request->method) {
    case HTTP_GET:
    case HTTP_HEAD:
        return request->route->get;
    case HTTP_POST:
        return request->route->post;
    case HTTP_PUT:
        return request->route->put;
    default:
        return NULL;
    }
}

/* The body's kind, for requests that are to have one. */
static enum body body_of(const struct demo_request *request)
{
    bool changes = request->method == HTTP_POST || request->method == HTTP_PUT;
    return request->route && !request->refusal && changes ? request->route->body : BODY_NONE;
}

static uint64_t body_max(const struct demo_request *request)
{
    switch (body_of(request)) {
    case BODY_FORM:
        return FORM_MAX;
    case BODY_UPLOAD:
        return DEMO_UPLOAD_MAX + WRAPPING_MAX;
    default:
        return IGNORED_MAX;
    }
}

/*
 * A page of another origin must not be able to send our forms. Browsers tell the origin of every
 * POST; programs that tell none hold no session that could be misused.
 */
static bool is_foreign(const struct demo_request *request)
{
    const char *origin = demo_request_header(request, DEMO_HEADER_ORIGIN);
    if (!request->seen[DEMO_HEADER_ORIGIN])
        return false;
    const char *host = strstr(origin, "://");
    return !host || strcasecmp(host + 3, demo_request_header(request, DEMO_HEADER_HOST)) != 0;
}

static int refuse(struct demo_request *request, int status, const char *reason)
{
    request->refusal = status;
    request->refusal_reason = reason;
    return -1;
}

static int refuse_long(struct demo_request *request)
{
    if (request->refusal)
        return -1;
    return refuse(request, 413,
                  body_of(request) == BODY_UPLOAD ? "A firmware file has at most 64 MiB."
                                                  : "That is more than this page takes.");
}

static int admit(struct demo_request *request)
{
    const char *expect = demo_request_header(request, DEMO_HEADER_EXPECT);
    request->route = find(request->path);
    if (!request->route)
        return refuse(request, 404, "There is no such page.");
    if (!handler(request))
        return refuse(request, 405, "This page does not take such a request.");
    if (*expect && strcasecmp(expect, "100-continue") != 0)
        return refuse(request, 417, NULL);
    if ((request->method == HTTP_POST || request->method == HTTP_PUT) && is_foreign(request))
        return refuse(request, 403, "This request was sent by a page of another site.");
    return 0;
}

static int prepare_body(struct demo_request *request)
{
    const char *type = demo_request_header(request, DEMO_HEADER_CONTENT_TYPE);
    size_t len = strcspn(type, "; \t");
    switch (body_of(request)) {
    case BODY_FORM:
        if (len != 33 || strncasecmp(type, "application/x-www-form-urlencoded", 33) != 0)
            return refuse(request, 415, "This page takes application/x-www-form-urlencoded.");
        return 0;
    case BODY_UPLOAD:
        request->upload = demo_upload_new(type);
        if (!request->upload)
            return refuse(request, 415, "An upload is one file, or multipart/form-data with one.");
        return 0;
    default:
        return 0;
    }
}

/*
 * A refused request whose body is short is read to its end, so that the connection can go on. One
 * that waits for our word, or is long, is refused at once.
 */
static int on_head(struct demo_conn *conn)
{
    struct demo_request *request = &conn->parser.request;
    uint64_t length = conn->parser.llhttp.content_length;
    bool chunked = conn->parser.llhttp.flags & F_CHUNKED;
    bool waits = request->has_body && !request->http10 && request->seen[DEMO_HEADER_EXPECT];
    int result = admit(request);
    if (result == 0)
        result = prepare_body(request);
    if (request->has_body && !chunked && length > body_max(request))
        return refuse_long(request);
    if (result != 0)
        return waits ? -1 : 0;
    if (waits)
        demo_conn_interim(conn, "HTTP/1.1 100 Continue\r\n\r\n");
    return 0;
}

static int on_body(struct demo_conn *conn, const char *bytes, size_t len)
{
    struct demo_request *request = &conn->parser.request;
    if (request->body_len > body_max(request))
        return refuse_long(request);
    switch (body_of(request)) {
    case BODY_FORM:
        demo_text_add(&request->form, bytes, len);
        return 0;
    case BODY_UPLOAD: {
        int status = demo_upload_feed(request->upload, bytes, len);
        if (status == 413)
            return refuse_long(request);
        return status ? refuse(request, status, "The upload is malformed.") : 0;
    }
    default:
        return 0;
    }
}

/* RFC 9110 section 15.5.6: a 405 tells what is allowed. */
static void answer_not_allowed(struct demo_conn *conn)
{
    const struct demo_route *route = conn->parser.request.route;
    struct demo_text allow = {0};
    demo_text_printf(&allow, "Allow: %s%s%s", route->get ? "GET, HEAD" : "",
                     route->get && route->post ? ", " : "", route->post ? "POST" : "");
    demo_text_printf(&allow, "%s\r\n", route->put ? ", PUT" : "");
    demo_reply_error(conn, 405, conn->parser.request.refusal_reason, allow.data);
    demo_text_free(&allow);
}

static void answer(struct demo_conn *conn)
{
    const struct demo_request *request = &conn->parser.request;
    if (request->refusal == 405)
        answer_not_allowed(conn);
    else if (request->refusal)
        demo_reply_error(conn, request->refusal, request->refusal_reason, NULL);
    else
        handler(request)(conn);
}

static void tick(struct demo_server *server)
{
    demo_thermostat_tick(&server->room);
    demo_home_tell(server);
}

const struct demo_app demo_routes_app = {on_head, on_body, answer, tick};
