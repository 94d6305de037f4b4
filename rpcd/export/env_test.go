package export

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"rpcd/internal/names"
)

// fault: 67 s6-sudo
func TestAdmitEnv(t *testing.T) {
	never := []string{
		"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_", "GLIBC_TUNABLES", "GCONV_PATH", "BASH_ENV", "ENV", "SHELLOPTS",
		"BASHOPTS", "PS4", "IFS", "PATH", "BASH_FUNC_x%%", "PYTHONPATH", "PYTHONSTARTUP", "PERL5LIB", "PERL5OPT",
		"PERLLIB", "RUBYOPT", "RUBYLIB", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "GODEBUG", "RPC_CALL_ID", "RPC_DIR",
	}
	for _, name := range never {
		exact, _, _ := parseEnv(name)
		for _, tt := range []struct {
			by   string
			p    *Procedure
			want bool
		}{
			{"*", &Procedure{env: admitted{patterns: []string{"*", name + "*", name[:2] + "*"}}}, false},
			{"--all-commands", &Procedure{all: true}, false},
			{"nothing", &Procedure{}, false},
			{"its name", &Procedure{env: exact}, true},
		} {
			if got := tt.p.AdmitEnv(name); got != tt.want {
				t.Errorf("%s admitted by %s: %v", name, tt.by, got)
			}
		}
	}
	a, set, faults := parseEnv("# comment\n\n LANG\nLC_*\nA*B*C\nX=a b \"c\"= \nX=\nLD_PRELOAD=/x\nTZ \n")
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if want := []string{`X=a b "c"= `, "X=", "LD_PRELOAD=/x"}; !slices.Equal(set, want) {
		t.Errorf("set %q, want %q", set, want)
	}
	p := &Procedure{env: a}
	for name, want := range map[string]bool{
		"LANG": true, "LANGUAGE": false, "lang": false, "LC_ALL": true, "LC_": true, "XLC_ALL": false,
		"ABC": true, "AxBxC": true, "AC": false, "ABCD": false, "X": false, "TZ": true, "LD_PRELOAD": false,
		"": false, "LC_A=B": false, "LC_\x00": false, "LC_\n": false, "LC_ x": false,
	} {
		if got := p.AdmitEnv(name); got != want {
			t.Errorf("AdmitEnv(%q) = %v", name, got)
		}
	}
	if all := (&Procedure{all: true}); !all.AdmitEnv("TZ") || all.AdmitEnv("A=B") || all.AdmitEnv("") {
		t.Error("--all-commands admits something else than every proper name")
	}
}

func TestParseEnvFaults(t *testing.T) {
	for _, line := range []string{
		"=x", "=", "export X=1", "X = 1", "A B", "LC_?", "LC_[A]", "LC_*=x", "X\r", "X=1\r", "A\x00", "X=\x00", "\x1b[2J",
	} {
		a, set, faults := parseEnv("GOOD\n" + line + "\n")
		if len(faults) != 1 || !strings.HasPrefix(faults[0].what, "line 2: ") || names.HasControl(faults[0].what) {
			t.Errorf("%q: %q %q, faults %q", line, a, set, faults)
		}
	}
}

func FuzzEnv(f *testing.F) {
	for _, s := range []string{"LANG\nLC_*\nX=1", "a*b*c", "BASH_FUNC_x%%", "A=\x00", "#\n\n=", "**\n***x"} {
		f.Add(s, "LC_ALL")
	}
	for _, seed := range ruleSeeds(f) {
		f.Add(seed[1], "PATH")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		a, set, faults := parseEnv(text)
		for _, x := range faults {
			if names.HasControl(x.what) {
				t.Fatalf("control byte in %q", x.what)
			}
		}
		for _, s := range set {
			if i := strings.Index(s, "="); i < 1 || strings.Contains(s, "\x00") {
				t.Fatalf("sets %q", s)
			}
		}
		p := &Procedure{env: a}
		if got := p.AdmitEnv(name); got && neverCrosses(name) && !slices.Contains(a.names, name) {
			t.Fatalf("%q lets %q cross", text, name)
		}
		for _, pattern := range a.patterns { // regexp has to agree
			parts := strings.Split(pattern, "*")
			for i := range parts {
				parts[i] = regexp.QuoteMeta(parts[i])
			}
			re, err := regexp.Compile(`(?s)\A` + strings.Join(parts, ".*") + `\z`)
			if err == nil && strings.ToValidUTF8(name+pattern, "") == name+pattern && re.MatchString(name) != matches(pattern, name) {
				t.Fatalf("%q matches %q: %v", pattern, name, matches(pattern, name))
			}
		}
	})
}
