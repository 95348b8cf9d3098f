/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the end of a guest costs, for ioasid_exit.c and ioasid_exit_kvm.c.
 */
#ifndef __SELFTEST_IOASID_DEATH_H
#define __SELFTEST_IOASID_DEATH_H

#include "ioasid_vfio_utils.h"

/* Which of the expected costs is that of this machine */
enum { VTD, SMMU, MACHINES };

#ifdef __aarch64__
#define MACHINE		SMMU
#else
#define MACHINE		VTD
#endif

/* Commands of an IOMMU, and those of them that are waited for */
struct cost {
	unsigned int commands;
	unsigned int waits;
};

/* What it costs more than the death of a guest without PASIDs */
struct shape {
	unsigned int pasids;
	unsigned int devices;
	/* As a set */
	struct cost set[MACHINES];
	/* One device after the other */
	struct cost each[MACHINES];
};

/* How a guest goes */
typedef void (*guest_goes_fn)(struct __test_metadata *_metadata,
			      struct guest *g);

static void is_killed(struct __test_metadata *_metadata, struct guest *g)
{
	guest_end(g, SIGKILL);
}

static void exits(struct __test_metadata *_metadata, struct guest *g)
{
	guest_end(g, 0);
}

/* What the hardware is told when a guest of that shape goes */
static struct cost cost_of(struct __test_metadata *_metadata, struct scene *s,
			   struct guest *g, const struct guest_shape *shape,
			   guest_goes_fn goes)
{
	struct cost cost = { };

	EXPECT_EQ(0, guest_start(g, shape));
	if (shape->pasids)
		EXPECT_EQ(1, guest_do(g, GUEST_DMA));
	count_from_here(_metadata, s);
	goes(_metadata, g);
	count_to_here(_metadata, s);
	cost.commands = pdt_commands(&s->counters);
	cost.waits = pdt_waits(&s->counters);
	return cost;
}

/*
 * A guest of that @kind, with the devices and PASIDs of @shape, goes: its PASIDs
 * die together, once, at the expected cost.
 */
static void dies(struct __test_metadata *_metadata, struct scene *s,
		 struct guest *g, const struct shape *shape,
		 const struct cost *expected, const struct guest_shape *kind,
		 guest_goes_fn goes)
{
	struct guest_shape none = *kind, all = *kind;
	struct cost base, cost;

	none.devices = shape->devices;
	all.devices = shape->devices;
	all.pasids = shape->pasids;
	all.quota = shape->pasids;
	base = cost_of(_metadata, s, g, &none, goes);
	EXPECT_EQ(0, s->events.free);
	EXPECT_EQ(0, s->events.sync);
	cost = cost_of(_metadata, s, g, &all, goes);
	TH_LOG("%u commands, %u waits; without PASIDs %u, %u; so { %d, %d }",
	       cost.commands, cost.waits, base.commands, base.waits,
	       cost.commands - base.commands, cost.waits - base.waits);
	EXPECT_EQ(expected->commands, cost.commands - base.commands);
	EXPECT_EQ(expected->waits, cost.waits - base.waits);
	EXPECT_EQ(shape->pasids, s->events.free);
	EXPECT_EQ(1, s->events.sync);
	expect_quiet(_metadata, s);
	nothing_left(_metadata, s);
}

#endif /* __SELFTEST_IOASID_DEATH_H */
