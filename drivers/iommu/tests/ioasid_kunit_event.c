// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_event": who is told what, when, and in what order.
 */
#include <linux/mm_types.h>

#include "ioasid_kunit.h"

static const struct ioasid_nb_args *args_of(struct kunit *test,
					    struct ik_sub *sub,
					    enum ioasid_notify_val event,
					    ioasid_t id)
{
	struct ik *ik = test->priv;
	int i = ik_log_find(sub, event, id);

	KUNIT_ASSERT_GE_MSG(test, i, 0, "event %u of %u is missing", event, id);
	return &ik->log[i].args;
}

static void expect_args(struct kunit *test, struct ik_sub *sub, ioasid_t id,
			struct ioasid_set *set, enum ioasid_set_type type,
			void *token, void *pdata)
{
	const struct ioasid_nb_args *args;

	args = args_of(test, sub, IOASID_FREE, id);
	KUNIT_EXPECT_EQ(test, args->spid, IOMMU_PASID_INVALID);
	KUNIT_EXPECT_PTR_EQ(test, args->set, set);
	KUNIT_EXPECT_EQ(test, args->type, type);
	KUNIT_EXPECT_PTR_EQ(test, args->token, token);
	KUNIT_EXPECT_PTR_EQ(test, args->pdata, pdata);

	args = args_of(test, sub, IOASID_SYNC, 0);
	KUNIT_EXPECT_EQ(test, args->spid, IOMMU_PASID_INVALID);
	KUNIT_EXPECT_PTR_EQ(test, args->set, set);
	KUNIT_EXPECT_EQ(test, args->type, type);
	KUNIT_EXPECT_PTR_EQ(test, args->token, token);
	KUNIT_EXPECT_PTR_EQ(test, args->pdata, NULL);
}

/* One free is FREE and SYNC, which have run when it returns */
static void free_one(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_sub *all = ik_subscribe_all(test, set, 0);
	int data;
	ioasid_t id = ik_alloc_data(test, set, &data);

	IK_EXPECT_OK(test, ioasid_free(set, id));
	ik_expect_frees(test, sub, &id, 1, 1);
	ik_expect_frees(test, all, &id, 1, 1);
	expect_args(test, sub, id, set, IOASID_SET_TYPE_PRIVATE, test, &data);
	expect_args(test, all, id, set, IOASID_SET_TYPE_PRIVATE, test, &data);

	/* and never again */
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ioasid_synchronize();
	ik_expect_frees(test, sub, &id, 1, 1);
}

static void free_one_async(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	int data;
	ioasid_t id = ik_alloc_data(test, set, &data);

	IK_EXPECT_OK(test, ioasid_free_async(set, id));
	KUNIT_EXPECT_FALSE(test, ioasid_alive(id));
	IK_EXPECT_OK(test, ioasid_free_async(set, id));
	ioasid_synchronize();
	ik_expect_frees(test, sub, &id, 1, 1);
	expect_args(test, sub, id, set, IOASID_SET_TYPE_PRIVATE, test, &data);
}

static void args_of_mm_set(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 2);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t id = ik_alloc(test, set, 1, 100);

	IK_EXPECT_OK(test, ioasid_free(set, id));
	expect_args(test, sub, id, set, IOASID_SET_TYPE_MM, mm, NULL);
}

