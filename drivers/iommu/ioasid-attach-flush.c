// SPDX-License-Identifier: GPL-2.0
/*
 * The way of an attachment from LIVE to FLUSHED, see ioasid-attach.c: its entry is
 * made quiet, caches are flushed with those of others, page requests are drained.
 *
 * A drain waits for page requests that others have sent as well, and so for as
 * long as their pages take to come. A process that dies must not: its
 * mmu_notifier takes the lock, and a drain is done without it, under drain_lock.
 * Nor must the owner of what sends no page requests, which is most of what
 * iommufd attaches: that is FLUSHED when the caches are. SYNC of a set, and who
 * gives up a device, takes drain_lock only if something of his own is left,
 * pending or draining:
 *
 *   IOASID_SYNC of set A               IOASID_SYNC of set B
 *    lock
 *     flushes what is pending
 *    unlock
 *    drain_lock
 *     lock, pending -> draining
 *     unlock                            lock
 *     waits for page requests            nothing of B is pending or draining
 *     lock, FLUSHED                     unlock
 */
#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/list_sort.h>
#include <linux/sort.h>

#include "ioasid-attach.h"
#include "ioasid-attach-flush.h"

/**
 * ioasid_attach_dev() - The key of those who sort by device
 * @att: attachment
 *
 * Return: the same for the attachments of one device.
 */
u64 ioasid_attach_dev(struct ioasid_attach *att)
{
	return (uintptr_t)att->dev;
}
EXPORT_SYMBOL_GPL(ioasid_attach_dev);

static int ioasid_attach_cmp(void *priv, const struct list_head *a,
			     const struct list_head *b)
{
	ioasid_attach_key_fn key = *(ioasid_attach_key_fn *)priv;

	return cmp_int(key(list_entry(a, struct ioasid_attach, pending)),
		       key(list_entry(b, struct ioasid_attach, pending)));
}

/**
 * ioasid_attach_sort() - Sort attachments, so that groups can be found
 * @atts: list of &ioasid_attach.pending
 * @key: what to sort by
 *
 * Return: how many different keys there are.
 */
unsigned int ioasid_attach_sort(struct list_head *atts, ioasid_attach_key_fn key)
{
	struct ioasid_attach *att, *last = NULL;
	unsigned int n = 0;

	list_sort(&key, atts, ioasid_attach_cmp);
	list_for_each_entry(att, atts, pending) {
		n += !last || key(last) != key(att);
		last = att;
	}
	return n;
}
EXPORT_SYMBOL_GPL(ioasid_attach_sort);

/**
 * ioasid_attach_group() - Where the next group of a sorted list begins
 * @atts: list of &ioasid_attach.pending
 * @first: the first of a group
 * @key: what the members of a group have in common
 * @n: set to the number of PASIDs in the group; a PASID that several of its
 *     members share, one behind the other, is one
 *
 * Return: the attachment behind the group, or the head of the list.
 */
struct ioasid_attach *ioasid_attach_group(struct list_head *atts,
					  struct ioasid_attach *first,
					  ioasid_attach_key_fn key,
					  unsigned int *n)
{
	struct ioasid_attach *att = first, *last = NULL;

	*n = 0;
	list_for_each_entry_from(att, atts, pending) {
		if (key(att) != key(first))
			break;
		*n += !last || last->pasid != att->pasid;
		last = att;
	}
	return att;
}
EXPORT_SYMBOL_GPL(ioasid_attach_group);

void ioasid_attach_set_state(struct ioasid_attachments *all,
			     struct ioasid_attach *att,
			     enum ioasid_attach_state state)
{
	xa_lock_irq(&all->atts);
	att->state = state;
	xa_unlock_irq(&all->atts);
}

void ioasid_attach_quiet(struct ioasid_attachments *all,
			 struct ioasid_attach *att)
{
	lockdep_assert_held(&all->lock);

	if (att->state != IOASID_ATTACH_LIVE)
		return;
	all->ops->quiet(att);
	att->clean = false;
	ioasid_attach_set_state(all, att, IOASID_ATTACH_DEAD);
	list_add_tail(&att->pending, &all->pending);
}

/* Moves the first of @atts, and all behind the same IOMMU, to @same */
static void *ioasid_attach_cut(struct ioasid_attachments *all,
			       struct list_head *atts, struct list_head *same)
{
	struct ioasid_attach *att, *next;
	void *iommu;

	iommu = all->ops->iommu(list_first_entry(atts, struct ioasid_attach,
						 pending));
	list_for_each_entry_safe(att, next, atts, pending)
		if (all->ops->iommu(att) == iommu)
			list_move_tail(&att->pending, same);
	return iommu;
}

