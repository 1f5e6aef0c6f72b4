/*
 * Sockets: the calls that differ between systems, and nothing above them.  All sockets are
 * non-blocking and closed on exec.  Errors are negative uv errors (UV_EAGAIN, ...).
 */
#ifndef KP_NET_SOCK_H
#define KP_NET_SOCK_H

#include "address.h"

#include <stdint.h>
#include <sys/types.h>

/* A listening socket, or an error. */
int kp_sock_listen(const struct kp_address *address);
/* The next connection's socket, tuned as below, or an error. */
int kp_sock_accept(int listener, union kp_inet *peer);
/* A socket that is connecting (*done: it has already), or an error. */
int kp_sock_connect(const struct kp_address *address, bool *done);
/* How a connect ended, or what broke a socket: 0 or an error. */
int kp_sock_error(int fd);
/* Whether something takes connections at address: waits up to ms.  0 or an error. */
int kp_sock_probe(const struct kp_address *address, int ms);
/* The local end of a connection; its family is AF_UNSPEC if it isn't an internet address. */
void kp_sock_local(int fd, union kp_inet *out);
int kp_sock_bound(int fd, struct kp_address *out);

/* Bytes moved; 0 of recv: the end; or an error. */
ssize_t kp_sock_recv(int fd, uint8_t *data, size_t len);
ssize_t kp_sock_send(int fd, const uint8_t *data, size_t len);
/* A listening socket takes no more connections, for nobody who shares it: clients are refused. */
void kp_sock_refuse(int listener);
/* Sends FIN: no more of our bytes. */
void kp_sock_end(int fd);
/* Closes with a reset instead of FIN: what was sent is not the whole. */
void kp_sock_abort(int fd);
void kp_sock_close(int fd);

#endif
