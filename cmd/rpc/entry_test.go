package main_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// recorder is a worker that refuses every call, and keeps its first frame.
type recorder struct {
	dir    string
	frames chan recorded
}

type recorded struct {
	frame       string
	descriptors int
}

func startRecorder(t testing.TB) *recorder {
	t.Helper()
	r := &recorder{dir: testkit.Folder(t), frames: make(chan recorded, 100)}
	refusal := (&wire.Refused{Code: wire.Denied, Text: "refuses all"}).Append()
	serve := func(conn *net.UnixConn) {
		defer conn.Close()
		b, control := make([]byte, 256<<10), make([]byte, 4096)
		n, controlLen, _, _, err := conn.ReadMsgUnix(b, control)
		if err != nil || n < wire.HeaderLen {
			return
		}
		size := wire.HeaderLen + int(binary.BigEndian.Uint32(b[4:]))
		if size > len(b) {
			return
		}
		if _, err := io.ReadFull(conn, b[n:max(n, size)]); err != nil {
			return
		}
		var fds []int
		if messages, err := syscall.ParseSocketControlMessage(control[:controlLen]); err == nil {
			for _, m := range messages {
				got, _ := syscall.ParseUnixRights(&m)
				fds = append(fds, got...)
			}
		}
		for _, fd := range fds {
			syscall.Close(fd)
		}
		r.frames <- recorded{string(b[:size]), len(fds)}
		_, _ = conn.Write(refusal)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"/one", "/two", "/none", "/cwd", "/cwd/real"} {
		must(os.Mkdir(r.dir+dir, 0o755))
	}
	must(os.Symlink("real", r.dir+"/cwd/link"))
	for _, socket := range []string{"/w.sock", "/one/a.sock", "/two/a.sock", "/two/b.sock"} {
		testkit.Listen(t, r.dir+socket, serve)
	}
	must(os.Symlink("w.sock", r.dir+"/linked.sock"))
	return r
}

// outcome is all that can be seen of a call.
type outcome struct {
	status int
	output string
	sent   []recorded
}

