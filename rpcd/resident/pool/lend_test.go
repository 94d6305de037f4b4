package pool

import (
	"context"
	"encoding/binary"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/run"
	"rpcd/rpcd/wire"
)

// lends are workers that are lent a connection. Each does what its name says, and
// ends the process where it returns.
var lends = map[string]func(b *borrowed){
	"honest": func(b *borrowed) {
		for n := range uint64(3) {
			b.note(n+1, noteBusy)
			b.answer(n + 1)
		}
		b.returns(3, 0, 0)
		b.next()
	},
	"refuses": func(b *borrowed) {
		b.say((&wire.Refused{Code: wire.Protocol, Text: "no"}).Append())
		b.next()
	},
	"gives back": func(b *borrowed) { b.returns(0, 0, 0); b.next() },
	"holds": func(b *borrowed) {
		b.note(1, noteBusy)
		b.note(1, noteAnswering)
		b.holds(1, 3)
		b.next()
	},
	"is slow": func(b *borrowed) {
		b.note(1, noteBusy)
		b.recalled()
		b.note(1, noteAnswering)
		b.holds(1, 0)
		b.next()
	},
	"takes none after all": func(b *borrowed) { // rpcd looks, and must not take the connection yet
		b.note(1, noteBusy)
		b.answer(1)
		b.note(2, noteTaking)
		b.recalled()
		time.Sleep(4 * look)
		b.note(1, noteIdle)
		b.returns(1, 0, wire.ReturnedBroken)
		b.next()
	},
	"takes one late": func(b *borrowed) {
		b.note(1, noteBusy)
		b.answer(1)
		b.note(2, noteTaking)
		b.recalled()
		time.Sleep(4 * look)
		b.note(2, noteBusy)
		time.Sleep(4 * look)
		b.holds(2, 0)
		b.next()
	},
	"shows odd arguments": func(b *borrowed) {
		atomic.StoreUint64(b.notes.word(2), 1<<63)
		copy(b.notes.mem[argsAt:], "\x00\x02\x00\x00\x00\x01x\x00\x02\xff\xff\xff\xff")
		b.note(1, noteBusy)
		b.recalled()
		b.holds(1, 0)
		b.next()
	},
	"began in the future": func(b *borrowed) {
		atomic.StoreUint64(b.notes.word(1), 1<<63-1)
		b.note(1, noteBusy)
		b.recalled()
		b.holds(1, 0)
		b.next()
	},

	"dies at once":   func(*borrowed) {},
	"dies between":   func(b *borrowed) { b.note(1, noteBusy); b.answer(1) },
	"dies in a call": func(b *borrowed) { b.note(1, noteBusy); b.answer(1); b.note(2, noteBusy) },
	"dies answering": func(b *borrowed) { b.note(1, noteBusy); b.note(1, noteAnswering) },
	"dies taking":    func(b *borrowed) { b.note(1, noteBusy); b.answer(1); b.note(2, noteTaking) },

	"is frozen":           func(b *borrowed) { freeze() },
	"is frozen between":   func(b *borrowed) { b.note(1, noteBusy); b.answer(1); freeze() },
	"is frozen answering": func(b *borrowed) { b.note(1, noteBusy); b.note(1, noteAnswering); freeze() },

	"returns what it didn't serve": func(b *borrowed) { b.returns(5, 0, 0); b.next() },
	"hides what it served":         func(b *borrowed) { b.note(1, noteBusy); b.answer(1); b.returns(0, 0, 0); b.next() },
	"refuses what it served": func(b *borrowed) {
		b.note(1, noteBusy)
		b.answer(1)
		b.say((&wire.Refused{Code: wire.Protocol, Text: "no"}).Append())
		b.next()
	},
	"holds another":         func(b *borrowed) { b.note(1, noteBusy); b.returns(2, 3, 0); b.next() },
	"exits without a word":  func(b *borrowed) { b.note(1, noteBusy); b.exit(1, 0); b.next() },
	"says nonsense":         func(b *borrowed) { b.note(1, noteBusy); b.say([]byte("hello, world\n")); b.next() },
	"holds none after all":  func(b *borrowed) { b.note(1, noteBusy); b.recalled(); b.returns(1, 0, 0); b.next() },
	"holds one after two":   func(b *borrowed) { b.note(1, noteBusy); b.recalled(); b.returns(1, 2, 0); b.exit(2, 0); b.next() },
	"exits as another":      func(b *borrowed) { b.note(1, noteBusy); b.recalled(); b.returns(0, 1, 0); b.exit(7, 0); b.next() },
	"notes too many":        func(b *borrowed) { b.note(1<<60, noteBusy); freeze() },
	"notes one over":        func(b *borrowed) { b.note(11, noteBusy); freeze() },
	"notes none that runs":  func(b *borrowed) { b.note(0, noteBusy); freeze() },
	"returns too many":      func(b *borrowed) { b.note(1<<40, noteIdle); b.returns(1<<40, 0, 0); b.next() },
	"returns for an answer": func(b *borrowed) { b.note(1, noteBusy); b.returns(1, 1, 0); b.next() },
}

