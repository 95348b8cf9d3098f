// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of iommufd that have to do with sets of PASIDs: lengths, flags, and
 * each refusal, on the mock device.
 *
 * Needs CONFIG_IOMMUFD_TEST and a PASID test device, whose driver tells what the
 * allocator does.
 */
#include <stddef.h>

#include "ioasid_mock.h"

#define QUOTA		4
#define OWN		100

FIXTURE(ioasid)
{
	struct scene scene;
	struct mock a;
	/* Another context */
	struct mock b;
};

FIXTURE_SETUP(ioasid)
{
	scene_setup(_metadata, &self->scene);
	ASSERT_EQ(0, mock_start(&self->a));
	ASSERT_EQ(0, mock_rid(&self->a));
	ASSERT_EQ(0, mock_start(&self->b));
	ASSERT_EQ(0, mock_rid(&self->b));
}

FIXTURE_TEARDOWN(ioasid)
{
	close(self->a.fd);
	close(self->b.fd);
	scene_teardown(_metadata, &self->scene);
}

/* In a set of @mock, which is made if there is none */
static uint32_t one_pasid(struct __test_metadata *_metadata, struct mock *mock)
{
	uint32_t id;

	if (!mock->set)
		EXPECT_EQ(0, vmm_set_alloc(mock->fd, QUOTA, &mock->set));
	EXPECT_EQ(0, vmm_alloc(mock->fd, mock->set, &id));
	return id;
}

static uint32_t quota_used(struct __test_metadata *_metadata)
{
	struct vmm_sets sets;

	EXPECT_EQ(0, get_sets(&sets));
	return sets.used;
}

/* Too short, too long with something in it, too long with nothing in it */
static void expect_length(struct __test_metadata *_metadata, int fd,
			  unsigned long request, uint32_t size)
{
	uint32_t cmd[16] = { };
	int ret;

	/* A command that does not make sense, but for its size */
	cmd[0] = 0;
	EXPECT_EQ(-EINVAL, pdt_ioctl(fd, request, cmd));
	cmd[0] = size - 1;
	EXPECT_EQ(-EINVAL, pdt_ioctl(fd, request, cmd));
	cmd[0] = size;
	ret = pdt_ioctl(fd, request, cmd);
	memset(cmd, 0, sizeof(cmd));
	cmd[0] = size + 1;
	EXPECT_EQ(ret, pdt_ioctl(fd, request, cmd));
	memset(cmd, 0, sizeof(cmd));
	memset((char *)cmd + size, 0xff, 1);
	cmd[0] = size + 1;
	EXPECT_EQ(-E2BIG, pdt_ioctl(fd, request, cmd));
}

TEST_F(ioasid, length)
{
	int fd = self->a.fd;

	expect_length(_metadata, fd, IOMMU_IOASID_SET_ALLOC,
		      sizeof(struct iommu_ioasid_set_alloc));
	expect_length(_metadata, fd, IOMMU_IOASID_ALLOC,
		      sizeof(struct iommu_ioasid_alloc));
	expect_length(_metadata, fd, IOMMU_IOASID_FREE,
		      sizeof(struct iommu_ioasid_free));
	expect_length(_metadata, fd, IOMMU_IOASID_BIND,
		      sizeof(struct iommu_ioasid_bind));
	expect_length(_metadata, fd, IOMMU_IOASID_UNBIND,
		      sizeof(struct iommu_ioasid_unbind));
}

/* The numbers and the layout are for good */
TEST_F(ioasid, abi)
{
	EXPECT_EQ(0x3b96, IOMMU_IOASID_SET_ALLOC);
	EXPECT_EQ(0x3b97, IOMMU_IOASID_ALLOC);
	EXPECT_EQ(0x3b98, IOMMU_IOASID_FREE);
	EXPECT_EQ(0x3b99, IOMMU_IOASID_BIND);
	EXPECT_EQ(0x3b9a, IOMMU_IOASID_UNBIND);
	EXPECT_EQ(1, IOMMU_IOASID_FREE_ALL);
	EXPECT_EQ(8, offsetof(struct iommu_ioasid_set_alloc, quota));
	EXPECT_EQ(12, offsetof(struct iommu_ioasid_set_alloc, out_set_id));
	EXPECT_EQ(12, offsetof(struct iommu_ioasid_alloc, min));
	EXPECT_EQ(16, offsetof(struct iommu_ioasid_alloc, max));
	EXPECT_EQ(20, offsetof(struct iommu_ioasid_alloc, out_ioasid));
	EXPECT_EQ(12, offsetof(struct iommu_ioasid_free, ioasid));
	EXPECT_EQ(16, offsetof(struct iommu_ioasid_bind, guest_pasid));
	EXPECT_EQ(12, offsetof(struct iommu_ioasid_unbind, ioasid));
}

