// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_model": long random sequences of calls against a
 * simple model. After each step the core must agree with the model in every
 * result, count and state, and the accounting must add up.
 *
 * The model knows each number that is out, with its references, and each set.
 * A number without a reference that was freed is gone for the model at once:
 * the step waits with ioasid_synchronize().
 */
#include <linux/prandom.h>
#include <linux/sched/mm.h>

#include "ioasid_kunit.h"

#define TOTAL_MAX	48
#define NR_SETS		6
#define NR_STEPS	1000

struct model_set {
	struct ioasid_set *set;		/* NULL: slot is free */
	struct mm_struct *mm;
	unsigned int quota;
	bool dying;
};

struct model_id {
	struct model_set *owner;	/* NULL: the number is free */
	struct mm_struct *mm;		/* made by alloc_mm */
	unsigned int refs;
	bool dead;
};

struct model {
	struct kunit *test;
	struct rnd_state rnd;
	unsigned int step;
	ioasid_t total;
	struct mm_struct *mms[2];
	struct model_set sets[NR_SETS];
	struct model_id ids[TOTAL_MAX];
	/* FREE that the subscriber was told of and that it should have been */
	unsigned int frees_seen;
	unsigned int frees;
	struct notifier_block nb;
};

static unsigned int pick(struct model *m, unsigned int n)
{
	return prandom_u32_state(&m->rnd) % n;
}

static unsigned int used(struct model *m, struct model_set *s)
{
	unsigned int n = 0;

	for (int i = 1; i < TOTAL_MAX; i++)
		n += m->ids[i].owner == s;
	return n;
}

/* What the set takes out of the capacity */
static unsigned int committed_by(struct model *m, struct model_set *s)
{
	if (!s->set)
		return 0;
	if (!s->quota || s->dying)
		return used(m, s);
	return max(s->quota, used(m, s));
}

static unsigned int committed(struct model *m, bool users_only)
{
	unsigned int n = 0;

	for (int i = 0; i < NR_SETS; i++)
		if (!users_only || m->sets[i].mm)
			n += committed_by(m, &m->sets[i]);
	return n;
}

/* May @n more be promised to a set of @mm, or to a private one? */
static bool has_room(struct model *m, struct mm_struct *mm, unsigned int n)
{
	if (committed(m, false) + n > m->total - 1)
		return false;
	return !mm || committed(m, true) + n <= m->total / 2;
}

static bool has_free(struct model *m, ioasid_t min, ioasid_t max)
{
	for (ioasid_t id = max(min, 1); id <= max && id < m->total; id++)
		if (!m->ids[id].owner)
			return true;
	return false;
}

/* A dead set is kept by the model for as long as numbers of it are out */
static void model_settle(struct model *m)
{
	bool leaving = false;

	for (int i = 1; i < TOTAL_MAX; i++)
		leaving |= m->ids[i].dead && !m->ids[i].refs;
	if (leaving || m->frees_seen != m->frees)
		ioasid_synchronize();
	for (int i = 1; i < TOTAL_MAX; i++)
		if (m->ids[i].dead && !m->ids[i].refs)
			m->ids[i] = (struct model_id){};
	for (int i = 0; i < NR_SETS; i++)
		if (m->sets[i].dying && !used(m, &m->sets[i]))
			m->sets[i] = (struct model_set){};
}

static void model_kill(struct model *m, ioasid_t id)
{
	if (!m->ids[id].dead)
		m->frees++;
	m->ids[id].dead = true;
}

static int model_notify(struct notifier_block *nb, unsigned long event,
			void *data)
{
	struct model *m = container_of(nb, struct model, nb);
	struct ioasid_nb_args *args = data;

	/* Other users of the machine do not count */
	for (int i = 0; event == IOASID_FREE && i < NR_SETS; i++)
		m->frees_seen += m->sets[i].set == args->set;
	return NOTIFY_OK;
}

static void step_set_alloc(struct model *m, struct model_set *s)
{
	struct mm_struct *mm = pick(m, 2) ? m->mms[pick(m, 2)] : NULL;
	unsigned int quota = pick(m, 3) ? pick(m, TOTAL_MAX / 2) : 0;
	bool fits = has_room(m, mm, quota);
	struct ioasid_set *set;

	if (s->set)
		return;
	/* A set that takes nothing takes nothing from others */
	if (!quota)
		fits = true;
	set = ioasid_set_alloc(mm ? IOASID_SET_TYPE_MM : IOASID_SET_TYPE_PRIVATE,
			       mm, quota);
	/* Users may be beyond a limit that was lowered; then it is as well none */
	if (IS_ERR(set) && !quota && mm && committed(m, true) > m->total / 2)
		return;
	IK_EXPECT_ERR_PTR(m->test, set, fits ? 0 : -ENOSPC);
	if (!IS_ERR(set))
		*s = (struct model_set){ .set = set, .mm = mm, .quota = quota };
}

