// SPDX-License-Identifier: GPL-2.0
/*
 * How a driver uses IOASID: each queue of a device gets a PASID, and stops when
 * that dies. Included by Documentation/driver-api/ioasid.rst.
 */
#include <kunit/test.h>
#include <linux/ioasid.h>
#include <linux/notifier.h>

struct example_queue {
	ioasid_t pasid;
	bool running;
};

struct example_device {
	struct ioasid_set *set;
	struct notifier_block nb;
	unsigned int pasid_bits;
};

/* From here on no new request is issued; those in flight may still be */
static int example_notify(struct notifier_block *nb, unsigned long event,
			  void *data)
{
	struct ioasid_nb_args *args = data;
	struct example_queue *queue = args->pdata;

	if (event != IOASID_FREE || !queue)
		return NOTIFY_DONE;
	queue->running = false;
	return NOTIFY_OK;
}

static int example_probe(struct example_device *dev)
{
	int ret;

	/* 16 are guaranteed; the owner is known by @dev */
	dev->set = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, dev, 16);
	if (IS_ERR(dev->set))
		return PTR_ERR(dev->set);

	dev->nb.notifier_call = example_notify;
	dev->nb.priority = IOASID_PRIO_DEVICE;
	ret = ioasid_register_notifier(dev->set, &dev->nb);
	if (ret)
		ioasid_set_free(dev->set);
	return ret;
}

static int example_start(struct example_device *dev, struct example_queue *queue)
{
	int ret;

	ret = ioasid_alloc(dev->set, 1, BIT(dev->pasid_bits) - 1, queue,
			   &queue->pasid);
	if (ret)
		return ret;

	/* For as long as the queue may issue requests with the number */
	ret = ioasid_get(dev->set, queue->pasid);
	if (ret) {
		ioasid_free(dev->set, queue->pasid);
		return ret;
	}
	/* Here iommu_attach_device_ioasid() makes it translate */
	queue->running = true;
	return 0;
}

/* The queue has been seen to stand still: its number may be used again */
static void example_idle(struct example_device *dev, struct example_queue *queue)
{
	ioasid_put(dev->set, queue->pasid);
}

static void example_remove(struct example_device *dev)
{
	/* FREE for each queue that is left, then one SYNC */
	ioasid_set_free(dev->set);
	ioasid_unregister_notifier(dev->set, &dev->nb);
}

static void example_works(struct kunit *test)
{
	struct example_device dev = { .pasid_bits = 8 };
	struct example_queue queues[2] = { };

	KUNIT_ASSERT_EQ(test, example_probe(&dev), 0);
	KUNIT_EXPECT_EQ(test, example_start(&dev, &queues[0]), 0);
	KUNIT_EXPECT_EQ(test, example_start(&dev, &queues[1]), 0);
	KUNIT_EXPECT_LT(test, queues[0].pasid, 256);
	KUNIT_EXPECT_NE(test, queues[0].pasid, queues[1].pasid);

	KUNIT_EXPECT_EQ(test, ioasid_free(dev.set, queues[0].pasid), 0);
	KUNIT_EXPECT_FALSE(test, queues[0].running);
	KUNIT_EXPECT_TRUE(test, queues[1].running);
	KUNIT_EXPECT_EQ(test, ioasid_set_count(dev.set), 2);
	example_idle(&dev, &queues[0]);
	ioasid_synchronize();
	KUNIT_EXPECT_EQ(test, ioasid_set_count(dev.set), 1);

	example_idle(&dev, &queues[1]);
	example_remove(&dev);
	KUNIT_EXPECT_FALSE(test, queues[1].running);
	ioasid_synchronize();
}

static struct kunit_case example_cases[] = {
	KUNIT_CASE(example_works),
	{ }
};

static struct kunit_suite example_suite = {
	.name = "ioasid_example",
	.test_cases = example_cases,
};

kunit_test_suites(&example_suite);
