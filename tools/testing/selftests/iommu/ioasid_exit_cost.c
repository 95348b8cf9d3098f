// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the end of a guest costs: a process with many PASIDs on several VFIO
 * devices is killed. On a kernel that has sets it has a set; on one that has
 * none it attaches numbers of its own choice.
 *
 * Prints a line for each, for harness/bench-iommu: commands of the IOMMU, those
 * of them that are waited for, and how long the kill took; time is that of an
 * emulator. Needs the devices of ioasid_vfio.c.
 */
#include "../kselftest.h"
#include "ioasid_vmm.h"

static const struct shape {
	unsigned int pasids;
	unsigned int devices;
} shapes[] = {
	{ 0, 4 }, { 1, 1 }, { 16, 4 }, { 256, 1 }, { 256, 4 }, { 1024, 4 },
	{ 4096, 4 },
};

static struct vmm_park park;

static void must(int ret, const char *what)
{
	if (ret >= 0)
		return;
	vmm_park_leave(&park);
	ksft_exit_fail_msg("%s: %s\n", what, strerror(-ret));
}

static void measure(const struct shape *shape, uint32_t *page)
{
	struct pdt_counters diff;
	uint64_t us;
	pid_t pid;

	pid = vmm_fork(&park, shape->devices, shape->pasids, page, 1);
	must(pid, "start the guest");
	must(vmm_kill(&park, pid, &us, &diff), "counters");
	ksft_print_msg("exit\t%u\t%u\t%u\t%u\t%u.%03u\n", shape->pasids,
		       shape->devices, pdt_commands(&diff), pdt_waits(&diff),
		       (unsigned int)(us / 1000), (unsigned int)(us % 1000));
}

int main(void)
{
	uint32_t *page = vmm_page();
	unsigned int i;

	ksft_print_header();
	must(vmm_park_enter(&park), "devices for VFIO");
	ksft_set_plan(ARRAY_SIZE(shapes));
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		measure(&shapes[i], page);
		ksft_test_result_pass("%u %u\n", shapes[i].pasids,
				      shapes[i].devices);
	}
	vmm_park_leave(&park);
	ksft_finished();
}
