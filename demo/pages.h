#ifndef DEMO_PAGES_H
#define DEMO_PAGES_H

#include "conn.h"
#include "server.h"

/*
 * The pages behind the table in routes.c. Each answers one whole, admitted request, now or later,
 * by one of demo_reply_*.
 */
void demo_home_page(struct demo_conn *conn);
void demo_home_step(struct demo_conn *conn);
void demo_home_state(struct demo_conn *conn);
void demo_home_events(struct demo_conn *conn);
void demo_settings_page_show(struct demo_conn *conn);
void demo_settings_page_change(struct demo_conn *conn);
void demo_password_page_change(struct demo_conn *conn);
void demo_firmware_page(struct demo_conn *conn);
void demo_firmware_upload(struct demo_conn *conn);
void demo_firmware_image(struct demo_conn *conn);
void demo_whoami_page(struct demo_conn *conn);
void demo_whoami_json(struct demo_conn *conn);
void demo_imitation_page(struct demo_conn *conn);

/* Tells all who listen how the room is. */
void demo_home_tell(struct demo_server *server);

#endif
