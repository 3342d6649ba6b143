package apdu

import (
	"errors"
	"fmt"
)

// ErrTLV says that bytes are not BER-TLV as ISO/IEC 7816-4, 6.3 allows it.
var ErrTLV = errors.New("apdu: malformed BER-TLV")

// A TLV is one BER data object.
type TLV struct {
	// Tag is the tag field as it stands, of 1 to 3 bytes: 0x84, 0x7F21.
	Tag uint32
	// Value is the value field; of a constructed object, its parts encoded.
	Value []byte
}

// Bytes encodes t with the shortest length field. A tag that ParseHeader
// could not have read is a programming error and yields nil.
func (t TLV) Bytes() []byte {
	tag := tagBytes(t.Tag)
	if got, n, err := parseTag(tag); err != nil || n != len(tag) || got != t.Tag {
		return nil
	}
	b := append(make([]byte, 0, len(tag)+5+len(t.Value)), tag...)
	return append(appendLength(b, len(t.Value)), t.Value...)
}

func tagBytes(tag uint32) []byte {
	switch {
	case tag > 0xFFFFFF:
		return nil
	case tag > 0xFFFF:
		return []byte{byte(tag >> 16), byte(tag >> 8), byte(tag)}
	case tag > 0xFF:
		return []byte{byte(tag >> 8), byte(tag)}
	}
	return []byte{byte(tag)}
}

func appendLength(b []byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(b, byte(n))
	case n <= 0xFF:
		return append(b, 0x81, byte(n))
	case n <= 0xFFFF:
		return append(b, 0x82, byte(n>>8), byte(n))
	case n <= 0xFFFFFF:
		return append(b, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// ParseHeader reads the tag and the length that b begins with, n bytes together: a
// terminal learns from them how much of a file there is to read. Lengths need not be
// the shortest: cards write 82 xxxx for anything above 127. The error wraps ErrTLV.
func ParseHeader(b []byte) (tag uint32, length, n int, err error) {
	tag, n, err = parseTag(b)
	if err != nil {
		return 0, 0, 0, err
	}
	length, m, err := parseLength(b[n:])
	if err != nil {
		return 0, 0, 0, err
	}
	return tag, length, n + m, nil
}

func parseTag(b []byte) (tag uint32, n int, err error) {
	if len(b) == 0 {
		return 0, 0, fmt.Errorf("%w: no tag", ErrTLV)
	}
	// ISO/IEC 7816-4, 6.3: 00 and FF before, between and after data objects
	// are filler; a tag they are not. FF may begin a tag
	// of more bytes (FF10 of the ID card).
	if b[0] == 0x00 || (b[0] == 0xFF && (len(b) == 1 || b[1] == 0xFF || b[1] == 0x00)) {
		return 0, 0, fmt.Errorf("%w: filler where a tag should be", ErrTLV)
	}
	if b[0]&0x1F != 0x1F {
		return uint32(b[0]), 1, nil
	}
	if len(b) < 2 {
		return 0, 0, fmt.Errorf("%w: tag is cut off", ErrTLV)
	}
	if b[1] == 0x80 { // a longer form of a shorter tag would give it two encodings
		return 0, 0, fmt.Errorf("%w: tag number begins with zero", ErrTLV)
	}
	if b[1]&0x80 == 0 {
		return uint32(b[0])<<8 | uint32(b[1]), 2, nil
	}
	if len(b) < 3 || b[2]&0x80 != 0 {
		return 0, 0, fmt.Errorf("%w: tag is longer than three bytes", ErrTLV)
	}
	return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]), 3, nil
}

func parseLength(b []byte) (length, n int, err error) {
	if len(b) == 0 {
		return 0, 0, fmt.Errorf("%w: no length", ErrTLV)
	}
	if b[0] < 0x80 {
		return int(b[0]), 1, nil
	}
	n = int(b[0] & 0x7F)
	if n == 0 || n > 4 { // 80 (indefinite) is not allowed on cards
		return 0, 0, fmt.Errorf("%w: length field of %d bytes", ErrTLV, n)
	}
	if len(b) < 1+n {
		return 0, 0, fmt.Errorf("%w: length is cut off", ErrTLV)
	}
	for _, octet := range b[1 : 1+n] {
		length = length<<8 | int(octet)
	}
	if length < 0 || length > 1<<30 {
		return 0, 0, fmt.Errorf("%w: length is too large", ErrTLV)
	}
	return length, 1 + n, nil
}
