// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID: subscribers.
 *
 * One registers for the sets of an mm, for one set, or for all of them. What
 * serialises the events of a set is shared by all sets of an mm, and is there
 * before the first set if somebody registered for the mm.
 *
 * A late subscriber and a concurrent bind:
 *
 *   ioasid_register_notifier()         ioasid_attach_spid(1)
 *    evt->lock                          waits for evt->lock
 *    onto the chain
 *    BIND for what is bound
 *    unlock
 *                                        evt->lock
 *                                        BIND(1) to all on the chain
 *
 * [Required: each subscriber gets each BIND once, whichever comes first]
 */
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "ioasid-internal.h"

struct ioasid_chain ioasid_global = IOASID_CHAIN_INIT(ioasid_global);

/* By mm; core lock */
static DEFINE_HASHTABLE(ioasid_evts, 6);

/* Registrations for all sets; the others have ioasid_evt::lock */
static DEFINE_MUTEX(ioasid_global_lock);

/* By the user's block */
static DEFINE_MUTEX(ioasid_sub_lock);
static DEFINE_HASHTABLE(ioasid_subs, 6);
static u64 ioasid_serial;

void ioasid_evt_free(struct ioasid_evt *evt)
{
	if (evt->mm)
		mmdrop(evt->mm);
	kfree_rcu(evt, rcu);
}

static void ioasid_evt_free_work(struct work_struct *work)
{
	ioasid_evt_free(container_of(work, struct ioasid_evt, work));
}

struct ioasid_evt *ioasid_evt_alloc(struct mm_struct *mm)
{
	struct ioasid_evt *evt;

	evt = kzalloc_obj(*evt, GFP_KERNEL_ACCOUNT);
	if (!evt)
		return NULL;
	mutex_init(&evt->lock);
	INIT_HLIST_NODE(&evt->node);
	INIT_WORK(&evt->work, ioasid_evt_free_work);
	BLOCKING_INIT_NOTIFIER_HEAD(&evt->chain.head);
	xa_init_flags(&evt->bound, XA_FLAGS_ACCOUNT);
	evt->users = 1;
	evt->mm = mm;
	if (mm)
		mmgrab(mm);
	return evt;
}

/* One more user of the one of the same mm, if there is one; else of @evt */
struct ioasid_evt *ioasid_evt_share(struct ioasid_evt *evt)
{
	struct ioasid_evt *other;

	ioasid_assert_locked();

	if (!evt->mm)
		return evt;
	hash_for_each_possible(ioasid_evts, other, node, (unsigned long)evt->mm) {
		if (other->mm == evt->mm) {
			other->users++;
			return other;
		}
	}
	hash_add(ioasid_evts, &evt->node, (unsigned long)evt->mm);
	return evt;
}

/* Returns true for the last user: he has ioasid_evt::work run */
bool ioasid_evt_last_put(struct ioasid_evt *evt)
{
	ioasid_assert_locked();

	if (--evt->users)
		return false;
	hash_del(&evt->node);
	return true;
}

void ioasid_evt_put(struct ioasid_evt *evt)
{
	unsigned long flags;
	bool last;

	if (!evt)
		return;
	ioasid_lock(flags);
	last = ioasid_evt_last_put(evt);
	ioasid_unlock(flags);
	if (last)
		ioasid_evt_free(evt);
}

/* That of @mm, with one more user */
struct ioasid_evt *ioasid_evt_get(struct mm_struct *mm)
{
	struct ioasid_evt *evt, *shared;
	unsigned long flags;

	evt = ioasid_evt_alloc(mm);
	if (!evt)
		return NULL;
	ioasid_lock(flags);
	shared = ioasid_evt_share(evt);
	ioasid_unlock(flags);
	if (shared != evt)
		ioasid_evt_free(evt);
	return shared;
}

/*
 * Locks what serialises the events of @set, if nobody holds it. A set that moves
 * has another one then, and the one that was read here may be gone:
 *
 *   ioasid_evt_trylock()               ioasid_set_move()
 *    rcu_read_lock()
 *    evt = set->evt
 *                                       set->evt = another
 *                                       the last user: kfree_rcu(evt)
 *    evt->lock
 *    is it still set->evt? No: unlock
 *    rcu_read_unlock()
 *
 * [Required: evt is memory until the unlock]
 */
