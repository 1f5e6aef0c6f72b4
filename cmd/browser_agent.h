/*
 * Whether the agent answers: it is started as a browser starts it, and greeted (doc/agent.md).
 */
#ifndef KP_CMD_BROWSER_AGENT_H
#define KP_CMD_BROWSER_AGENT_H

#include <keyplate/keyplate.h>

#define KP_AGENT_ANSWER_S 5 /* in which it has to answer */

struct kp_agent_answer {
    bool answers;
    char version[64]; /* of its answer; "": it didn't say */
    char why[200];    /* it doesn't answer */
};

/* Runs the program (under sudo: as who typed it) with an empty session, and ends it again. */
void kp_agent_ask(struct kp_agent_answer *out, const char *program);

#endif
