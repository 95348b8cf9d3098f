/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a virtual machine monitor does with iommufd and VFIO, in calls that tests
 * can count on: contexts, page tables, sets of PASIDs, devices.
 *
 * Functions return 0 or a negative error number unless they say more.
 */
#ifndef __SELFTEST_IOASID_VMM_H
#define __SELFTEST_IOASID_VMM_H

#define __EXPORTED_HEADERS__
#include <linux/iommufd.h>
#include <linux/vfio.h>

#include <dirent.h>

#include "ioasid_look.h"

/* Where each context has its page; away from the windows of MSI */
#define VMM_IOVA	0x100000000UL
#define VMM_DEVICES	4
#define VMM_PCI		"/sys/bus/pci/"
/* In place of a PASID: the requests without one */
#define VMM_RID		0U

/* iommufd */

static inline int vmm_open(void)
{
	int fd = open("/dev/iommu", O_RDWR);

	return fd < 0 ? -errno : fd;
}

static inline int vmm_destroy(int fd, uint32_t id)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	return pdt_ioctl(fd, IOMMU_DESTROY, &cmd);
}

static inline int vmm_ioas_alloc(int fd, uint32_t *ioas)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };
	int ret = pdt_ioctl(fd, IOMMU_IOAS_ALLOC, &cmd);

	*ioas = cmd.out_ioas_id;
	return ret;
}

static inline int vmm_map(int fd, uint32_t ioas, void *page, uint64_t iova)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd), .ioas_id = ioas, .iova = iova,
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.user_va = (uintptr_t)page, .length = PDT_PAGE,
	};

	return pdt_ioctl(fd, IOMMU_IOAS_MAP, &cmd);
}

static inline int vmm_hwpt_alloc(int fd, uint32_t dev, uint32_t ioas,
				 uint32_t *hwpt)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd), .flags = IOMMU_HWPT_ALLOC_PASID,
		.dev_id = dev, .pt_id = ioas,
	};
	int ret = pdt_ioctl(fd, IOMMU_HWPT_ALLOC, &cmd);

	*hwpt = cmd.out_hwpt_id;
	return ret;
}

#ifdef IOMMU_IOASID_SET_ALLOC

static inline int vmm_set_alloc(int fd, uint32_t quota, uint32_t *set)
{
	struct iommu_ioasid_set_alloc cmd = {
		.size = sizeof(cmd), .quota = quota,
	};
	int ret = pdt_ioctl(fd, IOMMU_IOASID_SET_ALLOC, &cmd);

	*set = cmd.out_set_id;
	return ret;
}

static inline int vmm_alloc_range(int fd, uint32_t set, uint32_t min,
				  uint32_t max, uint32_t *id)
{
	struct iommu_ioasid_alloc cmd = {
		.size = sizeof(cmd), .set_id = set, .min = min, .max = max,
	};
	int ret = pdt_ioctl(fd, IOMMU_IOASID_ALLOC, &cmd);

	*id = cmd.out_ioasid;
	return ret;
}

static inline int vmm_alloc(int fd, uint32_t set, uint32_t *id)
{
	return vmm_alloc_range(fd, set, 0, 0, id);
}

static inline int vmm_free_flags(int fd, uint32_t set, uint32_t id,
				 uint32_t flags)
{
	struct iommu_ioasid_free cmd = {
		.size = sizeof(cmd), .flags = flags, .set_id = set, .ioasid = id,
	};

	return pdt_ioctl(fd, IOMMU_IOASID_FREE, &cmd);
}

static inline int vmm_free(int fd, uint32_t set, uint32_t id)
{
	return vmm_free_flags(fd, set, id, 0);
}

static inline int vmm_free_all(int fd, uint32_t set)
{
	return vmm_free_flags(fd, set, 0, IOMMU_IOASID_FREE_ALL);
}

static inline int vmm_bind(int fd, uint32_t set, uint32_t id, uint32_t guest)
{
	struct iommu_ioasid_bind cmd = {
		.size = sizeof(cmd), .set_id = set, .ioasid = id,
		.guest_pasid = guest,
	};

	return pdt_ioctl(fd, IOMMU_IOASID_BIND, &cmd);
}

