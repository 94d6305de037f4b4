package rows

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// plain is the shortest row.
const plain = "# It prints.\n\necho a\n\n# stdout:\n#| a\n"

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Row
	}{
		{"the shortest", plain,
			Row{About: "It prints.", On: []string{"passed", "none", "bridge"}, Script: "echo a\n", Stdout: "a\n"}},
		{"every key", `# One.
# Two.
#
# on: users none
# serve: --allow uid 7
# serve: --keep
# use: hold shortage
# needs: root
# ends: rpcd
# time: 5m
# status: 3
# fault: 22 moby-env

# a comment of the script's

echo

# stdout: nothing
# stderr:
#| a
#|
#|  b
`, Row{About: "One. Two.", On: []string{"users", "none"}, Serve: []string{"--allow", "uid 7", "--keep"}, Use: []string{"hold", "shortage"},
			Root: true, Ends: true, Time: 5 * time.Minute, Status: 3, Faults: []string{"22", "moby-env"},
			Script: "# a comment of the script's\n\necho\n", Stderr: "a\n\n b\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v\nwant\n%+v", got, c.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	header := func(lines string) string { return strings.Replace(plain, "\n\n", "\n#\n"+lines+"\n\n", 1) }
	for name, c := range map[string]struct{ text, want string }{
		"an empty file":               {"", "there is no script"},
		"no end of the last line":     {strings.TrimSuffix(plain, "\n"), "the last line has no end"},
		"no sentence":                 {"\necho a\n\n# stdout:\n#| a\n", "no sentence on top"},
		"a header alone":              {"# It prints.\n", "there is no script"},
		"a script at once":            {"# It prints.\necho a\n\n# stdout:\n#| a\n", "no empty line follows the header"},
		"no script":                   {"# It prints.\n\n# stdout:\n#| a\n", "there is no script"},
		"an unknown key":              {header("# grace: 1s"), `"grace: 1s": no such key`},
		"a key without a value":       {header("# fault:"), `"fault:": it is no KEY: VALUE`},
		"a sentence among the keys":   {header("# It ends."), "it is no KEY: VALUE"},
		"a key twice":                 {header("# status: 1\n# status: 2"), `"status" twice`},
		"an unknown transport":        {header("# on: passed crooked"), `"crooked" is no transport`},
		"a status that is no number":  {header("# status: one"), `"status: one"`},
		"a time without a unit":       {header("# time: 5"), `"time: 5"`},
		"another need":                {header("# needs: socat"), `it can only be "root"`},
		"another end":                 {header("# ends: soon"), `it can only be "rpcd"`},
		"no output":                   {"# It prints.\n\necho a\n", `no line "# stdout:"`},
		"only stderr":                 {"# It prints.\n\necho a\n\n# stderr:\n#| a\n", `no line "# stdout:"`},
		"an empty stdout":             {"# It prints.\n\necho a\n\n# stdout:\n", `say "# stdout: nothing"`},
		"an empty stderr":             {plain + "# stderr:\n", "leave it out"},
		"stderr twice":                {plain + "# stderr:\n#| a\n# stderr:\n#| b\n", "cannot read the line"},
		"lines of nothing":            {"# It prints.\n\necho a\n\n# stdout: nothing\n#| a\n", "cannot read the line"},
		"a line without its bar":      {plain + "# b\n", `cannot read the line "# b"`},
		"a line without its blank":    {plain + "#|b\n", `cannot read the line "#|b"`},
		"a script after the output":   {plain + "\necho b\n", `cannot read the line ""`},
		"another stdout than nothing": {strings.Replace(plain, "stdout:", "stdout: a", 1), "cannot read the line"},
	} {
		t.Run(name, func(t *testing.T) {
			row, err := Parse(c.text)
			if err == nil {
				t.Fatalf("taken as %+v", row)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant in it: %s", err, c.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); err == nil {
		t.Error("a folder without rows is taken")
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("b,_c.sh", plain)
	write("a.sh", plain)
	write("README", "no row")
	all, err := Load(dir)
	if err != nil || len(all) != 2 || all[0].Name != "a" || all[1].Name != "b,_c" {
		t.Errorf("%+v, %v", all, err)
	}
	write("bad.sh", "echo\n")
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "bad.sh") {
		t.Errorf("the error doesn't name the file: %v", err)
	}
}
