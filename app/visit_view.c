/*
 * The device's pages, of one login: see visit_view.h.
 *
 * A page is the device's, so it is no friend: what it says is shown with the device's name, where
 * it goes is judged (visit_policy.h), and nothing of it holds up the end of the visit.
 */
#include "visit_view.h"

#include <string.h>
#include <webkit/webkit.h>

#include "certificate.h"
#include "downloads.h"
#include "find_bar.h"
#include "page_wants.h"
#include "proxy.h"
#include "talk.h"
#include "visit_input.h"
#include "visit_policy.h"
#include "visit_words.h"
#include "web_settings.h"

#define CIRCLES 8 /* from https to http in a row, with no page between */

struct kp_visit {
    struct kp_visit_plan plan; /* its strings are our own */
    struct kp_origin origin;
    struct kp_certificate *certificate;
    struct kp_proxy *proxy;
    WebKitNetworkSession *session;
    WebKitWebView *view;
    GtkWidget *outer, *inner; /* inner goes with the visit, whoever holds outer */
    struct kp_find_bar *find_bar;
    struct kp_downloads *downloads;
    struct kp_page_box *page_box;
    char *missing;  /* what couldn't be loaded, to be tried again; NULL: nothing */
    char *sentence; /* why, until it is told */
    guint telling;  /* the source that tells it */
    guint circles;
    gboolean begun, hidden;
};

/* ---- What is told to the owner ----------------------------------------------------------- */

/* The owner may free the visit in it, so nothing is done after any of these. */
static void moved(struct kp_visit *v)
{
    if (v->begun && !v->hidden)
        v->plan.moved(v->plan.owner);
}

static void acted(gpointer data)
{
    struct kp_visit *v = data;
    if (!v->hidden)
        v->plan.acted(v->plan.owner);
}

static gboolean tell_failed(gpointer data)
{
    struct kp_visit *v = data;
    g_autofree char *sentence = g_steal_pointer(&v->sentence);
    v->telling = 0;
    v->plan.failed(sentence, v->plan.owner);
    return G_SOURCE_REMOVE;
}

/* Not from in the web view's own doing: the owner ends it. */
static void fail(struct kp_visit *v, enum kp_visit_word word, const char *uri)
{
    if (v->hidden || v->telling != 0)
        return;
    if (uri != NULL && kp_policy_top(&v->origin, uri)) {
        g_free(v->missing);
        v->missing = g_strdup(uri);
    }
    g_free(v->sentence);
    v->sentence = kp_visit_say(word, v->plan.name);
    v->telling = g_idle_add(tell_failed, v);
}

/* ---- Where it goes ----------------------------------------------------------------------- */

static void load_secured(struct kp_visit *v, const char *uri)
{
    g_autofree char *secured = kp_policy_secured(&v->origin, uri);
    if (++v->circles > CIRCLES)
        fail(v, KP_V_CIRCLE, NULL);
    else
        webkit_web_view_load_uri(v->view, secured);
}

static void judge_step(struct kp_visit *v, WebKitPolicyDecision *decision, gboolean new_window)
{
    WebKitNavigationAction *action = webkit_navigation_policy_decision_get_navigation_action(
        WEBKIT_NAVIGATION_POLICY_DECISION(decision));
    WebKitURIRequest *request = webkit_navigation_action_get_request(action);
    const char *method = webkit_uri_request_get_http_method(request);
    const struct kp_policy_step step = {
        .uri = webkit_uri_request_get_uri(request),
        .new_window = new_window,
        .by_person = webkit_navigation_action_is_user_gesture(action),
        .get = method == NULL || strcmp(method, "GET") == 0,
    };
    enum kp_policy policy = kp_policy_step(&v->origin, &step);
    g_autofree char *uri = g_strdup(step.uri);
    if (policy == KP_POLICY_LOAD && !new_window) {
        webkit_policy_decision_use(decision);
        return;
    }
    webkit_policy_decision_ignore(decision);
    if (policy == KP_POLICY_LOAD)
        webkit_web_view_load_uri(v->view, uri);
    else if (policy == KP_POLICY_SECURE)
        load_secured(v, uri);
    else if (policy == KP_POLICY_OUTSIDE)
        v->plan.outside(uri, v->plan.owner);
}

