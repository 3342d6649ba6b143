package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/verifier/oidc"
)

// relyingParty registers a client while the verifier is served, and asks as it would.
func (w *world) relyingParty(ctx context.Context) error {
	file := filepath.Join(w.dir, "client.json")
	text, err := json.Marshal(oidc.Client{ID: "shop", Name: ceremony.Text{JA: "店", EN: "Shop"}, Mark: "店", Profile: oidc.Basic, Authentication: oidc.SecretBasic,
		RedirectURIs: []string{"https://shop.example.jp/callback"},
		Purpose:      ceremony.RegisteredPurpose{Code: "login", Sentence: ceremony.Text{JA: "ログインします。", EN: "Log in."}, RiskFloor: ceremony.R1}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	said, err := w.printed(ctx, "client", "register", "-config", w.config, "-in", file)
	if err != nil {
		return err
	}
	id, secret, _ := strings.Cut(strings.TrimSpace(said), "\t")
	at, client := w.conf.url("verifier"), httpd.Client(5*time.Second)
	var found struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
	}
	if err := httpd.GetJSON(ctx, client, at+"/.well-known/openid-configuration", &found); err != nil || found.Issuer != at {
		return fmt.Errorf("discovery: %+v, %w", found, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, found.Token, strings.NewReader("grant_type=authorization_code&code=none"))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(id, secret)
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusBadRequest { // known, and the code is none; 401 would be a stranger
		return fmt.Errorf("the registered client is answered %s", res.Status)
	}
	page, err := client.Get(at + "/authorize?client_id=nobody")
	if err != nil {
		return err
	}
	page.Body.Close()
	if page.StatusCode != http.StatusBadRequest || !strings.HasPrefix(page.Header.Get("Set-Cookie"), "__Host-openid=") || page.Header.Get("Content-Security-Policy") == "" {
		return fmt.Errorf("the provider's page: %s, %v", page.Status, page.Header)
	}
	return nil
}
