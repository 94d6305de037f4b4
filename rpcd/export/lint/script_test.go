package lint

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzFirstLine: what lint says of a program's first line is a clean line with a
// cure, and it says nothing of machine code.
func FuzzFirstLine(f *testing.F) {
	for _, s := range []string{"#!/bin/sh\n", "#!/bin/sh -e\r\n", "#! /usr/bin/env python3\nx", "#!", "#!\n", "#! \t\n", "#!/none/such", "\x7fELF\x02\x01", "", "#!/bin/sh\x00", "echo\n", "\xef\xbb\xbf#!/bin/sh\n", "MZ\x00", "#!\x1b[2J"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		next, _, what, cure := firstLine(head[:min(len(head), 256)])
		if strings.ContainsFunc(what, unicode.IsControl) || !utf8.ValidString(what) || len(what) > 1200 {
			t.Fatalf("%q: %q", head, what)
		}
		if what != "" && (cure == "" || strings.HasPrefix(string(head), "\x7fELF")) || next != "" && !strings.HasPrefix(string(head), "#!") {
			t.Fatalf("%q: %q (%s), interpreter %q", head, what, cure, next)
		}
	})
}
