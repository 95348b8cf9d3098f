// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid_allocator": numbers that come from somebody else.
 */
#include <linux/rcupdate.h>

#include "ioasid_kunit.h"

static ioasid_t other_alloc(ioasid_t min, ioasid_t max, void *pdata)
{
	return IOMMU_PASID_INVALID;
}

static void other_free(ioasid_t id, void *pdata)
{
}

static void invalid(struct kunit *test)
{
	struct ioasid_allocator_ops none = {}, alloc = { .alloc = other_alloc };
	struct ioasid_allocator_ops free = { .free = other_free };
	struct ik_pool *pool = ik_pool(test);

	IK_EXPECT_ERRNO(test, ioasid_register_allocator(NULL), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_register_allocator(&none), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_register_allocator(&alloc), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_register_allocator(&free), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_register_allocator(&pool->ops), -EEXIST);
}

/* It is asked for what was asked for, as far as there are such numbers */
static void chooses(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct ioasid_set *set = ik_set(test);

	KUNIT_EXPECT_EQ(test, ik_alloc(test, set, 0, -1U), IK_POOL_BASE);
	KUNIT_EXPECT_EQ(test, pool->min, 1);
	KUNIT_EXPECT_EQ(test, pool->max, ik_total() - 1);
	KUNIT_EXPECT_EQ(test, ik_alloc(test, set, IK_POOL_BASE + 5, 3000), IK_POOL_BASE + 5);
	KUNIT_EXPECT_EQ(test, pool->min, IK_POOL_BASE + 5);
	KUNIT_EXPECT_EQ(test, pool->max, 3000);
	KUNIT_EXPECT_EQ(test, ik_alloc(test, ioasid_system_set(), 1, 3000), IK_POOL_BASE + 1);
	KUNIT_EXPECT_EQ(test, pool->asked, 3);
	KUNIT_EXPECT_EQ(test, ik_pool_out(pool), 3);
	IK_EXPECT_OK(test, ioasid_free(ioasid_system_set(), IK_POOL_BASE + 1));
}

/* It has none left: there is none, also where the core would have one */
static void none_left(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = 12345;

	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 1, IK_POOL_BASE - 1, NULL, &id), -ENOSPC);
	KUNIT_EXPECT_EQ(test, pool->asked, 1);
	KUNIT_EXPECT_EQ(test, ik_alloc_all(test, set, 1, -1U, -ENOSPC), IK_POOL_SIZE);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), IK_POOL_SIZE);
	KUNIT_EXPECT_EQ(test, id, 12345);
	KUNIT_EXPECT_EQ(test, pool->returned, 0);
}

/* What the core refuses by itself is not asked for */
static void not_asked(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct ioasid_set *set, *elastic = ik_set(test), *dying = ik_set(test);
	ioasid_t id;

	set = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 2);
	ik_alloc(test, set, 1, -1U);
	ik_alloc(test, set, 1, -1U);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 1, -1U, NULL, &id), -EDQUOT);
	IK_EXPECT_ERRNO(test, ioasid_alloc(elastic, 2, 1, NULL, &id), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_alloc(NULL, 1, 2, NULL, &id), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_alloc(elastic, 1U << IOASID_MAX_BITS, -1U, NULL, &id),
			-ENOSPC);
	IK_EXPECT_ERRNO(test, ioasid_alloc(elastic, 0, 0, NULL, &id), -ENOSPC);
	ioasid_set_get(dying);
	ik_set_free(test, dying);
	IK_EXPECT_ERRNO(test, ioasid_alloc(dying, 1, -1U, NULL, &id), -ESHUTDOWN);
	ioasid_set_put(dying);
	/* A guarantee to others leaves nothing for the elastic */
	ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, ik_room(IOASID_SET_TYPE_PRIVATE, NULL));
	IK_EXPECT_ERRNO(test, ioasid_alloc(elastic, 1, -1U, NULL, &id), -ENOSPC);
	KUNIT_EXPECT_EQ(test, pool->asked, 2);
	KUNIT_EXPECT_EQ(test, ik_pool_out(pool), 2);
}

