// SPDX-License-Identifier: GPL-2.0
/*
 * The story of a PASID, told with real values: two processes share a device,
 * one of them is killed while the device works for it.
 *
 * Runs on a kernel with the IOASID allocator, where all goes well, and on one
 * without, where it shows what goes wrong. Prints KTAP: the story as comments,
 * and a result for each claim that it makes.
 */
#include <stdarg.h>
#include <stdbool.h>

#include "demo.h"

#define LEN		64
#define PAGE_A		0x11111111
#define PAGE_B		0x22222222
#define PAGE_NEXT	0x33333333
#define DMA_A		0xa1a1a1a1
#define DMA_B		0xb2b2b2b2
#define DMA_DEAD	0xdeadd0a1
/* Numbers are 1 to 7: few enough that each would come round again */
#define CAPACITY	8
#define OTHERS		(CAPACITY - 3)

static int dev;
static struct pdt_worker a, b, next[OTHERS + 1];
static uint32_t old;
/* When A was killed: what its device had done, what hardware had counted */
static struct pdt_status dead;
static struct pdt_counters counted;
static int kmsg;

/* Since @begin, for %u.%u */
#define ms(begin)	since(begin) / 1000, since(begin) / 100 % 10

static unsigned int since(uint64_t begin)
{
	return pdt_now_us() - begin;
}

static uint32_t word(struct pdt_worker *w)
{
	return pdt_ask(w, PDT_OP_PEEK, PDT_VA, 0);
}

static bool untouched(struct pdt_worker *w, uint32_t pattern)
{
	return !pdt_ask(w, PDT_OP_DIFF, PDT_VA, pattern);
}

static void write_once(struct pdt_worker *w, uint32_t pattern)
{
	struct pdt_dma dma = {
		.iova = PDT_VA, .cmd = PDT_CMD_WRITE, .mode = PDT_MODE_FILL,
		.len = LEN, .pattern = pattern,
	};

	must(pdt_worker_dma(w, &dma), "DMA");
	say("The device writes %08x to %#lx with PASID %u.", pattern, PDT_VA,
	    w->pasid);
}

static void start_engine(struct pdt_worker *w, uint64_t va, uint32_t pattern)
{
	struct pdt_engine eng = {
		.iova = va, .cmd = PDT_CMD_WRITE, .mode = PDT_MODE_FILL,
		.len = LEN, .pattern = pattern, .period = 50,
		.count = PDT_ENG_ENDLESS, .flags = PDT_ENGINE_RUNAWAY,
	};
	struct pdt_status st;

	must(pdt_worker_engine(w, &eng), "start the engine");
	must(pdt_wait_engine(dev, w->channel, 100, 0, &st), "watch the engine");
}

static void two_processes(void)
{
	chapter("Two processes share a device");
	must(pdt_worker_spawn(&a, 0, PAGE_A), "process A");
	must(pdt_worker_spawn(&b, 0, PAGE_B), "process B");
	say("Process A (pid %d) and process B (pid %d) each have a page of memory",
	    a.pid, b.pid);
	say("at the address %#lx. A's is full of %08x, B's of %08x.",
	    PDT_VA, PAGE_A, PAGE_B);
	say("Both bind the device: A gets PASID %u, B gets PASID %u.", a.pasid,
	    b.pasid);
	old = a.pasid;
	claim(a.pasid != b.pasid, "each process has a PASID of its own");

	write_once(&a, DMA_A);
	say("A's memory now begins with %08x, B's with %08x.", word(&a),
	    word(&b));
	claim(word(&a) == DMA_A && untouched(&b, PAGE_B),
	      "a write with A's PASID lands in A's memory and not in B's");
	write_once(&b, DMA_B);
	say("A's memory now begins with %08x, B's with %08x.", word(&a),
	    word(&b));
	claim(word(&b) == DMA_B && word(&a) == DMA_A,
	      "a write with B's PASID lands in B's memory and not in A's");
	must(pdt_do(&b, PDT_OP_FILL, PDT_VA, PAGE_B), "fill");
	show_debugfs("The allocator's view (/sys/kernel/debug/ioasid):");
}

