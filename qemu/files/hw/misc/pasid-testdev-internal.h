/*
 * PCIe test device that issues DMA tagged with PASIDs: what its files share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_MISC_PASID_TESTDEV_INTERNAL_H
#define HW_MISC_PASID_TESTDEV_INTERNAL_H

#include "hw/misc/pasid-testdev-regs.h"
#include "hw/pci/pci_device.h"
#include "qemu/timer.h"
#include "qom/object.h"

#define TYPE_PASID_TESTDEV "pasid-testdev"
OBJECT_DECLARE_SIMPLE_TYPE(PasidTestDev, PASID_TESTDEV)

#define PDT_ATC_SIZE        64

/* Config space */
#define PDT_EXP_CAP         0x80
#define PDT_MSI_CAP         0x60
#define PDT_ATS_CAP         0x100

QEMU_BUILD_BUG_ON(PDT_CHANNEL(PDT_NR_CHANNELS) > PDT_BAR_SIZE);
QEMU_BUILD_BUG_ON(PDT_COUNTERS + PDT_NR_COUNTERS * 8 > PDT_CHANNEL(0));

/* One translation that the device keeps */
typedef struct PDTAtcEntry {
    bool valid;
    uint32_t pasid;                 /* PCI_NO_PASID: asked for without one */
    hwaddr iova, mask, addr;
    IOMMUAccessFlags perm;
} PDTAtcEntry;

/* The registers that make a command */
typedef struct PDTRequest {
    uint32_t cmd;                   /* 0: none */
    uint32_t pasid, mode, len, pattern;
    uint64_t iova, operand;
} PDTRequest;

typedef struct PDTChannel {
    PasidTestDev *dev;
    PDTRequest regs;
    uint32_t status;
    uint64_t result;
    uint32_t ats_req, atc_hit;

    QEMUTimer timer;
    bool due;                       /* the timer fired, the BH has to run */
    PDTRequest eng;                 /* eng.cmd: the engine is running */
    uint32_t eng_period, eng_left, eng_ok, eng_fault;

    uint8_t buf[PDT_BUF_SIZE];
} PDTChannel;

struct PasidTestDev {
    PCIDevice parent_obj;
    MemoryRegion bar;
    QEMUBH *bh;

    uint8_t pasid_bits;             /* 0: no PASID capability */
    bool has_ats;
    uint16_t pasid_cap;             /* where the capability is */

    uint32_t atc_inv;
    unsigned atc_next;              /* victim of the next insertion */
    PDTAtcEntry atc[PDT_ATC_SIZE];
    PDTChannel ch[PDT_NR_CHANNELS];
};

bool pdt_ats_on(PasidTestDev *d);
bool pdt_pasid_on(PasidTestDev *d);

/* Empty the device TLB */
void pdt_atc_flush(PasidTestDev *d);

/* Execute @req, a copy that nothing else can change. Returns PDT_ERR_* or 0 */
unsigned pdt_run(PDTChannel *ch, PDTRequest req, uint64_t *result);

extern const PCIATSClient pdt_ats_client;

#endif /* HW_MISC_PASID_TESTDEV_INTERNAL_H */
