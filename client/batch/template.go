package batch

import (
	"bytes"
	"strconv"
	"strings"
)

// placeholder is what stands for a part of a record in an argument: GNU parallel's.
type placeholder string

// The placeholders. Other words in braces are themselves.
const (
	whole    placeholder = "{}"
	noSuffix placeholder = "{.}"  // without its last .suffix
	base     placeholder = "{/}"  // behind its last slash
	folder   placeholder = "{//}" // before that: dirname(1)
	stem     placeholder = "{/.}" // {/} without its last .suffix
	number   placeholder = "{#}"  // of the record, from 1
)

var placeholders = []placeholder{whole, noSuffix, base, folder, stem, number}

// piece is a text, or a placeholder where that isn't "".
type piece struct {
	text  string
	place placeholder
}

// template are arguments with placeholders.
type template struct {
	args []string
	cut  [][]piece // of each argument
	used bool      // there is a placeholder
}

func parseTemplate(args []string) *template {
	t := &template{args: args}
	for _, a := range args {
		pieces := cutArg(a)
		t.cut = append(t.cut, pieces)
		for _, p := range pieces {
			t.used = t.used || p.place != ""
		}
	}
	return t
}

func cutArg(arg string) (pieces []piece) {
	text := ""
	for arg != "" {
		plain, rest, found := strings.Cut(arg, "{")
		text += plain
		if !found {
			break
		}
		p := placeholderAt("{" + rest)
		if p == "" { // a brace that is one
			text, arg = text+"{", rest
			continue
		}
		pieces = append(pieces, piece{text: text}, piece{place: p})
		text, arg = "", rest[len(p)-1:]
	}
	return append(pieces, piece{text: text})
}

// placeholderAt gives the placeholder that s begins with, or "".
func placeholderAt(s string) placeholder {
	for _, p := range placeholders {
		if strings.HasPrefix(s, string(p)) {
			return p
		}
	}
	return ""
}

// fill gives the arguments for a record.
func (t *template) fill(data []byte, n uint64) []string {
	if !t.used {
		return t.args
	}
	args := make([]string, len(t.cut))
	for i, pieces := range t.cut {
		var arg strings.Builder
		for _, p := range pieces {
			arg.WriteString(p.text)
			if p.place != "" {
				arg.WriteString(p.place.of(data, n))
			}
		}
		args[i] = arg.String()
	}
	return args
}

func (p placeholder) of(data []byte, n uint64) string {
	switch p {
	case noSuffix:
		return string(withoutSuffix(data))
	case base:
		return string(behindSlash(data))
	case folder:
		return dirname(string(data))
	case stem:
		return string(withoutSuffix(behindSlash(data)))
	case number:
		return strconv.FormatUint(n, 10)
	}
	return string(data)
}

func behindSlash(data []byte) []byte { return data[bytes.LastIndexByte(data, '/')+1:] }

// withoutSuffix drops a last dot and what stands behind it, if that is something and
// has no slash.
func withoutSuffix(data []byte) []byte {
	dot := bytes.LastIndexByte(data, '.')
	if dot < 0 || dot == len(data)-1 || bytes.IndexByte(data[dot:], '/') >= 0 {
		return data
	}
	return data[:dot]
}

// dirname is dirname(1).
func dirname(path string) string {
	if path == "" {
		return "."
	}
	path = strings.TrimRight(path, "/")
	if path == "" {
		return "/"
	}
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		return "."
	}
	if path = strings.TrimRight(path[:slash], "/"); path == "" {
		return "/"
	}
	return path
}
