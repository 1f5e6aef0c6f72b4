/* One login at a device: see stay.h. */
#include "stay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../keyring.h"
#include "base/secret.h"
#include "saved_file.h"

#define TLS13 0x0304

static void look(struct kp_stay *s);

static struct kp_stay *of(struct kp_device *device)
{
    return (struct kp_stay *)(void *)device; /* its first member */
}

static bool is_left(const struct kp_stay *s)
{
    return s->hooks == NULL;
}

/* ---- The end ----------------------------------------------------------------------------- */

static void free_if_done(struct kp_stay *s)
{
    if (!is_left(s) || !s->closed || s->working || s->keeping)
        return;
    kp_login_free(s->login);
    kp_context_free(s->context);
    kp_context_free(s->tls13);
    kp_text_clear(&s->user);
    kp_text_clear(&s->password);
    free(s);
}

static void device_closed(struct kp_device *device)
{
    of(device)->closed = true;
    free_if_done(of(device));
}

void kp_stay_leave(struct kp_stay *s)
{
    if (s == NULL || is_left(s))
        return;
    s->hooks = NULL;
    kp_prover_stop(s->prover);
    kp_id_reader_stop(s->reader);
    if (!s->working) { /* else a thread has them */
        kp_login_free(s->login);
        s->login = NULL;
        if (!s->keeping)
            kp_text_clear(&s->password);
    }
    kp_device_close(&s->device, device_closed);
}

void kp_stay_forget(struct kp_stay *s)
{
    if (s != NULL)
        s->forgotten = true;
}

static void settle(struct kp_stay *s, enum kp_stay_end end, const struct kp_trouble *trouble,
                   const char *why)
{
    if (s->settled || is_left(s))
        return;
    s->settled = true;
    s->hooks->settled(s, end, trouble, why);
}

/* ---- Work on a thread -------------------------------------------------------------------- */

static bool begin_work(struct kp_stay *s, uv_work_cb work, uv_after_work_cb after)
{
    s->work.data = s;
    s->working = uv_queue_work(&s->device.loop->uv, &s->work, work, after) == 0;
    return s->working;
}

static void save(uv_work_t *work)
{
    struct kp_stay *s = work->data;
    kp_remember_save(&s->remember);
}

static void tell_keyring(struct kp_stay *s)
{
    char text[KP_WORD_LEN];
    kp_text_clear(&s->password);
    if (s->why[0] == '\0')
        kp_word(text, sizeof text, s->teller->language, KP_W_PASSWORD_KEPT, NULL);
    else
        kp_word(text, sizeof text, s->teller->language, KP_W_PASSWORD_NOT_KEPT, "why", s->why,
                NULL);
    s->teller->say(s->teller->owner, s->why[0] == '\0' ? KP_TELL_NOTE : KP_TELL_WARNING, text);
}

static int drop(struct kp_saved *saved, void *arg, struct kp_file_error *error)
{
    const struct kp_stay *s = arg;
    struct kp_saved_device *device = kp_saved_by_id(saved, s->remember.id);
    (void)error;
    if (device == NULL)
        return 0;
    kp_saved_remove(saved, device);
    return 1;
}

/* It was forgotten while it was being saved. */
static void unsave(uv_work_t *work)
{
    struct kp_stay *s = work->data;
    struct kp_file_error error;
    char why[KP_KEYRING_WHY_LEN];
    (void)!kp_saved_change(drop, s, &error);
    if (s->remember.id[0] != '\0')
        (void)kp_keyring_forget(s->remember.id, NULL, why);
}

static void unsaved(uv_work_t *work, int error)
{
    struct kp_stay *s = work->data;
    (void)error;
    s->working = false;
    free_if_done(s);
}

/* It was left meanwhile: when no thread works for it any more. */
static void finish_left(struct kp_stay *s)
{
    bool forgotten = s->forgotten;
    if (s->working || s->keeping)
        return;
    s->forgotten = false;
    if (!forgotten || !begin_work(s, unsave, unsaved))
        free_if_done(s);
}

/* The person may have to unlock the keyring first, which takes minutes: what the device is must not
 * wait for that. */
static void keep(uv_work_t *work)
{
    struct kp_stay *s = work->data;
    char label[2 * KP_HOST_TEXT_LEN];
    (void)snprintf(label, sizeof label, "Keyplate: %s", s->target.where);
    if (kp_keyring_save(s->kept_id, s->user.data, label, s->password.data, s->why) == 0)
        s->why[0] = '\0';
}

