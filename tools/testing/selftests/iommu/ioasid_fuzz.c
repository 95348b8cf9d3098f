// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls that have to do with sets of PASIDs, with random fields, from two
 * processes: each has a context of its own, and one that both have. Nothing but
 * the errors that are documented, and nothing is left at the end.
 *
 * Meant for kernels with KASAN, lockdep or KCSAN. Needs what ioasid_iommufd.c
 * does.
 */
#include "ioasid_mock.h"

#define ROUNDS		4000
#define PROCESSES	2
/* Fields are mostly so small that they hit */
#define SMALL		12
#define FEW		4

/* What an ioctl may say besides 0; 0 ends the list */
#define MAX_ERRORS	10

enum { SET_ALLOC, ALLOC, FREE, BIND, UNBIND, DESTROY, ATTACH, NR_OPS };

static const struct {
	const char *name;
	int errors[MAX_ERRORS];
} ops[NR_OPS] = {
	[SET_ALLOC] = { "SET_ALLOC", { EINVAL, EOPNOTSUPP, E2BIG, ENOSPC } },
	[ALLOC] = { "ALLOC", { EINVAL, EOPNOTSUPP, E2BIG, ENOENT, EDQUOT,
			       ENOSPC, ESHUTDOWN } },
	[FREE] = { "FREE", { EINVAL, EOPNOTSUPP, E2BIG, ENOENT, EACCES } },
	[BIND] = { "BIND", { EINVAL, EOPNOTSUPP, E2BIG, ENOENT, EACCES, EBUSY,
			     EEXIST } },
	[UNBIND] = { "UNBIND", { EINVAL, EOPNOTSUPP, E2BIG, ENOENT, EACCES,
				 EBUSY } },
	/* What has sets in use is destroyed; what has others in it is busy */
	[DESTROY] = { "DESTROY", { ENOENT, EBUSY } },
	[ATTACH] = { "ATTACH", { EACCES, EBUSY, ENOENT, EINVAL } },
};

/* More of what makes than of what ends */
static const unsigned int often[] = {
	SET_ALLOC, ALLOC, ALLOC, ALLOC, ALLOC, ALLOC, FREE, FREE, BIND, BIND,
	BIND, BIND, UNBIND, UNBIND, ATTACH, ATTACH, SET_ALLOC, ALLOC, ALLOC,
	ALLOC, BIND, BIND, FREE, ALLOC, ATTACH, ATTACH, UNBIND, BIND, ALLOC,
	ALLOC, BIND, DESTROY,
};

