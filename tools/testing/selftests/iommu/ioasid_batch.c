// SPDX-License-Identifier: GPL-2.0-only
/*
 * The death of a set with many PASIDs on several devices: nothing of it is left
 * in hardware, others lose nothing, and it costs a number of invalidations that
 * does not grow with the number of PASIDs.
 *
 * Needs four PASID test devices with 20 bits of PASID behind one IOMMU, see
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

struct scene {
	int fd[DEVICES];
	/* Another owner on the first device, with a page of his own */
	int other;
	uint32_t *other_page;
	uint32_t *page;
	int kmsg;
	struct pdt_counters before;
	struct pdt_counters diff;
};

struct shape {
	unsigned int pasids;
	unsigned int devices;
	unsigned int domains;
};

FIXTURE(batch)
{
	struct scene scene;
};

FIXTURE_VARIANT(batch)
{
	struct shape shape;
};

FIXTURE_VARIANT_ADD(batch, 1_pasids_1_devices_1_domains)
{
	.shape = { .pasids = 1, .devices = 1, .domains = 1 },
};

FIXTURE_VARIANT_ADD(batch, 1_pasids_4_devices_1_domains)
{
	.shape = { .pasids = 1, .devices = 4, .domains = 1 },
};

FIXTURE_VARIANT_ADD(batch, 16_pasids_1_devices_1_domains)
{
	.shape = { .pasids = 16, .devices = 1, .domains = 1 },
};

FIXTURE_VARIANT_ADD(batch, 16_pasids_4_devices_1_domains)
{
	.shape = { .pasids = 16, .devices = 4, .domains = 1 },
};

FIXTURE_VARIANT_ADD(batch, 17_pasids_1_devices_1_domains)
{
	.shape = { .pasids = 17, .devices = 1, .domains = 1 },
};

FIXTURE_VARIANT_ADD(batch, 256_pasids_1_devices_1_domains)
{
	.shape = { .pasids = 256, .devices = 1, .domains = 1 },
};

FIXTURE_VARIANT_ADD(batch, 256_pasids_4_devices_1_domains)
{
	.shape = { .pasids = 256, .devices = 4, .domains = 1 },
};

FIXTURE_VARIANT_ADD(batch, 256_pasids_4_devices_8_domains)
{
	.shape = { .pasids = 256, .devices = 4, .domains = 8 },
};

FIXTURE_VARIANT_ADD(batch, 64_pasids_4_devices_16_domains)
{
	.shape = { .pasids = 64, .devices = 4, .domains = 16 },
};

FIXTURE_VARIANT_ADD(batch, 64_pasids_4_devices_32_domains)
{
	.shape = { .pasids = 64, .devices = 4, .domains = 32 },
};

/* Each domain has one: that one by one is not more than all of it */
FIXTURE_VARIANT_ADD(batch, 16_pasids_1_devices_16_domains)
{
	.shape = { .pasids = 16, .devices = 1, .domains = 16 },
};

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

FIXTURE_SETUP(batch)
{
	const struct shape *shape = &variant->shape;
	struct scene *s = &self->scene;
	struct pdt_crowd_op make = {
		.op = PDT_CROWD_MAKE, .iova = IOVA, .n = shape->pasids,
		.domains = shape->domains,
	};
	struct pdt_attach attach = { .iova = IOVA, .flags = PDT_ATTACH_MANAGED };
	unsigned int d, nr = 0;

	for (d = 0; d < DEVICES; d++) {
		s->fd[d] = pdt_open_wide(&nr);
		ASSERT_LE(0, s->fd[d]);
	}
	s->kmsg = kmsg_open();
	ASSERT_LE(0, s->kmsg);
	s->other = pdt_open(0);
	ASSERT_LE(0, s->other);
	ASSERT_EQ(0, pdt_ioctl(s->other, PDT_IOC_ATTACH, &attach));
	s->other_page = map_page(_metadata, s->other);

	ASSERT_EQ(0, pdt_ioctl(s->fd[0], PDT_IOC_CROWD, &make));
	for (d = 0; d < shape->devices; d++)
		ASSERT_EQ(0, pdt_crowd(s->fd[d], PDT_CROWD_ATTACH, 0));
	s->page = map_page(_metadata, s->fd[0]);
}

FIXTURE_TEARDOWN(batch)
{
	struct scene *s = &self->scene;
	unsigned int d;

	munmap(s->page, PDT_PAGE);
	munmap(s->other_page, PDT_PAGE);
	for (d = DEVICES; d--;)
		close(s->fd[d]);
	close(s->other);
	close(s->kmsg);
}

static void count_from_here(struct __test_metadata *_metadata,
			    struct scene *s)
{
	ASSERT_LE(0, kmsg_count(s->kmsg, pdt_machine.log));
	ASSERT_EQ(0, pdt_ioctl(s->other, PDT_IOC_COUNTERS, &s->before));
}