static inline int vmm_unbind(int fd, uint32_t set, uint32_t id)
{
	struct iommu_ioasid_unbind cmd = {
		.size = sizeof(cmd), .set_id = set, .ioasid = id,
	};

	return pdt_ioctl(fd, IOMMU_IOASID_UNBIND, &cmd);
}

#endif /* IOMMU_IOASID_SET_ALLOC */

/* VFIO */

/* Which driver has the device at @bdf from now on; NULL: that of its kind */
static inline int vmm_set_driver(const char *bdf, const char *driver)
{
	char path[128], text[64];
	int ret;

	snprintf(path, sizeof(path), VMM_PCI "devices/%s/driver_override", bdf);
	snprintf(text, sizeof(text), "%s\n", driver ? driver : "");
	ret = pdt_write_file(path, text);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), VMM_PCI "devices/%s/driver/unbind", bdf);
	ret = pdt_write_file(path, bdf);
	/* No driver has it */
	if (ret && ret != -ENOENT)
		return ret;
	return pdt_write_file(VMM_PCI "drivers_probe", bdf);
}

/* The device file of @bdf, which vfio-pci has */
static inline int vfio_path(const char *bdf, char *path, size_t size)
{
	struct dirent *entry;
	char dirname[64];
	int ret = -ENODEV;
	DIR *dir;

	snprintf(dirname, sizeof(dirname), VMM_PCI "devices/%s/vfio-dev", bdf);
	dir = opendir(dirname);
	if (!dir)
		return -errno;
	while (ret && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "vfio", 4))
			continue;
		snprintf(path, size, "/dev/vfio/devices/%s", entry->d_name);
		ret = 0;
	}
	closedir(dir);
	return ret;
}

static inline int vfio_open(const char *bdf)
{
	char path[300];
	int ret;

	ret = vfio_path(bdf, path, sizeof(path));
	if (ret)
		return ret;
	ret = open(path, O_RDWR);
	return ret < 0 ? -errno : ret;
}

static inline int vfio_bind(int fd, int iommufd, uint32_t *dev)
{
	struct vfio_device_bind_iommufd cmd = {
		.argsz = sizeof(cmd), .iommufd = iommufd,
	};
	int ret = pdt_ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &cmd);

	*dev = cmd.out_devid;
	return ret;
}

/* Also replaces what is attached */
static inline int vfio_attach(int fd, uint32_t pt, uint32_t pasid)
{
	struct vfio_device_attach_iommufd_pt cmd = {
		.argsz = sizeof(cmd), .pt_id = pt, .pasid = pasid,
		.flags = pasid == VMM_RID ? 0 : VFIO_DEVICE_ATTACH_PASID,
	};

	return pdt_ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

static inline int vfio_detach(int fd, uint32_t pasid)
{
	struct vfio_device_detach_iommufd_pt cmd = {
		.argsz = sizeof(cmd), .pasid = pasid,
		.flags = pasid == VMM_RID ? 0 : VFIO_DEVICE_DETACH_PASID,
	};

	return pdt_ioctl(fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

static inline int vfio_region(int fd, uint32_t index, uint64_t *offset)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };
	int ret = pdt_ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info);

	*offset = info.offset;
	return ret;
}

/* Lets the device issue requests */
static inline int vfio_set_master(int fd)
{
	uint16_t command;
	uint64_t config;
	int ret;

	ret = vfio_region(fd, VFIO_PCI_CONFIG_REGION_INDEX, &config);
	if (ret)
		return ret;
	/* PCI_COMMAND, its bits Memory Space and Bus Master */
	command = 0x6;
	if (pwrite(fd, &command, sizeof(command), config + 4) < 0)
		return -errno;
	return 0;
}

static inline int vfio_map_bar(int fd, uint8_t **bar)
{
	uint64_t offset;
	void *p;
	int ret;

	ret = vfio_region(fd, VFIO_PCI_BAR0_REGION_INDEX, &offset);
	if (ret)
		return ret;
	p = mmap(NULL, PDT_BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 offset);
	if (p == MAP_FAILED)
		return -errno;
	*bar = p;
	return 0;
}

