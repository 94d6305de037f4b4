package shim

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Folder is where shims lie, for PATH.
type Folder string

// Open makes the folder, unless it is there.
func Open(path string) (Folder, error) {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return "", fmt.Errorf("cannot make the folder: %w", err)
	}
	return Folder(path), nil
}

// mostText bounds a shim's text in bytes: a longer file is none.
const mostText = 4 * maxLine

// read gives the shim that a file is. It is false for any other file; a symlink isn't
// followed.
func (f Folder) read(name string) (s Shim, ok bool, err error) {
	path := filepath.Join(string(f), name)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > mostText {
		return Shim{}, false, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Shim{}, false, err
	}
	s, ok = parse(string(text))
	return s, ok, nil
}

// Has says whether the file of that name is a shim of this worker.
func (f Folder) Has(worker, name string) bool {
	s, ok, _ := f.read(name)
	return ok && s.Worker == worker
}

// Put makes the shim of a procedure. It leaves one that is as it should be, replaces one
// of the same worker, and touches no other file: that is the error. made says whether
// it wrote.
func (f Folder) Put(s Shim, name string) (made bool, err error) {
	there, ok, err := f.read(name)
	path := filepath.Join(string(f), name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return false, fmt.Errorf("cannot look at %q: %w", path, err)
	case !ok:
		return false, fmt.Errorf("%q isn't a shim, and stays as it is (remove it, or give another --dir)", path)
	case there.Worker != s.Worker:
		return false, fmt.Errorf("%q is %s's already: give %s's a folder of its own (rpc shim %s %s --dir DIR)", name, there.Worker, s.Worker, s.Worker, name)
	case there == s && f.executable(path):
		return false, nil
	}
	return true, f.write(path, s.text())
}

func (f Folder) executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}

// write puts a whole file in its place at once: callers may run the old one meanwhile.
// The umask counts.
func (f Folder) write(path, text string) (err error) {
	temporary := fmt.Sprintf("%s/.rpc-shim.%d", f, os.Getpid())
	defer func() {
		if err != nil {
			os.Remove(temporary)
			err = fmt.Errorf("cannot write a shim: %w", err)
		}
	}()
	os.Remove(temporary) // of another process that had this number, and died
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, text)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// Sweep removes the shims of this worker that aren't of the names to keep, and gives
// their names.
func (f Folder) Sweep(worker string, keep []string) (removed []string, err error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if slices.Contains(keep, entry.Name()) || !f.Has(worker, entry.Name()) {
			continue
		}
		if err := os.Remove(filepath.Join(string(f), entry.Name())); err != nil {
			return removed, err
		}
		removed = append(removed, entry.Name())
	}
	return removed, nil
}

// Hides gives the command that a shim of this name might hide from those who have the
// folder on PATH: one in another folder of it, or "".
func (f Folder) Hides(name string) string {
	own, _ := os.Stat(string(f))
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		info, err := os.Stat(dir)
		if !strings.HasPrefix(dir, "/") || err != nil || own != nil && os.SameFile(info, own) {
			continue
		}
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}
