/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IOASID KUnit suites: what they share ("ik" stands for ioasid_kunit).
 *
 * Most helpers do and check at once. All clean up after themselves, also when
 * the case is aborted by an assertion. After each case the capacity must have
 * exactly as much room as before it, so no case can leak a number, a
 * reservation or a reference unseen.
 */
#ifndef __IOASID_KUNIT_H
#define __IOASID_KUNIT_H

#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/ioasid.h>
#include <linux/list.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>

/* Waiting for what must come: ends only in a broken core */
#define IK_PATIENCE	(120 * HZ)
/* Waiting for what must not come: a broken core is seen if it is this fast */
#define IK_LOOK		max(HZ / 20, 2)

#define IK_LOG_SIZE	512

/* One event as one subscriber saw it */
struct ik_record {
	enum ioasid_notify_val event;
	struct ioasid_nb_args args;
	struct ik_sub *sub;
	struct task_struct *task;	/* who ran the handler */
};

/**
 * struct ik - the fixture
 * @test: the running case
 * @room: largest guarantee that could be made when the case began
 * @lost: numbers that the case makes unusable for good
 * @subs: all subscribers of the case
 * @lock: guards @nr and @log
 * @nr: records in @log
 * @log: events in the order of their delivery
 */
struct ik {
	struct kunit *test;
	unsigned int room;
	unsigned int lost;
	struct list_head subs;
	spinlock_t lock;	/* of what follows */
	unsigned int nr;
	struct ik_record log[IK_LOG_SIZE];
};

/**
 * struct ik_sub - a subscriber that writes down what it gets
 * @nb: the block
 * @ik: where to log
 * @chain: the set subscribed to, NULL: all, or those of @mm
 * @mm: the mm subscribed to
 * @only: events of other sets are ignored; NULL: of none
 * @refuse: the errno with which it refuses a BIND, or 0
 * @refuse_id: the number that it refuses, 0: each
 * @handler: runs after logging, returns the result; may be NULL
 * @data: for @handler
 * @hold: the handler stops once at this event until ik_release()
 * @held: the handler has reached that event
 * @release: lets it go on
 * @inside: handlers of this subscriber that run now
 * @node: in ik::subs
 */
struct ik_sub {
	struct notifier_block nb;
	struct ik *ik;
	struct ioasid_set *chain;
	struct mm_struct *mm;
	struct ioasid_set *only;
	int refuse;
	ioasid_t refuse_id;
	int (*handler)(struct ik_sub *sub, unsigned long event,
		       struct ioasid_nb_args *args);
	void *data;
	unsigned int hold;
	struct completion held;
	struct completion release;
	atomic_t inside;
	struct list_head node;
};

/* A record that the log must have */
struct ik_expected {
	struct ik_sub *sub;
	enum ioasid_notify_val event;
	ioasid_t id;
	ioasid_t spid;
};

struct ik_task;

