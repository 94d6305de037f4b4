package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// All says whether nothing may be skipped: ./test.sh has installed what the
// tests need.
func All() bool { return os.Getenv("RPCD_TEST_ALL") != "" }

// Lack ends a test that lacks something of the machine. The test fails where
// nothing may be skipped, and else is skipped with the reason.
func Lack(t testing.TB, format string, args ...any) {
	t.Helper()
	why := fmt.Sprintf(format, args...)
	if All() {
		t.Fatalf("RPCD_TEST_ALL is set, and %s", why)
	}
	t.Skipf("SKIPPED: %s (./test.sh installs what the tests need)", why)
}

// Need ends a test that lacks one of the tools, as Lack does.
func Need(t testing.TB, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			Lack(t, "%s isn't installed", tool)
		}
	}
}
