/* `keyplate serve`: see front_door.h. */
#include "front_door.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../net/sock.h"
#include "confine.h"
#include "metrics.h"
#include "room.h"
#include "seen.h"

#define LOOK_MS 300  /* how often the credentials file is looked at */
#define PROBE_MS 300 /* how long the upstream is waited for at start */

struct front_door {
    const struct kp_front_settings *settings;
    uv_loop_t loop;
    struct kp_credentials credentials;
    struct kp_guesses guesses;
    struct kp_workshop shop;
    struct kp_worker *workers;
    atomic_uint running;        /* workers; the writer of guesses reads it, too */
    struct kp_metrics *metrics; /* NULL: none */
    struct kp_seen *seen;       /* NULL: it doesn't say where it is */
    int *listeners;
    uv_signal_t term, interrupt, hangup;
    uv_timer_t look;
    uv_async_t left;
    atomic_uint gone;
    bool stopping;
    bool haunted; /* a writer that hangs has this memory until the process ends */
};

static void tell(struct front_door *d, enum kp_worker_word word)
{
    for (unsigned i = 0; i < d->running; i++)
        kp_worker_tell(&d->workers[i], word);
}

/* ---- Signals and time -------------------------------------------------------------------- */

static void told_to_stop(uv_signal_t *signal, int number)
{
    struct front_door *d = signal->data;
    const struct kp_log *log = &d->shop.rules.log;
    (void)number;
    if (d->stopping) {
        kp_log_say(log, KP_LOG_INFO, "stopping", "stopping at once");
        tell(d, KP_WORKER_STOP);
        return;
    }
    d->stopping = true;
    kp_log_say(log, KP_LOG_INFO, "stopping",
               "no new connections; running ones get %d seconds (a second signal ends them now)",
               KP_DRAIN_MS / 1000);
    tell(d, KP_WORKER_DRAIN);
    kp_seen_stop(d->seen); /* nobody is to come any more */
    d->seen = NULL;
}

static void reread(struct front_door *d)
{
    struct kp_front_rules fresh;
    char why[512] = "out of memory";
    if (d->settings->reread == NULL)
        return;
    if (d->settings->reread(d->settings->reread_arg, &fresh, why, sizeof why) < 0 ||
        kp_credentials_take_protocols(&d->credentials, fresh.versions, fresh.pake) != 0) {
        kp_log_say(&d->shop.rules.log, KP_LOG_ERROR, "configuration",
                   "the changed configuration can't be used, the old one stays in force: %s", why);
        return;
    }
    fresh.other_tls = d->shop.rules.other_tls; /* the transition needs a restart */
    uv_mutex_lock(&d->shop.lock);
    d->shop.rules = fresh;
    uv_mutex_unlock(&d->shop.lock);
    if (d->settings->configured)
        kp_log_say(&d->shop.rules.log, KP_LOG_INFO, "configuration",
                   "the configuration was read again (listen, http-listen, transition, "
                   "notice, workers, metrics, advertise, run-as and the paths of --credentials "
                   "and --throttle-file need a restart)");
}

static void told_to_reload(uv_signal_t *signal, int number)
{
    struct front_door *d = signal->data;
    (void)number;
    reread(d);
    (void)kp_credentials_refresh(&d->credentials, true);
    tell(d, KP_WORKER_RELOAD);
    kp_seen_look(d->seen);
}

static void look(uv_timer_t *timer)
{
    struct front_door *d = timer->data;
    if (kp_credentials_refresh(&d->credentials, false)) {
        tell(d, KP_WORKER_RELOAD);
        kp_seen_look(d->seen);
    }
    kp_room_catch_up(&d->shop);
    kp_log_catch_up(&d->shop.rules.log);
    kp_guesses_look(&d->guesses);
}

/* On a worker's thread. */
static void one_left(void *arg)
{
    struct front_door *d = arg;
    atomic_fetch_add(&d->gone, 1);
    (void)uv_async_send(&d->left);
}

/* On the thread that writes the state of guesses, or on ours. */
static void leased(void *arg)
{
    tell(arg, KP_WORKER_LEASED);
}

static void count_left(uv_async_t *async)
{
    struct front_door *d = async->data;
    if (atomic_load(&d->gone) == d->running)
        uv_stop(&d->loop);
}

static void watch(struct front_door *d)
{
    uv_signal_t *const signals[] = {&d->term, &d->interrupt, &d->hangup};
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < 3; i++) {
        (void)uv_signal_init(&d->loop, signals[i]);
        signals[i]->data = d;
        (void)uv_signal_start(signals[i], i < 2 ? told_to_stop : told_to_reload, numbers[i]);
    }
    (void)uv_timer_init(&d->loop, &d->look);
    d->look.data = d;
    (void)uv_timer_start(&d->look, look, LOOK_MS, LOOK_MS);
}

/* ---- Starting ---------------------------------------------------------------------------- */

