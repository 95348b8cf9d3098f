// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs that a user takes from IOASID.
 *
 * A set is an object of the context. Attachments of its PASIDs hold references
 * on the numbers, not on the object, so that a set can be destroyed with all
 * its PASIDs attached: they go quiet together, and the detach of each comes
 * when it comes.
 *
 * See Documentation/driver-api/ioasid.rst for what a free does.
 */
#include <linux/ioasid.h>
#include <linux/sched.h>

#include "iommufd_private.h"

/* From here on nothing of @iset can be attached */
static struct ioasid_set *
iommufd_ioasid_set_take(struct iommufd_ioasid_set *iset)
{
	struct ioasid_set *set = iset->set;

	lockdep_assert_held(&iset->ictx->ioasid_lock);

	if (!set)
		return NULL;
	xa_erase(&iset->ictx->ioasid_sets, (unsigned long)set);
	iset->set = NULL;
	return set;
}

void iommufd_ioasid_set_destroy(struct iommufd_object *obj)
{
	struct iommufd_ioasid_set *iset =
		container_of(obj, struct iommufd_ioasid_set, obj);
	struct ioasid_set *set;

	scoped_guard(mutex, &iset->ictx->ioasid_lock)
		set = iommufd_ioasid_set_take(iset);
	ioasid_set_free(set);
}

/* On failure the caller destroys @iset */
static int iommufd_ioasid_set_init(struct iommufd_ioasid_set *iset,
				   struct iommufd_ctx *ictx, u32 quota)
{
	struct ioasid_set *set;
	int rc;

	iset->ictx = ictx;
	/* Over both steps, for who moves all sets to another process */
	guard(mutex)(&ictx->ioasid_lock);

	set = ioasid_set_alloc(IOASID_SET_TYPE_MM, current->mm, quota);
	if (IS_ERR(set))
		return PTR_ERR(set);
	rc = xa_insert(&ictx->ioasid_sets, (unsigned long)set, iset,
		       GFP_KERNEL_ACCOUNT);
	if (rc) {
		ioasid_set_free(set);
		return rc;
	}
	iset->set = set;
	return 0;
}

int iommufd_ioasid_set_alloc_ioctl(struct iommufd_ucmd *ucmd)
{
	struct iommu_ioasid_set_alloc *cmd = ucmd->cmd;
	struct iommufd_ioasid_set *iset;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;

	iset = iommufd_object_alloc_ucmd(ucmd, iset, IOMMUFD_OBJ_IOASID_SET);
	if (IS_ERR(iset))
		return PTR_ERR(iset);

	rc = iommufd_ioasid_set_init(iset, ucmd->ictx, cmd->quota);
	if (rc)
		return rc;
	cmd->out_set_id = iset->obj.id;
	rc = iommufd_ucmd_respond(ucmd, sizeof(*cmd));
	if (!rc)
		WRITE_ONCE(ucmd->ictx->ioasid_only, true);
	return rc;
}

int iommufd_ioasid_alloc_ioctl(struct iommufd_ucmd *ucmd)
{
	struct iommu_ioasid_alloc *cmd = ucmd->cmd;
	struct iommufd_ioasid_set *iset;
	ioasid_t id;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;

	iset = iommufd_get_ioasid_set(ucmd, cmd->set_id);
	if (IS_ERR(iset))
		return PTR_ERR(iset);

	rc = ioasid_alloc(iset->set, cmd->min, cmd->max ?: U32_MAX, NULL, &id);
	if (rc)
		goto out_put;
	cmd->out_ioasid = id;
	rc = iommufd_ucmd_respond(ucmd, sizeof(*cmd));
	if (rc)
		ioasid_free(iset->set, id);
out_put:
	iommufd_put_object(ucmd->ictx, &iset->obj);
	return rc;
}

int iommufd_ioasid_free_ioctl(struct iommufd_ucmd *ucmd)
{
	struct iommu_ioasid_free *cmd = ucmd->cmd;
	struct iommufd_ioasid_set *iset;
	int rc = 0;

	if (cmd->flags & ~IOMMU_IOASID_FREE_ALL)
		return -EOPNOTSUPP;
	if ((cmd->flags & IOMMU_IOASID_FREE_ALL) && cmd->ioasid)
		return -EINVAL;

	iset = iommufd_get_ioasid_set(ucmd, cmd->set_id);
	if (IS_ERR(iset))
		return PTR_ERR(iset);

	if (cmd->flags & IOMMU_IOASID_FREE_ALL)
		ioasid_set_free_ids(iset->set);
	else
		rc = ioasid_free(iset->set, cmd->ioasid);
	iommufd_put_object(ucmd->ictx, &iset->obj);
	return rc;
}

int iommufd_ioasid_bind_ioctl(struct iommufd_ucmd *ucmd)
{
	struct iommu_ioasid_bind *cmd = ucmd->cmd;
	struct iommufd_ioasid_set *iset;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;

	iset = iommufd_get_ioasid_set(ucmd, cmd->set_id);
	if (IS_ERR(iset))
		return PTR_ERR(iset);

	rc = ioasid_attach_spid(iset->set, cmd->ioasid, cmd->guest_pasid);
	iommufd_put_object(ucmd->ictx, &iset->obj);
	return rc;
}

int iommufd_ioasid_unbind_ioctl(struct iommufd_ucmd *ucmd)
{
	struct iommu_ioasid_unbind *cmd = ucmd->cmd;
	struct iommufd_ioasid_set *iset;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;

	iset = iommufd_get_ioasid_set(ucmd, cmd->set_id);
	if (IS_ERR(iset))
		return PTR_ERR(iset);

	rc = ioasid_detach_spid(iset->set, cmd->ioasid);
	iommufd_put_object(ucmd->ictx, &iset->obj);
	return rc;
}

/**
 * iommufd_ioasid_free_sets() - Free all PASIDs of a context
 * @ictx: context that no ioctl is made on any more
 *
 * The objects stay for the release; they have no sets then. FREE is sent for
 * each PASID and SYNC once for each set, with the devices still attached.
 *
 * Context: Process context. May sleep. When this returns, no device translates
 * with one of them, also if another task came first.
 */
void iommufd_ioasid_free_sets(struct iommufd_ctx *ictx)
{
	struct iommufd_ioasid_set *iset;
	unsigned long index;

	guard(mutex)(&ictx->ioasid_lock);

	xa_for_each(&ictx->ioasid_sets, index, iset)
		ioasid_set_free(iommufd_ioasid_set_take(iset));
}
