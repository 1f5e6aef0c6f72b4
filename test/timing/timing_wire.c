/*
 * By hand: the same question to a gateway that runs, as somebody asks it who can measure nothing
 * but the time to its answers.
 *
 * Guesses by the name of a user and by one that nobody has, in random order, each on a connection
 * of its own and all from one address: after the first few they are refused as too many, and what a
 * refused one tells is what is left to be told.  Timed are the answer to the ClientHello, and the
 * alert after the client's second flight.
 *
 *      timing_wire PORT BITS [SAMPLES] of a class; default 5000
 *
 * The gateway listens on 127.0.0.1, has the user u00 in a group of BITS, and its device id is
 * timing-device (users.h).
 */
#include "measure.h"
#include "users.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUIET_MS 300 /* after that a flight has ended */
#define SPENT 100    /* guesses until all are refused, and more */

struct wire {
    struct sockaddr_in address;
    struct guess guesses[2]; /* by whether the name is known */
    unsigned flight;         /* records of the server's flight */
};

/* What came from the server, and how many whole records it is. */
struct heard {
    uint8_t data[8192];
    size_t len;
    size_t whole;
    unsigned records;
    uint8_t last; /* type of the last whole one */
};

static void count_records(struct heard *h)
{
    while (h->len - h->whole >= KP_HEADER_LEN) {
        const uint8_t *at = h->data + h->whole;
        size_t len = KP_HEADER_LEN + (size_t)(at[3] << 8 | at[4]);
        if (h->len - h->whole < len)
            return;
        h->whole += len;
        h->records++;
        h->last = at[0];
    }
}

/* false: the server has ended. */
static bool read_once(int fd, struct heard *h)
{
    ssize_t n = recv(fd, h->data + h->len, sizeof(h->data) - h->len, 0);

    if (n <= 0)
        return false;
    h->len += (size_t)n;
    count_records(h);
    return true;
}

static int connect_to(const struct wire *w)
{
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    must(fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
    must(connect(fd, (const struct sockaddr *)&w->address, sizeof(w->address)) == 0);
    return fd;
}

static void say(int fd, const struct bytes *flight)
{
    must(send(fd, flight->data, flight->len, MSG_NOSIGNAL) == (ssize_t)flight->len);
}

/* How many records the flight has: those that come before the server falls silent. */
static void learn_flight(struct wire *w)
{
    struct heard h = {.len = 0};
    int fd = connect_to(w);
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    say(fd, &w->guesses[0].first);
    while (poll(&ready, 1, QUIET_MS) == 1)
        must(read_once(fd, &h));
    close(fd);
    must(h.records > 0 && h.last != KP_ALERT);
    w->flight = h.records;
}

static void run_guess(void *arg, unsigned class, double ns[static MEASURE_STEPS])
{
    const struct wire *w = arg;
    const struct guess *guess = &w->guesses[class];
    struct heard h = {.len = 0};
    int fd = connect_to(w);
    double begin = measure_now();

    say(fd, &guess->first);
    while (h.records < w->flight)
        must(read_once(fd, &h));
    ns[0] = measure_now() - begin;
    begin = measure_now();
    say(fd, &guess->second);
    while (h.records == w->flight)
        must(read_once(fd, &h));
    ns[1] = measure_now() - begin;
    /* Whatever comes now is the server's end. */
    while (read_once(fd, &h))
        ;
    close(fd);
}

static void measure_kind(struct wire *w, const struct guess_kind *kind, unsigned bits,
                         size_t samples)
{
    const struct kp_span device = {(const uint8_t *)USERS_DEVICE_ID, strlen(USERS_DEVICE_ID)};
    struct measure m[MEASURE_STEPS];
    double ns[MEASURE_STEPS];
    char line[96];

    guess_make(&w->guesses[0], kind, "n00", device, bits);
    guess_make(&w->guesses[1], kind, "u00", device, bits);
    learn_flight(w);
    for (unsigned i = 0; i < SPENT; i++)
        run_guess(w, i % 2, ns);
    measure_run(m, MEASURE_STEPS, 2, samples, run_guess, w);
    snprintf(line, sizeof(line), "%s, TCP: unjudged, flight", kind->text);
    measure_tell(&m[0], line, 0, 1, MEASURE_SAME);
    snprintf(line, sizeof(line), "%s, TCP: unjudged, alert", kind->text);
    measure_tell(&m[1], line, 0, 1, MEASURE_SAME);
    snprintf(line, sizeof(line), "control: %s, TCP, busy loop", kind->text);
    measure_control(&m[0], line, run_guess, w);
    measure_free(m, MEASURE_STEPS);
    guess_free(&w->guesses[0]);
    guess_free(&w->guesses[1]);
}

int main(int argc, char **argv)
{
    struct wire w = {.address = {.sin_family = AF_INET}};

    if (argc < 3) {
        fprintf(stderr, "usage: timing_wire PORT BITS [SAMPLES]\n");
        return 2;
    }
    size_t samples = measure_samples(argc, argv, 3, 5000);
    w.address.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    w.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    measure_head();
    for (size_t kind = 0; kind < GUESS_KINDS; kind++)
        measure_kind(&w, &guess_kinds[kind], (unsigned)strtoul(argv[2], NULL, 10), samples);
    return measure_status();
}