static void args_of_system_set(struct kunit *test)
{
	struct ioasid_set *set = ioasid_system_set();
	struct ik_sub *all = ik_subscribe_all(test, set, 0);
	struct mm_struct *mm = ik_mm(test);
	ioasid_t id;

	IK_ASSERT_OK(test, ioasid_alloc_mm(set, 1, 100, mm, &id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	expect_args(test, all, id, set, IOASID_SET_TYPE_PRIVATE, NULL, NULL);
}

/* A subscriber of a set hears of no other */
static void own_set_only(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *other = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	ioasid_t theirs = ik_alloc(test, other, 1, 100);

	IK_EXPECT_OK(test, ioasid_free(other, theirs));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ik_set_free(test, other);
	ik_expect_frees(test, sub, &id, 1, 1);
}

/* A set's death: FREE for each, then one SYNC; the args name the set */
static void set_death(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_sub *all = ik_subscribe_all(test, set, 0);
	ioasid_t ids[100];

	ik_alloc_many(test, set, ids, ARRAY_SIZE(ids));
	ik_set_free(test, set);
	ik_expect_frees(test, sub, ids, ARRAY_SIZE(ids), 1);
	ik_expect_frees(test, all, ids, ARRAY_SIZE(ids), 1);
	expect_args(test, sub, ids[7], set, IOASID_SET_TYPE_PRIVATE, test, NULL);
}

static void set_reset(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t ids[10];

	for (int round = 0; round < 2; round++) {
		ik_alloc_many(test, set, ids, ARRAY_SIZE(ids));
		ioasid_set_free_ids(set);
		ik_expect_frees(test, sub, ids, ARRAY_SIZE(ids), 1);
		ik_log_clear(test);
	}
}

/* What was freed before gets no second FREE */
static void no_second_free(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t ids[5];

	ik_alloc_many(test, set, ids, ARRAY_SIZE(ids));
	for (int i = 0; i < ARRAY_SIZE(ids); i++)
		IK_ASSERT_OK(test, ioasid_get(set, ids[i]));
	IK_EXPECT_OK(test, ioasid_free(set, ids[0]));
	ik_expect_frees(test, sub, ids, 1, 1);

	ik_log_clear(test);
	ioasid_set_free_ids(set);
	ik_expect_frees(test, sub, ids + 1, 4, 1);

	ik_log_clear(test);
	ik_set_free(test, set);
	for (int i = 0; i < ARRAY_SIZE(ids); i++)
		ioasid_put(set, ids[i]);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ik_log_count(sub, IOASID_FREE), 0);
}

/* Nothing to free sends no SYNC */
static void nothing_to_free(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *empty = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_sub *none = ik_subscribe(test, empty, 0);
	struct ik *ik = test->priv;
	ioasid_t id = ik_alloc(test, set, 1, 100);

	ioasid_set_free_ids(empty);
	ik_set_free(test, empty);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ik_log_count(none, IOASID_SYNC), 0);

	/* only numbers that were freed already */
	IK_ASSERT_OK(test, ioasid_get(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ik_log_clear(test);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	IK_EXPECT_OK(test, ioasid_free_async(set, id));
	ioasid_set_free_ids(set);
	ioasid_set_get(set);
	ik_set_free(test, set);
	ioasid_put(set, id);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ik->nr, 0);
	KUNIT_EXPECT_EQ(test, ik_log_count(sub, IOASID_FREE), 0);
	ioasid_set_put(set);
}

/* A free that is refused sends nothing */
static void refused_sends_nothing(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *other = ik_set(test);
	struct ik *ik = test->priv;
	ioasid_t id = ik_alloc(test, set, 1, 100);

	ik_subscribe(test, set, 0);
	ik_subscribe(test, other, 0);
	IK_EXPECT_ERRNO(test, ioasid_free(other, id), -EACCES);
	IK_EXPECT_ERRNO(test, ioasid_free_async(other, id), -EACCES);
	IK_EXPECT_ERRNO(test, ioasid_free(set, 0), -ENOENT);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ik->nr, 0);
}

/*
 * All of the set's subscribers before those of everything, each chain by
 * priority, whatever the order of registration; for FREE and for SYNC.
 */
static void order(struct kunit *test)
{
	static const int prio[] = {
		IOASID_PRIO_DEVICE, IOASID_PRIO_CPU, IOASID_PRIO_IOMMU,
	};
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_sub *sub[3], *all[3], *expect[6];
	struct ik *ik = test->priv;

	for (int i = 0; i < 3; i++) {
		all[i] = ik_subscribe_all(test, set, prio[i]);
		sub[i] = ik_subscribe(test, set, prio[i]);
	}
	expect[0] = sub[1];
	expect[1] = sub[0];
	expect[2] = sub[2];
	expect[3] = all[1];
	expect[4] = all[0];
	expect[5] = all[2];

	IK_EXPECT_OK(test, ioasid_free(set, id));
	KUNIT_ASSERT_EQ(test, ik->nr, 12);
	for (int i = 0; i < 12; i++) {
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].sub, expect[i % 6]);
		KUNIT_EXPECT_EQ(test, ik->log[i].event,
				i < 6 ? IOASID_FREE : IOASID_SYNC);
	}
}