func freeze() { time.Sleep(time.Hour) }

// borrowed is a connection that a fake worker has.
type borrowed struct {
	conn   int
	notes  loanNotes
	id     string
	nextID uint64
}

// lent is a fake worker. It gives the exit status.
func lent(behaviour string) int {
	b := &borrowed{}
	b.say(wire.Ready(wire.ReadyBorrows))
	for {
		h, payload, fds := b.frame()
		switch h.Type {
		case wire.TypeCall:
			m, err := wire.ParseCall(0, payload)
			if err != nil {
				return 3
			}
			id := idOf(m.Env)
			b.say(append((&wire.Started{ID: id}).Append(wire.TypeStarted), (&wire.Exit{ID: id, Consumed: -1}).Append()...))
		case wire.TypeLend:
			b.begin(payload, fds)
			lends[behaviour](b)
			return 4
		}
		for _, fd := range fds {
			unix.Close(fd)
		}
	}
}

func (b *borrowed) say(frame []byte) { _, _ = unix.Write(residentFD, frame) }

// frame takes rpcd's next frame.
func (b *borrowed) frame() (h wire.Header, payload []byte, fds []int) {
	head, oob := make([]byte, wire.HeaderLen), make([]byte, 2048)
	n, oobn, _, _, err := unix.Recvmsg(residentFD, head, oob, 0)
	if err != nil || n < len(head) {
		os.Exit(0)
	}
	if all, err := unix.ParseSocketControlMessage(oob[:oobn]); err == nil && len(all) > 0 {
		fds, _ = unix.ParseUnixRights(&all[0])
	}
	h, err = wire.ParseHeader(head)
	if err != nil {
		os.Exit(5)
	}
	payload = make([]byte, h.Length)
	for at := 0; at < len(payload); at += n {
		if n, err = unix.Read(residentFD, payload[at:]); err != nil || n == 0 {
			os.Exit(0)
		}
	}
	return h, payload, fds
}

// begin takes LEND.
func (b *borrowed) begin(payload []byte, fds []int) {
	m, err := wire.ParseCall(0, payload)
	if err != nil {
		os.Exit(6)
	}
	b.id = idOf(m.Env)
	for _, s := range m.Streams {
		switch s.Mode {
		case wire.Connection:
			b.conn = fds[s.Index]
		case wire.Notes:
			if b.notes.mem, err = unix.Mmap(fds[s.Index], 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
				os.Exit(7)
			}
		}
	}
	b.nextID = 100 // as the tests lend
}

func (b *borrowed) note(number, state uint64) {
	if state == noteBusy && atomic.LoadUint64(b.notes.word(1)) == 0 {
		var now unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
		atomic.StoreUint64(b.notes.word(1), uint64(now.Nano()))
	}
	atomic.StoreUint64(b.notes.word(0), number<<noteBits|state)
}

// answer answers a call on the connection.
func (b *borrowed) answer(number uint64) {
	b.note(number, noteAnswering)
	_, _ = unix.Write(b.conn, binary.BigEndian.AppendUint64(nil, number))
	b.note(number, noteIdle)
}

func (b *borrowed) returns(served, held uint64, flags uint16) {
	unix.Close(b.conn)
	b.say((&wire.Returned{Flags: flags, Held: held, Sums: wire.Sums{Served: served}}).Append())
}

