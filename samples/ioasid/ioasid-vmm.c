// SPDX-License-Identifier: GPL-2.0
/*
 * What a virtual machine monitor does about PASIDs: a set for the guest, with a
 * guarantee; a PASID for each that the guest allocates, known to the guest by a
 * number of its own; all of them gone when the guest resets or ends.
 *
 *   ioasid-vmm /dev/vfio/devices/vfioN ...
 *
 * The devices are those of the guest, and have to be behind IOMMUs that know
 * PASIDs. There is no guest in this program: the comments say on what occasion
 * a VMM takes each step.
 *
 * See Documentation/userspace-api/iommufd.rst.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

/* How many PASIDs the guest is promised, and the most that it can have */
#define QUOTA		32
/* The guest's memory, as the guest's devices see it */
#define GUEST_MEMORY	(2UL << 20)
#define GUEST_ADDRESS	0x100000000ULL
#define MAX_DEVICES	16

struct device {
	int fd;
	/* The object of the iommufd */
	__u32 id;
	/* PASIDs are below this */
	__u32 max_pasid;
};

struct guest {
	int iommufd;
	__u32 ioas;
	__u32 hwpt;
	__u32 set;
	struct device devices[MAX_DEVICES];
	unsigned int nr_devices;
};

/* The guest's memory: one IOAS, which follows what is mapped into the guest */
static void add_memory(struct guest *guest)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.length = GUEST_MEMORY,
		.iova = GUEST_ADDRESS,
	};
	void *memory;

	if (ioctl(guest->iommufd, IOMMU_IOAS_ALLOC, &alloc))
		err(1, "IOMMU_IOAS_ALLOC");
	guest->ioas = alloc.out_ioas_id;

	memory = mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	map.ioas_id = guest->ioas;
	map.user_va = (uintptr_t)memory;
	if (ioctl(guest->iommufd, IOMMU_IOAS_MAP, &map))
		err(1, "IOMMU_IOAS_MAP");
}

/*
 * A page table that both the device and its PASIDs can use: one that was made
 * without IOMMU_HWPT_ALLOC_PASID cannot be together with a PASID.
 */
static void alloc_page_table(struct guest *guest, const struct device *dev)
{
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = IOMMU_HWPT_ALLOC_PASID,
		.dev_id = dev->id,
		.pt_id = guest->ioas,
	};

	if (ioctl(guest->iommufd, IOMMU_HWPT_ALLOC, &alloc))
		err(1, "IOMMU_HWPT_ALLOC");
	guest->hwpt = alloc.out_hwpt_id;
}

/* What the guest's device may be told: how wide its PASIDs are */
static void get_width(struct guest *guest, struct device *dev)
{
	struct iommu_hw_info info = {
		.size = sizeof(info), .dev_id = dev->id,
	};

	if (ioctl(guest->iommufd, IOMMU_GET_HW_INFO, &info))
		err(1, "IOMMU_GET_HW_INFO");
	if (!info.out_max_pasid_log2)
		errx(1, "the device has no PASIDs");
	dev->max_pasid = 1U << info.out_max_pasid_log2;
}

static void add_device(struct guest *guest, const char *path)
{
	struct device *dev = &guest->devices[guest->nr_devices++];
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind), .iommufd = guest->iommufd,
	};
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
	};

	/* Nobody else can bind it from here on, until this file is closed */
	dev->fd = open(path, O_RDWR | O_CLOEXEC);
	if (dev->fd < 0)
		err(1, "%s", path);
	if (ioctl(dev->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		err(1, "%s: VFIO_DEVICE_BIND_IOMMUFD", path);
	dev->id = bind.out_devid;
	get_width(guest, dev);
	if (!guest->hwpt)
		alloc_page_table(guest, dev);

	/* Requests without a PASID */
	attach.pt_id = guest->hwpt;
	if (ioctl(dev->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		err(1, "%s: VFIO_DEVICE_ATTACH_IOMMUFD_PT", path);
	printf("%s: PASIDs below %u\n", path, dev->max_pasid);
}

/*
 * Once, when the VM is made. EDQUOT: the cgroup of the VM does not allow it,
 * ENOSPC: it cannot be guaranteed. A VMM that can do with less tries less; with
 * 0 it gets what is left at any time.
 */
static void alloc_set(struct guest *guest)
{
	struct iommu_ioasid_set_alloc alloc = {
		.size = sizeof(alloc), .quota = QUOTA,
	};

	if (ioctl(guest->iommufd, IOMMU_IOASID_SET_ALLOC, &alloc))
		err(1, "IOMMU_IOASID_SET_ALLOC");
	guest->set = alloc.out_set_id;
}

/*
 * The guest allocates a PASID, which it knows as @guest_pasid. Returns the host's
 * number, or 0 when there is none left: the guest is told that it has none.
 */
static __u32 guest_allocates(struct guest *guest, __u32 guest_pasid)
{
	struct iommu_ioasid_alloc alloc = {
		.size = sizeof(alloc), .set_id = guest->set,
	};
	struct iommu_ioasid_bind bind = {
		.size = sizeof(bind), .set_id = guest->set,
		.guest_pasid = guest_pasid,
	};
	unsigned int i;

	/* A number that all devices can put on the bus */
	alloc.max = ~0U;
	for (i = 0; i < guest->nr_devices; i++)
		if (alloc.max > guest->devices[i].max_pasid - 1)
			alloc.max = guest->devices[i].max_pasid - 1;
	if (ioctl(guest->iommufd, IOMMU_IOASID_ALLOC, &alloc)) {
		if (errno == EDQUOT || errno == ENOSPC)
			return 0;
		err(1, "IOMMU_IOASID_ALLOC");
	}

	/* So that who translates PASIDs for the guest knows what it means by it */
	bind.ioasid = alloc.out_ioasid;
	if (ioctl(guest->iommufd, IOMMU_IOASID_BIND, &bind))
		err(1, "IOMMU_IOASID_BIND");
	return alloc.out_ioasid;
}

/* The guest puts an entry into the PASID table of its device */
static void guest_attaches(struct guest *guest, struct device *dev,
			   __u32 pasid)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach), .flags = VFIO_DEVICE_ATTACH_PASID,
		.pt_id = guest->hwpt, .pasid = pasid,
	};

	if (ioctl(dev->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		err(1, "VFIO_DEVICE_ATTACH_IOMMUFD_PT of PASID %u", pasid);
}

static void guest_detaches(struct device *dev, __u32 pasid)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach), .flags = VFIO_DEVICE_DETACH_PASID,
		.pasid = pasid,
	};

	if (ioctl(dev->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach))
		err(1, "VFIO_DEVICE_DETACH_IOMMUFD_PT of PASID %u", pasid);
}

