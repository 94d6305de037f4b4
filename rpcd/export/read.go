package export

import (
	"errors"
	"strconv"
	"syscall"

	"rpcd/rpcd/export/internal/display"
)

// maxRuleFile is how long a rule file may be, in bytes, since every call reads it.
const maxRuleFile = 64 << 10

// readRule reads a rule file after the way to it was checked. It doesn't block, even
// if a FIFO has taken the file's place meanwhile.
func readRule(path string) (string, *Problem) {
	bad := func(what, cure string) (string, *Problem) {
		return "", &Problem{Denied, path, what, cure}
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return "", unread(path, "can't be read: ", err, "let rpcd's user read it: chmod +r "+display.ShellWord(path))
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return bad("can't be read: "+err.Error(), "repair or remove it")
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return bad("is "+typeName(st.Mode)+", not a rule file", "put a plain file in its place")
	}
	// With one byte more than the file's size, the read that finds the end fits, too.
	buf := make([]byte, min(max(st.Size, 0), maxRuleFile)+1)
	n := 0
	for n < len(buf) {
		m, err := syscall.Read(fd, buf[n:])
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return bad("can't be read: "+err.Error(), "repair or remove it")
		}
		if m == 0 {
			return string(buf[:n]), nil
		}
		n += m
	}
	if n > maxRuleFile {
		return bad("is over "+strconv.Itoa(maxRuleFile>>10)+" KiB", "shorten it")
	}
	return bad("was changed while it was read", "try again")
}
