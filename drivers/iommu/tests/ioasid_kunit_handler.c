// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_handler": what a subscriber may do in its handler.
 */
#include <linux/sched/mm.h>

#include "ioasid_kunit.h"

/* A set with a subscriber whose handler does @fn at FREE of @id, once */
struct scene {
	struct kunit *test;
	struct ioasid_set *set;
	struct ik_sub *sub;
	ioasid_t id;
	void (*fn)(struct scene *s);
	bool done;
	/* for @fn */
	struct ioasid_set *other;
	struct ioasid_set *sized;
	struct ik_sub *other_sub;
	ioasid_t ids[3];
	struct mm_struct *mm;
	void *data;
	int ret[4];
	bool nested;
};

static int scene_handler(struct ik_sub *sub, unsigned long event,
			 struct ioasid_nb_args *args)
{
	struct scene *s = sub->data;

	if (event == IOASID_FREE && args->id == s->id && !s->done) {
		s->done = true;
		s->fn(s);
	}
	return NOTIFY_OK;
}

static struct scene *scene_new(struct kunit *test, void (*fn)(struct scene *s))
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->test = test;
	s->fn = fn;
	s->set = ik_set(test);
	s->other = ik_set(test);
	s->id = ik_alloc_data(test, s->set, s);
	ik_alloc_many(test, s->set, s->ids, ARRAY_SIZE(s->ids));
	s->sub = ik_subscribe(test, s->set, 0);
	s->other_sub = ik_subscribe(test, s->other, 0);
	s->sub->data = s;
	s->sub->handler = scene_handler;
	return s;
}

/* The handler runs in this task, before ioasid_free() returns */
static void scene_play(struct scene *s)
{
	IK_EXPECT_OK(s->test, ioasid_free(s->set, s->id));
	KUNIT_EXPECT_TRUE(s->test, s->done);
}

/* How the world looks from FREE on: nobody can start anything with the number */
static void do_look_up(struct scene *s)
{
	struct kunit *test = s->test;
	struct ioasid_set *found;
	struct mm_struct *mm;

	KUNIT_EXPECT_FALSE(test, ioasid_alive(s->id));
	IK_EXPECT_ERR_PTR(test, ioasid_find(s->set, s->id, NULL), -ENOENT);
	IK_EXPECT_ERR_PTR(test, ioasid_find_mm(s->id), -ENOENT);
	IK_EXPECT_ERRNO(test, ioasid_get(s->set, s->id), -EBUSY);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(s->set), 5);
	found = ioasid_find_set(s->id);
	KUNIT_EXPECT_PTR_EQ(test, found, s->set);
	if (!IS_ERR(found))
		ioasid_set_put(found);

	IK_EXPECT_ERRNO(test, ioasid_attach_data(s->set, s->id, s), -EBUSY);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_detach_data(s->set, s->id), s);
	ik_expect_spid(test, s->set, 7, IOMMU_PASID_INVALID);

	/* Its neighbours are as before */
	ik_expect_spid(test, s->set, 8, s->ids[2]);
	IK_EXPECT_OK(test, ioasid_attach_data(s->set, s->ids[0], s));
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(s->set, s->ids[0], NULL), s);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_detach_data(s->set, s->ids[0]), s);
	KUNIT_EXPECT_TRUE(test, ioasid_alive(s->ids[0]));
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(s->set, s->ids[0], NULL), NULL);
	IK_EXPECT_OK(test, ioasid_get(s->set, s->ids[0]));
	ioasid_put(s->set, s->ids[0]);
	mm = ioasid_find_mm(s->ids[1]);
	IK_EXPECT_ERR_PTR(test, mm, -EACCES);
	mm = ioasid_find_mm((ioasid_t)(long)s->data);
	KUNIT_EXPECT_PTR_EQ(test, mm, s->mm);
	if (!IS_ERR(mm))
		mmput(mm);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_set_get(s->set), s->set);
	ioasid_set_put(s->set);
}

static void look_up(struct kunit *test)
{
	struct scene *s = scene_new(test, do_look_up);
	ioasid_t id;

	s->mm = ik_mm(test);
	IK_ASSERT_OK(test, ioasid_alloc_mm(s->set, 1, 100, s->mm, &id));
	s->data = (void *)(long)id;
	ik_bind(test, s->set, s->id, 7);
	ik_bind(test, s->set, s->ids[2], 8);
	scene_play(s);
}

static void do_put(struct scene *s)
{
	ioasid_put(s->set, s->id);
}

