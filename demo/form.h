#ifndef DEMO_FORM_H
#define DEMO_FORM_H

#include "text.h"

/*
 * Finds the first field of that name in an application/x-www-form-urlencoded body or a query and
 * sets *value to its decoded text ("" when there is none). Returns 0, or -1 when the name is there
 * but its value is badly encoded or holds a NUL.
 */
int demo_form_field(const char *encoded, const char *name, struct demo_text *value)
    __attribute__((warn_unused_result));

#endif
