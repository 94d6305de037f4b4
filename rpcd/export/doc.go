// Package export is the access policy: which procedures there are, who may
// call them, and with which variables. It reads files and decides; it opens no
// socket, starts no process and keeps nothing between two calls.
//
// An exports directory is believed only when nobody but root and rpcd's user
// could have written it. At the start and at every look-up the way from / to
// the program is walked, link by link: each directory, each symlink, the entry,
// its target and its rule files must belong to root or rpcd and be writable by
// nobody else. (Rpcd's own group may write, so that a clone under umask 002
// works. A sticky directory on the way may be written by all: its entries can
// only be moved by their owners. On a read-only mount a foreign owner passes,
// with one warning at Open, unless mounts may be rpcd's own: Owner.OwnMounts.)
// A symlink is the operator's grant and is followed.
//
// Between the look-up and the exec the program may be swapped, for the path is
// resolved a second time by the kernel. The checks say by whom: only by root
// and rpcd's user (and its group), who write the policy anyway. A directory
// found safe can't be changed by others while the next step is looked at, so
// the walk needs no lock and holds no descriptor. Links inside procfs are
// refused: they lead where their text doesn't say.
//
// What can't be read or understood denies: a bad line in a rule file, or a file
// that is no rule (a misspelt "alow" would otherwise let everybody in), refuses
// the whole procedure, and says which file and what to do.
package export
