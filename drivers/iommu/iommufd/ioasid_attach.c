// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which PASIDs a context may attach.
 *
 * A context that never had a set attaches any number, for one device, as its
 * user likes. From the first set on it attaches what its sets have, and nothing
 * else. Such an attachment is managed: the IOMMU core holds a reference on the
 * number until the detach, and the number's death makes its entry quiet. One
 * that is older than the first set stays unmanaged until it is detached, also
 * if a set gets the same number.
 *
 * A set may go at any time, with IOMMU_DESTROY or with the last descriptor of
 * the context:
 *
 *   iommufd_device_attach()            iommufd_ioasid_set_destroy()
 *    finds the set, ioasid_get()
 *                                       takes the set from the context
 *                                       ioasid_set_free(): FREE_PENDING
 *    iommu_attach_device_ioasid()
 *
 * [Required: the attach fails, or its entry does not translate]
 *
 * The core sees to this: it refuses a number that is FREE_PENDING, and where
 * that comes later, FREE finds the attachment. Nothing here sleeps or waits for
 * an event, because igroup->lock is held for the attach.
 */
#include <linux/ioasid.h>

#include "iommufd_private.h"

/* The set of @ictx that has @pasid, with a reference on both; NULL if any will do */
static struct ioasid_set *iommufd_ioasid_get(struct iommufd_ctx *ictx,
					     ioasid_t pasid)
{
	struct ioasid_set *set;
	int rc = -EACCES;

	if (pasid == IOMMU_NO_PASID || !READ_ONCE(ictx->ioasid_only))
		return NULL;

	set = ioasid_find_set(pasid);
	if (IS_ERR(set))
		return ERR_PTR(-EACCES);
	if (xa_load(&ictx->ioasid_sets, (unsigned long)set))
		rc = ioasid_get(set, pasid);
	if (!rc)
		return set;
	ioasid_set_put(set);
	/* The number may be gone by now */
	return ERR_PTR(rc == -ENOENT ? -EACCES : rc);
}

static void iommufd_ioasid_put(struct ioasid_set *set, ioasid_t pasid)
{
	ioasid_put(set, pasid);
	ioasid_set_put(set);
}

/**
 * iommufd_ioasid_check() - May a context attach a PASID?
 * @ictx: context of the device
 * @pasid: PASID that is about to be attached, or to get another page table
 *
 * Comes before any look at the device or its group, so that the second device
 * of a group, whose attach the IOMMU core does not see, is asked as well.
 *
 * Context: Any context.
 * Return:
 * * %0 - yes
 * * %-EACCES - no set of @ictx has it, and @ictx has, or had, one
 * * %-EBUSY - it was freed
 */
int iommufd_ioasid_check(struct iommufd_ctx *ictx, ioasid_t pasid)
{
	struct ioasid_set *set;

	set = iommufd_ioasid_get(ictx, pasid);
	if (IS_ERR_OR_NULL(set))
		return PTR_ERR_OR_ZERO(set);
	iommufd_ioasid_put(set, pasid);
	return 0;
}

/**
 * iommufd_attach_device_pasid() - Attach a domain, managed or not
 * @idev: device
 * @pasid: PASID, not IOMMU_NO_PASID
 * @domain: what to attach
 * @handle: attach handle
 *
 * Context: Process context, igroup->lock held.
 * Return: As iommu_attach_device_ioasid(), or for a context that never had a set
 * as iommu_attach_device_pasid(). -EACCES if no set has @pasid.
 */
int iommufd_attach_device_pasid(struct iommufd_device *idev, ioasid_t pasid,
				struct iommu_domain *domain,
				struct iommu_attach_handle *handle)
{
	struct ioasid_set *set;
	int rc;

	/* Again: a set may have come or gone since iommufd_ioasid_check() */
	set = iommufd_ioasid_get(idev->ictx, pasid);
	if (IS_ERR(set))
		return PTR_ERR(set);
	if (!set)
		return iommu_attach_device_pasid(domain, idev->dev, pasid,
						 handle);

	rc = iommu_attach_device_ioasid(domain, idev->dev, set, pasid, handle);
	iommufd_ioasid_put(set, pasid);
	return rc;
}