#define IK_EXPECT_ERRNO(test, expr, errno)				\
	do {								\
		int __ik_ret = (expr);					\
									\
		KUNIT_EXPECT_EQ_MSG(test, __ik_ret, errno, "%s: %pe",	\
				    #expr, ERR_PTR(__ik_ret));		\
	} while (0)

#define IK_EXPECT_OK(test, expr)	IK_EXPECT_ERRNO(test, expr, 0)

#define IK_ASSERT_OK(test, expr)					\
	do {								\
		int __ik_ret = (expr);					\
									\
		KUNIT_ASSERT_EQ_MSG(test, __ik_ret, 0, "%s: %pe",	\
				    #expr, ERR_PTR(__ik_ret));		\
	} while (0)

#define IK_EXPECT_ERR_PTR(test, expr, errno)				\
	IK_EXPECT_ERRNO(test, PTR_ERR_OR_ZERO(expr), errno)

/* Is there somebody else who lives by IOASIDs? */
static inline bool ik_iommu_drivers(void)
{
	return IS_ENABLED(CONFIG_INTEL_IOMMU) || IS_ENABLED(CONFIG_ARM_SMMU_V3);
}

/* The fixture, for struct kunit_suite */
int ik_suite_init(struct kunit_suite *suite);
int ik_init(struct kunit *test);
void ik_exit(struct kunit *test);

/* Capacity */
ioasid_t ik_total(void);
void ik_capacity(struct kunit *test, ioasid_t total);
unsigned int ik_room(enum ioasid_set_type type, void *token);

/* Sets and numbers */
struct mm_struct *ik_mm(struct kunit *test);
void ik_mm_put(struct kunit *test, struct mm_struct *mm);
void ik_expect_mm_kept(struct kunit *test, struct mm_struct *mm, int count);
void ik_expect_mm_dropped(struct kunit *test, struct mm_struct *mm, int count);
struct ioasid_set *ik_set_of(struct kunit *test, enum ioasid_set_type type,
			     void *token, unsigned int quota);
struct ioasid_set *ik_set(struct kunit *test);
void ik_set_free(struct kunit *test, struct ioasid_set *set);
void ik_set_forget(struct kunit *test, struct ioasid_set *set);
ioasid_t ik_alloc(struct kunit *test, struct ioasid_set *set, ioasid_t min,
		  ioasid_t max);
ioasid_t ik_alloc_data(struct kunit *test, struct ioasid_set *set, void *data);
void ik_alloc_many(struct kunit *test, struct ioasid_set *set, ioasid_t *ids,
		   unsigned int nr);
unsigned int ik_alloc_all(struct kunit *test, struct ioasid_set *set,
			  ioasid_t min, ioasid_t max, int errno);
void ik_bind(struct kunit *test, struct ioasid_set *set, ioasid_t id,
	     ioasid_t spid);
ioasid_t ik_alloc_bound(struct kunit *test, struct ioasid_set *set,
			ioasid_t spid);
void ik_expect_spid(struct kunit *test, struct ioasid_set *set, ioasid_t spid,
		    ioasid_t id);
bool ik_taken(ioasid_t id);
void ik_expect_recyclable(struct kunit *test, ioasid_t id);

/* Subscribers */
struct ik_sub *ik_sub_new(struct kunit *test, int priority);
int ik_sub_register(struct kunit *test, struct ik_sub *sub,
		    struct ioasid_set *chain);
int ik_sub_register_mm(struct kunit *test, struct ik_sub *sub,
		       struct mm_struct *mm);
struct ik_sub *ik_subscribe(struct kunit *test, struct ioasid_set *set,
			    int priority);
struct ik_sub *ik_subscribe_all(struct kunit *test, struct ioasid_set *only,
				int priority);
struct ik_sub *ik_subscribe_mm(struct kunit *test, struct mm_struct *mm,
			       int priority);
void ik_unsubscribe(struct kunit *test, struct ik_sub *sub);
void ik_sub_forget(struct kunit *test, struct ik_sub *sub);
void ik_hold(struct ik_sub *sub, enum ioasid_notify_val event);
void ik_wait_held(struct kunit *test, struct ik_sub *sub);
void ik_release(struct ik_sub *sub);
void ik_expect_unregister_waits(struct kunit *test, struct ioasid_set *set,
				struct ik_sub *sub);

/* The log */
unsigned int ik_log_count(struct ik_sub *sub, enum ioasid_notify_val event);
int ik_log_find(struct ik_sub *sub, enum ioasid_notify_val event, ioasid_t id);
void ik_log_clear(struct kunit *test);
void ik_expect_frees(struct kunit *test, struct ik_sub *sub,
		     const ioasid_t *ids, unsigned int nr, unsigned int syncs);
void ik_expect_records(struct kunit *test, const struct ik_expected *expected,
		       unsigned int nr);

/* The log is this and nothing else */
#define ik_expect_log(test, ...)					\
	ik_expect_records(test, (const struct ik_expected[]){ __VA_ARGS__ }, \
			  sizeof((const struct ik_expected[]){ __VA_ARGS__ }) / \
			  sizeof(struct ik_expected))
#define ik_expect_empty_log(test)	ik_expect_records(test, NULL, 0)

/* Numbers from somebody else */
#define IK_POOL_BASE	1000U
#define IK_POOL_SIZE	32

/**
 * struct ik_pool - a custom allocator
 * @ops: the block
 * @test: the running case
 * @out: numbers that it has given, less IK_POOL_BASE
 * @give: the number that it gives, whether right or wrong; 0: one that is free
 * @slow: it takes its time to take a number back
 * @on_alloc: runs when it is asked
 * @data: for @on_alloc
 * @min: of the last call
 * @max: of the last call
 * @last: the number that came back last
 * @asked: how often
 * @returned: how many came back
 * @inside: calls that run now
 */
struct ik_pool {
	struct ioasid_allocator_ops ops;
	struct kunit *test;
	DECLARE_BITMAP(out, IK_POOL_SIZE);
	ioasid_t give;
	bool slow;
	void (*on_alloc)(struct ik_pool *pool);
	void *data;
	ioasid_t min;
	ioasid_t max;
	ioasid_t last;
	unsigned int asked;
	unsigned int returned;
	atomic_t inside;
};

struct ik_pool *ik_pool_new(struct kunit *test);
struct ik_pool *ik_pool(struct kunit *test);
int ik_pool_register(struct kunit *test, struct ik_pool *pool);
void ik_pool_unregister(struct kunit *test, struct ik_pool *pool);
void ik_pool_forget(struct kunit *test, struct ik_pool *pool);
unsigned int ik_pool_out(struct ik_pool *pool);

/* Other contexts */
struct ik_task *ik_run(struct kunit *test, int (*fn)(void *arg), void *arg);
struct ik_task *ik_run_free(struct kunit *test, struct ioasid_set *set,
			    ioasid_t id);
struct ik_task *ik_run_bind(struct kunit *test, struct ioasid_set *set,
			    ioasid_t id, ioasid_t spid);
struct ik_task *ik_run_set_free_ids(struct kunit *test, struct ioasid_set *set);
struct ik_task *ik_run_unregister(struct kunit *test, struct ik_sub *sub);
struct ik_task *ik_run_synchronize(struct kunit *test);
bool ik_still_runs(struct ik_task *task);
bool ik_is_done(struct ik_task *task);
int ik_join(struct kunit *test, struct ik_task *task);
void ik_in_hardirq(struct kunit *test, void (*fn)(void *arg), void *arg);
void ik_under_spinlock(struct kunit *test, void (*fn)(void *arg), void *arg);

#endif /* __IOASID_KUNIT_H */
