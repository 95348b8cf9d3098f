// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID: subscribers and the delivery of events.
 *
 * FREE and SYNC go to the subscribers of the set and then to those of
 * everything (the IOMMU drivers), by priority within each chain. They are
 * blocking notifier chains, because a subscriber waits for hardware. The core
 * cannot fail for a subscriber's sake: tear-down allocates nothing, and every
 * subscriber is called whatever the others say.
 *
 * Two threads that free two numbers of one set:
 *
 *   ioasid_free(1)                     ioasid_free(2)
 *    FREE_PENDING, onto set->due        FREE_PENDING, onto set->due
 *    ioasid_send_due()                  ioasid_send_due()
 *     evt->lock                          waits for evt->lock
 *     takes 1 and 2 off set->due
 *     FREE(1) FREE(2) SYNC
 *                                        finds nothing left: sends nothing
 *
 * [Required: each number gets one FREE, and neither call returns before the
 *  SYNC that follows it has returned]
 *
 * Whoever changes the state owes the FREE; who gets the event lock first
 * sends it, for everything that is due.
 */
#define pr_fmt(fmt) "ioasid: " fmt

#include <linux/export.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "ioasid-internal.h"

/**
 * struct ioasid_sub - a registration
 * @nb: on the chain; calls @user
 * @user: the subscriber's block
 * @chain: where @nb is
 * @node: in ioasid_subs
 *
 * The wrapper keeps a stop value of one subscriber from hiding the event from
 * those behind it.
 */
struct ioasid_sub {
	struct notifier_block nb;
	struct notifier_block *user;
	struct ioasid_chain *chain;
	struct list_head node;
};

/* What is passed along the chains; @stopped: a subscriber said stop */
struct ioasid_event {
	struct ioasid_nb_args args;
	bool stopped;
};

/* A task that is sending events, on its stack */
struct ioasid_sender {
	struct task_struct *task;
	struct list_head node;
};

static struct ioasid_chain ioasid_global = IOASID_CHAIN_INIT(ioasid_global);

static DEFINE_MUTEX(ioasid_sub_lock);
static LIST_HEAD(ioasid_subs);

static DEFINE_SPINLOCK(ioasid_sender_lock);
static LIST_HEAD(ioasid_senders);

/*
 * Is the caller a handler? It holds the event lock and the chain for read, so
 * everything that would take them again must know.
 */
bool ioasid_in_handler(void)
{
	struct ioasid_sender *s;

	/* What this task has put on the list it sees without the lock */
	if (list_empty(&ioasid_senders))
		return false;

	guard(spinlock_irqsave)(&ioasid_sender_lock);
	list_for_each_entry(s, &ioasid_senders, node)
		if (s->task == current)
			return in_task();
	return false;
}

static void ioasid_sender_begin(struct ioasid_sender *s)
{
	s->task = current;
	guard(spinlock_irqsave)(&ioasid_sender_lock);
	list_add(&s->node, &ioasid_senders);
}

static void ioasid_sender_end(struct ioasid_sender *s)
{
	guard(spinlock_irqsave)(&ioasid_sender_lock);
	list_del(&s->node);
}

bool ioasid_has_subscribers(struct ioasid_set *set)
{
	ioasid_assert_locked();

	return set->chain.count || ioasid_global.count;
}

static int ioasid_deliver(struct notifier_block *nb, unsigned long val,
			  void *data)
{
	struct ioasid_sub *sub = container_of(nb, struct ioasid_sub, nb);
	struct ioasid_event *event = data;
	int ret;

	ret = sub->user->notifier_call(sub->user, val, &event->args);
	if (ret & NOTIFY_STOP_MASK) {
		event->stopped = true;
		pr_warn_once("%ps stopped event %lu of IOASID %u, which is lost for good\n",
			     sub->user->notifier_call, val, event->args.id);
	}
	return NOTIFY_OK;
}

/* Returns whether a subscriber said stop. @e is NULL for SYNC */
static bool ioasid_send(struct ioasid_set *set, enum ioasid_notify_val val,
			struct ioasid_entry *e)
{
	struct ioasid_event event = {
		.args = {
			.id = e ? e->id : 0,
			.spid = IOMMU_PASID_INVALID,
			.set = set,
			.type = set->type,
			.token = set->token,
			.pdata = e ? rcu_access_pointer(e->private) : NULL,
		},
	};

	lockdep_assert_held(&set->evt->lock);

	blocking_notifier_call_chain(&set->chain.head, val, &event);
	blocking_notifier_call_chain(&ioasid_global.head, val, &event);
	return event.stopped;
}

