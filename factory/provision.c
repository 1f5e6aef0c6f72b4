/* The run as a whole: see provision.h. */
#include "provision.h"

#include <uv.h>

#include "crew.h"
#include "journal.h"
#include "papers.h"
#include "place.h"
#include "progress.h"

struct run {
    const struct kp_provision *provision;
    struct kp_provision_outcome *outcome;
    struct kp_file_error *error;
    struct kp_place place;
    struct kp_journal journal;
    struct kp_progress progress;
};

static void tell(void *arg, unsigned long done)
{
    struct run *run = arg;
    kp_progress_tell(&run->progress, done, uv_hrtime());
}

static void begin_telling(struct run *run, const char *what, unsigned long done)
{
    kp_progress_begin(&run->progress, run->provision->progress, what, done,
                      run->provision->order->serials.count, uv_hrtime());
}

static bool is_stopped(const struct run *run)
{
    return *run->provision->stop != 0;
}

static int make_devices(struct run *run)
{
    const struct kp_provision *provision = run->provision;
    struct kp_crew_plan plan = {
        .device = {provision->order, provision->crypto, run->place.work},
        .place = &run->place,
        .journal = &run->journal,
        .threads = provision->jobs,
        .stop = provision->stop,
        .tell = tell,
        .arg = run,
    };
    unsigned long missing = provision->order->serials.count - run->journal.count;
    int result = 0;
    if (plan.threads > missing)
        plan.threads = (unsigned)missing;
    begin_telling(run, "devices", run->journal.count);
    while (result == 0 && !is_stopped(run) &&
           run->journal.count < provision->order->serials.count) {
        result = kp_crew_work(&plan, run->error);
        /* Threads that leave for want of memory may leave a device behind. */
        plan.threads = 1;
    }
    kp_progress_end(&run->progress);
    return result;
}

static int make_papers(struct run *run)
{
    const struct kp_papers_plan plan = {run->provision->order, &run->place, &run->journal,
                                        run->provision->stop,  tell,        run};
    bool stopped = false;
    begin_telling(run, "labels on sheets", 0);
    int result = kp_papers_write(&plan, &stopped, run->error);
    kp_progress_end(&run->progress);
    if (result == 0 && !stopped)
        result = kp_place_finish(&run->place, run->error);
    run->outcome->is_stopped = stopped;
    return result;
}

static int make_all(struct run *run)
{
    int result = kp_place_recover(&run->place, &run->journal, run->error);
    run->outcome->before = run->journal.count;
    if (result == 0)
        result = make_devices(run);
    run->outcome->made = run->journal.count;
    run->outcome->is_stopped = is_stopped(run);
    if (result == 0 && run->journal.count == run->provision->order->serials.count &&
        !is_stopped(run))
        result = make_papers(run);
    return result;
}

/* What a kill at the very end left is cleared away; else nothing is changed. */
static int look_again(struct run *run)
{
    run->outcome->was_done = true;
    int result = kp_place_count(&run->place, &run->provision->order->serials, &run->outcome->made,
                                run->error);
    return result == 0 ? kp_place_finish(&run->place, run->error) : result;
}

int kp_provision_run(const struct kp_provision *provision, struct kp_provision_outcome *outcome,
                     struct kp_file_error *error)
{
    struct run run = {.provision = provision, .outcome = outcome, .error = error};
    *outcome = (struct kp_provision_outcome){.made = 0};
    int result = kp_place_open(&run.place, provision->path, provision->order, error);
    if (result != 0)
        return result;
    if (run.place.is_done) {
        result = look_again(&run);
    } else {
        result = kp_journal_open(&run.journal, &provision->order->serials, run.place.state,
                                 KP_PLACE_JOURNAL, error);
        if (result == 0) {
            result = make_all(&run);
            kp_journal_close(&run.journal);
        }
    }
    kp_place_close(&run.place);
    return result;
}
