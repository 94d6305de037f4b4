package export

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCommands(t *testing.T) {
	dir := tree(t, map[string]string{
		"one/a:x": "", "one/plain": "", "one/sub/": "", "one/gone": ">/none", "one/.dot:x": "",
		"two/a:x": "", "two/b:x": "", "two/plain2": "", "two/link": ">b", "rel/r:x": "",
	})
	t.Chdir(dir)
	s := Commands(strings.Join([]string{"", ".", "rel", "/none", dir + "/one", dir + "/two", dir + "/one"}, ":"))
	for name, path := range map[string]string{
		"a": "one/a", "b": "two/b", "link": "two/link", dir + "/rel/r": "rel/r", "/bin/sh": "/bin/sh",
		dir + "/one/../two/b": dir + "/one/../two/b",
	} {
		if !filepath.IsAbs(path) {
			path = dir + "/" + path
		}
		p, err := s.Lookup(name, myself)
		if err != nil || p.Path != path || p.Name != name || p.HasAllow || !p.AdmitEnv("TZ") || p.AdmitEnv("LD_PRELOAD") {
			t.Errorf("%s: %+v, %v", name, p, err)
		} else {
			clean(t, p.EnvFile(), "--all-commands")
		}
	}
	for name, reason := range map[string]Reason{
		"": Unknown, ".": Unknown, "..": Unknown, ".dot": Unknown, "r": Unknown, "none": Unknown, "gone": Unknown,
		"/none": Unknown, "/none/\n": Unknown, "a\x00": Unknown, "/bin/sh\x00": Unknown, "a\n": Unknown,
		"/bin/sh/x": Unknown, "/" + strings.Repeat("x", 300): Unknown, strings.Repeat("x", 1<<17): Unknown,
		"plain": NotExecutable, "sub": NotExecutable, "/": NotExecutable, "/dev/null": NotExecutable, dir + "/one/plain": NotExecutable,
	} {
		_, err := s.Lookup(name, myself)
		refused(t, err, reason)
	}
	var names []string
	ps, errs := s.List(myself)
	for _, p := range ps {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, " "); got != "a b link" || len(errs) > 0 || ps[0].Path != dir+"/one/a" {
		t.Errorf("lists %s, %v", got, errs)
	}
}

// here is a directory in which a call runs.
type here string

func (h here) String() string { return string(h) }

func (h here) Mode(path string) (uint32, error) {
	var st syscall.Stat_t
	err := syscall.Stat(string(h)+"/"+path, &st)
	return st.Mode, err
}

// A relative path is a file of the directory in which the call runs.
func TestRelativeCommands(t *testing.T) {
	dir := tree(t, map[string]string{
		"in/a:x": "", "in/plain": "", "in/sub/b:x": "", "in/gone": ">/none", "in/loop": ">loop", "in/link": ">sub", "c:x": "",
	})
	s := Commands("/none")
	for name, reason := range map[string]Reason{
		"./a": 0, "sub/b": 0, "link/b": 0, "../c": 0, "link/../a": 0, ".//a": 0,
		"./none": Unknown, "none/a": Unknown, "./gone": Unknown, "a/b": Unknown, "./" + strings.Repeat("x", 300): Unknown,
		"a/": Unknown, "./plain": NotExecutable, "./sub": NotExecutable, "./": NotExecutable, "../": NotExecutable, "./loop": NotExecutable,
	} {
		p, err := s.Lookup(name, myself)
		if err != nil || p.Path != name || p.Name != name {
			t.Errorf("%s: %+v, %v", name, p, err)
			continue
		}
		err = p.LookIn(here(dir + "/in"))
		if reason != 0 {
			refused(t, err, reason)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, path := range []string{"", "/none"} {
		if err := (&Procedure{Path: path}).LookIn(here("/none")); err != nil {
			t.Errorf("%q was looked for in the directory: %v", path, err)
		}
	}
	err := (&Procedure{Name: "./x y", Path: "./x y"}).LookIn(failing{})
	if want := `cannot run "./x y": "/x y" can't be looked at: input/output error`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// failing is a root whose disk is broken.
type failing struct{}

func (failing) String() string              { return "/" }
func (failing) Mode(string) (uint32, error) { return 0, syscall.EIO }