/* The test device, by its registers */

static inline uint32_t dev_read(uint8_t *bar, unsigned int reg)
{
	return __atomic_load_n((uint32_t *)(bar + reg), __ATOMIC_SEQ_CST);
}

static inline void dev_write(uint8_t *bar, unsigned int reg, uint32_t value)
{
	__atomic_store_n((uint32_t *)(bar + reg), value, __ATOMIC_SEQ_CST);
}

/* The first word of a page, which devices write to */
static inline uint32_t vmm_word(uint32_t *page)
{
	return __atomic_load_n(page, __ATOMIC_SEQ_CST);
}

static inline void vmm_clear(uint32_t *page)
{
	__atomic_store_n(page, 0, __ATOMIC_SEQ_CST);
}

/* Where channel @ch writes to in the page: 0 and 1 have one half each */
static inline uint32_t *vmm_half(uint32_t *page, unsigned int ch)
{
	return page + ch * PDT_PAGE / 2 / sizeof(*page);
}

/* What each request of channel @ch is: a write of @pattern */
static inline void dev_request(uint8_t *bar, unsigned int ch,
			       uint32_t pasid, uint32_t mode, uint32_t pattern)
{
	uint64_t iova = VMM_IOVA + ch * PDT_PAGE / 2;
	unsigned int regs = PDT_CHANNEL(ch);

	dev_write(bar, regs + PDT_CH_PASID,
		  pasid == VMM_RID ? 0 : pasid | PDT_CH_PASID_VALID);
	dev_write(bar, regs + PDT_CH_MODE, mode | PDT_MODE_FILL);
	dev_write(bar, regs + PDT_CH_IOVA_LO, (uint32_t)iova);
	dev_write(bar, regs + PDT_CH_IOVA_HI, iova >> 32);
	dev_write(bar, regs + PDT_CH_LEN, 64);
	dev_write(bar, regs + PDT_CH_PATTERN, pattern);
}

/* One write; true if it was done, and not refused */
static inline bool dev_dma(uint8_t *bar, uint32_t pasid, uint32_t mode,
			   uint32_t pattern)
{
	uint32_t status;

	dev_request(bar, 0, pasid, mode, pattern);
	dev_write(bar, PDT_CHANNEL(0) + PDT_CH_CMD, PDT_CMD_WRITE);
	do {
		status = dev_read(bar, PDT_CHANNEL(0) + PDT_CH_STATUS);
	} while (status & PDT_STATUS_BUSY);
	return status == PDT_STATUS_DONE;
}

/* Channel @ch writes again and again, until the device is reset */
static inline void dev_engine(uint8_t *bar, unsigned int ch,
			      uint32_t pasid, uint32_t mode, uint32_t pattern)
{
	unsigned int regs = PDT_CHANNEL(ch);

	dev_request(bar, ch, pasid, mode, pattern);
	/* Microseconds */
	dev_write(bar, regs + PDT_CH_ENG_PERIOD, 200);
	dev_write(bar, regs + PDT_CH_ENG_LEFT, PDT_ENG_ENDLESS);
	dev_write(bar, regs + PDT_CH_ENG_CMD, PDT_CMD_WRITE);
	while (!dev_read(bar, regs + PDT_CH_ENG_OK) &&
	       !dev_read(bar, regs + PDT_CH_ENG_FAULT))
		pdt_sleep_us(100);
}

/*
 * The devices of the machine. Those with many PASIDs go to vfio-pci, but for one
 * that shows the counters.
 */
struct vmm_park {
	unsigned int nr;
	char bdf[VMM_DEVICES][16];
	/* The device that stays with its driver: number in /dev, and a file */
	int witness_nr;
	int witness;
};

static inline void vmm_park_leave(struct vmm_park *park)
{
	unsigned int i;

	if (park->witness >= 0)
		close(park->witness);
	for (i = 0; i < park->nr; i++)
		vmm_set_driver(park->bdf[i], NULL);
	park->nr = 0;
}

