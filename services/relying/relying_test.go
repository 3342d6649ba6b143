package relying_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/url"
	"testing"

	"tegata/internal/httpd"
	"tegata/services/relying"
)

const application = "I apply for an account.\n"

func document() relying.Document {
	return relying.Document{Content: []byte(application), Name: "a.txt", MediaType: "text/plain", Format: "cades", Purpose: "apply"}
}

func TestADocumentIsSigned(t *testing.T) {
	o, p := newOP(t)
	o.sha = digest(application)
	id, err := p.Bring(t.Context(), document(), "application-1")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.Bring(t.Context(), document(), "application-1"); err != nil || again != id {
		t.Errorf("brought again: %q, %v", again, err)
	}
	l, to, err := p.Begin(t.Context(), relying.Request{Scopes: []string{"sign"}, ACR: "r3", Transaction: id})
	if err != nil {
		t.Fatal(err)
	}
	back := o.approve(to)
	who, err := p.Finish(t.Context(), l, back)
	if err != nil || who.Sub != o.sub || who.ACR != o.origin+"/acr/r3" || len(who.AMR) != 2 || who.AuthTime.IsZero() {
		t.Fatalf("%+v, %v", who, err)
	}
	for range 2 { // the line may break
		s, err := p.Fetch(t.Context(), who, id, digest(application))
		if err != nil || s.Verdict != "passed" || string(s.Signature) != "CMS" || s.Receipt == "" {
			t.Errorf("%+v, %v", s, err)
		}
	}
	if _, err := p.Fetch(t.Context(), who, id, digest("another")); !errors.Is(err, relying.ErrOtherSigner) {
		t.Errorf("another document: %v", err)
	}
	v, err := p.Verify(t.Context(), []byte("CMS"), []byte(application))
	state, asOf := v.Status()
	if name, kind := v.Signer(); err != nil || v.Verdict != relying.Passed || state != "good" || asOf.IsZero() || name != "手形 花子" || kind != "phone-sign" || v.Certificate() != "ab12" || v.CheckedAt.IsZero() {
		t.Errorf("checked again: %+v, %v", v, err)
	}
	if v, err := p.Verify(t.Context(), []byte("CMS"), []byte("another")); err != nil || v.Verdict == relying.Passed {
		t.Errorf("another content: %+v, %v", v, err)
	} else if state, _ := v.Status(); state != "" {
		t.Errorf("another content: status %q", state)
	}
	o.sub = "taro-at-the-bank"
	if _, err := p.Fetch(t.Context(), who, id, digest(application)); !errors.Is(err, relying.ErrOtherSigner) {
		t.Errorf("another person: %v", err)
	}
	// The browser's back button brings the same code again.
	var refused *relying.RefusedError
	if _, err := p.Finish(t.Context(), l, back); !errors.As(err, &refused) || refused.Code != "invalid_grant" {
		t.Errorf("the code a second time: %v", err)
	}
}

