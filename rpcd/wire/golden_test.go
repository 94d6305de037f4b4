package wire

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// golden reads a frame of testdata/golden: hex, "text", # comment. The files
// are made by hand from PROTOCOL.md.
func golden(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "golden", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	return unhex(t, name, string(text))
}

// message is one golden frame: what it means, and how to make and read it.
type message struct {
	name   string
	header Header
	value  any
	frame  []byte // as the code makes it
	parse  func(flags uint16, payload []byte) (any, error)
}

// any1 hides a parser's type.
func any1[T any](f func(uint16, []byte) (T, error)) func(uint16, []byte) (any, error) {
	return func(flags uint16, payload []byte) (any, error) { return f(flags, payload) }
}

// flagless is any1 for messages without flags.
func flagless[T any](f func([]byte) (T, error)) func(uint16, []byte) (any, error) {
	return func(_ uint16, payload []byte) (any, error) { return f(payload) }
}

// bare is the parser of a frame that carries nothing.
func bare(_ uint16, payload []byte) (any, error) { return len(payload), nil }

func messages() []message {
	call := &Call{
		Flags:     CallKeep | CallAnnounce,
		Procedure: "nona",
		Args:      []string{"-o", "", "\xff\xfe\n"},
		Env:       []string{"LANG=C", "E="},
		Dir:       Dir{Name: "/srv/images", Proven: true, Dev: 0x803, Inode: 1<<64 - 1},
		Umask:     0o022,
		Label:     "job 17",
		Streams: []Stream{
			{Number: 0, Mode: Passed},
			{Number: 1, Mode: Relayed, Flags: StreamOutput, Window: 512 << 10},
			{Number: 2, Mode: Same, Index: 1, Flags: StreamOutput},
			{Number: 5, Mode: Passed, Index: 1},
			{Number: 0, Mode: Probe, Index: 2},
		},
		Timeout:   5 * time.Second,
		Heartbeat: 15 * time.Second,
		Logical:   "/images",
	}
	least := &Call{Procedure: "x"}
	terminal := &Call{
		Procedure: "vi",
		Streams: []Stream{
			{Number: 0, Mode: OnTerminal},
			{Number: 1, Mode: OnTerminal, Flags: StreamOutput, Window: 128 << 10},
			{Number: 2, Mode: Same, Index: 1, Flags: StreamOutput, Window: 128 << 10},
		},
		Terminal: &Terminal{Window{24, 80, 640, 384}, "xterm", &Modes{0o42400, 5, 0o105073,
			[ControlCharacters]uint8{3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22}}},
	}
	accepted := &Started{Flags: StartedBridged | AcceptedWaits, ID: "17", Dir: "/", Grace: 5 * time.Second, Text: "1 running", Wait: time.Minute}
	started := &Started{ID: "1", Dir: "/data"}
	refused := &Refused{Code: Draining, Text: "is draining..."}
	elsewhere := &Refused{Code: NoDirectory, Reason: NotShared, Text: "no"}
	exit := &Exit{Flags: ExitTimeout | ExitLeft, Status: 9, User: time.Second, System: time.Millisecond, MaxRSS: 81313, Consumed: 64 << 10}
	unknown := &Exit{Status: 0xff00, Consumed: -1}
	late := &Exit{Flags: ExitTimeout, Status: 15, Consumed: -1, End: End{Reason: WorkerTimeout, Limit: 2 * time.Second}}
	killed := &Exit{Status: 9, Consumed: -1, End: End{Reason: ByKill, By: 1001}}
	killedByRoot := &Exit{Status: 9, Consumed: -1, End: End{Reason: ByKill}}
	killedBySomebody := &Exit{Status: 9, Consumed: -1, End: End{Reason: ByKill, By: NoUID}}
	canceled := &Refused{Code: Canceled, Reason: CanceledByKill, Text: "no"}
	crash := &Exit{Status: CrashStatus, Consumed: -1, End: End{Reason: Crashed}, Text: "no.", ID: "17"}
	extras := &Exit{Consumed: -1, Taken: []Taken{{3, 17}, {252, 1 << 32}}}
	lend := &Lend{
		Call: &Call{Procedure: "x", Umask: 0o022, Streams: []Stream{
			{Mode: Directory}, {Mode: Connection, Index: 1}, {Mode: Notes, Index: 2},
		}},
		Frame: Frame(TypeCall, 0, CallKeep, nil), Next: 18, Most: 100, Started: []byte("s"),
	}
	returned := &Returned{
		Flags: ReturnedBroken, Held: 13,
		Sums: Sums{Served: 12, Lost: 1, User: time.Millisecond, System: 2 * time.Millisecond},
	}
	cannot := &Refused{Code: NoDirectory, Text: "no", ID: "17"}
	pong := &Info{Worker: "hugin", Version: "0.1", State: "drained", Load: Load{1, 2, 1024, 2048, 8}, Counters: Counters{1, 2, 3, 4, 5, time.Hour}}
	listing := &Info{Worker: "ml", State: "up", Load: Load{MaxCalls: 1}, Procedures: []Entry{{Name: "detect", Kind: "spawned", Summary: "boxe"}, {Name: "f", Kind: "topic"}}}
	commands := &Info{Worker: "all", State: "up", Scope: Commands, Procedures: []Entry{{Name: "ls", Kind: "spawned"}}}
	warm := &Info{Worker: "ml", State: "up", Procedures: []Entry{{Name: "d", Kind: "resident", Workers: Workers{Wanted: 4, Warm: 3, Restarts: 17, Trouble: "no."}}}}
	way := &Info{Way: &Way{1001, 1002, 1000, 100, 1, DirNoEntry, Inside{MayRead | ReadOnly, 1003, 1004, 0o40700}}}
	where := Dir{Name: "/images", Proven: true, Dev: 0x803, Inode: 17}
	calls := &Calls{Worker: "ml", Calls: []Running{
		{ID: "18", Procedure: "detect", Label: "job", UID: 1001, GID: 1002, Age: 2, State: CallWaiting, Args: []string{"--fast", ""}},
		{ID: "19", Procedure: "detect", PID: 7, Age: 1, State: CallEnding, Bridged: true},
	}}
	kill := &Kill{"17", 15}
	publish := &Topic{Name: "frames", Label: "cam", Subscribers: 2, Ring: &Ring{1, 256, 1 << 20}, Heartbeat: 15 * time.Second}
	subscribe := &Topic{Name: "frames"}
	published := &TopicState{Flags: TopicBridged, ID: "17", Subscribers: 2, Publishers: 1, Next: 5, Policy: "drop-oldest 5"}
	subscribed := &TopicState{ID: "18", Next: 7, Ring: &Ring{3, 4, 4096}, Gone: []uint32{1, 2}}
	ended := &TopicEnd{Next: 8, Came: 7, Subscribers: 2}
	endedHere := &TopicEnd{Next: 8, Gone: []uint32{1}}
	records := Records{First: 9, b: []byte("\x00\x00\x00\x02ab\x00\x00\x00\x00\x00\x00\x00\x01\n"), n: 3}
	notices := []Notice{{11, Slot{1, 3}, 64 << 10}, {12, Slot{2, 0}, 0}}
	freed := []Slot{{1, 3}, {2, 0}}
	topics := &Info{Worker: "cam", State: "up", Procedures: []Entry{{Name: "f", Kind: "topic", Topic: TopicUse{"block", 2, 1, 9, 3, []string{"18"}}}}}
	none := func(name string, t Type, stream uint8) message {
		return message{name, Header{t, stream, 0, 0}, 0, Frame(t, stream, 0, nil), bare}
	}
	return []message{
		{"call", Header{TypeCall, 0, 5, 231}, call, call.Append(), any1(ParseCall)},
		{"call-least", Header{TypeCall, 0, 0, 23}, least, least.Append(), any1(ParseCall)},
		{"call-terminal", Header{TypeCall, 0, 0, 134}, terminal, terminal.Append(), any1(ParseCall)},
		{"window", Header{TypeWindow, 0, 0, 8}, Window{Rows: 50, Columns: 100}, Window{Rows: 50, Columns: 100}.Append(), flagless(ParseWindow)},
		{"ping", Header{TypePing, 0, 0, 6}, []byte{}, Question(TypePing), flagless(CheckFirst)},
		{"list", Header{TypeList, 0, 0, 6}, []byte{}, Question(TypeList), flagless(CheckFirst)},
		{"data", Header{TypeData, 2, 0, 3}, 3, Frame(TypeData, 2, 0, []byte("ab\x00")), bare},
		none("end", TypeEnd, 1),
		none("closed", TypeClosed, 1),
		{"credit", Header{TypeCredit, 0, 0, 4}, 4, credit(0, 32<<10), bare},
		none("heartbeat", TypeHeartbeat, 0),
		{"signal", Header{TypeSignal, 0, 0, 1}, uint8(15), Signal(15, 0), flagless(ParseSignal)},
		{"signal-abandon", Header{TypeSignal, 0, 1, 1}, uint8(2), Signal(2, SignalAbandon), flagless(ParseSignal)},
		none("stopped", TypeStopped, 0),
		none("continued", TypeContinued, 0),
		{"accepted", Header{TypeAccepted, 0, 3, 58}, accepted, accepted.Append(TypeAccepted), any1(ParseStarted)},
		{"started", Header{TypeStarted, 0, 0, 32}, started, started.Append(TypeStarted), any1(ParseStarted)},
		{"refused", Header{TypeRefused, 0, 0, 28}, refused, refused.Append(), flagless(ParseRefused)},
		{"refused-not-shared", Header{TypeRefused, 0, 0, 24}, elsewhere, elsewhere.Append(), flagless(ParseRefused)},
		{"refused-canceled-by-kill", Header{TypeRefused, 0, 0, 34}, canceled, canceled.Append(), flagless(ParseRefused)},
		{"exit-worker-timeout", Header{TypeExit, 0, 1, 72}, late, late.Append(), any1(ParseExit)},
		{"exit-kill", Header{TypeExit, 0, 0, 58}, killed, killed.Append(), any1(ParseExit)},
		{"exit-kill-by-root", Header{TypeExit, 0, 0, 58}, killedByRoot, killedByRoot.Append(), any1(ParseExit)},
		{"exit-kill-by-somebody", Header{TypeExit, 0, 0, 48}, killedBySomebody, killedBySomebody.Append(), any1(ParseExit)},
		{"exit", Header{TypeExit, 0, 3, 66}, exit, exit.Append(), any1(ParseExit)},
		{"exit-unknown-stdin", Header{TypeExit, 0, 0, 38}, unknown, unknown.Append(), any1(ParseExit)},
		{"pong", Header{TypePong, 0, 0, 199}, pong, pong.Append(TypePong), flagless(ParseInfo)},
		{"pong-way", Header{TypePong, 0, 0, 158}, way, way.Append(TypePong), flagless(ParseInfo)},
		{"ping-directory", Header{TypePing, 0, 0, 41}, where, Ping(where), flagless(ParsePing)},
		{"ps", Header{TypePS, 0, 0, 6}, []byte{}, Question(TypePS), flagless(CheckFirst)},
		{"calls", Header{TypeCalls, 0, 0, 208}, calls, calls.Append(), flagless(ParseCalls)},
		{"kill", Header{TypeKill, 0, 0, 21}, kill, kill.Append(), flagless(ParseKill)},
		none("signaled", TypeSignaled, 0),
		{"ready", Header{TypeReady, 0, 0, 16}, uint32(ReadyBorrows), Ready(ReadyBorrows), flagless(ParseReady)},
		{"lend", Header{TypeLend, 0, 1, 120}, lend.Append()[HeaderLen+MarkLen:], lend.Append(), flagless(CheckFirst)},
		none("recall", TypeRecall, 0),
		{"returned", Header{TypeReturned, 0, 1, 76}, returned, returned.Append(), any1(ParseReturned)},
		{"exit-crash", Header{TypeExit, 0, 0, 66}, crash, crash.Append(), any1(ParseExit)},
		{"exit-inputs", Header{TypeExit, 0, 0, 68}, extras, extras.Append(), any1(ParseExit)},
		{"refused-resident", Header{TypeRefused, 0, 0, 24}, cannot, cannot.Append(), flagless(ParseRefused)},
		{"listing", Header{TypeListing, 0, 0, 107}, listing, listing.Append(TypeListing), flagless(ParseInfo)},
		{"listing-resident", Header{TypeListing, 0, 0, 112}, warm, warm.Append(TypeListing), flagless(ParseInfo)},
		{"publish", Header{TypePublish, 0, 0, 73}, publish, publish.Append(TypePublish), flagless(ParseTopic)},
		{"subscribe", Header{TypeSubscribe, 0, 0, 18}, subscribe, subscribe.Append(TypeSubscribe), flagless(ParseTopic)},
		{"published", Header{TypePublished, 0, 1, 75}, published, published.Append(TypePublished), any1(ParseTopicState)},
		{"subscribed", Header{TypeSubscribed, 0, 0, 70}, subscribed, subscribed.Append(TypeSubscribed), any1(ParseTopicState)},
		{"ended", Header{TypeEnded, 0, 0, 48}, ended, ended.Append(), flagless(ParseTopicEnd)},
		{"ended-subscriber", Header{TypeEnded, 0, 0, 30}, endedHere, endedHere.Append(), flagless(ParseTopicEnd)},
		{"records", Header{TypeRecords, 0, 0, 23}, records, slices.Concat(records.Head(), records.Bytes()), flagless(ParseRecords)},
		{"large", Header{TypeLarge, 0, 0, 16}, Large{10, 128<<10 + 1}, Large{10, 128<<10 + 1}.Append(nil), flagless(ParseLarge)},
		{"notices", Header{TypeNotices, 0, 0, 48}, notices, AppendNotices(nil, notices), flagless(ParseNotices)},
		{"taken", Header{TypeTaken, 0, 0, 8}, uint64(12), AppendTaken(nil, 12), flagless(ParseTaken)},
		{"freed", Header{TypeFreed, 0, 0, 16}, freed, AppendFreed(nil, freed), flagless(ParseFreed)},
		{"listing-topic", Header{TypeListing, 0, 0, 134}, topics, topics.Append(TypeListing), flagless(ParseInfo)},
		{"listing-commands", Header{TypeListing, 0, 0, 58}, commands, commands.Append(TypeListing), flagless(ParseInfo)},
	}
}

