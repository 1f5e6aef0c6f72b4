/* The app's window: see window.h. */
#include "window.h"

#include <string.h>

#include "app_words.h"
#include "idle.h"
#include "login_box.h"
#include "padlock.h"
#include "parts.h"
#include "settings.h"
#include "start_view.h"
#include "trouble_view.h"
#include "visit_view.h"

enum place { AT_START, AT_VISIT, AT_TROUBLE };

struct kp_window {
    GtkApplication *app;
    GtkWidget *window, *stack, *header, *title, *back, *reload, *menu;
    struct kp_talk *talk;
    struct kp_start_view *start;
    struct kp_trouble_view *trouble;
    struct kp_padlock *padlock;
    struct kp_login_box *box; /* NULL: it isn't shown */
    GtkWidget *question;      /* whether a link out of the visit is opened; NULL: it isn't asked */
    struct kp_visit *visit;   /* NULL: there is none */
    struct kp_settings settings;
    struct kp_idle idle;
    enum place place;
    guint watch, asking; /* what is waited for; 0: nothing */

    /* The device that is meant. */
    char *given;    /* what the person gave for it */
    char *password; /* of a label's picture, until the box has it; secret */
    char *where, *user, *path;
    char *name;    /* the site's; "": not known yet */
    char *failure; /* what the engine said last of it */
    gboolean saved, failing;
    char *device_id;
};

static void set_text(char **to, const char *text)
{
    g_free(*to);
    *to = g_strdup(text);
}

/* ---- What is to be seen ------------------------------------------------------------------ */

static void set_enabled(struct kp_window *w, const char *name, gboolean enabled)
{
    GAction *action = g_action_map_lookup_action(G_ACTION_MAP(w->window), name);
    g_simple_action_set_enabled(G_SIMPLE_ACTION(action), enabled);
}

static void set_title(struct kp_window *w)
{
    g_autofree char *title = g_strdup_printf("%s, %s", w->name != NULL ? w->name : "", w->where);
    gtk_window_set_title(GTK_WINDOW(w->window), w->place == AT_VISIT ? title : "Keyplate");
}

static void look_again(gpointer data)
{
    struct kp_window *w = data;
    gboolean visits = w->place == AT_VISIT && w->visit != NULL;
    gboolean loads = visits && kp_visit_is_loading(w->visit);
    const char *called = kp_app_word(loads ? KP_A_STOP : KP_A_RELOAD);
    static const char *const of_visit[] = {"reload",   "find",        "zoom-in",
                                           "zoom-out", "zoom-normal", "logout"};
    for (gsize i = 0; i < G_N_ELEMENTS(of_visit); i++)
        set_enabled(w, of_visit[i], visits);
    set_enabled(w, "back", visits && kp_visit_can_go_back(w->visit));
    /* On a phone there is no room for what can't be done. */
    gtk_widget_set_visible(w->back, visits && kp_visit_can_go_back(w->visit));
    gtk_widget_set_visible(w->reload, visits);
    gtk_button_set_icon_name(GTK_BUTTON(w->reload),
                             loads ? "process-stop-symbolic" : "view-refresh-symbolic");
    gtk_widget_set_tooltip_text(w->reload, called);
    kp_part_call(w->reload, called);
}

static void go_to(struct kp_window *w, enum place place)
{
    static const char *const names[] = {"start", "visit", "trouble"};
    GtkWidget *shown = gtk_stack_get_child_by_name(GTK_STACK(w->stack), names[place]);
    w->place = place;
    /* The others are hidden from screen readers, too. */
    gtk_widget_set_visible(shown, TRUE);
    gtk_stack_set_visible_child(GTK_STACK(w->stack), shown);
    for (GtkWidget *child = gtk_widget_get_first_child(w->stack); child != NULL;
         child = gtk_widget_get_next_sibling(child))
        gtk_widget_set_visible(child, child == shown);
    gtk_header_bar_set_title_widget(GTK_HEADER_BAR(w->header),
                                    place == AT_VISIT ? kp_padlock_widget(w->padlock) : w->title);
    gtk_label_set_text(GTK_LABEL(w->title),
                       place == AT_START ? kp_app_word(KP_A_START_TITLE) : "Keyplate");
    if (place == AT_TROUBLE)
        gtk_widget_add_css_class(w->window, "kp-in-trouble");
    else
        gtk_widget_remove_css_class(w->window, "kp-in-trouble");
    if (place == AT_START)
        kp_start_view_open(w->start);
    else
        kp_start_view_shut(w->start);
    set_title(w);
    look_again(w);
}

