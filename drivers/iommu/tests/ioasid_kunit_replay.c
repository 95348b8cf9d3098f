// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_replay": a subscriber that comes late is told of
 * what is bound, once, whatever happens at the same time.
 */
#include <linux/bitmap.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "ioasid_kunit.h"

#define NR_BOUND	4

/* Two sets of an mm, each with numbers with and without a name */
struct scene {
	struct mm_struct *mm;
	struct ioasid_set *sets[2];
	ioasid_t bound[2][NR_BOUND];
	ioasid_t nameless[2];
	ioasid_t unbound[2];
};

static struct scene *scene_new(struct kunit *test)
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->mm = ik_mm(test);
	for (int i = 0; i < 2; i++) {
		s->sets[i] = ik_set_of(test, IOASID_SET_TYPE_MM, s->mm, 0);
		for (int j = 0; j < NR_BOUND; j++)
			s->bound[i][j] = ik_alloc_bound(test, s->sets[i], 10 + j);
		s->nameless[i] = ik_alloc_data(test, s->sets[i], s);
		IK_ASSERT_OK(test, ioasid_notify(s->sets[i], s->nameless[i], IOASID_BIND));
		s->unbound[i] = ik_alloc_bound(test, s->sets[i], 99);
		IK_ASSERT_OK(test, ioasid_detach_spid(s->sets[i], s->unbound[i]));
	}
	return s;
}

static void expect_bind(struct kunit *test, struct ik_sub *sub,
			struct scene *s, int i, ioasid_t id, ioasid_t spid)
{
	int at = ik_log_find(sub, IOASID_BIND, id);
	struct ik *ik = test->priv;

	KUNIT_ASSERT_GE_MSG(test, at, 0, "no BIND of %u", id);
	KUNIT_EXPECT_EQ(test, ik->log[at].args.spid, spid);
	KUNIT_EXPECT_PTR_EQ(test, ik->log[at].args.set, s->sets[i]);
	KUNIT_EXPECT_EQ(test, ik->log[at].args.type, IOASID_SET_TYPE_MM);
	KUNIT_EXPECT_PTR_EQ(test, ik->log[at].args.token, s->mm);
}

/* One BIND for each of what is bound in the sets, in the log and nothing else */
static void expect_replay(struct kunit *test, struct ik_sub *sub,
			  struct scene *s, int first, int last)
{
	struct ik *ik = test->priv;
	int nr = 0, at;

	for (int i = first; i <= last; i++) {
		for (int j = 0; j < NR_BOUND; j++, nr++)
			expect_bind(test, sub, s, i, s->bound[i][j], 10 + j);
		expect_bind(test, sub, s, i, s->nameless[i], IOMMU_PASID_INVALID);
		at = ik_log_find(sub, IOASID_BIND, s->nameless[i]);
		KUNIT_EXPECT_PTR_EQ(test, ik->log[at].args.pdata, s);
		nr++;
	}
	KUNIT_EXPECT_EQ(test, ik_log_count(sub, IOASID_BIND), nr);
	KUNIT_EXPECT_EQ(test, ik->nr, nr);
}

static void set_subscriber(struct kunit *test)
{
	struct scene *s = scene_new(test);

	for (int i = 0; i < 2; i++) {
		struct ik_sub *sub = ik_subscribe(test, s->sets[i], 0);

		/* Only the new one is told */
		expect_replay(test, sub, s, i, i);
		ik_log_clear(test);
	}
}

static void mm_subscriber(struct kunit *test)
{
	struct scene *s = scene_new(test);

	expect_replay(test, ik_subscribe_mm(test, s->mm, 0), s, 0, 1);
	/* of this mm alone */
	ik_log_clear(test);
	ik_subscribe_mm(test, ik_mm(test), 0);
	ik_expect_empty_log(test);
}

/* Who subscribes to everything does it before there is anything */
static void no_replay_for_all(struct kunit *test)
{
	scene_new(test);
	ik_subscribe_all(test, NULL, 0);
	ik_expect_empty_log(test);
}

