/*
 * What every head that goes on has in common, whoever writes it: its lines, the fields that are for
 * this hop only (RFC 9110 7.6.1), and those that say how long the message is and what becomes of
 * the connection.
 */
#ifndef KP_HTTP_FIELDS_H
#define KP_HTTP_FIELDS_H

#include "claims.h"
#include "head.h"

struct kp_http_back;

/* ---- Lines ------------------------------------------------------------------------------- */

static inline struct kp_slice kp_slice_of(const char *word)
{
    return (struct kp_slice){word, strlen(word)};
}

/* "NAME: "; the value and kp_http_put_end are the caller's. */
static inline void kp_http_put_begin(struct kp_out *out, const char *name)
{
    kp_out_word(out, name);
    kp_out_add(out, ": ", 2);
}

static inline void kp_http_put_end(struct kp_out *out)
{
    kp_out_add(out, "\r\n", 2);
}

static inline void kp_http_put(struct kp_out *out, const char *name, struct kp_slice value)
{
    kp_http_put_begin(out, name);
    kp_out_text(out, value);
    kp_http_put_end(out);
}

static inline void kp_http_put_word(struct kp_out *out, const char *name, const char *value)
{
    kp_http_put(out, name, kp_slice_of(value));
}

static inline void kp_http_put_number(struct kp_out *out, const char *name, uint64_t number)
{
    kp_http_put_begin(out, name);
    kp_out_number(out, number);
    kp_http_put_end(out);
}

static inline void kp_http_put_as_it_came(struct kp_out *out, struct kp_slice name,
                                          struct kp_slice value)
{
    kp_out_text(out, name);
    kp_out_add(out, ": ", 2);
    kp_out_text(out, value);
    kp_http_put_end(out);
}

/* ---- Fields for this hop only ------------------------------------------------------------ */

/* Which fields Connection names; of too many options, all. */
struct kp_http_named {
    size_t options;
    bool field[KP_HTTP_FIELDS_MAX]; /* once there are options */
};

void kp_http_named_find(struct kp_http_named *named, const struct kp_http_head *head);

static inline bool kp_http_ends_here(const struct kp_http_named *named, size_t index,
                                     struct kp_slice name)
{
    return (named->options > 0 && named->field[index]) || kp_http_claims_hop(name);
}

/* Of a request: whether the next hop gets it from us or not at all, beside those for this hop:
 * Host, what could be taken for our word on who the client is, an Expect that isn't 100-continue.
 * And Proxy, which becomes HTTP_PROXY under CGI, which libraries take for their own setting:
 * httpoxy, CVE-2016-5385. */
static inline bool kp_http_is_ours_to_say(const struct kp_http_head *head, struct kp_slice name)
{
    return kp_slice_is(name, "Host") || kp_slice_is(name, "Proxy") ||
           (!head->expects && kp_slice_is(name, "Expect")) || kp_http_claims_identity(name);
}

/* ---- What each hop writes for itself ----------------------------------------------------- */

/* cut: so many bytes of the target's end are left out. */
void kp_http_put_request_line(struct kp_out *out, const struct kp_http_head *head, size_t cut);
/* How long the body is. */
void kp_http_put_request_framing(struct kp_out *out, const struct kp_http_head *head);
void kp_http_put_upgrade(struct kp_out *out);
/* RFC 9110 7.6.3.  A list, where we are the last: it comes behind the others. */
void kp_http_put_via(struct kp_out *out, const struct kp_http_head *head);

void kp_http_put_status_line(struct kp_out *out, const struct kp_http_head *head);
/* Whether it is one of those that come before the answer proper. */
bool kp_http_is_interim(const struct kp_http_head *head, const struct kp_http_back *how);
/* How long the body is and what becomes of the connection; of an interim one nothing. */
void kp_http_put_response_framing(struct kp_out *out, const struct kp_http_head *head,
                                  const struct kp_http_back *how);

#endif
