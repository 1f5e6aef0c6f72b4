/*
 * keyplate: the table of subcommands and what is common to all of them.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "platform.h"

static const struct kp_command *const commands[] = {
#ifdef KP_CMD_SERVE
    &kp_command_serve,
#endif
#ifdef KP_CMD_PASSWD
    &kp_command_passwd,
#endif
#ifdef KP_CMD_OPEN
    &kp_command_open,
#endif
#ifdef KP_CMD_CONNECT
    &kp_command_connect,
#endif
#ifdef KP_CMD_DEVICES
    &kp_command_devices,
#endif
#ifdef KP_CMD_DISCOVER
    &kp_command_discover,
#endif
#ifdef KP_CMD_AGENT
    &kp_command_agent,
#endif
#ifdef KP_CMD_BROWSER
    &kp_command_browser,
#endif
#ifdef KP_CMD_PROVISION
    &kp_command_provision,
#endif
    NULL,
};

static const struct kp_command *find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static void overview(FILE *to)
{
    (void)fprintf(to, "usage: keyplate COMMAND [OPTION...]\n\n"
                      "TLS keyed by the password on a device's plate.\n\n");
    for (size_t i = 0; commands[i] != NULL; i++)
        (void)fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    (void)fprintf(to, "  %-10s %s\n", "help", "this text, or a command's: keyplate help COMMAND");
    (void)fprintf(to, "\nkeyplate --version prints the version.\n");
}

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool is_version(const char *word)
{
    return strcmp(word, "version") == 0 || strcmp(word, "--version") == 0 ||
           strcmp(word, "-V") == 0;
}

/* Of an action there is the command's help. */
static int help_of(const struct kp_command *command, size_t count, const char *const *words)
{
    kp_command_named(command->name);
    if (count > 0 && command->has_action != NULL && !command->has_action(words[0]))
        return kp_command_misused("there is no such action");
    if (count > (command->has_action != NULL ? 1 : 0))
        return kp_command_misused("one word too many");
    kp_command_help(command);
    return KP_EXIT_DONE;
}

static int help(int argc, char **argv)
{
    if (argc == 0) {
        overview(stdout);
        return KP_EXIT_DONE;
    }
    const struct kp_command *command = find(argv[0]);
    if (command == NULL && (is_help(argv[0]) || is_version(argv[0]))) {
        overview(stdout);
        return KP_EXIT_DONE;
    }
    if (command == NULL)
        return kp_command_misused("there is no such command");
    return help_of(command, (size_t)argc - 1, (const char *const *)argv + 1);
}

static int run(const struct kp_command *command, int argc, char **argv)
{
    struct kp_options options;
    char why[KP_OPTIONS_WHY_LEN];
    int status;

    kp_command_named(command->name);
    kp_options_init(&options, command->options);
    if (kp_options_parse(&options, argc, argv, why) != 0) {
        status = kp_command_misused("%s", why);
    } else if (options.help) {
        kp_command_help(command);
        status = KP_EXIT_DONE;
    } else if (command->has_action != NULL && options.positional_count > 0 &&
               strcmp(options.positionals[0], "help") == 0) {
        status = help_of(command, options.positional_count - 1, options.positionals + 1);
    } else if (options.positional_count > command->max_positionals) {
        /* It isn't repeated: people type passwords in strange places. */
        status = kp_command_misused("one word too many: %zu where %zu can stand",
                                    options.positional_count, command->max_positionals);
    } else {
        status = command->run(&options);
    }
    kp_options_free(&options);
    return status;
}

#ifdef KP_CMD_AGENT
/* Browsers start it by a name alone, and add arguments of their own. */
static bool is_agent(const char *name)
{
    const char *slash = strrchr(name, '/');
    return strcmp(slash != NULL ? slash + 1 : name, "keyplate-agent") == 0;
}
#endif

static int dispatch(int argc, char **argv)
{
#ifdef KP_CMD_AGENT
    if (argc > 0 && is_agent(argv[0]))
        return run(&kp_command_agent, 0, argv + argc);
#endif
    if (argc < 2) {
        overview(stderr);
        return KP_EXIT_USAGE;
    }
    if (is_version(argv[1])) {
        puts("keyplate " KP_VERSION);
        return KP_EXIT_DONE;
    }
    if (is_help(argv[1]))
        return help(argc - 2, argv + 2);
    const struct kp_command *command = find(argv[1]);
    if (command == NULL)
        return kp_command_misused("there is no such command");
    return run(command, argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
    /* Every command handles secrets or what they protect. */
    kp_platform_harden();
    /* For the terminal's character set alone; numbers stay as in C. */
    (void)setlocale(LC_CTYPE, "");
    int status = dispatch(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == KP_EXIT_DONE)
        status = kp_command_fail(KP_EXIT_FAILED, "cannot write to standard output");
    return status;
}
