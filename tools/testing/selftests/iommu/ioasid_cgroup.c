// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs as a resource of the misc cgroup: who pays, how much, and until when.
 *
 * Needs the PASID test device, see ioasid_sva.c, and CONFIG_CGROUP_MISC.
 */
#include "ioasid_cg.h"
#include "ioasid_sva_utils.h"

#define HOG		"hog"
#define OTHER		"other"
#define LIMIT		4

FIXTURE(cgroup)
{
	struct ctx c;
};

FIXTURE_SETUP(cgroup)
{
	struct ctx *c = &self->c;

	ctx_setup(_metadata, c);
	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	ASSERT_EQ(0, cg_mount());
	ASSERT_EQ(0, mkdir(CGROUPS "/" HOG, 0755));
	ASSERT_EQ(0, mkdir(CGROUPS "/" OTHER, 0755));
	ASSERT_EQ(0, cg_current(HOG));
}

FIXTURE_TEARDOWN(cgroup)
{
	struct ctx *c = &self->c;

	cg_move(".", getpid());
	ctx_teardown(_metadata, c);
	if (!c->info.ioasid)
		return;
	EXPECT_EQ(0, cg_current(HOG));
	EXPECT_EQ(0, cg_current(OTHER));
	EXPECT_EQ(0, rmdir(CGROUPS "/" HOG));
	EXPECT_EQ(0, rmdir(CGROUPS "/" OTHER));
	EXPECT_EQ(0, umount(CGROUPS));
}

/* A worker that is in @group when it binds; returns what that says */
static int spawn_in(struct __test_metadata *_metadata, const char *group,
		    struct pdt_worker *w)
{
	int ret;

	EXPECT_EQ(0, cg_move(group, getpid()));
	ret = pdt_worker_spawn(w, WIDE, PAGE_A);
	EXPECT_EQ(0, cg_move(".", getpid()));
	return ret;
}

/* So many and no more, whatever there is; and the files say so */
TEST_F(cgroup, limit)
{
	struct ctx *c = &self->c;
	int i;

	ASSERT_EQ(0, cg_write(HOG, "misc.max", "ioasid 4"));
	EXPECT_EQ((1 << 20) - 1, cg_read(".", "misc.capacity", "ioasid"));
	for (i = 0; i < LIMIT; i++) {
		ASSERT_EQ(0, spawn_in(_metadata, HOG, &c->more[i]));
		EXPECT_EQ(i + 1, cg_current(HOG));
	}
	EXPECT_EQ(0, cg_read(HOG, "misc.events", "ioasid.max"));
	EXPECT_EQ(-EDQUOT, spawn_in(_metadata, HOG, &c->a));
	EXPECT_EQ(1, cg_read(HOG, "misc.events", "ioasid.max"));
	EXPECT_EQ(LIMIT, cg_current(HOG));

	/* Others do not notice */
	EXPECT_EQ(0, spawn_in(_metadata, OTHER, &c->a));
	EXPECT_EQ(1, cg_current(OTHER));
	spawn(_metadata, &c->b, WIDE, PAGE_B);

	/* What comes back can be had again */
	pdt_worker_kill(&c->more[0]);
	ASSERT_EQ(0, pdt_stop_left(c->wide));
	synchronize(_metadata, c);
	EXPECT_EQ(LIMIT - 1, cg_current(HOG));
	EXPECT_EQ(0, spawn_in(_metadata, HOG, &c->more[0]));
	EXPECT_EQ(LIMIT, cg_read(HOG, "misc.peak", "ioasid"));
}

/* A second device costs nothing: it is one number for an address space */
TEST_F(cgroup, one_for_a_process)
{
	struct pdt_worker *a = &self->c.a;

	/* A number that both devices can use */
	lower_capacity(_metadata, &self->c, SMALL_CAPACITY);
	ASSERT_EQ(0, cg_write(HOG, "misc.max", "ioasid 1"));
	ASSERT_EQ(0, spawn_in(_metadata, HOG, a));
	ASSERT_EQ(0, pdt_do(a, PDT_OP_OPEN, NARROW, 0));
	EXPECT_EQ(0, pdt_worker_bind(a));
	EXPECT_EQ(1, cg_current(HOG));
	EXPECT_EQ(0, cg_read(HOG, "misc.events", "ioasid.max"));
}

/* Who paid gets it back, wherever the process is by then */
TEST_F(cgroup, moved)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;

	ASSERT_EQ(0, spawn_in(_metadata, HOG, a));
	ASSERT_EQ(0, cg_move(OTHER, a->pid));
	EXPECT_EQ(1, cg_current(HOG));
	EXPECT_EQ(0, cg_current(OTHER));
	pdt_worker_kill(a);
	ASSERT_EQ(0, pdt_stop_left(c->wide));
	synchronize(_metadata, c);
	EXPECT_EQ(0, cg_current(HOG));
	EXPECT_EQ(0, cg_current(OTHER));
}

/* A number that the device may still use is paid for after its owner's death */
TEST_F(cgroup, dead)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;

	ASSERT_EQ(0, spawn_in(_metadata, HOG, a));
	start_engine(_metadata, c, a, 0, PDT_VA, DMA_A);
	pdt_worker_kill(a);
	synchronize(_metadata, c);
	EXPECT_EQ(1, cg_current(HOG));
	ASSERT_EQ(0, pdt_stop_left(c->wide));
	synchronize(_metadata, c);
	EXPECT_EQ(0, cg_current(HOG));
}

/* ... and also when the cgroup has been removed meanwhile */
TEST_F(cgroup, removed)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;

	ASSERT_EQ(0, spawn_in(_metadata, HOG, a));
	start_engine(_metadata, c, a, 0, PDT_VA, DMA_A);
	pdt_worker_kill(a);
	ASSERT_EQ(0, rmdir(CGROUPS "/" HOG));
	EXPECT_LE(1, cg_current("."));
	ASSERT_EQ(0, pdt_stop_left(c->wide));
	synchronize(_metadata, c);
	ASSERT_EQ(0, mkdir(CGROUPS "/" HOG, 0755));
}

/*
 * On 7.3.4 one live process of an unprivileged user holds every PASID there is:
 * it opens files, and children bind through these and exit. No rlimit counts
 * the PASIDs, and root gets none.
 */
TEST_F(cgroup, one_live_process)
{
	struct ctx *c = &self->c;
	int fds[LIMIT + 2], i;

	ASSERT_EQ(0, cg_write(HOG, "misc.max", "ioasid 4"));
	/* As many as there are numbers: all that the hog could get */
	lower_capacity(_metadata, c, SMALL_CAPACITY);
	for (i = 0; i < LIMIT + 2; i++) {
		fds[i] = pdt_open(WIDE);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, cg_move(HOG, getpid()));
		ASSERT_EQ(0, pdt_worker_start(&c->a, fds[i]));
		EXPECT_EQ(i < LIMIT ? 0 : -EDQUOT, pdt_worker_bind(&c->a));
		ASSERT_EQ(0, cg_move(".", getpid()));
		pdt_worker_quit(&c->a);
	}
	synchronize(_metadata, c);
	EXPECT_EQ(LIMIT, cg_current(HOG));
	/* Somebody else still gets one */
	spawn(_metadata, &c->b, WIDE, PAGE_B);
	for (i = 0; i < LIMIT + 2; i++)
		close(fds[i]);
	synchronize(_metadata, c);
	EXPECT_EQ(0, cg_current(HOG));
}

int main(int argc, char **argv)
{
	pdt_worker_main(argc, argv);
	return test_harness_run(argc, argv);
}
