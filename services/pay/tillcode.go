package pay

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// codeDigits is the length of a till's code. With codeTries in codeLock, somebody who tries
// without a pause finds one of eight digits in some hundred years.
const (
	codeDigits = 8
	codeTries  = 5
	codeLock   = 15 * time.Minute
)

// Code is the code of a shop's till, by which its clerks sign in. It does not print.
type Code struct{ digits func() []byte }

// ParseCode reads eight digits, as they are typed: spaces and hyphens between them count
// for nothing. It returns ErrTillCode.
func ParseCode(text string) (Code, error) {
	digits := []byte(strings.NewReplacer(" ", "", "-", "").Replace(text))
	if len(digits) != codeDigits {
		return Code{}, ErrTillCode
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return Code{}, ErrTillCode
		}
	}
	return Code{func() []byte { return digits }}, nil
}

// Format prints that it is a code, not which.
func (Code) Format(s fmt.State, _ rune) { io.WriteString(s, "[till code]") }

// LogValue keeps it out of logs.
func (Code) LogValue() slog.Value { return slog.StringValue("[till code]") }

// MarshalText refuses.
func (Code) MarshalText() ([]byte, error) {
	return nil, errors.New("pay: a till's code does not serialize")
}

// CodeCheck knows a code without holding it (argon2id, RFC 9106).
type CodeCheck struct{ Salt, Hash []byte }

// Check makes it under a fresh salt.
func (c Code) Check() CodeCheck {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	return CodeCheck{salt, c.derive(salt)}
}

// Is says whether it knows this code.
func (k CodeCheck) Is(c Code) bool {
	return len(k.Salt) == 16 && len(k.Hash) == 32 && c.digits != nil && subtle.ConstantTimeCompare(c.derive(k.Salt), k.Hash) == 1
}

// derive takes RFC 9106's second choice (section 4), scaled to 19 MiB.
func (c Code) derive(salt []byte) []byte { return argon2.IDKey(c.digits(), salt, 2, 19<<10, 1, 32) }

// TillCode is what is kept of a till's code.
type TillCode struct {
	CodeCheck
	Version     int64 // another code is another version
	Tries       int64 // in a row that were not right; this one counts
	LockedUntil time.Time
	Device      bool // Tries and LockedUntil are of one browser that was signed in before
}

// Left is how many tries are left.
func (c TillCode) Left() int { return max(0, codeTries-int(c.Tries)) }

// Count is the count that a try at a moment leaves, whatever comes of it; ErrTillLocked when
// nothing is compared now.
func (c TillCode) Count(at time.Time) (TillCode, error) {
	switch {
	case at.Before(c.LockedUntil):
		return c, ErrTillLocked
	case c.Tries >= codeTries: // the lock is over
		c.Tries = 0
	}
	c.Tries, c.LockedUntil = c.Tries+1, time.Time{}
	if c.Tries >= codeTries {
		c.LockedUntil = at.Add(codeLock)
	}
	return c, nil
}
