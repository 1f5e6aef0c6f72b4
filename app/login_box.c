/* The login box: see login_box.h. */
#include "login_box.h"

#include <string.h>

#include "app_words.h"
#include "creds/label.h"
#include "parts.h"

#define DEFAULT_USER "admin"

struct kp_login_box {
    struct kp_login_box_plan plan; /* its hooks and flags; its texts are not kept */
    GtkWidget *window, *user, *password, *caps, *typo, *remember, *go, *cancel, *spinner, *proving;
    GtkWidget *note;
    GdkDevice *keyboard;
    gulong caps_watch;
    gboolean sure, waits;
};

/* ---- What it says meanwhile -------------------------------------------------------------- */

static const char *text_of(GtkWidget *entry)
{
    return gtk_editable_get_text(GTK_EDITABLE(entry));
}

static void say_typo(struct kp_login_box *box, const char *text)
{
    gtk_label_set_text(GTK_LABEL(box->typo), text);
    gtk_widget_set_visible(box->typo, text[0] != '\0');
}

/* As long as somebody types the last group it isn't wrong yet. */
static gboolean looks_mistyped(const char *text)
{
    char label[KP_LABEL_LEN + 1];
    gsize len = strlen(text);
    gboolean right = kp_label_read(text, len, label) || kp_label_is_right(text, len);
    explicit_bzero(label, sizeof label);
    return !right && kp_label_is_shaped(text, len);
}

static void judge(struct kp_login_box *box)
{
    gboolean may_be_empty = box->plan.saved && box->plan.has_keyring;
    gboolean is_empty = text_of(box->password)[0] == '\0';
    gtk_widget_set_sensitive(box->go, !box->waits && text_of(box->user)[0] != '\0' &&
                                          (may_be_empty || !is_empty));
    gtk_button_set_label(GTK_BUTTON(box->go),
                         kp_app_word(box->sure ? KP_A_LOG_IN_ANYWAY : KP_A_LOG_IN));
}

static void typed(GtkEditable *editable, gpointer data)
{
    struct kp_login_box *box = data;
    (void)editable;
    box->sure = FALSE;
    say_typo(box, looks_mistyped(text_of(box->password)) ? kp_app_word(KP_A_TYPO) : "");
    judge(box);
}

static void see_caps(GObject *keyboard, GParamSpec *property, gpointer data)
{
    struct kp_login_box *box = data;
    (void)property;
    gtk_widget_set_visible(box->caps, gdk_device_get_caps_lock_state(GDK_DEVICE(keyboard)));
}

static void watch_caps(struct kp_login_box *box)
{
    GdkSeat *seat = gdk_display_get_default_seat(gtk_widget_get_display(box->window));
    GdkDevice *keyboard = seat != NULL ? gdk_seat_get_keyboard(seat) : NULL;
    if (keyboard == NULL)
        return;
    box->keyboard = g_object_ref(keyboard);
    box->caps_watch =
        g_signal_connect(keyboard, "notify::caps-lock-state", G_CALLBACK(see_caps), box);
    see_caps(G_OBJECT(keyboard), NULL, box);
}

static void set_waits(struct kp_login_box *box, gboolean waits)
{
    box->waits = waits;
    gtk_widget_set_sensitive(box->user, !waits);
    gtk_widget_set_sensitive(box->password, !waits);
    gtk_widget_set_sensitive(box->remember, !waits);
    gtk_widget_set_visible(box->proving, waits);
    gtk_widget_set_visible(box->spinner, waits);
    gtk_spinner_set_spinning(GTK_SPINNER(box->spinner), waits);
    judge(box);
}

/* ---- What the person does ---------------------------------------------------------------- */

static void attempt(struct kp_login_box *box)
{
    if (!gtk_widget_get_sensitive(box->go))
        return;
    box->plan.attempt(text_of(box->user), text_of(box->password),
                      gtk_check_button_get_active(GTK_CHECK_BUTTON(box->remember)), box->sure,
                      box->plan.owner);
}

static void clicked_go(GtkButton *button, gpointer data)
{
    (void)button;
    attempt(data);
}

static void pressed_enter(GtkWidget *entry, gpointer data)
{
    (void)entry;
    attempt(data);
}