static int result_of_data(struct ik_sub *sub, unsigned long event,
			  struct ioasid_nb_args *args)
{
	return (long)sub->data;
}

/* A result that does not stop the chain means nothing */
static void results(struct kunit *test)
{
	static const long ret[] = { NOTIFY_OK, NOTIFY_DONE, 0x4000, -1 & 0x7fff };
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub[ARRAY_SIZE(ret)], *all;
	ioasid_t id = ik_alloc(test, set, 1, 100);

	for (int i = 0; i < ARRAY_SIZE(ret); i++) {
		sub[i] = ik_subscribe(test, set, 100 - i);
		sub[i]->data = (void *)ret[i];
		sub[i]->handler = result_of_data;
	}
	all = ik_subscribe_all(test, set, 0);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	for (int i = 0; i < ARRAY_SIZE(ret); i++)
		ik_expect_frees(test, sub[i], &id, 1, 1);
	ik_expect_frees(test, all, &id, 1, 1);
	ik_expect_recyclable(test, id);
}

/* A block is on one chain */
static void register_twice(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *other = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_sub *all = ik_subscribe_all(test, NULL, 0);
	ioasid_t id = ik_alloc(test, set, 1, 100);

	IK_EXPECT_ERRNO(test, ioasid_register_notifier(set, &sub->nb), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier(other, &sub->nb), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier(NULL, &sub->nb), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier(NULL, &all->nb), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier(set, &all->nb), -EEXIST);

	IK_EXPECT_OK(test, ioasid_free(set, id));
	ik_expect_frees(test, sub, &id, 1, 1);

	/* and on another one after it was taken off */
	ik_unsubscribe(test, sub);
	IK_ASSERT_OK(test, ik_sub_register(test, sub, other));
	ik_log_clear(test);
	id = ik_alloc(test, other, 1, 100);
	IK_EXPECT_OK(test, ioasid_free(other, id));
	ik_expect_frees(test, sub, &id, 1, 1);
}

static void unregistered_hears_nothing(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_sub *all = ik_subscribe_all(test, set, 0);
	struct ik *ik = test->priv;
	ioasid_t ids[2];

	ik_alloc_many(test, set, ids, 2);
	ik_unsubscribe(test, sub);
	IK_EXPECT_OK(test, ioasid_free(set, ids[0]));
	ik_expect_frees(test, all, ids, 1, 1);
	KUNIT_EXPECT_EQ(test, ik_log_count(sub, IOASID_FREE), 0);

	ik_unsubscribe(test, all);
	ik_log_clear(test);
	IK_EXPECT_OK(test, ioasid_free(set, ids[1]));
	KUNIT_EXPECT_EQ(test, ik->nr, 0);
	ik_expect_recyclable(test, ids[0]);
	ik_expect_recyclable(test, ids[1]);
}

/* A registration keeps the set, and is taken back after set_free() as well */
static void registration_keeps_set(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	int count = atomic_read(&mm->mm_count);
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0);
	struct ik_sub *sub = ik_subscribe(test, set, 0);

	ik_set_free(test, set);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 0);	/* KASAN */
	ik_expect_mm_kept(test, mm, count);
	ik_unsubscribe(test, sub);
	ik_expect_mm_dropped(test, mm, count);
}

/* Registering on a dying set is allowed */
static void register_on_dying_set(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik *ik = test->priv;
	struct ik_sub *sub;

	IK_ASSERT_OK(test, ioasid_get(set, id));
	ik_set_free(test, set);
	sub = ik_subscribe(test, set, 0);
	ioasid_put(set, id);
	ioasid_synchronize();
	/* Its free was over before */
	KUNIT_EXPECT_EQ(test, ik->nr, 0);
	ik_unsubscribe(test, sub);
}

static void unregister_waits(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);

	ik_expect_unregister_waits(test, set, ik_subscribe(test, set, 0));
}

static void unregister_waits_global(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);

	ik_expect_unregister_waits(test, set, ik_subscribe_all(test, set, 0));
}

