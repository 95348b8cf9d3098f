// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID test device: calls of the IOASID allocator that tests ask for.
 */
#include <linux/ioasid.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/wait.h>

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

/* Longer than any test; so that a forgotten hold ends some day */
#define PDT_HOLD_MAX	(20 * HZ)

/* Who holds up FREE; NULL: nobody */
static struct pdt_channel *pdt_holder;
static DEFINE_MUTEX(pdt_hold_lock);
static DECLARE_WAIT_QUEUE_HEAD(pdt_hold_wait);

static int pdt_hold_notify(struct notifier_block *nb, unsigned long event,
			   void *data)
{
	if (event == IOASID_FREE)
		wait_event_timeout(pdt_hold_wait, !READ_ONCE(pdt_holder),
				   PDT_HOLD_MAX);
	return NOTIFY_DONE;
}

static struct notifier_block pdt_hold_nb = {
	.notifier_call = pdt_hold_notify,
	.priority = IOASID_PRIO_DEVICE,
};

static int pdt_ioasid_hold(struct pdt_channel *ch)
{
	int ret;

	guard(mutex)(&pdt_hold_lock);
	if (pdt_holder)
		return -EBUSY;
	ret = ioasid_register_notifier(NULL, &pdt_hold_nb);
	if (!ret)
		WRITE_ONCE(pdt_holder, ch);
	return ret;
}

static int pdt_ioasid_release(struct pdt_channel *ch)
{
	guard(mutex)(&pdt_hold_lock);
	if (pdt_holder != ch)
		return -EINVAL;
	WRITE_ONCE(pdt_holder, NULL);
	wake_up_all(&pdt_hold_wait);
	ioasid_unregister_notifier(NULL, &pdt_hold_nb);
	return 0;
}

/**
 * pdt_ioasid_drop_test_ref() - Drop the reference of PDT_IOASID_GET and end the
 *				hold of PDT_IOASID_HOLD, if any.
 * @ch: Channel, locked.
 */
void pdt_ioasid_drop_test_ref(struct pdt_channel *ch)
{
	pdt_ioasid_put_test_ref(ch);
	pdt_ioasid_release(ch);
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
	case PDT_IOASID_HOLD:
		return op->value ? pdt_ioasid_hold(ch) : pdt_ioasid_release(ch);
	default:
		return -EINVAL;
	}
}