bool ioasid_evt_trylock(struct ioasid_set *set)
{
	struct ioasid_evt *evt;

	guard(rcu)();
	evt = READ_ONCE(set->evt);
	if (!mutex_trylock(&evt->lock))
		return false;
	/* While this is held, the set stays */
	if (evt == READ_ONCE(set->evt))
		return true;
	mutex_unlock(&evt->lock);
	return false;
}

void ioasid_evt_lock(struct ioasid_set *set)
{
	struct ioasid_evt *evt;
	unsigned long flags;
	bool moved;

	if (ioasid_evt_trylock(set))
		return;
	do {
		ioasid_lock(flags);
		evt = set->evt;
		evt->users++;
		ioasid_unlock(flags);

		mutex_lock(&evt->lock);
		moved = evt != READ_ONCE(set->evt);
		if (moved)
			mutex_unlock(&evt->lock);
		ioasid_evt_put(evt);
	} while (moved);
}

/* The youngest registration there is */
u64 ioasid_sub_serial(void)
{
	guard(mutex)(&ioasid_sub_lock);
	return ioasid_serial;
}

static struct ioasid_sub *ioasid_find_sub(struct notifier_block *nb)
{
	struct ioasid_sub *sub;

	lockdep_assert_held(&ioasid_sub_lock);

	hash_for_each_possible(ioasid_subs, sub, node, (unsigned long)nb)
		if (sub->user == nb)
			return sub;
	return NULL;
}

static void ioasid_chain_count(struct ioasid_chain *chain, int n)
{
	unsigned long flags;

	ioasid_lock(flags);
	chain->count += n;
	ioasid_unlock(flags);
}

/*
 * One at a time for a chain, so that its order is that of the serials. A serial
 * is given to who is on the chain, and until then counts as later than any BIND:
 *
 *   ioasid_register_notifier(NULL)     ioasid_attach_spid()
 *                                       horizon = ioasid_sub_serial()
 *                                       BIND to ioasid_global; refused
 *    onto ioasid_global
 *    serial, above the horizon
 *                                       UNBIND to ioasid_global
 *
 * [Required: who did not get the BIND does not get that UNBIND]
 */
static int ioasid_sub_add(struct ioasid_sub *sub)
{
	int ret;

	scoped_guard(mutex, &ioasid_sub_lock) {
		if (ioasid_find_sub(sub->user))
			return -EEXIST;
		hash_add(ioasid_subs, &sub->node, (unsigned long)sub->user);
		sub->serial = U64_MAX;
	}
	ioasid_chain_count(sub->chain, 1);
	/* Waits for handlers that run; not under a lock that others need */
	ret = blocking_notifier_chain_register(&sub->chain->head, &sub->nb);
	scoped_guard(mutex, &ioasid_sub_lock)
		WRITE_ONCE(sub->serial, ++ioasid_serial);
	return ret;
}

static struct ioasid_sub *ioasid_sub_del(struct ioasid_chain *chain,
					 struct notifier_block *nb)
{
	struct ioasid_sub *sub;

	scoped_guard(mutex, &ioasid_sub_lock) {
		sub = ioasid_find_sub(nb);
		if (!sub || sub->chain != chain)
			return NULL;
		hash_del(&sub->node);
	}
	/* As above */
	blocking_notifier_chain_unregister(&chain->head, &sub->nb);
	ioasid_chain_count(chain, -1);
	return sub;
}

static void ioasid_sub_free(struct ioasid_sub *sub)
{
	ioasid_evt_put(sub->evt);
	ioasid_set_put(sub->set);
	kfree(sub);
}

