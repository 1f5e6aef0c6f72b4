/* The device's own words: see plain_words.h. */
#include "plain_words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../http/text.h"
#include "creds/text.h"

/* ---- What is allowed --------------------------------------------------------------------- */

/* None changes how what follows is read (as a title or a style does), and all are inert.  a isn't
 * here: the way on is the page's one link. */
static const struct element {
    const char *name;
    bool is_void; /* has no end tag: HTML 13.1.2 */
    bool is_picture;
} elements[] = {
    {.name = "p"},
    {.name = "br", .is_void = true},
    {.name = "h2"},
    {.name = "h3"},
    {.name = "em"},
    {.name = "strong"},
    {.name = "b"},
    {.name = "i"},
    {.name = "small"},
    {.name = "ul"},
    {.name = "ol"},
    {.name = "li"},
    {.name = "dl"},
    {.name = "dt"},
    {.name = "dd"},
    {.name = "hr", .is_void = true},
    {.name = "img", .is_void = true, .is_picture = true},
};
#define ELEMENTS "p, br, h2, h3, em, strong, b, i, small, ul, ol, li, dl, dt, dd, hr and img"

static bool is_any(struct kp_slice value)
{
    (void)value;
    return true;
}

/* A picture that is higher pushes the rest out of sight. */
static bool is_pixels(struct kp_slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < '0' || value.at[i] > '9')
            return false;
    return value.len >= 1 && value.len <= 4;
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=';
}

/* base64(1) breaks its lines, and browsers take the breaks out. */
static bool is_all_base64(struct kp_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_base64(text.at[i]) && text.at[i] != '\n' && text.at[i] != '\r')
            return false;
    return text.len > 0;
}

/* The only images that the page's policy lets through, less SVG, which is a document. */
static bool is_picture(struct kp_slice value)
{
    static const char *const begins[] = {
        "data:image/png;base64,",
        "data:image/jpeg;base64,",
        "data:image/gif;base64,",
        "data:image/webp;base64,",
    };
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        size_t len = strlen(begins[i]);
        if (value.len > len && kp_slice_same(value.at, begins[i], len))
            return is_all_base64((struct kp_slice){value.at + len, value.len - len});
    }
    return false;
}

static const struct attribute {
    const char *name;
    bool of_picture; /* and of nothing else */
    bool (*is_fine)(struct kp_slice value);
    const char *fault;
} attributes[] = {
    {"lang", false, is_any, NULL},
    {"dir", false, is_any, NULL},
    {"alt", true, is_any, NULL},
    {"src", true, is_picture,
     "has an img whose src isn't a data: picture (PNG, JPEG, GIF or WebP, in base64)"},
    {"width", true, is_pixels, "has an img whose width isn't a number of pixels"},
    {"height", true, is_pixels, "has an img whose height isn't a number of pixels"},
};

static const struct element *find_element(struct kp_slice name)
{
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
        if (kp_slice_is(name, elements[i].name))
            return &elements[i];
    return NULL;
}

static const struct attribute *find_attribute(const struct element *element, struct kp_slice name)
{
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
        if ((element->is_picture || !attributes[i].of_picture) &&
            kp_slice_is(name, attributes[i].name))
            return &attributes[i];
    return NULL;
}

/* ---- The scanner ------------------------------------------------------------------------- */

/* Each of its functions returns NULL, or why the words are refused.  What it takes for a tag, a
 * browser takes for the same tag (HTML 13.2.5): whatever could be read in two ways is refused. */
struct scan {
    const char *at; /* NUL-terminated */
    const struct element *open[KP_PLAIN_WORDS_DEEPEST];
    size_t depth;
};

/* Names come from the file, though only letters, digits and hyphens of it. */
#define NAME "%.*s"
#define SHOWN(name) (int)((name).len < 32 ? (name).len : 32), (name).at

__attribute__((format(printf, 1, 2))) static const char *refuse(const char *format, ...)
{
    static char why[192];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return why;
}

static size_t skip_space(struct scan *scan)
{
    size_t len = strspn(scan->at, " \t\r\n\f");
    scan->at += len;
    return len;
}

