/*
 * Asks for another password over a unix socket: a few lines there, one line back. Knows no pages.
 */
#include "password_call.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "server.h"

#define PATIENCE_MS 80000
#define TICK_MS 500
#define ANSWER_LEN 512

struct call {
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_connect_t connecting;
    uv_write_t writing;
    struct demo_conn *conn; /* NULL once it has ended */
    demo_password_done *done;
    struct demo_text request;
    uint64_t until;
    int handles;
    char line[ANSWER_LEN];
    size_t len;
};

static unsigned number(const char *text)
{
    unsigned long value = strtoul(text, NULL, 10);
    return value < 86400 ? (unsigned)value : 86400;
}

/* Behind the code. */
static const char *sentence(const char *text)
{
    const char *space = strchr(text, ' ');
    return space ? space + 1 : "";
}

void demo_password_read(const char *line, struct demo_password_answer *answer)
{
    *answer = (struct demo_password_answer){.result = DEMO_PASSWORD_SILENT, .why = ""};
    if (strcmp(line, "done") == 0) {
        answer->result = DEMO_PASSWORD_DONE;
    } else if (strcmp(line, "wrong") == 0) {
        answer->result = DEMO_PASSWORD_WRONG;
    } else if (strncmp(line, "later ", 6) == 0) {
        answer->result = DEMO_PASSWORD_LATER;
        answer->seconds = number(line + 6);
    } else if (strncmp(line, "weak ", 5) == 0) {
        answer->result = DEMO_PASSWORD_WEAK;
        answer->why = sentence(line + 5);
    } else if (strncmp(line, "failed ", 7) == 0) {
        answer->result = DEMO_PASSWORD_FAILED;
        answer->why = sentence(line + 7);
    }
}

static void wipe(struct demo_text *text)
{
    if (text->data)
        explicit_bzero(text->data, text->cap);
    demo_text_free(text);
}

static void on_closed(uv_handle_t *handle)
{
    struct call *call = handle->data;
    if (--call->handles > 0)
        return;
    wipe(&call->request);
    free(call);
}

/* Answers, if there is still somebody to, and ends the call. */
static void end(struct call *call, const struct demo_password_answer *answer)
{
    struct demo_conn *conn = call->conn;
    if (uv_is_closing((uv_handle_t *)&call->timer))
        return;
    uv_close((uv_handle_t *)&call->timer, on_closed);
    uv_close((uv_handle_t *)&call->pipe, on_closed);
    if (!conn)
        return;
    conn->job = NULL;
    call->done(conn, answer);
}

static void end_with(struct call *call, enum demo_password_result result)
{
    const struct demo_password_answer answer = {.result = result, .why = ""};
    end(call, &answer);
}

static void on_tick(uv_timer_t *timer)
{
    struct call *call = timer->data;
    if (!call->conn || uv_now(timer->loop) >= call->until)
        end_with(call, DEMO_PASSWORD_SILENT);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct call *call = handle->data;
    *buf = uv_buf_init(call->line + call->len, (unsigned)(sizeof call->line - 1 - call->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    struct call *call = stream->data;
    struct demo_password_answer answer;
    if (n > 0)
        call->len += (size_t)n;
    call->line[call->len] = '\0';
    char *newline = strchr(call->line, '\n');
    if (newline) {
        *newline = '\0';
        demo_password_read(call->line, &answer);
        end(call, &answer);
    } else if (n < 0 || call->len == sizeof call->line - 1) {
        end_with(call, DEMO_PASSWORD_SILENT);
    }
}

/* Who takes no request may have answered all the same: reading tells. */
static void on_written(uv_write_t *request, int status)
{
    struct call *call = request->handle->data;
    (void)status;
    wipe(&call->request);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct call *call = request->handle->data;
    if (uv_is_closing((uv_handle_t *)&call->pipe))
        return;
    if (status != 0) {
        end_with(call, DEMO_PASSWORD_NOBODY);
        return;
    }
    uv_buf_t buf = uv_buf_init(call->request.data, (unsigned)call->request.len);
    if (uv_read_start((uv_stream_t *)&call->pipe, on_alloc, on_read) != 0 ||
        uv_write(&call->writing, (uv_stream_t *)&call->pipe, &buf, 1, on_written) != 0)
        end_with(call, DEMO_PASSWORD_NOBODY);
}

void demo_password_call(struct demo_conn *conn, const char *path, const char *user,
                        const char *old_password, const char *new_password,
                        demo_password_done *done)
{
    uv_loop_t *loop = &conn->server->loop;
    struct call *call = calloc(1, sizeof *call);
    if (!call)
        abort();
    call->conn = conn;
    call->done = done;
    call->handles = 2;
    call->until = uv_now(loop) + PATIENCE_MS;
    demo_text_printf(&call->request, "change-password 1\nuser %s\nold %s\nnew %s\n\n", user,
                     old_password, new_password);
    if (uv_pipe_init(loop, &call->pipe, 0) != 0 || uv_timer_init(loop, &call->timer) != 0)
        abort();
    call->pipe.data = call->timer.data = call;
    uv_timer_start(&call->timer, on_tick, TICK_MS, TICK_MS);
    conn->job = &call->conn;
    conn->expires = call->until + TICK_MS * 4;
    uv_pipe_connect(&call->connecting, &call->pipe, path, on_connected);
}
