#ifndef DEMO_UPLOAD_H
#define DEMO_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEMO_UPLOAD_MAX (64ull << 20) /* bytes of a file; a form's wrapping may come on top */
#define DEMO_SHA256_HEX_LEN 64

/* A file on its way in: only its checksum and length are kept. */
struct demo_upload;

/* What arrived. */
struct demo_upload_result {
    char sha256[DEMO_SHA256_HEX_LEN + 1]; /* lower case hex */
    uint64_t bytes;
    char filename[256]; /* as the browser told it; "" when it did not, or not in UTF-8 */
    bool is_form;       /* it came as multipart/form-data */
};

/*
 * Begins an upload; content_type is the request's. multipart/form-data is taken apart, everything
 * else is the file itself. Returns NULL when the type is multipart but not usable. The caller frees
 * it.
 */
struct demo_upload *demo_upload_new(const char *content_type);

/* Takes the next bytes of the body. Returns 0 or the status to refuse it with. */
int demo_upload_feed(struct demo_upload *upload, const char *bytes, size_t len)
    __attribute__((warn_unused_result));

/*
 * Ends an upload at the end of its body. Returns 0 with *result filled, 400 when a form was cut,
 * 422 when it held no file.
 */
int demo_upload_finish(struct demo_upload *upload, struct demo_upload_result *result)
    __attribute__((warn_unused_result));

/* NULL is fine. */
void demo_upload_free(struct demo_upload *upload);

/* Writes the digest as hex. */
void demo_upload_hex(const uint8_t digest[static 32], char out[static DEMO_SHA256_HEX_LEN + 1]);

#endif
