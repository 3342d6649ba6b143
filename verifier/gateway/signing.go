package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/signable"
)

// Signature transactions: a party brings a request of kind sign and the documents, the
// phone fetches and shows them from here, and what is signed comes back with the answer
// (signed.go).

// What keeps a document from being put before a person.
var (
	ErrDocumentMissing = problem.NewYourTurn(422, "document-missing",
		"署名してもらう文書がありません。", "ハッシュ値だけでは受け付けません。POST /api/sign-transactions に、依頼と文書そのものを送ってください。",
		"The document to be signed is not here.", "A digest alone is not taken: send the request and the document itself to POST /api/sign-transactions.")
	ErrDocumentSize = problem.NewYourTurn(413, "document-too-large",
		"文書が大きすぎます。", "署名できる文書は1MBまでです。いくつかあるときは、合わせて1MBまでです。",
		"The document is too large.", "A document that can be signed has at most 1 MB; several, together.")
	ErrDocumentCount = problem.NewYourTurn(422, "document-count",
		"文書の数が合いません。", "1つは document に、2つから10までは documents に、依頼に書かれた数と順番で送ってください。",
		"These are not as many documents as there must be.", "Send one in document, or 2 to 10 in documents: as many as the request names, in its order.")
	ErrDocumentTwice = problem.NewRefused(422, "document-twice",
		"同じ文書が2つあります。", "どの文書も、1つの依頼に1回だけ入れてください。",
		"The same document is there twice.", "Put each document into a request once.")
	ErrDocumentHash = problem.NewRefused(422, "document-hash",
		"文書が、依頼に書かれたハッシュ値と違います。", "依頼に署名したときの文書を、1バイトも変えずに送ってください。",
		"The document is not the one whose hash the request holds.", "Send the document for which the request was signed, not a byte changed.")
	ErrDocumentKind = problem.NewRefused(422, "document-kind",
		"スマートフォンが表示できない種類の文書です。", "UTF-8の文章（text/plain）、PDF、XMLのどれかにし、署名の形式（cades、pades、xades）と合わせてください。",
		"A phone cannot show this kind of document.", "Use UTF-8 text (text/plain), PDF or XML, with a format (cades, pades, xades) that goes with it.")
	ErrDocumentEmpty = problem.NewRefused(422, "document-meaningless",
		"何も書かれていない文書には、署名を求められません。", "本人が読んで同意できる内容のある文書にしてください。",
		"Nobody can be asked to sign a document that says nothing.", "Send one with something to read and agree to.")
	ErrDocumentUnreadable = problem.NewRefused(422, "document-unreadable",
		"文書を、その種類のものとして読み取れません。", "文書の書式、文字コード（UTF-8）と媒体型を確かめてください。",
		"The document cannot be read as what it is said to be.", "Check its format, its encoding (UTF-8) and its media type.")
	ErrDocumentClosed = problem.NewRefused(422, "document-closed",
		"署名を書き加えられない文書です。", "署名や暗号化で閉じられていない文書にするか、形式を cades にしてください。",
		"No signature can be added to this document.", "Send one that is not closed by a signature or encrypted, or use the format cades.")
	ErrDocumentGone = problem.NewRefused(404, "document-gone",
		"この文書はもうありません。", nothingUsedJA+againJA,
		"The document is no longer here.", nothingUsedEN+againEN)
)

// documentProblem turns what package signable finds into its code.
func documentProblem(err error) error {
	for _, known := range []struct {
		is      error
		problem *problem.Problem
	}{
		{signable.ErrKind, ErrDocumentKind}, {signable.ErrMeaningless, ErrDocumentEmpty},
		{signable.ErrClosed, ErrDocumentClosed}, {signable.ErrUnreadable, ErrDocumentUnreadable},
	} {
		if errors.Is(err, known.is) {
			return known.problem.Because(err)
		}
	}
	return err
}

// StartSigning takes a request of kind sign and its documents, as Start does. Each is the
// one whose SHA-256 is in the signed request, says something, and is kept as long as the
// request.
func (g *Gateway) StartSigning(ctx context.Context, caller ceremony.Caller, entry ceremony.Entry, body ceremony.SignStart, at time.Time) (ceremony.Started, error) {
	n, err := g.admit(ctx, caller, body.Start, at)
	if err != nil {
		return ceremony.Started{}, err
	}
	if n.asked.Kind != ceremony.SignDoc {
		return ceremony.Started{}, ErrKind
	}
	contents, err := brought(n.asked, body)
	if err != nil {
		return ceremony.Started{}, err
	}
	if err := CheckDocuments(n.asked.ToSign(), contents); err != nil {
		return ceremony.Started{}, err
	}
	return g.put(ctx, entry, n, contents, at)
}

// brought are the documents that came with a request.
func brought(q ceremony.Request, body ceremony.SignStart) (contents [][]byte, err error) {
	if q.Document != nil {
		if len(body.Documents) > 0 {
			return nil, ErrDocumentCount
		}
		return [][]byte{body.Document}, nil
	}
	if len(body.Document) > 0 || len(body.Documents) > len(q.Documents) {
		return nil, ErrDocumentCount
	}
	for i, b := range body.Documents {
		d := q.Documents[i]
		if b.Name != "" && b.Name != d.Name || b.MediaType != "" && b.MediaType != d.MediaType || b.Format != "" && b.Format != d.Format {
			return nil, ErrDocumentHash // it is said to be another than the signed request says
		}
		contents = append(contents, b.Document)
	}
	return contents, nil
}

