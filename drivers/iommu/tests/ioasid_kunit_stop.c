// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_stop": a subscriber returns a stop value for FREE
 * or SYNC. It keeps nobody from being told, but the numbers are never used
 * again, so this suite comes last and takes few.
 */
#include "ioasid_kunit.h"

static void lose(struct kunit *test, unsigned int nr)
{
	struct ik *ik = test->priv;

	if (ik_iommu_drivers())
		kunit_skip(test, "numbers are lost for good that this machine needs");
	ik->lost = nr;
}

struct stop {
	enum ioasid_notify_val event;
	ioasid_t id;
	int ret;
};

static int stop_handler(struct ik_sub *sub, unsigned long event,
			struct ioasid_nb_args *args)
{
	struct stop *stop = sub->data;

	return event == stop->event && args->id == stop->id ? stop->ret :
							      NOTIFY_OK;
}

/* A set with a subscriber that stops, and others before and behind it */
struct scene {
	struct ioasid_set *set;
	struct ik_sub *before;
	struct ik_sub *stopper;
	struct ik_sub *behind;
	struct ik_sub *all;
	struct stop stop;
	ioasid_t ids[3];
};

static struct scene *scene_new(struct kunit *test,
			       enum ioasid_notify_val event, int ret)
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->set = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 0);
	s->before = ik_subscribe(test, s->set, IOASID_PRIO_CPU);
	s->stopper = ik_subscribe(test, s->set, IOASID_PRIO_DEVICE);
	s->behind = ik_subscribe(test, s->set, IOASID_PRIO_IOMMU);
	s->all = ik_subscribe_all(test, s->set, IOASID_PRIO_IOMMU);
	ik_alloc_many(test, s->set, s->ids, ARRAY_SIZE(s->ids));
	s->stop.event = event;
	s->stop.ret = ret;
	s->stopper->data = &s->stop;
	s->stopper->handler = stop_handler;
	return s;
}

/* Everybody was told of all of it */
static void expect_all_told(struct kunit *test, struct scene *s)
{
	ik_expect_frees(test, s->before, s->ids, 3, 1);
	ik_expect_frees(test, s->stopper, s->ids, 3, 1);
	ik_expect_frees(test, s->behind, s->ids, 3, 1);
	ik_expect_frees(test, s->all, s->ids, 3, 1);
}

/* FREE_PENDING for ever, which ioasid_synchronize() does not wait for */
static void expect_lost(struct kunit *test, struct scene *s, ioasid_t id)
{
	ioasid_t again;

	ik_join(test, ik_run_synchronize(test));
	KUNIT_EXPECT_TRUE(test, ik_taken(id));
	KUNIT_EXPECT_FALSE(test, ioasid_alive(id));
	IK_EXPECT_ERRNO(test, ioasid_get(s->set, id), -EBUSY);
	IK_EXPECT_ERRNO(test, ioasid_alloc(s->set, id, id, NULL, &again), -ENOSPC);
	IK_EXPECT_OK(test, ioasid_free(s->set, id));
	IK_EXPECT_OK(test, ioasid_free_async(s->set, id));
}

/* Only the number whose FREE was stopped */
static void stop_free(struct kunit *test)
{
	struct scene *s;

	lose(test, 1);
	s = scene_new(test, IOASID_FREE, NOTIFY_BAD);
	s->stop.id = s->ids[1];
	IK_ASSERT_OK(test, ioasid_get(s->set, s->ids[1]));
	ioasid_set_free_ids(s->set);
	expect_all_told(test, s);

	expect_lost(test, s, s->ids[1]);
	ioasid_put(s->set, s->ids[1]);
	expect_lost(test, s, s->ids[1]);
	ik_expect_recyclable(test, s->ids[0]);
	ik_expect_recyclable(test, s->ids[2]);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(s->set), 1);
	/* and nothing is sent for it again */
	ioasid_set_free_ids(s->set);
	expect_all_told(test, s);
}

/* Each number of the batch, whichever stop value it is */
static void stop_sync(struct kunit *test)
{
	struct scene *s;

	lose(test, 3);
	s = scene_new(test, IOASID_SYNC, NOTIFY_STOP);
	ioasid_set_free_ids(s->set);
	expect_all_told(test, s);
	for (int i = 0; i < 3; i++)
		expect_lost(test, s, s->ids[i]);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(s->set), 3);

	/* The next batch is as good as any */
	s->stop.event = 0;
	ik_log_clear(test);
	ik_alloc_many(test, s->set, s->ids, ARRAY_SIZE(s->ids));
	ioasid_set_free_ids(s->set);
	expect_all_told(test, s);
	for (int i = 0; i < 3; i++)
		ik_expect_recyclable(test, s->ids[i]);
}

static struct kunit_case ioasid_stop_cases[] = {
	KUNIT_CASE(stop_free),
	KUNIT_CASE(stop_sync),
	{}
};

static struct kunit_suite ioasid_stop_suite = {
	.name = "ioasid_stop",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_stop_cases,
};

kunit_test_suite(ioasid_stop_suite);
