package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"

	"rpcd/internal/printable"
)

// output is stdout; it keeps the error of a write, which cobra's help drops.
type output struct{ err error }

func (o *output) Write(p []byte) (int, error) {
	n, err := os.Stdout.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

func writeJSON(w io.Writer, rows any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(rows); err != nil {
		return err
	}
	_, err := w.Write(printable.JSON(text.Bytes()))
	return err
}
