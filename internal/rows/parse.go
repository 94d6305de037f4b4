package rows

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parse reads a row's text. It leaves Name empty.
func Parse(text string) (Row, error) {
	lines := strings.SplitAfter(text, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	} else {
		return Row{}, errors.New("the last line has no end")
	}
	row := Row{On: Transports[:3]}
	n, err := row.header(lines)
	if err != nil {
		return Row{}, err
	}
	lines = lines[n:]
	end := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "# stdout:") })
	if end < 0 {
		return Row{}, errors.New(`no line "# stdout:" says what the script prints`)
	}
	row.Script = strings.Trim(strings.Join(lines[:end], ""), "\n") + "\n"
	if row.Script == "\n" {
		return Row{}, errors.New("there is no script")
	}
	return row, row.output(lines[end:])
}

// header reads the comment on top, and gives how many lines it has.
func (r *Row) header(lines []string) (int, error) {
	about, seen := true, map[string]bool{}
	for n, line := range lines {
		text, comment := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "#")
		text = strings.TrimPrefix(text, " ")
		switch {
		case !comment && r.About == "":
			return 0, errors.New("no sentence on top says what the behaviour is")
		case !comment && line == "\n":
			return n, nil
		case !comment:
			return 0, errors.New("no empty line follows the header")
		case about && text == "":
			about = false
		case about:
			r.About = strings.TrimSpace(r.About + " " + text)
		default:
			key, value, _ := strings.Cut(text, ": ")
			if seen[key] && key != "serve" {
				return 0, fmt.Errorf("the header says %q twice", key)
			}
			seen[key] = true
			if err := r.set(key, value); err != nil {
				return 0, fmt.Errorf("cannot use the header %q: %w", text, err)
			}
		}
	}
	return 0, errors.New("there is no script")
}

// set takes one line of the header.
func (r *Row) set(key, value string) (err error) {
	if value == "" {
		return errors.New("it is no KEY: VALUE")
	}
	words := strings.Fields(value)
	switch key {
	case "on":
		r.On = words
		for _, on := range words {
			if !slices.Contains(Transports, on) {
				return fmt.Errorf("%q is no transport (they are %s)", on, strings.Join(Transports, ", "))
			}
		}
	case "serve":
		flag, argument, has := strings.Cut(value, " ")
		r.Serve = append(r.Serve, flag)
		if has {
			r.Serve = append(r.Serve, argument)
		}
	case "use":
		r.Use = words
	case "fault":
		r.Faults = words
	case "needs":
		r.Root = true
		return only(value, "root")
	case "ends":
		r.Ends = true
		return only(value, "rpcd")
	case "time":
		r.Time, err = time.ParseDuration(value)
	case "status":
		r.Status, err = strconv.Atoi(value)
	default:
		return errors.New("no such key (they are on, serve, use, needs, ends, time, status, fault)")
	}
	return err
}

func only(value, known string) error {
	if value != known {
		return fmt.Errorf("it can only be %q", known)
	}
	return nil
}

// output reads what the script prints, from "# stdout:" on.
func (r *Row) output(lines []string) error {
	var into *string // where the next line goes
	stdout, stderr := false, false
	for n, line := range lines {
		line = strings.TrimSuffix(line, "\n")
		text, printed := strings.CutPrefix(line, "#|")
		switch {
		case n == 0 && line == "# stdout: nothing":
			stdout = true
		case n == 0 && line == "# stdout:":
			into = &r.Stdout
		case line == "# stderr:" && !stderr:
			into, stderr = &r.Stderr, true
		case printed && into != nil && (text == "" || text[0] == ' '):
			*into += strings.TrimPrefix(text, " ") + "\n"
		default:
			return fmt.Errorf("cannot read the line %q after the script", line)
		}
	}
	switch {
	case !stdout && r.Stdout == "":
		return errors.New(`"# stdout:" has no line (say "# stdout: nothing")`)
	case stderr && r.Stderr == "":
		return errors.New(`"# stderr:" has no line (leave it out)`)
	}
	return nil
}
