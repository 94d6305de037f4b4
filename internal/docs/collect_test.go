package main

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// tree is a repository with a test of each sort.
var tree = map[string]string{
	"cmd/rpc/testdata/rows/a_row.sh":  "# It prints.\n#\n# fault: 1 word\n\necho a\n\n# stdout:\n#| a\n",
	"cmd/rpc/testdata/rows/b.sh":      "# It prints.\n\necho a\n\n# stdout:\n#| a\n",
	"cmd/rpcd/testdata/script.txtar":  "# It starts.\n# fault: 1\nexec true\n# later\n-- file --\n",
	"client/b_test.go":                "package client\n\n// TestB tests.\n// fault: 2 1\nfunc TestB(t *testing.T) {}\n\nfunc TestD(t *testing.T) {}\n",
	"client/a_test.go":                "package client\n\n// fault: 1\nfunc FuzzC(f *testing.F) {}\n\n// fault: 1\nfunc TestA(t *testing.T) {}\n",
	"client/a.go":                     "package client\n\n// fault: 7\nfunc TestNone() {}\n",
	".ci/containers-cases.sh":         "# shellcheck shell=bash\n\nhelper() { # OUT\n}\n\n# It ends.\n# fault: 1\ntest_end() {\n}\n",
	".ci/containers-arrays.sh":        "# It is killed.\n# fault: 2\ntest_kill() {\n}\n",
	".ci/containers-topics.sh":        "test_topic() {\n}\n",
	".ci/systemd-cases.sh":            "# fault: 2\n# It ends.\ntest_end() {\n}\n",
	".ci/package-cases.sh":            "",
	"test.sh":                         "#!/bin/sh\n# fault: 1\nsoak() { true; }\n",
	".git/refs/testdata/script.txtar": "# fault: 8\n",
}

// plant writes files into a new folder.
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	top := t.TempDir()
	for name, text := range files {
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return top
}

func TestCollect(t *testing.T) {
	got, err := collect(plant(t, tree))
	if err != nil {
		t.Fatal(err)
	}
	want := tests{
		"1": {"row a_row", "cmd/rpcd script script", "client FuzzC", "client TestA", "client TestB", "containers end", "test.sh soak"},
		"2": {"client TestB", "containers kill", "systemd end"}, "word": {"row a_row"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant\n%v", got, want)
	}
}

// A key that stands where nobody reads it is an error.
func TestCollectRefuses(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"a row with another header", "cmd/rpc/testdata/rows/c.sh", "# It prints.\n#\n# faults: 1\n\necho a\n\n# stdout:\n#| a\n", "c.sh"},
		{"below the top of a script", "cmd/rpc/testdata/c.txtar", "# It ends.\nexec true\n# fault: 1\n", `"# fault: 1" in cmd/rpc/testdata/c.txtar`},
		{"above a helper in Go", "client/c_test.go", "package client\n\n// fault: 1\nfunc helper() {}\n", `"// fault: 1" in client/c_test.go`},
		{"inside a Go test", "client/c_test.go", "package client\n\nfunc TestC(t *testing.T) {\n\t// fault: 1\n}\n", `"// fault: 1" in client/c_test.go`},
		{"a Go file that is none", "client/c_test.go", "package\n", "c_test.go"},
		{"above a helper in bash", "test.sh", "# fault: 1 2\nx=1\n", `"# fault: 1 2" in test.sh`},
		{"above a function that is no case", ".ci/systemd-cases.sh", "# fault: 1\nhelper() {\n", `"# fault: 1" in .ci/systemd-cases.sh`},
		{"apart from its case", ".ci/systemd-cases.sh", "# fault: 1\n\ntest_end() {\n", `"# fault: 1" in .ci/systemd-cases.sh`},
		{"inside a case", "test.sh", "soak() {\n  # fault: 1\n  true\n}\n", `"# fault: 1" in test.sh`},
		{"at the end", "test.sh", "x=1\n# fault: 1\n", `"# fault: 1" in test.sh`},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := maps.Clone(tree)
			files[c.file] = c.text
			got, err := collect(plant(t, files))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, %v\nwant in it: %s", got, err, c.want)
			}
		})
	}
}
