/*
 * Whose the other end of a connection on this computer is: see platform.h.  The kernel is asked for
 * the row of the other end alone (NETLINK_SOCK_DIAG); where it can't be asked so, the tables under
 * /proc/net are read.
 */
#include "platform.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROWS_MAX 200000 /* of one table; beyond that nobody is known */

/* Linux's number of a state; the C library's <netinet/tcp.h> doesn't go with the kernel's headers.
 */
enum tcp_state {
    TCP_IS_ESTABLISHED = 1,
    TCP_IS_FIN_WAIT1 = 4,
    TCP_IS_FIN_WAIT2 = 5,
    TCP_IS_CLOSE_WAIT = 8,
    TCP_IS_LAST_ACK = 9,
    TCP_IS_CLOSING = 11,
};

/* A connection as its other end sees it: local is theirs, remote is ours.  IPv4 in the first word.
 * All in network order. */
struct tuple {
    int family;
    uint32_t local[4], remote[4];
    uint16_t local_port, remote_port;
};

struct row {
    unsigned state;
    unsigned uid;
    unsigned long inode;
};

/* ---- Who a uid is ------------------------------------------------------------------------ */

/* Where not every user has a number, all without one are shown with the same: it may be ours. */
static bool all_have_numbers(void)
{
    unsigned inside = 1, outside = 1, count = 0;
    FILE *map = fopen("/proc/self/uid_map", "re");
    if (map == NULL)
        return errno == ENOENT; /* a kernel without user namespaces */
    if (fscanf(map, "%u %u %u", &inside, &outside, &count) != 3)
        count = 0;
    (void)fclose(map);
    return inside == 0 && count == UINT32_MAX;
}

#define OVERFLOW_UID 65534

static enum kp_peer judge(unsigned uid)
{
    if (uid != kp_platform_person())
        return KP_PEER_OTHER;
    return uid == OVERFLOW_UID && !all_have_numbers() ? KP_PEER_UNKNOWN : KP_PEER_PERSON;
}

/* A socket that nobody has open any more belongs to no one: the kernel says root and no inode. */
static enum kp_peer judge_row(const struct row *row)
{
    switch (row->state) {
    case TCP_IS_ESTABLISHED:
    case TCP_IS_FIN_WAIT1:
    case TCP_IS_FIN_WAIT2:
    case TCP_IS_CLOSE_WAIT:
    case TCP_IS_LAST_ACK:
    case TCP_IS_CLOSING:
        return row->inode == 0 ? KP_PEER_UNKNOWN : judge(row->uid);
    default:
        return KP_PEER_UNKNOWN;
    }
}

/* ---- Which connection -------------------------------------------------------------------- */

static bool read_end(const struct sockaddr_storage *end, int *family, uint32_t words[4],
                     uint16_t *port)
{
    memset(words, 0, 16);
    *family = end->ss_family;
    if (end->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)end;
        words[0] = in->sin_addr.s_addr;
        *port = in->sin_port;
    } else if (end->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)end;
        memcpy(words, &in6->sin6_addr, 16);
        *port = in6->sin6_port;
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
            *family = AF_INET;
            words[0] = words[3];
            memset(words + 1, 0, 12);
        }
    }
    return *family == AF_INET || *family == AF_INET6;
}

static bool find_tuple(int fd, struct tuple *tuple)
{
    struct sockaddr_storage ours, theirs;
    socklen_t ours_len = sizeof ours, theirs_len = sizeof theirs;
    int family;
    memset(&ours, 0, sizeof ours);
    memset(&theirs, 0, sizeof theirs);
    if (getsockname(fd, (struct sockaddr *)&ours, &ours_len) != 0 ||
        getpeername(fd, (struct sockaddr *)&theirs, &theirs_len) != 0)
        return false;
    return read_end(&theirs, &tuple->family, tuple->local, &tuple->local_port) &&
           read_end(&ours, &family, tuple->remote, &tuple->remote_port) && family == tuple->family;
}

/* ---- Asking for one row ------------------------------------------------------------------ */

#define LOOPBACK_INDEX 1 /* in every network namespace */

struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 body;
};

