/* Small pieces that windows are put together of: see parts.h. */
#include "parts.h"

#include "app_words.h"

GtkWidget *kp_part_label(const char *text, const char *css)
{
    GtkWidget *label = gtk_label_new(text);
    gtk_label_set_wrap(GTK_LABEL(label), TRUE);
    gtk_label_set_wrap_mode(GTK_LABEL(label), PANGO_WRAP_WORD_CHAR);
    gtk_label_set_xalign(GTK_LABEL(label), 0);
    if (css != NULL)
        gtk_widget_add_css_class(label, css);
    return label;
}

void kp_part_call(GtkWidget *widget, const char *called)
{
    gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_LABEL, called,
                                   -1);
}

GtkWidget *kp_part_icon_button(const char *icon, const char *called)
{
    GtkWidget *button = gtk_button_new_from_icon_name(icon);
    gtk_widget_set_tooltip_text(button, called);
    kp_part_call(button, called);
    return button;
}

GtkWidget *kp_part_column(int spacing)
{
    return gtk_box_new(GTK_ORIENTATION_VERTICAL, spacing);
}

GtkWidget *kp_part_row(int spacing)
{
    return gtk_box_new(GTK_ORIENTATION_HORIZONTAL, spacing);
}

void kp_part_margins(GtkWidget *widget, int margin)
{
    gtk_widget_set_margin_top(widget, margin);
    gtk_widget_set_margin_bottom(widget, margin);
    gtk_widget_set_margin_start(widget, margin);
    gtk_widget_set_margin_end(widget, margin);
}

void kp_part_empty(GtkWidget *box)
{
    GtkWidget *child;
    while ((child = gtk_widget_get_first_child(box)) != NULL)
        gtk_box_remove(GTK_BOX(box), child);
}

/* ---- A question -------------------------------------------------------------------------- */

struct question {
    void (*chosen)(gboolean agreed, gpointer owner);
    gpointer owner;
    GDestroyNotify free_owner;
    gboolean agreed;
};

static void agree(GtkButton *button, gpointer data)
{
    struct question *question = data;
    question->agreed = TRUE;
    gtk_window_destroy(GTK_WINDOW(gtk_widget_get_root(GTK_WIDGET(button))));
}

static void disagree(GtkButton *button, gpointer data)
{
    (void)data;
    gtk_window_destroy(GTK_WINDOW(gtk_widget_get_root(GTK_WIDGET(button))));
}

static void answered(GtkWidget *window, gpointer data)
{
    struct question *question = data;
    (void)window;
    question->chosen(question->agreed, question->owner);
    if (question->free_owner != NULL)
        question->free_owner(question->owner);
    g_free(question);
}

static gboolean escape(GtkWidget *widget, GVariant *args, gpointer data)
{
    (void)args;
    (void)data;
    gtk_window_close(GTK_WINDOW(widget));
    return TRUE;
}

static GtkWidget *buttons(struct question *question, const char *yes, gboolean is_danger)
{
    GtkWidget *row = kp_part_row(8);
    GtkWidget *no = gtk_button_new_with_label(kp_app_word(KP_A_CANCEL));
    GtkWidget *button = gtk_button_new_with_label(yes);
    gtk_widget_add_css_class(button, is_danger ? "destructive-action" : "suggested-action");
    g_signal_connect(button, "clicked", G_CALLBACK(agree), question);
    g_signal_connect(no, "clicked", G_CALLBACK(disagree), NULL);
    gtk_box_append(GTK_BOX(row), no);
    gtk_box_append(GTK_BOX(row), button);
    gtk_widget_set_halign(row, GTK_ALIGN_END);
    return row;
}

GtkWidget *kp_part_ask(GtkWindow *parent, const char *text, const char *yes, gboolean is_danger,
                       void (*chosen)(gboolean agreed, gpointer owner), gpointer owner,
                       GDestroyNotify free_owner)
{
    struct question *question = g_new0(struct question, 1);
    GtkWidget *window = gtk_window_new();
    GtkWidget *column = kp_part_column(16);
    GtkEventController *keys = gtk_shortcut_controller_new();
    *question = (struct question){chosen, owner, free_owner, FALSE};
    gtk_window_set_title(GTK_WINDOW(window), "Keyplate");
    gtk_window_set_transient_for(GTK_WINDOW(window), parent);
    gtk_window_set_modal(GTK_WINDOW(window), TRUE);
    gtk_window_set_destroy_with_parent(GTK_WINDOW(window), TRUE);
    gtk_window_set_default_size(GTK_WINDOW(window), 340, -1);
    gtk_window_set_resizable(GTK_WINDOW(window), FALSE);
    kp_part_margins(column, 18);
    gtk_box_append(GTK_BOX(column), kp_part_label(text, NULL));
    gtk_box_append(GTK_BOX(column), buttons(question, yes, is_danger));
    gtk_window_set_child(GTK_WINDOW(window), column);
    gtk_shortcut_controller_add_shortcut(
        GTK_SHORTCUT_CONTROLLER(keys),
        gtk_shortcut_new(gtk_keyval_trigger_new(GDK_KEY_Escape, 0),
                         gtk_callback_action_new(escape, NULL, NULL)));
    gtk_widget_add_controller(window, keys);
    g_signal_connect(window, "destroy", G_CALLBACK(answered), question);
    gtk_window_present(GTK_WINDOW(window));
    return window;
}
