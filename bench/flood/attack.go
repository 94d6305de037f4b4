package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// attack is one kind of flood. It runs in a process of its own.
type attack struct {
	name, text string
	run        func(*flooder)
}

// attacks are all floods, in the order of the report's table.
var attacks = []attack{
	{"silent", "1,000 connections that send nothing, or a byte a second, renewed when dropped", silent},
	{"crowd", "10,000 connections at once, each a PING, then held; renewed when dropped, 500 a second at most", held},
	{"noise", "1 MB frames of noise, as fast as two connections carry them", noise},
	{"sticky", "1,000 connections, each with a descriptor whose close waits for an hour; three callers whose file systems don't answer", sticky},
	{"overload, pings", "10,000 connections at once, each a PING, and again without end", func(f *flooder) { f.waves(wire.Question(wire.TypePing)) }},
	{"overload, calls", "10,000 connections at once, each a CALL of true, and again without end", func(f *flooder) { f.waves(callOfTrue()) }},
}

func names() (list []string) {
	for _, a := range attacks {
		list = append(list, a.name)
	}
	return list
}

func find(name string) *attack {
	for i := range attacks {
		if attacks[i].name == name {
			return &attacks[i]
		}
	}
	return nil
}

// tally counts the connections of a flooder by their ends.
type tally struct {
	Connections int64 // made
	Answered    int64 // a PONG, or the end of a call
	Refused     int64 // by a REFUSED
	Dropped     int64 // closed by the worker without an answer
	Unreached   int64 // no connection within dialLimit
	Silence     int64 // no answer within answerLimit
	Words       map[string]int64
}

func (t *tally) add(u tally) {
	t.Connections += u.Connections
	t.Answered += u.Answered
	t.Refused += u.Refused
	t.Dropped += u.Dropped
	t.Unreached += u.Unreached
	t.Silence += u.Silence
	for words, n := range u.Words {
		if t.Words == nil {
			t.Words = map[string]int64{}
		}
		t.Words[words] += n
	}
}

const (
	dialLimit   = 30 * time.Second // longer than rpc tries to connect
	answerLimit = 90 * time.Second // longer than rpcd's --queue-wait
	niceness    = 19
)

// flooder is the attacking process.
type flooder struct {
	socket string
	over   chan struct{} // closed when the measuring process is done
	ready  sync.Once
	mu     sync.Mutex
	tally  tally
}

// flood attacks socket until stdin ends, and writes the tally to stdout. The
// process runs at the lowest priority, so that it doesn't take the processors
// that rpcd needs. Only the work that the flood makes for rpcd shall count.
func flood(name, socket string) error {
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, niceness); err != nil {
		return fmt.Errorf("cannot lower the priority: %w", err)
	}
	f := &flooder{socket: socket, over: make(chan struct{})}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(f.over)
	}()
	find(name).run(f)
	f.mu.Lock() // never unlocked, so that open connections no longer change the tally
	return json.NewEncoder(os.Stdout).Encode(f.tally)
}

// inForce tells the measuring process that the flood has its full strength. Only
// the first call does something.
func (f *flooder) inForce() { f.ready.Do(func() { fmt.Println("ready") }) }

func (f *flooder) isOver() bool {
	select {
	case <-f.over:
		return true
	default:
		return false
	}
}

func (f *flooder) dial() *fdconn.Conn {
	ctx, cancel := context.WithTimeout(context.Background(), dialLimit)
	defer cancel()
	conn, err := fdconn.Dial(ctx, f.socket)
	if err != nil {
		f.count(func(t *tally) { t.Unreached++ })
		return nil
	}
	f.count(func(t *tally) { t.Connections++ })
	return conn
}

func (f *flooder) count(what func(*tally)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what(&f.tally)
}

// answer reads the frames of an answer up to its last one, or up to the
// connection's end. It reports whether the last frame was a PONG.
func (f *flooder) answer(conn *fdconn.Conn) bool {
	for {
		h, err := wire.ReadHeader(conn)
		var payload []byte
		if err == nil {
			payload, err = wire.ReadPayload(conn, h)
		}
		switch {
		case err != nil:
			f.count(func(t *tally) {
				if os.IsTimeout(err) {
					t.Silence++
				} else {
					t.Dropped++
				}
			})
			return false
		case h.Type == wire.TypePong || h.Type == wire.TypeExit:
			f.count(func(t *tally) { t.Answered++ })
			return h.Type == wire.TypePong
		case h.Type == wire.TypeRefused:
			words := "(unreadable)"
			if r, err := wire.ParseRefused(payload); err == nil {
				words = r.Text
			}
			f.count(func(t *tally) { t.Refused++; t.add(tally{Words: map[string]int64{words: 1}}) })
			return false
		}
	}
}
