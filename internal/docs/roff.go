package main

import (
	"regexp"
	"strings"
)

// roff writes a manual page in the macros of man(7).
type roff struct{ strings.Builder }

// sentence is where a line ends in the source, as man(7) asks for.
var sentence = regexp.MustCompile(`([.!?]["')]*) +`)

// plain keeps troff from taking a backslash for its own.
func plain(text string) string { return strings.ReplaceAll(text, `\`, `\e`) }

// dashes makes minus signs of the dashes of words that are typed: options, paths,
// names in quotes. Hyphens stay.
func dashes(text string) string {
	fields := strings.SplitAfter(text, " ")
	for i, f := range fields {
		bare := strings.TrimLeft(f, `"'([`+"`")
		if strings.HasPrefix(bare, "-") || strings.ContainsAny(f, "/=@_`") {
			fields[i] = strings.ReplaceAll(f, "-", `\-`)
		}
	}
	return strings.Join(fields, "")
}

// inline is text with its code in bold.
func inline(text string) string {
	parts := strings.Split(dashes(plain(text)), "`")
	for i := 1; i < len(parts); i += 2 {
		parts[i] = `\fB` + parts[i] + `\fR`
	}
	return strings.Join(parts, "")
}

// typed is text of which every dash is typed.
func typed(text string) string { return strings.ReplaceAll(plain(text), "-", `\-`) }

// columns is how long a line of the source becomes, as far as its words let it.
const columns = 78

// macro writes a line that troff obeys.
func (r *roff) macro(line string) { r.WriteString(line + "\n") }

// begin begins a paragraph. A heading has begun one already.
func (r *roff) begin() {
	text := strings.TrimSuffix(r.String(), "\n")
	last := text[strings.LastIndexByte(text, '\n')+1:]
	if !strings.HasPrefix(last, ".SH ") && !strings.HasPrefix(last, ".SS ") {
		r.macro(".PP")
	}
}

// line writes a line that troff takes for text.
func (r *roff) line(text string) {
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	r.WriteString(text + "\n")
}

// text writes a paragraph's sentences, each on a line of its own.
func (r *roff) text(text string) {
	for l := range strings.SplitSeq(sentence.ReplaceAllString(inline(text), "$1\n"), "\n") {
		begin := 0
		for at := range len(l) {
			if l[at] != ' ' {
				continue
			}
			next := strings.IndexByte(l[at+1:], ' ')
			if next < 0 {
				next = len(l) - at - 1
			}
			if at+1+next-begin > columns {
				r.line(l[begin:at])
				begin = at + 1
			}
		}
		r.line(l[begin:])
	}
}

// paragraph writes lines of a text. Those that are indented stay lines.
func (r *roff) paragraph(lines []string) {
	r.begin()
	joined := ""
	for _, l := range lines {
		if !strings.HasPrefix(l, " ") {
			joined = strings.TrimSpace(joined + " " + l)
			continue
		}
		if joined != "" {
			r.text(joined)
			joined = ""
		}
		r.macro(".br")
		r.line(`\&    ` + typed(strings.TrimSpace(l)))
	}
	if joined != "" {
		r.text(joined)
	}
}

// paragraphs writes blocks that stand at the margin.
func (r *roff) paragraphs(text string) {
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		r.paragraph(strings.Split(block, "\n"))
	}
}

// item writes what is typed, and what it does.
func (r *roff) item(tag, text string) {
	r.macro(".TP")
	r.line(`\fB` + typed(tag) + `\fR`)
	r.text(text)
}

// literal writes lines as they are.
func (r *roff) literal(lines []string) {
	r.begin()
	r.macro(".EX")
	for _, l := range lines {
		r.line(typed(l))
	}
	r.macro(".EE")
}
