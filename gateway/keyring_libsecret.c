/*
 * The keyring, by libsecret: see keyring.h.  The library brings GLib: it is loaded when a password
 * is to be remembered first, and not by those who never want that.
 */
#include "keyring.h"

#include <dlfcn.h>
#include <errno.h>
#include <libsecret/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/secret.h"
#include "creds/text.h"
#include "platform.h"

#define LIBRARY "libsecret-1.so.0"
#define HELLO_S 10   /* for the session bus, and the keyring to say that it is there */
#define PERSON_S 120 /* for a person who is asked to unlock it */

/* ---- The library ------------------------------------------------------------------------- */

/* Those of GLib are found among what libsecret needs itself. */
#define CALLS(X)                                                                                   \
    X(g_bus_get_sync)                                                                              \
    X(g_cancellable_cancel)                                                                        \
    X(g_cancellable_is_cancelled)                                                                  \
    X(g_cancellable_new)                                                                           \
    X(g_dbus_connection_set_exit_on_close)                                                         \
    X(g_dbus_error_quark)                                                                          \
    X(g_error_free)                                                                                \
    X(g_object_unref)                                                                              \
    X(secret_error_get_quark)                                                                      \
    X(secret_password_clear_sync)                                                                  \
    X(secret_password_free)                                                                        \
    X(secret_password_lookup_sync)                                                                 \
    X(secret_password_store_sync)                                                                  \
    X(secret_service_disconnect)                                                                   \
    X(secret_service_get_sync)

static struct {
#define FIELD(name) __typeof__(name) *(name);
    CALLS(FIELD)
#undef FIELD
} call;
/* GLib has a macro of that name. */
static void (*unref)(void *object);

static bool has_library;
static uv_once_t once = UV_ONCE_INIT;

static void load(void)
{
    /* For good: GLib can't be taken out again. */
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_NODELETE);
    if (library == NULL)
        return;
    has_library = true;
#define LOAD(name)                                                                                 \
    *(void **)(void *)&call.name = dlsym(library, #name);                                          \
    has_library = has_library && call.name != NULL;
    CALLS(LOAD)
#undef LOAD
    unref = (void (*)(void *))call.g_object_unref;
}

/* ---- What is wrong ----------------------------------------------------------------------- */

static int refuse(char why[KP_KEYRING_WHY_LEN], const char *text)
{
    (void)snprintf(why, KP_KEYRING_WHY_LEN, "%s", text);
    return -1;
}

static int refuse_by(char why[KP_KEYRING_WHY_LEN], GError *error, bool late)
{
    char shown[KP_TEXT_ESCAPED_MAX(40)];
    const char *message = error != NULL ? error->message : "no reason is given";
    if (late)
        (void)refuse(why, "the keyring doesn't answer");
    else if (error != NULL && error->domain == call.g_dbus_error_quark() &&
             error->code == G_DBUS_ERROR_SERVICE_UNKNOWN)
        (void)refuse(why, "no keyring runs in this session (GNOME Keyring or KeePassXC is one)");
    else if (error != NULL && error->domain == call.secret_error_get_quark() &&
             error->code == SECRET_ERROR_IS_LOCKED)
        (void)refuse(why, "the keyring is locked");
    else
        (void)snprintf(why, KP_KEYRING_WHY_LEN, "the keyring can't be used (%s)",
                       kp_text_escape(shown, message, strnlen(message, 40)));
    if (error != NULL)
        call.g_error_free(error);
    return -1;
}

/* GLib would start a bus of its own where there is none, and wait for that. */
static bool has_session_bus(void)
{
    const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char path[512];
    struct stat found;
    if (address != NULL && address[0] != '\0')
        return strncmp(address, "autolaunch:", 11) != 0;
    if (runtime == NULL || snprintf(path, sizeof path, "%s/bus", runtime) >= (int)sizeof path)
        return false;
    return stat(path, &found) == 0 && S_ISSOCK(found.st_mode);
}

/* ---- Time ---------------------------------------------------------------------------------- */

/* A clock that ends what takes too long. */
struct limit {
    GCancellable *cancellable;
    uv_mutex_t lock;
    uv_cond_t changed;
    uv_thread_t thread;
    uint64_t end; /* of uv_hrtime; the lock's */
    bool over;
};

static void watch_clock(void *arg)
{
    struct limit *limit = arg;
    uv_mutex_lock(&limit->lock);
    while (!limit->over && uv_hrtime() < limit->end)
        (void)uv_cond_timedwait(&limit->changed, &limit->lock, limit->end - uv_hrtime());
    if (!limit->over)
        call.g_cancellable_cancel(limit->cancellable);
    uv_mutex_unlock(&limit->lock);
}

static void set_limit(struct limit *limit, unsigned seconds)
{
    uv_mutex_lock(&limit->lock);
    limit->end = uv_hrtime() + seconds * (uint64_t)1000000000;
    uv_cond_signal(&limit->changed);
    uv_mutex_unlock(&limit->lock);
}

static int open_limit(struct limit *limit)
{
    memset(limit, 0, sizeof *limit);
    limit->end = uv_hrtime() + HELLO_S * (uint64_t)1000000000;
    if (uv_mutex_init(&limit->lock) != 0)
        return -1;
    if (uv_cond_init(&limit->changed) != 0) {
        uv_mutex_destroy(&limit->lock);
        return -1;
    }
    limit->cancellable = call.g_cancellable_new();
    if (uv_thread_create(&limit->thread, watch_clock, limit) == 0)
        return 0;
    unref(limit->cancellable);
    uv_cond_destroy(&limit->changed);
    uv_mutex_destroy(&limit->lock);
    return -1;
}

