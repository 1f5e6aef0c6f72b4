/* See throttle_file.h. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include "throttle_file.h"

#include <stdlib.h>
#include <string.h>

#include "secret_file.h"

static void restore(struct kp_throttle_file *f)
{
    char why[256] = "its file is damaged";
    char *text;
    size_t len;
    int error = kp_secret_file_read(f->path, &text, &len, why, sizeof why);
    if (error == KP_E_NOT_FOUND)
        return;
    if (error == 0) {
        error = kp_throttle_restore(f->throttle, text, len, kp_tls_ms());
        kp_secret_file_forget(text, len);
    }
    if (error == 0)
        return;
    kp_throttle_spend(f->throttle, kp_tls_ms());
    kp_tls_log_say(f->log, KP_TLS_LOG_ERROR,
                   "the state of guesses can't be taken up, so all count as spent, and people who "
                   "are new may have to wait a minute: %s",
                   why);
}

/* Two that write one file forget each other's guesses. */
static void look_for_others(struct kp_throttle_file *f)
{
    struct stat now;
    if (f->shared || !f->written || stat(f->path, &now) != 0 ||
        (now.st_ino == f->last.st_ino && now.st_mtim.tv_sec == f->last.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == f->last.st_mtim.tv_nsec))
        return;
    f->shared = true;
    kp_tls_log_say(f->log, KP_TLS_LOG_WARNING,
                   "%s is written by another process, too, so a restart would forget guesses: give "
                   "each server a throttle file of its own",
                   f->path);
}

static void store(struct kp_throttle_file *f)
{
    size_t len = kp_throttle_state(f->throttle, kp_tls_ms(), f->state);
    char why[256];
    bool failed;
    look_for_others(f);
    failed = kp_secret_file_write(f->path, f->state, len, why, sizeof why) != 0;
    f->written = stat(f->path, &f->last) == 0 && !failed;
    explicit_bzero(f->state, len);
    kp_throttle_stored(f->throttle);
    f->wanted = false;
    if (failed && !f->failing)
        kp_tls_log_say(f->log, KP_TLS_LOG_ERROR,
                       "the state of guesses can't be written, so a restart would forget them: %s",
                       why);
    else if (!failed && f->failing)
        kp_tls_log_say(f->log, KP_TLS_LOG_INFO, "the state of guesses can be written again");
    f->failing = failed;
}

int kp_throttle_file_open(struct kp_throttle_file *f, char *path, const struct kp_tls_log *log)
{
    const struct kp_throttle_settings settings = {.leased = path != NULL};
    int error;
    memset(f, 0, sizeof *f);
    f->path = path;
    f->log = log;
    f->state = path != NULL ? malloc(KP_THROTTLE_STATE_MAX) : NULL;
    error =
        path != NULL && f->state == NULL ? KP_E_MEMORY : kp_throttle_new(&f->throttle, &settings);
    if (error != 0)
        kp_throttle_file_close(f);
    else if (path != NULL)
        restore(f);
    return error;
}

void kp_throttle_file_close(struct kp_throttle_file *f)
{
    if (f->throttle != NULL && f->path != NULL && f->asked) {
        kp_throttle_rest(f->throttle);
        store(f);
    }
    kp_throttle_free(f->throttle);
    free(f->state);
    free(f->path);
    memset(f, 0, sizeof *f);
}

bool kp_throttle_file_take(struct kp_throttle_file *f, const uint8_t source[KP_SOURCE_LEN],
                           const char *name, size_t len, struct kp_guess *out)
{
    enum kp_verdict verdict = kp_throttle_take(f->throttle, source, name, len, kp_tls_ms(), out);
    f->asked = true;
    if (verdict == KP_GUESS_LEASE) {
        store(f);
        verdict = kp_throttle_take(f->throttle, source, name, len, kp_tls_ms(), out);
    }
    f->wanted = f->wanted || out->lease;
    return verdict == KP_GUESS_GRANTED;
}

void kp_throttle_file_look(struct kp_throttle_file *f)
{
    if (f->path != NULL && (f->wanted || kp_throttle_unsettled(f->throttle, kp_tls_ms())))
        store(f);
}
