// SPDX-License-Identifier: GPL-2.0
/*
 * What an IOMMU driver does when an IOASID dies.
 *
 * For each managed attachment, that is a (device, PASID) whose number came from
 * IOASID, there is a struct ioasid_attach with a state: LIVE, DEAD, FLUSHED.
 *
 * The way from LIVE to FLUSHED is in ioasid-attach-flush.c.
 *
 * IOASID_FREE makes entries quiet and puts their attachments onto the pending
 * list; IOASID_SYNC takes the whole list and waits for the hardware once. The
 * core has made the number FREE_PENDING before:
 *
 *   ioasid_free()                      set_dev_pasid()
 *    FREE_PENDING                       lock
 *    IOASID_FREE                         ioasid_alive()?
 *     lock (waits)                       writes the entry, adds the attachment
 *                                       unlock
 *     finds the attachment
 *
 * [Required: either set_dev_pasid sees the number dead and writes no entry, or
 *  FREE finds the attachment]
 *
 * A detach between FREE and SYNC does the rest for its own device and waits for
 * no event: it holds group->mutex, for which a handler may wait. After SYNC it
 * has nothing to send.
 *
 * The owner of a device that gives it up has all its PASIDs made quiet together,
 * in the same way and by the same list. These are FLUSHED and alive: the next
 * set_dev_pasid makes the entry translate again.
 *
 * The core attaches a PASID that is dead again after a reset of the device, or
 * to roll back, and cannot take no for an answer. Then the driver is not asked:
 * the attachment is FLUSHED, and not set up, until its detach.
 *
 * Lock order: group->mutex -> drain_lock -> lock -> what the driver takes. Fault
 * handling must take none of the first three, because a drain waits for it.
 */
#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/slab.h>

#include "ioasid-attach.h"
#include "ioasid-attach-flush.h"

/* The attachments of one PASID are a ring without a head; NULL behind the last */
static struct ioasid_attach *next_sibling(struct ioasid_attach *att,
					  struct ioasid_attach *first)
{
	att = list_next_entry(att, siblings);
	return att == first ? NULL : att;
}

VISIBLE_IF_KUNIT
bool ioasid_attach_is_managed(struct device *dev, ioasid_t pasid)
{
	KUNIT_STATIC_STUB_REDIRECT(ioasid_attach_is_managed, dev, pasid);
	return iommu_driver_pasid_managed(dev, pasid);
}
EXPORT_SYMBOL_IF_KUNIT(ioasid_attach_is_managed);

/**
 * ioasid_attach_find() - The attachment of a PASID to a device
 * @all: the attachments of the driver
 * @dev: device
 * @pasid: PASID
 *
 * Context: Any context. &ioasid_attachments.lock held, or the lock of its array
 * of attachments.
 * Return: The attachment, or NULL if there is none that is managed.
 */
struct ioasid_attach *ioasid_attach_find(struct ioasid_attachments *all,
					 struct device *dev, ioasid_t pasid)
{
	struct ioasid_attach *first = xa_load(&all->atts, pasid), *att;

	for (att = first; att; att = next_sibling(att, first))
		if (att->dev == dev)
			return att;
	return NULL;
}
EXPORT_SYMBOL_GPL(ioasid_attach_find);

static struct ioasid_attach *ioasid_attach_add(struct ioasid_attachments *all,
					       struct device *dev,
					       ioasid_t pasid)
{
	struct ioasid_attach *att, *first;
	int ret = 0;

	lockdep_assert_held(&all->lock);

	att = kzalloc(all->ops->size, GFP_KERNEL);
	if (!att)
		return NULL;
	INIT_LIST_HEAD(&att->siblings);
	INIT_LIST_HEAD(&att->pending);
	att->dev = dev;
	att->pasid = pasid;
	att->state = IOASID_ATTACH_FLUSHED;

	first = xa_load(&all->atts, pasid);
	if (!first) {
		ret = xa_err(xa_store_irq(&all->atts, pasid, att, GFP_KERNEL));
	} else {
		xa_lock_irq(&all->atts);
		list_add(&att->siblings, &first->siblings);
		xa_unlock_irq(&all->atts);
	}
	if (ret) {
		kfree(att);
		return NULL;
	}
	return att;
}

static void ioasid_attach_remove(struct ioasid_attachments *all,
				 struct ioasid_attach *att)
{
	struct ioasid_attach *next;

	lockdep_assert_held(&all->lock);

	xa_lock_irq(&all->atts);
	if (list_empty(&att->siblings)) {
		__xa_erase(&all->atts, att->pasid);
	} else {
		next = list_next_entry(att, siblings);
		list_del(&att->siblings);
		/* The slot is there: nothing is allocated, it cannot fail */
		__xa_store(&all->atts, att->pasid, next, 0);
	}
	xa_unlock_irq(&all->atts);
	list_del(&att->pending);
	kfree(att);
}

