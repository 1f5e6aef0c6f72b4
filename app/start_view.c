/* The start view: see start_view.h. */
#include "start_view.h"

#include <string.h>

#include "app_words.h"
#include "parts.h"
#include "qr.h"

struct kp_start_view {
    struct kp_talk *talk;
    struct kp_start_view_hooks hooks;
    GtkWidget *widget, *entry, *go, *said, *saved, *saved_none, *near, *near_none;
    GtkFileChooserNative *chooser; /* NULL: no picture is being chosen */
    GHashTable *seen;              /* what is near: host:port by the name it gives itself */
    guint watch, listing;
    gboolean is_open;
};

/* ---- What the person does ---------------------------------------------------------------- */

static void choose(struct kp_start_view *view, const char *text, const char *password)
{
    kp_start_view_say(view, "", FALSE);
    view->hooks.chosen(text, password, view->hooks.owner);
}

static void went(GtkWidget *widget, gpointer data)
{
    struct kp_start_view *view = data;
    g_autofree char *text = g_strdup(gtk_editable_get_text(GTK_EDITABLE(view->entry)));
    (void)widget;
    if (g_strstrip(text)[0] != '\0')
        choose(view, text, NULL);
}

static void typed(GtkEditable *entry, gpointer data)
{
    struct kp_start_view *view = data;
    gtk_widget_set_sensitive(view->go, gtk_editable_get_text(entry)[0] != '\0');
}

static void row_chosen(GtkListBox *list, GtkListBoxRow *row, gpointer data)
{
    struct kp_start_view *view = data;
    g_autofree char *text = g_strdup(g_object_get_data(G_OBJECT(row), "target"));
    (void)list;
    choose(view, text, NULL);
}

/* ---- A picture --------------------------------------------------------------------------- */

static void take_picture(struct kp_start_view *view, GFile *file)
{
    static const enum kp_app_word words[] = {[KP_QR_NONE] = KP_A_PICTURE_NONE,
                                             [KP_QR_OTHER] = KP_A_PICTURE_OTHER,
                                             [KP_QR_UNREAD] = KP_A_PICTURE_UNREAD};
    g_autofree char *link = NULL;
    char *password = NULL;
    enum kp_qr_result result = kp_qr_read(file, &link, &password);
    if (result == KP_QR_FOUND)
        choose(view, link, password);
    else
        kp_start_view_say(view, kp_app_word(words[result]), TRUE);
    kp_qr_free_password(password);
}

static void picture_chosen(GtkNativeDialog *dialog, int response, gpointer data)
{
    struct kp_start_view *view = data;
    g_autoptr(GFile) file = response == GTK_RESPONSE_ACCEPT
                                ? gtk_file_chooser_get_file(GTK_FILE_CHOOSER(dialog))
                                : NULL;
    g_clear_object(&view->chooser);
    if (file != NULL)
        take_picture(view, file);
}

static void choose_picture(GtkButton *button, gpointer data)
{
    struct kp_start_view *view = data;
    GtkWindow *window = GTK_WINDOW(gtk_widget_get_root(GTK_WIDGET(button)));
    GtkFileFilter *filter = gtk_file_filter_new();
    if (view->chooser != NULL)
        return;
    view->chooser = gtk_file_chooser_native_new(
        kp_app_word(KP_A_PICTURE_TITLE), window, GTK_FILE_CHOOSER_ACTION_OPEN,
        kp_app_word(KP_A_PICTURE_OPEN), kp_app_word(KP_A_CANCEL));
    gtk_file_filter_add_pixbuf_formats(filter);
    gtk_file_chooser_set_filter(GTK_FILE_CHOOSER(view->chooser), filter);
    g_object_unref(filter);
    g_signal_connect(view->chooser, "response", G_CALLBACK(picture_chosen), view);
    gtk_native_dialog_set_modal(GTK_NATIVE_DIALOG(view->chooser), TRUE);
    gtk_native_dialog_show(GTK_NATIVE_DIALOG(view->chooser));
}

static gboolean dropped(GtkDropTarget *target, const GValue *value, double x, double y,
                        gpointer data)
{
    (void)target;
    (void)x;
    (void)y;
    if (!G_VALUE_HOLDS(value, G_TYPE_FILE))
        return FALSE;
    take_picture(data, g_value_get_object(value));
    return TRUE;
}

