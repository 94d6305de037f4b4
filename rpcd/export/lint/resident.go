package lint

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"rpcd/rpcd/export"
)

// mark is what the text of every resident worker holds, or of the library that it
// is linked with: the variable that names its socket (PROTOCOL.md, section 7).
const mark = "RPC_RESIDENT_FD"

// ofResident is about a procedure with resident workers, or with rules for them.
func ofResident(p *export.Procedure, o export.Owner) []export.Problem {
	bad := func(reason export.Reason, file, what, cure string) []export.Problem {
		return []export.Problem{{Reason: reason, File: filepath.Join(p.Folder(), file), What: what, Cure: cure}}
	}
	switch {
	case p.Workers == 0 && p.MaxUses > 0:
		return bad(export.Denied, "max-uses", "has no effect: there are no resident workers", "add a file workers, or remove it")
	case p.Workers == 0 && p.MaxRSS > 0:
		return bad(export.Denied, "max-rss", "has no effect: there are no resident workers", "add a file workers, or remove it")
	case p.Workers == 0:
		return nil
	case o.RunAs:
		return bad(export.Denied, "workers", "can't be had with --run-as caller: one resident worker serves all callers", "remove it, or serve it by another rpcd")
	case p.Keep:
		return bad(export.Denied, "keep", "has no effect: what a resident worker leaves ends with it", "remove it")
	case !speaks(p):
		return bad(export.NotExecutable, "run", "isn't a resident worker: it doesn't name "+mark, "call resident.serve in it, or remove the file workers")
	}
	return nil
}

// speaks says whether a program may be a resident worker. It says yes where it can't
// know: of one that gets its text by an argument, of a shell's script that starts
// another program, and of one that can't be read.
func speaks(p *export.Procedure) bool {
	f, err := os.Open(p.Path)
	if err != nil || len(p.Args) > 0 {
		return true
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 64<<10)
	head, _ := r.Peek(2)
	if string(head) == "#!" {
		return contains(r, "resident", mark, "exec ")
	}
	return contains(r, mark)
}

// contains says whether one of the words is in r, or that r can't be read.
func contains(r io.Reader, words ...string) bool {
	const longest = 32 // bytes of a word, which may lie across two pieces
	piece := make([]byte, longest+64<<10)
	kept := 0
	for {
		n, err := r.Read(piece[kept:])
		text := piece[:kept+n]
		for _, word := range words {
			if bytes.Contains(text, []byte(word)) {
				return true
			}
		}
		if err != nil {
			return !errors.Is(err, io.EOF)
		}
		kept = copy(piece, text[max(0, len(text)-longest):])
	}
}