/* ---- The end of a visit ------------------------------------------------------------------ */

static void tell_logout(struct kp_window *w)
{
    cJSON *request;
    if (w->name == NULL || w->name[0] == '\0')
        return;
    request = kp_talk_request("logout");
    (void)cJSON_AddStringToObject(request, "name", w->name);
    (void)kp_talk_ask(w->talk, request, NULL, NULL);
}

static void end_visit(struct kp_window *w)
{
    struct kp_visit *visit = g_steal_pointer(&w->visit);
    kp_idle_stop(&w->idle);
    w->failing = FALSE;
    if (w->question != NULL)
        gtk_window_destroy(GTK_WINDOW(w->question));
    if (visit == NULL)
        return;
    gtk_stack_remove(GTK_STACK(w->stack), kp_visit_widget(visit));
    kp_visit_free(visit);
}

static void leave(struct kp_window *w, enum kp_app_word why)
{
    g_autofree char *sentence = kp_app_say(why, w->name);
    go_to(w, AT_START);
    end_visit(w);
    tell_logout(w);
    set_text(&w->name, "");
    kp_start_view_say(w->start, sentence, FALSE);
}

static void clicked_out(gpointer data)
{
    leave(data, KP_A_LOGGED_OUT);
}

static void idle_passed(gpointer data)
{
    leave(data, KP_A_LOGGED_IDLE);
}

/* ---- Trouble ----------------------------------------------------------------------------- */

static void show_trouble(struct kp_window *w, enum kp_app_word heading, const char *text,
                         const char *more, gboolean may_retry)
{
    const struct kp_trouble_facts facts = {.heading = kp_app_word(heading),
                                           .where = w->where,
                                           .text = text,
                                           .more = more,
                                           .may_retry = may_retry,
                                           .is_over = !w->failing,
                                           .is_alarm = heading != KP_A_TROUBLE_OTHER};
    if (w->visit != NULL && !w->failing)
        kp_visit_hide(w->visit);
    go_to(w, AT_TROUBLE);
    if (!w->failing)
        end_visit(w);
    kp_trouble_view_show(w->trouble, &facts);
}

static void open_box(struct kp_window *w, const char *note);

/* A page that couldn't be had is asked for once more; a login is the person's to begin. */
static void clicked_again(gpointer data)
{
    struct kp_window *w = data;
    if (w->failing && w->visit != NULL) {
        w->failing = FALSE;
        go_to(w, AT_VISIT);
        kp_visit_reload(w->visit);
        return;
    }
    go_to(w, AT_START);
    open_box(w, "");
}

static void clicked_back(gpointer data)
{
    struct kp_window *w = data;
    go_to(w, AT_START);
    end_visit(w);
    tell_logout(w);
    set_text(&w->name, "");
    kp_start_view_say(w->start, "", FALSE);
}

static void visit_failed(const char *sentence, gpointer data)
{
    struct kp_window *w = data;
    if (w->place != AT_VISIT)
        return;
    w->failing = TRUE;
    show_trouble(w, KP_A_TROUBLE_OTHER, sentence, "", TRUE);
}

/* ---- A visit ----------------------------------------------------------------------------- */

static void acted(gpointer data)
{
    struct kp_window *w = data;
    kp_idle_acted(&w->idle);
}

static void page_title(const char *title, gpointer data)
{
    (void)title; /* the window is named by the device, which no page can change */
    (void)data;
}

static void outside_agreed(gboolean agreed, gpointer data)
{
    if (agreed)
        (void)g_app_info_launch_default_for_uri(data, NULL, NULL);
}

