package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A job that is missing, or runs twice, fails its way.
func TestEachOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	for text, good := range map[string]bool{"1\n0\n2\n": true, "0\n1\n": false, "0\n1\n2\n1\n": false, "0\n1\n2\nnoise\n": false, "": false} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := eachOnce(path, 3); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
