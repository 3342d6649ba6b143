package secret

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// InvitationCode is what a person tells somebody whom they trust, who types it once
// within a day: 8 digits and a check digit. It is shorter than a lock code, so that
// nobody takes one for the other.
type InvitationCode struct{ digits hidden }

// InvitationCodeFrom makes a code from random bytes, such as a MAC: the same bytes make
// the same code. It needs eight.
func InvitationCodeFrom(random []byte) InvitationCode {
	// 2^64 is not a multiple of 10^8; the first codes are likelier by less than 10^-11.
	return InvitationCode{withCheckDigit(fmt.Sprintf("%08d", binary.BigEndian.Uint64(random)%1e8))}
}

// ParseInvitationCode reads 9 digits as ParseLockCode reads 11. ErrFormat, ErrCheckDigit.
func ParseInvitationCode(s string) (InvitationCode, error) {
	digits, err := parseDigits(s, 9)
	return InvitationCode{digits}, err
}

// Groups is the code as it is shown to who invites: "123 456 789".
func (c InvitationCode) Groups() string {
	if c.digits == nil {
		return ""
	}
	s := string(c.digits())
	return s[:3] + " " + s[3:6] + " " + s[6:]
}

// Reveal hands out the 9 digits.
func (c InvitationCode) Reveal(f func([]byte)) { c.digits.reveal(f) }

// Format keeps every verb from printing the digits.
func (InvitationCode) Format(s fmt.State, _ rune) { io.WriteString(s, "[invitation code]") }

// LogValue keeps the digits from logs.
func (InvitationCode) LogValue() slog.Value { return slog.StringValue("[invitation code]") }

// MarshalText refuses.
func (InvitationCode) MarshalText() ([]byte, error) {
	return nil, errors.New("secret: InvitationCode does not serialize")
}
