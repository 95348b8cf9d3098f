// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of the PASIDs of processes: when a process gets one, keeps it and
 * loses it, who else may have the same number, and what a death costs.
 *
 * Needs the PASID test device, see ioasid_sva.c.
 */
#include "ioasid_sva_utils.h"

#define IOVA		0x7000000000UL

FIXTURE(life)
{
	struct ctx c;
};

FIXTURE_SETUP(life)
{
	ctx_setup(_metadata, &self->c);
}

FIXTURE_TEARDOWN(life)
{
	ctx_teardown(_metadata, &self->c);
}

/* A process keeps its PASID for as long as it lives, bound or not */
TEST_F(life, rebind)
{
	struct pdt_worker *a = &self->c.a;
	uint32_t pasid;

	spawn(_metadata, a, WIDE, PAGE_A);
	pasid = a->pasid;
	ASSERT_EQ(0, pdt_worker_ioctl(a, PDT_IOC_UNBIND, NULL, 0));
	synchronize(_metadata, &self->c);
	spawn(_metadata, &self->c.b, WIDE, PAGE_B);
	EXPECT_NE(pasid, self->c.b.pasid);
	ASSERT_EQ(0, pdt_worker_bind(a));
	EXPECT_EQ(pasid, a->pasid);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, 0, PDT_VA, DMA_A));
	EXPECT_EQ(DMA_A, first_word(a));
}

/* Between unbind and bind of a living process nothing gets through */
TEST_F(life, unbound)
{
	struct pdt_worker *a = &self->c.a;
	struct pdt_status off, st;
	struct ctx *c = &self->c;

	spawn(_metadata, a, WIDE, PAGE_A);
	ASSERT_EQ(0, pdt_do(a, PDT_OP_MAP, VA_GONE, 0));
	start_engine(_metadata, c, a, 0, VA_GONE, DMA_A);
	ASSERT_EQ(0, pdt_worker_ioctl(a, PDT_IOC_UNBIND, NULL, 0));
	ASSERT_EQ(0, pdt_get_status(c->wide, a->channel, &off));
	ASSERT_EQ(0, pdt_do(a, PDT_OP_FILL, VA_GONE, PAGE_A));
	ASSERT_EQ(0, pdt_wait_engine(c->wide, a->channel, 0, off.fault + 100,
				     &st));
	EXPECT_EQ(off.ok, st.ok);
	EXPECT_EQ(0, pdt_ask(a, PDT_OP_DIFF, VA_GONE, PAGE_A));

	ASSERT_EQ(0, pdt_worker_bind(a));
	ASSERT_EQ(0, pdt_wait_engine(c->wide, a->channel, off.ok + 100, 0,
				     &st));
	EXPECT_EQ(WORDS, pdt_ask(a, PDT_OP_DIFF, VA_GONE, PAGE_A));
}

/* One PASID for all devices that a process is bound to */
TEST_F(life, two_devices)
{
	struct pdt_worker *a = &self->c.a;
	uint32_t pasid;

	spawn(_metadata, a, NARROW, PAGE_A);
	pasid = a->pasid;
	EXPECT_GT(256, pasid);
	ASSERT_EQ(0, pdt_do(a, PDT_OP_OPEN, WIDE, 0));
	ASSERT_EQ(0, pdt_worker_bind(a));
	EXPECT_EQ(pasid, a->pasid);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, 0, PDT_VA, DMA_A));
	EXPECT_EQ(DMA_A, first_word(a));
}

