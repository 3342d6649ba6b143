package phone

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tegata/holder/element"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pades"
	"tegata/internal/problem"
	"tegata/internal/signable"
	"tegata/internal/visible"
	"tegata/internal/xades"
)

// What a document to be signed can be refused for.
var (
	ErrDocumentOther = problem.NewRefused(403, "document-changed",
		"届いた文書が、依頼に書かれたものと違います。", nothingJA+"応じずに、もとの画面からやり直してください。",
		"The document that came is not the one that the request names.", nothingEN+"Do not answer; begin again on the screen that asked.")
	ErrDocumentHidden = problem.NewRefused(422, "document-not-shown",
		"この文書は、ここに表示できません。", nothingJA+"読めない文書には署名しないでください。",
		"This document cannot be shown here.", nothingEN+"Do not sign what you cannot read.")
	ErrNotSeen = problem.NewYourTurn(422, "documents-unseen",
		"まだ読んでいない文書があります。", "文書を1つずつ読み、それぞれに「読みました」の印を付けてから署名してください。",
		"There is a document that you have not read.", "Read each, tick the box below it, and sign then.")
	ErrNoDocument = problem.NewRefused(404, "no-such-document",
		"この依頼に文書はありません。", nothingJA+"もとの画面からもう一度やり直してください。",
		"This request has no document.", nothingEN+"Begin again on the screen that asked.")
)

// Document is what is to be signed, as it is shown.
type Document struct {
	Name   string
	Format string // cades, pades or xades
	Kind   signable.Kind
	Size   int    // bytes
	SHA256 string // base64url
	Pages  int    // of a PDF
	// Text of a text, with nothing hidden in it; Lines of an XML document. A PDF is
	// shown from its Content, outside these pages.
	Text    string
	Lines   []xades.Line
	Content []byte
}

// documents fetches the documents of a request, in its order, at most 1 MB together.
func (p *Phone) documents(ctx context.Context, a Asking, all []ceremony.Document) (contents [][]byte, err error) {
	size := 0
	for i := range all {
		content, err := p.document(ctx, a, &all[i])
		if err != nil {
			return nil, err
		}
		if size += len(content); size > ceremony.MaxDocument {
			return nil, httpd.BadAnswer.Because(errors.New("phone: the documents are larger than a verifier takes"))
		}
		contents = append(contents, content)
	}
	return contents, nil
}

// document fetches one document of a request from the verifier: from the address in
// the signed request, which is the verifier's own, with no redirect, at most 1 MB
// and 5 s. It is what the request says, by its hash.
func (p *Phone) document(ctx context.Context, a Asking, d *ceremony.Document) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	content, _, err := httpd.Exchange(ctx, p.phones.c.Client, http.MethodGet, d.URL, nil, httpd.Header{Name: ceremony.PhoneHeader, Value: a.Fetcher})
	if err != nil {
		return nil, refusedUnread(err)
	}
	if _, err := readDocument(d, content); err != nil {
		return nil, err
	}
	return content, nil
}

// readDocument checks a document against the signed request, and makes of it what is
// shown.
func readDocument(d *ceremony.Document, content []byte) (*Document, error) {
	if !isDocument(d, content) {
		return nil, ErrDocumentOther
	}
	if err := signable.Check(d.Format, d.MediaType, content); err != nil {
		return nil, ErrDocumentHidden.Because(err)
	}
	v := &Document{Name: d.Name, Format: d.Format, Size: len(content), SHA256: d.SHA256, Content: content}
	var err error
	if v.Kind, err = signable.KindOf(d.Format, d.MediaType); err != nil {
		return nil, ErrDocumentHidden.Because(err)
	}
	switch v.Kind {
	case signable.Text:
		// A line end of two characters is one; a carriage return by itself is not.
		v.Text = visible.Text(strings.ReplaceAll(string(content), "\r\n", "\n"))
	case signable.XML:
		v.Lines, err = xades.Readable(content)
	case signable.PDF:
		v.Pages, err = pades.CountPages(content)
	}
	if err != nil {
		return nil, ErrDocumentHidden.Because(err)
	}
	return v, nil
}

// readDocuments is readDocument of all, in their order.
func readDocuments(all []ceremony.Document, contents [][]byte) (shown []*Document, err error) {
	if len(all) != len(contents) {
		return nil, ErrDocumentOther
	}
	for i := range all {
		d, err := readDocument(&all[i], contents[i])
		if err != nil {
			return nil, err
		}
		shown = append(shown, d)
	}
	return shown, nil
}

func isDocument(d *ceremony.Document, content []byte) bool {
	sum := sha256.Sum256(content)
	return base64.RawURLEncoding.EncodeToString(sum[:]) == d.SHA256
}

// seen checks that the person has seen each of several documents.
func (w parts) seen(reply Reply) error {
	all := w.request.ToSign()
	for _, d := range all {
		if len(all) > 1 && !slices.Contains(reply.Seen, d.SHA256) {
			return ErrNotSeen.With("document", d.Name)
		}
	}
	return nil
}

// signDocuments has the element sign the very bytes that were shown, each sealed to the
// verifier. Nothing of it is kept before all are signed.
func (p *Phone) signDocuments(ctx context.Context, session *element.Session, a *Asking, q ceremony.Request, verifier *x509.Certificate) error {
	all, contents := q.ToSign(), a.contents()
	if len(contents) != len(all) {
		return ErrDocumentOther
	}
	var err error
	if a.NoRoom, err = p.noRoom(ctx, contents); err != nil {
		return err
	}
	a.Signed, a.Copies, a.SignedAt = nil, nil, p.now()
	for i := range all {
		signed, err := signDocument(session, &all[i], contents[i])
		if err != nil {
			return err
		}
		sealed, err := ceremony.SealSigned(signed, verifier)
		if err != nil {
			return fmt.Errorf("phone: answer: %w", err)
		}
		a.Signed = append(a.Signed, sealed)
		if !a.NoRoom {
			a.Copies = append(a.Copies, p.phones.c.Sealer.Seal(copyPart(p.id, copyID(a.ID, i), copySignature), signed))
		}
	}
	return nil
}

// signDocument has the element sign the very bytes that were shown.
func signDocument(session *element.Session, d *ceremony.Document, content []byte) (signed []byte, err error) {
	if !isDocument(d, content) {
		return nil, ErrDocumentOther
	}
	switch d.Format {
	case signable.CAdES:
		signed, err = session.CMS(content, true)
	case signable.PAdES:
		signed, err = session.PDF(content)
	case signable.XAdES:
		signed, err = session.XML(content)
	default:
		err = errors.New("no such format")
	}
	if err != nil {
		return nil, fmt.Errorf("phone: sign %s: %w", d.Format, err)
	}
	return signed, nil
}

// Sign signs a file with the signature key, detached (CAdES B-B), as its holder
// asks on this phone: nobody else asked for it.
func (p *Phone) Sign(ctx context.Context, content []byte, u element.Unlock) ([]byte, error) {
	p.work.Lock()
	defer p.work.Unlock()
	session, err := p.unlock(ctx, element.Unlock{Password: u.Password})
	if err != nil {
		return nil, err
	}
	defer session.Close()
	use := Use{Kind: string(ceremony.SignDoc), Result: ResultPending}
	if err := p.note(ctx, &use); err != nil {
		return nil, err
	}
	der, err := session.CMS(content, true)
	if err != nil {
		return nil, fmt.Errorf("phone: sign: %w", err)
	}
	use.Result = ResultDone
	return der, p.note(ctx, &use)
}
