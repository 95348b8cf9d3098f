/*
 * PCIe test device that issues DMA tagged with PASIDs: page requests
 *
 * The index of a group tells who has asked: the channel in bits 7:4, and in
 * bit 8 if it was a raw request (PDT_CH_PRI_RAW). The other bits are a number:
 * for raw requests the next one; else one that is free, 0 to 7 for a command,
 * 8 to 15 for the engine.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "pasid-testdev-internal.h"

#define PDT_GROUP_RAW           0x100
#define PDT_GROUPS_OF_CHANNEL   16
#define PDT_GROUPS_OF_JOB       8
QEMU_BUILD_BUG_ON(PDT_NR_CHANNELS * PDT_GROUPS_OF_CHANNEL > PDT_GROUP_RAW);

/* A queue that is full is asked again and again, for about a second */
#define PDT_MAX_ASKED           1000
#define PDT_PAUSE_US            50

bool pdt_pri_on(PasidTestDev *d)
{
    return d->has_pri && pdt_ctrl(d, d->pri_cap + PCI_PRI_CTRL,
                                  PCI_PRI_CTRL_ENABLE);
}

/* PRI is "stopped" when it is off and all requests have been answered */
static void pdt_pri_update(PasidTestDev *d)
{
    uint8_t *status = PCI_DEVICE(d)->config + d->pri_cap + PCI_PRI_STATUS;

    if (pdt_pri_on(d) || d->pri_out) {
        pci_word_test_and_clear_mask(status, PCI_PRI_STATUS_STOPPED);
    } else {
        pci_word_test_and_set_mask(status, PCI_PRI_STATUS_STOPPED);
    }
}

static void pdt_pri_set_status(PasidTestDev *d, uint16_t bit)
{
    pci_word_test_and_set_mask(PCI_DEVICE(d)->config + d->pri_cap +
                               PCI_PRI_STATUS, bit);
}

static uint16_t pdt_group_base(PDTChannel *ch)
{
    return ch->nr * PDT_GROUPS_OF_CHANNEL;
}

static bool pdt_send(PDTChannel *ch, uint32_t pasid, hwaddr addr,
                     IOMMUAccessFlags perm, bool last, uint16_t prgi)
{
    PasidTestDev *d = ch->dev;
    PDTGroup *g = &d->groups[prgi];
    bool answer = last && perm != IOMMU_NONE;

    /* Before, because the answer may come before the call returns */
    if (answer) {
        g->out++;
        g->pasid = pasid;
        g->answered = false;
        d->pri_out++;
    }
    if (!pci_page_request(PCI_DEVICE(d), pasid, addr & ~(hwaddr)(4 * KiB - 1),
                          perm, last, prgi)) {
        if (answer) {
            g->out--;
            d->pri_out--;
        }
        return false;
    }
    ch->pri_req++;
    return true;
}

unsigned pdt_ask(PDTJob *job)
{
    PDTChannel *ch = job->ch;
    PasidTestDev *d = ch->dev;
    uint8_t *config = PCI_DEVICE(d)->config;
    hwaddr page = (job->req.iova + job->done) / (4 * KiB);
    hwaddr end = (job->req.iova + job->req.len - 1) / (4 * KiB);
    uint16_t prgi = pdt_group_base(ch) +
                    (job == &ch->eng ? PDT_GROUPS_OF_JOB : 0);
    unsigned i = 0;

    while (i < PDT_GROUPS_OF_JOB && d->groups[prgi + i].out) {
        i++;
    }
    if (i == PDT_GROUPS_OF_JOB || job->asked++ == PDT_MAX_ASKED ||
        d->pri_out >= pci_get_long(config + d->pri_cap + PCI_PRI_ALLOC_REQ)) {
        return PDT_ERR_PRI_SEND;
    }

    job->waiting = true;
    job->prgi = prgi + i;
    for (bool last = false; !last; page++) {
        last = page >= end;
        if (!pdt_send(ch, pdt_pasid(&job->req), page * 4 * KiB,
                      pdt_access(&job->req), last, job->prgi)) {
            job->waiting = false;
            return PDT_ERR_PRI_SEND;
        }
    }
    return PDT_WAITING;
}

void pdt_ask_no_more(PDTJob *job)
{
    uint32_t pasid = pdt_pasid(&job->req);

    if (job->waiting && pasid != PCI_NO_PASID && pdt_pri_on(job->ch->dev)) {
        pdt_send(job->ch, pasid, 0, IOMMU_NONE, true, 0);
    }
    job->waiting = false;
}

bool pdt_answered(PDTJob *job, unsigned *err)
{
    PDTGroup *g = &job->ch->dev->groups[job->prgi];

    *err = 0;
    if (job->stalled) {
        return false;
    }
    if (job->stall_failed) {
        job->stall_failed = false;
        *err = PDT_ERR_DMA;
    }
    if (job->waiting) {
        if (!g->answered) {
            return false;
        }
        job->waiting = false;
        *err = g->code == PCI_PAGE_RESP_SUCCESS ? 0 : PDT_ERR_PRI_RESP;
    }
    return true;
}

/* Those who were told to try again, and had, take their time */
static void pdt_group_wakes(PDTJob *job, uint16_t prgi)
{
    if (!job->waiting || job->prgi != prgi) {
        return;
    }
    if (job->asked > 1) {
        timer_mod(&job->timer, qemu_clock_get_us(QEMU_CLOCK_VIRTUAL) +
                               PDT_PAUSE_US * MIN(job->asked, 20));
    } else {
        pdt_job_wake(job);
    }
}