// fault: 87
func TestGoldenFrames(t *testing.T) {
	inTable := map[string]bool{}
	for _, m := range messages() {
		inTable[m.name+".hex"] = true
		t.Run(m.name, func(t *testing.T) {
			want := golden(t, m.name)
			r := bytes.NewReader(want)
			h, err := ReadHeader(r)
			if err != nil || h != m.header {
				t.Fatalf("header %+v, %v; want %+v", h, err, m.header)
			}
			payload, err := ReadPayload(r, h)
			if err != nil || r.Len() != 0 {
				t.Fatalf("payload: %v, %d bytes behind it", err, r.Len())
			}
			got, err := m.parse(h.Flags, payload)
			if err != nil || !reflect.DeepEqual(got, m.value) {
				t.Errorf("read %+v, %v\nwant %+v", got, err, m.value)
			}
			if strings.HasPrefix(m.name, "listing") { // fields have no order but among themselves
				h, _ := ParseHeader(m.frame)
				if got, err := m.parse(h.Flags, m.frame[HeaderLen:]); err != nil || !reflect.DeepEqual(got, m.value) {
					t.Errorf("wrote what reads as %+v, %v", got, err)
				}
				return
			}
			if !bytes.Equal(m.frame, want) {
				t.Errorf("wrote %x\nwant  %x", m.frame, want)
			}
		})
	}
	files, err := os.ReadDir(filepath.Join("testdata", "golden"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !inTable[f.Name()] {
			t.Errorf("%s isn't in the table", f.Name())
		}
	}
}

// stream joins all golden frames.
func stream(t testing.TB) (all []byte, headers []Header) {
	t.Helper()
	for _, m := range messages() {
		all = append(all, golden(t, m.name)...)
		headers = append(headers, m.header)
	}
	return all, headers
}

// readFrames reads frames until the first error.
func readFrames(r interface{ Read([]byte) (int, error) }) (frames []Header, err error) {
	for {
		h, err := ReadHeader(r)
		if err != nil {
			return frames, err
		}
		if _, err := ReadPayload(r, h); err != nil {
			return frames, err
		}
		frames = append(frames, h)
	}
}
