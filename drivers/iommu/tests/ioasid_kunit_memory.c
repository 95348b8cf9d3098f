// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_memory": each allocation of memory in each call is
 * made to fail, in turn, alone and with all that follow: where an attempt that
 * may not sleep is followed by one that may, one failure is no error. Then the
 * call has done nothing, and done once more it succeeds. What tears down
 * allocates nothing.
 */
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

#include "ioasid_kunit.h"

#define NR_NTH	64

struct scene {
	struct kunit *test;
	struct mm_struct *mm;
	struct ioasid_set *set;
	struct ioasid_set *elastic;
	struct ik_sub *sub;
	struct ik_pool *pool;
	ioasid_t id;		/* without a name */
	ioasid_t bound;
	unsigned int turn;
	/* what the call made */
	struct ioasid_set *made;
	ioasid_t made_id;
	struct notifier_block nb;
	unsigned int binds;
	unsigned int unbinds;
};

/**
 * struct call - a call that allocates
 * @name: its name
 * @fn: does it, returns 0 or its errno
 * @undo: takes it back
 * @subscribed: the set has a subscriber
 * @pool: numbers come from a custom allocator
 */
struct call {
	const char *name;
	int (*fn)(struct scene *s);
	void (*undo)(struct scene *s);
	bool subscribed;
	bool pool;
};

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
/* The data behind a file in failslab's directory; it has no other interface */
static void *failslab_data(const char *name)
{
	struct dentry *dir = debugfs_lookup("failslab", NULL), *file;
	void *data = NULL;

	if (!dir)
		return NULL;
	file = debugfs_lookup(name, dir);
	if (file)
		data = d_inode(file)->i_private;
	dput(file);
	dput(dir);
	return data;
}

static struct fault_attr *failslab, failslab_before;
static bool fail_onwards;

static void failslab_restore(void *spare)
{
	WRITE_ONCE(*(bool *)spare, true);
	failslab->probability = failslab_before.probability;
	failslab->task_filter = failslab_before.task_filter;
	failslab->verbose = failslab_before.verbose;
	atomic_set(&failslab->times, atomic_read(&failslab_before.times));
}

/* Lets allocations fail that may sleep as well, and says nothing about it */
static bool failslab_all(struct kunit *test)
{
	bool *spare = failslab_data("ignore-gfp-wait");
	unsigned long *verbose = failslab_data("verbose");

	if (!IS_ENABLED(CONFIG_FAILSLAB) || !spare || !verbose)
		return false;
	failslab = container_of(verbose, struct fault_attr, verbose);
	failslab_before = *failslab;
	/* Those of tasks that fail_nth() has marked, and no others */
	failslab->task_filter = true;
	failslab->probability = 100;
	failslab->verbose = 0;
	atomic_set(&failslab->times, -1);
	WRITE_ONCE(*spare, false);
	fail_onwards = false;
	return !kunit_add_action_or_reset(test, failslab_restore, spare);
}

static void fail_all_that_follow(bool onwards)
{
	fail_onwards = onwards;
}

/* The @n-th one fails, and what follows if so said; 0: none */
static void fail_nth(unsigned int n)
{
	WRITE_ONCE(current->make_it_fail, 0);
	WRITE_ONCE(current->fail_nth, n);
	WRITE_ONCE(current->make_it_fail, n && fail_onwards);
}

/* How far it has not come: 0 if something was made to fail */
static unsigned int fail_left(void)
{
	return READ_ONCE(current->fail_nth);
}
#else
static bool failslab_all(struct kunit *test)
{
	return false;
}

static void fail_all_that_follow(bool onwards)
{
}

static void fail_nth(unsigned int n)
{
}

static unsigned int fail_left(void)
{
	return 1;
}
#endif

static int count_binds(struct notifier_block *nb, unsigned long event,
		       void *data)
{
	struct scene *s = container_of(nb, struct scene, nb);

	s->binds += event == IOASID_BIND;
	s->unbinds += event == IOASID_UNBIND;
	return NOTIFY_OK;
}

static int make_set(struct scene *s, enum ioasid_set_type type, void *token,
		    unsigned int quota)
{
	struct ioasid_set *set = ioasid_set_alloc(type, token, quota);

	if (IS_ERR(set))
		return PTR_ERR(set);
	s->made = set;
	return 0;
}

static int private_set(struct scene *s)
{
	return make_set(s, IOASID_SET_TYPE_PRIVATE, s, 5);
}

