// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs of iommufd on real devices: whose memory they reach, who may attach
 * them, what is left of one that was freed.
 *
 * Needs four PASID test devices with 20 bits of PASID and one more behind one
 * IOMMU, CONFIG_VFIO_PCI and CONFIG_VFIO_DEVICE_CDEV. The four are given to
 * vfio-pci and back to their driver at the end.
 */
#include "ioasid_vfio_utils.h"

/* A number that nobody has allocated */
#define OWN		77
#define QUOTA		4
/* samples/ioasid/ioasid-vmm.c */
#define SAMPLE		"/bin/ioasid-vmm"
#define SAMPLE_QUOTA	32

FIXTURE(vfio)
{
	struct scene scene;
	/* On the first device, and on the second */
	struct vmm a;
	struct vmm b;
};

FIXTURE_SETUP(vfio)
{
	scene_setup(_metadata, &self->scene);
	ASSERT_EQ(0, vmm_start(&self->a, &park, 0, 1, vmm_page()));
	ASSERT_EQ(0, vmm_start(&self->b, &park, 1, 1, vmm_page()));
	vmm_clear(self->a.page);
	vmm_clear(self->b.page);
}

FIXTURE_TEARDOWN(vfio)
{
	vmm_stop(&self->a);
	vmm_stop(&self->b);
	munmap(self->a.page, PDT_PAGE);
	munmap(self->b.page, PDT_PAGE);
	scene_teardown(_metadata, &self->scene);
}

/* One more page table for the device of @vmm */
static uint32_t another_hwpt(struct __test_metadata *_metadata, struct vmm *vmm)
{
	uint32_t hwpt;

	EXPECT_EQ(0, vmm_hwpt_alloc(vmm->fd, vmm->devid[0], vmm->ioas, &hwpt));
	return hwpt;
}

/* A set with one PASID, attached */
static uint32_t one_pasid(struct __test_metadata *_metadata, struct vmm *vmm)
{
	uint32_t id = 0;

	if (!vmm->set)
		EXPECT_EQ(0, vmm_set_alloc(vmm->fd, QUOTA, &vmm->set));
	EXPECT_EQ(0, vmm_alloc(vmm->fd, vmm->set, &id));
	EXPECT_EQ(0, vmm_attach_all(vmm, id));
	return id;
}

TEST_F(vfio, own_memory_only)
{
	uint32_t a = one_pasid(_metadata, &self->a);
	uint32_t b = one_pasid(_metadata, &self->b);

	EXPECT_NE(a, b);
	lands(_metadata, &self->a, 0, a);
	EXPECT_EQ(0, vmm_word(self->b.page));
	vmm_clear(self->a.page);
	lands(_metadata, &self->b, 0, b);
	EXPECT_EQ(0, vmm_word(self->a.page));
}

TEST_F(vfio, requests_without_pasid)
{
	one_pasid(_metadata, &self->a);
	lands(_metadata, &self->a, 0, VMM_RID);
	EXPECT_EQ(0, vfio_attach(self->a.dev[0],
				 another_hwpt(_metadata, &self->a), VMM_RID));
	lands(_metadata, &self->a, 0, VMM_RID);
}

/* A context without a set is as it always was */
TEST_F(vfio, without_set)
{
	struct vmm *a = &self->a;
	uint32_t b = one_pasid(_metadata, &self->b);

	EXPECT_EQ(0, vfio_attach(a->dev[0], a->hwpt, OWN));
	lands(_metadata, a, 0, OWN);
	EXPECT_EQ(0, vfio_attach(a->dev[0], another_hwpt(_metadata, a), OWN));
	lands(_metadata, a, 0, OWN);
	/* Somebody's number too, and his free is nothing to this device */
	EXPECT_EQ(0, vfio_attach(a->dev[0], a->hwpt, b));
	lands(_metadata, a, 0, b);
	EXPECT_EQ(0, vmm_free(self->b.fd, self->b.set, b));
	lands(_metadata, a, 0, b);
	is_refused(_metadata, &self->b, 0, b);
	EXPECT_EQ(0, vfio_detach(a->dev[0], b));
	EXPECT_EQ(0, vfio_detach(a->dev[0], OWN));
}

