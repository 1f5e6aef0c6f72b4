/* A worker's connections: see client.h. */
#include "client.h"

#include "worker.h"

void kp_clients_init(struct kp_clients *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void put_in(struct kp_client *c, struct kp_clients *list)
{
    c->newcomer = list == &c->worker->newcomers;
    c->next = NULL;
    c->at = list->end;
    *c->at = c;
    list->end = &c->next;
}

static void take_out(struct kp_client *c)
{
    *c->at = c->next;
    if (c->next != NULL)
        c->next->at = c->at;
    else
        (c->newcomer ? &c->worker->newcomers : &c->worker->others)->end = c->at;
}

void kp_client_enter(struct kp_client *c, const struct kp_client_kind *kind,
                     struct kp_worker *worker, const union kp_inet *from)
{
    atomic_fetch_add(&worker->shop->connections, 1);
    c->kind = kind;
    c->worker = worker;
    c->from = *from;
    c->born = uv_now(&worker->loop.uv);
    put_in(c, &worker->newcomers);
    /* Without memory for it, it isn't counted. */
    (void)kp_sources_enter(&worker->shop->sources, &c->member, worker->number, from,
                           (enum kp_crowd)kind->crowd);
}

void kp_client_move(struct kp_client *c, struct kp_clients *to)
{
    take_out(c);
    put_in(c, to);
}

void kp_client_proved(struct kp_client *c, const char *user, size_t user_len)
{
    kp_client_move(c, &c->worker->others);
    kp_sources_move(&c->worker->shop->sources, &c->member, c->worker->number, KP_CROWD_PROVED, user,
                    user_len);
}

void kp_client_failed(struct kp_client *c)
{
    if (c->newcomer)
        kp_sources_move(&c->worker->shop->sources, &c->member, c->worker->number, KP_CROWD_WAITING,
                        NULL, 0);
}

void kp_client_discount(struct kp_client *c)
{
    kp_client_move(c, &c->worker->others);
    kp_sources_leave(&c->worker->shop->sources, &c->member, c->worker->number);
}

void kp_client_leave(struct kp_client *c)
{
    take_out(c);
    kp_sources_leave(&c->worker->shop->sources, &c->member, c->worker->number);
    atomic_fetch_sub(&c->worker->shop->connections, 1);
    kp_worker_look_around(c->worker);
}
