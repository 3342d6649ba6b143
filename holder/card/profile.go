package card

import (
	"encoding/binary"
	"fmt"
	"strings"

	"tegata/holder/apdu"
	"tegata/internal/pki"
)

// Profile says which of the two tokens with a JPKI application this is.
type Profile string

// The profiles.
const (
	ProfileCard  Profile = "card"  // the plastic card, contact interface
	ProfilePhone Profile = "phone" // the element of a phone, behind its antenna
)

// atr is what the token answers to a reset.
func (p Profile) atr() []byte {
	if p == ProfilePhone {
		// ISO 14443-4 Type A with the historical bytes of a phone: the reader
		// composes it (PC/SC part 3, 3.1.3.2.3).
		return []byte{0x3B, 0x80, 0x80, 0x01, 0x01}
	}
	// Contact, T=1, no historical bytes: the one that OpenSC 0.23 knows.
	return []byte{0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14}
}

func (p Profile) label() string {
	if p == ProfilePhone {
		return apdu.LabelPhone
	}
	return apdu.LabelCard
}

// kinds returns the authentication and the signature kind of this token's
// certificates.
func (p Profile) kinds() (auth, sign pki.Kind) {
	if p == ProfilePhone {
		return pki.PhoneAuth, pki.PhoneSign
	}
	return pki.CardAuth, pki.CardSign
}

// check refuses a kind of certificate that this token does not hold.
func (p Profile) check(kind pki.Kind) error {
	if auth, sign := p.kinds(); kind != auth && kind != sign {
		return fmt.Errorf("card: a %s holds no %q certificate", p, kind)
	}
	return nil
}

// tokenInfo is the content of EF 0006: CK_TOKEN_INFO of PKCS #11 with numbers
// big-endian, 160 bytes.
func (p Profile) tokenInfo(serial string) []byte {
	b := make([]byte, 0, apdu.TokenInfoLength)
	b = append(b, padded(p.label(), apdu.TokenLabelLength)...)
	b = append(b, strings.Repeat("0", 31)+"1"...) // manufacturerID
	b = append(b, padded("E16R01NJ", 16)...)      // model
	b = append(b, padded(serial, 16)...)
	const flags = 0x0000040D // RNG, LOGIN_REQUIRED, USER_PIN_INITIALIZED, TOKEN_INITIALIZED
	for _, n := range []uint32{flags, 1, 0, 1, 0, 16, 6} {
		b = binary.BigEndian.AppendUint32(b, n) // sessions 1/0, read-write 1/0, longest and shortest PIN
	}
	for range 4 { // memory sizes: not told
		b = binary.BigEndian.AppendUint32(b, 0xFFFFFFFF)
	}
	b = append(b, "03"+"01"...)                  // hardware and firmware version
	return append(b, strings.Repeat("9", 16)...) // utcTime: no clock
}

func padded(s string, n int) string {
	if len(s) >= n {
		return s[:n]
	}
	return s + strings.Repeat(" ", n-len(s))
}
