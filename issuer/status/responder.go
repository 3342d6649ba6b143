package status

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/profile"
)

const (
	ocspLife  = 10 * time.Minute // thisUpdate to nextUpdate: web servers keep an answer that long
	reuseFor  = ocspLife / 2     // an answer made earlier is given again this long
	maxCached = 1 << 15          // answers kept
)

// Authorities is what the projections need of package ca.
type Authorities interface {
	// Issuers lists all generations of all authorities.
	Issuers() []profile.Issuer
	// Operator is whose authorities they are.
	Operator() profile.Operator
	// Responder is the delegated OCSP responder of one of them, valid now.
	Responder(ctx context.Context, kind pki.Kind, generation int) (*x509.Certificate, crypto.Signer, error)
	// SignCRL signs a tbsCertList.
	SignCRL(ctx context.Context, kind pki.Kind, generation int, tbs []byte) ([]byte, error)
	// FeedSigner is the ops certificate of role feed with its authority, and its key.
	FeedSigner(ctx context.Context) ([]*x509.Certificate, crypto.Signer, error)
}

// Responder answers OCSP requests from a ledger. It is safe for concurrent use.
type Responder struct {
	ledger      *Ledger
	authorities Authorities

	names atomic.Pointer[[]issuerNames]

	mu     sync.RWMutex // guards cached
	cached map[cacheKey]cachedAnswer
}

// issuerNames is how CertIDs name one authority. RFC 6960, section 4.1.1: the key
// hash is over the subjectPublicKey's bits alone.
type issuerNames struct {
	profile.Issuer
	name, key [sha256Hash + 1][]byte // by hashAlgorithm
}

// cacheKey is a certificate and the way a request names it: answers repeat that.
type cacheKey struct {
	kind       pki.Kind
	generation int
	serial     pki.Serial
	raw        [sha256.Size]byte // of the CertID
}

type cachedAnswer struct {
	finding
	answered
}

// answered is an answer and how long it may be kept.
type answered struct {
	der        []byte
	produced   time.Time
	thisUpdate time.Time
	nextUpdate time.Time // zero: not to be kept

	kept *kept // nil: not to be kept
}

// kept is what caches are told of an answer that they may keep, as the headers'
// values: they are made once and sent many times.
type kept struct {
	tag, modified, expires []string
	told                   atomic.Pointer[told]
}

// told is what changes by the second.
type told struct {
	at          int64 // Unix seconds
	whole       bool  // and nothing more: a cache may keep the answer for the whole of the last second
	date, cache []string
}

// keep completes an answer that caches may keep.
func (a answered) keep(until time.Time) answered {
	sum := sha256.Sum256(a.der)
	a.nextUpdate = until
	a.kept = &kept{tag: []string{`"` + hex.EncodeToString(sum[:16]) + `"`},
		modified: []string{a.thisUpdate.Format(http.TimeFormat)}, expires: []string{until.Format(http.TimeFormat)}}
	return a
}

// tell is what is told of a at a moment.
func (a answered) tell(now time.Time) *told {
	at, whole := now.Unix(), now.Nanosecond() == 0
	if t := a.kept.told.Load(); t != nil && t.at == at && t.whole == whole {
		return t
	}
	t := &told{at, whole, []string{now.UTC().Format(http.TimeFormat)},
		[]string{"max-age=" + strconv.FormatInt(secondsLeft(a.nextUpdate, now), 10) + ", public, no-transform, must-revalidate"}}
	a.kept.told.Store(t)
	return t
}

// NewResponder makes a responder.
func NewResponder(ledger *Ledger, authorities Authorities) *Responder {
	return &Responder{ledger: ledger, authorities: authorities, cached: map[cacheKey]cachedAnswer{}}
}

// Answer answers one OCSPRequest. It never fails: what cannot be answered gets
// the error response that RFC 6960, section 2.3, has for it.
func (r *Responder) Answer(ctx context.Context, der []byte) []byte { return r.answer(ctx, der).der }

