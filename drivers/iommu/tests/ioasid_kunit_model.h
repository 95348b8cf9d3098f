/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IOASID KUnit suite "ioasid_model": the model.
 *
 * It knows each number that is out, with its references, its name and its data,
 * each set, and what each subscriber was told. A number without a reference that
 * was freed is gone for the model at once: the step waits with
 * ioasid_synchronize().
 */
#ifndef __IOASID_KUNIT_MODEL_H
#define __IOASID_KUNIT_MODEL_H

#include <linux/prandom.h>

#include "ioasid_kunit.h"

#define TOTAL_MAX	48
#define NR_SETS		6
#define NR_SPIDS	8
#define NR_SUBS		5

/* Bound, without a name */
#define MODEL_NAMELESS	IOMMU_PASID_INVALID

struct model_set {
	struct ioasid_set *set;		/* NULL: slot is free */
	struct mm_struct *mm;
	unsigned int quota;
	bool dying;
};

struct model_id {
	struct model_set *owner;	/* NULL: the number is free */
	struct mm_struct *mm;		/* made by alloc_mm */
	unsigned int refs;
	ioasid_t spid;			/* 0: not bound */
	void *data;
	bool dead;
};

/* The order of the chains */
enum model_level { MODEL_LEVEL_MM, MODEL_LEVEL_SET, MODEL_LEVEL_GLOBAL };

/* Counts are what the subscriber should have been told less what it was */
struct model_sub {
	struct notifier_block nb;
	struct model *m;
	bool on;
	enum model_level level;
	struct model_set *set;
	struct mm_struct *mm;
	int allocs;
	int frees;
	unsigned int unsynced;
	bool told[TOTAL_MAX];		/* BIND, and no UNBIND yet */
};

/* Which sets there are */
enum model_types { MODEL_MIXED, MODEL_PRIVATE, MODEL_MM };
enum model_quotas { MODEL_ANY, MODEL_GUARANTEED, MODEL_ELASTIC };

struct model {
	struct kunit *test;
	struct rnd_state rnd;
	u64 seed;
	unsigned int step;
	enum model_types types;
	enum model_quotas quotas;
	ioasid_t total;
	struct mm_struct *mms[2];
	struct model_set sets[NR_SETS];
	struct model_id ids[TOTAL_MAX];
	/* Something is to be done that the step does not wait for */
	bool unsettled;
	bool subscribed;
	struct model_sub subs[NR_SUBS];
	/* Refuses a BIND, after so many */
	struct model_sub *refuser;
	unsigned int patience;
	/* The call of a handler before this one, in this step */
	struct {
		unsigned long event;
		struct ioasid_set *set;
		ioasid_t id;
		struct model_sub *sub;
	} last;
	const char *wrong;
};

static inline unsigned int pick(struct model *m, unsigned int n)
{
	return prandom_u32_state(&m->rnd) % n;
}

unsigned int model_used(struct model *m, struct model_set *s);
unsigned int model_committed(struct model *m, bool users_only);
void model_set_free(struct model *m, struct model_set *s);
void model_put(struct model *m, ioasid_t id);
void model_step(struct model *m);

bool model_hears(struct model_sub *sub, struct model_set *s);
bool model_refuses(struct model *m, struct model_set *s);
bool model_subscribed_to(struct model *m, struct model_set *s);
void model_tell_alloc(struct model *m, struct model_set *s);
void model_tell_free(struct model *m, struct model_set *s);
void model_unsubscribe(struct model_sub *sub);
void model_step_sub(struct model *m, struct model_set *s);
void model_check_subs(struct model *m);

#endif /* __IOASID_KUNIT_MODEL_H */
