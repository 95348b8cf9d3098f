// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_move": sets that get another mm.
 */
#include <linux/sched/mm.h>

#include "ioasid_kunit.h"

#define NR_IDS		3
#define NR_ROUNDS	300

/*
 * A set with a subscriber on each chain, and one of the mm that it moves to. Two
 * numbers are bound, the third is not.
 */
struct scene {
	struct mm_struct *from;
	struct mm_struct *to;
	struct ioasid_set *set;
	struct ik_sub *old;
	struct ik_sub *of_set;
	struct ik_sub *all;
	struct ik_sub *new;
	ioasid_t ids[NR_IDS];
};

static int move(struct ioasid_set *set, struct mm_struct *mm)
{
	return ioasid_set_move(&set, 1, mm);
}

static struct scene *scene_new(struct kunit *test)
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->from = ik_mm(test);
	s->to = ik_mm(test);
	s->set = ik_set_of(test, IOASID_SET_TYPE_MM, s->from, NR_IDS);
	for (int i = 0; i < NR_IDS; i++)
		s->ids[i] = ik_alloc(test, s->set, 10 + i, 10 + i);
	ik_bind(test, s->set, s->ids[0], 5);
	IK_ASSERT_OK(test, ioasid_notify(s->set, s->ids[1], IOASID_BIND));
	s->old = ik_subscribe_mm(test, s->from, 0);
	s->of_set = ik_subscribe(test, s->set, 0);
	s->all = ik_subscribe_all(test, s->set, 0);
	s->new = ik_subscribe_mm(test, s->to, 0);
	ik_log_clear(test);
	return s;
}

/* The next event of the set goes to @sub and those of all its mms, no other */
static void expect_owner(struct kunit *test, struct scene *s,
			 struct ik_sub *sub, struct mm_struct *mm)
{
	struct ik *ik = test->priv;

	ik_log_clear(test);
	ik_bind(test, s->set, s->ids[2], 7);
	IK_EXPECT_OK(test, ioasid_detach_spid(s->set, s->ids[2]));
	ik_expect_log(test, { sub, IOASID_BIND, s->ids[2], 7 },
		      { s->of_set, IOASID_BIND, s->ids[2], 7 },
		      { s->all, IOASID_BIND, s->ids[2], 7 },
		      { sub, IOASID_UNBIND, s->ids[2], 7 },
		      { s->of_set, IOASID_UNBIND, s->ids[2], 7 },
		      { s->all, IOASID_UNBIND, s->ids[2], 7 });
	for (int i = 0; i < ik->nr; i++)
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].args.token, (void *)mm);
}

static void invalid(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0);

	IK_EXPECT_ERRNO(test, move(NULL, mm), -EINVAL);
	IK_EXPECT_ERRNO(test, move(set, NULL), -EINVAL);
	IK_EXPECT_ERRNO(test, move(ik_set(test), mm), -EINVAL);
	IK_EXPECT_ERRNO(test, move(ioasid_system_set(), mm), -EINVAL);
	IK_EXPECT_OK(test, move(set, mm));
}

/* BIND to the new, UNBIND to the old, and nothing to those who have it anyway */
static void told(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct ik *ik = test->priv;

	IK_ASSERT_OK(test, move(s->set, s->to));
	ik_expect_log(test, { s->new, IOASID_BIND, s->ids[0], 5 },
		      { s->new, IOASID_BIND, s->ids[1], IOMMU_PASID_INVALID },
		      { s->old, IOASID_UNBIND, s->ids[0], 5 },
		      { s->old, IOASID_UNBIND, s->ids[1], IOMMU_PASID_INVALID });
	for (int i = 0; i < ik->nr; i++) {
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].args.set, s->set);
		KUNIT_EXPECT_PTR_EQ(test, ik->log[i].args.token,
				    (void *)(i < 2 ? s->to : s->from));
	}
	ik_expect_spid(test, s->set, 5, s->ids[0]);
	expect_owner(test, s, s->new, s->to);
}

/* and so till the end */
static void dies(struct kunit *test)
{
	struct scene *s = scene_new(test);

	IK_ASSERT_OK(test, move(s->set, s->to));
	ik_log_clear(test);
	ik_set_free(test, s->set);
	KUNIT_EXPECT_EQ(test, ik_log_count(s->new, IOASID_UNBIND), 2);
	ik_expect_frees(test, s->new, s->ids, NR_IDS, 1);
	ik_expect_frees(test, s->of_set, s->ids, NR_IDS, 1);
	ik_expect_frees(test, s->all, s->ids, NR_IDS, 1);
	KUNIT_EXPECT_EQ(test, ik_log_count(s->old, IOASID_UNBIND), 0);
	ik_expect_frees(test, s->old, NULL, 0, 0);
}

