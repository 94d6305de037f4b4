package shim

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestKernel has the kernel read first lines, as long as it reads them: what it gives to
// the interpreter is what the shim says.
func TestKernel(t *testing.T) {
	dir := t.TempDir()
	words := dir + "/words"
	if out, err := exec.Command("go", "build", "-o", words, "./testdata/words.go").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	longest := maxLine - len("#!") - len(words) - len(" ") - len(Option) - len("\n")
	for _, worker := range []string{"w", "/a/b.sock", "/a b/c\td.sock", "=x", "--", "it's", "$HOME `x` \"y\"", "\xff\xc3", " front", strings.Repeat("x", longest)} {
		s := Shim{RPC: words, Worker: worker}
		if err := s.Check(); err != nil {
			t.Errorf("%q: %v", worker, err)
			continue
		}
		os.Remove(dir + "/p") // of another worker
		if made, err := Folder(dir).Put(s, "p"); !made || err != nil {
			t.Fatalf("%q: made %v, %v", worker, made, err)
		}
		want := Option + worker + "|" + filepath.Join(dir, "p") + "|a b||"
		for _, command := range [][]string{{dir + "/p", "a b", ""}, {"sh", dir + "/p", "a b", ""}} {
			if got, err := exec.Command(command[0], command[1:]...).Output(); err != nil || string(got) != want {
				t.Errorf("%q: %q gives %q, want %q (%v)", worker, command, got, want, err)
			}
		}
		if there, ok := parse(s.text()); !ok || there != s {
			t.Errorf("%q is read as %+v", s.text(), there)
		}
	}
	for _, s := range []Shim{{words, strings.Repeat("x", longest+1)}, {words, ""}, {words, "w "}, {words, "w\n"}, {words, "w\r"}, {"rpc", "w"}, {"/x/rpc-rsh", "w"}, {"/a b", "w"}, {"/a\tb", "w"}, {"", "w"}} {
		if s.Check() == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

func TestParse(t *testing.T) {
	text := Shim{"/rpc", "w"}.text()
	for _, other := range []string{"", "#!/rpc --shim=w\n", text + "x", text[1:], strings.Replace(text, "exec", "EXEC", 1), "#!/bin/sh\n", strings.Replace(text, "=w\n", "=v\n", 1)} {
		if s, ok := parse(other); ok {
			t.Errorf("%q is read as %+v", other, s)
		}
	}
}

// FuzzParse checks that what is read as a shim is one to the byte, and no other file.
func FuzzParse(f *testing.F) {
	f.Add(Shim{"/usr/bin/rpc", "w"}.text())
	f.Add(Shim{"/r", "it's / x"}.text())
	f.Add("#! --shim=\nexec '' --shim='' \"$0\" \"$@\"\n")
	f.Add("#!/bin/sh\n")
	f.Fuzz(func(t *testing.T, text string) {
		if s, ok := parse(text); ok && s.text() != text {
			t.Errorf("%q is read as %+v", text, s)
		}
	})
}

func TestWords(t *testing.T) {
	worker, procedure, args, err := Words([]string{"--shim=a/b", "/x/y z", "--", "-h"})
	if err != nil || worker != "a/b" || procedure != "y z" || strings.Join(args, "|") != "--|-h" {
		t.Errorf("%q %q %q %v", worker, procedure, args, err)
	}
	if _, _, _, err := Words([]string{"--shim=w"}); err == nil {
		t.Error("no file is taken")
	}
}
