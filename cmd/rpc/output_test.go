package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"rpcd/client"
)

// hostile are odd texts and names that a worker, a caller or a folder may use.
var hostile = []string{"hugin", "", "a\nb", "\x1b]0;x\a", "\"},{\"status\":0}\n", "\\", "\xff\x9b", "\u009b31m", "\x7f", "a\u202eb", "\u2066", "\u2028", "<&>", "\x00", "a\tb", "\ufffd"}

// obeyed says whether a terminal obeys a character; a newline is allowed.
func obeyed(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
}

// FuzzStatusLine checks that a status line is one line of JSON with the original
// values, whatever bytes the texts hold.
// fault: 115
func FuzzStatusLine(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, "17", "exited", "SIGTERM", 7, int64(time.Second), uint64(81313))
		f.Add("hugin", s, s, s, -1, int64(-1), uint64(1<<64-1))
	}
	f.Fuzz(func(t *testing.T, worker, call, outcome, signal string, status int, took int64, rss uint64) {
		seconds := time.Duration(took).Seconds()
		r := statusReport{Outcome: outcome, Started: true, Status: status, Signal: signal, Reason: signal, Worker: worker, Call: call, Seconds: seconds, User: seconds, MaxRSS: rss}
		line := r.line()
		if bytes.IndexByte(line, '\n') != len(line)-1 || bytes.ContainsFunc(line, obeyed) {
			t.Fatalf("no single line: %q", line)
		}
		if len(line) > 300+6*(len(worker)+len(call)+len(outcome)+2*len(signal)) {
			t.Fatalf("a line of %d bytes", len(line))
		}
		var got statusReport
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil || d.More() {
			t.Fatalf("%q: %v", line, err)
		}
		for _, s := range []*string{&r.Outcome, &r.Signal, &r.Reason, &r.Worker, &r.Call} {
			*s = string([]rune(*s)) // writes U+FFFD for bytes that aren't UTF-8, as JSON does
		}
		if got != r {
			t.Fatalf("%+v became %+v", r, got)
		}
	})
}

// The status line of a failed call names its outcome, and never has status 0.
func TestStatusLineOfFailures(t *testing.T) {
	for _, o := range []client.Outcome{client.ErrTimeout, client.ErrDenied, client.ErrUnknown, client.ErrNotExecutable, client.ErrTooLong, client.ErrNoDirectory,
		client.ErrBusy, client.ErrDraining, client.ErrFailed, client.ErrUnreachable, client.ErrProtocol, client.ErrLost, client.ErrWrite, client.ErrUsage, client.ErrCanceled} {
		for _, name := range hostile {
			var got statusReport
			err := json.Unmarshal(statusLine(client.Command(name, "x"), time.Second, &client.Error{Outcome: o}, 0), &got)
			if err != nil || got.Outcome != string(o) || got.Status == 0 || got.Started {
				t.Errorf("%s: %+v, %v", o, got, err)
			}
		}
	}
	var got statusReport
	if err := json.Unmarshal(statusLine(client.Command("w", "x"), 0, errors.New("a pipe"), 0), &got); err != nil || got.Outcome != "lost" || got.Status != 125 {
		t.Errorf("another error: %+v, %v", got, err)
	}
}

// An age is a short text, even for times that are out of range.
// fault: 56
func TestAge(t *testing.T) {
	for seconds, want := range map[float64]string{0: "0.0s", 0.19: "0.1s", 59.99: "59.9s", 61.5: "1m1s", time.Duration(1<<63 - 1).Seconds(): "277777h46m40s"} {
		if got := age(seconds); got != want {
			t.Errorf("%v s: %q, want %q", seconds, got, want)
		}
	}
}

// FuzzTables checks that a worker's texts and a folder's name add no line to ls and
// ps. Their control characters don't reach the terminal, from JSON neither.
// fault: 115
func FuzzTables(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, "up", "nona")
		f.Add("hugin", s, s)
	}
	f.Fuzz(func(t *testing.T, name, state, called string) {
		rows := []row{{Worker: name, State: "up", Replicas: []replicaRow{{Socket: "/run/rpc/" + name, State: state, Version: state}},
			Procedures: []procedure{{Name: called, Kind: "spawned", Summary: state}}}}
		calls := []calling{{Worker: name, Socket: "/run/rpc/" + name + ".sock", ID: state, Procedure: called, Args: []string{called, state}, Label: state}}
		for what, w := range map[string]struct {
			lines int
			write func(*bytes.Buffer) error
		}{
			"ls":         {2, func(b *bytes.Buffer) error { return writeShort(b, rows, screen{}) }},
			"ls -l":      {3, func(b *bytes.Buffer) error { return writeLong(b, rows, screen{}) }},
			"ps":         {2, func(b *bytes.Buffer) error { return writeCalls(b, calls, false, false) }},
			"ps, a pool": {2, func(b *bytes.Buffer) error { return writeCalls(b, calls, true, true) }},
		} {
			var b bytes.Buffer
			if err := w.write(&b); err != nil {
				t.Fatal(err)
			}
			if got := b.String(); strings.Count(got, "\n") != w.lines || !utf8.ValidString(got) ||
				strings.ContainsFunc(got, obeyed) {
				t.Fatalf("%s: %q", what, got)
			}
		}
		checkJSON(t, rows)
		checkJSON(t, calls)
	})
}

// checkJSON: what is written by pieces means what encoding/json makes of the whole, and
// has its layout. encoding/json alone escapes U+FFFD where it stands for a wrong byte.
func checkJSON[T any](t *testing.T, list []T) {
	t.Helper()
	for _, list := range [][]T{{}, list, append(list, list...)} {
		var got, want, layout bytes.Buffer
		j := json.NewEncoder(&want)
		err, failed := writeJSON(&got, list), j.Encode(list)
		var is, should any
		if err != nil || failed != nil || json.Unmarshal(want.Bytes(), &should) != nil {
			t.Fatalf("%v, %v: %q", err, failed, &want)
		}
		if err := json.Unmarshal(got.Bytes(), &is); err != nil || !reflect.DeepEqual(is, should) {
			t.Fatalf("%q, want %q: %v", &got, &want, err)
		}
		if _ = json.Indent(&layout, got.Bytes(), "", "  "); !bytes.Equal(layout.Bytes(), got.Bytes()) || bytes.ContainsFunc(got.Bytes(), obeyed) {
			t.Fatalf("%q, want the layout of %q", &got, &layout)
		}
	}
}
