"""An independent model of TLS 1.3 with the pake extension (SPAKE2+), client and server.

It is written from draft-ietf-tls-pake-02, from what is known of BoringSSL's earlier form, and from
RFC 8446, 8449 and 9383, and shares nothing with the engine that it tests.

    constants, messages, records, schedule    RFC 8446
    p256, spake2plus                          RFC 9383
    peer, client, server, tickets             the two ends, strict, on blocking sockets
    variants, variants_client, variants_server, variants_phase
                                              bad (and odd but good) peers, with what must follow
    driver                                    plays one of them against an address or a listener
"""
