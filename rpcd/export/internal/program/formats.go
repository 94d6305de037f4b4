package program

import (
	"bytes"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rpcd/rpcd/export/internal/display"
)

const (
	maxFormats = 1000    // of binfmt_misc that are looked at
	maxFormat  = 4 << 10 // bytes of a format's description
)

// format is a kind of files that an operator has registered with binfmt_misc
// (Documentation/admin-guide/binfmt-misc.rst in the kernel's tree).
type format struct {
	interpreter string
	fixed       bool // the flag F: the interpreter was opened when it was registered
	extension   string
	magic, mask []byte
	offset      int
}

// registered says whether a file is of a format that binfmt_misc shows, which comes
// before all others, and why that can't be run all the same. Where the folder isn't
// mounted, as in most containers, it shows nothing.
func (m machine) registered(path string, head []byte) (known bool, _ *Fault) {
	folder, err := os.Open(m.formats)
	if err != nil {
		return false, nil
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(maxFormats)
	for _, name := range names {
		if name == "register" || name == "status" {
			continue
		}
		f := readFormat(filepath.Join(m.formats, name))
		if f == nil || !f.matches(path, head) {
			continue
		}
		if fault := accessible(f.interpreter); fault != nil && !f.fixed {
			return true, &Fault{What: "can't start: its emulator " + display.Quote(f.interpreter) + " " + fault.What, Cure: "install that"}
		}
		return true, nil
	}
	return false, nil
}

// readFormat reads a description. nil: it is switched off, or isn't understood.
func readFormat(path string) *format {
	file, err := open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFormat))
	if err != nil || !bytes.HasPrefix(text, []byte("enabled\n")) {
		return nil
	}
	f := &format{}
	for line := range strings.Lines(string(text)) {
		word, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch word {
		case "interpreter":
			f.interpreter = value
		case "flags:":
			f.fixed = strings.Contains(value, "F")
		case "extension":
			f.extension = value
		case "offset":
			f.offset, err = strconv.Atoi(value)
		case "magic":
			f.magic, err = hex.DecodeString(value)
		case "mask":
			f.mask, err = hex.DecodeString(value)
		}
		if err != nil {
			return nil
		}
	}
	return f
}

// matches says whether a file is of the format. head has headSize bytes, zeros
// behind the file's end.
func (f *format) matches(path string, head []byte) bool {
	if f.extension != "" {
		return filepath.Ext(path) == f.extension
	}
	if len(f.magic) == 0 || f.offset < 0 || f.offset > len(head)-len(f.magic) || len(f.mask) > 0 && len(f.mask) != len(f.magic) {
		return false
	}
	for i, want := range f.magic {
		is := head[f.offset+i]
		if len(f.mask) > 0 {
			is, want = is&f.mask[i], want&f.mask[i]
		}
		if is != want {
			return false
		}
	}
	return true
}
