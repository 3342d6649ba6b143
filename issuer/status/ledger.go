package status

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
)

const (
	maxAge    = 60 * time.Second // older knowledge answers nothing
	syncEvery = time.Second      // how old knowledge gets before other processes' changes are read
	tolerance = 2 * time.Second  // how far a clock may step back before signing stops
	chunk     = 1000             // changes read at once
	waitStep  = 5 * time.Millisecond
)

// Ledger is the one record of what was issued and what became of it. Its methods
// may be called by many goroutines; several processes may have a ledger over one
// store.
type Ledger struct {
	store Store
	now   func() time.Time
	// allowance is how long before its commit another process may date a change.
	allowance time.Duration

	syncing sync.Mutex // one reader of changes at a time

	mu      sync.RWMutex // guards all below
	index   *index
	seq     int64
	synced  time.Time         // when knowledge was last complete
	latest  time.Time         // the latest moment seen; the clock may not fall behind it
	open    map[int]bracketed // transactions under way or not yet read back
	opened  int               // brackets so far
	asked   int               // calls of sync so far
	read    int               // as many of them had been made when the last reading that succeeded began
	changed chan struct{}     // closed and replaced when seq moves
}

// bracketed is a transaction that may change the ledger.
type bracketed struct {
	begun time.Time
	ended bool // committed, but its changes could not be read back yet
}

// Option changes how a ledger is opened.
type Option func(*Ledger)

// Shared tells that other processes write the same store too. allowance is how
// long a transaction of any of them may take from its date to its commit; answers
// lag by it, and a transaction of this process that takes longer is given up. All
// processes over one store have the same one.
func Shared(allowance time.Duration) Option {
	return func(l *Ledger) { l.allowance = max(allowance, time.Millisecond) }
}

// OpenLedger reads the ledger from store. now is the clock of all dates.
func OpenLedger(ctx context.Context, store Store, now func() time.Time, options ...Option) (*Ledger, error) {
	l := &Ledger{
		store: store, now: now, index: newIndex(),
		open: map[int]bracketed{}, changed: make(chan struct{}),
	}
	for _, o := range options {
		o(l)
	}
	began := now()
	var bad error
	seq, last, err := store.LoadStatus(ctx, func(r Recorded) {
		if err := l.index.put(r.Entry, began); err != nil {
			bad = err
		}
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, fmt.Errorf("status: read the ledger: %w", err)
	}
	l.seq, l.synced, l.latest = seq, began, last
	store.Watch(l.bracket)
	return l, nil
}

// Apply makes all changes at once, or none. Repeating it changes nothing. It
// returns ErrUnknown when a certificate was never issued under its kind, and
// ErrFinal when a hold of a revoked certificate was to be lifted. When it returns
// nil, every answer from now on shows the changes.
func (l *Ledger) Apply(ctx context.Context, who audit.Actor, changes ...Change) error {
	if err := l.steady(); err != nil {
		return err
	}
	if err := l.store.ApplyChanges(ctx, who, changes...); err != nil {
		return fmt.Errorf("status: apply %d changes: %w", len(changes), err)
	}
	return nil
}

// Issued is a certificate that was just signed.
type Issued struct {
	Serial pki.Serial
	DER    []byte
	Hold   Cause // issued with this hold open; empty: issued good
}

// Enter makes certificates issued, all or none: package ca calls it with the
// signatures just made. ErrEntered when one was entered before.
func (l *Ledger) Enter(ctx context.Context, who audit.Actor, issued ...Issued) error {
	if err := l.steady(); err != nil {
		return err
	}
	if err := l.store.EnterCertificates(ctx, who, issued...); err != nil {
		return fmt.Errorf("status: enter %d certificates: %w", len(issued), err)
	}
	return nil
}

// State is the state of one certificate, from the store and not from memory.
// ErrUnknown when it was never issued.
func (l *Ledger) State(ctx context.Context, kind pki.Kind, serial pki.Serial) (Entry, error) {
	e, err := l.store.StatusEntry(ctx, kind, serial)
	if err != nil {
		return Entry{}, fmt.Errorf("status: state of %s: %w", serial, err)
	}
	return e, nil
}

// Steady returns ErrBehind when the clock has run backwards: nothing may be
// signed then.
func (l *Ledger) Steady() error { return l.steady() }

func (l *Ledger) steady() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tick(l.now())
}

// tick notes a moment of the clock. l.mu is held for writing.
func (l *Ledger) tick(now time.Time) error {
	if now.Before(l.latest.Add(-tolerance)) {
		return fmt.Errorf("%w: the clock shows %s after it showed %s", ErrBehind, now.UTC().Format(time.RFC3339), l.latest.UTC().Format(time.RFC3339))
	}
	if now.After(l.latest) {
		l.latest = now
	}
	return nil
}

// bracket is told by the store of each transaction that may change the ledger.
func (l *Ledger) bracket() (time.Time, time.Duration, func(context.Context, bool)) {
	l.mu.Lock()
	begun := l.now()
	if begun.Before(l.latest) {
		begun = l.latest // within the tolerance: never date a change before an answer
	}
	l.latest = begun
	l.opened++
	id := l.opened
	l.open[id] = bracketed{begun: begun}
	l.mu.Unlock()
	// Half of it: a commit that has begun in time has the other half to end in.
	return begun, l.allowance / 2, func(ctx context.Context, changed bool) {
		l.mu.Lock()
		if changed {
			l.open[id] = bracketed{begun: begun, ended: true} // closed by the next sync that succeeds
		} else {
			delete(l.open, id)
		}
		l.mu.Unlock()
		if changed {
			l.sync(context.WithoutCancel(ctx)) // when it fails, asOf tries again and meanwhile answers as of begun
		}
	}
}

