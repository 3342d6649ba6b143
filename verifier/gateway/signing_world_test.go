package gateway_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"tegata/internal/ceremony"
	"tegata/internal/cms"
	"tegata/internal/httpd"
	"tegata/internal/pades"
	"tegata/internal/pades/padestest"
	"tegata/internal/xades"
)

const contract = "一室、二年、月5万円。\nOne room, two years, 50,000 a month.\n"

const contractXML = `<?xml version="1.0" encoding="UTF-8"?>` + "\n<contract xmlns=\"urn:example\"><rent>50000</rent></contract>\n"

// contractPDF is one page with one line of text, and more in its catalog.
func contractPDF(text string, catalog ...string) []byte {
	return padestest.Page(text, strings.Join(catalog, " "))
}

// paper is a document and the form of its signature.
type paper struct {
	format, media string
	content       []byte
}

func text(s string) paper { return paper{"cades", "text/plain", []byte(s)} }

func papers() []paper {
	return []paper{text(contract), {"cades", "application/pdf", contractPDF("Pay 100 yen")}, {"cades", "text/xml", []byte(contractXML)},
		{"pades", "application/pdf", contractPDF("Pay 100 yen")}, {"xades", "application/xml", []byte(contractXML)}}
}

func shaOf(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// signing makes a request of kind sign out of one.
func (w *world) signing(p paper) func(*ceremony.Request) {
	return func(r *ceremony.Request) {
		r.Purpose, r.Kind, r.Risk = ceremony.Purpose{Code: "move", Sentence: moveSentence}, ceremony.SignDoc, ceremony.R3
		r.Document = &ceremony.Document{Name: "契約書.txt", Format: p.format, MediaType: p.media, SHA256: shaOf(p.content), URL: ceremony.DocumentURL(w.config.Origin, r.ID)}
	}
}

// bring has the portal bring a request and a document.
func (w *world) bring(r ceremony.Request, document []byte) (out ceremony.Started, err error) {
	compact, err := ceremony.SignRequest(w.portal.key, w.portal.chain, r)
	if err != nil {
		return out, err
	}
	body := ceremony.SignStart{Start: ceremony.Start{Request: compact}, Document: document}
	return out, httpd.PostJSON(w.t.Context(), w.client, w.config.Origin+"/api/sign-transactions", body, &out, w.bearer(w.portal, ""))
}

// opened is a transaction that a phone has opened.
func (w *world) opened(p paper, change ...func(*ceremony.Request)) (ceremony.Started, *phone) {
	w.t.Helper()
	started, err := w.bring(w.ask(append([]func(*ceremony.Request){w.signing(p)}, change...)...), p.content)
	if err != nil {
		w.t.Fatal(err)
	}
	return started, w.mustFetch(started.RequestURI)
}

func (p *phone) document(id string) ([]byte, error) {
	body, _, err := httpd.Exchange(p.w.t.Context(), p.w.client, http.MethodGet, p.req.Unverified().Document.URL, nil, httpd.Header{Name: ceremony.PhoneHeader, Value: id})
	return body, err
}

// signed signs content as an element does.
func (p *phone) signed(h *holder, format string, content []byte) []byte {
	p.w.t.Helper()
	var out []byte
	var err error
	switch format {
	case "cades":
		out, err = cms.Sign(h.key, h.sign[0], content, p.w.Now(), true)
	case "pades":
		var draft *pades.Draft
		if draft, err = pades.Prepare(content, pades.Options{At: p.w.Now()}); err == nil {
			var der []byte
			if der, err = cms.SignPAdES(h.key, h.sign[0], draft.Content()); err == nil {
				out, err = draft.Embed(der)
			}
		}
	case "xades":
		out, err = xades.Sign(h.key, content, xades.Options{Form: xades.Enveloped, Certificate: h.sign[0], SigningTime: p.w.Now()})
	}
	if err != nil {
		p.w.t.Fatal(err)
	}
	return out
}

// submit answers with a password and what was signed.
func (p *phone) submit(h *holder, signed [][]byte, change ...func(*ceremony.Answer)) (out ceremony.Taken, err error) {
	p.w.t.Helper()
	change = append([]func(*ceremony.Answer){func(a *ceremony.Answer) {
		a.AMR = []string{"pwd", "swk"}
		for _, s := range signed {
			a.Results = append(a.Results, shaOf(s))
		}
	}}, change...)
	posted := ceremony.Posted{}
	if posted.Answer, err = ceremony.Seal(p.compose(h, change...), p.sealTo); err != nil {
		p.w.t.Fatal(err)
	}
	for _, s := range signed {
		sealed, err := ceremony.SealSigned(s, p.sealTo)
		if err != nil {
			p.w.t.Fatal(err)
		}
		posted.Signed = append(posted.Signed, sealed)
	}
	err = httpd.PostJSON(p.w.t.Context(), p.w.client, p.post, posted, &out, httpd.Header{Name: ceremony.PhoneHeader, Value: p.id})
	return out, err
}

func (w *world) signResult(a actor, started ceremony.Started, code string) (out ceremony.SignResult, err error) {
	err = httpd.GetJSON(w.t.Context(), w.client, w.config.Origin+"/api/sign-transactions/"+started.ResultID+"/result", &out, w.bearer(a, code))
	return out, err
}
