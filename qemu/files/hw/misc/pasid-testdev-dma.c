/*
 * PCIe test device that issues DMA tagged with PASIDs: requests, device TLB
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/units.h"
#include "exec/address-spaces.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bus.h"
#include "pasid-testdev-internal.h"

bool pdt_ctrl(PasidTestDev *d, unsigned offset, uint16_t bit)
{
    return pci_get_word(PCI_DEVICE(d)->config + offset) & bit;
}

bool pdt_ats_on(PasidTestDev *d)
{
    return d->has_ats && pdt_ctrl(d, PDT_ATS_CAP + PCI_ATS_CTRL,
                                  PCI_ATS_CTRL_ENABLE);
}

bool pdt_pasid_on(PasidTestDev *d)
{
    return d->pasid_bits && pdt_ctrl(d, d->pasid_cap + PCI_PASID_CTRL,
                                     PCI_PASID_CTRL_ENABLE);
}

uint32_t pdt_pasid(const PDTRequest *req)
{
    return req->pasid & PDT_CH_PASID_VALID ? req->pasid & PDT_CH_PASID_MASK :
                                             PCI_NO_PASID;
}

IOMMUAccessFlags pdt_access(const PDTRequest *req)
{
    switch (req->cmd) {
    case PDT_CMD_READ:
        return IOMMU_RO;
    case PDT_CMD_WRITE:
        return IOMMU_WO;
    default:
        return IOMMU_RW;
    }
}

void pdt_atc_flush(PasidTestDev *d)
{
    memset(d->atc, 0, sizeof(d->atc));
}

/* Invalidation request of the IOMMU */
static void pdt_ats_invalidate(void *opaque, uint32_t pasid, bool global,
                               hwaddr iova, hwaddr mask)
{
    PasidTestDev *d = opaque;

    d->atc_inv++;
    for (unsigned i = 0; i < PDT_ATC_SIZE; i++) {
        PDTAtcEntry *e = &d->atc[i];
        bool tag = pasid == PCI_NO_PASID || e->pasid == pasid ||
                   (global && e->pasid != PCI_NO_PASID);

        /* Both ranges are aligned powers of two: they nest or are disjoint */
        if (tag && !((e->iova ^ iova) & ~(e->mask | mask))) {
            e->valid = false;
        }
    }
}

const PCIATSClient pdt_ats_client = {
    .invalidate = pdt_ats_invalidate,
    .page_response = pdt_page_response,
    .stall_ended = pdt_stall_ended,
};

/* Translate for an access that needs @want, by the ATC or an ATS request */
static bool pdt_ats_translate(PDTChannel *ch, uint32_t pasid, hwaddr iova,
                              IOMMUAccessFlags want, hwaddr *addr)
{
    PasidTestDev *d = ch->dev;
    IOMMUTLBEntry t;

    for (unsigned i = 0; i < PDT_ATC_SIZE; i++) {
        PDTAtcEntry *e = &d->atc[i];

        if (e->valid && e->pasid == pasid && !(want & ~e->perm) &&
            !((e->iova ^ iova) & ~e->mask)) {
            ch->atc_hit++;
            *addr = e->addr | (iova & e->mask);
            return true;
        }
    }

    ch->ats_req++;
    if (!pci_translate_pasid(PCI_DEVICE(d), pasid, iova, want & IOMMU_WO, true,
                             &t) || (want & ~t.perm)) {
        return false;
    }
    d->atc[d->atc_next++ % PDT_ATC_SIZE] = (PDTAtcEntry) {
        .valid = true,
        .pasid = pasid,
        .iova = t.iova & ~t.addr_mask,
        .mask = t.addr_mask,
        .addr = t.translated_addr & ~t.addr_mask,
        .perm = t.perm,
    };
    *addr = (t.translated_addr & ~t.addr_mask) | (iova & t.addr_mask);
    return true;
}