/* What is bound now, to a subscriber that comes later than the others */
static int ioasid_replay(struct ioasid_evt *evt, struct ioasid_sub *sub)
{
	struct ioasid_sender sender;
	struct ioasid_entry *e;
	unsigned long id, refused;
	int ret = 0;

	lockdep_assert_held(&evt->lock);

	ioasid_sender_begin(&sender);
	xa_for_each(&evt->bound, id, e) {
		if (sub->set && sub->set != e->set)
			continue;
		ret = ioasid_tell(sub, IOASID_BIND, e);
		if (ret)
			break;
	}
	refused = id;
	if (ret) {
		xa_for_each(&evt->bound, id, e) {
			if (id == refused)
				break;
			if (!sub->set || sub->set == e->set)
				ioasid_tell(sub, IOASID_UNBIND, e);
		}
	}
	ioasid_sender_end(&sender);
	return ret;
}

static int ioasid_subscribe(struct ioasid_sub *sub, struct ioasid_evt *evt)
{
	int ret;

	lockdep_assert_held(&evt->lock);

	ret = ioasid_sub_add(sub);
	if (ret)
		return ret;
	ret = ioasid_replay(evt, sub);
	if (ret)
		ioasid_sub_del(sub->chain, sub->user);
	return ret;
}

static struct ioasid_sub *ioasid_sub_alloc(struct notifier_block *nb)
{
	struct ioasid_sub *sub;

	if (!nb || !nb->notifier_call)
		return ERR_PTR(-EINVAL);
	if (ioasid_in_handler())
		return ERR_PTR(-EDEADLK);

	sub = kzalloc_obj(*sub);
	if (!sub)
		return ERR_PTR(-ENOMEM);
	sub->user = nb;
	sub->nb.notifier_call = ioasid_deliver;
	sub->nb.priority = nb->priority;
	return sub;
}

/**
 * ioasid_register_notifier() - Subscribe to events.
 * @set: The set whose events to send, or NULL for those of all sets. A
 *	 registration keeps the set; it may be dying, and then what is left is
 *	 sent.
 * @nb: The subscriber: its priority is one of IOASID_PRIO_*, its handler gets
 *	an &enum ioasid_notify_val and a &struct ioasid_nb_args.
 *
 * A subscriber of a set first gets BIND for each IOASID that is bound, before
 * this returns. With NULL there is no such replay: who registers for all sets
 * does it before there are any.
 *
 * A handler may sleep. It may call ioasid_find(), ioasid_find_mm(),
 * ioasid_find_by_spid(), ioasid_find_set(), ioasid_get(), ioasid_put(),
 * ioasid_alive(), ioasid_attach_data(), ioasid_detach_data(), ioasid_set_get(),
 * ioasid_set_put(), ioasid_set_count(), and those that free, which are then
 * queued; everything else refuses with -EDEADLK. It may refuse a BIND with
 * notifier_from_errno(). What it returns for the other events keeps nobody else
 * from being called; a stop value for FREE or SYNC is reported, and the number
 * is not used again. Call this with no lock held that the handler takes.
 *
 * Context: Process context. May sleep. Not from a handler of an event.
 * Return:
 * * %0 - subscribed
 * * %-EEXIST - @nb is registered already
 * * %-ENOMEM - out of memory
 * * %-EINVAL - no @nb
 * * %-EDEADLK - called from a handler of an event
 * * the error with which @nb refused a BIND of the replay; it has got UNBIND for
 *   those before that one, and is not subscribed
 */
int ioasid_register_notifier(struct ioasid_set *set, struct notifier_block *nb)
{
	struct ioasid_sub *sub;
	int ret;

	might_sleep();
	sub = ioasid_sub_alloc(nb);
	if (IS_ERR(sub))
		return PTR_ERR(sub);

	sub->set = ioasid_set_get(set);
	if (set) {
		sub->chain = &set->chain;
		sub->level = IOASID_LEVEL_SET;
		scoped_guard(ioasid_evt, set)
			ret = ioasid_subscribe(sub, set->evt);
	} else {
		sub->chain = &ioasid_global;
		sub->level = IOASID_LEVEL_GLOBAL;
		scoped_guard(mutex, &ioasid_global_lock)
			ret = ioasid_sub_add(sub);
	}
	if (ret)
		ioasid_sub_free(sub);
	return ret;
}
EXPORT_SYMBOL_GPL(ioasid_register_notifier);

