package apdu

import (
	"errors"
	"fmt"
	"io"
)

// MaxShortData is the longest data field of a short command, in bytes.
const MaxShortData = 255

// NoLe is Command.Le when the terminal expects no response data.
const NoLe = -1

// ErrLength says that the bytes are no command of any of the seven cases of
// ISO/IEC 7816-4, 5.1. A card answers 6700 to it.
var ErrLength = errors.New("apdu: lengths of the command do not agree")

// A Command is a command APDU.
type Command struct {
	CLA, INS, P1, P2 byte
	// Data is the command data field, at most 65535 bytes; empty when absent.
	Data []byte
	// Le is how many bytes the terminal expects at most: NoLe, or 1 to 256
	// (short) or 1 to 65536 (extended).
	Le int
	// Extended says that the length fields are in extended form. Bytes uses
	// that form anyway when the lengths need it.
	Extended bool
}

// ParseCommand reads a command APDU. The Data of the result aliases b. It
// returns ErrLength, and nothing else, when b is not a command; it never
// repeats b, which may hold a secret.
func ParseCommand(b []byte) (Command, error) {
	if len(b) < 4 {
		return Command{}, ErrLength
	}
	c := Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3], Le: NoLe}
	body := b[4:]
	switch {
	case len(body) == 0: // case 1
		return c, nil
	case len(body) == 1: // case 2 short
		c.Le = shortLe(body[0])
		return c, nil
	case body[0] != 0: // cases 3 and 4 short
		lc := int(body[0])
		switch len(body) {
		case 1 + lc:
		case 1 + lc + 1:
			c.Le = shortLe(body[1+lc])
		default:
			return Command{}, ErrLength
		}
		c.Data = body[1 : 1+lc : 1+lc]
		return c, nil
	}
	// ISO/IEC 7816-4, 5.1: a first length byte of 00 with more to follow
	// announces the extended form.
	c.Extended = true
	switch {
	case len(body) < 3:
		return Command{}, ErrLength
	case len(body) == 3: // case 2 extended
		c.Le = extendedLe(body[1], body[2])
		return c, nil
	}
	lc := int(body[1])<<8 | int(body[2])
	switch len(body) {
	case 3 + lc:
	case 3 + lc + 2:
		c.Le = extendedLe(body[3+lc], body[3+lc+1])
	default:
		return Command{}, ErrLength
	}
	if lc == 0 { // an Lc of zero is not a length of anything
		return Command{}, ErrLength
	}
	c.Data = body[3 : 3+lc : 3+lc]
	return c, nil
}

func shortLe(b byte) int {
	if b == 0 {
		return 256
	}
	return int(b)
}

func extendedLe(hi, lo byte) int {
	if hi == 0 && lo == 0 {
		return 65536
	}
	return int(hi)<<8 | int(lo)
}

// Bytes encodes c. It uses the short form unless c.Extended is set or a length
// does not fit it. Data beyond 65535 bytes and Le beyond 65536 are programming
// errors and yield nil.
func (c Command) Bytes() []byte {
	if len(c.Data) > 0xFFFF || c.Le > 0x10000 || c.Le < NoLe || c.Le == 0 {
		return nil
	}
	b := append(make([]byte, 0, 4+3+len(c.Data)+2), c.CLA, c.INS, c.P1, c.P2)
	extended := c.Extended || len(c.Data) > MaxShortData || c.Le > 256
	if !extended {
		if len(c.Data) > 0 {
			b = append(append(b, byte(len(c.Data))), c.Data...)
		}
		if c.Le != NoLe {
			b = append(b, byte(c.Le)) // 256 is written 00
		}
		return b
	}
	if len(c.Data) == 0 {
		if c.Le == NoLe {
			return b // case 1 has no extended form
		}
		return append(b, 0, byte(c.Le>>8), byte(c.Le))
	}
	b = append(b, 0, byte(len(c.Data)>>8), byte(len(c.Data)))
	b = append(b, c.Data...)
	if c.Le != NoLe {
		b = append(b, byte(c.Le>>8), byte(c.Le)) // 65536 is written 0000
	}
	return b
}

// CarriesSecret reports whether the data field may hold a PIN or a password:
// VERIFY, CHANGE REFERENCE DATA and CHANGE KEY, under any class byte.
func (c Command) CarriesSecret() bool {
	switch c.INS {
	case InsVerify, InsChangeReference, InsResetRetry, InsChangeKey:
		return len(c.Data) > 0
	}
	return false
}

// String is the header, the length of the data, and the data unless it may be
// a secret.
func (c Command) String() string {
	s := fmt.Sprintf("%02X %02X %02X %02X", c.CLA, c.INS, c.P1, c.P2)
	switch {
	case c.CarriesSecret():
		s += " [secret]" // not even its length
	case len(c.Data) > 0:
		s += fmt.Sprintf(" Lc=%d %X", len(c.Data), c.Data)
	}
	if c.Le != NoLe {
		s += fmt.Sprintf(" Le=%d", c.Le)
	}
	return s
}

// Format prints String whatever the verb, so that no %x shows a secret.
func (c Command) Format(s fmt.State, _ rune) { io.WriteString(s, c.String()) }
