/*
 * keyplate-app: a window of its own for devices, that logs in by the password on their label.  Says
 * what was asked for on the command line, and begins.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_words.h"
#include "platform.h"
#include "window.h"

#define ID "org.keyplate.App"

static struct kp_window *window;

static void add_look(void)
{
    g_autoptr(GtkCssProvider) provider = gtk_css_provider_new();
    GdkDisplay *display = gdk_display_get_default();
    gtk_css_provider_load_from_resource(provider, "/org/keyplate/App/style.css");
    gtk_style_context_add_provider_for_display(display, GTK_STYLE_PROVIDER(provider),
                                               GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
    gtk_icon_theme_add_resource_path(gtk_icon_theme_get_for_display(display),
                                     "/org/keyplate/App/icons");
}

static void removed(GtkApplication *app, GtkWindow *which, gpointer data)
{
    (void)data;
    (void)which;
    if (gtk_application_get_windows(app) == NULL)
        window = NULL;
}

static int begin(GApplication *app, const char *text)
{
    g_autofree char *why = NULL;
    if (window == NULL)
        window = kp_window_new(GTK_APPLICATION(app), &why);
    if (window == NULL) {
        (void)fprintf(stderr, "keyplate-app: %s %s\n", kp_app_word(KP_A_NO_ENGINE), why);
        return 1;
    }
    kp_window_go(window, text);
    return 0;
}

static int misused(GApplicationCommandLine *line, const char *why)
{
    g_application_command_line_printerr(line, "keyplate-app: %s\n", why);
    return 2;
}

static int command_line(GApplication *app, GApplicationCommandLine *line, gpointer data)
{
    int count;
    g_auto(GStrv) words = g_application_command_line_get_arguments(line, &count);
    (void)data;
    if (count > 2 || (count == 2 && words[1][0] == '-'))
        return misused(line, "usage: keyplate-app [ADDRESS | keyplate://LINK]");
    if (count == 2 && strstr(words[1], "#p=") != NULL)
        return misused(line, kp_app_word(KP_A_LINK_SECRET));
    return begin(app, count == 2 ? words[1] : NULL);
}

static int local_options(GApplication *app, GVariantDict *options, gpointer data)
{
    (void)app;
    (void)data;
    if (!g_variant_dict_contains(options, "version"))
        return -1;
    (void)printf("keyplate-app %s\n", KP_VERSION);
    return 0;
}

static void started(GApplication *app, gpointer data)
{
    (void)app;
    (void)data;
    add_look();
}

int main(int argc, char **argv)
{
    g_autoptr(GtkApplication) app = NULL;
    kp_platform_harden();
    app = gtk_application_new(ID, G_APPLICATION_HANDLES_COMMAND_LINE);
    g_application_add_main_option(G_APPLICATION(app), "version", 'V', G_OPTION_FLAG_NONE,
                                  G_OPTION_ARG_NONE, "Print the version", NULL);
    g_application_set_option_context_parameter_string(G_APPLICATION(app),
                                                      "[ADDRESS | keyplate://LINK]");
    g_signal_connect(app, "startup", G_CALLBACK(started), NULL);
    g_signal_connect(app, "handle-local-options", G_CALLBACK(local_options), NULL);
    g_signal_connect(app, "command-line", G_CALLBACK(command_line), NULL);
    g_signal_connect(app, "window-removed", G_CALLBACK(removed), NULL);
    return g_application_run(G_APPLICATION(app), argc, argv);
}
