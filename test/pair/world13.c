/*
 * A world for TLS 1.3: see world13.h.
 */
#include "world13.h"

#include <string.h>

/* scrypt takes a tenth of a second: once for a password, not once for a world. */
struct stretched {
    const char *name;
    const char *password;
    const char *device;
    bool done;
    struct kp_spake2plus_secret secret;
};

static const struct kp_spake2plus_secret *stretch(struct world13 *w, const char *name,
                                                  const char *password, const char *device)
{
    static struct stretched known[8];

    for (size_t i = 0;; i++) {
        must(i < sizeof(known) / sizeof(known[0]));
        struct stretched *s = &known[i];
        if (!s->done) {
            const struct kp_spake2plus_names names = {
                .prover = {(const uint8_t *)name, strlen(name)},
                .verifier = {(const uint8_t *)device, strlen(device)}};
            *s = (struct stretched){name, password, device, true, {{0}, {0}}};
            must(kp_spake2plus_stretch(
                     w->world.crypto, (struct kp_span){(const uint8_t *)password, strlen(password)},
                     &names, &s->secret) == 0);
        }
        if (strcmp(s->name, name) == 0 && strcmp(s->password, password) == 0 &&
            strcmp(s->device, device) == 0)
            return &s->secret;
    }
}

static void give_device(struct world13 *w, struct kp_login *login, const char *name,
                        const char *password)
{
    login->spake2plus = *stretch(w, name, password, DEVICE);
    memcpy(login->device_id, DEVICE, strlen(DEVICE));
    login->device_id_len = strlen(DEVICE);
    login->has_device = true;
}

void world13_open(struct world13 *w, const struct kp_settings *client,
                  const struct kp_settings *server)
{
    struct kp_settings s = {0};
    uint8_t l[KP_POINT_LEN];

    memset(w, 0, sizeof(*w));
    if (server != NULL)
        s = *server;
    s.device_id = (const uint8_t *)DEVICE;
    s.device_id_len = strlen(DEVICE);
    world_open(&w->world, 2048, client, &s);
    const struct kp_spake2plus_secret *secret = stretch(w, ALICE, ALICE_PASSWORD, DEVICE);
    must(kp_spake2plus_make_l(w->world.crypto, secret->w1, l) == 0);
    must(kp_spake2plus_verifier_new(&w->alice, w->world.crypto, secret->w0, l) == 0);
    must(kp_spake2plus_verifier_fake(&w->nobody, w->world.crypto) == 0);
    w->world.credential.spake2plus = w->alice;
    w->world.credential.nobody = w->nobody;
    w->world.simulated.nobody = w->nobody;
    w->world.simulated.spake2plus = w->nobody;
    w->world.simulated.spake2plus_simulated = true;
    give_device(w, w->world.login, ALICE, ALICE_PASSWORD);
    give_device(w, w->world.wrong, ALICE, "not her password");
    give_device(w, w->world.unknown, "mallo", ALICE_PASSWORD);
}

void world13_close(struct world13 *w)
{
    kp_spake2plus_verifier_free(w->alice);
    kp_spake2plus_verifier_free(w->nobody);
    world_close(&w->world);
    memset(w, 0, sizeof(*w));
}

void pair13_open(struct pair *p, struct world13 *w, uint64_t now, uint64_t seed)
{
    pair_open(p, &w->world, now, seed);
}

void pair13_handshake(struct pair *p, struct world13 *w, uint64_t now, uint64_t seed)
{
    pair13_open(p, w, now, seed);
    pair_connect(p, w->world.login, NULL, NULL);
    pair_run(p);
}
