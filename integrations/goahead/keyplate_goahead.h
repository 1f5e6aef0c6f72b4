/*
 * Password TLS as GoAhead's TLS provider: what a main program may say and ask.  The provider itself
 * is GoAhead's own six functions (sslOpen and so on), which nobody else calls.
 */
#ifndef KEYPLATE_GOAHEAD_H
#define KEYPLATE_GOAHEAD_H

#include "goahead.h"
#include "tls_server.h"

/* Where the credentials are when nobody says anything else. */
#ifndef ME_GOAHEAD_KEYPLATE_CREDENTIALS
#define ME_GOAHEAD_KEYPLATE_CREDENTIALS "/etc/keyplate/credentials"
#endif

/* Before websOpen, which fails when they can't be used.  Strings aren't copied: they must stay
 * until websOpen is over.  With log NULL GoAhead's own log is used: errors, warnings (level 1), who
 * was proved (level 2).  Without this call: ME_GOAHEAD_KEYPLATE_CREDENTIALS and nothing else set.
 */
void keyplate_set_options(const struct kp_tls_server_options *options);

/* Behind websOpen, once: each request on a proved connection gets its user (wp->username) from here
 * on, before any other route sees it, and /.well-known/keyplate is answered.  -DGOAHEAD_INIT=
 * keyplate_set_routes makes GoAhead's own main program call it.  0, or -1 when there is no memory.
 */
int keyplate_set_routes(void);

/* Who is at the other end: NULL on a connection without password TLS.  Bytes, to be escaped; lives
 * as long as the connection.  Nothing that a client sends changes it. */
cchar *keyplate_get_user(Webs *wp);

#endif