func TestWhatTheBrowserBringsIsNotBelieved(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(o *op, l *relying.Login, q url.Values)
		want   error
	}{
		{"another state", func(_ *op, _ *relying.Login, q url.Values) { q.Set("state", "x") }, relying.ErrNotAsked},
		{"no state on either side", func(_ *op, l *relying.Login, q url.Values) { q.Set("state", ""); l.State = "" }, relying.ErrNotAsked},
		{"two states", func(_ *op, _ *relying.Login, q url.Values) { q.Add("state", "x") }, relying.ErrNotAsked},
		{"another issuer", func(_ *op, _ *relying.Login, q url.Values) { q.Set("iss", "https://other.example") }, relying.ErrNotAsked},
		{"no issuer", func(_ *op, _ *relying.Login, q url.Values) { q.Del("iss") }, relying.ErrNotAsked},
		{"an error of another issuer", func(_ *op, _ *relying.Login, q url.Values) { q.Del("iss"); q.Set("error", "access_denied") }, relying.ErrNotAsked},
		{"a refusal", func(_ *op, _ *relying.Login, q url.Values) { q.Set("error", "access_denied") }, relying.ErrDenied},
		{"a refusal since data changed", func(_ *op, _ *relying.Login, q url.Values) {
			q.Set("error", "access_denied")
			q.Set("error_description", "certificate-data-changed: The signature certificate ended.")
		}, relying.ErrDataChanged},
		{"another login's ID Token", func(o *op, _ *relying.Login, _ url.Values) { o.nonce = "x" }, relying.ErrNotAsked},
		{"a lesser class", func(o *op, _ *relying.Login, _ url.Values) { o.acr = o.origin + "/acr/r1" }, relying.ErrWeak},
		{"a token that is not bound", func(o *op, _ *relying.Login, _ url.Values) { o.kind = "Bearer" }, relying.ErrProvider},
		{"userinfo of another person", func(o *op, _ *relying.Login, _ url.Values) { o.told = "taro-at-the-bank" }, relying.ErrNotAsked},
		{"a key that is not in discovery", func(o *op, _ *relying.Login, _ url.Values) { o.forged = o.client }, relying.ErrProvider},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, p := newOP(t)
			l, to, err := p.Begin(t.Context(), relying.Request{ACR: "r3", Scopes: []string{"name"}})
			if err != nil {
				t.Fatal(err)
			}
			q := o.approve(to)
			c.change(o, &l, q)
			if who, err := p.Finish(t.Context(), l, q); !errors.Is(err, c.want) || who != nil {
				t.Errorf("got %+v, %v; want %v", who, err, c.want)
			}
		})
	}
}

func TestRefusalsKeepTheirCode(t *testing.T) {
	o, p := newOP(t)
	var refused *relying.RefusedError
	if _, _, err := p.Begin(t.Context(), relying.Request{Scopes: []string{"sign"}, ACR: "r3", Transaction: "over"}); !errors.As(err, &refused) || refused.Code != "invalid_request" {
		t.Errorf("a transaction that is over: %v", err)
	}
	o.refuse = "yes"
	if _, err := p.Bring(t.Context(), document(), "1"); !errors.As(err, &refused) || refused.Code != "unauthorized_client" || errors.Is(err, relying.ErrDenied) {
		t.Errorf("a client without the scope: %v", err)
	}
}

func TestAProviderWithoutTheProfileIsNone(t *testing.T) {
	for _, lacks := range []string{"pushed_authorization_request_endpoint", "authorization_response_iss_parameter_supported", "dpop_signing_alg_values_supported", "token_endpoint_auth_methods_supported"} {
		o, p := newOP(t)
		o.lacks = lacks
		if _, _, err := p.Begin(t.Context(), relying.Request{}); !errors.Is(err, relying.ErrProvider) {
			t.Errorf("without %s: %v", lacks, err)
		}
		// It is asked again: a provider may be mended while its parties run.
		o.mu.Lock()
		o.lacks = ""
		o.mu.Unlock()
		if _, _, err := p.Begin(t.Context(), relying.Request{}); err != nil {
			t.Errorf("mended %s: %v", lacks, err)
		}
	}
}

func TestAPartyIsWhole(t *testing.T) {
	whole := relying.Config{Issuer: "http://op", ClientID: "bank", Key: newKey(t), KeyID: "k1", RedirectURI: redirectURI, HTTP: httpd.Client(0)}
	if _, err := relying.New(whole); err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*relying.Config){
		"no issuer":           func(c *relying.Config) { c.Issuer = "" },
		"no client":           func(c *relying.Config) { c.ClientID = "" },
		"no kid":              func(c *relying.Config) { c.KeyID = "" },
		"no redirect address": func(c *relying.Config) { c.RedirectURI = "" },
		"no HTTP client":      func(c *relying.Config) { c.HTTP = nil },
		"no key":              func(c *relying.Config) { c.Key = nil },
		"a key on P-384":      func(c *relying.Config) { c.Key = p384 },
	} {
		c := whole
		change(&c)
		if _, err := relying.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
