/* How far a long run is: see progress.h. */
#include "progress.h"

#include <string.h>
#include <unistd.h>

#define BAR 20 /* columns */
#define BAR_NS 200000000u
#define LINE_NS 5000000000u

/* What is left, in words; "" when nobody can tell yet. */
static void put_left(char *out, size_t room, double seconds)
{
    if (seconds < 120)
        (void)snprintf(out, room, ", %.0f s left", seconds);
    else if (seconds < 7200)
        (void)snprintf(out, room, ", %.0f min left", seconds / 60);
    else
        (void)snprintf(out, room, ", %.1f h left", seconds / 3600);
}

const char *kp_progress_text(char out[static KP_PROGRESS_LEN], const char *what,
                             unsigned long at_first, unsigned long done, unsigned long total,
                             double seconds)
{
    int n = snprintf(out, KP_PROGRESS_LEN, "%lu of %lu %s", done, total, what);
    if (n < 0 || n >= KP_PROGRESS_LEN || done <= at_first || seconds < 0.5 || done >= total)
        return out;
    double rate = (double)(done - at_first) / seconds;
    size_t used = (size_t)n;
    n = snprintf(out + used, KP_PROGRESS_LEN - used, ", %.*f a second", rate < 10 ? 1 : 0, rate);
    if (n > 0 && (size_t)n < KP_PROGRESS_LEN - used)
        put_left(out + used + n, KP_PROGRESS_LEN - used - (size_t)n, (double)(total - done) / rate);
    return out;
}

void kp_progress_begin(struct kp_progress *progress, FILE *to, const char *what, unsigned long done,
                       unsigned long total, uint64_t now)
{
    *progress = (struct kp_progress){
        .to = to, .what = what, .at_first = done, .total = total, .began = now, .told = now};
    progress->is_terminal = to != NULL && isatty(fileno(to)) == 1;
}

void kp_progress_tell(struct kp_progress *progress, unsigned long done, uint64_t now)
{
    char text[KP_PROGRESS_LEN], bar[BAR + 1];
    if (progress->to == NULL || now - progress->told < (progress->is_terminal ? BAR_NS : LINE_NS))
        return;
    progress->told = now;
    (void)kp_progress_text(text, progress->what, progress->at_first, done, progress->total,
                           (double)(now - progress->began) / 1e9);
    size_t full = (size_t)(done * BAR / (progress->total > 0 ? progress->total : 1));
    memset(bar, '-', BAR);
    memset(bar, '#', full < BAR ? full : BAR);
    bar[BAR] = '\0';
    if (progress->is_terminal)
        (void)fprintf(progress->to, "\r[%s] %s\033[K", bar, text);
    else
        (void)fprintf(progress->to, "%s\n", text);
    progress->is_shown = progress->is_terminal;
    (void)fflush(progress->to);
}

void kp_progress_end(struct kp_progress *progress)
{
    if (progress->is_shown)
        (void)fprintf(progress->to, "\r\033[K");
    progress->is_shown = false;
}
