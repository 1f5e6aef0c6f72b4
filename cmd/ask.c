/*
 * Asking the person.
 */
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask_ways.h"
#include "base/secret.h"
#include "creds/label.h"

#define NO_WAY_TO_ASK                                                                              \
    "there is no terminal to ask for the password on: use --password-file or --password-fd"

/* Reads fd to its end; one newline there is dropped. */
static int read_end(int fd, const char *what, struct kp_ask_line *line)
{
    line->len = 0;
    for (;;) {
        if (line->len == sizeof line->text)
            return kp_command_fail(KP_EXIT_FAILED, "the password in %s is longer than %d bytes",
                                   what, KP_TEXT_PASSWORD_MAX);
        ssize_t n = read(fd, line->text + line->len, sizeof line->text - line->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return kp_command_fail(KP_EXIT_FAILED, "cannot read the password from %s: %s", what,
                                   strerror(errno));
        if (n == 0)
            break;
        line->len += (size_t)n;
    }
    if (line->len > 0 && line->text[line->len - 1] == '\n')
        line->len--;
    return KP_EXIT_DONE;
}

static int read_file(const char *path, struct kp_ask_line *line)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    /* Not its name: if there is no such file it may be the password itself. */
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG))
        return kp_command_fail(
            KP_EXIT_FAILED, "cannot read the file that --password-file names: %s", strerror(errno));
    if (fd < 0)
        return kp_command_fail(KP_EXIT_FAILED, "cannot read the password file %s: %s", path,
                               strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
        kp_command_warn("others can read the password file %s: chmod 600 %s", path, path);
    int status = read_end(fd, path, line);
    (void)close(fd);
    return status;
}

static int read_fd(const struct kp_options *options, struct kp_ask_line *line)
{
    char why[KP_OPTIONS_WHY_LEN];
    char what[40];
    unsigned long fd;
    if (kp_options_number(options, "password-fd", 0, 1048576, 0, &fd, why) != 0)
        return kp_command_misused("--password-fd is a number, the one of an open descriptor");
    (void)snprintf(what, sizeof what, "file descriptor %lu", fd);
    return read_end((int)fd, what, line);
}

/* A password as it came, to NFC; prints what is wrong. */
static int accept(const struct kp_ask_line *line, struct kp_text *out)
{
    enum kp_text_fault fault = kp_text_password(out, line->text, line->len);
    if (fault == KP_TEXT_FINE)
        return KP_EXIT_DONE;
    return kp_command_fail(KP_EXIT_FAILED, "the password %s", kp_text_fault_text(fault));
}

static bool looks_mistyped(const char *text, size_t len)
{
    char label[KP_LABEL_LEN + 1];
    bool mistyped = kp_label_is_shaped(text, len) && !kp_label_read(text, len, label);
    kp_wipe(label, sizeof label);
    return mistyped;
}

/* A label's password becomes what is printed on the label.  Whether that changed it. */
static bool take_as_printed(struct kp_ask_line *line)
{
    char label[KP_LABEL_LEN + 1];
    if (!kp_label_read(line->text, line->len, label))
        return false;
    bool changed = line->len != KP_LABEL_LEN || memcmp(line->text, label, KP_LABEL_LEN) != 0;
    memcpy(line->text, label, KP_LABEL_LEN);
    line->len = KP_LABEL_LEN;
    kp_wipe(label, sizeof label);
    return changed;
}

static void say_as_printed(void)
{
    kp_command_note("taken as a label password, in lower case with its hyphens");
}

static int tell(enum kp_ask_result result)
{
    switch (result) {
    case KP_ASK_GOT:
        return KP_EXIT_DONE;
    case KP_ASK_ENDED:
        return kp_command_fail(KP_EXIT_FAILED, "no password was given");
    case KP_ASK_LONG:
        return kp_command_fail(KP_EXIT_FAILED, "the password is longer than %d bytes",
                               KP_TEXT_PASSWORD_MAX);
    case KP_ASK_NO_WAY:
    case KP_ASK_BROKEN:
        break;
    }
    return kp_command_fail(KP_EXIT_FAILED, "asking for the password failed: use --password-file or "
                                           "--password-fd");
}

/* Asks; again for as long as what came looks like a label with a typo.  Enter uses it. */
static enum kp_ask_result ask_hidden(int tty, const char *prompt, struct kp_ask_line *line)
{
    struct kp_ask_line again = {.len = 0};
    enum kp_ask_result result = kp_ask_terminal_line(tty, prompt, true, line);
    while (result == KP_ASK_GOT && looks_mistyped(line->text, line->len)) {
        kp_ask_terminal_say(tty, "That looks like a password from a label, with a typing error.\n");
        result = kp_ask_terminal_line(
            tty, "Type it again, or press Enter to use it as it is: ", true, &again);
        if (result == KP_ASK_GOT && again.len == 0)
            break;
        if (result == KP_ASK_GOT)
            *line = again;
    }
    kp_wipe(&again, sizeof again);
    return result;
}

