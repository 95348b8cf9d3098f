// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_veto": a subscriber refuses a BIND, and what else
 * comes between a BIND and its end.
 */
#include "ioasid_kunit.h"

#define NOTHING		IOMMU_PASID_INVALID
#define NR_SUBS		9

/* Three subscribers on each of the chains, in the order of their calls */
struct scene {
	struct mm_struct *mm;
	struct ioasid_set *set;
	struct ik_sub *subs[NR_SUBS];
	ioasid_t id;
};

static struct scene *scene_new(struct kunit *test)
{
	static const int prio[] = {
		IOASID_PRIO_CPU, IOASID_PRIO_DEVICE, IOASID_PRIO_IOMMU,
	};
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->mm = ik_mm(test);
	s->set = ik_set_of(test, IOASID_SET_TYPE_MM, s->mm, 0);
	s->id = ik_alloc(test, s->set, 1, 100);
	/* The order of registration is another one */
	for (int i = 2; i >= 0; i--) {
		s->subs[6 + i] = ik_subscribe_all(test, s->set, prio[i]);
		s->subs[3 + i] = ik_subscribe(test, s->set, prio[i]);
		s->subs[i] = ik_subscribe_mm(test, s->mm, prio[i]);
	}
	return s;
}

/* The next records are @event of the first @nr subscribers, in order */
static unsigned int expect_events(struct kunit *test, struct scene *s,
				  unsigned int at, enum ioasid_notify_val event,
				  unsigned int nr, ioasid_t spid)
{
	struct ik *ik = test->priv;

	KUNIT_ASSERT_GE(test, ik->nr, at + nr);
	for (unsigned int i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, ik->log[at + i].event, event);
		KUNIT_EXPECT_PTR_EQ(test, ik->log[at + i].sub, s->subs[i]);
		KUNIT_EXPECT_EQ(test, ik->log[at + i].args.id, s->id);
		KUNIT_EXPECT_EQ(test, ik->log[at + i].args.spid, spid);
	}
	return at + nr;
}

static void expect_refusal(struct kunit *test, struct scene *s,
			   unsigned int who, int errno, ioasid_t spid)
{
	struct ik *ik = test->priv;
	unsigned int at = 0;
	int ret;

	ik_log_clear(test);
	s->subs[who]->refuse = errno;
	if (spid == NOTHING)
		ret = ioasid_notify(s->set, s->id, IOASID_BIND);
	else
		ret = ioasid_attach_spid(s->set, s->id, spid);
	IK_EXPECT_ERRNO(test, ret, errno);
	s->subs[who]->refuse = 0;
	at = expect_events(test, s, at, IOASID_BIND, who + 1, spid);
	at = expect_events(test, s, at, IOASID_UNBIND, who, spid);
	KUNIT_EXPECT_EQ_MSG(test, ik->nr, at, "more than that was sent");
	ik_expect_spid(test, s->set, 5, NOTHING);
}

/*
 * Wherever he is on the three chains: those before him, and nobody else, got
 * BIND and get UNBIND, and all is as before.
 */
static void refused_by_each(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct ik *ik = test->priv;
	unsigned int at;

	for (int who = 0; who < NR_SUBS; who++) {
		expect_refusal(test, s, who, who % 2 ? -EBUSY : -ENOMEM, 5);
		expect_refusal(test, s, who, -EPERM, NOTHING);
		IK_EXPECT_ERRNO(test, ioasid_detach_spid(s->set, s->id), -ENOENT);

		ik_log_clear(test);
		ik_bind(test, s->set, s->id, 5);
		IK_EXPECT_OK(test, ioasid_detach_spid(s->set, s->id));
		at = expect_events(test, s, 0, IOASID_BIND, NR_SUBS, 5);
		at = expect_events(test, s, at, IOASID_UNBIND, NR_SUBS, 5);
		KUNIT_EXPECT_EQ(test, ik->nr, at);
	}

	/* No trace of it at the end */
	ik_log_clear(test);
	IK_EXPECT_OK(test, ioasid_free(s->set, s->id));
	at = expect_events(test, s, 0, IOASID_FREE, NR_SUBS, NOTHING);
	KUNIT_EXPECT_EQ(test, ik->nr, at + NR_SUBS);
	ik_expect_recyclable(test, s->id);
}

