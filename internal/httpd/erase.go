package httpd

import (
	"net"
	"net/http"

	"tegata/internal/secret"
)

// Erased is h for a door at which people type their secrets: what the answering
// of a POST leaves in memory is erased (secret.Within). Other requests carry none.
func Erased(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			h.ServeHTTP(w, r)
			return
		}
		secret.Within(func() { h.ServeHTTP(w, r) })
	})
}

// erasing is a listener on whose connections a request does not stay in the
// server's buffer after it was read.
type erasing struct{ net.Listener }

func (l erasing) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return erasingConn{c}, nil
}

// erasingConn clears the room that it is to read into. The server waits for the
// next request, or for the end, with the buffer that the last one lay in; what it
// has not taken yet is never a part of that room.
type erasingConn struct{ net.Conn }

func (c erasingConn) Read(b []byte) (int, error) {
	clear(b)
	return c.Conn.Read(b)
}
