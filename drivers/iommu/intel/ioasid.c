// SPDX-License-Identifier: GPL-2.0
/*
 * What the VT-d driver does when an IOASID dies.
 *
 * For each managed attachment, that is a (device, PASID) whose number came from
 * IOASID, there is a node in a registry:
 *
 *   LIVE     the PASID-table entry translates
 *   DEAD     the entry is quiet (P=0, FPD=1): faults are not recorded, page
 *            requests are refused; caches or the drain are still to be done
 *   FLUSHED  nothing of it is left in hardware
 *
 * IOASID_FREE makes entries quiet and puts their nodes onto the pending list;
 * IOASID_SYNC takes the whole list and waits for the hardware once. The core
 * has made the number FREE_PENDING before:
 *
 *   ioasid_free()                      set_dev_pasid()
 *    FREE_PENDING                       lock
 *    IOASID_FREE                         ioasid_alive()?
 *     lock (waits)                       writes the entry, adds the node
 *                                       unlock
 *     finds the node
 *
 * [Required: either set_dev_pasid sees the number dead and writes no entry, or
 *  FREE finds the node]
 *
 * A drain waits for page requests that others have sent as well, and so for as
 * long as their pages take to come. A process that dies must not: the mmu_notifier
 * takes intel_ioasid_lock, and a drain is done without it, under
 * intel_ioasid_drain_lock. SYNC holds that from the flush to the end of the
 * drain, so that the SYNC of another set does not find the list empty and return
 * early.
 *
 * Lock order: group->mutex -> intel_ioasid_drain_lock -> intel_ioasid_lock ->
 * dmar_domain::lock, intel_iommu::lock -> queue locks. Fault handling must take
 * none of the first three, because a drain waits for it.
 */
#define pr_fmt(fmt)	"DMAR: " fmt

#include <linux/iommu.h>
#include <linux/ioasid.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "ioasid.h"
#include "iommu.h"
#include "pasid.h"

/* Drains to their ends, and that no node goes away meanwhile */
static DEFINE_MUTEX(intel_ioasid_drain_lock);
/* The registry, and every invalidation for it to its end */
DEFINE_MUTEX(intel_ioasid_lock);
static LIST_HEAD(intel_ioasid_pending);

/*
 * PASID -> one of its nodes. Changed under intel_ioasid_lock; the lists of
 * siblings and the states also under the xa_lock, for intel_ioasid_is_dead().
 */
static DEFINE_XARRAY_FLAGS(intel_ioasid_nodes, XA_FLAGS_LOCK_IRQ);

static struct intel_ioasid_node *intel_ioasid_find(struct device *dev,
						   ioasid_t pasid)
{
	struct intel_ioasid_node *first, *node;

	first = xa_load(&intel_ioasid_nodes, pasid);
	if (!first || first->dev == dev)
		return first;
	list_for_each_entry(node, &first->siblings, siblings)
		if (node->dev == dev)
			return node;
	return NULL;
}

static struct intel_ioasid_node *intel_ioasid_add(struct device *dev,
						  ioasid_t pasid)
{
	struct intel_ioasid_node *node, *first;
	int ret = 0;

	lockdep_assert_held(&intel_ioasid_lock);

	node = kzalloc_obj(*node);
	if (!node)
		return NULL;
	INIT_LIST_HEAD(&node->siblings);
	INIT_LIST_HEAD(&node->pending);
	node->dev = dev;
	node->pasid = pasid;
	node->state = INTEL_IOASID_FLUSHED;

	first = xa_load(&intel_ioasid_nodes, pasid);
	if (!first) {
		ret = xa_err(xa_store_irq(&intel_ioasid_nodes, pasid, node,
					  GFP_KERNEL));
	} else {
		xa_lock_irq(&intel_ioasid_nodes);
		list_add(&node->siblings, &first->siblings);
		xa_unlock_irq(&intel_ioasid_nodes);
	}
	if (ret) {
		kfree(node);
		return NULL;
	}
	return node;
}

static void intel_ioasid_remove(struct intel_ioasid_node *node)
{
	struct intel_ioasid_node *next;

	lockdep_assert_held(&intel_ioasid_lock);

	xa_lock_irq(&intel_ioasid_nodes);
	if (list_empty(&node->siblings)) {
		__xa_erase(&intel_ioasid_nodes, node->pasid);
	} else {
		next = list_next_entry(node, siblings);
		list_del(&node->siblings);
		/* The slot is there: nothing is allocated, it cannot fail */
		__xa_store(&intel_ioasid_nodes, node->pasid, next, 0);
	}
	xa_unlock_irq(&intel_ioasid_nodes);
	list_del(&node->pending);
	kfree(node);
}

