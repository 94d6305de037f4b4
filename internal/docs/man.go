package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rpcd/internal/manual"
)

// manPages are the manual pages, by the names of their files. Their sources are
// texts as package manual describes them, in which a line with an @ stands for what
// the help of the program says. So the help is the source of options and verbs, and
// a page adds to it.
var manPages = []struct{ name, section, title, program string }{
	{"rpc", "1", "User Commands", "rpc"},
	{"rpcd", "8", "System Administration", "rpcd"},
	{"rpc-exports", "5", "File Formats", ""},
}

// manFolder holds the sources, from the repository's folder.
const manFolder = "internal/docs/man"

// writeMan writes the manual pages of the programs in a folder. Version and date
// stand in their feet.
func writeMan(programs, folder, version, date string) error {
	top, err := repository()
	if err != nil {
		return err
	}
	for _, p := range manPages {
		file := p.name + "." + p.section
		source, err := os.ReadFile(filepath.Join(top, manFolder, file+".txt"))
		if err != nil {
			return err
		}
		m := &manPage{programs: programs, program: p.program}
		m.macro(fmt.Sprintf(`.TH %s %s %s "rpcd %s" "%s"`, strings.ToUpper(p.name), p.section, date, version, p.title))
		if err := m.blocks(string(source)); err != nil {
			return fmt.Errorf("cannot write %s: %w", file, err)
		}
		if err := os.WriteFile(filepath.Join(folder, file), []byte(m.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// manPage is a page that is being written.
type manPage struct {
	roff
	programs, program string
	help              *helped // of the program, when somebody has asked
	owed              bool    // the options wait for the table that adds to them
	under             bool    // headings are those of a section of DESCRIPTION
}

// blocks writes the blocks of a text.
func (m *manPage) blocks(text string) error {
	for block := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		lines := strings.Split(block, "\n")
		indent := len(block) - len(strings.TrimLeft(block, " "))
		for i, l := range lines {
			lines[i] = l[min(indent, len(l)):]
		}
		if err := m.block(indent, lines); err != nil {
			return err
		}
	}
	return m.settle(nil)
}

func (m *manPage) block(indent int, lines []string) error {
	if indent != 4 {
		if err := m.settle(nil); err != nil {
			return err
		}
	}
	switch {
	case indent == 0 && m.under:
		m.macro(".SS " + lines[0])
	case indent == 0:
		m.macro(".SH " + strings.ToUpper(lines[0]))
	case indent == 2 && strings.HasPrefix(lines[0], "@"):
		return m.fill(lines[0])
	case indent == 2 && strings.Contains(lines[0], "(") && len(lines) == 1 && strings.HasSuffix(m.String(), ".SH SEE ALSO\n"):
		m.seeAlso(lines[0])
	case indent == 2 && strings.HasSuffix(m.String(), ".SH NAME\n"):
		m.line(strings.Replace(typed(lines[0]), ` \- `, ` \- `, 1))
	case indent == 2:
		m.paragraph(lines)
	case indent == 4 && strings.HasPrefix(lines[0], "$ "):
		m.literal(lines)
	case indent == 4 && m.owed:
		return m.settle(lines)
	case indent == 4:
		m.table(lines)
	default:
		return fmt.Errorf("a block with an indent of %d: %q", indent, lines[0])
	}
	return nil
}

// seeAlso writes references, as pages are named.
func (m *manPage) seeAlso(line string) {
	pages := strings.Split(line, ", ")
	for i, p := range pages {
		name, section, _ := strings.Cut(p, "(")
		comma := " ,"
		if i == len(pages)-1 {
			comma = ""
		}
		m.macro(".BR " + typed(name) + " (" + section + comma)
	}
}

// table writes a row as an item. Its first cell is what is typed, the others follow
// their heads, but for the second.
func (m *manPage) table(lines []string) {
	heads, rows := cells(lines)
	for _, row := range rows {
		tag, text := strings.Join(row[0], " "), strings.Join(row[1], " ")
		for i := 2; i < len(row); i++ {
			if cell := strings.Join(row[i], " "); cell != "" {
				text += "; " + heads[i] + ": " + cell
			}
		}
		m.item(tag, text)
	}
}

// fill writes what the help says where a text asks for it.
func (m *manPage) fill(what string) error {
	if what == "@exports" {
		m.under = true
		defer func() { m.under = false }()
		_, text, _ := strings.Cut(manual.Exports, "\n\n") // without its title
		return m.blocks(text)
	}
	help, err := m.ask()
	if err != nil {
		return err
	}
	switch what {
	case "@synopsis":
		return m.synopsis(help)
	case "@description":
		m.paragraphs(help.about)
	case "@options":
		m.owed = true
	case "@verbs":
		return m.verbs(help)
	default:
		return fmt.Errorf("there is no %s", what)
	}
	return nil
}

// ask gives the help of the page's program.
func (m *manPage) ask() (_ *helped, err error) {
	if m.help == nil {
		m.help, err = askHelp(m.programs, m.program)
	}
	return m.help, err
}

func (m *manPage) synopsis(help *helped) error {
	m.usage(help.usage)
	for _, name := range help.verbs {
		verb, err := askHelp(m.programs, m.program, name)
		if err != nil {
			return err
		}
		m.macro(".br")
		m.usage(verb.usage)
	}
	return nil
}

// usage writes a line of usage: the program, and what follows it.
func (m *manPage) usage(line string) {
	program, rest, _ := strings.Cut(line, " ")
	m.line(`\fB` + typed(program) + `\fR ` + typed(rest))
}

// settle writes the options, and what a table adds to them.
func (m *manPage) settle(lines []string) error {
	if !m.owed {
		return nil
	}
	m.owed = false
	more := map[string]string{}
	if lines != nil {
		_, rows := cells(lines)
		for _, row := range rows {
			more[row[0][0]] = strings.Join(row[1], " ")
		}
	}
	m.options(m.help.options, more)
	for name := range more {
		return fmt.Errorf("the text adds to %s, which the help doesn't have", name)
	}
	return nil
}

// options writes them, and takes from more what is said besides.
func (m *manPage) options(options []option, more map[string]string) {
	for _, o := range options {
		text := o.text
		if add := more[o.name()]; add != "" {
			text += ". " + add
			delete(more, o.name())
		}
		m.item(o.tag, text)
	}
}

// verbs writes a part for each verb, with its own options.
func (m *manPage) verbs(help *helped) error {
	for _, name := range help.verbs {
		verb, err := askHelp(m.programs, m.program, name)
		if err != nil {
			return err
		}
		m.macro(".SS " + typed(verb.usage))
		m.paragraphs(verb.about)
		own := verb.options[:0]
		for _, o := range verb.options {
			if o.name() != "--help" { // each verb has it
				own = append(own, o)
			}
		}
		if slices.ContainsFunc(own, func(o option) bool { return !slices.Contains(help.options, o) }) {
			m.options(own, nil)
		} else if len(own) > 0 {
			m.paragraphs("Its options are those of OPTIONS.")
		}
	}
	return nil
}
