/*
 * lib/creds/foreign and srp64: files made by `openssl srp` and `srptool`, and each rule of their
 * readers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "creds/foreign.h"
#include "creds/srp64.h"

/* openssl srp -srpvfile F -add -gn 2048 -passout pass:kestrel-4711 admin */
#define OPENSSL_V                                                                                  \
    "1kwCSvc1NCYDgIoqlq.giNbvuoMcKmJzo23KJTyi4rDazxX4AdFvymHzHHdbbjRyWEPDRe7krhPE9dWfMUSCGo"       \
    "oTK9jXapS9MaZzpW3sNs2Eq8LWenfTunXqAUyNdPdrALjs/LldP5jh6un99VG16F0jZ.diYOw/VfztFqa9d.GL"       \
    "IbaHAuAd7Lz4my3gFV851NtWFmibz4pwMPFwQytFIJ48AymxPzKy91NBIdozXnIGQMCl5BXXC8kfXwaAeQTXGf"       \
    "UTPWpLG3WbdR3rHQ6jWhrVbGf85aSiD7eTpXiOUwa0QnXlz8vpfwmmALzYKLbLdNZKTu4r6GkacJlo2DVL9r"
#define OPENSSL_SALT "DE3rgTigURH.KS7Q3W9WCK0O7tK"
#define OPENSSL_ROW "V\t" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\t2048\t\n"
#define OPENSSL_V_HEX                                                                              \
    "6ee8c7399815cc88da92cb4bf4faab17979e325a65304fdc820d44ddf2c135364f7b8442a73f9f3047d451"       \
    "9e596d6fc80e64d6e81eed6b64e26782959e70c432c9d509b619337095a48fdce00f65f608ed08560a31a5"       \
    "de3187429ef179d99f5295b76fd5be7645b6b1b8c4925f40118f02d8fe9ec898ebf7e9f773f49099fe4154"       \
    "a59112b82a71d5f44c3c0ea3df205057de03f0b25f44cfa5993fa6bcdcf4931082bcc3b67d53c2415cb4a7"       \
    "cbd87149069632f14b861308ba987a90aa1a76142979d660cd54038259db0f545a1ad82bd5f950a4816472"       \
    "c347a1dce1b187ba9006b186ff48e73a7ac30295f625159559d78d4778135190ba4993bf208d7d5275"
#define OPENSSL_SALT_HEX "d383d6a76ca9e6d1f9470768380980c500607dd4"

/* srptool --passwd tpasswd --passwd-conf tpasswd.conf -u admin -i 3 */
#define GNUTLS_V                                                                                   \
    "KGDuYKzezqe3ex8pCjuNjJ150UosZDjwbsRF2L.QS/bUxrN54QgEKzjY7PFaBgysDDmD.KD/r2OPC614k5fOfI"       \
    "siehzC9FdEHKyRjzyepUE2KaFjfU4SF/n8Vu3OwsnvXx5PHw6dIhxYg7B/.wPbUKD2k/6SH8nzohv2ddrFA.pi"       \
    "G2U6nJbwWeQIiURRiQgArJ.HFWHMtBlVJlJQbtJxw9lZtGCuxf17T0jKPttUIlQq8s6d.b8KYjWC40Q7HChITF"       \
    "ZFkzXQEAsGfFDkOqhyDrMobB9PhEEVOmg46XET67SXHpwDpFDT1zChaDCNgNF8tjEIReksd3ABUhF60SE0D"
#define GNUTLS_SALT "1ABmtnwj87Zct8PTm4UAGX"
#define GNUTLS_ROW "admin:" GNUTLS_V ":" GNUTLS_SALT ":3\n"
#define GNUTLS_V_HEX                                                                               \
    "1440de2253da3dd280e8ec8cccb785ed4c11407b2da336dea5d9b3c257e69cfe57bbd571446aa394f6d887"       \
    "64f90babcd8d37037e50dff509864c18112e1696294b6b28afd3093e739153c6edf7ca3378e09490fb6978"       \
    "470fff121fe0363adb1e61ec5651e869d2afb8aa1cbffee9995e50d0aefc6711231f72af90a79f53cafb3b"       \
    "1009e1b14e5ea0a1a4ac79b6ec6aa2b54fe44f8115b72ef7d3bd36a5dd3efa26f8f740ce3ba411dd02d519"       \
    "df7792bdad08d869fe948522b6030401a1d132b49d3e33eef6168e2b64293cdb98d2bf0dd56ca52c966b38"       \
    "e7d8c2a10684e7461dc851cfa3733cd741f4cae434c5ea5cf237b4e49ba2eda70ca2deacf18070e00d"
