/* What the page asks of the person: see page_box.h. */
#include "page_box.h"

#include "visit_words.h"

#define QUESTIONS 8   /* that wait; more are cancelled at once */
#define TEXT_LEN 2000 /* characters of a page's text that are shown */
#define TEXT_HEIGHT 240

struct question {
    WebKitScriptDialog *dialog; /* or: */
    WebKitAuthenticationRequest *request;
};

struct kp_page_box {
    char *device;
    GtkOverlay *over;
    GtkWidget *page;
    GQueue waiting;                   /* struct question; the first is asked */
    GtkWidget *frame, *user, *answer; /* NULL: nothing is asked; or not that */
};

static void ask_next(struct kp_page_box *box);

/* ---- Answers ----------------------------------------------------------------------------- */

static void tell_dialog(struct kp_page_box *box, WebKitScriptDialog *dialog, gboolean yes)
{
    switch (webkit_script_dialog_get_dialog_type(dialog)) {
    case WEBKIT_SCRIPT_DIALOG_CONFIRM:
    case WEBKIT_SCRIPT_DIALOG_BEFORE_UNLOAD_CONFIRM:
        webkit_script_dialog_confirm_set_confirmed(dialog, yes);
        break;
    case WEBKIT_SCRIPT_DIALOG_PROMPT:
        if (yes && box->answer != NULL)
            webkit_script_dialog_prompt_set_text(dialog,
                                                 gtk_editable_get_text(GTK_EDITABLE(box->answer)));
        break;
    default:
        break;
    }
    webkit_script_dialog_close(dialog);
    webkit_script_dialog_unref(dialog);
}

static void tell_request(struct kp_page_box *box, WebKitAuthenticationRequest *request,
                         gboolean yes)
{
    if (yes && box->user != NULL && box->answer != NULL) {
        WebKitCredential *credential =
            webkit_credential_new(gtk_editable_get_text(GTK_EDITABLE(box->user)),
                                  gtk_editable_get_text(GTK_EDITABLE(box->answer)),
                                  WEBKIT_CREDENTIAL_PERSISTENCE_FOR_SESSION);
        webkit_authentication_request_authenticate(request, credential);
        webkit_credential_free(credential);
    } else {
        /* What the device says to whom it doesn't know is shown. */
        webkit_authentication_request_authenticate(request, NULL);
    }
    g_object_unref(request);
}

static void tell(struct kp_page_box *box, struct question *question, gboolean yes)
{
    if (question->dialog != NULL)
        tell_dialog(box, question->dialog, yes);
    else
        tell_request(box, question->request, yes);
    g_free(question);
}

static void take_down(struct kp_page_box *box)
{
    if (box->frame == NULL)
        return;
    gtk_overlay_remove_overlay(box->over, box->frame);
    box->frame = box->user = box->answer = NULL;
    gtk_widget_set_can_target(box->page, TRUE);
    gtk_widget_set_can_focus(box->page, TRUE);
}

static void answered(struct kp_page_box *box, gboolean yes)
{
    struct question *question = g_queue_pop_head(&box->waiting);
    if (question == NULL)
        return;
    tell(box, question, yes);
    take_down(box);
    (void)gtk_widget_grab_focus(box->page);
    ask_next(box);
}

static void said_yes(GtkWidget *widget, gpointer data)
{
    (void)widget;
    answered(data, TRUE);
}

static void said_no(GtkWidget *widget, gpointer data)
{
    (void)widget;
    answered(data, FALSE);
}

static gboolean pressed(GtkEventControllerKey *keys, guint key, guint code, GdkModifierType state,
                        gpointer data)
{
    (void)keys, (void)code, (void)state;
    if (key != GDK_KEY_Escape)
        return FALSE;
    answered(data, FALSE);
    return TRUE;
}

/* ---- Its looks --------------------------------------------------------------------------- */

static GtkWidget *label(const char *text, const char *class)
{
    GtkWidget *widget = gtk_label_new(text);
    gtk_label_set_wrap(GTK_LABEL(widget), TRUE);
    gtk_label_set_wrap_mode(GTK_LABEL(widget), PANGO_WRAP_WORD_CHAR);
    gtk_label_set_xalign(GTK_LABEL(widget), 0);
    gtk_label_set_max_width_chars(GTK_LABEL(widget), 44);
    if (class != NULL)
        gtk_widget_add_css_class(widget, class);
    return widget;
}

