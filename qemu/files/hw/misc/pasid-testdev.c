/*
 * PCIe test device that issues DMA tagged with PASIDs
 *
 * The register map is hw/misc/pasid-testdev-regs.h.  The device has some
 * channels.  A channel executes one command at a time: it reads memory into its
 * buffer, writes its buffer to memory, or does an atomic fetch-and-add.  A
 * command is done when the write to CH_CMD returns, unless it has to wait for a
 * page that the device has asked for (PDT_MODE_PRI), or in the IOMMU (stalls).
 * The engine of a channel repeats a command by itself, with the registers as
 * they were when it was started, until its count is used up, it is stopped, or
 * the function is reset.
 *
 * A request goes to memory in one of three ways:
 * - untranslated without PASID, like the DMA of any other device;
 * - untranslated with PASID: the IOMMU is asked for each page of each request;
 * - translated (PDT_MODE_ATS): the IOMMU is asked with an ATS translation
 *   request, and the answer is kept in the device TLB (ATC), tagged with the
 *   PASID, until an invalidation request of the IOMMU removes it.
 *
 * All code runs under the BQL, and a request for memory never outlives the call
 * that made it; what waits for a page starts anew after the answer.  So none is
 * in flight while an invalidation request, a stop or a reset is handled, unless
 * that comes out of a request of this device itself: guests may point DMA at any
 * register, including those of the IOMMU and the config space.  So a request is
 * copied before it is run, PDTJob.epoch tells if it was stopped meanwhile, no
 * ATC entry is held across a call, and MMIO and engine share the reentrancy
 * guard of the device.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "hw/misc/iommu-counters.h"
#include "hw/pci/msi.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "pasid-testdev-internal.h"

#define PDT_PERIOD_MIN      10      /* us; leaves time for the guest */

static void pdt_notify(PasidTestDev *d, uint32_t mode)
{
    if ((mode & PDT_MODE_MSI) && msi_enabled(PCI_DEVICE(d))) {
        msi_notify(PCI_DEVICE(d), 0);
    }
}

static void pdt_job_start(PDTJob *job, uint32_t cmd)
{
    job->req = job->ch->regs;
    job->req.cmd = cmd;
    if (cmd == PDT_CMD_FADD) {
        job->req.len = sizeof(job->ch->result);
    }
    job->done = job->asked = 0;
    job->epoch++;
}

static void pdt_job_stop(PDTJob *job)
{
    job->req.cmd = 0;
    job->due = job->waiting = job->stall_failed = job->last = false;
    pdt_stall_forget(job);
    job->epoch++;
    timer_del(&job->timer);
}

/* One attempt. Returns false if there is nothing to report (yet) */
static bool pdt_job_step(PDTJob *job, unsigned *err, uint64_t *result)
{
    uint32_t done = job->done;
    unsigned epoch = job->epoch;

    if (!job->req.cmd || !pdt_answered(job, err)) {
        return false;
    }
    if (!*err) {
        *err = pdt_run(job, job->req, &done, result);
        if (job->epoch != epoch) {
            return false;           /* the request reset the function */
        }
        job->done = done;
    }
    if (*err == PDT_WANT_PAGE) {
        *err = pdt_ask(job);
    }
    return *err != PDT_WAITING;
}

static void pdt_command_done(PDTChannel *ch, unsigned err)
{
    uint32_t mode = ch->cmd.req.mode;

    pdt_job_stop(&ch->cmd);
    ch->status = PDT_STATUS_DONE | (err ? PDT_STATUS_FAULT | err << 8 : 0);
    pdt_notify(ch->dev, mode);
}

static void pdt_command_step(PDTChannel *ch)
{
    uint64_t result = ch->result;
    unsigned err;

    if (pdt_job_step(&ch->cmd, &err, &result)) {
        ch->result = result;
        pdt_command_done(ch, err);
    }
}

static void pdt_command(PDTChannel *ch, uint32_t cmd)
{
    bool busy = ch->cmd.req.cmd;

    if (cmd == PDT_CMD_ABORT && ch->cmd.stalled) {
        pdt_stall_last(&ch->cmd);
    } else if (cmd == PDT_CMD_ABORT && busy) {
        pdt_ask_no_more(&ch->cmd);
        pdt_command_done(ch, PDT_ERR_PRI_RESP);
    } else if (cmd != PDT_CMD_ABORT && !busy) {
        ch->status = PDT_STATUS_BUSY;
        pdt_job_start(&ch->cmd, cmd);
        pdt_command_step(ch);
    }
}

