/*
 * When there is no room: who gives way to whom, and what the log says of it.
 *
 * Whoever has proved nothing gives way first, and of those the oldest of the source that has most:
 * a flood from one address pushes out its own.  When all are proved, one that rests between two
 * requests does: the longest at rest of the user who has most from one source.  A tunnel, whose
 * bytes mean nothing here, rests after five minutes without one; or after a second, when its user
 * has more than half of all places from one source.  A request in progress is never cut.
 *
 * Each worker can end its own connections only; numbers are of all of them.
 */
#ifndef KP_DEVICE_ROOM_H
#define KP_DEVICE_ROOM_H

#include "worker.h"

#define KP_TUNNEL_RESTS_MS (5 * 60 * 1000)
#define KP_TUNNEL_RESTS_SOON_MS 1000

/* Counts it, and says so in the log once in ten seconds, with the count of all times.  Those who
 * give way have no line of their own but at KP_LOG_DEBUG. */
void kp_room_lacks(struct kp_worker *worker, enum kp_lack what);
/* From time to time, on the main thread: says what was counted since its last line. */
void kp_room_catch_up(struct kp_workshop *shop);

/* Whether there are --max-connections. */
bool kp_room_is_full(const struct kp_worker *worker);
/* Whether somebody here could give way, or is going to elsewhere. */
bool kp_room_can_be_made(struct kp_worker *worker);
/* For a new connection: as kp_room_make; but nobody who is proved gives way here while others who
 * aren't are at other workers.  Then there is one more for a while, and no more than one a worker.
 */
void kp_room_for_one(struct kp_worker *worker, enum kp_lack what);
/* One gives way, because of that lack.  Whether there was one. */
bool kp_room_make(struct kp_worker *worker, enum kp_lack what);
/* Before a connection from there: its source's oldest that has proved nothing gives way when it has
 * --max-per-source of them.  When none of them is here there is one more: no more than one a
 * worker.
 */
void kp_room_of_source(struct kp_worker *worker, const union kp_inet *from);
/* Before a handshake: the oldest of the source with most gives way when there are --max-handshakes.
 * When none of them is here there is one more: no more than one a worker. */
void kp_room_of_handshakes(struct kp_worker *worker);

#endif
