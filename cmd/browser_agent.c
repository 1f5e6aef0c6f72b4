/* Whether the agent answers: see browser_agent.h. */
#include "browser_agent.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "browser_ids.h"
#include "client/frames.h"
#include "creds/text.h"
#include "platform.h"

#define ANSWER_MAX 65536 /* bytes of one message that is read */
#define HELLO_ID 1
#define HELLO                                                                                      \
    "{\"id\":1,\"type\":\"hello\",\"protocol\":1,\"client\":\"browser\",\"lasting\":false}"

struct session {
    struct kp_agent_answer *out;
    pid_t pid;
    int to, from;
    int64_t end; /* of the time, in ms */
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void fail(struct kp_agent_answer *out, const char *why, const char *more)
{
    (void)snprintf(out->why, sizeof out->why, "%s%s%s", why, more[0] != '\0' ? ": " : "", more);
}

/* ---- Starting it ------------------------------------------------------------------------- */

/* In the child.  Only returns if it can't be done. */
static void become(const char *program, int in, int out, const struct passwd *person)
{
    /* What Chromium gives it. */
    char *argv[] = {(char *)program, (char *)"chrome-extension://" KP_BROWSER_CHROMIUM_ID "/",
                    NULL};
    int null = open("/dev/null", O_WRONLY);
    (void)signal(SIGPIPE, SIG_DFL);
    if (person != NULL &&
        (initgroups(person->pw_name, person->pw_gid) != 0 || setgid(person->pw_gid) != 0 ||
         setuid(person->pw_uid) != 0 || setenv("HOME", person->pw_dir, 1) != 0))
        return;
    /* What it says to people has no place here. */
    if (null >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(null, 2) == 2)
        (void)execv(program, argv);
}

static int start(struct session *session, const char *program)
{
    unsigned uid = kp_platform_person();
    const struct passwd *person = uid != geteuid() ? getpwuid(uid) : NULL;
    int to[2], from[2];
    if (uid != geteuid() && person == NULL)
        return -1;
    if (pipe2(to, O_CLOEXEC) != 0)
        return -1;
    if (pipe2(from, O_CLOEXEC) != 0) {
        (void)close(to[0]);
        (void)close(to[1]);
        return -1;
    }
    (void)fflush(NULL);
    session->pid = fork();
    if (session->pid == 0) {
        become(program, to[0], from[1], person);
        _exit(127);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    session->to = to[1];
    session->from = from[0];
    if (session->pid > 0)
        return 0;
    (void)close(session->to);
    (void)close(session->from);
    return -1;
}

/* Its input ends: it has to, too. */
static void stop(struct session *session)
{
    const struct timespec pause = {0, 10000000};
    int status;
    (void)close(session->to);
    (void)close(session->from);
    for (int i = 0; i < 100; i++) {
        if (waitpid(session->pid, &status, WNOHANG) != 0)
            return;
        (void)nanosleep(&pause, NULL);
    }
    (void)kill(session->pid, SIGKILL);
    (void)waitpid(session->pid, &status, 0);
}

/* ---- What it says ------------------------------------------------------------------------ */

/* true: it isn't the answer; reading goes on. */
static bool take(void *owner, const char *text, size_t len)
{
    struct kp_agent_answer *out = owner;
    cJSON *json = cJSON_ParseWithLength(text, len);
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "id");
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(json, "version");
    bool event = cJSON_IsObject(json) && id == NULL;
    out->answers = cJSON_IsNumber(id) && cJSON_GetNumberValue(id) == HELLO_ID &&
                   cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "ok"));
    if (cJSON_IsString(version) && strlen(version->valuestring) < sizeof out->version / 4)
        kp_text_escape(out->version, version->valuestring, strlen(version->valuestring));
    if (!cJSON_IsObject(json))
        fail(out, "it answers with something else than JSON", "");
    else if (!out->answers && !event)
        fail(out, "it refuses what this version of keyplate says", "");
    cJSON_Delete(json);
    return event;
}

static void listen_to(struct session *session, struct kp_frames *frames)
{
    struct kp_agent_answer *out = session->out;
    while (!out->answers && out->why[0] == '\0') {
        struct pollfd ready = {session->from, POLLIN, 0};
        uint8_t bytes[4096];
        int64_t left = session->end - now_ms();
        if (left <= 0 || poll(&ready, 1, (int)left) == 0) {
            fail(out, "it doesn't answer in time", "");
            return;
        }
        ssize_t n = read(session->from, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            fail(out, "it ends without an answer", "");
        else if (!kp_frames_take(frames, bytes, (size_t)n, take, out) && !out->answers &&
                 out->why[0] == '\0')
            fail(out, "it doesn't speak native messaging", "");
    }
}

static void greet(struct session *session)
{
    struct kp_frames frames;
    struct kp_out hello = {0};
    kp_frames_put(&hello, HELLO, strlen(HELLO));
    /* It fits into the pipe.  If nobody reads it, what is said instead tells more. */
    if (!hello.failed)
        (void)!write(session->to, hello.at, hello.len);
    kp_frames_init(&frames, ANSWER_MAX);
    listen_to(session, &frames);
    kp_frames_clear(&frames);
    kp_out_free(&hello);
}

void kp_agent_ask(struct kp_agent_answer *out, const char *program)
{
    struct session session = {.out = out, .end = now_ms() + KP_AGENT_ANSWER_S * 1000};
    memset(out, 0, sizeof *out);
    if (start(&session, program) != 0) {
        fail(out, "it can't be started", strerror(errno));
        return;
    }
    greet(&session);
    stop(&session);
}