static struct kp_slice take_name(struct scan *scan)
{
    struct kp_slice name = {scan->at, 0};
    name.len = strspn(name.at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
    scan->at += name.len;
    return name;
}

/* From the = on. */
static const char *take_value(struct scan *scan, const struct element *element,
                              const struct attribute *attribute)
{
    const char *at = scan->at;
    char ends[] = "<>\"";
    struct kp_slice value;
    if (at[0] != '=' || (at[1] != '"' && at[1] != '\''))
        return refuse("has a <%s> without the quotes of %s=\"...\"", element->name,
                      attribute->name);
    ends[2] = at[1];
    value = (struct kp_slice){at + 2, strcspn(at + 2, ends)};
    if (value.at[value.len] != at[1])
        return refuse("has a <%s> whose %s holds a < or > or doesn't end", element->name,
                      attribute->name);
    scan->at = value.at + value.len + 1;
    return attribute->is_fine(value) ? NULL : attribute->fault;
}

static const char *malformed(const struct element *element)
{
    return refuse("has a <%s> that doesn't end, or holds something else than name=\"value\"",
                  element->name);
}

static const char *take_attribute(struct scan *scan, const struct element *element, bool *has_src)
{
    const struct attribute *attribute;
    struct kp_slice name = take_name(scan);
    if (name.len == 0)
        return malformed(element);
    attribute = find_attribute(element, name);
    if (attribute == NULL)
        return refuse("has a <%s> with the attribute " NAME ": allowed are %slang and dir",
                      element->name, SHOWN(name),
                      element->is_picture ? "src, alt, width, height, " : "");
    *has_src = *has_src || attribute->is_fine == is_picture;
    return take_value(scan, element, attribute);
}

static const char *take_attributes(struct scan *scan, const struct element *element)
{
    bool has_src = false;
    for (;;) {
        bool apart = skip_space(scan) > 0;
        const char *why;
        /* The slash means nothing, so that what isn't void is open: HTML 13.1.2.1. */
        scan->at += scan->at[0] == '/' && scan->at[1] == '>';
        if (*scan->at == '>')
            break;
        why = apart ? take_attribute(scan, element, &has_src) : malformed(element);
        if (why != NULL)
            return why;
    }
    scan->at++;
    return element->is_picture && !has_src ? "has an img without src" : NULL;
}

static const char *take_start(struct scan *scan, const struct element *element)
{
    const char *why = take_attributes(scan, element);
    if (why != NULL || element->is_void)
        return why;
    if (scan->depth == KP_PLAIN_WORDS_DEEPEST)
        return refuse("has more than %d elements in one another", KP_PLAIN_WORDS_DEEPEST);
    scan->open[scan->depth++] = element;
    return NULL;
}

static const char *take_end(struct scan *scan, const struct element *element)
{
    skip_space(scan);
    if (*scan->at != '>')
        return refuse("has a </%s that isn't a plain </%s>", element->name, element->name);
    scan->at++;
    if (element->is_void || scan->depth == 0)
        return refuse("has a </%s> that closes nothing", element->name);
    if (scan->open[scan->depth - 1] != element)
        return refuse("has a </%s> where <%s> isn't closed", element->name,
                      scan->open[scan->depth - 1]->name);
    scan->depth--;
    return NULL;
}

/* From the < on. */
static const char *take_tag(struct scan *scan)
{
    const struct element *element;
    struct kp_slice name;
    bool ends = scan->at[1] == '/';
    scan->at += ends ? 2 : 1;
    if (!ends && *scan->at == '!')
        return "has a comment or a document type: a fragment without them is wanted";
    name = take_name(scan);
    if (name.len == 0)
        return "has a < that begins no tag: in text it is &lt;";
    element = find_element(name);
    if (element == NULL)
        return refuse("has <" NAME ">: allowed are " ELEMENTS, SHOWN(name));
    return ends ? take_end(scan, element) : take_start(scan, element);
}

static const char *markup_fault(const char *words)
{
    struct scan scan = {.at = words};
    const char *why = NULL;
    while (why == NULL && *(scan.at += strcspn(scan.at, "<")) != '\0')
        why = take_tag(&scan);
    if (why == NULL && scan.depth > 0)
        why = refuse("has a <%s> that isn't closed", scan.open[scan.depth - 1]->name);
    return why;
}

/* ---- The file ---------------------------------------------------------------------------- */

/* NULL: they are fine. */
static const char *fault(const char *words, size_t len)
{
    if (len == 0)
        return "is empty";
    if (len > KP_PLAIN_WORDS_MAX)
        return "has more than 16 KiB";
    if (memchr(words, '\0', len) != NULL)
        return "holds a NUL byte";
    if (!kp_text_is_utf8(words, len))
        return "is not UTF-8";
    return markup_fault(words);
}

/* At most room bytes; -1 with errno. */
static ssize_t read_all(int fd, char *into, size_t room)
{
    size_t len = 0;
    while (len < room) {
        ssize_t got = read(fd, into + len, room - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

static const char *read_words(char *words, const char *path)
{
    struct stat what;
    const char *why = NULL;
    ssize_t len;
    /* Not to wait for a pipe's other end. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &what) == 0 && !S_ISREG(what.st_mode)) {
        why = "is not a regular file";
    } else if ((len = read_all(fd, words, KP_PLAIN_WORDS_MAX + 1)) < 0) {
        why = strerror(errno);
    } else {
        words[len] = '\0';
        why = fault(words, (size_t)len);
    }
    (void)close(fd);
    return why;
}

int kp_plain_words_read(char **out, const char *path, const char **why)
{
    char *words = malloc(KP_PLAIN_WORDS_MAX + 2);
    *out = NULL;
    *why = words == NULL ? "does not fit in memory" : read_words(words, path);
    if (*why != NULL) {
        free(words);
        return -1;
    }
    *out = words;
    return 0;
}
