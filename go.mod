module rpcd

go 1.26.0

require (
	github.com/hashicorp/go-hclog v1.6.3
	github.com/mdlayher/socket v0.8.0
	github.com/spf13/cobra v1.10.2
	golang.org/x/sys v0.49.0
)

// for tests alone
require (
	github.com/rogpeppe/go-internal v1.16.0
	go.uber.org/goleak v1.3.0
)
