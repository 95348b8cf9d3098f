// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rough times for PASIDs: drivers and devices that are taken away, many deaths
 * at once, and everything at the same time.
 *
 * Needs the PASID test device, see ioasid_sva.c.
 */
#include "ioasid_sva_utils.h"

FIXTURE(stress)
{
	struct ctx c;
};

FIXTURE_SETUP(stress)
{
	ctx_setup(_metadata, &self->c);
}

FIXTURE_TEARDOWN(stress)
{
	ctx_teardown(_metadata, &self->c);
}

static void sysfs_write(struct __test_metadata *_metadata, const char *path,
			const char *text)
{
	int fd = open(path, O_WRONLY);

	ASSERT_LE(0, fd);
	ASSERT_LT(0, write(fd, text, strlen(text)));
	close(fd);
}

/*
 * The driver goes, or the device with it, while a process is bound and an
 * engine runs. @gone is written to, to that end, and @back to undo it.
 */
static void remove_driver(struct __test_metadata *_metadata, struct ctx *c,
			  const char *gone, const char *back)
{
	struct pdt_dma dma = { .iova = PDT_VA, .cmd = PDT_CMD_READ, .len = LEN };
	struct pdt_engine eng = endless(PDT_MODE_ATS, PDT_VA, DMA_A);
	struct pdt_worker *a = &c->a;
	struct ioasid_line line;
	char path[128], bdf[32];
	struct pdt_info info;

	ASSERT_EQ(0, pdt_bdf(NARROW, bdf, sizeof(bdf)));
	spawn(_metadata, a, NARROW, PAGE_A);
	ASSERT_EQ(0, pdt_worker_engine(a, &eng));
	snprintf(path, sizeof(path), gone, bdf);
	sysfs_write(_metadata, path, strstr(gone, "unbind") ? bdf : "1");

	EXPECT_EQ(-ENODEV, pdt_worker_dma(a, &dma));
	EXPECT_EQ(-ENODEV, pdt_ioctl(c->narrow, PDT_IOC_INFO, &info));
	ASSERT_EQ(0, pdt_do(a, PDT_OP_FILL, PDT_VA, PAGE_A));
	pdt_sleep_us(10000);
	EXPECT_EQ(0, diff(a, PAGE_A));
	pdt_worker_quit(a);
	close(c->narrow);
	if (c->info.ioasid) {
		synchronize(_metadata, c);
		EXPECT_EQ(-ENOENT, ioasid_get_line(a->pasid, &line));
	}

	/* All files are closed: the name is free for the device again */
	sysfs_write(_metadata, back, strstr(back, "bind") ? bdf : "1");
	c->narrow = pdt_open(NARROW);
	ASSERT_LE(0, c->narrow);
	spawn(_metadata, &c->b, NARROW, PAGE_B);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, &c->b, 0, PDT_VA,
					      DMA_B));
	EXPECT_EQ(DMA_B, first_word(&c->b));
}

TEST_F(stress, driver_removed)
{
	remove_driver(_metadata, &self->c,
		      "/sys/bus/pci/drivers/pasid-testdev/unbind",
		      "/sys/bus/pci/drivers/pasid-testdev/bind");
}

TEST_F(stress, device_removed)
{
	remove_driver(_metadata, &self->c, "/sys/bus/pci/devices/%s/remove",
		      "/sys/bus/pci/rescan");
}

/* A crowd on one device dies, in any way, and the device goes at the same time */
static void die_while_removed(struct __test_metadata *_metadata, struct ctx *c)
{
	struct pdt_engine eng = endless(PDT_MODE_ATS, PDT_VA, DMA_A);
	struct pdt_engine stop = { };
	char path[128], bdf[32];
	pid_t pid;
	int i;

	for (i = 0; i < 8; i++) {
		spawn(_metadata, &c->more[i], NARROW, PAGE_A);
		ASSERT_EQ(0, pdt_worker_engine(&c->more[i], &eng));
	}
	ASSERT_EQ(0, pdt_bdf(NARROW, bdf, sizeof(bdf)));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", bdf);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		pdt_sleep_us(rand() % 20000);
		sysfs_write(_metadata, path, "1");
		_exit(0);
	}
	srand(pid);
	for (i = 0; i < 8; i++) {
		pdt_sleep_us(rand() % 3000);
		switch (rand() % 3) {
		case 0:
			pdt_worker_quit(&c->more[i]);
			break;
		case 1:
			/* The faults of a living process would be logged */
			pdt_worker_engine(&c->more[i], &stop);
			pdt_worker_ioctl(&c->more[i], PDT_IOC_UNBIND, NULL, 0);
			break;
		default:
			pdt_worker_kill(&c->more[i]);
		}
	}
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	for (i = 0; i < 8; i++)
		pdt_worker_kill(&c->more[i]);
	close(c->narrow);
	sysfs_write(_metadata, "/sys/bus/pci/rescan", "1");
	c->narrow = pdt_open(NARROW);
	ASSERT_LE(0, c->narrow);
}

TEST_F_TIMEOUT(stress, removed_while_dying, 120)
{
	struct ioasid_sums idle = { }, sums = { };
	struct pdt_worker *b = &self->c.b;
	struct ctx *c = &self->c;
	int i;

	/* 7.3.4 logs and warns */
	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	ASSERT_EQ(0, ioasid_get_sums(&idle));
	spawn(_metadata, b, WIDE, PAGE_B);
	for (i = 0; i < 20; i++) {
		die_while_removed(_metadata, c);
		EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, 0, PDT_VA,
						      DMA_B));
	}
	EXPECT_EQ(WORDS, diff(b, PAGE_B));
	pdt_worker_quit(b);
	synchronize(_metadata, c);
	ASSERT_EQ(0, ioasid_get_sums(&sums));
	EXPECT_EQ(idle.used, sums.used);
	EXPECT_EQ(0, sums.pending);
}