/* A child has an address space and a PASID of its own */
TEST_F(life, fork)
{
	struct pdt_worker *a = &self->c.a;
	struct pdt_msg leave = { .op = PDT_OP_EXIT };
	uint32_t pasid;

	spawn(_metadata, a, WIDE, PAGE_A);
	pasid = a->pasid;
	ASSERT_EQ(0, pdt_do(a, PDT_OP_FORK, 0, 0));
	ASSERT_EQ(0, pdt_do(a, PDT_OP_OPEN, WIDE, 0));
	ASSERT_EQ(0, pdt_worker_bind(a));
	EXPECT_NE(pasid, a->pasid);
	/* A page of its own, else there is nothing that may be written to */
	ASSERT_EQ(0, pdt_do(a, PDT_OP_FILL, PDT_VA, PAGE_B));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, 0, PDT_VA, DMA_B));
	EXPECT_EQ(DMA_B, first_word(a));

	/* The child ends, and here is the parent */
	EXPECT_EQ(1, pdt_order(a, &leave));
	EXPECT_EQ(0, diff(a, PAGE_A));
	ASSERT_EQ(0, pdt_do(a, PDT_OP_FILL, PDT_VA, PAGE_A));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, 0, PDT_VA, DMA_A));
	EXPECT_EQ(DMA_A, first_word(a));
}

/* A new program has a new address space, and so a new PASID */
TEST_F(life, exec)
{
	struct pdt_worker *a = &self->c.a;
	struct pdt_dma dma = {
		.iova = PDT_VA, .cmd = PDT_CMD_WRITE,
		.mode = PDT_MODE_FILL | PDT_MODE_ATS, .len = LEN,
		.pattern = DMA_A,
	};
	struct ctx *c = &self->c;
	uint32_t pasid;
	int fd;

	fd = pdt_open(WIDE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pdt_worker_start(a, fd));
	ASSERT_EQ(0, pdt_worker_bind(a));
	pasid = a->pasid;
	ASSERT_EQ(0, pdt_do(a, PDT_OP_EXEC, 0, 0));
	ASSERT_EQ(0, pdt_do(a, PDT_OP_MAP, PDT_VA, 0));

	/* The old bond is still there, and reaches nothing */
	ASSERT_EQ(0, pdt_worker_dma(a, &dma));
	EXPECT_TRUE(dma.status & PDT_STATUS_FAULT);
	EXPECT_EQ(0, diff(a, 0));

	ASSERT_EQ(0, pdt_do(a, PDT_OP_OPEN, WIDE, 0));
	ASSERT_EQ(0, pdt_worker_bind(a));
	EXPECT_NE(pasid, a->pasid);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, 0, PDT_VA, DMA_B));
	EXPECT_EQ(DMA_B, first_word(a));

	if (c->info.ioasid) {
		struct ioasid_line line;

		ASSERT_EQ(0, ioasid_get_line(pasid, &line));
		EXPECT_STREQ("free-pending", line.state);
		close(fd);
		pdt_worker_quit(a);
		synchronize(_metadata, c);
		EXPECT_EQ(-ENOENT, ioasid_get_line(pasid, &line));
	}
}

/* A process that ends without a word leaves nothing behind */
TEST_F(life, exit_while_bound)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	struct pdt_status st;

	spawn(_metadata, a, WIDE, PAGE_A);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, 0, PDT_VA, DMA_A));
	pdt_worker_quit(a);
	ASSERT_EQ(0, pdt_get_status(c->wide, a->channel, &st));
	EXPECT_EQ(PDT_CHAN_FREE, st.state);
	EXPECT_EQ(PDT_NO_PASID, st.pasid);
	if (c->info.ioasid) {
		struct ioasid_line line;

		synchronize(_metadata, c);
		EXPECT_EQ(-ENOENT, ioasid_get_line(a->pasid, &line));
	}
}

/*
 * A subscriber that is slow to hear that a number dies: the dying process does
 * not wait for it, and its memory is out of reach of the device nevertheless,
 * before the IOMMU driver has heard of it. The bond lives on: somebody else has
 * the file.
 */