/*
 * The guest frees a PASID. From here on no device reaches memory with it, and
 * what it still sends is dropped in silence. The number is used again when the
 * last device is detached.
 */
static void guest_frees(struct guest *guest, __u32 pasid)
{
	struct iommu_ioasid_free free = {
		.size = sizeof(free), .set_id = guest->set, .ioasid = pasid,
	};
	unsigned int i;

	if (ioctl(guest->iommufd, IOMMU_IOASID_FREE, &free))
		err(1, "IOMMU_IOASID_FREE of PASID %u", pasid);
	for (i = 0; i < guest->nr_devices; i++)
		guest_detaches(&guest->devices[i], pasid);
}

/* The guest resets: as if it freed all, in one step for each device */
static void guest_resets(struct guest *guest, const __u32 *pasids,
			 unsigned int n)
{
	struct iommu_ioasid_free free = {
		.size = sizeof(free), .set_id = guest->set,
		.flags = IOMMU_IOASID_FREE_ALL,
	};
	unsigned int i, d;

	if (ioctl(guest->iommufd, IOMMU_IOASID_FREE, &free))
		err(1, "IOMMU_IOASID_FREE of all");
	for (i = 0; i < n; i++)
		for (d = 0; d < guest->nr_devices; d++)
			guest_detaches(&guest->devices[d], pasids[i]);
}

/* A guest that takes all it can get; returns how many */
static unsigned int guest_runs(struct guest *guest, __u32 *pasids)
{
	unsigned int n, d;

	for (n = 0; n < QUOTA; n++) {
		pasids[n] = guest_allocates(guest, n + 1);
		if (!pasids[n])
			break;
		for (d = 0; d < guest->nr_devices; d++)
			guest_attaches(guest, &guest->devices[d], pasids[n]);
	}
	printf("the guest has %u PASIDs, the first is %u\n", n, pasids[0]);
	return n;
}

int main(int argc, char **argv)
{
	__u32 pasids[QUOTA] = { };
	struct guest guest = { };
	unsigned int n;
	int i;

	if (argc < 2 || argc > MAX_DEVICES + 1) {
		fprintf(stderr, "usage: %s /dev/vfio/devices/vfioN ...\n",
			argv[0]);
		return 2;
	}
	/*
	 * O_CLOEXEC: a child that kept the file would keep the PASIDs, for they
	 * end with the last descriptor.
	 */
	guest.iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (guest.iommufd < 0)
		err(1, "/dev/iommu");
	add_memory(&guest);
	for (i = 1; i < argc; i++)
		add_device(&guest, argv[i]);
	alloc_set(&guest);

	n = guest_runs(&guest, pasids);
	if (!n)
		errx(1, "no PASID");
	guest_frees(&guest, pasids[0]);
	guest_resets(&guest, pasids + 1, n - 1);

	/*
	 * Freed numbers come back a moment later, when nobody can be looking at
	 * them any more. A guest that runs again takes longer to ask.
	 */
	usleep(100000);
	n = guest_runs(&guest, pasids);
	if (!n)
		errx(1, "no PASID after the reset");

	/*
	 * The end, in an orderly way or by SIGKILL: with the last descriptor of
	 * the iommufd all PASIDs go, in one step for each device, and the
	 * devices find nothing to do for them.
	 */
	printf("the guest ends with %u PASIDs attached\n", n);
	return 0;
}
