/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the SMMUv3 driver does when an IOASID dies.
 */
#ifndef _ARM_SMMU_V3_IOASID_H
#define _ARM_SMMU_V3_IOASID_H

#include "../../ioasid-attach.h"
#include "arm-smmu-v3.h"

int arm_smmu_ioasid_init(void);
void arm_smmu_ioasid_exit(void);

int arm_smmu_ioasid_set_dev_pasid(struct iommu_domain *domain,
				  struct device *dev, ioasid_t pasid,
				  struct iommu_domain *old,
				  ioasid_attach_setup_fn setup);
bool arm_smmu_ioasid_detach(struct device *dev, ioasid_t pasid,
			    struct iommu_domain *old);
void arm_smmu_ioasid_quiesce(struct device *dev);
void arm_smmu_ioasid_mm_release(struct iommu_domain *domain, ioasid_t pasid);
bool arm_smmu_ioasid_is_dead(struct device *dev, ioasid_t pasid);
void arm_smmu_ioasid_report_owner(struct arm_smmu_device *smmu,
				  struct device *dev, ioasid_t pasid);

#if IS_ENABLED(CONFIG_KUNIT)
__le64 arm_smmu_make_quiet_cd_0(__le64 cd_0, bool stall_force);
#endif

#endif /* _ARM_SMMU_V3_IOASID_H */
