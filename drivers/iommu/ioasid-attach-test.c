// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suite "ioasid_attach": what an IOMMU driver is asked to do when numbers
 * die, by a driver with several IOMMUs that writes down what it is asked.
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/workqueue.h>

#include "ioasid-attach.h"

#define IOMMUS		3
#define DEVS		2	/* behind each of them */
#define IDS		5
#define LOG_SIZE	512

enum op { QUIET, FLUSH, CLEAR, CLEAR_LOUD, DRAIN, DETACH, SETUP };

struct record {
	enum op op;
	int iommu;
	struct device *dev;
	ioasid_t pasid;
	struct iommu_domain *domain;
	unsigned int n;			/* attachments of a FLUSH */
};

static struct device devs[IOMMUS * DEVS];
/* For who asks for fault parameters: there are none */
static struct dev_iommu dev_iommu;
/* The first two take page requests, the third does not */
static struct iommu_domain domains[3];
static struct record log[LOG_SIZE];
static unsigned int nr;
static int setup_result;
static bool managed;
static struct ioasid_set *set;
static ioasid_t ids[IDS];
/* What a drain starts, and must outlast unless others_go_on */
static struct work_struct *at_drain;
static bool others_go_on;
static DECLARE_COMPLETION(sync_done);
static struct ioasid_set *others;
static struct kunit *others_test;

static struct ioasid_attachments mocks;

static struct device *dev_at(int iommu, int i)
{
	return &devs[iommu * DEVS + i];
}

static int iommu_of(struct device *dev)
{
	return (dev - devs) / DEVS;
}

static void write_down(struct kunit *test, enum op op, struct device *dev,
		       ioasid_t pasid, struct iommu_domain *domain, unsigned int n)
{
	KUNIT_ASSERT_LT(test, nr, LOG_SIZE);
	log[nr++] = (struct record) {
		.op = op, .iommu = iommu_of(dev), .dev = dev, .pasid = pasid,
		.domain = domain, .n = n,
	};
}

static void write_down_att(enum op op, struct ioasid_attach *att)
{
	struct kunit *test = kunit_get_current_test();

	KUNIT_EXPECT_TRUE(test, mutex_is_locked(&mocks.lock));
	write_down(test, op, att->dev, att->pasid, att->domain, 1);
}

static void mock_quiet(struct ioasid_attach *att)
{
	write_down_att(QUIET, att);
}

static void *mock_iommu(struct ioasid_attach *att)
{
	return dev_at(iommu_of(att->dev), 0);
}

static void mock_flush(void *iommu, struct list_head *atts)
{
	struct kunit *test = kunit_get_current_test();
	struct ioasid_attach *att;
	unsigned int n = 0;

	KUNIT_EXPECT_TRUE(test, mutex_is_locked(&mocks.lock));
	list_for_each_entry(att, atts, pending) {
		KUNIT_EXPECT_EQ(test, att->state, IOASID_ATTACH_DEAD);
		KUNIT_EXPECT_PTR_EQ(test, mock_iommu(att), iommu);
		n++;
	}
	write_down(test, FLUSH, iommu, 0, NULL, n);
}

static void mock_clear(struct ioasid_attach *att, bool mute)
{
	write_down_att(mute ? CLEAR : CLEAR_LOUD, att);
}

static void mock_drain(struct device *dev, ioasid_t pasid)
{
	struct kunit *test = kunit_get_current_test();

	KUNIT_EXPECT_FALSE(test, mutex_is_locked(&mocks.lock));
	write_down(test, DRAIN, dev, pasid, NULL, 1);
	if (at_drain) {
		schedule_work(at_drain);
		KUNIT_EXPECT_EQ(test, others_go_on,
				!!wait_for_completion_timeout(&sync_done,
							      others_go_on ? 10 * HZ :
							      max(HZ / 20, 2)));
	}
}

static void mock_detach(struct ioasid_attach *att, struct iommu_domain *old)
{
	write_down(kunit_get_current_test(), DETACH, att->dev, att->pasid, old, 1);
}

