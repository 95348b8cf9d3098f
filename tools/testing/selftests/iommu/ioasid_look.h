/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What programs that use the PASID test device look at: the kernel log, the
 * IOASID allocator's files in debugfs, the counters of the emulated IOMMU.
 */
#ifndef __SELFTEST_IOASID_LOOK_H
#define __SELFTEST_IOASID_LOOK_H

#include "pasid_testdev.h"

#define IOASID_DEBUGFS	"/sys/kernel/debug/ioasid/"

/* What differs between the machines that the tests run on */
struct pdt_machine {
	/* Starts the lines that the IOMMU's driver writes to the log */
	const char *log;
	/* Counters of commands: from, and how many */
	unsigned int first_cmd;
	unsigned int nr_cmds;
	/* Those of them that make the IOMMU forget one PASID, and that wait */
	unsigned int entry;
	unsigned int tlb;
	unsigned int devtlb;
	unsigned int wait;
	/* Format of what is on the line that names the owner of a PASID */
	const char *owner;
	/* The most that the death of a PASID on one device takes, and with PRI */
	unsigned int death[2];
	unsigned int death_waits[2];
	/*
	 * Recoverable faults: what the device must have, the mode of a request
	 * that can have one, its error when the page does not come, counters of
	 * the answers (to try again, and that there is no such page), and
	 * whether the device asks for the pages of the dead, too
	 */
	unsigned int fault_caps;
	unsigned int fault_mode;
	unsigned int fault_error;
	unsigned int fault_retry;
	unsigned int fault_refuse;
	bool dead_asks;
	/* A device that goes on is heard of when a PASID that lives is detached */
	bool loud_after_detach;
};

static const struct pdt_machine pdt_machine = {
#ifdef __aarch64__
	.log = "arm-smmu-v3 ",
	.loud_after_detach = true,
	.first_cmd = PDT_CNT_SMMU_CMD(1),
	.nr_cmds = PDT_CNT_SMMU_NR_CMD - 1,
	.entry = PDT_CNT_SMMU_CFGI_CD,
	.tlb = PDT_CNT_SMMU_TLBI_NH_ASID,
	.devtlb = PDT_CNT_SMMU_ATC_INV,
	.wait = PDT_CNT_SMMU_SYNC,
	.owner = "ssid: 0x%x is",
	/* 7.3.4: 16 and 8 */
	.death = { 5, 5 },
	.death_waits = { 2, 2 },
	.fault_caps = PDT_CAPS_STALL,
	.fault_mode = 0,
	.fault_error = PDT_ERR_DMA,
	.fault_retry = PDT_CNT_SMMU_STALL_RETRIED,
	.fault_refuse = PDT_CNT_SMMU_STALL_ENDED,
#else
	.log = "DMAR:",
	.first_cmd = PDT_CNT_VTD_DESC(1),
	.nr_cmds = PDT_CNT_VTD_NR_DESC - 1,
	.entry = PDT_CNT_VTD_PC,
	.tlb = PDT_CNT_VTD_PIOTLB,
	.devtlb = PDT_CNT_VTD_DEV_PIOTLB,
	.wait = PDT_CNT_VTD_WAIT,
	.owner = "[PASID 0x%x]",
	/* As in 7.3.4 */
	.death = { 6, 10 },
	.death_waits = { 3, 5 },
	.fault_caps = PDT_CAPS_PRI,
	.fault_mode = PDT_MODE_ATS | PDT_MODE_PRI,
	.fault_error = PDT_ERR_PRI_RESP,
	.fault_retry = PDT_CNT_VTD_PGRESP_C(PDT_PAGE_RESP_SUCCESS),
	.fault_refuse = PDT_CNT_VTD_PGRESP_C(PDT_PAGE_RESP_INVALID),
	.dead_asks = true,
#endif
};

static inline int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	lseek(fd, 0, SEEK_END);
	return fd;
}

/* How many records with @word have come since the last call */
static inline int kmsg_count(int fd, const char *word)
{
	char record[2048];
	int found = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n < 0)
			return errno == EAGAIN ? found : -errno;
		record[n] = 0;
		found += !!strstr(record, word);
	}
}

struct ioasid_line {
	char state[32];
	unsigned int refs;
	unsigned int set;
};

