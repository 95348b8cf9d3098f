// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_alloc": the ALLOC event, the first one of a number.
 */
#include "ioasid_kunit.h"

struct scene {
	struct mm_struct *mm;
	struct ioasid_set *set;
	struct ik_sub *mm_sub;
	struct ik_sub *sub;
	struct ik_sub *all;
};

static struct scene *scene_new(struct kunit *test)
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->mm = ik_mm(test);
	s->set = ik_set_of(test, IOASID_SET_TYPE_MM, s->mm, 2);
	s->all = ik_subscribe_all(test, s->set, IOASID_PRIO_CPU);
	s->sub = ik_subscribe(test, s->set, IOASID_PRIO_CPU);
	s->mm_sub = ik_subscribe_mm(test, s->mm, 0);
	return s;
}

/* The subscribers for the mm and for the set are told, those of all are not */
static void told(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct ik *ik = test->priv;
	ioasid_t id;

	id = ik_alloc_data(test, s->set, s);
	ik_expect_log(test, { s->mm_sub, IOASID_ALLOC, id },
		      { s->sub, IOASID_ALLOC, id });
	for (int i = 0; i < 2; i++) {
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].args.set, s->set);
		KUNIT_EXPECT_EQ(test, ik->log[i].args.type, IOASID_SET_TYPE_MM);
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].args.token, s->mm);
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].args.pdata, s);
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].task, current);
	}
	ik_log_clear(test);
	IK_ASSERT_OK(test, ioasid_alloc_mm(s->set, 1, 100, s->mm, &id));
	ik_expect_log(test, { s->mm_sub, IOASID_ALLOC, id },
		      { s->sub, IOASID_ALLOC, id });
}

static void own_set_only(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *other = ik_set(test);

	ik_subscribe(test, set, 0);
	ik_alloc(test, other, 1, 100);
	ik_alloc(test, ik_set_of(test, IOASID_SET_TYPE_MM, ik_mm(test), 0), 1, 100);
	ik_expect_empty_log(test);
}

/* What fails tells nobody */
static void refused_sends_nothing(struct kunit *test)
{
	struct scene *s = scene_new(test);
	ioasid_t ids[2], id;

	ik_alloc_many(test, s->set, ids, 2);
	ik_log_clear(test);
	IK_EXPECT_ERRNO(test, ioasid_alloc(s->set, 1, -1U, NULL, &id), -EDQUOT);
	IK_EXPECT_ERRNO(test, ioasid_alloc(s->set, 2, 1, NULL, &id), -EINVAL);
	IK_EXPECT_OK(test, ioasid_free(s->set, ids[0]));
	ioasid_synchronize();
	ik_log_clear(test);
	IK_EXPECT_ERRNO(test, ioasid_alloc(s->set, ids[1], ids[1], NULL, &id), -ENOSPC);
	ioasid_set_get(s->set);
	ik_set_free(test, s->set);
	ik_log_clear(test);
	IK_EXPECT_ERRNO(test, ioasid_alloc(s->set, 1, -1U, NULL, &id), -ESHUTDOWN);
	ik_expect_empty_log(test);
	ioasid_set_put(s->set);
}

/* Who comes late does not hear of it */
static void no_replay(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);

	ik_alloc(test, set, 1, 100);
	ik_subscribe(test, set, 0);
	ik_expect_empty_log(test);
}

static int stop(struct ik_sub *sub, unsigned long event,
		struct ioasid_nb_args *args)
{
	return event == IOASID_ALLOC ? NOTIFY_BAD : NOTIFY_OK;
}

/* Nobody can refuse it, nor keep it from others, and the number is no worse */
static void results(struct kunit *test)
{
	struct scene *s = scene_new(test);
	ioasid_t id;

	s->mm_sub->handler = stop;
	s->sub->handler = stop;
	id = ik_alloc(test, s->set, 1, 100);
	ik_expect_log(test, { s->mm_sub, IOASID_ALLOC, id },
		      { s->sub, IOASID_ALLOC, id });
	IK_EXPECT_OK(test, ioasid_free(s->set, id));
	ik_expect_recyclable(test, id);
}

static int do_alloc(void *data)
{
	struct ioasid_set *set = data;
	ioasid_t id;
	int ret;

	ret = ioasid_alloc(set, 1, 100, NULL, &id);
	return ret ?: (int)id;
}

/* A thread that is inside of ALLOC; which number it is about */
static struct ik_task *alloc_held(struct kunit *test, struct ioasid_set *set,
				  struct ik_sub *sub, ioasid_t *id)
{
	struct ik *ik = test->priv;
	struct ik_task *task;

	ik_hold(sub, IOASID_ALLOC);
	task = ik_run(test, do_alloc, set);
	ik_wait_held(test, sub);
	*id = ik->log[0].args.id;
	KUNIT_EXPECT_TRUE(test, ioasid_alive(*id));
	return task;
}

