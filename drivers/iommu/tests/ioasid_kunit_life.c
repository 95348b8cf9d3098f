// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_life": FREE_PENDING, quarantine, and waiting for
 * the end of it.
 */
#include <linux/rcupdate.h>

#include "ioasid_kunit.h"

static void expect_not_recyclable(struct kunit *test, ioasid_t id)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t again;

	KUNIT_EXPECT_TRUE(test, ik_taken(id));
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, id, id, NULL, &again), -ENOSPC);
	ik_set_free(test, set);
}

static void with_subscriber_desc(const bool *subscribed, char *desc)
{
	strscpy(desc, *subscribed ? "subscriber" : "no_subscriber",
		KUNIT_PARAM_DESC_SIZE);
}

static const bool with_subscriber[] = { false, true };

KUNIT_ARRAY_PARAM(with_subscriber, with_subscriber, with_subscriber_desc);

/* Some of the life depends on whether there are events to send */
static struct ioasid_set *param_set(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);

	if (*(const bool *)test->param_value)
		ik_subscribe(test, set, 0);
	return set;
}

/* Each reference keeps the number, whichever free it was */
static void reference_keeps_id(struct kunit *test)
{
	struct ioasid_set *set = param_set(test);
	ioasid_t id;

	for (int way = 0; way < 3; way++) {
		id = ik_alloc(test, set, 1, 100);
		IK_ASSERT_OK(test, ioasid_get(set, id));
		IK_ASSERT_OK(test, ioasid_get(set, id));
		if (way == 0)
			IK_EXPECT_OK(test, ioasid_free(set, id));
		else if (way == 1)
			IK_EXPECT_OK(test, ioasid_free_async(set, id));
		else
			ioasid_set_free_ids(set);
		ioasid_synchronize();
		expect_not_recyclable(test, id);
		ioasid_put(set, id);
		ioasid_synchronize();
		expect_not_recyclable(test, id);
		ioasid_put(set, id);
		ik_expect_recyclable(test, id);
	}
}

/* Nobody has it: it is free again */
static void recycled(struct kunit *test)
{
	struct ioasid_set *set = param_set(test);
	ioasid_t ids[4];

	ik_alloc_many(test, set, ids, 4);
	IK_EXPECT_OK(test, ioasid_free(set, ids[0]));
	ik_expect_recyclable(test, ids[0]);
	IK_EXPECT_OK(test, ioasid_free_async(set, ids[1]));
	ik_expect_recyclable(test, ids[1]);
	IK_ASSERT_OK(test, ioasid_get(set, ids[2]));
	ioasid_put(set, ids[2]);
	ik_set_free(test, set);
	ik_expect_recyclable(test, ids[2]);
	ik_expect_recyclable(test, ids[3]);
}

struct reader {
	ioasid_t id;
	struct completion inside;
	bool leave;
	bool kept;
};

static int read_side(void *data)
{
	unsigned long until = jiffies + 5 * HZ;
	struct reader *r = data;

	r->kept = true;
	rcu_read_lock();
	complete(&r->inside);
	/* Until told to leave, if the case is not aborted */
	while (!READ_ONCE(r->leave) && time_before(jiffies, until)) {
		if (!ik_taken(r->id))
			r->kept = false;
		cpu_relax();
	}
	rcu_read_unlock();
	return 0;
}

enum way { LAST_IS_FREE, LAST_IS_PUT, LAST_IS_PUT_OF_ALL };

static void expect_reader_keeps_id(struct kunit *test, struct ioasid_set *set,
				   struct reader *r, enum way way)
{
	unsigned long until = jiffies + IK_LOOK;
	struct ik_task *task;

	r->id = ik_alloc(test, set, 1, 100);
	r->leave = false;
	init_completion(&r->inside);
	IK_ASSERT_OK(test, ioasid_get(set, r->id));
	task = ik_run(test, read_side, r);
	wait_for_completion(&r->inside);

