// Package resident is for programs that serve a procedure as resident workers
// (PROTOCOL.md, section 7): they load once what they need, and then take one call
// after the other. The daemon's side is rpcd/resident/pool. The package starts no
// process, and serves one call at a time.
//
//	func main() {
//		model := load()
//		log.Fatal(resident.Serve(resident.HandlerFunc(func(call *resident.Call) int {
//			return model.detect(call.Stdin, call.Stdout, call.Args[1:])
//		})))
//	}
package resident
