// SPDX-License-Identifier: GPL-2.0
/*
 * What the SMMUv3 driver does when an IOASID dies: its part of ioasid-attach.c.
 *
 *   LIVE     the CD translates
 *   DEAD     the CD is quiet: it is valid, so that there are no C_BAD_CD events,
 *            but refuses all that would be translated, and reports nothing
 *   FLUSHED  no cache has the live CD or a translation that it has made. The CD
 *            stays quiet until the detach.
 *
 * Two times CMD_SYNC for an SMMU:
 *
 *   CMD_CFGI_CD ...                 the SMMU sees the quiet CDs
 *   CMD_SYNC
 *   CMD_TLBI_NH_ASID ...            what the live ones have filled
 *   CMD_ATC_INV ...
 *   CMD_SYNC
 *
 * An IOTLB that is invalidated before the CD is forgotten could be filled again
 * by the walk of a request that had found the live CD, and an ATC that is
 * invalidated before the IOTLB, from there. The second is no danger here: a
 * quiet CD has an ASID that nobody uses, and finds nothing in the IOTLB.
 */
#include <linux/cleanup.h>
#include <linux/list_sort.h>
#include <linux/pci.h>
#include <linux/sort.h>
#include <kunit/visibility.h>

#include "arm-smmu-v3-ioasid.h"

/**
 * struct arm_smmu_ioasid_node - one managed attachment
 * @att: what all drivers have of it
 * @asid: ASID of the CD when it was made quiet
 * @muted: not set up, but there is a quiet CD
 */
struct arm_smmu_ioasid_node {
	struct ioasid_attach att;
	u16 asid;
	bool muted;
};

/* No domain has it: arm_smmu_asid_xa starts at 1 */
#define ARM_SMMU_ASID_NOBODY	0

/*
 * As many are invalidated one by one. With more of them one command takes what
 * is cached for a stream, or what stage 1 has in the IOTLB, also of those who
 * live. They walk again, once.
 */
#define ARM_SMMU_IOASID_SELECTIVE	16

static struct arm_smmu_ioasid_node *to_node(struct ioasid_attach *att)
{
	return container_of(att, struct arm_smmu_ioasid_node, att);
}

static struct arm_smmu_master *node_master(struct arm_smmu_ioasid_node *node)
{
	return dev_iommu_priv_get(node->att.dev);
}

/*
 * The first 64 bits of a live CD, so that it refuses everything: EPD0, as EPD1 is
 * set anyway, and no events (R) or stalls (S), if it may be without (IHI 0070
 * section 5.4). An IOTLB hit does not look at EPD0, hence the ASID. All that
 * changes is in one 64-bit word, so that no state between is ever seen.
 */
VISIBLE_IF_KUNIT
__le64 arm_smmu_make_quiet_cd_0(__le64 cd_0, bool stall_force)
{
	u64 val = le64_to_cpu(cd_0);

	val &= ~(CTXDESC_CD_0_ASID | CTXDESC_CD_0_R);
	if (!stall_force)
		val &= ~CTXDESC_CD_0_S;
	val |= FIELD_PREP(CTXDESC_CD_0_ASID, ARM_SMMU_ASID_NOBODY) |
	       CTXDESC_CD_0_TCR_EPD0;
	return cpu_to_le64(val);
}
EXPORT_SYMBOL_IF_KUNIT(arm_smmu_make_quiet_cd_0);

/* A device that goes on with a PASID that is detached alive is reported */
static void arm_smmu_ioasid_quiet(struct ioasid_attach *att)
{
	struct arm_smmu_ioasid_node *node = to_node(att);
	struct arm_smmu_master *master = node_master(node);
	struct arm_smmu_cd *cd;
	__le64 quiet = 0;

	cd = arm_smmu_get_cd_ptr(master, att->pasid);
	if (WARN_ON(!cd))
		return;
	node->asid = FIELD_GET(CTXDESC_CD_0_ASID, le64_to_cpu(cd->data[0]));
	if (att->muted || !ioasid_alive(att->pasid))
		quiet = arm_smmu_make_quiet_cd_0(cd->data[0],
						 master->smmu->features &
						 ARM_SMMU_FEAT_STALL_FORCE);
	WRITE_ONCE(cd->data[0], quiet);
}

/*
 * What was set up keeps its quiet CD until arm_smmu_forget_cd(). A PASID that is
 * attached when it is dead, after a reset of the device, gets one: V is the last
 * to be written, and as before there is nothing that could be cached.
 */
