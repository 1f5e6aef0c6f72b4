/*
 * ServerHello, which may be a HelloRetryRequest: a body.  What is parsed is built and parsed again
 * to the same.
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
    struct kp_server_hello hello;
    struct kp_server_hello second;
    struct kp_builder b;
    struct kp_reader r;

    kp_reader_init(&r, data, size);
    if (kp_server_hello_parse(&r, &hello) != 0)
        return 0;
    (void)kp_suite_by_value(hello.suite);
    kp_builder_init(&b, again, sizeof(again));
    kp_server_hello_build(&b, &hello);
    must(!b.failed);
    kp_reader_init(&r, again, b.len);
    must(kp_server_hello_parse(&r, &second) == 0);
    must(second.version == hello.version && second.suite == hello.suite &&
         second.compression == hello.compression);
    must_same(second.random, hello.random);
    must_same(second.session_id, hello.session_id);
    must_same_extensions(&second.ext, &hello.ext);
    must(second.retry == hello.retry && second.ext.version == hello.ext.version &&
         second.ext.psk_index == hello.ext.psk_index &&
         second.ext.pake_scheme == hello.ext.pake_scheme &&
         second.ext.key_share.group == hello.ext.key_share.group);
    must_same(second.ext.key_share.key, hello.ext.key_share.key);
    must_same(second.ext.pake_message, hello.ext.pake_message);
    must_same(second.ext.cookie, hello.ext.cookie);
    return 0;
}