/* With @pasid a page table, and after it another one for another page */
static void other_page_table(struct __test_metadata *_metadata,
			     struct vmm *vmm, uint32_t pasid)
{
	uint32_t first = another_hwpt(_metadata, vmm), *old = vmm->page;
	int dev = vmm->dev[0];
	uint32_t ioas, next;

	EXPECT_EQ(0, vfio_attach(dev, first, pasid));
	lands(_metadata, vmm, 0, pasid);
	EXPECT_EQ(0, vfio_detach(dev, pasid));
	EXPECT_EQ(0, vmm_destroy(vmm->fd, first));

	vmm->page = vmm_page();
	ASSERT_EQ(0, vmm_ioas_alloc(vmm->fd, &ioas));
	ASSERT_EQ(0, vmm_map(vmm->fd, ioas, vmm->page, VMM_IOVA));
	ASSERT_EQ(0, vmm_hwpt_alloc(vmm->fd, vmm->devid[0], ioas, &next));
	vmm_clear(old);
	EXPECT_EQ(0, vfio_attach(dev, next, pasid));
	lands(_metadata, vmm, 0, pasid);
	EXPECT_EQ(0, vmm_word(old));

	EXPECT_EQ(0, vfio_detach(dev, pasid));
	EXPECT_EQ(0, vmm_destroy(vmm->fd, next));
	EXPECT_EQ(0, vmm_destroy(vmm->fd, ioas));
	munmap(vmm->page, PDT_PAGE);
	vmm->page = old;
}

/* The next page table may get the ASID or the domain id of one that is gone */
TEST_F(vfio, next_page_table)
{
	uint32_t id = one_pasid(_metadata, &self->b);

	other_page_table(_metadata, &self->a, OWN);
	EXPECT_EQ(0, vfio_detach(self->b.dev[0], id));
	other_page_table(_metadata, &self->b, id);
}

TEST_F(vfio, not_mine)
{
	struct vmm *a = &self->a;
	uint32_t b = one_pasid(_metadata, &self->b);
	uint32_t id = one_pasid(_metadata, a);

	EXPECT_EQ(-EACCES, vfio_attach(a->dev[0], a->hwpt, OWN));
	EXPECT_EQ(-EACCES, vfio_attach(a->dev[0], a->hwpt, b));
	EXPECT_EQ(-EACCES, vfio_attach(a->dev[0], a->hwpt, 1 << 20));
	/* Nor is it told what there is at the number: no such page table */
	EXPECT_EQ(-EACCES, vfio_attach(a->dev[0], 0x7fffffff, b));
	EXPECT_EQ(-ENOENT, vfio_attach(a->dev[0], 0x7fffffff, id));
	EXPECT_EQ(0, vfio_attach(a->dev[0], another_hwpt(_metadata, a), id));
	lands(_metadata, a, 0, id);
	lands(_metadata, &self->b, 0, b);
}

/* A second set of the context owns as much as the first */
TEST_F(vfio, two_sets)
{
	struct vmm *a = &self->a;
	uint32_t id = one_pasid(_metadata, a), set, other;

	ASSERT_EQ(0, vmm_set_alloc(a->fd, 0, &set));
	ASSERT_EQ(0, vmm_alloc(a->fd, set, &other));
	EXPECT_EQ(0, vfio_attach(a->dev[0], a->hwpt, other));
	EXPECT_EQ(-EACCES, vmm_free(a->fd, set, id));
	EXPECT_EQ(-EACCES, vmm_bind(a->fd, set, id, 1));
	EXPECT_EQ(0, vmm_destroy(a->fd, a->set));
	is_refused(_metadata, a, 0, id);
	lands(_metadata, a, 0, other);
	EXPECT_EQ(-EACCES, vfio_attach(a->dev[0], a->hwpt, id));
}

/* Attached before the first set: works on, until it is detached */
TEST_F(vfio, older_than_the_set)
{
	struct vmm *a = &self->a;
	uint32_t hwpt = another_hwpt(_metadata, a);

	EXPECT_EQ(0, vfio_attach(a->dev[0], a->hwpt, OWN));
	one_pasid(_metadata, a);
	lands(_metadata, a, 0, OWN);
	EXPECT_EQ(-EACCES, vfio_attach(a->dev[0], hwpt, OWN));
	lands(_metadata, a, 0, OWN);
	EXPECT_EQ(0, vmm_free_all(a->fd, a->set));
	lands(_metadata, a, 0, OWN);
	EXPECT_EQ(0, vfio_detach(a->dev[0], OWN));
	EXPECT_EQ(-EACCES, vfio_attach(a->dev[0], a->hwpt, OWN));
}

