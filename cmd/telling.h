/*
 * A teller (client/tell.h) that prints on stderr, as every command does, in the person's language.
 */
#ifndef KP_CMD_TELLING_H
#define KP_CMD_TELLING_H

#include "client/tell.h"

struct kp_teller kp_telling(bool verbose);

#endif
