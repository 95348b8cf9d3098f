// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID test device: a set with many PASIDs on several devices, as a virtual
 * machine has it, and its end.
 */
#include <linux/ioasid.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "ioasid-ref.h"
#include "pasid-testdev.h"

#define PDT_CROWD_MAX		65536
#define PDT_CROWD_DOMAINS	32

/**
 * struct pdt_crowd - the crowd, of which there is one at a time
 * @ref: its maker and each device that it is attached to
 * @set: the owner, NULL when it was freed
 * @page: what all domains map
 * @iova: where they do
 * @ndomains: how many domains
 * @domains: they take turns
 * @n: how many PASIDs
 * @ids: the PASIDs
 */
struct pdt_crowd {
	struct kref ref;
	struct ioasid_set *set;
	struct page *page;
	unsigned long iova;
	unsigned int ndomains;
	struct iommu_domain *domains[PDT_CROWD_DOMAINS];
	unsigned int n;
	ioasid_t ids[] __counted_by(n);
};

/* Innermost of the driver's locks */
static DEFINE_MUTEX(pdt_crowd_lock);
static struct pdt_crowd *pdt_crowd;

static struct iommu_domain *pdt_crowd_domain(struct pdt_crowd *crowd,
					     unsigned int i)
{
	return crowd->domains[i % crowd->ndomains];
}

static void pdt_crowd_end(struct kref *ref)
{
	struct pdt_crowd *crowd = container_of(ref, struct pdt_crowd, ref);

	while (crowd->ndomains--)
		pdt_domain_free(crowd->domains[crowd->ndomains], crowd->iova);
	if (crowd->page)
		put_page(crowd->page);
	kvfree(crowd);
}

static void pdt_crowd_free_set(struct pdt_crowd *crowd)
{
	if (crowd->set)
		ioasid_set_free(crowd->set);
	crowd->set = NULL;
}

static int pdt_crowd_add_domain(struct pdt_crowd *crowd, struct device *dev)
{
	struct iommu_domain *domain;

	domain = pdt_domain_alloc(dev, crowd->iova, crowd->page);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	crowd->domains[crowd->ndomains++] = domain;
	return 0;
}

static int pdt_crowd_fill(struct pdt_crowd *crowd, struct device *dev,
			  const struct pdt_crowd_op *op)
{
	unsigned int i;
	int ret = 0;

	crowd->iova = op->iova;
	crowd->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!crowd->page)
		return -ENOMEM;
	for (i = 0; i < op->domains && !ret; i++)
		ret = pdt_crowd_add_domain(crowd, dev);
	if (ret)
		return ret;

	crowd->set = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, crowd, crowd->n);
	if (IS_ERR(crowd->set)) {
		ret = PTR_ERR(crowd->set);
		crowd->set = NULL;
	}
	for (i = 0; i < crowd->n && !ret; i++)
		ret = ioasid_alloc(crowd->set, 1, dev->iommu->max_pasids - 1,
				   NULL, &crowd->ids[i]);
	return ret;
}

static int pdt_crowd_make(struct pdt_channel *ch, const struct pdt_crowd_op *op)
{
	struct pdt_crowd *crowd;
	int ret;

	if (!op->n || op->n > PDT_CROWD_MAX || !op->domains ||
	    op->domains > PDT_CROWD_DOMAINS || !IS_ALIGNED(op->iova, PAGE_SIZE))
		return -EINVAL;
	if (pdt_crowd)
		return -EBUSY;

	crowd = kvzalloc_flex(*crowd, ids, op->n);
	if (!crowd)
		return -ENOMEM;
	crowd->n = op->n;
	kref_init(&crowd->ref);
	ret = pdt_crowd_fill(crowd, &ch->pdt->pdev->dev, op);
	if (ret) {
		pdt_crowd_free_set(crowd);
		kref_put(&crowd->ref, pdt_crowd_end);
		return ret;
	}
	pdt_crowd = crowd;
	ch->crowd_maker = true;
	return 0;
}

static void pdt_crowd_detach_some(struct pdt_channel *ch, unsigned int n)
{
	struct pdt_crowd *crowd = ch->crowd;

	while (n--)
		iommu_detach_device_pasid(pdt_crowd_domain(crowd, n),
					  &ch->pdt->pdev->dev, crowd->ids[n]);
}

