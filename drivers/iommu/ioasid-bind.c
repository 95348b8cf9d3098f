// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID: the guest's names for numbers.
 *
 * A guest has PASIDs of its own. In the set of a guest, an IOASID is bound to
 * one of these, its SPID. Whoever translates between the two (KVM) is asked by
 * BIND and may refuse, and is told by UNBIND.
 *
 *   ioasid_attach_spid()               ioasid_free() of the same number
 *    evt->lock
 *    core lock: BINDING
 *    BIND to the subscribers
 *                                       core lock: FREE_PENDING; not UNBOUND,
 *                                        so FREE is owed in any case
 *    core lock: BOUND                   waits for evt->lock
 *    unlock
 *                                       UNBIND, FREE, SYNC
 *
 * [Required: who got BIND gets UNBIND before FREE, and the entry stays while
 *  BIND is on its way]
 */
#include <linux/export.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "ioasid-internal.h"

/* A number that is not UNBOUND stays where it is until evt->lock is dropped */
static struct ioasid_entry *ioasid_bind_begin(struct ioasid_set *set,
					      ioasid_t id, ioasid_t spid)
{
	struct ioasid_entry *e;
	unsigned long flags;

	lockdep_assert_held(&set->evt->lock);

	ioasid_lock(flags);
	e = ioasid_lookup(set, id);
	if (IS_ERR(e)) {
		;
	} else if (e->state >= IOASID_FREE_PENDING) {
		e = ERR_PTR(-EBUSY);
	} else if (e->bind != IOASID_UNBOUND) {
		e = ERR_PTR(-EEXIST);
	} else {
		e->spid = spid;
		WRITE_ONCE(e->bind, IOASID_BINDING);
	}
	ioasid_unlock(flags);
	return e;
}

static void ioasid_bind_end(struct ioasid_entry *e, enum ioasid_bind bind)
{
	unsigned long flags;

	ioasid_lock(flags);
	if (bind == IOASID_UNBOUND)
		e->spid = IOMMU_PASID_INVALID;
	WRITE_ONCE(e->bind, bind);
	ioasid_unlock(flags);
}

static void ioasid_bind_forget(struct ioasid_entry *e)
{
	if (e->spid != IOMMU_PASID_INVALID)
		xa_erase(&e->set->spids, e->spid);
	xa_erase(&e->set->evt->bound, e->id);
}

static int ioasid_bind_store(struct ioasid_entry *e)
{
	int ret = 0;

	if (e->spid != IOMMU_PASID_INVALID)
		ret = xa_insert(&e->set->spids, e->spid, e, GFP_KERNEL);
	if (ret)
		return ret == -EBUSY ? -EEXIST : ret;

	ret = xa_insert(&e->set->evt->bound, e->id, e, GFP_KERNEL);
	if (ret && e->spid != IOMMU_PASID_INVALID)
		xa_erase(&e->set->spids, e->spid);
	return ret;
}

static int ioasid_bind(struct ioasid_set *set, ioasid_t id, ioasid_t spid)
{
	struct ioasid_entry *e;
	int ret;

	might_sleep();
	if (ioasid_in_handler())
		return -EDEADLK;

	guard(ioasid_evt)(set);

	e = ioasid_bind_begin(set, id, spid);
	if (IS_ERR(e))
		return PTR_ERR(e);
	ret = ioasid_bind_store(e);
	if (!ret) {
		ret = ioasid_send_bind(e);
		if (ret)
			ioasid_bind_forget(e);
	}
	ioasid_bind_end(e, ret ? IOASID_UNBOUND : IOASID_BOUND);
	return ret;
}

/* UNBIND for @e has been sent */
void ioasid_unbind(struct ioasid_entry *e)
{
	lockdep_assert_held(&e->set->evt->lock);

	ioasid_bind_forget(e);
	ioasid_bind_end(e, IOASID_UNBOUND);
}

/* From here on the number is not found by its SPID */
static struct ioasid_entry *ioasid_unbind_begin(struct ioasid_set *set,
						ioasid_t id, bool named)
{
	struct ioasid_entry *e;
	unsigned long flags;

	ioasid_lock(flags);
	e = ioasid_lookup(set, id);
	if (IS_ERR(e))
		;
	else if (e->state >= IOASID_FREE_PENDING)
		e = ERR_PTR(-EBUSY);
	else if (e->bind != IOASID_BOUND ||
		 named != (e->spid != IOMMU_PASID_INVALID))
		e = ERR_PTR(-ENOENT);
	else
		WRITE_ONCE(e->bind, IOASID_BINDING);
	ioasid_unlock(flags);
	return e;
}