TEST_F(life, slow_subscriber)
{
	struct pdt_engine eng = endless(0, PDT_VA, DMA_A);
	struct pdt_worker *a = &self->c.a;
	struct pdt_status dead, st;
	struct ctx *c = &self->c;
	struct ioasid_line line;
	uint32_t hold = 1;
	int fd;

	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	fd = spawn_shared(_metadata, a);
	ASSERT_EQ(0, pdt_ioctl(fd, PDT_IOC_ENGINE, &eng));
	ASSERT_EQ(0, pdt_wait_engine(fd, PDT_CHANNEL_SELF, 10, 0, &st));

	ASSERT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_HOLD, 0, &hold));
	count_from_here(_metadata, c);
	pdt_worker_kill(a);
	ASSERT_EQ(0, pdt_get_status(fd, PDT_CHANNEL_SELF, &dead));
	EXPECT_EQ(1, dead.bound);
	ASSERT_EQ(0, pdt_wait_engine(fd, PDT_CHANNEL_SELF, 0, dead.fault + 100,
				     &st));
	EXPECT_EQ(dead.ok, st.ok);
	expect_quiet(_metadata, c, 0, 100);
	ASSERT_EQ(0, ioasid_get_line(a->pasid, &line));
	EXPECT_STREQ("free-pending", line.state);

	hold = 0;
	ASSERT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_HOLD, 0, &hold));
	ASSERT_EQ(0, pdt_stop(fd, PDT_CHANNEL_SELF));
	close(fd);
	synchronize(_metadata, c);
	EXPECT_EQ(-ENOENT, ioasid_get_line(a->pasid, &line));
}

/* From bind to free, as debugfs shows it */
TEST_F(life, states)
{
	struct pdt_worker *a = &self->c.a;
	struct ioasid_sums idle, sums;
	struct ioasid_line line;
	struct ctx *c = &self->c;
	struct pdt_status st;

	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	ASSERT_EQ(0, ioasid_get_sums(&idle));
	EXPECT_EQ(0, idle.pending);

	spawn(_metadata, a, WIDE, PAGE_A);
	ASSERT_EQ(0, ioasid_get_line(a->pasid, &line));
	EXPECT_STREQ("active", line.state);
	/* One of the IOMMU core for the attachment, one of the driver */
	EXPECT_EQ(2, line.refs);
	ASSERT_EQ(0, ioasid_get_sums(&sums));
	EXPECT_EQ(idle.used + 1, sums.used);
	EXPECT_EQ(idle.committed + 1, sums.committed);

	start_engine(_metadata, c, a, 0, PDT_VA, DMA_A);
	pdt_worker_kill(a);
	synchronize(_metadata, c);
	ASSERT_EQ(0, ioasid_get_line(a->pasid, &line));
	EXPECT_STREQ("free-pending", line.state);
	EXPECT_EQ(1, line.refs);
	ASSERT_EQ(0, pdt_get_status(c->wide, a->channel, &st));
	EXPECT_EQ(1, st.ref);
	ASSERT_EQ(0, ioasid_get_sums(&sums));
	EXPECT_EQ(idle.used + 1, sums.used);
	EXPECT_EQ(1, sums.pending);

	ASSERT_EQ(0, pdt_stop(c->wide, a->channel));
	synchronize(_metadata, c);
	EXPECT_EQ(-ENOENT, ioasid_get_line(a->pasid, &line));
	ASSERT_EQ(0, ioasid_get_sums(&sums));
	EXPECT_EQ(idle.used, sums.used);
	EXPECT_EQ(idle.committed, sums.committed);
	EXPECT_EQ(0, sums.pending);
}

