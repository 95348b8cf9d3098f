/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ioasid

#if !defined(_TRACE_IOASID_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_IOASID_H

#include <linux/ioasid.h>
#include <linux/tracepoint.h>

#define show_ioasid_state(state)				\
	__print_symbolic(state,					\
		{ 0,	"idle" },				\
		{ 1,	"active" },				\
		{ 2,	"free-pending" },			\
		{ 3,	"quarantine" },				\
		{ 4,	"free" })

#define show_ioasid_event(event)				\
	__print_symbolic(event,					\
		{ 1,	"FREE" },				\
		{ 2,	"BIND" },				\
		{ 3,	"UNBIND" },				\
		{ 4,	"ALLOC" },				\
		{ 5,	"SYNC" })

TRACE_EVENT(ioasid_alloc,

	TP_PROTO(unsigned int set, ioasid_t id, unsigned int used),

	TP_ARGS(set, id, used),

	TP_STRUCT__entry(
		__field(unsigned int,	set)
		__field(ioasid_t,	id)
		__field(unsigned int,	used)
	),

	TP_fast_assign(
		__entry->set	= set;
		__entry->id	= id;
		__entry->used	= used;
	),

	TP_printk("set=%u id=%u used=%u", __entry->set, __entry->id,
		  __entry->used)
);

TRACE_EVENT(ioasid_state,

	TP_PROTO(unsigned int set, ioasid_t id, unsigned int refs,
		 unsigned int old, unsigned int state),

	TP_ARGS(set, id, refs, old, state),

	TP_STRUCT__entry(
		__field(unsigned int,	set)
		__field(ioasid_t,	id)
		__field(unsigned int,	refs)
		__field(unsigned int,	old)
		__field(unsigned int,	state)
	),

	TP_fast_assign(
		__entry->set	= set;
		__entry->id	= id;
		__entry->refs	= refs;
		__entry->old	= old;
		__entry->state	= state;
	),

	TP_printk("set=%u id=%u refs=%u %s -> %s", __entry->set, __entry->id,
		  __entry->refs, show_ioasid_state(__entry->old),
		  show_ioasid_state(__entry->state))
);

TRACE_EVENT(ioasid_quota,

	TP_PROTO(unsigned int set, unsigned int want, unsigned int used,
		 unsigned int quota, int error),

	TP_ARGS(set, want, used, quota, error),

	TP_STRUCT__entry(
		__field(unsigned int,	set)
		__field(unsigned int,	want)
		__field(unsigned int,	used)
		__field(unsigned int,	quota)
		__field(int,		error)
	),

	TP_fast_assign(
		__entry->set	= set;
		__entry->want	= want;
		__entry->used	= used;
		__entry->quota	= quota;
		__entry->error	= error;
	),

	TP_printk("set=%u want=%u used=%u quota=%u error=%d", __entry->set,
		  __entry->want, __entry->used, __entry->quota, __entry->error)
);

TRACE_EVENT(ioasid_notify,

	TP_PROTO(unsigned int set, unsigned long event,
		 const struct ioasid_nb_args *args, void *handler, int ret),

	TP_ARGS(set, event, args, handler, ret),

	TP_STRUCT__entry(
		__field(unsigned int,	set)
		__field(unsigned int,	event)
		__field(ioasid_t,	id)
		__field(ioasid_t,	spid)
		__field(void *,		handler)
		__field(int,		ret)
	),

	TP_fast_assign(
		__entry->set		= set;
		__entry->event		= event;
		__entry->id		= args->id;
		__entry->spid		= args->spid;
		__entry->handler	= handler;
		__entry->ret		= ret;
	),

	TP_printk("set=%u %s id=%u spid=%d %ps ret=%d", __entry->set,
		  show_ioasid_event(__entry->event), __entry->id,
		  (int)__entry->spid, __entry->handler, __entry->ret)
);

#endif /* _TRACE_IOASID_H */

#include <trace/define_trace.h>
