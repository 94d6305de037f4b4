package refusal

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/directory"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/stream"
	"rpcd/rpcd/wire"
)

// Each limit has its own code and text for the callers that it refuses.
func TestRefusalsOfLimits(t *testing.T) {
	for _, c := range []struct {
		got  *wire.Refused
		code wire.Code
		text string
	}{
		{Of(&limit.FullError{Behind: "1 running (1 x)"}), wire.Busy, "is busy: 1 running (1 x)"},
		{Of(&limit.FullError{Behind: "1 running (1 x)", Waited: time.Minute}), wire.Busy, "is busy: waited 1m0s behind 1 running (1 x)"},
		{Of(limit.ErrClosed), wire.Draining, "is draining"},
		{TurnedAway(limit.OutOfDescriptors), wire.Busy, "is busy: it is at its limit of open files (ulimit -n)"},
		{TurnedAway(limit.TooManyConnections), wire.Busy, "is busy: too many connections wait for a call"},
		{TurnedAway(limit.Draining), wire.Draining, "is draining"},
		{TooManyFrames, wire.Busy, "is busy: too many calls with long argument lists are on their way"},
		{TooManyQuestions, wire.Busy, "is busy: too many ask what there is"},
	} {
		if c.got.Code != c.code || c.got.Text != c.text {
			t.Errorf("%d %q, want %d %q", c.got.Code, c.got.Text, c.code, c.text)
		}
	}
}

// The refusal doesn't say "not shared" of a directory that rpcd knows but can't
// enter.
// fault: 66
func TestNoDirectorysWords(t *testing.T) {
	const end = "\n" // of the text: nothing follows
	here := wire.Dir{Name: "/x", Proven: true}
	for _, c := range []struct {
		dir  wire.Dir
		err  error
		want string
	}{
		{here, unix.ENOENT, `doesn't share the directory "/x": no such`},
		{here, unix.ENOTDIR, "doesn't share the directory"},
		{here, directory.ErrOther, "doesn't share the directory"},
		{here, unix.EACCES, `cannot enter the directory "/x": permission denied (rpcd runs as `},
		{here, unix.EIO, `cannot enter the directory "/x": input/output error` + end},
		{wire.Dir{Proven: true}, directory.ErrNameless, `doesn't share the directory "": the caller's has no name` + end},
		{here, unix.ELOOP, `cannot enter the directory "/x": `},
		{wire.Dir{Name: "/x"}, unix.ENOENT, `has no directory "/x": no such`},
		{wire.Dir{Name: "/x"}, unix.EACCES, `cannot enter the directory "/x": permission denied`},
	} {
		if m := Of(&directory.CallerError{Dir: c.dir, Err: c.err}); m.Code != wire.NoDirectory || !strings.HasPrefix(m.Text+end, c.want) || (m.Reason == wire.NotShared) != strings.HasPrefix(c.want, "doesn't share") {
			t.Errorf("%v: %q, reason %d; want %q", c.err, m.Text, m.Reason, c.want)
		}
	}
}

// The text of a refusal says why the worker couldn't set up a stream.
func TestStreamRefusals(t *testing.T) {
	for _, c := range []struct {
		err  error
		want wire.Refused
	}{
		{stream.ErrTruncated, wire.Refused{Code: wire.Failed, Text: "couldn't take the descriptors: it is at its limit of open files (ulimit -n)"}},
		{&stream.CountError{Arrived: 1, Named: 2}, wire.Refused{Code: wire.Protocol, Text: "refuses: 1 descriptors arrived for 2 streams"}},
		{&stream.LimitError{Number: 200, Limit: 100}, wire.Refused{Code: wire.Failed, Text: "can't be given descriptor 200 with its limit of 100 open files (ulimit -n)"}},
		{&stream.BridgeError{Number: 3}, wire.Refused{Code: wire.Protocol, Text: "can't be given descriptor 3 through a bridge: it is no stream of one direction, nor a stream socket"}},
		{&stream.UnfitError{Number: 1, What: "a directory"}, wire.Refused{Code: wire.Protocol, Text: "refuses descriptor 1: it is a directory"}},
	} {
		if got := Of(c.err); *got != c.want {
			t.Errorf("%T: %+v, want %+v", c.err, got, c.want)
		}
	}
}
