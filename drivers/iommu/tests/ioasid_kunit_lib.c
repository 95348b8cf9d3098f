// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suites: the fixture, sets and numbers, other contexts.
 */
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

#include "ioasid_kunit.h"

/*
 * The capacity that the suite found. There is no call that tells it, and it
 * depends on the IOMMUs of the machine, so it is measured.
 */
static ioasid_t ik_found_total;

ioasid_t ik_total(void)
{
	return ik_found_total;
}

/* The highest number that can be had, plus one */
static int ik_probe_total(void)
{
	ioasid_t low = 0, high = 1U << IOASID_MAX_BITS, min = high - 1, id;
	struct ioasid_set *set;
	int ret = 0;

	set = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, NULL, 0);
	if (IS_ERR(set))
		return PTR_ERR(set);

	/* Something in low … high - 1 is free, nothing above that */
	while (high - low > 1) {
		ret = ioasid_alloc(set, min, high - 1, NULL, &id);
		if (!ret) {
			low = id;
			ioasid_free(set, id);
			ioasid_synchronize();
		} else if (ret == -ENOSPC) {
			high = min;
			ret = 0;
		} else {
			break;
		}
		min = low + (high - low) / 2;
	}
	ioasid_set_free(set);
	ik_found_total = low + 1;
	return ret;
}

int ik_suite_init(struct kunit_suite *suite)
{
	return ik_probe_total();
}

/*
 * The largest guarantee that can be made to a set of @type now. For private
 * sets this is total - 1 less what is reserved or in use, so it shows the
 * accounting of the core from outside.
 */
unsigned int ik_room(enum ioasid_set_type type, void *token)
{
	unsigned int low = 0, high = 1U << IOASID_MAX_BITS, mid;
	struct ioasid_set *set;

	while (high - low > 1) {
		mid = low + (high - low) / 2;
		set = ioasid_set_alloc(type, token, mid);
		if (IS_ERR(set)) {
			high = mid;
		} else {
			low = mid;
			ioasid_set_free(set);
		}
	}
	return low;
}

static void ik_check_room(void *arg)
{
	struct ik *ik = arg;

	ioasid_synchronize();
	KUNIT_EXPECT_EQ_MSG(ik->test, ik_room(IOASID_SET_TYPE_PRIVATE, NULL),
			    ik->room - ik->lost, "the case leaves numbers or reservations behind");
}

int ik_init(struct kunit *test)
{
	struct ik *ik = kunit_kzalloc(test, sizeof(*ik), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ik);
	ik->test = test;
	INIT_LIST_HEAD(&ik->subs);
	spin_lock_init(&ik->lock);
	ik->room = ik_room(IOASID_SET_TYPE_PRIVATE, NULL);
	test->priv = ik;

	/* The first action is the last to run, after all clean-up of the case */
	return kunit_add_action_or_reset(test, ik_check_room, ik);
}

/* Before the clean-up: let handlers go that an aborted case has left waiting */
void ik_exit(struct kunit *test)
{
	struct ik *ik = test->priv;
	struct ik_sub *sub;

	if (!ik)
		return;
	list_for_each_entry(sub, &ik->subs, node)
		ik_release(sub);
}

static void ik_restore_capacity(void *arg)
{
	struct kunit *test = arg;

	ioasid_synchronize();
	IK_EXPECT_OK(test, ioasid_install_capacity(ik_total()));
}

/* Sets the capacity for the rest of the case */
void ik_capacity(struct kunit *test, ioasid_t total)
{
	int ret = ioasid_install_capacity(total);

	if (ret == -EBUSY)
		kunit_skip(test, "the host has IOASIDs above %u", total - 1);
	IK_ASSERT_OK(test, ret);
	ret = kunit_add_action_or_reset(test, ik_restore_capacity, test);
	IK_ASSERT_OK(test, ret);
}

KUNIT_DEFINE_ACTION_WRAPPER(ik_mmput, mmput, struct mm_struct *);

/* An address space of nobody */
struct mm_struct *ik_mm(struct kunit *test)
{
	struct mm_struct *mm = mm_alloc();

	KUNIT_ASSERT_NOT_NULL(test, mm);
	IK_ASSERT_OK(test, kunit_add_action_or_reset(test, ik_mmput, mm));
	return mm;
}

/* Its last user goes */
void ik_mm_put(struct kunit *test, struct mm_struct *mm)
{
	kunit_release_action(test, ik_mmput, mm);
}

/*
 * Somebody has the mm_struct, who had no reference when they were @count. The
 * drop of the last set needs a task and may come a moment later.
 */
void ik_expect_mm_kept(struct kunit *test, struct mm_struct *mm, int count)
{
	schedule_timeout_uninterruptible(IK_LOOK);
	KUNIT_EXPECT_GT(test, atomic_read(&mm->mm_count), count);
}

void ik_expect_mm_dropped(struct kunit *test, struct mm_struct *mm, int count)
{
	unsigned long until = jiffies + IK_PATIENCE;

	while (atomic_read(&mm->mm_count) != count && time_before(jiffies, until))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_count), count);
}

