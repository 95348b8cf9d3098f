/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of recoverable faults share. A device asks for a page that is
 * not there with a page request (PRI), or its request waits in the IOMMU until
 * the page is there (stall): struct pdt_machine has the difference.
 */
#ifndef __SELFTEST_IOASID_FAULT_UTILS_H
#define __SELFTEST_IOASID_FAULT_UTILS_H

#include "ioasid_sva_utils.h"

/* Not there yet, in every worker that has them */
#define VA_NEW		0x510000000000UL
#define NEW_PAGES	64
/* Takes its time */
#define VA_SLOW		0x520000000000UL

/* A worker that has pages which are not there yet */
static void spawn_new(struct __test_metadata *_metadata, struct pdt_worker *w)
{
	spawn(_metadata, w, WIDE, PAGE_A);
	ASSERT_EQ(0, pdt_do(w, PDT_OP_RESERVE, VA_NEW, NEW_PAGES));
}

/* The same with a file that the test keeps */
static int spawn_asking_shared(struct __test_metadata *_metadata,
			       struct pdt_worker *w)
{
	int fd = spawn_shared(_metadata, w);

	ASSERT_EQ(0, pdt_do(w, PDT_OP_RESERVE, VA_NEW, NEW_PAGES));
	return fd;
}

/* Page requests without a DMA that needs them, see PDT_CH_PRI_RAW */
static void request(struct __test_metadata *_metadata, int fd, uint32_t pasid,
		    uint64_t addr, uint32_t what)
{
	struct pdt_page_req req = { .addr = addr, .pasid = pasid, .what = what };

	ASSERT_EQ(0, pdt_ioctl(fd, PDT_IOC_PAGE_REQ, &req));
}

/* Every question of the device of @fd gets an answer, and every stall an end */
static void expect_answers(struct __test_metadata *_metadata, int fd)
{
	uint64_t end = pdt_now_us() + 10000000;
	struct pdt_info info;

	do {
		ASSERT_EQ(0, pdt_ioctl(fd, PDT_IOC_INFO, &info));
		if (!info.pri_out)
			break;
		pdt_sleep_us(1000);
	} while (pdt_now_us() < end);
	EXPECT_EQ(0, info.pri_out);
	EXPECT_EQ(0, info.pri_stray);
}

static struct pdt_status now(struct __test_metadata *_metadata, int fd,
			     uint32_t channel)
{
	struct pdt_status st;

	EXPECT_EQ(0, pdt_get_status(fd, channel, &st));
	return st;
}

/* What a channel of the device has asked and was answered since @from */
static struct pdt_status since(struct __test_metadata *_metadata, int fd,
			       const struct pdt_status *from)
{
	struct pdt_status st;

	expect_answers(_metadata, fd);
	st = now(_metadata, fd, from->channel);
	st.pri_req -= from->pri_req;
	st.pri_ok -= from->pri_ok;
	st.pri_invalid -= from->pri_invalid;
	st.pri_failure -= from->pri_failure;
	return st;
}

static void slow(struct __test_metadata *_metadata, struct ctx *c, uint32_t op)
{
	struct pdt_slow arg = { .op = op };

	ASSERT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_SLOW, &arg));
}

static unsigned int slow_count(struct ctx *c)
{
	struct pdt_slow arg = { .op = PDT_SLOW_COUNT };

	return pdt_ioctl(c->wide, PDT_IOC_SLOW, &arg) ? 0 : arg.value;
}

/* The device of @w has asked for a page, and its request is being handled */
static void ask_for_slow(struct __test_metadata *_metadata, struct ctx *c,
			 struct pdt_worker *w)
{
	struct pdt_engine eng = endless(pdt_machine.fault_mode, VA_SLOW, DMA_A);
	uint64_t end = pdt_now_us() + 10000000;

	eng.count = 1;
	ASSERT_EQ(0, pdt_do(w, PDT_OP_SLOW, VA_SLOW, 0));
	ASSERT_EQ(0, pdt_worker_engine(w, &eng));
	while (!slow_count(c) && pdt_now_us() < end)
		pdt_sleep_us(1000);
	ASSERT_EQ(1, slow_count(c));
}

/* Is @w reaped within ten seconds? */
static bool is_reaped(struct pdt_worker *w)
{
	uint64_t end = pdt_now_us() + 10000000;

	do {
		if (waitpid(w->pid, NULL, WNOHANG) == w->pid) {
			close(w->to);
			close(w->from);
			w->pid = 0;
			return true;
		}
		pdt_sleep_us(1000);
	} while (pdt_now_us() < end);
	return false;
}

#endif /* __SELFTEST_IOASID_FAULT_UTILS_H */