static void intel_ioasid_set_state(struct intel_ioasid_node *node,
				   enum intel_ioasid_state state)
{
	xa_lock_irq(&intel_ioasid_nodes);
	node->state = state;
	xa_unlock_irq(&intel_ioasid_nodes);
}

/*
 * The device can still use what is cached, but every walk fails from here on,
 * and no fault is recorded (VT-d 5.0 section 9.6, P and FPD). One write, so
 * that hardware never sees P=0 without FPD; the other fields stay until the
 * caches are flushed, see Table 28, "Guidance to Software for Invalidations".
 */
static void intel_ioasid_quiet(struct intel_ioasid_node *node)
{
	struct device_domain_info *info = dev_iommu_priv_get(node->dev);
	struct intel_iommu *iommu = info->iommu;
	struct pasid_entry *pte;

	lockdep_assert_held(&intel_ioasid_lock);

	scoped_guard(spinlock, &iommu->lock) {
		pte = intel_pasid_get_entry(node->dev, node->pasid);
		if (WARN_ON(!pte))
			return;
		node->did = pasid_get_domain_id(pte);
		node->pgtt = pasid_pte_get_pgtt(pte);
		pasid_clear_present_with_fpd(pte);
	}
	if (!ecap_coherent(iommu->ecap))
		clflush_cache_range(pte, sizeof(*pte));

	node->clean = false;
	intel_ioasid_set_state(node, INTEL_IOASID_DEAD);
	list_add_tail(&node->pending, &intel_ioasid_pending);
}

/* With @fpd a device that goes on raises no interrupts */
static void intel_ioasid_clear(struct intel_ioasid_node *node, bool fpd)
{
	struct device_domain_info *info = dev_iommu_priv_get(node->dev);
	struct intel_iommu *iommu = info->iommu;
	struct pasid_entry *pte;

	scoped_guard(spinlock, &iommu->lock) {
		pte = intel_pasid_get_entry(node->dev, node->pasid);
		if (WARN_ON(!pte))
			return;
		if (fpd)
			pasid_clear_entry_with_fpd(pte);
		else
			pasid_clear_entry(pte);
	}
	if (!ecap_coherent(iommu->ecap))
		clflush_cache_range(pte, sizeof(*pte));
}

/* Nothing of the DEAD @nodes is cached any more when this returns */
static void intel_ioasid_flush(struct list_head *nodes)
{
	struct intel_ioasid_node *node;

	lockdep_assert_held(&intel_ioasid_lock);

	intel_ioasid_flush_caches(nodes);
	list_for_each_entry(node, nodes, pending) {
		intel_ioasid_clear(node, true);
		node->clean = true;
	}
}

/* Those of the DEAD @nodes that mm release has not flushed already */
static void intel_ioasid_flush_dirty(struct list_head *nodes)
{
	struct intel_ioasid_node *node, *next;
	LIST_HEAD(dirty);

	lockdep_assert_held(&intel_ioasid_lock);

	list_for_each_entry_safe(node, next, nodes, pending)
		if (!node->clean)
			list_move_tail(&node->pending, &dirty);
	intel_ioasid_flush(&dirty);
	list_splice(&dirty, nodes);
}

/*
 * Drains @nodes, which are DEAD and clean, and takes them off the list: FLUSHED.
 * Nobody else touches such nodes: FREE wants LIVE ones, mm release dirty ones,
 * and to remove one takes intel_ioasid_drain_lock.
 */
static void intel_ioasid_drain(struct list_head *nodes)
{
	struct intel_ioasid_node *node, *next;

	lockdep_assert_held(&intel_ioasid_drain_lock);
	lockdep_assert_not_held(&intel_ioasid_lock);

	list_for_each_entry(node, nodes, pending)
		intel_iommu_drain_pasid_prq(node->dev, node->pasid);

	guard(mutex)(&intel_ioasid_lock);

	list_for_each_entry_safe(node, next, nodes, pending) {
		intel_ioasid_set_state(node, INTEL_IOASID_FLUSHED);
		list_del_init(&node->pending);
	}
}

/* For one node now, whatever SYNC will do: never waits for an event */
static void intel_ioasid_finish_one(struct intel_ioasid_node *node)
{
	LIST_HEAD(one);

	lockdep_assert_held(&intel_ioasid_drain_lock);

	scoped_guard(mutex, &intel_ioasid_lock) {
		if (node->state == INTEL_IOASID_LIVE)
			intel_ioasid_quiet(node);
		if (node->state == INTEL_IOASID_DEAD) {
			list_move(&node->pending, &one);
			intel_ioasid_flush_dirty(&one);
		}
	}
	intel_ioasid_drain(&one);
}