static void outside(const char *uri, gpointer data)
{
    struct kp_window *w = data;
    g_autofree char *question = kp_app_say(KP_A_OUTSIDE, uri);
    if (w->question != NULL)
        return;
    w->question = kp_part_ask(GTK_WINDOW(w->window), question, kp_app_word(KP_A_OUTSIDE_OPEN),
                              FALSE, outside_agreed, g_strdup(uri), g_free);
    g_object_add_weak_pointer(G_OBJECT(w->question), (gpointer *)&w->question);
}

/* "host", "host:port", "[v6]:port". */
static char *split(const char *where, guint16 *port)
{
    const char *bracket = strchr(where, ']');
    const char *colon = strchr(bracket != NULL ? bracket : where, ':');
    *port = 443;
    if (colon == NULL)
        return g_strdup(where);
    *port = (guint16)g_ascii_strtoull(colon + 1, NULL, 10);
    return g_strndup(where, (gsize)(colon - where));
}

static void begin_visit(struct kp_window *w, const cJSON *device)
{
    guint16 port;
    g_autofree char *host = split(kp_talk_text(device, "where"), &port);
    g_autoptr(GError) error = NULL;
    set_text(&w->name, kp_talk_text(device, "name"));
    set_text(&w->where, kp_talk_text(device, "where"));
    const struct kp_visit_plan plan = {.talk = w->talk,
                                       .name = w->name,
                                       .host = host,
                                       .port = port,
                                       .path = w->path,
                                       .title = page_title,
                                       .outside = outside,
                                       .moved = look_again,
                                       .acted = acted,
                                       .failed = visit_failed,
                                       .owner = w};
    w->visit = kp_visit_new(&plan, &error);
    if (w->visit == NULL) {
        tell_logout(w);
        show_trouble(w, KP_A_TROUBLE_OTHER, error->message, "", TRUE);
        return;
    }
    (void)gtk_stack_add_named(GTK_STACK(w->stack), kp_visit_widget(w->visit), "visit");
    kp_padlock_show(w->padlock, device);
    go_to(w, AT_VISIT);
    kp_idle_start(&w->idle, w->settings.idle_minutes, idle_passed, w);
    (void)gtk_widget_grab_focus(kp_visit_widget(w->visit));
}

/* ---- Logging in -------------------------------------------------------------------------- */

static void close_box(struct kp_window *w)
{
    kp_login_box_free(g_steal_pointer(&w->box));
}

static void show_refusal(struct kp_window *w, const cJSON *answer)
{
    const char *error = kp_talk_text(answer, "error");
    gboolean refused = strcmp(error, "refused") == 0, stranger = strcmp(error, "stranger") == 0;
    enum kp_app_word heading = refused    ? KP_A_TROUBLE_PROOF
                               : stranger ? KP_A_TROUBLE_STRANGER
                                          : KP_A_TROUBLE_OTHER;
    close_box(w);
    show_trouble(w, heading, kp_talk_text(answer, "text"), kp_talk_text(answer, "more"), !stranger);
}

static void logged_in(const cJSON *answer, gpointer data)
{
    static const char *const shown[] = {"refused", "stranger", "trouble", NULL};
    struct kp_window *w = data;
    const char *error = kp_talk_text(answer, "error");
    w->asking = 0;
    if (kp_talk_true(answer, "ok")) {
        close_box(w);
        begin_visit(w, cJSON_GetObjectItemCaseSensitive(answer, "device"));
    } else if (strcmp(error, "mistyped") == 0) {
        kp_login_box_mistyped(w->box);
    } else if (g_strv_contains(shown, error)) {
        show_refusal(w, answer);
    } else {
        kp_login_box_refuse(w->box, kp_talk_text(answer, "text"));
    }
}

static void attempt(const char *user, const char *password, gboolean remember, gboolean sure,
                    gpointer data)
{
    struct kp_window *w = data;
    cJSON *request = kp_talk_request("login");
    set_text(&w->user, user);
    set_text(&w->failure, "");
    (void)cJSON_AddStringToObject(request, "device", w->given);
    (void)cJSON_AddStringToObject(request, "user", user);
    if (password[0] != '\0')
        (void)cJSON_AddStringToObject(request, "password", password);
    (void)cJSON_AddBoolToObject(request, "remember", remember);
    (void)cJSON_AddBoolToObject(request, "check", !sure);
    w->asking = kp_talk_ask(w->talk, request, logged_in, w);
    kp_login_box_wait(w->box);
}

