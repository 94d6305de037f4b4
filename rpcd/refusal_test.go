package rpcd

import (
	"testing"
	"time"

	"rpcd/rpcd/limit"
	"rpcd/rpcd/stream"
	"rpcd/rpcd/wire"
)

// Whoever waits or is turned away reads why.
func TestRefusalsOfLimits(t *testing.T) {
	for _, c := range []struct {
		got  *wire.Refused
		code wire.Code
		text string
	}{
		{refusal(&limit.FullError{Behind: "1 running (1 x)"}), wire.Busy, "is busy: 1 running (1 x)"},
		{refusal(&limit.FullError{Behind: "1 running (1 x)", Waited: time.Minute}), wire.Busy, "is busy: waited 1m0s behind 1 running (1 x)"},
		{refusal(limit.ErrClosed), wire.Draining, "is draining"},
		{refusalOf(limit.OutOfDescriptors), wire.Busy, "is busy: it is at its limit of open files (ulimit -n)"},
		{refusalOf(limit.TooManyConnections), wire.Busy, "is busy: too many connections wait for a call"},
		{refusalOf(limit.Draining), wire.Draining, "is draining"},
		{refusedLongFrame, wire.Busy, "is busy: too many calls with long argument lists are on their way"},
		{refusedList, wire.Busy, "is busy: too many ask what there is"},
	} {
		if c.got.Code != c.code || c.got.Text != c.text {
			t.Errorf("%d %q, want %d %q", c.got.Code, c.got.Text, c.code, c.text)
		}
	}
}

// What a caller reads when its streams can't be had.
func TestStreamRefusals(t *testing.T) {
	for _, c := range []struct {
		err  error
		want wire.Refused
	}{
		{stream.ErrTruncated, wire.Refused{Code: wire.Failed, Text: "couldn't take the descriptors: it is at its limit of open files (ulimit -n)"}},
		{&stream.CountError{Arrived: 1, Named: 2}, wire.Refused{Code: wire.Protocol, Text: "refuses: 1 descriptors arrived for 2 streams"}},
		{&stream.BridgeError{Number: 3}, wire.Refused{Code: wire.Protocol, Text: "can't be given descriptor 3: only streams 0 to 2 cross a bridge"}},
		{&stream.UnfitError{Number: 1, What: "a directory"}, wire.Refused{Code: wire.Protocol, Text: "refuses descriptor 1: it is a directory"}},
	} {
		if got := refusal(c.err); *got != c.want {
			t.Errorf("%T: %+v, want %+v", c.err, got, c.want)
		}
	}
}
