// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_data": the owner's data of a number.
 */
#include "ioasid_kunit.h"

static void attach_detach(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	int one, two;

	KUNIT_EXPECT_PTR_EQ(test, ioasid_detach_data(set, id), NULL);
	IK_EXPECT_OK(test, ioasid_attach_data(set, id, &one));
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(set, id, NULL), &one);
	IK_EXPECT_ERRNO(test, ioasid_attach_data(set, id, &two), -EBUSY);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(set, id, NULL), &one);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_detach_data(set, id), &one);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(set, id, NULL), NULL);
	IK_EXPECT_OK(test, ioasid_attach_data(set, id, &two));
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(set, id, NULL), &two);
}

/* What alloc was given is such data as well */
static void data_of_alloc(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	int one, two;
	ioasid_t id = ik_alloc_data(test, set, &one);

	IK_EXPECT_ERRNO(test, ioasid_attach_data(set, id, &two), -EBUSY);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_detach_data(set, id), &one);
	IK_EXPECT_OK(test, ioasid_attach_data(set, id, &two));
}

static void expect_errors(struct kunit *test, struct ioasid_set *set,
			  ioasid_t id, int errno)
{
	IK_EXPECT_ERRNO(test, ioasid_attach_data(set, id, test), errno);
	IK_EXPECT_ERR_PTR(test, ioasid_detach_data(set, id), errno);
}

static void errors(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *other = ik_set(test);
	int data;
	ioasid_t id = ik_alloc_data(test, set, &data);

	expect_errors(test, NULL, id, -EINVAL);
	expect_errors(test, set, IOMMU_NO_PASID, -ENOENT);
	expect_errors(test, set, IOMMU_PASID_INVALID, -ENOENT);
	expect_errors(test, other, id, -EACCES);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(set, id, NULL), &data);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ioasid_synchronize();
	expect_errors(test, set, id, -ENOENT);
}

static void subscribed_desc(const bool *subscribed, char *desc)
{
	strscpy(desc, *subscribed ? "subscriber" : "no_subscriber",
		KUNIT_PARAM_DESC_SIZE);
}

static const bool subscribed[] = { false, true };

KUNIT_ARRAY_PARAM(subscribed, subscribed, subscribed_desc);

/* After SYNC the core has forgotten the data, also where there is no SYNC */
static void forgotten(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	int data;
	ioasid_t id = ik_alloc_data(test, set, &data);

	if (*(const bool *)test->param_value)
		ik_subscribe(test, set, 0);
	IK_ASSERT_OK(test, ioasid_get(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	KUNIT_EXPECT_PTR_EQ(test, ioasid_detach_data(set, id), NULL);
	IK_EXPECT_ERRNO(test, ioasid_attach_data(set, id, &data), -EBUSY);

	/* in quarantine too, where a reader keeps it */
	rcu_read_lock();
	ioasid_put(set, id);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_detach_data(set, id), NULL);
	IK_EXPECT_ERRNO(test, ioasid_attach_data(set, id, &data), -EBUSY);
	rcu_read_unlock();
	ik_expect_recyclable(test, id);
}

static int take_data(struct ik_sub *sub, unsigned long event,
		     struct ioasid_nb_args *args)
{
	if (event == IOASID_FREE)
		sub->data = ioasid_detach_data(args->set, args->id);
	return NOTIFY_OK;
}

/* Until then it is there, for who is told and for who takes it */
static void taken_in_handler(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 1);
	struct ik_sub *behind = ik_subscribe(test, set, 0);
	struct ik *ik = test->priv;
	int data;
	ioasid_t id = ik_alloc_data(test, set, &data);

	ik_log_clear(test);
	sub->handler = take_data;
	behind->handler = take_data;
	IK_EXPECT_OK(test, ioasid_free(set, id));
	KUNIT_EXPECT_PTR_EQ(test, sub->data, &data);
	KUNIT_EXPECT_PTR_EQ(test, behind->data, NULL);
	ik_expect_log(test, { sub, IOASID_FREE, id }, { behind, IOASID_FREE, id },
		      { sub, IOASID_SYNC }, { behind, IOASID_SYNC });
	/* Each was told of it, also the one who came too late */
	KUNIT_EXPECT_PTR_EQ(test, ik->log[0].args.pdata, &data);
	KUNIT_EXPECT_PTR_EQ(test, ik->log[1].args.pdata, &data);
	ik_expect_recyclable(test, id);
}

/* Taken between a free and its FREE: the subscribers get none */
static void taken_before_free(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik *ik = test->priv;
	int one, two;
	ioasid_t first = ik_alloc_data(test, set, &one);
	ioasid_t id = ik_alloc_data(test, set, &two);
	struct ik_task *task;
	int at;

	ik_hold(sub, IOASID_FREE);
	task = ik_run_free(test, set, first);
	ik_wait_held(test, sub);
	IK_EXPECT_OK(test, ioasid_free_async(set, id));
	KUNIT_EXPECT_PTR_EQ(test, ioasid_detach_data(set, id), &two);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_detach_data(set, first), &one);
	ik_release(sub);
	IK_EXPECT_OK(test, ik_join(test, task));
	ioasid_synchronize();
	at = ik_log_find(sub, IOASID_FREE, id);
	KUNIT_ASSERT_GE(test, at, 0);
	KUNIT_EXPECT_PTR_EQ(test, ik->log[at].args.pdata, NULL);
}

/* The events of a number carry the data that it has then */
static void events_carry_it(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik *ik = test->priv;
	ioasid_t id;
	int data;

	ik_subscribe(test, set, 0);
	id = ik_alloc(test, set, 1, 100);
	ik_bind(test, set, id, 5);
	IK_EXPECT_OK(test, ioasid_attach_data(set, id, &data));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	KUNIT_ASSERT_EQ(test, ik->nr, 5);
	KUNIT_EXPECT_PTR_EQ(test, ik->log[0].args.pdata, NULL);	/* ALLOC */
	KUNIT_EXPECT_PTR_EQ(test, ik->log[1].args.pdata, NULL);	/* BIND */
	KUNIT_EXPECT_PTR_EQ(test, ik->log[2].args.pdata, &data);	/* UNBIND */
	KUNIT_EXPECT_PTR_EQ(test, ik->log[3].args.pdata, &data);	/* FREE */
	KUNIT_EXPECT_PTR_EQ(test, ik->log[4].args.pdata, NULL);	/* SYNC */
}

static struct kunit_case ioasid_data_cases[] = {
	KUNIT_CASE(attach_detach),
	KUNIT_CASE(data_of_alloc),
	KUNIT_CASE(errors),
	KUNIT_CASE_PARAM(forgotten, subscribed_gen_params),
	KUNIT_CASE(taken_in_handler),
	KUNIT_CASE(taken_before_free),
	KUNIT_CASE(events_carry_it),
	{}
};

static struct kunit_suite ioasid_data_suite = {
	.name = "ioasid_data",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_data_cases,
};

kunit_test_suite(ioasid_data_suite);
