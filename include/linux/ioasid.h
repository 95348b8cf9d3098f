/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IOASID: the system-wide allocator of Process Address Space IDs.
 *
 * A PASID is a 20-bit number that a device puts on its DMA requests (PCIe 6.0
 * section 6.20) and that an IOMMU looks up in a table of the device. One
 * allocator serves all of them, because shared work queues and guests need
 * numbers that are unique in the whole system.
 *
 * See Documentation/driver-api/ioasid.rst.
 */
#ifndef __LINUX_IOASID_H
#define __LINUX_IOASID_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/types.h>

struct ioasid_set;
struct mm_struct;
struct notifier_block;

typedef unsigned int ioasid_t;

#define IOMMU_NO_PASID	(0U) /* Reserved for DMA w/o PASID */
#define IOMMU_FIRST_GLOBAL_PASID	(1U) /* starting range for allocation */
#define IOMMU_PASID_INVALID	(-1U)

/* Width of a PASID, PCIe 6.0 section 6.20.2.1 (PASID TLP prefix) */
#define IOASID_MAX_BITS		20

/**
 * enum ioasid_set_type - what owns the IOASIDs of a set
 */
enum ioasid_set_type {
	/** @IOASID_SET_TYPE_PRIVATE: a kernel subsystem; the token is its own */
	IOASID_SET_TYPE_PRIVATE = 1,
	/** @IOASID_SET_TYPE_MM: a user; the token is its mm_struct */
	IOASID_SET_TYPE_MM,
};

/*
 * notifier_block.priority of subscribers. At tear-down first nobody can submit
 * work any more (CPU), then devices stop (DEVICE), then translations go
 * (IOMMU).
 */
enum {
	IOASID_PRIO_IOMMU = 0,
	IOASID_PRIO_DEVICE = 100,
	IOASID_PRIO_CPU = 200,
};

/**
 * enum ioasid_notify_val - events sent to subscribers
 */
enum ioasid_notify_val {
	/**
	 * @IOASID_FREE: the IOASID dies: make its hardware entries quiet and
	 * start nothing new with it. Sent exactly once for each IOASID.
	 */
	IOASID_FREE = 1,
	/** @IOASID_BIND: the IOASID got a guest's name */
	IOASID_BIND,
	/** @IOASID_UNBIND: the IOASID loses its guest's name */
	IOASID_UNBIND,
	/** @IOASID_ALLOC: the IOASID was allocated */
	IOASID_ALLOC,
	/**
	 * @IOASID_SYNC: sent once after one or more FREE of a set: wait until
	 * hardware has forgotten all that was freed before.
	 */
	IOASID_SYNC,
};

/**
 * struct ioasid_nb_args - what a subscriber is told about an event
 * @id: the IOASID; 0 for IOASID_SYNC
 * @spid: the guest's name for @id, IOMMU_PASID_INVALID if it has none
 * @set: the set that owns @id
 * @type: the type of @set
 * @token: the token of @set
 * @pdata: private data of @id; NULL for IOASID_SYNC
 *
 * Everything is here, so that a handler needs no look-up.
 */
struct ioasid_nb_args {
	ioasid_t id;
	ioasid_t spid;
	struct ioasid_set *set;
	enum ioasid_set_type type;
	void *token;
	void *pdata;
};

/**
 * struct ioasid_allocator_ops - where numbers come from, in place of the core
 * @alloc: returns a number of @min … @max that is not out, for good until
 *	   @free, or IOMMU_PASID_INVALID if there is none
 * @free: takes a number back that nobody uses any more
 * @pdata: passed to both
 *
 * For a guest, whose hypervisor says which PASIDs it may use (VT-d's Virtual
 * Command Register). Both may sleep, and are called one at a time. They call
 * nothing of this interface.
 */
struct ioasid_allocator_ops {
	ioasid_t (*alloc)(ioasid_t min, ioasid_t max, void *pdata);
	void (*free)(ioasid_t id, void *pdata);
	void *pdata;
};

#ifdef CONFIG_IOASID
int ioasid_install_capacity(ioasid_t total);
struct ioasid_set *ioasid_system_set(void);
struct ioasid_set *ioasid_set_alloc(enum ioasid_set_type type, void *token,
				    unsigned int quota);
void ioasid_set_free(struct ioasid_set *set);
void ioasid_set_free_ids(struct ioasid_set *set);
struct ioasid_set *ioasid_set_get(struct ioasid_set *set);
void ioasid_set_put(struct ioasid_set *set);
int ioasid_set_resize(struct ioasid_set *set, unsigned int quota);
int ioasid_set_move(struct ioasid_set *const *sets, unsigned int n,
		    struct mm_struct *mm);
unsigned int ioasid_set_count(struct ioasid_set *set);
struct ioasid_set *ioasid_find_set(ioasid_t id);

int ioasid_alloc(struct ioasid_set *set, ioasid_t min, ioasid_t max,
		 void *private, ioasid_t *id);
int ioasid_alloc_mm(struct ioasid_set *set, ioasid_t min, ioasid_t max,
		    struct mm_struct *mm, ioasid_t *id);
int ioasid_free(struct ioasid_set *set, ioasid_t id);
int ioasid_free_async(struct ioasid_set *set, ioasid_t id);
int ioasid_get(struct ioasid_set *set, ioasid_t id);
void ioasid_put(struct ioasid_set *set, ioasid_t id);
bool ioasid_alive(ioasid_t id);
void *ioasid_find(struct ioasid_set *set, ioasid_t id,
		  bool (*getter)(void *private));
