// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID: /sys/kernel/tracing/events/ioasid
 */
#define CREATE_TRACE_POINTS
#include <trace/events/ioasid.h>