static void pdt_group_answered(PasidTestDev *d, uint16_t prgi, unsigned code)
{
    PDTChannel *ch = &d->ch[(prgi & (PDT_GROUP_RAW - 1)) /
                            PDT_GROUPS_OF_CHANNEL];

    d->groups[prgi].answered = true;
    d->groups[prgi].code = code;
    pdt_group_wakes(&ch->cmd, prgi);
    pdt_group_wakes(&ch->eng, prgi);
}

/* PRG Response. Only notes it: a request may be on its way to the IOMMU */
void pdt_page_response(void *opaque, uint32_t pasid, uint16_t prgi,
                       unsigned code)
{
    PasidTestDev *d = opaque;
    PDTGroup *g = &d->groups[prgi % PDT_NR_GROUPS];
    PDTChannel *ch = &d->ch[(prgi & (PDT_GROUP_RAW - 1)) /
                            PDT_GROUPS_OF_CHANNEL];

    /* Raw requests share an index: that of the last one says nothing */
    if (!g->out || (!(prgi & PDT_GROUP_RAW) && g->pasid != pasid)) {
        d->pri_stray++;
        if (d->has_pri) {
            pdt_pri_set_status(d, PCI_PRI_STATUS_UPRGI);
        }
        return;
    }

    g->out--;
    d->pri_out--;
    switch (code) {
    case PCI_PAGE_RESP_SUCCESS:
        ch->pri_ok++;
        break;
    case PCI_PAGE_RESP_INVALID:
        ch->pri_invalid++;
        break;
    default:
        ch->pri_failure++;
        pdt_pri_set_status(d, PCI_PRI_STATUS_RF);
    }
    pdt_group_answered(d, prgi % PDT_NR_GROUPS, code);
    pdt_pri_update(d);
}

void pdt_raw_requests(PDTChannel *ch, uint32_t val)
{
    IOMMUAccessFlags perm = (val & PDT_RAW_READ ? IOMMU_RO : 0) |
                            (val & PDT_RAW_WRITE ? IOMMU_WO : 0);
    bool last = !(val & PDT_RAW_PART);
    uint32_t pasid = pdt_pasid(&ch->regs);
    hwaddr addr = ch->regs.iova;

    for (unsigned i = val & PDT_RAW_COUNT_MASK; i; i--) {
        uint16_t prgi = PDT_GROUP_RAW | pdt_group_base(ch) | ch->raw_next;

        if (!pdt_pri_on(ch->dev) ||
            !pdt_ctrl(ch->dev, PCI_COMMAND, PCI_COMMAND_MASTER) ||
            !pdt_send(ch, pasid, addr, perm, last, prgi)) {
            return;
        }
        if (last) {
            ch->raw_next = (ch->raw_next + 1) % PDT_GROUPS_OF_CHANNEL;
        }
        addr += val & PDT_RAW_NEXT ? 4 * KiB : 0;
    }
}

/* Nothing is outstanding any more; who waits will not get what he wants */
static void pdt_pri_forget(PasidTestDev *d)
{
    for (unsigned i = 0; i < PDT_NR_GROUPS; i++) {
        if (d->groups[i].out) {
            d->groups[i].out = 0;
            pdt_group_answered(d, i, PCI_PAGE_RESP_FAILURE);
        }
    }
    d->pri_out = 0;
}

void pdt_pri_config_written(PasidTestDev *d)
{
    uint8_t *config = PCI_DEVICE(d)->config + d->pri_cap;

    /* Reset reads as 0, and does nothing while PRI is on */
    if (pci_word_test_and_clear_mask(config + PCI_PRI_CTRL,
                                     PCI_PRI_CTRL_RESET) && !pdt_pri_on(d)) {
        pdt_pri_forget(d);
        pci_word_test_and_clear_mask(config + PCI_PRI_STATUS,
                                     PCI_PRI_STATUS_RF |
                                     PCI_PRI_STATUS_UPRGI);
    }
    pdt_pri_update(d);
}

/* After all jobs were stopped */
void pdt_pri_reset(PasidTestDev *d)
{
    uint8_t *config = PCI_DEVICE(d)->config + d->pri_cap;

    memset(d->groups, 0, sizeof(d->groups));
    d->pri_out = d->pri_stray = 0;
    pci_set_word(config + PCI_PRI_CTRL, 0);
    pci_set_word(config + PCI_PRI_STATUS,
                 PCI_PRI_STATUS_PASID | PCI_PRI_STATUS_STOPPED);
    pci_set_long(config + PCI_PRI_ALLOC_REQ, 0);
}

void pdt_pri_init(PasidTestDev *d, uint16_t offset)
{
    PCIDevice *pdev = PCI_DEVICE(d);

    d->pri_cap = offset;
    pcie_add_capability(pdev, PCI_EXT_CAP_ID_PRI, 1, offset,
                        PCI_EXT_CAP_PRI_SIZEOF);
    pci_set_word(pdev->wmask + offset + PCI_PRI_CTRL,
                 PCI_PRI_CTRL_ENABLE | PCI_PRI_CTRL_RESET);
    pci_set_word(pdev->w1cmask + offset + PCI_PRI_STATUS,
                 PCI_PRI_STATUS_RF | PCI_PRI_STATUS_UPRGI);
    pci_set_long(pdev->config + offset + PCI_PRI_MAX_REQ, PDT_MAX_OUT);
    pci_set_long(pdev->wmask + offset + PCI_PRI_ALLOC_REQ, 0xffffffff);
    pdt_pri_reset(d);
}
