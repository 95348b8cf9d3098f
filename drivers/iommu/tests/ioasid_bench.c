// SPDX-License-Identifier: GPL-2.0
/*
 * What IOASID costs, against what else could give out numbers.
 *
 * Runs once at boot and prints samples, which harness/bench sums up:
 *
 *   ioasid_bench: sample ROW SIZE CONTENDER PICOSECONDS
 *
 * (bytes for the row "bytes"). All contenders have as many numbers out at the
 * same time and take turns in each round, beginning with another one each time,
 * so that what disturbs the machine disturbs all of them. With one CPU
 * everything but the look-ups on several CPUs is measured, with more CPUs that
 * alone.
 */
#define pr_fmt(fmt) "ioasid_bench: " fmt

#include <linux/completion.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#include "../ioasid-internal.h"
#include "ioasid_bench.h"

#define BENCH_ROUNDS	15
#define BENCH_WARM_UP	2
#define BENCH_PAIRS	16384	/* in a round, at least */
#define BENCH_BURST	8192	/* at most, and at most half of all numbers */
#define BENCH_FINDS	65536
#define BENCH_EVENTS	65536
#define BENCH_SET	16
#define BENCH_SCANS	3	/* rounds of what takes long */

#define BENCH_CONTENDERS	8

static const unsigned int bench_sizes[] = { 1024, 32768, 524288 };

struct bench_sample {
	const char *row;
	unsigned int size;
	const char *contender;
	u64 value;
};

static struct bench_sample bench_samples[4096];
static unsigned int bench_sampled;
static struct rnd_state bench_random;

/* Kept until nothing is measured, because a console takes time */
static void bench_sample(const char *row, unsigned int size,
			 const char *contender, u64 value)
{
	if (bench_sampled < ARRAY_SIZE(bench_samples))
		bench_samples[bench_sampled++] = (struct bench_sample) {
			row, size, contender, value
		};
}

static int bench_print(void)
{
	for (unsigned int i = 0; i < bench_sampled; i++) {
		const struct bench_sample *s = &bench_samples[i];

		pr_info("sample %s %u %s %llu\n", s->row, s->size, s->contender, s->value);
	}
	if (bench_sampled == ARRAY_SIZE(bench_samples))
		return -ENOSPC;
	bench_sampled = 0;
	return 0;
}

/* Picoseconds for one of @n, or 0 if what was subtracted was more */
static u64 bench_each(s64 ns, unsigned int n)
{
	return ns > 0 ? div_u64(ns * 1000, n) : 0;
}

/* Puts @m of the @n numbers, at random, in front */
static void bench_pick(u32 *ids, unsigned int n, unsigned int m)
{
	for (unsigned int i = 0; i < m; i++) {
		unsigned int other = i + prandom_u32_state(&bench_random) % (n - i);

		swap(ids[i], ids[other]);
	}
}

struct bench_table {
	unsigned int n;
	unsigned int contenders;
	u32 *ids[BENCH_CONTENDERS];
	u64 bytes[BENCH_CONTENDERS];
};

static u64 bench_slab_bytes(void)
{
	return (global_node_page_state_pages(NR_SLAB_RECLAIMABLE_B) +
		global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B)) * (u64)PAGE_SIZE;
}

/* Everybody gets as many numbers */
static int bench_fill(struct bench_table *t, unsigned int n)
{
	const struct bench_allocator *a;
	u64 before;
	int ret;

	t->n = n;
	for (t->contenders = 0; (a = bench_allocators[t->contenders]); t->contenders++) {
		t->ids[t->contenders] = vmalloc_array(n, sizeof(u32));
		if (!t->ids[t->contenders])
			return -ENOMEM;
		ret = a->start(n);
		if (ret)
			return ret;
		before = bench_slab_bytes();
		ret = a->alloc(t->ids[t->contenders], n);
		if (ret)
			return ret;
		t->bytes[t->contenders] = bench_slab_bytes() - before;
		bench_pick(t->ids[t->contenders], n, n);
	}
	return 0;
}

static void bench_empty(struct bench_table *t)
{
	for (unsigned int i = 0; i < t->contenders; i++) {
		bench_allocators[i]->stop();
		vfree(t->ids[i]);
	}
}

