#ifndef DEMO_REPLY_H
#define DEMO_REPLY_H

#include <stdint.h>

#include "conn.h"
#include "page.h"

/* A reply's head. Type NULL: no body and no type. Extra: whole header lines, each ended by CRLF. */
struct demo_reply {
    int status;
    const char *type;
    const char *extra; /* or NULL */
};

/* Which entry of the menu a page is; DEMO_MENU_NONE marks none. */
enum demo_menu {
    DEMO_MENU_NONE,
    DEMO_MENU_HOME,
    DEMO_MENU_SETTINGS,
    DEMO_MENU_FIRMWARE,
    DEMO_MENU_WHOAMI,
};

/* Answers with these bytes. */
void demo_reply_bytes(struct demo_conn *conn, const struct demo_reply *reply, const char *bytes,
                      size_t len);

/* Answers with a string. */
void demo_reply_string(struct demo_conn *conn, const struct demo_reply *reply, const char *string);

/* Answers with a template inside the common layout. */
void demo_reply_page(struct demo_conn *conn, int status, const char *title, enum demo_menu menu,
                     const char *name, const struct demo_var *vars);

/*
 * Refuses, as a page or as plain text, whichever the request wants. Reason NULL: the status speaks
 * for itself. Extra as in demo_reply.
 */
void demo_reply_error(struct demo_conn *conn, int status, const char *reason, const char *extra);

/* 303: the browser goes on there with GET. */
void demo_reply_see_other(struct demo_conn *conn, const char *location);

/* Answers with len bytes that the source makes. */
void demo_reply_source(struct demo_conn *conn, const struct demo_reply *reply, uint64_t len,
                       demo_conn_source *source);

/* Begins an endless stream of events with these bytes; the connection then takes demo_conn_push. */
void demo_reply_events(struct demo_conn *conn, const char *first, size_t len);

/* Appends one piece of the body of an endless reply as the request's version wants it. */
void demo_reply_chunk(const struct demo_conn *conn, struct demo_text *out, const char *bytes,
                      size_t len);

#endif