/* ---- The lists --------------------------------------------------------------------------- */

/* A row that is chosen as target; second may be "". */
static GtkWidget *add_row(GtkWidget *list, const char *first, const char *second,
                          const char *target)
{
    GtkWidget *row = gtk_list_box_row_new(), *line = kp_part_row(8), *column = kp_part_column(2);
    g_autofree char *called =
        second[0] != '\0' ? g_strdup_printf("%s, %s", first, second) : g_strdup(first);
    gtk_widget_set_hexpand(column, TRUE);
    kp_part_margins(line, 10);
    gtk_box_append(GTK_BOX(column), kp_part_label(first, "heading"));
    if (second[0] != '\0')
        gtk_box_append(GTK_BOX(column), kp_part_label(second, "dim-label"));
    gtk_box_append(GTK_BOX(line), column);
    gtk_list_box_row_set_child(GTK_LIST_BOX_ROW(row), line);
    g_object_set_data_full(G_OBJECT(row), "target", g_strdup(target), g_free);
    kp_part_call(row, called);
    gtk_list_box_append(GTK_LIST_BOX(list), row);
    return line;
}

static void empty_list(GtkWidget *list)
{
    GtkWidget *row;
    while ((row = GTK_WIDGET(gtk_list_box_get_row_at_index(GTK_LIST_BOX(list), 0))) != NULL)
        gtk_list_box_remove(GTK_LIST_BOX(list), row);
}

struct forgetting {
    struct kp_start_view *view;
    char *name;
};

static void free_forgetting(gpointer data)
{
    struct forgetting *forgetting = data;
    g_free(forgetting->name);
    g_free(forgetting);
}

static void list_saved(struct kp_start_view *view);

static void forgotten(const cJSON *answer, gpointer data)
{
    struct kp_start_view *view = data;
    if (!kp_talk_true(answer, "ok"))
        kp_start_view_say(view, kp_talk_text(answer, "text"), TRUE);
    list_saved(view);
}

static void forget_agreed(gboolean agreed, gpointer data)
{
    struct forgetting *forgetting = data;
    cJSON *request;
    if (!agreed)
        return;
    request = kp_talk_request("forget");
    (void)cJSON_AddStringToObject(request, "name", forgetting->name);
    (void)kp_talk_ask(forgetting->view->talk, request, forgotten, forgetting->view);
}

static void clicked_forget(GtkButton *button, gpointer data)
{
    struct forgetting *forgetting = g_new(struct forgetting, 1);
    const char *name = g_object_get_data(G_OBJECT(button), "name");
    g_autofree char *question = kp_app_say(KP_A_FORGET_ASK, name);
    *forgetting = (struct forgetting){data, g_strdup(name)};
    (void)kp_part_ask(GTK_WINDOW(gtk_widget_get_root(GTK_WIDGET(button))), question,
                      kp_app_word(KP_A_FORGET), TRUE, forget_agreed, forgetting, free_forgetting);
}

static void add_saved(struct kp_start_view *view, const cJSON *device)
{
    const char *name = kp_talk_text(device, "name"), *user = kp_talk_text(device, "user");
    g_autofree char *second = user[0] != '\0'
                                  ? g_strdup_printf("%s, %s", kp_talk_text(device, "where"), user)
                                  : g_strdup(kp_talk_text(device, "where"));
    g_autofree char *called = kp_app_say(KP_A_FORGET_ONE, name);
    GtkWidget *line = add_row(view->saved, name, second, name);
    GtkWidget *button = kp_part_icon_button("user-trash-symbolic", called);
    gtk_widget_add_css_class(button, "flat");
    gtk_widget_set_valign(button, GTK_ALIGN_CENTER);
    g_object_set_data_full(G_OBJECT(button), "name", g_strdup(name), g_free);
    g_signal_connect(button, "clicked", G_CALLBACK(clicked_forget), view);
    gtk_box_append(GTK_BOX(line), button);
}

