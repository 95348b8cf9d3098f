/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register map of the PASID test device (PCI 1234:11f0), BAR 0.
 *
 * One header for the emulated device, its driver and the test programs, so
 * it includes nothing and holds only numbers. Registers are 32 bits wide,
 * little endian; a 64-bit value is a pair of them, low half first.
 */
#ifndef PASID_TESTDEV_REGS_H
#define PASID_TESTDEV_REGS_H

#define PDT_VENDOR_ID		0x1234
#define PDT_DEVICE_ID		0x11f0
#define PDT_REVISION_STALL	0x01		/* its requests can wait in the IOMMU */
#define PDT_BAR_SIZE		0x40000

/* Global page */
#define PDT_ID			0x00
#define PDT_ID_VALUE		0x32544450	/* "PDT2" */
#define PDT_CAPS		0x04
#define PDT_CAPS_ATS		0x1		/* enabled, not only there */
#define PDT_CAPS_PASID		0x2
#define PDT_CAPS_PRI		0x4
#define PDT_CAPS_STALL		0x8
#define PDT_CAPS_CHANNELS(caps)	(((caps) >> 8) & 0xff)
#define PDT_CAPS_PASID_BITS(caps) (((caps) >> 16) & 0xff)
#define PDT_ATC_INV		0x08		/* device-TLB invalidations received */
#define PDT_ATC_FLUSH		0x0c		/* write: empty the device TLB */
#define PDT_PRI_OUT		0x10		/* page request groups not answered yet, stalls */
#define PDT_PRI_STRAY		0x14		/* responses nobody had asked for */

/*
 * Counters: what the emulated IOMMU executed and reported, 64 bits each,
 * read-only, shared by all devices. Only differences mean something.
 */
#define PDT_COUNTERS		0x1000
#define PDT_NR_COUNTERS		512

