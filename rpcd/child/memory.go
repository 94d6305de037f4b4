package child

import (
	"bytes"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// A new process shares rpcd's memory until its execve(2), which counts the most
// that rpcd ever had as the process's own (ru_maxrss, getrusage(2); exec_mmap in
// fs/exec.c). So a small maximum is rpcd's, and only a larger one is known.

// rpcdPeak is rpcd's largest resident set as far as it was looked at, in KiB.
var rpcdPeak struct {
	sync.Mutex
	kib uint64
}

// ownMemory gives the largest resident set of an ended child, in KiB, of what the
// kernel says; 0: it isn't known.
func ownMemory(maxrss uint64) uint64 {
	rpcdPeak.Lock()
	defer rpcdPeak.Unlock()
	if maxrss <= mayInherit(rpcdPeak.kib) {
		return 0 // most calls, for the price of a comparison
	}
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) == nil && maxrss > mayInherit(uint64(usage.Maxrss)) {
		return maxrss
	}
	// Of rpcd's own maximum, too, a part may be of the process that started rpcd.
	rpcdPeak.kib = max(rpcdPeak.kib, memoryPeak())
	if maxrss <= mayInherit(rpcdPeak.kib) {
		return 0
	}
	return maxrss
}

// mayInherit is up to where a maximum may be inherited from a process with that
// peak. Since Linux 6.2 the two may differ by some pages for each processor, of
// which the kernel keeps separate sums (percpu_counter).
func mayInherit(peak uint64) uint64 { return peak + peak/8 + 1<<10 }

// memoryPeak gives this process's largest resident set, in KiB (VmHWM, proc(5));
// 0: the kernel doesn't tell.
func memoryPeak() uint64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	words := bytes.Fields(rest[:min(len(rest), 32)])
	if len(words) == 0 {
		return 0
	}
	kib, _ := strconv.ParseUint(string(words[0]), 10, 64)
	return kib
}
