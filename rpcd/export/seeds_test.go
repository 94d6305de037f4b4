package export

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// ruleSeeds gives names and texts of rule files: those of the workers in volumes/,
// those of the test scripts in cmd/, and bad ones.
func ruleSeeds(f *testing.F) (seeds [][2]string) {
	f.Helper()
	add := func(path, text string) {
		if name := filepath.Base(path); ruleFiles[name] != nil {
			seeds = append(seeds, [2]string{name, text})
		}
	}
	if err := filepath.WalkDir("../../volumes", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || ruleFiles[d.Name()] == nil {
			return err
		}
		text, err := os.ReadFile(path)
		add(path, string(text))
		return err
	}); err != nil {
		f.Fatal(err)
	}
	scripts, err := filepath.Glob("../../cmd/*/testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, script := range scripts {
		archive, err := txtar.ParseFile(script)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			add(file.Name, string(file.Data))
		}
	}
	if len(seeds) == 0 {
		f.Fatal("no rule file was found in volumes/ or in the test scripts of cmd/")
	}
	return append(seeds, [][2]string{
		{"allow", "# who\n\nuser 5"}, {"allow", "uid 65534"}, {"allow", "any\r\n"}, {"allow", "uid\t5 # me"}, {"allow", "\xef\xbb\xbfany"},
		{"env", "export A=1"}, {"env", "LD_*\n=x\nA=\x00\nLC_?"}, {"timeout", "-1"}, {"timeout", "1h30m"}, {"timeout", ""},
		{"max-calls", "0"}, {"max-calls", "two"}, {"max-calls", "1e3"}, {"max-calls", "4294967297"}, {"keep", "no\n"},
		{"summary", "a\nb"}, {"summary", "\x1b[2J"}, {"args", "a\x00b"}, {"args", "\n\n"}, {"workdir", "tmp"}, {"workdir", "/a\n/b"}, {"workdir", "/../.."},
	}...)
}

// nameSeeds gives names of real procedures, and odd names that a caller may send.
func nameSeeds(f *testing.F) (names []string) {
	f.Helper()
	entries, err := os.ReadDir("../../volumes/hugin/exports")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return append(names, "", ".", "..", "../x", "a/b", "/", "/bin/sh", ".hidden", "-n", "a b", "a'b", "$(x)", "`x`", "a\nb", "\x1b[2J", "\xff\xfe",
		"\u009b31m", "日本語", "a\x00b", "~", "!x", "a\\", "\"", "\u2028")
}