/* Only memory has atomics: an AtomicOp to a register fails */
static MemTxResult pdt_fetch_add(AddressSpace *as, hwaddr addr,
                                 uint64_t operand, uint64_t *result)
{
    uint64_t *p, old, prev;
    MemTxResult r = MEMTX_ERROR;
    hwaddr len = sizeof(*p);
    ram_addr_t offset;

    if (!QEMU_IS_ALIGNED(addr, sizeof(*p))) {
        return MEMTX_ERROR;
    }
    p = address_space_map(as, addr, &len, true, MEMTXATTRS_UNSPECIFIED);
    if (!p) {
        return MEMTX_ERROR;
    }
    if (len == sizeof(*p) && memory_region_from_host(p, &offset)) {
        prev = qatomic_read__nocheck(p);
        do {
            old = prev;
            prev = qatomic_cmpxchg__nocheck(p, old,
                                   cpu_to_le64(le64_to_cpu(old) + operand));
        } while (prev != old);
        *result = le64_to_cpu(old);
        r = MEMTX_OK;
    }
    address_space_unmap(as, p, len, true, r == MEMTX_OK ? len : 0);
    return r;
}

/* The part of a request that lies in one 4 KiB page; returns as pdt_run() */
static unsigned pdt_run_page(PDTJob *job, const PDTRequest *req,
                             uint32_t pasid, uint32_t done, uint32_t len,
                             uint64_t *result)
{
    PDTChannel *ch = job->ch;
    PCIDevice *pdev = PCI_DEVICE(ch->dev);
    AddressSpace *as = &address_space_memory;
    hwaddr iova = req->iova + done, addr;
    IOMMUAccessFlags want = pdt_access(req);
    IOMMUTLBEntry t;
    MemTxResult r;

    if (req->mode & PDT_MODE_ATS) {
        if (!pdt_ats_translate(ch, pasid, iova, want, &addr)) {
            return req->mode & PDT_MODE_PRI ? PDT_WANT_PAGE : PDT_ERR_ATS;
        }
    } else if (pasid != PCI_NO_PASID) {
        switch (pdt_translate(job, pasid, iova, want & IOMMU_WO, &t)) {
        case PCI_TRANSLATION_STALLED:
            return PDT_WAITING;
        case PCI_TRANSLATION_FAULT:
            return PDT_ERR_DMA;
        case PCI_TRANSLATION_OK:
            break;
        }
        if (want & ~t.perm) {
            return PDT_ERR_DMA;
        }
        addr = (t.translated_addr & ~t.addr_mask) | (iova & t.addr_mask);
    } else {
        as = pci_get_address_space(pdev);
        addr = iova;
    }

    if (req->cmd == PDT_CMD_FADD) {
        r = pdt_fetch_add(as, addr, req->operand, result);
    } else {
        r = dma_memory_rw(as, addr, ch->buf + done, len,
                          req->cmd == PDT_CMD_READ ? DMA_DIRECTION_TO_DEVICE :
                                                     DMA_DIRECTION_FROM_DEVICE,
                          MEMTXATTRS_UNSPECIFIED);
    }
    return r == MEMTX_OK ? 0 : PDT_ERR_DMA;
}

unsigned pdt_run(PDTJob *job, PDTRequest req, uint32_t *done,
                 uint64_t *result)
{
    PDTChannel *ch = job->ch;
    PasidTestDev *d = ch->dev;
    uint32_t pasid = pdt_pasid(&req);
    unsigned err = 0;

    if (!pdt_ctrl(d, PCI_COMMAND, PCI_COMMAND_MASTER) ||
        (pasid != PCI_NO_PASID && (!pdt_pasid_on(d) ||
                                   pasid >> d->pasid_bits)) ||
        ((req.mode & PDT_MODE_ATS) && !pdt_ats_on(d)) ||
        ((req.mode & PDT_MODE_PRI) && !(pdt_pri_on(d) &&
                                        (req.mode & PDT_MODE_ATS)))) {
        return PDT_ERR_DISABLED;
    }

    if (req.cmd == PDT_CMD_WRITE && (req.mode & PDT_MODE_FILL)) {
        for (unsigned i = 0; i < req.len; i += sizeof(req.pattern)) {
            stl_le_p(ch->buf + i, req.pattern);
        }
    }

    while (*done < req.len && !err) {
        uint32_t page = 4 * KiB - ((req.iova + *done) & (4 * KiB - 1));
        uint32_t len = MIN(req.len - *done, page);

        err = pdt_run_page(job, &req, pasid, *done, len, result);
        if (!err) {
            *done += len;
        }
    }
    return err;
}
