package ceremony

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"tegata/internal/visible"
)

// Limits of what one request of kind sign is about. The documents of a request share
// MaxDocument.
const (
	// MaxDocuments is how many documents one request may bring.
	MaxDocuments = 10
	// MaxDocument is how large they may be together, in bytes.
	MaxDocument = 1 << 20
	// maxSignature is what a signature may add to a document.
	maxSignature = 128 << 10
	// MaxSigned is the largest signed document: a document, and what a signature adds.
	MaxSigned = MaxDocument + maxSignature
)

// MaxSignStart and MaxPosted are the largest bodies of POST /api/sign-transactions and
// of an answer of kind sign, in bytes: base64, and what is around it.
const (
	MaxSignStart = 4*(MaxDocument/3+1) + 48<<10
	MaxPosted    = 4*((MaxDocument+MaxDocuments*maxSignature)/3+1) + MaxDocuments*(4<<10) + 64<<10
)

// Document is what `sign` asks to be signed. The phone fetches it from the
// verifier and shows it: a digest alone is refused.
type Document struct {
	Name      string `json:"name"`   // of the file, as the person sees and keeps it; without folder
	Format    string `json:"format"` // cades, pades, xades
	MediaType string `json:"media_type"`
	SHA256    string `json:"sha256"` // base64url
	URL       string `json:"url"`    // of the verifier: see Request.PlaceDocuments
}

// Check looks at the form of d: ErrMalformed.
func (d Document) Check() error {
	if !visible.Any(d.Name) || visible.Text(d.Name) != d.Name || len(d.Name) > 200 || strings.ContainsAny(d.Name, "/\\\n\t") {
		return malformed("document name")
	}
	if d.Format != "cades" && d.Format != "pades" && d.Format != "xades" || d.MediaType == "" || len(d.MediaType) > 100 || !digest(d.SHA256) {
		return malformed("document")
	}
	if _, err := Origin(d.URL); err != nil {
		return malformed("document address")
	}
	return nil
}

// ToSign are the documents of a request of kind sign, in the order in which they are
// shown and signed.
func (r Request) ToSign() []Document {
	if r.Document != nil {
		return []Document{*r.Document}
	}
	return r.Documents
}

// checkDocuments: sign needs documents and nothing else has any; each one once.
func (r Request) checkDocuments() error {
	if r.Document != nil && r.Documents != nil || len(r.Documents) == 1 || len(r.Documents) > MaxDocuments {
		return malformed("one document stands in document, 2 to %d in documents", MaxDocuments)
	}
	all := r.ToSign()
	if (r.Kind == SignDoc) != (len(all) > 0) {
		return malformed("a document is for sign, and sign needs one")
	}
	for i, d := range all {
		if err := d.Check(); err != nil {
			return err
		}
		if slices.ContainsFunc(all[:i], func(before Document) bool { return before.SHA256 == d.SHA256 }) {
			return ErrSameDocument
		}
	}
	return nil
}

// DocumentURL is where a verifier serves the document of a request to the phone that
// fetched it: the only Document.URL that it takes.
func DocumentURL(origin, request string) string {
	return origin + "/v1/requests/" + request + "/document"
}

// DocumentsURL is the same of one of several, counted from 1.
func DocumentsURL(origin, request string, n int) string {
	return DocumentURL(origin, request) + "s/" + strconv.Itoa(n)
}

// PlaceDocuments makes documents those of the request, each with the address at which
// the verifier of that origin serves it.
func (r *Request) PlaceDocuments(origin string, documents ...Document) {
	if len(documents) == 1 {
		documents[0].URL = DocumentURL(origin, r.ID)
		r.Document = &documents[0]
		return
	}
	for i := range documents {
		documents[i].URL = DocumentsURL(origin, r.ID, i+1)
	}
	r.Documents = documents
}

// DocumentsAt tells whether every document of the request is named where the verifier
// of that origin serves it.
func (r Request) DocumentsAt(origin string) bool {
	for i, d := range r.Documents {
		if d.URL != DocumentsURL(origin, r.ID, i+1) {
			return false
		}
	}
	return r.Document == nil || r.Document.URL == DocumentURL(origin, r.ID)
}

// UsedDocument is what was signed, or was to be: never the document itself.
type UsedDocument struct {
	Name      string `json:"name"`
	Format    string `json:"format"`
	MediaType string `json:"media_type"`
	SHA256    string `json:"sha256"` // base64url, of the document before it was signed
}

// Used is what histories and results say of d.
func (d Document) Used() *UsedDocument {
	return &UsedDocument{Name: d.Name, Format: d.Format, MediaType: d.MediaType, SHA256: d.SHA256}
}

// UsedDocuments is what histories and results say of a request's documents: of the one,
// or of several.
func (r Request) UsedDocuments() (one *UsedDocument, several []UsedDocument) {
	if r.Document != nil {
		return r.Document.Used(), nil
	}
	for _, d := range r.Documents {
		several = append(several, *d.Used())
	}
	return nil, several
}

// SignStart is the body of POST /api/sign-transactions, with the party's client
// assertion: a request of kind sign and the documents that it names, the one in Document
// or several in Documents. A digest without a document is refused.
type SignStart struct {
	Start
	Document  []byte    `json:"document,omitempty"` // base64
	Documents []Brought `json:"documents,omitempty"`
}

// Brought is one of several documents that are brought to be signed.
type Brought struct {
	Document []byte `json:"document"` // base64
	// What the signed request says of it too; beside one they may be left out.
	Name      string `json:"name,omitempty"`
	MediaType string `json:"media_type,omitempty"`
	Format    string `json:"format,omitempty"`
}

// SignResult answers GET /api/sign-transactions/{result_id}/result.
type SignResult struct {
	Result
	// Document is of the request; Signature the detached CMS (cades), or the signed
	// PDF or XML document, once the verdict is passed.
	Document  *UsedDocument `json:"document,omitempty"`
	Signature []byte        `json:"signature,omitempty"` // base64
	// Signed is the verdict on the signature by itself, as POST /v1/verify gives it.
	Signed json.RawMessage `json:"signed,omitempty"`
	// Documents are the same of each, in the request's order, when they are several.
	Documents []SignedDocument `json:"documents,omitempty"`
}

// SignedDocument is one of several documents of a transaction and what came of it.
type SignedDocument struct {
	UsedDocument
	// Verdict is of this document: passed when all are, failed on the one because of
	// which none is.
	Verdict   Verdict         `json:"verdict,omitempty"`
	Signature []byte          `json:"signature,omitempty"` // base64
	Signed    json.RawMessage `json:"signed,omitempty"`
}