#define GNUTLS_SALT_HEX "4a2f0df1ead2078e6dc865dc0478a421"
#define GROUP_2048                                                                                 \
    "2iQzj1CagQc/5ctbuJYLWlhtAsPHc7xWVyCPAKFRLWKADpASkqe9djWPFWTNTdeJtL8nAhImCn3Sr/IAdQ1FrG"       \
    "w0WvQUstPx3FO9KNcXOwisOQ1VlL.gheAHYfbYyBaxXL.NcJx9TUwgWDT0hRzFzqSrdGGTN3FgSTA1v4QnHtEy"       \
    "gNj3eZ.u0MThqWUaDiP87nqha7XnT66bkTCkQ8.7T8L4KZjIImrNrUftedTTBi.WCi.zlrBxDuOM0da0JbUkQl"       \
    "Xqvp0yvJAPpC11nxmmZOAbQOywZGmu9nhZNuwTlxjfIro0FOdthaDTuZRL9VL7MRPUDo/DQEyW.d4H.UIlzp"

static struct kp_store_fault fault;
static bool in_conf;

static void to_hex(char *out, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        (void)sprintf(out + 2 * i, "%02x", data[i]);
    out[2 * len] = '\0';
}

static void user_is(const struct kp_foreign_user *user, const char *name, unsigned bits,
                    const char *salt, const char *v)
{
    char hex[2 * KP_SRP_MAX_LEN + 1];
    assert_non_null(user);
    assert_null(user->why);
    assert_string_equal(user->user.name.data, name);
    assert_int_equal(user->user.bits, bits);
    to_hex(hex, user->user.salt, user->user.salt_len);
    assert_string_equal(hex, salt);
    to_hex(hex, user->user.v, bits / 8);
    assert_string_equal(hex, v);
}

static struct kp_foreign srpv(const char *text)
{
    struct kp_foreign out;
    assert_int_equal(kp_foreign_srpv_read(&out, text, strlen(text), &fault), 0);
    return out;
}

static unsigned srpv_fault(const char *text)
{
    struct kp_foreign out;
    assert_int_equal(kp_foreign_srpv_read(&out, text, strlen(text), &fault), KP_E_SYNTAX);
    assert_true(strlen(fault.why) > 0);
    assert_int_equal(out.count, 0);
    return fault.line;
}

static struct kp_foreign tpasswd(const char *text, const char *conf)
{
    struct kp_foreign out;
    assert_int_equal(kp_foreign_tpasswd_read(&out, text, strlen(text), conf,
                                             conf != NULL ? strlen(conf) : 0, &fault, &in_conf),
                     0);
    return out;
}

/* ---- Base 64 ------------------------------------------------------------------------------ */

static void reads(const char *text, const char *expected)
{
    uint8_t out[64];
    char hex[129];
    size_t len;
    assert_int_equal(kp_srp64_read(out, sizeof out, &len, text, strlen(text)), 0);
    to_hex(hex, out, len);
    assert_string_equal(hex, expected);
}

static void refuses(const char *text, size_t capacity)
{
    uint8_t out[64];
    size_t len;
    assert_int_equal(kp_srp64_read(out, capacity, &len, text, strlen(text)), KP_E_SYNTAX);
}

static void test_base64_read(void **state)
{
    (void)state;
    reads("0", "00");
    reads("J", "13");
    reads("2", "02");
    reads("02", "02");
    reads("3/", "ff");
    reads("002", "0002");
    reads("F//", "ffff");
    reads("0002", "000002");
    reads("////", "ffffff");
    reads("10000", "01000000");
    /* Two digits of more than a byte: GnuTLS's short form of two. */
    reads("40", "0100");
    reads("//", "0fff");
    refuses("", 64);
    refuses("a=", 64);
    refuses("a b", 64);
    refuses("-", 64);
    refuses("///", 64); /* 18 bits */
    refuses("////", 2);
    refuses("40", 1);
}

static void test_base64_round_trip(void **state)
{
    (void)state;
    uint8_t data[48];
    uint8_t back[48];
    char text[KP_SRP64_LEN(48) + 1];
    size_t len;
    for (size_t n = 1; n <= sizeof data; n++) {
        for (unsigned seed = 0; seed < 64; seed++) {
            for (size_t i = 0; i < n; i++)
                data[i] = (uint8_t)(seed < 2 ? 0 - seed : (seed * 37 + i * 101 + n) >> (i % 3));
            kp_srp64_write(text, data, n);
            assert_int_equal(strlen(text), KP_SRP64_LEN(n));
            assert_int_equal(kp_srp64_read(back, sizeof back, &len, text, strlen(text)), 0);
            assert_int_equal(len, n);
            assert_memory_equal(back, data, n);
        }
    }
}

