package reader

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxFrame is the longest message in bytes: its length has 16 bits.
const maxFrame = 0xFFFF

// Messages of one byte are for the reader's half of a card, not for the chip.
const (
	powerOff byte = 0x00
	powerOn  byte = 0x01
	reset    byte = 0x02
	askATR   byte = 0x04
)

var errFrame = errors.New("reader: a message of this length does not exist")

// writeFrame sends one message in one write, so that it is one segment.
func writeFrame(w io.Writer, body []byte) error {
	if len(body) > maxFrame {
		return fmt.Errorf("%w: %d bytes", errFrame, len(body))
	}
	b := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(body)), uint16(len(body)))
	_, err := w.Write(append(b, body...))
	return err
}

// readFrame receives one message. io.EOF when the other side hung up between
// messages. received is called before each part is waited for and may be nil.
func readFrame(r io.Reader, received func()) ([]byte, error) {
	var head [2]byte
	if received != nil {
		received()
	}
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	if received != nil {
		received()
	}
	body := make([]byte, binary.BigEndian.Uint16(head[:]))
	if _, err := io.ReadFull(r, body); err != nil {
		if err == io.EOF { // hung up in the middle
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return body, nil
}
