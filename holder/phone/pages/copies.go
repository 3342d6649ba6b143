package pages

import (
	"net/url"
	"time"

	"tegata/holder/phone"
	"tegata/internal/signable"
	"tegata/internal/ui"
)

// mountCopies puts the documents that were signed on this phone under their addresses.
func mountCopies(on func(pattern string, f func(*visit))) {
	on("GET /p/{id}/documents", (*visit).copies)
	on("POST /p/{id}/documents/erase", (*visit).eraseCopies)
	on("GET /p/{id}/documents/{copy}", (*visit).copy)
	on("GET /p/{id}/documents/{copy}/pdf", (*visit).copyPDF)
	on("GET /p/{id}/documents/{copy}/file", (*visit).copyFile)
	on("GET /p/{id}/documents/{copy}/signature", (*visit).copySignature)
	on("POST /p/{id}/documents/{copy}/erase", (*visit).eraseCopy)
}

// copied is one that is kept, as it is shown.
type copied struct {
	phone.SignedDocument
	Party, What ui.Text
	At          time.Time
	Path        string // of its page
	Bytes       string
}

func (v *visit) copiedOf(d phone.SignedDocument) copied {
	return copied{SignedDocument: d, Party: text(d.Party), What: text(d.What), At: time.Unix(d.At, 0), Path: v.base + copyPath(d.ID), Bytes: ui.Number(int64(d.Size))}
}

// copyPath is the page of a copy, below the phone's own.
func copyPath(id string) string { return "/documents/" + url.PathEscape(id) }

type copiesPage struct {
	basePage
	Copies       []copied
	Used, Most   int // how many
	Taken, Space int // MB
	Full         bool
	Erased       bool // just now
	Wrong        string
}

func (v *visit) copies() {
	list, room, err := v.phone.SignedDocuments(v.r.Context())
	if err != nil {
		v.fail(err, way{})
		return
	}
	const mb = 1 << 20
	p := copiesPage{basePage: v.page(), Used: room.Copies, Most: phone.MaxCopies, Taken: (room.Bytes + mb - 1) / mb, Space: phone.MaxCopyBytes / mb,
		Full: room.Full(), Erased: v.r.URL.Query().Get("done") == "erased"}
	for _, d := range list {
		p.Copies = append(p.Copies, v.copiedOf(d))
	}
	if key := v.said().wrong["sure"]; key != "" {
		p.Wrong = v.say(key)
	}
	v.showAt("home", ui.Screen{Page: "copies", Data: p, Bad: p.Wrong != ""})
}

type copyPage struct {
	basePage
	Copy     copied
	Document *document
	Inside   bool // the signature is in the document
	Wrong    string
}

func (v *visit) copy() {
	c, ok := v.copyOf()
	if !ok {
		return
	}
	p := copyPage{basePage: v.page(), Copy: v.copiedOf(c.SignedDocument), Document: documentOf(c.Shown, v.base+copyPath(c.ID)+"/pdf"), Inside: c.Format != signable.CAdES}
	if key := v.said().wrong["sure"]; key != "" {
		p.Wrong = v.say(key)
	}
	v.showAt("home", ui.Screen{Page: "copy", Data: p, Bad: p.Wrong != ""})
}

// copyOf finds the copy of this page, or says that there is none.
func (v *visit) copyOf() (phone.SignedCopy, bool) {
	c, err := v.phone.SignedDocument(v.r.Context(), v.r.PathValue("copy"))
	if err != nil {
		v.failSafe(err, ui.Text{}, way{v.both("copies.title"), v.base + "/documents"})
	}
	return c, err == nil
}

func (v *visit) copyPDF() {
	if c, ok := v.copyOf(); ok {
		v.givePDF(c.Shown)
	}
}

func (v *visit) copyFile() {
	if c, ok := v.copyOf(); ok {
		v.give("attachment", c.Name, c.MediaType, c.Shown.Content)
	}
}

func (v *visit) copySignature() {
	c, ok := v.copyOf()
	switch {
	case !ok:
	case c.Format == signable.CAdES:
		v.give("attachment", c.Name+".p7s", "application/pkcs7-signature", c.Signature) // RFC 8551, section 3.2
	default:
		v.give("attachment", "signed-"+c.Name, c.MediaType, c.Signature)
	}
}

// Erasing has no way back, so that a tick says first that it is meant.

func (v *visit) eraseCopy() {
	id := v.r.PathValue("copy")
	v.eraseAfterTick(copyPath(id), func() error { return v.phone.EraseSigned(v.r.Context(), id) })
}

func (v *visit) eraseCopies() {
	v.eraseAfterTick("/documents", func() error { return v.phone.EraseAllSigned(v.r.Context()) })
}

func (v *visit) eraseAfterTick(from string, erase func() error) {
	if v.r.PostFormValue("sure") == "" {
		v.tell(left{path: from, wrong: map[string]string{"sure": "copies.sure.wrong"}})
		return
	}
	if err := erase(); err != nil {
		v.failSafe(err, ui.Text{}, v.again(from))
		return
	}
	v.goTo("/documents?done=erased")
}
