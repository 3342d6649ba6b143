package document

import (
	"context"
	"crypto"
	"crypto/sha256"
	"fmt"
	"slices"

	"tegata/internal/pades"
	"tegata/internal/xades"
)

// inside is how a format takes what Augment adds when signature and evidence are parts
// of the document itself: PDF and XML.
type inside interface {
	stamp(ctx context.Context, data []byte) ([]byte, error)
	values(data []byte, certificates, answers [][]byte) ([]byte, error)
	archive(ctx context.Context, data []byte) ([]byte, error)
}

// raise brings a document whose signatures have all passed to a level. A document of
// several signatures is as high as its lowest.
func (a Augmenter) raise(ctx context.Context, f inside, data, content []byte, now Report, to Level) ([]byte, error) {
	ranks := []string{"B-B", string(LevelT), string(LevelLT), string(LevelLTA)}
	have := len(ranks)
	for _, s := range now.Signatures {
		have = min(have, max(0, slices.Index(ranks, s.Level)))
	}
	var err error
	if have == 0 {
		if data, err = f.stamp(ctx, data); err != nil {
			return nil, fmt.Errorf("document: time-stamp: %w", err)
		}
	}
	// What was inside before serves again, but for the archive time-stamp that another one
	// is to be put over.
	if to != LevelT && (have < 2 || to == LevelLTA && have == 3) {
		certificates, answers, err := a.evidence(ctx, data, content)
		if err != nil {
			return nil, err
		}
		if data, err = f.values(data, certificates, answers); err != nil {
			return nil, fmt.Errorf("document: evidence: %w", err)
		}
	}
	if to == LevelLTA {
		if data, err = f.archive(ctx, data); err != nil {
			return nil, fmt.Errorf("document: archive time-stamp: %w", err)
		}
	}
	return data, nil
}

// evidence collects the certificates above each signer and each time-stamp authority of a
// document, and an OCSP answer about each that is no older than the time-stamp.
func (a Augmenter) evidence(ctx context.Context, data, content []byte) (certificates, answers [][]byte, err error) {
	r := a.Checker.Check(ctx, data, content, a.Now())
	if r.Problem != nil {
		return nil, nil, r.Problem
	}
	for _, s := range r.Signatures {
		answer, err := a.answer(ctx, s.Path, s.Proven)
		if err != nil {
			return nil, nil, err
		}
		answers = append(answers, answer)
		for _, c := range s.Path {
			certificates = append(certificates, c.Raw)
		}
		for _, t := range s.TimeStamps {
			if t.Problem != nil {
				continue // it proves nothing, and nothing will make it
			}
			answer, err := a.answer(ctx, t.Path, t.Time)
			if err != nil {
				return nil, nil, err
			}
			answers = append(answers, answer)
			for _, c := range t.Path {
				certificates = append(certificates, c.Raw)
			}
		}
	}
	return certificates, answers, nil
}

// inPDF adds document time-stamps and a document security store, each in an update of
// its own (ETSI EN 319 142-1, 6.3: a document time-stamp makes B-T too).
type inPDF struct{ a Augmenter }

func (f inPDF) stamp(ctx context.Context, data []byte) ([]byte, error) {
	d, err := pades.PrepareDocTimeStamp(data, pades.Options{})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(d.Content())
	_, der, err := f.a.Stamp(ctx, crypto.SHA256, sum[:])
	if err != nil {
		return nil, err
	}
	return d.Embed(der)
}

func (f inPDF) values(data []byte, certificates, answers [][]byte) ([]byte, error) {
	return pades.AddDSS(data, pades.Evidence{Certificates: certificates, OCSP: answers})
}

func (f inPDF) archive(ctx context.Context, data []byte) ([]byte, error) { return f.stamp(ctx, data) }

// inXML adds the unsigned properties of XAdES.
type inXML struct {
	a       Augmenter
	content []byte
}

func (f inXML) token(ctx context.Context, imprint []byte) ([]byte, error) {
	_, der, err := f.a.Stamp(ctx, crypto.SHA256, imprint)
	return der, err
}

func (f inXML) stamp(ctx context.Context, data []byte) ([]byte, error) {
	return xades.AddSignatureTimeStamp(ctx, data, f.content, f.token)
}

func (f inXML) values(data []byte, certificates, answers [][]byte) ([]byte, error) {
	return xades.AddValues(data, f.content, certificates, answers)
}

func (f inXML) archive(ctx context.Context, data []byte) ([]byte, error) {
	return xades.AddArchiveTimeStamp(ctx, data, f.content, f.token)
}
