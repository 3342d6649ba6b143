package document

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"slices"

	"tegata/internal/cms"
	"tegata/internal/pades"
	"tegata/internal/problem"
)

// padesFormat reads PDF files (ETSI EN 319 142-1).
type padesFormat struct{}

// Is looks for the header. ISO 32000-1, 7.5.2, has it begin the file.
func (padesFormat) Is(data []byte) bool { return bytes.HasPrefix(data, []byte("%PDF-")) }

// Read returns the signatures of the file in the order in which they were made. Document
// time-stamps are time-stamps of the signatures before them, and the document security
// store is everybody's.
func (padesFormat) Read(data, content []byte) ([]Signature, error) {
	if content != nil && !bytes.Equal(content, data) {
		return nil, ErrContentChanged.Because(errors.New("document: a PDF signature is over the PDF that it is in"))
	}
	fields, err := pades.Signatures(data)
	if err != nil {
		return nil, fromPAdES(err)
	}
	store, err := storeOf(data, fields)
	if err != nil {
		return nil, err
	}
	var out []Signature
	for i, f := range fields {
		if f.DocTimeStamp() {
			continue
		}
		s, err := store.signature(f, i)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// pdfStore is what a file holds for all of its signatures.
type pdfStore struct {
	fields   []*pades.Signature
	evidence Signature     // certificates and OCSP answers of the document security store
	at       int           // the revision that last added to it; 0: there is none
	messages []*cms.Signed // of each field; nil for a document time-stamp
	tokens   [][][]byte
}

// storeOf gathers the store and, for each field, its message and the time-stamp tokens
// that its revision brought: a later document time-stamp is over them.
func storeOf(data []byte, fields []*pades.Signature) (pdfStore, error) {
	store := pdfStore{fields: fields, messages: make([]*cms.Signed, len(fields)), tokens: make([][][]byte, len(fields))}
	kept, err := pades.ReadEvidence(data)
	if err != nil {
		return store, fromPAdES(err)
	}
	for _, der := range kept.Certificates {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return store, Malformed(err)
		}
		store.evidence.Certificates = append(store.evidence.Certificates, c)
	}
	store.evidence.OCSP = kept.OCSP
	for _, c := range fields[0].Later {
		if c.Added == pades.AddedEvidence {
			store.at = max(store.at, c.Revision)
		}
	}
	for i, f := range fields {
		if f.DocTimeStamp() {
			store.tokens[i] = [][]byte{f.CMS}
			continue
		}
		if f.SubFilter != pades.SubFilterCAdES {
			return store, ErrPDFKind
		}
		m, err := cms.ParsePAdES(f.CMS)
		if err != nil {
			return store, FromCMS(err)
		}
		store.messages[i], store.tokens[i] = m, m.SignatureTimeStamps()
	}
	return store, nil
}

// signature makes a Signature of field i.
func (p pdfStore) signature(f *pades.Signature, i int) (Signature, error) {
	m := p.messages[i]
	s, err := FromMessage("PAdES", m)
	if err != nil {
		return Signature{}, err
	}
	s.Claimed = f.Moment
	s.Verify = func() error { return FromCMS(m.Verify(f.Content)) }
	if err := f.Intact(); err != nil {
		s.Findings = append(s.Findings, ErrChangedAfter.Because(err))
	}
	s.Certificates = slices.Concat(s.Certificates, p.evidence.Certificates)
	s.OCSP = slices.Concat(s.OCSP, p.evidence.OCSP)
	archived := false
	for j, later := range p.fields[i+1:] {
		if !later.DocTimeStamp() {
			continue
		}
		s.TimeStamps = append(s.TimeStamps, p.documentStamp(later, i+1+j))
		archived = archived || p.at > 0 && later.Revision > p.at
	}
	// EN 319 142-1, 6.3: a time-stamp, what checks it later, and a time-stamp over that.
	switch {
	case len(s.TimeStamps) == 0:
		s.Level = "B-B"
	case len(s.OCSP) == 0:
		s.Level = "B-T"
	case !archived:
		s.Level = "B-LT"
	default:
		s.Level = "B-LTA"
	}
	return s, nil
}

// documentStamp is the document time-stamp in field j: it is over the whole file up to
// itself, the tokens before it included.
func (p pdfStore) documentStamp(f *pades.Signature, j int) TimeStamp {
	covered := slices.Concat(p.tokens[:j]...)
	return TimeStamp{
		DER: f.CMS,
		Imprint: func(h crypto.Hash) []byte {
			sum := h.New()
			sum.Write(f.Content)
			return sum.Sum(nil)
		},
		Covers: func(token []byte) bool {
			return slices.ContainsFunc(covered, func(c []byte) bool { return bytes.Equal(c, token) })
		},
	}
}

// fromPAdES turns an error of package pades into one of this package's problems.
func fromPAdES(err error) error {
	for _, known := range []struct {
		is   error
		says *problem.Problem
	}{
		{pades.ErrNoSignature, ErrNoSignature}, {pades.ErrEncrypted, ErrEncrypted},
		{pades.ErrByteRange, ErrPartly}, {pades.ErrContents, ErrPartly}, {pades.ErrDuplicateField, ErrPartly},
	} {
		if errors.Is(err, known.is) {
			return known.says.Because(err)
		}
	}
	return Malformed(err)
}
