// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID: /sys/kernel/debug/ioasid/{capacity,sets,ids}
 *
 * For people and tests; no ABI. A line is a snapshot under the core lock, the
 * lines of a file are not one snapshot.
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/seq_file.h>

#include "ioasid-internal.h"

static const char * const ioasid_state_names[] = {
	[IOASID_IDLE] = "idle",
	[IOASID_ACTIVE] = "active",
	[IOASID_FREE_PENDING] = "free-pending",
	[IOASID_QUARANTINE] = "quarantine",
};

static const char *ioasid_type_name(const struct ioasid_set *set)
{
	if (set == ioasid_system_set())
		return "system";
	return set->type == IOASID_SET_TYPE_MM ? "mm" : "private";
}

static int capacity_show(struct seq_file *m, void *unused)
{
	struct ioasid_usage usage;

	ioasid_get_usage(&usage);
	seq_printf(m, "total=%u committed=%u user_committed=%u user_max=%u\n",
		   usage.total, usage.committed, usage.user_committed,
		   usage.user_max);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(capacity);

static void ioasid_show_set(struct seq_file *m, struct ioasid_set *set)
{
	unsigned int quota, used, pending, peak;
	unsigned long flags;
	bool dying;

	ioasid_lock(flags);
	quota = set->elastic ? 0 : set->quota;
	used = set->used;
	pending = set->pending;
	peak = set->peak;
	dying = set->dying;
	ioasid_unlock(flags);

	seq_printf(m, "set=%u type=%s quota=%u used=%u pending=%u peak=%u",
		   set->serial, ioasid_type_name(set), quota, used, pending,
		   peak);
	/* Hashed, which is enough to tell owners apart */
	if (set->token)
		seq_printf(m, " owner=%p", set->token);
	seq_puts(m, dying ? " dying\n" : "\n");
}

/* The set behind @set, or the first; drops @set's reference */
static struct ioasid_set *ioasid_next_set(struct ioasid_set *set)
{
	struct ioasid_set *next;
	unsigned long flags;

	ioasid_lock(flags);
	next = list_prepare_entry(set, &ioasid_sets, node);
	list_for_each_entry_continue(next, &ioasid_sets, node)
		if (refcount_inc_not_zero(&next->refs))
			break;
	if (list_entry_is_head(next, &ioasid_sets, node))
		next = NULL;
	ioasid_unlock(flags);

	ioasid_set_put(set);
	return next;
}

static int sets_show(struct seq_file *m, void *unused)
{
	struct ioasid_set *set = NULL;

	seq_puts(m, "# set type quota (0: elastic) used pending (freed, not reusable yet) peak owner\n");
	while ((set = ioasid_next_set(set)))
		ioasid_show_set(m, set);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sets);

static int ids_show(struct seq_file *m, void *unused)
{
	struct ioasid_entry *e, copy;
	unsigned long id = 0, flags;
	unsigned int serial;

	seq_puts(m, "# id state refs set, spid if bound\n");
	for (;; id++) {
		ioasid_lock(flags);
		e = xa_untag_pointer(xa_find(&ioasid_ids, &id, ULONG_MAX,
					     XA_PRESENT));
		if (e) {
			copy = *e;
			serial = e->set->serial;
		}
		ioasid_unlock(flags);
		if (!e)
			return 0;
		seq_printf(m, "id=%u state=%s refs=%u set=%u", copy.id,
			   ioasid_state_names[copy.state], copy.refs, serial);
		if (copy.spid != IOMMU_PASID_INVALID)
			seq_printf(m, " spid=%u", copy.spid);
		seq_putc(m, '\n');
	}
}
DEFINE_SHOW_ATTRIBUTE(ids);

static int __init ioasid_debugfs_init(void)
{
	struct dentry *dir = debugfs_create_dir("ioasid", NULL);

	debugfs_create_file("capacity", 0444, dir, NULL, &capacity_fops);
	debugfs_create_file("sets", 0444, dir, NULL, &sets_fops);
	debugfs_create_file("ids", 0444, dir, NULL, &ids_fops);
	return 0;
}
late_initcall(ioasid_debugfs_init);