static void step_set_free(struct model *m, struct model_set *s)
{
	if (!s->set || s->dying)
		return;
	for (int i = 1; i < TOTAL_MAX; i++)
		if (m->ids[i].owner == s)
			model_kill(m, i);
	ioasid_set_free(s->set);
	s->dying = true;
}

static void step_set_free_ids(struct model *m, struct model_set *s)
{
	if (!s->set || s->dying)
		return;
	for (int i = 1; i < TOTAL_MAX; i++)
		if (m->ids[i].owner == s)
			model_kill(m, i);
	ioasid_set_free_ids(s->set);
}

static int alloc_errno(struct model *m, struct model_set *s, ioasid_t min,
		       ioasid_t max, bool *either)
{
	*either = false;
	if (min > max)
		return -EINVAL;
	if (s->dying)
		return -ESHUTDOWN;
	if (s->quota && used(m, s) >= s->quota) {
		/* Two reasons: the contract does not say which comes first */
		*either = !has_free(m, min, max);
		return -EDQUOT;
	}
	if (!s->quota && !has_room(m, s->mm, 1))
		return -ENOSPC;
	return has_free(m, min, max) ? 0 : -ENOSPC;
}

static void step_alloc(struct model *m, struct model_set *s)
{
	ioasid_t min = pick(m, 8) ? 1 : pick(m, TOTAL_MAX), id = 0;
	ioasid_t max = pick(m, 2) ? -1U : pick(m, TOTAL_MAX + 8);
	struct mm_struct *mm = pick(m, 2) ? m->mms[0] : NULL;
	bool either;
	int expect, ret;

	if (!s->set)
		return;
	expect = alloc_errno(m, s, min, max, &either);
	if (mm)
		ret = ioasid_alloc_mm(s->set, min, max, mm, &id);
	else
		ret = ioasid_alloc(s->set, min, max, &m->ids[min % TOTAL_MAX], &id);
	if (either && ret == -ENOSPC)
		return;
	IK_EXPECT_ERRNO(m->test, ret, expect);
	if (ret)
		return;

	KUNIT_ASSERT_GE(m->test, id, max(min, 1));
	KUNIT_ASSERT_LE(m->test, id, max);
	KUNIT_ASSERT_LT(m->test, id, m->total);
	KUNIT_ASSERT_NULL_MSG(m->test, m->ids[id].owner, "%u is out already", id);
	m->ids[id] = (struct model_id){ .owner = s, .mm = mm };
}

static int id_errno(struct model *m, struct model_set *s, ioasid_t id)
{
	if (!m->ids[id].owner)
		return -ENOENT;
	return m->ids[id].owner == s ? 0 : -EACCES;
}

static void step_free(struct model *m, struct model_set *s, ioasid_t id)
{
	if (!s->set)
		return;
	IK_EXPECT_ERRNO(m->test, pick(m, 2) ? ioasid_free(s->set, id) :
					      ioasid_free_async(s->set, id),
			id_errno(m, s, id));
	if (m->ids[id].owner == s)
		model_kill(m, id);
}

static void step_get(struct model *m, struct model_set *s, ioasid_t id)
{
	int expect = id_errno(m, s, id);

	if (!s->set)
		return;
	if (!expect && m->ids[id].dead)
		expect = -EBUSY;
	IK_EXPECT_ERRNO(m->test, ioasid_get(s->set, id), expect);
	if (!expect)
		m->ids[id].refs++;
}

static void step_put(struct model *m, ioasid_t id)
{
	if (!m->ids[id].refs)
		return;
	ioasid_put(m->ids[id].owner->set, id);
	m->ids[id].refs--;
}

static void step_capacity(struct model *m)
{
	ioasid_t total = pick(m, TOTAL_MAX + 1);
	int expect = 0;

	if (total < 2)
		expect = -EINVAL;
	else if (committed(m, false) > total - 1)
		expect = -EBUSY;
	for (ioasid_t id = total; !expect && id < TOTAL_MAX; id++)
		if (m->ids[id].owner)
			expect = -EBUSY;
	IK_EXPECT_ERRNO(m->test, ioasid_install_capacity(total), expect);
	if (!expect)
		m->total = total;
}

