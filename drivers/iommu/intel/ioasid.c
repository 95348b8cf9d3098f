// SPDX-License-Identifier: GPL-2.0
/*
 * What the VT-d driver does when an IOASID dies: its part of ioasid-attach.c.
 *
 *   LIVE     the PASID-table entry translates
 *   DEAD     the entry has P=0 and FPD=1: faults are not recorded, page requests
 *            are refused
 *   FLUSHED  the entry is zero, but for FPD
 */
#define pr_fmt(fmt)	"DMAR: " fmt

#include <linux/iommu.h>
#include <linux/ioasid.h>
#include <linux/pci.h>

#include "ioasid.h"
#include "iommu.h"
#include "pasid.h"

/*
 * The device can still use what is cached, but every walk fails from here on,
 * and no fault is recorded (VT-d 5.0 section 9.6, P and FPD). One write, so
 * that hardware never sees P=0 without FPD; the other fields stay until the
 * caches are flushed, see Table 28, "Guidance to Software for Invalidations".
 */
static void intel_ioasid_quiet(struct ioasid_attach *att)
{
	struct device_domain_info *info = dev_iommu_priv_get(att->dev);
	struct intel_ioasid_node *node = to_intel_ioasid_node(att);
	struct intel_iommu *iommu = info->iommu;
	struct pasid_entry *pte;

	scoped_guard(spinlock, &iommu->lock) {
		pte = intel_pasid_get_entry(att->dev, att->pasid);
		if (WARN_ON(!pte))
			return;
		node->did = pasid_get_domain_id(pte);
		node->pgtt = pasid_pte_get_pgtt(pte);
		pasid_clear_present_with_fpd(pte);
	}
	if (!ecap_coherent(iommu->ecap))
		clflush_cache_range(pte, sizeof(*pte));
}

static void *intel_ioasid_iommu(struct ioasid_attach *att)
{
	struct device_domain_info *info = dev_iommu_priv_get(att->dev);

	return info->iommu;
}

static void intel_ioasid_clear(struct ioasid_attach *att, bool mute)
{
	struct device_domain_info *info = dev_iommu_priv_get(att->dev);
	struct intel_iommu *iommu = info->iommu;
	struct pasid_entry *pte;

	scoped_guard(spinlock, &iommu->lock) {
		pte = intel_pasid_get_entry(att->dev, att->pasid);
		if (WARN_ON(!pte))
			return;
		if (mute)
			pasid_clear_entry_with_fpd(pte);
		else
			pasid_clear_entry(pte);
	}
	if (!ecap_coherent(iommu->ecap))
		clflush_cache_range(pte, sizeof(*pte));
}

static void intel_ioasid_forget(struct ioasid_attach *att,
				struct iommu_domain *old)
{
	if (!old)
		return;
	iopf_for_domain_remove(old, att->dev);
	domain_remove_dev_pasid(old, att->dev, att->pasid);
}

static const struct ioasid_attach_ops intel_ioasid_ops = {
	.size = sizeof(struct intel_ioasid_node),
	.quiet = intel_ioasid_quiet,
	.iommu = intel_ioasid_iommu,
	.flush = intel_ioasid_flush,
	.clear = intel_ioasid_clear,
	.drain = intel_iommu_drain_pasid_prq,
	.detach = intel_ioasid_forget,
};

static DEFINE_IOASID_ATTACHMENTS(intel_ioasids, &intel_ioasid_ops);

/**
 * intel_ioasid_set_dev_pasid() - The set_dev_pasid of a domain that translates
 * @domain: the domain
 * @dev: device
 * @pasid: PASID
 * @old: what was attached, or NULL
 * @setup: attaches @domain and writes the PASID-table entry
 *
 * Context: Process context, group->mutex held.
 * Return: see ioasid_attach_set_dev_pasid().
 */
int intel_ioasid_set_dev_pasid(struct iommu_domain *domain, struct device *dev,
			       ioasid_t pasid, struct iommu_domain *old,
			       intel_ioasid_setup_fn setup)
{
	return ioasid_attach_set_dev_pasid(&intel_ioasids, domain, dev, pasid,
					   old, setup);
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
	return ioasid_attach_detach(&intel_ioasids, dev, pasid, old);
}

/**
 * intel_ioasid_quiesce() - The quiesce_dev_pasids of the driver
 * @dev: device
 *
 * Context: Process context, group->mutex held.
 */
void intel_ioasid_quiesce(struct device *dev)
{
	ioasid_attach_quiesce(&intel_ioasids, dev);
}

/**
 * intel_ioasid_mm_release() - The pages of an address space go next
 * @domain: its domain
 * @pasid: its PASID
 *
 * Context: Process context. May sleep. The mmu_notifier of @domain.
 */
void intel_ioasid_mm_release(struct iommu_domain *domain, ioasid_t pasid)
{
	ioasid_attach_mm_release(&intel_ioasids, domain, pasid);
}

/**
 * intel_ioasid_is_dead() - Was the PASID of an attachment freed?
 * @dev: device
 * @pasid: a PASID
 *
 * Context: Any context.
 * Return: true from IOASID_FREE to the detach of what is managed.
 */
bool intel_ioasid_is_dead(struct device *dev, ioasid_t pasid)
{
	return ioasid_attach_is_dead(&intel_ioasids, dev, pasid);
}

struct intel_ioasid_source {
	struct intel_iommu *iommu;
	u16 sid;
};

static bool intel_ioasid_is_source(struct device *dev, void *data)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct intel_ioasid_source *source = data;

	return info->iommu == source->iommu &&
	       PCI_DEVID(info->bus, info->devfn) == source->sid;
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
	struct intel_ioasid_source source = { .iommu = iommu, .sid = sid };

	return ioasid_attach_any(&intel_ioasids, pasid, intel_ioasid_is_source,
				 &source);
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

	if (found && ioasid_register_notifier(NULL, &intel_ioasids.nb))
		pr_err("cannot subscribe to IOASID events\n");
}
