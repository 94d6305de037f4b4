package program

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// segment is a program header of image.
type segment struct {
	kind           uint32
	offset, length uint64
}

// Kinds of segments (elf(5)).
const (
	load   = 1
	interp = 3
)

// image makes an ELF file for a processor, with the loader's path at its end. It
// starts, but does nothing good.
func image(p processor, kind uint16, loader string, segments ...segment) []byte {
	b := make([]byte, p.header+p.entry*len(segments))
	copy(b, elfMagic+"\x01\x01\x01")
	if p.wide {
		b[4] = 2
	}
	if p.order == binary.BigEndian {
		b[5] = 2
	}
	word := func(b []byte, at int, v uint64) {
		if p.wide {
			p.order.PutUint64(b[at:], v)
		} else {
			p.order.PutUint32(b[at:], uint32(v))
		}
	}
	p.order.PutUint16(b[16:], kind)
	p.order.PutUint16(b[18:], uint16(p.number))
	p.order.PutUint32(b[20:], 1)
	word(b, p.phoff, uint64(p.header))
	p.order.PutUint16(b[p.phentsize:], uint16(p.entry))
	p.order.PutUint16(b[p.phnum:], uint16(len(segments)))
	for i, s := range segments {
		h := b[p.header+i*p.entry:]
		p.order.PutUint32(h, s.kind)
		word(h, p.offset, s.offset)
		word(h, p.filesz, s.length)
		if s.kind == interp && s.length == 0 {
			word(h, p.offset, uint64(len(b)))
			word(h, p.filesz, uint64(len(loader)))
		}
	}
	return append(b, loader...)
}

// whole is a segment with all of a small file.
var whole = segment{load, 0, 64}

// edited gives b with bytes written over it.
func edited(b []byte, at int, bytes ...byte) []byte {
	b = append([]byte(nil), b...)
	copy(b[at:], bytes)
	return b
}

// write makes an executable file.
func write(t *testing.T, path string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each file is inspected, and executed as well: what the kernel won't execute has a
// fault, and what it executes has none.
// fault: 52
func TestInspectAgreesWithTheKernel(t *testing.T) {
	m := thisMachine()
	if len(m.processors) == 0 {
		t.Skipf("SKIPPED: %s isn't known", m.name)
	}
	p, dir := m.processors[0], t.TempDir()
	static := image(p, 2, "", whole)
	loader := write(t, dir+"/loader", image(p, 3, "", whole))
	dynamic := func(loader string) []byte { return image(p, 2, loader, segment{interp, 0, 0}, whole) }
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Symlink("/none", dir+"/dangling"))
	must(syscall.Mkfifo(dir+"/fifo", 0o777))
	must(os.WriteFile(dir+"/plain", static, 0o644))
	write(t, dir+"/junk", []byte(elfMagic+" junk"))
	write(t, dir+"/text", []byte("echo\n"))
	write(t, dir+"/script", []byte("#!/bin/sh\n"))
	write(t, dir+"/lacking", dynamic("/lib/ld-none.so.9\x00"))
	write(t, dir+"/long", static)
	// The kernel reads 256 bytes, of which #! takes two. The name ends in the last one, or beyond it.
	fits := filepath.Join(dir, strings.Repeat("n", 253-len(dir)-1))
	write(t, fits, static)
	write(t, fits+"n", static)
	previous := "/bin/sh"
	for i := range maxFiles {
		previous = write(t, fmt.Sprintf("%s/chain%d", dir, i), []byte("#!"+previous+"\n"))
	}
	for _, tt := range []struct {
		name string
		text []byte
		what string // of the fault; "": there is none
	}{
		{"a static program", static, ""},
		{"a static program, position-independent", image(p, 3, "", whole), ""},
		{"another byte order and class, where the kernel doesn't look", edited(static, 4, 1, 2, 9), ""},
		{"a program with a loader", dynamic(loader + "\x00"), ""},
		{"a loader with an end before its end", dynamic(loader + "\x00junk\x00"), ""},
		{"a loader that is missing", dynamic("/lib/ld-none.so.9\x00"), `its loader "/lib/ld-none.so.9" is missing`},
		{"a loader behind a file", dynamic(loader + "/x\x00"), "is missing"},
		{"a loader that dangles", dynamic(dir + "/dangling\x00"), "is missing"},
		{"a loader that is a directory", dynamic(dir + "\x00"), "is a directory"},
		{"a loader that is a FIFO", dynamic(dir + "/fifo\x00"), "not a regular file"},
		{"a loader that is a device", dynamic("/dev/null\x00"), "not a regular file"},
		{"a loader without its run bit", dynamic(dir + "/plain\x00"), "may not be executed"},
		{"a loader that is junk", dynamic(dir + "/junk\x00"), "damaged"},
		{"a loader that is a script", dynamic(dir + "/script\x00"), "is not an ELF file"},
		{"a loader with a loader that is missing", dynamic(dir + "/lacking\x00"), ""},
		{"a loader without a NUL", dynamic(loader), "has no end"},
		{"a loader without a name", dynamic("\x00"), "impossible length"},
		{"a loader with a name of NULs", dynamic("\x00\x00"), "is empty"},
		{"a loader with too long a name", dynamic(strings.Repeat("/", maxLoader) + "\x00"), "impossible length"},
		{"a loader beyond the file", image(p, 2, "", segment{interp, 1 << 20, 9}, whole), "cut off"},
		{"a loader beyond all files", image(p, 2, "", segment{interp, 1<<32 - 2, 9}, whole), "cut off"},
		{"another processor", edited(static, 18, 0xf7, 0xf7), "another processor, number 63479"},
		{"an object file", edited(static, 16, 1, 0), "an object file"},
		{"a core dump", edited(static, 16, 4, 0), "a core dump"},
		{"another type", edited(static, 16, 9, 9), "damaged"},
		{"headers of another size", edited(static, p.phentsize, 55), "55 bytes"},
		{"no program headers", edited(static, p.phnum, 0, 0), "no program headers"},
		{"too many program headers", edited(static, p.phnum, 0xff, 0xff), "no program headers"},
		{"program headers beyond the file", edited(static, p.phoff, 0, 0, 16), "no program headers"},
		{"program headers beyond all files", edited(static, p.phoff, 0xff, 0xff, 0xff, 0xff), "no program headers"},
		{"the magic alone", []byte(elfMagic), "ends in its header"},
		{"half a header", static[:40], "ends in its header"},
		{"a header alone", static[:p.header], "no program headers"},
		{"nothing", nil, "is empty"},
		{"text", []byte("echo\n"), "text without #!"},
		{"neither", []byte("MZ\x00\x01"), "neither ELF nor a script"},
		{"a script", []byte("#!/bin/sh -e\n"), ""},
		{"a script without a newline", []byte("#! \t/bin/sh"), ""},
		{"a script with a NUL", []byte("#!/bin/sh\x00/none -e\n"), ""},
		{"a script with a carriage return", []byte("#!/bin/sh\r\n"), "carriage return"},
		{"no interpreter", []byte("#! \t\n"), "without an interpreter"},
		{"no interpreter before a NUL", []byte("#!\x00/bin/sh\n"), "without an interpreter"},
		{"blanks alone", []byte("#!" + strings.Repeat(" ", 300) + "/bin/sh\n"), "without an interpreter"},
		{"a missing interpreter", []byte("#!/none/sh\n"), `its interpreter "/none/sh" is missing`},
		{"an interpreter that is a FIFO", []byte("#!" + dir + "/fifo\n"), "not a regular file"},
		{"an interpreter that is a directory", []byte("#!/usr\n"), "is a directory"},
		{"an interpreter that is text", []byte("#!" + dir + "/text\n"), "text without #!"},
		{"an interpreter that lacks its loader", []byte("#!" + dir + "/lacking\n"), `/lacking" can't start: its loader "/lib/ld-none.so.9" is missing`},
		{"an interpreter as long as can be", []byte("#!" + fits + "\n"), ""},
		{"the same before a blank", []byte("#!" + fits + " x\n"), ""},
		{"an interpreter that is longer", []byte("#!" + fits + "n\n"), "over 250 bytes"},
		{"as many scripts as can be", []byte("#!" + dir + "/chain3\n"), ""},
		{"one script more", []byte("#!" + dir + "/chain4\n"), "more than 5 interpreters"},
		{"its own interpreter", []byte("#!" + dir + "/its_own_interpreter\n"), "leads back"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, filepath.Join(dir, strings.ReplaceAll(tt.name, " ", "_")), tt.text)
			cmd := exec.Command(path)
			cmd.Dir = dir
			err := cmd.Start()
			if err == nil {
				_ = cmd.Wait()
			}
			fault := Inspect(path).Fault
			if (err == nil) != (fault == nil) || (fault == nil) != (tt.what == "") {
				t.Fatalf("execve: %v; inspected: %+v, want %q", err, fault, tt.what)
			}
			if fault != nil && (!strings.Contains(fault.What, tt.what) || fault.Cure == "") {
				t.Errorf("%+v, want %q", fault, tt.what)
			}
		})
	}
}

