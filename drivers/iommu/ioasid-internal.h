/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IOASID: what the files of the core share.
 *
 * ioasid-set.c	      sets, capacity and accounting
 * ioasid.c	      numbers: allocation, look-up, references, quarantine
 * ioasid-allocator.c numbers that come from a hypervisor
 * ioasid-event.c     the delivery of events
 * ioasid-notifier.c  subscribers
 * ioasid-bind.c      the guest's names for numbers
 * ioasid-move.c      sets that get another mm
 * ioasid-free.c      the death of a number and of a set
 *
 * Locks, outermost first:
 *
 *   ioasid_evt::lock		 one event of an mm or a private set at a time
 *     ioasid_chain::head.rwsem	 held for read while handlers run
 *       the subscriber's locks
 *         the core lock
 *     ioasid_sub_lock		 registrations; no handler runs under it
 *       the core lock
 *     ioasid_allocator_lock	 a custom allocator runs
 *       the core lock
 *
 * The core lock is the xa_lock of ioasid_ids, taken with interrupts off. It
 * guards every field of struct ioasid_entry and struct ioasid_set that is not
 * constant, and all accounting, so that each change of state is one step.
 * Look-ups by ioasid_find() and ioasid_alive() need RCU only.
 */
#ifndef __IOASID_INTERNAL_H
#define __IOASID_INTERNAL_H

#include <linux/cleanup.h>
#include <linux/ioasid.h>
#include <linux/list.h>
#include <linux/misc_cgroup.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <trace/events/ioasid.h>

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
 *                 QUARANTINE    one RCU grace period, then a custom
 *                      |        allocator's free
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
	IOASID_FREE_AGAIN,	/* for traces only */
};

/*
 * enum ioasid_bind - has the number a guest's name, or was it bound without
 *
 * Changes under the core lock and ioasid_evt::lock together, so that either is
 * enough to read it. A number that is not UNBOUND is not retired without
 * ioasid_evt::lock.
 */
enum ioasid_bind {
	IOASID_UNBOUND,
	IOASID_BINDING,		/* BIND or UNBIND is on its way */
	IOASID_BOUND,
};

/* In place of an index of ioasid_inflight */
#define IOASID_PHASE_OVER	2

/**
 * struct ioasid_entry - one number that is not free
 * @set: owner, which all its numbers keep together; constant
 * @private: the owner's data, read under RCU. The free leaves it as it is: who
 *	     has found the entry before is not to read NULL instead.
 * @mm: the address space that the number stands for, not referenced;
 *	NULL from the free on
 * @node: in ioasid_set::ids while alive, then in ioasid_set::due until its
 *	  FREE is sent; in ioasid_returned after the grace period
 * @rcu: ends the quarantine; from ioasid_retire() to the end of the grace period
 * @cg: the cgroup that pays for this number alone; constant
 * @id: the number; constant
 * @spid: the guest's name for it, IOMMU_PASID_INVALID if none
 * @refs: references of consumers
 * @state: an &enum ioasid_state, read by ioasid_find_by_spid() without the core lock
 * @event: FREE and SYNC are owed or being sent; keeps the number like a
 *	   reference. Stays set when a subscriber refused to let the number go.
 * @phase: which of ioasid_inflight counts the event; %IOASID_PHASE_OVER from its
 *	   end on, when nobody may detach the data any more
 * @bind: an &enum ioasid_bind
 *
 * 64 bytes on a 64-bit machine: a look-up or a free loads one cache line.
 */
struct ioasid_entry {
	struct ioasid_set *set;
	void __rcu *private;
	struct mm_struct *mm;
	union {
		struct list_head node;
		struct rcu_head rcu;
	};
	struct misc_cg *cg;
	ioasid_t id;
	ioasid_t spid;
	unsigned int refs;
	u8 state;
	u8 phase;
	u8 bind;
	bool event;
};

