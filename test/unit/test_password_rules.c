/*
 * cmd/password_rules: what is refused and by which word, what is not, and in which order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "creds/label.h"
#include "password_rules.h"

static struct kp_crypto *crypto;

static int set_up(void **state)
{
    (void)state;
    return kp_crypto_new(&crypto, NULL, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    kp_crypto_free(crypto);
    return 0;
}

/* The code of a fault, of a password of that user at that device (NULL: it has no id yet). */
static const char *judge(const char *password, const char *name, const char *device_id)
{
    struct kp_text texts[2] = {{NULL, 0}, {NULL, 0}};
    struct kp_text id = {NULL, 0};
    enum kp_password_fault fault = KP_PASSWORD_SHORT;
    assert_int_equal(kp_text_password(&texts[0], password, strlen(password)), KP_TEXT_FINE);
    assert_int_equal(kp_text_name(&texts[1], name, strlen(name), true), KP_TEXT_FINE);
    if (device_id != NULL)
        assert_int_equal(kp_text_name(&id, device_id, strlen(device_id), false), KP_TEXT_FINE);
    assert_int_equal(kp_password_judge(crypto, &texts[0], &texts[1], &id, &fault), 0);
    kp_text_clear(&texts[0]);
    kp_text_clear(&texts[1]);
    kp_text_clear(&id);
    return kp_password_fault_code(fault);
}

static void is(const char *code, const char *password)
{
    const char *found = judge(password, "administrator", "SN-2100-0042");
    if (strcmp(found, code) != 0)
        fail_msg("%s: %s, not %s", password, found, code);
}

static void test_length(void **state)
{
    (void)state;
    is("short", "x");
    is("short", "seven77");
    is("fine", "eight888");
    is("fine", "kz qv wx"); /* no kind of character is asked for */
    is("fine", "kzqvwxbj");
    is("fine", "80513942");
}

/* Characters of Unicode, after NFC: bytes make no length. */
static void test_length_in_characters(void **state)
{
    (void)state;
    is("short", "äöüäöüß");
    is("fine", "äöüäöüßx");
    is("short", "a\xcc\x88o\xcc\x88u\xcc\x88 xyz"); /* 3 letters in two parts each, and 4 */
    is("short", "\xf0\x9f\x94\x91\xf0\x9f\x94\x92");
    is("fine", "\xe9\x8d\xb5\xe5\x8c\xa0\xe5\xbe\x8c\xe5\x89\x8d\xe5\xb7\xa6\xe5\x8f\xb3\xe4\xb8"
               "\x8a\xe4\xb8\x8b");
}

static void test_longest(void **state)
{
    (void)state;
    char text[KP_TEXT_PASSWORD_MAX + 2];
    struct kp_text taken;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "correct horse battery staple, "[i % 30];
    text[KP_TEXT_PASSWORD_MAX] = '\0';
    is("fine", text);
    text[KP_TEXT_PASSWORD_MAX] = 'x';
    assert_int_equal(kp_text_password(&taken, text, KP_TEXT_PASSWORD_MAX + 1), KP_TEXT_LONG);
}

static void test_common(void **state)
{
    (void)state;
    is("common", "password");
    is("common", "PASSWORD");
    is("common", "PassWord");
    is("common", "trustno1");
    is("common", "Iloveyou");
    is("common", "12345678");
    is("fine", "password and more of it");
    is("fine", "passwor_");
}

/* Every line of the list, as it is and in capitals; with another letter at its end hardly one. */
static void test_whole_list(void **state)
{
    const char *path = *state;
    char word[100];
    size_t words = 0;
    size_t others = 0;
    FILE *list = fopen(path, "r");
    assert_non_null(list);
    while (fgets(word, sizeof word - 1, list) != NULL) {
        size_t len = strcspn(word, "\n");
        assert_true(len >= KP_PASSWORD_CHARACTERS && word[len] == '\n');
        word[len] = '\0';
        is("common", word);
        for (size_t i = 0; i < len; i++)
            word[i] = (char)(word[i] >= 'a' && word[i] <= 'z' ? word[i] - 'a' + 'A' : word[i]);
        is("common", word);
        word[len] = '~';
        word[len + 1] = '\0';
        others += strcmp(judge(word, "administrator", NULL), "fine") == 0;
        words++;
    }
    assert_int_equal(fclose(list), 0);
    assert_int_equal(words, 1000);
    assert_int_equal(others, words);
}

static void test_name_and_device(void **state)
{
    (void)state;
    is("name", "administrator");
    is("name", "Administrator");
    is("fine", "administrator2");
    is("device", "SN-2100-0042");
    is("device", "sn-2100-0042");
    is("fine", "SN-2100-0043");
    assert_string_equal(judge("Schlüssel", "schlÜssel", NULL), "name");
    assert_string_equal(judge("Schlüssel", "schlussel", NULL), "fine");
    assert_string_equal(judge("SN-2100-0042", "admin", NULL), "fine");
    /* What is both is told as the first of the list. */
    assert_string_equal(judge("superman", "superman", "superman"), "common");
    assert_string_equal(judge("aaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaa", NULL), "name");
}

static void test_repeated(void **state)
{
    (void)state;
    is("repeated", "zzzzzzzzzzzzzzzz");
    is("repeated", "zzzzZZZZzzzzZZZZ");
    is("repeated", "        ");
    is("repeated", "üüüüüüüü");
    is("repeated", "ÜÜÜÜüüüü");
    is("fine", "zzzzzzzzzzzzzzzy");
}

static void test_run(void **state)
{
    (void)state;
    is("run", "efghijklmnop");
    is("run", "EFGHijklmnop");
    is("run", "ponmlkjihgfe");
    is("run", "34567890");
    is("run", "5678901234");
    is("run", "32109876");
    is("run", "абвгдежз");
    is("run", "56789:;<=");
    is("fine", "efghijklmnoq");
    is("fine", "acegikmoq"); /* steps of two */
    is("fine", "abcdabcd1");
}

/* A label's is fine as printed alone, whatever its letters. */
static void test_label(void **state)
{
    (void)state;
    char label[KP_LABEL_LEN + 1];
    for (int i = 0; i < 200; i++) {
        assert_int_equal(kp_label_make(crypto, label), 0);
        assert_string_equal(judge(label, label, label), "fine");
    }
    assert_true(kp_label_is_right("22222-22222-22222", 17));
    is("fine", "22222-22222-22222");
}

static void test_words(void **state)
{
    (void)state;
    for (int i = KP_PASSWORD_FINE; i <= KP_PASSWORD_RUN; i++) {
        const char *text = kp_password_fault_text((enum kp_password_fault)i);
        const char *code = kp_password_fault_code((enum kp_password_fault)i);
        assert_true(strncmp(text, "the password is ", 16) == 0);
        assert_true(text[strlen(text) - 1] != '.');
        assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz"), strlen(code));
        for (int j = KP_PASSWORD_FINE; j < i; j++)
            assert_string_not_equal(code, kp_password_fault_code((enum kp_password_fault)j));
    }
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_length_in_characters),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_common),
        cmocka_unit_test(test_name_and_device),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_label),
        cmocka_unit_test(test_words),
        cmocka_unit_test_prestate(test_whole_list, argv[1]),
    };
    if (argc != 2)
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
