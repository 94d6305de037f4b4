package client

import (
	"bytes"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// faceFile lists every name that this package exports.
const faceFile = "testdata/face.txt"

// face type-checks the package and gives what its importers see.
func face(t *testing.T) *types.Package {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", "rpcd/client")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
	p, err := importer.ForCompiler(token.NewFileSet(), "gc", open).Import("rpcd/client")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// members gives the exported fields and methods of a type, with their types.
func members(t types.Type) map[string]types.Type {
	m := map[string]types.Type{}
	if named, ok := t.(*types.Named); ok {
		for method := range named.Methods() {
			if method.Exported() {
				m[method.Name()+"()"] = method.Type()
			}
		}
	}
	if s, ok := t.Underlying().(*types.Struct); ok {
		for field := range s.Fields() {
			if field.Exported() {
				m[field.Name()] = field.Type()
			}
		}
	}
	return m
}

// The package exports exactly the names in faceFile. The file is edited by hand,
// so that every new name is a decision.
func TestFace(t *testing.T) {
	scope := face(t).Scope()
	var got []string
	for _, name := range scope.Names() {
		o := scope.Lookup(name)
		if !o.Exported() {
			continue
		}
		word := strings.Fields(o.String())[0] // const, func, type, var
		got = append(got, word+" "+name)
		if word != "type" {
			continue
		}
		for member := range members(types.Unalias(o.Type())) {
			got = append(got, word+" "+name+"."+member)
		}
	}
	text, err := os.ReadFile(faceFile)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		listed[line] = true
	}
	for _, line := range got {
		if !listed[line] {
			t.Errorf("%s isn't listed in %s", line, faceFile)
		}
		delete(listed, line)
	}
	for line := range listed {
		t.Errorf("%s is listed in %s, and is gone", line, faceFile)
	}
}

// hidden are the packages whose types must not show in the exported API.
var hidden = []string{"rpcd/rpcd", "rpcd/internal", "rpcd/client/internal", "golang.org/x", "github.com"}

// All types that the exported API mentions belong to this package, to package
// replica or to the standard library.
func TestFaceShowsNoInnerTypes(t *testing.T) {
	p := face(t)
	seen := map[types.Type]bool{}
	var walk func(way string, of types.Type)
	walk = func(way string, of types.Type) {
		of = types.Unalias(of)
		if seen[of] {
			return
		}
		seen[of] = true
		switch of := of.(type) {
		case *types.Named:
			if pkg := of.Obj().Pkg(); pkg != nil {
				for _, h := range hidden {
					if pkg.Path() == h || strings.HasPrefix(pkg.Path(), h+"/") {
						t.Errorf("%s is of the type %v", way, of)
					}
				}
				if !strings.HasPrefix(pkg.Path(), "rpcd/") {
					return
				}
			}
			for name, member := range members(of) {
				walk(way+"."+name, member)
			}
			if _, ok := of.Underlying().(*types.Struct); !ok {
				walk(way, of.Underlying())
			}
		case *types.Signature:
			for part, tuple := range map[string]*types.Tuple{"a parameter of": of.Params(), "a result of": of.Results()} {
				for v := range tuple.Variables() {
					walk(fmt.Sprintf("%s %s", part, way), v.Type())
				}
			}
		case *types.Map:
			walk(way, of.Key())
			walk(way, of.Elem())
		case interface{ Elem() types.Type }: // pointer, slice, array, channel
			walk(way, of.Elem())
		}
	}
	for _, name := range p.Scope().Names() {
		if o := p.Scope().Lookup(name); o.Exported() {
			walk(name, o.Type())
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d types were seen", len(seen))
	}
}