/* Again at each registration, and what is over is over */
static void once_each_time(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct ik_sub *sub = ik_subscribe(test, s->sets[0], 0);

	ik_unsubscribe(test, sub);
	ik_log_clear(test);
	IK_ASSERT_OK(test, ik_sub_register(test, sub, s->sets[0]));
	expect_replay(test, sub, s, 0, 0);
	ik_unsubscribe(test, sub);

	/* A dead number whose events have run is not told, nor what is unbound */
	IK_ASSERT_OK(test, ioasid_get(s->sets[0], s->bound[0][0]));
	for (int j = 0; j < NR_BOUND; j++)
		IK_EXPECT_OK(test, j < 2 ? ioasid_free(s->sets[0], s->bound[0][j]) :
					   ioasid_detach_spid(s->sets[0], s->bound[0][j]));
	ik_log_clear(test);
	IK_ASSERT_OK(test, ik_sub_register(test, sub, s->sets[0]));
	ik_expect_log(test, { sub, IOASID_BIND, s->nameless[0] });
	ioasid_put(s->sets[0], s->bound[0][0]);
}

/* A refused BIND ends the registration; what was told before is taken back */
static void expect_refused(struct kunit *test, struct scene *s,
			   struct ik_sub *sub, bool of_mm, ioasid_t refuse_id)
{
	struct ik *ik = test->priv;
	unsigned int binds;

	ik_log_clear(test);
	sub->refuse = -EPERM;
	sub->refuse_id = refuse_id;
	IK_EXPECT_ERRNO(test, of_mm ? ik_sub_register_mm(test, sub, s->mm) :
				      ik_sub_register(test, sub, s->sets[0]), -EPERM);
	binds = ik_log_count(sub, IOASID_BIND);
	KUNIT_EXPECT_GE(test, binds, 1);
	KUNIT_EXPECT_EQ(test, ik_log_count(sub, IOASID_UNBIND), binds - 1);
	KUNIT_EXPECT_EQ(test, ik->log[binds - 1].args.id, refuse_id);
	KUNIT_EXPECT_LT(test, ik_log_find(sub, IOASID_UNBIND, refuse_id), 0);
	for (int i = 0; i < binds - 1; i++) {
		int at = ik_log_find(sub, IOASID_UNBIND, ik->log[i].args.id);

		KUNIT_EXPECT_GE(test, at, binds);
		KUNIT_EXPECT_EQ(test, ik->log[at].args.spid, ik->log[i].args.spid);
	}

	/* It is not subscribed, and the bindings are as before */
	ik_log_clear(test);
	for (int i = 0; i < 2; i++) {
		IK_EXPECT_OK(test, ioasid_detach_spid(s->sets[i], s->bound[i][0]));
		ik_bind(test, s->sets[i], s->bound[i][0], 10);
	}
	ik_expect_empty_log(test);
	sub->refuse = 0;
}

static void veto(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct ik_sub *sub = ik_sub_new(test, 0);

	for (int j = 0; j < NR_BOUND; j++) {
		expect_refused(test, s, sub, false, s->bound[0][j]);
		expect_refused(test, s, sub, true, s->bound[0][j]);
		expect_refused(test, s, sub, true, s->bound[1][j]);
	}
	/* Nothing keeps it from trying again */
	IK_ASSERT_OK(test, ik_sub_register(test, sub, s->sets[0]));
	expect_replay(test, sub, s, 0, 0);
}

/* A registration and a BIND: whoever comes first, there is one BIND */
static int do_register(void *data)
{
	struct ik_sub *sub = data;

	return sub->mm ? ioasid_register_notifier_mm(sub->mm, &sub->nb) :
			 ioasid_register_notifier(sub->chain, &sub->nb);
}

static void during_bind(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_sub *sub = ik_subscribe(test, set, 0), *late[2];
	struct ik_task *bind, *task[2];

	ik_hold(sub, IOASID_BIND);
	bind = ik_run_bind(test, set, id, 5);
	ik_wait_held(test, sub);
	for (int i = 0; i < 2; i++) {
		late[i] = ik_sub_new(test, 0);
		late[i]->chain = set;
		late[i]->mm = i ? mm : NULL;
		task[i] = ik_run(test, do_register, late[i]);
		KUNIT_EXPECT_TRUE(test, ik_still_runs(task[i]));
	}
	ik_release(sub);
	IK_EXPECT_OK(test, ik_join(test, bind));
	for (int i = 0; i < 2; i++) {
		IK_EXPECT_OK(test, ik_join(test, task[i]));
		KUNIT_EXPECT_EQ(test, ik_log_count(late[i], IOASID_BIND), 1);
		if (i)
			ioasid_unregister_notifier_mm(mm, &late[i]->nb);
		else
			ioasid_unregister_notifier(set, &late[i]->nb);
	}
}

