// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the end of many PASIDs on several devices costs the IOMMU, three ways:
 *
 *   set	their set is freed, and then they are detached
 *   each	they are freed one after the other, and then detached
 *   own	the driver has chosen the numbers itself: they are detached one
 *		after the other, as all are without IOASID
 *
 * Prints a line for each, for harness/bench-iommu; time is that of an emulator.
 * Needs as many PASID test devices with 20 bits of PASID as it is to use at most.
 */
#include <sys/mman.h>

#include "../kselftest.h"
#include "ioasid_look.h"

#define DEVICES		16
#define IOVA		0x7000000000UL

static const struct shape {
	unsigned int pasids;
	unsigned int devices;
	unsigned int domains;
} shapes[] = {
	{ 1, 1, 1 }, { 1, 4, 1 },
	{ 16, 1, 1 }, { 16, 4, 1 }, { 16, 4, 16 },
	{ 256, 1, 1 }, { 256, 4, 1 }, { 256, 4, 16 },
	{ 4096, 4, 1 }, { 4096, 4, 16 }, { 1024, 16, 16 },
	{ 4096, 16, 16 },
#ifndef __aarch64__
	/* SMMUv3's driver copies what a domain has attached for each attach */
	{ 4096, 16, 1 },
#endif
};

static const struct way {
	const char *name;
	uint32_t attach;
	/* 0: nothing, it is detached at once */
	uint32_t end;
} ways[] = {
	{ "set", PDT_CROWD_ATTACH, PDT_CROWD_FREE },
	{ "each", PDT_CROWD_ATTACH, PDT_CROWD_FREE_EACH },
	{ "own", PDT_CROWD_ATTACH_OWN, 0 },
};

static void must(int ret, const char *what)
{
	if (ret < 0)
		ksft_exit_fail_msg("%s: %s\n", what, strerror(-ret));
}

static void end_all(const int *fd, const struct shape *shape,
		    const struct way *way)
{
	unsigned int d;

	if (way->end)
		must(pdt_crowd(fd[0], way->end, 0), "free");
	for (d = 0; d < shape->devices; d++)
		must(pdt_crowd(fd[d], PDT_CROWD_DETACH, 0), "detach");
}

static void measure(const int *fd, const struct shape *shape,
		    const struct way *way)
{
	struct pdt_crowd_op make = {
		.op = PDT_CROWD_MAKE, .iova = IOVA, .n = shape->pasids,
		.domains = shape->domains,
	};
	struct pdt_counters before, after, diff;
	uint64_t begin, us;
	unsigned int d;

	must(pdt_ioctl(fd[0], PDT_IOC_CROWD, &make), "make");
	for (d = 0; d < shape->devices; d++)
		must(pdt_crowd(fd[d], way->attach, 0), "attach");
	must(pdt_ioctl(fd[0], PDT_IOC_COUNTERS, &before), "counters");
	begin = pdt_now_us();
	end_all(fd, shape, way);
	us = pdt_now_us() - begin;
	must(pdt_ioctl(fd[0], PDT_IOC_COUNTERS, &after), "counters");
	pdt_counters_diff(&before, &after, &diff);
	ksft_print_msg("cost\t%s\t%u\t%u\t%u\t%u\t%u\t%u.%03u\n", way->name,
		       shape->pasids, shape->devices, shape->domains,
		       pdt_commands(&diff), pdt_waits(&diff),
		       (unsigned int)(us / 1000), (unsigned int)(us % 1000));
}

int main(void)
{
	unsigned int nr = 0, n = 0, s, w, fresh;
	int fd[DEVICES];

	ksft_print_header();
	while (n < DEVICES && (fd[n] = pdt_open_wide(&nr)) >= 0)
		n++;
	if (!n)
		ksft_exit_skip("there is no PASID test device\n");
	ksft_set_plan(ARRAY_SIZE(shapes) * ARRAY_SIZE(ways));
	for (s = 0; s < ARRAY_SIZE(shapes); s++) {
		for (w = 0; w < ARRAY_SIZE(ways); w++) {
			if (shapes[s].devices > n) {
				ksft_test_result_skip("%u devices\n", shapes[s].devices);
				continue;
			}
			measure(fd, &shapes[s], &ways[w]);
			/* Only a new file of the maker makes another crowd */
			close(fd[0]);
			fresh = 0;
			fd[0] = pdt_open_wide(&fresh);
			must(fd[0], "open");
			ksft_test_result_pass("%s %u %u %u\n", ways[w].name,
					      shapes[s].pasids, shapes[s].devices,
					      shapes[s].domains);
		}
	}
	ksft_finished();
}
