/* What people are told: every sentence in every language, and which language a person reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/words.h"

#include "creds/text.h"

/* ---- The table --------------------------------------------------------------------------- */

/* All that may stand in braces: one that is misspelt is none of these.  A new one comes here too.
 */
static const char *const keys[] = {"where", "why",     "name",   "id",      "form",   "tls12",
                                   "count", "seconds", "option", "choices", "given",  "fault",
                                   "was",   "user",    "saved",  "open",    "forget", "size",
                                   "at",    "port",    "link"};
#define KEYS (sizeof keys / sizeof *keys)

/* As it stands in the table: nothing is filled in. */
static const char *bare(char text[KP_WORD_LEN], int language, int word)
{
    return kp_word(text, KP_WORD_LEN, (enum kp_language)language, (enum kp_word)word, NULL);
}

/* One bit for each key; fails for what is none. */
static unsigned keys_of(const char *text)
{
    unsigned found = 0;
    for (const char *at = strchr(text, '{'); at != NULL; at = strchr(at + 1, '{')) {
        const char *end = strchr(at, '}');
        size_t i = 0;
        assert_non_null(end);
        while (i < KEYS && (strlen(keys[i]) != (size_t)(end - at) - 1 ||
                            memcmp(keys[i], at + 1, strlen(keys[i])) != 0))
            i++;
        if (i == KEYS)
            fail_msg("an unknown key in: %s", text);
        found |= 1u << i;
    }
    return found;
}

static void is_sentence(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || text[len - 1] == '.' || text[len - 1] == ' ' || text[0] == ' ')
        fail_msg("a bad begin or end: \"%s\"", text);
    assert_true(kp_text_is_utf8(text, len));
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            fail_msg("a control character in: %s", text);
    if (strstr(text, "  ") != NULL)
        fail_msg("two spaces in: %s", text);
}

static void every_word_has_every_language(void **state)
{
    char text[KP_WORD_LEN], english[KP_WORD_LEN];
    (void)state;
    for (int word = 0; word < KP_WORDS; word++) {
        unsigned found = keys_of(bare(english, KP_ENGLISH, word));
        for (int language = 0; language < KP_LANGUAGES; language++) {
            is_sentence(bare(text, language, word));
            if (keys_of(text) != found)
                fail_msg("other keys than the English one has: %s", text);
        }
    }
}

static void the_proof_has_one_sentence(void **state)
{
    char text[KP_WORD_LEN];
    (void)state;
    assert_string_equal(bare(text, KP_ENGLISH, KP_W_PROOF), kp_error_text(KP_E_PROOF));
}

/* ---- Filling in -------------------------------------------------------------------------- */

static void values_are_put_in_once(void **state)
{
    char text[KP_WORD_LEN];
    (void)state;
    assert_string_equal(kp_word(text, sizeof text, KP_ENGLISH, KP_W_CONNECT_FAILED, "where",
                                "{why}", "why", "{where}", NULL),
                        "can't connect to {why}: {where}");
    assert_string_equal(kp_word(text, sizeof text, KP_ENGLISH, KP_W_CONNECT_FAILED, "whe", "x",
                                "wherever", "y", NULL),
                        "can't connect to {where}: {why}");
    assert_string_equal(
        kp_word(text, sizeof text, KP_GERMAN, KP_W_LIST_FORGET_YES, "name", "", NULL),
        " vergessen");
}

/* In a block of its own: what writes past it is found by the sanitizer. */
static void what_is_too_long_is_cut(void **state)
{
    char whole[KP_WORD_LEN];
    (void)state;
    kp_word(whole, sizeof whole, KP_GERMAN, KP_W_PAGE_LOGGED_OUT_WHAT, NULL);
    for (size_t len = 1; len <= strlen(whole) + 1; len++) {
        char *text = malloc(len);
        assert_non_null(text);
        kp_word(text, len, KP_GERMAN, KP_W_PAGE_LOGGED_OUT_WHAT, NULL);
        assert_true(strlen(text) < len && strlen(text) + 4 > len);
        assert_memory_equal(text, whole, strlen(text));
        assert_true(kp_text_is_utf8(text, strlen(text)));
        free(text);
    }
}

static void a_long_value_is_cut(void **state)
{
    char value[2 * KP_WORD_LEN], text[KP_WORD_LEN];
    (void)state;
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    kp_word(text, sizeof text, KP_ENGLISH, KP_W_CANT_SAVE, "why", value, NULL);
    assert_int_equal(strlen(text), sizeof text - 1);
}

/* ---- Languages --------------------------------------------------------------------------- */

static void set(const char *variable, const char *value)
{
    if (value == NULL)
        assert_int_equal(unsetenv(variable), 0);
    else
        assert_int_equal(setenv(variable, value, 1), 0);
}

