package testkit

import (
	"io"
	"strconv"
	"testing"
)

// Line reads one line without its end, byte by byte: what follows stays in r.
// Its lack fails the test, which goes on.
func Line(t testing.TB, r io.Reader) string {
	t.Helper()
	var line []byte
	Within(t, "a line", func() {
		var b [1]byte
		for {
			if _, err := io.ReadFull(r, b[:]); err != nil {
				t.Errorf("no line: %q, %v", line, err)
				return
			}
			if b[0] == '\n' {
				return
			}
			line = append(line, b[0])
		}
	})
	return string(line)
}

// noProcess is above each process's number (PID_MAX_LIMIT, proc_sys_kernel(5)). So
// a test that signals it hits nobody, while 0 would be the test's own group.
const noProcess = 1<<22 + 1

// PID reads a process's number, alone on its line. Another line fails the test,
// which goes on with a number that no process has.
func PID(t testing.TB, r io.Reader) int {
	t.Helper()
	line := Line(t, r)
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Errorf("no pid: %q", line)
		return noProcess
	}
	return pid
}