struct bench_pair_time {
	s64 call;
	s64 deferred;
	unsigned int pairs;
};

/* Frees and allocates a burst. Draining twice tells what a drain costs by itself */
static int bench_burst(const struct bench_allocator *a, u32 *ids, unsigned int n,
		       unsigned int m, struct bench_pair_time *t)
{
	u64 begin, freed, drained, empty, filled;
	int ret;

	bench_pick(ids, n, m);
	begin = ktime_get_ns();
	a->free(ids, m);
	freed = ktime_get_ns();
	if (a->drain)
		a->drain();
	drained = ktime_get_ns();
	if (a->drain)
		a->drain();
	empty = ktime_get_ns();
	ret = a->alloc(ids, m);
	filled = ktime_get_ns();

	t->call += freed - begin + filled - empty;
	t->deferred += drained - freed - (empty - drained);
	t->pairs += m;
	return ret;
}

static int bench_pairs(struct bench_table *t, unsigned int contender, bool count)
{
	const struct bench_allocator *a = bench_allocators[contender];
	unsigned int m = min(t->n / 2, BENCH_BURST);
	struct bench_pair_time time = { };
	int ret;

	while (time.pairs < BENCH_PAIRS) {
		ret = bench_burst(a, t->ids[contender], t->n, m, &time);
		if (ret)
			return ret;
	}
	if (!count)
		return 0;
	bench_sample("pair", t->n, a->name, bench_each(time.call, time.pairs));
	bench_sample("pair+deferred", t->n, a->name,
		     bench_each(time.call + max(time.deferred, 0), time.pairs));
	return 0;
}

/*
 * Another choice of numbers each time, because ways of looking up that share
 * theirs would find them in the cache that the one before has filled. What was
 * there before that is replaced by an untimed look-up of other numbers, as far
 * as there are others.
 */
static int bench_find(struct bench_table *t, unsigned int way, bool count)
{
	const struct bench_look_up *l = &bench_look_ups[way];
	unsigned int n = min(t->n, BENCH_FINDS), hits, finds;
	u32 *ids = t->ids[l->of];
	u64 begin, end;

	bench_pick(ids, t->n, n);
	hits = l->find(ids + t->n - n, n);
	begin = ktime_get_ns();
	for (finds = 0; finds < BENCH_FINDS; finds += n)
		hits += l->find(ids, n);
	end = ktime_get_ns();
	if (count)
		bench_sample("find", t->n, l->name, bench_each(end - begin, finds));
	return hits == finds + n ? 0 : -ENOENT;
}

static int bench_rounds(struct bench_table *t)
{
	unsigned int ways = 0;
	int ret = 0;

	while (bench_look_ups[ways].name)
		ways++;
	for (int round = -BENCH_WARM_UP; round < BENCH_ROUNDS && !ret; round++) {
		unsigned int first = round + BENCH_WARM_UP;

		for (unsigned int i = 0; i < t->contenders && !ret; i++)
			ret = bench_pairs(t, (first + i) % t->contenders, round >= 0);
		for (unsigned int i = 0; i < ways && !ret; i++)
			ret = bench_find(t, (first + i) % ways, round >= 0);
		cond_resched();
	}
	return ret;
}

static int bench_size(unsigned int n)
{
	struct bench_table t;
	int ret;

	ret = bench_fill(&t, n);
	if (!ret)
		ret = bench_rounds(&t);
	if (!ret)
		bench_empty(&t);
	return ret ?: bench_print();
}

/* To come first: later there are free objects that somebody has left */
static int bench_bytes(unsigned int n)
{
	struct bench_table t;
	int ret;

	ret = bench_fill(&t, n);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < t.contenders; i++)
		bench_sample("bytes", n, bench_allocators[i]->name,
			     div_u64(t.bytes[i] * 1000, n));
	bench_empty(&t);
	return bench_print();
}

static inline bool bench_hears_chain(struct ioasid_set *set)
{
	return blocking_notifier_call_chain(&set->chain.head, IOASID_FREE, NULL) != NOTIFY_DONE;
}

static inline bool bench_hears_alloc(struct ioasid_set *set)
{
	return ioasid_in_handler() || ioasid_has_alloc_subscribers(set);
}