/* A driver that stops at once drops its reference in its handler */
static void put(struct kunit *test)
{
	struct scene *s = scene_new(test, do_put);

	IK_ASSERT_OK(test, ioasid_get(s->set, s->id));
	scene_play(s);
	ik_expect_frees(test, s->sub, &s->id, 1, 1);
	ik_expect_recyclable(test, s->id);
}

static void do_free(struct scene *s)
{
	s->ret[0] = ioasid_free(s->set, s->ids[0]);
	s->ret[1] = ioasid_free_async(s->set, s->ids[1]);
	s->ret[2] = ioasid_free(s->other, s->ids[2]);
	/* The one whose event runs: nothing to do */
	s->ret[3] = ioasid_free(s->set, s->id);

	/* Marked at the call, sent later, not inside of this event */
	KUNIT_EXPECT_FALSE(s->test, ioasid_alive(s->ids[0]));
	KUNIT_EXPECT_FALSE(s->test, ioasid_alive(s->ids[1]));
	KUNIT_EXPECT_TRUE(s->test, ioasid_alive(s->ids[2]));
	KUNIT_EXPECT_LT(s->test, ik_log_find(s->sub, IOASID_FREE, s->ids[0]), 0);
	KUNIT_EXPECT_LT(s->test, ik_log_find(s->sub, IOASID_FREE, s->ids[1]), 0);
}

static void free_is_queued(struct kunit *test)
{
	struct scene *s = scene_new(test, do_free);
	ioasid_t all[3];

	scene_play(s);
	IK_EXPECT_OK(test, s->ret[0]);
	IK_EXPECT_OK(test, s->ret[1]);
	IK_EXPECT_ERRNO(test, s->ret[2], -EACCES);
	IK_EXPECT_OK(test, s->ret[3]);

	ioasid_synchronize();
	all[0] = s->id;
	all[1] = s->ids[0];
	all[2] = s->ids[1];
	ik_expect_frees(test, s->sub, all, 3,
			ik_log_count(s->sub, IOASID_SYNC));
	KUNIT_EXPECT_LE(test, ik_log_count(s->sub, IOASID_SYNC), 3);
	for (int i = 0; i < 3; i++)
		ik_expect_recyclable(test, all[i]);
}

/*
 * Has the task that is in a handler run one of the other set inside of it? A
 * worker may have: it does not have to wait for this event.
 */
static void look_for_nested(struct scene *s)
{
	struct ik *ik = s->test->priv;

	guard(spinlock_irqsave)(&ik->lock);
	for (int i = 0; i < ik->nr; i++)
		s->nested |= ik->log[i].sub == s->other_sub &&
			     ik->log[i].event != IOASID_ALLOC &&
			     ik->log[i].task == current;
}

static void do_free_other(struct scene *s)
{
	s->ret[0] = ioasid_free(s->other, (ioasid_t)(long)s->data);
	KUNIT_EXPECT_FALSE(s->test, ioasid_alive((ioasid_t)(long)s->data));
	look_for_nested(s);
}

/* Another set's number is queued as well: it may have the same event lock */
static void free_of_other_set_is_queued(struct kunit *test)
{
	struct scene *s = scene_new(test, do_free_other);
	ioasid_t id = ik_alloc(test, s->other, 1, 100);

	s->data = (void *)(long)id;
	scene_play(s);
	IK_EXPECT_OK(test, s->ret[0]);
	KUNIT_EXPECT_FALSE(test, s->nested);
	ioasid_synchronize();
	ik_expect_frees(test, s->other_sub, &id, 1, 1);
}

static void do_set_free_ids(struct scene *s)
{
	ioasid_set_free_ids(s->set);
	for (int i = 0; i < ARRAY_SIZE(s->ids); i++) {
		KUNIT_EXPECT_FALSE(s->test, ioasid_alive(s->ids[i]));
		KUNIT_EXPECT_LT(s->test, ik_log_find(s->sub, IOASID_FREE, s->ids[i]), 0);
	}
}

static void set_free_ids_is_queued(struct kunit *test)
{
	struct scene *s = scene_new(test, do_set_free_ids);

	scene_play(s);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ik_log_count(s->sub, IOASID_FREE), 4);
	/* Its own, and one for all of the others together */
	KUNIT_EXPECT_EQ(test, ik_log_count(s->sub, IOASID_SYNC), 2);
	ik_alloc(test, s->set, 1, 100);
}

static void do_set_free(struct scene *s)
{
	ik_set_free(s->test, s->set);
	for (int i = 0; i < ARRAY_SIZE(s->ids); i++) {
		KUNIT_EXPECT_FALSE(s->test, ioasid_alive(s->ids[i]));
		KUNIT_EXPECT_LT(s->test, ik_log_find(s->sub, IOASID_FREE, s->ids[i]), 0);
	}
}

