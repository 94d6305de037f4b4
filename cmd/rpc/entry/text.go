//go:build amd64 || arm64

package entry

import "unsafe"

// text is bytes that the kernel has put on the initial stack, or that stand in state.
// It is a string that the garbage collector doesn't know. In most, a NUL follows.
type text struct {
	at uintptr
	n  int
}

// str gives the text as a string for this function's caller, without a copy.
func (t text) str() string { return *(*string)(unsafe.Pointer(&t)) }

// after gives what follows the first n bytes. n is at most t.n.
func (t text) after(n int) text { return text{t.at + uintptr(n), t.n - n} }

// textAt gives the text at p, which ends with a NUL.
func textAt(p unsafe.Pointer) text {
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return text{uintptr(p), n}
}

// hasPrefix is strings.HasPrefix.
func hasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && s[:len(prefix)] == prefix
}

// hasSuffix is strings.HasSuffix.
func hasSuffix(s, suffix string) bool {
	return len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix
}

// upTo gives what stands in s before the first c, or all of s.
func upTo(s string, c byte) string {
	for i := 0; i < len(s); i++ {
		if s[i] == c {
			return s[:i]
		}
	}
	return s
}

// contains is strings.Contains.
func contains(s, part string) bool {
	for len(s) >= len(part) {
		if s[:len(part)] == part {
			return true
		}
		s = s[1:]
	}
	return false
}

// isClean reports whether filepath.Clean would leave a path as it is: no component is
// empty, . or .., but for a first empty one.
func isClean(path string) bool {
	part := 0 // bytes of the component
	dots := true
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c != '/':
			part++
			dots = dots && c == '.'
			continue
		case i > 0 && part == 0, dots && part > 0 && part <= 2:
			return false
		}
		part, dots = 0, true
	}
	return part > 2 || part > 0 && !dots
}

// isLogical is names.IsLogical.
func isLogical(path string) bool {
	if len(path) == 0 || path[0] != '/' || len(path) > maxPath {
		return false
	}
	part, dots := 0, true
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c != '/' {
			part++
			dots = dots && c == '.'
			continue
		}
		if dots && (part == 1 || part == 2) {
			return false
		}
		part, dots = 0, true
	}
	return !dots || part == 0 || part > 2
}

// number reads decimal digits, of at most max.
func number(s string, max uint64) (n uint64, ok bool) {
	if len(s) == 0 || len(s) > 19 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, n <= max
}
