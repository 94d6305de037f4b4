package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// procedureName is the name under which a copy of this program is exported as a
// procedure.
const procedureName = "work"

// Exit statuses of a procedure that found a fault in its streams or arguments. No
// spec asks for them.
const (
	statusInput  = 97 // stdin differed from what the caller sent
	statusOutput = 98 // a write failed
	statusSpec   = 99 // its arguments aren't a spec
)

// procedure runs as the procedure of a call. It never returns.
func procedure(args []string) {
	s, err := parseSpec(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(statusSpec)
	}
	l := openLedger(s.id)
	l.started()
	if s.deaf {
		signal.Ignore(syscall.SIGTERM)
	}
	heard := make(chan os.Signal, 4)
	if s.kind == signaled {
		signal.Notify(heard, syscall.Signal(s.signal))
	}
	if s.kind == children {
		linger()
	}
	end := func(status int) {
		l.ends(fmt.Sprint(status))
		os.Exit(status)
	}
	var out error
	if s.waits() {
		_, out = io.WriteString(os.Stdout, ready)
	}
	switch s.kind {
	case overtime, dies, hold:
		for {
			time.Sleep(time.Hour)
		}
	case signaled:
		<-heard
	}
	in, out, errs := s.streams(out)
	switch {
	case in != nil:
		end(statusInput)
	case out != nil || errs != nil:
		end(statusOutput)
	case s.kind == suicide:
		l.ends(signalWord(s.signal))
		_ = syscall.Kill(os.Getpid(), syscall.Signal(s.signal))
		time.Sleep(time.Hour)
	}
	end(s.status)
}

// streams reads stdin while it writes stdout and stderr. failed is an earlier
// error of stdout, after which streams writes nothing to it.
func (s spec) streams(failed error) (in, out, errs error) {
	out = failed
	var all sync.WaitGroup
	all.Go(func() { in = s.take() })
	all.Go(func() { errs = give(os.Stderr, s.bytes(2, s.err)) })
	if out == nil && s.kind == slow {
		first := s.bytes(1, s.out)
		out = give(os.Stdout, io.LimitReader(first, s.out/2))
		time.Sleep(s.pause())
		out = errors.Join(out, give(os.Stdout, first))
	} else if out == nil {
		out = give(os.Stdout, s.bytes(1, s.out))
	}
	all.Wait()
	return in, out, errs
}

// pause gives the time that a slow procedure waits half-way: mostly a moment, at
// times longer than a drain.
func (s spec) pause() time.Duration {
	d := time.Duration(s.id%300) * time.Millisecond
	if s.id%3 == 0 {
		d *= 8
	}
	return d
}

// signalWord gives the ledger's word for an end by a signal.
func signalWord(sig int) string { return fmt.Sprintf("sig%d", sig) }

// take reads stdin to its end, and compares it with the bytes that the caller
// sends.
func (s spec) take() error {
	want := newChecker("", s.bytes(0, s.in), s.in)
	if _, err := io.Copy(want, os.Stdin); err != nil {
		return err
	}
	if !want.whole() {
		return fmt.Errorf("stdin differs")
	}
	return nil
}

func give(to *os.File, from io.Reader) error {
	_, err := io.Copy(onlyWriter{to}, from)
	return err
}

// onlyWriter hides the ReadFrom of os.File, which would let the kernel copy.
type onlyWriter struct{ io.Writer }

// linger leaves a child in the process group. The child holds the three streams.
func linger() {
	cmd := exec.Command("sleep", "1000")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// ledger is the file in which procedures note their starts and ends. It lies
// beside their binary. Each line is one write with O_APPEND. So it is whole even
// if the procedure is killed or another one writes at the same time.
type ledger struct {
	id   int
	file *os.File
}

const ledgerName = "ledger"

func openLedger(id int) *ledger {
	self, err := os.Executable()
	var file *os.File
	if err == nil {
		file, err = os.OpenFile(filepath.Join(filepath.Dir(self), ledgerName), os.O_WRONLY|os.O_APPEND, 0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(statusSpec)
	}
	return &ledger{id, file}
}

func (l *ledger) write(word, what string) {
	if _, err := fmt.Fprintf(l.file, "%s %d %s %d\n", word, l.id, what, time.Now().UnixNano()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(statusSpec)
	}
}

func (l *ledger) started()         { l.write("started", fmt.Sprint(os.Getpid())) }
func (l *ledger) ends(with string) { l.write("ends", with) }