/* A dying set has what is left; whether that is told is a matter of who is first */
static void during_death(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t ids[2];
	struct ik_sub *sub = ik_subscribe(test, set, 0), *late = ik_sub_new(test, 0);
	struct ik_task *bind, *task;

	ids[0] = ik_alloc_bound(test, set, 5);
	ids[1] = ik_alloc(test, set, 1, 100);
	ik_hold(sub, IOASID_BIND);
	bind = ik_run_bind(test, set, ids[1], 6);
	ik_wait_held(test, sub);
	late->chain = set;
	task = ik_run(test, do_register, late);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(task));
	IK_EXPECT_OK(test, ioasid_free_async(set, ids[0]));
	IK_EXPECT_OK(test, ioasid_free_async(set, ids[1]));
	ik_release(sub);
	IK_EXPECT_OK(test, ik_join(test, bind));
	IK_EXPECT_OK(test, ik_join(test, task));
	ik_set_free(test, set);
	KUNIT_EXPECT_EQ(test, ik_log_count(late, IOASID_BIND),
			ik_log_count(late, IOASID_UNBIND));
	KUNIT_EXPECT_EQ(test, ik_log_count(late, IOASID_BIND),
			ik_log_count(late, IOASID_FREE));
	KUNIT_EXPECT_EQ(test, ik_log_count(sub, IOASID_UNBIND), 2);
	ik_log_clear(test);
	ioasid_unregister_notifier(set, &late->nb);

	/* Nothing is left now: allowed, and nothing is told */
	IK_ASSERT_OK(test, ik_sub_register(test, late, set));
	ik_expect_empty_log(test);
	ik_unsubscribe(test, late);
}

/* What a subscriber makes of the events since it was registered */
#define NR_IDS		64
#define NR_NAMES	24
#define NR_OPS		800

struct table {
	struct kunit *test;
	struct notifier_block nb;
	ioasid_t base;
	DECLARE_BITMAP(bound, NR_IDS);
	unsigned int wrong;
	unsigned int events;
};

struct crowd {
	struct kunit *test;
	struct mm_struct *mm;
	struct ioasid_set *sets[2];
	ioasid_t base;
	atomic_t workers;
	unsigned int seed;
};

static int table_notify(struct notifier_block *nb, unsigned long event,
			void *data)
{
	struct table *t = container_of(nb, struct table, nb);
	struct ioasid_nb_args *args = data;
	unsigned int bit = args->id - t->base;

	t->events++;
	switch (event) {
	case IOASID_BIND:
		t->wrong += bit >= NR_IDS || test_and_set_bit(bit, t->bound);
		break;
	case IOASID_UNBIND:
		t->wrong += bit >= NR_IDS || !test_and_clear_bit(bit, t->bound);
		break;
	case IOASID_FREE:
	case IOASID_ALLOC:
		t->wrong += bit >= NR_IDS || test_bit(bit, t->bound);
		break;
	}
	/* Let others come between */
	cond_resched();
	return NOTIFY_OK;
}

static int crowd_work(void *data)
{
	struct crowd *c = data;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, ++c->seed);
	for (int i = 0; i < NR_OPS; i++) {
		u32 r = prandom_u32_state(&rnd);
		struct ioasid_set *set = c->sets[r & 1];
		ioasid_t id = c->base + (r >> 8) % NR_IDS;
		ioasid_t got;

		switch (r >> 4 & 15) {
		case 0 ... 3:
			(void)ioasid_alloc(set, c->base, c->base + NR_IDS - 1, NULL, &got);
			break;
		case 4 ... 7:
			ioasid_attach_spid(set, id, 1 + (r >> 16) % NR_NAMES);
			break;
		case 8:
			ioasid_notify(set, id, IOASID_BIND);
			break;
		case 9:
			ioasid_notify(set, id, IOASID_UNBIND);
			break;
		case 10 ... 12:
			ioasid_detach_spid(set, id);
			break;
		case 13:
			ioasid_free(set, id);
			break;
		case 14:
			ioasid_free_async(set, id);
			break;
		default:
			if ((r >> 24) % 16 == 0)
				ioasid_set_free_ids(set);
		}
		/* So that subscribers come and go meanwhile, on one CPU too */
		if (i % 16)
			cond_resched();
		else
			schedule_timeout_uninterruptible(1);
	}
	atomic_dec(&c->workers);
	return 0;
}