/* The flags are the second word of each */
static void expect_no_flag(struct __test_metadata *_metadata, int fd,
			   unsigned long request, uint32_t size, uint32_t flags)
{
	uint32_t cmd[16] = { size, flags };

	EXPECT_EQ(-EOPNOTSUPP, pdt_ioctl(fd, request, cmd));
}

TEST_F(ioasid, flags)
{
	int fd = self->a.fd;
	unsigned int i;

	for (i = 0; i < 32; i++) {
		expect_no_flag(_metadata, fd, IOMMU_IOASID_SET_ALLOC,
			       sizeof(struct iommu_ioasid_set_alloc), 1U << i);
		expect_no_flag(_metadata, fd, IOMMU_IOASID_ALLOC,
			       sizeof(struct iommu_ioasid_alloc), 1U << i);
		expect_no_flag(_metadata, fd, IOMMU_IOASID_BIND,
			       sizeof(struct iommu_ioasid_bind), 1U << i);
		expect_no_flag(_metadata, fd, IOMMU_IOASID_UNBIND,
			       sizeof(struct iommu_ioasid_unbind), 1U << i);
		/* IOMMU_IOASID_FREE_ALL, with another one */
		expect_no_flag(_metadata, fd, IOMMU_IOASID_FREE,
			       sizeof(struct iommu_ioasid_free),
			       1U << i | (i ? 1 : 2));
		if (i)
			expect_no_flag(_metadata, fd, IOMMU_IOASID_FREE,
				       sizeof(struct iommu_ioasid_free), 1U << i);
	}
}

/* Neither an object that is not there nor one of another kind */
TEST_F(ioasid, no_set)
{
	struct mock *a = &self->a, *b = &self->b;
	uint32_t none[] = { 0, 0x7fffffff, 0xffffffff, a->ioas, a->hwpt[0], a->dev };
	uint32_t id;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(none); i++) {
		EXPECT_EQ(-ENOENT, vmm_alloc(a->fd, none[i], &id));
		EXPECT_EQ(-ENOENT, vmm_alloc_range(a->fd, none[i], 2, 1, &id));
		EXPECT_EQ(-ENOENT, vmm_free(a->fd, none[i], 1));
		EXPECT_EQ(-ENOENT, vmm_free_all(a->fd, none[i]));
		EXPECT_EQ(-ENOENT, vmm_bind(a->fd, none[i], 1, 1));
		EXPECT_EQ(-ENOENT, vmm_unbind(a->fd, none[i], 1));
	}
	/* Nor that of another context */
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, vmm_set_alloc(b->fd, 1, &b->set));
	EXPECT_EQ(-ENOENT, vmm_alloc(a->fd, b->set, &id));
	EXPECT_EQ(-ENOENT, vmm_destroy(a->fd, b->set));
}

TEST_F(ioasid, set_alloc)
{
	struct mock *a = &self->a;
	uint32_t set, total = self->scene.sums.total;
	struct vmm_sets sets;

	EXPECT_EQ(-ENOSPC, vmm_set_alloc(a->fd, 0xffffffff, &set));
	EXPECT_EQ(-ENOSPC, vmm_set_alloc(a->fd, total, &set));
	EXPECT_EQ(-ENOSPC, vmm_set_alloc(a->fd, total / 2 + 1, &set));
	EXPECT_EQ(0, vmm_set_alloc(a->fd, total / 2, &set));
	EXPECT_EQ(-ENOSPC, vmm_set_alloc(self->b.fd, 1, &self->b.set));
	EXPECT_EQ(0, vmm_destroy(a->fd, set));
	EXPECT_EQ(-ENOENT, vmm_destroy(a->fd, set));
	EXPECT_EQ(0, vmm_set_alloc(a->fd, 1, &set));
	EXPECT_EQ(0, vmm_set_alloc(a->fd, 0, &set));
	EXPECT_EQ(0, get_sets(&sets));
	EXPECT_EQ(2, sets.sets);
	EXPECT_EQ(1, sets.quota);
}