// CheckDocuments returns nil for documents that may be put before a person as all says:
// ErrDocumentMissing (also when one is), ErrDocumentCount, ErrDocumentSize,
// ErrDocumentTwice, ErrRequestMalformed (a name or form), ErrDocumentHash, ErrDocumentKind,
// ErrDocumentUnreadable, ErrDocumentClosed, ErrDocumentEmpty. With several, the problem's
// member document is the name of the one.
func CheckDocuments(all []ceremony.Document, contents [][]byte) error {
	switch {
	case len(contents) == 0:
		return ErrDocumentMissing
	case len(contents) != len(all) || len(all) > ceremony.MaxDocuments:
		return ErrDocumentCount
	}
	size := 0
	for _, c := range contents {
		size += len(c)
	}
	if size > ceremony.MaxDocument {
		return ErrDocumentSize
	}
	for i, d := range all {
		err := checkDocument(d, contents[i])
		if err == nil && slices.ContainsFunc(all[:i], func(before ceremony.Document) bool { return before.SHA256 == d.SHA256 }) {
			err = ErrDocumentTwice
		}
		if p, ok := errors.AsType[*problem.Problem](err); ok && len(all) > 1 {
			return p.With("document", d.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkDocument(d ceremony.Document, content []byte) error {
	if len(content) == 0 {
		return ErrDocumentMissing
	}
	if err := d.Check(); err != nil {
		return requestProblem(err)
	}
	if hashOf(content) != d.SHA256 {
		return ErrDocumentHash
	}
	return documentProblem(signable.Check(d.Format, d.MediaType, content))
}

func hashOf(document []byte) string {
	sum := sha256.Sum256(document)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Document gives the n-th document of a request, from 1, to the phone that fetched the
// request, until it is answered. phone is the value of ceremony.PhoneHeader.
func (g *Gateway) Document(ctx context.Context, id string, n int, phone string, at time.Time) (content []byte, mediaType string, err error) {
	if !ceremony.ValidID(phone) {
		return nil, "", ErrPhoneHeader
	}
	r, err := g.request(ctx, id)
	switch {
	case err != nil:
		return nil, "", err
	case r.State == Done:
		return nil, "", ErrRequestUsed
	case !at.Before(r.ExpiresAt):
		return nil, "", ErrRequestExpired
	case r.State != Opened || r.Phone != sha256.Sum256([]byte(phone)):
		return nil, "", ErrTaken
	}
	q, err := ceremony.KeptRequest(r.JWS)
	if err != nil {
		return nil, "", fmt.Errorf("gateway: stored request %s: %w", id, err)
	}
	all := q.Unverified().ToSign()
	if n < 1 || n > len(all) {
		return nil, "", ErrDocumentGone
	}
	content, err = g.c.Store.Document(ctx, id, n)
	if errors.Is(err, ErrNotFound) {
		return nil, "", ErrDocumentGone
	}
	if err != nil {
		return nil, "", fmt.Errorf("gateway: document of %s: %w", id, err)
	}
	return content, all[n-1].MediaType, nil
}

// SignResult tells the asking party how its signature transaction stands, as Result
// does, and gives the signature once the verdict may be told.
func (g *Gateway) SignResult(ctx context.Context, caller ceremony.Caller, entry ceremony.Entry, resultID string, at time.Time) (ceremony.SignResult, error) {
	told, err := g.standing(ctx, caller, entry, resultID, true, at)
	if err != nil {
		return ceremony.SignResult{}, err
	}
	one, several := told.asked.UsedDocuments()
	out := ceremony.SignResult{Result: told.Result, Document: one}
	for i, d := range several {
		out.Documents = append(out.Documents, ceremony.SignedDocument{UsedDocument: d})
		if told.State == ceremony.StateDone && told.request.Outcome.Wrong == i+1 {
			out.Documents[i].Verdict = ceremony.Failed
		}
	}
	if told.Verdict != ceremony.Passed {
		return out, nil
	}
	signed, err := g.c.Store.Signed(ctx, told.request.ID)
	if errors.Is(err, ErrNotFound) {
		return ceremony.SignResult{}, ErrResultErased
	}
	if err != nil {
		return ceremony.SignResult{}, fmt.Errorf("gateway: result: %w", err)
	}
	if one != nil {
		out.Signature, out.Signed = signed[0].Signature, signed[0].Report
		return out, nil
	}
	for i := range out.Documents {
		d := &out.Documents[i]
		d.Verdict, d.Signature, d.Signed = ceremony.Passed, signed[i].Signature, signed[i].Report
	}
	return out, nil
}

func (g *Gateway) postSigning(w http.ResponseWriter, r *http.Request) {
	started(g, w, r, g.StartSigning)
}

func (g *Gateway) getDocument(w http.ResponseWriter, r *http.Request) { g.giveDocument(w, r, 1) }

func (g *Gateway) getDocuments(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		n = 0 // there is none
	}
	g.giveDocument(w, r, n)
}

func (g *Gateway) giveDocument(w http.ResponseWriter, r *http.Request, n int) {
	content, mediaType, err := g.Document(r.Context(), r.PathValue("id"), n, r.Header.Get(ceremony.PhoneHeader), g.c.Now())
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Disposition", "attachment") // for a phone's program, never for a browser to show
	w.Write(content)                                    // the line may break; the phone notices by the hash
}

func (g *Gateway) getSignResult(w http.ResponseWriter, r *http.Request) {
	result(g, w, r, g.SignResult)
}
