// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID test device: pasid-testdev/channels in debugfs.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "pasid-testdev.h"

static const char * const pdt_state_names[] = {
	[PDT_CHAN_FREE] = "free",
	[PDT_CHAN_OPEN] = "open",
	[PDT_CHAN_LEFT] = "left",
	[PDT_CHAN_GONE] = "gone",
};

static void pdt_show_channel(struct seq_file *s, struct pdt_channel *ch)
{
	struct pdt_status st;

	guard(mutex)(&ch->lock);
	if (ch->state == PDT_CHAN_FREE || ch->state == PDT_CHAN_GONE)
		return;

	pdt_status(ch, &st);
	seq_printf(s, "%s channel=%u state=%s pasid=", ch->pdt->misc.name,
		   ch->nr, pdt_state_names[st.state]);
	if (st.pasid == IOMMU_PASID_INVALID)
		seq_puts(s, "none");
	else
		seq_printf(s, "%u", st.pasid);
	seq_printf(s, " bound=%u ref=%u running=%u ok=%u fault=%u\n", st.bound,
		   st.ref, st.running, st.ok, st.fault);
}

static int pdt_channels_show(struct seq_file *s, void *unused)
{
	struct pdt_device *pdt;
	unsigned int i;

	guard(mutex)(&pdt_devices_lock);
	list_for_each_entry(pdt, &pdt_devices, devices_elm)
		for (i = 0; i < PDT_NR_CHANNELS; i++)
			pdt_show_channel(s, &pdt->channels[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pdt_channels);

/**
 * pdt_debugfs_init() - Make the debugfs file of all devices.
 */
void pdt_debugfs_init(void)
{
	struct dentry *dir = debugfs_create_dir("pasid-testdev", NULL);

	debugfs_create_file("channels", 0400, dir, NULL, &pdt_channels_fops);
}
