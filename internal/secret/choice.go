package secret

import (
	"bytes"
	"fmt"
	"time"
)

// WeakReason says why a chosen secret is refused.
type WeakReason string

// The reasons. Each has its own sentence on the page that asked.
const (
	WeakSame       WeakReason = "same"         // one digit or letter repeated: 0000
	WeakSequence   WeakReason = "sequence"     // 1234, 4321, ABCDEF
	WeakBirth      WeakReason = "birth"        // month and day, day and month, or year of birth
	WeakSameAsCard WeakReason = "same-as-card" // the card's password, just typed
)

// WeakError refuses a choice that a stranger would try first.
type WeakError struct{ Reason WeakReason }

func (e *WeakError) Error() string { return fmt.Sprintf("secret: too easy to guess (%s)", e.Reason) }

// CheckPINChoice refuses, with a *WeakError, a PIN that a stranger would try
// first. birth is the holder's; the zero time skips that rule.
func CheckPINChoice(pin PIN, birth time.Time) error {
	var reason WeakReason
	pin.Reveal(func(b []byte) {
		switch {
		case allSame(b):
			reason = WeakSame
		case runs(b):
			reason = WeakSequence
		case !birth.IsZero() && ofBirth(string(b), birth):
			reason = WeakBirth
		}
	})
	return weak(reason)
}

// CheckPasswordChoice refuses, with a *WeakError, a password of one letter, of
// neighbours, or equal to card, the card's password that was just typed. A zero
// card skips that rule.
func CheckPasswordChoice(p, card Password) error {
	var reason WeakReason
	p.Reveal(func(b []byte) {
		switch {
		case allSame(b):
			reason = WeakSame
		case runs(b):
			reason = WeakSequence
		case p.Equal(card):
			reason = WeakSameAsCard
		}
	})
	return weak(reason)
}

func weak(reason WeakReason) error {
	if reason == "" {
		return nil
	}
	return &WeakError{reason}
}

func allSame(b []byte) bool { return len(b) > 0 && bytes.Count(b, b[:1]) == len(b) }

// runs says whether b goes up or down by one at each step.
func runs(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	step := int(b[1]) - int(b[0])
	if step != 1 && step != -1 {
		return false
	}
	for i := 1; i < len(b); i++ {
		if int(b[i])-int(b[i-1]) != step {
			return false
		}
	}
	return true
}

func ofBirth(pin string, birth time.Time) bool {
	for _, layout := range []string{"0102", "0201", "2006"} {
		if pin == birth.Format(layout) {
			return true
		}
	}
	return false
}
