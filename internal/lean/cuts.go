package main

import "path"

// module is what is cut out of a module's files, by their names. A file without
// cuts is left out whole.
type module struct {
	path  string
	files map[string][]cut
}

// name is the module's last word.
func (m module) name() string { return path.Base(m.path) }

// cut replaces a text that a file has once.
type cut struct{ old, new string }

var modules = []module{
	{"github.com/spf13/cobra", map[string][]cut{
		"completions.go": {
			// One pattern, compiled at each start, for the name of one variable.
			{"\t\"regexp\"\n", ""},
			{"var configEnvVarPrefixSubstRegexp = regexp.MustCompile(`[^A-Z0-9_]`)\n", ""},
			{`configEnvVarPrefixSubstRegexp.ReplaceAllString(v, "_")`, `strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, v)`},
			// The verb completion is our own (internal/commandline).
			{"InitDefaultCompletionCmd(args ...string) {\n", "InitDefaultCompletionCmd(args ...string) {\n\treturn\n"},
		},
		"cobra.go": {
			// Help is our own, and usage isn't shown. Templates would be for both.
			{"\t\"text/template\"\n", ""},
			{"var templateFuncs = template.FuncMap{", "var templateFuncs = map[string]interface{}{"},
			{"AddTemplateFuncs(tmplFuncs template.FuncMap)", "AddTemplateFuncs(tmplFuncs map[string]interface{})"},
			{`			t := template.New("top")
			t.Funcs(templateFuncs)
			template.Must(t.Parse(text))
			return t.Execute(w, data)
`, "\t\t\treturn fmt.Errorf(\"built without templates (internal/lean)\")\n"},
		},
	}},
	{"github.com/spf13/pflag", map[string][]cut{
		// No option of ours is an address, and none is from package flag.
		"ip.go":          nil,
		"ip_slice.go":    nil,
		"ipmask.go":      nil,
		"ipnet.go":       nil,
		"ipnet_slice.go": nil,
		"golangflag.go":  nil,
		"flag.go": {
			{"\tcase *ipValue, *ipMaskValue, *ipNetValue:\n\t\treturn f.DefValue == \"<nil>\"\n", ""},
			{"\tgoflag \"flag\"\n", ""},
			{"\taddedGoFlagSets []*goflag.FlagSet\n", ""},
			{`	if f.addedGoFlagSets != nil {
		for _, goFlagSet := range f.addedGoFlagSets {
			goFlagSet.Parse(nil)
		}
	}
`, ""},
			{"isGotestShorthandFlag(shorthands)", "strings.HasPrefix(shorthands, \"test.\")"},
		},
	}},
}
