// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_capacity": capacity, guarantees and accounting.
 *
 * At all times: sum(max(quota, used)) over sets with a quota + numbers of
 * elastic sets <= total - 1. What is left of it is seen from outside as the
 * largest guarantee that can still be made (ik_room()).
 */
#include "ioasid_kunit.h"

#define TOTAL	64

/* Most cases want a small capacity, of which nothing is used */
static unsigned int small_capacity(struct kunit *test)
{
	unsigned int room;

	ik_capacity(test, TOTAL);
	room = ik_room(IOASID_SET_TYPE_PRIVATE, NULL);
	if (room < 48)
		kunit_skip(test, "the host uses the low IOASIDs");
	return room;
}

static unsigned int room(void)
{
	return ik_room(IOASID_SET_TYPE_PRIVATE, NULL);
}

static struct ioasid_set *guaranteed(struct kunit *test, unsigned int quota)
{
	return ik_set_of(test, IOASID_SET_TYPE_PRIVATE, test, quota);
}

static void expect_no_set(struct kunit *test, enum ioasid_set_type type,
			  void *token, unsigned int quota)
{
	struct ioasid_set *set = ioasid_set_alloc(type, token, quota);

	IK_EXPECT_ERR_PTR(test, set, -ENOSPC);
	if (!IS_ERR(set))
		ioasid_set_free(set);
}

/* 20 bits until an IOMMU says otherwise */
static void default_capacity(struct kunit *test)
{
	if (ik_iommu_drivers())
		kunit_skip(test, "the IOMMUs may have set another");
	KUNIT_EXPECT_EQ(test, ik_total(), 1U << IOASID_MAX_BITS);
}

static void install_invalid(struct kunit *test)
{
	IK_EXPECT_ERRNO(test, ioasid_install_capacity(0), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_install_capacity(1), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_install_capacity((1U << IOASID_MAX_BITS) + 1), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_install_capacity(-1U), -EINVAL);
}

/* The smallest capacity has the number 1, the largest has 2^20 - 1 */
static void install_extremes(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	unsigned int used = ik_total() - 1 - room();
	ioasid_t top = (1U << IOASID_MAX_BITS) - 1;

	ik_capacity(test, 1U << IOASID_MAX_BITS);
	KUNIT_EXPECT_EQ(test, room(), top - used);
	KUNIT_EXPECT_EQ(test, ik_alloc(test, set, top, -1U), top);
	ioasid_set_free_ids(set);
	ioasid_synchronize();

	ik_capacity(test, 2);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -ENOSPC), 1);
	KUNIT_EXPECT_TRUE(test, ik_taken(1));
}

/* -EBUSY exactly when a number is above, in whatever state it is */
static void install_busy_id(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id;

	small_capacity(test);
	id = ik_alloc(test, set, 40, 40);
	IK_EXPECT_OK(test, ioasid_install_capacity(41));
	IK_EXPECT_ERRNO(test, ioasid_install_capacity(40), -EBUSY);

	IK_ASSERT_OK(test, ioasid_get(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	IK_EXPECT_ERRNO(test, ioasid_install_capacity(40), -EBUSY);
	ioasid_put(set, id);
	ioasid_synchronize();
	IK_EXPECT_OK(test, ioasid_install_capacity(40));

	/* and raised again at will */
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 40, 40, NULL, &id), -ENOSPC);
	IK_EXPECT_OK(test, ioasid_install_capacity(41));
	IK_EXPECT_OK(test, ioasid_alloc(set, 40, 40, NULL, &id));
}

static void install_busy_guarantee(struct kunit *test)
{
	unsigned int used = TOTAL - 1 - small_capacity(test);
	struct ioasid_set *set = guaranteed(test, 20);

	IK_EXPECT_OK(test, ioasid_install_capacity(20 + used + 1));
	IK_EXPECT_ERRNO(test, ioasid_install_capacity(20 + used), -EBUSY);
	KUNIT_EXPECT_EQ(test, room(), 0);
	ik_set_free(test, set);
	KUNIT_EXPECT_EQ(test, room(), 20);
}

