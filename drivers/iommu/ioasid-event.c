// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID: the delivery of events.
 *
 * An event goes to the subscribers for the mm, then to those of the set, then
 * to those of everything (the IOMMU drivers), by priority within each chain.
 * They are blocking notifier chains, because a subscriber waits for hardware.
 * Tear-down cannot fail for a subscriber's sake: it allocates nothing, and
 * every subscriber is called whatever the others say. Only BIND asks.
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

#include <linux/sched.h>
#include <linux/spinlock.h>

#include "ioasid-internal.h"

/**
 * struct ioasid_event - what is passed along the chains
 * @args: for the subscribers
 * @horizon: registrations with a higher serial came after it, and get neither
 *	     a BIND nor the UNBIND that takes it back
 * @end: where a BIND was refused: an UNBIND goes as far as that
 * @veto: the error of @end, or 0
 * @stopped: a subscriber said stop
 */
struct ioasid_event {
	struct ioasid_nb_args args;
	u64 horizon;
	struct {
		unsigned int level;
		int priority;
		u64 serial;
	} end;
	int veto;
	bool stopped;
};

static DEFINE_SPINLOCK(ioasid_sender_lock);
LIST_HEAD(ioasid_senders);

bool ioasid_is_sender(void)
{
	struct ioasid_sender *s;

	guard(spinlock_irqsave)(&ioasid_sender_lock);
	list_for_each_entry(s, &ioasid_senders, node)
		if (s->task == current)
			return in_task();
	return false;
}

void ioasid_sender_begin(struct ioasid_sender *s)
{
	s->task = current;
	guard(spinlock_irqsave)(&ioasid_sender_lock);
	list_add(&s->node, &ioasid_senders);
}

void ioasid_sender_end(struct ioasid_sender *s)
{
	guard(spinlock_irqsave)(&ioasid_sender_lock);
	list_del(&s->node);
}

/* Does @sub come before the one that refused? In the order of the calls */
static bool ioasid_before_end(const struct ioasid_sub *sub,
			      const struct ioasid_event *event)
{
	if (sub->level != event->end.level)
		return sub->level < event->end.level;
	if (sub->nb.priority != event->end.priority)
		return sub->nb.priority > event->end.priority;
	return READ_ONCE(sub->serial) < event->end.serial;
}

static bool ioasid_wants(const struct ioasid_sub *sub, unsigned long val,
			 const struct ioasid_event *event)
{
	if (val == IOASID_BIND)
		return READ_ONCE(sub->serial) <= event->horizon;
	if (event->veto)
		return READ_ONCE(sub->serial) <= event->horizon &&
		       ioasid_before_end(sub, event);
	return true;
}

static int ioasid_call(struct ioasid_sub *sub, unsigned long val,
		       struct ioasid_nb_args *args)
{
	int ret;

	ret = sub->user->notifier_call(sub->user, val, args);
	trace_ioasid_notify(args->set->serial, val, args,
			    sub->user->notifier_call, ret);
	return ret;
}

/* The handler of each chain's blocks: calls the subscriber's */
int ioasid_deliver(struct notifier_block *nb, unsigned long val, void *data)
{
	struct ioasid_sub *sub = container_of(nb, struct ioasid_sub, nb);
	struct ioasid_event *event = data;
	int ret;

	if (!ioasid_wants(sub, val, event))
		return NOTIFY_DONE;

	ret = ioasid_call(sub, val, &event->args);
	if (val == IOASID_BIND) {
		event->veto = notifier_to_errno(ret);
		if (!event->veto)
			return NOTIFY_OK;
		event->end.level = sub->level;
		event->end.priority = sub->nb.priority;
		event->end.serial = sub->serial;
		return NOTIFY_BAD;
	}
	if (ret & NOTIFY_STOP_MASK) {
		event->stopped = true;
		pr_warn_once("%ps stopped event %lu of IOASID %u, which cannot be stopped\n",
			     sub->user->notifier_call, val, event->args.id);
	}
	return NOTIFY_OK;
}

static void ioasid_event_init(struct ioasid_event *event,
			      struct ioasid_set *set, struct ioasid_entry *e)
{
	*event = (struct ioasid_event) {
		.args = {
			.id = e ? e->id : 0,
			.spid = e ? e->spid : IOMMU_PASID_INVALID,
			.set = set,
			.type = set->type,
			.token = set->token,
			.pdata = e ? rcu_access_pointer(e->private) : NULL,
		},
	};
}

