package reader

import (
	"net"
	"syscall"
)

// quickAck asks the kernel to acknowledge what arrives next at once. It is an
// optimisation: a connection that is none of TCP, or a refusal, is fine.
func quickAck(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
}