static int mock_setup(struct iommu_domain *domain, struct device *dev,
		      ioasid_t pasid, struct iommu_domain *old)
{
	struct kunit *test = kunit_get_current_test();

	write_down(test, SETUP, dev, pasid, old, 1);
	return setup_result;
}

static const struct ioasid_attach_ops mock_ops = {
	.size = sizeof(struct ioasid_attach),
	.quiet = mock_quiet,
	.iommu = mock_iommu,
	.flush = mock_flush,
	.clear = mock_clear,
	.drain = mock_drain,
	.detach = mock_detach,
};

static DEFINE_IOASID_ATTACHMENTS(mocks, &mock_ops);

static int mock_iopf(struct iopf_group *group)
{
	return -EINVAL;
}

static bool mock_is_managed(struct device *dev, ioasid_t pasid)
{
	return managed;
}

static int attach(struct device *dev, ioasid_t id, struct iommu_domain *domain,
		  struct iommu_domain *old)
{
	return ioasid_attach_set_dev_pasid(&mocks, domain, dev, id, old, mock_setup);
}

static void attach_all(struct kunit *test)
{
	for (int i = 0; i < IDS; i++)
		for (int d = 0; d < IOMMUS * DEVS; d++)
			KUNIT_ASSERT_EQ(test, 0, attach(&devs[d], ids[i],
							&domains[0], NULL));
	nr = 0;
}

static void detach_all(struct kunit *test)
{
	for (int i = 0; i < IDS; i++)
		for (int d = 0; d < IOMMUS * DEVS; d++)
			KUNIT_EXPECT_TRUE(test,
					  ioasid_attach_detach(&mocks, &devs[d],
							       ids[i], &domains[0]));
}

static unsigned int count(enum op op)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < nr; i++)
		n += log[i].op == op;
	return n;
}

/* Where the first, or the last, of @op is */
static unsigned int first(enum op op)
{
	unsigned int i;

	for (i = 0; i < nr && log[i].op != op; i++)
		;
	return i;
}

static unsigned int last(enum op op)
{
	unsigned int i;

	for (i = nr; i && log[i - 1].op != op; i--)
		;
	return i - 1;
}

/* One flush for each of @n IOMMUs, with @atts attachments in each */
static void expect_flushes(struct kunit *test, unsigned int n, unsigned int atts)
{
	unsigned int seen[IOMMUS] = {};

	KUNIT_EXPECT_EQ(test, count(FLUSH), n);
	for (unsigned int i = 0; i < nr; i++) {
		if (log[i].op != FLUSH)
			continue;
		KUNIT_EXPECT_EQ(test, log[i].n, atts);
		KUNIT_EXPECT_EQ(test, seen[log[i].iommu]++, 0);
	}
}

/* All entries are quiet before a flush, and none is cleared before the last */
static void one_flush_per_iommu(struct kunit *test)
{
	attach_all(test);
	ioasid_set_free_ids(set);
	KUNIT_EXPECT_EQ(test, count(QUIET), IDS * IOMMUS * DEVS);
	expect_flushes(test, IOMMUS, IDS * DEVS);
	KUNIT_EXPECT_EQ(test, count(CLEAR), IDS * IOMMUS * DEVS);
	KUNIT_EXPECT_LT(test, last(QUIET), first(FLUSH));
	KUNIT_EXPECT_LT(test, last(FLUSH), first(CLEAR));
	KUNIT_EXPECT_LT(test, last(CLEAR), first(DRAIN));

	nr = 0;
	detach_all(test);
	KUNIT_EXPECT_EQ(test, nr, IDS * IOMMUS * DEVS);
	KUNIT_EXPECT_EQ(test, count(DETACH), nr);
	KUNIT_EXPECT_TRUE(test, xa_empty(&mocks.atts));
}

static void one_drain_per_device(struct kunit *test)
{
	struct device *seen[IOMMUS * DEVS];
	unsigned int n = 0;

	attach_all(test);
	ioasid_set_free_ids(set);
	KUNIT_EXPECT_EQ(test, count(DRAIN), IOMMUS * DEVS);
	for (unsigned int i = first(DRAIN); i < nr; i++) {
		for (unsigned int j = 0; j < n; j++)
			KUNIT_EXPECT_PTR_NE(test, seen[j], log[i].dev);
		seen[n++] = log[i].dev;
	}
	detach_all(test);
}