static void listed(const cJSON *answer, gpointer data)
{
    struct kp_start_view *view = data;
    const cJSON *device;
    gboolean any = FALSE;
    view->listing = 0;
    empty_list(view->saved);
    cJSON_ArrayForEach(device, cJSON_GetObjectItemCaseSensitive(answer, "devices"))
    {
        if (!kp_talk_true(device, "saved"))
            continue;
        add_saved(view, device);
        any = TRUE;
    }
    gtk_widget_set_visible(view->saved, any);
    gtk_widget_set_visible(view->saved_none, !any);
    if (kp_talk_text(answer, "text")[0] != '\0')
        kp_start_view_say(view, kp_talk_text(answer, "text"), TRUE);
}

static void list_saved(struct kp_start_view *view)
{
    kp_talk_drop(view->talk, view->listing);
    view->listing = kp_talk_ask(view->talk, kp_talk_request("list"), listed, view);
}

static void show_near(struct kp_start_view *view)
{
    GHashTableIter iter;
    gpointer name, target;
    empty_list(view->near);
    g_hash_table_iter_init(&iter, view->seen);
    while (g_hash_table_iter_next(&iter, &name, &target))
        (void)add_row(view->near, name, target, target);
    gtk_widget_set_visible(view->near, g_hash_table_size(view->seen) > 0);
    gtk_widget_set_visible(view->near_none, g_hash_table_size(view->seen) == 0);
}

static char *target_of(const cJSON *near)
{
    const cJSON *port = cJSON_GetObjectItemCaseSensitive(near, "port");
    const char *host = kp_talk_text(near, "host");
    gboolean v6 = strchr(host, ':') != NULL && host[0] != '[';
    if (!cJSON_IsNumber(port) || port->valueint == 443)
        return v6 ? g_strdup_printf("[%s]", host) : g_strdup(host);
    return g_strdup_printf(v6 ? "[%s]:%d" : "%s:%d", host, port->valueint);
}

static void happened(const char *event, const cJSON *message, gpointer data)
{
    struct kp_start_view *view = data;
    const cJSON *near = cJSON_GetObjectItemCaseSensitive(message, "device");
    if (strcmp(event, "near") == 0)
        (void)g_hash_table_replace(view->seen, g_strdup(kp_talk_text(near, "name")),
                                   target_of(near));
    else if (strcmp(event, "gone") == 0)
        (void)g_hash_table_remove(view->seen, kp_talk_text(message, "name"));
    else
        return;
    show_near(view);
}

static void watch_near(struct kp_start_view *view, gboolean nearby)
{
    cJSON *request = kp_talk_request("watch");
    (void)cJSON_AddBoolToObject(request, "nearby", nearby);
    (void)kp_talk_ask(view->talk, request, NULL, NULL);
}

/* ---- What it is made of ------------------------------------------------------------------ */

static void add_entry(struct kp_start_view *view, GtkWidget *column)
{
    GtkWidget *row = kp_part_row(8);
    view->entry = gtk_entry_new();
    gtk_entry_set_placeholder_text(GTK_ENTRY(view->entry), kp_app_word(KP_A_ADDRESS_HINT));
    gtk_widget_set_hexpand(view->entry, TRUE);
    kp_part_call(view->entry, kp_app_word(KP_A_ADDRESS));
    view->go = gtk_button_new_with_label(kp_app_word(KP_A_GO));
    gtk_widget_add_css_class(view->go, "suggested-action");
    gtk_widget_set_sensitive(view->go, FALSE);
    g_signal_connect(view->entry, "activate", G_CALLBACK(went), view);
    g_signal_connect(view->entry, "changed", G_CALLBACK(typed), view);
    g_signal_connect(view->go, "clicked", G_CALLBACK(went), view);
    gtk_box_append(GTK_BOX(row), view->entry);
    gtk_box_append(GTK_BOX(row), view->go);
    gtk_box_append(GTK_BOX(column), kp_part_label(kp_app_word(KP_A_ADDRESS), "title-3"));
    gtk_box_append(GTK_BOX(column), row);
}

static void add_picture(struct kp_start_view *view, GtkWidget *column)
{
#ifdef KP_HAVE_ZBAR
    GtkWidget *button = gtk_button_new_with_label(kp_app_word(KP_A_PICTURE));
    GtkDropTarget *target = gtk_drop_target_new(G_TYPE_FILE, GDK_ACTION_COPY);
    gtk_widget_set_halign(button, GTK_ALIGN_START);
    g_signal_connect(button, "clicked", G_CALLBACK(choose_picture), view);
    gtk_box_append(GTK_BOX(column), button);
    g_signal_connect(target, "drop", G_CALLBACK(dropped), view);
    gtk_widget_add_controller(view->widget, GTK_EVENT_CONTROLLER(target));
#else
    (void)view;
    (void)column;
    (void)choose_picture;
    (void)dropped;
#endif
}