static void close_limit(struct limit *limit)
{
    uv_mutex_lock(&limit->lock);
    limit->over = true;
    uv_cond_signal(&limit->changed);
    uv_mutex_unlock(&limit->lock);
    (void)uv_thread_join(&limit->thread);
    unref(limit->cancellable);
    uv_cond_destroy(&limit->changed);
    uv_mutex_destroy(&limit->lock);
}

/* ---- One visit --------------------------------------------------------------------------- */

static const SecretSchema schema = {
    "org.keyplate.Password",
    SECRET_SCHEMA_NONE,
    {{"device", SECRET_SCHEMA_ATTRIBUTE_STRING}, {"user", SECRET_SCHEMA_ATTRIBUTE_STRING}},
    0,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL};

struct visit {
    struct limit limit;
    GDBusConnection *bus;
    GError *error;
};

/* For one of ours only: nothing stays connected. */
static void close_visit(struct visit *visit)
{
    call.secret_service_disconnect();
    if (visit->bus != NULL)
        unref(visit->bus);
    close_limit(&visit->limit);
}

/* 0, or -1 with why: then there is nothing to close. */
static int open_visit(struct visit *visit, char why[KP_KEYRING_WHY_LEN])
{
    GCancellable *cancellable;
    SecretService *service = NULL;
    memset(visit, 0, sizeof *visit);
    uv_once(&once, load);
    if (!has_library)
        return refuse(why, "its library, " LIBRARY ", isn't installed");
    if (kp_platform_person() != geteuid())
        return refuse(why, "the keyring is closed to root: run keyplate without sudo");
    if (!has_session_bus())
        return refuse(why, "there is no desktop session here (no D-Bus session bus)");
    if (open_limit(&visit->limit) != 0)
        return refuse(why, "there is no memory");
    cancellable = visit->limit.cancellable;
    visit->bus = call.g_bus_get_sync(G_BUS_TYPE_SESSION, cancellable, &visit->error);
    if (visit->bus != NULL) {
        /* Else GLib ends our process with the session's. */
        call.g_dbus_connection_set_exit_on_close(visit->bus, FALSE);
        service =
            call.secret_service_get_sync(SECRET_SERVICE_OPEN_SESSION, cancellable, &visit->error);
    }
    if (service == NULL) {
        (void)refuse_by(why, visit->error, call.g_cancellable_is_cancelled(cancellable));
        close_visit(visit);
        return -1;
    }
    unref(service);
    set_limit(&visit->limit, PERSON_S);
    return 0;
}

static int end_visit(struct visit *visit, int result, char why[KP_KEYRING_WHY_LEN])
{
    bool late = call.g_cancellable_is_cancelled(visit->limit.cancellable);
    if (visit->error != NULL || (result != 0 && late))
        result = refuse_by(why, visit->error, late);
    close_visit(visit);
    return result;
}

/* ---- What is asked of it ----------------------------------------------------------------- */

bool kp_keyring_is_built(void)
{
    return true;
}

int kp_keyring_save(const char *id, const char *user, const char *label, const char *password,
                    char why[KP_KEYRING_WHY_LEN])
{
    struct visit visit;
    gboolean done;
    if (open_visit(&visit, why) != 0)
        return -1;
    done = call.secret_password_store_sync(&schema, SECRET_COLLECTION_DEFAULT, label, password,
                                           visit.limit.cancellable, &visit.error, "device", id,
                                           "user", user, NULL);
    if (!done && visit.error == NULL)
        (void)refuse(why, "the keyring is locked"); /* the person didn't want to */
    return end_visit(&visit, done ? 0 : -1, why);
}

int kp_keyring_get(const char *id, const char *user, char **password, char why[KP_KEYRING_WHY_LEN])
{
    struct visit visit;
    char *found;
    *password = NULL;
    if (open_visit(&visit, why) != 0)
        return -1;
    found = call.secret_password_lookup_sync(&schema, visit.limit.cancellable, &visit.error,
                                             "device", id, "user", user, NULL);
    if (found != NULL)
        *password = strdup(found);
    if (found != NULL && *password == NULL)
        (void)refuse(why, "there is no memory");
    call.secret_password_free(found);
    return end_visit(&visit, *password != NULL ? 0 : found != NULL ? -1 : 1, why);
}

int kp_keyring_forget(const char *id, const char *user, char why[KP_KEYRING_WHY_LEN])
{
    struct visit visit;
    gboolean done;
    if (open_visit(&visit, why) != 0)
        return -1;
    done = user != NULL
               ? call.secret_password_clear_sync(&schema, visit.limit.cancellable, &visit.error,
                                                 "device", id, "user", user, NULL)
               : call.secret_password_clear_sync(&schema, visit.limit.cancellable, &visit.error,
                                                 "device", id, NULL);
    return end_visit(&visit, done ? 0 : 1, why);
}

void kp_keyring_wipe(char *password)
{
    if (password == NULL)
        return;
    kp_wipe(password, strlen(password));
    free(password);
}
