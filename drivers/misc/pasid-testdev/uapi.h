/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What /dev/pasid-testdevN offers to test programs. One open file is one
 * channel of the device.
 */
#ifndef PASID_TESTDEV_UAPI_H
#define PASID_TESTDEV_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include "regs.h"

/* In place of a channel number: the channel of this file */
#define PDT_CHANNEL_SELF	0xffffffffU
/* In place of a PASID: none */
#define PDT_NO_PASID		0xffffffffU

/**
 * struct pdt_info - ioctl(PDT_IOC_INFO)
 * @channel: out: the channel of this file
 * @channels: out: how many the device has
 * @caps: out: PDT_CAPS_*
 * @max_pasids: out: the device can use PASIDs below this
 * @atc_inv: out: device-TLB invalidations received so far
 * @ioasid: out: 1 if the kernel has the IOASID allocator
 * @pri_out: out: page request groups of the device that are not answered yet
 * @pri_stray: out: responses that it got and had not asked for
 */
struct pdt_info {
	__u32 channel;
	__u32 channels;
	__u32 caps;
	__u32 max_pasids;
	__u32 atc_inv;
	__u32 ioasid;
	__u32 pri_out;
	__u32 pri_stray;
};

/**
 * struct pdt_bind - ioctl(PDT_IOC_BIND)
 * @pasid: out: the PASID of the caller's address space
 * @channel: out: the channel of this file
 *
 * Binds the caller's address space; the channel's requests carry @pasid from
 * now on. ioctl(PDT_IOC_UNBIND) and close() undo it.
 */
struct pdt_bind {
	__u32 pasid;
	__u32 channel;
};

/**
 * struct pdt_dma - ioctl(PDT_IOC_DMA)
 * @iova: in: where; for a bound address space a virtual address
 * @operand: in: what PDT_CMD_FADD adds
 * @result: out: what PDT_CMD_FADD found
 * @cmd: in: PDT_CMD_*
 * @mode: in: PDT_MODE_*
 * @len: in: bytes, at most PDT_BUF_SIZE, a multiple of 4
 * @pattern: in: what to write, with PDT_MODE_FILL
 * @status: out: PDT_STATUS_*
 * @first: out: first word of the channel's buffer, so what a read brought
 *
 * One request; returns when the device has answered. A request that the IOMMU
 * refuses is a success of the ioctl and a PDT_STATUS_FAULT in @status.
 */
struct pdt_dma {
	__aligned_u64 iova;
	__aligned_u64 operand;
	__aligned_u64 result;
	__u32 cmd;
	__u32 mode;
	__u32 len;
	__u32 pattern;
	__u32 status;
	__u32 first;
};

/* Unbind, detach and close leave the engine running, as a bad driver would */
#define PDT_ENGINE_RUNAWAY	0x1

/**
 * struct pdt_engine - ioctl(PDT_IOC_ENGINE)
 * @iova: in: see struct pdt_dma
 * @operand: in: see struct pdt_dma
 * @cmd: in: PDT_CMD_* to repeat, 0 to stop
 * @mode: in: PDT_MODE_*, without PDT_MODE_MSI
 * @len: in: see struct pdt_dma
 * @pattern: in: see struct pdt_dma
 * @period: in: microseconds between two requests
 * @count: in: how many, PDT_ENG_ENDLESS for no end
 * @flags: in: PDT_ENGINE_RUNAWAY
 * @pad: 0
 */
struct pdt_engine {
	__aligned_u64 iova;
	__aligned_u64 operand;
	__u32 cmd;
	__u32 mode;
	__u32 len;
	__u32 pattern;
	__u32 period;
	__u32 count;
	__u32 flags;
	__u32 pad;
};

enum {
	PDT_CHAN_FREE,		/* nobody has it */
	PDT_CHAN_OPEN,		/* a file has it */
	PDT_CHAN_LEFT,		/* its file is gone, its engine may still issue */
	PDT_CHAN_GONE,		/* the device was removed */
};

/**
 * struct pdt_status - ioctl(PDT_IOC_STATUS)
 * @channel: in: which channel
 * @state: out: PDT_CHAN_*
 * @pasid: out: what its requests carry, or PDT_NO_PASID
 * @bound: out: 1 if an address space or a domain is attached
 * @ref: out: 1 if the driver holds a reference on the IOASID
 * @running: out: 1 if the engine runs
 * @ok: out: requests of the engine that were done
 * @fault: out: requests of the engine that were refused
 * @left: out: requests the engine still has to make
 * @ats_req: out: translation requests the channel has sent
 * @atc_hit: out: translations it found in the device's own TLB
 * @pri_req: out: page requests it has sent
 * @pri_ok: out: responses to them: Success
 * @pri_invalid: out: Invalid Request
 * @pri_failure: out: Response Failure
 */
