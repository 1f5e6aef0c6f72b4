/*
 * A whole client against bytes of the fuzzer: fuzz_server.c with the roles changed.
 */
#define VICTIM KP_CLIENT
#include "fuzz_server.c"
