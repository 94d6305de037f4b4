package client

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/proc"
	"rpcd/internal/testkit"
)

func TestRun(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		c := Command(worker, "true")
		if err := c.Run(); err != nil || !c.ProcessState.Success() {
			t.Errorf("true: %v", err)
		}
		for script, code := range map[string]int{"exit 1": 1, "exit 7": 7, "exit 255": 255, "kill -KILL $$": -1, "kill -TERM $$": -1} {
			c := sh(worker, script)
			err := c.Run()
			var exit *ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != code || exit.Exited() != (code >= 0) || exit.Success() {
				t.Errorf("%s: %v", script, err)
				continue
			}
			if c.ProcessState != exit.ProcessState {
				t.Errorf("%s: ProcessState isn't the error's", script)
			}
		}
	})
}

func TestProcessState(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		c := sh(worker, "ulimit -c 0; i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; kill -ABRT $$")
		_ = c.Run()
		s := c.ProcessState
		if s == nil {
			t.Fatal("no state")
		}
		if s.Sys() != syscall.WaitStatus(syscall.SIGABRT) || s.String() != "signal: aborted" || s.TimedOut() {
			t.Errorf("%v, %#x", s, s.Sys())
		}
		if s.UserTime() <= 0 || s.SystemTime() < 0 || s.MaxRSS() > 1<<20 {
			t.Errorf("%v user, %v system, %d KiB", s.UserTime(), s.SystemTime(), s.MaxRSS())
		}
		c = sh(worker, "exit 7")
		if err := c.Run(); err == nil || err.Error() != "exit status 7" || c.ProcessState.Sys() != 0x700 {
			t.Errorf("%v", err)
		}
	})
}

func TestOutput(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		out, err := Command(worker, "printf", "%s|", "a b", "", "\xff\n*", "$HOME").Output()
		if want := "a b||\xff\n*|$HOME|"; err != nil || string(out) != want {
			t.Errorf("%q, %v; want %q", out, err, want)
		}
		out, err = sh(worker, "echo out; echo why >&2; exit 3").Output()
		var exit *ExitError
		if !errors.As(err, &exit) || string(exit.Stderr) != "why\n" || string(out) != "out\n" || exit.ExitCode() != 3 {
			t.Errorf("%q, %v", out, err)
		}
		var stderr bytes.Buffer
		c := sh(worker, "echo why >&2; exit 3")
		c.Stderr = &stderr
		if _, err := c.Output(); !errors.As(err, &exit) || len(exit.Stderr) != 0 || stderr.String() != "why\n" {
			t.Errorf("with Stderr set: %v, %q", err, &stderr)
		}
		c = Command(worker, "true")
		c.Stdout = io.Discard
		if _, err := c.Output(); err == nil {
			t.Error("Output with Stdout set")
		}
		_, err = sh(worker, "head -c 300000 /dev/zero >&2; echo why >&2; exit 3").Output()
		if !errors.As(err, &exit) || len(exit.Stderr) != 32<<10 || !strings.HasSuffix(string(exit.Stderr), "\x00why\n") {
			t.Errorf("a long stderr: %v", err)
		}
		big, err := sh(worker, "head -c 3000000 /dev/zero").Output()
		if err != nil || len(big) != 3000000 {
			t.Errorf("%d bytes, %v", len(big), err)
		}
	})
}

func TestCombinedOutput(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		script, want := "", ""
		for range 50 {
			script += "echo out; echo err >&2;"
			want += "out\nerr\n"
		}
		if out, err := sh(worker, script).CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("%q, %v", out, err)
		}
		var b bytes.Buffer
		c := sh(worker, script)
		c.Stdout, c.Stderr = &b, &b
		if err := c.Run(); err != nil || b.String() != want {
			t.Errorf("one buffer: %q, %v", &b, err)
		}
		var out, errs bytes.Buffer
		c = sh(worker, "echo out; echo err >&2")
		c.Stdout, c.Stderr = &out, &errs
		if err := c.Run(); err != nil || out.String() != "out\n" || errs.String() != "err\n" {
			t.Errorf("two buffers: %q, %q, %v", &out, &errs, err)
		}
		c = Command(worker, "true")
		c.Stderr = io.Discard
		if _, err := c.CombinedOutput(); err == nil {
			t.Error("CombinedOutput with Stderr set")
		}
	})
}

