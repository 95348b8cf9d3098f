// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a guest: whichever way its process goes and its descriptors are
 * closed, its PASIDs die together, once, and nothing is left of them.
 *
 * Needs the devices of ioasid_vfio.c.
 */
#include <sys/syscall.h>

#include "ioasid_cg.h"
#include "ioasid_death.h"

#define GROUP		"guest"
/* Few enough that all can be taken */
#define CAPACITY	256

FIXTURE(death)
{
	struct scene scene;
	struct guest guest;
};

FIXTURE_VARIANT(death)
{
	struct shape shape;
};

FIXTURE_VARIANT_ADD(death, 1_pasids_1_devices)
{
	.shape = {
		.pasids = 1, .devices = 1,
		.set = { { 6, 3 }, { 5, 2 } },
		.each = { { 6, 3 }, { 5, 2 } },
	},
};

FIXTURE_VARIANT_ADD(death, 16_pasids_1_devices)
{
	.shape = {
		.pasids = 16, .devices = 1,
		.set = { { 51, 3 }, { 35, 2 } },
		.each = { { 51, 3 }, { 35, 2 } },
	},
};

FIXTURE_VARIANT_ADD(death, 256_pasids_1_devices)
{
	.shape = {
		.pasids = 256, .devices = 1,
		.set = { { 6, 3 }, { 5, 2 } },
		.each = { { 6, 3 }, { 5, 2 } },
	},
};

FIXTURE_VARIANT_ADD(death, 1_pasids_4_devices)
{
	.shape = {
		.pasids = 1, .devices = 4,
		.set = { { 9, 3 }, { 11, 2 } },
		.each = { { 24, 12 }, { 20, 8 } },
	},
};

FIXTURE_VARIANT_ADD(death, 16_pasids_4_devices)
{
	.shape = {
		.pasids = 16, .devices = 4,
		.set = { { 100, 4 }, { 131, 2 } },
		.each = { { 204, 12 }, { 140, 8 } },
	},
};

FIXTURE_VARIANT_ADD(death, 256_pasids_4_devices)
{
	.shape = {
		.pasids = 256, .devices = 4,
		.set = { { 9, 3 }, { 11, 2 } },
		.each = { { 24, 12 }, { 20, 8 } },
	},
};

FIXTURE_SETUP(death)
{
	scene_setup(_metadata, &self->scene);
}

FIXTURE_TEARDOWN(death)
{
	guest_end(&self->guest, SIGKILL);
	scene_teardown(_metadata, &self->scene);
}

static const struct guest_shape early;
static const struct guest_shape late = { .late = true };

static void closes_iommufd_first(struct __test_metadata *_metadata,
				 struct guest *g)
{
	EXPECT_EQ(0, guest_do(g, GUEST_CLOSE_IOMMUFD));
	EXPECT_EQ(0, guest_do(g, GUEST_CLOSE_DEVICES));
	guest_end(g, 0);
}

static void closes_devices_first(struct __test_metadata *_metadata,
				 struct guest *g)
{
	EXPECT_EQ(0, guest_do(g, GUEST_CLOSE_DEVICES));
	EXPECT_EQ(0, guest_do(g, GUEST_CLOSE_IOMMUFD));
	guest_end(g, 0);
}

TEST_F_TIMEOUT(death, killed, 120)
{
	dies(_metadata, &self->scene, &self->guest, &variant->shape,
	     &variant->shape.set[MACHINE], &early, is_killed);
}

/* The iommufd has a higher number than the devices */
TEST_F_TIMEOUT(death, killed_late, 120)
{
	dies(_metadata, &self->scene, &self->guest, &variant->shape,
	     &variant->shape.set[MACHINE], &late, is_killed);
}

TEST_F_TIMEOUT(death, exits, 120)
{
	dies(_metadata, &self->scene, &self->guest, &variant->shape,
	     &variant->shape.set[MACHINE], &early, exits);
}

