/*
 * The checksum of a file as it comes in, raw or inside a form, without ever keeping the file. Knows
 * nothing of connections.
 */
#include "upload.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "multipart.h"
#include "text.h"

struct demo_upload {
    EVP_MD_CTX *sha256;
    uint64_t bytes;
    bool is_form;
    bool broken;
    struct demo_multipart multipart;
};

static void take(void *ctx, const char *bytes, size_t len)
{
    struct demo_upload *upload = ctx;
    upload->bytes += len;
    if (EVP_DigestUpdate(upload->sha256, bytes, len) != 1)
        upload->broken = true;
}

struct demo_upload *demo_upload_new(const char *content_type)
{
    struct demo_upload *upload = calloc(1, sizeof *upload);
    if (!upload)
        abort();
    upload->is_form = strncasecmp(content_type, "multipart/", 10) == 0;
    if (upload->is_form && (strncasecmp(content_type, "multipart/form-data", 19) != 0 ||
                            demo_multipart_init(&upload->multipart, content_type, take, upload))) {
        free(upload);
        return NULL;
    }
    upload->sha256 = EVP_MD_CTX_new();
    if (!upload->sha256 || EVP_DigestInit_ex(upload->sha256, EVP_sha256(), NULL) != 1)
        abort();
    return upload;
}

int demo_upload_feed(struct demo_upload *upload, const char *bytes, size_t len)
{
    if (!upload->is_form)
        take(upload, bytes, len);
    else if (demo_multipart_feed(&upload->multipart, bytes, len) != 0)
        return 400;
    if (upload->broken)
        return 500;
    return upload->bytes > DEMO_UPLOAD_MAX ? 413 : 0;
}

void demo_upload_hex(const uint8_t digest[static 32], char out[static DEMO_SHA256_HEX_LEN + 1])
{
    for (int i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

int demo_upload_finish(struct demo_upload *upload, struct demo_upload_result *result)
{
    *result = (struct demo_upload_result){.bytes = upload->bytes, .is_form = upload->is_form};
    if (upload->is_form) {
        const struct demo_multipart *m = &upload->multipart;
        if (!demo_multipart_is_whole(m))
            return 400;
        if (!m->found || (!*m->filename && !upload->bytes))
            return 422;
        if (demo_text_is_printable(m->filename))
            memcpy(result->filename, m->filename, sizeof result->filename);
    }
    uint8_t digest[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex(upload->sha256, digest, NULL) != 1)
        return 500;
    demo_upload_hex(digest, result->sha256);
    return 0;
}

void demo_upload_free(struct demo_upload *upload)
{
    if (!upload)
        return;
    EVP_MD_CTX_free(upload->sha256);
    free(upload);
}
