/*
 * factory/: serials, the order as it is kept, cells of a table, manifests, and how far it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "factory/manifest.h"
#include "factory/order.h"
#include "factory/progress.h"
#include "factory/serial.h"

static void test_serials(void **state)
{
    (void)state;
    struct kp_serials serials;
    const char *why = "";
    char text[KP_SERIAL_LEN + 1];
    unsigned long at = 0;
    assert_int_equal(kp_serials_init(&serials, NULL, "Heat Pump 7!", 1, 100, &why), 0);
    assert_string_equal(kp_serials_at(&serials, 0, text), "HeatPump7-000001");
    assert_string_equal(kp_serials_at(&serials, 99, text), "HeatPump7-000100");
    assert_int_equal(kp_serials_init(&serials, "A.", "x", 999998, 4, &why), 0);
    assert_string_equal(kp_serials_at(&serials, 0, text), "A.0999998");
    for (unsigned long i = 0; i < 4; i++) {
        kp_serials_at(&serials, i, text);
        assert_true(kp_serials_find(&serials, text, strlen(text), &at));
        assert_int_equal(at, i);
    }
    static const char *const others[] = {"",          "A.",        "A.0999997", "A.1000002",
                                         "A.999998",  "B.0999998", "A.099999x", "A.09999980",
                                         "A.-999998", "A. 999998", "a.0999998", "A.0999998\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(kp_serials_find(&serials, others[i], strlen(others[i]), &at));
    assert_int_equal(kp_serials_init(&serials, "A", "x", 999999999, 1, &why), 0);
    assert_string_equal(kp_serials_at(&serials, 0, text), "A999999999");
    assert_int_equal(kp_serials_init(&serials, "A", "x", 999999999, 2, &why), KP_E_ARGUMENT);
    assert_int_equal(kp_serials_init(&serials, "A", "x", 1, 0, &why), KP_E_ARGUMENT);
}

static void test_cells(void **state)
{
    (void)state;
    static const char *const good[] = {"a",        "Z9",           "7",   "\xc3\xa4",
                                       "\xce\xa9", "\xe6\xb8\xa9", "a=1", "\xf0\xa0\x80\x80"};
    static const char *const bad[] = {"",
                                      "=",
                                      "+1",
                                      "-1",
                                      "@x",
                                      " a",
                                      "\t=1",
                                      "\r",
                                      "\"=1\"",
                                      "'=1",
                                      ("\xef\xbc\x9d"
                                       "1"),
                                      "\xef\xbc\x8b",
                                      "\xef\xbb\xbf=1",
                                      "\xe2\x80\x8b=1",
                                      "\xc2\xa0=1",
                                      "a\n",
                                      "\xff"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(kp_order_is_cell(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(kp_order_is_cell(bad[i]));
}

static void make_order(struct kp_order *order)
{
    const char *why = "";
    *order = (struct kp_order){.bits = 3072, .versions = KP_USE_TLS12 | KP_USE_TLS13};
    assert_int_equal(kp_order_set_model(order, "Pump", &why), 0);
    assert_int_equal(kp_serials_init(&order->serials, NULL, "Pump", 1, 10, &why), 0);
    assert_int_equal(kp_order_set_user(order, "admin", &why), 0);
}

static void test_order_is_kept(void **state)
{
    (void)state;
    struct kp_order order;
    struct kp_text text;
    struct kp_file_error error = {""};
    make_order(&order);
    assert_int_equal(kp_order_format(&order, &text), 0);
    assert_int_equal(kp_order_compare(&order, text.data, text.len, &error), 0);
    order.serials.count = 11;
    order.qr_password = true;
    assert_int_equal(kp_order_compare(&order, text.data, text.len, &error), KP_E_ARGUMENT);
    assert_string_equal(error.why, "with --count 10, without --qr-password");
    /* Whatever a byte of it becomes, it is another order. */
    order.serials.count = 10;
    order.qr_password = false;
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] ^= 1;
        assert_int_equal(kp_order_compare(&order, text.data, text.len, &error), KP_E_ARGUMENT);
        text.data[i] ^= 1;
        assert_int_equal(kp_order_compare(&order, text.data, i, &error), KP_E_ARGUMENT);
    }
    kp_text_clear(&text);
    kp_order_clear(&order);
}