/* Inline, so that @hears is not called indirectly */
static __always_inline int bench_hear(bool (*hears)(struct ioasid_set *set),
				      struct ioasid_set *set)
{
	int heard = 0;

	for (unsigned int i = 0; i < BENCH_EVENTS; i++) {
		heard += hears(set);
		barrier();
	}
	return heard;
}

/* What alloc and free do for an event that nobody hears */
static int bench_event_free(struct ioasid_set *set)
{
	return bench_hear(ioasid_has_subscribers, set);
}

static int bench_event_alloc(struct ioasid_set *set)
{
	return bench_hear(bench_hears_alloc, set);
}

/* What they would do without a count of subscribers */
static int bench_event_chain(struct ioasid_set *set)
{
	return bench_hear(bench_hears_chain, set);
}

static const struct {
	const char *name;
	int (*call)(struct ioasid_set *set);
	bool locked;
} bench_event_calls[] = {
	{ "ioasid-free", bench_event_free, true },
	{ "ioasid-alloc", bench_event_alloc, true },
	{ "chain", bench_event_chain, false },
};

static int bench_event(unsigned int call, bool count)
{
	struct ioasid_set *set = ioasid_system_set();
	unsigned long flags;
	u64 begin, end;
	int heard;

	if (bench_event_calls[call].locked)
		ioasid_lock(flags);
	begin = ktime_get_ns();
	heard = bench_event_calls[call].call(set);
	end = ktime_get_ns();
	if (bench_event_calls[call].locked)
		ioasid_unlock(flags);

	if (count)
		bench_sample("event", 0, bench_event_calls[call].name,
			     bench_each(end - begin, BENCH_EVENTS));
	return heard ? -EBUSY : 0;
}

static int bench_events(void)
{
	int ret = 0;

	for (int round = -BENCH_WARM_UP; round < BENCH_ROUNDS; round++)
		for (unsigned int i = 0; i < ARRAY_SIZE(bench_event_calls) && !ret; i++)
			ret = bench_event(i, round >= 0);
	return ret ?: bench_print();
}

/* What there would be without a list in each set */
static void bench_scan_all(struct ioasid_set *set)
{
	struct ioasid_entry *e;
	unsigned long id;
	void *tagged;

	xa_for_each(&ioasid_ids, id, tagged) {
		e = xa_untag_pointer(tagged);
		if (e->set == set)
			ioasid_free(set, id);
	}
}

/* Numbers @ids, which are scattered, go from one set to another */
static int bench_move(const u32 *ids, struct ioasid_set *from, struct ioasid_set *to)
{
	u32 id;
	int ret;

	for (unsigned int i = 0; from && i < BENCH_SET; i++) {
		ret = ioasid_free(from, ids[i]);
		if (ret)
			return ret;
	}
	ioasid_synchronize();
	for (unsigned int i = 0; i < BENCH_SET; i++) {
		ret = ioasid_alloc(to, ids[i], ids[i], NULL, &id);
		if (ret)
			return ret;
	}
	return 0;
}

static int bench_set_free(u32 *ids, unsigned int n, bool scan)
{
	struct ioasid_set *set;
	u64 begin, done;
	int ret;

	set = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, NULL, BENCH_SET);
	if (IS_ERR(set))
		return PTR_ERR(set);
	bench_pick(ids, n, BENCH_SET);
	ret = bench_move(ids, bench_set(), set);
	if (ret)
		return ret;

	begin = ktime_get_ns();
	if (scan)
		bench_scan_all(set);
	ioasid_set_free(set);
	done = ktime_get_ns();
	bench_sample("set-free", n, scan ? "scan" : "ioasid", (done - begin) * 1000);
	return bench_move(ids, NULL, bench_set());
}

