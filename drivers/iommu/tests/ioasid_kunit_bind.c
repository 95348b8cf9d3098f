// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_bind": the guest's names for numbers, and BIND
 * and UNBIND without such a name.
 */
#include "ioasid_kunit.h"

#define NOTHING		IOMMU_PASID_INVALID
#define SPID_MAX	((1U << IOASID_MAX_BITS) - 1)

static void invalid(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100), found = 12345;

	ik_subscribe(test, set, 0);
	IK_EXPECT_ERRNO(test, ioasid_attach_spid(NULL, id, 1), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_attach_spid(set, id, 0), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_attach_spid(set, id, SPID_MAX + 1), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_attach_spid(set, id, IOMMU_PASID_INVALID), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_detach_spid(NULL, id), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_find_by_spid(NULL, 1, &found), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_find_by_spid(set, 1, &found), -ENOENT);
	IK_EXPECT_ERRNO(test, ioasid_find_by_spid(set, 0, &found), -ENOENT);
	IK_EXPECT_ERRNO(test, ioasid_find_by_spid(set, IOMMU_PASID_INVALID, &found), -ENOENT);
	KUNIT_EXPECT_EQ(test, found, 12345);
	ik_expect_empty_log(test);
}

static void extremes(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t low = ik_alloc_bound(test, set, 1);
	ioasid_t high = ik_alloc_bound(test, set, SPID_MAX);

	ik_expect_spid(test, set, 1, low);
	ik_expect_spid(test, set, SPID_MAX, high);
	ik_expect_spid(test, set, 2, NOTHING);
}

/* All calls for a name, of a number that they may not have */
static void expect_errors(struct kunit *test, struct ioasid_set *set,
			  ioasid_t id, int errno)
{
	struct ik *ik = test->priv;
	unsigned int nr = ik->nr;

	IK_EXPECT_ERRNO(test, ioasid_attach_spid(set, id, 77), errno);
	IK_EXPECT_ERRNO(test, ioasid_detach_spid(set, id), errno);
	IK_EXPECT_ERRNO(test, ioasid_notify(set, id, IOASID_BIND), errno);
	IK_EXPECT_ERRNO(test, ioasid_notify(set, id, IOASID_UNBIND), errno);
	ik_expect_spid(test, set, 77, NOTHING);
	KUNIT_EXPECT_EQ_MSG(test, ik->nr, nr, "an event of what was refused");
}

static void unknown_id(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);

	ik_subscribe(test, set, 0);
	expect_errors(test, set, IOMMU_NO_PASID, -ENOENT);
	expect_errors(test, set, 1U << IOASID_MAX_BITS, -ENOENT);
	expect_errors(test, set, IOMMU_PASID_INVALID, -ENOENT);
}

static void foreign_id(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *other = ik_set(test);
	ioasid_t plain = ik_alloc(test, other, 1, 100);
	ioasid_t bound = ik_alloc_bound(test, other, 5);

	ik_subscribe(test, set, 0);
	ik_subscribe(test, other, 0);
	expect_errors(test, set, plain, -EACCES);
	expect_errors(test, set, bound, -EACCES);
	ik_expect_spid(test, set, 5, NOTHING);
	ik_expect_spid(test, other, 5, bound);

	/* also when it is dead */
	IK_ASSERT_OK(test, ioasid_get(other, bound));
	IK_EXPECT_OK(test, ioasid_free(other, bound));
	expect_errors(test, set, bound, -EACCES);
	ioasid_put(other, bound);
}

