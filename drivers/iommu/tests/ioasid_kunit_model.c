// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_model": long random sequences of calls against a
 * simple model. After each step the core must agree with the model in every
 * result, count and state, and the accounting must add up.
 */
#include <linux/sched/mm.h>

#include "ioasid_kunit_model.h"

#define NR_STEPS	1000

/* A dead set is kept by the model for as long as numbers of it are out */
static void model_settle(struct model *m)
{
	bool leaving = m->unsettled;

	for (int i = 1; i < TOTAL_MAX; i++)
		leaving |= m->ids[i].dead && !m->ids[i].refs;
	if (leaving)
		ioasid_synchronize();
	m->unsettled = false;
	for (int i = 1; i < TOTAL_MAX; i++)
		if (m->ids[i].dead && !m->ids[i].refs)
			m->ids[i] = (struct model_id){};
	for (int i = 0; i < NR_SETS; i++)
		if (m->sets[i].dying && !model_used(m, &m->sets[i]) &&
		    !model_subscribed_to(m, &m->sets[i]))
			m->sets[i] = (struct model_set){};
}

static int find_errno(struct model *m, struct model_set *s, ioasid_t id)
{
	if (!m->ids[id].owner || m->ids[id].dead)
		return -ENOENT;
	return m->ids[id].owner == s ? 0 : -EACCES;
}

static void check_id(struct model *m, ioasid_t id)
{
	struct model_set *s = &m->sets[(m->step + id) % NR_SETS];
	struct model_id *i = &m->ids[id];
	struct ioasid_set *set = ioasid_find_set(id);
	struct mm_struct *mm = ioasid_find_mm(id);
	bool alive = i->owner && !i->dead;

	KUNIT_ASSERT_EQ(m->test, ioasid_alive(id), alive);
	if (alive)
		KUNIT_ASSERT_PTR_EQ(m->test, ioasid_find(i->owner->set, id, NULL), i->data);
	if (s->set && find_errno(m, s, id))
		IK_EXPECT_ERR_PTR(m->test, ioasid_find(s->set, id, NULL),
				  find_errno(m, s, id));
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

/* Each name leads to its number, and no other name to anything */
static void check_names(struct model *m, struct model_set *s)
{
	ioasid_t expect, found;

	for (ioasid_t spid = 1; s->set && spid <= NR_SPIDS; spid++) {
		expect = 0;
		for (ioasid_t id = 1; id < TOTAL_MAX; id++)
			if (m->ids[id].owner == s && m->ids[id].spid == spid)
				expect = id;
		found = 0;
		IK_EXPECT_ERRNO(m->test, ioasid_find_by_spid(s->set, spid, &found),
				expect ? 0 : -ENOENT);
		KUNIT_ASSERT_EQ(m->test, found, expect);
	}
}

static void check(struct model *m)
{
	struct kunit *test = m->test;

	for (ioasid_t id = 1; id < TOTAL_MAX; id++)
		check_id(m, id);
	for (int i = 0; i < NR_SETS; i++)
		check_names(m, &m->sets[i]);
	for (int i = 0; i < NR_SETS; i++)
		if (m->sets[i].set)
			KUNIT_ASSERT_EQ(test, ioasid_set_count(m->sets[i].set),
					model_used(m, &m->sets[i]));
	KUNIT_ASSERT_LE(test, model_committed(m, false), m->total - 1);
	model_check_subs(m);
	if (m->step % 16 == 0)
		KUNIT_ASSERT_EQ(test, ik_room(IOASID_SET_TYPE_PRIVATE, NULL),
				m->total - 1 - model_committed(m, false));
}

static void model_clear(void *data)
{
	struct model *m = data;

	for (int i = 0; i < NR_SUBS; i++)
		model_unsubscribe(&m->subs[i]);
	for (int i = 1; i < TOTAL_MAX; i++)
		while (m->ids[i].refs)
			model_put(m, i);
	for (int i = 0; i < NR_SETS; i++)
		model_set_free(m, &m->sets[i]);
}

/* Also when an assertion has ended the case */
static void model_say(void *data)
{
	struct model *m = data;

	if (m->test->status == KUNIT_FAILURE)
		kunit_err(m->test, "seed %#llx, step %u\n", m->seed, m->step);
}

struct run {
	u64 seed;
	enum model_types types;
	enum model_quotas quotas;
	bool subscribed;
};

static const struct run runs[] = {
	{ 1, MODEL_MIXED, MODEL_ANY, false },
	{ 2, MODEL_MIXED, MODEL_ANY, true },
	{ 0x20bb5, MODEL_PRIVATE, MODEL_GUARANTEED, false },
	{ 0x7e57, MODEL_PRIVATE, MODEL_GUARANTEED, true },
	{ 0xe1a5, MODEL_PRIVATE, MODEL_ELASTIC, true },
	{ 0xc0de, MODEL_MM, MODEL_GUARANTEED, true },
	{ 0x51de, MODEL_MM, MODEL_ELASTIC, false },
	{ 0xbed, MODEL_MM, MODEL_ELASTIC, true },
};

static void run_desc(const struct run *run, char *desc)
{
	static const char * const types[] = {
		[MODEL_MIXED] = "mixed", [MODEL_PRIVATE] = "private", [MODEL_MM] = "mm",
	};
	static const char * const quotas[] = {
		[MODEL_ANY] = "any", [MODEL_GUARANTEED] = "guaranteed",
		[MODEL_ELASTIC] = "elastic",
	};

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s_%s_seed_%#llx%s", types[run->types],
		 quotas[run->quotas], run->seed, run->subscribed ? "_subscribers" : "");
}

KUNIT_ARRAY_PARAM(run, runs, run_desc);

static struct model *model_new(struct kunit *test, const struct run *run)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	m->total = TOTAL_MAX;
	m->seed = run->seed;
	m->types = run->types;
	m->quotas = run->quotas;
	m->subscribed = run->subscribed;
	for (int i = 0; i < NR_SUBS; i++)
		m->subs[i].m = m;
	for (int i = 0; i < ARRAY_SIZE(m->mms); i++)
		m->mms[i] = ik_mm(test);
	prandom_seed_state(&m->rnd, run->seed);
	return m;
}

static void random_calls(struct kunit *test)
{
	struct model *m = model_new(test, test->param_value);

	ik_capacity(test, m->total);
	if (ik_room(IOASID_SET_TYPE_PRIVATE, NULL) != m->total - 1)
		kunit_skip(test, "the host uses the low IOASIDs");
	IK_ASSERT_OK(test, kunit_add_action_or_reset(test, model_clear, m));
	IK_ASSERT_OK(test, kunit_add_action_or_reset(test, model_say, m));

	for (m->step = 0; m->step < NR_STEPS; m->step++) {
		model_step(m);
		model_settle(m);
		check(m);
		if (test->status == KUNIT_FAILURE)
			break;
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
