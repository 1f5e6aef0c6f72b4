/* Guesses at passwords, counted: see guesses.h. */
#include "guesses.h"

#include <stdlib.h>
#include <string.h>

#include "../net/loop.h"
#include "creds/file.h"

#define PATIENCE_NS 2000000000u /* with a disk */

/* Tokens come back in minutes: seconds are fine enough. */
static uint64_t now_ms(void)
{
    return kp_loop_seconds() * 1000;
}

/* ---- The file ---------------------------------------------------------------------------- */

static char *path_of(const char *credentials, const char *file)
{
    size_t len = strlen(credentials);
    char *path;
    if (file != NULL)
        return strdup(file);
    path = malloc(len + sizeof KP_GUESSES_SUFFIX);
    if (path == NULL)
        return NULL;
    memcpy(path, credentials, len);
    memcpy(path + len, KP_GUESSES_SUFFIX, sizeof KP_GUESSES_SUFFIX);
    return path;
}

static void restore(struct kp_guesses *g)
{
    struct kp_file_error error = {.why = ""};
    struct kp_text text = {.data = NULL};
    int result = kp_file_read(g->path, true, &text, &error);
    if (result == KP_E_NOT_FOUND)
        return;
    if (result == 0) {
        result = kp_throttle_restore(g->throttle, text.data, text.len, now_ms());
        kp_text_clear(&text);
    }
    if (result == 0)
        return;
    kp_throttle_spend(g->throttle, now_ms());
    kp_log_say(g->log, KP_LOG_ERROR, "throttle",
               "the state of guesses can't be taken up, so all count as spent, and people who are "
               "new may have to wait a minute: %s",
               error.why[0] != '\0' ? error.why : "its file is damaged");
}

/* Two that write one file forget each other's guesses.  Under its lock, before we write. */
static bool is_shared(const struct kp_guesses *g)
{
    struct stat now;
    return g->written && stat(g->path, &now) == 0 &&
           (now.st_ino != g->last.st_ino || now.st_mtim.tv_sec != g->last.st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != g->last.st_mtim.tv_nsec);
}

static int write_state(struct kp_guesses *g, size_t len, bool *shared, struct kp_file_error *error)
{
    struct kp_file_lock lock;
    int result = kp_file_lock(&lock, g->path, error);
    if (result != 0)
        return result;
    *shared = is_shared(g);
    result = kp_file_write(&lock, g->state, len, error);
    if (result == 0)
        result = kp_file_commit(&lock, error);
    if (result == 0)
        g->written = stat(g->path, &g->last) == 0;
    kp_file_unlock(&lock);
    return result;
}

/* ---- The writer -------------------------------------------------------------------------- */

/* One write, with the lock given back meanwhile.  Who was given up on has no say any more: others
 * went on with states of their own. */
static void store(struct kp_guesses *g)
{
    struct kp_file_error error = {.why = ""};
    bool shared = false;
    size_t len = kp_throttle_state(g->throttle, now_ms(), g->state);
    int result;
    g->wanted = false;
    g->writing = true;
    g->since = uv_hrtime();
    uv_mutex_unlock(&g->lock);
    result = write_state(g, len, &shared, &error);
    explicit_bzero(g->state, len);
    uv_mutex_lock(&g->lock);
    if (!g->given_up)
        kp_throttle_stored(g->throttle);
    else
        g->wanted = true;
    g->writing = false;
    g->given_up = false;
    g->failed = result != 0;
    g->shared = g->shared || shared;
    snprintf(g->why, sizeof g->why, "%s", error.why);
}

/* Under the lock. */
static void tell_waiting(struct kp_guesses *g)
{
    if (g->leased != NULL)
        g->leased(g->leased_arg);
}

static void write_states(void *arg)
{
    struct kp_guesses *g = arg;
    uv_mutex_lock(&g->lock);
    while (!g->ending) {
        if (!g->wanted) {
            uv_cond_wait(&g->changed, &g->lock);
            continue;
        }
        store(g);
        tell_waiting(g);
    }
    kp_throttle_rest(g->throttle);
    if (atomic_load(&g->asked))
        store(g);
    g->ended = true;
    uv_cond_broadcast(&g->changed);
    uv_mutex_unlock(&g->lock);
}

static void want(struct kp_guesses *g)
{
    uv_mutex_lock(&g->lock);
    g->wanted = true;
    uv_cond_signal(&g->changed);
    uv_mutex_unlock(&g->lock);
}

/* ---- Looking after it -------------------------------------------------------------------- */

/* A disk that hangs: what would have been written is passed over, as where it can't be. */
static void pass_over(struct kp_guesses *g)
{
    char *state;
    if (!g->writing || uv_hrtime() - g->since < PATIENCE_NS || (g->given_up && !g->wanted))
        return;
    if (g->given_up) {
        state = malloc(KP_THROTTLE_STATE_MAX);
        if (state == NULL)
            return;
        explicit_bzero(state, kp_throttle_state(g->throttle, now_ms(), state));
        free(state);
    }
    kp_throttle_stored(g->throttle);
    g->given_up = true;
    g->wanted = false;
    tell_waiting(g);
}

