/*
 * A page that imitates the login box of the browser's extension, for people to see how near a page
 * can come to it and where it can't. The copy is drawn by pages/imitation.js; nothing that is typed
 * into it comes here.
 */
#include "pages.h"

#include "reply.h"

void demo_imitation_page(struct demo_conn *conn)
{
    const struct demo_request *request = &conn->parser.request;
    const struct demo_var vars[] = {
        {"device", conn->server->room.settings.name},
        {"where", demo_request_header(request, DEMO_HEADER_HOST)},
        {"user", conn->who.proved ? conn->who.user : "admin"},
        {NULL, NULL},
    };
    demo_reply_page(conn, 200, "A page that imitates the login box", DEMO_MENU_NONE,
                    "imitation.html", vars);
}
