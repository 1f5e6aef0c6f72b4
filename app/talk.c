/* The main thread's side of the engine: see talk.h. */
#include "talk.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine.h"

struct question {
    kp_talk_answer answer;
    gpointer owner;
};

struct watcher {
    guint id; /* 0: removed while an event is told */
    kp_talk_event event;
    gpointer owner;
};

/* What messages on their way look for: it outlives the talk.  The main thread's. */
struct letterbox {
    struct kp_talk *talk; /* NULL: freed */
};

struct kp_talk {
    struct kp_engine *engine;
    struct letterbox *letterbox; /* a g_atomic_rc_box */
    GHashTable *questions;       /* struct question, by id */
    GArray *watchers;            /* struct watcher */
    guint last_id, last_watch, telling;
    gboolean has_keyring;
};

struct letter {
    struct letterbox *letterbox;
    gsize len;
    char text[];
};

/* ---- What comes -------------------------------------------------------------------------- */

static void tell_answer(struct kp_talk *talk, const cJSON *message, gpointer id)
{
    struct question *question = g_hash_table_lookup(talk->questions, id);
    struct question asked;
    if (question == NULL)
        return;
    asked = *question;
    (void)g_hash_table_remove(talk->questions, id);
    if (asked.answer != NULL)
        asked.answer(message, asked.owner);
}

static void sweep(struct kp_talk *talk)
{
    for (guint i = talk->watchers->len; i > 0; i--)
        if (g_array_index(talk->watchers, struct watcher, i - 1).id == 0)
            (void)g_array_remove_index(talk->watchers, i - 1);
}

/* Whoever is told may watch and unwatch, but not free the talk. */
static void tell_event(struct kp_talk *talk, const cJSON *message, const char *event)
{
    guint count = talk->watchers->len;
    talk->telling++;
    for (guint i = 0; i < count; i++) {
        struct watcher watcher = g_array_index(talk->watchers, struct watcher, i);
        if (watcher.id != 0)
            watcher.event(event, message, watcher.owner);
    }
    if (--talk->telling == 0)
        sweep(talk);
}

static gboolean open_letter(gpointer data)
{
    const struct letter *letter = data;
    struct kp_talk *talk = letter->letterbox->talk;
    cJSON *message;
    const cJSON *id;
    if (talk == NULL)
        return G_SOURCE_REMOVE;
    message = cJSON_ParseWithLength(letter->text, letter->len);
    id = cJSON_GetObjectItemCaseSensitive(message, "id");
    if (cJSON_IsNumber(id))
        tell_answer(talk, message, GINT_TO_POINTER(id->valueint));
    else if (message != NULL)
        tell_event(talk, message, kp_talk_text(message, "event"));
    cJSON_Delete(message);
    return G_SOURCE_REMOVE;
}

/* Answers to a login have secrets of the hub. */
static void free_letter(gpointer data)
{
    struct letter *letter = data;
    g_atomic_rc_box_release(letter->letterbox);
    explicit_bzero(letter->text, letter->len);
    g_free(letter);
}

/* On the engine's thread. */
static void post(void *owner, const char *text, size_t len)
{
    struct letter *letter = g_malloc(sizeof *letter + len);
    GSource *source = g_idle_source_new();
    letter->letterbox = g_atomic_rc_box_acquire(owner);
    letter->len = len;
    memcpy(letter->text, text, len);
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, open_letter, letter, free_letter);
    (void)g_source_attach(source, NULL);
    g_source_unref(source);
}

/* ---- What goes --------------------------------------------------------------------------- */

cJSON *kp_talk_request(const char *type)
{
    cJSON *request = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(request, "type", type);
    return request;
}