func TestStdin(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		big := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
		c := Command(worker, "cat")
		c.Stdin = bytes.NewReader(big)
		if out, err := c.Output(); err != nil || !bytes.Equal(out, big) {
			t.Errorf("2 MiB through cat: %d bytes, %v", len(out), err)
		}
		c = Command(worker, "true") // doesn't read its stdin
		c.Stdin = bytes.NewReader(big)
		if err := c.Run(); err != nil {
			t.Errorf("an unread stdin: %v", err)
		}
		c = Command(worker, "head", "-c", "5")
		c.Stdin = bytes.NewReader(big)
		if out, err := c.Output(); err != nil || string(out) != "01234" {
			t.Errorf("%q, %v", out, err)
		}
		if out, err := Command(worker, "cat").Output(); err != nil || len(out) != 0 {
			t.Errorf("no stdin: %q, %v", out, err)
		}
		broken := errors.New("broken")
		c = Command(worker, "cat")
		c.Stdin = io.MultiReader(strings.NewReader("some"), errorReader{broken})
		if out, err := c.Output(); !errors.Is(err, broken) || string(out) != "some" {
			t.Errorf("a reader that fails: %q, %v", out, err)
		}
	})
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// After a call, the position of a file that was its stdin is where the procedure
// stopped reading.
func TestStdinFile(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		for _, pass := range []Pass{PassAll, PassPipes, PassNone} {
			path := filepath.Join(t.TempDir(), "list")
			if err := os.WriteFile(path, bytes.Repeat([]byte("0123456789"), 30000), 0o644); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				c := Command(worker, "dd", "bs=7", "count=1", "status=none")
				c.Stdin, c.Pass = f, pass
				out, err := c.Output()
				if want := "012345678901234567890"[7*i : 7*i+7]; err != nil || string(out) != want {
					t.Errorf("pass %v, reader %d: %q, %v; want %q", pass, i, out, err, want)
				}
			}
			if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != 21 {
				t.Errorf("pass %v: the file stands at %d, %v; want 21", pass, at, err)
			}
			f.Close()
		}
	})
}

func TestPipes(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		c := sh(worker, "while read l; do echo out $l; echo err $l >&2; done")
		in, err1 := c.StdinPipe()
		out, err2 := c.StdoutPipe()
		errs, err3 := c.StderrPipe()
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		for _, again := range []func() error{
			func() error { _, err := c.StdinPipe(); return err },
			func() error { _, err := c.StdoutPipe(); return err },
			func() error { _, err := c.StderrPipe(); return err },
		} {
			if again() == nil {
				t.Error("a second pipe of a stream")
			}
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"one", "two"} { // each line is answered before the next one is written
			if _, err := io.WriteString(in, word+"\n"); err != nil {
				t.Fatal(err)
			}
			if o, e := testkit.Line(t, out), testkit.Line(t, errs); o != "out "+word || e != "err "+word {
				t.Errorf("%q, %q", o, e)
			}
		}
		in.Close()
		if rest, err := io.ReadAll(out); err != nil || len(rest) != 0 {
			t.Errorf("%q, %v", rest, err)
		}
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
		if _, err := out.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
			t.Error("Wait left the pipe open")
		}
		if _, err := c.StdinPipe(); err == nil {
			t.Error("a pipe after the start")
		}
	})
}

// If a Writer for the output fails, Wait returns its error, as os/exec does.
func TestWriterFails(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		broken := errors.New("broken")
		c := Command(worker, "echo", "x")
		c.Stdout = errorWriter{broken}
		if err := c.Run(); !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
	})
}

type errorWriter struct{ err error }

func (w errorWriter) Write([]byte) (int, error) { return 0, w.err }

