// SPDX-License-Identifier: GPL-2.0
/*
 * Invalidations and drains for PASIDs that died, in batches: few submissions for
 * many attachments.
 */
#include <linux/list_sort.h>
#include <linux/pci.h>
#include <linux/sort.h>

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

static struct intel_iommu *intel_ioasid_iommu(struct intel_ioasid_node *node)
{
	struct device_domain_info *info = dev_iommu_priv_get(node->att.dev);

	return info->iommu;
}

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
	*desc = (struct qi_desc) { };
	qi_desc_iotlb(intel_ioasid_iommu(node), node->did, 0, 0,
		      DMA_TLB_DSI_FLUSH, desc);
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

/* By what tags the IOTLB */
static int intel_ioasid_cmp_tag(void *priv, const struct list_head *a,
				const struct list_head *b)
{
	struct intel_ioasid_node *x, *y;

	x = list_entry(a, struct intel_ioasid_node, att.pending);
	y = list_entry(b, struct intel_ioasid_node, att.pending);
	return cmp_int(x->did, y->did) ?: cmp_int(x->att.pasid, y->att.pasid);
}

static int intel_ioasid_cmp_dev(void *priv, const struct list_head *a,
				const struct list_head *b)
{
	struct intel_ioasid_node *x, *y;

	x = list_entry(a, struct intel_ioasid_node, att.pending);
	y = list_entry(b, struct intel_ioasid_node, att.pending);
	return cmp_int((unsigned long)x->att.dev, (unsigned long)y->att.dev);
}

static bool intel_ioasid_same_domain(struct intel_ioasid_node *x,
				     struct intel_ioasid_node *y)
{
	return x->did == y->did;
}

static bool intel_ioasid_same_dev(struct intel_ioasid_node *x,
				  struct intel_ioasid_node *y)
{
	return x->att.dev == y->att.dev;
}

typedef bool (*intel_ioasid_same_fn)(struct intel_ioasid_node *x,
				     struct intel_ioasid_node *y);
typedef void (*intel_ioasid_desc_fn)(struct intel_ioasid_node *node,
				     struct qi_desc *desc);

/*
 * The node behind those that are the @same as @first. Sets @n to the number of
 * PASIDs among them; a PASID that several devices of a domain share is one.
 */
static struct intel_ioasid_node *
intel_ioasid_group(struct list_head *nodes, struct intel_ioasid_node *first,
		   intel_ioasid_same_fn same, unsigned int *n)
{
	struct intel_ioasid_node *node = first, *last = NULL;

	*n = 0;
	list_for_each_entry_from(node, nodes, att.pending) {
		if (!same(first, node))
			break;
		*n += !last || last->att.pasid != node->att.pasid;
		last = node;
	}
	return node;
}

static unsigned int intel_ioasid_count_tags(struct list_head *nodes)
{
	struct intel_ioasid_node *node;
	unsigned int n, sum = 0;

	node = list_first_entry(nodes, struct intel_ioasid_node, att.pending);
	while (!list_entry_is_head(node, nodes, att.pending)) {
		node = intel_ioasid_group(nodes, node, intel_ioasid_same_domain, &n);
		sum += n;
	}
	return sum;
}

/*
 * For each domain of @nodes: @one for each PASID, or @all once. A domain with
 * one PASID costs the same either way.
 */
static void intel_ioasid_queue_domains(struct intel_iommu *iommu,
				       struct list_head *nodes, bool few,
				       intel_ioasid_desc_fn one,
				       intel_ioasid_desc_fn all)
{
	struct intel_ioasid_node *node, *next, *last;
	unsigned int n;

	node = list_first_entry(nodes, struct intel_ioasid_node, att.pending);
	while (!list_entry_is_head(node, nodes, att.pending)) {
		next = intel_ioasid_group(nodes, node, intel_ioasid_same_domain, &n);
		if (!few && n > 1) {
			all(node, intel_ioasid_next_desc(iommu));
			node = next;
			continue;
		}
		for (last = NULL; node != next;
		     last = node, node = list_next_entry(node, att.pending))
			if (!last || last->att.pasid != node->att.pasid)
				one(node, intel_ioasid_next_desc(iommu));
	}
}

/*
 * PASID cache, then IOTLB: a translation that starts between the two may fill
 * the IOTLB through the cached PASID-table entry. @nodes are of one IOMMU,
 * sorted by tag.
 */
static void intel_ioasid_flush_iotlbs(struct intel_iommu *iommu,
				      struct list_head *nodes)
{
	bool few;