static int elastic_set(struct scene *s)
{
	return make_set(s, IOASID_SET_TYPE_PRIVATE, s, 0);
}

/* Calls @fn with an mm that has neither a set nor a subscriber */
static int with_new_mm(struct scene *s, int (*fn)(struct scene *s, struct mm_struct *mm))
{
	unsigned int left = fail_left();
	struct mm_struct *mm;
	int ret;

	fail_nth(0);
	mm = mm_alloc();
	fail_nth(left);
	if (!mm)
		return -ENOENT;
	ret = fn(s, mm);
	mmput(mm);
	return ret;
}

/* One more of an mm, and the first */
static int mm_set(struct scene *s)
{
	return make_set(s, IOASID_SET_TYPE_MM, s->mm, 5);
}

static int set_of_mm(struct scene *s, struct mm_struct *mm)
{
	return make_set(s, IOASID_SET_TYPE_MM, mm, 5);
}

static int first_mm_set(struct scene *s)
{
	return with_new_mm(s, set_of_mm);
}

static void free_set(struct scene *s)
{
	ioasid_set_free(s->made);
}

/* Far apart, so that each needs memory for the tree */
static ioasid_t far_number(struct scene *s)
{
	return s->turn << 12;
}

static int alloc(struct scene *s)
{
	ioasid_t id = far_number(s);

	if (s->pool)
		s->pool->give = id;
	return ioasid_alloc(s->set, id, id, s, &s->made_id);
}

static int alloc_mm(struct scene *s)
{
	ioasid_t id = far_number(s);

	return ioasid_alloc_mm(s->set, id, id, s->mm, &s->made_id);
}

static void free_id(struct scene *s)
{
	IK_EXPECT_OK(s->test, ioasid_free(s->set, s->made_id));
}

static int alloc_elastic(struct scene *s)
{
	ioasid_t id = far_number(s);

	return ioasid_alloc(s->elastic, id, id, s, &s->made_id);
}

static void free_elastic(struct scene *s)
{
	IK_EXPECT_OK(s->test, ioasid_free(s->elastic, s->made_id));
}

static int attach_spid(struct scene *s)
{
	return ioasid_attach_spid(s->set, s->id, s->turn << 12);
}

static void detach_spid(struct scene *s)
{
	ik_expect_spid(s->test, s->set, s->turn << 12, s->id);
	IK_EXPECT_OK(s->test, ioasid_detach_spid(s->set, s->id));
}

static int notify_bind(struct scene *s)
{
	return ioasid_notify(s->set, s->id, IOASID_BIND);
}

static void notify_unbind(struct scene *s)
{
	IK_EXPECT_OK(s->test, ioasid_notify(s->set, s->id, IOASID_UNBIND));
}

/* The replay is one BIND, or the registration has failed before it */
static int registered(struct scene *s, int ret)
{
	KUNIT_EXPECT_EQ(s->test, s->binds - s->unbinds, ret ? 0 : 1);
	return ret;
}

static int subscribe_set(struct scene *s)
{
	s->binds = 0;
	s->unbinds = 0;
	return registered(s, ioasid_register_notifier(s->set, &s->nb));
}

static void unsubscribe_set(struct scene *s)
{
	ioasid_unregister_notifier(s->set, &s->nb);
}

static int subscribe_all(struct scene *s)
{
	return ioasid_register_notifier(NULL, &s->nb);
}

static void unsubscribe_all(struct scene *s)
{
	ioasid_unregister_notifier(NULL, &s->nb);
}

static int subscribe_mm(struct scene *s)
{
	s->binds = 0;
	s->unbinds = 0;
	return registered(s, ioasid_register_notifier_mm(s->mm, &s->nb));
}

static void unsubscribe_mm(struct scene *s)
{
	ioasid_unregister_notifier_mm(s->mm, &s->nb);
}

static int subscribe_to_mm(struct scene *s, struct mm_struct *mm)
{
	int ret = ioasid_register_notifier_mm(mm, &s->nb);

	if (!ret)
		ioasid_unregister_notifier_mm(mm, &s->nb);
	return ret;
}

static int subscribe_first_mm(struct scene *s)
{
	return with_new_mm(s, subscribe_to_mm);
}

static void nothing(struct scene *s)
{
}

