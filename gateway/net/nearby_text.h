/*
 * What DNS-SD says of a device, as bytes: what a stranger's is worth, and how ours is written.
 * Knows no Avahi.
 */
#ifndef KP_NET_NEARBY_TEXT_H
#define KP_NET_NEARBY_TEXT_H

#include "nearby.h"

/* All of a near device but its address; the name first. */

/* False: it isn't UTF-8, or too long, or has control characters: the device is not to be shown. */
bool kp_near_take_name(struct kp_near *near, const char *name);
/* What isn't a host's name is left out. */
void kp_near_take_host_name(struct kp_near *near, const char *name);
/* Before the first item of a TXT record. */
void kp_near_begin_text(struct kp_near *near);
/* One item, KEY=VALUE; of a key that comes twice the first good one counts (RFC 6763 6.4).  What is
 * wrong is left out. */
void kp_near_take_text(struct kp_near *near, const char *item, size_t len);

/* Writes near->host.  interface: where it was heard.  How good the address is: 0 is none at all,
 * of two the greater is to be tried. */
int kp_near_take_v4(struct kp_near *near, const uint8_t address[4], unsigned port);
int kp_near_take_v6(struct kp_near *near, const uint8_t address[16], unsigned interface,
                    unsigned port);

/* "Keyplate ID", as much of it as there is room for. */
void kp_near_write_name(char out[KP_NEARBY_NAME_LEN], const char *id);
/* "1.2,1.3" */
const char *kp_near_versions_text(unsigned versions);

#endif
