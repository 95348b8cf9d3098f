/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an IOMMU driver does when an IOASID dies.
 *
 * For IOMMU drivers only, see ioasid-attach.c.
 */
#ifndef __IOASID_ATTACH_H
#define __IOASID_ATTACH_H

#include <linux/ioasid.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/xarray.h>

struct device;
struct iommu_domain;

/**
 * enum ioasid_attach_state - How far the tear-down of an attachment is
 * @IOASID_ATTACH_LIVE: the entry of the PASID translates
 * @IOASID_ATTACH_DEAD: the entry is quiet: it refuses DMA, and nothing is
 *			reported. What is cached of it, or the drain of page
 *			requests, is still to be done.
 * @IOASID_ATTACH_FLUSHED: nothing of it is left in hardware
 */
enum ioasid_attach_state {
	IOASID_ATTACH_LIVE,
	IOASID_ATTACH_DEAD,
	IOASID_ATTACH_FLUSHED,
};

/**
 * struct ioasid_attach - one managed attachment
 * @siblings: the other attachments of the same PASID
 * @pending: on its way to be flushed and drained while DEAD
 * @dev: the device
 * @set: the owner of @pasid, from IOASID_FREE on; not a reference
 * @domain: what the core has attached
 * @pasid: the PASID
 * @state: an &enum ioasid_attach_state
 * @clean: the caches are flushed already, or are being flushed; if DEAD, only the
 *	   drain is left
 * @muted: make it quiet so that nothing is reported, though the PASID lives
 * @set_up: the driver knows @domain; it does not know one that was attached
 *	    when the PASID was dead already
 *
 * A driver puts it at the start of what it keeps itself.
 */
struct ioasid_attach {
	struct list_head siblings;
	struct list_head pending;
	struct device *dev;
	struct ioasid_set *set;
	struct iommu_domain *domain;
	ioasid_t pasid;
	enum ioasid_attach_state state;
	bool clean;
	bool muted;
	bool set_up;
};

/**
 * struct ioasid_attach_ops - what differs from driver to driver
 * @size: of what has a &struct ioasid_attach at its start
 * @quiet: make the entry of a LIVE attachment refuse DMA, without a command. If the
 *	   PASID is dead, or &ioasid_attach.muted is set, without a report.
 * @iommu: the IOMMU instance that the device of an attachment is behind
 * @flush: invalidate what is cached of a list of &ioasid_attach.pending, whose
 *	   entries are quiet, in the IOMMU that all of them are behind and in the
 *	   devices; may sort it
 * @clear: write the entry that is left when all is flushed, or one for what is
 *	   not set up. With @mute a device that goes on raises no interrupts.
 * @drain: wait until all page requests of a device for a PASID have been
 *	   answered, and those for its other PASIDs that are dead. Called for
 *	   domains with a handler for them, without &ioasid_attachments.lock.
 * @detach: forget that @old is attached, or only the entry if it is NULL; sends no
 *	    command
 *
 * None of them fails: a tear-down cannot.
 */
struct ioasid_attach_ops {
	size_t size;
	void (*quiet)(struct ioasid_attach *att);
	void *(*iommu)(struct ioasid_attach *att);
	void (*flush)(void *iommu, struct list_head *atts);
	void (*clear)(struct ioasid_attach *att, bool mute);
	void (*drain)(struct device *dev, ioasid_t pasid);
	void (*detach)(struct ioasid_attach *att, struct iommu_domain *old);
};

/**
 * struct ioasid_attachments - the managed attachments of a driver
 * @ops: of the driver
 * @drain_lock: drains to their ends
 * @lock: the attachments, and every invalidation for them to its end
 * @pending: those that are DEAD, but for @draining
 * @draining: those that are being drained. Changed under both locks.
 * @atts: PASID -> one of its attachments. Changed under @lock; the lists of
 *	  siblings and the states also under the xa_lock, for those who ask in
 *	  any context.
 * @nb: on the chain of all sets
 */
struct ioasid_attachments {
	const struct ioasid_attach_ops *ops;
	struct mutex drain_lock;	/* drains */
	struct mutex lock;		/* attachments and invalidations */
	struct list_head pending;
	struct list_head draining;
	struct xarray atts;
	struct notifier_block nb;
};

int ioasid_attach_notify(struct notifier_block *nb, unsigned long val,
			 void *data);

#define DEFINE_IOASID_ATTACHMENTS(name, _ops)				\
	struct ioasid_attachments name = {				\
		.ops = _ops,						\
		.drain_lock = __MUTEX_INITIALIZER(name.drain_lock),	\
		.lock = __MUTEX_INITIALIZER(name.lock),			\
		.pending = LIST_HEAD_INIT(name.pending),		\
		.draining = LIST_HEAD_INIT(name.draining),		\
		.atts = XARRAY_INIT(name.atts, XA_FLAGS_LOCK_IRQ),	\
		.nb = {							\
			.notifier_call = ioasid_attach_notify,		\
			.priority = IOASID_PRIO_IOMMU,			\
		},							\
	}

typedef int (*ioasid_attach_setup_fn)(struct iommu_domain *domain,
				      struct device *dev, ioasid_t pasid,
				      struct iommu_domain *old);

/**
 * typedef ioasid_attach_key_fn - What attachments are sorted and grouped by
 * @att: attachment
 *
 * Return: any number; the same for those that belong together.
 */
typedef u64 (*ioasid_attach_key_fn)(struct ioasid_attach *att);

u64 ioasid_attach_dev(struct ioasid_attach *att);
unsigned int ioasid_attach_sort(struct list_head *atts, ioasid_attach_key_fn key);
struct ioasid_attach *ioasid_attach_group(struct list_head *atts,
					  struct ioasid_attach *first,
					  ioasid_attach_key_fn key,
					  unsigned int *n);

#if IS_ENABLED(CONFIG_KUNIT)
bool ioasid_attach_is_managed(struct device *dev, ioasid_t pasid);
#endif

struct ioasid_attach *ioasid_attach_find(struct ioasid_attachments *all,
					 struct device *dev, ioasid_t pasid);
int ioasid_attach_set_dev_pasid(struct ioasid_attachments *all,
				struct iommu_domain *domain,
				struct device *dev, ioasid_t pasid,
				struct iommu_domain *old,
				ioasid_attach_setup_fn setup);
bool ioasid_attach_detach(struct ioasid_attachments *all, struct device *dev,
			  ioasid_t pasid, struct iommu_domain *old);
void ioasid_attach_quiesce(struct ioasid_attachments *all, struct device *dev);
void ioasid_attach_mm_release(struct ioasid_attachments *all,
			      struct iommu_domain *domain, ioasid_t pasid);
bool ioasid_attach_is_dead(struct ioasid_attachments *all, struct device *dev,
			   ioasid_t pasid);
bool ioasid_attach_any(struct ioasid_attachments *all, ioasid_t pasid,
		       bool (*match)(struct device *dev, void *data), void *data);

#endif /* __IOASID_ATTACH_H */
