package batch

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"rpcd/client/record"
)

// check says why the stdout of a result can't be a record of the output. Where it
// can't, it is left out: who reads the output couldn't find the next record.
func (c *collector) check(x *result) error {
	out := x.outputs[0]
	if out == nil {
		return nil
	}
	var err error
	switch c.Framing {
	case record.U32:
		if out.size > math.MaxUint32 {
			err = fmt.Errorf("it has %d bytes", out.size)
		}
	case record.NPY:
		var r io.Reader
		if r, err = out.reader(); err == nil {
			err = record.CheckArrays(r)
		}
	}
	if err != nil {
		out.close()
		x.outputs[0] = nil
		return fmt.Errorf("its result is left out: %w", err)
	}
	return nil
}

// writeOutputs writes a result: stdout, then stderr.
func (c *collector) writeOutputs(x *result) error {
	if c.Framing == record.U32 && c.stdout != nil {
		size := int64(0)
		if x.outputs[0] != nil {
			size = x.outputs[0].size
		}
		if _, err := c.stdout.Write(binary.BigEndian.AppendUint32(nil, uint32(size))); err != nil {
			return err
		}
	}
	if err := c.writeStream(x, 0); err != nil {
		return err
	}
	return c.writeStream(x, 1)
}

// writeStream writes one output of a result, 0 for stdout.
func (c *collector) writeStream(x *result, n int) error {
	w := []*bufio.Writer{c.stdout, c.stderr}[n]
	if w == nil || x.outputs[n] == nil || x.outputs[n].size == 0 {
		return nil
	}
	r, err := x.outputs[n].reader()
	if err != nil {
		return err
	}
	var to io.Writer = struct{ io.Writer }{w} // its ReadFrom would read around the buffer
	if c.Tag {
		to = &tagger{to: w, tag: append(bytes.Clone(x.Data), '\t'), begins: true}
	}
	_, err = io.Copy(to, r)
	return err
}

// tagger writes a tag before each line.
type tagger struct {
	to     *bufio.Writer
	tag    []byte
	begins bool // a line begins
}

func (t *tagger) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if t.begins {
			if _, err := t.to.Write(t.tag); err != nil {
				return 0, err
			}
		}
		if _, err := t.to.Write(line); err != nil {
			return 0, err
		}
		t.begins = line[len(line)-1] == '\n'
	}
	return len(p), nil
}