static void give_up(struct kp_window *w)
{
    if (w->asking != 0)
        tell_logout(w); /* what is being proved is given up */
    kp_talk_drop(w->talk, w->asking);
    w->asking = 0;
}

static void cancelled(gpointer data)
{
    struct kp_window *w = data;
    w->box = NULL;
    give_up(w);
}

static void open_box(struct kp_window *w, const char *note)
{
    const struct kp_login_box_plan plan = {.parent = GTK_WINDOW(w->window),
                                           .where = w->where,
                                           .name = w->saved ? w->name : "",
                                           .user = w->user,
                                           .device_id = w->device_id,
                                           .password = w->password,
                                           .note = note,
                                           .saved = w->saved,
                                           .has_keyring = kp_talk_has_keyring(w->talk),
                                           .attempt = attempt,
                                           .cancelled = cancelled,
                                           .owner = w};
    close_box(w);
    w->box = kp_login_box_new(&plan);
    if (w->password != NULL)
        explicit_bzero(w->password, strlen(w->password));
    g_clear_pointer(&w->password, g_free);
}

static void found(const cJSON *answer, gpointer data)
{
    struct kp_window *w = data;
    g_autofree char *why = NULL;
    w->asking = 0;
    if (!kp_talk_true(answer, "ok") || kp_talk_true(answer, "nowhere")) {
        const char *more = kp_talk_text(answer, "more");
        why = g_strdup_printf("%s%s%s", kp_talk_text(answer, "text"), more[0] != '\0' ? ". " : "",
                              more);
        kp_start_view_say(w->start, why, TRUE);
        return;
    }
    set_text(&w->where, kp_talk_text(answer, "where"));
    set_text(&w->user, kp_talk_text(answer, "user"));
    set_text(&w->name, kp_talk_text(answer, "name"));
    set_text(&w->path, kp_talk_text(answer, "path"));
    set_text(&w->device_id, kp_talk_text(answer, "device_id"));
    w->saved = kp_talk_true(answer, "saved");
    open_box(w, "");
}

static void chosen(const char *text, const char *password, gpointer data)
{
    struct kp_window *w = data;
    cJSON *request = kp_talk_request("find");
    set_text(&w->given, text);
    if (w->password != NULL)
        explicit_bzero(w->password, strlen(w->password));
    g_free(w->password);
    w->password = g_strdup(password);
    kp_talk_drop(w->talk, w->asking);
    (void)cJSON_AddStringToObject(request, "device", text);
    w->asking = kp_talk_ask(w->talk, request, found, w);
}

/* ---- What happens ------------------------------------------------------------------------ */

static void state_changed(struct kp_window *w, const cJSON *device)
{
    const char *state = kp_talk_text(device, "state");
    gboolean stranger = strcmp(state, "stranger") == 0, refused = strcmp(state, "refused") == 0;
    if (w->asking != 0 && w->box != NULL && strcmp(state, "proving") == 0)
        set_text(&w->name, kp_talk_text(device, "name"));
    if (w->visit == NULL || g_strcmp0(kp_talk_text(device, "name"), w->name) != 0)
        return;
    if (stranger || refused) {
        w->failing = FALSE;
        show_trouble(w, stranger ? KP_A_TROUBLE_STRANGER : KP_A_TROUBLE_PROOF,
                     w->failure != NULL ? w->failure : "", "", refused);
        tell_logout(w);
    } else if (strcmp(state, "out") == 0) {
        leave(w, KP_A_LEFT);
    } else if (strcmp(state, "in") == 0) {
        kp_padlock_show(w->padlock, device);
    }
}

static void happened(const char *event, const cJSON *message, gpointer data)
{
    struct kp_window *w = data;
    if (strcmp(event, "state") == 0)
        state_changed(w, cJSON_GetObjectItemCaseSensitive(message, "device"));
    else if (strcmp(event, "said") == 0 && strcmp(kp_talk_text(message, "level"), "failure") == 0)
        set_text(&w->failure, kp_talk_text(message, "text"));
}

/* ---- What the person does in the window -------------------------------------------------- */

