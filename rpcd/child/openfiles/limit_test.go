package openfiles_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"rpcd/internal/testkit"
	"rpcd/rpcd/child/openfiles"
)

// What a shell has set is known, though Go has raised it by now.
func TestFirst(t *testing.T) {
	if _, ok := openfiles.First(); !ok {
		testkit.Lack(t, "no instructions for %s", runtime.GOARCH)
	}
	const variable = "OPENFILES_TEST"
	if os.Getenv(variable) != "" {
		first, _ := openfiles.First()
		fmt.Println("soft", first.Soft)
		return
	}
	c := exec.Command("sh", "-c", `ulimit -Sn 123; exec "$@"`, "sh", os.Args[0], "-test.run=^TestFirst$")
	c.Env = append(os.Environ(), variable+"=1")
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "soft 123\n") {
		t.Errorf("%s, %v", out, err)
	}
}
