/*
 * The bodies of extensions, build and parse side by side, as the rows of extensions.c name them.
 * Parsers give 0, KP_E_DECODE or KP_E_ILLEGAL.  Those that are kept (keep_) are looked at later:
 * message13.h.
 */
#ifndef KP_MESSAGE_EXTENSION_ROWS_H
#define KP_MESSAGE_EXTENSION_ROWS_H

#include "message/message13.h"

#define KP_PARSES(name) int kp_##name(struct kp_reader *r, struct kp_extensions *ext)
#define KP_BUILDS(name) void kp_##name(struct kp_builder *b, const struct kp_extensions *ext)

/* All that is left of r. */
struct kp_span kp_rest_of(struct kp_reader *r);

KP_PARSES(parse_empty);
KP_BUILDS(build_empty);
KP_PARSES(parse_server_name);
KP_BUILDS(build_server_name);
KP_PARSES(parse_srp);
KP_BUILDS(build_srp);
KP_PARSES(parse_alpn_list);
KP_BUILDS(build_alpn_list);
KP_PARSES(parse_alpn_one);
KP_BUILDS(build_alpn_one);
KP_PARSES(parse_record_size_limit);
KP_BUILDS(build_record_size_limit);
KP_PARSES(parse_ticket);
KP_BUILDS(build_ticket);
KP_PARSES(parse_renegotiation);
KP_BUILDS(build_renegotiation);

KP_PARSES(pass_over);
KP_PARSES(parse_versions);
KP_BUILDS(build_versions);
KP_PARSES(parse_version);
KP_BUILDS(build_version);
KP_PARSES(keep_groups);
KP_BUILDS(build_groups);
KP_PARSES(keep_cookie);
KP_PARSES(parse_cookie);
KP_BUILDS(build_cookie);
KP_PARSES(keep_psk_modes);
KP_BUILDS(build_psk_modes);
KP_PARSES(keep_key_share);
KP_BUILDS(build_key_share_list);
KP_PARSES(parse_key_share);
KP_BUILDS(build_key_share);
KP_PARSES(parse_retry_group);
KP_BUILDS(build_retry_group);
KP_PARSES(keep_psk);
KP_BUILDS(build_psk_offer);
KP_PARSES(parse_psk_index);
KP_BUILDS(build_psk_index);
KP_PARSES(keep_pake);
KP_BUILDS(build_pake_offer);
KP_PARSES(parse_pake_answer);
KP_BUILDS(build_pake_answer);

#endif
