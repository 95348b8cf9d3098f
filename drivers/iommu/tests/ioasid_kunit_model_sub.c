// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_model": subscribers that come and go, and what each
 * of them has to be told. Other users of the machine do not count.
 *
 * A step frees numbers of one set only and the next waits for it, so that
 * handlers run one at a time.
 */
#include "ioasid_kunit_model.h"

static struct model_set *find_set(struct model *m, struct ioasid_set *set)
{
	for (int i = 0; i < NR_SETS; i++)
		if (m->sets[i].set == set)
			return &m->sets[i];
	return NULL;
}

/* By the chains, within one by priority */
static bool in_order(struct model_sub *first, struct model_sub *second)
{
	if (first->level != second->level)
		return first->level < second->level;
	return first->nb.priority >= second->nb.priority;
}

static void model_expect(struct model *m, bool ok, const char *what)
{
	if (!ok)
		m->wrong = what;
}

static void check_args(struct model_sub *sub, unsigned long event,
		       struct ioasid_nb_args *args)
{
	struct model *m = sub->m;
	struct model_set *s = find_set(m, args->set);

	model_expect(m, model_hears(sub, s), "the event is not for this subscriber");
	model_expect(m, args->token == s->mm, "wrong token");
	if (m->last.event == event && m->last.set == args->set && m->last.id == args->id)
		model_expect(m, in_order(m->last.sub, sub), "wrong order of subscribers");
	m->last.event = event;
	m->last.set = args->set;
	m->last.id = args->id;
	m->last.sub = sub;
}

static int model_notify(struct notifier_block *nb, unsigned long event,
			void *data)
{
	struct model_sub *sub = container_of(nb, struct model_sub, nb);
	struct ioasid_nb_args *args = data;
	struct model *m = sub->m;

	if (!find_set(m, args->set))
		return NOTIFY_DONE;
	check_args(sub, event, args);
	switch (event) {
	case IOASID_ALLOC:
		sub->allocs--;
		break;
	case IOASID_BIND:
		if (m->refuser == sub && m->patience-- == 0)
			return notifier_from_errno(-EPERM);
		model_expect(m, !sub->told[args->id], "BIND twice");
		sub->told[args->id] = true;
		break;
	case IOASID_UNBIND:
		model_expect(m, sub->told[args->id], "UNBIND without BIND");
		sub->told[args->id] = false;
		break;
	case IOASID_FREE:
		model_expect(m, !sub->told[args->id], "FREE before UNBIND");
		sub->frees--;
		sub->unsynced++;
		break;
	case IOASID_SYNC:
		model_expect(m, sub->unsynced, "SYNC for nothing");
		sub->unsynced = 0;
		break;
	}
	return NOTIFY_OK;
}

bool model_hears(struct model_sub *sub, struct model_set *s)
{
	if (!sub->on)
		return false;
	switch (sub->level) {
	case MODEL_LEVEL_MM:
		return sub->mm == s->mm;
	case MODEL_LEVEL_SET:
		return sub->set == s;
	default:
		return true;
	}
}

/* Would a BIND of @s be refused? */
bool model_refuses(struct model *m, struct model_set *s)
{
	return m->refuser && model_hears(m->refuser, s);
}

bool model_subscribed_to(struct model *m, struct model_set *s)
{
	for (int i = 0; i < NR_SUBS; i++)
		if (m->subs[i].on && m->subs[i].set == s)
			return true;
	return false;
}

void model_tell_alloc(struct model *m, struct model_set *s)
{
	for (int i = 0; i < NR_SUBS; i++)
		if (m->subs[i].level != MODEL_LEVEL_GLOBAL && model_hears(&m->subs[i], s))
			m->subs[i].allocs++;
}

void model_tell_free(struct model *m, struct model_set *s)
{
	for (int i = 0; i < NR_SUBS; i++)
		if (model_hears(&m->subs[i], s))
			m->subs[i].frees++;
}

void model_unsubscribe(struct model_sub *sub)
{
	if (!sub->on)
		return;
	if (sub->level == MODEL_LEVEL_MM)
		ioasid_unregister_notifier_mm(sub->mm, &sub->nb);
	else
		ioasid_unregister_notifier(sub->set ? sub->set->set : NULL, &sub->nb);
	*sub = (struct model_sub){ .m = sub->m };
}

static bool is_bound(struct model *m, struct model_sub *sub, ioasid_t id)
{
	struct model_id *i = &m->ids[id];

	return i->owner && i->spid && model_hears(sub, i->owner);
}

/* There is a replay for all but those that subscribe to everything */
static void subscribe(struct model *m, struct model_sub *sub)
{
	unsigned int bound = 0;
	int expect, ret;

	sub->on = true;
	m->refuser = pick(m, 3) ? NULL : sub;
	m->patience = pick(m, 3);
	for (int id = 1; id < TOTAL_MAX; id++) {
		bound += is_bound(m, sub, id);
		if (sub->level == MODEL_LEVEL_GLOBAL)
			sub->told[id] = is_bound(m, sub, id);
	}
	expect = 0;
	if (m->refuser && bound > m->patience && sub->level != MODEL_LEVEL_GLOBAL)
		expect = -EPERM;

	if (sub->level == MODEL_LEVEL_MM)
		ret = ioasid_register_notifier_mm(sub->mm, &sub->nb);
	else
		ret = ioasid_register_notifier(sub->set ? sub->set->set : NULL, &sub->nb);
	m->refuser = NULL;
	IK_EXPECT_ERRNO(m->test, ret, expect);
	if (!ret)
		return;
	for (int id = 1; id < TOTAL_MAX; id++)
		KUNIT_EXPECT_FALSE(m->test, sub->told[id]);
	*sub = (struct model_sub){ .m = m };
}

void model_step_sub(struct model *m, struct model_set *s)
{
	struct model_sub *sub = &m->subs[pick(m, NR_SUBS)];

	if (!m->subscribed)
		return;
	if (sub->on) {
		model_unsubscribe(sub);
		return;
	}
	sub->nb.notifier_call = model_notify;
	sub->nb.priority = pick(m, 3) * IOASID_PRIO_DEVICE;
	sub->level = pick(m, 3);
	if (sub->level == MODEL_LEVEL_MM)
		sub->mm = m->mms[pick(m, 2)];
	if (sub->level == MODEL_LEVEL_SET && s->set)
		sub->set = s;
	else if (sub->level == MODEL_LEVEL_SET)
		sub->level = MODEL_LEVEL_GLOBAL;
	subscribe(m, sub);
}

void model_check_subs(struct model *m)
{
	struct model_sub *sub;

	KUNIT_ASSERT_NULL_MSG(m->test, m->wrong, "%s", m->wrong);
	for (int i = 0; i < NR_SUBS; i++) {
		sub = &m->subs[i];
		if (!sub->on)
			continue;
		KUNIT_ASSERT_EQ(m->test, sub->allocs, 0);
		KUNIT_ASSERT_EQ(m->test, sub->frees, 0);
		KUNIT_ASSERT_EQ(m->test, sub->unsynced, 0);
		for (ioasid_t id = 1; id < TOTAL_MAX; id++)
			KUNIT_ASSERT_EQ(m->test, sub->told[id], is_bound(m, sub, id));
	}
}
