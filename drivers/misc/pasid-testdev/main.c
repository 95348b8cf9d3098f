// SPDX-License-Identifier: GPL-2.0-only
/*
 * Driver for the PASID test device: an emulated PCI device whose channels read
 * and write memory with any PASID, also by themselves and for as long as they
 * are not stopped. Tests learn from it which memory a PASID reaches, and what
 * the IOMMU was told to do.
 *
 * It is a well-behaved driver unless a test asks it not to be: the device
 * stops issuing before a bond goes.
 */
#include <linux/dma-mapping.h>
#include <linux/idr.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/pm.h>
#include <linux/slab.h>

#include "ioasid-ref.h"
#include "pasid-testdev.h"

/* See pasid-testdev.h */
DEFINE_MUTEX(pdt_devices_lock);
LIST_HEAD(pdt_devices);
static DEFINE_IDA(pdt_ida);

static void pdt_device_release(struct kref *ref)
{
	struct pdt_device *pdt = container_of(ref, struct pdt_device, ref);

	ida_free(&pdt_ida, pdt->id);
	kfree(pdt);
}

/**
 * pdt_device_put() - Drop a reference on the driver's data of a device.
 * @pdt: The device.
 */
void pdt_device_put(struct pdt_device *pdt)
{
	kref_put(&pdt->ref, pdt_device_release);
}

static void pdt_device_put_action(void *pdt)
{
	pdt_device_put(pdt);
}

static irqreturn_t pdt_irq(int irq, void *data)
{
	struct pdt_device *pdt = data;

	atomic_inc(&pdt->irqs);
	wake_up_all(&pdt->wait);
	return IRQ_HANDLED;
}

static struct pdt_device *pdt_device_alloc(struct pci_dev *pdev)
{
	struct pdt_device *pdt;
	unsigned int i;
	int ret;

	pdt = kzalloc_obj(*pdt);
	if (!pdt)
		return ERR_PTR(-ENOMEM);

	pdt->id = ida_alloc(&pdt_ida, GFP_KERNEL);
	if (pdt->id < 0) {
		ret = pdt->id;
		kfree(pdt);
		return ERR_PTR(ret);
	}
	pdt->pdev = pdev;
	kref_init(&pdt->ref);
	init_waitqueue_head(&pdt->wait);
	for (i = 0; i < PDT_NR_CHANNELS; i++) {
		struct pdt_channel *ch = &pdt->channels[i];

		ch->pdt = pdt;
		ch->nr = i;
		mutex_init(&ch->lock);
		spin_lock_init(&ch->page_lock);
		ch->pasid = IOMMU_PASID_INVALID;
		ch->test_ref = IOMMU_PASID_INVALID;
	}

	/* Freed after the interrupt, which is managed too, and asked for later */
	ret = devm_add_action_or_reset(&pdev->dev, pdt_device_put_action, pdt);
	return ret ? ERR_PTR(ret) : pdt;
}

static int pdt_setup_pci(struct pdt_device *pdt)
{
	struct pci_dev *pdev = pdt->pdev;
	unsigned int i;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	pdt->bar = pcim_iomap_region(pdev, 0, KBUILD_MODNAME);
	if (IS_ERR(pdt->bar))
		return PTR_ERR(pdt->bar);
	if (readl(pdt->bar + PDT_ID) != PDT_ID_VALUE)
		return dev_err_probe(&pdev->dev, -ENODEV, "unknown version\n");
	for (i = 0; i < PDT_NR_CHANNELS; i++)
		pdt->channels[i].regs = pdt->bar + PDT_CHANNEL(i);

	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI);
	if (ret < 0)
		return ret;
	ret = devm_request_irq(&pdev->dev, pci_irq_vector(pdev, 0), pdt_irq, 0,
			       KBUILD_MODNAME, pdt);
	if (ret)
		return ret;
	pci_set_master(pdev);
	return 0;
}

