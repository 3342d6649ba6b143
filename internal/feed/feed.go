// Package feed is the change feed of certificate status: signed batches that an
// issuer sends to registered verifiers, so that a verifier knows who is revoked
// without ever asking about one person.
//
// It owns the batch, its signature, and the follower's side: an Index that
// accepts only what continues what it has. Where batches come from (the issuer's
// ledger) and what an unknown status means for a login are left to the parties.
//
// A feed is one snapshot, in as many batches as its size needs, then batches of
// changes, then an empty batch every 10 seconds while nothing happens. It holds
// every certificate that was issued and has not long expired, good ones too: what
// is not in it is unknown.
//
// Over HTTP: GET /v1/status/changes?after=SEQ&prev=HASH with the verifier's client
// assertion. The answer is one batch that continues (SEQ, HASH), as compact JWS
// (MediaType), at once when there is something and after Heartbeat at the latest.
// after=0 without prev asks for a snapshot. 409 Conflict says that the issuer
// knows no such position: the follower begins again. Since a batch names the
// follower's own position, the issuer may sign one for each follower and keep no
// chain itself.
//
// # Trust
//
// The line is not trusted: a batch counts by its signature and by fitting what
// came before. A gap, a step back, or silence longer than MaxAge makes the whole
// index stale, and a stale index answers nothing.
package feed

import (
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/jws"
)

var batchKind = jws.Kind{Typ: "tegata-feed+jwt", Algs: []jose.SignatureAlgorithm{jws.ES256}, MaxBytes: 1 << 20}

// MediaType of a batch over HTTP.
const MediaType = "application/tegata-feed+jwt"

// Limits.
const (
	Heartbeat  = 10 * time.Second // an empty batch at least this often
	MaxAge     = 60 * time.Second // older than this: could not check
	MaxEntries = 2000             // in one batch: half a megabyte
)

// Status of a certificate in the feed.
type Status string

// The three states. A certificate that is not in the feed is unknown.
const (
	Good    Status = "good"
	Held    Status = "held" // certificateHold
	Revoked Status = "revoked"
)

// Entry is one change of one certificate, or its latest state in a snapshot.
type Entry struct {
	Seq       uint64 `json:"seq"`       // of the issuer's ledger, 1 and up
	Authority string `json:"authority"` // "phone-auth" …, as in the CRL addresses
	Serial    string `json:"serial"`    // 32 lower-case hex digits
	Status    Status `json:"status"`
	Reason    int    `json:"reason,omitempty"`        // RFC 5280, section 5.3.1; 6 with held
	AtMS      int64  `json:"at_ms"`                   // when this state began, milliseconds since 1970
	GoodMS    int64  `json:"good_since_ms,omitempty"` // the moment the pair became good; 0 when it never was
}

// Batch covers the changes with From < Seq <= To.
//
// The first batch of a snapshot has From 0 and an empty Prev; Snapshot batches
// leave out changes that later ones replaced. Every further batch continues: From
// is the last To, Prev is the hash of the batch that ended there. An empty batch
// (From == To) only says that the feed is alive: it does not become the previous
// batch of the next.
type Batch struct {
	Issuer   string  `json:"iss"`
	From     uint64  `json:"from"`
	To       uint64  `json:"to"`
	Prev     string  `json:"prev"` // base64url SHA-256 of the compact form, or ""
	AtMS     int64   `json:"at_ms"`
	Snapshot bool    `json:"snapshot,omitempty"`
	More     bool    `json:"more,omitempty"` // snapshot: further batches follow at once
	Entries  []Entry `json:"entries"`
}

// What can be wrong with a batch.
var (
	ErrMalformed = jws.ErrMalformed
	// ErrOtherIssuer: the batch is of another issuer's feed.
	ErrOtherIssuer = errors.New("feed: a batch of another issuer's feed")
	// ErrGap: the batch does not continue what the index has.
	ErrGap = errors.New("feed: does not continue the last batch")
	// ErrBack: the batch is older than what the index has.
	ErrBack = errors.New("feed: a step back")
	// ErrStale: nothing fresh enough to answer from.
	ErrStale = errors.New("feed: silent for too long")
)

// Sign checks b and signs it with an ops key of role feed. Hash of the result is
// the Prev of the next batch, unless b is empty.
func Sign(signer crypto.Signer, chain []*x509.Certificate, b Batch) (string, error) {
	if b.Entries == nil {
		b.Entries = []Entry{}
	}
	if err := b.check(); err != nil {
		return "", err
	}
	return jws.Sign(batchKind, signer, chain, b)
}

// Parse reads a batch and checks its form, not its signature.
func Parse(compact string) (*jws.Message[Batch], error) {
	m, err := jws.Parse[Batch](batchKind, compact)
	if err != nil {
		return nil, err
	}
	if err := m.Unverified().check(); err != nil {
		return nil, err
	}
	return m, nil
}

// Hash returns what the next batch must name as Prev.
func Hash(compact string) string { return jws.Hash(compact) }

func (b Batch) check() error {
	if b.Issuer == "" || len(b.Issuer) > 200 || b.AtMS <= 0 || b.To < b.From || len(b.Entries) > MaxEntries {
		return fmt.Errorf("%w: batch", ErrMalformed)
	}
	if b.Prev != "" && len(b.Prev) != 43 || b.More && !b.Snapshot {
		return fmt.Errorf("%w: batch", ErrMalformed)
	}
	if b.From == 0 && b.Prev == "" && !b.Snapshot {
		return fmt.Errorf("%w: a feed begins with a snapshot", ErrMalformed)
	}
	if b.From != 0 && b.Prev == "" {
		return fmt.Errorf("%w: only the beginning has no previous batch", ErrMalformed)
	}
	if !b.Snapshot && uint64(len(b.Entries)) != b.To-b.From {
		return fmt.Errorf("%w: a batch of changes leaves none out", ErrMalformed)
	}
	last := b.From
	for _, e := range b.Entries {
		if e.Seq <= last || e.Seq > b.To || !b.Snapshot && e.Seq != last+1 {
			return fmt.Errorf("%w: entries out of order", ErrMalformed)
		}
		last = e.Seq
		if err := e.check(); err != nil {
			return err
		}
	}
	return nil
}

func (e Entry) check() error {
	serial, err := hex.DecodeString(e.Serial)
	if err != nil || len(serial) != 16 || hex.EncodeToString(serial) != e.Serial {
		return fmt.Errorf("%w: serial", ErrMalformed)
	}
	if e.Authority == "" || len(e.Authority) > 40 || e.AtMS <= 0 || e.GoodMS < 0 {
		return fmt.Errorf("%w: entry", ErrMalformed)
	}
	switch e.Status {
	case Good:
		if e.Reason != 0 || e.GoodMS == 0 {
			return fmt.Errorf("%w: a good certificate has a moment and no reason", ErrMalformed)
		}
	case Held:
		// RFC 5280, section 5.3.1: certificateHold is 6.
		if e.Reason != 6 {
			return fmt.Errorf("%w: a held certificate has reason 6", ErrMalformed)
		}
	case Revoked:
		// RFC 5280, section 5.3.1: 7 is not used; 6 and 8 are not final.
		if e.Reason < 0 || e.Reason > 10 || e.Reason == 6 || e.Reason == 7 || e.Reason == 8 {
			return fmt.Errorf("%w: reason", ErrMalformed)
		}
	default:
		return fmt.Errorf("%w: status", ErrMalformed)
	}
	return nil
}
