package program

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// machine is what a kernel executes.
type machine struct {
	name       string      // as uname(2) has it
	processors []processor // whose programs it runs; none: unknown
	formats    string      // the folder of binfmt_misc
}

// processor is a kind of ELF files. The kernel goes by the number, and takes the
// rest for granted: it doesn't look at class and byte order in the ELF header.
type processor struct {
	number elf.Machine
	order  binary.ByteOrder
	layout
}

var (
	x86    = processor{elf.EM_386, binary.LittleEndian, bits32}
	x86_64 = processor{elf.EM_X86_64, binary.LittleEndian, bits64}
	arm    = processor{elf.EM_ARM, binary.LittleEndian, bits32}
	arm64  = processor{elf.EM_AARCH64, binary.LittleEndian, bits64}
)

// native are the processors by uname(2)'s names, the main one first. What a kernel
// may run or not, as 32-bit programs on arm64, counts as run.
var native = map[string][]processor{
	"x86_64":  {x86_64},
	"i386":    {x86},
	"i486":    {x86},
	"i586":    {x86},
	"i686":    {x86},
	"aarch64": {arm64, arm},
	"armv6l":  {arm},
	"armv7l":  {arm},
	"armv8l":  {arm, arm64},
	"ppc64le": {{elf.EM_PPC64, binary.LittleEndian, bits64}},
	"riscv64": {{elf.EM_RISCV, binary.LittleEndian, bits64}},
	"s390x":   {{elf.EM_S390, binary.BigEndian, bits64}},
}

// compat is there on a kernel for x86-64 that was built to run 32-bit programs
// (arch/x86/entry/vdso/vdso32-setup.c).
const compat = "/proc/sys/abi/vsyscall32"

// thisMachine asks the kernel. personality(2) can make it give the name of a
// 32-bit machine, so rpcd's own kind always counts as run.
func thisMachine() machine {
	m := machine{formats: "/proc/sys/fs/binfmt_misc"}
	var u syscall.Utsname
	if syscall.Uname(&u) != nil {
		return m
	}
	for _, c := range u.Machine {
		if c == 0 {
			break
		}
		m.name += string(rune(byte(c)))
	}
	m.processors = append(m.processors, native[m.name]...)
	if len(m.processors) == 0 {
		return m
	}
	if _, err := os.Stat(compat); err == nil || runtime.GOARCH == "386" {
		m.processors = append(m.processors, x86)
	}
	if runtime.GOARCH == "amd64" {
		m.processors = append(m.processors, x86_64)
	}
	return m
}

// processor gives the one that an ELF header names, or nil.
func (m machine) processor(head []byte) *processor {
	for _, p := range m.processors {
		if elf.Machine(p.order.Uint16(head[18:])) == p.number {
			return &p
		}
	}
	return nil
}

// foreign says for which processor a file is that isn't for this machine. Of a
// machine that isn't known nothing is said.
func (m machine) foreign(head []byte) *Fault {
	if len(m.processors) == 0 {
		return nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	number := order.Uint16(head[18:])
	name, known := strings.CutPrefix(elf.Machine(number).String(), "EM_")
	if !known || strings.Contains(name, "+") { // the number before it, and the distance
		name = fmt.Sprintf("number %d", number)
	}
	return &Fault{What: fmt.Sprintf("is for another processor, %s, and this is %s", strings.ToLower(name), m.name), Cure: foreignCure}
}
