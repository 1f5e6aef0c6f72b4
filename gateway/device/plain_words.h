/*
 * The device's own words on the pages of port 80 (plain_page.h): a fragment of HTML that its vendor
 * wrote, checked so that it can neither ask nor act nor take the rest of the page along.  Knows no
 * page.
 */
#ifndef KP_DEVICE_PLAIN_WORDS_H
#define KP_DEVICE_PLAIN_WORDS_H

#include <keyplate/keyplate.h>

#define KP_PLAIN_WORDS_MAX 16384  /* bytes */
#define KP_PLAIN_WORDS_DEEPEST 16 /* elements in one another */

/* Reads the device's own words from a regular file, to stand in place of our explaining paragraphs
 * between the heading and the way in: at most KP_PLAIN_WORDS_MAX bytes of UTF-8, of text and these
 * elements, each of them closed in its turn: p, br, h2, h3, em, strong, b, i, small, ul, ol, li,
 * dl, dt, dd, hr, img.  They may have lang="" and dir="", an img also src="" (a base64 data: URL of
 * PNG, JPEG, GIF or WebP), alt="", width="" and height="", with either kind of quotes.  No
 * comments, and no other < than that of a tag.  0, and *out is the caller's to free(); or -1 with
 * *why: one clause to follow the path, without a full stop, good until the next call.  For the
 * start, when there is one thread. */
int kp_plain_words_read(char **out, const char *path, const char **why) KP_MUST_CHECK;

#endif
