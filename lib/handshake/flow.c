/*
 * The flows of a handshake: tables only.  RFC 5246 7.3, RFC 5054 2.2, RFC 5077 3.1; RFC 8446 2.
 */
#include "handshake/handshake.h"

/* An honest hello has a few hundred bytes, two thousand with post-quantum key shares, more with a
 * foreign server's ticket.  Whoever may send one has proved nothing yet: a record's worth, as
 * BoringSSL has it. */
#define HELLO_MAX KP_HELLO_MAX
#define SHARE_MAX (2 + KP_SRP_MAX_LEN)
#define PARAMS_MAX (2 + KP_SRP_MAX_LEN + 2 + KP_SRP_MAX_LEN + 1 + KP_SALT_MAX + 2 + KP_SRP_MAX_LEN)
#define TICKET_MAX 16384
#define EXTENSIONS_MAX 4096

#define RECV(type, limit, facts, handler)                                                          \
    {                                                                                              \
        .kind = KP_STEP_RECV, .message = (type), .max = (limit), .when = (facts),                  \
        .recv = (handler)                                                                          \
    }
#define SEND(type, facts, handler)                                                                 \
    {                                                                                              \
        .kind = KP_STEP_SEND, .message = (type), .when = (facts), .send = (handler)                \
    }
#define ACT(step_kind, facts, handler)                                                             \
    {                                                                                              \
        .kind = (step_kind), .when = (facts), .act = (handler)                                     \
    }
#define END                                                                                        \
    {                                                                                              \
        .kind = KP_STEP_END                                                                        \
    }

/* ---- The beginning: ClientHello, and for a client ServerHello, choose the version ------------ */

const struct kp_step kp_flow_server[] = {
    RECV(KP_CLIENT_HELLO, HELLO_MAX, 0, kp_server_recv_hello), /* to one of the versions' */
    END,
};

const struct kp_step kp_flow_client[] = {
    ACT(KP_STEP_HEAVY, KP_FACT_OFFER13, kp_client_make_shares),
    SEND(KP_CLIENT_HELLO, 0, kp_client_send_hello),
    RECV(KP_SERVER_HELLO, HELLO_MAX, 0, kp_client_recv_hello), /* to one of the versions' */
    END,
};

/* ---- TLS 1.2 with SRP ---------------------------------------------------------------------- */

const struct kp_step kp_flow12_server[] = {
    ACT(KP_STEP_ACT, KP_FACT_TICKET_OFFERED, kp_server12_take_ticket), /* or server_resumed */
    ACT(KP_STEP_ACT, 0, kp_server12_look_up),
    ACT(KP_STEP_HEAVY, 0, kp_server12_make_share),
    SEND(KP_SERVER_HELLO, 0, kp_server12_send_hello),
    SEND(KP_SERVER_KEY_EXCHANGE, 0, kp_server12_send_key_exchange),
    SEND(KP_SERVER_HELLO_DONE, 0, kp_server12_send_done),
    RECV(KP_CLIENT_KEY_EXCHANGE, SHARE_MAX, 0, kp_server12_recv_key_exchange),
    ACT(KP_STEP_HEAVY, 0, kp_server12_make_secret),
    ACT(KP_STEP_CCS_RECV, 0, kp_srp12_read_keys),
    ACT(KP_STEP_ACT, 0, kp_server12_guess),
    RECV(KP_FINISHED, KP_VERIFY_LEN, 0, kp_srp12_recv_finished),
    SEND(KP_NEW_SESSION_TICKET, KP_FACT_TICKET_PROMISED, kp_server12_send_ticket),
    ACT(KP_STEP_CCS_SEND, 0, kp_srp12_write_keys),
    SEND(KP_FINISHED, 0, kp_srp12_send_finished),
    END,
};

const struct kp_step kp_flow12_server_resumed[] = {
    SEND(KP_SERVER_HELLO, 0, kp_server12_send_hello),
    ACT(KP_STEP_ACT, 0, kp_srp12_keys),
    ACT(KP_STEP_CCS_SEND, 0, kp_srp12_write_keys),
    SEND(KP_FINISHED, 0, kp_srp12_send_finished),
    ACT(KP_STEP_CCS_RECV, 0, kp_srp12_read_keys),
    RECV(KP_FINISHED, KP_VERIFY_LEN, 0, kp_srp12_recv_finished),
    END,
};