static inline int vmm_park_enter(struct vmm_park *park)
{
	struct pdt_info info;
	int fd, i, ret = 0;

	park->nr = 0;
	park->witness_nr = -1;
	park->witness = -1;
	for (i = 0; (fd = pdt_open(i)) >= 0; i++) {
		ret = pdt_ioctl(fd, PDT_IOC_INFO, &info);
		close(fd);
		if (ret)
			return ret;
		if (info.max_pasids <= 1024 || park->nr == VMM_DEVICES)
			park->witness_nr = i;
		else
			ret = pdt_bdf(i, park->bdf[park->nr++],
				      sizeof(park->bdf[0]));
		if (ret)
			return ret;
	}
	if (park->nr < VMM_DEVICES || park->witness_nr < 0)
		return -ENODEV;
	for (i = 0; i < VMM_DEVICES && !ret; i++)
		ret = vmm_set_driver(park->bdf[i], "vfio-pci");
	if (ret)
		return ret;
	park->witness = pdt_open(park->witness_nr);
	return park->witness < 0 ? park->witness : 0;
}

/* A context with devices, all of them with one page table */
struct vmm {
	int fd;
	uint32_t ioas;
	uint32_t hwpt;
	uint32_t set;
	unsigned int devices;
	int dev[VMM_DEVICES];
	uint32_t devid[VMM_DEVICES];
	uint8_t *bar[VMM_DEVICES];
	/* What the page table maps at VMM_IOVA */
	uint32_t *page;
};

