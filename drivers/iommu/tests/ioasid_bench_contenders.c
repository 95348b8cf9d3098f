// SPDX-License-Identifier: GPL-2.0
/*
 * The allocators that the benchmark compares.
 *
 * "classic" is the allocator of Linux 5.5 to 6.2 (drivers/iommu/ioasid.c there)
 * without its custom allocators: a spinlock, an XArray, an entry a number.
 * "xarray" and "ida" are the bare minimum: a number and nothing behind it.
 */
#include <linux/idr.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "../ioasid-internal.h"
#include "ioasid_bench.h"

#define BENCH_LAST	((1U << IOASID_MAX_BITS) - 1)

static int bench_data;

/* The loops are made for each contender, so that nothing is called indirectly */
#define BENCH_LOOPS(name)						\
static int name##_alloc_all(u32 *ids, unsigned int n)			\
{									\
	int ret = 0;							\
									\
	for (unsigned int i = 0; i < n && !ret; i++)			\
		ret = name##_alloc_one(&ids[i]);			\
	return ret;							\
}									\
									\
static void name##_free_all(const u32 *ids, unsigned int n)		\
{									\
	for (unsigned int i = 0; i < n; i++)				\
		name##_free_one(ids[i]);				\
}

#define BENCH_FIND_LOOP(name, found)					\
static unsigned int name##_all(const u32 *ids, unsigned int n)		\
{									\
	unsigned int hits = 0;						\
									\
	for (unsigned int i = 0; i < n; i++)				\
		hits += found(ids[i]) == &bench_data;			\
	return hits;							\
}

/* IOASID */

static struct ioasid_set *bench_ioasid_set;

struct ioasid_set *bench_set(void)
{
	return bench_ioasid_set;
}

static int bench_ioasid_start(unsigned int n)
{
	bench_ioasid_set = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, NULL, n);
	return PTR_ERR_OR_ZERO(bench_ioasid_set);
}

static void bench_ioasid_stop(void)
{
	ioasid_set_free(bench_ioasid_set);
	ioasid_synchronize();
}

static inline int bench_ioasid_alloc_one(u32 *id)
{
	return ioasid_alloc(bench_ioasid_set, 1, BENCH_LAST, &bench_data, id);
}

static inline void bench_ioasid_free_one(u32 id)
{
	ioasid_free(bench_ioasid_set, id);
}

BENCH_LOOPS(bench_ioasid)

static const struct bench_allocator bench_ioasid = {
	.name = "ioasid",
	.start = bench_ioasid_start,
	.alloc = bench_ioasid_alloc_all,
	.free = bench_ioasid_free_all,
	.drain = ioasid_synchronize,
	.stop = bench_ioasid_stop,
};

static inline void *bench_ioasid_find_one(u32 id)
{
	return ioasid_find(bench_ioasid_set, id, NULL);
}

BENCH_FIND_LOOP(bench_ioasid_find, bench_ioasid_find_one)

/* The array of IOASID without IOASID */
static inline void *bench_raw_find_one(u32 id)
{
	struct ioasid_entry *e;

	guard(rcu)();
	e = xa_load(&ioasid_ids, id);
	return e ? rcu_dereference(e->private) : NULL;
}

BENCH_FIND_LOOP(bench_raw_find, bench_raw_find_one)

static bool bench_getter(void *data)
{
	return data;
}

static inline void *bench_ioasid_getter_one(u32 id)
{
	return ioasid_find(bench_ioasid_set, id, bench_getter);
}

BENCH_FIND_LOOP(bench_ioasid_getter, bench_ioasid_getter_one)

/* A look-up that takes a reference on something that all CPUs share */
static refcount_t bench_shared = REFCOUNT_INIT(1);

static inline void *bench_counting_find_one(u32 id)
{
	void *data = bench_raw_find_one(id);

	refcount_inc(&bench_shared);
	refcount_dec(&bench_shared);
	return data;
}

BENCH_FIND_LOOP(bench_counting_find, bench_counting_find_one)

/* classic */

struct classic_data {
	u32 id;
	void *set;
	void __rcu *private;
	struct rcu_head rcu;
};

struct classic_allocator {
	u32 (*alloc)(u32 min, u32 max, void *data);
	void (*free)(u32 id);
	struct xarray xa;
};

static DEFINE_SPINLOCK(classic_lock);

static u32 classic_default_alloc(u32 min, u32 max, void *data);
static void classic_default_free(u32 id);

static struct classic_allocator classic_default = {
	.alloc = classic_default_alloc,
	.free = classic_default_free,
	.xa = XARRAY_INIT(classic_default.xa, XA_FLAGS_ALLOC),
};

static struct classic_allocator *classic_active = &classic_default;

static u32 classic_default_alloc(u32 min, u32 max, void *data)
{
	u32 id;

	if (xa_alloc(&classic_default.xa, &id, data, XA_LIMIT(min, max), GFP_ATOMIC))
		return IOMMU_PASID_INVALID;
	return id;
}

static void classic_default_free(u32 id)
{
	struct classic_data *data = xa_erase(&classic_default.xa, id);

	kfree_rcu(data, rcu);
}

