/*
 * ClientHello: a body.  What is parsed is built and parsed again to the same.
 */
#include "fuzz_hello.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t again[140000];
    struct kp_client_hello hello;
    struct kp_client_hello second;
    struct kp_builder b;
    struct kp_reader r;

    kp_reader_init(&r, data, size);
    if (kp_client_hello_parse(&r, &hello) != 0)
        return 0;
    (void)kp_list_has(hello.suites, KP_FALLBACK_SCSV);
    /* The one extension that we only read. */
    hello.ext.present &= ~(uint32_t)KP_EXT_VERSIONS;
    kp_builder_init(&b, again, sizeof(again));
    kp_client_hello_build(&b, &hello);
    must(!b.failed);
    kp_reader_init(&r, again, b.len);
    must(kp_client_hello_parse(&r, &second) == 0);
    must(second.version == hello.version && second.null_compression);
    must_same(second.random, hello.random);
    must_same(second.session_id, hello.session_id);
    must_same(second.suites, hello.suites);
    must_same_extensions(&second.ext, &hello.ext);
    return 0;
}
