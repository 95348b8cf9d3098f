/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the benchmark share.
 *
 * ioasid_bench.c		what is measured, and how often
 * ioasid_bench_contenders.c	the allocators that are compared
 */
#ifndef __IOASID_BENCH_H
#define __IOASID_BENCH_H

#include <linux/types.h>

/* Most numbers that are out, and most that one set has */
#define BENCH_MOST	1000000U

/**
 * struct bench_allocator - something that gives and takes numbers
 * @name: in the results
 * @start: before the first number; @n are going to be out
 * @alloc: gets @n numbers
 * @free: gives @n numbers back
 * @drain: waits until work that was put off by @free is done; NULL: there is none
 * @stop: after the last number was given back
 *
 * A call is for many numbers, so that the indirect call costs nothing. @start
 * and @alloc return 0 or an errno.
 */
struct bench_allocator {
	const char *name;
	int (*start)(unsigned int n);
	int (*alloc)(u32 *ids, unsigned int n);
	void (*free)(const u32 *ids, unsigned int n);
	void (*drain)(void);
	void (*stop)(void);
};

/* NULL-terminated; [0] is IOASID, [1] what it is compared with */
extern const struct bench_allocator * const bench_allocators[];

/**
 * struct bench_look_up - a way to find the data of a number
 * @name: in the results
 * @find: looks up @n numbers; returns how many were found, with their data
 * @of: whose numbers, an index of bench_allocators
 */
struct bench_look_up {
	const char *name;
	unsigned int (*find)(const u32 *ids, unsigned int n);
	unsigned int of;
};

extern const struct bench_look_up bench_look_ups[];

/* The set of the IOASID contender while it has numbers */
struct ioasid_set *bench_set(void);

#endif /* __IOASID_BENCH_H */
