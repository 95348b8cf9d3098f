// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suite "ioasid": each call, what it does and what it refuses.
 */
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>

#include "ioasid_kunit.h"

/* A set of NULL is -EINVAL everywhere, and nothing where there is no result */
static void null_set(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	ioasid_t id = 0;

	IK_EXPECT_ERRNO(test, ioasid_alloc(NULL, 1, 100, NULL, &id), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_alloc_mm(NULL, 1, 100, mm, &id), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_free(NULL, 1), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_free_async(NULL, 1), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_get(NULL, 1), -EINVAL);
	IK_EXPECT_ERR_PTR(test, ioasid_find(NULL, 1, NULL), -EINVAL);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_set_get(NULL), NULL);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(NULL), 0);

	ioasid_put(NULL, 1);
	ioasid_set_put(NULL);
	ioasid_set_free(NULL);
	ioasid_set_free_ids(NULL);
}

/* Also -EINVAL without a set for a number that is out */
static void null_set_live_id(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);

	IK_EXPECT_ERRNO(test, ioasid_free(NULL, id), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_free_async(NULL, id), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_get(NULL, id), -EINVAL);
	IK_EXPECT_ERR_PTR(test, ioasid_find(NULL, id, NULL), -EINVAL);
	ioasid_put(NULL, id);
	KUNIT_EXPECT_TRUE(test, ioasid_alive(id));
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 1);
}

static void expect_no_such_id(struct kunit *test, struct ioasid_set *set,
			      ioasid_t id)
{
	IK_EXPECT_ERRNO(test, ioasid_free(set, id), -ENOENT);
	IK_EXPECT_ERRNO(test, ioasid_free_async(set, id), -ENOENT);
	IK_EXPECT_ERRNO(test, ioasid_get(set, id), -ENOENT);
	IK_EXPECT_ERR_PTR(test, ioasid_find(set, id, NULL), -ENOENT);
	IK_EXPECT_ERR_PTR(test, ioasid_find_mm(id), -ENOENT);
	IK_EXPECT_ERR_PTR(test, ioasid_find_set(id), -ENOENT);
	KUNIT_EXPECT_FALSE(test, ioasid_alive(id));
}

static void unknown_id(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, IOMMU_PASID_INVALID);

	expect_no_such_id(test, set, IOMMU_NO_PASID);
	expect_no_such_id(test, set, 1U << IOASID_MAX_BITS);
	expect_no_such_id(test, set, IOMMU_PASID_INVALID);

	/* and one that has been out */
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ioasid_synchronize();
	expect_no_such_id(test, set, id);
}

/* Whose number it is not has no power over it */
static void foreign_id(struct kunit *test)
{
	struct ioasid_set *owner = ik_set(test), *other = ik_set(test);
	int data;
	ioasid_t id = ik_alloc_data(test, owner, &data);

	IK_EXPECT_ERRNO(test, ioasid_get(other, id), -EACCES);
	IK_EXPECT_ERR_PTR(test, ioasid_find(other, id, NULL), -EACCES);
	IK_EXPECT_ERRNO(test, ioasid_free(other, id), -EACCES);
	IK_EXPECT_ERRNO(test, ioasid_free_async(other, id), -EACCES);
	IK_EXPECT_ERRNO(test, ioasid_get(ioasid_system_set(), id), -EACCES);
	KUNIT_EXPECT_TRUE(test, ioasid_alive(id));
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(owner, id, NULL), &data);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(other), 0);

	/* The owner's free is not the other's: no 0 for "freed already" */
	IK_ASSERT_OK(test, ioasid_get(owner, id));
	IK_EXPECT_OK(test, ioasid_free(owner, id));
	IK_EXPECT_ERRNO(test, ioasid_free(other, id), -EACCES);
	IK_EXPECT_ERRNO(test, ioasid_free_async(other, id), -EACCES);
	IK_EXPECT_ERRNO(test, ioasid_get(other, id), -EACCES);
	ioasid_put(owner, id);
}