/* The device stops issuing first, as the IOMMU core demands */
static int pdt_crowd_detach(struct pdt_channel *ch)
{
	if (!ch->crowd)
		return -EINVAL;
	if (pdt_engine_stop(ch))
		pci_warn(ch->pdt->pdev, "channel %u does not stop\n", ch->nr);
	ch->pasid = IOMMU_PASID_INVALID;
	pdt_set_page(ch, NULL);
	pdt_crowd_detach_some(ch, ch->crowd->n);
	kref_put(&ch->crowd->ref, pdt_crowd_end);
	ch->crowd = NULL;
	return 0;
}

static int pdt_crowd_attach_one(struct pdt_channel *ch, unsigned int i, bool own)
{
	struct iommu_domain *domain = pdt_crowd_domain(ch->crowd, i);
	struct device *dev = &ch->pdt->pdev->dev;

	if (own)
		return iommu_attach_device_pasid(domain, dev, ch->crowd->ids[i],
						 NULL);
	return iommu_attach_device_ioasid(domain, dev, ch->crowd->set,
					  ch->crowd->ids[i], NULL);
}

static int pdt_crowd_attach(struct pdt_channel *ch, bool own)
{
	struct pdt_crowd *crowd = pdt_crowd;
	unsigned int i;
	int ret = 0;

	if (!crowd || !crowd->set)
		return -EINVAL;
	if (ch->crowd || pdt_bound(ch) || ch->pasid != IOMMU_PASID_INVALID)
		return -EBUSY;

	ch->crowd = crowd;
	for (i = 0; i < crowd->n && !ret; i++)
		ret = pdt_crowd_attach_one(ch, i, own);
	if (ret) {
		pdt_crowd_detach_some(ch, i - 1);
		ch->crowd = NULL;
		return ret;
	}
	kref_get(&crowd->ref);
	pdt_set_page(ch, crowd->page);
	return 0;
}

static int pdt_crowd_free(struct pdt_crowd *crowd, bool each)
{
	unsigned int i;
	int ret = 0;

	if (!crowd || !crowd->set)
		return -EINVAL;
	if (!each)
		pdt_crowd_free_set(crowd);
	for (i = 0; each && i < crowd->n && !ret; i++)
		ret = ioasid_free(crowd->set, crowd->ids[i]);
	return ret;
}

/* The requests of the channel carry this one from now on */
static int pdt_crowd_use(struct pdt_channel *ch, unsigned int i)
{
	if (!ch->crowd || i >= ch->crowd->n)
		return -EINVAL;
	if (!pdt_idle(ch))
		return -EBUSY;
	ch->pasid = ch->crowd->ids[i];
	return 0;
}

/**
 * pdt_crowd_op() - Make a set with many PASIDs, use it, end it.
 * @ch: Channel of the caller, locked.
 * @op: What to do.
 *
 * Return: 0 or a negative error number; -EINVAL for what is out of range or
 * does not fit the state, -EBUSY if there is a crowd already or if the channel
 * is bound or busy.
 */
int pdt_crowd_op(struct pdt_channel *ch, const struct pdt_crowd_op *op)
{
	lockdep_assert_held(&ch->lock);
	guard(mutex)(&pdt_crowd_lock);

	switch (op->op) {
	case PDT_CROWD_MAKE:
		return pdt_crowd_make(ch, op);
	case PDT_CROWD_ATTACH:
		return pdt_crowd_attach(ch, false);
	case PDT_CROWD_ATTACH_OWN:
		return pdt_crowd_attach(ch, true);
	case PDT_CROWD_USE:
		return pdt_crowd_use(ch, op->n);
	case PDT_CROWD_FREE:
		return pdt_crowd_free(pdt_crowd, false);
	case PDT_CROWD_FREE_EACH:
		return pdt_crowd_free(pdt_crowd, true);
	case PDT_CROWD_DETACH:
		return pdt_crowd_detach(ch);
	default:
		return -EINVAL;
	}
}

/**
 * pdt_crowd_leave() - Undo what pdt_crowd_op() did for a channel, if anything.
 * @ch: Channel, locked.
 */
void pdt_crowd_leave(struct pdt_channel *ch)
{
	lockdep_assert_held(&ch->lock);
	guard(mutex)(&pdt_crowd_lock);

	if (ch->crowd)
		pdt_crowd_detach(ch);
	if (!ch->crowd_maker)
		return;
	ch->crowd_maker = false;
	pdt_crowd_free_set(pdt_crowd);
	kref_put(&pdt_crowd->ref, pdt_crowd_end);
	pdt_crowd = NULL;
}
