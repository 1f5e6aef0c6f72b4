#ifndef DEMO_MULTIPART_H
#define DEMO_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#define DEMO_MULTIPART_HEAD_LEN 4096 /* the longest head of a part */
#define DEMO_MULTIPART_BOUNDARY_LEN 70

/* Takes the next bytes of the file's content. */
typedef void demo_multipart_sink(void *ctx, const char *bytes, size_t len);

/*
 * Takes a multipart/form-data body apart as it arrives, in pieces of any size, and hands on the
 * content of its first part that is a file. Nothing but part heads is ever kept.
 */
struct demo_multipart {
    demo_multipart_sink *sink;
    void *ctx;
    int state;
    char delimiter[4 + DEMO_MULTIPART_BOUNDARY_LEN + 1]; /* CRLF, two hyphens, the boundary */
    size_t delimiter_len;
    size_t matched; /* bytes of the delimiter seen so far */
    char head[DEMO_MULTIPART_HEAD_LEN + 1];
    size_t head_len;
    char filename[256]; /* of the file found, cut if longer */
    bool found;         /* a file part has begun */
    bool in_file;
};

/*
 * Starts with the value of the request's Content-Type. Returns 0, or -1 when it names no valid
 * boundary.
 */
int demo_multipart_init(struct demo_multipart *m, const char *content_type,
                        demo_multipart_sink *sink, void *ctx) __attribute__((warn_unused_result));

/* Takes the next bytes of the body. Returns 0, or -1 when the body is malformed. */
int demo_multipart_feed(struct demo_multipart *m, const char *bytes, size_t len)
    __attribute__((warn_unused_result));

/* Whether the last delimiter has been seen: without it the body was cut. */
bool demo_multipart_is_whole(const struct demo_multipart *m);

#endif