struct mm_struct *ioasid_find_mm(ioasid_t id);
int ioasid_attach_data(struct ioasid_set *set, ioasid_t id, void *data);
void *ioasid_detach_data(struct ioasid_set *set, ioasid_t id);
void ioasid_synchronize(void);
int ioasid_describe(ioasid_t id, char *buf, size_t size);

int ioasid_attach_spid(struct ioasid_set *set, ioasid_t id, ioasid_t spid);
int ioasid_detach_spid(struct ioasid_set *set, ioasid_t id);
int ioasid_find_by_spid(struct ioasid_set *set, ioasid_t spid, ioasid_t *id);
int ioasid_notify(struct ioasid_set *set, ioasid_t id,
		  enum ioasid_notify_val event);

int ioasid_register_notifier(struct ioasid_set *set, struct notifier_block *nb);
void ioasid_unregister_notifier(struct ioasid_set *set,
				struct notifier_block *nb);
int ioasid_register_notifier_mm(struct mm_struct *mm,
				struct notifier_block *nb);
void ioasid_unregister_notifier_mm(struct mm_struct *mm,
				   struct notifier_block *nb);

int ioasid_register_allocator(struct ioasid_allocator_ops *ops);
void ioasid_unregister_allocator(struct ioasid_allocator_ops *ops);
#else /* !CONFIG_IOASID */
static inline int ioasid_install_capacity(ioasid_t total)
{
	return 0;
}

static inline struct ioasid_set *ioasid_system_set(void)
{
	return NULL;
}

static inline struct ioasid_set *
ioasid_set_alloc(enum ioasid_set_type type, void *token, unsigned int quota)
{
	return ERR_PTR(-ENODEV);
}

static inline void ioasid_set_free(struct ioasid_set *set)
{
}

static inline void ioasid_set_free_ids(struct ioasid_set *set)
{
}

static inline struct ioasid_set *ioasid_set_get(struct ioasid_set *set)
{
	return ERR_PTR(-ENODEV);
}

static inline void ioasid_set_put(struct ioasid_set *set)
{
}

static inline int ioasid_set_resize(struct ioasid_set *set, unsigned int quota)
{
	return -ENODEV;
}

static inline int ioasid_set_move(struct ioasid_set *const *sets,
				  unsigned int n, struct mm_struct *mm)
{
	return -ENODEV;
}

static inline unsigned int ioasid_set_count(struct ioasid_set *set)
{
	return 0;
}

static inline struct ioasid_set *ioasid_find_set(ioasid_t id)
{
	return ERR_PTR(-ENODEV);
}

static inline int ioasid_alloc(struct ioasid_set *set, ioasid_t min,
			       ioasid_t max, void *private, ioasid_t *id)
{
	return -ENODEV;
}

static inline int ioasid_alloc_mm(struct ioasid_set *set, ioasid_t min,
				  ioasid_t max, struct mm_struct *mm,
				  ioasid_t *id)
{
	return -ENODEV;
}

static inline int ioasid_free(struct ioasid_set *set, ioasid_t id)
{
	return 0;
}

static inline int ioasid_free_async(struct ioasid_set *set, ioasid_t id)
{
	return 0;
}

static inline int ioasid_get(struct ioasid_set *set, ioasid_t id)
{
	return -ENODEV;
}

static inline void ioasid_put(struct ioasid_set *set, ioasid_t id)
{
}

static inline bool ioasid_alive(ioasid_t id)
{
	return false;
}

static inline void *ioasid_find(struct ioasid_set *set, ioasid_t id,
				bool (*getter)(void *private))
{
	return ERR_PTR(-ENODEV);
}

static inline struct mm_struct *ioasid_find_mm(ioasid_t id)
{
	return ERR_PTR(-ENODEV);
}

static inline int ioasid_attach_data(struct ioasid_set *set, ioasid_t id,
				     void *data)
{
	return -ENODEV;
}

static inline void *ioasid_detach_data(struct ioasid_set *set, ioasid_t id)
{
	return ERR_PTR(-ENODEV);
}

static inline void ioasid_synchronize(void)
{
}

static inline int ioasid_describe(ioasid_t id, char *buf, size_t size)
{
	return -ENOENT;
}

static inline int ioasid_attach_spid(struct ioasid_set *set, ioasid_t id,
				     ioasid_t spid)
{
	return -ENODEV;
}

static inline int ioasid_detach_spid(struct ioasid_set *set, ioasid_t id)
{
	return -ENODEV;
}

static inline int ioasid_find_by_spid(struct ioasid_set *set, ioasid_t spid,
				      ioasid_t *id)
{
	return -ENODEV;
}

static inline int ioasid_notify(struct ioasid_set *set, ioasid_t id,
				enum ioasid_notify_val event)
{
	return -ENODEV;
}

static inline int ioasid_register_notifier(struct ioasid_set *set,
					   struct notifier_block *nb)
{
	return 0;
}

static inline void ioasid_unregister_notifier(struct ioasid_set *set,
					      struct notifier_block *nb)
{
}

static inline int ioasid_register_notifier_mm(struct mm_struct *mm,
					      struct notifier_block *nb)
{
	return 0;
}

static inline void ioasid_unregister_notifier_mm(struct mm_struct *mm,
						 struct notifier_block *nb)
{
}

static inline int ioasid_register_allocator(struct ioasid_allocator_ops *ops)
{
	return -ENODEV;
}

static inline void
ioasid_unregister_allocator(struct ioasid_allocator_ops *ops)
{
}
#endif /* CONFIG_IOASID */

#endif /* __LINUX_IOASID_H */