/* The same number comes to belong to the set: still not managed */
TEST_F(vfio, older_and_then_mine)
{
	struct vmm *a = &self->a;
	uint32_t id;

	EXPECT_EQ(0, vfio_attach(a->dev[0], a->hwpt, OWN));
	ASSERT_EQ(0, vmm_set_alloc(a->fd, QUOTA, &a->set));
	ASSERT_EQ(0, vmm_alloc_range(a->fd, a->set, OWN, OWN, &id));
	EXPECT_EQ(OWN, id);
	EXPECT_EQ(0, vmm_free(a->fd, a->set, OWN));
	lands(_metadata, a, 0, OWN);
	EXPECT_EQ(0, vfio_detach(a->dev[0], OWN));
}

/* From the free on nothing lands, and nobody is told */
TEST_F(vfio, freed_while_attached)
{
	struct vmm *a = &self->a;
	uint32_t id = one_pasid(_metadata, a), lives = one_pasid(_metadata, a);
	struct ioasid_line line;
	unsigned int i;

	lands(_metadata, a, 0, id);
	lands(_metadata, a, 0, lives);
	count_from_here(_metadata, &self->scene);
	EXPECT_EQ(0, vmm_free(a->fd, a->set, id));
	for (i = 0; i < 10; i++)
		is_refused(_metadata, a, 0, id);
	lands(_metadata, a, 0, lives);
	EXPECT_EQ(0, vmm_free(a->fd, a->set, id));
	count_to_here(_metadata, &self->scene);
	EXPECT_EQ(1, self->scene.events.free);
	EXPECT_EQ(1, self->scene.events.sync);
	EXPECT_GE(pdt_machine.death[0], pdt_commands(&self->scene.counters));
	EXPECT_GE(pdt_machine.death_waits[0], pdt_waits(&self->scene.counters));
	expect_quiet(_metadata, &self->scene);

	synchronize(_metadata);
	EXPECT_EQ(0, ioasid_get_line(id, &line));
	EXPECT_STREQ("free-pending", line.state);
	EXPECT_EQ(-EBUSY, vfio_attach(a->dev[0], a->hwpt, id));
	EXPECT_EQ(-EBUSY, vfio_attach(a->dev[0], another_hwpt(_metadata, a), id));
	EXPECT_EQ(-EBUSY, vmm_bind(a->fd, a->set, id, 1));
	count_from_here(_metadata, &self->scene);
	EXPECT_EQ(0, vfio_detach(a->dev[0], id));
	count_to_here(_metadata, &self->scene);
	EXPECT_EQ(0, pdt_commands(&self->scene.counters));
	synchronize(_metadata);
	EXPECT_EQ(-ENOENT, ioasid_get_line(id, &line));
	EXPECT_EQ(-ENOENT, vmm_free(a->fd, a->set, id));
	EXPECT_EQ(-EACCES, vfio_attach(a->dev[0], a->hwpt, id));
	lands(_metadata, a, 0, lives);
}

/* A guest resets: all its PASIDs go, and it takes new ones */
TEST_F(vfio, free_all)
{
	struct vmm *a = &self->a;
	uint32_t id[QUOTA], again;
	struct vmm_sets sets;
	unsigned int i;

	for (i = 0; i < QUOTA; i++)
		id[i] = one_pasid(_metadata, a);
	EXPECT_EQ(-EDQUOT, vmm_alloc(a->fd, a->set, &again));
	count_from_here(_metadata, &self->scene);
	EXPECT_EQ(0, vmm_free_all(a->fd, a->set));
	for (i = 0; i < QUOTA; i++)
		is_refused(_metadata, a, 0, id[i]);
	count_to_here(_metadata, &self->scene);
	EXPECT_EQ(QUOTA, self->scene.events.free);
	EXPECT_EQ(1, self->scene.events.sync);
	expect_quiet(_metadata, &self->scene);
	/* They still count, until nobody has them */
	EXPECT_EQ(-EDQUOT, vmm_alloc(a->fd, a->set, &again));

	for (i = 0; i < QUOTA; i++)
		EXPECT_EQ(0, vfio_detach(a->dev[0], id[i]));
	synchronize(_metadata);
	EXPECT_EQ(0, get_sets(&sets));
	EXPECT_EQ(1, sets.sets);
	EXPECT_EQ(QUOTA, sets.quota);
	EXPECT_EQ(0, sets.used);
	count_from_here(_metadata, &self->scene);
	EXPECT_EQ(0, vmm_free_all(a->fd, a->set));
	count_to_here(_metadata, &self->scene);
	EXPECT_EQ(0, self->scene.events.sync);
	for (i = 0; i < QUOTA; i++)
		lands(_metadata, a, 0, one_pasid(_metadata, a));
}