/* Of equals, the first who came is called first */
static void refused_by_equal(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_sub *subs[3];

	for (int i = 0; i < 3; i++)
		subs[i] = ik_subscribe(test, set, 7);
	subs[1]->refuse = -EAGAIN;
	IK_EXPECT_ERRNO(test, ioasid_attach_spid(set, id, 5), -EAGAIN);
	ik_expect_log(test, { subs[0], IOASID_BIND, id, 5 },
		      { subs[1], IOASID_BIND, id, 5 },
		      { subs[0], IOASID_UNBIND, id, 5 });
}

static int result_of_data(struct ik_sub *sub, unsigned long event,
			  struct ioasid_nb_args *args)
{
	return (long)sub->data;
}

/* A result without an errno is no refusal, and keeps nobody from being called */
static void no_errno_no_veto(struct kunit *test)
{
	static const long ret[] = { NOTIFY_OK, NOTIFY_DONE, NOTIFY_STOP };
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_sub *sub = ik_subscribe(test, set, 1), *behind;

	behind = ik_subscribe(test, set, 0);
	sub->handler = result_of_data;
	for (int i = 0; i < ARRAY_SIZE(ret); i++) {
		sub->data = (void *)ret[i];
		ik_log_clear(test);
		ik_bind(test, set, id, 5);
		IK_EXPECT_OK(test, ioasid_detach_spid(set, id));
		ik_expect_log(test, { sub, IOASID_BIND, id, 5 }, { behind, IOASID_BIND, id, 5 },
			      { sub, IOASID_UNBIND, id, 5 }, { behind, IOASID_UNBIND, id, 5 });
	}
}

static int stop_unbind(struct ik_sub *sub, unsigned long event,
		       struct ioasid_nb_args *args)
{
	return event == IOASID_UNBIND ? notifier_from_errno(-EBUSY) : NOTIFY_OK;
}

/* Nobody refuses an UNBIND, neither at the end nor of a BIND that others refused */
static void unbind_cannot_be_refused(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_sub *sub = ik_subscribe(test, set, 2), *second, *third;

	second = ik_subscribe(test, set, 1);
	third = ik_subscribe(test, set, 0);
	sub->handler = stop_unbind;
	third->refuse = -EBUSY;
	IK_EXPECT_ERRNO(test, ioasid_attach_spid(set, id, 5), -EBUSY);
	ik_expect_log(test, { sub, IOASID_BIND, id, 5 }, { second, IOASID_BIND, id, 5 },
		      { third, IOASID_BIND, id, 5 }, { sub, IOASID_UNBIND, id, 5 },
		      { second, IOASID_UNBIND, id, 5 });
	third->refuse = 0;
	ik_bind(test, set, id, 5);
	ik_log_clear(test);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	KUNIT_EXPECT_EQ(test, ik_log_count(second, IOASID_UNBIND), 1);
	KUNIT_EXPECT_EQ(test, ik_log_count(third, IOASID_UNBIND), 1);
	/* nor does it cost the number */
	ik_expect_recyclable(test, id);
}

/* A thread that is inside of BIND */
static struct ik_task *bind_held(struct kunit *test, struct ioasid_set *set,
				 ioasid_t id, struct ik_sub *sub)
{
	struct ik_task *task;

	ik_log_clear(test);
	ik_hold(sub, IOASID_BIND);
	task = ik_run_bind(test, set, id, 5);
	ik_wait_held(test, sub);
	return task;
}

/* The number dies while it is being bound: it is bound, and then it dies */
static void free_during_bind(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_task *bind, *free;
	ioasid_t id;

	for (int way = 0; way < 3; way++) {
		id = ik_alloc(test, set, 1, 100);
		bind = bind_held(test, set, id, sub);
		if (way == 0) {
			free = ik_run_free(test, set, id);
			KUNIT_EXPECT_TRUE(test, ik_still_runs(free));
		} else if (way == 1) {
			free = ik_run_set_free_ids(test, set);
			KUNIT_EXPECT_TRUE(test, ik_still_runs(free));
		} else {
			IK_EXPECT_OK(test, ioasid_free_async(set, id));
			free = ik_run_synchronize(test);
			KUNIT_EXPECT_TRUE(test, ik_still_runs(free));
		}
		KUNIT_EXPECT_FALSE(test, ioasid_alive(id));
		KUNIT_EXPECT_EQ(test, ik_log_count(sub, IOASID_FREE), 0);
		ik_release(sub);
		IK_EXPECT_OK(test, ik_join(test, bind));
		IK_EXPECT_OK(test, ik_join(test, free));
		ik_expect_spid(test, set, 5, NOTHING);
		ik_expect_log(test, { sub, IOASID_BIND, id, 5 }, { sub, IOASID_UNBIND, id, 5 },
			      { sub, IOASID_FREE, id }, { sub, IOASID_SYNC });
		ik_expect_recyclable(test, id);
	}
}

