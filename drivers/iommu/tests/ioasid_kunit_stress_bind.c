// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_stress_bind": several threads bind and unbind
 * numbers of sets that are resized and die, while subscribers of sets, of mms
 * and of everything come and go, and refuse.
 *
 * Each subscriber checks that what it is told makes sense by itself: no BIND
 * twice, UNBIND only after BIND and always before FREE. One that is there from
 * the beginning to the end must hear of everything.
 */
#include <linux/prandom.h>
#include <linux/sched.h>

#include "ioasid_kunit.h"

#define TOTAL		128
#define NR_SPIDS	40
#define NR_SLOTS	5
#define NR_WORKERS	4
#define NR_OPS		1500

/* Events of one set come one at a time, so these need no lock */
struct bind_set {
	struct ioasid_set *set;
	struct bind_set *next;
	ioasid_t names[NR_SPIDS];
	unsigned int unsynced;
};

struct bind_stress {
	struct kunit *test;
	struct notifier_block nb;
	struct mm_struct *mms[2];
	/* Guards the slots and the list of all sets, which only grows */
	spinlock_t lock;
	struct bind_set *slots[NR_SLOTS];
	struct bind_set *all;
	unsigned long told[BITS_TO_LONGS(TOTAL)];
	atomic_t binds;
	atomic_t allocs;
	atomic_t frees;
	atomic_t broken;
};

/* A thread, with a subscriber of its own */
struct bind_worker {
	struct bind_stress *s;
	struct rnd_state rnd;
	struct notifier_block nb;
	struct bind_set *ss;
	struct mm_struct *mm;
	bool subscribed;
	bool refuses;
	bool replayed;
	unsigned long told[BITS_TO_LONGS(TOTAL)];
};

/* Once is enough to know of it */
static void bind_expect(struct bind_stress *s, bool ok, const char *what)
{
	if (!ok && atomic_inc_return(&s->broken) == 1)
		KUNIT_FAIL(s->test, "not true: %s", what);
}

#define BIND_EXPECT(s, cond)	bind_expect(s, cond, #cond)

static unsigned int pick(struct bind_worker *w, unsigned int n)
{
	return prandom_u32_state(&w->rnd) % n;
}

/* The youngest: memory of a set that is gone may be another set */
static struct bind_set *bind_find(struct bind_stress *s, struct ioasid_set *set)
{
	struct bind_set *ss;

	guard(spinlock)(&s->lock);
	for (ss = s->all; ss; ss = ss->next)
		if (ss->set == set)
			return ss;
	return NULL;
}

static void check_name(struct bind_stress *s, struct bind_set *ss,
		       struct ioasid_nb_args *args, ioasid_t before, ioasid_t after)
{
	ioasid_t id;

	if (args->spid == IOMMU_PASID_INVALID)
		return;
	BIND_EXPECT(s, args->spid > 0 && args->spid < NR_SPIDS);
	BIND_EXPECT(s, ss->names[args->spid] == before);
	ss->names[args->spid] = after;
	/* Not before all have agreed, nor when one may have forgotten it */
	BIND_EXPECT(s, ioasid_find_by_spid(args->set, args->spid, &id) == -ENOENT);
}

/* Hears of everything */
static int bind_notify(struct notifier_block *nb, unsigned long event,
		       void *data)
{
	struct bind_stress *s = container_of(nb, struct bind_stress, nb);
	struct ioasid_nb_args *args = data;
	struct bind_set *ss = bind_find(s, args->set);

	if (!ss)
		return NOTIFY_DONE;

	switch (event) {
	case IOASID_BIND:
		BIND_EXPECT(s, !test_and_set_bit(args->id, s->told));
		check_name(s, ss, args, 0, args->id);
		atomic_inc(&s->binds);
		break;
	case IOASID_UNBIND:
		BIND_EXPECT(s, test_and_clear_bit(args->id, s->told));
		check_name(s, ss, args, args->id, 0);
		break;
	case IOASID_FREE:
		BIND_EXPECT(s, !test_bit(args->id, s->told));
		BIND_EXPECT(s, args->spid == IOMMU_PASID_INVALID);
		BIND_EXPECT(s, !ioasid_alive(args->id));
		atomic_inc(&s->frees);
		ss->unsynced++;
		break;
	case IOASID_SYNC:
		BIND_EXPECT(s, ss->unsynced > 0);
		ss->unsynced = 0;
		break;
	}
	return NOTIFY_OK;
}

