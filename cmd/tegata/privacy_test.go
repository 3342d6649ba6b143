package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	oidcclient "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/sandbox"
)

// overheard is all that was sent to the issuer.
type overheard struct {
	mu  sync.Mutex // guards all
	all []string
}

// before is h with somebody who writes down what comes in.
func (o *overheard) before(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		var text strings.Builder
		fmt.Fprintln(&text, r.Method, r.URL.String())
		r.Header.Write(&text)
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &body), r.Body}
		h.ServeHTTP(w, r)
		io.Copy(io.Discard, r.Body)
		o.mu.Lock()
		defer o.mu.Unlock()
		o.all = append(o.all, opened(text.String()+body.String()))
	})
}

var encoded = regexp.MustCompile(`[A-Za-z0-9_+/=-]{16,}`)

// opened is a text with what is encoded in it beside it, as deep as that goes.
func opened(text string) string {
	out := text
	for _, piece := range encoded.FindAllString(text, -1) {
		piece = strings.TrimRight(piece, "=")
		for _, coding := range []*base64.Encoding{base64.RawURLEncoding, base64.RawStdEncoding} {
			if inside, err := coding.DecodeString(piece); err == nil {
				out += "\n" + opened(string(inside))
				break
			}
		}
	}
	return out
}

func (o *overheard) text(path string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out strings.Builder
	for _, one := range o.all {
		if strings.HasPrefix(one, path) {
			out.WriteString(one)
		}
	}
	return out.String()
}

// TestTheIssuerDoesNotLearnWhere listens at the issuer's door while two people log in at
// two parties and one of them signs: it learns that a verifier asked, and not for whom.
// And what the two parties get has nothing in common by which they could find out that
// somebody is a customer of both.
func TestTheIssuerDoesNotLearnWhere(t *testing.T) {
	s := &streets{}
	t.Cleanup(s.clear)
	m := s.meddled(t)
	phones := map[string]string{"taro": m.taro, "hanako": m.enrol("hanako")} // and their secrets
	m.call("POST", m.settings.machine("street")+"/clock/advance", "application/json", []byte(`{"duration":"2d"}`), m.token.Bearer())
	heard := &overheard{}
	m.open("issuer", heard.before(*m.doors["issuer"].built.Load()))

	type visit struct{ party, person string }
	values := map[visit]map[string]bool{}
	secrets := []string{}
	for _, party := range []string{"libra", "gemini"} {
		arrived := make(chan url.Values, 1)
		callback := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r.URL.Query() }))
		t.Cleanup(callback.Close)
		config, client := m.registered(party, callback.URL+"/"+party+"-callback")
		secrets = append(secrets, party, client.Name.JA, client.Purpose.Sentence.JA, client.Purpose.Code, strings.TrimPrefix(callback.URL, "http://"), config.ClientSecret)
		for _, person := range []string{"taro", "hanako"} {
			m.phone, m.taro = person+"-phone", phones[person]
			config.Scopes = []string{"openid", "name"} // so that the issuer is asked for something
			m.tokensAt(config, client.Name.JA+": "+client.Purpose.Sentence.JA, arrived)
			config.Scopes = []string{"openid"} // a name is nobody's login id: it is given by consent
			got, sub := m.tokensAt(config, client.Name.JA+": "+client.Purpose.Sentence.JA, arrived)
			values[visit{party, person}], secrets = got, append(secrets, sub)
		}
	}
	m.phone, m.taro = "taro-phone", phones["taro"]
	m.signs()

	told := heard.text("")
	if !strings.Contains(told, "POST /v1/verifier/linkage") || strings.Count(told, "POST /v1/verifier/attributes") < 4 {
		t.Fatalf("the verifier did not ask the issuer:\n%.2000s", told)
	}
	if !strings.Contains(heard.text("POST /v1/verifier/attributes"), `"claims":["name"]`) {
		t.Error("what is encoded was not opened")
	}
	for _, secret := range secrets {
		if strings.Contains(told, secret) {
			t.Errorf("the issuer was told %q", secret)
		}
	}
	for _, secret := range []string{"street.localhost", "ためしの窓口", "ためしの文書", "openid"} {
		if strings.Contains(heard.text("POST /v1/verifier/"), secret) {
			t.Errorf("the verifier told the issuer %q", secret)
		}
	}
	for _, person := range []string{"taro", "hanako"} {
		other := map[string]string{"taro": "hanako", "hanako": "taro"}[person]
		for value := range values[visit{"libra", person}] {
			if values[visit{"gemini", person}][value] && !values[visit{"gemini", other}][value] {
				t.Errorf("both parties have %q of %s, and not of %s", value, person, other)
			}
		}
	}
}

