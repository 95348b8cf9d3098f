// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID test device: /dev/pasid-testdevN. One open file is one channel.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ioasid-ref.h"
#include "pasid-testdev.h"

static int pdt_ioc_info(struct pdt_channel *ch, void __user *arg)
{
	struct pdt_device *pdt = ch->pdt;
	struct pdt_info info = {
		.channel = ch->nr,
		.channels = PDT_NR_CHANNELS,
		.caps = readl(pdt->bar + PDT_CAPS),
		.max_pasids = pdt->pdev->dev.iommu->max_pasids,
		.atc_inv = readl(pdt->bar + PDT_ATC_INV),
		.ioasid = IS_ENABLED(CONFIG_IOASID),
		.pri_out = readl(pdt->bar + PDT_PRI_OUT),
		.pri_stray = readl(pdt->bar + PDT_PRI_STRAY),
	};

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static int pdt_ioc_bind(struct pdt_channel *ch, void __user *arg)
{
	struct pdt_bind bind = { .channel = ch->nr };
	int ret;

	ret = pdt_bind(ch);
	if (ret)
		return ret;

	bind.pasid = ch->pasid;
	if (copy_to_user(arg, &bind, sizeof(bind))) {
		pdt_unbind(ch);
		return -EFAULT;
	}
	return 0;
}

static int pdt_ioc_unbind(struct pdt_channel *ch)
{
	if (!ch->sva)
		return -EINVAL;
	pdt_unbind(ch);
	return 0;
}

static int pdt_ioc_dma(struct pdt_channel *ch, void __user *arg)
{
	struct pdt_dma dma;
	int ret;

	if (copy_from_user(&dma, arg, sizeof(dma)))
		return -EFAULT;
	ret = pdt_dma(ch, &dma);
	if (ret)
		return ret;
	return copy_to_user(arg, &dma, sizeof(dma)) ? -EFAULT : 0;
}

static int pdt_ioc_engine(struct pdt_channel *ch, void __user *arg)
{
	struct pdt_engine eng;
	int ret;

	if (copy_from_user(&eng, arg, sizeof(eng)))
		return -EFAULT;
	if (eng.flags & ~PDT_ENGINE_RUNAWAY || eng.pad)
		return -EINVAL;
	if (eng.cmd)
		return pdt_engine_start(ch, &eng);

	ret = pdt_engine_stop(ch);
	pdt_try_release_pasid(ch);
	return ret;
}

static int pdt_ioc_counters(struct pdt_channel *ch, void __user *arg)
{
	void __iomem *base = ch->pdt->bar + PDT_COUNTERS;
	struct pdt_counters *cnt __free(kfree) = kzalloc_obj(*cnt);
	unsigned int i;

	if (!cnt)
		return -ENOMEM;
	for (i = 0; i < PDT_NR_COUNTERS; i++)
		cnt->count[i] = readl(base + i * 8) |
				(u64)readl(base + i * 8 + 4) << 32;
	return copy_to_user(arg, cnt, sizeof(*cnt)) ? -EFAULT : 0;
}

static int pdt_ioc_attach(struct pdt_channel *ch, void __user *arg)
{
	struct pdt_attach attach;
	int ret;

	if (copy_from_user(&attach, arg, sizeof(attach)))
		return -EFAULT;
	ret = pdt_attach(ch, &attach);
	if (ret)
		return ret;
	if (copy_to_user(arg, &attach, sizeof(attach))) {
		pdt_unbind(ch);
		return -EFAULT;
	}
	return 0;
}

static int pdt_ioc_detach(struct pdt_channel *ch)
{
	if (!ch->domain)
		return -EINVAL;
	pdt_unbind(ch);
	return 0;
}

static int pdt_ioc_ioasid(struct pdt_channel *ch, void __user *arg)
{
	struct pdt_ioasid op;
	int ret;

	if (copy_from_user(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.pad)
		return -EINVAL;
	ret = pdt_ioasid_op(ch, &op);
	if (ret)
		return ret;
	return copy_to_user(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

static int pdt_ioc_crowd(struct pdt_channel *ch, void __user *arg)
{
	struct pdt_crowd_op op;

	if (copy_from_user(&op, arg, sizeof(op)))
		return -EFAULT;
	return op.pad ? -EINVAL : pdt_crowd_op(ch, &op);
}

static int pdt_ioc_page_req(struct pdt_channel *ch, void __user *arg)
{
	struct pdt_page_req req;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	return pdt_page_request(ch, &req);
}

static int pdt_ioc_slow(struct pdt_channel *ch, void __user *arg)
{
	struct pdt_slow slow;
	int ret;

	if (copy_from_user(&slow, arg, sizeof(slow)))
		return -EFAULT;
	ret = pdt_slow_op(ch, &slow);
	if (ret)
		return ret;
	return copy_to_user(arg, &slow, sizeof(slow)) ? -EFAULT : 0;
}

static int pdt_ioc_events(void __user *arg)
{
	struct pdt_events events;
	int ret;

	ret = pdt_events_read(&events);
	if (ret)
		return ret;
	return copy_to_user(arg, &events, sizeof(events)) ? -EFAULT : 0;
}

/* Commands for the channel of the file, which is locked and there */
static long pdt_ioctl_self(struct pdt_channel *ch, unsigned int cmd,
			   void __user *arg)
{
	switch (cmd) {
	case PDT_IOC_INFO:
		return pdt_ioc_info(ch, arg);
	case PDT_IOC_BIND:
		return pdt_ioc_bind(ch, arg);
	case PDT_IOC_UNBIND:
		return pdt_ioc_unbind(ch);
	case PDT_IOC_DMA:
		return pdt_ioc_dma(ch, arg);
	case PDT_IOC_ENGINE:
		return pdt_ioc_engine(ch, arg);
	case PDT_IOC_COUNTERS:
		return pdt_ioc_counters(ch, arg);
	case PDT_IOC_ATTACH:
		return pdt_ioc_attach(ch, arg);
	case PDT_IOC_DETACH:
		return pdt_ioc_detach(ch);
	case PDT_IOC_FREE:
		return pdt_free_attached(ch);
	case PDT_IOC_IOASID:
		return pdt_ioc_ioasid(ch, arg);
	case PDT_IOC_CROWD:
		return pdt_ioc_crowd(ch, arg);
	case PDT_IOC_PAGE_REQ:
		return pdt_ioc_page_req(ch, arg);
	case PDT_IOC_SLOW:
		return pdt_ioc_slow(ch, arg);
	case PDT_IOC_EVENTS:
		return pdt_ioc_events(arg);
	default:
		return -ENOTTY;
	}
}

static struct pdt_channel *pdt_channel_by_nr(struct pdt_channel *self, u32 nr)
{
	if (nr == PDT_CHANNEL_SELF)
		return self;
	return nr < PDT_NR_CHANNELS ? &self->pdt->channels[nr] : NULL;
}

static long pdt_ioc_status(struct pdt_channel *self, void __user *arg)
{
	struct pdt_channel *ch;
	struct pdt_status st;

	if (copy_from_user(&st, arg, sizeof(st)))
		return -EFAULT;
	ch = pdt_channel_by_nr(self, st.channel);
	if (!ch)
		return -EINVAL;

	scoped_guard(mutex, &ch->lock) {
		if (ch->state == PDT_CHAN_GONE)
			return -ENODEV;
		pdt_status(ch, &st);
	}
	st.channel = ch->nr;
	return copy_to_user(arg, &st, sizeof(st)) ? -EFAULT : 0;
}

static long pdt_ioc_stop(struct pdt_channel *self, void __user *arg)
{
	struct pdt_channel *ch;
	struct pdt_stop stop;
	int ret;

	if (copy_from_user(&stop, arg, sizeof(stop)))
		return -EFAULT;
	ch = pdt_channel_by_nr(self, stop.channel);
	if (!ch || stop.pad)
		return -EINVAL;

	guard(mutex)(&ch->lock);
	if (ch->state == PDT_CHAN_GONE)
		return -ENODEV;
	ret = pdt_engine_stop(ch);
	if (ret)
		return ret;
	pdt_try_release_pasid(ch);
	return 0;
}

static long pdt_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pdt_channel *ch = file->private_data;
	void __user *uarg = (void __user *)arg;

	/* These two are for any channel, and no two are locked at once */
	if (cmd == PDT_IOC_STATUS)
		return pdt_ioc_status(ch, uarg);
	if (cmd == PDT_IOC_STOP)
		return pdt_ioc_stop(ch, uarg);

	guard(mutex)(&ch->lock);
	if (ch->state == PDT_CHAN_GONE)
		return -ENODEV;
	return pdt_ioctl_self(ch, cmd, uarg);
}

/* The page of an attached domain, so that its user sees what arrives there */
static int pdt_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct pdt_channel *ch = file->private_data;
	struct page *page;
	int ret;

	if (vma_pages(vma) != 1)
		return -EINVAL;
	if (vma->vm_pgoff == PDT_SLOW_OFFSET >> PAGE_SHIFT)
		return pdt_slow_mmap(vma);
	if (vma->vm_pgoff)
		return -EINVAL;

	/*
	 * Not the lock of the channel: the ioctls hold it while they read and
	 * write user memory, which may need mmap_lock, held here.
	 */
	scoped_guard(spinlock, &ch->page_lock) {
		page = ch->page;
		if (page)
			get_page(page);
	}
	if (!page)
		return -ENXIO;
	ret = vm_insert_page(vma, vma->vm_start, page);
	put_page(page);
	return ret;
}

static int pdt_open(struct inode *inode, struct file *file)
{
	/* misc_open() left it there, and holds off misc_deregister() */
	struct pdt_device *pdt = container_of(file->private_data,
					      struct pdt_device, misc);
	unsigned int i;

	for (i = 0; i < PDT_NR_CHANNELS; i++) {
		struct pdt_channel *ch = &pdt->channels[i];

		guard(mutex)(&ch->lock);
		if (ch->state != PDT_CHAN_FREE)
			continue;
		ch->state = PDT_CHAN_OPEN;
		ch->runaway = false;
		kref_get(&pdt->ref);
		file->private_data = ch;
		return 0;
	}
	return -EBUSY;
}

static int pdt_release(struct inode *inode, struct file *file)
{
	struct pdt_channel *ch = file->private_data;
	struct pdt_device *pdt = ch->pdt;

	/* Before the channel's lock: unbind may wait for who waits there */
	pdt_slow_release(ch);
	scoped_guard(mutex, &ch->lock) {
		pdt_ioasid_drop_test_ref(ch);
		if (ch->state != PDT_CHAN_GONE) {
			pdt_crowd_leave(ch);
			pdt_unbind(ch);
			ch->state = ch->pasid == IOMMU_PASID_INVALID ?
					    PDT_CHAN_FREE : PDT_CHAN_LEFT;
		}
	}
	pdt_device_put(pdt);
	return 0;
}

const struct file_operations pdt_fops = {
	.owner = THIS_MODULE,
	.open = pdt_open,
	.release = pdt_release,
	.unlocked_ioctl = pdt_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = pdt_mmap,
};
