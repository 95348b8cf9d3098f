// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID test device: a subscriber to all events, which counts them.
 */
#include <linux/ioasid.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>

#include "ioasid-ref.h"
#include "pasid-testdev.h"

/* Protects what has been counted */
static DEFINE_SPINLOCK(pdt_events_lock);
static struct pdt_events pdt_events;
/* Protects that there is one registration */
static DEFINE_MUTEX(pdt_events_register_lock);
static bool pdt_events_registered;

static int pdt_events_notify(struct notifier_block *nb, unsigned long event,
			     void *data)
{
	const struct ioasid_nb_args *args = data;
	struct pdt_events *e = &pdt_events;

	guard(spinlock)(&pdt_events_lock);
	switch (event) {
	case IOASID_FREE:
		e->free++;
		break;
	case IOASID_SYNC:
		e->sync++;
		break;
	case IOASID_BIND:
		e->bind++;
		e->id = args->id;
		e->spid = args->spid;
		break;
	case IOASID_UNBIND:
		e->unbind++;
		e->id = args->id;
		e->spid = args->spid;
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block pdt_events_nb = {
	.notifier_call = pdt_events_notify,
	.priority = IOASID_PRIO_DEVICE,
};

/**
 * pdt_events_read() - What has been counted since the first call.
 * @e: Filled in.
 *
 * Return: 0, or what ioasid_register_notifier() said at the first call.
 */
int pdt_events_read(struct pdt_events *e)
{
	int ret = 0;

	scoped_guard(mutex, &pdt_events_register_lock) {
		if (!pdt_events_registered)
			ret = ioasid_register_notifier(NULL, &pdt_events_nb);
		pdt_events_registered |= !ret;
	}
	if (ret)
		return ret;
	guard(spinlock)(&pdt_events_lock);
	*e = pdt_events;
	return 0;
}