static int bench_set_frees(unsigned int n)
{
	const struct bench_allocator *a = bench_allocators[0];
	int ret;
	u32 *ids;

	ids = vmalloc_array(n, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	ret = a->start(n);
	if (!ret)
		ret = a->alloc(ids, n);
	for (unsigned int i = 0; i < BENCH_ROUNDS && !ret; i++) {
		ret = bench_set_free(ids, n, false);
		if (!ret && i < BENCH_SCANS)
			ret = bench_set_free(ids, n, true);
	}
	if (!ret) {
		a->stop();
		vfree(ids);
	}
	return ret ?: bench_print();
}

/* Look-ups on one CPU and on all at once */
#define BENCH_CPU_PASSES	4

struct bench_cpu {
	const struct bench_look_up *way;
	const u32 *ids;
	unsigned int n;
	unsigned int hits;
	u64 begin;
	u64 end;
	struct completion done;
};

static atomic_t bench_to_come;

static int bench_cpu_thread(void *data)
{
	struct bench_cpu *c = data;

	c->way->find(c->ids, c->n);
	atomic_dec(&bench_to_come);
	while (atomic_read(&bench_to_come) > 0)
		cpu_relax();
	c->begin = ktime_get_ns();
	for (unsigned int i = 0; i < BENCH_CPU_PASSES; i++)
		c->hits += c->way->find(c->ids, c->n);
	c->end = ktime_get_ns();
	complete(&c->done);
	return 0;
}

static int bench_cpu_start(struct bench_cpu *c, unsigned int cpu)
{
	struct task_struct *task;

	init_completion(&c->done);
	task = kthread_run_on_cpu(bench_cpu_thread, c, cpu, "ioasid_bench/%u");
	return PTR_ERR_OR_ZERO(task);
}

/* From the first begin to the last end: CPUs that ran in turns took twice as long */
static int bench_on_cpus(struct bench_table *t, const struct bench_look_up *way,
			 unsigned int cpus, bool count)
{
	struct bench_cpu c[BENCH_CONTENDERS] = { };
	unsigned int started, finds = BENCH_CPU_PASSES * t->n;
	u64 begin = U64_MAX, end = 0;
	int ret = 0;

	atomic_set(&bench_to_come, cpus);
	for (started = 0; started < cpus; started++) {
		c[started].way = way;
		c[started].ids = t->ids[way->of];
		c[started].n = t->n;
		ret = bench_cpu_start(&c[started], started);
		if (ret)
			break;
	}
	/* Those that are there do not wait for one that could not be started */
	atomic_sub(cpus - started, &bench_to_come);
	for (unsigned int i = 0; i < started; i++) {
		wait_for_completion(&c[i].done);
		begin = min(begin, c[i].begin);
		end = max(end, c[i].end);
		if (c[i].hits != finds)
			ret = ret ?: -ENOENT;
	}
	if (count && !ret)
		bench_sample("find-cpus", cpus, way->name, bench_each(end - begin, finds));
	return ret;
}

static int bench_cpus(void)
{
	unsigned int cpus = min(num_online_cpus(), BENCH_CONTENDERS);
	struct bench_table t;
	int ret;

	ret = bench_fill(&t, 32768);
	for (int round = -BENCH_WARM_UP; round < BENCH_ROUNDS && !ret; round++) {
		for (unsigned int i = 0; bench_look_ups[i].name && !ret; i++) {
			ret = bench_on_cpus(&t, &bench_look_ups[i], 1, round >= 0);
			if (!ret)
				ret = bench_on_cpus(&t, &bench_look_ups[i], cpus, round >= 0);
		}
	}
	if (!ret)
		bench_empty(&t);
	return ret ?: bench_print();
}

static int bench_one_cpu(void)
{
	int ret;

	ret = bench_bytes(bench_sizes[ARRAY_SIZE(bench_sizes) - 1]);
	if (!ret)
		ret = bench_events();
	for (unsigned int i = 0; i < ARRAY_SIZE(bench_sizes) && !ret; i++)
		ret = bench_size(bench_sizes[i]);
	if (!ret)
		ret = bench_set_frees(bench_sizes[0]);
	if (!ret)
		ret = bench_set_frees(BENCH_MOST);
	return ret;
}

static int __init ioasid_bench(void)
{
	int ret;

	prandom_seed_state(&bench_random, 20);
	ret = num_online_cpus() > 1 ? bench_cpus() : bench_one_cpu();
	if (ret)
		pr_err("failed: %pe\n", ERR_PTR(ret));
	else
		pr_info("done, an entry has %zu bytes\n", sizeof(struct ioasid_entry));
	return 0;
}
late_initcall_sync(ioasid_bench);
