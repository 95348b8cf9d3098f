// SPDX-License-Identifier: GPL-2.0
/*
 * Invalidations for PASIDs that died, in batches: few submissions for many
 * attachments.
 */
#include <linux/pci.h>

#include "ioasid.h"
#include "iommu.h"
#include "pasid.h"

/*
 * The longest submission, with the wait that qi_submit_sync() adds. It needs a
 * part of the queue to be free at once, and others must get their turn.
 */
#define INTEL_IOASID_BATCH	64
static struct qi_desc intel_ioasid_descs[INTEL_IOASID_BATCH];
static unsigned int intel_ioasid_ndescs;

/*
 * As many PASIDs of an IOMMU, or of a device, are invalidated one by one. With
 * more of them one descriptor takes what is cached for the whole domain or
 * device, also of PASIDs that live. Those walk again, once, which for a crowd
 * like this is less than what its own invalidations hold up the queue for
 * everybody: 16 and their device still fit one submission each.
 */
#define INTEL_IOASID_SELECTIVE	16

static bool intel_ioasid_is_first_stage(const struct intel_ioasid_node *node)
{
	return node->pgtt == PASID_ENTRY_PGTT_FL_ONLY ||
	       node->pgtt == PASID_ENTRY_PGTT_PT;
}

static void intel_ioasid_desc_pasid_cache(struct intel_ioasid_node *node,
					  struct qi_desc *desc)
{
	*desc = (struct qi_desc) {
		.qw0 = QI_PC_DID(node->did) | QI_PC_GRAN(QI_PC_PASID_SEL) |
		       QI_PC_PASID(node->att.pasid) | QI_PC_TYPE,
	};
}

/*
 * For all PASIDs of a domain. VT-d 5.0 section 6.5.3.3 asks for these two, the
 * domain-selective invalidation of the PASID cache and of the IOTLB, when a
 * scalable-mode context entry goes and with it all PASIDs behind it, of first
 * and second stage.
 */
static void intel_ioasid_desc_pasid_cache_all(struct intel_ioasid_node *node,
					      struct qi_desc *desc)
{
	*desc = (struct qi_desc) {
		.qw0 = QI_PC_DID(node->did) | QI_PC_GRAN(QI_PC_ALL_PASIDS) |
		       QI_PC_TYPE,
	};
}

static void intel_ioasid_desc_iotlb_all(struct intel_ioasid_node *node,
					struct qi_desc *desc)
{
	struct device_domain_info *info = dev_iommu_priv_get(node->att.dev);

	*desc = (struct qi_desc) { };
	qi_desc_iotlb(info->iommu, node->did, 0, 0, DMA_TLB_DSI_FLUSH, desc);
}

static void intel_ioasid_desc_iotlb(struct intel_ioasid_node *node,
				    struct qi_desc *desc)
{
	if (!intel_ioasid_is_first_stage(node)) {
		intel_ioasid_desc_iotlb_all(node, desc);
		return;
	}
	*desc = (struct qi_desc) { };
	qi_desc_piotlb_all(node->did, node->att.pasid, desc);
}

/* What follows is processed after what was before has been done */
static void intel_ioasid_desc_fence(struct qi_desc *desc)
{
	*desc = (struct qi_desc) {
		.qw0 = QI_IWD_STATUS_DATA(QI_DONE) | QI_IWD_FENCE | QI_IWD_TYPE,
	};
}

/* Waits until all that was queued has been done */
static int intel_ioasid_submit(struct intel_iommu *iommu)
{
	unsigned int n = intel_ioasid_ndescs;

	intel_ioasid_ndescs = 0;
	return n ? qi_submit_sync(iommu, intel_ioasid_descs, n, 0) : 0;
}

/* Where the next descriptor is to be put. The order is that of the calls. */
static struct qi_desc *intel_ioasid_next_desc(struct intel_iommu *iommu)
{
	if (intel_ioasid_ndescs == INTEL_IOASID_BATCH - 1)
		intel_ioasid_submit(iommu);
	return &intel_ioasid_descs[intel_ioasid_ndescs++];
}

/* By what tags the IOTLB: the domain, and in it the PASID */
static u64 intel_ioasid_tag(struct ioasid_attach *att)
{
	return (u64)to_intel_ioasid_node(att)->did << 32 | att->pasid;
}

static u64 intel_ioasid_domain(struct ioasid_attach *att)
{
	return to_intel_ioasid_node(att)->did;
}

typedef void (*intel_ioasid_desc_fn)(struct intel_ioasid_node *node,
				     struct qi_desc *desc);

/*
 * For each domain of @nodes: @one for each PASID, or @all once. A domain with
 * one PASID costs the same either way.
 */
static void intel_ioasid_queue_domains(struct intel_iommu *iommu,
				       struct list_head *nodes, bool few,
				       intel_ioasid_desc_fn one,
				       intel_ioasid_desc_fn all)
{
	struct ioasid_attach *att, *next, *last;
	unsigned int n;

	att = list_first_entry(nodes, struct ioasid_attach, pending);
	while (!list_entry_is_head(att, nodes, pending)) {
		next = ioasid_attach_group(nodes, att, intel_ioasid_domain, &n);
		if (!few && n > 1) {
			all(to_intel_ioasid_node(att), intel_ioasid_next_desc(iommu));
			att = next;
			continue;
		}
		for (last = NULL; att != next;
		     last = att, att = list_next_entry(att, pending))
			if (!last || last->pasid != att->pasid)
				one(to_intel_ioasid_node(att),
				    intel_ioasid_next_desc(iommu));
	}
}

