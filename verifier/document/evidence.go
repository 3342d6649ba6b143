package document

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"tegata/internal/pki"
)

// Evidence is all that a verdict rests on: whoever has it makes the same verdict
// again, years later and without asking anybody. It is JSON, so that other people's
// programs can take it apart: every member of it is DER in base64, or text.
type Evidence struct {
	Version  int       `json:"tegata_evidence"` // 1
	At       time.Time `json:"checked_at"`
	Arc      string    `json:"oid_arc"`
	Messages []Message `json:"messages"`
	// Certificates are the paths from signers, time-stamp authorities down to anchors.
	Certificates [][]byte         `json:"certificates"`
	OCSP         [][]byte         `json:"ocsp"`
	TimeStamps   [][]byte         `json:"time_stamps"` // those in the messages, once more
	Anchors      []EvidenceAnchor `json:"anchors"`
	Verdict      Answer           `json:"verdict"`
}

// Message is a signed document and, for a detached signature, what it is over.
type Message struct {
	Signed  []byte `json:"signed"`
	Content []byte `json:"content"` // null: inside
}

// EvidenceAnchor is an authority that the verdict believed.
type EvidenceAnchor struct {
	Kind        pki.Kind `json:"kind"`
	Certificate []byte   `json:"certificate"`
}

const evidenceVersion = 1

// Keeper is given to certpath.OCSP.Keep: it keeps the answers of one check.
type Keeper struct {
	mu      sync.Mutex // guards answers
	answers [][]byte
}

// Keep keeps an answer.
func (k *Keeper) Keep(der []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answers = append(k.answers, bytes.Clone(der))
}

// Answers are those that were kept.
func (k *Keeper) Answers() [][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.answers)
}

// CheckAll checks messages as of at, and makes one report of them.
func (c Checker) CheckAll(ctx context.Context, messages []Message, at time.Time) Report {
	c = c.asking()
	var reports []Report
	for _, m := range messages {
		reports = append(reports, c.Check(ctx, m.Signed, m.Content, at))
	}
	return Together(reports...)
}

// Evidence puts together what a report of c rests on. answers are those that status
// sources gave on the way: a report that rests on other sources (a feed) cannot be
// made again from its evidence, and Recheck says so.
func (c Checker) Evidence(messages []Message, answers [][]byte, r Report) Evidence {
	e := Evidence{Version: evidenceVersion, At: r.At, Arc: c.Arc.String(), Messages: messages, OCSP: slices.Concat(c.Kept, answers), Verdict: r.Answer(c.Arc)}
	add := func(path []*x509.Certificate) {
		for _, cert := range path {
			if !slices.ContainsFunc(e.Certificates, func(der []byte) bool { return bytes.Equal(der, cert.Raw) }) {
				e.Certificates = append(e.Certificates, cert.Raw)
			}
		}
	}
	for _, s := range r.Signatures {
		add(s.Path)
		for _, t := range s.TimeStamps {
			add(t.Path)
		}
	}
	for _, m := range messages {
		found, err := c.read(m.Signed, m.Content)
		if err != nil {
			continue // the verdict says so
		}
		for _, s := range found {
			for _, t := range s.TimeStamps {
				e.TimeStamps = append(e.TimeStamps, t.DER)
			}
			e.OCSP = append(e.OCSP, s.OCSP...)
		}
	}
	for _, a := range c.Anchors {
		e.Anchors = append(e.Anchors, EvidenceAnchor{a.Kind, a.Certificate.Raw})
	}
	return e
}

// ParseEvidence reads evidence. ErrEvidence when it is none.
func ParseEvidence(text []byte) (Evidence, error) {
	var e Evidence
	decode := json.NewDecoder(bytes.NewReader(text))
	decode.DisallowUnknownFields()
	if err := decode.Decode(&e); err != nil {
		return e, ErrEvidence.Because(err)
	}
	if e.Version != evidenceVersion || len(e.Messages) == 0 || len(e.Messages) > maxSignatures {
		return e, ErrEvidence
	}
	return e, nil
}

// Recheck makes the verdict again from nothing but the evidence, as of the moment that
// it tells, and asks nobody. trusted are the authorities that the caller believes; nil
// believes those in the evidence, which then proves no more than that it fits together.
//
// Errors: ErrEvidence; ErrEvidenceAnchors when it rests on an authority that is not
// among trusted; ErrEvidenceDiffers when the verdict is not the one that it tells. The
// report is the one made now, also with ErrEvidenceDiffers.
func (e Evidence) Recheck(ctx context.Context, trusted []Anchor) (Report, error) {
	arc, err := pki.ParseArc(e.Arc)
	if err != nil {
		return Report{}, ErrEvidence.Because(err)
	}
	c := Checker{Arc: arc, Kept: e.OCSP}
	for _, a := range e.Anchors {
		cert, err := x509.ParseCertificate(a.Certificate)
		if err != nil {
			return Report{}, ErrEvidence.Because(err)
		}
		if trusted != nil && !slices.ContainsFunc(trusted, func(t Anchor) bool { return t.Kind == a.Kind && t.Certificate.Equal(cert) }) {
			return Report{}, ErrEvidenceAnchors
		}
		c.Anchors = append(c.Anchors, Anchor{a.Kind, cert})
	}
	r := c.CheckAll(ctx, e.Messages, e.At)
	told, err := json.Marshal(e.Verdict)
	if err != nil {
		return r, ErrEvidence.Because(err)
	}
	made, err := json.Marshal(r.Answer(arc))
	if err != nil {
		return r, err
	}
	if !bytes.Equal(told, made) {
		return r, ErrEvidenceDiffers
	}
	return r, nil
}