static void count_to_here(struct __test_metadata *_metadata,
			  struct scene *s)
{
	struct pdt_counters now;

	ASSERT_EQ(0, pdt_ioctl(s->other, PDT_IOC_COUNTERS, &now));
	pdt_counters_diff(&s->before, &now, &s->diff);
}

/*
 * Each PASID of each device writes once, with translations of the IOMMU and
 * with those of the device. Returns how many writes were done.
 */
static unsigned int all_write(struct __test_metadata *_metadata,
			      struct scene *s, const struct shape *shape,
			      uint32_t pattern)
{
	unsigned int d, i, done = 0;

	for (d = 0; d < shape->devices; d++) {
		for (i = 0; i < shape->pasids; i++) {
			ASSERT_EQ(0, pdt_crowd(s->fd[d], PDT_CROWD_USE, i));
			done += write_with(_metadata, s->fd[d], 0, pattern) ==
				PDT_STATUS_DONE;
			done += write_with(_metadata, s->fd[d], PDT_MODE_ATS,
					   pattern) == PDT_STATUS_DONE;
		}
	}
	return done;
}

static void other_writes(struct __test_metadata *_metadata,
			 struct scene *s, uint32_t pattern)
{
	EXPECT_EQ(PDT_STATUS_DONE,
		  write_with(_metadata, s->other, PDT_MODE_ATS, pattern));
	EXPECT_EQ(pattern, s->other_page[0]);
}

/* From the death of the set on nobody gets through, however well cached */
TEST_F(batch, dead)
{
	const struct shape *shape = &variant->shape;
	struct scene *s = &self->scene;
	unsigned int all = 2 * shape->pasids * shape->devices;

	other_writes(_metadata, s, FIRST);
	EXPECT_EQ(all, all_write(_metadata, s, shape, FIRST));
	EXPECT_EQ(FIRST, s->page[0]);
	s->page[0] = 0;

	count_from_here(_metadata, s);
	ASSERT_EQ(0, pdt_crowd(s->fd[0], PDT_CROWD_FREE, 0));
	EXPECT_EQ(0, all_write(_metadata, s, shape, LATE));
	EXPECT_EQ(0, s->page[0]);
	count_to_here(_metadata, s);
	EXPECT_EQ(0, kmsg_count(s->kmsg, pdt_machine.log));
	EXPECT_EQ(0, s->diff.count[PDT_CNT_FAULT_IRQ]);
	EXPECT_EQ(0, s->diff.count[PDT_CNT_FAULT_RECORD]);
	/* SMMUv3 counts no faults of translation requests among them */
	EXPECT_LE(all / 2, s->diff.count[PDT_CNT_FAULT_FPD]);
	EXPECT_EQ(all / 2, s->diff.count[PDT_CNT_ATS_FAIL]);
	other_writes(_metadata, s, LATE);
}

/* What the hardware was told, by type: VT-d */
static void expect_cost_vtd(struct __test_metadata *_metadata,
			    const struct shape *shape,
			    const struct pdt_counters *diff)
{
	unsigned int n = shape->pasids, dev = shape->devices;
	unsigned int g = shape->domains, submissions, total;
	bool few = n <= SELECTIVE;
	const __u64 *count = diff->count;

	EXPECT_EQ(few ? n : g, count[PDT_CNT_VTD_PC]);
	EXPECT_EQ(few ? n : 0, count[PDT_CNT_VTD_PIOTLB]);
	EXPECT_EQ(few ? 0 : g, count[PDT_CNT_VTD_IOTLB]);
	EXPECT_EQ(few ? n * dev : 0, count[PDT_CNT_VTD_DEV_PIOTLB]);
	EXPECT_EQ(few ? 0 : dev, count[PDT_CNT_VTD_DEVTLB]);
	/* One submission for the IOTLB, which has a fence in it, one for devices */
	total = pdt_commands(diff) - pdt_waits(diff);
	submissions = 2 + total / BATCH;
	EXPECT_GE(submissions, count[PDT_CNT_DOORBELL]);
	EXPECT_EQ(count[PDT_CNT_DOORBELL] + 1, pdt_waits(diff));
	if (!few)
		EXPECT_GE(5 + 3 * g + 2 * dev, pdt_commands(diff));
}

