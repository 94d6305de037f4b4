package rig

import "testing"

func TestParseField(t *testing.T) {
	const status = "Name:\tVmHWM:\nVmHWM:\t    1120 kB\nVmRSS:\t 900 kB\nThreads:\t3\nVmSwap:\t x kB\n"
	for name, want := range map[string]int64{"VmHWM": 1120 << 10, "VmRSS": 900 << 10, "Threads": 0, "VmSwap": 0, "Vm": 0} {
		if got := parseField(status, name); got != want {
			t.Errorf("parseField(%q) = %d, want %d", name, got, want)
		}
	}
}