static gboolean is_attachment(WebKitURIResponse *response)
{
    SoupMessageHeaders *headers = webkit_uri_response_get_http_headers(response);
    const char *value =
        headers != NULL ? soup_message_headers_get_list(headers, "Content-Disposition") : NULL;
    return value != NULL && g_ascii_strncasecmp(value, "attachment", strlen("attachment")) == 0;
}

static void judge_response(struct kp_visit *v, WebKitPolicyDecision *decision)
{
    WebKitResponsePolicyDecision *answer = WEBKIT_RESPONSE_POLICY_DECISION(decision);
    WebKitURIResponse *response = webkit_response_policy_decision_get_response(answer);
    const char *uri = webkit_uri_response_get_uri(response);
    gboolean whole = webkit_response_policy_decision_is_main_frame_main_resource(answer);
    if (is_attachment(response) || !webkit_response_policy_decision_is_mime_type_supported(answer))
        webkit_policy_decision_download(decision); /* where from is judged again there */
    else if (whole && !kp_policy_top(&v->origin, uri))
        webkit_policy_decision_ignore(decision);
    else
        webkit_policy_decision_use(decision);
}

static gboolean decide(WebKitWebView *view, WebKitPolicyDecision *decision,
                       WebKitPolicyDecisionType type, gpointer data)
{
    struct kp_visit *v = data;
    (void)view;
    if (v->hidden)
        webkit_policy_decision_ignore(decision);
    else if (type == WEBKIT_POLICY_DECISION_TYPE_RESPONSE)
        judge_response(v, decision);
    else
        judge_step(v, decision, type == WEBKIT_POLICY_DECISION_TYPE_NEW_WINDOW_ACTION);
    return TRUE;
}

/* Whatever way it came: what the window shows is the device's. */
static void load_changed(WebKitWebView *view, WebKitLoadEvent event, gpointer data)
{
    struct kp_visit *v = data;
    const char *uri = webkit_web_view_get_uri(view);
    if (event == WEBKIT_LOAD_COMMITTED) {
        v->circles = 0;
        g_clear_pointer(&v->missing, g_free);
        if (uri == NULL || !kp_policy_top(&v->origin, uri)) {
            webkit_web_view_load_uri(view, "about:blank");
            fail(v, KP_V_FAILED, NULL);
            return;
        }
    }
    moved(v);
}

/* ---- What goes wrong --------------------------------------------------------------------- */

/* Cancelled by the person, by a step elsewhere, or because it is a download. */
static gboolean is_no_failure(const GError *error)
{
    return g_error_matches(error, WEBKIT_NETWORK_ERROR, WEBKIT_NETWORK_ERROR_CANCELLED) ||
           error->domain == WEBKIT_POLICY_ERROR;
}

static gboolean load_failed(WebKitWebView *view, WebKitLoadEvent event, const char *uri,
                            GError *error, gpointer data)
{
    (void)view, (void)event;
    if (!is_no_failure(error))
        fail(data, KP_V_FAILED, uri);
    return TRUE;
}

static gboolean load_failed_with_tls(WebKitWebView *view, const char *uri,
                                     GTlsCertificate *certificate, GTlsCertificateFlags errors,
                                     gpointer data)
{
    (void)view, (void)certificate, (void)errors;
    fail(data, KP_V_FAILED_TLS, uri);
    return TRUE;
}

static void process_ended(WebKitWebView *view, WebKitWebProcessTerminationReason reason,
                          gpointer data)
{
    (void)reason;
    fail(data, KP_V_CRASHED, webkit_web_view_get_uri(view));
}

/* ---- Its parts --------------------------------------------------------------------------- */

static void title_changed(WebKitWebView *view, GParamSpec *what, gpointer data)
{
    struct kp_visit *v = data;
    g_autofree char *title = kp_policy_title(webkit_web_view_get_title(view));
    (void)what;
    if (!v->hidden)
        v->plan.title(title, v->plan.owner);
}

static void property_changed(WebKitWebView *view, GParamSpec *what, gpointer data)
{
    (void)view, (void)what;
    moved(data);
}