static void pdt_engine_arm(PDTChannel *ch)
{
    timer_mod(&ch->eng.timer, qemu_clock_get_us(QEMU_CLOCK_VIRTUAL) +
                              MAX(ch->eng_period, PDT_PERIOD_MIN));
}

static void pdt_engine_write(PDTChannel *ch, uint32_t cmd)
{
    if (ch->eng.stalled) {
        if (!cmd) {
            pdt_stall_last(&ch->eng);
        }
        return;
    }
    pdt_ask_no_more(&ch->eng);
    pdt_job_stop(&ch->eng);
    if (cmd && ch->eng_left) {
        pdt_job_start(&ch->eng, cmd);
        ch->eng_ok = ch->eng_fault = 0;
        pdt_engine_arm(ch);
    }
}

static void pdt_engine_step(PDTChannel *ch)
{
    uint32_t mode = ch->eng.req.mode;
    uint64_t result;
    unsigned err;

    if (!pdt_job_step(&ch->eng, &err, &result)) {
        return;
    }
    if (err) {
        ch->eng_fault++;
    } else {
        ch->eng_ok++;
    }
    ch->eng.done = ch->eng.asked = 0;
    if (ch->eng.last) {
        pdt_job_stop(&ch->eng);
    } else if (ch->eng_left != PDT_ENG_ENDLESS && ch->eng_left &&
               !--ch->eng_left) {
        pdt_job_stop(&ch->eng);
    } else {
        pdt_engine_arm(ch);
    }
    pdt_notify(ch->dev, mode);
}

void pdt_job_wake(PDTJob *job)
{
    job->due = true;
    qemu_bh_schedule(job->ch->dev->bh);
}

static void pdt_timer(void *opaque)
{
    pdt_job_wake(opaque);
}

/* A bottom half, because a timer does not take the reentrancy guard */
static void pdt_bh(void *opaque)
{
    PasidTestDev *d = opaque;

    object_ref(OBJECT(d));          /* a request may unplug the device */
    for (unsigned i = 0; i < PDT_NR_CHANNELS; i++) {
        PDTChannel *ch = &d->ch[i];

        if (ch->cmd.due) {
            ch->cmd.due = false;
            pdt_command_step(ch);
        }
        if (ch->eng.due) {
            ch->eng.due = false;
            pdt_engine_step(ch);
        }
    }
    object_unref(OBJECT(d));
}

static uint32_t pdt_global_read(PasidTestDev *d, hwaddr offset)
{
    switch (offset) {
    case PDT_ID:
        return PDT_ID_VALUE;
    case PDT_CAPS:
        return (pdt_ats_on(d) ? PDT_CAPS_ATS : 0) |
               (pdt_pasid_on(d) ? PDT_CAPS_PASID : 0) |
               (pdt_pri_on(d) ? PDT_CAPS_PRI : 0) |
               (d->has_stall ? PDT_CAPS_STALL : 0) |
               PDT_NR_CHANNELS << 8 | d->pasid_bits << 16;
    case PDT_ATC_INV:
        return d->atc_inv;
    case PDT_PRI_OUT:
        return d->pri_out;
    case PDT_PRI_STRAY:
        return d->pri_stray;
    }
    return 0;
}

