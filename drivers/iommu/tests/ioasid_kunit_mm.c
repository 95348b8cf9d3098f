// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_mm": subscribers for all sets of an mm.
 */
#include <linux/sched/mm.h>

#include "ioasid_kunit.h"

static struct ioasid_set *mm_set(struct kunit *test, struct mm_struct *mm)
{
	return ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0);
}

/* All the events of a number, which the subscriber and nobody else gets */
static void expect_life(struct kunit *test, struct ioasid_set *set,
			struct ik_sub *sub)
{
	ioasid_t id;

	ik_log_clear(test);
	id = ik_alloc_bound(test, set, 5);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	if (sub)
		ik_expect_log(test, { sub, IOASID_ALLOC, id }, { sub, IOASID_BIND, id, 5 },
			      { sub, IOASID_UNBIND, id, 5 }, { sub, IOASID_FREE, id },
			      { sub, IOASID_SYNC });
	else
		ik_expect_empty_log(test);
}

static void invalid(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ik_sub *sub = ik_sub_new(test, 0);
	struct notifier_block nothing = {};

	IK_EXPECT_ERRNO(test, ioasid_register_notifier_mm(NULL, &sub->nb), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier_mm(mm, NULL), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier_mm(mm, &nothing), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier(mm_set(test, mm), NULL), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier(NULL, NULL), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier(NULL, &nothing), -EINVAL);
	ioasid_unregister_notifier_mm(NULL, &sub->nb);
	ioasid_unregister_notifier_mm(mm, NULL);
	IK_EXPECT_OK(test, ik_sub_register_mm(test, sub, mm));
}

/* There need not be a set yet */
static void before_the_first_set(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ik_sub *sub = ik_subscribe_mm(test, mm, 0);

	expect_life(test, mm_set(test, mm), sub);
	ik_unsubscribe(test, sub);
	expect_life(test, mm_set(test, mm), NULL);
}

/* nor any more, nor again */
static void after_the_last_set(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set = mm_set(test, mm);
	struct ik_sub *sub = ik_subscribe_mm(test, mm, 0), *other;

	ik_alloc(test, set, 1, 100);
	ik_set_free(test, set);
	ioasid_synchronize();
	expect_life(test, mm_set(test, mm), sub);
	/* also where the set that brought it is gone */
	other = ik_subscribe_mm(test, ik_mm(test), 0);
	ik_unsubscribe(test, other);
	ik_unsubscribe(test, sub);
	IK_ASSERT_OK(test, ik_sub_register_mm(test, sub, mm));
	expect_life(test, mm_set(test, mm), sub);
}

static void each_set_of_the_mm(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *one = mm_set(test, mm), *two;
	struct ik_sub *sub = ik_subscribe_mm(test, mm, 0);

	two = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 2);
	expect_life(test, one, sub);
	expect_life(test, two, sub);
	ik_set_free(test, one);
	expect_life(test, two, sub);
	expect_life(test, mm_set(test, mm), sub);
}

/* The mm is a token here, and nothing else */
static void no_other_set(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	ioasid_t id;

	ik_subscribe_mm(test, mm, 0);
	expect_life(test, mm_set(test, ik_mm(test)), NULL);
	expect_life(test, ik_set_of(test, IOASID_SET_TYPE_PRIVATE, mm, 0), NULL);
	expect_life(test, ioasid_system_set(), NULL);
	IK_ASSERT_OK(test, ioasid_alloc_mm(ioasid_system_set(), 1, 100, mm, &id));
	IK_EXPECT_OK(test, ioasid_free(ioasid_system_set(), id));
	ik_expect_empty_log(test);
}

/* The mm's, then the set's, then those of everything, by priority in each */
static void order(struct kunit *test)
{
	static const int prio[] = {
		IOASID_PRIO_DEVICE, IOASID_PRIO_IOMMU, IOASID_PRIO_CPU,
	};
	static const int turn[] = { 2, 0, 1 };
	static const enum ioasid_notify_val events[] = {
		IOASID_BIND, IOASID_UNBIND, IOASID_FREE, IOASID_SYNC,
	};
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set = mm_set(test, mm);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik *ik = test->priv;
	struct ik_sub *subs[3][3];

	for (int i = 0; i < 3; i++) {
		subs[2][i] = ik_subscribe_all(test, set, prio[i]);
		subs[1][i] = ik_subscribe(test, set, prio[i]);
		subs[0][i] = ik_subscribe_mm(test, mm, prio[i]);
	}
	ik_bind(test, set, id, 5);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	KUNIT_ASSERT_EQ(test, ik->nr, 36);
	for (int i = 0; i < 36; i++) {
		KUNIT_EXPECT_EQ(test, ik->log[i].event, events[i / 9]);
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].sub,
				    subs[i / 3 % 3][turn[i % 3]]);
	}
}

/* A block is on one chain, of whichever kind */
static void register_twice(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test), *other = ik_mm(test);
	struct ioasid_set *set = mm_set(test, mm);
	struct ik_sub *of_mm = ik_subscribe_mm(test, mm, 0);
	struct ik_sub *of_set = ik_subscribe(test, set, 0);
	struct ik_sub *all = ik_subscribe_all(test, set, 0);
	ioasid_t id = ik_alloc(test, set, 1, 100);

	IK_EXPECT_ERRNO(test, ioasid_register_notifier_mm(mm, &of_mm->nb), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier_mm(other, &of_mm->nb), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier(set, &of_mm->nb), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier(NULL, &of_mm->nb), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier_mm(mm, &of_set->nb), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier_mm(mm, &all->nb), -EEXIST);
	ik_log_clear(test);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ik_expect_log(test, { of_mm, IOASID_FREE, id }, { of_set, IOASID_FREE, id },
		      { all, IOASID_FREE, id }, { of_mm, IOASID_SYNC },
		      { of_set, IOASID_SYNC }, { all, IOASID_SYNC });
}

