#ifndef DEMO_SETTINGS_PAGE_H
#define DEMO_SETTINGS_PAGE_H

#include "conn.h"
#include "page.h"

/* Answers with the settings as they are, and these values for the form of the password. */
void demo_settings_page_with(struct demo_conn *conn, int status, const struct demo_var *password);

#endif
