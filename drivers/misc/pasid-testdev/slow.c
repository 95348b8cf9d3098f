// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID test device: a page that takes its time, so that a page request of the
 * device is under way for as long as a test wants.
 */
#include <linux/mm.h>
#include <linux/wait.h>

#include "pasid-testdev.h"

/* Protects all of it */
static DEFINE_SPINLOCK(pdt_slow_lock);
/* Who has stalled it, NULL: nobody */
static struct pdt_channel *pdt_slow_owner;
/* PDT_SLOW_STALL or PDT_SLOW_STALL_END, if there is an owner */
static u32 pdt_slow_at;
static unsigned int pdt_slow_waiters;
static DECLARE_WAIT_QUEUE_HEAD(pdt_slow_wait);

static bool pdt_slow_stalled(u32 at)
{
	guard(spinlock)(&pdt_slow_lock);
	return pdt_slow_owner && pdt_slow_at == at;
}

static void pdt_slow_count(int n)
{
	guard(spinlock)(&pdt_slow_lock);
	pdt_slow_waiters += n;
}

/*
 * A process may be killed meanwhile. The worker that handles a page request
 * may not, and is what this is for.
 */
static vm_fault_t pdt_slow_fault(struct vm_fault *vmf)
{
	struct page *page;
	vm_fault_t ret;
	int killed;

	pdt_slow_count(1);
	killed = wait_event_killable(pdt_slow_wait,
				     !pdt_slow_stalled(PDT_SLOW_STALL));
	pdt_slow_count(-1);
	if (killed)
		return VM_FAULT_SIGBUS;

	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return VM_FAULT_OOM;
	ret = vmf_insert_page(vmf->vma, vmf->address, page);
	put_page(page);
	return ret;
}

static void pdt_slow_close(struct vm_area_struct *vma)
{
	wait_event(pdt_slow_wait, !pdt_slow_stalled(PDT_SLOW_STALL_END));
}

static const struct vm_operations_struct pdt_slow_ops = {
	.close = pdt_slow_close,
	.fault = pdt_slow_fault,
};

/**
 * pdt_slow_mmap() - Map the page.
 * @vma: Where, one page.
 *
 * Return: 0, or -EINVAL if it is to be copied at a write.
 */
int pdt_slow_mmap(struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vm_flags_set(vma, VM_MIXEDMAP | VM_DONTEXPAND | VM_DONTCOPY);
	vma->vm_ops = &pdt_slow_ops;
	return 0;
}

/**
 * pdt_slow_op() - What ioctl(PDT_IOC_SLOW) asks for.
 * @ch: Channel of the file.
 * @slow: See struct pdt_slow.
 *
 * Return: 0; -EBUSY if another file has stalled the page or the events; -EINVAL;
 * -EOPNOTSUPP.
 */
int pdt_slow_op(struct pdt_channel *ch, struct pdt_slow *slow)
{
	switch (slow->op) {
	case PDT_SLOW_EVENTS:
		return pdt_hold_events(ch, true);
	case PDT_SLOW_TERMINATE:
		return pdt_terminate_stalls(ch);
	case PDT_SLOW_REPORTED:
		slow->value = pdt_faults();
		return 0;
	case PDT_SLOW_GO:
		pdt_hold_events(ch, false);
	}

	scoped_guard(spinlock, &pdt_slow_lock) {
		if (slow->op == PDT_SLOW_COUNT) {
			slow->value = pdt_slow_waiters;
			return 0;
		}
		if (slow->op != PDT_SLOW_STALL && slow->op != PDT_SLOW_GO &&
		    slow->op != PDT_SLOW_STALL_END)
			return -EINVAL;
		if (pdt_slow_owner && pdt_slow_owner != ch)
			return -EBUSY;
		pdt_slow_owner = slow->op == PDT_SLOW_GO ? NULL : ch;
		pdt_slow_at = slow->op;
	}
	wake_up_all(&pdt_slow_wait);
	return 0;
}

/**
 * pdt_slow_release() - Let all go if it was this channel that has stalled them.
 * @ch: Channel whose file is closed.
 */
void pdt_slow_release(struct pdt_channel *ch)
{
	struct pdt_slow go = { .op = PDT_SLOW_GO };

	pdt_slow_op(ch, &go);
}
