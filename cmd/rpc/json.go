package main

import (
	"bufio"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"rpcd/internal/printable"
)

// jsonWriter writes rows as JSON (RFC 8259), piece by piece: a worker's answer may have
// megabytes, and JSON six bytes for one of them. encoding/json would be 5 % of rpc's
// size, and would hold each row twice. Errors of b are told by its Flush.
type jsonWriter struct{ b *bufio.Writer }

// writeJSON writes a list as indented JSON and a newline.
func writeJSON[T any](w io.Writer, list []T) error {
	j := jsonWriter{bufio.NewWriter(w)}
	j.value(reflect.ValueOf(list), "\n")
	_ = j.b.WriteByte('\n')
	return j.b.Flush()
}

// value writes what rows are made of: structs with json tags, lists, pointers, texts,
// numbers and truth. line is a newline and the indentation so far, or "" for JSON in
// one line.
func (j jsonWriter) value(v reflect.Value, line string) {
	switch v.Kind() {
	case reflect.Struct:
		j.object(v, line)
	case reflect.Slice:
		j.list(v, line)
	case reflect.Pointer:
		j.value(v.Elem(), line)
	case reflect.String:
		j.text(v.String())
	case reflect.Bool:
		_, _ = j.b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Float64:
		_, _ = j.b.WriteString(strconv.FormatFloat(v.Float(), 'f', -1, 64))
	case reflect.Int:
		_, _ = j.b.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint32, reflect.Uint64:
		_, _ = j.b.WriteString(strconv.FormatUint(v.Uint(), 10))
	default:
		panic("no row has a field of the kind " + v.Kind().String())
	}
}

// deeper is the line of what stands inside. One line stays one.
func deeper(line string) string {
	if line == "" {
		return ""
	}
	return line + "  "
}

// object writes a struct. A field whose tag says omitempty is left out where it is zero.
func (j jsonWriter) object(v reflect.Value, line string) {
	colon, separator := `":`, byte('{')
	if line != "" {
		colon = `": `
	}
	for i := range v.NumField() {
		name, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name == "" || option == "omitempty" && v.Field(i).IsZero() {
			continue
		}
		_ = j.b.WriteByte(separator)
		separator = ','
		_, _ = j.b.WriteString(deeper(line) + `"` + name + colon)
		j.value(v.Field(i), deeper(line))
	}
	_, _ = j.b.WriteString(line + "}")
}

func (j jsonWriter) list(v reflect.Value, line string) {
	if v.Len() == 0 {
		_, _ = j.b.WriteString("[]")
		return
	}
	separator := byte('[')
	for i := range v.Len() {
		_ = j.b.WriteByte(separator)
		separator = ','
		_, _ = j.b.WriteString(deeper(line))
		j.value(v.Index(i), deeper(line))
	}
	_, _ = j.b.WriteString(line + "]")
}

// text writes a string. Bytes that aren't UTF-8 become U+FFFD, and what a terminal
// would obey is escaped.
func (j jsonWriter) text(s string) {
	_ = j.b.WriteByte('"')
	for _, r := range s {
		if i := strings.IndexRune("\"\\\b\f\n\r\t", r); i >= 0 {
			_, _ = j.b.WriteString(`\` + `"\bfnrt`[i:i+1])
		} else if printable.Obeyed(r) {
			fmt.Fprintf(j.b, `\u%04x`, r) // none is over U+FFFF, which would need two
		} else {
			_, _ = j.b.WriteRune(r)
		}
	}
	_ = j.b.WriteByte('"')
}
