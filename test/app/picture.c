/* What app/qr.c reads from the picture of the command line: the result, the link, the password. */
#include <stdio.h>

#include "qr.h"

int main(int argc, char **argv)
{
    static const char *const results[] = {"found", "none", "other", "unread"};
    g_autoptr(GFile) file = argc == 2 ? g_file_new_for_path(argv[1]) : NULL;
    g_autofree char *link = NULL;
    char *password = NULL;
    if (file == NULL)
        return 2;
    (void)printf("%s\n", results[kp_qr_read(file, &link, &password)]);
    (void)printf("%s\n%s\n", link != NULL ? link : "", password != NULL ? password : "");
    kp_qr_free_password(password);
    return 0;
}