/* Who may still find and hold the number of a dead process */
TEST_F(life, references)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	struct pdt_ioasid find = { .op = PDT_IOASID_FIND_MM };
	uint32_t value = 0;

	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	spawn(_metadata, a, WIDE, PAGE_A);
	find.id = a->pasid;
	ASSERT_EQ(0, pdt_worker_ioctl(a, PDT_IOC_IOASID, &find, sizeof(find)));
	EXPECT_EQ(1, find.value);
	ASSERT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_FIND_MM, a->pasid, &value));
	EXPECT_EQ(0, value);
	ASSERT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_GET, a->pasid, NULL));
	ASSERT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_ALIVE, a->pasid, &value));
	EXPECT_EQ(1, value);

	pdt_worker_kill(a);
	ASSERT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_ALIVE, a->pasid, &value));
	EXPECT_EQ(0, value);
	EXPECT_EQ(-ENOENT, pdt_ioasid(c->wide, PDT_IOASID_FIND_MM, a->pasid,
				      NULL));
	EXPECT_EQ(-EBUSY, pdt_ioasid(c->narrow, PDT_IOASID_GET, a->pasid,
				     NULL));
	/* It has its owner until the last reference is gone */
	synchronize(_metadata, c);
	EXPECT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_FIND_SET, a->pasid, NULL));

	ASSERT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_PUT, 0, NULL));
	synchronize(_metadata, c);
	EXPECT_EQ(-ENOENT, pdt_ioasid(c->wide, PDT_IOASID_FIND_SET, a->pasid,
				      NULL));
	EXPECT_EQ(-ENOENT, pdt_ioasid(c->narrow, PDT_IOASID_GET, a->pasid,
				      NULL));
}

/* What hardware is told at the death of one PASID on one device */
TEST_F(life, cost_of_a_death)
{
	bool pri = self->c.info.caps & PDT_CAPS_PRI;
	const struct pdt_machine *m = &pdt_machine;
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	__u64 *n = c->diff.count;

	spawn(_metadata, a, WIDE, PAGE_A);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, PDT_MODE_ATS,
					      PDT_VA, DMA_A));
	count_from_here(_metadata, c);
	pdt_worker_kill(a);
	synchronize(_metadata, c);
	count_to_here(_metadata, c);

	TH_LOG("%u commands: entries %u, TLB %u, device TLB %u, waits %u; %u doorbells",
	       pdt_commands(&c->diff), (unsigned int)n[m->entry],
	       (unsigned int)n[m->tlb], (unsigned int)n[m->devtlb],
	       (unsigned int)n[m->wait], (unsigned int)n[PDT_CNT_DOORBELL]);
	EXPECT_GE(m->death[pri], pdt_commands(&c->diff));
	EXPECT_GE(m->death_waits[pri], n[m->wait]);
	/* Nothing that must be told is left out */
	EXPECT_LE(1, n[m->entry]);
	EXPECT_LE(1, n[m->tlb]);
	EXPECT_LE(1, n[m->devtlb]);
	EXPECT_LE(1, n[m->wait]);
}

static uint32_t *attach_page(struct __test_metadata *_metadata, int fd,
			     struct pdt_attach *attach)
{
	uint32_t *page;

	attach->iova = IOVA;
	ASSERT_EQ(0, pdt_ioctl(fd, PDT_IOC_ATTACH, attach));
	page = mmap(NULL, PDT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, page);
	return page;
}

static uint32_t write_to(struct __test_metadata *_metadata, int fd,
			 uint64_t iova, uint32_t mode, uint32_t pattern)
{
	struct pdt_dma dma = {
		.iova = iova, .cmd = PDT_CMD_WRITE,
		.mode = mode | PDT_MODE_FILL, .len = LEN, .pattern = pattern,
	};

	EXPECT_EQ(0, pdt_ioctl(fd, PDT_IOC_DMA, &dma));
	return dma.status;
}

static uint32_t write_attached(struct __test_metadata *_metadata, int fd,
			       uint32_t mode, uint32_t pattern)
{
	return write_to(_metadata, fd, IOVA, mode, pattern);
}

