// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine goes to sleep but for the very last step, and wakes up: devices are
 * stopped, the IOMMU is flushed, switched off and set up again. The tables in
 * memory say who lives and who is dead.
 *
 * Needs the PASID test device, see ioasid_sva.c.
 */
#include "ioasid_sva_utils.h"

/* Not there yet */
#define VA_NEW		0x510000000000UL

#define NO_SLEEP	"this machine does not sleep"

static void write_file(struct __test_metadata *_metadata, const char *path,
		       const char *text)
{
	int fd = open(path, O_WRONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(strlen(text), write(fd, text, strlen(text)));
	close(fd);
}

FIXTURE(sleep)
{
	struct ctx c;
	uint32_t mode;
};

FIXTURE_SETUP(sleep)
{
	ctx_setup(_metadata, &self->c);
	if (access("/sys/power/pm_test", W_OK))
		SKIP(return, NO_SLEEP);
	self->mode = PDT_MODE_ATS;
	if (self->c.info.caps & PDT_CAPS_PRI)
		self->mode |= PDT_MODE_PRI;
	write_file(_metadata, "/sys/power/pm_test", "core");
}

FIXTURE_TEARDOWN(sleep)
{
	ctx_teardown(_metadata, &self->c);
}

/* A page that is not there is asked for, and comes, as before */
TEST_F_TIMEOUT(sleep, page_requests, 120)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;

	if (!(c->info.caps & PDT_CAPS_PRI))
		SKIP(return, "the device has no page requests");
	spawn(_metadata, a, WIDE, PAGE_A);
	ASSERT_EQ(0, pdt_do(a, PDT_OP_RESERVE, VA_NEW, 2));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, self->mode, VA_NEW,
					      DMA_A));
	write_file(_metadata, "/sys/power/state", "mem");
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, self->mode,
					      VA_NEW + PDT_PAGE, DMA_A));
	EXPECT_EQ(DMA_A, (uint32_t)pdt_ask(a, PDT_OP_PEEK, VA_NEW + PDT_PAGE, 0));
}

/* Who lived goes on, who was dead stays so, and who dies now dies as ever */
TEST_F_TIMEOUT(sleep, and_wake, 120)
{
	struct pdt_engine eng = endless(self->mode, PDT_VA, DMA_A);
	struct pdt_worker *a = &self->c.a, *b = &self->c.b, *w = self->c.more;
	struct pdt_dma dma = {
		.iova = PDT_VA, .cmd = PDT_CMD_WRITE,
		.mode = self->mode | PDT_MODE_FILL, .len = LEN, .pattern = DMA_A,
	};
	struct pdt_status dead, st;
	struct ctx *c = &self->c;
	struct ioasid_line line;
	int fd;

	/* There the dead are not quiet */
	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	spawn(_metadata, b, WIDE, PAGE_B);
	spawn(_metadata, w, NARROW, PAGE_A);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, self->mode, PDT_VA,
					      DMA_B));
	fd = spawn_shared(_metadata, a);
	EXPECT_EQ(0, pdt_ioctl(fd, PDT_IOC_DMA, &dma));
	EXPECT_EQ(PDT_STATUS_DONE, dma.status);
	pdt_worker_kill(a);
	synchronize(_metadata, c);

	write_file(_metadata, "/sys/power/state", "mem");

	ASSERT_EQ(0, pdt_do(b, PDT_OP_FILL, PDT_VA, PAGE_B));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, self->mode, PDT_VA,
					      DMA_B));
	EXPECT_EQ(WORDS, diff(b, PAGE_B));
	count_from_here(_metadata, c);
	EXPECT_EQ(0, ioasid_get_line(a->pasid, &line));
	EXPECT_EQ(0, pdt_ioctl(fd, PDT_IOC_DMA, &dma));
	EXPECT_TRUE(dma.status & PDT_STATUS_FAULT);
	dma.mode = PDT_MODE_FILL;
	EXPECT_EQ(0, pdt_ioctl(fd, PDT_IOC_DMA, &dma));
	EXPECT_TRUE(dma.status & PDT_STATUS_FAULT);

	eng.mode = PDT_MODE_ATS | PDT_MODE_FILL;
	ASSERT_EQ(0, pdt_worker_engine(w, &eng));
	ASSERT_EQ(0, pdt_wait_engine(c->narrow, w->channel, 10, 0, &st));
	pdt_worker_kill(w);
	ASSERT_EQ(0, pdt_get_status(c->narrow, w->channel, &dead));
	ASSERT_EQ(0, pdt_wait_engine(c->narrow, w->channel, 0, dead.fault + 100, &st));
	EXPECT_EQ(dead.ok, st.ok);
	expect_quiet(_metadata, c, 0, 1);
	close(fd);
	synchronize(_metadata, c);
	EXPECT_EQ(-ENOENT, ioasid_get_line(a->pasid, &line));
}

int main(int argc, char **argv)
{
	pdt_worker_main(argc, argv);
	return test_harness_run(argc, argv);
}
