/*
 * The form for another password: takes it, has it changed by whoever keeps the passwords, and says
 * beside the field what is wrong. This program never keeps one, and whose it is comes from the
 * gateway alone.
 */
#include "pages.h"

#include <ctype.h>
#include <string.h>

#include "form.h"
#include "password_call.h"
#include "reply.h"
#include "settings_page.h"

#define BYTES_MAX 1024

enum field { OLD, NEW, AGAIN, FIELDS };

static const char *const names[FIELDS] = {"old", "new", "again"};

struct form {
    struct demo_text values[FIELDS];
    const char *errors[FIELDS];
    bool wrong;
};

static void wipe(struct demo_text *text)
{
    if (text->data)
        explicit_bzero(text->data, text->cap);
    demo_text_free(text);
}

static const char *fault(const struct demo_text *value)
{
    if (!value->len)
        return "Please fill this in.";
    if (value->len > BYTES_MAX)
        return "This is too long.";
    return demo_text_is_printable(value->data) ? NULL : "This did not arrive as it should.";
}

static void read_form(struct form *form, const char *encoded)
{
    for (int i = 0; i < FIELDS; i++) {
        bool arrived = demo_form_field(encoded, names[i], &form->values[i]) == 0;
        form->errors[i] = arrived ? fault(&form->values[i]) : "This did not arrive as it should.";
    }
    const char *fresh = demo_text_string(&form->values[NEW]);
    if (!form->errors[NEW] && strcmp(fresh, demo_text_string(&form->values[OLD])) == 0)
        form->errors[NEW] = "This is the old password.";
    bool same = strcmp(fresh, demo_text_string(&form->values[AGAIN])) == 0;
    if (form->errors[NEW] && same)
        form->errors[AGAIN] = NULL;
    else if (!form->errors[AGAIN] && !same)
        form->errors[AGAIN] = "This is not the same as the new password.";
    for (int i = 0; i < FIELDS; i++)
        form->wrong = form->wrong || form->errors[i];
}

static void show(struct demo_conn *conn, int status, const struct form *form, const char *trouble)
{
    const struct demo_var vars[] = {
        {"old_error", form->errors[OLD]},
        {"new_error", form->errors[NEW]},
        {"again_error", form->errors[AGAIN]},
        {"trouble", trouble},
        {"password_wrong", form->wrong ? "yes" : NULL},
        {NULL, NULL},
    };
    demo_settings_page_with(conn, status, vars);
}

/* As a sentence of its own: a capital first, a full stop last. */
static void put_sentence(struct demo_text *out, const char *text)
{
    const char first = (char)toupper((unsigned char)text[0]);
    if (!text[0] || !demo_text_is_printable(text))
        return;
    demo_text_add(out, &first, 1);
    demo_text_printf(out, "%s.", text + 1);
}

static void put_wait(struct demo_text *out, unsigned seconds)
{
    demo_text_put(out, "There were too many wrong passwords. Please try again in ");
    if (seconds <= 90)
        demo_text_printf(out, "%u second%s.", seconds, seconds == 1 ? "" : "s");
    else
        demo_text_printf(out, "%u minutes.", (seconds + 59) / 60);
}

static void show_done(struct demo_conn *conn)
{
    const struct demo_var vars[] = {{NULL, NULL}};
    demo_reply_page(conn, 200, "Password changed", DEMO_MENU_SETTINGS, "password.html", vars);
}

static void on_answer(struct demo_conn *conn, const struct demo_password_answer *answer)
{
    struct form form = {0};
    struct demo_text text = {0};
    switch (answer->result) {
    case DEMO_PASSWORD_DONE:
        show_done(conn);
        break;
    case DEMO_PASSWORD_WRONG:
        form = (struct form){.errors = {[OLD] = "This is not the password."}, .wrong = true};
        show(conn, 422, &form, NULL);
        break;
    case DEMO_PASSWORD_LATER:
        put_wait(&text, answer->seconds);
        form = (struct form){.errors = {[OLD] = demo_text_string(&text)}, .wrong = true};
        show(conn, 429, &form, NULL);
        break;
    case DEMO_PASSWORD_WEAK:
        put_sentence(&text, answer->why);
        form = (struct form){.errors = {[NEW] = text.len ? text.data : "This is too weak."},
                             .wrong = true};
        show(conn, 422, &form, NULL);
        break;
    case DEMO_PASSWORD_FAILED:
        put_sentence(&text, answer->why);
        show(conn, 503, &form, text.len ? text.data : "That did not work. The old password stays.");
        break;
    case DEMO_PASSWORD_NOBODY:
        show(conn, 503, &form,
             "The password cannot be changed at the moment. The old password stays.");
        break;
    case DEMO_PASSWORD_SILENT:
        show(conn, 503, &form,
             "It is not known whether the password was changed. If the new one does not let you "
             "in, use the old one.");
        break;
    }
    demo_text_free(&text);
}

void demo_password_page_change(struct demo_conn *conn)
{
    struct form form = {0};
    const char *path = conn->server->password_path;
    struct demo_text *encoded = &conn->parser.request.form;
    if (!path || !conn->who.proved) {
        demo_reply_error(conn, 403, "The password can be changed by who has proved it.", NULL);
        return;
    }
    read_form(&form, demo_text_string(encoded));
    if (encoded->data)
        explicit_bzero(encoded->data, encoded->len);
    if (form.wrong)
        show(conn, 422, &form, NULL);
    else
        demo_password_call(conn, path, conn->who.user, form.values[OLD].data, form.values[NEW].data,
                           on_answer);
    for (int i = 0; i < FIELDS; i++)
        wipe(&form.values[i]);
}