// What starts and dies at once is a fault, too; and so is what another directory
// decides.
func TestInspectKnowsMore(t *testing.T) {
	m := thisMachine()
	if len(m.processors) == 0 {
		t.Skipf("SKIPPED: %s isn't known", m.name)
	}
	p, dir := m.processors[0], t.TempDir()
	object := write(t, dir+"/object", image(p, 1, "", whole))
	for _, tt := range []struct {
		text []byte
		what string
	}{
		{image(p, 2, "", segment{load, 0, 5000}), "cut off"},
		{image(p, 2, "", segment{load, 1<<32 - 9, 5000}), "cut off"},
		{image(p, 2, "", segment{6, 0, 64}), "nothing to load"},
		{image(p, 2, "ld.so\x00", segment{interp, 0, 0}, whole), `loader "ld.so" is another file in each directory`},
		{image(p, 2, object+"\x00", segment{interp, 0, 0}, whole), "an object file"},
		{[]byte("#!bin/sh\n"), `interpreter "bin/sh" is another file in each directory`},
	} {
		if fault := Inspect(write(t, dir+"/x", tt.text)).Fault; fault == nil || !strings.Contains(fault.What, tt.what) {
			t.Errorf("%+v, want %q", fault, tt.what)
		}
	}
	for path, what := range map[string]string{dir: "a directory", dir + "/none": "is missing", "/dev/null": "not a regular file"} {
		if fault := Inspect(path).Fault; fault == nil || !strings.Contains(fault.What, what) {
			t.Errorf("%s: %+v, want %q", path, fault, what)
		}
	}
}

// What a script says behind its interpreter.
func TestScripts(t *testing.T) {
	dir := t.TempDir()
	inner := write(t, dir+"/inner", []byte("#!/bin/sh\t-e  -u \n"))
	outer := write(t, dir+"/outer", []byte("#! "+inner+" "+strings.Repeat("x", 300)))
	got := Inspect(outer)
	if got.Fault != nil || len(got.Scripts) != 2 {
		t.Fatalf("%+v", got)
	}
	if s := got.Scripts[0]; s.File != outer || s.Interpreter != inner || !s.Cut || len(s.Argument)+len(inner) != 252 {
		t.Errorf("%+v", s)
	}
	if s := got.Scripts[1]; s != (Script{inner, "/bin/sh", "-e  -u", false}) {
		t.Errorf("%+v", s)
	}
}
