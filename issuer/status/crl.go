package status

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tegata/internal/audit"
	"tegata/issuer/profile"
)

const (
	crlLife  = 48 * time.Hour   // thisUpdate to nextUpdate
	crlDaily = 24 * time.Hour   // re-issued at least this often, if anybody asks
	crlPause = 30 * time.Second // a scope is signed at most this often: changes in between come together
)

// ErrNoScope: there is no such partition; no certificate was ever issued in it.
var ErrNoScope = errors.New("status: no such CRL")

// errTooEarly: the list shows a change that is later than its thisUpdate would be.
var errTooEarly = errors.New("status: a CRL would tell the future")

// CRLs makes the revocation lists. They are made when one is fetched and the kept
// one is too old or shows too little, so that time in which nobody asks costs
// nothing. It is safe for concurrent use.
type CRLs struct {
	ledger      *Ledger
	store       Store
	authorities Authorities

	mu     sync.Mutex // guards scopes
	scopes map[Scope]*scope
}

// scope lets one caller make a scope's CRL while the others wait for it.
type scope struct {
	mu   sync.Mutex // guards last
	last CRL        // zero: not read yet
}

// NewCRLs makes the lists of a ledger's store.
func NewCRLs(ledger *Ledger, store Store, authorities Authorities) *CRLs {
	return &CRLs{ledger: ledger, store: store, authorities: authorities, scopes: map[Scope]*scope{}}
}

// Current is the CRL of a scope as of now: at most 30 seconds behind the ledger
// and at most a day old. ErrNoScope when there is no such partition, ErrBehind
// when what is known is too old to be signed.
func (l *CRLs) Current(ctx context.Context, s Scope) (CRL, error) {
	issuer, ok := l.issuer(s)
	if !ok {
		return CRL{}, ErrNoScope
	}
	if _, ok, err := l.store.ChangedSeq(ctx, s); err != nil {
		return CRL{}, fmt.Errorf("status: CRL: %w", err)
	} else if !ok {
		return CRL{}, ErrNoScope // before a stranger's name takes any memory
	}
	l.mu.Lock()
	one := l.scopes[s]
	if one == nil {
		one = &scope{}
		l.scopes[s] = one
	}
	l.mu.Unlock()

	one.mu.Lock()
	defer one.mu.Unlock()
	for range 400 { // another process may be first, or another change unfinished
		moment, now, err := l.ledger.asOf(ctx)
		if err != nil {
			return CRL{}, err
		}
		fresh, err := l.fresh(ctx, s, one, now)
		if err != nil || fresh {
			return one.last, err
		}
		next, kept, err := l.make(ctx, issuer, s, one.last, moment)
		if errors.Is(err, errTooEarly) {
			time.Sleep(waitStep) // a change is being written while a later one is there already
			continue
		}
		if err != nil {
			return CRL{}, err
		}
		if kept {
			one.last = next
			return next, nil
		}
		one.last = CRL{}
	}
	return CRL{}, fmt.Errorf("%w: others keep signing this CRL", ErrBehind)
}

func (l *CRLs) issuer(s Scope) (profile.Issuer, bool) {
	for _, i := range l.authorities.Issuers() {
		if i.Kind == s.Kind && i.Generation == s.Generation {
			return i, true
		}
	}
	return profile.Issuer{}, false
}

// fresh says whether the last CRL still does.
func (l *CRLs) fresh(ctx context.Context, s Scope, one *scope, now time.Time) (bool, error) {
	if one.last.Number == 0 {
		last, _, err := l.store.LatestCRL(ctx, s)
		if err != nil {
			return false, fmt.Errorf("status: CRL: %w", err)
		}
		one.last = last
	}
	age := now.Sub(one.last.ThisUpdate)
	if one.last.Number == 0 || age >= crlDaily {
		return false, nil
	}
	if age < crlPause {
		return true, nil
	}
	changed, _, err := l.store.ChangedSeq(ctx, s)
	if err != nil {
		return false, fmt.Errorf("status: CRL: %w", err)
	}
	return changed <= one.last.Seq, nil
}

// make signs and keeps the next CRL of a scope. moment was taken before the ledger
// is read: nothing revoked before it is missing.
func (l *CRLs) make(ctx context.Context, i profile.Issuer, s Scope, last CRL, moment time.Time) (CRL, bool, error) {
	next := CRL{Number: last.Number + 1, ThisUpdate: moment.UTC().Truncate(time.Second)}
	next.NextUpdate = next.ThisUpdate.Add(crlLife)
	// RFC 5280, section 3.3: an entry stays until one CRL was issued after the
	// certificate's end. The last CRL was that one for all that ended before it.
	ended := last.ThisUpdate
	if last.Number == 0 {
		ended = next.ThisUpdate
	}
	seq, at, entries, err := l.store.Listed(ctx, s, ended)
	if err != nil {
		return CRL{}, false, fmt.Errorf("status: CRL: %w", err)
	}
	if at.Truncate(time.Second).After(next.ThisUpdate) {
		return CRL{}, false, errTooEarly
	}
	next.Seq = seq
	tbs, err := tbsCertList(l.authorities.Operator(), i, s, next, entries)
	if err != nil {
		return CRL{}, false, err
	}
	if next.DER, err = l.authorities.SignCRL(ctx, s.Kind, s.Generation, tbs); err != nil {
		return CRL{}, false, fmt.Errorf("status: CRL: %w", err)
	}
	kept, err := l.store.KeepCRL(ctx, audit.System("issuer"), s, next)
	if err != nil {
		return CRL{}, false, fmt.Errorf("status: CRL: %w", err)
	}
	return next, kept, nil
}
