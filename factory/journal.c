/* The journal of what was made: see journal.h. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

#define ROW_MAX (KP_SERIAL_LEN + 1 + KP_LABEL_LEN + 1)

/* Takes one line without its end; false: it is none of this order, or the second of its device. */
static bool take_line(struct kp_journal *journal, const char *line, size_t len)
{
    unsigned long place;
    if (len < KP_LABEL_LEN + 2 || line[len - KP_LABEL_LEN - 1] != ' ')
        return false;
    const char *password = line + len - KP_LABEL_LEN;
    if (!kp_serials_find(journal->serials, line, len - KP_LABEL_LEN - 1, &place) ||
        !kp_label_is_right(password, KP_LABEL_LEN) || journal->passwords[place][0] != '\0')
        return false;
    memcpy(journal->passwords[place], password, KP_LABEL_LEN);
    journal->count++;
    return true;
}

/* Reads whole lines up to the first that isn't one. */
static void take_lines(struct kp_journal *journal, const char *text, size_t len)
{
    const char *end;
    while (journal->len < len &&
           (end = memchr(text + journal->len, '\n', len - journal->len)) != NULL) {
        const char *line = text + journal->len;
        if (!take_line(journal, line, (size_t)(end - line)))
            return;
        journal->len += (size_t)(end - line) + 1;
    }
}

static int read_lines(struct kp_journal *journal, size_t size)
{
    char *text = malloc(size);
    size_t have = 0;
    ssize_t n = 1;
    if (text == NULL) {
        errno = ENOMEM;
        return -1;
    }
    while (have < size && n > 0) {
        n = pread(journal->fd, text + have, size - have, (off_t)have);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            have += (size_t)n;
    }
    if (n >= 0)
        take_lines(journal, text, have);
    kp_free_secret(text, size);
    return n < 0 ? -1 : 0;
}

/* What was there is durable from here on, and ends with a whole line. */
static int read_it(struct kp_journal *journal)
{
    struct stat st;
    if (fstat(journal->fd, &st) != 0)
        return -1;
    if (st.st_size > (off_t)(journal->serials->count * ROW_MAX)) {
        errno = EFBIG;
        return -1;
    }
    if (st.st_size > 0 && read_lines(journal, (size_t)st.st_size) != 0)
        return -1;
    if (ftruncate(journal->fd, (off_t)journal->len) != 0 || fsync(journal->fd) != 0)
        return -1;
    return lseek(journal->fd, (off_t)journal->len, SEEK_SET) < 0 ? -1 : 0;
}

int kp_journal_open(struct kp_journal *journal, const struct kp_serials *serials, int folder,
                    const char *name, struct kp_file_error *error)
{
    *journal = (struct kp_journal){.fd = -1, .serials = serials};
    journal->passwords = calloc(serials->count, sizeof *journal->passwords);
    if (journal->passwords == NULL) {
        errno = ENOMEM;
        return kp_files_fail(error, "read", name);
    }
    journal->fd = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (journal->fd >= 0 && read_it(journal) == 0 && kp_files_sync(folder, ".", error) == 0)
        return 0;
    (void)kp_files_fail(error, "read", name);
    kp_journal_close(journal);
    return KP_E_ARGUMENT;
}

static int put(struct kp_journal *journal, const char *text, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pwrite(journal->fd, text + done, len - done, (off_t)(journal->len + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return fsync(journal->fd);
}

/* A torn line would end all that comes after it, so nothing is added if it can't be cut off. */
static int cut_off(struct kp_journal *journal, struct kp_file_error *error)
{
    (void)kp_files_fail(error, "write", "the journal");
    journal->is_damaged =
        ftruncate(journal->fd, (off_t)journal->len) != 0 || fsync(journal->fd) != 0;
    return KP_E_ARGUMENT;
}

int kp_journal_add(struct kp_journal *journal, const unsigned long *places,
                   char (*passwords)[KP_LABEL_LEN + 1], size_t count, struct kp_file_error *error)
{
    char serial[KP_SERIAL_LEN + 1];
    size_t used = 0, size = count * ROW_MAX + 1;
    char *text = journal->is_damaged ? NULL : malloc(size);
    errno = journal->is_damaged ? EIO : ENOMEM;
    if (text == NULL)
        return kp_files_fail(error, "write", "the journal");
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s %s\n",
                                 kp_serials_at(journal->serials, places[i], serial), passwords[i]);
    int result = put(journal, text, used) == 0 ? 0 : cut_off(journal, error);
    kp_free_secret(text, size);
    if (result != 0)
        return result;
    journal->len += used;
    journal->count += count;
    for (size_t i = 0; i < count; i++)
        memcpy(journal->passwords[places[i]], passwords[i], KP_LABEL_LEN + 1);
    return 0;
}

void kp_journal_close(struct kp_journal *journal)
{
    if (journal->fd >= 0)
        (void)close(journal->fd);
    if (journal->passwords != NULL)
        kp_free_secret(journal->passwords, journal->serials->count * sizeof *journal->passwords);
    *journal = (struct kp_journal){.fd = -1};
}
