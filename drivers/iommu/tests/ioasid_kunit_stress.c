// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_stress": several threads at once, each for a
 * bounded number of operations, and in the end everything is back.
 *
 * Each allocation has an object as its private data. A subscriber to all sets
 * counts the FREE of each object. Who has a reference may rely on the number:
 * it has one holder, and once it is dead it does not come to life again.
 */
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "ioasid_kunit.h"

#define TOTAL		512
#define NR_SLOTS	4
#define NR_WORKERS	4
#define NR_OPS		1500

/* A set, and its token; events of a private set come one at a time */
struct stress_set {
	struct ioasid_set *set;
	unsigned int unsynced;
	struct stress_set *next;
};

struct stress_obj {
	struct ioasid_set *set;
	ioasid_t id;
	ioasid_t freed_id;
	atomic_t frees;
};

struct stress {
	struct kunit *test;
	struct notifier_block nb;
	/* Guards the slots and the list of all sets, which only grows */
	spinlock_t lock;
	struct stress_set *slots[NR_SLOTS];
	struct stress_set *all;
	struct stress_obj *holder[TOTAL];
	atomic_t workers;
	atomic_t broken;
};

struct stress_worker {
	struct stress *s;
	struct rnd_state rnd;
	struct stress_obj *objs;
	unsigned int nr_objs;
	/* for irq_ops() */
	struct stress_set *ss;
	ioasid_t id;
	bool irq_ok;
};

/* Once is enough to know of it */
static void stress_expect(struct stress *s, bool ok, const char *what)
{
	if (!ok && atomic_inc_return(&s->broken) == 1)
		KUNIT_FAIL(s->test, "not true: %s", what);
}

#define STRESS_EXPECT(s, cond)	stress_expect(s, cond, #cond)

static unsigned int pick(struct stress_worker *w, unsigned int n)
{
	return prandom_u32_state(&w->rnd) % n;
}

/* Ours by its token, which is not looked into if it is not */
static struct stress_set *stress_find(struct stress *s,
				      struct ioasid_nb_args *args)
{
	struct stress_set *ss;

	guard(spinlock)(&s->lock);
	for (ss = s->all; ss; ss = ss->next)
		if (ss == args->token)
			return ss;
	return NULL;
}

static int stress_notify(struct notifier_block *nb, unsigned long event,
			 void *data)
{
	struct stress *s = container_of(nb, struct stress, nb);
	struct ioasid_nb_args *args = data;
	struct stress_obj *obj = args->pdata;
	struct stress_set *ss = stress_find(s, args);

	if (!ss)
		return NOTIFY_DONE;

	STRESS_EXPECT(s, ss->set == args->set);
	if (event == IOASID_SYNC) {
		STRESS_EXPECT(s, args->id == 0 && !obj);
		STRESS_EXPECT(s, ss->unsynced > 0);
		ss->unsynced = 0;
	} else if (event == IOASID_FREE) {
		STRESS_EXPECT(s, !ioasid_alive(args->id));
		STRESS_EXPECT(s, obj->set == args->set);
		STRESS_EXPECT(s, atomic_inc_return(&obj->frees) == 1);
		obj->freed_id = args->id;
		ss->unsynced++;
	}
	return NOTIFY_OK;
}

static struct stress_set *slot_get(struct stress_worker *w)
{
	struct stress *s = w->s;
	struct stress_set *ss;

	guard(spinlock)(&s->lock);
	ss = s->slots[pick(w, NR_SLOTS)];
	if (ss)
		ioasid_set_get(ss->set);
	return ss;
}

static struct stress_set *stress_set_new(struct stress *s, unsigned int quota)
{
	struct stress_set *ss = kunit_kzalloc(s->test, sizeof(*ss), GFP_KERNEL);

	if (!ss)
		return NULL;
	ss->set = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, ss, quota);
	if (IS_ERR(ss->set))
		return NULL;
	return ss;
}

/* A new set, or none, comes into a slot, and the old one dies */
static void replace_slot(struct stress_worker *w, struct stress_set *new)
{
	unsigned int slot = pick(w, NR_SLOTS);
	struct stress *s = w->s;
	struct stress_set *old;

	scoped_guard(spinlock, &s->lock) {
		old = s->slots[slot];
		s->slots[slot] = new;
		if (new) {
			new->next = s->all;
			s->all = new;
		}
	}
	if (old)
		ioasid_set_free(old->set);
}