/* A set dies in its own handler */
static void set_free_is_queued(struct kunit *test)
{
	struct scene *s = scene_new(test, do_set_free);
	ioasid_t id;

	ioasid_set_get(s->set);
	scene_play(s);
	IK_EXPECT_ERRNO(test, ioasid_alloc(s->set, 1, 100, NULL, &id), -ESHUTDOWN);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ik_log_count(s->sub, IOASID_FREE), 4);
	KUNIT_EXPECT_EQ(test, ik_log_count(s->sub, IOASID_SYNC), 2);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(s->set), 0);
	ioasid_set_put(s->set);
}

static void do_set_free_other(struct scene *s)
{
	ik_set_free(s->test, s->other);
	look_for_nested(s);
}

static void set_free_of_other_is_queued(struct kunit *test)
{
	struct scene *s = scene_new(test, do_set_free_other);
	ioasid_t ids[4];

	ik_alloc_many(test, s->other, ids, 4);
	scene_play(s);
	KUNIT_EXPECT_FALSE(test, s->nested);
	ioasid_synchronize();
	ik_expect_frees(test, s->other_sub, ids, 4, 1);
}

/* A worker sends what is queued; the rules are the same in its handlers */
static void queued_in_the_worker(struct kunit *test)
{
	struct scene *s = scene_new(test, do_free);

	IK_EXPECT_OK(test, ioasid_free_async(s->set, s->id));
	ioasid_synchronize();
	KUNIT_EXPECT_TRUE(test, s->done);
	IK_EXPECT_OK(test, s->ret[0]);
	IK_EXPECT_OK(test, s->ret[1]);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ik_log_count(s->sub, IOASID_FREE), 3);
	ik_expect_recyclable(test, s->ids[0]);
}

static ioasid_t no_alloc(ioasid_t min, ioasid_t max, void *pdata)
{
	return IOMMU_PASID_INVALID;
}

static void no_free(ioasid_t id, void *pdata)
{
}

static struct ioasid_allocator_ops no_allocator = {
	.alloc = no_alloc, .free = no_free,
};

/* All else is refused, for whatever set */
static void do_refused(struct scene *s)
{
	struct kunit *test = s->test;
	struct ik_sub *sub = s->data;
	ioasid_t id = 0;

	IK_EXPECT_ERRNO(test, ioasid_alloc(s->set, 1, 100, NULL, &id), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_alloc(s->other, 1, 100, NULL, &id), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_alloc_mm(s->other, 1, 100, s->mm, &id), -EDEADLK);
	IK_EXPECT_ERR_PTR(test, ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, NULL, 0), -EDEADLK);
	IK_EXPECT_ERR_PTR(test, ioasid_set_alloc(IOASID_SET_TYPE_MM, s->mm, 1), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_install_capacity(ik_total()), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier(s->set, &sub->nb), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier(s->other, &sub->nb), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier(NULL, &sub->nb), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_register_notifier_mm(s->mm, &sub->nb), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_attach_spid(s->set, s->ids[0], 7), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_detach_spid(s->set, s->ids[1]), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_notify(s->set, s->ids[0], IOASID_BIND), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_notify(s->set, s->ids[2], IOASID_UNBIND), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_set_resize(s->sized, 2), -EDEADLK);
	IK_EXPECT_ERRNO(test, ioasid_register_allocator(&no_allocator), -EDEADLK);
}

static void refused(struct kunit *test)
{
	struct scene *s = scene_new(test, do_refused);

	s->mm = ik_mm(test);
	s->data = ik_sub_new(test, 0);
	s->sized = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 1);
	ik_bind(test, s->set, s->ids[1], 9);
	IK_ASSERT_OK(test, ioasid_notify(s->set, s->ids[2], IOASID_BIND));
	scene_play(s);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(s->other), 0);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, s->sized, 1, -1U, -EDQUOT), 1);
	ik_expect_spid(test, s->set, 7, IOMMU_PASID_INVALID);
	ik_expect_spid(test, s->set, 9, s->ids[1]);
	/* It was registered nowhere */
	IK_EXPECT_OK(test, ik_sub_register(test, s->data, s->other));
}

static unsigned int count_synchronize, count_unregister, count_mm, count_allocator;

