/* The credentials that a running server goes by: see credentials.h. */
#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "creds/store.h"
#include "creds/text.h"

static int make_context(struct kp_context **out, const struct kp_credentials *c,
                        const struct kp_store *store)
{
    struct kp_settings settings = c->settings;
    settings.device_id = kp_store_device_id(store, &settings.device_id_len);
    return kp_context_new(out, &settings);
}

/* Users without a half for TLS 1.3: what that means under --tls. */
static void remark_on_halves(const struct kp_credentials *c, const struct kp_store *store)
{
    if (!kp_store_prefers_tls12(store) || !(c->settings.versions & KP_USE_TLS13))
        return;
    if (c->settings.versions & KP_USE_TLS12)
        kp_log_say(c->log, KP_LOG_WARNING, "credentials",
                   "some users have no TLS 1.3 half, so clients that speak both versions get TLS "
                   "1.2, whoever they are: `keyplate passwd list` says who; set their passwords "
                   "again with `keyplate passwd change`");
    else
        kp_log_say(c->log, KP_LOG_WARNING, "credentials",
                   "some users have no TLS 1.3 half, and with --tls 1.3 they can't come in: "
                   "`keyplate passwd list` says who; set their passwords again with `keyplate "
                   "passwd change`");
}

/* What the person who runs the server should know of a file that works. */
static void remark(const struct kp_credentials *c, const struct kp_store *store)
{
    if (kp_store_users(store) == 0)
        kp_log_say(c->log, KP_LOG_WARNING, "credentials",
                   "\"%s\" has no user yet: nobody can come in until `keyplate passwd add`",
                   c->path);
    for (size_t i = 0; i < kp_store_told(store); i++) {
        char escaped[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX)];
        size_t len;
        const char *name = kp_store_told_name(store, i, &len);
        kp_log_say(c->log, KP_LOG_WARNING, "credentials",
                   "strangers can tell that the user \"%s\" exists (its group or salt length isn't "
                   "the file's): set its password again with `keyplate passwd change`",
                   kp_text_escape(escaped, name, len));
    }
    remark_on_halves(c, store);
}

static void keep_spare(struct kp_credentials *c)
{
    if (c->spare < 0)
        c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void let_spare_go(struct kp_credentials *c)
{
    if (c->spare >= 0)
        close(c->spare);
    c->spare = -1;
}

int kp_credentials_open(struct kp_credentials *c, const char *path,
                        const struct kp_settings *settings, const struct kp_log *log, char *why,
                        size_t why_len)
{
    bool absent;
    memset(c, 0, sizeof *c);
    c->spare = -1;
    c->path = path;
    c->log = log;
    c->settings = *settings;
    c->missing = stat(path, &c->seen) != 0;
    absent = c->missing && errno == ENOENT;
    if (kp_store_load(&c->store, path, why, why_len) != 0) {
        size_t used = strlen(why);
        if (absent)
            snprintf(why + used, why_len - used, " (make it with: keyplate passwd add)");
        return -1;
    }
    if (make_context(&c->context, c, c->store) != 0 || uv_mutex_init(&c->lock) != 0) {
        snprintf(why, why_len, "out of memory");
        kp_context_free(c->context);
        kp_store_free(c->store);
        return -1;
    }
    c->loads = 1;
    keep_spare(c);
    remark(c, c->store);
    return 0;
}

void kp_credentials_close(struct kp_credentials *c)
{
    kp_context_free(c->context);
    kp_store_free(c->store);
    c->context = NULL;
    c->store = NULL;
    let_spare_go(c);
    uv_mutex_destroy(&c->lock);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool has_changed(struct kp_credentials *c)
{
    struct stat now;
    bool changed;
    if (stat(c->path, &now) != 0) {
        changed = !c->missing;
        c->missing = true;
        return changed;
    }
    changed = c->missing || now.st_ino != c->seen.st_ino || now.st_dev != c->seen.st_dev ||
              now.st_size != c->seen.st_size || !same_time(&now.st_mtim, &c->seen.st_mtim) ||
              !same_time(&now.st_ctim, &c->seen.st_ctim);
    c->missing = false;
    c->seen = now;
    return changed;
}

static bool same_device(const struct kp_store *a, const struct kp_store *b)
{
    size_t a_len, b_len;
    const uint8_t *a_id = kp_store_device_id(a, &a_len);
    const uint8_t *b_id = kp_store_device_id(b, &b_len);
    return a_len == b_len && memcmp(a_id, b_id, a_len) == 0;
}

static void install(struct kp_credentials *c, struct kp_store *store, struct kp_context *context)
{
    struct kp_store *old_store;
    struct kp_context *old_context = NULL;
    uv_mutex_lock(&c->lock);
    old_store = c->store;
    c->store = store;
    if (context != NULL) {
        old_context = c->context;
        c->context = context;
    }
    uv_mutex_unlock(&c->lock);
    kp_store_free(old_store);
    kp_context_free(old_context);
}

/* The old ones stay in force; said once for each reason and each change of the file. */
static void stay(struct kp_credentials *c, const char *why, bool new_file)
{
    if (new_file || !c->failed || strcmp(c->trouble, why) != 0) {
        c->failed_loads++;
        kp_log_say(c->log, KP_LOG_ERROR, "credentials",
                   "the changed credentials can't be used, the old ones stay in force: %s", why);
    }
    c->failed = true;
    snprintf(c->trouble, sizeof c->trouble, "%s", why);
}

bool kp_credentials_refresh(struct kp_credentials *c, bool force)
{
    struct kp_store *store = NULL;
    struct kp_context *context = NULL;
    char why[sizeof c->trouble] = "out of memory";
    bool changed = has_changed(c);
    int error;
    if (!changed && !force && !c->failed)
        return false;
    let_spare_go(c);
    error = kp_store_load(&store, c->path, why, sizeof why);
    keep_spare(c);
    if (error == 0 && !same_device(store, c->store))
        error = make_context(&context, c, store);
    if (error != 0) {
        kp_store_free(store);
        stay(c, why, changed || force);
        return false;
    }
    c->failed = false;
    c->loads++;
    kp_log_say(c->log, KP_LOG_INFO, "credentials", "\"%s\" is in force: %zu user%s", c->path,
               kp_store_users(store), kp_store_users(store) == 1 ? "" : "s");
    remark(c, store);
    install(c, store, context);
    return true;
}

int kp_credentials_take_protocols(struct kp_credentials *c, unsigned versions, unsigned pake)
{
    struct kp_settings before = c->settings;
    struct kp_context *context = NULL;
    int error;
    if (versions == before.versions && pake == before.pake)
        return 0;
    c->settings.versions = versions;
    c->settings.pake = pake;
    error = make_context(&context, c, c->store);
    if (error != 0)
        c->settings = before;
    else
        install(c, kp_store_ref(c->store), context);
    return error;
}

void kp_credentials_take(struct kp_credentials *c, struct kp_store **store,
                         struct kp_context **context)
{
    struct kp_store *old_store = *store;
    struct kp_context *old_context = *context;
    uv_mutex_lock(&c->lock);
    *store = kp_store_ref(c->store);
    *context = kp_context_ref(c->context);
    uv_mutex_unlock(&c->lock);
    kp_store_free(old_store);
    kp_context_free(old_context);
}
