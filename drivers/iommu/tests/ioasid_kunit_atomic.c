// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_atomic": the calls for any context, in a hard
 * interrupt and under a spinlock with interrupts off. Where a call sleeps or
 * takes a lock in a wrong way, lockdep and DEBUG_ATOMIC_SLEEP say so.
 */
#include <linux/sched/mm.h>

#include "ioasid_kunit.h"

/* What the calls gave: an interrupt is no place to complain */
struct atomic_calls {
	struct ioasid_set *set;
	struct ioasid_set *other;
	struct mm_struct *mm;
	ioasid_t id;
	ioasid_t mm_id;
	ioasid_t held;
	int data;

	int get;
	void *found;
	struct ioasid_set *owner;
	struct ioasid_set *kept;
	struct mm_struct *found_mm;
	unsigned int count;
	bool alive;
	int by_spid;
	ioasid_t spid_id;
	int no_spid;
	int attach_again;
	void *detach;
	int attach;
	int foreign;
	int free;
	int free_again;
	bool alive_after;
	int get_after;
	int by_spid_after;
	int attach_after;
	void *detach_foreign;
	bool taken_after;
};

static bool any_getter(void *data)
{
	return true;
}

static void do_calls(void *data)
{
	struct atomic_calls *c = data;
	ioasid_t id;

	c->get = ioasid_get(c->set, c->id);
	c->found = ioasid_find(c->set, c->id, any_getter);
	c->owner = ioasid_find_set(c->id);
	if (!IS_ERR(c->owner))
		ioasid_set_put(c->owner);
	c->kept = ioasid_set_get(c->set);
	ioasid_set_put(c->set);
	c->found_mm = ioasid_find_mm(c->mm_id);
	c->count = ioasid_set_count(c->set);
	c->alive = ioasid_alive(c->id);
	c->by_spid = ioasid_find_by_spid(c->set, 5, &c->spid_id);
	c->no_spid = ioasid_find_by_spid(c->set, 6, &id);
	c->attach_again = ioasid_attach_data(c->set, c->id, c);
	c->detach = ioasid_detach_data(c->set, c->id);
	c->attach = ioasid_attach_data(c->set, c->id, c);
	c->detach_foreign = ioasid_detach_data(c->other, c->id);
	c->foreign = ioasid_free_async(c->other, c->id);
	c->free = ioasid_free_async(c->set, c->id);
	c->free_again = ioasid_free_async(c->set, c->id);
	c->alive_after = ioasid_alive(c->id);
	c->get_after = ioasid_get(c->set, c->id);
	c->by_spid_after = ioasid_find_by_spid(c->set, 5, &id);
	c->attach_after = ioasid_attach_data(c->set, c->id, c);
	ioasid_put(c->set, c->id);
	/* The last reference of one that was freed before */
	ioasid_put(c->set, c->held);
	c->taken_after = ik_taken(c->held);
}

struct context {
	const char *name;
	void (*run)(struct kunit *test, void (*fn)(void *), void *data);
	bool subscribed;
};

static const struct context contexts[] = {
	{ "spinlock", ik_under_spinlock, false },
	{ "spinlock_subscriber", ik_under_spinlock, true },
	{ "hardirq", ik_in_hardirq, false },
	{ "hardirq_subscriber", ik_in_hardirq, true },
};

static void context_desc(const struct context *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(context, contexts, context_desc);

static void all_calls(struct kunit *test)
{
	const struct context *context = test->param_value;
	struct atomic_calls *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	struct ik_sub *sub = NULL;
	ioasid_t freed[2];

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->mm = ik_mm(test);
	c->set = ik_set(test);
	c->other = ik_set(test);
	c->id = ik_alloc_data(test, c->set, &c->data);
	c->held = ik_alloc(test, c->set, 1, 100);
	ik_bind(test, c->set, c->id, 5);
	IK_ASSERT_OK(test, ioasid_alloc_mm(c->set, 1, 100, c->mm, &c->mm_id));
	if (context->subscribed)
		sub = ik_subscribe(test, c->set, 0);
	IK_ASSERT_OK(test, ioasid_get(c->set, c->held));
	IK_ASSERT_OK(test, ioasid_free(c->set, c->held));

	context->run(test, do_calls, c);

	IK_EXPECT_OK(test, c->get);
	KUNIT_EXPECT_PTR_EQ(test, c->found, &c->data);
	KUNIT_EXPECT_PTR_EQ(test, c->owner, c->set);
	KUNIT_EXPECT_PTR_EQ(test, c->kept, c->set);
	KUNIT_EXPECT_PTR_EQ(test, c->found_mm, c->mm);
	if (!IS_ERR(c->found_mm))
		mmput(c->found_mm);
	KUNIT_EXPECT_EQ(test, c->count, 3);
	KUNIT_EXPECT_TRUE(test, c->alive);
	IK_EXPECT_OK(test, c->by_spid);
	KUNIT_EXPECT_EQ(test, c->spid_id, c->id);
	IK_EXPECT_ERRNO(test, c->no_spid, -ENOENT);
	IK_EXPECT_ERRNO(test, c->attach_again, -EBUSY);
	KUNIT_EXPECT_PTR_EQ(test, c->detach, &c->data);
	IK_EXPECT_OK(test, c->attach);
	IK_EXPECT_ERR_PTR(test, c->detach_foreign, -EACCES);
	IK_EXPECT_ERRNO(test, c->foreign, -EACCES);
	IK_EXPECT_OK(test, c->free);
	IK_EXPECT_OK(test, c->free_again);
	KUNIT_EXPECT_FALSE(test, c->alive_after);
	IK_EXPECT_ERRNO(test, c->get_after, -EBUSY);
	IK_EXPECT_ERRNO(test, c->by_spid_after, -ENOENT);
	IK_EXPECT_ERRNO(test, c->attach_after, -EBUSY);
	KUNIT_EXPECT_TRUE_MSG(test, c->taken_after, "no quarantine");

	ioasid_synchronize();
	if (sub) {
		freed[0] = c->id;
		freed[1] = c->held;
		ik_expect_frees(test, sub, freed, 2, 2);
	}
	ik_expect_recyclable(test, c->id);
	ik_expect_recyclable(test, c->held);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(c->set), 1);
}