TEST_F_TIMEOUT(death, exits_late, 120)
{
	dies(_metadata, &self->scene, &self->guest, &variant->shape,
	     &variant->shape.set[MACHINE], &late, exits);
}

TEST_F_TIMEOUT(death, closes_iommufd_first, 120)
{
	dies(_metadata, &self->scene, &self->guest, &variant->shape,
	     &variant->shape.set[MACHINE], &early, closes_iommufd_first);
}

TEST_F_TIMEOUT(death, closes_devices_first, 120)
{
	self->scene.plain_close = true;
	dies(_metadata, &self->scene, &self->guest, &variant->shape,
	     &variant->shape.each[MACHINE], &early, closes_devices_first);
}

FIXTURE(guest)
{
	struct scene scene;
	struct guest guest;
	struct guest other;
};

FIXTURE_SETUP(guest)
{
	scene_setup(_metadata, &self->scene);
}

FIXTURE_TEARDOWN(guest)
{
	guest_end(&self->guest, SIGKILL);
	guest_end(&self->other, SIGKILL);
	scene_teardown(_metadata, &self->scene);
}

static const struct guest_shape usual = {
	.devices = 2, .pasids = 8, .quota = 8,
};

static void expect_sets(struct __test_metadata *_metadata, unsigned int sets,
			unsigned int used)
{
	struct vmm_sets now;

	synchronize(_metadata);
	EXPECT_EQ(0, get_sets(&now));
	EXPECT_EQ(sets, now.sets);
	EXPECT_EQ(used, now.used);
	EXPECT_EQ(0, now.pending);
}

/* All its PASIDs have gone, once, since count_from_here() */
static void expect_death(struct __test_metadata *_metadata, struct scene *s,
			 unsigned int pasids)
{
	count_to_here(_metadata, s);
	EXPECT_EQ(pasids, s->events.free);
	EXPECT_EQ(1, s->events.sync);
	expect_quiet(_metadata, s);
}

static void expect_alive(struct __test_metadata *_metadata, struct scene *s)
{
	count_to_here(_metadata, s);
	EXPECT_EQ(0, s->events.free);
	EXPECT_EQ(0, s->events.sync);
	expect_sets(_metadata, 1, usual.pasids);
}

TEST_F(guest, crashes)
{
	struct guest *g = &self->guest;

	ASSERT_EQ(0, guest_start(g, &usual));
	count_from_here(_metadata, &self->scene);
	guest_end(g, SIGABRT);
	expect_death(_metadata, &self->scene, usual.pasids);
}

/* Its memory is pinned for the devices, so the OOM reaper gets little of it */
TEST_F_TIMEOUT(guest, killed_for_memory, 240)
{
	struct guest_msg eat = { .op = GUEST_EAT };
	int status, log = kmsg_open();
	struct guest *g = &self->guest;

	ASSERT_EQ(0, guest_start(g, &usual));
	ASSERT_EQ(0, pdt_offer_to_oom(g->pid));
	count_from_here(_metadata, &self->scene);
	ASSERT_EQ(sizeof(eat), write(g->to, &eat, sizeof(eat)));
	ASSERT_EQ(g->pid, waitpid(g->pid, &status, 0));
	g->pid = 0;
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_EQ(1, kmsg_count(log, "Out of memory: Killed process"));
	close(log);
	expect_death(_metadata, &self->scene, usual.pasids);
	expect_sets(_metadata, 0, 0);
}

/* A second descriptor of its own keeps all as it is */
TEST_F(guest, dup)
{
	struct guest *g = &self->guest;

	ASSERT_EQ(0, guest_start(g, &usual));
	ASSERT_EQ(0, guest_do(g, GUEST_DUP));
	count_from_here(_metadata, &self->scene);
	EXPECT_EQ(0, guest_do(g, GUEST_CLOSE_IOMMUFD));
	EXPECT_EQ(1, guest_do(g, GUEST_DMA));
	expect_alive(_metadata, &self->scene);

	count_from_here(_metadata, &self->scene);
	EXPECT_EQ(0, guest_do(g, GUEST_CLOSE_DUP));
	EXPECT_EQ(0, guest_do(g, GUEST_DMA));
	expect_death(_metadata, &self->scene, usual.pasids);
}

