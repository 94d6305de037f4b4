package main_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// grammar makes random lines of shell. In them $R stands in front of a command
// that may run at a worker, $N in front of one whose stdin is empty. Each line does the same on every run: of processes
// that run side by side no two write to one place, unless their lines are sorted
// afterwards.
//
// Left out is what README.md, PROTOCOL.md and docs name as different: a closed
// stream, a variable that nobody asked for, a piped stdin that several commands
// share. What differs only where streams are relayed is in passedOnly.
type grammar struct {
	*rand.Rand
	files int // made by this line
}

// line makes one line. It begins in a folder with the files a, b and empty, and
// the folders sub and link, a symlink to sub/deep.
func (g *grammar) line() string {
	g.files = 0
	return g.statement(3)
}

func (g *grammar) pick(of ...string) string { return of[g.IntN(len(of))] }

// maybe gives s once in n times, and else nothing.
func (g *grammar) maybe(n int, s func() string) string {
	if g.IntN(n) > 0 {
		return ""
	}
	return s()
}

// file names a file that no other part of the line uses.
func (g *grammar) file() string {
	g.files++
	return fmt.Sprintf("f%d", g.files)
}

// word gives a word, quoted for the shell.
func (g *grammar) word() string {
	return g.pick("a", "b", "word", "''", `'two words'`, `"it's"`, `'a*b'`, `'$HOME'`, `'\n'`, `$'tab\tnew\nline'`, `$'\xff\xfe'`, "-n", "--", "ä", "'*'", `'"'`)
}

func (g *grammar) words(most int) string {
	var s strings.Builder
	for range g.IntN(most + 1) {
		s.WriteString(" " + g.word())
	}
	return s.String()
}

// source is a command that reads no stdin and reports nothing.
func (g *grammar) source() string {
	switch g.IntN(8) {
	case 0:
		return "$R echo" + g.words(4)
	case 1:
		return `$R printf '%s\n' x` + g.words(4)
	case 2:
		return fmt.Sprintf("$R seq %d", 1+g.IntN(40))
	case 3:
		return "$R cat " + g.pick("a", "b", "empty", "a b", "sub/c")
	case 4:
		return fmt.Sprintf("$R seq -w %d", 1000+g.IntN(30000))
	case 5:
		return fmt.Sprintf("$R head -c %d /dev/zero", g.IntN(300000))
	case 6:
		return g.pick("(cd link && $R sh -c 'p=$PWD; cd ..; echo ${p##*/} ${PWD##*/}')", "(cd sub && basename $($R pwd))", "$R stat -c '%a %s' a b")
	}
	return "$R sh -c 'printf \"[%s]\" \"$0\" \"$@\"' x" + g.words(5)
}

// filter is a command that reads its stdin to the end and reports nothing.
func (g *grammar) filter() string {
	return g.pick("$R cat", "$R cat -", "$R sort", "$R wc -c", "$R wc -l", "$R dd conv=ucase status=none", "$R cksum", "$R tail -n 3",
		"$R dd bs=1000 status=none", "cat", "sort -r", "$R tee "+g.file(), "$R sh -c 'cat; echo end'",
		`$R sh -c 'while read -r l; do echo "<$l>"; done'`)
}

// loud is a command that writes to both outputs, or fails with its own words.
func (g *grammar) loud() string {
	switch g.IntN(5) {
	case 0:
		return "$R ls " + g.pick("nosuch", "a nosuch b", "-d sub/ nosuch", "--nosuch")
	case 1:
		return "$R cat " + g.pick("nosuch", "a nosuch", "sub")
	case 2:
		return fmt.Sprintf("$R sh -c 'for i in $(seq %d); do echo o$i; echo e$i >&2; done'", 1+g.IntN(60))
	case 3:
		return fmt.Sprintf("$R sh -c 'echo out; echo err >&2; exit %d'", g.IntN(256))
	}
	return g.pick("$R sort nosuch", "$R tail -n 1 a nosuch", "$R wc -c a nosuch b", "$R sh nosuch.sh")
}

// ending is a command whose status matters.
func (g *grammar) ending() string {
	switch g.IntN(4) {
	case 0:
		return g.pick("$R true", "$R false")
	case 1:
		return fmt.Sprintf("$R sh -c 'exit %d'", g.IntN(256))
	case 2:
		// bash itself says who was killed, with the pid.
		return fmt.Sprintf("{ $R sh -c 'echo before; kill -%s $$; echo after'; } 2>/dev/null", g.pick("TERM", "KILL", "HUP", "INT", "USR1", "PIPE", "ALRM", "ABRT"))
	}
	return "$R nosuch 2>/dev/null"
}

