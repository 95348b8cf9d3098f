// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device does DMA with the PASIDs of processes, the processes die, and the
 * number, the hardware and everybody else's memory come out clean.
 *
 * Needs the PASID test device: pasid-testdev0 with wide PASIDs, pasid-testdev1
 * with narrow ones, behind one IOMMU that counts. Evidence is what the memory
 * of processes holds and what the emulated hardware counted; debugfs only
 * where a test is about it.
 *
 * Tests that need the IOASID allocator are skipped on a kernel without it. All
 * others run there too: those that fail show what the allocator is for, and
 * dead_is_quiet a bug that needs no allocator to be fixed.
 */
#include "ioasid_sva_utils.h"

/* DMA with the PASID of a living process, with and without ATS */

FIXTURE(sva)
{
	struct ctx c;
};

FIXTURE_VARIANT(sva)
{
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(sva, untranslated)
{
	.mode = 0,
};

FIXTURE_VARIANT_ADD(sva, ats)
{
	.mode = PDT_MODE_ATS,
};

FIXTURE_SETUP(sva)
{
	ctx_setup(_metadata, &self->c);
}

FIXTURE_TEARDOWN(sva)
{
	ctx_teardown(_metadata, &self->c);
}

TEST_F(sva, own_memory)
{
	struct pdt_worker *a = &self->c.a, *b = &self->c.b;
	struct pdt_status st;

	spawn(_metadata, a, WIDE, PAGE_A);
	spawn(_metadata, b, WIDE, PAGE_B);
	EXPECT_NE(a->pasid, b->pasid);

	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, variant->mode,
					      PDT_VA, DMA_A));
	EXPECT_EQ(DMA_A, first_word(a));
	EXPECT_EQ(WORDS, diff(a, PAGE_A));
	EXPECT_EQ(0, diff(b, PAGE_B));

	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, variant->mode,
					      PDT_VA, DMA_B));
	EXPECT_EQ(DMA_B, first_word(b));
	EXPECT_EQ(WORDS, diff(b, PAGE_B));
	EXPECT_EQ(DMA_A, first_word(a));

	/* And it went the way that the variant is about */
	ASSERT_EQ(0, pdt_get_status(self->c.wide, a->channel, &st));
	EXPECT_EQ(!!(variant->mode & PDT_MODE_ATS), !!st.ats_req);
}

TEST_F(sva, read)
{
	struct pdt_dma dma = {
		.iova = PDT_VA, .cmd = PDT_CMD_READ, .mode = variant->mode,
		.len = LEN,
	};

	spawn(_metadata, &self->c.a, WIDE, PAGE_A);
	spawn(_metadata, &self->c.b, WIDE, PAGE_B);
	ASSERT_EQ(0, pdt_worker_dma(&self->c.a, &dma));
	EXPECT_EQ(PDT_STATUS_DONE, dma.status);
	EXPECT_EQ(PAGE_A, dma.first);
	ASSERT_EQ(0, pdt_worker_dma(&self->c.b, &dma));
	EXPECT_EQ(PDT_STATUS_DONE, dma.status);
	EXPECT_EQ(PAGE_B, dma.first);
}

TEST_F(sva, atomic)
{
	struct pdt_dma dma = {
		.iova = PDT_VA, .cmd = PDT_CMD_FADD, .mode = variant->mode,
		.len = 8, .operand = 42,
	};

	spawn(_metadata, &self->c.a, WIDE, PAGE_A);
	ASSERT_EQ(0, pdt_do(&self->c.a, PDT_OP_POKE, PDT_VA, 1000));
	ASSERT_EQ(0, pdt_worker_dma(&self->c.a, &dma));
	EXPECT_EQ(PDT_STATUS_DONE, dma.status);
	EXPECT_EQ(1000, dma.result);
	EXPECT_EQ(1042, pdt_ask(&self->c.a, PDT_OP_PEEK, PDT_VA, 0));
}

TEST_F(sva, completion_interrupt)
{
	spawn(_metadata, &self->c.a, WIDE, PAGE_A);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, &self->c.a,
					      variant->mode | PDT_MODE_MSI,
					      PDT_VA, DMA_A));
	EXPECT_EQ(DMA_A, first_word(&self->c.a));
}

/*
 * Also shows that the counters, which others expect to stand still, work. The
 * page beside stays, so that this one is forgotten by its address.
 */
