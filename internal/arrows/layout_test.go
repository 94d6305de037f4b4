package arrows

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The package rpcd decides about calls, and its joints do the work. Where it
// outgrows these limits, a joint is missing.
const (
	daemonLines = 1900
	daemonFiles = 14
)

// functionLines is how long a function may be, from its first line to its closing
// brace: what fits on a screen. Tests may be longer, since tables are.
const functionLines = 50

// deadlines names who may set the limits of a connection's waits, and of a pipe's.
// The connection of package talk owns the first: two owners would undo each
// other's limits. bench and internal stand outside.
var deadlines = map[string]string{
	"client/batch/capture.go":      "pipes",
	"rpcd/talk/conn.go":            "owns them",
	"rpcd/talk/heartbeat.go":       "owns them",
	"rpcd/fdconn/conn.go":          "defines them",
	"rpcd/child/starter/helper.go": "looks after a job of a helper that takes long, by an eventfd",
	"rpcd/fdconn/lock.go":          "asks through a connection of its own whether a daemon lives",
	"rpcd/stream/input.go":         "pipes",
	"rpcd/stream/output.go":        "pipes",
	"rpcd/stream/shown.go":         "terminals",
	"rpcd/stream/typed.go":         "terminals",
	"rpcd/child/terminal.go":       "asks the process that leads a terminal's session",
}

// elsewhere finds pointers to documents that the repository doesn't hold. Where a
// reader can't follow, the reason has to stand in the text itself.
var elsewhere = regexp.MustCompile(`(?i)\b(house|rooms|contract)\.md\b|\bthe contract\b|\bissues? #?[0-9]`)

// source is a file of Go, no test. Its path is that from the repository's root.
type source struct {
	path  string
	text  []byte
	tree  *ast.File
	files *token.FileSet
}

// each calls f with the path and text of every file of the repository, without
// what .gitignore names and what holds NUL bytes, as pictures do.
func each(t *testing.T, f func(path string, text []byte)) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		path, _ := filepath.Rel(root, name)
		switch {
		case err != nil:
			return err
		case path == ".git" || path == "bin" || path == "volumes/images/out":
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(name)
		if err == nil && !bytes.Contains(text, []byte{0}) {
			f(path, text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sources parses the module without its tests.
func sources(t *testing.T) (all []source) {
	t.Helper()
	each(t, func(path string, text []byte) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return
		}
		files := token.NewFileSet()
		tree, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{path, text, tree, files})
	})
	if len(all) < 100 {
		t.Fatalf("%d files of Go are found: this isn't the repository", len(all))
	}
	return all
}

// line gives the number of the line at a position.
func (s source) line(at token.Pos) int { return s.files.Position(at).Line }

// in says whether the file lies in one of the folders, or below it.
func (s source) in(folders string) bool { return anyOf(s.path, folders) }

// direct says whether the file is of the package in this folder.
func (s source) direct(folder string) bool { return filepath.Dir(s.path) == folder }

// find calls f with every node of type N.
func find[N ast.Node](s source, f func(N)) {
	ast.Inspect(s.tree, func(n ast.Node) bool {
		if n, ok := n.(N); ok {
			f(n)
		}
		return true
	})
}

func TestDaemonIsSmall(t *testing.T) {
	lines, files := 0, 0
	for _, s := range sources(t) {
		if s.direct("rpcd") {
			files++
			lines += bytes.Count(s.text, []byte("\n"))
		}
	}
	if lines > daemonLines || files > daemonFiles {
		t.Errorf("package rpcd has %d lines in %d files, at most %d in %d: move what decides nothing about a call to a room below", lines, files, daemonLines, daemonFiles)
	}
}

func TestFunctionsAreShort(t *testing.T) {
	for _, s := range sources(t) {
		find(s, func(f *ast.FuncDecl) {
			if n := s.line(f.End()) - s.line(f.Pos()) + 1; n > functionLines {
				t.Errorf("%s:%d: %s has %d lines, at most %d", s.path, s.line(f.Pos()), f.Name.Name, n, functionLines)
			}
		})
	}
}

// TestNoWayUp: a call is given what it needs, and doesn't reach for the server
// through its connection.
func TestNoWayUp(t *testing.T) {
	for _, s := range sources(t) {
		find(s, func(up *ast.SelectorExpr) {
			if conn, ok := up.X.(*ast.SelectorExpr); ok && conn.Sel.Name == "conn" && up.Sel.Name == "server" {
				t.Errorf("%s:%d: .conn.server", s.path, s.line(up.Pos()))
			}
		})
	}
}

func TestOneOwnerOfDeadlines(t *testing.T) {
	setter := regexp.MustCompile(`^Set((Read|Write)?Deadline|Idle)$`)
	used := map[string]bool{}
	for _, s := range sources(t) {
		if !s.in("client cmd rpcd") {
			continue
		}
		find(s, func(call *ast.CallExpr) {
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !setter.MatchString(method.Sel.Name) {
				return
			}
			used[s.path] = true
			if deadlines[s.path] == "" {
				t.Errorf("%s:%d: %s is set here, and its owner is the connection of package talk", s.path, s.line(call.Pos()), method.Sel.Name)
			}
		})
	}
	for path := range deadlines {
		if !used[path] {
			t.Errorf("%s sets no deadline: remove it from the table", path)
		}
	}
}

// TestRefusalsHaveOnePlace: of packages rpcd and rpcd/refusal only the latter makes
// refusals, so that their words are read together. An empty one is what errors.As
// fills.
func TestRefusalsHaveOnePlace(t *testing.T) {
	made := 0
	for _, s := range sources(t) {
		if !s.direct("rpcd") && !s.direct("rpcd/refusal") {
			continue
		}
		find(s, func(value *ast.CompositeLit) {
			named, ok := value.Type.(*ast.SelectorExpr)
			if !ok || named.Sel.Name != "Refused" || len(value.Elts) == 0 {
				return
			}
			made++
			if !s.direct("rpcd/refusal") {
				t.Errorf("%s:%d: a refusal is made here, and not in rpcd/refusal", s.path, s.line(value.Pos()))
			}
		})
	}
	if made == 0 {
		t.Error("package rpcd/refusal makes no refusal: this test looks for the wrong name")
	}
}

func TestReadersCanFollow(t *testing.T) {
	each(t, func(path string, text []byte) {
		if path == "internal/arrows/layout_test.go" { // it names what it forbids
			return
		}
		number := 0
		for line := range bytes.Lines(text) {
			number++
			if found := elsewhere.Find(line); found != nil {
				t.Errorf("%s:%d: %q points out of the repository: say the reason itself", path, number, found)
			}
		}
	})
}
