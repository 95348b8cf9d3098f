# The targets are thin: all work is done by the commands in harness/, and each
# of them sets up what it needs. KERNEL_SRC= and QEMU_SRC= take a directory or a
# tarball instead of Debian's source packages.

export KERNEL_SRC QEMU_SRC JOBS

# The commands are parallel by themselves.
.NOTPARALLEL:

.PHONY: help
help:
	@echo 'make demo        a guest and a process die while their devices work: with and without the series (ARCH=arm64: on Arm)'
	@echo 'make check       all that must be good before a change goes in; ends with "N passed, N failed"'
	@echo 'make check-core  the unit tests of the core only, in User Mode Linux'
	@echo 'make check-x86   the tests on the emulated Intel VT-d only'
	@echo 'make check-arm64 the tests on the emulated Arm SMMUv3 only'
	@echo 'make check-full  all of check, each patch built alone, and the longer tests'
	@echo 'make mutate      one-line defects, each of which must fail a test; "mutate-core": those of the core'
	@echo 'make bench       what the core and a death in hardware cost; tables, no verdict'
	@echo 'make soak        10,000 processes die while their devices wait for pages; hours (N=: another number)'
	@echo 'make series      the patches, in build/series/'
	@echo 'make clean       removes build/ (the cache stays: $${XDG_CACHE_HOME:-~/.cache}/ioasid)'
	@echo
	@echo 'KERNEL_SRC=, QEMU_SRC=: a source tree or tarball instead of the package; JOBS=: processors to use'

.PHONY: demo
ARCH ?= x86
demo:
	@[ '$(ARCH)' = x86 ] || [ '$(ARCH)' = arm64 ] || \
		{ echo 'demo: ARCH=$(ARCH): there is a demo on x86 and on arm64' >&2; exit 1; }
	@harness/prereq kernel guest qemu $(filter arm64,$(ARCH))
	@harness/assemble
	@harness/demo $(ARCH)

.PHONY: check check-core check-x86 check-arm64 check-full
check:
	@harness/check ci
check-core:
	@harness/check core
check-x86:
	@harness/check x86
check-arm64:
	@harness/check arm64
check-full:
	@harness/check full

.PHONY: mutate mutate-core
mutate:
	@harness/prereq kernel guest qemu
	@harness/mutate
mutate-core:
	@harness/prereq kernel
	@harness/mutate uml

.PHONY: bench
bench:
	@harness/prereq kernel arm64 guest qemu
	@harness/bench
	@harness/bench-iommu vtd
	@harness/bench-iommu smmu

.PHONY: soak
soak:
	@harness/prereq kernel arm64 guest qemu
	@harness/soak $(N)

.PHONY: series
series:
	@harness/prereq base
	@harness/assemble

.PHONY: clean
clean:
	rm -rf build
