/*
 * Searching memory for secrets: every block that goes back to the heap, of our objects and of the
 * crypto library, and the stack as finished calls have left it.  For a test that is linked with
 * --wrap=realloc and --wrap=free and calls hook_library first of all.
 */
#ifndef TEST_PAIR_NEEDLES_H
#define TEST_PAIR_NEEDLES_H

#include "cm.h"

#include "harness.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* ---- What is searched for ----------------------------------------------------------------------
 */

#define NEEDLES 96
#define NEEDLE_MAX 32

static struct needle {
    const char *name;
    uint8_t bytes[NEEDLE_MAX];
    size_t len;
} needles[NEEDLES];
static size_t needle_count;
static bool searching;
static unsigned long searched;
static const char *found;

static void add_needle(const char *name, const void *bytes, size_t len)
{
    struct needle *n = &needles[needle_count++];

    must(needle_count <= NEEDLES && len >= 8);
    n->name = name;
    n->len = len < NEEDLE_MAX ? len : NEEDLE_MAX;
    memcpy(n->bytes, bytes, n->len);
}

/* The crypto library keeps numbers the other way round. */
static void add_both_ways(const char *name, const uint8_t *bytes, size_t len)
{
    uint8_t turned[NEEDLE_MAX];
    size_t n = len < NEEDLE_MAX ? len : NEEDLE_MAX;

    add_needle(name, bytes, len);
    for (size_t i = 0; i < n; i++)
        turned[i] = bytes[len - 1 - i];
    add_needle(name, turned, n);
}

static void search(const void *block)
{
    size_t len;

    if (!searching || block == NULL)
        return;
    searched++;
    len = malloc_usable_size((void *)(uintptr_t)block);
    for (size_t i = 0; i < needle_count; i++) {
        if (memmem(block, len, needles[i].bytes, 16 < needles[i].len ? 16 : needles[i].len) != NULL)
            found = needles[i].name;
    }
}

#define STACK (96 * 1024)

/* What the test itself left there while it learned. */
static __attribute__((noinline)) void clear_stack(void)
{
    uint8_t area[STACK];

    memset(area, 0, sizeof(area));
    __asm__ __volatile__("" : : "r"(area) : "memory");
}

/* The stack below us as finished calls have left it. */
static __attribute__((noinline)) void search_stack(void)
{
    uint8_t area[STACK];
    const uint8_t *left = area;

    /* To the compiler these bytes are anything. */
    __asm__ __volatile__("" : "+r"(left) : : "memory");
    for (size_t i = 0; searching && i < needle_count; i++) {
        if (memmem(left, sizeof(area), needles[i].bytes, 16) != NULL)
            found = needles[i].name;
    }
}

/* ---- Every way back to the heap ----------------------------------------------------------------
 */

void *__real_realloc(void *old, size_t len);
void __real_free(void *old);
void *__wrap_realloc(void *old, size_t len);
void __wrap_free(void *old);

void __wrap_free(void *old)
{
    search(old);
    __real_free(old);
}

/* realloc may leave the old block behind as it was. */
void *__wrap_realloc(void *old, size_t len)
{
    search(old);
    return __real_realloc(old, len);
}

/* Blocks of this length that the crypto library frees as they are, secret or not, and nobody can
 * change it from outside; 0: none.  They are not searched, and wiped so that nothing of them turns
 * up elsewhere. */
static size_t exempt_len;
static const void *exempt[16];

static bool is_exempt(const void *block)
{
    for (size_t i = 0; i < COUNT(exempt); i++) {
        if (block != NULL && exempt[i] == block) {
            exempt[i] = NULL;
            return true;
        }
    }
    return false;
}

static void *library_malloc(size_t len, const char *file, int line)
{
    void *block = malloc(len);

    (void)file;
    (void)line;
    for (size_t i = 0; exempt_len != 0 && len == exempt_len && i < COUNT(exempt); i++) {
        if (exempt[i] == NULL) {
            exempt[i] = block;
            break;
        }
    }
    return block;
}

static void *library_realloc(void *old, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    search(old);
    return __real_realloc(old, len);
}

static void library_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    if (is_exempt(old))
        memset(old, 0, exempt_len);
    search(old);
    __real_free(old);
}

/* ---- A search ----------------------------------------------------------------------------------
 */

static void start_search(void)
{
    found = NULL;
    searched = 0;
    clear_stack();
    searching = true;
}

static void end_search(const char *what, size_t detail)
{
    searching = false;
    if (found != NULL)
        fail_msg("%s, %zu: %s left in freed memory", what, detail, found);
    assert_true(searched > 5);
}

/* Before the crypto library's first allocation. */
static inline void hook_library(void)
{
    must(CRYPTO_set_mem_functions(library_malloc, library_realloc, library_free) == 1);
}

#endif