// outputs redirects what a command writes, and shows it afterwards.
func (g *grammar) outputs(command string) string {
	f, h := g.file(), g.file()
	switch g.IntN(12) {
	case 0:
		return fmt.Sprintf("%s >%s; echo $?; cat %[2]s", command, f)
	case 1:
		return fmt.Sprintf("%s >%s 2>&1; echo $?; cat %[2]s", command, f)
	case 2:
		return fmt.Sprintf("%s 2>&1 >%s; echo $?; cat %[2]s", command, f)
	case 3:
		return fmt.Sprintf("echo first >%s; %s >>%[1]s 2>>%[1]s; echo $?; cat %[1]s", f, command)
	case 4:
		return fmt.Sprintf("%s >%s 2>%s; echo $?; cat %[2]s; echo --; cat %[3]s", command, f, h)
	case 5:
		return fmt.Sprintf("%s 3>&1 1>&2 2>&3 3>&-", command)
	case 6:
		return fmt.Sprintf("%s &>>%s; %[1]s >>%[2]s 2>&1; cat %[2]s", command, f)
	case 7:
		return fmt.Sprintf("{ %s; echo $? between; %s; } >%s 2>&1; cat %[3]s", command, g.loud(), f)
	case 8:
		return fmt.Sprintf("exec 6>%s; %s >&6; echo between >&6; %[2]s >&6 2>&6; exec 6>&-; cat %[1]s", f, command)
	case 9:
		return fmt.Sprintf("%s 2>&1 | cat; echo ${PIPESTATUS[0]}", command)
	case 10:
		return fmt.Sprintf("echo 0123456789 >%s; %s 1<>%[1]s; cat %[1]s", f, command)
	}
	return command + g.pick(" >/dev/null", " 2>/dev/null", " &>/dev/null")
}

// input gives a filter something to read.
func (g *grammar) input() string {
	f := g.filter()
	switch g.IntN(10) {
	case 0:
		return f + " <" + g.pick("a", "b", "empty", "/dev/null", "sub/c")
	case 1:
		return f + " <<<" + g.pick("word", "'two words'", `"$(seq 20)"`)
	case 2:
		return f + " <<'X'\nhere\n document $HOME\nX\n"
	case 3:
		return f + " < <(" + g.source() + ")"
	case 4:
		return g.source() + " | " + f
	case 5:
		return g.source() + " | " + f + " | " + g.filter()
	case 6:
		return "exec 5<b; read -r l <&5; echo \"$l\"; $R sh -c 'read -r l; echo \"$l\"' <&5; " + f + " <&5; exec 5<&-"
	case 7:
		return "{ $R sh -c 'read -r l; echo \"$l\"'; " + f + "; } <b"
	case 8:
		return "mkfifo p; " + g.source() + " >p & " + f + " <p; wait; rm p"
	}
	return "$N cat <a; $N wc -c <b; $N sh -c 'read -r l; echo $?'"
}

// statement makes a statement whose parts are at most depth levels deep.
func (g *grammar) statement(depth int) string {
	if depth == 0 {
		return g.pick(g.source(), g.ending())
	}
	down := func() string { return g.statement(g.IntN(depth)) }
	switch g.IntN(16) {
	case 0, 1, 2:
		return g.outputs(g.loud())
	case 3, 4:
		return g.outputs(g.source())
	case 5, 6, 7:
		return g.input()
	case 8:
		return g.ending() + "; echo $?"
	case 9:
		return down() + g.pick(" && ", " || ", "; ") + "{\n" + down() + "\n}"
	case 10:
		return "(\n" + down() + "\n)" + g.maybe(2, func() string { f := g.file(); return " >" + f + " 2>&1; echo $?; cat " + f })
	case 11:
		return "! " + g.ending() + "; echo $?"
	case 12:
		return "while read -r l; do $R echo \"<$l>\" $((n += 1)); done <" + g.pick("a", "b") + "; echo $n"
	case 13:
		return "x=$(" + g.source() + " | cksum); echo \"$x $?\""
	case 14:
		f := g.file()
		return fmt.Sprintf("(umask %s; $R sh -c 'echo >%s'; $R stat -c %%a %[2]s)", g.pick("000", "022", "027", "077"), f)
	}
	return g.crowd()
}

// crowd is several calls side by side that write to one place.
func (g *grammar) crowd() string {
	calls := fmt.Sprintf("for k in 1 2 3; do $R sh -c 'for i in $(seq %d); do echo \"$1$1$1$1 $i\"; done' x $k & done; wait", 20+g.IntN(200))
	if g.IntN(2) == 0 {
		return "{ " + calls + "; } | sort | cksum"
	}
	f := g.file()
	return fmt.Sprintf("for k in 1 2 3; do $R sh -c 'seq 1 %d; seq 1 9 >&2' >>%s 2>>%[2]s & done; wait; sort %[2]s | cksum; rm %[2]s", 20+g.IntN(200), f)
}

// passedOnly makes a line whose commands notice that a stream is relayed, as the
// documents say.
func (g *grammar) passedOnly() string {
	return g.pick("$R head -n 1 <b; $R sh -c 'echo x >/dev/full'; echo $?",
		"{ $R head -n 2; cat; } <b",
		"seq 50000 | { $R sh -c 'read -r l; echo $l'; tail -n 1; }",
		"while read -r l; do $R echo \"$l\"; done < <(seq 20)",
		"printf '1\\n2\\n3\\n' | { $R sh -c 'read -r l'; $R cat; }",
		"$R sh -c 'cat <&1' 1<>a", "$R sh -c 'echo o1; echo o2 >/dev/stdout; echo e >/dev/stderr' >f 2>&1; cat f",
		"{ $R sh -c 'read -r l'; $R cat /dev/stdin; } <b", "$R cat >/dev/full <a; echo $?")
}
