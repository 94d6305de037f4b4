package main_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rpcd/internal/rig"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// flags names the flags of serve, as its help lists them.
func flags(t *testing.T) (names []string) {
	t.Helper()
	help, err := exec.Command(filepath.Join(testbin.Dir(t), "rpcd"), "serve", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(?m)^ +(?:-h, )?--([a-z-]+)`).FindAllStringSubmatch(string(help), -1) {
		if match[1] != "help" {
			names = append(names, match[1])
		}
	}
	if len(names) < 15 {
		t.Fatalf("the help lists %q", names)
	}
	return names
}

func variableOf(flag string) string {
	return "RPCD_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// An empty variable is an unset one, whichever it is. But an empty list of rules
// isn't the list that admits everybody.
func TestEmptyVariables(t *testing.T) {
	folder := testkit.Folder(t)
	socket := filepath.Join(folder, "w.sock")
	env := testbin.Environment()
	for _, flag := range flags(t) {
		if flag != "allow" {
			env = append(env, variableOf(flag)+"=")
		}
	}
	rpcd, err := rig.Starter{Folder: folder, Env: env}.Serve(filepath.Join(testbin.Dir(t), "rpcd"), socket, "--all-commands")
	if err != nil {
		t.Fatal(err)
	}
	rpcd.Stop()
	cmd := exec.Command(filepath.Join(testbin.Dir(t), "rpcd"), "serve", "--listen", socket, "--all-commands")
	cmd.Env = append(testbin.Environment(), "RPCD_ALLOW=")
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), `cannot use RPCD_ALLOW=""`) && !strings.Contains(string(out), `cannot use --allow ""`) {
		t.Errorf("RPCD_ALLOW= : %v, %s", cmd.ProcessState, out)
	}
}

// A value that can't be used is told in one line, in no library's words, and names
// what was written.
func TestValuesThatCannotBeUsed(t *testing.T) {
	for _, flag := range flags(t) {
		if flag == "listen" {
			continue // any text is a path
		}
		for _, value := range []string{"x\ty", "-1", "99999999999999999999", "0x", "1.5.2", "1e9d"} {
			for name, argument := range map[string][]string{"--" + flag: {"--" + flag + "=" + value}, variableOf(flag): nil} {
				args := append([]string{"serve", "--listen", "/no/such/folder/w.sock"}, argument...)
				if flag != "exports" {
					args = append(args, "--all-commands")
				}
				cmd := exec.CommandContext(t.Context(), filepath.Join(testbin.Dir(t), "rpcd"), args...)
				cmd.Env = testbin.Environment()
				if argument == nil {
					cmd.Env = append(cmd.Env, name+"="+value)
				}
				out, _ := cmd.CombinedOutput()
				lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
				last := lines[len(lines)-1]
				if regexp.MustCompile(`strconv|parsing|invalid (syntax|argument)|pflag|group: `).MatchString(last) || !strings.HasPrefix(last, "rpcd: ") || len(last) > 220 {
					t.Errorf("%s %q: %s", name, value, out)
				}
			}
		}
	}
}
