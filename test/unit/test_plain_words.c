/* The device's own words on the pages of port 80: what the vendor can put into them, and that a
 * browser could take nothing of it for a question, a script or the end of the page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/plain_words.h"

static char path[64];

static int make_path(void **state)
{
    int fd;
    (void)state;
    snprintf(path, sizeof path, "/tmp/kp-plain-words-XXXXXX");
    fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void put_file(const char *text, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void is_taken(const char *text, size_t len)
{
    const char *why = NULL;
    char *words;
    put_file(text, len);
    if (kp_plain_words_read(&words, path, &why) != 0)
        fail_msg("%.*s: refused, as it %s", (int)len, text, why);
    assert_int_equal(strlen(words), len);
    assert_memory_equal(words, text, len);
    free(words);
}

static void is_refused(const char *text, size_t len, const char *expected)
{
    const char *why = NULL;
    char *words = path;
    put_file(text, len);
    assert_int_equal(kp_plain_words_read(&words, path, &why), -1);
    assert_null(words);
    assert_non_null(why);
    assert_string_equal(why, expected);
}

#define TAKEN(literal) is_taken(literal, sizeof literal - 1)
#define REFUSED(literal, why) is_refused(literal, sizeof literal - 1, why)

#define ALLOWED                                                                                    \
    ": allowed are p, br, h2, h3, em, strong, b, i, small, ul, ol, li, dl, dt, dd, hr and img"
#define PICTURE "data:image/png;base64,AA=="
#define NO_TAG "has a < that begins no tag: in text it is &lt;"
#define COMMENT "has a comment or a document type: a fragment without them is wanted"
#define MALFORMED(tag)                                                                             \
    "has a <" tag "> that doesn't end, or holds something else than name=\"value\""
#define NO_PICTURE "has an img whose src isn't a data: picture (PNG, JPEG, GIF or WebP, in base64)"

static void words_that_are_fine(void **state)
{
    static char much[KP_PLAIN_WORDS_MAX];
    (void)state;
    TAKEN("a");
    TAKEN("<p>Gr\xc3\xbc\xc3\x9f Gott</p>\r\n");
    TAKEN("The type = 'password' is >= 1 & &lt;form>, -->");
    TAKEN("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf");
    memset(much, 'a', sizeof much);
    is_taken(much, sizeof much);
}

static void every_element(void **state)
{
    (void)state;
    TAKEN("<h2>a</h2><h3>b</h3><p>c<br>d<br/>e<br />f</p><hr><HR/>");
    TAKEN("<p><em>a</em><strong>b</strong><b>c<i>d</i></b><small>e</small></p >");
    TAKEN("<ul><li>a</li>\n<li>b<ol\n><li>c</li></ol\t></li></ul>");
    TAKEN("<dl><dt>a</dt><dd><p>b</p></dd></dl>");
    TAKEN("<P><eM>a</Em></p>");
    TAKEN("<p/>the slash means nothing</p>");
}

static void every_attribute(void **state)
{
    (void)state;
    TAKEN("<p lang=\"de\"  DIR='rtl'>a</p><br lang='de'><hr dir=\"\"/>");
    TAKEN("<img src=\"" PICTURE "\">");
    TAKEN("<img alt=\"Sam's &quot;\n\" width='640' height=\"9999\" src='" PICTURE "' lang=\"\" />");
    TAKEN("<img src='DATA:image/JPEG;base64,AA+/'><img src='data:image/gif;base64,A\r\nA\n='>");
    TAKEN("<img src='data:image/webp;base64,AA=='>");
}

static void elements_that_are_refused(void **state)
{
    static const char *const names[] = {
        "a",      "article", "audio",    "base",  "body",    "button",   "code",      "details",
        "dialog", "div",     "embed",    "font",  "form",    "frame",    "frameset",  "h1",
        "head",   "html",    "iframe",   "image", "input",   "link",     "listing",   "main",
        "math",   "meta",    "noscript", "o",     "object",  "option",   "param",     "plaintext",
        "pre",    "pp",      "script",   "s",     "section", "select",   "source",    "span",
        "style",  "svg",     "table",    "td",    "tbody",   "template", "textarea",  "title",
        "tr",     "video",   "x-y",      "xmp",   "imgs",    "hr-",      "blockquote"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[64], why[192];
        snprintf(why, sizeof why, "has <%s>" ALLOWED, names[i]);
        is_refused(text, (size_t)snprintf(text, sizeof text, "a<%s>", names[i]), why);
        is_refused(text, (size_t)snprintf(text, sizeof text, "</%s>", names[i]), why);
        is_refused(text, (size_t)snprintf(text, sizeof text, "<p><%s/ x", names[i]), why);
        is_refused(text, (size_t)snprintf(text, sizeof text, "<%s", names[i]), why);
    }
    REFUSED("</section><div hidden>", "has <section>" ALLOWED);
    REFUSED("<table hidden><tr><td>", "has <table>" ALLOWED);
    REFUSED("<a href=/>", "has <a>" ALLOWED);
    REFUSED("<FoRm\n>", "has <FoRm>" ALLOWED);
    REFUSED("<svg:p>", "has <svg>" ALLOWED);
    REFUSED("<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>",
            "has <aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>" ALLOWED);
}

static void attributes_that_are_refused(void **state)
{
    static const char on_p[] = "has a <p> with the attribute %s: allowed are lang and dir";
    static const char *const names[] = {"style", "ONCLICK", "hidden", "class", "id",   "src",
                                        "alt",   "width",   "langs",  "lan",   "xml",  "data-x",
                                        "title", "popover", "href",   "is",    "inert"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[64], why[128];
        snprintf(why, sizeof why, on_p, names[i]);
        is_refused(text, (size_t)snprintf(text, sizeof text, "<p %s=\"x\">", names[i]), why);
        is_refused(text, (size_t)snprintf(text, sizeof text, "<p lang='' %s>", names[i]), why);
    }
    REFUSED("<img src='" PICTURE "' onerror='x()'>",
            "has a <img> with the attribute onerror: allowed are src, alt, width, height, lang and "
            "dir");
    REFUSED("<img srcset='" PICTURE "'>",
            "has a <img> with the attribute srcset: allowed are src, alt, width, height, lang and "
            "dir");
}

static void attributes_that_browsers_could_read_otherwise(void **state)
{
    static const char unquoted[] = "has a <p> without the quotes of lang=\"...\"";
    static const char within[] = "has a <p> whose lang holds a < or > or doesn't end";
    (void)state;
    REFUSED("<p lang>", unquoted);
    REFUSED("<p lang=de>", unquoted);
    REFUSED("<p lang =\"de\">", unquoted);
    REFUSED("<p lang= \"de\">", unquoted);
    REFUSED("<p lang=", unquoted);
    REFUSED("<p lang", unquoted);
    REFUSED("<p lang='>'>", within);
    REFUSED("<p lang=\"<\">", within);
    REFUSED("<p lang=\"de'>", within);
    REFUSED("<p lang='", within);
    REFUSED("<p lang=\"de\"dir=\"ltr\">", MALFORMED("p"));
    REFUSED("<p lang=\"de\"\"ltr\">", MALFORMED("p"));
    REFUSED("<p \"lang\">", MALFORMED("p"));
    REFUSED("<p =lang>", MALFORMED("p"));
    REFUSED("<p/lang='de'>", MALFORMED("p"));
    REFUSED("<br / >", MALFORMED("br"));
    REFUSED("<br //>", MALFORMED("br"));
    REFUSED("<p\v>", MALFORMED("p"));
    REFUSED("<p\xc2\xa0>", MALFORMED("p"));
    REFUSED("<p", MALFORMED("p"));
    REFUSED("<p ", MALFORMED("p"));
    REFUSED("<p/", MALFORMED("p"));
    REFUSED("<p<b>", MALFORMED("p"));
}

static void pictures_that_are_refused(void **state)
{
    (void)state;
    REFUSED("<img src=\"/logo.png\">", NO_PICTURE);
    REFUSED("<img src=\"https://a.example/data:image/png;base64,AA\">", NO_PICTURE);
    REFUSED("<img src=\"\">", NO_PICTURE);
    REFUSED("<img src=\" " PICTURE "\">", NO_PICTURE);
    REFUSED("<img src=\"data:image/png;base64,\">", NO_PICTURE);
    REFUSED("<img src=\"data:image/png,AA\">", NO_PICTURE);
    REFUSED("<img src=\"data:image/png;base64,A&amp;\">", NO_PICTURE);
    REFUSED("<img src=\"data:image/svg+xml;base64,AA==\">", NO_PICTURE);
    REFUSED("<img src=\"data:text/html;base64,AA==\">", NO_PICTURE);
    REFUSED("<img src='" PICTURE "' src='/'>", NO_PICTURE);
    REFUSED("<img alt=\"x\">", "has an img without src");
    REFUSED("<img>", "has an img without src");
    REFUSED("<img width=\"\">", "has an img whose width isn't a number of pixels");
    REFUSED("<img width=\"100%\">", "has an img whose width isn't a number of pixels");
    REFUSED("<img height=\"-1\">", "has an img whose height isn't a number of pixels");
    REFUSED("<img height=\"10000\">", "has an img whose height isn't a number of pixels");
}

static void what_is_no_tag(void **state)
{
    (void)state;
    REFUSED("<p><!-- x", COMMENT);
    REFUSED("<!doctype html>", COMMENT);
    REFUSED("<![CDATA[", COMMENT);
    REFUSED("<!", COMMENT);
    REFUSED("<?xml", NO_TAG);
    REFUSED("1 < 2", NO_TAG);
    REFUSED("<<p>", NO_TAG);
    REFUSED("<>", NO_TAG);
    REFUSED("</>", NO_TAG);
    REFUSED("</ p>", NO_TAG);
    REFUSED("</!-- x", NO_TAG);
    REFUSED("a<", NO_TAG);
    REFUSED("a</", NO_TAG);
    REFUSED("<\xc4\xb1mg>", NO_TAG);
}

static void what_is_not_closed_in_its_turn(void **state)
{
    (void)state;
    REFUSED("<p>", "has a <p> that isn't closed");
    REFUSED("<p/>", "has a <p> that isn't closed");
    REFUSED("<ul><li>a</li>", "has a <ul> that isn't closed");
    REFUSED("<ul><li>a</ul>", "has a </ul> where <li> isn't closed");
    REFUSED("<b><i>a</b></i>", "has a </b> where <i> isn't closed");
    REFUSED("a</p>", "has a </p> that closes nothing");
    REFUSED("<p>a</p></p>", "has a </p> that closes nothing");
    REFUSED("<p></br></p>", "has a </br> that closes nothing");
    REFUSED("</img>", "has a </img> that closes nothing");
    REFUSED("<p></p lang=\"de\">", "has a </p that isn't a plain </p>");
    REFUSED("<p></p/>", "has a </p that isn't a plain </p>");
    REFUSED("<p></p", "has a </p that isn't a plain </p>");
}

static void how_deep_they_go(void **state)
{
    char text[8 * (KP_PLAIN_WORDS_DEEPEST + 1)] = "";
    (void)state;
    for (unsigned i = 0; i < KP_PLAIN_WORDS_DEEPEST; i++)
        strcat(text, "<b>");
    strcat(text, "<br>");
    for (unsigned i = 0; i < KP_PLAIN_WORDS_DEEPEST; i++)
        strcat(text, "</b>");
    is_taken(text, strlen(text));
    memcpy(text + (size_t)KP_PLAIN_WORDS_DEEPEST * 3, "<b >", 4);
    is_refused(text, strlen(text), "has more than 16 elements in one another");
}

static void words_that_are_no_text(void **state)
{
    static char much[KP_PLAIN_WORDS_MAX + 1];
    (void)state;
    REFUSED("", "is empty");
    REFUSED("a\0b", "holds a NUL byte");
    REFUSED("\0", "holds a NUL byte");
    REFUSED("Gr\xfc\xdf", "is not UTF-8");
    REFUSED("a\xc3", "is not UTF-8");
    REFUSED("\xc0\xbc"
            "form",
            "is not UTF-8");
    REFUSED("\xc1\xbf", "is not UTF-8");
    REFUSED("\x80", "is not UTF-8");
    REFUSED("\xe0\x9f\xbf", "is not UTF-8");
    REFUSED("\xed\xa0\x80", "is not UTF-8");
    REFUSED("\xe2\x82", "is not UTF-8");
    REFUSED("\xe2\x82x", "is not UTF-8");
    REFUSED("\xf0\x8f\xbf\xbf", "is not UTF-8");
    REFUSED("\xf0\x90\x80", "is not UTF-8");
    REFUSED("\xf4\x90\x80\x80", "is not UTF-8");
    REFUSED("\xf5\x80\x80\x80", "is not UTF-8");
    memset(much, 'a', sizeof much);
    is_refused(much, sizeof much, "has more than 16 KiB");
}

static void words_that_are_no_file(void **state)
{
    const char *why = NULL;
    char fifo[96], *words;
    (void)state;
    assert_int_equal(kp_plain_words_read(&words, "/nonexistent/words", &why), -1);
    assert_string_equal(why, "No such file or directory");
    assert_int_equal(kp_plain_words_read(&words, "/tmp", &why), -1);
    assert_string_equal(why, "is not a regular file");
    snprintf(fifo, sizeof fifo, "%s.fifo", path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(kp_plain_words_read(&words, fifo, &why), -1);
    assert_string_equal(why, "is not a regular file");
    assert_int_equal(unlink(fifo), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(words_that_are_fine, make_path, remove_path),
        cmocka_unit_test_setup_teardown(every_element, make_path, remove_path),
        cmocka_unit_test_setup_teardown(every_attribute, make_path, remove_path),
        cmocka_unit_test_setup_teardown(elements_that_are_refused, make_path, remove_path),
        cmocka_unit_test_setup_teardown(attributes_that_are_refused, make_path, remove_path),
        cmocka_unit_test_setup_teardown(attributes_that_browsers_could_read_otherwise, make_path,
                                        remove_path),
        cmocka_unit_test_setup_teardown(pictures_that_are_refused, make_path, remove_path),
        cmocka_unit_test_setup_teardown(what_is_no_tag, make_path, remove_path),
        cmocka_unit_test_setup_teardown(what_is_not_closed_in_its_turn, make_path, remove_path),
        cmocka_unit_test_setup_teardown(how_deep_they_go, make_path, remove_path),
        cmocka_unit_test_setup_teardown(words_that_are_no_text, make_path, remove_path),
        cmocka_unit_test_setup_teardown(words_that_are_no_file, make_path, remove_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
