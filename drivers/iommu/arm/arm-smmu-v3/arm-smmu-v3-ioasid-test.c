// SPDX-License-Identifier: GPL-2.0
/*
 * The CD of a PASID whose owner is gone: one write makes it out of every kind of
 * live CD, and it refuses everything without a word.
 */
#include <kunit/test.h>
#include <linux/io-pgtable.h>

#include "arm-smmu-v3-ioasid.h"

#define LIVE_ASID	1997

struct live {
	const char *name;
	bool sva;
	bool stall;
	bool stall_force;
	u32 features;
};

static const struct live lives[] = {
	{ .name = "paging" },
	{ .name = "paging_stall", .stall = true },
	{ .name = "paging_stall_forced", .stall = true, .stall_force = true },
	{ .name = "paging_dirty", .features = ARM_SMMU_FEAT_HD },
	{ .name = "sva", .sva = true },
	{ .name = "sva_stall", .sva = true, .stall = true },
	{ .name = "sva_stall_forced", .sva = true, .stall = true, .stall_force = true },
	{ .name = "sva_access_flag", .sva = true, .features = ARM_SMMU_FEAT_HA },
};

KUNIT_ARRAY_PARAM_DESC(live, lives, name);

static struct mm_struct sva_mm = {
	.pgd = (void *)0xdaedbeefdeadbeefULL,
};

static void make_live_cd(struct arm_smmu_cd *cd, const struct live *live)
{
	struct arm_smmu_device smmu = {
		.features = live->features | ARM_SMMU_FEAT_STALLS |
			    (live->stall_force ? ARM_SMMU_FEAT_STALL_FORCE : 0),
	};
	struct arm_smmu_master master = {
		.smmu = &smmu,
		.stall_enabled = live->stall,
	};
	struct io_pgtable io_pgtable = {
		.cfg.quirks = live->features & ARM_SMMU_FEAT_HD ?
			      IO_PGTABLE_QUIRK_ARM_HD : 0,
		.cfg.arm_lpae_s1_cfg = {
			.ttbr = 0xdaedbeefdeadbeefULL,
			.tcr = { .ips = 1, .tg = 2, .sh = 3, .orgn = 1, .irgn = 2, .tsz = 4 },
			.mair = 0xabcdef012345678ULL,
		},
	};
	struct arm_smmu_domain smmu_domain = {
		.pgtbl_ops = &io_pgtable.ops,
		.cd.asid = LIVE_ASID,
	};

	if (live->sva)
		arm_smmu_make_sva_cd(cd, &master, &sva_mm, LIVE_ASID);
	else
		arm_smmu_make_s1_cd(cd, &master, &smmu_domain);
}

static u64 field(const struct arm_smmu_cd *cd, u64 mask)
{
	return le64_to_cpu(cd->data[0]) & mask;
}

static u16 asid(const struct arm_smmu_cd *cd)
{
	return FIELD_GET(CTXDESC_CD_0_ASID, le64_to_cpu(cd->data[0]));
}

/*
 * What the hardware uses of a quiet CD is what it has used of the live one, less
 * what a disabled table walk needs: so no mix of two words is ever seen.
 */
static void quiet_is_one_write(struct kunit *test)
{
	const struct live *live = test->param_value;
	struct arm_smmu_cd cd, quiet, used = {};
	unsigned int i;

	make_live_cd(&cd, live);
	quiet = cd;
	quiet.data[0] = arm_smmu_make_quiet_cd_0(cd.data[0], live->stall_force);
	arm_smmu_get_cd_used(quiet.data, used.data);
	for (i = 1; i < ARRAY_SIZE(cd.data); i++)
		KUNIT_EXPECT_EQ(test, cd.data[i] & used.data[i],
				quiet.data[i] & used.data[i]);
	KUNIT_EXPECT_NE(test, cd.data[0], quiet.data[0]);
}

static void quiet_refuses(struct kunit *test)
{
	const struct live *live = test->param_value;
	struct arm_smmu_cd cd, quiet;
	u64 changed = CTXDESC_CD_0_TCR_EPD0 | CTXDESC_CD_0_R | CTXDESC_CD_0_S |
		      CTXDESC_CD_0_ASID;

	make_live_cd(&cd, live);
	KUNIT_ASSERT_EQ(test, asid(&cd), LIVE_ASID);
	KUNIT_ASSERT_NE(test, field(&cd, CTXDESC_CD_0_R), 0);
	quiet.data[0] = arm_smmu_make_quiet_cd_0(cd.data[0], live->stall_force);

	KUNIT_EXPECT_NE(test, field(&quiet, CTXDESC_CD_0_V), 0);
	KUNIT_EXPECT_NE(test, field(&quiet, CTXDESC_CD_0_TCR_EPD0), 0);
	KUNIT_EXPECT_NE(test, field(&quiet, CTXDESC_CD_0_TCR_EPD1), 0);
	KUNIT_EXPECT_EQ(test, field(&quiet, CTXDESC_CD_0_R), 0);
	KUNIT_EXPECT_EQ(test, !!field(&quiet, CTXDESC_CD_0_S),
			live->stall && live->stall_force);
	/* No domain has it */
	KUNIT_EXPECT_EQ(test, asid(&quiet), 0);
	KUNIT_EXPECT_EQ(test, field(&cd, ~changed), field(&quiet, ~changed));
}

/* It is made quiet again when an mm release comes after FREE */
static void quiet_stays_quiet(struct kunit *test)
{
	const struct live *live = test->param_value;
	struct arm_smmu_cd cd;
	__le64 once;

	make_live_cd(&cd, live);
	once = arm_smmu_make_quiet_cd_0(cd.data[0], live->stall_force);
	KUNIT_EXPECT_EQ(test, once, arm_smmu_make_quiet_cd_0(once, live->stall_force));
}

static struct kunit_case arm_smmu_ioasid_cases[] = {
	KUNIT_CASE_PARAM(quiet_is_one_write, live_gen_params),
	KUNIT_CASE_PARAM(quiet_refuses, live_gen_params),
	KUNIT_CASE_PARAM(quiet_stays_quiet, live_gen_params),
	{}
};

static struct kunit_suite arm_smmu_ioasid_suite = {
	.name = "arm-smmu-v3-ioasid",
	.test_cases = arm_smmu_ioasid_cases,
};

kunit_test_suite(arm_smmu_ioasid_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests of the CD of a dead PASID");
MODULE_LICENSE("GPL");