static void set_alloc_invalid(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);

	IK_EXPECT_ERR_PTR(test, ioasid_set_alloc(0, mm, 0), -EINVAL);
	IK_EXPECT_ERR_PTR(test, ioasid_set_alloc(IOASID_SET_TYPE_MM + 1, mm, 0), -EINVAL);
	IK_EXPECT_ERR_PTR(test, ioasid_set_alloc(-1, mm, 1), -EINVAL);
	IK_EXPECT_ERR_PTR(test, ioasid_set_alloc(IOASID_SET_TYPE_MM, NULL, 0), -EINVAL);
	IK_EXPECT_ERR_PTR(test, ioasid_set_alloc(IOASID_SET_TYPE_MM, NULL, 1), -EINVAL);
}

/* A private set needs no token */
static void set_alloc_no_token(struct kunit *test)
{
	struct ioasid_set *set;

	set = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 1);
	ik_alloc(test, set, 1, 100);
}

static void alloc_invalid(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = 12345;

	/* as given: the capacity does not matter */
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 2, 1, NULL, &id), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 1, 0, NULL, &id), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_alloc(set, -1U, -2U, NULL, &id), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_alloc_mm(set, 2, 1, ik_mm(test), &id), -EINVAL);
	IK_EXPECT_ERRNO(test, ioasid_alloc_mm(set, 1, 100, NULL, &id), -EINVAL);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 0);
	KUNIT_EXPECT_EQ(test, id, 12345);
}

static void alloc_on_dying_set(struct kunit *test)
{
	struct ioasid_set *elastic = ioasid_set_get(ik_set(test)), *set;
	struct mm_struct *mm = ik_mm(test);
	ioasid_t id;

	set = ioasid_set_get(ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 5));
	ik_set_free(test, set);
	ik_set_free(test, elastic);

	IK_EXPECT_ERRNO(test, ioasid_alloc(set, 1, 100, NULL, &id), -ESHUTDOWN);
	IK_EXPECT_ERRNO(test, ioasid_alloc_mm(set, 1, 100, mm, &id), -ESHUTDOWN);
	IK_EXPECT_ERRNO(test, ioasid_alloc(elastic, 1, 100, NULL, &id), -ESHUTDOWN);
	ioasid_set_put(set);
	ioasid_set_put(elastic);
}

static void find_data(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	int one, two;
	ioasid_t id1 = ik_alloc_data(test, set, &one);
	ioasid_t id2 = ik_alloc_data(test, set, &two);
	ioasid_t none = ik_alloc_data(test, set, NULL);

	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(set, id1, NULL), &one);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(set, id2, NULL), &two);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(set, none, NULL), NULL);
}

static unsigned int getter_calls;
static bool getter_rcu;
static void *getter_data;

static bool getter_agrees(void *data)
{
	getter_calls++;
	getter_rcu = rcu_read_lock_held();
	getter_data = data;
	return true;
}

static bool getter_refuses(void *data)
{
	getter_calls++;
	return false;
}

static void find_getter(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	int data;
	ioasid_t id = ik_alloc_data(test, set, &data);
	ioasid_t none = ik_alloc_data(test, set, NULL);

	getter_calls = 0;
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(set, id, getter_agrees), &data);
	KUNIT_EXPECT_EQ(test, getter_calls, 1);
	KUNIT_EXPECT_PTR_EQ(test, getter_data, &data);
	KUNIT_EXPECT_TRUE(test, getter_rcu);

	/* It is asked for NULL data as well */
	KUNIT_EXPECT_PTR_EQ(test, ioasid_find(set, none, getter_agrees), NULL);
	KUNIT_EXPECT_EQ(test, getter_calls, 2);
	KUNIT_EXPECT_PTR_EQ(test, getter_data, NULL);

	IK_EXPECT_ERR_PTR(test, ioasid_find(set, id, getter_refuses), -ENOENT);
	IK_EXPECT_ERR_PTR(test, ioasid_find(set, none, getter_refuses), -ENOENT);
	KUNIT_EXPECT_EQ(test, getter_calls, 4);
}

