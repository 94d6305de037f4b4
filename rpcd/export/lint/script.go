package lint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rpcd/rpcd/export"
	"rpcd/rpcd/export/internal/display"
	"rpcd/rpcd/export/internal/program"
)

const firstLineCure = "correct its first line"

// surprise says what the kernel lets pass in a #! line though it can't be meant, and
// what to do about it. "": nothing.
func surprise(s program.Script, p *export.Procedure, o export.Owner) (what, cure string) {
	switch {
	case strings.HasSuffix(s.Argument, "\r"):
		what, cure = program.CarriageReturn, firstLineCure
	case s.Cut:
		what, cure = "has a #! line over 255 bytes long, of which the kernel drops the rest", "shorten its first line"
	case filepath.Base(s.Interpreter) == "env" && !onPath(s.Argument, p, o):
		what, cure = "asks env for "+display.Quote(s.Argument)+", which isn't on rpcd's PATH", "install it, or "+firstLineCure
	}
	if what != "" && s.File != p.Path {
		what = "has the interpreter " + display.Quote(s.File) + ", which " + what
	}
	return what, cure
}

// onPath says whether env(1) finds its one argument. It says yes where it can't
// know: with options, variables or several words, and where the caller may bring
// a PATH.
func onPath(argument string, p *export.Procedure, o export.Owner) bool {
	path := o.PATH
	for _, entry := range p.Set {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			path = value
		}
	}
	if path == "" || argument == "" || argument[0] == '-' || strings.ContainsAny(argument, "=/ \t") || p.AdmitEnv("PATH") {
		return true
	}
	return slices.ContainsFunc(filepath.SplitList(path), func(dir string) bool {
		file := filepath.Join(dir, argument)
		st, err := os.Stat(file)
		return !filepath.IsAbs(dir) || err == nil && st.Mode().IsRegular() && program.MayExecute(file)
	})
}