static void to_and_fro(struct kunit *test)
{
	struct scene *s = scene_new(test);

	IK_EXPECT_OK(test, move(s->set, s->from));
	ik_expect_empty_log(test);
	for (int i = 0; i < 3; i++) {
		IK_EXPECT_OK(test, move(s->set, s->to));
		expect_owner(test, s, s->new, s->to);
		IK_EXPECT_OK(test, move(s->set, s->from));
		expect_owner(test, s, s->old, s->from);
	}
}

/* Nobody of the old mm notices, and it can be tried again */
static void refused(struct kunit *test)
{
	struct scene *s = scene_new(test);

	s->new->refuse = -EPERM;
	s->new->refuse_id = s->ids[1];
	IK_EXPECT_ERRNO(test, move(s->set, s->to), -EPERM);
	ik_expect_log(test, { s->new, IOASID_BIND, s->ids[0], 5 },
		      { s->new, IOASID_BIND, s->ids[1], IOMMU_PASID_INVALID },
		      { s->new, IOASID_UNBIND, s->ids[0], 5 });
	expect_owner(test, s, s->old, s->from);

	s->new->refuse = 0;
	IK_EXPECT_OK(test, move(s->set, s->to));
	expect_owner(test, s, s->new, s->to);
}

/* Those before the one that refuses get UNBIND for the same number */
static void refused_by_second(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct ik_sub *second = ik_subscribe_mm(test, s->to, -1);

	second->refuse = -ENOMEM;
	IK_EXPECT_ERRNO(test, move(s->set, s->to), -ENOMEM);
	ik_expect_log(test, { s->new, IOASID_BIND, s->ids[0], 5 },
		      { second, IOASID_BIND, s->ids[0], 5 },
		      { s->new, IOASID_UNBIND, s->ids[0], 5 });
}

/* Other sets of the two stay where they are */
static void others_stay(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct ioasid_set *left = ik_set_of(test, IOASID_SET_TYPE_MM, s->from, 0);
	struct ioasid_set *there = ik_set_of(test, IOASID_SET_TYPE_MM, s->to, 0);
	ioasid_t id1 = ik_alloc_bound(test, left, 5);
	ioasid_t id2 = ik_alloc_bound(test, there, 5);

	ik_log_clear(test);
	IK_EXPECT_OK(test, move(s->set, s->to));
	KUNIT_EXPECT_EQ(test, ik_log_count(s->new, IOASID_BIND), 2);
	KUNIT_EXPECT_EQ(test, ik_log_count(s->old, IOASID_UNBIND), 2);
	ik_log_clear(test);
	IK_EXPECT_OK(test, ioasid_detach_spid(left, id1));
	IK_EXPECT_OK(test, ioasid_detach_spid(there, id2));
	ik_expect_log(test, { s->old, IOASID_UNBIND, id1, 5 },
		      { s->new, IOASID_UNBIND, id2, 5 });
}

/* A late subscriber gets a replay where the set is now, and of the set anyway */
static void replay(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct ik_sub *late;

	IK_ASSERT_OK(test, move(s->set, s->to));
	ik_log_clear(test);
	ik_subscribe_mm(test, s->from, 0);
	ik_expect_empty_log(test);
	late = ik_subscribe_mm(test, s->to, 0);
	ik_expect_log(test, { late, IOASID_BIND, s->ids[0], 5 },
		      { late, IOASID_BIND, s->ids[1], IOMMU_PASID_INVALID });
	ik_log_clear(test);
	late = ik_subscribe(test, s->set, 0);
	ik_expect_log(test, { late, IOASID_BIND, s->ids[0], 5 },
		      { late, IOASID_BIND, s->ids[1], IOMMU_PASID_INVALID });
	ik_unsubscribe(test, late);
	ik_unsubscribe(test, s->of_set);
}

