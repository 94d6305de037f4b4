package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
)

// kind says what a call does.
type kind string

const (
	plain    kind = "plain"    // reads, writes and exits
	bulk     kind = "bulk"     // does the same with a few MB
	slow     kind = "slow"     // pauses half-way through its output
	children kind = "children" // leaves a process in its group, which holds its streams
	overtime kind = "overtime" // runs into rpc's --timeout
	signaled kind = "signaled" // its caller gets a signal, which it handles
	dies     kind = "dies"     // its caller gets a signal, which ends it
	suicide  kind = "suicide"  // writes, then kills itself
	unknown  kind = "unknown"  // asks for a procedure that doesn't exist
	hold     kind = "hold"     // runs until its caller is killed
)

// spec says what the procedure of one call has to do, and so what its caller
// expects. The bytes of the streams follow from the call's number.
type spec struct {
	id           int
	kind         kind
	status       int  // the exit status
	signal       int  // the signal to wait for (signaled, dies) or to kill itself with (suicide)
	deaf         bool // the procedure ignores TERM (overtime, hold)
	in, out, err int64
}

// args gives s as the arguments of the procedure. parseSpec is the inverse.
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

// ready is the first line on stdout of a procedure that waits for a signal or for
// its end. It means that the signal handlers are installed.
const ready = "ready\n"

// waits reports whether the procedure's stdout begins with ready.
func (s spec) waits() bool {
	switch s.kind {
	case overtime, signaled, dies, hold:
		return true
	}
	return false
}

// bytes gives the n bytes of stream 0, 1 or 2 of the call.
func (s spec) bytes(stream int, n int64) io.Reader {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(s.id))
	seed[8] = byte(stream)
	return io.LimitReader(rand.NewChaCha8(seed), n)
}

// checker compares the bytes that are written to it with the expected ones.
type checker struct {
	want  io.Reader
	left  int64
	wrong bool
	first chan struct{} // closed when the first byte arrives
	buf   []byte
}

func newChecker(prefix string, want io.Reader, n int64) *checker {
	return &checker{want: io.MultiReader(strings.NewReader(prefix), want), left: int64(len(prefix)) + n, first: make(chan struct{})}
}

// Write never fails: an error would stop the reading, and so disturb the call.
func (c *checker) Write(p []byte) (int, error) {
	if len(p) > 0 && c.buf == nil {
		close(c.first)
		c.buf = make([]byte, 4<<10)
	}
	for rest := p; len(rest) > 0 && !c.wrong; {
		n := min(len(rest), len(c.buf))
		if int64(n) > c.left {
			c.wrong = true // more bytes than expected
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

// whole reports whether exactly the expected bytes came.
func (c *checker) whole() bool { return !c.wrong && c.left == 0 }
