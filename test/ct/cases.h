/*
 * The cases of ct-cases, by their files.
 */
#ifndef TEST_CT_CASES_H
#define TEST_CT_CASES_H

#include "shim.h"

#include "world13.h"

/* Ends the program unless that kind of secret was seen so often. */
void saw(enum ct_seen what, unsigned least);

/* Handshakes, tickets, data: handshakes.c. */
void tls12_right(void);
void tls12_right_3072(void);
void tls12_wrong(void);
void tls12_unknown(void);
void tls12_ticket(void);
void tls12_ticket_changed(void);
void cbc_data(void);
void ietf_right(void);
void ietf_wrong(void);
void ietf_unknown(void);
void ietf_device(void);
void ietf_retry(void);
void tls12_guess_granted(void);
void tls12_guess_refused(void);
void ietf_guess_granted(void);
void ietf_guess_refused(void);
void ietf_ticket(void);
void ietf_ticket_changed(void);
void first_aead_data(void);
void second_aead_data(void);
void third_aead_data(void);
void boringssl_right(void);
void boringssl_wrong(void);
void boringssl_unknown(void);
void boringssl_device(void);

/* Comparisons, the look-up of users: users.c. */
void compare(void);
void strip(void);
void store_first(void);
void store_second(void);
void store_last(void);
void store_unknown(void);

/* Controls: each has a fault that must be seen: controls.c. */
void control_branch(void);
void control_index(void);
void control_memcmp(void);
void control_finished12(void);
void control_confirm13(void);
void control_strip(void);

#endif
