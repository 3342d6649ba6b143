package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tegata/internal/c14n"
	"tegata/internal/ceremony"
	"tegata/internal/pades"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/internal/signable"
	"tegata/internal/xades"
	"tegata/verifier/document"
)

// What a signed document that came with an answer can fail on. The answer itself is
// the holder's by then, so that each of them is a verdict.
var (
	ErrSignedOther = problem.NewRefused(403, "signed-other-document",
		"署名されたものが、依頼された文書と違います。", "相手には何も渡していません。アプリを新しくして、もう一度やり直してください。",
		"What was signed is not the document that was asked about.", "Nothing was given. Update the app and begin again.")
	ErrSignedWrong = problem.NewRefused(403, "signed-document-invalid",
		"文書の署名が正しくありません。", "相手には何も渡していません。アプリを新しくして、もう一度やり直してください。",
		"The document's signature does not hold.", "Nothing was given. Update the app and begin again.")
)

// signedIn opens what goes with an answer: exactly what it names in Results, in that
// order.
func (g *Gateway) signedIn(a ceremony.Answer, sealed []string) ([][]byte, error) {
	if len(sealed) != len(a.Results) {
		return nil, errors.New("gateway: the answer names other signed documents than came with it")
	}
	var all [][]byte
	for i, s := range sealed {
		signed, err := ceremony.OpenSigned(s, g.c.Decrypt.Key, g.c.Decrypt.Chain[0])
		if err != nil {
			return nil, err
		}
		if len(signed) == 0 || hashOf(signed) != a.Results[i] {
			return nil, errors.New("gateway: the answer names another signed document than came with it")
		}
		all = append(all, signed)
	}
	return all, nil
}

// judgeSigned checks every signed document of an answer, in the order in which they were
// asked about; the first that does not hold fails them all. What is found good is kept
// in a.
func (g *Gateway) judgeSigned(ctx context.Context, a *attempt) error {
	checker := document.Checker{Arc: g.c.Arc, Status: g.c.Status}
	for _, anchor := range g.c.Anchors {
		checker.Anchors = append(checker.Anchors, document.Anchor{Kind: anchor.Kind, Certificate: anchor.Certificate})
	}
	a.judged = nil // it may be judged anew
	for i, d := range a.asked.ToSign() {
		good, err := g.judgeOne(ctx, a, checker, d, i)
		if err != nil {
			a.wrong = i + 1
			if p, ok := errors.AsType[*problem.Problem](err); ok && len(a.signed) > 1 {
				return p.With("document", d.Name)
			}
			return err
		}
		a.judged = append(a.judged, good)
	}
	return nil
}

// judgeOne checks one signed document: over exactly the document that was asked about,
// with the certificate that signed the answer, by the order of package document.
func (g *Gateway) judgeOne(ctx context.Context, a *attempt, checker document.Checker, d ceremony.Document, i int) (good Signed, err error) {
	asked, err := g.c.Store.Document(ctx, a.request.ID, i+1)
	if err != nil {
		return good, fmt.Errorf("gateway: document of %s: %w", a.request.ID, err)
	}
	detached, err := sameDocument(d.Format, asked, a.signed[i])
	if err != nil {
		return good, ErrSignedOther.Because(err)
	}
	report := checker.Check(ctx, a.signed[i], detached, a.at)
	ours := report.Signatures[len(report.Signatures)-1] // earlier ones in a PDF are not this person's to answer for
	switch {
	case ours.Problem != nil && ours.Verdict == ceremony.Indeterminate:
		return good, ErrStatusUnavailable.Because(ours.Problem) // the answer's own certificate was good a moment ago
	case ours.Problem != nil:
		return good, ErrSignedWrong.Because(ours.Problem)
	case ours.Format != formatNames[d.Format]:
		return good, ErrSignedWrong.Because(errors.New("gateway: the document came back in another format than was asked for"))
	case !ours.Certificate.Equal(a.leaf) || ours.Kind != pki.PhoneSign:
		return good, ErrSignedWrong.Because(errors.New("gateway: the document was signed with another certificate than the answer"))
	}
	text, err := json.Marshal(report.Answer(g.c.Arc))
	if err != nil {
		return good, fmt.Errorf("gateway: verdict on the document of %s: %w", a.request.ID, err)
	}
	return Signed{Signature: a.signed[i], Report: text}, nil
}

// formatNames are the formats as verdicts name them.
var formatNames = map[string]string{signable.CAdES: "CAdES", signable.PAdES: "PAdES", signable.XAdES: "XAdES"}

// sameDocument returns nil when signed is asked with one signature more and nothing
// else, and what a detached signature is over. Whether the signature holds is not
// looked at.
func sameDocument(format string, asked, signed []byte) (detached []byte, err error) {
	switch format {
	case signable.CAdES:
		return asked, nil
	case signable.PAdES:
		return nil, samePDF(asked, signed)
	case signable.XAdES:
		return nil, sameXML(asked, signed)
	}
	return nil, fmt.Errorf("gateway: no format %q", format)
}

// samePDF makes the file anew from what was asked about and the message in it: an
// update that also changed a page, before the signature, would be covered by it.
func samePDF(asked, signed []byte) error {
	all, err := pades.Signatures(signed)
	if err != nil {
		return err
	}
	s := all[len(all)-1]
	draft, err := pades.Prepare(asked, pades.Options{At: s.Moment, Name: s.Name, Reason: s.Reason, Field: s.Field, Room: (s.ByteRange[2] - s.ByteRange[1] - 2) / 2})
	if err != nil {
		return err
	}
	same, err := draft.Embed(s.CMS)
	if err != nil {
		return err
	}
	if !bytes.Equal(same, signed) {
		return errors.New("gateway: more than a signature was added to the PDF")
	}
	return nil
}

// sameXML compares the canonical form of what was asked about with the octets that the
// enveloped signature is over.
func sameXML(asked, signed []byte) error {
	all, err := xades.Signatures(signed, nil)
	if err != nil {
		return err
	}
	s := all[0]
	if len(all) != 1 || s.Form != xades.Enveloped || len(s.Contents) != 1 {
		return errors.New("gateway: not one enveloped signature")
	}
	doc, err := c14n.Parse(asked)
	if err != nil {
		return err
	}
	octets, err := c14n.Method{}.Document(doc, nil)
	if err != nil {
		return err
	}
	if !bytes.Equal(octets, s.Contents[0].Octets) {
		return errors.New("gateway: another XML document was signed")
	}
	return nil
}
