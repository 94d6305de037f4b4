package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/rig"
	"rpcd/internal/stubborn"
	"rpcd/rpcd/wire"
)

// strangerName is the name under which this program runs as a stranger. Each is a
// process of its own: soak would hand its descriptors to the callers that it forks.
const strangerName = "stranger"

// strangerKind says by what a stranger tries to make a worker wait. Its own result
// isn't judged.
type strangerKind string

const (
	stickyPing     strangerKind = "PING with a sticky descriptor"
	stickyHalf     strangerKind = "half a frame with a sticky descriptor"
	stickyNonsense strangerKind = "nonsense with a sticky descriptor"
	stickyProbe    strangerKind = "CALL with a sticky probe"
	hungStdin      strangerKind = "caller ended, its stdin hangs at close"
	hungDirectory  strangerKind = "caller killed, its directory hangs"
)

// The kinds of strangers. Those of fuse(4) come last.
var (
	stickyKinds = []strangerKind{stickyPing, stickyHalf, stickyNonsense, stickyProbe}
	hungKinds   = []strangerKind{hungStdin, hungDirectory}
)

const (
	strangerID    = 1 << 30                // the ledger's number of a stranger's call, beyond those of soak's own
	strangerLeast = 500 * time.Millisecond // until a stranger lets go of all
	strangerMost  = 4 * time.Second        // shorter than a drain's processes have to end
	strangerLimit = 12 * time.Second       // of a stranger's process
)

// Exit statuses of a stranger.
const (
	strangerUnreached = 1 // the worker is away, which a fault explains
	strangerFailed    = 2 // it couldn't make what hangs
)

// strangers makes strangers and counts them.
type strangers struct {
	kinds   []strangerKind
	leftOut error // why there are none of hungKinds, or nil
	share   float64
	chance  *rand.Rand

	mu              sync.Mutex
	made, unreached map[strangerKind]int
	failures        []error
	number          int
	hanging         int // callers of hungKinds that are there now
}

func newStrangers(st *stage) *strangers {
	s := &strangers{kinds: stickyKinds, share: st.options.strangers, chance: rand.New(rand.NewPCG(st.options.seed, 3)),
		made: map[strangerKind]int{}, unreached: map[strangerKind]int{}}
	folder := filepath.Join(st.data, "fuse")
	s.leftOut = os.Mkdir(folder, 0o755)
	if s.leftOut == nil {
		var fs *stubborn.FileSystem
		if fs, s.leftOut = stubborn.Mount(folder); s.leftOut == nil {
			fs.Unmount()
			s.kinds = append(s.kinds[:len(s.kinds):len(s.kinds)], hungKinds...)
		}
		os.Remove(folder)
	}
	return s
}

// maybe makes a stranger by chance. It runs in all.
func (s *strangers) maybe(ctx context.Context, st *stage, all *sync.WaitGroup) {
	if s.chance.Float64() >= s.share {
		return
	}
	s.number++
	kind, number, worker := s.kinds[s.chance.IntN(len(s.kinds))], s.number, s.chance.IntN(workers)
	total := strangerLeast + time.Duration(s.chance.Int64N(int64(strangerMost-strangerLeast)))
	all.Go(func() { s.run(ctx, st, kind, number, worker, total) })
}

// run runs a stranger's process to its end, and ends what it mounted.
func (s *strangers) run(ctx context.Context, st *stage, kind strangerKind, number, worker int, total time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, strangerLimit)
	defer cancel()
	if slices.Contains(hungKinds, kind) {
		s.count(1)
		defer s.count(-1)
	}
	folder := filepath.Join(st.data, fmt.Sprint(strangerName, number))
	err := os.Mkdir(folder, 0o755)
	if err == nil {
		cmd := exec.CommandContext(ctx, st.work)
		cmd.Args = []string{strangerName, string(kind), st.workerSocket(worker), st.options.RPC, folder, strconv.Itoa(strangerID + number), total.String()}
		cmd.Env, cmd.Stderr = st.env, os.Stderr
		cmd.Cancel = func() error { return errors.Join(cmd.Process.Kill(), stubborn.Unmount(folder)) }
		err = cmd.Run()
		_ = stubborn.Unmount(folder) // where the stranger couldn't
		os.Remove(folder)
	}
	s.over(kind, err)
}

// over counts a stranger that has ended.
func (s *strangers) over(kind strangerKind, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made[kind]++
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && ended.ExitCode() == strangerUnreached:
		s.unreached[kind]++
	case err != nil:
		s.failures = append(s.failures, fmt.Errorf("%s: %w", kind, err))
	}
}

// count counts a caller whose file system hangs, or counts it off.
func (s *strangers) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hanging += n
}

// hang reports whether a caller's file system may hang now.
func (s *strangers) hang() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hanging > 0
}

// String gives the table of strangers, as Markdown.
func (s *strangers) String() string {
	lines := [][]string{{"strangers, not judged", "made", "while the worker was away"}}
	for _, kind := range s.kinds {
		lines = append(lines, []string{string(kind), digits(s.made[kind]), digits(s.unreached[kind])})
	}
	text := rig.Table(lines)
	if s.leftOut != nil {
		text += fmt.Sprintf("\nCallers on file systems that hang were left out: %v.\n", s.leftOut)
	}
	return text
}