/* FREE_PENDING and, as a reader keeps it there, quarantine */
static void freed_id(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t id = ik_alloc_bound(test, set, 5);

	IK_ASSERT_OK(test, ioasid_get(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	expect_errors(test, set, id, -EBUSY);
	ik_expect_spid(test, set, 5, NOTHING);
	KUNIT_EXPECT_EQ(test, ik_log_count(sub, IOASID_UNBIND), 1);
	ioasid_put(set, id);
	ioasid_synchronize();
	expect_errors(test, set, id, -ENOENT);
}

/* A number has one name, and a name means one number, in a set */
static void taken(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *other = ik_set(test);
	ioasid_t one = ik_alloc_bound(test, set, 5), two, theirs;

	two = ik_alloc(test, set, 1, 100);
	ik_subscribe(test, set, 0);
	ik_log_clear(test);
	IK_EXPECT_ERRNO(test, ioasid_attach_spid(set, one, 6), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_attach_spid(set, one, 5), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_attach_spid(set, two, 5), -EEXIST);
	ik_expect_empty_log(test);
	ik_expect_spid(test, set, 5, one);
	ik_expect_spid(test, set, 6, NOTHING);
	/* It was not left half bound */
	ik_bind(test, set, two, 6);
	theirs = ik_alloc_bound(test, other, 5);
	ik_expect_spid(test, set, 5, one);
	ik_expect_spid(test, other, 5, theirs);
}

static void detach(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t one = ik_alloc(test, set, 1, 100), two;

	two = ik_alloc(test, set, 1, 100);
	IK_EXPECT_ERRNO(test, ioasid_detach_spid(set, one), -ENOENT);
	ik_log_clear(test);
	ik_bind(test, set, one, 5);
	IK_EXPECT_OK(test, ioasid_detach_spid(set, one));
	ik_expect_spid(test, set, 5, NOTHING);
	IK_EXPECT_ERRNO(test, ioasid_detach_spid(set, one), -ENOENT);
	/* The name for another, another name for the number */
	ik_bind(test, set, two, 5);
	ik_bind(test, set, one, 6);
	ik_expect_spid(test, set, 5, two);
	ik_expect_log(test, { sub, IOASID_BIND, one, 5 }, { sub, IOASID_UNBIND, one, 5 },
		      { sub, IOASID_BIND, two, 5 }, { sub, IOASID_BIND, one, 6 });
}

static void expect_args(struct kunit *test, struct ioasid_set *set,
			enum ioasid_set_type type, void *token, ioasid_t spid)
{
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik *ik = test->priv;
	ioasid_t id = ik_alloc_data(test, set, &type);

	ik_log_clear(test);
	if (spid) {
		ik_bind(test, set, id, spid);
		IK_EXPECT_OK(test, ioasid_detach_spid(set, id));
	} else {
		IK_EXPECT_OK(test, ioasid_notify(set, id, IOASID_BIND));
		IK_EXPECT_OK(test, ioasid_notify(set, id, IOASID_UNBIND));
	}
	ik_expect_log(test, { sub, IOASID_BIND, id, spid },
		      { sub, IOASID_UNBIND, id, spid });
	for (int i = 0; i < 2; i++) {
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].args.set, set);
		KUNIT_EXPECT_EQ(test, ik->log[i].args.type, type);
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].args.token, token);
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].args.pdata, (void *)&type);
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].task, current);
	}
	ik_unsubscribe(test, sub);
}

static void args(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set;

	set = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 3);
	expect_args(test, set, IOASID_SET_TYPE_MM, mm, 5);
	expect_args(test, set, IOASID_SET_TYPE_MM, mm, 0);
	set = ik_set(test);
	expect_args(test, set, IOASID_SET_TYPE_PRIVATE, test, SPID_MAX);
	expect_args(test, set, IOASID_SET_TYPE_PRIVATE, test, 0);
}

static int look(struct ik_sub *sub, unsigned long event,
		struct ioasid_nb_args *args)
{
	ioasid_t id;

	if (event == IOASID_BIND || event == IOASID_UNBIND || event == IOASID_FREE)
		KUNIT_EXPECT_EQ(sub->ik->test, -ENOENT,
				ioasid_find_by_spid(args->set, 5, &id));
	return NOTIFY_OK;
}

