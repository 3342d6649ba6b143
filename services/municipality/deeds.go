package municipality

import (
	"time"

	"tegata/internal/pki"
)

// A deed is one thing that an officer does for a resident at the desk.
type deed string

// The deeds, as the pages' addresses name them.
const (
	deedMoved      deed = "moved"
	deedRenamed    deed = "renamed"
	deedEmigrated  deed = "emigrated"
	deedDied       deed = "died"
	deedCardNew    deed = "card-new"       // make a card, the first or another
	deedHandOver   deed = "card-hand-over" // give it to its holder
	deedCardSign   deed = "card-sign"      // a new signature certificate onto the card
	deedCardLost   deed = "card-lost"
	deedCardFound  deed = "card-found"
	deedCardReturn deed = "card-return"
	deedSignReturn deed = "sign-return"
	deedCancel     deed = "cancel" // take back what was planned
)

// A fate is what becomes of a certificate.
type fate string

const (
	fateStay  fate = "stay"
	fateEnd   fate = "end"
	fateHold  fate = "hold"
	fateBack  fate = "back"  // the hold ends
	fateNew   fate = "new"   // issued
	fateSwap  fate = "swap"  // the old card's ends, the new card's begins
	fateAgain fate = "again" // ended, and can be had anew with the card
	fateNone  fate = "none"  // there is none
	fateEnded fate = "ended" // has ended before
)

// Class is how a fate is drawn.
func (f fate) Class() string {
	switch f {
	case fateEnd:
		return "state-bad"
	case fateHold:
		return "state-held"
	case fateNone, fateEnded, fateAgain:
		return "state-none"
	}
	return "state-good"
}

// Icon goes with Class, so that colour is never alone.
func (f fate) Icon() string {
	return map[string]string{"state-bad": "cross", "state-held": "clock", "state-none": "info", "state-good": "check"}[f.Class()]
}

// outcome is what becomes of one certificate.
type outcome struct {
	Of string // card-auth, card-sign, phone-auth, phone-sign
	Is fate
}

// fates is what a deed does to card and phone, by docs/lifecycle.md. The desk does not
// know whether there is a phone; the page says so.
func (d deed) fates(card *CardView, adult bool) []outcome {
	var f [4]fate
	switch d {
	case deedMoved, deedRenamed, deedSignReturn:
		f = [4]fate{fateStay, fateEnd, fateStay, fateEnd}
	case deedEmigrated, deedDied, deedCardReturn:
		f = [4]fate{fateEnd, fateEnd, fateEnd, fateEnd}
	case deedHandOver:
		f = [4]fate{fateSwap, fateSwap, fateEnd, fateEnd}
	case deedCardSign:
		f = [4]fate{fateStay, fateNew, fateStay, fateAgain}
	case deedCardLost:
		f = [4]fate{fateHold, fateHold, fateStay, fateStay}
	case deedCardFound:
		f = [4]fate{fateBack, fateBack, fateStay, fateStay}
	default:
		f = [4]fate{fateStay, fateStay, fateStay, fateStay}
	}
	switch {
	case card == nil && (d == deedCardNew || d == deedHandOver):
		f = [4]fate{fateNew, fateNew, fateNone, fateNone}
		if !adult {
			f[1] = fateNone
		}
	case card == nil:
		f = [4]fate{fateNone, fateNone, fateNone, fateNone}
	case d == deedCardSign:
	case !card.Signature: // nor was a phone ever registered with it
		f[1], f[2], f[3] = fateNone, fateNone, fateNone
	case card.SignEnded && d != deedHandOver:
		f[1], f[3] = fateEnded, fateEnded
	}
	return []outcome{{"card-auth", f[0]}, {"card-sign", f[1]}, {"phone-auth", f[2]}, {"phone-sign", f[3]}}
}

// inUse is the card that the resident has, or nil.
func (e Entry) inUse() *CardView {
	for i := len(e.Cards) - 1; i >= 0; i-- {
		if c := &e.Cards[i]; c.Onto == "" && c.State == CardPersonalised {
			return c
		}
	}
	return nil
}

// ready is the card that waits for its holder, or nil.
func (e Entry) ready() *CardView {
	for i := range e.Cards {
		if e.Cards[i].State == CardReady {
			return &e.Cards[i]
		}
	}
	return nil
}

// making tells whether an order for the resident is under way.
func (e Entry) making() bool {
	for _, c := range e.Cards {
		if c.State.open() || c.State == CardReady {
			return true
		}
	}
	return false
}

// adult tells whether the resident may have a signature certificate.
func (e Entry) adult(at time.Time) bool { return pki.Age(e.Resident.birth(), at) >= minSignatureAge }

// deeds are what can be done for a resident now, what comes next first.
func (e Entry) deeds(at time.Time) []deed {
	if e.Resident.gone() {
		return nil
	}
	var list []deed
	card := e.inUse()
	if e.ready() != nil {
		list = append(list, deedHandOver)
	}
	usable := card != nil && !card.Lost && (card.NotAfter == nil || at.Before(*card.NotAfter))
	if usable && e.adult(at) && (card.SignEnded || !card.Signature) && !e.making() {
		list = append(list, deedCardSign)
	}
	list = append(list, deedMoved, deedRenamed, deedEmigrated, deedDied)
	if !e.making() {
		list = append(list, deedCardNew)
	}
	if card == nil {
		return list
	}
	if card.Lost {
		list = append(list, deedCardFound)
	} else {
		list = append(list, deedCardLost)
	}
	list = append(list, deedCardReturn)
	if card.Signature && !card.SignEnded {
		list = append(list, deedSignReturn)
	}
	return list
}

// kind is what a deed reports, "" when it is no report.
func (d deed) kind() EventKind {
	switch d {
	case deedMoved:
		return Moved
	case deedRenamed:
		return NameChanged
	case deedEmigrated:
		return Emigrated
	case deedDied:
		return Died
	case deedCardLost:
		return CardLost
	case deedCardFound:
		return CardFound
	case deedCardReturn, deedSignReturn:
		return CardRevoked
	}
	return ""
}

// dated tells whether a deed may be for a day to come.
func (d deed) dated() bool {
	return d == deedMoved || d == deedRenamed || d == deedEmigrated || d == deedCardReturn || d == deedSignReturn
}
