/*
 * Heavy work waits in turn: who has proved something goes first, one source's hundred don't keep
 * another's one waiting, only so much is queued, and who has most queued is refused.
 */
#include "net_ends.h"

#define MOST 400

struct job {
    struct kp_task task; /* first */
    bool slow;
};

static struct job jobs[MOST];
static const struct job *ran[MOST]; /* in this order */
static size_t run_count, refused_count;
static unsigned busy_count;

static void run(struct kp_task *task)
{
    struct job *job = (struct job *)(void *)task;
    assert_null(task->at);
    if (job->slow)
        usleep(10000);
    if (task->queue == KP_TASK_REFUSED)
        refused_count++;
    else
        ran[run_count++] = job;
}

static void busy(struct kp_loop *l)
{
    assert_ptr_equal(l, &loop);
    busy_count++;
}

static int begin(void **state)
{
    memset(jobs, 0, sizeof jobs);
    for (size_t i = 0; i < MOST; i++)
        jobs[i].task.run = run;
    run_count = refused_count = 0;
    busy_count = 0;
    if (open_loop(state) != 0)
        return -1;
    loop.busy = busy;
    return 0;
}

static void in_turn(size_t job, uint32_t source)
{
    jobs[job].task.source = source;
    kp_loop_in_turn(&loop, &jobs[job].task);
}

static void run_all(void)
{
    for (unsigned turns = 0; uv_is_active((uv_handle_t *)&loop.work); turns++) {
        assert_true(turns < 10000);
        one_turn();
    }
    assert_int_equal(loop.strangers, 0);
}

static void test_proved_first(void **state)
{
    (void)state;
    in_turn(0, 1);
    in_turn(1, 2);
    kp_loop_later(&loop, &jobs[2].task);
    kp_loop_later(&loop, &jobs[3].task);
    kp_loop_later(&loop, &jobs[2].task); /* it keeps its place */
    run_all();
    assert_int_equal(run_count, 4);
    assert_ptr_equal(ran[0], &jobs[2]);
    assert_ptr_equal(ran[1], &jobs[3]);
    assert_ptr_equal(ran[2], &jobs[0]);
    assert_ptr_equal(ran[3], &jobs[1]);
}

static void test_sources_take_turns(void **state)
{
    (void)state;
    for (size_t i = 0; i < 100; i++)
        in_turn(i, 7);
    in_turn(100, 8);
    in_turn(101, 8);
    in_turn(102, 9);
    run_all();
    assert_int_equal(run_count, 103);
    assert_ptr_equal(ran[0], &jobs[0]);
    assert_ptr_equal(ran[1], &jobs[100]);
    assert_ptr_equal(ran[2], &jobs[102]);
    assert_ptr_equal(ran[3], &jobs[1]);
    assert_ptr_equal(ran[4], &jobs[101]);
    for (size_t i = 5; i < 103; i++)
        assert_ptr_equal(ran[i], &jobs[i - 3]);
}

/* Rounds go on from where the loop is: who comes late isn't behind, nor before, those that wait. */
static void test_a_late_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < 50; i++) {
        in_turn(i, 7);
        jobs[i].slow = true;
    }
    while (run_count < 20)
        one_turn();
    in_turn(100, 8);
    size_t now = run_count;
    run_all();
    assert_true(ran[now] == &jobs[100] || ran[now + 1] == &jobs[100]);
}

/* However often rounds are counted. */
static void test_rounds_go_round(void **state)
{
    (void)state;
    loop.round = 65530;
    for (size_t i = 0; i < 20; i++)
        in_turn(i, 7);
    in_turn(20, 8);
    run_all();
    assert_ptr_equal(ran[0], &jobs[0]);
    assert_ptr_equal(ran[1], &jobs[20]);
    for (size_t i = 2; i < 21; i++)
        assert_ptr_equal(ran[i], &jobs[i - 1]);
    assert_int_equal(loop.round, (uint16_t)(65530 + 19));
}

static void test_bound(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        in_turn(i, 8);
    for (size_t i = 3; i < 300; i++)
        in_turn(i, 7);
    assert_int_equal(loop.strangers, KP_TASKS_MOST);
    assert_int_equal(busy_count, 300 - KP_TASKS_MOST);
    in_turn(300, 9); /* another's one has its place all the same */
    assert_int_equal(busy_count, 301 - KP_TASKS_MOST);
    run_all();
    assert_int_equal(refused_count, 301 - KP_TASKS_MOST);
    assert_int_equal(run_count, KP_TASKS_MOST);
    for (size_t i = 0; i < 3; i++)
        assert_int_not_equal(jobs[i].task.queue, KP_TASK_REFUSED);
    assert_int_not_equal(jobs[300].task.queue, KP_TASK_REFUSED);
    assert_int_equal(jobs[299].task.queue, KP_TASK_REFUSED);
    assert_int_equal(jobs[KP_TASKS_MOST - 1].task.queue, KP_TASK_REFUSED); /* it was the youngest */
    assert_int_not_equal(jobs[KP_TASKS_MOST - 2].task.queue, KP_TASK_REFUSED);
}

/* No more than can be done in time; what a task takes is measured. */
static void test_patience(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        jobs[i].slow = true;
        in_turn(i, 7);
    }
    run_all();
    assert_true(loop.task_ns >= 9000000 && loop.task_ns < 1000000000);
    loop.task_ns = 10000000;
    loop.patience_ms = 100;
    for (size_t i = 20; i < 60; i++)
        in_turn(i, 7);
    assert_int_equal(loop.strangers, 10);
    assert_int_equal(busy_count, 30);
    loop.patience_ms = 1; /* one at least: else nothing would ever be measured again */
    run_all();
    in_turn(60, 7);
    in_turn(61, 7);
    assert_int_equal(loop.strangers, 1);
    run_all();
}

/* Whatever is taken out, the rest stays in order and the loop can sleep. */
static void test_forgotten(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++)
        in_turn(i, (uint32_t)(i % 2));
    kp_loop_forget(&loop, &jobs[4].task);
    kp_loop_forget(&loop, &jobs[0].task);
    kp_loop_forget(&loop, &jobs[0].task);
    in_turn(5, 3);
    kp_loop_forget(&loop, &jobs[3].task);
    assert_int_equal(loop.strangers, 3);
    run_all();
    assert_int_equal(run_count, 3);
    assert_ptr_equal(ran[0], &jobs[1]);
    assert_ptr_equal(ran[1], &jobs[5]);
    assert_ptr_equal(ran[2], &jobs[2]);
    in_turn(0, 1);
    kp_loop_forget(&loop, &jobs[0].task);
    assert_false(uv_is_active((uv_handle_t *)&loop.work));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_proved_first, begin, close_loop),
        cmocka_unit_test_setup_teardown(test_sources_take_turns, begin, close_loop),
        cmocka_unit_test_setup_teardown(test_a_late_one, begin, close_loop),
        cmocka_unit_test_setup_teardown(test_rounds_go_round, begin, close_loop),
        cmocka_unit_test_setup_teardown(test_bound, begin, close_loop),
        cmocka_unit_test_setup_teardown(test_patience, begin, close_loop),
        cmocka_unit_test_setup_teardown(test_forgotten, begin, close_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
