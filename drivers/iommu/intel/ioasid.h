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

#include "../ioasid-attach.h"

struct intel_iommu;

/**
 * struct intel_ioasid_node - one managed attachment
 * @att: what all drivers have of it
 * @did: domain id of the entry when it was made quiet
 * @pgtt: its translation type
 */
struct intel_ioasid_node {
	struct ioasid_attach att;
	u16 did;
	u16 pgtt;
};

static inline struct intel_ioasid_node *
to_intel_ioasid_node(struct ioasid_attach *att)
{
	return container_of(att, struct intel_ioasid_node, att);
}

void intel_ioasid_flush(void *priv, struct list_head *nodes);
bool intel_ioasid_is_managed(struct intel_iommu *iommu, u16 sid, ioasid_t pasid);

#endif /* __INTEL_IOASID_H */