TEST_F(ioasid, range)
{
	struct mock *a = &self->a;
	uint32_t id;

	one_pasid(_metadata, a);
	EXPECT_EQ(-EINVAL, vmm_alloc_range(a->fd, a->set, 2, 1, &id));
	EXPECT_EQ(-EINVAL, vmm_alloc_range(a->fd, a->set, 0xffffffff, 1, &id));
	EXPECT_EQ(1, quota_used(_metadata));
	EXPECT_EQ(0, vmm_alloc_range(a->fd, a->set, OWN, OWN, &id));
	EXPECT_EQ(OWN, id);
	EXPECT_EQ(-ENOSPC, vmm_alloc_range(a->fd, a->set, OWN, OWN, &id));
	/* 0 for no limit, and from 1 on */
	EXPECT_EQ(0, vmm_alloc_range(a->fd, a->set, OWN, 0, &id));
	EXPECT_LT(OWN, id);
	EXPECT_EQ(0, vmm_alloc_range(a->fd, a->set, 0, 1, &id));
	EXPECT_EQ(1, id);
	EXPECT_EQ(QUOTA, quota_used(_metadata));
	EXPECT_EQ(-EDQUOT, vmm_alloc(a->fd, a->set, &id));
	EXPECT_EQ(QUOTA, quota_used(_metadata));
}

/* More than there are */
TEST_F(ioasid, range_too_high)
{
	uint32_t id, total = self->scene.sums.total;
	struct mock *a = &self->a;

	one_pasid(_metadata, a);
	EXPECT_EQ(-ENOSPC, vmm_alloc_range(a->fd, a->set, total, 0, &id));
	EXPECT_EQ(-ENOSPC, vmm_alloc_range(a->fd, a->set, 0xffffffff, 0, &id));
	EXPECT_EQ(0, vmm_alloc_range(a->fd, a->set, total - 1, 0xffffffff, &id));
	EXPECT_EQ(total - 1, id);
}

TEST_F(ioasid, free)
{
	struct mock *a = &self->a, *b = &self->b;
	uint32_t id = one_pasid(_metadata, a), others = one_pasid(_metadata, b);

	EXPECT_EQ(-ENOENT, vmm_free(a->fd, a->set, 0));
	EXPECT_EQ(-ENOENT, vmm_free(a->fd, a->set, 0xffffffff));
	EXPECT_EQ(-EACCES, vmm_free(a->fd, a->set, others));
	EXPECT_EQ(-EINVAL, vmm_free_flags(a->fd, a->set, id,
					  IOMMU_IOASID_FREE_ALL));
	EXPECT_EQ(2, quota_used(_metadata));
	EXPECT_EQ(0, vmm_free(a->fd, a->set, id));
	synchronize(_metadata);
	EXPECT_EQ(-ENOENT, vmm_free(a->fd, a->set, id));
	EXPECT_EQ(1, quota_used(_metadata));
	EXPECT_EQ(0, vmm_free_all(a->fd, a->set));
	EXPECT_EQ(1, quota_used(_metadata));
	EXPECT_EQ(0, vmm_free_all(b->fd, b->set));
	synchronize(_metadata);
	EXPECT_EQ(0, quota_used(_metadata));
}

/* KVM, say, does not agree: then it is not bound for anybody */
TEST_F(ioasid, bind_vetoed)
{
	struct mock *a = &self->a;
	uint32_t id = one_pasid(_metadata, a), watch;
	struct pdt_events events;

	ASSERT_EQ(0, mock_watch(a, a->set, &watch));
	EXPECT_EQ(-EPERM, vmm_bind(a->fd, a->set, id,
				   IOMMU_TEST_GUEST_PASID_REFUSED));
	EXPECT_EQ(-ENOENT, vmm_unbind(a->fd, a->set, id));
	EXPECT_EQ(0, vmm_bind(a->fd, a->set, id, 1));
	EXPECT_EQ(0, vmm_free(a->fd, a->set, id));
	EXPECT_EQ(0, mock_events(a, watch, &events));
	EXPECT_EQ(1, events.bind);
	EXPECT_EQ(1, events.unbind);
	EXPECT_EQ(1, events.free);
	EXPECT_EQ(1, events.sync);
	EXPECT_EQ(0, vmm_destroy(a->fd, watch));
}

