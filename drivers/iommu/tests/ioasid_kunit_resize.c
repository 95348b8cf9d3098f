// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_resize": changing the guarantee of a set.
 */
#include "ioasid_kunit.h"

#define TOTAL	64

static unsigned int room(void)
{
	return ik_room(IOASID_SET_TYPE_PRIVATE, NULL);
}

static void invalid(struct kunit *test)
{
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 3);

	IK_EXPECT_ERRNO(test, ioasid_set_resize(NULL, 3), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_set_resize(set, 0), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_set_resize(ik_set(test), 3), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_set_resize(ik_set(test), 0), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_set_resize(ioasid_system_set(), 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -EDQUOT), 3);
	ioasid_set_get(set);
	ik_set_free(test, set);
	IK_EXPECT_ERRNO(test, ioasid_set_resize(set, 3), -ESHUTDOWN);
	IK_EXPECT_ERRNO(test, ioasid_set_resize(set, 30), -ESHUTDOWN);
	ioasid_set_put(set);
}

static void more_and_less(struct kunit *test)
{
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 3);
	unsigned int left;

	ik_capacity(test, TOTAL);
	left = room() + 3;
	IK_EXPECT_OK(test, ioasid_set_resize(set, 10));
	KUNIT_EXPECT_EQ(test, room(), left - 10);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -EDQUOT), 10);
	IK_EXPECT_OK(test, ioasid_set_resize(set, 10));
	IK_EXPECT_OK(test, ioasid_set_resize(set, 12));
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -EDQUOT), 2);
	ioasid_set_free_ids(set);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, room(), left - 12);
	IK_EXPECT_OK(test, ioasid_set_resize(set, 1));
	KUNIT_EXPECT_EQ(test, room(), left - 1);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -EDQUOT), 1);
	/* What it gave up and took is accounted for when it dies */
	IK_EXPECT_OK(test, ioasid_set_resize(set, left));
	KUNIT_EXPECT_EQ(test, room(), 0);
	ik_set_free(test, set);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, room(), left);
}

/* Not below what is out, in any state */
static void busy(struct kunit *test)
{
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 9);
	unsigned int left = room();
	ioasid_t ids[5];

	ik_alloc_many(test, set, ids, 5);
	IK_ASSERT_OK(test, ioasid_get(set, ids[0]));
	IK_EXPECT_OK(test, ioasid_free(set, ids[0]));
	IK_EXPECT_ERRNO(test, ioasid_set_resize(set, 4), -EBUSY);
	IK_EXPECT_ERRNO(test, ioasid_set_resize(set, 1), -EBUSY);
	KUNIT_EXPECT_EQ(test, room(), left);
	IK_EXPECT_OK(test, ioasid_set_resize(set, 5));
	KUNIT_EXPECT_EQ(test, room(), left + 4);
	ioasid_put(set, ids[0]);
	ioasid_synchronize();
	IK_EXPECT_OK(test, ioasid_set_resize(set, 4));
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -EDQUOT), 0);
}

/* A guarantee must be met, and those of users be no more than their share */
static void no_room(struct kunit *test)
{
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 3);
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *user = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 2);
	unsigned int left;

	ik_capacity(test, TOTAL);
	left = room();
	IK_EXPECT_ERRNO(test, ioasid_set_resize(set, left + 4), -ENOSPC);
	IK_EXPECT_ERRNO(test, ioasid_set_resize(set, -1U), -ENOSPC);
	IK_EXPECT_ERRNO(test, ioasid_set_resize(user, TOTAL / 2 + 1), -ENOSPC);
	KUNIT_EXPECT_EQ(test, room(), left);
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_MM, mm), TOTAL / 2 - 2);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -EDQUOT), 3);
	IK_EXPECT_OK(test, ioasid_set_resize(user, TOTAL / 2));
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_MM, mm), 0);
	KUNIT_EXPECT_EQ(test, room(), left + 2 - TOTAL / 2);
	IK_EXPECT_OK(test, ioasid_set_resize(user, 1));
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_MM, mm), TOTAL / 2 - 1);
	IK_EXPECT_OK(test, ioasid_set_resize(set, left + 3 + 1));
	KUNIT_EXPECT_EQ(test, room(), 0);
}

static struct kunit_case ioasid_resize_cases[] = {
	KUNIT_CASE(invalid),
	KUNIT_CASE(more_and_less),
	KUNIT_CASE(busy),
	KUNIT_CASE(no_room),
	{}
};

static struct kunit_suite ioasid_resize_suite = {
	.name = "ioasid_resize",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_resize_cases,
};

kunit_test_suite(ioasid_resize_suite);
