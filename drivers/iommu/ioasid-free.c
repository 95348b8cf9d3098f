// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID: the death of a number and of a set.
 *
 * A free changes the state in the call, under the core lock: from then on
 * look-ups fail and no reference can be taken. FREE and SYNC follow, from the
 * caller or, where it cannot sleep, from a work item that takes all numbers of
 * a set that are due. Nothing here allocates or can fail.
 */
#include <linux/export.h>
#include <linux/init.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "ioasid-internal.h"

/* How many numbers to mark before interrupts are let in */
#define IOASID_KILL_BATCH	64

static struct workqueue_struct *ioasid_wq;

/*
 * Numbers whose events have not returned yet, counted apart for what began
 * before and after the last ioasid_synchronize(), so that it does not wait for
 * what begins later. Core lock.
 */
static unsigned int ioasid_inflight[2];
static u8 ioasid_phase;
static DECLARE_WAIT_QUEUE_HEAD(ioasid_idle);
static DEFINE_MUTEX(ioasid_synchronize_lock);

/* Held while the numbers of a set are marked; inside ioasid_evt::lock */
static DEFINE_MUTEX(ioasid_kill_lock);

/*
 * Starts the death of @e, at which @xas is. With nobody to tell and no name to take away, that is
 * all there is to it; else @e goes onto @due and true is returned. That nobody
 * subscribes and the change of state are one step: who subscribes later does
 * not hear of @e.
 */
static bool ioasid_kill(struct xa_state *xas, struct ioasid_entry *e,
			struct list_head *due)
{
	ioasid_assert_locked();

	ioasid_set_state(e, IOASID_FREE_PENDING);
	/* The slot is there: nothing is allocated, it cannot fail */
	xas_store(xas, xa_tag_pointer(e, IOASID_DEAD_TAG));
	e->mm = NULL;
	e->set->pending++;

	if (e->bind == IOASID_UNBOUND && !ioasid_has_subscribers(e->set)) {
		list_del_init(&e->node);
		e->phase = IOASID_PHASE_OVER;
		if (!e->refs)
			ioasid_retire(e);
		return false;
	}

	e->event = true;
	e->phase = ioasid_phase;
	ioasid_inflight[e->phase]++;
	list_move_tail(&e->node, due);
	return true;
}

static int ioasid_kill_one(struct ioasid_set *set, ioasid_t id, bool *owed)
{
	XA_STATE(xas, &ioasid_ids, id);
	struct ioasid_entry *e;

	*owed = false;
	e = ioasid_lookup_at(&xas, set);
	if (IS_ERR(e))
		return PTR_ERR(e);
	if (e->state < IOASID_FREE_PENDING)
		*owed = ioasid_kill(&xas, e, &set->due);
	return 0;
}

/* FREE and SYNC of @e have returned; @stuck: the number is lost for good */
void ioasid_event_over(struct ioasid_entry *e, bool stuck)
{
	unsigned long flags;

	ioasid_lock(flags);
	list_del_init(&e->node);
	if (!--ioasid_inflight[e->phase])
		wake_up_all(&ioasid_idle);
	e->phase = IOASID_PHASE_OVER;
	if (!stuck) {
		e->event = false;
		if (!e->refs)
			ioasid_retire(e);
	}
	ioasid_unlock(flags);
}

static void ioasid_queue_due(struct ioasid_set *set)
{
	ioasid_set_get(set);
	if (!queue_work(ioasid_wq, &set->work))
		ioasid_set_put(set);
}

bool ioasid_queue(struct work_struct *work)
{
	return queue_work(ioasid_wq, work);
}

void ioasid_free_work(struct work_struct *work)
{
	struct ioasid_set *set = container_of(work, struct ioasid_set, work);

	ioasid_send_due(set);
	ioasid_set_put(set);
}

/**
 * ioasid_free() - Free an IOASID.
 * @set: The owner.
 * @id: The IOASID.
 *
 * Look-ups fail from the call on. The number is used again when its
 * subscribers are done with it, the last reference is gone and a grace period
 * has passed. A second call does nothing.
 *
 * Context: Process context. May sleep: when the first call returns, FREE and
 * SYNC have run, except if it came from a handler of an event: then they are
 * queued.
 * Return:
 * * %0 - freed, now or before
 * * %-EINVAL - no @set
 * * %-ENOENT - there is no such IOASID
 * * %-EACCES - another set owns it
 */
int ioasid_free(struct ioasid_set *set, ioasid_t id)
{
	bool owed;
	int ret;

	might_sleep();
	xa_lock_irq(&ioasid_ids);
	ret = ioasid_kill_one(set, id, &owed);
	xa_unlock_irq(&ioasid_ids);
	if (!owed)
		return ret;

	if (ioasid_in_handler())
		ioasid_queue_due(set);
	else
		ioasid_send_due(set);
	return 0;
}
EXPORT_SYMBOL_GPL(ioasid_free);

/**
 * ioasid_free_async() - Free an IOASID where sleeping is not allowed.
 * @set: The owner.
 * @id: The IOASID.
 *
 * As ioasid_free(), but FREE and SYNC are sent later, for all numbers of the
 * set together that are due by then.
 *
 * Context: Any context, hard interrupts included but for PREEMPT_RT. Allocates
 * nothing.
 * Return: As ioasid_free():
 * * %0 - freed, now or before
 * * %-EINVAL - no @set
 * * %-ENOENT - there is no such IOASID
 * * %-EACCES - another set owns it
 */