/* VT-d: descriptors executed, by type */
#define PDT_CNT_VTD_DESC(type)	(0x00 + (type))
#define PDT_CNT_VTD_CC		0x01		/* context cache */
#define PDT_CNT_VTD_IOTLB	0x02
#define PDT_CNT_VTD_DEVTLB	0x03
#define PDT_CNT_VTD_IEC		0x04		/* interrupt entry cache */
#define PDT_CNT_VTD_WAIT	0x05
#define PDT_CNT_VTD_PIOTLB	0x06		/* IOTLB of one PASID */
#define PDT_CNT_VTD_PC		0x07		/* PASID cache */
#define PDT_CNT_VTD_DEV_PIOTLB	0x08		/* device TLB of one PASID */
#define PDT_CNT_VTD_PGRESP	0x09		/* page group response */
#define PDT_CNT_VTD_NR_DESC	0x10
/* VT-d: the same by granularity */
#define PDT_CNT_VTD_PC_G(g)	(0x20 + (g))
#define PDT_CNT_VTD_PIOTLB_G(g)	(0x24 + (g))
#define PDT_CNT_VTD_IOTLB_G(g)	(0x28 + (g))
/* VT-d: page group responses by response code, PDT_PAGE_RESP_* */
#define PDT_CNT_VTD_PGRESP_C(c)	(0x30 + (c))
/* Any IOMMU */
#define PDT_CNT_DOORBELL	0x50		/* queue tail writes */
#define PDT_CNT_FAULT		0x51		/* faults detected */
#define PDT_CNT_FAULT_FPD	0x52		/* not recorded because of FPD, CD.R, S2R */
#define PDT_CNT_FAULT_RECORD	0x53		/* fault records written */
#define PDT_CNT_ATS_FAIL	0x54		/* ATS translation failures */
#define PDT_CNT_FAULT_IRQ	0x55		/* fault interrupts sent */
#define PDT_CNT_NP_FPD		0x56		/* non-present entry read, FPD set */
#define PDT_CNT_NP_NOFPD	0x57		/* non-present entry read, FPD clear */
#define PDT_CNT_PAGE_REQ	0x58		/* page requests, as software sees them; stalls */
#define PDT_CNT_PAGE_REQ_LOST	0x59		/* dropped, the queue being full */
#define PDT_CNT_PAGE_REQ_BAD	0x5a		/* refused by the IOMMU by itself */
#define PDT_CNT_PAGE_IRQ	0x5b		/* interrupts sent for those */
#define PDT_CNT_PAGE_DRAIN	0x5c		/* waits that drain page requests */
#define PDT_CNT_PAGE_OVERFLOW	0x5d		/* the queue became full */
/* SMMUv3: commands executed, by opcode */
#define PDT_CNT_SMMU_CMD(op)	(0x80 + (op))
#define PDT_CNT_SMMU_CFGI_STE	PDT_CNT_SMMU_CMD(0x03)
#define PDT_CNT_SMMU_CFGI_STE_RANGE PDT_CNT_SMMU_CMD(0x04)	/* also CFGI_ALL */
#define PDT_CNT_SMMU_CFGI_CD	PDT_CNT_SMMU_CMD(0x05)
#define PDT_CNT_SMMU_CFGI_CD_ALL PDT_CNT_SMMU_CMD(0x06)
#define PDT_CNT_SMMU_TLBI_NH_ALL PDT_CNT_SMMU_CMD(0x10)
#define PDT_CNT_SMMU_TLBI_NH_ASID PDT_CNT_SMMU_CMD(0x11)
#define PDT_CNT_SMMU_TLBI_NH_VA	PDT_CNT_SMMU_CMD(0x12)
#define PDT_CNT_SMMU_TLBI_NH_VAA PDT_CNT_SMMU_CMD(0x13)
#define PDT_CNT_SMMU_TLBI_S12_VMALL PDT_CNT_SMMU_CMD(0x28)
#define PDT_CNT_SMMU_TLBI_S2_IPA PDT_CNT_SMMU_CMD(0x2a)
#define PDT_CNT_SMMU_TLBI_NSNH_ALL PDT_CNT_SMMU_CMD(0x30)
#define PDT_CNT_SMMU_ATC_INV	PDT_CNT_SMMU_CMD(0x40)
#define PDT_CNT_SMMU_PRI_RESP	PDT_CNT_SMMU_CMD(0x41)
#define PDT_CNT_SMMU_RESUME	PDT_CNT_SMMU_CMD(0x44)
#define PDT_CNT_SMMU_STALL_TERM	PDT_CNT_SMMU_CMD(0x45)
#define PDT_CNT_SMMU_SYNC	PDT_CNT_SMMU_CMD(0x46)
#define PDT_CNT_SMMU_NR_CMD	0x100
/* SMMUv3: events recorded, by number */
#define PDT_CNT_SMMU_EVENT(nr)	(0x180 + (nr))
#define PDT_CNT_SMMU_F_BAD_ATS_TREQ PDT_CNT_SMMU_EVENT(0x05)
#define PDT_CNT_SMMU_F_STREAM_DISABLED PDT_CNT_SMMU_EVENT(0x06)
#define PDT_CNT_SMMU_C_BAD_SUBSTREAMID PDT_CNT_SMMU_EVENT(0x08)
#define PDT_CNT_SMMU_F_CD_FETCH	PDT_CNT_SMMU_EVENT(0x09)
#define PDT_CNT_SMMU_C_BAD_CD	PDT_CNT_SMMU_EVENT(0x0a)
#define PDT_CNT_SMMU_F_TRANSLATION PDT_CNT_SMMU_EVENT(0x10)
#define PDT_CNT_SMMU_F_PERMISSION PDT_CNT_SMMU_EVENT(0x13)
#define PDT_CNT_SMMU_NR_EVENT	0x40
/* SMMUv3: events lost, the queue being full */
#define PDT_CNT_SMMU_EVENT_LOST	0x1c0
/* SMMUv3: events with the Stall bit */
#define PDT_CNT_SMMU_STALL	0x1c1
/* SMMUv3: stalled transactions: resumed, terminated, not there to be resumed */
#define PDT_CNT_SMMU_STALL_RETRIED 0x1c2
#define PDT_CNT_SMMU_STALL_ENDED 0x1c3
#define PDT_CNT_SMMU_STALL_STRAY 0x1c4
/* SMMUv3: stalls whose event had to wait for room in the queue */
#define PDT_CNT_SMMU_STALL_LATE	0x1c5

/* Channels: registers at the base, a data buffer in the page after them */
#define PDT_NR_CHANNELS		16
#define PDT_CHANNEL_SIZE	0x2000
#define PDT_CHANNEL(n)		(0x10000 + (n) * PDT_CHANNEL_SIZE)
#define PDT_CHANNEL_BUF		0x1000
#define PDT_BUF_SIZE		0x1000