/* Nothing has changed after a capacity was refused */
static void install_refused(struct kunit *test)
{
	unsigned int left = small_capacity(test);
	struct ioasid_set *set = ik_set(test);

	ik_alloc(test, set, TOTAL - 1, TOTAL - 1);
	IK_EXPECT_ERRNO(test, ioasid_install_capacity(32), -EBUSY);
	KUNIT_EXPECT_EQ(test, room(), left - 1);
	ik_alloc(test, set, TOTAL - 2, TOTAL - 2);
}

/* Each number once, then none */
static void all_numbers(struct kunit *test)
{
	unsigned int left = small_capacity(test), nr = 0;
	struct ioasid_set *set = ik_set(test);
	DECLARE_BITMAP(seen, TOTAL) = {};
	ioasid_t id;
	int ret;

	while (!(ret = ioasid_alloc(set, 1, -1U, NULL, &id))) {
		KUNIT_ASSERT_GE(test, id, 1);
		KUNIT_ASSERT_LT(test, id, TOTAL);
		KUNIT_EXPECT_FALSE(test, __test_and_set_bit(id, seen));
		nr++;
	}
	IK_EXPECT_ERRNO(test, ret, -ENOSPC);
	KUNIT_EXPECT_EQ(test, nr, left);
	KUNIT_EXPECT_EQ(test, room(), 0);
}

/* Whatever elastic sets take, a guarantee is met; it is the limit as well */
static void guarantee_is_met(struct kunit *test)
{
	unsigned int left = small_capacity(test);
	struct ioasid_set *set = guaranteed(test, 20), *elastic = ik_set(test);

	KUNIT_EXPECT_EQ(test, room(), left - 20);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, elastic, 1, -1U, -ENOSPC), left - 20);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -EDQUOT), 20);
}

/* One guarantee does not eat another, nor what elastic sets have taken */
static void guarantee_needs_room(struct kunit *test)
{
	unsigned int left = small_capacity(test);
	struct ioasid_set *elastic = ik_set(test), *set;

	expect_no_set(test, IOASID_SET_TYPE_PRIVATE, NULL, left + 1);
	expect_no_set(test, IOASID_SET_TYPE_PRIVATE, NULL, -1U);
	ik_alloc(test, elastic, 1, -1U);
	expect_no_set(test, IOASID_SET_TYPE_PRIVATE, NULL, left);
	set = guaranteed(test, left - 1);
	expect_no_set(test, IOASID_SET_TYPE_PRIVATE, NULL, 1);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, elastic, 1, -1U, -ENOSPC), 0);

	/* An elastic set can be made at any time, it takes nothing */
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, ik_set(test), 1, -1U, -ENOSPC), 0);
	ik_set_free(test, set);
	KUNIT_EXPECT_EQ(test, room(), left - 1);
}

/* Freed numbers count on the quota until they are free for others */
static void pending_counts(struct kunit *test)
{
	struct ioasid_set *set = guaranteed(test, 2);
	ioasid_t ids[2], id;

	ik_alloc_many(test, set, ids, 2);
	IK_ASSERT_OK(test, ioasid_get(set, ids[0]));
	IK_EXPECT_OK(test, ioasid_free(set, ids[0]));
	ioasid_synchronize();
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 1, 100, NULL, &id), -EDQUOT);
	ioasid_put(set, ids[0]);
	ioasid_synchronize();
	IK_EXPECT_OK(test, ioasid_alloc(set, 1, 100, NULL, &id));
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 1, 100, NULL, &id), -EDQUOT);
}

/*
 * What a dying set has not used returns at once; each number that is out
 * returns one when it is free again.
 */
static void dying_set(struct kunit *test)
{
	unsigned int left = small_capacity(test);
	struct ioasid_set *set = guaranteed(test, 20);
	ioasid_t ids[3];

	ik_alloc_many(test, set, ids, 3);
	for (int i = 0; i < 3; i++)
		IK_ASSERT_OK(test, ioasid_get(set, ids[i]));
	KUNIT_EXPECT_EQ(test, room(), left - 20);
	ik_set_free(test, set);
	for (int i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, room(), left - 3 + i);
		ioasid_put(set, ids[i]);
		ioasid_synchronize();
	}
	KUNIT_EXPECT_EQ(test, room(), left);
}

