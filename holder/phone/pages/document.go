package pages

import (
	"mime"
	"strconv"

	"tegata/holder/phone"
	"tegata/internal/signable"
	"tegata/internal/ui"
	"tegata/internal/xades"
)

// document is what is to be signed, as it is shown. A PDF is not drawn here: it is
// handed to the browser's own viewer, at an address of its own.
type document struct {
	Name, Format, Kind, SHA256 string
	Bytes                      string
	Pages                      int
	Text                       string
	Lines                      []documentLine
	URL                        string // of the PDF
	N, Of                      int    // which of several; 0 when it is the only one
	Asked                      bool   // the person is asked whether they have read it
	Seen                       bool   // and said so, before an entry that was not taken
}

// Anchor is its place on the page.
func (d document) Anchor() string {
	if d.N == 0 {
		return "document"
	}
	return "document-" + strconv.Itoa(d.N)
}

// Next is the place of the one after it, or "".
func (d document) Next() string {
	if d.N == d.Of {
		return ""
	}
	return "document-" + strconv.Itoa(d.N+1)
}

// documentLine is one line of an XML document.
type documentLine struct {
	Label, Value string
	Depth        int    // at most deepest
	Note         string // what kind of line it is, when that is not an element
}

// deepest is how far lines are moved to the right; a narrow screen has no more room.
const deepest = 4

// documentsOf are the documents of a request, whose page is at path.
func documentsOf(all []*phone.Document, path string) (shown []*document) {
	for i, d := range all {
		v := documentOf(d, path+"/document")
		if len(all) > 1 {
			v.URL, v.N, v.Of, v.Asked = path+"/documents/"+strconv.Itoa(i+1), i+1, len(all), true
		}
		shown = append(shown, v)
	}
	return shown
}

// documentOf is a document as it is shown; file is where a PDF is handed out.
func documentOf(d *phone.Document, file string) *document {
	v := &document{Name: d.Name, Format: d.Format, Kind: string(d.Kind), SHA256: d.SHA256, Bytes: ui.Number(int64(d.Size)), Pages: d.Pages, Text: d.Text,
		URL: file}
	for _, l := range d.Lines {
		line := documentLine{Label: l.Label, Value: l.Value, Depth: min(l.Depth, deepest)}
		if l.Kind != xades.LineElement {
			line.Note = string(l.Kind)
		}
		v.Lines = append(v.Lines, line)
	}
	return v
}

// document gives a PDF that is to be signed to the browser's viewer.
func (v *visit) document() {
	asked, err := v.phone.Asked(v.r.Context(), v.r.PathValue("ask"))
	n := 1
	if several := v.r.PathValue("n"); several != "" {
		n, _ = strconv.Atoi(several) // what is no number names none
	}
	if err == nil && (n < 1 || n > len(asked.Sign)) {
		err = phone.ErrNoDocument
	}
	if err != nil {
		v.fail(err, way{})
		return
	}
	v.givePDF(asked.Sign[n-1])
}

// givePDF gives a PDF to the browser's viewer, and nothing but that: what is in the file
// runs in no page of this origin.
func (v *visit) givePDF(d *phone.Document) {
	if d.Kind != signable.PDF {
		v.fail(phone.ErrNoDocument, way{})
		return
	}
	v.give("inline", d.Name, "application/pdf", d.Content)
}

// give hands a file over, under a policy that lets nothing in it act.
func (v *visit) give(disposition, name, mediaType string, content []byte) {
	h := v.w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": name}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// A browser's own viewer lives outside this origin, and this policy outside the viewer:
	// it is for a browser that would make something else of the file.
	h.Set("Content-Security-Policy", "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	v.w.Write(content) // the line may break; nothing is decided here
}
