package phone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tegata/internal/ceremony"
	"tegata/internal/problem"
)

// What was signed on the phone stays on the phone: the verifier erases it five minutes
// after the answer, and whether the asking party hands a copy over is the party's.

// Limits of what a phone keeps. What is full is never emptied by itself.
const (
	MaxCopies    = 200
	MaxCopyBytes = 50 << 20
	// maxGrowth is what a signature can add to a document, and a little for the rest.
	maxGrowth = ceremony.MaxSigned - ceremony.MaxDocument
)

// ErrNoCopy: there is no such copy, or none any more.
var ErrNoCopy = problem.NewRefused(404, "no-such-copy",
	"この書類の控えはありません。", "消したか、このスマホで署名したものではありません。",
	"There is no copy of this document.", "It was erased, or it was not signed on this phone.")

// Room is how much of what a phone can keep is taken.
type Room struct {
	Copies, Bytes int
}

// Full tells whether a phone cannot keep even the smallest document more.
func (r Room) Full() bool { return !r.takes(make([][]byte, 1)) }

// takes tells whether documents and their signatures can surely be kept too: a PDF or XML
// signature holds the document once more.
func (r Room) takes(documents [][]byte) bool {
	for _, d := range documents {
		r.Copies++
		r.Bytes += 2*len(d) + maxGrowth
	}
	return r.Copies <= MaxCopies && r.Bytes <= MaxCopyBytes
}

// SignedDocument is a document that was signed on this phone.
type SignedDocument struct {
	ID     string        `json:"-"`
	Party  ceremony.Text `json:"party"`
	What   ceremony.Text `json:"what"`
	At     int64         `json:"at"`               // seconds since 1970
	Size   int           `json:"-"`                // of document and signature, bytes
	Unsure bool          `json:"unsure,omitempty"` // whether the signature reached the verifier is not known
	ceremony.UsedDocument
}

// SignedCopy is one with its content.
type SignedCopy struct {
	SignedDocument
	Shown     *Document // as it was shown before it was signed
	Signature []byte    // the detached CMS, or the signed PDF or XML document
}

// The parts of a copy, as they are sealed.
const (
	copyAbout     = "about"
	copyContent   = "document"
	copySignature = "signature"
)

// copyID names the copy of a request's document, counted from 0; by name they are in order.
func copyID(ask string, i int) string { return fmt.Sprintf("%s-%02d", ask, i+1) }

// copyPart is what a part is sealed for: none opens in the place of another.
func copyPart(phone, id, part string) string { return "signed copy " + phone + " " + id + " " + part }

// room is what is taken now.
func (p *Phone) room(ctx context.Context) (r Room, err error) {
	all, err := p.store().Copies(ctx, p.id)
	if err != nil {
		return r, fmt.Errorf("phone: copies: %w", err)
	}
	for _, c := range all {
		r.Copies++
		r.Bytes += c.Size
	}
	return r, nil
}

// noRoom tells whether copies of documents cannot be kept. It is the same before and
// after they are signed, so that what the person was told holds.
func (p *Phone) noRoom(ctx context.Context, documents [][]byte) (bool, error) {
	if len(documents) == 0 {
		return false, nil
	}
	r, err := p.room(ctx)
	return err == nil && !r.takes(documents), err
}

// closeAsk forgets a request that is over. What was signed for it is kept when it was
// approved, and nothing otherwise.
func (p *Phone) closeAsk(ctx context.Context, a Asking, w parts, approved bool) error {
	copies, err := p.copiesOf(a, w, false)
	if err != nil {
		return err
	}
	if !approved && len(copies) > 0 { // kept meanwhile, because its time was over
		if err := p.store().DropCopies(ctx, p.now(), p.id, idsOf(copies)...); err != nil {
			return fmt.Errorf("phone: answer: %w", err)
		}
		copies = nil
	}
	if err := p.store().CloseAsk(ctx, p.now(), p.id, a.ID, copies); err != nil {
		return fmt.Errorf("phone: answer: %w", err)
	}
	return nil
}

// lapse forgets a request whose time is over. What was signed for it may have arrived: it
// is the holder's to keep, and marked.
func (p *Phone) lapse(ctx context.Context, a Asking) error {
	var copies []Copy
	if len(a.Copies) > 0 {
		w, err := p.parts(ctx, a)
		if err != nil {
			return err
		}
		if copies, err = p.copiesOf(a, w, true); err != nil {
			return err
		}
	}
	if err := p.store().CloseAsk(ctx, p.now(), p.id, a.ID, copies); err != nil {
		return fmt.Errorf("phone: requests: %w", err)
	}
	return nil
}

