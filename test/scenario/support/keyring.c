/*
 * The keyring from a command line: save ID USER LABEL PASSWORD, get ID USER, forget ID [USER].
 * Prints the result and, after it, the password or why not.
 */
#include <stdio.h>
#include <string.h>

#include "keyring.h"

static int get(char **argv, char why[KP_KEYRING_WHY_LEN])
{
    char *password;
    int result = kp_keyring_get(argv[2], argv[3], &password, why);
    if (result == 0)
        (void)snprintf(why, KP_KEYRING_WHY_LEN, "%s", password);
    kp_keyring_wipe(password);
    return result;
}

int main(int argc, char **argv)
{
    char why[KP_KEYRING_WHY_LEN] = "";
    int result;
    if (argc == 6 && strcmp(argv[1], "save") == 0)
        result = kp_keyring_save(argv[2], argv[3], argv[4], argv[5], why);
    else if (argc == 4 && strcmp(argv[1], "get") == 0)
        result = get(argv, why);
    else if ((argc == 3 || argc == 4) && strcmp(argv[1], "forget") == 0)
        result = kp_keyring_forget(argv[2], argc == 4 ? argv[3] : NULL, why);
    else
        return 2;
    printf("%d %s\n", result, why);
    return 0;
}