static void kill_a(void)
{
	uint64_t begin;

	chapter("A is killed while the device works for it");
	start_engine(&a, PDT_VA, DMA_DEAD);
	start_engine(&b, PDT_VA + LEN, DMA_B);
	say("The device writes %08x to A's memory every 50 us, by itself, and",
	    DMA_DEAD);
	say("%08x to B's. Nobody tells it to stop.", DMA_B);
	kmsg = kmsg_open();
	must(kmsg < 0 ? kmsg : 0, "/dev/kmsg");
	must(pdt_ioctl(dev, PDT_IOC_COUNTERS, &counted), "counters");
	begin = pdt_now_us();
	pdt_worker_kill(&a);
	must(pdt_get_status(dev, a.channel, &dead), "status");
	say("kill -9 A: %u.%u ms later it is gone, its file is closed, the driver has",
	    ms(begin));
	say("unbound. The device had made %u writes for it by then, and goes on.",
	    dead.ok);
}

/* 1000 requests more, at least; what did they do? */
static void watch_the_dead(bool quiet)
{
	struct pdt_counters now, diff;
	struct pdt_status st, b_then, b_now;
	int lines;

	must(pdt_get_status(dev, b.channel, &b_then), "status");
	must(pdt_wait_engine(dev, a.channel, 0, dead.fault + 1000, &st),
	     "watch the engine");
	must(pdt_ioctl(dev, PDT_IOC_COUNTERS, &now), "counters");
	must(pdt_get_status(dev, b.channel, &b_now), "status");
	pdt_counters_diff(&counted, &now, &diff);
	pdt_sleep_us(50000);
	lines = kmsg_count(kmsg, pdt_machine.log);
	close(kmsg);

	say("Since A's exit: %u writes done, %u refused by the IOMMU.",
	    st.ok - dead.ok, st.fault - dead.fault);
	claim(st.ok == dead.ok && st.fault >= dead.fault + 1000,
	      "from A's exit on the device's writes for it are all refused");
	say("They cost the host %u interrupts and %d lines in its log.",
	    (unsigned int)diff.count[PDT_CNT_FAULT_IRQ], lines);
	if (quiet)
		claim(!diff.count[PDT_CNT_FAULT_IRQ] && !lines,
		      "and nobody is disturbed by that: no interrupt, no line in the log");
	else
		claim(diff.count[PDT_CNT_FAULT_IRQ] > 100,
		      "hazard: a device that goes on floods the host with fault interrupts");
	say("B meanwhile: %u writes done, %u refused.", b_now.ok - b_then.ok,
	    b_now.fault);
	claim(b_now.ok > b_then.ok && !b_now.fault && word(&b) == PAGE_B,
	      "B goes on undisturbed");
}

static void number_is_kept(void)
{
	struct ioasid_line line = { };
	bool kept = true, clean = true;
	int i, ret = 0;

	chapter("The number stays away from others");
	must(pdt_ioasid(dev, PDT_IOASID_SYNCHRONIZE, 0, NULL), "synchronize");
	show_debugfs("The allocator's view:");
	must(ioasid_get_line(old, &line), "ids");
	say("PASID %u is %s: it was freed when A died, but the driver still holds",
	    old, line.state);
	say("a reference (refs=%u), because it has not seen its device stop.",
	    line.refs);
	claim(!strcmp(line.state, "free-pending") && line.refs == 1,
	      "A's number is not free while the device may use it");

	for (i = 0; i <= OTHERS; i++) {
		ret = pdt_worker_spawn(&next[i], 0, PAGE_NEXT);
		if (ret)
			break;
		kept &= next[i].pasid != old;
		say("A new process binds and gets PASID %u.", next[i].pasid);
	}
	say("One more new process: %s. All numbers but A's are taken.",
	    ret ? strerror(-ret) : "gets one");
	claim(kept && ret == -ENOSPC && i == OTHERS,
	      "no new process gets A's number, not even the one that gets none at all");
	pdt_sleep_us(50000);
	while (i--)
		clean &= untouched(&next[i], PAGE_NEXT);
	claim(clean, "no new process finds a write of A's in its memory");
}

