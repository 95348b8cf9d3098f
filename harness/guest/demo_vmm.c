// SPDX-License-Identifier: GPL-2.0
/*
 * The story of a guest, told with real values: a small VMM with many PASIDs on
 * four devices is killed. On a kernel with the IOASID allocator they go as one,
 * on one without it one by one.
 *
 * Prints KTAP, as demo.c does.
 */
#include <stdarg.h>
#include <stdbool.h>

#include "demo.h"
#include "../../tools/testing/selftests/iommu/ioasid_vmm.h"

#define DEVICES		4
#define PASIDS		256
#define DMA		0xdada0001
/* What each PASID of each device costs on 7.3.4, in commands that are waited for */
#define WAITS_EACH	3
/* And a whole guest at most, with its four devices and their reset */
#ifdef __aarch64__
#define WAITS_ALL	128
#else
#define WAITS_ALL	64
#endif

static struct vmm_park park;
static uint32_t *page;
static struct pdt_info info;

/* The device writes to the page, again and again */
static bool is_written(void)
{
	uint32_t *half = vmm_half(page, 1);
	int i;

	vmm_clear(half);
	for (i = 0; i < 1000 && vmm_word(half) != DMA; i++)
		pdt_sleep_us(100);
	return vmm_word(half) == DMA;
}

static pid_t start(void)
{
	pid_t pid;

	chapter("A guest with four devices");
	pid = vmm_fork(&park, DEVICES, PASIDS, page, DMA);
	must(pid, "start the guest");
	say("A small VMM (pid %d) has bound %u devices with VFIO and iommufd,", pid,
	    DEVICES);
	if (info.ioasid)
		say("made a set with a quota of %u, and attached its %u PASIDs to each of them.",
		    PASIDS, PASIDS);
	else
		say("and attached the numbers 1 to %u as PASIDs to each of them.",
		    PASIDS);
	claim(is_written(),
	      "a device of the guest writes to its memory, with one of its PASIDs");
	return pid;
}

/* Are all numbers back that the guest had? */
static bool all_free(unsigned int committed)
{
	struct ioasid_sums sums;

	must(pdt_ioasid(park.witness, PDT_IOASID_SYNCHRONIZE, 0, NULL),
	     "synchronize");
	must(ioasid_get_sums(&sums), "sums");
	return sums.committed == committed;
}

static void end(pid_t pid, unsigned int committed)
{
	struct pdt_counters diff;
	uint64_t us;

	chapter("It is killed");
	if (info.ioasid) {
		say("The allocator's view (/sys/kernel/debug/ioasid/sets):");
		show_debugfs_file("sets");
	}
	must(vmm_kill(&park, pid, &us, &diff), "counters");
	say("kill -9: gone after %u.%u ms. The IOMMU was told %u commands, and the",
	    (unsigned int)(us / 1000), (unsigned int)(us / 100 % 10),
	    pdt_commands(&diff));
	say("dying process waited for it %u times.", pdt_waits(&diff));
	if (!info.ioasid) {
		claim(pdt_waits(&diff) >= WAITS_EACH * PASIDS * DEVICES,
		      "hazard: it waits for the IOMMU again and again, for each PASID of each device");
		return;
	}
	claim(pdt_waits(&diff) <= WAITS_ALL,
	      "all its PASIDs go together: what it waits for does not depend on their number");
	claim(!diff.count[PDT_CNT_FAULT_IRQ] && !diff.count[PDT_CNT_FAULT_RECORD],
	      "and what its device still sent disturbed nobody");
	claim(all_free(committed), "then all numbers are free, and so is its guarantee");
	say("The allocator's view:");
	show_debugfs_file("sets");
}

int main(void)
{
	struct ioasid_sums sums = { };
	pid_t pid;

	page = vmm_page();
	must(vmm_park_enter(&park), "give four devices to vfio-pci");
	must(pdt_ioctl(park.witness, PDT_IOC_INFO, &info), "info");
	plan(info.ioasid ? 4 : 2);
	if (info.ioasid)
		must(ioasid_get_sums(&sums), "sums");
	pid = start();
	end(pid, sums.committed);
	vmm_park_leave(&park);
	return finish();
}
