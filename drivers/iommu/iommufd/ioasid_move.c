// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sets of a context get another process.
 */
#include <linux/ioasid.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

#include "iommufd_private.h"

static int iommufd_ioasid_move_to_current(struct iommufd_ioasid_set *iset)
{
	int rc;

	rc = ioasid_set_move(iset->set, current->mm);
	if (rc)
		return rc;
	iset->from = iset->mm;
	iset->mm = current->mm;
	mmgrab(iset->mm);
	return 0;
}

/* Of the two there was and there is, the set stays where it can */
static void iommufd_ioasid_move_end(struct iommufd_ioasid_set *iset, bool undo)
{
	if (!iset->from)
		return;
	if (undo && !ioasid_set_move(iset->set, iset->from))
		swap(iset->mm, iset->from);
	mmdrop(iset->from);
	iset->from = NULL;
}

/**
 * iommufd_ioasid_change_process() - Move all sets of a context to the caller
 * @ictx: context
 *
 * If one cannot be moved, those before it go back. One that the subscribers of
 * its old process do not take back then stays with the caller.
 *
 * Context: Process context. May sleep, but waits for no event of another task.
 * Return: As ioasid_set_move().
 */
int iommufd_ioasid_change_process(struct iommufd_ctx *ictx)
{
	struct iommufd_ioasid_set *iset;
	unsigned long index;
	int rc = 0;

	guard(mutex)(&ictx->ioasid_lock);

	xa_for_each(&ictx->ioasid_sets, index, iset) {
		rc = iommufd_ioasid_move_to_current(iset);
		if (rc)
			break;
	}
	xa_for_each(&ictx->ioasid_sets, index, iset)
		iommufd_ioasid_move_end(iset, rc);
	return rc;
}
