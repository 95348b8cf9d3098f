// SPDX-License-Identifier: GPL-2.0
/*
 * Whose the PASID is that a DMA fault is about.
 *
 * Faults are reported in an interrupt that is never threaded, and the allocator
 * has a lock that may sleep on PREEMPT_RT: so from a work item, a little later.
 */
#define pr_fmt(fmt)	"DMAR: " fmt

#include <linux/ioasid.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "ioasid.h"
#include "iommu.h"

struct intel_ioasid_fault {
	struct intel_iommu *iommu;	/* only compared */
	u16 segment;
	u16 sid;
	ioasid_t pasid;
};

/* More at once are as good as these: the faults themselves are rate-limited */
static struct intel_ioasid_fault intel_ioasid_faults[8];
static unsigned int intel_ioasid_nfaults;
static DEFINE_RAW_SPINLOCK(intel_ioasid_fault_lock);

static bool intel_ioasid_next_fault(struct intel_ioasid_fault *fault)
{
	guard(raw_spinlock_irq)(&intel_ioasid_fault_lock);
	if (!intel_ioasid_nfaults)
		return false;
	*fault = intel_ioasid_faults[--intel_ioasid_nfaults];
	return true;
}

static void intel_ioasid_report_faults(struct work_struct *work)
{
	struct intel_ioasid_fault f;
	char owner[64];

	while (intel_ioasid_next_fault(&f)) {
		/* A number that a driver chose itself may be somebody's IOASID */
		if (!intel_ioasid_is_managed(f.iommu, f.sid, f.pasid) ||
		    ioasid_describe(f.pasid, owner, sizeof(owner)))
			continue;
		pr_err("[PASID 0x%x] Request device [%04x:%02x:%02x.%d] PASID is %s\n",
		       f.pasid, f.segment, PCI_BUS_NUM(f.sid), PCI_SLOT(f.sid),
		       PCI_FUNC(f.sid), owner);
	}
}

static DECLARE_WORK(intel_ioasid_fault_work, intel_ioasid_report_faults);

/**
 * intel_ioasid_report_owner() - Say whose the PASID of a reported fault is
 * @iommu: the IOMMU
 * @sid: source-id of the request
 * @pasid: its PASID
 *
 * Only for a number that came from IOASID. The line comes later than the report.
 *
 * Context: Any context but NMI.
 */
void intel_ioasid_report_owner(struct intel_iommu *iommu, u16 sid,
			       ioasid_t pasid)
{
	scoped_guard(raw_spinlock_irqsave, &intel_ioasid_fault_lock) {
		if (intel_ioasid_nfaults == ARRAY_SIZE(intel_ioasid_faults))
			return;
		intel_ioasid_faults[intel_ioasid_nfaults++] =
			(struct intel_ioasid_fault) {
				.iommu = iommu,
				.segment = iommu->segment,
				.sid = sid,
				.pasid = pasid,
			};
	}
	schedule_work(&intel_ioasid_fault_work);
}