// tokensAt logs in and returns every text that the party has of it, and the sub.
func (m *meddled) tokensAt(config oauth2.Config, shown string, arrived <-chan url.Values) (map[string]bool, string) {
	m.t.Helper()
	pkce := oauth2.GenerateVerifier()
	q := m.arrives(config.AuthCodeURL(ceremony.NewID(), oidcclient.Nonce(ceremony.NewID()), oauth2.S256ChallengeOption(pkce)), shown, arrived)
	token, err := config.Exchange(m.t.Context(), q.Get("code"), oauth2.VerifierOption(pkce))
	m.must(err)
	verifier := m.settings.machine("verifier")
	raw, _ := token.Extra("id_token").(string)
	var all []any
	for _, text := range [][]byte{
		payload(raw),
		m.call("GET", verifier+"/userinfo", "", nil, httpd.Bearer(token.AccessToken)),
		m.call("POST", verifier+"/introspect", "application/x-www-form-urlencoded", []byte(url.Values{"token": {token.AccessToken}}.Encode()),
			httpd.Header{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte(config.ClientID+":"+config.ClientSecret))}),
	} {
		var v any
		m.must(json.Unmarshal(text, &v))
		all = append(all, v)
	}
	values := map[string]bool{token.AccessToken: true, token.RefreshToken: true, q.Get("code"): true}
	leaves(all, values)
	claims, _ := all[0].(map[string]any)
	sub, _ := claims["sub"].(string)
	if len(values) < 8 || sub == "" {
		m.t.Fatalf("%v", values)
	}
	return values, sub
}

// payload is what a JWS says.
func payload(compact string) []byte {
	parts := strings.Split(compact, ".")
	text, _ := base64.RawURLEncoding.DecodeString(parts[1]) // the client has checked it
	return text
}

// leaves collects texts and numbers. Numbers that are times of now are no one's: two
// people log in within a second of each other.
func leaves(v any, into map[string]bool) {
	switch v := v.(type) {
	case string:
		into[v] = true
	case float64:
		if at := time.Unix(int64(v), 0); time.Since(at).Abs() > 24*time.Hour {
			into[fmt.Sprint(v)] = true
		}
	case []any:
		for _, one := range v {
			leaves(one, into)
		}
	case map[string]any:
		for _, one := range v {
			leaves(one, into)
		}
	}
}

// enrol registers a person's phone; its file of secrets.
func (m *meddled) enrol(person string) string {
	m.t.Helper()
	card, _ := m.secrets.Known(person)
	own := sandbox.PhoneSecrets{PhoneAuthPIN: "7294", PhoneSignaturePassword: "TEGATA2026"}
	in, err := json.Marshal(map[string]string{"card_signature_password": card.CardSignaturePassword, "card_auth_pin": card.CardAuthPIN,
		"phone_auth_pin": own.PhoneAuthPIN, "phone_signature_password": own.PhoneSignaturePassword})
	m.must(err)
	out := &bytes.Buffer{}
	c := console{in: bytes.NewReader(in), out: out, err: out, getenv: func(string) string { return "" }}
	if code := run(m.t.Context(), []string{"phone", "enrol", person + "-phone", "-card", person, "-secrets", "-", "-street", m.settings.machine("street"), "-data", m.dir}, c); code != exitDone {
		m.t.Fatalf("exit %d: %s", code, out)
	}
	return marshal(own)
}

// signs has the trial counter's text signed.
func (m *meddled) signs() {
	m.t.Helper()
	browser, err := newVisitor()
	m.must(err)
	street := m.settings.page("street")
	m.must(browser.open(io.Discard, http.MethodGet, street+"/shop", nil, nil))
	m.must(browser.open(io.Discard, http.MethodPost, street+"/shop", url.Values{"what": {"sign-text"}}, nil))
	link, err := browser.link("/open")
	m.must(err)
	if code, said := m.approve(link); code != exitDone {
		m.t.Fatalf("exit %d: %s", code, said)
	}
}
