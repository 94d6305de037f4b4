package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// TestOnARM64 makes calls with an rpc for another processor, whose entry is assembly
// of its own (cmd/rpc/entry/start_arm64.s), under qemu's user emulation. They are the
// same as those of this processor's rpc.
func TestOnARM64(t *testing.T) {
	if runtime.GOARCH == "arm64" {
		t.Skip("every test of this package is on arm64")
	}
	const emulator = "qemu-aarch64-static"
	testkit.Need(t, emulator)
	dir := testkit.Folder(t)
	build := exec.Command("../../.ci/build.sh", dir+"/arm64")
	build.Env = append(os.Environ(), "GOARCH=arm64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	script := fmt.Sprintf("#!/bin/sh\nexec %s ${STRACE:+-strace} %s/arm64/rpc \"$@\"\n", lookPath(t, emulator), dir)
	if err := os.WriteFile(dir+"/rpc", []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}

	// Frames byte for byte, with the entry and without.
	r := startRecorder(t)
	for _, line := range []string{
		"w\np\na\n\nb\xff", "-n\nw\np", "-C\n/\nw\np", "-e\nA\n-e\nNONE\n-eC=\nw\np", "--timeout\n1.5s\n--label=x\nw\np", "one\np", "two\np", "--server-uid\n1\nw\np",
		"w\np\n$RPC_ENV=A,B, ,A=2", "w\np\n$RPC_PASS=none", "w\np\n" + strings.Repeat("x", 60000), "nosuch\np", "-x\nw\np", "ls\nw",
	} {
		words, variables := split([]byte(line))
		for _, withEntry := range []bool{true, false} {
			want := r.run(t, testbin.Dir(t), words, variables, 8, withEntry)
			if got := r.run(t, dir, words, variables, 8, withEntry); got.String() != want.String() {
				t.Errorf("%.200q on arm64 (entry: %v):\n%s\nwant\n%s", line, withEntry, got, want)
			}
		}
	}

	// Whole calls.
	w := startWorld(t, "passed")
	run := func(rpc, line string) string {
		cmd := exec.Command("bash", "-c", line)
		cmd.Dir, cmd.Env = w.dir+"/cwd", append(w.environment(), "R="+rpc)
		out, err := cmd.CombinedOutput()
		return fmt.Sprintf("%q, %v", bytes.ReplaceAll(out, []byte(dir), nil), err)
	}
	for _, line := range []string{
		`$R $W sh -c 'echo out; echo err >&2; exit 7'`,
		`seq 1 50000 | $R $W cat | cksum`,
		`$R $W nosuch; echo $?; $R nosuch true; echo $?; $R`,
		`{ $R $W sh -c 'kill -USR1 $$'; } 2>/dev/null; echo $?`,
		`$R --timeout 0.3 $W sleep 9 2>&1 | sed 's/ after [0-9.]*s/ after some/'; echo ${PIPESTATUS[0]}`,
		`mkfifo f; $R $W sh -c 'trap "echo got TERM; exit 3" TERM; echo up >f; while :; do sleep 0.01; done' 2>/dev/null & read x <f; kill -TERM $!; wait $!; echo $?; rm f`,
		`RPC_PASS=none $R $W cat <<<relayed`,
	} {
		want := run(testbin.Dir(t)+"/rpc", line)
		if got := run(dir+"/rpc", line); got != want {
			t.Errorf("%s\non arm64 %s\nwant     %s", line, got, want)
		}
	}

	// The entry made them: Go's runtime can't start without threads.
	if got := run(dir+"/rpc", `STRACE=1 $R $W true`); !strings.Contains(got, "sendmsg(") || strings.Contains(got, "clone(") {
		t.Errorf("a plain call on arm64: %s", got)
	}
	// So is rpcd's start (internal/slack).
	out, err := exec.Command(lookPath(t, emulator), "-strace", dir+"/arm64/rpcd", "--version").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("prctl(29,300000,")) || !bytes.Contains(out, []byte("rpcd 0.")) {
		t.Errorf("rpcd on arm64: %v, %.500s", err, out)
	}
}
