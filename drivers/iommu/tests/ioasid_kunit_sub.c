// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suites: subscribers and the log of what they got.
 */
#include "ioasid_kunit.h"

static int ik_notify(struct notifier_block *nb, unsigned long event,
		     void *data)
{
	struct ik_sub *sub = container_of(nb, struct ik_sub, nb);
	struct ioasid_nb_args *args = data;
	struct ik *ik = sub->ik;
	int ret = NOTIFY_DONE;
	unsigned int i;

	if (sub->only && args->set != sub->only)
		return NOTIFY_DONE;

	atomic_inc(&sub->inside);
	scoped_guard(spinlock_irqsave, &ik->lock) {
		i = ik->nr++;
		if (i < IK_LOG_SIZE)
			ik->log[i] = (struct ik_record){
				.event = event, .args = *args, .sub = sub,
				.task = current,
			};
		else
			ik->nr = IK_LOG_SIZE;
	}
	KUNIT_EXPECT_LT_MSG(ik->test, i, IK_LOG_SIZE, "more events than there can be");
	if (READ_ONCE(sub->hold) == event) {
		WRITE_ONCE(sub->hold, 0);
		complete_all(&sub->held);
		wait_for_completion_timeout(&sub->release, IK_PATIENCE);
	}
	if (sub->handler)
		ret = sub->handler(sub, event, args);
	else if (event == IOASID_BIND && (!sub->refuse_id || sub->refuse_id == args->id))
		ret = notifier_from_errno(sub->refuse);
	atomic_dec(&sub->inside);
	return ret;
}

/* One that is not registered yet */
struct ik_sub *ik_sub_new(struct kunit *test, int priority)
{
	struct ik_sub *sub = kunit_kzalloc(test, sizeof(*sub), GFP_KERNEL);
	struct ik *ik = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, sub);
	sub->nb.notifier_call = ik_notify;
	sub->nb.priority = priority;
	sub->ik = ik;
	init_completion(&sub->held);
	init_completion(&sub->release);
	list_add(&sub->node, &ik->subs);
	return sub;
}

static void ik_unregister(void *arg)
{
	struct ik_sub *sub = arg;

	if (sub->mm)
		ioasid_unregister_notifier_mm(sub->mm, &sub->nb);
	else
		ioasid_unregister_notifier(sub->chain, &sub->nb);
}

int ik_sub_register(struct kunit *test, struct ik_sub *sub,
		    struct ioasid_set *chain)
{
	int ret = ioasid_register_notifier(chain, &sub->nb);

	if (ret)
		return ret;
	sub->chain = chain;
	return kunit_add_action_or_reset(test, ik_unregister, sub);
}

int ik_sub_register_mm(struct kunit *test, struct ik_sub *sub,
		       struct mm_struct *mm)
{
	int ret = ioasid_register_notifier_mm(mm, &sub->nb);

	if (ret)
		return ret;
	sub->mm = mm;
	return kunit_add_action_or_reset(test, ik_unregister, sub);
}

/* To the events of @set */
struct ik_sub *ik_subscribe(struct kunit *test, struct ioasid_set *set,
			    int priority)
{
	struct ik_sub *sub = ik_sub_new(test, priority);

	IK_ASSERT_OK(test, ik_sub_register(test, sub, set));
	return sub;
}

/* To the events of all sets, of which those of @only count */
struct ik_sub *ik_subscribe_all(struct kunit *test, struct ioasid_set *only,
				int priority)
{
	struct ik_sub *sub = ik_sub_new(test, priority);

	sub->only = only;
	IK_ASSERT_OK(test, ik_sub_register(test, sub, NULL));
	return sub;
}

/* To the events of all sets of @mm */
struct ik_sub *ik_subscribe_mm(struct kunit *test, struct mm_struct *mm,
			       int priority)
{
	struct ik_sub *sub = ik_sub_new(test, priority);

	IK_ASSERT_OK(test, ik_sub_register_mm(test, sub, mm));
	return sub;
}

void ik_unsubscribe(struct kunit *test, struct ik_sub *sub)
{
	kunit_release_action(test, ik_unregister, sub);
	sub->mm = NULL;
}

/* The case unregisters it by itself */
void ik_sub_forget(struct kunit *test, struct ik_sub *sub)
{
	kunit_remove_action(test, ik_unregister, sub);
}

static int ik_do_unregister(void *data)
{
	struct ik_sub *sub = data;

	ik_unregister(sub);
	return atomic_read(&sub->inside);
}

/* In a thread, which says how many of its handlers run when that is over */
struct ik_task *ik_run_unregister(struct kunit *test, struct ik_sub *sub)
{
	ik_sub_forget(test, sub);
	return ik_run(test, ik_do_unregister, sub);
}

/* The next handler of @event stays inside until ik_release() */
void ik_hold(struct ik_sub *sub, enum ioasid_notify_val event)
{
	reinit_completion(&sub->held);
	reinit_completion(&sub->release);
	WRITE_ONCE(sub->hold, event);
}

void ik_wait_held(struct kunit *test, struct ik_sub *sub)
{
	KUNIT_ASSERT_NE_MSG(test, 0,
			    wait_for_completion_timeout(&sub->held, IK_PATIENCE),
			    "the event is not sent");
}