/* When all have agreed, until the first is told of the end */
static void findable(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 1);
	struct ik_sub *last = ik_subscribe_all(test, set, 0);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_task *task;

	sub->handler = look;
	last->handler = look;
	ik_hold(last, IOASID_BIND);
	task = ik_run_bind(test, set, id, 5);
	ik_wait_held(test, last);
	ik_expect_spid(test, set, 5, NOTHING);
	ik_release(last);
	IK_EXPECT_OK(test, ik_join(test, task));
	ik_expect_spid(test, set, 5, id);
	IK_EXPECT_OK(test, ioasid_detach_spid(set, id));
	ik_bind(test, set, id, 5);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	KUNIT_EXPECT_EQ(test, ik_log_count(last, IOASID_UNBIND), 2);
}

/* The ways for a bound number to die */
enum way { BY_FREE, BY_FREE_ASYNC, BY_SET_FREE_IDS, BY_SET_FREE };

static void free_way_desc(const enum way *way, char *desc)
{
	static const char * const names[] = {
		"free", "free_async", "set_free_ids", "set_free",
	};

	strscpy(desc, names[*way], KUNIT_PARAM_DESC_SIZE);
}

static const enum way free_ways[] = {
	BY_FREE, BY_FREE_ASYNC, BY_SET_FREE_IDS, BY_SET_FREE,
};

KUNIT_ARRAY_PARAM(free_way, free_ways, free_way_desc);

static void kill(struct kunit *test, struct ioasid_set *set, ioasid_t id)
{
	switch (*(const enum way *)test->param_value) {
	case BY_FREE:
		IK_EXPECT_OK(test, ioasid_free(set, id));
		break;
	case BY_FREE_ASYNC:
		IK_EXPECT_OK(test, ioasid_free_async(set, id));
		ik_expect_spid(test, set, 5, NOTHING);
		ioasid_synchronize();
		break;
	case BY_SET_FREE_IDS:
		ioasid_set_free_ids(set);
		break;
	default:
		ik_set_free(test, set);
	}
}

/* The name goes before the number does */
static void unbind_before_free(struct kunit *test)
{
	struct ioasid_set *set = ioasid_set_get(ik_set(test));
	ioasid_t id = ik_alloc_bound(test, set, 5);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_sub *all = ik_subscribe_all(test, set, 0);

	ik_log_clear(test);
	kill(test, set, id);
	ik_expect_log(test, { sub, IOASID_UNBIND, id, 5 }, { all, IOASID_UNBIND, id, 5 },
		      { sub, IOASID_FREE, id }, { all, IOASID_FREE, id },
		      { sub, IOASID_SYNC }, { all, IOASID_SYNC });
	ik_expect_spid(test, set, 5, NOTHING);
	ik_expect_recyclable(test, id);
	ioasid_set_put(set);
}

/* With nobody to tell too; the name is free at once, the number later */
static void free_without_subscribers(struct kunit *test)
{
	struct ioasid_set *set = ioasid_set_get(ik_set(test));
	ioasid_t id = ik_alloc_bound(test, set, 5), other;

	IK_ASSERT_OK(test, ioasid_get(set, id));
	kill(test, set, id);
	ik_expect_spid(test, set, 5, NOTHING);
	if (*(const enum way *)test->param_value != BY_SET_FREE) {
		other = ik_alloc_bound(test, set, 5);
		ik_expect_spid(test, set, 5, other);
	}
	ioasid_put(set, id);
	ik_expect_recyclable(test, id);
	ioasid_set_put(set);
}

/* A guest that resets: each loses its name, one SYNC, and all names are free */
static void reset(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t ids[8];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < ARRAY_SIZE(ids); i++)
			ids[i] = ik_alloc_bound(test, set, 100 + i);
		ik_log_clear(test);
		ioasid_set_free_ids(set);
		ik_expect_frees(test, sub, ids, ARRAY_SIZE(ids), 1);
		KUNIT_EXPECT_EQ(test, ik_log_count(sub, IOASID_UNBIND), ARRAY_SIZE(ids));
		for (int i = 0; i < ARRAY_SIZE(ids); i++) {
			KUNIT_EXPECT_LT(test, ik_log_find(sub, IOASID_UNBIND, ids[i]),
					ik_log_find(sub, IOASID_FREE, ids[i]));
			ik_expect_spid(test, set, 100 + i, NOTHING);
		}
	}
}

