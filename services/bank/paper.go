package bank

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"tegata/internal/ui"
	"tegata/services/guardian"
	"tegata/services/relying"
)

// PaperKind is what a paper does.
type PaperKind string

// Release ends the hold on an account. Agree is a guardian's consent, which is not kept as a
// paper but as a consent.
const (
	Release PaperKind = "release"
	Agree   PaperKind = "consent"
)

// Paper is a document about an application, beside it, which somebody signs.
type Paper struct {
	ID          string
	Kind        PaperKind
	Application string
	Sub         string // of who signs
	Who         Attributes
	Document    []byte
	Signature   []byte // detached CMS; nil until it is signed
	Record      Record
	At          time.Time
	Consent     guardian.Consent // of Agree
	To          string           // of Agree: the page where its outcome is shown
}

// Lines are the document's, for a page.
func (p Paper) Lines() []string { return Draft{Document: p.Document}.Lines() }

// DrawRelease writes the request to end the hold on a customer's account of a product. It
// returns ErrNotFound, and ErrMoved when there is none to end.
func (b *Bank) DrawRelease(ctx context.Context, sub string, who Attributes, p Product) (Paper, error) {
	a, err := b.conf.Store.Current(ctx, sub, p)
	if err == nil && !a.Held() {
		err = ErrMoved
	}
	if err == nil && !who.whole() {
		err = ErrFacts
	}
	if err != nil {
		return Paper{}, err
	}
	v := Paper{ID: rand.Text(), Kind: Release, Application: a.ID, Sub: sub, Who: who}
	v.Document = releaseText(v, a, b.conf.Now())
	return v, nil
}

func releaseText(p Paper, a Application, at time.Time) []byte {
	var s strings.Builder
	line := func(label, value string) { fmt.Fprintf(&s, "%s：%s\n", label, value) }
	s.WriteString("口座の停止を解く申込書\n手形銀行 御中\n\n")
	line("受付番号", p.ID)
	line("申込日", ui.Date(ui.JA, at.In(japan)))
	line("氏名", p.Who.Name)
	line("住所", p.Who.Address)
	line("生年月日", ui.Date(ui.JA, p.Who.Born()))
	line("口座", productWords[a.Choices.Product][0]+" "+a.Number)
	s.WriteString("\n口座は私の意思で開きました。だれかに言われて署名しているのではありません。上の口座の停止を解いてください。\n")
	s.WriteString("I opened the account of my own will, and nobody makes me sign this. End the hold on it.\n")
	return []byte(s.String())
}

// ReceivePaper checks what was signed by itself, compares it with the login in which it was,
// and does what it asks for. The same paper again changes nothing. It returns ErrSignature,
// what the store and package guardian say of the kind, and errors of the verifier.
func (b *Bank) ReceivePaper(ctx context.Context, p Paper, login Attributes, s relying.Signed) error {
	if p.Kind == Agree {
		return b.agree(ctx, p.Consent, guardianOf(p.Sub, login), s)
	}
	if s.Verdict != relying.Passed || s.Sub != p.Sub || login != p.Who {
		return ErrSignature
	}
	var err error
	if p.Record, err = b.recorded(ctx, s.Signature, p.Document, p.Who.Name); err != nil {
		return err
	}
	p.Signature, p.At = s.Signature, b.conf.Now()
	if p.Kind != Release {
		return fmt.Errorf("bank: paper %q", p.Kind)
	}
	a, err := b.conf.Store.Application(ctx, p.Application)
	if err != nil {
		return err
	}
	until := p.At.Add(Cooling)
	return b.conf.Store.Release(ctx, p.At, p, until, b.word(a.Choices.Product, true, until))
}

// recorded has a signature checked now, and is the record of it. It returns ErrSignature when
// it does not hold, or is not by somebody of that name.
func (b *Bank) recorded(ctx context.Context, signature, document []byte, name string) (Record, error) {
	v, err := b.conf.Verifier.Verify(ctx, signature, document)
	if err != nil {
		return Record{}, err
	}
	signer, kind := v.Signer()
	if v.Verdict != relying.Passed || signer != name {
		return Record{}, ErrSignature.Because(fmt.Errorf("bank: verdict %s %s", v.Verdict, v.Code))
	}
	sum := sha256.Sum256(signature)
	return Record{Method: MethodSignature, Issuer: kind, SignatureSHA256: hex.EncodeToString(sum[:]), VerifiedAt: v.CheckedAt, Verifier: b.conf.VerifierURL}, nil
}

// PaperStore keeps papers.
type PaperStore interface {
	// Papers are those about an application, and those that a person signed about any: the
	// oldest first.
	Papers(ctx context.Context, application string) ([]Paper, error)
	PapersBy(ctx context.Context, sub string) ([]Paper, error)
}

// Papers are all that a person signed beside applications of theirs.
func (b *Bank) Papers(ctx context.Context, sub string) ([]Paper, error) {
	return b.conf.Store.PapersBy(ctx, sub)
}

// Paper is one that a person signed. It returns ErrNotFound, also for somebody else's.
func (b *Bank) Paper(ctx context.Context, sub, id string) (Paper, error) {
	all, err := b.conf.Store.PapersBy(ctx, sub)
	for _, p := range all {
		if p.ID == id {
			return p, nil
		}
	}
	return Paper{}, errors.Join(err, ErrNotFound)
}