/*
 * Comes and goes. Who subscribes to everything gets no replay, so that he may
 * hear of the UNBIND alone.
 */
static int worker_notify(struct notifier_block *nb, unsigned long event,
			 void *data)
{
	struct bind_worker *w = container_of(nb, struct bind_worker, nb);
	struct ioasid_nb_args *args = data;
	struct bind_stress *s = w->s;

	if (!bind_find(s, args->set))
		return NOTIFY_DONE;

	switch (event) {
	case IOASID_BIND:
		if (w->refuses && args->id % 8 == 0)
			return notifier_from_errno(-EPERM);
		BIND_EXPECT(s, !test_and_set_bit(args->id, w->told));
		break;
	case IOASID_UNBIND:
		BIND_EXPECT(s, test_and_clear_bit(args->id, w->told) || !w->replayed);
		break;
	case IOASID_ALLOC:
	case IOASID_FREE:
		BIND_EXPECT(s, !test_bit(args->id, w->told));
		break;
	}
	return NOTIFY_OK;
}

static int worker_register(struct bind_worker *w)
{
	if (w->mm)
		return ioasid_register_notifier_mm(w->mm, &w->nb);
	return ioasid_register_notifier(w->ss ? w->ss->set : NULL, &w->nb);
}

static void worker_unregister(struct bind_worker *w)
{
	if (!w->subscribed)
		return;
	if (w->mm)
		ioasid_unregister_notifier_mm(w->mm, &w->nb);
	else
		ioasid_unregister_notifier(w->ss ? w->ss->set : NULL, &w->nb);
	w->subscribed = false;
}

static void op_subscribe(struct bind_worker *w, struct bind_set *ss)
{
	struct bind_stress *s = w->s;
	int ret;

	if (w->subscribed) {
		worker_unregister(w);
		return;
	}
	w->ss = NULL;
	w->mm = NULL;
	switch (pick(w, 3)) {
	case 0:
		w->ss = ss;
		break;
	case 1:
		w->mm = s->mms[pick(w, ARRAY_SIZE(s->mms))];
		break;
	}
	w->replayed = w->ss || w->mm;
	w->refuses = pick(w, 2);
	w->nb.notifier_call = worker_notify;
	w->nb.priority = pick(w, 3) * IOASID_PRIO_DEVICE;
	bitmap_zero(w->told, TOTAL);
	ret = worker_register(w);
	BIND_EXPECT(s, !ret || (ret == -EPERM && w->refuses && w->replayed));
	BIND_EXPECT(s, !ret || bitmap_empty(w->told, TOTAL));
	w->subscribed = !ret;
}

static struct bind_set *slot_get(struct bind_worker *w, unsigned int slot)
{
	struct bind_stress *s = w->s;
	struct bind_set *ss;

	guard(spinlock)(&s->lock);
	ss = s->slots[slot];
	if (ss)
		ioasid_set_get(ss->set);
	return ss;
}

static struct bind_set *bind_set_new(struct bind_worker *w)
{
	struct bind_set *ss = kunit_kzalloc(w->s->test, sizeof(*ss), GFP_KERNEL);
	unsigned int quota = pick(w, 2) * pick(w, TOTAL / 8);

	if (!ss)
		return NULL;
	if (pick(w, 3))
		ss->set = ioasid_set_alloc(IOASID_SET_TYPE_MM, w->s->mms[pick(w, 2)], quota);
	else
		ss->set = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, ss, quota);
	/* What others reserve or use may leave no room for a guarantee */
	if (IS_ERR(ss->set))
		ss->set = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, ss, 0);
	return IS_ERR(ss->set) ? NULL : ss;
}

