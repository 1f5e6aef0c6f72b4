/* What is shown instead of a device's pages when something is wrong: see trouble_view.h. */
#include "trouble_view.h"

#include <string.h>

#include "app_words.h"
#include "parts.h"

struct kp_trouble_view {
    struct kp_trouble_view_hooks hooks;
    GtkWidget *widget, *icon, *heading, *where, *text, *more, *over, *again, *back;
};

static void clicked_again(GtkButton *button, gpointer data)
{
    struct kp_trouble_view *view = data;
    (void)button;
    view->hooks.again(view->hooks.owner);
}

static void clicked_back(GtkButton *button, gpointer data)
{
    struct kp_trouble_view *view = data;
    (void)button;
    view->hooks.back(view->hooks.owner);
}

static GtkWidget *buttons(struct kp_trouble_view *view)
{
    GtkWidget *row = kp_part_column(8);
    view->again = gtk_button_new_with_label(kp_app_word(KP_A_TROUBLE_AGAIN));
    view->back = gtk_button_new_with_label(kp_app_word(KP_A_TROUBLE_BACK));
    g_signal_connect(view->again, "clicked", G_CALLBACK(clicked_again), view);
    g_signal_connect(view->back, "clicked", G_CALLBACK(clicked_back), view);
    gtk_box_append(GTK_BOX(row), view->back);
    gtk_box_append(GTK_BOX(row), view->again);
    gtk_widget_set_halign(row, GTK_ALIGN_START);
    gtk_widget_set_margin_top(row, 12);
    return row;
}

static GtkWidget *part(GtkWidget *column, const char *css)
{
    GtkWidget *label = kp_part_label("", css);
    gtk_box_append(GTK_BOX(column), label);
    return label;
}

struct kp_trouble_view *kp_trouble_view_new(const struct kp_trouble_view_hooks *hooks)
{
    struct kp_trouble_view *view = g_new0(struct kp_trouble_view, 1);
    GtkWidget *column = kp_part_column(12);
    view->hooks = *hooks;
    view->widget = gtk_scrolled_window_new();
    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(view->widget), GTK_POLICY_NEVER,
                                   GTK_POLICY_AUTOMATIC);
    kp_part_margins(column, 24);
    gtk_widget_set_valign(column, GTK_ALIGN_CENTER);
    gtk_widget_set_halign(column, GTK_ALIGN_CENTER);
    gtk_widget_set_size_request(column, 290, -1);
    view->icon = gtk_image_new_from_resource("/org/keyplate/App/trouble.svg");
    gtk_image_set_pixel_size(GTK_IMAGE(view->icon), 64);
    gtk_widget_set_halign(view->icon, GTK_ALIGN_START);
    gtk_box_append(GTK_BOX(column), view->icon);
    view->heading = part(column, "title-1");
    view->where = part(column, "heading");
    view->text = part(column, NULL);
    view->more = part(column, NULL);
    view->over = part(column, NULL);
    gtk_label_set_text(GTK_LABEL(view->over), kp_app_word(KP_A_TROUBLE_NOTHING));
    gtk_box_append(GTK_BOX(column), buttons(view));
    for (GtkWidget *child = gtk_widget_get_first_child(column); child != NULL;
         child = gtk_widget_get_next_sibling(child))
        if (GTK_IS_LABEL(child))
            gtk_label_set_max_width_chars(GTK_LABEL(child), 46);
    gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(view->widget), column);
    (void)g_object_ref_sink(view->widget);
    return view;
}

GtkWidget *kp_trouble_view_widget(struct kp_trouble_view *view)
{
    return view->widget;
}

static void set_sentence(GtkWidget *label, const char *text)
{
    gsize len = strlen(text);
    gboolean stops = len > 0 && strchr(".!?…", text[len - 1]) != NULL;
    g_autofree char *sentence = g_strdup_printf("%s%s", text, len > 0 && !stops ? "." : "");
    if (sentence[0] != '\0') {
        g_autofree char *rest = g_utf8_substring(sentence, 1, -1);
        g_autofree char *first = g_utf8_substring(sentence, 0, 1);
        g_autofree char *upper = g_utf8_strup(first, -1);
        g_autofree char *whole = g_strconcat(upper, rest, NULL);
        gtk_label_set_text(GTK_LABEL(label), whole);
    }
    gtk_widget_set_visible(label, sentence[0] != '\0');
}

void kp_trouble_view_show(struct kp_trouble_view *view, const struct kp_trouble_facts *facts)
{
    gtk_label_set_text(GTK_LABEL(view->heading), facts->heading);
    gtk_label_set_text(GTK_LABEL(view->where), facts->where);
    set_sentence(view->text, facts->text);
    set_sentence(view->more, facts->more);
    gtk_widget_set_visible(view->over, facts->is_over && facts->is_alarm);
    gtk_widget_set_visible(view->icon, facts->is_alarm);
    if (facts->is_alarm)
        gtk_widget_add_css_class(view->widget, "kp-trouble");
    else
        gtk_widget_remove_css_class(view->widget, "kp-trouble");
    gtk_widget_set_visible(view->again, facts->may_retry);
    (void)gtk_widget_grab_focus(view->back);
}

void kp_trouble_view_free(struct kp_trouble_view *view)
{
    if (view == NULL)
        return;
    g_object_unref(view->widget);
    g_free(view);
}
