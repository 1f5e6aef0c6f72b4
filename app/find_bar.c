/* Looking for words in the page: see find_bar.h. */
#include "find_bar.h"

#include "visit_words.h"

#define MOST 1000

struct kp_find_bar {
    WebKitWebView *view;
    WebKitFindController *finder;
    GtkWidget *bar, *entry, *count;
};

static void show_count(struct kp_find_bar *bar, guint count)
{
    g_autofree char *number = g_strdup_printf(count > MOST ? "%u+" : "%u", MIN(count, MOST));
    enum kp_visit_word word = count == 0   ? KP_V_FIND_NONE
                              : count == 1 ? KP_V_FIND_ONE
                                           : KP_V_FIND_SOME;
    g_autofree char *text = kp_visit_say(word, number);
    gtk_label_set_text(GTK_LABEL(bar->count), text);
    if (count == 0)
        gtk_widget_add_css_class(bar->entry, "error");
    else
        gtk_widget_remove_css_class(bar->entry, "error");
}

static void show_nothing(struct kp_find_bar *bar)
{
    gtk_label_set_text(GTK_LABEL(bar->count), "");
    gtk_widget_remove_css_class(bar->entry, "error");
    webkit_find_controller_search_finish(bar->finder);
}

static void found(WebKitFindController *finder, guint count, gpointer data)
{
    (void)finder;
    show_count(data, count);
}

static void found_none(WebKitFindController *finder, gpointer data)
{
    (void)finder;
    show_count(data, 0);
}

static void changed(GtkSearchEntry *entry, gpointer data)
{
    struct kp_find_bar *bar = data;
    const char *text = gtk_editable_get_text(GTK_EDITABLE(entry));
    const guint32 how = WEBKIT_FIND_OPTIONS_CASE_INSENSITIVE | WEBKIT_FIND_OPTIONS_WRAP_AROUND;
    if (text[0] == '\0') {
        show_nothing(bar);
        return;
    }
    webkit_find_controller_count_matches(bar->finder, text, how, MOST);
    webkit_find_controller_search(bar->finder, text, how, MOST);
}

static gboolean has_text(struct kp_find_bar *bar)
{
    return gtk_editable_get_text(GTK_EDITABLE(bar->entry))[0] != '\0';
}

static void go_next(GtkWidget *widget, gpointer data)
{
    struct kp_find_bar *bar = data;
    (void)widget;
    if (has_text(bar))
        webkit_find_controller_search_next(bar->finder);
}

static void go_previous(GtkWidget *widget, gpointer data)
{
    struct kp_find_bar *bar = data;
    (void)widget;
    if (has_text(bar))
        webkit_find_controller_search_previous(bar->finder);
}

/* The search bar's own button for it has no name. */
static void shut(GtkWidget *widget, gpointer data)
{
    struct kp_find_bar *bar = data;
    (void)widget;
    gtk_search_bar_set_search_mode(GTK_SEARCH_BAR(bar->bar), FALSE);
}

static void opened_or_closed(GtkSearchBar *widget, GParamSpec *what, gpointer data)
{
    struct kp_find_bar *bar = data;
    (void)what;
    if (gtk_search_bar_get_search_mode(widget))
        return;
    show_nothing(bar);
    (void)gtk_widget_grab_focus(GTK_WIDGET(bar->view));
}

static GtkWidget *button(const char *icon, enum kp_visit_word word, GCallback clicked,
                         struct kp_find_bar *bar)
{
    GtkWidget *widget = gtk_button_new_from_icon_name(icon);
    g_autofree char *name = kp_visit_say(word, NULL);
    gtk_widget_set_tooltip_text(widget, name);
    gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
    (void)g_signal_connect(widget, "clicked", clicked, bar);
    return widget;
}

static GtkWidget *make_entry(struct kp_find_bar *bar)
{
    g_autofree char *name = kp_visit_say(KP_V_FIND, NULL);
    bar->entry = gtk_search_entry_new();
    gtk_widget_set_hexpand(bar->entry, TRUE);
    g_object_set(bar->entry, "placeholder-text", name, NULL);
    gtk_accessible_update_property(GTK_ACCESSIBLE(bar->entry), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                   -1);
    (void)g_signal_connect(bar->entry, "search-changed", G_CALLBACK(changed), bar);
    (void)g_signal_connect(bar->entry, "activate", G_CALLBACK(go_next), bar);
    (void)g_signal_connect(bar->entry, "next-match", G_CALLBACK(go_next), bar);
    (void)g_signal_connect(bar->entry, "previous-match", G_CALLBACK(go_previous), bar);
    return bar->entry;
}

struct kp_find_bar *kp_find_bar_new(WebKitWebView *view)
{
    struct kp_find_bar *bar = g_new0(struct kp_find_bar, 1);
    GtkWidget *line = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    bar->view = view;
    bar->finder = webkit_web_view_get_find_controller(view);
    bar->bar = g_object_ref_sink(gtk_search_bar_new());
    bar->count = gtk_label_new("");
    gtk_box_append(GTK_BOX(line), make_entry(bar));
    gtk_box_append(GTK_BOX(line), bar->count);
    gtk_box_append(GTK_BOX(line),
                   button("go-up-symbolic", KP_V_FIND_PREVIOUS, G_CALLBACK(go_previous), bar));
    gtk_box_append(GTK_BOX(line),
                   button("go-down-symbolic", KP_V_FIND_NEXT, G_CALLBACK(go_next), bar));
    gtk_box_append(GTK_BOX(line),
                   button("window-close-symbolic", KP_V_CLOSE, G_CALLBACK(shut), bar));
    gtk_search_bar_set_child(GTK_SEARCH_BAR(bar->bar), line);
    gtk_search_bar_connect_entry(GTK_SEARCH_BAR(bar->bar), GTK_EDITABLE(bar->entry));
    (void)g_signal_connect(bar->bar, "notify::search-mode-enabled", G_CALLBACK(opened_or_closed),
                           bar);
    (void)g_signal_connect(bar->finder, "counted-matches", G_CALLBACK(found), bar);
    (void)g_signal_connect(bar->finder, "failed-to-find-text", G_CALLBACK(found_none), bar);
    return bar;
}

GtkWidget *kp_find_bar_widget(struct kp_find_bar *bar)
{
    return bar->bar;
}

void kp_find_bar_open(struct kp_find_bar *bar)
{
    gtk_search_bar_set_search_mode(GTK_SEARCH_BAR(bar->bar), TRUE);
    (void)gtk_widget_grab_focus(bar->entry);
    gtk_editable_select_region(GTK_EDITABLE(bar->entry), 0, -1);
}

void kp_find_bar_free(struct kp_find_bar *bar)
{
    if (bar == NULL)
        return;
    (void)g_signal_handlers_disconnect_by_data(bar->finder, bar);
    (void)g_signal_handlers_disconnect_by_data(bar->bar, bar);
    (void)g_signal_handlers_disconnect_by_data(bar->entry, bar);
    gtk_search_bar_set_child(GTK_SEARCH_BAR(bar->bar), NULL);
    g_object_unref(bar->bar);
    g_free(bar);
}