/* When all is quiet the table says what is so: it names the bound numbers */
static void crowd_check(struct kunit *test, struct crowd *c, struct table *t,
			int nr_sets)
{
	DECLARE_BITMAP(bound, NR_IDS) = {};
	ioasid_t id;

	for (int i = 0; i < nr_sets; i++) {
		for (ioasid_t spid = 1; spid <= NR_NAMES; spid++)
			if (!ioasid_find_by_spid(c->sets[i], spid, &id))
				__set_bit(id - c->base, bound);
		for (id = c->base; id < c->base + NR_IDS; id++) {
			/* Bound without a name: it can be ended so */
			if (ioasid_notify(c->sets[i], id, IOASID_UNBIND))
				continue;
			KUNIT_EXPECT_FALSE(test, test_bit(id - c->base, t->bound));
			IK_EXPECT_OK(test, ioasid_notify(c->sets[i], id, IOASID_BIND));
			__set_bit(id - c->base, bound);
		}
	}
	KUNIT_EXPECT_TRUE(test, bitmap_equal(bound, t->bound, NR_IDS));
	KUNIT_EXPECT_EQ(test, t->wrong, 0);
}

/* None lost and none doubled, among all that goes on */
static void crowd(struct kunit *test)
{
	struct crowd *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	struct table *t = kunit_kcalloc(test, 2, sizeof(*t), GFP_KERNEL);
	unsigned int rounds = 0, events = 0;
	struct ik_task *task[3];

	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_NOT_NULL(test, t);
	c->test = test;
	c->mm = ik_mm(test);
	c->base = 1000;
	for (int i = 0; i < 2; i++) {
		c->sets[i] = ik_set_of(test, IOASID_SET_TYPE_MM, c->mm, 0);
		t[i].base = c->base;
		t[i].nb.notifier_call = table_notify;
	}
	atomic_set(&c->workers, ARRAY_SIZE(task));
	for (int i = 0; i < ARRAY_SIZE(task); i++)
		task[i] = ik_run(test, crowd_work, c);

	for (bool last = false; ; rounds++) {
		/* Once more when all is quiet */
		last = !atomic_read(&c->workers);
		for (int i = 0; i < 2; i++) {
			bitmap_zero(t[i].bound, NR_IDS);
			t[i].nb.priority = rounds % 3;
		}
		IK_EXPECT_OK(test, ioasid_register_notifier(c->sets[0], &t[0].nb));
		IK_EXPECT_OK(test, ioasid_register_notifier_mm(c->mm, &t[1].nb));
		if (rounds % 4)
			cond_resched();
		else
			schedule_timeout_uninterruptible(1);
		if (last) {
			ioasid_synchronize();
			crowd_check(test, c, &t[0], 1);
			crowd_check(test, c, &t[1], 2);
		}
		ioasid_unregister_notifier(c->sets[0], &t[0].nb);
		ioasid_unregister_notifier_mm(c->mm, &t[1].nb);
		if (last)
			break;
	}
	for (int i = 0; i < ARRAY_SIZE(task); i++)
		ik_join(test, task[i]);
	for (int i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, t[i].wrong, 0);
		events += t[i].events;
	}
	kunit_info(test, "%u registrations, %u events\n", 2 * rounds, events);
}

static struct kunit_case ioasid_replay_cases[] = {
	KUNIT_CASE(set_subscriber),
	KUNIT_CASE(mm_subscriber),
	KUNIT_CASE(no_replay_for_all),
	KUNIT_CASE(once_each_time),
	KUNIT_CASE(veto),
	KUNIT_CASE(during_bind),
	KUNIT_CASE(during_death),
	KUNIT_CASE(crowd),
	{}
};

static struct kunit_suite ioasid_replay_suite = {
	.name = "ioasid_replay",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_replay_cases,
};

kunit_test_suite(ioasid_replay_suite);