static gboolean closes(GtkWindow *window, gpointer data)
{
    struct kp_login_box *box = data;
    void (*cancelled)(gpointer owner) = box->plan.cancelled;
    gpointer owner = box->plan.owner;
    (void)window;
    kp_login_box_free(box);
    cancelled(owner);
    return TRUE;
}

static void clicked_cancel(GtkButton *button, gpointer data)
{
    (void)button;
    (void)closes(NULL, data);
}

static gboolean pressed_escape(GtkWidget *widget, GVariant *args, gpointer data)
{
    (void)widget;
    (void)args;
    return closes(NULL, data);
}

/* ---- What it is made of ------------------------------------------------------------------ */

static void add_field(GtkWidget *column, const char *name, GtkWidget *field)
{
    GtkWidget *label = kp_part_label(name, "heading");
    kp_part_call(field, name);
    gtk_box_append(GTK_BOX(column), label);
    gtk_box_append(GTK_BOX(column), field);
}

static void add_who(const struct kp_login_box_plan *plan, GtkWidget *column)
{
    g_autofree char *id = kp_app_say(KP_A_LOGIN_ID, plan->device_id);
    gtk_box_append(GTK_BOX(column),
                   kp_part_label(plan->name[0] != '\0' ? plan->name : plan->where, "title-2"));
    if (plan->name[0] != '\0')
        gtk_box_append(GTK_BOX(column), kp_part_label(plan->where, "dim-label"));
    if (plan->device_id[0] != '\0')
        gtk_box_append(GTK_BOX(column), kp_part_label(id, "dim-label"));
    if (!plan->saved)
        gtk_box_append(GTK_BOX(column), kp_part_label(kp_app_word(KP_A_LOGIN_NEW), NULL));
}

static void add_fields(struct kp_login_box *box, const struct kp_login_box_plan *plan,
                       GtkWidget *column)
{
    gboolean may_be_kept = plan->saved && plan->has_keyring;
    box->user = gtk_entry_new();
    gtk_editable_set_text(GTK_EDITABLE(box->user),
                          plan->user[0] != '\0' ? plan->user : DEFAULT_USER);
    add_field(column, kp_app_word(KP_A_USER), box->user);
    box->password = gtk_password_entry_new();
    gtk_password_entry_set_show_peek_icon(GTK_PASSWORD_ENTRY(box->password), TRUE);
    add_field(column, kp_app_word(KP_A_PASSWORD), box->password);
    gtk_box_append(GTK_BOX(column),
                   kp_part_label(kp_app_word(may_be_kept ? KP_A_PASSWORD_KEPT : KP_A_PASSWORD_HINT),
                                 "dim-label"));
    if (plan->password != NULL)
        gtk_editable_set_text(GTK_EDITABLE(box->password), plan->password);
    box->caps = kp_part_label(kp_app_word(KP_A_CAPS), "kp-caution");
    gtk_widget_set_visible(box->caps, FALSE);
    gtk_box_append(GTK_BOX(column), box->caps);
    box->typo = kp_part_label("", "kp-caution");
    gtk_widget_set_visible(box->typo, FALSE);
    gtk_box_append(GTK_BOX(column), box->typo);
    box->note = kp_part_label(plan->note, "kp-caution");
    gtk_widget_set_visible(box->note, plan->note[0] != '\0');
    gtk_box_append(GTK_BOX(column), box->note);
    box->remember = gtk_check_button_new_with_label(kp_app_word(KP_A_REMEMBER));
    gtk_widget_set_visible(box->remember, plan->has_keyring);
    gtk_box_append(GTK_BOX(column), box->remember);
}

static void add_end(struct kp_login_box *box, const char *where, GtkWidget *column)
{
    GtkWidget *row = kp_part_row(8), *waiting = kp_part_row(8);
    g_autofree char *proving = kp_app_say(KP_A_PROVING, where);
    box->spinner = gtk_spinner_new();
    box->proving = kp_part_label(proving, NULL);
    gtk_box_append(GTK_BOX(waiting), box->spinner);
    gtk_box_append(GTK_BOX(waiting), box->proving);
    box->cancel = gtk_button_new_with_label(kp_app_word(KP_A_CANCEL));
    box->go = gtk_button_new_with_label(kp_app_word(KP_A_LOG_IN));
    gtk_widget_add_css_class(box->go, "suggested-action");
    g_signal_connect(box->go, "clicked", G_CALLBACK(clicked_go), box);
    g_signal_connect(box->cancel, "clicked", G_CALLBACK(clicked_cancel), box);
    gtk_box_append(GTK_BOX(row), box->cancel);
    gtk_box_append(GTK_BOX(row), box->go);
    gtk_widget_set_halign(row, GTK_ALIGN_END);
    gtk_widget_set_margin_top(row, 8);
    gtk_box_append(GTK_BOX(column), waiting);
    gtk_box_append(GTK_BOX(column), row);
}

