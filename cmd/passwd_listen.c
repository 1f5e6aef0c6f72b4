/*
 * keyplate passwd listen: lets the programs of a device, as its settings page, change a password
 * that they know.  This process takes requests in, one change at a time, and counts guesses; it
 * parses nothing and never has the memory that a change takes: see passwd_worker.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "passwd_socket.h"
#include "passwd_worker.h"
#include "platform.h"

#define WAITERS 8
#define REQUEST_MS 10000 /* for a whole request */
#define CHANGE_MS 60000  /* for a change: a wait of 10 s for the file and, three times, scrypt */
#define REST_MS 100      /* when the system has no descriptor for a new connection */
#define DESCRIPTORS 64
#define GUESSES 8         /* wrong ones at once */
#define GUESS_SECONDS 60  /* and then one in so many */
#define OOM_VICTIM "1000" /* oom_score_adj: dies before anything else, proc(5) */

#define TOO_LONG "the request is longer than 4096 bytes"
#define TOO_LATE "the request was not whole within 10 seconds"
#define CUT "the request ends before its empty line"
#define CROWDED "too many others wait; try again"
#define NO_MEMORY "there is not enough memory free; the old password stays"
#define TOO_SLOW "the change took too long; the old password stays"
#define NOT_KNOWN "it is not known which password is in force: try the new one, then the old one"

/* Who has sent no whole request yet, or waits for the turn. */
struct waiter {
    uint64_t since;
    uint64_t turn; /* 0: its request isn't whole */
    size_t len;
    int fd; /* -1: nobody */
    char data[KP_PASSWD_REQUEST_MAX + 1]; /* one more byte shows that it is too long */
};

/* The one change. */
struct job {
    pid_t pid; /* 0: there is none */
    int client;
    int channel;
    uint64_t deadline;
    bool looking;  /* after the death of a child that was about to commit */
    bool late;     /* it was ended by us */
    bool answered; /* answer is there */
    struct kp_guess guess;
    struct kp_passwd_note committed; /* kind 0: nothing was about to be */
    struct kp_passwd_answer answer;
};

struct desk {
    struct kp_passwd *passwd;
    struct kp_throttle *throttle;
    const char *path; /* of the socket; NULL: it is somebody else's to remove */
    int listener;
    int oom; /* the file of our own oom_score_adj; -1: none */
    char oom_own[16];
    uint64_t turns;
    uint64_t rest_until; /* of the listener */
    struct job job;
};

/* The passwords of others: in one piece that can be locked into memory and wiped. */
static struct waiter waiters[WAITERS];

static volatile sig_atomic_t stopping;

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- Answers ------------------------------------------------------------------------------- */

/* It always fits into what the system keeps for a connection; who doesn't read it has only himself
 * to blame. */
static void reply(int fd, const struct kp_passwd_answer *answer)
{
    (void)!send(fd, answer->line, strlen(answer->line), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)close(fd);
}

static void reply_failed(int fd, const char *code, const char *sentence)
{
    struct kp_passwd_answer answer;
    kp_passwd_answer_failed(&answer, code, sentence);
    reply(fd, &answer);
}

static void forget(struct waiter *w)
{
    kp_wipe(w, sizeof *w);
    w->fd = -1;
}

static void turn_away(struct waiter *w, const char *code, const char *sentence)
{
    reply_failed(w->fd, code, sentence);
    forget(w);
}

/* ---- The child ----------------------------------------------------------------------------- */

/* What is other clients' isn't the child's: it could hold their connections open. */
static void leave_parent_behind(const struct desk *desk, const struct waiter *own)
{
    if (desk->listener >= 0)
        (void)close(desk->listener);
    if (desk->oom >= 0)
        (void)close(desk->oom);
    for (struct waiter *w = waiters; w < waiters + WAITERS; w++) {
        if (w->fd >= 0)
            (void)close(w->fd);
        if (w != own)
            forget(w);
    }
    if (desk->job.client >= 0)
        (void)close(desk->job.client);
}

static void set_victim(const struct desk *desk, const char *value)
{
    if (desk->oom >= 0)
        (void)!pwrite(desk->oom, value, strlen(value), 0);
}

/* A child that is the first to go when memory is short.  It inherits that, as it couldn't set it
 * itself: without core files a process's own files in /proc are root's. */
static pid_t fork_victim(const struct desk *desk)
{
    set_victim(desk, OOM_VICTIM);
    pid_t pid = fork();
    if (pid != 0)
        set_victim(desk, desk->oom_own);
    return pid;
}

