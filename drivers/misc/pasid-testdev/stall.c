// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID test device: requests that wait in the IOMMU.
 */
#include <linux/cleanup.h>
#include <linux/interrupt.h>
#include <linux/property.h>

#ifdef CONFIG_ARM_SMMU_V3
#include "../../iommu/arm/arm-smmu-v3/arm-smmu-v3.h"

#define PDT_SMMU_STALL_TERM	0x45
#endif

#include "pasid-testdev.h"

/* The IOMMU driver takes firmware's word for it, like quirk_huawei_pcie_sva() */
static void pdt_quirk_stall(struct pci_dev *pdev)
{
	struct property_entry properties[] = {
		PROPERTY_ENTRY_BOOL("dma-can-stall"),
		{},
	};

	if (pdev->revision != PDT_REVISION_STALL)
		return;
	if (device_create_managed_software_node(&pdev->dev, properties, NULL))
		pci_warn(pdev, "could not add stall property\n");
}
DECLARE_PCI_FIXUP_HEADER(PDT_VENDOR_ID, PDT_DEVICE_ID, pdt_quirk_stall);

/* Faults that pdt_fault() has heard of */
static atomic_t pdt_reported;

/**
 * pdt_fault() - Refuse the fault of a domain that is ours.
 * @group: The fault.
 *
 * Return: 0.
 */
int pdt_fault(struct iopf_group *group)
{
	atomic_inc(&pdt_reported);
	iopf_group_response(group, IOMMU_PAGE_RESP_INVALID);
	iopf_free_group(group);
	return 0;
}

/**
 * pdt_faults() - How many faults has pdt_fault() heard of?
 *
 * Return: how many since boot.
 */
unsigned int pdt_faults(void)
{
	return atomic_read(&pdt_reported);
}

/* Protects the next */
static DEFINE_MUTEX(pdt_events_lock);
/* Who holds up the events of its IOMMU, NULL: nobody */
static struct pdt_channel *pdt_events_owner;
static int pdt_events_irq;

static int pdt_event_irq(struct pdt_channel *ch)
{
#ifdef CONFIG_ARM_SMMU_V3
	struct arm_smmu_master *master = dev_iommu_priv_get(&ch->pdt->pdev->dev);

	return master->smmu->combined_irq ?: master->smmu->evtq.q.irq;
#else
	return 0;
#endif
}

/**
 * pdt_hold_events() - Hold up the fault events of an IOMMU.
 * @ch: Channel of a device behind it.
 * @hold: Until further notice; or no longer, if it is @ch that holds them up.
 *
 * Return: 0; -EBUSY if they are held up already; -EOPNOTSUPP.
 */
int pdt_hold_events(struct pdt_channel *ch, bool hold)
{
	guard(mutex)(&pdt_events_lock);

	if (hold && pdt_events_owner)
		return -EBUSY;
	if (!hold && pdt_events_owner != ch)
		return 0;
	if (hold) {
		pdt_events_irq = pdt_event_irq(ch);
		if (pdt_events_irq <= 0)
			return -EOPNOTSUPP;
		disable_irq(pdt_events_irq);
	} else {
		enable_irq(pdt_events_irq);
	}
	pdt_events_owner = hold ? ch : NULL;
	return 0;
}

/**
 * pdt_terminate_stalls() - CMD_STALL_TERM, which Linux does not use.
 * @ch: Channel of the device.
 *
 * Return: 0; -EOPNOTSUPP; an error of the command queue.
 */
int pdt_terminate_stalls(struct pdt_channel *ch)
{
#ifdef CONFIG_ARM_SMMU_V3
	struct arm_smmu_master *master = dev_iommu_priv_get(&ch->pdt->pdev->dev);
	struct arm_smmu_cmd cmd = { .data[0] = PDT_SMMU_STALL_TERM };

	cmd.data[0] |= FIELD_PREP(CMDQ_RESUME_0_SID, master->streams[0].id);
	return arm_smmu_cmdq_issue_cmdlist(master->smmu, &master->smmu->cmdq,
					   &cmd, 1, true);
#else
	return -EOPNOTSUPP;
#endif
}
