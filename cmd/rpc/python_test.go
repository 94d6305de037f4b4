package main_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rpcd/internal/testkit"
)

// TestPythonClient makes calls with a Python client that was written only from
// PROTOCOL.md, over a socket and over a bridge.
// fault: 28 87 kubernetes-version
func TestPythonClient(t *testing.T) {
	testkit.Need(t, "python3")
	program, err := filepath.Abs("testdata/client.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, on, stdin, want string }{
		{"passed", "passed", "in\n", `\Ain\nerr\n1792\n\z`},
		{"relayed", "passed bridge", "", `\A1792 True True\n\z`},
		{"confirmed", "passed bridge", "", `\A0 \{1: b'here\\n', 2: b''\}\n\z`},
		{"keep", "passed bridge", "", `\A\('refused', 2\)\nb'after\\n'\n\z`},
		{"version", "passed bridge", "", `\A\('refused', 9, .*version 1 .*version 99.*\)\n\z`},
		{"long", "passed", "", `\A0\n\('refused', 4, .*131071.*\)\n\z`},
	} {
		for _, transport := range strings.Fields(c.on) {
			t.Run(c.what+"/"+transport, func(t *testing.T) {
				t.Parallel()
				if transport == "bridge" {
					testkit.Need(t, "socat")
				}
				w := startWorld(t, transport)
				before := w.idle(t)
				cmd := exec.Command("timeout", "30", "python3", program, w.socket, c.what)
				cmd.Dir, cmd.Env = w.dir+"/cwd", w.environment()
				cmd.Stdin = strings.NewReader(c.stdin)
				out, err := cmd.CombinedOutput()
				if err != nil || !regexp.MustCompile(c.want).Match(out) {
					t.Errorf("%v, %q, want %s\nrpcd says:\n%s", err, out, c.want, w.log())
				}
				w.restored(t, before)
			})
		}
	}
}