/* A number that nobody asked for is given back, and nothing else happens */
static void out_of_range(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct ioasid_set *set = ik_set(test);
	const ioasid_t wrong[] = { 99, 201, ik_total(), IOMMU_PASID_INVALID - 1 };
	ioasid_t id;

	for (int i = 0; i < ARRAY_SIZE(wrong); i++) {
		pool->give = wrong[i];
		IK_EXPECT_ERRNO(test, ioasid_alloc(set, 100, 200, NULL, &id), -ENOSPC);
		KUNIT_EXPECT_EQ(test, pool->returned, i + 1);
		KUNIT_EXPECT_EQ(test, pool->last, wrong[i]);
		KUNIT_EXPECT_FALSE(test, ik_taken(wrong[i]));
		KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 0);
	}
	pool->give = 100;
	KUNIT_EXPECT_EQ(test, ik_alloc(test, set, 100, 200), 100);
	pool->give = 200;
	KUNIT_EXPECT_EQ(test, ik_alloc(test, set, 100, 200), 200);
	KUNIT_EXPECT_EQ(test, pool->returned, ARRAY_SIZE(wrong));
}

static void expect_not_given(struct kunit *test, struct ik_pool *pool,
			     struct ioasid_set *set, ioasid_t id)
{
	unsigned int returned = pool->returned, count = ioasid_set_count(set);
	ioasid_t again;

	pool->give = id;
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 1, -1U, NULL, &again), -ENOSPC);
	/* also where it is out of the range */
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 1, 2, NULL, &again), -ENOSPC);
	pool->give = 0;
	KUNIT_EXPECT_EQ(test, pool->returned, returned);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), count);
}

/* One that is out belongs to its user: it is not given back under his hands */
static void already_out(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct ioasid_set *owner = ik_set(test), *set = ik_set(test);
	ioasid_t id = ik_alloc(test, owner, 1, -1U);

	expect_not_given(test, pool, set, id);
	expect_not_given(test, pool, owner, id);
	KUNIT_EXPECT_TRUE(test, ioasid_alive(id));
	/* nor while it is dead, and in quarantine */
	IK_ASSERT_OK(test, ioasid_get(owner, id));
	IK_EXPECT_OK(test, ioasid_free(owner, id));
	expect_not_given(test, pool, set, id);
	ioasid_put(owner, id);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, pool->returned, 1);
	pool->give = id;
	KUNIT_EXPECT_EQ(test, ik_alloc(test, set, 1, -1U), id);
}

static int not_returned(struct ik_sub *sub, unsigned long event,
			struct ioasid_nb_args *args)
{
	struct ik_pool *pool = sub->data;

	KUNIT_EXPECT_EQ(pool->test, pool->returned, 0);
	return NOTIFY_OK;
}

/* States, references and events are as ever; it comes back behind all of them */
static void life(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 1);
	struct ik_sub *sub = ik_subscribe(test, set, 0);
	ioasid_t id = ik_alloc_bound(test, set, 5), again;

	sub->data = pool;
	sub->handler = not_returned;
	IK_ASSERT_OK(test, ioasid_get(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ik_expect_log(test, { sub, IOASID_ALLOC, id }, { sub, IOASID_BIND, id, 5 },
		      { sub, IOASID_UNBIND, id, 5 }, { sub, IOASID_FREE, id },
		      { sub, IOASID_SYNC });
	ioasid_synchronize();
	IK_EXPECT_ERRNO(test, ioasid_get(set, id), -EBUSY);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 1, -1U, NULL, &again), -EDQUOT);
	KUNIT_EXPECT_EQ(test, pool->returned, 0);

	/* A reader holds it in quarantine */
	rcu_read_lock();
	ioasid_put(set, id);
	KUNIT_EXPECT_EQ(test, pool->returned, 0);
	KUNIT_EXPECT_TRUE(test, ik_taken(id));
	rcu_read_unlock();
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, pool->returned, 1);
	KUNIT_EXPECT_EQ(test, pool->last, id);
	KUNIT_EXPECT_FALSE(test, ik_taken(id));
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 0);
}