static const struct call calls[] = {
	{ "private_set", private_set, free_set },
	{ "elastic_set", elastic_set, free_set },
	{ "mm_set", mm_set, free_set },
	{ "first_mm_set", first_mm_set, free_set },
	{ "alloc", alloc, free_id },
	{ "alloc_subscriber", alloc, free_id, .subscribed = true },
	{ "alloc_custom", alloc, free_id, .pool = true },
	{ "alloc_custom_subscriber", alloc, free_id, .subscribed = true, .pool = true },
	{ "alloc_mm", alloc_mm, free_id },
	{ "alloc_elastic", alloc_elastic, free_elastic },
	{ "attach_spid", attach_spid, detach_spid },
	{ "attach_spid_subscriber", attach_spid, detach_spid, .subscribed = true },
	{ "notify", notify_bind, notify_unbind, .subscribed = true },
	{ "register_set", subscribe_set, unsubscribe_set },
	{ "register_all", subscribe_all, unsubscribe_all },
	{ "register_mm", subscribe_mm, unsubscribe_mm },
	{ "register_first_mm", subscribe_first_mm, nothing },
};

static void call_desc(const struct call *call, char *desc)
{
	strscpy(desc, call->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(call, calls, call_desc);

static struct scene *scene_new(struct kunit *test, bool subscribed, bool pool)
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->test = test;
	s->mm = ik_mm(test);
	if (pool)
		s->pool = ik_pool(test);
	s->set = ik_set_of(test, IOASID_SET_TYPE_MM, s->mm, 20);
	s->elastic = ik_set(test);
	s->bound = ik_alloc_bound(test, s->set, 1);
	/* Far from the other, so that a BIND needs memory for the tree */
	if (pool)
		s->id = ik_alloc(test, s->set, 1, IOMMU_PASID_INVALID);
	else
		s->id = ik_alloc(test, s->set, 5 << 10, 5 << 10);
	if (subscribed)
		s->sub = ik_subscribe(test, s->set, 0);
	s->nb.notifier_call = count_binds;
	ik_log_clear(test);
	return s;
}

/* As it was before the call, for all that can be seen */
static void expect_unchanged(struct kunit *test, struct scene *s,
			     unsigned int room)
{
	ioasid_t id;

	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ioasid_set_count(s->set), 2);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(s->elastic), 0);
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_PRIVATE, NULL), room);
	KUNIT_EXPECT_TRUE(test, ioasid_alive(s->id));
	ik_expect_spid(test, s->set, 1, s->bound);
	IK_EXPECT_ERRNO(test, ioasid_find_by_spid(s->set, s->turn << 12, &id), -ENOENT);
	IK_EXPECT_ERRNO(test, ioasid_detach_spid(s->set, s->id), -ENOENT);
	IK_EXPECT_ERRNO(test, ioasid_notify(s->set, s->id, IOASID_UNBIND), -ENOENT);
	if (s->pool)
		KUNIT_EXPECT_EQ(test, s->pool->asked - s->pool->returned, 2);
}

/* Returns how often the call gave an error */
static unsigned int fail_each(struct kunit *test, struct scene *s,
			      const struct call *call)
{
	unsigned int room = ik_room(IOASID_SET_TYPE_PRIVATE, NULL), errors = 0;
	bool failed;
	int ret;

	for (s->turn = 1; s->turn < NR_NTH; s->turn++) {
		ik_log_clear(test);
		fail_nth(s->turn);
		ret = call->fn(s);
		failed = !fail_left();
		fail_nth(0);
		errors += !!ret;

		if (ret) {
			KUNIT_EXPECT_TRUE(test, failed);
			IK_EXPECT_ERRNO(test, ret, -ENOMEM);
			ik_expect_empty_log(test);
			expect_unchanged(test, s, room);
			IK_ASSERT_OK(test, call->fn(s));
		}
		call->undo(s);
		expect_unchanged(test, s, room);
		if (!failed)
			break;
	}
	KUNIT_EXPECT_LT(test, s->turn, NR_NTH);
	return errors;
}

static void each_fails(struct kunit *test)
{
	const struct call *call = test->param_value;
	unsigned int alone, onwards;
	struct scene *s;

	if (!failslab_all(test))
		kunit_skip(test, "needs FAILSLAB with debugfs, to make allocations of memory fail");
	s = scene_new(test, call->subscribed, call->pool);
	alone = fail_each(test, s, call);
	fail_all_that_follow(true);
	onwards = fail_each(test, s, call);
	KUNIT_EXPECT_GE_MSG(test, onwards, max(alone, 1), "too little was made to fail");
	kunit_info(test, "%u errors, %u with all that follow\n", alone, onwards);
}