// copiesOf puts together what is kept of a signed request.
func (p *Phone) copiesOf(a Asking, w parts, unsure bool) (all []Copy, err error) {
	contents, documents, sealer := a.contents(), w.request.ToSign(), p.phones.c.Sealer
	for i, signature := range a.Copies {
		c := Copy{ID: copyID(a.ID, i), Phone: p.id, At: a.SignedAt, Signature: signature}
		signed, err := sealer.Open(copyPart(p.id, c.ID, copySignature), signature)
		if err != nil {
			return nil, fmt.Errorf("phone: copy %s: %w", c.ID, err)
		}
		c.Size = len(contents[i]) + len(signed)
		about, err := json.Marshal(SignedDocument{Party: w.who.Name, What: w.request.Purpose.Sentence, At: c.At.Unix(), Unsure: unsure, UsedDocument: *documents[i].Used()})
		if err != nil {
			return nil, fmt.Errorf("phone: copy %s: %w", c.ID, err)
		}
		c.About = sealer.Seal(copyPart(p.id, c.ID, copyAbout), about)
		c.Document = sealer.Seal(copyPart(p.id, c.ID, copyContent), contents[i])
		all = append(all, c)
	}
	return all, nil
}

func idsOf(copies []Copy) (ids []string) {
	for _, c := range copies {
		ids = append(ids, c.ID)
	}
	return ids
}

// SignedDocuments lists what was signed on this phone and is kept here, newest first.
func (p *Phone) SignedDocuments(ctx context.Context) (list []SignedDocument, room Room, err error) {
	if _, err := p.powered(ctx); err != nil {
		return nil, room, err
	}
	// Requests whose time is over may leave something to keep.
	if _, err := p.asking(ctx, func(Asking) bool { return false }); err != nil && !errors.Is(err, ErrNoRequest) {
		return nil, room, err
	}
	all, err := p.store().Copies(ctx, p.id)
	if err != nil {
		return nil, room, fmt.Errorf("phone: copies: %w", err)
	}
	for _, c := range all {
		d, err := p.aboutCopy(c)
		if err != nil {
			return nil, room, err
		}
		list = append(list, d)
		room.Copies++
		room.Bytes += c.Size
	}
	return list, room, nil
}

func (p *Phone) aboutCopy(c Copy) (d SignedDocument, err error) {
	text, err := p.phones.c.Sealer.Open(copyPart(p.id, c.ID, copyAbout), c.About)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		return d, fmt.Errorf("phone: copy %s: %w", c.ID, err)
	}
	d.ID, d.Size = c.ID, c.Size
	return d, nil
}

// SignedDocument returns one that is kept here, to be read and taken out. ErrNoCopy.
func (p *Phone) SignedDocument(ctx context.Context, id string) (s SignedCopy, err error) {
	if _, err := p.powered(ctx); err != nil {
		return s, err
	}
	c, err := p.store().Copy(ctx, p.id, id)
	if errors.Is(err, ErrNotFound) {
		return s, ErrNoCopy
	}
	if err != nil {
		return s, fmt.Errorf("phone: copy %s: %w", id, err)
	}
	if s.SignedDocument, err = p.aboutCopy(c); err != nil {
		return s, err
	}
	content, err := p.phones.c.Sealer.Open(copyPart(p.id, id, copyContent), c.Document)
	if err != nil {
		return s, fmt.Errorf("phone: copy %s: %w", id, err)
	}
	if s.Signature, err = p.phones.c.Sealer.Open(copyPart(p.id, id, copySignature), c.Signature); err != nil {
		return s, fmt.Errorf("phone: copy %s: %w", id, err)
	}
	s.Shown, err = readDocument(&ceremony.Document{Name: s.Name, Format: s.Format, MediaType: s.MediaType, SHA256: s.SHA256}, content)
	return s, err
}

// EraseSigned erases one copy. There is no way back.
func (p *Phone) EraseSigned(ctx context.Context, id string) error {
	return p.erase(ctx, func() error { return p.store().DropCopies(ctx, p.now(), p.id, id) })
}

// EraseAllSigned erases them all. There is no way back.
func (p *Phone) EraseAllSigned(ctx context.Context) error {
	return p.erase(ctx, func() error { return p.store().DropAllCopies(ctx, p.now(), p.id) })
}

func (p *Phone) erase(ctx context.Context, drop func() error) error {
	if _, err := p.powered(ctx); err != nil {
		return err
	}
	if err := drop(); err != nil {
		return fmt.Errorf("phone: copies: %w", err)
	}
	return nil
}