static void do_warns(struct scene *s)
{
	kunit_warning_suppress(s->test) {
		ioasid_synchronize();
		count_synchronize = KUNIT_SUPPRESSED_WARNING_COUNT();
	}
	kunit_warning_suppress(s->test) {
		ioasid_unregister_notifier(s->set, &s->sub->nb);
		count_unregister = KUNIT_SUPPRESSED_WARNING_COUNT();
	}
	kunit_warning_suppress(s->test) {
		ioasid_unregister_notifier(s->other, &s->other_sub->nb);
	}
	kunit_warning_suppress(s->test) {
		ioasid_unregister_notifier_mm(s->mm, &s->sub->nb);
		count_mm = KUNIT_SUPPRESSED_WARNING_COUNT();
	}
	kunit_warning_suppress(s->test) {
		ioasid_unregister_allocator(&no_allocator);
		count_allocator = KUNIT_SUPPRESSED_WARNING_COUNT();
	}
}

/* What has no result to refuse with warns, and does nothing */
static void warns(struct kunit *test)
{
	struct scene *s = scene_new(test, do_warns);
	static bool warned;
	ioasid_t id = ik_alloc(test, s->other, 1, 100);

	s->mm = ik_mm(test);
	scene_play(s);
	/* On a second run the one warning may have been used up */
	if (!warned) {
		KUNIT_EXPECT_EQ(test, count_synchronize, 1);
		KUNIT_EXPECT_EQ(test, count_unregister, 1);
		KUNIT_EXPECT_EQ(test, count_mm, 1);
		KUNIT_EXPECT_EQ(test, count_allocator, 1);
	}
	warned = true;

	/* Both are still subscribed */
	ik_log_clear(test);
	IK_EXPECT_OK(test, ioasid_free(s->set, s->ids[0]));
	ik_expect_frees(test, s->sub, s->ids, 1, 1);
	IK_EXPECT_OK(test, ioasid_free(s->other, id));
	ik_expect_frees(test, s->other_sub, &id, 1, 1);
}

static int other_task(void *data)
{
	struct scene *s = data;
	struct ik_sub *sub = s->data;
	struct ioasid_set *set;
	ioasid_t id;
	int ret;

	ret = ioasid_alloc(s->other, 1, 100, NULL, &id);
	if (ret)
		return ret;
	ret = ioasid_free(s->other, id);
	if (ret)
		return ret;
	set = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, NULL, 0);
	if (IS_ERR(set))
		return PTR_ERR(set);
	ioasid_set_free(set);
	ret = ioasid_install_capacity(ik_total());
	if (ret)
		return ret;
	ret = ioasid_register_notifier(s->other, &sub->nb);
	if (ret)
		return ret;
	ioasid_unregister_notifier(s->other, &sub->nb);
	return 0;
}

/* The rules are for the task that runs the handler, and for no other */
static void other_tasks_are_free(struct kunit *test)
{
	struct scene *s = scene_new(test, do_put);
	struct ik_task *task;

	s->data = ik_sub_new(test, 0);
	IK_ASSERT_OK(test, ioasid_get(s->set, s->id));
	ik_hold(s->sub, IOASID_FREE);
	task = ik_run_free(test, s->set, s->id);
	ik_wait_held(test, s->sub);
	IK_EXPECT_OK(test, ik_join(test, ik_run(test, other_task, s)));
	/* nor of the same set, if they send nothing themselves */
	IK_EXPECT_OK(test, ioasid_get(s->set, s->ids[0]));
	IK_EXPECT_OK(test, ioasid_free_async(s->set, s->ids[0]));
	ioasid_put(s->set, s->ids[0]);
	IK_EXPECT_OK(test, ioasid_attach_data(s->set, s->ids[1], s));
	KUNIT_EXPECT_EQ(test, atomic_read(&s->sub->inside), 1);
	ik_release(s->sub);
	IK_EXPECT_OK(test, ik_join(test, task));

	/* and over with the handler */
	IK_EXPECT_OK(test, other_task(s));
}

static struct kunit_case ioasid_handler_cases[] = {
	KUNIT_CASE(look_up),
	KUNIT_CASE(put),
	KUNIT_CASE(free_is_queued),
	KUNIT_CASE(free_of_other_set_is_queued),
	KUNIT_CASE(set_free_ids_is_queued),
	KUNIT_CASE(set_free_is_queued),
	KUNIT_CASE(set_free_of_other_is_queued),
	KUNIT_CASE(queued_in_the_worker),
	KUNIT_CASE(refused),
	KUNIT_CASE(warns),
	KUNIT_CASE(other_tasks_are_free),
	{}
};

static struct kunit_suite ioasid_handler_suite = {
	.name = "ioasid_handler",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_handler_cases,
};

kunit_test_suite(ioasid_handler_suite);
