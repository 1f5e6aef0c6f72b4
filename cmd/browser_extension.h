/*
 * Whether a browser has the extension, as far as its files tell: best effort, for people.
 */
#ifndef KP_CMD_BROWSER_EXTENSION_H
#define KP_CMD_BROWSER_EXTENSION_H

#include "browser_places.h"

/* Where a sign of it was found: a folder or a profile's file. */
bool kp_browser_extension(const struct kp_browser *browser, const struct kp_browser_person *person,
                          char where[static PATH_MAX]);

#endif