static void dying_elastic_set(struct kunit *test)
{
	unsigned int left = small_capacity(test);
	struct ioasid_set *set = ik_set(test);
	ioasid_t ids[3];

	ik_alloc_many(test, set, ids, 3);
	IK_ASSERT_OK(test, ioasid_get(set, ids[1]));
	KUNIT_EXPECT_EQ(test, room(), left - 3);
	ik_set_free(test, set);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, room(), left - 1);
	ioasid_put(set, ids[1]);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, room(), left);
}

/* set_free_ids() leaves the guarantee where it is */
static void free_ids_keeps_guarantee(struct kunit *test)
{
	unsigned int left = small_capacity(test);
	struct ioasid_set *set = guaranteed(test, 20), *elastic = ik_set(test);
	ioasid_t ids[5];

	ik_alloc_many(test, set, ids, 5);
	ioasid_set_free_ids(set);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, room(), left - 20);
	ik_alloc_all(test, elastic, 1, -1U, -ENOSPC);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -EDQUOT), 20);
}

/* An allocation that fails, for whatever reason, takes nothing */
static void failing_takes_nothing(struct kunit *test)
{
	struct ioasid_set *set = guaranteed(test, 4), *elastic = ik_set(test);
	unsigned int left;
	ioasid_t id;

	left = small_capacity(test);
	ik_alloc(test, set, 5, 5);
	for (int i = 0; i < 10; i++) {
		IK_EXPECT_ERRNO(test, ioasid_alloc(set, 5, 5, NULL, &id), -ENOSPC);
		IK_EXPECT_ERRNO(test, ioasid_alloc(set, TOTAL, -1U, NULL, &id), -ENOSPC);
		IK_EXPECT_ERRNO(test, ioasid_alloc(set, 2, 1, NULL, &id), -EINVAL);
		IK_EXPECT_ERRNO(test, ioasid_alloc(elastic, 5, 5, NULL, &id), -ENOSPC);
		expect_no_set(test, IOASID_SET_TYPE_PRIVATE, NULL, TOTAL);
	}
	KUNIT_EXPECT_EQ(test, room(), left);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 1);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(elastic), 0);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -EDQUOT), 3);
}

/* Nor does one that runs out of memory; or it gets over it */
static void memory_is_short(struct kunit *test)
{
	unsigned int failed = 0;
#ifdef CONFIG_FAILSLAB
	struct ioasid_set *set = guaranteed(test, 64);
	unsigned int count = 0;
	ioasid_t id;
	int ret;

	/* Far apart, so that each needs memory for the tree */
	for (int i = 1; i < 48; i++) {
		current->fail_nth = 1 + i % 6;
		ret = ioasid_alloc(set, i << 14, i << 14, NULL, &id);
		failed += !current->fail_nth;
		current->fail_nth = 0;
		KUNIT_EXPECT_TRUE_MSG(test, !ret || ret == -ENOMEM, "%pe", ERR_PTR(ret));
		count += !ret;
		KUNIT_EXPECT_EQ(test, ioasid_set_count(set), count);
		KUNIT_EXPECT_EQ(test, ik_taken(i << 14), !ret);
	}
#endif
	if (!failed)
		kunit_skip(test, "needs FAILSLAB, to make an allocation of memory fail");
}

/* All users together may have half of it, whoever they are */
static void users_get_half(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test), *other = ik_mm(test);
	unsigned int left = small_capacity(test);
	struct ioasid_set *set;

	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_MM, mm), TOTAL / 2);
	set = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 20);
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_MM, mm), TOTAL / 2 - 20);
	ik_set_of(test, IOASID_SET_TYPE_MM, other, TOTAL / 2 - 20);
	expect_no_set(test, IOASID_SET_TYPE_MM, mm, 1);
	expect_no_set(test, IOASID_SET_TYPE_MM, other, 1);

	/* The rest is for the kernel */
	KUNIT_EXPECT_EQ(test, room(), left - TOTAL / 2);
	guaranteed(test, left - TOTAL / 2);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -EDQUOT), 20);
}

