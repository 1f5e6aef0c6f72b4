/*
 * What the name of a field makes of it for whoever passes the message on.  Names are taken as the
 * loosest reader takes them: CGI turns - into _, some servers turn every other sign into it too, so
 * here letters have no case, and whatever is neither letter nor digit counts as -.
 */
#ifndef KP_HTTP_CLAIMS_H
#define KP_HTTP_CLAIMS_H

#include "text.h"

/* Whether a field of this name could be taken for a word of ours on who the client is, how it came
 * or where it asked, by any reader. */
bool kp_http_claims_identity(struct kp_slice name);
/* Whether a field of this name is, or could be taken for one, about one connection or the framing
 * of what goes over it: RFC 9110 7.6.1, RFC 9112 6.  Each hop writes its own. */
bool kp_http_claims_hop(struct kp_slice name);

#endif