/* A new set, or none, comes into a slot, and the old one dies */
static void op_replace(struct bind_worker *w, unsigned int slot)
{
	struct bind_set *new = bind_set_new(w), *old;
	struct bind_stress *s = w->s;

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

static void op_alloc(struct bind_worker *w, struct bind_set *ss)
{
	ioasid_t id;
	int ret;

	ret = ioasid_alloc(ss->set, 1, -1U, ss, &id);
	BIND_EXPECT(w->s, !ret || ret == -ENOSPC || ret == -EDQUOT || ret == -ESHUTDOWN);
	if (ret)
		return;
	BIND_EXPECT(w->s, id >= 1 && id < TOTAL);
	atomic_inc(&w->s->allocs);
}

static void op_free(struct bind_worker *w, struct ioasid_set *set, ioasid_t id)
{
	int ret = pick(w, 2) ? ioasid_free(set, id) : ioasid_free_async(set, id);

	BIND_EXPECT(w->s, !ret || ret == -ENOENT || ret == -EACCES);
}

static void op_bind(struct bind_worker *w, struct ioasid_set *set, ioasid_t id)
{
	ioasid_t spid = pick(w, NR_SPIDS);
	int ret;

	if (spid)
		ret = ioasid_attach_spid(set, id, spid);
	else
		ret = ioasid_notify(set, id, IOASID_BIND);
	BIND_EXPECT(w->s, !ret || ret == -ENOENT || ret == -EACCES || ret == -EBUSY ||
		    ret == -EEXIST || ret == -EPERM);
}

static void op_unbind(struct bind_worker *w, struct ioasid_set *set, ioasid_t id)
{
	int ret = pick(w, 4) ? ioasid_detach_spid(set, id) :
			       ioasid_notify(set, id, IOASID_UNBIND);

	BIND_EXPECT(w->s, !ret || ret == -ENOENT || ret == -EACCES || ret == -EBUSY);
}

/* What a name leads to is the set's, and with a reference it stays so */
static void op_look_up(struct bind_worker *w, struct bind_set *ss)
{
	struct ioasid_set *owner;
	void *found;
	ioasid_t id;
	int ret;

	ret = ioasid_find_by_spid(ss->set, 1 + pick(w, NR_SPIDS - 1), &id);
	BIND_EXPECT(w->s, !ret || ret == -ENOENT);
	if (ret || ioasid_get(ss->set, id))
		return;
	found = ioasid_find(ss->set, id, NULL);
	BIND_EXPECT(w->s, found == ss || found == ERR_PTR(-ENOENT));
	owner = ioasid_find_set(id);
	BIND_EXPECT(w->s, owner == ss->set);
	if (!IS_ERR(owner))
		ioasid_set_put(owner);
	ioasid_put(ss->set, id);
}

static void op_resize(struct bind_worker *w, struct bind_set *ss)
{
	int ret = ioasid_set_resize(ss->set, 1 + pick(w, TOTAL / 8));

	BIND_EXPECT(w->s, !ret || ret == -EINVAL || ret == -EBUSY || ret == -ENOSPC ||
		    ret == -ESHUTDOWN);
}

static void op_on_id(struct bind_worker *w, struct ioasid_set *set, ioasid_t id)
{
	switch (pick(w, 16)) {
	case 0 ... 6:
		op_bind(w, set, id);
		break;
	case 7 ... 10:
		op_unbind(w, set, id);
		break;
	default:
		op_free(w, set, id);
	}
}

/* One that is alive, if there is any, by its owner or, at times, somebody else */
static void op_on_some_id(struct bind_worker *w, struct bind_set *ss)
{
	ioasid_t id = 1 + pick(w, TOTAL - 1);
	struct ioasid_set *owner;

	for (int i = 0; i < TOTAL && !ioasid_alive(id); i++)
		id = id % (TOTAL - 1) + 1;
	owner = ioasid_find_set(id);
	if (IS_ERR(owner) || !bind_find(w->s, owner) || pick(w, 16) == 0)
		op_on_id(w, ss->set, id);
	else
		op_on_id(w, owner, id);
	if (!IS_ERR(owner))
		ioasid_set_put(owner);
}

static void do_op(struct bind_worker *w, struct bind_set *ss)
{
	switch (pick(w, 32)) {
	case 0 ... 7:
		op_alloc(w, ss);
		break;
	case 8 ... 22:
		op_on_some_id(w, ss);
		break;
	case 23 ... 26:
		op_look_up(w, ss);
		break;
	case 27:
		op_resize(w, ss);
		break;
	case 28 ... 30:
		op_subscribe(w, ss);
		break;
	case 31:
		if (pick(w, 4) == 0)
			ioasid_set_free_ids(ss->set);
		break;
	}
}

static int work(void *data)
{
	struct bind_worker *w = data;
	struct bind_set *ss;
	unsigned int slot;

	for (int i = 0; i < NR_OPS; i++) {
		cond_resched();
		/* else all numbers are soon in quarantine, and nothing happens */
		if (i % 32 == 0)
			ioasid_synchronize();
		slot = pick(w, NR_SLOTS);
		ss = slot_get(w, slot);
		if (!ss || pick(w, 128) == 0)
			op_replace(w, slot);
		if (!ss)
			continue;
		do_op(w, ss);
		ioasid_set_put(ss->set);
	}
	worker_unregister(w);
	return 0;
}

static void bind_unregister(void *data)
{
	struct bind_stress *s = data;

	ioasid_unregister_notifier(NULL, &s->nb);
}

static void bind_end(void *data)
{
	struct bind_stress *s = data;

	for (int i = 0; i < NR_SLOTS; i++) {
		if (s->slots[i])
			ioasid_set_free(s->slots[i]->set);
		s->slots[i] = NULL;
	}
}

static struct bind_stress *bind_stress_new(struct kunit *test)
{
	struct bind_stress *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->test = test;
	s->nb.notifier_call = bind_notify;
	s->nb.priority = IOASID_PRIO_DEVICE;
	spin_lock_init(&s->lock);
	for (int i = 0; i < ARRAY_SIZE(s->mms); i++)
		s->mms[i] = ik_mm(test);
	ik_capacity(test, TOTAL);
	IK_ASSERT_OK(test, ioasid_register_notifier(NULL, &s->nb));
	IK_ASSERT_OK(test, kunit_add_action_or_reset(test, bind_unregister, s));
	IK_ASSERT_OK(test, kunit_add_action_or_reset(test, bind_end, s));
	return s;
}

static void names_at_once(struct kunit *test)
{
	struct bind_stress *s = bind_stress_new(test);
	struct ik_task *task[NR_WORKERS];
	struct bind_worker *w;

	for (int i = 0; i < NR_WORKERS; i++) {
		w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, w);
		w->s = s;
		prandom_seed_state(&w->rnd, i + 1);
		task[i] = ik_run(test, work, w);
	}
	for (int i = 0; i < NR_WORKERS; i++)
		ik_join(test, task[i]);

	bind_end(s);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, atomic_read(&s->broken), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->frees), atomic_read(&s->allocs));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(s->told, TOTAL));
	for (struct bind_set *ss = s->all; ss; ss = ss->next) {
		KUNIT_EXPECT_EQ(test, ss->unsynced, 0);
		for (int spid = 1; spid < NR_SPIDS; spid++)
			KUNIT_EXPECT_EQ(test, ss->names[spid], 0);
	}
	kunit_info(test, "%d numbers lived, %d BINDs\n", atomic_read(&s->allocs),
		   atomic_read(&s->binds));
	KUNIT_EXPECT_GT(test, atomic_read(&s->allocs), NR_OPS / 4);
	KUNIT_EXPECT_GT(test, atomic_read(&s->binds), NR_OPS / 4);
}

static struct kunit_case ioasid_stress_bind_cases[] = {
	KUNIT_CASE(names_at_once),
	{}
};

static struct kunit_suite ioasid_stress_bind_suite = {
	.name = "ioasid_stress_bind",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_stress_bind_cases,
};

kunit_test_suite(ioasid_stress_bind_suite);
