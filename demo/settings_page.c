/*
 * The settings form: shows it, takes it, and shows it again with the person's own input when
 * something in it is wrong.
 */
#include "pages.h"

#include <stdio.h>
#include <string.h>

#include "form.h"
#include "reply.h"
#include "settings.h"
#include "settings_page.h"

#define PASSWORD_VARS 8

enum field {
    NAME,
    TARGET,
    MODE,
    DAY,
    NIGHT,
    FIELDS,
};

static const struct {
    const char *name;
    const char *error_name;
    const char *(*set)(struct demo_settings *, const char *);
} fields[FIELDS] = {
    [NAME] = {"name", "name_error", demo_settings_set_name},
    [TARGET] = {"target", "target_error", demo_settings_set_target},
    [MODE] = {"mode", "mode_error", demo_settings_set_mode},
    [DAY] = {"day", "day_error", demo_settings_set_day},
    [NIGHT] = {"night", "night_error", demo_settings_set_night},
};

/* The form as the person sees it. */
struct form {
    struct demo_text values[FIELDS];
    const char *errors[FIELDS]; /* NULL: this field is fine */
    bool wrong;
};

static void free_form(struct form *form)
{
    for (int i = 0; i < FIELDS; i++)
        demo_text_free(&form->values[i]);
}

static void fill_form(struct form *form, const struct demo_settings *s)
{
    demo_text_put(&form->values[NAME], s->name);
    demo_text_printf(&form->values[TARGET], "%d.%d", s->target / 10, s->target % 10);
    demo_text_put(&form->values[MODE], demo_settings_mode_name(s->mode));
    demo_text_printf(&form->values[DAY], "%02d:%02d", s->day_start / 60, s->day_start % 60);
    demo_text_printf(&form->values[NIGHT], "%02d:%02d", s->night_start / 60, s->night_start % 60);
}

/* password: values of the form for that, or NULL. */
static void show_form(struct demo_conn *conn, int status, const struct form *form, bool saved,
                      const struct demo_var *password)
{
    struct demo_var vars[2 * FIELDS + 7 + PASSWORD_VARS] = {{NULL, NULL}};
    bool changeable = conn->server->password_path && conn->who.proved;
    const char *mode = demo_text_string(&form->values[MODE]);
    size_t n = 0;
    for (int i = 0; i < FIELDS; i++) {
        vars[n++] = (struct demo_var){fields[i].name, demo_text_string(&form->values[i])};
        vars[n++] = (struct demo_var){fields[i].error_name, form->errors[i]};
    }
    vars[n++] = (struct demo_var){"comfort", strcmp(mode, "comfort") == 0 ? "checked" : NULL};
    vars[n++] = (struct demo_var){"eco", strcmp(mode, "eco") == 0 ? "checked" : NULL};
    vars[n++] = (struct demo_var){"off", strcmp(mode, "off") == 0 ? "checked" : NULL};
    vars[n++] = (struct demo_var){"saved", saved ? "yes" : NULL};
    vars[n++] = (struct demo_var){"wrong", form->wrong ? "yes" : NULL};
    vars[n++] = (struct demo_var){"password_user", changeable ? conn->who.user : NULL};
    for (int i = 0; password && password[i].name && i < PASSWORD_VARS; i++)
        vars[n++] = password[i];
    demo_reply_page(conn, status, "Settings", DEMO_MENU_SETTINGS, "settings.html", vars);
}

void demo_settings_page_show(struct demo_conn *conn)
{
    struct form form = {0};
    fill_form(&form, &conn->server->room.settings);
    show_form(conn, 200, &form, strcmp(conn->parser.request.query, "saved=1") == 0, NULL);
    free_form(&form);
}

void demo_settings_page_with(struct demo_conn *conn, int status, const struct demo_var *password)
{
    struct form form = {0};
    fill_form(&form, &conn->server->room.settings);
    show_form(conn, status, &form, false, password);
    free_form(&form);
}

static void read_form(struct form *form, const char *encoded, struct demo_settings *changed)
{
    for (int i = 0; i < FIELDS; i++) {
        if (demo_form_field(encoded, fields[i].name, &form->values[i]) != 0)
            form->errors[i] = "This did not arrive as it should.";
        else
            form->errors[i] = fields[i].set(changed, demo_text_string(&form->values[i]));
    }
    if (!form->errors[DAY] && !form->errors[NIGHT] && changed->day_start == changed->night_start)
        form->errors[NIGHT] = "Day and night cannot start at the same time.";
    for (int i = 0; i < FIELDS; i++)
        form->wrong = form->wrong || form->errors[i];
}

void demo_settings_page_change(struct demo_conn *conn)
{
    struct demo_server *server = conn->server;
    struct demo_settings changed = server->room.settings;
    struct form form = {0};
    read_form(&form, demo_text_string(&conn->parser.request.form), &changed);
    if (form.wrong) {
        show_form(conn, 422, &form, false, NULL);
    } else if (server->state_path && demo_settings_save(&changed, server->state_path) != 0) {
        demo_reply_error(conn, 500, "The settings could not be saved.", NULL);
    } else {
        server->room.settings = changed;
        demo_reply_see_other(conn, "/settings?saved=1");
    }
    free_form(&form);
}