/* The same for SMMUv3, whose devices have one stream each */
static void expect_cost_smmu(struct __test_metadata *_metadata,
			     const struct shape *shape,
			     const struct pdt_counters *diff)
{
	unsigned int n = shape->pasids, dev = shape->devices;
	unsigned int g = shape->domains;
	bool few = n <= SELECTIVE;
	const __u64 *count = diff->count;

	EXPECT_EQ(few ? n * dev : 0, count[PDT_CNT_SMMU_CFGI_CD]);
	EXPECT_EQ(few ? 0 : dev, count[PDT_CNT_SMMU_CFGI_CD_ALL]);
	EXPECT_EQ(g <= SELECTIVE ? g : 0, count[PDT_CNT_SMMU_TLBI_NH_ASID]);
	EXPECT_EQ(g <= SELECTIVE ? 0 : 1, count[PDT_CNT_SMMU_TLBI_NH_ALL]);
	EXPECT_EQ(few ? n * dev : dev, count[PDT_CNT_SMMU_ATC_INV]);
	EXPECT_EQ(2, pdt_waits(diff));
	if (!few)
		EXPECT_GE(2 * dev + (g <= SELECTIVE ? g + 2 : 3), pdt_commands(diff));
}

/* And that a detach has nothing to add */
TEST_F(batch, cost)
{
	const struct shape *shape = &variant->shape;
	struct scene *s = &self->scene;
	unsigned int d;

	all_write(_metadata, s, shape, FIRST);
	count_from_here(_metadata, s);
	ASSERT_EQ(0, pdt_crowd(s->fd[0], PDT_CROWD_FREE, 0));
	count_to_here(_metadata, s);

	TH_LOG("%u commands, %u of them waits, %u doorbells",
	       pdt_commands(&s->diff), pdt_waits(&s->diff),
	       (unsigned int)s->diff.count[PDT_CNT_DOORBELL]);
	if (s->diff.count[PDT_CNT_SMMU_SYNC])
		expect_cost_smmu(_metadata, shape, &s->diff);
	else
		expect_cost_vtd(_metadata, shape, &s->diff);

	count_from_here(_metadata, s);
	for (d = 0; d < shape->devices; d++)
		EXPECT_EQ(0, pdt_crowd(s->fd[d], PDT_CROWD_DETACH, 0));
	count_to_here(_metadata, s);
	EXPECT_EQ(0, pdt_commands(&s->diff));
}

/*
 * A domain that the PASIDs of a set share with a number that their driver has
 * chosen: that one goes on, and fills the IOTLB again after the death of the
 * set. What tags the domain's translations is that of another domain next.
 */
TEST(shared_domain)
{
	struct pdt_crowd_op make = {
		.op = PDT_CROWD_MAKE, .iova = IOVA, .n = 1, .domains = 1,
	};
	uint32_t *old, *page;
	unsigned int nr = 0;
	int dead, lives;

	dead = pdt_open_wide(&nr);
	lives = pdt_open_wide(&nr);
	ASSERT_LE(0, dead);
	ASSERT_LE(0, lives);
	ASSERT_EQ(0, pdt_ioctl(dead, PDT_IOC_CROWD, &make));
	ASSERT_EQ(0, pdt_crowd(dead, PDT_CROWD_ATTACH, 0));
	ASSERT_EQ(0, pdt_crowd(lives, PDT_CROWD_ATTACH_OWN, 0));
	ASSERT_EQ(0, pdt_crowd(dead, PDT_CROWD_USE, 0));
	ASSERT_EQ(0, pdt_crowd(lives, PDT_CROWD_USE, 0));
	old = map_page(_metadata, lives);

	ASSERT_EQ(0, pdt_crowd(dead, PDT_CROWD_FREE, 0));
	EXPECT_TRUE(write_with(_metadata, dead, 0, LATE) & PDT_STATUS_FAULT);
	EXPECT_EQ(PDT_STATUS_DONE, write_with(_metadata, lives, 0, FIRST));
	EXPECT_EQ(FIRST, old[0]);
	ASSERT_EQ(0, pdt_crowd(dead, PDT_CROWD_DETACH, 0));
	EXPECT_EQ(PDT_STATUS_DONE, write_with(_metadata, lives, 0, FIRST));
	ASSERT_EQ(0, pdt_crowd(lives, PDT_CROWD_DETACH, 0));
	close(dead);

	/* The old page is still mapped here, so that it cannot be the new one */
	nr = 0;
	dead = pdt_open_wide(&nr);
	ASSERT_LE(0, dead);
	ASSERT_EQ(0, pdt_ioctl(dead, PDT_IOC_CROWD, &make));
	ASSERT_EQ(0, pdt_crowd(lives, PDT_CROWD_ATTACH, 0));
	ASSERT_EQ(0, pdt_crowd(lives, PDT_CROWD_USE, 0));
	page = map_page(_metadata, lives);
	EXPECT_EQ(PDT_STATUS_DONE, write_with(_metadata, lives, 0, LATE));
	EXPECT_EQ(LATE, page[0]);
	EXPECT_EQ(FIRST, old[0]);
	munmap(page, PDT_PAGE);
	munmap(old, PDT_PAGE);
	close(lives);
	close(dead);
}

TEST_HARNESS_MAIN
