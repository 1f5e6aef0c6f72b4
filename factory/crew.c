/* Threads that make devices: see crew.h. */
#include "crew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/secret.h"

#define BATCH 64
#define BATCH_NS 500000000u /* a batch is ended by time, too: what a power cut costs */
#define TELL_NS 200000000u
#define STACK ((size_t)512 * 1024)

struct crew {
    const struct kp_crew_plan *plan;
    uv_mutex_t lock; /* of all below, and of the journal */
    uv_cond_t changed;
    unsigned long next; /* the place that is looked at next */
    unsigned long given_back[KP_CREW_MAX];
    size_t given_back_count;
    unsigned working; /* threads that haven't ended */
    bool is_over;     /* stopped, or something failed */
    int result;
    struct kp_file_error error; /* of the first that failed */
};

struct batch {
    unsigned long places[BATCH];
    char passwords[BATCH][KP_LABEL_LEN + 1]; /* secret */
    size_t count;
};

/* The next device that is to be made; false: there is none. */
static bool take_place(struct crew *crew, unsigned long *place)
{
    const struct kp_journal *journal = crew->plan->journal;
    bool found = false;
    uv_mutex_lock(&crew->lock);
    crew->is_over = crew->is_over || *crew->plan->stop;
    if (!crew->is_over && crew->given_back_count > 0) {
        *place = crew->given_back[--crew->given_back_count];
        found = true;
    }
    for (; !crew->is_over && !found && crew->next < journal->serials->count; crew->next++) {
        found = journal->passwords[crew->next][0] == '\0';
        *place = crew->next;
    }
    uv_mutex_unlock(&crew->lock);
    return found;
}

static void fail(struct crew *crew, int result, const struct kp_file_error *error)
{
    uv_mutex_lock(&crew->lock);
    if (crew->result == 0) {
        crew->result = result;
        crew->error = *error;
    }
    crew->is_over = true;
    uv_mutex_unlock(&crew->lock);
}

/* Where memory is short the others go on: this thread gives its device back and ends. */
static bool may_leave(struct crew *crew, int result, unsigned long place)
{
    bool may = false;
    if (result != KP_E_MEMORY && result != KP_E_CRYPTO)
        return false;
    uv_mutex_lock(&crew->lock);
    if (crew->working > 1) {
        crew->given_back[crew->given_back_count++] = place;
        crew->working--;
        may = true;
    }
    uv_mutex_unlock(&crew->lock);
    return may;
}

/* Makes devices until the batch is full, its time is over, or there are none; *more: there may be
 * others.  false: the thread leaves; what is in the batch is whole. */
static bool fill(struct crew *crew, struct batch *batch, bool *more)
{
    char serial[KP_SERIAL_LEN + 1];
    struct kp_file_error error = {""};
    uint64_t end = uv_hrtime() + BATCH_NS;
    unsigned long place;
    batch->count = 0;
    while (batch->count < BATCH && uv_hrtime() < end) {
        *more = take_place(crew, &place);
        if (!*more)
            return true;
        (void)kp_serials_at(&crew->plan->device.order->serials, place, serial);
        int result =
            kp_device_make(&crew->plan->device, serial, batch->passwords[batch->count], &error);
        if (result == 0) {
            batch->places[batch->count++] = place;
            continue;
        }
        *more = false;
        if (may_leave(crew, result, place))
            return false;
        fail(crew, result, &error);
        return true;
    }
    return true;
}

static int sync_batch(const struct crew *crew, const struct batch *batch,
                      struct kp_file_error *error)
{
    const struct kp_device_plan *plan = &crew->plan->device;
    char serial[KP_SERIAL_LEN + 1];
    int result = 0;
    for (size_t i = 0; result == 0 && i < batch->count; i++)
        result = kp_device_sync(
            plan, kp_serials_at(&plan->order->serials, batch->places[i], serial), error);
    return result == 0 ? kp_files_sync(plan->work, ".", error) : result;
}

static int place_batch(const struct crew *crew, const struct batch *batch,
                       struct kp_file_error *error)
{
    const struct kp_device_plan *plan = &crew->plan->device;
    char serial[KP_SERIAL_LEN + 1];
    int result = 0;
    for (size_t i = 0; result == 0 && i < batch->count; i++)
        result = kp_files_move(plan->work,
                               kp_serials_at(&plan->order->serials, batch->places[i], serial),
                               crew->plan->place->folder, error);
    return result == 0 ? kp_files_sync(crew->plan->place->folder, ".", error) : result;
}

/* Whatever fails here, the next run puts in order by the journal. */
static void commit(struct crew *crew, struct batch *batch)
{
    struct kp_file_error error = {""};
    if (batch->count > 0) {
        int result = sync_batch(crew, batch, &error);
        if (result == 0) {
            uv_mutex_lock(&crew->lock);
            result = kp_journal_add(crew->plan->journal, batch->places, batch->passwords,
                                    batch->count, &error);
            uv_mutex_unlock(&crew->lock);
        }
        if (result == 0)
            result = place_batch(crew, batch, &error);
        if (result != 0)
            fail(crew, result, &error);
    }
    kp_wipe(batch, sizeof *batch);
}

static void work(void *arg)
{
    struct crew *crew = arg;
    struct batch batch = {.count = 0};
    bool more = true, stays = true;
    while (more) {
        stays = fill(crew, &batch, &more);
        commit(crew, &batch);
    }
    uv_mutex_lock(&crew->lock);
    if (stays)
        crew->working--;
    uv_cond_signal(&crew->changed);
    uv_mutex_unlock(&crew->lock);
}

static void watch(struct crew *crew)
{
    const struct kp_crew_plan *plan = crew->plan;
    unsigned long made;
    do {
        uv_mutex_lock(&crew->lock);
        if (crew->working > 0)
            (void)uv_cond_timedwait(&crew->changed, &crew->lock, TELL_NS);
        unsigned working = crew->working;
        made = plan->journal->count;
        uv_mutex_unlock(&crew->lock);
        plan->tell(plan->arg, made);
        if (working == 0)
            return;
    } while (true);
}

/* As many threads as can be had, of those that are wanted. */
static unsigned start(struct crew *crew, uv_thread_t *threads)
{
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK};
    unsigned count = 0;
    crew->working = crew->plan->threads;
    while (count < crew->plan->threads &&
           uv_thread_create_ex(&threads[count], &options, work, crew) == 0)
        count++;
    uv_mutex_lock(&crew->lock);
    crew->working -= crew->plan->threads - count;
    uv_mutex_unlock(&crew->lock);
    return count;
}

int kp_crew_work(const struct kp_crew_plan *plan, struct kp_file_error *error)
{
    uv_thread_t threads[KP_CREW_MAX];
    struct crew *crew = calloc(1, sizeof *crew);
    if (crew == NULL || uv_mutex_init(&crew->lock) != 0) {
        free(crew);
        (void)snprintf(error->why, sizeof error->why, "%s", kp_error_text(KP_E_MEMORY));
        return KP_E_MEMORY;
    }
    crew->plan = plan;
    int result = KP_E_MEMORY;
    if (uv_cond_init(&crew->changed) == 0) {
        unsigned count = start(crew, threads);
        watch(crew);
        for (unsigned i = 0; i < count; i++)
            (void)uv_thread_join(&threads[i]);
        uv_cond_destroy(&crew->changed);
        result = crew->result;
        *error = crew->error;
        if (count == 0) {
            (void)snprintf(error->why, sizeof error->why, "no thread can be started");
            result = KP_E_MEMORY;
        }
    }
    uv_mutex_destroy(&crew->lock);
    free(crew);
    return result;
}