static void number_is_free(void)
{
	struct ioasid_line line = { .state = "nothing any more" };
	struct pdt_worker *w = &next[OTHERS];
	uint64_t begin = pdt_now_us();
	bool back;
	int ret;

	chapter("The device stops, and the number is free");
	must(pdt_stop(dev, a.channel), "stop the device");
	ret = ioasid_get_line(old, &line);
	say("The driver stops the device, sees it stand still, drops its reference.");
	say("PASID %u: %s at the first look,", old, line.state);
	back = !strcmp(line.state, "free-pending");
	while (!ret && pdt_now_us() < begin + 5000000) {
		pdt_sleep_us(500);
		ret = ioasid_get_line(old, &line);
	}
	say("free %u.%u ms after the order to stop.", ms(begin));
	claim(ret == -ENOENT && !back,
	      "then, after its quarantine, the number is free");

	ret = pdt_worker_spawn(w, 0, PAGE_NEXT);
	say("The process that got none tries again: PASID %u.",
	    ret ? 0 : w->pasid);
	claim(!ret && w->pasid == old && untouched(w, PAGE_NEXT),
	      "the number serves another process, whose memory is as it left it");
	if (ret)
		return;
	write_once(w, DMA_A);
	say("Its memory now begins with %08x.", word(w));
	claim(word(w) == DMA_A && word(&b) == PAGE_B,
	      "and means that process's memory now");
}

static void the_end(void)
{
	struct ioasid_sums sums;
	int i;

	pdt_worker_kill(&b);
	for (i = 0; i <= OTHERS; i++)
		pdt_worker_kill(&next[i]);
	must(pdt_stop_left(dev), "stop the device");
	must(pdt_ioasid(dev, PDT_IOASID_SYNCHRONIZE, 0, NULL), "synchronize");
	say("All processes are killed, the device is stopped.");
	show_debugfs("The allocator's view:");
	must(ioasid_get_sums(&sums), "sums");
	claim(!sums.used && !sums.pending, "at the end no number is in use");
}

/* Without the allocator: a new process gets the number, sooner or later */
static void number_is_reused(void)
{
	struct pdt_worker *w = &next[0];
	uint64_t begin = pdt_now_us();
	unsigned int tries = 0;
	int ret;

	chapter("The next process gets the number");
	do {
		pdt_worker_kill(w);
		ret = pdt_worker_spawn(w, 0, PAGE_NEXT);
		must(ret, "a new process");
		tries++;
		pdt_sleep_us(200);
	} while (w->pasid != old && pdt_now_us() < begin + 10000000);

	say("New processes bind, one after the other, each with a page full of");
	say("%08x. Number %u, %u.%u ms after A was gone, gets PASID %u.",
	    PAGE_NEXT, tries, ms(begin), w->pasid);
	claim(w->pasid == old,
	      "hazard: A's number is handed out while the device still uses it");
	pdt_sleep_us(50000);
	say("It has done nothing yet. Its memory begins with %08x.", word(w));
	claim(word(w) == DMA_DEAD,
	      "hazard: the write of the dead process lands in the next one's memory");
}

int main(int argc, char **argv)
{
	uint32_t capacity = CAPACITY;
	struct pdt_info info;

	pdt_worker_main(argc, argv);
	dev = pdt_open(0);
	must(dev < 0 ? dev : 0, "/dev/pasid-testdev0");
	must(pdt_ioctl(dev, PDT_IOC_INFO, &info), "info");

	if (!info.ioasid) {
		plan(8);
		two_processes();
		kill_a();
		watch_the_dead(false);
		number_is_reused();
	} else {
		plan(13);
		must(pdt_ioasid(dev, PDT_IOASID_CAPACITY, 0, &capacity),
		     "capacity");
		say("There are PASIDs 1 to %u in this run, so few that any number must soon",
		    CAPACITY - 1);
		say("be used again if nothing keeps it back.");
		two_processes();
		kill_a();
		watch_the_dead(true);
		number_is_kept();
		number_is_free();
		the_end();
	}
	return finish();
}