	list_sort(NULL, nodes, intel_ioasid_cmp_tag);
	few = intel_ioasid_count_tags(nodes) <= INTEL_IOASID_SELECTIVE;
	intel_ioasid_queue_domains(iommu, nodes, few,
				   intel_ioasid_desc_pasid_cache,
				   intel_ioasid_desc_pasid_cache_all);
	intel_ioasid_desc_fence(intel_ioasid_next_desc(iommu));
	intel_ioasid_queue_domains(iommu, nodes, few, intel_ioasid_desc_iotlb,
				   intel_ioasid_desc_iotlb_all);
	intel_ioasid_submit(iommu);
}

/* With translation off no device-TLB request is to be sent, VT-d 5.0, 4.3 */
static bool intel_ioasid_has_dev_iotlb(const struct intel_ioasid_node *node)
{
	struct device_domain_info *info = dev_iommu_priv_get(node->att.dev);

	return info->ats_enabled && info->iommu->gcmd & DMA_GCMD_TE &&
	       pci_device_is_present(to_pci_dev(node->att.dev));
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
	struct intel_ioasid_node *node, *next;
	unsigned int n;

	list_sort(NULL, nodes, intel_ioasid_cmp_dev);
	node = list_first_entry(nodes, struct intel_ioasid_node, att.pending);
	while (!list_entry_is_head(node, nodes, att.pending)) {
		next = intel_ioasid_group(nodes, node, intel_ioasid_same_dev, &n);
		if (!intel_ioasid_has_dev_iotlb(node)) {
			node = next;
		} else if (n > INTEL_IOASID_SELECTIVE) {
			intel_ioasid_queue_dev_iotlb(iommu, node,
						     intel_ioasid_desc_dev_iotlb_all);
			node = next;
		}
		for (; node != next; node = list_next_entry(node, att.pending))
			intel_ioasid_queue_dev_iotlb(iommu, node,
						     intel_ioasid_desc_dev_iotlb);
	}
	intel_ioasid_submit_dev_iotlb(iommu);
}

/* Moves the first of @nodes and all of the same IOMMU to @same */
static struct intel_iommu *intel_ioasid_cut_iommu(struct list_head *nodes,
						  struct list_head *same)
{
	struct intel_ioasid_node *first, *node, *next;

	first = list_first_entry(nodes, struct intel_ioasid_node, att.pending);
	list_for_each_entry_safe(node, next, nodes, att.pending)
		if (intel_ioasid_iommu(node) == intel_ioasid_iommu(first))
			list_move_tail(&node->att.pending, same);
	return intel_ioasid_iommu(first);
}

/**
 * intel_ioasid_flush() - Invalidate what is cached of attachments
 * @nodes: list of &ioasid_attach.pending, whose entries are quiet; gets sorted
 *
 * The IOTLB is done before any device TLB, which would be filled from it again.
 * It takes two waits for an IOMMU, and one more for each 63 descriptors: with g
 * domains and D devices there are at most 2 g + D of them when there are more
 * than a few PASIDs, however many.
 *
 * Context: Process context. Not twice at a time: &ioasid_attachments.lock held.
 */
void intel_ioasid_flush(struct list_head *nodes)
{
	struct intel_iommu *iommu;
	LIST_HEAD(done);

	while (!list_empty(nodes)) {
		LIST_HEAD(same);

		iommu = intel_ioasid_cut_iommu(nodes, &same);
		intel_ioasid_flush_iotlbs(iommu, &same);
		intel_ioasid_flush_dev_iotlbs(iommu, &same);
		list_splice_tail(&same, &done);
	}
	list_splice(&done, nodes);
}

/**
 * intel_ioasid_drain() - Wait for the page requests of attachments
 * @nodes: list of &ioasid_attach.pending, DEAD and flushed; gets sorted
 *
 * Once for each device: who drains a PASID waits for all of the device that are
 * dead, see intel_iommu_drain_pasid_prq().
 *
 * Context: Process context. May sleep.
 */
void intel_ioasid_drain(struct list_head *nodes)
{
	struct intel_ioasid_node *node, *last = NULL;

	list_sort(NULL, nodes, intel_ioasid_cmp_dev);
	list_for_each_entry(node, nodes, att.pending) {
		if (!last || !intel_ioasid_same_dev(last, node))
			intel_iommu_drain_pasid_prq(node->att.dev, node->att.pasid);
		last = node;
	}
}
