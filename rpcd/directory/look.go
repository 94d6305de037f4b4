package directory

import (
	"errors"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child"
	"rpcd/rpcd/wire"
)

// Look answers a caller that asks where its calls would start, and what they may
// do there. It finds that out as Open does, and the rights are the kernel's word.
func (c Choice) Look() (wire.Sameness, wire.Inside) {
	if c.Caller.Name == "" {
		return wire.DirNotAsked, wire.Inside{}
	}
	p, err := c.open()
	if err != nil {
		return c.whyNot(err)
	}
	defer p.Close()
	in := inside(p.FD, c.As)
	switch {
	case p.Name != c.Caller.Name:
		return wire.DirWorkdir, in
	case in.Rights&wire.MayEnter == 0: // for rpcd's own user only the start says so
		return wire.DirNoEntry, in
	}
	return wire.DirSame, in
}

// whyNot is Look where open gave an error.
func (c Choice) whyNot(err error) (wire.Sameness, wire.Inside) {
	var workdir *WorkdirError
	switch {
	case isShortage(err):
		return wire.DirNotAsked, wire.Inside{}
	case errors.As(err, &workdir):
		return wire.DirWorkdir, wire.Inside{}
	case errors.Is(err, ErrOther):
		return wire.DirOther, wire.Inside{}
	case !errors.Is(err, unix.EACCES):
		return wire.DirMissing, wire.Inside{}
	}
	fd, err := child.FindDir(c.Caller.Name, c.As)
	if err != nil { // it is a folder on the way that can't be passed
		return wire.DirNoEntry, wire.Inside{}
	}
	defer unix.Close(fd)
	return wire.DirNoEntry, inside(fd, c.As)
}

// inside says what a user may do in a directory, and whose it is.
func inside(fd int, as *child.Credential) (in wire.Inside) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil {
		in.UID, in.GID, in.Mode = st.Uid, st.Gid, st.Mode
	}
	for bit, wanted := range map[uint8]uint32{wire.MayRead: unix.R_OK, wire.MayWrite: unix.W_OK, wire.MayEnter: unix.X_OK} {
		err := as.Access(fd, wanted)
		if err == nil {
			in.Rights |= bit
		}
		if errors.Is(err, unix.EROFS) {
			in.Rights |= wire.ReadOnly
		}
	}
	return in
}