/* One number of many dies: the others are not touched */
static void others_live(struct kunit *test)
{
	attach_all(test);
	KUNIT_EXPECT_EQ(test, 0, ioasid_free(set, ids[1]));
	KUNIT_EXPECT_EQ(test, count(QUIET), IOMMUS * DEVS);
	expect_flushes(test, IOMMUS, DEVS);
	for (unsigned int i = 0; i < nr; i++)
		if (log[i].op == QUIET || log[i].op == CLEAR)
			KUNIT_EXPECT_EQ(test, log[i].pasid, ids[1]);
	for (int i = 0; i < IDS; i++)
		KUNIT_EXPECT_EQ(test, i == 1,
				ioasid_attach_is_dead(&mocks, dev_at(2, 1), ids[i]));
	detach_all(test);
}

/* What is alive when it is detached is flushed there, and only there */
static void detach_flushes_its_own(struct kunit *test)
{
	attach_all(test);
	KUNIT_EXPECT_TRUE(test, ioasid_attach_detach(&mocks, dev_at(1, 0), ids[0],
						     &domains[0]));
	expect_flushes(test, 1, 1);
	KUNIT_EXPECT_EQ(test, log[first(FLUSH)].iommu, 1);
	KUNIT_EXPECT_EQ(test, count(DRAIN), 1);
	KUNIT_EXPECT_EQ(test, count(CLEAR_LOUD), 1);
	KUNIT_EXPECT_PTR_EQ(test, log[last(DETACH)].domain, &domains[0]);

	/* The first of its list went: the rest is found */
	nr = 0;
	KUNIT_EXPECT_EQ(test, 0, ioasid_free(set, ids[0]));
	KUNIT_EXPECT_EQ(test, count(QUIET), IOMMUS * DEVS - 1);
	KUNIT_ASSERT_EQ(test, -EBUSY, ioasid_get(set, ids[0]));
	KUNIT_EXPECT_EQ(test, 0, attach(dev_at(1, 0), ids[0], &domains[0], NULL));
	detach_all(test);
}

/* A detach between FREE and SYNC, done by a subscriber who hears FREE later */
static int detach_at_free(struct notifier_block *nb, unsigned long val, void *data)
{
	struct ioasid_nb_args *args = data;

	if (val == IOASID_FREE)
		ioasid_attach_detach(&mocks, dev_at(0, 0), args->id, &domains[0]);
	return NOTIFY_OK;
}

static void detach_between_free_and_sync(struct kunit *test)
{
	struct notifier_block nb = {
		.notifier_call = detach_at_free,
		.priority = IOASID_PRIO_IOMMU - 1,
	};

	for (int d = 0; d < IOMMUS * DEVS; d++)
		KUNIT_ASSERT_EQ(test, 0, attach(&devs[d], ids[0], &domains[0], NULL));
	nr = 0;
	KUNIT_ASSERT_EQ(test, 0, ioasid_register_notifier(set, &nb));
	KUNIT_EXPECT_EQ(test, 0, ioasid_free(set, ids[0]));
	ioasid_unregister_notifier(set, &nb);

	KUNIT_EXPECT_EQ(test, count(FLUSH), 1 + IOMMUS);
	KUNIT_EXPECT_EQ(test, log[first(FLUSH)].n, 1);
	KUNIT_EXPECT_LT(test, first(DETACH), last(FLUSH));
	/* It is gone when SYNC flushes what is left */
	for (unsigned int i = first(DETACH); i < nr; i++)
		KUNIT_EXPECT_TRUE(test, log[i].op == DETACH || log[i].op == FLUSH ||
				  log[i].dev != dev_at(0, 0));
	for (int d = 1; d < IOMMUS * DEVS; d++)
		ioasid_attach_detach(&mocks, &devs[d], ids[0], &domains[0]);
	KUNIT_EXPECT_TRUE(test, xa_empty(&mocks.atts));
}

