/* The manifest as JSON: see manifest.h. */
#include "manifest.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "base/secret.h"

static bool begin(FILE *to, bool with_passwords)
{
    (void)with_passwords;
    return fputs("{\"version\": 1, \"devices\": [\n", to) >= 0;
}

/* A reference: no copy of a password that would have to be wiped. */
static bool add(cJSON *object, const char *name, const char *text)
{
    cJSON *value = cJSON_CreateStringReference(text);
    if (value != NULL && cJSON_AddItemToObject(object, name, value))
        return true;
    cJSON_Delete(value);
    return false;
}

static char *print(const struct kp_manifest_row *row)
{
    cJSON *object = cJSON_CreateObject();
    char *text = NULL;
    if (object != NULL && add(object, "serial", row->serial) && add(object, "model", row->model) &&
        add(object, "user", row->user) && add(object, "device_id", row->serial) &&
        add(object, "link", row->link) && add(object, "file", row->file) &&
        (row->password == NULL || add(object, "password", row->password)))
        text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return text;
}

static bool put_row(FILE *to, const struct kp_manifest_row *row, bool is_first)
{
    char *text = print(row);
    if (text == NULL) {
        errno = ENOMEM;
        return false;
    }
    bool good = (is_first || fputs(",\n", to) >= 0) && fputs(text, to) >= 0;
    kp_wipe(text, strlen(text));
    cJSON_free(text);
    return good;
}

static bool end(FILE *to)
{
    return fputs("\n]}\n", to) >= 0 && ferror(to) == 0;
}

const struct kp_manifest_form kp_manifest_json = {begin, put_row, end};
