package child

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// statusText is what matters of /proc/PID/status (proc(5)).
func statusText(name []byte, state byte, threads int) []byte {
	name = bytes.ReplaceAll(bytes.ReplaceAll(name, []byte("\\"), []byte("\\\\")), []byte("\n"), []byte("\\n"))
	return fmt.Appendf(nil, "Name:\t%s\nUmask:\t0022\nState:\t%c (sleeping)\nTgid:\t17\nThreads:\t%d\nSigQ:\t0/9\n", name, state, threads)
}

// FuzzParseLiving: whatever a process's name holds, its state is read right, and
// no text makes the readers panic.
func FuzzParseLiving(f *testing.F) {
	own, err := os.ReadFile("/proc/self/status")
	if err != nil || !parseLiving(own) {
		f.Fatalf("this process doesn't live: %q, %v", own, err)
	}
	for _, name := range []string{"sh", "a b", "State:\tZ", "Threads:\t1", "x\nThreads:\t9\n", "\n\xff\x00", "\\n"} {
		f.Add(own, []byte(name), byte('S'), 1)
		f.Add(own, []byte(name), byte('Z'), 2)
	}
	for _, line := range []string{"", " ", "1 (x) S 1", "State:", "State:\n", "Threads:", "Threads:\t\n", ":"} {
		f.Add([]byte(line), []byte("x"), byte('Z'), 1)
	}
	f.Fuzz(func(t *testing.T, line, name []byte, state byte, threads int) {
		parseLiving(line)
		parseExecuted(line)
		if state < 'A' || state > 'z' {
			return
		}
		want := threads > 1 || threads == 1 && state != 'Z' && state != 'X'
		if made := statusText(name, state, threads); parseLiving(made) != want {
			t.Fatalf("%q: want %v", made, want)
		}
	})
}
