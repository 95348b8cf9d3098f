// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID: sets, capacity and accounting.
 *
 * Every number belongs to a set. A set with a quota has that many numbers
 * guaranteed, and no more; an elastic set (quota 0) draws on what nobody has
 * reserved. At all times, under the core lock:
 *
 *   sum(max(quota, used)) over sets with a quota, alive or dying
 *     + numbers of elastic sets that are out  ==  ioasid_committed
 *   ioasid_committed <= ioasid_total - 1
 *
 * so that a guarantee can always be met. When a set dies, its quota shrinks to
 * the numbers that are still out; each returns one when it leaves quarantine.
 *
 * The misc cgroup of the task that asked pays: for a guarantee as a whole, for
 * a number of an elastic set when that is allocated. What was charged goes back
 * to the same cgroup.
 */
#define pr_fmt(fmt) "ioasid: " fmt

#include <linux/init.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "ioasid-internal.h"

#ifdef MODULE_PARAM_PREFIX
#undef MODULE_PARAM_PREFIX
#endif
#define MODULE_PARAM_PREFIX "ioasid."

static unsigned int ioasid_system_quota;
module_param_named(system_quota, ioasid_system_quota, uint, 0444);
MODULE_PARM_DESC(system_quota, "IOASIDs guaranteed to the host (SVA, idxd); 0: none, elastic");

static unsigned int ioasid_user_max;
module_param_named(user_max, ioasid_user_max, uint, 0444);
MODULE_PARM_DESC(user_max, "most IOASIDs that all users together may reserve or use; 0: half of all");

/* All under the core lock */
unsigned int ioasid_total = 1U << IOASID_MAX_BITS;
static unsigned int ioasid_committed;
static unsigned int ioasid_user_committed;
static unsigned int ioasid_serial = 1;
LIST_HEAD(ioasid_sets);

static struct ioasid_evt ioasid_system_evt = {
	.lock = __MUTEX_INITIALIZER(ioasid_system_evt.lock),
	.users = 1,
	.chain = IOASID_CHAIN_INIT(ioasid_system_evt.chain),
	.bound = XARRAY_INIT(ioasid_system_evt.bound, 0),
};

/* Static, so that it is there before any initcall and never goes */
static struct ioasid_set ioasid_system = {
	.refs = REFCOUNT_INIT(1),
	.type = IOASID_SET_TYPE_PRIVATE,
	.evt = &ioasid_system_evt,
	.chain = IOASID_CHAIN_INIT(ioasid_system.chain),
	.ids = LIST_HEAD_INIT(ioasid_system.ids),
	.due = LIST_HEAD_INIT(ioasid_system.due),
	.spids = XARRAY_INIT(ioasid_system.spids, 0),
	.elastic = true,
	.work = __WORK_INITIALIZER(ioasid_system.work, ioasid_free_work),
};

static unsigned int ioasid_user_limit(void)
{
	return ioasid_user_max ?: ioasid_total / 2;
}

/* Takes @n out of what is left for @set, or says that there is too little */
static int ioasid_commit(struct ioasid_set *set, unsigned int n)
{
	ioasid_assert_locked();

	if (n > ioasid_total - 1 - ioasid_committed)
		return -ENOSPC;
	if (set->type == IOASID_SET_TYPE_MM) {
		unsigned int limit = ioasid_user_limit();

		if (ioasid_user_committed > limit ||
		    n > limit - ioasid_user_committed)
			return -ENOSPC;
		ioasid_user_committed += n;
	}
	ioasid_committed += n;
	return 0;
}

static void ioasid_uncommit(struct ioasid_set *set, unsigned int n)
{
	ioasid_assert_locked();

	ioasid_committed -= n;
	if (set->type == IOASID_SET_TYPE_MM)
		ioasid_user_committed -= n;
}

static int ioasid_cg_charge(struct misc_cg *cg, unsigned int n)
{
	/* None without CONFIG_CGROUP_MISC, and for the host's guarantee */
	if (!cg || !misc_cg_try_charge(MISC_CG_RES_IOASID, cg, n))
		return 0;
	return -EDQUOT;
}

