/*
 * Where log lines go: stderr, or the system's log by /dev/log.  Nobody waits for either: a line
 * that can't be taken now is the caller's to drop.  Any thread.  Knows nothing of what a line says.
 */
#ifndef KP_GATEWAY_LOG_SINK_H
#define KP_GATEWAY_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Up to so many bytes are written in one piece: what a pipe that has room surely takes (PIPE_BUF).
 */
#define KP_LOG_LINE_MAX 4096

/* text[len] with its line end, len up to KP_LOG_LINE_MAX.  Whether it was taken. */
bool kp_log_sink_stderr(const char *text, size_t len);
/* The same to /dev/log, as RFC 3164 has it but for the time, which its reader knows; severity: 3
 * error, 4 warning, 6 info, 7 debug.  A reader that was started again is found again. */
bool kp_log_sink_syslog(unsigned severity, const char *text, size_t len);

/* Whether something takes lines at /dev/log now.  0 or a negative errno. */
int kp_log_sink_try_syslog(void);

/* One line was dropped. */
void kp_log_sink_lose(void);
/* Lines lost since the process began. */
uint64_t kp_log_sink_lost(void);
/* Of those, how many nobody was told of: they are the caller's to tell, who gives them back when he
 * can't. */
uint64_t kp_log_sink_take_untold(void);
void kp_log_sink_give_untold(uint64_t lines);

#endif
