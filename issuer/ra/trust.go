package ra

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/internal/secret"
)

// Limits of trusting.
const (
	TrustedAllowed  = 3                  // people whom one person trusts or has invited
	InvitationLasts = 24 * time.Hour     // between the code and the other's yes
	AcceptanceLasts = 7 * 24 * time.Hour // between that and the holder's
	maxCallName     = 20                 // characters of what people call each other
)

// TrustRecord is a relation between two persons. Zero times have not happened.
type TrustRecord struct {
	ID       string
	Holder   string // who may be stopped
	Trusted  string // who may stop; "" until the code is typed
	Label    string // the holder's word for the other
	Shown    string // what the other knows the holder by
	CodeHash [32]byte
	State    TrustState
	Invited  time.Time
	Since    time.Time // of the state
}

// until is the moment from which a step that is waited for comes too late; zero when
// none is waited for.
func (t TrustRecord) until() time.Time {
	switch t.State {
	case TrustInvited, TrustOpened:
		return t.Invited.Add(InvitationLasts)
	case TrustAccepted:
		return t.Since.Add(AcceptanceLasts)
	}
	return time.Time{}
}

// stands says whether a relation is there at a moment.
func (t TrustRecord) stands(at time.Time) bool {
	return t.State != TrustEnded && (t.until().IsZero() || at.Before(t.until()))
}

// invitationCode is the code of an invitation. It is computed anew whenever its maker
// looks at it, so that it rests nowhere.
func (r *RA) invitationCode(id string) secret.InvitationCode {
	return secret.InvitationCodeFrom(r.mac("invitation code", id))
}

func (r *RA) invitationHash(code secret.InvitationCode) (hash [32]byte) {
	code.Reveal(func(digits []byte) { hash = [32]byte(r.mac("invitation", string(digits))) })
	return hash
}

// callName is what people may call each other: short, and nothing that a mail
// programme or a hurried reader takes for an address.
func callName(s string) (string, bool) {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" || utf8.RuneCountInString(s) > maxCallName {
		return "", false
	}
	return s, !strings.ContainsFunc(s, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsMark(c) && !unicode.IsDigit(c) && !strings.ContainsRune(" ・ー々", c)
	})
}

// asPerson is granted for the steps of trusting, with the person's record. The grant may
// serve again while it lasts: all that comes of it is that a phone can be stopped.
func (r *RA) asPerson(ctx context.Context, tx Tx, party, pairwise string, g ceremony.Grant, at time.Time) (PersonRecord, error) {
	id, err := r.granted(ctx, tx, ceremony.ScopeTrust, party, pairwise, g, at)
	if err != nil {
		return PersonRecord{}, err
	}
	return tx.Person(ctx, id)
}

// trusting runs one step of a person's, and answers how all of theirs stands after it.
func (r *RA) trusting(ctx context.Context, party, pairwise string, g ceremony.Grant, step func(Tx, PersonRecord, time.Time, audit.Actor) error) (Trusting, error) {
	at := r.at()
	var out Trusting
	err := r.store.Write(ctx, func(tx Tx) error {
		person, err := r.asPerson(ctx, tx, party, pairwise, g, at)
		if err != nil {
			return err
		}
		if err := step(tx, person, at, audit.Actor{Party: party, Kind: "person", ID: person.ID}); err != nil {
			return err
		}
		out, err = r.trustingOf(ctx, tx, person.ID, at)
		return err
	})
	return out, err
}

// Trusting answers whom a person trusts and who trusts them.
func (r *RA) Trusting(ctx context.Context, party, pairwise string, g ceremony.Grant) (out Trusting, err error) {
	at := r.at()
	err = r.store.Read(ctx, func(tx Tx) error {
		person, err := r.asPerson(ctx, tx, party, pairwise, g, at)
		if err != nil {
			return err
		}
		out, err = r.trustingOf(ctx, tx, person.ID, at)
		return err
	})
	return out, err
}

func (r *RA) trustingOf(ctx context.Context, tx Tx, person string, at time.Time) (Trusting, error) {
	out := Trusting{Trusted: []Trusted{}, Charges: []Charge{}}
	list, err := tx.TrustsOf(ctx, person)
	if err != nil {
		return out, err
	}
	for _, t := range list {
		if !t.stands(at) {
			continue
		}
		if t.Holder == person {
			one := Trusted{ID: t.ID, State: t.State, Label: t.Label, Shown: t.Shown, Since: t.Since, Until: t.until()}
			switch t.State {
			case TrustInvited:
				one.Code = r.invitationCode(t.ID).Groups()
			case TrustAccepted, TrustActive:
				other, err := tx.Person(ctx, t.Trusted)
				if err != nil {
					return out, err
				}
				one.Name = other.Attributes.Name
			}
			out.Trusted = append(out.Trusted, one)
			continue
		}
		charge := Charge{ID: t.ID, State: t.State, Name: t.Shown}
		if t.State == TrustActive {
			if charge.Stopped, err = r.stopped(ctx, tx, t.Holder); err != nil {
				return out, err
			}
		}
		out.Charges = append(out.Charges, charge)
	}
	return out, nil
}