// sync reads what happened since. On success, knowledge is complete as of the
// moment it began, and the brackets that had ended by then are closed. Those who
// wait for a reading that is under way share the next one: changes that were
// committed together are read together.
func (l *Ledger) sync(ctx context.Context) error {
	l.mu.Lock()
	l.asked++
	mine := l.asked
	l.mu.Unlock()
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.RLock()
	done := l.read >= mine
	l.mu.RUnlock()
	if done {
		return nil
	}
	return l.readOn(ctx)
}

// readOn does sync's work; l.syncing is held.
func (l *Ledger) readOn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	l.mu.RLock()
	began, after, asked := l.now(), l.seq, l.asked
	var closing []int
	for id, b := range l.open {
		if b.ended {
			closing = append(closing, id)
		}
	}
	l.mu.RUnlock()
	for {
		changes, err := l.store.StatusChanges(ctx, after, chunk)
		if err != nil {
			return fmt.Errorf("status: read changes after %d: %w", after, err)
		}
		if err := l.take(changes); err != nil {
			return err
		}
		if len(changes) < chunk {
			break
		}
		after = changes[len(changes)-1].Seq
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range closing {
		delete(l.open, id)
	}
	if began.After(l.synced) {
		l.synced = began
	}
	l.read = asked
	return nil
}

func (l *Ledger) take(changes []Recorded) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range changes {
		if r.Seq != l.seq+1 {
			return fmt.Errorf("%w: change %d follows %d", ErrBehind, r.Seq, l.seq)
		}
		if err := l.index.put(r.Entry, l.latest); err != nil {
			return err
		}
		l.seq = r.Seq
		if r.At.After(l.latest) {
			l.latest = r.At
		}
	}
	if len(changes) > 0 {
		close(l.changed)
		l.changed = make(chan struct{})
	}
	return nil
}

// asOf is the moment that answers given now are true of: now, or the beginning of
// a change that is being written. Look up only afterwards. ErrBehind when that is
// longer ago than promised.
func (l *Ledger) asOf(ctx context.Context) (moment, now time.Time, err error) {
	l.mu.Lock()
	now = l.now()
	err = l.tick(now)
	old := now.Sub(l.synced)
	for _, b := range l.open {
		if b.ended {
			old = max(old, syncEvery)
		}
	}
	if err == nil && old < syncEvery { // as nearly always
		defer l.mu.Unlock()
		return l.momentAt(now, nil)
	}
	l.mu.Unlock()
	if err != nil {
		return now, now, err
	}
	if old > maxAge {
		err = l.sync(ctx)
	} else if l.syncing.TryLock() {
		err = l.readOn(ctx) // what is known remains usable until maxAge
		l.syncing.Unlock()
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.momentAt(now, err)
}

// momentAt is the moment that answers given at now are true of; ErrBehind, and why,
// when that is longer ago than promised. l.mu is held.
func (l *Ledger) momentAt(now time.Time, why error) (moment, _ time.Time, err error) {
	moment = now
	if l.allowance > 0 && l.synced.Add(-l.allowance).Before(moment) {
		moment = l.synced.Add(-l.allowance)
	}
	for _, b := range l.open {
		if b.begun.Before(moment) {
			moment = b.begun
		}
	}
	if now.Sub(moment) > maxAge || now.Sub(l.synced) > maxAge {
		if why != nil {
			return moment, now, fmt.Errorf("%w: %w", ErrBehind, why)
		}
		return moment, now, ErrBehind
	}
	return moment, now, nil
}

// find looks certificates of one issuer up in memory, all as of one moment. A
// certificate that became good after the last moment that can be told of (another
// change is still being written) is waited for.
func (l *Ledger) find(ctx context.Context, kind pki.Kind, generation int, serials []pki.Serial) (found []finding, moment, now time.Time, err error) {
	for tries := 0; ; tries++ {
		if moment, now, err = l.asOf(ctx); err != nil { // before looking up: see package comment, Time
			return nil, moment, now, err
		}
		if found, ok := l.look(kind, generation, serials, moment); ok {
			return found, moment, now, nil
		}
		if time.Duration(tries)*waitStep > l.allowance+2*time.Second {
			return nil, moment, now, ErrBehind
		}
		select {
		case <-time.After(waitStep):
		case <-ctx.Done():
			return nil, moment, now, ctx.Err()
		}
	}
}

func (l *Ledger) look(kind pki.Kind, generation int, serials []pki.Serial, moment time.Time) ([]finding, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	found := make([]finding, len(serials))
	for n, serial := range serials {
		found[n] = l.index.find(kind, generation, serial)
		if found[n].status == Good && !l.index.tells(serial, moment) {
			return nil, false
		}
	}
	return found, true
}

// Changed moves on when the ledger does: the channel is closed by the change
// after seq.
func (l *Ledger) Changed() (seq int64, moved <-chan struct{}) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.seq, l.changed
}