// run runs the rpc in the folder bin with these words and variables, and with the entry or without.
func (r *recorder) run(t *testing.T, bin string, words, variables []string, streams byte, withEntry bool) (o outcome) {
	t.Helper()
	cmd := exec.Command(bin+"/rpc", words...)
	cmd.Dir = r.dir + "/cwd/real"
	cmd.Env = append([]string{"RPC_DIR=" + r.dir, "PWD=" + r.dir + "/cwd/link", "A=1", "B="}, variables...)
	if !withEntry {
		cmd.Env = append(cmd.Env, "RPC_TEST_ENTRY=off")
	}
	output, err := os.CreateTemp(r.dir, "out")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(output.Name())
	defer output.Close()
	cmd.Stderr = output
	if streams&1 != 0 {
		cmd.Stdin = output
	}
	if streams&2 != 0 {
		cmd.Stdout = output
	}
	if streams&4 != 0 {
		cmd.Stdout = io.Discard // a pipe
	}
	if streams&8 != 0 {
		again, err := os.OpenFile(output.Name(), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		cmd.Stdout = again
	}
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o.status = cmd.ProcessState.ExitCode()
	text, _ := os.ReadFile(output.Name())
	o.output = string(text)
	for len(r.frames) > 0 {
		o.sent = append(o.sent, <-r.frames)
	}
	return o
}

// same runs a call twice, and compares.
func (r *recorder) same(t *testing.T, words, variables []string, streams byte) {
	t.Helper()
	fast := r.run(t, testbin.Dir(t), words, variables, streams, true)
	plain := r.run(t, testbin.Dir(t), words, variables, streams, false)
	if fast.status != plain.status || fast.output != plain.output || !slices.Equal(fast.sent, plain.sent) {
		t.Errorf("%q with %q, streams %#x:\nwith the entry    %s\nwithout the entry %s", words, variables, streams, fast, plain)
	}
}

func (o outcome) String() string {
	return fmt.Sprintf("status %d, said %q, sent %.2000q", o.status, o.output, fmt.Sprint(o.sent))
}

// split makes words and variables of the fuzzer's bytes: a line each, and $ begins a
// variable. A NUL can't be in either.
func split(lines []byte) (words, variables []string) {
	for line := range bytes.SplitSeq(bytes.ReplaceAll(lines, []byte{0}, nil), []byte("\n")) {
		if variable, ok := bytes.CutPrefix(line, []byte("$")); ok {
			variables = append(variables, string(variable))
		} else {
			words = append(words, string(line))
		}
	}
	return words, variables
}

// FuzzEntry checks that nobody can tell a call by the entry from one by the ordinary
// program: the first frame is the same byte for byte, and so are descriptors, words
// and status.
// fault: 139
func FuzzEntry(f *testing.F) {
	for _, line := range []string{
		"w\np", "w\np\na\n\nb\xff", "w\n--\np\n--\n-h", "w\n--", "w", "w\n", "-n\nw\np", "-C\n/\nw\np", "-C\n/tmp/.\nw\np", "-C\n\nw\np", "-C\n.\nw\np", "--chdir=/\nw\np",
		"--chdir\n../x\nw\np", "-e\nA\n-e\nB\n-e\nNONE\n-e\nC=\n-e\nA==\nw\np", "-e\n=\nw\np", "-e\n\nw\np", "--env=A\nw\np", "-eA\nw\np", "-nC\n/\nw\np", "--label\nx y\nw\np",
		"--label=\nw\np\n$RPC_LABEL=no", "w\np\n$RPC_LABEL=yes", "--timeout\n5\nw\np", "--timeout=1.5s\nw\np", "--timeout\n0\nw\np", "--timeout\nx\nw\np", "--timeout\n\nw\np", "--timeout\n7m\nw\np",
		"--timeout\n200ms\nw\np", "--timeout\n2d\nw\np", "--timeout\n99999999h\nw\np", "--server-uid\n0\nw\np", "--server-uid\n4294967295\nw\np", "--server-uid\n-1\nw\np", "--server-uid\nx\nw\np", "--server-uid\n\nw\np",
		"w\np\n$RPC_TIMEOUT=3", "w\np\n$RPC_TIMEOUT=", "w\np\n$RPC_CHDIR=/", "w\np\n$RPC_CHDIR=x", "w\np\n$RPC_ENV=A,B, ,A=2,,NONE", "w\np\n$RPC_ENV=A, B", "w\np\n$RPC_ENV==", "w\np\n$RPC_SERVER_UID=12345",
		"w\np\n$RPC_PASS=none", "w\np\n$RPC_PASS=", "w\np\n$RPC_WAIT=0", "w\np\n$RPC_HEARTBEAT=1", "w\np\n$RPC_HEARTBEAT=x", "w\np\n$PWD=/", "w\np\n$PWD=", "one\np", "two\np", "none\np", "linked\np", "nosuch\np",
		"./w.sock\np", "../../w.sock\np", "../../one\np", "../../one/\np", "../../one//\np", "../../two\np", "../../none/\np", "/dev/null\np", ".\np", "..\np", "\np", "a/\np", "w\x7f\np", "w\u0085\np", "_w\np", "ls\nw",
		"call\nw\np", "-n\ncall\nw\np", "-n\nls\nw", "-n\nlist\nw", "--\nw\np", "-h", "--version", "-n\n-h", "-x\nw\np", "-e", "-C", "--label", "-i\nw\np", "--interactive\nw\np", "--stdin-null=true\nw\np", "-v\nw\np", "--wait\n1ms\nw\np",
		"w\np\n/dev/fd/9", "w\np\n/dev/fd/1", "w\np\n-f=/proc/self/fd/3", "w\n/dev/fd/3", "--fd\n3\nw\np", "--fd=3\nw\np", "w\np\n@/dev/fd/3", "-e\nX=/dev/fd/3\nw\np", "w\np\n" + strings.Repeat("x", 60000), "w\np\n" + strings.Repeat("x", 100000), strings.Repeat("n", 201) + "\np",
		"--shim=w\n/x/p\na\n\nb\xff", "--shim=w\np\n--\n-h", "--shim=w\n--\n-h", "--shim=w\n/x/--\n-h", "--shim=w\n/x/p\xff\n$RPC_CHDIR=/", "--shim=w\n/x/", "--shim=w", "--shim=\np", "--shim=ls\np", "--shim=_w\np", "--shim=one\np\n$RPC_LABEL=x", "--shim=two\np", "--shim=none\np", "--shim=./w.sock\n/a b/p", "--shim=../../w.sock\np\n/dev/fd/1", "--shim=w\np\n$RPC_PASS=none", "-n\n--shim=w\np", "--shim\nw\np", "--shim=w\n" + strings.Repeat("p", 300), "--shim=nosuch\np", "w\n--shim=w\np",
		"w\n" + strings.Repeat("p", 300), strings.Repeat("n", 90) + "\np", "--label=" + strings.Repeat("l", 4096) + "\nw\np", "--label=" + strings.Repeat("l", 4097) + "\nw\np", "w\np\n$RPC_DIR=/nowhere", "w\np\n$RPC_DIR=", "w\np\n$RPC_DIR=.", "w\np\n$A",
	} {
		for _, streams := range []byte{0, 1, 2, 3, 4, 8} {
			if streams == 0 || len(line) < 4 {
				f.Add([]byte(line), streams)
			}
		}
	}
	r := startRecorder(f)
	f.Fuzz(func(t *testing.T, lines []byte, streams byte) {
		words, variables := split(lines)
		if len(lines) > 200<<10 {
			t.Skip("over the kernel's limit of one argument")
		}
		r.same(t, words, variables, streams)
	})
}

// golden is what a plain call asks of the kernel, with stdin from /dev/null and
// outputs into two files. Each system call more is time that every call takes.
var golden = strings.Fields(`execve arch_prctl fstat fcntl fstat fcntl fstat fcntl newfstatat getcwd umask umask socket connect
	rt_sigprocmask sendmsg signalfd4 ppoll read clock_gettime close close ppoll read exit_group`)

// TestSystemCalls compares a plain call's system calls, and those of a shim, with the
// golden list.
func TestSystemCalls(t *testing.T) {
	if runtime.GOARCH != "amd64" || os.Getenv("RPCD_TEST_ENTRY") != "" {
		t.Skip("the list is amd64's, with the entry")
	}
	testkit.Need(t, "strace")
	w := startWorld(t, "passed")
	if out, err := w.rpc("shim", w.socket, "sleep", "--dir", "bin").CombinedOutput(); err != nil {
		t.Fatalf("rpc shim: %v: %s", err, out)
	}
	// STARTED and EXIT come apart, and so does each have its read.
	for _, words := range [][]string{{w.rpc().Path, w.socket, "sleep", "0.3"}, {"bin/sleep", "0.3"}} {
		list := w.dir + "/strace"
		cmd := w.rpc()
		cmd.Path, cmd.Args = lookPath(t, "strace"), append([]string{"strace", "-o", list}, words...)
		cmd.Env = append(cmd.Env, "PWD="+cmd.Dir)
		for n, out := range []*io.Writer{&cmd.Stdout, &cmd.Stderr} {
			file, err := os.Create(fmt.Sprintf("%s/out%d", w.dir, n))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			*out = file
		}
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for line := range strings.Lines(string(text)) {
			if name, _, call := strings.Cut(line, "("); call {
				names = append(names, name)
			}
		}
		if !slices.Equal(names, golden) {
			t.Errorf("%q asks the kernel for\n%q, want\n%q\n%s", words, names, golden, text)
		}
	}
}

func lookPath(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBuiltWithoutEntry checks that go build alone makes a client that does the same.
func TestBuiltWithoutEntry(t *testing.T) {
	r := startRecorder(t)
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", dir+"/rpc", "rpcd/cmd/rpc").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	words := []string{"-e", "A", "--label", "x", "w", "p", "a b"}
	want := r.run(t, testbin.Dir(t), words, nil, 0, true)
	if got := r.run(t, dir, words, nil, 0, true); got.String() != want.String() || len(got.sent) != 1 {
		t.Errorf("built by go build: %s\nas released:       %s", got, want)
	}
}
