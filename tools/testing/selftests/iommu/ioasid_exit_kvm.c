// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a guest that KVM has: its descriptors are closed in each order.
 *
 * KVM's VFIO device holds the files of the devices, so these are closed with the
 * last of the two. If the iommufd goes later, they are given up one by one, and
 * else the whole set dies first.
 *
 * Needs the devices of ioasid_vfio.c.
 */
#include "ioasid_death.h"

static const struct shape shape = {
	.pasids = 16, .devices = 4,
	.set = { { 100, 4 }, { 131, 2 } },
	.each = { { 204, 12 }, { 140, 8 } },
};

static const struct guest_shape early = { .vm = true };
static const struct guest_shape late = { .vm = true, .late = true };

FIXTURE(vm)
{
	struct scene scene;
	struct guest guest;
};

FIXTURE_SETUP(vm)
{
	if (access(VM_KVM, F_OK))
		SKIP(return, "there is no " VM_KVM);
	scene_setup(_metadata, &self->scene);
}

FIXTURE_TEARDOWN(vm)
{
	guest_end(&self->guest, SIGKILL);
	scene_teardown(_metadata, &self->scene);
}

TEST_F_TIMEOUT(vm, killed, 120)
{
	dies(_metadata, &self->scene, &self->guest, &shape, &shape.set[MACHINE],
	     &early, is_killed);
}

/* The iommufd has the highest number */
TEST_F_TIMEOUT(vm, killed_late, 120)
{
	dies(_metadata, &self->scene, &self->guest, &shape, &shape.set[MACHINE],
	     &late, is_killed);
}

FIXTURE(order)
{
	struct scene scene;
	struct guest guest;
};

FIXTURE_VARIANT(order)
{
	enum guest_op close[3];
	/* The devices are gone before the iommufd */
	bool each;
};

FIXTURE_VARIANT_ADD(order, iommufd_devices_kvm)
{
	.close = { GUEST_CLOSE_IOMMUFD, GUEST_CLOSE_DEVICES, GUEST_CLOSE_VM },
};

FIXTURE_VARIANT_ADD(order, iommufd_kvm_devices)
{
	.close = { GUEST_CLOSE_IOMMUFD, GUEST_CLOSE_VM, GUEST_CLOSE_DEVICES },
};

FIXTURE_VARIANT_ADD(order, devices_iommufd_kvm)
{
	.close = { GUEST_CLOSE_DEVICES, GUEST_CLOSE_IOMMUFD, GUEST_CLOSE_VM },
};

FIXTURE_VARIANT_ADD(order, devices_kvm_iommufd)
{
	.close = { GUEST_CLOSE_DEVICES, GUEST_CLOSE_VM, GUEST_CLOSE_IOMMUFD },
	.each = true,
};

FIXTURE_VARIANT_ADD(order, kvm_devices_iommufd)
{
	.close = { GUEST_CLOSE_VM, GUEST_CLOSE_DEVICES, GUEST_CLOSE_IOMMUFD },
	.each = true,
};

FIXTURE_VARIANT_ADD(order, kvm_iommufd_devices)
{
	.close = { GUEST_CLOSE_VM, GUEST_CLOSE_IOMMUFD, GUEST_CLOSE_DEVICES },
};

/* Of the test that runs */
static const enum guest_op *order;

FIXTURE_SETUP(order)
{
	if (access(VM_KVM, F_OK))
		SKIP(return, "there is no " VM_KVM);
	scene_setup(_metadata, &self->scene);
	order = variant->close;
}

FIXTURE_TEARDOWN(order)
{
	guest_end(&self->guest, SIGKILL);
	scene_teardown(_metadata, &self->scene);
}

static void closes(struct __test_metadata *_metadata, struct guest *g)
{
	int i;

	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, guest_do(g, order[i]));
	guest_end(g, 0);
}

TEST_F_TIMEOUT(order, closes, 120)
{
	self->scene.plain_close = variant->each;
	dies(_metadata, &self->scene, &self->guest, &shape,
	     variant->each ? &shape.each[MACHINE] : &shape.set[MACHINE],
	     &early, closes);
}

int main(int argc, char **argv)
{
	return vfio_test_main(argc, argv);
}