/* Twice, the first time while it is attached */
TEST_F(ioasid, free_attached)
{
	struct mock *a = &self->a;
	uint32_t id = one_pasid(_metadata, a);

	EXPECT_EQ(0, mock_attach(a, id, a->hwpt[0]));
	EXPECT_EQ(0, vmm_free(a->fd, a->set, id));
	EXPECT_EQ(0, vmm_free(a->fd, a->set, id));
	synchronize(_metadata);
	EXPECT_EQ(0, vmm_free(a->fd, a->set, id));
	EXPECT_EQ(1, quota_used(_metadata));
	EXPECT_EQ(-EBUSY, mock_replace(a, id, a->hwpt[1]));
	EXPECT_EQ(0, mock_check(a, id, a->hwpt[0]));
	EXPECT_EQ(0, mock_detach(a, id));
	EXPECT_EQ(0, mock_check(a, id, 0));
	synchronize(_metadata);
	EXPECT_EQ(-ENOENT, vmm_free(a->fd, a->set, id));
	EXPECT_EQ(0, quota_used(_metadata));
}

TEST_F(ioasid, bind)
{
	struct mock *a = &self->a, *b = &self->b;
	uint32_t id = one_pasid(_metadata, a), two = one_pasid(_metadata, a);
	uint32_t others = one_pasid(_metadata, b);

	EXPECT_EQ(-EINVAL, vmm_bind(a->fd, a->set, id, 0));
	EXPECT_EQ(-EINVAL, vmm_bind(a->fd, a->set, id, 1 << 20));
	EXPECT_EQ(-EINVAL, vmm_bind(a->fd, a->set, id, 0xffffffff));
	EXPECT_EQ(-ENOENT, vmm_bind(a->fd, a->set, 0xfffff, 1));
	EXPECT_EQ(-EACCES, vmm_bind(a->fd, a->set, others, 1));
	EXPECT_EQ(-ENOENT, vmm_unbind(a->fd, a->set, id));
	EXPECT_EQ(-ENOENT, vmm_unbind(a->fd, a->set, 0xfffff));
	EXPECT_EQ(-EACCES, vmm_unbind(a->fd, a->set, others));
	EXPECT_EQ(0, vmm_bind(a->fd, a->set, id, 1));
	EXPECT_EQ(-EEXIST, vmm_bind(a->fd, a->set, id, 1));
	EXPECT_EQ(-EEXIST, vmm_bind(a->fd, a->set, id, 2));
	EXPECT_EQ(-EEXIST, vmm_bind(a->fd, a->set, two, 1));
	EXPECT_EQ(0, vmm_bind(b->fd, b->set, others, 1));
	EXPECT_EQ(0, mock_attach(a, id, a->hwpt[0]));
	EXPECT_EQ(0, vmm_free(a->fd, a->set, id));
	EXPECT_EQ(-EBUSY, vmm_bind(a->fd, a->set, id, 3));
	EXPECT_EQ(-EBUSY, vmm_unbind(a->fd, a->set, id));
	/* The name is free, though the number is not */
	EXPECT_EQ(0, vmm_bind(a->fd, a->set, two, 1));
}

/* The context had no set before: attach what you like */
TEST_F(ioasid, attach_without_set)
{
	uint32_t others = one_pasid(_metadata, &self->b);
	struct mock *a = &self->a;

	EXPECT_EQ(0, mock_attach(a, OWN, a->hwpt[0]));
	EXPECT_EQ(0, mock_replace(a, OWN, a->hwpt[1]));
	EXPECT_EQ(0, mock_managed(a, OWN, false));
	EXPECT_EQ(0, mock_attach(a, others, a->hwpt[0]));
	EXPECT_EQ(0, mock_managed(a, others, false));
	EXPECT_EQ(0, vmm_free(self->b.fd, self->b.set, others));
	EXPECT_EQ(0, mock_replace(a, others, a->hwpt[1]));
	EXPECT_EQ(0, mock_detach(a, others));
	EXPECT_EQ(0, mock_detach(a, OWN));
}