/* The last descriptor goes and the devices stay: they do not translate */
TEST_F(guest, devices_without_iommufd)
{
	struct guest *g = &self->guest;

	ASSERT_EQ(0, guest_start(g, &usual));
	count_from_here(_metadata, &self->scene);
	EXPECT_EQ(0, guest_do(g, GUEST_CLOSE_IOMMUFD));
	EXPECT_EQ(0, guest_do(g, GUEST_DMA));
	expect_death(_metadata, &self->scene, usual.pasids);
	count_from_here(_metadata, &self->scene);
	guest_end(g, SIGKILL);
	count_to_here(_metadata, &self->scene);
	EXPECT_EQ(0, self->scene.events.free);
	EXPECT_EQ(0, self->scene.events.sync);
}

/* The devices went with the guest, the set lives on with @fd and dies with it */
static void outlives(struct __test_metadata *_metadata, struct scene *s,
		     struct guest *g, int fd)
{
	ASSERT_LE(0, fd);
	s->plain_close = true;
	count_from_here(_metadata, s);
	guest_kill(g, SIGKILL);
	expect_alive(_metadata, s);
	count_from_here(_metadata, s);
	close(fd);
	expect_death(_metadata, s, usual.pasids);
	EXPECT_EQ(0, pdt_commands(&s->counters));
	expect_sets(_metadata, 0, 0);
}

/* Another process took the iommufd of the guest */
TEST_F(guest, taken)
{
	struct guest *g = &self->guest;
	struct guest_msg m = { .op = GUEST_WHICH };
	int pidfd;

	ASSERT_EQ(0, guest_start(g, &usual));
	ASSERT_LE(0, guest_order(g, &m));
	pidfd = syscall(SYS_pidfd_open, g->pid, 0);
	ASSERT_LE(0, pidfd);
	outlives(_metadata, &self->scene, g,
		 syscall(SYS_pidfd_getfd, pidfd, m.ret, 0));
	close(pidfd);
}

/* Or got it in a message */
TEST_F(guest, sent)
{
	struct guest *g = &self->guest;

	ASSERT_EQ(0, guest_start(g, &usual));
	if (g->sock < 0)
		SKIP(return, "this kernel has no CONFIG_UNIX");
	ASSERT_EQ(0, guest_do(g, GUEST_SEND_IOMMUFD));
	outlives(_metadata, &self->scene, g, receive_fd(g->sock));
}

/* In a message that nobody has read */
TEST_F(guest, on_its_way)
{
	struct guest *g = &self->guest;

	ASSERT_EQ(0, guest_start(g, &usual));
	if (g->sock < 0)
		SKIP(return, "this kernel has no CONFIG_UNIX");
	ASSERT_EQ(0, guest_do(g, GUEST_SEND_IOMMUFD));
	self->scene.plain_close = true;
	count_from_here(_metadata, &self->scene);
	guest_kill(g, SIGKILL);
	expect_alive(_metadata, &self->scene);
	/* With the socket goes the message, and with that the last reference */
	count_from_here(_metadata, &self->scene);
	guest_end(g, SIGKILL);
	expect_death(_metadata, &self->scene, usual.pasids);
}