static void put_question(struct question *question, const struct tuple *tuple)
{
    struct inet_diag_sockid *id = &question->body.id;
    memset(question, 0, sizeof *question);
    question->head.nlmsg_len = sizeof *question;
    question->head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question->head.nlmsg_flags = NLM_F_REQUEST;
    question->body.sdiag_family = (uint8_t)tuple->family;
    question->body.sdiag_protocol = IPPROTO_TCP;
    question->body.idiag_states = UINT32_MAX;
    memcpy(id->idiag_src, tuple->local, sizeof id->idiag_src);
    memcpy(id->idiag_dst, tuple->remote, sizeof id->idiag_dst);
    id->idiag_sport = tuple->local_port;
    id->idiag_dport = tuple->remote_port;
    id->idiag_if = LOOPBACK_INDEX;
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

/* Without a connection the kernel would answer with who listens on the port. */
static bool is_answer(const struct nlmsghdr *head, size_t len, const struct tuple *tuple)
{
    const struct inet_diag_msg *found = (const void *)(head + 1);
    if (len < sizeof *head + sizeof *found || head->nlmsg_len > len ||
        head->nlmsg_len < sizeof *head + sizeof *found || head->nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return false;
    return found->id.idiag_sport == tuple->local_port &&
           found->id.idiag_dport == tuple->remote_port;
}

static bool ask(int kernel, const struct tuple *tuple, struct row *row)
{
    union {
        struct nlmsghdr head;
        char bytes[4096];
    } answer;
    struct sockaddr_nl from = {.nl_family = AF_NETLINK};
    socklen_t from_len = sizeof from;
    struct question question;
    ssize_t len;
    put_question(&question, tuple);
    if (sendto(kernel, &question, sizeof question, 0, (struct sockaddr *)&from, sizeof from) < 0)
        return false;
    /* It is there when sendto comes back. */
    len =
        recvfrom(kernel, &answer, sizeof answer, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
    if (len <= 0 || from.nl_pid != 0 || !is_answer(&answer.head, (size_t)len, tuple))
        return false;
    const struct inet_diag_msg *found = (const void *)(&answer.head + 1);
    *row = (struct row){found->idiag_state, found->idiag_uid, found->idiag_inode};
    return true;
}

/* It says the same of a row that isn't there and of a kernel that can't be asked.  Once it has
 * answered it is believed: nobody can make us read the tables by going away quickly. */
static atomic_bool has_answered;

static bool ask_kernel(const struct tuple *tuple, struct row *row)
{
    int kernel = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    bool found;
    if (kernel < 0)
        return false;
    found = ask(kernel, tuple, row);
    if (found)
        has_answered = true;
    (void)close(kernel);
    return found;
}

/* ---- Reading all rows -------------------------------------------------------------------- */

/* As the tables write an end: each word a number of this machine's order. */
static size_t write_end(char *out, size_t len, const uint32_t *words, size_t count, uint16_t port)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(out + at, len - at, "%08" PRIX32, words[i]);
    return at + (size_t)snprintf(out + at, len - at, ":%04X", (unsigned)ntohs(port));
}

/* "LOCAL REMOTE", as IPv4 (one word each) or IPv6 (four). */
static void write_tuple(char out[96], const struct tuple *tuple, bool wide)
{
    uint32_t ends[2][4] = {{0, 0, htonl(0xffff), tuple->local[0]},
                           {0, 0, htonl(0xffff), tuple->remote[0]}};
    size_t skip = wide ? 0 : 3, at;
    if (tuple->family == AF_INET6) {
        memcpy(ends[0], tuple->local, 16);
        memcpy(ends[1], tuple->remote, 16);
    }
    at = write_end(out, 96, ends[0] + skip, 4 - skip, tuple->local_port);
    out[at++] = ' ';
    (void)write_end(out + at, 96 - at, ends[1] + skip, 4 - skip, tuple->remote_port);
}

/* "  12: LOCAL REMOTE STATE TX:RX TIMER:WHEN RETRANSMITS UID TIMEOUT INODE ..." */
static bool read_row(const char *line, const char *wanted, struct row *row)
{
    const char *at = strchr(line, ':');
    size_t len = strlen(wanted);
    if (at == NULL || at[1] != ' ' || strncmp(at + 2, wanted, len) != 0)
        return false;
    return sscanf(at + 2 + len, " %x %*s %*s %*s %u %*s %lu", &row->state, &row->uid,
                  &row->inode) == 3;
}

static bool search_table(const char *path, const struct tuple *tuple, bool wide, struct row *row)
{
    char wanted[96], line[512];
    FILE *table = fopen(path, "re");
    bool found = false;
    if (table == NULL)
        return false;
    write_tuple(wanted, tuple, wide);
    for (int i = 0; i < ROWS_MAX && !found && fgets(line, sizeof line, table) != NULL; i++)
        found = read_row(line, wanted, row);
    (void)fclose(table);
    return found;
}

/* An IPv4 connection may have been made by a socket of IPv6. */
static bool search_tables(const struct tuple *tuple, struct row *row)
{
    if (tuple->family == AF_INET && search_table("/proc/net/tcp", tuple, false, row))
        return true;
    return search_table("/proc/net/tcp6", tuple, true, row);
}

/* ---- Who was at a port before ------------------------------------------------------------ */

/* Somebody has it open, and can still send: "  12: LOCAL:PORT REMOTE STATE ..." */
static bool is_held(const char *line, unsigned port)
{
    unsigned local_port, state;
    unsigned long inode;
    return sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*u %*s %lu", &local_port,
                  &state, &inode) == 3 &&
           local_port == port && inode != 0 &&
           (state == TCP_IS_ESTABLISHED || state == TCP_IS_CLOSE_WAIT);
}

static bool table_holds(const char *path, unsigned port)
{
    char line[512];
    FILE *table = fopen(path, "re");
    bool found = false;
    int i;
    if (table == NULL)
        return errno != ENOENT; /* a machine without IPv6 has one table */
    for (i = 0; i < ROWS_MAX && !found && fgets(line, sizeof line, table) != NULL; i++)
        found = is_held(line, port);
    found |= i == ROWS_MAX;
    (void)fclose(table);
    return found;
}

bool kp_platform_port_is_held(unsigned port)
{
    return table_holds("/proc/net/tcp", port) || table_holds("/proc/net/tcp6", port);
}

/* ---- The peers --------------------------------------------------------------------------- */

enum kp_peer kp_platform_peer(int fd)
{
    struct tuple tuple;
    struct row row;
    if (!find_tuple(fd, &tuple))
        return KP_PEER_UNKNOWN;
    if (ask_kernel(&tuple, &row) || (!has_answered && search_tables(&tuple, &row)))
        return judge_row(&row);
    return KP_PEER_UNKNOWN;
}

enum kp_peer kp_platform_unix_peer(int fd)
{
    struct ucred other;
    socklen_t len = sizeof other;
    int domain = AF_UNSPEC;
    socklen_t domain_len = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len) != 0 || domain != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &len) != 0 || len != sizeof other)
        return KP_PEER_UNKNOWN;
    if (other.uid == (uid_t)-1) /* connected to nobody */
        return KP_PEER_UNKNOWN;
    return other.uid == 0 ? KP_PEER_PERSON : judge(other.uid);
}