func (b *borrowed) exit(number uint64, status uint32) {
	o := &loan{Loan: run.Loan{Next: b.nextID}, call: &call{id: b.id}}
	b.say((&wire.Exit{ID: o.id(number), Status: status << 8, Consumed: -1}).Append())
}

func (b *borrowed) holds(number uint64, status uint32) {
	b.returns(number-1, number, 0)
	b.exit(number, status)
}

// recalled waits for RECALL.
func (b *borrowed) recalled() {
	if h, _, _ := b.frame(); h.Type != wire.TypeRecall {
		os.Exit(8)
	}
}

// next serves on, without loans.
func (b *borrowed) next() {
	for {
		h, payload, fds := b.frame()
		for _, fd := range fds {
			unix.Close(fd)
		}
		if h.Type == wire.TypeCall {
			m, _ := wire.ParseCall(0, payload)
			id := idOf(m.Env)
			b.say(append((&wire.Started{ID: id}).Append(wire.TypeStarted), (&wire.Exit{ID: id, Consumed: -1}).Append()...))
		}
	}
}

// lend lends a connection for 10 calls.
func (w *world) lend(ctx, recall context.Context) *run.Returned {
	w.t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	dir, err := os.Open("/")
	if err != nil {
		w.t.Fatal(err)
	}
	defer dir.Close()
	var r *run.Returned
	testkit.Within(w.t, "the end of a loan", func() {
		r = w.For(w.rules).(run.Lender).Lend(ctx, run.Job{
			Argv: []string{"p", w.rules.Args[0], "a"}, Env: []string{"RPC_CALL_ID=7", "PWD=/"}, Umask: 0o27,
			Dir: int(dir.Fd()), Files: []int{-1, -1, -1},
		}, run.Loan{
			Conn: pair[0], Frame: (&wire.Call{Flags: wire.CallKeep, Procedure: "p", Args: []string{"a"}, Dir: wire.Dir{Name: "/"}}).Append(),
			Next: 100, Most: 10, Time: 20 * time.Millisecond, Recall: recall,
		})
	})
	return r
}

// Each way in which a worker can behave that has a connection: what the caller and rpcd
// get, and whether the worker goes on.
// fault: 187 188 189
func TestLoans(t *testing.T) {
	type want struct {
		nothing bool   // was begun
		served  uint64 // calls
		broken  bool   // the connection is to be closed
		held    string // the id of a call that goes on; "": there is none
		status  uint32 // of that
		crash   string // likewise
		lives   bool   // the worker does
		lost    uint64
	}
	for name, want := range map[string]want{
		"honest":               {served: 3, lives: true},
		"refuses":              {nothing: true, lives: true},
		"gives back":           {nothing: true, lives: true},
		"holds":                {held: "7", status: 3 << 8, lives: true},
		"is slow":              {held: "7", lives: true},
		"takes none after all": {served: 1, broken: true, lives: true},
		"takes one late":       {served: 1, held: "100", lives: true},
		"shows odd arguments":  {held: "7", lives: true},
		"began in the future":  {held: "7", lives: true},

		"dies at once":   {nothing: true},
		"dies between":   {served: 1},
		"dies in a call": {served: 1, held: "100", crash: "status 4"},
		"dies answering": {served: 1, lost: 1, broken: true},
		"dies taking":    {served: 2, lost: 1, broken: true},

		"is frozen":           {nothing: true},
		"is frozen between":   {served: 1},
		"is frozen answering": {served: 1, lost: 1, broken: true},

		"returns what it didn't serve": {nothing: true},
		"hides what it served":         {served: 1},
		"refuses what it served":       {served: 1},
		"holds another":                {held: "7", crash: "make no sense"},
		"exits without a word":         {held: "7", crash: "in a loan"},
		"says nonsense":                {held: "7", crash: "protocol"},
		"holds none after all":         {held: "7", crash: "make no sense"},
		"holds one after two":          {held: "7", crash: "make no sense"},
		"exits as another":             {held: "7", crash: "EXIT of call"},
		"notes too many":               {broken: true},
		"notes one over":               {broken: true},
		"notes none that runs":         {broken: true},
		"returns too many":             {broken: true},
		"returns for an answer":        {held: "7", crash: "make no sense"},
	} {
		t.Run(name, func(t *testing.T) {
			before := descriptors(t)
			w := start(t, "lent "+name, 1, times(Times{First: 5 * time.Second, Pause: time.Millisecond, MostPause: 4 * time.Millisecond}))
			pid := w.pid()
			w.wait()
			r := w.lend(t.Context(), t.Context())
			if (r == nil) != want.nothing {
				t.Fatalf("got %+v, want nothing: %v", r, want.nothing)
			}
			if r != nil {
				w.wantReturned(r, want.held, want.status, want.crash)
				if *r.Sums != (wire.Sums{Served: want.served, Lost: want.lost}) || r.Broken != want.broken {
					t.Errorf("%+v, broken %v; want %d served, %d lost, broken %v", *r.Sums, r.Broken, want.served, want.lost, want.broken)
				}
			}
			if again := w.pid(); (again == pid) != want.lives {
				t.Errorf("worker %d, then %d; want it to live: %v", pid, again, want.lives)
			}
			w.Drain()
			w.Close()
			testkit.Eventually(t, "no descriptor is left", func() bool { return descriptors(t) <= before })
		})
	}
}