/* Reproducible: xorshift */
static uint32_t rnd(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

/* Mostly small, sometimes anything, sometimes close to what is a limit */
static uint32_t field(uint32_t *state)
{
	switch (rnd(state) % 16) {
	case 0:
		return rnd(state);
	case 1:
		return (1 << 20) - 1 + rnd(state) % 3;
	case 2:
		return 0xffffffff;
	default:
		return rnd(state) % SMALL;
	}
}

static uint32_t some_flags(uint32_t *state)
{
	return rnd(state) % 8 ? 0 : field(state);
}

static uint32_t some_size(uint32_t *state, uint32_t size)
{
	return rnd(state) % 16 ? size : size + rnd(state) % 9 - 4;
}

/* Which numbers the first objects get that a context makes after mock_start() */
static uint32_t some_set(uint32_t *state)
{
	static const uint32_t first[] = { 4, 7, 8, 9 };

	return rnd(state) % 16 ? first[rnd(state) % 4] : field(state);
}

/* Not what mock_start() has made: without it nothing can be attached any more */
static uint32_t some_victim(uint32_t *state)
{
	uint32_t id = some_set(state);

	return id && id < 7 ? 4 : id;
}

/* The PASIDs that are asked for most */
static uint32_t some_id(uint32_t *state)
{
	return rnd(state) % 16 ? 1 + rnd(state) % FEW : field(state);
}

static int fuzz_ioctl(uint32_t *state, struct mock *mock, unsigned int op)
{
	/* Larger than any of them, with something behind them */
	union {
		struct iommu_ioasid_set_alloc set_alloc;
		struct iommu_ioasid_alloc alloc;
		struct iommu_ioasid_free free;
		struct iommu_ioasid_bind bind;
		struct iommu_ioasid_unbind unbind;
		uint8_t bytes[64];
	} cmd;
	uint32_t pasid;
	int ret;

	memset(&cmd, rnd(state) % 2 ? 0xff : 0, sizeof(cmd));
	switch (op) {
	case SET_ALLOC:
		cmd.set_alloc.size = some_size(state, sizeof(cmd.set_alloc));
		cmd.set_alloc.flags = some_flags(state);
		cmd.set_alloc.quota = field(state);
		return pdt_ioctl(mock->fd, IOMMU_IOASID_SET_ALLOC, &cmd);
	case ALLOC:
		cmd.alloc.size = some_size(state, sizeof(cmd.alloc));
		cmd.alloc.flags = some_flags(state);
		cmd.alloc.set_id = some_set(state);
		cmd.alloc.min = some_id(state);
		cmd.alloc.max = rnd(state) % 4 ? FEW : field(state);
		return pdt_ioctl(mock->fd, IOMMU_IOASID_ALLOC, &cmd);
	case FREE:
		cmd.free.size = some_size(state, sizeof(cmd.free));
		cmd.free.flags = some_flags(state);
		cmd.free.set_id = some_set(state);
		cmd.free.ioasid = cmd.free.flags ? 0 : some_id(state);
		return pdt_ioctl(mock->fd, IOMMU_IOASID_FREE, &cmd);
	case BIND:
		cmd.bind.size = some_size(state, sizeof(cmd.bind));
		cmd.bind.flags = some_flags(state);
		cmd.bind.set_id = some_set(state);
		cmd.bind.ioasid = some_id(state);
		cmd.bind.guest_pasid = field(state);
		return pdt_ioctl(mock->fd, IOMMU_IOASID_BIND, &cmd);
	case UNBIND:
		cmd.unbind.size = some_size(state, sizeof(cmd.unbind));
		cmd.unbind.flags = some_flags(state);
		cmd.unbind.set_id = some_set(state);
		cmd.unbind.ioasid = some_id(state);
		return pdt_ioctl(mock->fd, IOMMU_IOASID_UNBIND, &cmd);
	case DESTROY:
		return vmm_destroy(mock->fd, some_victim(state));
	default:
		pasid = some_id(state);
		ret = mock_attach(mock, pasid, mock->hwpt[rnd(state) % 2]);
		if (!ret) {
			mock_replace(mock, pasid, mock->hwpt[rnd(state) % 2]);
			ret = mock_detach(mock, pasid);
		}
		return ret;
	}
}

static bool is_documented(unsigned int op, int ret)
{
	unsigned int i;

	for (i = 0; i < MAX_ERRORS && ops[op].errors[i]; i++)
		if (ret == -ops[op].errors[i])
			return true;
	return !ret;
}

static bool all_done(const unsigned int *done)
{
	for (unsigned int op = 0; op < NR_OPS; op++)
		if (!done[op])
			return false;
	return true;
}

/* One process; its exit status is 1 if an ioctl said what it must not say */
static int fuzz(uint32_t seed, struct mock *shared)
{
	unsigned int done[NR_OPS] = { }, i, op;
	uint32_t state = seed;
	struct mock own;
	int ret, bad = 0;

	if (mock_start(&own) || mock_rid(&own))
		return 1;
	/* What the other process leaves of the shared context is a matter of luck */
	for (i = 0; i < ROUNDS || (i < 20 * ROUNDS && !all_done(done)); i++) {
		bool is_own = rnd(&state) % 2;

		op = often[rnd(&state) % ARRAY_SIZE(often)];
		/* A device is used by one process at a time */
		if (op == ATTACH)
			is_own = true;
		ret = fuzz_ioctl(&state, is_own ? &own : shared, op);
		done[op] += !ret;
		if (is_documented(op, ret))
			continue;
		printf("# seed %#x, round %u: %s said %d\n", seed, i,
		       ops[op].name, ret);
		bad = 1;
	}
	for (op = 0; op < NR_OPS; op++) {
		if (done[op])
			continue;
		printf("# seed %#x: no %s succeeded\n", seed, ops[op].name);
		bad = 1;
	}
	fflush(stdout);
	/* Half of the time the process leaves what it has to its end */
	if (seed % 2)
		close(own.fd);
	return bad;
}

FIXTURE(fuzz)
{
	struct scene scene;
};

FIXTURE_VARIANT(fuzz)
{
	uint32_t seed;
};

FIXTURE_VARIANT_ADD(fuzz, one)
{
	.seed = 0x10a51d,
};

FIXTURE_VARIANT_ADD(fuzz, two)
{
	.seed = 0x20a51d,
};

FIXTURE_VARIANT_ADD(fuzz, three)
{
	.seed = 0x30a51d,
};

FIXTURE_SETUP(fuzz)
{
	scene_setup(_metadata, &self->scene);
}

FIXTURE_TEARDOWN(fuzz)
{
	scene_teardown(_metadata, &self->scene);
}

TEST_F_TIMEOUT(fuzz, all, 300)
{
	pid_t pid[PROCESSES];
	struct mock shared;
	unsigned int i;
	int status;

	ASSERT_EQ(0, mock_start(&shared));
	ASSERT_EQ(0, mock_rid(&shared));
	fflush(NULL);
	for (i = 0; i < PROCESSES; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i])
			_exit(fuzz(variant->seed + i, &shared));
	}
	for (i = 0; i < PROCESSES; i++) {
		EXPECT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	close(shared.fd);
}

int main(int argc, char **argv)
{
	return mock_test_main(argc, argv);
}