/* The pages go: no drain. SYNC drains, and has nothing to flush any more. */
static void mm_release_leaves_the_drain(struct kunit *test)
{
	attach_all(test);
	ioasid_attach_mm_release(&mocks, &domains[0], ids[0]);
	KUNIT_EXPECT_EQ(test, count(QUIET), IOMMUS * DEVS);
	expect_flushes(test, IOMMUS, DEVS);
	KUNIT_EXPECT_EQ(test, count(DRAIN), 0);

	nr = 0;
	KUNIT_EXPECT_EQ(test, 0, ioasid_free(set, ids[0]));
	KUNIT_EXPECT_EQ(test, count(QUIET), 0);
	KUNIT_EXPECT_EQ(test, count(FLUSH), 0);
	KUNIT_EXPECT_EQ(test, count(DRAIN), IOMMUS * DEVS);
	detach_all(test);
}

static int release_at_free(struct notifier_block *nb, unsigned long val, void *data)
{
	struct ioasid_nb_args *args = data;

	if (val == IOASID_FREE)
		ioasid_attach_mm_release(&mocks, &domains[0], args->id);
	return NOTIFY_OK;
}

/* FREE made the entries quiet, and the pages go before SYNC: flushed there, once */
static void mm_release_after_free(struct kunit *test)
{
	struct notifier_block nb = {
		.notifier_call = release_at_free,
		.priority = IOASID_PRIO_IOMMU - 1,
	};

	attach_all(test);
	KUNIT_ASSERT_EQ(test, 0, ioasid_register_notifier(set, &nb));
	KUNIT_EXPECT_EQ(test, 0, ioasid_free(set, ids[0]));
	ioasid_unregister_notifier(set, &nb);
	expect_flushes(test, IOMMUS, DEVS);
	KUNIT_EXPECT_EQ(test, count(DRAIN), IOMMUS * DEVS);
	KUNIT_EXPECT_LT(test, last(CLEAR), first(DRAIN));
	detach_all(test);
}

/* Without the lock, so that a process can die meanwhile */
static void replace_drains_unlocked(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, attach(dev_at(0, 0), ids[0], &domains[0], NULL));
	KUNIT_EXPECT_EQ(test, count(DRAIN), 0);
	nr = 0;
	KUNIT_EXPECT_EQ(test, 0, attach(dev_at(0, 0), ids[0], &domains[1], &domains[0]));
	KUNIT_ASSERT_EQ(test, nr, 2);
	KUNIT_EXPECT_EQ(test, log[0].op, SETUP);
	KUNIT_EXPECT_PTR_EQ(test, log[0].domain, &domains[0]);
	KUNIT_EXPECT_EQ(test, log[1].op, DRAIN);

	/* What fails changes nothing */
	nr = 0;
	setup_result = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			attach(dev_at(0, 0), ids[0], &domains[0], &domains[1]));
	KUNIT_EXPECT_EQ(test, count(DRAIN), 0);
	KUNIT_EXPECT_FALSE(test, ioasid_attach_is_dead(&mocks, dev_at(0, 0), ids[0]));
	ioasid_attach_detach(&mocks, dev_at(0, 0), ids[0], &domains[1]);
	KUNIT_EXPECT_PTR_EQ(test, log[last(DETACH)].domain, &domains[1]);
}

/* Nobody sees to it that there is something to drain */
static void no_drain_without_handler(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, attach(dev_at(0, 0), ids[0], &domains[2], NULL));
	KUNIT_ASSERT_EQ(test, 0, attach(dev_at(0, 1), ids[0], &domains[0], NULL));
	KUNIT_EXPECT_EQ(test, count(DRAIN), 0);
	/* What was asked of the first may be on its way */
	KUNIT_EXPECT_EQ(test, 0, attach(dev_at(0, 1), ids[0], &domains[2], &domains[0]));
	KUNIT_EXPECT_EQ(test, count(DRAIN), 1);
	KUNIT_EXPECT_EQ(test, 0, attach(dev_at(0, 1), ids[0], &domains[0], &domains[2]));
	KUNIT_EXPECT_EQ(test, count(DRAIN), 1);

	nr = 0;
	KUNIT_EXPECT_EQ(test, 0, ioasid_free(set, ids[0]));
	KUNIT_EXPECT_EQ(test, count(DRAIN), 1);
	KUNIT_EXPECT_PTR_EQ(test, log[last(DRAIN)].dev, dev_at(0, 1));
	ioasid_attach_detach(&mocks, dev_at(0, 0), ids[0], &domains[2]);
	ioasid_attach_detach(&mocks, dev_at(0, 1), ids[0], &domains[0]);
}

