package reader_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"tegata/holder/reader"
)

// echo answers a command with itself and a status word; it counts power.
type echo struct{ on, off, resets int }

func (e *echo) PowerOn()    { e.on++ }
func (e *echo) PowerOff()   { e.off++ }
func (e *echo) Reset()      { e.resets++ }
func (e *echo) ATR() []byte { return []byte{0x3B, 0x00} }
func (e *echo) Transmit(b []byte) []byte {
	return append(bytes.Clone(b[:min(len(b), 1000)]), 0x90, 0x00)
}

func frame(body ...byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
}

// FuzzServe speaks to the card's side of a tap. It always ends, with power off,
// and answers each whole message as the protocol says.
func FuzzServe(f *testing.F) {
	f.Add([]byte{})
	f.Add(bytes.Join([][]byte{frame(1), frame(4), frame(0, 0xA4, 4, 0), frame(2), frame(4), frame(0)}, nil))
	f.Add(frame())
	f.Add(frame(3))
	f.Add([]byte{0xFF, 0xFF, 1, 2})
	f.Add(append(frame(4), 0))
	f.Fuzz(func(t *testing.T, stream []byte) {
		ours, theirs := net.Pipe()
		token := &echo{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = reader.Serve(t.Context(), theirs, token) // how it ends is the stream's matter
		}()
		go func() {
			ours.Write(stream) // fails when the card hangs up first
			time.AfterFunc(20*time.Millisecond, func() { ours.Close() })
		}()
		ours.SetReadDeadline(time.Now().Add(2 * time.Second))
		answers := 0
		for {
			var head [2]byte
			if _, err := io.ReadFull(ours, head[:]); err != nil {
				break
			}
			if _, err := io.CopyN(io.Discard, ours, int64(binary.BigEndian.Uint16(head[:]))); err != nil {
				break
			}
			answers++
		}
		<-done
		if token.off == 0 {
			t.Error("the card was left under power")
		}
		if want := questions(stream); answers > want {
			t.Errorf("%d answers to %d questions", answers, want)
		}
	})
}

// questions counts the whole messages of stream that have an answer, up to where
// the protocol is broken.
func questions(stream []byte) (n int) {
	for len(stream) >= 2 {
		size := int(binary.BigEndian.Uint16(stream))
		if size == 0 || len(stream) < 2+size {
			return n
		}
		if size > 1 || stream[2] == 4 || stream[2] == 3 || stream[2] > 4 {
			n++
		}
		stream = stream[2+size:]
	}
	return n
}

// FuzzTap speaks to the terminal's side as a card. Whatever it says, the tap
// gives an answer of at least a status word or is over.
func FuzzTap(f *testing.F) {
	f.Add(append(frame(0x3B, 0), frame(0x90, 0)...))
	f.Add(append(frame(0x3B, 0), frame(0x90)...))
	f.Add(append(frame(0x3B, 0), 0xFF, 0xFF, 1))
	f.Add(frame(0x3B, 0))
	f.Add([]byte{0, 0})
	r, err := reader.Listen("127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { r.Close() })
	f.Fuzz(func(t *testing.T, stream []byte) {
		conn, err := net.Dial("tcp", r.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			conn.Write(stream)
			conn.(*net.TCPConn).CloseWrite()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		tap, err := r.Wait(ctx)
		if err != nil {
			return
		}
		defer tap.Close()
		if answer, err := tap.Transmit(ctx, []byte{0, 0x84, 0, 0, 8}); err == nil && len(answer) < 2 {
			t.Errorf("an answer of %d bytes", len(answer))
		}
	})
}