static void arm_smmu_ioasid_clear(struct ioasid_attach *att, bool mute)
{
	struct arm_smmu_ioasid_node *node = to_node(att);
	struct arm_smmu_master *master = node_master(node);
	struct arm_smmu_cd *cd;
	u64 live;

	if (!mute || att->set_up || !arm_smmu_cdtab_allocated(&master->cd_table))
		return;
	cd = arm_smmu_get_cd_ptr(master, att->pasid);
	if (!cd)
		return;
	live = CTXDESC_CD_0_TCR_EPD1 | CTXDESC_CD_0_V | CTXDESC_CD_0_AA64 |
	       CTXDESC_CD_0_S | CTXDESC_CD_0_A | CTXDESC_CD_0_ASET;
	WRITE_ONCE(cd->data[0],
		   arm_smmu_make_quiet_cd_0(cpu_to_le64(live),
					    master->smmu->features &
					    ARM_SMMU_FEAT_STALL_FORCE));
	master->cd_table.used_ssids++;
	node->muted = true;
}

static void *arm_smmu_ioasid_smmu(struct ioasid_attach *att)
{
	struct arm_smmu_master *master = dev_iommu_priv_get(att->dev);

	return master->smmu;
}

static u64 arm_smmu_ioasid_asid(struct ioasid_attach *att)
{
	return to_node(att)->asid;
}

static void arm_smmu_ioasid_add(struct arm_smmu_device *smmu,
				struct arm_smmu_cmdq_batch *cmds,
				struct arm_smmu_cmd cmd)
{
	if (!cmds->num)
		arm_smmu_cmdq_batch_init_cmd(smmu, cmds, &cmd);
	arm_smmu_cmdq_batch_add_cmd_p(smmu, cmds, &cmd);
}

typedef struct arm_smmu_cmd (*arm_smmu_ioasid_cmd_fn)(u32 sid, ioasid_t pasid);

static struct arm_smmu_cmd arm_smmu_ioasid_cfgi(u32 sid, ioasid_t pasid)
{
	return arm_smmu_make_cmd_cfgi_cd(sid, pasid, true);
}

static struct arm_smmu_cmd arm_smmu_ioasid_cfgi_all(u32 sid, ioasid_t pasid)
{
	struct arm_smmu_cmd cmd = arm_smmu_make_cmd_op(CMDQ_OP_CFGI_CD_ALL);

	cmd.data[0] |= FIELD_PREP(CMDQ_CFGI_0_SID, sid);
	return cmd;
}

static struct arm_smmu_cmd arm_smmu_ioasid_atc_inv(u32 sid, ioasid_t pasid)
{
	return arm_smmu_make_cmd_atc_inv_all(sid, pasid);
}

/* Without a PASID it takes those of all PASIDs, see arm_smmu_atc_inv_to_cmd() */
static struct arm_smmu_cmd arm_smmu_ioasid_atc_inv_all(u32 sid, ioasid_t pasid)
{
	return arm_smmu_make_cmd_atc_inv_all(sid, IOMMU_NO_PASID);
}

static void arm_smmu_ioasid_add_streams(struct arm_smmu_cmdq_batch *cmds,
					struct ioasid_attach *att,
					arm_smmu_ioasid_cmd_fn make)
{
	struct arm_smmu_master *master = dev_iommu_priv_get(att->dev);
	unsigned int i;

	for (i = 0; i < master->num_streams; i++)
		arm_smmu_ioasid_add(master->smmu, cmds,
				    make(master->streams[i].id, att->pasid));
}

static bool arm_smmu_ioasid_has_atc(struct ioasid_attach *att)
{
	struct arm_smmu_master *master = dev_iommu_priv_get(att->dev);

	return master->ats_enabled && pci_device_is_present(to_pci_dev(master->dev));
}

/* For each device of @nodes, sorted by device: @one for each PASID, or @all once */
static void arm_smmu_ioasid_add_devices(struct arm_smmu_cmdq_batch *cmds,
					struct list_head *nodes, bool atc,
					arm_smmu_ioasid_cmd_fn one,
					arm_smmu_ioasid_cmd_fn all)
{
	struct ioasid_attach *att, *next;
	unsigned int n;

	att = list_first_entry(nodes, struct ioasid_attach, pending);
	while (!list_entry_is_head(att, nodes, pending)) {
		next = ioasid_attach_group(nodes, att, ioasid_attach_dev, &n);
		if (atc && !arm_smmu_ioasid_has_atc(att)) {
			att = next;
		} else if (n > ARM_SMMU_IOASID_SELECTIVE) {
			arm_smmu_ioasid_add_streams(cmds, att, all);
			att = next;
		}
		for (; att != next; att = list_next_entry(att, pending))
			arm_smmu_ioasid_add_streams(cmds, att, one);
	}
}

static struct ioasid_attachments arm_smmu_ioasids;