/**
 * ioasid_register_notifier_mm() - Subscribe to the events of an mm's sets.
 * @mm: The token of the sets, also of those that are made later. The mm_struct
 *	is kept (mmgrab), its address space is not.
 * @nb: The subscriber, as for ioasid_register_notifier().
 *
 * There need be no set of @mm, now or any more. Events go to these subscribers
 * before those of the set and of all sets.
 *
 * Context: Process context. May sleep. Not from a handler of an event.
 * Return: As ioasid_register_notifier(), and
 * * %-EINVAL - no @mm
 */
int ioasid_register_notifier_mm(struct mm_struct *mm, struct notifier_block *nb)
{
	struct ioasid_sub *sub;
	int ret = -ENOMEM;

	might_sleep();
	if (!mm)
		return -EINVAL;
	sub = ioasid_sub_alloc(nb);
	if (IS_ERR(sub))
		return PTR_ERR(sub);

	sub->evt = ioasid_evt_get(mm);
	if (sub->evt) {
		sub->chain = &sub->evt->chain;
		sub->level = IOASID_LEVEL_MM;
		scoped_guard(mutex, &sub->evt->lock)
			ret = ioasid_subscribe(sub, sub->evt);
	}
	if (ret)
		ioasid_sub_free(sub);
	return ret;
}
EXPORT_SYMBOL_GPL(ioasid_register_notifier_mm);

/**
 * ioasid_unregister_notifier() - Take back a subscription.
 * @set: As given to ioasid_register_notifier().
 * @nb: As given to ioasid_register_notifier(); if it is not registered there,
 *	nothing happens.
 *
 * Waits for handlers that run: when this returns, @nb is not in use. Allowed,
 * and needed, after the set was freed as well.
 *
 * Context: Process context. May sleep. Not from a handler of an event, which
 * would wait for itself: warns once and does nothing.
 */
void ioasid_unregister_notifier(struct ioasid_set *set,
				struct notifier_block *nb)
{
	struct ioasid_sub *sub;

	might_sleep();
	if (WARN_ONCE(ioasid_in_handler(), "ioasid: unregister in a handler\n"))
		return;

	if (set) {
		scoped_guard(ioasid_evt, set)
			sub = ioasid_sub_del(&set->chain, nb);
	} else {
		sub = ioasid_sub_del(&ioasid_global, nb);
	}
	if (sub)
		ioasid_sub_free(sub);
}
EXPORT_SYMBOL_GPL(ioasid_unregister_notifier);

/* What serialises the events of @mm, if @nb is registered there; referenced */
static struct ioasid_evt *ioasid_evt_of(struct mm_struct *mm,
					struct notifier_block *nb)
{
	struct ioasid_sub *sub;
	unsigned long flags;

	guard(mutex)(&ioasid_sub_lock);

	sub = ioasid_find_sub(nb);
	if (!sub || !sub->evt || sub->evt->mm != mm)
		return NULL;
	ioasid_lock(flags);
	sub->evt->users++;
	ioasid_unlock(flags);
	return sub->evt;
}

/**
 * ioasid_unregister_notifier_mm() - Take back a subscription for an mm.
 * @mm: As given to ioasid_register_notifier_mm().
 * @nb: As given to ioasid_register_notifier_mm(); if it is not registered
 *	there, nothing happens.
 *
 * As ioasid_unregister_notifier(). Allowed, and needed, after the last set of
 * @mm is gone as well.
 *
 * Context: Process context. May sleep. Not from a handler of an event, which
 * would wait for itself: warns once and does nothing.
 */
void ioasid_unregister_notifier_mm(struct mm_struct *mm,
				   struct notifier_block *nb)
{
	struct ioasid_evt *evt;
	struct ioasid_sub *sub;

	might_sleep();
	if (WARN_ONCE(ioasid_in_handler(), "ioasid: unregister in a handler\n"))
		return;

	evt = ioasid_evt_of(mm, nb);
	if (!evt)
		return;
	scoped_guard(mutex, &evt->lock)
		sub = ioasid_sub_del(&evt->chain, nb);
	if (sub)
		ioasid_sub_free(sub);
	ioasid_evt_put(evt);
}
EXPORT_SYMBOL_GPL(ioasid_unregister_notifier_mm);
