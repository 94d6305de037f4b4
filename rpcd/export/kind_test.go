package export

import "testing"

// The words and numbers are what `rpcd check`, `rpc ls` and the wire show.
func TestKind(t *testing.T) {
	dir := tree(t, map[string]string{"a:x": "", "b/run:x": "", "b/workers": "2", "c/topic": ""})
	d, _, err := Open(dir, me)
	must(t, err)
	for i, want := range []string{"spawned", "resident", "topic"} {
		p, err := d.Lookup(string('a'+rune(i)), myself)
		must(t, err)
		if p.Kind() != Kind(i) || p.Kind().String() != want {
			t.Errorf("%s is %v (%d), want %s (%d)", p.Name, p.Kind(), p.Kind(), want, i)
		}
	}
	if got := Kind(3).String(); got != "kind 3" {
		t.Error(got)
	}
}