/* A fault is reported with the owner of the number, but not a number's namesake */
TEST_F(life, fault_names_owner)
{
	struct pdt_worker *a = &self->c.a;
	struct pdt_attach attach = { };
	struct ctx *c = &self->c;
	unsigned int tries = 80;
	char line[64];

	spawn(_metadata, a, NARROW, PAGE_A);
	snprintf(line, sizeof(line), pdt_machine.owner, a->pasid);
	ASSERT_LE(0, kmsg_count(c->kmsg, pdt_machine.log));
	/* Other tests may have used up what is reported in five seconds */
	do {
		EXPECT_TRUE(write_once(_metadata, a, 0, VA_GONE, DMA_A) &
			    PDT_STATUS_FAULT);
		pdt_sleep_us(100000);
	} while (--tries && !kmsg_count(c->kmsg, line));
	EXPECT_NE(0, tries);

	attach.pasid = a->pasid;
	attach_page(_metadata, c->wide, &attach);
	EXPECT_TRUE(write_to(_metadata, c->wide, VA_GONE, 0, 1) &
		    PDT_STATUS_FAULT);
	pdt_sleep_us(50000);
	EXPECT_EQ(0, kmsg_count(c->kmsg, line));
}

/*
 * A driver may give one device a number of its own choosing. Whoever has the
 * same number as an IOASID elsewhere: his death does not touch this device,
 * and what this device does with it does not touch him.
 */
TEST_F(life, unmanaged)
{
	struct pdt_worker *a = &self->c.a;
	struct pdt_attach attach = { };
	struct ctx *c = &self->c;
	uint32_t *page;

	spawn(_metadata, a, NARROW, PAGE_A);
	attach.pasid = a->pasid;
	page = attach_page(_metadata, c->wide, &attach);
	EXPECT_EQ(PDT_STATUS_DONE, write_attached(_metadata, c->wide, 0, 1));
	EXPECT_EQ(1, page[0]);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, 0, PDT_VA, DMA_A));
	EXPECT_EQ(DMA_A, first_word(a));

	pdt_worker_kill(a);
	EXPECT_EQ(PDT_STATUS_DONE, write_attached(_metadata, c->wide, 0, 2));
	EXPECT_EQ(2, page[0]);
	synchronize(_metadata, c);
	EXPECT_EQ(PDT_STATUS_DONE, write_attached(_metadata, c->wide, 0, 3));
	EXPECT_EQ(PDT_STATUS_DONE, write_attached(_metadata, c->wide,
						  PDT_MODE_ATS, 4));
	EXPECT_EQ(4, page[0]);

	/* The other way round */
	ASSERT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_DETACH, NULL));
	spawn(_metadata, &self->c.b, NARROW, PAGE_B);
	attach.pasid = self->c.b.pasid;
	munmap(page, PDT_PAGE);
	page = attach_page(_metadata, c->wide, &attach);
	ASSERT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_DETACH, NULL));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, &self->c.b, 0, PDT_VA,
					      DMA_B));
	EXPECT_EQ(DMA_B, first_word(&self->c.b));
	munmap(page, PDT_PAGE);
}

