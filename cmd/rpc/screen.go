package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// screen is what is known of stdout as a terminal. The zero value is none: a pipe
// gets everything, without colours.
type screen struct {
	terminal       bool
	columns, lines int // 0: it doesn't say
	colours        bool
}

// stdoutScreen looks at stdout. NO_COLOR is as no-color.org has it: whatever it holds,
// there are no colours, unless it is empty.
func stdoutScreen() (s screen) {
	size, err := unix.IoctlGetWinsize(1, unix.TIOCGWINSZ)
	if err != nil {
		return s
	}
	term := os.Getenv("TERM")
	return screen{
		terminal: true, columns: int(size.Col), lines: int(size.Row),
		colours: os.Getenv("NO_COLOR") == "" && term != "" && term != "dumb",
	}
}

// The colours of states (ECMA-48, Select Graphic Rendition).
const (
	green  = "32"
	yellow = "33"
	red    = "31"
)

// colour gives a text that is shown in a colour where there are any.
func (s screen) colour(code, text string) string {
	if !s.colours {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