/* Nobody can fill the IOTLB through @smmu_domain: all that use it are clean */
static bool arm_smmu_ioasid_all_clean(struct arm_smmu_domain *smmu_domain)
{
	struct arm_smmu_master_domain *user;
	struct ioasid_attach *att;

	guard(spinlock_irqsave)(&smmu_domain->devices_lock);
	list_for_each_entry(user, &smmu_domain->devices, devices_elm) {
		att = ioasid_attach_find(&arm_smmu_ioasids, user->master->dev,
					 user->ssid);
		if (!att || att->state == IOASID_ATTACH_LIVE || !att->clean)
			return false;
	}
	return true;
}

/*
 * Then the last detach need not invalidate the ASID. Whoever attaches the domain
 * after this takes that back, before its CD is live.
 */
static void arm_smmu_ioasid_mark_clean(struct list_head *nodes)
{
	struct arm_smmu_ioasid_node *node, *last = NULL;
	struct arm_smmu_domain *smmu_domain;

	guard(mutex)(&arm_smmu_asid_lock);
	list_for_each_entry(node, nodes, att.pending) {
		smmu_domain = to_smmu_domain(node->att.domain);
		if (!last || last->asid != node->asid)
			smmu_domain->iotlb_clean =
				arm_smmu_ioasid_all_clean(smmu_domain);
		last = node;
	}
}

static void arm_smmu_ioasid_add_tlbi(struct arm_smmu_device *smmu,
				     struct arm_smmu_cmdq_batch *cmds,
				     struct list_head *nodes, bool few)
{
	bool e2h = smmu->features & ARM_SMMU_FEAT_E2H;
	struct arm_smmu_ioasid_node *node, *last = NULL;

	/* Stage 1 of the host is VMID 0, see arm_smmu_master_build_inv() */
	if (!few) {
		arm_smmu_ioasid_add(smmu, cmds,
				    arm_smmu_make_cmd_op(e2h ?
							 CMDQ_OP_TLBI_EL2_ALL :
							 CMDQ_OP_TLBI_NH_ALL));
		return;
	}
	list_for_each_entry(node, nodes, att.pending) {
		if (!last || last->asid != node->asid)
			arm_smmu_ioasid_add(smmu, cmds,
					    arm_smmu_make_cmd_tlbi(e2h ?
								   CMDQ_OP_TLBI_EL2_ASID :
								   CMDQ_OP_TLBI_NH_ASID,
								   node->asid, 0));
		last = node;
	}
}

static void arm_smmu_ioasid_flush(void *iommu, struct list_head *nodes)
{
	struct arm_smmu_device *smmu = iommu;
	struct arm_smmu_cmdq_batch cmds = {};
	bool few;

	ioasid_attach_sort(nodes, ioasid_attach_dev);
	arm_smmu_ioasid_add_devices(&cmds, nodes, false, arm_smmu_ioasid_cfgi,
				    arm_smmu_ioasid_cfgi_all);
	arm_smmu_cmdq_batch_submit(smmu, &cmds);

	/*
	 * TLBI first: the workaround that repeats it looks at the first command
	 * of a batch, and to repeat an ATC_INV does no harm.
	 */
	cmds.num = 0;
	few = ioasid_attach_sort(nodes, arm_smmu_ioasid_asid) <=
	      ARM_SMMU_IOASID_SELECTIVE;
	arm_smmu_ioasid_mark_clean(nodes);
	arm_smmu_ioasid_add_tlbi(smmu, &cmds, nodes, few);
	ioasid_attach_sort(nodes, ioasid_attach_dev);
	arm_smmu_ioasid_add_devices(&cmds, nodes, true, arm_smmu_ioasid_atc_inv,
				    arm_smmu_ioasid_atc_inv_all);
	arm_smmu_cmdq_batch_submit(smmu, &cmds);
}

/*
 * Stalled transactions of the dead are refused from FREE on; those that came
 * before must be answered.
 */
static void arm_smmu_ioasid_drain(struct device *dev, ioasid_t pasid)
{
	struct arm_smmu_master *master = dev_iommu_priv_get(dev);

	if (!master->stall_enabled || !READ_ONCE(master->iopf_refcount))
		return;
	arm_smmu_drain_evtq(master->smmu);
	iopf_queue_flush_dev(dev);
}

static void arm_smmu_ioasid_forget(struct ioasid_attach *att,
				   struct iommu_domain *old)
{
	struct arm_smmu_ioasid_node *node = to_node(att);

	if (old)
		arm_smmu_remove_pasid(node_master(node), att->pasid, old, true);
	else if (node->muted)
		arm_smmu_forget_cd(node_master(node), att->pasid);
	node->muted = false;
}

