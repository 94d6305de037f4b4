// Package client calls procedures of workers: it is to rpcd what os/exec is to
// the local machine.
//
//	out, err := client.Command("hugin", "pto_gen", "a.jpg").Output()
//
// A Cmd has os/exec's fields and methods, and they mean the same. What differs:
//
//   - Start returns when the worker says that the process runs, or why it
//     doesn't. Start waits in the worker's queue. With Options.RetryFor it also
//     waits for a worker to come up.
//   - Args doesn't hold the procedure's name. Env holds the variables that cross,
//     besides the worker's own; nil is none, and the worker must admit each. Dir is
//     a directory of the worker. "" is the caller's own, which must be the same
//     one there (by device and inode). A relative one leads where chdir(2) would. The
//     procedure's PWD is the caller's where that names the same directory there.
//   - An *os.File is passed: its descriptor travels. Anything else is piped, as in
//     os/exec. A terminal is never passed, Options.Pass can forbid more, and
//     through a bridge nothing is passed. What isn't passed is relayed as bytes. Of
//     ExtraFiles those can be that are open for reading or for writing alone, stream
//     sockets, and terminals (written). Their numbers go up to 252.
//   - There is no Process. Signal, Kill, Stopped and Continued are methods of Cmd,
//     and signals reach the whole process group. When the caller's process ends,
//     the worker ends the call: TERM, CONT, its grace, KILL.
//   - Errors that come from rpc and not from the procedure are *Error. errors.Is
//     tells them apart by the outcomes (ErrBusy, ErrLost, ...), and Retryable says
//     whether another try makes sense.
//   - ProcessState.Reason says who or what ended a procedure that didn't end by
//     itself: a time limit, the worker's end, rpc kill, a lack of memory.
//   - Options.Connections lets many calls share few connections. A Conn is one to
//     a replica that is chosen once.
//   - SysProcAttr, Path, Err and LookPath have no counterpart.
//
// Ping, List, Calls and Kill ask workers without a call. Package client/batch makes a
// call of each record of a stream, over all replicas.
package client
