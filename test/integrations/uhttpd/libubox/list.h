/* Of libubox's list.h what its other headers and their users need here. */
#ifndef UBOX_LIST_H
#define UBOX_LIST_H

#include <stddef.h>
#include <stdbool.h>

#ifndef container_of
#define container_of(at, type, member) ((type *)(void *)((char *)(at)-offsetof(type, member)))
#endif

struct list_head {
    struct list_head *next;
    struct list_head *prev;
};

#endif