static GtkWidget *add_list(struct kp_start_view *view, GtkWidget *column, enum kp_app_word title,
                           enum kp_app_word none, GtkWidget **none_label)
{
    GtkWidget *list = gtk_list_box_new(), *heading = kp_part_label(kp_app_word(title), "title-3");
    gtk_list_box_set_selection_mode(GTK_LIST_BOX(list), GTK_SELECTION_NONE);
    gtk_widget_add_css_class(list, "kp-list");
    gtk_widget_set_visible(list, FALSE);
    kp_part_call(list, kp_app_word(title));
    g_signal_connect(list, "row-activated", G_CALLBACK(row_chosen), view);
    *none_label = kp_part_label(kp_app_word(none), "dim-label");
    gtk_widget_set_margin_top(heading, 12);
    gtk_box_append(GTK_BOX(column), heading);
    gtk_box_append(GTK_BOX(column), *none_label);
    gtk_box_append(GTK_BOX(column), list);
    return list;
}

static GtkWidget *content(struct kp_start_view *view)
{
    GtkWidget *column = kp_part_column(10);
    kp_part_margins(column, 18);
    gtk_widget_set_size_request(column, 300, -1);
    view->said = kp_part_label("", NULL);
    gtk_widget_set_visible(view->said, FALSE);
    gtk_box_append(GTK_BOX(column), view->said);
    add_entry(view, column);
    add_picture(view, column);
    view->saved = add_list(view, column, KP_A_SAVED, KP_A_SAVED_NONE, &view->saved_none);
    view->near = add_list(view, column, KP_A_NEAR, KP_A_NEAR_NONE, &view->near_none);
    gtk_box_append(GTK_BOX(column), kp_part_label(kp_app_word(KP_A_NEAR_WORD), "dim-label"));
    return column;
}

struct kp_start_view *kp_start_view_new(struct kp_talk *talk,
                                        const struct kp_start_view_hooks *hooks)
{
    struct kp_start_view *view = g_new0(struct kp_start_view, 1);
    GtkWidget *column;
    view->talk = talk;
    view->hooks = *hooks;
    view->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    view->widget = gtk_scrolled_window_new();
    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(view->widget), GTK_POLICY_NEVER,
                                   GTK_POLICY_AUTOMATIC);
    column = content(view);
    /* On a wide screen a column that the eye can follow. */
    gtk_widget_set_halign(column, GTK_ALIGN_FILL);
    gtk_widget_set_hexpand(column, TRUE);
    gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(view->widget), column);
    (void)g_object_ref_sink(view->widget);
    return view;
}

GtkWidget *kp_start_view_widget(struct kp_start_view *view)
{
    return view->widget;
}

void kp_start_view_open(struct kp_start_view *view)
{
    list_saved(view);
    (void)gtk_widget_grab_focus(view->entry);
    if (view->is_open)
        return;
    view->is_open = TRUE;
    view->watch = kp_talk_watch(view->talk, happened, view);
    watch_near(view, TRUE);
}

void kp_start_view_shut(struct kp_start_view *view)
{
    kp_talk_drop(view->talk, view->listing);
    view->listing = 0;
    if (!view->is_open)
        return;
    view->is_open = FALSE;
    kp_talk_unwatch(view->talk, view->watch);
    watch_near(view, FALSE);
    g_hash_table_remove_all(view->seen);
    show_near(view);
}

void kp_start_view_say(struct kp_start_view *view, const char *sentence, gboolean is_trouble)
{
    gtk_label_set_text(GTK_LABEL(view->said), sentence);
    gtk_widget_set_visible(view->said, sentence[0] != '\0');
    if (is_trouble)
        gtk_widget_add_css_class(view->said, "kp-trouble-text");
    else
        gtk_widget_remove_css_class(view->said, "kp-trouble-text");
}

void kp_start_view_free(struct kp_start_view *view)
{
    if (view == NULL)
        return;
    g_clear_object(&view->chooser);
    g_hash_table_unref(view->seen);
    g_object_unref(view->widget);
    g_free(view);
}