/* Each with the first allocation made to fail: there is none that could */
static void tear_down(struct scene *s, struct ioasid_set *dying,
		      const ioasid_t *ids)
{
	struct kunit *test = s->test;
	ioasid_t id;

	IK_EXPECT_OK(test, ioasid_detach_spid(s->set, s->bound));
	IK_EXPECT_OK(test, ioasid_notify(s->set, s->id, IOASID_UNBIND));
	IK_EXPECT_OK(test, ioasid_get(s->set, s->id));
	KUNIT_EXPECT_TRUE(test, ioasid_alive(s->id));
	IK_EXPECT_OK(test, ioasid_attach_data(s->set, s->id, s));
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(s->set, s->id, NULL), s);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_detach_data(s->set, s->id), s);
	IK_EXPECT_ERRNO(test, ioasid_find_by_spid(s->set, 1, &id), -ENOENT);
	ioasid_set_put(ioasid_find_set(s->id));
	IK_EXPECT_OK(test, ioasid_set_resize(s->set, 15));
	IK_EXPECT_OK(test, ioasid_set_resize(s->set, 25));
	IK_EXPECT_OK(test, ioasid_install_capacity(ik_total()));
	IK_EXPECT_OK(test, ioasid_free(s->set, s->id));
	IK_EXPECT_OK(test, ioasid_free_async(s->set, s->bound));
	ioasid_synchronize();
	ioasid_put(s->set, s->id);
	ioasid_synchronize();
	ioasid_unregister_notifier(s->set, &s->nb);
	ioasid_unregister_notifier(NULL, &s->nb);
	ioasid_unregister_notifier_mm(s->mm, &s->nb);
	ioasid_set_free_ids(s->set);
	IK_EXPECT_OK(test, ioasid_free(dying, ids[0]));
	ioasid_set_free(dying);
	ioasid_synchronize();
}

static void tear_down_needs_none(struct kunit *test)
{
	struct ioasid_set *dying;
	unsigned int left;
	ioasid_t ids[4];
	struct scene *s;

	if (!failslab_all(test))
		kunit_skip(test, "needs FAILSLAB with debugfs, to make allocations of memory fail");
	s = scene_new(test, true, true);
	IK_ASSERT_OK(test, ioasid_notify(s->set, s->id, IOASID_BIND));
	dying = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 10);
	ik_alloc_many(test, dying, ids, 4);
	ik_bind(test, dying, ids[0], 5);
	ik_bind(test, dying, ids[1], 1 << 12);
	IK_ASSERT_OK(test, ioasid_notify(dying, ids[2], IOASID_BIND));
	IK_ASSERT_OK(test, ioasid_register_notifier_mm(s->mm, &s->nb));
	ik_set_forget(test, dying);
	ik_log_clear(test);

	fail_nth(1);
	tear_down(s, dying, ids);
	left = fail_left();
	fail_nth(0);
	KUNIT_EXPECT_EQ_MSG(test, left, 1, "a tear-down wants memory");
	KUNIT_EXPECT_EQ(test, s->unbinds, 2);
	KUNIT_EXPECT_EQ(test, ik_log_count(s->sub, IOASID_FREE), 2);
	KUNIT_EXPECT_EQ(test, ik_pool_out(s->pool), 0);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(s->set), 0);
}

static void allocator_needs_none(struct kunit *test)
{
	struct ik_pool *pool = ik_pool_new(test);
	unsigned int left;
	int ret;

	if (!failslab_all(test))
		kunit_skip(test, "needs FAILSLAB with debugfs, to make allocations of memory fail");
	fail_nth(1);
	ret = ioasid_register_allocator(&pool->ops);
	if (!ret)
		ioasid_unregister_allocator(&pool->ops);
	left = fail_left();
	fail_nth(0);
	if (ret == -EBUSY)
		kunit_skip(test, "the host has IOASIDs of its own");
	IK_EXPECT_OK(test, ret);
	KUNIT_EXPECT_EQ_MSG(test, left, 1, "an allocator wants memory");
}

static struct kunit_case ioasid_memory_cases[] = {
	KUNIT_CASE_PARAM(each_fails, call_gen_params),
	KUNIT_CASE(tear_down_needs_none),
	KUNIT_CASE(allocator_needs_none),
	{}
};

static struct kunit_suite ioasid_memory_suite = {
	.name = "ioasid_memory",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_memory_cases,
};

kunit_test_suite(ioasid_memory_suite);
