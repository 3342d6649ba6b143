package oidc_test

import (
	"bytes"
	"net/url"
	"os"
	"strings"
	"testing"

	"tegata/store/storetest"
)

// Whoever reads the database finds no code, token, secret or cookie in it.
func TestNothingThatOpensRestsInClear(t *testing.T) {
	dsn := storetest.SQLite(t)
	w := newWorld(t, dsn)
	ctx := t.Context()
	r, b := w.rp(ctx, "name"), w.browser()
	q := r.code(b, "hanako")
	token, _, err := r.tokens(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	status, out := w.refresh(token.RefreshToken)
	if status != 200 {
		t.Fatalf("%d %v", status, out)
	}
	second, _ := out["refresh_token"].(string)
	u, err := url.Parse(w.origin)
	if err != nil {
		t.Fatal(err)
	}
	cookies := b.c.Jar.Cookies(u)
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	id, _ := token.Extra("id_token").(string)
	var kept []byte
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(strings.TrimPrefix(dsn, "sqlite:") + suffix)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, text...)
	}
	if !bytes.Contains(kept, []byte("bank-login")) {
		t.Fatal("this is not the database")
	}
	for name, value := range map[string]string{"the code": q.Get("code"), "the access token": token.AccessToken, "the refresh token": token.RefreshToken,
		"the rotated refresh token": second, "the client's secret": w.secret, "the browser's cookie": cookies[0].Value, "the ID Token": id} {
		if len(value) < 16 || bytes.Contains(kept, []byte(value)) {
			t.Errorf("%s rests in clear", name)
		}
	}
}
