/* Small plain pages: see refusal.h. */
#include "refusal.h"

#include <stdio.h>

static const struct {
    unsigned status;
    const char *line, *body;
} pages[] = {
    /* The first is for whatever isn't here. */
    {400, "400 Bad Request", "This request isn't well-formed HTTP/1.1.\n"},
    {408, "408 Request Timeout", "This request took too long to arrive.\n"},
    {431, "431 Request Header Fields Too Large", "The head of this request is too long.\n"},
    {500, "500 Internal Server Error",
     "Your user name can't be told to the web server behind this one.\n"},
    {501, "501 Not Implemented", "This request is coded in a way that isn't understood here.\n"},
    {502, "502 Bad Gateway",
     "You are connected to the device, but the web server behind it doesn't\n"
     "answer as it should. It may still be starting: try again in a moment.\n"
     "If this stays, restart the device; whoever runs it finds the reason in\n"
     "the log of `keyplate serve` (check that the --upstream server is\n"
     "running).\n"},
    {503, "503 Service Unavailable", "There isn't enough memory for this request just now.\n"},
    {504, "504 Gateway Timeout",
     "The web server behind this one took too long to answer.\n"
     "Try again in a moment. If this stays, restart the device.\n"},
    {505, "505 HTTP Version Not Supported", "Only HTTP/1.1 is spoken here.\n"},
};

size_t kp_refusal(char out[KP_NOTICE_MAX], unsigned status)
{
    size_t i = sizeof pages / sizeof pages[0] - 1;
    while (i > 0 && pages[i].status != status)
        i--;
    return kp_notice(out, pages[i].line, 0, pages[i].body);
}

size_t kp_refusal_for_now(char out[KP_NOTICE_MAX], bool goes_on)
{
    static const char body[] = "The device is busy just now. Try again in a moment.\n";
    int len = snprintf(out, KP_NOTICE_MAX,
                       "HTTP/1.1 503 Service Unavailable\r\n"
                       "Content-Type: text/plain; charset=utf-8\r\n"
                       "Content-Length: %zu\r\n"
                       "Cache-Control: no-store\r\n"
                       "Retry-After: 1\r\n"
                       "%s"
                       "\r\n"
                       "%s",
                       sizeof body - 1, goes_on ? "" : "Connection: close\r\n", body);
    return len < 0 || len >= KP_NOTICE_MAX ? 0 : (size_t)len;
}

unsigned kp_refusal_of(enum kp_http_problem problem)
{
    switch (problem) {
    case KP_HTTP_TOO_LONG:
        return 431;
    case KP_HTTP_NO_MEMORY:
        return 503;
    case KP_HTTP_UNSUPPORTED:
        return 501;
    case KP_HTTP_VERSION:
        return 505;
    case KP_HTTP_FINE:
    case KP_HTTP_MALFORMED:
    case KP_HTTP_CUT:
        break;
    }
    return 400;
}