static void ioasid_cg_uncharge(struct misc_cg *cg, unsigned int n)
{
	if (cg)
		misc_cg_uncharge(MISC_CG_RES_IOASID, cg, n);
}

/*
 * Who pays for the next number of @set alone: nobody if the guarantee is paid
 * for. The host's was given at boot, so there too the task pays that binds.
 */
struct misc_cg *ioasid_payer(struct ioasid_set *set)
{
	if (!set->elastic && set != &ioasid_system)
		return NULL;
	return get_current_misc_cg();
}

/* One more number for @set, paid for by @cg if that is not NULL */
int ioasid_charge(struct ioasid_set *set, struct misc_cg *cg)
{
	int ret = 0;

	ioasid_assert_locked();

	if (set->dying)
		return -ESHUTDOWN;
	if (set->elastic)
		ret = ioasid_commit(set, 1);
	else if (set->used >= set->quota)
		ret = -EDQUOT;
	if (ret)
		goto out;

	ret = ioasid_cg_charge(cg, 1);
	if (!ret)
		WRITE_ONCE(set->used, set->used + 1);
	else if (set->elastic)
		ioasid_uncommit(set, 1);
out:
	if (ret)
		trace_ioasid_quota(set->serial, 1, set->used, set->quota, ret);
	return ret;
}

void ioasid_uncharge(struct ioasid_set *set, struct misc_cg *cg)
{
	ioasid_assert_locked();

	WRITE_ONCE(set->used, set->used - 1);
	ioasid_cg_uncharge(cg, 1);
	if (set->elastic) {
		ioasid_uncommit(set, 1);
	} else if (set->dying) {
		set->quota--;
		ioasid_uncommit(set, 1);
		ioasid_cg_uncharge(set->cg, 1);
	}
}

/* Returns false if @set was dying already */
bool ioasid_set_mark_dying(struct ioasid_set *set)
{
	ioasid_assert_locked();

	if (set->dying)
		return false;
	set->dying = true;
	if (!set->elastic) {
		ioasid_uncommit(set, set->quota - set->used);
		ioasid_cg_uncharge(set->cg, set->quota - set->used);
		set->quota = set->used;
	}
	return true;
}

void ioasid_get_usage(struct ioasid_usage *usage)
{
	unsigned long flags;

	ioasid_lock(flags);
	usage->total = ioasid_total;
	usage->committed = ioasid_committed;
	usage->user_committed = ioasid_user_committed;
	usage->user_max = ioasid_user_limit();
	ioasid_unlock(flags);
}

static void ioasid_set_total(ioasid_t total)
{
	ioasid_assert_locked();

	ioasid_total = total;
	misc_cg_set_capacity(MISC_CG_RES_IOASID, total - 1);
}

/**
 * ioasid_install_capacity() - Set how many IOASIDs there are.
 * @total: IOASIDs are 1 … @total - 1; 2 … 1 << 20.
 *
 * The IOMMU core calls this with the largest PASID space of the IOMMUs (VT-d
 * ECAP_REG.PSS, SMMUv3 IDR1.SSIDSIZE). What a single device can do limits each
 * ioasid_alloc() instead. May be called again. On failure nothing changes.
 *
 * Context: Process context, not from a handler of an event.
 * Return:
 * * %0 - done
 * * %-EINVAL - @total is out of range
 * * %-EBUSY - an IOASID that is out, or the sum of the guarantees, is above it
 * * %-EDEADLK - called from a handler of an event
 */
int ioasid_install_capacity(ioasid_t total)
{
	unsigned long flags, index = total;
	int ret = 0;

	if (total < 2 || total > 1U << IOASID_MAX_BITS)
		return -EINVAL;
	if (ioasid_in_handler())
		return -EDEADLK;

	ioasid_lock(flags);
	if (ioasid_committed > total - 1 ||
	    xa_find(&ioasid_ids, &index, ULONG_MAX, XA_PRESENT))
		ret = -EBUSY;
	else
		ioasid_set_total(total);
	ioasid_unlock(flags);
	return ret;
}
EXPORT_SYMBOL_GPL(ioasid_install_capacity);

