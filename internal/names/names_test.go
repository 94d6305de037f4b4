package names

import (
	"strings"
	"testing"
)

func TestWorker(t *testing.T) {
	for _, name := range []string{"hugin", "a", "-x", ".x", "...", "a b", "日本語", "caf\xe9", strings.Repeat("n", MaxWorker)} {
		if err := Worker(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"":      "empty",
		"a\nb":  "control bytes",
		"a\x7f": "control bytes",
		// A terminal may obey U+009B as it obeys ESC [.
		"\u009b2J":                       "control bytes",
		"a/b":                            "slash",
		"/":                              "slash",
		".":                              "folder",
		"..":                             "folder",
		strings.Repeat("n", MaxWorker+1): "200 bytes",
	} {
		if err := Worker(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error about %q", name, err, want)
		}
	}
}
