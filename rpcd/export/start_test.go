package export

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What a start's error says. A file that a caller has named isn't read for it with
// rpcd's rights.
// fault: 52
func TestWhyUnstarted(t *testing.T) {
	path := filepath.Join(tree(t, map[string]string{"a:x": "#!/none/secret\n"}), "a")
	exported, named := &Procedure{Name: "a", Path: path}, &Procedure{Name: path, Path: path, all: true}
	for _, tt := range []struct {
		p        *Procedure
		err      error
		asCaller bool
		words    string // "": nothing is said
	}{
		{exported, syscall.ENOENT, false, `its interpreter "/none/secret" is missing (install that`},
		{exported, syscall.ENOENT, true, `"/none/secret" is missing`},
		{named, syscall.ENOENT, false, `"/none/secret" is missing`},
		{named, syscall.ENOENT, true, `/a": no such file or directory`},
		{exported, syscall.ETXTBSY, false, "is open for writing"},
		{&Procedure{Path: "/bin/sh"}, syscall.EACCES, false, `"/bin/sh": permission denied`},
		{exported, syscall.EAGAIN, false, ""},
		{exported, syscall.ENOMEM, false, ""},
	} {
		got := tt.p.WhyUnstarted(tt.err, "/", tt.asCaller)
		if !strings.Contains(got, tt.words) || (got == "") != (tt.words == "") || tt.asCaller && tt.p.all && strings.Contains(got, "secret") {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.words)
		}
	}
}
