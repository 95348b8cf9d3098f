// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID test device: bonds of a channel with an address space or a domain,
 * and the life of the PASID in its requests.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <uapi/linux/iommufd.h>

#include "ioasid-ref.h"
#include "pasid-testdev.h"

/* The channel may issue with @pasid; an IOASID is kept by a reference */
static int pdt_claim_pasid(struct pdt_channel *ch, ioasid_t pasid,
			   bool managed)
{
	int ret;

	if (ch->pasid == pasid && ch->ref == managed)
		return 0;
	/* Left over from an earlier bond, and still in use by the engine */
	if (ch->pasid != IOMMU_PASID_INVALID)
		return -EBUSY;

	if (managed) {
		ret = pdt_ioasid_get(pasid);
		if (ret)
			return ret;
	}
	ch->pasid = pasid;
	ch->ref = managed;
	return 0;
}

/**
 * pdt_release_pasid() - Give up the PASID: the channel issues no more.
 * @ch: Channel, locked.
 */
void pdt_release_pasid(struct pdt_channel *ch)
{
	lockdep_assert_held(&ch->lock);

	if (ch->ref)
		pdt_ioasid_put(ch->pasid);
	ch->ref = false;
	ch->pasid = IOMMU_PASID_INVALID;
	if (ch->state == PDT_CHAN_LEFT)
		ch->state = PDT_CHAN_FREE;
}

/**
 * pdt_try_release_pasid() - Give up the PASID if nobody needs it any more.
 * @ch: Channel, locked.
 *
 * Nobody does when nothing is bound and the device was seen to issue nothing.
 */
void pdt_try_release_pasid(struct pdt_channel *ch)
{
	lockdep_assert_held(&ch->lock);

	if (!pdt_bound(ch) && pdt_idle(ch))
		pdt_release_pasid(ch);
}

/**
 * pdt_bind() - Bind the address space of the caller.
 * @ch: Channel, locked.
 *
 * Return: 0 or an error of iommu_sva_bind_device(); -EBUSY if something is
 * bound already, or if the engine still issues with another PASID.
 */
int pdt_bind(struct pdt_channel *ch)
{
	struct iommu_sva *sva;
	ioasid_t pasid;
	int ret;

	lockdep_assert_held(&ch->lock);

	if (pdt_bound(ch))
		return -EBUSY;

	sva = iommu_sva_bind_device(&ch->pdt->pdev->dev, current->mm);
	if (IS_ERR(sva))
		return PTR_ERR(sva);

	pasid = iommu_sva_get_pasid(sva);
	if (pasid == IOMMU_PASID_INVALID)
		ret = -ENODEV;
	else
		ret = pdt_claim_pasid(ch, pasid, true);
	if (ret) {
		iommu_sva_unbind_device(sva);
		return ret;
	}
	ch->sva = sva;
	return 0;
}

static int pdt_attach_domain(struct pdt_channel *ch, ioasid_t pasid,
			     bool managed)
{
	struct device *dev = &ch->pdt->pdev->dev;
	int ret;

	if (managed)
		ret = pdt_ioasid_attach(ch->domain, dev, pasid, &ch->handle);
	else
		ret = iommu_attach_device_pasid(ch->domain, dev, pasid,
						&ch->handle);
	if (ret)
		return ret;

	ret = pdt_claim_pasid(ch, pasid, managed);
	if (ret)
		iommu_detach_device_pasid(ch->domain, dev, pasid);
	return ret;
}

/**
 * pdt_set_page() - Set what mmap() of the channel's file shows.
 * @ch: Channel.
 * @page: The page, or NULL for none.
 */
void pdt_set_page(struct pdt_channel *ch, struct page *page)
{
	guard(spinlock)(&ch->page_lock);
	ch->page = page;
}

/**
 * pdt_domain_alloc() - Make a domain that maps one page.
 * @dev: Device that it is for.
 * @iova: Where to map the page.
 * @page: The page, kept by the caller.
 *
 * Return: The domain, or ERR_PTR().
 */
struct iommu_domain *pdt_domain_alloc(struct device *dev, unsigned long iova,
				      struct page *page)
{
	struct iommu_domain *domain;
	int ret;

