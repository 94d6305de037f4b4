package program

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// inFolder goes to a folder of its own, where a fuzzer may write a file again and
// again.
func inFolder(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, text, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkFault checks that a fault is a clean line with a cure.
func checkFault(t *testing.T, f *Fault) {
	t.Helper()
	if f == nil {
		return
	}
	if f.What == "" || f.Cure == "" || len(f.What) > 1200 || !utf8.ValidString(f.What) || strings.ContainsFunc(f.What+f.Cure, unicode.IsControl) {
		t.Fatalf("%+v", f)
	}
}

// FuzzInspect: whatever a program begins with, what is said of it is a clean line
// with a cure. A script names its interpreter.
func FuzzInspect(f *testing.F) {
	for _, s := range []string{"#!/bin/sh\n", "#!/bin/sh -e\r\n", "#! /usr/bin/env python3\nx", "#!", "#!\n", "#! \t\n", "#!/none/such", "\x7fELF\x02\x01", "", "#!/bin/sh\x00", "echo\n", "\xef\xbb\xbf#!/bin/sh\n", "MZ\x00", "#!\x1b[2J"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := thisMachine().inspect(inFolder(t, text))
		checkFault(t, r.Fault)
		if len(r.Scripts) > maxFiles || len(r.Scripts) > 0 != (bytes.HasPrefix(text, []byte("#!")) && (r.Fault == nil || len(r.Scripts) > 0)) {
			t.Fatalf("%q: %+v", text, r)
		}
		for _, s := range r.Scripts {
			if !filepath.IsAbs(s.Interpreter) || strings.ContainsAny(s.Interpreter, " \t\n\x00") {
				t.Fatalf("%q: %+v", text, s)
			}
		}
	})
}

// FuzzImage: no ELF header makes the reader panic, read more than the kernel would,
// or name a loader that isn't a path in the file.
func FuzzImage(f *testing.F) {
	m := machine{name: "x86_64", processors: []processor{x86_64, x86}}
	for _, p := range []processor{x86_64, x86, arm64} {
		f.Add(image(p, 2, "/lib/ld.so\x00", segment{interp, 0, 0}, whole))
		f.Add(image(p, 3, "", segment{load, 1 << 31, 1 << 31}))
	}
	f.Add([]byte(elfMagic + " junk"))
	f.Fuzz(func(t *testing.T, text []byte) {
		counted := &counter{r: bytes.NewReader(text)}
		_, loader, fault := m.image(counted, int64(len(text)))
		checkFault(t, fault)
		if counted.bytes > bits64.header+maxHeaders+maxLoader {
			t.Fatalf("%d bytes were asked for", counted.bytes)
		}
		if loader != "" && (fault != nil || len(loader) >= maxLoader || !bytes.Contains(text, []byte(loader+"\x00"))) {
			t.Fatalf("loader %q, %+v", loader, fault)
		}
	})
}

// counter counts what is asked for.
type counter struct {
	r     *bytes.Reader
	bytes int
}

func (c *counter) ReadAt(b []byte, at int64) (int, error) {
	c.bytes += len(b)
	return c.r.ReadAt(b, at)
}
