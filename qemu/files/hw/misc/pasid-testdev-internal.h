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
#define PDT_NR_GROUPS       512     /* page request groups, by their index */
#define PDT_MAX_OUT         256     /* page requests that may be outstanding */

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

typedef struct PDTChannel PDTChannel;

/* A command on its way: that of CH_CMD, or that of the engine */
typedef struct PDTJob {
    PDTChannel *ch;
    PDTRequest req;                 /* req.cmd: there is one */
    uint32_t done;                  /* bytes */
    unsigned epoch;                 /* counts starts and stops */
    QEMUTimer timer;
    bool due;                       /* the BH has to run it */

    bool waiting;                   /* for the response to group prgi */
    uint16_t prgi;
    unsigned asked;                 /* groups sent for this command */

    bool stalled;                   /* in the IOMMU */
    bool stall_failed;
    bool last;                      /* was stopped in a stall: ends with it */
} PDTJob;

/* What is known of a group index */
typedef struct PDTGroup {
    unsigned out;                   /* responses to come */
    uint32_t pasid;
    bool answered;
    unsigned code;
} PDTGroup;

struct PDTChannel {
    PasidTestDev *dev;
    unsigned nr;
    PDTRequest regs;
    uint32_t status;
    uint64_t result;
    uint32_t ats_req, atc_hit;

    PDTJob cmd, eng;
    uint32_t eng_period, eng_left, eng_ok, eng_fault;

    unsigned raw_next;              /* group index of the next raw request */
    uint32_t pri_req, pri_ok, pri_invalid, pri_failure;

    uint8_t buf[PDT_BUF_SIZE];
};

struct PasidTestDev {
    PCIDevice parent_obj;
    MemoryRegion bar;
    QEMUBH *bh;

    uint8_t pasid_bits;             /* 0: no PASID capability */
    bool has_ats, has_pri, has_stall;
    uint16_t pasid_cap, pri_cap;    /* where the capabilities are */

    uint32_t atc_inv;
    unsigned atc_next;              /* victim of the next insertion */
    PDTAtcEntry atc[PDT_ATC_SIZE];
    uint32_t pri_out, pri_stray;    /* stalls as well */
    PDTGroup groups[PDT_NR_GROUPS];
    PDTChannel ch[PDT_NR_CHANNELS];
};

/* More than the PDT_ERR_* of a command */
#define PDT_WANT_PAGE       0x100   /* a page is not there: ask for it */
#define PDT_WAITING         0x101   /* and has been asked for, or is stalled */

bool pdt_ctrl(PasidTestDev *d, unsigned offset, uint16_t bit);
bool pdt_ats_on(PasidTestDev *d);
bool pdt_pasid_on(PasidTestDev *d);
bool pdt_pri_on(PasidTestDev *d);

/* The PASID of a request, or PCI_NO_PASID */
uint32_t pdt_pasid(const PDTRequest *req);
IOMMUAccessFlags pdt_access(const PDTRequest *req);

/* Empty the device TLB */
void pdt_atc_flush(PasidTestDev *d);

/*
 * Execute what *@done has left of @req, a copy that nothing else can change,
 * for @job. Returns PDT_ERR_*, PDT_WANT_PAGE, PDT_WAITING or 0
 */
unsigned pdt_run(PDTJob *job, PDTRequest req, uint32_t *done,
                 uint64_t *result);

/* Stalls: see pci_translate_stall() */
PCITranslation pdt_translate(PDTJob *job, uint32_t pasid, hwaddr iova,
                             bool is_write, IOMMUTLBEntry *t);
void pdt_stall_ended(void *opaque, uint64_t tag, bool retry);

/* @job is to stop, and is stalled: let it do no more than that one page */
void pdt_stall_last(PDTJob *job);

/* Ask for the pages that @job still needs. Returns PDT_ERR_* or PDT_WAITING */
unsigned pdt_ask(PDTJob *job);

/* Nobody waits for the answer any more: send a Stop Marker */
void pdt_ask_no_more(PDTJob *job);

/* A function level reset forgets what @job has in the IOMMU */
void pdt_stall_forget(PDTJob *job);

/* Is @job to go on? Then *@err is the answer it got: PDT_ERR_* or 0 */
bool pdt_answered(PDTJob *job, unsigned *err);

/* Let the BH run @job */
void pdt_job_wake(PDTJob *job);

/* The register PDT_CH_PRI_RAW */
void pdt_raw_requests(PDTChannel *ch, uint32_t val);

void pdt_pri_init(PasidTestDev *d, uint16_t offset);
void pdt_pri_config_written(PasidTestDev *d);
void pdt_pri_reset(PasidTestDev *d);

extern const PCIATSClient pdt_ats_client;
void pdt_page_response(void *opaque, uint32_t pasid, uint16_t prgi,
                       unsigned code);

#endif /* HW_MISC_PASID_TESTDEV_INTERNAL_H */