// If the reader of stdout closes, SIGPIPE kills the procedure, also over a bridge.
func TestEarlyClose(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		c := Command(worker, "yes")
		r := begin(t, c)
		testkit.Line(t, r)
		r.(io.Closer).Close()
		_ = c.Wait()
		if c.ProcessState == nil || c.ProcessState.Sys().Signal() != syscall.SIGPIPE {
			t.Errorf("%v, want SIGPIPE", c.ProcessState)
		}
	})
}

func TestEnv(t *testing.T) {
	t.Setenv("OUR_OWN", "value")
	each(t, func(t *testing.T, worker string, _ bool) {
		c := sh(worker, `echo "$A|$OUR_OWN|${NOT_SET-unset}|$RPC_PROCEDURE"`)
		c.Env = []string{"A=1", "A=2", "OUR_OWN", "NOT_SET"}
		if out, err := c.Output(); err != nil || string(out) != "2|value|unset|sh\n" {
			t.Errorf("%q, %v", out, err)
		}
		c = Command(worker, "true")
		c.Env = []string{"LD_PRELOAD=x"}
		want(t, c.Run(), ErrDenied, false)
		for _, bad := range [][]string{{"=x"}, {"A=\x00"}} {
			c = Command(worker, "true")
			c.Env = bad
			want(t, c.Run(), ErrUsage, false)
		}
	})
}

func TestDir(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		here, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for dir, wanted := range map[string]string{"": here, "/usr/bin": "/usr/bin", "..": filepath.Dir(here)} {
			c := sh(worker, "pwd -P; echo $PWD")
			c.Dir = dir
			if out, err := c.Output(); err != nil || string(out) != wanted+"\n"+wanted+"\n" {
				t.Errorf("%q: %q, %v", dir, out, err)
			}
		}
		c := Command(worker, "true")
		c.Dir = "/no/such/directory"
		want(t, c.Run(), ErrNoDirectory, false)
	})
}

func TestUmask(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		old := syscall.Umask(0o027)
		out, err := sh(worker, "umask").Output()
		syscall.Umask(old)
		if err != nil || string(out) != "0027\n" {
			t.Errorf("%q, %v", out, err)
		}
	})
}

// ExtraFiles become the descriptors from 3 on, also over a bridge and where nothing
// is passed: those that can be streams.
func TestExtraFiles(t *testing.T) {
	each(t, func(t *testing.T, worker string, bridged bool) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		in, err := os.CreateTemp(t.TempDir(), "in")
		if err == nil {
			_, err = in.WriteString("one\ntwo\n")
		}
		if err == nil {
			err = in.Close()
		}
		if err == nil {
			in, err = os.Open(in.Name())
		}
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		for _, pass := range []Pass{PassAll, PassNone} {
			c := sh(worker, "read line <&5; echo $line >&3; echo six >&6; [ ! -e /proc/$$/fd/4 ]")
			c.ExtraFiles, c.Pass = []*os.File{w, nil, in, w}, pass
			if err := c.Run(); err != nil {
				t.Errorf("%v", err)
			}
			first := "one"
			if pass == PassNone { // a seekable input stands where the procedure stopped reading
				first = "two"
			}
			if a, b := testkit.Line(t, r), testkit.Line(t, r); a != first || b != "six" {
				t.Errorf("%q, %q", a, b)
			}
		}
		both, err := os.OpenFile(t.TempDir()+"/f", os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer both.Close()
		c := Command(worker, "true")
		c.ExtraFiles = []*os.File{both}
		if err := c.Run(); bridged {
			want(t, err, ErrProtocol, false)
		} else if err != nil {
			t.Error(err)
		}
		c = Command(worker, "true")
		c.ExtraFiles, c.Pass = []*os.File{both}, PassNone
		want(t, c.Run(), ErrUsage, false)
		c = Command(worker, "true")
		c.ExtraFiles = make([]*os.File, 251)
		c.ExtraFiles[250] = w
		want(t, c.Run(), ErrUsage, false)
		dir, err := os.Open("/")
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		c = Command(worker, "true")
		c.ExtraFiles = []*os.File{dir}
		want(t, c.Run(), ErrUsage, false)
		c = Command(worker, "true")
		c.Stdin = dir
		want(t, c.Run(), ErrUsage, false)
	})
}

