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
 * nobody of the old mm has noticed. Afterwards nothing can fail. So a VMM with
 * several sets goes over with all of them or with none.
 *
 * The old and the new struct ioasid_evt are all locked, so that no event of the
 * sets is on its way: each number is bound for the subscribers of one of them,
 * and an event that waits for the lock of the old one finds the new one, see
 * ioasid_evt_lock(). No lock is waited for, so that there is no order of
 * them, and a caller may have locks that a handler waits for.
 */
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "ioasid-internal.h"

/*
 * @set is no more in @evt. The subscribers there, who have been told of the
 * numbers below @told, get UNBIND for these.
 */
static void ioasid_move_leave(struct ioasid_evt *evt, struct ioasid_set *set,
			      unsigned long told)
{
	struct ioasid_entry *e;
	unsigned long id;

	xa_for_each(&evt->bound, id, e) {
		if (e->set != set)
			continue;
		if (id < told)
			ioasid_send_move(evt, IOASID_UNBIND, e);
		xa_erase(&evt->bound, id);
	}
}

/* All of @set that is bound becomes so in @to as well, or none */
static int ioasid_move_bind(struct ioasid_evt *from, struct ioasid_evt *to,
			    struct ioasid_set *set)
{
	unsigned long id, told = 0;
	struct ioasid_entry *e;
	int ret = 0;

	xa_for_each(&from->bound, id, e) {
		if (e->set != set)
			continue;
		ret = xa_insert(&to->bound, id, e, GFP_KERNEL);
		if (ret)
			goto out_leave;
	}
	xa_for_each(&from->bound, id, e) {
		if (e->set != set)
			continue;
		ret = ioasid_send_move(to, IOASID_BIND, e);
		if (ret) {
			told = id;
			goto out_leave;
		}
	}
	return 0;

out_leave:
	ioasid_move_leave(to, set, told);
	return ret;
}

/* Takes back what ioasid_move_bind() did for the first @n */
static void ioasid_move_undo(struct ioasid_set *const *sets,
			     struct ioasid_evt *const *from, unsigned int n,
			     struct ioasid_evt *to)
{
	while (n--)
		if (from[n])
			ioasid_move_leave(to, sets[n], ULONG_MAX);
}

static int ioasid_move_locked(struct ioasid_set *const *sets,
			      struct ioasid_evt *const *from, unsigned int n,
			      struct ioasid_evt *to)
{
	unsigned long flags;
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++) {
		ret = from[i] ? ioasid_move_bind(from[i], to, sets[i]) : 0;
		if (ret) {
			ioasid_move_undo(sets, from, i, to);
			return ret;
		}
	}

	for (i = 0; i < n; i++) {
		if (!from[i])
			continue;
		ioasid_move_leave(from[i], sets[i], ULONG_MAX);
		ioasid_lock(flags);
		to->users++;
		WRITE_ONCE(sets[i]->evt, to);
		WRITE_ONCE(sets[i]->token, to->mm);
		ioasid_unlock(flags);
	}
	return 0;
}

/* Most of what is moved together has one in common: the search is short */
static bool ioasid_move_is_first(struct ioasid_evt *const *from, unsigned int i)
{
	for (unsigned int j = i; j--;)
		if (from[j] == from[i])
			return false;
	return true;
}

static void ioasid_move_unlock(struct ioasid_evt *const *from, unsigned int n)
{
	while (n--)
		if (from[n] && ioasid_move_is_first(from, n))
			mutex_unlock(&from[n]->lock);
}

/* Fills @from in: NULL for a set that has @to already. @to is locked. */
static bool ioasid_move_trylock(struct ioasid_set *const *sets,
				struct ioasid_evt **from, unsigned int n,
				struct ioasid_evt *to)
{
	for (unsigned int i = 0; i < n; i++) {
		from[i] = READ_ONCE(sets[i]->evt);
		/* What this set has stays so, because its lock is held */
		if (from[i] == to)
			from[i] = NULL;
		if (!from[i] || !ioasid_move_is_first(from, i))
			continue;
		if (!ioasid_evt_trylock(sets[i])) {
			ioasid_move_unlock(from, i);
			return false;
		}
		from[i] = sets[i]->evt;
	}
	return true;
}

static int ioasid_move(struct ioasid_set *const *sets, struct ioasid_evt **from,
		       unsigned int n, struct ioasid_evt *to)
{
	struct ioasid_sender sender;
	int ret = -EBUSY;

	if (!mutex_trylock(&to->lock))
		return -EBUSY;
	if (ioasid_move_trylock(sets, from, n, to)) {
		ioasid_sender_begin(&sender);
		ret = ioasid_move_locked(sets, from, n, to);
		ioasid_sender_end(&sender);
		ioasid_move_unlock(from, n);
	}
	mutex_unlock(&to->lock);
	if (ret)
		return ret;

	/* The references of the sets */
	for (unsigned int i = 0; i < n; i++)
		if (from[i])
			ioasid_evt_put(from[i]);
	return 0;
}

static bool ioasid_move_is_valid(struct ioasid_set *const *sets, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (!sets[i] || sets[i]->type != IOASID_SET_TYPE_MM)
			return false;
	return true;
}

/**
 * ioasid_set_move() - Give sets to another mm.
 * @sets: The sets, of type %IOASID_SET_TYPE_MM, none of them twice; the caller
 *	  holds references.
 * @n: How many there are.
 * @mm: Their token from now on. The mm_struct is kept (mmgrab), its address space
 *	is not.
 *
 * Subscribers of @mm get BIND for each IOASID that is bound, those of the old
 * token UNBIND. The IOASIDs stay what they are, and so does the guarantee. Who
 * was charged goes on paying, as for other resources of the misc cgroup. All sets
 * move or none: on failure nothing changes, and who had agreed gets UNBIND.
 *
 * Context: Process context. May sleep, but waits for no event of another task.
 * Not from a handler of an event.
 * Return:
 * * %0 - done; a set that had this token before is left alone
 * * %-EINVAL - a set is missing, or of another type, or no @mm
 * * %-EBUSY - an event runs for a set of one of the mms
 * * %-ENOMEM - out of memory
 * * %-EDEADLK - called from a handler of an event
 * * the error of the subscriber of @mm that refused
 */
int ioasid_set_move(struct ioasid_set *const *sets, unsigned int n,
		    struct mm_struct *mm)
{
	struct ioasid_evt **from, *to;
	int ret = -ENOMEM;

	might_sleep();
	if (!mm || !ioasid_move_is_valid(sets, n))
		return -EINVAL;
	if (ioasid_in_handler())
		return -EDEADLK;

	from = kvcalloc(n, sizeof(*from), GFP_KERNEL_ACCOUNT);
	to = ioasid_evt_get(mm);
	if (from && to)
		ret = ioasid_move(sets, from, n, to);
	if (to)
		ioasid_evt_put(to);
	kvfree(from);
	return ret;
}
EXPORT_SYMBOL_GPL(ioasid_set_move);
