package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rpcd/internal/rows"
)

// rowsPath holds the rows of behaviour.
const rowsPath = "cmd/rpc/testdata/rows"

// collect finds the tests that name a fault: rows first, then scripts, Go tests
// and shell functions, each in the order of their folders and names.
func collect(top string) (tests, error) {
	found := tests{}
	all, err := rows.Load(filepath.Join(top, rowsPath))
	if err != nil {
		return nil, err
	}
	for _, row := range all {
		found.add("row "+row.Name, row.Faults...)
	}
	scripts, sources, err := files(top)
	if err != nil {
		return nil, err
	}
	for _, name := range scripts {
		if err := found.script(top, name); err != nil {
			return nil, err
		}
	}
	goTests := tests{}
	for _, name := range sources {
		if err := goTests.source(top, name); err != nil {
			return nil, err
		}
	}
	for key, names := range goTests { // the tests of one folder stand in several files
		slices.Sort(names)
		found[key] = append(found[key], names...)
	}
	for _, shell := range []struct{ path, function, name string }{
		{".ci/containers-cases.sh", "test_", "containers "},
		{".ci/containers-arrays.sh", "test_", "containers "},
		{".ci/containers-topics.sh", "test_", "containers "},
		{".ci/systemd-cases.sh", "test_", "systemd "},
		{".ci/package-cases.sh", "test_", "package "},
		{"test.sh", "", "test.sh "},
	} {
		if err := found.functions(top, shell.path, shell.function, shell.name); err != nil {
			return nil, err
		}
	}
	return found, found.python(top)
}

// pythonTests hold the tests of the Python package.
const pythonTests = "client/python/tests/test_*.py"

// python reads the tests of the Python package. Their keys stand in the comment right
// above them.
func (t tests) python(top string) error {
	names, err := filepath.Glob(filepath.Join(top, pythonTests))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := t.functions(top, strings.TrimPrefix(name, top+"/"), "    def test_", "client/python test_"); err != nil {
			return err
		}
	}
	return nil
}

// files lists the testscripts and the Go tests, by their paths from the top.
func files(top string) (scripts, sources []string, err error) {
	err = fs.WalkDir(os.DirFS(top), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case path.Ext(name) == ".txtar":
			scripts = append(scripts, name)
		case strings.HasSuffix(name, "_test.go"):
			sources = append(sources, name)
		}
		return nil
	})
	return scripts, sources, err
}

// script reads a testscript. Its keys stand in the comment on top.
func (t tests) script(top, name string) error {
	text, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		return err
	}
	folder, _, _ := strings.Cut(name, "/testdata/")
	test := folder + " script " + strings.TrimSuffix(path.Base(name), ".txtar")
	header := true
	for line := range strings.Lines(string(text)) {
		header = header && strings.HasPrefix(line, "#")
		keys := keysOf(line, "#")
		if keys != nil && !header {
			return fmt.Errorf("cannot use %q in %s: it stands below the comment on top", strings.TrimSpace(line), name)
		}
		t.add(test, keys...)
	}
	return nil
}

// source reads a file of Go tests. Its keys stand in the doc comments of
// functions named Test... or Fuzz....
func (t tests) source(top, name string) error {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(top, name), nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	docs := map[*ast.CommentGroup]string{} // to the function's name
	for _, decl := range file.Decls {
		function, ok := decl.(*ast.FuncDecl)
		if ok && (strings.HasPrefix(function.Name.Name, "Test") || strings.HasPrefix(function.Name.Name, "Fuzz")) {
			docs[function.Doc] = function.Name.Name
		}
	}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			keys := keysOf(comment.Text, "//")
			if keys != nil && docs[group] == "" {
				return fmt.Errorf("cannot use %q in %s: it isn't in the doc comment of a test", comment.Text, name)
			}
			t.add(path.Dir(name)+" "+docs[group], keys...)
		}
	}
	return nil
}

// functions reads a shell script, or Python's tests. Keys stand in the comment right above a
// function, whose name behind a prefix is the test's.
func (t tests) functions(top, name, prefix, test string) error {
	text, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		return err
	}
	var pending []string // keys that wait for their function
	for line := range strings.Lines(string(text) + "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			pending = append(pending, keysOf(line, "#")...)
			continue
		}
		function, _, isFunction := strings.Cut(line, "() {")
		if path.Ext(name) == ".py" {
			function, _, isFunction = strings.Cut(line, "(self")
		}
		function, isTest := strings.CutPrefix(function, prefix)
		if pending != nil && !(isFunction && isTest) {
			return fmt.Errorf("cannot use \"# fault: %s\" in %s: no test follows it", strings.Join(pending, " "), name)
		}
		t.add(test+function, pending...)
		pending = nil
	}
	return nil
}

// keysOf gives the keys of a comment's line, and nil where it has none.
func keysOf(line, mark string) []string {
	keys, ok := strings.CutPrefix(strings.TrimSpace(line), mark+" fault:")
	if !ok {
		return nil
	}
	return strings.Fields(keys)
}