	domain = iommu_paging_domain_alloc_flags(dev, IOMMU_HWPT_ALLOC_PASID);
	if (IS_ERR(domain))
		return domain;
	if (to_pci_dev(dev)->revision == PDT_REVISION_STALL)
		domain->iopf_handler = pdt_fault;
	ret = iommu_map(domain, iova, page_to_phys(page), PAGE_SIZE,
			IOMMU_READ | IOMMU_WRITE, GFP_KERNEL);
	if (ret) {
		iommu_domain_free(domain);
		return ERR_PTR(ret);
	}
	return domain;
}

/**
 * pdt_domain_free() - Undo pdt_domain_alloc().
 * @domain: The domain, attached nowhere.
 * @iova: Where it maps its page.
 */
void pdt_domain_free(struct iommu_domain *domain, unsigned long iova)
{
	iommu_unmap(domain, iova, PAGE_SIZE);
	iommu_domain_free(domain);
}

static int pdt_alloc_domain(struct pdt_channel *ch, unsigned long iova)
{
	struct iommu_domain *domain;
	struct page *page;

	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;

	domain = pdt_domain_alloc(&ch->pdt->pdev->dev, iova, page);
	if (IS_ERR(domain)) {
		put_page(page);
		return PTR_ERR(domain);
	}

	ch->domain = domain;
	ch->iova = iova;
	pdt_set_page(ch, page);
	return 0;
}

static void pdt_free_domain(struct pdt_channel *ch)
{
	struct page *page = ch->page;

	pdt_domain_free(ch->domain, ch->iova);
	ch->domain = NULL;
	pdt_set_page(ch, NULL);
	put_page(page);
}

/**
 * pdt_attach() - Attach a new domain that maps one page.
 * @ch: Channel, locked.
 * @attach: What is wanted; the PASID is filled in.
 *
 * Return: 0 or a negative error number; -EBUSY also if something is bound
 * already, or if the engine still issues with another PASID.
 */
int pdt_attach(struct pdt_channel *ch, struct pdt_attach *attach)
{
	struct device *dev = &ch->pdt->pdev->dev;
	bool managed = attach->flags & PDT_ATTACH_MANAGED;
	ioasid_t pasid = attach->pasid;
	int ret;

	lockdep_assert_held(&ch->lock);

	if (attach->flags & ~PDT_ATTACH_MANAGED ||
	    !IS_ALIGNED(attach->iova, PAGE_SIZE))
		return -EINVAL;
	if (pdt_bound(ch))
		return -EBUSY;

	if (managed) {
		pasid = iommu_alloc_global_pasid(dev);
		if (pasid == IOMMU_PASID_INVALID)
			return -ENOSPC;
	}

	ret = pdt_alloc_domain(ch, attach->iova);
	if (ret)
		goto out_free_pasid;
	ret = pdt_attach_domain(ch, pasid, managed);
	if (ret)
		goto out_free_domain;

	ch->managed = managed;
	ch->freed = false;
	attach->pasid = pasid;
	return 0;

out_free_domain:
	pdt_free_domain(ch);
out_free_pasid:
	if (managed)
		iommu_free_global_pasid(pasid);
	return ret;
}

/**
 * pdt_free_attached() - Free the number of a managed domain, still attached.
 * @ch: Channel, locked.
 *
 * Return: 0; -EINVAL if there is no such number, or it was freed before.
 */
int pdt_free_attached(struct pdt_channel *ch)
{
	lockdep_assert_held(&ch->lock);

	if (!ch->domain || !ch->managed || ch->freed)
		return -EINVAL;
	iommu_free_global_pasid(ch->pasid);
	ch->freed = true;
	return 0;
}

/**
 * pdt_unbind() - Undo what pdt_bind() or pdt_attach() did, if anything.
 * @ch: Channel, locked.
 *
 * Unless told otherwise, the device stops issuing first, as the IOMMU core
 * demands. What waits in the IOMMU may wait until that has been drained.
 */
void pdt_unbind(struct pdt_channel *ch)
{
	bool runs;

	lockdep_assert_held(&ch->lock);

	runs = !ch->runaway && pdt_engine_stop(ch);

	if (ch->sva) {
		iommu_sva_unbind_device(ch->sva);
		ch->sva = NULL;
	} else if (ch->domain) {
		iommu_detach_device_pasid(ch->domain, &ch->pdt->pdev->dev,
					  ch->pasid);
		if (ch->managed && !ch->freed)
			iommu_free_global_pasid(ch->pasid);
		pdt_free_domain(ch);
	}
	if (runs && pdt_engine_stop(ch))
		pci_warn(ch->pdt->pdev, "channel %u does not stop\n", ch->nr);
	pdt_try_release_pasid(ch);
}
