// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID: numbers. Their allocation, look-up, references and quarantine.
 *
 * See ioasid-internal.h for the life of a number and the locks.
 */
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "ioasid-internal.h"

DEFINE_XARRAY_FLAGS(ioasid_ids, XA_FLAGS_ALLOC | XA_FLAGS_LOCK_IRQ);

/*
 * Where to look next, one for each power-of-two width of the range. Counts up
 * only; modulo the length of the range it says where to start.
 */
static u32 ioasid_cursor[IOASID_MAX_BITS + 1];

static bool ioasid_find_free(struct xa_state *xas, ioasid_t min, ioasid_t max)
{
	xas_set(xas, min);
	xas_find_marked(xas, max, XA_FREE_MARK);
	return xas->xa_node != XAS_RESTART;
}

/*
 * Puts @xas on a free number. The upper half of @min … @max comes first, then
 * the upper half of what is left, and so on: a device with wide PASIDs spares
 * the numbers that a narrow one needs. Within such a part numbers are taken in
 * turn, so that one comes back as late as can be: quarantine makes reuse safe,
 * this makes the traces of a stray DMA easier to read.
 */
static bool ioasid_place(struct xa_state *xas, ioasid_t min, ioasid_t max)
{
	ioasid_t lo, start, span;
	u32 *cursor;

	for (;;) {
		lo = max(min, (max + 1) / 2);
		span = max - lo + 1;
		cursor = &ioasid_cursor[fls(max)];
		/* A division takes longer than all else here; most ranges need none */
		start = lo + (is_power_of_2(span) ? *cursor & (span - 1) : *cursor % span);

		if (ioasid_find_free(xas, start, max)) {
			*cursor += xas->xa_index - start + 1;
			return true;
		}
		if (start > lo && ioasid_find_free(xas, lo, start - 1)) {
			*cursor += xas->xa_index + span - start + 1;
			return true;
		}
		if (lo == min)
			return false;
		max = lo - 1;
	}
}

/* Gives @e a free number of @min … @max and makes it visible */
static int ioasid_insert(struct xa_state *xas, struct ioasid_entry *e,
			 ioasid_t min, ioasid_t max)
{
	struct ioasid_set *set = e->set;
	int ret;

	ioasid_assert_locked();

	min = max(min, IOMMU_FIRST_GLOBAL_PASID);
	max = min(max, ioasid_highest());
	if (min > max || !ioasid_place(xas, min, max))
		return -ENOSPC;
	e->id = xas->xa_index;
	xas_store(xas, e);
	ret = xas_error(xas);
	if (ret)
		return ret;

	xas_clear_mark(xas, XA_FREE_MARK);
	set->peak = max(set->peak, set->used);
	list_add_tail(&e->node, &set->ids);
	/* The first holds the set for all */
	if (set->used == 1)
		ioasid_set_get(set);
	trace_ioasid_alloc(set->serial, e->id, set->used);
	return 0;
}

/* What is missing in @held; an empty answer stays true under the core lock */
static unsigned int ioasid_to_hold(struct ioasid_set *set, unsigned int held)
{
	unsigned int need = 0;

	if (ioasid_has_alloc_subscribers(set))
		need |= IOASID_HOLD_EVT;
	if (ioasid_has_allocator())
		need |= IOASID_HOLD_ALLOCATOR;
	return need & ~held;
}

/* Raises @hold and returns -EAGAIN if more has to be held than @hold */
int ioasid_alloc_core(struct ioasid_entry *e, ioasid_t min, ioasid_t max,
		      unsigned int *hold, ioasid_t *id)
{
	XA_STATE(xas, &ioasid_ids, 0);
	unsigned int missing;
	int ret;

	/* Nothing is charged while memory is got with the lock dropped */
	do {
		xas_lock_irq(&xas);
		missing = ioasid_to_hold(e->set, *hold);
		ret = missing ? -EAGAIN : ioasid_charge(e->set, e->cg);
		if (!ret) {
			ret = ioasid_insert(&xas, e, min, max);
			if (ret)
				ioasid_uncharge(e->set, e->cg);
			else
				*id = e->id;
		}
		xas_unlock_irq(&xas);
	} while (xas_nomem(&xas, GFP_KERNEL));

	*hold |= missing;
	return ret;
}