static void kept(uv_work_t *work, int error)
{
    struct kp_stay *s = work->data;
    (void)error;
    s->keeping = false;
    if (is_left(s))
        finish_left(s);
    else
        tell_keyring(s);
}

static void keep_password(struct kp_stay *s)
{
    if (!s->keeps_password || s->password.len == 0)
        return;
    s->keeps_password = false;
    s->keep_work.data = s;
    memcpy(s->kept_id, s->remember.id, sizeof s->kept_id);
    s->keeping =
        s->kept_id[0] != '\0' && uv_queue_work(&s->device.loop->uv, &s->keep_work, keep, kept) == 0;
    if (s->keeping)
        return;
    kp_word(s->why, sizeof s->why, s->language,
            s->kept_id[0] == '\0' ? KP_W_PASSWORD_NEEDS_ID : KP_W_OUT_OF_MEMORY, NULL);
    tell_keyring(s);
}

static void saved(uv_work_t *work, int error)
{
    struct kp_stay *s = work->data;
    (void)error;
    s->working = false;
    if (is_left(s)) {
        finish_left(s);
        return;
    }
    kp_remember_tell(&s->remember, s->teller);
    keep_password(s);
    s->hooks->learned(s);
    look(s);
}

/* Files are slow: while pages are served a thread does it. */
static void save_aside(struct kp_stay *s)
{
    if (!s->working && s->proved && !s->stranger)
        (void)begin_work(s, save, saved);
}

/* ---- What the device is ------------------------------------------------------------------ */

static void become_strange(struct kp_stay *s)
{
    const struct kp_trouble trouble = {.stranger = true};
    s->stranger = true;
    if (!s->keeping) /* else a thread has it, for the device that was meant */
        kp_text_clear(&s->password);
    kp_remember_alarm(&s->remember, NULL, s->teller);
    kp_prover_stop(s->prover);
    kp_device_halt(&s->device, &trouble);
    if (s->settled)
        s->hooks->estranged(s);
    else
        settle(s, KP_STAY_STRANGER, NULL, NULL);
}

static void succeed(struct kp_stay *s);

static void told(void *owner, const struct kp_told *what, const char *why)
{
    struct kp_stay *s = owner;
    if (!kp_remember_told(&s->remember, what, why, s->teller)) {
        become_strange(s);
        return;
    }
    if (!s->settled)
        succeed(s);
    else if (what != NULL || s->keeps_password)
        save_aside(s);
    if (!is_left(s))
        look(s);
}

static void ask_what_it_is(struct kp_stay *s)
{
    if (s->reader == NULL && !s->working && !s->stranger)
        kp_id_reader_start(&s->reader, &s->device, told, s);
}

/* A device that is known by its id is asked before the browser gets to it; a new one meanwhile.
 * One at a time: what is due while another is looked at comes after it. */
static void look(struct kp_stay *s)
{
    const struct kp_info info = {.version = s->due};
    if (s->due == 0 || s->working || s->reader != NULL || s->stranger)
        return;
    s->due = 0;
    kp_remember_proved(&s->remember, &info);
    if (!kp_remember_asks(&s->remember))
        return;
    s->ask_later = !s->settled && s->remember.id[0] == '\0';
    if (!s->ask_later)
        ask_what_it_is(s);
}

static void device_proved(struct kp_device *device, const struct kp_info *info)
{
    struct kp_stay *s = of(device);
    if (is_left(s))
        return;
    s->hooks->connected(s, info);
    if (info->version == TLS13 && s->tls13 != NULL)
        kp_device_keep_tls13(device, s->tls13);
    s->version = info->version;
    s->suite = info->suite_name;
    if (info->resumed)
        return;
    s->pake = info->pake; /* a ticket carries on what was proved once, and has no PAKE of its own */
    s->due = info->version;
    look(s);
}

/* ---- The first handshake ----------------------------------------------------------------- */

/* It can be used from now on.  Whom a guess tells apart is told before anything goes there. */
static void succeed(struct kp_stay *s)
{
    s->proved = true;
    s->since = (uint64_t)time(NULL);
    settle(s, KP_STAY_PROVED, NULL, NULL);
    if (is_left(s))
        return;
    if (s->ask_later)
        ask_what_it_is(s);
    if (s->reader == NULL)
        save_aside(s);
}