TEST_F(sva, unmapped)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;

	spawn(_metadata, a, WIDE, PAGE_A);
	ASSERT_EQ(0, pdt_do(a, PDT_OP_MAP, VA_GONE, 0));
	ASSERT_EQ(0, pdt_do(a, PDT_OP_MAP, VA_GONE + PDT_PAGE, 0));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, variant->mode,
					      VA_GONE, DMA_A));
	ASSERT_EQ(0, pdt_do(a, PDT_OP_UNMAP, VA_GONE, 0));

	count_from_here(_metadata, c);
	EXPECT_TRUE(write_once(_metadata, a, variant->mode, VA_GONE, DMA_A) &
		    PDT_STATUS_FAULT);
	count_to_here(_metadata, c);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, variant->mode,
					      VA_GONE + PDT_PAGE, DMA_A));
	EXPECT_EQ(1, c->diff.count[PDT_CNT_FAULT]);
	EXPECT_EQ(!(variant->mode & PDT_MODE_ATS),
		  c->diff.count[PDT_CNT_FAULT_RECORD]);

	/* A new page there is a page like any other */
	ASSERT_EQ(0, pdt_do(a, PDT_OP_MAP, VA_GONE, 0));
	EXPECT_EQ(0, pdt_ask(a, PDT_OP_DIFF, VA_GONE, 0));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, variant->mode,
					      VA_GONE, DMA_A));
	EXPECT_EQ(0, diff(a, PAGE_A));
}

/* The process is killed while its device issues, and the device goes on */

TEST_F(sva, killed)
{
	struct pdt_worker *a = &self->c.a, *b = &self->c.b;
	struct pdt_worker *next = &self->c.more[0];
	struct pdt_status dead, st;
	struct ctx *c = &self->c;
	uint32_t b_ok;

	spawn(_metadata, a, WIDE, PAGE_A);
	spawn(_metadata, b, WIDE, PAGE_B);
	start_engine(_metadata, c, a, variant->mode, PDT_VA, DMA_A);
	/* The other one is busy as well, further up in its page */
	start_engine(_metadata, c, b, variant->mode, PDT_VA + LEN, DMA_B);

	pdt_worker_kill(a);
	ASSERT_EQ(0, pdt_get_status(c->wide, a->channel, &dead));
	EXPECT_EQ(PDT_CHAN_LEFT, dead.state);
	EXPECT_EQ(1, dead.running);
	ASSERT_EQ(0, pdt_get_status(c->wide, b->channel, &st));
	b_ok = st.ok;

	spawn(_metadata, next, WIDE, PAGE_NEXT);
	EXPECT_NE(a->pasid, next->pasid);
	ASSERT_EQ(0, pdt_wait_engine(c->wide, a->channel, 0, dead.fault + 500,
				     &st));
	EXPECT_EQ(dead.ok, st.ok);
	EXPECT_EQ(0, diff(next, PAGE_NEXT));
	EXPECT_EQ(WORDS, diff(b, PAGE_B));
	EXPECT_EQ((uint32_t)PAGE_B, first_word(b));

	ASSERT_EQ(0, pdt_wait_engine(c->wide, b->channel, b_ok + 100, 0, &st));
	EXPECT_EQ(0, st.fault);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, next, variant->mode,
					      PDT_VA, DMA_B));

	ASSERT_EQ(0, pdt_stop(c->wide, a->channel));
	ASSERT_EQ(0, pdt_get_status(c->wide, a->channel, &st));
	EXPECT_EQ(PDT_CHAN_FREE, st.state);
	EXPECT_EQ(dead.ok, st.ok);
}

/*
 * The address space is gone, the bond is not: somebody else has the file. The
 * intended state of the PASID table entry, not present with Fault Processing
 * Disabled, was never written by Linux 7.3.4.
 */
TEST_F(sva, dead_is_quiet)
{
	struct pdt_engine eng = endless(variant->mode, PDT_VA, DMA_A);
	struct pdt_worker *a = &self->c.a;
	struct pdt_status dead, st;
	struct ctx *c = &self->c;
	int fd = pdt_open(WIDE);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pdt_worker_start(a, fd));
	ASSERT_EQ(0, pdt_do(a, PDT_OP_MAP, PDT_VA, 0));
	ASSERT_EQ(0, pdt_worker_bind(a));
	ASSERT_EQ(0, pdt_ioctl(fd, PDT_IOC_ENGINE, &eng));
	ASSERT_EQ(0, pdt_wait_engine(fd, PDT_CHANNEL_SELF, 10, 0, &st));

	count_from_here(_metadata, c);
	pdt_worker_kill(a);
	ASSERT_EQ(0, pdt_get_status(fd, PDT_CHANNEL_SELF, &dead));
	EXPECT_EQ(1, dead.bound);
	ASSERT_EQ(0, pdt_wait_engine(fd, PDT_CHANNEL_SELF, 0,
				     dead.fault + 1000, &st));
	EXPECT_EQ(dead.ok, st.ok);
	expect_quiet(_metadata, c, variant->mode, 1000);

	ASSERT_EQ(0, pdt_stop(fd, PDT_CHANNEL_SELF));
	close(fd);
}

