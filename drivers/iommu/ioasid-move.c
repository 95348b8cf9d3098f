// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID: sets that get another mm.
 *
 * A device can go on for a guest while its VMM is exchanged for another process
 * (live update). The set then belongs to the new one. Whoever subscribes to the
 * old mm is told UNBIND for each number that is bound, and whoever subscribes to
 * the new one BIND. For subscribers of the set, and of all sets, nothing
 * changes.
 *
 * BIND comes first, because it can be refused: then UNBIND takes it back, and
 * nobody of the old mm has noticed. Afterwards nothing can fail.
 *
 * The old and the new struct ioasid_evt are both locked, so that no event of the
 * set is on its way: each number is bound for the subscribers of one of them,
 * and an event that waits for the lock of the old one finds the new one, see
 * ioasid_evt_lock(). Neither lock is waited for, so that there is no order of
 * the two, and a caller may have locks that a handler waits for.
 */
#include <linux/export.h>
#include <linux/sched.h>

#include "ioasid-internal.h"

/* Of what was put there for @set, the numbers below @end */
static void ioasid_move_forget(struct ioasid_evt *evt, struct ioasid_set *set,
			       unsigned long end)
{
	struct ioasid_entry *e;
	unsigned long id;

	xa_for_each(&evt->bound, id, e) {
		if (id >= end)
			break;
		if (e->set == set)
			xa_erase(&evt->bound, id);
	}
}

static void ioasid_move_unbind(struct ioasid_evt *evt, struct ioasid_set *set,
			       unsigned long end)
{
	struct ioasid_entry *e;
	unsigned long id;

	xa_for_each(&evt->bound, id, e) {
		if (id >= end)
			break;
		if (e->set == set)
			ioasid_send_move(evt, IOASID_UNBIND, e);
	}
}

/* All of @set that is bound becomes so in @to as well, or none */
static int ioasid_move_bind(struct ioasid_evt *from, struct ioasid_evt *to,
			    struct ioasid_set *set)
{
	struct ioasid_entry *e;
	unsigned long id;
	int ret = 0;

	xa_for_each(&from->bound, id, e) {
		if (e->set != set)
			continue;
		ret = xa_insert(&to->bound, id, e, GFP_KERNEL_ACCOUNT);
		if (ret)
			goto out_forget;
	}
	xa_for_each(&from->bound, id, e) {
		if (e->set != set)
			continue;
		ret = ioasid_send_move(to, IOASID_BIND, e);
		if (ret)
			goto out_unbind;
	}
	return 0;

out_unbind:
	ioasid_move_unbind(to, set, id);
	id = ULONG_MAX;
out_forget:
	ioasid_move_forget(to, set, id);
	return ret;
}

static int ioasid_move_locked(struct ioasid_evt *from, struct ioasid_evt *to,
			      struct ioasid_set *set)
{
	struct ioasid_sender sender;
	unsigned long flags;
	int ret;

	lockdep_assert_held(&from->lock);
	lockdep_assert_held(&to->lock);

	ioasid_sender_begin(&sender);
	ret = ioasid_move_bind(from, to, set);
	if (!ret) {
		ioasid_move_unbind(from, set, ULONG_MAX);
		ioasid_move_forget(from, set, ULONG_MAX);
	}
	ioasid_sender_end(&sender);
	if (ret)
		return ret;

	ioasid_lock(flags);
	to->users++;
	WRITE_ONCE(set->evt, to);
	WRITE_ONCE(set->token, to->mm);
	ioasid_unlock(flags);
	return 0;
}

static int ioasid_move(struct ioasid_set *set, struct ioasid_evt *to)
{
	struct ioasid_evt *from;
	int ret = -EBUSY;

	if (!ioasid_evt_trylock(set))
		return -EBUSY;
	from = set->evt;
	if (from == to) {
		mutex_unlock(&from->lock);
		return 0;
	}
	if (mutex_trylock(&to->lock)) {
		ret = ioasid_move_locked(from, to, set);
		mutex_unlock(&to->lock);
	}
	mutex_unlock(&from->lock);
	/* The set's own reference */
	if (!ret)
		ioasid_evt_put(from);
	return ret;
}

/**
 * ioasid_set_move() - Give a set to another mm.
 * @set: The set, of type %IOASID_SET_TYPE_MM; the caller holds a reference.
 * @mm: Its token from now on. The mm_struct is kept (mmgrab), its address space
 *	is not.
 *
 * Subscribers of @mm get BIND for each IOASID that is bound, those of the old
 * token UNBIND. The IOASIDs stay what they are, and so does the guarantee. Who
 * was charged goes on paying, as for other resources of the misc cgroup. On
 * failure nothing changes; who had agreed gets UNBIND.
 *
 * Context: Process context. May sleep, but waits for no event of another task.
 * Not from a handler of an event.
 * Return:
 * * %0 - done, or @set had this token before
 * * %-EINVAL - no @set, or one of another type, or no @mm
 * * %-EBUSY - an event runs for a set of one of the two
 * * %-ENOMEM - out of memory
 * * %-EDEADLK - called from a handler of an event
 * * the error of the subscriber of @mm that refused
 */
int ioasid_set_move(struct ioasid_set *set, struct mm_struct *mm)
{
	struct ioasid_evt *evt;
	int ret;

	might_sleep();
	if (!set || set->type != IOASID_SET_TYPE_MM || !mm)
		return -EINVAL;
	if (ioasid_in_handler())
		return -EDEADLK;

	evt = ioasid_evt_get(mm);
	if (!evt)
		return -ENOMEM;
	ret = ioasid_move(set, evt);
	ioasid_evt_put(evt);
	return ret;
}
EXPORT_SYMBOL_GPL(ioasid_set_move);