/* and if it was refused meanwhile, it only dies */
static void free_during_refusal(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_task *bind, *free;

	sub->refuse = -EPERM;
	bind = bind_held(test, set, id, sub);
	free = ik_run_free(test, set, id);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(free));
	ik_release(sub);
	IK_EXPECT_ERRNO(test, ik_join(test, bind), -EPERM);
	IK_EXPECT_OK(test, ik_join(test, free));
	ik_expect_log(test, { sub, IOASID_BIND, id, 5 }, { sub, IOASID_FREE, id },
		      { sub, IOASID_SYNC });
	ik_expect_recyclable(test, id);
}

/* The last subscriber leaves during a BIND of a number that dies */
static void free_while_subscriber_leaves(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_task *bind, *leave, *free;

	bind = bind_held(test, set, id, sub);
	leave = ik_run_unregister(test, sub);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(leave));
	free = ik_run_free(test, set, id);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(free));
	ik_release(sub);
	IK_EXPECT_OK(test, ik_join(test, bind));
	IK_EXPECT_OK(test, ik_join(test, free));
	KUNIT_EXPECT_EQ(test, ik_join(test, leave), 0);
	ik_expect_spid(test, set, 5, NOTHING);
	ik_expect_recyclable(test, id);
}

/* Two threads want one name: one gets it */
static void two_for_one_name(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t one = ik_alloc(test, set, 1, 100);
	ioasid_t two = ik_alloc(test, set, 1, 100);
	struct ik_task *task1, *task2;

	task1 = bind_held(test, set, one, sub);
	task2 = ik_run_bind(test, set, two, 5);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(task2));
	ik_release(sub);
	IK_EXPECT_OK(test, ik_join(test, task1));
	IK_EXPECT_ERRNO(test, ik_join(test, task2), -EEXIST);
	ik_expect_spid(test, set, 5, one);
	ik_expect_log(test, { sub, IOASID_BIND, one, 5 });
}

/*
 * Who subscribes to everything in the middle of a BIND gets neither that BIND
 * nor the UNBIND that takes it back.
 */
static void joins_during_refusal(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_sub *sub = ik_subscribe(test, set, 0), *late, *last;
	struct ik_task *bind;

	last = ik_subscribe_all(test, set, 0);
	last->refuse = -EBUSY;
	bind = bind_held(test, set, id, sub);
	late = ik_subscribe_all(test, set, IOASID_PRIO_CPU);
	ik_release(sub);
	IK_EXPECT_ERRNO(test, ik_join(test, bind), -EBUSY);
	ik_expect_log(test, { sub, IOASID_BIND, id, 5 }, { last, IOASID_BIND, id, 5 },
		      { sub, IOASID_UNBIND, id, 5 });
	last->refuse = 0;
	ik_log_clear(test);
	ik_bind(test, set, id, 5);
	ik_expect_log(test, { sub, IOASID_BIND, id, 5 }, { late, IOASID_BIND, id, 5 },
		      { last, IOASID_BIND, id, 5 });
}

static struct kunit_case ioasid_veto_cases[] = {
	KUNIT_CASE(refused_by_each),
	KUNIT_CASE(refused_by_equal),
	KUNIT_CASE(no_errno_no_veto),
	KUNIT_CASE(unbind_cannot_be_refused),
	KUNIT_CASE(free_during_bind),
	KUNIT_CASE(free_during_refusal),
	KUNIT_CASE(free_while_subscriber_leaves),
	KUNIT_CASE(two_for_one_name),
	KUNIT_CASE(joins_during_refusal),
	{}
};

static struct kunit_suite ioasid_veto_suite = {
	.name = "ioasid_veto",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_veto_cases,
};

kunit_test_suite(ioasid_veto_suite);