/* The core has asked before whether it is alive, and then it died */
static void replace_of_the_dead(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, attach(dev_at(0, 0), ids[0], &domains[0], NULL));
	KUNIT_EXPECT_EQ(test, 0, ioasid_get(set, ids[0]));
	KUNIT_EXPECT_EQ(test, 0, ioasid_free(set, ids[0]));
	nr = 0;
	KUNIT_EXPECT_EQ(test, 0, attach(dev_at(0, 0), ids[0], &domains[1], &domains[0]));
	KUNIT_EXPECT_EQ(test, count(SETUP), 0);
	KUNIT_EXPECT_EQ(test, count(FLUSH), 0);
	KUNIT_EXPECT_PTR_EQ(test, log[first(DETACH)].domain, &domains[0]);
	KUNIT_EXPECT_TRUE(test, ioasid_attach_is_dead(&mocks, dev_at(0, 0), ids[0]));
	ioasid_attach_detach(&mocks, dev_at(0, 0), ids[0], &domains[1]);
	KUNIT_EXPECT_PTR_EQ(test, log[last(DETACH)].domain, NULL);
	ioasid_put(set, ids[0]);
}

static void setup_fails(struct kunit *test)
{
	setup_result = -EINVAL;
	KUNIT_EXPECT_EQ(test, -EINVAL, attach(dev_at(0, 0), ids[0], &domains[0], NULL));
	KUNIT_EXPECT_TRUE(test, xa_empty(&mocks.atts));
	setup_result = 0;
	KUNIT_EXPECT_EQ(test, 0, ioasid_free(set, ids[0]));
	KUNIT_EXPECT_EQ(test, count(QUIET), 0);
	KUNIT_EXPECT_EQ(test, count(FLUSH), 0);
}

/* Whoever comes too late gets a muted entry, and the driver learns of nothing */
static void attach_of_the_dead(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, ioasid_get(set, ids[0]));
	KUNIT_EXPECT_EQ(test, 0, ioasid_free(set, ids[0]));
	KUNIT_EXPECT_EQ(test, 0, attach(dev_at(0, 0), ids[0], &domains[0], NULL));
	KUNIT_EXPECT_EQ(test, count(SETUP), 0);
	KUNIT_EXPECT_EQ(test, count(FLUSH), 0);
	KUNIT_EXPECT_EQ(test, log[last(CLEAR)].pasid, ids[0]);
	KUNIT_EXPECT_TRUE(test, ioasid_attach_is_dead(&mocks, dev_at(0, 0), ids[0]));

	nr = 0;
	ioasid_attach_detach(&mocks, dev_at(0, 0), ids[0], &domains[0]);
	KUNIT_EXPECT_EQ(test, nr, 1);
	KUNIT_EXPECT_EQ(test, log[0].op, DETACH);
	KUNIT_EXPECT_PTR_EQ(test, log[0].domain, NULL);
	ioasid_put(set, ids[0]);
}

/* What the domain translates for is gone, says the driver: attached, and dead */
static void setup_is_late(struct kunit *test)
{
	setup_result = -ESRCH;
	KUNIT_EXPECT_EQ(test, 0, attach(dev_at(0, 0), ids[0], &domains[0], NULL));
	KUNIT_EXPECT_TRUE(test, ioasid_attach_is_dead(&mocks, dev_at(0, 0), ids[0]));
	KUNIT_EXPECT_TRUE(test, ioasid_attach_detach(&mocks, dev_at(0, 0), ids[0],
						     &domains[0]));
	KUNIT_EXPECT_PTR_EQ(test, log[last(DETACH)].domain, NULL);
}