/* All of them have been given back when ioasid_synchronize() returns */
static void all_come_back(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct ioasid_set *set;

	for (int round = 1; round <= 10; round++) {
		set = ik_set(test);
		ik_alloc_all(test, set, 1, -1U, -ENOSPC);
		KUNIT_EXPECT_EQ(test, ik_pool_out(pool), IK_POOL_SIZE);
		if (round % 2)
			ioasid_set_free_ids(set);
		ik_set_free(test, set);
		ioasid_synchronize();
		KUNIT_ASSERT_EQ(test, ik_pool_out(pool), 0);
		KUNIT_ASSERT_EQ(test, pool->returned, round * IK_POOL_SIZE);
	}
}

/* The wait for what is freed includes the allocator, however slow */
static void synchronize_waits(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, -1U);

	pool->slow = true;
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, pool->returned, 1);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 0);
}

/* The next IOMMU with the same register: its numbers are the same */
static void same_functions(struct kunit *test)
{
	struct ik_pool *one = ik_pool(test), *two = ik_pool_new(test);
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, -1U), id2;

	IK_ASSERT_OK(test, ik_pool_register(test, two));
	ik_pool_forget(test, one);
	__set_bit(id - IK_POOL_BASE, two->out);
	id2 = ik_alloc(test, set, 1, -1U);
	KUNIT_EXPECT_EQ(test, one->asked, 1);
	KUNIT_EXPECT_EQ(test, two->asked, 1);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id2));
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, one->returned, 0);
	KUNIT_EXPECT_EQ(test, two->returned, 2);
	/* The first is not active any more: so it can be again */
	id = ik_alloc(test, set, 1, -1U);
	IK_EXPECT_OK(test, ik_pool_register(test, one));
	ik_pool_forget(test, two);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, one->returned, 1);
	ik_set_free(test, set);
	ik_pool_unregister(test, one);
}

/* Another allocator, the core included, has to wait for the last number */
static void busy(struct kunit *test)
{
	struct ioasid_allocator_ops other = { other_alloc, other_free, NULL };
	struct ik_pool *pool = ik_pool(test), *second = ik_pool_new(test);
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, -1U);

	IK_ASSERT_OK(test, ioasid_get(set, id));
	for (int i = 0; i < 2; i++) {
		IK_EXPECT_ERRNO(test, ioasid_register_allocator(&other), -EBUSY);
		/* One function in common is another one as well */
		second->ops.alloc = other_alloc;
		IK_EXPECT_ERRNO(test, ik_pool_register(test, second), -EBUSY);
		second->ops.alloc = pool->ops.alloc;
		second->ops.free = other_free;
		IK_EXPECT_ERRNO(test, ik_pool_register(test, second), -EBUSY);
		/* Nothing changes: reported once */
		ioasid_unregister_allocator(&pool->ops);
		IK_EXPECT_ERRNO(test, ioasid_register_allocator(&pool->ops), -EEXIST);
		IK_EXPECT_OK(test, ioasid_free(set, id));
	}
	ioasid_put(set, id);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, pool->returned, 1);

	IK_EXPECT_OK(test, ioasid_register_allocator(&other));
	ik_pool_forget(test, pool);
	/* One that is not active takes nobody's place */
	ioasid_unregister_allocator(&pool->ops);
	IK_EXPECT_ERRNO(test, ioasid_register_allocator(&other), -EEXIST);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 1, -1U, NULL, &id), -ENOSPC);
	ioasid_unregister_allocator(&other);
	KUNIT_EXPECT_EQ(test, pool->asked, 1);
}

/* The core's numbers are not to be given back to somebody else */
static void busy_core(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct ioasid_set *set = ik_set(test);
	ioasid_t id;

	ik_pool_unregister(test, pool);
	id = ik_alloc(test, set, 1, -1U);
	KUNIT_EXPECT_EQ(test, pool->asked, 0);
	IK_EXPECT_ERRNO(test, ik_pool_register(test, pool), -EBUSY);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ioasid_synchronize();
	IK_EXPECT_OK(test, ik_pool_register(test, pool));
	KUNIT_EXPECT_EQ(test, pool->returned, 0);
	ik_set_free(test, set);
	ik_pool_unregister(test, pool);
}

/* While it is asked, the world goes on */
struct meanwhile {
	struct ioasid_set *set;
	struct ik_sub *sub;
};

