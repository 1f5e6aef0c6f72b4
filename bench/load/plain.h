/* The flights of a resumed handshake and a small exchange, in bytes: what plain_relay.c and
 * shake_plain.c send each other in place of TLS. */
#ifndef BENCH_PLAIN_H
#define BENCH_PLAIN_H

enum {
    PLAIN_CLIENT_HELLO = 296,
    PLAIN_SERVER_FLIGHT = 173, /* ServerHello, ChangeCipherSpec, Finished */
    PLAIN_CLIENT_FLIGHT = 184, /* ChangeCipherSpec, Finished, the request */
    PLAIN_ANSWER = 89,
    PLAIN_CLOSE_NOTIFY = 57,
};

#endif
