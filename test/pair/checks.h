/*
 * What tests of TLS 1.3 assert over and over.
 */
#ifndef TEST_PAIR_CHECKS_H
#define TEST_PAIR_CHECKS_H

#include "cm.h"

#include "world13.h"

#include <string.h>

static inline enum kp_role other_role(enum kp_role role)
{
    return role == KP_CLIENT ? KP_SERVER : KP_CLIENT;
}

static inline struct kp_info info_of(const struct pair *p, enum kp_role role)
{
    struct kp_info info;

    kp_conn_info(p->conn[role], &info);
    return info;
}

#define assert_both_proved(p) assert_both_proved_at(p, __FILE__, __LINE__)
static inline void assert_both_proved_at(const struct pair *p, const char *file, int line)
{
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        int err = kp_conn_error(p->conn[role]);
        if (err != 0 || !pair_proved(p, (enum kp_role)role))
            fail_msg("%s:%d: role %d is not proved: %d %s", file, line, role, err,
                     kp_error_text(err));
    }
}

/* How a side ended: its error, and the fatal alert that it sent (-1: none). */
#define assert_ended(p, role, error, alert)                                                        \
    assert_ended_at(p, role, error, alert, __FILE__, __LINE__)
static inline void assert_ended_at(const struct pair *p, enum kp_role role, int error, int alert,
                                   const char *file, int line)
{
    int got = pair_error(p, role);
    int sent = kp_conn_sent_alert(p->conn[role]);

    if (got != error || sent != alert)
        fail_msg("%s:%d: role %d: error %d (%s) and alert %d, not %d and %d", file, line, role, got,
                 kp_error_text(got), sent, error, alert);
}

static inline void assert_talks(struct pair *p)
{
    size_t before[2] = {p->heard[0].len, p->heard[1].len};

    assert_true(pair_say(p, KP_CLIENT, "what is the time?", 17));
    assert_true(pair_say(p, KP_SERVER, "late", 4));
    assert_int_equal(p->heard[KP_SERVER].len, before[KP_SERVER] + 17);
    assert_memory_equal(p->heard[KP_SERVER].data + before[KP_SERVER], "what is the time?", 17);
    assert_int_equal(p->heard[KP_CLIENT].len, before[KP_CLIENT] + 4);
    assert_memory_equal(p->heard[KP_CLIENT].data + before[KP_CLIENT], "late", 4);
}

/* A world of one form, with versions of the client's. */
static inline void open_form(struct world13 *w, unsigned form, unsigned versions)
{
    const struct kp_settings client = {.pake = form, .versions = versions};

    world13_open(w, &client, NULL);
}

/* A session of a fresh handshake at START. */
static inline struct kp_session *fresh_session(struct world13 *w)
{
    struct pair p;

    pair13_handshake(&p, w, START, 7);
    struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
    must(session != NULL);
    pair_close(&p);
    return session;
}

#endif
