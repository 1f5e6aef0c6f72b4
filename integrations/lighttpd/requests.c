/*
 * What pages learn of who was proved, and the answer to /.well-known/keyplate.
 *
 * Of a client on a socket of ours nothing is believed: it speaks TLS to us with nobody in between,
 * so whatever it says of who or where it is, it made up.  CGI can't tell X-Remote-User from
 * X_Remote_User, and lighttpd gives it the last of them: each spelling goes.
 */
#include "mod_keyplate.h"

#include <string.h>

#include <chunk.h>
#include <http_header.h>
#include <sock_addr.h>

#define WORD_LEN 16
#define HINT_PATH "/.well-known/keyplate"

/* Each with and without X- before it; a * stands for whatever follows.  X-Keyplate alone, which is
 * what a browser says about itself, isn't one of them. */
static const char claims[][WORD_LEN] = {
    /* Ours, and the user by other gateways. */
    "keyplate-*",
    "remote-*",
    "auth-type",
    "auth-user*",
    "auth-request-*",
    "authenticated-*",
    "authentik-*",
    "webauth-*",
    "oidc-*",
    "proxy-user*",
    "user",
    "user-name",
    "username",
    /* Its address, what it asked a gateway for, and its certificate. */
    "forwarded*",
    "real-*",
    "client-ip",
    "client-cert*",
    "client-verify",
    "client-dn",
    "original-*",
    "ssl*",
    "https",
};

static char loosest(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

static bool is(const char *name, const char *word)
{
    while (*name != '\0' && *word != '\0' && *word != '*' && loosest(*name) == *word) {
        name++;
        word++;
    }
    return *word == '*' || (*word == '\0' && *name == '\0');
}

static bool claims_something(const char *name)
{
    if (loosest(name[0]) == 'x' && name[1] != '\0' && loosest(name[1]) == '-')
        name += 2;
    for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
        if (is(name, claims[i]))
            return true;
    }
    return false;
}

/* lighttpd passes on no field without a value. */
static void remove_claims(request_st *r)
{
    for (uint32_t i = 0; i < r->rqst_headers.used; i++) {
        const data_string *field = (const data_string *)r->rqst_headers.data[i];
        if (buffer_is_blank(&field->value) || !claims_something(field->key.ptr))
            continue;
        http_header_request_unset(r, (enum http_header_e)field->ext, BUF_PTR_LEN(&field->key));
    }
}

static void set_env(request_st *r, const char *name, const char *value)
{
    http_header_env_set(r, name, (uint32_t)strlen(name), value, (uint32_t)strlen(value));
}

static void tell_pages(request_st *r, const struct kp_client *client)
{
    struct kp_info info;
    kp_tls_stream_info(client->stream, &info);
    set_env(r, "REMOTE_USER", info.user);
    set_env(r, "AUTH_TYPE", "Keyplate");
    set_env(r, "SSL_PROTOCOL", info.version_name);
    set_env(r, "SSL_CIPHER", info.suite_name);
    set_env(r, "KEYPLATE_PROOF", info.version == 0x0303 ? "srp" : "spake2plus");
}

static handler_t answer_hint(request_st *r, const struct kp_client *client)
{
    char hint[KP_TLS_HINT_MAX];
    size_t len = kp_tls_server_hint(client->section->server,
                                    sock_addr_get_port(&client->as_tls->addr), hint);
    r->resp_body_finished = 1;
    if (r->http_method != HTTP_METHOD_GET && r->http_method != HTTP_METHOD_HEAD) {
        r->http_status = 405;
        return HANDLER_FINISHED;
    }
    http_header_response_set(r, HTTP_HEADER_CONTENT_TYPE, CONST_STR_LEN("Content-Type"),
                             CONST_STR_LEN("application/json"));
    http_header_response_set(r, HTTP_HEADER_CACHE_CONTROL, CONST_STR_LEN("Cache-Control"),
                             CONST_STR_LEN("no-store"));
    chunkqueue_append_mem(&r->write_queue, hint, len);
    r->http_status = 200;
    return HANDLER_FINISHED;
}

handler_t kp_requests_begin(request_st *r, struct kp_client *client)
{
    r->con->srv_socket = client->as_tls;
    remove_claims(r);
    tell_pages(r, client);
    if (buffer_is_equal_string(&r->uri.path, CONST_STR_LEN(HINT_PATH)))
        return answer_hint(r, client);
    return HANDLER_GO_ON;
}