/* The number is somebody's IOASID, but this attachment has nothing to do with it */
static void unmanaged_is_not_touched(struct kunit *test)
{
	managed = false;
	KUNIT_EXPECT_EQ(test, 0, attach(dev_at(0, 0), ids[0], &domains[0], NULL));
	KUNIT_EXPECT_FALSE(test, ioasid_attach_detach(&mocks, dev_at(0, 0), ids[0],
						      &domains[0]));
	KUNIT_EXPECT_EQ(test, 0, ioasid_free(set, ids[0]));
	KUNIT_EXPECT_EQ(test, nr, 1);
	KUNIT_EXPECT_EQ(test, log[0].op, SETUP);
}

static bool is_behind(struct device *dev, void *iommu)
{
	return mock_iommu(&(struct ioasid_attach){ .dev = dev }) == iommu;
}

static void found_by_iommu(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, attach(dev_at(0, 0), ids[0], &domains[0], NULL));
	KUNIT_ASSERT_EQ(test, 0, attach(dev_at(2, 1), ids[0], &domains[0], NULL));
	for (int i = 0; i < IOMMUS; i++)
		KUNIT_EXPECT_EQ(test, i != 1,
				ioasid_attach_any(&mocks, ids[0], is_behind, dev_at(i, 0)));
	KUNIT_EXPECT_FALSE(test, ioasid_attach_any(&mocks, ids[1], is_behind, dev_at(0, 0)));
	ioasid_attach_detach(&mocks, dev_at(0, 0), ids[0], &domains[0]);
	ioasid_attach_detach(&mocks, dev_at(2, 1), ids[0], &domains[0]);
}

static void sync_again(struct work_struct *work)
{
	struct ioasid_nb_args args = { .set = set };

	ioasid_attach_notify(&mocks.nb, IOASID_SYNC, &args);
	complete(&sync_done);
}

static DECLARE_WORK(sync_work, sync_again);

/*
 * A SYNC finds nothing to do, because what it is for is just being drained, for
 * another one; it must not return before that has ended.
 */
static void sync_waits_for_drain(struct kunit *test)
{
	reinit_completion(&sync_done);
	KUNIT_ASSERT_EQ(test, 0, attach(dev_at(0, 0), ids[0], &domains[0], NULL));
	at_drain = &sync_work;
	KUNIT_EXPECT_EQ(test, 0, ioasid_free(set, ids[0]));
	at_drain = NULL;
	flush_work(&sync_work);
	KUNIT_EXPECT_TRUE(test, completion_done(&sync_done));
	ioasid_attach_detach(&mocks, dev_at(0, 0), ids[0], &domains[0]);
}

/* The device and the IOMMU are the same; no page requests come for these */
static void others_die(struct work_struct *work)
{
	struct ioasid_nb_args args = { .set = others, .id = ids[1] };

	current->kunit_test = others_test;
	ioasid_attach_notify(&mocks.nb, IOASID_FREE, &args);
	ioasid_attach_notify(&mocks.nb, IOASID_SYNC, &args);
	ioasid_attach_detach(&mocks, dev_at(0, 0), ids[1], &domains[2]);
	ioasid_attach_detach(&mocks, dev_at(0, 0), ids[2], &domains[2]);
	current->kunit_test = NULL;
	complete(&sync_done);
}

static DECLARE_WORK(others_work, others_die);

/* A page that does not come holds up those who wait for none */
static void drain_holds_up_nobody(struct kunit *test)
{
	reinit_completion(&sync_done);
	others_test = test;
	others = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, NULL, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, others);
	KUNIT_ASSERT_EQ(test, 0, attach(dev_at(0, 0), ids[0], &domains[0], NULL));
	KUNIT_ASSERT_EQ(test, 0, attach(dev_at(0, 0), ids[1], &domains[2], NULL));
	KUNIT_ASSERT_EQ(test, 0, attach(dev_at(0, 0), ids[2], &domains[2], NULL));
	nr = 0;
	others_go_on = true;
	at_drain = &others_work;
	KUNIT_EXPECT_EQ(test, 0, ioasid_free(set, ids[0]));
	at_drain = NULL;
	others_go_on = false;
	flush_work(&others_work);
	KUNIT_EXPECT_EQ(test, count(DRAIN), 1);
	KUNIT_EXPECT_EQ(test, count(FLUSH), 3);
	KUNIT_EXPECT_EQ(test, count(DETACH), 2);
	ioasid_attach_detach(&mocks, dev_at(0, 0), ids[0], &domains[0]);
	ioasid_set_free(others);
}

