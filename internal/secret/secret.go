// Package secret gives every secret a type that cannot be printed, and rests
// what must stay secret on a disk in sealed form.
//
// It owns PINs, passwords and lock codes (their forms, their comparison in
// constant time, their argon2id verifiers) and sealed state: a key file, an
// AEAD under it, and StateFile, which notices its own past. Which secret opens
// what, and how many tries there are, is decided by packages card and element.
//
// The forms are those of the Individual Number Card: 4 digits, and 6 to 16 upper
// case letters and digits.
//
// # Trust
//
// The key file is trusted: whoever reads it and the sealed files has what is in
// them. That is the weak point of anything that plays a chip in software, and
// SECURITY.md says so. Whoever can write the directory can put back an old sealed
// file, which StateFile refuses, or all files together, which no software can
// notice alone; the issuer does, by the element's counter.
package secret

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strings"

	"golang.org/x/text/width"
)

// ErrFormat is returned by the parsers. It never repeats the input.
var ErrFormat = errors.New("secret: not of the form that this secret has")

// ErrCheckDigit is an ErrFormat: a lock code is complete, and a digit of it wrong.
var ErrCheckDigit = fmt.Errorf("%w: the check digit of the lock code does not fit", ErrFormat)

// Revealer is a secret that can show its bytes to one function at a time.
type Revealer interface {
	// Reveal calls f with the bytes; f keeps nothing.
	Reveal(f func([]byte))
}

// hidden holds bytes in a closure: fmt ignores Format on an unexported field of
// another struct and would print a plain slice.
type hidden func() []byte

func hide(b []byte) hidden {
	kept := append([]byte(nil), b...)
	return func() []byte { return kept }
}

func (h hidden) equal(other hidden) bool {
	return h != nil && other != nil && subtle.ConstantTimeCompare(h(), other()) == 1
}

func (h hidden) reveal(f func([]byte)) {
	if h == nil {
		f(nil)
		return
	}
	f(append([]byte(nil), h()...))
}

// PIN is the four digits of an authentication certificate's key, or of another
// four-digit reference of the card.
type PIN struct{ digits hidden }

// ParsePIN reads four digits, full-width ones included. ErrFormat otherwise.
func ParsePIN(s string) (PIN, error) {
	s = width.Narrow.String(s)
	if len(s) != 4 || strings.Trim(s, "0123456789") != "" {
		return PIN{}, fmt.Errorf("%w: a PIN is 4 digits", ErrFormat)
	}
	return PIN{hide([]byte(s))}, nil
}

// Equal compares in constant time. The zero PIN equals nothing.
func (p PIN) Equal(q PIN) bool { return p.digits.equal(q.digits) }

// IsZero says whether no PIN was parsed.
func (p PIN) IsZero() bool { return p.digits == nil }

// Reveal is the one way out.
func (p PIN) Reveal(f func([]byte)) { p.digits.reveal(f) }

// Format keeps every verb from printing the digits.
func (PIN) Format(s fmt.State, _ rune) { io.WriteString(s, "[PIN]") }

// LogValue keeps the digits from logs.
func (PIN) LogValue() slog.Value { return slog.StringValue("[PIN]") }

// MarshalText refuses.
func (PIN) MarshalText() ([]byte, error) { return nil, errors.New("secret: PIN does not serialize") }

// UnmarshalText reads a PIN out of a message from its owner. Its error never
// repeats the input.
func (p *PIN) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePIN(string(text))
	return err
}

// Password is the 6 to 16 letters and digits that open a signature key.
type Password struct{ letters hidden }

// ParsePassword reads 6 to 16 letters and digits and folds them to upper case,
// as card software does before VERIFY. ErrFormat otherwise.
func ParsePassword(s string) (Password, error) {
	s = strings.ToUpper(width.Narrow.String(s))
	if len(s) < 6 || len(s) > 16 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
		return Password{}, fmt.Errorf("%w: a signature password is 6 to 16 letters and digits", ErrFormat)
	}
	return Password{hide([]byte(s))}, nil
}

