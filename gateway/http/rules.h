/*
 * What a head has to be, beyond what llhttp and the lines make sure of, and what follows from it.
 */
#ifndef KP_HTTP_RULES_H
#define KP_HTTP_RULES_H

#include "head_build.h"
#include "parser.h"

/* The start line as it came, before llhttp, whose versions differ over what is wrong in one.  Not
 * KP_HTTP_FINE: *why is one plain clause, static. */
enum kp_http_problem kp_http_rules_start(const struct kp_http_built *built, const char **why);
/* The head with its start line's parts and its fields, for its other members, which are filled in.
 * bodiless: a response to HEAD.  The text's start line may be changed for the target's sake. */
enum kp_http_problem kp_http_rules_head(struct kp_http_built *built, bool bodiless,
                                        const char **why);

#endif