static u64 by_parity(struct ioasid_attach *att)
{
	return att->pasid & 1;
}

/* A PASID that several share is one; groups are what is the same side by side */
static void groups(struct kunit *test)
{
	static const ioasid_t pasids[] = { 4, 3, 4, 2, 7 };
	struct ioasid_attach atts[ARRAY_SIZE(pasids)] = {}, *att;
	unsigned int n;
	LIST_HEAD(list);

	for (int i = 0; i < ARRAY_SIZE(pasids); i++) {
		atts[i].pasid = pasids[i];
		list_add_tail(&atts[i].pending, &list);
	}
	KUNIT_EXPECT_EQ(test, ioasid_attach_sort(&list, by_parity), 2);
	att = list_first_entry(&list, struct ioasid_attach, pending);
	KUNIT_EXPECT_PTR_EQ(test, att, &atts[0]);
	att = ioasid_attach_group(&list, att, by_parity, &n);
	KUNIT_EXPECT_EQ(test, n, 2);
	KUNIT_EXPECT_PTR_EQ(test, att, &atts[1]);
	att = ioasid_attach_group(&list, att, by_parity, &n);
	KUNIT_EXPECT_EQ(test, n, 2);
	KUNIT_EXPECT_TRUE(test, list_entry_is_head(att, &list, pending));
}

static int mock_init(struct kunit *test)
{
	nr = 0;
	setup_result = 0;
	managed = true;
	for (int d = 0; d < IOMMUS * DEVS; d++)
		devs[d].iommu = &dev_iommu;
	domains[0].iopf_handler = mock_iopf;
	domains[1].iopf_handler = mock_iopf;
	set = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, NULL, IDS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	for (int i = 0; i < IDS; i++)
		KUNIT_ASSERT_EQ(test, 0, ioasid_alloc(set, 1, 1000, NULL, &ids[i]));
	kunit_activate_static_stub(test, ioasid_attach_is_managed, mock_is_managed);
	return ioasid_register_notifier(set, &mocks.nb);
}

static void mock_exit(struct kunit *test)
{
	ioasid_set_free(set);
	ioasid_unregister_notifier(set, &mocks.nb);
	KUNIT_EXPECT_TRUE(test, xa_empty(&mocks.atts));
}

static struct kunit_case ioasid_attach_cases[] = {
	KUNIT_CASE(one_flush_per_iommu),
	KUNIT_CASE(one_drain_per_device),
	KUNIT_CASE(others_live),
	KUNIT_CASE(detach_flushes_its_own),
	KUNIT_CASE(detach_between_free_and_sync),
	KUNIT_CASE(mm_release_leaves_the_drain),
	KUNIT_CASE(mm_release_after_free),
	KUNIT_CASE(replace_drains_unlocked),
	KUNIT_CASE(no_drain_without_handler),
	KUNIT_CASE(replace_of_the_dead),
	KUNIT_CASE(sync_waits_for_drain),
	KUNIT_CASE(drain_holds_up_nobody),
	KUNIT_CASE(setup_fails),
	KUNIT_CASE(attach_of_the_dead),
	KUNIT_CASE(setup_is_late),
	KUNIT_CASE(unmanaged_is_not_touched),
	KUNIT_CASE(found_by_iommu),
	KUNIT_CASE(groups),
	{}
};

static struct kunit_suite ioasid_attach_suite = {
	.name = "ioasid_attach",
	.init = mock_init,
	.exit = mock_exit,
	.test_cases = ioasid_attach_cases,
};

kunit_test_suite(ioasid_attach_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests of what IOMMU drivers do when IOASIDs die");
MODULE_LICENSE("GPL");
