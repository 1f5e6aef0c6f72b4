/*
 * What the log says of a tunnel: who, from where, by which protocol, and why it ended.
 */
#ifndef KP_DEVICE_TUNNEL_LOG_H
#define KP_DEVICE_TUNNEL_LOG_H

#include "tunnel.h"

void kp_tunnel_log_proved(const struct kp_tunnel *tunnel);
void kp_tunnel_log_over(const struct kp_tunnel *tunnel);

#endif
