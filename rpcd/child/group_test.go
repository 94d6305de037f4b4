package child

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzParseStat: whatever a process's name holds, group and state are read right,
// and no line makes the reader panic.
func FuzzParseStat(f *testing.F) {
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		f.Fatal(err)
	}
	if group, living := parseStat(own); !living || group != unix.Getpgrp() {
		f.Fatalf("this process has group %d (%v), not %d", group, living, unix.Getpgrp())
	}
	for _, name := range []string{"sh", "a b", ") Z 1 99 (", "(", ")", "x) S 1 7 7", "\n\xff\x00"} {
		f.Add(own, []byte(name), byte('S'), 4242)
	}
	for _, line := range []string{"", " ", "1", "1 (", "1 ()", "1 ) S", "1 (x) S 1", "1 (x) S 1 x", "1 (x)  S  1  -1 ", "1 (x) S 1 99999999999999999999"} {
		f.Add([]byte(line), []byte("x"), byte('Z'), 0)
	}
	f.Fuzz(func(t *testing.T, line, name []byte, state byte, group int) {
		if got, living := parseStat(line); living && !bytes.Contains(line, fmt.Append(nil, got)) && !bytes.ContainsAny(line, "+0") {
			t.Fatalf("%q: group %d", line, got)
		}
		if state < 'A' || state > 'z' {
			return
		}
		made := fmt.Appendf(nil, "17 (%s) %c 1 %d %d 0 -1 4194560 0 0\n", name, state, group, group)
		got, living := parseStat(made)
		if got != group || living != (state != 'Z' && state != 'X') {
			t.Fatalf("%q: group %d, living %v", made, got, living)
		}
	})
}