static uint32_t pdt_channel_read(PDTChannel *ch, hwaddr offset)
{
    switch (offset) {
    case PDT_CH_PASID:
        return ch->regs.pasid;
    case PDT_CH_MODE:
        return ch->regs.mode;
    case PDT_CH_IOVA_LO:
        return extract64(ch->regs.iova, 0, 32);
    case PDT_CH_IOVA_HI:
        return extract64(ch->regs.iova, 32, 32);
    case PDT_CH_LEN:
        return ch->regs.len;
    case PDT_CH_PATTERN:
        return ch->regs.pattern;
    case PDT_CH_OPERAND_LO:
        return extract64(ch->regs.operand, 0, 32);
    case PDT_CH_OPERAND_HI:
        return extract64(ch->regs.operand, 32, 32);
    case PDT_CH_RESULT_LO:
        return extract64(ch->result, 0, 32);
    case PDT_CH_RESULT_HI:
        return extract64(ch->result, 32, 32);
    case PDT_CH_STATUS:
        return ch->status;
    case PDT_CH_ENG_PERIOD:
        return ch->eng_period;
    case PDT_CH_ENG_CMD:
        return ch->eng.req.cmd;
    case PDT_CH_ENG_LEFT:
        return ch->eng_left;
    case PDT_CH_ENG_OK:
        return ch->eng_ok;
    case PDT_CH_ENG_FAULT:
        return ch->eng_fault;
    case PDT_CH_ENG_STATE:
        return ch->eng.req.cmd ? PDT_ENG_RUNNING : 0;
    case PDT_CH_ATS_REQ:
        return ch->ats_req;
    case PDT_CH_ATC_HIT:
        return ch->atc_hit;
    case PDT_CH_PRI_REQ:
        return ch->pri_req;
    case PDT_CH_PRI_RESP_OK:
        return ch->pri_ok;
    case PDT_CH_PRI_RESP_INVALID:
        return ch->pri_invalid;
    case PDT_CH_PRI_RESP_FAILURE:
        return ch->pri_failure;
    }
    return 0;
}

static void pdt_channel_write(PDTChannel *ch, hwaddr offset, uint32_t val)
{
    switch (offset) {
    case PDT_CH_PASID:
        ch->regs.pasid = val;
        break;
    case PDT_CH_MODE:
        ch->regs.mode = val;
        break;
    case PDT_CH_IOVA_LO:
        ch->regs.iova = deposit64(ch->regs.iova, 0, 32, val);
        break;
    case PDT_CH_IOVA_HI:
        ch->regs.iova = deposit64(ch->regs.iova, 32, 32, val);
        break;
    case PDT_CH_LEN:
        ch->regs.len = MIN(val, PDT_BUF_SIZE);
        break;
    case PDT_CH_PATTERN:
        ch->regs.pattern = val;
        break;
    case PDT_CH_OPERAND_LO:
        ch->regs.operand = deposit64(ch->regs.operand, 0, 32, val);
        break;
    case PDT_CH_OPERAND_HI:
        ch->regs.operand = deposit64(ch->regs.operand, 32, 32, val);
        break;
    case PDT_CH_CMD:
        if (val <= PDT_CMD_FADD) {
            pdt_command(ch, val);
        }
        break;
    case PDT_CH_ENG_PERIOD:
        ch->eng_period = val;
        break;
    case PDT_CH_ENG_CMD:
        if (val <= PDT_CMD_FADD) {
            pdt_engine_write(ch, val);
        }
        break;
    case PDT_CH_ENG_LEFT:
        ch->eng_left = val;
        break;
    case PDT_CH_PRI_RAW:
        pdt_raw_requests(ch, val);
        break;
    }
}

/* The channel that @offset of the BAR is in, and the offset there */
static PDTChannel *pdt_channel(PasidTestDev *d, hwaddr offset,
                               hwaddr *ch_offset)
{
    hwaddr n = (offset - PDT_CHANNEL(0)) / PDT_CHANNEL_SIZE;

    if (offset < PDT_CHANNEL(0) || n >= PDT_NR_CHANNELS) {
        return NULL;
    }
    *ch_offset = offset - PDT_CHANNEL(n);
    return &d->ch[n];
}

static uint32_t pdt_read32(PasidTestDev *d, hwaddr offset)
{
    hwaddr ch_offset, counter = offset - PDT_COUNTERS;
    PDTChannel *ch = pdt_channel(d, offset, &ch_offset);

    if (ch && ch_offset >= PDT_CHANNEL_BUF) {
        return ldl_le_p(ch->buf + ch_offset - PDT_CHANNEL_BUF);
    } else if (ch) {
        return pdt_channel_read(ch, ch_offset);
    } else if (offset >= PDT_COUNTERS && counter < PDT_NR_COUNTERS * 8) {
        return iommu_counter(counter / 8) >> (counter & 4 ? 32 : 0);
    }
    return pdt_global_read(d, offset);
}

