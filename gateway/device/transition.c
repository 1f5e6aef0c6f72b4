/* What becomes of a connection: see transition.h. */
#include "transition.h"

static const struct {
    uint8_t plain;             /* on --http-listen */
    bool first_passes, passes; /* the first --listen, and those after it */
} modes[] = {
    [KP_STRICT] = {KP_WAY_EXPLAIN, false, false},
    [KP_SNIFF] = {KP_WAY_NOTICE, false, false},
    [KP_DUAL] = {KP_WAY_LEAD, false, true},
    [KP_SAME_PORT] = {KP_WAY_LEAD, true, true},
};

struct kp_door_rules kp_transition_rules(enum kp_transition mode, unsigned kind)
{
    struct kp_door_rules rules = {
        .tls = (kind & (KP_DOOR_TLS | KP_DOOR_OTHER)) != 0,
        .plain = (kind & KP_DOOR_PLAIN) ? modes[mode].plain : (uint8_t)KP_WAY_TELL,
    };
    rules.passes =
        rules.tls && ((kind & KP_DOOR_OTHER) ? modes[mode].passes : modes[mode].first_passes);
    return rules;
}

bool kp_transition_sorts(const struct kp_door_rules *rules)
{
    return rules->tls && (rules->passes || rules->plain != KP_WAY_TELL);
}