// stopped says whether a person has no phone that somebody could stop.
func (r *RA) stopped(ctx context.Context, tx Tx, person string) (bool, error) {
	p, err := tx.Person(ctx, person)
	if err != nil || p.Phone == "" {
		return true, err
	}
	e, err := tx.Enrolment(ctx, p.Phone)
	return !e.heldSince().IsZero(), err
}

// InviteTrusted makes an invitation with a code for somebody whom the holder trusts.
func (r *RA) InviteTrusted(ctx context.Context, party string, in TrustInvitation, g ceremony.Grant) (Trusting, error) {
	label, ok := callName(in.Label)
	shown, also := callName(in.Shown)
	if !ok || !also {
		return Trusting{}, ErrCallName
	}
	return r.trusting(ctx, party, in.Holder, g, func(tx Tx, person PersonRecord, at time.Time, who audit.Actor) error {
		list, err := tx.TrustsOf(ctx, person.ID)
		if err != nil {
			return err
		}
		n := 0
		for _, t := range list {
			switch {
			case t.Holder != person.ID:
			case t.stands(at):
				n++
			default: // nobody answered in time: its code is free again
				t.State, t.Since = TrustEnded, at
				if err := r.move(ctx, tx, at, who, t); err != nil {
					return err
				}
			}
		}
		if n >= TrustedAllowed {
			return ErrTrustedLimit
		}
		t := TrustRecord{Holder: person.ID, Label: label, Shown: shown, State: TrustInvited, Invited: at, Since: at}
		for { // a code that another invitation has is never made again
			t.ID = randomID()
			t.CodeHash = r.invitationHash(r.invitationCode(t.ID))
			if _, err := tx.TrustByCode(ctx, t.CodeHash); errors.Is(err, ErrNotFound) {
				break
			} else if err != nil {
				return err
			}
		}
		if err := r.move(ctx, tx, at, who, t); err != nil {
			return err
		}
		return r.notify(ctx, tx, at, person, notice{kind: NoticeTrustInvited, name: label})
	})
}