/*
 * With a reference on the number it is known whose it is: the object's or,
 * when that was freed meanwhile, somebody else's. If it is the object's, nobody
 * else can hold the number until the reference goes.
 */
static void hold_number(struct stress_worker *w, struct stress_set *ss,
			struct stress_obj *obj)
{
	struct stress *s = w->s;
	struct ioasid_set *owner;
	void *found;

	if (ioasid_get(ss->set, obj->id))
		return;
	found = ioasid_find(ss->set, obj->id, NULL);
	if (found == obj) {
		STRESS_EXPECT(s, !xchg(&s->holder[obj->id], obj));
		if (pick(w, 2))
			ioasid_free_async(ss->set, obj->id);
		cond_resched();
		found = ioasid_find(ss->set, obj->id, NULL);
		STRESS_EXPECT(s, found == obj || found == ERR_PTR(-ENOENT));
		owner = ioasid_find_set(obj->id);
		STRESS_EXPECT(s, owner == ss->set);
		if (!IS_ERR(owner))
			ioasid_set_put(owner);
		STRESS_EXPECT(s, xchg(&s->holder[obj->id], NULL) == obj);
	}
	ioasid_put(ss->set, obj->id);
}

static void op_alloc(struct stress_worker *w, struct stress_set *ss)
{
	struct stress_obj *obj = &w->objs[w->nr_objs];
	ioasid_t max = pick(w, 4) ? -1U : 1 + pick(w, TOTAL), id;
	int ret;

	obj->set = ss->set;
	ret = ioasid_alloc(ss->set, 1, max, obj, &id);
	if (ret) {
		STRESS_EXPECT(w->s, ret == -ENOSPC || ret == -EDQUOT || ret == -ESHUTDOWN);
		return;
	}
	STRESS_EXPECT(w->s, id >= 1 && id <= max && id < TOTAL);
	obj->id = id;
	w->nr_objs++;
	hold_number(w, ss, obj);
}

/*
 * What is dead stays dead, and what is alive stays the same, while referenced.
 * Says whether this is so.
 */
static bool op_reference(struct stress_set *ss, ioasid_t id, bool sleep)
{
	void *before, *after;
	bool ok;
	int ret;

	ret = ioasid_get(ss->set, id);
	if (ret)
		return ret == -ENOENT || ret == -EACCES || ret == -EBUSY;
	before = ioasid_find(ss->set, id, NULL);
	if (sleep)
		cond_resched();
	after = ioasid_find(ss->set, id, NULL);
	ok = after == before || after == ERR_PTR(-ENOENT);
	ok &= !IS_ERR(after) || !ioasid_alive(id);
	ok &= ik_taken(id);
	ioasid_put(ss->set, id);
	return ok;
}

static void op_free(struct stress_worker *w, struct stress_set *ss, ioasid_t id)
{
	int ret = pick(w, 2) ? ioasid_free(ss->set, id) :
			       ioasid_free_async(ss->set, id);

	STRESS_EXPECT(w->s, !ret || ret == -ENOENT || ret == -EACCES);
}

/* The calls for any context, from one */
static void irq_ops(void *data)
{
	struct stress_worker *w = data;

	w->irq_ok = op_reference(w->ss, w->id, false);
	ioasid_free_async(w->ss->set, w->id);
	w->irq_ok &= op_reference(w->ss, w->id + 1, false);
}

static int work(void *data)
{
	struct stress_worker *w = data;
	struct stress_set *ss;
	ioasid_t id;

	for (int i = 0; i < NR_OPS; i++) {
		cond_resched();
		ss = slot_get(w);
		if (!ss)
			continue;
		id = 1 + pick(w, TOTAL - 1);
		switch (pick(w, 16)) {
		case 0 ... 7:
			op_alloc(w, ss);
			break;
		case 8 ... 10:
			STRESS_EXPECT(w->s, op_reference(ss, id, true));
			break;
		case 11 ... 14:
			op_free(w, ss, id);
			break;
		case 15:
			w->ss = ss;
			w->id = id;
			ik_in_hardirq(w->s->test, irq_ops, w);
			STRESS_EXPECT(w->s, w->irq_ok);
			break;
		}
		ioasid_set_put(ss->set);
	}
	atomic_dec(&w->s->workers);
	return 0;
}

