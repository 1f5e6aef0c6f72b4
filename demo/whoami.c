/*
 * Who is there, as the gateway in front has proved it.
 */
#include "pages.h"

#include "reply.h"

void demo_whoami_page(struct demo_conn *conn)
{
    const struct demo_proxy2 *who = &conn->who;
    const struct demo_var vars[] = {
        {"user", who->proved ? who->user : NULL},
        {"version", who->version},
        {"cipher", who->cipher},
        {"source", who->source},
        {NULL, NULL},
    };
    demo_reply_page(conn, 200, "Who is there", DEMO_MENU_WHOAMI, "whoami.html", vars);
}

static void member(struct demo_text *out, const char *name, const char *value)
{
    demo_text_printf(out, ",\"%s\":", name);
    if (*value)
        demo_text_json(out, value);
    else
        demo_text_put(out, "null");
}

void demo_whoami_json(struct demo_conn *conn)
{
    const struct demo_proxy2 *who = &conn->who;
    const struct demo_reply reply = {200, "application/json", NULL};
    struct demo_text json = {0};
    demo_text_printf(&json, "{\"proved\":%s", who->proved ? "true" : "false");
    member(&json, "user", who->user);
    member(&json, "version", who->version);
    member(&json, "cipher", who->cipher);
    member(&json, "source", who->source);
    demo_text_put(&json, "}\n");
    demo_reply_bytes(conn, &reply, json.data, json.len);
    demo_text_free(&json);
}