struct pdt_status {
	__u32 channel;
	__u32 state;
	__u32 pasid;
	__u32 bound;
	__u32 ref;
	__u32 running;
	__u32 ok;
	__u32 fault;
	__u32 left;
	__u32 ats_req;
	__u32 atc_hit;
	__u32 pri_req;
	__u32 pri_ok;
	__u32 pri_invalid;
	__u32 pri_failure;
};

/**
 * struct pdt_stop - ioctl(PDT_IOC_STOP)
 * @channel: in: which channel of this device
 * @pad: 0
 *
 * Stops the engine of a channel, whoever left it running. Once it is seen to
 * stand still, and if nothing is bound, the reference on the IOASID is dropped.
 */
struct pdt_stop {
	__u32 channel;
	__u32 pad;
};

/**
 * struct pdt_counters - ioctl(PDT_IOC_COUNTERS)
 * @count: out: what the IOMMU executed, by PDT_CNT_*
 */
struct pdt_counters {
	__aligned_u64 count[PDT_NR_COUNTERS];
};

/* The kernel chooses the number, with iommu_alloc_global_pasid() */
#define PDT_ATTACH_MANAGED	0x1

/**
 * struct pdt_attach - ioctl(PDT_IOC_ATTACH)
 * @iova: in: where to map the page, page-aligned
 * @flags: in: PDT_ATTACH_MANAGED
 * @pasid: in without PDT_ATTACH_MANAGED: a number of the caller's own
 *	choosing, whoever else may have it; out: the number
 *
 * Attaches a paging domain that maps one page of zeros. mmap() of the file
 * shows the page. ioctl(PDT_IOC_DETACH) and close() undo it;
 * ioctl(PDT_IOC_FREE) frees a managed number while it is attached.
 */
struct pdt_attach {
	__aligned_u64 iova;
	__u32 flags;
	__u32 pasid;
};

enum {
	PDT_IOASID_CAPACITY = 1,	/* ioasid_install_capacity(value) */
	PDT_IOASID_GET,			/* ioasid_get(), one for each file */
	PDT_IOASID_PUT,			/* ioasid_put() of that */
	PDT_IOASID_ALIVE,		/* of the one held: value = 0 or 1 */
	PDT_IOASID_FIND_SET,		/* value = ids in the owner's set */
	PDT_IOASID_FIND_MM,		/* value = 1 if it is the caller's mm */
	PDT_IOASID_SYNCHRONIZE,		/* ioasid_synchronize() */
	/*
	 * value: a subscriber before the IOMMU's holds up FREE, 1, or no
	 * longer, 0; close() ends it
	 */
	PDT_IOASID_HOLD,
};

/**
 * struct pdt_ioasid - ioctl(PDT_IOC_IOASID)
 * @op: in: PDT_IOASID_*
 * @id: in: the IOASID; always one of the system's own set
 * @value: in or out, see above
 * @pad: 0
 *
 * -EOPNOTSUPP on a kernel without the IOASID allocator.
 */
struct pdt_ioasid {
	__u32 op;
	__u32 id;
	__u32 value;
	__u32 pad;
};

enum {
	PDT_CROWD_MAKE = 1,	/* a new set with n PASIDs, by the first file */
	PDT_CROWD_ATTACH,	/* all of them to this device */
	PDT_CROWD_USE,		/* this channel issues with the n-th, from 0 */
	PDT_CROWD_FREE,		/* ioasid_set_free() */
	PDT_CROWD_DETACH,	/* all of them from this device */
	PDT_CROWD_ATTACH_OWN,	/* attach as numbers that the driver has chosen */
	PDT_CROWD_FREE_EACH,	/* ioasid_free() of one after the other */
};

/**
 * struct pdt_crowd_op - ioctl(PDT_IOC_CROWD)
 * @iova: in, PDT_CROWD_MAKE: where the domains map a page of zeros,
 *	page-aligned. mmap() of an attached file shows the page.
 * @op: in: PDT_CROWD_*
 * @n: in: see above
 * @domains: in, PDT_CROWD_MAKE: how many domains the PASIDs share
 * @pad: 0
 *
 * close() detaches, and that of the file which made the set frees it.
 * -EOPNOTSUPP on a kernel without the IOASID allocator.
 */
