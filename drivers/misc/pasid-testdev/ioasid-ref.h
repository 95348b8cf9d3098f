/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's side of the IOASID allocator. A device driver holds a reference
 * for as long as its device may issue requests with the number, also after
 * unbind: that keeps the number away from the next process.
 *
 * On a kernel without the allocator there is no reference to take, and the
 * rest of the driver is the same.
 */
#ifndef PASID_TESTDEV_IOASID_REF_H
#define PASID_TESTDEV_IOASID_REF_H

#include <linux/errno.h>
#include <linux/iommu.h>

struct pdt_channel;
struct pdt_crowd_op;
struct pdt_events;
struct pdt_ioasid;

#ifdef CONFIG_IOASID
#include <linux/ioasid.h>

static inline int pdt_ioasid_get(ioasid_t id)
{
	return ioasid_get(ioasid_system_set(), id);
}

static inline void pdt_ioasid_put(ioasid_t id)
{
	ioasid_put(ioasid_system_set(), id);
}

static inline int pdt_ioasid_attach(struct iommu_domain *domain,
				    struct device *dev, ioasid_t id,
				    struct iommu_attach_handle *handle)
{
	return iommu_attach_device_ioasid(domain, dev, ioasid_system_set(), id,
					  handle);
}

int pdt_ioasid_op(struct pdt_channel *ch, struct pdt_ioasid *op);
void pdt_ioasid_drop_test_ref(struct pdt_channel *ch);
int pdt_crowd_op(struct pdt_channel *ch, const struct pdt_crowd_op *op);
void pdt_crowd_leave(struct pdt_channel *ch);
int pdt_events_read(struct pdt_events *e);
#else
static inline int pdt_ioasid_get(ioasid_t id)
{
	return 0;
}

static inline void pdt_ioasid_put(ioasid_t id)
{
}

static inline int pdt_ioasid_attach(struct iommu_domain *domain,
				    struct device *dev, ioasid_t id,
				    struct iommu_attach_handle *handle)
{
	return iommu_attach_device_pasid(domain, dev, id, handle);
}

static inline int pdt_ioasid_op(struct pdt_channel *ch, struct pdt_ioasid *op)
{
	return -EOPNOTSUPP;
}

static inline void pdt_ioasid_drop_test_ref(struct pdt_channel *ch)
{
}

static inline int pdt_crowd_op(struct pdt_channel *ch,
			       const struct pdt_crowd_op *op)
{
	return -EOPNOTSUPP;
}

static inline void pdt_crowd_leave(struct pdt_channel *ch)
{
}

static inline int pdt_events_read(struct pdt_events *e)
{
	return -EOPNOTSUPP;
}
#endif /* CONFIG_IOASID */

#endif /* PASID_TESTDEV_IOASID_REF_H */