/* ---- .srpv -------------------------------------------------------------------------------- */

static void test_srpv_sample(void **state)
{
    (void)state;
    struct kp_foreign f = srpv(OPENSSL_ROW);
    assert_int_equal(f.count, 1);
    user_is(&f.users[0], "admin", 2048, OPENSSL_SALT_HEX, OPENSSL_V_HEX);
    assert_int_equal(f.users[0].line, 1);
    kp_foreign_clear(&f);
}

static void test_srpv_tolerated(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "# a comment\n" OPENSSL_ROW,
        "V\t" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\t2048\t\r\n",
        "V\t" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\t2048\t",
        "V\t" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\t2048\tsome info\n",
        "R\t" OPENSSL_SALT "\t" OPENSSL_SALT "\tgone\t2048\t\n" OPENSSL_ROW,
        "v\t" OPENSSL_SALT "\t" OPENSSL_SALT "\tgone\t2048\t\n" OPENSSL_ROW,
        "I\t" GROUP_2048 "\t2\tmine\t\t\nV\t" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\tmine\t\n",
        /* leading zero bytes of a salt are no part of it */
        "V\t" OPENSSL_V "\t0000" OPENSSL_SALT "\tadmin\t2048\t\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct kp_foreign f = srpv(texts[i]);
        assert_int_equal(f.count, 1);
        user_is(&f.users[0], "admin", 2048, OPENSSL_SALT_HEX, OPENSSL_V_HEX);
        kp_foreign_clear(&f);
    }
}

