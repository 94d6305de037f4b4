package program

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"rpcd/rpcd/export/internal/display"
)

const elfMagic = "\x7fELF"

// The kernel's limits (load_elf_phdrs and load_elf_binary in fs/binfmt_elf.c).
const (
	maxHeaders = 64 << 10 // bytes of program headers
	maxLoader  = 4096     // PATH_MAX: bytes of a loader's path, with its NUL
	pageSize   = 4096     // the least of any machine: what is mapped beyond a file's end reads as 0 up to there
)

const (
	damagedCure = "copy it again"
	foreignCure = "export a build for this one, or a script that runs its emulator"
	loaderCure  = "install the library that has it, or export a static build"
)

// layout is where the ELF header has its fields, and a program header its own: both
// classes have the same ones in other places (elf(5)).
type layout struct {
	header, phoff, phentsize, phnum int // bytes of the header, offsets in it
	entry, offset, filesz           int // bytes of a program header, offsets in it
	wide                            bool
}

var (
	bits32 = layout{header: 52, phoff: 28, phentsize: 42, phnum: 44, entry: 32, offset: 4, filesz: 16}
	bits64 = layout{header: 64, phoff: 32, phentsize: 54, phnum: 56, entry: 56, offset: 8, filesz: 32, wide: true}
)

// word reads a field of the class's own width.
func (l layout) word(order binary.ByteOrder, b []byte, at int) uint64 {
	if l.wide {
		return order.Uint64(b[at:])
	}
	return uint64(order.Uint32(b[at:]))
}

// elf says why the kernel won't execute an ELF file of so many bytes, by itself or
// because of its loader. debug/elf isn't asked, since it wants sections, which the
// kernel doesn't look at, and which may lack.
func (m machine) elf(r io.ReaderAt, size int64) *Fault {
	p, loader, fault := m.image(r, size)
	if fault != nil || loader == "" {
		return fault
	}
	bad := func(what string) *Fault {
		return &Fault{What: "can't start: its loader " + display.Quote(loader) + " " + what, Cure: loaderCure, library: true}
	}
	if relative(loader) {
		return bad("is another file in each directory")
	}
	if fault := accessible(loader); fault != nil {
		return bad(fault.What)
	}
	f, err := open(loader)
	if err != nil {
		return nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil
	}
	if _, _, fault := (machine{name: m.name, processors: []processor{*p}}).image(f, st.Size()); fault != nil {
		return bad(fault.What)
	}
	return nil
}

// image reads the headers of an ELF file as the kernel does: its processor, and the
// path of its loader, which is empty for a static program.
func (m machine) image(r io.ReaderAt, size int64) (p *processor, loader string, _ *Fault) {
	damaged := func(format string, args ...any) (*processor, string, *Fault) {
		return nil, "", &Fault{What: "is a damaged ELF file: " + fmt.Sprintf(format, args...), Cure: damagedCure}
	}
	head := make([]byte, bits64.header)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", nil
	}
	if !hasPrefix(head[:n], elfMagic) {
		return nil, "", &Fault{What: "is not an ELF file", Cure: damagedCure}
	}
	if n < bits32.header {
		return damaged("it ends in its header")
	}
	if p = m.processor(head); p == nil {
		return nil, "", m.foreign(head)
	}
	switch t := elf.Type(p.order.Uint16(head[16:])); t {
	case elf.ET_EXEC, elf.ET_DYN:
	case elf.ET_REL, elf.ET_CORE:
		what := map[elf.Type]string{elf.ET_REL: "an object file", elf.ET_CORE: "a core dump"}[t]
		return nil, "", &Fault{What: "is " + what + ", not a program", Cure: "export the program"}
	default:
		return damaged("it has the type %d", t)
	}
	if size, class := int(p.order.Uint16(head[p.phentsize:])), elf.Class(head[elf.EI_CLASS]); size != p.entry {
		if p.wide && class == elf.ELFCLASS32 {
			return nil, "", &Fault{What: "is a 32-bit program, which this kernel doesn't run", Cure: foreignCure}
		}
		return damaged("its program headers have %d bytes, not %d", size, p.entry)
	}
	headers, ok := p.headers(r, head)
	if !ok {
		return damaged("it has no program headers where it says")
	}
	loader, what := p.segments(r, headers, size)
	if what != "" {
		return damaged("%s", what)
	}
	return p, loader, nil
}

// headers reads the program headers.
func (p *processor) headers(r io.ReaderAt, head []byte) ([]byte, bool) {
	length := int(p.order.Uint16(head[p.phnum:])) * p.entry
	at := p.word(p.order, head, p.phoff)
	if length == 0 || length > maxHeaders {
		return nil, false
	}
	return read(r, at, length)
}

// segments goes over program headers. It gives the first loader that they name, or
// what is wrong with a file of so many bytes.
func (p *processor) segments(r io.ReaderAt, headers []byte, size int64) (loader, what string) {
	loads := false
	for h := headers; len(h) >= p.entry; h = h[p.entry:] {
		offset, length := p.word(p.order, h, p.offset), p.word(p.order, h, p.filesz)
		switch elf.ProgType(p.order.Uint32(h)) {
		case elf.PT_LOAD:
			loads = true
			if end := offset + length; end < offset || end > (uint64(size)+pageSize-1)/pageSize*pageSize {
				return "", fmt.Sprintf("it is cut off, at %d of %d bytes or more", size, end)
			}
		case elf.PT_INTERP:
			if loader != "" {
				continue
			}
			if length < 2 || length > maxLoader {
				return "", "the path of its loader has an impossible length"
			}
			text, ok := read(r, offset, int(length))
			if !ok {
				return "", "it is cut off before the path of its loader"
			}
			if text[length-1] != 0 {
				return "", "the path of its loader has no end"
			}
			text, _, _ = bytes.Cut(text, []byte{0})
			if loader = string(text); loader == "" {
				return "", "the path of its loader is empty"
			}
		}
	}
	if !loads {
		return "", "it has nothing to load"
	}
	return loader, ""
}

// read reads a part of a file that is there as a whole.
func read(r io.ReaderAt, at uint64, length int) ([]byte, bool) {
	b := make([]byte, length)
	if at > 1<<62 {
		return nil, false
	}
	n, _ := r.ReadAt(b, int64(at))
	return b, n == length
}
