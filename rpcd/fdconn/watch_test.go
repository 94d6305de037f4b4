package fdconn

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"rpcd/internal/testkit"
)

func TestWatch(t *testing.T) {
	folder := filepath.Join(testkit.Folder(t), "in")
	path := filepath.Join(folder, "w.sock")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(folder, 0o755))
	l, err := Listen(path, 0o600, -1)
	must(err)
	defer l.Close()
	w, err := l.Watch()
	must(err)
	next := func(want bool) {
		t.Helper()
		testkit.Within(t, "the change", func() {
			if here, err := w.Next(); here != want || err != nil {
				t.Errorf("here: %v, %v", here, err)
			}
		})
	}
	for _, change := range []struct{ lose, bring func() error }{
		{func() error { return os.Rename(path, path+".away") }, func() error { return os.Rename(path+".away", path) }},
		{func() error { return os.Rename(folder, folder+".away") }, func() error { return os.Rename(folder+".away", folder) }},
		{func() error { return errors.Join(os.Link(path, path+".2"), os.Remove(path)) }, func() error { return os.Link(path+".2", path) }},
		{func() error { return errors.Join(os.WriteFile(path+".tmp", nil, 0o600), os.Rename(path+".tmp", path)) }, nil},
	} {
		must(os.WriteFile(path+".other", nil, 0o600)) // another's file is no change
		must(change.lose())
		next(false)
		if change.bring != nil {
			must(change.bring())
			next(true)
		}
	}
	w.Close()
	if _, err := w.Next(); err == nil {
		t.Error("no error of a closed watch")
	}
}
