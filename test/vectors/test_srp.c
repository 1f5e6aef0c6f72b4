/*
 * Proves: our SRP arithmetic, in each group, for ordinary, short and largest numbers, is what
 * srp_model.py computes with Python's integers.
 *
 *      test_srp srp_model.txt
 */
#include "cm.h"

#include "hex.h"
#include "pake/srp.h"
#include "seeded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *path;
static struct kp_crypto *crypto;

/* ---- The file ------------------------------------------------------------------------------ */

enum { N, NAME, PASSWORD, SALT, A, B, INNER, K, V, BIG_A, BIG_B, U, S, FIELDS };

static const char *const names[FIELDS] = {"n", "name", "password", "salt",  "a", "b", "inner",
                                          "k", "v",    "big_a",    "big_b", "u", "s"};

struct model {
    char label[80];
    unsigned bits;
    unsigned g;
    uint8_t data[FIELDS][KP_SRP_MAX_LEN];
    size_t len[FIELDS];
};

static void take_line(struct model *m, const char *key, const char *value)
{
    if (strcmp(key, "case") == 0)
        snprintf(m->label, sizeof(m->label), "%s", value);
    if (strcmp(key, "bits") == 0)
        m->bits = (unsigned)strtoul(value, NULL, 10);
    if (strcmp(key, "g") == 0)
        m->g = (unsigned)strtoul(value, NULL, 10);
    for (int i = 0; i < FIELDS; i++) {
        if (strcmp(key, names[i]) == 0)
            m->len[i] = hex(value, m->data[i], sizeof(m->data[i]));
    }
}

static bool next_model(FILE *in, struct model *m)
{
    static char line[4096];

    memset(m, 0, sizeof(*m));
    while (fgets(line, sizeof(line), in) != NULL) {
        line[strcspn(line, "\n")] = 0;
        char *value = strchr(line, ' ');
        if (strcmp(line, "end") == 0)
            return true;
        if (value != NULL && line[0] != '#') {
            *value++ = 0;
            take_line(m, line, value);
        }
    }
    return false;
}

/* ---- What we compute ------------------------------------------------------------------------ */

static struct kp_span field(const struct model *m, int i)
{
    return (struct kp_span){m->data[i], m->len[i]};
}

static void assert_field(const struct model *m, int i, const uint8_t *got, size_t len)
{
    if (m->len[i] != len || memcmp(m->data[i], got, len) != 0)
        fail_msg("%s: %s differs", m->label, names[i]);
}

static void check_server(const struct model *m, const struct kp_srp_group *group, bool table)
{
    struct kp_srp_verifier *verifier;
    uint8_t out[KP_SRP_MAX_LEN];
    uint8_t share[KP_SRP_MAX_LEN];
    size_t len = m->bits / 8;

    assert_int_equal(kp_srp_verifier_new(&verifier, group, m->data[V], len, table), 0);
    assert_ptr_equal(kp_srp_verifier_group(verifier), group);
    assert_field(m, V, kp_srp_verifier_value(verifier), len);
    assert_int_equal(kp_srp_server_share(verifier, m->data[B], share), 0);
    assert_field(m, BIG_B, share, len);
    assert_int_equal(kp_srp_server_secret(verifier, crypto, m->data[B], m->data[BIG_A], share, out),
                     0);
    assert_field(m, S, out, len);
    kp_srp_verifier_free(verifier);
}

static void check_client(const struct model *m, const struct kp_srp_group *group)
{
    uint8_t inner[KP_SRP_INNER_LEN];
    uint8_t out[KP_SRP_MAX_LEN];
    size_t len = m->bits / 8;

    assert_int_equal(kp_srp_inner(crypto, field(m, NAME), field(m, PASSWORD), inner), 0);
    assert_field(m, INNER, inner, sizeof(inner));
    assert_int_equal(kp_srp_make_verifier(group, crypto, field(m, SALT), inner, out), 0);
    assert_field(m, V, out, len);
    assert_int_equal(kp_srp_client_share(group, m->data[A], out), 0);
    assert_field(m, BIG_A, out, len);
    assert_int_equal(kp_srp_client_secret(group, crypto, m->data[A], inner, field(m, SALT),
                                          m->data[BIG_A], m->data[BIG_B], out),
                     0);
    assert_field(m, S, out, len);
}

static void check(const struct model *m)
{
    const struct kp_srp_group_id *id = kp_srp_group_by_bits(m->bits);
    struct kp_srp_group *group;

    assert_non_null(id);
    assert_field(m, N, id->n, id->bits / 8);
    assert_int_equal(id->g, m->g);
    for (int server = 0; server < 2; server++) {
        assert_int_equal(kp_srp_group_new(&group, crypto, id, server != 0), 0);
        assert_ptr_equal(kp_srp_group_identity(group), id);
        assert_int_equal(kp_srp_len(group), id->bits / 8);
        check_client(m, group);
        if (server) {
            check_server(m, group, true);
            check_server(m, group, false);
        }
        kp_srp_group_free(group);
    }
}

static void test_models(void **state)
{
    static struct model m;
    FILE *in = fopen(path, "r");
    unsigned count = 0;

    (void)state;
    assert_non_null(in);
    while (next_model(in, &m)) {
        check(&m);
        count++;
    }
    fclose(in);
    assert_int_equal(count, 5 * 4 + 1);
}

/* A verifier out of 1..N-1, and how fakes look. */
static void test_verifiers(void **state)
{
    const struct kp_srp_group_id *id = kp_srp_group_by_bits(2048);
    struct kp_srp_verifier *verifier;
    struct kp_srp_group *group;
    uint8_t v[256] = {0};
    uint8_t other[256];

    (void)state;
    assert_int_equal(kp_srp_group_new(&group, crypto, id, true), 0);
    assert_int_equal(kp_srp_verifier_new(&verifier, group, v, sizeof(v), true), KP_E_SHARE);
    assert_null(verifier);
    assert_int_equal(kp_srp_verifier_new(&verifier, group, id->n, 256, true), KP_E_SHARE);
    assert_int_equal(kp_srp_verifier_new(&verifier, group, v, 0, true), KP_E_SHARE);
    assert_int_equal(kp_srp_fake_verifier(group, crypto, v), 0);
    assert_int_equal(kp_srp_fake_verifier(group, crypto, other), 0);
    assert_memory_not_equal(v, other, sizeof(v));
    assert_int_equal(kp_srp_verifier_new(&verifier, group, v, sizeof(v), true), 0);
    kp_srp_verifier_free(verifier);
    kp_srp_verifier_free(NULL);
    kp_srp_group_free(group);
    kp_srp_group_free(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models),
        cmocka_unit_test(test_verifiers),
    };

    if (argc != 2 || kp_crypto_new(&crypto, NULL, NULL) != 0) {
        fprintf(stderr, "usage: test_srp srp_model.txt\n");
        return 2;
    }
    path = argv[1];
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kp_crypto_free(crypto);
    return failed;
}
