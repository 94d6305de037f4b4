package rig

import (
	"fmt"
	"os"
	"strings"
)

// writeMarkdown replaces what stands between the marks of program in the file
// at path.
func writeMarkdown(path, program, body string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	replaced, err := between(string(text), program, body)
	if err != nil {
		return fmt.Errorf("cannot write figures into %q: %w", path, err)
	}
	return os.WriteFile(path, []byte(replaced), 0o644)
}

// between returns text with body between the marks, each on its own line.
func between(text, program, body string) (string, error) {
	begin := "<!-- " + program + ":begin (written by -markdown, not by hand) -->"
	end := "<!-- " + program + ":end -->"
	head, rest, begun := strings.Cut(text, begin)
	_, tail, ended := strings.Cut(rest, end)
	if !begun || !ended {
		return "", fmt.Errorf("it lacks the lines %q and %q", begin, end)
	}
	return head + begin + "\n\n" + strings.TrimSpace(body) + "\n\n" + end + tail, nil
}