/**
 * ioasid_system_set() - The host's own set.
 *
 * SVA and drivers that take PASIDs for themselves allocate from it. It is
 * elastic unless ioasid.system_quota= is given, of type PRIVATE with a NULL
 * token, and is never freed.
 *
 * Context: Any context.
 * Return: The set, never NULL.
 */
struct ioasid_set *ioasid_system_set(void)
{
	return &ioasid_system;
}
EXPORT_SYMBOL_GPL(ioasid_system_set);

/* The guarantee of a new set, if there is room for it */
static int ioasid_reserve(struct ioasid_set *set, unsigned int n)
{
	int ret;

	ret = ioasid_commit(set, n);
	if (!ret) {
		ret = ioasid_cg_charge(set->cg, n);
		if (ret)
			ioasid_uncommit(set, n);
	}
	if (ret)
		trace_ioasid_quota(set->serial, n, set->used, set->quota, ret);
	return ret;
}

/**
 * ioasid_set_alloc() - Make a set.
 * @type: What owns it.
 * @token: The owner: its own pointer for %IOASID_SET_TYPE_PRIVATE (may be
 *	   NULL), its mm_struct for %IOASID_SET_TYPE_MM. The mm_struct is kept
 *	   (mmgrab), its address space is not. Several sets may have the same
 *	   token.
 * @quota: How many IOASIDs are guaranteed, which is the limit as well; or 0 for
 *	   an elastic set, which has no guarantee and draws on what is not
 *	   reserved.
 *
 * The caller has the one reference of the creator, which ioasid_set_free()
 * drops. On failure nothing is reserved.
 *
 * Context: Process context. May sleep. Not from a handler of an event.
 * Return: The set, or
 * * ERR_PTR(%-EINVAL) - @type is unknown, or has no mm
 * * ERR_PTR(%-ENOSPC) - the guarantee cannot be given: reserved and elastic use
 *   would pass the capacity, or those of all users ioasid.user_max
 * * ERR_PTR(%-EDQUOT) - the misc cgroup of the caller does not allow it
 * * ERR_PTR(%-ENOMEM) - out of memory
 * * ERR_PTR(%-EDEADLK) - called from a handler of an event
 */