	if (way == LAST_IS_FREE)
		ioasid_put(set, r->id);
	if (way == LAST_IS_PUT_OF_ALL)
		ioasid_set_free_ids(set);
	else
		IK_EXPECT_OK(test, ioasid_free(set, r->id));
	if (way != LAST_IS_FREE)
		ioasid_put(set, r->id);

	do {
		expect_not_recyclable(test, r->id);
		KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 1);
		schedule_timeout_uninterruptible(1);
	} while (time_before(jiffies, until));

	WRITE_ONCE(r->leave, true);
	IK_EXPECT_OK(test, ik_join(test, task));
	KUNIT_EXPECT_TRUE(test, r->kept);
	ik_expect_recyclable(test, r->id);
}

/* A reader that may have found the number holds it back, whoever retires it */
static void reader_keeps_id(struct kunit *test)
{
	struct reader *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	struct ioasid_set *set = ik_set(test);
	enum way way;

	if (num_online_cpus() < 2 && !IS_ENABLED(CONFIG_PREEMPT_RCU))
		kunit_skip(test, "a reader and a writer need two CPUs or preemption");

	KUNIT_ASSERT_NOT_NULL(test, r);
	for (way = LAST_IS_FREE; way <= LAST_IS_PUT_OF_ALL; way++)
		expect_reader_keeps_id(test, set, r, way);
	ik_subscribe(test, set, 0);
	for (way = LAST_IS_FREE; way <= LAST_IS_PUT_OF_ALL; way++)
		expect_reader_keeps_id(test, set, r, way);
}

/* The same on any machine, where the reader is the one who frees */
static void own_reader_keeps_id(struct kunit *test)
{
	struct ioasid_set *set = param_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);

	rcu_read_lock();
	IK_EXPECT_OK(test, ioasid_free_async(set, id));
	KUNIT_EXPECT_TRUE(test, ik_taken(id));
	rcu_read_unlock();
	ik_expect_recyclable(test, id);
}

struct watch {
	ioasid_t id;
	bool put;
	bool kept;
};

static int watch_handler(struct ik_sub *sub, unsigned long event,
			 struct ioasid_nb_args *args)
{
	struct watch *w = sub->data;

	if (event == IOASID_FREE && w->put)
		ioasid_put(args->set, args->id);
	/* Time enough for a number that is wrongly retired to become free */
	synchronize_rcu();
	rcu_barrier();
	w->kept &= ik_taken(w->id);
	return NOTIFY_OK;
}

static void put_param_desc(const bool *put, char *desc)
{
	strscpy(desc, *put ? "last_put_in_handler" : "no_reference",
		KUNIT_PARAM_DESC_SIZE);
}

static const bool put_param[] = { false, true };

KUNIT_ARRAY_PARAM(put_param, put_param, put_param_desc);

/*
 * The event itself keeps the number until SYNC has returned, also when the last
 * reference goes between FREE and SYNC.
 */
static void event_keeps_id(struct kunit *test)
{
	struct watch *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub;

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->id = ik_alloc(test, set, 1, 100);
	w->put = *(const bool *)test->param_value;
	w->kept = true;
	if (w->put)
		IK_ASSERT_OK(test, ioasid_get(set, w->id));
	sub = ik_subscribe(test, set, 0);
	sub->data = w;
	sub->handler = watch_handler;

	IK_EXPECT_OK(test, ioasid_free(set, w->id));
	ik_expect_frees(test, sub, &w->id, 1, 1);
	KUNIT_EXPECT_TRUE(test, w->kept);
	ik_expect_recyclable(test, w->id);
}

/* The second free does not wait for the events of the first */
static void second_free_is_at_once(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_task *task;

	ik_hold(sub, IOASID_SYNC);
	task = ik_run_free(test, set, id);
	ik_wait_held(test, sub);
	IK_EXPECT_OK(test, ik_join(test, ik_run_free(test, set, id)));
	KUNIT_EXPECT_EQ(test, atomic_read(&sub->inside), 1);
	ik_release(sub);
	IK_EXPECT_OK(test, ik_join(test, task));
	ik_expect_frees(test, sub, &id, 1, 1);
}

