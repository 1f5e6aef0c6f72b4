/*
 * Who logged in to which device: one that a client wanted for as long as it lives is logged out
 * when that client goes, unless another one wants it too.  A table for the whole process, as a
 * login outlives the client that made it.
 */
#include "desk_inside.h"

#include <stdlib.h>

struct hold {
    struct hold *next;
    const struct kp_hub *hub;
    const struct kp_desk *desk; /* NULL: it lasts */
    char name[KP_SAVED_NAME_LEN];
};

static struct hold *holds; /* on the loop's thread */

static bool is_held(const struct kp_hub *hub, const char *name)
{
    for (const struct hold *h = holds; h != NULL; h = h->next)
        if (h->hub == hub && strcmp(h->name, name) == 0)
            return true;
    return false;
}

static bool is_there(const struct kp_hub *hub, const struct kp_desk *desk, const char *name)
{
    for (const struct hold *h = holds; h != NULL; h = h->next)
        if (h->hub == hub && h->desk == desk && strcmp(h->name, name) == 0)
            return true;
    return false;
}

static void drop(struct hold **at)
{
    struct hold *gone = *at;
    *at = gone->next;
    free(gone);
}

void kp_desk_hold(struct kp_desk *desk, const char *name)
{
    const struct kp_desk *keeper = desk->lasting ? NULL : desk;
    struct hold *hold;
    if (strlen(name) >= sizeof hold->name || is_there(desk->hub, keeper, name))
        return;
    hold = malloc(sizeof *hold);
    if (hold == NULL)
        return; /* it lasts: nobody is logged out by mistake */
    *hold = (struct hold){.next = holds, .hub = desk->hub, .desk = keeper};
    memcpy(hold->name, name, strlen(name) + 1);
    holds = hold;
}

static bool is_out(struct kp_hub *hub, const char *name)
{
    struct kp_site_facts facts;
    return !kp_hub_facts(hub, name, &facts) || facts.state == KP_SITE_OUT;
}

void kp_desk_hold_sweep(struct kp_hub *hub)
{
    struct hold **at = &holds;
    while (*at != NULL) {
        if ((*at)->hub == hub && is_out(hub, (*at)->name))
            drop(at);
        else
            at = &(*at)->next;
    }
}

static struct hold **first_of(const struct kp_desk *desk)
{
    struct hold **at = &holds;
    while (*at != NULL && (*at)->desk != desk)
        at = &(*at)->next;
    return at;
}

void kp_desk_hold_end(struct kp_desk *desk)
{
    struct hold **at;
    while (*(at = first_of(desk)) != NULL) {
        char name[KP_SAVED_NAME_LEN];
        memcpy(name, (*at)->name, sizeof name);
        drop(at);
        if (!is_held(desk->hub, name))
            (void)kp_hub_logout(desk->hub, name);
    }
}
