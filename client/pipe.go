package client

import (
	"errors"
	"io"
	"os"
)

// StdinPipe gives a pipe to the procedure's stdin. Wait closes it.
func (c *Cmd) StdinPipe() (io.WriteCloser, error) {
	if c.Stdin != nil {
		return nil, errors.New("client: Stdin already set")
	}
	r, w, err := c.pipe()
	if err != nil {
		return nil, err
	}
	c.Stdin = r
	c.childFiles, c.parentPipes = append(c.childFiles, r), append(c.parentPipes, w)
	return w, nil
}

// StdoutPipe gives a pipe from the procedure's stdout. Wait closes it: read it
// to its end first.
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) {
	if c.Stdout != nil {
		return nil, errors.New("client: Stdout already set")
	}
	return c.outputPipe(&c.Stdout)
}

// StderrPipe is StdoutPipe of stderr.
func (c *Cmd) StderrPipe() (io.ReadCloser, error) {
	if c.Stderr != nil {
		return nil, errors.New("client: Stderr already set")
	}
	return c.outputPipe(&c.Stderr)
}

func (c *Cmd) outputPipe(to *io.Writer) (io.ReadCloser, error) {
	r, w, err := c.pipe()
	if err != nil {
		return nil, err
	}
	*to = w
	c.childFiles, c.parentPipes = append(c.childFiles, w), append(c.parentPipes, r)
	return r, nil
}

func (c *Cmd) pipe() (r, w *os.File, err error) {
	if c.started {
		return nil, nil, errors.New("client: pipe after the call has started")
	}
	return os.Pipe()
}
