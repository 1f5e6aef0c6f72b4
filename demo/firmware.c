/*
 * Large transfers both ways: a file comes in and its checksum is shown; an image of any length goes
 * out with its checksum in the head.
 */
#include "pages.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "reply.h"
#include "upload.h"

#define IMAGE_DEFAULT (1ull << 20)
#define PIECE 65536

static void put_bytes(struct demo_text *out, uint64_t bytes)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, bytes);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            demo_text_put(out, "\xe2\x80\xaf"); /* a narrow space that does not break */
        demo_text_add(out, digits + i, 1);
    }
}

static void show(struct demo_conn *conn, const char *name, const struct demo_upload_result *file)
{
    struct demo_text bytes = {0};
    if (*file->sha256)
        put_bytes(&bytes, file->bytes);
    const struct demo_var vars[] = {
        {"sha256", file->sha256},
        {"bytes", demo_text_string(&bytes)},
        {"filename", file->filename},
        {NULL, NULL},
    };
    demo_reply_page(conn, 200, "Firmware", DEMO_MENU_FIRMWARE, name, vars);
    demo_text_free(&bytes);
}

void demo_firmware_page(struct demo_conn *conn)
{
    show(conn, "firmware.html", &conn->server->last_upload);
}

static void answer_text(struct demo_conn *conn, const struct demo_upload_result *file)
{
    const struct demo_reply reply = {200, "text/plain; charset=utf-8", NULL};
    struct demo_text text = {0};
    demo_text_printf(&text, "sha256 %s\nbytes %" PRIu64 "\n", file->sha256, file->bytes);
    demo_reply_bytes(conn, &reply, text.data, text.len);
    demo_text_free(&text);
}

void demo_firmware_upload(struct demo_conn *conn)
{
    const struct demo_request *request = &conn->parser.request;
    struct demo_upload_result file;
    int status = demo_upload_finish(request->upload, &file);
    if (status == 422) {
        demo_reply_error(conn, 422, "Choose a file first: no file was sent.", NULL);
    } else if (status) {
        demo_reply_error(conn, status, "The upload is cut or malformed.", NULL);
    } else {
        conn->server->last_upload = file;
        bool text = !file.is_form || demo_request_wants(request, "text", "plain") >
                                         demo_request_wants(request, "text", "html");
        if (text)
            answer_text(conn, &file);
        else
            show(conn, "received.html", &file);
    }
}

/*
 * The image's content: eight bytes at a time from the splitmix64 generator, so that every part of
 * it can be made on its own and nothing on the way can compress it. Position is a multiple of
 * eight.
 */
static void make(uint64_t position, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i += 8, position += 8) {
        uint64_t z = (position / 8 + 1) * 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        for (size_t k = 0; k < 8 && i + k < len; k++)
            out[i + k] = (uint8_t)(z >> 8 * k);
    }
}

static bool next_piece(struct demo_conn *conn, struct demo_text *out)
{
    uint8_t piece[PIECE];
    if (!conn->source_left)
        return false;
    size_t len = conn->source_left < PIECE ? (size_t)conn->source_left : PIECE;
    make(conn->source_pos, piece, len);
    demo_text_add(out, piece, len);
    conn->source_pos += len;
    conn->source_left -= len;
    return true;
}

/* The image's checksum, worked out on another thread so that everybody else is served meanwhile. */
struct job {
    uv_work_t work;
    struct demo_conn *conn; /* NULL once the connection has ended */
    uint64_t bytes;
    uint8_t digest[EVP_MAX_MD_SIZE];
    bool ok;
};

static void work(uv_work_t *request)
{
    struct job *job = request->data;
    uint8_t piece[PIECE];
    EVP_MD_CTX *sha256 = EVP_MD_CTX_new();
    job->ok = sha256 && EVP_DigestInit_ex(sha256, EVP_sha256(), NULL) == 1;
    for (uint64_t at = 0; at < job->bytes && job->ok; at += PIECE) {
        size_t len = job->bytes - at < PIECE ? (size_t)(job->bytes - at) : PIECE;
        make(at, piece, len);
        job->ok = EVP_DigestUpdate(sha256, piece, len) == 1;
    }
    job->ok = job->ok && EVP_DigestFinal_ex(sha256, job->digest, NULL) == 1;
    EVP_MD_CTX_free(sha256);
}

static void send_image(struct demo_conn *conn, const struct job *job)
{
    char hex[DEMO_SHA256_HEX_LEN + 1];
    struct demo_text extra = {0};
    demo_upload_hex(job->digest, hex);
    demo_text_printf(&extra, "X-Checksum-Sha256: %s\r\n", hex);
    demo_text_printf(&extra,
                     "Content-Disposition: attachment; filename=\"image-%" PRIu64 ".bin\"\r\n",
                     job->bytes);
    conn->source_pos = 0;
    conn->source_left = job->bytes;
    const struct demo_reply reply = {200, "application/octet-stream", extra.data};
    demo_reply_source(conn, &reply, job->bytes, next_piece);
    demo_text_free(&extra);
}

static void on_work_done(uv_work_t *request, int status)
{
    struct job *job = request->data;
    struct demo_conn *conn = job->conn;
    if (conn) {
        conn->job = NULL;
        if (status == 0 && job->ok)
            send_image(conn, job);
        else
            demo_reply_error(conn, 500, "The image could not be made.", NULL);
    }
    free(job);
}

/* Reads "bytes=N"; false when it is no number of bytes up to the limit. */
static bool image_len(const char *query, uint64_t *len)
{
    struct demo_text text = {0};
    *len = IMAGE_DEFAULT;
    bool ok = demo_form_field(query, "bytes", &text) == 0;
    if (ok && text.len) {
        ok = text.len <= 9 && strspn(text.data, "0123456789") == text.len;
        *len = ok ? strtoull(text.data, NULL, 10) : 0;
    }
    demo_text_free(&text);
    return ok && *len <= DEMO_UPLOAD_MAX;
}

void demo_firmware_image(struct demo_conn *conn)
{
    uint64_t bytes;
    if (!image_len(conn->parser.request.query, &bytes)) {
        demo_reply_error(conn, 400, "bytes is a number up to 67108864.", NULL);
        return;
    }
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        abort();
    *job = (struct job){.conn = conn, .bytes = bytes};
    job->work.data = job;
    conn->job = &job->conn;
    if (uv_queue_work(&conn->server->loop, &job->work, work, on_work_done) != 0) {
        conn->job = NULL;
        free(job);
        demo_reply_error(conn, 500, "The image could not be made.", NULL);
    }
}
