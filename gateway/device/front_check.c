/* What a start would look at: see front_check.h. */
#include "front_check.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "creds/store.h"

#include "confine.h"
#include "credentials.h"

struct check {
    const struct kp_front_settings *settings;
    void (*say)(const char *problem);
    size_t problems;
    char text[1024];
};

/* c->text is a problem. */
static void tell(struct check *c)
{
    c->problems++;
    c->say(c->text);
}

/* ---- Credentials ------------------------------------------------------------------------- */

static void check_credentials(struct check *c, size_t *users)
{
    static const struct kp_log log = {.level = KP_LOG_WARNING, .bare = true};
    struct kp_settings settings = {
        .role = KP_SERVER,
        .buffer_len = KP_RECORD_BUFFER_LEN,
        .versions = c->settings->rules.versions,
        .pake = c->settings->rules.pake,
    };
    struct kp_credentials credentials;
    if (kp_credentials_open(&credentials, c->settings->credentials, &settings, &log, c->text,
                            sizeof c->text) != 0) {
        tell(c);
        return;
    }
    *users = kp_store_users(credentials.store);
    kp_credentials_close(&credentials);
}

/* ---- Addresses --------------------------------------------------------------------------- */

static bool is_any(const struct kp_address *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->where;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->where;
    return address->where.ss_family == AF_INET ? v4->sin_addr.s_addr == INADDR_ANY
                                               : IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

static bool is_same_host(const struct kp_address *address, const struct sockaddr *own)
{
    const void *const mine = own;
    if (own == NULL || own->sa_family != address->where.ss_family)
        return false;
    if (own->sa_family == AF_INET)
        return ((const struct sockaddr_in *)&address->where)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)mine)->sin_addr.s_addr;
    return own->sa_family == AF_INET6 &&
           IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)&address->where)->sin6_addr,
                              &((const struct sockaddr_in6 *)mine)->sin6_addr);
}

/* All addresses of loopback are there whether or not an interface lists them. */
static bool is_of_this_machine(const struct kp_address *address, const struct ifaddrs *own)
{
    if (is_any(address) || (address->where.ss_family == AF_INET && kp_address_is_loopback(address)))
        return true;
    for (; own != NULL; own = own->ifa_next)
        if (is_same_host(address, own->ifa_addr))
            return true;
    return false;
}

static void check_own(struct check *c, const char *what, const struct kp_address *address,
                      const struct ifaddrs *own)
{
    char text[KP_ADDRESS_TEXT_LEN];
    if (kp_address_is_unix(address) || is_of_this_machine(address, own))
        return;
    snprintf(c->text, sizeof c->text, "%s %s: this machine doesn't have this address now", what,
             kp_address_text(address, text));
    tell(c);
}

static void check_machine(struct check *c)
{
    const struct kp_front_settings *s = c->settings;
    struct ifaddrs *own;
    if (getifaddrs(&own) != 0)
        return;
    for (size_t i = 0; i < s->door_count; i++)
        check_own(c, s->doors[i].kind & KP_DOOR_PLAIN ? "--http-listen" : "--listen",
                  &s->doors[i].address, own);
    if (s->metrics.len != 0)
        check_own(c, "--metrics", &s->metrics, own);
    freeifaddrs(own);
}

static void check_circle(struct check *c, const char *what, const struct kp_address *server)
{
    char text[KP_ADDRESS_TEXT_LEN];
    for (size_t i = 0; server->len != 0 && i < c->settings->door_count; i++) {
        const struct kp_address *door = &c->settings->doors[i].address;
        if (kp_address_port(door) == 0 || !kp_address_reaches(server, door))
            continue;
        snprintf(c->text, sizeof c->text, "%s %s is this gateway itself: it has to be another %s",
                 what, kp_address_text(server, text),
                 server == &c->settings->metrics ? "address" : "server");
        tell(c);
        return;
    }
}

/* One that takes all addresses of a port, and another one of the same port. */
static void check_doors(struct check *c)
{
    const struct kp_front_settings *s = c->settings;
    char one[KP_ADDRESS_TEXT_LEN], other[KP_ADDRESS_TEXT_LEN];
    for (size_t i = 0; i < s->door_count; i++)
        for (size_t k = 0; k < s->door_count; k++) {
            const struct kp_address *all = &s->doors[i].address, *part = &s->doors[k].address;
            if (i == k || kp_address_port(all) == 0 ||
                kp_address_port(all) != kp_address_port(part) ||
                all->where.ss_family != part->where.ss_family || !is_any(all))
                continue;
            snprintf(c->text, sizeof c->text,
                     "%s is a part of %s, and both can't be listened on: leave it out",
                     kp_address_text(part, one), kp_address_text(all, other));
            tell(c);
        }
}

/* ---- The rest ---------------------------------------------------------------------------- */

/* A socket can be made there: what is there is one, or its folder is. */
static void check_metrics_path(struct check *c)
{
    const struct sockaddr_un *where = (const struct sockaddr_un *)&c->settings->metrics.where;
    char folder[sizeof where->sun_path + 1];
    struct stat there;
    char *slash;
    if (!kp_address_is_unix(&c->settings->metrics))
        return;
    snprintf(folder, sizeof folder, "%.*s", (int)sizeof where->sun_path, where->sun_path);
    if (lstat(folder, &there) == 0 && !S_ISSOCK(there.st_mode)) {
        snprintf(c->text, sizeof c->text, "--metrics unix:%s: something else is there", folder);
        tell(c);
        return;
    }
    slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return;
    *slash = '\0';
    if (stat(folder, &there) == 0 && S_ISDIR(there.st_mode))
        return;
    snprintf(c->text, sizeof c->text, "--metrics: there is no folder %s", folder);
    tell(c);
}

/* Becoming somebody is for good, so a child tries it, and says why not. */
static void check_user(struct check *c)
{
    static const struct kp_log log = {.level = KP_LOG_ERROR, .bare = true};
    const struct kp_confine_settings settings = {.run_as = c->settings->run_as,
                                                 .credentials = c->settings->credentials,
                                                 .throttle_file = c->settings->throttle_file,
                                                 .log = &log};
    ssize_t got = 0;
    int ends[2];
    pid_t child;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    child = fork();
    if (child == 0) {
        if (kp_confine_try(&settings, c->text, sizeof c->text) != 0)
            got = write(ends[1], c->text, strlen(c->text));
        _exit(got < 0);
    }
    close(ends[1]);
    if (child > 0)
        got = read(ends[0], c->text, sizeof c->text - 1);
    close(ends[0]);
    if (child > 0)
        (void)waitpid(child, NULL, 0);
    if (got <= 0)
        return;
    c->text[got] = '\0';
    tell(c);
}

size_t kp_front_check(const struct kp_front_settings *settings, void (*say)(const char *problem),
                      size_t *users)
{
    struct check c = {.settings = settings, .say = say};
    size_t before;
    *users = 0;
    check_machine(&c);
    check_doors(&c);
    check_circle(&c, "--upstream", &settings->rules.terms.upstream);
    check_circle(&c, "--other-tls", &settings->rules.other_tls);
    if (settings->metrics.len != 0)
        check_circle(&c, "--metrics", &settings->metrics);
    check_metrics_path(&c);
    before = c.problems;
    check_credentials(&c, users);
    if (c.problems == before)
        check_user(&c);
    return c.problems;
}