static void tried(void *owner, const struct kp_trouble *trouble)
{
    struct kp_stay *s = owner;
    if (trouble != NULL)
        settle(s, KP_STAY_TROUBLE, trouble, NULL);
    else if (s->reader == NULL && !s->stranger)
        succeed(s); /* else when it has said what it is */
}

static void halted(struct kp_device *device)
{
    struct kp_stay *s = of(device);
    if (!is_left(s) && s->settled && s->proved)
        s->hooks->refused(s, &device->trouble);
}

static void fail(struct kp_stay *s, int error)
{
    const struct kp_trouble trouble = {.stage = KP_AT_HANDSHAKE, .error = error};
    settle(s, KP_STAY_TROUBLE, &trouble, NULL);
}

static void ask_keyring(struct kp_stay *s)
{
    char *password = NULL;
    const char *id = s->target.id;
    int result = id[0] == '\0' ? 1 : kp_keyring_get(id, s->user.data, &password, s->why);
    s->no_password = result != 0 || kp_text_password(&s->password, password, strlen(password)) != 0;
    if (result == 1)
        s->why[0] = '\0';
    kp_keyring_wipe(password);
}

/* scrypt takes a tenth of a second and more. */
static void make_login(uv_work_t *work)
{
    struct kp_stay *s = work->data;
    const char *id = kp_target_login_id(&s->target);
    const uint8_t *password;
    if (s->password.len == 0)
        ask_keyring(s);
    if (s->no_password)
        return;
    password = (const uint8_t *)s->password.data;
    s->error =
        kp_login_new(&s->login, s->context, s->user.data, s->user.len, password, s->password.len);
    if (s->error == 0 && id != NULL)
        s->error =
            kp_login_device(s->login, password, s->password.len, (const uint8_t *)id, strlen(id));
}

static void login_made(uv_work_t *work, int error)
{
    struct kp_stay *s = work->data;
    s->working = false;
    if (!s->keeps_password || is_left(s))
        kp_text_clear(&s->password);
    if (is_left(s)) {
        free_if_done(s);
        return;
    }
    if (s->no_password)
        settle(s, KP_STAY_NO_PASSWORD, NULL, s->why[0] != '\0' ? s->why : NULL);
    else if (error != 0 || s->error != 0)
        fail(s, error != 0 ? KP_E_MEMORY : s->error);
    else {
        s->device.login = s->login;
        kp_prover_start(&s->prover, &s->device, tried, s);
    }
}

/* ---- Life -------------------------------------------------------------------------------- */

static int make_contexts(struct kp_stay *s)
{
    static const char *const alpn[] = {"http/1.1"};
    struct kp_settings settings = {
        .role = KP_CLIENT,
        .versions = s->target.offered.versions,
        .pake = s->target.offered.pake,
        .alpn = alpn,
        .alpn_count = 1,
        .buffer_len = KP_RECORD_BUFFER_LEN,
    };
    int error = kp_context_new(&s->context, &settings);
    if (error == 0 && settings.versions == (KP_USE_TLS12 | KP_USE_TLS13)) {
        settings.versions = KP_USE_TLS13;
        error = kp_context_new(&s->tls13, &settings);
    }
    return error;
}

static int copy_plan(struct kp_stay *s, const struct kp_stay_plan *plan)
{
    int error = kp_text_copy(&s->user, plan->user->data, plan->user->len);
    if (error == 0 && plan->password->len > 0)
        error = kp_text_copy(&s->password, plan->password->data, plan->password->len);
    kp_target_copy(&s->target, plan->target);
    s->teller = plan->teller;
    s->language = plan->teller->language;
    s->keeps_password = plan->keeps_password;
    return error != 0 ? error : make_contexts(s);
}

struct kp_stay *kp_stay_begin(const struct kp_stay_plan *plan, const struct kp_stay_hooks *hooks,
                              void *owner)
{
    struct kp_stay *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->hooks = hooks;
    s->owner = owner;
    if (copy_plan(s, plan) != 0) {
        s->hooks = NULL;
        s->closed = true;
        free_if_done(s);
        return NULL;
    }
    kp_device_init(&s->device, plan->loop, s->context, &s->target.link.host, NULL);
    s->device.on_proved = device_proved;
    s->device.on_halt = halted;
    s->device.offered = s->target.offered;
    kp_remember_init(&s->remember, &s->target, &s->user);
    (void)snprintf(s->remember.name, sizeof s->remember.name, "%s", plan->name);
    if (begin_work(s, make_login, login_made))
        return s;
    kp_stay_leave(s);
    return NULL;
}