struct pdt_crowd_op {
	__aligned_u64 iova;
	__u32 op;
	__u32 n;
	__u32 domains;
	__u32 pad;
};

/**
 * struct pdt_page_req - ioctl(PDT_IOC_PAGE_REQ)
 * @addr: in: the page that is asked for
 * @pasid: in: whose, or PDT_NO_PASID: that of the channel
 * @what: in: PDT_RAW_*, and how many requests
 *
 * Sends page requests without a DMA that needs the page, and does not wait for
 * the responses: ioctl(PDT_IOC_STATUS) tells. A PASID other than that of the
 * channel is what a device with a defect does.
 */
struct pdt_page_req {
	__aligned_u64 addr;
	__u32 pasid;
	__u32 what;
};

/**
 * struct pdt_events - ioctl(PDT_IOC_EVENTS)
 * @bind: out: how many events of this kind there were
 * @unbind: out: the same
 * @free: out: the same
 * @sync: out: the same
 * @id: out: of the last BIND or UNBIND
 * @spid: out: of the last BIND or UNBIND
 *
 * Of all sets, from the first call on. A driver that is told of all events
 * counts them: only differences mean something. -EOPNOTSUPP on a kernel without
 * the IOASID allocator.
 */
struct pdt_events {
	__u32 bind;
	__u32 unbind;
	__u32 free;
	__u32 sync;
	__u32 id;
	__u32 spid;
};

#define PDT_SLOW_OFFSET		0x100000

enum {
	PDT_SLOW_STALL = 1,	/* who touches the page waits, from now on */
	PDT_SLOW_STALL_END,	/* no more, but who unmaps it does */
	PDT_SLOW_GO,		/* nobody waits */
	PDT_SLOW_COUNT,		/* value = how many wait */
	/*
	 * The fault events of the IOMMU are not handled, until PDT_SLOW_GO or
	 * close() of this file. -EOPNOTSUPP where we don't know how
	 */
	PDT_SLOW_EVENTS,
	/* value = how many faults of attached domains we were told of */
	PDT_SLOW_REPORTED,
	/* All stalls of the device are terminated. -EOPNOTSUPP likewise */
	PDT_SLOW_TERMINATE,
};

/**
 * struct pdt_slow - ioctl(PDT_IOC_SLOW)
 * @op: in: PDT_SLOW_*
 * @value: out: see above
 *
 * A page that takes its time, at offset PDT_SLOW_OFFSET of the file: whoever
 * touches it the first time waits in the page fault. One for all devices;
 * close() of the file that has stalled it lets all go.
 */
struct pdt_slow {
	__u32 op;
	__u32 value;
};

#define PDT_IOC_INFO		_IOR('P', 0x00, struct pdt_info)
#define PDT_IOC_BIND		_IOR('P', 0x01, struct pdt_bind)
#define PDT_IOC_UNBIND		_IO('P', 0x02)
#define PDT_IOC_DMA		_IOWR('P', 0x03, struct pdt_dma)
#define PDT_IOC_ENGINE		_IOW('P', 0x04, struct pdt_engine)
#define PDT_IOC_STATUS		_IOWR('P', 0x05, struct pdt_status)
#define PDT_IOC_STOP		_IOW('P', 0x06, struct pdt_stop)
#define PDT_IOC_COUNTERS	_IOR('P', 0x07, struct pdt_counters)
#define PDT_IOC_ATTACH		_IOWR('P', 0x08, struct pdt_attach)
#define PDT_IOC_DETACH		_IO('P', 0x09)
#define PDT_IOC_FREE		_IO('P', 0x0a)
#define PDT_IOC_IOASID		_IOWR('P', 0x0b, struct pdt_ioasid)
#define PDT_IOC_CROWD		_IOW('P', 0x0c, struct pdt_crowd_op)
#define PDT_IOC_PAGE_REQ	_IOW('P', 0x0d, struct pdt_page_req)
#define PDT_IOC_SLOW		_IOWR('P', 0x0e, struct pdt_slow)
#define PDT_IOC_EVENTS		_IOR('P', 0x0f, struct pdt_events)

#endif /* PASID_TESTDEV_UAPI_H */
