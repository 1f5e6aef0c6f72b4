/* The file of the devices that a person has used: see saved_file.h. */
#include "saved_file.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "../platform.h"

__attribute__((format(printf, 2, 3))) static int fail(struct kp_file_error *error,
                                                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->why, sizeof error->why, format, args);
    va_end(args);
    return KP_E_ARGUMENT;
}

/* The folder, and in it the file. */
static int find(char folder[static PATH_MAX], char path[static PATH_MAX],
                struct kp_file_error *error)
{
    int result = kp_platform_state_folder(folder, PATH_MAX);
    int len;
    if (result != 0)
        return fail(error, "there is no home folder to remember devices in: %s",
                    uv_strerror(result));
    len = snprintf(path, PATH_MAX, "%s/devices", folder);
    return len < PATH_MAX ? 0 : fail(error, "the path of the home folder is too long");
}

static int be_person(struct kp_file_error *error)
{
    int result = kp_platform_be_person();
    return result == 0 ? 0
                       : fail(error,
                              "what is remembered can't be read or written as the user who typed "
                              "sudo: %s",
                              uv_strerror(result));
}

static int read_list(const char *path, struct kp_saved *out, struct kp_file_error *error)
{
    struct kp_store_fault fault;
    struct kp_text text;
    int result = kp_file_read(path, true, &text, error);
    if (result != 0)
        return result == KP_E_NOT_FOUND ? 0 : result;
    result = kp_saved_parse(out, text.data, text.len, &fault);
    kp_text_clear(&text);
    if (result == KP_E_SYNTAX) {
        (void)fail(error, "%s, line %u: %s (put the file right or remove it)", path, fault.line,
                   fault.why);
        return KP_E_SYNTAX;
    }
    return result == 0 ? 0 : fail(error, "out of memory");
}

int kp_saved_load(struct kp_saved *out, struct kp_file_error *error)
{
    char folder[PATH_MAX], path[PATH_MAX];
    int result;
    *out = (struct kp_saved){NULL, 0};
    /* Without a home nothing can have been remembered. */
    if (find(folder, path, error) != 0)
        return 0;
    if (be_person(error) != 0)
        return KP_E_ARGUMENT;
    result = read_list(path, out, error);
    kp_platform_be_oneself();
    return result;
}

static int write_list(const struct kp_saved *saved, struct kp_file_lock *lock,
                      struct kp_file_error *error)
{
    struct kp_text text;
    int result = kp_saved_format(saved, &text);
    if (result != 0)
        return fail(error, "out of memory");
    result = kp_file_write(lock, text.data, text.len, error);
    if (result == 0)
        result = kp_file_commit(lock, error);
    kp_text_clear(&text);
    return result;
}

static int change_locked(const char *path, kp_saved_change_fn *change, void *arg,
                         struct kp_file_lock *lock, struct kp_file_error *error)
{
    struct kp_saved saved = {NULL, 0};
    int result = read_list(path, &saved, error);
    if (result == 0)
        result = change(&saved, arg, error);
    if (result > 0)
        result = write_list(&saved, lock, error);
    kp_saved_clear(&saved);
    return result;
}

static int change_as_person(const char *folder, const char *path, kp_saved_change_fn *change,
                            void *arg, struct kp_file_error *error)
{
    struct kp_file_lock lock;
    int result = kp_platform_make_folder(folder);
    if (result != 0)
        return fail(error, "cannot make the folder %s: %s", folder, uv_strerror(result));
    result = kp_file_lock(&lock, path, error);
    if (result != 0)
        return result;
    result = change_locked(path, change, arg, &lock, error);
    kp_file_unlock(&lock);
    return result;
}

int kp_saved_change(kp_saved_change_fn *change, void *arg, struct kp_file_error *error)
{
    char folder[PATH_MAX], path[PATH_MAX];
    int result = find(folder, path, error);
    if (result != 0)
        return result;
    if (be_person(error) != 0)
        return KP_E_ARGUMENT;
    result = change_as_person(folder, path, change, arg, error);
    kp_platform_be_oneself();
    return result;
}
