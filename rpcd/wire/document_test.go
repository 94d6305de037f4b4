package wire

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// documented gives the bytes of a block of PROTOCOL.md, section 6 or 7.
func documented(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```hex " + name + "\n(.*?)```").FindSubmatch(text)
	if m == nil {
		t.Fatalf("PROTOCOL.md has no block %q", name)
	}
	return unhex(t, name, string(m[1]))
}

// unhex reads bytes as people write them: hex, "text", # comment.
func unhex(t testing.TB, name, text string) (b []byte) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		for i, part := range strings.Split(line, `"`) {
			if i%2 == 1 {
				b = append(b, part...)
				continue
			}
			digits, _, comment := strings.Cut(part, "#")
			bytes, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
			if err != nil {
				t.Fatalf("%s: %q: %v", name, part, err)
			}
			b = append(b, bytes...)
			if comment {
				break
			}
		}
	}
	return b
}

// The call that PROTOCOL.md shows in bytes is the one that the code makes.
func TestDocumentedCall(t *testing.T) {
	call := &Call{
		Procedure: "echo", Args: []string{"hi"}, Umask: 0o022,
		Dir: Dir{Name: "/srv", Proven: true, Dev: 0x803, Inode: 17},
		Streams: []Stream{
			{Number: 0, Mode: Passed},
			{Number: 1, Mode: Passed, Index: 1, Flags: StreamOutput, Window: 512 << 10},
			{Number: 2, Mode: Passed, Index: 2, Flags: StreamOutput, Window: 512 << 10},
		},
	}
	started := Started{ID: "7", Dir: "/srv", Grace: 5 * time.Second}
	bridged := started
	bridged.Flags = StartedBridged
	exit := &Exit{User: time.Millisecond, System: 2 * time.Millisecond, MaxRSS: 1740, Consumed: -1}
	toResident := &Call{
		Flags: CallKeep, Procedure: "echo", Args: []string{"hi"}, Umask: 0o022,
		Env: []string{"RPC_CALL_ID=7", "RPC_WORKER=hugin", "RPC_PROCEDURE=echo", "RPC_LABEL=", "RPC_CALLER_UID=1000", "RPC_CALLER_GID=1000", "PWD=/srv"},
		Streams: []Stream{
			{Number: 0, Mode: Passed},
			{Number: 1, Mode: Passed, Index: 1, Flags: StreamOutput},
			{Number: 2, Mode: Passed, Index: 2, Flags: StreamOutput},
			{Mode: Directory, Index: 3},
		},
	}
	residents := &Exit{User: time.Millisecond, System: 2 * time.Millisecond, Consumed: -1, ID: "7"}
	for name, frames := range map[string][][]byte{
		"call":    {call.Append()},
		"started": {started.Append(TypeStarted)},
		"exit":    {exit.Append()},
		"bridged": {
			bridged.Append(TypeStarted), credit(0, 32<<10), Frame(TypeData, 1, 0, []byte("hi\n")),
			Frame(TypeEnd, 1, 0, nil), Frame(TypeEnd, 2, 0, nil),
		},
		"resident-ready":   {Ready(0)},
		"resident-call":    {toResident.Append()},
		"resident-answers": {Frame(TypeStarted, 0, 0, []byte("\x00\x01\x00\x00\x00\x017")), residents.Append()},
	} {
		if want, got := documented(t, name), bytes.Join(frames, nil); !bytes.Equal(got, want) {
			t.Errorf("%s:\n%x\nPROTOCOL.md says\n%x", name, got, want)
		}
	}
}
