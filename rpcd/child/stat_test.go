package child

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// statLine is /proc/PID/stat up to num_threads (proc(5)).
func statLine(name []byte, state byte, threads int) []byte {
	return fmt.Appendf(nil, "17 (%s) %c %s%d 0 4242\n", name, state, strings.Repeat("7 ", 16), threads)
}

// FuzzParseLiving: whatever a process's name holds, its state is read right, and
// no line makes the reader panic.
func FuzzParseLiving(f *testing.F) {
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil || !parseLiving(own) {
		f.Fatalf("this process doesn't live: %q, %v", own, err)
	}
	for _, name := range []string{"sh", "a b", ") Z 1 99 (", "(", ")", "x) S 1 7 7", "\n\xff\x00"} {
		f.Add(own, []byte(name), byte('S'), 1)
		f.Add(own, []byte(name), byte('Z'), 2)
	}
	for _, line := range []string{"", " ", "1", "1 (", "1 ()", "1 ) S", "1 (x) S 1", "1 (x)  S  1  -1 "} {
		f.Add([]byte(line), []byte("x"), byte('Z'), 1)
	}
	f.Fuzz(func(t *testing.T, line, name []byte, state byte, threads int) {
		parseLiving(line)
		if state < 'A' || state > 'z' {
			return
		}
		want := state != 'Z' && state != 'X' || threads > 1
		if made := statLine(name, state, threads); parseLiving(made) != want {
			t.Fatalf("%q: want %v", made, want)
		}
	})
}
