// Package client calls procedures of workers: it is to rpcd what os/exec is to
// the local machine.
//
//	out, err := client.Command("hugin", "pto_gen", "a.jpg").Output()
//
// A Cmd has os/exec's fields and methods and they mean the same. What differs:
//
//   - Start returns when the worker says that the process runs, or why not; it
//     waits in the worker's queue, and for a worker to come up if Options.Patience
//     says so.
//   - Args doesn't hold the procedure's name. Env holds what crosses besides
//     the worker's own environment; nil is nothing, and the worker must admit
//     each. Dir is a directory of the worker; "" is the caller's own, which
//     must be the same one there (by device and inode).
//   - An *os.File is passed (its descriptor travels), anything else is piped,
//     as in os/exec; but a terminal is never passed, Options.Pass can narrow it
//     further, and through a bridge nothing is passed: what isn't, is relayed
//     as bytes. ExtraFiles can only be passed.
//   - There is no Process: Signal, Kill, Stopped and Continued are methods of
//     Cmd, and signals reach the whole process group. When the caller's process
//     ends, the call ends: TERM, CONT, the worker's grace, KILL.
//   - Errors that come from rpc and not from the procedure are *Error; errors.Is
//     tells them apart by the sentinel errors (ErrBusy, ErrLost, ...).
//   - SysProcAttr, Path, Err and LookPath have no counterpart.
package client
