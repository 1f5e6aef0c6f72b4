#ifndef DEMO_ROUTES_H
#define DEMO_ROUTES_H

#include "server.h"

/* All pages of the device. */
extern const struct demo_app demo_routes_app;

#endif
