// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_cgroup": what the misc cgroup of the task that asks
 * has to pay. It is the root here, whose limit nobody else can set.
 */
#include <linux/misc_cgroup.h>

#include "ioasid_kunit.h"

struct purse {
	struct kunit *test;
	struct misc_cg *cg;
	u64 before;
	u64 max;
};

static struct misc_res *purse_res(struct purse *p)
{
	return &p->cg->res[MISC_CG_RES_IOASID];
}

/* Numbers of other cases may be on their way back until ioasid_synchronize() */
static void purse_close(void *data)
{
	struct purse *p = data;

	ioasid_synchronize();
	WRITE_ONCE(purse_res(p)->max, p->max);
	KUNIT_EXPECT_EQ(p->test, atomic64_read(&purse_res(p)->usage), p->before);
	put_misc_cg(p->cg);
}

static struct purse *purse_open(struct kunit *test)
{
	struct purse *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	ioasid_synchronize();
	p->test = test;
	p->cg = get_current_misc_cg();
	p->before = atomic64_read(&purse_res(p)->usage);
	p->max = READ_ONCE(purse_res(p)->max);
	IK_ASSERT_OK(test, kunit_add_action_or_reset(test, purse_close, p));
	return p;
}

/* It pays for @n more than at the beginning */
static void expect_paid(struct purse *p, u64 n)
{
	KUNIT_EXPECT_EQ(p->test, atomic64_read(&purse_res(p)->usage) - p->before, n);
}

/* From now on it pays for no more than @n more than at the beginning */
static void purse_limit(struct purse *p, u64 n)
{
	WRITE_ONCE(purse_res(p)->max, p->before + n);
}

/* A guarantee is paid for as a whole, whatever is out */
static void guarantee(struct kunit *test)
{
	struct purse *p = purse_open(test);
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 5);
	ioasid_t ids[3];

	expect_paid(p, 5);
	ik_alloc_many(test, set, ids, 3);
	expect_paid(p, 5);
	IK_EXPECT_OK(test, ioasid_free(set, ids[2]));
	ioasid_synchronize();
	expect_paid(p, 5);
	IK_EXPECT_OK(test, ioasid_set_resize(set, 8));
	expect_paid(p, 8);
	IK_EXPECT_OK(test, ioasid_set_resize(set, 4));
	expect_paid(p, 4);

	/* What was not used returns at once, the rest with the numbers */
	IK_ASSERT_OK(test, ioasid_get(set, ids[0]));
	ioasid_set_get(set);
	ik_set_free(test, set);
	ioasid_synchronize();
	expect_paid(p, 1);
	ioasid_put(set, ids[0]);
	ioasid_synchronize();
	expect_paid(p, 0);
	ioasid_set_put(set);
}

/* A number of an elastic set is paid for as long as it is out */
static void one_by_one(struct kunit *test)
{
	struct purse *p = purse_open(test);
	struct ioasid_set *set = ik_set(test);
	ioasid_t ids[3], id;

	expect_paid(p, 0);
	ik_alloc_many(test, set, ids, 3);
	expect_paid(p, 3);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, ids[0], ids[0], NULL, &id), -ENOSPC);
	expect_paid(p, 3);
	IK_ASSERT_OK(test, ioasid_get(set, ids[0]));
	IK_EXPECT_OK(test, ioasid_free(set, ids[0]));
	IK_EXPECT_OK(test, ioasid_free(set, ids[1]));
	ioasid_synchronize();
	expect_paid(p, 2);
	ioasid_put(set, ids[0]);
	ioasid_synchronize();
	expect_paid(p, 1);
	ik_set_free(test, set);
	ioasid_synchronize();
	expect_paid(p, 0);
}

/* For the numbers of the host the task pays that asks */
static void host(struct kunit *test)
{
	struct purse *p = purse_open(test);
	ioasid_t id = ik_alloc(test, ioasid_system_set(), 1, IOMMU_PASID_INVALID);

	expect_paid(p, 1);
	IK_EXPECT_OK(test, ioasid_free(ioasid_system_set(), id));
	ioasid_synchronize();
	expect_paid(p, 0);
}

/* What it does not allow is not done */
static void limit(struct kunit *test)
{
	struct purse *p = purse_open(test);
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 2);
	struct ioasid_set *elastic = ik_set(test), *none;
	unsigned int room;
	ioasid_t id;

	purse_limit(p, 5);
	room = ik_room(IOASID_SET_TYPE_PRIVATE, NULL);
	KUNIT_EXPECT_EQ(test, room, 3);
	none = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, NULL, 4);
	IK_EXPECT_ERR_PTR(test, none, -EDQUOT);
	IK_EXPECT_ERRNO(test, ioasid_set_resize(set, 6), -EDQUOT);
	expect_paid(p, 2);

	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, elastic, 1, -1U, -EDQUOT), 3);
	IK_EXPECT_ERRNO(test, ioasid_alloc(elastic, 1, -1U, NULL, &id), -EDQUOT);
	IK_EXPECT_ERRNO(test, ioasid_alloc(ioasid_system_set(), 1, -1U, NULL, &id), -EDQUOT);
	IK_EXPECT_ERRNO(test, ioasid_set_resize(set, 3), -EDQUOT);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(elastic), 3);
	expect_paid(p, 5);
	/* The guarantee is paid for */
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -EDQUOT), 2);
	expect_paid(p, 5);
}

/* A refusal of the cgroup takes nothing out of the capacity */
static void limit_takes_nothing(struct kunit *test)
{
	unsigned int room = ik_room(IOASID_SET_TYPE_PRIVATE, NULL);
	struct purse *p = purse_open(test);
	struct ioasid_set *elastic = ik_set(test), *none;
	ioasid_t id;

	purse_limit(p, 0);
	none = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, NULL, 4);
	IK_EXPECT_ERR_PTR(test, none, -EDQUOT);
	IK_EXPECT_ERRNO(test, ioasid_alloc(elastic, 1, -1U, NULL, &id), -EDQUOT);
	WRITE_ONCE(purse_res(p)->max, p->max);
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_PRIVATE, NULL), room);
}

static struct kunit_case ioasid_cgroup_cases[] = {
	KUNIT_CASE(guarantee),
	KUNIT_CASE(one_by_one),
	KUNIT_CASE(host),
	KUNIT_CASE(limit),
	KUNIT_CASE(limit_takes_nothing),
	{}
};

static struct kunit_suite ioasid_cgroup_suite = {
	.name = "ioasid_cgroup",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_cgroup_cases,
};

kunit_test_suite(ioasid_cgroup_suite);
