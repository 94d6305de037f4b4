// Package testbin gives tests the real binaries, built once a test process as
// they are released, and runs scripts and workers with them. Only tests import
// it.
package testbin

import (
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// parallel is how many tests run side by side. Most of them wait for something,
// so it isn't the number of processors.
const parallel = "4"

// Main is what TestMain calls: os.Exit(testbin.Main(m)). It removes the
// binaries at the end, and fails when goroutines are left.
func Main(m *testing.M) int {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", parallel)
	}
	defer func() {
		if built != "" {
			os.RemoveAll(built)
		}
	}()
	defaultSignals()
	// Nor do they get a descriptor of whoever runs the tests, as flock(1)'s.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	code := m.Run()
	// A goroutine that is left is one of the code's, or hides one. Only rig's,
	// which starts processes, lives as long as this process.
	if err := goleak.Find(goleak.IgnoreTopFunction("rpcd/internal/rig.serveStarts")); code == 0 && err != nil {
		fmt.Println("goroutines are left:", err)
		code = 1
	}
	return code
}

// defaultSignals has the processes that tests start begin with the default
// dispositions, also under nohup and as a background job of a script. exec(2)
// keeps a signal ignored and resets one that is caught: so this process catches
// what it ignored.
func defaultSignals() {
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}

var built string // the folder to remove

// build makes the binaries. RPCD_TEST_BIN names a folder with others: to see a
// test fail with broken ones, or to test a release.
var build = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("RPCD_TEST_BIN"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.MkdirTemp("", "rpcd-bin")
	if err != nil {
		return "", err
	}
	built = dir
	if err := os.Chmod(dir, 0o755); err != nil { // other users run them too
		return "", err
	}
	module, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	// A folder of our own: packages are tested side by side, and bin/ may be in
	// use.
	root := filepath.Dir(string(module))
	if err := noteSources(root); err != nil {
		return "", err
	}
	script := filepath.Join(root, ".ci/build.sh")
	if out, err := exec.Command(script, dir).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the binaries: %w\n%s", err, out)
	}
	return dir, nil
})

// noteSources opens the folders of what the binaries are made of. So go test sees their
// files among a test's inputs (go help test), and a result from before one changed
// isn't "(cached)". For other packages than a test's own it would see nothing.
func noteSources(root string) error {
	for _, dir := range []string{".ci", "client", "cmd", "internal", "rpcd"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && (entry.Name() == "python" || entry.Name() == "testdata") {
				return fs.SkipDir
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("look at the sources: %w", err)
		}
	}
	return nil
}

// Dir gives the folder that holds rpc and rpcd.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Path gives a PATH with the binaries first.
func Path(t testing.TB) string {
	t.Helper()
	return Dir(t) + ":" + os.Getenv("PATH")
}
