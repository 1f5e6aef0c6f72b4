/*
 * For the tests of integrations/common: a folder with a credentials file, a clock that can be set
 * forward, and a log that is kept.
 */
#ifndef TEST_UNIT_TLS_ENDS_H
#define TEST_UNIT_TLS_ENDS_H

#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "creds/roster.h"
#include "tls_server.h"

#define DEVICE "device.example"
#define PASSWORD "kestrel-4711"
#define OTHER_PASSWORD "heron-0815"

/* ---- The clock: linked with --wrap=clock_gettime ------------------------------------------- */

static time_t ahead; /* seconds */

/* Where a long has 32 bits, libc's function with times of 64 bits has another name. */
#if defined(__USE_TIME_BITS64) && __TIMESIZE == 32
#define __real_clock_gettime __real___clock_gettime64
#define __wrap_clock_gettime __wrap___clock_gettime64
#endif

int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    int result = __real_clock_gettime(id, out);
    out->tv_sec += ahead;
    return result;
}

/* ---- The folder --------------------------------------------------------------------------- */

static char folder[64];
static char credentials[96];
static char state_file[112];

static inline void open_folder(void)
{
    strcpy(folder, "/tmp/keyplate-unit-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(credentials, sizeof credentials, "%s/keyplate", folder);
    snprintf(state_file, sizeof state_file, "%s.throttle", credentials);
}

static inline void close_folder(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

/* In the place of what is there, as `keyplate passwd` does it. */
static inline void put_file(const char *path, const char *text, mode_t mode)
{
    char temporary[256];
    FILE *file;
    snprintf(temporary, sizeof temporary, "%s~", path);
    file = fopen(temporary, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(temporary, mode), 0);
    assert_int_equal(rename(temporary, path), 0);
}

/* To be freed. */
static inline char *get_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 65536);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, file) < 65535);
    fclose(file);
    return text;
}

static inline void add_user(struct kp_roster *roster, const struct kp_crypto *crypto,
                            const char *name, const char *password, unsigned versions)
{
    struct kp_text n, p;
    struct kp_roster_user user;
    assert_int_equal(kp_text_copy(&n, name, strlen(name)), 0);
    assert_int_equal(kp_text_copy(&p, password, strlen(password)), 0);
    assert_int_equal(kp_roster_user_make(&user, roster, crypto, &n, &p, versions), 0);
    assert_int_equal(kp_roster_add(roster, &user), 0);
    kp_text_clear(&n);
    kp_text_clear(&p);
}

/* The text of a file with admin, unless password is NULL; old: and with a user who has TLS 1.2
 * alone.  To be cleared. */
static inline struct kp_text file_text(const char *device, const char *password, bool old)
{
    struct kp_crypto *crypto;
    struct kp_roster roster;
    struct kp_text text;
    assert_int_equal(kp_crypto_new(&crypto, NULL, NULL), 0);
    assert_int_equal(kp_roster_init(&roster, crypto, device, strlen(device), 2048, 16), 0);
    if (password != NULL)
        add_user(&roster, crypto, "admin", password, KP_USE_TLS12 | KP_USE_TLS13);
    if (old)
        add_user(&roster, crypto, "old", password, KP_USE_TLS12);
    assert_int_equal(kp_roster_format(&roster, crypto, &text), 0);
    kp_roster_clear(&roster);
    kp_crypto_free(crypto);
    return text;
}

/* ---- The log ------------------------------------------------------------------------------ */

static char said[65536]; /* "LEVEL LINE\n" for each */

static inline void hush(void)
{
    said[0] = '\0';
}

static inline void say(void *arg, enum kp_tls_level level, const char *line)
{
    size_t used = strlen(said);
    assert_ptr_equal(arg, said);
    assert_null(strchr(line, '\n'));
    if (sizeof said - used > 1024)
        snprintf(said + used, sizeof said - used, "%d %s\n", (int)level, line);
}

/* How many times text was said; hushes nothing. */
static inline unsigned times_said(const char *text)
{
    unsigned count = 0;
    for (const char *at = said; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static inline struct kp_tls_server *open_server(const struct kp_tls_server_options *more)
{
    struct kp_tls_server_options options = *more;
    struct kp_tls_server *server;
    char why[512] = "";
    options.credentials = credentials;
    options.log = say;
    options.log_arg = said;
    if (kp_tls_server_open(&server, &options, why, sizeof why) != 0)
        fail_msg("%s", why);
    return server;
}

#endif
