//go:build !linux

package reader

import "net"

// quickAck has no counterpart elsewhere; commands from an old vpcd are slow.
func quickAck(net.Conn) {}