/* Sets die under the hands of those who use them */
static int kill_sets(void *data)
{
	struct stress_worker *w = data;
	struct stress_set *ss;

	while (atomic_read(&w->s->workers)) {
		if (pick(w, 3)) {
			ss = slot_get(w);
			if (ss) {
				ioasid_set_free_ids(ss->set);
				ioasid_set_put(ss->set);
			}
		} else {
			replace_slot(w, stress_set_new(w->s, pick(w, 2) * TOTAL / 8));
		}
		schedule_timeout_uninterruptible(1);
	}
	return 0;
}

/* A subscriber that ends other numbers of its set */
static int other_notify(struct notifier_block *nb, unsigned long event,
			void *data)
{
	struct ioasid_nb_args *args = data;

	if (event == IOASID_FREE && args->id % 8 == 0)
		ioasid_free(args->set, args->id + 1);
	return NOTIFY_DONE;
}

static int idle_notify(struct notifier_block *nb, unsigned long event,
		       void *data)
{
	cond_resched();
	return NOTIFY_OK;
}

/* Subscribers come and go */
static int subscribe(void *data)
{
	struct stress_worker *w = data;
	struct notifier_block nb = {};
	struct stress_set *ss;
	int ret;

	while (atomic_read(&w->s->workers)) {
		ss = pick(w, 4) ? slot_get(w) : NULL;
		nb.notifier_call = ss ? other_notify : idle_notify;
		nb.priority = pick(w, 3);
		ret = ioasid_register_notifier(ss ? ss->set : NULL, &nb);
		STRESS_EXPECT(w->s, !ret);
		cond_resched();
		if (!ret)
			ioasid_unregister_notifier(ss ? ss->set : NULL, &nb);
		if (ss)
			ioasid_set_put(ss->set);
		if (!pick(w, 8))
			ioasid_synchronize();
		schedule_timeout_uninterruptible(1);
	}
	return 0;
}

static void stress_unregister(void *data)
{
	struct stress *s = data;

	ioasid_unregister_notifier(NULL, &s->nb);
}

static void stress_end(void *data)
{
	struct stress *s = data;

	for (int i = 0; i < NR_SLOTS; i++) {
		if (s->slots[i])
			ioasid_set_free(s->slots[i]->set);
		s->slots[i] = NULL;
	}
}