static int ask_terminal(const struct kp_ask *ask, int tty, struct kp_ask_line *line)
{
    char prompt[512];
    struct kp_ask_line again = {.len = 0};
    (void)snprintf(prompt, sizeof prompt, "%s: ", ask->prompt);
    int status = tell(ask_hidden(tty, prompt, line));
    if (status != KP_EXIT_DONE || !ask->fresh)
        return status;
    status = tell(kp_ask_terminal_line(tty, "The same again: ", true, &again));
    if (status == KP_EXIT_DONE && take_as_printed(line))
        say_as_printed();
    (void)take_as_printed(&again);
    if (status == KP_EXIT_DONE &&
        (line->len != again.len || !kp_equal_secret(line->text, again.text, line->len)))
        status = kp_command_fail(KP_EXIT_FAILED, "the two passwords differ: nothing was changed");
    kp_wipe(&again, sizeof again);
    return status;
}

static int ask_pinentry(const struct kp_ask *ask, struct kp_ask_line *line)
{
    struct kp_ask_line again = {.len = 0};
    const char *error = ask->error;
    int status = tell(kp_ask_pinentry(ask->prompt, error, ask->fresh, line));
    if (status != KP_EXIT_DONE || !looks_mistyped(line->text, line->len))
        return status;
    /* Asked once more; the same again means it. */
    status = tell(kp_ask_pinentry(ask->prompt,
                                  "That looks like a password from a label, with a typing error.",
                                  ask->fresh, &again));
    if (status == KP_EXIT_DONE)
        *line = again;
    kp_wipe(&again, sizeof again);
    return status;
}

static int ask_person(const struct kp_ask *ask, struct kp_ask_line *line)
{
    int tty = kp_ask_terminal_open();
    if (tty < 0)
        return kp_ask_pinentry_there() ? ask_pinentry(ask, line)
                                       : kp_command_fail(KP_EXIT_FAILED, NO_WAY_TO_ASK);
    int status = ask_terminal(ask, tty, line);
    (void)close(tty);
    return status;
}

bool kp_ask_again_makes_sense(const struct kp_options *options)
{
    return !kp_options_has(options, "password-file") && !kp_options_has(options, "password-fd");
}

/* What a person would see at a terminal. */
static void warn_of_mistakes(const struct kp_ask_line *line)
{
    if (looks_mistyped(line->text, line->len))
        kp_command_warn("the password has the form of a label's, but with a typing error");
    if (line->len > 0 && line->text[line->len - 1] == ' ')
        kp_command_warn("the password ends with a space, which counts: is it meant?");
}

int kp_ask_password(const struct kp_ask *ask, struct kp_text *out)
{
    struct kp_ask_line line = {.len = 0};
    const char *file = kp_options_get(ask->options, "password-file");
    bool fd = kp_options_has(ask->options, "password-fd");
    int status;
    *out = (struct kp_text){NULL, 0};
    if (file != NULL && fd)
        return kp_command_misused("--password-file and --password-fd exclude each other");
    if (file != NULL)
        status = read_file(file, &line);
    else if (fd)
        status = read_fd(ask->options, &line);
    else
        status = ask_person(ask, &line);
    if (status == KP_EXIT_DONE && take_as_printed(&line))
        say_as_printed();
    if (status == KP_EXIT_DONE && (file != NULL || fd))
        warn_of_mistakes(&line);
    if (status == KP_EXIT_DONE && line.len == 0 && file != NULL)
        status = kp_command_fail(KP_EXIT_FAILED, "the password file %s is empty", file);
    else if (status == KP_EXIT_DONE)
        status = accept(&line, out);
    kp_wipe(&line, sizeof line);
    return status;
}

bool kp_ask_name_makes_sense(void)
{
    int tty = kp_ask_terminal_open();
    if (tty >= 0)
        (void)close(tty);
    return tty >= 0;
}

static int ask_name(const char *offer, struct kp_ask_line *line)
{
    char shown[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX)] = "";
    char prompt[sizeof shown + 20];
    int tty = kp_ask_terminal_open();
    if (tty < 0)
        return kp_command_misused("--user NAME is missing");
    if (offer != NULL)
        (void)kp_text_escape(shown, offer, strnlen(offer, KP_NAME_MAX));
    (void)snprintf(prompt, sizeof prompt, offer != NULL ? "User [%s]: " : "User: ", shown);
    enum kp_ask_result result = kp_ask_terminal_line(tty, prompt, false, line);
    (void)close(tty);
    if (result != KP_ASK_GOT)
        return kp_command_fail(KP_EXIT_FAILED, "no user name was given");
    if (line->len == 0 && offer != NULL) {
        line->len = strnlen(offer, KP_NAME_MAX);
        memcpy(line->text, offer, line->len);
    }
    return KP_EXIT_DONE;
}

int kp_ask_name(const char *given, const char *offer, bool fresh, struct kp_text *out)
{
    struct kp_ask_line line = {.len = 0};
    const char *name = given;
    size_t len = given != NULL ? strlen(given) : 0;
    *out = (struct kp_text){NULL, 0};
    if (given == NULL) {
        int status = ask_name(offer, &line);
        if (status != KP_EXIT_DONE)
            return status;
        name = line.text;
        len = line.len;
    }
    enum kp_text_fault fault = kp_text_name(out, name, len, fresh);
    if (fault != KP_TEXT_FINE)
        return kp_command_fail(given != NULL ? KP_EXIT_USAGE : KP_EXIT_FAILED, "the user name %s",
                               kp_text_fault_text(fault));
    return KP_EXIT_DONE;
}