/* Who may not have the data is refused before the getter sees it */
static void find_getter_not_asked(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *other = ik_set(test);
	int data;
	ioasid_t id = ik_alloc_data(test, set, &data);

	getter_calls = 0;
	IK_EXPECT_ERR_PTR(test, ioasid_find(other, id, getter_agrees), -EACCES);
	IK_EXPECT_ERR_PTR(test, ioasid_find(NULL, id, getter_agrees), -EINVAL);
	IK_ASSERT_OK(test, ioasid_get(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	IK_EXPECT_ERR_PTR(test, ioasid_find(set, id, getter_agrees), -ENOENT);
	ioasid_put(set, id);
	KUNIT_EXPECT_EQ(test, getter_calls, 0);
}

static void find_mm(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test), *found;
	struct ioasid_set *set = ik_set(test);
	ioasid_t id, plain = ik_alloc(test, set, 1, 100);
	int users;

	IK_ASSERT_OK(test, ioasid_alloc_mm(set, 1, 100, mm, &id));
	users = atomic_read(&mm->mm_users);
	found = ioasid_find_mm(id);
	KUNIT_ASSERT_PTR_EQ(test, found, mm);
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_users), users + 1);
	mmput(found);

	IK_EXPECT_ERR_PTR(test, ioasid_find_mm(plain), -EACCES);

	/* Forgotten with the free, also while the number is not free yet */
	IK_ASSERT_OK(test, ioasid_get(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	IK_EXPECT_ERR_PTR(test, ioasid_find_mm(id), -ENOENT);
	ioasid_put(set, id);
}

static void find_mm_without_users(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set = ik_set(test);
	ioasid_t id;

	IK_ASSERT_OK(test, ioasid_alloc_mm(set, 1, 100, mm, &id));
	mmgrab(mm);
	ik_mm_put(test, mm);
	IK_EXPECT_ERR_PTR(test, ioasid_find_mm(id), -ESRCH);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	mmdrop(mm);
}

/* The number of an mm holds neither the address space nor the mm_struct */
static void alloc_mm_holds_nothing(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *set = ik_set(test);
	int users = atomic_read(&mm->mm_users);
	int count = atomic_read(&mm->mm_count);
	ioasid_t id;

	IK_ASSERT_OK(test, ioasid_alloc_mm(set, 1, 100, mm, &id));
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_users), users);
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_count), count);
}

/* A set of an mm keeps the mm_struct, until the last number is gone */
static void mm_set_keeps_mm(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	int users = atomic_read(&mm->mm_users);
	int count = atomic_read(&mm->mm_count);
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 2);
	ioasid_t id = ik_alloc(test, set, 1, 100);

	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_users), users);
	KUNIT_EXPECT_GT(test, atomic_read(&mm->mm_count), count);

	IK_ASSERT_OK(test, ioasid_get(set, id));
	ik_set_free(test, set);
	ioasid_synchronize();
	KUNIT_EXPECT_GT(test, atomic_read(&mm->mm_count), count);
	ioasid_put(set, id);
	ioasid_synchronize();
	ik_expect_mm_dropped(test, mm, count);
}

/* A fresh number has no reference; with the last one it is as fresh again */
static void get_put(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);

	KUNIT_EXPECT_TRUE(test, ioasid_alive(id));
	IK_EXPECT_OK(test, ioasid_get(set, id));
	ioasid_put(set, id);
	KUNIT_EXPECT_TRUE(test, ioasid_alive(id));
	for (int round = 0; round < 2; round++) {
		IK_EXPECT_OK(test, ioasid_get(set, id));
		IK_EXPECT_OK(test, ioasid_get(set, id));
		KUNIT_EXPECT_TRUE(test, ioasid_alive(id));
		ioasid_put(set, id);
		KUNIT_EXPECT_TRUE(test, ioasid_alive(id));
		ioasid_put(set, id);
		KUNIT_EXPECT_TRUE(test, ioasid_alive(id));
		ioasid_synchronize();
		KUNIT_EXPECT_TRUE(test, ik_taken(id));
	}
	IK_EXPECT_OK(test, ioasid_free(set, id));
	KUNIT_EXPECT_FALSE(test, ioasid_alive(id));
	ik_expect_recyclable(test, id);
}