// pid makes a call, and gives the worker's process.
func (w *world) pid() int {
	w.t.Helper()
	c := w.begin()
	defer c.end()
	return c.PID()
}

// wait waits until the one worker is idle.
func (w *world) wait() {
	w.t.Helper()
	testkit.Eventually(w.t, "the worker is free", func() bool {
		d := w.Entry(w.rules).Workers
		return d.Warm == 1 && d.Busy == 0
	})
}

// wantReturned checks the call that goes on behind a loan.
func (w *world) wantReturned(r *run.Returned, held string, status uint32, crash string) {
	w.t.Helper()
	if held == "" || r.Process == nil {
		if held != "" || r.Process != nil {
			w.t.Fatalf("%+v, want call %q", r, held)
		}
		return
	}
	if ago := time.Since(r.Began); r.ID != held || ago < 0 || ago > testkit.Limit {
		w.t.Errorf("call %s began %v ago, want %s", r.ID, ago, held)
	}
	testkit.Within(w.t, "the call's end", func() {
		got, err := r.Process.Wait()
		if err != nil || crash == "" && got.Wait != status || !strings.Contains(got.Crash, crash) || (crash == "") != (got.Crash == "") {
			w.t.Errorf("%+v, %v; want %d, %q", got, err, status, crash)
		}
	})
}

// A loan that is recalled before it began costs nothing, least of all its worker.
func TestRecalledBefore(t *testing.T) {
	w := start(t, "lent honest", 1)
	pid := w.pid()
	w.wait()
	recall, cancel := context.WithCancel(t.Context())
	cancel()
	if r := w.lend(t.Context(), recall); r != nil {
		t.Errorf("lent: %+v", r)
	}
	if again := w.pid(); again != pid {
		t.Errorf("worker %d, then %d", pid, again)
	}
}

// A loan that is recalled while it begins never costs the worker.
func TestRecalledWhileItBegins(t *testing.T) {
	w := start(t, "lent is slow", 1)
	pid := w.pid()
	w.wait()
	recall, cancel := context.WithCancel(t.Context())
	go cancel()
	if r := w.lend(t.Context(), recall); r != nil {
		w.wantReturned(r, "7", 0, "")
	}
	if again := w.pid(); again != pid {
		t.Errorf("worker %d, then %d", pid, again)
	}
}

// A worker isn't lent while calls wait for it, nor where it has to be replaced first.
func TestNotLent(t *testing.T) {
	w := start(t, "lent is slow", 1)
	w.wait()
	if r := w.lend(t.Context(), t.Context()); r == nil {
		t.Fatal("not lent")
	} else if again := w.lend(t.Context(), t.Context()); again != nil {
		t.Errorf("lent twice: %+v", again)
	} else {
		w.wantReturned(r, "7", 0, "")
	}
	few := start(t, "lent honest", 1, func(w *world) { w.rules.MaxUses = 1 })
	few.wait()
	if r := few.lend(t.Context(), t.Context()); r != nil {
		t.Errorf("lent for one use: %+v", r)
	}
	old := start(t, "serve", 1)
	old.wait()
	if r := old.lend(t.Context(), t.Context()); r != nil {
		t.Errorf("lent to one that takes no loans: %+v", r)
	}
}