/* With the worker held up, what comes meanwhile is taken together */
static void async_is_batched(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t ids[20];

	ik_alloc_many(test, set, ids, ARRAY_SIZE(ids));
	ik_hold(sub, IOASID_FREE);
	IK_EXPECT_OK(test, ioasid_free_async(set, ids[0]));
	ik_wait_held(test, sub);
	for (int i = 1; i < ARRAY_SIZE(ids); i++)
		IK_EXPECT_OK(test, ioasid_free_async(set, ids[i]));
	ik_release(sub);
	ioasid_synchronize();
	/* The first, and all the others together */
	ik_expect_frees(test, sub, ids, ARRAY_SIZE(ids), 2);
}

static int do_set_free(void *set)
{
	ioasid_set_free(set);
	return 0;
}

/*
 * A set dies while others free its numbers: each gets one FREE, whoever sends
 * it, and when set_free() returns all of it has run.
 */
static void set_free_takes_all(struct kunit *test)
{
	struct ioasid_set *set = ioasid_set_get(ik_set(test));
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_task *one, *two;
	ioasid_t ids[10];

	ik_alloc_many(test, set, ids, ARRAY_SIZE(ids));
	ik_hold(sub, IOASID_FREE);
	one = ik_run_free(test, set, ids[0]);
	ik_wait_held(test, sub);
	IK_EXPECT_OK(test, ioasid_free_async(set, ids[1]));
	two = ik_run_set_free_ids(test, set);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(two));
	for (int i = 0; i < ARRAY_SIZE(ids); i++)
		KUNIT_EXPECT_FALSE(test, ioasid_alive(ids[i]));
	ik_release(sub);
	ik_join(test, two);
	KUNIT_EXPECT_EQ(test, ik_log_count(sub, IOASID_FREE), ARRAY_SIZE(ids));
	IK_EXPECT_OK(test, ik_join(test, one));
	ioasid_synchronize();
	ik_expect_frees(test, sub, ids, ARRAY_SIZE(ids), 2);
	ioasid_set_put(set);
}

/* It does so too if all numbers were freed by others, who still send it */
static void set_free_waits(struct kunit *test)
{
	struct ioasid_set *set = ioasid_set_get(ik_set(test));
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_task *task;

	ik_hold(sub, IOASID_SYNC);
	IK_EXPECT_OK(test, ioasid_free_async(set, id));
	ik_wait_held(test, sub);
	ik_set_forget(test, set);
	task = ik_run(test, do_set_free, set);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(task));
	ik_release(sub);
	ik_join(test, task);
	ik_expect_frees(test, sub, &id, 1, 1);
	ioasid_set_put(set);
}

/* It waits for events that others have begun, in whatever way */
static void synchronize_waits(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t ids[2];
	struct ik_task *free, *task;

	ik_alloc_many(test, set, ids, 2);
	ik_hold(sub, IOASID_SYNC);
	free = ik_run_free(test, set, ids[0]);
	ik_wait_held(test, sub);
	task = ik_run_synchronize(test);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(task));
	ik_release(sub);
	ik_join(test, task);
	KUNIT_EXPECT_EQ(test, atomic_read(&sub->inside), 0);
	IK_EXPECT_OK(test, ik_join(test, free));

	ik_hold(sub, IOASID_FREE);
	IK_EXPECT_OK(test, ioasid_free_async(set, ids[1]));
	task = ik_run_synchronize(test);
	ik_wait_held(test, sub);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(task));
	ik_release(sub);
	ik_join(test, task);
	ik_expect_frees(test, sub, ids, 2, 2);
}