static void add_word(GtkWidget *lines, enum kp_visit_word word, const char *class)
{
    g_autofree char *text = kp_visit_say(word, NULL);
    gtk_box_append(GTK_BOX(lines), label(text, class));
}

/* The page's own words: plain text, in a bounded room. */
static void add_text(GtkWidget *lines, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);
    g_autofree char *start = g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), TEXT_LEN));
    GtkWidget *room = gtk_scrolled_window_new();
    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(room), GTK_POLICY_NEVER,
                                   GTK_POLICY_AUTOMATIC);
    gtk_scrolled_window_set_propagate_natural_height(GTK_SCROLLED_WINDOW(room), TRUE);
    gtk_scrolled_window_set_max_content_height(GTK_SCROLLED_WINDOW(room), TEXT_HEIGHT);
    gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(room), label(start, NULL));
    gtk_box_append(GTK_BOX(lines), room);
}

static GtkWidget *add_entry(struct kp_page_box *box, GtkWidget *lines, GtkWidget *entry,
                            enum kp_visit_word word)
{
    g_autofree char *name = kp_visit_say(word, NULL);
    gtk_box_append(GTK_BOX(lines), label(name, "dim-label"));
    gtk_accessible_update_property(GTK_ACCESSIBLE(entry), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
    (void)g_signal_connect(entry, "activate", G_CALLBACK(said_yes), box);
    gtk_box_append(GTK_BOX(lines), entry);
    return entry;
}

static GtkWidget *add_button(struct kp_page_box *box, GtkWidget *line, enum kp_visit_word word,
                             GCallback clicked)
{
    g_autofree char *name = kp_visit_say(word, NULL);
    GtkWidget *button = gtk_button_new_with_label(name);
    (void)g_signal_connect(button, "clicked", clicked, box);
    gtk_box_append(GTK_BOX(line), button);
    return button;
}

/* The button that says yes.  no: KP_V_WORDS for none. */
static GtkWidget *add_buttons(struct kp_page_box *box, GtkWidget *lines, enum kp_visit_word no,
                              enum kp_visit_word yes)
{
    GtkWidget *line = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6), *button;
    gtk_widget_set_halign(line, GTK_ALIGN_END);
    if (no != KP_V_WORDS)
        (void)add_button(box, line, no, G_CALLBACK(said_no));
    button = add_button(box, line, yes, G_CALLBACK(said_yes));
    gtk_widget_add_css_class(button, "suggested-action");
    gtk_box_append(GTK_BOX(lines), line);
    return button;
}

static GtkWidget *ask_dialog(struct kp_page_box *box, GtkWidget *lines, WebKitScriptDialog *dialog)
{
    WebKitScriptDialogType type = webkit_script_dialog_get_dialog_type(dialog);
    GtkWidget *button;
    if (type == WEBKIT_SCRIPT_DIALOG_BEFORE_UNLOAD_CONFIRM) {
        add_word(lines, KP_V_LEAVE, NULL);
        return add_buttons(box, lines, KP_V_LEAVE_NO, KP_V_LEAVE_YES);
    }
    add_text(lines, webkit_script_dialog_get_message(dialog));
    if (type == WEBKIT_SCRIPT_DIALOG_ALERT)
        return add_buttons(box, lines, KP_V_WORDS, KP_V_OK);
    if (type == WEBKIT_SCRIPT_DIALOG_PROMPT) {
        const char *text = webkit_script_dialog_prompt_get_default_text(dialog);
        box->answer = add_entry(box, lines, gtk_entry_new(), KP_V_ANSWER);
        gtk_editable_set_text(GTK_EDITABLE(box->answer), text != NULL ? text : "");
    }
    button = add_buttons(box, lines, KP_V_CANCEL, KP_V_OK);
    return box->answer != NULL ? box->answer : button;
}

static GtkWidget *ask_login(struct kp_page_box *box, GtkWidget *lines,
                            WebKitAuthenticationRequest *request)
{
    GtkWidget *password = gtk_password_entry_new();
    add_word(lines, KP_V_PAGE_LOGIN_IS_ITS_OWN, NULL);
    if (webkit_authentication_request_is_retry(request))
        add_word(lines, KP_V_PAGE_ASKS_AGAIN, "error");
    gtk_password_entry_set_show_peek_icon(GTK_PASSWORD_ENTRY(password), TRUE);
    box->user = add_entry(box, lines, gtk_entry_new(), KP_V_USER);
    box->answer = add_entry(box, lines, password, KP_V_PASSWORD);
    (void)add_buttons(box, lines, KP_V_CANCEL, KP_V_LOG_IN);
    return box->user;
}

