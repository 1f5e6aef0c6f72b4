/* One device made whole: see device.h. */
#include "device.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "creds/roster.h"

static int fail(int result, struct kp_file_error *error)
{
    (void)snprintf(error->why, sizeof error->why, "%s", kp_error_text(result));
    return result;
}

/* The text of a credentials file with the one user. */
static int make_credentials(const struct kp_device_plan *plan, const char *serial,
                            const char *password, struct kp_text *out)
{
    const struct kp_order *order = plan->order;
    struct kp_roster roster;
    struct kp_roster_user user = {.v = NULL};
    struct kp_text given;
    int result = kp_text_copy(&given, password, strlen(password));
    if (result != 0)
        return result;
    result = kp_roster_init(&roster, plan->crypto, serial, strlen(serial), order->bits,
                            KP_ROSTER_SALT_LEN);
    if (result == 0) {
        result = kp_roster_user_make(&user, &roster, plan->crypto, &order->user, &given,
                                     order->versions);
        if (result == 0) {
            result = kp_roster_add(&roster, &user);
            if (result != 0)
                kp_roster_user_clear(&user);
        }
        if (result == 0)
            result = kp_roster_format(&roster, plan->crypto, out);
        kp_roster_clear(&roster);
    }
    kp_text_clear(&given);
    return result;
}

static int make_label(const struct kp_device_plan *plan, const char *serial, const char *password,
                      struct kp_text *out)
{
    char link[KP_LABEL_LINK_LEN];
    struct kp_plate plate;
    int result = kp_order_plate(plan->order, serial, password, link, &plate);
    if (result == 0)
        result = kp_plate_svg(plan->order->template, &plate, out);
    kp_wipe(link, sizeof link);
    return result;
}

static int write_files(int folder, const struct kp_text *credentials, const struct kp_text *label,
                       struct kp_file_error *error)
{
    int result = kp_files_write(folder, KP_DEVICE_CREDENTIALS, 0600, credentials->data,
                                credentials->len, error);
    if (result == 0)
        result = kp_files_write(folder, KP_DEVICE_LABEL, 0600, label->data, label->len, error);
    return result;
}

static int put_folder(const struct kp_device_plan *plan, const char *serial,
                      const struct kp_text *credentials, const struct kp_text *label,
                      struct kp_file_error *error)
{
    struct kp_file_error ignored;
    int folder;
    int result = kp_files_folder(plan->work, serial, &folder, error);
    if (result != 0)
        return result;
    result = write_files(folder, credentials, label, error);
    (void)close(folder);
    if (result != 0)
        (void)!kp_files_remove(plan->work, serial, &ignored);
    return result;
}

int kp_device_make(const struct kp_device_plan *plan, const char *serial,
                   char password[static KP_LABEL_LEN + 1], struct kp_file_error *error)
{
    struct kp_text credentials = {NULL, 0}, label = {NULL, 0};
    int result = kp_label_make(plan->crypto, password);
    if (result == 0)
        result = make_credentials(plan, serial, password, &credentials);
    if (result == 0)
        result = make_label(plan, serial, password, &label);
    if (result != 0)
        (void)fail(result, error);
    else
        result = put_folder(plan, serial, &credentials, &label, error);
    kp_text_clear(&credentials);
    kp_text_clear(&label);
    if (result != 0)
        kp_wipe(password, KP_LABEL_LEN + 1);
    return result;
}

int kp_device_sync(const struct kp_device_plan *plan, const char *serial,
                   struct kp_file_error *error)
{
    int folder = openat(plan->work, serial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return kp_files_fail(error, "open the folder", serial);
    int result = kp_files_sync(folder, KP_DEVICE_CREDENTIALS, error);
    if (result == 0)
        result = kp_files_sync(folder, KP_DEVICE_LABEL, error);
    if (result == 0 && fsync(folder) != 0)
        result = kp_files_fail(error, "write the folder", serial);
    (void)close(folder);
    return result;
}