static void do_set_put(void *set)
{
	ioasid_set_put(set);
}

/* The last reference of a set, with what it holds of an mm, goes anywhere */
static void last_set_put(struct kunit *test)
{
	const struct context *context = test->param_value;
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set;

	set = ioasid_set_get(ik_set_of(test, IOASID_SET_TYPE_MM, mm, 3));
	/* then nobody else has the mm */
	ik_mm_put(test, mm);
	ik_set_free(test, set);
	context->run(test, do_set_put, set);

	set = ioasid_set_get(ik_set(test));
	ik_set_free(test, set);
	context->run(test, do_set_put, set);
}

struct last_put {
	struct ioasid_set *set;
	ioasid_t id;
};

static void do_last_put(void *data)
{
	struct last_put *p = data;

	ioasid_put(p->set, p->id);
}

/* With the last reference of its last number a dead set goes, and the mm */
static void last_put(struct kunit *test)
{
	const struct context *context = test->param_value;
	struct mm_struct *mm = ik_mm(test);
	struct last_put p;

	p.set = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 3);
	p.id = ik_alloc(test, p.set, 1, 100);
	IK_ASSERT_OK(test, ioasid_get(p.set, p.id));
	ik_mm_put(test, mm);
	ik_set_free(test, p.set);
	context->run(test, do_last_put, &p);
	ik_expect_recyclable(test, p.id);
}

#define NR_IDS	32

struct free_many {
	struct ioasid_set *set;
	ioasid_t ids[NR_IDS];
	int ret;
};

static void do_free_many(void *data)
{
	struct free_many *f = data;

	for (int i = 0; i < NR_IDS; i++)
		f->ret = f->ret ?: ioasid_free_async(f->set, f->ids[i]);
}

/*
 * On one CPU the worker cannot run between; on several it may take what is
 * there. In any case each number has its FREE and SYNC in the end.
 */
static void free_many(struct kunit *test)
{
	const struct context *context = test->param_value;
	struct free_many *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct ik_sub *sub = NULL;
	unsigned int syncs;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->set = ik_set(test);
	ik_alloc_many(test, f->set, f->ids, NR_IDS);
	if (context->subscribed)
		sub = ik_subscribe(test, f->set, 0);
	context->run(test, do_free_many, f);
	IK_EXPECT_OK(test, f->ret);
	for (int i = 0; i < NR_IDS; i++)
		KUNIT_EXPECT_FALSE(test, ioasid_alive(f->ids[i]));
	ioasid_synchronize();
	if (sub) {
		syncs = ik_log_count(sub, IOASID_SYNC);
		ik_expect_frees(test, sub, f->ids, NR_IDS, syncs);
		KUNIT_EXPECT_GE(test, syncs, 1);
		if (num_online_cpus() == 1)
			KUNIT_EXPECT_EQ(test, syncs, 1);
	}
	KUNIT_EXPECT_EQ(test, ioasid_set_count(f->set), 0);
}

static struct kunit_case ioasid_atomic_cases[] = {
	KUNIT_CASE_PARAM(all_calls, context_gen_params),
	KUNIT_CASE_PARAM(last_set_put, context_gen_params),
	KUNIT_CASE_PARAM(last_put, context_gen_params),
	KUNIT_CASE_PARAM(free_many, context_gen_params),
	{}
};

static struct kunit_suite ioasid_atomic_suite = {
	.name = "ioasid_atomic",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_atomic_cases,
};

kunit_test_suite(ioasid_atomic_suite);
