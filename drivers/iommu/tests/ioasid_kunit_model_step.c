// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_model": the steps, each of which knows what the
 * call has to give.
 */
#include "ioasid_kunit_model.h"

unsigned int model_used(struct model *m, struct model_set *s)
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
		return model_used(m, s);
	return max(s->quota, model_used(m, s));
}

unsigned int model_committed(struct model *m, bool users_only)
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
	if (model_committed(m, false) + n > m->total - 1)
		return false;
	return !mm || model_committed(m, true) + n <= m->total / 2;
}

static bool has_free(struct model *m, ioasid_t min, ioasid_t max)
{
	for (ioasid_t id = max(min, 1); id <= max && id < m->total; id++)
		if (!m->ids[id].owner)
			return true;
	return false;
}

static void model_kill(struct model *m, ioasid_t id)
{
	struct model_id *i = &m->ids[id];

	if (i->dead)
		return;
	model_tell_free(m, i->owner);
	m->unsettled = true;
	i->dead = true;
	i->spid = 0;
	i->data = NULL;
}

static struct mm_struct *pick_token(struct model *m)
{
	if (m->types == MODEL_PRIVATE || (m->types == MODEL_MIXED && pick(m, 2)))
		return NULL;
	return m->mms[pick(m, 2)];
}

static unsigned int pick_quota(struct model *m)
{
	if (m->quotas == MODEL_ELASTIC || (m->quotas == MODEL_ANY && pick(m, 3) == 0))
		return 0;
	return 1 + pick(m, TOTAL_MAX / 2);
}

static void step_set_alloc(struct model *m, struct model_set *s)
{
	struct mm_struct *mm = pick_token(m);
	unsigned int quota = pick_quota(m);
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
	if (IS_ERR(set) && !quota && mm && model_committed(m, true) > m->total / 2)
		return;
	IK_EXPECT_ERR_PTR(m->test, set, fits ? 0 : -ENOSPC);
	if (!IS_ERR(set))
		*s = (struct model_set){ .set = set, .mm = mm, .quota = quota };
}

void model_set_free(struct model *m, struct model_set *s)
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

static void step_resize(struct model *m, struct model_set *s)
{
	unsigned int quota = pick(m, TOTAL_MAX / 2);
	int expect = 0;

	if (!s->set)
		return;
	if (!s->quota || !quota)
		expect = -EINVAL;
	else if (s->dying)
		expect = -ESHUTDOWN;
	else if (quota < model_used(m, s))
		expect = -EBUSY;
	else if (quota > s->quota && !has_room(m, s->mm, quota - s->quota))
		expect = -ENOSPC;
	IK_EXPECT_ERRNO(m->test, ioasid_set_resize(s->set, quota), expect);
	if (!expect)
		s->quota = quota;
}