static void tell(struct kp_guesses *g, bool failing, bool shared, const char *why)
{
    if (failing && !g->told_failing)
        kp_log_say(g->log, KP_LOG_ERROR, "throttle",
                   "the state of guesses can't be written, so a restart would forget them: %s",
                   why);
    else if (!failing && g->told_failing)
        kp_log_say(g->log, KP_LOG_INFO, "throttle", "the state of guesses can be written again");
    if (shared && !g->told_shared)
        kp_log_say(g->log, KP_LOG_WARNING, "throttle",
                   "%s is written by another process, too, so a restart would forget guesses: give "
                   "each server its own --throttle-file",
                   g->path);
    g->told_failing = failing;
    g->told_shared = g->told_shared || shared;
}

void kp_guesses_look(struct kp_guesses *g)
{
    char why[sizeof g->why];
    bool failing, shared;
    uv_mutex_lock(&g->lock);
    pass_over(g);
    failing = g->failed || g->given_up;
    shared = g->shared;
    snprintf(why, sizeof why, "%s",
             g->given_up ? "the disk has not answered for two seconds" : g->why);
    uv_mutex_unlock(&g->lock);
    tell(g, failing, shared, why);
    if (kp_throttle_unsettled(g->throttle, now_ms()))
        want(g);
}

/* ---- Life -------------------------------------------------------------------------------- */

int kp_guesses_open(struct kp_guesses *g, const char *credentials, const char *file,
                    const struct kp_log *log, char *why, size_t why_len)
{
    const struct kp_throttle_settings settings = {.leased = true};
    memset(g, 0, sizeof *g);
    g->log = log;
    g->path = path_of(credentials, file);
    g->state = malloc(KP_THROTTLE_STATE_MAX);
    if (g->path == NULL || g->state == NULL || kp_throttle_new(&g->throttle, &settings) != 0) {
        snprintf(why, why_len, "out of memory");
        (void)kp_guesses_close(g);
        return -1;
    }
    restore(g);
    return 0;
}

void kp_guesses_hush(struct kp_guesses *g)
{
    if (!g->started)
        return;
    uv_mutex_lock(&g->lock);
    g->leased = NULL;
    uv_mutex_unlock(&g->lock);
}

int kp_guesses_start(struct kp_guesses *g, void (*leased)(void *arg), void *arg)
{
    int error = uv_mutex_init(&g->lock);
    if (error != 0)
        return error;
    error = uv_cond_init(&g->changed);
    if (error != 0) {
        uv_mutex_destroy(&g->lock);
        return error;
    }
    g->leased = leased;
    g->leased_arg = arg;
    error = uv_thread_create(&g->writer, write_states, g);
    g->started = error == 0;
    if (g->started)
        return 0;
    uv_cond_destroy(&g->changed);
    uv_mutex_destroy(&g->lock);
    return error;
}

/* Whether the writer has ended.  One that hangs is left where it is: the process is about to end.
 */
static bool stop(struct kp_guesses *g)
{
    bool ended;
    uv_mutex_lock(&g->lock);
    g->ending = true;
    uv_cond_signal(&g->changed);
    for (uint64_t start = uv_hrtime(); !g->ended && uv_hrtime() - start < PATIENCE_NS;)
        (void)uv_cond_timedwait(&g->changed, &g->lock, PATIENCE_NS);
    ended = g->ended;
    uv_mutex_unlock(&g->lock);
    if (!ended)
        return false;
    (void)uv_thread_join(&g->writer);
    uv_cond_destroy(&g->changed);
    uv_mutex_destroy(&g->lock);
    return true;
}

bool kp_guesses_close(struct kp_guesses *g)
{
    if (g->started && !stop(g))
        return false;
    kp_throttle_free(g->throttle);
    free(g->state);
    free(g->path);
    memset(g, 0, sizeof *g);
    return true;
}

/* ---- Asking ------------------------------------------------------------------------------ */

enum kp_verdict kp_guesses_take(struct kp_guesses *g, const union kp_inet *from, const char *name,
                                size_t len, struct kp_guess *out)
{
    uint8_t source[KP_SOURCE_LEN];
    enum kp_verdict verdict;
    kp_inet_six(from, source);
    atomic_store(&g->asked, true);
    verdict = kp_throttle_take(g->throttle, source, name, len, now_ms(), out);
    if (out->lease)
        want(g);
    return verdict;
}

void kp_guesses_proved(struct kp_guesses *g, struct kp_guess *guess)
{
    kp_throttle_proved(g->throttle, guess, now_ms());
}

uint32_t kp_guesses_wait(struct kp_guesses *g, const union kp_inet *from)
{
    uint8_t source[KP_SOURCE_LEN];
    kp_inet_six(from, source);
    return kp_throttle_wait(g->throttle, source, now_ms());
}