static void list_changed(WebKitBackForwardList *list, gpointer added, gpointer removed,
                         gpointer data)
{
    (void)list, (void)added, (void)removed;
    moved(data);
}

static void connect_view(struct kp_visit *v)
{
    static const struct {
        const char *name;
        GCallback callback;
    } signals[] = {
        {"decide-policy", G_CALLBACK(decide)},
        {"load-changed", G_CALLBACK(load_changed)},
        {"load-failed", G_CALLBACK(load_failed)},
        {"load-failed-with-tls-errors", G_CALLBACK(load_failed_with_tls)},
        {"web-process-terminated", G_CALLBACK(process_ended)},
        {"notify::title", G_CALLBACK(title_changed)},
        {"notify::is-loading", G_CALLBACK(property_changed)},
        {"notify::zoom-level", G_CALLBACK(property_changed)},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
        (void)g_signal_connect(v->view, signals[i].name, signals[i].callback, v);
    (void)g_signal_connect(webkit_web_view_get_back_forward_list(v->view), "changed",
                           G_CALLBACK(list_changed), v);
}

static int dial(gpointer owner, gint **cut)
{
    struct kp_visit *v = owner;
    return kp_talk_tunnel(v->plan.talk, v->plan.name, cut);
}

static gboolean open_way(struct kp_visit *v, GError **error)
{
    v->certificate = kp_certificate_new(v->origin.host, error);
    if (v->certificate == NULL)
        return FALSE;
    v->proxy = kp_proxy_new(&(struct kp_proxy_plan){.host = v->origin.host,
                                                    .port = v->origin.port,
                                                    .server = v->certificate->server,
                                                    .dial = dial,
                                                    .owner = v},
                            error);
    return v->proxy != NULL;
}

static void make_view(struct kp_visit *v)
{
    g_autofree char *content = kp_policy_content(&v->origin);
    v->view = kp_web_view_new(&(struct kp_web_plan){.host = v->origin.host,
                                                    .content = content,
                                                    .proxy = kp_proxy_uri(v->proxy),
                                                    .certificate = v->certificate->pinned});
    v->session = g_object_ref(webkit_web_view_get_network_session(v->view));
    gtk_widget_set_vexpand(GTK_WIDGET(v->view), TRUE);
    gtk_widget_set_hexpand(GTK_WIDGET(v->view), TRUE);
    connect_view(v);
}

static void make_widgets(struct kp_visit *v)
{
    GtkWidget *over = gtk_overlay_new();
    v->outer = g_object_ref_sink(gtk_box_new(GTK_ORIENTATION_VERTICAL, 0));
    v->inner = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
    v->find_bar = kp_find_bar_new(v->view);
    v->downloads = kp_downloads_new(v->session, &v->origin);
    gtk_overlay_set_child(GTK_OVERLAY(over), GTK_WIDGET(v->view));
    v->page_box = kp_page_box_new(v->plan.name, GTK_OVERLAY(over), GTK_WIDGET(v->view));
    kp_page_wants_answer(v->view, v->page_box);
    gtk_box_append(GTK_BOX(v->inner), kp_find_bar_widget(v->find_bar));
    gtk_box_append(GTK_BOX(v->inner), over);
    gtk_box_append(GTK_BOX(v->inner), kp_downloads_widget(v->downloads));
    gtk_box_append(GTK_BOX(v->outer), v->inner);
    kp_visit_input_watch(v->inner, v->view, acted, v);
}

/* ---- Life -------------------------------------------------------------------------------- */

static void start(struct kp_visit *v)
{
    g_autofree char *origin = kp_origin_text(&v->origin);
    g_autofree char *uri =
        g_strconcat(origin, v->plan.path[0] == '/' ? "" : "/", v->plan.path, NULL);
    webkit_web_view_load_uri(v->view, uri);
}

struct kp_visit *kp_visit_new(const struct kp_visit_plan *plan, GError **error)
{
    struct kp_visit *v = g_new0(struct kp_visit, 1);
    v->plan = *plan;
    v->plan.name = g_strdup(plan->name);
    v->plan.path = g_strdup(plan->path);
    v->plan.host = NULL; /* it is the origin's */
    if (!kp_origin_set(&v->origin, plan->host, plan->port)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "no host of a URL: %s",
                    plan->host);
    } else if (open_way(v, error)) {
        make_view(v);
        make_widgets(v);
        start(v);
        v->begun = TRUE; /* nobody is told of a visit that they don't have yet */
        return v;
    }
    kp_visit_free(v);
    return NULL;
}