/* In the child: SIGTERM is for the parent, who waits for us. */
static _Noreturn void work(struct desk *desk, int channel, struct waiter *own)
{
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    leave_parent_behind(desk, own);
    if (own != NULL) {
        (void)mlock(own->data, sizeof own->data);
        kp_passwd_worker_change(desk->passwd, channel, own->data, own->len);
    } else {
        kp_passwd_worker_look(desk->passwd, channel, &desk->job.committed);
    }
    _exit(0);
}

/* A child for the job; own NULL: one that looks what became of it.  false: the system has none. */
static bool begin(struct desk *desk, struct waiter *own)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    pid_t pid = fork_victim(desk);
    if (pid == 0) {
        (void)close(pair[0]);
        work(desk, pair[1], own);
    }
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return false;
    }
    desk->job.pid = pid;
    desk->job.channel = pair[0];
    desk->job.deadline = now_ms() + CHANGE_MS;
    return true;
}

/* ---- The job ------------------------------------------------------------------------------- */

/* The one whose request was whole first. */
static struct waiter *next_waiter(void)
{
    struct waiter *next = NULL;
    for (struct waiter *w = waiters; w < waiters + WAITERS; w++)
        if (w->fd >= 0 && w->turn != 0 && (next == NULL || w->turn < next->turn))
            next = w;
    return next;
}

static void start_next(struct desk *desk)
{
    struct waiter *w = desk->job.pid == 0 ? next_waiter() : NULL;
    if (w == NULL)
        return;
    desk->job = (struct job){.client = -1, .channel = -1};
    if (!begin(desk, w)) {
        turn_away(w, "memory", NO_MEMORY);
        return;
    }
    desk->job.client = w->fd;
    forget(w);
}

/* One source and one name for all: whoever it is may only try so many passwords. */
static const uint8_t everybody[KP_SOURCE_LEN];

static void grant(struct desk *desk)
{
    struct job *job = &desk->job;
    const struct kp_passwd_note yes = {.kind = KP_NOTE_GRANT};
    uint64_t now = now_ms();
    if (job->guess.granted || job->looking)
        return;
    if (kp_throttle_take(desk->throttle, everybody, "", 0, now, &job->guess) == KP_GUESS_GRANTED) {
        (void)!kp_passwd_note_send(job->channel, &yes);
        return;
    }
    uint32_t wait = kp_throttle_wait(desk->throttle, everybody, now);
    kp_passwd_answer_later(&job->answer, wait > 0 ? wait : GUESS_SECONDS);
    job->answered = true;
    (void)kill(job->pid, SIGKILL);
}

static void hear(struct desk *desk, const struct kp_passwd_note *note)
{
    struct job *job = &desk->job;
    switch (note->kind) {
    case KP_NOTE_ASK:
        grant(desk);
        break;
    case KP_NOTE_COMMIT:
        job->committed = *note;
        if (job->committed.name_len > sizeof job->committed.name)
            job->committed.name_len = 0;
        break;
    case KP_NOTE_ANSWER:
        if (!job->answered)
            job->answer = note->answer;
        job->answer.line[sizeof job->answer.line - 1] = '\0';
        job->answered = true;
        break;
    default:
        break;
    }
}

/* It ended without an answer.  Whether another child finds out what became of its change. */
static bool look_into(struct desk *desk)
{
    struct job *job = &desk->job;
    if (job->committed.kind != 0 && !job->looking) {
        job->looking = true;
        if (begin(desk, NULL))
            return true;
    }
    if (job->committed.kind != 0)
        kp_passwd_answer_failed(&job->answer, "busy", NOT_KNOWN);
    else if (job->late)
        kp_passwd_answer_failed(&job->answer, "busy", TOO_SLOW);
    else
        kp_passwd_answer_failed(&job->answer, "memory", NO_MEMORY);
    return false;
}

