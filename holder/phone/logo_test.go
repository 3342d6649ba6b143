package phone_test

import (
	"bytes"
	"image"
	"image/png"
	"testing"

	"tegata/internal/ceremony"
)

// The picture that a person sees is the one that is registered, or none.
func TestOnlyTheRegisteredLogoIsShown(t *testing.T) {
	draw := func(width, height int) []byte {
		var b bytes.Buffer
		if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	_, p, c := registered(t)
	good, other, wide := draw(64, 64), draw(96, 96), draw(64, 32)
	for name, of := range map[string]struct {
		registered, served []byte
		shown              bool
	}{
		"the registered one": {good, good, true}, "another one": {good, other, false}, "none": {good, nil, false}, "none registered": {nil, good, false},
		"no picture": {[]byte("<svg/>"), []byte("<svg/>"), false}, "not square": {wide, wide, false}, "large": {make([]byte, 200<<10), make([]byte, 200<<10), false},
	} {
		c.reg.Logo, c.logo = "", of.served
		if of.registered != nil {
			c.reg.Logo = ceremony.LogoID(of.registered)
		}
		a, err := p.Fetch(t.Context(), c.ask(nil))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if of.shown != (len(a.Party.Logo) > 0) || of.shown && !bytes.Equal(a.Party.Logo, of.registered) {
			t.Errorf("%s: %d bytes are shown", name, len(a.Party.Logo))
		}
		again, err := p.Fetch(t.Context(), c.ask(nil))
		if err != nil || !bytes.Equal(again.Party.Logo, a.Party.Logo) {
			t.Errorf("%s, later: %v", name, err)
		}
	}
}