/* Both processes have all descriptors: the second death is the guest's */
TEST_F(guest, forked)
{
	struct guest *g = &self->guest;
	uint32_t *half;
	pid_t child;
	int i;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, guest_start(g, &usual));
	child = guest_do(g, GUEST_FORK);
	ASSERT_LT(0, child);
	count_from_here(_metadata, &self->scene);
	guest_kill(g, SIGKILL);
	expect_alive(_metadata, &self->scene);
	/* Its engine goes on */
	half = vmm_half(g->page, 1);
	vmm_clear(half);
	for (i = 0; i < 10000 && vmm_word(half) != ENGINE; i++)
		pdt_sleep_us(100);
	EXPECT_EQ(ENGINE, vmm_word(half));

	count_from_here(_metadata, &self->scene);
	kill(child, SIGKILL);
	EXPECT_EQ(child, waitpid(child, NULL, 0));
	expect_death(_metadata, &self->scene, usual.pasids);
	expect_sets(_metadata, 0, 0);
}

/* Two guests, and one of them dies */
TEST_F(guest, the_other_lives)
{
	struct guest_shape second = usual;

	second.first = usual.devices;
	ASSERT_EQ(0, guest_start(&self->guest, &usual));
	ASSERT_EQ(0, guest_start(&self->other, &second));
	count_from_here(_metadata, &self->scene);
	guest_end(&self->guest, SIGKILL);
	expect_death(_metadata, &self->scene, usual.pasids);
	EXPECT_EQ(1, guest_do(&self->other, GUEST_DMA));
	EXPECT_EQ(LATE, vmm_word(self->other.page));
	expect_sets(_metadata, 1, usual.pasids);
}

/* The same devices, at once */
TEST_F(guest, next_owner)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, guest_start(&self->guest, &usual));
		EXPECT_EQ(1, guest_do(&self->guest, GUEST_DMA));
		EXPECT_EQ(LATE, vmm_word(self->guest.page));
		guest_end(&self->guest, i % 2 ? SIGKILL : 0);
	}
}

/* A number is nobody's before the devices have forgotten it */
TEST_F(guest, number_kept)
{
	struct guest *g = &self->guest;
	struct ioasid_line line = { };
	uint32_t set, id, again, on = 1, off = 0;
	int fd = vmm_open(), i;

	ASSERT_EQ(0, guest_start(g, &usual));
	id = g->pasid;
	ASSERT_EQ(0, vmm_set_alloc(fd, 1, &set));
	EXPECT_EQ(-ENOSPC, vmm_alloc_range(fd, set, id, id, &again));

	ASSERT_EQ(0, pdt_ioasid(witness, PDT_IOASID_HOLD, 0, &on));
	kill(g->pid, SIGKILL);
	for (i = 0; i < 10000 && strcmp(line.state, "free-pending"); i++) {
		pdt_sleep_us(100);
		ioasid_get_line(id, &line);
	}
	EXPECT_STREQ("free-pending", line.state);
	EXPECT_EQ(0, waitpid(g->pid, NULL, WNOHANG));
	EXPECT_EQ(-ENOSPC, vmm_alloc_range(fd, set, id, id, &again));
	EXPECT_EQ(0, pdt_ioasid(witness, PDT_IOASID_HOLD, 0, &off));
	guest_end(g, SIGKILL);
	synchronize(_metadata);
	EXPECT_EQ(0, vmm_alloc_range(fd, set, id, id, &again));
	close(fd);
}