guint kp_talk_ask(struct kp_talk *talk, cJSON *request, kp_talk_answer answer, gpointer owner)
{
    struct question *question = g_new(struct question, 1);
    char *text;
    talk->last_id = talk->last_id % G_MAXINT + 1;
    *question = (struct question){answer, owner};
    (void)g_hash_table_insert(talk->questions, GUINT_TO_POINTER(talk->last_id), question);
    (void)cJSON_AddNumberToObject(request, "id", talk->last_id);
    text = cJSON_PrintUnformatted(request);
    if (text == NULL || !kp_engine_send(talk->engine, text, strlen(text)))
        g_error("out of memory");
    cJSON_free(text);
    cJSON_Delete(request);
    return talk->last_id;
}

void kp_talk_drop(struct kp_talk *talk, guint id)
{
    (void)g_hash_table_remove(talk->questions, GUINT_TO_POINTER(id));
}

guint kp_talk_watch(struct kp_talk *talk, kp_talk_event event, gpointer owner)
{
    const struct watcher watcher = {++talk->last_watch, event, owner};
    (void)g_array_append_val(talk->watchers, watcher);
    return watcher.id;
}

void kp_talk_unwatch(struct kp_talk *talk, guint id)
{
    for (guint i = 0; i < talk->watchers->len; i++) {
        struct watcher *watcher = &g_array_index(talk->watchers, struct watcher, i);
        if (watcher->id == id)
            watcher->id = 0;
    }
    if (talk->telling == 0)
        sweep(talk);
}

/* ---- Tunnels ----------------------------------------------------------------------------- */

/* On the engine's thread. */
static void over(void *owner, bool in_order)
{
    gint *cut = owner;
    if (!in_order)
        g_atomic_int_set(cut, 1);
    g_atomic_rc_box_release(cut);
}

int kp_talk_tunnel(struct kp_talk *talk, const char *name, gint **cut)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return -1;
    *cut = g_atomic_rc_box_new0(gint);
    kp_engine_tunnel(talk->engine, name, ends[1], over, g_atomic_rc_box_acquire(*cut));
    return ends[0];
}

/* ---- Life -------------------------------------------------------------------------------- */

static void welcomed(const cJSON *answer, gpointer owner)
{
    struct kp_talk *talk = owner;
    if (!kp_talk_true(answer, "ok"))
        g_error("the engine doesn't know this app: %s", kp_talk_text(answer, "text"));
    talk->has_keyring = kp_talk_true(answer, "keyring");
}

static void say_hello(struct kp_talk *talk)
{
    cJSON *hello = kp_talk_request("hello");
    (void)cJSON_AddNumberToObject(hello, "protocol", 1);
    (void)cJSON_AddStringToObject(hello, "client", "app");
    (void)cJSON_AddBoolToObject(hello, "lasting", FALSE);
    (void)kp_talk_ask(talk, hello, welcomed, talk);
}

struct kp_talk *kp_talk_new(char **why)
{
    struct kp_talk *talk = g_new0(struct kp_talk, 1);
    char sentence[KP_ENGINE_WHY_LEN];
    talk->letterbox = g_atomic_rc_box_new0(struct letterbox);
    talk->letterbox->talk = talk;
    talk->questions = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    talk->watchers = g_array_new(FALSE, FALSE, sizeof(struct watcher));
    talk->engine = kp_engine_start(
        &(struct kp_engine_hooks){.message = post, .owner = talk->letterbox}, sentence);
    if (talk->engine != NULL) {
        say_hello(talk);
        return talk;
    }
    *why = g_strdup(sentence);
    kp_talk_free(talk);
    return NULL;
}

void kp_talk_free(struct kp_talk *talk)
{
    if (talk == NULL)
        return;
    kp_engine_stop(talk->engine);
    talk->letterbox->talk = NULL;
    g_atomic_rc_box_release(talk->letterbox);
    g_hash_table_unref(talk->questions);
    g_array_unref(talk->watchers);
    g_free(talk);
}

gboolean kp_talk_has_keyring(const struct kp_talk *talk)
{
    return talk->has_keyring;
}

/* ---- Reading ----------------------------------------------------------------------------- */

const char *kp_talk_text(const cJSON *message, const char *member)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(message, member));
    return text != NULL ? text : "";
}

gboolean kp_talk_true(const cJSON *message, const char *member)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(message, member));
}
