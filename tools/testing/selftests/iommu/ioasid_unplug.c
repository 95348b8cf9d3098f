// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device is pulled out of its slot while PASIDs of it live and die. Nobody
 * puts it back, so this is for a machine that is not used for anything else.
 *
 * Needs the PASID test device, see ioasid_sva.c, and a third one behind a
 * hot-plug port.
 */
#include <limits.h>

#include "ioasid_sva_utils.h"

#define PLUGGED		2

#define NO_SLOT		"there is no device in a slot"

/* PCIe 6.0, section 7.5.3.10 */
#define CAP_EXP			0x10
#define EXP_SLTCTL		0x18
#define SLTCTL_HPIE		0x20
#define SLTCTL_PWR_IND_OFF	0x300
#define SLTCTL_PWR_OFF		0x400

FIXTURE(unplug)
{
	struct ctx c;
	int plugged;
	char dev[PATH_MAX];
	/* Configuration space of the port, and where Slot Control is */
	int port;
	off_t sltctl;
};

FIXTURE_SETUP(unplug)
{
	char link[64], path[PATH_MAX + 16];
	uint8_t cap = 0;

	ctx_setup(_metadata, &self->c);
	self->plugged = pdt_open(PLUGGED);
	if (self->plugged < 0)
		SKIP(return, NO_SLOT);
	snprintf(link, sizeof(link), "/sys/class/misc/pasid-testdev%u/device", PLUGGED);
	ASSERT_TRUE(realpath(link, self->dev));
	snprintf(path, sizeof(path), "%s/../config", self->dev);
	self->port = open(path, O_RDWR);
	ASSERT_LE(0, self->port);
	ASSERT_EQ(1, pread(self->port, &cap, 1, 0x34));
	self->sltctl = 0;
	while (cap && !self->sltctl) {
		uint8_t head[2];

		ASSERT_EQ(2, pread(self->port, head, 2, cap));
		if (head[0] == CAP_EXP)
			self->sltctl = cap + EXP_SLTCTL;
		cap = head[1];
	}
	ASSERT_NE(0, self->sltctl);
}

FIXTURE_TEARDOWN(unplug)
{
	close(self->plugged);
	close(self->port);
	ctx_teardown(_metadata, &self->c);
}

/*
 * The emulated port lets go of a device without power. Back on, so that the
 * kernel does not take it for its own doing; and it hears of it only then, as
 * it believes that a slot without power is one that it has emptied already.
 */
static void pull(struct __test_metadata *_metadata, int port, off_t sltctl)
{
	uint16_t on, off;

	ASSERT_EQ(2, pread(port, &on, 2, sltctl));
	off = (on | SLTCTL_PWR_OFF | SLTCTL_PWR_IND_OFF) & ~SLTCTL_HPIE;
	ASSERT_EQ(2, pwrite(port, &off, 2, sltctl));
	ASSERT_EQ(2, pwrite(port, &on, 2, sltctl));
}

static bool is_gone(const char *path)
{
	uint64_t end = pdt_now_us() + 20000000;

	while (pdt_now_us() < end) {
		if (access(path, F_OK))
			return true;
		pdt_sleep_us(10000);
	}
	return false;
}

/*
 * One process uses two devices. It is killed just when one of them is pulled
 * out, so that nobody answers there; the flush of the other one is done all the
 * same. One dies later, when the kernel has found out, and one does not die.
 */
TEST_F_TIMEOUT(unplug, while_dying, 120)
{
	struct pdt_worker *a = &self->c.a, *b = &self->c.b, *w = self->c.more;
	struct pdt_status dead, st;
	struct ctx *c = &self->c;
	struct ioasid_line line;

	/* There the dead are not quiet */
	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	spawn(_metadata, b, WIDE, PAGE_B);
	spawn(_metadata, w, PLUGGED, PAGE_A);
	spawn(_metadata, a, PLUGGED, PAGE_A);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, PDT_MODE_ATS, PDT_VA,
					      DMA_A));
	ASSERT_EQ(0, pdt_do(a, PDT_OP_OPEN, WIDE, 0));
	ASSERT_EQ(0, pdt_worker_bind(a));
	start_engine(_metadata, c, a, PDT_MODE_ATS, PDT_VA, DMA_A);

	count_from_here(_metadata, c);
	pull(_metadata, self->port, self->sltctl);
	pdt_worker_kill(a);
	ASSERT_EQ(0, pdt_get_status(c->wide, a->channel, &dead));
	ASSERT_EQ(0, pdt_wait_engine(c->wide, a->channel, 0, dead.fault + 100, &st));
	EXPECT_EQ(dead.ok, st.ok);
	expect_quiet(_metadata, c, PDT_MODE_ATS, 100);

	EXPECT_TRUE(is_gone(self->dev));
	pdt_worker_kill(w);
	close(self->plugged);
	self->plugged = -1;
	ASSERT_EQ(0, pdt_stop(c->wide, a->channel));
	synchronize(_metadata, c);
	EXPECT_EQ(-ENOENT, ioasid_get_line(a->pasid, &line));
	EXPECT_EQ(-ENOENT, ioasid_get_line(w->pasid, &line));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, 0, PDT_VA, DMA_B));
	EXPECT_EQ(WORDS, diff(b, PAGE_B));
}

int main(int argc, char **argv)
{
	pdt_worker_main(argc, argv);
	return test_harness_run(argc, argv);
}
