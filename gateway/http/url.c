/* URLs as browsers read them: see url.h. */
#include "url.h"

static bool is_slash(char c)
{
    return c == '/' || c == '\\';
}

static struct kp_slice behind(struct kp_slice text, size_t len)
{
    return (struct kp_slice){text.at + len, text.len - len};
}

/* The length of the scheme with its colon; 0: it has none of ours. */
static size_t read_scheme(uint8_t *scheme, struct kp_slice text)
{
    static const char *const words[] = {[KP_URL_HTTP] = "http:", [KP_URL_HTTPS] = "https:"};
    for (unsigned i = KP_URL_HTTP; i <= KP_URL_HTTPS; i++) {
        size_t len = strlen(words[i]);
        if (text.len >= len && kp_slice_same(text.at, words[i], len)) {
            *scheme = (uint8_t)i;
            return len;
        }
    }
    *scheme = KP_URL_NONE;
    return 0;
}

static size_t count_slashes(struct kp_slice text)
{
    size_t count = 0;
    while (count < text.len && is_slash(text.at[count]))
        count++;
    return count;
}

/* Up to the path, the query or the fragment; what is before its last @ is the user. */
static void read_authority(struct kp_http_url *out, struct kp_slice text)
{
    size_t from = 0, end = 0;
    for (; end < text.len && !is_slash(text.at[end]) && text.at[end] != '?' && text.at[end] != '#';
         end++)
        if (text.at[end] == '@')
            from = end + 1;
    out->rest = behind(text, end);
    out->named = kp_http_authority_read(&out->to, (struct kp_slice){text.at + from, end - from});
}

bool kp_http_url_read(struct kp_http_url *out, struct kp_slice text)
{
    size_t slashes;
    *out = (struct kp_http_url){0};
    text = behind(text, read_scheme(&out->scheme, text));
    slashes = count_slashes(text);
    if (out->scheme == KP_URL_NONE && slashes < 2)
        return false;
    out->relative = out->scheme == KP_URL_HTTPS && slashes < 2;
    if (out->relative)
        out->rest = text;
    else
        read_authority(out, behind(text, slashes));
    return true;
}

/* Browsers leave tabs out, and would find a second slash behind one. */
static bool has_second_slash(struct kp_slice rest)
{
    size_t at = 1;
    while (at < rest.len && rest.at[at] == '\t')
        at++;
    return at < rest.len && is_slash(rest.at[at]);
}

void kp_http_url_put_path(struct kp_out *out, struct kp_slice rest)
{
    if (rest.len == 0 || !is_slash(rest.at[0]))
        kp_out_word(out, "/");
    else if (rest.at[0] == '\\' || has_second_slash(rest))
        kp_out_word(out, "/.");
    kp_out_text(out, rest);
}