/* The errors of ioasid_notify() are looked for in this order */
static void notify_errors(struct kunit *test)
{
	static const int others[] = { 0, IOASID_FREE, IOASID_ALLOC, IOASID_SYNC, 99 };
	struct ioasid_set *set = ik_set(test), *other = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);

	ik_subscribe(test, set, 0);
	IK_EXPECT_ERRNO(test, ioasid_notify(NULL, id, IOASID_BIND), -EINVAL);
	for (int i = 0; i < ARRAY_SIZE(others); i++) {
		IK_EXPECT_ERRNO(test, ioasid_notify(set, id, others[i]), -EINVAL);
		IK_EXPECT_ERRNO(test, ioasid_notify(set, 0, others[i]), -EINVAL);
		IK_EXPECT_ERRNO(test, ioasid_notify(other, id, others[i]), -EINVAL);
	}
	IK_EXPECT_ERRNO(test, ioasid_notify(set, id, IOASID_UNBIND), -ENOENT);
	ik_expect_empty_log(test);

	IK_EXPECT_OK(test, ioasid_notify(set, id, IOASID_BIND));
	IK_EXPECT_ERRNO(test, ioasid_notify(set, id, IOASID_BIND), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_notify(other, id, IOASID_BIND), -EACCES);
	IK_ASSERT_OK(test, ioasid_get(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	IK_EXPECT_ERRNO(test, ioasid_notify(set, id, IOASID_BIND), -EBUSY);
	IK_EXPECT_ERRNO(test, ioasid_notify(set, id, 0), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_notify(other, id, IOASID_BIND), -EACCES);
	ioasid_put(set, id);
}

/* A binding is of one kind, and ends as it began */
static void kinds_do_not_mix(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_sub *sub = ik_subscribe(test, set, 0);

	IK_EXPECT_OK(test, ioasid_notify(set, id, IOASID_BIND));
	IK_EXPECT_ERRNO(test, ioasid_attach_spid(set, id, 5), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_detach_spid(set, id), -ENOENT);
	IK_EXPECT_OK(test, ioasid_notify(set, id, IOASID_UNBIND));
	ik_bind(test, set, id, 5);
	IK_EXPECT_ERRNO(test, ioasid_notify(set, id, IOASID_BIND), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_notify(set, id, IOASID_UNBIND), -ENOENT);
	IK_EXPECT_OK(test, ioasid_detach_spid(set, id));
	IK_EXPECT_OK(test, ioasid_notify(set, id, IOASID_BIND));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ik_expect_log(test, { sub, IOASID_BIND, id }, { sub, IOASID_UNBIND, id },
		      { sub, IOASID_BIND, id, 5 }, { sub, IOASID_UNBIND, id, 5 },
		      { sub, IOASID_BIND, id }, { sub, IOASID_UNBIND, id },
		      { sub, IOASID_FREE, id }, { sub, IOASID_SYNC });
	ik_expect_recyclable(test, id);
}

static struct kunit_case ioasid_bind_cases[] = {
	KUNIT_CASE(invalid),
	KUNIT_CASE(extremes),
	KUNIT_CASE(unknown_id),
	KUNIT_CASE(foreign_id),
	KUNIT_CASE(freed_id),
	KUNIT_CASE(taken),
	KUNIT_CASE(detach),
	KUNIT_CASE(args),
	KUNIT_CASE(findable),
	KUNIT_CASE_PARAM(unbind_before_free, free_way_gen_params),
	KUNIT_CASE_PARAM(free_without_subscribers, free_way_gen_params),
	KUNIT_CASE(reset),
	KUNIT_CASE(notify_errors),
	KUNIT_CASE(kinds_do_not_mix),
	{}
};

static struct kunit_suite ioasid_bind_suite = {
	.name = "ioasid_bind",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_bind_cases,
};

kunit_test_suite(ioasid_bind_suite);