GtkWidget *kp_visit_widget(struct kp_visit *v)
{
    return v->outer;
}

/* The web process first: nothing of the page can happen in between. */
void kp_visit_hide(struct kp_visit *v)
{
    if (v->hidden)
        return;
    v->hidden = TRUE;
    if (v->telling != 0)
        (void)g_source_remove(v->telling);
    v->telling = 0;
    if (v->view != NULL) {
        gtk_widget_set_visible(v->inner, FALSE);
        (void)g_signal_handlers_disconnect_by_data(webkit_web_view_get_back_forward_list(v->view),
                                                   v);
        (void)g_signal_handlers_disconnect_by_data(v->view, v);
        webkit_web_view_terminate_web_process(v->view);
        kp_downloads_free(g_steal_pointer(&v->downloads));
        kp_page_wants_part(v->view, v->page_box);
        kp_page_box_free(g_steal_pointer(&v->page_box));
    }
    kp_proxy_free(g_steal_pointer(&v->proxy));
    kp_certificate_free(g_steal_pointer(&v->certificate));
}

static void free_view(struct kp_visit *v)
{
    kp_find_bar_free(v->find_bar);
    gtk_box_remove(GTK_BOX(v->outer), v->inner);
    /* The session forgets all by itself when it goes; this says it while the process runs. */
    webkit_website_data_manager_clear(webkit_network_session_get_website_data_manager(v->session),
                                      WEBKIT_WEBSITE_DATA_ALL, 0, NULL, NULL, NULL);
    g_object_unref(v->view);
    g_object_unref(v->session);
    g_object_unref(v->outer);
}

void kp_visit_free(struct kp_visit *v)
{
    if (v == NULL)
        return;
    kp_visit_hide(v);
    if (v->view != NULL)
        free_view(v);
    kp_origin_clear(&v->origin);
    g_free(v->missing);
    g_free(v->sentence);
    g_free((char *)v->plan.name);
    g_free((char *)v->plan.path);
    g_free(v);
}

/* ---- What the window's buttons do -------------------------------------------------------- */

gboolean kp_visit_can_go_back(struct kp_visit *v)
{
    return webkit_web_view_can_go_back(v->view);
}

gboolean kp_visit_can_go_forward(struct kp_visit *v)
{
    return webkit_web_view_can_go_forward(v->view);
}

gboolean kp_visit_is_loading(struct kp_visit *v)
{
    return webkit_web_view_is_loading(v->view);
}

void kp_visit_back(struct kp_visit *v)
{
    if (!v->hidden)
        webkit_web_view_go_back(v->view);
}

void kp_visit_forward(struct kp_visit *v)
{
    if (!v->hidden)
        webkit_web_view_go_forward(v->view);
}

void kp_visit_reload(struct kp_visit *v)
{
    if (v->hidden)
        return;
    if (v->missing != NULL)
        webkit_web_view_load_uri(v->view, v->missing);
    else
        webkit_web_view_reload(v->view);
}

void kp_visit_stop(struct kp_visit *v)
{
    webkit_web_view_stop_loading(v->view);
}

void kp_visit_find(struct kp_visit *v)
{
    if (!v->hidden)
        kp_find_bar_open(v->find_bar);
}

void kp_visit_zoom_in(struct kp_visit *v)
{
    kp_visit_input_zoom(v->view, 1);
}

void kp_visit_zoom_out(struct kp_visit *v)
{
    kp_visit_input_zoom(v->view, -1);
}

void kp_visit_zoom_normal(struct kp_visit *v)
{
    webkit_web_view_set_zoom_level(v->view, 1);
}

double kp_visit_zoom(struct kp_visit *v)
{
    return webkit_web_view_get_zoom_level(v->view);
}
