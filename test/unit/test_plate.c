/*
 * factory/plate: templates, what fits on a label, and what is written: SVG and sheets.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "factory/plate.h"
#include "factory/plate_font.h"
#include "factory/plate_layout.h"
#include "factory/plate_template.h"

#define LABEL "[label]\nwidth = 60\nheight = 40\n"
#define QR "[qr]\nx = 30\ny = 5\n"
#define PASSWORD "kwxgm-8ja4z-ntqqe"

static const struct kp_plate plate = {"RB-000042", "R\xc3\xb6hre <2> & \"Co\"",
                                      "admin",     PASSWORD,
                                      "",          "keyplate://RB-000042/?v=1&user=admin"};

static struct kp_plate_template *parse(const char *text)
{
    struct kp_plate_template *template;
    char why[KP_PLATE_WHY_LEN];
    int err = kp_plate_template_parse(&template, text, text != NULL ? strlen(text) : 0, why);
    if (err != 0)
        print_error("%s\n", why);
    assert_int_equal(err, 0);
    return template;
}

static void refused(const char *text, size_t len, const char *words)
{
    struct kp_plate_template *template;
    char why[KP_PLATE_WHY_LEN];
    assert_int_equal(kp_plate_template_parse(&template, text, len, why), KP_E_SYNTAX);
    assert_null(template);
    if (strstr(why, words) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", words, why);
}

static int check(const char *text, const struct kp_plate *some, const char *words)
{
    struct kp_plate_template *template = parse(text);
    char why[KP_PLATE_WHY_LEN] = "";
    int err = kp_plate_check(template, some, why);
    if (strstr(why, words) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", words, why);
    assert_null(strstr(why, PASSWORD));
    kp_plate_template_free(template);
    return err;
}

/* ---- Templates --------------------------------------------------------------------------- */

static void test_built_in(void **state)
{
    (void)state;
    struct kp_plate_template *built_in = parse(NULL), *again = parse(kp_plate_template_text());
    assert_memory_equal(built_in, again, sizeof *built_in);
    assert_int_equal(built_in->columns, 3);
    assert_int_equal(built_in->rows, 7);
    assert_int_equal(built_in->left, 7210);
    assert_int_equal(built_in->top, 15150);
    assert_int_equal(built_in->qr_size, 25000);
    kp_plate_template_free(built_in);
    kp_plate_template_free(again);
    kp_plate_template_free(NULL);
}