// The client itself refuses a descriptor that was opened with O_PATH, as it gives
// no access to the file's bytes.
// fault: 37
func TestPathDescriptor(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		fd, err := unix.Open("/etc/passwd", unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), "path")
		defer f.Close()
		for _, pass := range []Pass{PassAll, PassNone} {
			c := Command(worker, "true")
			c.Stdin, c.Pass = f, pass
			err := c.Run()
			if want(t, err, ErrUsage, false); err == nil || !strings.Contains(err.Error(), "O_PATH") {
				t.Errorf("it says %v", err)
			}
		}
	})
}

// fault: 54 moby-no-command
func TestMisuse(t *testing.T) {
	newWorld(t).serve("w")
	c := Command("w", "true")
	if c.Wait() == nil {
		t.Error("Wait before Start")
	}
	if err := c.Signal(syscall.SIGTERM); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a signal before Start: %v", err)
	}
	if c.ID() != "" {
		t.Errorf("a call that hasn't begun is %q", c.ID())
	}
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if c.ID() == "" {
		t.Error("a call without a number")
	}
	if c.Start() == nil {
		t.Error("Start twice")
	}
	if c.Wait() == nil {
		t.Error("Wait twice")
	}
	if err := c.Kill(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a signal after the end: %v", err)
	}
	c = Command("nobody", "true")
	err := c.Start()
	if err == nil || c.Wait() == nil {
		t.Error("Wait after a failed Start")
	}
	want(t, Command("w", "").Run(), ErrUsage, false)
	want(t, Command("w", "a\x00b").Run(), ErrUsage, false)
	want(t, Command("w", "true", "a\x00b").Run(), ErrUsage, false)
}

// The output is the same for every value of Pass, and Verbose tells whether stdout
// was passed.
func TestPass(t *testing.T) {
	newWorld(t).serve("w")
	for _, pass := range []Pass{PassAll, PassPipes, PassNone} {
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		var verbose bytes.Buffer
		c := sh("w", "echo out; readlink /proc/$$/fd/1")
		c.Stdout, c.Pass, c.Verbose = f, pass, &verbose
		if err := c.Run(); err != nil {
			t.Errorf("pass %v: %v", pass, err)
		}
		f.Close()
		b, err := os.ReadFile(f.Name())
		lines := strings.Split(string(b), "\n")
		if err != nil || lines[0] != "out" || (lines[1] == f.Name()) != (pass == PassAll) {
			t.Errorf("pass %v: %q, %v", pass, b, err)
		}
		if v := verbose.String(); strings.Count(v, "\n") != 1 || strings.Contains(v, "stdout passed") != (pass == PassAll) {
			t.Errorf("pass %v: said %q", pass, v)
		}
	}
}

// 200 calls leave no descriptor open. TestMain counts the goroutines.
func TestNothingLeaks(t *testing.T) {
	each(t, func(t *testing.T, worker string, _ bool) {
		calls := func(n int) {
			for i := range n {
				c := Command(worker, "cat")
				c.Stdin = strings.NewReader("x")
				var err error
				switch i % 5 {
				case 0:
					_, err = c.Output()
				case 1:
					_, err = c.CombinedOutput()
				case 2:
					c.Procedure, c.Stdin = "false", nil
					c.Pass = PassNone
					if err = c.Run(); err != nil && c.ProcessState != nil && c.ProcessState.ExitCode() == 1 {
						err = nil
					}
				case 3:
					c.Procedure = "nosuchcommand"
					if err = c.Run(); errors.Is(err, ErrUnknown) {
						err = nil
					}
				case 4:
					f, ferr := os.Open("/etc/passwd")
					if ferr != nil {
						t.Fatal(ferr)
					}
					c.Stdin, c.Pass = f, PassNone
					_, err = c.Output()
					f.Close()
				}
				if err != nil {
					t.Errorf("call %d: %v", i, err)
				}
			}
		}
		calls(10)
		before, err := proc.Look(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		calls(200)
		testkit.Eventually(t, "as many descriptors as before", func() bool {
			after, err := proc.Look(os.Getpid())
			return err == nil && after.Descriptors <= before.Descriptors
		})
	})
}
