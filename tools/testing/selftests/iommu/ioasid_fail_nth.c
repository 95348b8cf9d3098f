// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every memory allocation in the ioctls that have to do with sets of PASIDs
 * fails once. After each failure all is as it was, and what goes away needs no
 * memory for it.
 *
 * Needs CONFIG_FAULT_INJECTION, CONFIG_FAILSLAB and what ioasid_iommufd.c does.
 */
#include "ioasid_mock.h"

#define QUOTA		4
/* More than any sequence here has allocations */
#define SWEEP_MAX	500

struct sweep_ctx {
	struct scene scene;
	struct mock mock;
	/* A PASID of the set, and what the step under test has made */
	uint32_t id;
	uint32_t made;
	uint32_t mine;
	int fail_nth;
};

FIXTURE(sweep)
{
	struct sweep_ctx c;
};

FIXTURE_SETUP(sweep)
{
	struct sweep_ctx *c = &self->c;
	struct mock *mock = &c->mock;

	scene_setup(_metadata, &c->scene);
	/* Also those that may wait for memory */
	if (pdt_write_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N"))
		SKIP(return, "this kernel has no fault injection");
	ASSERT_EQ(0, pdt_write_file("/sys/kernel/debug/failslab/verbose", "0"));
	ASSERT_EQ(0, pdt_write_file("/sys/kernel/debug/fail_iommufd/verbose", "0"));
	c->fail_nth = open("/proc/thread-self/fail-nth", O_RDWR);
	ASSERT_LE(0, c->fail_nth);
	ASSERT_EQ(0, mock_start(mock));
	ASSERT_EQ(0, mock_rid(mock));
	ASSERT_EQ(0, vmm_set_alloc(mock->fd, QUOTA, &mock->set));
	ASSERT_EQ(0, vmm_alloc(mock->fd, mock->set, &c->id));
}

FIXTURE_TEARDOWN(sweep)
{
	struct sweep_ctx *c = &self->c;

	close(c->mock.fd);
	close(c->fail_nth);
	scene_teardown(_metadata, &c->scene);
}

static void arm(struct __test_metadata *_metadata, int fd, unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	ASSERT_EQ(len, pwrite(fd, text, len, 0));
}

/* Has an allocation been made to fail? Disarms. */
static bool has_failed(struct __test_metadata *_metadata, int fd)
{
	char text[16] = "";

	EXPECT_LT(0, pread(fd, text, sizeof(text) - 1, 0));
	arm(_metadata, fd, 0);
	return atoi(text) == 0;
}

typedef int (*step_fn)(struct sweep_ctx *c);

/*
 * @step with the first, the second ... allocation failing, until none is left;
 * @undo after each success. A step may succeed without some memory.
 */
static void sweep(struct __test_metadata *_metadata, struct sweep_ctx *c,
		  step_fn step, step_fn undo)
{
	struct vmm_sets before, after;
	unsigned int nth, failures = 0;
	bool failed = true;
	int ret;

	EXPECT_EQ(0, get_sets(&before));
	for (nth = 1; failed && nth < SWEEP_MAX; nth++) {
		arm(_metadata, c->fail_nth, nth);
		ret = step(c);
		failed = has_failed(_metadata, c->fail_nth);
		if (ret) {
			failures++;
			EXPECT_TRUE(failed);
			/* iommufd's own knob makes objects not to be found */
			EXPECT_TRUE(ret == -ENOMEM || ret == -ENOENT);
		} else {
			EXPECT_EQ(0, undo(c));
		}
		synchronize(_metadata);
		EXPECT_EQ(0, get_sets(&after));
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	}
	EXPECT_FALSE(failed);
	TH_LOG("%u allocations, without %u of them it fails", nth - 2, failures);
}

static int set_alloc(struct sweep_ctx *c)
{
	return vmm_set_alloc(c->mock.fd, QUOTA, &c->made);
}

static int set_destroy(struct sweep_ctx *c)
{
	return vmm_destroy(c->mock.fd, c->made);
}

TEST_F(sweep, set_alloc)
{
	sweep(_metadata, &self->c, set_alloc, set_destroy);
}

static int elastic_set_alloc(struct sweep_ctx *c)
{
	return vmm_set_alloc(c->mock.fd, 0, &c->made);
}

TEST_F(sweep, elastic_set_alloc)
{
	sweep(_metadata, &self->c, elastic_set_alloc, set_destroy);
}

static int id_alloc(struct sweep_ctx *c)
{
	return vmm_alloc(c->mock.fd, c->mock.set, &c->made);
}

static int id_free(struct sweep_ctx *c)
{
	return vmm_free(c->mock.fd, c->mock.set, c->made);
}

TEST_F(sweep, alloc)
{
	sweep(_metadata, &self->c, id_alloc, id_free);
}

static int id_bind(struct sweep_ctx *c)
{
	return vmm_bind(c->mock.fd, c->mock.set, c->id, 5);
}

static int id_unbind(struct sweep_ctx *c)
{
	return vmm_unbind(c->mock.fd, c->mock.set, c->id);
}

TEST_F(sweep, bind)
{
	sweep(_metadata, &self->c, id_bind, id_unbind);
}

static int attach(struct sweep_ctx *c)
{
	return mock_attach(&c->mock, c->id, c->mock.hwpt[0]);
}

static int detach(struct sweep_ctx *c)
{
	return mock_detach(&c->mock, c->id);
}

TEST_F(sweep, attach)
{
	sweep(_metadata, &self->c, attach, detach);
}

/*
 * What ends something does not fail for lack of memory. Only that its object was
 * not found may be, once.
 */
static int surely(struct sweep_ctx *c, step_fn step)
{
	int ret = step(c);

	return ret == -ENOENT ? step(c) : ret;
}

/* The steps of the life of @mine in the set @made */

static int mine_unbind(struct sweep_ctx *c)
{
	return vmm_unbind(c->mock.fd, c->made, c->mine);
}

static int mine_free(struct sweep_ctx *c)
{
	return vmm_free(c->mock.fd, c->made, c->mine);
}

static int mine_detach(struct sweep_ctx *c)
{
	return mock_detach(&c->mock, c->mine);
}

static int made_free_all(struct sweep_ctx *c)
{
	return vmm_free_all(c->mock.fd, c->made);
}

static int life_of_id(struct sweep_ctx *c)
{
	struct mock *mock = &c->mock;
	int ret, end = 0;

	ret = vmm_alloc(mock->fd, c->made, &c->mine);
	if (ret)
		return ret;
	ret = vmm_bind(mock->fd, c->made, c->mine, 5);
	if (!ret) {
		ret = mock_attach(mock, c->mine, mock->hwpt[0]);
		if (!ret) {
			ret = mock_replace(mock, c->mine, mock->hwpt[1]);
			end = surely(c, mine_free);
			if (!end)
				end = surely(c, mine_detach);
		} else {
			end = surely(c, mine_unbind);
		}
	}
	if (!end)
		end = surely(c, made_free_all);
	return end ? -EIO : ret;
}

/* Everything that a set needs, and its end */
static int life(struct sweep_ctx *c)
{
	int ret;

	ret = vmm_set_alloc(c->mock.fd, QUOTA, &c->made);
	if (ret)
		return ret;
	ret = life_of_id(c);
	return surely(c, set_destroy) ? -EIO : ret;
}

static int nothing(struct sweep_ctx *c)
{
	return 0;
}

TEST_F(sweep, life)
{
	sweep(_metadata, &self->c, life, nothing);
}

/* A context of its own, closed with all that it has */
static int context(struct sweep_ctx *c)
{
	uint32_t set, id;
	int fd, ret;

	fd = vmm_open();
	if (fd < 0)
		return fd;
	ret = vmm_set_alloc(fd, QUOTA, &set);
	if (!ret)
		ret = vmm_alloc(fd, set, &id);
	if (!ret)
		ret = vmm_bind(fd, set, id, 5);
	close(fd);
	return ret;
}

TEST_F(sweep, context)
{
	sweep(_metadata, &self->c, context, nothing);
}

int main(int argc, char **argv)
{
	return mock_test_main(argc, argv);
}
