/* Fields by their names: see claims.h. */
#include "claims.h"

#define WORD_LEN 24

/* Each with and without X- before it; a * stands for whatever follows.  Left alone, as pages use
 * them to log in or to work: Authorization, Cookie, Origin, Sec-*, X-Api-Key, X-Auth-Token,
 * X-User-Id, X-User-Agent, X-Client-Data, X-Requested-With, X-Prototype-Version.  And X-Keyplate,
 * which is what a browser says about itself. */
static const char identity[][WORD_LEN] = {
    /* Ours, and others of their kind. */
    "keyplate-*",
    "remote-*",
    "forwarded*",
    /* The user, by other gateways: nginx, oauth2-proxy, authentik, Grafana and Gitea,
     * mod_auth_openidc, Tailscale, those of clouds. */
    "auth-type",
    "auth-user",
    "auth-username",
    "auth-request-*",
    "authenticated-*",
    "authentik-*",
    "webauth-*",
    "user",
    "user-name",
    "username",
    "proxy-*", /* Proxy-User; Proxy-Client-IP */
    "oidc-*",
    "tailscale-*",
    "amzn-oidc-*",
    "goog-authenticated-*",
    /* Its address. */
    "real-*",
    "client-ip",
    "cluster-client-ip",
    "fastly-client-ip",
    "true-client-ip",
    "originating-*",
    "wl-proxy-*",
    "cf-*", /* CF-Connecting-IP, CF-Visitor, CF-Access-* */
    /* Its certificate: RFC 9440, and what Apache, nginx and HAProxy are told to send. */
    "client-cert*",
    "client-verify",
    "client-dn",
    "ssl*",
    "tls-*",
    /* That it came by TLS.  PHP looks into HTTP_HTTPS. */
    "https",
    "front-end-https",
    "proto",
    "protocol",
    "scheme",
    "url-scheme",
    /* What it asked for, before somebody rewrote it: IIS, ASP.NET, older PHP frameworks. */
    "original-*",
    "rewrite-url",
    "host",
    "http-host-override",
};

static const char hop[][WORD_LEN] = {
    "connection", "content-length",   "http2-settings", "keep-alive", "proxy-auth*",
    "te",         "proxy-connection", "trailer",        "upgrade",    "transfer-encoding",
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static char loosest(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

/* No sign of a name is taken for the * or the end of a word. */
static bool is(struct kp_slice name, const char *word)
{
    size_t i = 0;
    while (i < name.len && loosest(name.at[i]) == word[i])
        i++;
    return word[i] == '*' || (word[i] == '\0' && i == name.len);
}

/* Most names differ from most words in the first two letters, which every word has. */
static bool is_any(struct kp_slice name, const char (*words)[WORD_LEN], size_t count)
{
    char first = name.len > 0 ? loosest(name.at[0]) : '\0';
    char second = name.len > 1 ? loosest(name.at[1]) : '\0';
    for (size_t i = 0; i < count; i++) {
        if (words[i][0] == first && words[i][1] == second && is(name, words[i]))
            return true;
    }
    return false;
}

static struct kp_slice without_x(struct kp_slice name)
{
    bool has = name.len > 2 && loosest(name.at[0]) == 'x' && loosest(name.at[1]) == '-';
    return has ? (struct kp_slice){name.at + 2, name.len - 2} : name;
}

bool kp_http_claims_identity(struct kp_slice name)
{
    return is_any(without_x(name), identity, COUNT(identity));
}

bool kp_http_claims_hop(struct kp_slice name)
{
    return is_any(name, hop, COUNT(hop));
}
