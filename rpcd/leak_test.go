package rpcd

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"rpcd/internal/testkit"
	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// Many calls at once leave no goroutine behind, whether they end by themselves or
// their callers leave.
// fault: 32
func TestGoroutinesAfterCalls(t *testing.T) {
	rule, err := export.ParseRule("any")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Source: export.Commands("/usr/bin:/bin"), Allow: export.Rules{rule}, MaxCalls: 8, Queue: 500, QueueWait: testkit.Limit, Grace: time.Second, Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	var calls sync.WaitGroup
	for i := range 200 {
		calls.Add(1)
		go func() {
			defer calls.Done()
			if err := oneCall(s, i%4 == 0); err != nil {
				t.Error(err)
			}
		}()
	}
	calls.Wait()
	for began := time.Now(); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > testkit.Limit {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
	}
	wantLoad(t, s, 0, 0)
}

// oneCall makes a call over a socket pair. If leave is set, the caller leaves once
// the call runs; else it waits for the end.
func oneCall(s *Server, leave bool) error {
	theirs, ours, err := fdconn.Pair()
	if err != nil {
		return err
	}
	over := make(chan struct{})
	go func() { defer close(over); s.ServeConn(theirs) }()
	defer func() { ours.Close(); <-over }()
	call := wire.Call{Procedure: "true", Dir: wire.Dir{Name: "/"}}
	last := wire.TypeExit
	if leave {
		call.Procedure, call.Args = "sleep", []string{"1000"}
		last = wire.TypeStarted
	}
	if err := ours.WriteFrame(call.Append()); err != nil {
		return err
	}
	for {
		h, err := wire.ReadHeader(ours)
		if err != nil {
			return err
		}
		if _, err := wire.ReadPayload(ours, h); err != nil {
			return err
		}
		switch h.Type {
		case last:
			return nil
		case wire.TypeRefused:
			return fmt.Errorf("refused")
		}
	}
}
