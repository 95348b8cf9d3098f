// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID test device: calls of the IOASID allocator that tests ask for.
 */
#include <linux/ioasid.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

#include "ioasid-ref.h"
#include "pasid-testdev.h"

static int pdt_ioasid_get_test_ref(struct pdt_channel *ch, ioasid_t id)
{
	int ret;

	if (ch->test_ref != IOMMU_PASID_INVALID)
		return -EBUSY;
	ret = pdt_ioasid_get(id);
	if (!ret)
		ch->test_ref = id;
	return ret;
}

static int pdt_ioasid_put_test_ref(struct pdt_channel *ch)
{
	if (ch->test_ref == IOMMU_PASID_INVALID)
		return -EINVAL;
	pdt_ioasid_put(ch->test_ref);
	ch->test_ref = IOMMU_PASID_INVALID;
	return 0;
}

/**
 * pdt_ioasid_drop_test_ref() - Drop the reference of PDT_IOASID_GET, if any.
 * @ch: Channel, locked.
 */
void pdt_ioasid_drop_test_ref(struct pdt_channel *ch)
{
	pdt_ioasid_put_test_ref(ch);
}

static int pdt_ioasid_find_set(struct pdt_ioasid *op)
{
	struct ioasid_set *set = ioasid_find_set(op->id);

	if (IS_ERR(set))
		return PTR_ERR(set);
	op->value = ioasid_set_count(set);
	ioasid_set_put(set);
	return 0;
}

static int pdt_ioasid_find_mm(struct pdt_ioasid *op)
{
	struct mm_struct *mm = ioasid_find_mm(op->id);

	if (IS_ERR(mm))
		return PTR_ERR(mm);
	op->value = mm == current->mm;
	/* Perhaps the last one: what mm exit does is not for this context */
	mmput_async(mm);
	return 0;
}

/**
 * pdt_ioasid_op() - One call of the allocator.
 * @ch: Channel of the caller, locked.
 * @op: Which call; its value is filled in.
 *
 * Return: what the call returned; -EINVAL for an unknown one or if it needs
 * the reference that is not there, -EBUSY if that reference is taken.
 */
int pdt_ioasid_op(struct pdt_channel *ch, struct pdt_ioasid *op)
{
	lockdep_assert_held(&ch->lock);

	switch (op->op) {
	case PDT_IOASID_CAPACITY:
		return ioasid_install_capacity(op->value);
	case PDT_IOASID_GET:
		return pdt_ioasid_get_test_ref(ch, op->id);
	case PDT_IOASID_PUT:
		return pdt_ioasid_put_test_ref(ch);
	case PDT_IOASID_ALIVE:
		if (ch->test_ref != op->id)
			return -EINVAL;
		op->value = ioasid_alive(op->id);
		return 0;
	case PDT_IOASID_FIND_SET:
		return pdt_ioasid_find_set(op);
	case PDT_IOASID_FIND_MM:
		return pdt_ioasid_find_mm(op);
	case PDT_IOASID_SYNCHRONIZE:
		ioasid_synchronize();
		return 0;
	default:
		return -EINVAL;
	}
}
