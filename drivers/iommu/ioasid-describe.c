// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID: sets and numbers in words, for people.
 */
#include <linux/export.h>
#include <linux/sprintf.h>

#include "ioasid-internal.h"

const char * const ioasid_state_names[] = {
	[IOASID_IDLE] = "idle",
	[IOASID_ACTIVE] = "active",
	[IOASID_FREE_PENDING] = "free-pending",
	[IOASID_QUARANTINE] = "quarantine",
};

const char *ioasid_type_name(const struct ioasid_set *set)
{
	if (set == ioasid_system_set())
		return "system";
	return set->type == IOASID_SET_TYPE_MM ? "mm" : "private";
}

/**
 * ioasid_describe() - Say whose an IOASID is, for a message.
 * @id: The number.
 * @buf: Where to put it, such as "free-pending, of set 5 (mm, dying)".
 * @size: Bytes in @buf; 64 are enough.
 *
 * The words may change. The number of the set is that of debugfs.
 *
 * Context: Any context but NMI.
 * Return: 0, or -ENOENT if nobody has the number: @buf is unchanged.
 */
int ioasid_describe(ioasid_t id, char *buf, size_t size)
{
	struct ioasid_entry *e;
	unsigned long flags;

	ioasid_lock(flags);
	e = xa_untag_pointer(xa_load(&ioasid_ids, id));
	if (e)
		scnprintf(buf, size, "%s, of set %u (%s%s)",
			  ioasid_state_names[e->state], e->set->serial,
			  ioasid_type_name(e->set),
			  e->set->dying ? ", dying" : "");
	ioasid_unlock(flags);
	return e ? 0 : -ENOENT;
}
EXPORT_SYMBOL_GPL(ioasid_describe);
