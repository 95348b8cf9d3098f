// SPDX-License-Identifier: GPL-2.0-only
/*
 * The death of a set with many PASIDs on several devices: nothing of it is left
 * in hardware, others lose nothing, and it costs a number of invalidations that
 * does not grow with the number of PASIDs.
 *
 * Needs four PASID test devices with 20 bits of PASID behind one VT-d, see
 * ioasid_sva.c.
 */
#include <sys/mman.h>

#include "../kselftest_harness.h"
#include "ioasid_look.h"

#define DEVICES		4
#define IOVA		0x7000000000UL
#define LEN		64
#define FIRST		0x01010101
#define LATE		0x1a1a1a1a
/* As many PASIDs of an IOMMU or a device are invalidated one by one */
#define SELECTIVE	16
/* Descriptors that one submission has room for, besides its wait */
#define BATCH		63

FIXTURE(batch)
{
	int fd[DEVICES];
	/* Another owner on the first device, with a page of his own */
	int other;
	uint32_t *other_page;
	uint32_t *page;
	int kmsg;
	struct pdt_counters before;
	struct pdt_counters diff;
};

FIXTURE_VARIANT(batch)
{
	unsigned int pasids;
	unsigned int devices;
	unsigned int domains;
};

#define VARIANT(n, d, g)						\
	FIXTURE_VARIANT_ADD(batch, n##_pasids_##d##_devices_##g##_domains) \
	{								\
		.pasids = n, .devices = d, .domains = g,		\
	}

VARIANT(1, 1, 1);
VARIANT(1, 4, 1);
VARIANT(16, 1, 1);
VARIANT(16, 4, 1);
VARIANT(17, 1, 1);
VARIANT(256, 1, 1);
VARIANT(256, 4, 1);
VARIANT(256, 4, 8);
VARIANT(64, 4, 16);
/* Each domain has one: that one by one is not more than all of it */
VARIANT(16, 1, 16);

static int crowd(int fd, uint32_t op, uint32_t n)
{
	struct pdt_crowd_op c = { .op = op, .n = n };

	return pdt_ioctl(fd, PDT_IOC_CROWD, &c);
}

static void *map_page(struct __test_metadata *_metadata, int fd)
{
	void *page = mmap(NULL, PDT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, page);
	return page;
}

static uint32_t write_with(struct __test_metadata *_metadata, int fd,
			   uint32_t mode, uint32_t pattern)
{
	struct pdt_dma dma = {
		.iova = IOVA, .cmd = PDT_CMD_WRITE,
		.mode = mode | PDT_MODE_FILL, .len = LEN, .pattern = pattern,
	};

	EXPECT_EQ(0, pdt_ioctl(fd, PDT_IOC_DMA, &dma));
	return dma.status;
}

/* The next device from @nr on that has enough PASIDs */
static int open_wide(struct __test_metadata *_metadata, unsigned int *nr)
{
	struct pdt_info info;
	int fd;

	for (;;) {
		fd = pdt_open((*nr)++);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, pdt_ioctl(fd, PDT_IOC_INFO, &info));
		if (info.max_pasids > 1024)
			return fd;
		close(fd);
	}
}

FIXTURE_SETUP(batch)
{
	struct pdt_crowd_op make = {
		.op = PDT_CROWD_MAKE, .iova = IOVA, .n = variant->pasids,
		.domains = variant->domains,
	};
	struct pdt_attach attach = { .iova = IOVA, .flags = PDT_ATTACH_MANAGED };
	unsigned int d, nr = 0;

	for (d = 0; d < DEVICES; d++)
		self->fd[d] = open_wide(_metadata, &nr);
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
	self->other = pdt_open(0);
	ASSERT_LE(0, self->other);
	ASSERT_EQ(0, pdt_ioctl(self->other, PDT_IOC_ATTACH, &attach));
	self->other_page = map_page(_metadata, self->other);

	ASSERT_EQ(0, pdt_ioctl(self->fd[0], PDT_IOC_CROWD, &make));
	for (d = 0; d < variant->devices; d++)
		ASSERT_EQ(0, crowd(self->fd[d], PDT_CROWD_ATTACH, 0));
	self->page = map_page(_metadata, self->fd[0]);
}

FIXTURE_TEARDOWN(batch)
{
	unsigned int d;

	munmap(self->page, PDT_PAGE);
	munmap(self->other_page, PDT_PAGE);
	for (d = DEVICES; d--;)
		close(self->fd[d]);
	close(self->other);
	close(self->kmsg);
}

static void count_from_here(struct __test_metadata *_metadata,
			    FIXTURE_DATA(batch) *self)
{
	ASSERT_LE(0, kmsg_count(self->kmsg, "DMAR:"));
	ASSERT_EQ(0, pdt_ioctl(self->other, PDT_IOC_COUNTERS, &self->before));
}