static void test_links(void **state)
{
    (void)state;
    struct kp_order order;
    struct kp_plate plate;
    char link[KP_LABEL_LINK_LEN];
    make_order(&order);
    assert_int_equal(kp_order_plate(&order, "P-1", "22222-22222-22222", link, &plate), 0);
    assert_string_equal(link, "keyplate://P-1/?v=1&user=admin");
    strcpy(order.host, "[::1]:8443");
    order.qr_password = true;
    assert_int_equal(kp_order_plate(&order, "P-1", "22222-22222-22222", link, &plate), 0);
    assert_string_equal(link, "keyplate://P-1@[::1]:8443/?v=1&user=admin#p=22222-22222-22222");
    assert_int_equal(kp_order_link(&order, "P-1", link), 0);
    assert_string_equal(link, "keyplate://P-1@[::1]:8443/?v=1&user=admin");
    kp_order_clear(&order);
}

/* What a form writes of two rows; static memory. */
static const char *written(const struct kp_manifest_form *form, const char *password)
{
    static char text[2048];
    FILE *file = tmpfile();
    assert_non_null(file);
    struct kp_manifest_row row = {"P-1", "a \"b\", c", "admin", "keyplate://x", "P-1/c", password};
    assert_true(form->begin(file, password != NULL));
    assert_true(form->row(file, &row, true));
    row.serial = "P-2";
    assert_true(form->row(file, &row, false));
    assert_true(form->end(file));
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

static void test_manifests(void **state)
{
    (void)state;
    assert_string_equal(
        written(&kp_manifest_csv, NULL),
        "\"serial\",\"model\",\"user\",\"device_id\",\"link\",\"file\"\r\n"
        "\"P-1\",\"a \"\"b\"\", c\",\"admin\",\"P-1\",\"keyplate://x\",\"P-1/c\"\r\n"
        "\"P-2\",\"a \"\"b\"\", c\",\"admin\",\"P-2\",\"keyplate://x\",\"P-1/c\"\r\n");
    assert_non_null(strstr(written(&kp_manifest_csv, "pw"), ",\"file\",\"password\"\r\n"));
    assert_non_null(strstr(written(&kp_manifest_csv, "pw"), ",\"P-1/c\",\"pw\"\r\n"));
    assert_string_equal(
        written(&kp_manifest_json, "pw"),
        "{\"version\": 1, \"devices\": [\n"
        "{\"serial\":\"P-1\",\"model\":\"a \\\"b\\\", c\",\"user\":\"admin\",\"device_id\":\"P-1\","
        "\"link\":\"keyplate://x\",\"file\":\"P-1/c\",\"password\":\"pw\"},\n"
        "{\"serial\":\"P-2\",\"model\":\"a \\\"b\\\", c\",\"user\":\"admin\",\"device_id\":\"P-2\","
        "\"link\":\"keyplate://x\",\"file\":\"P-1/c\",\"password\":\"pw\"}\n]}\n");
}

/* A disk that is full is noticed by the last word at the latest. */
static void test_manifests_that_cannot_be_written(void **state)
{
    (void)state;
    const struct kp_manifest_form *const forms[] = {&kp_manifest_csv, &kp_manifest_json};
    const struct kp_manifest_row row = {"P-1", "m", "admin", "keyplate://x", "P-1/c", NULL};
    for (size_t i = 0; i < 2; i++) {
        FILE *full = fopen("/dev/full", "w");
        assert_non_null(full);
        (void)setvbuf(full, NULL, _IONBF, 0);
        bool good =
            forms[i]->begin(full, false) && forms[i]->row(full, &row, true) && forms[i]->end(full);
        assert_false(good);
        (void)fclose(full);
    }
}

static void test_progress(void **state)
{
    (void)state;
    char text[KP_PROGRESS_LEN];
    assert_string_equal(kp_progress_text(text, "devices", 0, 0, 100, 3), "0 of 100 devices");
    assert_string_equal(kp_progress_text(text, "devices", 10, 20, 100, 4),
                        "20 of 100 devices, 2.5 a second, 32 s left");
    assert_string_equal(kp_progress_text(text, "devices", 0, 100, 100000, 10),
                        "100 of 100000 devices, 10 a second, 2.8 h left");
    assert_string_equal(kp_progress_text(text, "devices", 0, 100, 100, 10), "100 of 100 devices");
    assert_string_equal(kp_progress_text(text, "devices", 0, 5, 100, 0), "5 of 100 devices");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serials),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_order_is_kept),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_manifests),
        cmocka_unit_test(test_manifests_that_cannot_be_written),
        cmocka_unit_test(test_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
