package caller

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/names"
)

// folders makes real/sub, link (to real) and other, and gives the name of the
// folder around them.
func folders(t *testing.T) string {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.MkdirAll(top+"/real/sub", 0o755), os.Mkdir(top+"/other", 0o755),
		os.Symlink("real", top+"/link"), os.Symlink("none", top+"/dangling"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return top
}

// The logical name of our own directory is $PWD, where pwd -L would print it.
func TestLogical(t *testing.T) {
	top := folders(t)
	t.Chdir(top + "/real")
	for _, c := range []struct{ pwd, want string }{
		{top + "/link", top + "/link"},
		{top + "/link/", top + "/link/"},
		{"//" + top + "//link", "//" + top + "//link"},
		{top + "/real", ""},
		{"", ""},
		{".", ""},
		{"../link", ""},
		{top + "/./link", ""},
		{top + "/other/../link", ""},
		{top + "/other", ""},
		{top + "/dangling", ""},
		{top + "/none", ""},
		{"/" + strings.Repeat("/", names.MaxPath) + top + "/link", ""},
	} {
		t.Setenv("PWD", c.pwd)
		w, err := Directory("")
		if err != nil || w.Dir.Name != top+"/real" || !w.Dir.Proven || w.Dir.Inode == 0 || w.Logical != c.want {
			t.Errorf("PWD=%.50q: %+v, %v; want %q", c.pwd, w, err, c.want)
		}
	}
}

// A relative name leads where chdir(2) does, and its logical name is that of cd.
func TestRelative(t *testing.T) {
	top := folders(t)
	t.Chdir(top + "/real")
	t.Setenv("PWD", top+"/link")
	for _, c := range []struct{ dir, name, logical string }{
		{".", top + "/real", top + "/link"},
		{"sub", top + "/real/sub", top + "/link/sub"},
		{"./sub//", top + "/real/sub", top + "/link/sub"},
		{"..", top, ""},
		{"../..", filepath.Dir(top), ""},
		{".././../" + filepath.Base(top) + "/other", top + "/other", ""},
		{"../link/..", top + "/real/../link/..", top},
		{"..x", top + "/real/..x", top + "/link/..x"},
		{".x/..", top + "/real/.x/..", top + "/link"},
		{top + "/link/..", top + "/link/..", ""},
	} {
		w, err := Directory(c.dir)
		if c.logical == "" {
			w.Logical = ""
		}
		if err != nil || w.Dir.Name != c.name || w.Dir.Proven || w.Logical != c.logical {
			t.Errorf("%q: %+v, %v; want %q and %q", c.dir, w, err, c.name, c.logical)
		}
	}
}

// deep enters a directory whose name is over the kernel's limit.
func deep(t *testing.T) {
	t.Helper()
	part := strings.Repeat("d", 200)
	for range 25 {
		if err := unix.Mkdir(part, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Chdir(part); err != nil {
			t.Fatal(err)
		}
	}
}

// A directory without a usable name says why it has none.
func TestNameless(t *testing.T) {
	top := folders(t)
	t.Setenv("PWD", top)
	for what, c := range map[string]struct {
		enter func(t *testing.T)
		want  string
	}{
		"removed": {func(t *testing.T) {
			t.Chdir(t.TempDir())
			wd, _ := os.Getwd()
			if err := os.Remove(wd); err != nil {
				t.Fatal(err)
			}
		}, "was removed"},
		"too long": {func(t *testing.T) { t.Chdir(t.TempDir()); deep(t) }, "over the kernel's limit of 4095 bytes"},
	} {
		t.Run(what, func(t *testing.T) {
			c.enter(t)
			if w, err := Directory(""); err == nil || !strings.Contains(err.Error(), c.want) || !w.Dir.Proven || w.Dir.Name != "" {
				t.Errorf("%+v, %v; want %q", w, err, c.want)
			}
			if w, err := Directory("x"); err == nil || !strings.Contains(err.Error(), c.want+" (give an absolute one)") || w != (Where{}) {
				t.Errorf("relative: %+v, %v; want %q", w, err, c.want)
			}
			if w, err := Directory("/usr"); err != nil || w.Dir.Name != "/usr" {
				t.Errorf("absolute: %+v, %v", w, err)
			}
		})
	}
}

// Names that the kernel wouldn't take are refused with their length.
func TestTooLong(t *testing.T) {
	t.Chdir("/usr")
	for _, dir := range []string{"/" + strings.Repeat("x", names.MaxPath), strings.Repeat("x/", names.MaxPath/2)} {
		if w, err := Directory(dir); err == nil || !strings.Contains(err.Error(), "bytes, the kernel's limit is 4095") || w != (Where{}) {
			t.Errorf("%d bytes: %.100v, %v", len(dir), w, err)
		}
	}
	if _, err := Directory("/" + strings.Repeat("x", names.MaxPath-1)); err != nil {
		t.Error(err)
	}
}