TEST_F(ioasid, attach)
{
	struct mock *a = &self->a;
	uint32_t others = one_pasid(_metadata, &self->b);
	uint32_t id;

	EXPECT_EQ(0, mock_attach(a, OWN, a->hwpt[0]));
	id = one_pasid(_metadata, a);
	EXPECT_EQ(-EACCES, mock_attach(a, OWN + 1, a->hwpt[0]));
	EXPECT_EQ(-EACCES, mock_attach(a, others, a->hwpt[0]));
	EXPECT_EQ(-EACCES, mock_attach(a, 0xffffffff, a->hwpt[0]));
	/* Before any look at what it is to be attached to */
	EXPECT_EQ(-EACCES, mock_attach(a, others, 0x7fffffff));
	EXPECT_EQ(-EACCES, mock_replace(a, OWN, a->hwpt[1]));
	EXPECT_EQ(-EACCES, mock_replace(a, others, a->hwpt[1]));
	EXPECT_EQ(0, mock_check(a, OWN, a->hwpt[0]));
	EXPECT_EQ(0, mock_check(a, others, 0));

	EXPECT_EQ(0, mock_attach(a, id, a->hwpt[0]));
	EXPECT_EQ(0, mock_replace(a, id, a->hwpt[1]));
	EXPECT_EQ(0, mock_check(a, id, a->hwpt[1]));
	EXPECT_EQ(0, mock_managed(a, id, true));
	EXPECT_EQ(0, mock_managed(a, OWN, false));
	EXPECT_EQ(0, mock_detach(a, id));
	EXPECT_EQ(0, mock_detach(a, OWN));
	EXPECT_EQ(-EACCES, mock_attach(a, OWN, a->hwpt[0]));
}

/* The mock driver fails for this one, and what was before is back */
TEST_F(ioasid, attach_fails)
{
	struct mock *a = &self->a;
	struct ioasid_line line = { };
	uint32_t id;

	ASSERT_EQ(0, vmm_set_alloc(a->fd, QUOTA, &a->set));
	ASSERT_EQ(0, vmm_alloc_range(a->fd, a->set, 1024, 1024, &id));
	EXPECT_EQ(0, mock_attach(a, id, a->hwpt[0]));
	EXPECT_EQ(-ENOMEM, mock_replace(a, id, a->hwpt[1]));
	EXPECT_EQ(0, mock_check(a, id, a->hwpt[0]));
	EXPECT_EQ(0, ioasid_get_line(id, &line));
	EXPECT_EQ(1, line.refs);
	EXPECT_EQ(0, mock_detach(a, id));
	EXPECT_EQ(0, ioasid_get_line(id, &line));
	EXPECT_EQ(0, line.refs);
}

TEST_F(ioasid, destroy_attached)
{
	struct mock *a = &self->a;
	uint32_t id = one_pasid(_metadata, a), set;

	EXPECT_EQ(0, mock_attach(a, id, a->hwpt[0]));
	EXPECT_EQ(0, vmm_destroy(a->fd, a->set));
	EXPECT_EQ(-ENOENT, vmm_alloc(a->fd, a->set, &set));
	/* What had a set is held to it */
	EXPECT_EQ(-EACCES, mock_attach(a, OWN, a->hwpt[0]));
	EXPECT_EQ(-EACCES, mock_replace(a, id, a->hwpt[1]));
	EXPECT_EQ(0, vmm_set_alloc(a->fd, 1, &set));
	EXPECT_EQ(-EACCES, vmm_free(a->fd, set, id));
	EXPECT_EQ(-EACCES, mock_replace(a, id, a->hwpt[1]));
	EXPECT_EQ(0, mock_detach(a, id));
}

