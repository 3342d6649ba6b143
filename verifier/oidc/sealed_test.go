package oidc

import (
	"bytes"
	"testing"

	"tegata/internal/ceremony"
)

func TestARedirectIsReadByItsBrowserAlone(t *testing.T) {
	cookie, redirect := ceremony.NewID(), "http://127.0.0.1:9/callback?code=SECRET"
	sealed, err := sealFor(cookie, redirect)
	if err != nil || bytes.Contains(sealed, []byte("SECRET")) {
		t.Fatalf("%q, %v", sealed, err)
	}
	if got, err := openFor(cookie, sealed); err != nil || got != redirect {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := openFor(ceremony.NewID(), sealed); err == nil {
		t.Errorf("another browser reads %q", got)
	}
	for i := range sealed {
		spoiled := bytes.Clone(sealed)
		spoiled[i] ^= 1
		if _, err := openFor(cookie, spoiled); err == nil {
			t.Fatalf("byte %d may be changed", i)
		}
	}
	if _, err := openFor(cookie, nil); err == nil {
		t.Error("nothing opens")
	}
}
