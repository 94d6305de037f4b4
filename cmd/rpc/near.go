package main

import "slices"

// nearest gives the word of a list that somebody who typed s probably meant, or "".
// Words of up to 5 bytes may be wrong in one place, longer ones in two, and a word of
// less than 3 bytes isn't guessed at. Equal words aren't near: they were meant.
func nearest(s string, list []string) string {
	if len(s) < 3 || len(s) > 100 {
		return ""
	}
	best, found := 2, ""
	if len(s) > 5 {
		best = 3
	}
	for _, word := range list {
		if d := distance(s, word, best); d > 0 && d < best {
			best, found = d, word
		}
	}
	return found
}

// distance is how many bytes have to be added, removed, replaced or swapped with the
// next one to make b of a (the optimal string alignment distance), or at least limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// nearVerb gives the verb that somebody who typed s probably meant, or "".
func nearVerb(s string) string { return nearest(s, verbs()) }

// verbs are those that there are, without those to come.
func verbs() (names []string) {
	root := rootCommand()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	slices.Sort(names)
	return names
}
