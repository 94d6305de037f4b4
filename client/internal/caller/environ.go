package caller

import (
	"os"
	"strings"
)

// Environ gives a call's variables as NAME=VALUE. A bare NAME has our own value,
// and is left out when we don't have it.
func Environ(env []string) []string {
	var out []string
	for _, e := range env {
		if strings.IndexByte(e, '=') < 0 {
			v, ok := os.LookupEnv(e)
			if !ok {
				continue
			}
			e += "=" + v
		}
		out = append(out, e)
	}
	return out
}
