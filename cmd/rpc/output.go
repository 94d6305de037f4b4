package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"

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

// writeJSON writes a list as indented JSON, one element after the other: a worker's
// answer may have megabytes, and JSON six bytes for one of them.
func writeJSON[T any](w io.Writer, list []T) error {
	b := bufio.NewWriter(w)
	if err := writeList(b, "", list); err != nil {
		return err
	}
	_ = b.WriteByte('\n') // Flush tells
	return b.Flush()
}

// writeList writes a list whose closing bracket stands after indent. Errors of b are
// told by its Flush.
func writeList[T any](b *bufio.Writer, indent string, list []T) error {
	if len(list) == 0 {
		_, _ = b.WriteString("[]")
		return nil
	}
	separator := "["
	for _, e := range list {
		_, _ = b.WriteString(separator + "\n  " + indent)
		separator = ","
		if err := writeElement(b, "  "+indent, e); err != nil {
			return err
		}
	}
	_, _ = b.WriteString("\n" + indent + "]")
	return nil
}

// writeElement writes one element. A row may have many procedures: they are a list of
// their own.
func writeElement(b *bufio.Writer, indent string, e any) error {
	const none = `"procedures": []` // in no text, whose quotes are escaped
	var procedures []procedure
	if r, ok := e.(row); ok {
		procedures, r.Procedures = r.Procedures, []procedure{}
		e = r
	}
	var text bytes.Buffer
	j := json.NewEncoder(&text)
	j.SetIndent(indent, "  ")
	j.SetEscapeHTML(false)
	if err := j.Encode(e); err != nil {
		return err
	}
	before, after, found := bytes.Cut(bytes.TrimSuffix(text.Bytes(), []byte("\n")), []byte(none))
	_, _ = b.Write(printable.JSON(before))
	if !found {
		return nil
	}
	_, _ = b.WriteString(strings.TrimSuffix(none, "[]"))
	err := writeList(b, "  "+indent, procedures)
	_, _ = b.Write(printable.JSON(after))
	return err
}