/* The result cannot be written: it is as if nothing had been asked */
TEST_F(ioasid, no_answer)
{
	struct mock *a = &self->a;
	struct {
		struct iommu_ioasid_set_alloc set;
		struct iommu_ioasid_alloc id;
	} *cmds;
	struct vmm_sets sets;
	uint32_t id;

	cmds = mmap(NULL, PDT_PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)cmds);
	cmds->set.size = sizeof(cmds->set);
	cmds->set.quota = 1;
	ASSERT_EQ(0, mprotect(cmds, PDT_PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, pdt_ioctl(a->fd, IOMMU_IOASID_SET_ALLOC, &cmds->set));
	EXPECT_EQ(0, get_sets(&sets));
	EXPECT_EQ(0, sets.sets);
	/* Not even a context that has sets */
	EXPECT_EQ(0, mock_attach(a, OWN, a->hwpt[0]));
	EXPECT_EQ(0, mock_detach(a, OWN));

	ASSERT_EQ(0, vmm_set_alloc(a->fd, 1, &a->set));
	ASSERT_EQ(0, mprotect(cmds, PDT_PAGE, PROT_READ | PROT_WRITE));
	cmds->id.size = sizeof(cmds->id);
	cmds->id.set_id = a->set;
	ASSERT_EQ(0, mprotect(cmds, PDT_PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, pdt_ioctl(a->fd, IOMMU_IOASID_ALLOC, &cmds->id));
	synchronize(_metadata);
	EXPECT_EQ(0, quota_used(_metadata));
	EXPECT_EQ(0, vmm_alloc(a->fd, a->set, &id));
	EXPECT_EQ(-EFAULT, pdt_ioctl(a->fd, IOMMU_IOASID_ALLOC, NULL));
	munmap(cmds, PDT_PAGE);
}

/* Another process takes the context over, and its sets with it */
TEST_F(ioasid, change_process)
{
	struct iommu_ioas_change_process cmd = { .size = sizeof(cmd) };
	struct mock *a = &self->a;
	uint32_t id = one_pasid(_metadata, a), two, watch;
	struct vmm_sets before, after;
	struct pdt_events events;
	int status;
	pid_t pid;

	EXPECT_EQ(0, mock_attach(a, id, a->hwpt[0]));
	EXPECT_EQ(0, vmm_bind(a->fd, a->set, id, 5));
	/* One of this process's, which already knows of it */
	ASSERT_EQ(0, mock_watch(a, 0, &watch));
	EXPECT_EQ(0, get_sets(&before));
	count_from_here(_metadata, &self->scene);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		/* Whoever has the file can use the set all the time */
		status = vmm_alloc(a->fd, a->set, &two) ||
			 pdt_ioctl(a->fd, IOMMU_IOAS_CHANGE_PROCESS, &cmd) ||
			 vmm_free(a->fd, a->set, two);
		_exit(status);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, get_sets(&after));
	EXPECT_EQ(1, after.sets);
	EXPECT_STRNE(before.owner, after.owner);
	EXPECT_EQ(0, mock_events(a, watch, &events));
	EXPECT_EQ(1, events.bind);
	EXPECT_EQ(1, events.unbind);
	/* Who is told of everybody's sees no change */
	count_to_here(_metadata, &self->scene);
	EXPECT_EQ(0, self->scene.events.unbind);
	EXPECT_EQ(0, self->scene.events.bind);

	/* And back; nothing that was attached or bound noticed */
	EXPECT_EQ(0, pdt_ioctl(a->fd, IOMMU_IOAS_CHANGE_PROCESS, &cmd));
	EXPECT_EQ(0, get_sets(&after));
	EXPECT_STREQ(before.owner, after.owner);
	EXPECT_EQ(0, mock_events(a, watch, &events));
	EXPECT_EQ(2, events.bind);
	EXPECT_EQ(0, mock_check(a, id, a->hwpt[0]));
	EXPECT_EQ(-EEXIST, vmm_bind(a->fd, a->set, id, 5));
	EXPECT_EQ(0, vmm_unbind(a->fd, a->set, id));
	EXPECT_EQ(0, mock_replace(a, id, a->hwpt[1]));
}

/* The last descriptor goes with everything as it is */
TEST_F(ioasid, close)
{
	struct mock *a = &self->a;
	uint32_t id = one_pasid(_metadata, a);
	struct vmm_sets sets;

	EXPECT_EQ(0, mock_attach(a, id, a->hwpt[0]));
	EXPECT_EQ(0, vmm_bind(a->fd, a->set, id, 5));
	EXPECT_EQ(0, vmm_set_alloc(a->fd, 0, &a->set));
	count_from_here(_metadata, &self->scene);
	close(a->fd);
	count_to_here(_metadata, &self->scene);
	EXPECT_EQ(1, self->scene.events.unbind);
	EXPECT_EQ(1, self->scene.events.free);
	EXPECT_EQ(1, self->scene.events.sync);
	synchronize(_metadata);
	EXPECT_EQ(0, get_sets(&sets));
	EXPECT_EQ(0, sets.sets);
	a->fd = vmm_open();
}

int main(int argc, char **argv)
{
	return mock_test_main(argc, argv);
}