/* Sets of two mms, and one that is there already: all or none */
static void together(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct mm_struct *third = ik_mm(test);
	struct ioasid_set *sets[] = {
		s->set,
		ik_set_of(test, IOASID_SET_TYPE_MM, s->to, 0),
		ik_set_of(test, IOASID_SET_TYPE_MM, third, 0),
		ik_set_of(test, IOASID_SET_TYPE_MM, s->from, 0),
	};
	ioasid_t there = ik_alloc_bound(test, sets[1], 8);
	ioasid_t of_third = ik_alloc_bound(test, sets[2], 6);
	ioasid_t last = ik_alloc_bound(test, sets[3], 7);
	struct ik_sub *sub = ik_subscribe_mm(test, third, 0);
	struct ik_task *task;

	/* The last one is refused: what came before goes back, and nobody else knows */
	s->new->refuse = -EPERM;
	s->new->refuse_id = last;
	ik_log_clear(test);
	IK_EXPECT_ERRNO(test, ioasid_set_move(sets, 4, s->to), -EPERM);
	ik_expect_log(test, { s->new, IOASID_BIND, s->ids[0], 5 },
		      { s->new, IOASID_BIND, s->ids[1], IOMMU_PASID_INVALID },
		      { s->new, IOASID_BIND, of_third, 6 },
		      { s->new, IOASID_BIND, last, 7 },
		      { s->new, IOASID_UNBIND, of_third, 6 },
		      { s->new, IOASID_UNBIND, s->ids[0], 5 },
		      { s->new, IOASID_UNBIND, s->ids[1], IOMMU_PASID_INVALID });
	s->new->refuse = 0;
	expect_owner(test, s, s->old, s->from);

	/* An event of one of them: nothing is sent for the others */
	ik_hold(sub, IOASID_FREE);
	task = ik_run_free(test, sets[2], of_third);
	ik_wait_held(test, sub);
	ik_log_clear(test);
	IK_EXPECT_ERRNO(test, ioasid_set_move(sets, 4, s->to), -EBUSY);
	ik_expect_empty_log(test);
	ik_release(sub);
	IK_EXPECT_OK(test, ik_join(test, task));

	ik_log_clear(test);
	IK_EXPECT_OK(test, ioasid_set_move(sets, 4, s->to));
	ik_expect_log(test, { s->new, IOASID_BIND, s->ids[0], 5 },
		      { s->new, IOASID_BIND, s->ids[1], IOMMU_PASID_INVALID },
		      { s->new, IOASID_BIND, last, 7 },
		      { s->old, IOASID_UNBIND, s->ids[0], 5 },
		      { s->old, IOASID_UNBIND, s->ids[1], IOMMU_PASID_INVALID },
		      { s->old, IOASID_UNBIND, last, 7 });
	expect_owner(test, s, s->new, s->to);
	IK_EXPECT_OK(test, ioasid_detach_spid(sets[1], there));
	IK_EXPECT_OK(test, ioasid_set_move(sets, 4, s->to));
	IK_EXPECT_OK(test, ioasid_set_move(NULL, 0, s->to));
}

/* It does not wait for an event of either */
static void busy(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct ioasid_set *there = ik_set_of(test, IOASID_SET_TYPE_MM, s->to, 0);
	ioasid_t id = ik_alloc(test, there, 1, 100);
	struct ik_task *task;

	ik_hold(s->new, IOASID_FREE);
	task = ik_run_free(test, there, id);
	ik_wait_held(test, s->new);
	ik_log_clear(test);
	IK_EXPECT_ERRNO(test, move(s->set, s->to), -EBUSY);
	ik_expect_empty_log(test);
	ik_release(s->new);
	IK_EXPECT_OK(test, ik_join(test, task));

	ik_hold(s->old, IOASID_FREE);
	task = ik_run_free(test, s->set, s->ids[2]);
	ik_wait_held(test, s->old);
	ik_log_clear(test);
	IK_EXPECT_ERRNO(test, move(s->set, s->to), -EBUSY);
	ik_expect_empty_log(test);
	ik_release(s->old);
	IK_EXPECT_OK(test, ik_join(test, task));
	IK_EXPECT_OK(test, move(s->set, s->to));
}

static int move_it(struct ik_sub *sub, unsigned long event,
		   struct ioasid_nb_args *args)
{
	IK_EXPECT_ERRNO(sub->ik->test, move(args->set, sub->data), -EDEADLK);
	return NOTIFY_OK;
}

static void from_a_handler(struct kunit *test)
{
	struct scene *s = scene_new(test);

	s->old->data = s->to;
	s->old->handler = move_it;
	expect_owner(test, s, s->old, s->from);
}

/* The old mm_struct goes, the new one is kept, its address space is not */
static void keeps_mm(struct kunit *test)
{
	struct mm_struct *from = ik_mm(test), *to = ik_mm(test);
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_MM, to, 0);
	int count = atomic_read(&from->mm_count);
	int users = atomic_read(&to->mm_users);

	IK_ASSERT_OK(test, move(set, from));
	ik_expect_mm_kept(test, from, count);
	IK_ASSERT_OK(test, move(set, to));
	ik_expect_mm_dropped(test, from, count);
	KUNIT_EXPECT_EQ(test, atomic_read(&to->mm_users), users);
	ik_mm_put(test, from);
	/* It may die before the set (KASAN) */
	ik_mm_put(test, to);
	ik_alloc_bound(test, set, 5);
}