#define PDT_CH_PASID		0x00
#define PDT_CH_PASID_VALID	0x80000000	/* clear: requests carry none */
#define PDT_CH_PASID_MASK	0x000fffff
#define PDT_CH_MODE		0x04
#define PDT_MODE_ATS		0x1		/* translate first, keep in the ATC */
#define PDT_MODE_PRI		0x2		/* with ATS: ask for pages that are not there */
#define PDT_MODE_MSI		0x4		/* interrupt on completion */
#define PDT_MODE_FILL		0x8		/* a write fills the buffer first */
#define PDT_CH_IOVA_LO		0x08
#define PDT_CH_IOVA_HI		0x0c
#define PDT_CH_LEN		0x10		/* bytes, at most PDT_BUF_SIZE */
#define PDT_CH_PATTERN		0x14		/* 32-bit word for PDT_MODE_FILL */
#define PDT_CH_OPERAND_LO	0x18
#define PDT_CH_OPERAND_HI	0x1c
#define PDT_CH_RESULT_LO	0x20
#define PDT_CH_RESULT_HI	0x24
#define PDT_CH_CMD		0x28
#define PDT_CMD_READ		1		/* memory to buffer */
#define PDT_CMD_WRITE		2		/* buffer to memory */
#define PDT_CMD_FADD		3		/* 64-bit fetch-and-add of OPERAND */
#define PDT_CMD_ABORT		0		/* ask for no page any more */
#define PDT_CH_STATUS		0x2c
#define PDT_STATUS_BUSY		0x1
#define PDT_STATUS_DONE		0x2
#define PDT_STATUS_FAULT	0x4
#define PDT_STATUS_ERR(status)	(((status) >> 8) & 0xff)
#define PDT_ERR_DMA		1		/* refused by the IOMMU */
#define PDT_ERR_ATS		2		/* no translation */
#define PDT_ERR_PRI_SEND	3		/* page request not sent */
#define PDT_ERR_PRI_RESP	4		/* page request refused, or aborted */
#define PDT_ERR_DISABLED	5		/* bus master, PASID, ATS or PRI is off */

/*
 * The engine of a channel repeats one command, with the registers as they were
 * at its start, until its count is used up, it is stopped or the function is
 * reset. It shares the buffer with CH_CMD, but leaves STATUS and RESULT alone.
 */
#define PDT_CH_ENG_PERIOD	0x30		/* microseconds, at least 10 */
#define PDT_CH_ENG_CMD		0x34		/* PDT_CMD_* starts, 0 stops */
#define PDT_CH_ENG_LEFT		0x38		/* how many more, set before start */
#define PDT_ENG_ENDLESS		0xffffffff
#define PDT_CH_ENG_OK		0x3c		/* completed since start */
#define PDT_CH_ENG_FAULT	0x40		/* faulted since start */
#define PDT_CH_ENG_STATE	0x44
#define PDT_ENG_RUNNING		0x1		/* 0: none of its requests is in flight */

#define PDT_CH_ATS_REQ		0x48		/* translation requests sent */
#define PDT_CH_ATC_HIT		0x4c		/* translations found in the ATC */

/*
 * Page requests. A request for memory that meets a page that is not there, with
 * PDT_MODE_ATS and PDT_MODE_PRI, sends a page request group for the rest of
 * what it needs, and is under way (BUSY, or RUNNING for an engine) until the
 * response comes: then it tries again. When it is stopped meanwhile, the group
 * is left without anybody who waits for it, and a Stop Marker follows it.
 *
 * Stalls. With PDT_CAPS_STALL a request with PASID and without PDT_MODE_ATS can
 * be stalled by the IOMMU, and is under way until software resumes or
 * terminates it. It cannot be taken back: who is stopped meanwhile is BUSY or
 * RUNNING until that has ended, and does no more than the page at hand. Only a
 * reset of the function forgets it. The counters are those of page requests.
 */
#define PDT_CH_PRI_REQ		0x50		/* page requests sent, or stalls */
#define PDT_CH_PRI_RESP_OK	0x54		/* responses: Success, or tried again */
#define PDT_CH_PRI_RESP_INVALID	0x58		/* Invalid Request, or terminated */
#define PDT_CH_PRI_RESP_FAILURE	0x5c		/* all others */
#define PDT_PAGE_RESP_SUCCESS	0x0
#define PDT_PAGE_RESP_INVALID	0x1
#define PDT_PAGE_RESP_FAILURE	0xf

/*
 * Page requests without a request for memory, with PASID and IOVA as they are
 * in the registers: each a group of its own unless PDT_RAW_PART. Nothing limits
 * how many are under way, so this can fill the IOMMU's queue. Each channel has
 * 16 group indices for them, which are used in turn, answered or not.
 */
#define PDT_CH_PRI_RAW		0x60		/* write: send */
#define PDT_RAW_COUNT_MASK	0xffff
#define PDT_RAW_READ		0x10000
#define PDT_RAW_WRITE		0x20000		/* neither: a Stop Marker */
#define PDT_RAW_NEXT		0x40000		/* each for the next page */
#define PDT_RAW_PART		0x80000		/* not the last of its group */

#endif /* PASID_TESTDEV_REGS_H */
