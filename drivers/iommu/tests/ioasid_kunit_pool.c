// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suites: a custom allocator, in place of a hypervisor.
 */
#include <linux/sched.h>

#include "ioasid_kunit.h"

static void ik_pool_enter(struct ik_pool *pool)
{
	/* As it may be with a register of hardware */
	might_sleep();
	KUNIT_EXPECT_EQ_MSG(pool->test, atomic_inc_return(&pool->inside), 1,
			    "two calls at a time");
	cond_resched();
}

static ioasid_t ik_pool_find(struct ik_pool *pool, ioasid_t min, ioasid_t max)
{
	ioasid_t id;

	for (id = max(min, IK_POOL_BASE); id <= max && id < IK_POOL_BASE + IK_POOL_SIZE; id++)
		if (!__test_and_set_bit(id - IK_POOL_BASE, pool->out))
			return id;
	return IOMMU_PASID_INVALID;
}

static ioasid_t ik_pool_alloc(ioasid_t min, ioasid_t max, void *pdata)
{
	struct ik_pool *pool = pdata;
	ioasid_t id;

	ik_pool_enter(pool);
	pool->asked++;
	pool->min = min;
	pool->max = max;
	if (pool->on_alloc)
		pool->on_alloc(pool);
	id = pool->give ?: ik_pool_find(pool, min, max);
	atomic_dec(&pool->inside);
	return id;
}

static void ik_pool_free(ioasid_t id, void *pdata)
{
	struct ik_pool *pool = pdata;

	ik_pool_enter(pool);
	if (pool->slow)
		schedule_timeout_uninterruptible(2);
	pool->returned++;
	pool->last = id;
	if (id >= IK_POOL_BASE && id < IK_POOL_BASE + IK_POOL_SIZE)
		__clear_bit(id - IK_POOL_BASE, pool->out);
	atomic_dec(&pool->inside);
}

/* One that is not registered */
struct ik_pool *ik_pool_new(struct kunit *test)
{
	struct ik_pool *pool = kunit_kzalloc(test, sizeof(*pool), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pool);
	pool->test = test;
	pool->ops.alloc = ik_pool_alloc;
	pool->ops.free = ik_pool_free;
	pool->ops.pdata = pool;
	return pool;
}

unsigned int ik_pool_out(struct ik_pool *pool)
{
	return bitmap_weight(pool->out, IK_POOL_SIZE);
}

/* The sets that used it are gone, the numbers may be on their way */
static void ik_pool_unregister_action(void *arg)
{
	struct ik_pool *pool = arg;

	ioasid_synchronize();
	ioasid_unregister_allocator(&pool->ops);
}

/* For the rest of the case, or until ik_pool_unregister() */
int ik_pool_register(struct kunit *test, struct ik_pool *pool)
{
	int ret = ioasid_register_allocator(&pool->ops);

	if (ret)
		return ret;
	return kunit_add_action_or_reset(test, ik_pool_unregister_action, pool);
}

void ik_pool_unregister(struct kunit *test, struct ik_pool *pool)
{
	kunit_release_action(test, ik_pool_unregister_action, pool);
}

/* Another one has replaced it */
void ik_pool_forget(struct kunit *test, struct ik_pool *pool)
{
	kunit_remove_action(test, ik_pool_unregister_action, pool);
}

/* One that is active; where the host has numbers of the core, there can be none */
struct ik_pool *ik_pool(struct kunit *test)
{
	struct ik_pool *pool = ik_pool_new(test);
	int ret = ik_pool_register(test, pool);

	if (ret == -EBUSY)
		kunit_skip(test, "the host has IOASIDs");
	IK_ASSERT_OK(test, ret);
	return pool;
}
