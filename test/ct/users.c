/*
 * Comparisons, and users looked up.
 */
#include "cases.h"

#include "base/secret.h"
#include "creds/roster.h"
#include "creds/store.h"

#include <string.h>

void compare(void)
{
    uint8_t a[64], b[64];

    for (size_t at = 0; at <= sizeof(a); at++) {
        memset(a, 0x5a, sizeof(a));
        memcpy(b, a, sizeof(b));
        if (at < sizeof(a))
            b[at] ^= 0x80;
        ct_secret(a, sizeof(a));
        must(kp_equal_secret(a, b, sizeof(a)) == (at == sizeof(a)));
    }
    saw(CT_COMPARED, sizeof(a) + 1);
}

/* Numbers with leading zeros, without them. */
void strip(void)
{
    for (size_t zeros = 0; zeros < 40; zeros += 3) {
        uint8_t number[48] = {0};
        memset(number + zeros, 0x11, sizeof(number) - zeros);
        ct_secret(number, sizeof(number));
        size_t len = kp_strip_secret(number, sizeof(number));
        must(len == sizeof(number) - zeros);
        must(ct_is_secret(number, 1));
        ct_public(number, sizeof(number));
        must(number[0] == 0x11 && number[len - 1] == 0x11);
    }
}

static void add_user(struct kp_roster *roster, const struct kp_crypto *crypto, const char *name,
                     unsigned versions)
{
    const struct kp_text who = {(char *)(uintptr_t)name, strlen(name)};
    const struct kp_text password = {(char *)(uintptr_t) "kestrel-4711", 12};
    struct kp_roster_user user;

    must(kp_roster_user_make(&user, roster, crypto, &who, &password, versions) == 0);
    must(kp_roster_add(roster, &user) == 0);
}

/* Users of either version alone, and of both. */
static struct kp_store *make_store(void)
{
    static const char device[] = "device.example";
    struct kp_text text = {NULL, 0};
    struct kp_store_fault fault;
    struct kp_crypto *crypto;
    struct kp_roster roster;
    struct kp_store *store;

    must(kp_crypto_new(&crypto, NULL, NULL) == 0);
    must(kp_roster_init(&roster, crypto, device, strlen(device), 2048, 16) == 0);
    add_user(&roster, crypto, "first", KP_USE_TLS12 | KP_USE_TLS13);
    add_user(&roster, crypto, "second", KP_USE_TLS12);
    add_user(&roster, crypto, "third", KP_USE_TLS13);
    add_user(&roster, crypto, "last", KP_USE_TLS12 | KP_USE_TLS13);
    must(kp_roster_format(&roster, crypto, &text) == 0);
    must(kp_store_parse(&store, text.data, text.len, &fault) == 0);
    kp_text_clear(&text);
    kp_roster_clear(&roster);
    kp_crypto_free(crypto);
    return store;
}

static void look_up(const char *name, bool srp, bool spake2plus)
{
    struct kp_credential found;

    ct_aside(true);
    struct kp_store *store = make_store();
    ct_aside(false);
    must(kp_store_lookup(store, name, strlen(name), &found) == 0);
    saw(CT_CHOSEN, 1);
    must(found.srp != NULL && found.spake2plus != NULL && found.salt_len == 16);
    must(ct_is_secret(&found.srp_simulated, 1) && ct_is_secret(found.binding, 32));
    ct_public(&found, sizeof(found));
    must(found.srp_simulated == !srp && found.spake2plus_simulated == !spake2plus);
    kp_store_free(store);
}

void store_first(void)
{
    look_up("first", true, true);
}

void store_second(void)
{
    look_up("second", true, false);
}

void store_last(void)
{
    look_up("last", true, true);
}

void store_unknown(void)
{
    look_up("nobody", false, false);
}
