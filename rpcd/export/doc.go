// Package export is the access policy: which procedures there are, who may call
// them, and with which variables. It reads files and decides. It opens no socket,
// starts no process and keeps nothing between two calls.
//
// An exports directory is trusted only if nobody but root and rpcd's user could
// have written it. At the start, and at every look-up, the way from / to the
// program is walked, link by link. Each directory, each symlink, the entry, its
// target and its rule files must belong to root or rpcd and be writable by nobody
// else. The exceptions:
//   - rpcd's own group may write, so that a git clone under umask 002 works.
//   - Everybody may write a sticky directory on the way, since only the owners of
//     its entries can move them.
//   - On a read-only mount a foreign owner passes, with one warning at Open. This
//     doesn't hold where rpcd may have mounts of its own: see Owner.OwnMounts.
//   - A symlink is the operator's grant, so it is followed wherever it leads.
//     Links inside procfs are refused, since they lead where their text doesn't say.
//
// Between the look-up and the execve(2) the kernel resolves the path a second time.
// Only root, rpcd's user and its group could swap the program meanwhile, and they
// write the policy anyway. Nobody else can change a directory that was found safe,
// so the walk needs no lock and holds no descriptor.
//
// What can't be read or understood denies. A bad line in a rule file refuses the
// whole procedure, and so does a file that is no rule: a misspelt "alow" would
// otherwise let everybody in. The refusal says which file it is and what to do.
package export