/* A number that is freed while a kernel driver's domain is attached to it */
TEST_F(life, freed_while_attached)
{
	struct pdt_attach attach = { .flags = PDT_ATTACH_MANAGED };
	struct ctx *c = &self->c;
	struct ioasid_line line;
	uint32_t *page, *old, pasid;
	int i;

	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	/* A single number, so that the next owner gets it */
	lower_capacity(_metadata, c, 2);
	page = attach_page(_metadata, c->wide, &attach);
	EXPECT_EQ(PDT_STATUS_DONE, write_attached(_metadata, c->wide, 0, 1));
	EXPECT_EQ(PDT_STATUS_DONE, write_attached(_metadata, c->wide,
						  PDT_MODE_ATS, 2));
	EXPECT_EQ(2, page[0]);
	ASSERT_EQ(0, ioasid_get_line(attach.pasid, &line));
	EXPECT_STREQ("active", line.state);

	count_from_here(_metadata, c);
	ASSERT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_FREE, NULL));
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(PDT_STATUS_DONE | PDT_STATUS_FAULT,
			  write_attached(_metadata, c->wide, 0, 3) & 0xff);
		EXPECT_EQ(PDT_STATUS_DONE | PDT_STATUS_FAULT,
			  write_attached(_metadata, c->wide, PDT_MODE_ATS, 3) &
			  0xff);
	}
	EXPECT_EQ(2, page[0]);
	expect_quiet(_metadata, c, 0, 100);
	ASSERT_EQ(0, ioasid_get_line(attach.pasid, &line));
	EXPECT_STREQ("free-pending", line.state);

	/* A detach after that has nothing to tell hardware */
	count_from_here(_metadata, c);
	ASSERT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_DETACH, NULL));
	count_to_here(_metadata, c);
	EXPECT_EQ(0, pdt_commands(&c->diff));
	synchronize(_metadata, c);
	EXPECT_EQ(-ENOENT, ioasid_get_line(attach.pasid, &line));

	/*
	 * The next owner of the number: nothing of the last one is cached. The
	 * old page stays mapped here, so that it cannot be the new one.
	 */
	old = page;
	pasid = attach.pasid;
	page = attach_page(_metadata, c->wide, &attach);
	EXPECT_EQ(pasid, attach.pasid);
	EXPECT_EQ(PDT_STATUS_DONE, write_attached(_metadata, c->wide, 0, 4));
	EXPECT_EQ(4, page[0]);
	EXPECT_EQ(PDT_STATUS_DONE, write_attached(_metadata, c->wide,
						  PDT_MODE_ATS, 5));
	EXPECT_EQ(5, page[0]);
	EXPECT_EQ(2, old[0]);
	ASSERT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_FREE, NULL));
	ASSERT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_DETACH, NULL));
	munmap(page, PDT_PAGE);
	munmap(old, PDT_PAGE);
}

/* A reset of the device stops its engines and leaves the bonds alone */
TEST_F(life, reset)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	struct pdt_status st;
	uint32_t pasid;
	int ret;

	spawn(_metadata, a, WIDE, PAGE_A);
	pasid = a->pasid;
	start_engine(_metadata, c, a, PDT_MODE_ATS, PDT_VA, DMA_A);
	ret = pdt_sysfs_write(WIDE, "reset", "1");
	if (ret == -ENOENT)
		SKIP(return, "the device cannot be reset");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, pdt_get_status(c->wide, a->channel, &st));
	EXPECT_EQ(0, st.running);
	EXPECT_EQ(1, st.bound);
	EXPECT_EQ(pasid, st.pasid);
	ASSERT_EQ(0, pdt_do(a, PDT_OP_FILL, PDT_VA, PAGE_A));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, 0, PDT_VA, DMA_A));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, PDT_MODE_ATS,
					      PDT_VA, DMA_A));
	EXPECT_EQ(WORDS, diff(a, PAGE_A));
}

/* A reset re-attaches the PASID of a dead process: it must stay dead */
TEST_F(life, reset_of_the_dead)
{
	struct pdt_dma dma = {
		.iova = PDT_VA, .cmd = PDT_CMD_WRITE, .mode = PDT_MODE_FILL,
		.len = LEN, .pattern = DMA_A,
	};
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	int fd, i, ret;

	/* 7.3.4 makes the entry live again, with what is left of the mm */
	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	fd = spawn_shared(_metadata, a);
	count_from_here(_metadata, c);
	pdt_worker_kill(a);
	ret = pdt_sysfs_write(WIDE, "reset", "1");
	if (ret == -ENOENT) {
		close(fd);
		SKIP(return, "the device cannot be reset");
	}
	ASSERT_EQ(0, ret);
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, pdt_ioctl(fd, PDT_IOC_DMA, &dma));
		EXPECT_TRUE(dma.status & PDT_STATUS_FAULT);
	}
	expect_quiet(_metadata, c, 0, 100);
	close(fd);
}

int main(int argc, char **argv)
{
	pdt_worker_main(argc, argv);
	return test_harness_run(argc, argv);
}
