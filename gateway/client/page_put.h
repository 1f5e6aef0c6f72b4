/*
 * What the pages are made of: the answer's head, the page's frame, sentences and escaping.  For
 * pages.c and page_list.c alone.
 */
#ifndef KP_CLIENT_PAGE_PUT_H
#define KP_CLIENT_PAGE_PUT_H

#include "pages.h"

/* Text within a value for kp_word that becomes <code> on a page. */
#define KP_PAGE_CODE "\001"
#define KP_PAGE_CODE_END "\002"

/* Text as HTML, in an element or in a quoted attribute: & < > " ' are escaped, the two above
 * become tags, and other control characters are left out. */
void kp_page_put_text(struct kp_out *html, const char *text);
/* A sentence as HTML; {name}, {open} and {forget} are the page's, and {size} is a head's. */
void kp_page_put_word(struct kp_out *html, const struct kp_page *page, enum kp_word word);
/* The same as a paragraph, with a full stop.  A second sentence may follow; KP_WORDS: none. */
void kp_page_put_para(struct kp_out *html, const struct kp_page *page, enum kp_word word,
                      enum kp_word second);
/* "<a href=HREF>WORD</a>" as a paragraph; href is HTML. */
void kp_page_put_link(struct kp_out *html, const struct kp_page *page, const char *href,
                      enum kp_word word);

/* A page's frame. */
struct kp_page_frame {
    const char *status; /* "403 Forbidden" */
    enum kp_word title;
    const char *fields;  /* more of the head, each with CR LF; NULL: none */
    const char *refresh; /* of <meta http-equiv=refresh>, as HTML; NULL: none */
    const char *cookie;  /* see kp_page_see */
    bool forms;          /* they may be sent to ourselves, and lead to a device's own address */
};

/* Adds the whole answer: main is what stands under the title, and is freed.  Returns the status. */
unsigned kp_page_put(struct kp_out *out, const struct kp_page *page,
                     const struct kp_page_frame *frame, struct kp_out *main);
/* An answer without a page: a redirect.  location is right for a field. */
unsigned kp_page_put_redirect(struct kp_out *out, const struct kp_page *page,
                              struct kp_slice location, const char *cookie);

#endif