TEST_F(vfio, destroyed_while_attached)
{
	struct vmm *a = &self->a;
	uint32_t id = one_pasid(_metadata, a);

	lands(_metadata, a, 0, id);
	count_from_here(_metadata, &self->scene);
	EXPECT_EQ(0, vmm_destroy(a->fd, a->set));
	is_refused(_metadata, a, 0, id);
	count_to_here(_metadata, &self->scene);
	EXPECT_EQ(1, self->scene.events.free);
	expect_quiet(_metadata, &self->scene);
	EXPECT_EQ(-ENOENT, vmm_free(a->fd, a->set, id));
	EXPECT_EQ(-ENOENT, vmm_destroy(a->fd, a->set));
	/* What has had a set does not go back to any number */
	EXPECT_EQ(-EACCES, vfio_attach(a->dev[0], a->hwpt, OWN));
	EXPECT_EQ(0, vfio_detach(a->dev[0], id));
}

TEST_F(vfio, guest_pasid)
{
	struct vmm *a = &self->a;
	uint32_t id = one_pasid(_metadata, a), two = one_pasid(_metadata, a);
	struct pdt_events *e = &self->scene.events;

	count_from_here(_metadata, &self->scene);
	EXPECT_EQ(0, vmm_bind(a->fd, a->set, id, 5));
	count_to_here(_metadata, &self->scene);
	EXPECT_EQ(1, e->bind);
	EXPECT_EQ(id, e->id);
	EXPECT_EQ(5, e->spid);
	EXPECT_EQ(-EEXIST, vmm_bind(a->fd, a->set, id, 6));
	EXPECT_EQ(-EEXIST, vmm_bind(a->fd, a->set, two, 5));
	EXPECT_EQ(0, vmm_bind(a->fd, a->set, two, (1 << 20) - 1));
	lands(_metadata, a, 0, id);

	count_from_here(_metadata, &self->scene);
	EXPECT_EQ(0, vmm_unbind(a->fd, a->set, id));
	EXPECT_EQ(-ENOENT, vmm_unbind(a->fd, a->set, id));
	/* The number in the guest goes before the PASID does */
	EXPECT_EQ(0, vmm_free(a->fd, a->set, two));
	count_to_here(_metadata, &self->scene);
	EXPECT_EQ(2, e->unbind);
	EXPECT_EQ(1, e->free);
	EXPECT_EQ(two, e->id);
	EXPECT_EQ((1 << 20) - 1, e->spid);
	EXPECT_EQ(-EBUSY, vmm_unbind(a->fd, a->set, two));
	EXPECT_EQ(0, vmm_bind(a->fd, a->set, id, (1 << 20) - 1));
}

/* Two guests may have the same name for different numbers */
TEST_F(vfio, guest_pasid_in_two_guests)
{
	uint32_t a = one_pasid(_metadata, &self->a);
	uint32_t b = one_pasid(_metadata, &self->b);

	EXPECT_EQ(0, vmm_bind(self->a.fd, self->a.set, a, 1));
	EXPECT_EQ(0, vmm_bind(self->b.fd, self->b.set, b, 1));
	EXPECT_EQ(0, vmm_unbind(self->b.fd, self->b.set, b));
	EXPECT_EQ(0, vmm_bind(self->b.fd, self->b.set, b, 1));
}

