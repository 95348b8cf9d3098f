/*
 * Counters of what the emulated IOMMU executed and reported
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/stats64.h"
#include "hw/misc/iommu-counters.h"

/* Atomic: faults are counted by whatever thread does the DMA */
static Stat64 counters[PDT_NR_COUNTERS];

void iommu_count(unsigned index)
{
    if (index < PDT_NR_COUNTERS) {
        stat64_add(&counters[index], 1);
    }
}

uint64_t iommu_counter(unsigned index)
{
    return index < PDT_NR_COUNTERS ? stat64_get(&counters[index]) : 0;
}
