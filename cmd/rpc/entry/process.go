//go:build amd64 || arm64

package entry

import "unsafe"

// process is what the kernel put on the initial stack: the number of words, the
// words, a zero, the variables, a zero.
type process struct {
	stack unsafe.Pointer
	words int
}

const pointerSize = 8

func (p process) text(slot int) text {
	at := *(*unsafe.Pointer)(unsafe.Add(p.stack, slot*pointerSize))
	if at == nil {
		return text{}
	}
	return textAt(at)
}

// word gives word i, where 0 is the program's name; i is less than words.
func (p process) word(i int) text { return p.text(1 + i) }

// entry gives variable i as NAME=VALUE, or a text at 0 behind the last one.
func (p process) entry(i int) text { return p.text(2 + p.words + i) }

// variable gives the value of a variable: the first one of that name counts, as for
// os.LookupEnv.
func (p process) variable(name string) (value text, ok bool) {
	for i := 0; ; i++ {
		e := p.entry(i)
		if e.at == 0 {
			return text{}, false
		}
		if value, ok = valueOf(e, name); ok {
			return value, true
		}
	}
}

// valueOf gives the value of the variable e, if that is its name.
func valueOf(e text, name string) (text, bool) {
	s := e.str()
	if len(s) > len(name) && s[len(name)] == '=' && s[:len(name)] == name {
		return e.after(len(name) + 1), true
	}
	return text{}, false
}