static void is_person(const char *all, const char *messages, const char *lang,
                      enum kp_language language)
{
    set("LC_ALL", all);
    set("LC_MESSAGES", messages);
    set("LANG", lang);
    assert_int_equal(kp_language_of_person(), language);
}

static void the_first_variable_that_is_set_counts(void **state)
{
    (void)state;
    is_person(NULL, NULL, NULL, KP_ENGLISH);
    is_person(NULL, NULL, "de_DE.UTF-8", KP_GERMAN);
    is_person(NULL, NULL, "de", KP_GERMAN);
    is_person(NULL, "C", "de_DE.UTF-8", KP_ENGLISH);
    is_person(NULL, "de_AT", "en_GB", KP_GERMAN);
    is_person("en_US.UTF-8", "de_AT", "de_DE", KP_ENGLISH);
    is_person("de_CH.UTF-8", "C", "C", KP_GERMAN);
    is_person("", "", "de_DE", KP_GERMAN);
    is_person("fr_FR", NULL, "de_DE", KP_ENGLISH);
}

static const struct {
    const char *text;
    enum kp_language language, otherwise;
} fields[] = {
    {"de", KP_GERMAN, KP_ENGLISH},
    {"en", KP_ENGLISH, KP_GERMAN},
    {"DE-at", KP_GERMAN, KP_ENGLISH},
    {"de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", KP_GERMAN, KP_ENGLISH},
    {"en-US,en;q=0.9,de;q=0.8", KP_ENGLISH, KP_GERMAN},
    {"fr, de;q=0.5, en;q=0.4", KP_GERMAN, KP_ENGLISH},
    {"en;q=0.3,de;q=0.301", KP_GERMAN, KP_ENGLISH},
    {"en;q=0.999 , de ; q=1.000", KP_GERMAN, KP_ENGLISH},
    {"de,en", KP_GERMAN, KP_ENGLISH}, /* the first of two that weigh the same */
    {"en,de", KP_ENGLISH, KP_GERMAN},
    {"en;q=0,de;q=0.001", KP_GERMAN, KP_ENGLISH},
    {"de;q=0", KP_ENGLISH, KP_ENGLISH}, /* not acceptable */
    {"de;q=0.0", KP_ENGLISH, KP_ENGLISH},
    {"", KP_GERMAN, KP_GERMAN},
    {"", KP_ENGLISH, KP_ENGLISH},
    {"*", KP_GERMAN, KP_GERMAN},
    {"fr, pl", KP_GERMAN, KP_GERMAN},
    {"deutsch", KP_ENGLISH, KP_ENGLISH},
    {"d", KP_ENGLISH, KP_ENGLISH},
    /* Malformed: such an element says nothing. */
    {"de;q=2", KP_ENGLISH, KP_ENGLISH},
    {"de;q=1.001", KP_ENGLISH, KP_ENGLISH},
    {"de;q=", KP_ENGLISH, KP_ENGLISH},
    {"de;q", KP_ENGLISH, KP_ENGLISH},
    {"de;q=0,5", KP_ENGLISH, KP_ENGLISH},
    {"de;q=.5", KP_ENGLISH, KP_ENGLISH},
    {"de;q=0.1234", KP_ENGLISH, KP_ENGLISH},
    {"de;q=0.x", KP_ENGLISH, KP_ENGLISH},
    {"de;q=-1", KP_ENGLISH, KP_ENGLISH},
    {"de;level=1", KP_ENGLISH, KP_ENGLISH},
    {";q=1", KP_ENGLISH, KP_ENGLISH},
    {";;;,,,;q=", KP_ENGLISH, KP_ENGLISH},
    {",,de", KP_GERMAN, KP_ENGLISH},
    {"de\xff", KP_ENGLISH, KP_ENGLISH},
};

static void the_highest_weight_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        size_t len = strlen(fields[i].text);
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy + 1, fields[i].text, len);
        if (kp_language_accepted(copy + 1, len, fields[i].otherwise) != fields[i].language)
            fail_msg("taken wrongly: %s", fields[i].text);
        free(copy);
    }
    assert_int_equal(kp_language_accepted(NULL, 0, KP_GERMAN), KP_GERMAN);
    assert_string_equal(kp_language_tag(KP_ENGLISH), "en");
    assert_string_equal(kp_language_tag(KP_GERMAN), "de");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_has_every_language),
        cmocka_unit_test(the_proof_has_one_sentence),
        cmocka_unit_test(values_are_put_in_once),
        cmocka_unit_test(what_is_too_long_is_cut),
        cmocka_unit_test(a_long_value_is_cut),
        cmocka_unit_test(the_first_variable_that_is_set_counts),
        cmocka_unit_test(the_highest_weight_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
