package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"rpcd/rpcd/wire"
)

// The halves of what a stranger sends are a whole frame, where it completes it.
func TestStrangerMessage(t *testing.T) {
	for kind, want := range map[strangerKind]wire.Type{stickyPing: wire.TypePing, stickyProbe: wire.TypeCall} {
		first, rest := (&strange{kind: kind, id: "1"}).message()
		frame := bytes.NewReader(append(first, rest...))
		h, err := wire.ReadHeader(frame)
		if err == nil {
			_, err = wire.ReadPayload(frame, h)
		}
		if err != nil || h.Type != want || frame.Len() > 0 {
			t.Errorf("%s: %+v, %v, %d bytes more", kind, h, err, frame.Len())
		}
	}
	first, rest := (&strange{kind: stickyHalf}).message()
	if len(first) == 0 || len(rest) > 0 || len(first) == len(wire.Question(wire.TypePing)) {
		t.Errorf("half a frame has %d and %d bytes", len(first), len(rest))
	}
}

// The table has a row for each kind, and says what was left out.
func TestStrangersTable(t *testing.T) {
	s := &strangers{kinds: stickyKinds, leftOut: errors.New("no fuse"), made: map[strangerKind]int{stickyHalf: 7}}
	text := s.String()
	for _, kind := range stickyKinds {
		if !strings.Contains(text, "| "+string(kind)) {
			t.Errorf("no row of %s in %s", kind, text)
		}
	}
	if !strings.Contains(text, "| 7 ") || !strings.Contains(text, "left out: no fuse") {
		t.Error(text)
	}
}
