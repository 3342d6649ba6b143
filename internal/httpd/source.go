package httpd

import (
	"net/http"
	"net/netip"
)

// Source is where a request came from, as far as this server sees, for limits on what
// one source may do: the address of the connection. Behind a proxy that is the proxy's.
// Of an IPv6 address it is the network of 64 bits, because whoever has one address of
// it has them all, and would never come to the end of a limit.
func Source(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	at := from.Addr().Unmap()
	if at.Is4() {
		return at.String()
	}
	return netip.PrefixFrom(at.WithZone(""), 64).Masked().String()
}
