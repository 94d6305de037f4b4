package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// CONTRIBUTING.md names folders and files that exist. Only the last section
// names some that are to come; NAME stands for a name to be chosen.
func TestContributing(t *testing.T) {
	top, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(top, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	now, _, ok := strings.Cut(string(b), "\n## Where the next things go")
	if !ok {
		t.Fatal("the section on what is to come is missing")
	}
	paths := regexp.MustCompile("`((?:cmd|client|rpcd|internal|bench|docs|systemd|pipelines|volumes|\\.ci)(?:/[A-Za-z0-9_./-]*)?)`").FindAllStringSubmatch(now, -1)
	if len(paths) < 30 {
		t.Errorf("%d paths are named: is the pattern still right?", len(paths))
	}
	for _, m := range paths {
		if strings.Contains(m[1], "NAME") {
			continue
		}
		if _, err := os.Stat(filepath.Join(top, m[1])); err != nil {
			t.Errorf("CONTRIBUTING.md names %s: %v", m[1], err)
		}
	}
}