TEST_F(vfio, quota)
{
	struct vmm *a = &self->a, *b = &self->b;
	struct vmm_sets before, after;
	uint32_t id, i;

	for (i = 0; i < QUOTA; i++)
		one_pasid(_metadata, a);
	EXPECT_EQ(0, get_sets(&before));
	EXPECT_EQ(-EDQUOT, vmm_alloc(a->fd, a->set, &id));
	EXPECT_EQ(0, get_sets(&after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	ASSERT_EQ(0, vmm_set_alloc(b->fd, QUOTA, &b->set));
	for (i = 0; i < QUOTA; i++)
		lands(_metadata, b, 0, one_pasid(_metadata, b));
}

/* The device file is nobody's before it is bound, and then one owner's */
TEST_F(vfio, exclusive)
{
	struct vmm *a = &self->a, *b = &self->b;
	uint32_t id = one_pasid(_metadata, a), dev;
	uint8_t *bar;
	int second;

	one_pasid(_metadata, b);
	second = vfio_open(park.bdf[0]);
	ASSERT_LE(0, second);
	/* Parked: there is nothing behind it */
	EXPECT_EQ(-EINVAL, vfio_attach(second, a->hwpt, id));
	EXPECT_EQ(-EINVAL, vfio_attach(second, a->hwpt, VMM_RID));
	EXPECT_EQ(-EINVAL, vfio_detach(second, id));
	EXPECT_EQ(-EINVAL, vfio_map_bar(second, &bar));
	EXPECT_EQ(-EINVAL, vfio_set_master(second));
	EXPECT_EQ(-EINVAL, pdt_ioctl(second, VFIO_DEVICE_RESET, NULL));
	/* And it cannot be bound, to that context or another */
	EXPECT_EQ(-EINVAL, vfio_bind(second, b->fd, &dev));
	EXPECT_EQ(-EINVAL, vfio_bind(second, a->fd, &dev));
	EXPECT_EQ(-EINVAL, vfio_attach(second, b->hwpt, id));
	lands(_metadata, a, 0, id);

	/* Not even the owner binds twice */
	EXPECT_EQ(-EINVAL, vfio_bind(a->dev[0], b->fd, &dev));

	/* The next owner comes when this one has closed */
	vmm_close_device(a, 0);
	EXPECT_EQ(0, vfio_bind(second, b->fd, &dev));
	EXPECT_EQ(-EACCES, vfio_attach(second, b->hwpt, id));
	close(second);
}

/* A page table is its context's */
TEST_F(vfio, not_my_page_table)
{
	struct vmm *a = &self->a;
	uint32_t id = one_pasid(_metadata, a);
	uint32_t foreign = 0;
	unsigned int i;

	/* An object number that only the other context has */
	for (i = 0; i < 8; i++)
		foreign = another_hwpt(_metadata, &self->b);
	EXPECT_EQ(-ENOENT, vfio_attach(a->dev[0], foreign, id));
	lands(_metadata, a, 0, id);
}

/* A function reset leaves what is attached as it was */
TEST_F(vfio, reset)
{
	struct vmm *a = &self->a;
	uint32_t id = one_pasid(_metadata, a), dead = one_pasid(_metadata, a);

	EXPECT_EQ(0, vmm_free(a->fd, a->set, dead));
	EXPECT_EQ(0, pdt_ioctl(a->dev[0], VFIO_DEVICE_RESET, NULL));
	ASSERT_EQ(0, vfio_set_master(a->dev[0]));
	lands(_metadata, a, 0, id);
	count_from_here(_metadata, &self->scene);
	is_refused(_metadata, a, 0, dead);
	count_to_here(_metadata, &self->scene);
	expect_quiet(_metadata, &self->scene);
}

/* The sample is a guest as well */
TEST(sample)
{
	char path[2][300];
	struct scene scene;
	unsigned int i;
	int status;
	pid_t pid;

	scene_setup(_metadata, &scene);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, vfio_path(park.bdf[i], path[i], sizeof(path[i])));
	count_from_here(_metadata, &scene);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		execl(SAMPLE, SAMPLE, path[0], path[1], NULL);
		_exit(127);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) == 127)
		SKIP(return, "there is no " SAMPLE);
	EXPECT_EQ(0, WEXITSTATUS(status));
	count_to_here(_metadata, &scene);
	/* Two generations of as many as it is promised; the free, reset and end */
	EXPECT_EQ(2 * SAMPLE_QUOTA, scene.events.free);
	EXPECT_EQ(2 * SAMPLE_QUOTA, scene.events.bind);
	EXPECT_EQ(2 * SAMPLE_QUOTA, scene.events.unbind);
	EXPECT_EQ(3, scene.events.sync);
	scene_teardown(_metadata, &scene);
}

int main(int argc, char **argv)
{
	return vfio_test_main(argc, argv);
}
