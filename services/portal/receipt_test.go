package portal_test

import (
	"errors"
	"testing"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/internal/receipt"
	"tegata/services/portal"
	portalstore "tegata/store/portal"
	"tegata/store/storetest"

	"tegata/store"
)

const number = "AAAAAAAAAAAAAAAAAAAAAA"

// Nobody is shown green by what the issuer did not sign, about this phone, now.
func TestOnlyASignedReceiptCounts(t *testing.T) {
	db, err := store.Create(t.Context(), storetest.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context(), portalstore.Schema); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, db)
	sign := func(change func(*receipt.Revocation)) string {
		t.Helper()
		r := receipt.Revocation{Issuer: w.url, ID: number, Tag: "K7Q2M4XA", RevokedAt: w.now.Unix() - 60, Clear: true, At: w.now.Unix()}
		change(&r)
		compact, err := receipt.Sign(w.key, w.chain, r)
		if err != nil {
			t.Fatal(err)
		}
		return compact
	}
	same := func(*receipt.Revocation) {}
	w.answer = sign(same)
	got, err := w.ReceiptOf(t.Context(), number)
	if err != nil || !got.Clear || !got.Of("k7q2 m4xa") || got.Of("AAAAAAAA") { // what is said beside the signature counts for nothing
		t.Fatalf("%+v, %v", got, err)
	}
	w.answer = sign(func(r *receipt.Revocation) { r.Clear = false })
	if got, err := w.ReceiptOf(t.Context(), number); err != nil || got.Clear {
		t.Errorf("a phone that is in use: %+v, %v", got, err)
	}
	stranger := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 1), morning)
	for name, k := range map[string]struct {
		spoil func() string
		want  *problem.Problem
	}{
		"another phone's":             {func() string { return sign(func(r *receipt.Revocation) { r.ID = "BBBBBBBBBBBBBBBBBBBBBA" }) }, portal.ErrReceiptNotSigned},
		"another issuer's":            {func() string { return sign(func(r *receipt.Revocation) { r.Issuer = "http://other" }) }, portal.ErrReceiptNotSigned},
		"yesterday's":                 {func() string { return sign(func(r *receipt.Revocation) { r.At -= 86400; r.RevokedAt -= 86400 }) }, portal.ErrReceiptNotSigned},
		"not signed":                  {func() string { return "" }, portal.ErrReceiptNotSigned},
		"under another authority":     {func() string { return w.under(t, stranger) }, portal.ErrReceiptNotSigned},
		"by a revoked signer":         {func() string { w.signer.State = certpath.Revoked; return sign(same) }, portal.ErrReceiptNotSigned},
		"by one that nobody knows of": {func() string { w.unasked = certpath.ErrNoStatus; return sign(same) }, portal.ErrReceiptStatus},
	} {
		w.signer.State, w.unasked = certpath.Good, nil
		w.answer = k.spoil()
		if _, err := w.ReceiptOf(t.Context(), number); !errors.Is(err, k.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	asked := len(w.receipts)
	if _, err := w.ReceiptOf(t.Context(), "../../metrics"); !errors.Is(err, portal.ErrReceiptNumber) || len(w.receipts) != asked {
		t.Errorf("a number that is none: %v, and the issuer was asked", err)
	}
}

// under is a receipt that somebody else signed.
func (w *world) under(t *testing.T, a *pkitest.Authority) string {
	t.Helper()
	key := pkitest.ECKey(t)
	chain := append(w.chain[:0:0], a.Party(t, key.Public(), "issuer-feed", pki.RoleFeed, pkitest.Leaf{}), a.Cert)
	compact, err := receipt.Sign(key, chain, receipt.Revocation{Issuer: w.url, ID: number, Tag: "K7Q2M4XA", RevokedAt: w.now.Add(-time.Minute).Unix(), Clear: true, At: w.now.Unix()})
	if err != nil {
		t.Fatal(err)
	}
	return compact
}