KUNIT_DEFINE_ACTION_WRAPPER(ik_set_free_action, ioasid_set_free,
			    struct ioasid_set *);

struct ioasid_set *ik_set_of(struct kunit *test, enum ioasid_set_type type,
			     void *token, unsigned int quota)
{
	struct ioasid_set *set = ioasid_set_alloc(type, token, quota);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	IK_ASSERT_OK(test, kunit_add_action_or_reset(test, ik_set_free_action,
						     set));
	return set;
}

/* A private, elastic set; the token is the case */
struct ioasid_set *ik_set(struct kunit *test)
{
	return ik_set_of(test, IOASID_SET_TYPE_PRIVATE, test, 0);
}

void ik_set_free(struct kunit *test, struct ioasid_set *set)
{
	kunit_release_action(test, ik_set_free_action, set);
}

/* The case frees it by itself */
void ik_set_forget(struct kunit *test, struct ioasid_set *set)
{
	kunit_remove_action(test, ik_set_free_action, set);
}

ioasid_t ik_alloc(struct kunit *test, struct ioasid_set *set, ioasid_t min,
		  ioasid_t max)
{
	ioasid_t id = IOMMU_PASID_INVALID;

	IK_ASSERT_OK(test, ioasid_alloc(set, min, max, NULL, &id));
	KUNIT_ASSERT_GE(test, id, max(min, 1));
	KUNIT_ASSERT_LE(test, id, max);
	return id;
}

ioasid_t ik_alloc_data(struct kunit *test, struct ioasid_set *set, void *data)
{
	ioasid_t id = IOMMU_PASID_INVALID;

	IK_ASSERT_OK(test, ioasid_alloc(set, 1, IOMMU_PASID_INVALID, data,
					&id));
	return id;
}

void ik_alloc_many(struct kunit *test, struct ioasid_set *set, ioasid_t *ids,
		   unsigned int nr)
{
	while (nr--)
		*ids++ = ik_alloc(test, set, 1, IOMMU_PASID_INVALID);
}

/* Allocates until there are no more, which must be said with @errno */
unsigned int ik_alloc_all(struct kunit *test, struct ioasid_set *set,
			  ioasid_t min, ioasid_t max, int errno)
{
	unsigned int nr = 0;
	ioasid_t id;
	int ret;

	while (!(ret = ioasid_alloc(set, min, max, NULL, &id)))
		nr++;
	IK_EXPECT_ERRNO(test, ret, errno);
	return nr;
}

void ik_bind(struct kunit *test, struct ioasid_set *set, ioasid_t id,
	     ioasid_t spid)
{
	IK_ASSERT_OK(test, ioasid_attach_spid(set, id, spid));
	ik_expect_spid(test, set, spid, id);
}

/* With a guest's name; it must be there */
ioasid_t ik_alloc_bound(struct kunit *test, struct ioasid_set *set,
			ioasid_t spid)
{
	ioasid_t id = ik_alloc(test, set, 1, IOMMU_PASID_INVALID);

	ik_bind(test, set, id, spid);
	return id;
}

/* The guest's name leads to @id; IOMMU_PASID_INVALID: to nothing */
void ik_expect_spid(struct kunit *test, struct ioasid_set *set, ioasid_t spid,
		    ioasid_t id)
{
	ioasid_t found = IOMMU_PASID_INVALID;
	int ret = ioasid_find_by_spid(set, spid, &found);

	IK_EXPECT_ERRNO(test, ret, id == IOMMU_PASID_INVALID ? -ENOENT : 0);
	KUNIT_EXPECT_EQ_MSG(test, found, id, "SPID %u", spid);
}

/* Is the number out, in whatever state? For any context */
bool ik_taken(ioasid_t id)
{
	struct ioasid_set *set = ioasid_find_set(id);

	if (IS_ERR(set))
		return false;
	ioasid_set_put(set);
	return true;
}

/* When everything that is due has been done, @id can be had again */
void ik_expect_recyclable(struct kunit *test, ioasid_t id)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t again = 0;

	ioasid_synchronize();
	IK_EXPECT_OK(test, ioasid_alloc(set, id, id, NULL, &again));
	KUNIT_EXPECT_EQ(test, again, id);
	ik_set_free(test, set);
	ioasid_synchronize();
}

/**
 * struct ik_task - a thread that runs one function
 * @thread: the thread
 * @test: the case that it works for
 * @begun: it is inside
 * @done: it has returned
 * @fn: what it runs
 * @arg: argument of @fn
 * @ret: what @fn returned
 */
struct ik_task {
	struct task_struct *thread;
	struct kunit *test;
	bool begun;
	struct completion done;
	int (*fn)(void *arg);
	void *arg;
	int ret;
};

