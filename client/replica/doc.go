// Package replica finds the replicas of a worker, asks them, chooses one for a
// call and keeps connections to them. It makes no calls: that is package
// client's. Many calls over all replicas (`rpc map`) are client/batch's.
//
// A worker is a name in the workers' folder or a path; its replicas are its
// sockets, one or several. Errors are *Error, in words for people.
package replica
