package rpcd

import (
	"testing"

	"rpcd/rpcd/stream"
	"rpcd/rpcd/wire"
)

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
