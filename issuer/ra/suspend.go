package ra

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/internal/trace"
	"tegata/issuer/status"
)

// Limits of tries with lock codes.
const (
	TriesAllowed   = 5         // wrong ones, per birth date and source
	TriesPerSource = 20        // wrong ones, per source: it may be a household or a town hall, and may not walk the calendar
	TriesPerParty  = 200       // wrong ones, of all the sources that a party names: it might name any
	TriesWindow    = time.Hour // in which they count
	nationalAlarm  = 200       // wrong tries of one kind by everybody in the window, at which the operator is told
	comparisons    = 2         // at once in a process; each takes 40 ms of a core and 19 MiB
)

var lockCodeActor = audit.Actor{Party: "anyone", Kind: "person", ID: "lock-code"}

// Suspend puts a phone on hold "lost": that of whoever's card says so, or of whoever
// was born that day and kept that lock code. source is where the request came from,
// for the limit on lock codes. The try is counted, durably, before the code is compared, and given back when it
// was right. Whether anybody was born that day cannot be told from the answer.
func (r *RA) Suspend(ctx context.Context, s Suspension, source string) (Suspended, error) {
	at := r.at()
	if len(s.Word) > 0 {
		if s.BirthDate != "" || s.LockCode != "" {
			return Suspended{}, ErrBadRequest.With("field", "word").Because(errors.New("ra: two ways at once"))
		}
		return r.suspendByCard(ctx, s.Word, at)
	}
	return r.suspendByLockCode(ctx, s, r.tryLimits(s.BirthDate, source), at)
}

// SuspendThrough is Suspend for a lock code that somebody typed at a party, which says
// in s.Source where they are: otherwise all who come to it would share one source.
func (r *RA) SuspendThrough(ctx context.Context, party string, s Suspension) (Suspended, error) {
	if len(s.Word) > 0 || len(s.Source) > 100 {
		return Suspended{}, ErrBadRequest.With("field", "source")
	}
	limits := append(r.tryLimits(s.BirthDate, party+" "+s.Source), tryLimit{[32]byte(r.mac("try through", party)), TriesPerParty})
	return r.suspendByLockCode(ctx, s, limits, r.at())
}

func (r *RA) suspendByLockCode(ctx context.Context, s Suspension, limits []tryLimit, at time.Time) (Suspended, error) {
	birth, err := time.Parse(time.DateOnly, s.BirthDate)
	if err != nil || birth.After(at) {
		return Suspended{}, ErrLockCodeFormat
	}
	code, err := secret.ParseLockCode(s.LockCode) // what has not its form costs no try
	if errors.Is(err, secret.ErrCheckDigit) {
		return Suspended{}, ErrLockCodeDigit
	}
	if err != nil {
		return Suspended{}, ErrLockCodeFormat
	}
	// Anybody may come here, with a birth date of their choice: they wait for each
	// other, and whoever does not get a turn has lost no try.
	select {
	case r.comparing <- struct{}{}:
		defer func() { <-r.comparing }()
	case <-ctx.Done():
		return Suspended{}, problem.Busy.Because(ctx.Err())
	}
	try := randomID()
	left, err := r.countTry(ctx, lockCodes, limits, try, at)
	if err != nil {
		return Suspended{}, err
	}
	found, err := r.matchLockCode(ctx, s.BirthDate, code)
	if err != nil {
		return Suspended{}, err
	}
	if found == "" {
		return Suspended{}, ErrLockCodeWrong.With("tries_left", left)
	}
	var refusal error
	err = r.store.Write(ctx, func(tx Tx) error {
		e, err := tx.Enrolment(ctx, found)
		if err != nil {
			return err
		}
		// Ended since the codes were compared, by its owner's word or another phone of theirs:
		// "suspended" would be said of a phone that may not be theirs any more.
		if e.State != StateRegistered {
			refusal = ErrLockCodeWrong.With("tries_left", left)
			return nil
		}
		if err := r.dropTry(ctx, tx, lockCodes, limits, try); err != nil {
			return err
		}
		refusal, err = keeping(r.lose(ctx, tx, at, lockCodeActor, e, ByLockCode, ""))
		return err // the code was right all the same: its try stays given back
	})
	return r.suspended(ctx, at, ByLockCode, errors.Join(err, refusal))
}

// suspendByCard holds the phone of whoever's card says so, from any device.
func (r *RA) suspendByCard(ctx context.Context, der []byte, at time.Time) (Suspended, error) {
	word, signed, err := parseCardWord(der, WordSuspend, at)
	if err != nil {
		return Suspended{}, err
	}
	err = r.spoken(ctx, word, signed, at, func(tx Tx, person PersonRecord) (refusal, err error) {
		err = r.losePhoneOf(ctx, tx, at, audit.Actor{Party: "card", Kind: "person", ID: person.ID}, person.ID, ByCard, "")
		return withoutPhone(err)
	})
	return r.suspended(ctx, at, ByCard, err)
}

