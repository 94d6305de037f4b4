package main_test

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

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
	// worstDaemon and worstClient bound the memory of rpcd and of rpc in KiB, whatever
	// the other side does (SECURITY.md, section 7).
	worstDaemon = 150 << 10
	worstClient = 30 << 10
)

// worst is one attack on rpcd's memory by callers that speak the wire by hand.
type worst struct {
	flags []string // of rpcd
	conns int
	say   func(c *raw, i int) // what a connection sends, and waits for; all at once
}

// field gives a field as bytes, so that it can be longer than any of ours.
func field(tag uint16, value string) []byte {
	b := binary.BigEndian.AppendUint16(nil, tag)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// firstOf gives a first frame of these fields.
func firstOf(kind wire.Type, fields ...[]byte) []byte {
	payload := []byte("RPCD\x00\x01")
	for _, f := range fields {
		payload = append(payload, f...)
	}
	return wire.Frame(kind, 0, wire.CallKeep, payload)
}

// answered sends a frame and waits for its answer. The connection stays.
func answered(frame []byte) func(*raw, int) {
	return func(c *raw, _ int) {
		c.write(frame)
		if h, err := wire.ReadHeader(c); err == nil {
			_, _ = wire.ReadPayload(c, h)
		}
	}
}

// unfinished sends a frame but for its last byte.
func unfinished(frame []byte) func(*raw, int) {
	return func(c *raw, _ int) { c.write(frame[:len(frame)-1]) }
}

// worsts are the attacks. Long texts are of bytes that a log escapes.
func worsts(dir string) map[string]worst {
	long := func(n int) string { return strings.Repeat("\xff", n) }
	there := field(4, dir+"/cwd")
	stranger := []string{"--allow", "uid 4242"}
	input := make([]byte, 0, 9*32<<10) // DATA frames of a byte each
	for range 32 << 10 {
		input = append(input, wire.Frame(wire.TypeData, 0, 0, []byte("x"))...)
	}
	many := func(n int, f []byte) []byte { return []byte(strings.Repeat(string(f), n)) }
	sleeping := firstOf(wire.TypeCall, field(1, "sleep"), field(2, "999"), there, field(7, strings.Repeat("l", wire.MaxLabel)),
		field(8, "\x00\x02\x00\x00\x00\x00\x00\x00"))
	all := map[string]worst{
		"names":                {nil, 64, answered(firstOf(wire.TypeCall, field(1, long(7<<20))))},
		"names of 64 KiB":      {nil, worstConnections, answered(firstOf(wire.TypeCall, field(1, long(60<<10))))},
		"paths of commands":    {[]string{"--all-commands"}, worstConnections, answered(firstOf(wire.TypeCall, field(1, "/"+long(4000)), field(4, "/"+long(4000)), field(11, "/"+long(4000))))},
		"directories":          {nil, 64, answered(firstOf(wire.TypeCall, field(1, "true"), field(4, "/"+long(7<<20))))},
		"logical directories":  {nil, 64, answered(firstOf(wire.TypeCall, field(1, "none"), there, field(11, "/"+long(7<<20))))},
		"labels":               {nil, 64, answered(firstOf(wire.TypeCall, field(1, "true"), there, field(7, long(7<<20))))},
		"variables":            {nil, 64, answered(firstOf(wire.TypeCall, field(1, "true"), there, field(3, long(7<<20)+"=x")))},
		"empty arguments":      {nil, 64, answered(firstOf(wire.TypeCall, field(1, "none"), there, many(1<<20, field(2, ""))))},
		"empty streams":        {nil, 64, answered(firstOf(wire.TypeCall, field(1, "none"), there, many(500_000, field(8, "\x00\x00\x00\x00\x00\x00\x00\x00"))))},
		"unfinished calls":     {nil, worstConnections, unfinished(firstOf(wire.TypeCall, field(1, "true"), field(2, long(64000))))},
		"unfinished questions": {nil, worstConnections, unfinished(firstOf(wire.TypePing, field(4, "/"+long(64000))))},
		"strangers' calls":     {stranger, worstConnections, answered(firstOf(wire.TypeCall, field(1, long(64000))))},
		"strangers' halves":    {stranger, worstConnections, unfinished(firstOf(wire.TypeCall, field(2, long(64000))))},
		"frames of a byte": {nil, 1024, func(c *raw, _ int) {
			c.write(sleeping)
			_, _ = c.frames(wire.TypeStarted)
			_, _ = c.frames(wire.TypeCredit)
			c.write(input)
		}},
		"waiting calls": {[]string{"--max-calls", "1"}, worstConnections, func(c *raw, _ int) {
			c.write(firstOf(wire.TypeCall, field(1, "sleep"), there, field(2, "999"), field(2, strings.Repeat("x", 60000))))
			_, _ = wire.ReadHeader(c) // ACCEPTED or REFUSED
		}},
	}
	all["all at once"] = worst{[]string{"--max-calls", "512"}, worstConnections, func(c *raw, i int) {
		all[[]string{"frames of a byte", "waiting calls", "names of 64 KiB", "paths of commands", "unfinished calls", "empty arguments"}[min(i/512, 4+i/4090)]].say(c, i)
	}}
	return all
}

// TestWorstCallers has thousands of connections that make rpcd keep as much as they
// can, each attack at a daemon of its own. The daemon stays small, and serves others.
// fault: 120
func TestWorstCallers(t *testing.T) {
	roomFor(t, worstConnections)
	names := worsts("")
	for name := range names {
		t.Run(name, func(t *testing.T) {
			a := names[name]
			w := startWorld(t, "passed", a.flags...)
			a = worsts(w.dir)[name]
			w.attack(t, a)
			most := peak(t, w.daemon.PID())
			t.Logf("%d KiB at most", most)
			if most > worstDaemon {
				t.Errorf("rpcd takes %d KiB, at most %d are right", most, worstDaemon)
			}
		})
	}
}

// attack makes the connections, at most some hundred of which speak at once.
func (w *world) attack(t *testing.T, a worst) {
	t.Helper()
	var all sync.WaitGroup
	turns := make(chan struct{}, 256)
	for i := range a.conns {
		turns <- struct{}{}
		c := dialRaw(t, w)
		all.Go(func() {
			defer func() { <-turns }()
			a.say(c, i)
		})
	}
	all.Wait()
}

// peak is the most memory that a process has had, in KiB.
func peak(t testing.TB, pid int) int {
	t.Helper()
	u, err := proc.Look(pid)
	if err != nil {
		t.Fatal(err)
	}
	return u.Peak
}

// TestWorstLines has callers whose errors are long while nobody reads the log.
// fault: 121
func TestWorstLines(t *testing.T) {
	long := strings.Repeat("\xff", 7<<20)
	for name, frame := range map[string][]byte{
		"directories":       firstOf(wire.TypeCall, field(1, "true"), field(4, long)),
		"short directories": firstOf(wire.TypePing, field(4, long[:64000])),
		"names":             firstOf(wire.TypeCall, field(1, long)),
		"short names":       firstOf(wire.TypeCall, field(1, long[:250]), field(4, "/"+long[:4000]), field(7, long[:4000])),
	} {
		t.Run(name, func(t *testing.T) {
			w := startUnread(t)
			n := 32
			if len(frame) < 1<<20 {
				n = worstConnections
			}
			w.attack(t, worst{conns: n, say: func(c *raw, i int) { answered(frame)(c, i); c.Close() }})
			most := peak(t, w.daemon.PID())
			t.Logf("%d KiB at most", most)
			if most > worstDaemon {
				t.Errorf("rpcd takes %d KiB, at most %d are right", most, worstDaemon)
			}
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

// TestWorstWorker has workers that make rpc keep as much as they can.
// fault: 122
func TestWorstWorker(t *testing.T) {
	started := (&wire.Started{Flags: wire.StartedBridged, ID: "1"}).Append(wire.TypeStarted)
	fill := func(kind wire.Type, size int, f []byte) []byte {
		b := field(1, "w")
		for len(b)+len(f) <= size {
			b = append(b, f...)
		}
		return wire.Frame(kind, 0, 0, b)
	}
	var bytes []byte
	for i := range 1 << 20 {
		bytes = append(bytes, wire.Frame(wire.TypeData, uint8(1+i%2), 0, []byte("x"))...)
	}
	answers := map[string]struct {
		args   []string
		answer []byte
	}{
		"frames of a byte":   {[]string{"--pass", "none", "SOCKET", "true"}, append(started, bytes...)},
		"a frame at a time":  {[]string{"--pass", "none", "SOCKET", "true"}, append(append(started, wire.Frame(wire.TypeData, 1, 0, make([]byte, 256<<10))...), wire.Frame(wire.TypeData, 2, 0, make([]byte, 256<<10))...)},
		"a refusal":          {[]string{"SOCKET", "true"}, wire.Frame(wire.TypeRefused, 0, 0, append(field(1, "\x00\x0a"), field(2, strings.Repeat("\xff", 65000))...))},
		"procedures":         {[]string{"ls", "SOCKET"}, fill(wire.TypeListing, 4<<20-100, field(5, string(field(1, "x"))))},
		"procedures, JSON":   {[]string{"ls", "--json", "SOCKET"}, fill(wire.TypeListing, 4<<20-100, field(5, string(field(1, "x"))))},
		"calls":              {[]string{"ps", "SOCKET"}, fill(wire.TypeCalls, 4<<20-100, field(2, string(field(1, "x"))))},
		"calls, long":        {[]string{"ps", "-l", "SOCKET"}, fill(wire.TypeCalls, 4<<20-100, field(2, string(field(1, "x"))))},
		"a call's arguments": {[]string{"ps", "--json", "SOCKET"}, fill(wire.TypeCalls, 4<<20-100, field(2, string(field(1, "x"))+strings.Repeat(string(field(6, "")), 100_000)))},
		"empty fields":       {[]string{"ls", "SOCKET"}, fill(wire.TypeListing, 4<<20-100, field(77, ""))},
		"tags":               {[]string{"ls", "SOCKET"}, fill(wire.TypeListing, 4<<20-100, field(5, string(field(1, strings.Repeat("\xff", 1000)))))},
	}
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			socket := testkit.Folder(t) + "/w.sock"
			testkit.Listen(t, socket, func(c *net.UnixConn) {
				if h, err := wire.ReadHeader(c); err == nil {
					_, _ = wire.ReadPayload(c, h)
				}
				_ = c.SetWriteDeadline(time.Now().Add(3 * time.Second)) // rpc takes what it can
				_, _ = c.Write(a.answer)
			})
			most := worstOf(t, socket, a.args)
			t.Logf("%d KiB at most", most)
			if most > worstClient {
				t.Errorf("rpc takes %d KiB, at most %d are right", most, worstClient)
			}
		})
	}
}

// worstOf runs rpc with outputs that nobody reads, and gives its peak memory in
// KiB.
func worstOf(t *testing.T, socket string, args []string) (most int) {
	t.Helper()
	cmd := exec.Command(testbin.Dir(t)+"/rpc", args...)
	for i := range cmd.Args {
		cmd.Args[i] = strings.ReplaceAll(cmd.Args[i], "SOCKET", socket)
	}
	cmd.Env = testbin.Environment()
	for _, stream := range []*io.Writer{&cmd.Stdout, &cmd.Stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
			t.Fatal(err)
		}
		*stream = w
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	same := 0
	testkit.Eventually(t, "rpc takes no more", func() bool {
		u, err := proc.Look(cmd.Process.Pid)
		if err != nil || u.Peak == 0 { // it has ended
			return true
		}
		if same++; u.Peak > most {
			most, same = u.Peak, 0
		}
		return same > 50
	})
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return most
}
