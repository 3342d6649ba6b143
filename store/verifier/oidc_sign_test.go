package verifier_test

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"tegata/store"
	"tegata/store/verifier"
	"tegata/verifier/oidc"
)

func TestASignTransactionFromBeginningToEnd(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		document := []byte("一室、二年")
		first := oidc.SignTransaction{ID: "a", Client: "bank", Key: [32]byte{1}, Body: [32]byte{2}, Until: now.Add(10 * time.Minute),
			About: oidc.SignAbout{AboutDocument: oidc.AboutDocument{Name: "契約書.txt", MediaType: "text/plain", Format: "cades", SHA256: "x"}, Purpose: "open", Encrypt: "{}"}}
		_, err := o.PutSignTransaction(ctx, first, document, now)
		want(err, nil)
		again := first
		again.ID, again.Body = "b", [32]byte{3}
		kept, err := o.PutSignTransaction(ctx, again, document, now)
		want(err, oidc.ErrUsed)
		if kept.ID != "a" || kept.Body != first.Body {
			t.Errorf("the same key is given %+v", kept)
		}
		again.Client = "shop" // whose key is another's
		_, err = o.PutSignTransaction(ctx, again, document, now)
		want(err, nil)
		for _, id := range []string{"c", "d"} { // no key is no key
			_, err = o.PutSignTransaction(ctx, oidc.SignTransaction{ID: id, Client: "bank", Until: first.Until}, document, now)
			want(err, nil)
		}
		got, err := o.SignTransaction(ctx, "a", now)
		want(err, nil)
		if !reflect.DeepEqual(got.About, first.About) || got.Client != "bank" || got.UsedBy != "" || !got.Until.Equal(first.Until) {
			t.Errorf("%+v", got)
		}
		_, err = o.SignTransaction(ctx, "a", first.Until)
		want(err, oidc.ErrNotFound)
		_, err = o.SignContent(ctx, "a", first.Until)
		want(err, oidc.ErrNotFound)
		want(o.HoldSignTransaction(ctx, "a", first.Until.Add(-time.Minute)), nil) // never shorter
		want(o.HoldSignTransaction(ctx, "a", first.Until.Add(time.Minute)), nil)
		content, err := o.SignContent(ctx, "a", first.Until)
		want(err, nil)
		if string(content) != string(document) {
			t.Errorf("%q", content)
		}
		want(o.UseSignTransaction(ctx, "a", "login", now.Add(time.Hour), now.Add(2*time.Hour)), oidc.ErrUsed)
		later := now.Add(15 * time.Minute)
		want(o.UseSignTransaction(ctx, "a", "login", now, later), nil)
		want(o.UseSignTransaction(ctx, "a", "login", now, later), nil) // it died in between
		want(o.UseSignTransaction(ctx, "a", "other", now, later), oidc.ErrUsed)
		want(o.HoldSignTransaction(ctx, "a", later.Add(time.Hour)), nil)
		got, err = o.SignTransaction(ctx, "a", now)
		want(err, nil)
		if got.UsedBy != "login" || !got.Until.Equal(later) {
			t.Errorf("%+v", got)
		}
		_, err = o.SignContent(ctx, "a", now)
		want(err, oidc.ErrNotFound)
		// Its time is over: the key is free, and nothing stays.
		_, err = o.PutSignTransaction(ctx, oidc.SignTransaction{ID: "e", Client: "bank", Key: [32]byte{1}, Until: later.Add(time.Minute)}, document, later)
		want(err, nil)
		want(o.SweepOIDC(ctx, later), nil)
		for id, kept := range map[string]error{"a": oidc.ErrNotFound, "c": oidc.ErrNotFound, "e": nil} {
			_, err = o.SignTransaction(ctx, id, now)
			want(err, kept)
		}
	})
}

func TestOfManySignersOneIsFirst(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		want(o.PutLogin(ctx, oidc.Login{ID: "l", Until: now.Add(time.Hour)}, now), nil)
		_, err := o.PutSignTransaction(ctx, oidc.SignTransaction{ID: "a", Client: "bank", Until: now.Add(time.Minute)}, []byte("x"), now)
		want(err, nil)
		var wg sync.WaitGroup
		signed, asked, brought := make(chan error, 10), make(chan error, 10), make(chan error, 10)
		for i := range 10 {
			wg.Go(func() { signed <- o.UseSignTransaction(ctx, "a", string(rune('a'+i)), now, now.Add(time.Hour)) })
			wg.Go(func() { asked <- o.CountAsk(ctx, "l", 5) })
			wg.Go(func() {
				_, err := o.PutSignTransaction(ctx, oidc.SignTransaction{ID: "k" + string(rune('a'+i)), Client: "bank", Key: [32]byte{7}, Until: now.Add(time.Minute)}, []byte("x"), now)
				brought <- err
			})
		}
		wg.Wait()
		for what, c := range map[string]struct {
			errors chan error
			good   int
		}{"signed": {signed, 1}, "asked": {asked, 5}, "brought": {brought, 1}} {
			close(c.errors)
			good := 0
			for err := range c.errors {
				if err == nil {
					good++
				} else {
					want(err, oidc.ErrUsed)
				}
			}
			if good != c.good {
				t.Errorf("%s: %d, want %d", what, good, c.good)
			}
		}
	})
}