static void settings_changed(gpointer data)
{
    struct kp_window *w = data;
    kp_idle_set(&w->idle, w->settings.idle_minutes);
}

static void do_reload(struct kp_window *w)
{
    if (kp_visit_is_loading(w->visit))
        kp_visit_stop(w->visit);
    else
        kp_visit_reload(w->visit);
}

static void do_back(struct kp_window *w)
{
    kp_visit_back(w->visit);
}

static void do_find(struct kp_window *w)
{
    kp_visit_find(w->visit);
}

static void do_zoom_in(struct kp_window *w)
{
    kp_visit_zoom_in(w->visit);
}

static void do_zoom_out(struct kp_window *w)
{
    kp_visit_zoom_out(w->visit);
}

static void do_zoom_normal(struct kp_window *w)
{
    kp_visit_zoom_normal(w->visit);
}

static void do_logout(struct kp_window *w)
{
    leave(w, KP_A_LOGGED_OUT);
}

static void do_settings(struct kp_window *w)
{
    kp_settings_show(GTK_WINDOW(w->window), &w->settings, settings_changed, w);
}

static void do_about(struct kp_window *w)
{
    gtk_show_about_dialog(GTK_WINDOW(w->window), "program-name", "Keyplate", "version", KP_VERSION,
                          "comments", kp_app_word(KP_A_ABOUT_TEXT), "license-type",
                          GTK_LICENSE_MIT_X11, "logo-icon-name", "org.keyplate.App", NULL);
}

static const struct action {
    const char *name;
    void (*act)(struct kp_window *w);
    const char *keys[4];
} actions[] = {
    {"back", do_back, {"<Alt>Left", NULL}},
    {"reload", do_reload, {"<Control>r", "F5", NULL}},
    {"find", do_find, {"<Control>f", NULL}},
    {"zoom-in", do_zoom_in, {"<Control>plus", "<Control>equal", "<Control>KP_Add", NULL}},
    {"zoom-out", do_zoom_out, {"<Control>minus", "<Control>KP_Subtract", NULL}},
    {"zoom-normal", do_zoom_normal, {"<Control>0", NULL}},
    {"logout", do_logout, {"<Control><Shift>q", NULL}},
    {"settings", do_settings, {"<Control>comma", NULL}},
    {"about", do_about, {NULL}},
};

static void activated(GSimpleAction *simple, GVariant *parameter, gpointer data)
{
    const struct action *action = g_object_get_data(G_OBJECT(simple), "action");
    (void)parameter;
    action->act(data);
}

static void add_actions(struct kp_window *w)
{
    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        g_autoptr(GSimpleAction) simple = g_simple_action_new(actions[i].name, NULL);
        g_autofree char *detailed = g_strdup_printf("win.%s", actions[i].name);
        g_object_set_data(G_OBJECT(simple), "action", (gpointer)&actions[i]);
        g_signal_connect(simple, "activate", G_CALLBACK(activated), w);
        g_action_map_add_action(G_ACTION_MAP(w->window), G_ACTION(simple));
        gtk_application_set_accels_for_action(w->app, detailed,
                                              (const char *const *)actions[i].keys);
    }
}

/* ---- What it is made of ------------------------------------------------------------------ */

static GtkWidget *menu_button(void)
{
    static const struct {
        enum kp_app_word word;
        const char *action;
    } rows[] = {{KP_A_FIND, "win.find"},         {KP_A_ZOOM_IN, "win.zoom-in"},
                {KP_A_ZOOM_OUT, "win.zoom-out"}, {KP_A_ZOOM_NORMAL, "win.zoom-normal"},
                {KP_A_LOG_OUT, "win.logout"},    {KP_A_SETTINGS, "win.settings"},
                {KP_A_ABOUT, "win.about"}};
    GtkWidget *button = gtk_menu_button_new();
    g_autoptr(GMenu) menu = g_menu_new();
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        g_menu_append(menu, kp_app_word(rows[i].word), rows[i].action);
    gtk_menu_button_set_icon_name(GTK_MENU_BUTTON(button), "open-menu-symbolic");
    gtk_menu_button_set_menu_model(GTK_MENU_BUTTON(button), G_MENU_MODEL(menu));
    gtk_widget_set_tooltip_text(button, kp_app_word(KP_A_MENU));
    kp_part_call(button, kp_app_word(KP_A_MENU));
    return button;
}

