package client

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// inputFile makes a file of Stdin, with a pipe where it is none: os/exec's
// rule.
func (c *Cmd) inputFile() (*os.File, error) {
	if c.Stdin == nil {
		return nil, nil
	}
	if f, ok := c.Stdin.(*os.File); ok {
		return f, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.childFiles, c.parentPipes = append(c.childFiles, r), append(c.parentPipes, w)
	stdin := c.Stdin
	c.copiers = append(c.copiers, func() error {
		_, err := io.Copy(w, stdin)
		if errors.Is(err, unix.EPIPE) {
			err = nil // the procedure needn't read all of it
		}
		if cerr := w.Close(); err == nil && !errors.Is(cerr, os.ErrClosed) {
			err = cerr
		}
		return err
	})
	return r, nil
}

// outputFile makes a file of Stdout or Stderr.
func (c *Cmd) outputFile(to io.Writer) (*os.File, error) {
	if to == nil {
		return nil, nil
	}
	if f, ok := to.(*os.File); ok {
		return f, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.childFiles, c.parentPipes = append(c.childFiles, w), append(c.parentPipes, r)
	c.sources = append(c.sources, r)
	c.copiers = append(c.copiers, func() error {
		_, err := io.Copy(to, r)
		r.Close()
		return err
	})
	return w, nil
}

// sameInterface compares as os/exec does; types that can't be compared differ.
func sameInterface(a, b any) bool {
	defer func() { _ = recover() }()
	return a == b
}

// startCopiers begins what goes between pipes and the caller's readers and
// writers.
func (c *Cmd) startCopiers() {
	c.copyErrors = make(chan error, len(c.copiers))
	for _, f := range c.copiers {
		go func() { c.copyErrors <- f() }()
	}
}

// awaitCopiers waits for the copiers, for at most WaitDelay, and gives their first
// error.
func (c *Cmd) awaitCopiers() error {
	var first error
	var limit <-chan time.Time
	if c.WaitDelay > 0 {
		timer := time.NewTimer(c.WaitDelay)
		defer timer.Stop()
		limit = timer.C
	}
	for range c.copiers {
		select {
		case err := <-c.copyErrors:
			if first == nil {
				first = err
			}
		case <-limit:
			closeFiles(c.sources)
			return ErrWaitDelay
		}
	}
	return first
}

// ErrWaitDelay is Wait's error when the call succeeded but WaitDelay ran out
// before its pipes were closed: exec.ErrWaitDelay.
var ErrWaitDelay = errors.New("client: WaitDelay expired before I/O complete")
