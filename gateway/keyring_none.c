/* A build without a keyring: see keyring.h. */
#include "keyring.h"

#include <stdio.h>

static int refuse(char why[KP_KEYRING_WHY_LEN])
{
    (void)snprintf(why, KP_KEYRING_WHY_LEN, "this build of Keyplate knows no keyring");
    return -1;
}

bool kp_keyring_is_built(void)
{
    return false;
}

int kp_keyring_save(const char *id, const char *user, const char *label, const char *password,
                    char why[KP_KEYRING_WHY_LEN])
{
    (void)id;
    (void)user;
    (void)label;
    (void)password;
    return refuse(why);
}

int kp_keyring_get(const char *id, const char *user, char **password, char why[KP_KEYRING_WHY_LEN])
{
    (void)id;
    (void)user;
    *password = NULL;
    return refuse(why);
}

int kp_keyring_forget(const char *id, const char *user, char why[KP_KEYRING_WHY_LEN])
{
    (void)id;
    (void)user;
    return refuse(why);
}

void kp_keyring_wipe(char *password)
{
    (void)password;
}
