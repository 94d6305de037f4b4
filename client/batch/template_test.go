package batch

import (
	"fmt"
	"strings"
	"testing"
)

func TestTemplate(t *testing.T) {
	for _, c := range []struct{ arg, record, want string }{
		{"{}", "a", "a"},
		{"x{}y{}", "a b", "xa bya b"},
		{"{}{}", "a", "aa"},
		{"{{}}", "a", "{a}"},
		{"{", "a", "{"}, {"}", "a", "}"}, {"{nope}", "a", "{nope}"}, {"{%}", "a", "{%}"}, {"{ }", "a", "{ }"}, {"a{", "a", "a{"}, {"", "a", ""},
		{"{.", "a", "{."}, {"{/", "a", "{/"}, {"{#}", "a", "7"}, {"{{#}", "a", "{7"}, {"{}{.}{/}{//}{/.}{#}", "b/c.d", "b/c.db/cc.dbc7"},
		{"{.}", "a/b.tar.gz", "a/b.tar"}, {"{.}", "a.b/c", "a.b/c"}, {"{.}", "a.", "a."}, {"{.}", ".bashrc", ""}, {"{.}", "", ""}, {"{.}", "a\nb.c", "a\nb"},
		{"{/}", "a/b.c", "b.c"}, {"{/}", "b.c", "b.c"}, {"{/}", "a/", ""}, {"{/}", "a\nb/c\nd", "c\nd"},
		{"{//}", "a/b/c", "a/b"}, {"{//}", "a", "."}, {"{//}", "/a", "/"}, {"{//}", "/", "/"}, {"{//}", "a//b", "a"}, {"{//}", "a/b/", "a"}, {"{//}", "", "."}, {"{//}", "//a", "/"},
		{"{/.}", "a.b/c.d", "c"}, {"{/.}", "a/b", "b"},
		{"{}", "{}", "{}"}, // a record is no template
	} {
		if got := parseTemplate([]string{c.arg}).fill([]byte(c.record), 7); len(got) != 1 || got[0] != c.want {
			t.Errorf("%q of %q: %q, want %q", c.arg, c.record, got, c.want)
		}
	}
	if parseTemplate([]string{"{nope}", "{", "a"}).used || !parseTemplate([]string{"a", "b{#}"}).used {
		t.Error("what is no placeholder counts, or what is one doesn't")
	}
}

// FuzzTemplate: without its placeholders an argument stays, and with the record "{}"
// a {} does.
func FuzzTemplate(f *testing.F) {
	f.Add("a{}b{/.}{{#}", "x/y.z")
	f.Fuzz(func(t *testing.T, arg, record string) {
		cut := cutArg(arg)
		again, filled := "", ""
		for _, p := range cut {
			again += p.text + string(p.place)
			filled += p.text
			if p.place != "" {
				filled += p.place.of([]byte(record), 1)
			}
		}
		got := parseTemplate([]string{arg}).fill([]byte(record), 1)[0]
		if again != arg || got != filled {
			t.Errorf("%q: %q, %q and %q", arg, again, got, filled)
		}
		for _, p := range placeholders {
			if fmt.Sprint(cut) == fmt.Sprint(cutArg(strings.ReplaceAll(arg, string(p), ""))) && strings.Contains(arg, string(p)) {
				t.Errorf("%q is no placeholder in %q", p, arg)
			}
		}
	})
}
