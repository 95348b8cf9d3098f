/*
 * Counters of what the emulated IOMMU executed and reported
 *
 * A test judges a driver by what the hardware saw: the emulated IOMMU counts,
 * pasid-testdev shows the counters to the guest in a BAR.  The indexes are part
 * of that register map (PDT_CNT_*).
 *
 * There is one set of counters for the machine.  They never go back, also not
 * at reset: only differences mean something.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_MISC_IOMMU_COUNTERS_H
#define HW_MISC_IOMMU_COUNTERS_H

#include "hw/misc/pasid-testdev-regs.h"

/* Count one event; any thread.  An index out of range is ignored. */
void iommu_count(unsigned index);

/* Value of a counter; any thread.  0 for an index out of range. */
uint64_t iommu_counter(unsigned index);

#endif /* HW_MISC_IOMMU_COUNTERS_H */
