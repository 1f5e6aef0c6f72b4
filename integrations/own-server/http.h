/*
 * What a device's web server has already, as little of it as there can be: requests one after the
 * other, a page with a form, answers.  Knows nothing of TLS.
 */
#ifndef OWN_SERVER_HTTP_H
#define OWN_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_BYTES = 4096 }; /* of a request with its body, and of an answer */

struct http {
    char in[HTTP_BYTES + 1]; /* requests; the last byte stays free */
    char out[HTTP_BYTES];    /* the answer */
    size_t in_len, out_len;
    bool last; /* the connection ends behind this answer */
};

/* Takes the first request out of in and answers it; false: it isn't whole yet.  To be called when
 * the last answer is out.  user[user_len]: who has proved the password, any bytes.  hint: the body
 * of /.well-known/keyplate. */
bool http_answer(struct http *http, const char *user, size_t user_len, const char *hint);

/* Writes bytes[len] for HTML, or for JSON: what would end a text there is written as a number.  out
 * has 6 bytes for each, and one for a NUL.  Returns out. */
char *http_escape(char *out, const char *bytes, size_t len, bool html);

#endif
