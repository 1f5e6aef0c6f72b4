/* Where the owner's socket is. */
#ifndef KP_CLIENT_HANDOVER_PLACE_H
#define KP_CLIENT_HANDOVER_PLACE_H

#include <sys/un.h>

#define KP_PLACE_LEN sizeof(((struct sockaddr_un *)0)->sun_path)

/* 0, or UV_ENAMETOOLONG: libuv would cut the name. */
int kp_place_path(const char *folder, char path[KP_PLACE_LEN]);

#endif
