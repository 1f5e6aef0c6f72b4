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
    c->list = list;
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
        c->list->end = c->at;
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
}

void kp_client_move(struct kp_client *c, struct kp_clients *to)
{
    take_out(c);
    put_in(c, to);
}

void kp_client_leave(struct kp_client *c)
{
    take_out(c);
    atomic_fetch_sub(&c->worker->shop->connections, 1);
    kp_worker_look_around(c->worker);
}