static void intel_ioasid_free(ioasid_t pasid)
{
	struct intel_ioasid_node *first, *node;

	guard(mutex)(&intel_ioasid_lock);

	first = xa_load(&intel_ioasid_nodes, pasid);
	if (!first)
		return;
	if (first->state == INTEL_IOASID_LIVE)
		intel_ioasid_quiet(first);
	list_for_each_entry(node, &first->siblings, siblings)
		if (node->state == INTEL_IOASID_LIVE)
			intel_ioasid_quiet(node);
}

static void intel_ioasid_sync(void)
{
	LIST_HEAD(nodes);

	guard(mutex)(&intel_ioasid_drain_lock);

	scoped_guard(mutex, &intel_ioasid_lock) {
		list_splice_init(&intel_ioasid_pending, &nodes);
		intel_ioasid_flush_dirty(&nodes);
	}
	intel_ioasid_drain(&nodes);
}

static int intel_ioasid_notify(struct notifier_block *nb, unsigned long val,
			       void *data)
{
	struct ioasid_nb_args *args = data;

	switch (val) {
	case IOASID_FREE:
		intel_ioasid_free(args->id);
		return NOTIFY_OK;
	case IOASID_SYNC:
		intel_ioasid_sync();
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block intel_ioasid_nb = {
	.notifier_call = intel_ioasid_notify,
	.priority = IOASID_PRIO_IOMMU,
};

/**
 * intel_ioasid_is_dead() - Was the PASID of an attachment freed?
 * @dev: device
 * @pasid: a PASID
 *
 * For fault handling and for those who walk the attachments of a domain. False
 * for what is not managed.
 *
 * Context: Any context.
 * Return: true from IOASID_FREE to the detach.
 */
bool intel_ioasid_is_dead(struct device *dev, ioasid_t pasid)
{
	struct intel_ioasid_node *node;
	unsigned long flags;
	bool dead;

	xa_lock_irqsave(&intel_ioasid_nodes, flags);
	node = intel_ioasid_find(dev, pasid);
	dead = node && node->state != INTEL_IOASID_LIVE;
	xa_unlock_irqrestore(&intel_ioasid_nodes, flags);
	return dead;
}

/**
 * intel_ioasid_is_managed() - Did the PASID of a request come from IOASID?
 * @iommu: the IOMMU of the device
 * @sid: source-id of the device, which may be gone
 * @pasid: a PASID
 *
 * Context: Any context.
 * Return: true while it is attached there, dead or alive.
 */
bool intel_ioasid_is_managed(struct intel_iommu *iommu, u16 sid, ioasid_t pasid)
{
	struct intel_ioasid_node *first, *node;
	struct device_domain_info *info;
	unsigned long flags;
	bool found = false;

	xa_lock_irqsave(&intel_ioasid_nodes, flags);
	first = xa_load(&intel_ioasid_nodes, pasid);
	node = first;
	while (node && !found) {
		info = dev_iommu_priv_get(node->dev);
		found = info->iommu == iommu &&
			PCI_DEVID(info->bus, info->devfn) == sid;
		node = list_next_entry(node, siblings);
		if (node == first)
			break;
	}
	xa_unlock_irqrestore(&intel_ioasid_nodes, flags);
	return found;
}

/*
 * What set_dev_pasid() does for a domain, less the PASID-table entry. The core
 * attaches a dead PASID again after a reset of the device, or to roll back: it
 * cannot take no for an answer, and must be able to detach it.
 */
static int intel_ioasid_attach_dead(struct iommu_domain *domain,
				    struct device *dev, ioasid_t pasid,
				    struct iommu_domain *old)
{
	bool has_info = domain->type != IOMMU_DOMAIN_IDENTITY;
	struct dev_pasid_info *dev_pasid;
	int ret;

	if (has_info) {
		dev_pasid = domain_add_dev_pasid(domain, dev, pasid);
		if (IS_ERR(dev_pasid))
			return PTR_ERR(dev_pasid);
	}
	ret = iopf_for_domain_replace(domain, old, dev);
	if (ret) {
		if (has_info)
			domain_remove_dev_pasid(domain, dev, pasid);
		return ret;
	}
	domain_remove_dev_pasid(old, dev, pasid);
	return 0;
}

/**
 * intel_ioasid_set_dev_pasid() - The set_dev_pasid of a domain that translates
 * @domain: the domain
 * @dev: device
 * @pasid: PASID
 * @old: what was attached, or NULL
 * @setup: attaches @domain and writes the PASID-table entry
 *
 * Context: Process context, group->mutex held.
 * Return: what @setup returns, or -ENOMEM. A PASID that is dead already is
 * attached without an entry that translates.
 */
int intel_ioasid_set_dev_pasid(struct iommu_domain *domain, struct device *dev,
			       ioasid_t pasid, struct iommu_domain *old,
			       intel_ioasid_setup_fn setup)
{
	struct intel_ioasid_node *node;
	bool fresh = false, alive;
	int ret;

	if (!iommu_driver_pasid_managed(dev, pasid))
		return setup(domain, dev, pasid, old);

	scoped_guard(mutex, &intel_ioasid_lock) {
		node = intel_ioasid_find(dev, pasid);
		if (!node) {
			node = intel_ioasid_add(dev, pasid);
			if (!node)
				return -ENOMEM;
			fresh = true;
		}
		alive = ioasid_alive(pasid);
		if (alive) {
			ret = setup(domain, dev, pasid, old);
			if (!ret) {
				node->domain = domain;
				intel_ioasid_set_state(node, INTEL_IOASID_LIVE);
				return 0;
			}
		}
	}
	/* group->mutex keeps the node, which does not change any more if dead */
	guard(mutex)(&intel_ioasid_drain_lock);

	if (!alive) {
		intel_ioasid_finish_one(node);
		ret = intel_ioasid_attach_dead(domain, dev, pasid, old);
	}

	guard(mutex)(&intel_ioasid_lock);

	if (!ret) {
		intel_ioasid_clear(node, true);
		node->domain = domain;
	} else if (fresh) {
		intel_ioasid_remove(node);
	}
	return ret;
}

/**
 * intel_ioasid_detach() - The set_dev_pasid of the blocking domain
 * @dev: device
 * @pasid: PASID
 * @old: what was attached
 *
 * Context: Process context, group->mutex held.
 * Return: false if the attachment is not managed, and nothing was done.
 */
bool intel_ioasid_detach(struct device *dev, ioasid_t pasid,
			 struct iommu_domain *old)
{
	struct intel_ioasid_node *node;

	if (!iommu_driver_pasid_managed(dev, pasid))
		return false;

	guard(mutex)(&intel_ioasid_drain_lock);

	scoped_guard(mutex, &intel_ioasid_lock)
		node = intel_ioasid_find(dev, pasid);
	if (WARN_ON(!node))
		return false;

	intel_ioasid_finish_one(node);

	guard(mutex)(&intel_ioasid_lock);

	/* A device that goes on with the PASID of a living process is reported */
	if (ioasid_alive(pasid))
		intel_ioasid_clear(node, false);
	iopf_for_domain_remove(old, dev);
	domain_remove_dev_pasid(old, dev, pasid);
	intel_ioasid_remove(node);
	return true;
}

/**
 * intel_ioasid_mm_release() - The pages of an address space go next
 * @domain: its domain
 * @pasid: its PASID
 *
 * When this returns, no translation of it is cached any more, whoever made the
 * entries quiet. The drain is left for SYNC, which is on its way: the dying
 * task waits for no page request of its own.
 *
 * Context: Process context. May sleep. The mmu_notifier of @domain.
 */
void intel_ioasid_mm_release(struct iommu_domain *domain, ioasid_t pasid)
{
	struct intel_ioasid_node *first, *node;
	LIST_HEAD(nodes);

	guard(mutex)(&intel_ioasid_lock);

	first = xa_load(&intel_ioasid_nodes, pasid);
	if (!first)
		return;

	node = first;
	do {
		if (node->domain == domain) {
			if (node->state == INTEL_IOASID_LIVE)
				intel_ioasid_quiet(node);
			if (node->state == INTEL_IOASID_DEAD && !node->clean)
				list_move_tail(&node->pending, &nodes);
		}
		node = list_next_entry(node, siblings);
	} while (node != first);

	intel_ioasid_flush(&nodes);
	list_splice_tail(&nodes, &intel_ioasid_pending);
}

/* Without PASIDs there is nothing to subscribe for */
void __init intel_ioasid_init(void)
{
	struct dmar_drhd_unit *drhd;
	struct intel_iommu *iommu;
	bool found = false;

	rcu_read_lock();
	for_each_active_iommu(iommu, drhd)
		found |= pasid_supported(iommu);
	rcu_read_unlock();

	if (found && ioasid_register_notifier(NULL, &intel_ioasid_nb))
		pr_err("cannot subscribe to IOASID events\n");
}
