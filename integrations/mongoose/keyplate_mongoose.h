/*
 * Password TLS for Mongoose built with MG_TLS=MG_TLS_CUSTOM: what a program says and asks.  The TLS
 * functions themselves (mg_tls_init and so on) are Mongoose's, and only Mongoose calls them; but
 * for mg_tls_init, which an event handler calls at MG_EV_ACCEPT.
 */
#ifndef KEYPLATE_MONGOOSE_H
#define KEYPLATE_MONGOOSE_H

#include "mongoose.h"
#include "tls_server.h"

/* Behind mg_mgr_init, once for a credentials file, before anything listens: mg_mgr_free ends it.
 * With log NULL Mongoose's own log is used.  0; negative: the log says why, and every connection
 * that mg_tls_init is called for is closed. */
int keyplate_open(struct mg_mgr *mgr, const struct kp_tls_server_options *options);

/* Who is at the other end; NULL: nobody has proved anything (or it is no TLS connection).  Bytes,
 * to be escaped; lives as long as the connection.  Nothing that a client sends changes it. */
const char *keyplate_user(struct mg_connection *c);
/* All that is known of a proved connection; false: it isn't. */
bool keyplate_info(struct mg_connection *c, struct kp_info *out);

/* Answers /.well-known/keyplate on a proved connection; false: it is another request. */
bool keyplate_answer(struct mg_connection *c, struct mg_http_message *hm);

#endif