static struct stress_worker *stress_worker_new(struct stress *s, u64 seed)
{
	struct stress_worker *w = kunit_kzalloc(s->test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(s->test, w);
	w->s = s;
	w->objs = kunit_kcalloc(s->test, NR_OPS, sizeof(*w->objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(s->test, w->objs);
	prandom_seed_state(&w->rnd, seed);
	return w;
}

static void all_at_once(struct kunit *test)
{
	struct stress *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	struct stress_worker *w[NR_WORKERS + 2];
	struct ik_task *task[NR_WORKERS + 2];
	unsigned int allocs = 0;

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->test = test;
	s->nb.notifier_call = stress_notify;
	s->nb.priority = IOASID_PRIO_DEVICE;
	spin_lock_init(&s->lock);
	atomic_set(&s->workers, NR_WORKERS);
	ik_capacity(test, TOTAL);
	for (int i = 0; i < NR_WORKERS + 2; i++)
		w[i] = stress_worker_new(s, i + 1);
	IK_ASSERT_OK(test, ioasid_register_notifier(NULL, &s->nb));
	IK_ASSERT_OK(test, kunit_add_action_or_reset(test, stress_unregister, s));
	IK_ASSERT_OK(test, kunit_add_action_or_reset(test, stress_end, s));
	for (int i = 0; i < NR_SLOTS; i++)
		replace_slot(w[0], stress_set_new(s, i * TOTAL / 16));

	for (int i = 0; i < NR_WORKERS; i++)
		task[i] = ik_run(test, work, w[i]);
	task[NR_WORKERS] = ik_run(test, kill_sets, w[NR_WORKERS]);
	task[NR_WORKERS + 1] = ik_run(test, subscribe, w[NR_WORKERS + 1]);
	for (int i = 0; i < NR_WORKERS + 2; i++)
		ik_join(test, task[i]);

	stress_end(s);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, atomic_read(&s->broken), 0);
	for (int i = 0; i < NR_WORKERS; i++) {
		for (int j = 0; j < w[i]->nr_objs; j++) {
			KUNIT_ASSERT_EQ(test, atomic_read(&w[i]->objs[j].frees), 1);
			KUNIT_ASSERT_EQ(test, w[i]->objs[j].freed_id, w[i]->objs[j].id);
		}
		allocs += w[i]->nr_objs;
	}
	for (struct stress_set *ss = s->all; ss; ss = ss->next)
		KUNIT_EXPECT_EQ(test, ss->unsynced, 0);
	for (int id = 1; id < TOTAL; id++)
		KUNIT_EXPECT_NULL(test, s->holder[id]);
	kunit_info(test, "%u numbers lived, on %u CPUs\n", allocs, num_online_cpus());
	KUNIT_EXPECT_GT(test, allocs, NR_OPS);
}

#define NR_ROUNDS	20
#define NR_IDS		200

/* Waits until a tear-down by another thread has begun, and not much longer */
static void wait_dead(ioasid_t id)
{
	while (ioasid_alive(id))
		cond_resched();
}

/* The last subscriber leaves in the middle of a big tear-down */
static void subscriber_leaves(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct ik_task *task;
	struct ik_sub *sub;
	ioasid_t *ids;

	ids = kunit_kcalloc(test, NR_IDS, sizeof(*ids), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ids);
	for (int round = 0; round < NR_ROUNDS; round++) {
		sub = ik_subscribe(test, set, 0);
		ik_alloc_many(test, set, ids, NR_IDS);
		task = ik_run_set_free_ids(test, set);
		wait_dead(ids[0]);
		ik_unsubscribe(test, sub);
		ik_join(test, task);
		ik_join(test, ik_run_synchronize(test));
		KUNIT_ASSERT_EQ(test, ioasid_set_count(set), 0);
		ik_log_clear(test);
	}
}

/* A set dies in the middle of a big tear-down: then too all has run after it */
static void two_tear_downs(struct kunit *test)
{
	struct ik_task *task;
	struct ioasid_set *set;
	struct ik_sub *sub;
	ioasid_t *ids;

	ids = kunit_kcalloc(test, NR_IDS, sizeof(*ids), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ids);
	for (int round = 0; round < NR_ROUNDS; round++) {
		set = ioasid_set_get(ik_set(test));
		sub = ik_subscribe(test, set, 0);
		ik_alloc_many(test, set, ids, NR_IDS);
		task = ik_run_set_free_ids(test, set);
		wait_dead(ids[0]);
		ik_set_free(test, set);
		KUNIT_ASSERT_EQ(test, ik_log_count(sub, IOASID_FREE), NR_IDS);
		KUNIT_ASSERT_GE(test, ik_log_count(sub, IOASID_SYNC), 1);
		ik_join(test, task);
		ioasid_synchronize();
		KUNIT_ASSERT_EQ(test, ioasid_set_count(set), 0);
		ik_unsubscribe(test, sub);
		ioasid_set_put(set);
		ik_log_clear(test);
	}
}

struct getter_arg {
	struct ioasid_set *set;
	ioasid_t id;
	int got;
};

static int get_while_alive(void *data)
{
	struct getter_arg *arg = data;

	while (!ioasid_get(arg->set, arg->id)) {
		arg->got++;
		cond_resched();
	}
	return 0;
}

/* Between a free and a get there is no third way: the reference keeps it */
static void get_against_free(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	struct getter_arg *arg;
	struct ik_task *task;

	for (int round = 0; round < NR_ROUNDS; round++) {
		arg = kunit_kzalloc(test, sizeof(*arg), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, arg);
		arg->set = set;
		arg->id = ik_alloc(test, set, 1, 100);
		IK_ASSERT_OK(test, ioasid_get(set, arg->id));
		task = ik_run(test, get_while_alive, arg);
		IK_EXPECT_OK(test, ioasid_free(set, arg->id));
		ik_join(test, task);
		ioasid_put(set, arg->id);
		ioasid_synchronize();
		KUNIT_EXPECT_EQ(test, ik_taken(arg->id), arg->got > 0);
		while (arg->got--)
			ioasid_put(set, arg->id);
		ik_expect_recyclable(test, arg->id);
	}
}

static struct kunit_case ioasid_stress_cases[] = {
	KUNIT_CASE(all_at_once),
	KUNIT_CASE(subscriber_leaves),
	KUNIT_CASE(two_tear_downs),
	KUNIT_CASE(get_against_free),
	{}
};

static struct kunit_suite ioasid_stress_suite = {
	.name = "ioasid_stress",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_stress_cases,
};

kunit_test_suite(ioasid_stress_suite);