static int ik_thread(void *data)
{
	struct ik_task *task = data;

	WRITE_ONCE(task->begun, true);
	task->ret = task->fn(task->arg);
	complete_all(&task->done);

	set_current_state(TASK_INTERRUPTIBLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static void ik_task_stop(void *data)
{
	struct ik_task *task = data;

	/* Its memory must not go while it runs: an abort here leaves all of it */
	KUNIT_ASSERT_NE_MSG(task->test, 0,
			    wait_for_completion_timeout(&task->done, IK_PATIENCE),
			    "%ps does not end", task->fn);
	kthread_stop(task->thread);
}

struct ik_task *ik_run(struct kunit *test, int (*fn)(void *arg), void *arg)
{
	struct ik_task *task = kunit_kzalloc(test, sizeof(*task), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, task);
	task->test = test;
	task->fn = fn;
	task->arg = arg;
	init_completion(&task->done);
	task->thread = kthread_run(ik_thread, task, "ioasid_kunit");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task->thread);
	IK_ASSERT_OK(test, kunit_add_action_or_reset(test, ik_task_stop, task));
	return task;
}

/* It waits for something, and given time to return it does not */
bool ik_still_runs(struct ik_task *task)
{
	unsigned long until = jiffies + IK_PATIENCE;

	while (!completion_done(&task->done) && time_before(jiffies, until)) {
		if (READ_ONCE(task->begun) && !task_is_running(task->thread))
			break;
		schedule_timeout_uninterruptible(1);
	}
	return !wait_for_completion_timeout(&task->done, IK_LOOK);
}

bool ik_is_done(struct ik_task *task)
{
	return completion_done(&task->done);
}

/* What the function has returned, or returns now */
int ik_join(struct kunit *test, struct ik_task *task)
{
	KUNIT_ASSERT_NE_MSG(test, 0,
			    wait_for_completion_timeout(&task->done, IK_PATIENCE),
			    "%ps does not end", task->fn);
	return task->ret;
}

/* The arguments of a call in a thread */
struct ik_call {
	struct ioasid_set *set;
	ioasid_t id;
	ioasid_t spid;
};

static struct ik_task *ik_run_call(struct kunit *test, int (*fn)(void *arg),
				   struct ioasid_set *set, ioasid_t id,
				   ioasid_t spid)
{
	struct ik_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, call);
	call->set = set;
	call->id = id;
	call->spid = spid;
	return ik_run(test, fn, call);
}

static int ik_do_free(void *data)
{
	struct ik_call *call = data;

	return ioasid_free(call->set, call->id);
}

/* ioasid_free() in a thread */
struct ik_task *ik_run_free(struct kunit *test, struct ioasid_set *set,
			    ioasid_t id)
{
	return ik_run_call(test, ik_do_free, set, id, 0);
}

static int ik_do_bind(void *data)
{
	struct ik_call *call = data;

	return ioasid_attach_spid(call->set, call->id, call->spid);
}

struct ik_task *ik_run_bind(struct kunit *test, struct ioasid_set *set,
			    ioasid_t id, ioasid_t spid)
{
	return ik_run_call(test, ik_do_bind, set, id, spid);
}

static int ik_do_set_free_ids(void *set)
{
	ioasid_set_free_ids(set);
	return 0;
}

struct ik_task *ik_run_set_free_ids(struct kunit *test, struct ioasid_set *set)
{
	return ik_run(test, ik_do_set_free_ids, set);
}

static int ik_do_synchronize(void *unused)
{
	ioasid_synchronize();
	return 0;
}

struct ik_task *ik_run_synchronize(struct kunit *test)
{
	return ik_run(test, ik_do_synchronize, NULL);
}

struct ik_irq {
	struct hrtimer timer;
	struct completion done;
	void (*fn)(void *arg);
	void *arg;
	bool hardirq;
};

static enum hrtimer_restart ik_timer(struct hrtimer *timer)
{
	struct ik_irq *irq = container_of(timer, struct ik_irq, timer);

	irq->hardirq = in_hardirq();
	irq->fn(irq->arg);
	complete(&irq->done);
	return HRTIMER_NORESTART;
}

/* Runs @fn in a hard interrupt, and waits */
void ik_in_hardirq(struct kunit *test, void (*fn)(void *arg), void *arg)
{
	struct ik_irq irq = { .fn = fn, .arg = arg };

	init_completion(&irq.done);
	hrtimer_setup_on_stack(&irq.timer, ik_timer, CLOCK_MONOTONIC,
			       HRTIMER_MODE_REL);
	hrtimer_start(&irq.timer, 0, HRTIMER_MODE_REL);
	wait_for_completion(&irq.done);
	hrtimer_cancel(&irq.timer);
	destroy_hrtimer_on_stack(&irq.timer);
	KUNIT_EXPECT_TRUE(test, irq.hardirq || IS_ENABLED(CONFIG_PREEMPT_RT));
}

/* Runs @fn with interrupts off */
void ik_under_spinlock(struct kunit *test, void (*fn)(void *arg), void *arg)
{
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	fn(arg);
	spin_unlock_irqrestore(&lock, flags);
}

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit suites of the IOASID core");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
