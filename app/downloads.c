/*
 * Files from the device: see downloads.h.
 *
 * A file has another name until it is whole, so that what is there under its name is whole, the
 * file of before or the new one.
 */
#include "downloads.h"

#include <glib/gstdio.h>
#include <gtk/gtk.h>

#include "visit_policy.h"
#include "visit_words.h"

#define ROWS 8 /* at once, with those that wait for an answer; more are cancelled */

struct file {
    struct kp_downloads *downloads;
    WebKitDownload *download;
    GtkFileChooserNative *chooser; /* NULL: not asked, or answered */
    char *name, *path, *part;      /* NULL: not known yet */
    GtkWidget *row, *label, *bar, *button;
    gboolean broken;
};

struct kp_downloads {
    WebKitNetworkSession *session;
    const struct kp_origin *origin;
    GtkWidget *box;
    GPtrArray *files;
};

/* ---- What is told ------------------------------------------------------------------------ */

static void show(struct file *file, enum kp_visit_word word)
{
    g_autofree char *text = kp_visit_say(word, file->name);
    gtk_label_set_text(GTK_LABEL(file->label), text);
    gtk_widget_set_tooltip_text(file->label, file->path);
    gtk_widget_set_visible(file->row, TRUE);
}

static void show_end(struct file *file, enum kp_visit_word word)
{
    g_autofree char *close = kp_visit_say(KP_V_CLOSE, NULL);
    show(file, word);
    gtk_widget_set_visible(file->bar, FALSE);
    gtk_button_set_label(GTK_BUTTON(file->button), close);
}

/* ---- Its end ----------------------------------------------------------------------------- */

/* WebKit writes to one beside it until the end, and isn't always there to remove that. */
static void remove_part(const struct file *file)
{
    g_autofree char *beside = g_strconcat(file->part, ".wkdownload", NULL);
    (void)g_unlink(file->part);
    (void)g_unlink(beside);
}

static void free_file(gpointer data)
{
    struct file *file = data;
    if (file->chooser != NULL) {
        (void)g_signal_handlers_disconnect_by_data(file->chooser, file);
        gtk_native_dialog_destroy(GTK_NATIVE_DIALOG(file->chooser));
        g_object_unref(file->chooser);
    }
    if (file->download != NULL) {
        (void)g_signal_handlers_disconnect_by_data(file->download, file);
        webkit_download_cancel(file->download);
        g_object_unref(file->download);
        if (file->part != NULL)
            remove_part(file);
    }
    gtk_box_remove(GTK_BOX(file->downloads->box), file->row);
    g_free(file->name);
    g_free(file->path);
    g_free(file->part);
    g_free(file);
}

static void forget(struct file *file)
{
    (void)g_ptr_array_remove(file->downloads->files, file);
}

/* Nothing more comes of it; the row stays until it is closed. */
static void let_go(struct file *file)
{
    (void)g_signal_handlers_disconnect_by_data(file->download, file);
    g_clear_object(&file->download);
}

static void break_off(struct file *file)
{
    gboolean begun = file->part != NULL;
    let_go(file);
    if (!begun) {
        forget(file);
        return;
    }
    remove_part(file);
    show_end(file, KP_V_SAVE_BROKEN);
}

static void failed(WebKitDownload *download, GError *error, gpointer data)
{
    struct file *file = data;
    (void)download, (void)error;
    file->broken = TRUE;
}

/* Comes after "failed" too. */
static void finished(WebKitDownload *download, gpointer data)
{
    struct file *file = data;
    (void)download;
    if (file->broken || file->part == NULL) {
        break_off(file);
        return;
    }
    let_go(file);
    if (g_rename(file->part, file->path) == 0) {
        show_end(file, KP_V_SAVED);
        return;
    }
    remove_part(file);
    show_end(file, KP_V_SAVE_CANT);
}

static void clicked(GtkButton *button, gpointer data)
{
    struct file *file = data;
    (void)button;
    if (file->download == NULL) {
        forget(file);
        return;
    }
    webkit_download_cancel(file->download);
}

/* ---- Its way ----------------------------------------------------------------------------- */

static void received(WebKitDownload *download, guint64 len, gpointer data)
{
    struct file *file = data;
    double done = webkit_download_get_estimated_progress(download);
    (void)len;
    if (done > 0)
        gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(file->bar), done);
    else
        gtk_progress_bar_pulse(GTK_PROGRESS_BAR(file->bar));
}

static void start(struct file *file, const char *path)
{
    g_free(file->name);
    file->path = g_strdup(path);
    file->name = g_path_get_basename(path);
    file->part = g_strdup_printf("%s.%08x.part", path, g_random_int());
    show(file, KP_V_SAVING);
    webkit_download_set_destination(file->download, file->part);
}

static void chosen(GtkNativeDialog *dialog, int response, gpointer data)
{
    struct file *file = data;
    g_autoptr(GFile) place = NULL;
    g_autofree char *path = NULL;
    if (response == GTK_RESPONSE_ACCEPT)
        place = gtk_file_chooser_get_file(GTK_FILE_CHOOSER(dialog));
    path = place != NULL ? g_file_get_path(place) : NULL;
    (void)g_signal_handlers_disconnect_by_data(dialog, file);
    g_clear_object(&file->chooser);
    if (path != NULL)
        start(file, path);
    else
        webkit_download_cancel(file->download);
}

