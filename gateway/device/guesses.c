/* Guesses at passwords, counted: see guesses.h. */
#include "guesses.h"

#include <stdlib.h>
#include <string.h>

#include "../net/loop.h"
#include "creds/file.h"

#define SUFFIX ".throttle"

/* Tokens come back in minutes: seconds are fine enough. */
static uint64_t now_ms(void)
{
    return kp_loop_seconds() * 1000;
}

/* RFC 4291 2.5.5.2 for IPv4. */
static void source_of(const union kp_inet *from, uint8_t out[KP_SOURCE_LEN])
{
    static const uint8_t mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (from->any.sa_family == AF_INET6) {
        memcpy(out, &from->v6.sin6_addr, KP_SOURCE_LEN);
        return;
    }
    memcpy(out, mapped, sizeof mapped);
    memcpy(out + sizeof mapped, &from->v4.sin_addr, 4);
}

/* ---- The file ---------------------------------------------------------------------------- */

static char *path_of(const char *credentials, const char *file)
{
    size_t len = strlen(credentials);
    char *path;
    if (file != NULL)
        return strdup(file);
    path = malloc(len + sizeof SUFFIX);
    if (path == NULL)
        return NULL;
    memcpy(path, credentials, len);
    memcpy(path + len, SUFFIX, sizeof SUFFIX);
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

static int write_state(struct kp_guesses *g, size_t len, struct kp_file_error *error)
{
    struct kp_file_lock lock;
    int result = kp_file_lock(&lock, g->path, error);
    if (result != 0)
        return result;
    result = kp_file_write(&lock, g->state, len, error);
    if (result == 0)
        result = kp_file_commit(&lock, error);
    kp_file_unlock(&lock);
    return result;
}

void kp_guesses_store(struct kp_guesses *g)
{
    struct kp_file_error error = {.why = ""};
    size_t len = kp_throttle_state(g->throttle, now_ms(), g->state);
    int result = write_state(g, len, &error);
    explicit_bzero(g->state, len);
    kp_throttle_stored(g->throttle);
    if (result != 0 && !g->failing)
        kp_log_say(g->log, KP_LOG_ERROR, "throttle",
                   "the state of guesses can't be written, so a restart would forget them: %s",
                   error.why);
    else if (result == 0 && g->failing)
        kp_log_say(g->log, KP_LOG_INFO, "throttle", "the state of guesses can be written again");
    g->failing = result != 0;
}

void kp_guesses_settle(struct kp_guesses *g)
{
    if (kp_throttle_unsettled(g->throttle, now_ms()))
        kp_guesses_store(g);
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
        kp_guesses_close(g);
        return -1;
    }
    restore(g);
    return 0;
}

void kp_guesses_close(struct kp_guesses *g)
{
    if (g->throttle != NULL && atomic_load(&g->asked))
        kp_guesses_store(g);
    kp_throttle_free(g->throttle);
    free(g->state);
    free(g->path);
    memset(g, 0, sizeof *g);
}

/* ---- Asking ------------------------------------------------------------------------------ */

enum kp_verdict kp_guesses_take(struct kp_guesses *g, const union kp_inet *from, const char *name,
                                size_t len, struct kp_guess *out)
{
    uint8_t source[KP_SOURCE_LEN];
    source_of(from, source);
    atomic_store(&g->asked, true);
    return kp_throttle_take(g->throttle, source, name, len, now_ms(), out);
}

void kp_guesses_proved(struct kp_guesses *g, struct kp_guess *guess)
{
    kp_throttle_proved(g->throttle, guess, now_ms());
}

void kp_guesses_unused(struct kp_guesses *g, struct kp_guess *guess)
{
    kp_throttle_unused(g->throttle, guess, now_ms());
}

uint32_t kp_guesses_wait(struct kp_guesses *g, const union kp_inet *from)
{
    uint8_t source[KP_SOURCE_LEN];
    source_of(from, source);
    return kp_throttle_wait(g->throttle, source, now_ms());
}
