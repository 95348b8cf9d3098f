// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_race": narrow windows between two or three threads,
 * tried many times. With one CPU and no preemption they are never hit.
 */
#include <linux/sched.h>

#include "ioasid_kunit.h"

#define NR_BINDS	100
#define NR_ALLOCS	1000

/* Who subscribes to everything while each BIND is refused */
struct joiner {
	struct ioasid_set *set;
	ioasid_t id;
	struct notifier_block refuser;
	struct notifier_block first;
	struct notifier_block nb;
	bool told;
	bool wrong;
	int ret;
};

static int refuse_all(struct notifier_block *nb, unsigned long event,
		      void *data)
{
	struct joiner *j = container_of(nb, struct joiner, refuser);
	struct ioasid_nb_args *args = data;

	if (event != IOASID_BIND || args->set != j->set)
		return NOTIFY_DONE;
	schedule_timeout_uninterruptible(1);
	return notifier_from_errno(-EBUSY);
}

/* Who waits for the end of the BIND is there before the others get UNBIND */
static int first_notify(struct notifier_block *nb, unsigned long event,
			void *data)
{
	if (event == IOASID_UNBIND)
		schedule_timeout_uninterruptible(1);
	return NOTIFY_OK;
}

static int join_notify(struct notifier_block *nb, unsigned long event,
		       void *data)
{
	struct joiner *j = container_of(nb, struct joiner, nb);
	struct ioasid_nb_args *args = data;

	if (args->set != j->set)
		return NOTIFY_DONE;
	if (event == IOASID_UNBIND && !j->told)
		j->wrong = true;
	j->told = event == IOASID_BIND;
	return NOTIFY_OK;
}

static int bind_refused(void *data)
{
	struct joiner *j = data;

	for (int i = 0; i < NR_BINDS && j->ret == -EBUSY; i++)
		j->ret = ioasid_attach_spid(j->set, j->id, 1);
	return 0;
}

static void joiner_leaves(void *data)
{
	struct joiner *j = data;

	ioasid_unregister_notifier(NULL, &j->nb);
	ioasid_unregister_notifier(NULL, &j->refuser);
	ioasid_unregister_notifier(j->set, &j->first);
}

/* He gets no UNBIND for a BIND that he did not get, whenever he comes */
static void joins_during_refusals(struct kunit *test)
{
	struct joiner *j = kunit_kzalloc(test, sizeof(*j), GFP_KERNEL);
	struct ik_task *task;

	KUNIT_ASSERT_NOT_NULL(test, j);
	j->set = ik_set(test);
	j->id = ik_alloc(test, j->set, 1, 100);
	j->ret = -EBUSY;
	j->refuser.notifier_call = refuse_all;
	j->first.notifier_call = first_notify;
	j->nb.notifier_call = join_notify;
	j->nb.priority = IOASID_PRIO_CPU;
	IK_ASSERT_OK(test, ioasid_register_notifier(NULL, &j->refuser));
	IK_ASSERT_OK(test, ioasid_register_notifier(j->set, &j->first));
	IK_ASSERT_OK(test, kunit_add_action_or_reset(test, joiner_leaves, j));
	task = ik_run(test, bind_refused, j);
	do {
		j->told = false;
		IK_ASSERT_OK(test, ioasid_register_notifier(NULL, &j->nb));
		schedule_timeout_uninterruptible(2);
		ioasid_unregister_notifier(NULL, &j->nb);
	} while (!ik_is_done(task));
	ik_join(test, task);
	IK_EXPECT_ERRNO(test, j->ret, -EBUSY);
	KUNIT_EXPECT_FALSE(test, j->wrong);
}

struct leaver {
	struct ioasid_set *set;
	struct notifier_block nb;
	bool end;
};

static int alloc_many(void *data)
{
	struct leaver *l = data;
	ioasid_t id;
	int ret = 0;

	for (int i = 0; i < NR_ALLOCS && !ret; i++) {
		ret = ioasid_alloc(l->set, 1, IOMMU_PASID_INVALID, NULL, &id);
		cond_resched();
	}
	WRITE_ONCE(l->end, true);
	return ret;
}

static int free_many(void *data)
{
	struct leaver *l = data;

	while (!READ_ONCE(l->end)) {
		ioasid_set_free_ids(l->set);
		cond_resched();
	}
	return 0;
}

static int hear_nothing(struct notifier_block *nb, unsigned long event,
			void *data)
{
	return NOTIFY_DONE;
}

/*
 * The last subscriber leaves between the first look of an allocation and its
 * number; this is freed at once, and nothing is read of it any more (KASAN).
 */
static void leaves_during_alloc(struct kunit *test)
{
	struct leaver *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);
	struct ik_task *alloc, *free;
	int ret = 0;

	KUNIT_ASSERT_NOT_NULL(test, l);
	l->set = ik_set(test);
	l->nb.notifier_call = hear_nothing;
	alloc = ik_run(test, alloc_many, l);
	free = ik_run(test, free_many, l);
	while (!ret && !READ_ONCE(l->end)) {
		ret = ioasid_register_notifier(l->set, &l->nb);
		cond_resched();
		ioasid_unregister_notifier(l->set, &l->nb);
		cond_resched();
	}
	IK_EXPECT_OK(test, ret);
	IK_EXPECT_OK(test, ik_join(test, alloc));
	IK_EXPECT_OK(test, ik_join(test, free));
	ioasid_set_free_ids(l->set);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ioasid_set_count(l->set), 0);
}

static struct kunit_case ioasid_race_cases[] = {
	KUNIT_CASE(joins_during_refusals),
	KUNIT_CASE(leaves_during_alloc),
	{}
};

static struct kunit_suite ioasid_race_suite = {
	.name = "ioasid_race",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_race_cases,
};

kunit_test_suite(ioasid_race_suite);
