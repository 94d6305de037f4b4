package version

import (
	"runtime/debug"
	"testing"
)

func TestText(t *testing.T) {
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}
	for _, tt := range []struct {
		settings []debug.BuildSetting
		want     string
	}{
		{nil, release},
		{[]debug.BuildSetting{{Key: "vcs.modified", Value: "true"}}, release},
		{[]debug.BuildSetting{{Key: "vcs", Value: "git"}, commit, {Key: "vcs.modified", Value: "false"}}, release + "+0123456789ab"},
		{[]debug.BuildSetting{commit, {Key: "vcs.modified", Value: "true"}}, release + "+0123456789ab.dirty"},
		{[]debug.BuildSetting{{Key: "vcs.revision", Value: "7"}}, release + "+7"},
	} {
		if got := text(tt.settings); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.settings, got, tt.want)
		}
	}
}
