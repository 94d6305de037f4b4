package talk

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"rpcd/rpcd/wire"
)

// nothing is a socket on which nothing happens.
type nothing struct{ Socket }

func (nothing) SetDeadline(time.Time) error { return nil }

// The last size that a caller tells counts, and only a call with a terminal has one.
func TestWindow(t *testing.T) {
	window := func(c *Callee, w wire.Window) error {
		b := w.Append()
		h, err := wire.ParseHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		event, err := c.Handle(h, bytes.NewReader(b[wire.HeaderLen:]))
		if event != (Event{}) {
			t.Errorf("a WINDOW is the event %+v", event)
		}
		return err
	}
	with := NewCallee(NewConn(nothing{}), &wire.Call{Terminal: &wire.Terminal{}})
	for rows := range uint16(5) {
		if err := window(with, wire.Window{Rows: rows}); err != nil {
			t.Fatal(err)
		}
	}
	if w := <-with.Windows(); w.Rows != 4 {
		t.Errorf("the size is %+v", w)
	}
	without := NewCallee(NewConn(nothing{}), &wire.Call{})
	if err := window(without, wire.Window{}); !errors.Is(err, wire.ErrProtocol) {
		t.Errorf("a call without a terminal: %v", err)
	}
}