func (r *Responder) answer(ctx context.Context, der []byte) answered {
	req, err := parseRequest(der)
	if err != nil {
		return answered{der: failure(malformedRequest)}
	}
	// One response has one signer, and a delegated signer speaks for one authority:
	// the first CertID chooses it. What another authority issued is unknown to it.
	issuer, ok := r.issuerOf(req.ids[0])
	if !ok {
		return answered{der: failure(unauthorized)}
	}
	serials := make([]pki.Serial, len(req.ids))
	for n, id := range req.ids {
		if id.ours && issuer.named(id) { // the zero serial is nobody's
			serials[n] = id.serial
		}
	}
	found, moment, now, err := r.ledger.find(ctx, issuer.Kind, issuer.Generation, serials)
	if err != nil {
		return answered{der: failure(tryLater)}
	}
	a := answer{produced: now.UTC().Truncate(time.Second), thisUpdate: moment.UTC().Truncate(time.Second), nonce: req.nonce}
	a.nextUpdate = a.thisUpdate.Add(ocspLife)
	for n, id := range req.ids {
		a.singles = append(a.singles, single{id, found[n]})
	}
	cacheable := len(a.singles) == 1 && a.nonce == nil && a.singles[0].status != ""
	key := cacheKey{issuer.Kind, issuer.Generation, req.ids[0].serial, sha256.Sum256(req.ids[0].raw)}
	if cacheable {
		if c, ok := r.reuse(key, a); ok {
			return c
		}
	}
	responder, signer, err := r.authorities.Responder(ctx, issuer.Kind, issuer.Generation)
	if err != nil {
		return answered{der: failure(tryLater)}
	}
	out := answered{produced: a.produced, thisUpdate: a.thisUpdate}
	if out.der, err = a.encode(responder, signer); err != nil {
		return answered{der: failure(internalError)}
	}
	if cacheable {
		out = out.keep(a.nextUpdate)
		r.keep(key, cachedAnswer{a.singles[0].finding, out})
	}
	return out
}

// reuse gives an answer made earlier when it still says what is true now.
func (r *Responder) reuse(key cacheKey, a answer) (answered, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, ok := r.cached[key]
	age := a.thisUpdate.Sub(c.thisUpdate)
	if !ok || c.finding != a.singles[0].finding || age < 0 || age > reuseFor {
		return answered{}, false
	}
	return c.answered, true
}

func (r *Responder) keep(key cacheKey, c cachedAnswer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.cached) >= maxCached {
		clear(r.cached)
	}
	r.cached[key] = c
}

// issuerOf finds the authority that a CertID names, by the hash of its name and of
// its key: generations share a name.
func (r *Responder) issuerOf(id certID) (*issuerNames, bool) {
	all := r.issuers()
	for n := range all {
		if all[n].named(id) {
			return &all[n], true
		}
	}
	return nil, false
}

// issuers lists the authorities with their hashes, which are computed once.
func (r *Responder) issuers() []issuerNames {
	now := r.authorities.Issuers()
	if known := r.names.Load(); known != nil && len(*known) == len(now) { // generations are only ever added
		return *known
	}
	var names []issuerNames
	for _, i := range now {
		names = append(names, namesOf(i))
	}
	r.names.Store(&names)
	return names
}

func namesOf(i profile.Issuer) issuerNames {
	var spki struct {
		Algorithm asn1.RawValue
		Bits      asn1.BitString
	}
	n := issuerNames{Issuer: i}
	if _, err := asn1.Unmarshal(i.Certificate.RawSubjectPublicKeyInfo, &spki); err != nil {
		return n // nothing names it
	}
	name1, key1 := sha1.Sum(i.Certificate.RawSubject), sha1.Sum(spki.Bits.Bytes)
	name2, key2 := sha256.Sum256(i.Certificate.RawSubject), sha256.Sum256(spki.Bits.Bytes)
	n.name[sha1Hash], n.key[sha1Hash] = name1[:], key1[:]
	n.name[sha256Hash], n.key[sha256Hash] = name2[:], key2[:]
	return n
}

// named says whether id's two hashes are those of i.
func (i *issuerNames) named(id certID) bool {
	return i.key[id.hash] != nil && bytes.Equal(id.keyHash, i.key[id.hash]) && bytes.Equal(id.nameHash, i.name[id.hash])
}
