package program

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Foreign programs, on machines that aren't this one.
func TestForeign(t *testing.T) {
	sparc := processor{elf.EM_SPARC, binary.BigEndian, bits32}
	both := machine{name: "x86_64", processors: []processor{x86_64, x86}}
	x32 := image(processor{elf.EM_X86_64, binary.LittleEndian, bits32}, 2, "", whole)
	for _, tt := range []struct {
		m    machine
		text []byte
		what string // "": no fault
	}{
		{both, image(x86_64, 2, "", whole), ""},
		{both, image(x86, 2, "", whole), ""},
		{both, image(sparc, 2, "", whole), "another processor, sparc, and this is x86_64"},
		{both, image(arm64, 2, "", whole), "another processor, aarch64"},
		{both, x32, "32-bit program"},
		{machine{name: "x86_64", processors: []processor{x86_64}}, image(x86, 2, "", whole), "another processor, 386"},
		{machine{name: "aarch64", processors: native["aarch64"]}, image(arm, 2, "", whole), ""},
		{machine{name: "aarch64", processors: native["aarch64"]}, image(x86_64, 2, "", whole), "another processor, x86_64, and this is aarch64"},
		{machine{name: "s390x", processors: native["s390x"]}, image(native["s390x"][0], 2, "", whole), ""},
		{machine{name: "vax"}, image(sparc, 2, "", whole), ""},
	} {
		path := write(t, filepath.Join(t.TempDir(), "x"), tt.text)
		fault := tt.m.inspect(path).Fault
		if (fault == nil) != (tt.what == "") || fault != nil && !strings.Contains(fault.What, tt.what) {
			t.Errorf("%s: %+v, want %q", tt.m.name, fault, tt.what)
		}
	}
	// A loader for the other of a machine's processors doesn't fit.
	loader := write(t, filepath.Join(t.TempDir(), "loader"), image(x86, 3, "", whole))
	path := write(t, filepath.Join(t.TempDir(), "x"), image(x86_64, 2, loader+"\x00", segment{interp, 0, 0}, whole))
	if fault := both.inspect(path).Fault; fault == nil || !strings.Contains(fault.What, "another processor, 386") {
		t.Errorf("%+v", fault)
	}
}

// What binfmt_misc shows may run, if its interpreter can.
func TestFormats(t *testing.T) {
	dir, here := t.TempDir(), t.TempDir()
	format := func(name, text string) { // what the kernel writes
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	format("status", "enabled\n")
	format("register", "")
	format("qemu-sparc", "enabled\ninterpreter /bin/sh\nflags: OC\noffset 0\nmagic 7f454c4601020100000000000000000000020002\nmask fffffffffffffe00fffffffffffffffffffeffff\n")
	format("wine", "enabled\ninterpreter /none/wine\nflags: \noffset 0\nmagic 4d5a\n")
	format("java", "enabled\ninterpreter /none/java\nflags: F\noffset 0\nmagic cafebabe\n")
	format("python", "enabled\ninterpreter /bin/sh\nflags: \nextension .pyc\n")
	format("off", "disabled\ninterpreter /bin/sh\nflags: \noffset 0\nmagic 6f6666\n")
	format("odd", "enabled\ninterpreter /bin/sh\nflags: \noffset -5\nmagic 6f6464\n")
	format("far", "enabled\ninterpreter /bin/sh\nflags: \noffset 254\nmagic 6f6464\n")
	format("uneven", "enabled\ninterpreter /bin/sh\nflags: \noffset 0\nmagic 6f6464\nmask ff\n")
	m := machine{name: "x86_64", processors: []processor{x86_64}, formats: dir}
	for _, tt := range []struct{ name, text, what string }{
		{"sparc", string(image(processor{elf.EM_SPARC, binary.BigEndian, bits32}, 2, "", whole)), ""},
		{"arm", string(image(arm64, 2, "", whole)), "another processor"},
		{"a.exe", "MZ\x00", `its emulator "/none/wine" is missing`},
		{"a.class", "\xca\xfe\xba\xbe\x00", ""},
		{"a.pyc", "\x00", ""},
		{"a.py", "\x00", "neither"},
		{"a", "off\x00", "neither"},
		{"b", "odd\x00", "neither"},
	} {
		path := write(t, filepath.Join(here, tt.name), []byte(tt.text))
		fault := m.inspect(path).Fault
		if (fault == nil) != (tt.what == "") || fault != nil && !strings.Contains(fault.What, tt.what) {
			t.Errorf("%s: %+v, want %q", tt.name, fault, tt.what)
		}
	}
}
