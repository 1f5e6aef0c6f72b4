/* What the log says of requests: see request_log.h. */
#include "request_log.h"

#include <string.h>

#include "worker.h"

#define TARGET_MAX 512 /* bytes of a target in a line */

/* A query may hold what is nobody's business: it is left out but with --verbose. */
static struct kp_slice shown(struct kp_slice target, bool whole)
{
    const char *query = whole ? NULL : memchr(target.at, '?', target.len);
    if (query != NULL)
        target.len = (size_t)(query - target.at);
    if (target.len > TARGET_MAX)
        target.len = TARGET_MAX;
    return target;
}

static const struct kp_log *log_of(const struct kp_request_who *who)
{
    return &who->client->worker->rules.log;
}

static void add_who(struct kp_log_line *line, const struct kp_request_who *who)
{
    char address[KP_ADDRESS_TEXT_LEN];
    kp_log_word(line, "client", kp_inet_text(&who->client->from, address));
    if (who->user != NULL) {
        kp_log_text(line, "user", who->user, who->user_len);
    } else {
        kp_log_flag(line, "proved", false);
        kp_log_stranger(line);
    }
}

static void add_request(struct kp_log_line *line, const struct kp_http_head *head, bool whole)
{
    struct kp_slice target;
    if (head == NULL)
        return;
    target = shown(head->target, whole);
    kp_log_text(line, "method", head->method.at, head->method.len);
    kp_log_text(line, "target", target.at, target.len);
}

struct kp_counters *kp_request_counters(const struct kp_request_who *who)
{
    return &who->client->worker->shop->counters;
}

/* ---- One line a request ------------------------------------------------------------------ */

/* status 0: there was none.  --verbose alone shows what the upstream answered; what failed keeps
 * its query to itself even then. */
static void log_request(const struct kp_request_who *who, const struct kp_proxy *p,
                        const char *what, bool answered, unsigned status, uint64_t bytes)
{
    struct kp_log_line line;
    const struct kp_log *log = log_of(who);
    bool wanted = who->client->worker->rules.access_log;
    bool verbose = answered && log->level >= KP_LOG_DEBUG;
    uint64_t now = uv_now(&p->loop->uv);
    uint64_t began = p->x.asked != NULL ? p->began : now; /* nobody knows, of one never read */
    if (!wanted && !verbose)
        return;
    kp_log_begin(&line, log, wanted ? KP_LOG_INFO : KP_LOG_DEBUG, "request", what);
    add_who(&line, who);
    add_request(&line, p->x.asked, verbose);
    if (status != 0)
        kp_log_number(&line, "status", status);
    kp_log_number(&line, "bytes", bytes);
    kp_log_seconds(&line, "seconds", now - began);
    kp_log_end(&line);
}

void kp_request_log_answered(const struct kp_request_who *who, const struct kp_proxy *p)
{
    kp_counters_request(kp_request_counters(who), p->x.status);
    log_request(who, p, "the upstream answered", true, p->x.status, p->x.sent);
}

/* "HTTP/1.1 NNN " of our own making. */
static unsigned status_of(const char *text, size_t len)
{
    unsigned status = 0;
    for (size_t i = 9; i < 12 && i < len && text[i] >= '0' && text[i] <= '9'; i++)
        status = status * 10 + (unsigned)(text[i] - '0');
    return status;
}

void kp_request_log_replied(const struct kp_request_who *who, const struct kp_proxy *p,
                            const char *text, size_t len)
{
    const char *end = memmem(text, len, "\r\n\r\n", 4);
    bool bodiless = p->x.asked != NULL && kp_slice_is(p->x.asked->method, "HEAD");
    size_t bytes = end != NULL && !bodiless ? len - (size_t)(end + 4 - text) : 0;
    kp_counters_request(kp_request_counters(who), status_of(text, len));
    log_request(who, p, "it was answered here", false, status_of(text, len), bytes);
}

void kp_request_log_cut(const struct kp_request_who *who, const struct kp_proxy *p)
{
    if (!p->failed)
        kp_counted(&kp_request_counters(who)->failures[KP_FAILURE_CUT]);
    log_request(who, p, "its connection ended before it was answered whole", false, p->x.status,
                p->x.sent);
}

/* ---- What went wrong --------------------------------------------------------------------- */

void kp_request_log_refused(const struct kp_request_who *who, const char *why)
{
    struct kp_log_line line;
    kp_counted(&kp_request_counters(who)->failures[KP_FAILURE_BAD_REQUEST]);
    kp_log_begin(&line, log_of(who), KP_LOG_WARNING, "bad-request", "a request was refused");
    add_who(&line, who);
    kp_log_text(&line, "why", why, strlen(why));
    kp_log_end(&line);
}

void kp_request_log_failed(const struct kp_request_who *who, const struct kp_proxy *p,
                           const char *why, int error)
{
    struct kp_log_line line;
    char address[KP_ADDRESS_TEXT_LEN];
    bool ours = error == UV_EINVAL || error == UV_ENOMEM;
    bool spoke = error == UV_EPROTO;
    kp_counted(&kp_request_counters(who)->failures[ours    ? KP_FAILURE_FAILED
                                                   : spoke ? KP_FAILURE_BAD_ANSWER
                                                           : KP_FAILURE_UPSTREAM_DOWN]);
    kp_log_begin(&line, log_of(who), KP_LOG_ERROR,
                 ours    ? "failed"
                 : spoke ? "bad-answer"
                         : "upstream-down",
                 ours    ? "the request can't be carried"
                 : spoke ? "the upstream's answer can't be used"
                         : "the upstream didn't answer");
    add_who(&line, who);
    add_request(&line, p->x.asked, false);
    kp_address_text(&who->client->worker->rules.terms.upstream, address);
    kp_log_text(&line, "upstream", address, strlen(address));
    kp_log_text(&line, "why", why, strlen(why));
    if (!spoke)
        kp_log_word(&line, "error", uv_err_name(error));
    kp_log_end(&line);
}

void kp_request_log_own(const struct kp_request_who *who, const struct kp_proxy *p,
                        const char *event, const char *what)
{
    struct kp_log_line line;
    kp_log_begin(&line, log_of(who), KP_LOG_INFO, event, what);
    add_who(&line, who);
    add_request(&line, p->x.asked, false);
    kp_log_end(&line);
}
