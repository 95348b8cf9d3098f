/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IOASID: what the files of the core share.
 *
 * ioasid-set.c	  sets, capacity and accounting
 * ioasid.c	  numbers: allocation, look-up, references, quarantine
 * ioasid-event.c subscribers and the delivery of events
 * ioasid-free.c  the death of a number and of a set
 *
 * Locks, outermost first:
 *
 *   ioasid_evt::lock		 one event of an mm or a private set at a time
 *     ioasid_chain::head.rwsem	 held for read while handlers run
 *       the subscriber's locks
 *         the core lock
 *
 * and ioasid_sub_lock (registrations) between ioasid_evt::lock and the core
 * lock, with no handler running under it.
 *
 * The core lock is the xa_lock of ioasid_ids, taken with interrupts off. It
 * guards every field of struct ioasid_entry and struct ioasid_set that is not
 * constant, and all accounting, so that each change of state is one step.
 * Look-ups by ioasid_find() and ioasid_alive() need RCU only.
 */
#ifndef __IOASID_INTERNAL_H
#define __IOASID_INTERNAL_H

#include <linux/ioasid.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

/*
 * enum ioasid_state - life of a number
 *
 *   ioasid_alloc()
 *        |
 *        v     ioasid_get(), first
 *      IDLE <------------------------> ACTIVE
 *        |     ioasid_put(), last        |
 *        |                               |
 *        +--------- any free ------------+
 *                      |
 *                      v
 *                FREE_PENDING   FREE and SYNC on their way, or references left
 *                      |
 *                      | SYNC has returned and the last reference is gone
 *                      v
 *                 QUARANTINE    one RCU grace period
 *                      |
 *                      v
 *              the number is free
 *
 * The order matters: a look-up refuses everything from FREE_PENDING on.
 */
enum ioasid_state {
	IOASID_IDLE,
	IOASID_ACTIVE,
	IOASID_FREE_PENDING,
	IOASID_QUARANTINE,
};

/**
 * struct ioasid_entry - one number that is not free
 * @set: owner, referenced; constant
 * @private: the owner's data, read under RCU
 * @mm: the address space that the number stands for, not referenced;
 *	NULL from the free on
 * @node: in ioasid_set::ids while alive, then in ioasid_set::due until its
 *	  FREE is sent
 * @rcu: ends the quarantine
 * @id: the number; constant
 * @refs: references of consumers
 * @state: an &enum ioasid_state, read by look-ups without the core lock
 * @event: FREE and SYNC are owed or being sent; keeps the number like a
 *	   reference. Stays set when a subscriber refused to let the number go.
 * @phase: which of ioasid_inflight counts the event
 */
struct ioasid_entry {
	struct ioasid_set *set;
	void __rcu *private;
	struct mm_struct *mm;
	struct list_head node;
	struct rcu_head rcu;
	ioasid_t id;
	unsigned int refs;
	u8 state;
	bool event;
	u8 phase;
};

/**
 * struct ioasid_chain - subscribers of a set or of everything
 * @head: the subscribers, see ioasid-event.c for the wrapper around each
 * @count: how many; raised before one is on @head and lowered after it has
 *	   left, so that 0 means that nobody can be missed; core lock
 */
struct ioasid_chain {
	struct blocking_notifier_head head;
	unsigned int count;
};

#define IOASID_CHAIN_INIT(name) { .head = BLOCKING_NOTIFIER_INIT((name).head) }

/**
 * struct ioasid_evt - one event at a time
 * @lock: held while an event runs
 * @mm: the key: all sets of an mm share one; NULL for a private set
 * @users: sets; core lock
 * @node: in ioasid_evts if @mm
 * @work: frees it, where the last reference was dropped in an interrupt
 */
struct ioasid_evt {
	struct mutex lock;	/* an event runs; outside subscribers' locks */
	struct mm_struct *mm;
	unsigned int users;
	struct list_head node;
	struct work_struct work;
};

/**
 * struct ioasid_set - an owner of numbers
 * @refs: references; each number and each registration holds one
 * @type: constant
 * @token: constant
 * @evt: serialises events; constant
 * @chain: subscribers of this set
 * @node: in ioasid_sets
 * @ids: numbers that are IDLE or ACTIVE
 * @due: numbers whose FREE is owed
 * @quota: guarantee and limit; 0: elastic
 * @used: numbers in any state
 * @pending: of those, FREE_PENDING or in quarantine
 * @peak: the most that @used has been
 * @serial: name in debugfs
 * @elastic: no guarantee, whatever @quota has become
 * @dying: ioasid_set_free() was called
 * @work: sends what is due for callers that cannot sleep
 */
struct ioasid_set {
	refcount_t refs;
	enum ioasid_set_type type;
	void *token;
	struct ioasid_evt *evt;
	struct ioasid_chain chain;
	struct list_head node;
	struct list_head ids;
	struct list_head due;
	unsigned int quota;
	unsigned int used;
	unsigned int pending;
	unsigned int peak;
	unsigned int serial;
	bool elastic;
	bool dying;
	struct work_struct work;
};

/* ioasid.c */
extern struct xarray ioasid_ids;

/*
 * A number in quarantine stays in the array as a tagged pointer: a look-up
 * under RCU does not follow it, so that one grace period is enough both for
 * the number and for the memory. Under the core lock it can be followed.
 */
#define IOASID_QUARANTINE_TAG	1

#define ioasid_lock(flags)	xa_lock_irqsave(&ioasid_ids, flags)
#define ioasid_unlock(flags)	xa_unlock_irqrestore(&ioasid_ids, flags)
#define ioasid_assert_locked()	lockdep_assert_held(&ioasid_ids.xa_lock)

struct ioasid_entry *ioasid_lookup(struct ioasid_set *set, ioasid_t id);
void ioasid_retire(struct ioasid_entry *e);

/* ioasid-set.c */
extern struct list_head ioasid_sets;

struct ioasid_usage {
	unsigned int total;
	unsigned int committed;
	unsigned int user_committed;
	unsigned int user_max;
};

ioasid_t ioasid_highest(void);
int ioasid_charge(struct ioasid_set *set);
void ioasid_uncharge(struct ioasid_set *set);
bool ioasid_set_mark_dying(struct ioasid_set *set);
void ioasid_get_usage(struct ioasid_usage *usage);

/* ioasid-event.c */
bool ioasid_in_handler(void);
bool ioasid_has_subscribers(struct ioasid_set *set);
void ioasid_send_due(struct ioasid_set *set);

/* ioasid-free.c */
void ioasid_free_work(struct work_struct *work);
void ioasid_event_over(struct ioasid_entry *e, bool stuck);

#endif /* __IOASID_INTERNAL_H */