static GtkWidget *make_frame(struct kp_page_box *box, const char *title)
{
    GtkWidget *lines =
        g_object_new(GTK_TYPE_BOX, "orientation", GTK_ORIENTATION_VERTICAL, "spacing", 8,
                     "accessible-role", GTK_ACCESSIBLE_ROLE_DIALOG, NULL);
    GtkEventController *keys = gtk_event_controller_key_new();
    gtk_event_controller_set_propagation_phase(keys, GTK_PHASE_CAPTURE);
    (void)g_signal_connect(keys, "key-pressed", G_CALLBACK(pressed), box);
    gtk_widget_add_controller(lines, keys);
    gtk_accessible_update_property(GTK_ACCESSIBLE(lines), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
    gtk_widget_set_halign(lines, GTK_ALIGN_CENTER);
    gtk_widget_set_valign(lines, GTK_ALIGN_START);
    gtk_widget_add_css_class(lines, "background");
    gtk_widget_add_css_class(lines, "frame");
    gtk_widget_add_css_class(lines, "kp-page-box");
    return lines;
}

/* Every other widget has a margin of its own inside, as a box has no padding without a style. */
static void set_margins(GtkWidget *inner)
{
    gtk_widget_set_margin_top(inner, 16);
    gtk_widget_set_margin_bottom(inner, 16);
    gtk_widget_set_margin_start(inner, 16);
    gtk_widget_set_margin_end(inner, 16);
}

static void ask_next(struct kp_page_box *box)
{
    struct question *question = g_queue_peek_head(&box->waiting);
    GtkWidget *inner, *first;
    g_autofree char *title = NULL;
    if (question == NULL || box->frame != NULL)
        return;
    title =
        kp_visit_say(question->dialog != NULL ? KP_V_PAGE_SAYS : KP_V_PAGE_ASKS_LOGIN, box->device);
    box->frame = make_frame(box, title);
    inner = gtk_box_new(GTK_ORIENTATION_VERTICAL, 8);
    set_margins(inner);
    gtk_box_append(GTK_BOX(inner), label(title, "heading"));
    first = question->dialog != NULL ? ask_dialog(box, inner, question->dialog)
                                     : ask_login(box, inner, question->request);
    gtk_box_append(GTK_BOX(box->frame), inner);
    gtk_widget_set_can_target(box->page, FALSE);
    gtk_widget_set_can_focus(box->page, FALSE);
    gtk_overlay_add_overlay(box->over, box->frame);
    (void)gtk_widget_grab_focus(first);
}

/* ---- Questions --------------------------------------------------------------------------- */

static void ask(struct kp_page_box *box, struct question *question)
{
    if (box->waiting.length >= QUESTIONS) {
        tell(box, question, FALSE);
        return;
    }
    g_queue_push_tail(&box->waiting, question);
    ask_next(box);
}

void kp_page_box_script(struct kp_page_box *box, WebKitScriptDialog *dialog)
{
    struct question *question = g_new0(struct question, 1);
    question->dialog = webkit_script_dialog_ref(dialog);
    ask(box, question);
}

void kp_page_box_login(struct kp_page_box *box, WebKitAuthenticationRequest *request)
{
    struct question *question = g_new0(struct question, 1);
    question->request = g_object_ref(request);
    webkit_authentication_request_set_can_save_credentials(request, FALSE);
    ask(box, question);
}

struct kp_page_box *kp_page_box_new(const char *device, GtkOverlay *over, GtkWidget *page)
{
    struct kp_page_box *box = g_new0(struct kp_page_box, 1);
    box->device = g_strdup(device);
    box->over = over;
    box->page = page;
    g_queue_init(&box->waiting);
    return box;
}

void kp_page_box_free(struct kp_page_box *box)
{
    struct question *question;
    if (box == NULL)
        return;
    take_down(box);
    while ((question = g_queue_pop_head(&box->waiting)) != NULL)
        tell(box, question, FALSE);
    g_free(box->device);
    g_free(box);
}
