package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"tegata/internal/httpd"
)

// errLoad is a server that did not answer a request of the bench with 200.
var errLoad = errors.New("bench: the server did not answer as it should")

// benchCallers are connections to one server on the loopback, one a worker. They send
// requests made beforehand and read answers with as little work as possible, so
// that what is measured is the server.
type benchCallers struct {
	addr string
	keep bool // one connection for all requests of a worker
	open []*benchCaller
}

type benchCaller struct {
	conn net.Conn
	in   *bufio.Reader
}

func newCallers(addr string, workers int, keep bool) *benchCallers {
	return &benchCallers{addr: addr, keep: keep, open: make([]*benchCaller, workers)}
}

// ask sends a worker's request and returns the body of the answer, which is valid
// until the worker asks again.
func (l *benchCallers) ask(worker int, request []byte) ([]byte, error) {
	c := l.open[worker]
	if c == nil {
		conn, err := net.DialTimeout("tcp", l.addr, 5*time.Second)
		if err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
		c = &benchCaller{conn, bufio.NewReaderSize(conn, 32<<10)}
		l.open[worker] = c
	}
	if err := c.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if _, err := c.conn.Write(request); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	body, err := c.answer()
	if err == nil && !l.keep {
		err = c.conn.Close()
		l.open[worker] = nil
	}
	return body, err
}

// answer reads one HTTP/1 answer with a Content-Length, or up to the end.
func (c *benchCaller) answer() ([]byte, error) {
	status, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if len(status) < 12 || string(status[8:12]) != " 200" {
		return nil, fmt.Errorf("%w: %.60q", errLoad, status)
	}
	length := -1
	for {
		header, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
		header = bytes.TrimRight(header, "\r\n")
		if len(header) == 0 {
			break
		}
		if name, value, ok := bytes.Cut(header, []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, errLoad
			}
		}
	}
	if length < 0 {
		return io.ReadAll(c.in)
	}
	body, err := c.in.Peek(length) // answers here are shorter than the buffer
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	_, err = c.in.Discard(length)
	return body, err
}

func (l *benchCallers) close() {
	for _, c := range l.open {
		if c != nil {
			c.conn.Close()
		}
	}
}

// serveLocal serves h on a free port of the loopback until stop is called. build
// makes it of the address.
func serveLocal(ctx context.Context, name string, build func(addr string) http.Handler) (addr string, stop func() error, err error) {
	l, err := httpd.Listen(ctx, name, "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	addr = l.Addr().String()
	go func() { ended <- httpd.Serve(ctx, httpd.Listener{Name: name, L: l, Handler: build(addr)}) }()
	return addr, func() error { cancel(); return <-ended }, nil
}

// httpRequest is a request as bytes.
func httpRequest(method, addr, path, mediaType string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, addr)
	if body != nil {
		fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Length: %d\r\n", mediaType, len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}
