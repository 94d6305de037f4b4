package printable

import "strconv"

// MaxWord bounds, in bytes, what one text of a caller's takes in a log.
const MaxWord = 1000

// maxWords bounds, in bytes, what Words gives: a log that nobody reads holds
// thousands of lines in memory.
const maxWords = 4000

// Escaped gives s as Go would quote it, without the quotes: control characters
// and bytes that aren't UTF-8 are escaped. What is over MaxWord is cut.
func Escaped(s string) string {
	if len(s) > MaxWord {
		s = s[:MaxWord] + "..."
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// Words gives a list of texts, each Escaped, and says how many it left out where
// they take over 4000 bytes.
func Words(list []string) []string {
	words, size := []string{}, 0
	for i, s := range list {
		word := Escaped(s)
		if size += len(word) + len(`"", `); size > maxWords {
			return append(words, "... "+strconv.Itoa(len(list)-i)+" more")
		}
		words = append(words, word)
	}
	return words
}
