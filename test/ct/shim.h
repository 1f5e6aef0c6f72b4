/*
 * Secrets that valgrind's memcheck can follow: they are marked uninitialised, and it reports every
 * branch and every address that depends on one.
 *
 * The crypto library is not judged.  The program is linked with --wrap for the provider's
 * functions: each gets copies of its inputs without the marks, and what it gives is marked again,
 * by what it is.  What the protocol makes public is said here too, in shim.c and public.c, and
 * nowhere else.
 */
#ifndef TEST_CT_SHIM_H
#define TEST_CT_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void ct_secret(void *data, size_t len);
void ct_public(const void *data, size_t len);
/* Whether some bit of it is secret. */
bool ct_is_secret(const void *data, size_t len);

/* While it is on nothing is marked: for making what a case begins with. */
void ct_aside(bool on);
bool ct_is_aside(void);

/* How often a secret that was marked came where it had to: a case that lost its marks on the way
 * must not pass. */
enum ct_seen {
    CT_PASSWORDS, /* hashed or stretched */
    CT_EXPONENTS, /* of modular exponentiations */
    CT_SCALARS,   /* of multiplications of points */
    CT_KEYS,      /* of MACs and ciphers */
    CT_COMPARED,  /* by kp_equal_secret */
    CT_SEALED,    /* plaintext of records */
    CT_CHOSEN,    /* users, by kp_store_lookup */
    CT_SEEN,
};
extern unsigned ct_seen[CT_SEEN];
void ct_saw(enum ct_seen what, const void *data, size_t len);

/* Copies without marks, all given back by ct_drop. */
unsigned ct_copies(void);
const uint8_t *ct_copy(const void *data, size_t len);
void ct_drop(unsigned to);

/* A control: kp_equal_secret is memcmp. */
extern bool ct_compare_by_memcmp;

/* name in its own words and in the linker's. */
#define CT_WRAP(type, name, ...)                                                                   \
    type __real_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

#endif
