#include "client.h"

unsigned long long client_drain(struct client_conn *conn)
{
    static char chunk[65536];
    unsigned long long total = 0;
    size_t n;

    while ((n = client_read(conn, chunk, sizeof chunk)) > 0)
        total += n;
    return total;
}
