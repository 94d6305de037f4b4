package main

import (
	"io/fs"
	"os"
	"path"
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

// CONTRIBUTING.md names every package: a new one needs its line on the map.
func TestMap(t *testing.T) {
	top, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(top, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rooms, _ := strings.Cut(string(page), "\n## The map")
	rooms, _, _ = strings.Cut(rooms, "\n## ")
	missing := map[string]bool{}
	err = fs.WalkDir(os.DirFS(top), ".", func(name string, entry fs.DirEntry, err error) error {
		switch folder := path.Dir(name); {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata"):
			return fs.SkipDir
		case path.Ext(name) == ".go" && !strings.Contains(rooms, "`"+folder+"`"):
			missing[folder] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for folder := range missing {
		t.Errorf("the map in CONTRIBUTING.md has no line for %s", folder)
	}
}
