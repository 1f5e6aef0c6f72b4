/* The lines of a message before llhttp sees them: see lines.h. */
#include "lines.h"

/* What a byte is.  A digit of a chunk's size is a sign of a token too. */
enum class {
    CONTROL,
    HEX,
    TOKEN, /* the rest of RFC 9110 5.6.2 */
    OTHER, /* the rest of what is printable */
    SEMICOLON,
    HIGH, /* obs-text, RFC 9110 5.5 */
    BLANK,
    COLON,
    CR,
    LF,
    LAX_LF, /* LF where it may stand alone */
    CLASSES,
};

static const uint8_t classes[256] = {
    [0x00 ... 0x08] = CONTROL,
    ['\t'] = BLANK,
    ['\n'] = LF,
    [0x0b ... 0x0c] = CONTROL,
    ['\r'] = CR,
    [0x0e ... 0x1f] = CONTROL,
    [' '] = BLANK,
    ['!'] = TOKEN,
    ['"'] = OTHER,
    ['#' ... '\''] = TOKEN,
    ['(' ... ')'] = OTHER,
    ['*' ... '+'] = TOKEN,
    [','] = OTHER,
    ['-' ... '.'] = TOKEN,
    ['/'] = OTHER,
    ['0' ... '9'] = HEX,
    [':'] = COLON,
    [';'] = SEMICOLON,
    ['<' ... '@'] = OTHER,
    ['A' ... 'F'] = HEX,
    ['G' ... 'Z'] = TOKEN,
    ['[' ... ']'] = OTHER,
    ['^' ... '`'] = TOKEN,
    ['a' ... 'f'] = HEX,
    ['g' ... 'z'] = TOKEN,
    ['{'] = OTHER,
    ['|'] = TOKEN,
    ['}'] = OTHER,
    ['~'] = TOKEN,
    [0x7f] = CONTROL,
    [0x80 ... 0xff] = HIGH,
};

enum state {
    /* Empty lines before a request. */
    BEFORE,
    BEFORE_CR,
    AGAIN,
    AGAIN_CR,
    /* Lines of a head; all but FIRST and START are those of trailers too. */
    FIRST,
    START,
    LINE_CR,
    LINE,
    NAME,
    VALUE,
    END_CR,
    /* A chunk's line, the extension first: the bytes of states up to it are counted. */
    EXT,
    TAIL,
    TAIL_CR,
    NO_SIZE,
    SIZE,
    SIZE_CR,
    STATES,

    DONE = STATES,
    /* Faults. */
    BAD_CONTROL,
    BAD_CR,
    BAD_LF,
    BAD_EMPTY,
    BAD_FOLD,
    BAD_GAP,
    BAD_NAMELESS,
    BAD_NAME,
    BAD_COLON,
    BAD_TAIL,
    BAD_SIZE,
    LONG_HEAD, /* from here on: too long */
    LONG_FIELDS,
    LONG_EXT,
};

static const char *const faults[] = {
    [BAD_CONTROL] = "it has a control character",
    [BAD_CR] = "it has a CR without an LF",
    [BAD_LF] = "it has an LF without a CR",
    [BAD_EMPTY] = "it begins with an empty line",
    [BAD_FOLD] = "a line begins with a space",
    [BAD_GAP] = "a field has a space before its colon",
    [BAD_NAMELESS] = "a field has no name",
    [BAD_NAME] = "a field's name has a sign that no name has",
    [BAD_COLON] = "a field has no colon",
    [BAD_TAIL] = "a chunk is longer than its size",
    [BAD_SIZE] = "a chunk's size isn't a number of up to 16 digits",
    [LONG_HEAD] = "its head or its trailers are longer than 32 KiB",
    [LONG_FIELDS] = "it has more than 256 fields",
    [LONG_EXT] = "its chunks' extensions are longer than 32 KiB",
};

/* clang-format off */
#define NO_DIGIT(to) [CONTROL] = (to), [TOKEN] = (to), [OTHER] = (to), [HIGH] = (to), \
    [BLANK] = (to), [COLON] = (to)
#define ALL(to) NO_DIGIT(to), [HEX] = (to), [SEMICOLON] = (to)
#define TEXT(to) [CONTROL] = BAD_CONTROL, [HEX] = (to), [TOKEN] = (to), [OTHER] = (to), \
    [SEMICOLON] = (to), [HIGH] = (to), [BLANK] = (to), [COLON] = (to)
#define AFTER_CR(to) ALL(BAD_CR), [CR] = BAD_CR, [LF] = (to), [LAX_LF] = (to)

