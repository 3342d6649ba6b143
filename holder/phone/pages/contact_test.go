package pages

import (
	"io/fs"
	"strings"
	"testing"

	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
)

// A mail address is typed on a keyboard that has @ and changes no letter, and read large
// before the card says it.
func TestAnAddressIsTypedAndReadAsOne(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	uitest.Says(t, site, samples(), "74-address", map[ui.Lang][]string{ui.JA: {`inputmode="email" autocapitalize="none" spellcheck="false"`}})
	uitest.Says(t, site, samples(), "76-addresscard", map[ui.Lang][]string{ui.JA: {`<p class="what serial">hanako@example.jp</p>`}})
}

// Everything that the card's PIN is for is told where people look which secret is which.
func TestWhatTheCardsPINIsForIsTold(t *testing.T) {
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		t.Fatal(err)
	}
	words, err := ui.OpenCatalogue(html)
	if err != nil {
		t.Fatal(err)
	}
	uses := words.Say(ui.JA, "which.use.card-pin")
	for _, use := range []string{"スマホを止める", "見つかったスマホを元に戻す", "制限をゆるめる", "お知らせの送り先"} {
		if !strings.Contains(uses, use) {
			t.Errorf("%q lacks %s", uses, use)
		}
	}
}