/* Taken off where it is not: nothing happens */
static void unregister_elsewhere(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test), *other = ik_mm(test);
	struct ioasid_set *set = mm_set(test, mm), *foreign = mm_set(test, other);
	struct ik_sub *of_mm = ik_subscribe_mm(test, mm, 1);
	struct ik_sub *of_set = ik_subscribe(test, set, 1);
	struct ik_sub *all = ik_subscribe_all(test, set, 1);
	struct ik_sub *none = ik_sub_new(test, 0);
	ioasid_t id;

	ioasid_unregister_notifier_mm(mm, &none->nb);
	ioasid_unregister_notifier(set, &none->nb);
	ioasid_unregister_notifier(NULL, &none->nb);
	ioasid_unregister_notifier_mm(other, &of_mm->nb);
	ioasid_unregister_notifier(set, &of_mm->nb);
	ioasid_unregister_notifier(NULL, &of_mm->nb);
	ioasid_unregister_notifier_mm(mm, &of_set->nb);
	ioasid_unregister_notifier(foreign, &of_set->nb);
	ioasid_unregister_notifier(NULL, &of_set->nb);
	ioasid_unregister_notifier_mm(mm, &all->nb);
	ioasid_unregister_notifier(set, &all->nb);

	ik_log_clear(test);
	id = ik_alloc(test, set, 1, 100);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ik_expect_log(test, { of_mm, IOASID_ALLOC, id }, { of_set, IOASID_ALLOC, id },
		      { of_mm, IOASID_FREE, id }, { of_set, IOASID_FREE, id },
		      { all, IOASID_FREE, id }, { of_mm, IOASID_SYNC },
		      { of_set, IOASID_SYNC }, { all, IOASID_SYNC });
}

static void unregister_waits(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set = mm_set(test, mm);

	ik_expect_unregister_waits(test, set, ik_subscribe_mm(test, mm, 0));
}

/* The mm_struct is kept while there is somebody, its address space is not */
static void keeps_mm(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	int users = atomic_read(&mm->mm_users);
	int count = atomic_read(&mm->mm_count);
	struct ik_sub *sub = ik_subscribe_mm(test, mm, 0);

	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_users), users);
	KUNIT_EXPECT_GT(test, atomic_read(&mm->mm_count), count);
	ik_unsubscribe(test, sub);
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_count), count);

	/* It may die before them (KASAN) */
	IK_ASSERT_OK(test, ik_sub_register_mm(test, sub, mm));
	ik_mm_put(test, mm);
	ik_unsubscribe(test, sub);
}

/* Who subscribed before the first set is served in turn with those of the sets */
static void one_event_at_a_time(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ik_sub *sub = ik_subscribe_mm(test, mm, 0);
	struct ioasid_set *one = mm_set(test, mm), *two = mm_set(test, mm);
	ioasid_t id1 = ik_alloc(test, one, 1, 100);
	ioasid_t id2 = ik_alloc(test, two, 1, 100);
	struct ik_task *task1, *task2;

	ik_log_clear(test);
	ik_hold(sub, IOASID_FREE);
	task1 = ik_run_free(test, one, id1);
	ik_wait_held(test, sub);
	task2 = ik_run_free(test, two, id2);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(task2));
	ik_release(sub);
	IK_EXPECT_OK(test, ik_join(test, task1));
	IK_EXPECT_OK(test, ik_join(test, task2));
	ik_expect_log(test, { sub, IOASID_FREE, id1 }, { sub, IOASID_SYNC },
		      { sub, IOASID_FREE, id2 }, { sub, IOASID_SYNC });
}

/* A dead set whose last number is still held has a subscriber, who stays */
static void dead_set(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set = mm_set(test, mm);
	ioasid_t id = ik_alloc_bound(test, set, 5);
	struct ik_sub *sub;

	IK_ASSERT_OK(test, ioasid_get(set, id));
	ik_set_free(test, set);
	sub = ik_subscribe_mm(test, mm, 0);
	ioasid_put(set, id);
	ioasid_synchronize();
	ik_expect_empty_log(test);
	expect_life(test, mm_set(test, mm), sub);
}

static struct kunit_case ioasid_mm_cases[] = {
	KUNIT_CASE(invalid),
	KUNIT_CASE(before_the_first_set),
	KUNIT_CASE(after_the_last_set),
	KUNIT_CASE(each_set_of_the_mm),
	KUNIT_CASE(no_other_set),
	KUNIT_CASE(order),
	KUNIT_CASE(register_twice),
	KUNIT_CASE(unregister_elsewhere),
	KUNIT_CASE(unregister_waits),
	KUNIT_CASE(keeps_mm),
	KUNIT_CASE(one_event_at_a_time),
	KUNIT_CASE(dead_set),
	{}
};

static struct kunit_suite ioasid_mm_suite = {
	.name = "ioasid_mm",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_mm_cases,
};

kunit_test_suite(ioasid_mm_suite);
