// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID: numbers that come from somebody else.
 *
 * A guest may use only the PASIDs that its hypervisor gives it. Then the
 * register interface of its IOMMU takes the place of the core's choice of a
 * number; sets, quotas, states and events are the same.
 *
 * All numbers that are out come from the allocator that is active: it is
 * exchanged only while none is.
 */
#define pr_fmt(fmt) "ioasid: " fmt

#include <linux/export.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "ioasid-internal.h"

static void ioasid_custom_work(struct work_struct *work);

/* Held while a number is got or given back; inside ioasid_evt::lock */
static DEFINE_MUTEX(ioasid_allocator_lock);

/* Changes under both locks */
struct ioasid_allocator_ops *ioasid_allocator;

/* Numbers to give back; core lock */
static LIST_HEAD(ioasid_returned);
static DECLARE_WORK(ioasid_return_work, ioasid_custom_work);

/* Would the number be paid for? So that nobody is asked in vain */
static int ioasid_may_charge(struct ioasid_entry *e, ioasid_t *max)
{
	unsigned long flags;
	int ret;

	ioasid_lock(flags);
	*max = min(*max, ioasid_highest());
	ret = ioasid_charge(e->set, e->cg);
	if (!ret)
		ioasid_uncharge(e->set, e->cg);
	ioasid_unlock(flags);
	return ret;
}

/* As ioasid_alloc_core(), for a task that holds IOASID_HOLD_ALLOCATOR */
int ioasid_custom_alloc(struct ioasid_entry *e, ioasid_t min, ioasid_t max,
			unsigned int *hold, ioasid_t *id)
{
	struct ioasid_allocator_ops *ops;
	ioasid_t got;
	int ret;

	guard(mutex)(&ioasid_allocator_lock);

	ops = ioasid_allocator;
	if (!ops)
		return ioasid_alloc_core(e, min, max, hold, id);

	ret = ioasid_may_charge(e, &max);
	if (ret)
		return ret;
	min = max(min, IOMMU_FIRST_GLOBAL_PASID);
	if (min > max)
		return -ENOSPC;

	got = ops->alloc(min, max, ops->pdata);
	if (got == IOMMU_PASID_INVALID)
		return -ENOSPC;
	if (xa_load(&ioasid_ids, got)) {
		/* It belongs to its user, so it is not given back */
		pr_warn_once("%ps gave IOASID %u, which is out\n", ops->alloc, got);
		return -ENOSPC;
	}
	if (got < min || got > max) {
		pr_warn_once("%ps gave IOASID %u, not one of %u to %u\n",
			     ops->alloc, got, min, max);
		ret = -ENOSPC;
	} else {
		ret = ioasid_alloc_core(e, got, got, hold, id);
	}
	if (ret)
		ops->free(got, ops->pdata);
	return ret;
}

static void ioasid_custom_work(struct work_struct *work)
{
	struct ioasid_entry *e, *next;
	unsigned long flags;
	LIST_HEAD(returned);

	guard(mutex)(&ioasid_allocator_lock);

	ioasid_lock(flags);
	list_splice_init(&ioasid_returned, &returned);
	ioasid_unlock(flags);

	list_for_each_entry_safe(e, next, &returned, node) {
		ioasid_allocator->free(e->id, ioasid_allocator->pdata);
		ioasid_recycle(e);
	}
}

/* The grace period of @e is over. It is given back where one may sleep */
void ioasid_custom_free(struct ioasid_entry *e)
{
	unsigned long flags;

	ioasid_lock(flags);
	list_add_tail(&e->node, &ioasid_returned);
	ioasid_unlock(flags);
	ioasid_queue(&ioasid_return_work);
}

void ioasid_custom_flush(void)
{
	flush_work(&ioasid_return_work);
}

/* The register interface of another IOMMU, with the same numbers behind it */
static bool ioasid_same_numbers(const struct ioasid_allocator_ops *a,
				const struct ioasid_allocator_ops *b)
{
	return a && b && a->alloc == b->alloc && a->free == b->free;
}

/* Exchanges the allocator if no number of the other one is out */
static int ioasid_exchange_allocator(struct ioasid_allocator_ops *ops)
{
	unsigned long flags;
	int ret = 0;

	lockdep_assert_held(&ioasid_allocator_lock);

	ioasid_lock(flags);
	if (!ioasid_same_numbers(ioasid_allocator, ops) && !xa_empty(&ioasid_ids))
		ret = -EBUSY;
	else
		WRITE_ONCE(ioasid_allocator, ops);
	ioasid_unlock(flags);
	return ret;
}

/**
 * ioasid_register_allocator() - Have the numbers chosen by somebody else.
 * @ops: The allocator, kept until it is unregistered or replaced.
 *
 * Replaces the active one, which may be the core itself, if none of its numbers
 * is out. An @ops with the functions of the active one and other data replaces
 * it in any case: the next IOMMU that has the same register.
 *
 * Context: Process context. May sleep. Not from a handler of an event.
 * Return:
 * * %0 - active
 * * %-EINVAL - no @ops, or one without functions
 * * %-EEXIST - @ops is active already
 * * %-EBUSY - numbers of another allocator are out
 * * %-EDEADLK - called from a handler of an event
 */
int ioasid_register_allocator(struct ioasid_allocator_ops *ops)
{
	might_sleep();
	if (!ops || !ops->alloc || !ops->free)
		return -EINVAL;
	if (ioasid_in_handler())
		return -EDEADLK;

	guard(mutex)(&ioasid_allocator_lock);

	if (ops == ioasid_allocator)
		return -EEXIST;
	return ioasid_exchange_allocator(ops);
}
EXPORT_SYMBOL_GPL(ioasid_register_allocator);

/**
 * ioasid_unregister_allocator() - Let the core choose again.
 * @ops: The active allocator. If it is not, or one of its numbers is out, that
 *	 is a bug of the caller: it warns once and nothing changes.
 *
 * Context: Process context. May sleep. Not from a handler of an event: warns
 * once and does nothing.
 */
void ioasid_unregister_allocator(struct ioasid_allocator_ops *ops)
{
	might_sleep();
	if (WARN_ONCE(ioasid_in_handler(), "ioasid: unregister in a handler\n"))
		return;

	guard(mutex)(&ioasid_allocator_lock);

	if (!ops || ops != ioasid_allocator)
		pr_warn_once("an allocator that is not active cannot be unregistered\n");
	else if (ioasid_exchange_allocator(NULL))
		pr_warn_once("%ps: numbers are out, the allocator stays\n", ops->alloc);
}
EXPORT_SYMBOL_GPL(ioasid_unregister_allocator);