static void put_unbalanced(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *other = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);
	static bool warned;

	kunit_warning_suppress(test) {
		ioasid_put(set, id);
		/* On a second run the one warning may have been used up */
		if (!warned)
			KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
		warned = true;
		ioasid_put(set, id);
		/*
		 * Where a warning is a trap each suppressed one counts, else
		 * it is seen that the second was not there.
		 */
#ifndef __WARN_FLAGS
		KUNIT_EXPECT_LE(test, KUNIT_SUPPRESSED_WARNING_COUNT(), 1);
#endif
	}
	KUNIT_EXPECT_TRUE(test, ioasid_alive(id));
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 1);

	/* Nothing has changed: one get is one put, and keeps the number */
	IK_EXPECT_OK(test, ioasid_get(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	kunit_warning_suppress(test) {
		ioasid_put(other, id);
	}
	ioasid_synchronize();
	KUNIT_EXPECT_TRUE(test, ik_taken(id));
	ioasid_put(set, id);
	ik_expect_recyclable(test, id);
}

static void expect_freed(struct kunit *test, struct ioasid_set *set,
			 ioasid_t id)
{
	struct ioasid_set *found;

	KUNIT_EXPECT_FALSE(test, ioasid_alive(id));
	IK_EXPECT_ERR_PTR(test, ioasid_find(set, id, NULL), -ENOENT);
	IK_EXPECT_ERR_PTR(test, ioasid_find_mm(id), -ENOENT);
	IK_EXPECT_ERRNO(test, ioasid_get(set, id), -EBUSY);
	IK_EXPECT_OK(test, ioasid_free_async(set, id));

	found = ioasid_find_set(id);
	KUNIT_EXPECT_PTR_EQ(test, found, set);
	if (!IS_ERR(found))
		ioasid_set_put(found);
}

static void free_pending(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	int data;
	ioasid_t id = ik_alloc_data(test, set, &data);

	IK_ASSERT_OK(test, ioasid_get(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	expect_freed(test, set, id);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ioasid_synchronize();
	expect_freed(test, set, id);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 1);
	ioasid_put(set, id);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 0);
	IK_EXPECT_ERRNO(test, ioasid_free(set, id), -ENOENT);
}

/* As a reader keeps it there, the number is in quarantine for all of this */
static void quarantine(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);

	IK_ASSERT_OK(test, ioasid_get(set, id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	rcu_read_lock();
	ioasid_put(set, id);
	expect_freed(test, set, id);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 1);
	rcu_read_unlock();
	ik_expect_recyclable(test, id);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 0);
}

static void set_count(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *other = ik_set(test);
	ioasid_t ids[5];

	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 0);
	ik_alloc_many(test, set, ids, 5);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 5);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(other), 0);

	IK_ASSERT_OK(test, ioasid_get(set, ids[0]));
	IK_EXPECT_OK(test, ioasid_free(set, ids[0]));
	IK_EXPECT_OK(test, ioasid_free_async(set, ids[1]));
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 4);
	ioasid_put(set, ids[0]);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 3);
}

/* The mm_struct shows whether the set is still there, without looking at it */
static void find_set_takes_a_reference(struct kunit *test)
{
	struct mm_struct *mm = ik_mm(test);
	int count = atomic_read(&mm->mm_count);
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0), *found;
	ioasid_t id = ik_alloc(test, set, 1, 100);

	found = ioasid_find_set(id);
	KUNIT_ASSERT_PTR_EQ(test, found, set);
	ik_set_free(test, set);
	ioasid_synchronize();
	/* The creator and the number are gone, the object is not (KASAN) */
	KUNIT_EXPECT_EQ(test, ioasid_set_count(found), 0);
	ik_expect_mm_kept(test, mm, count);
	ioasid_set_put(found);
	ik_expect_mm_dropped(test, mm, count);
}

/* A number keeps its set, as long as it is not free */
static void id_keeps_set(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *found;
	ioasid_t id = ik_alloc(test, set, 1, 100);

	IK_ASSERT_OK(test, ioasid_get(set, id));
	ik_set_free(test, set);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 1);
	found = ioasid_find_set(id);
	KUNIT_ASSERT_PTR_EQ(test, found, set);
	ioasid_set_put(found);
	ioasid_put(set, id);
	ik_expect_recyclable(test, id);
}

static void set_get_keeps_object(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t id = ik_alloc(test, set, 1, 100);

	KUNIT_EXPECT_PTR_EQ(test, ioasid_set_get(set), set);
	ik_set_free(test, set);
	/* the object, not the ids */
	KUNIT_EXPECT_FALSE(test, ioasid_alive(id));
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 0);
	IK_EXPECT_ERRNO(test, ioasid_get(set, id), -ENOENT);
	ioasid_set_put(set);
}