static int cannot_listen(const struct kp_address *address, int error, char *why, size_t why_len)
{
    char text[KP_ADDRESS_TEXT_LEN];
    const char *what = uv_strerror(error);
    kp_address_text(address, text);
    if (error == UV_EADDRINUSE)
        what = "another program uses this port: stop it or choose another";
    else if (error == UV_EACCES)
        what = "ports below 1024 need root or CAP_NET_BIND_SERVICE: choose a higher one";
    else if (error == UV_EADDRNOTAVAIL)
        what = "this machine doesn't have this address: use 0.0.0.0 for all IPv4 ones or [::] for "
               "all IPv6 ones";
    snprintf(why, why_len, "can't listen on %s: %s", text, what);
    return -1;
}

static void close_listeners(struct front_door *d)
{
    for (size_t i = 0; d->listeners != NULL && i < d->settings->door_count; i++)
        if (d->listeners[i] >= 0)
            kp_sock_close(d->listeners[i]);
    free(d->listeners);
    d->listeners = NULL;
}

static int listen_all(struct front_door *d, char *why, size_t why_len)
{
    size_t count = d->settings->door_count;
    d->listeners = calloc(count, sizeof *d->listeners);
    if (d->listeners == NULL) {
        snprintf(why, why_len, "out of memory");
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        d->listeners[i] = -1;
    for (size_t i = 0; i < count; i++) {
        const struct kp_address *address = &d->settings->doors[i].address;
        d->listeners[i] = kp_sock_listen(address);
        if (d->listeners[i] < 0)
            return cannot_listen(address, d->listeners[i], why, why_len);
    }
    d->shop.listeners = d->listeners;
    return 0;
}

/* The first port of that kind, as it was bound; 0: there is none. */
static unsigned port_of_kind(const struct front_door *d, unsigned kind)
{
    for (size_t i = 0; i < d->settings->door_count; i++) {
        struct kp_address bound;
        if ((d->settings->doors[i].kind & kind) && kp_sock_bound(d->listeners[i], &bound) == 0)
            return kp_address_port(&bound);
    }
    return 0;
}

/* Where browsers are led. */
static void find_ports(struct front_door *d)
{
    d->shop.tls_port = port_of_kind(d, KP_DOOR_TLS);
    d->shop.other_port = port_of_kind(d, KP_DOOR_OTHER);
    if (d->shop.other_port == 0 && d->settings->transition == KP_SAME_PORT)
        d->shop.other_port = d->shop.tls_port;
    else if (d->shop.other_port == 0)
        d->shop.other_port = kp_address_port(&d->shop.rules.other_tls);
}

/* Whether what is sent there comes back by one of our own doors. */
static bool is_ourselves(const struct front_door *d, const struct kp_address *server)
{
    for (size_t i = 0; i < d->settings->door_count; i++) {
        struct kp_address bound;
        if (kp_sock_bound(d->listeners[i], &bound) == 0 && kp_address_reaches(server, &bound))
            return true;
    }
    return false;
}

static int check_circle(const struct front_door *d, const char *option,
                        const struct kp_address *server, char *why, size_t why_len)
{
    char text[KP_ADDRESS_TEXT_LEN];
    if (!is_ourselves(d, server))
        return 0;
    snprintf(why, why_len, "%s %s is this gateway itself: it has to be another server", option,
             kp_address_text(server, text));
    return -1;
}

static int check_servers(const struct front_door *d, char *why, size_t why_len)
{
    const struct kp_front_rules *rules = &d->shop.rules;
    if (check_circle(d, "--upstream", &rules->terms.upstream, why, why_len) != 0)
        return -1;
    return rules->other_tls.len == 0
               ? 0
               : check_circle(d, "--other-tls", &rules->other_tls, why, why_len);
}

/* The server for other TLS is let alone: what comes to it is to be its clients' only. */
static void probe_upstream(const struct front_door *d)
{
    char text[KP_ADDRESS_TEXT_LEN];
    int error = kp_sock_probe(&d->shop.rules.terms.upstream, PROBE_MS);
    if (error == 0)
        return;
    kp_log_say(&d->shop.rules.log, KP_LOG_WARNING, "upstream-down",
               "the upstream %s doesn't answer yet (%s): clients get a 502 page until it does",
               kp_address_text(&d->shop.rules.terms.upstream, text), uv_strerror(error));
}

static int start_writer(struct front_door *d, char *why, size_t why_len)
{
    int error = kp_guesses_start(&d->guesses, leased, d);
    if (error == 0)
        return 0;
    snprintf(why, why_len, "can't start the thread that writes the state of guesses: %s",
             uv_strerror(error));
    return -1;
}

static int start_workers(struct front_door *d, char *why, size_t why_len)
{
    int error = 0;
    d->workers = calloc(d->settings->workers, sizeof *d->workers);
    if (d->workers == NULL ||
        kp_sources_open(&d->shop.sources, d->settings->workers, d->shop.rules.max_connections) != 0)
        error = UV_ENOMEM;
    while (error == 0 && d->running < d->settings->workers) {
        error = kp_worker_start(&d->workers[d->running], &d->shop, d->running);
        d->running += error == 0;
    }
    if (error == 0)
        return 0;
    snprintf(why, why_len, "can't start the workers: %s", uv_strerror(error));
    return -1;
}

static int announce(const struct front_door *d, char *why, size_t why_len)
{
    char text[KP_ADDRESS_TEXT_LEN];
    for (size_t i = 0; i < d->settings->door_count; i++) {
        struct kp_address bound;
        if (kp_sock_bound(d->listeners[i], &bound) == 0)
            printf("listening %s\n", kp_address_text(&bound, text));
    }
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    snprintf(why, why_len, "the addresses can't be written to standard output");
    return -1;
}

static int open_credentials(struct front_door *d, char *why, size_t why_len)
{
    static const char *const alpn[] = {"http/1.1"};
    struct kp_settings settings = {
        .role = KP_SERVER,
        .alpn = alpn,
        .alpn_count = 1,
        .buffer_len = KP_RECORD_BUFFER_LEN,
        .versions = d->settings->rules.versions,
        .pake = d->settings->rules.pake,
        .count_guesses = true,
        .defer_compute = true, /* a burst of handshakes mustn't hold up those who are proved */
        .keylog = d->settings->keylog,
        .keylog_arg = d->settings->keylog_arg,
    };
    return kp_credentials_open(&d->credentials, d->settings->credentials, &settings,
                               &d->shop.rules.log, why, why_len);
}

static void join_workers(struct front_door *d)
{
    kp_guesses_hush(&d->guesses);
    for (unsigned i = 0; i < d->running; i++)
        kp_worker_join(&d->workers[i]);
    kp_sources_close(&d->shop.sources);
    free(d->workers);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_loop(struct front_door *d)
{
    uv_walk(&d->loop, close_handle, NULL);
    (void)uv_run(&d->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&d->loop);
}

static int serve(struct front_door *d, char *why, size_t why_len)
{
    int error = start_writer(d, why, why_len);
    if (error == 0)
        error = start_workers(d, why, why_len);
    if (error == 0) {
        watch(d); /* first: who reads what is announced may send signals */
        kp_metrics_start(d->metrics, &d->loop);
        d->seen = kp_seen_start(&d->loop, &d->shop);
        error = announce(d, why, why_len);
    }
    if (error == 0)
        (void)uv_run(&d->loop, UV_RUN_DEFAULT);
    else
        tell(d, KP_WORKER_STOP);
    kp_seen_stop(d->seen);
    join_workers(d);
    return error;
}

static int confine(const struct front_door *d, char *why, size_t why_len)
{
    const struct kp_confine_settings settings = {
        .run_as = d->settings->run_as,
        .credentials = d->settings->credentials,
        .throttle_file = d->settings->throttle_file,
        .log = &d->shop.rules.log,
    };
    struct kp_confine_user user;
    if (kp_confine_who(&settings, &user, why, why_len) != 0)
        return -1;
    if (user.uid != geteuid())
        kp_metrics_give(d->metrics, user.uid, user.gid);
    return kp_confine(&settings, why, why_len);
}

/* Everything that can fail before a client is served. */
static int open_all(struct front_door *d, char *why, size_t why_len)
{
    int error = listen_all(d, why, why_len);
    if (error == 0) {
        find_ports(d);
        error = check_servers(d, why, why_len);
    }
    if (error == 0)
        probe_upstream(d);
    if (error == 0)
        error = kp_metrics_open(&d->metrics, &d->shop, why, why_len);
    kp_seen_prepare(d->settings);
    return error == 0 ? confine(d, why, why_len) : error;
}

static int run(struct front_door *d, char *why, size_t why_len)
{
    const struct kp_front_settings *s = d->settings;
    int error = open_credentials(d, why, why_len);
    if (error != 0)
        return error;
    error = kp_guesses_open(&d->guesses, s->credentials, s->throttle_file, &d->shop.rules.log, why,
                            why_len);
    if (error == 0)
        error = open_all(d, why, why_len);
    if (error == 0)
        error = serve(d, why, why_len);
    kp_metrics_close(d->metrics);
    close_listeners(d);
    d->haunted = !kp_guesses_close(&d->guesses);
    kp_credentials_close(&d->credentials);
    return error;
}

static void init(struct front_door *d, const struct kp_front_settings *settings)
{
    d->settings = settings;
    d->shop.settings = settings;
    d->shop.rules = settings->rules;
    d->shop.credentials = &d->credentials;
    d->shop.guesses = &d->guesses;
    d->shop.left = one_left;
    d->shop.arg = d;
    (void)uv_async_init(&d->loop, &d->left, count_left);
    d->left.data = d;
}

int kp_front_door_run(const struct kp_front_settings *settings, char *why, size_t why_len)
{
    struct front_door *d = calloc(1, sizeof *d);
    int error = -1;
    if (d == NULL || uv_mutex_init(&d->shop.lock) != 0) {
        snprintf(why, why_len, "out of memory");
        free(d);
        return -1;
    }
    kp_confine_begin();
    if (uv_loop_init(&d->loop) == 0) {
        init(d, settings);
        error = run(d, why, why_len);
        close_loop(d);
    } else {
        snprintf(why, why_len, "out of memory");
    }
    uv_mutex_destroy(&d->shop.lock);
    if (!d->haunted)
        free(d);
    return error;
}
