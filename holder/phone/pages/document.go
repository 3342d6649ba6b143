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
}

// documentLine is one line of an XML document.
type documentLine struct {
	Label, Value string
	Depth        int    // at most deepest
	Note         string // what kind of line it is, when that is not an element
}

// deepest is how far lines are moved to the right; a narrow screen has no more room.
const deepest = 4

func documentOf(d *phone.Document, base, ask string) *document {
	if d == nil {
		return nil
	}
	v := &document{Name: d.Name, Format: d.Format, Kind: string(d.Kind), SHA256: d.SHA256, Bytes: ui.Number(int64(d.Size)), Pages: d.Pages, Text: d.Text,
		URL: base + requestPath(ask) + "/document"}
	for _, l := range d.Lines {
		line := documentLine{Label: l.Label, Value: l.Value, Depth: min(l.Depth, deepest)}
		if l.Kind != xades.LineElement {
			line.Note = string(l.Kind)
		}
		v.Lines = append(v.Lines, line)
	}
	return v
}

// document gives a PDF that is to be signed to the browser's viewer, and nothing but
// that: what is in the file runs in no page of this origin.
func (v *visit) document() {
	id := v.r.PathValue("ask")
	asked, err := v.phone.Asked(v.r.Context(), id)
	if err == nil && (asked.Sign == nil || asked.Sign.Kind != signable.PDF) {
		err = phone.ErrNoDocument
	}
	if err != nil {
		v.fail(err, way{})
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Length", strconv.Itoa(asked.Sign.Size))
	h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": asked.Sign.Name}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// A browser's own viewer lives outside this origin, and this policy outside the viewer:
	// it is for a browser that would make something else of the file.
	h.Set("Content-Security-Policy", "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	v.w.Write(asked.Sign.Content) // the line may break; nothing is decided here
}