static const uint8_t steps[STATES][CLASSES] = {
    [BEFORE]    = {TEXT(START), [CR] = BEFORE_CR, [LF] = BAD_LF, [LAX_LF] = BAD_LF},
    [BEFORE_CR] = {AFTER_CR(AGAIN)},
    [AGAIN]     = {TEXT(START), [CR] = AGAIN_CR, [LF] = BAD_LF, [LAX_LF] = BAD_LF},
    [AGAIN_CR]  = {AFTER_CR(FIRST)},
    [FIRST]     = {TEXT(START), [CR] = BAD_EMPTY, [LF] = BAD_EMPTY, [LAX_LF] = BAD_EMPTY},
    [START]     = {TEXT(START), [CR] = LINE_CR, [LF] = BAD_LF, [LAX_LF] = LINE},
    [LINE_CR]   = {AFTER_CR(LINE)},
    [LINE]      = {[CONTROL] = BAD_CONTROL, [HEX] = NAME, [TOKEN] = NAME, [OTHER] = BAD_NAME,
                   [SEMICOLON] = BAD_NAME, [HIGH] = BAD_NAME, [BLANK] = BAD_FOLD,
                   [COLON] = BAD_NAMELESS, [CR] = END_CR, [LF] = BAD_LF, [LAX_LF] = DONE},
    [NAME]      = {[CONTROL] = BAD_CONTROL, [HEX] = NAME, [TOKEN] = NAME, [OTHER] = BAD_NAME,
                   [SEMICOLON] = BAD_NAME, [HIGH] = BAD_NAME, [BLANK] = BAD_GAP,
                   [COLON] = VALUE, [CR] = BAD_COLON, [LF] = BAD_COLON, [LAX_LF] = BAD_COLON},
    [VALUE]     = {TEXT(VALUE), [CR] = LINE_CR, [LF] = BAD_LF, [LAX_LF] = LINE},
    [END_CR]    = {AFTER_CR(DONE)},
    [EXT]       = {TEXT(EXT), [CR] = SIZE_CR, [LF] = BAD_LF, [LAX_LF] = BAD_LF},
    [TAIL]      = {ALL(BAD_TAIL), [CR] = TAIL_CR, [LF] = BAD_LF, [LAX_LF] = BAD_LF},
    [TAIL_CR]   = {AFTER_CR(NO_SIZE)},
    [NO_SIZE]   = {NO_DIGIT(BAD_SIZE), [HEX] = SIZE, [SEMICOLON] = BAD_SIZE, [CR] = BAD_SIZE,
                   [LF] = BAD_SIZE, [LAX_LF] = BAD_SIZE},
    [SIZE]      = {NO_DIGIT(BAD_SIZE), [HEX] = SIZE, [SEMICOLON] = EXT, [CR] = SIZE_CR,
                   [LF] = BAD_LF, [LAX_LF] = BAD_LF},
    [SIZE_CR]   = {AFTER_CR(DONE)},
};
/* clang-format on */

void kp_http_lines_begin(struct kp_http_lines *lines, enum kp_http_section section, bool lax)
{
    static const uint8_t starts[] = {
        [KP_HTTP_REQUEST_HEAD] = BEFORE, [KP_HTTP_RESPONSE_HEAD] = FIRST,
        [KP_HTTP_FIRST_CHUNK] = NO_SIZE, [KP_HTTP_NEXT_CHUNK] = TAIL,
        [KP_HTTP_TRAILERS] = LINE,
    };
    lines->state = starts[section];
    lines->lax = lax;
    lines->digits = 0;
    lines->fields = 0;
    if (section != KP_HTTP_NEXT_CHUNK)
        lines->len = 0;
}

static uint8_t step(const struct kp_http_lines *lines, uint8_t byte)
{
    enum class class = classes[byte];
    return steps[lines->state][class == LF && lines->lax ? LAX_LF : class];
}

/* How many bytes leave the state as it is.  Each digit of a size has to be kept. */
static size_t run(const struct kp_http_lines *lines, const uint8_t *bytes, size_t len)
{
    const uint8_t *row = steps[lines->state];
    size_t n = 0;
    while (n < len && row[classes[bytes[n]]] == lines->state)
        n++;
    return lines->state == SIZE ? 0 : n;
}

static void count(struct kp_http_lines *lines, size_t len)
{
    if (lines->state > EXT)
        return;
    lines->len =
        len <= KP_HTTP_HEAD_MAX - lines->len ? lines->len + (uint32_t)len : KP_HTTP_HEAD_MAX + 1;
    if (lines->len > KP_HTTP_HEAD_MAX)
        lines->state = lines->state == EXT ? LONG_EXT : LONG_HEAD;
}

static void enter(struct kp_http_lines *lines, uint8_t state, uint8_t byte)
{
    if (state == NAME && lines->state == LINE && lines->fields++ == KP_HTTP_FIELDS_MAX)
        state = LONG_FIELDS;
    if (state == SIZE && lines->digits == KP_HTTP_SIZE_DIGITS)
        state = BAD_SIZE;
    if (state == SIZE)
        lines->size[lines->digits++] = (char)byte;
    lines->state = state;
}

static void read_one(struct kp_http_lines *lines, uint8_t byte)
{
    uint8_t state = step(lines, byte);
    count(lines, 1);
    if (lines->state < DONE)
        enter(lines, state, byte);
}

size_t kp_http_lines_read(struct kp_http_lines *lines, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && lines->state < DONE) {
        size_t same = run(lines, bytes + at, len - at);
        count(lines, same);
        at += same;
        if (at < len && lines->state < DONE)
            read_one(lines, bytes[at++]);
    }
    return at;
}

bool kp_http_lines_begun(const struct kp_http_lines *lines)
{
    return lines->state > FIRST;
}

bool kp_http_lines_done(const struct kp_http_lines *lines)
{
    return lines->state == DONE;
}

const char *kp_http_lines_fault(const struct kp_http_lines *lines, bool *too_long)
{
    *too_long = lines->state >= LONG_HEAD;
    return lines->state > DONE ? faults[lines->state] : NULL;
}
