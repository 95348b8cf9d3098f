/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What users have, what is counted while a test does something, and that in the
 * end nothing is left.
 */
#ifndef __SELFTEST_IOASID_SCENE_H
#define __SELFTEST_IOASID_SCENE_H

#include "../kselftest_harness.h"
#include "ioasid_look.h"

/* A test device that stays with its driver */
static int witness;

/* All sets that are not the system's */
struct vmm_sets {
	unsigned int sets;
	unsigned int quota;
	unsigned int used;
	unsigned int pending;
	/* Of the last one */
	char owner[32];
};

static int get_sets(struct vmm_sets *sets)
{
	FILE *f = fopen(IOASID_DEBUGFS "sets", "r");
	unsigned int quota, used, pending;
	char text[256], *owner;

	memset(sets, 0, sizeof(*sets));
	if (!f)
		return -errno;
	while (fgets(text, sizeof(text), f)) {
		if (sscanf(text, "set=%*u type=mm quota=%u used=%u pending=%u",
			   &quota, &used, &pending) != 3)
			continue;
		sets->sets++;
		sets->quota += quota;
		sets->used += used;
		sets->pending += pending;
		owner = strstr(text, "owner=");
		if (owner)
			sscanf(owner, "owner=%31s", sets->owner);
	}
	fclose(f);
	return 0;
}

struct scene {
	struct ioasid_sums sums;
	int kmsg;
	/* A device is closed, and so reset, behind the detach of PASIDs that live */
	bool plain_close;
	struct pdt_counters counters;
	struct pdt_events events;
};

static bool may_be_heard(const struct scene *s)
{
	return s->plain_close && pdt_machine.loud_after_detach;
}

static void synchronize(struct __test_metadata *_metadata)
{
	EXPECT_EQ(0, pdt_ioasid(witness, PDT_IOASID_SYNCHRONIZE, 0, NULL));
}

static void scene_setup(struct __test_metadata *_metadata, struct scene *s)
{
	struct vmm_sets sets;

	synchronize(_metadata);
	ASSERT_EQ(0, get_sets(&sets));
	ASSERT_EQ(0, sets.sets);
	ASSERT_EQ(0, ioasid_get_sums(&s->sums));
	s->kmsg = kmsg_open();
	ASSERT_LE(0, s->kmsg);
}

/* Whoever was there is gone without a trace */
static void nothing_left(struct __test_metadata *_metadata, struct scene *s)
{
	struct ioasid_sums sums;
	struct vmm_sets sets;

	synchronize(_metadata);
	EXPECT_EQ(0, get_sets(&sets));
	EXPECT_EQ(0, sets.sets);
	EXPECT_EQ(0, ioasid_get_sums(&sums));
	EXPECT_EQ(s->sums.committed, sums.committed);
	EXPECT_EQ(s->sums.used, sums.used);
	if (!may_be_heard(s))
		EXPECT_EQ(0, kmsg_count(s->kmsg, pdt_machine.log));
}

static void scene_teardown(struct __test_metadata *_metadata, struct scene *s)
{
	nothing_left(_metadata, s);
	close(s->kmsg);
}

static void count_from_here(struct __test_metadata *_metadata, struct scene *s)
{
	ASSERT_EQ(0, pdt_ioctl(witness, PDT_IOC_EVENTS, &s->events));
	ASSERT_EQ(0, pdt_ioctl(witness, PDT_IOC_COUNTERS, &s->counters));
}

static void count_to_here(struct __test_metadata *_metadata, struct scene *s)
{
	struct pdt_counters counters;
	struct pdt_events events;

	ASSERT_EQ(0, pdt_ioctl(witness, PDT_IOC_COUNTERS, &counters));
	ASSERT_EQ(0, pdt_ioctl(witness, PDT_IOC_EVENTS, &events));
	pdt_counters_diff(&s->counters, &counters, &s->counters);
	events.bind -= s->events.bind;
	events.unbind -= s->events.unbind;
	events.free -= s->events.free;
	events.sync -= s->events.sync;
	s->events = events;
}

/* Nobody was told of a fault since count_from_here() */
static void expect_quiet(struct __test_metadata *_metadata, struct scene *s)
{
	if (may_be_heard(s))
		return;
	EXPECT_EQ(0, s->counters.count[PDT_CNT_FAULT_RECORD]);
	EXPECT_EQ(0, s->counters.count[PDT_CNT_FAULT_IRQ]);
	EXPECT_EQ(0, kmsg_count(s->kmsg, pdt_machine.log));
}

#endif /* __SELFTEST_IOASID_SCENE_H */
