/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of IOASID and SVA share: the devices and processes that each
 * of them starts with, and what is done with them again and again.
 */
#ifndef __SELFTEST_IOASID_SVA_UTILS_H
#define __SELFTEST_IOASID_SVA_UTILS_H

#include "../kselftest_harness.h"
#include "ioasid_look.h"

#define NO_IOASID	"this kernel has no IOASID allocator"

#define WIDE		0
#define NARROW		1

#define LEN		64
#define WORDS		(LEN / sizeof(uint32_t))
/* What lies in the pages of workers, and what their device writes */
#define PAGE_A		0x11111111
#define PAGE_B		0x22222222
#define PAGE_NEXT	0x33333333
#define DMA_A		0xa1a1a1a1
#define DMA_B		0xb2b2b2b2
/* Faults there are those of living processes, and may stand in the log */
#define VA_GONE		0x666600000000UL
#define MAX_WORKERS	16
/* Few enough that every number comes round again */
#define SMALL_CAPACITY	8

struct ctx {
	/* Channels that bind nothing: for counters and what others do */
	int wide;
	int narrow;
	int kmsg;
	struct pdt_info info;
	struct pdt_counters before;
	struct pdt_counters diff;
	/* To be restored, 0: untouched */
	unsigned int capacity;
	struct pdt_worker a;
	struct pdt_worker b;
	struct pdt_worker more[MAX_WORKERS];
};

/* Whatever was freed before, and is not held by a reference, is free now */
static void synchronize(struct __test_metadata *_metadata, struct ctx *c)
{
	if (!c->info.ioasid)
		return;
	EXPECT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_SYNCHRONIZE, 0, NULL));
}

static void ctx_setup(struct __test_metadata *_metadata, struct ctx *c)
{
	memset(c, 0, sizeof(*c));
	c->wide = pdt_open(WIDE);
	c->narrow = pdt_open(NARROW);
	c->kmsg = kmsg_open();
	ASSERT_LE(0, c->wide);
	ASSERT_LE(0, c->narrow);
	ASSERT_LE(0, c->kmsg);
	ASSERT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_INFO, &c->info));
	ASSERT_EQ(0, pdt_stop_left(c->wide));
	ASSERT_EQ(0, pdt_stop_left(c->narrow));
	synchronize(_metadata, c);
}

static void ctx_teardown(struct __test_metadata *_metadata, struct ctx *c)
{
	int i;

	pdt_worker_kill(&c->a);
	pdt_worker_kill(&c->b);
	for (i = 0; i < MAX_WORKERS; i++)
		pdt_worker_kill(&c->more[i]);
	EXPECT_EQ(0, pdt_stop_left(c->wide));
	EXPECT_EQ(0, pdt_stop_left(c->narrow));
	synchronize(_metadata, c);
	if (c->capacity)
		EXPECT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_CAPACITY, 0,
					&c->capacity));
	close(c->wide);
	close(c->narrow);
	close(c->kmsg);
}

/* All numbers below @total from now on; none may be in use that is above */
static void lower_capacity(struct __test_metadata *_metadata, struct ctx *c,
			   unsigned int total)
{
	struct ioasid_sums sums;

	ASSERT_EQ(0, ioasid_get_sums(&sums));
	ASSERT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_CAPACITY, 0, &total));
	c->capacity = sums.total;
}

static void count_from_here(struct __test_metadata *_metadata, struct ctx *c)
{
	ASSERT_LE(0, kmsg_count(c->kmsg, pdt_machine.log));
	ASSERT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_COUNTERS, &c->before));
}

static void count_to_here(struct __test_metadata *_metadata, struct ctx *c)
{
	struct pdt_counters now;

	ASSERT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_COUNTERS, &now));
	pdt_counters_diff(&c->before, &now, &c->diff);
}

/* Since count_from_here(), @n requests of a dead PASID or more came to nothing */
static void expect_quiet(struct __test_metadata *_metadata, struct ctx *c,
			 uint32_t mode, unsigned int n)
{
	count_to_here(_metadata, c);
	/* What the interrupt handler has to say comes a little later */
	pdt_sleep_us(20000);
	EXPECT_EQ(0, kmsg_count(c->kmsg, pdt_machine.log));
	EXPECT_EQ(0, c->diff.count[PDT_CNT_FAULT_IRQ]);
	EXPECT_EQ(0, c->diff.count[PDT_CNT_FAULT_RECORD]);
	EXPECT_LE(n, c->diff.count[mode & PDT_MODE_ATS ? PDT_CNT_ATS_FAIL :
							 PDT_CNT_FAULT_FPD]);
}

static void spawn(struct __test_metadata *_metadata, struct pdt_worker *w,
		  unsigned int nr, uint32_t pattern)
{
	ASSERT_EQ(0, pdt_worker_spawn(w, nr, pattern));
	ASSERT_NE(0, w->pasid);
	ASSERT_GT(1 << 20, w->pasid);
}

/* With a file that the test keeps: the bond outlives the process */
static int spawn_shared(struct __test_metadata *_metadata, struct pdt_worker *w)
{
	int fd = pdt_open(WIDE);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pdt_worker_start(w, fd));
	ASSERT_EQ(0, pdt_do(w, PDT_OP_MAP, PDT_VA, 0));
	ASSERT_EQ(0, pdt_worker_bind(w));
	return fd;
}

/* A single DMA of @w to @va; returns PDT_STATUS_* */
static uint32_t write_once(struct __test_metadata *_metadata,
			   struct pdt_worker *w, uint32_t mode, uint64_t va,
			   uint32_t pattern)
{
	struct pdt_dma dma = {
		.iova = va, .cmd = PDT_CMD_WRITE, .mode = mode | PDT_MODE_FILL,
		.len = LEN, .pattern = pattern,
	};

	EXPECT_EQ(0, pdt_worker_dma(w, &dma));
	return dma.status;
}

/* The device goes on writing @pattern to @va by itself, until it is stopped */
static struct pdt_engine endless(uint32_t mode, uint64_t va, uint32_t pattern)
{
	return (struct pdt_engine){
		.iova = va, .cmd = PDT_CMD_WRITE, .mode = mode | PDT_MODE_FILL,
		.len = LEN, .pattern = pattern, .period = 50,
		.count = PDT_ENG_ENDLESS, .flags = PDT_ENGINE_RUNAWAY,
	};
}

static void start_engine(struct __test_metadata *_metadata, struct ctx *c,
			 struct pdt_worker *w, uint32_t mode, uint64_t va,
			 uint32_t pattern)
{
	struct pdt_engine eng = endless(mode, va, pattern);
	struct pdt_status st;

	ASSERT_EQ(0, pdt_worker_engine(w, &eng));
	ASSERT_EQ(0, pdt_wait_engine(c->wide, w->channel, 10, 0, &st));
	ASSERT_EQ(0, st.fault);
}

/* How many words of the worker's page are not @pattern */
static unsigned int diff(struct pdt_worker *w, uint32_t pattern)
{
	return pdt_ask(w, PDT_OP_DIFF, PDT_VA, pattern);
}

static uint32_t first_word(struct pdt_worker *w)
{
	return pdt_ask(w, PDT_OP_PEEK, PDT_VA, 0);
}

#endif /* __SELFTEST_IOASID_SVA_UTILS_H */