static void open_window(struct kp_login_box *box, const struct kp_login_box_plan *plan)
{
    g_autofree char *title =
        kp_app_say(KP_A_LOGIN_TITLE, plan->name[0] != '\0' ? plan->name : plan->where);
    GtkEventController *keys = gtk_shortcut_controller_new();
    GtkWidget *column = kp_part_column(8);
    box->window = gtk_window_new();
    gtk_window_set_title(GTK_WINDOW(box->window), title);
    gtk_window_set_transient_for(GTK_WINDOW(box->window), plan->parent);
    gtk_window_set_modal(GTK_WINDOW(box->window), TRUE);
    gtk_window_set_default_size(GTK_WINDOW(box->window), 340, -1);
    gtk_window_set_resizable(GTK_WINDOW(box->window), FALSE);
    kp_part_margins(column, 18);
    gtk_widget_set_size_request(column, 304, -1);
    add_who(plan, column);
    add_fields(box, plan, column);
    add_end(box, plan->where, column);
    for (GtkWidget *child = gtk_widget_get_first_child(column); child != NULL;
         child = gtk_widget_get_next_sibling(child))
        if (GTK_IS_LABEL(child))
            gtk_label_set_max_width_chars(GTK_LABEL(child), 36);
    gtk_window_set_child(GTK_WINDOW(box->window), column);
    gtk_shortcut_controller_add_shortcut(
        GTK_SHORTCUT_CONTROLLER(keys),
        gtk_shortcut_new(gtk_keyval_trigger_new(GDK_KEY_Escape, 0),
                         gtk_callback_action_new(pressed_escape, box, NULL)));
    gtk_widget_add_controller(box->window, keys);
    g_signal_connect(box->window, "close-request", G_CALLBACK(closes), box);
}

struct kp_login_box *kp_login_box_new(const struct kp_login_box_plan *plan)
{
    struct kp_login_box *box = g_new0(struct kp_login_box, 1);
    box->plan = *plan;
    open_window(box, plan);
    g_signal_connect(box->user, "changed", G_CALLBACK(typed), box);
    g_signal_connect(box->password, "changed", G_CALLBACK(typed), box);
    g_signal_connect(box->user, "activate", G_CALLBACK(pressed_enter), box);
    g_signal_connect(box->password, "activate", G_CALLBACK(pressed_enter), box);
    watch_caps(box);
    set_waits(box, FALSE);
    (void)gtk_widget_grab_focus(box->password);
    gtk_window_present(GTK_WINDOW(box->window));
    return box;
}

void kp_login_box_wait(struct kp_login_box *box)
{
    gtk_widget_set_visible(box->note, FALSE);
    set_waits(box, TRUE);
}

void kp_login_box_mistyped(struct kp_login_box *box)
{
    box->sure = TRUE;
    say_typo(box, kp_app_word(KP_A_TYPO_ASK));
    set_waits(box, FALSE);
    (void)gtk_widget_grab_focus(box->password);
}

void kp_login_box_refuse(struct kp_login_box *box, const char *why)
{
    gtk_label_set_text(GTK_LABEL(box->note), why);
    gtk_widget_set_visible(box->note, TRUE);
    set_waits(box, FALSE);
    (void)gtk_widget_grab_focus(box->password);
}

/* GTK's buffer of a password wipes what it frees. */
void kp_login_box_free(struct kp_login_box *box)
{
    if (box == NULL)
        return;
    if (box->keyboard != NULL) {
        g_signal_handler_disconnect(box->keyboard, box->caps_watch);
        g_object_unref(box->keyboard);
    }
    g_signal_handlers_disconnect_by_data(box->user, box);
    g_signal_handlers_disconnect_by_data(box->password, box);
    gtk_editable_set_text(GTK_EDITABLE(box->password), "");
    gtk_window_destroy(GTK_WINDOW(box->window));
    g_free(box);
}
