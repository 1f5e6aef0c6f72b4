/* Half-open handshakes as fast as one core sends them, from as many source addresses as wanted
 * (127.9.x.y).  Each connection says what makes the server compute and nothing more; HELD of them
 * are open at once, and the oldest is reset for a new one.  Ends after SECONDS, or when stdin does.
 *
 *     flood 127.0.0.1:PORT srp|pake|both SOURCES SECONDS */
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HELD = 512, BEHIND = 16, FLIGHT_MAX = 1024, GROUP_LEN = 256 };

struct flight {
    uint8_t bytes[FLIGHT_MAX];
    size_t len;
};

/* ---- What is said --------------------------------------------------------------------------- */

static void add(struct flight *f, const void *bytes, size_t len)
{
    if (len > sizeof f->bytes - f->len)
        bench_die("a flight is too long");
    memcpy(f->bytes + f->len, bytes, len);
    f->len += len;
}

static void add_number(struct flight *f, size_t value, size_t len)
{
    while (len-- > 0)
        add(f, &(uint8_t){(uint8_t)(value >> 8 * len)}, 1);
}

static void add_noise(struct flight *f, size_t len)
{
    uint8_t noise[64];
    if (getrandom(noise, len, 0) != (ssize_t)len)
        bench_die("no randomness");
    add(f, noise, len);
}

/* A length of len bytes, to be filled in by end(). */
static size_t begin(struct flight *f, size_t len)
{
    add_number(f, 0, len);
    return f->len;
}

static void end(struct flight *f, size_t begun, size_t len)
{
    size_t value = f->len - begun;
    for (size_t i = 0; i < len; i++)
        f->bytes[begun - 1 - i] = (uint8_t)(value >> 8 * i);
}

struct message {
    size_t record, body;
};

static struct message begin_message(struct flight *f, unsigned type)
{
    struct message m;
    add(f, "\x16\x03\x03", 3);
    m.record = begin(f, 2);
    add_number(f, type, 1);
    m.body = begin(f, 3);
    return m;
}

static void end_message(struct flight *f, struct message m)
{
    end(f, m.body, 3);
    end(f, m.record, 2);
}

static void begin_hello(struct flight *f, unsigned suite)
{
    add(f, "\x03\x03", 2);
    add_noise(f, 32);
    add_number(f, 0, 1); /* session_id */
    add_number(f, 2, 2);
    add_number(f, suite, 2);
    add(f, "\x01\x00", 2); /* no compression */
}

static void add_extension(struct flight *f, unsigned type, const void *body, size_t len)
{
    add_number(f, type, 2);
    add_number(f, len, 2);
    add(f, body, len);
}

/* ClientHello and ClientKeyExchange of TLS 1.2 with SRP. */
static void make_srp(struct flight *f)
{
    uint8_t share[GROUP_LEN];
    struct message m = begin_message(f, 1);
    size_t extensions;
    begin_hello(f, 0xc020);
    extensions = begin(f, 2);
    add_extension(f, 12,
                  "\x05"
                  "admin",
                  6);
    add_extension(f, 22, NULL, 0);
    add_extension(f, 23, NULL, 0);
    add_extension(f, 0xff01, "\0", 1);
    end(f, extensions, 2);
    end_message(f, m);
    m = begin_message(f, 16);
    memset(share, 0x5a, sizeof share);
    add_number(f, sizeof share, 2);
    add(f, share, sizeof share);
    end_message(f, m);
}

/* P-256's base point: a share like any other. */
static const uint8_t point[65] = {0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc,
                                  0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d,
                                  0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
                                  0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb,
                                  0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31,
                                  0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

/* ClientHello of TLS 1.3 with SPAKE2+ and X25519, as the IETF's form has it. */
static void make_pake(struct flight *f)
{
    static const uint8_t versions[] = {2, 3, 4}, modes[] = {1, 1}, groups[] = {0, 2, 0, 29};
    struct message m = begin_message(f, 1);
    size_t extensions, body, list;
    begin_hello(f, 0x1301);
    extensions = begin(f, 2);
    add_extension(f, 43, versions, sizeof versions);
    add_extension(f, 45, modes, sizeof modes);
    add_extension(f, 10, groups, sizeof groups);
    add_number(f, 51, 2);
    body = begin(f, 2);
    list = begin(f, 2);
    add_number(f, 29, 2);
    add_number(f, 32, 2);
    add_noise(f, 32);
    end(f, list, 2);
    end(f, body, 2);
    add_number(f, 0x8a3b, 2);
    body = begin(f, 2);
    add(f,
        "\0\x05"
        "admin",
        7);
    add_number(f, sizeof BENCH_DEVICE_ID - 1, 2);
    add(f, BENCH_DEVICE_ID, sizeof BENCH_DEVICE_ID - 1);
    list = begin(f, 2);
    add_number(f, 0x7d96, 2);
    add_number(f, sizeof point, 2);
    add(f, point, sizeof point);
    end(f, list, 2);
    end(f, body, 2);
    end(f, extensions, 2);
    end_message(f, m);
}

/* ---- Sending it ----------------------------------------------------------------------------- */

static int open_one(const struct sockaddr_in *to, unsigned source)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0)
        bench_die("no socket: %s", strerror(errno));
    from.sin_addr.s_addr = htonl(0x7f090001u + (source / 250) * 256 + source % 250);
    (void)setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&from, sizeof from) != 0)
        bench_die("no such source: %s", strerror(errno));
    (void)connect(fd, (const struct sockaddr *)to, sizeof *to);
    return fd;
}

static void reset_one(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (fd < 0)
        return;
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static bool is_over(const struct timespec *end)
{
    struct pollfd in = {.fd = 0, .events = POLLIN};
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec > end->tv_nsec) ||
           poll(&in, 1, 0) > 0;
}

int main(int argc, char **argv)
{
    static struct flight flights[2];
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct timespec until;
    unsigned long long opened = 0, sent = 0;
    int held[HELD];
    if (argc != 5)
        bench_die("usage: flood 127.0.0.1:PORT srp|pake|both SOURCES SECONDS");
    const char *colon = strrchr(argv[1], ':');
    to.sin_port = htons((uint16_t)bench_number(colon != NULL ? colon + 1 : "", 65535));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool pake = strcmp(argv[2], "pake") == 0, both = strcmp(argv[2], "both") == 0;
    unsigned sources = (unsigned)bench_number(argv[3], 60000);
    make_srp(&flights[0]);
    make_pake(&flights[1]);
    for (size_t i = 0; i < HELD; i++)
        held[i] = -1;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)bench_number(argv[4], 1000000);
    for (; opened % 64 != 0 || !is_over(&until); opened++) {
        unsigned slot = (unsigned)(opened % HELD),
                 told = (unsigned)((opened + HELD - BEHIND) % HELD);
        const struct flight *f = &flights[both ? opened & 1 : pake];
        reset_one(held[slot]);
        held[slot] = open_one(&to, (unsigned)(opened % sources));
        /* Its connection is there by now, or it isn't worth waiting for. */
        if (held[told] >= 0 && send(held[told], f->bytes, f->len, MSG_NOSIGNAL) == (ssize_t)f->len)
            sent++;
    }
    printf("opened=%llu sent=%llu\n", opened, sent);
    return 0;
}
