/*
 * The person's own loopback port: picked once, kept in the state folder, so that links to devices
 * can be bookmarked.
 */
#ifndef KP_CLIENT_OWN_PORT_H
#define KP_CLIENT_OWN_PORT_H

/* 0: none was picked yet, or what is kept can't be read. */
unsigned kp_own_port_read(void);
/* Best effort: without it another port is picked next time. */
void kp_own_port_write(unsigned port);

#endif