// lose puts a registered phone on hold "lost", once, and tells the person. name is
// what the person calls who did it, "" where the way says enough. A good phone is put
// on hold in a limited way only so often: ErrSuspensionLimit, with nothing changed.
func (r *RA) lose(ctx context.Context, tx Tx, at time.Time, who audit.Actor, e EnrolmentRecord, way Way, name string) error {
	if e.State != StateRegistered {
		return fmt.Errorf("ra: hold %s: it is %s", e.ID, e.State) // every way has looked
	}
	left := SuspensionsAllowed
	if way.limited() && e.heldSince().IsZero() {
		var err error
		if left, err = r.countSuspension(ctx, tx, at, e.Person, way); err != nil {
			return err
		}
	}
	// Also when it is held already, perhaps a moment ago: whoever is told so is told it
	// when every answer shows it.
	if err := r.setHold(ctx, tx, at, who, e, status.Open, status.Lost); err != nil || !e.LostSince.IsZero() {
		return err
	}
	e.LostSince = at
	e.schedule()
	if err := tx.PutEnrolment(ctx, e); err != nil {
		return err
	}
	if err := r.tell(ctx, tx, at, e, notice{kind: NoticeSuspended, phone: e.phone(), by: way, name: name, last: left == 0}); err != nil {
		return err
	}
	return tx.Audit(ctx, at, who, "hold", e.ID, map[string]string{"cause": string(status.Lost), "by": string(way)})
}

func (r *RA) suspended(ctx context.Context, at time.Time, way Way, err error) (Suspended, error) {
	if err != nil {
		return Suspended{}, err
	}
	r.trace.Note(ctx, trace.Event{At: at, From: "anyone", To: "issuer", Kind: "status",
		TitleJA: way.ja() + "でスマホを一時停止しました", TitleEN: "A phone was suspended by " + way.en()})
	return Suspended{State: string(status.Held), At: at}, nil
}

// tried is what somebody tries, in the words of the operator's log.
type tried string

const (
	lockCodes       tried = "lock codes"
	callersFacts    tried = "facts of callers"
	supportNumbers  tried = "support numbers"
	invitationCodes tried = "invitation codes"
)

// all is the key under which everybody's tries of a kind are counted.
func (r *RA) all(what tried) [32]byte { return [32]byte(r.mac("tries of all", string(what))) }

// tryLimit is one of the limits that a try counts against.
type tryLimit struct {
	key     [32]byte
	allowed int
}

func (r *RA) tryLimits(birth, source string) []tryLimit {
	return []tryLimit{
		{[32]byte(r.mac("try", birth, source)), TriesAllowed},
		{[32]byte(r.mac("try of", source)), TriesPerSource},
	}
}

// countTry records a try under each limit and returns how many wrong ones are left
// after it.
func (r *RA) countTry(ctx context.Context, what tried, limits []tryLimit, try string, at time.Time) (left int, err error) {
	since := at.Add(-TriesWindow)
	err = r.store.Write(ctx, func(tx Tx) error {
		if err := tx.DropTries(ctx, since); err != nil {
			return err
		}
		left = TriesPerSource
		for _, l := range limits {
			n, oldest, err := tx.Tries(ctx, l.key, since)
			if err != nil {
				return err
			}
			if n >= l.allowed {
				wait := oldest.Add(TriesWindow).Sub(at)
				return ErrTooManyTries.With("retry_after", int64(wait/time.Second)+1)
			}
			left = min(left, l.allowed-n-1)
		}
		all, _, err := tx.Tries(ctx, r.all(what), since)
		if err != nil {
			return err
		}
		if all+1 == nationalAlarm {
			r.log.WarnContext(ctx, "many wrong "+string(what)+" in the last hour", "tries", nationalAlarm)
		}
		for _, l := range limits {
			if err := tx.PutTry(ctx, l.key, try, at); err != nil {
				return err
			}
		}
		return tx.PutTry(ctx, r.all(what), try, at)
	})
	return left, err
}

// dropTry gives back a try that was right.
func (r *RA) dropTry(ctx context.Context, tx Tx, what tried, limits []tryLimit, try string) error {
	for _, l := range limits {
		if err := tx.DropTry(ctx, l.key, try); err != nil {
			return err
		}
	}
	return tx.DropTry(ctx, r.all(what), try)
}

// matchLockCode returns the registered enrolment whose lock code it is, or "".
// Every verifier of that birth date costs one comparison; see docs/decisions.
func (r *RA) matchLockCode(ctx context.Context, birth string, code secret.LockCode) (string, error) {
	var list []EnrolmentRecord
	err := r.store.Read(ctx, func(tx Tx) (err error) {
		list, err = tx.RegisteredBornOn(ctx, birth)
		return err
	})
	if err != nil {
		return "", err
	}
	if len(list) == 0 { // the same work as for one person, so that the time tells nothing
		secret.NewVerifierWithSalt(code, randomBytes(16), r.config.LockCost)
		return "", nil
	}
	found := ""
	for _, e := range list {
		if e.LockCodeVerifier.Matches(code) {
			found = e.ID
		}
		if err := ctx.Err(); err != nil {
			return "", errors.Join(ErrCAUnavailable, err)
		}
	}
	return found, nil
}
