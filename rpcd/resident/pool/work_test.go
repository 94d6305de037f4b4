package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/resident"
	"rpcd/rpcd/wire"
)

// work is a worker that behaves in that way. It gives the exit status.
func work(behaviour string) int {
	write := func(frame []byte) { _, _ = unix.Write(residentFD, frame) }
	how, argument, _ := strings.Cut(behaviour, " ")
	switch how {
	case "serve":
	case "loading": // until there is a file
		if err := resident.Loading(); err != nil {
			return 1
		}
		for !exists(argument) {
			time.Sleep(10 * time.Millisecond)
		}
	case "late":
		for !exists(argument) {
			time.Sleep(10 * time.Millisecond)
		}
	case "mute":
		time.Sleep(time.Hour)
	case "ends":
		return 3
	case "explains":
		fmt.Fprintln(os.Stderr, "Traceback\nModuleNotFoundError: No module named 'x'")
		return 1
	case "closes":
		unix.Close(residentFD)
		time.Sleep(time.Hour)
	case "garbage":
		write([]byte("hello, world\n"))
		time.Sleep(time.Hour)
	case "future":
		write(wire.Frame(wire.TypeReady, 0, 0, []byte("RPCD\x00\x63")))
		time.Sleep(time.Hour)
	case "deaf": // ready, and takes no call
		write(wire.Ready(0))
		time.Sleep(time.Hour)
	case "noisy": // ready, and says more than it is asked
		write(append(wire.Ready(0), wire.Frame(wire.TypeHeartbeat, 0, 0, nil)...))
		time.Sleep(time.Hour)
	case "lent":
		return lent(argument)
	case "raw":
		return raw(argument)
	case "once": // serves like any other once, and is broken from the second start on
		if exists(argument) {
			return 4
		}
		_ = os.WriteFile(argument, nil, 0o600)
	}
	if err := resident.Serve(resident.HandlerFunc(handle)); err != nil {
		fmt.Println("serve:", err)
		return 1
	}
	return 0
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// handle does what the call's arguments say.
func handle(c *resident.Call) int {
	what, argument := c.Args[2], "" // behind the worker's own
	if len(c.Args) > 3 {
		argument = c.Args[3]
	}
	switch what {
	case "say":
		fmt.Fprint(c.Stdout, strings.Join(c.Args[3:], " "))
	case "pid":
		fmt.Fprint(c.Stdout, os.Getpid())
	case "exit":
		n, _ := strconv.Atoi(argument)
		return n
	case "state":
		dir, _ := os.Getwd()
		mask := unix.Umask(0)
		fmt.Fprintf(c.Stdout, "%s %04o %s %s %s", dir, mask, c.Getenv("PWD"), os.Getenv("RPC_WORKER"), os.Getenv("RPC_RESIDENT_FD"))
	case "until-canceled":
		fmt.Fprintln(c.Stdout, os.Getpid())
		<-c.Context().Done()
		var canceled *resident.Canceled
		errors.As(context.Cause(c.Context()), &canceled)
		return -int(canceled.Signal)
	case "signal":
		fmt.Fprintln(c.Stdout, "ready")
		fmt.Fprint(c.Stdout, <-c.Signals)
	case "copy":
		_, _ = io.Copy(c.Stdout, c.Stdin)
	case "last-words":
		fmt.Println("farewell")
		os.Exit(3)
	case "crash":
		os.Exit(3)
	case "killed":
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		time.Sleep(time.Hour)
	case "hang":
		fmt.Fprintln(c.Stdout, os.Getpid())
		time.Sleep(time.Hour)
	case "panic":
		panic("oh")
	case "print":
		fmt.Println("a stray line")
	case "flood":
		for i := range 5000 {
			fmt.Println("line", i)
		}
	case "fork": // the child has all that the worker has, and ignores TERM
		child := exec.Command("sh", "-c", "trap '' TERM; echo up; exec sleep 1000")
		fd, _ := unix.Dup(residentFD)
		child.ExtraFiles = []*os.File{os.NewFile(uintptr(fd), "socket")}
		up, err := child.StdoutPipe()
		if err == nil {
			err = child.Start()
		}
		if err != nil {
			return 1
		}
		_, _ = up.Read(make([]byte, 3))
		fmt.Fprint(c.Stdout, child.Process.Pid)
	case "grow":
		grown = append(grown, make([]byte, 64<<20)...)
		for i := range grown {
			grown[i] = 1
		}
		fmt.Fprint(c.Stdout, os.Getpid())
	}
	return 0
}

var grown []byte

// raw takes calls by hand: it answers with what argument names.
func raw(argument string) int {
	conn, err := fdconn.Adopt(3)
	if err != nil {
		return 1
	}
	conn.Receive(fdconn.MaxDescriptors)
	_ = conn.WriteFrame(wire.Ready(0))
	for {
		h, err := wire.ReadHeader(conn)
		if err != nil {
			return 0
		}
		payload, err := wire.ReadPayload(conn, h)
		if err != nil || h.Type != wire.TypeCall {
			continue
		}
		m, err := wire.ParseCall(0, payload)
		conn.TakeFiles().Close()
		if err != nil {
			return 2
		}
		id := idOf(m.Env)
		started := (&wire.Started{ID: id}).Append(wire.TypeStarted)
		exit := (&wire.Exit{ID: id, Consumed: -1}).Append()
		switch argument {
		case "twice":
			_ = conn.WriteFrame(append(append(started, exit...), exit...))
		case "another":
			_ = conn.WriteFrame(append(started, (&wire.Exit{ID: id + "0", Consumed: -1}).Append()...))
		case "another-start":
			_ = conn.WriteFrame(append((&wire.Started{ID: id + "0"}).Append(wire.TypeStarted), exit...))
		case "nameless":
			_ = conn.WriteFrame(append(started, (&wire.Exit{Consumed: -1}).Append()...))
		case "exit-first":
			_ = conn.WriteFrame(exit)
		case "data":
			_ = conn.WriteFrame(append(started, wire.Frame(wire.TypeData, 1, 0, []byte("x"))...))
		case "refuses":
			_ = conn.WriteFrame((&wire.Refused{Code: wire.NoDirectory, Text: "can't", ID: id}).Append())
		case "refuses-nameless":
			_ = conn.WriteFrame((&wire.Refused{Code: wire.NoDirectory, Text: "can't"}).Append())
		case "hangs-up":
			_ = conn.WriteFrame(started)
			conn.Close()
			time.Sleep(time.Hour)
		case "drops": // half a second too late for STARTED, by dying
			return 5
		}
	}
}