/* The line of @id in ioasid/ids; -ENOENT if it has none */
static inline int ioasid_get_line(unsigned int id, struct ioasid_line *line)
{
	FILE *f = fopen(IOASID_DEBUGFS "ids", "r");
	struct ioasid_line l;
	int ret = -ENOENT;
	char text[256];
	unsigned int n;

	if (!f)
		return -errno;
	while (ret && fgets(text, sizeof(text), f)) {
		if (sscanf(text, "id=%u state=%31s refs=%u set=%u", &n,
			   l.state, &l.refs, &l.set) != 4 || n != id)
			continue;
		*line = l;
		ret = 0;
	}
	fclose(f);
	return ret;
}

struct ioasid_sums {
	unsigned int total;
	unsigned int committed;
	/* Of the system's own set */
	unsigned int used;
	unsigned int pending;
};

static inline int ioasid_get_sums(struct ioasid_sums *sums)
{
	FILE *f = fopen(IOASID_DEBUGFS "capacity", "r");
	int found = 0;
	char text[256];

	if (!f)
		return -errno;
	while (fgets(text, sizeof(text), f))
		found += sscanf(text, "total=%u committed=%u", &sums->total,
				&sums->committed) == 2;
	fclose(f);

	f = fopen(IOASID_DEBUGFS "sets", "r");
	if (!f)
		return -errno;
	while (fgets(text, sizeof(text), f))
		found += sscanf(text,
				"set=%*u type=system quota=%*u used=%u pending=%u",
				&sums->used, &sums->pending) == 2;
	fclose(f);
	return found == 2 ? 0 : -EPROTO;
}

/* How far each counter of the IOMMU went between two readings */
static inline void pdt_counters_diff(const struct pdt_counters *from,
				     const struct pdt_counters *to,
				     struct pdt_counters *diff)
{
	unsigned int i;

	for (i = 0; i < PDT_NR_COUNTERS; i++)
		diff->count[i] = to->count[i] - from->count[i];
}

/* All commands that the IOMMU has executed */
static inline unsigned int pdt_commands(const struct pdt_counters *c)
{
	const struct pdt_machine *m = &pdt_machine;
	unsigned int i, sum = 0;

	for (i = 0; i < m->nr_cmds; i++)
		sum += c->count[m->first_cmd + i];
	return sum;
}

static inline unsigned int pdt_waits(const struct pdt_counters *c)
{
	return c->count[pdt_machine.wait];
}

static inline int pdt_crowd(int fd, uint32_t op, uint32_t n)
{
	struct pdt_crowd_op c = { .op = op, .n = n };

	return pdt_ioctl(fd, PDT_IOC_CROWD, &c);
}

/* The next device from @nr on that has many PASIDs, or a negative errno */
static inline int pdt_open_wide(unsigned int *nr)
{
	struct pdt_info info;
	int fd, ret;

	for (;;) {
		fd = pdt_open((*nr)++);
		if (fd < 0)
			return fd;
		ret = pdt_ioctl(fd, PDT_IOC_INFO, &info);
		if (ret || info.max_pasids > 1024)
			return ret ? ret : fd;
		close(fd);
	}
}

/* Writes @text to the file @path */
static inline int pdt_write_file(const char *path, const char *text)
{
	int fd, ret = 0;

	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* Writes to a file in the sysfs directory of device @nr */
static inline int pdt_sysfs_write(unsigned int nr, const char *file,
				  const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/misc/pasid-testdev%u/device/%s",
		 nr, file);
	return pdt_write_file(path, text);
}

/* Let the OOM killer take @pid before all others */
static inline int pdt_offer_to_oom(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	return pdt_write_file(path, "1000");
}

/* PCI address of device @nr, as sysfs spells it */
static inline int pdt_bdf(unsigned int nr, char *bdf, size_t size)
{
	char path[64], link[256], *slash;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/misc/pasid-testdev%u/device",
		 nr);
	n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		return -errno;
	link[n] = 0;
	slash = strrchr(link, '/');
	if (!slash)
		return -EPROTO;
	snprintf(bdf, size, "%s", slash + 1);
	return 0;
}

#endif /* __SELFTEST_IOASID_LOOK_H */