static void add_header(struct kp_window *w)
{
    w->header = gtk_header_bar_new();
    w->title = gtk_label_new("");
    gtk_widget_add_css_class(w->title, "title");
    (void)g_object_ref_sink(w->title);
    w->back = kp_part_icon_button("go-previous-symbolic", kp_app_word(KP_A_BACK));
    w->reload = kp_part_icon_button("view-refresh-symbolic", kp_app_word(KP_A_RELOAD));
    w->menu = menu_button();
    gtk_actionable_set_action_name(GTK_ACTIONABLE(w->back), "win.back");
    gtk_actionable_set_action_name(GTK_ACTIONABLE(w->reload), "win.reload");
    gtk_header_bar_pack_start(GTK_HEADER_BAR(w->header), w->back);
    gtk_header_bar_pack_start(GTK_HEADER_BAR(w->header), w->reload);
    gtk_header_bar_pack_end(GTK_HEADER_BAR(w->header), w->menu);
    gtk_window_set_titlebar(GTK_WINDOW(w->window), w->header);
}

static void add_views(struct kp_window *w)
{
    const struct kp_start_view_hooks start = {.chosen = chosen, .owner = w};
    const struct kp_trouble_view_hooks trouble = {
        .again = clicked_again, .back = clicked_back, .owner = w};
    w->stack = gtk_stack_new();
    w->start = kp_start_view_new(w->talk, &start);
    w->trouble = kp_trouble_view_new(&trouble);
    w->padlock = kp_padlock_new(clicked_out, w);
    (void)g_object_ref_sink(kp_padlock_widget(w->padlock));
    (void)gtk_stack_add_named(GTK_STACK(w->stack), kp_start_view_widget(w->start), "start");
    (void)gtk_stack_add_named(GTK_STACK(w->stack), kp_trouble_view_widget(w->trouble), "trouble");
    gtk_window_set_child(GTK_WINDOW(w->window), w->stack);
}

/* The engine ends first: after it nobody is called any more. */
static void destroyed(GtkWidget *widget, gpointer data)
{
    struct kp_window *w = data;
    (void)widget;
    close_box(w);
    kp_idle_stop(&w->idle);
    kp_visit_free(w->visit);
    kp_talk_free(w->talk);
    kp_start_view_free(w->start);
    kp_trouble_view_free(w->trouble);
    kp_padlock_free(w->padlock);
    g_object_unref(w->title);
    if (w->password != NULL)
        explicit_bzero(w->password, strlen(w->password));
    g_free(w->password);
    g_free(w->given);
    g_free(w->where);
    g_free(w->user);
    g_free(w->path);
    g_free(w->name);
    g_free(w->failure);
    g_free(w->device_id);
    g_free(w);
}

struct kp_window *kp_window_new(GtkApplication *app, char **why)
{
    struct kp_window *w = g_new0(struct kp_window, 1);
    w->app = app;
    w->talk = kp_talk_new(why);
    if (w->talk == NULL) {
        g_free(w);
        return NULL;
    }
    set_text(&w->where, "");
    set_text(&w->name, "");
    kp_settings_load(&w->settings);
    w->window = gtk_application_window_new(app);
    gtk_window_set_icon_name(GTK_WINDOW(w->window), "org.keyplate.App");
    gtk_window_set_default_size(GTK_WINDOW(w->window), 960, 720);
    add_header(w);
    add_views(w);
    add_actions(w);
    w->watch = kp_talk_watch(w->talk, happened, w);
    g_signal_connect(w->window, "destroy", G_CALLBACK(destroyed), w);
    go_to(w, AT_START);
    return w;
}

void kp_window_go(struct kp_window *w, const char *text)
{
    gtk_window_present(GTK_WINDOW(w->window));
    if (text == NULL)
        return;
    close_box(w);
    give_up(w);
    if (w->place != AT_START) {
        if (w->visit != NULL)
            leave(w, KP_A_LOGGED_OUT);
        else
            go_to(w, AT_START);
    }
    chosen(text, NULL, w);
}
