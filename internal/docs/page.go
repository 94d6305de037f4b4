package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// leastTested is how many of the page's 133 lines must have a test. Then at
// least 80 of the 90 in section 2 have one, which is what this page promised
// from the start.
const leastTested = 125

// fill gives the page with the last cell of each line filled. Its error joins
// all that is wrong with the page or with the keys of the tests, and says so
// when fewer than least lines have a test.
func fill(page string, found tests, least int) (string, error) {
	var problems []error
	known := map[string]bool{}
	tested, number := 0, 0
	lines := strings.SplitAfter(page, "\n")
	for at, line := range lines {
		cells := cellsOf(line)
		if cells == nil {
			continue
		}
		wrong := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("line %d: "+format, append([]any{at + 1}, args...)...))
		}
		key := cells[0]
		if known[key] {
			wrong("a second fault %q", key)
		}
		known[key] = true
		if n, err := strconv.Atoi(key); err == nil {
			if n <= number {
				wrong("fault %d stands behind %d: numbers go up", n, number)
			}
			number = n
		}
		names, words := found[key], wordsOf(cells[len(cells)-1])
		if len(names) > 0 {
			tested++
		} else if words == "" {
			wrong("fault %q has neither a test nor a reason", key)
		}
		cells[len(cells)-1] = cell(names, words)
		lines[at] = "| " + strings.Join(cells, " | ") + " |\n"
	}
	for _, key := range found.keys() {
		if !known[key] {
			problems = append(problems, fmt.Errorf("there is no fault %q, which %s shows", key, strings.Join(found[key], " and ")))
		}
	}
	if tested < least {
		problems = append(problems, fmt.Errorf("%d faults have a test, and at least %d must", tested, least))
	}
	return strings.Join(lines, ""), errors.Join(problems...)
}

// cellsOf gives the cells of a table's line, and nil for its head, whose first
// cell is "key", and for all other lines.
func cellsOf(line string) []string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|-") {
		return nil
	}
	cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	if cells[0] == "key" {
		return nil
	}
	return cells
}

// wordsOf gives what a person wrote into the last cell: what follows the names,
// which stand in backquotes.
func wordsOf(cell string) string {
	for strings.HasPrefix(cell, "`") {
		_, rest, closed := strings.Cut(cell[1:], "`")
		if !closed {
			return cell
		}
		cell = strings.TrimPrefix(rest, ", ")
	}
	return strings.TrimPrefix(cell, "; ")
}

// cell is the last cell: names, then words.
func cell(names []string, words string) string {
	var parts []string
	for _, name := range names {
		parts = append(parts, "`"+name+"`")
	}
	text := strings.Join(parts, ", ")
	if text != "" && words != "" {
		text += "; "
	}
	return text + words
}

// tests are the names of tests by the key of the fault that they show.
type tests map[string][]string

// add notes that a test shows faults.
func (t tests) add(name string, keys ...string) {
	for _, key := range keys {
		if !slices.Contains(t[key], name) {
			t[key] = append(t[key], name)
		}
	}
}

// keys gives them in alphabetical order.
func (t tests) keys() []string {
	var keys []string
	for key := range t {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