/* Calls the chains in their order, as long as nobody refuses */
static void ioasid_send(struct ioasid_set *set, enum ioasid_notify_val val,
			struct ioasid_event *event)
{
	struct ioasid_chain *chains[IOASID_LEVELS] = {
		[IOASID_LEVEL_MM] = &set->evt->chain,
		[IOASID_LEVEL_SET] = &set->chain,
		[IOASID_LEVEL_GLOBAL] = val == IOASID_ALLOC ? NULL : &ioasid_global,
	};

	lockdep_assert_held(&set->evt->lock);

	for (unsigned int i = 0; i < IOASID_LEVELS; i++) {
		if (chains[i] && blocking_notifier_call_chain(&chains[i]->head, val, event) ==
				 NOTIFY_BAD)
			break;
	}
}

/* Returns whether a subscriber said stop. @e is NULL for SYNC */
static bool ioasid_send_end(struct ioasid_set *set, enum ioasid_notify_val val,
			    struct ioasid_entry *e)
{
	struct ioasid_event event;

	ioasid_event_init(&event, set, e);
	ioasid_send(set, val, &event);
	return event.stopped;
}

/* One event to one subscriber, which comes later than the others */
int ioasid_tell(struct ioasid_sub *sub, enum ioasid_notify_val val,
		struct ioasid_entry *e)
{
	struct ioasid_event event;

	ioasid_event_init(&event, e->set, e);
	return notifier_to_errno(ioasid_call(sub, val, &event.args));
}

/* Returns the error of a subscriber that refused; then none has it any more */
int ioasid_send_bind(struct ioasid_entry *e)
{
	struct ioasid_sender sender;
	struct ioasid_event event;

	ioasid_event_init(&event, e->set, e);
	event.horizon = ioasid_sub_serial();
	ioasid_sender_begin(&sender);
	ioasid_send(e->set, IOASID_BIND, &event);
	if (event.veto)
		ioasid_send(e->set, IOASID_UNBIND, &event);
	ioasid_sender_end(&sender);
	return event.veto;
}

/*
 * The same for the subscribers of one mm only, which @e comes to or leaves with
 * its set. An UNBIND cannot be refused.
 */
int ioasid_send_move(struct ioasid_evt *evt, enum ioasid_notify_val val,
		     struct ioasid_entry *e)
{
	struct ioasid_event event;

	lockdep_assert_held(&evt->lock);

	ioasid_event_init(&event, e->set, e);
	event.args.token = evt->mm;
	event.horizon = ioasid_sub_serial();
	blocking_notifier_call_chain(&evt->chain.head, val, &event);
	if (event.veto)
		blocking_notifier_call_chain(&evt->chain.head, IOASID_UNBIND,
					     &event);
	return event.veto;
}

void ioasid_send_unbind(struct ioasid_entry *e)
{
	struct ioasid_sender sender;

	ioasid_sender_begin(&sender);
	ioasid_send_end(e->set, IOASID_UNBIND, e);
	ioasid_sender_end(&sender);
}

void ioasid_send_alloc(struct ioasid_entry *e)
{
	struct ioasid_sender sender;

	ioasid_sender_begin(&sender);
	ioasid_send_end(e->set, IOASID_ALLOC, e);
	ioasid_sender_end(&sender);
}

/* A bound number loses its name before it dies */
static bool ioasid_send_free(struct ioasid_entry *e)
{
	if (e->bind != IOASID_UNBOUND) {
		ioasid_send_end(e->set, IOASID_UNBIND, e);
		ioasid_unbind(e);
	}
	return ioasid_send_end(e->set, IOASID_FREE, e);
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

	guard(ioasid_evt)(set);

	ioasid_lock(flags);
	list_splice_init(&set->due, &batch);
	ioasid_unlock(flags);
	if (list_empty(&batch))
		return;

	ioasid_sender_begin(&sender);
	list_for_each_entry_safe(e, next, &batch, node)
		if (ioasid_send_free(e))
			list_move(&e->node, &stuck);
	lost = ioasid_send_end(set, IOASID_SYNC, NULL);
	ioasid_sender_end(&sender);

	list_for_each_entry_safe(e, next, &batch, node)
		ioasid_event_over(e, lost);
	list_for_each_entry_safe(e, next, &stuck, node)
		ioasid_event_over(e, true);
}
