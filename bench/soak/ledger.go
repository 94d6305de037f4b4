package main

import (
	"bufio"
	"fmt"
	"os"
)

// entry is the ledger's record of one call.
type entry struct {
	starts int
	end    string // an exit status, sigN, or "" if the procedure wrote no end
}

// readLedger gives the entries by the numbers of their calls.
func readLedger(path string) (map[int]entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	entries := map[int]entry{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var word, what string
		var id int
		var when int64
		if _, err := fmt.Sscan(lines.Text(), &word, &id, &what, &when); err != nil {
			return nil, fmt.Errorf("read %q: line %q: %w", path, lines.Text(), err)
		}
		e := entries[id]
		if word == "started" {
			e.starts++
		} else {
			e.end = what
		}
		entries[id] = e
	}
	return entries, lines.Err()
}