/**
 * struct ioasid_chain - subscribers of a set, of an mm or of everything
 * @head: the subscribers, see struct ioasid_sub for the wrapper around each
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
 * @users: sets, and registrations for @mm; core lock
 * @node: in ioasid_evts if @mm
 * @chain: subscribers for @mm
 * @bound: numbers whose BIND was sent and whose UNBIND was not; @lock
 * @work: frees it, where the last reference was dropped in an interrupt
 * @rcu: keeps the memory for who looks whether it is the right one
 */
struct ioasid_evt {
	struct mutex lock;	/* an event runs; outside subscribers' locks */
	struct mm_struct *mm;
	unsigned int users;
	struct hlist_node node;
	struct ioasid_chain chain;
	struct xarray bound;
	struct work_struct work;
	struct rcu_head rcu;
};

/**
 * struct ioasid_set - an owner of numbers
 * @refs: references; each registration holds one, and all numbers together
 * @type: constant
 * @token: constant, but for ioasid_set_move()
 * @evt: serialises events; changed under its own lock, that of the next, and the
 *	 core lock, so that one of them is enough to read it
 * @chain: subscribers of this set
 * @node: in ioasid_sets
 * @ids: numbers that are IDLE or ACTIVE
 * @due: numbers whose FREE is owed
 * @spids: numbers by the guest's names; written under ioasid_evt::lock, read
 *	   under RCU
 * @cg: the cgroup that pays for the guarantee; constant
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
	struct xarray spids;
	struct misc_cg *cg;
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
 * From its free on a number stays in the array as a tagged pointer: a look-up
 * under RCU does not follow it, so that it need not ask for the state, and one
 * grace period is enough both for the number and for the memory. Under the core
 * lock it can be followed.
 */
#define IOASID_DEAD_TAG	1

#define ioasid_lock(flags)	xa_lock_irqsave(&ioasid_ids, flags)
#define ioasid_unlock(flags)	xa_unlock_irqrestore(&ioasid_ids, flags)
#define ioasid_assert_locked()	lockdep_assert_held(&ioasid_ids.xa_lock)

/* What an allocation has to hold when its number becomes visible */
#define IOASID_HOLD_EVT		BIT(0)	/* subscribers hear of it */
#define IOASID_HOLD_ALLOCATOR	BIT(1)	/* a custom allocator is active */

/* By enum ioasid_state */
extern const char * const ioasid_state_names[];
const char *ioasid_type_name(const struct ioasid_set *set);

struct ioasid_entry *ioasid_lookup(struct ioasid_set *set, ioasid_t id);
struct ioasid_entry *ioasid_lookup_at(struct xa_state *xas, struct ioasid_set *set);
int ioasid_alloc_core(struct ioasid_entry *e, ioasid_t min, ioasid_t max,
		      unsigned int *hold, ioasid_t *id);
void ioasid_retire(struct ioasid_entry *e);

static inline void ioasid_set_state(struct ioasid_entry *e,
				    enum ioasid_state state)
{
	ioasid_assert_locked();

	trace_ioasid_state(e->set->serial, e->id, e->refs, e->state, state);
	WRITE_ONCE(e->state, state);
}

void ioasid_recycle(struct ioasid_entry *e);

/* ioasid-allocator.c */
/* NULL: the core chooses */
extern struct ioasid_allocator_ops *ioasid_allocator;

static inline bool ioasid_has_allocator(void)
{
	return READ_ONCE(ioasid_allocator);
}

int ioasid_custom_alloc(struct ioasid_entry *e, ioasid_t min, ioasid_t max,
			unsigned int *hold, ioasid_t *id);
void ioasid_custom_free(struct ioasid_entry *e);
void ioasid_custom_flush(void);

/* ioasid-set.c */
extern struct list_head ioasid_sets;

struct ioasid_usage {
	unsigned int total;
	unsigned int committed;
	unsigned int user_committed;
	unsigned int user_max;
};

extern unsigned int ioasid_total;

/* The highest number there is */
static inline ioasid_t ioasid_highest(void)
{
	ioasid_assert_locked();

	return ioasid_total - 1;
}

struct misc_cg *ioasid_payer(struct ioasid_set *set);
int ioasid_charge(struct ioasid_set *set, struct misc_cg *cg);
void ioasid_uncharge(struct ioasid_set *set, struct misc_cg *cg);
bool ioasid_set_mark_dying(struct ioasid_set *set);
void ioasid_get_usage(struct ioasid_usage *usage);

