// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_range": which number an allocation gets.
 */
#include "ioasid_kunit.h"

/* min 0 counts as 1 */
static void min_zero(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id;

	IK_EXPECT_OK(test, ioasid_alloc(set, 0, 1, NULL, &id));
	KUNIT_EXPECT_EQ(test, id, 1);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 0, 1, NULL, &id), -ENOSPC);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 0, 0, NULL, &id), -ENOSPC);
}

/* max is clipped to the capacity, whatever it is */
static void max_clipped(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id;

	ik_capacity(test, 64);
	KUNIT_EXPECT_EQ(test, ik_alloc(test, set, 63, 63), 63);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 63, 64, NULL, &id), -ENOSPC);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 63, -1U, NULL, &id), -ENOSPC);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 64, 64, NULL, &id), -ENOSPC);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 64, -1U, NULL, &id), -ENOSPC);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, -1U, -1U, NULL, &id), -ENOSPC);

	/* and clipped before it is halved */
	id = ik_alloc(test, set, 1, -1U);
	KUNIT_EXPECT_GE(test, id, 32);
	KUNIT_EXPECT_LE(test, id, 62);
}

/* A range of one number is that number or nothing */
static void single(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	static const ioasid_t ids[] = { 63, 5, 6, 4, 32, 31, 2, 1 };
	ioasid_t id;

	ik_capacity(test, 64);
	for (int i = 0; i < ARRAY_SIZE(ids); i++) {
		KUNIT_EXPECT_EQ(test, ik_alloc(test, set, ids[i], ids[i]),
				ids[i]);
		IK_EXPECT_ERRNO(test, ioasid_alloc(set, ids[i], ids[i], NULL, &id),
				-ENOSPC);
	}
}

struct range_case {
	ioasid_t min;
	ioasid_t max;
};

static const struct range_case ranges[] = {
	{ 1, 63 }, { 1, 15 }, { 1, 16 }, { 1, 20 }, { 1, 7 }, { 1, 2 }, { 1, 1 },
	{ 3, 17 }, { 5, 15 }, { 9, 15 }, { 8, 15 }, { 2, 3 }, { 20, 50 }, { 7, 8 },
};

static void range_desc(const struct range_case *r, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u_to_%u", r->min, r->max);
}

KUNIT_ARRAY_PARAM(range, ranges, range_desc);

/*
 * How often a range up to @max must be halved before @id is in its upper half:
 * in 1 … 15 it is 0 for 8 … 15, 1 for 4 … 7, 2 for 2 and 3, and 3 for 1.
 */
static unsigned int level(ioasid_t id, ioasid_t max)
{
	unsigned int n = 0;

	while (id < (max + 1) / 2) {
		max = (max + 1) / 2 - 1;
		n++;
	}
	return n;
}

/* A range gives all its numbers, those of the upper halves first */
static void upper_half_first(struct kunit *test)
{
	const struct range_case *r = test->param_value;
	unsigned int nr = r->max - r->min + 1, last = 0, now;
	struct ioasid_set *set = ik_set(test);
	DECLARE_BITMAP(seen, 64) = {};
	ioasid_t id;

	ik_capacity(test, 64);
	while (nr--) {
		id = ik_alloc(test, set, r->min, r->max);
		KUNIT_EXPECT_FALSE(test, __test_and_set_bit(id, seen));
		now = level(id, r->max);
		KUNIT_EXPECT_GE_MSG(test, now, last, "%u is too early", id);
		last = now;
	}
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, r->min, r->max, NULL, &id), -ENOSPC);
}

/* The same from any state of the cursor */
static void upper_half_first_again(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	unsigned int last, now;
	ioasid_t id;

	ik_capacity(test, 64);
	for (int round = 0; round < 6; round++) {
		last = 0;
		for (int i = 0; i < 31; i++) {
			id = ik_alloc(test, set, 1, 31);
			now = level(id, 31);
			KUNIT_EXPECT_GE_MSG(test, now, last, "%u is too early", id);
			last = now;
		}
		ioasid_set_free_ids(set);
		ioasid_synchronize();
		ioasid_free(set, ik_alloc(test, set, 1, 31));
		ioasid_synchronize();
	}
}

/* Whichever number is the last that is free, it is found */
static void last_hole(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t hole;

	ik_capacity(test, 64);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, 20, -ENOSPC), 20);
	for (int i = 0; i < 40; i++) {
		/* upwards, and then downwards */
		hole = i < 20 ? i + 1 : 40 - i;
		IK_EXPECT_OK(test, ioasid_free(set, hole));
		ioasid_synchronize();
		KUNIT_EXPECT_EQ(test, ik_alloc(test, set, 1, 20), hole);
	}
}

/* What wide devices take is not what narrow ones need */
static void wide_spares_narrow(struct kunit *test)
{
	struct ioasid_set *wide, *narrow;

	ik_capacity(test, 1U << IOASID_MAX_BITS);
	wide = ik_set(test);
	narrow = ik_set(test);
	for (int i = 0; i < 300; i++)
		KUNIT_EXPECT_GE(test, ik_alloc(test, wide, 1, (1 << 20) - 1), 256);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, narrow, 1, 255, -ENOSPC), 255);
}

/*
 * Freed at once, a number comes back as late as the upper half of the range
 * allows, also when users of other ranges come between.
 */
static void comes_back_late(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t history[40], id;
	int i, back;

	for (i = 0; i < ARRAY_SIZE(history); i++) {
		id = ik_alloc(test, set, 1, 31);
		history[i] = id;
		for (back = 1; back < 16 && back <= i; back++)
			KUNIT_EXPECT_NE_MSG(test, history[i - back], id,
					    "%u is back after %d", id, back);
		IK_EXPECT_OK(test, ioasid_free(set, id));
		id = ik_alloc(test, set, 1, i % 2 ? 255 : 15);
		IK_EXPECT_OK(test, ioasid_free(set, id));
		ioasid_synchronize();
	}
}

/* A capacity that is lowered leaves no number behind the cursor */
static void lowered_capacity(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);

	for (int i = 0; i < 100; i++)
		ik_alloc(test, set, 1, -1U);
	ioasid_set_free_ids(set);
	ioasid_synchronize();

	ik_capacity(test, 64);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 32, -1U, -ENOSPC), 32);
	ioasid_set_free_ids(set);
	ioasid_synchronize();
	IK_EXPECT_OK(test, ioasid_install_capacity(50));
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 32, -1U, -ENOSPC), 18);
}

static struct kunit_case ioasid_range_cases[] = {
	KUNIT_CASE(min_zero),
	KUNIT_CASE(max_clipped),
	KUNIT_CASE(single),
	KUNIT_CASE_PARAM(upper_half_first, range_gen_params),
	KUNIT_CASE(upper_half_first_again),
	KUNIT_CASE(last_hole),
	KUNIT_CASE(wide_spares_narrow),
	KUNIT_CASE(comes_back_late),
	KUNIT_CASE(lowered_capacity),
	{}
};

static struct kunit_suite ioasid_range_suite = {
	.name = "ioasid_range",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_range_cases,
};

kunit_test_suite(ioasid_range_suite);