/* The child is gone, and what it had with it. */
static void finish(struct desk *desk)
{
    struct job *job = &desk->job;
    while (waitpid(job->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    (void)close(job->channel);
    job->pid = 0;
    job->channel = -1;
    if (!job->answered && look_into(desk))
        return;
    if (kp_passwd_answer_is(job->answer.line, strlen(job->answer.line), "wrong"))
        kp_command_note("a wrong name or password came over the socket");
    else if (job->guess.granted) /* right, or nobody learned what it was */
        kp_throttle_proved(desk->throttle, &job->guess, now_ms());
    reply(job->client, &job->answer);
    *job = (struct job){.client = -1, .channel = -1};
}

static void advance(struct desk *desk)
{
    struct kp_passwd_note note;
    if (kp_passwd_note_take(desk->job.channel, &note))
        hear(desk, &note);
    else
        finish(desk);
}

/* ---- Clients ------------------------------------------------------------------------------- */

static struct waiter *free_place(void)
{
    for (struct waiter *w = waiters; w < waiters + WAITERS; w++)
        if (w->fd < 0)
            return w;
    return NULL;
}

static void welcome(struct desk *desk)
{
    int fd = accept4(desk->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct waiter *w = free_place();
    if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        desk->rest_until = now_ms() + REST_MS;
    if (fd < 0)
        return;
    if (w == NULL) {
        reply_failed(fd, "busy", CROWDED);
        return;
    }
    w->fd = fd;
    w->since = now_ms();
}

static void listen_to(struct desk *desk, struct waiter *w)
{
    ssize_t n = recv(w->fd, w->data + w->len, sizeof w->data - w->len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        w->len += (size_t)n;
    if (n > 0 && w->len == sizeof w->data)
        turn_away(w, "request", TOO_LONG);
    else if (n > 0 && kp_passwd_request_end(w->data, w->len) > 0)
        w->turn = ++desk->turns;
    else if (n == 0 && w->len > 0)
        turn_away(w, "request", CUT);
    else if (n <= 0) {
        (void)close(w->fd);
        forget(w);
    }
}

/* ---- The loop ------------------------------------------------------------------------------ */

/* Ends what has taken too long.  The milliseconds until there may be more to end; -1: nothing. */
static int expire(struct desk *desk)
{
    uint64_t now = now_ms();
    uint64_t next = UINT64_MAX;
    for (struct waiter *w = waiters; w < waiters + WAITERS; w++) {
        if (w->fd >= 0 && w->turn == 0 && now >= w->since + REQUEST_MS)
            turn_away(w, "request", TOO_LATE);
        else if (w->fd >= 0 && w->turn == 0 && w->since + REQUEST_MS < next)
            next = w->since + REQUEST_MS;
    }
    if (desk->job.pid != 0 && now >= desk->job.deadline) {
        desk->job.late = true;
        (void)kill(desk->job.pid, SIGKILL);
    } else if (desk->job.pid != 0 && desk->job.deadline < next) {
        next = desk->job.deadline;
    }
    if (desk->rest_until > now && desk->rest_until < next)
        next = desk->rest_until;
    return next == UINT64_MAX ? -1 : (int)(next - now);
}

/* No more clients; the change that is being made is finished. */
static void close_up(struct desk *desk)
{
    if (desk->listener < 0)
        return;
    if (desk->path != NULL)
        kp_passwd_socket_remove(desk->path, desk->listener);
    else
        (void)close(desk->listener);
    desk->listener = -1;
    for (struct waiter *w = waiters; w < waiters + WAITERS; w++)
        if (w->fd >= 0)
            turn_away(w, "busy", "the device is shutting down; the old password stays");
}

static int turn(struct desk *desk, const sigset_t *unblocked)
{
    enum { LISTENER, CHANNEL, FIRST };
    struct pollfd fds[FIRST + WAITERS];
    int wait = expire(desk);
    struct timespec until = {wait / 1000, wait % 1000 * 1000000};
    bool rests = desk->rest_until > now_ms();
    fds[LISTENER] = (struct pollfd){rests ? -1 : desk->listener, POLLIN, 0};
    fds[CHANNEL] = (struct pollfd){desk->job.pid != 0 ? desk->job.channel : -1, POLLIN, 0};
    for (size_t i = 0; i < WAITERS; i++)
        fds[FIRST + i] = (struct pollfd){waiters[i].turn == 0 ? waiters[i].fd : -1, POLLIN, 0};
    if (ppoll(fds, FIRST + WAITERS, wait >= 0 ? &until : NULL, unblocked) < 0)
        return errno == EINTR ? 0 : -1;
    for (size_t i = 0; i < WAITERS; i++)
        if (fds[FIRST + i].revents != 0)
            listen_to(desk, &waiters[i]);
    if (fds[CHANNEL].revents != 0)
        advance(desk);
    if (fds[LISTENER].revents != 0)
        welcome(desk);
    return 0;
}

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

/* Signals come while the loop waits, and only then. */
static void take_signals(sigset_t *unblocked)
{
    static const int ends[] = {SIGTERM, SIGINT, SIGHUP};
    const struct sigaction end = {.sa_handler = on_signal};
    sigset_t blocked;
    (void)sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        (void)sigaction(ends[i], &end, NULL);
        (void)sigaddset(&blocked, ends[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &blocked, unblocked);
}

static int serve(struct desk *desk, const sigset_t *unblocked)
{
    while (!stopping || desk->job.pid != 0) {
        if (stopping)
            close_up(desk);
        else
            start_next(desk);
        if (turn(desk, unblocked) != 0)
            return kp_command_fail(KP_EXIT_FAILED, "cannot wait: %s", strerror(errno));
    }
    close_up(desk);
    return KP_EXIT_DONE;
}

/* ---- The start ----------------------------------------------------------------------------- */

/* Before the process is closed to others: then even its own file is root's. */
static void open_oom(struct desk *desk)
{
    desk->oom = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    ssize_t n = desk->oom >= 0 ? pread(desk->oom, desk->oom_own, sizeof desk->oom_own - 1, 0) : -1;
    if (n > 0)
        return;
    if (desk->oom >= 0)
        (void)close(desk->oom);
    desk->oom = -1;
}

static void harden(struct desk *desk)
{
    const struct rlimit descriptors = {DESCRIPTORS, DESCRIPTORS};
    open_oom(desk);
    kp_platform_harden();
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_NOFILE, &descriptors);
    /* Not all memory: it is the passwords that are not to be found in a swap file. */
    (void)mlock(waiters, sizeof waiters);
}

/* Whether a change could be made, tried by a child as a change is. */
static int try_it(struct kp_passwd *passwd)
{
    int result = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(kp_passwd_worker_try(passwd));
    if (pid < 0)
        return kp_command_fail(KP_EXIT_FAILED, "cannot begin a process: %s", strerror(errno));
    while (waitpid(pid, &result, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(result) ? WEXITSTATUS(result) : KP_EXIT_FAILED;
}

/* --socket, or what a service manager opened. */
static int open_socket(struct desk *desk)
{
    const char *path = kp_options_get(desk->passwd->options, "socket");
    gid_t group;
    if (path == NULL) {
        desk->listener = kp_passwd_socket_passed();
        return kp_options_has(desk->passwd->options, "socket-group")
                   ? kp_command_misused("--socket-group is for the socket of --socket")
                   : KP_EXIT_DONE;
    }
    int status = kp_passwd_socket_group(desk->passwd->options, &group);
    if (status == KP_EXIT_DONE)
        status = kp_passwd_socket_listen(path, group, &desk->listener);
    if (status == KP_EXIT_DONE)
        desk->path = path;
    return status;
}

static int open_throttle(struct desk *desk)
{
    /* The name's is never the one that is empty: of the other it can be told for how long. */
    const struct kp_throttle_settings settings = {
        .source = {.burst = GUESSES, .seconds = GUESS_SECONDS},
        .name = {.burst = 2 * GUESSES, .seconds = GUESS_SECONDS}};
    if (kp_throttle_new(&desk->throttle, &settings) == 0)
        return KP_EXIT_DONE;
    return kp_command_fail(KP_EXIT_FAILED, "out of memory");
}

int kp_passwd_listen(struct kp_passwd *passwd)
{
    struct desk desk = {.passwd = passwd, .listener = -1, .oom = -1};
    sigset_t unblocked;
    desk.job = (struct job){.client = -1, .channel = -1};
    for (struct waiter *w = waiters; w < waiters + WAITERS; w++)
        w->fd = -1;
    if (!kp_options_has(passwd->options, "socket") && kp_passwd_socket_passed() < 0)
        return kp_command_misused("--socket PATH is missing");
    int status = try_it(passwd);
    if (status == KP_EXIT_DONE)
        status = open_socket(&desk);
    if (status == KP_EXIT_DONE)
        status = open_throttle(&desk);
    if (status == KP_EXIT_DONE) {
        harden(&desk);
        take_signals(&unblocked);
        if (desk.path != NULL)
            printf("listening unix:%s\n", desk.path);
        else
            printf("listening fd:%d\n", desk.listener);
        (void)fflush(stdout);
        status = serve(&desk, &unblocked);
    }
    close_up(&desk);
    kp_throttle_free(desk.throttle);
    kp_wipe(waiters, sizeof waiters);
    if (desk.oom >= 0)
        (void)close(desk.oom);
    return status;
}