static void test_srpv_whole_file_refused(void **state)
{
    (void)state;
    assert_int_equal(srpv_fault(OPENSSL_ROW "\n"), 2);
    assert_int_equal(srpv_fault("# x\nV\t" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\t2048\n"), 2);
    assert_int_equal(srpv_fault("V\ta\tb\tc\td\te\tf\n"), 1);
    assert_int_equal(srpv_fault("hello\n"), 1);
}

static void why_has(const char *text, const char *words)
{
    struct kp_foreign f = srpv(text);
    assert_int_equal(f.count, 1);
    assert_non_null(f.users[0].why);
    assert_non_null(strstr(f.users[0].why, words));
    assert_null(f.users[0].user.v);
    kp_foreign_clear(&f);
}

static void test_srpv_users_refused(void **state)
{
    (void)state;
    why_has("V\t" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\tnone\t\n", "group");
    why_has("V\t" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\t1024\t\n", "group");
    why_has("V\t" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\t1536\t\n", "group");
    /* The group's row comes after the row that uses it. */
    why_has("V\t" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\tmine\t\nI\t" GROUP_2048 "\t2\tmine\t\t\n",
            "group");
    /* N is ours, g isn't; then the other way round. */
    why_has("I\t" GROUP_2048 "\t3\tmine\t\t\nV\t" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\tmine\t\n",
            "group");
    why_has("I\t" OPENSSL_V "\t2\tmine\t\t\nV\t" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\tmine\t\n",
            "group");
    why_has("V\t0\t" OPENSSL_SALT "\tadmin\t2048\t\n", "range");
    why_has("V\t" GROUP_2048 "\t" OPENSSL_SALT "\tadmin\t2048\t\n", "range");
    why_has("V\t" OPENSSL_V "0000\t" OPENSSL_SALT "\tadmin\t2048\t\n", "too long");
    why_has("V\t!" OPENSSL_V "\t" OPENSSL_SALT "\tadmin\t2048\t\n", "base 64");
    why_has("V\t" OPENSSL_V "\t0000\tadmin\t2048\t\n", "no salt");
    why_has("V\t" OPENSSL_V "\t!\tadmin\t2048\t\n", "salt");
    why_has("V\t" OPENSSL_V "\t" OPENSSL_SALT "\ta\\\tb\t2048\t\n", "name");
    why_has("V\t" OPENSSL_V "\t" OPENSSL_SALT "\t\xff\t2048\t\n", "name");
}

static void test_srpv_last_row_wins(void **state)
{
    (void)state;
    struct kp_foreign f = srpv("V\t" GNUTLS_V "\t" GNUTLS_SALT "\tadmin\t2048\t\n"
                               "V\t" GNUTLS_V "\t" GNUTLS_SALT "\tother\t2048\t\n" OPENSSL_ROW);
    assert_int_equal(f.count, 2);
    user_is(kp_foreign_find(&f, "admin", 5), "admin", 2048, OPENSSL_SALT_HEX, OPENSSL_V_HEX);
    user_is(kp_foreign_find(&f, "other", 5), "other", 2048, GNUTLS_SALT_HEX, GNUTLS_V_HEX);
    assert_null(kp_foreign_find(&f, "admi", 4));
    kp_foreign_clear(&f);
}

/* A verifier shorter than N: OpenSSL writes it minimal, GnuTLS drops leading digits as well. */
static void test_short_verifier(void **state)
{
    (void)state;
    static const char *const vs[] = {"5", "05", "0000000005"};
    char row[64];
    char expected[513];
    memset(expected, '0', 511);
    (void)strcpy(expected + 511, "5");
    for (size_t i = 0; i < sizeof vs / sizeof *vs; i++) {
        (void)snprintf(row, sizeof row, "V\t%s\t10\tu\t2048\t\n", vs[i]);
        struct kp_foreign f = srpv(row);
        user_is(&f.users[0], "u", 2048, "40", expected);
        kp_foreign_clear(&f);
    }
}

static void test_srpv_write(void **state)
{
    (void)state;
    const struct kp_roster_user *bad;
    struct kp_text text;
    struct kp_foreign f = srpv(OPENSSL_ROW);
    assert_int_equal(kp_foreign_srpv_write(&text, &f.users[0].user, 1, &bad), 0);
    assert_string_equal(text.data, OPENSSL_ROW);
    kp_text_clear(&text);
    /* A backslash at the end would swallow the tab. */
    kp_text_clear(&f.users[0].user.name);
    assert_int_equal(kp_text_copy(&f.users[0].user.name, "a\\", 2), 0);
    assert_int_equal(kp_foreign_srpv_write(&text, &f.users[0].user, 1, &bad), KP_E_NAME);
    assert_ptr_equal(bad, &f.users[0].user);
    kp_foreign_clear(&f);
    assert_int_equal(kp_foreign_srpv_write(&text, NULL, 0, &bad), 0);
    assert_string_equal(text.data, "");
    kp_text_clear(&text);
}

/* ---- tpasswd ------------------------------------------------------------------------------ */

static void test_tpasswd_sample(void **state)
{
    (void)state;
    static const char *const confs[] = {"3:" GROUP_2048 ":2\n", "# c\n\n3:" GROUP_2048 ":2", NULL};
    for (size_t i = 0; i < sizeof confs / sizeof *confs; i++) {
        struct kp_foreign f = tpasswd(GNUTLS_ROW, confs[i]);
        assert_int_equal(f.count, 1);
        user_is(&f.users[0], "admin", 2048, GNUTLS_SALT_HEX, GNUTLS_V_HEX);
        kp_foreign_clear(&f);
    }
}

static void test_tpasswd_tolerated(void **state)
{
    (void)state;
    struct kp_foreign f = tpasswd("# comment\r\n\r\n\nadmin:" GNUTLS_V ":" GNUTLS_SALT ":9\r\n"
                                  "a:b:" GNUTLS_V ":" GNUTLS_SALT ":9",
                                  "#\r\n9:" GROUP_2048 ":2\r\n");
    assert_int_equal(f.count, 2);
    user_is(&f.users[0], "admin", 2048, GNUTLS_SALT_HEX, GNUTLS_V_HEX);
    user_is(&f.users[1], "a:b", 2048, GNUTLS_SALT_HEX, GNUTLS_V_HEX);
    kp_foreign_clear(&f);
}

static void test_tpasswd_first_row_wins(void **state)
{
    (void)state;
    struct kp_foreign f = tpasswd(GNUTLS_ROW "admin:" OPENSSL_V ":" OPENSSL_SALT ":3\n", NULL);
    assert_int_equal(f.count, 1);
    user_is(&f.users[0], "admin", 2048, GNUTLS_SALT_HEX, GNUTLS_V_HEX);
    kp_foreign_clear(&f);
}

static void test_tpasswd_refused(void **state)
{
    (void)state;
    struct kp_foreign f;
    static const char conf[] = "3:" GROUP_2048 ":2\nzero\n";
    static const char *const bad[] = {"admin\n", "admin:x:y\n", ":\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(
            kp_foreign_tpasswd_read(&f, bad[i], strlen(bad[i]), NULL, 0, &fault, &in_conf),
            KP_E_SYNTAX);
        assert_false(in_conf);
        assert_int_equal(fault.line, 1);
    }
    assert_int_equal(kp_foreign_tpasswd_read(&f, GNUTLS_ROW, strlen(GNUTLS_ROW), conf,
                                             sizeof conf - 1, &fault, &in_conf),
                     KP_E_SYNTAX);
    assert_true(in_conf);
    assert_int_equal(fault.line, 2);
    /* Not in the conf; index 0; the 1536 bits of srptool's index 2. */
    static const char *const unusable[] = {":1\n", ":0\n", ":2\n", ":x\n", ":\n"};
    for (size_t i = 0; i < sizeof unusable / sizeof *unusable; i++) {
        char row[600];
        (void)snprintf(row, sizeof row, "u:" GNUTLS_V ":" GNUTLS_SALT "%s", unusable[i]);
        f = tpasswd(row, NULL);
        assert_int_equal(f.count, 1);
        assert_non_null(f.users[0].why);
        kp_foreign_clear(&f);
    }
}

static void test_tpasswd_write(void **state)
{
    (void)state;
    const struct kp_roster_user *bad;
    struct kp_text text;
    struct kp_text conf;
    struct kp_foreign f = tpasswd(GNUTLS_ROW, NULL);
    struct kp_foreign back;
    assert_int_equal(kp_foreign_tpasswd_write(&text, &f.users[0].user, 1, &bad), 0);
    assert_int_equal(kp_foreign_tpasswd_conf(&conf), 0);
    assert_non_null(strstr(conf.data, "3:" GROUP_2048 ":2\n"));
    assert_non_null(strstr(conf.data, ":J\n"));
    back = tpasswd(text.data, conf.data);
    assert_int_equal(back.count, 1);
    user_is(&back.users[0], "admin", 2048, GNUTLS_SALT_HEX, GNUTLS_V_HEX);
    kp_foreign_clear(&back);
    kp_text_clear(&text);
    kp_text_clear(&conf);
    kp_text_clear(&f.users[0].user.name);
    assert_int_equal(kp_text_copy(&f.users[0].user.name, "#a", 2), 0);
    assert_int_equal(kp_foreign_tpasswd_write(&text, &f.users[0].user, 1, &bad), KP_E_NAME);
    kp_foreign_clear(&f);
}

/* ---- The samples' password ------------------------------------------------------------------ */

static void test_samples_fit_their_password(void **state)
{
    (void)state;
    struct kp_crypto *crypto;
    struct kp_roster roster;
    struct kp_text name;
    struct kp_text password;
    struct kp_foreign f = srpv(OPENSSL_ROW);
    bool right = false;
    assert_int_equal(kp_crypto_new(&crypto, NULL, NULL), 0);
    assert_int_equal(kp_roster_init(&roster, crypto, "id", 2, 2048, 20), 0);
    assert_false(kp_roster_differs(&roster, &f.users[0].user));
    assert_int_equal(kp_roster_add(&roster, &f.users[0].user), 0);
    assert_int_equal(kp_text_name(&name, "admin", 5, true), 0);
    assert_int_equal(kp_text_password(&password, "kestrel-4711", 12), 0);
    assert_int_equal(kp_roster_check(&roster, crypto, &name, &password, &right), 0);
    assert_true(right);
    password.data[0] = 'K';
    assert_int_equal(kp_roster_check(&roster, crypto, &name, &password, &right), 0);
    assert_false(right);
    kp_text_clear(&password);
    kp_text_clear(&name);
    kp_roster_clear(&roster);
    kp_foreign_clear(&f);
    kp_crypto_free(crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_read),
        cmocka_unit_test(test_base64_round_trip),
        cmocka_unit_test(test_srpv_sample),
        cmocka_unit_test(test_srpv_tolerated),
        cmocka_unit_test(test_srpv_whole_file_refused),
        cmocka_unit_test(test_srpv_users_refused),
        cmocka_unit_test(test_srpv_last_row_wins),
        cmocka_unit_test(test_short_verifier),
        cmocka_unit_test(test_srpv_write),
        cmocka_unit_test(test_tpasswd_sample),
        cmocka_unit_test(test_tpasswd_tolerated),
        cmocka_unit_test(test_tpasswd_first_row_wins),
        cmocka_unit_test(test_tpasswd_refused),
        cmocka_unit_test(test_tpasswd_write),
        cmocka_unit_test(test_samples_fit_their_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