static noinline u32 classic_alloc(void *set, u32 min, u32 max, void *private)
{
	struct classic_data *data;
	u32 id;

	data = kzalloc_obj(*data, GFP_ATOMIC);
	if (!data)
		return IOMMU_PASID_INVALID;
	data->set = set;
	RCU_INIT_POINTER(data->private, private);

	spin_lock(&classic_lock);
	id = classic_active->alloc(min, max, data);
	if (id != IOMMU_PASID_INVALID)
		data->id = id;
	spin_unlock(&classic_lock);
	if (id == IOMMU_PASID_INVALID)
		kfree(data);
	return id;
}

static noinline void classic_free(u32 id)
{
	spin_lock(&classic_lock);
	if (xa_load(&classic_active->xa, id))
		classic_active->free(id);
	else
		pr_err("classic: %u is not out\n", id);
	spin_unlock(&classic_lock);
}

static noinline void *classic_find(void *set, u32 id, bool (*getter)(void *))
{
	struct classic_allocator *active;
	struct classic_data *data;
	void *private = NULL;

	rcu_read_lock();
	active = READ_ONCE(classic_active);
	data = xa_load(&active->xa, id);
	if (!data) {
		private = ERR_PTR(-ENOENT);
		goto out;
	}
	if (set && data->set != set) {
		private = ERR_PTR(-EACCES);
		goto out;
	}
	private = rcu_dereference(data->private);
	if (getter && !getter(private))
		private = NULL;
out:
	rcu_read_unlock();
	return private;
}

static inline int bench_classic_alloc_one(u32 *id)
{
	*id = classic_alloc(&bench_data, 1, BENCH_LAST, &bench_data);
	return *id == IOMMU_PASID_INVALID ? -ENOSPC : 0;
}

static inline void bench_classic_free_one(u32 id)
{
	classic_free(id);
}

static void bench_classic_drain(void)
{
	kvfree_rcu_barrier();
	rcu_barrier();
}

static int bench_nothing_to_start(unsigned int n)
{
	return 0;
}

static void bench_classic_stop(void)
{
	struct classic_data *data;
	unsigned long index;

	xa_for_each(&classic_default.xa, index, data)
		classic_free(index);
	bench_classic_drain();
	xa_destroy(&classic_default.xa);
}

BENCH_LOOPS(bench_classic)

static const struct bench_allocator bench_classic = {
	.name = "classic",
	.start = bench_nothing_to_start,
	.alloc = bench_classic_alloc_all,
	.free = bench_classic_free_all,
	.drain = bench_classic_drain,
	.stop = bench_classic_stop,
};

static inline void *bench_classic_find_one(u32 id)
{
	return classic_find(&bench_data, id, NULL);
}

BENCH_FIND_LOOP(bench_classic_find, bench_classic_find_one)

static inline void *bench_classic_getter_one(u32 id)
{
	return classic_find(&bench_data, id, bench_getter);
}

BENCH_FIND_LOOP(bench_classic_getter, bench_classic_getter_one)

/* xarray */

static DEFINE_XARRAY_ALLOC(bench_xa);

static inline int bench_xarray_alloc_one(u32 *id)
{
	return xa_alloc(&bench_xa, id, &bench_data, XA_LIMIT(1, BENCH_LAST), GFP_KERNEL);
}

static inline void bench_xarray_free_one(u32 id)
{
	xa_erase(&bench_xa, id);
}

static void bench_xarray_stop(void)
{
	xa_destroy(&bench_xa);
}

BENCH_LOOPS(bench_xarray)

static const struct bench_allocator bench_xarray = {
	.name = "xarray",
	.start = bench_nothing_to_start,
	.alloc = bench_xarray_alloc_all,
	.free = bench_xarray_free_all,
	.stop = bench_xarray_stop,
};

/* ida */

static DEFINE_IDA(bench_id);

static inline int bench_ida_alloc_one(u32 *id)
{
	int ret = ida_alloc_range(&bench_id, 1, BENCH_LAST, GFP_KERNEL);

	if (ret < 0)
		return ret;
	*id = ret;
	return 0;
}

static inline void bench_ida_free_one(u32 id)
{
	ida_free(&bench_id, id);
}

static void bench_ida_stop(void)
{
	ida_destroy(&bench_id);
}

BENCH_LOOPS(bench_ida)

static const struct bench_allocator bench_ida = {
	.name = "ida",
	.start = bench_nothing_to_start,
	.alloc = bench_ida_alloc_all,
	.free = bench_ida_free_all,
	.stop = bench_ida_stop,
};

const struct bench_allocator * const bench_allocators[] = {
	&bench_ioasid,
	&bench_classic,
	&bench_xarray,
	&bench_ida,
	NULL
};

const struct bench_look_up bench_look_ups[] = {
	{ "ioasid", bench_ioasid_find_all, 0 },
	{ "raw", bench_raw_find_all, 0 },
	{ "classic", bench_classic_find_all, 1 },
	{ "ioasid+getter", bench_ioasid_getter_all, 0 },
	{ "classic+getter", bench_classic_getter_all, 1 },
	{ "counting", bench_counting_find_all, 0 },
	{ }
};
