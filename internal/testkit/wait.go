// Package testkit is what tests share: bounded waits, what a machine may lack,
// words from a pipe, folders, terminals and fake workers. It knows nothing of
// rpcd's own packages, so that the tests inside each of them can import it.
package testkit

import (
	"runtime"
	"testing"
	"time"
)

// Limit bounds a wait that should be short. It asserts nothing about speed: it
// is long enough for a loaded machine.
const Limit = 2 * time.Minute

// Within runs f and fails the test when f hangs. f may end the test, and may
// wait for Limit itself: so Within waits for twice as long. A hanging f goes on
// in its goroutine, and the failure shows the stacks of all.
func Within(t testing.TB, what string, f func()) {
	t.Helper()
	within(t, 2*Limit, what, f)
}

func within(t testing.TB, limit time.Duration, what string, f func()) {
	t.Helper()
	over := make(chan bool, 1)
	go func() {
		returned := false
		defer func() { over <- returned }()
		f()
		returned = true
	}()
	select {
	case returned := <-over:
		if !returned { // t.FailNow or t.SkipNow: they end the goroutine that they are called in
			runtime.Goexit()
		}
	case <-time.After(limit):
		stacks := make([]byte, 1<<20)
		t.Fatalf("%s hangs:\n%s", what, stacks[:runtime.Stack(stacks, true)])
	}
}

// Eventually asks again and again until ok, and ever less often: to ask costs time that
// the tests beside need. After Limit the test has failed, but goes on.
func Eventually(t testing.TB, what string, ok func() bool) bool {
	t.Helper()
	pause := 5 * time.Millisecond
	for end := time.Now().Add(Limit); time.Now().Before(end); time.Sleep(pause) {
		if ok() {
			return true
		}
		pause = min(pause*5/4, 100*time.Millisecond)
	}
	t.Errorf("waited in vain: %s", what)
	return false
}