/* Who takes all there is does not take what was promised */
TEST_F(guest, greedy)
{
	uint32_t capacity = CAPACITY, set[3], id;
	int fd[3], i, ret;

	ASSERT_EQ(0, pdt_ioasid(witness, PDT_IOASID_CAPACITY, 0, &capacity));
	for (i = 0; i < 3; i++) {
		fd[i] = vmm_open();
		ASSERT_LE(0, fd[i]);
	}
	EXPECT_EQ(-ENOSPC, vmm_set_alloc(fd[0], CAPACITY, &set[0]));
	EXPECT_EQ(-ENOSPC, vmm_set_alloc(fd[0], 0xffffffff, &set[0]));
	EXPECT_EQ(0, vmm_set_alloc(fd[0], 16, &set[0]));
	EXPECT_EQ(0, vmm_set_alloc(fd[1], 0, &set[1]));
	/* Users have half of all, and 16 of those are promised */
	for (i = 0; !(ret = vmm_alloc(fd[1], set[1], &id)); i++)
		;
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_EQ(CAPACITY / 2 - 16, i);
	EXPECT_EQ(-ENOSPC, vmm_set_alloc(fd[2], 1, &set[2]));
	EXPECT_EQ(0, vmm_set_alloc(fd[2], 0, &set[2]));
	EXPECT_EQ(-ENOSPC, vmm_alloc(fd[2], set[2], &id));
	for (i = 0; i < 16; i++)
		EXPECT_EQ(0, vmm_alloc(fd[0], set[0], &id));
	EXPECT_EQ(-EDQUOT, vmm_alloc(fd[0], set[0], &id));
	for (i = 0; i < 3; i++)
		close(fd[i]);
	synchronize(_metadata);
	capacity = self->scene.sums.total;
	EXPECT_EQ(0, pdt_ioasid(witness, PDT_IOASID_CAPACITY, 0, &capacity));
}

FIXTURE(paid)
{
	struct scene scene;
	struct guest guest;
};

FIXTURE_SETUP(paid)
{
	scene_setup(_metadata, &self->scene);
	ASSERT_EQ(0, cg_mount());
	ASSERT_EQ(0, mkdir(CGROUPS "/" GROUP, 0755));
	ASSERT_EQ(0, cg_write(GROUP, "misc.max", "ioasid 100"));
}

FIXTURE_TEARDOWN(paid)
{
	cg_move(".", getpid());
	guest_end(&self->guest, SIGKILL);
	scene_teardown(_metadata, &self->scene);
	EXPECT_EQ(0, cg_current(GROUP));
	EXPECT_EQ(0, rmdir(CGROUPS "/" GROUP));
	EXPECT_EQ(0, umount(CGROUPS));
}

/* Its cgroup has paid for the guarantee, and gets it back */
TEST_F(paid, killed)
{
	struct guest_shape shape = usual;
	struct guest *g = &self->guest;
	struct guest_msg m = { .op = GUEST_START };

	shape.quota = 60;
	m.shape = shape;
	ASSERT_EQ(0, guest_spawn(g));
	ASSERT_EQ(0, cg_move(GROUP, g->pid));
	ASSERT_EQ(0, guest_order(g, &m));
	EXPECT_EQ(60, cg_current(GROUP));
	guest_end(g, SIGKILL);
	synchronize(_metadata);
	EXPECT_EQ(0, cg_current(GROUP));
}

/* Elastic: number by number */
TEST_F(paid, elastic)
{
	uint32_t set, id;
	int fd, i;

	ASSERT_EQ(0, cg_move(GROUP, getpid()));
	fd = vmm_open();
	ASSERT_EQ(0, vmm_set_alloc(fd, 0, &set));
	EXPECT_EQ(0, cg_current(GROUP));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, vmm_alloc(fd, set, &id));
	EXPECT_EQ(-EDQUOT, vmm_alloc(fd, set, &id));
	EXPECT_EQ(100, cg_current(GROUP));
	close(fd);
	synchronize(_metadata);
	EXPECT_EQ(0, cg_current(GROUP));
}

/* With many contexts one gets no more than with one */
TEST_F(paid, many_contexts)
{
	int fd[101], i;
	uint32_t set;

	ASSERT_EQ(0, cg_move(GROUP, getpid()));
	for (i = 0; i < 101; i++) {
		fd[i] = vmm_open();
		ASSERT_LE(0, fd[i]);
		EXPECT_EQ(i < 100 ? 0 : -EDQUOT, vmm_set_alloc(fd[i], 1, &set));
	}
	expect_sets(_metadata, 100, 0);
	for (i = 0; i < 101; i++)
		close(fd[i]);
}

int main(int argc, char **argv)
{
	return vfio_test_main(argc, argv);
}