static int pdt_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct pdt_device *pdt;
	u32 caps;
	int ret;

	if (!pdev->dev.iommu || !pdev->dev.iommu->max_pasids)
		return dev_err_probe(&pdev->dev, -ENODEV,
				     "no IOMMU that knows PASIDs\n");

	pdt = pdt_device_alloc(pdev);
	if (IS_ERR(pdt))
		return PTR_ERR(pdt);
	ret = pdt_setup_pci(pdt);
	if (ret)
		return ret;

	pdt->misc.minor = MISC_DYNAMIC_MINOR;
	pdt->misc.fops = &pdt_fops;
	pdt->misc.parent = &pdev->dev;
	pdt->misc.name = devm_kasprintf(&pdev->dev, GFP_KERNEL,
					"pasid-testdev%d", pdt->id);
	if (!pdt->misc.name)
		return -ENOMEM;

	pci_set_drvdata(pdev, pdt);
	ret = misc_register(&pdt->misc);
	if (ret)
		return ret;
	scoped_guard(mutex, &pdt_devices_lock)
		list_add_tail(&pdt->devices_elm, &pdt_devices);

	caps = readl(pdt->bar + PDT_CAPS);
	pci_info(pdev, "%s: %u PASIDs%s%s%s\n", pdt->misc.name,
		 pdev->dev.iommu->max_pasids,
		 caps & PDT_CAPS_ATS ? ", ATS" : "",
		 caps & PDT_CAPS_PRI ? ", PRI" : "",
		 caps & PDT_CAPS_STALL ? ", stalls" : "");
	return 0;
}

static void pdt_remove(struct pci_dev *pdev)
{
	struct pdt_device *pdt = pci_get_drvdata(pdev);
	unsigned int i;

	scoped_guard(mutex, &pdt_devices_lock)
		list_del(&pdt->devices_elm);
	misc_deregister(&pdt->misc);

	/* From here on not even an engine that does not stop gets anywhere */
	pci_clear_master(pdev);

	for (i = 0; i < PDT_NR_CHANNELS; i++) {
		struct pdt_channel *ch = &pdt->channels[i];

		guard(mutex)(&ch->lock);
		ch->runaway = false;
		pdt_crowd_leave(ch);
		pdt_unbind(ch);
		pdt_release_pasid(ch);
		ch->state = PDT_CHAN_GONE;
	}
}

/* A reset stops all engines; the IOMMU core sees to the bonds. So does sleep. */
static void pdt_reset_prepare(struct pci_dev *pdev)
{
	struct pdt_device *pdt = pci_get_drvdata(pdev);
	unsigned int i;

	for (i = 0; i < PDT_NR_CHANNELS; i++) {
		struct pdt_channel *ch = &pdt->channels[i];

		guard(mutex)(&ch->lock);
		ch->blocked = true;
		if (pdt_engine_stop(ch))
			pci_warn(pdev, "channel %u does not stop\n", i);
	}
}

static void pdt_reset_done(struct pci_dev *pdev)
{
	struct pdt_device *pdt = pci_get_drvdata(pdev);
	unsigned int i;

	for (i = 0; i < PDT_NR_CHANNELS; i++) {
		struct pdt_channel *ch = &pdt->channels[i];

		guard(mutex)(&ch->lock);
		ch->blocked = false;
		pdt_try_release_pasid(ch);
	}
}

static int pdt_suspend(struct device *dev)
{
	pdt_reset_prepare(to_pci_dev(dev));
	return 0;
}

static int pdt_resume(struct device *dev)
{
	pdt_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(pdt_pm_ops, pdt_suspend, pdt_resume);

static const struct pci_error_handlers pdt_err_handler = {
	.reset_prepare = pdt_reset_prepare,
	.reset_done = pdt_reset_done,
};

static const struct pci_device_id pdt_ids[] = {
	{ PCI_DEVICE(PDT_VENDOR_ID, PDT_DEVICE_ID) },
	{ }
};

static struct pci_driver pdt_driver = {
	.name = "pasid-testdev",
	.id_table = pdt_ids,
	.probe = pdt_probe,
	.remove = pdt_remove,
	.err_handler = &pdt_err_handler,
	.driver.pm = pm_sleep_ptr(&pdt_pm_ops),
};

static int __init pdt_init(void)
{
	pdt_debugfs_init();
	return pci_register_driver(&pdt_driver);
}
device_initcall(pdt_init);
