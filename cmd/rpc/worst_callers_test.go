package main_test

import (
	"encoding/binary"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

const (
	// worstConnections is how many connections wait in rpcd at most.
	worstConnections = 4096
	// large is how many send frames of 8 MiB.
	large = 24
	// worstDaemon and worstClient bound the memory of rpcd and of rpc in KiB, whatever
	// the other side does (SECURITY.md, section 7).
	worstDaemon = 150 << 10
	worstClient = 30 << 10
)

// worst is one attack on rpcd's memory by callers that speak the wire by hand.
type worst struct {
	flags []string // of rpcd
	conns int
	say   func(w *world, c *raw, i int) // what a connection sends, and waits for; all at once
}

// field gives a field as bytes, so that it can be longer than any of ours.
func field(tag uint16, value string) []byte {
	b := binary.BigEndian.AppendUint16(nil, tag)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// many gives a field of an empty or small value n times.
func many(n int, tag uint16, value string) []byte {
	return []byte(strings.Repeat(string(field(tag, value)), n))
}

// firstOf gives a first frame of these fields. The connection is kept.
func firstOf(kind wire.Type, fields ...[]byte) []byte {
	payload := []byte("RPCD\x00\x01")
	for _, f := range fields {
		payload = append(payload, f...)
	}
	return wire.Frame(kind, 0, wire.CallKeep, payload)
}

// callOf gives a CALL from the world's directory.
func (w *world) callOf(procedure string, fields ...[]byte) []byte {
	return firstOf(wire.TypeCall, append([][]byte{field(1, procedure), field(4, w.dir+"/cwd")}, fields...)...)
}

// Streams of calls, relayed: stdin, and outputs with more credit than memory.
var (
	relayedInput   = field(8, "\x00\x02\x00\x00\x00\x00\x00\x00")
	relayedOutputs = append(field(8, "\x01\x02\x00\x01\x7f\xff\xff\xff"), field(8, "\x02\x02\x00\x01\x7f\xff\xff\xff")...)
)

// answered sends a frame and waits for its answer. The connection stays.
func answered(frame []byte) func(*world, *raw, int) {
	return func(_ *world, c *raw, _ int) {
		c.write(frame)
		if h, err := wire.ReadHeader(c); err == nil {
			_, _ = wire.ReadPayload(c, h)
		}
	}
}

// called is answered for a CALL from the world's directory.
func called(procedure string, fields ...[]byte) func(*world, *raw, int) {
	return func(w *world, c *raw, i int) { answered(w.callOf(procedure, fields...))(w, c, i) }
}

// unfinished sends a frame but for its last byte.
func unfinished(frame []byte) func(*world, *raw, int) {
	return func(_ *world, c *raw, _ int) { c.write(frame[:len(frame)-1]) }
}

// long gives a text of bytes that a log escapes.
func long(n int) string { return strings.Repeat("\xff", n) }

// oneByOne are pieces of stdin.
var oneByOne = []byte(strings.Repeat(string(wire.Frame(wire.TypeData, 0, 0, []byte("x"))), 4096))

var (
	longLabel    = field(7, strings.Repeat("l", wire.MaxLabel))
	longArgument = field(2, strings.Repeat("0", 60_000)) // also one of sleep's
	longRunning  = called("sleep", field(2, "999"), longArgument)
	longNames    = answered(firstOf(wire.TypeCall, field(1, long(60<<10))))
	longPaths    = answered(firstOf(wire.TypeCall, field(1, "/"+long(4000)), field(4, "/"+long(4000)), field(11, "/"+long(4000))))
	halves       = unfinished(firstOf(wire.TypeCall, field(1, "true"), field(2, long(64_000))))
	emptyWords   = called("none", many(1<<20, 2, ""))
)

// worsts are the attacks.
var worsts = map[string]worst{
	"names":                {nil, large, answered(firstOf(wire.TypeCall, field(1, long(7<<20))))},
	"names of 64 KiB":      {nil, worstConnections, longNames},
	"paths of commands":    {[]string{"--all-commands"}, worstConnections, longPaths},
	"directories":          {nil, large, answered(firstOf(wire.TypeCall, field(1, "true"), field(4, "/"+long(7<<20))))},
	"logical directories":  {nil, large, called("none", field(11, "/"+long(7<<20)))},
	"labels":               {nil, large, called("true", field(7, long(7<<20)))},
	"variables":            {nil, large, called("true", field(3, long(7<<20)+"=x"))},
	"empty arguments":      {nil, large, emptyWords},
	"empty streams":        {nil, large, called("none", many(500_000, 8, "\x00\x00\x00\x00\x00\x00\x00\x00"))},
	"unfinished calls":     {nil, worstConnections, halves},
	"unfinished questions": {nil, worstConnections, unfinished(firstOf(wire.TypePing, field(4, "/"+long(64_000))))},
	"strangers' calls":     {[]string{"--allow=uid 4242"}, worstConnections, answered(firstOf(wire.TypeCall, field(1, long(64_000))))},
	"strangers' halves":    {[]string{"--allow=uid 4242"}, worstConnections, halves},
	"frames of a byte":     {nil, 1024, framesOfAByte},
	"outputs untaken":      {nil, 512, outputsUntaken},
	"running calls":        {nil, 1024, longRunning},
	"waiting calls":        {[]string{"--max-calls=1"}, worstConnections, longRunning},
	"answers untaken":      {nil, worstConnections, answersUntaken},
	"all at once":          {[]string{"--max-calls=512"}, worstConnections, allAtOnce},
}

// framesOfAByte fills a pipe that nobody reads, and then the queue before it.
func framesOfAByte(w *world, c *raw, _ int) {
	c.write(w.callOf("sleep", field(2, "999"), longLabel, relayedInput))
	_, _ = c.frames(wire.TypeStarted)
	_, _ = c.frames(wire.TypeCredit)
	c.write(wire.Frame(wire.TypeData, 0, 0, make([]byte, 32<<10)))
	_, _ = c.frames(wire.TypeCredit)
	c.write(oneByOne)
}

// outputsUntaken has a process write as much as it can.
func outputsUntaken(w *world, c *raw, _ int) {
	c.write(w.callOf("sh", field(2, "-c"), field(2, "yes >&2 & exec yes"), relayedOutputs))
	_, _ = c.frames(wire.TypeStarted)
}

// answersUntaken has calls with long labels run, and asks for all of them.
func answersUntaken(w *world, c *raw, i int) {
	if i < 512 {
		called("sleep", field(2, "999"), longLabel)(w, c, i)
		return
	}
	c.write(wire.Question(wire.TypePS))
}

func allAtOnce(w *world, c *raw, i int) {
	switch {
	case i < 512:
		framesOfAByte(w, c, i)
	case i < 1024:
		longRunning(w, c, i) // waits
	case i < 1536:
		longNames(w, c, i)
	case i < 2048:
		longPaths(w, c, i)
	case i < 2560:
		c.write(wire.Question(wire.TypePS))
	case i < worstConnections-8:
		halves(w, c, i)
	default:
		emptyWords(w, c, i)
	}
}

// TestWorstCallers has thousands of connections that make rpcd keep as much as they
// can, each attack at a daemon of its own. The daemon stays small.
// fault: 120
func TestWorstCallers(t *testing.T) {
	if testing.Short() { // as the race detector's tests are, whose own memory hides rpcd's
		t.Skip("it measures memory")
	}
	roomFor(t, worstConnections)
	for name, a := range worsts {
		t.Run(name, func(t *testing.T) {
			w := startWorld(t, "passed", a.flags...)
			w.attack(t, a)
		})
	}
}

// attack makes the connections, lets them speak, and looks at rpcd's memory.
func (w *world) attack(t *testing.T, a worst) {
	t.Helper()
	var all sync.WaitGroup
	for i := range a.conns {
		c := dialRaw(t, w)
		all.Go(func() { a.say(w, c, i) })
	}
	all.Wait()
	isBounded(t, "rpcd", w.daemon.PID(), worstDaemon)
}

// isBounded waits until a process takes no more memory, or has ended, and checks the
// most that it has had, in KiB.
func isBounded(t *testing.T, what string, pid, bound int) {
	t.Helper()
	most, same := 0, 0
	testkit.Eventually(t, what+" takes no more", func() bool {
		u, err := proc.Look(pid)
		if err != nil || u.Peak == 0 { // it has ended
			return true
		}
		if same++; u.Peak > most {
			most, same = u.Peak, 0
		}
		return same > 20
	})
	t.Logf("%d KiB at most", most)
	if most > bound {
		t.Errorf("%s takes %d KiB, at most %d are right", what, most, bound)
	}
}

// TestWorstLines has callers whose errors are long while nobody reads the log.
// fault: 121
func TestWorstLines(t *testing.T) {
	if testing.Short() { // as the race detector's tests are, whose own memory hides rpcd's
		t.Skip("it measures memory")
	}
	roomFor(t, worstConnections)
	for name, a := range map[string]struct {
		conns int
		frame []byte
	}{
		"directories":       {32, firstOf(wire.TypeCall, field(1, "true"), field(4, long(7<<20)))},
		"short directories": {worstConnections, firstOf(wire.TypePing, field(4, long(64_000)))},
		"names":             {32, firstOf(wire.TypeCall, field(1, long(7<<20)))},
		"short names":       {worstConnections, firstOf(wire.TypeCall, field(1, long(250)), field(4, "/"+long(4000)), field(7, long(4000)))},
	} {
		t.Run(name, func(t *testing.T) {
			w := startUnread(t)
			w.attack(t, worst{conns: a.conns, say: func(w *world, c *raw, i int) { answered(a.frame)(w, c, i); c.Close() }})
		})
	}
}

// startUnread starts a daemon whose log is a pipe that nobody reads.
func startUnread(t *testing.T) *world {
	t.Helper()
	folder := testkit.Folder(t)
	for _, err := range []error{unix.Mkfifo(folder+"/log", 0o600), os.Mkdir(folder+"/cwd", 0o755), rig.Export(folder+"/ex", "true")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w := &world{dir: folder, socket: folder + "/w.sock", transport: "passed", path: testbin.Path(t)}
	w.daemon = testbin.Serve(t, rig.Starter{Folder: folder, Log: folder + "/log"}, w.socket, "--exports", folder+"/ex")
	return w
}