static void check_id(struct model *m, ioasid_t id)
{
	struct model_id *i = &m->ids[id];
	struct ioasid_set *set = ioasid_find_set(id);
	struct mm_struct *mm = ioasid_find_mm(id);
	bool alive = i->owner && !i->dead;

	KUNIT_ASSERT_EQ(m->test, ioasid_alive(id), alive);
	if (i->owner) {
		KUNIT_ASSERT_PTR_EQ(m->test, set, i->owner->set);
		ioasid_set_put(set);
	} else {
		IK_EXPECT_ERR_PTR(m->test, set, -ENOENT);
	}
	if (alive && i->mm) {
		KUNIT_ASSERT_PTR_EQ(m->test, mm, i->mm);
		mmput(mm);
	} else {
		IK_EXPECT_ERR_PTR(m->test, mm, alive ? -EACCES : -ENOENT);
	}
}

static void check(struct model *m)
{
	struct kunit *test = m->test;

	for (ioasid_t id = 1; id < TOTAL_MAX; id++)
		check_id(m, id);
	for (int i = 0; i < NR_SETS; i++)
		if (m->sets[i].set)
			KUNIT_ASSERT_EQ(test, ioasid_set_count(m->sets[i].set),
					used(m, &m->sets[i]));
	KUNIT_ASSERT_LE(test, committed(m, false), m->total - 1);
	KUNIT_ASSERT_EQ(test, m->frees_seen, m->frees);
	if (m->step % 16 == 0)
		KUNIT_ASSERT_EQ(test, ik_room(IOASID_SET_TYPE_PRIVATE, NULL),
				m->total - 1 - committed(m, false));
}

static void step(struct model *m)
{
	struct model_set *s = &m->sets[pick(m, NR_SETS)];
	ioasid_t id = 1 + pick(m, TOTAL_MAX - 1);

	switch (pick(m, 16)) {
	case 0:
		step_set_alloc(m, s);
		break;
	case 1:
		if (pick(m, 3) == 0)
			step_set_free(m, s);
		break;
	case 2:
		if (pick(m, 3) == 0)
			step_set_free_ids(m, s);
		break;
	case 3:
		step_capacity(m);
		break;
	case 4 ... 8:
		step_alloc(m, s);
		break;
	case 9 ... 10:
		step_get(m, m->ids[id].owner ?: s, id);
		break;
	case 11 ... 12:
		step_put(m, id);
		break;
	case 13 ... 14:
		step_free(m, m->ids[id].owner ?: s, id);
		break;
	case 15:
		/* The wrong set */
		if (pick(m, 2))
			step_free(m, s, id);
		else
			step_get(m, s, id);
		break;
	}
	model_settle(m);
}

static void model_unregister(void *data)
{
	struct model *m = data;

	ioasid_unregister_notifier(NULL, &m->nb);
}

static void model_clear(void *data)
{
	struct model *m = data;

	for (int i = 1; i < TOTAL_MAX; i++)
		while (m->ids[i].refs)
			step_put(m, i);
	for (int i = 0; i < NR_SETS; i++)
		step_set_free(m, &m->sets[i]);
}

struct run {
	u64 seed;
	bool subscribed;
};

static const struct run runs[] = {
	{ 1, false }, { 2, true }, { 0x20bb5, false }, { 0x7e57, true },
};

static void run_desc(const struct run *run, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "seed_%#llx%s", run->seed,
		 run->subscribed ? "_subscriber" : "");
}

KUNIT_ARRAY_PARAM(run, runs, run_desc);

static void random_calls(struct kunit *test)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	const struct run *run = test->param_value;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	m->nb.notifier_call = model_notify;
	m->total = TOTAL_MAX;
	for (int i = 0; i < ARRAY_SIZE(m->mms); i++)
		m->mms[i] = ik_mm(test);
	ik_capacity(test, m->total);
	if (ik_room(IOASID_SET_TYPE_PRIVATE, NULL) != m->total - 1)
		kunit_skip(test, "the host uses the low IOASIDs");
	IK_ASSERT_OK(test, kunit_add_action_or_reset(test, model_clear, m));
	if (run->subscribed) {
		IK_ASSERT_OK(test, ioasid_register_notifier(NULL, &m->nb));
		IK_ASSERT_OK(test, kunit_add_action_or_reset(test, model_unregister, m));
	}

	prandom_seed_state(&m->rnd, run->seed);
	for (m->step = 0; m->step < NR_STEPS; m->step++) {
		step(m);
		if (!run->subscribed)
			m->frees_seen = m->frees;
		check(m);
		if (test->status == KUNIT_FAILURE) {
			kunit_err(test, "seed %#llx, step %u\n", run->seed, m->step);
			break;
		}
	}
}

static struct kunit_case ioasid_model_cases[] = {
	KUNIT_CASE_PARAM(random_calls, run_gen_params),
	{}
};

static struct kunit_suite ioasid_model_suite = {
	.name = "ioasid_model",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_model_cases,
};

kunit_test_suite(ioasid_model_suite);
