package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
)

// kind is what a call does.
type kind string

const (
	plain    kind = "plain"    // reads, writes, exits
	bulk     kind = "bulk"     // the same with a few MB
	slow     kind = "slow"     // stops half-way through its output for a while
	children kind = "children" // leaves a process in its group that holds its streams
	overtime kind = "overtime" // runs into rpc's --timeout
	signaled kind = "signaled" // its caller gets a signal, which it handles
	dies     kind = "dies"     // its caller gets a signal, which ends it
	suicide  kind = "suicide"  // writes, then kills itself
	unknown  kind = "unknown"  // no such procedure
	hold     kind = "hold"     // runs until its caller is killed
)

// spec is what one call is told to do, and what its caller expects of it. The
// bytes of its streams follow from its number.
type spec struct {
	id           int
	kind         kind
	status       int  // to exit with
	signal       int  // signaled, dies: to wait for; suicide: to kill itself with
	deaf         bool // overtime, hold: it ignores TERM
	in, out, err int64
}

// args and parseSpec are each other's inverse.
func (s spec) args() []string {
	return []string{strconv.Itoa(s.id), string(s.kind), strconv.Itoa(s.status), strconv.Itoa(s.signal), strconv.FormatBool(s.deaf),
		strconv.FormatInt(s.in, 10), strconv.FormatInt(s.out, 10), strconv.FormatInt(s.err, 10)}
}

func parseSpec(args []string) (s spec, err error) {
	if len(args) != 8 {
		return s, fmt.Errorf("%d arguments", len(args))
	}
	number := func(text string) (n int64) {
		if err == nil {
			n, err = strconv.ParseInt(text, 10, 64)
		}
		return n
	}
	s.id, s.kind, s.status, s.signal = int(number(args[0])), kind(args[1]), int(number(args[2])), int(number(args[3]))
	s.deaf = args[4] == "true"
	s.in, s.out, s.err = number(args[5]), number(args[6]), number(args[7])
	return s, err
}

// ready begins the stdout of a call that waits for something: its signal handlers
// are installed now.
const ready = "ready\n"

// waits says whether the procedure begins with ready.
func (s spec) waits() bool {
	switch s.kind {
	case overtime, signaled, dies, hold:
		return true
	}
	return false
}

// bytes gives the n bytes of one of a call's streams: 0, 1 or 2.
func (s spec) bytes(stream int, n int64) io.Reader {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(s.id))
	seed[8] = byte(stream)
	return io.LimitReader(rand.NewChaCha8(seed), n)
}

// checker compares what is written to it with what shall come.
type checker struct {
	want  io.Reader
	left  int64
	wrong bool
	first chan struct{} // closed at the first byte
	buf   []byte
}

func newChecker(prefix string, want io.Reader, n int64) *checker {
	return &checker{want: io.MultiReader(strings.NewReader(prefix), want), left: int64(len(prefix)) + n, first: make(chan struct{})}
}

// Write never fails: a caller that stopped reading would be a fault of ours.
func (c *checker) Write(p []byte) (int, error) {
	if len(p) > 0 && c.buf == nil {
		close(c.first)
		c.buf = make([]byte, 4<<10)
	}
	for rest := p; len(rest) > 0 && !c.wrong; {
		n := min(len(rest), len(c.buf))
		if int64(n) > c.left {
			c.wrong = true // more than there is
			break
		}
		if _, err := io.ReadFull(c.want, c.buf[:n]); err != nil || string(c.buf[:n]) != string(rest[:n]) {
			c.wrong = true
			break
		}
		c.left -= int64(n)
		rest = rest[n:]
	}
	return len(p), nil
}

// whole says that everything came, and nothing else.
func (c *checker) whole() bool { return !c.wrong && c.left == 0 }