static int ioasid_unbind_one(struct ioasid_set *set, ioasid_t id, bool named)
{
	struct ioasid_entry *e;

	might_sleep();
	if (ioasid_in_handler())
		return -EDEADLK;

	guard(ioasid_evt)(set);

	e = ioasid_unbind_begin(set, id, named);
	if (IS_ERR(e))
		return PTR_ERR(e);
	ioasid_send_unbind(e);
	ioasid_unbind(e);
	return 0;
}

/**
 * ioasid_attach_spid() - Bind an IOASID to a guest's PASID.
 * @set: The owner.
 * @id: The IOASID.
 * @spid: The guest's name for it, 1 … (1 << 20) - 1; used once in a set.
 *
 * Sends BIND. If a subscriber refuses, those that had agreed get UNBIND and
 * nothing is changed. ioasid_find_by_spid() finds @id when all have agreed.
 *
 * Context: Process context. May sleep. Not from a handler of an event.
 * Return:
 * * %0 - bound
 * * %-EINVAL - no @set, or @spid is out of range
 * * %-ENOENT - there is no such IOASID
 * * %-EACCES - another set owns it
 * * %-EBUSY - it was freed
 * * %-EEXIST - it is bound already, or @spid is taken in @set
 * * %-ENOMEM - out of memory
 * * %-EDEADLK - called from a handler of an event
 * * the error of the subscriber that refused
 */
int ioasid_attach_spid(struct ioasid_set *set, ioasid_t id, ioasid_t spid)
{
	if (!set || !spid || spid >= 1U << IOASID_MAX_BITS)
		return -EINVAL;
	return ioasid_bind(set, id, spid);
}
EXPORT_SYMBOL_GPL(ioasid_attach_spid);

/**
 * ioasid_detach_spid() - Take the guest's name from an IOASID.
 * @set: The owner.
 * @id: The IOASID.
 *
 * Sends UNBIND, after which the name is free for another IOASID. A free does
 * the same before it sends FREE.
 *
 * Context: Process context. May sleep. Not from a handler of an event.
 * Return:
 * * %0 - done
 * * %-EINVAL - no @set
 * * %-ENOENT - there is no such IOASID, or it has no name
 * * %-EACCES - another set owns it
 * * %-EBUSY - it was freed
 * * %-EDEADLK - called from a handler of an event
 */
int ioasid_detach_spid(struct ioasid_set *set, ioasid_t id)
{
	if (!set)
		return -EINVAL;
	return ioasid_unbind_one(set, id, true);
}
EXPORT_SYMBOL_GPL(ioasid_detach_spid);

/**
 * ioasid_notify() - Send BIND or UNBIND for an IOASID without a guest's name.
 * @set: The owner.
 * @id: The IOASID.
 * @event: %IOASID_BIND or %IOASID_UNBIND.
 *
 * For a publisher whose guest has no number of its own: the SPID of the events
 * is %IOMMU_PASID_INVALID. Else as ioasid_attach_spid() and
 * ioasid_detach_spid(), and not to be mixed with these.
 *
 * Context: Process context. May sleep. Not from a handler of an event.
 * Return:
 * * %0 - done
 * * %-EINVAL - no @set, or another @event
 * * %-ENOENT - there is no such IOASID, or, for UNBIND, it is not bound so
 * * %-EACCES - another set owns it
 * * %-EBUSY - it was freed
 * * %-EEXIST - for BIND, it is bound already
 * * %-ENOMEM - out of memory
 * * %-EDEADLK - called from a handler of an event
 * * for BIND, the error of the subscriber that refused
 */
int ioasid_notify(struct ioasid_set *set, ioasid_t id,
		  enum ioasid_notify_val event)
{
	if (!set)
		return -EINVAL;
	switch (event) {
	case IOASID_BIND:
		return ioasid_bind(set, id, IOMMU_PASID_INVALID);
	case IOASID_UNBIND:
		return ioasid_unbind_one(set, id, false);
	default:
		return -EINVAL;
	}
}
EXPORT_SYMBOL_GPL(ioasid_notify);

/**
 * ioasid_find_by_spid() - The IOASID that a guest means.
 * @set: The set of the guest.
 * @spid: The guest's name.
 * @id: Where to store the IOASID; unchanged on failure.
 *
 * Context: Any context.
 * Return:
 * * %0 - found
 * * %-EINVAL - no @set
 * * %-ENOENT - nothing in @set has this name, or it was freed, or not all
 *   subscribers have agreed yet
 */
int ioasid_find_by_spid(struct ioasid_set *set, ioasid_t spid, ioasid_t *id)
{
	struct ioasid_entry *e;

	if (!set || !id)
		return -EINVAL;

	guard(rcu)();
	e = xa_load(&set->spids, spid);
	if (!e || READ_ONCE(e->bind) != IOASID_BOUND ||
	    READ_ONCE(e->state) >= IOASID_FREE_PENDING)
		return -ENOENT;
	*id = e->id;
	return 0;
}
EXPORT_SYMBOL_GPL(ioasid_find_by_spid);
