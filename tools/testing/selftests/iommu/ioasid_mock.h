/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contexts with a mock device, for tests of what iommufd itself does with sets
 * of PASIDs. Needs CONFIG_IOMMUFD_TEST.
 *
 * Functions return 0 or a negative error number.
 */
#ifndef __SELFTEST_IOASID_MOCK_H
#define __SELFTEST_IOASID_MOCK_H

#include "ioasid_scene.h"
#include "ioasid_vmm.h"

#include "../../../../drivers/iommu/iommufd/iommufd_test.h"

/* A context, with a device that has PASIDs and two page tables for it */
struct mock {
	int fd;
	uint32_t ioas;
	uint32_t stdev;
	uint32_t dev;
	uint32_t hwpt[2];
	uint32_t set;
};

static inline int mock_cmd(int fd, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	return pdt_ioctl(fd, IOMMU_TEST_CMD, cmd);
}

static inline int mock_attach(struct mock *mock, uint32_t pasid, uint32_t pt)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PASID_ATTACH, .id = mock->stdev,
		.pasid_attach = { .pasid = pasid, .pt_id = pt },
	};

	return mock_cmd(mock->fd, &cmd);
}

static inline int mock_replace(struct mock *mock, uint32_t pasid, uint32_t pt)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PASID_REPLACE, .id = mock->stdev,
		.pasid_replace = { .pasid = pasid, .pt_id = pt },
	};

	return mock_cmd(mock->fd, &cmd);
}

static inline int mock_detach(struct mock *mock, uint32_t pasid)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PASID_DETACH, .id = mock->stdev,
		.pasid_detach = { .pasid = pasid },
	};

	return mock_cmd(mock->fd, &cmd);
}

/* Is @pt what the device has for @pasid? 0: is nothing attached? */
static inline int mock_check(struct mock *mock, uint32_t pasid, uint32_t pt)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PASID_CHECK_HWPT, .id = mock->stdev,
		.pasid_check = { .pasid = pasid, .hwpt_id = pt },
	};

	return mock_cmd(mock->fd, &cmd);
}

/* Is @pasid attached as one of a set? */
static inline int mock_managed(struct mock *mock, uint32_t pasid, bool managed)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PASID_CHECK_MANAGED, .id = mock->stdev,
		.pasid_check_managed = { .pasid = pasid, .managed = managed },
	};

	return mock_cmd(mock->fd, &cmd);
}

/* A subscriber to the events of @set, or of all that the process has if it is 0 */
static inline int mock_watch(struct mock *mock, uint32_t set, uint32_t *watch)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_IOASID_WATCH,
		.ioasid_watch = { .set_id = set },
	};
	int ret = mock_cmd(mock->fd, &cmd);

	*watch = cmd.ioasid_watch.out_watch_id;
	return ret;
}

/* What it has been told so far, as far as struct pdt_events has it */
static inline int mock_events(struct mock *mock, uint32_t watch,
			      struct pdt_events *events)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_IOASID_EVENTS, .id = watch,
	};
	int ret = mock_cmd(mock->fd, &cmd);

	memset(events, 0, sizeof(*events));
	events->bind = cmd.ioasid_events.out_bind;
	events->unbind = cmd.ioasid_events.out_unbind;
	events->free = cmd.ioasid_events.out_free;
	events->sync = cmd.ioasid_events.out_sync;
	return ret;
}

static inline int mock_device(struct mock *mock)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS, .id = mock->ioas,
		.mock_domain_flags = { .dev_flags = MOCK_FLAGS_DEVICE_PASID },
	};
	int ret = mock_cmd(mock->fd, &cmd);

	mock->stdev = cmd.mock_domain_flags.out_stdev_id;
	mock->dev = cmd.mock_domain_flags.out_idev_id;
	return ret;
}

static inline int mock_start(struct mock *mock)
{
	int ret;

	memset(mock, 0, sizeof(*mock));
	mock->fd = vmm_open();
	if (mock->fd < 0)
		return mock->fd;
	ret = vmm_ioas_alloc(mock->fd, &mock->ioas);
	if (!ret)
		ret = mock_device(mock);
	if (!ret)
		ret = vmm_hwpt_alloc(mock->fd, mock->dev, mock->ioas,
				     &mock->hwpt[0]);
	if (!ret)
		ret = vmm_hwpt_alloc(mock->fd, mock->dev, mock->ioas,
				     &mock->hwpt[1]);
	return ret;
}

/* The RID's page table, which the device got with the IOAS, is not for PASIDs */
static inline int mock_rid(struct mock *mock)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE, .id = mock->stdev,
		.mock_domain_replace = { .pt_id = mock->hwpt[0] },
	};

	return mock_cmd(mock->fd, &cmd);
}

static int mock_test_main(int argc, char **argv)
{
	struct pdt_info info;

	witness = pdt_open(0);
	if (witness < 0 || pdt_ioctl(witness, PDT_IOC_INFO, &info)) {
		ksft_print_header();
		ksft_exit_fail_msg("there is no PASID test device\n");
	}
	if (!info.ioasid) {
		ksft_print_header();
		ksft_exit_skip("this kernel has no IOASID allocator\n");
	}
	return test_harness_run(argc, argv);
}

#endif /* __SELFTEST_IOASID_MOCK_H */