static void pdt_write32(PasidTestDev *d, hwaddr offset, uint32_t val)
{
    hwaddr ch_offset;
    PDTChannel *ch = pdt_channel(d, offset, &ch_offset);

    if (ch && ch_offset >= PDT_CHANNEL_BUF) {
        stl_le_p(ch->buf + ch_offset - PDT_CHANNEL_BUF, val);
    } else if (ch) {
        pdt_channel_write(ch, ch_offset, val);
    } else if (offset == PDT_ATC_FLUSH) {
        pdt_atc_flush(d);
    }
}

static uint64_t pdt_bar_read(void *opaque, hwaddr offset, unsigned size)
{
    uint64_t val = pdt_read32(opaque, offset);

    return size == 8 ? val | (uint64_t)pdt_read32(opaque, offset + 4) << 32 :
                       val;
}

static void pdt_bar_write(void *opaque, hwaddr offset, uint64_t val,
                          unsigned size)
{
    pdt_write32(opaque, offset, val);
    if (size == 8) {
        pdt_write32(opaque, offset + 4, val >> 32);
    }
}

/* Aligned 4 and 8 byte accesses: all registers and buffers are multiples */
static const MemoryRegionOps pdt_bar_ops = {
    .read = pdt_bar_read,
    .write = pdt_bar_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 8 },
    .impl = { .min_access_size = 4, .max_access_size = 8 },
};

static void pdt_write_config(PCIDevice *pdev, uint32_t addr, uint32_t val,
                             int len)
{
    PasidTestDev *d = PASID_TESTDEV(pdev);
    bool ats = pdt_ats_on(d), pasid = pdt_pasid_on(d);

    pci_default_write_config(pdev, addr, val, len);
    pcie_cap_flr_write_config(pdev, addr, val, len);
    if (ats != pdt_ats_on(d) || pasid != pdt_pasid_on(d)) {
        pdt_atc_flush(d);
    }
    if (d->has_pri) {
        pdt_pri_config_written(d);
    }
}

static void pdt_stop(PasidTestDev *d)
{
    for (unsigned i = 0; i < PDT_NR_CHANNELS; i++) {
        pdt_job_stop(&d->ch[i].cmd);
        pdt_job_stop(&d->ch[i].eng);
    }
}

/* System reset and FLR: nothing goes on, nothing of the last user is left */
static void pdt_reset(DeviceState *dev)
{
    PasidTestDev *d = PASID_TESTDEV(dev);
    uint8_t *config = PCI_DEVICE(d)->config;

    pdt_stop(d);
    for (unsigned i = 0; i < PDT_NR_CHANNELS; i++) {
        PDTChannel *ch = &d->ch[i];

        ch->regs = (PDTRequest) { };
        ch->status = ch->ats_req = ch->atc_hit = 0;
        ch->result = 0;
        ch->pri_req = ch->pri_ok = ch->pri_invalid = ch->pri_failure = 0;
        ch->eng_period = ch->eng_left = ch->eng_ok = ch->eng_fault = 0;
        memset(ch->buf, 0, sizeof(ch->buf));
    }
    pdt_atc_flush(d);
    d->atc_inv = 0;
    if (d->has_ats) {
        pci_set_word(config + PDT_ATS_CAP + PCI_ATS_CTRL, 0);
    }
    if (d->pasid_bits) {
        pci_set_word(config + d->pasid_cap + PCI_PASID_CTRL, 0);
    }
    if (d->has_pri) {
        pdt_pri_reset(d);
    }
}

