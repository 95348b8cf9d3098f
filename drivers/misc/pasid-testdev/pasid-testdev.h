/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PASID test device: what the files of the driver share.
 *
 * Locking: each channel has a mutex, and no two are held at once. It is taken
 * inside of pdt_devices_lock and of the lock of the struct device, and outside
 * of the locks of the IOMMU core, which bind and attach take.
 */
#ifndef PASID_TESTDEV_H
#define PASID_TESTDEV_H

#include <linux/atomic.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "uapi.h"

struct page;
struct pdt_crowd;
struct pdt_device;
struct vm_area_struct;

struct pdt_channel {
	struct pdt_device *pdt;
	unsigned int nr;
	void __iomem *regs;

	/* Protects the registers of the channel and all that follows */
	struct mutex lock;
	/* PDT_CHAN_*; with PDT_CHAN_GONE the registers are gone too */
	unsigned int state;
	/* The device is being reset: nothing may be started */
	bool blocked;
	/* The engine outlives the bond */
	bool runaway;

	/*
	 * The number in the channel's requests, IOMMU_PASID_INVALID if it may
	 * not issue any. It stays after unbind until the engine was seen to
	 * stand still.
	 */
	ioasid_t pasid;
	/* @pasid is an IOASID and we hold a reference on it */
	bool ref;

	/* At most one of the two bonds */
	struct iommu_sva *sva;
	struct iommu_domain *domain;
	/* For @domain; without a handle it would hear of no fault */
	struct iommu_attach_handle handle;
	unsigned long iova;
	bool managed;
	bool freed;

	/* Protects @page, for mmap(), which cannot take @lock */
	spinlock_t page_lock;
	/* What @domain maps */
	struct page *page;

	/* The reference of PDT_IOASID_GET, IOMMU_PASID_INVALID if none */
	ioasid_t test_ref;

	/* Whose PASIDs are attached to this device by PDT_CROWD_ATTACH */
	struct pdt_crowd *crowd;
	/* It goes with this channel */
	bool crowd_maker;
};

struct pdt_device {
	struct pci_dev *pdev;
	void __iomem *bar;
	struct miscdevice misc;
	int id;
	/* Interrupts of all channels so far; @wait is woken by each */
	atomic_t irqs;
	wait_queue_head_t wait;
	/* Bound to the driver: one; each open file: one */
	struct kref ref;
	struct list_head devices_elm;
	struct pdt_channel channels[PDT_NR_CHANNELS];
};

/* Protects the list of devices; held while the list is walked */
extern struct mutex pdt_devices_lock;
extern struct list_head pdt_devices;

static inline u32 pdt_read(struct pdt_channel *ch, unsigned int reg)
{
	return readl(ch->regs + reg);
}

static inline void pdt_write(struct pdt_channel *ch, unsigned int reg, u32 val)
{
	writel(val, ch->regs + reg);
}

static inline bool pdt_bound(struct pdt_channel *ch)
{
	return ch->sva || ch->domain;
}

/* main.c */
void pdt_device_put(struct pdt_device *pdt);

/* chardev.c */
extern const struct file_operations pdt_fops;

/* channel.c: requests, engine */
int pdt_dma(struct pdt_channel *ch, struct pdt_dma *dma);
int pdt_engine_start(struct pdt_channel *ch, const struct pdt_engine *eng);
int pdt_engine_stop(struct pdt_channel *ch);
int pdt_page_request(struct pdt_channel *ch, const struct pdt_page_req *req);
bool pdt_idle(struct pdt_channel *ch);
void pdt_status(struct pdt_channel *ch, struct pdt_status *st);

/* bond.c: address spaces and domains, and the PASID of a channel */
int pdt_bind(struct pdt_channel *ch);
int pdt_attach(struct pdt_channel *ch, struct pdt_attach *attach);
int pdt_free_attached(struct pdt_channel *ch);
void pdt_unbind(struct pdt_channel *ch);
struct iommu_domain *pdt_domain_alloc(struct device *dev, unsigned long iova,
				      struct page *page);
void pdt_domain_free(struct iommu_domain *domain, unsigned long iova);
void pdt_set_page(struct pdt_channel *ch, struct page *page);
void pdt_try_release_pasid(struct pdt_channel *ch);
void pdt_release_pasid(struct pdt_channel *ch);

/* slow.c: a page that takes its time */
int pdt_slow_op(struct pdt_channel *ch, struct pdt_slow *slow);
void pdt_slow_release(struct pdt_channel *ch);
int pdt_slow_mmap(struct vm_area_struct *vma);

/* stall.c: requests that wait in the IOMMU */
int pdt_fault(struct iopf_group *group);
unsigned int pdt_faults(void);
int pdt_hold_events(struct pdt_channel *ch, bool hold);
int pdt_terminate_stalls(struct pdt_channel *ch);

/* debugfs.c */
void pdt_debugfs_init(void);

#endif /* PASID_TESTDEV_H */