// Equal compares in constant time. The zero Password equals nothing.
func (p Password) Equal(q Password) bool { return p.letters.equal(q.letters) }

// IsZero says whether no password was parsed.
func (p Password) IsZero() bool { return p.letters == nil }

// Reveal is the one way out.
func (p Password) Reveal(f func([]byte)) { p.letters.reveal(f) }

// Format keeps every verb from printing the letters.
func (Password) Format(s fmt.State, _ rune) { io.WriteString(s, "[password]") }

// LogValue keeps the letters from logs.
func (Password) LogValue() slog.Value { return slog.StringValue("[password]") }

// MarshalText refuses.
func (Password) MarshalText() ([]byte, error) {
	return nil, errors.New("secret: Password does not serialize")
}

// UnmarshalText reads a password out of a message from its owner. Its error never
// repeats the input.
func (p *Password) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePassword(string(text))
	return err
}

// LockCode is what a person keeps on paper to suspend a lost phone from
// anywhere: 10 digits and a check digit. It suspends and does nothing else.
type LockCode struct{ digits hidden }

// GenerateLockCode draws a new code.
func GenerateLockCode() LockCode {
	n, err := rand.Int(rand.Reader, big.NewInt(1e10))
	if err != nil { // crypto/rand does not fail; a code of fewer digits would be worse than stopping
		panic("secret: no randomness: " + err.Error())
	}
	return LockCode{withCheckDigit(fmt.Sprintf("%010d", n))}
}

// ParseLockCode reads 11 digits, with spaces or hyphens between them as printed.
// ErrFormat otherwise; a wrong check digit is ErrCheckDigit, so that a slip of the
// hand costs no try and is called what it is.
func ParseLockCode(s string) (LockCode, error) {
	digits, err := parseDigits(s, 11)
	return LockCode{digits}, err
}

// withCheckDigit hides digits and the check digit after them.
func withCheckDigit(digits string) hidden {
	return hide([]byte(digits + string(checkDigit(digits))))
}

// parseDigits reads n digits, the last of them a check digit, with spaces or hyphens
// between them. ErrFormat, ErrCheckDigit.
func parseDigits(s string, n int) (hidden, error) {
	s = strings.NewReplacer(" ", "", "　", "", "-", "").Replace(width.Narrow.String(s))
	if len(s) != n || strings.Trim(s, "0123456789") != "" {
		return nil, fmt.Errorf("%w: the code is %d digits, the last of them a check digit", ErrFormat, n)
	}
	if s[n-1] != checkDigit(s[:n-1]) {
		return nil, ErrCheckDigit
	}
	return hide([]byte(s)), nil
}

// checkDigit is the Luhn digit (ISO/IEC 7812-1, annex B): it catches every single
// wrong digit and nearly every swap of neighbours.
func checkDigit(digits string) byte {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// Groups is the code as it is printed for its owner, on the one screen that
// shows it: "1234 5678 901".
func (c LockCode) Groups() string {
	if c.digits == nil {
		return ""
	}
	s := string(c.digits())
	return s[:4] + " " + s[4:8] + " " + s[8:]
}

// Equal compares in constant time. The zero LockCode equals nothing.
func (c LockCode) Equal(d LockCode) bool { return c.digits.equal(d.digits) }

// Reveal hands out the 11 digits.
func (c LockCode) Reveal(f func([]byte)) { c.digits.reveal(f) }

// Format keeps every verb from printing the digits.
func (LockCode) Format(s fmt.State, _ rune) { io.WriteString(s, "[lock code]") }

// LogValue keeps the digits from logs.
func (LockCode) LogValue() slog.Value { return slog.StringValue("[lock code]") }

// MarshalText refuses.
func (LockCode) MarshalText() ([]byte, error) {
	return nil, errors.New("secret: LockCode does not serialize")
}
