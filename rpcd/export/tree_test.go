package export

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"testing"

	"rpcd/rpcd/export/internal/exporttest"
)

// me is rpcd in these tests: whoever runs them.
var me = Owner{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}

// myself is a caller that no rule names.
var myself = Caller{UID: 4242, GID: 4242}

// The helpers of exporttest, by short names.
var tree, put, must, clean = exporttest.Tree, exporttest.Put, exporttest.Must, exporttest.Clean

// allProblems gives what Survey finds: of the directory, then of its entries.
func allProblems(dir string, o Owner) []Problem {
	entries, problems := Survey(dir, o)
	for _, e := range entries {
		problems = append(problems, e.Problems...)
	}
	return problems
}

// refused checks that an error has this reason, is one clean line, and says all
// of the words.
func refused(t *testing.T, err error, reason Reason, words ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("got %v, want an *Error", err)
		return
	}
	if e.Reason != reason {
		t.Errorf("%v: reason %v, want %v", e, e.Reason, reason)
	}
	clean(t, e.Error(), words...)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED, needs root: gives files to other users")
	}
}

// as runs f while the thread looks at files as another user.
func as(t *testing.T, uid int, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	must(t, syscall.Setfsuid(uid))
	defer func() { must(t, syscall.Setfsuid(os.Geteuid())) }()
	f()
}
