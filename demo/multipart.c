/*
 * multipart/form-data (RFC 7578, RFC 2046 section 5.1), streamed. Knows nothing of connections or
 * checksums.
 */
#include "multipart.h"

#include <string.h>
#include <strings.h>

enum {
    CONTENT,   /* before the first delimiter, or in a part */
    DELIMITED, /* behind a delimiter: two hyphens or the end of the line */
    LAST,      /* behind a delimiter and one hyphen */
    LINE_END,  /* behind a delimiter and white space */
    HEAD,
    DONE,
};

/*
 * Copies the value of a parameter such as boundary="x" out of a header's value. Quoted strings are
 * skipped as wholes, so a name inside one is not taken for a parameter. false when it is not there
 * or does not fit.
 */
static bool parameter(const char *value, const char *name, char *out, size_t size)
{
    size_t name_len = strlen(name);
    const char *p = value + strcspn(value, ";");
    while (*p == ';') {
        p += strspn(p, "; \t");
        bool wanted = strncasecmp(p, name, name_len) == 0 && p[name_len] == '=';
        p += strcspn(p, "=;");
        p += *p == '=';
        bool quoted = *p == '"';
        p += quoted;
        size_t len = 0;
        for (; *p && (quoted ? *p != '"' : !strchr("; \t", *p)); p++) {
            if (quoted && *p == '\\' && p[1])
                p++;
            if (wanted && len < size - 1)
                out[len] = *p;
            len++;
        }
        if (wanted) {
            out[len < size ? len : size - 1] = '\0';
            return len < size;
        }
        p += strcspn(p, ";");
    }
    return false;
}

int demo_multipart_init(struct demo_multipart *m, const char *content_type,
                        demo_multipart_sink *sink, void *ctx)
{
    char boundary[DEMO_MULTIPART_BOUNDARY_LEN + 1];
    if (!parameter(content_type, "boundary", boundary, sizeof boundary) || !*boundary)
        return -1;
    *m = (struct demo_multipart){.sink = sink, .ctx = ctx};
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary, strlen(boundary));
    m->delimiter_len = 4 + strlen(boundary);
    /* The first delimiter may open the body: count the line break before it as seen. */
    m->matched = 2;
    return 0;
}

static void emit(struct demo_multipart *m, const char *bytes, size_t len)
{
    if (m->in_file && len)
        m->sink(m->ctx, bytes, len);
}

/*
 * Searches on for the delimiter. A boundary holds no CR, so the only place where a match that has
 * failed can begin anew is the byte at hand. Returns the number of bytes used up.
 */
static size_t content(struct demo_multipart *m, const char *bytes, size_t len)
{
    size_t i = 0;
    while (i < len) {
        if (m->matched == 0) {
            const char *cr = memchr(bytes + i, '\r', len - i);
            size_t run = cr ? (size_t)(cr - bytes) - i : len - i;
            emit(m, bytes + i, run);
            i += run;
            if (i == len)
                break;
        }
        if (bytes[i] == m->delimiter[m->matched]) {
            i++;
            if (++m->matched == m->delimiter_len) {
                m->matched = 0;
                m->in_file = false;
                m->state = DELIMITED;
                break;
            }
        } else if (m->matched) {
            emit(m, m->delimiter, m->matched);
            m->matched = 0;
        }
    }
    return i;
}

/* Whether this line of a part's head starts with that field name. */
static const char *field_value(const char *line, const char *name)
{
    size_t len = strlen(name);
    if (strncasecmp(line, name, len) != 0 || line[len] != ':')
        return NULL;
    return line + len + 1 + strspn(line + len + 1, " \t");
}

/* Looks through a whole part head, its lines ended by CRLF. A part with a file name is a file. */
static void end_head(struct demo_multipart *m)
{
    for (char *line = m->head; *line;) {
        char *end = strstr(line, "\r\n");
        if (!end)
            break;
        *end = '\0';
        const char *value = field_value(line, "content-disposition");
        char name[sizeof m->filename] = "";
        bool is_file = value && (parameter(value, "filename", name, sizeof name) || *name);
        if (is_file && !m->found) {
            m->found = m->in_file = true;
            memcpy(m->filename, name, sizeof name);
        }
        line = end + 2;
    }
    m->head_len = 0;
    m->state = CONTENT;
}

static int head(struct demo_multipart *m, char c)
{
    if (m->head_len == DEMO_MULTIPART_HEAD_LEN || !c)
        return -1;
    m->head[m->head_len++] = c;
    m->head[m->head_len] = '\0';
    bool empty = m->head_len == 2 && memcmp(m->head, "\r\n", 2) == 0;
    bool ended = m->head_len >= 4 && memcmp(m->head + m->head_len - 4, "\r\n\r\n", 4) == 0;
    if (empty || ended)
        end_head(m);
    return 0;
}

/* The rest of a delimiter's line: nothing but "--", white space and CRLF may stand there. */
static int delimited(struct demo_multipart *m, char c)
{
    if (m->state == DELIMITED && c == '-')
        m->state = LAST;
    else if (m->state == LAST && c == '-')
        m->state = DONE;
    else if (m->state == DELIMITED && (c == ' ' || c == '\t'))
        m->state = DELIMITED;
    else if (m->state == DELIMITED && c == '\r')
        m->state = LINE_END;
    else if (m->state == LINE_END && c == '\n')
        m->state = HEAD;
    else
        return -1;
    return 0;
}

int demo_multipart_feed(struct demo_multipart *m, const char *bytes, size_t len)
{
    size_t i = 0;
    int result = 0;
    while (i < len && result == 0 && m->state != DONE) {
        if (m->state == CONTENT)
            i += content(m, bytes + i, len - i);
        else if (m->state == HEAD)
            result = head(m, bytes[i++]);
        else
            result = delimited(m, bytes[i++]);
    }
    return result;
}

bool demo_multipart_is_whole(const struct demo_multipart *m)
{
    return m->state == DONE;
}
