/* The folder that devices are made in: see place.h. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE ".keyplate"
#define LOCK "lock"
#define ORDER "order"
#define ORDER_NEW "order.new"
#define DONE "done"
#define WORK "work"
#define ORDER_MAX 4096

static int refuse(struct kp_file_error *error, const char *why)
{
    (void)snprintf(error->why, sizeof error->why, "%s", why);
    return KP_E_ARGUMENT;
}

static void set_free(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void kp_place_close(struct kp_place *place)
{
    set_free(&place->work);
    set_free(&place->lock);
    set_free(&place->state);
    set_free(&place->folder);
}

/* ---- Opening ----------------------------------------------------------------------------- */

/* The path may be a link to a folder: it is the person's own word. */
static int open_folder(struct kp_place *place, const char *path, struct kp_file_error *error)
{
    struct stat st;
    struct kp_file_error ignored;
    bool is_new = mkdir(path, 0700) == 0;
    if (!is_new && errno != EEXIST)
        return kp_files_fail(error, "make the folder", path);
    place->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->folder < 0 || fstat(place->folder, &st) != 0)
        return kp_files_fail(error, "open the folder", path);
    /* Its own name, too, where the folder above may be read. */
    if (is_new)
        (void)!kp_files_sync(place->folder, "..", &ignored);
    if (st.st_uid != geteuid())
        return refuse(error, "the folder is somebody else's: passwords go into one of your own");
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return refuse(error, "others may write in the folder: chmod 700 it, or take another");
    return 0;
}

static bool see_stranger(void *arg, const char *name)
{
    bool *is_strange = arg;
    *is_strange = strcmp(name, STATE) != 0;
    return !*is_strange;
}

/* A folder that nobody has begun has nothing in it. */
static int check_empty(const struct kp_place *place, struct kp_file_error *error)
{
    bool is_strange = false;
    int result = kp_files_each(place->folder, see_stranger, &is_strange, error);
    if (result == 0 && is_strange)
        return refuse(error, "the folder has other things in it: take an empty one");
    return result;
}

