package signable_test

import (
	"errors"
	"testing"

	"tegata/internal/signable"
)

func TestWhatMayBeSigned(t *testing.T) {
	signed := `<a>x<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></a>`
	for _, c := range []struct {
		name, format, media, document string
		want                          error
	}{
		{"a text", "cades", "text/plain", "約束", nil},
		{"a text that names its encoding", "cades", "text/plain; charset=UTF-8", "約束", nil},
		{"XML beside which the signature lies", "cades", "text/xml", "<a>x</a>", nil},
		{"XML that is signed already, signed again beside it", "cades", "text/xml", signed, nil},
		{"XML that envelops its signature", "xades", "application/xml", "<a>x</a>", nil},
		{"XML that is signed already", "xades", "application/xml", signed, signable.ErrClosed},
		{"a comment cuts a text in two", "xades", "application/xml", "<a>1<!-- -->00</a>", signable.ErrUnreadable},
		{"nothing to see", "cades", "text/plain", "\u200b\u3000", signable.ErrMeaningless},
		{"tags alone", "xades", "text/xml", "<a><b/></a>", signable.ErrMeaningless},
		{"not UTF-8", "cades", "text/plain", "\x82\xa0", signable.ErrUnreadable},
		{"another encoding by its name", "cades", "text/plain; charset=shift_jis", "a", signable.ErrKind},
		{"a page with script", "cades", "text/html", "<p>a</p>", signable.ErrKind},
		{"a text as PDF", "pades", "text/plain", "a", signable.ErrKind},
		{"no format", "", "text/plain", "a", signable.ErrKind},
		{"no media type", "cades", "", "a", signable.ErrKind},
		{"no PDF", "pades", "application/pdf", "a", signable.ErrUnreadable},
	} {
		if err := signable.Check(c.format, c.media, []byte(c.document)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