static void test_places(void **state)
{
    (void)state;
    struct kp_plate_template *t =
        parse("# a comment\r\n[sheet]\r\npage = 130.5x100\r\nmargin=5\r\ngap = 0.5 20\r\n" LABEL
              "sans = Noto Sans CJK SC\n" QR "size = 20.125\n[text]\n"
              "  line = 29 10 2 right bold {{{model}}}\n"
              "line = 2 30 3.5 mono \" right of it\"\nline = 30 38 2 center x\n");
    assert_int_equal(t->page_width, 130500);
    assert_int_equal(t->columns * 100 + t->rows, 201);
    assert_int_equal(t->left, 5000);
    assert_int_equal(t->top, 30000);
    assert_string_equal(t->sans, "Noto Sans CJK SC");
    assert_int_equal(t->qr_size, 20125);
    assert_int_equal(t->count, 3);
    assert_int_equal(t->lines[0].side, KP_PLATE_RIGHT);
    assert_true(t->lines[0].bold && !t->lines[0].mono && t->lines[1].mono);
    assert_int_equal(t->lines[0].room, 29000);
    assert_string_equal(t->lines[1].text, " right of it");
    assert_int_equal(t->lines[1].room, 58000); /* below the QR code, which ends at 25.125 */
    assert_int_equal(t->lines[2].room, 60000);
    kp_plate_template_free(t);
    t = parse(LABEL QR "[text]\nline = 2 10 3 x\n");
    assert_int_equal(t->lines[0].room, 28000); /* beside it */
    assert_int_equal(t->page_width, 210000);
    kp_plate_template_free(t);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "[label] needs a width and a height"},
        {LABEL, "neither a text nor a QR code"},
        {LABEL "[qr]\nx = 30\n", "[qr] needs an x and a y"},
        {LABEL "[qr]\nx = 36\ny = 1\n", "isn't inside the label"},
        {LABEL "border = 1\n[qr]\nx = 1.5\ny = 3\n", "isn't inside the label"},
        {LABEL "depth = 3\n" QR, "line 4: there is no such key"},
        {LABEL QR "[text]\nlines = 1 2 3 x\n", "line 8: there is no such key"},
        {LABEL QR "[txt]\nline = 1 2 3 x\n", "line 8: there is no such key"},
        {"[label]\nwidth = 6e1\n", "line 2: a width"},
        {"[label]\nwidth = -60\n", "line 2: a width"},
        {"[label]\nwidth = 60mm\n", "line 2: a width"},
        {"[label]\nwidth = 60,5\n", "line 2: a width"},
        {"[label]\nwidth = 60.1234\n", "line 2: a width"},
        {"[label]\nwidth = 99999999999999999999\n", "line 2: a width"},
        {"[label]\nwidth = 60 40\n", "line 2: a width"},
        {"[label]\nwidth =\n", "line 2: a width"},
        {"[label]\nwidth = 60\nwidth = 60\n", "line 3: this key was there already"},
        {"[sheet]\npage = A5\n", "line 2: a page is"},
        {"[sheet]\npage = 100x\n", "line 2: a page is"},
        {"[sheet]\npage = 100x3000\n", "line 2: a page is"},
        {"[sheet]\ngap = 1 2 3\n", "line 2: a gap is"},
        {"[sheet]\nruler = true\n", "line 2: ruler is"},
        {"[label]\nsans = O'Font\n", "line 2: a font"},
        {"[label]\nmono = \n", "line 2: a font"},
        {"[sheet]\npage = 50x50\n" LABEL QR, "no label fits on the page"},
        {LABEL "inset = 15\ncorner = 6\n" QR, "larger than the label"},
        {LABEL "[text]\nline = 1 20 x\n", "line 5: line = X Y SIZE TEXT"},
        {LABEL "[text]\nline = 1 20 0.5 x\n", "line 5: a size of letters"},
        {LABEL "[text]\nline = 1 20 3\n", "line 5: there is no text"},
        {LABEL "[text]\nline = 1 20 3 bold \"\"\n", "line 5: there is no text"},
        {LABEL "[text]\nline = 1 20 3 {colour}\n", "line 5: a name in braces"},
        {LABEL "[text]\nline = 1 20 3 {user\n", "line 5: a name in braces"},
        {LABEL "[text]\nline = 1 20 3 user}\n", "line 5: a name in braces"},
        {LABEL "[text]\nline = 1 20 3 a\tb\n", "line 5: there is what can't be printed"},
        {LABEL "[text]\nline = 1 20 3 a\xef\xbf\xbe\n", "line 5: there is what can't be printed"},
        {LABEL "[text]\nline = 1 2 3 x\n", "line 5: this text isn't inside"},
        {LABEL "[text]\nline = 1 39.5 3 x\n", "line 5: this text isn't inside"},
        {LABEL "[text]\nline = 61 20 3 x\n", "line 5: this text isn't inside"},
        {LABEL "border = 0.2\n[text]\nline = 1.5 20 3 x\n", "line 6: this text isn't inside"},
        {LABEL QR "[text]\nline = 40 20 3 x\n", "line 8: this text is on the QR code"},
        {LABEL "nonsense\n", "line 4: not a [section] or key = value"},
        {"[label\n", "line 1: not a [section]"},
        {"\xff\n", "not UTF-8"},
        {"[label]\n\x01\n", "control character"},
    };
    char text[400], *many = malloc(70000);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        refused(rows[i].text, strlen(rows[i].text), rows[i].why);
    refused("[label]\n\0width = 3\n", 19, "control character");
    (void)snprintf(text, sizeof text, LABEL "[text]\nline = 1 20 3 %0170d\n", 7);
    refused(text, strlen(text), "line 5: the text is too long");
    (void)snprintf(text, sizeof text, LABEL "[text]\nline = 1 20 3 %0250d\n", 7);
    refused(text, strlen(text), "line 5: the line is too long");
    strcpy(many, LABEL "[text]\n");
    for (int i = 0; i < KP_PLATE_LINES_MAX + 1; i++)
        strcat(many, "line = 1 20 3 x\n");
    refused(many, strlen(many), "line 37: there are too many lines");
    memset(many, '\n', 70000);
    refused(many, 70000, "too long");
    free(many);
}

static void test_long_comment(void **state)
{
    (void)state;
    char text[600];
    (void)snprintf(text, sizeof text, "# %0300d\n" LABEL QR, 1);
    kp_plate_template_free(parse(text));
}

/* ---- What fits --------------------------------------------------------------------------- */