static bool is_there(int folder, const char *name)
{
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int take_lock(struct kp_place *place, struct kp_file_error *error)
{
    place->lock = openat(place->state, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (place->lock < 0)
        return kp_files_fail(error, "open", "the lock");
    if (flock(place->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return refuse(error, "another keyplate provision is at work there");
    return kp_files_fail(error, "take", "the lock");
}

/* ---- The order --------------------------------------------------------------------------- */

static int keep_order(const struct kp_place *place, const struct kp_order *order,
                      struct kp_file_error *error)
{
    struct kp_text text;
    int result = kp_order_format(order, &text);
    if (result != 0)
        return refuse(error, kp_error_text(result));
    result = kp_files_remove(place->state, ORDER_NEW, error);
    if (result == 0)
        result = kp_files_write(place->state, ORDER_NEW, 0600, text.data, text.len, error);
    if (result == 0)
        result = kp_files_sync(place->state, ORDER_NEW, error);
    if (result == 0)
        result = kp_files_replace(place->state, ORDER_NEW, place->state, ORDER, error);
    if (result == 0)
        result = kp_files_sync(place->state, ".", error);
    if (result == 0)
        result = kp_files_sync(place->folder, ".", error);
    kp_text_clear(&text);
    return result;
}

static int compare_order(const struct kp_place *place, const struct kp_order *order,
                         struct kp_file_error *error)
{
    char text[ORDER_MAX];
    struct kp_file_error differs = {""};
    int fd = openat(place->state, ORDER, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (len < 0)
        (void)kp_files_fail(error, "read", STATE "/" ORDER);
    if (fd >= 0)
        (void)close(fd);
    if (len < 0)
        return KP_E_ARGUMENT;
    if (kp_order_compare(order, text, (size_t)len, &differs) == 0)
        return 0;
    int n = snprintf(error->why, sizeof error->why,
                     "the folder was begun by another command: %s; give the same again, or take "
                     "another folder",
                     differs.why);
    if (n < 0 || (size_t)n >= sizeof error->why)
        return refuse(error, "the folder was begun by another command: take another folder");
    return KP_E_ARGUMENT;
}

static int open_state(struct kp_place *place, const struct kp_order *order,
                      struct kp_file_error *error)
{
    int result = kp_files_folder(place->folder, STATE, &place->state, error);
    if (result == 0)
        result = take_lock(place, error);
    if (result != 0)
        return result;
    place->is_begun = is_there(place->state, ORDER);
    place->is_done = is_there(place->state, DONE);
    if (place->is_begun)
        return compare_order(place, order, error);
    result = check_empty(place, error);
    return result == 0 ? keep_order(place, order, error) : result;
}

int kp_place_open(struct kp_place *place, const char *path, const struct kp_order *order,
                  struct kp_file_error *error)
{
    *place = (struct kp_place){.folder = -1, .state = -1, .lock = -1, .work = -1};
    int result = open_folder(place, path, error);
    /* Nothing is made in a folder of other things. */
    if (result == 0 && !is_there(place->folder, STATE))
        result = check_empty(place, error);
    if (result == 0)
        result = open_state(place, order, error);
    if (result == 0 && !place->is_done)
        result = kp_files_folder(place->state, WORK, &place->work, error);
    if (result != 0)
        kp_place_close(place);
    return result;
}

/* ---- What is there ----------------------------------------------------------------------- */

struct census {
    const struct kp_serials *serials;
    const struct kp_journal *journal; /* NULL: any device is welcome */
    bool *here;
    unsigned long count;
    char stranger[KP_SERIAL_LEN + 1]; /* that isn't in the journal; "": none */
};

static bool see_device(void *arg, const char *name)
{
    struct census *c = arg;
    unsigned long at;
    if (!kp_serials_find(c->serials, name, strlen(name), &at))
        return true;
    c->count++;
    c->here[at] = true;
    if (c->journal == NULL || c->journal->passwords[at][0] != '\0')
        return true;
    (void)kp_serials_at(c->serials, at, c->stranger);
    return false;
}

/* c->here is to be freed by the caller after 0. */
static int take_census(const struct kp_place *place, struct census *c, struct kp_file_error *error)
{
    c->here = calloc(c->serials->count, sizeof *c->here);
    if (c->here == NULL)
        return refuse(error, kp_error_text(KP_E_MEMORY));
    int result = kp_files_each(place->folder, see_device, c, error);
    if (result == 0 && c->stranger[0] != '\0') {
        (void)snprintf(error->why, sizeof error->why,
                       "%s is in the folder, but no run has made it: take it out", c->stranger);
        result = KP_E_ARGUMENT;
    }
    if (result != 0)
        free(c->here);
    return result;
}

static int put_back(const struct kp_place *place, const char *serial, struct kp_file_error *error)
{
    int result = kp_files_move(place->work, serial, place->folder, error);
    if (result == KP_E_NOT_FOUND)
        (void)snprintf(error->why, sizeof error->why,
                       "%s was made and isn't in the folder any more: put it back until all are "
                       "made",
                       serial);
    return result;
}

int kp_place_recover(const struct kp_place *place, const struct kp_journal *journal,
                     struct kp_file_error *error)
{
    struct census c = {.serials = journal->serials, .journal = journal};
    char serial[KP_SERIAL_LEN + 1];
    int result = take_census(place, &c, error);
    if (result != 0)
        return result;
    for (unsigned long i = 0; result == 0 && i < c.serials->count; i++)
        if (journal->passwords[i][0] != '\0' && !c.here[i])
            result = put_back(place, kp_serials_at(c.serials, i, serial), error);
    free(c.here);
    if (result == 0)
        result = kp_files_empty(place->work, error);
    if (result == 0)
        result = kp_files_sync(place->folder, ".", error);
    return result;
}

int kp_place_count(const struct kp_place *place, const struct kp_serials *serials,
                   unsigned long *count, struct kp_file_error *error)
{
    struct census c = {.serials = serials};
    int result = take_census(place, &c, error);
    *count = c.count;
    if (result == 0)
        free(c.here);
    return result;
}

int kp_place_finish(struct kp_place *place, struct kp_file_error *error)
{
    int result = 0;
    if (!place->is_done)
        result = kp_files_write(place->state, DONE, 0600, "", 0, error);
    if (result == 0)
        result = kp_files_sync(place->state, ".", error);
    if (result != 0)
        return result;
    place->is_done = true;
    set_free(&place->work);
    result = kp_files_remove(place->state, KP_PLACE_JOURNAL, error);
    /* A work folder of a run that was killed has nothing in it that is needed. */
    int work;
    if (result == 0 && is_there(place->state, WORK)) {
        result = kp_files_folder(place->state, WORK, &work, error);
        if (result == 0) {
            result = kp_files_empty(work, error);
            (void)close(work);
        }
        if (result == 0)
            result = kp_files_remove(place->state, WORK, error);
    }
    return result == 0 ? kp_files_sync(place->state, ".", error) : result;
}
