package portal_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"testing"

	"tegata/internal/ceremony"
	"tegata/services/portal"
)

func TestLinkedServicesAreAskedForNowAndEnded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.links.Links = []ceremony.Link{{ID: "bank", Claims: []string{"name"}}, {ID: "a/b"}}
		session := w.deskLogin(t, "")
		links, err := w.LinksOf(ctx, session)
		if err != nil || len(links.Links) != 2 || links.Links[0].Claims[0] != "name" {
			t.Fatalf("%+v, %v", links, err)
		}
		for range 2 {
			if err := w.EndLink(ctx, session, "bank"); err != nil {
				t.Fatal(err)
			}
		}
		// What a form carries leads to no other address of the verifier's.
		for _, id := range []string{"../rules", "a/b", "bank/end?x="} {
			w.EndLink(ctx, session, id)
		}
		links, err = w.LinksOf(ctx, session)
		if err != nil || links.Links[0].Why != ceremony.EndedByHolder || w.rules.Version != 0 {
			t.Errorf("%+v, %v", links, err)
		}

		// A login from before the portal could, and nobody.
		browser, _, err := w.Begin(ctx, ceremony.Same)
		if err != nil {
			t.Fatal(err)
		}
		w.result, w.code = passed(ceremony.Same), ceremony.NewID()
		older, err := w.Return(ctx, browser, w.code)
		if err != nil {
			t.Fatal(err)
		}
		for token, want := range map[string]error{older: portal.ErrNoLinks, "": portal.ErrNotLoggedIn, "made up": portal.ErrNotLoggedIn} {
			if _, err := w.LinksOf(ctx, token); !errors.Is(err, want) {
				t.Errorf("%q sees: %v", token, err)
			}
			if err := w.EndLink(ctx, token, "bank"); !errors.Is(err, want) {
				t.Errorf("%q ends: %v", token, err)
			}
		}
		if err := w.Logout(ctx, session); err != nil {
			t.Fatal(err)
		}
		if err := w.EndLink(ctx, session, "bank"); !errors.Is(err, portal.ErrNotLoggedIn) {
			t.Error(err)
		}
	})
}

// square is a picture of that many pixels a side.
func square(t *testing.T, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What stands on the page is the picture that was registered, asked for once; anything else
// leaves the mark.
func TestLinkedServicesHaveTheirRegisteredPictures(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		good, small := square(t, 64), square(t, 16)
		w.pictures = map[string][]byte{"/v1/parties/bank/logo": good, "/v1/parties/shop/logo": good, "/v1/parties/tiny/logo": small, "/v1/parties/a%2Fb/logo": good}
		links := []ceremony.Link{{ID: "bank", Logo: ceremony.LogoID(good)}, {ID: "plain"}, {ID: "gone", Logo: ceremony.LogoID(good), Ended: 1},
			{ID: "shop", Logo: ceremony.LogoID([]byte("another"))}, {ID: "tiny", Logo: ceremony.LogoID(small)}, {ID: "lost", Logo: ceremony.LogoID([]byte("lost"))}}
		for range 2 {
			if got := w.Logos(t.Context(), links); len(got) != 1 || !bytes.Equal(got["bank"], good) {
				t.Errorf("%d pictures", len(got))
			}
		}
		asked := map[string]int{}
		for _, path := range w.pictured {
			asked[path]++
		}
		if asked["/v1/parties/bank/logo"] != 1 || asked["/v1/parties/gone/logo"] != 0 || asked["/v1/parties/plain/logo"] != 0 {
			t.Errorf("asked for %v", asked)
		}
	})
}