/* ioasid-event.c */

/**
 * struct ioasid_sub - a registration
 * @nb: on the chain; calls @user
 * @user: the subscriber's block
 * @chain: where @nb is
 * @set: keeps @chain, for a chain of a set
 * @evt: the same for a chain of an mm
 * @node: in ioasid_subs
 * @serial: counts registrations: equal priorities are called in this order
 * @level: order of the chains that an event goes to
 *
 * The wrapper keeps a stop value of one subscriber from hiding the event from
 * those behind it.
 */
struct ioasid_sub {
	struct notifier_block nb;
	struct notifier_block *user;
	struct ioasid_chain *chain;
	struct ioasid_set *set;
	struct ioasid_evt *evt;
	struct hlist_node node;
	u64 serial;
	unsigned int level;
};

enum ioasid_level {
	IOASID_LEVEL_MM,
	IOASID_LEVEL_SET,
	IOASID_LEVEL_GLOBAL,
	IOASID_LEVELS,
};

/* A task that runs handlers, on its stack */
struct ioasid_sender {
	struct task_struct *task;
	struct list_head node;
};

extern struct list_head ioasid_senders;
extern struct ioasid_chain ioasid_global;

bool ioasid_is_sender(void);

/*
 * Is the caller a handler? It holds the event lock and the chain for read, so
 * everything that would take them again must know. What this task has put on
 * the list it sees without the lock.
 */
static inline bool ioasid_in_handler(void)
{
	return !list_empty(&ioasid_senders) && ioasid_is_sender();
}

static inline bool ioasid_has_alloc_subscribers(struct ioasid_set *set)
{
	ioasid_assert_locked();

	return set->chain.count || set->evt->chain.count;
}

static inline bool ioasid_has_subscribers(struct ioasid_set *set)
{
	return ioasid_has_alloc_subscribers(set) || ioasid_global.count;
}

void ioasid_sender_begin(struct ioasid_sender *s);
void ioasid_sender_end(struct ioasid_sender *s);
int ioasid_deliver(struct notifier_block *nb, unsigned long val, void *data);
int ioasid_tell(struct ioasid_sub *sub, enum ioasid_notify_val val,
		struct ioasid_entry *e);
int ioasid_send_bind(struct ioasid_entry *e);
int ioasid_send_move(struct ioasid_evt *evt, enum ioasid_notify_val val,
		     struct ioasid_entry *e);
void ioasid_send_unbind(struct ioasid_entry *e);
void ioasid_send_alloc(struct ioasid_entry *e);
void ioasid_send_due(struct ioasid_set *set);

/* ioasid-notifier.c */
void ioasid_evt_init(struct ioasid_evt *evt, struct mm_struct *mm);
struct ioasid_evt *ioasid_evt_alloc(struct mm_struct *mm);
struct ioasid_evt *ioasid_evt_share(struct ioasid_evt *evt);
struct ioasid_evt *ioasid_evt_get(struct mm_struct *mm);
void ioasid_evt_put(struct ioasid_evt *evt);
void ioasid_evt_free(struct ioasid_evt *evt);
bool ioasid_evt_last_put(struct ioasid_evt *evt);
bool ioasid_evt_trylock(struct ioasid_set *set);
void ioasid_evt_lock(struct ioasid_set *set);

static inline void ioasid_evt_unlock(struct ioasid_set *set)
{
	mutex_unlock(&set->evt->lock);
}

/* One event at a time for @set, whose reference the caller has */
DEFINE_GUARD(ioasid_evt, struct ioasid_set *, ioasid_evt_lock(_T), ioasid_evt_unlock(_T))

u64 ioasid_sub_serial(void);

/* ioasid-bind.c */
void ioasid_unbind(struct ioasid_entry *e);

/* ioasid-free.c */
void ioasid_free_work(struct work_struct *work);
void ioasid_event_over(struct ioasid_entry *e, bool stuck);
bool ioasid_queue(struct work_struct *work);

#endif /* __IOASID_INTERNAL_H */
