/*
 * What all connections of a web server share: who may log in (the credentials file, loaded again
 * when it changes), how many guesses at passwords are judged (and the file in which that outlives
 * the process), and what tickets are sealed with.
 *
 * For integrations: it stands on the public header and the C library, has no event loop and no
 * thread.  One thread at a time; one server for each credentials file of a process, so that all
 * sockets count the same guesses.  After a fork only one of the two processes may go on with it:
 * two would judge twice as many guesses, and seal tickets that the other can't open.
 */
#ifndef KP_INTEGRATION_TLS_SERVER_H
#define KP_INTEGRATION_TLS_SERVER_H

#include <keyplate/keyplate.h>

#define KP_TLS_HINT_MAX 2048 /* bytes of kp_tls_server_hint's text with its NUL */

struct kp_tls_server;

enum kp_tls_level {
    KP_TLS_LOG_INFO,    /* who was proved (by the password: a ticket is no news); a new file is in
                           force; a handshake failed */
    KP_TLS_LOG_WARNING, /* a guess failed, or wasn't judged */
    KP_TLS_LOG_ERROR,   /* somebody has to do something: a file can't be read or written */
};

struct kp_tls_server_options {
    const char *credentials;   /* path of the credentials file; required */
    const char *throttle_file; /* NULL: credentials and ".throttle", as `keyplate serve` has it; "":
                                  memory alone, and who can restart the server gets more guesses */
    unsigned versions;         /* KP_USE_*; 0: both */
    unsigned pake;             /* KP_PAKE_*; 0: both forms */
    bool no_tickets;
    const char *const *alpn; /* as in kp_settings; NULL with alpn_count 0: "http/1.1" */
    size_t alpn_count;
    unsigned handshake_seconds; /* until a connection must be proved; 0: 30 */
    unsigned streams_max; /* streams that aren't proved yet; a further one fails with KP_E_FLOOD; 0:
                             256.  With more than an eighth of it clients of TLS 1.3 must come back
                             with a cookie before anything is computed for them */
    /* One line of plain English, its names escaped, no newline, no secret.  NULL: nobody reads it.
     */
    void (*log)(void *arg, enum kp_tls_level level, const char *line);
    void *log_arg;
};

/* Copies *options.  0; negative with one sentence (no full stop) in why[why_len]. */
int kp_tls_server_open(struct kp_tls_server **out, const struct kp_tls_server_options *options,
                       char *why, size_t why_len) KP_MUST_CHECK;
/* To be called about once a second: takes up a changed credentials file (one that can't be used
 * leaves the old one in force, is logged once, and is tried again at each look), settles the
 * throttle's state, and fails streams that are late with their proof: close those whose
 * kp_tls_stream_handshake is an error.  A stat of the file, as a rule. */
void kp_tls_server_look(struct kp_tls_server *server);
/* All its streams must be gone.  Writes the throttle's state, wipes and frees; NULL is fine. */
void kp_tls_server_close(struct kp_tls_server *server);

/* The body of /.well-known/keyplate, JSON, for password TLS at port: to be answered on proved
 * connections (and, if you like, plain ones) as application/json with Cache-Control: no-store.
 * It is how a person who has only an address gets from TLS 1.2 to TLS 1.3.  Returns its length. */
size_t kp_tls_server_hint(const struct kp_tls_server *server, unsigned port,
                          char out[KP_TLS_HINT_MAX]);

#endif
