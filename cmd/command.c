/*
 * Messages and help of the commands.
 */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 79
#define OPTION_COLUMN 26 /* where an option's explanation begins */

static const char *command_name = "";
static void (*diverted)(const char *text);

void kp_command_named(const char *name)
{
    command_name = name;
}

__attribute__((format(printf, 3, 0))) static void say(const char *kind, const char *tail,
                                                      const char *format, va_list args)
{
    if (diverted != NULL) {
        char text[1024];
        (void)vsnprintf(text, sizeof text, format, args);
        diverted(text);
        return;
    }
    (void)fflush(stdout);
    flockfile(stderr);
    (void)fprintf(stderr, "keyplate%s%s: %s", command_name[0] != '\0' ? " " : "", command_name,
                  kind);
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "%s\n", tail);
    funlockfile(stderr);
}

void kp_command_divert(void (*to)(const char *text))
{
    diverted = to;
}

int kp_command_fail(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("", "", format, args);
    va_end(args);
    return status;
}

int kp_command_misused(const char *format, ...)
{
    char tail[80];
    va_list args;
    (void)snprintf(tail, sizeof tail, " (see: keyplate help%s%s)",
                   command_name[0] != '\0' ? " " : "", command_name);
    va_start(args, format);
    say("", tail, format, args);
    va_end(args);
    return KP_EXIT_USAGE;
}

void kp_command_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("warning: ", "", format, args);
    va_end(args);
}

void kp_command_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("", "", format, args);
    va_end(args);
}

/* Prints words[len] from the current column on, later lines indented; ends the line. */
static void wrap(const char *words, size_t len, size_t column, size_t indent)
{
    size_t at = 0;
    bool first = true;
    while (at < len) {
        size_t word = strcspn(words + at, " \n");
        if (word > len - at)
            word = len - at;
        if (!first && column + 1 + word > WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)word, words + at);
        column += word;
        first = false;
        at += word;
        while (at < len && (words[at] == ' ' || words[at] == '\n'))
            at++;
    }
    putchar('\n');
}

static void print_about(const char *text)
{
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t len = end != NULL ? (size_t)(end - text) : strlen(text);
        putchar('\n');
        if (*text == ' ')
            printf("%.*s\n", (int)len, text);
        else
            wrap(text, len, 0, 0);
        text += len;
        text += strspn(text, "\n");
    }
}

static void print_option(const struct kp_option *option)
{
    int n = printf("  --%s%s%s", option->name, option->value != NULL ? " " : "",
                   option->value != NULL ? option->value : "");
    size_t column = n > 0 ? (size_t)n : 0;
    if (column + 2 > OPTION_COLUMN) {
        putchar('\n');
        column = 0;
    }
    printf("%*s", (int)(OPTION_COLUMN - column), "");
    wrap(option->help, strlen(option->help), OPTION_COLUMN, OPTION_COLUMN);
}

static void print_synopsis(const struct kp_command *command)
{
    const char *text = command->synopsis;
    for (bool first = true; *text != '\0'; first = false) {
        size_t len = strcspn(text, "\n");
        int indent = (int)strlen("usage: keyplate ") + (int)strlen(command->name);
        if (first)
            printf("usage: keyplate %s", command->name);
        else
            printf("%*s", indent, "");
        printf(" %.*s\n", (int)len, text);
        text += len;
        text += *text == '\n';
    }
}

void kp_command_help(const struct kp_command *command)
{
    print_synopsis(command);
    print_about(command->about);
    if (command->options->name != NULL)
        printf("\n");
    for (const struct kp_option *option = command->options; option->name != NULL; option++)
        if (option->help != NULL)
            print_option(option);
}