static void pdt_realize(PCIDevice *pdev, Error **errp)
{
    PasidTestDev *d = PASID_TESTDEV(pdev);

    if (d->pasid_bits > 20) {
        error_setg(errp, "pasid-bits must be 0 to 20");
        return;
    }
    if (d->has_pri && !(d->has_ats && d->pasid_bits)) {
        error_setg(errp, "pri needs ats and PASIDs");
        return;
    }
    if (!pci_bus_is_express(pci_get_bus(pdev))) {
        error_setg(errp, "%s needs a PCI Express bus", TYPE_PASID_TESTDEV);
        return;
    }
    if (d->has_stall) {
        pci_config_set_revision(pdev->config, PDT_REVISION_STALL);
    }
    if (msi_init(pdev, PDT_MSI_CAP, 1, true, false, errp)) {
        return;
    }
    /* On the root bus it is a root complex integrated endpoint */
    if (pcie_endpoint_cap_init(pdev, PDT_EXP_CAP) < 0) {
        error_setg(errp, "no room for the PCI Express capability");
        msi_uninit(pdev);
        return;
    }
    pcie_cap_flr_init(pdev);
    if (d->has_ats) {
        pcie_ats_init(pdev, PDT_ATS_CAP, true);
    }
    if (d->pasid_bits) {
        /* The first extended capability has to be at PDT_ATS_CAP */
        d->pasid_cap = PDT_ATS_CAP + (d->has_ats ? PCI_EXT_CAP_ATS_SIZEOF : 0);
        pcie_add_capability(pdev, PCI_EXT_CAP_ID_PASID, 1, d->pasid_cap,
                            PCI_EXT_CAP_PASID_SIZEOF);
        pci_set_word(pdev->config + d->pasid_cap + PCI_PASID_CAP,
                     d->pasid_bits << 8);
        pci_set_word(pdev->wmask + d->pasid_cap + PCI_PASID_CTRL,
                     PCI_PASID_CTRL_ENABLE);
    }

    if (d->has_pri) {
        pdt_pri_init(d, d->pasid_cap + PCI_EXT_CAP_PASID_SIZEOF);
    }

    for (unsigned i = 0; i < PDT_NR_CHANNELS; i++) {
        PDTChannel *ch = &d->ch[i];

        ch->dev = d;
        ch->nr = i;
        ch->cmd.ch = ch->eng.ch = ch;
        timer_init_us(&ch->cmd.timer, QEMU_CLOCK_VIRTUAL, pdt_timer, &ch->cmd);
        timer_init_us(&ch->eng.timer, QEMU_CLOCK_VIRTUAL, pdt_timer, &ch->eng);
    }
    d->bh = qemu_bh_new_guarded(pdt_bh, d, &DEVICE(d)->mem_reentrancy_guard);
    memory_region_init_io(&d->bar, OBJECT(d), &pdt_bar_ops, d,
                          TYPE_PASID_TESTDEV, PDT_BAR_SIZE);
    pci_register_bar(pdev, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, &d->bar);
    pci_set_ats_client(pdev, &pdt_ats_client, d);
}

static void pdt_exit(PCIDevice *pdev)
{
    PasidTestDev *d = PASID_TESTDEV(pdev);

    pci_set_ats_client(pdev, NULL, NULL);
    pdt_stop(d);
    qemu_bh_delete(d->bh);
    pcie_cap_exit(pdev);
    msi_uninit(pdev);
}

static const VMStateDescription pdt_vmstate = {
    .name = TYPE_PASID_TESTDEV,
    .unmigratable = 1,
};

static const Property pdt_properties[] = {
    DEFINE_PROP_UINT8("pasid-bits", PasidTestDev, pasid_bits, 20),
    DEFINE_PROP_BOOL("ats", PasidTestDev, has_ats, true),
    DEFINE_PROP_BOOL("pri", PasidTestDev, has_pri, false),
    DEFINE_PROP_BOOL("stall", PasidTestDev, has_stall, false),
};

static void pdt_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);

    k->realize = pdt_realize;
    k->exit = pdt_exit;
    k->config_write = pdt_write_config;
    k->vendor_id = PDT_VENDOR_ID;
    k->device_id = PDT_DEVICE_ID;
    k->class_id = PCI_CLASS_OTHERS;
    dc->desc = "PCIe device that issues DMA with PASIDs, for tests";
    dc->vmsd = &pdt_vmstate;
    device_class_set_legacy_reset(dc, pdt_reset);
    device_class_set_props(dc, pdt_properties);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo pdt_info = {
    .name = TYPE_PASID_TESTDEV,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(PasidTestDev),
    .class_init = pdt_class_init,
    .interfaces = (InterfaceInfo[]) {
        { INTERFACE_PCIE_DEVICE },
        { },
    },
};

static void pdt_register_types(void)
{
    type_register_static(&pdt_info);
}

type_init(pdt_register_types)