static void set_dies(struct ik_pool *pool)
{
	struct meanwhile *m = pool->data;

	pool->on_alloc = NULL;
	ik_set_free(pool->test, m->set);
}

static void set_dies_meanwhile(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct meanwhile m = { .set = ioasid_set_get(ik_set(test)) };
	ioasid_t id;

	pool->data = &m;
	pool->on_alloc = set_dies;
	IK_EXPECT_ERRNO(test, ioasid_alloc(m.set, 1, -1U, NULL, &id), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, pool->returned, 1);
	KUNIT_EXPECT_EQ(test, ik_pool_out(pool), 0);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(m.set), 0);
	ioasid_set_put(m.set);
}

static int subscribe(void *data)
{
	struct meanwhile *m = data;

	return ik_sub_register(m->sub->ik->test, m->sub, m->set);
}

/* In another task: an allocator calls nothing of the interface */
static void subscriber_comes(struct ik_pool *pool)
{
	pool->on_alloc = NULL;
	IK_EXPECT_OK(pool->test, ik_join(pool->test, ik_run(pool->test, subscribe, pool->data)));
}

/* Who is there before the number hears of it, once */
static void subscriber_comes_meanwhile(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct meanwhile m = { ik_set(test), ik_sub_new(test, 0) };
	ioasid_t id;

	pool->data = &m;
	pool->on_alloc = subscriber_comes;
	id = ik_alloc(test, m.set, 1, -1U);
	ik_expect_log(test, { m.sub, IOASID_ALLOC, id });
	KUNIT_EXPECT_EQ(test, ik_pool_out(pool), 1);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(m.set), 1);
}

static void capacity_falls(struct ik_pool *pool)
{
	pool->on_alloc = NULL;
	ik_capacity(pool->test, 100);
}

static void capacity_falls_meanwhile(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct ioasid_set *set = ik_set(test);
	ioasid_t id;

	pool->on_alloc = capacity_falls;
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 1, -1U, NULL, &id), -ENOSPC);
	KUNIT_EXPECT_EQ(test, pool->returned, 1);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 0);
}

#define NR_THREADS	3
#define NR_ROUNDS	300

static int alloc_and_free(void *data)
{
	struct ioasid_set *set = data;
	ioasid_t id;
	int ret;

	for (int i = 0; i < NR_ROUNDS; i++) {
		ret = ioasid_alloc(set, 1, -1U, NULL, &id);
		if (ret && ret != -ENOSPC && ret != -EDQUOT)
			return ret;
		if (!ret)
			ret = i % 2 ? ioasid_free(set, id) : ioasid_free_async(set, id);
		if (i % 16 == 0)
			ioasid_synchronize();
		cond_resched();
	}
	return 0;
}

/* One call at a time, and each number to one user */
static void threads(struct kunit *test)
{
	struct ik_pool *pool = ik_pool(test);
	struct ik_task *task[NR_THREADS];

	for (int i = 0; i < NR_THREADS; i++)
		task[i] = ik_run(test, alloc_and_free,
				 ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, i * 10));
	for (int i = 0; i < NR_THREADS; i++)
		IK_EXPECT_OK(test, ik_join(test, task[i]));
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ik_pool_out(pool), 0);
	KUNIT_EXPECT_GT(test, pool->returned, NR_ROUNDS);
}

static struct kunit_case ioasid_allocator_cases[] = {
	KUNIT_CASE(invalid),
	KUNIT_CASE(chooses),
	KUNIT_CASE(none_left),
	KUNIT_CASE(not_asked),
	KUNIT_CASE(out_of_range),
	KUNIT_CASE(already_out),
	KUNIT_CASE(life),
	KUNIT_CASE(all_come_back),
	KUNIT_CASE(synchronize_waits),
	KUNIT_CASE(same_functions),
	KUNIT_CASE(busy),
	KUNIT_CASE(busy_core),
	KUNIT_CASE(set_dies_meanwhile),
	KUNIT_CASE(subscriber_comes_meanwhile),
	KUNIT_CASE(capacity_falls_meanwhile),
	KUNIT_CASE(threads),
	{}
};

static struct kunit_suite ioasid_allocator_suite = {
	.name = "ioasid_allocator",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_allocator_cases,
};

kunit_test_suite(ioasid_allocator_suite);
