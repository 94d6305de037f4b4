// Command lean leaves out of cobra and pflag what rpc and rpcd never run, so that the
// linker leaves out what only that needs: regexp, text/template, net, flag, and
// cobra's own scripts for shells. They were an eighth of rpc on disk. lean changes no
// file of a module: it writes an overlay for `go build -overlay`.
//
// `lean FOLDER` writes FOLDER/overlay.json and what that needs. Both modules are
// then read from folders of this one that don't exist, internal/lean/MODULE, which
// `go version -m` shows as well. Any other build has them whole, and does the same.
//
// Each cut names the text that it replaces. A release of cobra or pflag that has it
// no more ends the build: look there, and say it anew in cuts.go.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// room is where the modules seem to be, from the repository's folder.
const room = "internal/lean"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: lean FOLDER, in the repository's folder")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "lean:", err)
		os.Exit(1)
	}
}

// write makes the overlay in a folder. The folder may go once both are built.
func write(folder string) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	o := overlay{folder: folder, replace: map[string]string{}}
	goMod, err := os.ReadFile("go.mod")
	if err != nil {
		return err
	}
	for _, m := range modules {
		if err := o.add(m, filepath.Join(root, room, m.name())); err != nil {
			return fmt.Errorf("cannot cut %s: %w", m.path, err)
		}
		goMod = fmt.Appendf(goMod, "replace %s => ./%s/%s\n", m.path, room, m.name())
	}
	if err := o.put(filepath.Join(root, "go.mod"), goMod); err != nil {
		return err
	}
	list, err := json.Marshal(map[string]any{"Replace": o.replace})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "overlay.json"), list, 0o644)
}

// overlay maps the paths that the build reads to the files that it finds there.
type overlay struct {
	folder  string
	replace map[string]string
}

// add has a folder seem to hold a module without its cuts.
func (o *overlay) add(m module, to string) error {
	from, err := m.folder()
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && !strings.HasSuffix(name, "_test.go") {
			o.replace[filepath.Join(to, name)] = filepath.Join(from, name)
		}
	}
	for name, cuts := range m.files {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if cuts == nil {
			delete(o.replace, filepath.Join(to, name))
			continue
		}
		if text, err = without(text, cuts); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := o.put(filepath.Join(to, name), text); err != nil {
			return err
		}
	}
	return nil
}

// put has a text stand at a path.
func (o *overlay) put(path string, text []byte) error {
	file := filepath.Join(o.folder, fmt.Sprintf("%d-%s", len(o.replace), filepath.Base(path)))
	o.replace[path] = file
	return os.WriteFile(file, text, 0o644)
}

// without gives a text with its cuts made. Each must stand there once.
func without(text []byte, cuts []cut) ([]byte, error) {
	for _, c := range cuts {
		if n := bytes.Count(text, []byte(c.old)); n != 1 {
			return nil, fmt.Errorf("it has %q %d times, not once", c.old, n)
		}
		text = bytes.Replace(text, []byte(c.old), []byte(c.new), 1)
	}
	return text, nil
}

// folder is where go keeps the module. It is fetched first if it has to be.
func (m module) folder() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", m.path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go mod download: %w", err)
	}
	var told struct{ Dir string }
	if err := json.Unmarshal(out, &told); err != nil {
		return "", fmt.Errorf("go mod download: %w", err)
	}
	return told.Dir, nil
}
