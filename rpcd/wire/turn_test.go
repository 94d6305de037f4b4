package wire

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What a side of a bridged call says when it has nothing of its own to say. Each
// step is something that comes; what goes out within 10 ms stands behind it, with
// its flags.
func TestTurn(t *testing.T) {
	heartbeat := func(flags uint16) []byte { return Frame(TypeHeartbeat, 0, flags, nil) }
	answer := func(r *Relay) { _ = r.Write(Frame(TypeEnd, 9, 0, nil)) }
	for what, steps := range map[string][]struct {
		come func(*Relay)
		want string
	}{
		"silence":           {{func(*Relay) {}, ""}},
		"DATA":              {{func(r *Relay) { _ = handle(r, data(0, "x")) }, "HEARTBEAT 1"}},
		"DATA, an answer":   {{func(r *Relay) { _ = handle(r, data(0, "x")); answer(r) }, "END 0"}},
		"STARTED":           {{(*Relay).Heard, "HEARTBEAT 1"}},
		"HEARTBEAT":         {{func(r *Relay) { beat(r, heartbeat(0)) }, ""}},
		"HEARTBEAT, ANSWER": {{func(r *Relay) { beat(r, heartbeat(FlagAnswer)) }, "HEARTBEAT 0"}},
		"CREDIT":            {{func(r *Relay) { _ = handle(r, credit(1, 5)) }, ""}},
		"CREDIT, ANSWER": {{func(r *Relay) {
			b := credit(1, 5)
			b[3] = FlagAnswer
			_ = handle(r, b)
		}, "HEARTBEAT 0"}},
		"half a frame": {{func(r *Relay) {
			body, w := io.Pipe()
			go func() { _ = r.Handle(Header{TypeData, 0, 0, 4}, body) }()
			_, _ = w.Write([]byte("abc"))
			time.AfterFunc(time.Second, func() { w.Close() })
		}, "HEARTBEAT 0"}},
		"an answer in time": {
			{func(r *Relay) { _ = handle(r, data(0, "x")) }, "HEARTBEAT 1"},
			{func(r *Relay) { beat(r, heartbeat(0)) }, ""},
			{func(r *Relay) { answer(r); beat(r, heartbeat(0)) }, "END 0"},
		},
		"a late answer": {
			{func(r *Relay) { _ = handle(r, data(0, "x")) }, "HEARTBEAT 1"},
			{func(r *Relay) { answer(r); beat(r, heartbeat(0)) }, "END 0 HEARTBEAT 0"},
			{func(r *Relay) { beat(r, heartbeat(0)) }, ""},
		},
		"after EXIT": {{func(r *Relay) {
			_ = r.WriteLast(Frame(TypeExit, 0, 0, nil))
			_ = handle(r, data(0, "x"))
		}, "EXIT 0"}},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s sink
				r := NewRelay(s.write)
				r.Bridged(func() bool { return false })
				r.In(0, 100, 100, (*In).Manual)
				r.Out(1, 100)
				for _, step := range steps {
					step.come(r)
					time.Sleep(10 * time.Millisecond)
					synctest.Wait()
					if got := s.said(t); got != step.want {
						t.Errorf("said %q, want %q", got, step.want)
					}
				}
				r.Abort(errCut)
				time.Sleep(2 * time.Second) // half a frame ends before
			})
		})
	}
}

func beat(r *Relay, frame []byte) {
	h, _ := ParseHeader(frame)
	r.Heartbeat(h)
}

// said gives the frames that went out, each with its flags.
func (s *sink) said(t *testing.T) string {
	var all []string
	for s.Len() > 0 {
		h, _ := s.next(t)
		all = append(all, fmt.Sprint(h.Type, " ", h.Flags))
	}
	return strings.Join(all, " ")
}