/* Events of the sets of one mm come one after the other */
static void one_event_of_an_mm(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *one = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0);
	struct ioasid_set *two = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0);
	ioasid_t id1 = ik_alloc(test, one, 1, 100);
	ioasid_t id2 = ik_alloc(test, two, 1, 100);
	struct ik_sub *sub1 = ik_subscribe(test, one, 0);
	struct ik_sub *sub2 = ik_subscribe(test, two, 0);
	struct ik_task *task1, *task2;

	ik_hold(sub1, IOASID_FREE);
	task1 = ik_run_free(test, one, id1);
	ik_wait_held(test, sub1);
	task2 = ik_run_free(test, two, id2);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(task2));
	KUNIT_EXPECT_EQ(test, ik_log_count(sub2, IOASID_FREE), 0);
	ik_release(sub1);
	IK_EXPECT_OK(test, ik_join(test, task1));
	IK_EXPECT_OK(test, ik_join(test, task2));
	ik_expect_frees(test, sub2, &id2, 1, 1);
}

/* Private sets and other users have nothing to wait for */
static void others_do_not_wait(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *priv = ik_set(test), *user;
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_task *task;

	user = ik_set_of(test, IOASID_SET_TYPE_MM, ik_mm(test), 0);
	ik_subscribe(test, priv, 0);
	ik_subscribe(test, user, 0);

	ik_hold(sub, IOASID_SYNC);
	task = ik_run_free(test, set, ik_alloc(test, set, 1, 100));
	ik_wait_held(test, sub);
	IK_EXPECT_OK(test, ik_join(test, ik_run_free(test, priv, ik_alloc(test, priv, 1, 100))));
	IK_EXPECT_OK(test, ik_join(test, ik_run_free(test, user, ik_alloc(test, user, 1, 100))));
	KUNIT_EXPECT_EQ(test, atomic_read(&sub->inside), 1);
	ik_release(sub);
	IK_EXPECT_OK(test, ik_join(test, task));
}

static int do_alloc_free(void *data)
{
	struct ioasid_set *set = data;
	ioasid_t id;
	int ret;

	ret = ioasid_alloc(set, 1, 100, NULL, &id);
	return ret ?: ioasid_free(set, id);
}

/*
 * A set without subscribers does not take the event lock, so that it does not
 * wait for another set of its mm either.
 */
static void no_subscriber_no_wait(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0);
	struct ioasid_set *quiet = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_task *task;

	if (ik_iommu_drivers())
		kunit_skip(test, "IOMMU drivers subscribe to all sets");

	ik_hold(sub, IOASID_FREE);
	task = ik_run_free(test, set, ik_alloc(test, set, 1, 100));
	ik_wait_held(test, sub);
	IK_EXPECT_OK(test, ik_join(test, ik_run(test, do_alloc_free, quiet)));
	KUNIT_EXPECT_EQ(test, atomic_read(&sub->inside), 1);
	ik_release(sub);
	IK_EXPECT_OK(test, ik_join(test, task));
}

static struct kunit_case ioasid_event_cases[] = {
	KUNIT_CASE(free_one),
	KUNIT_CASE(free_one_async),
	KUNIT_CASE(args_of_mm_set),
	KUNIT_CASE(args_of_system_set),
	KUNIT_CASE(own_set_only),
	KUNIT_CASE(set_death),
	KUNIT_CASE(set_reset),
	KUNIT_CASE(no_second_free),
	KUNIT_CASE(nothing_to_free),
	KUNIT_CASE(refused_sends_nothing),
	KUNIT_CASE(order),
	KUNIT_CASE(results),
	KUNIT_CASE(register_twice),
	KUNIT_CASE(unregistered_hears_nothing),
	KUNIT_CASE(registration_keeps_set),
	KUNIT_CASE(register_on_dying_set),
	KUNIT_CASE(unregister_waits),
	KUNIT_CASE(unregister_waits_global),
	KUNIT_CASE(one_event_of_an_mm),
	KUNIT_CASE(others_do_not_wait),
	KUNIT_CASE(no_subscriber_no_wait),
	{}
};

static struct kunit_suite ioasid_event_suite = {
	.name = "ioasid_event",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_event_cases,
};

kunit_test_suite(ioasid_event_suite);