/* Not for what begins later */
static void synchronize_does_not_wait_for_later(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *later = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_sub *sub2 = ik_subscribe(test, later, 0);
	struct ik_task *task, *free, *free2;

	ik_hold(sub, IOASID_SYNC);
	free = ik_run_free(test, set, ik_alloc(test, set, 1, 100));
	ik_wait_held(test, sub);
	task = ik_run_synchronize(test);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(task));

	ik_hold(sub2, IOASID_SYNC);
	free2 = ik_run_free(test, later, ik_alloc(test, later, 1, 100));
	ik_wait_held(test, sub2);
	ik_release(sub);
	ik_join(test, task);
	KUNIT_EXPECT_EQ(test, atomic_read(&sub2->inside), 1);
	ik_release(sub2);
	IK_EXPECT_OK(test, ik_join(test, free));
	IK_EXPECT_OK(test, ik_join(test, free2));
}

/* Two at a time: each waits for what began before it */
static void synchronize_twice(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *later = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_sub *sub2 = ik_subscribe(test, later, 0);
	struct ik_task *one, *two, *free, *free2;

	ik_hold(sub, IOASID_SYNC);
	free = ik_run_free(test, set, ik_alloc(test, set, 1, 100));
	ik_wait_held(test, sub);
	one = ik_run_synchronize(test);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(one));
	ik_hold(sub2, IOASID_SYNC);
	free2 = ik_run_free(test, later, ik_alloc(test, later, 1, 100));
	ik_wait_held(test, sub2);
	two = ik_run_synchronize(test);
	ik_release(sub);
	ik_join(test, one);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(two));
	ik_release(sub2);
	ik_join(test, two);
	KUNIT_EXPECT_EQ(test, ik_log_count(sub2, IOASID_SYNC), 1);
	IK_EXPECT_OK(test, ik_join(test, free));
	IK_EXPECT_OK(test, ik_join(test, free2));
}

/* It does not wait for references, which may be there for ever */
static void synchronize_and_references(struct kunit *test)
{
	struct ioasid_set *set = param_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);

	IK_ASSERT_OK(test, ioasid_get(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ik_join(test, ik_run_synchronize(test));
	expect_not_recyclable(test, id);
	ioasid_put(set, id);
	ik_expect_recyclable(test, id);
}

/* Each number that nobody holds is free when it returns, at the first look */
static void synchronize_ends_quarantine(struct kunit *test)
{
	struct ioasid_set *set = param_set(test);
	ioasid_t ids[8];

	for (int round = 0; round < 20; round++) {
		ik_alloc_many(test, set, ids, ARRAY_SIZE(ids));
		for (int i = 0; i < ARRAY_SIZE(ids); i++)
			IK_EXPECT_OK(test, ioasid_free_async(set, ids[i]));
		ioasid_synchronize();
		KUNIT_ASSERT_EQ(test, ioasid_set_count(set), 0);
		ik_log_clear(test);
	}
}

static struct kunit_case ioasid_life_cases[] = {
	KUNIT_CASE_PARAM(reference_keeps_id, with_subscriber_gen_params),
	KUNIT_CASE_PARAM(recycled, with_subscriber_gen_params),
	KUNIT_CASE(reader_keeps_id),
	KUNIT_CASE_PARAM(own_reader_keeps_id, with_subscriber_gen_params),
	KUNIT_CASE_PARAM(event_keeps_id, put_param_gen_params),
	KUNIT_CASE(second_free_is_at_once),
	KUNIT_CASE(async_is_batched),
	KUNIT_CASE(set_free_takes_all),
	KUNIT_CASE(set_free_waits),
	KUNIT_CASE(synchronize_waits),
	KUNIT_CASE(synchronize_does_not_wait_for_later),
	KUNIT_CASE(synchronize_twice),
	KUNIT_CASE_PARAM(synchronize_and_references, with_subscriber_gen_params),
	KUNIT_CASE_PARAM(synchronize_ends_quarantine, with_subscriber_gen_params),
	{}
};

static struct kunit_suite ioasid_life_suite = {
	.name = "ioasid_life",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_life_cases,
};

kunit_test_suite(ioasid_life_suite);
