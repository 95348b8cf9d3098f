// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sets of a context get another process.
 */
#include <linux/ioasid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "iommufd_private.h"

/**
 * iommufd_ioasid_change_process() - Move all sets of a context to the caller
 * @ictx: context
 *
 * All or none.
 *
 * Context: Process context. May sleep, but waits for no event of another task.
 * Return: As ioasid_set_move().
 */
int iommufd_ioasid_change_process(struct iommufd_ctx *ictx)
{
	struct iommufd_ioasid_set *iset;
	struct ioasid_set **sets;
	unsigned int n = 0;
	unsigned long index;
	int rc;

	guard(mutex)(&ictx->ioasid_lock);

	xa_for_each(&ictx->ioasid_sets, index, iset)
		n++;
	sets = kvmalloc_array(n, sizeof(*sets), GFP_KERNEL_ACCOUNT);
	if (!sets)
		return -ENOMEM;
	n = 0;
	xa_for_each(&ictx->ioasid_sets, index, iset)
		sets[n++] = iset->set;
	rc = ioasid_set_move(sets, n, current->mm);
	kvfree(sets);
	return rc;
}