/* However fast somebody else is, ALLOC is the first event of the number */
static void before_free(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_task *task, *free;
	ioasid_t id;

	task = alloc_held(test, set, sub, &id);
	free = ik_run_free(test, set, id);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(free));
	KUNIT_EXPECT_FALSE(test, ioasid_alive(id));
	ik_release(sub);
	KUNIT_EXPECT_EQ(test, ik_join(test, task), id);
	IK_EXPECT_OK(test, ik_join(test, free));
	ik_expect_log(test, { sub, IOASID_ALLOC, id }, { sub, IOASID_FREE, id },
		      { sub, IOASID_SYNC, 0 });
	ik_expect_recyclable(test, id);
}

static void before_bind(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	struct ik_task *task, *bind;
	ioasid_t id;

	task = alloc_held(test, set, sub, &id);
	bind = ik_run_bind(test, set, id, 5);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(bind));
	ik_expect_spid(test, set, 5, IOMMU_PASID_INVALID);
	ik_release(sub);
	KUNIT_EXPECT_EQ(test, ik_join(test, task), id);
	IK_EXPECT_OK(test, ik_join(test, bind));
	ik_expect_log(test, { sub, IOASID_ALLOC, id },
		      { sub, IOASID_BIND, id, 5 });
}

static int free_it(struct ik_sub *sub, unsigned long event,
		   struct ioasid_nb_args *args)
{
	if (event == IOASID_ALLOC)
		sub->data = ERR_PTR(ioasid_free(args->set, args->id));
	return NOTIFY_OK;
}

/* Also in the handler: the others hear of the birth before the death */
static void freed_in_handler(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *sub = ik_subscribe(test, set, IOASID_PRIO_CPU);
	struct ik_sub *last = ik_subscribe(test, set, 0);
	ioasid_t id;

	sub->handler = free_it;
	id = ik_alloc(test, set, 1, 100);
	KUNIT_EXPECT_FALSE(test, ioasid_alive(id));
	IK_EXPECT_OK(test, PTR_ERR_OR_ZERO(sub->data));
	ioasid_synchronize();
	ik_expect_log(test, { sub, IOASID_ALLOC, id }, { last, IOASID_ALLOC, id },
		      { sub, IOASID_FREE, id }, { last, IOASID_FREE, id },
		      { sub, IOASID_SYNC }, { last, IOASID_SYNC });
	ik_expect_recyclable(test, id);
}

/* It is an event like the others: one at a time of the sets of an mm */
static void waits_behind_sync(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *one = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0);
	struct ioasid_set *two = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0);
	ioasid_t id = ik_alloc(test, one, 1, 100);
	struct ik_sub *sub1 = ik_subscribe(test, one, 0);
	struct ik_sub *sub2 = ik_subscribe(test, two, 0);
	struct ik_task *free, *alloc;

	ik_hold(sub1, IOASID_SYNC);
	free = ik_run_free(test, one, id);
	ik_wait_held(test, sub1);
	alloc = ik_run(test, do_alloc, two);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(alloc));
	/* and nobody sees the number before */
	KUNIT_EXPECT_EQ(test, ioasid_set_count(two), 0);
	ik_release(sub1);
	IK_EXPECT_OK(test, ik_join(test, free));
	id = ik_join(test, alloc);
	KUNIT_EXPECT_GE(test, ik_log_find(sub2, IOASID_ALLOC, id), 2);
}

/* A subscriber of everything does not get it, and holds no alloc up */
static void does_not_wait_for_all(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_sub *all = ik_subscribe_all(test, set, 0);
	struct ik_task *free;

	ik_hold(all, IOASID_SYNC);
	free = ik_run_free(test, set, ik_alloc(test, set, 1, 100));
	ik_wait_held(test, all);
	KUNIT_EXPECT_GT(test, ik_join(test, ik_run(test, do_alloc, set)), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&all->inside), 1);
	ik_release(all);
	IK_EXPECT_OK(test, ik_join(test, free));
}

static struct kunit_case ioasid_alloc_cases[] = {
	KUNIT_CASE(told),
	KUNIT_CASE(own_set_only),
	KUNIT_CASE(refused_sends_nothing),
	KUNIT_CASE(no_replay),
	KUNIT_CASE(results),
	KUNIT_CASE(before_free),
	KUNIT_CASE(before_bind),
	KUNIT_CASE(freed_in_handler),
	KUNIT_CASE(waits_behind_sync),
	KUNIT_CASE(does_not_wait_for_all),
	{}
};

static struct kunit_suite ioasid_alloc_suite = {
	.name = "ioasid_alloc",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_alloc_cases,
};

kunit_test_suite(ioasid_alloc_suite);
