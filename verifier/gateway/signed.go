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

// signedIn opens what goes with an answer: exactly what it names in Results. A
// transaction is over one document.
func (g *Gateway) signedIn(a ceremony.Answer, sealed []string) ([]byte, error) {
	if len(sealed) != len(a.Results) || len(sealed) > 1 {
		return nil, errors.New("gateway: the answer names other signed documents than came with it")
	}
	if len(sealed) == 0 {
		return nil, nil
	}
	signed, err := ceremony.OpenSigned(sealed[0], g.c.Decrypt.Key, g.c.Decrypt.Chain[0])
	if err != nil {
		return nil, err
	}
	if len(signed) == 0 || hashOf(signed) != a.Results[0] {
		return nil, errors.New("gateway: the answer names another signed document than came with it")
	}
	return signed, nil
}

// judgeSigned checks the signed document of an answer: over exactly the document that
// was asked about, with the certificate that signed the answer, by the order of
// package document. Its result is kept in a.
func (g *Gateway) judgeSigned(ctx context.Context, a *attempt) error {
	if a.signed == nil {
		return nil
	}
	asked, err := g.c.Store.Document(ctx, a.request.ID)
	if err != nil {
		return fmt.Errorf("gateway: document of %s: %w", a.request.ID, err)
	}
	detached, err := sameDocument(a.asked.Document.Format, asked, a.signed)
	if err != nil {
		return ErrSignedOther.Because(err)
	}
	checker := document.Checker{Arc: g.c.Arc, Status: g.c.Status}
	for _, anchor := range g.c.Anchors {
		checker.Anchors = append(checker.Anchors, document.Anchor{Kind: anchor.Kind, Certificate: anchor.Certificate})
	}
	report := checker.Check(ctx, a.signed, detached, a.at)
	ours := report.Signatures[len(report.Signatures)-1] // earlier ones in a PDF are not this person's to answer for
	switch {
	case ours.Problem != nil && ours.Verdict == ceremony.Indeterminate:
		return ErrStatusUnavailable.Because(ours.Problem) // the answer's own certificate was good a moment ago
	case ours.Problem != nil:
		return ErrSignedWrong.Because(ours.Problem)
	case ours.Format != formatNames[a.asked.Document.Format]:
		return ErrSignedWrong.Because(errors.New("gateway: the document came back in another format than was asked for"))
	case !ours.Certificate.Equal(a.leaf) || ours.Kind != pki.PhoneSign:
		return ErrSignedWrong.Because(errors.New("gateway: the document was signed with another certificate than the answer"))
	}
	text, err := json.Marshal(report.Answer(g.c.Arc))
	if err != nil {
		return fmt.Errorf("gateway: verdict on the document of %s: %w", a.request.ID, err)
	}
	a.document = &Signed{Signature: a.signed, Report: text}
	return nil
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
