/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the VT-d driver share that deal with IOASIDs.
 *
 * ioasid.c	  attachments, events, attach and detach
 * ioasid-flush.c invalidations, in batches
 * ioasid-fault.c reports of faults
 */
#ifndef __INTEL_IOASID_H
#define __INTEL_IOASID_H

#include <linux/ioasid.h>
#include <linux/list.h>
#include <linux/mutex.h>

struct device;
struct intel_iommu;
struct iommu_domain;

enum intel_ioasid_state {
	INTEL_IOASID_LIVE,
	INTEL_IOASID_DEAD,
	INTEL_IOASID_FLUSHED,
};

/**
 * struct intel_ioasid_node - one managed attachment
 * @siblings: the other nodes of the same PASID
 * @pending: in intel_ioasid_pending while DEAD
 * @dev: the device
 * @domain: what is attached
 * @pasid: the PASID
 * @state: an &enum intel_ioasid_state
 * @clean: DEAD, but the caches are flushed already and only the drain is left
 * @did: domain id of the entry when it was made quiet
 * @pgtt: its translation type
 */
struct intel_ioasid_node {
	struct list_head siblings;
	struct list_head pending;
	struct device *dev;
	struct iommu_domain *domain;
	ioasid_t pasid;
	enum intel_ioasid_state state;
	bool clean;
	u16 did;
	u16 pgtt;
};

/* Guards the registry and the invalidations, see ioasid.c */
extern struct mutex intel_ioasid_lock;

void intel_ioasid_flush_caches(struct list_head *nodes);
bool intel_ioasid_is_managed(struct intel_iommu *iommu, u16 sid, ioasid_t pasid);

#endif /* __INTEL_IOASID_H */