/* A guarantee is neither given twice nor lost, of the capacity and of the users' */
static void accounting(struct kunit *test)
{
	struct scene *s = scene_new(test);
	unsigned int room = ik_room(IOASID_SET_TYPE_PRIVATE, NULL);
	unsigned int user_room = ik_room(IOASID_SET_TYPE_MM, s->from);
	ioasid_t id;

	IK_ASSERT_OK(test, move(s->set, s->to));
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_PRIVATE, NULL), room);
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_MM, s->to), user_room);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(s->set), NR_IDS);
	IK_EXPECT_ERRNO(test, ioasid_alloc(s->set, 1, 100, NULL, &id), -EDQUOT);
	ik_set_free(test, s->set);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_PRIVATE, NULL), room + NR_IDS);
}

/* Counts what the subscribers of an mm have got and not lost */
struct balance {
	struct notifier_block nb;
	int bound;
	int frees;
	bool wrong;
};

static int balance_notify(struct notifier_block *nb, unsigned long event,
			  void *data)
{
	struct balance *b = container_of(nb, struct balance, nb);

	switch (event) {
	case IOASID_BIND:
		b->bound++;
		break;
	case IOASID_UNBIND:
		b->bound--;
		break;
	case IOASID_FREE:
		b->frees++;
		break;
	}
	if (b->bound < 0 || b->bound > 1)
		b->wrong = true;
	return NOTIFY_OK;
}

/* One number after the other is born, bound and freed */
static int live(void *data)
{
	struct ioasid_set *set = data;
	ioasid_t id;
	int ret;

	for (int i = 0; i < NR_ROUNDS; i++) {
		ret = ioasid_alloc(set, 1, IOMMU_PASID_INVALID, NULL, &id);
		if (ret)
			return ret;
		ret = ioasid_attach_spid(set, id, 5);
		if (!ret && i % 2)
			ret = ioasid_detach_spid(set, id);
		ioasid_free(set, id);
		if (ret)
			return ret;
	}
	return 0;
}

/* What waits for the old lock goes on under the new one, and nobody is missed */
static void while_it_lives(struct kunit *test)
{
	struct mm_struct *mms[2] = { ik_mm(test), ik_mm(test) };
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_MM, mms[0], 0);
	struct balance *b = kunit_kcalloc(test, 2, sizeof(*b), GFP_KERNEL);
	struct ik_task *task;
	unsigned int moved = 0;
	int ret = 0;

	KUNIT_ASSERT_NOT_NULL(test, b);
	for (int i = 0; i < 2; i++) {
		b[i].nb.notifier_call = balance_notify;
		IK_ASSERT_OK(test, ioasid_register_notifier_mm(mms[i], &b[i].nb));
	}
	task = ik_run(test, live, set);
	while (!ik_is_done(task) && (!ret || ret == -EBUSY)) {
		ret = move(set, mms[(moved + 1) % 2]);
		if (!ret)
			moved++;
		cond_resched();
	}
	IK_EXPECT_OK(test, ik_join(test, task));
	for (int i = 0; i < 2; i++)
		ioasid_unregister_notifier_mm(mms[i], &b[i].nb);
	KUNIT_EXPECT_TRUE(test, !ret || ret == -EBUSY);
	KUNIT_EXPECT_EQ(test, b[0].frees + b[1].frees, NR_ROUNDS);
	for (int i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, b[i].bound, 0);
		KUNIT_EXPECT_FALSE(test, b[i].wrong);
	}
}

static struct kunit_case ioasid_move_cases[] = {
	KUNIT_CASE(invalid),
	KUNIT_CASE(told),
	KUNIT_CASE(dies),
	KUNIT_CASE(to_and_fro),
	KUNIT_CASE(refused),
	KUNIT_CASE(refused_by_second),
	KUNIT_CASE(others_stay),
	KUNIT_CASE(replay),
	KUNIT_CASE(together),
	KUNIT_CASE(busy),
	KUNIT_CASE(from_a_handler),
	KUNIT_CASE(keeps_mm),
	KUNIT_CASE(accounting),
	KUNIT_CASE(while_it_lives),
	{}
};

static struct kunit_suite ioasid_move_suite = {
	.name = "ioasid_move",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_move_cases,
};

kunit_test_suite(ioasid_move_suite);