static int ioasid_alloc_held(struct ioasid_entry *e, ioasid_t min, ioasid_t max,
			     unsigned int *hold, ioasid_t *id)
{
	if (*hold & IOASID_HOLD_ALLOCATOR)
		return ioasid_custom_alloc(e, min, max, hold, id);
	return ioasid_alloc_core(e, min, max, hold, id);
}

/*
 * With subscribers to ALLOC: a free of the new number that comes at once owes
 * its FREE behind the event lock, so that @e stays and ALLOC is the first. They
 * come and go under that lock. If all have gone before it was got here, nobody
 * is to be told, and nothing keeps @e once it is visible.
 */
static int ioasid_alloc_told(struct ioasid_entry *e, ioasid_t min, ioasid_t max,
			     unsigned int *hold, ioasid_t *id)
{
	unsigned long flags;
	bool tell;
	int ret;

	guard(ioasid_evt)(e->set);

	ioasid_lock(flags);
	tell = ioasid_has_alloc_subscribers(e->set);
	ioasid_unlock(flags);

	ret = ioasid_alloc_held(e, min, max, hold, id);
	if (!ret && tell)
		ioasid_send_alloc(e);
	return ret;
}

static int ioasid_alloc_entry(struct ioasid_set *set, ioasid_t min,
			      ioasid_t max, void *private, struct mm_struct *mm,
			      ioasid_t *id)
{
	unsigned int hold = 0;
	struct ioasid_entry *e;
	int ret;

	might_sleep();
	if (!set || !id || min > max)
		return -EINVAL;
	if (ioasid_in_handler())
		return -EDEADLK;

	e = kzalloc_obj(*e, GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	e->set = set;
	e->mm = mm;
	e->cg = ioasid_payer(set);
	e->spid = IOMMU_PASID_INVALID;
	RCU_INIT_POINTER(e->private, private);

	do {
		if (hold & IOASID_HOLD_EVT)
			ret = ioasid_alloc_told(e, min, max, &hold, id);
		else
			ret = ioasid_alloc_held(e, min, max, &hold, id);
	} while (ret == -EAGAIN);

	if (ret) {
		put_misc_cg(e->cg);
		kfree(e);
	}
	return ret;
}

/**
 * ioasid_alloc() - Allocate an IOASID from a set.
 * @set: Set to charge; the caller holds a reference.
 * @min: Lowest acceptable IOASID (inclusive); 0 counts as 1.
 * @max: Highest acceptable IOASID (inclusive); clipped to the capacity.
 * @private: The owner's data, returned by ioasid_find(); may be NULL.
 * @id: Where to store the new IOASID; unchanged on failure.
 *
 * The IOASID has no consumer reference yet. High numbers of the range come
 * first, because narrow devices need the low ones, and a number that was freed
 * comes back late. On failure the usage of @set is unchanged.
 *
 * Context: Process context. May sleep. Not from a handler of an event.
 * Return:
 * * %0 - @id holds the new IOASID
 * * %-EINVAL - no @set, or @min is above @max
 * * %-EDQUOT - the quota of @set is used up, or that of the caller's misc
 *   cgroup, which pays for a number of an elastic set
 * * %-ENOSPC - no free IOASID in the range, or none left for an elastic set
 * * %-ENOMEM - out of memory
 * * %-ESHUTDOWN - @set is dying
 * * %-EDEADLK - called from a handler of an event
 */
int ioasid_alloc(struct ioasid_set *set, ioasid_t min, ioasid_t max,
		 void *private, ioasid_t *id)
{
	return ioasid_alloc_entry(set, min, max, private, NULL, id);
}
EXPORT_SYMBOL_GPL(ioasid_alloc);

/**
 * ioasid_alloc_mm() - Allocate an IOASID that stands for an address space.
 * @set: Set to charge; the caller holds a reference.
 * @min: Lowest acceptable IOASID (inclusive); 0 counts as 1.
 * @max: Highest acceptable IOASID (inclusive); clipped to the capacity.
 * @mm: The address space, for ioasid_find_mm(). No reference is taken: the
 *	caller frees the IOASID before @mm goes, and the core forgets @mm at
 *	that call.
 * @id: Where to store the new IOASID; unchanged on failure.
 *
 * Context: Process context. May sleep. Not from a handler of an event.
 * Return: As ioasid_alloc(), and
 * * %-EINVAL - no @mm
 */
int ioasid_alloc_mm(struct ioasid_set *set, ioasid_t min, ioasid_t max,
		    struct mm_struct *mm, ioasid_t *id)
{
	if (!mm)
		return -EINVAL;
	return ioasid_alloc_entry(set, min, max, NULL, mm, id);
}
EXPORT_SYMBOL_GPL(ioasid_alloc_mm);

/*
 * The entry of the number that @xas stands for if @set owns it, in any state.
 * ERR_PTR -EINVAL, -ENOENT or -EACCES else.
 */
struct ioasid_entry *ioasid_lookup_at(struct xa_state *xas, struct ioasid_set *set)
{
	struct ioasid_entry *e;

	ioasid_assert_locked();

	if (!set)
		return ERR_PTR(-EINVAL);
	e = xa_untag_pointer(xas_load(xas));
	if (!e)
		return ERR_PTR(-ENOENT);
	if (e->set != set)
		return ERR_PTR(-EACCES);
	return e;
}

struct ioasid_entry *ioasid_lookup(struct ioasid_set *set, ioasid_t id)
{
	XA_STATE(xas, &ioasid_ids, id);

	return ioasid_lookup_at(&xas, set);
}

/* The number of @e is free */
void ioasid_recycle(struct ioasid_entry *e)
{
	struct ioasid_set *set = e->set;
	unsigned long flags;
	bool last;

	ioasid_lock(flags);
	ioasid_set_state(e, IOASID_FREE_AGAIN);
	__xa_erase(&ioasid_ids, e->id);
	set->pending--;
	ioasid_uncharge(set, e->cg);
	last = !set->used;
	ioasid_unlock(flags);

	put_misc_cg(e->cg);
	kfree(e);
	if (last)
		ioasid_set_put(set);
}

static void ioasid_quarantine_over(struct rcu_head *rcu)
{
	struct ioasid_entry *e = container_of(rcu, struct ioasid_entry, rcu);

	/* Stays the same for as long as a number is out */
	if (ioasid_has_allocator())
		ioasid_custom_free(e);
	else
		ioasid_recycle(e);
}

/*
 * Nobody has @e any more and its events have run: into quarantine. Since the
 * free a look-up under RCU has seen a tagged pointer, which it does not follow:
 *
 *   ioasid_find()                    ioasid_kill()
 *   rcu_read_lock()
 *    e = xa_load()
 *                                     xas_store(tagged e)
 *                                    ioasid_retire()
 *                                     call_rcu_hurry()
 *    reads e->set, e->private
 *   rcu_read_unlock()
 *                                    ioasid_quarantine_over()
 *                                     __xa_erase(), kfree(e)
 *
 * [Required: e stays readable and the number is not reused until the unlock]
 */
void ioasid_retire(struct ioasid_entry *e)
{
	ioasid_assert_locked();

	ioasid_set_state(e, IOASID_QUARANTINE);
	/* Not lazily: a small quota waits for its numbers to come back */
	call_rcu_hurry(&e->rcu, ioasid_quarantine_over);
}

/**
 * ioasid_get() - Take a consumer's reference.
 * @set: The owner.
 * @id: The IOASID.
 *
 * The number is not used again before ioasid_put(), also when it is freed
 * meanwhile. A device driver keeps a reference for as long as its device may
 * still issue requests with the number, also after it has unbound.
 *
 * Context: Any context.
 * Return:
 * * %0 - taken
 * * %-EINVAL - no @set
 * * %-ENOENT - there is no such IOASID
 * * %-EACCES - another set owns it
 * * %-EBUSY - it was freed already
 */
int ioasid_get(struct ioasid_set *set, ioasid_t id)
{
	struct ioasid_entry *e;
	unsigned long flags;
	int ret = 0;

	ioasid_lock(flags);
	e = ioasid_lookup(set, id);
	if (IS_ERR(e)) {
		ret = PTR_ERR(e);
	} else if (e->state >= IOASID_FREE_PENDING) {
		ret = -EBUSY;
	} else {
		if (!e->refs++)
			ioasid_set_state(e, IOASID_ACTIVE);
	}
	ioasid_unlock(flags);
	return ret;
}
EXPORT_SYMBOL_GPL(ioasid_get);

/**
 * ioasid_put() - Drop a reference from ioasid_get().
 * @set: The owner.
 * @id: The IOASID.
 *
 * With the last reference an IOASID that was freed goes into quarantine, once
 * its events have run. A put without a get is a bug in the caller: it warns
 * once and changes nothing.
 *
 * Context: Any context.
 */
void ioasid_put(struct ioasid_set *set, ioasid_t id)
{
	struct ioasid_entry *e;
	unsigned long flags;
	bool balanced = true;

	if (!set)
		return;

	ioasid_lock(flags);
	e = ioasid_lookup(set, id);
	if (IS_ERR(e) || !e->refs) {
		balanced = false;
	} else if (!--e->refs) {
		if (e->state == IOASID_ACTIVE)
			ioasid_set_state(e, IOASID_IDLE);
		else if (!e->event)
			ioasid_retire(e);
	}
	ioasid_unlock(flags);

	WARN_ONCE(!balanced, "ioasid %u: put without get\n", id);
}
EXPORT_SYMBOL_GPL(ioasid_put);

/**
 * ioasid_attach_data() - Publish the owner's data of an IOASID.
 * @set: The owner.
 * @id: The IOASID; it has no data.
 * @data: For ioasid_find() and the handlers of its events.
 *
 * Context: Any context.
 * Return:
 * * %0 - published
 * * %-EINVAL - no @set
 * * %-ENOENT - there is no such IOASID
 * * %-EACCES - another set owns it
 * * %-EBUSY - it has data already, or was freed
 */
int ioasid_attach_data(struct ioasid_set *set, ioasid_t id, void *data)
{
	struct ioasid_entry *e;
	unsigned long flags;
	int ret = 0;

	ioasid_lock(flags);
	e = ioasid_lookup(set, id);
	if (IS_ERR(e))
		ret = PTR_ERR(e);
	else if (e->state >= IOASID_FREE_PENDING ||
		 rcu_access_pointer(e->private))
		ret = -EBUSY;
	else
		rcu_assign_pointer(e->private, data);
	ioasid_unlock(flags);
	return ret;
}
EXPORT_SYMBOL_GPL(ioasid_attach_data);

/**
 * ioasid_detach_data() - Take the owner's data back.
 * @set: The owner.
 * @id: The IOASID, also if it was freed.
 *
 * Who frees the data waits for those who have found it: a grace period while
 * the IOASID is alive; from its free on, handlers of FREE have the data too, and
 * ioasid_free(), ioasid_set_free() or ioasid_synchronize() waits for them. After
 * SYNC the core has forgotten the data, and there is nothing to detach.
 *
 * Context: Any context.
 * Return: The data, NULL if there is none, or
 * * ERR_PTR(%-EINVAL) - no @set
 * * ERR_PTR(%-ENOENT) - there is no such IOASID
 * * ERR_PTR(%-EACCES) - another set owns it
 */
void *ioasid_detach_data(struct ioasid_set *set, ioasid_t id)
{
	struct ioasid_entry *e;
	unsigned long flags;
	void *data;

	ioasid_lock(flags);
	e = ioasid_lookup(set, id);
	if (IS_ERR(e))
		data = e;
	else if (e->state >= IOASID_FREE_PENDING && e->phase == IOASID_PHASE_OVER)
		data = NULL;
	else
		data = rcu_replace_pointer(e->private, NULL,
					   lockdep_is_held(&ioasid_ids.xa_lock));
	ioasid_unlock(flags);
	return data;
}
EXPORT_SYMBOL_GPL(ioasid_detach_data);

/* To be called under RCU. NULL if @id is not alive */
static struct ioasid_entry *ioasid_find_alive(ioasid_t id)
{
	struct ioasid_entry *e = xa_load(&ioasid_ids, id);

	if (xa_pointer_tag(e) == IOASID_DEAD_TAG)
		return NULL;
	return e;
}

/**
 * ioasid_alive() - Has an IOASID not been freed yet?
 * @id: The IOASID; the caller holds a reference.
 *
 * Context: Any context.
 * Return: false from the call on that freed it.
 */
bool ioasid_alive(ioasid_t id)
{
	guard(rcu)();
	return ioasid_find_alive(id);
}
EXPORT_SYMBOL_GPL(ioasid_alive);

static __always_inline void *ioasid_find_any(struct ioasid_set *set, ioasid_t id,
					     bool (*getter)(void *private))
{
	struct ioasid_entry *e;
	void *private;

	guard(rcu)();
	e = ioasid_find_alive(id);
	/* One test for what is right: no number belongs to no set */
	if (unlikely(!e || e->set != set))
		return ERR_PTR(!set ? -EINVAL : e ? -EACCES : -ENOENT);
	private = rcu_dereference(e->private);
	if (getter && !getter(private))
		return ERR_PTR(-ENOENT);
	return private;
}

/* Apart, so that a look-up without a getter has nothing to save and restore */
static noinline void *ioasid_find_get(struct ioasid_set *set, ioasid_t id,
				      bool (*getter)(void *private))
{
	return ioasid_find_any(set, id, getter);
}

/**
 * ioasid_find() - Look up the private data of an IOASID.
 * @set: The owner. A look-up must say whose number it expects.
 * @id: The IOASID.
 * @getter: Called with the data under RCU, also if that is NULL, to take a
 *	    reference; refuses by returning false. May be NULL, and then the
 *	    caller needs RCU or a reference of its own.
 *
 * Context: Any context.
 * Return: The private data, which may be NULL, or
 * * ERR_PTR(%-EINVAL) - no @set
 * * ERR_PTR(%-ENOENT) - no such IOASID, or it was freed, or @getter refused
 * * ERR_PTR(%-EACCES) - another set owns it
 */
void *ioasid_find(struct ioasid_set *set, ioasid_t id,
		  bool (*getter)(void *private))
{
	if (getter)
		return ioasid_find_get(set, id, getter);
	return ioasid_find_any(set, id, NULL);
}
EXPORT_SYMBOL_GPL(ioasid_find);

/**
 * ioasid_find_mm() - The address space that an IOASID stands for.
 * @id: The IOASID.
 *
 * The one look-up that needs no set: for a fault report, which has a number
 * and nothing else. The caller does mmput() or mmput_async().
 *
 * An mm_struct is not freed by RCU, and the IOASID must not hold it (it would
 * never die). So the pointer is read and the reference taken under the lock
 * under which every free clears the pointer.
 *
 * Context: Any context.
 * Return: The address space with a reference, or
 * * ERR_PTR(%-ENOENT) - no such IOASID, or it was freed
 * * ERR_PTR(%-EACCES) - it was not made by ioasid_alloc_mm()
 * * ERR_PTR(%-ESRCH) - the last user of the address space is gone
 */
struct mm_struct *ioasid_find_mm(ioasid_t id)
{
	struct mm_struct *mm;
	struct ioasid_entry *e;
	unsigned long flags;

	ioasid_lock(flags);
	e = ioasid_find_alive(id);
	if (!e)
		mm = ERR_PTR(-ENOENT);
	else if (!e->mm)
		mm = ERR_PTR(-EACCES);
	else if (!mmget_not_zero(e->mm))
		mm = ERR_PTR(-ESRCH);
	else
		mm = e->mm;
	ioasid_unlock(flags);
	return mm;
}
EXPORT_SYMBOL_GPL(ioasid_find_mm);

/**
 * ioasid_find_set() - The owner of an IOASID.
 * @id: The IOASID, also if it was freed and is not free for reuse yet.
 *
 * The caller does ioasid_set_put().
 *
 * Context: Any context.
 * Return: The set with a reference, or
 * * ERR_PTR(%-ENOENT) - no such IOASID
 */
struct ioasid_set *ioasid_find_set(ioasid_t id)
{
	struct ioasid_set *set = ERR_PTR(-ENOENT);
	struct ioasid_entry *e;
	unsigned long flags;

	ioasid_lock(flags);
	e = xa_untag_pointer(xa_load(&ioasid_ids, id));
	if (e)
		set = ioasid_set_get(e->set);
	ioasid_unlock(flags);
	return set;
}
EXPORT_SYMBOL_GPL(ioasid_find_set);
