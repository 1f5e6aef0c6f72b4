/* What a page may want: see page_wants.h. */
#include "page_wants.h"

static gboolean refuse_permission(WebKitWebView *view, WebKitPermissionRequest *request,
                                  gpointer data)
{
    (void)view, (void)data;
    webkit_permission_request_deny(request);
    return TRUE;
}

static gboolean say_denied(WebKitWebView *view, WebKitPermissionStateQuery *query, gpointer data)
{
    (void)view, (void)data;
    webkit_permission_state_query_finish(query, WEBKIT_PERMISSION_STATE_DENIED);
    return TRUE;
}

static gboolean refuse(void)
{
    return TRUE;
}

static gboolean script_dialog(WebKitWebView *view, WebKitScriptDialog *dialog, gpointer data)
{
    (void)view;
    kp_page_box_script(data, dialog);
    return TRUE;
}

/* HTTP's own login, which many devices have: the page's, not Keyplate's. */
static gboolean authenticate(WebKitWebView *view, WebKitAuthenticationRequest *request,
                             gpointer data)
{
    WebKitAuthenticationScheme scheme = webkit_authentication_request_get_scheme(request);
    (void)view;
    if (webkit_authentication_request_is_for_proxy(request) ||
        (scheme != WEBKIT_AUTHENTICATION_SCHEME_HTTP_BASIC &&
         scheme != WEBKIT_AUTHENTICATION_SCHEME_HTTP_DIGEST))
        webkit_authentication_request_cancel(request);
    else
        kp_page_box_login(data, request);
    return TRUE;
}

/* What opens windows, fills the screen, or isn't for people. */
static gboolean is_for_menu(WebKitContextMenuAction action)
{
    switch (action) {
    case WEBKIT_CONTEXT_MENU_ACTION_OPEN_LINK_IN_NEW_WINDOW:
    case WEBKIT_CONTEXT_MENU_ACTION_OPEN_IMAGE_IN_NEW_WINDOW:
    case WEBKIT_CONTEXT_MENU_ACTION_OPEN_FRAME_IN_NEW_WINDOW:
    case WEBKIT_CONTEXT_MENU_ACTION_OPEN_VIDEO_IN_NEW_WINDOW:
    case WEBKIT_CONTEXT_MENU_ACTION_OPEN_AUDIO_IN_NEW_WINDOW:
    case WEBKIT_CONTEXT_MENU_ACTION_ENTER_VIDEO_FULLSCREEN:
        return FALSE;
    default:
        return TRUE;
    }
}

static gboolean context_menu(WebKitWebView *view, WebKitContextMenu *menu,
                             WebKitHitTestResult *place, gpointer data)
{
    g_autoptr(GList) items = g_list_copy(webkit_context_menu_get_items(menu));
    (void)view, (void)place, (void)data;
    for (GList *at = items; at != NULL; at = at->next)
        if (!is_for_menu(webkit_context_menu_item_get_stock_action(at->data)))
            webkit_context_menu_remove(menu, at->data);
    return FALSE;
}

void kp_page_wants_answer(WebKitWebView *view, struct kp_page_box *box)
{
    static const struct {
        const char *name;
        GCallback callback;
    } signals[] = {
        {"permission-request", G_CALLBACK(refuse_permission)},
        {"query-permission-state", G_CALLBACK(say_denied)},
        {"enter-fullscreen", G_CALLBACK(refuse)},
        {"show-notification", G_CALLBACK(refuse)},
        {"script-dialog", G_CALLBACK(script_dialog)},
        {"authenticate", G_CALLBACK(authenticate)},
        {"context-menu", G_CALLBACK(context_menu)},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
        (void)g_signal_connect(view, signals[i].name, signals[i].callback, box);
}

void kp_page_wants_part(WebKitWebView *view, struct kp_page_box *box)
{
    (void)g_signal_handlers_disconnect_by_data(view, box);
}