static void ioasid_attach_free(struct ioasid_attachments *all,
			       struct ioasid_nb_args *args)
{
	struct ioasid_attach *first, *att;

	guard(mutex)(&all->lock);

	first = xa_load(&all->atts, args->id);
	for (att = first; att; att = next_sibling(att, first)) {
		att->set = args->set;
		ioasid_attach_quiet(all, att);
	}
}

/**
 * ioasid_attach_notify() - The subscriber
 * @nb: &ioasid_attachments.nb
 * @val: an &enum ioasid_notify_val
 * @data: a &struct ioasid_nb_args
 *
 * Context: Process context. May sleep.
 * Return: %NOTIFY_OK or %NOTIFY_DONE.
 */
int ioasid_attach_notify(struct notifier_block *nb, unsigned long val,
			 void *data)
{
	struct ioasid_attachments *all =
		container_of(nb, struct ioasid_attachments, nb);
	struct ioasid_nb_args *args = data;

	switch (val) {
	case IOASID_FREE:
		ioasid_attach_free(all, args);
		return NOTIFY_OK;
	case IOASID_SYNC:
		ioasid_attach_finish_all(all, args->set, NULL);
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}
EXPORT_SYMBOL_GPL(ioasid_attach_notify);

/**
 * ioasid_attach_is_dead() - Was the PASID of an attachment freed?
 * @all: the attachments of the driver
 * @dev: device
 * @pasid: a PASID
 *
 * For fault handling and for those who walk the attachments of a domain. False
 * for what is not managed.
 *
 * Context: Any context.
 * Return: true from IOASID_FREE to the detach.
 */
bool ioasid_attach_is_dead(struct ioasid_attachments *all, struct device *dev,
			   ioasid_t pasid)
{
	struct ioasid_attach *att;
	unsigned long flags;
	bool dead;

	xa_lock_irqsave(&all->atts, flags);
	att = ioasid_attach_find(all, dev, pasid);
	dead = att && att->state != IOASID_ATTACH_LIVE;
	xa_unlock_irqrestore(&all->atts, flags);
	return dead;
}
EXPORT_SYMBOL_GPL(ioasid_attach_is_dead);

/**
 * ioasid_attach_any() - Is a PASID attached to one of some devices?
 * @all: the attachments of the driver
 * @pasid: a PASID
 * @match: tells whether a device is one of them; must not sleep
 * @data: for @match
 *
 * For one who reports a fault and has the number of a device that may be gone.
 *
 * Context: Any context.
 * Return: true while it is attached there, dead or alive.
 */
bool ioasid_attach_any(struct ioasid_attachments *all, ioasid_t pasid,
		       bool (*match)(struct device *dev, void *data), void *data)
{
	struct ioasid_attach *first, *att;
	unsigned long flags;
	bool found = false;

	xa_lock_irqsave(&all->atts, flags);
	first = xa_load(&all->atts, pasid);
	for (att = first; att; att = next_sibling(att, first)) {
		found = match(att->dev, data);
		if (found)
			break;
	}
	xa_unlock_irqrestore(&all->atts, flags);
	return found;
}
EXPORT_SYMBOL_GPL(ioasid_attach_any);

/* What is attached there has been flushed, as if it were detached */
static void ioasid_attach_forget_quiesced(struct ioasid_attachments *all,
					  struct ioasid_attach *att,
					  struct iommu_domain *old)
{
	lockdep_assert_held(&all->lock);

	if (!att->set_up || att->state != IOASID_ATTACH_FLUSHED)
		return;
	all->ops->detach(att, old);
	att->set_up = false;
	att->muted = false;
}

/**
 * ioasid_attach_set_dev_pasid() - The set_dev_pasid of a domain that translates
 * @all: the attachments of the driver
 * @domain: the domain
 * @dev: device
 * @pasid: PASID
 * @old: what was attached, or NULL
 * @setup: attaches @domain and writes the entry; gets NULL for what the driver
 *	   does not know of. -ESRCH says that what @domain translates for is gone.
 *	   It drains nothing: that is done without the lock.
 *
 * Context: Process context, group->mutex held.
 * Return: what @setup returns, or -ENOMEM. A PASID that is dead already is
 * attached without an entry that translates.
 */
int ioasid_attach_set_dev_pasid(struct ioasid_attachments *all,
				struct iommu_domain *domain,
				struct device *dev, ioasid_t pasid,
				struct iommu_domain *old,
				ioasid_attach_setup_fn setup)
{
	bool fresh = false, replaced = false;
	struct ioasid_attach *att;
	int ret = -ESRCH;

	if (!ioasid_attach_is_managed(dev, pasid))
		return setup(domain, dev, pasid, old);

	scoped_guard(mutex, &all->lock) {
		att = ioasid_attach_find(all, dev, pasid);
		if (!att) {
			att = ioasid_attach_add(all, dev, pasid);
			if (!att)
				return -ENOMEM;
			fresh = true;
		}
		if (ioasid_alive(pasid)) {
			ioasid_attach_forget_quiesced(all, att, old);
			ret = setup(domain, dev, pasid, att->set_up ? old : NULL);
		}
		if (!ret) {
			replaced = att->state == IOASID_ATTACH_LIVE &&
				   ioasid_attach_may_ask(att);
			att->domain = domain;
			att->set_up = true;
			ioasid_attach_set_state(all, att, IOASID_ATTACH_LIVE);
		} else if (ret != -ESRCH && fresh) {
			ioasid_attach_remove(all, att);
		}
	}
	/* What has been asked of @old is on its way to it: its owner goes on then */
	if (replaced)
		all->ops->drain(dev, pasid);
	if (ret != -ESRCH)
		return ret;

	/* group->mutex keeps the attachment, which is dead and stays so */
	ioasid_attach_finish(all, att);

	guard(mutex)(&all->lock);

	all->ops->detach(att, att->set_up ? old : NULL);
	att->domain = domain;
	att->set_up = false;
	all->ops->clear(att, true);
	return 0;
}
EXPORT_SYMBOL_GPL(ioasid_attach_set_dev_pasid);

/**
 * ioasid_attach_detach() - The set_dev_pasid of the blocking domain
 * @all: the attachments of the driver
 * @dev: device
 * @pasid: PASID
 * @old: what was attached
 *
 * Context: Process context, group->mutex held.
 * Return: false if the attachment is not managed, and nothing was done.
 */
bool ioasid_attach_detach(struct ioasid_attachments *all, struct device *dev,
			  ioasid_t pasid, struct iommu_domain *old)
{
	struct ioasid_attach *att;

	if (!ioasid_attach_is_managed(dev, pasid))
		return false;

	scoped_guard(mutex, &all->lock)
		att = ioasid_attach_find(all, dev, pasid);
	if (WARN_ON(!att))
		return false;

	ioasid_attach_finish(all, att);

	guard(mutex)(&all->lock);

	/*
	 * A device that goes on with a PASID that lives is reported, unless its
	 * owner is just giving it up.
	 */
	if (ioasid_alive(att->pasid) && !att->muted)
		all->ops->clear(att, false);
	all->ops->detach(att, att->set_up ? old : NULL);
	ioasid_attach_remove(all, att);
	return true;
}
EXPORT_SYMBOL_GPL(ioasid_attach_detach);

static void ioasid_attach_quiesce_one(struct device *dev, ioasid_t pasid,
				      void *data)
{
	struct ioasid_attachments *all = data;
	struct ioasid_attach *att;

	lockdep_assert_held(&all->lock);

	att = ioasid_attach_find(all, dev, pasid);
	if (!att)
		return;
	att->muted = true;
	ioasid_attach_quiet(all, att);
}

/**
 * ioasid_attach_quiesce() - The quiesce_dev_pasids of a driver
 * @all: the attachments of the driver
 * @dev: device
 *
 * As if all PASIDs of @dev had died, but only for @dev, and they can be attached
 * again. One flush, and a drain if one of them may send page requests; what is
 * pending of others goes along with them.
 *
 * Context: Process context, group->mutex held.
 */
void ioasid_attach_quiesce(struct ioasid_attachments *all, struct device *dev)
{
	scoped_guard(mutex, &all->lock)
		iommu_driver_visit_ioasids(dev, ioasid_attach_quiesce_one, all);
	ioasid_attach_finish_all(all, NULL, dev);
}
EXPORT_SYMBOL_GPL(ioasid_attach_quiesce);

/**
 * ioasid_attach_mm_release() - The pages of an address space go next
 * @all: the attachments of the driver
 * @domain: its domain
 * @pasid: its PASID
 *
 * When this returns, no translation of it is cached any more, whoever made the
 * entries quiet. The drain is left for SYNC, which is on its way: the dying
 * task waits for no page request of its own.
 *
 * Context: Process context. May sleep. The mmu_notifier of @domain.
 */
void ioasid_attach_mm_release(struct ioasid_attachments *all,
			      struct iommu_domain *domain, ioasid_t pasid)
{
	struct ioasid_attach *first, *att;
	LIST_HEAD(atts);

	guard(mutex)(&all->lock);

	first = xa_load(&all->atts, pasid);
	for (att = first; att; att = next_sibling(att, first)) {
		if (att->domain != domain)
			continue;
		ioasid_attach_quiet(all, att);
		if (att->state == IOASID_ATTACH_DEAD && !att->clean)
			list_move_tail(&att->pending, &atts);
	}

	ioasid_attach_flush(all, &atts);
	list_splice_tail(&atts, &all->pending);
}
EXPORT_SYMBOL_GPL(ioasid_attach_mm_release);