/* The same after the bond is gone too: the driver has unbound */
TEST_F(sva, dead_is_quiet_unbound)
{
	struct pdt_worker *a = &self->c.a;
	struct pdt_status dead, st;
	struct ctx *c = &self->c;

	spawn(_metadata, a, WIDE, PAGE_A);
	start_engine(_metadata, c, a, variant->mode, PDT_VA, DMA_A);

	count_from_here(_metadata, c);
	pdt_worker_kill(a);
	ASSERT_EQ(0, pdt_get_status(c->wide, a->channel, &dead));
	EXPECT_EQ(0, dead.bound);
	ASSERT_EQ(0, pdt_wait_engine(c->wide, a->channel, 0, dead.fault + 1000,
				     &st));
	EXPECT_EQ(dead.ok, st.ok);
	expect_quiet(_metadata, c, variant->mode, 1000);
}

/*
 * The device still issues with the number of a dead process: the next process
 * must not get it. Numbers are so few that no cursor can hide that they are
 * reused; without the allocator, new processes are tried for some time.
 */
TEST_F(sva, number_is_kept)
{
	struct pdt_worker *a = &self->c.a, *w;
	struct ctx *c = &self->c;
	uint64_t end;
	int i, ret;

	if (c->info.ioasid)
		lower_capacity(_metadata, c, SMALL_CAPACITY);
	spawn(_metadata, a, WIDE, PAGE_A);
	start_engine(_metadata, c, a, variant->mode, PDT_VA, DMA_A);
	pdt_worker_kill(a);

	/* With the allocator it ends when the numbers do */
	end = pdt_now_us() + (c->info.ioasid ? 100000000 : 2000000);
	for (i = 0; i < MAX_WORKERS && pdt_now_us() < end;) {
		w = &c->more[i];
		ret = pdt_worker_spawn(w, WIDE, PAGE_NEXT);
		if (ret == -ENOSPC && c->info.ioasid) {
			/* All numbers are out but one, and that stays so */
			EXPECT_EQ(SMALL_CAPACITY - 2, i);
			end = 0;
			break;
		}
		ASSERT_EQ(0, ret);
		ASSERT_NE(a->pasid, w->pasid) {
			pdt_sleep_us(50000);
			TH_LOG("PASID %u is reused, %u words overwritten, first %#x",
			       a->pasid, diff(w, PAGE_NEXT), first_word(w));
		}
		/* The last one makes room: other numbers may be reused */
		if (!c->info.ioasid && i == SMALL_CAPACITY - 3)
			pdt_worker_kill(w);
		else
			i++;
		pdt_sleep_us(1000);
	}
	EXPECT_EQ(c->info.ioasid, !end);
	while (i--)
		if (c->more[i].pid)
			EXPECT_EQ(0, diff(&c->more[i], PAGE_NEXT));
	if (!c->info.ioasid)
		return;

	/* Still so after all events and grace periods have passed */
	synchronize(_metadata, c);
	EXPECT_EQ(-ENOSPC, pdt_worker_spawn(&c->b, WIDE, PAGE_NEXT));

	/* Once the device was seen to stand still, it is a number like any other */
	ASSERT_EQ(0, pdt_stop(c->wide, a->channel));
	synchronize(_metadata, c);
	ASSERT_EQ(0, pdt_worker_spawn(&c->b, WIDE, PAGE_B));
	EXPECT_EQ(a->pasid, c->b.pasid);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, &c->b, variant->mode,
					      PDT_VA, DMA_B));
	EXPECT_EQ(DMA_B, first_word(&c->b));
	EXPECT_EQ(WORDS, diff(&c->b, PAGE_B));
}

int main(int argc, char **argv)
{
	pdt_worker_main(argc, argv);
	return test_harness_run(argc, argv);
}
