package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/internal/pkitest"
)

// inside runs body in a network of its own, with nothing but a loopback, where
// tcpdump sees every port and nobody else's traffic.
func inside(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	const marker = "TEGATA_TEST_INSIDE"
	if os.Getenv(marker) == t.Name() {
		if out, err := exec.Command(pkitest.Tool(t, "ip"), "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		body(t)
		return
	}
	for _, tool := range []string{"unshare", "ip", "tcpdump", "gcore"} {
		pkitest.Tool(t, tool)
	}
	args := []string{"-n", os.Args[0], "-test.run=^" + t.Name() + "$", "-test.v", "-test.timeout=10m"}
	if os.Getuid() != 0 {
		args = append([]string{"-r"}, args...) // a user namespace, where it is allowed
	}
	cmd := exec.CommandContext(t.Context(), "unshare", args...)
	cmd.Env = append(os.Environ(), marker+"="+t.Name())
	out, err := cmd.CombinedOutput()
	t.Logf("inside:\n%s", out)
	if err != nil {
		t.Error(err)
	}
}

// capture is what tcpdump wrote of the loopback.
type capture struct {
	cmd  *exec.Cmd
	file string
	said lines
}

// startCapture returns once tcpdump listens.
func startCapture(t *testing.T) *capture {
	t.Helper()
	c := &capture{file: filepath.Join(t.TempDir(), "lo.pcap")}
	out, err := os.Create(c.file)
	if err != nil {
		t.Fatal(err)
	}
	// Whole packets, handed over at once, and room for what comes in a burst.
	c.cmd = exec.Command(pkitest.Tool(t, "tcpdump"), "-i", "lo", "-s", "0", "-U", "-B", "65536", "-w", "-", "tcp or udp")
	c.cmd.Stdout = out
	c.cmd.Stderr = &c.said
	if err := errors.Join(c.cmd.Start(), out.Close()); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if strings.Contains(c.said.String(), "listening on") {
			return c
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("tcpdump does not listen: %s", c.said.String())
	return nil
}

// stop ends tcpdump and reads what it has. It fails when a packet was dropped: a
// search in a part proves nothing.
func (c *capture) stop(t *testing.T) []stream {
	t.Helper()
	time.Sleep(300 * time.Millisecond) // what is on its way
	c.cmd.Process.Signal(os.Interrupt)
	if err := c.cmd.Wait(); err != nil {
		t.Fatalf("tcpdump: %v: %s", err, c.said.String())
	}
	if !strings.Contains(c.said.String(), "\n0 packets dropped by kernel") {
		t.Fatalf("tcpdump: %s", c.said.String())
	}
	text, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	streams, err := streamsOf(text)
	if err != nil {
		t.Fatal(err)
	}
	return streams
}

// stream is one direction of one TCP connection, or all datagrams of one pair of
// UDP ports.
type stream struct {
	from, to uint16 // ports
	content  []byte
}

// streamsOf puts a capture file together (pcap, microseconds, Ethernet).
func streamsOf(b []byte) ([]stream, error) {
	if len(b) < 24 || binary.LittleEndian.Uint32(b) != 0xa1b2c3d4 || binary.LittleEndian.Uint32(b[20:]) != 1 {
		return nil, errors.New("not a capture of Ethernet frames")
	}
	type key struct {
		from, to uint16
		syn      uint32 // of the connection: ports are used again
	}
	begun := map[[2]uint16]uint32{}
	all := map[key]*stream{}
	var order []key
	for b = b[24:]; len(b) >= 16; {
		size := int(binary.LittleEndian.Uint32(b[8:]))
		if size != int(binary.LittleEndian.Uint32(b[12:])) || len(b) < 16+size {
			return nil, errors.New("a packet was cut off")
		}
		p, err := parsePacket(b[16 : 16+size])
		if err != nil {
			return nil, err
		}
		b = b[16+size:]
		if p.syn {
			begun[[2]uint16{p.from, p.to}] = p.seq + 1
		}
		k := key{p.from, p.to, begun[[2]uint16{p.from, p.to}]}
		s := all[k]
		if s == nil {
			s = &stream{from: p.from, to: p.to}
			all[k], order = s, append(order, k)
		}
		if len(p.data) == 0 {
			continue
		}
		at := len(s.content) // a datagram goes behind the last
		if p.tcp {
			at = int(p.seq - k.syn)
		}
		if at < 0 || at > 64<<20 {
			return nil, fmt.Errorf("a segment of %d to %d lies outside its stream", p.from, p.to)
		}
		if grow := at + len(p.data) - len(s.content); grow > 0 {
			s.content = append(s.content, make([]byte, grow)...)
		}
		copy(s.content[at:], p.data)
	}
	var streams []stream
	for _, k := range order {
		streams = append(streams, *all[k])
	}
	return streams, nil
}

type packet struct {
	tcp      bool
	from, to uint16
	seq      uint32
	syn      bool
	data     []byte
}

// parsePacket reads an Ethernet frame with IPv4 or IPv6 and TCP or UDP.
func parsePacket(b []byte) (p packet, err error) {
	short := errors.New("a packet is too short")
	if len(b) < 14+40 && (len(b) < 14+20 || b[12] != 0x08) {
		return p, short
	}
	protocol := byte(0)
	switch b = b[12:]; {
	case bytes.HasPrefix(b, []byte{0x08, 0x00}):
		length, header := int(binary.BigEndian.Uint16(b[4:])), int(b[2]&0x0f)*4
		if len(b) < 2+length || header > length {
			return p, short
		}
		protocol, b = b[2+9], b[2+header:2+length]
	case bytes.HasPrefix(b, []byte{0x86, 0xdd}):
		protocol, b = b[2+6], b[2+40:]
	default:
		return p, errors.New("a frame is neither IPv4 nor IPv6")
	}
	if len(b) < 8 || protocol == 6 && len(b) < 20 {
		return p, short
	}
	p.from, p.to = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	switch protocol {
	case 6:
		p.tcp, p.seq, p.syn = true, binary.BigEndian.Uint32(b[4:]), b[13]&0x02 != 0
		offset := int(b[12]>>4) * 4
		if offset > len(b) {
			return p, short
		}
		p.data = b[offset:]
	case 17:
		p.data = b[8:]
	default:
		return p, fmt.Errorf("protocol %d", protocol)
	}
	return p, nil
}
