/*
 * cmocka and what it wants included before it; kept out of the harness, which fuzzers use too.
 */
#ifndef TEST_PAIR_CM_H
#define TEST_PAIR_CM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
