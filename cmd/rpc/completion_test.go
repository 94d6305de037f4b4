package main_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// A bash of a slim image, without the package bash-completion, completes verbs,
// options, workers, procedures and the names of folders.
func TestCompletionInABareBash(t *testing.T) {
	testbin.Dir(t)
	x := openTerminal(t, "passed")
	if err := os.MkdirAll(x.world.dir+"/cwd/some/folder", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(x.world.socket, x.world.dir+"/hugin.sock"); err != nil {
		t.Fatal(err)
	}
	x.types("unset -f _get_comp_words_by_ref _filedir; export RPC_DIR=$D QUX_NAME=1; set +o history; source <(rpc completion bash)", "Enter")
	for _, r := range []struct{ typed, want string }{
		{"rpc doc", "rpc doctor"},
		{"rpc hug", "rpc hugin"},
		{"rpc hugin print", "rpc hugin printf"},
		{"rpc --time", "rpc --timeout"},
		{"rpc --pass no", "rpc --pass none"},
		{"rpc --pass=pi", "rpc --pass=pipes"},
		{"rpc -e QUX_", "rpc -e QUX_NAME"},
		{"rpc -C some/fo", "rpc -C some/folder/"},
		{"rpc -C some call hug", "rpc -C some call hugin"},
		{"rpc help comp", "rpc help completion"},
		{"rpc 'hugin' print", "rpc 'hugin' printf"},
		{"rpc hugin sort so", "rpc hugin sort some/"},
		{"rpc $(:>made) hug", "rpc $(:>made) hug"},
	} {
		x.completes(r.typed, r.want)
	}
	if _, err := os.Stat(x.world.dir + "/cwd/made"); err == nil {
		t.Error("a word of the line was run")
	}
}

// The scripts complete without a word on stderr, whatever the line is.
func TestCompletionOfOddLines(t *testing.T) {
	testkit.Need(t, "bash")
	dir := testbin.Dir(t)
	for _, line := range []string{"rpc ", "rpc \"a", "rpc 'a b' ", "rpc a:b:", "rpc -e A=1 --", "rpc $(exit 3) ", "rpcd ", "rpcd serve --", "rpcd serve --log-format ", "rpc >x ", "rpc \\"} {
		program, _, _ := strings.Cut(line, " ")
		script := `source <("$1" completion bash); compopt() { :; }
COMP_LINE=$2 COMP_POINT=${#2}
read -ra COMP_WORDS <<<"$2"; [[ $2 == *" " ]] && COMP_WORDS+=(""); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
"_$1_complete"; printf '%s\n' "${COMPREPLY[@]}"`
		cmd := exec.Command("bash", "--norc", "-c", script, "bash", program, line)
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "RPC_DIR="+t.TempDir())
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil || stderr.Len() > 0 {
			t.Errorf("%q: %v: %s", line, err, &stderr)
		}
		if line == "rpcd serve --log-format " && string(out) != "text\njson\n" {
			t.Errorf("%q: %q", line, out)
		}
	}
}