static int alloc_errno(struct model *m, struct model_set *s, ioasid_t min,
		       ioasid_t max, bool *either)
{
	*either = false;
	if (min > max)
		return -EINVAL;
	if (s->dying)
		return -ESHUTDOWN;
	if (s->quota && model_used(m, s) >= s->quota) {
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
	void *data = mm || pick(m, 2) ? NULL : s;
	bool either;
	int expect, ret;

	if (!s->set)
		return;
	expect = alloc_errno(m, s, min, max, &either);
	if (mm)
		ret = ioasid_alloc_mm(s->set, min, max, mm, &id);
	else
		ret = ioasid_alloc(s->set, min, max, data, &id);
	if (either && ret == -ENOSPC)
		return;
	IK_EXPECT_ERRNO(m->test, ret, expect);
	if (ret)
		return;

	KUNIT_ASSERT_GE(m->test, id, max(min, 1));
	KUNIT_ASSERT_LE(m->test, id, max);
	KUNIT_ASSERT_LT(m->test, id, m->total);
	KUNIT_ASSERT_NULL_MSG(m->test, m->ids[id].owner, "%u is out already", id);
	m->ids[id] = (struct model_id){ .owner = s, .mm = mm, .data = data };
	model_tell_alloc(m, s);
}

static int id_errno(struct model *m, struct model_set *s, ioasid_t id)
{
	if (!m->ids[id].owner)
		return -ENOENT;
	return m->ids[id].owner == s ? 0 : -EACCES;
}

/* -EBUSY for a dead one, for the calls that say so */
static int live_errno(struct model *m, struct model_set *s, ioasid_t id)
{
	return id_errno(m, s, id) ?: m->ids[id].dead ? -EBUSY : 0;
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
	int expect = live_errno(m, s, id);

	if (!s->set)
		return;
	IK_EXPECT_ERRNO(m->test, ioasid_get(s->set, id), expect);
	if (!expect)
		m->ids[id].refs++;
}

static bool spid_taken(struct model *m, struct model_set *s, ioasid_t spid)
{
	for (int i = 1; i < TOTAL_MAX; i++)
		if (m->ids[i].owner == s && m->ids[i].spid == spid)
			return true;
	return false;
}

static void step_bind(struct model *m, struct model_set *s, ioasid_t id)
{
	ioasid_t spid = pick(m, 4) ? pick(m, NR_SPIDS + 1) : MODEL_NAMELESS;
	int expect, ret;

	if (!s->set)
		return;
	m->refuser = pick(m, 3) ? NULL : &m->subs[pick(m, NR_SUBS)];
	m->patience = 0;
	if (!spid)
		expect = -EINVAL;
	else
		expect = live_errno(m, s, id);
	if (!expect && (m->ids[id].spid ||
			(spid != MODEL_NAMELESS && spid_taken(m, s, spid))))
		expect = -EEXIST;
	if (!expect && model_refuses(m, s))
		expect = -EPERM;

	if (spid == MODEL_NAMELESS)
		ret = ioasid_notify(s->set, id, IOASID_BIND);
	else
		ret = ioasid_attach_spid(s->set, id, spid);
	IK_EXPECT_ERRNO(m->test, ret, expect);
	m->refuser = NULL;
	if (!expect)
		m->ids[id].spid = spid;
}

static void step_unbind(struct model *m, struct model_set *s, ioasid_t id)
{
	bool nameless = pick(m, 3) == 0;
	int expect = live_errno(m, s, id);
	ioasid_t spid = m->ids[id].spid;

	if (!s->set)
		return;
	if (!expect && (nameless ? spid != MODEL_NAMELESS : !spid || spid == MODEL_NAMELESS))
		expect = -ENOENT;
	IK_EXPECT_ERRNO(m->test, nameless ? ioasid_notify(s->set, id, IOASID_UNBIND) :
					    ioasid_detach_spid(s->set, id), expect);
	if (!expect)
		m->ids[id].spid = 0;
}

static void step_attach_data(struct model *m, struct model_set *s, ioasid_t id)
{
	int expect = live_errno(m, s, id);

	if (!s->set)
		return;
	if (!expect && m->ids[id].data)
		expect = -EBUSY;
	IK_EXPECT_ERRNO(m->test, ioasid_attach_data(s->set, id, &m->ids[id]), expect);
	if (!expect)
		m->ids[id].data = &m->ids[id];
}

static void step_detach_data(struct model *m, struct model_set *s, ioasid_t id)
{
	int expect = id_errno(m, s, id);
	void *data;

	if (!s->set)
		return;
	data = ioasid_detach_data(s->set, id);
	IK_EXPECT_ERR_PTR(m->test, data, expect);
	if (!expect) {
		KUNIT_EXPECT_PTR_EQ(m->test, data, m->ids[id].data);
		m->ids[id].data = NULL;
	}
}

void model_put(struct model *m, ioasid_t id)
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
	else if (model_committed(m, false) > total - 1)
		expect = -EBUSY;
	for (ioasid_t id = total; !expect && id < TOTAL_MAX; id++)
		if (m->ids[id].owner)
			expect = -EBUSY;
	IK_EXPECT_ERRNO(m->test, ioasid_install_capacity(total), expect);
	if (!expect)
		m->total = total;
}

/* What may be done to a number, by its owner or, at times, by somebody else */
static void step_id(struct model *m, struct model_set *s, ioasid_t id)
{
	switch (pick(m, 8)) {
	case 0:
		step_free(m, s, id);
		break;
	case 1 ... 2:
		step_get(m, s, id);
		break;
	case 3 ... 4:
		step_bind(m, s, id);
		break;
	case 5:
		step_unbind(m, s, id);
		break;
	case 6:
		step_attach_data(m, s, id);
		break;
	case 7:
		step_detach_data(m, s, id);
		break;
	}
}

void model_step(struct model *m)
{
	struct model_set *s = &m->sets[pick(m, NR_SETS)];
	ioasid_t id = 1 + pick(m, TOTAL_MAX - 1);

	memset(&m->last, 0, sizeof(m->last));
	switch (pick(m, 26)) {
	case 0:
		step_set_alloc(m, s);
		break;
	case 1:
		if (pick(m, 3) == 0)
			model_set_free(m, s);
		break;
	case 2:
		if (pick(m, 3) == 0)
			step_set_free_ids(m, s);
		break;
	case 3:
		step_capacity(m);
		break;
	case 4:
		step_resize(m, s);
		break;
	case 5 ... 9:
		step_alloc(m, s);
		break;
	case 10 ... 12:
		model_put(m, id);
		break;
	case 13 ... 14:
		model_step_sub(m, s);
		break;
	default:
		step_id(m, pick(m, 8) && m->ids[id].owner ? m->ids[id].owner : s, id);
	}
}