const struct kp_step kp_flow12_client_full[] = {
    RECV(KP_SERVER_KEY_EXCHANGE, PARAMS_MAX, 0, kp_client12_recv_key_exchange),
    RECV(KP_SERVER_HELLO_DONE, 0, 0, kp_client12_recv_done),
    ACT(KP_STEP_HEAVY, 0, kp_client12_make_share),
    SEND(KP_CLIENT_KEY_EXCHANGE, 0, kp_client12_send_key_exchange),
    ACT(KP_STEP_HEAVY, 0, kp_client12_make_secret),
    ACT(KP_STEP_CCS_SEND, 0, kp_srp12_write_keys),
    SEND(KP_FINISHED, 0, kp_srp12_send_finished),
    RECV(KP_NEW_SESSION_TICKET, TICKET_MAX, KP_FACT_TICKET_PROMISED, kp_client12_recv_ticket),
    ACT(KP_STEP_CCS_RECV, 0, kp_srp12_read_keys),
    RECV(KP_FINISHED, KP_VERIFY_LEN, 0, kp_srp12_recv_finished),
    END,
};

const struct kp_step kp_flow12_client_resumed[] = {
    ACT(KP_STEP_ACT, 0, kp_srp12_keys),
    RECV(KP_NEW_SESSION_TICKET, TICKET_MAX, KP_FACT_TICKET_PROMISED, kp_client12_recv_ticket),
    ACT(KP_STEP_CCS_RECV, 0, kp_srp12_read_keys),
    RECV(KP_FINISHED, KP_VERIFY_LEN, 0, kp_srp12_recv_finished),
    ACT(KP_STEP_CCS_SEND, 0, kp_srp12_write_keys),
    SEND(KP_FINISHED, 0, kp_srp12_send_finished),
    END,
};

/* ---- TLS 1.3 with SPAKE2+ ------------------------------------------------------------------- */

const struct kp_step kp_flow13_server_retry[] = {
    SEND(KP_SERVER_HELLO, 0, kp_server13_send_retry),
    ACT(KP_STEP_ACT, KP_FACT_COMPAT, kp_tls13_send_ccs),
    RECV(KP_CLIENT_HELLO, HELLO_MAX, 0, kp_server13_recv_second_hello), /* to server13 */
    END,
};

const struct kp_step kp_flow13_server[] = {
    ACT(KP_STEP_ACT, KP_FACT_TICKET_OFFERED, kp_server13_take_ticket),
    ACT(KP_STEP_ACT, 0, kp_server13_look_up),
    ACT(KP_STEP_HEAVY, 0, kp_server13_turn), /* so that no guess is counted while it waits */
    ACT(KP_STEP_ACT, 0, kp_server13_guess),
    ACT(KP_STEP_ACT, 0, kp_server13_compute),
    SEND(KP_SERVER_HELLO, 0, kp_server13_send_hello),
    ACT(KP_STEP_ACT, KP_FACT_COMPAT, kp_tls13_send_ccs),
    ACT(KP_STEP_ACT, 0, kp_tls13_handshake_keys),
    SEND(KP_ENCRYPTED_EXTENSIONS, 0, kp_server13_send_extensions),
    SEND(KP_FINISHED, 0, kp_tls13_send_finished),
    ACT(KP_STEP_ACT, 0, kp_server13_await_client),
    RECV(KP_FINISHED, KP_HASH_MAX, 0, kp_tls13_recv_finished),
    ACT(KP_STEP_ACT, 0, kp_server13_done),
    SEND(KP_NEW_SESSION_TICKET, KP_FACT_TICKET_PROMISED, kp_server13_send_ticket),
    END,
};

const struct kp_step kp_flow13_client_retry[] = {
    ACT(KP_STEP_ACT, KP_FACT_COMPAT, kp_tls13_send_ccs),
    ACT(KP_STEP_HEAVY, 0, kp_client_make_shares),
    SEND(KP_CLIENT_HELLO, 0, kp_client13_send_second_hello),
    RECV(KP_SERVER_HELLO, HELLO_MAX, 0, kp_client13_recv_second_hello), /* to client13 */
    END,
};

const struct kp_step kp_flow13_client[] = {
    ACT(KP_STEP_HEAVY, 0, kp_client13_compute),
    ACT(KP_STEP_ACT, KP_FACT_COMPAT, kp_tls13_send_ccs),
    ACT(KP_STEP_ACT, 0, kp_tls13_handshake_keys),
    RECV(KP_ENCRYPTED_EXTENSIONS, EXTENSIONS_MAX, 0, kp_client13_recv_extensions),
    RECV(KP_FINISHED, KP_HASH_MAX, 0, kp_tls13_recv_finished),
    ACT(KP_STEP_ACT, 0, kp_client13_server_done),
    SEND(KP_FINISHED, 0, kp_tls13_send_finished),
    ACT(KP_STEP_ACT, 0, kp_client13_done),
    END,
};