/* Nothing of the DEAD @atts is cached any more when this returns */
void ioasid_attach_flush(struct ioasid_attachments *all, struct list_head *atts)
{
	struct ioasid_attach *att;
	LIST_HEAD(done);
	void *iommu;

	lockdep_assert_held(&all->lock);

	list_for_each_entry(att, atts, pending)
		att->clean = true;
	while (!list_empty(atts)) {
		LIST_HEAD(same);

		iommu = ioasid_attach_cut(all, atts, &same);
		all->ops->flush(iommu, &same);
		list_splice_tail(&same, &done);
	}
	list_splice(&done, atts);
	list_for_each_entry(att, atts, pending)
		all->ops->clear(att, true);
}

/* Those of the DEAD @atts that mm release has not flushed already */
static void ioasid_attach_flush_dirty(struct ioasid_attachments *all,
				      struct list_head *atts)
{
	struct ioasid_attach *att, *next;
	LIST_HEAD(dirty);

	list_for_each_entry_safe(att, next, atts, pending)
		if (!att->clean)
			list_move_tail(&att->pending, &dirty);
	ioasid_attach_flush(all, &dirty);
	list_splice(&dirty, atts);
}

/*
 * Only such an attachment sees to it that the device has fault parameters for as
 * long as it is there.
 */
bool ioasid_attach_may_ask(struct ioasid_attach *att)
{
	return att->set_up && att->domain->iopf_handler;
}

/* Flushes those of the DEAD @atts that are not, and keeps who is to be drained */
static void ioasid_attach_settle(struct ioasid_attachments *all,
				 struct list_head *atts)
{
	struct ioasid_attach *att, *next;

	lockdep_assert_held(&all->lock);

	ioasid_attach_flush_dirty(all, atts);
	list_for_each_entry_safe(att, next, atts, pending) {
		if (ioasid_attach_may_ask(att))
			continue;
		ioasid_attach_set_state(all, att, IOASID_ATTACH_FLUSHED);
		list_del_init(&att->pending);
	}
}

/* Is one of @atts of @set or of @dev? */
static bool ioasid_attach_has(struct list_head *atts, struct ioasid_set *set,
			      struct device *dev)
{
	struct ioasid_attach *att;

	list_for_each_entry(att, atts, pending)
		if ((set && att->set == set) || att->dev == dev)
			return true;
	return false;
}

/* Is something left to be drained, of @set or of @dev? */
static bool ioasid_attach_is_left(struct ioasid_attachments *all,
				  struct ioasid_set *set, struct device *dev)
{
	lockdep_assert_held(&all->lock);

	return ioasid_attach_has(&all->pending, set, dev) ||
	       ioasid_attach_has(&all->draining, set, dev);
}

/*
 * Drains what is there, and takes it off the list: FLUSHED. Nobody else touches
 * such attachments: FREE wants LIVE ones, mm release dirty ones, and a detach
 * takes drain_lock.
 */
static void ioasid_attach_drain(struct ioasid_attachments *all)
{
	struct ioasid_attach *att, *next;
	struct device *last = NULL;

	lockdep_assert_held(&all->drain_lock);
	lockdep_assert_not_held(&all->lock);

	/* Once for each device: a drain takes all of it that are dead */
	list_for_each_entry(att, &all->draining, pending) {
		if (att->dev != last)
			all->ops->drain(att->dev, att->pasid);
		last = att->dev;
		iopf_queue_discard_pasid(att->dev, att->pasid);
	}

	guard(mutex)(&all->lock);

	list_for_each_entry_safe(att, next, &all->draining, pending) {
		ioasid_attach_set_state(all, att, IOASID_ATTACH_FLUSHED);
		list_del_init(&att->pending);
	}
}

/* All that is pending, of @set or @dev and of others */
void ioasid_attach_finish_all(struct ioasid_attachments *all,
			      struct ioasid_set *set, struct device *dev)
{
	scoped_guard(mutex, &all->lock) {
		ioasid_attach_settle(all, &all->pending);
		if (!ioasid_attach_is_left(all, set, dev))
			return;
	}

	guard(mutex)(&all->drain_lock);

	scoped_guard(mutex, &all->lock) {
		ioasid_attach_settle(all, &all->pending);
		ioasid_attach_sort(&all->pending, ioasid_attach_dev);
		list_splice_init(&all->pending, &all->draining);
	}
	ioasid_attach_drain(all);
}

/* For one now, whatever SYNC will do: never waits for an event */
void ioasid_attach_finish(struct ioasid_attachments *all,
			  struct ioasid_attach *att)
{
	LIST_HEAD(one);

	scoped_guard(mutex, &all->lock) {
		ioasid_attach_quiet(all, att);
		/* What is dirty, or will not be drained, is not draining */
		if (att->state == IOASID_ATTACH_DEAD &&
		    (!att->clean || !ioasid_attach_may_ask(att))) {
			list_move(&att->pending, &one);
			ioasid_attach_settle(all, &one);
			list_splice(&one, &all->pending);
		}
		if (att->state == IOASID_ATTACH_FLUSHED)
			return;
	}

	guard(mutex)(&all->drain_lock);

	scoped_guard(mutex, &all->lock) {
		if (att->state == IOASID_ATTACH_FLUSHED)
			return;
		list_move(&att->pending, &all->draining);
	}
	ioasid_attach_drain(all);
}