static void test_smaller(void **state)
{
    (void)state;
    struct kp_plate_template *t = parse(NULL);
    struct kp_plate some = plate;
    struct kp_plate_layout *layout;
    char why[KP_PLATE_WHY_LEN];
    assert_int_equal(kp_plate_layout_make(&layout, t, &some, why), 0);
    assert_int_equal(layout->said[1].size, 2600);
    assert_string_equal(layout->said[1].text, "Serial RB-000042");
    assert_string_equal(layout->said[2].text, "Keyplate"); /* no host, so no line of it */
    kp_plate_layout_free(layout);
    some.serial = "RB-0000000000000042";
    some.host = "box.local";
    assert_int_equal(kp_plate_layout_make(&layout, t, &some, why), 0);
    assert_in_range(layout->said[1].size, 1750, 2599);
    assert_true(kp_plate_font_width(layout->said[1].text, false, false) * layout->said[1].size <=
                (int64_t)layout->said[1].line->room * 1000);
    assert_string_equal(layout->said[2].text, "https://box.local");
    kp_plate_layout_free(layout);
    kp_plate_template_free(t);
}

static void test_too_much(void **state)
{
    (void)state;
    char text[700];
    struct kp_plate some = plate;
    assert_int_equal(check(NULL, &some, ""), 0);
    some.model = "A model with a name that goes on and on";
    assert_int_equal(check(NULL, &some, "\"{model}\" (line 30 of the template) takes "),
                     KP_E_ARGUMENT);
    some = plate;
    memset(text, 'i', 600);
    text[600] = '\0';
    some.user = text;
    assert_int_equal(check(NULL, &some, "\"{user}\" (line "), KP_E_ARGUMENT);
    some = plate;
    /* A password isn't made smaller. */
    assert_int_equal(check(LABEL "[text]\nline = 2 20 5.8 mono {password}\n", &some, "takes 60 mm"),
                     KP_E_ARGUMENT);
    assert_int_equal(check(LABEL "[text]\nline = 2 20 5.8 mono {user}-----------\n", &some, ""), 0);
}

static void test_link(void **state)
{
    (void)state;
    char link[4001];
    struct kp_plate some = plate;
    memset(link, 'x', sizeof link);
    link[180] = '\0'; /* version 9, with M: 53 modules */
    some.link = link;
    assert_int_equal(check(NULL, &some, ""), 0);
    link[180] = 'x';
    link[181] = '\0';
    assert_int_equal(check(NULL, &some, "squares are 0.384 mm, and cameras want 0.4: a size of 27"),
                     KP_E_ARGUMENT);
    assert_int_equal(
        check("[label]\nwidth = 60\nheight = 40\n[qr]\nx = 1\ny = 1\nsize = 27\n", &some, ""), 0);
    link[181] = 'x';
    link[4000] = '\0';
    assert_int_equal(check(NULL, &some, "too long for a QR code"), KP_E_ARGUMENT);
    some.link = "";
    assert_int_equal(check(NULL, &some, "no link"), KP_E_ARGUMENT);
}

static void test_letters(void **state)
{
    (void)state;
    struct kp_plate some = plate;
    some.model = "\xd0\x96\xd1\x83\xd0\xba \xce\xa9"; /* Cyrillic and Greek, which DejaVu has */
    assert_int_equal(check(NULL, &some, ""), 0);
    some.model = "\xf0\x90\x80\x80"; /* Linear B, which it hasn't */
    assert_int_equal(check(NULL, &some, "has no letter for a character of \"{model}\""),
                     KP_E_ARGUMENT);
    some.model = "a\nb";
    assert_int_equal(check(NULL, &some, "the model holds a control character"), KP_E_ARGUMENT);
    some.model = "a\xc2\x85";
    assert_int_equal(check(NULL, &some, "the model holds a control character"), KP_E_ARGUMENT);
    some.model = "a\xff";
    assert_int_equal(check(NULL, &some, "the model is not UTF-8"), KP_E_ARGUMENT);
    some.model = "a\xef\xbf\xbf";
    assert_int_equal(check(NULL, &some, "the model has what is no character"), KP_E_ARGUMENT);
}

/* ---- SVG --------------------------------------------------------------------------------- */

static void test_svg(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "width=\"63.5mm\" height=\"38.1mm\" viewBox=\"0 0 63.5 38.1\"",
        "<title>R\xc3\xb6hre &lt;2&gt; &amp; &quot;Co&quot; RB-000042</title>",
        ">R\xc3\xb6hre &lt;2&gt; &amp; &quot;Co&quot;</text>",
        ">Serial RB-000042</text>",
        ">" PASSWORD "</text>",
        "translate(36.8 1.7) scale(0.675675675)",
        "M4 4h7v1h-7z",
    };
    struct kp_plate_template *t = parse(NULL);
    struct kp_text svg, again;
    assert_int_equal(kp_plate_svg(t, &plate, &svg), 0);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(svg.data, parts[i]) == NULL)
            fail_msg("no %s in %s", parts[i], svg.data);
    assert_int_equal(svg.len, strlen(svg.data));
    assert_int_equal(kp_plate_svg(t, &plate, &again), 0);
    assert_string_equal(svg.data, again.data);
    kp_text_clear(&svg);
    kp_text_clear(&again);
    kp_plate_template_free(t);
}