/*
 * Sends FREE for each number of @set that is due, and one SYNC. When this
 * returns, also what another task had taken off the list has been sent.
 */
void ioasid_send_due(struct ioasid_set *set)
{
	struct ioasid_entry *e, *next;
	struct ioasid_sender sender;
	unsigned long flags;
	bool lost;
	LIST_HEAD(batch);
	LIST_HEAD(stuck);

	might_sleep();

	guard(mutex)(&set->evt->lock);

	ioasid_lock(flags);
	list_splice_init(&set->due, &batch);
	ioasid_unlock(flags);
	if (list_empty(&batch))
		return;

	ioasid_sender_begin(&sender);
	list_for_each_entry_safe(e, next, &batch, node)
		if (ioasid_send(set, IOASID_FREE, e))
			list_move(&e->node, &stuck);
	lost = ioasid_send(set, IOASID_SYNC, NULL);
	ioasid_sender_end(&sender);

	list_for_each_entry_safe(e, next, &batch, node)
		ioasid_event_over(e, lost);
	list_for_each_entry_safe(e, next, &stuck, node)
		ioasid_event_over(e, true);
}

static struct ioasid_sub *ioasid_find_sub(struct notifier_block *nb)
{
	struct ioasid_sub *sub;

	lockdep_assert_held(&ioasid_sub_lock);

	list_for_each_entry(sub, &ioasid_subs, node)
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

static int ioasid_subscribe(struct ioasid_chain *chain, struct ioasid_sub *sub)
{
	guard(mutex)(&ioasid_sub_lock);

	if (ioasid_find_sub(sub->user))
		return -EEXIST;
	list_add(&sub->node, &ioasid_subs);
	sub->chain = chain;
	ioasid_chain_count(chain, 1);
	return blocking_notifier_chain_register(&chain->head, &sub->nb);
}

static struct ioasid_sub *ioasid_unsubscribe(struct ioasid_chain *chain,
					     struct notifier_block *nb)
{
	struct ioasid_sub *sub;

	scoped_guard(mutex, &ioasid_sub_lock) {
		sub = ioasid_find_sub(nb);
		if (!sub || sub->chain != chain)
			return NULL;
		list_del(&sub->node);
	}
	/* Waits for handlers that run; not under a lock that others need */
	blocking_notifier_chain_unregister(&chain->head, &sub->nb);
	ioasid_chain_count(chain, -1);
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
 * A handler may sleep. It may call ioasid_find(), ioasid_find_mm(),
 * ioasid_find_set(), ioasid_get(), ioasid_put(), ioasid_alive(),
 * ioasid_set_get(), ioasid_set_put(), ioasid_set_count(), and those that free,
 * which are then queued; everything else refuses with -EDEADLK. What it returns
 * for FREE and SYNC keeps nobody else from being called; a stop value is
 * reported, and the number is not used again. Call this with no lock held that
 * the handler takes.
 *
 * Context: Process context. May sleep. Not from a handler of an event.
 * Return:
 * * %0 - subscribed
 * * %-EEXIST - @nb is registered already
 * * %-ENOMEM - out of memory
 * * %-EINVAL - no @nb
 * * %-EDEADLK - called from a handler of an event
 */
int ioasid_register_notifier(struct ioasid_set *set, struct notifier_block *nb)
{
	struct ioasid_sub *sub;
	int ret;

	might_sleep();
	if (!nb || !nb->notifier_call)
		return -EINVAL;
	if (ioasid_in_handler())
		return -EDEADLK;

	sub = kzalloc_obj(*sub);
	if (!sub)
		return -ENOMEM;
	sub->user = nb;
	sub->nb.notifier_call = ioasid_deliver;
	sub->nb.priority = nb->priority;

	if (set) {
		guard(mutex)(&set->evt->lock);
		ret = ioasid_subscribe(&set->chain, sub);
	} else {
		ret = ioasid_subscribe(&ioasid_global, sub);
	}
	if (ret)
		kfree(sub);
	else
		ioasid_set_get(set);
	return ret;
}
EXPORT_SYMBOL_GPL(ioasid_register_notifier);

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
		guard(mutex)(&set->evt->lock);
		sub = ioasid_unsubscribe(&set->chain, nb);
	} else {
		sub = ioasid_unsubscribe(&ioasid_global, nb);
	}
	if (!sub)
		return;
	kfree(sub);
	ioasid_set_put(set);
}
EXPORT_SYMBOL_GPL(ioasid_unregister_notifier);
