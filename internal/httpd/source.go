package httpd

import (
	"net"
	"net/http"
)

// Source is where a request came from, as far as this server sees: the address of the
// connection. Behind a proxy that is the proxy's.
func Source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