static void set_free_frees_ids(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *other = ik_set(test);
	ioasid_t ids[3], theirs = ik_alloc(test, other, 1, 100);

	ik_alloc_many(test, set, ids, 3);
	ik_set_free(test, set);
	for (int i = 0; i < 3; i++) {
		KUNIT_EXPECT_FALSE(test, ioasid_alive(ids[i]));
		ik_expect_recyclable(test, ids[i]);
	}
	KUNIT_EXPECT_TRUE(test, ioasid_alive(theirs));
}

static void set_free_ids_lives_on(struct kunit *test)
{
	struct ioasid_set *set;
	ioasid_t ids[3], id;

	set = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 3);
	for (int round = 0; round < 3; round++) {
		ik_alloc_many(test, set, ids, 3);
		IK_EXPECT_ERRNO(test, ioasid_alloc(set, 1, 100, NULL, &id),
				-EDQUOT);
		ioasid_set_free_ids(set);
		for (int i = 0; i < 3; i++)
			KUNIT_EXPECT_FALSE(test, ioasid_alive(ids[i]));
		ioasid_synchronize();
		KUNIT_EXPECT_EQ(test, ioasid_set_count(set), 0);
	}
	/* none there: nothing to do */
	ioasid_set_free_ids(set);
}

static void system_set(struct kunit *test)
{
	struct ioasid_set *set = ioasid_system_set();
	struct mm_struct *mm = ik_mm(test);
	unsigned int count;
	ioasid_t id;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	KUNIT_EXPECT_PTR_EQ(test, ioasid_system_set(), set);
	count = ioasid_set_count(set);
	IK_ASSERT_OK(test, ioasid_alloc_mm(set, 1, 100, mm, &id));
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), count + 1);
	IK_EXPECT_OK(test, ioasid_free(set, id));
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ioasid_set_count(set), count);
}

static void system_set_is_not_freed(struct kunit *test)
{
	struct ioasid_set *set = ioasid_system_set();
	ioasid_t id = ik_alloc(test, set, 1, 100);
	static bool warned;

	kunit_warning_suppress(test) {
		ioasid_set_free(set);
		if (!warned)
			KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
		warned = true;
	}
	KUNIT_EXPECT_TRUE(test, ioasid_alive(id));
	IK_EXPECT_OK(test, ioasid_free(set, id));
	id = ik_alloc(test, set, 1, 100);
	IK_EXPECT_OK(test, ioasid_free(set, id));
}

static struct kunit_case ioasid_cases[] = {
	KUNIT_CASE(null_set),
	KUNIT_CASE(null_set_live_id),
	KUNIT_CASE(unknown_id),
	KUNIT_CASE(foreign_id),
	KUNIT_CASE(set_alloc_invalid),
	KUNIT_CASE(set_alloc_no_token),
	KUNIT_CASE(alloc_invalid),
	KUNIT_CASE(alloc_on_dying_set),
	KUNIT_CASE(find_data),
	KUNIT_CASE(find_getter),
	KUNIT_CASE(find_getter_not_asked),
	KUNIT_CASE(find_mm),
	KUNIT_CASE(find_mm_without_users),
	KUNIT_CASE(alloc_mm_holds_nothing),
	KUNIT_CASE(mm_set_keeps_mm),
	KUNIT_CASE(get_put),
	KUNIT_CASE(put_unbalanced),
	KUNIT_CASE(free_pending),
	KUNIT_CASE(quarantine),
	KUNIT_CASE(set_count),
	KUNIT_CASE(find_set_takes_a_reference),
	KUNIT_CASE(id_keeps_set),
	KUNIT_CASE(set_get_keeps_object),
	KUNIT_CASE(set_free_frees_ids),
	KUNIT_CASE(set_free_ids_lives_on),
	KUNIT_CASE(system_set),
	KUNIT_CASE(system_set_is_not_freed),
	{}
};

static struct kunit_suite ioasid_suite = {
	.name = "ioasid",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_cases,
};

kunit_test_suite(ioasid_suite);