/*
 * PASID cache, then IOTLB: a translation that starts between the two may fill
 * the IOTLB through the cached PASID-table entry.
 */
static void intel_ioasid_flush_iotlbs(struct intel_iommu *iommu,
				      struct list_head *nodes)
{
	bool few;

	few = ioasid_attach_sort(nodes, intel_ioasid_tag) <= INTEL_IOASID_SELECTIVE;
	intel_ioasid_queue_domains(iommu, nodes, few,
				   intel_ioasid_desc_pasid_cache,
				   intel_ioasid_desc_pasid_cache_all);
	intel_ioasid_desc_fence(intel_ioasid_next_desc(iommu));
	intel_ioasid_queue_domains(iommu, nodes, few, intel_ioasid_desc_iotlb,
				   intel_ioasid_desc_iotlb_all);
	intel_ioasid_submit(iommu);
}

/* With translation off no device-TLB request is to be sent, VT-d 5.0, 4.3 */
static bool intel_ioasid_has_dev_iotlb(struct device *dev)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);

	return info->ats_enabled && info->iommu->gcmd & DMA_GCMD_TE &&
	       pci_device_is_present(to_pci_dev(dev));
}

static void intel_ioasid_desc_dev_iotlb(struct intel_ioasid_node *node,
					struct qi_desc *desc)
{
	struct device_domain_info *info = dev_iommu_priv_get(node->att.dev);

	*desc = (struct qi_desc) { };
	qi_desc_dev_iotlb_pasid(PCI_DEVID(info->bus, info->devfn), info->pfsid,
				node->att.pasid, info->ats_qdep, 0,
				MAX_AGAW_PFN_WIDTH, desc);
}

/*
 * Without a PASID a request takes what was translated for any PASID, and
 * without one: PCIe 6.0 section 10.3.8. Also asked for by VT-d 5.0 section
 * 6.5.3.3 when all PASIDs of a device go.
 */
static void intel_ioasid_desc_dev_iotlb_all(struct intel_ioasid_node *node,
					    struct qi_desc *desc)
{
	struct device_domain_info *info = dev_iommu_priv_get(node->att.dev);

	*desc = (struct qi_desc) { };
	qi_desc_dev_iotlb(PCI_DEVID(info->bus, info->devfn), info->pfsid,
			  info->ats_qdep, 0, MAX_AGAW_PFN_WIDTH, desc);
}

/*
 * A device that does not answer ends the submission it is in with an error
 * (ITE), and with it the flush of those behind it: then one by one.
 */
static void intel_ioasid_submit_dev_iotlb(struct intel_iommu *iommu)
{
	unsigned int i, n = intel_ioasid_ndescs;

	if (!intel_ioasid_submit(iommu))
		return;
	for (i = 0; i < n; i++)
		qi_submit_sync(iommu, &intel_ioasid_descs[i], 1, 0);
}

/* Twice in a row where hardware needs that, see dtlb_extra_inval */
static void intel_ioasid_queue_dev_iotlb(struct intel_iommu *iommu,
					 struct intel_ioasid_node *node,
					 intel_ioasid_desc_fn desc_fn)
{
	struct device_domain_info *info = dev_iommu_priv_get(node->att.dev);
	unsigned int i, n = info->dtlb_extra_inval ? 2 : 1;

	if (intel_ioasid_ndescs + n > INTEL_IOASID_BATCH - 1)
		intel_ioasid_submit_dev_iotlb(iommu);
	for (i = 0; i < n; i++)
		desc_fn(node, intel_ioasid_next_desc(iommu));
}

static void intel_ioasid_flush_dev_iotlbs(struct intel_iommu *iommu,
					  struct list_head *nodes)
{
	struct ioasid_attach *att, *next;
	unsigned int n;

	ioasid_attach_sort(nodes, ioasid_attach_dev);
	att = list_first_entry(nodes, struct ioasid_attach, pending);
	while (!list_entry_is_head(att, nodes, pending)) {
		next = ioasid_attach_group(nodes, att, ioasid_attach_dev, &n);
		if (!intel_ioasid_has_dev_iotlb(att->dev)) {
			att = next;
		} else if (n > INTEL_IOASID_SELECTIVE) {
			intel_ioasid_queue_dev_iotlb(iommu, to_intel_ioasid_node(att),
						     intel_ioasid_desc_dev_iotlb_all);
			att = next;
		}
		for (; att != next; att = list_next_entry(att, pending))
			intel_ioasid_queue_dev_iotlb(iommu, to_intel_ioasid_node(att),
						     intel_ioasid_desc_dev_iotlb);
	}
	intel_ioasid_submit_dev_iotlb(iommu);
}

/**
 * intel_ioasid_flush() - Invalidate what is cached of attachments
 * @priv: the &struct intel_iommu that all of them are behind
 * @nodes: list of &ioasid_attach.pending, whose entries are quiet; gets sorted
 *
 * The IOTLB is done before any device TLB, which would be filled from it again.
 * It takes two waits, and one more for each 63 descriptors: with g domains and D
 * devices there are at most 2 g + D of them when there are more than a few
 * PASIDs, however many.
 *
 * Context: Process context. Not twice at a time: &ioasid_attachments.lock held.
 */
void intel_ioasid_flush(void *priv, struct list_head *nodes)
{
	struct intel_iommu *iommu = priv;

	intel_ioasid_flush_iotlbs(iommu, nodes);
	intel_ioasid_flush_dev_iotlbs(iommu, nodes);
}
