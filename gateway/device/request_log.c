/* What the log says of requests: see request_log.h. */
#include "request_log.h"

#include <string.h>

#include "worker.h"

#define TARGET_MAX 512 /* bytes of a target in a line */

/* A query may hold what is nobody's business: it is left out but of the lines of --verbose. */
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
    if (who->user != NULL)
        kp_log_text(line, "user", who->user, who->user_len);
    else
        kp_log_flag(line, "proved", false);
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

void kp_request_log_answered(const struct kp_request_who *who, const struct kp_proxy *p)
{
    struct kp_log_line line;
    if (log_of(who)->level < KP_LOG_DEBUG)
        return;
    kp_log_begin(&line, log_of(who), KP_LOG_DEBUG, "request", "the upstream answered");
    add_who(&line, who);
    add_request(&line, p->x.asked, true);
    kp_log_number(&line, "status", p->x.status);
    kp_log_number(&line, "bytes", p->x.sent);
    kp_log_seconds(&line, "seconds", uv_now(&p->loop->uv) - p->began);
    kp_log_end(&line);
}

void kp_request_log_refused(const struct kp_request_who *who, const char *why)
{
    struct kp_log_line line;
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
