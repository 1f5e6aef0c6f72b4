/* How long pages take: one small request after the other for SECONDS, with a pause between, on one
 * connection that is kept alive, or each on a new one that resumes the last one.  Says what was
 * negotiated, waits for a byte on stdin, and prints the milliseconds.  HOW is of client.h.
 *
 *     pace_LIBRARY ADDR:PORT HOW NAME SECRET kept|resumed SECONDS */
#include "client.h"
#include "common.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ANSWER_LEN = 200, MOST = 200000, PAUSE_NS = 5000000 };

static double times[MOST];

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void ask(struct client_conn *conn, bool last)
{
    client_get(conn, ANSWER_LEN, last);
    if (client_answer(conn) != ANSWER_LEN)
        bench_die("an answer to another request");
}

/* Whether it was resumed. */
static bool ask_anew(struct client *client, const char *address, bool print)
{
    struct client_conn *conn = client_open(client, address);
    bool resumed = client_resumed(conn);
    ask(conn, true);
    (void)client_drain(conn);
    if (print)
        client_print(conn);
    client_keep(client, conn);
    client_close(conn);
    return resumed;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    struct client_conn *kept = NULL;
    size_t count = 0;
    if (argc != 7)
        bench_die("usage: pace_LIBRARY ADDR:PORT HOW NAME SECRET kept|resumed SECONDS");
    signal(SIGPIPE, SIG_IGN);
    struct client *client = client_new(argv[2], argv[3], argv[4]);
    double seconds = (double)bench_number(argv[6], 100000);
    (void)ask_anew(client, argv[1], strcmp(argv[5], "kept") != 0);
    if (strcmp(argv[5], "kept") == 0) {
        kept = client_open(client, argv[1]);
        ask(kept, false);
        client_print(kept);
    }
    bench_wait_for_go();
    for (double end = now_ms() + seconds * 1e3, begun; (begun = now_ms()) < end && count < MOST;) {
        if (kept != NULL)
            ask(kept, false);
        else if (!ask_anew(client, argv[1], false))
            bench_die("it wasn't resumed");
        times[count++] = now_ms() - begun;
        (void)nanosleep(&pause, NULL);
    }
    qsort(times, count, sizeof times[0], compare);
    printf("pages=%zu median_ms=%.2f p99_ms=%.2f max_ms=%.2f\n", count, bench_median(times, count),
           times[count * 99 / 100], times[count - 1]);
    return 0;
}
