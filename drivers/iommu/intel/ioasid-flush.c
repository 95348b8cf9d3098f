// SPDX-License-Identifier: GPL-2.0
/*
 * Invalidations for PASIDs that died, in batches: few submissions for many
 * attachments.
 */
#include <linux/list_sort.h>
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

static struct intel_iommu *intel_ioasid_iommu(struct intel_ioasid_node *node)
{
	struct device_domain_info *info = dev_iommu_priv_get(node->dev);

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
		       QI_PC_PASID(node->pasid) | QI_PC_TYPE,
	};
}

static void intel_ioasid_desc_iotlb(struct intel_ioasid_node *node,
				    struct qi_desc *desc)
{
	*desc = (struct qi_desc) { };
	if (intel_ioasid_is_first_stage(node))
		qi_desc_piotlb_all(node->did, node->pasid, desc);
	else
		qi_desc_iotlb(intel_ioasid_iommu(node), node->did, 0, 0,
			      DMA_TLB_DSI_FLUSH, desc);
}

/* What follows is processed after what was before has been done */
static void intel_ioasid_desc_fence(struct qi_desc *desc)
{
	*desc = (struct qi_desc) {
		.qw0 = QI_IWD_STATUS_DATA(QI_DONE) | QI_IWD_FENCE | QI_IWD_TYPE,
	};
}

/*
 * PASID cache, then IOTLB: a translation that starts between the two may fill
 * the IOTLB through the cached PASID-table entry. One submission for all of
 * @nodes, which are of one IOMMU and have different (DID, PASID).
 */
static void intel_ioasid_flush_iotlb(struct intel_ioasid_node **nodes,
				     unsigned int n)
{
	struct qi_desc *desc = intel_ioasid_descs;
	unsigned int i;

	lockdep_assert_held(&intel_ioasid_lock);

	for (i = 0; i < n; i++)
		intel_ioasid_desc_pasid_cache(nodes[i], desc++);
	intel_ioasid_desc_fence(desc++);
	for (i = 0; i < n; i++)
		intel_ioasid_desc_iotlb(nodes[i], desc++);
	qi_submit_sync(intel_ioasid_iommu(nodes[0]), intel_ioasid_descs,
		       desc - intel_ioasid_descs, 0);
}

/* Returns how many descriptors the device of @node needs: 0, 1 or 2 */
static unsigned int intel_ioasid_desc_dev_iotlb(struct intel_ioasid_node *node,
						struct qi_desc *desc)
{
	struct device_domain_info *info = dev_iommu_priv_get(node->dev);

	/* With translation off no device-TLB request is to be sent, 4.3 */
	if (!info->ats_enabled || !(info->iommu->gcmd & DMA_GCMD_TE) ||
	    !pci_device_is_present(to_pci_dev(node->dev)))
		return 0;

	*desc = (struct qi_desc) { };
	qi_desc_dev_iotlb_pasid(PCI_DEVID(info->bus, info->devfn), info->pfsid,
				node->pasid, info->ats_qdep, 0,
				MAX_AGAW_PFN_WIDTH, desc);
	if (!info->dtlb_extra_inval)
		return 1;
	desc[1] = desc[0];
	return 2;
}

/*
 * A device that does not answer ends the submission it is in with an error
 * (ITE), and with it the flush of those behind it: then one by one.
 */
static void intel_ioasid_submit_dev_iotlb(struct intel_iommu *iommu,
					  unsigned int n)
{
	unsigned int i;

	if (!n || !qi_submit_sync(iommu, intel_ioasid_descs, n, 0))
		return;
	for (i = 0; i < n; i++)
		qi_submit_sync(iommu, &intel_ioasid_descs[i], 1, 0);
}

static int intel_ioasid_cmp(void *priv, const struct list_head *a,
			    const struct list_head *b)
{
	struct intel_ioasid_node *x, *y;
	int xi, yi;

	x = list_entry(a, struct intel_ioasid_node, pending);
	y = list_entry(b, struct intel_ioasid_node, pending);
	xi = intel_ioasid_iommu(x)->seq_id;
	yi = intel_ioasid_iommu(y)->seq_id;
	if (xi != yi)
		return xi < yi ? -1 : 1;
	if (x->did != y->did)
		return x->did < y->did ? -1 : 1;
	if (x->pasid != y->pasid)
		return x->pasid < y->pasid ? -1 : 1;
	return 0;
}

static bool intel_ioasid_same_tag(struct intel_ioasid_node *x,
				  struct intel_ioasid_node *y)
{
	return !intel_ioasid_cmp(NULL, &x->pending, &y->pending);
}

/* @nodes are sorted: the devices of an IOMMU with the same tag share a flush */
static void intel_ioasid_flush_iotlbs(struct list_head *nodes)
{
	struct intel_ioasid_node *todo[(INTEL_IOASID_BATCH - 2) / 2];
	struct intel_ioasid_node *node, *last = NULL;
	unsigned int n = 0;

	list_for_each_entry(node, nodes, pending) {
		if (last && intel_ioasid_same_tag(last, node))
			continue;
		if (n && (n == ARRAY_SIZE(todo) ||
			  intel_ioasid_iommu(last) != intel_ioasid_iommu(node))) {
			intel_ioasid_flush_iotlb(todo, n);
			n = 0;
		}
		todo[n++] = node;
		last = node;
	}
	if (n)
		intel_ioasid_flush_iotlb(todo, n);
}

static void intel_ioasid_flush_dev_iotlbs(struct list_head *nodes)
{
	struct intel_iommu *iommu = NULL;
	struct intel_ioasid_node *node;
	unsigned int n = 0;

	list_for_each_entry(node, nodes, pending) {
		if (n && (n > INTEL_IOASID_BATCH - 3 ||
			  intel_ioasid_iommu(node) != iommu)) {
			intel_ioasid_submit_dev_iotlb(iommu, n);
			n = 0;
		}
		iommu = intel_ioasid_iommu(node);
		n += intel_ioasid_desc_dev_iotlb(node, &intel_ioasid_descs[n]);
	}
	intel_ioasid_submit_dev_iotlb(iommu, n);
}

/**
 * intel_ioasid_flush_caches() - Invalidate what is cached of attachments
 * @nodes: list of struct intel_ioasid_node::pending, whose entries are quiet;
 *	   gets sorted
 *
 * The IOTLB is done before any device TLB, which would be filled from it again.
 *
 * Context: Process context, intel_ioasid_lock held.
 */
void intel_ioasid_flush_caches(struct list_head *nodes)
{
	lockdep_assert_held(&intel_ioasid_lock);

	list_sort(NULL, nodes, intel_ioasid_cmp);
	intel_ioasid_flush_iotlbs(nodes);
	intel_ioasid_flush_dev_iotlbs(nodes);
}
