package street

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"sync"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/ui"
)

// The trial counter has documents signed: a text, a PDF, an XML document. It is what a
// bank does for a contract: a signed request, the document beside it, and the signature
// out of the result.

//go:embed papers
var paperFiles embed.FS

// signCode is the purpose of a signature.
const signCode = "sign"

func signPurpose() ceremony.RegisteredPurpose {
	return ceremony.RegisteredPurpose{Code: signCode, Category: ceremony.Private, RiskFloor: ceremony.R3,
		Sentence: ceremony.Text{JA: "ためしの文書に署名します。", EN: "Sign a paper of the trial counter."}}
}

// paper is a document that the counter has signed.
type paper struct {
	What      string // in addresses, and the key of its words
	Name      string
	Format    string // of the signature
	MediaType string
	File      string // name of what comes of it
	SHA256    string // base64url
	content   []byte
}

// papers lists them.
func papers() []paper {
	all := []paper{
		{What: "text", Name: "promise.txt", Format: "cades", MediaType: "text/plain; charset=utf-8", File: "promise.txt.p7s"},
		{What: "pdf", Name: "promise.pdf", Format: "pades", MediaType: "application/pdf", File: "promise-signed.pdf"},
		{What: "xml", Name: "promise.xml", Format: "xades", MediaType: "application/xml", File: "promise-signed.xml"},
	}
	for i, p := range all {
		content, err := paperFiles.ReadFile("papers/" + p.Name)
		if err != nil { // embedded: it was there when this was compiled
			panic(err)
		}
		sum := sha256.Sum256(content)
		all[i].content, all[i].SHA256 = content, base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return all
}

// signCookie holds the id of the result of a paper that this browser waits for.
func signCookie(p paper) string { return "trial-" + p.What }

// shopCookies are all cookies of the counter.
func shopCookies() []string {
	names := []string{shopCookie}
	for _, p := range papers() {
		names = append(names, signCookie(p))
	}
	return names
}

// beginSigning brings a request and its document to the verifier.
func (h *Handler) beginSigning(ctx context.Context, p paper) (ceremony.Started, error) {
	q := h.shopRequest(signPurpose())
	q.Kind, q.Risk = ceremony.SignDoc, ceremony.R3
	q.Document = &ceremony.Document{Name: p.Name, Format: p.Format, MediaType: p.MediaType, SHA256: p.SHA256, URL: ceremony.DocumentURL(h.conf.origin("verifier"), q.ID)}
	return h.begin(ctx, "/api/sign-transactions", q, func(start ceremony.Start) any {
		return ceremony.SignStart{Start: start, Document: p.content}
	})
}

// shopSigned is what the counter shows of a signature.
type shopSigned struct {
	What, Token, File string
	Paper             paper
	Signer, Level     string
}

// signedBack fetches what was signed, and shows what the verifier says of it.
func (h *Handler) signedBack(w http.ResponseWriter, r *http.Request, p paper, result string) {
	page := emptyShop()
	var got ceremony.SignResult
	header, err := h.shopBearer(r.Context(), r.URL.Query().Get("response_code"))
	if err == nil {
		address := h.conf.origin("verifier") + "/api/sign-transactions/" + url.PathEscape(result) + "/result"
		err = httpd.GetJSON(r.Context(), h.roles.client, address, &got, header)
	}
	if err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: signCookie(p), Path: "/shop", MaxAge: -1})
	page.Result = &got.Result
	if got.Verdict == ceremony.Passed {
		page.Signed = &shopSigned{What: p.What, File: p.File, Paper: p, Token: h.signed.keep(signedFile{p, got.Signature}, h.conf.Clock.Now())}
		var report struct {
			Signatures []struct {
				Format, Level string
				Signer        struct{ Name string }
			}
		}
		if err := json.Unmarshal(got.Signed, &report); err == nil && len(report.Signatures) > 0 {
			last := report.Signatures[len(report.Signatures)-1]
			page.Signed.Signer, page.Signed.Level = last.Signer.Name, last.Format+" "+last.Level
		}
	}
	h.show(w, r, ui.Screen{Page: "shop", Data: page})
}

// signedFile is what was signed, or its signature.
type signedFile struct {
	paper   paper
	content []byte
}

// signedFor is how long the counter keeps one.
const signedFor = 10 * time.Minute

// maxKept is how many it keeps.
const maxKept = 64

// signedFiles are what was signed lately, by tokens that only the browser which came
// back from the phone was told.
type signedFiles struct {
	mu    sync.Mutex // guards all below
	files map[string]signedFile
	until map[string]time.Time
}

func (s *signedFiles) keep(f signedFile, at time.Time) (token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil || len(s.files) >= maxKept {
		s.files, s.until = map[string]signedFile{}, map[string]time.Time{}
	}
	token = ceremony.NewID()
	s.files[token], s.until[token] = f, at.Add(signedFor)
	return token
}

func (s *signedFiles) find(token string, at time.Time) (signedFile, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t, until := range s.until {
		if !at.Before(until) {
			delete(s.files, t)
			delete(s.until, t)
		}
	}
	f, ok := s.files[token]
	return f, ok
}

func (h *Handler) signedFile(w http.ResponseWriter, r *http.Request) {
	f, ok := h.signed.find(r.PathValue("token"), h.conf.Clock.Now())
	if !ok {
		h.nothing(w, r)
		return
	}
	media := f.paper.MediaType
	if f.paper.Format == "cades" {
		media = "application/pkcs7-signature" // RFC 8551, section 3.2
	}
	give(w, f.paper.File, media, f.content)
}

func (h *Handler) paperFile(w http.ResponseWriter, r *http.Request) {
	for _, p := range papers() {
		if p.What == r.PathValue("what") {
			give(w, p.Name, p.MediaType, p.content)
			return
		}
	}
	h.nothing(w, r)
}

// give hands a file over, never to be shown in this origin.
func give(w http.ResponseWriter, name, mediaType string, content []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	w.Write(content) // the line may break; the person fetches it again
}