static const struct ioasid_attach_ops arm_smmu_ioasid_ops = {
	.size = sizeof(struct arm_smmu_ioasid_node),
	.quiet = arm_smmu_ioasid_quiet,
	.iommu = arm_smmu_ioasid_smmu,
	.flush = arm_smmu_ioasid_flush,
	.clear = arm_smmu_ioasid_clear,
	.drain = arm_smmu_ioasid_drain,
	.detach = arm_smmu_ioasid_forget,
};

static DEFINE_IOASID_ATTACHMENTS(arm_smmu_ioasids, &arm_smmu_ioasid_ops);

/**
 * arm_smmu_ioasid_set_dev_pasid() - The set_dev_pasid of a domain that translates
 * @domain: the domain
 * @dev: device
 * @pasid: PASID
 * @old: what was attached, or NULL
 * @setup: attaches @domain and writes the CD
 *
 * Context: Process context, group->mutex held.
 * Return: see ioasid_attach_set_dev_pasid().
 */
int arm_smmu_ioasid_set_dev_pasid(struct iommu_domain *domain,
				  struct device *dev, ioasid_t pasid,
				  struct iommu_domain *old,
				  ioasid_attach_setup_fn setup)
{
	return ioasid_attach_set_dev_pasid(&arm_smmu_ioasids, domain, dev,
					   pasid, old, setup);
}

/**
 * arm_smmu_ioasid_detach() - The set_dev_pasid of the blocking domain
 * @dev: device
 * @pasid: PASID
 * @old: what was attached
 *
 * Context: Process context, group->mutex held.
 * Return: false if the attachment is not managed, and nothing was done.
 */
bool arm_smmu_ioasid_detach(struct device *dev, ioasid_t pasid,
			    struct iommu_domain *old)
{
	return ioasid_attach_detach(&arm_smmu_ioasids, dev, pasid, old);
}

/**
 * arm_smmu_ioasid_quiesce() - The quiesce_dev_pasids of the driver
 * @dev: device
 *
 * Context: Process context, group->mutex held.
 */
void arm_smmu_ioasid_quiesce(struct device *dev)
{
	ioasid_attach_quiesce(&arm_smmu_ioasids, dev);
}

/**
 * arm_smmu_ioasid_mm_release() - The pages of an address space go next
 * @domain: its domain
 * @pasid: its PASID
 *
 * Context: Process context. May sleep. The mmu_notifier of @domain.
 */
void arm_smmu_ioasid_mm_release(struct iommu_domain *domain, ioasid_t pasid)
{
	ioasid_attach_mm_release(&arm_smmu_ioasids, domain, pasid);
}

/**
 * arm_smmu_ioasid_is_dead() - Was the PASID of an attachment freed?
 * @dev: device
 * @pasid: a PASID
 *
 * Context: Any context.
 * Return: true from IOASID_FREE to the detach of what is managed.
 */
bool arm_smmu_ioasid_is_dead(struct device *dev, ioasid_t pasid)
{
	return ioasid_attach_is_dead(&arm_smmu_ioasids, dev, pasid);
}

static bool arm_smmu_ioasid_is_dev(struct device *dev, void *data)
{
	return dev == data;
}

/**
 * arm_smmu_ioasid_report_owner() - Say whose the PASID of an event is
 * @smmu: who reports it
 * @dev: the device
 * @pasid: its PASID
 *
 * Only for a number that came from IOASID: one that a driver chose itself may
 * be somebody's, too.
 *
 * Context: Process context.
 */
void arm_smmu_ioasid_report_owner(struct arm_smmu_device *smmu,
				  struct device *dev, ioasid_t pasid)
{
	char owner[64];

	if (ioasid_attach_any(&arm_smmu_ioasids, pasid, arm_smmu_ioasid_is_dev, dev) &&
	    !ioasid_describe(pasid, owner, sizeof(owner)))
		dev_err(smmu->dev, "ssid: %#x is %s\n", pasid, owner);
}

static DEFINE_MUTEX(arm_smmu_ioasid_init_lock);
static bool arm_smmu_ioasid_subscribed;

/**
 * arm_smmu_ioasid_init() - An SMMU has SubstreamIDs
 *
 * Context: Process context. May sleep.
 * Return: 0, or a negative errno of ioasid_register_notifier().
 */
int arm_smmu_ioasid_init(void)
{
	int ret = 0;

	guard(mutex)(&arm_smmu_ioasid_init_lock);
	if (!arm_smmu_ioasid_subscribed)
		ret = ioasid_register_notifier(NULL, &arm_smmu_ioasids.nb);
	arm_smmu_ioasid_subscribed = !ret;
	return ret;
}

/**
 * arm_smmu_ioasid_exit() - The driver goes, and no device is left
 *
 * Context: Process context. May sleep.
 */
void arm_smmu_ioasid_exit(void)
{
	if (arm_smmu_ioasid_subscribed)
		ioasid_unregister_notifier(NULL, &arm_smmu_ioasids.nb);
}