struct crew {
    const struct kp_plate_template *template;
    const struct kp_text *right;
    unsigned wrong;
};

static void *draw_many(void *arg)
{
    struct crew *crew = arg;
    struct kp_text svg;
    char why[KP_PLATE_WHY_LEN];
    for (int i = 0; i < 50; i++) {
        crew->wrong += kp_plate_check(crew->template, &plate, why) != 0;
        if (kp_plate_svg(crew->template, &plate, &svg) != 0 ||
            strcmp(svg.data, crew->right->data) != 0)
            crew->wrong++;
        kp_text_clear(&svg);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct kp_plate_template *t = parse(NULL);
    struct kp_text right;
    struct crew crew[4];
    pthread_t threads[4];
    assert_int_equal(kp_plate_svg(t, &plate, &right), 0);
    for (int i = 0; i < 4; i++) {
        crew[i] = (struct crew){t, &right, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, draw_many, &crew[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(crew[i].wrong, 0);
    }
    kp_text_clear(&right);
    kp_plate_template_free(t);
}

/* ---- Sheets ------------------------------------------------------------------------------ */

/* A PDF of count labels in memory, NUL-terminated. */
static struct kp_text sheets_of(int count)
{
    struct kp_plate_template *t = parse(NULL);
    struct kp_plate_sheets *sheets;
    struct kp_text pdf;
    int fd = memfd_create("sheets", MFD_CLOEXEC);
    assert_int_equal(kp_plate_sheets_open(&sheets, t, fd), 0);
    for (int i = 0; i < count; i++)
        assert_int_equal(kp_plate_sheets_add(sheets, &plate), 0);
    assert_int_equal(kp_plate_sheets_close(sheets), 0);
    pdf.len = (size_t)lseek(fd, 0, SEEK_END);
    pdf.data = calloc(1, pdf.len + 1);
    assert_int_equal(pread(fd, pdf.data, pdf.len, 0), pdf.len);
    (void)close(fd);
    kp_plate_template_free(t);
    return pdf;
}

static bool has(const struct kp_text *pdf, const char *words)
{
    return memmem(pdf->data, pdf->len, words, strlen(words)) != NULL;
}

static void test_sheets(void **state)
{
    (void)state;
    struct kp_text one = sheets_of(21), two = sheets_of(22), again = sheets_of(22);
    assert_true(has(&one, "/Count 1\n"));
    assert_true(has(&two, "/Count 2\n"));
    assert_true(two.len == again.len && memcmp(two.data, again.data, two.len) == 0);
    assert_false(has(&two, "/CreationDate"));
    kp_text_clear(&again);
    assert_int_equal(setenv("SOURCE_DATE_EPOCH", "86400", 1), 0);
    again = sheets_of(1);
    assert_true(has(&again, "19700102000000Z"));
    assert_int_equal(unsetenv("SOURCE_DATE_EPOCH"), 0);
    kp_text_clear(&one);
    kp_text_clear(&two);
    kp_text_clear(&again);
}

static void test_full_disk(void **state)
{
    (void)state;
    struct kp_plate_template *t = parse(NULL);
    struct kp_plate_sheets *sheets;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    int err = 0;
    assert_true(fd >= 0);
    assert_int_equal(kp_plate_sheets_open(&sheets, t, fd), 0);
    assert_int_equal(kp_plate_sheets_add(sheets, &plate), 0);
    errno = 0;
    assert_int_equal(kp_plate_sheets_close(sheets), KP_E_ARGUMENT);
    assert_int_equal(errno, ENOSPC);
    /* And of many, while they are added. */
    assert_int_equal(kp_plate_sheets_open(&sheets, t, fd), 0);
    for (int i = 0; i < 1000 && err == 0; i++)
        err = kp_plate_sheets_add(sheets, &plate);
    assert_int_equal(err, KP_E_ARGUMENT);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(kp_plate_sheets_close(sheets), KP_E_ARGUMENT);
    assert_int_equal(kp_plate_sheets_close(NULL), 0);
    (void)close(fd);
    kp_plate_template_free(t);
}

/* cairo and fontconfig keep what they know of fonts until the process ends. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\n";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_in), cmocka_unit_test(test_places),
        cmocka_unit_test(test_faults),   cmocka_unit_test(test_long_comment),
        cmocka_unit_test(test_smaller),  cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_link),     cmocka_unit_test(test_letters),
        cmocka_unit_test(test_svg),      cmocka_unit_test(test_threads),
        cmocka_unit_test(test_sheets),   cmocka_unit_test(test_full_disk),
    };
    char why[KP_PLATE_WHY_LEN];
    if (kp_plate_libraries(why) != 0) {
        print_error("%s\n", why);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
