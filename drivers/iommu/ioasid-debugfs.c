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

/*
 * The position in the file is the number, and 0, which is none, the head line.
 * Nothing is held from one line to the next: there may be a million of them.
 */
static void *ioasid_ids_from(loff_t *pos)
{
	unsigned long id = *pos, flags;
	bool found;

	if (!id)
		return pos;
	ioasid_lock(flags);
	found = xa_find(&ioasid_ids, &id, ULONG_MAX, XA_PRESENT);
	ioasid_unlock(flags);
	*pos = id;
	return found ? pos : NULL;
}

static void *ids_seq_start(struct seq_file *m, loff_t *pos)
{
	return ioasid_ids_from(pos);
}

static void *ids_seq_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return ioasid_ids_from(pos);
}

static void ids_seq_stop(struct seq_file *m, void *v)
{
}

static int ids_seq_show(struct seq_file *m, void *v)
{
	unsigned long id = *(loff_t *)v, flags;
	struct ioasid_entry *e, copy;
	unsigned int serial;

	if (!id) {
		seq_puts(m, "# id state refs set, spid if bound\n");
		return 0;
	}
	ioasid_lock(flags);
	e = xa_untag_pointer(xa_load(&ioasid_ids, id));
	if (e) {
		copy = *e;
		serial = e->set->serial;
	}
	ioasid_unlock(flags);
	/* Gone since it was found */
	if (!e)
		return SEQ_SKIP;
	seq_printf(m, "id=%u state=%s refs=%u set=%u", copy.id,
		   ioasid_state_names[copy.state], copy.refs, serial);
	if (copy.spid != IOMMU_PASID_INVALID)
		seq_printf(m, " spid=%u", copy.spid);
	seq_putc(m, '\n');
	return 0;
}

static const struct seq_operations ids_seq_sops = {
	.start	= ids_seq_start,
	.next	= ids_seq_next,
	.stop	= ids_seq_stop,
	.show	= ids_seq_show,
};
DEFINE_SEQ_ATTRIBUTE(ids_seq);

static int __init ioasid_debugfs_init(void)
{
	struct dentry *dir = debugfs_create_dir("ioasid", NULL);

	debugfs_create_file("capacity", 0444, dir, NULL, &capacity_fops);
	debugfs_create_file("sets", 0444, dir, NULL, &sets_fops);
	debugfs_create_file("ids", 0444, dir, NULL, &ids_seq_fops);
	return 0;
}
late_initcall(ioasid_debugfs_init);
