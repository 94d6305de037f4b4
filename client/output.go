package client

import (
	"bytes"
	"errors"
)

// Output runs the call and gives its stdout. An *ExitError holds the end of
// its stderr, if Stderr was nil.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("client: Stdout already set")
	}
	var stdout bytes.Buffer
	var stderr tail
	c.Stdout = &stdout
	collect := c.Stderr == nil
	if collect {
		c.Stderr = &stderr
	}
	err := c.Run()
	var exit *ExitError
	if collect && errors.As(err, &exit) {
		exit.Stderr = stderr.last()
	}
	return stdout.Bytes(), err
}

// tail keeps the last bytes, where a program says why it ends.
type tail []byte

const tailSize = 32 << 10

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	if len(*t) > 4*tailSize { // not at each write
		*t = append((*t)[:0], t.last()...)
	}
	return len(p), nil
}

func (t *tail) last() []byte { return (*t)[max(0, len(*t)-tailSize):] }

// CombinedOutput runs the call and gives its stdout and stderr as one.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil || c.Stderr != nil {
		return nil, errors.New("client: Stdout or Stderr already set")
	}
	var b bytes.Buffer
	c.Stdout, c.Stderr = &b, &b
	err := c.Run()
	return b.Bytes(), err
}
