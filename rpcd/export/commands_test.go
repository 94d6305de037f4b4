package export

import (
	"path/filepath"
	"strings"
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
		"./a": Denied, "rel/r": Denied, "../x": Denied,
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