static void count_to_here(struct __test_metadata *_metadata,
			  FIXTURE_DATA(batch) *self)
{
	struct pdt_counters now;

	ASSERT_EQ(0, pdt_ioctl(self->other, PDT_IOC_COUNTERS, &now));
	pdt_counters_diff(&self->before, &now, &self->diff);
}

/*
 * Each PASID of each device writes once, with translations of the IOMMU and
 * with those of the device. Returns how many writes were done.
 */
static unsigned int all_write(struct __test_metadata *_metadata,
			      FIXTURE_DATA(batch) *self,
			      const FIXTURE_VARIANT(batch) *variant,
			      uint32_t pattern)
{
	unsigned int d, i, done = 0;

	for (d = 0; d < variant->devices; d++) {
		for (i = 0; i < variant->pasids; i++) {
			ASSERT_EQ(0, crowd(self->fd[d], PDT_CROWD_USE, i));
			done += write_with(_metadata, self->fd[d], 0, pattern) ==
				PDT_STATUS_DONE;
			done += write_with(_metadata, self->fd[d], PDT_MODE_ATS,
					   pattern) == PDT_STATUS_DONE;
		}
	}
	return done;
}

static void other_writes(struct __test_metadata *_metadata,
			 FIXTURE_DATA(batch) *self, uint32_t pattern)
{
	EXPECT_EQ(PDT_STATUS_DONE,
		  write_with(_metadata, self->other, PDT_MODE_ATS, pattern));
	EXPECT_EQ(pattern, self->other_page[0]);
}

/* From the death of the set on nobody gets through, however well cached */
TEST_F(batch, dead)
{
	unsigned int all = 2 * variant->pasids * variant->devices;

	other_writes(_metadata, self, FIRST);
	EXPECT_EQ(all, all_write(_metadata, self, variant, FIRST));
	EXPECT_EQ(FIRST, self->page[0]);
	self->page[0] = 0;

	count_from_here(_metadata, self);
	ASSERT_EQ(0, crowd(self->fd[0], PDT_CROWD_FREE, 0));
	EXPECT_EQ(0, all_write(_metadata, self, variant, LATE));
	EXPECT_EQ(0, self->page[0]);
	count_to_here(_metadata, self);
	EXPECT_EQ(0, kmsg_count(self->kmsg, "DMAR:"));
	EXPECT_EQ(0, self->diff.count[PDT_CNT_FAULT_IRQ]);
	EXPECT_EQ(0, self->diff.count[PDT_CNT_FAULT_RECORD]);
	EXPECT_EQ(all, self->diff.count[PDT_CNT_FAULT_FPD]);
	EXPECT_EQ(all / 2, self->diff.count[PDT_CNT_ATS_FAIL]);
	other_writes(_metadata, self, LATE);
}

/* What the hardware was told, by type; and that a detach has nothing to add */
TEST_F(batch, cost)
{
	unsigned int n = variant->pasids, dev = variant->devices;
	unsigned int g = variant->domains, d, submissions, total;
	bool few = n <= SELECTIVE;
	__u64 *count = self->diff.count;

	all_write(_metadata, self, variant, FIRST);
	count_from_here(_metadata, self);
	ASSERT_EQ(0, crowd(self->fd[0], PDT_CROWD_FREE, 0));
	count_to_here(_metadata, self);

	TH_LOG("%u descriptors, %u of them waits, %u doorbells",
	       pdt_vtd_descriptors(&self->diff),
	       (unsigned int)count[PDT_CNT_VTD_WAIT],
	       (unsigned int)count[PDT_CNT_DOORBELL]);
	EXPECT_EQ(few ? n : g, count[PDT_CNT_VTD_PC]);
	EXPECT_EQ(few ? n : 0, count[PDT_CNT_VTD_PIOTLB]);
	EXPECT_EQ(few ? 0 : g, count[PDT_CNT_VTD_IOTLB]);
	EXPECT_EQ(few ? n * dev : 0, count[PDT_CNT_VTD_DEV_PIOTLB]);
	EXPECT_EQ(few ? 0 : dev, count[PDT_CNT_VTD_DEVTLB]);
	/* One submission for the IOTLB, which has a fence in it, one for devices */
	total = pdt_vtd_descriptors(&self->diff) - count[PDT_CNT_VTD_WAIT];
	submissions = 2 + total / BATCH;
	EXPECT_GE(submissions, count[PDT_CNT_DOORBELL]);
	EXPECT_EQ(count[PDT_CNT_DOORBELL] + 1, count[PDT_CNT_VTD_WAIT]);
	if (!few)
		EXPECT_GE(5 + 3 * g + 2 * dev, pdt_vtd_descriptors(&self->diff));

	count_from_here(_metadata, self);
	for (d = 0; d < dev; d++)
		EXPECT_EQ(0, crowd(self->fd[d], PDT_CROWD_DETACH, 0));
	count_to_here(_metadata, self);
	EXPECT_EQ(0, pdt_vtd_descriptors(&self->diff));
}

TEST_HARNESS_MAIN
