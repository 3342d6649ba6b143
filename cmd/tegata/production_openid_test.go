package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
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
	var sent bytes.Buffer
	if err := png.Encode(&sent, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		return err
	}
	logo, shown := filepath.Join(w.dir, "logo.png"), filepath.Join(w.dir, "shown.png")
	if err := os.WriteFile(logo, sent.Bytes(), 0o600); err != nil {
		return err
	}
	said, err := w.printed(ctx, "client", "register", "-config", w.config, "-in", file, "-logo", logo)
	if err != nil {
		return err
	}
	if err := w.tegata(ctx, "client", "show", "-config", w.config, "-id", "shop", "-logo", shown); err != nil {
		return err
	}
	picture, err := os.ReadFile(shown)
	if err != nil {
		return err
	}
	if served, _, err := httpd.Exchange(ctx, httpd.Client(5*time.Second), http.MethodGet, w.conf.url("verifier")+ceremony.LogoPath("shop"), nil); err != nil || !bytes.Equal(served, picture) {
		return fmt.Errorf("the logo that is served is another than the operator is shown: %w", err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), "https://", "http://", 1)), 0o600); err != nil {
		return err
	}
	if err := w.tegata(ctx, "client", "register", "-config", w.config, "-in", file); err == nil {
		return errors.New("an address without TLS was registered")
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
	if err := w.applicant(ctx, client, at); err != nil {
		return fmt.Errorf("a relying party that applies: %w", err)
	}
	if page.StatusCode != http.StatusBadRequest || !strings.HasPrefix(page.Header.Get("Set-Cookie"), "__Host-openid=") || page.Header.Get("Content-Security-Policy") == "" {
		return fmt.Errorf("the provider's page: %s, %v", page.Status, page.Header)
	}
	return nil
}

// applicant applies at the developers' pages, waits, and asks once the operator has
// approved.
func (w *world) applicant(ctx context.Context, client *http.Client, at string) error {
	post := func(path string, form url.Values) (*http.Response, string, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, at+path, strings.NewReader(form.Encode()))
		if err != nil {
			return nil, "", err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := client.Do(r)
		if err != nil {
			return nil, "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return res, string(text), err
	}
	_, said, err := post("/developers/new", url.Values{"name_ja": {"青葉書店"}, "name_en": {"Aoba Books"}, "sentence_ja": {"注文を見ます。"}, "sentence_en": {"See your orders."},
		"redirect_uris": {"https://aoba.example.jp/callback"}, "profile": {"basic"}, "risk": {"R1"}, "contact": {"dev@aoba.example.jp"}})
	if err != nil {
		return err
	}
	shown := regexp.MustCompile(`<code>([^<]+)</code>`).FindAllStringSubmatch(said, -1)
	if len(shown) != 3 {
		return fmt.Errorf("no three values on\n%s", said)
	}
	id, authorize := shown[0][1], at+"/authorize?"+url.Values{"client_id": {shown[0][1]}, "redirect_uri": {"https://aoba.example.jp/callback"}, "response_type": {"code"},
		"scope": {"openid"}, "code_challenge": {strings.Repeat("a", 43)}, "code_challenge_method": {"S256"}}.Encode()
	asks := func(want int) error {
		res, err := client.Get(authorize)
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode != want {
			return fmt.Errorf("/authorize answers %s, want %d", res.Status, want)
		}
		return nil
	}
	if err := asks(http.StatusForbidden); err != nil {
		return err
	}
	counted, _, err := httpd.Exchange(ctx, httpd.Client(5*time.Second), http.MethodGet, w.conf.url("verifier")+"/metrics", nil)
	if err != nil {
		return err
	}
	if !regexp.MustCompile(`(?m)^tegata_client_applications_waiting 1$`).Match(counted) || !regexp.MustCompile(`(?m)^tegata_client_applications_oldest_seconds [0-9.e-]+$`).Match(counted) {
		return fmt.Errorf("who watches the role does not hear of the application: %s", counted)
	}
	listed, err := w.printed(ctx, "client", "list", "-config", w.config)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(listed, id+"\tapplied\t") || !strings.Contains(listed, "shop\tregistered\t") {
		return fmt.Errorf("client list says\n%s", listed)
	}
	var view clientView
	text, err := w.printed(ctx, "client", "show", "-config", w.config, "-id", id)
	if err == nil {
		err = json.Unmarshal([]byte(text), &view)
	}
	if err != nil || view.Contact != "dev@aoba.example.jp" || view.Application == nil || view.Registered != nil {
		return fmt.Errorf("client show says\n%s%w", text, err)
	}
	if err := w.tegata(ctx, "client", "approve", "-config", w.config, "-id", id, "-seen", strings.Repeat("0", 64), "-why", "ok"); err == nil {
		return errors.New("something else than was looked at was approved")
	}
	if err := w.tegata(ctx, "client", "approve", "-config", w.config, "-id", id, "-seen", view.Digest, "-why", "Its register entry was checked."); err != nil {
		return err
	}
	if err := asks(http.StatusSeeOther); err != nil {
		return err
	}
	if err := w.tegata(ctx, "client", "refuse", "-config", w.config, "-id", id, "-why", "late"); err == nil {
		return errors.New("what was decided was decided again")
	}
	if err := w.tegata(ctx, "client", "end", "-config", w.config, "-id", id, "-why", "It asked for that."); err != nil {
		return err
	}
	if err := asks(http.StatusBadRequest); err != nil {
		return err
	}
	_, said, err = post("/developers/client", url.Values{"client": {id}, "token": {shown[2][1]}})
	if err == nil && !strings.Contains(said, "It asked for that.") {
		err = fmt.Errorf("its developer is not told why:\n%s", said)
	}
	return err
}