static void start_in_downloads(GtkFileChooser *chooser)
{
    const char *path = g_get_user_special_dir(G_USER_DIRECTORY_DOWNLOAD);
    g_autoptr(GFile) folder = g_file_new_for_path(path != NULL ? path : g_get_home_dir());
    (void)gtk_file_chooser_set_current_folder(chooser, folder, NULL);
}

/* Not modal: no page can keep anybody from the rest of the window by it. */
static gboolean ask_where(WebKitDownload *download, const char *suggested, gpointer data)
{
    struct file *file = data;
    GtkRoot *root = gtk_widget_get_root(file->downloads->box);
    g_autofree char *title = kp_visit_say(KP_V_SAVE_AS, NULL);
    g_autofree char *save = kp_visit_say(KP_V_SAVE, NULL);
    g_autofree char *cancel = kp_visit_say(KP_V_CANCEL, NULL);
    (void)download;
    file->name = kp_policy_file_name(suggested);
    file->chooser =
        gtk_file_chooser_native_new(title, GTK_IS_WINDOW(root) ? GTK_WINDOW(root) : NULL,
                                    GTK_FILE_CHOOSER_ACTION_SAVE, save, cancel);
    gtk_native_dialog_set_modal(GTK_NATIVE_DIALOG(file->chooser), FALSE);
    start_in_downloads(GTK_FILE_CHOOSER(file->chooser));
    gtk_file_chooser_set_current_name(GTK_FILE_CHOOSER(file->chooser), file->name);
    (void)g_signal_connect(file->chooser, "response", G_CALLBACK(chosen), file);
    gtk_native_dialog_show(GTK_NATIVE_DIALOG(file->chooser));
    return TRUE;
}

/* ---- Its beginning ----------------------------------------------------------------------- */

static void make_row(struct file *file)
{
    g_autofree char *cancel = kp_visit_say(KP_V_CANCEL, NULL);
    file->row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 8);
    file->label = gtk_label_new("");
    file->bar = gtk_progress_bar_new();
    file->button = gtk_button_new_with_label(cancel);
    gtk_label_set_ellipsize(GTK_LABEL(file->label), PANGO_ELLIPSIZE_MIDDLE);
    gtk_label_set_xalign(GTK_LABEL(file->label), 0);
    gtk_widget_set_hexpand(file->label, TRUE);
    gtk_widget_set_valign(file->bar, GTK_ALIGN_CENTER);
    gtk_widget_set_size_request(file->bar, 72, -1);
    gtk_box_append(GTK_BOX(file->row), file->label);
    gtk_box_append(GTK_BOX(file->row), file->bar);
    gtk_box_append(GTK_BOX(file->row), file->button);
    gtk_widget_set_margin_start(file->row, 12);
    gtk_widget_set_margin_end(file->row, 6);
    gtk_widget_set_visible(file->row, FALSE); /* until it has a name */
    (void)g_signal_connect(file->button, "clicked", G_CALLBACK(clicked), file);
    gtk_box_append(GTK_BOX(file->downloads->box), file->row);
}

/* Rows of what has ended give way. */
static gboolean make_room(struct kp_downloads *downloads)
{
    for (guint i = 0; i < downloads->files->len && downloads->files->len >= ROWS; i++) {
        const struct file *file = g_ptr_array_index(downloads->files, i);
        if (file->download == NULL)
            (void)g_ptr_array_remove_index(downloads->files, i--);
    }
    return downloads->files->len < ROWS;
}

static void started(WebKitNetworkSession *session, WebKitDownload *download, gpointer data)
{
    struct kp_downloads *downloads = data;
    const char *uri = webkit_uri_request_get_uri(webkit_download_get_request(download));
    struct file *file;
    (void)session;
    if (uri == NULL || !kp_policy_download(downloads->origin, uri) || !make_room(downloads)) {
        webkit_download_cancel(download);
        return;
    }
    file = g_new0(struct file, 1);
    file->downloads = downloads;
    file->download = g_object_ref(download);
    make_row(file);
    g_ptr_array_add(downloads->files, file);
    webkit_download_set_allow_overwrite(download, FALSE);
    (void)g_signal_connect(download, "decide-destination", G_CALLBACK(ask_where), file);
    (void)g_signal_connect(download, "received-data", G_CALLBACK(received), file);
    (void)g_signal_connect(download, "failed", G_CALLBACK(failed), file);
    (void)g_signal_connect(download, "finished", G_CALLBACK(finished), file);
}

struct kp_downloads *kp_downloads_new(WebKitNetworkSession *session, const struct kp_origin *origin)
{
    struct kp_downloads *downloads = g_new0(struct kp_downloads, 1);
    downloads->session = g_object_ref(session);
    downloads->origin = origin;
    downloads->box = g_object_ref_sink(gtk_box_new(GTK_ORIENTATION_VERTICAL, 0));
    gtk_widget_add_css_class(downloads->box, "kp-downloads");
    downloads->files = g_ptr_array_new_with_free_func(free_file);
    (void)g_signal_connect(session, "download-started", G_CALLBACK(started), downloads);
    return downloads;
}

GtkWidget *kp_downloads_widget(struct kp_downloads *downloads)
{
    return downloads->box;
}

void kp_downloads_free(struct kp_downloads *downloads)
{
    if (downloads == NULL)
        return;
    (void)g_signal_handlers_disconnect_by_data(downloads->session, downloads);
    g_ptr_array_unref(downloads->files);
    g_object_unref(downloads->session);
    g_object_unref(downloads->box);
    g_free(downloads);
}