void ik_release(struct ik_sub *sub)
{
	WRITE_ONCE(sub->hold, 0);
	complete_all(&sub->release);
}

unsigned int ik_log_count(struct ik_sub *sub, enum ioasid_notify_val event)
{
	struct ik *ik = sub->ik;
	unsigned int i, n = 0;

	guard(spinlock_irqsave)(&ik->lock);
	for (i = 0; i < ik->nr; i++)
		n += ik->log[i].sub == sub && ik->log[i].event == event;
	return n;
}

/* The place of the first such record in the log, -ENOENT if there is none */
int ik_log_find(struct ik_sub *sub, enum ioasid_notify_val event, ioasid_t id)
{
	struct ik *ik = sub->ik;
	struct ik_record *r;
	int i;

	guard(spinlock_irqsave)(&ik->lock);
	for (i = 0; i < ik->nr; i++) {
		r = &ik->log[i];
		if (r->sub == sub && r->event == event && r->args.id == id)
			return i;
	}
	return -ENOENT;
}

void ik_log_clear(struct kunit *test)
{
	struct ik *ik = test->priv;

	guard(spinlock_irqsave)(&ik->lock);
	ik->nr = 0;
}

/*
 * @sub got one FREE for each of @ids and for nothing else, and @syncs SYNC, the
 * last of which comes after all FREE and no two of which follow each other.
 */
void ik_expect_frees(struct kunit *test, struct ik_sub *sub,
		     const ioasid_t *ids, unsigned int nr, unsigned int syncs)
{
	enum ioasid_notify_val last = IOASID_SYNC;
	struct ik *ik = test->priv;
	unsigned int i, j, n;

	KUNIT_EXPECT_EQ(test, ik_log_count(sub, IOASID_FREE), nr);
	KUNIT_EXPECT_EQ(test, ik_log_count(sub, IOASID_SYNC), syncs);

	for (i = 0; i < nr; i++) {
		n = 0;
		for (j = 0; j < ik->nr; j++)
			n += ik->log[j].sub == sub &&
			     ik->log[j].event == IOASID_FREE &&
			     ik->log[j].args.id == ids[i];
		KUNIT_EXPECT_EQ_MSG(test, n, 1, "FREE of %u", ids[i]);
	}

	for (j = 0; j < ik->nr; j++) {
		if (ik->log[j].sub != sub || (ik->log[j].event != IOASID_SYNC &&
					      ik->log[j].event != IOASID_FREE))
			continue;
		if (ik->log[j].event == IOASID_SYNC)
			KUNIT_EXPECT_EQ_MSG(test, last, IOASID_FREE,
					    "SYNC with no FREE before it");
		last = ik->log[j].event;
	}
	KUNIT_EXPECT_EQ_MSG(test, last, IOASID_SYNC, "no SYNC behind FREE");
}

static const char *ik_event_name(enum ioasid_notify_val event)
{
	static const char * const names[] = {
		[IOASID_FREE] = "FREE", [IOASID_BIND] = "BIND",
		[IOASID_UNBIND] = "UNBIND", [IOASID_ALLOC] = "ALLOC",
		[IOASID_SYNC] = "SYNC",
	};

	return event < ARRAY_SIZE(names) && names[event] ? names[event] : "?";
}

/* The log has these records in this order, with this SPID, and no others */
void ik_expect_records(struct kunit *test, const struct ik_expected *expected,
		       unsigned int nr)
{
	struct ik *ik = test->priv;
	const struct ik_record *r;
	ioasid_t spid;

	KUNIT_EXPECT_EQ(test, ik->nr, nr);
	for (unsigned int i = 0; i < min(nr, ik->nr); i++) {
		r = &ik->log[i];
		/* None in short: 0, which is no name */
		spid = expected[i].spid ?: IOMMU_PASID_INVALID;
		if (r->sub == expected[i].sub && r->event == expected[i].event &&
		    r->args.id == expected[i].id && r->args.spid == spid)
			continue;
		KUNIT_FAIL(test, "record %u: %s(%u) spid %d to %s, not %s(%u) spid %d",
			   i, ik_event_name(r->event), r->args.id, (int)r->args.spid,
			   r->sub == expected[i].sub ? "the right one" : "another",
			   ik_event_name(expected[i].event), expected[i].id, (int)spid);
	}
}

/* Unregistering @sub, which hears of @set, waits for a handler that runs */
void ik_expect_unregister_waits(struct kunit *test, struct ioasid_set *set,
				struct ik_sub *sub)
{
	ioasid_t id = ik_alloc(test, set, 1, 100);
	struct ik_task *free, *unregister;

	ik_hold(sub, IOASID_FREE);
	free = ik_run_free(test, set, id);
	ik_wait_held(test, sub);
	unregister = ik_run_unregister(test, sub);
	KUNIT_EXPECT_TRUE(test, ik_still_runs(unregister));
	ik_release(sub);
	KUNIT_EXPECT_EQ_MSG(test, ik_join(test, unregister), 0, "a handler still runs");
	IK_EXPECT_OK(test, ik_join(test, free));
}
