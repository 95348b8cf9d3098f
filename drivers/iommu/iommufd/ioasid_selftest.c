// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tools/testing/selftests/iommu: who subscribes to the events of IOASIDs,
 * as KVM does, counts them.
 */
#include <linux/ioasid.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "iommufd_private.h"
#include "iommufd_test.h"

/**
 * struct iommufd_test_watch - a subscriber
 * @nb: the block
 * @set: what it subscribes to, or
 * @mm: the process whose sets it subscribes to
 * @lock: of @count
 * @count: by &enum ioasid_notify_val
 */
struct iommufd_test_watch {
	struct notifier_block nb;
	struct ioasid_set *set;
	struct mm_struct *mm;
	spinlock_t lock; /* count */
	u32 count[IOASID_SYNC + 1];
};

static int iommufd_test_watch_notify(struct notifier_block *nb,
				     unsigned long val, void *data)
{
	struct iommufd_test_watch *watch =
		container_of(nb, struct iommufd_test_watch, nb);
	struct ioasid_nb_args *args = data;

	if (val == IOASID_BIND &&
	    args->spid == IOMMU_TEST_GUEST_PASID_REFUSED)
		return notifier_from_errno(-EPERM);

	guard(spinlock)(&watch->lock);
	watch->count[val]++;
	return NOTIFY_OK;
}

/* Subscribes to the set @set_id, or to all of the caller's if that is 0 */
struct iommufd_test_watch *iommufd_test_watch_alloc(struct iommufd_ucmd *ucmd,
						    u32 set_id)
{
	struct iommufd_ioasid_set *iset;
	struct iommufd_test_watch *watch;
	int rc;

	watch = kzalloc_obj(*watch);
	if (!watch)
		return ERR_PTR(-ENOMEM);
	watch->nb.notifier_call = iommufd_test_watch_notify;
	watch->nb.priority = IOASID_PRIO_CPU;
	spin_lock_init(&watch->lock);

	if (set_id) {
		iset = iommufd_get_ioasid_set(ucmd, set_id);
		if (IS_ERR(iset)) {
			rc = PTR_ERR(iset);
			goto out_free;
		}
		/* Kept by the registration */
		watch->set = iset->set;
		rc = ioasid_register_notifier(watch->set, &watch->nb);
		iommufd_put_object(ucmd->ictx, &iset->obj);
	} else {
		watch->mm = current->mm;
		mmgrab(watch->mm);
		rc = ioasid_register_notifier_mm(watch->mm, &watch->nb);
		if (rc)
			mmdrop(watch->mm);
	}
	if (rc)
		goto out_free;
	return watch;

out_free:
	kfree(watch);
	return ERR_PTR(rc);
}

void iommufd_test_watch_free(struct iommufd_test_watch *watch)
{
	if (watch->set) {
		ioasid_unregister_notifier(watch->set, &watch->nb);
	} else {
		ioasid_unregister_notifier_mm(watch->mm, &watch->nb);
		mmdrop(watch->mm);
	}
	kfree(watch);
}

void iommufd_test_watch_read(struct iommufd_test_watch *watch,
			     struct iommu_test_cmd *cmd)
{
	guard(spinlock)(&watch->lock);
	cmd->ioasid_events.out_alloc = watch->count[IOASID_ALLOC];
	cmd->ioasid_events.out_bind = watch->count[IOASID_BIND];
	cmd->ioasid_events.out_unbind = watch->count[IOASID_UNBIND];
	cmd->ioasid_events.out_free = watch->count[IOASID_FREE];
	cmd->ioasid_events.out_sync = watch->count[IOASID_SYNC];
}
