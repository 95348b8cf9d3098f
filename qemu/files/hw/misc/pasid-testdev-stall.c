/*
 * PCIe test device that issues DMA tagged with PASIDs: requests that wait in
 * the IOMMU
 *
 * A job has at most one of them. It does not go on when the IOMMU lets it, but
 * starts that page anew: the IOMMU could do the same. What it cannot do is to
 * take it back, so a job that is stopped meanwhile is still under way.
 *
 * The tag is that of the job and its epoch, so that a job that was reset does
 * not hear of what it had in the IOMMU before.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "hw/pci/pci.h"
#include "pasid-testdev-internal.h"

static uint64_t pdt_stall_tag(PDTJob *job)
{
    unsigned nr = job->ch->nr * 2 + (job == &job->ch->eng);

    return (uint64_t)nr << 32 | job->epoch;
}

PCITranslation pdt_translate(PDTJob *job, uint32_t pasid, hwaddr iova,
                             bool is_write, IOMMUTLBEntry *t)
{
    PDTChannel *ch = job->ch;
    PCIDevice *pdev = PCI_DEVICE(ch->dev);
    unsigned epoch = job->epoch;
    PCITranslation r;

    if (!ch->dev->has_stall) {
        return pci_translate_pasid(pdev, pasid, iova, is_write, false, t) ?
               PCI_TRANSLATION_OK : PCI_TRANSLATION_FAULT;
    }

    /* Before, because the end may come before the call returns */
    job->stalled = true;
    ch->dev->pri_out++;
    r = pci_translate_stall(pdev, pasid, iova, is_write, pdt_stall_tag(job), t);
    if (r == PCI_TRANSLATION_STALLED) {
        ch->pri_req++;
    } else if (job->epoch == epoch && job->stalled) {
        job->stalled = false;
        ch->dev->pri_out--;
    }
    return r;
}

void pdt_stall_ended(void *opaque, uint64_t tag, bool retry)
{
    PasidTestDev *d = opaque;
    PDTChannel *ch = &d->ch[(tag >> 33) % PDT_NR_CHANNELS];
    PDTJob *job = tag >> 32 & 1 ? &ch->eng : &ch->cmd;

    if (!job->stalled || pdt_stall_tag(job) != tag) {
        return;
    }
    job->stalled = false;
    job->stall_failed = !retry;
    d->pri_out--;
    if (retry) {
        ch->pri_ok++;
    } else {
        ch->pri_invalid++;
    }
    pdt_job_wake(job);
}

void pdt_stall_last(PDTJob *job)
{
    hwaddr at = job->req.iova + job->done;
    uint32_t page = 4 * KiB - (at & (4 * KiB - 1));

    job->req.len = MIN(job->req.len, job->done + page);
    job->last = true;
}

void pdt_stall_forget(PDTJob *job)
{
    if (job->stalled) {
        job->stalled = false;
        job->ch->dev->pri_out--;
    }
}
