/* The web view's settings: see web_settings.h. */
#include "web_settings.h"

#include <string.h>

/* By WebKit's names; a name that it doesn't have (any more) is passed over.  What asks for leave
 * first is refused that as well. */
static const char *const not_for_devices[] = {
    "AppBadge",
    "ContactPickerAPI",
    "FullScreen",
    "Gamepads",
    "GeolocationAPI",
    "IdleDetection",
    "ImageCapture",
    "LinkDNSPrefetch",
    "LinkPreconnect",
    "LinkPreconnectEarlyHints",
    "LinkPrefetch",
    "MediaDevices",
    "MediaRecorder",
    "NotificationEvent",
    "Notifications",
    "PeerConnection",
    "PrivateClickMeasurement",
    "PushAPI",
    "ScreenCapture",
    "ScreenWakeLockAPI",
    "SpeechRecognition",
    "SpeechSynthesisAPI",
    "WebGPU",
    "WebRTC",
    "WebShare",
    "WebTransport",
    "WebXR",
};

static gboolean is_for_devices(const char *feature)
{
    for (gsize i = 0; i < G_N_ELEMENTS(not_for_devices); i++)
        if (strcmp(not_for_devices[i], feature) == 0)
            return FALSE;
    return TRUE;
}

static void leave_out_features(WebKitSettings *settings)
{
    WebKitFeatureList *all = webkit_settings_get_all_features();
    for (gsize i = 0; i < webkit_feature_list_get_length(all); i++) {
        WebKitFeature *feature = webkit_feature_list_get(all, i);
        if (!is_for_devices(webkit_feature_get_identifier(feature)))
            webkit_settings_set_feature_enabled(settings, feature, FALSE);
    }
    webkit_feature_list_unref(all);
}

static WebKitSettings *new_settings(void)
{
    WebKitSettings *settings = webkit_settings_new();
    leave_out_features(settings);
    /* A page that fills the screen could draw the padlock too. */
    webkit_settings_set_enable_fullscreen(settings, FALSE);
    webkit_settings_set_enable_webrtc(settings, FALSE);
    webkit_settings_set_enable_media_stream(settings, FALSE);
    webkit_settings_set_enable_encrypted_media(settings, FALSE);
    webkit_settings_set_enable_site_specific_quirks(settings, FALSE);
    webkit_settings_set_enable_page_cache(settings, FALSE);
    webkit_settings_set_javascript_can_open_windows_automatically(settings, FALSE);
    webkit_settings_set_javascript_can_access_clipboard(settings, FALSE);
    webkit_settings_set_allow_file_access_from_file_urls(settings, FALSE);
    webkit_settings_set_allow_universal_access_from_file_urls(settings, FALSE);
    webkit_settings_set_allow_top_navigation_to_data_urls(settings, FALSE);
    webkit_settings_set_disable_web_security(settings, FALSE);
#ifdef KP_APP_DEBUG
    webkit_settings_set_enable_developer_extras(settings, TRUE);
#else
    webkit_settings_set_enable_developer_extras(settings, FALSE);
#endif
    return settings;
}

/* An address of IPv6 has no brackets here. */
static void pin(WebKitNetworkSession *session, const struct kp_web_plan *plan)
{
    g_autofree char *bare = plan->host[0] == '[' ? g_strndup(plan->host + 1, strlen(plan->host) - 2)
                                                 : g_strdup(plan->host);
    webkit_network_session_allow_tls_certificate_for_host(session, plan->certificate, bare);
}

static WebKitNetworkSession *new_session(const struct kp_web_plan *plan)
{
    WebKitNetworkSession *session = webkit_network_session_new_ephemeral();
    WebKitNetworkProxySettings *proxy = webkit_network_proxy_settings_new(plan->proxy, NULL);
    webkit_network_session_set_proxy_settings(session, WEBKIT_NETWORK_PROXY_MODE_CUSTOM, proxy);
    webkit_network_proxy_settings_free(proxy);
    webkit_network_session_set_tls_errors_policy(session, WEBKIT_TLS_ERRORS_POLICY_FAIL);
    pin(session, plan);
    webkit_network_session_set_persistent_credential_storage_enabled(session, FALSE);
    webkit_website_data_manager_set_favicons_enabled(
        webkit_network_session_get_website_data_manager(session), FALSE);
    webkit_cookie_manager_set_accept_policy(webkit_network_session_get_cookie_manager(session),
                                            WEBKIT_COOKIE_POLICY_ACCEPT_NO_THIRD_PARTY);
    return session;
}

WebKitWebView *kp_web_view_new(const struct kp_web_plan *plan)
{
    g_autoptr(WebKitNetworkSession) session = new_session(plan);
    g_autoptr(WebKitWebContext) context = webkit_web_context_new();
    g_autoptr(WebKitSettings) settings = new_settings();
    WebKitWebView *view;
    /* No process with pages of before is kept for the next one. */
    webkit_web_context_set_cache_model(context, WEBKIT_CACHE_MODEL_DOCUMENT_VIEWER);
    view =
        g_object_new(WEBKIT_TYPE_WEB_VIEW, "network-session", session, "web-context", context,
                     "settings", settings, "default-content-security-policy", plan->content, NULL);
    return g_object_ref_sink(view);
}