struct ioasid_set *ioasid_set_alloc(enum ioasid_set_type type, void *token,
				    unsigned int quota)
{
	struct mm_struct *mm = NULL;
	struct ioasid_evt *evt;
	struct ioasid_set *set;
	unsigned long flags;
	int ret;

	if (type == IOASID_SET_TYPE_MM)
		mm = token;
	else if (type != IOASID_SET_TYPE_PRIVATE)
		return ERR_PTR(-EINVAL);
	if (type == IOASID_SET_TYPE_MM && !mm)
		return ERR_PTR(-EINVAL);
	if (ioasid_in_handler())
		return ERR_PTR(-EDEADLK);

	set = kzalloc_obj(*set, GFP_KERNEL_ACCOUNT);
	evt = ioasid_evt_alloc(mm);
	if (!set || !evt) {
		ret = -ENOMEM;
		goto out_free;
	}
	refcount_set(&set->refs, 1);
	set->type = type;
	set->token = token;
	set->quota = quota;
	set->elastic = !quota;
	if (quota)
		set->cg = get_current_misc_cg();
	BLOCKING_INIT_NOTIFIER_HEAD(&set->chain.head);
	INIT_LIST_HEAD(&set->ids);
	INIT_LIST_HEAD(&set->due);
	xa_init_flags(&set->spids, XA_FLAGS_ACCOUNT);
	INIT_WORK(&set->work, ioasid_free_work);

	ioasid_lock(flags);
	ret = ioasid_reserve(set, quota);
	if (!ret) {
		set->evt = ioasid_evt_share(evt);
		set->serial = ioasid_serial++;
		list_add_tail(&set->node, &ioasid_sets);
	}
	ioasid_unlock(flags);
	if (ret)
		goto out_put;

	if (set->evt != evt)
		ioasid_evt_free(evt);
	return set;

out_put:
	put_misc_cg(set->cg);
out_free:
	if (evt)
		ioasid_evt_free(evt);
	kfree(set);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(ioasid_set_alloc);

/**
 * ioasid_set_get() - Keep a set.
 * @set: The set, which the caller knows to be there; or NULL.
 *
 * Keeps the object, not its IOASIDs.
 *
 * Context: Any context.
 * Return: @set.
 */
struct ioasid_set *ioasid_set_get(struct ioasid_set *set)
{
	if (set)
		refcount_inc(&set->refs);
	return set;
}
EXPORT_SYMBOL_GPL(ioasid_set_get);

/**
 * ioasid_set_put() - Drop a reference from ioasid_set_get() or
 *		      ioasid_find_set().
 * @set: The set, or NULL.
 *
 * Context: Any context.
 */
void ioasid_set_put(struct ioasid_set *set)
{
	struct ioasid_evt *evt;
	unsigned long flags;
	bool last;

	if (!set || !refcount_dec_and_test(&set->refs))
		return;

	/* Nobody has a number or a registration, so that nothing is queued */
	evt = set->evt;
	ioasid_lock(flags);
	list_del(&set->node);
	last = ioasid_evt_last_put(evt);
	ioasid_unlock(flags);

	/* The last mmdrop() is not for an interrupt, see mmdrop_async() */
	if (last)
		queue_work(system_dfl_wq, &evt->work);
	put_misc_cg(set->cg);
	kfree(set);
}
EXPORT_SYMBOL_GPL(ioasid_set_put);

/**
 * ioasid_set_resize() - Change the guarantee of a set.
 * @set: The set; it was made with a quota.
 * @quota: How many IOASIDs are guaranteed from now on, at least 1.
 *
 * The cgroup that paid for the guarantee pays for more, or gets back what is
 * given up. On failure nothing changes.
 *
 * Context: Process context, not from a handler of an event.
 * Return:
 * * %0 - done
 * * %-EINVAL - no @set, or one without a guarantee, or @quota is 0
 * * %-EBUSY - more than @quota are out
 * * %-ENOSPC - the guarantee cannot be given, see ioasid_set_alloc()
 * * %-EDQUOT - the misc cgroup that pays does not allow it
 * * %-ESHUTDOWN - @set is dying
 * * %-EDEADLK - called from a handler of an event
 */
int ioasid_set_resize(struct ioasid_set *set, unsigned int quota)
{
	unsigned long flags;
	int ret = 0;

	if (!set || set->elastic || !quota)
		return -EINVAL;
	if (ioasid_in_handler())
		return -EDEADLK;

	ioasid_lock(flags);
	if (set->dying) {
		ret = -ESHUTDOWN;
	} else if (quota < set->used) {
		ret = -EBUSY;
	} else if (quota > set->quota) {
		ret = ioasid_reserve(set, quota - set->quota);
	} else {
		ioasid_uncommit(set, set->quota - quota);
		ioasid_cg_uncharge(set->cg, set->quota - quota);
	}
	if (!ret)
		set->quota = quota;
	ioasid_unlock(flags);
	return ret;
}
EXPORT_SYMBOL_GPL(ioasid_set_resize);

/**
 * ioasid_set_count() - How many IOASIDs of a set are out.
 * @set: The set.
 *
 * Those that are FREE_PENDING or in quarantine are included: they still count
 * on the quota.
 *
 * Context: Any context.
 * Return: The number of IOASIDs, 0 if @set is NULL.
 */
unsigned int ioasid_set_count(struct ioasid_set *set)
{
	return set ? READ_ONCE(set->used) : 0;
}
EXPORT_SYMBOL_GPL(ioasid_set_count);

static int __init ioasid_set_init(void)
{
	unsigned long flags;

	ioasid_lock(flags);
	ioasid_set_total(ioasid_total);
	list_add(&ioasid_system.node, &ioasid_sets);
	if (ioasid_system_quota && !ioasid_commit(&ioasid_system, ioasid_system_quota)) {
		ioasid_system.quota = ioasid_system_quota;
		ioasid_system.elastic = false;
	} else if (ioasid_system_quota) {
		pr_warn("system_quota=%u is more than there are, ignored\n",
			ioasid_system_quota);
	}
	ioasid_unlock(flags);
	return 0;
}
core_initcall(ioasid_set_init);
