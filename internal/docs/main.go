// Command docs fills the last column of docs/faults.md with the tests that show
// each fault. It changes nothing else on that page: the rest is a person's. It also
// writes the pages that are help texts, too, from package manual.
//
// To add a fault:
//
//  1. Write its line into a table of docs/faults.md. The first cell is its key:
//     the next number, or a word where the table has words. Leave the last cell
//     empty.
//  2. Write the key where the test is. A test can show several faults, and a
//     fault can have several tests:
//     a row of behaviour (cmd/rpc/testdata/rows/*.sh): "# fault: 22 24" in its header;
//     a script (testdata/*.txtar): "# fault: 22" in the comment on top;
//     a test of the Python package: "# fault: 22" right above it;
//     a Go test or fuzzer: "// fault: 22" as a line of its doc comment;
//     a case of .ci/*-cases.sh, a step of test.sh: "# fault: 22" above the function.
//  3. Run go generate ./internal/docs.
//
// What should stand beside the tests follows them in the last cell, behind "; ".
// A fault that no test can show has its reason there, and nothing else.
// The tests of this package fail when a page is out of date.
//
// `docs man PROGRAMS FOLDER VERSION DATE` writes the manual pages into FOLDER, from
// the help of rpc and rpcd in the folder PROGRAMS. They aren't in the repository:
// packaging/release.sh makes them.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rpcd/internal/manual"
)

//go:generate go run .

// pagePath is the page, from the repository's folder.
const pagePath = "docs/faults.md"

func main() {
	var err error
	switch len(os.Args) {
	case 1:
		err = run()
	case 6:
		err = writeMan(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	default:
		err = errors.New("usage: docs, or docs man PROGRAMS FOLDER VERSION DATE")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

// manuals are the pages that package manual has the texts of.
var manuals = []manualPage{{"exports", manual.Exports}}

// manualPage is a help text: rpcd's help has it as that topic.
type manualPage struct{ topic, text string }

func (m manualPage) path() string { return "docs/" + m.topic + ".md" }

func (m manualPage) page() (string, error) {
	return markdown(m.text, "internal/manual/"+m.topic+".txt", m.topic)
}

// run fills the page of the repository that the working directory is in.
func run() error {
	top, err := repository()
	if err != nil {
		return err
	}
	old, err := os.ReadFile(filepath.Join(top, pagePath))
	if err != nil {
		return err
	}
	found, err := collect(top)
	if err != nil {
		return err
	}
	text, err := fill(string(old), found, leastTested)
	if err != nil {
		return fmt.Errorf("cannot fill %s:\n%w", pagePath, err)
	}
	if err := os.WriteFile(filepath.Join(top, pagePath), []byte(text), 0o644); err != nil {
		return err
	}
	for _, m := range manuals {
		text, err := m.page()
		if err != nil {
			return fmt.Errorf("cannot write %s: %w", m.path(), err)
		}
		if err := os.WriteFile(filepath.Join(top, m.path()), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// repository gives the folder that holds go.mod: this one, or one above it.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", errors.New("cannot find go.mod here or above (run it inside the repository)")
		}
		dir = above
	}
}