// strange is what a stranger's process does.
type strange struct {
	kind                strangerKind
	socket, rpc, folder string
	id                  string
	until               time.Time // when it lets go of all
}

// beStranger runs as a stranger. It never returns.
func beStranger(args []string) {
	// Go stops all threads for a collection, and a fork waits for the file system
	// that this process serves.
	debug.SetGCPercent(-1)
	total, err := time.ParseDuration(args[5])
	s := &strange{strangerKind(args[0]), args[1], args[2], args[3], args[4], time.Now().Add(total)}
	if err == nil {
		switch s.kind {
		case hungStdin, hungDirectory:
			err = s.hang()
		default:
			err = s.stick()
		}
	}
	switch {
	case errors.Is(err, errAway):
		os.Exit(strangerUnreached)
	case err != nil:
		fmt.Fprintf(os.Stderr, "soak: a stranger: %s: %v\n", s.kind, err)
		os.Exit(strangerFailed)
	}
	os.Exit(0)
}

var errAway = errors.New("the worker is away")

// pause waits for a random time, at most for limit, or until it is time to let go.
func (s *strange) pause(limit time.Duration) {
	time.Sleep(min(rand.N(limit), time.Until(s.until)))
}

// stick sends a sticky descriptor, which the worker alone holds then. It lets go of
// the connection at a random time, and of the descriptor's other end at last. Its
// writes may fail: a fault or the worker may end the connection.
func (s *strange) stick() error {
	fd, other, err := stubborn.Sticky()
	if err != nil {
		return err
	}
	defer other.Close()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: s.socket, Net: "unix"})
	if err != nil {
		return errAway
	}
	defer c.Close()
	_ = c.SetDeadline(s.until)
	first, rest := s.message()
	_, _, _ = c.WriteMsgUnix(first, unix.UnixRights(fd), nil)
	go unix.Close(fd) // it waits if the worker's close came first
	s.pause(20 * time.Millisecond)
	_, _ = c.Write(rest)
	s.pause(2 * time.Second)
	c.Close()
	time.Sleep(time.Until(s.until))
	return nil
}

// message gives what a stranger sends with its descriptor, and what it sends later.
func (s *strange) message() (first, rest []byte) {
	const part = 9 // bytes: a frame's header, and one more
	b := wire.Question(wire.TypePing)
	switch s.kind {
	case stickyHalf:
		return b[:part], nil
	case stickyNonsense:
		return []byte("GET / HTTP/1.1\r\n\r\n"), nil
	case stickyProbe:
		b = (&wire.Call{Procedure: procedureName, Args: s.args(), Dir: wire.Dir{Name: "/"}, Umask: 0o022,
			Streams: []wire.Stream{{Mode: wire.Probe}}}).Append()
	}
	return b[:part], b[part:]
}

// args are those of a procedure that runs until its caller has gone.
func (s *strange) args() []string {
	id, _ := strconv.Atoi(s.id)
	return spec{id: id, kind: hold, deaf: rand.N(3) == 0}.args()
}

// hang starts a caller on a file system, hangs that and ends the caller. The kernel
// ends both the caller and its procedure when the file system answers again.
func (s *strange) hang() error {
	fs, err := stubborn.Mount(s.folder)
	if err != nil {
		return err
	}
	defer fs.Unmount()
	cmd := exec.Command(s.rpc, append([]string{s.socket, procedureName}, s.args()...)...)
	if s.kind == hungDirectory {
		cmd.Dir = filepath.Join(s.folder, "dir")
		if err := cmd.Start(); err != nil {
			return err
		}
		fs.Hang(stubborn.RequestFlush, stubborn.RequestLookup, stubborn.RequestAccess)
		time.Sleep(time.Second)
	} else if err := s.hangStdin(fs, cmd); err != nil {
		return err
	}
	_ = cmd.Process.Kill()
	time.Sleep(time.Until(s.until))
	fs.Answer()
	_ = cmd.Wait()
	return nil
}

// hangStdin starts a caller whose stdin hangs at close: from the first moment, or
// once the procedure runs. By TERM rpc has the procedure ended, which KILL can't ask
// for.
func (s *strange) hangStdin(fs *stubborn.FileSystem, cmd *exec.Cmd) error {
	file, err := os.Open(filepath.Join(s.folder, "file"))
	if err != nil {
		return err
	}
	cmd.Stdin = file
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	file.Close()
	if err != nil {
		return err
	}
	if rand.N(3) > 0 {
		_ = out.(*os.File).SetReadDeadline(s.until)
		_, _ = io.ReadFull(out, make([]byte, len(ready)))
	}
	fs.Hang(stubborn.RequestFlush)
	if rand.N(2) == 0 {
		_ = cmd.Process.Signal(unix.SIGTERM)
	}
	s.pause(time.Second)
	return nil
}