static inline uint32_t *vmm_page(void)
{
	void *page = mmap(NULL, PDT_PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

/* A mapping would keep the file */
static inline void vmm_close_device(struct vmm *vmm, unsigned int d)
{
	if (vmm->bar[d])
		munmap(vmm->bar[d], PDT_BAR_SIZE);
	vmm->bar[d] = NULL;
	if (vmm->dev[d] >= 0)
		close(vmm->dev[d]);
	vmm->dev[d] = -1;
}

static inline void vmm_close_devices(struct vmm *vmm)
{
	unsigned int d;

	for (d = 0; d < vmm->devices; d++)
		vmm_close_device(vmm, d);
}

static inline void vmm_close_iommufd(struct vmm *vmm)
{
	if (vmm->fd >= 0)
		close(vmm->fd);
	vmm->fd = -1;
}

static inline void vmm_stop(struct vmm *vmm)
{
	vmm_close_iommufd(vmm);
	vmm_close_devices(vmm);
}

static inline int vmm_start_device(struct vmm *vmm, unsigned int d)
{
	int ret;

	ret = vfio_bind(vmm->dev[d], vmm->fd, &vmm->devid[d]);
	if (!ret && !vmm->hwpt)
		ret = vmm_hwpt_alloc(vmm->fd, vmm->devid[d], vmm->ioas,
				     &vmm->hwpt);
	if (!ret)
		ret = vfio_attach(vmm->dev[d], vmm->hwpt, VMM_RID);
	if (!ret)
		ret = vfio_set_master(vmm->dev[d]);
	if (!ret)
		ret = vfio_map_bar(vmm->dev[d], &vmm->bar[d]);
	return ret;
}

/*
 * Descriptors of a new context and of @devices from the park, starting with the
 * one at @first. @late: vmm_start_devices() opens the iommufd, so that it has the
 * highest number.
 */
static inline int vmm_open_files(struct vmm *vmm, const struct vmm_park *park,
				 unsigned int first, unsigned int devices,
				 bool late)
{
	unsigned int d;

	memset(vmm, 0, sizeof(*vmm));
	vmm->devices = devices;
	vmm->fd = -1;
	for (d = 0; d < devices; d++)
		vmm->dev[d] = -1;
	if (!late)
		vmm->fd = vmm_open();
	for (d = 0; d < devices; d++) {
		vmm->dev[d] = vfio_open(park->bdf[first + d]);
		if (vmm->dev[d] < 0)
			return vmm->dev[d];
	}
	return late || vmm->fd >= 0 ? 0 : vmm->fd;
}

/* The devices become the context's, and @page is what they see */
static inline int vmm_start_devices(struct vmm *vmm, uint32_t *page)
{
	unsigned int d;
	int ret;

	vmm->page = page;
	if (vmm->fd < 0)
		vmm->fd = vmm_open();
	if (vmm->fd < 0)
		return vmm->fd;
	ret = vmm_ioas_alloc(vmm->fd, &vmm->ioas);
	if (!ret)
		ret = vmm_map(vmm->fd, vmm->ioas, page, VMM_IOVA);
	for (d = 0; d < vmm->devices && !ret; d++)
		ret = vmm_start_device(vmm, d);
	return ret;
}

/* Both */
static inline int vmm_start(struct vmm *vmm, const struct vmm_park *park,
			    unsigned int first, unsigned int devices,
			    uint32_t *page)
{
	int ret = vmm_open_files(vmm, park, first, devices, false);

	return ret ? ret : vmm_start_devices(vmm, page);
}

/* One more PASID of the set, attached to all devices */
static inline int vmm_attach_all(struct vmm *vmm, uint32_t pasid)
{
	unsigned int d;
	int ret = 0;

	for (d = 0; d < vmm->devices && !ret; d++)
		ret = vfio_attach(vmm->dev[d], vmm->hwpt, pasid);
	return ret;
}

/*
 * @n PASIDs, attached to all devices: of a set with @quota where the kernel has
 * sets, and numbers from 1 on where it has none. @pasid: one of them.
 */
static inline int vmm_take(struct vmm *vmm, unsigned int n, unsigned int quota,
			   uint32_t *pasid)
{
	unsigned int i;
	uint32_t id;
	int ret = 0;

#ifdef IOMMU_IOASID_SET_ALLOC
	ret = vmm_set_alloc(vmm->fd, quota, &vmm->set);
#endif
	for (i = 1; i <= n && !ret; i++) {
		id = i;
#ifdef IOMMU_IOASID_SET_ALLOC
		ret = vmm_alloc(vmm->fd, vmm->set, &id);
#endif
		if (!ret)
			ret = vmm_attach_all(vmm, id);
		*pasid = id;
	}
	return ret;
}

/*
 * A process with @n PASIDs on @devices, of which the first writes to @page with
 * the last of them; it does nothing else. Returns its pid when it is ready.
 */
static inline pid_t vmm_fork(const struct vmm_park *park, unsigned int devices,
			     unsigned int n, uint32_t *page,
			     uint32_t pattern)
{
	uint32_t pasid = VMM_RID;
	struct vmm vmm;
	int ready[2], ret;
	pid_t pid;

	if (pipe(ready))
		return -errno;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ret = vmm_start(&vmm, park, 0, devices, page);
		if (!ret)
			ret = vmm_take(&vmm, n, n, &pasid);
		if (!ret)
			dev_engine(vmm.bar[0], 1, pasid, 0, pattern);
		if (write(ready[1], &ret, sizeof(ret)) == sizeof(ret))
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &ret, sizeof(ret)) != sizeof(ret))
		ret = -EPIPE;
	close(ready[0]);
	if (pid > 0 && ret) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return ret;
	}
	return pid < 0 ? -errno : pid;
}

/* Kills what vmm_fork() has made; @us: until it was gone, @diff: what that cost */
static inline int vmm_kill(const struct vmm_park *park, pid_t pid, uint64_t *us,
			   struct pdt_counters *diff)
{
	struct pdt_counters before, after;
	uint64_t begin;
	int ret;

	ret = pdt_ioctl(park->witness, PDT_IOC_COUNTERS, &before);
	begin = pdt_now_us();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	*us = pdt_now_us() - begin;
	if (!ret)
		ret = pdt_ioctl(park->witness, PDT_IOC_COUNTERS, &after);
	if (!ret)
		pdt_counters_diff(&before, &after, diff);
	return ret;
}

#endif /* __SELFTEST_IOASID_VMM_H */