// OpenInvitation takes a code that somebody typed: from then on the invitation is to
// that person, who sees whose it is. The try is counted, durably, before anything is
// looked up, and given back when the code was right.
func (r *RA) OpenInvitation(ctx context.Context, party string, in TrustStep, g ceremony.Grant) (Trusting, error) {
	code, err := secret.ParseInvitationCode(in.Code)
	if errors.Is(err, secret.ErrCheckDigit) {
		return Trusting{}, ErrInvitationDigit
	}
	if err != nil {
		return Trusting{}, ErrInvitationFormat
	}
	// The grant is checked before a try is counted, or strangers could use them up.
	at := r.at()
	err = r.store.Read(ctx, func(tx Tx) error {
		_, err := r.asPerson(ctx, tx, party, in.Holder, g, at)
		return err
	})
	if err != nil {
		return Trusting{}, err
	}
	limits := []tryLimit{
		{[32]byte(r.mac("invitation try", g.Issuer, in.Holder)), TriesAllowed},
		{[32]byte(r.mac("invitation try through", party)), TriesPerParty},
	}
	try := randomID()
	left, err := r.countTry(ctx, invitationCodes, limits, try, at)
	if p, ok := errors.AsType[*problem.Problem](err); ok && errors.Is(err, ErrTooManyTries) {
		return Trusting{}, ErrInvitationTries.With("retry_after", p.Extra["retry_after"])
	}
	if err != nil {
		return Trusting{}, err
	}
	return r.trusting(ctx, party, in.Holder, g, func(tx Tx, person PersonRecord, at time.Time, who audit.Actor) error {
		t, err := tx.TrustByCode(ctx, r.invitationHash(code))
		mine := err == nil && t.State == TrustOpened && t.Trusted == person.ID // sent again
		if errors.Is(err, ErrNotFound) || err == nil && !mine && (t.State != TrustInvited || !t.stands(at)) {
			return ErrInvitationWrong.With("tries_left", left)
		}
		if err != nil {
			return err
		}
		if err := r.dropTry(ctx, tx, invitationCodes, limits, try); err != nil {
			return err
		}
		if mine {
			return nil
		}
		if t.Holder == person.ID {
			return ErrInvitationOwn
		}
		list, err := tx.TrustsOf(ctx, person.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(list, func(o TrustRecord) bool { return o.Holder == t.Holder && o.Trusted == person.ID && o.stands(at) }) {
			return ErrTrustedAlready
		}
		t.State, t.Trusted, t.Since = TrustOpened, person.ID, at
		return r.move(ctx, tx, at, who, t)
	})
}

// AcceptTrust is the yes of who opened an invitation. The holder is told.
func (r *RA) AcceptTrust(ctx context.Context, party, id string, in TrustStep, g ceremony.Grant) (Trusting, error) {
	return r.trustStep(ctx, party, id, in, g, TrustOpened, TrustAccepted, func(t TrustRecord, person string) bool { return t.Trusted == person })
}

// ConfirmTrust is the holder's yes to the person who accepted: from then on that person
// can stop the phone. Both are told.
func (r *RA) ConfirmTrust(ctx context.Context, party, id string, in TrustStep, g ceremony.Grant) (Trusting, error) {
	return r.trustStep(ctx, party, id, in, g, TrustAccepted, TrustActive, func(t TrustRecord, person string) bool { return t.Holder == person })
}

// EndTrust ends a relation or an invitation, from either side. Whoever knows of it on
// the other side is told.
func (r *RA) EndTrust(ctx context.Context, party, id string, in TrustStep, g ceremony.Grant) (Trusting, error) {
	return r.trustStep(ctx, party, id, in, g, "", TrustEnded, func(t TrustRecord, person string) bool { return t.Holder == person || t.Trusted == person })
}

// trustStep moves a relation from one state to the next, "" being any. Taken again it
// changes nothing. Whose it is not learns no more than that there is none.
func (r *RA) trustStep(ctx context.Context, party, id string, in TrustStep, g ceremony.Grant, from, to TrustState, mine func(TrustRecord, string) bool) (Trusting, error) {
	return r.trusting(ctx, party, in.Holder, g, func(tx Tx, person PersonRecord, at time.Time, who audit.Actor) error {
		t, err := tx.Trust(ctx, id)
		if errors.Is(err, ErrNotFound) || err == nil && !mine(t, person.ID) {
			return ErrTrustUnknown
		}
		if err != nil {
			return err
		}
		switch {
		case t.State == to:
			return nil
		case !t.stands(at), from != "" && t.State != from:
			return ErrTrustUnknown
		}
		was := t.State
		t.State, t.Since = to, at
		if err := r.move(ctx, tx, at, who, t); err != nil {
			return err
		}
		return r.tellOfTrust(ctx, tx, at, t, was, person.ID)
	})
}

// move writes a relation with its audit record. Of one that has ended it keeps no word.
func (r *RA) move(ctx context.Context, tx Tx, at time.Time, who audit.Actor, t TrustRecord) error {
	if t.State == TrustEnded {
		t.Label, t.Shown = "", ""
	}
	if err := tx.PutTrust(ctx, t); err != nil {
		return err
	}
	return tx.Audit(ctx, at, who, "trust", t.ID, map[string]string{"state": string(t.State)})
}

// tellOfTrust tells who should know of a step; by is who took it.
func (r *RA) tellOfTrust(ctx context.Context, tx Tx, at time.Time, t TrustRecord, was TrustState, by string) error {
	tell := func(person string, n notice) error {
		p, err := tx.Person(ctx, person)
		if err != nil || p.Died {
			return err
		}
		return r.notify(ctx, tx, at, p, n)
	}
	switch {
	case t.State == TrustAccepted:
		return tell(t.Holder, notice{kind: NoticeTrustAccepted, name: t.Label})
	case t.State == TrustActive:
		if err := tell(t.Holder, notice{kind: NoticeTrusted, name: t.Label}); err != nil {
			return err
		}
		return tell(t.Trusted, notice{kind: NoticeCharged, name: t.Shown})
	case was == TrustInvited || was == TrustOpened:
		return nil // ended before anybody had agreed to anything
	case by != t.Holder:
		return tell(t.Holder, notice{kind: NoticeTrustEnded, name: t.Label})
	}
	// The holder too: whoever has their phone and PIN can end it in their name.
	if err := tell(t.Holder, notice{kind: NoticeTrustEnded, name: t.Label, by: ByHolder}); err != nil {
		return err
	}
	return tell(t.Trusted, notice{kind: NoticeTrustEnded, name: t.Shown})
}

// SuspendCharge stops the phone of who trusts the person that g is about. It answers no
// more than that the phone is stopped, as it was perhaps before.
func (r *RA) SuspendCharge(ctx context.Context, party, pairwise, id string, g ceremony.Grant) (Suspended, error) {
	at := r.at()
	err := r.store.Write(ctx, func(tx Tx) error {
		person, err := r.asPerson(ctx, tx, party, pairwise, g, at)
		if err != nil {
			return err
		}
		t, err := tx.Trust(ctx, id)
		if errors.Is(err, ErrNotFound) || err == nil && (t.Trusted != person.ID || t.State != TrustActive) {
			return ErrTrustUnknown
		}
		if err != nil {
			return err
		}
		err = r.losePhoneOf(ctx, tx, at, audit.Actor{Party: party, Kind: "person", ID: person.ID}, t.Holder, ByTrusted, t.Label)
		if errors.Is(err, ErrNoPhone) {
			err = nil // nothing is left to stop, and why is no business of a third person's
		}
		return err
	})
	return r.suspended(ctx, at, ByTrusted, err)
}