/* Many die at once, on two devices, all with engines that go on */
TEST_F(stress, crowd)
{
	struct pdt_worker *b = &self->c.b, *w;
	struct pdt_engine eng = endless(0, PDT_VA, DMA_A);
	struct pdt_status dead[MAX_WORKERS], st;
	struct ctx *c = &self->c;
	struct ioasid_sums idle = { }, sums = { };
	int i;

	if (c->info.ioasid)
		ASSERT_EQ(0, ioasid_get_sums(&idle));
	spawn(_metadata, b, WIDE, PAGE_B);
	eng.period = 500;
	for (i = 0; i < MAX_WORKERS; i++) {
		w = &c->more[i];
		spawn(_metadata, w, i % 2, PAGE_A);
		eng.mode = PDT_MODE_FILL | (i / 2 % 2 ? PDT_MODE_ATS : 0);
		ASSERT_EQ(0, pdt_worker_engine(w, &eng));
	}
	for (i = 0; i < MAX_WORKERS; i++)
		kill(c->more[i].pid, SIGKILL);
	for (i = 0; i < MAX_WORKERS; i++) {
		pdt_worker_kill(&c->more[i]);
		ASSERT_EQ(0, pdt_get_status(i % 2 ? c->narrow : c->wide,
					    c->more[i].channel, &dead[i]));
	}
	for (i = 0; i < MAX_WORKERS; i++) {
		ASSERT_EQ(0, pdt_wait_engine(i % 2 ? c->narrow : c->wide,
					     c->more[i].channel, 0,
					     dead[i].fault + 20, &st));
		EXPECT_EQ(dead[i].ok, st.ok);
	}
	EXPECT_EQ(0, diff(b, PAGE_B));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, 0, PDT_VA, DMA_B));

	if (c->info.ioasid) {
		synchronize(_metadata, c);
		ASSERT_EQ(0, ioasid_get_sums(&sums));
		EXPECT_EQ(idle.used + MAX_WORKERS + 1, sums.used);
		EXPECT_EQ(MAX_WORKERS, sums.pending);
	}
	ASSERT_EQ(0, pdt_stop_left(c->wide));
	ASSERT_EQ(0, pdt_stop_left(c->narrow));
	pdt_worker_quit(b);
	if (c->info.ioasid) {
		synchronize(_metadata, c);
		ASSERT_EQ(0, ioasid_get_sums(&sums));
		EXPECT_EQ(idle.used, sums.used);
		EXPECT_EQ(0, sums.pending);
	}
}

/* One step of a storm: what becomes of a worker is left to chance */
static void storm_step(struct __test_metadata *_metadata, struct ctx *c, int i)
{
	struct pdt_engine eng = endless(rand() % 2 ? PDT_MODE_ATS : 0, PDT_VA,
					DMA_A);
	struct pdt_worker *w = &c->more[i];
	int ret;

	if (!w->pid) {
		ret = pdt_worker_spawn(w, i % 2, PAGE_A);
		/* Not while the device is being reset; all channels are taken */
		ASSERT_TRUE(!ret || ret == -EBUSY || ret == -EAGAIN);
		if (!ret && rand() % 4)
			pdt_worker_engine(w, &eng);
		return;
	}
	switch (rand() % 4) {
	case 0:
		pdt_worker_quit(w);
		break;
	case 1:
		/* The faults of a living process would be logged */
		eng.cmd = 0;
		pdt_worker_engine(w, &eng);
		pdt_worker_ioctl(w, PDT_IOC_UNBIND, NULL, 0);
		break;
	case 2:
		pdt_worker_bind(w);
		break;
	default:
		pdt_worker_kill(w);
	}
}

/*
 * Deaths, binds, unbinds and resets in any order and at once, for the checkers
 * of the kernel to see, and one process in the midst that must not notice.
 */
TEST_F(stress, storm)
{
	struct ioasid_sums idle = { }, sums = { };
	struct pdt_worker *b = &self->c.b;
	struct ctx *c = &self->c;
	uint64_t end;
	pid_t pid;
	int i, n;

	/* 7.3.4 logs and warns */
	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	ASSERT_EQ(0, ioasid_get_sums(&idle));
	spawn(_metadata, b, NARROW, PAGE_B);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			pdt_sysfs_write(WIDE, "reset", "1");
			pdt_sleep_us(rand() % 200000);
		}
	}
	srand(1);
	count_from_here(_metadata, c);
	end = pdt_now_us() + 3000000;
	for (n = 0; pdt_now_us() < end; n++) {
		storm_step(_metadata, c, rand() % MAX_WORKERS);
		if (n % 8)
			continue;
		EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, 0, PDT_VA,
						      DMA_B));
		pdt_stop_left(c->wide);
		pdt_stop_left(c->narrow);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);

	for (i = 0; i < MAX_WORKERS; i++)
		pdt_worker_kill(&c->more[i]);
	ASSERT_EQ(0, pdt_stop_left(c->wide));
	ASSERT_EQ(0, pdt_stop_left(c->narrow));
	expect_quiet(_metadata, c, 0, 0);
	EXPECT_EQ(WORDS, diff(b, PAGE_B));
	pdt_worker_quit(b);
	synchronize(_metadata, c);
	ASSERT_EQ(0, ioasid_get_sums(&sums));
	EXPECT_EQ(idle.used, sums.used);
	EXPECT_EQ(0, sums.pending);
	TH_LOG("%d steps", n);
}

int main(int argc, char **argv)
{
	pdt_worker_main(argc, argv);
	return test_harness_run(argc, argv);
}
