/*
 * Addresses as people type them: ADDR:PORT, [IPv6]:PORT, unix:PATH.  Knows no socket.
 */
#ifndef KP_NET_ADDRESS_H
#define KP_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define KP_HOST_LEN 256         /* of a host name and its NUL: RFC 1035 2.3.4 */
#define KP_ADDRESS_TEXT_LEN 128 /* of any address as text and its NUL */
#define KP_HOST_TEXT_LEN (KP_HOST_LEN + 8)

/* An internet address: what a client has.  Small: there is one in every connection. */
union kp_inet {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Any address that can be connected to or listened on. */
struct kp_address {
    struct sockaddr_storage where;
    socklen_t len;
};

/* HOST or HOST:PORT or [IPv6]:PORT, a bare IPv6 address too, cut in two. */
struct kp_host {
    char name[KP_HOST_LEN]; /* without brackets */
    char port[6];           /* decimal */
};

/* 0, or -1 with *why: one plain clause.  default_port NULL: a port is required. */
int kp_host_split(struct kp_host *out, const char *text, size_t len, const char *default_port,
                  const char **why);
/* The same of a URL's authority: a zone is written %25eth0 there (RFC 6874 2); %eth0, as people
 * copy it, is taken too. */
int kp_host_split_url(struct kp_host *out, const char *text, size_t len, const char *default_port,
                      const char **why);
/* Port 0: fine to listen on, nothing to connect to. */
bool kp_host_has_no_port(const struct kp_host *host);
/* Whether the name is a numeric address (which has no name to send in server_name). */
bool kp_host_is_numeric(const struct kp_host *host);
/* Whether both mean one place, by their spelling: nothing is looked up. */
bool kp_host_is_same(const struct kp_host *a, const struct kp_host *b);
/* Writes heating.local:443 or [::1]:443 into text, without the port if it is usual (NULL: always
 * with it): what kp_host_split takes.  Returns text. */
const char *kp_host_text(const struct kp_host *host, const char *usual,
                         char text[KP_HOST_TEXT_LEN]);

/* A numeric ADDR:PORT or [IPv6]:PORT. */
int kp_address_parse(struct kp_address *out, const char *text, const char **why);
/* unix:PATH, ADDR:PORT or NAME:PORT; a name is resolved once, here, and may block. */
int kp_address_find(struct kp_address *out, const char *text, const char **why);

bool kp_address_is_loopback(const struct kp_address *address);
/* Whether who connects to that address arrives at a socket that is bound to the other. */
bool kp_address_reaches(const struct kp_address *address, const struct kp_address *bound);
bool kp_address_is_unix(const struct kp_address *address);

/* Writes 127.0.0.1:80, [::1]:80 or unix:/run/x into text; returns text. */
const char *kp_address_text(const struct kp_address *address, char text[KP_ADDRESS_TEXT_LEN]);
/* The address without its port and brackets: 192.168.1.1, fe80::1. */
const char *kp_inet_name(const union kp_inet *inet, char text[KP_ADDRESS_TEXT_LEN]);
/* As an IPv6 address: an IPv4 one is ::ffff:a.b.c.d (RFC 4291 2.5.5.2); zeros for anything else. */
void kp_inet_six(const union kp_inet *inet, uint8_t out[16]);
/* Of TCP; 0: it has none. */
unsigned kp_inet_port(const union kp_inet *inet);
unsigned kp_address_port(const struct kp_address *address);
const char *kp_inet_text(const union kp_inet *inet, char text[KP_ADDRESS_TEXT_LEN]);

#endif
