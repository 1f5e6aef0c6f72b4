/* The sheets of labels and the manifest: see papers.h. */
#include "papers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "device.h"
#include "manifest.h"

#define BUFFER_LEN 65536
#define TELL_EACH 64 /* labels */

/* A file of ours that nobody sees before it is whole; -1 with error. */
static int make_file(const struct kp_papers_plan *plan, const char *name,
                     struct kp_file_error *error)
{
    if (kp_files_remove(plan->place->work, name, error) != 0)
        return -1;
    int fd =
        openat(plan->place->work, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        (void)kp_files_fail(error, "write", name);
    return fd;
}

/* Puts it in its place, whole and durable, or removes it. */
static int settle(const struct kp_papers_plan *plan, const char *name, unsigned mode, int fd,
                  int result, struct kp_file_error *error)
{
    struct kp_file_error ignored;
    if (result == 0 && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
        result = kp_files_fail(error, "write", name);
    if (close(fd) != 0 && result == 0)
        result = kp_files_fail(error, "write", name);
    if (result == 0)
        result = kp_files_replace(plan->place->work, name, plan->place->folder, name, error);
    if (result != 0)
        (void)!kp_files_remove(plan->place->work, name, &ignored);
    return result;
}

/* ---- The sheets -------------------------------------------------------------------------- */

static int add_labels(const struct kp_papers_plan *plan, struct kp_plate_sheets *sheets,
                      bool *stopped)
{
    char serial[KP_SERIAL_LEN + 1], link[KP_LABEL_LINK_LEN];
    struct kp_plate plate;
    int result = 0;
    for (unsigned long i = 0; result == 0 && !*stopped && i < plan->journal->serials->count; i++) {
        (void)kp_serials_at(plan->journal->serials, i, serial);
        result = kp_order_plate(plan->order, serial, plan->journal->passwords[i], link, &plate);
        if (result == 0)
            result = kp_plate_sheets_add(sheets, &plate);
        if (i % TELL_EACH == 0)
            plan->tell(plan->arg, i);
        *stopped = *plan->stop;
    }
    kp_wipe(link, sizeof link);
    return result;
}

static int fail_sheets(int result, struct kp_file_error *error)
{
    if (result == KP_E_ARGUMENT && errno != 0)
        return kp_files_fail(error, "write", KP_PLACE_SHEETS);
    (void)snprintf(error->why, sizeof error->why, "cannot write %s: %s", KP_PLACE_SHEETS,
                   kp_error_text(result));
    return result;
}

static int write_sheets(const struct kp_papers_plan *plan, bool *stopped,
                        struct kp_file_error *error)
{
    struct kp_plate_sheets *sheets = NULL;
    int fd = make_file(plan, KP_PLACE_SHEETS, error);
    if (fd < 0)
        return KP_E_ARGUMENT;
    errno = 0;
    int result = kp_plate_sheets_open(&sheets, plan->order->template, fd);
    if (result == 0) {
        result = add_labels(plan, sheets, stopped);
        int saved = errno;
        int closed = kp_plate_sheets_close(sheets);
        if (result != 0)
            errno = saved;
        else
            result = closed;
    }
    if (result != 0)
        result = fail_sheets(result, error);
    if (*stopped) {
        (void)close(fd);
        return 0;
    }
    return settle(plan, KP_PLACE_SHEETS, 0600, fd, result, error);
}

/* ---- The manifest ------------------------------------------------------------------------ */

static bool put_row(const struct kp_papers_plan *plan, const struct kp_manifest_form *form,
                    FILE *to, unsigned long i)
{
    char serial[KP_SERIAL_LEN + 1], link[KP_LABEL_LINK_LEN];
    char file[KP_SERIAL_LEN + sizeof "/" KP_DEVICE_CREDENTIALS];
    (void)kp_serials_at(plan->journal->serials, i, serial);
    (void)snprintf(file, sizeof file, "%s/" KP_DEVICE_CREDENTIALS, serial);
    const struct kp_manifest_row row = {
        .serial = serial,
        .model = plan->order->model,
        .user = plan->order->user.data,
        .link = link,
        .file = file,
        .password = plan->order->with_passwords ? plan->journal->passwords[i] : NULL};
    if (kp_order_link(plan->order, serial, link) != 0) {
        errno = EINVAL;
        return false;
    }
    return form->row(to, &row, i == 0);
}

static bool put_rows(const struct kp_papers_plan *plan, const struct kp_manifest_form *form,
                     FILE *to, bool *stopped)
{
    bool good = form->begin(to, plan->order->with_passwords);
    for (unsigned long i = 0; good && !*stopped && i < plan->journal->serials->count; i++) {
        good = put_row(plan, form, to, i);
        *stopped = *plan->stop;
    }
    return good && form->end(to) && fflush(to) == 0;
}

/* By a buffer of our own: it has passwords. */
static int write_rows(const struct kp_papers_plan *plan, const struct kp_manifest_form *form,
                      const char *name, int fd, bool *stopped, struct kp_file_error *error)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    FILE *to = own >= 0 ? fdopen(own, "w") : NULL;
    char *buffer = to != NULL ? malloc(BUFFER_LEN) : NULL;
    bool good = false;
    if (buffer != NULL && setvbuf(to, buffer, _IOFBF, BUFFER_LEN) == 0)
        good = put_rows(plan, form, to, stopped);
    int result = good ? 0 : kp_files_fail(error, "write", name);
    if (to != NULL)
        (void)fclose(to);
    else if (own >= 0)
        (void)close(own);
    kp_free_secret(buffer, BUFFER_LEN);
    return result;
}

static int write_manifest(const struct kp_papers_plan *plan, const struct kp_manifest_form *form,
                          const char *name, bool *stopped, struct kp_file_error *error)
{
    int fd = make_file(plan, name, error);
    if (fd < 0)
        return KP_E_ARGUMENT;
    int result = write_rows(plan, form, name, fd, stopped, error);
    if (*stopped) {
        (void)close(fd);
        return 0;
    }
    return settle(plan, name, plan->order->with_passwords ? 0600 : 0644, fd, result, error);
}

int kp_papers_write(const struct kp_papers_plan *plan, bool *stopped, struct kp_file_error *error)
{
    *stopped = false;
    int result = write_sheets(plan, stopped, error);
    if (result == 0 && !*stopped)
        result = write_manifest(plan, &kp_manifest_csv, KP_PLACE_CSV, stopped, error);
    if (result == 0 && !*stopped)
        result = write_manifest(plan, &kp_manifest_json, KP_PLACE_JSON, stopped, error);
    if (result == 0 && !*stopped)
        result = kp_files_sync(plan->place->folder, ".", error);
    return result;
}