static void users_get_half_elastic(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test), *other = ik_mm(test);
	unsigned int left = small_capacity(test);
	struct ioasid_set *one, *two, *kernel = ik_set(test);

	one = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0);
	two = ik_set_of(test, IOASID_SET_TYPE_MM, other, 0);
	ik_set_of(test, IOASID_SET_TYPE_MM, mm, 10);
	ik_alloc(test, one, 1, -1U);
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_MM, mm), TOTAL / 2 - 11);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, two, 1, -1U, -ENOSPC), TOTAL / 2 - 11);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, one, 1, -1U, -ENOSPC), 0);
	expect_no_set(test, IOASID_SET_TYPE_MM, other, 1);

	/* It comes back when numbers are free again, not before */
	ioasid_set_free_ids(two);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, one, 1, -1U, -ENOSPC), TOTAL / 2 - 11);

	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, kernel, 1, -1U, -ENOSPC),
			left - TOTAL / 2);
}

/* A dead user counts as long as numbers of his are out */
static void users_dying(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set;
	ioasid_t id;

	small_capacity(test);
	set = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 10);
	id = ik_alloc(test, set, 1, -1U);
	IK_ASSERT_OK(test, ioasid_get(set, id));
	ik_set_free(test, set);
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_MM, mm), TOTAL / 2 - 1);
	ioasid_put(set, id);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_MM, mm), TOTAL / 2);
}

/* Several sets of one mm each have their own guarantee and numbers */
static void sets_of_one_mm(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *one, *two;
	ioasid_t id;

	one = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 3);
	two = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 5);
	KUNIT_EXPECT_PTR_NE(test, one, two);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, one, 1, -1U, -EDQUOT), 3);
	id = ik_alloc(test, two, 1, -1U);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, two, 1, -1U, -EDQUOT), 4);
	IK_EXPECT_ERRNO(test, ioasid_get(one, id), -EACCES);
	ik_set_free(test, one);
	KUNIT_EXPECT_TRUE(test, ioasid_alive(id));
}

/* The host's set is elastic, and no user */
static void system_set_is_elastic(struct kunit *test)
{
	unsigned int left = small_capacity(test), nr;
	DECLARE_BITMAP(mine, TOTAL) = {};
	ioasid_t id;

	for (nr = 0; !ioasid_alloc(ioasid_system_set(), 1, -1U, NULL, &id); nr++)
		__set_bit(id, mine);
	KUNIT_EXPECT_EQ(test, nr, left);
	for_each_set_bit(id, mine, TOTAL)
		IK_EXPECT_OK(test, ioasid_free(ioasid_system_set(), id));
}

static struct kunit_case ioasid_capacity_cases[] = {
	KUNIT_CASE(default_capacity),
	KUNIT_CASE(install_invalid),
	KUNIT_CASE(install_extremes),
	KUNIT_CASE(install_busy_id),
	KUNIT_CASE(install_busy_guarantee),
	KUNIT_CASE(install_refused),
	KUNIT_CASE(all_numbers),
	KUNIT_CASE(guarantee_is_met),
	KUNIT_CASE(guarantee_needs_room),
	KUNIT_CASE(pending_counts),
	KUNIT_CASE(dying_set),
	KUNIT_CASE(dying_elastic_set),
	KUNIT_CASE(free_ids_keeps_guarantee),
	KUNIT_CASE(failing_takes_nothing),
	KUNIT_CASE(memory_is_short),
	KUNIT_CASE(users_get_half),
	KUNIT_CASE(users_get_half_elastic),
	KUNIT_CASE(users_dying),
	KUNIT_CASE(sets_of_one_mm),
	KUNIT_CASE(system_set_is_elastic),
	{}
};

static struct kunit_suite ioasid_capacity_suite = {
	.name = "ioasid_capacity",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_capacity_cases,
};

kunit_test_suite(ioasid_capacity_suite);