int ioasid_free_async(struct ioasid_set *set, ioasid_t id)
{
	unsigned long flags;
	bool owed;
	int ret;

	ioasid_lock(flags);
	ret = ioasid_kill_one(set, id, &owed);
	ioasid_unlock(flags);
	if (owed)
		ioasid_queue_due(set);
	return ret;
}
EXPORT_SYMBOL_GPL(ioasid_free_async);

/*
 * Marks every number of @set, and hands them to the events together: they come
 * to set->due in one step, so that one SYNC does for all. Numbers that are
 * allocated meanwhile stay. Returns whether something may be due, of this call
 * or of others.
 */
static bool ioasid_kill_all(struct ioasid_set *set, bool die)
{
	XA_STATE(xas, &ioasid_ids, 0);
	struct ioasid_entry *e;
	unsigned long flags;
	unsigned int n;
	bool alive, owed;
	LIST_HEAD(due);

	guard(mutex)(&ioasid_kill_lock);

	ioasid_lock(flags);
	alive = !die || ioasid_set_mark_dying(set);
	for (n = set->used - set->pending; n && !list_empty(&set->ids); n--) {
		e = list_first_entry(&set->ids, struct ioasid_entry, node);
		xas_set(&xas, e->id);
		ioasid_kill(&xas, e, &due);
		if (n % IOASID_KILL_BATCH == 0) {
			ioasid_unlock(flags);
			cond_resched();
			ioasid_lock(flags);
		}
	}
	list_splice_tail(&due, &set->due);
	/* Another task may be at it: then too all has run when we return */
	owed = !list_empty(&set->due) ||
	       (set->pending && ioasid_has_subscribers(set));
	ioasid_unlock(flags);

	WARN_ONCE(!alive, "ioasid: set freed twice\n");
	return owed;
}

static void ioasid_free_all(struct ioasid_set *set, bool die)
{
	if (!ioasid_kill_all(set, die))
		return;
	if (ioasid_in_handler())
		ioasid_queue_due(set);
	else
		ioasid_send_due(set);
}

/**
 * ioasid_set_free() - A set dies, with all its IOASIDs.
 * @set: The set, or NULL.
 *
 * No new IOASIDs from now on; each one that is out is freed, and the reference
 * of the creator is dropped. FREE is sent for each that was alive, then one
 * SYNC; for nothing to free, nothing is sent. What the set has reserved and
 * not used returns at once, the rest as the numbers leave quarantine. To be
 * called once.
 *
 * Context: Process context. May sleep: when this returns, the events have run,
 * except if it came from a handler of an event: then they are queued.
 */
void ioasid_set_free(struct ioasid_set *set)
{
	might_sleep();
	if (!set)
		return;
	if (WARN_ONCE(set == ioasid_system_set(), "ioasid: the system set cannot be freed\n"))
		return;

	ioasid_free_all(set, true);
	ioasid_set_put(set);
}
EXPORT_SYMBOL_GPL(ioasid_set_free);

/**
 * ioasid_set_free_ids() - Free all IOASIDs of a set.
 * @set: The set, or NULL.
 *
 * As ioasid_set_free(), but the set lives on with its guarantee: a guest that
 * resets.
 *
 * Context: Process context. May sleep: when this returns, the events have run,
 * except if it came from a handler of an event: then they are queued.
 */
void ioasid_set_free_ids(struct ioasid_set *set)
{
	might_sleep();
	if (set)
		ioasid_free_all(set, false);
}
EXPORT_SYMBOL_GPL(ioasid_set_free_ids);

/* Under the lock, so that what was retired has been given to RCU */
static bool ioasid_phase_over(u8 phase)
{
	unsigned long flags;
	bool over;

	ioasid_lock(flags);
	over = !ioasid_inflight[phase];
	ioasid_unlock(flags);
	return over;
}

/**
 * ioasid_synchronize() - Wait for the frees that have begun.
 *
 * When this returns, FREE and SYNC of every free begun before have returned,
 * and every IOASID that nobody has a reference to has left quarantine. It does
 * not wait for references, nor for a number that a subscriber refused to let
 * go.
 *
 * Context: Process context. May sleep. Not from a handler of an event, which
 * would wait for itself: warns once and does nothing.
 */
void ioasid_synchronize(void)
{
	unsigned long flags;
	u8 phase;

	might_sleep();
	if (WARN_ONCE(ioasid_in_handler(), "ioasid: synchronize in a handler\n"))
		return;

	scoped_guard(mutex, &ioasid_synchronize_lock) {
		ioasid_lock(flags);
		phase = ioasid_phase;
		ioasid_phase = !phase;
		ioasid_unlock(flags);

		wait_event(ioasid_idle, ioasid_phase_over(phase));
	}
	rcu_barrier();
	ioasid_custom_flush();
}
EXPORT_SYMBOL_GPL(ioasid_synchronize);

static int __init ioasid_free_init(void)
{
	/*
	 * Not WQ_MEM_RECLAIM: a subscriber may wait for page requests of a
	 * device, and so for memory. Nobody waits here to get some.
	 */
	ioasid_wq = alloc_workqueue("ioasid", WQ_UNBOUND, 0);
	return ioasid_wq ? 0 : -ENOMEM;
}
core_initcall(ioasid_free_init);
