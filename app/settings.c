/* What the person has chosen: see settings.h. */
#include "settings.h"

#include <glib/gstdio.h>

#include "app_words.h"
#include "parts.h"

#define GROUP "app"
#define IDLE "idle-minutes"

static char *path(void)
{
    return g_build_filename(g_get_user_config_dir(), "keyplate", "app.ini", NULL);
}

void kp_settings_load(struct kp_settings *settings)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *name = path();
    int minutes = KP_IDLE_MINUTES;
    if (g_key_file_load_from_file(file, name, G_KEY_FILE_NONE, NULL))
        minutes = g_key_file_get_integer(file, GROUP, IDLE, &error);
    if (error != NULL || minutes < 0 || minutes > KP_IDLE_MOST)
        minutes = KP_IDLE_MINUTES;
    settings->idle_minutes = (guint)minutes;
}

gboolean kp_settings_save(const struct kp_settings *settings)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *name = path();
    g_autofree char *folder = g_path_get_dirname(name);
    g_key_file_set_integer(file, GROUP, IDLE, (int)settings->idle_minutes);
    return g_mkdir_with_parents(folder, 0700) == 0 && g_key_file_save_to_file(file, name, NULL);
}

/* ---- Its window -------------------------------------------------------------------------- */

struct show {
    struct kp_settings *settings;
    void (*changed)(gpointer owner);
    gpointer owner;
    GtkWidget *unsaved;
};

static void idle_changed(GtkSpinButton *spin, gpointer data)
{
    struct show *show = data;
    show->settings->idle_minutes = (guint)gtk_spin_button_get_value_as_int(spin);
    gtk_widget_set_visible(show->unsaved, !kp_settings_save(show->settings));
    show->changed(show->owner);
}

static void close_window(GtkButton *button, gpointer data)
{
    (void)button;
    gtk_window_destroy(data);
}

static gboolean escape(GtkWidget *widget, GVariant *args, gpointer data)
{
    (void)args;
    (void)data;
    gtk_window_close(GTK_WINDOW(widget));
    return TRUE;
}

static GtkWidget *content(struct show *show, GtkWidget *window)
{
    GtkWidget *column = kp_part_column(12);
    GtkWidget *spin = gtk_spin_button_new_with_range(0, KP_IDLE_MOST, 1);
    GtkWidget *done = gtk_button_new_with_label(kp_app_word(KP_A_CLOSE));
    kp_part_margins(column, 18);
    kp_part_call(spin, kp_app_word(KP_A_IDLE));
    gtk_widget_set_halign(spin, GTK_ALIGN_START);
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(spin), show->settings->idle_minutes);
    g_signal_connect(spin, "value-changed", G_CALLBACK(idle_changed), show);
    gtk_widget_set_halign(done, GTK_ALIGN_END);
    g_signal_connect(done, "clicked", G_CALLBACK(close_window), window);
    show->unsaved = kp_part_label(kp_app_word(KP_A_UNSAVED), "kp-trouble-text");
    gtk_widget_set_visible(show->unsaved, FALSE);
    gtk_box_append(GTK_BOX(column), kp_part_label(kp_app_word(KP_A_IDLE), NULL));
    gtk_box_append(GTK_BOX(column), spin);
    gtk_box_append(GTK_BOX(column), kp_part_label(kp_app_word(KP_A_IDLE_NEVER), "dim-label"));
    gtk_box_append(GTK_BOX(column), show->unsaved);
    gtk_box_append(GTK_BOX(column), done);
    return column;
}

static void free_show(gpointer data)
{
    g_free(data);
}

void kp_settings_show(GtkWindow *parent, struct kp_settings *settings,
                      void (*changed)(gpointer owner), gpointer owner)
{
    struct show *show = g_new0(struct show, 1);
    GtkWidget *window = gtk_window_new();
    GtkEventController *keys = gtk_shortcut_controller_new();
    *show = (struct show){settings, changed, owner, NULL};
    g_object_set_data_full(G_OBJECT(window), "show", show, free_show);
    gtk_window_set_title(GTK_WINDOW(window), kp_app_word(KP_A_SETTINGS));
    gtk_window_set_transient_for(GTK_WINDOW(window), parent);
    gtk_window_set_modal(GTK_WINDOW(window), TRUE);
    gtk_window_set_destroy_with_parent(GTK_WINDOW(window), TRUE);
    gtk_window_set_default_size(GTK_WINDOW(window), 340, -1);
    gtk_window_set_child(GTK_WINDOW(window), content(show, window));
    gtk_shortcut_controller_add_shortcut(
        GTK_SHORTCUT_CONTROLLER(keys),
        gtk_shortcut_new(gtk_keyval_trigger_new(GDK_KEY_Escape, 0),
                         gtk_callback_action_new(escape, NULL, NULL)));
    gtk_widget_add_controller(window, keys);
    gtk_window_present(GTK_WINDOW(window));
}
