package record

import (
	"errors"
	"strings"
)

// The values of a Python literal, as far as headers of arrays have them: string,
// int64, bool, dict, tuple and list.
type (
	dict  map[string]any
	tuple []any
	list  []any
)

// maxDepth is how deep lists may lie in each other.
const maxDepth = 16

var errLiteral = errors.New("its header is no dict")

// literal reads a Python literal.
type literal struct {
	rest  string
	depth int
}

// parseLiteral reads a literal that is all there is, but for blanks.
func parseLiteral(s string) (any, error) {
	l := &literal{rest: s}
	v, ok := l.value()
	if l.blanks(); !ok || l.rest != "" {
		return nil, errLiteral
	}
	return v, nil
}

func (l *literal) blanks() { l.rest = strings.TrimLeft(l.rest, " \t\n\r") }

// take takes s, if it comes next.
func (l *literal) take(s string) bool {
	l.blanks()
	rest, ok := strings.CutPrefix(l.rest, s)
	l.rest = rest
	return ok
}

func (l *literal) value() (any, bool) {
	l.depth++
	defer func() { l.depth-- }()
	if l.blanks(); l.rest == "" || l.depth > maxDepth {
		return nil, false
	}
	switch c := l.rest[0]; {
	case l.take("True"):
		return true, true
	case l.take("False"):
		return false, true
	case l.take("{"):
		return l.dict()
	case l.take("("):
		items, commas, ok := l.items(")")
		if len(items) == 1 && !commas { // parentheses alone
			return items[0], ok
		}
		return tuple(items), ok
	case l.take("["):
		items, _, ok := l.items("]")
		return list(items), ok
	case c == '\'' || c == '"':
		return l.text(c)
	}
	return l.number()
}

// items reads values between commas, up to end. commas says that there was one.
func (l *literal) items(end string) (items []any, commas, ok bool) {
	for !l.take(end) {
		v, ok := l.value()
		if !ok {
			return nil, false, false
		}
		items = append(items, v)
		if !l.take(",") {
			return items, commas, l.take(end)
		}
		commas = true
	}
	return items, commas, true
}

func (l *literal) dict() (any, bool) {
	d := dict{}
	for !l.take("}") {
		key, ok := l.value()
		name, isText := key.(string)
		if !ok || !isText || !l.take(":") {
			return nil, false
		}
		if _, twice := d[name]; twice {
			return nil, false
		}
		if d[name], ok = l.value(); !ok {
			return nil, false
		}
		if !l.take(",") {
			return d, l.take("}")
		}
	}
	return d, true
}

// text reads a string. A backslash keeps the next byte, which is enough for names
// whose bytes don't matter.
func (l *literal) text(quote byte) (any, bool) {
	for i := 1; i < len(l.rest); i++ {
		switch l.rest[i] {
		case '\\':
			i++
		case quote:
			s := l.rest[1:i]
			l.rest = l.rest[i+1:]
			return s, true
		}
	}
	return nil, false
}

// number reads a whole number, with the L that Python 2 wrote behind it.
func (l *literal) number() (any, bool) {
	negative := l.take("-")
	n, i := int64(0), 0
	for ; i < len(l.rest) && '0' <= l.rest[i] && l.rest[i] <= '9'; i++ {
		if n > 1<<58 { // another digit could be too many
			return nil, false
		}
		n = 10*n + int64(l.rest[i]-'0')
	}
	l.rest = strings.TrimPrefix(l.rest[i:], "L")
	if negative {
		n = -n
	}
	return n, i > 0
}
